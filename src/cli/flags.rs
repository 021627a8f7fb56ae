//! The settings of an invocation, typed, and as dbt's templates and artefacts show them.
use super::behaviour;
use super::layers::{Layers, Source};
use super::value::{Value, WarnErrorOptions};
use super::window::{Moment, Sample};
use crate::yaml::Node;
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Which tests come along with selected nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IndirectSelection {
    /// Every test that touches a selected node.
    Eager,
    /// Tests whose parents are all selected.
    Cautious,
    /// Also tests whose other parents are ancestors of the selection.
    Buildable,
    /// None.
    Empty,
}

/// Form of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// As suits the place: text for people on the console, debug in the file.
    Default,
    /// Text with the time of day.
    Text,
    /// Text with date, level and thread.
    Debug,
    /// One JSON object a line.
    Json,
}

/// Least severity that is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// Everything.
    Debug,
    /// Progress.
    Info,
    /// Warnings and errors.
    Warn,
    /// Errors.
    Error,
    /// Nothing.
    None,
}

/// Every flag of dbt with its value, whatever the command; flags that a command lacks have their standard.
#[derive(Debug, Clone)]
pub struct Flags {
    /// What runs: `run`, `generate`, `freshness`, …
    pub which: &'static str,
    /// The command line as typed.
    pub invocation_command: String,
    /// Which tests come along.
    pub indirect_selection: IndirectSelection,
    /// Size at which the log is rotated, bytes.
    pub log_file_max_bytes: u64,
    /// Form of the console.
    pub log_format: LogFormat,
    /// Form of the log file.
    pub log_format_file: LogFormat,
    /// Level of the console.
    pub log_level: LogLevel,
    /// Level of the log file.
    pub log_level_file: LogLevel,
    /// Width to which lines are padded, columns.
    pub printer_width: usize,
    /// Folder of the project, as given or found.
    pub project_dir: PathBuf,
    /// How many nodes run at once; `None` leaves it to the profile.
    pub threads: Option<usize>,
    /// `--vars`: a mapping.
    pub vars: Node,
    /// What happens to warnings.
    pub warn_error_options: WarnErrorOptions,
    /// Read existing relations only for the schemas of selected nodes.
    pub cache_selected_only: bool,
    /// Print everything.
    pub debug: bool,
    /// Read unselected nodes from the state.
    pub defer: bool,
    /// Build with no rows.
    pub empty: bool,
    /// Stop at the first failure.
    pub fail_fast: bool,
    /// Prefer the state relation when deferring.
    pub favor_state: bool,
    /// Build incremental models and seeds anew.
    pub full_refresh: bool,
    /// Let templates query the database while compiling.
    pub introspect: bool,
    /// Log changes of the relation cache.
    pub log_cache_events: bool,
    /// As given; tv1 always reads the whole project.
    pub partial_parse: bool,
    /// Read existing relations before the first node.
    pub populate_cache: bool,
    /// Show what `print()` says.
    pub print: bool,
    /// Print errors only.
    pub quiet: bool,
    /// As given; tv1 sends nothing.
    pub send_anonymous_usage_stats: bool,
    /// Show each deprecation.
    pub show_all_deprecations: bool,
    /// Use one thread.
    pub single_threaded: bool,
    /// As given; tv1 has one parser.
    pub static_parser: bool,
    /// Keep failing rows.
    pub store_failures: bool,
    /// As given; see [`Flags::colours`].
    pub use_colors: bool,
    /// Colour the log file.
    pub use_colors_file: bool,
    /// As given; tv1 has one parser.
    pub use_experimental_parser: bool,
    /// Check `require-dbt-version`.
    pub version_check: bool,
    /// Warnings are errors.
    pub warn_error: bool,
    /// Write artefacts.
    pub write_json: bool,
    /// Folder of the state to defer to.
    pub defer_state: Option<PathBuf>,
    /// End of microbatches.
    pub event_time_end: Option<Moment>,
    /// Begin of microbatches.
    pub event_time_start: Option<Moment>,
    /// Folder of the log; `logs` in the project if `None`.
    pub log_path: Option<PathBuf>,
    /// Name of the profile.
    pub profile: Option<String>,
    /// As given; see [`super::Cli::profiles_dir`].
    pub profiles_dir: Option<PathBuf>,
    /// As given; not written.
    pub record_timing_info: Option<PathBuf>,
    /// Window of time to build from.
    pub sample: Option<Sample>,
    /// Name of a selector.
    pub selector: Option<String>,
    /// Folder of the state.
    pub state: Option<PathBuf>,
    /// Name of the target.
    pub target: Option<String>,
    /// Folder for results; `target` in the project if `None`.
    pub target_path: Option<PathBuf>,
    /// Nodes to leave out.
    pub exclude: Vec<String>,
    /// Nodes to work on; empty for the default of the command.
    pub select: Vec<String>,
    /// Only these kinds.
    pub resource_types: Vec<String>,
    /// Not these kinds.
    pub exclude_resource_types: Vec<String>,
    /// Every setting with its source.
    pub layers: Layers,
    /// Names of the command's own options that dbt has too, for `args`.
    args: Vec<&'static str>,
    /// Words that are not options, by name.
    pub(super) words: BTreeMap<&'static str, Vec<String>>,
}

impl Flags {
    /// Typed flags of the settings. `args` are the options that stand in the artefacts.
    pub(super) fn new(
        which: &'static str,
        invocation_command: String,
        project_dir: PathBuf,
        layers: Layers,
        args: Vec<&'static str>,
    ) -> Self {
        let on = |name: &str| matches!(layers.get(name), Value::Bool(true));
        let text = |name: &str| match layers.get(name) {
            Value::Text(t) => Some(t.clone()),
            _ => None,
        };
        let path = |name: &str| text(name).map(PathBuf::from);
        let number = |name: &str| match layers.get(name) {
            Value::Int(i) => Some(*i),
            _ => None,
        };
        let list = |name: &str| match layers.get(name) {
            Value::List(l) => l.clone(),
            _ => Vec::new(),
        };
        let moment = |name: &str| match layers.get(name) {
            Value::Moment(m) => Some(*m),
            _ => None,
        };
        let word = |name: &str| text(name).unwrap_or_default();
        let single_threaded = on("single_threaded");
        Self {
            which,
            invocation_command,
            indirect_selection: indirect(&word("indirect_selection")),
            log_file_max_bytes: number("log_file_max_bytes").map_or(0, |n| n.unsigned_abs()),
            log_format: format(&word("log_format")),
            log_format_file: format(&word("log_format_file")),
            log_level: level(&word("log_level")),
            log_level_file: level(&word("log_level_file")),
            printer_width: number("printer_width")
                .and_then(|n| usize::try_from(n).ok())
                .unwrap_or(80),
            project_dir,
            threads: if single_threaded {
                Some(1)
            } else {
                number("threads").and_then(|n| usize::try_from(n).ok())
            },
            vars: match layers.get("vars") {
                Value::Map(node) => node.clone(),
                _ => Node::bare(crate::yaml::Kind::Map(Vec::new())),
            },
            warn_error_options: match layers.get("warn_error_options") {
                Value::Warnings(w) => w.clone(),
                _ => WarnErrorOptions::default(),
            },
            cache_selected_only: on("cache_selected_only"),
            debug: on("debug"),
            defer: on("defer"),
            empty: on("empty"),
            fail_fast: on("fail_fast"),
            favor_state: on("favor_state"),
            full_refresh: on("full_refresh"),
            introspect: on("introspect"),
            log_cache_events: on("log_cache_events"),
            partial_parse: on("partial_parse"),
            populate_cache: on("populate_cache"),
            print: on("print"),
            quiet: on("quiet"),
            send_anonymous_usage_stats: on("send_anonymous_usage_stats"),
            show_all_deprecations: on("show_all_deprecations"),
            single_threaded,
            static_parser: on("static_parser"),
            store_failures: on("store_failures"),
            use_colors: on("use_colors"),
            use_colors_file: on("use_colors_file"),
            use_experimental_parser: on("use_experimental_parser"),
            version_check: on("version_check"),
            warn_error: on("warn_error"),
            write_json: on("write_json"),
            defer_state: path("defer_state"),
            event_time_end: moment("event_time_end"),
            event_time_start: moment("event_time_start"),
            log_path: path("log_path"),
            profile: text("profile"),
            profiles_dir: path("profiles_dir"),
            record_timing_info: path("record_timing_info"),
            sample: match layers.get("sample") {
                Value::Sample(s) => Some(*s),
                _ => None,
            },
            selector: text("selector"),
            state: path("state"),
            target: text("target"),
            target_path: path("target_path"),
            exclude: list("exclude"),
            select: list("select"),
            resource_types: list("resource_types"),
            exclude_resource_types: list("exclude_resource_types"),
            args,
            words: BTreeMap::new(),
            layers,
        }
    }

    /// Whether to colour: as asked for; otherwise on a terminal, unless `NO_COLOR` is set.
    pub fn colours(&self, terminal: bool, no_color: bool) -> bool {
        match self.layers.source("use_colors") {
            Source::Standard => terminal && !no_color,
            _ => self.use_colors,
        }
    }

    /// A behaviour flag of dbt, for example `state_modified_compare_vars`.
    pub fn behaviour(&self, name: &str) -> bool {
        match self.layers.get(name) {
            Value::Bool(b) => *b,
            _ => behaviour::find(name).is_some_and(|f| f.standard),
        }
    }

    /// `flags.X` of templates, by the name in either case; `None` for a flag that does not exist.
    pub fn template(&self, name: &str) -> Option<Json> {
        self.every()
            .into_iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, v)| v)
    }

    /// Every flag that templates see, by its lower-case name.
    pub fn every(&self) -> Map<String, Json> {
        let mut all = Map::new();
        for (name, setting) in &self.layers.settings {
            let public = behaviour::find(name).is_none_or(|f| f.public);
            if self.args.contains(name) || (public && super::grammar::is_dbt_wide(name)) {
                all.insert((*name).to_string(), setting.value.to_json());
            }
        }
        for flag in behaviour::FLAGS.iter().filter(|f| f.public) {
            all.insert(flag.name.into(), json!(self.behaviour(flag.name)));
        }
        all.insert("project_dir".into(), json!(self.project_dir));
        all.insert("log_path".into(), json!(self.log_folder()));
        all.insert("vars".into(), self.vars.to_json());
        all.insert(
            "warn_error_options".into(),
            self.warn_error_options.to_json(),
        );
        for name in ["macro", "project_name"] {
            if let Some(word) = self.words.get(name).and_then(|w| w.first()) {
                all.insert(name.into(), json!(word));
            }
        }
        all.insert("strict_mode".into(), json!(false));
        all.insert("which".into(), json!(self.which));
        all.insert("invocation_command".into(), json!(self.invocation_command));
        all
    }

    /// Folder of the log file: as asked for, else `logs` in the project.
    pub fn log_folder(&self) -> PathBuf {
        match &self.log_path {
            Some(p) => p.clone(),
            None => match self.project_dir.strip_prefix(".") {
                Ok(below) => below.join("logs"),
                Err(_) => self.project_dir.join("logs"),
            },
        }
    }

    /// The `args` object of run_results.json: what is null is left out, and some switches that are off
    /// (dbt-core 1.10; for `run-operation` dbt leaves out paths and `warn_error_options` instead).
    pub fn to_args_map(&self) -> Map<String, Json> {
        const LEFT_OUT_IF_OFF: &[&str] = &[
            "debug",
            "fail_fast",
            "full_refresh",
            "log_cache_events",
            "single_threaded",
            "store_failures",
            "use_experimental_parser",
            "warn_error",
        ];
        const NOT_FOR_OPERATIONS: &[&str] = &[
            "defer_state",
            "log_path",
            "profiles_dir",
            "project_dir",
            "state",
            "warn_error_options",
        ];
        let operation = self.which == "run-operation";
        let mut all = self.every();
        all.retain(|name, value| {
            if operation {
                return !value.is_null() && !NOT_FOR_OPERATIONS.contains(&name.as_str());
            }
            // What dbt does not know stands there only when it was asked for.
            if name == "publish" && *value == json!("each") {
                return false;
            }
            let off = *value == json!(false) && LEFT_OUT_IF_OFF.contains(&name.as_str());
            !value.is_null() && !off
        });
        all
    }
}

fn indirect(word: &str) -> IndirectSelection {
    match word {
        "cautious" => IndirectSelection::Cautious,
        "buildable" => IndirectSelection::Buildable,
        "empty" => IndirectSelection::Empty,
        _ => IndirectSelection::Eager,
    }
}

fn format(word: &str) -> LogFormat {
    match word {
        "text" => LogFormat::Text,
        "debug" => LogFormat::Debug,
        "json" => LogFormat::Json,
        _ => LogFormat::Default,
    }
}

fn level(word: &str) -> LogLevel {
    match word {
        "debug" => LogLevel::Debug,
        "warn" => LogLevel::Warn,
        "error" => LogLevel::Error,
        "none" => LogLevel::None,
        _ => LogLevel::Info,
    }
}
