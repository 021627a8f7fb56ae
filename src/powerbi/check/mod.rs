//! References inside a project: what neither Microsoft's schemas nor its command line look at.
mod formula;
mod grammar;
mod model;
mod report;

use super::Files;
use serde_json::Value;

/// What is wrong with a project's files, each with its path; empty if nothing is.
pub fn check(files: &Files) -> Vec<String> {
    let mut out = Vec::new();
    let model = model::fields(files, &mut out);
    report::json_files(files, &model, &mut out);
    report::pages(files, &mut out);
    for (path, text) in files.iter().filter(|(p, _)| is(p, "pbip")) {
        let v: Value = serde_json::from_str(text).unwrap_or_default();
        let reports: Vec<&str> = v["artifacts"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|a| a["report"]["path"].as_str())
            .collect();
        if reports.is_empty() {
            out.push(format!("{path}: no report is named"));
        }
        for r in reports {
            if !files.contains_key(&format!("{r}/definition.pbir")) {
                out.push(format!("{path}: there is no report `{r}`"));
            }
        }
    }
    out
}

/// Whether a path has this extension.
fn is(path: &str, extension: &str) -> bool {
    path.rsplit('.').next() == Some(extension)
}
