//! One session with the server, used from one thread at a time and without any async in sight.
//!
//! Each session has its own small reactor: a call runs the driver's connection and the request together until the answer
//! is there, so nothing happens behind the caller's back and notices arrive in order.
use super::cell::{Cell, Table};
use super::connect::{self, Endpoint, Opened};
use super::copy::CopyWriter;
use super::error::{Notice, PgError, PgErrorKind};
use super::link::Link;
use super::options::ConnectOptions;
use super::types::{self, ColumnInfo};
use super::wire::{Field, Wire};
use futures_util::TryStreamExt;
use std::collections::BTreeMap;
use std::io::Write;
use std::pin::pin;
use std::time::Duration;
use tokio_postgres::{Client, SimpleQueryMessage};
use tokio_postgres_rustls::MakeRustlsConnect;

/// What a text of one or more statements did: the server's answer to the last of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Command tag (`SELECT 10`, `INSERT 0 3`, `CREATE VIEW`).
    pub tag: String,
    /// Rows concerned; -1 for statements that have none, as in the DB-API.
    pub rows_affected: i64,
}

impl Outcome {
    pub(super) fn new(tag: String) -> Self {
        let rows_affected = tag
            .rsplit(' ')
            .next()
            .and_then(|word| word.parse().ok())
            .unwrap_or(-1);
        Self { tag, rows_affected }
    }

    /// The tag without its numbers, which dbt calls the code (`INSERT`, `CREATE VIEW`).
    pub fn code(&self) -> String {
        let words: Vec<&str> = self
            .tag
            .split(' ')
            .filter(|w| !w.bytes().all(|b| b.is_ascii_digit()))
            .collect();
        words.join(" ")
    }
}

/// Cancels what a session is doing, from any thread.
#[derive(Clone)]
pub struct CancelHandle {
    endpoint: Endpoint,
    tls: Option<MakeRustlsConnect>,
    key: Option<(i32, i32)>,
}

impl std::fmt::Debug for CancelHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CancelHandle")
            .field("backend", &self.key.map(|(pid, _)| pid))
            .finish_non_exhaustive()
    }
}

impl CancelHandle {
    /// Asks the server to cancel the running statement and returns when the server has taken note, which is not yet when
    /// the statement has ended. Does nothing if none is running.
    pub fn cancel(&self) -> Result<(), PgError> {
        const LIMIT: Duration = Duration::from_secs(10);
        let failed = |e: std::io::Error| {
            PgError::new(
                PgErrorKind::Connect,
                format!("could not send cancel request: {e}"),
            )
        };
        let Some(key) = self.key else {
            return Ok(());
        };
        let rt = reactor()?;
        let work = async {
            tokio::time::timeout(
                LIMIT,
                connect::cancel(&self.endpoint, self.tls.clone(), key),
            )
            .await
        };
        rt.block_on(work)
            .unwrap_or_else(|_| Err(std::io::Error::other("timeout expired")))
            .map_err(failed)
    }
}

/// A session.
pub struct Session {
    rt: tokio::runtime::Runtime,
    link: Link,
    endpoint: Endpoint,
    tls: Option<MakeRustlsConnect>,
    type_names: BTreeMap<u32, String>,
    /// Whether a transaction has been begun that the server does not know of yet.
    owed: bool,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("endpoint", &self.endpoint)
            .field("backend", &self.backend_pid())
            .finish_non_exhaustive()
    }
}

/// A zero byte ends a text in the protocol: what follows it would be read as something else.
fn sendable(sql: &str) -> Result<(), PgError> {
    if sql.contains('\0') {
        let text = "the statement has a zero byte, which no text in PostgreSQL can have";
        return Err(PgError::new(PgErrorKind::Usage, text));
    }
    Ok(())
}

fn reactor() -> Result<tokio::runtime::Runtime, PgError> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| {
            PgError::new(
                PgErrorKind::Connect,
                format!("no connection can be watched: {e}"),
            )
        })
}

impl Session {
    /// Connects. Sets the date style to ISO and the role, if the options name one.
    pub fn connect(options: &ConnectOptions) -> Result<Self, PgError> {
        let rt = reactor()?;
        let Opened {
            client,
            connection,
            wire,
            endpoint,
            tls,
        } = connect::open(&rt, options)?;
        let iso = connection
            .parameter("DateStyle")
            .is_none_or(|style| style.starts_with("ISO"));
        let mut session = Self {
            rt,
            link: Link::new(client, connection, wire),
            endpoint,
            tls,
            type_names: BTreeMap::new(),
            owed: false,
        };
        if !iso {
            session.execute("set datestyle to 'ISO'")?;
        }
        if let Some(role) = &options.role {
            session.execute(&format!("set role {role}"))?;
        }
        Ok(session)
    }

    /// Runs one or more statements in one message. Without an open transaction they are one transaction of their own.
    pub fn execute(&mut self, sql: &str) -> Result<Outcome, PgError> {
        self.with_begin(sql, |session, sql| {
            let Self { rt, link, .. } = session;
            link.request(rt, sql, async |client| client.batch_execute(sql).await)?;
            link.outcome()
        })
    }

    /// Runs one or more statements and gives the rows of the last.
    pub fn fetch(&mut self, sql: &str) -> Result<Table, PgError> {
        self.fetch_limited(sql, usize::MAX)
    }

    /// As `fetch`, but keeps no more than the first `limit` rows.
    pub fn fetch_limited(&mut self, sql: &str, limit: usize) -> Result<Table, PgError> {
        self.with_begin(sql, |session, sql| session.fetch_now(sql, limit))
    }

    fn fetch_now(&mut self, sql: &str, limit: usize) -> Result<Table, PgError> {
        let Self { rt, link, .. } = self;
        let wire = link.wire.clone();
        let rows = link.request(rt, sql, async |client| {
            read_rows(client, sql, limit, &wire).await
        })?;
        let tag = link.outcome()?.tag;
        let fields = {
            let mut heard = link.wire.heard();
            if heard.rows {
                heard.described.pop().unwrap_or_default()
            } else {
                Vec::new()
            }
        };
        let rows = rows.ok_or_else(|| {
            PgError::new(
                PgErrorKind::Usage,
                "a value of the result is not valid UTF-8",
            )
        })?;
        Ok(Table {
            columns: self.columns(fields)?,
            rows,
            tag,
        })
    }

    /// The columns that a statement would give, without running it; none if it gives no rows.
    pub fn describe(&mut self, sql: &str) -> Result<Vec<ColumnInfo>, PgError> {
        self.begun()?;
        let Self { rt, link, .. } = self;
        let fields = link.exchange(rt, sql, async |client| {
            let statement = client.prepare(sql).await?;
            let columns = statement.columns().iter();
            Ok(columns
                .map(|c| Field {
                    name: c.name().to_owned(),
                    oid: c.type_().oid(),
                    typmod: c.type_modifier(),
                })
                .collect())
        })?;
        self.columns(fields)
    }

    /// Begins a transaction.
    pub fn begin(&mut self) -> Result<(), PgError> {
        self.owed = false;
        self.execute("BEGIN").map(drop)
    }

    /// Begins a transaction in one message with the next statement: a round trip less.
    pub fn begin_with_next(&mut self) {
        self.owed = !self.in_transaction();
    }

    /// Sends the `BEGIN` that is owed to the server, if one is.
    fn begun(&mut self) -> Result<(), PgError> {
        if self.owed { self.begin() } else { Ok(()) }
    }

    /// Runs a text, behind the `BEGIN` that is owed. The answer is the one to the text alone.
    fn with_begin<T>(
        &mut self,
        sql: &str,
        run: impl Fn(&mut Self, &str) -> Result<T, PgError>,
    ) -> Result<T, PgError> {
        const BEGIN: &str = "BEGIN;";
        sendable(sql)?;
        if !std::mem::take(&mut self.owed) {
            return run(self, sql);
        }
        let done = run(self, &format!("{BEGIN}{sql}"));
        let tag = self.link.wire.heard().tag.clone();
        match done {
            // There was no statement in the text: what it is an answer to has to be asked by itself.
            Ok(_) if tag.as_deref() == Some("BEGIN") => run(self, sql),
            Ok(done) => Ok(done),
            // The text cannot even be read, so nothing of it was done. It has to fail within the transaction.
            Err(e) if tag.is_none() && e.kind == PgErrorKind::Database => {
                self.begin()?;
                run(self, sql)
            }
            Err(e) => Err(e.behind(BEGIN, sql)),
        }
    }

    /// Commits. A failed transaction cannot be committed: the server rolls it back and says `ROLLBACK`, which is an error
    /// here.
    pub fn commit(&mut self) -> Result<(), PgError> {
        if std::mem::take(&mut self.owed) {
            return Ok(());
        }
        let failed = self.state() == b'E';
        let done = self.execute("COMMIT")?;
        if failed && done.tag == "ROLLBACK" {
            let text = "the transaction had failed and was rolled back instead of committed";
            return Err(PgError::new(PgErrorKind::Usage, text));
        }
        Ok(())
    }

    /// Rolls back; nothing is sent without a transaction, nor on a session that is gone.
    pub fn rollback(&mut self) -> Result<(), PgError> {
        if std::mem::take(&mut self.owed) || !self.in_transaction() || self.is_closed() {
            return Ok(());
        }
        self.execute("ROLLBACK").map(drop)
    }

    /// Rolls back, and takes from the session whatever the last user of it left behind, in one message: the parts of
    /// `DISCARD ALL`, which itself must stand alone.
    ///
    /// <https://www.postgresql.org/docs/current/sql-discard.html>
    pub fn forget(&mut self) -> Result<(), PgError> {
        const PARTS: &str = "CLOSE ALL; SET SESSION AUTHORIZATION DEFAULT; RESET ALL; DEALLOCATE ALL; UNLISTEN *; \
             SELECT pg_catalog.pg_advisory_unlock_all(); DISCARD PLANS; DISCARD TEMP; DISCARD SEQUENCES";
        self.owed = false;
        if self.in_transaction() {
            self.execute(&format!("ROLLBACK; {PARTS}")).map(drop)
        } else {
            self.execute(PARTS).map(drop)
        }
    }

    /// Whether a transaction is open, failed or not.
    pub fn in_transaction(&self) -> bool {
        self.owed || matches!(self.state(), b'T' | b'E')
    }

    /// Whether a transaction is open that can only be rolled back.
    pub fn in_failed_transaction(&self) -> bool {
        self.state() == b'E'
    }

    fn state(&self) -> u8 {
        self.link.wire.heard().state
    }

    /// Starts `COPY … FROM STDIN`; the data goes through the writer.
    pub fn copy_in(&mut self, sql: &str) -> Result<CopyWriter<'_>, PgError> {
        self.begun()?;
        let Self { rt, link, .. } = self;
        let statement = link.exchange(rt, sql, async |client| client.prepare(sql).await)?;
        link.ready()?;
        link.wire.heard().hold_sync = true;
        let started = link.drive(rt, async |client| client.copy_in(&statement).await);
        link.wire.heard().hold_sync = false;
        match started {
            Ok(sink) => Ok(CopyWriter::new(rt, link, sink, sql)),
            Err(e) => {
                link.flush(rt);
                Err(link.error(&e, sql))
            }
        }
    }

    /// Runs `COPY … TO STDOUT`, writes the data to `to` and gives its length in bytes.
    pub fn copy_out(&mut self, sql: &str, to: &mut dyn Write) -> Result<u64, PgError> {
        self.begun()?;
        let Self { rt, link, .. } = self;
        let (length, failed) = link.exchange(rt, sql, async |client| {
            let mut stream = pin!(client.copy_out(sql).await?);
            let (mut length, mut failed) = (0, None);
            while let Some(data) = stream.try_next().await? {
                length += data.len() as u64;
                if failed.is_none() {
                    failed = to.write_all(&data).err();
                }
            }
            Ok((length, failed))
        })?;
        match failed {
            None => Ok(length),
            Some(e) => Err(PgError::new(
                PgErrorKind::Usage,
                format!("the copied data could not be written: {e}"),
            )),
        }
    }

    /// A handle that cancels what this session is doing, from any thread.
    pub fn cancel_handle(&self) -> CancelHandle {
        CancelHandle {
            endpoint: self.endpoint.clone(),
            tls: self.tls.clone().filter(|_| self.is_encrypted()),
            key: self.link.wire.heard().key,
        }
    }

    /// Process id of the server's side.
    pub fn backend_pid(&self) -> i32 {
        self.link.wire.heard().key.map_or(0, |(pid, _)| pid)
    }

    /// Whether the session is encrypted.
    pub fn is_encrypted(&self) -> bool {
        self.link.wire.heard().encrypted
    }

    /// A setting that the server reports by itself (`server_version`, `TimeZone`, `client_encoding`, …).
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.link.connection.as_ref()?.parameter(name)
    }

    /// The server's version as a number (`150004` for 15.4); 0 if it does not say.
    pub fn server_version(&self) -> u32 {
        let text = self.parameter("server_version").unwrap_or_default();
        let mut parts = text
            .split(|c: char| !c.is_ascii_digit())
            .map(|p| p.parse::<u32>().unwrap_or(0));
        parts.next().unwrap_or(0) * 10_000 + parts.next().unwrap_or(0)
    }

    /// Takes the server's remarks since the last call.
    pub fn take_notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.link.notices)
    }

    /// Whether the session is gone, as far as anybody can tell without asking the server.
    pub fn is_closed(&mut self) -> bool {
        let Self { rt, link, .. } = self;
        if link.connection.is_some() {
            // A few turns of the reactor: the first learns what the socket has, a later one reads it.
            link.drive(rt, async |_| {
                for _ in 0..4 {
                    tokio::task::yield_now().await;
                }
            });
        }
        link.connection.is_none()
    }

    /// Asks the server for a sign of life.
    pub fn ping(&mut self) -> Result<(), PgError> {
        let Self { rt, link, .. } = self;
        link.request(rt, "", async |client| client.batch_execute("").await)
    }

    fn columns(&mut self, fields: Vec<Field>) -> Result<Vec<ColumnInfo>, PgError> {
        let unknown: Vec<String> = fields
            .iter()
            .map(|f| f.oid)
            .filter(|oid| types::name(*oid).is_none() && !self.type_names.contains_key(oid))
            .map(|oid| oid.to_string())
            .collect();
        if !unknown.is_empty() && self.state() != b'E' {
            let sql = format!(
                "select oid, pg_catalog.format_type(oid, null) from pg_catalog.pg_type where oid in ({})",
                unknown.join(", ")
            );
            for row in self.fetch(&sql)?.rows {
                if let [Cell::Int(oid), Cell::Text(name)] = row.as_slice() {
                    self.type_names.insert(*oid as u32, name.clone());
                }
            }
        }
        let names = &self.type_names;
        Ok(fields
            .into_iter()
            .map(|f| ColumnInfo {
                type_name: types::name(f.oid)
                    .or_else(|| names.get(&f.oid).map(String::as_str))
                    .unwrap_or("unknown")
                    .to_owned(),
                name: f.name,
                oid: f.oid,
                typmod: f.typmod,
            })
            .collect())
    }
}

/// The rows of the last statement; none if a value is not UTF-8.
async fn read_rows(
    client: &Client,
    sql: &str,
    limit: usize,
    wire: &Wire,
) -> Result<Option<Vec<Vec<Cell>>>, tokio_postgres::Error> {
    let mut stream = pin!(client.simple_query_raw(sql).await?);
    let mut rows = Vec::new();
    let mut oids: Vec<u32> = Vec::new();
    let (mut statement, mut announced, mut readable) = (0, false, true);
    while let Some(message) = stream.try_next().await? {
        match message {
            SimpleQueryMessage::RowDescription(columns) => {
                rows.clear();
                // The tap may be ahead of the driver, hence the count.
                oids = match wire.heard().described.get(statement) {
                    Some(fields) => fields.iter().map(|f| f.oid).collect(),
                    None => vec![0; columns.len()],
                };
                statement += 1;
                announced = true;
            }
            SimpleQueryMessage::Row(row) if rows.len() < limit => {
                let mut cells = Vec::with_capacity(oids.len());
                for (i, oid) in oids.iter().enumerate() {
                    match row.try_get(i) {
                        Ok(text) => cells.push(Cell::parse(*oid, text)),
                        Err(_) => readable = false,
                    }
                }
                rows.push(cells);
            }
            SimpleQueryMessage::CommandComplete(_) => {
                if !announced {
                    rows.clear();
                }
                announced = false;
            }
            _ => {}
        }
    }
    Ok(readable.then_some(rows))
}

impl Drop for Session {
    /// Says goodbye, so that the server does not log a broken connection.
    fn drop(&mut self) {
        let Self { rt, link, .. } = self;
        if link.connection.is_some() {
            link.close(rt);
        }
    }
}
