//! Two relations, row by row. In: their names in SQL. Out: how they differ in columns, numbers of rows, and rows.
//!
//! Rows are paired by a key where there is one that is unique on both sides, else they are counted as whole rows. Values
//! are compared as the server writes them, so that any type will do and a change of type alone is no change of rows.
use crate::pg::{Cell, ColumnInfo, PgError, Session, Table, quote_ident};
use std::collections::BTreeMap;

/// How the columns differ.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shape {
    /// Columns of both, in the order of the new side.
    pub common: Vec<String>,
    /// New columns with their types.
    pub added: Vec<(String, String)>,
    /// Columns that would go, with their types.
    pub removed: Vec<(String, String)>,
    /// Columns with another type: name, type now, type then.
    pub retyped: Vec<(String, String, String)>,
}

/// What happens to a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// It would come.
    Added,
    /// It would go.
    Removed,
    /// It would hold other values.
    Changed,
}

/// A row that differs: the values of the common columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowChange {
    /// What happens to it.
    pub mark: Mark,
    /// Its values now; empty for a row that would come.
    pub now: Vec<Option<String>>,
    /// Its values then; empty for a row that would go.
    pub then: Vec<Option<String>>,
}

/// All that differs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// The columns.
    pub shape: Shape,
    /// The columns that pair rows; empty if there is no key that is unique on both sides.
    pub key: Vec<String>,
    /// Rows now.
    pub rows_now: u64,
    /// Rows then.
    pub rows_then: u64,
    /// Rows that would come.
    pub added: u64,
    /// Rows that would go.
    pub removed: u64,
    /// Rows with other values; 0 without a key.
    pub changed: u64,
    /// In how many rows the value of a column differs, for columns where it does.
    pub values: BTreeMap<String, u64>,
    /// The first of the rows, in the order of their values.
    pub rows: Vec<RowChange>,
}

impl Changes {
    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        let s = &self.shape;
        s.added.is_empty()
            && s.removed.is_empty()
            && s.retyped.is_empty()
            && self.added + self.removed + self.changed == 0
    }
}

/// How many rows a relation has.
pub fn count(session: &mut Session, relation: &str) -> Result<u64, PgError> {
    let t = session.fetch(&format!("select count(*) from {relation}"))?;
    Ok(number(&t, 0))
}

/// Compares what is there with what would be; needs an open transaction in which a temporary table may be made.
pub fn compare(
    session: &mut Session,
    now: &str,
    then: &str,
    keys: &[Vec<String>],
    limit: Option<u64>,
) -> Result<Changes, PgError> {
    let columns_now = session.describe(&format!("select * from {now}"))?;
    let columns_then = session.describe(&format!("select * from {then}"))?;
    let shape = shape(session, &columns_now, &columns_then)?;
    let mut out = Changes {
        rows_now: count(session, now)?,
        rows_then: count(session, then)?,
        shape,
        ..Changes::default()
    };
    for key in keys {
        let Some(key) = present(key, &out.shape.common) else {
            continue;
        };
        if is_key(session, now, &key, out.rows_now)? && is_key(session, then, &key, out.rows_then)?
        {
            out.key = key;
            break;
        }
    }
    session.execute(&differing(now, then, &out.shape.common, &out.key))?;
    tally(session, &mut out)?;
    out.rows = sample(session, &out, limit)?;
    Ok(out)
}

fn shape(session: &mut Session, now: &[ColumnInfo], then: &[ColumnInfo]) -> Result<Shape, PgError> {
    let mut out = Shape::default();
    for new in then {
        let name = new.name.clone();
        match now.iter().find(|o| o.name == name) {
            None => out.added.push((name, type_of(session, new)?)),
            Some(old) => {
                if (old.oid, old.typmod) != (new.oid, new.typmod) {
                    let types = (type_of(session, old)?, type_of(session, new)?);
                    out.retyped.push((name.clone(), types.0, types.1));
                }
                out.common.push(name);
            }
        }
    }
    for old in now {
        if !then.iter().any(|n| n.name == old.name) {
            out.removed.push((old.name.clone(), type_of(session, old)?));
        }
    }
    Ok(out)
}

/// A type in SQL's words, with length or precision.
fn type_of(session: &mut Session, column: &ColumnInfo) -> Result<String, PgError> {
    let t = session.fetch(&format!(
        "select pg_catalog.format_type({}, {})",
        column.oid, column.typmod
    ))?;
    Ok(t.rows
        .first()
        .and_then(|r| r[0].text())
        .unwrap_or_else(|| column.type_name.clone()))
}

/// The key's columns as they are written in the relations; nothing if one is missing or is an expression.
fn present(key: &[String], common: &[String]) -> Option<Vec<String>> {
    key.iter()
        .map(|k| {
            let bare = k.trim().trim_matches('"');
            common
                .iter()
                .find(|c| *c == bare)
                .or_else(|| common.iter().find(|c| **c == bare.to_lowercase()))
                .cloned()
        })
        .collect()
}

/// An array of the columns' texts.
fn texts(columns: &[String]) -> String {
    let list: Vec<String> = columns
        .iter()
        .map(|c| format!("{}::text", quote_ident(c)))
        .collect();
    format!("array[{}]::text[]", list.join(", "))
}

fn is_key(
    session: &mut Session,
    relation: &str,
    key: &[String],
    rows: u64,
) -> Result<bool, PgError> {
    let t = session.fetch(&format!(
        "select count(distinct {}) from {relation}",
        texts(key)
    ))?;
    Ok(number(&t, 0) == rows)
}

/// The statement that keeps the rows that differ in a temporary table.
fn differing(now: &str, then: &str, columns: &[String], key: &[String]) -> String {
    let all = texts(columns);
    let body = if key.is_empty() {
        format!(
            "select '+' as mark, null::text[] as old, v as new from (select {all} as v from {then} except all select {all} from {now}) a \
             union all \
             select '-', v, null from (select {all} as v from {now} except all select {all} from {then}) r"
        )
    } else {
        let side =
            |relation: &str| format!("(select {} as k, {all} as v from {relation})", texts(key));
        format!(
            "select case when o.k is null then '+' when n.k is null then '-' else '~' end as mark, o.v as old, n.v as new \
             from {} o full join {} n on o.k = n.k where o.v is distinct from n.v",
            side(now),
            side(then)
        )
    };
    format!("create temporary table tv1_diff_rows on commit drop as {body}")
}

fn tally(session: &mut Session, out: &mut Changes) -> Result<(), PgError> {
    let mut columns = vec![
        "count(*) filter (where mark = '+')".to_string(),
        "count(*) filter (where mark = '-')".to_string(),
        "count(*) filter (where mark = '~')".to_string(),
    ];
    columns.extend((1..=out.shape.common.len()).map(|i| {
        format!("count(*) filter (where mark = '~' and old[{i}] is distinct from new[{i}])")
    }));
    // A select list has room for 1,664 entries, a relation for fewer columns.
    let t = session.fetch(&format!(
        "select {} from pg_temp.tv1_diff_rows",
        columns.join(", ")
    ))?;
    (out.added, out.removed, out.changed) = (number(&t, 0), number(&t, 1), number(&t, 2));
    for (i, name) in out.shape.common.iter().enumerate() {
        let n = number(&t, i + 3);
        if n > 0 {
            out.values.insert(name.clone(), n);
        }
    }
    Ok(())
}

fn sample(
    session: &mut Session,
    out: &Changes,
    limit: Option<u64>,
) -> Result<Vec<RowChange>, PgError> {
    let order: Vec<String> = out
        .key
        .iter()
        .filter_map(|k| out.shape.common.iter().position(|c| c == k))
        .map(|i| format!("(coalesce(new, old))[{}], ", i + 1))
        .collect();
    let limit = limit.map_or(String::new(), |n| format!(" limit {n}"));
    let cells = |side: &str| -> Vec<String> {
        (1..=out.shape.common.len())
            .map(|i| format!("{side}[{i}]"))
            .collect()
    };
    // Two passes, since one select list could be too long for both sides of a wide relation.
    let read = |session: &mut Session, side: &str| {
        let list = cells(side).join(", ");
        let comma = if list.is_empty() { "" } else { ", " };
        session.fetch(&format!(
            "select mark{comma}{list} from pg_temp.tv1_diff_rows order by {}coalesce(new, old), mark{limit}",
            order.concat()
        ))
    };
    let (old, new) = (read(session, "old")?, read(session, "new")?);
    let texts = |row: &[Cell]| row[1..].iter().map(Cell::text).collect::<Vec<_>>();
    let rows = old.rows.iter().zip(&new.rows).map(|(o, n)| {
        let mark = match o[0].text().as_deref() {
            Some("+") => Mark::Added,
            Some("-") => Mark::Removed,
            _ => Mark::Changed,
        };
        RowChange {
            mark,
            now: if mark == Mark::Added {
                Vec::new()
            } else {
                texts(o)
            },
            then: if mark == Mark::Removed {
                Vec::new()
            } else {
                texts(n)
            },
        }
    });
    Ok(rows.collect())
}

fn number(t: &Table, column: usize) -> u64 {
    match t.rows.first().and_then(|r| r.get(column)) {
        Some(Cell::Int(n)) => u64::try_from(*n).unwrap_or(0),
        _ => 0,
    }
}
