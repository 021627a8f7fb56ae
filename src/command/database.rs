//! The project's private server: `db` commands, and the database of last resort.
use super::Outcome;
use super::connect::Database;
use super::session::Session;
use crate::diag::{Diagnostic, Result, code};

/// The private server as a database; started when the command connects.
pub fn private(ctx: &Session, profile: &str, connects: bool) -> Result<Database> {
    let _ = (ctx, profile, connects);
    Err(Diagnostic::error(code::P0106, "no database is configured").into())
}

/// `db start|stop|status|url|psql`.
pub fn database(ctx: &Session) -> Result<Outcome> {
    let _ = ctx;
    Err(Diagnostic::error(code::P0106, "no database is configured").into())
}
