//! How fast TV ONE's viewing events are made, without a database: rows a second, CPU time a row, memory.
//!
//! `cargo bench --bench simulate -- [households] [days] [threads]`
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark prints its figures"
)]
use indexmap::IndexMap;
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::time::Instant;
use tv1::diag::Result;
use tv1::simulate::{Host, HostTable, Options, Simulations, TableKind};
use tv1::text::SourceFile;
use tv1::yaml::Kind;

struct Project {
    households: i64,
    segments: Vec<IndexMap<String, Value>>,
}

impl Host for Project {
    fn tables(&self) -> Vec<HostTable> {
        let columns = self.segments[0].keys().map(|k| (k.clone(), None)).collect();
        vec![HostTable {
            name: "segmentation".into(),
            kind: TableKind::Seed,
            columns,
            keys: Vec::new(),
        }]
    }

    fn table_rows(&self, _: &str) -> Result<Vec<IndexMap<String, Value>>> {
        Ok(self.segments.clone())
    }

    fn relation(&self, name: &str) -> String {
        name.into()
    }

    fn render(&self, text: &str) -> Result<Kind> {
        let (before, rest) = text.split_once("{{").unwrap();
        let (inside, after) = rest.split_once("}}").unwrap();
        let value = if inside.contains("households") {
            self.households
        } else {
            240
        };
        Ok(if before.is_empty() {
            Kind::Int(value)
        } else {
            Kind::Str(format!("{before}{value}{after}"))
        })
    }

    fn render_sql(&self, sql: &str, _: &str, _: u32) -> Result<String> {
        Ok(sql.into())
    }
}

fn segments(root: &Path) -> Vec<IndexMap<String, Value>> {
    let mut reader = csv::Reader::from_path(root.join("seeds/segmentation.csv")).unwrap();
    let names: Vec<String> = reader
        .headers()
        .unwrap()
        .iter()
        .map(str::to_string)
        .collect();
    let value = |t: &str| serde_json::from_str(t).unwrap_or_else(|_| Value::from(t));
    reader
        .records()
        .map(|r| {
            names
                .iter()
                .cloned()
                .zip(r.unwrap().iter().map(value))
                .collect()
        })
        .collect()
}

/// A line of /proc/self/status in MiB.
fn memory(key: &str) -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status
        .lines()
        .find(|l| l.starts_with(key))
        .unwrap_or_default();
    line.split_whitespace()
        .nth(1)
        .and_then(|n| n.parse::<f64>().ok())
        .unwrap_or(0.0)
        / 1024.0
}

/// CPU seconds of all threads of this process so far.
fn cpu() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .collect();
    let ticks = |i: usize| {
        fields
            .get(i)
            .and_then(|f| f.parse::<f64>().ok())
            .unwrap_or(0.0)
    };
    (ticks(11) + ticks(12)) / 100.0
}

fn main() {
    let numbers: Vec<i64> = std::env::args().filter_map(|a| a.parse().ok()).collect();
    let number = |i: usize, otherwise: i64| numbers.get(i).copied().unwrap_or(otherwise);
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let host = Project {
        households: number(0, 20_000),
        segments: segments(root),
    };
    let files: Vec<_> = ["programs", "seasons", "episodes", "users", "tracking"]
        .map(|n| {
            SourceFile::new(
                format!("{n}.yml"),
                fs::read_to_string(root.join(format!("simulations/{n}.yml"))).unwrap(),
            )
        })
        .to_vec();
    let begin = Instant::now();
    let all = Simulations::load(&files, &host).unwrap();
    println!(
        "files read and compiled in {:.1} ms",
        begin.elapsed().as_secs_f64() * 1e3
    );
    let options = Options {
        days: number(1, 15) as u32,
        threads: number(2, 2) as usize,
        ..Options::default()
    };
    for name in ["episodes", "users", "tracking"] {
        let (begin, before) = (Instant::now(), cpu());
        let digest = all.dry_run(name, &options, &host, &|_| {}).unwrap();
        let (wall, used) = (begin.elapsed().as_secs_f64(), cpu() - before);
        println!(
            "{name}: {} rows in {wall:.2} s, {:.2} M rows/s, {:.3} µs CPU a row, digest {}",
            digest.rows,
            digest.rows as f64 / wall / 1e6,
            used * 1e6 / digest.rows as f64,
            digest.text()
        );
    }
    println!("memory: {:.1} MiB at most", memory("VmHWM"));
}
