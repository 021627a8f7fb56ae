//! Conditions answer yes or no; what they say must be what the same expression says as a value.
use super::*;
use proptest::prelude::*;

/// Conditions over columns that are true, false or null, and numbers that may be null.
fn condition() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "a",
        "b",
        "c",
        "true",
        "a is null",
        "b is not null",
        "x < y",
        "x >= 2",
        "x = y",
        "x <> 1.5",
        "t = 'p'",
        "t < u",
        "coalesce(a, b)",
    ])
    .prop_map(str::to_string);
    leaf.prop_recursive(4, 24, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} and {b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} or {b})")),
            inner.clone().prop_map(|a| format!("not ({a})")),
            inner.prop_map(|a| format!("if({a}, b, c)")),
        ]
    })
}

/// Columns that have each combination of values in turn, over 27 rows.
fn columns() -> String {
    let mut text = String::new();
    for (name, by) in [("a", 1), ("b", 3), ("c", 9)] {
        let part = format!("(n - n % {by}) % {}", by * 3);
        text += &format!(
            "  {name}: {{type: boolean, nullable: true, expr: \"if({part} = 0, true, if({part} = {by}, false, null))\"}}\n"
        );
    }
    text
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn a_condition_holds_where_its_value_is_true(condition in condition()) {
        let text = format!(
            "version: 1\nsimulation: s\nrows: {{initial: 27}}\ncolumns:\n  n: {{type: bigint, id: sequence}}\n{}\
             \x20 x: {{type: double precision, nullable: true, expr: \"if(n % 5 = 0, null, n % 4)\"}}\n\
             \x20 y: {{type: double precision, nullable: true, expr: \"if(n % 7 = 0, null, n % 3)\"}}\n\
             \x20 t: {{type: text, nullable: true, expr: \"if(n % 4 = 0, null, if(n % 2 = 0, 'p', 'q'))\"}}\n\
             \x20 u: {{type: text, nullable: true, expr: \"if(n % 3 = 0, 'p', 'r')\"}}\n\
             \x20 value: {{type: boolean, nullable: true, expr: \"{}\"}}\n\
             \x20 holds: {{type: integer, expr: \"if({}, 1, 0)\"}}\n",
            columns(),
            condition,
            condition,
        );
        let host = Project::default();
        let all = loaded(&[file("s", &text)], &host);
        for row in rows(&all, "s", 27, 5, &host) {
            let [.., value, holds] = row.as_slice() else { unreachable!() };
            let wanted = if value.as_deref() == Some("true") { "1" } else { "0" };
            prop_assert_eq!(holds.as_deref(), Some(wanted), "{}: {:?}", condition, row);
        }
    }
}

/// The same draw, whether it is asked for as a value or as a condition.
#[test]
fn a_chance_is_the_same_as_value_and_as_condition() {
    let column = |expr: &str| {
        let text = format!(
            "version: 1\nsimulation: s\nrows: {{initial: 300}}\ncolumns:\n  n: {{type: bigint, id: sequence}}\n\
             \x20 p: {{type: double precision, nullable: true, expr: \"if(n % 3 = 0, null, 0.5)\"}}\n\
             \x20 drawn: {{type: boolean, nullable: true, expr: \"{expr}\"}}\n"
        );
        let host = Project::default();
        let all = loaded(&[file("s", &text)], &host);
        let rows = rows(&all, "s", 300, 5, &host);
        let last = rows
            .iter()
            .map(|r| r[2].as_deref().unwrap_or("null").to_string());
        last.collect::<Vec<_>>()
    };
    for p in ["0.5", "p"] {
        let value = column(&format!("chance({p})"));
        let holds = column(&format!("if(chance({p}), true, false)"));
        let fails = column(&format!("if(not chance({p}), true, false)"));
        assert!(value.iter().filter(|v| *v == "true").count() > 60);
        for ((value, holds), fails) in value.iter().zip(holds).zip(fails) {
            assert_eq!((value == "true").to_string(), holds);
            assert_eq!((value == "false").to_string(), fails);
        }
    }
}

/// What a process's row takes over as it is: names, literals, nothing at all, and the same name twice.
#[test]
fn rows_are_the_same_by_column_and_as_loaded() {
    let text = "version: 1\nsimulation: s\ncolumns:\n  \
        id: {type: bigint, id: packed}\n  at: {type: timestamp}\n  label: {type: text}\n  \
        twice: {type: text}\n  nothing: {type: integer, nullable: true}\n  size: {type: integer}\n  \
        made: {type: double precision}\n  long: {type: text}\n\
        process:\n  per: people as p\n  each_day:\n    each:\n      count: 1 + p.n % 3\n      \
        let: {label: \"if(p.n % 2 = 0, 'even', 'odd')\"}\n      row:\n        at: now\n        \
        label: label\n        twice: label\n        size: 7\n        made: p.n / 2\n        \
        long: \"'a text of more than thirty-two letters'\"\n      repeat:\n        while: nth <= 2\n        \
        row: {at: now, label: \"'again'\", nothing: nth, made: 1.5}\n";
    let people = "version: 1\nsimulation: people\nrows: {initial: 40}\ncolumns:\n  n: {type: bigint, id: sequence}\n";
    let host = Project::default();
    let all = loaded(&[file("people", people), file("s", text)], &host);
    let loaded = all.dry_run("s", &options(3), &host, &|_| {}).unwrap();
    let by_column = digest(&all, "s", 3, 1, 7, None, &host);
    assert_eq!(
        (loaded.rows, loaded.text()),
        (by_column.rows, by_column.text())
    );
    let shown = rows(&all, "s", 2, 3, &host);
    insta::assert_snapshot!(format!("{shown:#?}"));
}

#[test]
fn more_values_than_a_row_can_have_are_refused() {
    let mut text = "version: 1\nsimulation: users\nrows: {initial: 1}\ncolumns:\n".to_string();
    for i in 0..crate::simulate::frame::SLOTS {
        text += &format!("  c{i}: {{type: integer, expr: \"{i}\"}}\n");
    }
    let said = findings(&text, &Project::default());
    assert!(said.contains("at most 4096 are possible"), "{said}");
    assert!(said.contains("users.yml:2:"), "{said}");
}
