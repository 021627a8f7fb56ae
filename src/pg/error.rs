//! What went wrong between us and the server, with the server's own words and the text that dbt would show for it.
use super::caret;
use std::error::Error as _;
use std::fmt;
use std::io;
use tokio_postgres::error::{DbError, ErrorPosition};

/// Where the failure lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PgErrorKind {
    /// No session could be opened.
    Connect,
    /// The session is gone: the server ended it, or the connection broke.
    Closed,
    /// The statement was cancelled.
    Cancelled,
    /// The server refused a statement; the session goes on.
    Database,
    /// The session was used in a way that it cannot serve (COPY through `execute`, an empty text, unreadable bytes).
    Usage,
}

/// A failure of the database or of the way to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PgError {
    /// Where it lies.
    pub kind: PgErrorKind,
    /// SQLSTATE; empty where the server had no part in it.
    pub sqlstate: String,
    /// `ERROR`, `FATAL`, `PANIC`; empty where the server had no part in it.
    pub severity: String,
    /// The main sentence.
    pub message: String,
    /// The server's detail.
    pub detail: Option<String>,
    /// The server's hint.
    pub hint: Option<String>,
    /// Place in the text that was sent, in characters from 1.
    pub position: Option<u32>,
    /// The statement that a function ran, where the error lies in it.
    pub internal_query: Option<String>,
    /// Call stack of functions.
    pub where_: Option<String>,
    /// Schema concerned.
    pub schema: Option<String>,
    /// Relation concerned.
    pub table: Option<String>,
    /// Column concerned.
    pub column: Option<String>,
    /// Constraint concerned.
    pub constraint: Option<String>,
    /// `LINE n: …` and the caret below it.
    pub excerpt: Option<String>,
}

/// libpq's words for a connection that ended without a goodbye.
pub(super) const GONE: &str = "server closed the connection unexpectedly\n\tThis probably means the server terminated \
     abnormally\n\tbefore or while processing the request.";

impl PgError {
    /// A failure without the server's part.
    pub(super) fn new(kind: PgErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            sqlstate: String::new(),
            severity: String::new(),
            message: message.into(),
            detail: None,
            hint: None,
            position: None,
            internal_query: None,
            where_: None,
            schema: None,
            table: None,
            column: None,
            constraint: None,
            excerpt: None,
        }
    }

    /// A failure on our side while a session was used.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(PgErrorKind::Usage, message)
    }

    /// A statement that was not sent because the run had been asked to stop.
    pub fn cancelled() -> Self {
        Self {
            sqlstate: "57014".into(),
            severity: "ERROR".into(),
            ..Self::new(
                PgErrorKind::Cancelled,
                "canceling statement due to user request",
            )
        }
    }

    /// From the server's answer to `sql`.
    pub(super) fn from_server(e: &DbError, sql: &str) -> Self {
        let owned = |s: Option<&str>| s.map(str::to_owned);
        let (position, internal) = match e.position() {
            Some(ErrorPosition::Original(at)) => (Some(*at), None),
            Some(ErrorPosition::Internal { position, query }) => (None, Some((*position, query))),
            None => (None, None),
        };
        let kind = match e.code().code() {
            "57014" => PgErrorKind::Cancelled,
            _ if matches!(e.severity(), "FATAL" | "PANIC") => PgErrorKind::Closed,
            _ => PgErrorKind::Database,
        };
        Self {
            sqlstate: e.code().code().to_owned(),
            severity: e.severity().to_owned(),
            detail: owned(e.detail()),
            hint: owned(e.hint()),
            position,
            where_: owned(e.where_()),
            schema: owned(e.schema()),
            table: owned(e.table()),
            column: owned(e.column()),
            constraint: owned(e.constraint()),
            excerpt: match (position, &internal) {
                (Some(at), _) => caret::excerpt(sql, at),
                (None, Some((at, query))) => caret::excerpt(query, *at),
                (None, None) => None,
            },
            internal_query: internal.map(|(_, query)| query.clone()),
            ..Self::new(kind, e.message())
        }
    }

    /// As if `sql` had been sent alone, without the text `before` it in the same message.
    pub(super) fn behind(mut self, before: &str, sql: &str) -> Self {
        let behind = |at: u32| at.checked_sub(before.chars().count() as u32);
        if let Some(at) = self.position.and_then(behind) {
            self.position = Some(at);
            self.excerpt = caret::excerpt(sql, at);
        }
        self
    }

    /// From the driver, after `sql` was sent.
    pub(super) fn from_driver(e: &tokio_postgres::Error, sql: &str) -> Self {
        if let Some(db) = e.as_db_error() {
            return Self::from_server(db, sql);
        }
        let io = e.source().and_then(|s| s.downcast_ref::<io::Error>());
        if e.is_closed() || io.is_some_and(is_end) {
            return Self::new(PgErrorKind::Closed, GONE);
        }
        let text = match (io, e.source()) {
            (Some(io), _) => format!("could not exchange data with the server: {io}"),
            (None, Some(source)) => source.to_string(),
            (None, None) => e.to_string(),
        };
        let kind = if io.is_some() {
            PgErrorKind::Closed
        } else {
            PgErrorKind::Usage
        };
        Self::new(kind, text)
    }

    /// Whether the same statement may succeed when tried again on a new session: lost connections, restarts,
    /// serialization failures and deadlocks.
    pub fn is_transient(&self) -> bool {
        let state = self.sqlstate.as_str();
        state.starts_with("08")
            || state.starts_with("57P0")
            || matches!(state, "40001" | "40P01")
            || (state.is_empty() && matches!(self.kind, PgErrorKind::Closed | PgErrorKind::Connect))
    }
}

/// Whether the stream has ended, between messages or within one (for which the driver's codec has words but no kind).
fn is_end(e: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(
        e.kind(),
        BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof
    ) || e.to_string() == "bytes remaining on stream"
}

/// The text that psycopg2 gives for the same error, and dbt shows (without the line break at its end).
impl fmt::Display for PgError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if let Some(excerpt) = &self.excerpt {
            write!(f, "\n{excerpt}")?;
        }
        let parts = [
            ("DETAIL", &self.detail),
            ("HINT", &self.hint),
            ("QUERY", &self.internal_query),
            ("CONTEXT", &self.where_),
        ];
        for (name, text) in parts {
            if let Some(text) = text {
                write!(f, "\n{name}:  {text}")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for PgError {}

/// Something the server remarked while it worked (`RAISE NOTICE`, `drop cascades to …`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// `NOTICE`, `WARNING`, `INFO`, `LOG`, `DEBUG`.
    pub severity: String,
    /// SQLSTATE.
    pub sqlstate: String,
    /// The sentence.
    pub message: String,
    /// Further facts.
    pub detail: Option<String>,
    /// What to do.
    pub hint: Option<String>,
}

impl From<&DbError> for Notice {
    fn from(e: &DbError) -> Self {
        Self {
            severity: e.severity().to_owned(),
            sqlstate: e.code().code().to_owned(),
            message: e.message().to_owned(),
            detail: e.detail().map(str::to_owned),
            hint: e.hint().map(str::to_owned),
        }
    }
}
