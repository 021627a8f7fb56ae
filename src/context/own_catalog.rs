//! The catalogue through a macro of the project, for those who put their own in the place of dbt's.
use super::adapter::PREFIXES;
use super::agate::Table;
use super::exceptions::diagnostic;
use super::relation::Relation;
use super::scope::{NodeFacts, NodeScope, Phase, Setup};
use super::session::NodeSession;
use super::shared::Shared;
use crate::diag::{Diagnostic, code};
use crate::jinja::python;
use crate::text::Place;
use minijinja::value::Value;
use serde_json::{Map, Value as Json};
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};

/// dbt asks for the relations by name up to this number, and for whole schemas beyond.
const MAX_RELATIONS: usize = 100;

const BY_SCHEMA: &str = "get_catalog";
const BY_RELATION: &str = "get_catalog_relations";

/// What a macro of the project or of a package says of these relations, a row for each column; nothing if only the
/// built-in macros would be asked. `count` is the number of nodes that dbt has at hand, if it has made a list of them.
///
/// # Errors
/// Whatever the macro raises, and an answer that is no table.
pub fn own_catalog(
    shared: &Arc<Shared>,
    session: crate::pg::Session,
    relations: &[Relation],
    count: Option<usize>,
) -> Result<Vec<Map<String, Json>>, Diagnostic> {
    let name = asked(count);
    let Some(def) = shared.engine.registry().of_adapter(name).cloned() else {
        return Ok(Vec::new());
    };
    let scope = NodeScope::new(Setup {
        shared: shared.clone(),
        package: def.package.to_string(),
        phase: Phase::Run,
        node: NodeFacts::default(),
        session: Some(Arc::new(Mutex::new(NodeSession::alone(session)))),
        extra: HashMap::new(),
    });
    let database = Relation::new(&shared.target.connection.dbname, "", "");
    let listed = if name == BY_SCHEMA {
        let schemas = relations.iter().filter_map(|r| r.schema.as_ref());
        let schemas: BTreeSet<String> = schemas.map(|s| s.to_lowercase()).collect();
        ("schemas", schemas.into_iter().map(Value::from).collect())
    } else {
        let relations = relations.iter().cloned().map(Relation::value);
        ("relations", relations.collect::<Vec<Value>>())
    };
    let kwargs = [
        (
            "information_schema".to_string(),
            database.information_schema(None).value(),
        ),
        (listed.0.to_string(), python::List::value(listed.1)),
    ];
    let at = Place::new(&def.file, def.name_span.clone());
    let answer = shared
        .engine
        .call_macro(&def, &[], &kwargs, scope.dynamic())
        .map_err(|e| diagnostic(&e, Some(&at)))?;
    let table = answer.downcast_object_ref::<Table>().map(Table::to_json);
    match table {
        Some(Json::Array(rows)) => Ok(rows.into_iter().filter_map(row).collect()),
        _ => Err(Diagnostic::error(
            code::J0304,
            format!(
                "`{name}` has to return a table, and returned {}",
                python::type_name(&answer)
            ),
        )
        .heading("Compilation Error")
        .at(at)
        .help("end it with `{{ return(load_result('catalog').table) }}`")),
    }
}

/// Whether a project's own macro would be asked for the catalogue; `count` as in [`own_catalog`].
pub fn has_own_catalog(shared: &Shared, count: Option<usize>) -> bool {
    let registry = shared.engine.registry();
    let search = shared.dispatch_search(Some(crate::jinja::BUILTIN_NAMESPACE));
    // The built-in one for schemas asks the other one.
    let names: &[&str] = match asked(count) {
        BY_SCHEMA => &[BY_SCHEMA, BY_RELATION],
        _ => &[BY_RELATION],
    };
    names
        .iter()
        .any(|name| registry.replaces(name, &search, PREFIXES))
}

fn asked(count: Option<usize>) -> &'static str {
    if count.is_some_and(|n| n <= MAX_RELATIONS) {
        BY_RELATION
    } else {
        BY_SCHEMA
    }
}

fn row(json: Json) -> Option<Map<String, Json>> {
    match json {
        Json::Object(map) => Some(map),
        _ => None,
    }
}
