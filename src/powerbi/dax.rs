//! Metrics as DAX, each with a counterpart in the SQL that `tv1 metrics` writes.
use super::expr::{self, Names};
use super::model::{Model, PbColumn};
use crate::diag::{Diagnostic, code};
use crate::metrics::{self, time_expr, time_path};
use crate::semantic::{
    Aggregation, Cumulative, Grain, Input, Kind, Layer, Metric, Offset, PeriodAgg, Piece, Table,
    Window, template,
};

/// Writes measures of a model.
pub struct Writer<'a> {
    pub layer: &'a Layer,
    pub model: &'a Model,
}

type Out<T> = std::result::Result<T, Diagnostic>;

/// A table's name in DAX.
pub fn table_name(name: &str) -> String {
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && name.chars().next().is_some_and(|c| c.is_ascii_alphabetic());
    let reserved = [
        "date", "time", "year", "month", "day", "sum", "count", "max", "min", "var", "table",
        "measure",
    ];
    if plain && !reserved.contains(&name.to_lowercase().as_str()) {
        name.to_string()
    } else {
        format!("'{}'", name.replace('\'', "''"))
    }
}

/// A column in DAX.
pub fn column_ref(table: &str, column: &str) -> String {
    format!("{}[{}]", table_name(table), column.replace(']', "]]"))
}

/// A measure in DAX.
pub fn measure_ref(name: &str) -> String {
    format!("[{}]", name.replace(']', "]]"))
}

fn refuse(m: &Metric, at: &str, message: impl Into<String>) -> Diagnostic {
    Diagnostic::error(code::R0705, format!("metric `{}`: {}", m.name, message.into()))
        .at_opt(m.place_of(at))
        .help("`config: {meta: {bi: {dax: …}}}` gives the formula by hand, and `hidden: true` leaves the metric out")
}

impl Writer<'_> {
    /// The formula of a metric.
    pub fn metric(&self, m: &Metric) -> Out<String> {
        if let Some(dax) = m.bi.get("dax").and_then(serde_json::Value::as_str) {
            return Ok(dax.trim().to_string());
        }
        match &m.kind {
            Kind::Simple(input) => {
                let body = self.simple(m, input, &m.filters, Vec::new())?;
                Ok(filled(body, input.fill))
            }
            Kind::Ratio(n, d) => {
                let body = format!(
                    "DIVIDE({}, {})",
                    self.input(m, n, "numerator")?,
                    self.input(m, d, "denominator")?
                );
                self.filtered(m, body, &m.filters, None, Vec::new())
            }
            Kind::Derived { expr, inputs } => {
                let body = self.derived(m, expr, inputs)?;
                self.filtered(m, body, &m.filters, None, Vec::new())
            }
            Kind::Cumulative { input, over } => self.cumulative(m, input, *over),
            Kind::Conversion(_) => Err(refuse(
                m,
                "type",
                "a conversion metric has no counterpart in DAX",
            )),
        }
    }

    /// Days in the calendar.
    fn calendar(&self, m: &Metric) -> Out<String> {
        self.model.calendar.as_ref().map(|(t, c)| column_ref(t, c)).ok_or_else(|| {
            refuse(m, "name", "without a calendar days cannot be moved")
                .help("add a semantic model with one row a day: a primary entity `date`, or `time_spine` on its model")
        })
    }

    /// A metric that another takes.
    fn input(&self, m: &Metric, input: &Input, at: &str) -> Out<String> {
        let inner = self
            .layer
            .metrics
            .get(&input.name)
            .ok_or_else(|| refuse(m, at, format!("there is no metric `{}`", input.name)))?;
        let mut moved = Vec::new();
        match input.offset {
            Some(Offset::Back(w)) => {
                let (n, unit) = unit(m, w)?;
                moved.push(format!("DATEADD({}, -{n}, {unit})", self.calendar(m)?));
            }
            Some(Offset::Start(g)) => {
                let f = match g {
                    Grain::Month => "STARTOFMONTH",
                    Grain::Quarter => "STARTOFQUARTER",
                    Grain::Year => "STARTOFYEAR",
                    _ => {
                        return Err(refuse(
                            m,
                            at,
                            format!(
                                "`offset_to_grain: {}` has no counterpart in DAX",
                                g.as_str()
                            ),
                        ));
                    }
                };
                moved.push(format!("{f}({})", self.calendar(m)?));
            }
            None => {}
        }
        let name = self
            .model
            .measure_name(&inner.name)
            .ok_or_else(|| refuse(m, at, format!("`{}` is not exported", inner.name)))?;
        let body = self.filtered(m, measure_ref(&name), &input.filters, None, moved)?;
        Ok(filled(body, input.fill))
    }

    fn derived(&self, m: &Metric, expr: &str, inputs: &[Input]) -> Out<String> {
        let ex = expr::parse(expr).map_err(|e| refuse(m, "expr", e))?;
        let written: Vec<(String, String, bool)> = inputs
            .iter()
            .map(|i| {
                let at = format!("metrics.{}", i.name);
                Ok((
                    i.shown().to_string(),
                    self.input(m, i, &at)?,
                    i.fill.is_none() && self.may_be_blank(&i.name, 0),
                ))
            })
            .collect::<Out<_>>()?;
        let names = Names {
            dax: &|n, _| {
                let found = written.iter().find(|(name, _, _)| name == n);
                found
                    .map(|(_, dax, may)| (dax.clone(), *may))
                    .ok_or_else(|| format!("`{n}` is none of its inputs"))
            },
        };
        expr::value(&ex, &names).map_err(|e| refuse(m, "expr", e))
    }

    /// Whether a metric can be null where there are rows of other metrics; counts are zero instead.
    fn may_be_blank(&self, name: &str, depth: usize) -> bool {
        let Some(m) = self.layer.metrics.get(name).filter(|_| depth < 32) else {
            return true;
        };
        match &m.kind {
            Kind::Simple(i) | Kind::Cumulative { input: i, .. } if i.is_measure => {
                let count = self
                    .layer
                    .table_of_measure(&i.name)
                    .and_then(|t| t.measures.get(&i.name))
                    .is_some_and(|x| x.agg.is_count());
                !count && i.fill.is_none()
            }
            Kind::Cumulative { input, .. } => self.may_be_blank(&input.name, depth + 1),
            _ => true,
        }
    }

    fn cumulative(&self, m: &Metric, input: &Input, over: Cumulative) -> Out<String> {
        let d = self.calendar(m)?;
        if over.period == PeriodAgg::Average {
            return Err(refuse(
                m,
                "period_agg",
                "`period_agg: average` has no counterpart in DAX",
            ));
        }
        let period = match (over.window, over.to_date) {
            (Some(w), _) => {
                let (n, unit) = unit(m, w)?;
                format!("DATESINPERIOD({d}, _day, -{n}, {unit})")
            }
            (None, Some(g)) => {
                let start = match g {
                    Grain::Week => "_day - WEEKDAY(_day, 2) + 1",
                    Grain::Month => "DATE(YEAR(_day), MONTH(_day), 1)",
                    Grain::Quarter => "DATE(YEAR(_day), 3 * INT((MONTH(_day) - 1) / 3) + 1, 1)",
                    Grain::Year => "DATE(YEAR(_day), 1, 1)",
                    g => {
                        return Err(refuse(
                            m,
                            "grain_to_date",
                            format!("`grain_to_date: {}` has no counterpart in DAX", g.as_str()),
                        ));
                    }
                };
                format!("DATESBETWEEN({d}, {start}, _day)")
            }
            (None, None) => format!("FILTER(ALL({d}), {d} <= _day)"),
        };
        let body = if input.is_measure {
            self.simple(m, input, &m.filters, vec![period])?
        } else {
            let name = self
                .model
                .measure_name(&input.name)
                .ok_or_else(|| refuse(m, "name", format!("`{}` is not exported", input.name)))?;
            let mut filters = m.filters.clone();
            filters.extend(input.filters.clone());
            self.filtered(m, measure_ref(&name), &filters, None, vec![period])?
        };
        Ok(self.up_to_the_last_day(input, &d, filled(body, input.fill)))
    }

    /// A formula over the days up to `_day`: the last day of the context, but not beyond the last day that has rows, as
    /// in SQL. A calendar that goes on would otherwise leave totals empty and draw lines into the future.
    fn up_to_the_last_day(&self, input: &Input, d: &str, body: String) -> String {
        match self.last_day(input) {
            Some(last) => format!(
                "VAR _end = {last} VAR _day = MIN(MAX({d}), _end) RETURN IF(MIN({d}) <= _end, {body})"
            ),
            None => format!("VAR _day = MAX({d}) RETURN {body}"),
        }
    }

    /// The last day that rows of a measure have, whatever is chosen.
    fn last_day(&self, input: &Input) -> Option<String> {
        let measure = if input.is_measure {
            &input.name
        } else {
            match &self.layer.metrics.get(&input.name)?.kind {
                Kind::Simple(i) => &i.name,
                _ => return None,
            }
        };
        let table = self.layer.table_of_measure(measure)?;
        let (_, at, name) = time_path(self.layer, table, table.measures.get(measure))?;
        let holder = self.model.table(&at)?;
        let column = self
            .model
            .column(&at, &time_expr(self.layer.tables.get(&at)?, &name))?;
        Some(format!(
            "CALCULATE(MAX({}), ALL({}))",
            column_ref(&holder.name, &column.name),
            table_name(&holder.name)
        ))
    }

    /// An aggregate with the conditions of metric and input.
    fn simple(
        &self,
        m: &Metric,
        input: &Input,
        filters: &[String],
        mut moved: Vec<String>,
    ) -> Out<String> {
        let found = self
            .layer
            .table_of_measure(&input.name)
            .and_then(|t| Some((t, t.measures.get(&input.name)?)));
        let Some((table, measure)) = found else {
            return Err(refuse(
                m,
                "measure",
                format!("there is no measure `{}`", input.name),
            ));
        };
        if let Some(d) = &measure.non_additive {
            return Err(refuse(
                m,
                "measure",
                format!(
                    "`{}` must not be added up over `{}`, which has no counterpart in DAX",
                    input.name, d.dimension
                ),
            ));
        }
        let (body, own) = self.aggregate(m, table, measure.agg, &measure.expr)?;
        // The way to the calendar that this measure takes, when it is not the one that is open.
        if let Some(r) = self
            .model
            .date_relationship(self.layer, table, Some(measure))
        {
            moved.insert(
                0,
                format!(
                    "USERELATIONSHIP({}, {})",
                    column_ref(&r.from.0, &r.from.1),
                    column_ref(&r.to.0, &r.to.1)
                ),
            );
        }
        let mut all = filters.to_vec();
        all.extend(input.filters.clone());
        all.dedup();
        self.filtered(m, body, &all, own.as_deref().map(|c| (table, c)), moved)
    }

    /// The aggregate, and a condition in SQL that belongs to it (`sum_boolean`).
    fn aggregate(
        &self,
        m: &Metric,
        table: &Table,
        agg: Aggregation,
        expr: &str,
    ) -> Out<(String, Option<String>)> {
        let t = self
            .model
            .table(&table.name)
            .map(|t| table_name(&t.name))
            .unwrap_or_default();
        if agg == Aggregation::SumBoolean {
            return Ok((format!("COUNTROWS({t})"), Some(expr.to_string())));
        }
        if expr.parse::<f64>().is_ok() {
            return match agg {
                Aggregation::Count => Ok((format!("COUNTROWS({t})"), None)),
                Aggregation::Sum => Ok((format!("COUNTROWS({t}) * {expr}"), None)),
                _ => Err(refuse(
                    m,
                    "expr",
                    "only rows can be counted without a column",
                )),
            };
        }
        let column = self.model.column(&table.name, expr);
        if let Some(c) = column {
            let r = column_ref(
                &self
                    .model
                    .table(&table.name)
                    .map(|t| t.name.clone())
                    .unwrap_or_default(),
                &c.name,
            );
            let text = match agg {
                Aggregation::Sum => format!("SUM({r})"),
                Aggregation::Min => format!("MIN({r})"),
                Aggregation::Max => format!("MAX({r})"),
                Aggregation::Average => format!("AVERAGE({r})"),
                // COUNT does not take booleans.
                Aggregation::Count if c.data_type == "boolean" => format!("COUNTA({r})"),
                Aggregation::Count => format!("COUNT({r})"),
                Aggregation::CountDistinct => format!("DISTINCTCOUNTNOBLANK({r})"),
                Aggregation::Median => format!("MEDIAN({r})"),
                Aggregation::Percentile(p, false) => format!("PERCENTILE.INC({r}, {p})"),
                Aggregation::Percentile(..) => {
                    return Err(refuse(
                        m,
                        "agg",
                        "a discrete percentile has no counterpart in DAX",
                    ));
                }
                Aggregation::SumBoolean => String::new(),
            };
            return Ok((text, None));
        }
        let ex = expr::parse(expr).map_err(|e| refuse(m, "expr", e))?;
        let names = Names {
            dax: &|n, _| self.column_of(table, n),
        };
        let row = expr::value(&ex, &names).map_err(|e| refuse(m, "expr", e))?;
        let text = match agg {
            Aggregation::Sum => format!("SUMX({t}, {row})"),
            Aggregation::Min => format!("MINX({t}, {row})"),
            Aggregation::Max => format!("MAXX({t}, {row})"),
            Aggregation::Average => format!("AVERAGEX({t}, {row})"),
            Aggregation::Count => format!("COUNTX({t}, {row})"),
            Aggregation::Median => format!("MEDIANX({t}, {row})"),
            Aggregation::Percentile(p, false) => format!("PERCENTILEX.INC({t}, {row}, {p})"),
            _ => {
                return Err(refuse(
                    m,
                    "expr",
                    "different values of an expression cannot be counted in DAX",
                )
                .note("make the expression a column of the model"));
            }
        };
        Ok((text, None))
    }

    fn column_of(&self, table: &Table, name: &str) -> std::result::Result<(String, bool), String> {
        let c = self
            .model
            .column(&table.name, name)
            .ok_or_else(|| format!("`{name}` is not a column of `{}`", table.name))?;
        let t = self
            .model
            .table(&table.name)
            .map(|t| t.name.clone())
            .unwrap_or_default();
        Ok((column_ref(&t, &c.name), true))
    }

    /// `CALCULATE` with conditions that narrow what slicers chose, as `and` in SQL does.
    fn filtered(
        &self,
        m: &Metric,
        body: String,
        filters: &[String],
        own: Option<(&Table, &str)>,
        moved: Vec<String>,
    ) -> Out<String> {
        let mut arguments = moved;
        if let Some((table, sql)) = own {
            let ex = expr::parse(sql).map_err(|e| refuse(m, "expr", e))?;
            let names = Names {
                dax: &|n, _| self.column_of(table, n),
            };
            for term in expr::terms(ex) {
                let text = expr::condition(&term, &names).map_err(|e| refuse(m, "expr", e))?;
                arguments.push(format!("KEEPFILTERS({text})"));
            }
        }
        for f in filters {
            arguments.extend(self.keep(m, f)?);
        }
        Ok(if arguments.is_empty() {
            body
        } else {
            format!("CALCULATE({body}, {})", arguments.join(", "))
        })
    }

    /// A condition of a definition, one argument for each part that must hold.
    fn keep(&self, m: &Metric, filter: &str) -> Out<Vec<String>> {
        let wrong = |e: String| refuse(m, "filter", e);
        let pieces = template(filter).map_err(|f| wrong(f.message))?;
        let mut asked: Vec<(String, Option<String>, bool)> = Vec::new();
        let mut plain = String::new();
        for p in pieces {
            match p {
                Piece::Text(t) => plain.push_str(&t),
                Piece::Name(n, g) => {
                    plain.push_str(&format!("\"\u{1}{}\"", asked.len()));
                    asked.push((n, g, false));
                }
                Piece::Metric(n, _) => {
                    return Err(wrong(format!(
                        "the metric `{n}` as a condition has no counterpart in DAX"
                    )));
                }
                Piece::Entity(n) => {
                    plain.push_str(&format!("\"\u{1}{}\"", asked.len()));
                    asked.push((n, None, true));
                }
            }
        }
        let ex = expr::parse(&plain).map_err(wrong)?;
        let bases = self.bases(m);
        let find = |n: &str| -> std::result::Result<(String, PbColumn), String> {
            let (name, grain, entity) = n
                .strip_prefix('\u{1}')
                .and_then(|i| i.parse::<usize>().ok())
                .and_then(|i| asked.get(i).cloned())
                .unwrap_or((n.to_string(), None, false));
            if let Some(g) = grain.filter(|g| g != "day") {
                return Err(format!("`{name}` by {g} cannot be a condition in DAX"));
            }
            self.dimension(&name, &bases, entity)
        };
        let names = Names {
            dax: &|n, _| find(n).map(|(t, c)| (column_ref(&t, &c.name), true)),
        };
        let mut out = Vec::new();
        for term in expr::terms(ex) {
            let mut used = Vec::new();
            expr::names_of(&term, &mut used);
            let mut tables: Vec<String> = used
                .iter()
                .filter_map(|n| find(n).ok())
                .map(|(t, _)| t)
                .collect();
            tables.sort();
            tables.dedup();
            if tables.len() > 1 {
                return Err(wrong(format!(
                    "a condition over {} at once cannot be kept in DAX",
                    tables.join(" and ")
                )));
            }
            let text = expr::condition(&term, &names).map_err(wrong)?;
            out.push(format!("KEEPFILTERS({text})"));
        }
        Ok(out)
    }

    /// The tables that a metric's rows are in.
    fn bases(&self, m: &Metric) -> Vec<String> {
        fn go(layer: &Layer, m: &Metric, depth: usize, out: &mut Vec<String>) {
            let inputs: Vec<&Input> = match &m.kind {
                Kind::Simple(i) | Kind::Cumulative { input: i, .. } => vec![i],
                Kind::Ratio(a, b) => vec![a, b],
                Kind::Derived { inputs, .. } => inputs.iter().collect(),
                Kind::Conversion(c) => c.iter().flat_map(|c| [&c.base, &c.conversion]).collect(),
            };
            for i in inputs {
                if i.is_measure {
                    out.extend(layer.table_of_measure(&i.name).map(|t| t.name.clone()));
                } else if let Some(inner) = layer.metrics.get(&i.name).filter(|_| depth < 32) {
                    go(layer, inner, depth + 1, out);
                }
            }
        }
        let mut out = Vec::new();
        go(self.layer, m, 0, &mut out);
        out.sort();
        out.dedup();
        out
    }

    /// Table and column of a dimension in the model.
    fn dimension(
        &self,
        name: &str,
        bases: &[String],
        entity: bool,
    ) -> std::result::Result<(String, PbColumn), String> {
        let bases: Vec<&str> = bases.iter().map(String::as_str).collect();
        let named = if entity {
            metrics::entity(self.layer, name, &bases)
        } else {
            metrics::resolve(self.layer, name, &bases, true)
        };
        let named =
            named.map_err(|s| s.0.first().map(|d| d.message.clone()).unwrap_or_default())?;
        self.model
            .target(&named.target)
            .ok_or_else(|| format!("`{name}` is not a column of the Power BI model"))
    }
}

fn filled(body: String, fill: Option<f64>) -> String {
    match fill {
        Some(v) => format!("COALESCE({body}, {v})"),
        None => body,
    }
}

fn unit(m: &Metric, w: Window) -> Out<(i64, &'static str)> {
    Ok(match w.grain {
        Grain::Day => (w.count, "DAY"),
        Grain::Week => (w.count * 7, "DAY"),
        Grain::Month => (w.count, "MONTH"),
        Grain::Quarter => (w.count, "QUARTER"),
        Grain::Year => (w.count, "YEAR"),
        g => {
            return Err(refuse(
                m,
                "window",
                format!("a window of {}s has no counterpart in DAX", g.as_str()),
            ));
        }
    })
}

/// Whether a table's rows have a date of their own for a measure.
pub fn own_date(
    layer: &Layer,
    table: &Table,
    measure: Option<&crate::semantic::Measure>,
) -> Option<(String, String)> {
    let (way, at, name) = time_path(layer, table, measure)?;
    way.is_empty().then_some((at, name))
}
