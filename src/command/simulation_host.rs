//! The project as simulations see it: its seeds, sources and models, and its Jinja.
use crate::context::{EngineHost, NodeFacts, NodeScope, Phase, Setup, Shared, Table};
use crate::diag::{Diagnostic, Result, Stopped, code};
use crate::graph::{Manifest, ResourceType};
use crate::parse::ParseHost;
use crate::simulate::{Host, HostTable, Options, TableKind};
use crate::text::SourceFile;
use crate::yaml::Kind;
use indexmap::IndexMap;
use minijinja::value::Value;
use serde_json::Value as Json;
use std::collections::HashMap;
use std::sync::Arc;

/// The project as simulations see it.
pub(super) struct ProjectHost<'a> {
    pub shared: &'a Arc<Shared>,
    pub manifest: &'a Manifest,
    pub options: Options,
    /// Opens a connection for tables that only the database has.
    pub database: Option<&'a crate::pg::ConnectOptions>,
}

impl ProjectHost<'_> {
    fn node(&self, name: &str) -> Option<&crate::graph::Node> {
        self.manifest
            .nodes
            .values()
            .find(|n| n.name == name && n.is_refable())
    }

    /// Rows of a seed file, with JSON columns read as JSON.
    fn seed_rows(&self, node: &crate::graph::Node) -> Result<Vec<IndexMap<String, Json>>> {
        let value = crate::run::agate_table(node, self.shared)?;
        let Some(table) = value.downcast_object_ref::<Table>() else {
            return Ok(Vec::new());
        };
        let types = node.config.get("column_types");
        let cell = |name: &str, value: Json| {
            let kind = types
                .and_then(|t| t.get(name))
                .and_then(Json::as_str)
                .unwrap_or_default()
                .to_lowercase();
            let Json::String(text) = &value else {
                return value;
            };
            if kind.starts_with("json") {
                return serde_json::from_str(text).unwrap_or(value);
            }
            let number = [
                "int", "serial", "numeric", "decimal", "real", "double", "float",
            ]
            .iter()
            .any(|k| kind.contains(k));
            if number && let Ok(n) = serde_json::from_str::<serde_json::Number>(text.trim()) {
                return Json::Number(n);
            }
            if kind.starts_with("bool") {
                return Json::Bool(
                    ["true", "t", "yes", "1"].contains(&text.trim().to_lowercase().as_str()),
                );
            }
            value
        };
        let rows = table.rows().iter().map(|r| {
            let pairs = table.names().iter().zip(&r.cells);
            pairs
                .map(|(n, v)| (n.clone(), cell(n, crate::jinja::python::json::to_json(v))))
                .collect()
        });
        Ok(rows.collect())
    }

    fn seed_columns(&self, node: &crate::graph::Node) -> Vec<(String, Option<String>)> {
        let Ok(value) = crate::run::agate_table(node, self.shared) else {
            return Vec::new();
        };
        let Some(table) = value.downcast_object_ref::<Table>() else {
            return Vec::new();
        };
        let types = node.config.get("column_types");
        let inferred = |t: &str| {
            match t {
                "Integer" => "integer",
                "Number" => "double precision",
                "Boolean" => "boolean",
                "Date" => "date",
                "DateTime" | "ISODateTime" => "timestamp",
                _ => "text",
            }
            .to_string()
        };
        table
            .names()
            .iter()
            .zip(table.types())
            .map(|(n, t)| {
                let said = types
                    .and_then(|x| x.get(n))
                    .and_then(Json::as_str)
                    .map(str::to_string);
                (n.clone(), said.or_else(|| Some(inferred(t))))
            })
            .collect()
    }

    /// Columns that a test says are unique.
    fn keys(&self, id: &str) -> Vec<Vec<String>> {
        self.manifest
            .nodes
            .values()
            .filter_map(|n| n.test.as_ref())
            .filter(|t| t.attached_node.as_deref() == Some(id) && t.name == "unique")
            .filter_map(|t| t.column_name.clone().map(|c| vec![c]))
            .collect()
    }

    fn scope(&self, extra: HashMap<String, Value>) -> NodeScope {
        NodeScope::new(Setup {
            shared: self.shared.clone(),
            package: self.shared.root_name.clone(),
            phase: Phase::Run,
            node: NodeFacts::default(),
            session: None,
            extra,
        })
    }
}

impl Host for ProjectHost<'_> {
    fn tables(&self) -> Vec<HostTable> {
        let mut out = Vec::new();
        for n in self.manifest.nodes.values().filter(|n| n.is_refable()) {
            let seed = n.resource_type == ResourceType::Seed;
            let columns = if seed {
                self.seed_columns(n)
            } else {
                n.columns
                    .values()
                    .map(|c| (c.name.clone(), c.data_type.clone()))
                    .collect()
            };
            let kind = if seed {
                TableKind::Seed
            } else {
                TableKind::Model
            };
            out.push(HostTable {
                name: n.name.clone(),
                kind,
                columns,
                keys: self.keys(&n.unique_id),
            });
        }
        for s in self.manifest.sources.values() {
            let columns = s
                .columns
                .values()
                .map(|c| (c.name.clone(), c.data_type.clone()))
                .collect();
            out.push(HostTable {
                name: s.name.clone(),
                kind: TableKind::Source,
                columns,
                keys: self.keys(&s.unique_id),
            });
        }
        out
    }

    fn table_rows(&self, name: &str) -> Result<Vec<IndexMap<String, Json>>> {
        if let Some(node) = self
            .node(name)
            .filter(|n| n.resource_type == ResourceType::Seed)
        {
            return self.seed_rows(node);
        }
        let Some(options) = self.database else {
            return Err(Diagnostic::error(
                code::M0810,
                format!("the rows of `{name}` are only in the database"),
            )
            .into());
        };
        let fail = |e: crate::pg::PgError| -> Stopped { e.diagnostic(None, Some(options)).into() };
        let mut session = crate::pg::Session::connect(options).map_err(fail)?;
        let table = session
            .fetch(&format!(
                "select j from (select to_jsonb(t)::text as j from {} t) s order by j collate \"C\"",
                self.relation(name)
            ))
            .map_err(fail)?;
        Ok(table
            .rows
            .iter()
            .filter_map(|r| r[0].text())
            .filter_map(|t| serde_json::from_str(&t).ok())
            .collect())
    }

    fn relation(&self, name: &str) -> String {
        if let Some(r) = self.node(name).and_then(|n| n.relation_name.clone()) {
            return r;
        }
        let source = self
            .manifest
            .sources
            .values()
            .find(|s| s.name == name || s.simulation.as_deref() == Some(name));
        source.map_or_else(|| crate::pg::quote_ident(name), |s| s.relation_name.clone())
    }

    fn render(&self, text: &str) -> Result<Kind> {
        let host = EngineHost::new(self.shared.clone(), 0.0);
        host.yaml_value(&self.shared.root_name, text).map_err(|m| {
            Diagnostic::error(code::P0105, m)
                .heading("Compilation Error")
                .into()
        })
    }

    fn render_sql(&self, sql: &str, this: &str, days: u32) -> Result<String> {
        let mut extra = HashMap::new();
        extra.insert("this".to_string(), Value::from(this));
        extra.insert("sim_days".to_string(), Value::from(days));
        extra.insert(
            "start_date".to_string(),
            Value::from(self.options.start.as_str()),
        );
        let scope = self.scope(extra);
        let file = SourceFile::new("<check>", sql);
        let engine = &self.shared.engine;
        engine
            .render_file(&file, crate::jinja::Mode::Strict, scope.dynamic())
            .map(|r| r.text)
            .map_err(|e| crate::context::diagnostic(&e, None).into())
    }
}
