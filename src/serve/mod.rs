//! HTTP for a page on this machine: which requests there are, and which are refused.
//!
//! In: something that has pages and answers questions ([`Site`]). Out: a server that listens on the loopback address
//! only. It answers nobody who does not ask for this machine by a name of its own, so that no page of the internet can
//! reach it through a name that it controls. It knows no SQL and no database.
mod guard;

use crate::page::Question;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};
use std::future::IntoFuture;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;

/// Why a request has no answer, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The request is wrong.
    Asked(String),
    /// There is no such thing.
    Absent(String),
    /// It took too long.
    Slow(String),
    /// The database cannot answer.
    Broken(String),
}

/// What is served.
pub trait Site: Send + Sync + 'static {
    /// The first page.
    fn index(&self) -> Result<String, Fault>;
    /// The page of a report.
    fn report(&self, name: &str) -> Result<String, Fault>;
    /// The documentation.
    fn docs(&self) -> Result<String, Fault>;
    /// Values of metrics.
    fn query(&self, question: &Question) -> Result<Value, Fault>;
}

/// A server that listens but does not answer yet.
#[derive(Debug)]
pub struct Listening {
    socket: TcpListener,
    /// Where.
    pub address: SocketAddr,
}

/// How long answers under way may take when the server ends.
const GRACE: Duration = Duration::from_secs(1);

/// Longest question in bytes.
const LONGEST: usize = 256 * 1024;

/// Takes a port of this machine; 0 takes one that is free.
pub fn listen(port: u16) -> std::io::Result<Listening> {
    let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    socket.set_nonblocking(true)?;
    let address = socket.local_addr()?;
    Ok(Listening { socket, address })
}

impl Listening {
    /// Answers until `stop` fires or its sender is gone.
    pub fn run(self, site: Arc<dyn Site>, stop: oneshot::Receiver<()>) -> std::io::Result<()> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .max_blocking_threads(16)
            .enable_all()
            .build()?;
        let done = runtime.block_on(async move {
            let listener = tokio::net::TcpListener::from_std(self.socket)?;
            let (tell, told) = oneshot::channel::<()>();
            let server = axum::serve(listener, routes(site)).with_graceful_shutdown(async {
                let _ = told.await;
            });
            let mut server = tokio::spawn(server.into_future());
            let ended = tokio::select! {
                ended = &mut server => ended,
                _ = stop => {
                    drop(tell);
                    // Answers under way may end; a browser that only keeps its connection open may not hold us up.
                    match tokio::time::timeout(GRACE, &mut server).await {
                        Ok(ended) => ended,
                        Err(_) => return Ok(()),
                    }
                }
            };
            ended.unwrap_or_else(|e| Err(std::io::Error::other(e)))
        });
        runtime.shutdown_timeout(GRACE);
        done
    }
}

/// A switch that ends a server.
pub fn switch() -> (oneshot::Sender<()>, oneshot::Receiver<()>) {
    oneshot::channel()
}

fn routes(site: Arc<dyn Site>) -> Router {
    Router::new()
        .route("/", get(index))
        .route("/report/{name}", get(report))
        .route("/docs", get(docs))
        .route("/api/query", post(query))
        .fallback(nothing)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(LONGEST))
        .layer(axum::middleware::from_fn(guard::guard))
        .with_state(site)
}

/// Runs what waits for the database where waiting is allowed.
async fn away<T: Send + 'static>(
    run: impl FnOnce() -> Result<T, Fault> + Send + 'static,
) -> Result<T, Fault> {
    let done = tokio::task::spawn_blocking(run).await;
    done.unwrap_or_else(|_| Err(Fault::Broken("the answer could not be made".into())))
}

fn html(page: Result<String, Fault>) -> Response {
    match page {
        Ok(text) => ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], text).into_response(),
        Err(fault) => {
            let text = format!("{}\n", fault.text());
            (
                fault.status(),
                [(header::CONTENT_TYPE, "text/plain; charset=utf-8")],
                text,
            )
                .into_response()
        }
    }
}

async fn index(State(site): State<Arc<dyn Site>>) -> Response {
    html(away(move || site.index()).await)
}

async fn report(State(site): State<Arc<dyn Site>>, Path(name): Path<String>) -> Response {
    html(away(move || site.report(&name)).await)
}

async fn docs(State(site): State<Arc<dyn Site>>) -> Response {
    html(away(move || site.docs()).await)
}

async fn query(State(site): State<Arc<dyn Site>>, headers: HeaderMap, body: Bytes) -> Response {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .unwrap_or_default();
    if kind.split(';').next().map(str::trim) != Some("application/json") {
        return refuse(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "a question is `application/json`",
        );
    }
    let question: Question = match serde_json::from_slice(&body) {
        Ok(q) => q,
        Err(e) => {
            return refuse(
                StatusCode::BAD_REQUEST,
                &format!("the question cannot be read: {e}"),
            );
        }
    };
    match away(move || site.query(&question)).await {
        Ok(answer) => (
            [(header::CONTENT_TYPE, "application/json")],
            answer.to_string(),
        )
            .into_response(),
        Err(fault) => refuse(fault.status(), fault.text()),
    }
}

async fn nothing(uri: axum::http::Uri) -> Response {
    if uri.path().len() > 1 && uri.path().ends_with('/') {
        return Redirect::permanent(uri.path().trim_end_matches('/')).into_response();
    }
    refuse(
        StatusCode::NOT_FOUND,
        "there is nothing here; `/` lists what there is",
    )
}

async fn wrong_method() -> Response {
    refuse(
        StatusCode::METHOD_NOT_ALLOWED,
        "pages are read with GET, questions are asked with POST",
    )
}

/// A refusal as JSON.
fn refuse(status: StatusCode, text: &str) -> Response {
    let mut response = (status, json!({"error": text}).to_string()).into_response();
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    response
}

impl Fault {
    fn status(&self) -> StatusCode {
        match self {
            Self::Asked(_) => StatusCode::BAD_REQUEST,
            Self::Absent(_) => StatusCode::NOT_FOUND,
            Self::Slow(_) => StatusCode::GATEWAY_TIMEOUT,
            Self::Broken(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn text(&self) -> &str {
        match self {
            Self::Asked(t) | Self::Absent(t) | Self::Slow(t) | Self::Broken(t) => t,
        }
    }
}

#[cfg(test)]
mod tests;
