//! Better words for templates that cannot be read: which block is open, what the misspelt tag might be.
//!
//! In: a diagnostic with its place. Out: the same with the way out. Reads the file as text, without the engine, because
//! the engine gives up at the first mistake.
use crate::diag::Diagnostic;
use crate::text::{Place, nearest};
use std::ops::Range;

/// Tags that need an end.
const BLOCKS: &[&str] = &[
    "if",
    "for",
    "call",
    "macro",
    "filter",
    "set",
    "raw",
    "test",
    "data_test",
    "snapshot",
    "materialization",
    "docs",
];
/// Tags that stand inside others or alone.
const OTHERS: &[&str] = &[
    "else", "elif", "do", "set", "include", "import", "from", "break", "continue",
];

/// A tag: its word, whether it has an `=` (a `set` that needs no end), and where it stands.
struct Tag<'t> {
    word: &'t str,
    assigns: bool,
    span: Range<usize>,
}

/// The tags of a text, comments and raw parts left out.
fn tags(text: &str) -> Vec<Tag<'_>> {
    let (mut out, mut at) = (Vec::new(), 0);
    while let Some(found) = text[at..].find("{%").map(|i| at + i) {
        if let Some(comment) = text[at..found].find("{#").map(|i| at + i) {
            at = text[comment..]
                .find("#}")
                .map_or(text.len(), |i| comment + i + 2);
            continue;
        }
        let end = text[found..]
            .find("%}")
            .map_or(text.len(), |i| found + i + 2);
        let body = text[found + 2..end]
            .trim_start_matches(['-', '+'])
            .trim_start();
        let length = body
            .find(|c: char| !(c.is_alphanumeric() || c == '_'))
            .unwrap_or(body.len());
        out.push(Tag {
            word: &body[..length],
            assigns: body.contains('='),
            span: found..end,
        });
        at = end.max(found + 2);
        if &body[..length] == "raw" {
            at = text[at..].find("endraw").map_or(text.len(), |i| at + i);
            at = text[..at].rfind("{%").unwrap_or(at);
        }
    }
    out
}

/// The blocks that are open before a byte.
fn open<'t>(tags: &'t [Tag<'t>], before: usize) -> Vec<&'t Tag<'t>> {
    let mut stack: Vec<&Tag<'_>> = Vec::new();
    for tag in tags.iter().filter(|t| t.span.start < before) {
        if let Some(ended) = tag.word.strip_prefix("end") {
            if stack.last().is_some_and(|t| t.word == ended) {
                stack.pop();
            }
        } else if BLOCKS.contains(&tag.word) && !(tag.word == "set" && tag.assigns) {
            stack.push(tag);
        }
    }
    stack
}

/// A syntax error with the way out.
pub(super) fn explained(mut d: Diagnostic) -> Diagnostic {
    let Some(place) = d.labels.first().map(|l| l.place.clone()) else {
        return d;
    };
    let text = &place.file.text;
    let all = tags(text);
    if let Some(word) = d
        .message
        .strip_prefix("unknown statement ")
        .map(str::to_string)
    {
        let here = all.iter().find(|t| t.span.contains(&place.span.start));
        let start = here.map_or(place.span.start, |t| t.span.start);
        d.message = format!("Encountered unknown tag '{word}'");
        return unknown_tag(d, &word, open(&all, start).last().copied(), &place);
    }
    if d.message.starts_with("unexpected end of input") {
        if let Some(tag) = open(&all, text.len()).last() {
            let word = tag.word;
            d.message = format!("Unexpected end of template: the block `{word}` has no end");
            d.labels.clear();
            return d
                .at(Place::new(&place.file, tag.span.clone()))
                .help(format!("close it with `{{% end{word} %}}`"));
        }
        return d;
    }
    let help = match d.message.as_str() {
        "unexpected end of string" => "a quote that closes the text is missing",
        "unexpected end of comment" => "close the comment with `#}`",
        m if m.ends_with("expected end of variable block") => "close the expression with `}}`",
        m if m.ends_with("expected end of block") => "close the tag with `%}`",
        _ => return d,
    };
    d.help(help)
}

fn unknown_tag(d: Diagnostic, word: &str, inner: Option<&Tag<'_>>, place: &Place) -> Diagnostic {
    if let Some(ended) = word.strip_prefix("end")
        && BLOCKS.contains(&ended)
    {
        return match inner {
            Some(tag) => {
                let open = tag.word;
                d.label(
                    Place::new(&place.file, tag.span.clone()),
                    "this block is still open",
                )
                .help(format!("close `{open}` with `{{% end{open} %}}` first"))
            }
            None => d.help(format!(
                "there is no `{ended}` that it could end; remove it"
            )),
        };
    }
    let ends: Vec<String> = BLOCKS.iter().map(|b| format!("end{b}")).collect();
    let known = BLOCKS.iter().chain(OTHERS).copied();
    let near = nearest(word, known.chain(ends.iter().map(String::as_str)));
    match near {
        Some(near) => d.help(format!("did you mean `{near}`?")),
        None => d.help("tags are if, for, set, do, macro, call and their like"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::code;
    use crate::text::SourceFile;

    fn told(text: &str, message: &str, at: usize) -> Diagnostic {
        let file = SourceFile::new("m.sql", text);
        explained(Diagnostic::error(code::J0301, message).at(Place::new(&file, at..at)))
    }

    #[test]
    fn the_open_block_is_named() {
        let text = "{# {% for %} #}{% if a %}{% set x = 1 %}{% for b in c %}{% endfor %}";
        let d = told(
            text,
            "unexpected end of input, expected end of block",
            text.len(),
        );
        assert!(d.message.contains("`if`"), "{}", d.message);
        assert_eq!(d.labels[0].place.span.start, 15);
        assert_eq!(d.help.as_deref(), Some("close it with `{% endif %}`"));
    }

    #[test]
    fn a_wrong_end_names_what_is_open() {
        let text = "{% for b in c %}{% endif %}";
        let d = told(text, "unknown statement endif", 19);
        assert!(d.help.unwrap().contains("`{% endfor %}`"));
        let d = told("{% endif %}", "unknown statement endif", 3);
        assert!(d.help.unwrap().contains("no `if`"));
    }

    #[test]
    fn a_misspelt_tag_has_a_near_name() {
        let d = told("{% esle %}", "unknown statement esle", 3);
        assert_eq!(d.help.as_deref(), Some("did you mean `else`?"));
        assert!(
            told("{% zzzzzz %}", "unknown statement zzzzzz", 3)
                .help
                .is_some()
        );
    }

    #[test]
    fn raw_parts_have_no_tags() {
        assert_eq!(tags("{% raw %}{% if %}{% endraw %}{% do x() %}").len(), 3);
        assert_eq!(tags("{% if").len(), 1);
    }
}
