//! Aggregates over the rows of a table.
use super::{Out, Writer, column_ref, refuse, table_name};
use crate::powerbi::expr::{self, Names};
use crate::semantic::{Aggregation, Input, Metric, Table};

impl Writer<'_> {
    /// An aggregate with the conditions of metric and input.
    pub(super) fn simple(
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
    pub(super) fn aggregate(
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

    pub(super) fn column_of(
        &self,
        table: &Table,
        name: &str,
    ) -> std::result::Result<(String, bool), String> {
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
}
