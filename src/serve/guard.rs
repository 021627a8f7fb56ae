//! Who may ask, and what every answer says to the browser.
use super::refuse;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;

/// Headers of every answer: no guessing of types, no keeping, no showing inside other pages.
const ALWAYS: [(HeaderName, &str); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::CACHE_CONTROL, "no-store"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
];

/// Refuses requests that do not name this machine, and those that come from pages of elsewhere.
pub async fn guard(request: Request, next: Next) -> Response {
    let host = text(&request, header::HOST)
        .or_else(|| request.uri().authority().map(ToString::to_string))
        .unwrap_or_default();
    let origin = text(&request, header::ORIGIN);
    let mut response = if !is_local(&host) {
        refuse(
            StatusCode::FORBIDDEN,
            "this server answers only to `127.0.0.1` and `localhost`",
        )
    } else if origin.is_some_and(|o| o != format!("http://{host}")) {
        refuse(
            StatusCode::FORBIDDEN,
            "this server answers only to its own pages",
        )
    } else {
        next.run(request).await
    };
    for (name, value) in ALWAYS {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}

fn text(request: &Request, name: HeaderName) -> Option<String> {
    request
        .headers()
        .get(name)
        .and_then(|v| v.to_str().ok())
        .map(str::to_string)
}

/// Whether a `Host` is a name of this machine, with any port.
pub fn is_local(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split_once(']').map_or("", |(n, port)| {
            if port.is_empty() || port.starts_with(':') {
                n
            } else {
                ""
            }
        }),
        None => host.split_once(':').map_or(host, |(n, _)| n),
    };
    ["127.0.0.1", "localhost", "::1"]
        .iter()
        .any(|n| name.eq_ignore_ascii_case(n))
}
