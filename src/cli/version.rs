//! What `--version` prints, in the shape that programs around dbt parse.

/// The version of dbt-core whose language, artefacts and command line tv1 has.
pub const DBT_VERSION: &str = "1.10.23";
/// The version of dbt's Postgres adapter that goes with it.
pub const ADAPTER_VERSION: &str = "1.11.0";
/// tv1's own version.
pub const TV1_VERSION: &str = env!("CARGO_PKG_VERSION");

/// tv1's version, then dbt's shape with the versions that tv1 stands in for.
pub fn text() -> String {
    format!(
        "tv1 {TV1_VERSION}\n\
         \n\
         Core:\n  \
         - installed: {DBT_VERSION} (compatible)\n\
         \n\
         Plugins:\n  \
         - postgres: {ADAPTER_VERSION} (compatible)\n"
    )
}
