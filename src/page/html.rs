//! The HTML of a report page.
//!
//! The program and the style are built from `web/` and lie in `assets/`. The data goes in as JSON in which no `<`
//! stands, so nothing in it can end its element; large data is packed. A content security policy with the hash of the
//! program refuses every other script, and in a file every request.
use crate::docs::page::base64;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::io::Write as _;

const PROGRAM: &str = include_str!("assets/report.js");
const STYLE: &str = include_str!("assets/report.css");

/// Data above this many bytes is packed.
const PACK: usize = 64 * 1024;

/// What a page is made of.
#[derive(Debug, Clone, Copy)]
pub struct PageText<'a> {
    /// Title of the window.
    pub title: &'a str,
    /// Language of the page (`da-DK`).
    pub locale: &'a str,
    /// Layout.
    pub page: &'a Value,
    /// Data; none for a page that asks its server.
    pub data: Option<&'a Value>,
}

/// The whole page.
pub fn page(text: &PageText<'_>) -> String {
    let program = PROGRAM.trim_end();
    let hash = base64(&Sha256::digest(program.as_bytes()));
    let connect = if text.data.is_some() {
        "'none'"
    } else {
        "'self'"
    };
    let images = if text.data.is_some() {
        "data:"
    } else {
        "data: https:"
    };
    let data = text.data.map(|d| pack(&d.to_string())).unwrap_or_default();
    let locale: String = text
        .locale
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '-')
        .collect();
    format!(
        "<!doctype html>\n<html lang=\"{locale}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; script-src 'sha256-{hash}'; \
         style-src 'unsafe-inline'; img-src {images}; font-src data:; connect-src {connect}; base-uri 'none'; form-action 'none'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"generator\" content=\"tv1\">\n\
         <link rel=\"icon\" href=\"data:,\">\n<title>{}</title>\n<style>{}</style>\n</head>\n<body>\n\
         <script type=\"application/json\" id=\"page\">{}</script>\n<script type=\"text/plain\" id=\"data\">{}</script>\n\
         <script>{program}</script>\n</body>\n</html>\n",
        escape(text.title),
        STYLE.trim_end(),
        safe(&text.page.to_string()),
        data,
    )
}

/// JSON that may stand inside a script element: `<` occurs in JSON only within strings.
fn safe(json: &str) -> String {
    json.replace('<', "\\u003c")
}

fn pack(json: &str) -> String {
    if json.len() <= PACK {
        return safe(json);
    }
    let mut packed = GzEncoder::new(Vec::new(), Compression::new(7));
    let done = packed
        .write_all(json.as_bytes())
        .and_then(|()| packed.finish());
    done.map_or_else(|_| safe(json), |bytes| base64(&bytes))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
