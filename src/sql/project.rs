//! Lineage of a whole project: from the compiled text of its models to edges between columns.
//!
//! In: a manifest with compiled text, and the columns the catalogue knows. Out: JSON for the documentation and the
//! `lineage` command. Columns of models that are not in the catalogue are taken from their own text, parents first.
use super::parse::deep;
use super::query::Analysis;
use super::{ColumnRef, Lineage, RelationName, Unknown};
use crate::graph::{Dag, Manifest, Node, ResourceType};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The lineage of all compiled models and snapshots.
///
/// `columns` answers with the columns of a node or source by its unique id, in order, if the catalogue knows them.
/// The result has `edges`, `[{from: [id, column], to: [id, column], kind}]`, of kind copy, derive or aggregate;
/// `filters`, `[{from: [id, column], to: id}]`, the columns that decide which rows a node has; and `unknown`, the
/// reason for each node about which nothing can be told. The column `*` stands for columns that nobody knows.
pub fn project_lineage(
    manifest: &Manifest,
    columns: &dyn Fn(&str) -> Option<Vec<String>>,
) -> Value {
    let ids = manifest.nodes.keys().chain(manifest.sources.keys());
    let known: BTreeMap<String, Vec<String>> = ids
        .filter_map(|id| Some((id.clone(), columns(id)?)))
        .collect();
    let found = deep(|| Project::new(manifest, known).run(), || {});
    found.unwrap_or_else(
        |Unknown(reason)| json!({"edges": [], "filters": [], "unknown": {"*": reason}}),
    )
}

struct Project<'a> {
    manifest: &'a Manifest,
    /// Unique ids by relation, most exact key first.
    relations: BTreeMap<Vec<String>, BTreeSet<&'a str>>,
    /// Columns by unique id.
    columns: BTreeMap<String, Vec<String>>,
    edges: BTreeSet<[String; 5]>,
    filters: BTreeSet<[String; 3]>,
    unknown: Map<String, Value>,
}

impl<'a> Project<'a> {
    fn new(manifest: &'a Manifest, columns: BTreeMap<String, Vec<String>>) -> Self {
        let mut relations: BTreeMap<Vec<String>, BTreeSet<&str>> = BTreeMap::new();
        let mut add = |parts: [&str; 3], id: &'a str| {
            for exact in [true, false] {
                let part = |p: &str| {
                    if exact {
                        p.to_string()
                    } else {
                        p.to_lowercase()
                    }
                };
                let parts = parts.map(part);
                for skip in 0..3 {
                    let key = parts[skip..].to_vec();
                    relations.entry(key).or_default().insert(id);
                }
            }
        };
        for n in manifest
            .nodes
            .values()
            .filter(|n| n.is_refable() && !n.is_ephemeral())
        {
            add([&n.database, &n.schema, &n.alias], &n.unique_id);
        }
        for s in manifest.sources.values() {
            add([&s.database, &s.schema, &s.identifier], &s.unique_id);
        }
        Self {
            manifest,
            relations,
            columns,
            edges: BTreeSet::new(),
            filters: BTreeSet::new(),
            unknown: Map::new(),
        }
    }

    fn run(mut self) -> Value {
        let dag = Dag::new(self.manifest);
        let order = dag
            .order()
            .unwrap_or_else(|_| self.manifest.nodes.keys().cloned().collect());
        for id in order {
            let Some(node) = self.manifest.nodes.get(&id) else {
                continue;
            };
            let has_columns = matches!(
                node.resource_type,
                ResourceType::Model | ResourceType::Snapshot
            );
            if let Some(compiled) = node.compiled.as_ref().filter(|_| has_columns) {
                let ephemeral = self.ephemeral(node);
                match self.analyse(&compiled.code, &ephemeral) {
                    Ok(lineage) => self.add(node, &lineage, &ephemeral),
                    Err(Unknown(reason)) => {
                        self.unknown.insert(id, Value::String(reason));
                    }
                }
            }
        }
        let edges = self.edges.iter().map(|[from, column, to, into, kind]| {
            json!({"from": [from, column], "to": [to, into], "kind": kind})
        });
        let filters = self
            .filters
            .iter()
            .map(|[from, column, to]| json!({"from": [from, column], "to": to}));
        json!({
            "edges": edges.collect::<Vec<_>>(),
            "filters": filters.collect::<Vec<_>>(),
            "unknown": self.unknown,
        })
    }

    /// The CTEs of a node that stand for ephemeral models with a text of their own.
    fn ephemeral(&self, node: &Node) -> BTreeMap<String, &'a str> {
        let ctes = node.compiled.iter().flat_map(|c| &c.extra_ctes);
        ctes.filter_map(|cte| self.manifest.nodes.get(&cte.id))
            .filter(|model| model.compiled.is_some())
            .map(|model| {
                (
                    format!("__dbt__cte__{}", model.alias),
                    model.unique_id.as_str(),
                )
            })
            .collect()
    }

    fn analyse(
        &self,
        sql: &str,
        ephemeral: &BTreeMap<String, &'a str>,
    ) -> Result<Lineage, Unknown> {
        let catalog = |name: &RelationName| {
            let id = self.id(name, ephemeral)?;
            self.columns.get(id).cloned()
        };
        let opaque: BTreeSet<String> = ephemeral.keys().map(|k| k.to_lowercase()).collect();
        Analysis::with_opaque(sql, &catalog, &opaque)
    }

    /// The node or source behind a relation, if there is only one.
    fn id(&self, name: &RelationName, ephemeral: &BTreeMap<String, &'a str>) -> Option<&'a str> {
        if name.schema.is_none() {
            let mut names = ephemeral.iter();
            let cte = names.find(|(cte, _)| cte.to_lowercase() == name.name);
            if let Some((_, id)) = cte {
                return Some(id);
            }
        }
        let parts = [&name.database, &name.schema].into_iter().flatten();
        let key: Vec<String> = parts.chain([&name.name]).cloned().collect();
        let lower = || key.iter().map(|p| p.to_lowercase()).collect::<Vec<_>>();
        let found = self
            .relations
            .get(&key)
            .or_else(|| self.relations.get(&lower()))?;
        let mut ids = found.iter();
        ids.next().copied().filter(|_| ids.next().is_none())
    }

    fn add(&mut self, node: &Node, lineage: &Lineage, ephemeral: &BTreeMap<String, &'a str>) {
        let to = &node.unique_id;
        let from = |column: &ColumnRef| {
            let id = self.id(&column.relation, ephemeral)?;
            Some((id.to_string(), column.column.clone()))
        };
        let mut edges = Vec::new();
        for column in &lineage.columns {
            for origin in &column.origins {
                if let Some((id, name)) = from(&origin.from) {
                    let kind = origin.kind.as_str().to_string();
                    edges.push([id, name, to.clone(), column.name.clone(), kind]);
                }
            }
        }
        let filters: Vec<_> = lineage
            .filters
            .iter()
            .filter_map(from)
            .map(|(id, name)| [id, name, to.clone()])
            .collect();
        self.edges.extend(edges);
        self.filters.extend(filters);
        let names: Vec<String> = lineage.columns.iter().map(|c| c.name.clone()).collect();
        if !names.iter().any(|n| n == "*") {
            self.columns.entry(to.clone()).or_insert(names);
        }
    }
}
