//! `adapter`: what templates may ask of the database. While parsing it answers without asking.
use super::agate::Table;
use super::args::Args;
use super::bind::{bind, copy_row};
use super::cache::LookupError;
use super::column::{Column, translate};
use super::constraints::{columns_constraints, model_constraints};
use super::data_type::DataType;
use super::exceptions::{Raised, compilation, runtime};
use super::functions::empty_dict;
use super::index::parse_index;
use super::relation::Relation;
use super::scope::{Inner, Phase, lock};
use super::session::{NodeSession, Response};
use super::shared::Say;
use super::values::get_text;
use crate::jinja::MacroRef;
use crate::jinja::python::{self, Dict, List};
use crate::pg::{PgError, quote_literal};
use minijinja::value::{Object, ObjectRepr, Value};
use minijinja::{Error, State};
use serde_json::{Value as Json, json};
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Instant;

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

impl Inner {
    /// The connection, or an error that says why there is none.
    pub(super) fn connection(&self) -> Result<MutexGuard<'_, NodeSession>, Error> {
        let session = self.session.as_ref().ok_or_else(|| {
            compilation("this needs a database connection, and there is none here: connection never acquired for thread")
        })?;
        Ok(session.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The table that a foreign key's `to` means: `ref(…)` and `source(…)` are looked up.
    fn referenced(self: &Arc<Self>, to: &str) -> Result<String, Error> {
        let call = to.trim();
        if (call.starts_with("ref") || call.starts_with("source")) && call.ends_with(')') {
            return super::functions::render_text(self, &format!("{{{{ {call} }}}}"));
        }
        Ok(to.to_string())
    }

    /// A statement with the project's query comment, and how many bytes stand before it.
    pub(super) fn commented(self: &Arc<Self>, sql: &str) -> Result<(String, usize), Error> {
        let comment = self.query_comment()?;
        let comment = comment.trim();
        if comment.is_empty() {
            return Ok((sql.to_string(), 0));
        }
        if comment.contains("*/") {
            return Err(Raised::Other(
                "Runtime Error",
                format!("query comment contains illegal value \"*/\": {comment}"),
            )
            .into_error());
        }
        if self.shared.query_comment.append {
            let body = sql.trim_end();
            return Ok(match body.strip_suffix(';') {
                Some(body) => (format!("{body}\n/* {comment} */;"), 0),
                None => (format!("{body}\n/* {comment} */"), 0),
            });
        }
        let head = format!("/* {comment} */\n");
        Ok((format!("{head}{sql}"), head.len()))
    }

    fn query_comment(self: &Arc<Self>) -> Result<String, Error> {
        let name = if self.node.unique_id.is_empty() {
            "master".to_string()
        } else {
            self.node.unique_id.clone()
        };
        match &self.shared.query_comment.comment {
            None => {
                let t = &self.shared.target;
                let mut c = json!({"app": "dbt", "dbt_version": crate::DBT_VERSION, "profile_name": t.profile_name, "target_name": t.name});
                let key = if self.node.unique_id.is_empty() {
                    "connection_name"
                } else {
                    "node_id"
                };
                c[key] = Json::from(name);
                Ok(python::json::dumps(
                    &python::json::from_json(&c),
                    false,
                    None,
                )?)
            }
            Some(text) if text.trim().is_empty() => Ok(String::new()),
            Some(text) if !crate::config::has_jinja(text) => Ok(text.clone()),
            Some(text) => {
                // The node is named so, and templates of comments expect it.
                lock(&self.extra).insert(
                    "node".into(),
                    python::json::from_json(&Json::Object(self.node.map.clone())),
                );
                lock(&self.extra).insert("connection_name".into(), Value::from(name));
                let out = super::functions::render_text(self, text);
                lock(&self.extra).remove("node");
                lock(&self.extra).remove("connection_name");
                out
            }
        }
    }

    fn database_error(e: PgError, sql: String, prefix: usize) -> Error {
        Raised::Database(Box::new(e), sql, prefix).into_error()
    }

    /// Runs a statement; with `fetch` its rows are kept.
    pub(super) fn run(
        self: &Arc<Self>,
        sql: &str,
        fetch: bool,
        limit: Option<usize>,
    ) -> Result<(Response, Table), Error> {
        let (text, prefix) = self.commented(sql)?;
        (self.shared.say)(Say::Sql(self.node_id(), text.clone()));
        lock(&self.sent).push(sql.to_string());
        let begun = Instant::now();
        let mut session = self.connection()?;
        let done = if fetch {
            session
                .fetch(&text, limit)
                .map(|(r, t)| (r, Table::of_result(&t)))
        } else {
            session.execute(&text).map(|r| (r, Table::default()))
        };
        for notice in session.raw().take_notices() {
            (self.shared.say)(Say::Notice(
                self.node_id(),
                format!("{}:  {}", notice.severity, notice.message),
            ));
        }
        drop(session);
        (self.shared.say)(match &done {
            Ok((response, _)) => {
                Say::SqlDone(response.message.clone(), begun.elapsed().as_secs_f64())
            }
            Err(e) => Say::SqlFailed(e.to_string()),
        });
        done.map_err(|e| Self::database_error(e, text, prefix))
    }

    /// Sends a statement of a hook, with the comment that all statements carry.
    pub(super) fn send(self: &Arc<Self>, sql: &str) -> Result<Response, SendError> {
        let (text, prefix) = self.commented(sql).map_err(SendError::Comment)?;
        (self.shared.say)(Say::Sql(self.node_id(), text.clone()));
        let begun = Instant::now();
        let mut session = self.connection().map_err(SendError::Comment)?;
        let done = session.execute(&text);
        drop(session);
        (self.shared.say)(match &done {
            Ok(response) => Say::SqlDone(response.message.clone(), begun.elapsed().as_secs_f64()),
            Err(e) => Say::SqlFailed(e.to_string()),
        });
        done.map_err(|e| SendError::Database(Box::new(e), text, prefix))
    }

    fn commit(self: &Arc<Self>) -> Result<Value, Error> {
        self.settle()?;
        let begun = Instant::now();
        let mut session = self.connection()?;
        let open = session.is_open();
        if open {
            (self.shared.say)(Say::Sql(self.node_id(), "COMMIT".into()));
        }
        session
            .commit()
            .map_err(|e| Self::database_error(e, "COMMIT".into(), 0))?;
        drop(session);
        if open {
            let taken = begun.elapsed().as_secs_f64();
            (self.shared.say)(Say::SqlDone("COMMIT".into(), taken));
        }
        Ok(Value::from(()))
    }

    /// A relation from the cache.
    pub(super) fn find(
        &self,
        database: &str,
        schema: &str,
        identifier: &str,
    ) -> Result<Option<Relation>, Error> {
        let mut session = self.connection()?;
        let quote = self.shared.quoting;
        match self
            .shared
            .cache
            .get(session.raw(), database, schema, identifier, quote)
        {
            Ok(found) => Ok(found.map(|r| r.quoted_as(quote))),
            Err(LookupError::Database(e)) => Err(Self::database_error(e, String::new(), 0)),
            Err(LookupError::Approximate(r)) => Err(compilation(format!(
                "When searching for a relation, dbt found an approximate match. Instead of guessing \nwhich relation to use, dbt will move on. Please delete {}, or rename it to be less ambiguous.\nSearched for: \"{database}\".\"{schema}\".\"{identifier}\"\nFound: {}",
                r.name(),
                r.name()
            ))),
        }
    }

    /// The columns of a relation, in order.
    pub(super) fn columns(self: &Arc<Self>, relation: &Relation) -> Result<Vec<Column>, Error> {
        let id = relation.identifier.clone().unwrap_or_default();
        let mut sql = format!(
            "select column_name, data_type, character_maximum_length, numeric_precision, numeric_scale from information_schema.columns where table_name = {}",
            quote_literal(&id)
        );
        if let Some(schema) = &relation.schema {
            sql.push_str(&format!(" and table_schema = {}", quote_literal(schema)));
        }
        sql.push_str(" order by ordinal_position");
        let (_, table) = self.run(&sql, true, None)?;
        Ok(table
            .rows()
            .iter()
            .map(|r| Column {
                name: python::str_of(&r.cells[0]),
                dtype: python::str_of(&r.cells[1]),
                char_size: r.cells[2].as_i64(),
                numeric_precision: r.cells[3].as_i64(),
                numeric_scale: r.cells[4].as_i64(),
            })
            .collect())
    }
}

/// Why a statement could not be sent, or what became of it.
#[derive(Debug)]
pub enum SendError {
    /// The comment could not be made, or there is no connection.
    Comment(Error),
    /// The server refused the text, which begins with so many bytes of comment.
    Database(Box<PgError>, String, usize),
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

    fn get_relation(&self, args: &Args) -> Result<Value, Error> {
        let database = args
            .text(0, "database")
            .unwrap_or_else(|| self.0.shared.target.connection.dbname.clone());
        let (schema, id) = (
            args.text(1, "schema").unwrap_or_default(),
            args.text(2, "identifier").unwrap_or_default(),
        );
        if !database.eq_ignore_ascii_case(&self.0.shared.target.connection.dbname) {
            return Ok(Value::from(()));
        }
        Ok(self
            .0
            .find(&database, &schema, &id)?
            .map_or_else(|| Value::from(()), Relation::value))
    }

    /// The columns of a relation, by the macro of the project or a package if there is one.
    fn columns_value(&self, state: &mut State<'_, '_>, relation: &Value) -> Result<Value, Error> {
        let it = Relation::expect(relation, "relation")?;
        if self.replaced("get_columns_in_relation") {
            return self.call_macro(
                state,
                "get_columns_in_relation",
                std::slice::from_ref(relation),
            );
        }
        let columns = self.0.columns(&it)?;
        Ok(List::value(
            columns.into_iter().map(Column::value).collect(),
        ))
    }

    fn columns_of(
        &self,
        state: &mut State<'_, '_>,
        relation: &Value,
    ) -> Result<Vec<Column>, Error> {
        let columns = python::iterate(&self.columns_value(state, relation)?)?;
        let columns = columns
            .iter()
            .filter_map(|c| c.downcast_object_ref::<Column>());
        Ok(columns.cloned().collect())
    }

    fn missing_columns(&self, state: &mut State<'_, '_>, args: &Args) -> Result<Value, Error> {
        let there = self.columns_of(state, &args.required(1, "to_relation")?)?;
        let from = self.columns_of(state, &args.required(0, "from_relation")?)?;
        let missing = from
            .into_iter()
            .filter(|c| !there.iter().any(|t| t.name == c.name));
        Ok(List::value(missing.map(Column::value).collect()))
    }

    fn expand(&self, state: &mut State<'_, '_>, args: &Args) -> Result<Value, Error> {
        let from = args.required(0, "from_relation")?;
        let to = args.required(1, "to_relation")?;
        let target = self.columns_of(state, &to)?;
        for new in self.columns_of(state, &from)? {
            let Some(old) = target.iter().find(|t| t.name == new.name) else {
                continue;
            };
            if old.can_expand_to(&new) {
                let size = new.char_size.unwrap_or(256);
                let kind = Value::from(format!(
                    "character varying({})",
                    if new.dtype == "text" { 256 } else { size }
                ));
                self.call_macro(
                    state,
                    "alter_column_type",
                    &[to.clone(), Value::from(new.name.as_str()), kind],
                )?;
            }
        }
        Ok(Value::from(()))
    }

    fn call_macro(
        &self,
        state: &mut State<'_, '_>,
        name: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        let engine = &self.0.shared.engine;
        let registry = engine.registry();
        let def = registry
            .of_adapter(name)
            .ok_or_else(|| compilation(format!("the macro `{name}` is missing")))?;
        let found = Value::from_object(MacroRef(def.clone()));
        let foreign = !registry.is_builtin(&def.package) && *def.package != *self.0.package;
        if !foreign {
            return found.call(state, args);
        }
        // What the macro of a package dispatches is looked for in that package, whoever uses the adapter.
        let beside = self.0.beside(&def.package);
        engine.call(&found, args, &[], beside.scope()).map_err(|e| {
            let raised = e.payload::<Raised>().cloned();
            raised.map_or_else(|| compilation(e.to_string()), Raised::into_error)
        })
    }

    fn schema(&self, state: &mut State<'_, '_>, name: &str, args: &Args) -> Result<Value, Error> {
        let relation = Relation::expect(&args.required(0, "relation")?, "relation")?;
        let schema = relation.schema.clone().unwrap_or_default();
        let bare = Relation {
            include: [relation.include[0], relation.include[1], false],
            identifier: None,
            ..relation
        };
        self.call_macro(state, name, &[bare.value()])?;
        if name == "drop_schema" {
            self.0.shared.cache.drop_schema(&schema);
        }
        self.0.commit()
    }

    fn change(&self, state: &mut State<'_, '_>, name: &str, args: &Args) -> Result<Value, Error> {
        let first = args
            .required(0, "relation")
            .or_else(|_| args.required(0, "from_relation"))?;
        let relation = Relation::expect(&first, "relation")?;
        match name {
            "drop_relation" => {
                if relation.kind.is_none() {
                    return Err(compilation(format!(
                        "Tried to drop relation {}, but its type is null.",
                        relation.name()
                    )));
                }
                self.0.hold(&relation)?;
                self.call_macro(state, "drop_relation", std::slice::from_ref(&first))?;
                self.0.shared.cache.drop_relation(&relation);
            }
            "truncate_relation" => drop(self.call_macro(state, "truncate_relation", &[first])?),
            _ => {
                let second = args.required(1, "to_relation")?;
                let to = Relation::expect(&second, "to_relation")?;
                self.0.take_turns(&relation)?;
                self.call_macro(state, "rename_relation", &[first, second])?;
                self.0.shared.cache.rename(&relation, &to);
                self.0.note_rename(&relation, &to);
            }
        }
        Ok(Value::from(""))
    }

    fn schema_exists(&self, state: &mut State<'_, '_>, args: &Args) -> Result<Value, Error> {
        let database = args.required(0, "database")?;
        let schema = args.required_text(1, "schema")?;
        let information =
            Relation::new(&python::str_of(&database), "", "").information_schema(None);
        let asked = [information.value(), Value::from(schema)];
        let table = self.call_macro(state, "check_schema_exists", &asked)?;
        let rows = python::iterate(&table)?;
        let first = rows
            .first()
            .map(|r| r.get_item(&Value::from(0)))
            .transpose()?;
        Ok(Value::from(first.and_then(|c| c.as_i64()).unwrap_or(0) > 0))
    }

    fn query_columns(&self, args: &Args) -> Result<Value, Error> {
        let sql = args.required_text(0, "sql")?;
        let mut session = self.0.connection()?;
        // A header before the query cannot be described together with it: the server has to run both.
        let several = sql.trim_end().trim_end_matches(';').contains(';');
        let columns = if several {
            session.fetch(&sql, Some(0)).map(|(_, table)| table.columns)
        } else {
            session.raw().describe(&sql)
        };
        let columns = columns.map_err(|e| Inner::database_error(e, sql.clone(), 0))?;
        for column in columns.iter().filter(|c| !c.is_known()) {
            let text = format!(
                "The `type_code` {} was not recognized, which may affect error messages for enforced contracts that fail as well as `Column.data_type` values returned by `get_column_schema_from_query`",
                column.oid
            );
            (self.0.shared.say)(Say::Log(text, false));
        }
        Ok(List::value(
            columns
                .iter()
                .map(|c| Column::plain(&c.name, &translate(&c.driver_type())).value())
                .collect(),
        ))
    }

    fn cache(&self, name: &str, args: &Args) -> Result<Value, Error> {
        let Some(relation) = args
            .positional
            .first()
            .and_then(|v| Relation::of(v).cloned())
        else {
            return Ok(Value::from(""));
        };
        let cache = &self.0.shared.cache;
        match name {
            "cache_added" => cache.add(&relation),
            "cache_dropped" => cache.drop_relation(&relation),
            _ => {
                if let Some(to) = args.positional.get(1).and_then(Relation::of) {
                    cache.rename(&relation, to);
                }
            }
        }
        Ok(Value::from(""))
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

    fn list_relations(&self, args: &Args) -> Result<Value, Error> {
        let schema = Relation::expect(&args.required(0, "schema_relation")?, "schema_relation")?
            .schema
            .unwrap_or_default();
        let database = self.0.shared.target.connection.dbname.clone();
        let mut session = self.0.connection()?;
        self.0
            .shared
            .cache
            .fill(session.raw(), &database, std::slice::from_ref(&schema))
            .map_err(|e| Inner::database_error(e, String::new(), 0))?;
        Ok(List::value(
            self.0
                .shared
                .cache
                .of_schema(&schema)
                .into_iter()
                .map(Relation::value)
                .collect(),
        ))
    }
}

/// Prefixes of macros for this database, the most special one first.
const PREFIXES: &[&str] = &["postgres", "default"];

/// The macro that `adapter.dispatch` finds.
pub(super) fn dispatched(
    inner: &Inner,
    name: &str,
    namespace: Option<&str>,
) -> Result<Value, Error> {
    if let Some((package, name)) = name.split_once('.') {
        return Err(compilation(format!(
            "In adapter.dispatch, got a macro name of \"{package}.{name}\", but \".\" is not a valid macro name component. Did you mean `adapter.dispatch(\"{name}\", macro_namespace=\"{package}\")`?"
        )));
    }
    let search = inner.shared.dispatch_search(namespace);
    let registry = inner.shared.engine.registry();
    if let Some(def) = registry.dispatch(&inner.package, name, &search, PREFIXES) {
        return Ok(Value::from_object(MacroRef(def)));
    }
    // While a generic test is only read, dbt looks into every package.
    let reads_test = inner.phase == Phase::Parse
        && inner.node.map.get("resource_type").and_then(Json::as_str) == Some("test");
    if reads_test && namespace.is_none() {
        let any = |full: &str| registry.iter().find(|def| &*def.name == full).cloned();
        let found = PREFIXES.iter().find_map(|p| any(&format!("{p}__{name}")));
        if let Some(def) = found {
            return Ok(Value::from_object(MacroRef(def)));
        }
    }
    let full = |package: &Option<String>, prefix: &str| match package {
        Some(package) => format!("'{package}.{prefix}__{name}'"),
        None => format!("'{prefix}__{name}'"),
    };
    let tried: Vec<String> = search
        .iter()
        .flat_map(|p| PREFIXES.iter().map(move |x| full(p, x)))
        .collect();
    Err(compilation(format!(
        "In dispatch: No macro named '{name}' found within namespace: '{}'\n    Searched for: {}",
        namespace.unwrap_or("None"),
        tried.join(", ")
    )))
}

/// Rows of (grantee, privilege) as a dict of lists.
fn grants(table: &Value) -> Result<Value, Error> {
    let mut out: indexmap::IndexMap<String, Vec<Value>> = indexmap::IndexMap::new();
    for row in python::iterate(table)? {
        let cell = |key: &str| {
            row.get_item(&Value::from(key))
                .ok()
                .filter(|v| !v.is_undefined())
        };
        let (Some(grantee), Some(privilege)) = (cell("grantee"), cell("privilege_type")) else {
            continue;
        };
        out.entry(python::str_of(&privilege))
            .or_default()
            .push(grantee);
    }
    Ok(Dict::value(
        out.into_iter()
            .map(|(k, v)| (Value::from(k), List::value(v)))
            .collect(),
    ))
}

fn convert_type(args: &Args) -> Result<Value, Error> {
    let table = args.required(0, "agate_table")?;
    let index = args.required(1, "col_idx")?.as_usize().unwrap_or(0);
    let kinds = table.get_attr("column_types")?;
    let kind = kinds.get_item(&Value::from(index))?;
    let fractional = || -> Result<bool, Error> {
        let column = table.get_attr("columns")?.get_item(&Value::from(index))?;
        let numbers = python::iterate(&column)?;
        Ok(numbers.iter().any(|n| {
            python::Decimal::of(n).map_or(!n.is_integer() && !n.is_none(), |d| !d.fract().is_zero())
        }))
    };
    Ok(Value::from(
        match DataType::name_of(&kind).unwrap_or_default() {
            "Integer" => "integer",
            "Number" if !fractional()? => "integer",
            "Number" => "float8",
            "Boolean" => "boolean",
            "Date" => "date",
            "DateTime" | "ISODateTime" => "timestamp without time zone",
            _ => "text",
        },
    ))
}

fn hard_deletes(config: &Value) -> Result<Value, Error> {
    let legacy = config
        .get_item(&Value::from("invalidate_hard_deletes"))
        .ok()
        .filter(|v| !v.is_none() && !v.is_undefined());
    let chosen = get_text(config, "hard_deletes");
    if legacy.is_some() && chosen.is_some() {
        return Err(runtime(
            "You cannot set both the invalidate_hard_deletes and hard_deletes config properties on the same snapshot.",
        ));
    }
    match (chosen.as_deref(), legacy) {
        (Some(word @ ("ignore" | "invalidate" | "new_record")), _) => Ok(Value::from(word)),
        (Some(_), _) => Err(runtime("Invalid setting for property hard_deletes.")),
        (None, Some(v)) if v.is_true() => Ok(Value::from("invalidate")),
        _ => Ok(Value::from("ignore")),
    }
}
