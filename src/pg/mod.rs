//! The only module that speaks to PostgreSQL.
//!
//! In: connection options and SQL text. Out: command tags, typed rows, notices and errors in the server's words. It knows
//! nothing of models, Jinja or files; a session belongs to one thread and hides all waiting.
mod caret;
pub mod catalog;
mod cell;
mod connect;
mod copy;
mod copy_table;
mod error;
mod explain;
mod link;
mod options;
mod passfile;
pub mod passwd;
mod session;
pub mod split;
mod tls;
mod types;
mod url;
mod wire;

pub use cell::{Cell, Table};
pub use copy::CopyWriter;
pub use copy_table::{Copied, copy_table, paired_indexes};
pub use error::{Notice, PgError, PgErrorKind};
pub use options::{ConnectOptions, Lookup, Secret, SslMode};
pub use session::{CancelHandle, Outcome, Session};
pub use types::ColumnInfo;

/// A name as SQL takes it in any case: in double quotes, inner quotes doubled.
pub fn quote_ident(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text as an SQL literal, whatever `standard_conforming_strings` says.
pub fn quote_literal(text: &str) -> String {
    let quoted = text.replace('\'', "''");
    if quoted.contains('\\') {
        format!(" E'{}'", quoted.replace('\\', "\\\\"))
    } else {
        format!("'{quoted}'")
    }
}

#[cfg(test)]
mod tests;
