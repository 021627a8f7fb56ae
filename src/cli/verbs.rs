//! The commands that dbt has, with dbt's options. tv1's own are in `verbs_own`.
use super::own;
use super::spec::{Opt, Positional, Verb};

/// A command without anything.
pub(super) const LEAF: Verb = Verb {
    name: "",
    aliases: &[],
    which: "",
    about: "",
    more: "",
    options: &[],
    positionals: &[],
    verbs: &[],
};

/// In the order of the help.
pub static DBT_VERBS: &[Verb] = &[
    Verb {
        name: "build",
        which: "build",
        about: "Run seeds, models, snapshots and tests in the order of their dependencies",
        more: "A model whose test fails stops what is made of it.\n\nExamples:\n  tv1 build\n  tv1 build --select stg_users+ --exclude tag:slow\n  tv1 build --select state:modified+ --defer --state last-run\n  tv1 build --publish atomic",
        options: &[
            &own::SELECT,
            &own::EXCLUDE,
            &own::SELECTOR,
            &own::RESOURCE_TYPES,
            &own::EXCLUDE_RESOURCE_TYPES,
            &own::FULL_REFRESH,
            &own::THREADS,
            &own::VARS,
            &own::EMPTY,
            &own::SAMPLE,
            &own::EVENT_TIME_START,
            &own::EVENT_TIME_END,
            &own::STORE_FAILURES,
            &own::PUBLISH,
            &own::SHOW,
            &own::EXPORT_SAVED_QUERIES,
            &own::INCLUDE_SAVED_QUERY,
            &own::PROJECT_DIR,
            &own::PROFILES_DIR,
            &own::TARGET_PATH,
        ],
        ..LEAF
    },
    Verb {
        name: "run",
        which: "run",
        about: "Build models",
        more: "Examples:\n  tv1 run\n  tv1 run --select +mart_sessions --full-refresh",
        options: &[
            &own::SELECT,
            &own::EXCLUDE,
            &own::SELECTOR,
            &own::FULL_REFRESH,
            &own::THREADS,
            &own::VARS,
            &own::EMPTY,
            &own::SAMPLE,
            &own::EVENT_TIME_START,
            &own::EVENT_TIME_END,
            &own::PROJECT_DIR,
            &own::PROFILES_DIR,
            &own::TARGET_PATH,
        ],
        ..LEAF
    },
    Verb {
        name: "test",
        which: "test",
        about: "Run data tests and unit tests",
        more: "Examples:\n  tv1 test\n  tv1 test --select stg_users --store-failures\n  tv1 test --select test_type:unit",
        options: &[
            &own::SELECT,
            &own::EXCLUDE,
            &own::SELECTOR,
            &own::RESOURCE_TYPES,
            &own::EXCLUDE_RESOURCE_TYPES,
            &own::STORE_FAILURES,
            &own::THREADS,
            &own::VARS,
            &own::PROJECT_DIR,
            &own::PROFILES_DIR,
            &own::TARGET_PATH,
        ],
        ..LEAF
    },
    Verb {
        name: "seed",
        which: "seed",
        about: "Load the project's CSV files into tables",
        options: &[
            &own::SELECT,
            &own::EXCLUDE,
            &own::SELECTOR,
            &own::FULL_REFRESH,
            &own::SHOW,
            &own::THREADS,
            &own::VARS,
            &own::PROJECT_DIR,
            &own::PROFILES_DIR,
            &own::TARGET_PATH,
        ],
        ..LEAF
    },
    Verb {
        name: "snapshot",
        which: "snapshot",
        about: "Record how rows have changed since the last snapshot",
        options: &[
            &own::SELECT,
            &own::EXCLUDE,
            &own::SELECTOR,
            &own::EMPTY,
            &own::THREADS,
            &own::VARS,
            &own::PROJECT_DIR,
            &own::PROFILES_DIR,
            &own::TARGET_PATH,
        ],
        ..LEAF
    },
    Verb {
        name: "compile",
        which: "compile",
        about: "Write the SQL of the selected nodes to target/compiled without running it",
        more: "A single selected node is printed too.\n\nExamples:\n  tv1 compile --select dim_users\n  tv1 compile --inline \"select * from {{ ref('dim_users') }}\"",
        options: &[
            &own::SELECT,
            &own::EXCLUDE,
            &own::SELECTOR,
            &own::INLINE,
            &own::OUTPUT_FORMAT,
            &own::INTROSPECT,
            &own::INJECT_EPHEMERAL_CTES,
            &own::FULL_REFRESH,
            &own::EMPTY,
            &own::THREADS,
            &own::VARS,
            &own::PROJECT_DIR,
            &own::PROFILES_DIR,
            &own::TARGET_PATH,
        ],
        ..LEAF
    },
    Verb {
        name: "parse",
        which: "parse",
        about: "Read and check the whole project and write manifest.json",
        options: &[
            &own::THREADS,
            &own::VARS,
            &own::PROJECT_DIR,
            &own::PROFILES_DIR,
            &own::TARGET_PATH,
        ],
        ..LEAF
    },
    Verb {
        name: "show",
        which: "show",
        about: "Print rows of a model or of a query",
        more: "Examples:\n  tv1 show --select dim_users --limit 20\n  tv1 show --inline \"select count(*) from {{ ref('dim_users') }}\" --output json",
        options: &[
            &own::SELECT,
            &own::EXCLUDE,
            &own::SELECTOR,
            &own::INLINE,
            &own::INLINE_DIRECT,
            &own::LIMIT,
            &own::OUTPUT_FORMAT,
            &own::INTROSPECT,
            &own::FULL_REFRESH,
            &own::THREADS,
            &own::VARS,
            &own::PROJECT_DIR,
            &own::PROFILES_DIR,
            &own::TARGET_PATH,
        ],
        ..LEAF
    },
    Verb {
        name: "list",
        aliases: &["ls"],
        which: "list",
        about: "List the nodes of the project; also `tv1 ls`",
        more: "Examples:\n  tv1 ls --select +mart_sessions\n  tv1 ls --resource-type model --output json --output-keys name config.materialized",
        options: &[
            &own::SELECT_ONLY,
            &own::MODELS,
            &own::EXCLUDE,
            &own::SELECTOR,
            &own::RESOURCE_TYPES,
            &own::EXCLUDE_RESOURCE_TYPES,
            &own::OUTPUT_LIST,
            &own::OUTPUT_KEYS,
            &own::VARS,
            &own::PROJECT_DIR,
            &own::PROFILES_DIR,
            &own::TARGET_PATH,
        ],
        ..LEAF
    },
    Verb {
        name: "docs",
        which: "docs",
        about: "Write the documentation of the project as one page",
        more: "`tv1 docs` alone writes the page and says where it is.\n\nExamples:\n  tv1 docs\n  tv1 docs serve\n  tv1 docs generate --static",
        options: &[
            &own::OUT,
            &own::COLUMNS,
            &own::THREADS,
            &own::VARS,
            &own::PROJECT_DIR,
            &own::PROFILES_DIR,
            &own::TARGET_PATH,
        ],
        verbs: &[
            Verb {
                name: "generate",
                which: "generate",
                about: "Write manifest.json, catalog.json and index.html, as dbt does",
                options: &[
                    &own::SELECT,
                    &own::EXCLUDE,
                    &own::SELECTOR,
                    &own::COMPILE,
                    &own::EMPTY_CATALOG,
                    &own::STATIC,
                    &own::THREADS,
                    &own::VARS,
                    &own::PROJECT_DIR,
                    &own::PROFILES_DIR,
                    &own::TARGET_PATH,
                ],
                ..LEAF
            },
            Verb {
                name: "serve",
                which: "serve",
                about: "Serve the documentation on this machine",
                options: &[
                    &own::HOST,
                    &own::PORT,
                    &own::BROWSER,
                    &own::VARS,
                    &own::PROJECT_DIR,
                    &own::PROFILES_DIR,
                    &own::TARGET_PATH,
                ],
                ..LEAF
            },
        ],
        ..LEAF
    },
    Verb {
        name: "source",
        about: "Work with sources",
        verbs: &[
            Verb {
                name: "freshness",
                which: "freshness",
                about: "Check that the sources are as fresh as they must be",
                more: "Fails with exit code 1 if a source is staler than its `error_after`.",
                options: FRESHNESS,
                ..LEAF
            },
            Verb {
                name: "snapshot-freshness",
                which: "snapshot-freshness",
                about: "Older name of `freshness`",
                options: FRESHNESS,
                ..LEAF
            },
        ],
        ..LEAF
    },
    Verb {
        name: "run-operation",
        which: "run-operation",
        about: "Run one macro",
        more: "Example:\n  tv1 run-operation grant_select --args '{role: reporter}'",
        options: &[
            &own::ARGS,
            &own::THREADS,
            &own::VARS,
            &own::PROJECT_DIR,
            &own::PROFILES_DIR,
            &own::TARGET_PATH,
        ],
        positionals: &[Positional {
            name: "macro",
            required: true,
            rest: false,
            help: "Name of the macro, or PACKAGE.NAME",
        }],
        ..LEAF
    },
    Verb {
        name: "retry",
        which: "retry",
        about: "Run again what failed or was skipped in the last run",
        more: "Takes up the command that wrote run_results.json (or that of `--state`), with its options.",
        options: &[
            &own::FULL_REFRESH,
            &own::THREADS,
            &own::VARS,
            &own::PROJECT_DIR,
            &own::PROFILES_DIR,
            &own::TARGET_PATH,
        ],
        ..LEAF
    },
    Verb {
        name: "clone",
        which: "clone",
        about: "Make views on the relations of another environment (with `--state`)",
        options: &[
            &own::SELECT,
            &own::EXCLUDE,
            &own::SELECTOR,
            &own::RESOURCE_TYPES,
            &own::EXCLUDE_RESOURCE_TYPES,
            &own::FULL_REFRESH,
            &own::THREADS,
            &own::VARS,
            &own::PROJECT_DIR,
            &own::PROFILES_DIR,
            &own::TARGET_PATH,
        ],
        ..LEAF
    },
    Verb {
        name: "deps",
        which: "deps",
        about: "Install the packages of packages.yml or dependencies.yml",
        more: "Examples:\n  tv1 deps\n  tv1 deps --upgrade\n  tv1 deps --add-package dbt-labs/dbt_utils@1.1.1\n  tv1 deps --add-package ../shared --source local",
        options: &[
            &own::UPGRADE,
            &own::LOCK,
            &own::ADD_PACKAGE,
            &own::SOURCE,
            &own::DRY_RUN,
            &own::VARS,
            &own::PROJECT_DIR,
            &own::PROFILES_DIR,
        ],
        ..LEAF
    },
    Verb {
        name: "debug",
        which: "debug",
        about: "Show versions, paths and settings, and try the connection",
        options: &[
            &own::CONNECTION,
            &own::CONFIG_DIR,
            &own::VARS,
            &own::PROJECT_DIR,
            &own::PROFILES_DIR_LOOSE,
        ],
        ..LEAF
    },
    Verb {
        name: "init",
        which: "init",
        about: "Start a new project",
        more: "Writes a small project that builds at once, with simulated data.\n\nExample:\n  tv1 init my_project",
        options: &[
            &own::SKIP_PROFILE_SETUP,
            &own::VARS,
            &own::PROJECT_DIR,
            &own::PROFILES_DIR,
        ],
        positionals: &[Positional {
            name: "project_name",
            required: false,
            rest: false,
            help: "Name of the project and of its folder; asked for if left out",
        }],
        ..LEAF
    },
    Verb {
        name: "clean",
        which: "clean",
        about: "Remove the folders that the project lists as `clean-targets`",
        options: &[
            &own::CLEAN_PROJECT_FILES_ONLY,
            &own::VARS,
            &own::PROJECT_DIR,
            &own::PROFILES_DIR,
            &own::TARGET_PATH,
        ],
        ..LEAF
    },
];

const FRESHNESS: &[&Opt] = &[
    &own::SELECT,
    &own::EXCLUDE,
    &own::SELECTOR,
    &own::OUTPUT_FILE,
    &own::THREADS,
    &own::VARS,
    &own::PROJECT_DIR,
    &own::PROFILES_DIR,
    &own::TARGET_PATH,
];
