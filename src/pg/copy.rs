//! The data of `COPY … FROM STDIN`, written piece by piece.
use super::error::PgError;
use super::link::Link;
use bytes::Buf;
use futures_util::SinkExt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::runtime::Runtime;
use tokio_postgres::CopyInSink;

/// Data goes out in pieces of about this many bytes.
const PIECE: usize = 64 * 1024;

/// A COPY that waits for data. Dropped without `finish` it is aborted.
pub struct CopyWriter<'s> {
    rt: &'s Runtime,
    link: &'s mut Link,
    sink: Option<Pin<Box<CopyInSink<Piece>>>>,
    sql: String,
    buffer: Vec<u8>,
    used: Used,
}

/// Buffers that have been sent and may be filled again.
type Used = Arc<Mutex<Vec<Vec<u8>>>>;

/// Data on their way to the driver, which copies them once, into what it writes to the socket.
pub(super) struct Piece {
    data: Vec<u8>,
    sent: usize,
    used: Used,
}

impl Buf for Piece {
    fn remaining(&self) -> usize {
        self.data.len() - self.sent
    }

    fn chunk(&self) -> &[u8] {
        &self.data[self.sent..]
    }

    fn advance(&mut self, n: usize) {
        self.sent = (self.sent + n).min(self.data.len());
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        let mut data = std::mem::take(&mut self.data);
        data.clear();
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.push(data);
    }
}

impl<'s> CopyWriter<'s> {
    pub(super) fn new(
        rt: &'s Runtime,
        link: &'s mut Link,
        sink: CopyInSink<Piece>,
        sql: &str,
    ) -> Self {
        Self {
            rt,
            link,
            sink: Some(Box::pin(sink)),
            sql: sql.to_owned(),
            buffer: Vec::with_capacity(PIECE * 2),
            used: Used::default(),
        }
    }

    /// Sends data; an error as soon as the server has refused any.
    pub fn send(&mut self, data: &[u8]) -> Result<(), PgError> {
        self.buffer.extend_from_slice(data);
        if self.buffer.len() < PIECE {
            return Ok(());
        }
        self.push_all()
    }

    /// Sends all of `data` as it is, without copying it, and gives an empty buffer in its place.
    pub fn send_all(&mut self, data: &mut Vec<u8>) -> Result<(), PgError> {
        if !self.buffer.is_empty() {
            self.push_all()?;
        }
        std::mem::swap(&mut self.buffer, data);
        self.push_all()?;
        std::mem::swap(&mut self.buffer, data);
        Ok(())
    }

    fn push_all(&mut self) -> Result<(), PgError> {
        self.push()?;
        if self.link.wire.heard().refused {
            self.end()?;
        }
        Ok(())
    }

    fn push(&mut self) -> Result<(), PgError> {
        let next = self
            .used
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop()
            .unwrap_or_else(|| Vec::with_capacity(self.buffer.capacity()));
        let data = Piece {
            data: std::mem::replace(&mut self.buffer, next),
            sent: 0,
            used: self.used.clone(),
        };
        let Some(sink) = &mut self.sink else {
            return Ok(());
        };
        let done = self.link.drive(self.rt, async |_| sink.feed(data).await);
        if let Err(e) = done {
            // A refusal closes the way in before its reason has been read.
            return match self.end() {
                Err(reason) => Err(reason),
                Ok(_) => Err(self.link.error(&e, &self.sql)),
            };
        }
        Ok(())
    }

    /// Ends the data; gives the number of rows.
    pub fn finish(mut self) -> Result<u64, PgError> {
        if !self.buffer.is_empty() {
            self.push()?;
        }
        self.end()
    }

    fn end(&mut self) -> Result<u64, PgError> {
        let Some(mut sink) = self.sink.take() else {
            return Ok(0);
        };
        let done = self
            .link
            .drive(self.rt, async |_| sink.as_mut().finish().await);
        drop(sink);
        self.link.flush(self.rt);
        done.map_err(|e| self.link.error(&e, &self.sql))
    }

    /// Gives the COPY up: none of its rows arrive, and an open transaction has failed.
    pub fn abort(mut self) {
        self.give_up();
    }

    fn give_up(&mut self) {
        if let Some(sink) = self.sink.take() {
            drop(sink);
            self.link.flush(self.rt);
        }
    }
}

impl Drop for CopyWriter<'_> {
    fn drop(&mut self) {
        self.give_up();
    }
}
