//! Packs PostgreSQL's programs, where there are some for the target, into one file that the binary carries.
//!
//! The file is a row of entries: length of the path (4 bytes, little endian), path, length of the content (8 bytes),
//! content. Without the feature `bundled-postgres`, and for other targets, it is empty.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a build script can only stop"
)]
use std::fs;
use std::path::{Path, PathBuf};

#[cfg(all(target_os = "linux", target_arch = "x86_64", target_env = "gnu"))]
const PARTS: &[&str] = &[
    liboliphaunt_native_linux_x64_gnu_part_001::PAYLOAD_ROOT,
    liboliphaunt_native_linux_x64_gnu_part_002::PAYLOAD_ROOT,
    liboliphaunt_native_linux_x64_gnu_part_003::PAYLOAD_ROOT,
];
#[cfg(not(all(target_os = "linux", target_arch = "x86_64", target_env = "gnu")))]
const PARTS: &[&str] = &[];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let wanted = std::env::var_os("CARGO_FEATURE_BUNDLED_POSTGRES").is_some() && target_fits();
    let mut pack = Vec::new();
    for root in PARTS.iter().filter(|_| wanted) {
        let files = Path::new(root).join("files");
        add(&mut pack, &files.join("runtime"), "");
        // The licences go with the programs.
        for name in [
            "LICENSE",
            "THIRD_PARTY_NOTICES.md",
            "THIRD_PARTY_LICENSES/PostgreSQL-COPYRIGHT",
        ] {
            if let Ok(content) = fs::read(files.join(name)) {
                entry(&mut pack, &format!("licenses/{name}"), &content);
            }
        }
    }
    println!("cargo::rustc-env=TV1_BUNDLE_KEY={:016x}", digest(&pack));
    fs::write(out.join("pg.bin"), pack).expect("OUT_DIR can be written");
}

/// The parts above are those of the machine that builds; the target may be another.
fn target_fits() -> bool {
    [("OS", "linux"), ("ARCH", "x86_64"), ("ENV", "gnu")]
        .iter()
        .all(|(name, value)| {
            std::env::var(format!("CARGO_CFG_TARGET_{name}")).is_ok_and(|v| v == *value)
        })
}

/// Adds a folder with all below it, in order of names; what only developers of C programs need stays out.
fn add(pack: &mut Vec<u8>, folder: &Path, prefix: &str) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    let mut paths: Vec<PathBuf> = entries
        .map(|e| e.expect("a readable folder").path())
        .collect();
    paths.sort();
    for path in paths {
        let name = path
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        if name.contains("ecpg") || name.contains("pgtypes") || name == "include" {
            continue;
        }
        let shown = format!("{prefix}{name}");
        if path.is_dir() {
            add(pack, &path, &format!("{shown}/"));
        } else {
            entry(pack, &shown, &fs::read(&path).expect("a readable file"));
        }
    }
}

fn entry(pack: &mut Vec<u8>, path: &str, content: &[u8]) {
    pack.extend(
        u32::try_from(path.len())
            .expect("a short path")
            .to_le_bytes(),
    );
    pack.extend(path.as_bytes());
    pack.extend((content.len() as u64).to_le_bytes());
    pack.extend(content);
}

/// FNV-1a: tells one payload from another in the cache.
fn digest(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
