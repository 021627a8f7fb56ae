//! Definitions of selectors: sets of definitions, with what they leave out.
//!
//! In: a node of the YAML. Out: the definition and its form in the manifest.
use super::{Read, Reader};
use crate::select::Indirect;
use crate::select::grammar::{Criterion, Definition, Op, Reach, Set, criterion_text};
use crate::yaml::Node;
use serde_json::{Map, Value, json};

impl Reader<'_> {
    /// A definition at the root: of a set only one, and nothing beside it.
    pub(super) fn root(&mut self, node: &Node) -> Option<Read> {
        if !node.is_map() && node.as_str().is_none() {
            let message = format!(
                "a selector's `definition` must be a text or a mapping, not {}",
                node.type_name()
            );
            return self.wrong_help(
                node,
                message,
                Some("for several criteria write `union:` or `intersection:` with a list"),
            );
        }
        let is_set = node.get("union").is_some() || node.get("intersection").is_some();
        if is_set && node.entries().len() > 1 {
            let keys: Vec<String> = node
                .entries()
                .iter()
                .filter_map(|(k, _)| k.scalar_text())
                .collect();
            let message = format!(
                "Only a single 'union' or 'intersection' key is allowed in a root level selector definition; found {}",
                keys.join(",")
            );
            return self.wrong(node, message);
        }
        self.definition(node)
    }

    pub(super) fn definition(&mut self, node: &Node) -> Option<Read> {
        if node.as_str().is_some() {
            let text = self.text(node)?;
            let read = criterion_text(&text, &self.place(node));
            let c = self.sink.take(read)?;
            let shown = shown_criterion(&c);
            return Some((Definition::Criterion(Box::new(c)), shown));
        }
        for (key, op) in [("union", Op::Union), ("intersection", Op::Intersection)] {
            if let Some(list) = node.get(key) {
                self.beside(node, &[key]);
                return self.set(key, op, list);
            }
        }
        self.criterion(node)
    }

    /// Warns about the keys beside those that count.
    pub(super) fn beside(&mut self, node: &Node, counting: &[&str]) {
        for (key, _) in node.entries() {
            let name = key.scalar_text().unwrap_or_default();
            if !counting.contains(&name.as_str()) {
                let message = format!(
                    "`{name}` has no effect beside `{}`",
                    counting.join("` and `")
                );
                self.idle(key, message, "remove it, or write it as an item of its own");
            }
        }
    }

    pub(super) fn list<'n>(&mut self, key: &str, node: &'n Node) -> Option<&'n [Node]> {
        if node.is_seq() {
            return Some(node.items());
        }
        self.wrong(
            node,
            format!("Invalid value for key \"{key}\". Expected a list"),
        )
    }

    pub(super) fn set(&mut self, key: &str, op: Op, list: &Node) -> Option<Read> {
        let mut parts = Vec::new();
        let mut shown = Vec::new();
        let mut exclude: Option<Vec<Definition>> = None;
        let mut sound = true;
        for item in self.list(key, list)? {
            if item.as_str().is_none() && !item.is_map() {
                let message = format!(
                    "Invalid value in key \"{key}\": expected a mapping or a text, not {}",
                    item.type_name()
                );
                self.wrong::<()>(item, message);
                sound = false;
            } else if let Some((place, list)) = item.entry("exclude") {
                self.beside(item, &["exclude"]);
                if exclude.is_some() {
                    let message = "You cannot provide multiple exclude arguments to the same selector set operator";
                    self.wrong_help::<()>(
                        place,
                        message,
                        Some("write one `exclude` with all of them"),
                    );
                    sound = false;
                }
                match self.exclude(list) {
                    Some((excluded, excluded_shown)) => {
                        exclude = Some(excluded);
                        shown.push(self.shown_exclude(item, excluded_shown));
                    }
                    None => sound = false,
                }
            } else if let Some((part, part_shown)) = self.definition(item) {
                parts.push(part);
                shown.push(part_shown);
            } else {
                sound = false;
            }
        }
        if !sound {
            return None;
        }
        let mut definition = set(op, parts);
        if let Some(excluded) = exclude {
            definition = without(definition, excluded);
        }
        Some((definition, json!({ key: shown })))
    }

    /// An item with `exclude` as the manifest shows it: with all that has no effect, and an inherited definition in
    /// place of everything.
    pub(super) fn shown_exclude(&mut self, item: &Node, excluded: Value) -> Value {
        let method = item.get("method").and_then(Node::as_str);
        let inherited = item.get("value").filter(|_| method == Some("selector"));
        if let Some(name) = inherited.and_then(Node::as_str)
            && let Some(selector) = self.known.list.get(name)
        {
            return selector.shown.clone();
        }
        let mut shown = self.shown(item);
        shown.insert("exclude".into(), excluded);
        Value::Object(shown)
    }

    pub(super) fn exclude(&mut self, node: &Node) -> Option<(Vec<Definition>, Value)> {
        let items = self.list("exclude", node)?;
        let read: Vec<Option<Read>> = items
            .iter()
            .map(|item| {
                if item.as_str().is_some() || item.is_map() {
                    self.definition(item)
                } else {
                    let message = format!(
                        "Invalid value in key \"exclude\": expected a mapping or a text, not {}",
                        item.type_name()
                    );
                    self.wrong(item, message)
                }
            })
            .collect();
        let (definitions, shown) = read
            .into_iter()
            .collect::<Option<Vec<Read>>>()?
            .into_iter()
            .unzip();
        Some((definitions, Value::Array(shown)))
    }
}

/// Sets of selectors never look again at tests: in dbt they are `eager` whatever the command says.
fn set(op: Op, parts: Vec<Definition>) -> Definition {
    Definition::Set(Set::new(op, parts, Some(Indirect::Eager)))
}

pub(super) fn without(definition: Definition, excluded: Vec<Definition>) -> Definition {
    set(Op::Difference, vec![definition, set(Op::Union, excluded)])
}

/// A criterion that was written as text, as the manifest shows it.
fn shown_criterion(c: &Criterion) -> Value {
    let mut shown = Map::new();
    let reach = |key: &str, reach: Reach, shown: &mut Map<String, Value>| {
        if reach != Reach::None {
            shown.insert(key.into(), json!(true));
        }
        if let Reach::Steps(n) = reach {
            shown.insert(format!("{key}_depth"), json!(n.to_string()));
        }
    };
    if c.childrens_parents {
        shown.insert("childrens_parents".into(), json!(true));
    }
    reach("parents", c.parents, &mut shown);
    let mut method = c.method.to_string();
    for arg in &c.args {
        method = format!("{method}.{arg}");
    }
    shown.insert("method".into(), json!(method));
    shown.insert("value".into(), c.value.clone());
    reach("children", c.children, &mut shown);
    Value::Object(shown)
}
