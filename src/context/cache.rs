//! The relations known to exist: read once per schema, then kept up to date by what the run itself does.
use super::relation::Relation;
use crate::pg::{PgError, Session};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A relation's place in the cache: schema and name as the database has them.
type Key = (String, String);

#[derive(Debug, Default)]
struct State {
    relations: BTreeMap<Key, Relation>,
    /// Schemas that have been listed, lower case.
    listed: HashSet<String>,
    /// Which views depend on a relation.
    dependants: HashMap<Key, Vec<Key>>,
    /// Materialized views that were carried over to a new parent, with the text they had.
    carried: HashSet<Key>,
}

/// Shared by all threads of a run.
#[derive(Debug, Default)]
pub struct Cache(Mutex<State>);

/// How asking for a relation failed.
#[derive(Debug)]
pub enum LookupError {
    /// A relation differs from the name only in case.
    Approximate(Relation),
    /// The database said no.
    Database(PgError),
}

fn key(r: &Relation) -> Key {
    (
        r.schema.clone().unwrap_or_default(),
        r.identifier.clone().unwrap_or_default(),
    )
}

/// Relations of some schemas with their kinds; `$1` stands for the list of lower-case names.
fn list_sql(schemas: &[String]) -> String {
    let names: Vec<String> = schemas
        .iter()
        .map(|s| crate::pg::quote_literal(s))
        .collect();
    format!(
        "select n.nspname, c.relname, case c.relkind when 'v' then 'view' when 'm' then 'materialized_view' \
         else 'table' end from pg_catalog.pg_class c \
         join pg_catalog.pg_namespace n on n.oid = c.relnamespace \
         where c.relkind in ('r','v','m','p') and lower(n.nspname) in ({}) order by 1, 2",
        names.join(", ")
    )
}

/// Views on relations: parent schema and name, view schema and name.
fn dependants_sql(schemas: &[String]) -> String {
    let names: Vec<String> = schemas
        .iter()
        .map(|s| crate::pg::quote_literal(s))
        .collect();
    format!(
        "select distinct pn.nspname, p.relname, vn.nspname, v.relname from pg_catalog.pg_depend d \
         join pg_catalog.pg_rewrite r on r.oid = d.objid join pg_catalog.pg_class v on v.oid = r.ev_class \
         join pg_catalog.pg_namespace vn on vn.oid = v.relnamespace join pg_catalog.pg_class p on p.oid = d.refobjid \
         join pg_catalog.pg_namespace pn on pn.oid = p.relnamespace \
         where d.classid = 'pg_rewrite'::regclass and d.refclassid = 'pg_class'::regclass and p.oid <> v.oid \
         and lower(pn.nspname) in ({})",
        names.join(", ")
    )
}

impl Cache {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads schemas that have not been read yet, in two queries.
    pub fn fill(
        &self,
        session: &mut Session,
        database: &str,
        schemas: &[String],
    ) -> Result<(), PgError> {
        let missing: Vec<String> = {
            let state = self.state();
            let mut all: Vec<String> = schemas
                .iter()
                .map(|s| s.to_lowercase())
                .filter(|s| !state.listed.contains(s))
                .collect();
            all.sort();
            all.dedup();
            all
        };
        if missing.is_empty() {
            return Ok(());
        }
        let relations = session.fetch(&list_sql(&missing))?;
        let dependants = session.fetch(&dependants_sql(&missing))?;
        let text = |row: &Vec<crate::pg::Cell>, i: usize| row[i].text().unwrap_or_default();
        let mut state = self.state();
        for row in &relations.rows {
            let relation =
                Relation::new(database, &text(row, 0), &text(row, 1)).of_kind(&text(row, 2));
            state.relations.insert(key(&relation), relation);
        }
        for row in &dependants.rows {
            let (parent, child) = ((text(row, 0), text(row, 1)), (text(row, 2), text(row, 3)));
            state.dependants.entry(parent).or_default().push(child);
        }
        state.listed.extend(missing);
        Ok(())
    }

    /// A relation by name; its schema is read first if it has not been.
    pub fn get(
        &self,
        session: &mut Session,
        database: &str,
        schema: &str,
        identifier: &str,
        quote: [bool; 3],
    ) -> Result<Option<Relation>, LookupError> {
        self.fill(session, database, &[schema.to_string()])
            .map_err(LookupError::Database)?;
        let state = self.state();
        let schema = if quote[1] {
            schema.to_string()
        } else {
            schema.to_lowercase()
        };
        let identifier = if quote[2] {
            identifier.to_string()
        } else {
            identifier.to_lowercase()
        };
        if let Some(r) = state.relations.get(&(schema.clone(), identifier.clone())) {
            return Ok(Some(r.clone()));
        }
        let near = state.relations.iter().find(|((s, i), _)| {
            s.eq_ignore_ascii_case(&schema) && i.eq_ignore_ascii_case(&identifier)
        });
        match near {
            Some((_, r)) => Err(LookupError::Approximate(r.clone())),
            None => Ok(None),
        }
    }

    /// Whether a relation is known to exist.
    pub fn has(&self, relation: &Relation) -> bool {
        self.state().relations.contains_key(&relation.stored())
    }

    /// All relations of a schema.
    pub fn of_schema(&self, schema: &str) -> Vec<Relation> {
        let state = self.state();
        state
            .relations
            .iter()
            .filter(|((s, _), _)| s.eq_ignore_ascii_case(schema))
            .map(|(_, r)| r.clone())
            .collect()
    }

    /// Something was made.
    pub fn add(&self, relation: &Relation) {
        let mut plain = Relation::new(
            relation.database.as_deref().unwrap_or_default(),
            relation.schema.as_deref().unwrap_or_default(),
            relation.identifier.as_deref().unwrap_or_default(),
        );
        plain.kind = relation.kind.clone().or(Some("table".into()));
        self.state().relations.insert(key(&plain), plain);
    }

    /// Something was dropped, and with it the views on it.
    pub fn drop_relation(&self, relation: &Relation) {
        let mut state = self.state();
        let mut stack = vec![key(relation)];
        while let Some(k) = stack.pop() {
            state.relations.remove(&k);
            stack.extend(state.dependants.remove(&k).unwrap_or_default());
        }
    }

    /// What the database has just said of some names of a schema: what of them is there, and as what.
    pub fn observe(
        &self,
        database: &str,
        schema: &str,
        names: &[String],
        there: &[(String, String)],
    ) {
        let mut state = self.state();
        for name in names {
            let key = (schema.to_string(), name.clone());
            match there.iter().find(|(n, _)| n == name) {
                Some((_, kind)) => {
                    let found = Relation::new(database, schema, name).of_kind(kind);
                    state.relations.insert(key, found);
                }
                None => drop(state.relations.remove(&key)),
            }
        }
    }

    /// Something was renamed.
    pub fn rename(&self, from: &Relation, to: &Relation) {
        let mut state = self.state();
        let (old, new) = (key(from), key(to));
        if let Some(mut r) = state.relations.remove(&old) {
            r.schema = Some(new.0.clone());
            r.identifier = Some(new.1.clone());
            state.relations.insert(new.clone(), r);
        } else {
            let mut r = to.clone();
            r.kind = from.kind.clone().or(r.kind);
            state.relations.insert(new.clone(), r);
        }
        if let Some(dependants) = state.dependants.remove(&old) {
            state.dependants.insert(new, dependants);
        }
    }

    /// The dependants of a relation that was renamed away hang on the one that has its name now.
    pub fn hand_over(&self, from: &Relation, to: &Relation) {
        let mut state = self.state();
        if let Some(all) = state.dependants.remove(&key(from)) {
            state.dependants.entry(key(to)).or_default().extend(all);
        }
    }

    /// A materialized view was carried over to a new parent.
    pub fn note_carried(&self, relation: &Relation) {
        self.state().carried.insert(key(relation));
    }

    /// Whether a materialized view was carried over: where dbt finds none and makes one of the present text.
    pub fn was_carried(&self, relation: &Relation) -> bool {
        self.state().carried.contains(&key(relation))
    }

    /// A schema was dropped.
    pub fn drop_schema(&self, schema: &str) {
        self.state()
            .relations
            .retain(|(s, _), _| !s.eq_ignore_ascii_case(schema));
    }

    /// A schema is known to be there and empty.
    pub fn note_schema(&self, schema: &str) {
        self.state().listed.insert(schema.to_lowercase());
    }
}
