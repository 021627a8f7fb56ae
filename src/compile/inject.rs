//! Puts the CTEs of ephemeral models in front of a statement.
use crate::graph::ExtraCte;

/// The statement with the CTEs, and how it moved: bytes before the first number keep their place, bytes from it on
/// move by the second.
pub fn inject_ctes(sql: &str, ctes: &[ExtraCte]) -> (String, (usize, usize)) {
    if ctes.is_empty() {
        return (sql.to_string(), (0, 0));
    }
    let joined = ctes
        .iter()
        .map(|c| c.sql.as_str())
        .collect::<Vec<_>>()
        .join(", ");
    let start = skip_blank(sql, 0);
    match with_end(sql) {
        Some(at) => {
            let at = skip_blank(sql, at);
            let insert = format!("{joined}, ");
            (
                format!("{}{insert}{}", &sql[..at], &sql[at..]),
                (at, insert.len()),
            )
        }
        None => {
            let insert = format!("with{joined} ");
            (
                format!("{}{insert}{}", &sql[..start], &sql[start..]),
                (start, insert.len()),
            )
        }
    }
}

/// The end of a leading `with` or `with recursive`.
fn with_end(sql: &str) -> Option<usize> {
    let start = skip_comments(sql, 0);
    let end = word_end(sql, start, "with")?;
    let next = skip_comments(sql, end);
    Some(word_end(sql, next, "recursive").unwrap_or(end))
}

fn word_end(sql: &str, at: usize, word: &str) -> Option<usize> {
    let end = at + word.len();
    let found = sql.get(at..end)?.eq_ignore_ascii_case(word);
    let bounded = sql[end..]
        .chars()
        .next()
        .is_none_or(|c| !c.is_alphanumeric() && c != '_');
    (found && bounded).then_some(end)
}

fn skip_blank(sql: &str, at: usize) -> usize {
    at + (sql[at..].len() - sql[at..].trim_start().len())
}

/// Past blanks and comments.
fn skip_comments(sql: &str, mut at: usize) -> usize {
    loop {
        at = skip_blank(sql, at);
        let rest = &sql[at..];
        if rest.starts_with("--") {
            at += rest.find('\n').map_or(rest.len(), |i| i + 1);
        } else if rest.starts_with("/*") {
            at += rest.find("*/").map_or(rest.len(), |i| i + 2);
        } else {
            return at;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cte(name: &str) -> ExtraCte {
        ExtraCte {
            id: name.into(),
            sql: format!(" __dbt__cte__{name} as (\nselect 1\n)"),
        }
    }

    #[test]
    fn a_plain_statement_gets_a_with() {
        let (sql, (at, by)) = inject_ctes("\nselect * from x", &[cte("a"), cte("b")]);
        assert_eq!(
            sql,
            "\nwith __dbt__cte__a as (\nselect 1\n),  __dbt__cte__b as (\nselect 1\n) select * from x"
        );
        assert_eq!(&sql[at + by..], "select * from x");
    }

    #[test]
    fn a_statement_with_ctes_keeps_them_behind() {
        let (sql, _) = inject_ctes(
            "-- c\nWITH recursive q as (select 1) select * from q",
            &[cte("a")],
        );
        assert_eq!(
            sql,
            "-- c\nWITH recursive  __dbt__cte__a as (\nselect 1\n), q as (select 1) select * from q"
        );
        // dbt puts them in front of the next word, behind all blanks.
        let (sql, (at, by)) = inject_ctes("with\n\nq as (select 1)", &[cte("a")]);
        assert_eq!(
            sql,
            "with\n\n __dbt__cte__a as (\nselect 1\n), q as (select 1)"
        );
        assert_eq!(&sql[at + by..], "q as (select 1)");
    }
}
