//! Values of options, and how text becomes one: from the command line and from the environment alike.
//!
//! Booleans of the environment are read as dbt's command-line library reads them.
use super::spec::{Kind, Opt, Standard};
use super::window::{Moment, Sample};
use crate::yaml::{self, Node};
use serde_json::{Value as Json, json};

/// A value of an option.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// None.
    Null,
    /// A switch.
    Bool(bool),
    /// A number.
    Int(i64),
    /// Text, also of paths.
    Text(String),
    /// Several words.
    List(Vec<String>),
    /// A YAML mapping.
    Map(Node),
    /// What happens to warnings.
    Warnings(WarnErrorOptions),
    /// A moment, UTC.
    Moment(Moment),
    /// A window of time.
    Sample(Sample),
    /// A package's name and version.
    Package(NewPackage),
}

/// The package of `deps --add-package`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPackage {
    /// Name, URL or folder.
    pub name: String,
    /// Version or revision.
    pub version: Option<String>,
}

/// Which events an entry of `warn_error_options` covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Events {
    /// All of them, with the word written (`all` or `*`).
    All(String),
    /// The events of these names; `Deprecations` stands for all deprecations.
    Named(Vec<String>),
}

/// dbt's `warn_error_options`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WarnErrorOptions {
    /// Which of the older words `include` and `exclude` it was written with.
    pub older: Vec<&'static str>,
    /// These warnings are errors.
    pub error: Events,
    /// These stay warnings although `error` covers them.
    pub warn: Vec<String>,
    /// These are not shown.
    pub silence: Vec<String>,
}

impl Default for WarnErrorOptions {
    fn default() -> Self {
        Self {
            older: Vec::new(),
            error: Events::Named(Vec::new()),
            warn: Vec::new(),
            silence: Vec::new(),
        }
    }
}

/// What becomes of a warning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is shown.
    Warn,
    /// It ends the command.
    Error,
    /// It is not shown.
    Silence,
}

impl WarnErrorOptions {
    /// What the options say of an event by its name; `deprecation` says whether it belongs to `Deprecations`. A named
    /// event beats `Deprecations`; at the same rank silence beats warn beats error (dbt-core 1.10).
    pub fn named(&self, event: &str, deprecation: bool) -> Option<Fate> {
        let named = |list: &[String], name: &str| list.iter().any(|n| n == name);
        let error = |name: &str| matches!(&self.error, Events::Named(l) if named(l, name));
        let of = |name: &str| {
            let fates = [
                (named(&self.silence, name), Fate::Silence),
                (named(&self.warn, name), Fate::Warn),
                (error(name), Fate::Error),
            ];
            fates.into_iter().find(|(is, _)| *is).map(|(_, fate)| fate)
        };
        of(event).or_else(|| of("Deprecations").filter(|_| deprecation))
    }

    /// Whether all events are errors that are not named.
    pub fn all(&self) -> bool {
        matches!(self.error, Events::All(_))
    }

    /// Reads the mapping.
    ///
    /// # Errors
    /// A sentence that says what is wrong with it.
    pub fn read(map: &Node) -> Result<Self, String> {
        let pick = |new: &str, old: &str| match (map.get(new), map.get(old)) {
            (Some(_), Some(_)) => Err(format!(
                "Only `{old}` or `{new}` can be specified, not both"
            )),
            (Some(v), None) | (None, Some(v)) => Ok(Some(v)),
            (None, None) => Ok(None),
        };
        let error = match pick("error", "include")? {
            Some(v) if matches!(v.as_str(), Some("all" | "*")) => {
                Events::All(v.as_str().unwrap_or_default().to_string())
            }
            other => Events::Named(names("error", other)?),
        };
        let warn = names("warn", pick("warn", "exclude")?)?;
        let silence = names("silence", map.get("silence"))?;
        let covers = match &error {
            Events::All(_) => true,
            Events::Named(l) => l.iter().chain(&silence).any(|n| n == "Deprecations"),
        };
        if !warn.is_empty() && !covers {
            return Err(
                "`warn` needs `error: all`, or `Deprecations` in `error` or `silence`".into(),
            );
        }
        let older = ["include", "exclude"].into_iter();
        Ok(Self {
            older: older.filter(|key| map.get(key).is_some()).collect(),
            error,
            warn,
            silence,
        })
    }

    /// As dbt writes it.
    pub fn to_json(&self) -> Json {
        let error = match &self.error {
            Events::All(word) => json!(word),
            Events::Named(list) => json!(list),
        };
        json!({"error": error, "warn": self.warn, "silence": self.silence})
    }
}

/// Event names of one entry.
fn names(key: &str, node: Option<&Node>) -> Result<Vec<String>, String> {
    let Some(node) = node.filter(|n| !n.is_null()) else {
        return Ok(Vec::new());
    };
    if !node.is_seq() {
        let all = if key == "error" { "`all` or " } else { "" };
        return Err(format!(
            "`{key}` must be {all}a list of event names, not {}",
            node.type_name()
        ));
    }
    let mut out = Vec::new();
    for item in node.items() {
        let name = item.scalar_text().unwrap_or_default();
        if !super::events::EVENTS.contains(&name.as_str()) {
            let near = crate::text::nearest(&name, super::events::EVENTS.iter().copied());
            let near = near.map_or(String::new(), |n| format!("; did you mean `{n}`?"));
            return Err(format!(
                "`{name}` in `{key}` is not the name of an event{near}"
            ));
        }
        out.push(name);
    }
    Ok(out)
}

impl Value {
    /// The standard value of an option.
    pub fn standard(s: Standard) -> Self {
        match s {
            Standard::Null => Value::Null,
            Standard::Bool(b) => Value::Bool(b),
            Standard::Int(i) => Value::Int(i),
            Standard::Text(t) => Value::Text(t.into()),
            Standard::Empty => Value::List(Vec::new()),
            Standard::EmptyMap => Value::Map(Node::bare(yaml::Kind::Map(Vec::new()))),
        }
    }

    /// As it stands in artefacts and in `flags.X` of templates.
    pub fn to_json(&self) -> Json {
        match self {
            Value::Null => Json::Null,
            Value::Bool(b) => json!(b),
            Value::Int(i) => json!(i),
            Value::Text(t) => json!(t),
            Value::List(l) => json!(l),
            Value::Map(n) => n.to_json(),
            Value::Warnings(w) => w.to_json(),
            Value::Moment(m) => json!(m.format("%Y-%m-%dT%H:%M:%S").to_string()),
            Value::Sample(s) => s.to_json(),
            Value::Package(p) => json!({"name": p.name, "version": p.version}),
        }
    }
}

/// Reads the words given for an option.
///
/// # Errors
/// A sentence that says what is wrong with them.
pub fn read(opt: &Opt, words: &[String]) -> Result<Value, String> {
    let text = words.last().map(String::as_str).unwrap_or_default();
    match opt.kind {
        Kind::Switch { .. } => boolean(text).map(Value::Bool),
        Kind::Text => Ok(Value::Text(text.into())),
        Kind::Path => Ok(Value::Text(if text.is_empty() { "." } else { text }.into())),
        Kind::Folder => {
            if std::path::Path::new(text).is_dir() {
                Ok(Value::Text(text.into()))
            } else {
                Err(format!("there is no folder `{text}`"))
            }
        }
        Kind::Int => whole(text).map(Value::Int),
        Kind::Port => in_range(text, 1, 65_535, "a port is from 1 to 65535"),
        Kind::Threads => in_range(text, 1, 10_000, "at least 1 thread is needed"),
        Kind::Choice(words) => one_of(text, words).map(Value::Text),
        Kind::Many => Ok(Value::List(words.iter().flat_map(|w| split(w)).collect())),
        Kind::Texts => Ok(Value::List(words.to_vec())),
        Kind::ManyOf(known) => words
            .iter()
            .flat_map(|w| split(w))
            .map(|w| one_of(&w, known))
            .collect::<Result<_, _>>()
            .map(Value::List),
        Kind::Mapping => mapping(opt, text).map(Value::Map),
        Kind::WarnErrorOptions => WarnErrorOptions::read(&mapping(opt, text)?).map(Value::Warnings),
        Kind::Moment => super::window::moment(text).map(Value::Moment),
        Kind::Day => chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d")
            .map(|d| Value::Text(d.to_string()))
            .map_err(|_| format!("`{text}` is not a day of the form `2024-01-31`")),
        Kind::Sample => Sample::read(text, chrono::Utc::now().naive_utc()).map(Value::Sample),
        Kind::Package => Ok(Value::Package(package(text))),
    }
}

/// Words parted by blanks.
fn split(word: &str) -> Vec<String> {
    word.split_whitespace().map(str::to_string).collect()
}

/// `true t yes y on 1` and `false f no n off 0`, in any case.
fn boolean(text: &str) -> Result<bool, String> {
    match text.trim().to_lowercase().as_str() {
        "true" | "t" | "yes" | "y" | "on" | "1" => Ok(true),
        "false" | "f" | "no" | "n" | "off" | "0" => Ok(false),
        _ => Err(format!(
            "`{text}` is not a boolean (true, false, 1, 0, yes, no, on, off)"
        )),
    }
}

fn whole(text: &str) -> Result<i64, String> {
    text.trim()
        .parse()
        .map_err(|_| format!("`{text}` is not a whole number"))
}

fn in_range(text: &str, least: i64, most: i64, rule: &str) -> Result<Value, String> {
    let n = whole(text)?;
    if (least..=most).contains(&n) {
        Ok(Value::Int(n))
    } else {
        Err(format!("{n} will not do: {rule}"))
    }
}

fn one_of(text: &str, words: &[&str]) -> Result<String, String> {
    let found = words.iter().find(|w| w.eq_ignore_ascii_case(text));
    found
        .map(|w| (*w).to_string())
        .ok_or_else(|| format!("`{text}` is not one of {}", words.join(", ")))
}

fn mapping(opt: &Opt, text: &str) -> Result<Node, String> {
    let name = format!("--{}", opt.long());
    let document = yaml::load_text(&name, text).map_err(|stopped| {
        let why = stopped.0.first().map_or("", |d| d.message.as_str());
        format!("`{text}` is not valid YAML: {why}")
    })?;
    if document.root.is_map() {
        Ok(document.root)
    } else {
        Err(format!(
            "`{text}` must be a YAML mapping, for example '{{key: value}}', not {}",
            document.root.type_name()
        ))
    }
}

/// `NAME@VERSION`; the last `@` that is not the user's of an `ssh` address parts them.
fn package(text: &str) -> NewPackage {
    let cut = text
        .rfind('@')
        .filter(|i| *i > 0 && !text[i + 1..].contains([':', '/']) && i + 1 < text.len());
    match cut {
        Some(i) => NewPackage {
            name: text[..i].into(),
            version: Some(text[i + 1..].into()),
        },
        None => NewPackage {
            name: text.trim_end_matches('@').into(),
            version: None,
        },
    }
}
