//! A request as one SELECT: a block for each table and time, joined on the dimensions.
use super::block::{Block, Condition, Context, Writer, condition};
use super::expand::{Calc, Leaf, Leaves, Part, expand, metric};
use super::names::{Named, Target, resolve};
use super::sqltext::{bracketed, ident, slug};
use super::{Filter, OutColumn, Plan, Request, Role};
use crate::diag::{Diagnostic, Result, code};
use crate::semantic::{Aggregation, Layer};
use crate::text::nearest;
use std::fmt::Write as _;

/// A block before it is written.
struct Group {
    /// Leaves by number, with the conditions inside their aggregates.
    leaves: Vec<(usize, Vec<Condition>)>,
    /// Conditions behind the bridge, as written.
    own: Vec<String>,
}

/// Plans a request.
pub fn plan(layer: &Layer, request: &Request) -> Result<Plan> {
    let mut plan = unsorted(layer, request)?;
    let dims: Vec<&str> = plan.names(|r| matches!(r, Role::Dimension { .. }));
    let metrics: Vec<&str> = plan.names(|r| matches!(r, Role::Metric { .. }));
    let tail = order(&dims, &metrics, request)?;
    plan.sql.push_str(&tail);
    if let Some(n) = request.limit {
        let _ = write!(plan.sql, "\nlimit {n}");
    }
    plan.sql.push('\n');
    Ok(plan)
}

/// The same without an order and a limit.
pub fn unsorted(layer: &Layer, request: &Request) -> Result<Plan> {
    if request.metrics.is_empty() {
        return Err(Diagnostic::error(code::R0702, "a query names at least one metric").into());
    }
    let mut leaves = Leaves::default();
    let mut metrics: Vec<(&str, Calc)> = Vec::new();
    for name in &request.metrics {
        if metrics.iter().any(|(n, _)| n == name) {
            continue;
        }
        let calc = expand(layer, name, &mut leaves)?;
        metrics.push((name, calc));
    }
    let mut bases: Vec<&str> = Vec::new();
    for (leaf, _) in &leaves.list {
        if !bases.contains(&leaf.table.as_str()) {
            bases.push(&leaf.table);
        }
    }
    let dims = dimensions(layer, request, &bases, &metrics)?;
    let mut filters = Vec::new();
    for f in &request.filters {
        filters.push(match f {
            Filter::Sql(text) => condition(layer, text, &bases)?,
            Filter::In { dimension, values } => {
                Condition::In(resolve(layer, dimension, &bases, false)?, values.clone())
            }
        });
    }
    let cx = Context {
        layer,
        dims: &dims,
        filters: &filters,
        from: request.from,
        to: request.to,
    };
    let blocks = blocks(&cx, &leaves)?;
    check_dimensions(&dims, &blocks)?;
    let sql = assemble(&dims, &metrics, &leaves, &blocks);
    let mut columns: Vec<OutColumn> = dims
        .iter()
        .map(|(name, n)| OutColumn {
            name: name.clone(),
            labels: n.labels.clone(),
            role: Role::Dimension {
                grain: match &n.target {
                    Target::Time(g) => Some(*g),
                    Target::Column { grain, .. } => *grain,
                    Target::Metric { .. } => None,
                },
            },
        })
        .collect();
    for (name, _) in &metrics {
        let m = metric(layer, name)?;
        columns.push(OutColumn {
            name: m.name.clone(),
            labels: m.labels.clone(),
            role: Role::Metric {
                format: m.format.clone(),
            },
        });
    }
    Ok(Plan { sql, columns })
}

/// The dimensions with names for their columns, each different.
fn dimensions(
    layer: &Layer,
    request: &Request,
    bases: &[&str],
    metrics: &[(&str, Calc)],
) -> Result<Vec<(String, Named)>> {
    let mut out: Vec<(String, Named)> = Vec::new();
    for text in &request.group_by {
        let named = resolve(layer, text, bases, false)?;
        if out.iter().any(|(_, n)| n.target == named.target) {
            continue;
        }
        let mut name = slug(&named.name);
        let taken = |name: &str, out: &[(String, Named)]| {
            out.iter().any(|(n, _)| n == name) || metrics.iter().any(|(m, _)| *m == name)
        };
        if taken(&name, &out) {
            name = slug(text);
        }
        while taken(&name, &out) {
            name.push('_');
        }
        out.push((name, named));
    }
    Ok(out)
}

/// Groups the leaves that one SELECT can compute, and writes them.
fn blocks(cx: &Context<'_>, leaves: &Leaves) -> Result<Vec<(Block, Vec<usize>)>> {
    let mut groups: Vec<Group> = Vec::new();
    for (i, (leaf, _)) in leaves.list.iter().enumerate() {
        let writer = Writer::new(cx, leaf)?;
        let mut inside = Vec::new();
        let mut own = Vec::new();
        for text in &leaf.filters {
            let c = condition(cx.layer, text, &[&leaf.table])?;
            // Where the first or last day counts, or what followed a row, conditions come before that is found.
            let first = leaf.measure.non_additive.is_some() || leaf.follows.is_some();
            if first || writer.is_behind(&c)? {
                own.push(text.clone());
            } else {
                inside.push(c);
            }
        }
        let same = |g: &&mut Group| {
            let other = &leaves.list[g.leaves[0].0].0;
            shares(other, leaf) && g.own == own
        };
        match groups.iter_mut().find(same) {
            Some(g) => g.leaves.push((i, inside)),
            None => groups.push(Group {
                leaves: vec![(i, inside)],
                own,
            }),
        }
    }
    let mut out: Vec<(Block, Vec<usize>)> = Vec::new();
    for g in groups {
        let first = &leaves.list[g.leaves[0].0].0;
        let mut name = first.table.clone();
        let mut n = 2;
        while out.iter().any(|(b, _)| b.name == name) {
            name = format!("{}_{n}", first.table);
            n += 1;
        }
        let own = g
            .own
            .iter()
            .map(|t| condition(cx.layer, t, &[&first.table]))
            .collect::<Result<Vec<_>>>()?;
        let list: Vec<(&Leaf, &str, Vec<Condition>)> = g
            .leaves
            .into_iter()
            .map(|(i, c)| (&leaves.list[i].0, leaves.list[i].1.as_str(), c))
            .collect();
        let numbers = list
            .iter()
            .filter_map(|(l, _, _)| leaves.list.iter().position(|(x, _)| std::ptr::eq(x, *l)))
            .collect();
        out.push((Writer::new(cx, first)?.write(&name, &list, &own)?, numbers));
    }
    Ok(out)
}

/// Whether two aggregates are over the same rows and days.
pub fn shares(a: &Leaf, b: &Leaf) -> bool {
    a.table == b.table
        && a.measure.time == b.measure.time
        && a.running == b.running
        && a.offset == b.offset
        && a.every_day == b.every_day
        && a.measure.non_additive == b.measure.non_additive
        && a.follows == b.follows
}

fn check_dimensions(dims: &[(String, Named)], blocks: &[(Block, Vec<usize>)]) -> Result<()> {
    for (i, (_, n)) in dims.iter().enumerate() {
        if !blocks.iter().any(|(b, _)| b.has[i]) {
            return Err(Diagnostic::error(
                code::R0702,
                format!(
                    "none of the metrics asked for has a date, so they cannot be grouped by `{}`",
                    n.name
                ),
            )
            .help("leave it out, or ask for a metric with a date too")
            .into());
        }
    }
    Ok(())
}

fn indented(sql: &str) -> String {
    sql.lines().map(|l| format!("    {l}\n")).collect()
}

fn assemble(
    dims: &[(String, Named)],
    metrics: &[(&str, Calc)],
    leaves: &Leaves,
    blocks: &[(Block, Vec<usize>)],
) -> String {
    let mut with: Vec<(String, String)> =
        blocks.iter().flat_map(|(b, _)| b.before.clone()).collect();
    let plain = |(name, calc): &(&str, Calc)| match calc {
        Calc::Leaf(i, None) => blocks[0]
            .1
            .iter()
            .position(|x| x == i)
            .is_some_and(|p| blocks[0].0.columns[p] == *name),
        _ => false,
    };
    let alone = blocks.len() == 1
        && metrics.iter().all(plain)
        && blocks[0].0.columns.len() == metrics.len()
        && metrics
            .iter()
            .zip(&blocks[0].0.columns)
            .all(|((n, _), c)| n == c);
    let body = if alone {
        blocks[0].0.sql.clone()
    } else {
        with.extend(blocks.iter().map(|(b, _)| (b.name.clone(), b.sql.clone())));
        joined(dims, metrics, leaves, blocks)
    };
    let mut sql = String::new();
    for (i, (name, part)) in with.iter().enumerate() {
        let open = if i == 0 { "with " } else { "" };
        let close = if i + 1 == with.len() {
            ")\n\n"
        } else {
            "),\n\n"
        };
        let _ = write!(
            sql,
            "{open}{} as (\n\n{}\n{close}",
            ident(name),
            indented(part)
        );
    }
    sql.push_str(&body);
    sql
}

impl Plan {
    /// Names of the columns of a role.
    fn names(&self, of: impl Fn(&Role) -> bool) -> Vec<&str> {
        let columns = self.columns.iter().filter(|c| of(&c.role));
        columns.map(|c| c.name.as_str()).collect()
    }
}

/// The blocks side by side.
fn joined(
    dims: &[(String, Named)],
    metrics: &[(&str, Calc)],
    leaves: &Leaves,
    blocks: &[(Block, Vec<usize>)],
) -> String {
    // Blocks with all dimensions first: those with fewer are joined to them.
    let mut sorted: Vec<&Block> = blocks.iter().map(|(b, _)| b).collect();
    sorted.sort_by_key(|b| b.has.iter().filter(|h| !**h).count());
    let mut selected = Vec::new();
    for (i, (column, _)) in dims.iter().enumerate() {
        let holders: Vec<String> = sorted
            .iter()
            .filter(|b| b.has[i])
            .map(|b| format!("{}.{}", ident(&b.name), ident(column)))
            .collect();
        selected.push(match holders.as_slice() {
            [one] => format!("{one} as {}", ident(column)),
            many => format!("coalesce({}) as {}", many.join(", "), ident(column)),
        });
    }
    let written = Written { leaves, blocks };
    for (name, calc) in metrics {
        selected.push(format!("{} as {}", written.sql(calc), ident(name)));
    }
    let mut from = format!("from {}", ident(&sorted[0].name));
    for (n, b) in sorted.iter().enumerate().skip(1) {
        let keys: Vec<usize> = (0..dims.len()).filter(|i| b.has[*i]).collect();
        if keys.is_empty() {
            let _ = write!(from, "\ncross join {}", ident(&b.name));
            continue;
        }
        let row = |block: &Block| -> Vec<String> {
            keys.iter()
                .map(|i| format!("{}.{}", ident(&block.name), ident(&dims[*i].0)))
                .collect()
        };
        let earlier: Vec<String> = keys
            .iter()
            .map(|i| {
                let c = ident(&dims[*i].0);
                let all: Vec<String> = sorted[..n]
                    .iter()
                    .filter(|p| p.has[*i])
                    .map(|p| format!("{}.{c}", ident(&p.name)))
                    .collect();
                if all.len() == 1 {
                    all[0].clone()
                } else {
                    format!("coalesce({})", all.join(", "))
                }
            })
            .collect();
        // As rows, since a missing value is a value of its own here: null = null would not join.
        let kind = if b.has.iter().all(|h| *h) {
            "full"
        } else {
            "left"
        };
        let _ = write!(
            from,
            "\n{kind} join {} on row({})::text = row({})::text",
            ident(&b.name),
            row(b).join(", "),
            earlier.join(", ")
        );
    }
    format!("select\n    {}\n{from}", selected.join(",\n    "))
}

/// Expressions over the columns of the blocks.
struct Written<'a> {
    leaves: &'a Leaves,
    blocks: &'a [(Block, Vec<usize>)],
}

impl Written<'_> {
    fn leaf(&self, i: usize, fill: Option<f64>) -> String {
        let found = self.blocks.iter().find_map(|(b, numbers)| {
            numbers
                .iter()
                .position(|n| *n == i)
                .map(|p| (b, &b.columns[p]))
        });
        let Some((block, column)) = found else {
            return "null".into();
        };
        let sql = format!("{}.{}", ident(&block.name), ident(column));
        let count = self.leaves.list[i].0.measure.agg.is_count() && self.blocks.len() > 1;
        match fill {
            Some(v) => format!("coalesce({sql}, {v})"),
            None if count => format!("coalesce({sql}, 0)"),
            None => sql,
        }
    }

    fn sql(&self, calc: &Calc) -> String {
        calc_sql(calc, self.leaves, &|i, fill| self.leaf(i, fill))
    }
}

/// A metric as SQL; `leaf` writes its aggregates.
pub fn calc_sql(
    calc: &Calc,
    leaves: &Leaves,
    leaf: &dyn Fn(usize, Option<f64>) -> String,
) -> String {
    let sql = |c: &Calc| calc_sql(c, leaves, leaf);
    match calc {
        Calc::Leaf(i, fill) => leaf(*i, *fill),
        Calc::Ratio(n, d) => format!("{}::float8 / nullif({}, 0)", cast_ready(&sql(n)), sql(d)),
        Calc::Derived(parts) => {
            let divides = parts
                .iter()
                .any(|p| matches!(p, Part::Text(t) if t.contains('/')));
            let agg = |c: &Calc| match c {
                Calc::Leaf(i, _) => Some(leaves.list[*i].0.measure.agg),
                _ => None,
            };
            parts
                .iter()
                .map(|p| match p {
                    Part::Text(t) => t.clone(),
                    Part::Value(c) => {
                        let value = cast_ready(&sql(c));
                        // Whole numbers by whole numbers would be cut to whole numbers.
                        match agg(c).filter(|_| divides) {
                            Some(a) if a.is_count() => format!("{value}::numeric"),
                            Some(Aggregation::Sum) => format!("({value} * 1.0)"),
                            _ => value,
                        }
                    }
                })
                .collect()
        }
    }
}

/// An expression that a cast or an operator may follow.
fn cast_ready(sql: &str) -> String {
    let call = sql.starts_with("coalesce(") && sql.ends_with(')') && sql.matches('(').count() == 1;
    if call {
        sql.to_string()
    } else {
        bracketed(sql)
    }
}

fn order(dims: &[&str], metrics: &[&str], request: &Request) -> Result<String> {
    let columns: Vec<&str> = dims.iter().chain(metrics).copied().collect();
    if request.order_by.is_empty() {
        if dims.is_empty() {
            return Ok(String::new());
        }
        let list: Vec<String> = (1..=dims.len()).map(|i| i.to_string()).collect();
        return Ok(format!("\norder by {}", list.join(", ")));
    }
    let mut out = Vec::new();
    for text in &request.order_by {
        let (name, down) = match text.strip_prefix('-') {
            Some(rest) => (rest, true),
            None => (text.as_str(), false),
        };
        let asked = request
            .group_by
            .iter()
            .position(|g| g == name)
            .and_then(|i| dims.get(i))
            .copied();
        let bare = slug(name.split(':').next().unwrap_or(name));
        let found = columns
            .iter()
            .position(|c| Some(*c) == asked || *c == name || *c == bare);
        let Some(i) = found else {
            let d = Diagnostic::error(
                code::R0702,
                format!("`{name}` is not a column of the answer, so it cannot sort it"),
            );
            return Err(match nearest(name, columns.iter().copied()) {
                Some(near) => d.help(format!("did you mean `{near}`?")),
                None => d.help(format!("columns: {}", columns.join(", "))),
            }
            .into());
        };
        out.push(format!(
            "{}{}",
            i + 1,
            if down { " desc nulls last" } else { "" }
        ));
    }
    // Ties fall as the dimensions say, so that a limit cuts the same rows every time.
    for i in 1..=dims.len() {
        if !out
            .iter()
            .any(|o| o.split(' ').next() == Some(&i.to_string()))
        {
            out.push(i.to_string());
        }
    }
    Ok(format!("\norder by {}", out.join(", ")))
}
