//! Conditions of a request: SQL over names of dimensions, or values that are only ever data.
use super::super::expand::without_circle;
use super::super::names::{Named, Target, entity, resolve};
use super::super::plan::unsorted;
use super::super::sqltext::literal;
use crate::diag::{Diagnostic, Result, code};
use crate::metrics::Request;
use crate::semantic::{Layer, Piece, template};

/// A condition of a request, its names resolved.
#[derive(Debug, Clone)]
pub enum Condition {
    /// One of these values.
    In(Named, Vec<Option<String>>),
    /// SQL with names in it.
    Sql(Vec<Word>),
}

/// A part of a condition.
#[derive(Debug, Clone)]
pub enum Word {
    /// SQL.
    Text(String),
    /// A dimension.
    Name(Named),
}

impl Condition {
    /// The names in it.
    pub fn names(&self) -> Vec<&Named> {
        match self {
            Self::In(n, _) => vec![n],
            Self::Sql(words) => words
                .iter()
                .filter_map(|w| match w {
                    Word::Name(n) => Some(n),
                    Word::Text(_) => None,
                })
                .collect(),
        }
    }

    /// The condition as SQL; `of` writes the names.
    pub fn sql(&self, of: &mut dyn FnMut(&Named) -> Result<String>) -> Result<String> {
        match self {
            Self::In(n, values) => {
                let expr = of(n)?;
                let some: Vec<String> = values.iter().flatten().map(|v| literal(v)).collect();
                let null = values.iter().any(Option::is_none);
                Ok(match (some.len(), null) {
                    (0, false) => "false".into(),
                    (0, true) => format!("{expr} is null"),
                    (1, false) => format!("{expr} = {}", some[0]),
                    (_, false) => format!("{expr} in ({})", some.join(", ")),
                    (_, true) => format!("({expr} in ({}) or {expr} is null)", some.join(", ")),
                })
            }
            Self::Sql(words) => {
                let mut out = String::new();
                for w in words {
                    match w {
                        Word::Text(t) => out.push_str(t),
                        Word::Name(n) => out.push_str(&of(n)?),
                    }
                }
                let loose = out.to_lowercase().contains(" or ");
                Ok(if loose { format!("({out})") } else { out })
            }
        }
    }
}

/// A condition as a template or plain SQL; names are looked up for a table's metrics.
pub fn condition(layer: &Layer, text: &str, bases: &[&str]) -> Result<Condition> {
    let pieces = template(text).map_err(|f| {
        Diagnostic::error(
            code::R0702,
            format!("the condition `{text}` cannot be understood: {}", f.message),
        )
    })?;
    let mut words = Vec::new();
    for p in pieces {
        words.push(match p {
            Piece::Text(t) => Word::Text(t),
            Piece::Name(n, grain) => {
                let asked = grain.map_or(n.clone(), |g| format!("{n}:{g}"));
                Word::Name(resolve(layer, &asked, bases, true)?)
            }
            Piece::Entity(n) => Word::Name(entity(layer, &n, bases)?),
            Piece::Metric(n, by) => Word::Name(measured(layer, &n, &by, bases)?),
        });
    }
    Ok(Condition::Sql(words))
}

/// A metric as a condition: of each value of one entity, whatever else is asked for.
fn measured(layer: &Layer, metric: &str, by: &[String], bases: &[&str]) -> Result<Named> {
    let [by] = by else {
        return Err(Diagnostic::error(
            code::R0702,
            format!("the metric `{metric}` as a condition needs one entity"),
        )
        .help(format!(
            "write `{{{{ Metric('{metric}', group_by=['user']) }}}}` with the entity whose value counts"
        ))
        .into());
    };
    without_circle(layer, metric, &mut Vec::new())?;
    let key = entity(layer, by, bases)?;
    let plan = unsorted(
        layer,
        &Request {
            metrics: vec![metric.to_string()],
            group_by: vec![by.clone()],
            ..Request::default()
        },
    )?;
    let column = |i: usize| {
        plan.columns
            .get(i)
            .map(|c| c.name.clone())
            .unwrap_or_default()
    };
    let columns = (column(0), column(1));
    Ok(Named {
        name: metric.to_string(),
        target: Target::Metric {
            key: Box::new(key),
            sql: plan.sql,
            columns,
        },
        labels: crate::semantic::Labels::plain(metric),
    })
}
