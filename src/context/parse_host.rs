//! Parsing's view of the template engine.
use super::exceptions::diagnostic;
use super::relation::Relation;
use super::scope::{NodeFacts, NodeScope, Phase, Setup};
use super::shared::Shared;
use crate::diag::{Diagnostic, code};
use crate::graph::{Docs, MacroArgument, MacroInfo, Node};
use crate::jinja::python::{self, Dict};
use crate::jinja::{Mode, dialect::BlockKind, dialect::Parameter, read_blocks};
use crate::parse::{Body, NamePart, ParseHost, Recorded};
use crate::text::{Place, SourceFile};
use crate::yaml::{Kind, Node as Yaml};
use minijinja::value::{Object, Value};
use minijinja::{Error, State};
use serde_json::{Map, Value as Json};
use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex};

/// The engine as parsing sees it.
#[derive(Debug)]
pub struct EngineHost {
    shared: Arc<Shared>,
    /// Unix time of the run, for `created_at`.
    now: f64,
}

impl EngineHost {
    /// A host over a command's shared facts.
    pub fn new(shared: Arc<Shared>, now: f64) -> Self {
        Self { shared, now }
    }

    fn scope(
        &self,
        package: &str,
        node: NodeFacts,
        phase: Phase,
        extra: HashMap<String, Value>,
    ) -> NodeScope {
        NodeScope::new(Setup {
            shared: self.shared.clone(),
            package: package.to_string(),
            phase,
            node,
            session: None,
            extra,
        })
    }

    fn facts(map: &Map<String, Json>) -> NodeFacts {
        let text = |k: &str| {
            map.get(k)
                .and_then(Json::as_str)
                .unwrap_or_default()
                .to_string()
        };
        NodeFacts {
            unique_id: text("unique_id"),
            this: Some(Relation::new(
                &text("database"),
                &text("schema"),
                &text("alias"),
            )),
            map: map.clone(),
            allowed: None,
            schema: text("schema"),
            database: text("database"),
            naming: None,
        }
    }

    fn kwargs(&self, scope: &NodeScope, kwargs: &Map<String, Json>) -> Result<Value, Diagnostic> {
        let mut out = Vec::new();
        for (key, value) in kwargs {
            out.push((
                Value::from(key.as_str()),
                super::argument::evaluated(&self.shared, scope, key, value)?,
            ));
        }
        Ok(Dict::value(out.into_iter().collect()))
    }
}

impl ParseHost for EngineHost {
    fn plain_arguments(&self, package: &str, kwargs: &Map<String, Json>) -> Option<Recorded> {
        let scope = self.scope(package, NodeFacts::default(), Phase::Parse, HashMap::new());
        let all = kwargs.iter();
        let mut plain = all.map(|(key, value)| super::argument::is_plain(&scope, key, value));
        plain.all(|one| one).then(|| scope.recorded())
    }

    fn is_plain(&self, text: &str) -> bool {
        crate::jinja::dialect::plain::read(text).is_some()
    }

    fn config_as_written(&self, text: &str) -> Option<Map<String, Json>> {
        let pairs = crate::jinja::dialect::scan::config_as_written(text)?;
        Some(pairs.into_iter().map(|(k, v)| (k, Json::from(v))).collect())
    }

    fn record(&self, body: &Body<'_>) -> Result<Recorded, Diagnostic> {
        let plain = body.test_kwargs.is_none();
        let plain = plain.then(|| super::argument::recorded(&self.shared, body));
        if let Some(recorded) = plain.flatten() {
            return Ok(recorded);
        }
        let scope = self.scope(
            body.package,
            Self::facts(body.node),
            Phase::Parse,
            HashMap::new(),
        );
        if let Some(kwargs) = body.test_kwargs {
            let value = self
                .kwargs(&scope, kwargs)
                .map_err(|d| d.at_opt(body.place.cloned()))?;
            scope.set("_dbt_generic_test_kwargs", value);
        }
        let in_file = body
            .place
            .filter(|p| p.file.text.get(p.span.clone()) == Some(body.text));
        let (file, span) = match in_file {
            Some(p) => (p.file.clone(), p.span.clone()),
            None => (
                SourceFile::new(format!("<{}>", scope.0.node_id()), body.text),
                0..body.text.len(),
            ),
        };
        let engine = &self.shared.engine;
        let done = engine
            .template(&file, span, Mode::Absorbing)
            .and_then(|t| engine.render(&t, scope.dynamic()));
        match done {
            Ok(_) => Ok(scope.recorded()),
            Err(e) => {
                Err(diagnostic(&e, body.place).note(format!("while parsing {}", scope.0.node_id())))
            }
        }
    }

    fn generate_name(
        &self,
        part: NamePart,
        custom: Option<&str>,
        package: &str,
        node: &Node,
    ) -> Result<String, Diagnostic> {
        let name = match part {
            NamePart::Database => "generate_database_name",
            NamePart::Schema => "generate_schema_name",
            NamePart::Alias => "generate_alias_name",
        };
        let registry = self.shared.engine.registry();
        let own = (package != self.shared.root_name)
            .then(|| registry.get(package, name))
            .flatten();
        let dispatched = ["postgres", "default"]
            .iter()
            .find_map(|p| registry.get(&self.shared.root_name, &format!("{p}__{name}")));
        let def = own.or_else(|| registry.get(&self.shared.root_name, name));
        if def.is_none() && dispatched.is_none() {
            return Ok(self.default_name(part, custom, node));
        }
        let Some(def) = def.or_else(|| registry.get("dbt", name)).cloned() else {
            return Ok(self.default_name(part, custom, node));
        };
        let node = crate::parse::node_map(node);
        let facts = NodeFacts {
            naming: Some(name),
            ..Self::facts(&node)
        };
        let scope = self.scope(package, facts, Phase::Parse, HashMap::new());
        let custom = custom.map_or_else(|| Value::from(()), Value::from);
        let value = self
            .shared
            .engine
            .call_macro(
                &def,
                &[custom, python::json::from_json(&Json::Object(node))],
                &[],
                scope.dynamic(),
            )
            .map_err(|e| diagnostic(&e, None))?;
        Ok(if value.is_none() {
            String::new()
        } else {
            python::str_of(&value)
        })
    }

    fn yaml_value(&self, package: &str, text: &str) -> Result<Kind, String> {
        let scope = self.scope(package, NodeFacts::default(), Phase::Parse, HashMap::new());
        let file = SourceFile::new("<value>", text);
        let value = self
            .shared
            .engine
            .native(
                &file,
                0..file.text.len(),
                Mode::Strict,
                Arc::new(YamlScope(scope)),
            )
            .map_err(|e| e.message)?;
        Ok(kind_of(&python::json::to_json(&value)))
    }

    fn description(
        &self,
        package: &str,
        text: &str,
        doc: &dyn Fn(Option<&str>, &str) -> Option<(String, String)>,
    ) -> Result<(String, Vec<String>), String> {
        let scope = self.scope(package, NodeFacts::default(), Phase::Parse, HashMap::new());
        let calls = Arc::new(Mutex::new(Vec::new()));
        // First pass: which blocks are asked for; second pass: with their texts.
        let file = SourceFile::new("<description>", text);
        scope.set(
            "doc",
            Value::from_object(DocCalls {
                calls: calls.clone(),
                texts: HashMap::new(),
            }),
        );
        let engine = &self.shared.engine;
        let template = engine
            .template(&file, 0..file.text.len(), Mode::Strict)
            .map_err(|e| e.message)?;
        let render = || {
            let rendered = engine.render(&template, scope.dynamic());
            rendered.map(|out| out.text).map_err(|e| e.message)
        };
        let bare = render()?;
        let asked = std::mem::take(&mut *super::scope::lock(&calls));
        if asked.is_empty() {
            return Ok((bare, Vec::new()));
        }
        let (mut texts, mut ids) = (HashMap::new(), Vec::new());
        for (package, name) in asked {
            let Some((id, text)) = doc(package.as_deref(), &name) else {
                return Err(format!("Documentation for '{name}' not found"));
            };
            crate::parse::push_new(&mut ids, id);
            texts.insert((package, name), text);
        }
        scope.set("doc", Value::from_object(DocCalls { calls, texts }));
        Ok((render()?, ids))
    }

    fn references(&self, package: &str, text: &str) -> Result<Recorded, String> {
        let scope = self.scope(package, NodeFacts::default(), Phase::Parse, HashMap::new());
        let text = if crate::config::has_jinja(text) {
            text.to_string()
        } else {
            format!("{{{{ {text} }}}}")
        };
        let file = SourceFile::new("<reference>", text.clone());
        self.shared
            .engine
            .render_file(&file, Mode::Strict, scope.dynamic())
            .map_err(|e| e.message)?;
        let recorded = scope.recorded();
        if recorded.refs.is_empty() && recorded.sources.is_empty() && recorded.metrics.is_empty() {
            return Err(format!(
                "`{}` is no reference",
                text.trim_matches(['{', '}', ' '])
            ));
        }
        Ok(recorded)
    }

    fn docs_blocks(&self, file: &Arc<SourceFile>) -> Result<Vec<(String, String)>, Diagnostic> {
        let blocks = read_blocks(file).map_err(first)?.blocks;
        let mut out = Vec::new();
        for b in blocks.iter().filter(|b| b.kind == BlockKind::Docs) {
            let text = file.text[b.body.clone()].to_string();
            if !crate::config::has_jinja(&text) {
                out.push((b.name.clone(), text));
                continue;
            }
            let engine = &self.shared.engine;
            let rendered = engine
                .template(file, b.body.clone(), Mode::Strict)
                .and_then(|t| engine.render(&t, Arc::new(EmptyScope)));
            out.push((
                b.name.clone(),
                rendered.map_err(|e| diagnostic(&e, None))?.text,
            ));
        }
        Ok(out)
    }

    fn snapshot_blocks(
        &self,
        file: &Arc<SourceFile>,
    ) -> Result<Vec<(String, Range<usize>)>, Diagnostic> {
        let blocks = read_blocks(file).map_err(first)?.blocks;
        Ok(blocks
            .into_iter()
            .filter(|b| b.kind == BlockKind::Snapshot)
            .map(|b| (b.name, b.body))
            .collect())
    }

    fn macros(&self) -> Vec<MacroInfo> {
        let search = |ns: Option<&str>| self.shared.dispatch_search(ns);
        let engine = &self.shared.engine;
        engine
            .registry()
            .iter()
            .map(|def| {
                let calls = engine.static_calls(def, &search, &["postgres", "default"]);
                let path = original_path(&def.file.path, &def.package, &self.shared);
                MacroInfo {
                    unique_id: def.unique_id.clone(),
                    name: def.name.clone(),
                    package_name: def.package.to_string(),
                    path: path.clone(),
                    original_file_path: path,
                    macro_sql: def.macro_sql().to_string(),
                    depends_on_macros: calls.iter().map(|c| c.unique_id.clone()).collect(),
                    description: String::new(),
                    meta: Map::new(),
                    docs: Docs::default(),
                    config: Map::new(),
                    patch_path: None,
                    arguments: def.parameters.iter().map(argument).collect(),
                    created_at: self.now,
                    supported_languages: (!def.languages.is_empty())
                        .then(|| def.languages.clone())
                        .or_else(|| {
                            (def.kind == BlockKind::Materialization)
                                .then(|| vec!["sql".to_string()])
                        }),
                    place: Some(Place::new(&def.file, def.name_span.clone())),
                }
            })
            .collect()
    }
}

/// A parameter, of which nothing but the name is known.
fn argument(parameter: &Parameter) -> MacroArgument {
    MacroArgument {
        name: parameter.name.clone(),
        kind: None,
        description: String::new(),
    }
}

/// The path below the package's folder, from the shown one.
fn original_path(shown: &str, package: &str, shared: &Shared) -> String {
    if package == shared.root_name {
        return shown.to_string();
    }
    shown
        .split_once(&format!("/{package}/"))
        .map_or(shown, |(_, rest)| rest)
        .to_string()
}

fn first(stopped: crate::diag::Stopped) -> Diagnostic {
    stopped
        .0
        .into_iter()
        .next()
        .unwrap_or_else(|| Diagnostic::error(code::J0301, "the file cannot be read"))
}

/// JSON as a YAML value without a place.
fn kind_of(value: &Json) -> Kind {
    match value {
        Json::Null => Kind::Null,
        Json::Bool(b) => Kind::Bool(*b),
        Json::Number(n) => n
            .as_i64()
            .map_or_else(|| Kind::Float(n.as_f64().unwrap_or_default()), Kind::Int),
        Json::String(s) => Kind::Str(s.clone()),
        Json::Array(items) => Kind::Seq(items.iter().map(|i| Yaml::bare(kind_of(i))).collect()),
        Json::Object(map) => Kind::Map(
            map.iter()
                .map(|(k, v)| (Yaml::bare(Kind::Str(k.clone())), Yaml::bare(kind_of(v))))
                .collect(),
        ),
    }
}

impl EngineHost {
    /// dbt's rules where no macro says otherwise.
    fn default_name(&self, part: NamePart, custom: Option<&str>, node: &Node) -> String {
        let target = &self.shared.target;
        match (part, custom) {
            (NamePart::Database, Some(c)) => c.to_string(),
            (NamePart::Database, None) => target.connection.dbname.clone(),
            (NamePart::Schema, Some(c)) => format!("{}_{}", target.schema, c.trim()),
            (NamePart::Schema, None) => target.schema.clone(),
            (NamePart::Alias, Some(c)) => c.trim().to_string(),
            (NamePart::Alias, None) => match node.version.as_ref().filter(|v| !v.is_null()) {
                Some(v) => {
                    let version = crate::graph::version_text(v).replace('.', "_");
                    format!("{}_v{version}", node.name)
                }
                None => node.name.clone(),
            },
        }
    }
}

/// `doc(…)`: remembers what was asked for, and gives the texts once they are known.
#[derive(Debug)]
struct DocCalls {
    calls: Arc<Mutex<Vec<(Option<String>, String)>>>,
    texts: HashMap<(Option<String>, String), String>,
}

impl Object for DocCalls {
    fn call(self: &Arc<Self>, _: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
        let args = super::args::Args::new(args)?;
        let words: Vec<String> = args.positional.iter().map(python::str_of).collect();
        let key = match &words[..] {
            [name] => (None, name.clone()),
            [package, name] => (Some(package.clone()), name.clone()),
            _ => {
                return Err(super::exceptions::compilation(
                    "doc() takes at most two arguments",
                ));
            }
        };
        if let Some(text) = self.texts.get(&key) {
            return Ok(Value::from(text.as_str()));
        }
        super::scope::lock(&self.calls).push(key);
        Ok(Value::from(""))
    }
}

/// What values of YAML files see: no macros, no nodes.
#[derive(Debug)]
struct YamlScope(NodeScope);

impl crate::jinja::Scope for YamlScope {
    fn package(&self) -> &str {
        &self.0.0.package
    }

    fn lookup(&self, name: &str) -> Option<Value> {
        const NAMES: &[&str] = &[
            "target",
            "project_name",
            "var",
            "env_var",
            "dbt_version",
            "flags",
            "invocation_id",
            "run_started_at",
            "log",
            "print",
            "thread_id",
            "context",
            "builtins",
        ];
        if NAMES.contains(&name) {
            crate::jinja::Scope::lookup(&self.0, name)
        } else {
            None
        }
    }

    fn sees_macros(&self) -> bool {
        false
    }
}

/// No names at all.
#[derive(Debug)]
struct EmptyScope;

impl crate::jinja::Scope for EmptyScope {
    fn package(&self) -> &str {
        ""
    }

    fn lookup(&self, _: &str) -> Option<Value> {
        None
    }

    fn sees_macros(&self) -> bool {
        false
    }
}
