//! The settings that a private server runs with.
use std::ffi::OsString;
use std::path::Path;

/// How much the data matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Safety {
    /// A crash loses at most the last moments.
    Kept,
    /// The data die with the process.
    Scratch,
}

/// Same results on every machine; no WAL for tables that are made and filled in one transaction; no network.
const COMMON: &[&str] = &[
    "listen_addresses=",
    "synchronous_commit=off",
    "wal_level=minimal",
    "max_wal_senders=0",
    "max_wal_size=4GB",
    "shared_buffers=128MB",
    "jit=off",
    "timezone=UTC",
    "log_timezone=UTC",
    "log_min_messages=log",
    "unix_socket_permissions=0700",
];

/// Arguments of `postgres` for the cluster and the socket in `home`.
pub(super) fn arguments(home: &Path, safety: Safety) -> Vec<OsString> {
    let mut settings: Vec<OsString> = COMMON.iter().map(OsString::from).collect();
    match safety {
        Safety::Kept => settings.push("fsync=on".into()),
        Safety::Scratch => settings
            .extend(["fsync=off", "full_page_writes=off", "autovacuum=off"].map(OsString::from)),
    }
    let mut all: Vec<OsString> = vec![
        "-D".into(),
        home.join("data").into(),
        "-k".into(),
        home.into(),
    ];
    for setting in settings {
        all.extend(["-c".into(), setting]);
    }
    all
}
