//! TMDL as text: objects with properties and children, written in the order and form of Microsoft's serializer.
//!
//! Rules are from "TMDL overview" of the Analysis Services documentation: an object is `kind name`, indented by tabs, its
//! properties one level deeper; expressions stand after `=` or on lines two levels deeper; `///` describes what follows.
use std::fmt::Write as _;

/// An object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Object {
    /// Lines of its description.
    pub description: Vec<String>,
    /// `table`, `column`, …
    pub kind: String,
    /// Name, empty for kinds that have none.
    pub name: String,
    /// What stands after `=`.
    pub value: Option<String>,
    /// Properties in order: `key: value`, flags without a value, expressions.
    pub properties: Vec<(String, Property)>,
    /// Children in order.
    pub children: Vec<Object>,
}

/// The value of a property.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Property {
    /// `key: value`.
    Text(String),
    /// `key`.
    Flag,
    /// `key =` and lines.
    Expression(String),
}

/// A name, in quotes where TMDL wants them.
pub fn name(text: &str) -> String {
    let quoted = text.is_empty()
        || text
            .chars()
            .any(|c| c.is_whitespace() || ".=:'".contains(c));
    if quoted {
        format!("'{}'", text.replace('\'', "''"))
    } else {
        text.to_string()
    }
}

/// A text value; quoted only where its edges would be lost.
fn text(value: &str) -> String {
    if value.trim() != value || value.is_empty() || value.starts_with('"') {
        format!("\"{}\"", value.replace('"', "\"\""))
    } else {
        value.to_string()
    }
}

impl Object {
    /// An object.
    pub fn new(kind: &str, name: &str) -> Self {
        Self {
            kind: kind.into(),
            name: name.into(),
            ..Self::default()
        }
    }

    /// With an expression after `=`.
    pub fn value(mut self, value: impl Into<String>) -> Self {
        self.value = Some(value.into());
        self
    }

    /// With a description.
    pub fn describe(mut self, description: &str) -> Self {
        self.description = description
            .trim()
            .lines()
            .map(|l| l.trim_end().to_string())
            .collect();
        self
    }

    /// With `key: value`.
    pub fn text(mut self, key: &str, value: impl Into<String>) -> Self {
        self.properties
            .push((key.into(), Property::Text(value.into())));
        self
    }

    /// With `key: value`, if there is a value.
    pub fn maybe(self, key: &str, value: Option<&str>) -> Self {
        match value {
            Some(v) => self.text(key, v),
            None => self,
        }
    }

    /// With a flag, if it is set.
    pub fn flag(mut self, key: &str, on: bool) -> Self {
        if on {
            self.properties.push((key.into(), Property::Flag));
        }
        self
    }

    /// With an expression of several lines.
    pub fn expression(mut self, key: &str, lines: impl Into<String>) -> Self {
        self.properties
            .push((key.into(), Property::Expression(lines.into())));
        self
    }

    /// With a child.
    pub fn child(mut self, child: Object) -> Self {
        self.children.push(child);
        self
    }

    /// The first property of a key as text.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.properties
            .iter()
            .find(|(k, _)| k == key)
            .and_then(|(_, v)| match v {
                Property::Text(t) | Property::Expression(t) => Some(t.as_str()),
                Property::Flag => None,
            })
    }

    /// Whether a flag is set.
    pub fn has(&self, key: &str) -> bool {
        self.properties
            .iter()
            .any(|(k, v)| k == key && !matches!(v, Property::Text(t) if t == "false"))
    }

    /// Children of a kind.
    pub fn of(&self, kind: &str) -> impl Iterator<Item = &Object> {
        self.children.iter().filter(move |c| c.kind == kind)
    }

    /// As text, with a blank line at its end.
    pub fn write(&self) -> String {
        let mut out = String::new();
        self.put(&mut out, 0);
        out
    }

    /// As text without blank lines between objects, as translations are written.
    pub fn write_dense(&self) -> String {
        let text = self.write();
        let lines: Vec<&str> = text.lines().filter(|l| !l.is_empty()).collect();
        lines.join("\n") + "\n\n"
    }

    fn put(&self, out: &mut String, depth: usize) {
        let tabs = "\t".repeat(depth);
        for line in &self.description {
            let _ = writeln!(out, "{}", format!("{tabs}/// {line}").trim_end_matches(' '));
        }
        let _ = write!(out, "{tabs}{}", self.kind);
        if !self.name.is_empty() {
            let _ = write!(out, " {}", name(&self.name));
        }
        match &self.value {
            Some(v) if v.contains('\n') => {
                out.push_str(" =\n");
                lines(out, v, depth + 2);
            }
            Some(v) => {
                let _ = writeln!(out, " = {v}");
            }
            None => out.push('\n'),
        }
        for (key, value) in &self.properties {
            match value {
                Property::Text(v) => {
                    let _ = writeln!(out, "{tabs}\t{key}: {}", text(v));
                }
                Property::Flag => {
                    let _ = writeln!(out, "{tabs}\t{key}");
                }
                Property::Expression(v) if !v.contains('\n') => {
                    let _ = writeln!(out, "{tabs}\t{key} = {v}");
                }
                Property::Expression(v) => {
                    let _ = writeln!(out, "{tabs}\t{key} =");
                    lines(out, v, depth + 3);
                }
            }
        }
        if !self.children.is_empty() && !out.ends_with("\n\n") && (self.kind != "annotation") {
            out.push('\n');
        }
        for child in &self.children {
            child.put(out, depth + 1);
        }
        if !out.ends_with("\n\n") {
            out.push('\n');
        }
    }
}

fn lines(out: &mut String, text: &str, depth: usize) {
    for line in text.lines() {
        let _ = writeln!(
            out,
            "{}",
            format!("{}{line}", "\t".repeat(depth)).trim_end()
        );
    }
}

/// Reads TMDL text. Text that is none gives a message with its line.
pub fn parse(text: &str) -> Result<Vec<Object>, String> {
    let lines: Vec<(usize, &str)> = text
        .lines()
        .map(|l| l.trim_end())
        .map(|l| {
            (
                l.len() - l.trim_start_matches('\t').len(),
                l.trim_start_matches('\t'),
            )
        })
        .collect();
    let mut at = 0;
    let out = objects(&lines, &mut at, 0)?;
    match lines.get(at) {
        None => Ok(out),
        Some((_, l)) => Err(format!("line {}: `{l}` is indented too deep", at + 1)),
    }
}

fn objects(lines: &[(usize, &str)], at: &mut usize, depth: usize) -> Result<Vec<Object>, String> {
    let mut out: Vec<Object> = Vec::new();
    let mut description = Vec::new();
    while let Some((d, line)) = lines.get(*at) {
        if line.is_empty() {
            *at += 1;
            continue;
        }
        if *d < depth {
            break;
        }
        if *d > depth {
            return Err(format!("line {}: `{line}` is indented too deep", *at + 1));
        }
        if let Some(words) = line.strip_prefix("///") {
            description.push(words.strip_prefix(' ').unwrap_or(words).to_string());
            *at += 1;
            continue;
        }
        let mut object = head(line, *at)?;
        object.description = std::mem::take(&mut description);
        *at += 1;
        if object.value.as_deref() == Some("") {
            object.value = Some(expression(lines, at, depth + 1));
        }
        body(lines, at, depth + 1, &mut object)?;
        out.push(object);
    }
    Ok(out)
}

/// Lines deeper than a depth, and what is left of them when the indentation they share is taken away.
fn expression(lines: &[(usize, &str)], at: &mut usize, depth: usize) -> String {
    let mut taken: Vec<(usize, &str)> = Vec::new();
    while let Some((d, line)) = lines.get(*at) {
        if !line.is_empty() && *d <= depth {
            break;
        }
        taken.push((*d, line));
        *at += 1;
    }
    while taken.last().is_some_and(|(_, l)| l.is_empty()) {
        taken.pop();
    }
    let least = taken
        .iter()
        .filter(|(_, l)| !l.is_empty())
        .map(|(d, _)| *d)
        .min()
        .unwrap_or(0);
    let all: Vec<String> = taken
        .iter()
        .map(|(d, l)| format!("{}{l}", "\t".repeat(d.saturating_sub(least))))
        .collect();
    all.join("\n")
}

fn body(
    lines: &[(usize, &str)],
    at: &mut usize,
    depth: usize,
    object: &mut Object,
) -> Result<(), String> {
    let mut description = Vec::new();
    while let Some((d, line)) = lines.get(*at) {
        if line.is_empty() {
            *at += 1;
            continue;
        }
        if *d < depth {
            break;
        }
        if *d > depth {
            return Err(format!("line {}: `{line}` is indented too deep", *at + 1));
        }
        if let Some(words) = line.strip_prefix("///") {
            description.push(words.strip_prefix(' ').unwrap_or(words).to_string());
            *at += 1;
            continue;
        }
        if let Some((key, value)) = property(line) {
            *at += 1;
            object.properties.push((key, Property::Text(value)));
            continue;
        }
        let word: &str = line.split([' ', '=']).next().unwrap_or(line);
        let rest = line[word.len()..].trim_start();
        if rest.is_empty() {
            // A flag, or an object without a name.
            *at += 1;
            let deeper = next_depth(lines, *at).is_some_and(|d| d > depth);
            if deeper {
                let mut child = Object::new(word, "");
                child.description = std::mem::take(&mut description);
                body(lines, at, depth + 1, &mut child)?;
                object.children.push(child);
            } else {
                object.properties.push((word.to_string(), Property::Flag));
            }
        } else if let Some(value) = rest.strip_prefix('=') {
            *at += 1;
            let value = value.trim();
            let text = if value.is_empty() {
                expression(lines, at, depth + 1)
            } else {
                value.to_string()
            };
            object
                .properties
                .push((word.to_string(), Property::Expression(text)));
        } else {
            let mut child = head(line, *at)?;
            child.description = std::mem::take(&mut description);
            *at += 1;
            if child.value.as_deref() == Some("") {
                child.value = Some(expression(lines, at, depth + 1));
            }
            body(lines, at, depth + 1, &mut child)?;
            object.children.push(child);
        }
    }
    Ok(())
}

fn next_depth(lines: &[(usize, &str)], at: usize) -> Option<usize> {
    lines[at..]
        .iter()
        .find(|(_, l)| !l.is_empty())
        .map(|(d, _)| *d)
}

/// `key: value`.
fn property(line: &str) -> Option<(String, String)> {
    let (key, value) = line.split_once(':')?;
    let plain = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !plain {
        return None;
    }
    let value = value.trim();
    let unquoted = value
        .strip_prefix('"')
        .and_then(|v| v.strip_suffix('"'))
        .filter(|_| value.len() > 1)
        .map(|v| v.replace("\"\"", "\""));
    Some((
        key.to_string(),
        unquoted.unwrap_or_else(|| value.to_string()),
    ))
}

/// `kind name = value`.
fn head(line: &str, at: usize) -> Result<Object, String> {
    let (kind, rest) = line.split_once(' ').unwrap_or((line, ""));
    if !kind.chars().all(|c| c.is_ascii_alphanumeric()) {
        return Err(format!("line {}: `{line}` is not an object", at + 1));
    }
    // `ref table X`.
    let (kind, rest) = match (kind, rest.split_once(' ')) {
        ("ref", Some((inner, rest))) => (format!("ref {inner}"), rest),
        _ => (kind.to_string(), rest),
    };
    let rest = rest.trim();
    let (name, after) = if let Some(inner) = rest.strip_prefix('\'') {
        let mut end = None;
        let mut chars = inner.char_indices().peekable();
        while let Some((i, c)) = chars.next() {
            if c == '\'' {
                if chars.peek().is_some_and(|(_, n)| *n == '\'') {
                    chars.next();
                } else {
                    end = Some(i);
                    break;
                }
            }
        }
        let end = end.ok_or_else(|| format!("line {}: a quote is not closed", at + 1))?;
        (inner[..end].replace("''", "'"), inner[end + 1..].trim())
    } else {
        match rest.split_once('=') {
            Some((name, _)) => (name.trim().to_string(), rest[name.len()..].trim()),
            None => (rest.to_string(), ""),
        }
    };
    if name.contains(char::is_whitespace) && !rest.starts_with('\'') {
        return Err(format!("line {}: the name `{name}` wants quotes", at + 1));
    }
    let value = match after.strip_prefix('=') {
        Some(v) => Some(v.trim().to_string()),
        None if after.is_empty() => None,
        None => {
            return Err(format!(
                "line {}: `{after}` stands where `=` is wanted",
                at + 1
            ));
        }
    };
    Ok(Object {
        kind,
        name,
        value,
        ..Object::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back_the_same() {
        let t = Object::new("table", "A b")
            .describe("First.\n\nSecond.")
            .text("lineageTag", "x")
            .child(
                Object::new("measure", "M.1")
                    .value("DIVIDE([a], [b])")
                    .text("formatString", "0 %")
                    .flag("isHidden", true),
            )
            .child(
                Object::new("measure", "N")
                    .value("VAR x = 1\nRETURN\n\tx")
                    .text("lineageTag", "y"),
            )
            .child(
                Object::new("partition", "A b")
                    .value("m")
                    .text("mode", "import")
                    .expression("source", "let\n    A = 1\nin\n    A"),
            )
            .child(Object::new("annotation", "PBI_ResultType").value("Table"));
        let text = t.write();
        let back = parse(&text).unwrap();
        assert_eq!(back.len(), 1);
        assert_eq!(back[0].write(), text);
        assert_eq!(
            back[0].children[1].value.as_deref(),
            Some("VAR x = 1\nRETURN\n\tx")
        );
    }

    #[test]
    fn text_that_is_no_tmdl_is_refused() {
        for text in [
            "table A\n\t\t\tcolumn b\n",
            "table a b\n",
            "table 'a\n",
            "table A\n\tcolumn b c\n",
        ] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }
}
