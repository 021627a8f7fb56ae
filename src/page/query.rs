//! What a page asks for, and whether it can be asked: names, tiles and slicers against the semantic layer.
use super::spec::{Kind, Measures, Report, Slicer, Tile};
use crate::diag::{Diagnostic, Result, Sink, Stopped, code};
use crate::metrics::{
    Filter, Plan, Request, Target, Universe, ident, plan, qualified, relation, resolve,
};
use crate::semantic::{Dimension, Grain, Layer, Table};
use crate::text::{Place, nearest};

/// A report and the semantic layer that it speaks of.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    /// The layer.
    pub layer: &'a Layer,
    /// The report.
    pub report: &'a Report,
}

/// One thing that a tile asks.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// The tile's id, with `.trend` or `.total` for what it asks besides.
    pub id: String,
    /// Metrics.
    pub metrics: Vec<String>,
    /// Dimensions.
    pub by: Vec<String>,
}

/// What is known of a dimension's column.
pub struct Facts<'a> {
    /// The table.
    pub table: &'a Table,
    /// The expression there.
    pub expr: String,
    /// The dimension, if it is declared as one.
    pub dimension: Option<&'a Dimension>,
}

impl<'a> Scope<'a> {
    /// Checks every name of the report; mistakes go to the sink with their places.
    pub fn check(&self, sink: &mut Sink) {
        let before = sink.said.len();
        for p in &self.report.parameters {
            self.known_metrics(&p.metrics, sink);
        }
        for tile in &self.report.tiles {
            if let Measures::Named(list) = &tile.measures {
                self.known_metrics(list, sink);
            }
        }
        if sink.said.len() > before {
            return;
        }
        for tile in &self.report.tiles {
            self.check_tile(tile, sink);
        }
        for slicer in &self.report.slicers {
            self.check_slicer(slicer, sink);
        }
    }

    fn known_metrics(&self, list: &[(String, Place)], sink: &mut Sink) {
        for (name, place) in list {
            if !self.layer.metrics.contains_key(name) {
                let d = Diagnostic::error(code::R0708, format!("there is no metric `{name}`"))
                    .at(place.clone());
                sink.push(
                    match nearest(name, self.layer.metrics.keys().map(String::as_str)) {
                        Some(near) => d.help(format!("did you mean `{near}`?")),
                        None => d.help("`tv1 metrics list` shows all metrics"),
                    },
                );
            }
        }
    }

    fn check_tile(&self, tile: &Tile, sink: &mut Sink) {
        let metrics = self.report.metrics(tile);
        if metrics.is_empty() {
            return;
        }
        let mut by = Vec::new();
        for (name, place) in tile.by.iter().chain(&tile.drill) {
            let asked = self.plan(&metrics, std::slice::from_ref(name), &[]);
            if let Err(Stopped(all)) = asked {
                all.into_iter().for_each(|d| sink.push(placed(d, place)));
                return;
            }
            if by.len() < tile.by.len() {
                by.push(name.clone());
            }
        }
        if let Err(Stopped(all)) = self.plan(&metrics, &by, &[]) {
            all.into_iter()
                .for_each(|d| sink.push(placed(d, &tile.place)));
        }
        if let Some((image, place)) = &tile.image {
            let same = self.facts(&tile.by[0].0).is_some_and(|f| {
                f.table.columns.contains_key(image) || f.table.dimensions.contains_key(image)
            });
            if !same {
                let known: Vec<&str> = self
                    .facts(&tile.by[0].0)
                    .map(|f| f.table.columns.keys().map(String::as_str).collect())
                    .unwrap_or_default();
                let d = Diagnostic::error(
                    code::R0708,
                    format!(
                        "`{image}` is no column of the table that has `{}`",
                        tile.by[0].0
                    ),
                )
                .at(place.clone());
                sink.push(match nearest(image, known) {
                    Some(near) => d.help(format!("did you mean `{near}`?")),
                    None => d,
                });
            }
        }
        if let (Some(time), true) = (self.report.time(), tile.trend) {
            if let Err(Stopped(all)) = self.plan(&metrics, &[time.to_string()], &[]) {
                all.into_iter()
                    .for_each(|d| sink.push(placed(d, &tile.place)));
            }
        } else if tile.trend {
            sink.push(
                Diagnostic::error(code::R0708, "`trend` needs a slicer of time")
                    .at(tile.place.clone())
                    .help("add `{time: date}` to `slicers`"),
            );
        }
    }

    fn check_slicer(&self, slicer: &Slicer, sink: &mut Sink) {
        match slicer {
            Slicer::Parameter { .. } => {}
            Slicer::Dimension {
                dimension, place, ..
            } => {
                let tiles: Vec<Vec<String>> = self
                    .report
                    .tiles
                    .iter()
                    .map(|t| self.report.metrics(t))
                    .collect();
                if tiles.iter().any(|m| self.filters(m, &[], dimension)) {
                    return;
                }
                let metrics = self.report.all_metrics();
                if let Err(Stopped(all)) = self.plan(&metrics, std::slice::from_ref(dimension), &[])
                {
                    all.into_iter().for_each(|d| sink.push(placed(d, place)));
                }
            }
            Slicer::Time {
                dimension,
                default,
                place,
                ..
            } => {
                match resolve(self.layer, dimension, &[], false) {
                    Ok(n) if matches!(n.target, Target::Time(Grain::Day)) => {}
                    Ok(_) => sink.push(
                        Diagnostic::error(
                            code::R0708,
                            format!("`{dimension}` is not the time of the metrics"),
                        )
                        .at(place.clone())
                        .help(
                            "write `time: date` (or the entity of your calendar, or `metric_time`)",
                        ),
                    ),
                    Err(Stopped(all)) => all.into_iter().for_each(|d| sink.push(placed(d, place))),
                }
                if let Some((key, at)) = default
                    && key != "all"
                    && super::read::last_days(key).is_none()
                {
                    sink.push(
                        Diagnostic::error(
                            code::R0708,
                            format!("`{key}` is no period that a page can begin with"),
                        )
                        .at(at.clone())
                        .help("write `all` or `last_N_days`"),
                    );
                }
            }
        }
    }

    /// The SQL of a question without slicers.
    pub fn plan(&self, metrics: &[String], by: &[String], filters: &[Filter]) -> Result<Plan> {
        plan(
            self.layer,
            &Request {
                metrics: metrics.to_vec(),
                group_by: by.to_vec(),
                filters: filters.to_vec(),
                ..Request::default()
            },
        )
    }

    /// Whether metrics that are grouped so can be filtered by a dimension.
    pub fn filters(&self, metrics: &[String], by: &[String], dimension: &str) -> bool {
        let mut groups = by.to_vec();
        if !groups.iter().any(|b| self.same(metrics, b, dimension)) {
            groups.push(dimension.to_string());
        }
        let one = Filter::In {
            dimension: dimension.to_string(),
            values: vec![None],
        };
        !metrics.is_empty() && self.plan(metrics, &groups, &[one]).is_ok()
    }

    /// Whether two names mean the same dimension of metrics.
    pub fn same(&self, metrics: &[String], a: &str, b: &str) -> bool {
        let mut all = Universe::default();
        let mut number = |name| all.number(self.layer, metrics, name);
        a == b || matches!((number(a), number(b)), (Ok(x), Ok(y)) if x == y)
    }

    /// Slicers of dimensions that a tile cannot follow.
    pub fn unfiltered(&self, tile: &Tile) -> Vec<String> {
        let by: Vec<String> = tile.by.iter().map(|(d, _)| d.clone()).collect();
        let metrics = self.report.metrics(tile);
        let follows = |d: &String| {
            metrics
                .iter()
                .all(|m| self.filters(std::slice::from_ref(m), &by, d))
        };
        self.report
            .sliced()
            .into_iter()
            .filter(|d| !follows(d))
            .collect()
    }

    /// Everything that a tile asks.
    pub fn asks(&self, tile: &Tile) -> Vec<Asked> {
        let metrics = self.report.metrics(tile);
        let by: Vec<String> = tile.by.iter().map(|(d, _)| d.clone()).collect();
        let mut out = vec![Asked {
            id: tile.id.clone(),
            metrics: metrics.clone(),
            by,
        }];
        let mut more = |what: &str, by: Vec<String>| {
            out.push(Asked {
                id: format!("{}.{what}", tile.id),
                metrics: metrics.clone(),
                by,
            });
        };
        match (tile.kind, self.report.time()) {
            (Kind::Donut, _) => more("total", Vec::new()),
            (Kind::Cards, Some(time)) if tile.trend => more("trend", vec![time.to_string()]),
            _ => {}
        }
        out
    }

    /// The column behind a dimension; none for the time of the metrics.
    pub fn facts(&self, dimension: &str) -> Option<Facts<'a>> {
        let named = resolve(self.layer, dimension, &[], false).ok()?;
        let Target::Column { table, expr, .. } = named.target else {
            return None;
        };
        let table = self.layer.tables.get(&table)?;
        let dimension = table.dimensions.values().find(|d| d.expr == expr);
        Some(Facts {
            table,
            expr,
            dimension,
        })
    }

    /// SQL for all values of a dimension in their order, with images if a column for them is given.
    pub fn values_sql(&self, dimension: &str, image: Option<&str>) -> Option<String> {
        let facts = self.facts(dimension)?;
        let expr = qualified(&facts.expr, "t").ok()?;
        let sort = facts.dimension.and_then(|d| d.column.sort_by.as_deref());
        let column =
            |name: &str| qualified(name, "t").unwrap_or_else(|_| format!("t.{}", ident(name)));
        let picture = image.map_or("null".to_string(), |i| format!("min({}::text)", column(i)));
        let order = sort.map_or("1".to_string(), |s| format!("min({}), 1", column(s)));
        Some(format!(
            "select {expr}, {picture}\nfrom {} as t\ngroup by 1\norder by {order} nulls last",
            relation(&facts.table.relation)
        ))
    }

    /// Every dimension that the page shows or slices by, once.
    pub fn dimensions(&self) -> Vec<String> {
        let mut out: Vec<String> = Vec::new();
        let tiles = self
            .report
            .tiles
            .iter()
            .flat_map(|t| t.by.iter().chain(&t.drill).map(|(d, _)| d.clone()));
        let time = self.report.time().map(str::to_string);
        for d in self.report.sliced().into_iter().chain(time).chain(tiles) {
            if !out.contains(&d) {
                out.push(d);
            }
        }
        out
    }

    /// What a dimension is called.
    pub fn label(&self, dimension: &str) -> String {
        resolve(self.layer, dimension, &[], false).map_or_else(
            |_| dimension.to_string(),
            |n| n.labels.get(&self.report.locale).to_string(),
        )
    }

    /// Whether a dimension is one of time.
    pub fn is_time(&self, dimension: &str) -> bool {
        match resolve(self.layer, dimension, &[], false).map(|n| n.target) {
            Ok(Target::Time(_)) => true,
            Ok(Target::Column { grain, .. }) => grain.is_some(),
            Ok(Target::Metric { .. }) | Err(_) => false,
        }
    }
}

/// A message about the report: its own place first.
fn placed(mut d: Diagnostic, place: &Place) -> Diagnostic {
    let rest = std::mem::take(&mut d.labels);
    let mut d = d.at(place.clone());
    d.labels.extend(rest);
    d
}
