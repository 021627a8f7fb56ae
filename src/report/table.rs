//! Rows as a table of text, for `show` and `seed --show`: dbt's form, but with every column.

/// Longer cells are cut: a table is for looking at; `--output json` has everything.
const WIDEST: usize = 60;

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableColumn {
    /// Its name.
    pub name: String,
    /// Whether it holds numbers, which stand to the right.
    pub numeric: bool,
}

/// The table, with a line break after each line; a null is an empty cell.
pub fn table(columns: &[TableColumn], rows: &[Vec<Option<String>>]) -> String {
    let cells: Vec<Vec<String>> = rows
        .iter()
        .map(|row| row.iter().map(|v| shown(v.as_deref())).collect())
        .collect();
    let widths: Vec<usize> = columns
        .iter()
        .enumerate()
        .map(|(i, column)| {
            let cells = cells.iter().filter_map(|row| row.get(i));
            let widest = cells.map(|c| c.chars().count()).max().unwrap_or(0);
            widest.max(column.name.chars().count())
        })
        .collect();
    let names: Vec<String> = columns.iter().map(|c| c.name.clone()).collect();
    let bars: Vec<String> = widths.iter().map(|w| "-".repeat(*w)).collect();
    let line = |cells: &[String], header: bool| {
        let mut out = String::from("|");
        for ((cell, column), width) in cells.iter().zip(columns).zip(&widths) {
            let padding = " ".repeat(width - cell.chars().count());
            let cell = if column.numeric && !header {
                format!(" {padding}{cell} |")
            } else {
                format!(" {cell}{padding} |")
            };
            out.push_str(&cell);
        }
        out.push('\n');
        out
    };
    let mut out = line(&names, true) + &line(&bars, true);
    for row in &cells {
        out.push_str(&line(row, false));
    }
    out
}

fn shown(value: Option<&str>) -> String {
    let text = value.unwrap_or_default().replace(['\n', '\r', '\t'], " ");
    if text.chars().count() <= WIDEST {
        return text;
    }
    let kept: String = text.chars().take(WIDEST - 1).collect();
    format!("{kept}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_right_and_nulls_are_empty() {
        let column = |name: &str, numeric| TableColumn {
            name: name.to_string(),
            numeric,
        };
        let columns = [
            column("id", true),
            column("a name", false),
            column("n", true),
        ];
        let cell = |text: &str| Some(text.to_string());
        let rows = [
            vec![cell("1"), cell("two\nlines"), None],
            vec![cell("22"), cell(&"long ".repeat(20)), cell("-1.5")],
        ];
        insta::assert_snapshot!(table(&columns, &rows));
        assert_eq!(table(&columns[..1], &[]), "| id |\n| -- |\n");
    }
}
