//! Starts a cluster's server and waits until it answers; stops it.
use super::home::Home;
use super::process::{self, Postmaster, postmaster};
use super::settings::{self, Safety};
use super::state::{self, State};
use super::{Mode, cluster};
use crate::diag::{Diagnostic, code};
use crate::pg::{ConnectOptions, PgError, Session, quote_literal};
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

/// Wait for a server that does not answer at all.
const SILENT: Duration = Duration::from_mins(1);
/// Wait for one that says it is recovering; after a crash in a large load that takes its time.
const RECOVERING: Duration = Duration::from_mins(10);
/// Wait for an orderly stop, which writes everything to disk.
const STOPPING: Duration = Duration::from_mins(2);
/// Begins a new log beyond this many bytes.
const LOG_SIZE: u64 = 4 << 20;
/// Files that our own caller left open are not the server's: a lock or a pipe would stay open as long as it runs.
const CLEAN: &str = "exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-\nexec \"$@\"";

/// How to connect to the server in this folder.
pub(super) fn options(home: &Home, port: u16, database: &str) -> ConnectOptions {
    ConnectOptions {
        host: home.dir.display().to_string(),
        port,
        user: cluster::ROLE.into(),
        dbname: database.into(),
        ..ConnectOptions::default()
    }
}

/// One attempt to reach it.
pub(super) fn knock(home: &Home, port: u16, database: &str) -> Result<Session, PgError> {
    Session::connect(&ConnectOptions {
        retries: 0,
        ..options(home, port, database)
    })
}

/// Whether the server is there but cannot serve yet.
pub(super) fn is_waking(e: &PgError) -> bool {
    e.sqlstate == "57P03"
}

/// Starts the server on a cluster that nobody serves. The caller holds the lock.
pub(super) fn start(home: &Home, state: &State) -> Result<(), Diagnostic> {
    settle(home)?;
    process::defuse(home).map_err(|e| home.unusable("holds stale lock files", &e))?;
    let hba = "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n";
    home.account
        .write(&home.data().join("pg_hba.conf"), hba)
        .and_then(|()| state.write(home))
        .map_err(|e| home.unusable("cannot be written", &e))?;
    let log = Log::open(home)?;
    let mut child = spawn(home, state, &log)?;
    wait(home, state, &mut child, &log)?;
    if state.tcp.is_some() {
        allow_tcp(home, state)?;
    }
    Ok(())
}

/// Lets a postmaster that lives but does not answer come to its end, or to itself.
fn settle(home: &Home) -> Result<(), Diagnostic> {
    let begin = Instant::now();
    while let Postmaster::Alive(pid) = postmaster(&home.data()) {
        if begin.elapsed() > SILENT {
            let owner = process::owner(pid).map_or(String::new(), |o| format!(" (of `{o}`)"));
            return Err(Diagnostic::error(
                code::D0634,
                format!("the private server's process {pid}{owner} lives but does not answer"),
            )
            .help(format!(
                "end it with `kill {pid}` and run the command again"
            )));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

fn spawn(home: &Home, state: &State, log: &Log) -> Result<Child, Diagnostic> {
    let failed = |e: std::io::Error| {
        Diagnostic::error(
            code::D0634,
            format!("the private server's program cannot be run: {e}"),
        )
    };
    let mut command = home.account.command(Path::new("/bin/sh"), &home.dir);
    state.programs.prepare(&mut command);
    command
        .args(["-c", CLEAN, "tv1"])
        .arg(state.programs.program("postgres"))
        .args(settings::arguments(&home.dir, Safety::Kept))
        .args(["-p", &state.port().to_string()]);
    if state.tcp.is_some() {
        command.args(["-c", "listen_addresses=127.0.0.1"]);
    }
    command
        .stdout(log.file.try_clone().map_err(failed)?)
        .stderr(log.file.try_clone().map_err(failed)?)
        // A group of its own: Ctrl-C for tv1 must not stop the server in mid-commit.
        .process_group(0)
        .spawn()
        .map_err(failed)
}

fn wait(home: &Home, state: &State, child: &mut Child, log: &Log) -> Result<(), Diagnostic> {
    let begin = Instant::now();
    loop {
        let error = match knock(home, state.port(), "postgres") {
            Ok(_) => return Ok(()),
            Err(e) => e,
        };
        if let Ok(Some(status)) = child.try_wait() {
            return Err(did_not_start(
                state,
                &format!("it ended with {status}"),
                &log.news(),
            ));
        }
        let limit = if is_waking(&error) {
            RECOVERING
        } else {
            SILENT
        };
        if begin.elapsed() > limit {
            return Err(did_not_start(state, &error.to_string(), &log.news()));
        }
        std::thread::sleep(Duration::from_millis(3));
    }
}

fn did_not_start(state: &State, why: &str, log: &str) -> Diagnostic {
    let d = Diagnostic::error(
        code::D0634,
        format!("the private server did not start: {why}"),
    )
    .note(log);
    let said = |part: &str| log.contains(part);
    if said("Address already in use") {
        let port = state.port();
        d.help(format!("port {port} is taken: choose another"))
    } else if said("No space left on device") {
        d.help("make room on the disk, or in /dev/shm")
    } else if said("Cannot allocate memory") || said("could not create shared memory") {
        d.help("the server needs about 150 MB of memory")
    } else if said("incompatible with server") {
        d.help("the database was made by another version of PostgreSQL: remove its folder to build it anew")
    } else {
        d
    }
}

/// Gives the role its password, without which nobody comes in by TCP.
fn allow_tcp(home: &Home, state: &State) -> Result<(), Diagnostic> {
    let password =
        state::password(home).map_err(|e| home.unusable("cannot hold the password", &e))?;
    let sql = format!(
        "set log_statement = 'none'; set log_min_error_statement = 'panic'; set password_encryption = 'scram-sha-256'; \
         alter role {} password {}",
        cluster::ROLE,
        quote_literal(password.expose())
    );
    knock(home, state.port(), "postgres")
        .and_then(|mut s| s.execute(&sql))
        .map(drop)
        .map_err(|e| e.diagnostic(None, None))
}

/// Stops the server; false if none runs. The caller holds the lock.
pub(super) fn stop(home: &Home, mode: Mode) -> Result<bool, Diagnostic> {
    let Postmaster::Alive(pid) = postmaster(&home.data()) else {
        return Ok(false);
    };
    let failed = |why: String| {
        Diagnostic::error(
            code::D0635,
            format!("the private server (process {pid}) did not stop: {why}"),
        )
    };
    process::signal(pid, mode.signal()).map_err(|e| failed(e.to_string()))?;
    let begin = Instant::now();
    while postmaster(&home.data()) == Postmaster::Alive(pid) {
        if begin.elapsed() > STOPPING {
            let d = failed(format!(
                "it is still at work after {} seconds",
                STOPPING.as_secs()
            ));
            return Err(
                d.help("stop it at once with the immediate mode; what was committed is safe")
            );
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(true)
}

/// The server's log, and where in it this start begins.
struct Log {
    file: File,
    begin: u64,
}

impl Log {
    fn open(home: &Home) -> Result<Self, Diagnostic> {
        let path = home.dir.join("log");
        if fs::metadata(&path).is_ok_and(|m| m.len() > LOG_SIZE) {
            let _ = fs::rename(&path, home.dir.join("log.old"));
        }
        let opened = File::options()
            .create(true)
            .read(true)
            .append(true)
            .open(&path);
        opened
            .and_then(|file| {
                let begin = file.metadata()?.len();
                Ok(Self { file, begin })
            })
            .map_err(|e| home.unusable("has no log that can be written", &e))
    }

    /// What the server has written since, the last lines of it.
    fn news(&self) -> String {
        let mut text = Vec::new();
        let read = self.file.try_clone().and_then(|mut f| {
            f.seek(SeekFrom::Start(self.begin))?;
            f.take(64 << 10).read_to_end(&mut text)
        });
        if read.is_err() {
            return String::new();
        }
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(8)..].join("\n")
    }
}
