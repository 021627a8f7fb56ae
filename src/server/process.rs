//! Whether a cluster's postmaster lives. A process id alone proves nothing: it may be a zombie's, or another process'.
use super::home::Home;
use crate::pg::passwd;
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The process that the cluster's `postmaster.pid` names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Postmaster {
    /// There is no such file.
    None,
    /// It lives and is this cluster's.
    Alive(i32),
    /// It is dead, a zombie, or some other program.
    Stale(i32),
}

/// Looks at `postmaster.pid` and at the process that it names.
pub(super) fn postmaster(data: &Path) -> Postmaster {
    let Some(pid) = fs::read_to_string(data.join("postmaster.pid"))
        .ok()
        .and_then(|text| text.lines().next()?.trim().parse().ok())
    else {
        return Postmaster::None;
    };
    if serves(pid, data) {
        Postmaster::Alive(pid)
    } else {
        Postmaster::Stale(pid)
    }
}

/// Whether the process lives and works in this data folder, as a postmaster does.
fn serves(pid: i32, data: &Path) -> bool {
    if !Path::new("/proc/self/stat").exists() {
        return by_ps(pid, data);
    }
    let folder = format!("/proc/{pid}");
    !is_zombie(&folder)
        && fs::read_link(format!("{folder}/cwd"))
            .is_ok_and(|cwd| data.canonicalize().is_ok_and(|data| data == cwd))
}

/// The state is the first letter after the name, which may itself hold blanks and parentheses.
fn is_zombie(folder: &str) -> bool {
    let stat = fs::read_to_string(format!("{folder}/stat")).unwrap_or_default();
    let state = stat
        .rsplit(')')
        .next()
        .and_then(|s| s.trim().chars().next());
    matches!(state, None | Some('Z' | 'X'))
}

/// For systems without `/proc`: the state and the command line, in which our data folder is named.
fn by_ps(pid: i32, data: &Path) -> bool {
    let out = Command::new("ps")
        .args(["-ww", "-o", "stat=,command=", "-p", &pid.to_string()])
        .output();
    let text = out
        .map(|o| String::from_utf8_lossy(&o.stdout).into_owned())
        .unwrap_or_default();
    let text = text.trim();
    !text.is_empty() && !text.starts_with('Z') && text.contains(&*data.to_string_lossy())
}

/// Sends a signal.
pub(super) fn signal(pid: i32, signal: Signal) -> io::Result<()> {
    let pid = Pid::from_raw(pid).ok_or(io::ErrorKind::InvalidInput)?;
    Ok(kill_process(pid, signal)?)
}

/// Makes the lock files of a dead postmaster harmless: `postmaster.pid` and that of the socket.
///
/// PostgreSQL removes them by itself if no process has the number in them, or only another user's has. If one of our own
/// has it by chance (common in containers, where numbers start over), or a zombie, the server would refuse to start. Then
/// only the number is replaced by one that no process has. The rest stays, so that PostgreSQL still finds out by the shared
/// memory named in it whether backends of the dead postmaster are at work.
pub(super) fn defuse(home: &Home) -> io::Result<()> {
    let Some(free) = (90_000..99_000).rev().find(|pid| !is_taken(*pid)) else {
        return Ok(());
    };
    for file in lock_files(home)? {
        let text = fs::read_to_string(&file)?;
        let (first, rest) = text.split_once('\n').unwrap_or((&text, ""));
        if first
            .trim()
            .trim_start_matches('-')
            .parse()
            .is_ok_and(is_taken)
        {
            home.account.write(&file, &format!("{free}\n{rest}"))?;
        }
    }
    Ok(())
}

fn lock_files(home: &Home) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(&home.dir)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with(".s.PGSQL.") && entry.path().extension().is_some_and(|e| e == "lock") {
            files.push(entry.path());
        }
    }
    files.sort();
    files.extend(Some(home.data().join("postmaster.pid")).filter(|f| f.exists()));
    Ok(files)
}

fn is_taken(pid: i32) -> bool {
    let gone = Err(rustix::io::Errno::SRCH);
    Pid::from_raw(pid).is_some_and(|pid| rustix::process::test_kill_process(pid) != gone)
}

/// Name of the user that a process belongs to, for messages.
pub(super) fn owner(pid: i32) -> Option<String> {
    use std::os::unix::fs::MetadataExt;
    let meta = fs::metadata(format!("/proc/{pid}")).ok()?;
    passwd::name_of(meta.uid())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zombies_and_strangers_are_not_postmasters() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(postmaster(dir.path()), Postmaster::None);
        let write = |pid: u32| {
            fs::write(dir.path().join("postmaster.pid"), format!("{pid}\n/x\n")).unwrap();
        };
        write(std::process::id());
        assert_eq!(
            postmaster(dir.path()),
            Postmaster::Stale(std::process::id() as i32)
        );
        let mut child = Command::new("sleep")
            .arg("60")
            .current_dir(dir.path())
            .spawn()
            .unwrap();
        let pid = child.id() as i32;
        write(child.id());
        assert_eq!(postmaster(dir.path()), Postmaster::Alive(pid));
        child.kill().unwrap();
        while !is_zombie(&format!("/proc/{pid}")) {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        assert!(Path::new(&format!("/proc/{pid}")).exists());
        assert_eq!(postmaster(dir.path()), Postmaster::Stale(pid));
        child.wait().unwrap();
        assert_eq!(postmaster(dir.path()), Postmaster::Stale(pid));
        assert_eq!(owner(1).as_deref(), Some("root"));
    }
}
