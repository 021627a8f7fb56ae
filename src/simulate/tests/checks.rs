//! What is said about files that are not as they should be.
use super::*;

#[test]
fn all_findings_of_a_file_at_once() {
    let text = std::fs::read_to_string(format!(
        "{}/tests/engine/fixtures/simulations/bad_users.yml",
        env!("CARGO_MANIFEST_DIR")
    ))
    .unwrap();
    insta::assert_snapshot!(findings(&text, &Project::tv_one()));
}

#[test]
fn unreachable_rules_name_the_rules_before_them() {
    let text = std::fs::read_to_string(format!(
        "{}/tests/engine/fixtures/simulations/unreachable.yml",
        env!("CARGO_MANIFEST_DIR")
    ))
    .unwrap();
    insta::assert_snapshot!(findings(&text, &Project::tv_one()));
}

/// Findings on short files, each with its first line only.
fn short(text: &str) -> String {
    let host = Project::tv_one();
    match Simulations::load(&[file("t", text)], &host) {
        Ok(_) => "no finding".into(),
        Err(e) => {
            let line = |d: &crate::diag::Diagnostic| {
                let place = d.labels.first().map(|l| l.place.show()).unwrap_or_default();
                format!(
                    "{place} {} {}{}",
                    d.code,
                    d.message,
                    d.help
                        .as_ref()
                        .map(|h| format!(" | {h}"))
                        .unwrap_or_default()
                )
            };
            e.0.iter().map(line).collect::<Vec<_>>().join("\n")
        }
    }
}

/// What is wrong with the number or the times of rows hides nothing that stands elsewhere.
#[test]
fn one_fault_does_not_hide_the_next() {
    let columns = "columns:\n  id: {type: bigint, id: sequence}\n  a: {type: integer, expr: idd}\n  b: {type: text}";
    for (top, lines) in [
        ("rows: {initial: x}", [2, 5, 6]),
        (
            "rows: {initial: 5, arrivals: poisson(9 * growht(day))}",
            [2, 5, 6],
        ),
        ("rows: {per: segmentation as s, count: s.nope}", [2, 5, 6]),
    ] {
        let said = short(&format!("simulation: t\n{top}\n{columns}\n"));
        for line in lines {
            let place = format!("t.yml:{line}:");
            assert!(said.contains(&place), "{place} is missing in\n{said}");
        }
    }
    let said = short(
        "simulation: t\ncolumns:\n  id: {type: bigint, id: packed}\n  at: {type: timestamp}\nprocess:\n  per: segmentation as s\n  each_day:\n    each:\n      at: {windows: []}\n      row: {at: now, att: 1}\n      repeat:\n        while: nht < 3\n",
    );
    for line in [9, 10, 12] {
        let place = format!("t.yml:{line}:");
        assert!(said.contains(&place), "{place} is missing in\n{said}");
    }
}

/// An expression that YAML has cut at its comma is one finding, wherever it stands.
#[test]
fn expressions_cut_in_two_are_said_once() {
    let text = "simulation: t\ncolumns:\n  id: {type: bigint, id: packed}\n  v: {type: double precision}\nprocess:\n  per: segmentation as s\n  lookup: {other: if(true, 1, 2)}\n  each_day:\n    let: {busy: chance(0.5), n: int(1, 5)}\n    each:\n      row: {v: uniform(0, 1)}\n";
    let said = short(text);
    let cut = said.matches("contains a comma | put the whole").count();
    assert_eq!((cut, said.lines().count()), (3, 3), "{said}");
}

const HEAD: &str = "simulation: t\nrows: {initial: 5}\ncolumns:\n  id: {type: bigint, id: sequence, primary_key: true}\n";

#[test]
fn each_mistake_has_its_words() {
    let columns = [
        "  a: {type: txt, expr: id}",
        "  a: {type: text, exp: id}",
        "  a: {type: text}",
        "  a: {type: text, expr: id, code: 5}",
        "  a: {type: text, expr: id}",
        "  a: {type: boolean, expr: id + 1}",
        "  a: {type: integer, expr: b}\n  b: {type: integer, expr: 1}",
        "  a: {type: integer, expr: idd * 2}",
        "  a: {type: integer, expr: florr(2.5)}",
        "  a: {type: double precision, expr: random()}",
        "  a: {type: integer, expr: 'if(id, 1, 2)'}",
        "  a: {type: integer, expr: \"if(id > 1, 1, 'x')\"}",
        "  a: {type: date, expr: start_date + start_date}",
        "  a: {type: text, expr: \"id in ('x')\"}",
        "  a: {type: text, expr: \"segmentation[1].nmae\"}",
        "  a: {type: text, expr: \"segmentation['x'].name\"}",
        "  a: {type: text, expr: \"segmentation[1, 2].name\"}",
        "  a: {type: double precision, expr: \"segmentation[1].avg_session_minutes.meen\"}",
        "  a: {type: text, weights: \"segmentation[1].weekday_time_windows\"}",
        "  a: {type: double precision, expr: normal(segmentation[1].preferred_platform_weights)}",
        "  a: {type: text, weights: {x: 0.5, y: 0.4}}",
        "  a: {type: text, weights: {x: -1, y: 2}}",
        "  a: {type: integer, weights: {x: 1, 2: 1}}",
        "  a: {type: text, by: id > 2, weights: {true: {x: 1}}}",
        "  a: {type: text, by: id, weights: {true: {x: 1}}}",
        "  a: {type: text, when: [{else: x}, {if: id > 2, then: y}]}",
        "  a: {type: text, when: [{if: id > 2 and id < 1, then: y}, {else: x}]}",
        "  a: {type: text, when: [{if: id >= 2, then: y}, {if: id < 1, then: x}]}",
        "  a: {type: text, pick: segmentation.name, distinct: parent}",
        "  a: {type: text, pick: segmentation.name, weight: \"uniform(0, 1)\"}",
        "  a: {type: text, pick: segmentations.name}",
        "  a: {type: text, pick: segmentation.names}",
        "  a: {type: text, code: 20}",
        "  a: {type: text, format: \"x {id\"}",
        "  a: {type: text, format: \"x {idd}\"}",
        "  a: {type: bigint, id: packed}",
        "  a: {type: bigint, references: segmentation.segment, expr: id}",
        "  a: {type: text, references: segmentation.segment_id, expr: \"'x'\"}",
        "  a: {type: bigint, primary_key: true, expr: id}",
        "  id: {type: bigint, expr: 1}",
        "  a: {type: integer, expr: \"1 +\"}",
        "  on: {type: integer, expr: 1}",
        "  a: {type: integer, expr: \"shuffle(id, 'x')\"}",
        "  a: {type: integer, expr: \"int(1, 2, 3)\"}",
        "  a: {type: date, expr: \"date('2025-13-01')\"}",
        "  a: {type: integer, id: packed}",
        "  a: {type: text, weights: {x: y}}",
        "  a: {type: bigint, id: sequnce}",
        "  a: {type: double precision, expr: \"normal(5, -1)\"}",
        "  a: {type: double precision, expr: \"normal(5, 1, 9, 3)\"}",
        "unique: [[id, x]]",
        "curves: {c: {over: weekday, values: {Mon: 1, Tuee: 2}}}",
        "curves: {c: {over: week, values: {1: 1}}}",
        "curves: {floor: {over: integer, values: {1: 1}}}",
        "faults: {late: {rate: 0.1, column: id}, missing: 2}",
        "expect: [{name: x, sql: select 1}]",
        "expect: [{name: x, sql: select 1, between: [5, 1]}, {name: x, sql: select 1, equals: 1}]",
        "curves: {c: {over: number, points: {}}}",
        "colums: {}",
        "version: 2",
    ];
    let found: Vec<String> = columns
        .iter()
        .map(|c| {
            format!(
                "{}\n    {}",
                c.trim(),
                short(&format!("{HEAD}{c}\n")).replace('\n', "\n    ")
            )
        })
        .collect();
    insta::assert_snapshot!(found.join("\n"));
}

#[test]
fn mistakes_of_rows_and_processes() {
    let process = |body: &str| {
        format!(
            "{HEAD}---\nsimulation: p\ncolumns: {{id: {{type: bigint, id: packed}}, n: {{type: integer}}, w: {{type: text}}}}\nprocess:\n  per: t as t\n{body}"
        )
    };
    let texts = [
        "rows: {initial: 1}\n".to_string(),
        "simulation: t\ncolumns: {id: {type: bigint, id: sequence}}\n".into(),
        "simulation: t\nrows: {initial: 5}\ncolumns: [a, b]\n".into(),
        "simulation: t\nrows: {initial: 2.5}\ncolumns: {id: {type: bigint, id: sequence}}\n".into(),
        "simulation: a b\nrows: {initial: 5}\ncolumns: {id: {type: bigint, id: sequence}}\n".into(),
        "simulation: t\nrows: {initial: -5}\ncolumns: {id: {type: bigint, id: sequence}}\n".into(),
        "simulation: t\nrows: {per: tt, count: 1}\ncolumns: {id: {type: bigint, id: sequence}}\n".into(),
        "simulation: t\nrows: {per: t as x}\ncolumns: {id: {type: bigint, id: sequence}}\n".into(),
        "simulation: a\nrows: {per: b as x}\ncolumns: {id: {type: bigint, id: sequence}}\n---\nsimulation: b\nrows: {per: a as x}\ncolumns: {id: {type: bigint, id: sequence}}\n".into(),
        "simulation: a\nrows: {initial: 3}\ncolumns: {id: {type: bigint, id: sequence, primary_key: true}, x: {type: bigint, expr: 'b[id].id'}}\n---\nsimulation: b\nrows: {initial: 3}\ncolumns: {id: {type: bigint, id: sequence, primary_key: true}, x: {type: bigint, expr: 'a[id].id'}}\n".into(),
        format!("{HEAD}---\n{HEAD}"),
        process("  each_day: {}\n"),
        process("  each_day: {each: {count: 2}}\n"),
        process("  each_day: {each: {row: {m: 1}}}\n"),
        process("  each_day: {each: {row: {id: 1}}}\n"),
        process("  each_day: {each: {row: {n: state.x}}}\n"),
        process("  state: {x: 0}\n  each_day: {each: {row: {n: state.x}, set_after: [{state: {y: 1}}, {x: 2}, {now: 3}]}}\n"),
        process("  state: {x: 0}\n  each_day: {each: {row: {n: state.x}, set_after: [{state: {x: \"'text'\"}}]}}\n"),
        process("  each_day: {each: {row: {n: 1}, at: {windows: [{start: \"25:00\", end: \"07:00\"}]}}}\n"),
        process("  each_day: {each: {row: {n: 1}, at: {windows: day}}}\n"),
        process("  each_day: {each: {repeat: {row: {n: nth}}}}\n"),
        process("  each_day: {let: {now: 1}, each: {row: {n: 1}}}\n"),
        process("  each_day: {where: t.idd > 1, each: {row: {n: t, w: 5}}}\n"),
        process("  each_day: {each: {row: {n: pick}}}\npicks: {pick: {from: segmentation as s, where: s.segment_id > kids, by: [kids]}}\n"),
    ];
    let found: Vec<String> = texts
        .iter()
        .enumerate()
        .map(|(i, t)| format!("{i}: {}", short(t).replace('\n', "\n   ")))
        .collect();
    insta::assert_snapshot!(found.join("\n"));
}

#[test]
fn types_of_state_follow_from_assignments() {
    // `pos` starts as a whole number and becomes a fraction; `last` starts as nothing and becomes a row.
    let text = format!(
        "{HEAD}---\nsimulation: p\ncolumns: {{id: {{type: bigint, id: packed}}, x: {{type: double precision}}, w: {{type: text}}}}\npicks: {{one: {{from: segmentation as s}}}}\nprocess:\n  per: t as t\n  state: {{pos: 0, last: null}}\n  each_day: {{each: {{row: {{x: state.pos, w: state.last.segment_key}}, set_after: [{{state: {{pos: state.pos + 0.5, last: one}}}}]}}}}\n"
    );
    let host = Project::tv_one();
    let s = loaded(&[file("t", &text)], &host);
    let all = rows(&s, "p", 3, 4, &host);
    assert_eq!(
        all.iter()
            .map(|r| r[1].clone().unwrap())
            .collect::<Vec<_>>(),
        ["0", "0.5", "1"]
    );
    assert!(all[0][2].is_none() && all[1][2].is_some());
}

#[test]
fn a_document_without_a_name_is_found_where_it_stands() {
    let found = short(&format!("{HEAD}---\nfoo: 1\n"));
    assert!(found.contains("t.yml:6:1 M0801 this document"), "{found}");
}

/// A value that cannot be made ends the run with the place of its column, not with a wrong row.
#[test]
fn values_that_cannot_be_made_name_their_column() {
    let columns = [
        "{type: smallint, expr: 70000 + id}",
        "{type: bigint, expr: 9223372036854775807 + id}",
        "{type: 'numeric(4,2)', expr: 99.996}",
        "{type: varchar(2), expr: \"'æøå'\"}",
        "{type: date, expr: start_date + 9999999}",
        "{type: date, expr: start_date - 9999999}",
        "{type: timestamp, expr: \"start_date + days(9999999)\"}",
        "{type: integer, expr: \"int(id, 0)\"}",
        "{type: double precision, expr: \"normal(id, -id)\"}",
        "{type: double precision, expr: \"lognormal(id, 1, id + 1, id)\"}",
        "{type: double precision, expr: exponential(-id)}",
        "{type: double precision, expr: \"pareto(id, 0)\"}",
        "{type: integer, expr: \"shuffle(id, 0)\"}",
    ];
    let host = Project::default();
    let mut found = Vec::new();
    for column in columns {
        let s = loaded(&[file("t", &format!("{HEAD}  a: {column}\n"))], &host);
        let e = s.preview("t", 1, &options(2), &host).unwrap_err();
        let place = e.0[0]
            .labels
            .first()
            .map(|l| l.place.show())
            .unwrap_or_default();
        assert!(place.ends_with(":5:3"), "{column}: {place}");
        found.push(format!("{column}\n    {}", e.0[0].message));
    }
    let arrivals = HEAD.replace("initial: 5", "initial: 5, arrivals: 9000000000000000000");
    let s = loaded(&[file("t", &arrivals)], &host);
    let e = s.preview("t", 1, &options(2), &host).unwrap_err();
    found.push(e.0[0].message.clone());
    insta::assert_snapshot!(found.join("\n"));
    // What just fits does.
    let fits = format!(
        "{HEAD}  a: {{type: varchar(2), expr: \"'æø'\"}}\n  b: {{type: 'numeric(4,2)', expr: 99.994}}\n  c: {{type: date, expr: \"date('9999-12-31')\"}}\n  d: {{type: date, expr: \"date('0001-01-01')\"}}\n"
    );
    assert_eq!(
        table(&fits, "t", 1),
        "1 | æø | 99.99 | 9999-12-31 | 0001-01-01"
    );
}
