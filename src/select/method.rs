//! The selection methods: what `tag:`, `path:`, `config.x:` and the others look for.
//!
//! In: one criterion and the numbered entries. Out: the set of entries that the criterion names, without operators.
//! Knows nothing of operators, sets and indirectly selected tests.
use super::compare::Changes;
use super::fqn::Fqn;
use super::glob::{PathPattern, Pattern, Tree, folders};
use super::grammar::Criterion;
use super::index::{Entries, Index};
use super::{State, config};
use crate::diag::{Diagnostic, code};
use crate::graph::{Disabled, Entry, Manifest, Node, ResourceType, version_text};
use crate::text::nearest;
use serde_json::Value;
use std::cell::OnceCell;
use std::cmp::Ordering;
use std::fmt;

macro_rules! methods {
    ($($id:ident $name:literal $doc:literal)*) => {
        /// How a criterion looks for entries.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Method { $(#[doc = $doc] $id),* }

        impl Method {
            /// All methods.
            pub const ALL: &[Self] = &[$(Self::$id),*];

            /// The name in selections.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$id => $name),* }
            }
        }
    };
}

methods! {
    Fqn "fqn" "Name, or start of the dotted qualified name."
    Tag "tag" "Tag."
    Group "group" "Group."
    Access "access" "Access of a model."
    Source "source" "Source, source and table, or package, source and table."
    Path "path" "File, folder or properties file."
    File "file" "File name, with or without its ending."
    Package "package" "Package."
    Config "config" "Value of a configuration key."
    TestName "test_name" "Name of a generic test, or of a unit test."
    TestType "test_type" "Kind of test."
    ResourceType "resource_type" "Resource type."
    State "state" "Comparison with an earlier manifest."
    Exposure "exposure" "Exposure."
    Metric "metric" "Metric."
    Result "result" "Status in an earlier run."
    SourceStatus "source_status" "Comparison with an earlier freshness check."
    Version "version" "Place among the versions of a model."
    SemanticModel "semantic_model" "Semantic model."
    SavedQuery "saved_query" "Saved query."
    UnitTest "unit_test" "Unit test."
}

impl Method {
    /// The method of a name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|m| m.as_str() == name)
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What the methods look into; what is costly is made once, when first asked for.
pub struct Context<'a> {
    /// The manifest.
    pub manifest: &'a Manifest,
    /// Its entries, numbered.
    pub index: &'a Index<'a>,
    /// The earlier state, if given.
    pub state: Option<&'a State>,
    /// Files and folders of the root project.
    tree: OnceCell<Tree>,
    /// Comparison with the earlier manifest.
    changes: OnceCell<Changes>,
}

impl<'a> Context<'a> {
    /// A context.
    pub fn new(manifest: &'a Manifest, index: &'a Index<'a>, state: Option<&'a State>) -> Self {
        Self {
            manifest,
            index,
            state,
            tree: OnceCell::new(),
            changes: OnceCell::new(),
        }
    }

    /// The entries a criterion names.
    ///
    /// # Errors
    /// S0503 for a value that the method cannot take, S0505 where an earlier state is needed and missing, S0508 for
    /// breaking changes. Breaking changes that are allowed are added to `warnings` (S0509).
    pub fn search(
        &self,
        c: &Criterion,
        warnings: &mut Vec<Diagnostic>,
    ) -> Result<Entries, Vec<Diagnostic>> {
        let text = match &c.value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let text = text.as_str();
        let all = self.index;
        let one = |e: Diagnostic| vec![e];
        Ok(match c.method {
            Method::Fqn => {
                let wanted = Fqn::new(text);
                all.filter(|e| !matches!(e, Entry::Source(_)) && wanted.matches(e))
            }
            Method::Tag => {
                let pattern = Pattern::new(text);
                all.filter(|e| has_tag(e, &pattern))
            }
            Method::Group => {
                let pattern = Pattern::new(text);
                all.filter(|e| group(e).is_some_and(|g| pattern.matches(g)))
            }
            Method::Access => {
                all.filter(|e| model(e).is_some_and(|m| m.access.as_deref() == Some(text)))
            }
            Method::Source => self.source(c, text).map_err(one)?,
            Method::Exposure => self.named(c, text, ResourceType::Exposure).map_err(one)?,
            Method::Metric => self.named(c, text, ResourceType::Metric).map_err(one)?,
            Method::SemanticModel => self
                .named(c, text, ResourceType::SemanticModel)
                .map_err(one)?,
            Method::SavedQuery => self.named(c, text, ResourceType::SavedQuery).map_err(one)?,
            Method::UnitTest => self.named(c, text, ResourceType::UnitTest).map_err(one)?,
            Method::Path => self.path(c, text).map_err(one)?,
            Method::File => {
                let pattern = Pattern::new(text);
                all.filter(|e| {
                    let path = e.original_file_path();
                    let name = path.rsplit('/').next().unwrap_or(path);
                    pattern.matches(name) || pattern.matches(stem(name))
                })
            }
            Method::Package => {
                let text = if text == "this" {
                    &self.manifest.project_name
                } else {
                    text
                };
                let pattern = Pattern::new(text);
                all.filter(|e| pattern.matches(e.package_name()))
            }
            Method::Config => all.filter(|e| {
                matches!(e, Entry::Node(_) | Entry::Source(_))
                    && config::matches(e.config(), &c.args, &c.value)
            }),
            Method::TestName => {
                let pattern = Pattern::new(text);
                all.filter(|e| test_name(e).is_some_and(|n| pattern.matches(n)))
            }
            Method::TestType => self.test_type(c, text).map_err(one)?,
            Method::ResourceType => self.resource_type(c, text).map_err(one)?,
            Method::Version => self.version(c, text).map_err(one)?,
            Method::Result => {
                let runs = self.state.and_then(|s| s.results.as_ref());
                let runs = runs.ok_or_else(|| one(missing(c, "No comparison run_results")))?;
                all.filter(|e| runs.get(e.unique_id()).is_some_and(|s| s == text))
            }
            Method::SourceStatus => self.source_status(c, text).map_err(one)?,
            Method::State => self.state(c, text, warnings)?,
        })
    }

    fn source(&self, c: &Criterion, text: &str) -> Result<Entries, Diagnostic> {
        let parts: Vec<&str> = text.split('.').collect();
        let [package, source, table] = match parts[..] {
            [source] => ["*", source, "*"],
            [source, table] => ["*", source, table],
            [package, source, table] => [package, source, table],
            _ => {
                return Err(
                    invalid(c, format!("Invalid source selector value \"{text}\"")).help(
                        "a source is named `source`, `source.table` or `package.source.table`",
                    ),
                );
            }
        }
        .map(Pattern::new);
        Ok(self.index.filter(|e| {
            matches!(e, Entry::Source(s) if package.matches(&s.package_name)
                && source.matches(&s.source_name) && table.matches(&s.name))
        }))
    }

    fn named(&self, c: &Criterion, text: &str, kind: ResourceType) -> Result<Entries, Diagnostic> {
        let parts: Vec<&str> = text.split('.').collect();
        let [package, name] = match parts[..] {
            [name] => ["*", name],
            [package, name] => [package, name],
            _ => {
                let kind = kind.as_str();
                return Err(invalid(
                    c,
                    format!(
                        "Invalid {} selector value \"{text}\"",
                        kind.replace('_', " ")
                    ),
                )
                .help(format!("it is named `{kind}` or `package.{kind}`")));
            }
        }
        .map(Pattern::new);
        Ok(self.index.filter(|e| {
            e.resource_type() == kind && package.matches(e.package_name()) && name.matches(e.name())
        }))
    }

    /// Paths are looked up among the files of the root project, then compared as relative paths; so a file of a
    /// package at the same relative path as a folder of the project matches too, as in dbt.
    fn path(&self, c: &Criterion, text: &str) -> Result<Entries, Diagnostic> {
        let pattern = PathPattern::new(text).map_err(|reason| {
            invalid(c, format!("path `{text}` {reason}")).help("for example `path:models/staging`")
        })?;
        let found = self.tree.get_or_init(|| tree(self.manifest)).find(&pattern);
        if found.is_empty() {
            return Ok(self.index.none());
        }
        Ok(self.index.filter(|e| {
            let path = e.original_file_path();
            found.contains(path)
                || folders(path).any(|f| found.contains(f))
                || patch_path(e).is_some_and(|p| found.contains(p))
        }))
    }

    fn test_type(&self, c: &Criterion, text: &str) -> Result<Entries, Diagnostic> {
        let (generic, singular, unit) = match text {
            "generic" | "schema" => (true, false, false),
            "singular" => (false, true, false),
            "data" => (true, true, false),
            "unit" => (false, false, true),
            _ => {
                return Err(invalid(
                    c,
                    format!(
                        "Invalid test type selector {text}: expected \"generic\", \"singular\", \"unit\", or \"data\""
                    ),
                ));
            }
        };
        Ok(self.index.filter(|e| match e {
            Entry::Node(n) if n.resource_type == ResourceType::Test => {
                if n.test.is_some() {
                    generic
                } else {
                    singular
                }
            }
            Entry::UnitTest(_) => unit,
            _ => false,
        }))
    }

    fn resource_type(&self, c: &Criterion, text: &str) -> Result<Entries, Diagnostic> {
        if text == "simulation" {
            let simulated = |e| matches!(e, Entry::Source(s) if s.simulation.is_some());
            return Ok(self.index.filter(simulated));
        }
        let Some(kind) = ResourceType::parse(text) else {
            let d = invalid(c, format!("Invalid resource_type selector \"{text}\""));
            return Err(match nearest(text, super::types::WORDS.iter().copied()) {
                Some(near) => d.help(format!("did you mean `{near}`?")),
                None => d.help(format!(
                    "resource types: {}",
                    super::types::WORDS.join(", ")
                )),
            });
        };
        Ok(self.index.filter(|e| e.resource_type() == kind))
    }

    fn version(&self, c: &Criterion, text: &str) -> Result<Entries, Diagnostic> {
        let wanted = match text {
            "latest" => Some(Ordering::Equal),
            "prerelease" => Some(Ordering::Greater),
            "old" => Some(Ordering::Less),
            "none" => None,
            _ => {
                return Err(invalid(
                    c,
                    format!(
                        "Invalid version type selector {text}: expected one of: \"latest\", \"prerelease\", \"old\", or \"none\""
                    ),
                ));
            }
        };
        Ok(self.index.filter(|e| {
            model(e).is_some_and(|m| match (&m.version, &m.latest_version) {
                (None, _) => wanted.is_none(),
                (Some(own), Some(latest)) => wanted == Some(compare_versions(own, latest)),
                (Some(_), None) => false,
            })
        }))
    }

    fn source_status(&self, c: &Criterion, text: &str) -> Result<Entries, Diagnostic> {
        let none = State::default();
        let fresher = self.state.unwrap_or(&none).fresher();
        let fresher = fresher.map_err(|reason| missing(c, reason))?;
        Ok(self
            .index
            .filter(|e| text == "fresher" && fresher.contains(e.unique_id())))
    }

    fn state(
        &self,
        c: &Criterion,
        text: &str,
        warnings: &mut Vec<Diagnostic>,
    ) -> Result<Entries, Vec<Diagnostic>> {
        let earlier = self.state.and_then(|s| s.manifest.as_ref());
        let Some(earlier) = earlier else {
            return Err(vec![missing(
                c,
                "Got a state selector method, but no comparison manifest",
            )]);
        };
        let changes = self
            .changes
            .get_or_init(|| Changes::between(earlier, self.manifest));
        super::compare::search(changes, self.index, c, text, warnings)
    }
}

/// An error about a criterion's value.
pub(super) fn invalid(c: &Criterion, message: String) -> Diagnostic {
    Diagnostic::error(code::S0503, message)
        .heading("Runtime Error")
        .at_opt(c.place.clone())
}

fn missing(c: &Criterion, message: &str) -> Diagnostic {
    Diagnostic::error(code::S0505, message)
        .heading("Runtime Error")
        .at_opt(c.place.clone())
        .help("say with `--state DIR` where the artefacts of the earlier run are")
}

pub(super) fn model(e: Entry<'_>) -> Option<&Node> {
    match e {
        Entry::Node(n) if n.resource_type == ResourceType::Model => Some(n),
        _ => None,
    }
}

fn has_tag(e: Entry<'_>, pattern: &Pattern) -> bool {
    let any = |tags: &[String]| tags.iter().any(|t| pattern.matches(t));
    match e {
        Entry::Node(n) => any(&n.tags),
        Entry::Source(s) => any(&s.tags),
        Entry::Exposure(e) => any(&e.tags),
        Entry::Semantic(s) => any(&s.tags),
        Entry::UnitTest(_) => any(&e.tags()),
    }
}

fn group(e: Entry<'_>) -> Option<&str> {
    match e {
        Entry::Node(_) => e.config().str("group"),
        // Of these only metrics are looked at, as in dbt.
        Entry::Semantic(s) if s.resource_type == ResourceType::Metric => s.config.str("group"),
        _ => None,
    }
}

fn test_name(e: Entry<'_>) -> Option<&str> {
    match e {
        Entry::Node(n) => n.test.as_ref().map(|t| t.name.as_str()),
        Entry::UnitTest(u) => Some(&u.name),
        _ => None,
    }
}

fn patch_path(e: Entry<'_>) -> Option<&str> {
    let patch = match e {
        Entry::Node(n) => n.patch_path.as_deref(),
        Entry::Source(s) => s.patch_path.as_deref(),
        _ => None,
    }?;
    patch.split_once("://").map(|(_, path)| path)
}

/// A file name without its last ending, as Python's `Path.stem`.
fn stem(name: &str) -> &str {
    match name.rfind('.') {
        Some(dot) if dot > 0 && dot + 1 < name.len() => &name[..dot],
        _ => name,
    }
}

/// The order of two versions: as numbers if both are, else as text.
fn compare_versions(a: &Value, b: &Value) -> Ordering {
    let (a, b) = (version_text(a), version_text(b));
    match (a.trim().parse::<f64>(), b.trim().parse::<f64>()) {
        (Ok(x), Ok(y)) => x.partial_cmp(&y).unwrap_or(Ordering::Equal),
        _ => a.cmp(&b),
    }
}

/// The files of the root project that the manifest knows of, disabled ones included.
fn tree(manifest: &Manifest) -> Tree {
    let mut tree = Tree::default();
    let root = manifest.project_name.as_str();
    let mut add = |package: &str, path: &str| {
        if package == root {
            tree.add(path);
        }
    };
    for e in manifest.entries() {
        add(e.package_name(), e.original_file_path());
        if let Entry::Node(n) = e
            && let Some((package, path)) = n.patch_path.as_deref().and_then(|p| p.split_once("://"))
        {
            add(package, path);
        }
    }
    for d in manifest.disabled.values().flatten() {
        let e = match d {
            Disabled::Node(n) => Entry::Node(n),
            Disabled::Source(s) => Entry::Source(s),
            Disabled::Exposure(e) => Entry::Exposure(e),
            Disabled::Semantic(s) => Entry::Semantic(s),
            Disabled::UnitTest(u) => Entry::UnitTest(u),
        };
        add(e.package_name(), e.original_file_path());
    }
    for m in manifest.macros.values() {
        add(&m.package_name, &m.original_file_path);
    }
    for d in manifest.docs.values() {
        add(&d.package_name, &d.original_file_path);
    }
    for g in manifest.groups.values() {
        add(&g.package_name, &g.original_file_path);
    }
    tree
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn versions_compare_as_numbers_when_both_are() {
        assert_eq!(compare_versions(&json!(10), &json!("9")), Ordering::Greater);
        assert_eq!(compare_versions(&json!("2.0"), &json!(2)), Ordering::Equal);
        assert_eq!(
            compare_versions(&json!("10"), &json!("alpha")),
            Ordering::Less
        );
    }

    #[test]
    fn stems_are_pythons() {
        for (name, expected) in [
            ("a.sql", "a"),
            ("a.b.sql", "a.b"),
            (".x", ".x"),
            ("a.", "a."),
            ("a", "a"),
        ] {
            assert_eq!(stem(name), expected);
        }
    }

    #[test]
    fn every_method_is_found_by_its_name() {
        for m in Method::ALL {
            assert_eq!(Method::parse(m.as_str()), Some(*m));
        }
        assert_eq!(Method::parse("selector"), None);
    }
}
