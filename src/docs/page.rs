//! The HTML of the documentation page.
//!
//! The page's parts lie in `assets/` and are plain HTML, CSS and JavaScript. The data goes in
//! as JSON in a `<script type="application/json">` in which no `<` stands, so nothing in it can
//! end the element; the program only ever sets it as text. A content security policy with the
//! hash of the program refuses any other script and every request.

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::site;

/// What the page is made from.
#[derive(Debug, Clone, Copy)]
pub struct DocsInput<'a> {
    /// `manifest.json`, schema v12.
    pub manifest: &'a Value,
    /// `catalog.json`, schema v1: types of columns and owners.
    pub catalog: Option<&'a Value>,
    /// `run_results.json`, schema v6. Results of commands that only compile are left out.
    pub run_results: Option<&'a Value>,
    /// `{"edges": [{"from": [unique_id, column], "to": [unique_id, column], "kind": "copy"}]}`.
    pub column_lineage: Option<&'a Value>,
    /// When the page is made, RFC 3339.
    pub generated_at: &'a str,
}

const TEMPLATE: &str = include_str!("assets/index.html");
const STYLE: &str = include_str!("assets/style.css");

/// In the order in which they need one another; together they are one function.
const PROGRAM: [&str; 12] = [
    include_str!("assets/dom.js"),
    include_str!("assets/sql.js"),
    include_str!("assets/markdown.js"),
    include_str!("assets/data.js"),
    include_str!("assets/layout.js"),
    include_str!("assets/graph.js"),
    include_str!("assets/lineage.js"),
    include_str!("assets/overview.js"),
    include_str!("assets/node.js"),
    include_str!("assets/tree.js"),
    include_str!("assets/search.js"),
    include_str!("assets/app.js"),
];

/// The whole page.
pub fn page(input: &DocsInput) -> String {
    let site = site::site(input);
    let program = format!("(() => {{\n'use strict';\n{}\n}})();", PROGRAM.join("\n"));
    let hash = format!("sha256-{}", base64(&Sha256::digest(program.as_bytes())));
    let title = escape_html(&site.name);
    let data = serde_json::to_string(&site).unwrap_or_default();
    fill(
        TEMPLATE,
        &[
            ("SCRIPT_HASH", &hash),
            ("TITLE", &title),
            ("STYLE", STYLE),
            ("DATA", &escape_json(&data)),
            ("SCRIPT", &program),
        ],
    )
}

/// JSON that may stand inside a script element: `<` occurs in JSON only within strings.
fn escape_json(json: &str) -> String {
    json.replace('<', "\\u003c")
}

fn escape_html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            _ => out.push(c),
        }
    }
    out
}

/// Puts values in place of `@@NAME@@`. What is put in is not looked at again.
fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("@@") {
        out.push_str(before);
        let known = after.split_once("@@").and_then(|(name, tail)| {
            let (_, value) = values.iter().find(|(n, _)| *n == name)?;
            Some((value, tail))
        });
        if let Some((value, tail)) = known {
            out.push_str(value);
            rest = tail;
        } else {
            out.push_str("@@");
            rest = after;
        }
    }
    out.push_str(rest);
    out
}

/// Base64 with padding (RFC 4648, section 4).
pub fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let group =
            chunk.iter().fold(0u32, |g, b| (g << 8) | u32::from(*b)) << (8 * (3 - chunk.len()));
        for k in 0..4 {
            if k > chunk.len() {
                out.push('=');
            } else {
                out.push(char::from(ALPHABET[(group >> (18 - 6 * k) & 63) as usize]));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn input(manifest: &Value) -> DocsInput<'_> {
        DocsInput {
            manifest,
            catalog: None,
            run_results: None,
            column_lineage: None,
            generated_at: "2025-01-31T08:00:00Z",
        }
    }

    #[test]
    fn nothing_in_the_data_can_end_its_element() {
        let nasty = "</script><script>alert(1)</script><!--<img src=x onerror=alert(1)>@@SCRIPT@@";
        let manifest = json!({
            "metadata": {"project_name": nasty},
            "nodes": {"model.p.a": {"resource_type": "model", "name": nasty, "package_name": "p", "description": nasty, "raw_code": nasty}},
        });
        let page = page(&input(&manifest));
        assert_eq!(
            page.matches("</script>").count(),
            2,
            "only the page's own two scripts end"
        );
        assert!(!page.contains("<img"));
        assert!(!page.contains("<!--"));
        assert!(
            page.contains("@@SCRIPT@@"),
            "what is put in is not a template"
        );
        assert!(page.contains("<title>&lt;/script&gt;"));
    }

    #[test]
    fn the_policy_names_the_program_that_is_there() {
        let page = page(&input(&json!({})));
        let program = page
            .rsplit_once("<script>")
            .and_then(|(_, r)| r.split_once("</script>"))
            .unwrap()
            .0;
        assert!(page.contains(&format!(
            "script-src 'sha256-{}'",
            base64(&Sha256::digest(program))
        )));
        let outside = page.replace("http://www.w3.org/2000/svg", "");
        assert!(
            !outside.contains("src=\"http")
                && !outside.contains("@import")
                && !outside.contains("url(http")
        );
    }

    #[test]
    fn base64_pads() {
        assert_eq!(
            ["", "f", "fo", "foo", "foob"].map(|t| base64(t.as_bytes())),
            ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg=="]
        );
    }

    #[test]
    fn an_unknown_mark_stays() {
        assert_eq!(
            fill("a @@X@@ b @@Y@@ @@", &[("Y", "@@X@@")]),
            "a @@X@@ b @@X@@ @@"
        );
    }
}
