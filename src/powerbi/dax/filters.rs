//! Conditions that narrow what slicers chose.
use super::{Out, Writer, column_ref, refuse};
use crate::metrics;
use crate::powerbi::expr::{self, Names};
use crate::powerbi::model::PbColumn;
use crate::semantic::{Input, Kind, Layer, Metric, Piece, Table, template};

impl Writer<'_> {
    /// `CALCULATE` with conditions that narrow what slicers chose, as `and` in SQL does.
    pub(super) fn filtered(
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
    pub(super) fn keep(&self, m: &Metric, filter: &str) -> Out<Vec<String>> {
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
    pub(super) fn bases(&self, m: &Metric) -> Vec<String> {
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
    pub(super) fn dimension(
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
