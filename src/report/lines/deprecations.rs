//! What the project uses that dbt has given up: shown once for each kind, counted at the end.
use super::end::{diagnostic_json, facts, snippet};
use super::words::counted;
use crate::diag::Diagnostic;
use crate::report::entry::Entry;
use crate::report::event::{DbtEvent, Level};
use crate::report::names;
use crate::report::options::Options;
use crate::report::paint::Paint;
use indexmap::IndexMap;
use serde_json::json;

/// dbt breaks these texts at this width, whatever the printer's.
const WIDTH: usize = 80;

/// The deprecations met so far.
#[derive(Debug)]
pub(super) struct Deprecations {
    met: IndexMap<&'static str, (&'static str, usize)>,
    all: bool,
    paint: Paint,
}

impl Deprecations {
    pub(super) fn new(options: &Options) -> Self {
        Self {
            met: IndexMap::new(),
            all: options.all_deprecations,
            paint: Paint {
                on: options.colours,
            },
        }
    }

    /// Counts one; its line, if it is to be shown.
    pub(super) fn note(&mut self, dbt: DbtEvent, diagnostic: &Diagnostic) -> Option<Entry> {
        let (_, count) = self.met.entry(dbt.name).or_insert((dbt.code, 0));
        *count += 1;
        if *count > 1 && !self.all {
            return None;
        }
        let mut msg = self.headed(dbt.name, &diagnostic.message);
        let bare = Some(msg.clone());
        if let Some(place) = snippet(diagnostic, self.paint.on) {
            msg.push_str(&format!("\n{place}"));
        }
        let entry = Entry {
            bare,
            ..Entry::new(dbt, Level::Warn, msg)
        };
        let entry = entry.with_all(facts(diagnostic));
        Some(entry.with("diagnostic", diagnostic_json(diagnostic)))
    }

    /// The counts of all kinds, if there were any.
    pub(super) fn summary(&mut self) -> Option<Entry> {
        let met = std::mem::take(&mut self.met);
        if met.is_empty() {
            return None;
        }
        let mut text = "Summary of encountered deprecations:".to_string();
        let mut summaries = Vec::new();
        for (name, (code, count)) in met {
            text.push_str(&format!("\n- {name}: {}", counted(count, "occurrence")));
            summaries.push(json!({"event_name": name, "event_code": code, "occurrences": count}));
        }
        if !self.all {
            text.push_str(
                "\nTo see all deprecation instances instead of just the first occurrence of each, run command again \
                 with the `--show-all-deprecations` flag.",
            );
        }
        let msg = self.headed(names::DEPRECATIONS_SUMMARY.name, &text);
        Some(
            Entry::new(names::DEPRECATIONS_SUMMARY, Level::Warn, msg)
                .with("summaries", summaries)
                .with("show_all_hint", !self.all),
        )
    }

    fn headed(&self, name: &str, text: &str) -> String {
        let text = wrapped(&format!(
            "[WARNING][{name}]: Deprecated functionality\n{text}"
        ));
        // Painted last, so that colour codes do not count as width.
        text.replacen("WARNING", &self.paint.yellow("WARNING"), 1)
    }
}

/// The text with its lines broken between words.
fn wrapped(text: &str) -> String {
    let lines: Vec<String> = text
        .lines()
        .map(|line| {
            let mut out = String::new();
            let mut width = 0;
            for word in line.split(' ') {
                let length = word.chars().count();
                if width > 0 && width + 1 + length > WIDTH {
                    out.push('\n');
                    width = 0;
                } else if width > 0 {
                    out.push(' ');
                    width += 1;
                }
                out.push_str(word);
                width += length;
            }
            out
        })
        .collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const MISSING_ARGUMENTS: DbtEvent = DbtEvent {
        name: "MissingArgumentsPropertyInGenericTestDeprecation",
        code: "D039",
    };

    fn said(options: &Options) -> (Vec<String>, Entry) {
        let mut deprecations = Deprecations::new(options);
        let lines = ["accepted_values", "relationships"]
            .into_iter()
            .filter_map(|test| {
                let text = format!(
                    "Found top-level arguments to test `{test}`. Arguments to generic tests should be nested under \
                     the `arguments` property.`"
                );
                let diagnostic = Diagnostic::warning(crate::diag::code::P0110, text);
                deprecations.note(MISSING_ARGUMENTS, &diagnostic)
            })
            .map(|e| e.msg)
            .collect();
        (lines, deprecations.summary().unwrap())
    }

    #[test]
    fn the_first_of_a_kind_is_shown_as_dbt_shows_it() {
        let (lines, summary) = said(&Options::new("id"));
        assert_eq!(lines.len(), 1);
        insta::assert_snapshot!(lines[0], @r"
        [WARNING][MissingArgumentsPropertyInGenericTestDeprecation]: Deprecated
        functionality
        Found top-level arguments to test `accepted_values`. Arguments to generic tests
        should be nested under the `arguments` property.`
        ");
        insta::assert_snapshot!(summary.msg, @r"
        [WARNING][DeprecationsSummary]: Deprecated functionality
        Summary of encountered deprecations:
        - MissingArgumentsPropertyInGenericTestDeprecation: 2 occurrences
        To see all deprecation instances instead of just the first occurrence of each,
        run command again with the `--show-all-deprecations` flag.
        ");
        assert_eq!(summary.data["summaries"][0]["occurrences"], 2);
    }

    #[test]
    fn all_are_shown_when_asked_for() {
        let options = Options {
            all_deprecations: true,
            colours: true,
            ..Options::new("id")
        };
        let (lines, summary) = said(&options);
        assert_eq!(lines.len(), 2);
        assert!(lines[1].starts_with("[\u{1b}[33mWARNING\u{1b}[0m][Missing"));
        assert!(!summary.msg.contains("--show-all"));
        assert_eq!(summary.data["show_all_hint"], false);
    }

    #[test]
    fn without_any_there_is_no_summary() {
        assert_eq!(Deprecations::new(&Options::new("id")).summary(), None);
    }
}
