//! The little language of selections: `@`, `2+`, `method.arg:value`, `+1`, union by blanks, intersection by commas.
//!
//! In: the texts given to `--select` and `--exclude`. Out: a [`Definition`] of sets to be evaluated. Knows nothing of
//! nodes; whether a value makes sense for its method is the method's affair.
use super::{Indirect, Method};
use crate::diag::{Diagnostic, Result, Sink, code};
use crate::text::{Place, SourceFile, nearest};
use serde_json::Value;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// How far a graph operator goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reach {
    /// Not at all: there is no operator.
    #[default]
    None,
    /// So many steps.
    Steps(usize),
    /// To the end.
    All,
}

impl Reach {
    /// The steps as a limit: `None` for no limit.
    pub fn limit(self) -> Option<usize> {
        match self {
            Self::None => Some(0),
            Self::Steps(n) => Some(n),
            Self::All => None,
        }
    }
}

/// One criterion: a method with its value, and graph operators around it.
#[derive(Debug, Clone)]
pub struct Criterion {
    /// How nodes are looked for.
    pub method: Method,
    /// What stands behind the method's name: `materialized` in `config.materialized`.
    pub args: Vec<String>,
    /// What to look for: text from the command line, any scalar from a YAML selector.
    pub value: Value,
    /// `@`: also all descendants, and all ancestors of those.
    pub childrens_parents: bool,
    /// Ancestors to add.
    pub parents: Reach,
    /// Descendants to add.
    pub children: Reach,
    /// How tests join; `None` leaves it to the command.
    pub indirect: Option<Indirect>,
    /// Where it is written.
    pub place: Option<Place>,
}

impl PartialEq for Criterion {
    /// Equal in meaning; the place does not count.
    fn eq(&self, other: &Self) -> bool {
        self.method == other.method
            && self.args == other.args
            && self.value == other.value
            && self.childrens_parents == other.childrens_parents
            && self.parents == other.parents
            && self.children == other.children
            && self.indirect == other.indirect
    }
}

impl Criterion {
    /// The criterion that looks for a value by a method, without operators.
    pub fn new(method: Method, value: impl Into<Value>) -> Self {
        Self {
            method,
            args: Vec::new(),
            value: value.into(),
            childrens_parents: false,
            parents: Reach::None,
            children: Reach::None,
            indirect: None,
            place: None,
        }
    }
}

impl fmt::Display for Criterion {
    /// The criterion as it would be typed, always with its method.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reach = |reach: Reach| match reach {
            Reach::None => (String::new(), ""),
            Reach::Steps(n) => (n.to_string(), "+"),
            Reach::All => (String::new(), "+"),
        };
        let (before, after) = (reach(self.parents), reach(self.children));
        let at = if self.childrens_parents { "@" } else { "" };
        write!(f, "{at}{}{}{}", before.0, before.1, self.method)?;
        for arg in &self.args {
            write!(f, ".{arg}")?;
        }
        match &self.value {
            Value::String(text) => write!(f, ":{text}")?,
            other => write!(f, ":{other}")?,
        }
        write!(f, "{}{}", after.1, after.0)
    }
}

/// How sets are put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// What is in any part.
    Union,
    /// What is in every part.
    Intersection,
    /// What is in the first part and in none of the others.
    Difference,
}

/// A selection as it was asked for: criteria and sets of them.
#[derive(Debug, Clone, PartialEq)]
pub enum Definition {
    /// One criterion.
    Criterion(Box<Criterion>),
    /// A set made of others.
    Set(Set),
}

/// A set made of others.
#[derive(Debug, Clone, PartialEq)]
pub struct Set {
    /// How.
    pub op: Op,
    /// Of what.
    pub parts: Vec<Definition>,
    /// How tests that no part could take are looked at again for the whole; `None` leaves it to the command.
    pub indirect: Option<Indirect>,
    /// The text it was read from, if it is to be reported when nothing matches.
    pub expected: Option<Expected>,
}

/// A text that ought to match something.
#[derive(Debug, Clone, PartialEq)]
pub struct Expected {
    /// As typed.
    pub text: String,
    /// Where.
    pub place: Place,
}

impl Set {
    /// A set that is not reported when it is empty.
    pub fn new(op: Op, parts: Vec<Definition>, indirect: Option<Indirect>) -> Self {
        Self {
            op,
            parts,
            indirect,
            expected: None,
        }
    }
}

/// Reads the values of `--select` and `--exclude`: what is asked for without what is left out. Without `select`,
/// everything is asked for.
///
/// # Errors
/// All criteria that cannot be read (S0501, S0502).
pub fn parse(select: &[String], exclude: &[String]) -> Result<Definition> {
    let mut sink = Sink::default();
    let mut union = |option: &str, texts: &[String]| {
        let mut parts = Vec::new();
        for text in texts {
            let file = SourceFile::new(option, text.as_str());
            for span in split(text, 0..text.len(), ' ') {
                parts.extend(sink.take(intersection(&file, span)));
            }
        }
        Definition::Set(Set::new(Op::Union, parts, None))
    };
    let include = if select.is_empty() {
        everything()
    } else {
        union("--select", select)
    };
    let exclude = union("--exclude", exclude);
    sink.finish()?;
    Ok(Definition::Set(Set::new(
        Op::Difference,
        vec![include, exclude],
        None,
    )))
}

/// What is meant when nothing is asked for.
fn everything() -> Definition {
    let parts = [
        Method::Fqn,
        Method::Source,
        Method::Exposure,
        Method::Metric,
        Method::SemanticModel,
    ]
    .map(|m| Definition::Criterion(Box::new(Criterion::new(m, "*"))));
    Definition::Set(Set::new(Op::Union, parts.to_vec(), None))
}

fn split(text: &str, within: Range<usize>, by: char) -> impl Iterator<Item = Range<usize>> {
    let mut start = within.start;
    text[within].split(by).map(move |part| {
        let span = start..start + part.len();
        start = span.end + by.len_utf8();
        span
    })
}

/// Criteria joined by commas.
fn intersection(file: &Arc<SourceFile>, span: Range<usize>) -> Result<Definition> {
    let mut sink = Sink::default();
    let parts: Vec<_> = split(&file.text, span.clone(), ',')
        .filter_map(|s| sink.take(criterion(file, s)))
        .map(|c| Definition::Criterion(Box::new(c)))
        .collect();
    sink.finish()?;
    Ok(Definition::Set(Set {
        expected: Some(Expected {
            text: file.text[span.clone()].to_string(),
            place: Place::new(file, span),
        }),
        ..Set::new(Op::Intersection, parts, None)
    }))
}

/// Reads one criterion: a stretch of a file.
///
/// # Errors
/// S0501 for an unknown method, S0502 for `@` together with a `+` at the end, and for line breaks.
pub fn criterion(file: &Arc<SourceFile>, span: Range<usize>) -> Result<Criterion> {
    let place = Place::new(file, span.clone());
    criterion_text(file.text.get(span).unwrap_or_default(), &place)
}

/// Reads one criterion from a text that stands at a place (which may hold more, such as quotes).
///
/// # Errors
/// As [`criterion`].
pub fn criterion_text(raw: &str, place: &Place) -> Result<Criterion> {
    if raw.contains('\n') {
        return Err(Diagnostic::error(
            code::S0502,
            format!("Invalid selector spec {raw:?}: it contains a line break"),
        )
        .heading("Runtime Error")
        .at(place.clone())
        .help("separate criteria by blanks")
        .into());
    }
    let (childrens_parents, rest) = match raw.strip_prefix('@') {
        Some(rest) => (true, rest),
        None => (false, raw),
    };
    let (parents, rest) = leading_reach(rest);
    let (method, rest) = match rest.split_once(':') {
        Some((method, value)) if is_method_text(method) => (Some(method), value),
        _ => (None, rest),
    };
    let (value, children) = trailing_reach(rest);
    if childrens_parents && children != Reach::None {
        return Err(Diagnostic::error(
            code::S0502,
            format!("Invalid node spec {raw} - \"@\" prefix and \"+\" suffix are incompatible"),
        )
        .heading("Runtime Error")
        .at(place.clone())
        .help("`@` already takes all descendants")
        .into());
    }
    let (method, args) = match method {
        Some(text) => method_named(text, place)?,
        None => (default_method(value), Vec::new()),
    };
    Ok(Criterion {
        method,
        args,
        value: Value::from(value),
        childrens_parents,
        parents,
        children,
        indirect: None,
        place: Some(place.clone()),
    })
}

fn is_method_text(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|c| c.is_alphanumeric() || c == '_' || c == '.')
}

/// `2+rest` or `+rest`.
fn leading_reach(text: &str) -> (Reach, &str) {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    match text[digits..].strip_prefix('+') {
        Some(rest) => (reach(&text[..digits]), rest),
        None => (Reach::None, text),
    }
}

/// `rest+2` or `rest+`.
fn trailing_reach(text: &str) -> (&str, Reach) {
    match text.rsplit_once('+') {
        Some((rest, digits)) if digits.chars().all(|c| c.is_ascii_digit()) => (rest, reach(digits)),
        _ => (text, Reach::None),
    }
}

/// A depth; one too large to count is as good as no limit.
fn reach(digits: &str) -> Reach {
    if digits.is_empty() {
        Reach::All
    } else {
        digits.parse().map_or(Reach::All, Reach::Steps)
    }
}

/// The method when none is named: by the look of the value.
fn default_method(value: &str) -> Method {
    let lower = value.to_lowercase();
    if value.contains('/') {
        Method::Path
    } else if [".sql", ".py", ".csv"].iter().any(|e| lower.ends_with(e)) {
        Method::File
    } else {
        Method::Fqn
    }
}

/// The method and its arguments named by `method.arg.arg`.
///
/// # Errors
/// S0501 when there is no such method.
pub fn method_named(text: &str, place: &Place) -> Result<(Method, Vec<String>)> {
    let mut parts = text.split('.');
    let name = parts.next().unwrap_or_default();
    if let Some(method) = Method::parse(name) {
        return Ok((method, parts.map(str::to_string).collect()));
    }
    let d = Diagnostic::error(code::S0501, format!("'{name}' is not a valid method name"))
        .heading("Runtime Error")
        .at(place.clone());
    let names = Method::ALL.iter().map(|m| m.as_str());
    Err(match nearest(name, names.clone()) {
        Some(near) => d.help(format!("did you mean `{near}`?")),
        None if name == "selector" => {
            d.help("use `--selector NAME` to select by a selector of selectors.yml")
        }
        None => d.help(format!("methods: {}", names.collect::<Vec<_>>().join(", "))),
    }
    .into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<Criterion> {
        let file = SourceFile::new("--select", text);
        criterion(&file, 0..text.len())
    }

    #[test]
    fn every_part_of_a_criterion_is_read() {
        for (text, printed) in [
            ("a", "fqn:a"),
            ("+a+", "+fqn:a+"),
            ("2+a+3", "2+fqn:a+3"),
            ("02+a", "2+fqn:a"),
            ("0+a+0", "0+fqn:a+0"),
            ("@a", "@fqn:a"),
            ("@1+a", "@1+fqn:a"),
            ("models/a", "path:models/a"),
            ("a.SQL+", "file:a.SQL+"),
            ("a.csv", "file:a.csv"),
            ("config.meta.x:y:z", "config.meta.x:y:z"),
            ("tag-x:a", "fqn:tag-x:a"),
            (":x", "fqn::x"),
            ("+", "+fqn:"),
            ("1+", "1+fqn:"),
            ("+1", "+fqn:1"),
            ("", "fqn:"),
            ("a++", "fqn:a++"),
            ("a+1+1", "fqn:a+1+1"),
            ("a+1x", "fqn:a+1x"),
            ("1a+b", "fqn:1a+b"),
            ("@@a", "@fqn:@a"),
            ("99999999999999999999999+a", "+fqn:a"),
        ] {
            assert_eq!(read(text).unwrap().to_string(), printed, "{text}");
        }
        assert_eq!(read("a++").unwrap().value, "a+");
        assert_eq!(read("a+1+1").unwrap().children, Reach::Steps(1));
    }

    #[test]
    fn errors_point_at_the_criterion() {
        let e = parse(&["ok tga:x,y @b+ state:new".into()], &["foo.x:y".into()]).unwrap_err();
        insta::assert_snapshot!(e.to_string());
    }

    #[test]
    fn blanks_unite_and_commas_intersect() {
        let Definition::Set(all) = parse(&["a b,c".into(), "d".into()], &[]).unwrap() else {
            panic!("a set");
        };
        assert_eq!(all.op, Op::Difference);
        let Definition::Set(include) = &all.parts[0] else {
            panic!("a set");
        };
        let texts: Vec<_> = include
            .parts
            .iter()
            .map(|p| match p {
                Definition::Set(s) => (s.expected.clone().unwrap().text, s.parts.len()),
                Definition::Criterion(_) => panic!("a set"),
            })
            .collect();
        assert_eq!(texts, [("a".into(), 1), ("b,c".into(), 2), ("d".into(), 1)]);
    }

    fn criteria() -> impl Strategy<Value = String> {
        let method = prop::sample::select(Method::ALL.to_vec());
        (
            "@?",
            "([0-9]{0,2}\\+)?",
            prop::option::of((method, "(\\.[a-z]{1,3}){0,2}")),
            "[a-z.*/+@:0-9]{0,6}",
            "(\\+[0-9]{0,2})?",
        )
            .prop_map(|(at, before, method, value, after)| {
                let method = method.map_or(String::new(), |(m, args)| format!("{m}{args}:"));
                format!("{at}{before}{method}{value}{after}")
            })
    }

    proptest! {
        #[test]
        fn printing_and_reading_are_inverse(text in criteria()) {
            if let Ok(c) = read(&text) {
                prop_assert_eq!(read(&c.to_string()).unwrap(), c);
            }
        }

        #[test]
        fn no_text_panics(select in prop::collection::vec("\\PC*|[@+:., a-z0-9\\n]*", 0..3), exclude in "\\PC*") {
            let _ = parse(&select, &[exclude]);
        }
    }
}
