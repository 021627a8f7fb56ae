//! Finds nodes, sources and metrics by name.
//!
//! Order of search as dbt's: the root project, then the package of the caller, then any package.
use crate::graph::{Disabled, Manifest, RefArgs, ResourceType, version_text};
use std::collections::{BTreeMap, HashMap};

/// What a `ref` leads to.
#[derive(Debug, PartialEq, Eq)]
pub enum Found {
    /// A node.
    Node(String),
    /// A node that is switched off.
    Disabled,
    /// Nothing.
    Missing,
}

/// Finds nodes and sources by name.
#[derive(Debug, Default)]
pub struct Names {
    root: String,
    nodes: HashMap<String, Vec<String>>,
    pub(super) sources: HashMap<(String, String), Vec<String>>,
    disabled: HashMap<String, Vec<String>>,
    packages: BTreeMap<String, String>,
    versions: HashMap<String, (Option<String>, Option<String>)>,
    /// Metrics by name; without an id where the metric is switched off.
    metrics: BTreeMap<String, Option<String>>,
}

impl Names {
    /// The names of a manifest.
    pub fn new(m: &Manifest) -> Self {
        let mut names = Self {
            root: m.project_name.clone(),
            ..Self::default()
        };
        for n in m.nodes.values().filter(|n| n.is_refable()) {
            names
                .nodes
                .entry(n.name.clone())
                .or_default()
                .push(n.unique_id.clone());
            names
                .packages
                .insert(n.unique_id.clone(), n.package_name.clone());
            let text = |v: &Option<serde_json::Value>| v.as_ref().map(version_text);
            names.versions.insert(
                n.unique_id.clone(),
                (text(&n.version), text(&n.latest_version)),
            );
        }
        for d in m.disabled.values().flatten() {
            if let Disabled::Semantic(s) = d
                && s.resource_type == ResourceType::Metric
            {
                names.metrics.insert(s.name.clone(), None);
            }
        }
        for metric in m.metrics.values() {
            let id = Some(metric.unique_id.clone());
            names.metrics.insert(metric.name.clone(), id);
        }
        for s in m.sources.values() {
            names
                .sources
                .entry((s.source_name.clone(), s.name.clone()))
                .or_default()
                .push(s.unique_id.clone());
            names
                .packages
                .insert(s.unique_id.clone(), s.package_name.clone());
            if s.simulation.is_some() && !names.nodes.contains_key(&s.name) {
                names
                    .nodes
                    .entry(s.name.clone())
                    .or_default()
                    .push(s.unique_id.clone());
                names.versions.insert(s.unique_id.clone(), (None, None));
            }
        }
        for (id, list) in &m.disabled {
            for d in list {
                let key = match d {
                    Disabled::Node(n) if n.is_refable() => n.name.clone(),
                    Disabled::Source(s) => format!("{}.{}", s.source_name, s.name),
                    _ => continue,
                };
                names.disabled.entry(key).or_default().push(id.clone());
            }
        }
        names
    }

    /// Picks by package: the one asked for, else root, else the caller's, else any.
    fn pick<'a>(
        &'a self,
        ids: &'a [String],
        package: Option<&str>,
        caller: &str,
    ) -> Option<&'a String> {
        let of = |p: &str| {
            ids.iter()
                .find(|id| self.packages.get(*id).is_some_and(|x| x == p))
        };
        match package {
            Some(p) => of(p),
            None => of(&self.root)
                .or_else(|| of(caller))
                .or_else(|| ids.first()),
        }
    }

    /// What a `ref` of a package means.
    pub fn find_ref(&self, r: &RefArgs, caller: &str) -> Found {
        let wanted = r.version.as_ref().map(version_text);
        let all = self
            .nodes
            .get(&r.name)
            .map(Vec::as_slice)
            .unwrap_or_default();
        let fits: Vec<String> = all
            .iter()
            .filter(|id| match (self.versions.get(*id), &wanted) {
                (Some((Some(v), _)), Some(w)) => v == w,
                (Some((Some(v), latest)), None) => latest.as_ref().is_none_or(|l| l == v),
                (_, None) => true,
                (_, Some(_)) => false,
            })
            .cloned()
            .collect();
        if let Some(id) = self.pick(&fits, r.package.as_deref(), caller) {
            return Found::Node(id.clone());
        }
        let disabled = self.disabled.get(&r.name).is_some_and(|ids| {
            r.package
                .as_ref()
                .is_none_or(|p| ids.iter().any(|id| id.split('.').nth(1) == Some(p)))
        });
        if disabled {
            Found::Disabled
        } else {
            Found::Missing
        }
    }

    /// What a `source` call of a package means.
    pub fn find_source(&self, source: &str, table: &str, caller: &str) -> Found {
        let ids = self
            .sources
            .get(&(source.to_string(), table.to_string()))
            .map(Vec::as_slice)
            .unwrap_or_default();
        match self.pick(ids, None, caller) {
            Some(id) => Found::Node(id.clone()),
            None if self.disabled.contains_key(&format!("{source}.{table}")) => Found::Disabled,
            None => Found::Missing,
        }
    }

    /// The metric of a name.
    pub(super) fn find_metric(&self, name: &str) -> Found {
        match self.metrics.get(name) {
            Some(Some(id)) => Found::Node(id.clone()),
            Some(None) => Found::Disabled,
            None => Found::Missing,
        }
    }

    pub(super) fn metric_names(&self) -> impl Iterator<Item = &str> {
        self.metrics.keys().map(String::as_str)
    }

    /// All names that a `ref` may use.
    pub fn ref_names(&self) -> impl Iterator<Item = &str> {
        self.nodes.keys().map(String::as_str)
    }
}
