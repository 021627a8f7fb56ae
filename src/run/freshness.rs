//! How fresh sources are: their newest load time is asked of the database and compared with their limits.
use super::failure::{indented, node_heading};
use super::node::NodeRunner;
use crate::context::{
    NodeFacts, NodeScope, NodeSession, Phase, Relation, Say, Setup, Shared, Table, diagnostic,
    message, source_relation,
};
use crate::diag::{Diagnostic, code};
use crate::graph::{ResourceType, Source};
use crate::jinja::{Mode, python};
use crate::outcome::{AgeLimit, FreshnessCriteria, FreshnessResult, Status, Step, Timing};
use crate::pg::{ConnectOptions, Session};
use crate::report::{Event, NodeInfo, Reporter};
use crate::text::SourceFile;
use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use minijinja::value::Value;
use serde_json::{Map, Value as Json};
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

type Checked = (Arc<NodeInfo>, Arc<FreshnessResult>);

/// Checks sources, some at a time; results come in the order of completion.
pub fn check_freshness(
    shared: &Arc<Shared>,
    options: &ConnectOptions,
    sources: &[&Source],
    threads: usize,
    reporter: &Reporter,
) -> Vec<Checked> {
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<Checked>> = Mutex::default();
    let work = || {
        let mut runner = None;
        loop {
            let index = next.fetch_add(1, Ordering::SeqCst);
            let Some(source) = sources.get(index) else {
                return;
            };
            let node = NodeInfo::of_source(source);
            reporter.emit(Event::NodeStarted {
                node: node.clone(),
                index: index + 1,
                total: sources.len(),
            });
            let mut result = checked(&mut runner, shared, options, source);
            result.thread_id = crate::outcome::thread_name();
            let result = Arc::new(result);
            reporter.emit(Event::FreshnessFinished {
                node: node.clone(),
                index: index + 1,
                total: sources.len(),
                result: result.clone(),
            });
            let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
            done.push((node, result));
        }
    };
    std::thread::scope(|scope| {
        for n in 0..threads.clamp(1, sources.len().max(1)) {
            let named = std::thread::Builder::new()
                .name(format!("Thread-{} (worker)", n + 1))
                .stack_size(64 * 1024 * 1024);
            if named.spawn_scoped(scope, work).is_err() && n == 0 {
                work();
            }
        }
    });
    done.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// Why a check could not be made.
struct Wrong {
    message: String,
    diagnostic: Diagnostic,
}

impl Wrong {
    fn new(source: &Source, diagnostic: Diagnostic) -> Self {
        let message = diagnostic.message.clone();
        Self::told(source, diagnostic, &message)
    }

    fn told(source: &Source, diagnostic: Diagnostic, message: &str) -> Self {
        let heading = diagnostic
            .heading
            .clone()
            .unwrap_or_else(|| "Runtime Error".into());
        let head = node_heading(
            &heading,
            ResourceType::Source,
            &source.name,
            &source.original_file_path,
        );
        Self {
            message: head + &indented(message),
            diagnostic,
        }
    }
}

fn checked(
    runner: &mut Option<NodeRunner>,
    shared: &Arc<Shared>,
    options: &ConnectOptions,
    source: &Source,
) -> FreshnessResult {
    let started = std::time::Instant::now();
    let begun = Utc::now();
    let mut result = FreshnessResult {
        unique_id: source.unique_id.clone(),
        status: Status::RuntimeError,
        max_loaded_at: None,
        snapshotted_at: None,
        criteria: criteria(source),
        adapter_response: Map::new(),
        timing: vec![Timing {
            name: Step::Compile,
            started_at: Some(begun),
            completed_at: Some(Utc::now()),
        }],
        thread_id: String::new(),
        execution_time: 0.0,
        message: None,
        diagnostic: None,
    };
    let asked = connected(runner, shared, options)
        .map_err(|d| Wrong::new(source, d))
        .and_then(|r| ask(r, source));
    match asked {
        Ok(Newest {
            loaded,
            seen,
            response,
        }) => {
            result.max_loaded_at = Some(loaded);
            result.snapshotted_at = Some(seen);
            result.adapter_response = response;
            result.status = judge(&result.criteria, seen - loaded);
        }
        Err(wrong) => {
            result.message = Some(wrong.message);
            result.diagnostic = Some(wrong.diagnostic);
        }
    }
    if let Some(r) = runner {
        r.close();
    }
    result.timing.push(Timing {
        name: Step::Execute,
        started_at: Some(begun),
        completed_at: Some(Utc::now()),
    });
    result.execution_time = started.elapsed().as_secs_f64();
    result
}

fn connected<'r>(
    slot: &'r mut Option<NodeRunner>,
    shared: &Arc<Shared>,
    options: &ConnectOptions,
) -> Result<&'r NodeRunner, Diagnostic> {
    let closed = slot.as_ref().is_some_and(|r| {
        let mut session = r.session.lock().unwrap_or_else(PoisonError::into_inner);
        session.raw().is_closed()
    });
    if closed {
        *slot = None;
    }
    if slot.is_none() {
        let session = Session::connect(options)
            .map_err(|e| e.diagnostic(None, Some(options)).heading("Database Error"))?;
        *slot = Some(NodeRunner {
            shared: shared.clone(),
            session: Arc::new(Mutex::new(NodeSession::new(session))),
            batch: None,
        });
    }
    slot.as_ref()
        .ok_or_else(|| Diagnostic::error(code::G0410, "there is no connection"))
}

/// What the database said.
struct Newest {
    loaded: DateTime<Utc>,
    seen: DateTime<Utc>,
    response: Map<String, Json>,
}

/// The text of a `loaded_at_query`, a template that may speak of the source as `this` and `source_node`.
fn rendered(
    runner: &NodeRunner,
    scope: &NodeScope,
    source: &Source,
    query: &str,
) -> Result<String, Wrong> {
    let node = crate::artifact::entry(crate::graph::Entry::Source(source));
    scope.set("source_node", python::json::from_json(&node));
    let file = SourceFile::new(source.original_file_path.clone(), query.to_string());
    let done = runner
        .shared
        .engine
        .render_file(&file, Mode::Strict, scope.dynamic());
    done.map(|r| r.text)
        .map_err(|e| Wrong::told(source, diagnostic(&e, source.place.as_ref()), &message(&e)))
}

/// Calls the macro that asks for the newest load time, so that a project's own one counts.
fn ask(runner: &NodeRunner, source: &Source) -> Result<Newest, Wrong> {
    let wrong = |d: Diagnostic| Wrong::new(source, d);
    let runtime =
        |text: String| wrong(Diagnostic::error(code::G0410, text).heading("Runtime Error"));
    let (name, text) = match (&source.loaded_at_query, &source.loaded_at_field) {
        (Some(query), _) => ("collect_freshness_custom_sql", query),
        (None, Some(field)) => ("collect_freshness", field),
        (None, None) => {
            return Err(runtime(format!(
                "Could not compute freshness for source {}: no 'loaded_at_field' provided and postgres adapter does not support metadata-based freshness checks.",
                source.name
            )));
        }
    };
    let shared = &runner.shared;
    let Some(call) = crate::context::adapter_macro_of(&shared.engine, name) else {
        return Err(runtime(format!("the macro `{name}` is missing")));
    };
    let scope = scope(runner, source);
    let text = match &source.loaded_at_query {
        Some(query) => rendered(runner, &scope, source, query)?,
        None => text.clone(),
    };
    let mut arguments = vec![source_relation(source).value(), Value::from(text)];
    if name == "collect_freshness" {
        let filter = source.freshness.as_ref().and_then(|f| f.get("filter"));
        arguments.push(match filter.and_then(Json::as_str) {
            Some(f) => Value::from(f),
            None => Value::from(()),
        });
    }
    let answer = shared
        .engine
        .call(&call, &arguments, &[], scope.dynamic())
        .map_err(|e| Wrong::told(source, diagnostic(&e, None), &message(&e)))?;
    let whole = answer.get_attr("table").ok();
    let whole = whole
        .as_ref()
        .and_then(|t| t.downcast_object_ref::<Table>());
    // What such a macro gave back before it gave a whole result.
    let bare = answer.downcast_object_ref::<Table>();
    if whole.is_none() && bare.is_some() {
        let message = "The 'collect_freshness' macro signature has changed to return the full query result, rather than just a table of values.";
        let d = Diagnostic::warning(code::P0117, message);
        (shared.say)(Say::Warning(d.event("CollectFreshnessReturnSignature")));
    }
    let table = whole.or(bare);
    let row = table.and_then(|t| t.rows().first());
    let Some(row) = row.filter(|r| r.cells.len() >= 2) else {
        return Err(runtime(format!(
            "Got an invalid result from \"{name}\" macro: it must return the result of a query with the columns max_loaded_at and snapshotted_at"
        )));
    };
    let field = source
        .loaded_at_field
        .as_deref()
        .unwrap_or("loaded_at_query");
    let at = |i: usize| moment(&row.cells[i], field, &source.relation_name).map_err(runtime);
    let mut response = Map::new();
    // What the macro returns carries the response, whatever its statement is called.
    let said = answer
        .get_attr("response")
        .ok()
        .filter(|r| !r.is_undefined());
    if let Some(said) = said.or_else(|| scope.response(name)) {
        for key in ["_message", "code", "rows_affected"] {
            if let Ok(v) = said.get_attr(key)
                && !v.is_undefined()
                && let Ok(json) = serde_json::to_value(&v)
            {
                response.insert(key.into(), json);
            }
        }
    }
    Ok(Newest {
        loaded: at(0)?,
        seen: at(1)?,
        response,
    })
}

fn scope(runner: &NodeRunner, source: &Source) -> NodeScope {
    let map = match crate::artifact::entry(crate::graph::Entry::Source(source)) {
        Json::Object(map) => map,
        _ => Map::new(),
    };
    NodeScope::new(Setup {
        shared: runner.shared.clone(),
        package: source.package_name.clone(),
        phase: Phase::Run,
        node: NodeFacts {
            unique_id: source.unique_id.clone(),
            map,
            this: Some(Relation::new(
                &source.database,
                &source.schema,
                &source.identifier,
            )),
            schema: source.schema.clone(),
            database: source.database.clone(),
            ..NodeFacts::default()
        },
        session: Some(runner.session.clone()),
        extra: HashMap::new(),
    })
}

/// A cell as a moment. An empty table was loaded infinitely long ago: in the year 1.
fn moment(value: &Value, field: &str, table: &str) -> Result<DateTime<Utc>, String> {
    if value.is_none() || value.is_undefined() {
        let first = DateTime::parse_from_rfc3339("0001-01-01T00:00:00Z");
        return first.map(|t| t.to_utc()).map_err(|e| e.to_string());
    }
    let text = python::str_of(value);
    if let Ok(t) = DateTime::parse_from_str(&text, "%Y-%m-%d %H:%M:%S%.f%:z") {
        return Ok(t.to_utc());
    }
    if value.as_str().is_none()
        && let Ok(t) = NaiveDateTime::parse_from_str(&text, "%Y-%m-%d %H:%M:%S%.f")
    {
        return Ok(t.and_utc());
    }
    Err(format!(
        "Expected a timestamp value when querying field '{field}' of table {table} but received value of type '{}' instead",
        python::type_name(value)
    ))
}

fn criteria(source: &Source) -> FreshnessCriteria {
    let limit = |key: &str| {
        let limit = source.freshness.as_ref()?.get(key)?.as_object()?;
        Some(AgeLimit {
            count: limit.get("count").and_then(Json::as_i64),
            period: limit
                .get("period")
                .and_then(Json::as_str)
                .map(str::to_string),
        })
    };
    FreshnessCriteria {
        warn_after: limit("warn_after"),
        error_after: limit("error_after"),
        filter: source
            .freshness
            .as_ref()
            .and_then(|f| f.get("filter"))
            .and_then(Json::as_str)
            .map(str::to_string),
    }
}

fn judge(criteria: &FreshnessCriteria, age: TimeDelta) -> Status {
    let beyond = |limit: Option<&AgeLimit>| {
        limit.is_some_and(|l| {
            let minutes = match l.period.as_deref() {
                Some("minute") => Some(1),
                Some("hour") => Some(60),
                Some(_) => Some(24 * 60),
                None => None,
            };
            let allowed = l
                .count
                .zip(minutes)
                .and_then(|(count, minutes)| count.checked_mul(minutes))
                .and_then(TimeDelta::try_minutes);
            allowed.is_some_and(|a| age > a)
        })
    };
    if beyond(criteria.error_after.as_ref()) {
        Status::Error
    } else if beyond(criteria.warn_after.as_ref()) {
        Status::Warn
    } else {
        Status::Pass
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stricter_limit_counts_and_equal_age_is_fresh() {
        let limit = |count, period: &str| {
            Some(AgeLimit {
                count: Some(count),
                period: Some(period.into()),
            })
        };
        let both = FreshnessCriteria {
            warn_after: limit(1, "hour"),
            error_after: limit(1, "day"),
            filter: None,
        };
        let minutes = TimeDelta::minutes;
        assert_eq!(judge(&both, minutes(60)), Status::Pass);
        assert_eq!(judge(&both, minutes(61)), Status::Warn);
        assert_eq!(judge(&both, minutes(24 * 60 + 1)), Status::Error);
        assert_eq!(
            judge(&FreshnessCriteria::default(), minutes(1)),
            Status::Pass
        );
    }

    #[test]
    fn an_empty_table_was_loaded_in_the_year_one() {
        let at = moment(&Value::from(()), "at", "t").unwrap();
        assert_eq!(at.to_rfc3339(), "0001-01-01T00:00:00+00:00");
        let wrong = moment(&Value::from("soon"), "at", "t").unwrap_err();
        assert!(wrong.contains("received value of type 'str'"), "{wrong}");
    }
}
