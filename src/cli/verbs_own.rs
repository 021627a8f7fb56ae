//! The commands that dbt does not have.
use super::own;
use super::spec::{Positional, Verb};
use super::verbs::LEAF;

/// In the order of the help.
pub static OWN_VERBS: &[Verb] = &[
    Verb {
        name: "simulate",
        which: "simulate",
        about: "Load simulated data into the source tables",
        more: "Reads simulations/*.yml. The same project gives the same rows on any machine.\n\nExamples:\n  tv1 simulate\n  tv1 simulate --until 2024-06-30\n  tv1 simulate --preview users --limit 5\n  tv1 simulate --select users --profile",
        options: &[
            &own::SELECT,
            &own::EXCLUDE,
            &own::UNTIL,
            &own::FULL_REFRESH,
            &own::PREVIEW,
            &own::PREVIEW_LIMIT,
            &own::COLUMNS_PROFILE,
            &own::THREADS,
            &own::VARS,
            &own::PROJECT_DIR,
            &own::PROFILES_DIR,
            &own::TARGET_PATH,
        ],
        ..LEAF
    },
    Verb {
        name: "metrics",
        about: "List, explain and query the metrics of the project",
        verbs: &[
            Verb {
                name: "list",
                aliases: &["ls"],
                which: "metrics-list",
                about: "List metrics and the dimensions they can be grouped by",
                options: &[
                    &own::OUTPUT_TEXT,
                    &own::VARS,
                    &own::PROJECT_DIR,
                    &own::PROFILES_DIR,
                    &own::TARGET_PATH,
                ],
                ..LEAF
            },
            Verb {
                name: "show",
                which: "metrics-show",
                about: "Show how a metric is defined",
                options: &[
                    &own::OUTPUT_TEXT,
                    &own::VARS,
                    &own::PROJECT_DIR,
                    &own::PROFILES_DIR,
                    &own::TARGET_PATH,
                ],
                positionals: &[Positional {
                    name: "metric",
                    required: true,
                    rest: false,
                    help: "Name of the metric",
                }],
                ..LEAF
            },
            Verb {
                name: "query",
                which: "metrics-query",
                about: "Compute metrics, grouped by dimensions",
                more: "Examples:\n  tv1 metrics query -m sessions -g date:day segment\n  tv1 metrics query -m sessions,active_users -w \"platform = 'TV'\" --from 2024-01-01 -o csv\n  tv1 metrics query -m sessions --sql\n  tv1 metrics query --saved-query by_platform",
                options: &[
                    &own::METRICS,
                    &own::SAVED_QUERY,
                    &own::GROUP_BY,
                    &own::WHERE,
                    &own::ORDER_BY,
                    &own::FROM,
                    &own::TO,
                    &own::METRICS_LIMIT,
                    &own::SQL,
                    &own::OUTPUT_TABLE,
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
        name: "report",
        which: "report",
        about: "Write the report pages, one file each",
        more: "Examples:\n  tv1 report\n  tv1 report viewing --out viewing.html",
        options: &[
            &own::OUT,
            &own::CHECK,
            &own::VARS,
            &own::PROJECT_DIR,
            &own::PROFILES_DIR,
            &own::TARGET_PATH,
        ],
        positionals: &[Positional {
            name: "report",
            required: false,
            rest: false,
            help: "Name of one report; all if left out",
        }],
        ..LEAF
    },
    Verb {
        name: "export",
        about: "Write the semantic layer for another tool",
        verbs: &[Verb {
            name: "powerbi",
            which: "export-powerbi",
            about: "Write a Power BI project (PBIP): semantic model and report",
            more: "Examples:\n  tv1 export powerbi\n  tv1 export powerbi --check",
            options: &[
                &own::OUT,
                &own::CHECK,
                &own::ONLY,
                &own::ADOPT,
                &own::VARS,
                &own::PROJECT_DIR,
                &own::PROFILES_DIR,
                &own::TARGET_PATH,
            ],
            ..LEAF
        }],
        ..LEAF
    },
    Verb {
        name: "serve",
        which: "tv1-serve",
        about: "Serve documentation, reports and metrics on this machine",
        options: &[
            &own::SERVE_PORT,
            &own::BROWSER,
            &own::VARS,
            &own::PROJECT_DIR,
            &own::PROFILES_DIR,
            &own::TARGET_PATH,
        ],
        ..LEAF
    },
    Verb {
        name: "db",
        about: "Manage the project's private PostgreSQL",
        more: "tv1 starts it by itself for a project that names no database.",
        verbs: &[
            Verb {
                name: "start",
                which: "db-start",
                about: "Start the server and leave it running",
                options: &[&own::DB_PORT, &own::PROJECT_DIR],
                ..LEAF
            },
            Verb {
                name: "stop",
                which: "db-stop",
                about: "Stop the server",
                options: &[&own::PROJECT_DIR],
                ..LEAF
            },
            Verb {
                name: "status",
                which: "db-status",
                about: "Say whether the server runs, where its files are and how large they are",
                options: &[&own::PROJECT_DIR],
                ..LEAF
            },
            Verb {
                name: "url",
                which: "db-url",
                about: "Print the connection URL",
                options: &[&own::PROJECT_DIR],
                ..LEAF
            },
            Verb {
                name: "psql",
                which: "db-psql",
                about: "Open psql on it; further words go to psql",
                more: "Examples:\n  tv1 db psql\n  tv1 db psql -- -c 'select 1'",
                options: &[&own::PROJECT_DIR],
                positionals: &[Positional {
                    name: "psql_args",
                    required: false,
                    rest: true,
                    help: "Words for psql",
                }],
                ..LEAF
            },
        ],
        ..LEAF
    },
    Verb {
        name: "explain",
        which: "explain",
        about: "Explain the code of an error or a warning",
        more: "Example:\n  tv1 explain Y0203",
        options: &[],
        positionals: &[Positional {
            name: "code",
            required: false,
            rest: false,
            help: "The code; all are listed if left out",
        }],
        ..LEAF
    },
    Verb {
        name: "lineage",
        which: "lineage",
        about: "Show what a model or a column is made of, and what is made of it",
        more: "Examples:\n  tv1 lineage dim_users\n  tv1 lineage dim_users.household_size --upstream",
        options: &[
            &own::UPSTREAM,
            &own::DOWNSTREAM,
            &own::OUTPUT_TEXT,
            &own::VARS,
            &own::PROJECT_DIR,
            &own::PROFILES_DIR,
            &own::TARGET_PATH,
        ],
        positionals: &[Positional {
            name: "node",
            required: true,
            rest: false,
            help: "MODEL or MODEL.COLUMN",
        }],
        ..LEAF
    },
    Verb {
        name: "diff",
        which: "diff",
        about: "Compare what the selected models would hold with what the relations hold now",
        more: "With `--state`, compares with the relations of that manifest instead.\n\nExample:\n  tv1 diff --select dim_users",
        options: &[
            &own::SELECT,
            &own::EXCLUDE,
            &own::SELECTOR,
            &own::DIFF_LIMIT,
            &own::OUTPUT_TEXT,
            &own::THREADS,
            &own::VARS,
            &own::PROJECT_DIR,
            &own::PROFILES_DIR,
            &own::TARGET_PATH,
        ],
        ..LEAF
    },
    Verb {
        name: "completions",
        which: "completions",
        about: "Print a completion script for a shell",
        more: "Example:\n  tv1 completions bash > /etc/bash_completion.d/tv1",
        positionals: &[Positional {
            name: "shell",
            required: true,
            rest: false,
            help: "bash, elvish, fish, powershell or zsh",
        }],
        ..LEAF
    },
];
