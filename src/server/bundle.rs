//! The PostgreSQL carried in this binary, unpacked once into the user's cache.
use super::programs::{Programs, Source};
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};
use std::process::Command;

/// The pack that `build.rs` made; empty where there is none.
static PACK: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/pg.bin"));
/// Changes with the pack.
const KEY: &str = env!("TV1_BUNDLE_KEY");
/// The oldest C library that the programs run with.
const GLIBC: (u32, u32) = (2, 38);

/// The carried programs, ready to run; none if this binary carries none. The error says why those it carries cannot run
/// here.
pub(super) fn programs(cache: Option<&Path>) -> Result<Option<Programs>, String> {
    if PACK.is_empty() {
        return Ok(None);
    }
    if let Some((major, minor)) = glibc()
        && (major, minor) < GLIBC
    {
        return Err(format!(
            "the PostgreSQL that tv1 carries needs glibc {}.{}, and this system has {major}.{minor}",
            GLIBC.0, GLIBC.1
        ));
    }
    // Root's own cache is closed to the account that runs the server.
    let cache = if rustix::process::geteuid().is_root() {
        Path::new("/var/cache/tv1")
    } else {
        cache.ok_or(
            "the PostgreSQL that tv1 carries needs a cache folder: set HOME or XDG_CACHE_HOME",
        )?
    };
    let root = cache.join(format!("postgres-{KEY}"));
    unpack(PACK, &root).map_err(|e| {
        format!(
            "the PostgreSQL that tv1 carries cannot be unpacked into `{}`: {e}",
            root.display()
        )
    })?;
    match Programs::at(&root.join("bin"), Source::Bundled) {
        Some(programs) => Ok(Some(programs)),
        None => Err("the PostgreSQL that tv1 carries does not run on this system".to_owned()),
    }
}

/// Unpacks into `root` unless it is there; two that do so at once do not disturb each other.
fn unpack(pack: &[u8], root: &Path) -> io::Result<()> {
    if root.is_dir() {
        return Ok(());
    }
    let parent = root.parent().ok_or(io::ErrorKind::InvalidInput)?;
    fs::create_dir_all(parent)?;
    let fresh = tempfile::Builder::new()
        .prefix("postgres-new-")
        .permissions(fs::Permissions::from_mode(0o755))
        .tempdir_in(parent)?;
    let target = fresh.path().join("files");
    for entry in entries(pack) {
        let (name, content) = entry?;
        let path = target.join(name);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&path, content)?;
        let program = name.starts_with("bin") || name.to_string_lossy().contains(".so");
        let mode = if program { 0o755 } else { 0o644 };
        fs::set_permissions(&path, fs::Permissions::from_mode(mode))?;
    }
    match fs::rename(&target, root) {
        Err(e) if !root.is_dir() => Err(e),
        _ => Ok(()),
    }
}

/// The files of a pack; paths that would lead out of it are refused.
fn entries(mut rest: &[u8]) -> impl Iterator<Item = io::Result<(&Path, &[u8])>> {
    let broken = || io::Error::new(io::ErrorKind::InvalidData, "the pack is broken");
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let entry = entry(rest);
        rest = entry.map_or(&[], |(_, _, after)| after);
        Some(
            entry
                .map(|(path, content, _)| (path, content))
                .ok_or_else(broken),
        )
    })
}

fn entry(bytes: &[u8]) -> Option<(&Path, &[u8], &[u8])> {
    let (length, bytes) = bytes.split_first_chunk::<4>()?;
    let (path, bytes) = bytes.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    let (length, bytes) = bytes.split_first_chunk::<8>()?;
    let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
    let (content, rest) = bytes.split_at_checked(length)?;
    let path = Path::new(std::str::from_utf8(path).ok()?);
    let plain = path.components().all(|c| matches!(c, Component::Normal(_)));
    (plain && path.components().next().is_some()).then_some((path, content, rest))
}

/// Version of the system's C library, if it is glibc and says so.
fn glibc() -> Option<(u32, u32)> {
    let run = |program: &str, args: &[&str]| {
        let out = Command::new(program).args(args).output().ok()?;
        String::from_utf8(out.stdout).ok()
    };
    let said = run("getconf", &["GNU_LIBC_VERSION"]).and_then(|text| version(&text));
    said.or_else(|| run("ldd", &["--version"]).and_then(|text| version(&text)))
}

/// From `glibc 2.36`, or from `ldd (Debian GLIBC 2.36-9+deb12u10) 2.36` and more lines.
fn version(text: &str) -> Option<(u32, u32)> {
    let line = text.lines().next()?;
    if !line.to_ascii_lowercase().contains("libc") || line.contains("musl") {
        return None;
    }
    let (major, rest) = line.rsplit(' ').next()?.split_once('.')?;
    let minor: String = rest.chars().take_while(char::is_ascii_digit).collect();
    Some((major.parse().ok()?, minor.parse().ok()?))
}

impl Programs {
    /// Adds what the carried programs need from their environment.
    pub(super) fn prepare(&self, command: &mut Command) {
        if self.source == Source::Bundled {
            environment(&self.bin, command);
        }
    }
}

/// The carried programs look for their libraries beside themselves, and have no data of ICU.
pub(super) fn environment(bin: &Path, command: &mut Command) {
    let library: PathBuf = bin.parent().unwrap_or(bin).join("lib");
    command
        .env("LD_LIBRARY_PATH", library)
        .env("OLIPHAUNT_INTERNAL_SKIP_ICU_DISCOVERY", "1");
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_packed_is_unpacked() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("cache/postgres-x");
        unpack(PACK, &root).unwrap();
        unpack(PACK, &root).unwrap();
        assert_eq!(fs::read_dir(dir.path().join("cache")).unwrap().count(), 1);
        if PACK.is_empty() {
            return;
        }
        for name in ["postgres", "initdb", "pg_ctl"] {
            let mode = fs::metadata(root.join("bin").join(name))
                .unwrap()
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o755, "{name}");
        }
        assert!(fs::metadata(root.join("bin/postgres")).unwrap().len() > 5_000_000);
        assert!(root.join("share/postgresql/postgres.bki").is_file());
        assert!(root.join("lib/libpq.so.5").is_file());
        assert!(
            root.join("licenses/THIRD_PARTY_LICENSES/PostgreSQL-COPYRIGHT")
                .is_file()
        );
        assert!(!root.join("lib/libecpg.so.6").exists());
    }

    #[test]
    fn they_count_as_not_found_where_they_do_not_run() {
        let dir = tempfile::tempdir().unwrap();
        let found = programs(Some(dir.path()));
        match glibc() {
            _ if PACK.is_empty() => assert_eq!(found, Ok(None)),
            Some(v) if v < GLIBC => assert!(found.unwrap_err().contains("needs glibc 2.38")),
            _ => assert_eq!(found.unwrap().unwrap().major(), 18),
        }
    }

    #[test]
    fn the_c_librarys_version() {
        assert_eq!(version("glibc 2.36\n"), Some((2, 36)));
        assert_eq!(
            version("ldd (Debian GLIBC 2.41-12) 2.41\nCopyright"),
            Some((2, 41))
        );
        assert_eq!(version("ldd (GNU libc) 2.38.9000"), Some((2, 38)));
        assert_eq!(version("musl libc (x86_64)\nVersion 1.2.4"), None);
        assert_eq!(version(""), None);
        if cfg!(target_env = "gnu") {
            assert!(glibc().is_some_and(|v| v >= (2, 17)));
        }
    }

    #[test]
    fn a_path_out_of_the_pack_is_refused() {
        for path in ["../x", "/etc/x", "a/../../x", ""] {
            let mut pack = (path.len() as u32).to_le_bytes().to_vec();
            pack.extend(path.as_bytes());
            pack.extend(0u64.to_le_bytes());
            assert!(entries(&pack).any(|e| e.is_err()), "{path}");
        }
    }

    proptest! {
        #[test]
        fn a_broken_pack_is_an_error_and_nothing_worse(bytes in proptest::collection::vec(any::<u8>(), 1..80)) {
            for _ in entries(&bytes) {}
        }
    }
}
