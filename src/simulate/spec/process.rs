//! Reads `process:`, the behaviour over time.
use super::read::Reader;
use super::{Assign, At, Each, Name, Process, Repeat, Value, Windows};
use crate::diag::code;
use crate::yaml::Node;

impl Reader<'_> {
    pub(super) fn process(&mut self, node: &Node) -> Option<Process> {
        if !node.is_map() {
            self.wrong(node, "process", "a mapping");
            return None;
        }
        self.keys(node, &["per", "lookup", "state", "each_day"], "process");
        let Some(per) = node.get("per") else {
            self.error(
                code::M0801,
                node.span.clone(),
                format!("{}: `per` is missing", self.sim),
                Some("say whose behaviour it is: `per: users as user`"),
            );
            return None;
        };
        let parent = self.parent(per, "per")?;
        let Some(day) = node.get("each_day").filter(|d| d.is_map()) else {
            self.error(
                code::M0801,
                node.span.clone(),
                format!("{}: `each_day` is missing", self.sim),
                None,
            );
            return None;
        };
        self.keys(day, &["where", "let", "each", "set_after"], "each_day");
        let Some(each) = day.get("each").filter(|e| e.is_map()) else {
            self.error(
                code::M0801,
                day.span.clone(),
                format!("{}: `each` is missing", self.sim),
                Some("say what happens on a day: `each: {count: 1, row: …}`"),
            );
            return None;
        };
        Some(Process {
            parent,
            lookup: self.named(node.get("lookup"), "lookup"),
            state: self.named(node.get("state"), "state"),
            filter: day.get("where").and_then(|n| self.src(n, "where")),
            lets: self.lets(day.get("let")),
            each: self.each(each)?,
            set_after: self.assigns(day.get("set_after")),
        })
    }

    fn each(&mut self, node: &Node) -> Option<Each> {
        self.keys(
            node,
            &["count", "at", "set", "let", "row", "repeat", "set_after"],
            "each",
        );
        let repeat = match node.get("repeat") {
            Some(n) => Some(self.repeat(n)?),
            None => None,
        };
        if node.get("row").is_none() && repeat.as_ref().is_none_or(|r| r.row.is_empty()) {
            self.error(
                code::M0801,
                node.span.clone(),
                format!("{}: neither `each` nor `repeat` has a `row`", self.sim),
                None,
            );
        }
        Some(Each {
            count: node.get("count").and_then(|n| self.src(n, "count")),
            at: self.at(node.get("at"))?,
            set: self.assigns(node.get("set")),
            lets: self.lets(node.get("let")),
            row: self.row(node.get("row")),
            repeat,
            set_after: self.assigns(node.get("set_after")),
        })
    }

    fn at(&mut self, node: Option<&Node>) -> Option<At> {
        let Some(node) = node else {
            return Some(At::Midnight);
        };
        if !node.is_map() {
            return self.src(node, "at").map(At::Expr);
        }
        self.keys(node, &["windows", "gap_minutes", "round_minutes"], "at");
        let windows = match node.get("windows") {
            Some(w) if w.is_seq() => Windows::Plain(w.to_json(), w.span.clone()),
            Some(w) => Windows::Expr(self.src(w, "windows")?),
            None => {
                self.error(
                    code::M0801,
                    node.span.clone(),
                    format!("{}: `at` needs `windows`", self.sim),
                    Some("a list of {start: \"07:00\", end: \"09:00\", weight: 1}"),
                );
                return None;
            }
        };
        Some(At::Windows {
            windows,
            gap: node
                .get("gap_minutes")
                .and_then(|n| self.src(n, "gap_minutes")),
            round: node
                .get("round_minutes")
                .and_then(|n| self.src(n, "round_minutes")),
        })
    }

    fn repeat(&mut self, node: &Node) -> Option<Repeat> {
        if !node.is_map() {
            self.wrong(node, "repeat", "a mapping");
            return None;
        }
        let known = [
            "while",
            "limit",
            "set",
            "let",
            "row",
            "advance",
            "set_after",
            "stop",
        ];
        self.keys(node, &known, "repeat");
        if node.get("while").is_none() && node.get("stop").is_none() {
            self.error(
                code::M0801,
                node.span.clone(),
                format!(
                    "{}: `repeat` has neither `while` nor `stop` and would never end",
                    self.sim
                ),
                None,
            );
        }
        let limit = match node.get("limit") {
            None => 1000,
            Some(n) => match n.as_int() {
                Some(i) if i > 0 => i as u64,
                _ => {
                    self.wrong(n, "limit", "a whole number above 0");
                    1000
                }
            },
        };
        Some(Repeat {
            condition: node.get("while").and_then(|n| self.src(n, "while")),
            limit,
            set: self.assigns(node.get("set")),
            lets: self.lets(node.get("let")),
            row: self.row(node.get("row")),
            advance: node.get("advance").and_then(|n| self.src(n, "advance")),
            set_after: self.assigns(node.get("set_after")),
            stop: node.get("stop").and_then(|n| self.src(n, "stop")),
        })
    }

    fn lets(&mut self, node: Option<&Node>) -> Vec<(Name, Value)> {
        let Some(node) = node else { return Vec::new() };
        if !node.is_map() {
            self.wrong(node, "let", "a mapping of names to expressions");
        }
        let mut out = Vec::new();
        for (k, v) in self.free(node, "let") {
            if let Some(name) = self.name(&k, "a name in `let`") {
                let value = v.and_then(|v| self.let_value(&v, &name));
                let value = value.unwrap_or(Value::Broken);
                out.push((name, value));
            }
        }
        out
    }

    fn row(&mut self, node: Option<&Node>) -> Vec<(Name, Value)> {
        let Some(node) = node else { return Vec::new() };
        if !node.is_map() {
            self.wrong(node, "row", "a mapping of columns to expressions");
        }
        let mut out = Vec::new();
        for (k, v) in self.free(node, "row") {
            if let Some(name) = self.name(&k, "a column in `row`") {
                let value = v.and_then(|v| self.row_value(&v, &name));
                let value = value.unwrap_or(Value::Broken);
                out.push((name, value));
            }
        }
        out
    }

    fn assigns(&mut self, node: Option<&Node>) -> Vec<Assign> {
        let Some(node) = node else { return Vec::new() };
        if !node.is_seq() {
            self.wrong(node, "set", "a list of assignments");
        }
        let mut out = Vec::new();
        for item in node.items().to_vec() {
            if !item.is_map() {
                self.wrong(
                    &item,
                    "an assignment",
                    "a mapping: {state: {name: expression}} or {name: expression}",
                );
                continue;
            }
            let mut assign = Assign {
                condition: None,
                state: Vec::new(),
                names: Vec::new(),
            };
            for (k, v) in item.entries().to_vec() {
                match k.as_str() {
                    Some("if") => assign.condition = self.src(&v, "if"),
                    Some("state") => assign.state.extend(self.named(Some(&v), "state")),
                    _ => {
                        if let (Some(name), Some(src)) = (
                            self.name(&k, "an assigned name"),
                            self.src(&v, "an assigned value"),
                        ) {
                            assign.names.push((name, src));
                        }
                    }
                }
            }
            out.push(assign);
        }
        out
    }
}
