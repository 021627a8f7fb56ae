//! Options that every command takes, before or after its name.
use super::spec::{Kind, Opt, Standard};

/// Words of `--log-format`.
pub const LOG_FORMATS: &[&str] = &["text", "debug", "json", "default"];
/// Words of `--log-level`.
pub const LOG_LEVELS: &[&str] = &["debug", "info", "warn", "error", "none"];
/// Words of `--indirect-selection`.
pub const INDIRECT: &[&str] = &["eager", "cautious", "buildable", "empty"];

/// `--target`.
pub static TARGET: Opt = Opt::value_of(
    "target",
    Kind::Text,
    "NAME",
    "Output of the profile to use, for example `dev` or `prod`",
)
.short('t')
.env()
.global();

/// `--profile`.
pub static PROFILE: Opt = Opt::value_of(
    "profile",
    Kind::Text,
    "NAME",
    "Profile of profiles.yml to use, instead of the one that the project names",
)
.env()
.global();

/// `--quiet`.
pub static QUIET: Opt = Opt::switch(
    "quiet",
    false,
    "Print errors only; `print()` of macros and asked-for output still appear",
)
.short('q')
.env()
.global();

/// `--debug`.
pub static DEBUG: Opt = Opt::switch(
    "debug",
    false,
    "Print everything, down to each SQL statement",
)
.short('d')
.env()
.global();

/// `--fail-fast`.
pub static FAIL_FAST: Opt = Opt::switch(
    "fail_fast",
    false,
    "Stop at the first failure; what runs already is cancelled",
)
.short('x')
.env()
.global();

/// `--defer`.
pub static DEFER: Opt = Opt::switch("defer", false, "Read models that are not selected from the relations that the state's manifest names (with `--state`)").env().global();

/// `--favor-state`.
pub static FAVOR_STATE: Opt = Opt::switch(
    "favor_state",
    false,
    "With `--defer`: prefer the state's relation even where the target has its own",
)
.env()
.global();

/// `--state`.
pub static STATE: Opt = Opt::value_of(
    "state",
    Kind::Path,
    "DIR",
    "Folder with a manifest.json to compare with (`state:modified`) and to defer to",
)
.env()
.global();

/// `--defer-state`.
pub static DEFER_STATE: Opt = Opt::value_of(
    "defer_state",
    Kind::Path,
    "DIR",
    "Folder with a manifest.json to defer to, if it is another one than `--state`",
)
.env()
.global();

/// `--indirect-selection`.
pub static INDIRECT_SELECTION: Opt = Opt::choice("indirect_selection", INDIRECT, "eager", "Which tests come along with the selected models: `eager` every test that touches one, `cautious` those whose parents are all selected, `buildable` also those whose other parents are ancestors of the selection, `empty` none").value("MODE").env().global();

/// `--warn-error`.
pub static WARN_ERROR: Opt = Opt::value_of(
    "warn_error",
    Kind::Switch { negation: false },
    "",
    "Turn every warning into an error",
)
.env()
.global();

/// `--warn-error-options`.
pub static WARN_ERROR_OPTIONS: Opt = Opt::new("warn_error_options", Kind::WarnErrorOptions, Standard::EmptyMap, "Turn some warnings into errors: a YAML mapping with `error`, `warn`, `silence`, for example '{error: all, warn: [NoNodesForSelectionCriteria]}'").value("YAML").env().global();

/// `--log-format`.
pub static LOG_FORMAT: Opt = Opt::choice(
    "log_format",
    LOG_FORMATS,
    "default",
    "Form of what is printed",
)
.value("FORMAT")
.env()
.global();

/// `--log-format-file`.
pub static LOG_FORMAT_FILE: Opt = Opt::choice(
    "log_format_file",
    LOG_FORMATS,
    "debug",
    "Form of the log file; follows `--log-format` where that is given",
)
.value("FORMAT")
.env()
.global();

/// `--log-level`.
pub static LOG_LEVEL: Opt = Opt::choice(
    "log_level",
    LOG_LEVELS,
    "info",
    "Least severity that is printed",
)
.value("LEVEL")
.env()
.global();

/// `--log-level-file`.
pub static LOG_LEVEL_FILE: Opt = Opt::choice(
    "log_level_file",
    LOG_LEVELS,
    "debug",
    "Least severity that goes to the log file; follows `--log-level` where that is given",
)
.value("LEVEL")
.env()
.global();

/// `--log-path`.
pub static LOG_PATH: Opt = Opt::value_of(
    "log_path",
    Kind::Path,
    "DIR",
    "Folder of the log file [default: `logs` in the project]",
)
.env()
.global();

/// `--log-cache-events`.
pub static LOG_CACHE_EVENTS: Opt = Opt::switch(
    "log_cache_events",
    false,
    "Log each change of the cache of relations",
)
.env()
.global();

/// `--printer-width`.
pub static PRINTER_WIDTH: Opt = Opt::new(
    "printer_width",
    Kind::Int,
    Standard::Int(80),
    "Width to which lines are padded",
)
.value("COLUMNS")
.env()
.global();

/// `--use-colors`.
pub static USE_COLORS: Opt = Opt::switch(
    "use_colors",
    true,
    "Colour what is printed; without this option, only on a terminal",
)
.env()
.global();

/// `--use-colors-file`.
pub static USE_COLORS_FILE: Opt = Opt::switch(
    "use_colors_file",
    true,
    "Colour the log file; follows `--use-colors` where that is given",
)
.env()
.global();

/// `--print`.
pub static PRINT: Opt = Opt::switch("print", true, "Show what macros print with `print()`")
    .env()
    .global();

/// `--write-json`.
pub static WRITE_JSON: Opt = Opt::switch(
    "write_json",
    true,
    "Write manifest.json, run_results.json and the other artefacts",
)
.env()
.global();

/// `--version-check`.
pub static VERSION_CHECK: Opt = Opt::switch(
    "version_check",
    true,
    "Check `require-dbt-version` of the project and of its packages",
)
.env()
.global();

/// `--populate-cache`.
pub static POPULATE_CACHE: Opt = Opt::switch(
    "populate_cache",
    true,
    "Read the list of existing relations before the first node runs",
)
.env()
.global();

/// `--cache-selected-only`.
pub static CACHE_SELECTED_ONLY: Opt = Opt::switch(
    "cache_selected_only",
    false,
    "Read that list only for the schemas of the selected nodes",
)
.env()
.global();

/// `--show-all-deprecations`.
pub static SHOW_ALL_DEPRECATIONS: Opt = Opt::switch(
    "show_all_deprecations",
    false,
    "Show every deprecation, not only the first of its kind",
)
.global();

/// `--partial-parse`.
pub static PARTIAL_PARSE: Opt = Opt::switch(
    "partial_parse",
    true,
    "Accepted for dbt's sake: tv1 always reads the whole project, which is fast",
)
.env()
.global();

/// `--static-parser`.
pub static STATIC_PARSER: Opt = Opt::switch(
    "static_parser",
    true,
    "Accepted for dbt's sake: tv1 has one parser",
)
.env()
.global();

/// `--use-experimental-parser`.
pub static USE_EXPERIMENTAL_PARSER: Opt = Opt::switch(
    "use_experimental_parser",
    false,
    "Accepted for dbt's sake: tv1 has one parser",
)
.env()
.global();

/// `--send-anonymous-usage-stats`.
pub static SEND_ANONYMOUS_USAGE_STATS: Opt = Opt::switch(
    "send_anonymous_usage_stats",
    true,
    "Accepted for dbt's sake: tv1 never sends anything anywhere",
)
.env()
.global();

/// `--record-timing-info`.
pub static RECORD_TIMING_INFO: Opt = Opt::value_of(
    "record_timing_info",
    Kind::Path,
    "FILE",
    "Accepted for dbt's sake: timings stand in run_results.json",
)
.short('r')
.global();

/// `--upload-to-artifacts-ingest-api`.
pub static UPLOAD_TO_ARTIFACTS_INGEST_API: Opt = Opt::switch(
    "upload_to_artifacts_ingest_api",
    false,
    "Accepted for dbt's sake: tv1 never uploads anything",
)
.env()
.global();

/// `--log-file-max-bytes`.
pub static LOG_FILE_MAX_BYTES: Opt = Opt::new(
    "log_file_max_bytes",
    Kind::Int,
    Standard::Int(10_485_760),
    "Size at which the log file is rotated",
)
.value("BYTES")
.env()
.hidden();

/// `--macro-debugging`.
pub static MACRO_DEBUGGING: Opt = Opt::switch("macro_debugging", false, "Accepted for dbt's sake")
    .env()
    .hidden();

/// `--partial-parse-file-path`.
pub static PARTIAL_PARSE_FILE_PATH: Opt = Opt::value_of(
    "partial_parse_file_path",
    Kind::Path,
    "FILE",
    "Accepted for dbt's sake",
)
.env()
.hidden();

/// `--partial-parse-file-diff`.
pub static PARTIAL_PARSE_FILE_DIFF: Opt =
    Opt::switch("partial_parse_file_diff", true, "Accepted for dbt's sake")
        .env()
        .hidden();

/// `--single-threaded`.
pub static SINGLE_THREADED: Opt = Opt::switch("single_threaded", false, "Use one thread")
    .env()
    .hidden();

/// `--use-fast-test-edges`.
pub static USE_FAST_TEST_EDGES: Opt =
    Opt::switch("use_fast_test_edges", false, "Accepted for dbt's sake")
        .env()
        .hidden();

/// `--show-resource-report`.
pub static SHOW_RESOURCE_REPORT: Opt =
    Opt::switch("show_resource_report", false, "Accepted for dbt's sake")
        .env()
        .hidden();

/// All of them, in the order of the help.
pub static GLOBAL: &[&Opt] = &[
    &TARGET,
    &PROFILE,
    &QUIET,
    &DEBUG,
    &FAIL_FAST,
    &DEFER,
    &FAVOR_STATE,
    &STATE,
    &DEFER_STATE,
    &INDIRECT_SELECTION,
    &WARN_ERROR,
    &WARN_ERROR_OPTIONS,
    &LOG_FORMAT,
    &LOG_FORMAT_FILE,
    &LOG_LEVEL,
    &LOG_LEVEL_FILE,
    &LOG_PATH,
    &LOG_CACHE_EVENTS,
    &PRINTER_WIDTH,
    &USE_COLORS,
    &USE_COLORS_FILE,
    &PRINT,
    &WRITE_JSON,
    &VERSION_CHECK,
    &POPULATE_CACHE,
    &CACHE_SELECTED_ONLY,
    &SHOW_ALL_DEPRECATIONS,
    &PARTIAL_PARSE,
    &STATIC_PARSER,
    &USE_EXPERIMENTAL_PARSER,
    &SEND_ANONYMOUS_USAGE_STATS,
    &RECORD_TIMING_INFO,
    &UPLOAD_TO_ARTIFACTS_INGEST_API,
    &LOG_FILE_MAX_BYTES,
    &MACRO_DEBUGGING,
    &PARTIAL_PARSE_FILE_PATH,
    &PARTIAL_PARSE_FILE_DIFF,
    &SINGLE_THREADED,
    &USE_FAST_TEST_EDGES,
    &SHOW_RESOURCE_REPORT,
];
