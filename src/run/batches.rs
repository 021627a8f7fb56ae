//! Microbatch models: one model, run once for every stretch of time of its `batch_size`.
//! In: an incremental model with the strategy `microbatch`, and the window the command line gives. Out: one result that
//! says which batches went well. Knows nothing of threads: batches run one after another on the node's own connection.
use super::failure::{Failure, compile_failure};
use super::node::NodeRunner;
use super::worker::Cancellation;
use crate::compile::BATCH;
use crate::diag::{Diagnostic, code};
use crate::graph::Node;
use crate::outcome::{NodeResult, Status};
use crate::report::{Event, NodeInfo, Reporter};
use chrono::{DateTime, Datelike, Months, NaiveDate, NaiveDateTime, TimeDelta, Timelike};
use serde_json::{Value as Json, json};
use std::sync::{Arc, PoisonError};

/// The length of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grain {
    /// An hour.
    Hour,
    /// A day.
    Day,
    /// A calendar month.
    Month,
    /// A calendar year.
    Year,
}

/// One stretch of time, UTC; the end is not part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batch {
    /// Its length.
    pub grain: Grain,
    /// Begin.
    pub start: NaiveDateTime,
    /// End.
    pub end: NaiveDateTime,
}

impl Grain {
    /// The grain of a `batch_size`.
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "hour" => Self::Hour,
            "day" => Self::Day,
            "month" => Self::Month,
            "year" => Self::Year,
            _ => return None,
        })
    }

    /// The last line between batches that is not after a moment.
    fn floor(self, t: NaiveDateTime) -> NaiveDateTime {
        let date = t.date();
        let date = match self {
            Self::Hour | Self::Day => Some(date),
            Self::Month => date.with_day(1),
            Self::Year => NaiveDate::from_ymd_opt(date.year(), 1, 1),
        };
        let hour = if self == Self::Hour { t.hour() } else { 0 };
        date.and_then(|d| d.and_hms_opt(hour, 0, 0)).unwrap_or(t)
    }

    /// The first line that is not before a moment.
    fn ceiling(self, t: NaiveDateTime) -> NaiveDateTime {
        let floor = self.floor(t);
        if floor == t { t } else { self.step(floor, 1) }
    }

    /// So many batches on, or back.
    fn step(self, t: NaiveDateTime, n: i64) -> NaiveDateTime {
        let months = |per: i64| {
            let n = n * per;
            let by = Months::new(u32::try_from(n.unsigned_abs()).unwrap_or(u32::MAX));
            if n < 0 {
                t.checked_sub_months(by)
            } else {
                t.checked_add_months(by)
            }
        };
        let moved = match self {
            Self::Hour => TimeDelta::try_hours(n).and_then(|d| t.checked_add_signed(d)),
            Self::Day => TimeDelta::try_days(n).and_then(|d| t.checked_add_signed(d)),
            Self::Month => months(1),
            Self::Year => months(12),
        };
        moved.unwrap_or(t)
    }
}

/// A moment as PostgreSQL and dbt write it.
pub fn moment_text(t: NaiveDateTime) -> String {
    let text = t.format("%Y-%m-%d %H:%M:%S%.6f").to_string();
    format!("{}+00:00", text.trim_end_matches(".000000"))
}

impl Batch {
    /// Its name in files and temporary tables.
    pub fn id(&self) -> String {
        let format = match self.grain {
            Grain::Hour => "%Y%m%dT%H",
            Grain::Day => "%Y%m%d",
            Grain::Month => "%Y%m",
            Grain::Year => "%Y",
        };
        self.start.format(format).to_string()
    }

    /// As lines name it.
    fn shown(&self) -> String {
        if self.grain == Grain::Hour {
            moment_text(self.start)
        } else {
            self.start.date().to_string()
        }
    }

    /// As the compiler wants it, with whether the model has a table by now.
    fn json(&self, adds: bool) -> Json {
        json!({
            "id": self.id(),
            "event_time_start": moment_text(self.start).replace(' ', "T"),
            "event_time_end": moment_text(self.end).replace(' ', "T"),
            "start": moment_text(self.start),
            "end": moment_text(self.end),
            "incremental": adds,
        })
    }
}

/// Where the batches of a model begin and end.
#[derive(Debug, Clone, Copy)]
pub struct Range {
    /// Length of a batch.
    pub grain: Grain,
    /// First moment of the data.
    pub begin: NaiveDateTime,
    /// Batches to do again.
    pub lookback: i64,
    /// Given first moment.
    pub from: Option<NaiveDateTime>,
    /// Given end.
    pub to: Option<NaiveDateTime>,
    /// Begin of the run.
    pub now: NaiveDateTime,
}

impl Range {
    /// The batches: all since `begin`, or with `incremental` those of the lookback.
    pub fn batches(&self, incremental: bool) -> Vec<Batch> {
        let grain = self.grain;
        let end = grain.ceiling(self.to.unwrap_or(self.now));
        let start = match self.from {
            Some(from) => grain.floor(from),
            None if !incremental => grain.floor(self.begin),
            None => {
                let floor = grain.floor(end);
                let back = self.lookback + i64::from(floor == end);
                grain.step(floor, -back)
            }
        };
        let mut batches = Vec::new();
        let mut at = start;
        loop {
            let next = grain.step(at, 1);
            if next >= end || next <= at {
                batches.push(Batch {
                    grain,
                    start: at,
                    end,
                });
                return batches;
            }
            batches.push(Batch {
                grain,
                start: at,
                end: next,
            });
            at = next;
        }
    }
}

/// A moment in a configuration or an argument: a date, with or without a time, with or without an offset.
pub fn read_moment(text: &str) -> Option<NaiveDateTime> {
    let text = text.trim();
    if let Ok(t) = DateTime::parse_from_rfc3339(&text.replacen(' ', "T", 1)) {
        return Some(t.naive_utc());
    }
    let formats = [
        "%Y-%m-%dT%H:%M:%S%.f",
        "%Y-%m-%d %H:%M:%S%.f",
        "%Y-%m-%dT%H:%M",
        "%Y-%m-%d %H:%M",
    ];
    let moment = formats
        .iter()
        .find_map(|f| NaiveDateTime::parse_from_str(text, f).ok());
    moment.or_else(|| {
        let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
        date.and_hms_opt(0, 0, 0)
    })
}

impl NodeRunner {
    /// Whether a model is run in batches: it has the strategy, and the project does not bring a strategy of the same
    /// name that wants to see all at once.
    pub fn is_batched(&self, node: &Node) -> bool {
        let own = self
            .shared
            .engine
            .registry()
            .get(&self.shared.root_name, "get_incremental_microbatch_sql")
            .is_some();
        node.config.materialized() == "incremental"
            && node.config.str("incremental_strategy") == Some("microbatch")
            && (!own
                || self
                    .shared
                    .flag("REQUIRE_BATCHED_EXECUTION_FOR_CUSTOM_MICROBATCH_STRATEGY"))
    }

    fn range(&self, node: &Node) -> Result<Range, Diagnostic> {
        let wrong = |what: &str| {
            Diagnostic::error(
                code::G0410,
                format!("Microbatch model '{}' must provide {what}", node.name),
            )
            .heading("Parsing Error")
            .at_opt(node.place.clone())
        };
        let flag = |name: &str| {
            let given = self.shared.flags.get(name).and_then(Json::as_str);
            given.and_then(read_moment)
        };
        let sample = self.shared.sample.as_ref();
        let grain = node.config.str("batch_size").and_then(Grain::parse);
        let begin = node.config.str("begin").and_then(read_moment);
        if node.config.str("event_time").is_none() {
            return Err(wrong(
                "an 'event_time' (string) config that indicates the name of the event time column",
            ));
        }
        Ok(Range {
            grain: grain.ok_or_else(|| {
                wrong("a 'batch_size' config that is one of hour, day, month, year")
            })?,
            begin: begin.ok_or_else(|| {
                wrong("a 'begin' (datetime) config that indicates the earliest timestamp the microbatch model should be built from")
            })?,
            lookback: node.config.get("lookback").and_then(Json::as_i64).unwrap_or(1),
            from: flag("EVENT_TIME_START").or_else(|| sample.and_then(|s| read_moment(&s.0))),
            to: flag("EVENT_TIME_END").or_else(|| sample.and_then(|s| read_moment(&s.1))),
            now: self.shared.started_at.naive_utc(),
        })
    }

    /// Whether the model has a table that it adds to.
    fn adds(&self, node: &Node) -> bool {
        let full = node.config.get("full_refresh").and_then(Json::as_bool);
        if full.unwrap_or_else(|| self.shared.flag("FULL_REFRESH")) {
            return false;
        }
        let mut session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        let found = self.shared.cache.get(
            session.raw(),
            &node.database,
            &node.schema,
            &node.alias,
            [true; 3],
        );
        matches!(found, Ok(Some(r)) if r.kind.as_deref() == Some("table"))
    }

    /// Runs all batches of a model.
    pub fn batches(
        &self,
        node: &Node,
        reporter: &Reporter,
        cancellation: &Cancellation,
    ) -> (NodeResult, Option<Failure>) {
        let started = std::time::Instant::now();
        let range = match self.range(node) {
            Ok(range) => range,
            Err(d) => {
                let failure = compile_failure(node, d);
                let mut result = NodeResult::new(&node.unique_id, Status::Error);
                result.message = Some(failure.message.clone());
                result.diagnostic = Some(failure.diagnostic.clone());
                return (result, Some(failure));
            }
        };
        let mut adds = self.adds(node);
        let batches = range.batches(adds);
        let info = NodeInfo::of_node(node);
        let mut tally = Tally::default();
        for (i, batch) in batches.iter().enumerate() {
            let place = (i, batches.len());
            if i > 0 && !tally.first_ok || cancellation.is_cancelled() {
                tally.book(batch, None);
                tell(reporter, &info, batch, place, None);
                continue;
            }
            reporter.emit(Event::BatchStarted {
                node: info.clone(),
                batch: batch.shown(),
                index: i + 1,
                total: batches.len(),
            });
            let (result, failure) = self.batch(node, batch, place, adds);
            tell(reporter, &info, batch, place, Some(&result));
            if failure.is_none() {
                adds = true;
                tally.first_ok |= i == 0;
            }
            tally.book(batch, Some((result, failure)));
        }
        let (mut result, failure) = tally.ended(node);
        result.execution_time = started.elapsed().as_secs_f64();
        (result, failure)
    }

    /// Runs one batch. Hooks before the model run with the first one, those after it with the last.
    fn batch(
        &self,
        node: &Node,
        batch: &Batch,
        (index, total): (usize, usize),
        adds: bool,
    ) -> (NodeResult, Option<Failure>) {
        let mut node = node.clone();
        let none = || Json::Array(Vec::new());
        let config = &mut node.config.0;
        if index > 0 {
            config.insert("pre-hook".into(), none());
        }
        if index + 1 < total {
            config.insert("post-hook".into(), none());
        }
        config.insert(BATCH.into(), batch.json(adds));
        self.run(&node)
    }
}

/// Says how a batch ended.
fn tell(
    reporter: &Reporter,
    info: &Arc<NodeInfo>,
    batch: &Batch,
    (index, total): (usize, usize),
    result: Option<&NodeResult>,
) {
    reporter.emit(Event::BatchFinished {
        node: info.clone(),
        batch: batch.shown(),
        index: index + 1,
        total,
        status: result.map_or(Status::Skipped, |r| r.status),
        message: result.and_then(|r| r.message.clone()),
        execution_time: result.map_or(0.0, |r| r.execution_time),
    });
}

/// What the batches gave.
#[derive(Default)]
struct Tally {
    first_ok: bool,
    good: Vec<Json>,
    bad: Vec<Json>,
    last: Option<NodeResult>,
    failure: Option<Failure>,
}

impl Tally {
    fn book(&mut self, batch: &Batch, done: Option<(NodeResult, Option<Failure>)>) {
        let text = |t| moment_text(t).replace(' ', "T");
        let pair = json!([text(batch.start), text(batch.end)]);
        let Some((result, failure)) = done else {
            self.bad.push(pair);
            return;
        };
        match failure {
            None => self.good.push(pair),
            Some(f) => {
                self.bad.push(pair);
                self.failure.get_or_insert(f);
            }
        }
        self.last = Some(result);
    }

    /// The result of the model: good, bad, or in part.
    fn ended(self, node: &Node) -> (NodeResult, Option<Failure>) {
        let (good, all) = (self.good.len(), self.good.len() + self.bad.len());
        let (status, message) = if self.bad.is_empty() {
            (Status::Success, "SUCCESS".to_string())
        } else if good == 0 {
            (Status::Error, "ERROR".to_string())
        } else {
            (
                Status::PartialSuccess,
                format!("PARTIAL SUCCESS ({good}/{all})"),
            )
        };
        let mut result = self
            .last
            .unwrap_or_else(|| NodeResult::new(&node.unique_id, status));
        result.status = status;
        result.message = Some(message);
        result.diagnostic = self.failure.as_ref().map(|f| f.diagnostic.clone());
        result.batch_results = Some(json!({"successful": self.good, "failed": self.bad}));
        (result, self.failure)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(grain: &str, now: &str) -> Range {
        Range {
            grain: Grain::parse(grain).unwrap(),
            begin: read_moment("2024-01-30").unwrap(),
            lookback: 1,
            from: None,
            to: None,
            now: read_moment(now).unwrap(),
        }
    }

    fn ids(batches: &[Batch]) -> String {
        let shown: Vec<String> = batches.iter().map(Batch::id).collect();
        shown.join(" ")
    }

    #[test]
    fn batches_lie_between_lines() {
        let days = range("day", "2024-02-01T13:57:00");
        assert_eq!(ids(&days.batches(false)), "20240130 20240131 20240201");
        assert_eq!(ids(&days.batches(true)), "20240131 20240201");
        let on_line = range("day", "2024-02-01");
        assert_eq!(ids(&on_line.batches(true)), "20240130 20240131");
        assert_eq!(
            ids(&range("month", "2024-03-05").batches(false)),
            "202401 202402 202403"
        );
        assert_eq!(
            ids(&range("hour", "2024-01-30 02:30").batches(true)),
            "20240130T01 20240130T02"
        );
        assert_eq!(
            ids(&range("year", "2025-01-02").batches(false)),
            "2024 2025"
        );
        let given = Range {
            from: read_moment("2024-05-01T12:00:00"),
            to: read_moment("2024-05-03"),
            ..days
        };
        assert_eq!(ids(&given.batches(true)), "20240501 20240502");
    }

    #[test]
    fn moments_are_read_with_and_without_time_and_offset() {
        for text in [
            "2024-01-02",
            "2024-01-02 00:00",
            "2024-01-02T02:00:00+02:00",
        ] {
            assert_eq!(
                moment_text(read_moment(text).unwrap()),
                "2024-01-02 00:00:00+00:00"
            );
        }
        assert_eq!(read_moment("soon"), None);
    }
}
