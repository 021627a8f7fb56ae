//! What `docs` asks the database: every relation of the project that exists, with its columns and comments.
//! In: the parsed project, the ids that are wanted, a session. Out: one entry for each node or source; a table that
//! is both a seed and a source stands twice. Writes nothing.
use super::setup::Loaded;
use crate::artifact::{CatalogColumn, CatalogRelation};
use crate::context::{Relation, own_catalog};
use crate::diag::{Diagnostic, Result};
use crate::pg::{PgError, Session};
use std::collections::{BTreeSet, HashMap};

/// Schema and name in lower case: relations are found as dbt finds them, without regard to case.
type Key = (String, String);

/// The relations of the project; of the `chosen` ids alone, if there are any.
///
/// # Errors
/// If the server refuses the query.
pub fn relations(
    loaded: &Loaded,
    chosen: Option<&BTreeSet<String>>,
    session: &mut Session,
) -> Result<Vec<CatalogRelation>> {
    let wanted = wanted(loaded, chosen);
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let fail = |e: PgError| e.diagnostic(None, None).heading("Database Error");
    let table = session.fetch(&query(&wanted)).map_err(fail)?;
    let mut out: Vec<CatalogRelation> = Vec::new();
    let mut rows = table.rows.iter().peekable();
    while let Some(first) = rows.peek() {
        let text = |i: usize| first[i].text();
        let (schema, name) = (text(0).unwrap_or_default(), text(1).unwrap_or_default());
        let mut relation = CatalogRelation {
            unique_id: String::new(),
            kind: text(2).unwrap_or_default(),
            database: loaded.shared.target.connection.dbname.clone(),
            comment: text(3),
            owner: text(4),
            columns: Vec::new(),
            stats: serde_json::Map::new(),
            schema,
            name,
        };
        while let Some(row) = rows.next_if(|row| {
            row[0].text().as_deref() == Some(&relation.schema)
                && row[1].text().as_deref() == Some(&relation.name)
        }) {
            relation.columns.push(CatalogColumn {
                index: row[6].as_int().unwrap_or_default(),
                name: row[5].text().unwrap_or_default(),
                kind: row[7].text().unwrap_or_default(),
                comment: row[8].text(),
            });
        }
        out.extend(belonging(&wanted, &relation));
    }
    Ok(out)
}

/// What a macro of the project or of a package says of its relations.
pub fn own(
    loaded: &Loaded,
    chosen: Option<&BTreeSet<String>>,
    count: Option<usize>,
    session: Session,
) -> std::result::Result<Vec<CatalogRelation>, Diagnostic> {
    let wanted = wanted(loaded, chosen);
    let database = &loaded.shared.target.connection.dbname;
    let relations: Vec<Relation> = wanted
        .keys()
        .map(|(schema, name)| Relation::new(database, schema, name))
        .collect();
    let rows = own_catalog(&loaded.shared, session, &relations, count)?;
    let found = super::catalog_rows::relations(&rows);
    Ok(found.iter().flat_map(|r| belonging(&wanted, r)).collect())
}

/// The number of nodes that dbt has at hand when it asks for the catalogue: all that were compiled, tests among them.
pub fn count(loaded: &Loaded, chosen: Option<&BTreeSet<String>>) -> usize {
    let manifest = &loaded.manifest;
    chosen.map_or(manifest.nodes.len() + manifest.sources.len(), BTreeSet::len)
}

/// A relation for each node or source that it stands for.
fn belonging(
    wanted: &HashMap<Key, Vec<String>>,
    relation: &CatalogRelation,
) -> Vec<CatalogRelation> {
    let ids = wanted.get(&key(&relation.schema, &relation.name));
    let of = |id: &String| CatalogRelation {
        unique_id: id.clone(),
        ..relation.clone()
    };
    ids.into_iter().flatten().map(of).collect()
}

fn key(schema: &str, name: &str) -> Key {
    (schema.to_lowercase(), name.to_lowercase())
}

/// Ids by the relation they stand for.
fn wanted(loaded: &Loaded, chosen: Option<&BTreeSet<String>>) -> HashMap<Key, Vec<String>> {
    let manifest = &loaded.manifest;
    let nodes = manifest
        .nodes
        .values()
        .filter(|n| n.is_refable() && !n.is_ephemeral())
        .map(|n| (key(&n.schema, &n.alias), &n.unique_id));
    let sources = manifest
        .sources
        .values()
        .map(|s| (key(&s.schema, &s.identifier), &s.unique_id));
    let mut out: HashMap<Key, Vec<String>> = HashMap::new();
    for (key, id) in nodes.chain(sources) {
        if chosen.is_none_or(|c| c.contains(id)) {
            out.entry(key).or_default().push(id.clone());
        }
    }
    out
}

fn query(wanted: &HashMap<Key, Vec<String>>) -> String {
    let schemas: BTreeSet<String> = wanted
        .keys()
        .map(|(schema, _)| crate::pg::quote_literal(schema))
        .collect();
    let list = schemas.into_iter().collect::<Vec<_>>().join(", ");
    format!(
        "select n.nspname, c.relname, case c.relkind when 'v' then 'VIEW' when 'm' then 'MATERIALIZED VIEW' \
         else 'BASE TABLE' end, pg_catalog.obj_description(c.oid, 'pg_class'), pg_catalog.pg_get_userbyid(c.relowner), a.attname, \
         a.attnum, pg_catalog.format_type(a.atttypid, a.atttypmod), pg_catalog.col_description(c.oid, a.attnum) \
         from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace \
         join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped \
         where pg_catalog.lower(n.nspname) in ({list}) and c.relkind in ('r', 'v', 'm', 'p', 'f') \
         and c.relpersistence in ('p', 'u') order by 1, 2, a.attnum"
    )
}
