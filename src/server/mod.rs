//! The private PostgreSQL of a project: found or carried along, made, started, reused and stopped.
//!
//! In: the project's folder. Out: how to connect. The server is PostgreSQL itself with all its processes; driver and SQL
//! are the same as with any server, so nothing above knows whether a server is private. It is left running for the next
//! command, until it is stopped or has been idle for long.
mod account;
mod bundle;
mod cluster;
mod home;
mod process;
mod programs;
pub mod scratch;
mod settings;
mod start;
mod state;

pub use programs::{Programs, Source, Wanted, find as find_programs};

use crate::diag::{Diagnostic, code};
use crate::pg::{ConnectOptions, Lookup, PgError, Session, quote_ident};
use home::Home;
use process::{Postmaster, postmaster};
use rustix::process::Signal;
use state::State;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// What is asked of a private server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Database to connect to; made if it does not exist.
    pub database: String,
    /// Port on this machine (127.0.0.1) for programs that cannot use a socket; none: the socket alone.
    pub port: Option<u16>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            database: "tv1".into(),
            port: None,
        }
    }
}

/// A server that answers.
#[derive(Debug, Clone)]
pub struct Running {
    /// How to connect, through the socket.
    pub options: ConnectOptions,
    /// How other programs connect, through TCP; only if a port was asked for.
    pub tcp: Option<ConnectOptions>,
    /// Whether this call started it.
    pub started: bool,
    /// Whether this call made the cluster.
    pub made: bool,
    /// The programs that run it.
    pub programs: Programs,
    /// The folder of cluster, socket and log.
    pub home: PathBuf,
}

impl Running {
    /// The URL for people and other programs: by TCP with the password if there is TCP, else by the socket.
    pub fn url(&self) -> String {
        match &self.tcp {
            Some(tcp) => tcp.url(true),
            None => self.options.url(false),
        }
    }

    /// PostgreSQL's interactive terminal: the server's own, else one on the `PATH`.
    pub fn psql(&self, env: Lookup<'_>) -> Result<PathBuf, Diagnostic> {
        let own = self.programs.program("psql");
        let path = env("PATH").unwrap_or_default();
        std::iter::once(own)
            .chain(std::env::split_paths(&path).map(|dir| dir.join("psql")))
            .find(|p| p.is_file())
            .ok_or_else(|| {
                Diagnostic::error(code::D0638, "there is no `psql` on this machine")
                    .note("the PostgreSQL that tv1 carries has the server alone")
                    .help(programs::install_client())
            })
    }
}

/// What there is of a project's private server.
#[derive(Debug, Clone)]
pub struct Status {
    /// The folder of cluster, socket and log, whether it exists or not.
    pub home: PathBuf,
    /// Major version of the cluster; none if there is no cluster.
    pub major: Option<u32>,
    /// Process id of the server, if it runs.
    pub pid: Option<i32>,
    /// The programs that ran it last.
    pub programs: Option<Programs>,
    /// Its port on this machine, if it runs with one.
    pub port: Option<u16>,
    /// How long nobody has used it.
    pub idle: Option<Duration>,
}

/// How to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Sessions are ended, everything is written to disk.
    #[default]
    Fast,
    /// At once; the next start recovers what was committed.
    Immediate,
}

impl Mode {
    fn signal(self) -> Signal {
        match self {
            Self::Fast => Signal::INT,
            Self::Immediate => Signal::QUIT,
        }
    }
}

/// Makes sure that the project's server runs, and says how to connect. Costs one connection if it runs already.
pub fn ensure(project: &Path, options: &Options, env: Lookup<'_>) -> Result<Running, Diagnostic> {
    let home = Home::find(project)?;
    let cache = cache_folder(env);
    let running = match reuse(&home, options)? {
        Some(running) => running,
        None => {
            home.make()?;
            let _lock = home.lock()?;
            // Somebody else may have been quicker.
            match reuse(&home, options)? {
                Some(running) => running,
                None => make_and_start(&home, options, env, cache.as_deref())?,
            }
        }
    };
    state::note_use(&home, cache.as_deref());
    Ok(running)
}

/// The server as it runs; none if it does not.
fn reuse(home: &Home, options: &Options) -> Result<Option<Running>, Diagnostic> {
    let Some(state) = State::read(home) else {
        return Ok(None);
    };
    let begin = Instant::now();
    loop {
        match start::knock(home, state.port(), &options.database) {
            Ok(_) => break,
            Err(e) if e.sqlstate == "3D000" => {
                make_database(home, &state, &options.database)?;
                break;
            }
            // It is up, and more cannot be said from here.
            Err(e) if e.sqlstate == "53300" => break,
            // A server on its way down or up: the lock's holder, or a recovery, decides what comes of it.
            Err(e) if start::is_waking(&e) && begin.elapsed() < Duration::from_mins(10) => {
                std::thread::sleep(Duration::from_millis(10));
            }
            Err(e) if e.sqlstate.is_empty() => return Ok(None),
            Err(e) => return Err(refused(home, &state, &e)),
        }
    }
    if let Some(port) = options.port.filter(|p| state.tcp != Some(*p)) {
        return restart_for(home, &state, port);
    }
    Ok(Some(running(home, state, options)?))
}

fn refused(home: &Home, state: &State, e: &PgError) -> Diagnostic {
    e.diagnostic(None, Some(&start::options(home, state.port(), "")))
        .note(format!(
            "this is the private server in `{}`",
            home.dir.display()
        ))
}

/// A port can only be opened by a new start: done if nobody else works with the server.
fn restart_for(home: &Home, state: &State, port: u16) -> Result<Option<Running>, Diagnostic> {
    let others = sessions(home, state).map_err(|e| refused(home, state, &e))?;
    if others > 0 {
        let text = format!(
            "the private server runs without port {port}, and {others} sessions are at work in it"
        );
        return Err(
            Diagnostic::error(code::D0634, text).help("wait for them, or stop the server first")
        );
    }
    let _lock = home.lock()?;
    start::stop(home, Mode::Fast)?;
    Ok(None)
}

/// How many other sessions there are.
fn sessions(home: &Home, state: &State) -> Result<i64, PgError> {
    let sql = "select count(*) from pg_catalog.pg_stat_activity \
               where backend_type = 'client backend' and pid <> pg_catalog.pg_backend_pid()";
    let table = start::knock(home, state.port(), "postgres")?.fetch(sql)?;
    Ok(table
        .scalar()
        .and_then(crate::pg::Cell::as_int)
        .unwrap_or(0))
}

fn make_and_start(
    home: &Home,
    options: &Options,
    env: Lookup<'_>,
    cache: Option<&Path>,
) -> Result<Running, Diagnostic> {
    let major = cluster::major(&home.data());
    let programs = choose(home, major, env, cache)?;
    let made = major.is_none();
    if made {
        cluster::create(&programs, &home.account, &home.dir, cache)?;
    }
    let state = State {
        programs,
        tcp: options.port,
    };
    start::start(home, &state)?;
    if start::knock(home, state.port(), &options.database).is_err_and(|e| e.sqlstate == "3D000") {
        make_database(home, &state, &options.database)?;
    }
    Ok(Running {
        started: true,
        made,
        ..running(home, state, options)?
    })
}

/// The programs for a cluster: those that ran it before if they are still of its version, else what is found.
fn choose(
    home: &Home,
    major: Option<u32>,
    env: Lookup<'_>,
    cache: Option<&Path>,
) -> Result<Programs, Diagnostic> {
    let Some(major) = major else {
        return programs::find(Wanted::Any, env, cache);
    };
    let named = env("TV1_PG_BIN").is_some_and(|d| !d.is_empty());
    State::read(home)
        .filter(|_| !named)
        .and_then(|s| Programs::at(&s.programs.bin, s.programs.source))
        .filter(|p| p.major() == major)
        .map_or_else(|| programs::find(Wanted::Major(major), env, cache), Ok)
}

fn make_database(home: &Home, state: &State, name: &str) -> Result<(), Diagnostic> {
    let sql = format!("create database {}", quote_ident(name));
    let done =
        start::knock(home, state.port(), "postgres").and_then(|mut s: Session| s.execute(&sql));
    match done {
        // Somebody else may have been quicker: the name is then a duplicate, in one of two ways.
        Err(e) if !matches!(e.sqlstate.as_str(), "42P04" | "23505") => {
            Err(refused(home, state, &e))
        }
        _ => Ok(()),
    }
}

fn running(home: &Home, state: State, options: &Options) -> Result<Running, Diagnostic> {
    let socket = start::options(home, state.port(), &options.database);
    let tcp = match state.tcp {
        None => None,
        Some(port) => Some(ConnectOptions {
            host: "127.0.0.1".into(),
            port,
            password: Some(
                state::password(home).map_err(|e| home.unusable("cannot hold the password", &e))?,
            ),
            ..socket.clone()
        }),
    };
    Ok(Running {
        options: socket,
        tcp,
        started: false,
        made: false,
        programs: state.programs,
        home: home.dir.clone(),
    })
}

/// What there is of the project's private server.
pub fn status(project: &Path) -> Result<Status, Diagnostic> {
    let home = Home::find(project)?;
    let state = State::read(&home);
    let pid = match postmaster(&home.data()) {
        Postmaster::Alive(pid) => Some(pid),
        _ => None,
    };
    Ok(Status {
        major: cluster::major(&home.data()),
        port: state.as_ref().and_then(|s| s.tcp).filter(|_| pid.is_some()),
        programs: state.map(|s| s.programs),
        idle: state::idle_for(&home),
        pid,
        home: home.dir,
    })
}

/// Stops the project's private server; false if none runs.
pub fn stop(project: &Path, mode: Mode) -> Result<bool, Diagnostic> {
    let home = Home::find(project)?;
    if !home.dir.is_dir() {
        return Ok(false);
    }
    let _lock = home.lock()?;
    start::stop(&home, mode)
}

/// Removes the project's private cluster with all its data; stops its server first. False if there is none.
pub fn remove(project: &Path) -> Result<bool, Diagnostic> {
    let home = Home::find(project)?;
    if !home.dir.is_dir() {
        return Ok(false);
    }
    let _lock = home.lock()?;
    start::stop(&home, Mode::Immediate)?;
    std::fs::remove_dir_all(&home.dir).map_err(|e| home.unusable("cannot be removed", &e))?;
    Ok(true)
}

/// Stops those of the user's private servers that nobody has used for so long and nobody works with; gives their folders.
/// Every command may call this first: it looks at one small file a server.
pub fn stop_idle(idle: Duration, env: Lookup<'_>) -> Vec<PathBuf> {
    let Some(cache) = cache_folder(env) else {
        return Vec::new();
    };
    let mut stopped = Vec::new();
    for (entry, dir) in state::list(&cache) {
        let Some(home) = Home::existing(&dir) else {
            let _ = std::fs::remove_file(entry);
            continue;
        };
        if state::idle_for(&home).is_none_or(|unused| unused < idle) {
            continue;
        }
        // Whoever holds the lock uses the server.
        let Some(_lock) = home.try_lock() else {
            continue;
        };
        let busy = match State::read(&home).map(|s| sessions(&home, &s)) {
            Some(Ok(others)) => others > 0,
            // It does not run, or does not let us in.
            Some(Err(_)) | None => true,
        };
        if !busy && start::stop(&home, Mode::Fast) == Ok(true) {
            stopped.push(dir);
        }
        if matches!(
            postmaster(&home.data()),
            Postmaster::None | Postmaster::Stale(_)
        ) {
            let _ = std::fs::remove_file(entry);
        }
    }
    stopped
}

/// The user's folder for what can be made again.
pub fn cache_folder(env: Lookup<'_>) -> Option<PathBuf> {
    let set = |name: &str| env(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let base = match set("XDG_CACHE_HOME").filter(|p| p.is_absolute()) {
        Some(base) => base,
        None if cfg!(target_os = "macos") => set("HOME")?.join("Library/Caches"),
        None => set("HOME")?.join(".cache"),
    };
    Some(base.join("tv1"))
}

#[cfg(test)]
mod tests;
