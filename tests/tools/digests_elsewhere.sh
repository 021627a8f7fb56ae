#!/bin/sh
# Makes TV ONE's tables with the simulation engine built for another machine, and compares their digests with those
# that the test suite pins. Only the engine is built: no database, no network client.
#
#   tests/tools/digests_elsewhere.sh aarch64-unknown-linux-gnu qemu-aarch64 -L /usr/aarch64-linux-gnu
#
# Needs the target (`rustup target add …`), a linker for it (a cross compiler named as Debian names it, or
# CARGO_TARGET_…_LINKER) and something that runs it: for the line above, Debian's gcc-aarch64-linux-gnu and qemu-user.
# CRATE names a folder to build in, kept from run to run.
set -eu
target=$1
shift
linker=CARGO_TARGET_$(echo "$target" | tr 'a-z-' 'A-Z_')_LINKER
cross=$(echo "$target" | sed 's/-unknown-/-/')-gcc
if eval "[ -z \"\${$linker:-}\" ]" && command -v "$cross" > /dev/null; then
    export "$linker=$cross"
fi
root=$(cd "$(dirname "$0")/../.." && pwd)
crate=${CRATE:-$(mktemp -d)}
mkdir -p "$crate/src/simulate"
for part in text.rs diag yaml; do
    ln -sfn "$root/src/$part" "$crate/src/$part"
done
for part in "$root"/src/simulate/*; do
    name=$(basename "$part")
    case $name in
        mod.rs | load | tests | snapshots) ;;
        *) ln -sfn "$part" "$crate/src/simulate/$name" ;;
    esac
done
# The engine without what loads its rows into a database.
grep -vE '^(mod load;|mod tests;|#\[cfg\(test\)\]|pub use load::)' "$root/src/simulate/mod.rs" > "$crate/src/simulate/mod.rs"
{
    printf '[package]\nname = "elsewhere"\nversion = "0.0.0"\nedition = "2024"\n[workspace]\n[profile.release]\nopt-level = 1\n[dependencies]\n'
    grep -E '^(annotate-snippets|chrono|regex|csv|granit-parser|indexmap|libm|serde|serde_json|sha2|serde-saphyr|unicode-width|terminal_size|thiserror) =' "$root/Cargo.toml"
} > "$crate/Cargo.toml"
cp "$root/Cargo.lock" "$crate/Cargo.lock"
cat > "$crate/src/main.rs" <<'RUST'
#![allow(dead_code, unused_imports)]
mod diag;
mod simulate;
mod text;
mod yaml;

use indexmap::IndexMap;
use serde_json::Value;
use simulate::{Host, HostTable, Options, Simulations, TableKind};

struct Seeds(Vec<IndexMap<String, Value>>);

impl Host for Seeds {
    fn tables(&self) -> Vec<HostTable> {
        vec![HostTable {
            name: "segmentation".into(),
            kind: TableKind::Seed,
            columns: self.0[0].keys().map(|k| (k.clone(), None)).collect(),
            keys: Vec::new(),
        }]
    }
    fn table_rows(&self, _: &str) -> diag::Result<Vec<IndexMap<String, Value>>> {
        Ok(self.0.clone())
    }
    fn relation(&self, name: &str) -> String {
        name.into()
    }
    fn render(&self, text: &str) -> diag::Result<yaml::Kind> {
        let (before, rest) = text.split_once("{{").unwrap();
        let (inside, after) = rest.split_once("}}").unwrap();
        let n = if inside.contains("households") { 300 } else { 240 };
        Ok(if before.is_empty() { yaml::Kind::Int(n) } else { yaml::Kind::Str(format!("{before}{n}{after}")) })
    }
    fn render_sql(&self, sql: &str, _: &str, _: u32) -> diag::Result<String> {
        Ok(sql.into())
    }
}

fn main() {
    let root = std::env::args().nth(1).unwrap();
    let text = |path: &str| std::fs::read_to_string(format!("{root}/{path}")).unwrap();
    let csv = text("seeds/segmentation.csv");
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let names: Vec<String> = reader.headers().unwrap().iter().map(str::to_string).collect();
    let value = |t: &str| serde_json::from_str(t).unwrap_or_else(|_| Value::from(t));
    let rows = reader.records().map(|r| names.iter().cloned().zip(r.unwrap().iter().map(value)).collect());
    let host = Seeds(rows.collect());
    let tables = ["programs", "seasons", "episodes", "users", "tracking"];
    let files = tables.map(|n| text::SourceFile::new(format!("{n}.yml"), text(&format!("simulations/{n}.yml"))));
    let all = Simulations::load(&files, &host).unwrap();
    let options = Options { days: 15, threads: 3, ..Options::default() };
    for name in tables {
        let d = all.dry_run(name, &options, &host, &|_| {}).unwrap();
        println!("{name}: {} rows, {}", d.rows, d.text());
    }
}
RUST
cd "$crate"
cargo build --quiet --release --target "$target"
"$@" "target/$target/release/elsewhere" "$root" > digests
pinned=$root/src/simulate/tests/snapshots/tv1__simulate__tests__files__digests_are_pinned.snap
# A snapshot's head ends with its second `---`.
awk 'head == 2 { print } /^---$/ { head++ }' "$pinned" > pinned
cat digests
[ -s pinned ] && diff pinned digests && echo "$target: the same digests"
