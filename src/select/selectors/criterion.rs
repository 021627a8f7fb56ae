//! Criteria of selectors that are written as mappings, and selectors that inherit from others.
//!
//! In: a node of the YAML. Out: the definition and its form in the manifest. Values follow Python where dbt lets it
//! decide: what is not empty switches on.
use super::definition::without;
use super::{HEADING, Read, Reader};
use crate::diag::{Diagnostic, code};
use crate::select::grammar::{Criterion, Definition, Reach, method_named};
use crate::select::{Indirect, Method};
use crate::text::nearest;
use crate::yaml::{Kind, Node};
use serde_json::{Map, Value, json};

const KEYS: &[&str] = &[
    "method",
    "value",
    "parents",
    "parents_depth",
    "children",
    "children_depth",
    "childrens_parents",
    "indirect_selection",
    "exclude",
];

impl Reader<'_> {
    /// A criterion written as a mapping.
    pub(super) fn criterion(&mut self, node: &Node) -> Option<Read> {
        if let (Some(method), Some((_, value))) = (node.get("method"), node.entry("value")) {
            return if method.as_str() == Some("selector") {
                self.inherited(node, value)
            } else {
                self.full(node, method, value)
            };
        }
        let [(key, value)] = node.entries() else {
            let keys: Vec<String> = node
                .entries()
                .iter()
                .map(|(k, _)| format!("'{}'", k.scalar_text().unwrap_or_default()))
                .collect();
            let message = format!(
                "Expected either 1 key or else \"method\" and \"value\" keys, but got [{}]",
                keys.join(", ")
            );
            return self.wrong(node, message);
        };
        if key.as_str().is_none() {
            let message = format!("a method must be text, not {}", key.type_name());
            return self.wrong(key, message);
        }
        let c = self.plain(key, value)?;
        let shown = json!({ "method": key.as_str(), "value": c.value });
        Some((Definition::Criterion(Box::new(c)), shown))
    }

    /// Method and value, without anything else.
    pub(super) fn plain(&mut self, method: &Node, value: &Node) -> Option<Criterion> {
        let Some(name) = self.text(method) else {
            let message = format!("`method` must be text, not {}", method.type_name());
            return self.wrong(method, message);
        };
        let place = self.place(method);
        let named = method_named(&name, &place);
        let (method, args) = self.sink.take(named)?;
        let wanted = match (&value.kind, method) {
            (Kind::Str(_), _) => Value::String(self.text(value)?),
            (_, Method::Config) => value.to_json(),
            _ => {
                let message = format!(
                    "the value of `{method}` must be text, not {}",
                    value.type_name()
                );
                return self.wrong_help(value, message, Some("put it in quotes"));
            }
        };
        let mut c = Criterion::new(method, wanted);
        c.args = args;
        c.place = Some(self.place(value));
        Some(c)
    }

    /// A criterion with all its keys.
    pub(super) fn full(&mut self, node: &Node, method: &Node, value: &Node) -> Option<Read> {
        let mut c = self.plain(method, value)?;
        for (key, _) in node.entries() {
            let name = key.scalar_text().unwrap_or_default();
            if !KEYS.contains(&name.as_str()) {
                let help = match nearest(&name, KEYS.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("known keys: {}", KEYS.join(", ")),
                };
                self.idle(key, format!("unknown key `{name}`"), &help);
            }
        }
        c.childrens_parents = self.flag(node, "childrens_parents");
        c.parents = self.reach(node, "parents", "parents_depth")?;
        c.children = self.reach(node, "children", "children_depth")?;
        if c.childrens_parents && c.children != Reach::None {
            let d = Diagnostic::error(
                code::S0502,
                "Invalid node spec: \"@\" prefix and \"+\" suffix are incompatible",
            )
            .heading(HEADING)
            .at(self.place(node))
            .help("`childrens_parents` already takes all descendants; leave out `children`");
            self.sink.push(d);
            return None;
        }
        if let Some(mode) = node.get("indirect_selection") {
            let word = self.text(mode).unwrap_or_default();
            c.indirect = Indirect::parse(&word);
            if c.indirect.is_none() {
                let words = Indirect::ALL.map(Indirect::as_str).join(", ");
                let shown = mode.scalar_text().unwrap_or_default();
                let message = format!("'{shown}' is not a valid indirect selection");
                return self.wrong_help(mode, message, Some(&format!("one of: {words}")));
            }
        }
        let mut shown = self.shown(node);
        let excluded = match node.get("exclude") {
            Some(list) => Some(self.exclude(list)?),
            None => None,
        };
        let mut definition = Definition::Criterion(Box::new(c));
        if let Some((excluded, excluded_shown)) = excluded {
            definition = without(definition, excluded);
            shown.insert("exclude".into(), excluded_shown);
        }
        Some((definition, Value::Object(shown)))
    }

    /// A criterion's mapping as the manifest shows it.
    pub(super) fn shown(&mut self, node: &Node) -> Map<String, Value> {
        let mut shown = Map::new();
        for (key, value) in node.entries() {
            let text = self.text(value).map(Value::String);
            shown.insert(
                key.scalar_text().unwrap_or_default(),
                text.unwrap_or_else(|| value.to_json()),
            );
        }
        shown
    }

    /// A switch; as in Python anything that is not empty or nought switches on.
    pub(super) fn flag(&mut self, node: &Node, key: &str) -> bool {
        let Some(value) = node.get(key) else {
            return false;
        };
        let on = truth(value);
        if value.as_bool().is_none() && !value.is_null() {
            let message = format!(
                "`{key}` should be true or false; {} counts as {on}",
                value.type_name()
            );
            self.idle(value, message, &format!("write `{key}: {on}`"));
        }
        on
    }

    pub(super) fn reach(&mut self, node: &Node, flag: &str, depth: &str) -> Option<Reach> {
        let on = self.flag(node, flag);
        let Some((key, value)) = node.entry(depth) else {
            return Some(if on { Reach::All } else { Reach::None });
        };
        if !on {
            let message = format!("`{depth}` has no effect without `{flag}: true`");
            self.idle(key, message, &format!("add `{flag}: true`"));
        }
        let steps = if truth(value) {
            match &value.kind {
                Kind::Bool(b) => Some(Some(i64::from(*b))),
                Kind::Int(i) => Some(Some(*i)),
                Kind::Float(x) => Some(Some(*x as i64)),
                Kind::Str(s) => s.trim().parse().ok().map(Some),
                _ => None,
            }
        } else {
            Some(None)
        };
        let Some(steps) = steps else {
            let shown = value.scalar_text().unwrap_or_default();
            let message = format!("`{depth}` must be a whole number, not `{shown}`");
            return self.wrong(value, message);
        };
        Some(match steps {
            _ if !on => Reach::None,
            None => Reach::All,
            Some(n) => Reach::Steps(usize::try_from(n).unwrap_or(0)),
        })
    }

    /// The definition of an earlier selector.
    pub(super) fn inherited(&mut self, node: &Node, value: &Node) -> Option<Read> {
        self.beside(node, &["method", "value"]);
        let name = self
            .text(value)
            .or_else(|| value.scalar_text())
            .unwrap_or_default();
        if let Some(selector) = self.known.list.get(&name) {
            return Some((selector.definition.clone(), selector.shown.clone()));
        }
        let mut d = Diagnostic::error(
            code::S0511,
            format!("Existing selector definition for {name} not found"),
        )
        .heading(HEADING)
        .at(self.place(value));
        d = match nearest(&name, self.known.list.keys().map(String::as_str)) {
            Some(near) => d.help(format!("did you mean `{near}`?")),
            None => d.help("a selector can only inherit from one that stands before it"),
        };
        self.sink.push(d);
        None
    }
}

/// What Python takes a value for in a condition.
fn truth(node: &Node) -> bool {
    match &node.kind {
        Kind::Null => false,
        Kind::Bool(b) => *b,
        Kind::Int(i) => *i != 0,
        Kind::Float(x) => *x != 0.0,
        Kind::Time(_) => true,
        Kind::Str(s) => !s.is_empty(),
        Kind::Seq(items) => !items.is_empty(),
        Kind::Map(entries) => !entries.is_empty(),
    }
}
