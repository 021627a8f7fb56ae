//! The data of `COPY … FROM STDIN`, written piece by piece.
use super::error::PgError;
use super::link::Link;
use bytes::{Bytes, BytesMut};
use futures_util::SinkExt;
use std::pin::Pin;
use tokio::runtime::Runtime;
use tokio_postgres::CopyInSink;

/// Data goes out in pieces of about this many bytes.
const PIECE: usize = 64 * 1024;

/// A COPY that waits for data. Dropped without `finish` it is aborted.
pub struct CopyWriter<'s> {
    rt: &'s Runtime,
    link: &'s mut Link,
    sink: Option<Pin<Box<CopyInSink<Bytes>>>>,
    sql: String,
    buffer: BytesMut,
}

impl<'s> CopyWriter<'s> {
    pub(super) fn new(
        rt: &'s Runtime,
        link: &'s mut Link,
        sink: CopyInSink<Bytes>,
        sql: &str,
    ) -> Self {
        Self {
            rt,
            link,
            sink: Some(Box::pin(sink)),
            sql: sql.to_owned(),
            buffer: BytesMut::with_capacity(PIECE * 2),
        }
    }

    /// Sends data; an error as soon as the server has refused any.
    pub fn send(&mut self, data: &[u8]) -> Result<(), PgError> {
        self.buffer.extend_from_slice(data);
        if self.buffer.len() < PIECE {
            return Ok(());
        }
        self.push()?;
        if self.link.wire.heard().refused {
            self.end()?;
        }
        Ok(())
    }

    fn push(&mut self) -> Result<(), PgError> {
        let data = self.buffer.split().freeze();
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
