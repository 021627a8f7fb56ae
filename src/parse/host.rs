//! What parsing needs from the template engine; the `context` module provides it.
use crate::diag::Diagnostic;
use crate::graph::{MacroInfo, Node, RefArgs};
use crate::text::Place;
use crate::yaml::Kind;
use serde_json::{Map, Value};

/// What rendering a text at parse time recorded.
#[derive(Debug, Clone, Default)]
pub struct Recorded {
    /// `config()` calls in order, one map each.
    pub config: Vec<Map<String, Value>>,
    /// `ref` calls in order; the same one may be there again.
    pub refs: Vec<RefArgs>,
    /// `source` calls in order; the same one may be there again.
    pub sources: Vec<(String, String)>,
    /// `metric` calls in order; the same one may be there again.
    pub metrics: Vec<Vec<String>>,
    /// Macros called by the text itself, in order, each once.
    pub macros: Vec<String>,
    /// Whether the text was read without rendering it, as dbt reads it.
    pub plain: bool,
}

impl Recorded {
    /// Adds what another text recorded, except configuration.
    pub fn absorb(&mut self, other: Recorded) {
        self.refs.extend(other.refs);
        self.sources.extend(other.sources);
        self.metrics.extend(other.metrics);
        other
            .macros
            .into_iter()
            .for_each(|m| push_new(&mut self.macros, m));
    }

    /// As dbt notes a text that it reads without rendering it: every keyword is a `config()` call of its own, and
    /// sources are there once.
    pub fn taken_singly(&mut self) {
        let alone = |(k, v): (&String, &Value)| Map::from_iter([(k.clone(), v.clone())]);
        self.config = self.config.iter().flatten().map(alone).collect();
        let sources = std::mem::take(&mut self.sources);
        sources
            .into_iter()
            .for_each(|s| push_new(&mut self.sources, s));
    }
}

/// Adds an item that is not there yet.
pub fn push_new<T: PartialEq>(list: &mut Vec<T>, item: T) {
    if !list.contains(&item) {
        list.push(item);
    }
}

/// A text to render at parse time.
#[derive(Debug)]
pub struct Body<'a> {
    /// The package it belongs to.
    pub package: &'a str,
    /// The node as far as it is known, as the manifest would show it.
    pub node: &'a Map<String, Value>,
    /// The text.
    pub text: &'a str,
    /// Where the text stands, if it stands in a file.
    pub place: Option<&'a Place>,
    /// The arguments of a generic test, not yet evaluated.
    pub test_kwargs: Option<&'a Map<String, Value>>,
}

/// Which of a relation's names to generate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum NamePart {
    Database,
    Schema,
    Alias,
}

/// The template engine as parsing sees it.
pub trait ParseHost {
    /// Renders a node's text with `execute` false and tells what it recorded.
    fn record(&self, body: &Body<'_>) -> Result<Recorded, Diagnostic>;

    /// What evaluating the arguments of a generic test records; none if they are more than texts and plain calls.
    fn plain_arguments(&self, package: &str, kwargs: &Map<String, Value>) -> Option<Recorded>;

    /// Whether dbt reads a model's text without rendering it.
    fn is_plain(&self, text: &str) -> bool;

    /// The keyword arguments of a text's `config()` call that are no literals, as they are written; none where there is
    /// no such call.
    fn config_as_written(&self, text: &str) -> Option<Map<String, Value>>;

    /// A relation's name from the project's or dbt's `generate_…_name` macro.
    fn generate_name(
        &self,
        part: NamePart,
        custom: Option<&str>,
        package: &str,
        node: &Node,
    ) -> Result<String, Diagnostic>;

    /// Evaluates a value of a properties file of a package. The error is a sentence.
    fn yaml_value(&self, package: &str, text: &str) -> Result<Kind, String>;

    /// Renders a description; `doc` is asked for docs blocks by (package, name) and gives id and text.
    fn description(
        &self,
        package: &str,
        text: &str,
        doc: &dyn Fn(Option<&str>, &str) -> Option<(String, String)>,
    ) -> Result<(String, Vec<String>), String>;

    /// Calls of `ref`, `source` and `metric` in a text such as an exposure's `ref('x')`.
    fn references(&self, package: &str, text: &str) -> Result<Recorded, String>;

    /// The `{% docs %}` blocks of a Markdown file: name and rendered text.
    fn docs_blocks(
        &self,
        file: &std::sync::Arc<crate::text::SourceFile>,
    ) -> Result<Vec<(String, String)>, Diagnostic>;

    /// The `{% snapshot %}` blocks of a file: name and the bytes of the body.
    fn snapshot_blocks(
        &self,
        file: &std::sync::Arc<crate::text::SourceFile>,
    ) -> Result<Vec<(String, std::ops::Range<usize>)>, Diagnostic>;

    /// All macros.
    fn macros(&self) -> Vec<MacroInfo>;
}
