//! The state of a parse: packages, properties, and the manifest under construction; configuration and naming of nodes.
use super::entries::Entries;
use super::host::{Body, ParseHost, Recorded};
use super::naming::node_map;
use super::properties::Property;
use crate::config::{NodeConfig, Target, calls_together, tree_layers, validate};
use crate::diag::{Diagnostic, Sink, code};
use crate::graph::{
    Checksum, Config, Contract, DependsOn, Disabled, Docs, Manifest, Node, ResourceType,
};
use crate::load::Package;
use crate::text::Place;
use indexmap::IndexMap;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What parsing is given.
pub struct Input<'a> {
    /// Packages; the root project first.
    pub packages: &'a [Package],
    /// The template engine.
    pub host: &'a dyn ParseHost,
    /// The chosen target.
    pub target: &'a Target,
    /// Unix time, seconds.
    pub now: f64,
    /// `--store-failures`: every data test has a relation.
    pub store_failures: bool,
    /// dbt's behaviour flags, by name.
    pub behaviour: &'a dyn Fn(&str) -> bool,
    /// Whether microbatch models run in batches: not with a macro of their own for it, unless a flag asks for that.
    pub batches: bool,
}

impl Input<'_> {
    /// Whether the manifest keeps `config()` calls as they are written, so that values that differ between environments
    /// do not count as changes.
    pub(super) fn config_as_written(&self) -> bool {
        (self.behaviour)("state_modified_compare_more_unrendered_values")
    }

    /// Whether macros' arguments are compared with their description.
    pub(super) fn validate_macro_args(&self) -> bool {
        (self.behaviour)("validate_macro_args")
    }
}

/// A parse in progress.
pub(super) struct Builder<'a> {
    pub input: &'a Input<'a>,
    pub manifest: Manifest,
    pub sink: Sink,
    /// Properties by package index.
    pub properties: Vec<Arc<Entries>>,
    /// Unique ids that properties files describe, with the first place.
    pub patched: BTreeMap<String, Place>,
}

/// What is known of a node before its text is rendered.
pub(super) struct Draft<'a> {
    pub kind: ResourceType,
    pub package: &'a Package,
    pub name: String,
    pub unique_id: String,
    pub fqn: Vec<String>,
    pub path: String,
    pub original_file_path: String,
    pub raw_code: String,
    pub place: Option<Place>,
    pub checksum: Checksum,
    pub version: Option<Value>,
    /// `config:` of the properties, evaluated and as written.
    pub patch: Option<(Map<String, Value>, Map<String, Value>)>,
}

/// SHA-256 in hex.
pub(super) fn sha256(text: &[u8]) -> String {
    super::generic::hex(&Sha256::digest(text))
}

/// The checksum of a text, stripped as dbt does.
pub(super) fn text_checksum(text: &str) -> Checksum {
    Checksum {
        name: "sha256".into(),
        checksum: sha256(text.trim().as_bytes()),
    }
}

/// Package, folders and name.
pub(super) fn fqn(package: &str, relative: &str, name: &str) -> Vec<String> {
    let mut out = vec![package.to_string()];
    let folders = relative.rsplit_once('/').map_or("", |(dirs, _)| dirs);
    out.extend(
        folders
            .split('/')
            .filter(|d| !d.is_empty())
            .map(str::to_string),
    );
    out.push(name.to_string());
    out
}

/// The part of the project file that configures a kind of node.
fn tree_name(kind: ResourceType) -> &'static str {
    match kind {
        ResourceType::Seed => "seeds",
        ResourceType::Snapshot => "snapshots",
        ResourceType::Source => "sources",
        ResourceType::Test => "data_tests",
        ResourceType::UnitTest => "unit_tests",
        ResourceType::Metric => "metrics",
        ResourceType::SemanticModel => "semantic-models",
        ResourceType::SavedQuery => "saved-queries",
        ResourceType::Exposure => "exposures",
        _ => "models",
    }
}

/// What a project file says of a node, evaluated or as written, general to specific.
pub(super) fn layers(
    kind: ResourceType,
    package: &Package,
    fqn: &[String],
    raw: bool,
) -> Vec<Map<String, Value>> {
    // dbt looks up what is written for some under `semantic_models`, where a project file has `semantic-models`, and so
    // finds nothing.
    if raw && tree_name(kind).contains('-') {
        return Vec::new();
    }
    let project = &package.project;
    let trees = if raw {
        &project.raw_trees
    } else {
        &project.trees
    };
    let tree = trees.get(tree_name(kind));
    tree.map(|t| tree_layers(t, fqn)).unwrap_or_default()
}

impl<'a> Builder<'a> {
    pub(super) fn new(input: &'a Input<'a>) -> Self {
        let root = &input.packages[0].project;
        let manifest = Manifest {
            project_name: root.name.clone(),
            ..Manifest::default()
        };
        Self {
            input,
            manifest,
            sink: Sink::default(),
            properties: Vec::new(),
            patched: BTreeMap::new(),
        }
    }

    pub(super) fn root(&self) -> &'a Package {
        &self.input.packages[0]
    }

    /// The configuration of a node: defaults, own tree, properties, in-file, and for packages the root's tree.
    pub(super) fn config(
        &self,
        kind: ResourceType,
        package: &Package,
        fqn: &[String],
        patch: Option<&(Map<String, Value>, Map<String, Value>)>,
        inline: &[Map<String, Value>],
    ) -> NodeConfig {
        let mut config = NodeConfig::new(kind);
        let tree = |p: &Package, raw: bool| layers(kind, p, fqn, raw);
        tree(package, false).iter().for_each(|l| config.apply(l));
        tree(package, true)
            .iter()
            .for_each(|l| config.apply_unrendered(l));
        if let Some((rendered, raw)) = patch {
            config.apply(rendered);
            // Of properties files dbt keeps what the values come to, unless the project asks for them as they are written.
            config.apply_unrendered(if self.input.config_as_written() {
                raw
            } else {
                rendered
            });
        }
        for layer in inline {
            config.apply(layer);
        }
        config.apply_unrendered(&calls_together(inline));
        if package.project.name != self.root().project.name {
            tree(self.root(), false)
                .iter()
                .for_each(|l| config.apply(l));
            tree(self.root(), true)
                .iter()
                .for_each(|l| config.apply_unrendered(l));
        }
        config
    }

    /// Says what is wrong with the known keys of a configuration.
    pub(super) fn check_config(
        &mut self,
        kind: ResourceType,
        name: &str,
        config: &NodeConfig,
        place: Option<&Place>,
    ) {
        let mistakes = crate::config::microbatch_mistakes(kind, name, &config.rendered);
        for sentence in mistakes.into_iter().filter(|_| self.input.batches) {
            let d = Diagnostic::error(code::P0111, sentence);
            self.sink
                .push(d.heading("Parsing Error").at_opt(place.cloned()));
        }
        for (_, sentence) in validate(kind, &config.rendered) {
            self.sink.push(
                Diagnostic::error(
                    code::P0111,
                    format!("{} `{name}`: {sentence}", kind.as_str()),
                )
                .heading("Parsing Error")
                .at_opt(place.cloned()),
            );
        }
    }

    /// Says what is wrong with the configuration of an entry of a properties file, at the key that is wrong.
    pub(super) fn check_property_config(
        &mut self,
        kind: ResourceType,
        p: &Property,
        config: &NodeConfig,
    ) {
        let own = p.get("config");
        for (key, sentence) in validate(kind, &config.rendered) {
            let at = own.and_then(|c| c.get(&key)).or_else(|| p.get(&key));
            let message = format!("{} `{}`: {sentence}", kind.as_str(), p.name);
            self.sink.push(
                Diagnostic::error(code::P0111, message)
                    .heading("Parsing Error")
                    .at(at.map_or_else(|| p.name_place(), |n| p.place(n))),
            );
        }
    }

    /// Makes a node of a draft: renders its text, builds its configuration and names.
    /// `None` when the text cannot be rendered.
    pub(super) fn node(&mut self, draft: Draft<'_>) -> Option<Node> {
        let mut node = self.blank(&draft);
        self.early_names(&mut node, draft.package, &draft);
        let recorded = match self.record(&draft, &node) {
            Ok(recorded) => recorded,
            Err(d) => {
                // A model that its properties or project switch off need not be valid.
                if !node.config.enabled() {
                    self.disable(node);
                    return None;
                }
                self.sink.push(d);
                return None;
            }
        };
        self.finish(&mut node, draft.package, draft.patch.as_ref(), recorded);
        Some(node)
    }

    /// What a node's text says of itself.
    fn record(&self, draft: &Draft<'_>, node: &Node) -> Result<Recorded, Diagnostic> {
        if let (true, Some(place)) = (node.is_python(), &draft.place) {
            return super::python::read(&place.file);
        }
        if draft.kind == ResourceType::Seed || !crate::config::has_jinja(&draft.raw_code) {
            return Ok(Recorded::default());
        }
        self.input.host.record(&Body {
            package: &draft.package.project.name,
            node: &node_map(node),
            text: &draft.raw_code,
            place: draft.place.as_ref(),
            test_kwargs: None,
        })
    }

    pub(super) fn blank(&self, draft: &Draft<'_>) -> Node {
        let config = self.config(
            draft.kind,
            draft.package,
            &draft.fqn,
            draft.patch.as_ref(),
            &[],
        );
        Node {
            resource_type: draft.kind,
            unique_id: draft.unique_id.clone(),
            name: draft.name.clone(),
            package_name: draft.package.project.name.clone(),
            path: draft.path.clone(),
            original_file_path: draft.original_file_path.clone(),
            fqn: draft.fqn.clone(),
            database: self.input.target.connection.dbname.clone(),
            schema: self.input.target.schema.clone(),
            alias: draft.name.clone(),
            relation_name: None,
            checksum: draft.checksum.clone(),
            config: Config(config.rendered),
            unrendered_config: config.unrendered,
            tags: Vec::new(),
            description: String::new(),
            columns: IndexMap::new(),
            meta: Map::new(),
            group: None,
            docs: Docs::default(),
            patch_path: None,
            doc_blocks: Vec::new(),
            raw_code: draft.raw_code.clone(),
            refs: Vec::new(),
            sources: Vec::new(),
            metrics: Vec::new(),
            depends_on: DependsOn::default(),
            created_at: self.input.now,
            contract: Contract {
                enforced: false,
                alias_types: true,
                checksum: None,
            },
            access: (draft.kind == ResourceType::Model).then(|| "protected".to_string()),
            constraints: Vec::new(),
            version: draft.version.clone(),
            latest_version: None,
            deprecation_date: None,
            primary_key: Vec::new(),
            time_spine: None,
            test: None,
            index: None,
            root_path: None,
            compiled: None,
            build_path: None,
            place: draft.place.clone(),
            patch_place: None,
        }
    }

    /// `this` while a node's text is first rendered: names from what the tree and properties say.
    fn early_names(&mut self, node: &mut Node, package: &Package, draft: &Draft<'_>) {
        if draft.kind != ResourceType::Seed && draft.raw_code.contains("this") {
            self.names(node, package);
        }
    }

    /// Applies what rendering recorded: configuration, then everything that follows from it.
    pub(super) fn finish(
        &mut self,
        node: &mut Node,
        package: &Package,
        patch: Option<&(Map<String, Value>, Map<String, Value>)>,
        mut recorded: Recorded,
    ) {
        // What dbt reads without rendering it takes call by call, every keyword for itself.
        let plain = node.resource_type == ResourceType::Model
            && !node.is_python()
            && (recorded.plain || self.input.host.is_plain(&node.raw_code));
        if plain {
            recorded.taken_singly();
        }
        let config = self.config(
            node.resource_type,
            package,
            &node.fqn,
            patch,
            &recorded.config,
        );
        self.check_config(node.resource_type, &node.name, &config, node.place.as_ref());
        if patch.is_some_and(|(said, _)| said.contains_key("tags")) {
            // dbt reads properties files after everything else: their tags come last.
            let without = self.config(
                node.resource_type,
                package,
                &node.fqn,
                None,
                &recorded.config,
            );
            node.tags.extend(Config(without.rendered).list("tags"));
        }
        node.config = Config(config.rendered);
        crate::config::settle_begin(node.resource_type, &mut node.config.0);
        node.unrendered_config = config.unrendered;
        if plain && patch.is_none_or(|(said, _)| said.is_empty()) {
            let said = recorded.config.iter().flatten();
            let said = said.map(|(key, value)| (key.clone(), value.clone()));
            node.unrendered_config.extend(said);
        }
        if self.input.config_as_written() && !recorded.config.is_empty() {
            let written = self.input.host.config_as_written(&node.raw_code);
            node.unrendered_config.extend(written.unwrap_or_default());
        }
        self.config_fields(node);
        self.names(node, package);
        if !node.config.enabled() {
            node.refs = recorded.refs;
            node.sources = recorded.sources;
            node.metrics = recorded.metrics;
            node.depends_on.macros = recorded.macros;
            return;
        }
        let is_seed = node.resource_type == ResourceType::Seed;
        let mut of_hooks = Recorded::default();
        for hook in self.hook_texts(node) {
            let body = Body {
                package: &package.project.name,
                node: &node_map(node),
                text: &hook,
                place: None,
                test_kwargs: None,
            };
            match self.input.host.record(&body) {
                Ok(more) if is_seed && !(more.refs.is_empty() && more.sources.is_empty()) => {
                    self.sink.push(
                        Diagnostic::error(code::G0401, "Seeds cannot depend on other nodes")
                            .heading("Parsing Error")
                            .at_opt(node.place.clone())
                            .note(format!("in a hook of `{}`: {hook}", node.name))
                            .help(
                                "put what the hook does into a hook of the node that it refers to",
                            ),
                    );
                }
                Ok(more) => of_hooks.absorb(more),
                Err(d) => self.sink.push(
                    d.at_opt(node.place.clone())
                        .note(format!("in a hook of `{}`: {hook}", node.name)),
                ),
            }
        }
        if plain {
            std::mem::swap(&mut recorded, &mut of_hooks);
        }
        recorded.absorb(of_hooks);
        node.refs = recorded.refs;
        node.sources = recorded.sources;
        node.metrics = recorded.metrics;
        node.depends_on.macros = recorded.macros;
    }

    fn hook_texts(&self, node: &Node) -> Vec<String> {
        ["pre-hook", "post-hook"]
            .iter()
            .filter_map(|k| node.config.get(k).and_then(Value::as_array))
            .flatten()
            .filter_map(|h| h.get("sql").and_then(Value::as_str))
            .filter(|sql| crate::config::has_jinja(sql))
            .map(str::to_string)
            .collect()
    }

    /// Fields that repeat parts of the configuration.
    pub(super) fn config_fields(&self, node: &mut Node) {
        let config = &node.config;
        let mut tags: Vec<String> = Vec::new();
        for tag in node.tags.iter().cloned().chain(config.list("tags")) {
            super::host::push_new(&mut tags, tag);
        }
        node.tags = tags;
        node.meta = config
            .get("meta")
            .and_then(Value::as_object)
            .cloned()
            .unwrap_or_default();
        node.group = config.str("group").map(str::to_string);
        if let Some(docs) = config.get("docs") {
            node.docs = Docs {
                show: docs.get("show").and_then(Value::as_bool).unwrap_or(true),
                node_color: docs
                    .get("node_color")
                    .and_then(Value::as_str)
                    .map(str::to_string),
            };
        }
        if node.resource_type == ResourceType::Model {
            node.access = config.str("access").map(str::to_string);
        }
        if let Some(contract) = config.get("contract") {
            node.contract.enforced = contract
                .get("enforced")
                .and_then(Value::as_bool)
                .unwrap_or(false);
            node.contract.alias_types = contract
                .get("alias_types")
                .and_then(Value::as_bool)
                .unwrap_or(true);
        }
    }

    /// Files a node: among the disabled, or in the manifest, where a second one of its id is an error.
    pub(super) fn add(&mut self, node: Node) {
        if !node.config.enabled() {
            self.disable(node);
            return;
        }
        if let Some(other) = self.manifest.nodes.get(&node.unique_id) {
            let d = duplicate(&node, other);
            self.sink.push(d);
            return;
        }
        self.manifest.nodes.insert(node.unique_id.clone(), node);
    }

    pub(super) fn disable(&mut self, node: Node) {
        self.manifest
            .disabled
            .entry(node.unique_id.clone())
            .or_default()
            .push(Disabled::Node(node));
    }
}

fn duplicate(node: &Node, other: &Node) -> Diagnostic {
    let kinds = match node.resource_type {
        ResourceType::Analysis => "analyses".to_string(),
        ResourceType::Test => "data_tests".to_string(),
        kind => format!("{}s", kind.as_str()),
    };
    let mut d = Diagnostic::error(
        code::G0402,
        format!("dbt found two {kinds} with the name \"{}\"", node.name),
    )
    .heading("Compilation Error");
    for n in [node, other] {
        if let Some(place) = &n.place {
            d = d.label(
                Place::line(&place.file, 1),
                format!("`{}` ({})", n.name, n.original_file_path),
            );
        }
    }
    d.note(format!(
        "since these resources have the same name, ref(\"{}\") could mean either",
        node.name
    ))
    .help("rename one of them; file names must be unique in a package whatever their folder")
}
