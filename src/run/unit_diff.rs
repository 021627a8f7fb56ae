//! The difference between the rows that a unit test expects and those that came, drawn as dbt draws it: `+++` rows
//! that were not expected, `---` rows that did not come, `→` rows with a changed cell, a neighbour of each, `...` for
//! what is left out.

/// A row as text; nothing for null.
pub(super) type Row = Vec<Option<String>>;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Line {
    Same(Row),
    Changed(Row, Row),
    Come(Row),
    Gone(Row),
}

/// Which expected row each actual row is: equal ones first, then those that share a value.
fn pairs(actual: &[Row], expected: &[Row]) -> Vec<Option<usize>> {
    let mut taken = vec![false; expected.len()];
    let mut of: Vec<Option<usize>> = vec![None; actual.len()];
    let agree = |a: &Row, e: &Row| {
        a.iter()
            .zip(e)
            .filter(|(a, e)| a.is_some() && a == e)
            .count()
    };
    for (i, a) in actual.iter().enumerate() {
        if let Some(j) = (0..expected.len()).find(|j| !taken[*j] && expected[*j] == *a) {
            (of[i], taken[j]) = (Some(j), true);
        }
    }
    for (i, a) in actual
        .iter()
        .enumerate()
        .filter(|(i, _)| of[*i].is_none())
        .collect::<Vec<_>>()
    {
        let free = (0..expected.len()).filter(|j| !taken[*j]);
        let best = free
            .map(|j| (agree(a, &expected[j]), std::cmp::Reverse(j)))
            .max()
            .filter(|(n, _)| *n > 0);
        if let Some((_, std::cmp::Reverse(j))) = best {
            (of[i], taken[j]) = (Some(j), true);
        }
    }
    of
}

fn lines(actual: &[Row], expected: &[Row]) -> Vec<Line> {
    let of = pairs(actual, expected);
    let gone: Vec<usize> = (0..expected.len())
        .filter(|j| !of.contains(&Some(*j)))
        .collect();
    let mut out = Vec::new();
    let mut next = gone.iter().peekable();
    for (row, pair) in actual.iter().zip(&of) {
        let Some(j) = *pair else {
            out.push(Line::Come(row.clone()));
            continue;
        };
        while let Some(&&g) = next.peek().filter(|g| ***g < j) {
            out.push(Line::Gone(expected[g].clone()));
            next.next();
        }
        out.push(if *row == expected[j] {
            Line::Same(row.clone())
        } else {
            Line::Changed(expected[j].clone(), row.clone())
        });
    }
    out.extend(next.map(|g| Line::Gone(expected[*g].clone())));
    out
}

/// The table of differences; empty when there are none.
pub(super) fn drawn(names: &[String], actual: &[Row], expected: &[Row]) -> String {
    let text = |c: &Option<String>| c.clone().unwrap_or_else(|| "null".into());
    let all = lines(actual, expected);
    let same = |i: usize| all.get(i).is_none_or(|l| matches!(l, Line::Same(_)));
    let mut table: Vec<Vec<String>> = vec![[vec!["@@".to_string()], names.to_vec()].concat()];
    let mut skipped = false;
    for (i, line) in all.iter().enumerate() {
        let (mark, cells): (&str, Vec<String>) = match line {
            Line::Same(row) => {
                let near = !same(i + 1) || (i > 0 && !same(i - 1));
                if !near {
                    if !skipped {
                        table.push(vec!["...".to_string(); names.len() + 1]);
                    }
                    skipped = true;
                    continue;
                }
                ("", row.iter().map(text).collect())
            }
            Line::Changed(from, to) => {
                let cells = from.iter().zip(to).map(|(a, b)| {
                    if a == b {
                        text(a)
                    } else {
                        format!("{}→{}", text(a), text(b))
                    }
                });
                ("→", cells.collect())
            }
            Line::Come(row) => ("+++", row.iter().map(text).collect()),
            Line::Gone(row) => ("---", row.iter().map(text).collect()),
        };
        skipped = false;
        table.push([vec![mark.to_string()], cells].concat());
    }
    let width = |i: usize| {
        table
            .iter()
            .map(|l| l[i].chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..=names.len()).map(width).collect();
    let line = |l: &Vec<String>| {
        let last = l.len() - 1;
        let cells = l.iter().enumerate().map(|(i, c)| {
            if i == last {
                c.clone()
            } else {
                format!("{c:<w$}", w = widths[i])
            }
        });
        cells.collect::<Vec<_>>().join(",")
    };
    table.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(list: &[&[&str]]) -> Vec<Row> {
        let cell = |c: &&str| (*c != "null").then(|| (*c).to_string());
        list.iter().map(|r| r.iter().map(cell).collect()).collect()
    }

    /// As observed with dbt-core 1.10.
    #[test]
    fn differences_are_drawn_as_dbt_does() {
        let names = ["id".to_string(), "Full Name".to_string()];
        let drawn = drawn(
            &names,
            &rows(&[&["1", "o'x"], &["2", "null"]]),
            &rows(&[&["1", "o'x"], &["3", "y"]]),
        );
        assert_eq!(drawn, "@@ ,id,Full Name\n   ,1 ,o'x\n+++,2 ,null\n---,3 ,y");
    }

    #[test]
    fn changed_cells_and_distant_rows() {
        let names = ["id".to_string(), "n".to_string()];
        let many: Vec<[String; 2]> = (0..6).map(|i| [i.to_string(), format!("x{i}")]).collect();
        let list = |odd: &str| -> Vec<Row> {
            let row = |r: &[String; 2]| {
                r.iter()
                    .map(|c| Some(if c == "x4" { odd.into() } else { c.clone() }))
                    .collect()
            };
            many.iter().map(row).collect()
        };
        assert_eq!(
            drawn(&names, &list("new"), &list("old")),
            "@@ ,id ,n\n...,...,...\n   ,3  ,x3\n→  ,4  ,old→new\n   ,5  ,x5"
        );
    }
}
