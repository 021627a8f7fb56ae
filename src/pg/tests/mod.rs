//! Tests against a real server.
mod catalog;
mod copy;
mod errors;
mod network;
mod sessions;
mod tags;

use super::*;
use crate::server::scratch::{self, ScratchDb};
use std::process::{Command, Output};

/// What `psql` does with the same database.
fn psql(db: &ScratchDb, args: &[&str]) -> Output {
    Command::new(scratch::server().bin().join("psql"))
        .args(["-X", "-d", &db.options.url(false)])
        .args(args)
        .output()
        .unwrap()
}

fn rows(t: &Table) -> Vec<Vec<String>> {
    let text = |c: &Cell| c.text().unwrap_or_else(|| "NULL".into());
    t.rows
        .iter()
        .map(|r| r.iter().map(text).collect())
        .collect()
}
