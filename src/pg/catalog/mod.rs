//! What is in the database: schemas, relations, columns, indexes, and what depends on a relation.
//!
//! Straight from `pg_catalog`, one query a question, so that ten thousand relations are no reason to wait. Names are
//! matched exactly; whoever wants them folded folds them.
mod dependants;
mod keep;

pub use dependants::{Dependant, DependantKind, Grant, dependants};
pub use keep::{Lost, dependants_of_old, has_dependants, make_again, point_at_new, take_turns};

use super::cell::{Cell, Table};
use super::error::PgError;
use super::quote_literal;
use super::session::Session;
use std::collections::BTreeMap;

/// What a relation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RelationKind {
    /// Ordinary or partitioned table.
    Table,
    /// View.
    View,
    /// Materialized view.
    MaterializedView,
    /// Table of a foreign server.
    ForeignTable,
    /// Function, procedure or aggregate: shares dbt's list of names with the relations.
    Function,
}

impl RelationKind {
    fn of(letter: &str) -> Self {
        match letter {
            "v" => Self::View,
            "m" => Self::MaterializedView,
            "f" => Self::ForeignTable,
            "F" => Self::Function,
            _ => Self::Table,
        }
    }

    /// SQL words for it, as in `drop … if exists`.
    pub fn sql(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::View => "view",
            Self::MaterializedView => "materialized view",
            Self::ForeignTable => "foreign table",
            Self::Function => "function",
        }
    }

    /// dbt's name for it (`table`, `view`, `materialized_view`, `external`, `function`).
    pub fn dbt(self) -> &'static str {
        match self {
            Self::MaterializedView => "materialized_view",
            Self::ForeignTable => "external",
            _ => self.sql(),
        }
    }
}

/// A relation of the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelationInfo {
    /// Number in the catalogue.
    pub oid: u32,
    /// Schema.
    pub schema: String,
    /// Name.
    pub name: String,
    /// What it is.
    pub kind: RelationKind,
    /// Role that owns it.
    pub owner: String,
    /// Whether it is unlogged.
    pub unlogged: bool,
    /// Comment on it.
    pub comment: Option<String>,
}

/// A column of a relation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelationColumn {
    /// Name.
    pub name: String,
    /// Place in the relation, from 1; dropped columns leave holes.
    pub position: i64,
    /// `information_schema`'s name of the type (`ARRAY`, `USER-DEFINED` for types it has no name for).
    pub data_type: String,
    /// SQL type with its modifier, fit for a cast (`character varying(3)`, `integer[]`).
    pub sql_type: String,
    /// Greatest length in characters, if there is one.
    pub char_size: Option<i64>,
    /// Digits of a number; of `numeric` only if declared.
    pub numeric_precision: Option<i64>,
    /// Digits after the point; of `numeric` only if declared.
    pub numeric_scale: Option<i64>,
    /// Whether NULL is refused.
    pub not_null: bool,
    /// Comment on it.
    pub comment: Option<String>,
}

/// An index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexInfo {
    /// Name.
    pub name: String,
    /// Access method (`btree`).
    pub method: String,
    /// Whether it is unique.
    pub unique: bool,
    /// Whether it is the primary key's.
    pub primary: bool,
    /// Whether a constraint owns it, so that it cannot be dropped by itself.
    pub constraint: bool,
    /// Key columns in order; expressions as SQL.
    pub columns: Vec<String>,
    /// `CREATE INDEX …`, with the schema.
    pub definition: String,
}

/// The schemas of the database, those of PostgreSQL itself included, in order of their names.
pub fn schemas(s: &mut Session) -> Result<Vec<String>, PgError> {
    let t = s.fetch("select nspname from pg_catalog.pg_namespace order by 1")?;
    Ok(t.rows.iter().map(|r| text(r, 0)).collect())
}

/// The relations and functions of these schemas, in order of schema and name.
pub fn relations(s: &mut Session, schemas: &[&str]) -> Result<Vec<RelationInfo>, PgError> {
    let names = list(schemas);
    let t = s.fetch(&format!(
        "select c.oid, n.nspname, c.relname, c.relkind::text, pg_catalog.pg_get_userbyid(c.relowner), \
           c.relpersistence = 'u', d.description \
         from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace \
           left join pg_catalog.pg_description d \
             on d.objoid = c.oid and d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objsubid = 0 \
         where n.nspname = any ({names}) and c.relkind in ('r', 'p', 'v', 'm', 'f') \
         union all \
         select distinct on (n.nspname, p.proname) p.oid, n.nspname, p.proname, 'F', \
           pg_catalog.pg_get_userbyid(p.proowner), false, null \
         from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace \
         where n.nspname = any ({names}) \
         order by 2, 3, 4"
    ))?;
    Ok(t.rows
        .iter()
        .map(|r| RelationInfo {
            oid: number(r, 0).unwrap_or(0) as u32,
            schema: text(r, 1),
            name: text(r, 2),
            kind: RelationKind::of(&text(r, 3)),
            owner: text(r, 4),
            unlogged: flag(r, 5),
            comment: optional(r, 6),
        })
        .collect())
}

/// One relation, if it exists.
pub fn relation(
    s: &mut Session,
    schema: &str,
    name: &str,
) -> Result<Option<RelationInfo>, PgError> {
    Ok(relations(s, &[schema])?
        .into_iter()
        .find(|r| r.name == name && r.kind != RelationKind::Function))
}

/// The columns of a relation in order; none if there is no such relation.
pub fn columns(s: &mut Session, schema: &str, name: &str) -> Result<Vec<RelationColumn>, PgError> {
    let filter = format!(
        "n.nspname = {} and c.relname = {}",
        quote_literal(schema),
        quote_literal(name)
    );
    let t = s.fetch(&columns_query(&filter))?;
    Ok(t.rows.iter().map(|r| column(r)).collect())
}

/// The columns of a temporary table of this session.
pub fn temporary_columns(s: &mut Session, name: &str) -> Result<Vec<RelationColumn>, PgError> {
    let filter = format!(
        "n.oid = pg_catalog.pg_my_temp_schema() and c.relname = {}",
        quote_literal(name)
    );
    let t = s.fetch(&columns_query(&filter))?;
    Ok(t.rows.iter().map(|r| column(r)).collect())
}

/// The columns of all relations of these schemas, by schema and name.
pub fn columns_in(
    s: &mut Session,
    schemas: &[&str],
) -> Result<BTreeMap<(String, String), Vec<RelationColumn>>, PgError> {
    let t = s.fetch(&columns_query(&format!(
        "n.nspname = any ({})",
        list(schemas)
    )))?;
    let mut found: BTreeMap<(String, String), Vec<RelationColumn>> = BTreeMap::new();
    for r in &t.rows {
        found
            .entry((text(r, 9), text(r, 10)))
            .or_default()
            .push(column(r));
    }
    Ok(found)
}

/// The sizes follow `information_schema.columns` (manual, "columns"), whose own helpers compute them.
fn columns_query(filter: &str) -> String {
    const TYPE: &str = "information_schema._pg_truetypid(a, t)";
    const MODIFIER: &str = "information_schema._pg_truetypmod(a, t)";
    format!(
        "select a.attname, a.attnum, \
           case when coalesce(b.typelem, t.typelem) <> 0 and coalesce(b.typlen, t.typlen) = -1 then 'ARRAY' \
             when coalesce(bn.nspname, tn.nspname) = 'pg_catalog' \
               then pg_catalog.format_type(coalesce(b.oid, t.oid), null) \
             else 'USER-DEFINED' end, \
           pg_catalog.format_type(a.atttypid, a.atttypmod), \
           information_schema._pg_char_max_length({TYPE}, {MODIFIER}), \
           information_schema._pg_numeric_precision({TYPE}, {MODIFIER}), \
           information_schema._pg_numeric_scale({TYPE}, {MODIFIER}), \
           a.attnotnull, d.description, n.nspname, c.relname \
         from pg_catalog.pg_attribute a \
           join pg_catalog.pg_class c on c.oid = a.attrelid \
           join pg_catalog.pg_namespace n on n.oid = c.relnamespace \
           join pg_catalog.pg_type t on t.oid = a.atttypid \
           join pg_catalog.pg_namespace tn on tn.oid = t.typnamespace \
           left join pg_catalog.pg_type b on t.typtype = 'd' and b.oid = t.typbasetype \
           left join pg_catalog.pg_namespace bn on bn.oid = b.typnamespace \
           left join pg_catalog.pg_description d \
             on d.objoid = c.oid and d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objsubid = a.attnum \
         where {filter} and c.relkind in ('r', 'p', 'v', 'm', 'f') and a.attnum > 0 and not a.attisdropped \
         order by n.nspname, c.relname, a.attnum"
    )
}

fn column(r: &[Cell]) -> RelationColumn {
    RelationColumn {
        name: text(r, 0),
        position: number(r, 1).unwrap_or(0),
        data_type: text(r, 2),
        sql_type: text(r, 3),
        char_size: number(r, 4),
        numeric_precision: number(r, 5),
        numeric_scale: number(r, 6),
        not_null: flag(r, 7),
        comment: optional(r, 8),
    }
}

/// The indexes of a relation in order of their names.
pub fn indexes(s: &mut Session, schema: &str, name: &str) -> Result<Vec<IndexInfo>, PgError> {
    let t = s.fetch(&format!(
        "select i.relname, m.amname, x.indisunique, x.indisprimary, \
           exists (select from pg_catalog.pg_constraint k where k.conindid = i.oid and k.contype in ('p', 'u', 'x')), \
           (select array_agg(coalesce(a.attname, pg_catalog.pg_get_indexdef(i.oid, p.n, true)) order by p.n) \
            from generate_series(1, x.indnkeyatts) p(n) \
              left join pg_catalog.pg_attribute a \
                on a.attrelid = x.indrelid and a.attnum = x.indkey[p.n - 1] and a.attnum <> 0), \
           pg_catalog.pg_get_indexdef(i.oid) \
         from pg_catalog.pg_index x \
           join pg_catalog.pg_class i on i.oid = x.indexrelid \
           join pg_catalog.pg_am m on m.oid = i.relam \
           join pg_catalog.pg_class c on c.oid = x.indrelid \
           join pg_catalog.pg_namespace n on n.oid = c.relnamespace \
         where n.nspname = {} and c.relname = {} order by 1",
        quote_literal(schema),
        quote_literal(name)
    ))?;
    let columns = |cell: Option<&Cell>| match cell {
        Some(Cell::Array(items)) => items.iter().filter_map(Cell::text).collect(),
        _ => Vec::new(),
    };
    Ok(t.rows
        .iter()
        .map(|r| IndexInfo {
            name: text(r, 0),
            method: text(r, 1),
            unique: flag(r, 2),
            primary: flag(r, 3),
            constraint: flag(r, 4),
            columns: columns(r.get(5)),
            definition: text(r, 6),
        })
        .collect())
}

/// `array['a', 'b']::text[]`.
fn list(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|n| quote_literal(n)).collect();
    format!("array[{}]::text[]", quoted.join(", "))
}

fn text(row: &[Cell], i: usize) -> String {
    optional(row, i).unwrap_or_default()
}

fn optional(row: &[Cell], i: usize) -> Option<String> {
    row.get(i).and_then(Cell::text)
}

fn number(row: &[Cell], i: usize) -> Option<i64> {
    row.get(i).and_then(Cell::as_int)
}

fn flag(row: &[Cell], i: usize) -> bool {
    row.get(i).and_then(Cell::as_bool).unwrap_or(false)
}

/// The first column of a table as JSON values; what is not JSON is left out.
fn json(t: &Table) -> impl Iterator<Item = serde_json::Value> {
    t.rows.iter().filter_map(|r| match r.first() {
        Some(Cell::Json(text)) => serde_json::from_str(text).ok(),
        _ => None,
    })
}
