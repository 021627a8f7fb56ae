//! Reads curves, picks, checks and faults.
use super::read::{Reader, suggest};
use super::{Corrupted, CurveSpec, Expect, Faults, Late, PickSpec};
use crate::diag::code;
use crate::simulate::calendar;
use crate::simulate::curve::{Between, Over};
use crate::yaml::{Kind, Node};

impl Reader<'_> {
    pub(super) fn curves(&mut self, node: Option<&Node>) -> Vec<CurveSpec> {
        let Some(node) = node else { return Vec::new() };
        if !node.is_map() {
            self.wrong(node, "curves", "a mapping of names to curves");
        }
        let entries = node.entries().to_vec();
        entries
            .iter()
            .filter_map(|(k, v)| self.curve(k, v))
            .collect()
    }

    fn curve(&mut self, key: &Node, node: &Node) -> Option<CurveSpec> {
        let name = self.name(key, "a curve's name")?;
        let what = format!("curve `{}`", name.text);
        if !node.is_map() {
            self.wrong(
                node,
                &what,
                "a mapping with `over` and `values` or `points`",
            );
            return None;
        }
        self.keys(node, &["over", "values", "points"], &what);
        let kinds: Vec<&str> = Over::ALL.iter().map(|o| o.0).collect();
        let over_node = node.get("over").unwrap_or(node);
        let over_text = over_node.as_str().unwrap_or_default();
        let Some((_, over)) = Over::ALL.iter().copied().find(|o| o.0 == over_text) else {
            let help =
                suggest(over_text, kinds.iter().copied()).map(|s| format!("did you mean `{s}`?"));
            self.error(
                code::M0801,
                over_node.span.clone(),
                format!(
                    "{}.{}: `over` must be one of {}",
                    self.sim,
                    name.text,
                    kinds.join(", ")
                ),
                help.as_deref(),
            );
            return None;
        };
        let (entries, between) = match (node.get("values"), node.get("points")) {
            (Some(values), None) => {
                let between = match over {
                    Over::Date | Over::Hour => Between::Step,
                    _ => Between::Exact,
                };
                (values, between)
            }
            (None, Some(points)) => (points, Between::Linear),
            _ => {
                self.error(
                    code::M0801,
                    node.span.clone(),
                    format!(
                        "{}.{}: a curve has either `values` or `points`",
                        self.sim, name.text
                    ),
                    None,
                );
                return None;
            }
        };
        let mut points = Vec::new();
        for (k, v) in entries.entries().to_vec() {
            let value = self.number(&v, &what);
            match (curve_key(over, &k), value) {
                (Some(x), Some(y)) => points.push((x, y)),
                (None, _) => {
                    let shown = k.scalar_text().unwrap_or_default();
                    let help = (over == Over::Weekday)
                        .then(|| {
                            suggest(&shown, calendar::WEEKDAYS)
                                .map(|s| format!("did you mean `{s}`?"))
                        })
                        .flatten();
                    self.error(
                        code::M0801,
                        k.span.clone(),
                        format!(
                            "{}.{}: `{shown}` is no key of a curve over {over_text}",
                            self.sim, name.text
                        ),
                        help.as_deref(),
                    );
                }
                _ => {}
            }
        }
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        let complete = match (over, between) {
            (Over::Weekday, Between::Exact) => 7,
            (Over::Month, Between::Exact) => 12,
            _ => 1,
        };
        if entries.entries().is_empty() {
            self.error(
                code::M0801,
                entries.span.clone(),
                format!("{}.{}: the curve has no values", self.sim, name.text),
                None,
            );
            return None;
        }
        if points.len() < complete && entries.entries().len() < complete {
            self.error(
                code::M0801,
                entries.span.clone(),
                format!(
                    "{}.{}: {} of {complete} values given",
                    self.sim,
                    name.text,
                    points.len()
                ),
                Some("give a value for each, or use `points`"),
            );
            return None;
        }
        Some(CurveSpec {
            name,
            over,
            between,
            points,
        })
    }

    pub(super) fn picks(&mut self, node: Option<&Node>) -> Vec<PickSpec> {
        let Some(node) = node else { return Vec::new() };
        if !node.is_map() {
            self.wrong(node, "picks", "a mapping of names to choices");
        }
        let mut out = Vec::new();
        for (k, v) in node.entries().to_vec() {
            let Some(name) = self.name(&k, "a pick's name") else {
                continue;
            };
            self.keys(
                &v,
                &["from", "where", "weight", "by"],
                &format!("pick `{}`", name.text),
            );
            let Some(from) = v.get("from") else {
                self.error(
                    code::M0801,
                    v.span.clone(),
                    format!("{}.{}: `from` is missing", self.sim, name.text),
                    Some("name the table: `from: seasons as s`"),
                );
                continue;
            };
            let Some(parent) = self.parent(from, "from") else {
                continue;
            };
            out.push(PickSpec {
                name,
                table: parent.table,
                alias: parent.alias,
                filter: v.get("where").and_then(|n| self.src(n, "where")),
                weight: v.get("weight").and_then(|n| self.src(n, "weight")),
                by: self.words(v.get("by"), "by"),
            });
        }
        out
    }

    pub(super) fn expects(&mut self, node: Option<&Node>) -> Vec<Expect> {
        let Some(node) = node else { return Vec::new() };
        if !node.is_seq() {
            self.wrong(node, "expect", "a list of checks");
        }
        let mut out = Vec::new();
        for item in node.items().to_vec() {
            self.keys(
                &item,
                &["name", "sql", "between", "equals", "severity"],
                "expect",
            );
            let (Some(name), Some(sql)) = (
                item.get("name").and_then(|n| n.as_str()),
                item.get("sql").and_then(|n| n.as_str()),
            ) else {
                self.error(
                    code::M0801,
                    item.span.clone(),
                    format!("{}: a check needs `name` and `sql`", self.sim),
                    None,
                );
                continue;
            };
            let between = item.get("between").and_then(|b| match b.items() {
                [low, high] => Some((self.number(low, "between")?, self.number(high, "between")?)),
                _ => {
                    self.wrong(b, "between", "a list of two numbers");
                    None
                }
            });
            if let (Some((low, high)), Some(b)) = (between, item.get("between"))
                && low > high
            {
                self.error(
                    code::M0801,
                    b.span.clone(),
                    format!(
                        "{}: check `{name}`: nothing lies between {low} and {high}",
                        self.sim
                    ),
                    Some("write the smaller number first"),
                );
            }
            if out.iter().any(|e: &Expect| e.name == name) {
                self.error(
                    code::M0801,
                    item.span.clone(),
                    format!("{}: two checks are named `{name}`", self.sim),
                    None,
                );
            }
            let equals = item.get("equals").and_then(|n| self.number(n, "equals"));
            if item.get("between").is_some() == item.get("equals").is_some() {
                self.error(
                    code::M0801,
                    item.span.clone(),
                    format!(
                        "{}: check `{name}` needs either `between` or `equals`",
                        self.sim
                    ),
                    None,
                );
                continue;
            }
            let severity = item
                .get("severity")
                .and_then(|n| n.as_str())
                .unwrap_or("error");
            if !matches!(severity, "error" | "warn") {
                self.error(
                    code::M0801,
                    item.span.clone(),
                    format!(
                        "{}: severity is `error` or `warn`, not `{severity}`",
                        self.sim
                    ),
                    None,
                );
            }
            out.push(Expect {
                name: name.to_string(),
                sql: sql.to_string(),
                between,
                equals,
                warn: severity == "warn",
                span: item.span.clone(),
            });
        }
        out
    }

    fn rate(&mut self, node: Option<&Node>, what: &str) -> f64 {
        let Some(node) = node else { return 0.0 };
        let rate = self.number(node, what).unwrap_or(0.0);
        if !(0.0..=0.5).contains(&rate) {
            self.error(
                code::M0801,
                node.span.clone(),
                format!(
                    "{}: the rate of `{what}` must be from 0 to 0.5, not {rate}",
                    self.sim
                ),
                None,
            );
            return 0.0;
        }
        rate
    }

    pub(super) fn faults(&mut self, node: &Node) -> Option<Faults> {
        if node.is_null() || node.as_bool() == Some(false) {
            return None;
        }
        if !node.is_map() {
            self.wrong(node, "faults", "a mapping");
            return None;
        }
        self.keys(
            node,
            &["late", "duplicate", "missing", "corrupted"],
            "faults",
        );
        let mut faults = Faults {
            duplicate: self.rate(node.get("duplicate"), "duplicate"),
            missing: self.rate(node.get("missing"), "missing"),
            span: node.span.clone(),
            ..Faults::default()
        };
        if let Some(late) = node.get("late") {
            self.keys(late, &["rate", "column", "minutes"], "late");
            let rate = self.rate(late.get("rate"), "late");
            let column = late.get("column").and_then(|c| self.name(c, "column"));
            let minutes = late
                .get("minutes")
                .map_or(Some(60.0), |n| self.number(n, "minutes"))
                .unwrap_or(60.0);
            match column {
                Some(column) => {
                    faults.late = Some(Late {
                        rate,
                        column,
                        minutes,
                    });
                }
                None => self.error(
                    code::M0801,
                    late.span.clone(),
                    format!(
                        "{}: `late` needs `column`, the time that is put off",
                        self.sim
                    ),
                    None,
                ),
            }
        }
        if let Some(bad) = node.get("corrupted") {
            self.keys(bad, &["rate", "columns"], "corrupted");
            let rate = self.rate(bad.get("rate"), "corrupted");
            let columns = self.words(bad.get("columns"), "columns");
            if columns.is_empty() {
                self.error(
                    code::M0801,
                    bad.span.clone(),
                    format!("{}: `corrupted` needs `columns`", self.sim),
                    None,
                );
            } else {
                faults.corrupted = Some(Corrupted { rate, columns });
            }
        }
        Some(faults)
    }
}

fn curve_key(over: Over, key: &Node) -> Option<f64> {
    match over {
        Over::Date => match &key.kind {
            Kind::Time(t) | Kind::Str(t) => calendar::parse_date(t).map(|d| d as f64),
            _ => None,
        },
        Over::Integer => key.as_int().map(|i| i as f64),
        Over::Number => key.as_number(),
        Over::Weekday => {
            let text = key.as_str()?;
            calendar::WEEKDAYS
                .iter()
                .position(|d| d.eq_ignore_ascii_case(text))
                .map(|i| i as f64)
        }
        Over::Month => key
            .as_int()
            .filter(|i| (1..=12).contains(i))
            .map(|i| i as f64),
        Over::Hour => key
            .as_int()
            .filter(|i| (0..24).contains(i))
            .map(|i| i as f64),
    }
}
