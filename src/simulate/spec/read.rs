//! Reads the top of a document: everything but columns and process.
use super::{Literal, Name, Parent, Plain, Rows, Span, Spec, Src};
use crate::diag::{Code, Diagnostic, Sink, code};
use crate::text::{Place, SourceFile, nearest};
use crate::yaml::{Document, Kind, Node};
use std::sync::Arc;

const TOP: [&str; 16] = [
    "version",
    "simulation",
    "schema",
    "description",
    "tags",
    "meta",
    "config",
    "rows",
    "curves",
    "columns",
    "picks",
    "process",
    "unique",
    "indexes",
    "expect",
    "faults",
];

/// Reads one document; findings go to the sink. `None` when not even a name is there.
pub fn read_document(doc: &Document, sink: &mut Sink) -> Option<Spec> {
    let root = &doc.root;
    let mut r = Reader {
        file: doc.file.clone(),
        sink,
        sim: String::new(),
    };
    if !root.is_map() {
        r.wrong(
            root,
            "a simulation",
            "a mapping with `simulation:`, `rows:` and `columns:`",
        );
        return None;
    }
    let Some(name) = root.get("simulation").and_then(|n| r.name(n, "simulation")) else {
        if root.get("simulation").is_none() {
            r.error(
                code::M0801,
                root.entries()
                    .first()
                    .map_or(0..0, |(key, _)| key.span.clone()),
                "this document has no `simulation:` key",
                Some("give the table's name: `simulation: users`"),
            );
        }
        return None;
    };
    r.sim.clone_from(&name.text);
    r.keys(root, &TOP, "");
    if let Some(version) = root.get("version")
        && version.as_int() != Some(1)
    {
        r.error(
            code::M0801,
            version.span.clone(),
            "only `version: 1` is known",
            None,
        );
    }
    let process = root.get("process");
    let rows = r.rows(root, process);
    let columns = r.columns(root.get("columns"), process.is_some(), &name);
    let mut spec = Spec {
        file: doc.file.clone(),
        schema: root.get("schema").and_then(|n| r.text(n, "schema")),
        description: root
            .get("description")
            .and_then(|n| r.text(n, "description"))
            .unwrap_or_default(),
        tags: r
            .words(root.get("tags"), "tags")
            .into_iter()
            .map(|n| n.text)
            .collect(),
        curves: r.curves(root.get("curves")),
        picks: r.picks(root.get("picks")),
        unique: r.column_sets(root.get("unique"), "unique"),
        indexes: r.column_sets(root.get("indexes"), "indexes"),
        expects: r.expects(root.get("expect")),
        faults: root.get("faults").and_then(|n| r.faults(n)),
        canonical: canonical(root),
        name,
        rows: Rows::Entity {
            initial: 0,
            arrivals: None,
        },
        columns,
    };
    // Last, so that the rest is checked even if nobody can say how many rows there are.
    spec.rows = rows?;
    Some(spec)
}

/// What decides the rows: everything but words for people, labels and checks.
fn canonical(root: &Node) -> serde_json::Value {
    let mut json = root.to_json();
    if let Some(map) = json.as_object_mut() {
        for key in ["version", "description", "expect", "tags", "meta", "config"] {
            map.shift_remove(key);
        }
        if let Some(columns) = map.get_mut("columns").and_then(|c| c.as_object_mut()) {
            for column in columns.values_mut().filter_map(|c| c.as_object_mut()) {
                column.shift_remove("description");
            }
        }
    }
    json
}

/// Whether a text has more brackets that open than that close.
fn open(node: &Node) -> bool {
    let count = |sign: char| node.as_str().map_or(0, |t| t.matches(sign).count());
    count('(') > count(')')
}

/// Reads nodes and says what is wrong with them.
pub(super) struct Reader<'a> {
    pub file: Arc<SourceFile>,
    pub sink: &'a mut Sink,
    pub sim: String,
}

impl Reader<'_> {
    pub fn error(
        &mut self,
        code: Code,
        span: Span,
        message: impl Into<String>,
        help: Option<&str>,
    ) {
        let mut d = Diagnostic::error(code, message).at(Place::new(&self.file, span));
        if let Some(help) = help {
            d = d.help(help);
        }
        self.sink.push(d);
    }

    pub fn wrong(&mut self, node: &Node, what: &str, wanted: &str) {
        let found = match node.kind {
            Kind::Int(i) => i.to_string(),
            Kind::Float(x) => x.to_string(),
            Kind::Str(ref text) if !text.is_empty() && text.chars().count() <= 80 => {
                format!("`{text}`")
            }
            _ => node.type_name().to_string(),
        };
        self.error(
            code::M0801,
            node.span.clone(),
            format!("{what} must be {wanted}, not {found}"),
            None,
        );
    }

    /// Reports unknown keys; a key without value after an open bracket is an expression that YAML has cut in two.
    /// Gives whether that happened.
    pub fn keys(&mut self, map: &Node, known: &[&str], what: &str) -> bool {
        let what = if what.is_empty() {
            self.sim.clone()
        } else {
            format!("{}.{what}", self.sim)
        };
        let mut cut = false;
        for (key, value) in map.entries() {
            if key.as_str().is_some_and(|k| known.contains(&k)) {
                continue;
            }
            let name = key
                .scalar_text()
                .unwrap_or_else(|| key.type_name().to_string());
            let before = map
                .entries()
                .iter()
                .rfind(|(k, _)| k.span.end <= key.span.start);
            if value.is_null() && (cut || before.is_some_and(|(_, v)| open(v))) {
                if !cut {
                    self.cut_in_two(key, &what);
                }
                cut = true;
                continue;
            }
            let help = match suggest(&name, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known keys: {}", known.join(", ")),
            };
            self.error(
                code::M0802,
                key.span.clone(),
                format!("{what}: unknown key `{name}`"),
                Some(&help),
            );
        }
        cut
    }

    fn cut_in_two(&mut self, key: &Node, what: &str) {
        let name = key
            .scalar_text()
            .unwrap_or_else(|| key.type_name().to_string());
        self.error(
            code::M0804,
            key.span.clone(),
            format!("{what}: key `{name}` has no value: an expression in {{ }} contains a comma"),
            Some("put the whole expression in double quotes"),
        );
    }

    /// Entries of a mapping whose keys may be any name. Where YAML has cut an expression in two at a comma, that is said
    /// once, and the name has no value.
    pub fn free(&mut self, map: &Node, what: &str) -> Vec<(Node, Option<Node>)> {
        let what = format!("{}.{what}", self.sim);
        let mut out: Vec<(Node, Option<Node>)> = Vec::new();
        let mut cut = false;
        for (key, value) in map.entries() {
            let begun = out.last().and_then(|(_, v)| v.as_ref()).is_some_and(open);
            cut = value.is_null() && (cut || begun);
            if !cut {
                out.push((key.clone(), Some(value.clone())));
            } else if begun && let Some((_, before)) = out.last_mut() {
                self.cut_in_two(key, &what);
                *before = None;
            }
        }
        out
    }

    pub fn name(&mut self, node: &Node, what: &str) -> Option<Name> {
        let text = node.as_str().unwrap_or_default();
        let fine = text
            .chars()
            .next()
            .is_some_and(|c| c.is_alphabetic() || c == '_')
            && text.chars().all(|c| c.is_alphanumeric() || c == '_')
            && text.len() <= 63;
        if !fine && node.as_bool().is_some() {
            self.error(
                code::M0801,
                node.span.clone(),
                format!("{what}: YAML reads this word as a boolean"),
                Some("put it in quotes"),
            );
            return None;
        }
        if !fine {
            self.wrong(
                node,
                what,
                "a name of letters, digits and `_`, at most 63 bytes long",
            );
            return None;
        }
        Some(Name {
            text: text.to_string(),
            span: node.span.clone(),
        })
    }

    pub fn text(&mut self, node: &Node, what: &str) -> Option<String> {
        let text = node.as_str().map(str::to_string);
        if text.is_none() && !node.is_null() {
            self.wrong(node, what, "text");
        }
        text
    }

    pub fn number(&mut self, node: &Node, what: &str) -> Option<f64> {
        let number = node
            .as_number()
            .or_else(|| node.as_str().and_then(|t| t.trim().parse().ok()));
        if number.is_none() {
            self.wrong(node, what, "a number");
        }
        number
    }

    pub fn flag(&mut self, map: &Node, key: &str) -> bool {
        match map.get(key) {
            None => false,
            Some(node) => node.as_bool().unwrap_or_else(|| {
                self.wrong(node, key, "true or false");
                false
            }),
        }
    }

    /// An expression; numbers, booleans, null and dates stand for themselves.
    pub fn src(&mut self, node: &Node, what: &str) -> Option<Src> {
        let text = match &node.kind {
            Kind::Str(text) => text.clone(),
            Kind::Int(i) => i.to_string(),
            Kind::Float(x) => format!("{x:?}"),
            Kind::Bool(b) => b.to_string(),
            Kind::Null => "null".into(),
            Kind::Time(t) if t.len() == 10 => format!("date('{t}')"),
            Kind::Time(t) => format!("timestamp('{t}')"),
            Kind::Seq(_) | Kind::Map(_) => {
                self.wrong(node, what, "an expression");
                return None;
            }
        };
        let written = self.file.text.get(node.span.clone()).unwrap_or_default();
        let quote = usize::from(written.starts_with(['"', '\'']));
        let exact = written[quote..]
            .starts_with(text.as_str())
            .then_some(node.span.start + quote);
        Some(Src {
            text,
            span: node.span.clone(),
            exact,
        })
    }

    pub fn plain(&mut self, node: &Node, what: &str) -> Option<Plain> {
        let value = match &node.kind {
            Kind::Null => Literal::Null,
            Kind::Bool(b) => Literal::Bool(*b),
            Kind::Int(i) => Literal::Int(*i),
            Kind::Float(x) => Literal::Float(*x),
            Kind::Time(t) | Kind::Str(t) => Literal::Text(t.clone()),
            Kind::Seq(_) | Kind::Map(_) => {
                self.wrong(node, what, "a plain value");
                return None;
            }
        };
        Some(Plain {
            value,
            span: node.span.clone(),
        })
    }

    /// A list of names, or one name.
    pub fn words(&mut self, node: Option<&Node>, what: &str) -> Vec<Name> {
        match node {
            None => Vec::new(),
            Some(n) if n.is_seq() => n
                .items()
                .iter()
                .filter_map(|i| self.name(i, what))
                .collect(),
            Some(n) => self.name(n, what).into_iter().collect(),
        }
    }

    fn column_sets(&mut self, node: Option<&Node>, what: &str) -> Vec<Vec<Name>> {
        let Some(node) = node else { return Vec::new() };
        if !node.is_seq() {
            self.wrong(node, what, "a list of columns or of lists of columns");
        }
        node.items()
            .iter()
            .map(|item| self.words(Some(item), what))
            .filter(|set| !set.is_empty())
            .collect()
    }

    /// `table as alias`, or `table` alone.
    pub fn parent(&mut self, node: &Node, what: &str) -> Option<Parent> {
        let text = node.as_str().unwrap_or_default();
        let words: Vec<&str> = text.split_whitespace().collect();
        let at = |word: &str| {
            let start = word.as_ptr() as usize - text.as_ptr() as usize;
            let written = self.file.text.get(node.span.clone()).unwrap_or_default();
            let quote = usize::from(written.starts_with(['"', '\'']));
            Name {
                text: word.to_string(),
                span: node.span.start + quote + start..node.span.start + quote + start + word.len(),
            }
        };
        match words.as_slice() {
            [table] => Some(Parent {
                table: at(table),
                alias: at(table),
            }),
            [table, "as", alias] => Some(Parent {
                table: at(table),
                alias: at(alias),
            }),
            _ => {
                self.wrong(node, what, "`table as name`");
                None
            }
        }
    }

    /// A mapping of names to expressions.
    pub fn named(&mut self, node: Option<&Node>, what: &str) -> Vec<(Name, Src)> {
        let Some(node) = node else { return Vec::new() };
        if !node.is_map() {
            self.wrong(node, what, "a mapping of names to expressions");
        }
        self.free(node, what)
            .iter()
            .filter_map(|(k, v)| Some((self.name(k, what)?, self.src(v.as_ref()?, what)?)))
            .collect()
    }

    fn rows(&mut self, root: &Node, process: Option<&Node>) -> Option<Rows> {
        if let Some(process) = process {
            if let Some((key, _)) = root.entry("rows") {
                self.error(
                    code::M0801,
                    key.span.clone(),
                    format!("{}: `rows` and `process` exclude each other", self.sim),
                    Some("a process makes its own rows; remove one of the two"),
                );
            }
            return self.process(process).map(|p| Rows::Process(Box::new(p)));
        }
        let Some(rows) = root.get("rows") else {
            self.error(
                code::M0801,
                root.span.start..root.span.start,
                format!("{}: how many rows is not said", self.sim),
                Some("add `rows: {initial: 1000}`, `rows: {per: …, count: …}` or `process:`"),
            );
            return None;
        };
        if !rows.is_map() {
            self.wrong(rows, "rows", "a mapping");
            return None;
        }
        if let Some(per) = rows.get("per") {
            self.keys(rows, &["per", "lookup", "count"], "rows");
            let parent = self.parent(per, "per")?;
            let lookup = self.named(rows.get("lookup"), "lookup");
            let count = match rows.get("count") {
                Some(count) => self.src(count, "count")?,
                None => Src {
                    text: "1".into(),
                    span: per.span.clone(),
                    exact: None,
                },
            };
            return Some(Rows::Per {
                parent,
                lookup,
                count,
            });
        }
        let known = ["initial", "arrivals", "per", "count", "lookup"];
        self.keys(rows, &known, "rows");
        let initial = match rows.get("initial") {
            None => 0,
            Some(n) => match n
                .as_int()
                .or_else(|| n.as_str().and_then(|t| t.trim().parse().ok()))
            {
                Some(i) if (0..=4_000_000_000).contains(&i) => i as u64,
                _ => {
                    self.wrong(n, "initial", "a whole number from 0 to 4,000,000,000");
                    0
                }
            },
        };
        let arrivals = rows.get("arrivals").and_then(|n| self.src(n, "arrivals"));
        if rows.entries().is_empty() {
            self.error(
                code::M0801,
                rows.span.clone(),
                format!("{}: `rows` is empty", self.sim),
                Some("add `initial:`"),
            );
        }
        Some(Rows::Entity { initial, arrivals })
    }
}

/// The likely meant word: by edit distance, or by a long common beginning.
pub fn suggest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let candidates: Vec<&str> = candidates.into_iter().collect();
    nearest(word, candidates.iter().copied()).or_else(|| {
        let shared = |c: &str| {
            word.chars()
                .zip(c.chars())
                .take_while(|(a, b)| a.eq_ignore_ascii_case(b))
                .count()
        };
        candidates
            .into_iter()
            .filter(|c| *c != word && shared(c) >= 4 && shared(c) * 2 >= word.chars().count())
            .max_by_key(|c| (shared(c), std::cmp::Reverse(*c)))
    })
}
