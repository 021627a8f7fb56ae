//! One node's connection with dbt's transaction habits: the first statement opens a transaction, and after the first
//! commit every statement stands alone.
use crate::pg::{PgError, Session, Table as PgTable};
use minijinja::value::{Object, Value};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

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
    /// Whether every statement stands alone for good: hooks of the run, operations, nodes after their commit.
    settled: bool,
    /// Set when the run was asked to stop: then nothing further begins.
    stop: Arc<AtomicBool>,
    /// Whether a relation is claimed beyond the transaction.
    claimed: bool,
    /// Whether nothing has been sent since the session was as good as new.
    untouched: bool,
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
            settled: false,
            stop: Arc::default(),
            claimed: false,
            untouched: false,
        }
    }

    /// A session for hooks and operations, where every statement stands alone.
    pub fn alone(session: Session) -> Self {
        Self {
            session,
            phase: Phase::Alone,
            settled: true,
            stop: Arc::default(),
            claimed: false,
            untouched: false,
        }
    }

    /// With a switch that stops the node before its next statement; what is committed is still cleaned up.
    pub fn stopped_by(mut self, stop: Arc<AtomicBool>) -> Self {
        self.stop = stop;
        self
    }

    /// The connection itself.
    pub fn raw(&mut self) -> &mut Session {
        self.untouched = false;
        &mut self.session
    }

    /// Whether the connection is gone.
    pub fn is_closed(&mut self) -> bool {
        self.session.is_closed()
    }

    /// Back to the connection; an open transaction is rolled back.
    pub fn into_inner(mut self) -> Session {
        self.end();
        self.session
    }

    fn open(&mut self) -> Result<(), PgError> {
        if !self.settled && self.stop.load(Ordering::SeqCst) {
            return Err(PgError::cancelled());
        }
        self.untouched = false;
        if self.phase == Phase::Fresh {
            self.session.begin_with_next();
            self.phase = Phase::Open;
        }
        Ok(())
    }

    /// Before a statement that wants a transaction: a `commit` of a hook outside of it does not leave the rest of the
    /// node without one.
    pub fn want_transaction(&mut self) {
        if self.phase == Phase::Alone && !self.settled {
            self.phase = Phase::Fresh;
        }
    }

    /// Begins the node's transaction if nothing has been sent yet; whether one is open.
    pub fn begin_if_fresh(&mut self) -> Result<bool, PgError> {
        self.open()?;
        Ok(self.is_open())
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

    /// Waits until no other run works on a relation and looks at what is there under some names: pairs of name and
    /// kind. The claim ends with the transaction, or with the node when that commits on its way (`beyond`).
    pub fn claim(
        &mut self,
        schema: &str,
        names: &[String],
        beyond: bool,
    ) -> Result<Vec<(String, String)>, PgError> {
        self.open()?;
        self.claimed |= beyond;
        let lock = if beyond {
            "pg_advisory_lock"
        } else {
            "pg_advisory_xact_lock"
        };
        let first = names.first().map(String::as_str).unwrap_or_default();
        let list: Vec<String> = names.iter().map(|n| crate::pg::quote_literal(n)).collect();
        let sql = format!(
            "select pg_catalog.{lock}(pg_catalog.hashtextextended({}, 7431)); \
             select c.relname::text, case c.relkind when 'v' then 'view' when 'm' then 'materialized_view' \
             else 'table' end from pg_catalog.pg_class c \
             join pg_catalog.pg_namespace n on n.oid = c.relnamespace where n.nspname = {} \
             and c.relname in ({}) and c.relkind in ('r', 'v', 'm', 'p')",
            crate::pg::quote_literal(&format!("{schema}.{first}")),
            crate::pg::quote_literal(schema),
            list.join(", ")
        );
        let table = self.session.fetch(&sql)?;
        let text = |c: &crate::pg::Cell| c.text().unwrap_or_default();
        Ok(table
            .rows
            .iter()
            .map(|r| (text(&r[0]), text(&r[1])))
            .collect())
    }

    /// Commits; afterwards every statement stands alone.
    pub fn commit(&mut self) -> Result<(), PgError> {
        if self.phase == Phase::Open {
            self.session.commit()?;
        }
        self.phase = Phase::Alone;
        self.settled = true;
        Ok(())
    }

    /// Whether a transaction is open.
    pub fn is_open(&self) -> bool {
        self.phase == Phase::Open
    }

    /// Makes the session as good as new, if it is not: what one node set must not reach the next, such as temporary
    /// tables, settings, prepared statements.
    pub fn renew(&mut self) -> Result<(), PgError> {
        if !self.untouched {
            self.session.forget()?;
            self.untouched = true;
        }
        Ok(())
    }

    /// Drops the temporary tables that a batch has left, so that those of thousands do not pile up: each would hold a lock
    /// when the session ends, and the server has room for a few thousand of them.
    pub fn drop_temporary(&mut self) {
        if !self.session.in_transaction() && !self.session.is_closed() {
            // Where it cannot be done they go with the session.
            let _ = self.session.execute("DISCARD TEMP");
        }
    }

    /// Ends the node: what is not committed is undone.
    pub fn end(&mut self) {
        if self.phase == Phase::Open && !self.session.is_closed() {
            // A connection that cannot roll back is broken, and then the server has rolled back already.
            self.untouched = self.session.forget().is_ok();
        }
        if std::mem::take(&mut self.claimed) && !self.session.is_closed() {
            // With the session the claim is gone as well.
            let _ = self
                .session
                .execute("select pg_catalog.pg_advisory_unlock_all()");
        }
        self.phase = Phase::Fresh;
        self.settled = false;
    }
}
