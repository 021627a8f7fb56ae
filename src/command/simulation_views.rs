//! `simulate --preview` and `simulate --profile`: rows and columns of simulations, made without a database.
use crate::context::Table;
use crate::simulate::{ColumnProfile, Preview};
use minijinja::value::Value;

/// Steps of a small histogram, from none to most.
const STEPS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// Width of a bar of shares.
const BAR: usize = 20;
/// Frequent values listed for a column without declared shares.
const LISTED: usize = 6;

/// Rows as a table.
pub fn preview(shown: Preview) -> String {
    let names = shown.columns.iter().map(|(n, _)| n.clone()).collect();
    let cell = |c: Option<String>| c.map_or_else(|| Value::from(()), Value::from);
    let rows = shown
        .rows
        .into_iter()
        .map(|r| r.into_iter().map(cell).collect())
        .collect();
    Table::new(names, rows).drawn(usize::MAX, usize::MAX, 60)
}

/// A simulation's columns, one after the other: what was declared beside what came out.
pub fn profile(name: &str, columns: &[ColumnProfile]) -> String {
    let rows = columns
        .iter()
        .map(|c| c.filled + c.nulls)
        .max()
        .unwrap_or(0);
    let mut out = vec![format!("{name}: {rows} rows")];
    for column in columns {
        out.push(String::new());
        out.extend(lines(column, rows));
    }
    out.join("\n")
}

fn lines(c: &ColumnProfile, rows: u64) -> Vec<String> {
    let mut head = format!("{} ({})", c.name, c.data_type);
    if c.nulls > 0 {
        head += &format!(", {} null", percent(c.nulls as f64 / rows.max(1) as f64));
    }
    if let Some(n) = c.distinct {
        head += &format!(
            ", {n} different {}",
            if n == 1 { "value" } else { "values" }
        );
    }
    let mut out = vec![head];
    if let Some([low, mean, high]) = &c.range {
        let declared = c
            .declared
            .as_ref()
            .map_or_else(String::new, |[a, b]| format!("   expected {a} to {b}"));
        out.push(format!("  from {low} to {high}, mean {mean}{declared}"));
    }
    if !c.histogram.is_empty() {
        out.push(format!("  |{}|", histogram(&c.histogram)));
    }
    if c.shares.is_empty() {
        out.extend(frequent(c));
    } else {
        out.extend(shares(c));
    }
    out
}

/// Counts as a row of blocks, the largest the highest; a count above none is never invisible.
fn histogram(counts: &[u64]) -> String {
    let most = counts.iter().copied().max().unwrap_or(0).max(1);
    let block = |n: &u64| STEPS[(n * 8).div_ceil(most) as usize];
    counts.iter().map(block).collect()
}

/// Declared shares beside those found.
fn shares(c: &ColumnProfile) -> Vec<String> {
    let label = |(branch, value, ..): &(String, String, f64, f64)| {
        if branch.is_empty() {
            value.clone()
        } else {
            format!("{branch}: {value}")
        }
    };
    let width = c.shares.iter().map(|s| label(s).chars().count()).max();
    let width = width.unwrap_or(0);
    let mut out = vec![format!("  {:width$}  expected  observed", "")];
    for share in &c.shares {
        let (_, _, want, found) = share;
        out.push(format!(
            "  {:width$}  {:>8}  {:>8}  {}",
            label(share),
            percent(*want),
            percent(*found),
            bar(*found)
        ));
    }
    out
}

/// The most frequent values of a column that has few.
fn frequent(c: &ColumnProfile) -> Vec<String> {
    if c.distinct.is_none_or(|n| n > 50) {
        return Vec::new();
    }
    let top: Vec<_> = c.values.iter().take(LISTED).collect();
    let width = top.iter().map(|v| v.0.chars().count().min(40)).max();
    let width = width.unwrap_or(0);
    top.into_iter()
        .map(|(value, n)| {
            let share = *n as f64 / c.filled.max(1) as f64;
            let value: String = value.chars().take(40).collect();
            format!("  {value:width$}  {:>8}  {}", percent(share), bar(share))
        })
        .collect()
}

fn bar(share: f64) -> String {
    "#".repeat((share * BAR as f64).round() as usize)
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_drawn_with_what_was_expected() {
        let size = ColumnProfile {
            name: "size".into(),
            data_type: "integer".into(),
            filled: 90,
            nulls: 10,
            values: Vec::new(),
            distinct: Some(2),
            range: Some(["1".into(), "1.4".into(), "2".into()]),
            declared: Some(["1".into(), "2".into()]),
            histogram: vec![60, 0, 0, 0, 0, 0, 0, 0, 1, 29],
            shares: vec![
                (String::new(), "1".into(), 0.7, 0.667),
                (String::new(), "2".into(), 0.3, 0.333),
            ],
        };
        let word = ColumnProfile {
            name: "word".into(),
            data_type: "text".into(),
            filled: 100,
            nulls: 0,
            values: vec![("a".into(), 75), ("bb".into(), 25)],
            distinct: Some(2),
            range: None,
            declared: None,
            histogram: Vec::new(),
            shares: Vec::new(),
        };
        insta::assert_snapshot!(profile("things", &[size, word]));
    }
}
