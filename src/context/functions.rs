//! The functions of templates: `ref`, `source`, `var`, `env_var`, `log`, `run` results and the like.
use super::args::Args;
use super::exceptions::compilation;
use super::relation::{EventFilter, Relation};
use super::runtime_config::RuntimeConfig;
use super::scope::{Inner, NodeScope, Phase, lock};
use super::shared::Say;
use crate::graph::{Manifest, RefArgs, version_text};
use crate::jinja::python::{self, Dict};
use crate::parse::{Found, push_new};
use minijinja::value::{Object, ObjectRepr, Value};
use minijinja::{Error, State};
use serde::Serialize as _;
use serde_json::Value as Json;
use std::sync::Arc;

type Call = fn(&Arc<Inner>, &mut State<'_, '_>, Args) -> Result<Value, Error>;

/// A function over a render's state.
pub(super) struct Function {
    pub inner: Arc<Inner>,
    pub name: &'static str,
    pub call: Call,
}

impl std::fmt::Debug for Function {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "<function {}>", self.name)
    }
}

impl Object for Function {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        if !matches!(self.name, "ref" | "source") {
            return None;
        }
        match key.as_str()? {
            "config" => Some(RuntimeConfig::root(&self.inner.shared)),
            "model" => NodeScope(self.inner.clone()).named("model"),
            "Relation" => Some(Value::from_object(super::api::RelationClass)),
            _ => None,
        }
    }

    fn call(self: &Arc<Self>, state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
        (self.call)(&self.inner, state, Args::new(args)?)
    }
}

/// Every function by name.
pub(super) const FUNCTIONS: &[(&str, Call)] = &[
    ("ref", |inner, _, args| reference(inner, &args)),
    ("source", |inner, _, args| source(inner, &args)),
    ("metric", metric),
    ("env_var", env_var),
    ("log", log),
    ("print", print),
    ("debug", nothing),
    ("render", render),
    ("write", write),
    ("load_result", super::statement::load_result),
    ("store_result", super::statement::store_result),
    ("store_raw_result", super::statement::store_raw_result),
    ("load_agate_table", super::statement::load_agate_table),
    ("try_or_compiler_error", try_or_compiler_error),
    ("adapter_macro", adapter_macro),
    ("submit_python_job", submit_python_job),
    ("doc", doc),
];

fn nothing(_: &Arc<Inner>, _: &mut State<'_, '_>, _: Args) -> Result<Value, Error> {
    Ok(Value::from(""))
}

/// `doc()` belongs to descriptions, which are rendered apart; elsewhere it gives nothing.
fn doc(_: &Arc<Inner>, _: &mut State<'_, '_>, args: Args) -> Result<Value, Error> {
    args.required(0, "doc_args")?;
    Ok(Value::from(""))
}

/// Arguments of `ref` as dbt reads them.
pub(super) fn ref_args(args: &Args) -> Result<RefArgs, Error> {
    let version = args
        .named("version")
        .or(args.named("v"))
        .filter(|v| !v.is_none());
    let version = version.map(|v| python::json::to_json(&v));
    let texts: Vec<String> = args
        .positional
        .iter()
        .filter_map(|v| v.as_str().map(str::to_string))
        .collect();
    if texts.len() != args.positional.len() || texts.is_empty() || texts.len() > 2 {
        return Err(compilation(format!(
            "ref() takes 1 or 2 text arguments, the model's name and perhaps its package before it, but got {} ({})",
            args.positional.len(),
            args.positional
                .iter()
                .map(python::repr_of)
                .collect::<Vec<_>>()
                .join(", ")
        )));
    }
    let (package, name) = match &texts[..] {
        [name] => (None, name.clone()),
        _ => (Some(texts[0].clone()), texts[1].clone()),
    };
    Ok(RefArgs {
        name,
        package,
        version,
    })
}

/// The relation a node had provisionally while parsing.
fn own_relation(inner: &Inner) -> Value {
    inner
        .node
        .this
        .clone()
        .unwrap_or_else(|| Relation::new("", "", ""))
        .value()
}

/// `ref(…)`.
pub(super) fn reference(inner: &Arc<Inner>, args: &Args) -> Result<Value, Error> {
    let r = ref_args(args)?;
    if inner.phase == Phase::Parse {
        lock(&inner.recorder).refs.push(r);
        return Ok(own_relation(inner));
    }
    let (Some(manifest), Some(names)) = (inner.shared.manifest(), inner.shared.names.get()) else {
        return Ok(own_relation(inner));
    };
    let shown = match (&r.package, &r.version) {
        (Some(p), _) => format!("{p}.{}", r.name),
        (None, Some(v)) => format!("{}.v{}", r.name, version_text(v)),
        (None, None) => r.name.clone(),
    };
    let Found::Node(id) = names.find_ref(&r, &inner.package) else {
        return Err(compilation(format!(
            "{} depends on a node named '{shown}' which was not found",
            inner.node_id()
        )));
    };
    if let Some(input) = fixture(inner, &id) {
        return Ok(input);
    }
    check_given(inner, "node", &shown)?;
    check_allowed(inner, &id, &shown)?;
    relation_of(inner, manifest, &id)
}

/// The CTE that stands for an input in a unit test.
fn fixture(inner: &Inner, id: &str) -> Option<Value> {
    let extra = lock(&inner.extra);
    let inputs = extra.get("__fixtures")?;
    inputs.get_attr(id).ok().filter(|v| !v.is_undefined())
}

/// In a unit test there is nothing but what it gives.
fn check_given(inner: &Inner, what: &str, shown: &str) -> Result<(), Error> {
    let Some(test) = inner.extra("__unit_test") else {
        return Ok(());
    };
    let test = python::str_of(&test);
    let (id, path) = test.split_once(' ').unwrap_or((&test, ""));
    Err(compilation(format!(
        "Unit_Test '{id}' {path} depends on a {what} named '{shown}' which was not found"
    )))
}

fn check_allowed(inner: &Inner, id: &str, shown: &str) -> Result<(), Error> {
    let Some(allowed) = &inner.node.allowed else {
        return Ok(());
    };
    if allowed.iter().any(|a| a == id) || inner.node.unique_id == id {
        return Ok(());
    }
    let name = inner
        .node
        .map
        .get("name")
        .and_then(Json::as_str)
        .unwrap_or_default();
    Err(compilation(format!(
        "dbt was unable to infer all dependencies for the model \"{name}\".\nThis typically happens when ref() is placed within a conditional block.\n\nTo fix this, add the following hint to the top of the model \"{name}\":\n\n-- depends_on: {{{{ ref('{shown}') }}}}"
    )))
}

/// The relation of a node as code that refers to it sees it.
fn relation_of(inner: &Arc<Inner>, manifest: &Manifest, id: &str) -> Result<Value, Error> {
    if let Some(s) = manifest.sources.get(id) {
        return Ok(limited(inner, source_relation(s), s.config.get("event_time")).value());
    }
    let Some(node) = manifest.nodes.get(id) else {
        return Err(compilation(format!(
            "{} refers to {id}, which is not there",
            inner.node_id()
        )));
    };
    if node.is_ephemeral() {
        if inner.node.allowed.is_none() {
            return Err(compilation(format!(
                "Operations can not ref() ephemeral nodes, but {} is ephemeral",
                node.name
            )));
        }
        push_new(&mut *lock(&inner.ephemeral), id.to_string());
        return Ok(Relation {
            kind: Some("cte".into()),
            limit: inner.shared.empty.then_some(0),
            ..Relation::new("", "", &format!("__dbt__cte__{}", node.alias))
        }
        .value());
    }
    let own = inner.shared.relation_of(node);
    let relation = inner.shared.deferred(id, &own).unwrap_or(own);
    Ok(limited(inner, relation, node.config.get("event_time")).value())
}

/// A source's relation; the project's quoting does not apply to it.
pub(crate) fn source_relation(s: &crate::graph::Source) -> Relation {
    let get = |k: &str| s.quoting.get(k).and_then(Json::as_bool).unwrap_or(true);
    Relation::new(&s.database, &s.schema, &s.identifier).quoted_as([
        get("database"),
        get("schema"),
        get("identifier"),
    ])
}

/// With `--empty` or a time window around it.
fn limited(inner: &Inner, mut relation: Relation, event_time: Option<&Json>) -> Relation {
    if inner.shared.empty {
        relation.limit = Some(0);
    }
    let field = event_time.and_then(Json::as_str);
    let window = lock(&inner.extra).get("__batch").map(|b| {
        let part = |k: &str| {
            b.get_attr(k)
                .ok()
                .and_then(|v| v.as_str().map(str::to_string))
        };
        (part("start"), part("end"))
    });
    let window = window.or_else(|| inner.shared.sample.clone().map(|(a, b)| (Some(a), Some(b))));
    if let (Some(field), Some((start, end))) = (field, window) {
        relation.event_filter = Some(EventFilter {
            field: field.to_string(),
            start,
            end,
        });
    }
    relation
}

/// `source(…)`.
pub(super) fn source(inner: &Arc<Inner>, args: &Args) -> Result<Value, Error> {
    let texts: Vec<&str> = args.positional.iter().filter_map(|v| v.as_str()).collect();
    let [source, table] = texts[..] else {
        return Err(compilation(format!(
            "source() takes exactly two text arguments ({} given)",
            args.positional.len()
        )));
    };
    if inner.phase == Phase::Parse {
        let named = (source.to_string(), table.to_string());
        lock(&inner.recorder).sources.push(named);
        return Ok(own_relation(inner));
    }
    let (Some(manifest), Some(names)) = (inner.shared.manifest(), inner.shared.names.get()) else {
        return Ok(own_relation(inner));
    };
    match names.find_source(source, table, &inner.package) {
        Found::Node(id) => {
            if let Some(input) = fixture(inner, &id) {
                return Ok(input);
            }
            check_given(inner, "source", &format!("{source}.{table}"))?;
            relation_of(inner, manifest, &id)
        }
        _ => Err(compilation(format!(
            "{} depends on a source named '{source}.{table}' which was not found",
            inner.node_id()
        ))),
    }
}

fn metric(inner: &Arc<Inner>, _: &mut State<'_, '_>, args: Args) -> Result<Value, Error> {
    let names: Vec<String> = args.positional.iter().map(python::str_of).collect();
    let graph = (inner.phase != Phase::Parse).then(|| inner.shared.graph_value());
    let value = super::metric::Metric::value(&names, graph.as_ref());
    lock(&inner.recorder).metrics.push(names);
    Ok(value)
}

fn env_var(inner: &Arc<Inner>, _: &mut State<'_, '_>, args: Args) -> Result<Value, Error> {
    let name = args.required_text(0, "var")?;
    if name.starts_with("DBT_ENV_SECRET_") && !inner.node.unique_id.is_empty() {
        return Err(compilation(format!(
            "Secret env vars are allowed only in profiles.yml or packages.yml. Found '{name}' referenced elsewhere."
        )));
    }
    lock(&inner.shared.env_read).insert(name.clone());
    if let Some(over) = lock(&inner.extra)
        .get("__env_vars")
        .and_then(|e| e.get_attr(&name).ok())
        .filter(|v| !v.is_undefined())
    {
        return Ok(over);
    }
    match inner.shared.env.get(&name) {
        Some(value) => Ok(Value::from(value.as_str())),
        None => args
            .get(1, "default")
            .filter(|v| !v.is_none())
            .ok_or_else(|| compilation(format!("Env var required but not provided: '{name}'"))),
    }
}

fn log(inner: &Arc<Inner>, _: &mut State<'_, '_>, args: Args) -> Result<Value, Error> {
    let text = args.required_text(0, "msg")?;
    (inner.shared.say)(Say::Log(text, args.flag(1, "info", false)));
    Ok(Value::from(""))
}

fn print(inner: &Arc<Inner>, _: &mut State<'_, '_>, args: Args) -> Result<Value, Error> {
    let text = args.required_text(0, "msg")?;
    (inner.shared.say)(Say::Print(text));
    Ok(Value::from(""))
}

fn render(inner: &Arc<Inner>, _: &mut State<'_, '_>, args: Args) -> Result<Value, Error> {
    let text = args.required_text(0, "string")?;
    Ok(Value::from(render_text(inner, &text)?))
}

/// Renders a text in the view of the node.
pub(super) fn render_text(inner: &Arc<Inner>, text: &str) -> Result<String, Error> {
    let file = crate::text::SourceFile::new(format!("<text of {}>", inner.node_id()), text);
    let mode = if inner.executing() {
        crate::jinja::Mode::Strict
    } else {
        crate::jinja::Mode::Absorbing
    };
    inner
        .shared
        .engine
        .render_file(&file, mode, inner.scope())
        .map(|r| r.text)
        .map_err(|e| {
            let raised = e.payload::<super::Raised>().cloned();
            raised.map_or_else(|| compilation(e.to_string()), super::Raised::into_error)
        })
}

fn write(inner: &Arc<Inner>, _: &mut State<'_, '_>, args: Args) -> Result<Value, Error> {
    *lock(&inner.written) = Some(args.required_text(0, "payload")?);
    Ok(Value::from(""))
}

fn try_or_compiler_error(
    _: &Arc<Inner>,
    state: &mut State<'_, '_>,
    args: Args,
) -> Result<Value, Error> {
    let message = args.required_text(0, "message_if_exception")?;
    let function = args.required(1, "func")?;
    let mut rest: Vec<Value> = args.positional.iter().skip(2).cloned().collect();
    let named: Vec<(String, Value)> = args.all_named().map(|(k, v)| (k.to_string(), v)).collect();
    if !named.is_empty() {
        rest.push(minijinja::value::Kwargs::from_iter(named).into());
    }
    function
        .call(state, &rest)
        .map_err(|_| compilation(message))
}

/// `adapter_macro('package.name', …)`: what `adapter.dispatch` was before; dbt takes it no more.
fn adapter_macro(_: &Arc<Inner>, _: &mut State<'_, '_>, args: Args) -> Result<Value, Error> {
    let name = args.required_text(0, "name")?;
    Err(compilation(format!(
        "The \"adapter_macro\" macro has been deprecated. Instead, use the `adapter.dispatch` method to find a macro and call the result. adapter_macro was called for: {name}"
    )))
}

fn submit_python_job(_: &Arc<Inner>, _: &mut State<'_, '_>, _: Args) -> Result<Value, Error> {
    Err(compilation(
        "submit_python_job is not intended to be called here, at model. Python models do not run on postgres",
    ))
}

/// `var`.
#[derive(Debug)]
pub(super) struct Var(pub Arc<Inner>);

impl Object for Var {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn call(self: &Arc<Self>, _: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
        let args = Args::new(args)?;
        let name = args.required_text(0, "var_name")?;
        let vars = self.0.vars();
        if let Some(value) = vars.get(&name) {
            return match value {
                Json::String(text) if crate::config::has_jinja(text) => {
                    Ok(Value::from(render_text(&self.0, text)?))
                }
                other => Ok(python::json::from_json(other)),
            };
        }
        if let Some(default) = args.get(1, "default") {
            return Ok(default);
        }
        let node = &self.0.node;
        if self.0.phase == Phase::Parse && !node.unique_id.is_empty() && node.naming.is_none() {
            return Ok(Value::from(()));
        }
        let mut all = Vec::new();
        let indent = serde_json::ser::PrettyFormatter::with_indent(b"    ");
        let mut writer = serde_json::Serializer::with_formatter(&mut all, indent);
        // Writing to a vector cannot fail.
        let _ = Json::Object(vars).serialize(&mut writer);
        let all = String::from_utf8_lossy(&all);
        Err(compilation(format!(
            "Required var '{name}' not found in config:\nVars supplied to {} = {all}",
            self.0.node_id()
        )))
    }

    fn call_method(
        self: &Arc<Self>,
        _: &mut State<'_, '_>,
        name: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        if name != "has_var" {
            return Err(python::error::no_method("Var", name));
        }
        let name = Args::new(args)?.required_text(0, "var_name")?;
        Ok(Value::from(self.0.vars().contains_key(&name)))
    }
}

/// An empty dict.
pub(super) fn empty_dict() -> Value {
    Dict::value(std::iter::empty().collect())
}

/// A macro, or a package's macros, as code of a package sees the name.
pub(crate) fn lookup_macro(
    engine: &crate::jinja::Engine,
    package: &str,
    name: &str,
) -> Option<Value> {
    let registry = engine.registry();
    match registry.resolve(package, name)? {
        crate::jinja::Resolved::Macro(def) => Some(Value::from_object(crate::jinja::MacroRef(def))),
        crate::jinja::Resolved::Package(package) => {
            Some(crate::jinja::Package::value(registry, &package))
        }
    }
}

/// The macro that runs for a method of the adapter, which packages may put their own in place of.
pub(crate) fn adapter_macro_of(engine: &crate::jinja::Engine, name: &str) -> Option<Value> {
    let def = engine.registry().of_adapter(name)?;
    Some(Value::from_object(crate::jinja::MacroRef(def.clone())))
}
