//! Runs an incremental model in batches of time: each batch is compiled for its window, run as a node of its own and
//! committed by itself, so that a failed batch costs only itself.
//!
//! In: the model and the run's time range. Out: one result, with the batches that went well and those to run again.
use super::failure::{Failure, internal};
use super::node::NodeRunner;
use crate::config::moment_of;
use crate::context::{Batch, Shared};
use crate::graph::Node;
use crate::outcome::{NodeResult, Status, Step, Timing};
use crate::report::{Event, NodeInfo, Reporter};
use chrono::{
    DateTime, Datelike, Duration, Months, NaiveDate, NaiveDateTime, NaiveTime, Timelike, Utc,
};
use serde_json::{Value as Json, json};
use std::sync::Arc;

/// The length of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Size {
    Hour,
    Day,
    Month,
    Year,
}

impl Size {
    fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "hour" => Self::Hour,
            "day" => Self::Day,
            "month" => Self::Month,
            "year" => Self::Year,
            _ => return None,
        })
    }

    /// The begin of the batch that a moment lies in.
    fn floor(self, t: NaiveDateTime) -> NaiveDateTime {
        let date = match self {
            Self::Hour | Self::Day => Some(t.date()),
            Self::Month => t.date().with_day(1),
            Self::Year => NaiveDate::from_ymd_opt(t.year(), 1, 1),
        };
        let hour = if self == Self::Hour { t.hour() } else { 0 };
        let time = NaiveTime::from_hms_opt(hour, 0, 0).unwrap_or_default();
        date.unwrap_or_else(|| t.date()).and_time(time)
    }

    /// A batch line moved by some batches.
    fn offset(self, t: NaiveDateTime, by: i64) -> NaiveDateTime {
        let months = |n: i64| {
            let count = Months::new(u32::try_from(n.abs()).unwrap_or(0));
            if n < 0 {
                t.checked_sub_months(count)
            } else {
                t.checked_add_months(count)
            }
        };
        match self {
            Self::Hour => t.checked_add_signed(Duration::hours(by)),
            Self::Day => t.checked_add_signed(Duration::days(by)),
            Self::Month => months(by),
            Self::Year => months(by * 12),
        }
        .unwrap_or(t)
    }

    fn ceiling(self, t: NaiveDateTime) -> NaiveDateTime {
        let floor = self.floor(t);
        if floor == t { t } else { self.offset(floor, 1) }
    }

    /// A batch as lines and files name it.
    fn name(self, start: NaiveDateTime) -> String {
        let format = match self {
            Self::Hour => "%Y-%m-%dT%H",
            Self::Day => "%Y-%m-%d",
            Self::Month => "%Y-%m",
            Self::Year => "%Y",
        };
        start.format(format).to_string()
    }
}

/// The batches of a range: whole ones, from the line before its begin to the line after its end.
fn batches(size: Size, start: NaiveDateTime, end: NaiveDateTime) -> Vec<Batch> {
    let mut out = Vec::new();
    let mut at = size.floor(start);
    let end = size.ceiling(end);
    while at < end {
        let next = size.offset(at, 1);
        if next <= at {
            break;
        }
        out.push(batch(size, at, next));
        at = next;
    }
    out
}

fn batch(size: Size, start: NaiveDateTime, end: NaiveDateTime) -> Batch {
    let name = size.name(start);
    Batch {
        id: name.replace('-', ""),
        name,
        start: start.and_utc(),
        end: end.and_utc(),
        first: false,
        last: false,
        incremental: true,
    }
}

/// A moment as `run_results.json` has it.
fn moment(t: DateTime<Utc>) -> String {
    t.format("%Y-%m-%dT%H:%M:%S+00:00").to_string()
}

/// Whether a node runs in batches.
pub fn is_microbatch(node: &Node, shared: &Shared) -> bool {
    node.is_microbatch() && shared.batches()
}

/// How the batches of a run ended.
#[derive(Default)]
struct Ended {
    good: Vec<Batch>,
    bad: Vec<Batch>,
    first_error: Option<Failure>,
    timing: Vec<Timing>,
}

impl NodeRunner {
    /// Runs a model batch by batch; `stopped` says when no further batch may begin.
    pub fn microbatch(
        &self,
        node: &Node,
        info: &Arc<NodeInfo>,
        reporter: &Reporter,
        stopped: &dyn Fn() -> bool,
    ) -> (NodeResult, Option<Failure>) {
        let started = std::time::Instant::now();
        let begun = Utc::now();
        let mut result = NodeResult::new(&node.unique_id, Status::Success);
        result.relation_name = node.relation_name.clone();
        let earlier = self.shared.retried.get(&node.unique_id);
        let planned = match earlier {
            Some(earlier) => Ok(retried(node, &earlier["failed"])),
            None => self.plan(node),
        };
        let list = match planned {
            Ok(list) => list,
            Err(f) => {
                result.status = Status::Error;
                result.message = Some(f.message.clone());
                result.diagnostic = Some(f.diagnostic.clone());
                return (result, Some(f));
            }
        };
        let ended = self.batches(node, info, reporter, list, stopped, earlier.is_some());
        result.timing = ended.timing.clone();
        result.timing.insert(
            0,
            Timing {
                name: Step::Compile,
                started_at: Some(begun),
                completed_at: Some(begun),
            },
        );
        result.timing.truncate(1);
        result.timing.push(Timing {
            name: Step::Execute,
            started_at: Some(begun),
            completed_at: Some(Utc::now()),
        });
        result.execution_time = started.elapsed().as_secs_f64();
        let failure = conclude(&mut result, ended, earlier);
        (result, failure)
    }

    fn batches(
        &self,
        node: &Node,
        info: &Arc<NodeInfo>,
        reporter: &Reporter,
        list: Vec<Batch>,
        stopped: &dyn Fn() -> bool,
        again: bool,
    ) -> Ended {
        let mut ended = Ended::default();
        let total = list.len();
        let mut there = again || self.exists_for_batches(node);
        for (i, mut batch) in list.into_iter().enumerate() {
            let index = i + 1;
            batch.first = index == 1;
            batch.last = index == total;
            batch.incremental = there;
            let name = batch.name.clone();
            let told = |status, message, seconds| {
                reporter.emit(Event::BatchFinished {
                    node: info.clone(),
                    batch: name.clone(),
                    index,
                    total,
                    status,
                    message,
                    execution_time: seconds,
                });
            };
            // What the first batch cannot do the others will not be able to, and without its table each would begin anew.
            let in_vain = index > 1 && ended.good.is_empty();
            if stopped() || in_vain {
                told(Status::Skipped, None, 0.0);
                ended.bad.push(batch);
                continue;
            }
            reporter.emit(Event::BatchStarted {
                node: info.clone(),
                batch: name.clone(),
                index,
                total,
            });
            let (done, failure) = self.run_batch(node, &batch);
            self.session
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner)
                .drop_temporary();
            told(done.status, done.message.clone(), done.execution_time);
            if let Some(f) = failure {
                ended.bad.push(batch);
                ended.first_error.get_or_insert(f);
            } else {
                there = true;
                ended.good.push(batch);
            }
        }
        ended
    }

    /// Whether the first batch adds to a table that is already there.
    fn exists_for_batches(&self, node: &Node) -> bool {
        let full = node.config.get("full_refresh").and_then(Json::as_bool);
        if full.unwrap_or_else(|| self.shared.flag("FULL_REFRESH")) {
            return false;
        }
        let mut session = self
            .session
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let found = self.shared.cache.get(
            session.raw(),
            &node.database,
            &node.schema,
            &node.alias,
            self.shared.quoting,
        );
        matches!(found, Ok(Some(r)) if r.kind.as_deref() == Some("table"))
    }

    /// The batches of a run without retries.
    fn plan(&self, node: &Node) -> Result<Vec<Batch>, Failure> {
        // All three were checked when the project was parsed.
        let size = node
            .config
            .str("batch_size")
            .and_then(Size::parse)
            .unwrap_or(Size::Day);
        let (from, to) = self.shared.event_time;
        let now = self.shared.started_at.naive_utc();
        let start = match from {
            Some(t) => t,
            None if self.exists_for_batches(node) => {
                let lookback = node
                    .config
                    .get("lookback")
                    .and_then(Json::as_i64)
                    .unwrap_or(1);
                let line = size.floor(to.unwrap_or(now));
                let extra = i64::from(line == to.unwrap_or(now));
                size.offset(line, -(lookback + extra))
            }
            None => {
                let begin = node
                    .config
                    .get("begin")
                    .map(|b| b.as_str().map_or_else(|| b.to_string(), str::to_string));
                begin
                    .as_deref()
                    .and_then(moment_of)
                    .ok_or_else(|| internal(node, "the config `begin` is not a date or time"))?
            }
        };
        Ok(batches(size, start, to.unwrap_or(now)))
    }
}

/// The failed batches of the run before.
fn retried(node: &Node, failed: &Json) -> Vec<Batch> {
    let size = node
        .config
        .str("batch_size")
        .and_then(Size::parse)
        .unwrap_or(Size::Day);
    let pairs = failed.as_array().into_iter().flatten();
    pairs
        .filter_map(|p| {
            Some((
                moment_of(p.get(0)?.as_str()?)?,
                moment_of(p.get(1)?.as_str()?)?,
            ))
        })
        .map(|(start, end)| batch(size, start, end))
        .collect()
}

/// Fills in the status, the message and the lists of batches.
fn conclude(result: &mut NodeResult, ended: Ended, earlier: Option<&Json>) -> Option<Failure> {
    let pairs = |list: &[Batch]| -> Vec<Json> {
        list.iter()
            .map(|b| json!([moment(b.start), moment(b.end)]))
            .collect()
    };
    let (good, bad) = (pairs(&ended.good), pairs(&ended.bad));
    let (done, total) = (good.len(), good.len() + bad.len());
    let mut successful = good;
    if let Some(before) = earlier.and_then(|e| e["successful"].as_array()) {
        successful.extend(before.iter().cloned());
    }
    result.failures = Some(0);
    if done == total {
        result.message = Some("SUCCESS".into());
    } else if successful.is_empty() {
        result.status = Status::Error;
        result.message = Some("ERROR".into());
    } else {
        result.status = Status::PartialSuccess;
        result.message = Some(format!("PARTIAL SUCCESS ({done}/{total})"));
    }
    result.batch_results = Some(json!({"successful": successful, "failed": bad}));
    result.diagnostic = ended.first_error.as_ref().map(|f| f.diagnostic.clone());
    ended.first_error
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spans(size: &str, from: &str, to: &str) -> Vec<String> {
        batches(
            Size::parse(size).unwrap(),
            moment_of(from).unwrap(),
            moment_of(to).unwrap(),
        )
        .iter()
        .map(|b| format!("{} {}..{}", b.id, moment(b.start), moment(b.end)))
        .collect()
    }

    #[test]
    fn batches_lie_on_lines() {
        assert_eq!(
            spans("day", "2020-01-01 12:00", "2020-01-03"),
            [
                "20200101 2020-01-01T00:00:00+00:00..2020-01-02T00:00:00+00:00",
                "20200102 2020-01-02T00:00:00+00:00..2020-01-03T00:00:00+00:00"
            ]
        );
        assert_eq!(
            spans("hour", "2020-01-01 23:30", "2020-01-02T00:15:00"),
            [
                "20200101T23 2020-01-01T23:00:00+00:00..2020-01-02T00:00:00+00:00",
                "20200102T00 2020-01-02T00:00:00+00:00..2020-01-02T01:00:00+00:00"
            ]
        );
        assert_eq!(
            spans("month", "2020-01-31", "2020-03-02")[2],
            "202003 2020-03-01T00:00:00+00:00..2020-04-01T00:00:00+00:00"
        );
        assert_eq!(
            spans("year", "2019-05-01", "2020-03-02")[1],
            "2020 2020-01-01T00:00:00+00:00..2021-01-01T00:00:00+00:00"
        );
        assert!(spans("day", "2020-01-02", "2020-01-02").is_empty());
    }

    #[test]
    fn lines_are_found_up_and_down() {
        let t = |s: &str| moment_of(s).unwrap();
        assert_eq!(Size::Month.ceiling(t("2020-01-01")), t("2020-01-01"));
        assert_eq!(
            Size::Month.ceiling(t("2020-12-01T00:00:01")),
            t("2021-01-01")
        );
        assert_eq!(Size::Year.offset(t("2020-01-01"), -1), t("2019-01-01"));
        assert_eq!(
            moment_of("2020-01-01T02:00:00+02:00"),
            Some(t("2020-01-01"))
        );
    }
}
