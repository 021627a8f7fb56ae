//! Measures and field parameters.
use super::{Model, PbMeasure, PbParameter};
use crate::diag::{Diagnostic, Sink, code};
use crate::powerbi::dax::Writer;
use crate::powerbi::{Names, Parameter, ids};
use crate::semantic::Layer;
use std::collections::BTreeMap;

pub(super) fn measures(layer: &Layer, model: &mut Model, names: &Names, sink: &mut Sink) {
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

pub(super) fn field_parameters(
    layer: &Layer,
    model: &mut Model,
    parameters: &[Parameter],
    sink: &mut Sink,
) {
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
