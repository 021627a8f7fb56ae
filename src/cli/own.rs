//! Options of single commands.
use super::spec::{Kind, Opt, Standard};

/// Words of `--exclude-resource-type`.
pub const RESOURCES: &[&str] = &[
    "metric",
    "semantic_model",
    "saved_query",
    "source",
    "analysis",
    "model",
    "test",
    "unit_test",
    "exposure",
    "snapshot",
    "seed",
    "default",
];
/// Words of `--resource-type`.
pub const RESOURCES_AND_ALL: &[&str] = &[
    "metric",
    "semantic_model",
    "saved_query",
    "source",
    "analysis",
    "model",
    "test",
    "unit_test",
    "exposure",
    "snapshot",
    "seed",
    "default",
    "all",
];

/// `--select`.
pub static SELECT: Opt = Opt::many("select", "NODES", "Nodes to work on: names, `+model+`, `tag:x`, `path/`, `source:s`, `state:modified`, … A blank means or, a comma means and").short('s').short_aliases(&['m']).aliases(&["models", "model"]);

/// `--select`.
pub static SELECT_ONLY: Opt = Opt::many("select", "NODES", "Nodes to list: names, `+model+`, `tag:x`, `path/`, `source:s`, `state:modified`, … A blank means or, a comma means and").short('s');

/// `--models`.
pub static MODELS: Opt = Opt::many("models", "NODES", "Like `--select`, for models only")
    .short('m')
    .aliases(&["model"])
    .hidden();

/// `--exclude`.
pub static EXCLUDE: Opt = Opt::many(
    "exclude",
    "NODES",
    "Nodes to leave out, in the same language",
);

/// `--selector`.
pub static SELECTOR: Opt = Opt::value_of(
    "selector",
    Kind::Text,
    "NAME",
    "A selector of selectors.yml, instead of `--select` and `--exclude`",
);

/// `--resource-types`.
pub static RESOURCE_TYPES: Opt = Opt::new(
    "resource_types",
    Kind::ManyOf(RESOURCES_AND_ALL),
    Standard::Empty,
    "Only these kinds of node",
)
.aliases(&["resource-type"])
.value("KINDS")
.env();

/// `--exclude-resource-types`.
pub static EXCLUDE_RESOURCE_TYPES: Opt = Opt::new(
    "exclude_resource_types",
    Kind::ManyOf(RESOURCES),
    Standard::Empty,
    "Not these kinds of node",
)
.aliases(&["exclude-resource-type"])
.value("KINDS")
.env();

/// `--full-refresh`.
pub static FULL_REFRESH: Opt = Opt::flag(
    "full_refresh",
    "Build incremental models and seeds anew, dropping what they hold",
)
.short('f')
.env();

/// `--threads`.
pub static THREADS: Opt = Opt::value_of(
    "threads",
    Kind::Threads,
    "N",
    "How many nodes run at the same time [default: as the profile says]",
)
.own_env();

/// `--vars`.
pub static VARS: Opt = Opt::new(
    "vars",
    Kind::Mapping,
    Standard::EmptyMap,
    "Values for `var()`: a YAML mapping, for example '{start: 2024-01-01}'",
)
.value("YAML");

/// `--project-dir`.
pub static PROJECT_DIR: Opt = Opt::value_of(
    "project_dir",
    Kind::Folder,
    "DIR",
    "Folder of the project [default: this one or the nearest above that has a project file]",
)
.env();

/// `--profiles-dir`.
pub static PROFILES_DIR: Opt = Opt::value_of(
    "profiles_dir",
    Kind::Path,
    "DIR",
    "Folder of profiles.yml [default: this one if it has the file, else ~/.dbt]",
)
.env();

/// `--profiles-dir` of `debug`, which says itself that there is none.
pub static PROFILES_DIR_LOOSE: Opt = Opt::value_of(
    "profiles_dir",
    Kind::Path,
    "DIR",
    "Folder of profiles.yml [default: this one if it has the file, else ~/.dbt]",
)
.env();

/// `--target-path`.
pub static TARGET_PATH: Opt = Opt::value_of(
    "target_path",
    Kind::Path,
    "DIR",
    "Folder for compiled SQL and artefacts [default: `target` in the project]",
)
.env();

/// `--empty`.
pub static EMPTY: Opt = Opt::switch("empty", false, "Build with no rows: every ref and source yields none, so that only names and types are checked").env();

/// `--event-time-start`.
pub static EVENT_TIME_START: Opt = Opt::value_of(
    "event_time_start",
    Kind::Moment,
    "TIME",
    "Begin of the batches of microbatch models (UTC)",
)
.env();

/// `--event-time-end`.
pub static EVENT_TIME_END: Opt = Opt::value_of(
    "event_time_end",
    Kind::Moment,
    "TIME",
    "End of the batches of microbatch models (UTC)",
)
.env();

/// `--sample`.
pub static SAMPLE: Opt = Opt::value_of("sample", Kind::Sample, "WINDOW", "Build from a window of the data: `3 days`, or '{start: '2024-01-01', end: '2024-01-03'}'; needs `event_time` on the inputs").env();

/// `--store-failures`.
pub static STORE_FAILURES: Opt = Opt::flag(
    "store_failures",
    "Keep the rows that fail a test in a table",
)
.env();

/// `--publish`.
pub static PUBLISH: Opt = Opt::choice(
    "publish",
    &["each", "atomic"],
    "each",
    "When what is built can be seen: each relation once it is made, or all at once in one transaction after every test has passed",
)
.env();

/// `--show`.
pub static SHOW: Opt = Opt::flag("show", "Print a few rows of each seed");

/// `--export-saved-queries`.
pub static EXPORT_SAVED_QUERIES: Opt = Opt::switch(
    "export_saved_queries",
    false,
    "Accepted for dbt's sake: saved queries are not exported",
)
.env()
.hidden();

/// `--include-saved-query`.
pub static INCLUDE_SAVED_QUERY: Opt =
    Opt::switch("include_saved_query", false, "Accepted for dbt's sake")
        .env()
        .hidden();

/// `--output`.
pub static OUTPUT_FORMAT: Opt = Opt::choice(
    "output",
    &["json", "text"],
    "text",
    "Form of what is printed",
)
.value("FORMAT");

/// `--output`.
pub static OUTPUT_LIST: Opt = Opt::choice(
    "output",
    &["json", "name", "path", "selector"],
    "selector",
    "What is printed of each node",
)
.value("FORMAT");

/// `--output-keys`.
pub static OUTPUT_KEYS: Opt = Opt::many(
    "output_keys",
    "KEYS",
    "Keys of the json form, for example `name alias config.materialized`",
);

/// `--output`.
pub static OUTPUT_FILE: Opt = Opt::value_of(
    "output",
    Kind::Path,
    "FILE",
    "File for the result [default: target/sources.json]",
)
.short('o');

/// `--introspect`.
pub static INTROSPECT: Opt = Opt::switch(
    "introspect",
    true,
    "Let templates query the database while compiling",
)
.env();

/// `--inline`.
pub static INLINE: Opt = Opt::value_of(
    "inline",
    Kind::Text,
    "SQL",
    "Use this SQL, with Jinja, instead of a node of the project",
);

/// `--inline-direct`.
pub static INLINE_DIRECT: Opt = Opt::value_of(
    "inline_direct",
    Kind::Text,
    "SQL",
    "Run this SQL as it stands",
)
.hidden();

/// `--inject-ephemeral-ctes`.
pub static INJECT_EPHEMERAL_CTES: Opt = Opt::switch(
    "inject_ephemeral_ctes",
    true,
    "Put the SQL of ephemeral models into the compiled SQL",
)
.hidden();

/// `--limit`.
pub static LIMIT: Opt = Opt::new(
    "limit",
    Kind::Int,
    Standard::Int(5),
    "Rows to show; -1 for all",
)
.value("N");

/// `--compile`.
pub static COMPILE: Opt = Opt::switch("compile", true, "Compile the project first");

/// `--empty-catalog`.
pub static EMPTY_CATALOG: Opt = Opt::flag(
    "empty_catalog",
    "Write a catalog without asking the database",
);

/// `--static`.
pub static STATIC: Opt = Opt::flag("static", "Write one page that needs no other file");

/// `--browser`.
pub static BROWSER: Opt = Opt::switch("browser", true, "Open the page in a browser");

/// `--host`.
pub static HOST: Opt = Opt::new(
    "host",
    Kind::Text,
    Standard::Text("127.0.0.1"),
    "Address to listen on",
)
.value("ADDRESS")
.env();

/// `--port`.
pub static PORT: Opt =
    Opt::new("port", Kind::Port, Standard::Int(8080), "Port to listen on").value("PORT");

/// `--args`.
pub static ARGS: Opt = Opt::value_of(
    "args",
    Kind::Mapping,
    "YAML",
    "Arguments of the macro: a YAML mapping",
);

/// `--source`.
pub static SOURCE: Opt = Opt::choice(
    "source",
    &["hub", "git", "local"],
    "hub",
    "Where a package added with `--add-package` comes from",
)
.value("KIND");

/// `--lock`.
pub static LOCK: Opt = Opt::flag("lock", "Write package-lock.yml only; install nothing");

/// `--upgrade`.
pub static UPGRADE: Opt = Opt::flag(
    "upgrade",
    "Look for newer versions even if package-lock.yml fits",
);

/// `--add-package`.
pub static ADD_PACKAGE: Opt = Opt::value_of(
    "add_package",
    Kind::Package,
    "NAME[@VERSION]",
    "Add a package to packages.yml first: `dbt-labs/dbt_utils@1.1.1`, a git URL with `@revision`, or a folder",
);

/// `--dry-run`.
pub static DRY_RUN: Opt = Opt::flag("dry_run", "Say what would be done; change nothing");

/// `--connection`.
pub static CONNECTION: Opt = Opt::flag("connection", "Check the connection only");

/// `--config-dir`.
pub static CONFIG_DIR: Opt = Opt::flag(
    "config_dir",
    "Say where profiles.yml is looked for, and stop",
);

/// `--skip-profile-setup`.
pub static SKIP_PROFILE_SETUP: Opt =
    Opt::flag("skip_profile_setup", "Ask nothing and write no profile").short('s');

/// `--clean-project-files-only`.
pub static CLEAN_PROJECT_FILES_ONLY: Opt = Opt::switch(
    "clean_project_files_only",
    true,
    "Refuse to remove anything outside the project",
)
.env();

/// `--until`.
pub static UNTIL: Opt = Opt::value_of(
    "until",
    Kind::Day,
    "DATE",
    "Simulate up to this day, from where the last simulation ended",
)
.own_env();

/// `--preview`.
pub static PREVIEW: Opt = Opt::value_of(
    "preview",
    Kind::Text,
    "NAME",
    "Print rows of this simulation instead of loading any",
);

/// `--columns-profile`, for which `simulate --profile` without a name stands.
pub static COLUMNS_PROFILE: Opt = Opt::flag(
    "columns_profile",
    "Print what every column of the simulations holds, expected beside observed, instead of loading any; `--profile` without a name means the same",
);

/// `--limit`.
pub static PREVIEW_LIMIT: Opt = Opt::new(
    "limit",
    Kind::Int,
    Standard::Int(10),
    "Rows to print with `--preview`",
)
.value("N");

/// `--out`.
pub static OUT: Opt = Opt::value_of("out", Kind::Path, "PATH", "File or folder to write");

/// `--columns`.
pub static COLUMNS: Opt = Opt::switch("columns", true, "Show columns and their lineage");

/// `--check`.
pub static CHECK: Opt = Opt::flag(
    "check",
    "Write nothing; fail if what is there differs from what would be written",
);

/// `--only`.
pub static ONLY: Opt = Opt::value_of(
    "only",
    Kind::Choice(&["model", "report"]),
    "PART",
    "Write one half of the project only",
);

/// `--adopt`.
pub static ADOPT: Opt = Opt::value_of(
    "adopt",
    Kind::Folder,
    "DIR",
    "Take names, pages and lineage tags from this Power BI project once",
);

/// `--metrics`.
pub static METRICS: Opt =
    Opt::many("metrics", "NAMES", "Metrics, parted by blanks or commas").short('m');

/// `--saved-query`.
pub static SAVED_QUERY: Opt = Opt::value_of(
    "saved_query",
    Kind::Text,
    "NAME",
    "A saved query of the project, instead of metrics and dimensions",
);

/// `--group-by`.
pub static GROUP_BY: Opt = Opt::many(
    "group_by",
    "NAMES",
    "Dimensions to group by, with a grain after a colon: `date:day segment`",
)
.short('g');

/// `--where`.
pub static WHERE: Opt = Opt::new(
    "where",
    Kind::Texts,
    Standard::Empty,
    "A condition on dimensions, in SQL: \"platform = 'TV'\"; several must all hold",
)
.short('w')
.value("SQL");

/// `--order-by`.
pub static ORDER_BY: Opt = Opt::new(
    "order_by",
    Kind::Texts,
    Standard::Empty,
    "Columns to sort by, parted by commas; a leading `-` sorts downwards",
)
.value("NAMES");

/// `--from`.
pub static FROM: Opt = Opt::value_of("from", Kind::Day, "DATE", "First day");

/// `--to`.
pub static TO: Opt = Opt::value_of("to", Kind::Day, "DATE", "Last day");

/// `--limit`.
pub static METRICS_LIMIT: Opt = Opt::value_of("limit", Kind::Int, "N", "Most rows to return");

/// `--limit`.
pub static DIFF_LIMIT: Opt = Opt::new(
    "limit",
    Kind::Int,
    Standard::Int(10),
    "Rows that differ to print of each model; -1 for all",
)
.value("N");

/// `--sql`.
pub static SQL: Opt = Opt::flag("sql", "Print the SQL instead of running it");

/// `--output`.
pub static OUTPUT_TABLE: Opt = Opt::choice(
    "output",
    &["table", "csv", "json"],
    "table",
    "Form of what is printed",
)
.short('o')
.value("FORMAT");

/// `--output`.
pub static OUTPUT_TEXT: Opt = Opt::choice(
    "output",
    &["text", "json"],
    "text",
    "Form of what is printed",
)
.short('o')
.value("FORMAT");

/// `--port`.
pub static SERVE_PORT: Opt = Opt::new(
    "port",
    Kind::Port,
    Standard::Int(8580),
    "Port to listen on; on this machine only",
)
.value("PORT")
.own_env();

/// `--port`.
pub static DB_PORT: Opt = Opt::value_of(
    "port",
    Kind::Port,
    "PORT",
    "Let the server listen on this port of this machine too",
)
.own_env();

/// `--upstream`.
pub static UPSTREAM: Opt = Opt::flag("upstream", "Only what it is made of");

/// `--downstream`.
pub static DOWNSTREAM: Opt = Opt::flag("downstream", "Only what is made of it");
