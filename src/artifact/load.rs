//! Artefacts of an earlier run, read back: for `--state`, `retry`, `source_status:` and the docs.
use super::Kind;
use crate::diag::{Code, Diagnostic, Result, code};
use serde_json::Value;
use std::path::Path;

/// Reads `manifest.json` of a folder.
///
/// # Errors
/// It is missing, not JSON, or of another schema.
pub fn load_manifest(folder: &Path) -> Result<Value> {
    load(folder, Kind::Manifest)
}

/// Reads `run_results.json` of a folder.
///
/// # Errors
/// It is missing, not JSON, or of another schema.
pub fn load_run_results(folder: &Path) -> Result<Value> {
    load(folder, Kind::RunResults)
}

/// Reads `catalog.json` of a folder.
///
/// # Errors
/// It is missing, not JSON, or of another schema.
pub fn load_catalog(folder: &Path) -> Result<Value> {
    load(folder, Kind::Catalog)
}

/// Reads `sources.json` of a folder.
///
/// # Errors
/// It is missing, not JSON, or of another schema.
pub fn load_sources(folder: &Path) -> Result<Value> {
    load(folder, Kind::Sources)
}

/// Schema versions that are read: the current one and those that differ only in fields not used here.
fn readable(kind: Kind) -> &'static [u32] {
    match kind {
        Kind::Manifest => &[10, 11, 12],
        Kind::RunResults => &[4, 5, 6],
        Kind::Catalog => &[1],
        Kind::Sources => &[3],
    }
}

fn load(folder: &Path, kind: Kind) -> Result<Value> {
    let path = folder.join(kind.file_name());
    let shown = path.display();
    let error = |code: Code, message: String, help: String| {
        Diagnostic::error(code, message)
            .heading("Runtime Error")
            .help(help)
    };
    let again = format!("`{}` writes it", kind.made_by());
    let bytes = std::fs::read(&path).map_err(|e| {
        if e.kind() == std::io::ErrorKind::NotFound {
            error(
                code::A0801,
                format!("`{shown}` does not exist"),
                again.clone(),
            )
        } else {
            error(
                code::A0801,
                format!("`{shown}` cannot be read: {e}"),
                "check the permissions of the file and its folder".to_string(),
            )
        }
    })?;
    let value: Value = serde_json::from_slice(&bytes).map_err(|e| {
        error(
            code::A0802,
            format!("`{shown}` is not JSON: {e}"),
            format!("the file may have been cut short; {again} anew"),
        )
    })?;
    check_schema(&value, kind, &shown.to_string(), &again)?;
    Ok(value)
}

fn check_schema(value: &Value, kind: Kind, shown: &str, again: &str) -> Result<()> {
    let found = value
        .pointer("/metadata/dbt_schema_version")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let (name, wanted) = kind.schema();
    let version = found
        .strip_suffix(".json")
        .and_then(|rest| rest.rsplit_once(&format!("/{name}/v")))
        .and_then(|(_, version)| version.parse::<u32>().ok());
    match version {
        Some(version) if readable(kind).contains(&version) => Ok(()),
        Some(version) => Err(Diagnostic::error(
            code::A0803,
            format!("`{shown}` follows version {version} of its schema, not {wanted}"),
        )
        .heading("Runtime Error")
        .note(format!("its schema is {found}"))
        .help(format!(
            "it was made by another version of dbt; {again} anew"
        ))
        .into()),
        None => Err(Diagnostic::error(
            code::A0803,
            format!("`{shown}` does not say that it is a `{name}` artefact"),
        )
        .heading("Runtime Error")
        .help(format!(
            "{again}; another file may have been put in its place"
        ))
        .into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::{Meta, run_results, write};
    use crate::outcome::{NodeResult, Status};
    use crate::report::Masks;
    use chrono::Utc;
    use std::fs;
    use std::time::Duration;

    #[test]
    fn what_was_written_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let results = [NodeResult::new("model.shop.a", Status::Error)];
        let meta = Meta::new("id", Utc::now(), []);
        let value = run_results(&results, Duration::ZERO, serde_json::Map::new(), &meta);
        let path = folder.path().join("run_results.json");
        write(&path, value.clone(), &Masks::default()).unwrap();
        assert_eq!(load_run_results(folder.path()).unwrap(), value);
    }

    #[test]
    fn bad_files_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let message = |text: Option<&str>| {
            if let Some(text) = text {
                fs::write(folder.path().join("manifest.json"), text).unwrap();
            }
            let stopped = load_manifest(folder.path()).unwrap_err();
            stopped
                .to_string()
                .replace(&folder.path().display().to_string(), "target")
        };
        let said = [
            message(None),
            message(Some("{\"metadata\": ")),
            message(Some("{}")),
            message(Some(
                r#"{"metadata": {"dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v4.json"}}"#,
            )),
            message(Some(
                r#"{"metadata": {"dbt_schema_version": "https://schemas.getdbt.com/dbt/run-results/v6.json"}}"#,
            )),
        ];
        insta::assert_snapshot!(said.join("\n\n"));
    }
}
