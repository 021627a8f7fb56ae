//! The driver's two halves run together until a request is answered.
//!
//! Below `Session`: what comes in is a request as a future, what goes out is its result with the wire settled, so that the
//! transaction state and the command tag are those after the request.
use super::connect::Connection;
use super::error::{GONE, Notice, PgError, PgErrorKind};
use super::session::Outcome;
use super::wire::Wire;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio_postgres::{AsyncMessage, Client};

/// Longest wait for a proper end of the connection.
const GOODBYE: Duration = Duration::from_millis(500);

/// A connection in use.
pub(super) struct Link {
    client: Client,
    /// Gone once the connection has ended.
    pub connection: Option<Connection>,
    pub wire: Wire,
    pub notices: Vec<Notice>,
    /// Why the connection has ended.
    pub lost: Option<PgError>,
}

impl Link {
    pub(super) fn new(client: Client, connection: Connection, wire: Wire) -> Self {
        Self {
            client,
            connection: Some(connection),
            wire,
            notices: Vec::new(),
            lost: None,
        }
    }

    /// Ends the session properly, if the server listens. The driver's own synchronous facade closes in the same way.
    pub(super) fn close(&mut self, rt: &Runtime) {
        self.client.__private_api_close();
        let Self {
            connection,
            notices,
            lost,
            ..
        } = self;
        let goodbye = poll_fn(|cx| {
            pump(connection, notices, lost, cx);
            if connection.is_none() {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        });
        rt.block_on(async {
            let _ = tokio::time::timeout(GOODBYE, goodbye).await;
        });
        self.connection = None;
    }

    /// Prepares for a new request; an error if the session is gone.
    pub(super) fn ready(&mut self) -> Result<(), PgError> {
        self.wire.clear();
        match (&self.connection, &self.lost) {
            (Some(_), _) => Ok(()),
            (None, Some(e)) => Err(e.clone()),
            (None, None) => Err(PgError::new(
                PgErrorKind::Closed,
                "connection already closed",
            )),
        }
    }

    /// Runs a request to its end.
    pub(super) fn drive<T>(&mut self, rt: &Runtime, work: impl AsyncFnOnce(&Client) -> T) -> T {
        let Self {
            client,
            connection,
            notices,
            lost,
            ..
        } = self;
        let mut work = pin!(work(client));
        rt.block_on(poll_fn(|cx| {
            if let Poll::Ready(value) = work.as_mut().poll(cx) {
                return Poll::Ready(value);
            }
            pump(connection, notices, lost, cx);
            work.as_mut().poll(cx)
        }))
    }

    /// Waits until the server is ready for the next request, or gone.
    pub(super) fn settle(&mut self, rt: &Runtime) {
        let Self {
            connection,
            notices,
            lost,
            wire,
            ..
        } = self;
        rt.block_on(poll_fn(|cx| {
            for pumped in [false, true] {
                if wire.heard().ready || connection.is_none() {
                    return Poll::Ready(());
                }
                if !pumped {
                    pump(connection, notices, lost, cx);
                }
            }
            Poll::Pending
        }));
    }

    /// Runs a simple query and settles; its errors are the server's.
    pub(super) fn request<T>(
        &mut self,
        rt: &Runtime,
        sql: &str,
        work: impl AsyncFnOnce(&Client) -> Result<T, tokio_postgres::Error>,
    ) -> Result<T, PgError> {
        self.ready()?;
        let done = self.drive(rt, work);
        if done.is_err() && self.wire.heard().copying == Some(b'G') {
            // Nobody will send the data that the server now waits for.
            self.connection = None;
            let text = "COPY FROM STDIN needs data, which a plain statement does not carry";
            let error = PgError::new(PgErrorKind::Usage, text);
            self.lost = Some(error.clone());
            return Err(error);
        }
        self.settle(rt);
        done.map_err(|e| self.error(&e, sql))
    }

    /// Runs a request of several messages: afterwards an empty query makes sure that all of them are answered.
    pub(super) fn exchange<T>(
        &mut self,
        rt: &Runtime,
        sql: &str,
        work: impl AsyncFnOnce(&Client) -> Result<T, tokio_postgres::Error>,
    ) -> Result<T, PgError> {
        self.ready()?;
        let done = self.drive(rt, work);
        self.flush(rt);
        done.map_err(|e| self.error(&e, sql))
    }

    /// Waits until everything sent so far is answered.
    pub(super) fn flush(&mut self, rt: &Runtime) {
        // Whatever is wrong here was wrong before and is reported there.
        let _ = self.drive(rt, async |client| client.batch_execute("").await);
    }

    /// The error of a request, or, where that only says that the connection has ended, why it has.
    pub(super) fn error(&mut self, e: &tokio_postgres::Error, sql: &str) -> PgError {
        let error = PgError::from_driver(e, sql);
        if error.kind == PgErrorKind::Closed && !error.severity.is_empty() {
            // The server has said goodbye; that the socket closes may take a moment.
            self.connection = None;
            self.lost.get_or_insert_with(|| error.clone());
        }
        match &self.lost {
            Some(lost) if error.message == GONE => lost.clone(),
            _ => error,
        }
    }

    /// What the last statement did.
    pub(super) fn outcome(&self) -> Result<Outcome, PgError> {
        match self.wire.heard().tag.clone() {
            Some(tag) => Ok(Outcome::new(tag)),
            None => Err(PgError::new(
                PgErrorKind::Usage,
                "can't execute an empty query",
            )),
        }
    }
}

/// Moves bytes until nothing more can be moved at the moment.
fn pump(
    connection: &mut Option<Connection>,
    notices: &mut Vec<Notice>,
    lost: &mut Option<PgError>,
    cx: &mut Context<'_>,
) {
    while let Some(live) = connection {
        let end = match live.poll_message(cx) {
            Poll::Pending => return,
            Poll::Ready(Some(Ok(AsyncMessage::Notice(notice)))) => {
                notices.push(Notice::from(&notice));
                continue;
            }
            Poll::Ready(Some(Ok(_))) => continue,
            Poll::Ready(Some(Err(e))) => PgError {
                kind: PgErrorKind::Closed,
                ..PgError::from_driver(&e, "")
            },
            Poll::Ready(None) => PgError::new(PgErrorKind::Closed, GONE),
        };
        *connection = None;
        lost.get_or_insert(end);
    }
}
