//! Listens to the server's side of the protocol while the driver reads it.
//!
//! The driver keeps three things to itself that people and materializations need: the command tag (`SELECT 10`), the
//! column types of a simple query and the transaction state. A `Tap` around the stream copies just those messages. The one
//! thing it changes is a superfluous `Sync` before COPY data. Message formats: PostgreSQL manual, "Frontend/Backend
//! Protocol", "Message Formats".
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, TlsStream};

/// The message `Sync`.
const SYNC: [u8; 5] = [b'S', 0, 0, 0, 4];

/// A result column as the server describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field {
    /// Name; several columns may have the same.
    pub name: String,
    /// Type.
    pub oid: u32,
    /// Type modifier; -1 if none.
    pub typmod: i32,
}

/// What the server has said since `clear`, and the lasting facts of the session.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// Process id of the backend and the key that cancels it.
    pub key: Option<(i32, i32)>,
    /// `I` outside a transaction, `T` inside, `E` inside a failed one; 0 before the first answer.
    pub state: u8,
    /// Whether the session is encrypted.
    pub encrypted: bool,
    /// Tag of the last finished statement.
    pub tag: Option<String>,
    /// Columns of every statement that gives rows, in order.
    pub described: Vec<Vec<Field>>,
    /// Whether the last finished statement gives rows; its columns are the last described.
    pub rows: bool,
    /// Whether rows are announced for a statement that is not finished.
    announced: bool,
    /// `G`: the server waits for the data of a COPY; `H`: it sends such data.
    pub copying: Option<u8>,
    /// Whether the server has sent an error.
    pub refused: bool,
    /// Whether the server waits for the next request.
    pub ready: bool,
    /// Whether the next `Sync` is to be left out, see `Tap::poll_write`.
    pub hold_sync: bool,
}

impl Heard {
    fn message(&mut self, kind: u8, body: &[u8]) {
        match kind {
            b'K' => {
                let mut body = Reader(body);
                self.key = body.i32().zip(body.i32());
            }
            b'Z' => {
                self.state = body.first().copied().unwrap_or(0);
                self.ready = true;
            }
            b'T' => {
                self.described.push(fields(body).unwrap_or_default());
                self.announced = true;
            }
            b'E' => self.refused = true,
            b'C' => {
                let tag = body.strip_suffix(&[0]).unwrap_or(body);
                self.tag = Some(String::from_utf8_lossy(tag).into_owned());
                self.rows = std::mem::take(&mut self.announced);
                self.copying = None;
            }
            b'G' | b'H' => self.copying = Some(kind),
            _ => {}
        }
    }
}

fn fields(body: &[u8]) -> Option<Vec<Field>> {
    let mut body = Reader(body);
    let count = body.i16()?;
    (0..count)
        .map(|_| {
            let name = body.text()?;
            body.take(6)?;
            let oid = body.i32()? as u32;
            body.take(2)?;
            let typmod = body.i32()?;
            body.take(2)?;
            Some(Field { name, oid, typmod })
        })
        .collect()
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take(&mut self, n: usize) -> Option<&[u8]> {
        let (head, tail) = self.0.split_at_checked(n)?;
        self.0 = tail;
        Some(head)
    }

    fn i32(&mut self) -> Option<i32> {
        self.take(4)?.try_into().ok().map(i32::from_be_bytes)
    }

    fn i16(&mut self) -> Option<i16> {
        self.take(2)?.try_into().ok().map(i16::from_be_bytes)
    }

    fn text(&mut self) -> Option<String> {
        let end = self.0.iter().position(|b| *b == 0)?;
        let text = String::from_utf8_lossy(&self.0[..end]).into_owned();
        self.0 = &self.0[end + 1..];
        Some(text)
    }
}

/// The session's side of the tap.
#[derive(Debug, Clone, Default)]
pub(super) struct Wire(Arc<Mutex<Heard>>);

impl Wire {
    /// What was heard.
    pub(super) fn heard(&self) -> MutexGuard<'_, Heard> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets the answer to the last request.
    pub(super) fn clear(&self) {
        let mut heard = self.heard();
        *heard = Heard {
            key: heard.key,
            state: heard.state,
            encrypted: heard.encrypted,
            ..Heard::default()
        };
    }
}

/// What the tap hears on its stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hears {
    /// The one-byte answer to the request for encryption.
    Answer,
    /// Messages.
    Messages,
    /// Nothing that it understands: the stream is encrypted.
    Noise,
}

/// A stream that is listened to.
#[derive(Debug)]
pub(super) struct Tap<S> {
    stream: S,
    wire: Wire,
    hears: Hears,
    head: Vec<u8>,
    left: usize,
    body: Option<Vec<u8>>,
}

impl<S> Tap<S> {
    /// Listens to messages; `asked`: an answer to a request for encryption comes first.
    pub(super) fn new(stream: S, wire: Wire, asked: bool) -> Self {
        let hears = if asked {
            Hears::Answer
        } else {
            Hears::Messages
        };
        Self {
            stream,
            wire,
            hears,
            head: Vec::with_capacity(5),
            left: 0,
            body: None,
        }
    }

    fn hear(&mut self, mut bytes: &[u8]) {
        if self.hears == Hears::Answer
            && let [answer, rest @ ..] = bytes
        {
            bytes = rest;
            self.hears = if *answer == b'S' {
                self.wire.heard().encrypted = true;
                Hears::Noise
            } else {
                Hears::Messages
            };
        }
        while self.hears == Hears::Messages && !bytes.is_empty() {
            bytes = self.hear_some(bytes);
        }
    }

    /// Takes bytes of one message's head or body and gives back the rest.
    fn hear_some<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        if self.head.len() < 5 {
            let n = bytes.len().min(5 - self.head.len());
            self.head.extend_from_slice(&bytes[..n]);
            if let [kind, length @ ..] = self.head.as_slice()
                && let Ok(length) = <[u8; 4]>::try_from(length)
            {
                self.left = (u32::from_be_bytes(length) as usize).saturating_sub(4);
                self.body =
                    matches!(kind, b'K' | b'Z' | b'T' | b'C' | b'E' | b'G' | b'H').then(Vec::new);
                self.finish();
            }
            return &bytes[n..];
        }
        let n = bytes.len().min(self.left);
        if let Some(body) = &mut self.body {
            body.extend_from_slice(&bytes[..n]);
        }
        self.left -= n;
        self.finish();
        &bytes[n..]
    }

    fn finish(&mut self) {
        if self.left == 0 {
            if let (Some(body), Some(kind)) = (self.body.take(), self.head.first()) {
                self.wire.heard().message(*kind, &body);
            }
            self.head.clear();
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Tap<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(cx, buf))?;
        this.hear(&buf.filled()[before..]);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Tap<S> {
    /// The driver sends a `Sync` both when it starts a COPY and when it ends it. While data flow the server overlooks the
    /// first; but if it refuses to start, it answers both, and from then on the driver takes every answer for that of the
    /// request before. So the first is left out when `hold_sync` says so.
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let hold = this.wire.heard().hold_sync;
        let Some(kept) = buf.strip_suffix(&SYNC).filter(|k| hold && !k.is_empty()) else {
            return Pin::new(&mut this.stream).poll_write(cx, buf);
        };
        let written = ready!(Pin::new(&mut this.stream).poll_write(cx, kept))?;
        if written < kept.len() {
            return Poll::Ready(Ok(written));
        }
        this.wire.heard().hold_sync = false;
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

impl<S: TlsStream + Unpin> TlsStream for Tap<S> {
    fn channel_binding(&self) -> ChannelBinding {
        self.stream.channel_binding()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        let mut bytes = vec![kind];
        bytes.extend((body.len() as u32 + 4).to_be_bytes());
        bytes.extend(body);
        bytes
    }

    fn column(name: &str, oid: i32) -> Vec<u8> {
        let mut body = name.as_bytes().to_vec();
        body.extend([0; 7]);
        body.extend(oid.to_be_bytes());
        body.extend([0, 4]);
        body.extend((-1i32).to_be_bytes());
        body.extend([0, 0]);
        body
    }

    fn answer() -> Vec<u8> {
        let mut key = 7i32.to_be_bytes().to_vec();
        key.extend(9i32.to_be_bytes());
        let columns = [vec![0, 2], column("æ", 23), column("æ", 25)].concat();
        [
            message(b'K', &key),
            message(b'S', b"a\0b\0"),
            message(b'T', &columns),
            message(b'D', &[0; 300]),
            message(b'C', b"SELECT 1\0"),
            message(b'I', b""),
            message(b'Z', b"T"),
        ]
        .concat()
    }

    proptest! {
        #[test]
        fn hears_the_same_however_the_bytes_are_cut(cuts in proptest::collection::vec(1usize..40, 0..60)) {
            let wire = Wire::default();
            let mut tap = Tap::new((), wire.clone(), true);
            let bytes = [b"N".to_vec(), answer()].concat();
            let mut rest = bytes.as_slice();
            for cut in cuts {
                let (head, tail) = rest.split_at(cut.min(rest.len()));
                tap.hear(head);
                rest = tail;
            }
            tap.hear(rest);
            let heard = wire.heard();
            prop_assert_eq!(heard.key, Some((7, 9)));
            prop_assert_eq!(heard.tag.as_deref(), Some("SELECT 1"));
            prop_assert_eq!(heard.state, b'T');
            let field = |oid| Field { name: "æ".into(), oid, typmod: -1 };
            prop_assert_eq!(&heard.described, &[[field(23), field(25)]]);
            prop_assert!(heard.rows && heard.ready && !heard.refused);
            prop_assert!(!heard.encrypted);
        }

        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            Tap::new((), Wire::default(), false).hear(&bytes);
        }
    }

    #[test]
    fn goes_deaf_when_the_stream_is_encrypted() {
        let wire = Wire::default();
        let mut tap = Tap::new((), wire.clone(), true);
        tap.hear(b"S");
        tap.hear(&answer());
        assert!(wire.heard().encrypted);
        assert_eq!(wire.heard().tag, None);
    }
}
