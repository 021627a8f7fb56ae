//! Makes the typed [`Command`] of the verb that was typed and of its settings.
use super::grammar::Words;
use super::invocation::{Command, MetricsQuery, Output, PackageSource, PowerBiPart};
use super::layers::Layers;
use super::value::Value;
use std::path::PathBuf;

/// Reads the arguments of the verb that was typed.
///
/// # Errors
/// A sentence about a word that will not do.
pub(super) fn command(words: &Words, layers: &Layers) -> Result<Command, String> {
    let a = Arguments { words, layers };
    Ok(match words.verb().which {
        "build" => Command::Build {
            show: a.on("show"),
            atomic: a.text("publish").as_deref() == Some("atomic"),
        },
        "run" => Command::Run,
        "test" => Command::Test,
        "seed" => Command::Seed { show: a.on("show") },
        "snapshot" => Command::Snapshot,
        "compile" => Command::Compile {
            inline: a.text("inline"),
            output: a.output(),
            inject_ephemeral_ctes: a.on("inject_ephemeral_ctes"),
        },
        "parse" => Command::Parse,
        "show" => Command::Show {
            inline: a.text("inline"),
            inline_direct: a.text("inline_direct"),
            output: a.output(),
            limit: a.limit(),
        },
        "list" => Command::List {
            models: a.list("models"),
            output: a.output(),
            output_keys: a.list("output_keys"),
        },
        "docs" => Command::Docs {
            out: a.path("out"),
            columns: a.on("columns"),
        },
        "generate" => Command::DocsGenerate {
            compile: a.on("compile"),
            empty_catalog: a.on("empty_catalog"),
            static_page: a.on("static"),
        },
        "serve" => Command::DocsServe {
            host: a.text("host").unwrap_or_default(),
            port: a.port().unwrap_or(8080),
            browser: a.on("browser"),
        },
        "freshness" | "snapshot-freshness" => Command::SourceFreshness {
            output: a.path("output"),
        },
        "run-operation" => Command::RunOperation {
            macro_name: a.word("macro").unwrap_or_default(),
            args: match layers.get("args") {
                Value::Map(node) => Some(node.clone()),
                _ => None,
            },
        },
        "retry" => Command::Retry,
        "clone" => Command::Clone,
        "deps" => Command::Deps {
            upgrade: a.on("upgrade"),
            lock: a.on("lock"),
            add_package: match layers.get("add_package") {
                Value::Package(p) => Some(p.clone()),
                _ => None,
            },
            source: match a.text("source").as_deref() {
                Some("git") => PackageSource::Git,
                Some("local") => PackageSource::Local,
                _ => PackageSource::Hub,
            },
            dry_run: a.on("dry_run"),
        },
        "debug" => Command::Debug {
            connection: a.on("connection"),
            config_dir: a.on("config_dir"),
        },
        "init" => Command::Init {
            project_name: a.word("project_name"),
            skip_profile_setup: a.on("skip_profile_setup"),
        },
        "clean" => Command::Clean {
            project_files_only: a.on("clean_project_files_only"),
        },
        _ => return own_command(&a),
    })
}

/// The commands that dbt does not have.
fn own_command(a: &Arguments<'_>) -> Result<Command, String> {
    Ok(match a.words.verb().which {
        "simulate" => Command::Simulate {
            until: a.day("until"),
            preview: a.text("preview"),
            limit: a.limit().unwrap_or(u64::MAX),
            profile: a.on("columns_profile"),
        },
        "metrics-list" => Command::MetricsList { output: a.output() },
        "metrics-show" => Command::MetricsShow {
            metric: a.word("metric").unwrap_or_default(),
            output: a.output(),
        },
        "metrics-query" => Command::MetricsQuery(a.metrics_query()?),
        "report" => Command::Report {
            report: a.word("report"),
            out: a.path("out"),
            check: a.on("check"),
        },
        "export-powerbi" => Command::ExportPowerBi {
            out: a.path("out"),
            check: a.on("check"),
            only: match a.text("only").as_deref() {
                Some("model") => Some(PowerBiPart::Model),
                Some("report") => Some(PowerBiPart::Report),
                _ => None,
            },
            adopt: a.path("adopt"),
        },
        "tv1-serve" => Command::Serve {
            port: a.port().unwrap_or(8580),
            browser: a.on("browser"),
        },
        "db-start" => Command::DbStart { port: a.port() },
        "db-stop" => Command::DbStop,
        "db-status" => Command::DbStatus,
        "db-url" => Command::DbUrl,
        "db-psql" => Command::DbPsql {
            args: a
                .words
                .positionals
                .get("psql_args")
                .cloned()
                .unwrap_or_default(),
        },
        "explain" => Command::Explain {
            code: a.word("code"),
        },
        "lineage" => Command::Lineage {
            node: a.word("node").unwrap_or_default(),
            upstream: a.on("upstream"),
            downstream: a.on("downstream"),
            output: a.output(),
        },
        "diff" => Command::Diff {
            limit: a.limit(),
            output: a.output(),
        },
        "completions" => {
            let word = a.word("shell").unwrap_or_default();
            let shell = word.parse().map_err(|_| {
                format!("`{word}` is not one of bash, elvish, fish, powershell, zsh")
            })?;
            Command::Completions { shell }
        }
        other => return Err(format!("`{other}` cannot be run")),
    })
}

/// Typed access to the settings of one command.
struct Arguments<'a> {
    words: &'a Words,
    layers: &'a Layers,
}

impl Arguments<'_> {
    fn on(&self, name: &str) -> bool {
        matches!(self.layers.get(name), Value::Bool(true))
    }

    fn text(&self, name: &str) -> Option<String> {
        match self.layers.get(name) {
            Value::Text(t) => Some(t.clone()),
            _ => None,
        }
    }

    fn path(&self, name: &str) -> Option<PathBuf> {
        self.text(name).map(PathBuf::from)
    }

    fn day(&self, name: &str) -> Option<chrono::NaiveDate> {
        self.text(name)?.parse().ok()
    }

    fn list(&self, name: &str) -> Vec<String> {
        match self.layers.get(name) {
            Value::List(l) => l.clone(),
            _ => Vec::new(),
        }
    }

    fn word(&self, name: &str) -> Option<String> {
        self.words.positionals.get(name)?.first().cloned()
    }

    /// `--limit`: none below zero.
    fn limit(&self) -> Option<u64> {
        match self.layers.get("limit") {
            Value::Int(i) => u64::try_from(*i).ok(),
            _ => None,
        }
    }

    fn port(&self) -> Option<u16> {
        match self.layers.get("port") {
            Value::Int(i) => u16::try_from(*i).ok(),
            _ => None,
        }
    }

    fn output(&self) -> Output {
        match self.text("output").as_deref() {
            Some("json") => Output::Json,
            Some("table") => Output::Table,
            Some("csv") => Output::Csv,
            Some("selector") => Output::Selector,
            Some("name") => Output::Name,
            Some("path") => Output::Path,
            _ => Output::Text,
        }
    }

    fn metrics_query(&self) -> Result<MetricsQuery, String> {
        let parted = |name: &str| {
            self.list(name)
                .iter()
                .flat_map(|w| w.split(','))
                .filter(|w| !w.is_empty())
                .map(str::to_string)
                .collect::<Vec<_>>()
        };
        let metrics = parted("metrics");
        let saved = self.text("saved_query");
        let group_by = parted("group_by");
        match &saved {
            None if metrics.is_empty() => return Err("`--metrics` names no metric".into()),
            Some(_) if !metrics.is_empty() || !group_by.is_empty() => {
                return Err("`--saved-query` has metrics and dimensions of its own: leave out `--metrics` and `--group-by`".into());
            }
            _ => {}
        }
        let (from, to) = (self.day("from"), self.day("to"));
        if let (Some(from), Some(to)) = (from, to)
            && from > to
        {
            return Err(format!("`--from` {from} lies after `--to` {to}"));
        }
        Ok(MetricsQuery {
            metrics,
            saved,
            group_by,
            filters: self.list("where"),
            order_by: parted("order_by"),
            from,
            to,
            limit: self.limit(),
            sql: self.on("sql"),
            output: self.output(),
        })
    }
}
