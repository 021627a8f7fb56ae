//! Saved queries of the project as questions to its metrics.
use crate::diag::{Diagnostic, Result, code};
use crate::graph::{Manifest, SemanticEntry};
use crate::metrics::{Filter, Request};
use crate::semantic::{Piece, reference};
use serde_json::Value;

/// Names and descriptions of all saved queries.
pub fn listed(manifest: &Manifest) -> Vec<(String, String)> {
    let text = |e: &SemanticEntry| {
        let said = e.fields.get("description").and_then(Value::as_str);
        said.unwrap_or_default().trim().to_string()
    };
    let all = manifest.saved_queries.values();
    all.map(|e| (e.name.clone(), text(e))).collect()
}

/// The question that a saved query asks.
///
/// # Errors
/// If there is no such query, or a name in it is none of the forms that `group_by` has.
pub fn request(manifest: &Manifest, name: &str) -> Result<Request> {
    let found = manifest.saved_queries.values().find(|e| e.name == name);
    let Some(entry) = found else {
        let d = Diagnostic::error(code::R0702, format!("there is no saved query `{name}`"));
        let known = manifest.saved_queries.values().map(|e| e.name.as_str());
        return Err(match crate::text::nearest(name, known) {
            Some(near) => d.help(format!("did you mean `{near}`?")),
            None => d.help("`tv1 metrics list` shows all saved queries"),
        }
        .into());
    };
    let params = entry
        .fields
        .get("query_params")
        .cloned()
        .unwrap_or_default();
    let texts = |key: &str| -> Vec<String> {
        let list = params
            .get(key)
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        list.filter_map(|v| v.as_str().map(str::to_string))
            .collect()
    };
    let names = |key: &str| -> Result<Vec<String>> {
        let list = texts(key);
        list.iter().map(|t| plain(entry, t)).collect()
    };
    let wheres = params
        .pointer("/where/where_filters")
        .and_then(Value::as_array);
    let filters = wheres
        .into_iter()
        .flatten()
        .filter_map(|w| w.get("where_sql_template")?.as_str())
        .map(|t| Filter::Sql(t.to_string()));
    Ok(Request {
        metrics: texts("metrics"),
        group_by: names("group_by")?,
        filters: filters.collect(),
        order_by: names("order_by")?,
        limit: params.get("limit").and_then(Value::as_u64),
        ..Request::default()
    })
}

/// `TimeDimension('metric_time', 'month')` as `metric_time:month`; a name without brackets stays. `-` in front and
/// `.descending(True)` behind sort downwards.
fn plain(entry: &SemanticEntry, text: &str) -> Result<String> {
    let text = text.trim();
    let bare = text.trim_start_matches('-');
    let (call, behind) = match bare.split_once(".descending(") {
        Some((call, how)) => (call, !how.starts_with(['F', 'f'])),
        None => (bare, false),
    };
    let sign = if behind || bare.len() != text.len() {
        "-"
    } else {
        ""
    };
    if !call.contains('(') {
        return Ok(format!("{sign}{call}"));
    }
    match reference(call) {
        Ok(Piece::Name(name, Some(grain))) => Ok(format!("{sign}{name}:{grain}")),
        Ok(Piece::Name(name, None) | Piece::Entity(name) | Piece::Metric(name, _)) => {
            Ok(format!("{sign}{name}"))
        }
        Ok(Piece::Text(_)) => Ok(format!("{sign}{call}")),
        Err(message) => Err(Diagnostic::error(
            code::R0702,
            format!("`{text}` of the saved query `{}`: {message}", entry.name),
        )
        .at_opt(entry.place.clone())
        .into()),
    }
}
