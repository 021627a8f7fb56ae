//! `metrics list|show|query`: what the project's metrics are, and what they amount to.
use super::Outcome;
use super::session::Session;
use super::setup::{self, Loaded};
use crate::cli::{Command, MetricsQuery, Output};
use crate::diag::{Diagnostic, Result, Sink, Stopped, render};
use crate::graph::Manifest;
use crate::metrics::{self, Catalogue, Filter, MetricFacts, Plan, Request};
use crate::pg::{Cell, PgError, Table};
use crate::report::{Event, TableColumn, table};
use crate::semantic::{Kind, Labels, Layer, Metric, lint};
use serde_json::{Map, Value, json};
use std::io::{IsTerminal, Write};

/// Runs the command.
pub fn metrics(ctx: &Session) -> Result<Outcome> {
    let connects = matches!(&ctx.invocation.command, Command::MetricsQuery(q) if !q.sql);
    let loaded = setup::load(ctx, connects)?;
    let layer = layer(&loaded)?;
    if !matches!(ctx.invocation.command, Command::MetricsQuery(_)) {
        warn(&lint(&layer, &loaded.manifest));
    }
    match &ctx.invocation.command {
        Command::MetricsList { output } => {
            list(ctx, &layer, &loaded.manifest, *output == Output::Json)
        }
        Command::MetricsShow { metric, output } => {
            show(ctx, &layer, metric, *output == Output::Json)?
        }
        Command::MetricsQuery(q) => query(ctx, &loaded, &layer, q)?,
        _ => {}
    }
    Ok(Outcome::Success)
}

/// The semantic layer of a project; its mistakes end the command, its oddities go to stderr.
pub fn layer(loaded: &Loaded) -> Result<Layer> {
    let mut sink = Sink::default();
    let layer = Layer::read(&loaded.manifest, &mut sink);
    warn(&sink.finish()?);
    Ok(layer)
}

/// Warnings on stderr, so that answers on stdout stay clean.
pub fn warn(list: &[Diagnostic]) {
    let colour = std::io::stderr().is_terminal();
    for d in list {
        let _ = writeln!(std::io::stderr(), "{}\n", render(d, colour));
    }
}

fn say(ctx: &Session, text: String) {
    ctx.reporter.emit(Event::Output {
        text: text.trim_end().to_string(),
        header: None,
        dbt: None,
    });
}

fn labels(l: &Labels) -> Value {
    let mut map = Map::new();
    map.insert("main".into(), l.main.clone().into());
    for (language, text) in &l.by_language {
        map.insert(language.clone(), text.clone().into());
    }
    Value::Object(map)
}

/// All names of something, each once.
fn names(l: &Labels) -> String {
    let mut out = vec![l.main.as_str()];
    for text in l.by_language.values() {
        if !out.contains(&text.as_str()) {
            out.push(text);
        }
    }
    out.join(" / ")
}

fn metric_json(m: &MetricFacts) -> Value {
    json!({
        "name": m.name,
        "label": labels(&m.labels),
        "description": m.description,
        "type": m.kind,
        "format": m.format,
        "folder": m.folder,
        "has_date": m.has_date,
        "dimensions": m.dimensions,
    })
}

/// The catalogue as JSON, for `metrics list -o json` and pages.
pub fn catalogue_json(c: &Catalogue) -> Value {
    let dimensions: Vec<Value> = c
        .dimensions
        .iter()
        .map(|d| {
            json!({
                "name": d.name,
                "short_name": d.short,
                "table": d.table,
                "label": labels(&d.labels),
                "description": d.description,
                "grain": d.grain.map(crate::semantic::Grain::as_str),
                "calendar": d.calendar,
                "sort_by": d.sort_by,
                "data_category": d.data_category,
            })
        })
        .collect();
    let metrics: Vec<Value> = c.metrics.iter().map(metric_json).collect();
    json!({ "metrics": metrics, "dimensions": dimensions })
}

fn text_table(header: &[&str], rows: Vec<Vec<String>>) -> String {
    let columns: Vec<TableColumn> = header
        .iter()
        .map(|n| TableColumn {
            name: (*n).to_string(),
            numeric: false,
        })
        .collect();
    let rows: Vec<Vec<Option<String>>> = rows
        .into_iter()
        .map(|r| r.into_iter().map(Some).collect())
        .collect();
    table(&columns, &rows)
}

fn list(ctx: &Session, layer: &Layer, manifest: &Manifest, as_json: bool) {
    let c = metrics::catalogue(layer);
    let saved = super::saved_query::listed(manifest);
    if as_json {
        let mut v = catalogue_json(&c);
        v["saved_queries"] = saved
            .iter()
            .map(|(name, description)| json!({"name": name, "description": description}))
            .collect();
        return say(ctx, serde_json::to_string_pretty(&v).unwrap_or_default());
    }
    if c.metrics.is_empty() {
        return say(ctx, "The project has no metrics.".into());
    }
    let rows = c
        .metrics
        .iter()
        .map(|m| {
            vec![
                m.name.clone(),
                names(&m.labels),
                m.kind.to_string(),
                m.description.clone(),
            ]
        })
        .collect();
    let mut out = text_table(&["metric", "label", "type", "description"], rows);
    let rows = c
        .dimensions
        .iter()
        .map(|d| {
            let of: Vec<&str> = c
                .metrics
                .iter()
                .filter(|m| m.dimensions.contains(&d.name))
                .map(|m| m.name.as_str())
                .collect();
            let of = if of.len() == c.metrics.len() {
                "all".to_string()
            } else {
                of.join(", ")
            };
            let grain = d
                .grain
                .map_or("", crate::semantic::Grain::as_str)
                .to_string();
            vec![
                d.short.clone().unwrap_or_else(|| d.name.clone()),
                names(&d.labels),
                grain,
                of,
            ]
        })
        .collect();
    out.push('\n');
    out.push_str(&text_table(
        &["dimension", "label", "grain", "metrics"],
        rows,
    ));
    if !saved.is_empty() {
        let rows = saved.into_iter().map(|(n, d)| vec![n, d]).collect();
        out.push('\n');
        out.push_str(&text_table(&["saved query", "description"], rows));
    }
    say(ctx, out);
}

/// What a metric is made of, in words.
fn formula(m: &Metric, layer: &Layer) -> String {
    let filtered = |text: String, filters: &[String]| match filters {
        [] => text,
        _ => format!("{text} where {}", filters.join(" and ")),
    };
    match &m.kind {
        Kind::Simple(i) => {
            let measure = layer
                .table_of_measure(&i.name)
                .and_then(|t| Some((t, t.measures.get(&i.name)?)));
            let text = measure.map_or_else(
                || i.name.clone(),
                |(t, x)| format!("{:?} of {} in {}", x.agg, x.expr, t.name).to_lowercase(),
            );
            filtered(text, &i.filters)
        }
        Kind::Ratio(n, d) => format!(
            "{} / {}",
            filtered(n.name.clone(), &n.filters),
            filtered(d.name.clone(), &d.filters)
        ),
        Kind::Derived { expr, .. } => expr.clone(),
        Kind::Cumulative { input, over } => match (over.window, over.to_date) {
            (Some(w), _) => format!(
                "{} over the last {} {}s",
                input.name,
                w.count,
                w.grain.as_str()
            ),
            (None, Some(g)) => format!("{} since the {} began", input.name, g.as_str()),
            (None, None) => format!("{} up to each day", input.name),
        },
        Kind::Conversion(None) => String::new(),
        Kind::Conversion(Some(c)) => {
            let within = c.window.map_or(String::new(), |w| {
                format!(" within {} {}s", w.count, w.grain.as_str())
            });
            let per = if c.rate {
                format!(" for each of {}", c.base.name)
            } else {
                String::new()
            };
            format!(
                "{} of the same {} after {}{within}{per}",
                c.conversion.name, c.entity, c.base.name
            )
        }
    }
}

fn show(ctx: &Session, layer: &Layer, name: &str, as_json: bool) -> Result<()> {
    let request = Request {
        metrics: vec![name.to_string()],
        ..Request::default()
    };
    let plan = metrics::plan(layer, &request);
    let Some(m) = layer.metrics.get(name) else {
        return plan.map(drop);
    };
    let c = metrics::catalogue(layer);
    let facts = c.metrics.iter().find(|x| x.name == name);
    let formula = formula(m, layer);
    if as_json {
        let mut v = facts.map(metric_json).unwrap_or_default();
        v["formula"] = formula.into();
        v["filters"] = json!(m.filters);
        v["sql"] = plan.as_ref().map_or(Value::Null, |p| p.sql.clone().into());
        say(ctx, serde_json::to_string_pretty(&v).unwrap_or_default());
        return Ok(());
    }
    let mut lines = vec![format!("{name}: {}", names(&m.labels))];
    let mut fact = |key: &str, value: String| {
        if !value.is_empty() {
            lines.push(format!("  {key:<12}{value}"));
        }
    };
    fact("meaning", m.description.clone());
    fact("made of", formula);
    fact("where", m.filters.join(" and "));
    fact("format", m.format.clone().unwrap_or_default());
    fact("folder", m.folder.clone().unwrap_or_default());
    fact(
        "defined in",
        m.place
            .as_ref()
            .map(crate::text::Place::show)
            .unwrap_or_default(),
    );
    let by: Vec<&str> = facts
        .into_iter()
        .flat_map(|f| f.dimensions.iter().map(String::as_str))
        .collect();
    fact("by", by.join(", "));
    match plan {
        Ok(p) => lines.push(format!("\n{}", p.sql)),
        Err(Stopped(all)) => {
            lines.extend(
                all.iter()
                    .map(|d| format!("  {:<12}{}", "not computed", d.message)),
            );
        }
    }
    say(ctx, lines.join("\n"));
    Ok(())
}

fn query(ctx: &Session, loaded: &Loaded, layer: &Layer, q: &MetricsQuery) -> Result<()> {
    let mut request = match &q.saved {
        Some(name) => super::saved_query::request(&loaded.manifest, name)?,
        None => Request::default(),
    };
    request.metrics.extend(q.metrics.clone());
    request.group_by.extend(q.group_by.clone());
    let more = q.filters.iter().cloned().map(Filter::Sql);
    request.filters.extend(more);
    (request.from, request.to) = (q.from, q.to);
    if !q.order_by.is_empty() {
        request.order_by.clone_from(&q.order_by);
    }
    request.limit = q.limit.or(request.limit);
    let plan = metrics::plan(layer, &request)?;
    if q.sql {
        say(ctx, plan.sql);
        return Ok(());
    }
    let rows = run(loaded, &plan)?;
    say(
        ctx,
        match q.output {
            Output::Json => json_rows(&rows),
            Output::Csv => csv_rows(&rows),
            _ => drawn(&rows),
        },
    );
    Ok(())
}

/// Runs a plan in a transaction that can only read.
pub fn run(loaded: &Loaded, plan: &Plan) -> Result<Table> {
    let options = &loaded.database.options;
    let wrong = |e: PgError, sql: Option<&str>| {
        // A table, a schema or a column that is not there.
        let missing = ["42P01", "3F000", "42703"].contains(&e.sqlstate.as_str());
        let d = e.diagnostic(None, Some(options)).heading("Database Error");
        let d = match sql {
            Some(sql) => d.note(format!("the query was:\n{sql}")),
            None => d,
        };
        if missing {
            d.help("build the models first: `tv1 build`")
        } else {
            d
        }
    };
    let mut session = crate::pg::Session::connect(options).map_err(|e| wrong(e, None))?;
    session
        .execute("begin transaction read only")
        .map_err(|e| wrong(e, None))?;
    let rows = session
        .fetch(&plan.sql)
        .map_err(|e| wrong(e, Some(&plan.sql)))?;
    session.rollback().map_err(|e| wrong(e, None))?;
    Ok(rows)
}

/// A value as JSON: numbers as numbers where JSON has them.
pub fn json_cell(c: &Cell) -> Value {
    match c {
        Cell::Null => Value::Null,
        Cell::Bool(b) => Value::from(*b),
        Cell::Int(i) => Value::from(*i),
        Cell::Decimal(s) => s
            .parse::<f64>()
            .ok()
            .and_then(serde_json::Number::from_f64)
            .map_or_else(|| Value::from(s.clone()), Value::Number),
        other => other.text().map_or(Value::Null, Value::from),
    }
}

fn json_rows(t: &Table) -> String {
    let rows: Vec<Value> = t
        .rows
        .iter()
        .map(|r| {
            let map: Map<String, Value> = t
                .columns
                .iter()
                .zip(r)
                .map(|(c, v)| (c.name.clone(), json_cell(v)))
                .collect();
            Value::Object(map)
        })
        .collect();
    serde_json::to_string_pretty(&rows).unwrap_or_default()
}

fn csv_rows(t: &Table) -> String {
    let mut w = csv::Writer::from_writer(Vec::new());
    // Writing to memory cannot fail.
    let _ = w.write_record(t.columns.iter().map(|c| c.name.as_str()));
    for r in &t.rows {
        let _ = w.write_record(r.iter().map(|c| match c {
            Cell::Bool(b) => b.to_string(),
            other => other.text().unwrap_or_default(),
        }));
    }
    w.into_inner()
        .ok()
        .and_then(|b| String::from_utf8(b).ok())
        .unwrap_or_default()
}

fn drawn(t: &Table) -> String {
    let numeric = |i: usize| {
        t.rows
            .iter()
            .all(|r| matches!(r[i], Cell::Int(_) | Cell::Decimal(_) | Cell::Null))
            && t.rows.iter().any(|r| !r[i].is_null())
    };
    let columns: Vec<TableColumn> = t
        .columns
        .iter()
        .enumerate()
        .map(|(i, c)| TableColumn {
            name: c.name.clone(),
            numeric: numeric(i),
        })
        .collect();
    let rows: Vec<Vec<Option<String>>> = t
        .rows
        .iter()
        .map(|r| {
            r.iter()
                .map(|c| match c {
                    Cell::Bool(b) => Some(b.to_string()),
                    Cell::Decimal(s) => Some(rounded(s)),
                    other => other.text(),
                })
                .collect()
        })
        .collect();
    table(&columns, &rows)
}

/// At most four decimals: a table is for looking at.
fn rounded(digits: &str) -> String {
    match digits.split_once('.') {
        Some((_, decimals)) if decimals.len() > 4 => digits
            .parse::<f64>()
            .map_or_else(|_| digits.to_string(), |x| format!("{x:.4}")),
        _ => digits.to_string(),
    }
}
