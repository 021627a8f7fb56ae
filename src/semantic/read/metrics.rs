//! Metrics: what they are made of.
use super::{labels, list, text};
use crate::diag::{Diagnostic, Sink, code};
use crate::graph::SemanticEntry;
use crate::semantic::facts::{bi, is_on};
use crate::semantic::types::{
    Conversion, Cumulative, Grain, Input, Kind, Metric, Offset, PeriodAgg, Window,
};
use serde_json::Value;

fn filters(v: &Value) -> Vec<String> {
    match v {
        Value::Null => Vec::new(),
        Value::Array(items) => items.iter().flat_map(filters).collect(),
        Value::Object(map) => match map.get("where_filters") {
            Some(inner) => filters(inner),
            None => map
                .get("where_sql_template")
                .map(filters)
                .unwrap_or_default(),
        },
        Value::String(s) => vec![s.trim().to_string()],
        other => vec![other.to_string()],
    }
}

fn window(v: Option<&Value>) -> Option<Window> {
    let v = v?;
    let count = v.get("count").and_then(Value::as_i64)?;
    let grain = text(v, "granularity").and_then(|g| Grain::parse(&g))?;
    Some(Window { count, grain })
}

fn input(v: &Value, is_measure: bool) -> Option<Input> {
    let name = match v {
        Value::String(s) => s.clone(),
        _ => text(v, "name")?,
    };
    let back = window(v.get("offset_window")).map(Offset::Back);
    let start = text(v, "offset_to_grain")
        .and_then(|g| Grain::parse(&g))
        .map(Offset::Start);
    Some(Input {
        name,
        is_measure,
        alias: text(v, "alias"),
        filters: v.get("filter").map(filters).unwrap_or_default(),
        offset: back.or(start),
        fill: v.get("fill_nulls_with").and_then(Value::as_f64),
        every_day: is_on(v, "join_to_timespine"),
    })
}

fn kind(name: &str, params: &Value, word: &str) -> Result<Kind, String> {
    let need = |key: &str, is_measure: bool| {
        params
            .get(key)
            .and_then(|v| input(v, is_measure))
            .ok_or_else(|| format!("`{key}` is missing"))
    };
    Ok(match word {
        "simple" => Kind::Simple(need("measure", true)?),
        "ratio" => Kind::Ratio(need("numerator", false)?, need("denominator", false)?),
        "derived" => {
            let expr = text(params, "expr").ok_or("`expr` is missing")?;
            let inputs: Vec<Input> = list(params.get("metrics"))
                .filter_map(|v| input(v, false))
                .collect();
            Kind::Derived { expr, inputs }
        }
        "cumulative" => {
            let c = params
                .get("cumulative_type_params")
                .cloned()
                .unwrap_or_default();
            let input = params
                .get("measure")
                .and_then(|v| input(v, true))
                .or_else(|| c.get("metric").and_then(|v| input(v, false)))
                .ok_or("it takes no measure and no metric")?;
            let to_date = text(&c, "grain_to_date")
                .map(|g| Grain::parse(&g).ok_or_else(|| format!("`{g}` is not a grain")));
            let over = Cumulative {
                window: window(c.get("window")),
                to_date: to_date.transpose()?,
                period: match text(&c, "period_agg").as_deref() {
                    Some("last") => PeriodAgg::Last,
                    Some("average") => PeriodAgg::Average,
                    _ => PeriodAgg::First,
                },
            };
            if over.window.is_some() && over.to_date.is_some() {
                return Err("it has both a `window` and a `grain_to_date`".into());
            }
            Kind::Cumulative { input, over }
        }
        "conversion" => Kind::Conversion(Some(Box::new(conversion(params)?))),
        other => return Err(format!("`{other}` is not a type of metric ({name})")),
    })
}

fn conversion(params: &Value) -> Result<Conversion, String> {
    let p = params
        .get("conversion_type_params")
        .cloned()
        .unwrap_or_default();
    let measure = |key: &str| {
        let found = p.get(key).and_then(|v| input(v, true));
        found.ok_or_else(|| format!("`{key}` is missing"))
    };
    let pairs = list(p.get("constant_properties"));
    Ok(Conversion {
        base: measure("base_measure")?,
        conversion: measure("conversion_measure")?,
        entity: text(&p, "entity").ok_or("`entity` is missing")?,
        window: window(p.get("window")),
        rate: text(&p, "calculation").as_deref() != Some("conversions"),
        same: pairs
            .filter_map(|x| Some((text(x, "base_property")?, text(x, "conversion_property")?)))
            .collect(),
    })
}

pub(super) fn metric(entry: &SemanticEntry, sink: &mut Sink) -> Metric {
    let fields = Value::Object(entry.fields.clone());
    let facts = bi(entry.config.get("meta"));
    let params = fields.get("type_params").cloned().unwrap_or_default();
    let word = text(&fields, "type").unwrap_or_else(|| "simple".into());
    let kind = kind(&entry.name, &params, &word).unwrap_or_else(|message| {
        sink.push(
            Diagnostic::error(code::R0701, format!("metric `{}`: {message}", entry.name))
                .at_opt(entry.place.clone()),
        );
        Kind::Conversion(None)
    });
    Metric {
        name: entry.name.clone(),
        unique_id: entry.unique_id.clone(),
        kind,
        filters: fields.get("filter").map(filters).unwrap_or_default(),
        labels: labels(&fields, &facts, &entry.name),
        description: text(&fields, "description")
            .unwrap_or_default()
            .trim()
            .to_string(),
        format: text(&facts, "format"),
        folder: text(&facts, "folder"),
        hidden: is_on(&facts, "hidden"),
        bi: facts,
        place: entry.place.clone(),
        places: entry.places.clone(),
    }
}
