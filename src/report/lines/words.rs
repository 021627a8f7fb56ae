//! Counted words: `1 seed`, `2 data tests`, `1 exposure, 2 view models`.
use crate::graph::ResourceType;
use crate::report::event::NodeInfo;
use std::collections::BTreeMap;

/// `1 error`, `2 errors`, `0 partial successes`.
pub(crate) fn counted(count: usize, word: &str) -> String {
    if count == 1 {
        return format!("1 {word}");
    }
    let plural = if let Some(stem) = word.strip_suffix("query") {
        format!("{stem}queries")
    } else if let Some(stem) = word.strip_suffix("analysis") {
        format!("{stem}analyses")
    } else if word.ends_with('s') {
        format!("{word}es")
    } else {
        format!("{word}s")
    };
    format!("{count} {plural}")
}

/// How the kinds of nodes that ran are counted in `Finished running …`, in dbt's order.
pub(super) fn kinds<'n>(nodes: impl IntoIterator<Item = &'n NodeInfo>) -> String {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for node in nodes {
        *counts.entry(kind(node)).or_default() += 1;
    }
    let parts: Vec<String> = counts
        .into_iter()
        .map(|(kind, count)| match kind.as_str() {
            // dbt says `1 test` but `2 data tests`.
            "test" if count != 1 => counted(count, "data test"),
            _ => counted(count, &kind),
        })
        .collect();
    parts.join(", ")
}

fn kind(node: &NodeInfo) -> String {
    match node.resource_type {
        ResourceType::Model => format!("{} model", node.materialized.replace('_', " ")),
        ResourceType::Operation => "project hook".to_string(),
        ResourceType::Source if node.is_simulation() => "simulation".to_string(),
        other => other.as_str().replace('_', " "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plurals_are_english() {
        assert_eq!(counted(1, "partial success"), "1 partial success");
        assert_eq!(counted(0, "partial success"), "0 partial successes");
        assert_eq!(counted(2, "saved query"), "2 saved queries");
        assert_eq!(counted(3, "seed"), "3 seeds");
        assert_eq!(counted(2, "analysis"), "2 analyses");
    }
}
