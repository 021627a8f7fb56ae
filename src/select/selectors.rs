//! `selectors.yml`: named definitions of selections.
//!
//! In: the file's YAML and a way to render the Jinja in its texts. Out: definitions to evaluate, and the form of them
//! that the manifest shows. Knows nothing of nodes. What dbt silently leaves out of account is warned about (S0513).
use super::grammar::{Criterion, Definition, Op, Reach, Set, criterion_text, method_named};
use super::{Indirect, Method};
use crate::diag::{Diagnostic, Result, Sink, code};
use crate::text::{Place, nearest};
use crate::yaml::{Document, Kind, Node, unknown_keys};
use indexmap::IndexMap;
use serde_json::{Map, Value, json};

const HEADING: &str = "Runtime Error";
const ENTRY_KEYS: &[&str] = &["name", "description", "default", "definition"];
const CRITERION_KEYS: &[&str] = &[
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

/// Renders the Jinja of one text of the file.
pub type Render<'a> = &'a dyn Fn(&str, &Place) -> Result<String>;

/// One selector.
#[derive(Debug, Clone)]
pub struct Selector {
    /// Name.
    pub name: String,
    /// Description.
    pub description: Option<String>,
    /// Whether it applies when nothing is asked for.
    pub default: bool,
    /// What it selects.
    pub definition: Definition,
    /// As the manifest shows it, inherited definitions filled in.
    shown: Value,
    /// Where its name stands.
    pub place: Place,
}

/// The selectors of a project, in the order of the file.
#[derive(Debug, Clone, Default)]
pub struct Selectors {
    list: IndexMap<String, Selector>,
}

impl Selectors {
    /// Reads a `selectors.yml`; an empty file has no selectors. The warnings of the reading come with it.
    ///
    /// # Errors
    /// All that is wrong with the file: S0501, S0502, S0510 to S0512, Y0204.
    pub fn read(doc: &Document, render: Render<'_>) -> Result<(Self, Vec<Diagnostic>)> {
        let mut reader = Reader {
            doc,
            render,
            known: Self::default(),
            sink: Sink::default(),
        };
        reader.file();
        let known = reader.known;
        let warnings = reader.sink.finish()?;
        Ok((known, warnings))
    }

    /// The selector of a name.
    ///
    /// # Errors
    /// S0511 when there is none.
    pub fn get(&self, name: &str) -> Result<&Selector> {
        self.list.get(name).ok_or_else(|| {
            let known: Vec<&str> = self.list.keys().map(String::as_str).collect();
            let d = Diagnostic::error(
                code::S0511,
                format!(
                    "Could not find selector named {name}, expected one of [{}]",
                    known
                        .iter()
                        .map(|n| format!("'{n}'"))
                        .collect::<Vec<_>>()
                        .join(", ")
                ),
            )
            .heading(HEADING);
            match nearest(name, known) {
                Some(near) => d.help(format!("did you mean `{near}`?")),
                None => d.help("selectors are defined in `selectors.yml`"),
            }
            .into()
        })
    }

    /// The selector that applies when neither `--select` nor `--exclude` nor `--selector` is given.
    pub fn default_selector(&self) -> Option<&Selector> {
        self.list.values().find(|s| s.default)
    }

    /// All selectors, in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = &Selector> {
        self.list.values()
    }

    /// The selectors as the manifest shows them.
    pub fn manifest(&self) -> Map<String, Value> {
        self.list
            .iter()
            .map(|(name, selector)| {
                let mut shown = Map::from_iter([("name".to_string(), json!(name))]);
                if let Some(description) = &selector.description {
                    shown.insert("description".into(), json!(description));
                }
                shown.insert("definition".into(), selector.shown.clone());
                if selector.default {
                    shown.insert("default".into(), json!(true));
                }
                (name.clone(), Value::Object(shown))
            })
            .collect()
    }
}

/// A definition and its form in the manifest.
type Read = (Definition, Value);

struct Reader<'a> {
    doc: &'a Document,
    render: Render<'a>,
    /// The selectors read so far, which later ones may inherit.
    known: Selectors,
    sink: Sink,
}

impl Reader<'_> {
    fn place(&self, node: &Node) -> Place {
        self.doc.place(node)
    }

    /// Says that something is wrong.
    fn wrong<T>(&mut self, node: &Node, message: impl Into<String>) -> Option<T> {
        self.wrong_help(node, message, None)
    }

    fn wrong_help<T>(
        &mut self,
        node: &Node,
        message: impl Into<String>,
        help: Option<&str>,
    ) -> Option<T> {
        let mut d = Diagnostic::error(code::S0510, message)
            .heading(HEADING)
            .at(self.place(node));
        if let Some(help) = help {
            d = d.help(help);
        }
        self.sink.push(d);
        None
    }

    /// Says that something has no effect.
    fn idle(&mut self, node: &Node, message: impl Into<String>, help: &str) {
        let d = Diagnostic::warning(code::S0513, message).at(self.place(node));
        self.sink.push(d.help(help));
    }

    /// A text of the file, rendered.
    fn text(&mut self, node: &Node) -> Option<String> {
        let raw = node.as_str()?;
        if !raw.contains("{{") && !raw.contains("{%") && !raw.contains("{#") {
            return Some(raw.to_string());
        }
        let rendered = (self.render)(raw, &self.place(node));
        self.sink.take(rendered)
    }

    fn file(&mut self) {
        let root = &self.doc.root;
        if root.is_null() {
            return;
        }
        let Some(list) = root.get("selectors") else {
            let help = Some("the file has one key `selectors`, a list of selectors");
            self.wrong_help::<()>(root, "`selectors` is missing", help);
            return;
        };
        if !list.is_seq() {
            let message = format!("`selectors` must be a list, not {}", list.type_name());
            self.wrong::<()>(list, message);
            return;
        }
        for entry in list.items() {
            self.entry(entry);
        }
        let defaults: Vec<&Selector> = self.known.iter().filter(|s| s.default).collect();
        if defaults.len() > 1 {
            let names: Vec<&str> = defaults.iter().map(|s| s.name.as_str()).collect();
            let mut d = Diagnostic::error(
                code::S0512,
                format!(
                    "Found multiple selectors with `default: true`: {}",
                    names.join(" and ")
                ),
            )
            .heading(HEADING);
            for selector in defaults {
                d = d.at(selector.place.clone());
            }
            self.sink.push(d.help("leave `default: true` at one of them"));
        }
    }

    fn entry(&mut self, entry: &Node) -> Option<()> {
        if !entry.is_map() {
            let message = format!("a selector must be a mapping, not {}", entry.type_name());
            return self.wrong(entry, message);
        }
        for d in unknown_keys(&self.doc.file, entry, ENTRY_KEYS, "selector") {
            self.sink.push(d.heading(HEADING));
        }
        let name = match entry.get("name") {
            None => return self.wrong(entry, "a selector needs a `name`"),
            Some(node) if node.as_str().is_none() => {
                return self.wrong(node, format!("`name` must be text, not {}", node.type_name()));
            }
            Some(node) => node,
        };
        let place = self.place(name);
        let name_text = self.text(name)?;
        let description = match entry.get("description") {
            Some(node) if node.as_str().is_some() => self.text(node),
            Some(node) => {
                let message = format!("`description` must be text, not {}", node.type_name());
                return self.wrong(node, message);
            }
            None => None,
        };
        let default = match entry.get("default") {
            None => false,
            Some(node) => match node.as_bool() {
                Some(default) => default,
                None => {
                    let message =
                        format!("`default` must be true or false, not {}", node.type_name());
                    return self.wrong(node, message);
                }
            },
        };
        let Some(definition) = entry.get("definition") else {
            return self.wrong(entry, format!("selector `{name_text}` needs a `definition`"));
        };
        let (definition, shown) = self.root(definition)?;
        let selector = Selector {
            name: name_text.clone(),
            description,
            default,
            definition,
            shown,
            place,
        };
        if self.known.list.insert(name_text.clone(), selector).is_some() {
            let message = format!("selector `{name_text}` is defined twice; the last one counts");
            self.idle(name, message, "rename or remove one of them");
        }
        Some(())
    }

    /// A definition at the root: of a set only one, and nothing beside it.
    fn root(&mut self, node: &Node) -> Option<Read> {
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

    fn definition(&mut self, node: &Node) -> Option<Read> {
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
    fn beside(&mut self, node: &Node, counting: &[&str]) {
        for (key, _) in node.entries() {
            let name = key.scalar_text().unwrap_or_default();
            if !counting.contains(&name.as_str()) {
                let message = format!("`{name}` has no effect beside `{}`", counting.join("` and `"));
                self.idle(key, message, "remove it, or write it as an item of its own");
            }
        }
    }

    fn list<'n>(&mut self, key: &str, node: &'n Node) -> Option<&'n [Node]> {
        if node.is_seq() {
            return Some(node.items());
        }
        self.wrong(
            node,
            format!("Invalid value for key \"{key}\". Expected a list"),
        )
    }

    fn set(&mut self, key: &str, op: Op, list: &Node) -> Option<Read> {
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
                    self.wrong_help::<()>(place, message, Some("write one `exclude` with all of them"));
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
    fn shown_exclude(&mut self, item: &Node, excluded: Value) -> Value {
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

    fn exclude(&mut self, node: &Node) -> Option<(Vec<Definition>, Value)> {
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
        let (definitions, shown) = read.into_iter().collect::<Option<Vec<Read>>>()?.into_iter().unzip();
        Some((definitions, Value::Array(shown)))
    }

    /// A criterion written as a mapping.
    fn criterion(&mut self, node: &Node) -> Option<Read> {
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
    fn plain(&mut self, method: &Node, value: &Node) -> Option<Criterion> {
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
    fn full(&mut self, node: &Node, method: &Node, value: &Node) -> Option<Read> {
        let mut c = self.plain(method, value)?;
        for (key, _) in node.entries() {
            let name = key.scalar_text().unwrap_or_default();
            if !CRITERION_KEYS.contains(&name.as_str()) {
                let help = match nearest(&name, CRITERION_KEYS.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("known keys: {}", CRITERION_KEYS.join(", ")),
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
    fn shown(&mut self, node: &Node) -> Map<String, Value> {
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
    fn flag(&mut self, node: &Node, key: &str) -> bool {
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

    fn reach(&mut self, node: &Node, flag: &str, depth: &str) -> Option<Reach> {
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
    fn inherited(&mut self, node: &Node, value: &Node) -> Option<Read> {
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

/// Sets of selectors never look again at tests: in dbt they are `eager` whatever the command says.
fn set(op: Op, parts: Vec<Definition>) -> Definition {
    Definition::Set(Set::new(op, parts, Some(Indirect::Eager)))
}

fn without(definition: Definition, excluded: Vec<Definition>) -> Definition {
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
