//! The command that was asked for, with what only this command takes.
use super::value::NewPackage;
use crate::yaml::Node;
use std::path::PathBuf;

/// Form of printed results.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// For people.
    Text,
    /// One JSON value.
    Json,
    /// A drawn table.
    Table,
    /// Comma-separated.
    Csv,
    /// Dotted name.
    Selector,
    /// Name alone.
    Name,
    /// Path of the file.
    Path,
}

/// Where a new package comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PackageSource {
    /// The package hub.
    Hub,
    /// A git repository.
    Git,
    /// A folder.
    Local,
}

/// One half of a Power BI project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PowerBiPart {
    /// The semantic model.
    Model,
    /// The report.
    Report,
}

/// A command of tv1 with its own arguments; what several commands share is in [`super::Flags`].
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Everything in the order of dependencies.
    Build {
        /// Print rows of seeds.
        show: bool,
        /// Whether everything is published at once, in the end.
        atomic: bool,
    },
    /// Models.
    Run,
    /// Tests.
    Test,
    /// Seeds.
    Seed {
        /// Print rows.
        show: bool,
    },
    /// Snapshots.
    Snapshot,
    /// Compiled SQL.
    Compile {
        /// SQL given instead of a node.
        inline: Option<String>,
        /// Form of what is printed.
        output: Output,
        /// Put ephemeral models into the SQL.
        inject_ephemeral_ctes: bool,
    },
    /// Manifest only.
    Parse,
    /// Rows of a query.
    Show {
        /// SQL with Jinja given instead of a node.
        inline: Option<String>,
        /// SQL to be run as it stands.
        inline_direct: Option<String>,
        /// Form of what is printed.
        output: Output,
        /// Most rows; `None` for all.
        limit: Option<u64>,
    },
    /// Nodes of the project.
    List {
        /// `--models`: as `select`, for models only.
        models: Vec<String>,
        /// What is printed of each.
        output: Output,
        /// Keys of the JSON form.
        output_keys: Vec<String>,
    },
    /// The documentation as one page.
    Docs {
        /// File to write.
        out: Option<PathBuf>,
        /// With columns.
        columns: bool,
    },
    /// dbt's documentation files.
    DocsGenerate {
        /// Compile first.
        compile: bool,
        /// Ask the database nothing.
        empty_catalog: bool,
        /// One page with everything in it.
        static_page: bool,
    },
    /// Documentation over HTTP.
    DocsServe {
        /// Address.
        host: String,
        /// Port.
        port: u16,
        /// Open a browser.
        browser: bool,
    },
    /// Freshness of sources.
    SourceFreshness {
        /// File for the result.
        output: Option<PathBuf>,
    },
    /// One macro.
    RunOperation {
        /// `NAME` or `PACKAGE.NAME`.
        macro_name: String,
        /// Its arguments, a mapping.
        args: Option<Node>,
    },
    /// What failed last time.
    Retry,
    /// Views on another environment.
    Clone,
    /// Packages.
    Deps {
        /// Resolve anew.
        upgrade: bool,
        /// Write the lock file only.
        lock: bool,
        /// Package to add first.
        add_package: Option<NewPackage>,
        /// Where that comes from.
        source: PackageSource,
        /// Change nothing.
        dry_run: bool,
    },
    /// Settings and connection.
    Debug {
        /// Connection only.
        connection: bool,
        /// Folder of profiles only.
        config_dir: bool,
    },
    /// A new project.
    Init {
        /// Its name.
        project_name: Option<String>,
        /// Ask nothing.
        skip_profile_setup: bool,
    },
    /// Removes results.
    Clean {
        /// Refuse what lies outside the project.
        project_files_only: bool,
    },
    /// Simulated data.
    Simulate {
        /// Last day.
        until: Option<chrono::NaiveDate>,
        /// Print rows of this simulation instead.
        preview: Option<String>,
        /// Rows to print.
        limit: u64,
        /// Print what every column holds instead.
        profile: bool,
    },
    /// Names of metrics.
    MetricsList {
        /// Form of what is printed.
        output: Output,
    },
    /// Definition of a metric.
    MetricsShow {
        /// Its name.
        metric: String,
        /// Form of what is printed.
        output: Output,
    },
    /// Values of metrics.
    MetricsQuery(MetricsQuery),
    /// Report pages.
    Report {
        /// One of them.
        report: Option<String>,
        /// File or folder to write.
        out: Option<PathBuf>,
        /// Compare only.
        check: bool,
    },
    /// A Power BI project.
    ExportPowerBi {
        /// Folder to write.
        out: Option<PathBuf>,
        /// Compare only.
        check: bool,
        /// One half.
        only: Option<PowerBiPart>,
        /// Project whose names and tags are taken over.
        adopt: Option<PathBuf>,
    },
    /// Documentation, reports and metrics over HTTP.
    Serve {
        /// Port.
        port: u16,
        /// Open a browser.
        browser: bool,
    },
    /// Starts the private server.
    DbStart {
        /// TCP port to listen on too.
        port: Option<u16>,
    },
    /// Stops it.
    DbStop,
    /// Says how it is.
    DbStatus,
    /// Prints its URL.
    DbUrl,
    /// Opens psql.
    DbPsql {
        /// Words for psql.
        args: Vec<String>,
    },
    /// Explains a code.
    Explain {
        /// The code; all if `None`.
        code: Option<String>,
    },
    /// Origins and uses.
    Lineage {
        /// `MODEL` or `MODEL.COLUMN`.
        node: String,
        /// What it is made of.
        upstream: bool,
        /// What is made of it.
        downstream: bool,
        /// Form of what is printed.
        output: Output,
    },
    /// Differences between what is and what would be.
    Diff {
        /// Most rows to print of each model; `None` for all.
        limit: Option<u64>,
        /// Form of what is printed.
        output: Output,
    },
    /// A completion script.
    Completions {
        /// For this shell.
        shell: clap_complete::Shell,
    },
}

/// What `metrics query` is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetricsQuery {
    /// Metrics.
    pub metrics: Vec<String>,
    /// A saved query that names metrics and dimensions instead.
    pub saved: Option<String>,
    /// Dimensions, `name` or `name:grain`.
    pub group_by: Vec<String>,
    /// Conditions, SQL.
    pub filters: Vec<String>,
    /// Columns to sort by, `-` in front for downwards.
    pub order_by: Vec<String>,
    /// First day.
    pub from: Option<chrono::NaiveDate>,
    /// Last day.
    pub to: Option<chrono::NaiveDate>,
    /// Most rows.
    pub limit: Option<u64>,
    /// Print the SQL only.
    pub sql: bool,
    /// Form of what is printed.
    pub output: Output,
}
