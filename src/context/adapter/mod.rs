//! `adapter`: what templates may ask of the database. While parsing it answers without asking.
mod relations;
mod send;
mod values;

use super::agate::Table;
use super::args::Args;
use super::bind::{bind, copy_row};
use super::constraints::{columns_constraints, model_constraints};
use super::exceptions::{compilation, runtime};
use super::functions::empty_dict;
use super::index::parse_index;
use super::relation::Relation;
use super::scope::Inner;
use super::session::Response;
use super::shared::Say;
use crate::jinja::python::{self, List};
use minijinja::value::{Object, ObjectRepr, Value};
use minijinja::{Error, State};
pub use send::SendError;
use serde_json::json;
use std::sync::Arc;
pub(in crate::context) use values::PREFIXES;
pub(in crate::context) use values::dispatched;
use values::{convert_type, grants, hard_deletes};

/// `adapter`.
#[derive(Debug)]
pub(super) struct Adapter(pub Arc<Inner>);

/// Methods that answer with a stub while parsing.
const STUBS: &[(&str, Stub)] = &[
    ("get_relation", Stub::None),
    ("get_columns_in_relation", Stub::List),
    ("get_missing_columns", Stub::List),
    ("expand_target_column_types", Stub::None),
    ("create_schema", Stub::None),
    ("drop_schema", Stub::None),
    ("drop_relation", Stub::None),
    ("truncate_relation", Stub::None),
    ("hold_dependents", Stub::Text),
    ("was_carried", Stub::False),
    ("copy_seed_rows", Stub::None),
    ("rename_relation", Stub::None),
    ("check_schema_exists", Stub::False),
    ("execute", Stub::Pair),
    ("add_query", Stub::NonePair),
    ("get_column_schema_from_query", Stub::List),
    ("commit", Stub::None),
    ("cache_added", Stub::Text),
    ("cache_dropped", Stub::Text),
    ("cache_renamed", Stub::Text),
    ("list_relations_without_caching", Stub::List),
    ("standardize_grants_dict", Stub::Dict),
];

/// The methods that dbt lets templates have: what `adapter.name is defined` is asked of.
pub(super) const METHODS: &[&str] = &[
    "add_query",
    "already_exists",
    "assert_valid_snapshot_target_given_strategy",
    "build_catalog_relation",
    "cache_added",
    "cache_dropped",
    "cache_renamed",
    "check_schema_exists",
    "commit",
    "convert_type",
    "create_schema",
    "dispatch",
    "drop_relation",
    "drop_schema",
    "execute",
    "expand_target_column_types",
    "get_catalog_integration",
    "get_column_schema_from_query",
    "get_columns_in_relation",
    "get_columns_in_table",
    "get_hard_deletes_behavior",
    "get_incremental_strategy_macro",
    "get_missing_columns",
    "get_partitions_metadata",
    "get_relation",
    "parse_index",
    "quote",
    "quote_as_configured",
    "quote_seed_column",
    "rename_relation",
    "render_raw_columns_constraints",
    "render_raw_model_constraints",
    "run_sql_for_tests",
    "standardize_grants_dict",
    "truncate_relation",
    "type",
    "valid_snapshot_target",
    "verify_database",
];

#[derive(Clone, Copy)]
enum Stub {
    None,
    List,
    Dict,
    False,
    Text,
    Pair,
    NonePair,
}

impl Stub {
    fn value(self) -> Value {
        let none = || Value::from(());
        match self {
            Self::None => none(),
            Self::List => List::value(Vec::new()),
            Self::Dict => empty_dict(),
            Self::False => Value::from(false),
            Self::Text => Value::from(""),
            Self::Pair => python::tuple(vec![
                Value::from_object(Response::default()),
                Table::default().value(),
            ]),
            Self::NonePair => python::tuple(vec![none(), none()]),
        }
    }
}

impl Object for Adapter {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        match key.as_str()? {
            "config" => Some(python::json::from_json(
                &json!({"credentials": self.0.shared.target.context()}),
            )),
            "behavior" => Some(python::json::from_json(
                &json!({"enable_truthy_nulls_equals_macro": false, "require_batched_execution_for_custom_microbatch_strategy": false, "no_overflow": false}),
            )),
            "Relation" => Some(Value::from_object(super::api::RelationClass)),
            "Column" => Some(Value::from_object(super::column::ColumnClass)),
            "__callable__" => Some(Value::from(false)),
            name if METHODS.contains(&name) => {
                let adapter = Value::from_dyn_object(self.clone());
                Some(python::Bound::value(adapter, name))
            }
            _ => None,
        }
    }

    fn call_method(
        self: &Arc<Self>,
        state: &mut State<'_, '_>,
        name: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        let args = Args::new(args)?;
        if !self.0.executing()
            && let Some((_, stub)) = STUBS.iter().find(|(n, _)| *n == name)
        {
            return Ok(stub.value());
        }
        if OVERRIDABLE.contains(&name) && self.is_overridden(name) {
            let given: Vec<Value> = match name {
                "check_schema_exists" => {
                    vec![args.required(0, "database")?, args.required(1, "schema")?]
                }
                _ => vec![args.required(0, "relation")?],
            };
            return self.call_macro(state, name, &given);
        }
        match name {
            "type" => Ok(Value::from("postgres")),
            "dispatch" => self.dispatch(&args),
            "quote" => Ok(Value::from(format!(
                "\"{}\"",
                args.required_text(0, "identifier")?
            ))),
            "quote_as_configured" => self.quote_as_configured(&args),
            "quote_seed_column" => self.quote_seed_column(&args),
            "commit" | "commit_if_has_connection" => self.0.commit(),
            "execute" => self.execute(&args),
            "add_query" => self.add_query(&args),
            "get_relation" => self.get_relation(&args),
            "load_relation" => self.get_relation(&args),
            "get_columns_in_relation" => {
                let relation = args.required(0, "relation")?;
                self.columns_value(state, &relation)
            }
            "get_columns_in_table" => {
                let (schema, name) = (
                    args.required_text(0, "schema")?,
                    args.required_text(1, "identifier")?,
                );
                let database = self.0.shared.target.connection.dbname.clone();
                let relation = Relation::new(&database, &schema, &name);
                self.columns_value(state, &relation.quoted_as(self.0.shared.quoting).value())
            }
            "get_missing_columns" => self.missing_columns(state, &args),
            "expand_target_column_types" => self.expand(state, &args),
            "create_schema" | "drop_schema" => self.schema(state, name, &args),
            "drop_relation" | "truncate_relation" | "rename_relation" => {
                self.change(state, name, &args)
            }
            "hold_dependents" => {
                self.0.hold(&Relation::expect(
                    &args.required(0, "relation")?,
                    "relation",
                )?)?;
                Ok(Value::from(""))
            }
            "was_carried" => {
                let relation = Relation::expect(&args.required(0, "relation")?, "relation")?;
                Ok(Value::from(self.0.shared.cache.was_carried(&relation)))
            }
            "copy_seed_rows" => self.copy_seed_rows(&args),
            "check_schema_exists" => self.schema_exists(state, &args),
            "get_column_schema_from_query" => self.query_columns(&args),
            "cache_added" | "cache_dropped" | "cache_renamed" => self.cache(name, &args),
            "standardize_grants_dict" => grants(&args.required(0, "grants_table")?),
            "convert_type" => convert_type(&args),
            "get_incremental_strategy_macro" => self.strategy(&args),
            "valid_incremental_strategies" => Ok(List::value(
                ["append", "delete+insert", "merge", "microbatch"]
                    .map(Value::from)
                    .to_vec(),
            )),
            "render_raw_columns_constraints" => {
                columns_constraints(&args.required(0, "raw_columns")?, &|to| {
                    self.0.referenced(to)
                })
            }
            "render_raw_model_constraints" => {
                model_constraints(&args.required(0, "raw_constraints")?, &|to| {
                    self.0.referenced(to)
                })
            }
            "parse_index" => parse_index(&args.required(0, "raw_index")?),
            "verify_database" => self.verify_database(&args),
            "get_hard_deletes_behavior" => hard_deletes(&args.required(0, "config")?),
            "valid_snapshot_target" | "assert_valid_snapshot_target_given_strategy" => {
                self.valid_snapshot_target(name, &args)
            }
            "already_exists" => {
                let (schema, name) = (
                    args.required_text(0, "schema")?,
                    args.required_text(1, "name")?,
                );
                Ok(Value::from(
                    self.0
                        .find(&self.0.shared.target.connection.dbname, &schema, &name)?
                        .is_some(),
                ))
            }
            "list_relations_without_caching" => self.list_relations(&args),
            "build_catalog_relation" => Ok(Value::from(())),
            "get_catalog_integration" => Err(compilation(format!(
                "Catalog not found. Received: {}, expected one of: ",
                args.required_text(0, "name")?
            ))),
            "get_partitions_metadata" => Err(compilation(
                "`get_partitions_metadata` is not implemented for this adapter!",
            )),
            "run_sql_for_tests" => self.run_sql_for_tests(&args),
            "nice_connection_name" => Ok(Value::from(self.0.node_id())),
            _ => Err(python::error::no_method("PostgresAdapter", name)),
        }
    }
}

/// Methods that are macros in dbt, and done here without one unless the project has its own.
const OVERRIDABLE: &[&str] = &["get_columns_in_relation", "create_schema", "drop_schema"];

impl Adapter {
    /// Whether the project or a package has its own macro for a method.
    fn is_overridden(&self, name: &str) -> bool {
        let own = |def: &&Arc<crate::jinja::MacroDef>| {
            let plain = def.name.strip_prefix("postgres__");
            let plain = plain.or_else(|| def.name.strip_prefix("default__"));
            plain.unwrap_or(&def.name) == name && !crate::builtin::PACKAGES.contains(&&*def.package)
        };
        let registry = self.0.shared.engine.registry();
        registry.iter().any(|def| own(&def))
    }

    fn dispatch(&self, args: &Args) -> Result<Value, Error> {
        let name = args.required_text(0, "macro_name")?;
        let namespace = args.text(1, "macro_namespace");
        dispatched(&self.0, &name, namespace.as_deref())
    }

    /// Whether a macro of the project or of a package takes the place of a method's built-in one.
    fn replaced(&self, name: &str) -> bool {
        let shared = &self.0.shared;
        let search = shared.dispatch_search(Some(crate::jinja::BUILTIN_NAMESPACE));
        let registry = shared.engine.registry();
        registry.replaces(name, &search, PREFIXES)
    }

    fn quote_as_configured(&self, args: &Args) -> Result<Value, Error> {
        let (name, key) = (
            args.required_text(0, "identifier")?,
            args.required_text(1, "quote_key")?,
        );
        let index = ["database", "schema", "identifier"]
            .iter()
            .position(|k| *k == key);
        let quoted = index.is_none_or(|i| self.0.shared.quoting[i]);
        Ok(Value::from(if quoted {
            format!("\"{name}\"")
        } else {
            name
        }))
    }

    fn quote_seed_column(&self, args: &Args) -> Result<Value, Error> {
        let name = args.required_text(0, "column")?;
        let quote = match args.get(1, "quote_config") {
            Some(v) if v.is_none() || v.is_undefined() => true,
            None => true,
            Some(v) if v.kind() == minijinja::value::ValueKind::Bool => v.is_true(),
            Some(v) => {
                return Err(compilation(format!(
                    "The seed configuration value of \"quote_columns\" has an invalid type {}",
                    python::type_name(&v)
                )));
            }
        };
        Ok(Value::from(if quote {
            format!("\"{name}\"")
        } else {
            name
        }))
    }

    fn execute(&self, args: &Args) -> Result<Value, Error> {
        let sql = args.required_text(0, "sql")?;
        let fetch = args.flag(2, "fetch", false);
        if args.flag(1, "auto_begin", false) {
            self.0.connection()?.want_transaction();
        }
        let limit = args.get(3, "limit").and_then(|v| v.as_usize());
        let (response, table) = self.0.run(&sql, fetch, limit)?;
        Ok(python::tuple(vec![
            Value::from_object(response),
            table.value(),
        ]))
    }

    /// `run_sql_for_tests(sql, fetch, conn)`: the first row, all rows, or nothing.
    fn run_sql_for_tests(&self, args: &Args) -> Result<Value, Error> {
        let fetch = args.text(1, "fetch").unwrap_or_default();
        let wanted = matches!(fetch.as_str(), "one" | "all");
        let (_, table) = self.0.run(&args.required_text(0, "sql")?, wanted, None)?;
        let rows = table.rows();
        let mut rows = rows.iter().map(|r| python::tuple(r.cells.clone()));
        Ok(match fetch.as_str() {
            "one" => rows.next().unwrap_or_else(|| Value::from(())),
            "all" => List::value(rows.collect()),
            _ => Value::from(()),
        })
    }

    fn add_query(&self, args: &Args) -> Result<Value, Error> {
        let sql = args.required_text(0, "sql")?;
        let sql = match args.get(2, "bindings").filter(|b| !b.is_none()) {
            Some(bindings) => bind(&sql, &python::iterate(&bindings)?)?,
            None => sql,
        };
        let mut session = self.0.connection()?;
        session
            .execute(&sql)
            .map_err(|e| Inner::database_error(e, sql.clone(), 0))?;
        Ok(python::tuple(vec![Value::from(()), Value::from(())]))
    }

    /// Streams the rows of a seed's file into a table. None when it cannot be done in this way: the table is not the
    /// file's, or the server would read a value of it differently.
    fn copy_seed_rows(&self, args: &Args) -> Result<Value, Error> {
        let relation = Relation::expect(&args.required(0, "relation")?, "relation")?;
        let columns = args.required_text(1, "columns")?;
        let table = args.required(2, "agate_table")?;
        let seed = table
            .downcast_object_ref::<Table>()
            .and_then(Table::seed)
            .filter(|s| s.can_copy());
        let Some(seed) = seed else {
            return Ok(Value::from(()));
        };
        let sql = format!("copy {} ({columns}) from stdin", relation.name());
        (self.0.shared.say)(Say::Sql(self.0.node_id(), sql.clone()));
        let mut session = self.0.connection()?;
        session.want_transaction();
        let done = session.begin_if_fresh().and_then(|_| {
            let mut writer = session.raw().copy_in(&sql)?;
            match seed.copy(&mut |data| writer.send(data)) {
                Ok(()) => writer.finish(),
                Err(e) => {
                    writer.abort();
                    Err(e)
                }
            }
        });
        done.map_err(|mut e| {
            let at = e
                .where_
                .as_deref()
                .and_then(copy_row)
                .and_then(|n| seed.place(n));
            if let Some(at) = at {
                e.hint = Some(format!("The value stands in {at}."));
            }
            Inner::database_error(e, sql.clone(), 0)
        })?;
        Ok(Value::from(sql))
    }

    fn strategy(&self, args: &Args) -> Result<Value, Error> {
        const BUILTIN: &[&str] = &[
            "append",
            "delete+insert",
            "merge",
            "microbatch",
            "insert_overwrite",
        ];
        let strategy = args
            .required_text(1, "model_strategy")
            .or_else(|_| args.required_text(0, "model_strategy"))?;
        if BUILTIN.contains(&strategy.as_str()) && strategy == "insert_overwrite" {
            return Err(runtime(format!(
                "The incremental strategy '{strategy}' is not valid for this adapter"
            )));
        }
        let name = format!("get_incremental_{}_sql", strategy.replace('+', "_"));
        let engine = &self.0.shared.engine;
        super::functions::lookup_macro(engine, &self.0.package, &name).ok_or_else(|| {
            runtime(format!(
                "dbt could not find an incremental strategy macro with the name \"{name}\" in {}",
                self.0.shared.root_name
            ))
        })
    }

    fn verify_database(&self, args: &Args) -> Result<Value, Error> {
        let database = args.required_text(0, "database")?;
        let database = database.trim_matches('"');
        let own = &self.0.shared.target.connection.dbname;
        if database.eq_ignore_ascii_case(own) {
            return Ok(Value::from(""));
        }
        Err(runtime(format!(
            "Cross-db references not allowed in postgres ({database} vs {own})"
        )))
    }

    fn valid_snapshot_target(&self, name: &str, args: &Args) -> Result<Value, Error> {
        let relation = Relation::expect(&args.required(0, "relation")?, "relation")?;
        let names = args.get(1, "column_names").filter(|n| !n.is_none());
        let column = |key: &str| {
            names
                .as_ref()
                .and_then(|n| n.get_item(&Value::from(key)).ok())
                .filter(|v| !v.is_none() && !v.is_undefined())
                .map_or_else(|| key.to_string(), |v| python::str_of(&v))
        };
        let there: Vec<String> = self
            .0
            .columns(&relation)?
            .into_iter()
            .map(|c| c.name.to_lowercase())
            .collect();
        let mut wanted = vec!["dbt_scd_id", "dbt_valid_from", "dbt_valid_to"];
        let hard = args
            .get(2, "strategy")
            .and_then(|s| s.get_item(&Value::from("hard_deletes")).ok())
            .map(|v| python::str_of(&v));
        if name.starts_with("assert") && hard.as_deref() == Some("new_record") {
            wanted.push("dbt_is_deleted");
        }
        let missing: Vec<String> = wanted
            .into_iter()
            .map(column)
            .filter(|c| !there.contains(&c.to_lowercase()))
            .collect();
        if missing.is_empty() {
            return Ok(Value::from(""));
        }
        let quoted: Vec<String> = missing.iter().map(|m| format!("\"{m}\"")).collect();
        Err(compilation(format!(
            "Snapshot target is missing configured columns (missing {}). See https://docs.getdbt.com/docs/build/snapshots#snapshot-meta-fields for more information.",
            quoted.join(", ")
        )))
    }
}
