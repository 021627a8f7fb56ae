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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Checksum, Compiled, Config, Contract, DependsOn, Docs, ExtraCte, Source};
    use indexmap::IndexMap;

    fn model(name: &str, sql: &str, parents: &[&str]) -> Node {
        Node {
            resource_type: ResourceType::Model,
            unique_id: format!("model.p.{name}"),
            name: name.into(),
            package_name: "p".into(),
            path: String::new(),
            original_file_path: String::new(),
            fqn: vec!["p".into(), name.into()],
            database: "db".into(),
            schema: "marts".into(),
            alias: name.into(),
            relation_name: None,
            checksum: Checksum {
                name: "none".into(),
                checksum: String::new(),
            },
            config: Config::default(),
            unrendered_config: Map::new(),
            tags: Vec::new(),
            description: String::new(),
            columns: IndexMap::new(),
            meta: Map::new(),
            group: None,
            docs: Docs::default(),
            patch_path: None,
            doc_blocks: Vec::new(),
            raw_code: String::new(),
            refs: Vec::new(),
            sources: Vec::new(),
            metrics: Vec::new(),
            depends_on: DependsOn {
                macros: Vec::new(),
                nodes: parents.iter().map(ToString::to_string).collect(),
            },
            created_at: 0.0,
            contract: Contract {
                enforced: false,
                alias_types: true,
                checksum: None,
            },
            access: None,
            constraints: Vec::new(),
            version: None,
            latest_version: None,
            deprecation_date: None,
            primary_key: Vec::new(),
            time_spine: None,
            test: None,
            index: None,
            root_path: None,
            compiled: (!sql.is_empty()).then(|| Compiled {
                code: sql.into(),
                extra_ctes: Vec::new(),
                path: None,
            }),
            build_path: None,
            place: None,
            patch_place: None,
        }
    }

    fn source(name: &str) -> Source {
        Source {
            unique_id: format!("source.p.raw.{name}"),
            name: name.into(),
            source_name: "raw".into(),
            package_name: "p".into(),
            path: String::new(),
            original_file_path: String::new(),
            fqn: Vec::new(),
            database: "db".into(),
            schema: "Raw".into(),
            identifier: name.into(),
            relation_name: String::new(),
            source_description: String::new(),
            description: String::new(),
            loader: String::new(),
            quoting: Map::new(),
            loaded_at_field: None,
            loaded_at_query: None,
            freshness: None,
            external: None,
            columns: IndexMap::new(),
            meta: Map::new(),
            source_meta: Map::new(),
            tags: Vec::new(),
            config: Config::default(),
            unrendered_config: Map::new(),
            unrendered_database: None,
            unrendered_schema: None,
            doc_blocks: Vec::new(),
            patch_path: None,
            created_at: 0.0,
            simulation: None,
            depends_on: Vec::new(),
            place: None,
        }
    }

    fn manifest(nodes: Vec<Node>, sources: Vec<Source>) -> Manifest {
        Manifest {
            project_name: "p".into(),
            nodes: nodes
                .into_iter()
                .map(|n| (n.unique_id.clone(), n))
                .collect(),
            sources: sources
                .into_iter()
                .map(|s| (s.unique_id.clone(), s))
                .collect(),
            ..Manifest::default()
        }
    }

    /// One line an edge.
    fn shown(found: &Value) -> Vec<String> {
        let word = |v: &Value| {
            let text = v.as_str().unwrap();
            text.rsplit('.').next().unwrap().to_string()
        };
        let pair = |v: &Value| format!("{}.{}", word(&v[0]), word(&v[1]));
        let edges = found["edges"].as_array().unwrap().iter();
        let edges = edges.map(|e| {
            format!(
                "{} {} {}",
                pair(&e["from"]),
                word(&e["kind"]),
                pair(&e["to"])
            )
        });
        let filters = found["filters"].as_array().unwrap().iter();
        let filters = filters.map(|f| format!("{} filter {}", pair(&f["from"]), word(&f["to"])));
        edges.chain(filters).collect()
    }

    #[test]
    fn columns_flow_from_model_to_model_without_a_catalogue() {
        // The consumer stands first: order comes from the graph, not from the list.
        let nodes = vec![
            model(
                "daily",
                "select day, sum(amount) as total from \"db\".\"marts\".\"orders\" where amount > 0 group by day",
                &["model.p.orders"],
            ),
            model(
                "top",
                "select * from \"db\".\"marts\".\"daily\"",
                &["model.p.daily"],
            ),
            model(
                "orders",
                "select id, amount / 100 as amount, day from \"db\".\"Raw\".\"orders\"",
                &["source.p.raw.orders"],
            ),
        ];
        let found = project_lineage(&manifest(nodes, vec![source("orders")]), &|_| None);
        assert_eq!(
            shown(&found),
            [
                "daily.day copy top.day",
                "daily.total copy top.total",
                "orders.amount aggregate daily.total",
                "orders.day copy daily.day",
                "orders.amount derive orders.amount",
                "orders.day copy orders.day",
                "orders.id copy orders.id",
                "orders.amount filter daily",
                "orders.day filter daily",
            ]
        );
        assert_eq!(found["unknown"], json!({}));
    }

    #[test]
    fn the_catalogue_opens_stars_and_names_without_quotes_are_found() {
        let nodes = vec![model(
            "x",
            "select * from raw.Orders o",
            &["source.p.raw.orders"],
        )];
        let m = manifest(nodes, vec![source("orders")]);
        let found = project_lineage(&m, &|id| {
            id.starts_with("source.")
                .then(|| vec!["id".into(), "Amount".into()])
        });
        assert_eq!(
            shown(&found),
            ["orders.Amount copy x.Amount", "orders.id copy x.id"]
        );
        let found = project_lineage(&m, &|_| None);
        assert_eq!(shown(&found), ["orders.* copy x.*"]);
    }

    #[test]
    fn ephemeral_models_stand_between() {
        let mut eph = model(
            "eph",
            "select id as key from \"db\".\"Raw\".\"orders\"",
            &["source.p.raw.orders"],
        );
        eph.config
            .0
            .insert("materialized".into(), json!("ephemeral"));
        let mut user = model(
            "user",
            "with __dbt__cte__eph as (\nselect id as key from \"db\".\"Raw\".\"orders\"\n) select key from __dbt__cte__eph",
            &["model.p.eph"],
        );
        user.compiled.as_mut().unwrap().extra_ctes.push(ExtraCte {
            id: "model.p.eph".into(),
            sql: String::new(),
        });
        let m = manifest(vec![eph, user], vec![source("orders")]);
        assert_eq!(
            shown(&project_lineage(&m, &|_| None)),
            ["eph.key copy user.key", "orders.id copy eph.key"]
        );
        // Without a text of its own the ephemeral model is looked through.
        let mut m = m;
        m.nodes["model.p.eph"].compiled = None;
        assert_eq!(
            shown(&project_lineage(&m, &|_| None)),
            ["orders.id copy user.key"]
        );
    }

    #[test]
    fn what_cannot_be_read_is_unknown_and_the_rest_goes_on() {
        let nodes = vec![
            model("bad", "select from where", &[]),
            model(
                "good",
                "select id from \"db\".\"marts\".\"bad\"",
                &["model.p.bad"],
            ),
            model("not_compiled", "", &[]),
        ];
        let found = project_lineage(&manifest(nodes, Vec::new()), &|_| None);
        assert_eq!(shown(&found), ["bad.id copy good.id"]);
        let unknown = found["unknown"].as_object().unwrap();
        assert_eq!(unknown.keys().collect::<Vec<_>>(), ["model.p.bad"]);
    }
}
