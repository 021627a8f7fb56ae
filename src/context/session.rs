//! One node's connection with dbt's transaction habits: the first statement opens a transaction, and after the first
//! commit every statement stands alone.
use crate::pg::{PgError, Session, Table as PgTable};
use minijinja::value::{Object, Value};
use std::fmt;
use std::sync::Arc;

/// Where a node's connection stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Fresh,
    Open,
    Alone,
}

/// A connection as a node uses it.
#[derive(Debug)]
pub struct NodeSession {
    session: Session,
    phase: Phase,
}

/// What a statement gave.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Response {
    /// `SELECT 10`.
    pub message: String,
    /// `SELECT`.
    pub code: String,
    /// Rows it touched; -1 when that makes no sense.
    pub rows_affected: i64,
}

impl Object for Response {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        Some(match key.as_str()? {
            "_message" | "message" => Value::from(self.message.as_str()),
            "code" => Value::from(self.code.as_str()),
            "rows_affected" => Value::from(self.rows_affected),
            _ => return None,
        })
    }

    fn is_true(self: &Arc<Self>) -> bool {
        true
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl NodeSession {
    /// A node's session over a connection.
    pub fn new(session: Session) -> Self {
        Self {
            session,
            phase: Phase::Fresh,
        }
    }

    /// A session for hooks and operations, where every statement stands alone.
    pub fn alone(session: Session) -> Self {
        Self {
            session,
            phase: Phase::Alone,
        }
    }

    /// The connection itself.
    pub fn raw(&mut self) -> &mut Session {
        &mut self.session
    }

    /// Back to the connection; an open transaction is rolled back.
    pub fn into_inner(mut self) -> Session {
        self.end();
        self.session
    }

    fn open(&mut self) -> Result<(), PgError> {
        if self.phase == Phase::Fresh {
            self.session.begin()?;
            self.phase = Phase::Open;
        }
        Ok(())
    }

    /// Runs statements without looking at their rows.
    pub fn execute(&mut self, sql: &str) -> Result<Response, PgError> {
        self.open()?;
        let outcome = self.session.execute(sql)?;
        self.after();
        let code = outcome.code();
        Ok(Response {
            message: outcome.tag,
            code,
            rows_affected: outcome.rows_affected,
        })
    }

    /// Runs a query and keeps its rows.
    pub fn fetch(
        &mut self,
        sql: &str,
        limit: Option<usize>,
    ) -> Result<(Response, PgTable), PgError> {
        self.open()?;
        let table = match limit {
            Some(n) => self.session.fetch_limited(sql, n)?,
            None => self.session.fetch(sql)?,
        };
        self.after();
        let tag = table.tag.clone();
        let code = tag
            .trim_end_matches(|c: char| c.is_ascii_digit() || c == ' ')
            .to_string();
        let rows_affected = tag
            .rsplit(' ')
            .next()
            .and_then(|n| n.parse().ok())
            .unwrap_or(-1);
        Ok((
            Response {
                message: tag,
                code,
                rows_affected,
            },
            table,
        ))
    }

    /// A `commit` in the text itself also ends the transaction.
    fn after(&mut self) {
        if self.phase == Phase::Open && !self.session.in_transaction() {
            self.phase = Phase::Alone;
        }
    }

    /// Commits; afterwards every statement stands alone.
    pub fn commit(&mut self) -> Result<(), PgError> {
        if self.phase == Phase::Open {
            self.session.commit()?;
        }
        self.phase = Phase::Alone;
        Ok(())
    }

    /// Whether a transaction is open.
    pub fn is_open(&self) -> bool {
        self.phase == Phase::Open
    }

    /// Ends the node: what is not committed is undone.
    pub fn end(&mut self) {
        if self.phase == Phase::Open {
            // A connection that cannot roll back is broken, and then the server has rolled back already.
            let _ = self.session.rollback();
        }
        self.phase = Phase::Fresh;
    }
}
