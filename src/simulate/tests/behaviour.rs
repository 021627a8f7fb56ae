//! Each construct of the language, on small tables.
use super::*;

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
