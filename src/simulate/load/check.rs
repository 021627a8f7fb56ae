//! Checks of a table before it takes its place: shares of weights, references, and what the file expects.
use super::fill::Filled;
use super::{Job, refused};
use crate::diag::{Diagnostic, Result, Stopped, code};
use crate::pg::{Session, quote_ident};
use crate::simulate::host::TableKind;
use crate::simulate::model::Kind;
use crate::text::Place;
use std::collections::BTreeSet;

/// A check and how it went.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    /// What it is about.
    pub name: String,
    /// Whether it passed.
    pub passed: bool,
    /// Whether a failure is only a warning.
    pub warn: bool,
    /// What was found, beside what was expected.
    pub message: String,
}

impl Job<'_> {
    /// Runs all checks on a table; the first kind that fails ends the run.
    pub(super) fn checks(
        &self,
        session: &mut Session,
        relation: &str,
        filled: &Filled,
    ) -> Result<Vec<Check>> {
        let mut checks = Vec::new();
        let mut failed = Vec::new();
        let spec = &self.simulations.specs[self.program.table];
        self.counts(filled, &mut checks, &mut failed);
        self.shares(filled, &mut checks, &mut failed);
        self.references(session, relation, &mut checks, &mut failed)?;
        for expect in &spec.expects {
            let sql = self
                .around
                .host
                .render_sql(&expect.sql, relation, self.options.days)?;
            let found = session.fetch(&sql).map_err(|e| {
                let mut d = e.diagnostic(None, None);
                d.message = format!(
                    "{}: expect `{}`: {}",
                    self.simulation.name, expect.name, d.message
                );
                Stopped::from(d.at(Place::new(&spec.file, expect.span.clone())))
            })?;
            let text = found.scalar().and_then(|c| c.text());
            let value: Option<f64> = text.as_deref().and_then(|t| t.parse().ok());
            let (wanted, passed) = match (expect.between, expect.equals) {
                (Some((low, high)), _) => (
                    format!("outside {low}..{high}"),
                    value.is_some_and(|v| (low..=high).contains(&v)),
                ),
                (None, Some(x)) => (
                    format!("not {x}"),
                    value.is_some_and(|v| (v - x).abs() < 1e-9),
                ),
                (None, None) => (String::new(), true),
            };
            let shown = text.unwrap_or_else(|| "null".into());
            let message = if passed {
                shown.clone()
            } else {
                format!("{shown}, {wanted}")
            };
            if !passed && !expect.warn {
                failed.push(
                    Diagnostic::error(
                        code::M0811,
                        format!(
                            "{}: expect `{}`: {message}",
                            self.simulation.name, expect.name
                        ),
                    )
                    .at(Place::new(&spec.file, expect.span.clone())),
                );
            }
            checks.push(Check {
                name: expect.name.clone(),
                passed,
                warn: expect.warn,
                message,
            });
        }
        if failed.is_empty() {
            Ok(checks)
        } else {
            Err(Stopped(failed))
        }
    }

    /// What the generator counted itself: rows, missing values, ranges of draws.
    fn counts(&self, filled: &Filled, checks: &mut Vec<Check>, failed: &mut Vec<Diagnostic>) {
        let spec = &self.simulations.specs[self.program.table];
        let mut note = |name: String, at: Place, finding: Option<String>| {
            if let Some(what) = &finding {
                let message = format!("{}.{name}: {what}", self.simulation.name);
                failed.push(Diagnostic::error(code::M0811, message).at(at));
            }
            checks.push(Check {
                name,
                passed: finding.is_none(),
                warn: false,
                message: finding.unwrap_or_default(),
            });
        };
        let made = filled.digest.rows;
        let faulty = spec.faults.is_some();
        let wrong = if filled.taken != made {
            Some(format!(
                "{made} were made, but the database took {}",
                filled.taken
            ))
        } else {
            filled
                .counted
                .filter(|n| *n != made && !faulty)
                .map(|n| format!("{made} were made, but their parents have {n}"))
        };
        note("number of rows".into(), self.place(), wrong);
        for watch in &filled.watches.list {
            let at = Place::new(&spec.file, watch.span.clone());
            note(format!("values of {}", watch.column), at, watch.finding());
        }
    }

    /// Chosen values must be about as frequent as their weights say.
    fn shares(&self, filled: &Filled, checks: &mut Vec<Check>, failed: &mut Vec<Diagnostic>) {
        let spec = &self.simulations.specs[self.program.table];
        for t in self
            .program
            .tallies
            .iter()
            .filter(|t| t.level + 1 == self.program.levels.len())
        {
            let mut at = t.start;
            let mut worst: Option<String> = None;
            for (branch, options) in &t.branches {
                let counts = &filled.tally[at..at + options.len()];
                at += options.len();
                let n = counts.iter().sum::<u64>() as f64;
                if n == 0.0 {
                    continue;
                }
                for ((value, p), count) in options.iter().zip(counts) {
                    let found = *count as f64 / n;
                    let allowed = 4.0 * libm::sqrt(p * (1.0 - p) / n) + 0.002;
                    if (found - p).abs() > allowed {
                        let branch = if branch.is_empty() {
                            String::new()
                        } else {
                            format!(" for {branch}")
                        };
                        worst.get_or_insert(format!("`{value}`{branch} has a share of {found:.4}, expected {p:.4} ± {allowed:.4}"));
                    }
                }
            }
            let name = format!("shares of {}", t.column);
            let passed = worst.is_none();
            let message = worst.unwrap_or_default();
            if !passed {
                failed.push(
                    Diagnostic::error(
                        code::M0811,
                        format!("{}.{}: {message}", self.simulation.name, t.column),
                    )
                    .at(Place::new(&spec.file, t.span.clone())),
                );
            }
            checks.push(Check {
                name,
                passed,
                warn: false,
                message,
            });
        }
    }

    /// Values that point to seeds, sources and models must be there. References to simulations hold by how they are made.
    fn references(
        &self,
        session: &mut Session,
        relation: &str,
        checks: &mut Vec<Check>,
        failed: &mut Vec<Diagnostic>,
    ) -> Result<()> {
        let spec = &self.simulations.specs[self.program.table];
        for column in spec.columns.iter().filter(|c| !c.hidden) {
            let Some(reference) = &column.references else {
                continue;
            };
            let Some((table, other)) = reference.text.split_once('.') else {
                continue;
            };
            let Some(id) = self.simulations.model.find(table) else {
                continue;
            };
            if self.simulations.model.tables[id].kind == Kind::Simulation {
                continue;
            }
            let (mine, theirs) = (quote_ident(&column.name.text), quote_ident(other));
            let missing = if self.simulations.model.tables[id].kind == Kind::Host(TableKind::Seed) {
                // A seed's rows are known from its file; whether they are loaded already does not matter.
                self.not_in_seed(session, relation, &mine, (table, other))?
            } else {
                let sql = format!(
                    "select count(*) from (select distinct {mine} as k from {relation} where {mine} is not null) a \
                 where not exists (select from {} b where b.{theirs} = a.k)",
                    self.around.host.relation(table)
                );
                let found = session.fetch(&sql).map_err(refused(self.simulation))?;
                found.scalar().and_then(|c| c.as_int()).unwrap_or(0)
            };
            let passed = missing == 0;
            let message = if passed {
                String::new()
            } else {
                format!("{missing} values are not in {}", reference.text)
            };
            if !passed {
                failed.push(
                    Diagnostic::error(
                        code::M0811,
                        format!("{}.{}: {message}", self.simulation.name, column.name.text),
                    )
                    .at(Place::new(&spec.file, reference.span.clone())),
                );
            }
            checks.push(Check {
                name: format!("{} is in {}", column.name.text, reference.text),
                passed,
                warn: false,
                message,
            });
        }
        Ok(())
    }

    /// How many values of a column are not in a seed's column.
    fn not_in_seed(
        &self,
        session: &mut Session,
        relation: &str,
        mine: &str,
        (seed, column): (&str, &str),
    ) -> Result<i64> {
        let rows = self.around.host.table_rows(seed)?;
        let known: BTreeSet<String> = rows
            .iter()
            .filter_map(|r| r.get(column))
            .map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_string))
            .collect();
        let sql = format!("select distinct {mine}::text from {relation} where {mine} is not null");
        let found = session.fetch(&sql).map_err(refused(self.simulation))?;
        let number = |t: &str| t.trim().parse::<f64>().ok();
        let is_known = |text: &str| {
            // 1.50 in a file is 1.5 in a column.
            known.contains(text)
                || number(text).is_some_and(|x| known.iter().any(|k| number(k) == Some(x)))
        };
        let values = found.rows.iter().filter_map(|r| r.first()?.text());
        Ok(values.filter(|v| !is_known(v)).count() as i64)
    }
}
