//! The model: tables, columns, relationships, measures and field parameters, named and checked, before it is text.
use super::dax::{self, Writer};
use super::{Names, Parameter, Relations, Settings, ids};
use crate::diag::{Diagnostic, Sink, code};
use crate::metrics::{Edge, Target, edges, time_expr, time_path};
use crate::semantic::{Hierarchy, KeyKind, Labels, Layer, Measure, Table};
use std::collections::{BTreeMap, BTreeSet};

/// The table that holds the measures.
pub const MEASURES: &str = "_MEASURES";

/// A model.
#[derive(Debug, Clone, Default)]
pub struct Model {
    /// Language and formats.
    pub culture: String,
    /// Tables by name.
    pub tables: Vec<PbTable>,
    /// Relationships.
    pub relationships: Vec<Relationship>,
    /// Measures by name.
    pub measures: Vec<PbMeasure>,
    /// Field parameters.
    pub parameters: Vec<PbParameter>,
    /// Table and column of the days.
    pub calendar: Option<(String, String)>,
    /// Names of measures by metric.
    names: BTreeMap<String, String>,
}

/// A table.
#[derive(Debug, Clone)]
pub struct PbTable {
    /// Name.
    pub name: String,
    /// What it is called.
    pub labels: Labels,
    /// Semantic model.
    pub source: String,
    /// Schema and name of the relation.
    pub relation: (String, String),
    /// Description.
    pub description: String,
    /// Tag.
    pub tag: String,
    /// Whether it is the calendar.
    pub calendar: bool,
    /// Columns.
    pub columns: Vec<PbColumn>,
    /// Hierarchies.
    pub hierarchies: Vec<(Hierarchy, String)>,
    /// Unique id of the semantic model.
    pub unique_id: String,
}

/// A column.
#[derive(Debug, Clone, PartialEq)]
pub struct PbColumn {
    /// Name.
    pub name: String,
    /// What it is called.
    pub labels: Labels,
    /// Column of the relation.
    pub source: String,
    /// TMDL's type.
    pub data_type: &'static str,
    /// Whether it is a date without a time.
    pub is_date: bool,
    /// Format.
    pub format: Option<String>,
    /// Not to be shown.
    pub hidden: bool,
    /// The table's key.
    pub key: bool,
    /// `ImageUrl` and the like.
    pub category: Option<String>,
    /// Folder.
    pub folder: Option<String>,
    /// Name of the column that sorts it.
    pub sort_by: Option<String>,
    /// Description.
    pub description: String,
    /// Tag.
    pub tag: String,
}

/// A relationship.
#[derive(Debug, Clone, PartialEq)]
pub struct Relationship {
    /// Name, a UUID.
    pub name: String,
    /// Table and column of the many.
    pub from: (String, String),
    /// Table and column of the one.
    pub to: (String, String),
    /// Filters go both ways.
    pub both: bool,
    /// One to one.
    pub one_to_one: bool,
    /// Whether it is used without being asked for.
    pub active: bool,
}

/// A measure.
#[derive(Debug, Clone)]
pub struct PbMeasure {
    /// Name.
    pub name: String,
    /// What it is called.
    pub labels: Labels,
    /// Metric.
    pub metric: String,
    /// Formula.
    pub dax: String,
    /// Format.
    pub format: Option<String>,
    /// Folder, parted by `\`.
    pub folder: Option<String>,
    /// Not to be shown.
    pub hidden: bool,
    /// Description.
    pub description: String,
    /// Tag.
    pub tag: String,
}

/// A field parameter.
#[derive(Debug, Clone)]
pub struct PbParameter {
    /// Name.
    pub name: String,
    /// Measures.
    pub measures: Vec<String>,
}

/// TMDL's type of PostgreSQL's, its format, and whether it is a date; none for types that have no counterpart.
fn kind(pg: &str) -> Option<(&'static str, Option<&'static str>, bool)> {
    let base = pg.split('(').next().unwrap_or(pg).trim();
    Some(match base {
        "bigint" | "integer" | "smallint" | "int" | "int2" | "int4" | "int8" => {
            ("int64", Some("0"), false)
        }
        "text" | "character varying" | "varchar" | "character" | "char" | "uuid" | "name"
        | "citext" => ("string", None, false),
        "boolean" | "bool" => (
            "boolean",
            Some("\"\"\"TRUE\";\"\"TRUE\"\";\"\"FALSE\"\"\""),
            false,
        ),
        "double precision" | "real" | "numeric" | "decimal" | "float8" | "float4" => {
            ("double", None, false)
        }
        "date" => ("dateTime", Some("Long Date"), true),
        "timestamp"
        | "timestamptz"
        | "timestamp without time zone"
        | "timestamp with time zone" => ("dateTime", Some("General Date"), false),
        "time" | "time without time zone" => ("dateTime", Some("Long Time"), false),
        _ => return None,
    })
}

/// Builds the model. What cannot be expressed goes to the sink.
pub fn build(
    layer: &Layer,
    relations: &Relations,
    parameters: &[Parameter],
    settings: &Settings,
    names: &Names,
    sink: &mut Sink,
) -> Model {
    let mut model = Model {
        culture: settings.culture.clone(),
        ..Model::default()
    };
    for table in layer.tables.values() {
        if let Some(t) = pb_table(layer, table, relations, &settings.culture, names, sink) {
            model.tables.push(t);
        }
    }
    model.tables.sort_by(|a, b| a.name.cmp(&b.name));
    let mut taken = BTreeSet::new();
    for t in &model.tables {
        if !taken.insert(t.name.to_lowercase()) {
            sink.push(
                Diagnostic::error(
                    code::R0705,
                    format!("two tables of the Power BI model are named `{}`", t.name),
                )
                .at_opt(
                    layer
                        .tables
                        .get(&t.source)
                        .and_then(|x| x.place_of("config.meta.bi.table")),
                )
                .help("give one of them another name with `config: {meta: {bi: {table: …}}}`"),
            );
        }
    }
    model.calendar = layer.calendar().and_then(|t| {
        let key = t.primary()?;
        let c = model.column(&t.name, &key.expr)?;
        Some((model.table(&t.name)?.name.clone(), c.name.clone()))
    });
    relationships(layer, &mut model, names, sink);
    model.names = layer
        .metrics
        .values()
        .filter(|m| !m.hidden || m.bi.get("dax").is_some() || is_input(layer, &m.name))
        .map(|m| {
            (
                m.name.clone(),
                names
                    .measure(&m.name)
                    .unwrap_or_else(|| m.labels.get(&settings.culture).to_string()),
            )
        })
        .collect();
    measures(layer, &mut model, names, sink);
    field_parameters(layer, &mut model, parameters, sink);
    model
}

/// Whether an exported metric takes this one.
fn is_input(layer: &Layer, name: &str) -> bool {
    use crate::semantic::Kind;
    layer.metrics.values().any(|m| {
        let takes = |i: &crate::semantic::Input| !i.is_measure && i.name == name;
        match &m.kind {
            Kind::Simple(i) | Kind::Cumulative { input: i, .. } => takes(i),
            Kind::Ratio(a, b) => takes(a) || takes(b),
            Kind::Derived { inputs, .. } => inputs.iter().any(takes),
            Kind::Conversion(_) => false,
        }
    })
}

fn pb_table(
    layer: &Layer,
    table: &Table,
    relations: &Relations,
    culture: &str,
    names: &Names,
    sink: &mut Sink,
) -> Option<PbTable> {
    if table.bi.get("export").and_then(serde_json::Value::as_bool) == Some(false) {
        return None;
    }
    let described: Vec<(String, String)> = table
        .columns
        .values()
        .filter_map(|c| Some((c.name.clone(), c.data_type.clone()?)))
        .collect();
    let columns = relations.get(&table.relation).cloned().unwrap_or(described);
    if columns.is_empty() {
        sink.push(
            Diagnostic::error(
                code::R0705,
                format!(
                    "the columns of `{}.{}` are not known",
                    table.relation.0, table.relation.1
                ),
            )
            .at_opt(table.place.clone())
            .help("build the model first, or give its columns a `data_type`"),
        );
        return None;
    }
    let said = table.bi.get("table").and_then(serde_json::Value::as_str);
    let main = said.map_or_else(|| table.labels.get(culture).to_string(), str::to_string);
    let known = names.tables.get(&names_key(&table.relation));
    let mut out = PbTable {
        name: known.map_or(main, |k| k.name.clone()),
        labels: table.labels.clone(),
        source: table.name.clone(),
        relation: table.relation.clone(),
        description: table.description.trim().to_string(),
        tag: known
            .and_then(|k| k.tag.clone())
            .unwrap_or_else(|| ids::uuid(&table.unique_id)),
        calendar: layer.calendar.as_ref() == Some(&table.name),
        columns: Vec::new(),
        hierarchies: Vec::new(),
        unique_id: table.unique_id.clone(),
    };
    for (name, pg) in &columns {
        out.columns
            .extend(pb_column(table, name, pg, culture, names, out.calendar));
    }
    unique_columns(table, &mut out, sink);
    sorts(table, &mut out, sink);
    hierarchies(table, &mut out, sink);
    missing_columns(table, &columns, sink);
    Some(out)
}

/// The key under which names of a table are kept.
pub fn names_key(relation: &(String, String)) -> String {
    format!("{}.{}", relation.0, relation.1)
}

fn pb_column(
    table: &Table,
    name: &str,
    pg: &str,
    culture: &str,
    names: &Names,
    calendar: bool,
) -> Option<PbColumn> {
    let (data_type, format, is_date) = kind(pg)?;
    let dimension = table.dimensions.values().find(|d| d.expr == *name);
    let facts = table.columns.get(name).or(dimension.map(|d| &d.column));
    let labels = dimension
        .map(|d| d.labels.clone())
        .filter(|l| l.main != *name || !l.by_language.is_empty())
        .or_else(|| facts.and_then(|f| f.labels.clone()));
    let labels = labels.unwrap_or_else(|| Labels::plain(name));
    let key = table.keys.iter().find(|k| k.expr == *name);
    let known = names
        .tables
        .get(&names_key(&table.relation))
        .and_then(|t| t.columns.get(name));
    let primary = key.is_some_and(|k| k.kind == KeyKind::Primary);
    let captioned = facts.is_some_and(|f| f.labels.is_some()) || dimension.is_some();
    let fact = !table.measures.is_empty();
    let money = facts.and_then(|f| f.kind.as_deref()) == Some("decimal");
    Some(PbColumn {
        name: known.map_or_else(|| labels.get(culture).to_string(), |k| k.name.clone()),
        labels,
        source: name.to_string(),
        data_type: if money && data_type == "double" {
            "decimal"
        } else {
            data_type
        },
        is_date,
        format: facts
            .and_then(|f| f.format.clone())
            .or(format.map(str::to_string)),
        hidden: facts.is_some_and(|f| f.hidden)
            || (key.is_some() && !(primary && calendar))
            || (fact && !captioned),
        key: primary,
        category: facts.and_then(|f| f.data_category.clone()),
        folder: facts.and_then(|f| f.folder.clone()),
        sort_by: facts.and_then(|f| f.sort_by.clone()),
        description: facts.map(|f| f.description.clone()).unwrap_or_default(),
        tag: known
            .and_then(|k| k.tag.clone())
            .unwrap_or_else(|| ids::uuid(&format!("{}.{name}", table.unique_id))),
    })
}

/// Two columns with one caption: the later one keeps its own name.
fn unique_columns(table: &Table, out: &mut PbTable, sink: &mut Sink) {
    let mut taken: BTreeSet<String> = BTreeSet::new();
    for c in &mut out.columns {
        if taken.insert(c.name.to_lowercase()) {
            continue;
        }
        sink.push(
            Diagnostic::warning(
                code::R0704,
                format!("two columns of `{}` are called `{}`", table.name, c.name),
            )
            .at_opt(table.place_of(&format!("columns.{}", c.source)))
            .help(format!(
                "`{}` keeps its own name in Power BI; give it a `caption` of its own",
                c.source
            )),
        );
        c.name.clone_from(&c.source);
        taken.insert(c.name.to_lowercase());
    }
}

/// Sorting columns by the names they have in the model.
fn sorts(table: &Table, out: &mut PbTable, sink: &mut Sink) {
    let names: BTreeMap<String, String> = out
        .columns
        .iter()
        .map(|c| (c.source.clone(), c.name.clone()))
        .collect();
    for c in &mut out.columns {
        let Some(by) = c.sort_by.take() else { continue };
        match names.get(&by) {
            Some(name) => c.sort_by = Some(name.clone()),
            None => sink.push(no_column(
                table,
                &by,
                &format!("`{}` is sorted by", c.source),
                &names,
                &format!("columns.{}.config.meta.bi.sort_by", c.source),
            )),
        }
    }
}

fn no_column(
    table: &Table,
    column: &str,
    what: &str,
    known: &BTreeMap<String, String>,
    at: &str,
) -> Diagnostic {
    let d = Diagnostic::error(
        code::R0704,
        format!(
            "{what} `{column}`, which `{}` does not have",
            table.relation.1
        ),
    )
    .at_opt(table.place_of(at));
    match crate::text::nearest(column, known.keys().map(String::as_str)) {
        Some(near) => d.help(format!("did you mean `{near}`?")),
        None => d.help("correct the name, or build the model anew if the column is new"),
    }
}

fn hierarchies(table: &Table, out: &mut PbTable, sink: &mut Sink) {
    let names: BTreeMap<String, String> = out
        .columns
        .iter()
        .map(|c| (c.source.clone(), c.name.clone()))
        .collect();
    for h in &table.hierarchies {
        let mut kept = h.clone();
        kept.levels.retain(|l| {
            let known = names.contains_key(&l.column);
            if !known {
                sink.push(no_column(
                    table,
                    &l.column,
                    &format!("the hierarchy `{}` has the column", h.labels.main),
                    &names,
                    "config.meta.bi.hierarchies",
                ));
            }
            known
        });
        if kept.levels.len() == h.levels.len() {
            let tag = ids::uuid(&format!("{}.hierarchy.{}", table.unique_id, h.labels.main));
            out.hierarchies.push((kept, tag));
        }
    }
}

/// Columns that definitions name and the relation lacks.
fn missing_columns(table: &Table, columns: &[(String, String)], sink: &mut Sink) {
    let known: BTreeMap<String, String> = columns
        .iter()
        .map(|(n, t)| (n.clone(), t.clone()))
        .collect();
    let check = |expr: &str, what: String, at: &str, sink: &mut Sink| {
        if let Ok(pieces) = crate::semantic::scan(expr) {
            for p in pieces {
                if let crate::semantic::Piece::Name(n, _) = p
                    && !known.contains_key(&n)
                {
                    sink.push(no_column(table, &n, &what, &known, at));
                }
            }
        }
    };
    for k in &table.keys {
        check(
            &k.expr,
            format!("the entity `{}` is", k.name),
            &format!("entities.{}", k.name),
            sink,
        );
    }
    for d in table.dimensions.values() {
        check(
            &d.expr,
            format!("the dimension `{}` is", d.name),
            &format!("dimensions.{}", d.name),
            sink,
        );
    }
    for m in table.measures.values() {
        check(
            &m.expr,
            format!("the measure `{}` is made of", m.name),
            &format!("measures.{}", m.name),
            sink,
        );
    }
}

fn relationships(layer: &Layer, model: &mut Model, names: &Names, sink: &mut Sink) {
    let mut out: Vec<Relationship> = Vec::new();
    for table in layer.tables.values() {
        for e in edges(layer, table) {
            let identity = table
                .key(&e.entity)
                .is_some_and(|k| k.kind != KeyKind::Foreign);
            // Of two tables with the same identity only one leads to the other.
            if identity && e.from > e.to {
                continue;
            }
            match related(model, layer, &e) {
                Ok(Some((from, to))) => {
                    out.push(relationship(from, to, e.both || identity, identity, names))
                }
                Ok(None) => {}
                Err(d) => sink.push(d),
            }
        }
    }
    if let Some((calendar, day)) = model.calendar.clone() {
        for table in layer.tables.values() {
            if Some(&table.name) == layer.calendar.as_ref() {
                continue;
            }
            let mut own: Vec<(String, bool)> = Vec::new();
            if let Some((way, at, name)) = time_path(layer, table, None)
                && way.is_empty()
                && at == table.name
            {
                own.push((time_expr(table, &name), opens(layer, table)));
            }
            for m in table.measures.values() {
                if let Some(t) = &m.time {
                    let expr = time_expr(table, t);
                    if !own.iter().any(|(e, _)| *e == expr) {
                        own.push((expr, false));
                    }
                }
            }
            for (expr, active) in own {
                let Some(c) = model.column(&table.name, &expr) else {
                    continue;
                };
                if !c.is_date {
                    sink.push(not_a_date(table, &expr));
                    continue;
                }
                let from = (
                    model
                        .table(&table.name)
                        .map(|t| t.name.clone())
                        .unwrap_or_default(),
                    c.name.clone(),
                );
                let mut r =
                    relationship(from, (calendar.clone(), day.clone()), false, false, names);
                r.active = active;
                out.push(r);
            }
        }
    }
    out.sort_by(|a, b| (&a.from, &a.to).cmp(&(&b.from, &b.to)));
    model.relationships = out;
    several_ways(layer, model, sink);
}

/// Whether the way from a table's own date to the calendar is open: only if no table of many rows leads to the table,
/// since from there would then be two ways.
fn opens(layer: &Layer, table: &Table) -> bool {
    !layer.tables.values().any(|t| {
        t.name != table.name
            && time_path(layer, t, None)
                .is_some_and(|(way, at, _)| way.is_empty() || at != table.name)
            && !crate::metrics::paths(layer, &t.name, &table.name, &[]).is_empty()
    })
}

fn not_a_date(table: &Table, expr: &str) -> Diagnostic {
    Diagnostic::error(
        code::R0705,
        format!("`{expr}` of `{}` is a time and the calendar has days, so Power BI could not join them", table.name),
    )
    .at_opt(table.place_of("agg_time_dimension"))
    .help("add a column with the date to the model, and name it in `config: {meta: {bi: {date: {via: …}}}}`")
}

fn relationship(
    from: (String, String),
    to: (String, String),
    both: bool,
    one_to_one: bool,
    names: &Names,
) -> Relationship {
    let key = format!("{}.{} → {}.{}", from.0, from.1, to.0, to.1);
    let name = names
        .relationships
        .get(&key)
        .cloned()
        .unwrap_or_else(|| ids::uuid(&format!("relationship.{key}")));
    Relationship {
        name,
        from,
        to,
        both,
        one_to_one,
        active: true,
    }
}

/// The columns that a step joins.
fn related(
    model: &Model,
    layer: &Layer,
    e: &Edge,
) -> Result<Option<((String, String), (String, String))>, Diagnostic> {
    let (Some(a), Some(b)) = (model.table(&e.from), model.table(&e.to)) else {
        return Ok(None);
    };
    let find = |table: &PbTable, expr: &str| {
        table
            .columns
            .iter()
            .find(|c| c.source == *expr)
            .map(|c| (table.name.clone(), c.name.clone()))
    };
    match (find(a, &e.from_expr), find(b, &e.to_expr)) {
        (Some(x), Some(y)) => Ok(Some((x, y))),
        _ => {
            let table = layer.tables.get(&e.from);
            Err(Diagnostic::error(
                code::R0705,
                format!("`{}` and `{}` are joined by an expression or several columns, and Power BI joins by one column", e.from, e.to),
            )
            .at_opt(table.and_then(|t| t.place_of(&format!("entities.{}", e.entity))))
            .help("make a surrogate key in both models and name it as the entity"))
        }
    }
}

/// Two open ways between the same tables would be refused when the model is loaded.
fn several_ways(layer: &Layer, model: &Model, sink: &mut Sink) {
    let next = |t: &str| {
        model
            .relationships
            .iter()
            .filter(move |r| r.active && r.from.0 == t)
            .map(|r| r.to.0.clone())
            .collect::<Vec<_>>()
    };
    for t in &model.tables {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        let mut open: Vec<(String, usize)> = vec![(t.name.clone(), 0)];
        while let Some((at, depth)) = open.pop() {
            for to in next(&at) {
                *counts.entry(to.clone()).or_default() += 1;
                if depth < 8 {
                    open.push((to, depth + 1));
                }
            }
        }
        if let Some((to, _)) = counts.iter().find(|(_, n)| **n > 1) {
            let table = layer.tables.get(&t.source);
            let is_calendar = model.calendar.as_ref().is_some_and(|(c, _)| c == to);
            let help = if is_calendar {
                "say which with `config: {meta: {bi: {date: {via: …}}}}`, naming a foreign entity or a column"
            } else {
                "leave out the foreign entity that is not meant; its column stays"
            };
            sink.push(
                Diagnostic::error(
                    code::R0704,
                    format!(
                        "there are two ways from `{}` to `{to}`, and Power BI takes only one",
                        t.name
                    ),
                )
                .at_opt(table.and_then(|x| x.place.clone()))
                .help(help),
            );
            return;
        }
    }
}

fn measures(layer: &Layer, model: &mut Model, names: &Names, sink: &mut Sink) {
    let mut out = Vec::new();
    let mut taken: BTreeMap<String, String> = BTreeMap::new();
    let writer = Writer { layer, model };
    for m in layer.metrics.values() {
        let Some(name) = writer.model.names.get(&m.name) else {
            continue;
        };
        if let Some(other) = taken.insert(name.to_lowercase(), m.name.clone()) {
            sink.push(
                Diagnostic::error(
                    code::R0705,
                    format!(
                        "the metrics `{other}` and `{}` are both called `{name}`",
                        m.name
                    ),
                )
                .at_opt(m.place_of("label"))
                .help("give one of them another `label`; measures have different names"),
            );
            continue;
        }
        match writer.metric(m) {
            Ok(dax) => out.push(PbMeasure {
                name: name.clone(),
                labels: m.labels.clone(),
                metric: m.name.clone(),
                dax,
                format: m.format.clone(),
                folder: m.folder.as_ref().map(|f| f.replace('/', "\\")),
                hidden: m.hidden,
                description: m.description.clone(),
                tag: names
                    .measure_tag(name)
                    .unwrap_or_else(|| ids::uuid(&m.unique_id)),
            }),
            Err(d) if m.hidden => sink.push(Diagnostic {
                severity: crate::diag::Severity::Warning,
                ..d
            }),
            Err(d) => sink.push(d),
        }
        if let crate::semantic::Kind::Cumulative { over, .. } = &m.kind
            && over.period == crate::semantic::PeriodAgg::First
        {
            sink.push(
                Diagnostic::warning(code::R0704, format!("metric `{}`: by month SQL gives the value of the first day, and Power BI that of the last", m.name))
                    .at_opt(m.place_of("period_agg"))
                    .help("say `period_agg: last`"),
            );
        }
    }
    out.sort_by(|a, b| a.name.cmp(&b.name));
    model.measures = out;
}

fn field_parameters(layer: &Layer, model: &mut Model, parameters: &[Parameter], sink: &mut Sink) {
    for p in parameters {
        let mut measures = Vec::new();
        for (m, at) in &p.metrics {
            match model.names.get(m) {
                Some(name) => measures.push(name.clone()),
                None => {
                    let d = Diagnostic::error(
                        code::R0705,
                        format!(
                            "`{m}` of the parameter `{}` is not an exported metric",
                            p.name
                        ),
                    )
                    .at(at.clone());
                    sink.push(
                        match crate::text::nearest(m, layer.metrics.keys().map(String::as_str)) {
                            Some(near) => d.help(format!("did you mean `{near}`?")),
                            None => d,
                        },
                    );
                }
            }
        }
        if !model.parameters.iter().any(|x| x.name == p.name) {
            model.parameters.push(PbParameter {
                name: p.name.clone(),
                measures,
            });
        }
    }
}

impl Model {
    /// The table of a semantic model.
    pub fn table(&self, source: &str) -> Option<&PbTable> {
        self.tables.iter().find(|t| t.source == source)
    }

    /// A column of a semantic model's table, by the relation's column.
    pub fn column(&self, source: &str, column: &str) -> Option<&PbColumn> {
        self.table(source)?
            .columns
            .iter()
            .find(|c| c.source == column)
    }

    /// The name of a metric's measure.
    pub fn measure_name(&self, metric: &str) -> Option<String> {
        self.names.get(metric).cloned()
    }

    /// Where a dimension stands.
    pub fn target(&self, target: &Target) -> Option<(String, PbColumn)> {
        match target {
            Target::Time(_) => {
                let (t, c) = self.calendar.as_ref()?;
                let table = self.tables.iter().find(|x| x.name == *t)?;
                Some((
                    t.clone(),
                    table.columns.iter().find(|x| x.name == *c)?.clone(),
                ))
            }
            Target::Metric { .. } => None,
            Target::Column { table, expr, .. } => {
                let t = self.table(table)?;
                Some((
                    t.name.clone(),
                    t.columns.iter().find(|c| c.source == *expr)?.clone(),
                ))
            }
        }
    }

    /// The relationship that a measure must switch on to reach the calendar.
    pub fn date_relationship(
        &self,
        layer: &Layer,
        table: &Table,
        measure: Option<&Measure>,
    ) -> Option<&Relationship> {
        let (at, name) = dax::own_date(layer, table, measure)?;
        let own = layer.tables.get(&at)?;
        let c = self.column(&at, &time_expr(own, &name))?;
        let t = &self.table(&at)?.name;
        self.relationships.iter().find(|r| {
            !r.active
                && r.from == (t.clone(), c.name.clone())
                && self.calendar.as_ref() == Some(&r.to)
        })
    }
}
