//! Artefacts of an earlier run: `manifest.json`, `run_results.json` and `sources.json` of a `--state` folder.
//!
//! In: a folder. Out: the slim facts that selection and deferral need. What is not there is `None`; what is there but
//! cannot be used is an error.
use super::record::{MacroRecord, Record, Sieved};
use crate::diag::{Diagnostic, Result, Sink, code};
use crate::text::{Place, SourceFile};
use chrono::{DateTime, FixedOffset};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// What is known of an earlier run.
#[derive(Debug, Default)]
pub struct State {
    /// Its manifest.
    pub manifest: Option<Earlier>,
    /// Status by unique id.
    pub results: Option<BTreeMap<String, String>>,
    /// Latest load time by source, of its freshness check; failed checks are left out.
    pub sources: Option<BTreeMap<String, String>>,
    /// The same of the current project's latest freshness check.
    pub current_sources: Option<BTreeMap<String, String>>,
}

/// An earlier manifest.
#[derive(Debug, Default)]
pub struct Earlier {
    /// Entries by unique id.
    pub(super) records: BTreeMap<String, Record>,
    /// Macros by unique id.
    pub(super) macros: BTreeMap<String, MacroRecord>,
    /// Relations by unique id.
    relations: BTreeMap<String, Relation>,
    /// Whether a source's database and schema are compared as they are written, not as they come out
    /// (dbt's flag `state_modified_compare_more_unrendered_values`).
    pub as_written: bool,
}

/// Where an entry of an earlier manifest was built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relation {
    /// Database.
    pub database: String,
    /// Schema.
    pub schema: String,
    /// Name.
    pub alias: String,
    /// Quoted full name; `None` for ephemeral models.
    pub relation_name: Option<String>,
}

impl Earlier {
    /// Reads the JSON of a manifest.
    ///
    /// # Errors
    /// S0506 when an entry has another form than those of a manifest, S0507 when it is of an unknown version.
    pub fn from_json(json: &Value) -> Result<Self> {
        let file = SourceFile::new("manifest.json", "");
        check_version(&file, json.get("metadata"), &MANIFEST)?;
        let manifest = ManifestFile::deserialize(json).map_err(|e| unreadable(&file, &e))?;
        Self::new(&file, manifest)
    }

    fn new(file: &std::sync::Arc<SourceFile>, manifest: ManifestFile) -> Result<Self> {
        let mut earlier = Self {
            macros: manifest.macros,
            ..Self::default()
        };
        let maps = [
            manifest.nodes,
            manifest.sources,
            manifest.exposures,
            manifest.metrics,
            manifest.semantic_models,
            manifest.saved_queries,
            manifest.unit_tests,
        ];
        let mut sink = Sink::default();
        for (id, Sieved(entry)) in maps.into_iter().flatten() {
            match Record::read(&entry) {
                Ok(Some(record)) => {
                    if let Some(relation) = Relation::read(&entry) {
                        earlier.relations.insert(id.clone(), relation);
                    }
                    earlier.records.insert(id, record);
                }
                Ok(None) => {}
                Err(e) => sink.push(
                    Diagnostic::error(
                        code::S0506,
                        format!("entry `{id}` of `{}` cannot be read: {e}", file.path),
                    )
                    .heading("Runtime Error"),
                ),
            }
        }
        sink.finish()?;
        Ok(earlier)
    }

    /// Whether the earlier project had an entry.
    pub fn contains(&self, unique_id: &str) -> bool {
        self.records.contains_key(unique_id)
    }

    /// Where a model, seed or snapshot of the earlier project was built.
    pub fn relation(&self, unique_id: &str) -> Option<&Relation> {
        self.relations.get(unique_id)
    }
}

impl Relation {
    fn read(entry: &Value) -> Option<Self> {
        let text = |key: &str| entry.get(key).and_then(Value::as_str).map(str::to_string);
        let refable = matches!(
            entry.get("resource_type").and_then(Value::as_str),
            Some("model" | "seed" | "snapshot")
        );
        refable.then(|| Self {
            database: text("database").unwrap_or_default(),
            schema: text("schema").unwrap_or_default(),
            alias: text("alias").unwrap_or_default(),
            relation_name: text("relation_name"),
        })
    }
}

impl State {
    /// Reads what a folder has of `manifest.json`, `run_results.json` and `sources.json`. A folder that does not
    /// exist has nothing.
    ///
    /// # Errors
    /// All files that cannot be read (S0506) or are of an unknown version (S0507).
    pub fn load(folder: &Path) -> Result<Self> {
        let mut sink = Sink::default();
        let manifest = manifest(folder);
        let results = results(folder);
        let sources = sources(folder);
        let state = Self {
            manifest: sink.take(manifest).flatten(),
            results: sink.take(results).flatten(),
            sources: sink.take(sources).flatten(),
            current_sources: None,
        };
        sink.finish()?;
        Ok(state)
    }

    /// Adds the current project's latest freshness check, from its target folder; `source_status:` needs it.
    ///
    /// # Errors
    /// As [`State::load`].
    pub fn load_current(&mut self, target: &Path) -> Result<()> {
        self.current_sources = sources(target)?;
        Ok(())
    }

    /// The sources that were loaded since the earlier check. What the earlier check did not see counts too.
    ///
    /// # Errors
    /// What is missing to tell.
    pub(super) fn fresher(&self) -> Result<BTreeSet<&str>, &'static str> {
        let earlier = self
            .sources
            .as_ref()
            .ok_or("No previous state comparison freshness results in sources.json")?;
        let current = self
            .current_sources
            .as_ref()
            .ok_or("No current state comparison freshness results in sources.json")?;
        Ok(current
            .iter()
            .filter(|(id, at)| earlier.get(*id).is_none_or(|before| later(at, before)))
            .map(|(id, _)| id.as_str())
            .collect())
    }
}

/// Whether one time stamp is later than another.
fn later(a: &str, b: &str) -> bool {
    let read = |text: &str| DateTime::<FixedOffset>::parse_from_rfc3339(text).ok();
    match (read(a), read(b)) {
        (Some(a), Some(b)) => a > b,
        _ => a > b,
    }
}

/// The versions of an artefact that can be read.
struct Version {
    name: &'static str,
    from: u32,
    to: u32,
}

const MANIFEST: Version = Version {
    name: "manifest",
    from: 4,
    to: 12,
};
const RUN_RESULTS: Version = Version {
    name: "run-results",
    from: 4,
    to: 6,
};
const SOURCES: Version = Version {
    name: "sources",
    from: 1,
    to: 3,
};

#[derive(Default, Deserialize)]
#[serde(default)]
struct Metadata {
    dbt_schema_version: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ManifestFile {
    nodes: BTreeMap<String, Sieved>,
    sources: BTreeMap<String, Sieved>,
    exposures: BTreeMap<String, Sieved>,
    metrics: BTreeMap<String, Sieved>,
    semantic_models: BTreeMap<String, Sieved>,
    saved_queries: BTreeMap<String, Sieved>,
    unit_tests: BTreeMap<String, Sieved>,
    macros: BTreeMap<String, MacroRecord>,
}

#[derive(Deserialize)]
struct ResultsFile {
    results: Vec<RunResult>,
}

#[derive(Deserialize)]
struct RunResult {
    unique_id: String,
    status: String,
    #[serde(default)]
    max_loaded_at: Option<String>,
}

/// Only the head of an artefact, read before its body so that a version mismatch is what is reported.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Head {
    metadata: Metadata,
}

fn manifest(folder: &Path) -> Result<Option<Earlier>> {
    let Some((file, manifest)) = artefact(folder, "manifest.json", &MANIFEST)? else {
        return Ok(None);
    };
    Earlier::new(&file, manifest).map(Some)
}

fn results(folder: &Path) -> Result<Option<BTreeMap<String, String>>> {
    let read = artefact::<ResultsFile>(folder, "run_results.json", &RUN_RESULTS)?;
    Ok(read.map(|(_, file)| {
        let status = file.results.into_iter().map(|r| (r.unique_id, r.status));
        status.collect()
    }))
}

fn sources(folder: &Path) -> Result<Option<BTreeMap<String, String>>> {
    let read = artefact::<ResultsFile>(folder, "sources.json", &SOURCES)?;
    Ok(read.map(|(_, file)| {
        let loaded = file.results.into_iter();
        loaded
            .filter(|r| r.status != "runtime error")
            .filter_map(|r| Some((r.unique_id, r.max_loaded_at?)))
            .collect()
    }))
}

type Read<T> = Option<(std::sync::Arc<SourceFile>, T)>;

/// Reads an artefact of a folder; `None` if it is not there.
fn artefact<T: DeserializeOwned>(folder: &Path, name: &str, version: &Version) -> Result<Read<T>> {
    let path = folder.join(name);
    let shown = path.display().to_string();
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => {
            return Err(
                Diagnostic::error(code::S0506, format!("`{shown}` cannot be read: {e}"))
                    .heading("Runtime Error")
                    .into(),
            );
        }
    };
    let file = SourceFile::new(shown, text);
    let head: Head = serde_json::from_str(&file.text).map_err(|e| unreadable(&file, &e))?;
    check(&file, head.metadata.dbt_schema_version.as_deref(), version)?;
    let read = serde_json::from_str(&file.text).map_err(|e| unreadable(&file, &e))?;
    Ok(Some((file, read)))
}

fn unreadable(file: &std::sync::Arc<SourceFile>, error: &serde_json::Error) -> Diagnostic {
    let place = (error.line() > 0 && !file.text.is_empty()).then(|| {
        let line = file.line_range(error.line());
        let at = (line.start + error.column().saturating_sub(1)).min(line.end);
        Place::new(file, at..at)
    });
    let d = Diagnostic::error(
        code::S0506,
        format!("Could not read \"{}\" as JSON: {error}", file.path),
    )
    .heading("Runtime Error");
    // Artefacts are often one line of megabytes: a place in that helps nobody.
    match place
        .filter(|p| file.line_range(error.line()).len() <= 500 && p.span.end <= file.text.len())
    {
        Some(place) => d.at(place),
        None => d,
    }
}

fn check_version(
    file: &std::sync::Arc<SourceFile>,
    metadata: Option<&Value>,
    version: &Version,
) -> Result<()> {
    let found = metadata.and_then(|m| m.get("dbt_schema_version"));
    check(file, found.and_then(Value::as_str), version)
}

fn check(file: &std::sync::Arc<SourceFile>, found: Option<&str>, version: &Version) -> Result<()> {
    let Version { name, from, to } = version;
    let number = found
        .and_then(|f| f.strip_suffix(".json"))
        .and_then(|f| f.rsplit_once(&format!("/{name}/v")))
        .and_then(|(_, n)| n.parse::<u32>().ok());
    if number.is_some_and(|n| (*from..=*to).contains(&n)) {
        return Ok(());
    }
    let d = Diagnostic::error(
        code::S0507,
        format!(
            "Expected a schema version of \"https://schemas.getdbt.com/dbt/{name}/v{to}.json\" in {}, but found {}",
            file.path,
            found.map_or("none".to_string(), |f| format!("\"{f}\""))
        ),
    )
    .heading("Runtime Error")
    .note(format!("versions {from} to {to} can be read"));
    Err(d
        .help("the artefacts were written by another version of dbt or tv1; write them anew")
        .into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn folder(files: &[(&str, Value)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, json) in files {
            let text = json.as_str().map_or(json.to_string(), str::to_string);
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        folder
    }

    fn artefact(name: &str, version: u32, body: &Value) -> Value {
        let mut json = json!({"metadata": {"dbt_schema_version": format!("https://schemas.getdbt.com/dbt/{name}/v{version}.json")}});
        let map = json.as_object_mut().unwrap();
        map.extend(body.as_object().unwrap().clone());
        json
    }

    fn message(error: crate::diag::Stopped, folder: &Path) -> String {
        let path = folder.display().to_string();
        error
            .0
            .iter()
            .map(|d| format!("{} {}", d.code, d.message.replace(&path, "DIR")))
            .collect::<Vec<_>>()
            .join("\n")
    }

    #[test]
    fn a_folder_without_artefacts_has_nothing() {
        let state = State::load(folder(&[]).path()).unwrap();
        assert!(state.manifest.is_none() && state.results.is_none() && state.sources.is_none());
        let nowhere = State::load(Path::new("no/such/folder")).unwrap();
        assert!(nowhere.manifest.is_none());
    }

    #[test]
    fn every_unreadable_artefact_is_reported() {
        let dir = folder(&[
            ("manifest.json", artefact("manifest", 99, &json!({}))),
            ("run_results.json", json!("{nope")),
            ("sources.json", json!({"metadata": {}})),
        ]);
        let e = State::load(dir.path()).unwrap_err();
        insta::assert_snapshot!(message(e, dir.path()));
        let dir = folder(&[(
            "manifest.json",
            artefact(
                "manifest",
                12,
                &json!({"nodes": {"model.p.a": {"resource_type": "model", "fqn": 3}}}),
            ),
        )]);
        let e = State::load(dir.path()).unwrap_err();
        insta::assert_snapshot!(message(e, dir.path()), @"S0506 entry `model.p.a` of `DIR/manifest.json` cannot be read: invalid type: integer `3`, expected a sequence");
    }

    #[test]
    fn old_manifests_are_read() {
        let dir = folder(&[(
            "manifest.json",
            artefact(
                "manifest",
                4,
                &json!({
                    "nodes": {
                        "model.p.a": {"resource_type": "model", "name": "a", "raw_sql": "select 1", "schema": "s", "database": "d", "alias": "a", "relation_name": "\"d\".\"s\".\"a\"", "columns": null},
                        "rpc.p.x": {"resource_type": "rpc", "name": "x"},
                    },
                }),
            ),
        )]);
        let earlier = State::load(dir.path()).unwrap().manifest.unwrap();
        assert_eq!(earlier.records["model.p.a"].body, "select 1");
        assert!(earlier.contains("model.p.a") && !earlier.contains("rpc.p.x"));
        assert_eq!(
            earlier
                .relation("model.p.a")
                .unwrap()
                .relation_name
                .as_deref(),
            Some("\"d\".\"s\".\"a\"")
        );
    }

    #[test]
    fn fresher_sources_are_those_loaded_since() {
        let check = |results: Value| artefact("sources", 3, &json!({"results": results}));
        let pass =
            |id: &str, at: &str| json!({"unique_id": id, "status": "pass", "max_loaded_at": at});
        let broken = |id: &str| json!({"unique_id": id, "status": "runtime error", "error": "x"});
        let before = folder(&[(
            "sources.json",
            check(json!([
                pass("newer", "2026-01-01T00:00:00Z"),
                pass("same", "2026-01-01T00:00:00Z"),
                pass("zone", "2026-01-01T02:00:00Z"),
                broken("back"),
                pass("gone", "2026-01-01T00:00:00Z"),
                pass("fails", "2026-01-01T00:00:00Z"),
            ])),
        )]);
        let now = folder(&[(
            "sources.json",
            check(json!([
                pass("newer", "2026-01-01T00:00:00.5Z"),
                pass("same", "2026-01-01T00:00:00Z"),
                pass("zone", "2026-01-01T03:00:00+01:00"),
                pass("back", "2025-01-01T00:00:00Z"),
                pass("new", "2020-01-01T00:00:00Z"),
                broken("fails"),
            ])),
        )]);
        let mut state = State::load(before.path()).unwrap();
        assert!(state.fresher().unwrap_err().starts_with("No current"));
        state.load_current(now.path()).unwrap();
        assert_eq!(
            state.fresher().unwrap(),
            BTreeSet::from(["back", "new", "newer"])
        );
    }

    #[test]
    fn results_are_kept_by_status() {
        let dir = folder(&[(
            "run_results.json",
            artefact(
                "run-results",
                6,
                &json!({"results": [
                    {"unique_id": "model.p.a", "status": "error", "thread_id": "x"}, {"unique_id": "test.p.t", "status": "pass"},
                ]}),
            ),
        )]);
        let results = State::load(dir.path()).unwrap().results.unwrap();
        assert_eq!(results["model.p.a"], "error");
        assert_eq!(results.len(), 2);
    }
}
