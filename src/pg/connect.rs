//! Opens a connection: addresses, encryption as libpq negotiates it, time limits, retries, and libpq's words when it fails.
use super::error::{PgError, PgErrorKind};
use super::options::{ConnectOptions, SslMode};
use super::tls;
use super::wire::{Tap, Wire};
use rustix::net::sockopt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres_rustls::MakeRustlsConnect;

/// A way to the server that has been resolved.
#[derive(Debug, Clone)]
pub(super) enum Endpoint {
    /// Host as it was named, and one of its addresses.
    Tcp(String, SocketAddr),
    /// Path of a socket.
    Unix(PathBuf),
}

impl Endpoint {
    /// The host as it was named.
    fn host(&self) -> &str {
        match self {
            Self::Tcp(host, _) => host,
            Self::Unix(_) => "",
        }
    }

    /// libpq's beginning of a message about it.
    fn show(&self) -> String {
        match self {
            Self::Unix(path) => format!(
                "connection to server on socket \"{}\" failed",
                path.display()
            ),
            Self::Tcp(host, a) if *host == a.ip().to_string() => {
                format!(
                    "connection to server at \"{host}\", port {} failed",
                    a.port()
                )
            }
            Self::Tcp(host, a) => {
                format!(
                    "connection to server at \"{host}\" ({}), port {} failed",
                    a.ip(),
                    a.port()
                )
            }
        }
    }
}

/// A connected socket.
#[derive(Debug)]
pub(super) enum Socket {
    /// TCP.
    Tcp(TcpStream),
    /// Unix.
    Unix(UnixStream),
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(s) => Pin::new(s).poll_read(cx, buf),
            Self::Unix(s) => Pin::new(s).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(s) => Pin::new(s).poll_write(cx, buf),
            Self::Unix(s) => Pin::new(s).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(s) => Pin::new(s).poll_flush(cx),
            Self::Unix(s) => Pin::new(s).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(s) => Pin::new(s).poll_shutdown(cx),
            Self::Unix(s) => Pin::new(s).poll_shutdown(cx),
        }
    }
}

pub(super) type Plain = Tap<Socket>;
type Encrypted = <MakeRustlsConnect as MakeTlsConnect<Plain>>::Stream;
/// The driver's half that moves bytes.
pub(super) type Connection = tokio_postgres::Connection<Plain, Tap<Encrypted>>;

type RustlsConnect = <MakeRustlsConnect as MakeTlsConnect<Plain>>::TlsConnect;

/// Encrypts a stream and listens inside; without a connector it serves sessions that are not encrypted.
struct TapTls {
    tls: Option<RustlsConnect>,
    wire: Wire,
}

impl TlsConnect<Plain> for TapTls {
    type Stream = Tap<Encrypted>;
    type Error = io::Error;
    type Future = Handshake;

    fn connect(self, stream: Plain) -> Handshake {
        Handshake {
            tls: self.tls.map(|tls| Box::pin(tls.connect(stream))),
            wire: self.wire,
        }
    }
}

struct Handshake {
    tls: Option<Pin<Box<<RustlsConnect as TlsConnect<Plain>>::Future>>>,
    wire: Wire,
}

impl Future for Handshake {
    type Output = io::Result<Tap<Encrypted>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(tls) = &mut self.tls else {
            return Poll::Ready(Err(io::Error::other("encryption was not asked for")));
        };
        let stream = ready!(tls.as_mut().poll(cx))?;
        Poll::Ready(Ok(Tap::new(stream, self.wire.clone(), false)))
    }
}

/// An open connection.
pub(super) struct Opened {
    pub client: tokio_postgres::Client,
    pub connection: Connection,
    pub wire: Wire,
    pub endpoint: Endpoint,
    pub tls: Option<MakeRustlsConnect>,
}

/// Connects, with the options' retries: the first at once, the n-th after (n-1)² seconds. A refusal of the login is final.
pub(super) fn open(
    rt: &tokio::runtime::Runtime,
    options: &ConnectOptions,
) -> Result<Opened, PgError> {
    let mut attempt: u64 = 0;
    loop {
        match rt.block_on(once(options)) {
            Ok(opened) => return Ok(opened),
            Err(e) if attempt < u64::from(options.retries) && worth_retrying(&e) => {
                std::thread::sleep(Duration::from_secs(attempt * attempt));
                attempt += 1;
            }
            Err(e) => return Err(e),
        }
    }
}

fn worth_retrying(e: &PgError) -> bool {
    e.kind == PgErrorKind::Connect && !e.sqlstate.starts_with("28") && e.sqlstate != "3D000"
}

/// Every host, every address, every kind of encryption, in libpq's order.
async fn once(options: &ConnectOptions) -> Result<Opened, PgError> {
    let mut failures: Vec<PgError> = Vec::new();
    for host in options.host.split(',') {
        let endpoints = match resolve(host.trim(), options).await {
            Ok(endpoints) => endpoints,
            Err(e) => {
                failures.push(e);
                continue;
            }
        };
        for endpoint in endpoints {
            match reach(&endpoint, options).await {
                Ok(opened) => return Ok(opened),
                // The server has spoken: another address of it will not say anything else.
                Err(e) if !e.sqlstate.is_empty() => return Err(e),
                Err(e) => failures.push(e),
            }
        }
    }
    let texts: Vec<String> = failures.iter().map(|e| e.message.clone()).collect();
    let last = failures
        .pop()
        .unwrap_or_else(|| PgError::new(PgErrorKind::Connect, "no host to connect to"));
    Err(PgError {
        message: texts.join("\n"),
        ..last
    })
}

async fn resolve(host: &str, options: &ConnectOptions) -> Result<Vec<Endpoint>, PgError> {
    if host.starts_with('/') {
        let path = Path::new(host).join(format!(".s.PGSQL.{}", options.port));
        return Ok(vec![Endpoint::Unix(path)]);
    }
    let host = if host.is_empty() { "localhost" } else { host };
    let found = limited(options, tokio::net::lookup_host((host, options.port))).await;
    let addresses = found.map_err(|e| {
        let text = e.to_string();
        let reason = text.rsplit(": ").next().unwrap_or(&text);
        PgError::new(
            PgErrorKind::Connect,
            format!("could not translate host name \"{host}\" to address: {reason}"),
        )
    })?;
    Ok(addresses
        .map(|a| Endpoint::Tcp(host.to_owned(), a))
        .collect())
}

/// Tries the kinds of encryption that the mode allows.
async fn reach(endpoint: &Endpoint, options: &ConnectOptions) -> Result<Opened, PgError> {
    use tokio_postgres::config::SslMode as Ask;
    let (first, second) = match (endpoint, options.sslmode) {
        (Endpoint::Unix(_), _) | (_, SslMode::Disable) => (Ask::Disable, None),
        (_, SslMode::Allow) => (Ask::Disable, Some(Ask::Require)),
        (_, SslMode::Prefer) => (Ask::Prefer, Some(Ask::Disable)),
        _ => (Ask::Require, None),
    };
    let (error, encrypted) = match attempt(endpoint, options, first).await {
        Ok(opened) => return Ok(opened),
        Err(failed) => failed,
    };
    // With `prefer` a second, unencrypted try only makes sense where the first was encrypted; with `allow` only where
    // the server wants encryption.
    let again = match second {
        Some(Ask::Disable) => encrypted && !matches!(error.sqlstate.as_str(), "28P01" | "3D000"),
        Some(_) => error.sqlstate == "28000",
        None => false,
    };
    match second.filter(|_| again) {
        None => Err(error),
        Some(ask) => attempt(endpoint, options, ask).await.map_err(|_| error),
    }
}

async fn attempt(
    endpoint: &Endpoint,
    options: &ConnectOptions,
    ask: tokio_postgres::config::SslMode,
) -> Result<Opened, (PgError, bool)> {
    let wire = Wire::default();
    let work = login(endpoint, options, ask, wire.clone());
    let result = limited(options, async { Ok(work.await) }).await;
    result
        .unwrap_or_else(|_| {
            let text = format!("{}: timeout expired", endpoint.show());
            Err(PgError::new(PgErrorKind::Connect, text))
        })
        .map_err(|e| (e, wire.heard().encrypted))
}

async fn login(
    endpoint: &Endpoint,
    options: &ConnectOptions,
    ask: tokio_postgres::config::SslMode,
    wire: Wire,
) -> Result<Opened, PgError> {
    let failed =
        |text: String| PgError::new(PgErrorKind::Connect, format!("{}: {text}", endpoint.show()));
    let asked = ask != tokio_postgres::config::SslMode::Disable;
    let tls = if asked {
        Some(tls::connector(options).map_err(&failed)?)
    } else {
        None
    };
    let socket = dial(endpoint, options.keepalives_idle)
        .await
        .map_err(|e| failed(unreachable_text(endpoint, &e)))?;
    let config = config(options, ask);
    let tap = Tap::new(socket, wire.clone(), asked);
    let connector = TapTls {
        tls: tls.clone().map(|mut tls| {
            let Ok(tls) = MakeTlsConnect::<Plain>::make_tls_connect(&mut tls, endpoint.host());
            tls
        }),
        wire: wire.clone(),
    };
    let result = config.connect_raw(tap, connector).await;
    let (client, connection) = result.map_err(|e| startup_error(endpoint, &e))?;
    Ok(Opened {
        client,
        connection,
        wire,
        endpoint: endpoint.clone(),
        tls,
    })
}

fn config(
    options: &ConnectOptions,
    ask: tokio_postgres::config::SslMode,
) -> tokio_postgres::Config {
    let mut config = tokio_postgres::Config::new();
    config
        .user(&options.user)
        .dbname(&options.dbname)
        .application_name(&options.application_name)
        .ssl_mode(ask);
    if let Some(password) = &options.password {
        config.password(password.expose());
    }
    let mut settings: Vec<String> = options.options.iter().cloned().collect();
    if let Some(path) = &options.search_path {
        settings.push(format!(
            "-c search_path={}",
            path.replace('\\', "\\\\").replace(' ', "\\ ")
        ));
    }
    if !settings.is_empty() {
        config.options(settings.join(" "));
    }
    config
}

async fn dial(endpoint: &Endpoint, keepalives_idle: u32) -> io::Result<Socket> {
    match endpoint {
        Endpoint::Unix(path) => Ok(Socket::Unix(UnixStream::connect(path).await?)),
        Endpoint::Tcp(_, address) => {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            sockopt::set_socket_keepalive(&stream, true)?;
            if keepalives_idle > 0 {
                let idle = Duration::from_secs(keepalives_idle.into());
                sockopt::set_tcp_keepidle(&stream, idle)?;
            }
            Ok(Socket::Tcp(stream))
        }
    }
}

async fn limited<T>(
    options: &ConnectOptions,
    work: impl Future<Output = io::Result<T>>,
) -> io::Result<T> {
    match options.connect_timeout {
        None => work.await,
        Some(limit) => tokio::time::timeout(limit, work)
            .await
            .unwrap_or_else(|_| Err(io::Error::other("timeout expired"))),
    }
}

fn unreachable_text(endpoint: &Endpoint, e: &io::Error) -> String {
    let text = e.to_string();
    let reason = text.split(" (os error").next().unwrap_or(&text);
    match endpoint {
        Endpoint::Unix(_) => format!(
            "{reason}\n\tIs the server running locally and accepting connections on that socket?"
        ),
        Endpoint::Tcp(..) => {
            format!(
                "{reason}\n\tIs the server running on that host and accepting TCP/IP connections?"
            )
        }
    }
}

fn startup_error(endpoint: &Endpoint, e: &tokio_postgres::Error) -> PgError {
    let error = PgError::from_driver(e, "");
    let said = match (error.severity.as_str(), error.message.as_str()) {
        ("", "password missing") => "fe_sendauth: no password supplied".to_owned(),
        ("", "server does not support TLS") => {
            "server does not support SSL, but SSL was required".to_owned()
        }
        ("", message) => message.to_owned(),
        (severity, message) => format!("{severity}:  {message}"),
    };
    PgError {
        kind: PgErrorKind::Connect,
        message: format!("{}: {said}", endpoint.show()),
        ..error
    }
}

/// Asks the server to cancel what the backend with this key does, and waits until it has taken note.
pub(super) async fn cancel(
    endpoint: &Endpoint,
    tls: Option<MakeRustlsConnect>,
    (pid, key): (i32, i32),
) -> io::Result<()> {
    const SSL: i32 = 80_877_103;
    const CANCEL: i32 = 80_877_102;
    let words = |words: &[i32]| -> Vec<u8> { words.iter().flat_map(|w| w.to_be_bytes()).collect() };
    let request = words(&[16, CANCEL, pid, key]);
    let mut socket = dial(endpoint, 0).await?;
    let Some(mut tls) = tls else {
        return say_goodbye(&mut socket, &request).await;
    };
    socket.write_all(&words(&[8, SSL])).await?;
    if socket.read_u8().await? != b'S' {
        return Err(io::Error::other("the server no longer encrypts"));
    }
    let Ok(tls) = MakeTlsConnect::<Socket>::make_tls_connect(&mut tls, endpoint.host());
    let mut stream = tls.connect(socket).await?;
    say_goodbye(&mut stream, &request).await
}

async fn say_goodbye(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    request: &[u8],
) -> io::Result<()> {
    stream.write_all(request).await?;
    stream.flush().await?;
    // The server answers nothing and closes once the signal is sent; any end will do.
    let _ = stream.read(&mut [0; 1]).await;
    Ok(())
}
