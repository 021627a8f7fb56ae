//! All artefacts of one made-up run, written and read back. With `TV1_ARTIFACTS_OUT` set they stay in that folder, for
//! `tests/tools/check_artifacts.py`.
use super::*;
use crate::outcome::{
    AgeLimit, FreshnessCriteria, FreshnessResult, NodeResult, Status, Step, Timing,
};
use crate::report::Masks;
use chrono::{DateTime, Utc};
use serde_json::{Map, json};
use std::path::PathBuf;
use std::time::Duration;

fn at() -> DateTime<Utc> {
    "2024-01-02T03:04:05.678901Z".parse().unwrap()
}

fn built(id: &str, status: Status) -> NodeResult {
    NodeResult {
        timing: vec![Timing {
            name: Step::Execute,
            started_at: Some(at()),
            completed_at: Some(at()),
        }],
        thread_id: "Thread-1 (worker)".to_string(),
        execution_time: 0.5,
        message: Some("SELECT 1".to_string()),
        compiled: true,
        compiled_code: Some("select 1".to_string()),
        ..NodeResult::new(id, status)
    }
}

fn results() -> Vec<NodeResult> {
    let mut all: Vec<NodeResult> = [
        ("seed.rich.s1", Status::Success),
        ("model.rich.a", Status::Success),
        ("model.rich.b", Status::PartialSuccess),
        ("model.rich.ueph", Status::Error),
        ("test.rich.sing", Status::Fail),
        ("test.rich.unique_a_id.f6a5f640da", Status::Warn),
        ("test.rich.not_null_a_id.c1cebc1440", Status::Pass),
        ("exposure.rich.e1", Status::NoOp),
        ("operation.rich.rich-on-run-start-0", Status::Success),
    ]
    .into_iter()
    .map(|(id, status)| built(id, status))
    .collect();
    all[2].batch_results = Some(json!({
        "successful": [["2024-01-01T00:00:00Z", "2024-01-02T00:00:00Z"]],
        "failed": [["2024-01-02T00:00:00Z", "2024-01-03T00:00:00Z"]],
    }));
    all[4].failures = Some(3);
    all.push(NodeResult::new("unit_test.rich.a.ut", Status::Skipped));
    all
}

fn freshness() -> FreshnessResult {
    FreshnessResult {
        unique_id: "source.rich.src.t".to_string(),
        status: Status::Warn,
        max_loaded_at: Some(at()),
        snapshotted_at: Some(at()),
        criteria: FreshnessCriteria {
            warn_after: Some(AgeLimit {
                count: Some(1),
                period: Some("day".to_string()),
            }),
            error_after: None,
            filter: None,
        },
        adapter_response: Map::new(),
        timing: Vec::new(),
        thread_id: "Thread-1 (worker)".to_string(),
        execution_time: 0.25,
        message: None,
        diagnostic: None,
    }
}

fn relation(id: &str) -> CatalogRelation {
    CatalogRelation {
        unique_id: id.to_string(),
        kind: "BASE TABLE".to_string(),
        database: "d".to_string(),
        schema: "s".to_string(),
        name: "t".to_string(),
        comment: None,
        owner: Some("me".to_string()),
        columns: vec![CatalogColumn {
            name: "id".to_string(),
            kind: "integer".to_string(),
            index: 1,
            comment: None,
        }],
        stats: serde_json::Map::new(),
    }
}

#[test]
fn a_whole_set_is_written_and_read_back() {
    let scratch = tempfile::tempdir().unwrap();
    let kept = std::env::var_os("TV1_ARTIFACTS_OUT").map(PathBuf::from);
    let folder = kept.unwrap_or_else(|| scratch.path().join("target"));
    let meta = Meta {
        generated_at: at(),
        ..Meta::new("8ce93948-d290-436c-b50d-c4dbaeb54d22", at(), [])
    };
    let args = json!({"which": "build", "select": ["a+"]});
    let args = args.as_object().cloned().unwrap();
    let relations = [relation("model.rich.a"), relation("source.rich.src.t")];
    let second = Duration::from_secs(1);
    let set = [
        (Kind::Manifest, manifest(&manifest::tests::rich(), &meta)),
        (
            Kind::RunResults,
            run_results(&results(), second, args, &meta),
        ),
        (Kind::Catalog, catalog(&relations, &[], &meta)),
        (Kind::Sources, sources(&[freshness()], second, &meta)),
    ];
    for (kind, value) in &set {
        write(
            &folder.join(kind.file_name()),
            value.clone(),
            &Masks::default(),
        )
        .unwrap();
    }
    let read = [
        load_manifest(&folder),
        load_run_results(&folder),
        load_catalog(&folder),
        load_sources(&folder),
    ];
    for ((kind, value), read) in set.iter().zip(read) {
        assert_eq!(*value, read.unwrap(), "{kind:?}");
    }
}
