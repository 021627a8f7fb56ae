//! What templates may ask of a relation, and how they make one.
use super::{Relation, option};
use crate::context::args::Args;
use crate::context::{MAX_NAME, api, exceptions};
use crate::jinja::python::{self, Dict};
use indexmap::IndexMap;
use minijinja::value::{DynObject, Object, Value};
use minijinja::{Error, State};
use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

/// The methods of relations: what `relation.name is defined` is asked of.
pub(in crate::context) const METHODS: &[&str] = &[
    "Config",
    "add_ephemeral_prefix",
    "create",
    "create_ephemeral_from",
    "create_from",
    "from_dict",
    "get",
    "get_default_include_policy",
    "get_default_quote_policy",
    "get_function_config",
    "get_materialized_view_config_change_collection",
    "get_relation_type",
    "include",
    "incorporate",
    "information_schema",
    "information_schema_only",
    "items",
    "keys",
    "matches",
    "quote",
    "quoted",
    "relation_max_name_length",
    "render",
    "render_event_time_filtered",
    "render_limited",
    "replace",
    "replace_path",
    "scd_args",
    "to_dict",
    "validate",
    "values",
    "without_identifier",
];

impl Object for Relation {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let kind = self.kind.as_deref();
        Some(match key.as_str()? {
            "__repr__" => Value::from(format!("<PostgresRelation {}>", self.shown())),
            "database" => option(self.database.as_ref()),
            "schema" => option(self.schema.as_ref()),
            "identifier" | "name" | "table" => option(self.identifier.as_ref()),
            "type" => option(self.kind.as_ref()),
            "is_table" => Value::from(kind == Some("table")),
            "is_view" => Value::from(kind == Some("view")),
            "is_cte" => Value::from(kind == Some("cte")),
            "is_materialized_view" => Value::from(kind == Some("materialized_view")),
            "is_pointer" | "is_function" => Value::from(false),
            "can_be_renamed" | "can_be_replaced" => {
                Value::from(matches!(kind, Some("table" | "view")))
            }
            "renameable_relations" | "replaceable_relations" => {
                python::List::value(vec![Value::from("view"), Value::from("table")])
            }
            "quote_policy" => self.flags(self.quote),
            "include_policy" => self.flags(self.include),
            "path" => self.path(),
            "dbt_created" => Value::from(false),
            "limit" => self.limit.map_or_else(|| Value::from(()), Value::from),
            "event_time_filter" => Value::from(()),
            "quote_character" => Value::from("\""),
            "Table" => Value::from("table"),
            "View" => Value::from("view"),
            "CTE" => Value::from("cte"),
            "MaterializedView" => Value::from("materialized_view"),
            "External" => Value::from("external"),
            "Function" => Value::from("function"),
            "PointerTable" => Value::from("pointer"),
            "require_alias" => Value::from(true),
            "__callable__" => Value::from(false),
            "catalog" => Value::from(()),
            "ADDITIONAL_PROPERTIES" => Value::from(true),
            name if METHODS.contains(&name) => {
                python::Bound::value(Value::from_dyn_object(self.clone()), name)
            }
            _ => return None,
        })
    }

    fn call_method(
        self: &Arc<Self>,
        _: &mut State<'_, '_>,
        name: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        let args = Args::new(args)?;
        Ok(match name {
            "render" => Value::from(self.name()),
            "render_limited" => Value::from(self.shown()),
            "include" => Self {
                include: Self::set_flags(self.include, &args),
                ..(**self).clone()
            }
            .value(),
            "quote" => Self {
                quote: Self::set_flags(self.quote, &args),
                ..(**self).clone()
            }
            .value(),
            "quoted" => Value::from(format!(
                "\"{}\"",
                python::str_of(&args.required(0, "identifier")?)
            )),
            "incorporate" => self.incorporate(&args)?.value(),
            "replace_path" => {
                let path: IndexMap<Value, Value> =
                    args.all_named().map(|(k, v)| (Value::from(k), v)).collect();
                self.set_path(&Dict::value(path))?.value()
            }
            "without_identifier" => Self {
                include: [self.include[0], self.include[1], false],
                identifier: None,
                ..(**self).clone()
            }
            .value(),
            "information_schema" => self
                .information_schema(args.get(0, "view_name").as_ref())
                .value(),
            "information_schema_only" => self.information_schema(None).value(),
            "matches" => {
                let text = |i, n| {
                    args.get(i, n)
                        .filter(|v: &Value| !v.is_none())
                        .map(|v| python::str_of(&v))
                };
                let (d, s, i) = (
                    text(0, "database"),
                    text(1, "schema"),
                    text(2, "identifier"),
                );
                Value::from(self.matches(d.as_deref(), s.as_deref(), i.as_deref()))
            }
            "relation_max_name_length" => Value::from(MAX_NAME),
            "get" => {
                let key = args.required(0, "key")?;
                if key.as_str() == Some("metadata") {
                    return Ok(Dict::value(
                        [(Value::from("type"), Value::from("PostgresRelation"))]
                            .into_iter()
                            .collect(),
                    ));
                }
                self.get_value(&key)
                    .or(args.get(1, "default"))
                    .unwrap_or_else(|| Value::from(()))
            }
            "create" => create(&args)?.value(),
            "create_from" => api::create_from(&args)?,
            "add_ephemeral_prefix" => Value::from(format!(
                "__dbt__cte__{}",
                python::str_of(&args.required(0, "name")?)
            )),
            "scd_args" => api::scd_args(&args)?,
            "get_relation_type" => args.required(0, "relation_type")?,
            "to_dict" => self.path(),
            _ => return Err(python::error::no_method("PostgresRelation", name)),
        })
    }

    fn is_true(self: &Arc<Self>) -> bool {
        true
    }

    fn custom_cmp(self: &Arc<Self>, other: &DynObject) -> Option<Ordering> {
        other.downcast_ref::<Self>().map(|o| (**self).cmp(o))
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown())
    }
}

/// `api.Relation.create(database=…, schema=…, identifier=…, type=…, quote_policy=…)`.
pub fn create(args: &Args) -> Result<Relation, Error> {
    let part = |i: usize, name: &str| args.get(i, name);
    let parts = ["database", "schema", "identifier"];
    let undefined = |(i, name): (usize, &&str)| part(i, name).is_some_and(|v| v.is_undefined());
    if parts.iter().enumerate().any(undefined) {
        return Err(undefined_path(&part));
    }
    let text = |i: usize, name: &str| {
        args.get(i, name)
            .filter(|v| !v.is_none())
            .map(|v| python::str_of(&v))
    };
    let mut relation = Relation::new("", "", "");
    relation.database = text(0, "database");
    relation.schema = text(1, "schema");
    relation.identifier = text(2, "identifier");
    relation.kind = text(3, "type");
    relation.incorporate(&args.only(&["quote_policy", "include_policy", "limit"]))
}

/// The error for a part of a name that is undefined.
fn undefined_path(part: &dyn Fn(usize, &str) -> Option<Value>) -> Error {
    let shown = |i: usize, name: &str| match part(i, name) {
        Some(v) if v.is_undefined() => "Undefined".to_string(),
        Some(v) => python::repr_of(&v),
        None => "None".to_string(),
    };
    exceptions::compilation(format!(
        "Field \"path\" of type Path in PostgresRelation has invalid value {{'database': {}, 'schema': {}, 'identifier': {}}}",
        shown(0, "database"),
        shown(1, "schema"),
        shown(2, "identifier")
    ))
}
