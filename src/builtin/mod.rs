//! tv1's own library of the macros that dbt projects and packages call or override, in the packages `dbt` and
//! `dbt_postgres`. The files are part of the program.
use crate::text::SourceFile;
use include_dir::{Dir, include_dir};
use std::sync::Arc;

static LIBRARY: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/src/builtin");

/// The packages, the more specific first.
pub const PACKAGES: [&str; 2] = ["dbt_postgres", "dbt"];

/// Every file with its package, in the order of their paths.
pub fn files() -> Vec<(&'static str, Arc<SourceFile>)> {
    let mut out = Vec::new();
    for package in PACKAGES {
        if let Some(dir) = LIBRARY.get_dir(package) {
            collect(dir, package, &mut out);
        }
    }
    out
}

fn collect(dir: &Dir<'_>, package: &'static str, out: &mut Vec<(&'static str, Arc<SourceFile>)>) {
    for file in dir.files() {
        if let (Some("sql"), Some(text)) = (
            file.path().extension().and_then(|e| e.to_str()),
            file.contents_utf8(),
        ) {
            out.push((
                package,
                SourceFile::new(format!("tv1/{}", file.path().display()), text),
            ));
        }
    }
    dir.dirs().for_each(|d| collect(d, package, out));
}
