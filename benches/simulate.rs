//! How fast TV ONE's viewing events are made: rows a second, CPU time a row, memory; and, with the URL of a database,
//! how fast they are loaded, beside a bare COPY of the same bytes over the same number of connections.
//!
//! `cargo bench --bench simulate -- [households] [days] [threads] [postgres://…]`
//!
//! The database's schema `tv_one` is dropped and made anew.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark prints its figures"
)]
use indexmap::IndexMap;
use serde_json::Value;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::time::Instant;
use tv1::diag::Result;
use tv1::pg::{ConnectOptions, Session};
use tv1::simulate::{
    Host, HostTable, Options, Progress, Simulations, Stage, Surroundings, TableKind,
};
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

    fn render_sql(&self, sql: &str, this: &str, days: u32) -> Result<String> {
        Ok(sql
            .replace("{{ this }}", this)
            .replace("{{ ref('users') }}", "tv_one.users")
            .replace("{{ sim_days }}", &days.to_string()))
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

/// CPU seconds of all threads of this process so far: in the program itself, and in the kernel for it.
#[derive(Debug, Clone, Copy)]
struct Cpu {
    user: f64,
    kernel: f64,
}

impl Cpu {
    /// What has been used since, in µs a row.
    fn since(self, before: Self, rows: f64) -> String {
        let (user, kernel) = (self.user - before.user, self.kernel - before.kernel);
        let micros = |seconds: f64| seconds * 1e6 / rows;
        format!(
            "{:.3} µs ({:.3} in the program, {:.3} in the kernel)",
            micros(user + kernel),
            micros(user),
            micros(kernel)
        )
    }
}

fn cpu() -> Cpu {
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
    Cpu {
        user: ticks(11) / 100.0,
        kernel: ticks(12) / 100.0,
    }
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
        let (wall, after) = (begin.elapsed().as_secs_f64(), cpu());
        println!(
            "{name}: {} rows in {wall:.2} s, {:.2} M rows/s, CPU a row {}, digest {}",
            digest.rows,
            digest.rows as f64 / wall / 1e6,
            after.since(before, digest.rows as f64),
            digest.text()
        );
    }
    println!("memory: {:.1} MiB at most", memory("VmHWM"));
    if let Some(url) = std::env::args().find(|a| a.starts_with("postgres")) {
        let url = ConnectOptions::from_url(&url, &|_| None).unwrap();
        load(&all, &options, &host, &url);
    }
}

/// CPU seconds of the server's backends that have ended, where the server runs on this machine.
fn backends(session: &mut Session) -> f64 {
    let fields = |pid: &str| -> Vec<String> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let rest = stat.rsplit(')').next().unwrap_or_default();
        rest.split_whitespace().map(str::to_string).collect()
    };
    let own = fields(&session.backend_pid().to_string());
    let server = fields(own.get(1).map_or("", String::as_str));
    let ticks = |i: usize| server.get(i).and_then(|f| f.parse::<f64>().ok());
    (ticks(13).unwrap_or(0.0) + ticks(14).unwrap_or(0.0)) / 100.0
}

/// Loads the tables, then the bytes of the largest once more with nothing but COPY.
fn load(all: &Simulations, options: &Options, host: &Project, url: &ConnectOptions) {
    let mut session = Session::connect(url).unwrap();
    session
        .execute("drop schema if exists tv_one cascade; create schema tv_one")
        .unwrap();
    let cancelled = AtomicBool::new(false);
    let connect =
        || Session::connect(url).map_err(|e| tv1::diag::Stopped::from(e.diagnostic(None, None)));
    let mut rows = 0;
    for name in ["users", "tracking"] {
        // When each stage began: wall clock and CPU time.
        let stages: Mutex<Vec<(Stage, Instant, Cpu)>> = Mutex::new(Vec::new());
        let listen = |p: Progress<'_>| {
            let mut stages = stages.lock().unwrap();
            if stages.last().is_none_or(|s| s.0 != p.stage) {
                stages.push((p.stage, Instant::now(), cpu()));
            }
        };
        let around = Surroundings {
            host,
            connect: &connect,
            listen: &listen,
            cancelled: &cancelled,
        };
        let (begin, before, server) = (Instant::now(), cpu(), backends(&mut session));
        let fresh = Options {
            full_refresh: true,
            ..options.clone()
        };
        let done = all.run_one(name, &fresh, around).unwrap();
        rows = done.rows;
        let n = rows as f64;
        let took = begin.elapsed().as_secs_f64();
        println!(
            "{name}: {rows} rows loaded, indexed and checked in {took:.2} s, {:.0} k rows/s; CPU a row: client {}, \
             server {:.3} µs; memory {:.1} MiB at most; digest {}",
            n / took / 1e3,
            cpu().since(before, n),
            (backends(&mut session) - server) * 1e6 / n,
            memory("VmHWM"),
            done.digest
        );
        let stages = stages.into_inner().unwrap();
        for pair in stages.windows(2) {
            let wall = (pair[1].1 - pair[0].1).as_secs_f64();
            println!(
                "  {:?}: {wall:.2} s, {:.0} k rows/s, client CPU a row {}",
                pair[0].0,
                n / wall / 1e3,
                pair[1].2.since(pair[0].2, n)
            );
        }
    }
    bare_copy(url, options.threads, rows);
}

/// A COPY of the same bytes from files, over as many connections.
fn bare_copy(url: &ConnectOptions, connections: usize, rows: u64) {
    let mut session = Session::connect(url).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let files: Vec<PathBuf> = (0..connections)
        .map(|i| folder.path().join(i.to_string()))
        .collect();
    for (i, path) in files.iter().enumerate() {
        let sql = format!(
            "copy (select * from tv_one.tracking where tracking_id % {connections} = {i}) to stdout (format binary)"
        );
        let mut file = std::io::BufWriter::new(fs::File::create(path).unwrap());
        session.copy_out(&sql, &mut file).unwrap();
    }
    session
        .execute("create table tv_one.bare (like tv_one.tracking)")
        .unwrap();
    let (begin, before, server) = (Instant::now(), cpu(), backends(&mut session));
    std::thread::scope(|scope| {
        for path in &files {
            scope.spawn(move || {
                let mut session = Session::connect(url).unwrap();
                let mut copy = session
                    .copy_in("copy tv_one.bare from stdin (format binary)")
                    .unwrap();
                let mut file = fs::File::open(path).unwrap();
                let mut block = vec![0; 256 * 1024];
                loop {
                    let n = file.read(&mut block).unwrap();
                    if n == 0 {
                        break;
                    }
                    copy.send(&block[..n]).unwrap();
                }
                copy.finish().unwrap();
            });
        }
    });
    let (wall, n) = (begin.elapsed().as_secs_f64(), rows as f64);
    std::thread::sleep(std::time::Duration::from_millis(300));
    println!(
        "bare COPY of the same bytes: {wall:.2} s, {:.0} k rows/s; CPU a row: client {}, server {:.3} µs",
        n / wall / 1e3,
        cpu().since(before, n),
        (backends(&mut session) - server) * 1e6 / n
    );
}
