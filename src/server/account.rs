//! Whose processes and files the server's are. PostgreSQL refuses to run as root; then they belong to `postgres` or `nobody`.
use crate::diag::{Diagnostic, code};
use crate::pg::passwd;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

/// The account that runs the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Account {
    /// Another user than ours: name, user id, group id.
    other: Option<passwd::User>,
    /// User id of this process.
    own_uid: u32,
}

impl Account {
    /// Our own, or, for root, `postgres`, else `nobody`.
    pub(super) fn find() -> Result<Self, Diagnostic> {
        let own_uid = rustix::process::geteuid().as_raw();
        if own_uid != 0 {
            return Ok(Self {
                other: None,
                own_uid,
            });
        }
        let other = passwd::by_name("postgres").or_else(|| passwd::by_name("nobody"));
        match other {
            Some(user) => Ok(Self {
                other: Some(user),
                own_uid,
            }),
            None => Err(Diagnostic::error(
                code::D0632,
                "PostgreSQL does not run as root, and there is no user `postgres` or `nobody` to run it as",
            )
            .help("run tv1 as an ordinary user, or make one for the server: `useradd --system postgres`")),
        }
    }

    /// User id of this process.
    pub(super) fn own_uid(&self) -> u32 {
        self.own_uid
    }

    /// User id of the server's processes and files.
    pub(super) fn uid(&self) -> u32 {
        self.other.as_ref().map_or(self.own_uid, |u| u.uid)
    }

    /// As root, the account of whoever owns a cluster already; otherwise no change.
    pub(super) fn acting_for(self, uid: u32, gid: u32) -> Self {
        if self.own_uid != 0 || uid == 0 {
            return self;
        }
        let name = passwd::name_of(uid).unwrap_or_else(|| uid.to_string());
        Self {
            other: Some(passwd::User { name, uid, gid }),
            ..self
        }
    }

    /// Whether the account's processes can enter a folder.
    pub(super) fn can_enter(&self, folder: &Path) -> bool {
        self.other.is_none()
            || self
                .command(Path::new("/bin/sh"), Path::new("/"))
                .args(["-c", "test -x \"$0\""])
                .arg(folder)
                .status()
                .is_ok_and(|s| s.success())
    }

    /// The other user's name, if it is not ours.
    pub(super) fn name(&self) -> Option<&str> {
        self.other.as_ref().map(|u| u.name.as_str())
    }

    /// A program that runs as this account in `folder`, without our `PG*` variables, input and rights.
    pub(super) fn command(&self, program: &Path, folder: &Path) -> Command {
        let mut command = Command::new(program);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("PG") {
                command.env_remove(name);
            }
        }
        command
            .current_dir(folder)
            .env("HOME", folder)
            .env("LC_ALL", "C")
            .stdin(Stdio::null());
        if let Some(user) = &self.other {
            // The standard library empties the list of further groups when root changes the user.
            command.gid(user.gid).uid(user.uid);
        }
        command
    }

    /// Gives a file or folder to the account.
    pub(super) fn own(&self, path: &Path) -> io::Result<()> {
        match &self.other {
            Some(user) => std::os::unix::fs::lchown(path, Some(user.uid), Some(user.gid)),
            None => Ok(()),
        }
    }

    /// Writes a file that only the account can read.
    pub(super) fn write(&self, path: &Path, text: &str) -> io::Result<()> {
        if let Err(e) = std::fs::remove_file(path)
            && e.kind() != io::ErrorKind::NotFound
        {
            return Err(e);
        }
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)?;
        file.write_all(text.as_bytes())?;
        self.own(path)
    }

    /// Makes a folder that only the account can enter, if there is none.
    pub(super) fn private_folder(&self, path: &Path) -> io::Result<()> {
        if !path.is_dir() {
            std::fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(path)?;
        }
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700))?;
        self.own(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_account_is_never_root_and_has_no_further_groups() {
        let account = Account::find().unwrap();
        assert_ne!(account.uid(), 0);
        let dir = tempfile::tempdir().unwrap();
        account.private_folder(dir.path()).unwrap();
        let out = account
            .command(Path::new("id"), dir.path())
            .output()
            .unwrap();
        let text = String::from_utf8(out.stdout).unwrap();
        assert!(text.contains(&format!("uid={}(", account.uid())), "{text}");
        if account.name().is_some() {
            let groups = text.split("groups=").nth(1).unwrap_or_default();
            assert!(!groups.contains(','), "{text}");
        }
    }
}
