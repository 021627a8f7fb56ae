//! Given and expected rows of unit tests as SQL.
use super::node::NodeRunner;
use crate::context::Relation;
use crate::diag::{Diagnostic, code};
use crate::graph::UnitTest;
use serde_json::{Map, Value as Json};

impl NodeRunner {
    /// The SQL of given rows, typed as the input's own columns where these are known.
    pub(super) fn fixture(
        &self,
        test: &UnitTest,
        given: &Json,
        relation: Option<&Relation>,
        id: Option<&str>,
    ) -> Result<String, Diagnostic> {
        let rows = given.get("rows").cloned().unwrap_or(Json::Null);
        if let Json::String(sql) = rows {
            return Ok(sql);
        }
        let columns = self.known_columns(relation, id)?;
        let list = rows.as_array().cloned().unwrap_or_default();
        let own = id.and_then(|id| self.shared.manifest().and_then(|m| m.entry(id)));
        let name = own.map_or(test.model.as_str(), |e| e.name());
        fixture_sql(test, Fixture::Input(name), &columns, &list)
    }

    /// Names and types of a relation's columns: from the database, else as described.
    fn known_columns(
        &self,
        relation: Option<&Relation>,
        id: Option<&str>,
    ) -> Result<Vec<(String, String)>, Diagnostic> {
        let Some(r) = relation else {
            return Ok(Vec::new());
        };
        let sql = format!(
            "select a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod) from pg_catalog.pg_attribute a \
             join pg_catalog.pg_class c on c.oid = a.attrelid join pg_catalog.pg_namespace n on n.oid = c.relnamespace \
             where n.nspname = {} and c.relname = {} and a.attnum > 0 and not a.attisdropped order by a.attnum",
            crate::pg::quote_literal(r.schema.as_deref().unwrap_or_default()),
            crate::pg::quote_literal(r.identifier.as_deref().unwrap_or_default())
        );
        let mut session = self
            .session
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let table = session
            .raw()
            .fetch(&sql)
            .map_err(|e| e.diagnostic(None, None))?;
        let found: Vec<(String, String)> = table
            .rows
            .iter()
            .map(|r| {
                (
                    r[0].text().unwrap_or_default(),
                    unsized_text(&r[1].text().unwrap_or_default()).to_string(),
                )
            })
            .collect();
        if !found.is_empty() {
            return Ok(found);
        }
        let manifest = self.shared.manifest();
        let described = id.and_then(|id| {
            manifest.and_then(|m| {
                m.nodes
                    .get(id)
                    .map(|n| n.columns.clone())
                    .or_else(|| m.sources.get(id).map(|s| s.columns.clone()))
            })
        });
        Ok(described
            .into_iter()
            .flatten()
            .filter_map(|(n, c)| Some((n, c.data_type?)))
            .collect())
    }
}

/// A type without the length that would cut a fixture's text.
fn unsized_text(kind: &str) -> &str {
    match kind.split_once('(') {
        Some(("character varying" | "character", _)) => "character varying",
        _ => kind,
    }
}

/// Which rows of a unit test are meant.
#[derive(Clone, Copy)]
pub(super) enum Fixture<'a> {
    /// Those of an input.
    Input(&'a str),
    /// Those that should come out.
    Expected,
}

impl Fixture<'_> {
    fn shown(self) -> String {
        match self {
            Self::Input(name) => format!("'{name}'"),
            Self::Expected => "expected output".into(),
        }
    }
}

/// Rows as SQL: every column cast to its type, missing ones null.
pub(super) fn fixture_sql(
    test: &UnitTest,
    fixture: Fixture<'_>,
    columns: &[(String, String)],
    rows: &[Json],
) -> Result<String, Diagnostic> {
    let empty = Map::new();
    let names: Vec<(String, Option<String>)> = if columns.is_empty() {
        let mut all: Vec<String> = Vec::new();
        for r in rows {
            r.as_object()
                .unwrap_or(&empty)
                .keys()
                .for_each(|k| crate::parse::push_new(&mut all, k.clone()));
        }
        all.into_iter().map(|n| (n, None)).collect()
    } else {
        columns
            .iter()
            .map(|(n, t)| (n.clone(), Some(t.clone())))
            .collect()
    };
    for row in rows {
        for key in row.as_object().unwrap_or(&empty).keys() {
            if !names.iter().any(|(n, _)| n.eq_ignore_ascii_case(key)) {
                let known: Vec<String> = names.iter().map(|(n, _)| format!("'{n}'")).collect();
                let fixture = fixture.shown();
                return Err(Diagnostic::error(code::G0401, format!("Invalid column name: '{key}' in unit test fixture for {fixture}.\nAccepted columns for {fixture} are: [{}]", known.join(", ")))
                    .heading("Compilation Error")
                    .at_opt(test.place.clone()));
            }
        }
    }
    let select = |row: Option<&Map<String, Json>>| {
        let cells: Vec<String> = names
            .iter()
            .map(|(name, kind)| {
                let value = row
                    .and_then(|r| r.iter().find(|(k, _)| k.eq_ignore_ascii_case(name)))
                    .map_or(&Json::Null, |(_, v)| v);
                let literal = literal(value, kind.as_deref());
                let quoted = crate::pg::quote_ident(name);
                match kind {
                    Some(kind) => format!("cast({literal} as {kind}) as {quoted}"),
                    None => format!("{literal} as {quoted}"),
                }
            })
            .collect();
        format!("select {}", cells.join(", "))
    };
    if rows.is_empty() {
        return Ok(format!("{}\nlimit 0", select(None)));
    }
    Ok(rows
        .iter()
        .map(|r| select(r.as_object()))
        .collect::<Vec<_>>()
        .join("\nunion all\n"))
}

/// A value as SQL; a list is an array where the column is one.
fn literal(value: &Json, kind: Option<&str>) -> String {
    match value {
        Json::Array(list) if kind.is_some_and(|k| k.ends_with("[]")) => {
            let cells: Vec<String> = list.iter().map(|v| literal(v, kind)).collect();
            format!("array[{}]", cells.join(", "))
        }
        Json::Null => "null".into(),
        Json::Bool(b) => b.to_string(),
        Json::Number(n) => n.to_string(),
        Json::String(s) => crate::pg::quote_literal(s),
        other => crate::pg::quote_literal(&other.to_string()),
    }
}
