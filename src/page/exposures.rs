//! Reports as nodes of the graph: what a report and each of its tiles shows depends on metrics and on the models that
//! have its dimensions. A report that cannot be read is no node; `tv1 report` says what is wrong with it.
use super::query::Scope;
use super::spec::{Report, Tile};
use crate::diag::Sink;
use crate::graph::{Config, DependsOn, Exposure, Manifest};
use crate::semantic::Layer;
use serde_json::{Map, Value, json};
use std::path::Path;

/// Adds an exposure for each report of the project's `reports/`, and one for each of its tiles.
///
/// An exposure of the same name that is declared by hand stays as it is. Without reports nothing changes.
pub fn add(manifest: &mut Manifest, project: &str, folder: &Path, now: f64) {
    let mut sink = Sink::default();
    let reports = super::load(folder, &mut sink).reports;
    if reports.is_empty() {
        return;
    }
    let layer = Layer::read(manifest, &mut sink);
    let mut made: Vec<Exposure> = Vec::new();
    for report in &reports {
        let mut said = Sink::default();
        let scope = Scope {
            layer: &layer,
            report,
        };
        scope.check(&mut said);
        if said.has_errors() {
            continue;
        }
        let maker = Maker {
            scope,
            project,
            file: report.place.file.path.clone(),
            now,
        };
        made.push(maker.report());
        made.extend(report.tiles.iter().map(|t| maker.tile(t)));
    }
    for e in made {
        manifest.exposures.entry(e.unique_id.clone()).or_insert(e);
    }
}

/// What the exposures of a report share.
struct Maker<'a> {
    scope: Scope<'a>,
    project: &'a str,
    file: String,
    now: f64,
}

impl Maker<'_> {
    fn report(&self) -> Exposure {
        let report = self.scope.report;
        let metrics = report.all_metrics();
        let mut dims = report.sliced();
        dims.extend(report.tiles.iter().flat_map(shown));
        let meta = json!({"report": report.name, "tiles": report.tiles.len()});
        let mut e = self.exposure(&report.name, &[&report.name], "dashboard", meta);
        e.fields.insert("label".into(), json!(report.title));
        e.fields
            .insert("description".into(), json!(report.description));
        e.place = Some(report.place.clone());
        self.needs(&mut e, &metrics, &dims);
        e
    }

    fn tile(&self, tile: &Tile) -> Exposure {
        let report = self.scope.report;
        let id = tile.id.replace('-', "_");
        let name = format!("{}__{id}", report.name);
        let meta = json!({"report": report.name, "tile": tile.id, "kind": tile.kind.as_str()});
        let mut e = self.exposure(&name, &[&report.name, &id], "analysis", meta);
        let metrics = report.metrics(tile);
        e.fields
            .insert("label".into(), json!(self.title(report, tile, &metrics)));
        e.place = Some(tile.place.clone());
        self.needs(&mut e, &metrics, &shown(tile));
        e
    }

    /// The title of a tile, or one made of what it shows.
    fn title(&self, report: &Report, tile: &Tile, metrics: &[String]) -> String {
        if let Some(title) = &tile.title {
            return format!("{}: {title}", report.title);
        }
        let label = |m: &String| {
            let metric = self.scope.layer.metrics.get(m);
            metric.map_or_else(|| m.clone(), |m| m.labels.get(&report.locale).to_string())
        };
        let names: Vec<String> = metrics.iter().map(label).collect();
        let by: Vec<String> = tile.by.iter().map(|(d, _)| self.scope.label(d)).collect();
        let by = if by.is_empty() {
            String::new()
        } else {
            format!(" × {}", by.join(" × "))
        };
        format!("{}: {}{by}", report.title, names.join(", "))
    }

    fn exposure(&self, name: &str, last: &[&str], kind: &str, meta: Value) -> Exposure {
        let mut fqn = vec![self.project.to_string(), "reports".to_string()];
        fqn.extend(last.iter().map(|s| (*s).to_string()));
        let mut config = Map::new();
        config.insert("enabled".into(), json!(true));
        config.insert("tags".into(), json!([]));
        config.insert("meta".into(), meta.clone());
        let mut fields = Map::new();
        fields.insert("type".into(), json!(kind));
        fields.insert("owner".into(), json!({"email": null, "name": self.project}));
        fields.insert("description".into(), json!(""));
        for key in ["label", "maturity", "url"] {
            fields.insert(key.into(), Value::Null);
        }
        fields.insert("meta".into(), meta);
        let file = self.file.replace('\\', "/");
        Exposure {
            unique_id: format!("exposure.{}.{name}", self.project),
            name: name.to_string(),
            package_name: self.project.to_string(),
            path: file.strip_prefix("reports/").unwrap_or(&file).to_string(),
            original_file_path: file.clone(),
            fqn,
            fields,
            config: Config(config),
            unrendered_config: Map::new(),
            refs: Vec::new(),
            sources: Vec::new(),
            metrics: Vec::new(),
            depends_on: DependsOn::default(),
            tags: Vec::new(),
            created_at: self.now,
            place: None,
        }
    }

    /// What metrics and dimensions need: the metrics, and the models that the dimensions are columns of.
    fn needs(&self, e: &mut Exposure, metrics: &[String], dims: &[String]) {
        for m in metrics {
            if let Some(metric) = self.scope.layer.metrics.get(m) {
                e.metrics.push(vec![m.clone()]);
                e.depends_on.nodes.push(metric.unique_id.clone());
            }
        }
        let time = self.scope.report.time().map(str::to_string);
        for d in dims.iter().chain(&time) {
            let node = match self.scope.facts(d) {
                Some(facts) => Some(facts.table.node.clone()),
                None => self.scope.layer.calendar().map(|t| t.node.clone()),
            };
            if let Some(node) = node
                && !e.depends_on.nodes.contains(&node)
            {
                e.depends_on.nodes.push(node);
            }
        }
    }
}

/// Dimensions that a tile shows or leads to.
fn shown(tile: &Tile) -> Vec<String> {
    let all = tile.by.iter().chain(&tile.drill);
    all.map(|(d, _)| d.clone()).collect()
}
