//! A throw-away PostgreSQL for tests: one server a process, a fresh database for each test.
//!
//! The server hangs on a pipe from this process: when the process ends, in whatever way, the pipe closes, the server
//! stops and its folder goes. Nothing is left behind, nothing has to be called at the end.
use super::account::Account;
use super::cluster;
use super::programs::{self, Wanted};
use super::settings;
use crate::diag::Diagnostic;
use crate::pg::{ConnectOptions, Session, quote_ident};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Waits until the pipe from us ends, then stops the server and removes its folder.
const SUPERVISOR: &str = "trap '' INT HUP TERM\n\"$@\" >log 2>&1 &\nserver=$!\ncat >/dev/null\nkill -QUIT $server\n\
     wait $server\ncd /\nrm -rf \"$HOME\"\n";

/// A server that lives no longer than this process.
#[derive(Debug)]
pub struct Scratch {
    options: ConnectOptions,
    home: PathBuf,
    bin: PathBuf,
    /// Holds the pipe open.
    supervisor: Child,
}

/// What is special about a scratch server.
#[derive(Debug, Default)]
pub struct Setup {
    /// Further settings, `name=value`.
    pub settings: Vec<String>,
    /// Another `pg_hba.conf`.
    pub hba: Option<String>,
    /// Files for the data folder, readable by the server alone.
    pub files: Vec<(String, String)>,
    /// Port, also of the socket.
    pub port: Option<u16>,
}

/// A database of one's own; dropped with the value.
#[derive(Debug)]
pub struct ScratchDb {
    /// How to connect to it.
    pub options: ConnectOptions,
}

static SERVER: OnceLock<Result<Scratch, String>> = OnceLock::new();
static COUNT: AtomicU32 = AtomicU32::new(0);

/// The server of this process, started at the first call.
///
/// # Panics
/// If there is no PostgreSQL on this machine, or it does not start: tests that need it cannot pass.
#[expect(
    clippy::panic,
    reason = "only tests call this, and without a server they fail"
)]
pub fn server() -> &'static Scratch {
    match SERVER.get_or_init(|| launch(&Setup::default())) {
        Ok(server) => server,
        Err(e) => panic!("no scratch server: {e}"),
    }
}

/// A fresh, empty database.
///
/// # Panics
/// If there is no server, or it makes no database.
#[expect(
    clippy::panic,
    reason = "only tests call this, and without a database they fail"
)]
pub fn database() -> ScratchDb {
    let server = server();
    // Of one length, because PostgreSQL cuts the lines that it shows in its errors.
    let name = format!("scratch_{:04}", COUNT.fetch_add(1, Ordering::Relaxed));
    let made = Session::connect(&server.options).and_then(|mut s| {
        // Copying files is much cheaper than logging every page of the copy.
        let how = if s.server_version() >= 150_000 {
            " strategy file_copy"
        } else {
            ""
        };
        s.execute(&format!("create database {}{how}", quote_ident(&name)))
    });
    if let Err(e) = made {
        panic!("no scratch database: {e}");
    }
    ScratchDb {
        options: ConnectOptions {
            dbname: name,
            ..server.options.clone()
        },
    }
}

impl ScratchDb {
    /// A session with it.
    ///
    /// # Panics
    /// If it cannot be opened.
    #[expect(clippy::panic, reason = "only tests call this")]
    pub fn connect(&self) -> Session {
        Session::connect(&self.options).unwrap_or_else(|e| panic!("no scratch session: {e}"))
    }
}

impl Drop for ScratchDb {
    fn drop(&mut self) {
        let sql = format!(
            "drop database {} with (force)",
            quote_ident(&self.options.dbname)
        );
        // The server's end takes it along anyway.
        let _ = Session::connect(&server().options).and_then(|mut s| s.execute(&sql));
    }
}

impl Scratch {
    /// How to connect to the server's database `postgres`.
    pub fn options(&self) -> &ConnectOptions {
        &self.options
    }

    /// Folder of PostgreSQL's programs, such as `psql`.
    pub fn bin(&self) -> &Path {
        &self.bin
    }

    /// The server's log so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.home.join("log")).unwrap_or_default()
    }
}

/// Starts a further server; it stops when the value is dropped. The error says why it does not start.
pub fn launch(setup: &Setup) -> Result<Scratch, String> {
    let text = |d: Diagnostic| crate::diag::render(&d, false);
    let env = |name: &str| std::env::var(name).ok();
    let cache = super::cache_folder(&env);
    let programs = programs::find(Wanted::Any, &env, cache.as_deref()).map_err(text)?;
    let account = Account::find().map_err(text)?;
    let home = folder(&account).map_err(|e| format!("no folder for the scratch server: {e}"))?;
    cluster::create(&programs, &account, &home, cache.as_deref()).map_err(text)?;
    let hba = setup.hba.as_ref().map(|hba| ("pg_hba.conf", hba));
    let files = setup.files.iter().map(|(name, text)| (name.as_str(), text));
    for (name, text) in files.chain(hba) {
        account
            .write(&home.join("data").join(name), text)
            .map_err(|e| format!("`{name}` cannot be written: {e}"))?;
    }
    let port = setup.port.unwrap_or(5432);
    let mut command = account.command(Path::new("/bin/sh"), &home);
    programs.prepare(&mut command);
    command
        .args(["-c", SUPERVISOR, "scratch"])
        .arg(programs.program("postgres"))
        .args(settings::arguments(&home, settings::Safety::Scratch))
        .args(["-p", &port.to_string()]);
    for setting in &setup.settings {
        command.args(["-c", setting]);
    }
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0);
    let supervisor = command
        .spawn()
        .map_err(|e| format!("/bin/sh cannot be run: {e}"))?;
    let scratch = Scratch {
        options: ConnectOptions {
            host: home.display().to_string(),
            port,
            user: cluster::ROLE.into(),
            dbname: "postgres".into(),
            retries: 0,
            ..ConnectOptions::default()
        },
        bin: programs.bin.clone(),
        home,
        supervisor,
    };
    scratch.wait()?;
    Ok(scratch)
}

impl Drop for Scratch {
    fn drop(&mut self) {
        drop(self.supervisor.stdin.take());
        // It has been told; whether it went well is seen in its absence.
        let _ = self.supervisor.wait();
    }
}

impl Scratch {
    fn wait(&self) -> Result<(), String> {
        const LIMIT: Duration = Duration::from_mins(1);
        let begin = Instant::now();
        loop {
            match Session::connect(&self.options) {
                Ok(_) => return Ok(()),
                Err(e) if begin.elapsed() > LIMIT || self.has_failed(begin) => {
                    return Err(format!("{e}\n{}", self.log()));
                }
                Err(_) => std::thread::sleep(Duration::from_millis(5)),
            }
        }
    }
}

impl Scratch {
    /// A server that has said why it ends does not come up any more.
    fn has_failed(&self, begin: Instant) -> bool {
        begin.elapsed() > Duration::from_secs(2)
            && self.log().contains("database system is shut down")
    }
}

/// A folder that the server's account can reach, with a name short enough for a socket in it.
fn folder(account: &Account) -> io::Result<PathBuf> {
    let dir = tempfile::Builder::new()
        .prefix("tv1-scratch-")
        .tempdir_in("/tmp")?;
    account.private_folder(dir.path())?;
    Ok(dir.keep())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn databases_are_empty_and_apart() {
        let (a, b) = (database(), database());
        a.connect().execute("create table t (i int)").unwrap();
        let e = b.connect().execute("select * from t").unwrap_err();
        assert_eq!(e.sqlstate, "42P01");
    }
}
