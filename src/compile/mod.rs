//! From a node to its SQL: renders the text, puts the CTEs of ephemeral models in front, keeps the way back to the
//! source.
//!
//! In: a node and a scope's setup. Out: the SQL with a map from its bytes to the node's file.
mod inject;
mod map;

pub use inject::inject_ctes;
pub use map::SourceMap;

use crate::context::{
    NodeFacts, NodeScope, NodeSession, Phase, Setup, Shared, diagnostic, evaluated,
};
use crate::diag::{Diagnostic, code};
use crate::graph::{Compiled, ExtraCte, Node, ResourceType};
use crate::jinja::python::{self, Dict};
use crate::jinja::{Mode, Rendered};
use crate::text::SourceFile;
use minijinja::value::Value;
use serde_json::{Map, Value as Json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// What follows the text of a Python model: functions that resolve its references.
const PYTHON_POSTFIX: &str = "{{ py_script_postfix(model) }}";

/// A macro replaced by a value.
#[derive(Debug)]
pub struct Constant(pub Value);

impl minijinja::value::Object for Constant {
    fn call(
        self: &Arc<Self>,
        _: &mut minijinja::State<'_, '_>,
        _: &[Value],
    ) -> Result<Value, minijinja::Error> {
        Ok(self.0.clone())
    }

    /// What is a plain name in templates reads as its value.
    fn render(self: &Arc<Self>, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&crate::jinja::python::str_of(&self.0))
    }
}

/// A compiled node.
#[derive(Debug, Clone)]
pub struct CompiledNode {
    /// The SQL, CTEs included.
    pub sql: String,
    /// The SQL of the node alone.
    pub own_sql: String,
    /// The CTEs put in front.
    pub extra_ctes: Vec<ExtraCte>,
    /// The way back to the source.
    pub map: SourceMap,
    /// Macros that the text called itself.
    pub macros: Vec<String>,
    /// Text to send in front of the SQL (`sql_header`), which the text may have set itself.
    pub header: Option<String>,
}

/// What compiling needs beside the node.
#[derive(Clone)]
pub struct Compiler {
    /// Shared facts.
    pub shared: Arc<Shared>,
    /// The connection for introspective queries.
    pub session: Option<Arc<Mutex<NodeSession>>>,
    /// Further names.
    pub extra: HashMap<String, Value>,
}

impl Compiler {
    /// The facts of a node as templates see them.
    pub fn facts(&self, node: &Node) -> NodeFacts {
        let mut map = match crate::artifact::node(node) {
            Json::Object(map) => map,
            _ => Map::new(),
        };
        if node.contract.enforced && node.contract.alias_types {
            alias_types(&mut map);
        }
        let this =
            (node.resource_type != ResourceType::Operation).then(|| self.shared.relation_of(node));
        let mut allowed = node.depends_on.nodes.clone();
        allowed.push(node.unique_id.clone());
        NodeFacts {
            unique_id: node.unique_id.clone(),
            map,
            this,
            allowed: (node.resource_type != ResourceType::Operation).then_some(allowed),
            schema: node.schema.clone(),
            database: node.database.clone(),
            naming: None,
        }
    }

    /// A scope for a node with `execute` true.
    pub fn scope(&self, node: &Node, facts: NodeFacts) -> NodeScope {
        NodeScope::new(Setup {
            shared: self.shared.clone(),
            package: node.package_name.clone(),
            phase: Phase::Run,
            node: facts,
            session: self.session.clone(),
            extra: self.extra.clone(),
        })
    }

    /// Compiles a node.
    pub fn compile(&self, node: &Node) -> Result<CompiledNode, Diagnostic> {
        let mut ctes = Vec::new();
        let scope = self.scope(node, self.facts(node));
        let (rendered, ephemeral) = self.render_in(node, &scope)?;
        for id in ephemeral {
            self.cte(&id, &mut ctes, &mut vec![node.unique_id.clone()])?;
        }
        let own_sql = rendered.text.clone();
        let (sql, shift) = inject_ctes(&own_sql, &ctes);
        let map = SourceMap::new(rendered, shift);
        Ok(CompiledNode {
            sql,
            own_sql,
            extra_ctes: ctes,
            map,
            macros: scope.recorded().macros,
            header: scope
                .config("sql_header")
                .and_then(|h| h.as_str().map(str::to_string)),
        })
    }

    /// A query with the CTEs of the ephemeral models it refers to in front.
    pub fn with_ephemerals(&self, ephemeral: &[String], sql: String) -> Result<String, Diagnostic> {
        let mut ctes = Vec::new();
        for id in ephemeral {
            self.cte(id, &mut ctes, &mut Vec::new())?;
        }
        Ok(inject_ctes(&sql, &ctes).0)
    }

    /// The CTE of an ephemeral model, after those that it needs itself.
    fn cte(
        &self,
        id: &str,
        ctes: &mut Vec<ExtraCte>,
        path: &mut Vec<String>,
    ) -> Result<(), Diagnostic> {
        if ctes.iter().any(|c| c.id == id) {
            return Ok(());
        }
        if path.iter().any(|p| p == id) {
            return Err(Diagnostic::error(
                code::G0404,
                format!(
                    "ephemeral models need each other in a circle: {}",
                    path.join(" --> ")
                ),
            ));
        }
        let Some(node) = self.shared.manifest().and_then(|m| m.nodes.get(id)) else {
            return Ok(());
        };
        path.push(id.to_string());
        let (rendered, below) = self.render(node)?;
        let needs = below.clone();
        for id in below {
            self.cte(&id, ctes, path)?;
        }
        path.pop();
        self.note_injected(node, &rendered.text, &needs, ctes);
        let sql = format!(" __dbt__cte__{} as (\n{}\n)", node.alias, rendered.text);
        ctes.push(ExtraCte {
            id: id.to_string(),
            sql,
        });
        Ok(())
    }

    /// An ephemeral model that goes into another's text counts as compiled: its file is written, and the manifest says so.
    fn note_injected(&self, node: &Node, text: &str, needs: &[String], ctes: &[ExtraCte]) {
        let mut injected = lock(&self.shared.injected);
        let mut own: Vec<ExtraCte> = Vec::new();
        for id in needs {
            let below = injected.get(id).map(|c| c.extra_ctes.clone());
            let itself = ctes.iter().find(|c| c.id == *id).cloned();
            for cte in below.unwrap_or_default().into_iter().chain(itself) {
                if own.iter().all(|c| c.id != cte.id) {
                    own.push(cte);
                }
            }
        }
        let code = inject_ctes(text, &own).0;
        let path = keep(&self.shared, "compiled", &compiled_path(node), &code);
        let compiled = Compiled {
            code,
            extra_ctes: own,
            path: Some(path),
        };
        injected.insert(node.unique_id.clone(), compiled);
    }

    /// Renders a node's own text; gives the ephemeral models it refers to as well.
    fn render(&self, node: &Node) -> Result<(Rendered, Vec<String>), Diagnostic> {
        let scope = self.scope(node, self.facts(node));
        self.render_in(node, &scope)
    }

    /// Renders a node's text in a scope.
    pub fn render_in(
        &self,
        node: &Node,
        scope: &NodeScope,
    ) -> Result<(Rendered, Vec<String>), Diagnostic> {
        if let Some(test) = &node.test {
            let mut kwargs = Vec::new();
            for (key, value) in &test.kwargs {
                kwargs.push((
                    Value::from(key.as_str()),
                    evaluated(&self.shared, scope, key, value)?,
                ));
            }
            scope.set(
                "_dbt_generic_test_kwargs",
                Dict::value(kwargs.into_iter().collect()),
            );
        }
        let in_file = node
            .place
            .as_ref()
            .filter(|p| p.file.text.get(p.span.clone()) == Some(&node.raw_code));
        let (file, span) = match in_file {
            Some(p) => (p.file.clone(), p.span.clone()),
            None => (
                SourceFile::new(node.original_file_path.clone(), node.raw_code.clone()),
                0..node.raw_code.len(),
            ),
        };
        let engine = &self.shared.engine;
        let mut rendered = engine
            .template(&file, span, Mode::Strict)
            .and_then(|t| engine.render(&t, scope.dynamic()))
            .map_err(|e| self.nearer(diagnostic(&e, node.place.as_ref())))?;
        if node.is_python() {
            let more = self.render_text(scope, &node.original_file_path, PYTHON_POSTFIX)?;
            rendered.text.push_str(&format!("\n\n{more}"));
        }
        Ok((rendered, scope.ephemeral()))
    }

    /// With the nearest name, where something undefined was used.
    fn nearer(&self, d: Diagnostic) -> Diagnostic {
        let name = d
            .message
            .strip_prefix('\'')
            .and_then(|m| m.strip_suffix("' is undefined"));
        let Some(name) = name.filter(|_| d.help.is_none()).map(str::to_string) else {
            return d;
        };
        let plain = [
            "ref", "source", "config", "var", "env_var", "this", "target", "adapter", "return",
            "log",
        ];
        let registry = self.shared.engine.registry();
        let macros = registry.iter().map(|m| m.name.as_str());
        match crate::text::nearest(&name, plain.into_iter().chain(macros)) {
            Some(near) => d.help(format!("did you mean `{near}`?")),
            None => d,
        }
    }

    /// Renders any text in the view of a node, for hooks.
    pub fn render_text(
        &self,
        scope: &NodeScope,
        name: &str,
        text: &str,
    ) -> Result<String, Diagnostic> {
        let file = SourceFile::new(name, text);
        self.shared
            .engine
            .render_file(&file, Mode::Strict, scope.dynamic())
            .map(|r| r.text)
            .map_err(|e| diagnostic(&e, None))
    }
}

/// Writes a text to `target/KIND/PATH`; gives the path as people see it, below the project folder.
///
/// A file for people to look at: a full disk must not fail the node.
pub fn keep(shared: &Shared, kind: &str, path: &str, text: &str) -> String {
    let file = shared.target_dir.join(kind).join(path);
    let _ = crate::fs::write_if_changed(&file, text.as_bytes());
    shown_path(shared, kind, path)
}

/// A path below the target folder as people see it, below the project folder.
pub fn shown_path(shared: &Shared, kind: &str, path: &str) -> String {
    let folder = shared
        .target_dir
        .file_name()
        .map_or_else(|| "target".into(), |n| n.to_string_lossy().into_owned());
    format!("{folder}/{kind}/{path}")
}

fn lock<T>(m: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    m.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// The file below the target folder that a node's compiled text goes to: the node's own file, or one below it where a
/// file holds several nodes.
pub fn compiled_path(node: &Node) -> String {
    file_of(&node.package_name, &node.original_file_path, &node.path)
}

/// [`compiled_path`] by its parts: the package, the file, and the node's path in it.
pub fn file_of(package: &str, file: &str, path: &str) -> String {
    let last = |p: &str| p.rsplit('/').next().map(str::to_string);
    if last(file) == last(path) {
        format!("{package}/{file}")
    } else {
        format!("{package}/{file}/{path}")
    }
}

/// A value as text, as templates print it.
pub fn text_of(value: &Value) -> String {
    python::str_of(value)
}
/// Types of a contract under the adapter's names for them; the manifest keeps the words of the project.
fn alias_types(map: &mut Map<String, Json>) {
    let columns = map.get_mut("columns").and_then(Json::as_object_mut);
    for column in columns.into_iter().flat_map(|c| c.values_mut()) {
        if let Some(Json::String(kind)) = column.get_mut("data_type") {
            *kind = crate::context::translate(kind);
        }
    }
}
