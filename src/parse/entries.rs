//! The entries of a package's properties files, found by what they describe without looking at all of them.
use super::properties::Property;
use super::sql_nodes::latest_version;
use crate::graph::version_text;
use crate::yaml::Node as Yaml;
use serde_json::Value;
use std::collections::HashMap;
use std::ops::Deref;

/// The entries of one package in the order of their files.
#[derive(Debug, Default)]
pub(super) struct Entries {
    all: Vec<Property>,
    /// The first entry of a section with a name.
    by_name: HashMap<&'static str, HashMap<String, usize>>,
    /// The entry, and the place in its `versions:`, of the version that a file holds, by the file's name.
    by_file: HashMap<String, (usize, usize)>,
}

/// A version of a model as its properties define it.
pub(super) struct Version<'a> {
    pub patch: &'a Property,
    pub entry: &'a Yaml,
    pub v: Value,
}

impl Entries {
    pub(super) fn new(all: Vec<Property>) -> Self {
        let mut entries = Self::default();
        for (i, p) in all.iter().enumerate() {
            let names = entries.by_name.entry(p.section).or_default();
            names.entry(p.name.clone()).or_insert(i);
            if p.section == "models" {
                entries.add_versions(i, p);
            }
        }
        entries.all = all;
        entries
    }

    fn add_versions(&mut self, i: usize, p: &Property) {
        let versions = p.get("versions").map(Yaml::items).unwrap_or_default();
        if versions.is_empty() {
            return;
        }
        let latest = latest_version(p).as_ref().map(version_text);
        let mut unnamed = None;
        for (n, entry) in versions.iter().enumerate() {
            let Some(v) = entry.get("v").map(Yaml::to_json) else {
                continue;
            };
            let defined_in = entry.get("defined_in");
            let file = defined_in
                .and_then(Yaml::scalar_text)
                .unwrap_or_else(|| format!("{}_v{}", p.name, version_text(&v)));
            self.by_file.entry(file).or_insert((i, n));
            if defined_in.is_none() && latest == Some(version_text(&v)) {
                unnamed = Some((i, n));
            }
        }
        // The file without a version is the latest one's, unless another one says that it is its own.
        if let Some(at) = unnamed {
            self.by_file.entry(p.name.clone()).or_insert(at);
        }
    }

    /// Where the entry of a section with a name stands.
    pub(super) fn position(&self, section: &str, name: &str) -> Option<usize> {
        self.by_name.get(section)?.get(name).copied()
    }

    /// The version whose file this is, by its name without folders and ending.
    pub(super) fn version_of(&self, file_stem: &str) -> Option<Version<'_>> {
        let (i, n) = self.by_file.get(file_stem)?;
        let patch = self.all.get(*i)?;
        let entry = patch.get("versions")?.items().get(*n)?;
        let v = entry.get("v")?.to_json();
        Some(Version { patch, entry, v })
    }
}

impl Deref for Entries {
    type Target = [Property];

    fn deref(&self) -> &[Property] {
        &self.all
    }
}
