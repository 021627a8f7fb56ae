//! Fetching over HTTP, with patience for what may pass: three attempts, then a reason that people can act on.
//!
//! Proxies are taken from `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`; further certificates from `SSL_CERT_FILE` or
//! `REQUESTS_CA_BUNDLE`.
use crate::diag::{Diagnostic, code};
use std::io::Read;
use std::path::Path;
use std::time::Duration;

const ATTEMPTS: u32 = 3;
/// Larger answers are refused: no package is as large.
const MOST_BYTES: u64 = 1 << 30;

/// A client.
pub(super) struct Http {
    agent: ureq::Agent,
    pause: Duration,
}

impl Http {
    /// A client; `certificates` is a file of trusted certificates in PEM form.
    pub(super) fn new(certificates: Option<&Path>) -> Result<Self, Diagnostic> {
        let mut config = ureq::Agent::config_builder()
            .user_agent(concat!("tv1/", env!("CARGO_PKG_VERSION")))
            .timeout_connect(Some(Duration::from_secs(15)))
            .timeout_recv_response(Some(Duration::from_mins(1)))
            .timeout_recv_body(Some(Duration::from_mins(10)));
        if let Some(path) = certificates {
            let pem = std::fs::read(path).map_err(|e| super::files::failed("read", path, &e))?;
            let roots: Vec<_> = ureq::tls::parse_pem(&pem)
                .filter_map(|item| match item {
                    Ok(ureq::tls::PemItem::Certificate(c)) => Some(c),
                    _ => None,
                })
                .collect();
            let tls = ureq::tls::TlsConfig::builder()
                .root_certs(ureq::tls::RootCerts::new_with_certs(&roots))
                .build();
            config = config.tls_config(tls);
        }
        Ok(Self {
            agent: config.build().into(),
            pause: Duration::from_millis(if cfg!(test) { 5 } else { 700 }),
        })
    }

    /// The body at a URL; `what` says what it is.
    ///
    /// # Errors
    /// The network's or the server's refusal, or an answer that is too large.
    pub(super) fn get(&self, url: &str, what: &str) -> Result<Vec<u8>, Diagnostic> {
        let mut attempt = 1;
        loop {
            match self.once(url) {
                Ok(body) => return Ok(body),
                Err(error) if attempt < ATTEMPTS && may_pass(&error) => {
                    std::thread::sleep(self.pause * attempt);
                    attempt += 1;
                }
                Err(error) => return Err(refused(&error, url, what)),
            }
        }
    }

    fn once(&self, url: &str) -> Result<Vec<u8>, ureq::Error> {
        let mut response = self.agent.get(url).call()?;
        let mut body = Vec::new();
        response
            .body_mut()
            .with_config()
            .limit(MOST_BYTES)
            .reader()
            .read_to_end(&mut body)
            .map_err(ureq::Error::from)?;
        Ok(body)
    }
}

/// Whether a second attempt may succeed.
fn may_pass(error: &ureq::Error) -> bool {
    match error {
        ureq::Error::StatusCode(status) => *status == 429 || *status >= 500,
        ureq::Error::Io(_)
        | ureq::Error::Timeout(_)
        | ureq::Error::HostNotFound
        | ureq::Error::ConnectionFailed => true,
        _ => false,
    }
}

fn refused(error: &ureq::Error, url: &str, what: &str) -> Diagnostic {
    let url = without_password(url);
    let d = Diagnostic::error(code::K0905, format!("cannot fetch {what}: {error}"))
        .heading("Runtime Error")
        .note(format!("asked for {url}"));
    match error {
        ureq::Error::StatusCode(401 | 403) => {
            d.help("the server wants to know who asks; check the URL and its credentials")
        }
        ureq::Error::StatusCode(404 | 410) => d.help("check the URL"),
        ureq::Error::BadUri(_) => d.help("the URL must begin with https:// or http://"),
        _ => d.help(
            "check the network, or set HTTPS_PROXY; without a network, use `local:` packages. \
             The packages that are installed have been left as they were",
        ),
    }
}

/// The URL with a password in it replaced.
pub(super) fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_string();
    };
    let end = rest.find('/').unwrap_or(rest.len());
    match rest[..end].rfind('@') {
        Some(at) => format!("{scheme}://*****@{}", &rest[at + 1..]),
        None => url.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_not_shown() {
        assert_eq!(without_password("https://u:p@h/x@y"), "https://*****@h/x@y");
        assert_eq!(without_password("https://h/x@y"), "https://h/x@y");
        assert_eq!(without_password("git@h:x"), "git@h:x");
    }

    #[test]
    fn a_closed_door_is_a_diagnostic_with_a_way_out() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let http = Http::new(None).unwrap();
        let d = http
            .get(&format!("http://127.0.0.1:{port}/x"), "the package index")
            .unwrap_err();
        assert!(
            d.message.starts_with("cannot fetch the package index"),
            "{}",
            d.message
        );
        assert!(d.help.unwrap().contains("HTTPS_PROXY"));
    }
}
