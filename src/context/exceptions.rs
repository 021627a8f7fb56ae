//! `exceptions.*`, and how errors of renders become diagnostics with dbt's headings.
use super::args::Args;
use super::scope::Inner;
use super::shared::Say;
use crate::diag::{Diagnostic, code};
use crate::jinja::python;
use crate::jinja::{JinjaError, raise};
use crate::pg::PgError;
use crate::text::Place;
use minijinja::value::{Enumerator, Object, Value};
use minijinja::{Error, State};
use std::sync::Arc;

/// Errors that dbt has names for, carried through the template engine.
#[derive(Debug, Clone)]
pub enum Raised {
    /// `exceptions.raise_compiler_error` and everything that is wrong with a template's use.
    Compilation(String),
    /// The server refused a statement: the error, the SQL sent, and the bytes our comment put in front.
    Database(Box<PgError>, String, usize),
    /// `raise_database_error`.
    DatabaseText(String),
    /// `raise_dependency_error`.
    Dependency(String),
    /// `raise_fail_fast_error`.
    FailFast(String),
    /// Anything else with its own heading.
    Other(&'static str, String),
}

impl Raised {
    /// The error as the engine wants it.
    pub fn into_error(self) -> Error {
        let message = self.message();
        raise(message, self)
    }

    /// In words.
    pub fn message(&self) -> String {
        match self {
            Self::Compilation(m)
            | Self::DatabaseText(m)
            | Self::Dependency(m)
            | Self::FailFast(m)
            | Self::Other(_, m) => m.clone(),
            Self::Database(e, ..) => e.to_string(),
        }
    }

    /// dbt's heading.
    pub fn heading(&self) -> &'static str {
        match self {
            Self::Compilation(_) => "Compilation Error",
            Self::Database(..) | Self::DatabaseText(_) => "Database Error",
            Self::Dependency(_) => "Dependency Error",
            Self::FailFast(_) => "FailFast Error",
            Self::Other(heading, _) => heading,
        }
    }
}

/// A compile error of a template.
pub(super) fn compilation(message: impl Into<String>) -> Error {
    Raised::Compilation(message.into()).into_error()
}

/// An error of the adapter, as dbt calls what is no mistake of a template.
pub(super) fn runtime(message: impl Into<String>) -> Error {
    Raised::Other("Runtime Error", message.into()).into_error()
}

/// A render's error as a diagnostic; `fallback` is the place when the error has none.
pub fn diagnostic(e: &JinjaError, fallback: Option<&Place>) -> Diagnostic {
    let raised = e.payload::<Raised>();
    let heading = raised.map_or("Compilation Error", Raised::heading);
    let mut d = match raised {
        Some(Raised::Database(pg, ..)) => pg.diagnostic(None, None),
        _ => e.diagnostic(code_of(e)),
    };
    if d.labels.is_empty() {
        d.labels = e.diagnostic(code::J0304).labels;
    }
    if d.code == code::J0301 {
        d = super::syntax::explained(d);
    }
    // Places in the macros that are built in help nobody who has places of their own.
    let own = |l: &crate::diag::Label| {
        !l.place.file.path.starts_with("tv1/") && !l.place.file.path.starts_with('<')
    };
    if d.labels.iter().any(own) {
        d.labels.retain(own);
    } else if let Some(place) = fallback {
        let line = place.file.line_column(place.span.start).0;
        d.labels.clear();
        d = d.at(Place::line(&place.file, line));
        if let Some(frame) = e.stack.first() {
            d = d.note(format!("raised by macro `{}`", frame.name));
        }
    }
    if d.labels.is_empty() {
        d = d.at_opt(fallback.cloned());
    }
    d.heading(heading)
}

/// An error outside of a render as a diagnostic without a place.
pub fn raised(e: &Error) -> Diagnostic {
    let payload = crate::jinja::host::raised(e);
    let own = payload.as_ref().and_then(|p| p.downcast_ref::<Raised>());
    let heading = own.map_or("Compilation Error", Raised::heading);
    let message = own.map_or_else(
        || e.detail().map_or_else(|| e.to_string(), str::to_string),
        Raised::message,
    );
    Diagnostic::error(code::J0304, message).heading(heading)
}

/// Templates that cannot be read have a code of their own.
fn code_of(e: &JinjaError) -> code::Code {
    match e.kind {
        crate::jinja::JinjaErrorKind::Syntax => code::J0301,
        _ => code::J0304,
    }
}

/// The error in dbt's words, without heading and place: what the server said with the line it means.
pub fn message(e: &JinjaError) -> String {
    match e.payload::<Raised>() {
        Some(Raised::Database(pg, ..)) => pg.to_string(),
        _ => e.message.clone(),
    }
}

/// `exceptions`.
#[derive(Debug)]
pub(super) struct Exceptions(pub Arc<Inner>);

/// The names of `exceptions`.
pub(super) const NAMES: &[&str] = &[
    "column_type_missing",
    "missing_config",
    "missing_materialization",
    "missing_relation",
    "raise_ambiguous_alias",
    "raise_ambiguous_catalog_match",
    "raise_cache_inconsistent",
    "raise_compiler_error",
    "raise_contract_error",
    "raise_database_error",
    "raise_dataclass_not_dict",
    "raise_dep_not_found",
    "raise_dependency_error",
    "raise_duplicate_patch_name",
    "raise_duplicate_resource_name",
    "raise_fail_fast_error",
    "raise_invalid_property_yml_version",
    "raise_not_implemented",
    "relation_wrong_type",
    "warn",
    "warn_snapshot_timestamp_data_types",
];

impl Object for Exceptions {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let name = key.as_str().filter(|name| NAMES.contains(name))?;
        let all = Value::from_dyn_object(self.clone());
        Some(python::Bound::value(all, name))
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Str(NAMES)
    }

    fn call_method(
        self: &Arc<Self>,
        _: &mut State<'_, '_>,
        name: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        let args = Args::new(args)?;
        let text = |i: usize, n: &str| {
            args.get(i, n)
                .map(|v| python::str_of(&v))
                .unwrap_or_default()
        };
        let message = || text(0, "msg");
        Err(match name {
            "warn" => {
                let d = Diagnostic::warning(code::J0305, message())
                    .event("JinjaLogWarning")
                    .fact("msg", message());
                if (self.0.shared.strict)(&d) {
                    return Err(compilation(message()));
                }
                (self.0.shared.say)(Say::Warning(d));
                return Ok(Value::from(""));
            }
            "raise_compiler_error" | "compiler_error" => compilation(message()),
            "raise_database_error" => Raised::DatabaseText(message()).into_error(),
            "raise_dependency_error" => Raised::Dependency(message()).into_error(),
            "raise_not_implemented" => {
                Raised::Other("Not Implemented Error", format!("ERROR: {}", message())).into_error()
            }
            "raise_fail_fast_error" => Raised::FailFast(message()).into_error(),
            "raise_contract_error" => super::api::contract_error(&args)?,
            "raise_ambiguous_alias"
            | "raise_ambiguous_catalog_match"
            | "raise_cache_inconsistent"
            | "raise_dataclass_not_dict"
            | "raise_dep_not_found"
            | "raise_duplicate_patch_name"
            | "raise_duplicate_resource_name"
            | "raise_invalid_property_yml_version" => {
                let words: Vec<String> = args.positional.iter().map(python::str_of).collect();
                compilation(format!(
                    "{}: {}",
                    name.trim_start_matches("raise_").replace('_', " "),
                    words.join(", ")
                ))
            }
            "column_type_missing" => {
                let columns = args.required(0, "column_names")?;
                compilation(format!(
                    "Contracted models require data_type to be defined for each column.  Please ensure that the column \
                     name and data_type are defined within the YAML configuration for the {} column(s).",
                    python::str_of(&columns)
                ))
            }
            "missing_config" => compilation(format!(
                "Model '{}' does not define a required config parameter '{}'.",
                self.0.node_id(),
                text(1, "name")
            )),
            "missing_materialization" => compilation(format!(
                "No materialization '{}' was found for adapter postgres! (searched types 'default' and 'postgres')",
                text(1, "adapter_type")
            )),
            "missing_relation" => {
                compilation(format!("Relation {} not found!", text(0, "relation")))
            }
            "relation_wrong_type" => compilation(format!(
                "Trying to create {} {}, but it currently exists as a {}. Either drop {} manually, or run dbt with `--full-refresh` and dbt will drop it for you.",
                text(1, "expected_type"),
                text(0, "relation"),
                args.get(0, "relation")
                    .and_then(|r| super::relation::Relation::of(&r).and_then(|r| r.kind.clone()))
                    .unwrap_or_default(),
                text(0, "relation")
            )),
            "warn_snapshot_timestamp_data_types" => {
                let d = Diagnostic::warning(
                    code::J0305,
                    format!(
                        "Data type of snapshot table timestamp columns ({}) doesn't match derived column 'updated_at' ({}). Please update snapshot config 'updated_at'.",
                        text(0, "snapshot_time_data_type"),
                        text(1, "updated_at_data_type")
                    ),
                )
                .event("SnapshotTimestampWarning")
                .fact("snapshot_time_data_type", text(0, "snapshot_time_data_type"))
                .fact("updated_at_data_type", text(1, "updated_at_data_type"));
                if (self.0.shared.strict)(&d) {
                    return Err(compilation(d.message));
                }
                (self.0.shared.say)(Say::Warning(d));
                return Ok(Value::from(""));
            }
            _ => return Err(python::error::no_method("exceptions", name)),
        })
    }
}
