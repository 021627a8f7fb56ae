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

/// Which columns are shown: all where rows came; else those with a changed cell, those that tell rows apart, and the
/// neighbours of each.
fn shown_columns(all: &[Line], columns: usize) -> Vec<bool> {
    /// Of how many columns rows are told apart where one has gone.
    const TELLING: usize = 5;
    if all.iter().any(|l| matches!(l, Line::Come(_))) {
        return vec![true; columns];
    }
    let changed = |i: usize| {
        all.iter()
            .any(|l| matches!(l, Line::Changed(from, to) if from[i] != to[i]))
    };
    let mut active: Vec<bool> = (0..columns).map(changed).collect();
    let gone = all.iter().any(|l| matches!(l, Line::Gone(_)));
    let telling = if gone { TELLING } else { 1 };
    let same: Vec<usize> = (0..columns).filter(|i| !active[*i]).take(telling).collect();
    for i in same {
        active[i] = true;
    }
    let near = |i: usize| active[i] || (i > 0 && active[i - 1]) || active.get(i + 1) == Some(&true);
    (0..columns).map(near).collect()
}

/// A row without the columns that are not shown: `...` for each run of them. The mark in front stays.
fn folded(row: &[String], shown: &[bool]) -> Vec<String> {
    let mut out: Vec<String> = row.first().cloned().into_iter().collect();
    let mut skipped = false;
    for (cell, shown) in row.iter().skip(1).zip(shown) {
        if *shown {
            out.push(cell.clone());
        } else if !skipped {
            out.push("...".into());
        }
        skipped = !shown;
    }
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
    let columns = shown_columns(&all, names.len());
    for row in &mut table {
        *row = folded(row, &columns);
    }
    let columns = table.first().map_or(0, Vec::len);
    let width = |i: usize| {
        table
            .iter()
            .map(|l| l[i].chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
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

    /// As observed with dbt-core 1.10.
    #[test]
    fn columns_without_a_difference_are_left_out() {
        let names: Vec<String> = (1..=9).map(|i| format!("a{i}")).collect();
        let rows = |odd: &[(usize, usize, &str)], left_out: Option<usize>| -> Vec<Row> {
            let row = |r: usize| {
                let cell = |c: usize| {
                    let odd = odd.iter().find(|o| (o.0, o.1) == (r, c));
                    Some(odd.map_or(r.to_string(), |o| o.2.to_string()))
                };
                (1..=9).map(cell).collect()
            };
            (1..=7).filter(|r| Some(*r) != left_out).map(row).collect()
        };
        let head = |expected: &[Row], actual: &[Row]| {
            let table = drawn(&names, actual, expected);
            table.lines().next().unwrap_or_default().replace(' ', "")
        };
        let same = rows(&[], None);
        assert_eq!(
            head(&rows(&[(4, 5, "99")], None), &same),
            "@@,a1,a2,...,a4,a5,a6,..."
        );
        assert_eq!(head(&rows(&[(4, 1, "99")], None), &same), "@@,a1,a2,a3,...");
        assert_eq!(
            head(&rows(&[(1, 9, "99"), (7, 3, "88")], None), &same),
            "@@,a1,a2,a3,a4,...,a8,a9"
        );
        assert_eq!(head(&same, &rows(&[], Some(4))), "@@,a1,a2,a3,a4,a5,a6,...");
        assert_eq!(
            head(&rows(&[], Some(4)), &same),
            "@@,a1,a2,a3,a4,a5,a6,a7,a8,a9"
        );
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
