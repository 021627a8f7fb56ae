//! The folder of a project's private server: where it lies, whose it is, and the lock on it.
use super::account::Account;
use crate::diag::{Diagnostic, code};
use rustix::fs::{FlockOperation, flock};
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

/// Longest path of a socket (`sun_path` without the final zero).
const SOCKET_PATH: usize = if cfg!(target_os = "linux") { 107 } else { 103 };
/// Where clusters go that cannot be in their project; outlives a restart of the machine.
const ELSEWHERE: &str = "/var/tmp";

/// A project's server folder; it need not exist yet.
#[derive(Debug, Clone)]
pub(super) struct Home {
    /// The folder.
    pub dir: PathBuf,
    /// Whose processes and files the server's are.
    pub account: Account,
}

/// Released when dropped, or when the process ends.
pub(super) struct Lock(#[expect(dead_code, reason = "holds the lock")] File);

impl Home {
    /// The folder for this project.
    pub(super) fn find(project: &Path) -> Result<Self, Diagnostic> {
        let project = project.canonicalize().map_err(|e| {
            Diagnostic::error(
                code::D0636,
                format!("the folder `{}` cannot be entered: {e}", project.display()),
            )
        })?;
        let account = Account::find()?;
        let near = project.join(".tv1/postgres");
        let far = elsewhere(&project, account.own_uid());
        let usable = fits(&near) && account.can_enter(&project);
        let dir = if usable { near } else { far };
        let account = match fs::metadata(dir.join("data")) {
            // Whoever made the cluster runs it: root then acts for him.
            Ok(meta) => account.acting_for(meta.uid(), meta.gid()),
            Err(_) => account,
        };
        Ok(Self { dir, account })
    }

    /// A server folder that exists, by its own path.
    pub(super) fn existing(dir: &Path) -> Option<Self> {
        let meta = fs::metadata(dir.join("data")).ok()?;
        let account = Account::find().ok()?.acting_for(meta.uid(), meta.gid());
        Some(Self {
            dir: dir.to_path_buf(),
            account,
        })
    }

    /// The cluster's folder.
    pub(super) fn data(&self) -> PathBuf {
        self.dir.join("data")
    }

    /// Makes the folder and what it needs above it.
    pub(super) fn make(&self) -> Result<(), Diagnostic> {
        self.make_parent()
            .and_then(|()| self.account.private_folder(&self.dir))
            .map_err(|e| self.unusable("cannot be made", &e))
    }

    fn make_parent(&self) -> io::Result<()> {
        let Some(parent) = self.dir.parent() else {
            return Ok(());
        };
        if parent.file_name().is_some_and(|n| n == ".tv1") {
            fs::create_dir_all(parent)?;
            let ignore = parent.join(".gitignore");
            if !ignore.exists() {
                fs::write(ignore, "*\n")?;
            }
            return Ok(());
        }
        // Others may pass through if the server is another's, but not look around.
        let passing = self.account.uid() != self.account.own_uid();
        let mode = if passing { 0o711 } else { 0o700 };
        match fs::DirBuilder::new().mode(mode).create(parent) {
            Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(e),
            _ => {}
        }
        // Everybody may write in /var/tmp: what is there must be ours and no link.
        let meta = fs::symlink_metadata(parent)?;
        if !meta.is_dir() || meta.uid() != self.account.own_uid() {
            let text = format!("`{}` belongs to somebody else", parent.display());
            return Err(io::Error::other(text));
        }
        Ok(())
    }

    /// Waits for the lock.
    pub(super) fn lock(&self) -> Result<Lock, Diagnostic> {
        self.locked(FlockOperation::LockExclusive)
            .map_err(|e| self.unusable("cannot be locked", &e))
    }

    /// Takes the lock if nobody has it.
    pub(super) fn try_lock(&self) -> Option<Lock> {
        self.locked(FlockOperation::NonBlockingLockExclusive).ok()
    }

    fn locked(&self, how: FlockOperation) -> io::Result<Lock> {
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(self.dir.join("lock"))?;
        loop {
            match flock(&file, how) {
                Err(rustix::io::Errno::INTR) => {}
                result => return Ok(result.map(|()| Lock(file))?),
            }
        }
    }

    /// The error for a folder that does not serve.
    pub(super) fn unusable(&self, what: &str, e: &io::Error) -> Diagnostic {
        let d = Diagnostic::error(
            code::D0636,
            format!(
                "the private database's folder `{}` {what}: {e}",
                self.dir.display()
            ),
        );
        let owner = fs::metadata(&self.dir).map(|m| m.uid());
        match owner {
            Ok(uid)
                if uid != self.account.own_uid() && e.kind() == io::ErrorKind::PermissionDenied =>
            {
                let name = crate::pg::passwd::name_of(uid).unwrap_or_else(|| uid.to_string());
                d.help(format!(
                    "it belongs to `{name}`: run tv1 as `{name}` or as root, or remove the folder"
                ))
            }
            _ => d,
        }
    }
}

/// Whether a socket in this folder has a name short enough, whatever its port.
fn fits(dir: &Path) -> bool {
    dir.join(".s.PGSQL.65535").as_os_str().len() <= SOCKET_PATH
}

fn elsewhere(project: &Path, uid: u32) -> PathBuf {
    let digest = Sha256::digest(project.as_os_str().as_encoded_bytes());
    let mut name = String::with_capacity(16);
    for byte in digest.iter().take(8) {
        name.push_str(&format!("{byte:02x}"));
    }
    Path::new(ELSEWHERE).join(format!("tv1-{uid}")).join(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn folder(mode: u32) -> tempfile::TempDir {
        let dir = tempfile::tempdir_in("/tmp").unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(mode)).unwrap();
        dir
    }

    #[test]
    fn in_the_project_if_that_works_else_elsewhere() {
        let open = folder(0o755);
        let home = Home::find(open.path()).unwrap();
        assert_eq!(
            home.dir,
            open.path().canonicalize().unwrap().join(".tv1/postgres")
        );
        home.make().unwrap();
        assert_eq!(
            fs::read_to_string(open.path().join(".tv1/.gitignore")).unwrap(),
            "*\n"
        );
        let meta = fs::metadata(&home.dir).unwrap();
        assert_eq!(
            (meta.uid(), meta.mode() & 0o777),
            (home.account.uid(), 0o700)
        );
        let deep = open.path().join("a".repeat(80));
        fs::create_dir(&deep).unwrap();
        let home = Home::find(&deep).unwrap();
        assert!(home.dir.starts_with("/var/tmp"), "{home:?}");
        assert!(fits(&home.dir));
        let closed = folder(0o700);
        let home = Home::find(closed.path()).unwrap();
        let reachable = home.account.uid() == home.account.own_uid();
        assert_eq!(home.dir.starts_with("/var/tmp"), !reachable);
        if !reachable {
            home.make().unwrap();
            assert!(home.account.can_enter(&home.dir));
            fs::remove_dir_all(&home.dir).unwrap();
        }
        assert!(Home::find(Path::new("/no/such/folder")).is_err());
    }

    #[test]
    fn two_places_for_two_projects() {
        let (a, b) = (elsewhere(Path::new("/a"), 0), elsewhere(Path::new("/b"), 0));
        assert_ne!(a, b);
        assert_eq!(a, elsewhere(Path::new("/a"), 0));
    }

    #[test]
    fn one_lock_at_a_time() {
        let open = folder(0o755);
        let home = Home::find(open.path()).unwrap();
        home.make().unwrap();
        let lock = home.lock().unwrap();
        assert!(home.try_lock().is_none());
        drop(lock);
        assert!(home.try_lock().is_some());
    }
}
