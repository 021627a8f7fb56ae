//! From metrics to the aggregates that they are made of, and how these are put together.
use crate::diag::{Diagnostic, Result, code};
use crate::semantic::{
    Conversion, Cumulative, Input, Kind, Layer, Measure, Metric, Offset, Piece, Table, Window,
    scan, template,
};
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
    /// Rows of the table count that were followed by these.
    pub follows: Option<Follows>,
}

/// What followed rows of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Follows {
    /// The table of what followed.
    pub table: String,
    /// What is aggregated there.
    pub measure: Measure,
    /// Conditions there, as templates.
    pub filters: Vec<String>,
    /// The entity that both tables have.
    pub entity: String,
    /// How long after at most.
    pub window: Option<Window>,
    /// Dimensions that are the same in both.
    pub same: Vec<(String, String)>,
}

/// The column that holds the value of what followed a row.
pub const FOLLOWED: &str = "followed_value";

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
                return Err(refuse(
                    m,
                    "name",
                    "a cumulative metric cannot be made of a cumulative one",
                )
                .into());
            }
            above.running = Some(*over);
            if input.is_measure {
                return leaf(layer, m, input, above, leaves);
            }
            let inner = metric(layer, &input.name)?;
            if !matches!(inner.kind, Kind::Simple(_)) {
                return Err(refuse(
                    m,
                    "cumulative_type_params.metric",
                    "a cumulative metric takes a measure or a simple metric",
                )
                .help("make the cumulative metrics first, and a ratio or derived metric of them")
                .into());
            }
            below(
                layer,
                m,
                input,
                "cumulative_type_params.metric",
                &above,
                leaves,
            )
        }
        Kind::Conversion(None) => Err(refuse(m, "type", "its definition could not be read").into()),
        Kind::Conversion(Some(c)) => {
            if above.running.is_some() || above.offset.is_some() {
                return Err(refuse(
                    m,
                    "type",
                    "a conversion cannot be moved or added up over days",
                )
                .into());
            }
            let followed = followed(layer, m, c, above.clone(), leaves)?;
            if !c.rate {
                return Ok(followed);
            }
            let mut base = c.base.clone();
            base.filters.extend(of_metric(layer, &base.name));
            let base = leaf(layer, m, &base, above, leaves)?;
            Ok(Calc::Ratio(Box::new(followed), Box::new(base)))
        }
    }
}

/// In the newer form a conversion takes simple metrics, whose conditions hold as well.
fn of_metric(layer: &Layer, measure: &str) -> Vec<String> {
    match layer.metrics.get(measure) {
        Some(m) if matches!(&m.kind, Kind::Simple(i) if i.name == measure) => m.filters.clone(),
        _ => Vec::new(),
    }
}

/// Rows of the base table, each with what followed it.
fn followed(
    layer: &Layer,
    m: &Metric,
    c: &Conversion,
    above: Above,
    leaves: &mut Leaves,
) -> Result<Calc> {
    let (table, base) = measured(layer, m, &c.base.name)?;
    let (other, measure) = measured(layer, m, &c.conversion.name)?;
    for t in [table, other] {
        if t.key(&c.entity).is_none_or(|k| k.expr.is_empty()) {
            let d = refuse(
                m,
                "conversion_type_params.entity",
                format!("`{}` has no entity `{}`", t.name, c.entity),
            );
            let near = nearest(&c.entity, t.keys.iter().map(|k| k.name.as_str()));
            return Err(match near {
                Some(near) => d.help(format!("did you mean `{near}`?")),
                None => d.help("both events name the entity that they are of"),
            }
            .into());
        }
    }
    let mut filters = above.filters;
    filters.extend(c.base.filters.clone());
    filters.extend(of_metric(layer, &c.base.name));
    let mut there = c.conversion.filters.clone();
    there.extend(of_metric(layer, &c.conversion.name));
    let leaf = Leaf {
        table: table.name.clone(),
        measure: Measure {
            name: measure.name.clone(),
            agg: measure.agg,
            expr: FOLLOWED.into(),
            time: base.time.clone(),
            non_additive: None,
        },
        filters,
        running: None,
        offset: None,
        every_day: c.conversion.every_day,
        follows: Some(Follows {
            table: other.name.clone(),
            measure: measure.clone(),
            filters: there,
            entity: c.entity.clone(),
            window: c.window,
            same: c.same.clone(),
        }),
    };
    let fill = c.conversion.fill.or(above.fill);
    Ok(Calc::Leaf(leaves.add(leaf, &m.name), fill))
}

/// Fails if a metric is a condition of itself, or made of itself.
pub fn without_circle(layer: &Layer, name: &str, chain: &mut Vec<String>) -> Result<()> {
    let m = metric(layer, name)?;
    let again = chain.contains(&m.name);
    chain.push(m.name.clone());
    if again {
        let way = chain.join(" → ");
        return Err(refuse(m, "filter", format!("it is a condition of itself: {way}")).into());
    }
    let (inputs, measures): (Vec<&Input>, bool) = match &m.kind {
        Kind::Simple(i) => (vec![i], true),
        Kind::Cumulative { input, .. } => (vec![input], input.is_measure),
        Kind::Ratio(a, b) => (vec![a, b], false),
        Kind::Derived { inputs, .. } => (inputs.iter().collect(), false),
        Kind::Conversion(c) => (
            c.iter().flat_map(|c| [&c.base, &c.conversion]).collect(),
            true,
        ),
    };
    let filters = m
        .filters
        .iter()
        .chain(inputs.iter().flat_map(|i| &i.filters));
    for text in filters {
        for piece in template(text).unwrap_or_default() {
            if let Piece::Metric(n, _) = piece {
                without_circle(layer, &n, chain)?;
            }
        }
    }
    for i in inputs.iter().filter(|_| !measures) {
        without_circle(layer, &i.name, chain)?;
    }
    chain.pop();
    Ok(())
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

/// A measure and its table, or the error that says which was meant.
fn measured<'a>(layer: &'a Layer, m: &Metric, name: &str) -> Result<(&'a Table, &'a Measure)> {
    let found = layer
        .table_of_measure(name)
        .and_then(|t| Some((t, t.measures.get(name)?)));
    if let Some(found) = found {
        return Ok(found);
    }
    let all = layer
        .tables
        .values()
        .flat_map(|t| t.measures.keys().map(String::as_str));
    let d = refuse(m, "measure", format!("there is no measure `{name}`"));
    Err(match nearest(name, all) {
        Some(near) => d.help(format!("did you mean `{near}`?")),
        None => d,
    }
    .into())
}

fn leaf(
    layer: &Layer,
    m: &Metric,
    input: &Input,
    above: Above,
    leaves: &mut Leaves,
) -> Result<Calc> {
    let (table, measure) = measured(layer, m, &input.name)?;
    if let Some(x) = &measure.non_additive
        && above.running.is_some()
    {
        return Err(refuse(
            m,
            "measure",
            format!(
                "`{}` must not be added up over `{}`, as a cumulative metric would",
                input.name, x.dimension
            ),
        )
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
        follows: None,
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
            Piece::Name(n, _) | Piece::Entity(n) | Piece::Metric(n, _) => {
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
