//! From metrics to the aggregates that they are made of, and how these are put together.
use crate::diag::{Diagnostic, Result, code};
use crate::semantic::{Cumulative, Input, Kind, Layer, Measure, Metric, Offset, Piece, scan};
use crate::text::nearest;

/// An aggregate over the rows of one table.
#[derive(Debug, Clone, PartialEq)]
pub struct Leaf {
    /// The table.
    pub table: String,
    /// What is aggregated.
    pub measure: Measure,
    /// Conditions, as templates.
    pub filters: Vec<String>,
    /// Days up to each day instead of the day.
    pub running: Option<Cumulative>,
    /// Earlier days instead.
    pub offset: Option<Offset>,
    /// A row for every day.
    pub every_day: bool,
}

/// How aggregates are put together.
#[derive(Debug, Clone, PartialEq)]
pub enum Calc {
    /// An aggregate, and the value for nothing.
    Leaf(usize, Option<f64>),
    /// One by another.
    Ratio(Box<Calc>, Box<Calc>),
    /// An expression.
    Derived(Vec<Part>),
}

/// A part of an expression.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// SQL.
    Text(String),
    /// A value.
    Value(Calc),
}

/// The aggregates of a request, each once, with the name of the first metric that takes it.
#[derive(Debug, Default)]
pub struct Leaves {
    /// Aggregates.
    pub list: Vec<(Leaf, String)>,
}

impl Leaves {
    fn add(&mut self, leaf: Leaf, name: &str) -> usize {
        if let Some(i) = self.list.iter().position(|(l, _)| *l == leaf) {
            return i;
        }
        self.list.push((leaf, name.to_string()));
        self.list.len() - 1
    }
}

/// What lies upon a metric from the metrics above it.
#[derive(Debug, Clone, Default)]
struct Above {
    filters: Vec<String>,
    offset: Option<Offset>,
    running: Option<Cumulative>,
    fill: Option<f64>,
    chain: Vec<String>,
}

/// The metric of a name, or the error that says which name was meant.
pub fn metric<'a>(layer: &'a Layer, name: &str) -> Result<&'a Metric> {
    layer.metrics.get(name).ok_or_else(|| {
        let d = Diagnostic::error(code::R0702, format!("there is no metric `{name}`"));
        match nearest(name, layer.metrics.keys().map(String::as_str)) {
            Some(near) => d.help(format!("did you mean `{near}`?")),
            None => d.help("`tv1 metrics list` shows all metrics"),
        }
        .into()
    })
}

/// Takes a metric apart.
pub fn expand(layer: &Layer, name: &str, leaves: &mut Leaves) -> Result<Calc> {
    go(layer, metric(layer, name)?, Above::default(), leaves)
}

fn refuse(m: &Metric, at: &str, message: impl Into<String>) -> Diagnostic {
    Diagnostic::error(
        code::R0701,
        format!("metric `{}`: {}", m.name, message.into()),
    )
    .at_opt(m.place_of(at))
}

fn go(layer: &Layer, m: &Metric, mut above: Above, leaves: &mut Leaves) -> Result<Calc> {
    if above.chain.contains(&m.name) {
        above.chain.push(m.name.clone());
        let way = above.chain.join(" → ");
        return Err(refuse(m, "name", format!("it is made of itself: {way}")).into());
    }
    above.chain.push(m.name.clone());
    above.filters.extend(m.filters.clone());
    match &m.kind {
        Kind::Simple(input) => leaf(layer, m, input, above, leaves),
        Kind::Ratio(n, d) => {
            let n = below(layer, m, n, "numerator", &above, leaves)?;
            let d = below(layer, m, d, "denominator", &above, leaves)?;
            Ok(Calc::Ratio(Box::new(n), Box::new(d)))
        }
        Kind::Derived { expr, inputs } => derived(layer, m, expr, inputs, &above, leaves),
        Kind::Cumulative { input, over } => {
            if above.running.is_some() {
                return Err(refuse(m, "name", "a cumulative metric cannot be made of a cumulative one").into());
            }
            above.running = Some(*over);
            if input.is_measure {
                return leaf(layer, m, input, above, leaves);
            }
            let inner = metric(layer, &input.name)?;
            if !matches!(inner.kind, Kind::Simple(_)) {
                return Err(refuse(m, "cumulative_type_params.metric", "a cumulative metric takes a measure or a simple metric")
                    .help("make the cumulative metrics first, and a ratio or derived metric of them")
                    .into());
            }
            below(layer, m, input, "cumulative_type_params.metric", &above, leaves)
        }
        Kind::Conversion => Err(refuse(m, "type", "conversion metrics are shown but not computed")
            .help("a model with one row for each base event and a column that says whether it was followed gives the same as a ratio")
            .into()),
    }
}

/// A metric that another takes.
fn below(
    layer: &Layer,
    m: &Metric,
    input: &Input,
    at: &str,
    above: &Above,
    leaves: &mut Leaves,
) -> Result<Calc> {
    let inner = metric(layer, &input.name)?;
    let mut next = above.clone();
    next.filters.extend(input.filters.clone());
    next.fill = input.fill.or(next.fill);
    if let Some(offset) = input.offset {
        if next.offset.is_some() {
            return Err(refuse(m, at, "an offset of an offset cannot be computed").into());
        }
        next.offset = Some(offset);
    }
    go(layer, inner, next, leaves)
}

fn leaf(
    layer: &Layer,
    m: &Metric,
    input: &Input,
    above: Above,
    leaves: &mut Leaves,
) -> Result<Calc> {
    let Some((table, measure)) = layer
        .table_of_measure(&input.name)
        .and_then(|t| Some((t, t.measures.get(&input.name)?)))
    else {
        let all = layer
            .tables
            .values()
            .flat_map(|t| t.measures.keys().map(String::as_str));
        let d = refuse(
            m,
            "measure",
            format!("there is no measure `{}`", input.name),
        );
        return Err(match nearest(&input.name, all) {
            Some(near) => d.help(format!("did you mean `{near}`?")),
            None => d,
        }
        .into());
    };
    if let Some(dimension) = &measure.non_additive {
        return Err(refuse(
            m,
            "measure",
            format!(
                "`{}` must not be added up over `{dimension}`, which is not supported",
                input.name
            ),
        )
        .help("make a model that has only the rows that count")
        .into());
    }
    let mut filters = above.filters;
    filters.extend(input.filters.clone());
    let mut once: Vec<String> = Vec::new();
    for f in filters {
        if !once.contains(&f) {
            once.push(f);
        }
    }
    let leaf = Leaf {
        table: table.name.clone(),
        measure: measure.clone(),
        filters: once,
        running: above.running,
        offset: above.offset,
        every_day: input.every_day,
    };
    Ok(Calc::Leaf(
        leaves.add(leaf, &m.name),
        input.fill.or(above.fill),
    ))
}

fn derived(
    layer: &Layer,
    m: &Metric,
    expr: &str,
    inputs: &[Input],
    above: &Above,
    leaves: &mut Leaves,
) -> Result<Calc> {
    let pieces = scan(expr).map_err(|f| refuse(m, "expr", f.message))?;
    let mut parts = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Text(t) => parts.push(Part::Text(t)),
            Piece::Name(n, _) | Piece::Entity(n) => {
                let Some(input) = inputs.iter().find(|i| i.shown() == n) else {
                    let d = refuse(
                        m,
                        "expr",
                        format!("`{n}` in `{expr}` is none of its inputs"),
                    );
                    return Err(match nearest(&n, inputs.iter().map(Input::shown)) {
                        Some(near) => d.help(format!("did you mean `{near}`?")),
                        None if layer.metrics.contains_key(&n) => {
                            d.help(format!("add `{n}` to its input metrics"))
                        }
                        None => d,
                    }
                    .into());
                };
                let at = format!("metrics.{}", input.name);
                parts.push(Part::Value(below(layer, m, input, &at, above, leaves)?));
            }
        }
    }
    Ok(Calc::Derived(parts))
}
