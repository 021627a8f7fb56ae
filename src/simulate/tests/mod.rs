//! Tests of the whole engine without a database.
mod behaviour;
mod checks;
mod docs;
mod files;
mod load;
mod load_again;
mod realism;
mod truth;

use super::host::{Host, HostTable, TableKind};
use super::run::{self, Failure, Row, RowSink};
use super::{Options, Simulations, frame::Frame};
use crate::diag::{Result, render};
use crate::text::SourceFile;
use crate::yaml::Kind;
use indexmap::IndexMap;
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A host with seeds in memory and `var('name', default)` as its only Jinja.
#[derive(Default)]
pub struct Project {
    pub seeds: BTreeMap<String, Vec<IndexMap<String, Json>>>,
    pub vars: BTreeMap<String, i64>,
}

impl Project {
    /// TV ONE's own seeds.
    pub fn tv_one() -> Self {
        let mut project = Self::default();
        for name in ["segmentation", "titles"] {
            let path = format!("{}/seeds/{name}.csv", env!("CARGO_MANIFEST_DIR"));
            if std::path::Path::new(&path).exists() {
                project.csv(name, &std::fs::read_to_string(path).unwrap());
            }
        }
        project
    }

    /// Adds a seed from CSV text; values are text, numbers where all of a column are.
    pub fn csv(&mut self, name: &str, text: &str) {
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let headers: Vec<String> = reader
            .headers()
            .unwrap()
            .iter()
            .map(str::to_string)
            .collect();
        let rows: Vec<Vec<String>> = reader
            .records()
            .map(|r| r.unwrap().iter().map(str::to_string).collect())
            .collect();
        let number = |i: usize| rows.iter().all(|r| r[i].parse::<f64>().is_ok());
        let numeric: Vec<bool> = (0..headers.len()).map(number).collect();
        let made = rows
            .iter()
            .map(|r| {
                headers
                    .iter()
                    .enumerate()
                    .map(|(i, h)| {
                        let value = if numeric[i] {
                            serde_json::from_str(&r[i]).unwrap()
                        } else {
                            Json::from(r[i].as_str())
                        };
                        (h.clone(), value)
                    })
                    .collect()
            })
            .collect();
        self.seeds.insert(name.into(), made);
    }
}

impl Host for Project {
    fn tables(&self) -> Vec<HostTable> {
        self.seeds
            .iter()
            .map(|(name, rows)| HostTable {
                name: name.clone(),
                kind: TableKind::Seed,
                columns: rows[0].keys().map(|k| (k.clone(), None)).collect(),
                keys: Vec::new(),
            })
            .collect()
    }

    fn table_rows(&self, name: &str) -> Result<Vec<IndexMap<String, Json>>> {
        Ok(self.seeds[name].clone())
    }

    fn relation(&self, name: &str) -> String {
        format!("\"tv_one\".\"{name}\"")
    }

    fn render(&self, text: &str) -> Result<Kind> {
        let (before, rest) = text.split_once("{{ var('").unwrap();
        let (inside, after) = rest.split_once(") }}").unwrap();
        let (name, default) = inside.split_once("', ").unwrap();
        let value = self
            .vars
            .get(name)
            .copied()
            .unwrap_or_else(|| default.parse().unwrap());
        Ok(if before.is_empty() && after.is_empty() {
            Kind::Int(value)
        } else {
            Kind::Str(format!("{before}{value}{after}"))
        })
    }

    fn render_sql(&self, sql: &str, this: &str, days: u32) -> Result<String> {
        Ok(sql
            .replace("{{ this }}", this)
            .replace("{{ ref('users') }}", "tv_one.users")
            .replace("{{ sim_days }}", &days.to_string()))
    }
}

pub fn file(name: &str, text: &str) -> Arc<SourceFile> {
    SourceFile::new(format!("simulations/{name}.yml"), text)
}

/// TV ONE's files.
pub fn tv_one_files() -> Vec<Arc<SourceFile>> {
    ["programs", "seasons", "episodes", "users", "tracking"]
        .map(|n| {
            file(
                n,
                &std::fs::read_to_string(format!(
                    "{}/simulations/{n}.yml",
                    env!("CARGO_MANIFEST_DIR")
                ))
                .unwrap(),
            )
        })
        .to_vec()
}

pub fn loaded(files: &[Arc<SourceFile>], host: &Project) -> Simulations {
    Simulations::load(files, host).unwrap_or_else(|e| panic!("{e}"))
}

/// The findings on some text, drawn.
pub fn findings(text: &str, host: &Project) -> String {
    match Simulations::load(&[file("users", text)], host) {
        Ok(s) => s
            .warnings
            .iter()
            .map(|d| render(d, false))
            .collect::<Vec<_>>()
            .join("\n\n"),
        Err(e) => e.to_string(),
    }
}

pub fn options(days: u32) -> Options {
    Options {
        days,
        threads: 2,
        ..Options::default()
    }
}

/// Rows as text.
pub fn rows(
    s: &Simulations,
    name: &str,
    limit: usize,
    days: u32,
    host: &Project,
) -> Vec<Vec<Option<String>>> {
    s.preview(name, limit, &options(days), host)
        .unwrap_or_else(|e| panic!("{e}"))
        .rows
}

/// Rows of a text with one simulation, joined by `|`, one a line.
pub fn table(text: &str, name: &str, limit: usize) -> String {
    let host = Project::default();
    let s = loaded(&[file(name, text)], &host);
    let rows = rows(&s, name, limit, 5, &host);
    let line = |r: &Vec<Option<String>>| {
        r.iter()
            .map(|v| v.as_deref().unwrap_or("·"))
            .collect::<Vec<_>>()
            .join(" | ")
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Takes rows and gives nothing but the digest.
pub struct Digests {
    pub digest: super::Digest,
    pub buffer: Vec<u8>,
}

impl RowSink for Digests {
    fn row(&mut self, frame: &mut Frame, row: Row<'_>) -> std::result::Result<(), Failure> {
        self.buffer.clear();
        super::copy::encode_row(&mut self.buffer, row.out, frame);
        self.digest.add(&self.buffer);
        Ok(())
    }
}

/// The digest of a table made on so many threads in chunks of so many root rows, from a day on.
pub fn digest(
    s: &Simulations,
    name: &str,
    days: u32,
    threads: usize,
    chunk: u64,
    from: Option<i64>,
    host: &Project,
) -> super::Digest {
    let program = s.program(name).unwrap();
    let world = s
        .world(&program, &options(days), host)
        .unwrap_or_else(|e| panic!("{e}"));
    let chunks = run::chunks(&program, &world, chunk);
    let counts =
        run::count(&program, &world, &chunks, threads).unwrap_or_else(|e| panic!("{}", e.message));
    let work = run::Work::new(&program, &world, &counts, &chunks, from);
    let all = std::sync::Mutex::new(super::Digest::default());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut sink = Digests {
                    digest: super::Digest::default(),
                    buffer: Vec::new(),
                };
                work.run(&mut sink)
                    .unwrap_or_else(|e| panic!("{}", e.message));
                all.lock().unwrap().merge(sink.digest);
            });
        }
    });
    all.into_inner().unwrap()
}
