//! Each construct of the language, on small tables.
use super::*;
use std::collections::{BTreeMap, BTreeSet};

fn column(s: &Simulations, name: &str, column: usize, days: u32, host: &Project) -> Vec<String> {
    rows(s, name, 1_000_000, days, host)
        .into_iter()
        .map(|mut r| r.swap_remove(column).unwrap_or_else(|| "null".into()))
        .collect()
}

fn numbers(texts: &[String]) -> Vec<f64> {
    texts.iter().map(|t| t.parse().unwrap()).collect()
}

#[test]
fn a_table_of_every_kind_of_value() {
    let text = "
simulation: t
rows: {initial: 4, arrivals: 1}
columns:
  id: {type: bigint, id: sequence, primary_key: true}
  day_of: {type: date, expr: day}
  size: {type: integer, weights: {1: 1, 2: 1}}
  kind: {type: text, when: [{if: size = 1, then: one}, {else: more}]}
  price: {type: 'numeric(8,2)', expr: \"uniform(1, 100)\"}
  code: {type: text, code: 5}
  label: {type: text, format: \"{kind}-{id:03}\"}
  at: {type: timestamp, expr: \"start_date + minutes(id * 90)\"}
  gap: {type: interval, expr: minutes(id)}
  ok: {type: boolean, expr: chance(0.5)}
";
    insta::assert_snapshot!(table(text, "t", 7));
}

/// Every function and operator once, with the value that SQL or the textbook gives.
#[test]
fn functions_and_operators() {
    let cases: &[(&str, &str, &str)] = &[
        ("integer", "7 % 3 + 2 * 5 - 1", "10"),
        ("double precision", "7 / 2", "3.5"),
        ("double precision", "1 / 0", "·"),
        ("boolean", "null = 1 or true", "true"),
        ("boolean", "null and false", "false"),
        ("boolean", "not (1 < 2)", "false"),
        ("boolean", "'b' in ('a', 'b')", "true"),
        ("boolean", "3 not in (1, 2)", "true"),
        ("boolean", "null is null and 1 is not null", "true"),
        (
            "text",
            "'a' || 1 || ' ' || 2.5 || date('2025-01-02')",
            "a1 2.52025-01-02",
        ),
        ("integer", "date('2025-03-01') - date('2025-02-27')", "2"),
        ("date", "start_date + 1.9", "2025-01-02"),
        ("date", "date('2025-01-31') - 31", "2024-12-31"),
        (
            "timestamp",
            "start_date + hours(25) - seconds(1)",
            "2025-01-02 00:59:59",
        ),
        (
            "interval",
            "timestamp('2025-01-01 10:00:00') - start_date",
            "10:00:00",
        ),
        (
            "double precision",
            "minutes(hours(2)) + days(1) / hours(12)",
            "122",
        ),
        ("text", "if(null, 'a', 'b')", "b"),
        ("text", "coalesce(null, 'x')", "x"),
        ("integer", "least(3, 1, 2) + greatest(3, null, 4)", "5"),
        ("integer", "nullif(1, 1)", "·"),
        (
            "integer",
            "round(2.5) + floor(-1.5) + ceil(1.2) + abs(-3)",
            "5",
        ),
        ("double precision", "round(3.14159, 2)", "3.14"),
        (
            "double precision",
            "sqrt(16) + pow(2, 3) + ln(exp(1)) + mod(7, 4)",
            "16",
        ),
        ("text", "lower('ÆB') || upper('ø') || trim('  x ')", "æbØx"),
        ("integer", "length('blåbær')", "6"),
        (
            "text",
            "left('abc', 2) || right('abc', 1) || replace('aXa', 'X', '-') || lpad(7, 3, '0')",
            "abca-a007",
        ),
        (
            "boolean",
            "contains('Mon,Tue', weekday(date('2025-01-07')))",
            "true",
        ),
        ("text", "format('{} of {}', 1, 'x')", "1 of x"),
        ("text", "choose(2, 'a', 'b')", "b"),
        ("text", "choose(9, 'a', 'b')", "·"),
        (
            "integer",
            "hour(timestamp('2025-01-01 23:05:00')) * 100 + minute(timestamp('2025-01-01 23:05:00'))",
            "2305",
        ),
        (
            "integer",
            "year(start_date) + month(start_date) + day_of_month(start_date) + isodow(start_date)",
            "2030",
        ),
        (
            "integer",
            "week(date('2024-12-30')) + week(date('2021-01-03'))",
            "54",
        ),
        ("boolean", "is_weekend(date('2025-01-04'))", "true"),
        (
            "date",
            "date(timestamp('2025-01-04 23:59:00'))",
            "2025-01-04",
        ),
        (
            "timestamp",
            "round_minutes(timestamp('2025-01-04 23:59:00'), 15)",
            "2025-01-04 23:45:00",
        ),
        (
            "boolean",
            "start_date < '2025-02-01' and start_date = date('2025-01-01')",
            "true",
        ),
        ("text", "text(1.50) || text(true) || text(null)", "·"),
        ("integer", "day_number(date('2025-01-03'))", "2"),
    ];
    let mut text = "simulation: t\nrows: {initial: 1}\ncolumns:\n".to_string();
    for (i, (ty, expr, _)) in cases.iter().enumerate() {
        text += &format!("  c{i}: {{type: {ty}, expr: \"{expr}\"}}\n");
    }
    let host = Project::default();
    let s = loaded(&[file("t", &text)], &host);
    let row = rows(&s, "t", 1, 1, &host).remove(0);
    for ((_, expr, want), got) in cases.iter().zip(row) {
        assert_eq!(got.as_deref().unwrap_or("·"), *want, "{expr}");
    }
}

#[test]
fn changing_one_column_leaves_the_others() {
    let text = "simulation: t\nrows: {initial: 50}\ncolumns:\n  a: {type: double precision, expr: \"uniform(0, 1)\"}\n  b: {type: double precision, expr: \"uniform(0, 1)\"}\n";
    let host = Project::default();
    let before = loaded(&[file("t", text)], &host);
    let other = text.replace(
        "columns:\n",
        "columns:\n  new: {type: double precision, expr: \"normal(0, 1) + normal(0, 1)\"}\n",
    );
    let after = loaded(&[file("t", &other)], &host);
    assert_eq!(
        column(&before, "t", 1, 1, &host),
        column(&after, "t", 2, 1, &host)
    );
    assert_ne!(
        column(&before, "t", 0, 1, &host),
        column(&before, "t", 1, 1, &host)
    );
    let renamed = loaded(
        &[file("t", &text.replace("simulation: t", "simulation: u"))],
        &host,
    );
    assert_ne!(
        column(&before, "t", 0, 1, &host),
        column(&renamed, "u", 0, 1, &host)
    );
}

/// Neighbouring rows, columns and days are uncorrelated, and values fill the unit interval evenly.
#[test]
fn draws_of_neighbours_are_independent() {
    let text = "simulation: t\nrows: {initial: 30000}\ncolumns:\n  a: {type: double precision, expr: \"uniform(0, 1)\"}\n  b: {type: double precision, expr: \"uniform(0, 1)\"}\n";
    let host = Project::default();
    let s = loaded(&[file("t", text)], &host);
    let (a, b) = (
        numbers(&column(&s, "t", 0, 1, &host)),
        numbers(&column(&s, "t", 1, 1, &host)),
    );
    let z = |x: &[f64], y: &[f64]| {
        let n = x.len().min(y.len());
        x.iter()
            .zip(y)
            .map(|(x, y)| (x - 0.5) * (y - 0.5))
            .sum::<f64>()
            / libm::sqrt(n as f64)
            * 12.0
    };
    for (name, value) in [
        ("fields", z(&a, &b)),
        ("lag 1", z(&a, &a[1..])),
        ("lag 2", z(&a, &a[2..])),
        ("cross lag", z(&a, &b[1..])),
    ] {
        assert!(value.abs() < 3.3, "{name}: z = {value}");
    }
    let mut cells = vec![0f64; 1024];
    a.iter()
        .chain(&b)
        .for_each(|x| cells[(x * 1024.0) as usize] += 1.0);
    let want = 60000.0 / 1024.0;
    let chi: f64 = cells.iter().map(|c| (c - want) * (c - want) / want).sum();
    // 1023 degrees of freedom: 5 σ is 226.
    assert!((chi - 1023.0).abs() < 226.0, "{chi}");
}

const SHOP: &str = include_str!("../../../examples/webshop/simulations/shop.yml");

fn shop() -> (Simulations, Project) {
    let host = Project::default();
    let s = loaded(&[file("shop", SHOP)], &host);
    (s, host)
}

#[test]
fn the_webshop_adds_up() {
    let (s, host) = shop();
    let lines = rows(&s, "order_lines", 1_000_000, 20, &host);
    let orders = rows(&s, "orders", 1_000_000, 20, &host);
    assert!(
        orders.len() > 300 && lines.len() > orders.len(),
        "{} {}",
        orders.len(),
        lines.len()
    );
    let ids: BTreeSet<&str> = orders.iter().map(|o| o[0].as_deref().unwrap()).collect();
    assert_eq!(ids.len(), orders.len());
    let mut products: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for line in &lines {
        let (order, product) = (line[1].as_deref().unwrap(), line[2].as_deref().unwrap());
        assert!(ids.contains(order));
        assert!(
            products.entry(order).or_default().insert(product),
            "a product twice in order {order}"
        );
    }
    assert_eq!(products.len(), orders.len());
    // Popular products sell more.
    let mut sold: BTreeMap<&str, u64> = BTreeMap::new();
    for line in &lines {
        *sold.entry(line[2].as_deref().unwrap()).or_default() += 1;
    }
    let mut counts: Vec<u64> = sold.values().copied().collect();
    counts.sort_unstable_by(|a, b| b.cmp(a));
    assert!(counts[0] > 5 * counts[counts.len() / 2]);
    // Returns come from delivered orders, after them.
    let status: BTreeMap<&str, &str> = orders
        .iter()
        .map(|o| (o[0].as_deref().unwrap(), o[3].as_deref().unwrap()))
        .collect();
    let returns = rows(&s, "returns", 1_000_000, 20, &host);
    assert!(returns.len() > 10);
    assert!(
        returns
            .iter()
            .all(|r| status[r[1].as_deref().unwrap()] == "returned")
    );
}

fn airport() -> (Simulations, Project) {
    let mut host = Project::default();
    for (name, text) in [
        (
            "routes",
            include_str!("../../../examples/airport/seeds/routes.csv"),
        ),
        (
            "airports",
            include_str!("../../../examples/airport/seeds/airports.csv"),
        ),
        (
            "aircraft_models",
            include_str!("../../../examples/airport/seeds/aircraft_models.csv"),
        ),
        (
            "names",
            include_str!("../../../examples/airport/seeds/names.csv"),
        ),
    ] {
        host.csv(name, text);
    }
    let s = loaded(
        &[file(
            "airport",
            include_str!("../../../examples/airport/simulations/airport.yml"),
        )],
        &host,
    );
    (s, host)
}

#[test]
fn the_airport_seats_everybody_once() {
    let (s, host) = airport();
    let flights = rows(&s, "flights", 1_000_000, 7, &host);
    let tickets = rows(&s, "tickets", 1_000_000, 7, &host);
    assert!(
        flights.len() > 50 && tickets.len() > 50 * flights.len(),
        "{} {}",
        flights.len(),
        tickets.len()
    );
    let day: BTreeMap<&str, &str> = flights
        .iter()
        .map(|f| (f[0].as_deref().unwrap(), &f[4].as_deref().unwrap()[8..10]))
        .collect();
    let (mut seats, mut seen) = (BTreeSet::new(), BTreeSet::new());
    for t in &tickets {
        let (flight, seat, passport) = (
            t[1].as_deref().unwrap(),
            t[2].as_deref().unwrap(),
            t[3].as_deref().unwrap(),
        );
        assert!(
            seats.insert((flight, seat)),
            "seat {seat} of flight {flight} twice"
        );
        // Blocks of three days from the first day on.
        let block = (day[flight].parse::<u32>().unwrap() - 1) / 3;
        assert!(
            seen.insert((block, passport)),
            "{passport} twice within block {block}"
        );
    }
    let passports: BTreeSet<String> = column(&s, "passports", 0, 7, &host).into_iter().collect();
    assert_eq!(passports.len(), 30_000);
    assert!(
        tickets
            .iter()
            .all(|t| passports.contains(t[3].as_deref().unwrap()))
    );
    // Names come from the list of the passport's country.
    let known: BTreeSet<(String, String)> = host.seeds["names"]
        .iter()
        .map(|r| {
            (
                r["country"].as_str().unwrap().into(),
                r["name"].as_str().unwrap().into(),
            )
        })
        .collect();
    assert!(
        rows(&s, "passports", 300, 7, &host)
            .iter()
            .all(|p| known.contains(&(p[1].clone().unwrap(), p[2].clone().unwrap())))
    );
}

#[test]
fn examples_do_not_depend_on_threads_chunks_or_days() {
    for ((s, host), names) in [
        (shop(), ["customers", "orders", "order_lines", "returns"]),
        (airport(), ["passports", "flights", "tickets", "delays"]),
    ] {
        for name in names {
            let whole = digest(&s, name, 8, 1, 1 << 40, None, &host);
            assert!(whole.rows > 0, "{name}");
            assert_eq!(digest(&s, name, 8, 3, 5, None, &host), whole, "{name}");
            let mut parts = digest(&s, name, 5, 2, 11, None, &host);
            parts.merge(digest(&s, name, 8, 2, 3, Some(5), &host));
            assert_eq!(parts, whole, "{name} in two parts");
        }
    }
}

#[test]
fn the_profile_shows_what_was_declared_beside_what_was_found() {
    let (s, host) = shop();
    let profile = s.profile("orders", &options(20), &host).unwrap();
    let status = profile.iter().find(|c| c.name == "status").unwrap();
    assert_eq!(status.distinct, Some(3));
    let customers = s.profile("customers", &options(20), &host).unwrap();
    let channel = customers.iter().find(|c| c.name == "channel").unwrap();
    assert_eq!(channel.shares.len(), 3);
    assert!(
        channel
            .shares
            .iter()
            .all(|(_, _, want, found)| (want - found).abs() < 0.05),
        "{:?}",
        channel.shares
    );
    let joined = customers.iter().find(|c| c.name == "joined_on").unwrap();
    assert_eq!((joined.histogram.len(), joined.nulls), (10, 0));
}

#[test]
fn state_windows_and_gaps_of_a_process() {
    let text = "
simulation: beings
rows: {initial: 40}
columns: {id: {type: bigint, id: sequence, primary_key: true}}
---
simulation: visits
columns:
  id: {type: bigint, id: packed, primary_key: true}
  being: {type: bigint}
  at: {type: timestamp}
  nr: {type: integer}
  note: {type: text}
process:
  per: beings as b
  state: {count: 0, last: null, word: \"'none'\"}
  each_day:
    let: {n: \"int(0, 3)\"}
    each:
      count: n
      at: {windows: [{start: \"22:00\", end: \"02:00\", weight: 1}], gap_minutes: 45}
      row: {being: b.id, at: now, nr: state.count, note: \"state.word || coalesce(text(now - state.last), '')\"}
      set_after: [{state: {count: state.count + 1, last: now, word: \"'after ' || text(b.id) || ' '\"}}]
";
    let host = Project::default();
    let s = loaded(&[file("t", text)], &host);
    let visits = rows(&s, "visits", 100_000, 10, &host);
    let mut last: BTreeMap<String, (i64, i64)> = BTreeMap::new();
    let mut after_midnight = 0;
    for v in &visits {
        let (being, at, nr) = (
            v[1].clone().unwrap(),
            v[2].clone().unwrap(),
            v[3].as_deref().unwrap().parse::<i64>().unwrap(),
        );
        let time = crate::simulate::calendar::parse_timestamp(&at).unwrap();
        let hour = at[11..13].parse::<u32>().unwrap();
        after_midnight += u32::from(hour < 12);
        let note = v[4].as_deref().unwrap();
        match last.get(&being) {
            None => assert_eq!((nr, note), (0, "none")),
            Some((before, n)) => {
                assert_eq!(nr, n + 1);
                assert!(time - before >= 45 * 60_000_000, "{being} {at}");
                assert!(note.starts_with(&format!("after {being} ")), "{note}");
            }
        }
        last.insert(being, (time, nr));
    }
    assert!(
        after_midnight > 100 && after_midnight < visits.len() as u32,
        "{after_midnight} of {}",
        visits.len()
    );
}

#[test]
fn failures_of_rows_name_the_row() {
    let fail = |text: &str, name: &str| {
        let host = Project::default();
        let s = loaded(&[file("t", text)], &host);
        s.preview(name, 100_000, &options(5), &host).unwrap_err().0[0]
            .message
            .clone()
    };
    let beings = "simulation: beings\nrows: {initial: 5}\ncolumns: {id: {type: bigint, id: sequence, primary_key: true}}\n---\n";
    let process = |each: &str, bits: &str| {
        format!(
            "{beings}simulation: t\ncolumns: {{id: {{type: bigint, id: packed{bits}}}, n: {{type: integer}}}}\nprocess:\n  per: beings as b\n  each_day:\n    each:\n{each}"
        )
    };
    insta::assert_snapshot!([
        fail(&process("      repeat: {while: 'true', row: {n: nth}}\n", ""), "t"),
        fail(&process("      count: 9\n      row: {n: nth}\n", ", bits: [12, 26, 3]"), "t"),
        fail(&process("      row: {n: nth}\n", ", bits: [12, 2, 3]"), "t"),
        fail(&format!("{beings}simulation: t\nrows: {{per: beings as b, count: 7}}\ncolumns: {{x: {{type: bigint, pick: beings.id, distinct: parent}}}}\n"), "t"),
        fail("simulation: t\nrows: {initial: 3}\ncurves: {c: {over: integer, values: {1: 5}}}\ncolumns: {id: {type: bigint, id: sequence}, x: {type: integer, expr: c(id)}}\n", "t"),
        fail("simulation: t\nrows: {initial: 3}\ncolumns: {id: {type: bigint, id: sequence}, x: {type: smallint, expr: id * 20000}}\n", "t"),
        fail(&format!("{beings}simulation: t\nrows: {{initial: 3}}\ncolumns: {{x: {{type: bigint, pick: beings.id, where: beings.id > 9}}}}\n"), "t"),
    ]
    .join("\n"));
}
