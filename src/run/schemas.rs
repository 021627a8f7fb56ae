//! Before nodes run: the schemas they need are made, and the relations in them are looked up.
use crate::context::{
    NodeFacts, NodeScope, NodeSession, Phase, Relation, Setup, Shared, diagnostic,
};
use crate::diag::{Diagnostic, Result, code};
use crate::graph::{Manifest, Node, ResourceType};
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

/// Makes missing schemas of the nodes and reads what is in all of them.
pub fn prepare(
    shared: &Arc<Shared>,
    manifest: &Manifest,
    ids: &[String],
    session: &Arc<Mutex<NodeSession>>,
) -> Result<()> {
    let wanted = schemas(shared, manifest, ids)?;
    let lock = || session.lock().unwrap_or_else(PoisonError::into_inner);
    let fail = |e: crate::pg::PgError| -> crate::diag::Stopped {
        e.diagnostic(None, None).heading("Database Error").into()
    };
    let there = lock()
        .raw()
        .fetch("select nspname from pg_catalog.pg_namespace")
        .map_err(fail)?;
    let there: BTreeSet<String> = there
        .rows
        .iter()
        .filter_map(|r| r[0].text())
        .map(|s| s.to_lowercase())
        .collect();
    for schema in wanted.iter().filter(|s| !there.contains(&s.to_lowercase())) {
        create(shared, schema, session)?;
        shared.cache.note_schema(schema);
    }
    let all: Vec<String> = wanted.into_iter().collect();
    if !all.is_empty() {
        shared
            .cache
            .fill(lock().raw(), &shared.target.connection.dbname, &all)
            .map_err(fail)?;
    }
    Ok(())
}

/// The schemas of the nodes that make relations; an error if one of them is for another database.
pub fn schemas(shared: &Shared, manifest: &Manifest, ids: &[String]) -> Result<BTreeSet<String>> {
    let mut wanted: BTreeSet<String> = BTreeSet::new();
    for node in ids.iter().filter_map(|id| manifest.nodes.get(id)) {
        let makes = match node.resource_type {
            ResourceType::Model => !node.is_ephemeral(),
            ResourceType::Seed | ResourceType::Snapshot => true,
            ResourceType::Test => node.relation_name.is_some() || shared.flag("STORE_FAILURES"),
            _ => false,
        };
        if !makes {
            continue;
        }
        let own = &shared.target.connection.dbname;
        if !node.database.eq_ignore_ascii_case(own) {
            return Err(elsewhere(node, own).into());
        }
        wanted.insert(node.schema.clone());
    }
    Ok(wanted)
}

/// A node for another database stops the run before its first statement, as in dbt.
fn elsewhere(node: &Node, own: &str) -> Diagnostic {
    let text = format!(
        "Cross-db references not allowed in postgres ({} vs {own})",
        node.database
    );
    Diagnostic::error(code::G0401, text)
        .heading("Runtime Error")
        .at_opt(node.place.clone())
        .help(format!(
            "{} `{}` can only be made in the database that the profile names: take its `database` away, or select other nodes",
            node.resource_type.as_str(),
            node.name
        ))
}

/// By the project's `create_schema` macro, so that an override counts.
fn create(
    shared: &Arc<Shared>,
    schema: &str,
    session: &Arc<Mutex<NodeSession>>,
) -> std::result::Result<(), Diagnostic> {
    let scope = NodeScope::new(Setup {
        shared: shared.clone(),
        package: shared.root_name.clone(),
        phase: Phase::Run,
        node: NodeFacts::default(),
        session: Some(session.clone()),
        extra: HashMap::new(),
    });
    let Some(create) = crate::context::adapter_macro_of(&shared.engine, "create_schema") else {
        return Ok(());
    };
    let relation = Relation {
        identifier: None,
        ..Relation::new(&shared.target.connection.dbname, schema, "")
    };
    let relation = Relation {
        include: [true, true, false],
        ..relation
    };
    shared
        .engine
        .call(&create, &[relation.value()], &[], scope.dynamic())
        .map(|_| ())
        .map_err(|e| diagnostic(&e, None).note(format!("while creating the schema `{schema}`")))
}
