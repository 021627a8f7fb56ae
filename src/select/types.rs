//! Which resource types a command works on, and the filter by them that comes after selecting.
//!
//! In: a command's purpose and the words of `--resource-type` and `--exclude-resource-type`. Out: the ids that remain.
//! Knows nothing of criteria.
use crate::diag::{Diagnostic, Result, Sink, code};
use crate::graph::{Entry, Manifest, ResourceType};
use crate::text::{Place, SourceFile, nearest};
use std::collections::BTreeSet;

/// The words for resource types in `resource_type:` and `--resource-type`.
pub const WORDS: &[&str] = &[
    "model",
    "seed",
    "snapshot",
    "test",
    "unit_test",
    "source",
    "simulation",
    "analysis",
    "exposure",
    "metric",
    "semantic_model",
    "saved_query",
];

/// What a command does with its selection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// `run`.
    Run,
    /// `test`.
    Test,
    /// `seed`.
    Seed,
    /// `snapshot`.
    Snapshot,
    /// `build`.
    Build,
    /// `compile`.
    Compile,
    /// `show`.
    Show,
    /// `list`.
    List,
    /// `clone`.
    Clone,
    /// `docs generate`.
    Docs,
    /// `source freshness`.
    Freshness,
}

use ResourceType::{
    Analysis, Exposure, Metric, Model, Operation, SavedQuery, Seed, SemanticModel, Snapshot,
    Source, SqlOperation, Test, UnitTest,
};

impl Purpose {
    /// The resource types worked on when nothing else is asked for.
    pub fn kinds(self) -> &'static [ResourceType] {
        match self {
            Self::Run => &[Model],
            Self::Test => &[Test, UnitTest],
            Self::Seed => &[Seed],
            Self::Snapshot => &[Snapshot],
            Self::Build => &[Model, Seed, Snapshot, Test, UnitTest, Exposure, SavedQuery],
            Self::Docs => &[
                Model,
                Seed,
                Snapshot,
                Test,
                Analysis,
                Operation,
                SqlOperation,
                Source,
            ],
            Self::Compile | Self::Show => &[
                Model,
                Seed,
                Snapshot,
                Test,
                Analysis,
                Operation,
                SqlOperation,
            ],
            Self::List => &[
                Model,
                Seed,
                Snapshot,
                Test,
                UnitTest,
                Source,
                Exposure,
                Metric,
                SemanticModel,
                SavedQuery,
            ],
            Self::Clone => &[Model, Seed, Snapshot],
            Self::Freshness => &[Source],
        }
    }

    /// The resource types meant by `all`.
    pub fn all_kinds(self) -> Vec<ResourceType> {
        let mut kinds = self.kinds().to_vec();
        if self == Self::List {
            kinds.push(Analysis);
        }
        kinds
    }

    /// Whether nodes with blank text count. They always take part in selecting, so that what is below them is found.
    pub fn with_empty(self) -> bool {
        matches!(self, Self::List | Self::Docs)
    }
}

/// What remains after selecting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Types {
    kinds: BTreeSet<ResourceType>,
    /// Whether the sources made by simulations count although sources may not.
    simulations: bool,
    /// Whether the sources made by simulations are left out although sources may not be.
    no_simulations: bool,
    /// Whether nodes with blank text remain.
    with_empty: bool,
}

impl Types {
    /// The types of a command without options.
    pub fn of(purpose: Purpose) -> Self {
        Self::only(purpose, purpose.kinds())
    }

    /// Exactly these types, for a command.
    pub fn only(purpose: Purpose, kinds: &[ResourceType]) -> Self {
        Self {
            kinds: kinds.iter().copied().collect(),
            simulations: false,
            no_simulations: false,
            with_empty: purpose.with_empty(),
        }
    }

    /// The types asked for by `--resource-type` (also `all` and `default`; none means `default`) without those of
    /// `--exclude-resource-type`.
    ///
    /// # Errors
    /// S0503 for each word that is no resource type.
    pub fn parse(purpose: Purpose, include: &[String], exclude: &[String]) -> Result<Self> {
        let mut sink = Sink::default();
        let mut types = if include.is_empty() {
            Self::of(purpose)
        } else {
            Self::only(purpose, &[])
        };
        for word in include {
            match (word.as_str(), ResourceType::parse(word)) {
                ("all", _) => types.kinds.extend(purpose.all_kinds()),
                ("default", _) => types.kinds.extend(purpose.kinds()),
                ("simulation", _) => types.simulations = true,
                (w, Some(kind)) if WORDS.contains(&w) => {
                    types.kinds.insert(kind);
                }
                _ => sink.push(unknown("--resource-type", word, &["all", "default"])),
            }
        }
        for word in exclude {
            match (word.as_str(), ResourceType::parse(word)) {
                ("simulation", _) => types.no_simulations = true,
                (w, Some(kind)) if WORDS.contains(&w) => {
                    types.kinds.remove(&kind);
                }
                _ => sink.push(unknown("--exclude-resource-type", word, &[])),
            }
        }
        sink.finish()?;
        if purpose == Purpose::Test {
            // `test` runs tests whatever is asked for.
            types
                .kinds
                .retain(|k| matches!(k, ResourceType::Test | ResourceType::UnitTest));
            types.simulations = false;
        }
        Ok(types)
    }

    /// Whether an entry remains.
    pub fn allow(&self, e: Entry<'_>) -> bool {
        if let Entry::Source(s) = e
            && s.simulation.is_some()
        {
            return (self.simulations || self.kinds.contains(&Source)) && !self.no_simulations;
        }
        let dropped = !self.with_empty && matches!(e, Entry::Node(n) if n.is_empty());
        !dropped && self.kinds.contains(&e.resource_type())
    }
}

fn unknown(option: &str, word: &str, also: &[&str]) -> Diagnostic {
    let words = || WORDS.iter().chain(also).copied();
    let file = SourceFile::new(option, word);
    let d = Diagnostic::error(code::S0503, format!("`{word}` is not a resource type"))
        .at(Place::new(&file, 0..word.len()));
    match nearest(word, words()) {
        Some(near) => d.help(format!("did you mean `{near}`?")),
        None => d.help(format!(
            "resource types: {}",
            words().collect::<Vec<_>>().join(", ")
        )),
    }
}

/// The ids whose entries remain.
pub fn filter<'a>(
    manifest: &Manifest,
    ids: impl IntoIterator<Item = &'a String>,
    types: &Types,
) -> BTreeSet<String> {
    ids.into_iter()
        .filter(|id| manifest.entry(id).is_some_and(|e| types.allow(e)))
        .cloned()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_choose_types() {
        let list = |include: &[&str], exclude: &[&str]| {
            let own = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<_>>();
            Types::parse(Purpose::List, &own(include), &own(exclude)).map(|t| t.kinds)
        };
        assert_eq!(list(&[], &[]).unwrap().len(), 10);
        assert_eq!(list(&["all"], &[]).unwrap().len(), 11);
        assert_eq!(list(&["default"], &["model", "test"]).unwrap().len(), 8);
        assert_eq!(
            list(&["model", "model"], &["seed"]).unwrap(),
            BTreeSet::from([Model])
        );
        let e = list(&["modell", "macro"], &["all"]).unwrap_err();
        assert_eq!(e.0.len(), 3);
        assert_eq!(e.0[0].help.as_deref(), Some("did you mean `model`?"));
    }
}
