//! All nodes of a project by unique id, and who needs whom.
use super::{
    Config, DependsOn, Doc, Exposure, Group, MacroInfo, Node, ResourceType, SemanticEntry, Source,
    UnitTest,
};
use crate::text::Place;
use indexmap::IndexMap;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The resolved project.
#[derive(Debug, Clone, Default)]
pub struct Manifest {
    /// Name of the root project.
    pub project_name: String,
    /// Models, seeds, snapshots, data tests, analyses and hooks.
    pub nodes: IndexMap<String, Node>,
    /// Data tests of what is not there or switched off: artefacts list them, nothing runs them.
    pub idle: IndexMap<String, Node>,
    /// Sources, those made by simulations included.
    pub sources: IndexMap<String, Source>,
    /// Exposures.
    pub exposures: IndexMap<String, Exposure>,
    /// Metrics.
    pub metrics: IndexMap<String, SemanticEntry>,
    /// Semantic models.
    pub semantic_models: IndexMap<String, SemanticEntry>,
    /// Saved queries.
    pub saved_queries: IndexMap<String, SemanticEntry>,
    /// Unit tests.
    pub unit_tests: IndexMap<String, UnitTest>,
    /// Groups.
    pub groups: IndexMap<String, Group>,
    /// Macros.
    pub macros: IndexMap<String, MacroInfo>,
    /// Docs blocks.
    pub docs: IndexMap<String, Doc>,
    /// Nodes and sources that are switched off, by unique id (one id may stand for several).
    pub disabled: IndexMap<String, Vec<Disabled>>,
    /// YAML selectors as written.
    pub selectors: Map<String, Value>,
    /// Quoting of the project for the artefact: database, schema, identifier.
    pub quoting: Map<String, Value>,
}

/// Something switched off.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Disabled {
    Node(Node),
    Source(Source),
    Exposure(Exposure),
    Semantic(SemanticEntry),
    UnitTest(UnitTest),
}

/// Anything of the graph, seen through what all kinds share.
#[derive(Debug, Clone, Copy)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Entry<'a> {
    Node(&'a Node),
    Source(&'a Source),
    Exposure(&'a Exposure),
    Semantic(&'a SemanticEntry),
    UnitTest(&'a UnitTest),
}

macro_rules! shared {
    ($self:ident, $e:ident => $value:expr) => {
        match $self {
            Entry::Node($e) => $value,
            Entry::Source($e) => $value,
            Entry::Exposure($e) => $value,
            Entry::Semantic($e) => $value,
            Entry::UnitTest($e) => $value,
        }
    };
}

impl<'a> Entry<'a> {
    /// Unique id.
    pub fn unique_id(self) -> &'a str {
        shared!(self, e => &e.unique_id)
    }

    /// Name.
    pub fn name(self) -> &'a str {
        shared!(self, e => &e.name)
    }

    /// Package.
    pub fn package_name(self) -> &'a str {
        shared!(self, e => &e.package_name)
    }

    /// Fully qualified name.
    pub fn fqn(self) -> &'a [String] {
        shared!(self, e => &e.fqn)
    }

    /// File below the package's folder.
    pub fn original_file_path(self) -> &'a str {
        shared!(self, e => &e.original_file_path)
    }

    /// Configuration.
    pub fn config(self) -> &'a Config {
        shared!(self, e => &e.config)
    }

    /// Where it is written.
    pub fn place(self) -> Option<&'a Place> {
        shared!(self, e => e.place.as_ref())
    }

    /// Kind.
    pub fn resource_type(self) -> ResourceType {
        match self {
            Entry::Node(n) => n.resource_type,
            Entry::Source(_) => ResourceType::Source,
            Entry::Exposure(_) => ResourceType::Exposure,
            Entry::Semantic(s) => s.resource_type,
            Entry::UnitTest(_) => ResourceType::UnitTest,
        }
    }

    /// Tags.
    pub fn tags(self) -> Vec<String> {
        match self {
            Entry::Node(n) => n.tags.clone(),
            Entry::Source(s) => s.tags.clone(),
            Entry::Exposure(e) => e.tags.clone(),
            Entry::Semantic(s) => s.tags.clone(),
            Entry::UnitTest(u) => u.config.list("tags"),
        }
    }

    /// Unique ids of what it needs, in order.
    pub fn parents(self) -> &'a [String] {
        match self {
            Entry::Node(n) => &n.depends_on.nodes,
            Entry::Source(s) => &s.depends_on,
            Entry::Exposure(e) => &e.depends_on.nodes,
            Entry::Semantic(s) => &s.depends_on.nodes,
            Entry::UnitTest(u) => &u.depends_on.nodes,
        }
    }
}

impl Manifest {
    /// Any entry of the graph.
    pub fn entry(&self, unique_id: &str) -> Option<Entry<'_>> {
        if let Some(n) = self.nodes.get(unique_id) {
            return Some(Entry::Node(n));
        }
        if let Some(s) = self.sources.get(unique_id) {
            return Some(Entry::Source(s));
        }
        if let Some(e) = self.exposures.get(unique_id) {
            return Some(Entry::Exposure(e));
        }
        if let Some(u) = self.unit_tests.get(unique_id) {
            return Some(Entry::UnitTest(u));
        }
        [&self.metrics, &self.semantic_models, &self.saved_queries]
            .into_iter()
            .find_map(|m| m.get(unique_id))
            .map(Entry::Semantic)
    }

    /// All entries of the graph: nodes, sources, exposures, metrics, semantic models, saved queries, unit tests.
    pub fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        self.nodes
            .values()
            .map(Entry::Node)
            .chain(self.sources.values().map(Entry::Source))
            .chain(self.exposures.values().map(Entry::Exposure))
            .chain(self.metrics.values().map(Entry::Semantic))
            .chain(self.semantic_models.values().map(Entry::Semantic))
            .chain(self.saved_queries.values().map(Entry::Semantic))
            .chain(self.unit_tests.values().map(Entry::UnitTest))
    }

    /// For every id the ids it needs, sorted; an entry for each id.
    pub fn parent_map(&self) -> BTreeMap<String, Vec<String>> {
        self.entries()
            .map(|e| {
                let mut parents = e.parents().to_vec();
                parents.sort();
                parents.dedup();
                (e.unique_id().to_string(), parents)
            })
            .collect()
    }

    /// For every id the ids that need it, sorted; an entry for each id.
    pub fn child_map(&self) -> BTreeMap<String, Vec<String>> {
        let mut map: BTreeMap<String, Vec<String>> = self
            .entries()
            .map(|e| (e.unique_id().to_string(), Vec::new()))
            .collect();
        for e in self.entries() {
            for parent in e.parents() {
                if let Some(children) = map.get_mut(parent) {
                    children.push(e.unique_id().to_string());
                }
            }
        }
        for children in map.values_mut() {
            children.sort();
            children.dedup();
        }
        map
    }

    /// The `depends_on` of an entry that may be changed; `None` for sources and unknown ids.
    pub fn depends_on_mut(&mut self, unique_id: &str) -> Option<&mut DependsOn> {
        if let Some(n) = self.nodes.get_mut(unique_id) {
            return Some(&mut n.depends_on);
        }
        if let Some(e) = self.exposures.get_mut(unique_id) {
            return Some(&mut e.depends_on);
        }
        if let Some(u) = self.unit_tests.get_mut(unique_id) {
            return Some(&mut u.depends_on);
        }
        [
            &mut self.metrics,
            &mut self.semantic_models,
            &mut self.saved_queries,
        ]
        .into_iter()
        .find_map(|m| m.get_mut(unique_id))
        .map(|e| &mut e.depends_on)
    }
}
