//! What is kept beside a cluster: which programs run it, how it listens, when it was last used; and the user's list of
//! servers, by which idle ones are found.
use super::home::Home;
use super::programs::{Programs, Source};
use crate::pg::Secret;
use serde_json::{Value, json};
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// The port in the socket's name when nobody asks for TCP.
pub(super) const SOCKET_PORT: u16 = 5432;

/// How the server was last started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct State {
    pub programs: Programs,
    /// Port of TCP on this machine, if it listens there.
    pub tcp: Option<u16>,
}

impl State {
    /// Port of the socket: the server has one for both.
    pub(super) fn port(&self) -> u16 {
        self.tcp.unwrap_or(SOCKET_PORT)
    }

    pub(super) fn read(home: &Home) -> Option<Self> {
        let text = fs::read_to_string(home.dir.join("server.json")).ok()?;
        let v: Value = serde_json::from_str(&text).ok()?;
        Some(Self {
            programs: Programs {
                bin: PathBuf::from(v["programs"].as_str()?),
                version: v["version"].as_str()?.to_owned(),
                source: Source::parse(v["found"].as_str()?)?,
            },
            tcp: v["port"].as_u64().and_then(|p| u16::try_from(p).ok()),
        })
    }

    pub(super) fn write(&self, home: &Home) -> io::Result<()> {
        let text = json!({
            "version": self.programs.version,
            "programs": self.programs.bin,
            "found": self.programs.source.name(),
            "port": self.tcp,
        });
        write_private(&home.dir.join("server.json"), &format!("{text:#}\n"))
    }
}

/// Replaces a file that only we can read, all at once.
fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let fresh = path.with_extension("new");
    let _ = fs::remove_file(&fresh);
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&fresh)?;
    file.write_all(text.as_bytes())?;
    fs::rename(fresh, path)
}

/// The password for TCP: made once for a cluster, kept where only we can read it.
pub(super) fn password(home: &Home) -> io::Result<Secret> {
    let file = home.dir.join("password");
    if let Some(text) = fs::read_to_string(&file)
        .ok()
        .filter(|t| !t.trim().is_empty())
    {
        return Ok(Secret::new(text.trim()));
    }
    let text = uuid::Uuid::new_v4().simple().to_string();
    write_private(&file, &format!("{text}\n"))?;
    Ok(Secret::new(text))
}

/// Notes that the server is in use now, here and in the user's list.
pub(super) fn note_use(home: &Home, cache: Option<&Path>) {
    // A note that cannot be written costs an idle server its early end, nothing else.
    let _ = fs::write(home.dir.join("used"), "");
    if let Some(file) = cache.and_then(|c| listed(c, home))
        && !file.exists()
        && let Some(folder) = file.parent()
    {
        let _ = fs::create_dir_all(folder);
        let _ = fs::write(&file, home.dir.as_os_str().as_encoded_bytes());
    }
}

/// How long nobody has used the server.
pub(super) fn idle_for(home: &Home) -> Option<Duration> {
    let used = fs::metadata(home.dir.join("used")).ok()?.modified().ok()?;
    SystemTime::now().duration_since(used).ok()
}

/// The list's entry for a server.
fn listed(cache: &Path, home: &Home) -> Option<PathBuf> {
    let name = home.dir.to_string_lossy().replace(['/', '.'], "-");
    (name.len() < 250).then(|| cache.join("servers").join(name))
}

/// The entries of the user's list with the folders that they name.
pub(super) fn list(cache: &Path) -> Vec<(PathBuf, PathBuf)> {
    let mut found: Vec<_> = fs::read_dir(cache.join("servers"))
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|e| Some((e.path(), PathBuf::from(fs::read_to_string(e.path()).ok()?))))
        .collect();
    found.sort();
    found
}
