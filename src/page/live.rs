//! Questions of a live page: named metrics and dimensions, and values that are only ever data.
use super::known::{Ask, known};
use super::layout;
use super::periods::periods;
use super::query::Scope;
use crate::diag::{Result, Stopped};
use crate::metrics::{Filter, Plan, Request, Role, plan};
use crate::semantic::Layer;
use chrono::NaiveDate;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Most rows of an answer.
const MOST: u64 = 10_000;

/// What a page asks its server.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// Names of metrics.
    pub metrics: Vec<String>,
    /// Names of dimensions.
    #[serde(default)]
    pub group_by: Vec<String>,
    /// Values of dimensions that are kept.
    #[serde(default)]
    pub filters: Vec<Kept>,
    /// First day.
    #[serde(default)]
    pub from: Option<NaiveDate>,
    /// Last day.
    #[serde(default)]
    pub to: Option<NaiveDate>,
    /// Most rows.
    #[serde(default)]
    pub limit: Option<u64>,
}

/// Values of a dimension that are kept; null stands for rows without one.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kept {
    /// The dimension.
    pub dimension: String,
    /// Its values.
    pub values: Vec<Option<String>>,
}

/// Why a question has no answer, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused(pub String);

/// The SQL of an answer, and how its rows are to be read.
#[derive(Debug, Clone)]
pub struct Answer {
    /// One SELECT.
    pub plan: Plan,
    groups: usize,
}

/// Plans the answer to a question.
///
/// # Errors
/// What is wrong with the question: a name that does not exist, groups that would count rows twice.
pub fn answer(layer: &Layer, question: &Question) -> Result<Answer, Refused> {
    let too_much = question.filters.iter().any(|f| f.values.len() > 1000)
        || question.filters.len() > 50
        || question.metrics.len() > 50
        || question.group_by.len() > 10;
    if too_much {
        return Err(Refused("the question is too long".into()));
    }
    if question
        .filters
        .iter()
        .flat_map(|f| f.values.iter().flatten())
        .any(|v| v.contains('\0'))
    {
        return Err(Refused(
            "a value has a zero byte, which no text in the database can have".into(),
        ));
    }
    let request = Request {
        metrics: question.metrics.clone(),
        group_by: question.group_by.clone(),
        filters: question
            .filters
            .iter()
            .map(|f| Filter::In {
                dimension: f.dimension.clone(),
                values: f.values.clone(),
            })
            .collect(),
        from: question.from,
        to: question.to,
        order_by: Vec::new(),
        limit: Some(question.limit.unwrap_or(MOST).min(MOST)),
    };
    let plan = plan(layer, &request).map_err(|Stopped(all)| {
        let texts: Vec<String> = all
            .iter()
            .map(|d| {
                d.help
                    .as_ref()
                    .map_or_else(|| d.message.clone(), |h| format!("{} ({h})", d.message))
            })
            .collect();
        Refused(texts.join("; "))
    })?;
    let groups = plan
        .columns
        .iter()
        .filter(|c| matches!(c.role, Role::Dimension { .. }))
        .count();
    Ok(Answer { plan, groups })
}

impl Answer {
    /// The answer as JSON.
    pub fn json(&self, rows: super::data::Rows) -> Value {
        let rows: Vec<Value> = rows
            .into_iter()
            .map(|row| {
                let (keys, values) = row.split_at(self.groups.min(row.len()));
                let numbers: Vec<Option<f64>> = values
                    .iter()
                    .map(|v| {
                        v.as_ref()
                            .and_then(|t| t.parse().ok())
                            .filter(|n: &f64| n.is_finite())
                    })
                    .collect();
                json!({"keys": keys, "values": numbers})
            })
            .collect();
        json!({"columns": self.plan.columns.iter().map(|c| c.name.clone()).collect::<Vec<_>>(), "rows": rows})
    }
}

/// The layout of a page that asks its server for its data.
pub fn live(scope: &Scope<'_>, logo: Option<&str>, now: &str, ask: Ask<'_>) -> Result<Value> {
    let known = known(scope, ask)?;
    let periods = periods(scope, known.extent);
    Ok(layout::page(
        scope,
        &known,
        &periods,
        &layout::Options {
            live: true,
            logo,
            built_at: now,
            lost: &BTreeMap::new(),
        },
    ))
}
