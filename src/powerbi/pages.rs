//! Report pages in PBIR: each tile one visual.
use super::model::{MEASURES, Model, PbColumn};
use super::write::{json_text, platform, schema};
use super::{Files, Settings, ids};
use crate::diag::{Diagnostic, Sink, code};
use crate::metrics::{Target, resolve};
use crate::semantic::Layer;
use crate::text::Place;
use serde_json::{Map, Value, json};

/// A page as it is declared.
#[derive(Debug, Clone)]
pub struct Sheet {
    /// Name.
    pub name: String,
    /// Title.
    pub title: String,
    /// Colours as `#RRGGBB`.
    pub colors: Vec<String>,
    /// Slicers from left to right.
    pub slicers: Vec<Choice>,
    /// Tiles.
    pub tiles: Vec<Tile>,
    /// Relative heights of the rows.
    pub heights: Vec<f64>,
}

/// What readers choose.
#[derive(Debug, Clone)]
pub enum Choice {
    /// Metrics of a parameter.
    Parameter(String),
    /// Values of a dimension.
    Dimension(String, Place),
    /// Days.
    Time,
}

/// A tile.
#[derive(Debug, Clone)]
pub struct Tile {
    /// Name on the page.
    pub id: String,
    /// `cards`, `gauge`, `donut`, `column`, `bar`, `line`, `table` or `top`.
    pub kind: &'static str,
    /// Title.
    pub title: Option<String>,
    /// Metrics.
    pub metrics: Vec<String>,
    /// Parameter that chooses them.
    pub parameter: Option<String>,
    /// Dimensions.
    pub by: Vec<String>,
    /// Column with images, in the table of the first dimension.
    pub image: Option<String>,
    /// Most rows.
    pub limit: Option<u64>,
    /// Row and column from 1, columns and rows that it fills.
    pub at: (usize, usize, usize, usize),
    /// Where it is declared.
    pub place: Place,
}

const WIDTH: f64 = 1280.0;
const HEIGHT: f64 = 720.0;
/// Header with title and slicers.
const HEADER: f64 = 90.0;
const MARGIN: f64 = 16.0;
const GAP: f64 = 12.0;
const COLUMNS: f64 = 12.0;

/// Writes the report of the pages.
pub fn pages(
    layer: &Layer,
    model: &Model,
    sheets: &[Sheet],
    settings: &Settings,
    sink: &mut Sink,
) -> Files {
    let root = format!("{}.Report", settings.name);
    let mut out = Files::new();
    out.insert(
        format!("{root}/.platform"),
        platform("Report", &settings.name),
    );
    out.insert(
        format!("{root}/definition.pbir"),
        json_text(&json!({
            "$schema": schema("item/report/definitionProperties/2.0.0"),
            "version": "4.0",
            "datasetReference": {"byPath": {"path": format!("../{}.SemanticModel", settings.name)}},
        })),
    );
    out.insert(
        format!("{root}/definition/version.json"),
        json_text(&json!({"$schema": schema("item/report/definition/versionMetadata/1.0.0"), "version": "2.0.0"})),
    );
    report(&root, sheets.first(), &mut out);
    let empty = [Sheet {
        name: "page".into(),
        title: settings.name.clone(),
        colors: Vec::new(),
        slicers: Vec::new(),
        tiles: Vec::new(),
        heights: Vec::new(),
    }];
    let sheets = if sheets.is_empty() { &empty } else { sheets };
    let names: Vec<String> = sheets
        .iter()
        .map(|s| ids::short(&format!("page.{}", s.name)))
        .collect();
    out.insert(
        format!("{root}/definition/pages/pages.json"),
        json_text(&json!({
            "$schema": schema("item/report/definition/pagesMetadata/1.0.0"),
            "pageOrder": names,
            "activePageName": names[0],
        })),
    );
    for (sheet, name) in sheets.iter().zip(&names) {
        let mut page = Page {
            layer,
            model,
            sheet,
            visuals: Vec::new(),
            sink,
        };
        page.fill();
        let folder = format!("{root}/definition/pages/{name}");
        out.insert(
            format!("{folder}/page.json"),
            json_text(&json!({
                "$schema": schema("item/report/definition/page/2.0.0"),
                "name": name,
                "displayName": sheet.title,
                "displayOption": "FitToPage",
                "height": HEIGHT,
                "width": WIDTH,
            })),
        );
        for v in page.visuals {
            let id = v["name"].as_str().unwrap_or_default().to_string();
            out.insert(format!("{folder}/visuals/{id}/visual.json"), json_text(&v));
        }
    }
    out
}

/// `report.json` and the theme.
fn report(root: &str, first: Option<&Sheet>, out: &mut Files) {
    let at = json!({"visual": "2.1.0", "report": "3.0.0", "page": "2.3.0"});
    let theme = "tv1-theme.json";
    let mut themes = Map::new();
    themes.insert(
        "baseTheme".into(),
        json!({"name": "CY25SU10", "reportVersionAtImport": at, "type": "SharedResources"}),
    );
    let mut packages = vec![json!({
        "name": "SharedResources",
        "type": "SharedResources",
        "items": [{"name": "CY25SU10", "path": "BaseThemes/CY25SU10.json", "type": "BaseTheme"}],
    })];
    if let Some(s) = first.filter(|s| !s.colors.is_empty()) {
        themes.insert(
            "customTheme".into(),
            json!({"name": theme, "reportVersionAtImport": at, "type": "RegisteredResources"}),
        );
        packages.push(json!({
            "name": "RegisteredResources",
            "type": "RegisteredResources",
            "items": [{"name": theme, "path": theme, "type": "CustomTheme"}],
        }));
        out.insert(
            format!("{root}/StaticResources/RegisteredResources/{theme}"),
            json_text(&json!({"name": theme, "dataColors": s.colors})),
        );
    }
    out.insert(
        format!("{root}/definition/report.json"),
        json_text(&json!({
            "$schema": schema("item/report/definition/report/3.0.0"),
            "themeCollection": themes,
            "resourcePackages": packages,
            "settings": {
                "useStylableVisualContainerHeader": true,
                "defaultDrillFilterOtherVisuals": true,
                "useEnhancedTooltips": true,
            },
        })),
    );
}

/// A literal of a visual's settings.
fn literal(v: &str) -> Value {
    json!({"expr": {"Literal": {"Value": v}}})
}

fn text_literal(t: &str) -> Value {
    literal(&format!("'{}'", t.replace('\'', "''")))
}

fn column_field(table: &str, column: &str) -> Value {
    json!({"Column": {"Expression": {"SourceRef": {"Entity": table}}, "Property": column}})
}

fn measure_field(name: &str) -> Value {
    json!({"Measure": {"Expression": {"SourceRef": {"Entity": MEASURES}}, "Property": name}})
}

fn projection(field: Value, table: &str, name: &str) -> Value {
    json!({"field": field, "queryRef": format!("{table}.{name}"), "nativeQueryRef": name})
}

/// A box on the page, in pixels.
struct Area {
    x: f64,
    y: f64,
    width: f64,
    height: f64,
}

struct Page<'a, 'b> {
    layer: &'a Layer,
    model: &'a Model,
    sheet: &'a Sheet,
    visuals: Vec<Value>,
    sink: &'b mut Sink,
}

/// The roles that a visual's fields play.
type Roles = Vec<(&'static str, Value)>;

impl Page<'_, '_> {
    fn fill(&mut self) {
        let sheet = self.sheet;
        if sheet.tiles.is_empty() && sheet.slicers.is_empty() {
            return;
        }
        self.header();
        let shown = sheet.slicers.len().max(1) as f64;
        let width = ((WIDTH * 0.75 - MARGIN) / shown).min(260.0);
        let from = WIDTH - MARGIN - width * sheet.slicers.len() as f64;
        for (i, s) in sheet.slicers.iter().enumerate() {
            let area = Area {
                x: (from + width * i as f64).round(),
                y: 0.0,
                width: width.round(),
                height: HEADER,
            };
            self.slicer(s, area);
        }
        for t in &sheet.tiles {
            let area = self.area(t);
            self.tile(t, area);
        }
    }

    fn area(&self, t: &Tile) -> Area {
        let (row, column, span, rows) = t.at;
        let heights = &self.sheet.heights;
        let total: f64 = heights.iter().sum::<f64>().max(1.0);
        let gaps = GAP * heights.len().saturating_sub(1) as f64;
        let free = HEIGHT - HEADER - MARGIN - gaps;
        let height = |r: usize| heights.get(r).copied().unwrap_or(1.0) / total * free;
        let y = HEADER + (0..row - 1).map(|r| height(r) + GAP).sum::<f64>();
        let tall = (row - 1..row - 1 + rows).map(height).sum::<f64>() + GAP * (rows - 1) as f64;
        let one = (WIDTH - 2.0 * MARGIN + GAP) / COLUMNS;
        Area {
            x: (MARGIN + one * (column - 1) as f64).round(),
            y: y.round(),
            width: (one * span as f64 - GAP).round(),
            height: tall.round(),
        }
    }

    fn header(&mut self) {
        let run = json!({"value": self.sheet.title, "textStyle": {"fontWeight": "bold", "fontSize": "24pt"}});
        let visual = json!({
            "visualType": "textbox",
            "objects": {"general": [{"properties": {"paragraphs": [{"textRuns": [run]}]}}]},
            "drillFilterOtherVisuals": true,
        });
        self.push(
            "header",
            Area {
                x: MARGIN,
                y: 20.0,
                width: 220.0,
                height: 60.0,
            },
            visual,
            None,
        );
    }

    fn push(&mut self, id: &str, area: Area, visual: Value, filter: Option<Value>) {
        let n = self.visuals.len() * 1000;
        let name = ids::short(&format!("visual.{}.{id}", self.sheet.name));
        let mut v = json!({
            "$schema": schema("item/report/definition/visualContainer/2.3.0"),
            "name": name,
            "position": {"x": area.x, "y": area.y, "z": n, "height": area.height, "width": area.width, "tabOrder": n},
            "visual": visual,
        });
        if let Some(f) = filter {
            v["filterConfig"] = json!({"filters": [f]});
        }
        self.visuals.push(v);
    }

    /// Table and column of a dimension.
    fn dimension(&mut self, name: &str, place: &Place) -> Option<(String, PbColumn)> {
        let found = resolve(self.layer, name, &[], false);
        let named = match found {
            Ok(n) => n,
            Err(stopped) => {
                stopped
                    .0
                    .into_iter()
                    .for_each(|d| self.sink.push(d.at(place.clone())));
                return None;
            }
        };
        let target = match (&named.target, self.model.target(&named.target)) {
            (_, Some(t)) => Some(t),
            (Target::Time(_), None) | (_, None) => None,
        };
        if target.is_none() {
            self.sink.push(
                Diagnostic::error(code::R0705, format!("`{name}` is not a column of the Power BI model"))
                    .at(place.clone())
                    .help("a dimension that is an expression becomes one when it is made a column of its model"),
            );
        }
        target
    }

    fn by(&mut self, name: &str, place: &Place) -> Option<Value> {
        let (table, c) = self.dimension(name, place)?;
        Some(projection(column_field(&table, &c.name), &table, &c.name))
    }

    /// A column of images beside the dimension that a tile is by.
    fn image(&mut self, name: &str, t: &Tile) -> Option<Value> {
        let (table, _) = self.dimension(t.by.first()?, &t.place)?;
        let columns = self.model.tables.iter().find(|x| x.name == table);
        let column = columns.and_then(|x| {
            let of_source = x.columns.iter().find(|c| c.source == name);
            of_source.or_else(|| x.columns.iter().find(|c| c.name == name))
        });
        if column.is_none() {
            let text = format!("`{name}` is not a column of `{table}`");
            self.sink
                .push(Diagnostic::error(code::R0705, text).at(t.place.clone()));
        }
        let column = column?.name.clone();
        Some(projection(column_field(&table, &column), &table, &column))
    }

    fn measures(&mut self, t: &Tile) -> Vec<Value> {
        let mut out = Vec::new();
        for m in &t.metrics {
            match self.model.measure_name(m) {
                Some(name) => out.push(projection(measure_field(&name), MEASURES, &name)),
                None => self.sink.push(
                    Diagnostic::error(code::R0705, format!("the metric `{m}` is not exported"))
                        .at(t.place.clone()),
                ),
            }
        }
        out
    }

    fn slicer(&mut self, s: &Choice, area: Area) {
        let (id, field, mode) = match s {
            Choice::Parameter(name) => (
                format!("slicer.{name}"),
                Some(projection(column_field(name, name), name, name)),
                "Dropdown",
            ),
            Choice::Dimension(name, place) => {
                (format!("slicer.{name}"), self.by(name, place), "Dropdown")
            }
            Choice::Time => {
                let field = self
                    .model
                    .calendar
                    .as_ref()
                    .map(|(t, c)| projection(column_field(t, c), t, c));
                ("slicer.time".to_string(), field, "Between")
            }
        };
        let Some(field) = field else { return };
        let visual = json!({
            "visualType": "slicer",
            "query": {"queryState": {"Values": {"projections": [field]}}},
            "objects": {"data": [{"properties": {"mode": text_literal(mode)}}]},
            "drillFilterOtherVisuals": true,
        });
        self.push(&id, area, visual, None);
    }

    fn tile(&mut self, t: &Tile, area: Area) {
        let measures = self.measures(t);
        let mut groups = Vec::new();
        for b in &t.by {
            groups.extend(self.by(b, &t.place));
        }
        if measures.is_empty() || groups.len() < t.by.len() {
            return;
        }
        let list = |p: &[Value]| json!({ "projections": p });
        let mut y = json!({"projections": measures});
        if let Some(p) = &t.parameter {
            y["fieldParameters"] = json!([{"parameterExpr": column_field(p, p), "index": 0, "length": measures.len()}]);
        }
        let mut filter = None;
        let (kind, roles): (&str, Roles) = match t.kind {
            "cards" => ("cardVisual", vec![("Data", y)]),
            "gauge" => {
                let names = ["Y", "MaxValue", "TargetValue"];
                let roles = names
                    .into_iter()
                    .zip(&measures)
                    .map(|(r, m)| (r, list(std::slice::from_ref(m))))
                    .collect();
                ("gauge", roles)
            }
            "donut" => ("donutChart", vec![("Category", list(&groups)), ("Y", y)]),
            "line" => (
                "lineChart",
                vec![("Category", list(&groups[..1])), ("Y", y)],
            ),
            "bar" | "column" => {
                let mut roles = vec![("Category", list(&groups[..1]))];
                roles.extend(
                    groups
                        .get(1)
                        .map(|g| ("Series", list(std::slice::from_ref(g)))),
                );
                roles.push(("Y", y));
                let kind = match (t.kind, groups.len() > 1) {
                    ("bar", false) => "clusteredBarChart",
                    ("bar", true) => "barChart",
                    (_, false) => "clusteredColumnChart",
                    (_, true) => "columnChart",
                };
                filter = self.top(t);
                (kind, roles)
            }
            _ => {
                let mut all = Vec::new();
                if let Some(image) = &t.image {
                    all.extend(self.image(image, t));
                }
                all.extend(groups.clone());
                all.extend(measures.clone());
                filter = self.top(t);
                ("tableEx", vec![("Values", list(&all))])
            }
        };
        let state: Map<String, Value> =
            roles.into_iter().map(|(r, v)| (r.to_string(), v)).collect();
        let mut query = json!({ "queryState": state });
        if t.limit.is_some()
            && let Some(m) = measures.first()
        {
            query["sortDefinition"] = json!({"sort": [{"field": m["field"], "direction": "Descending"}], "isDefaultSort": false});
        }
        let mut visual =
            json!({"visualType": kind, "query": query, "drillFilterOtherVisuals": true});
        if let Some(title) = &t.title {
            visual["visualContainerObjects"] = json!({"title": [{"properties": {"show": literal("true"), "text": text_literal(title)}}]});
        }
        self.push(&t.id, area, visual, filter);
    }

    /// Keeps the values with the most.
    fn top(&mut self, t: &Tile) -> Option<Value> {
        let n = t.limit?;
        let (table, column) = self.dimension(t.by.first()?, &t.place)?;
        let measure = self.model.measure_name(t.metrics.first()?)?;
        let inner = |alias: &str| json!({"Column": {"Expression": {"SourceRef": {"Source": alias}}, "Property": column.name}});
        let query = json!({
            "Version": 2,
            "From": [{"Name": "t", "Entity": table, "Type": 0}, {"Name": "m", "Entity": MEASURES, "Type": 0}],
            "Select": [{"Column": inner("t")["Column"], "Name": "field"}],
            "OrderBy": [{
                "Direction": 2,
                "Expression": {"Measure": {"Expression": {"SourceRef": {"Source": "m"}}, "Property": measure}},
            }],
            "Top": n,
        });
        Some(json!({
            "name": ids::short(&format!("filter.{}.{}", self.sheet.name, t.id)),
            "field": column_field(&table, &column.name),
            "type": "TopN",
            "filter": {
                "Version": 2,
                "From": [
                    {"Name": "subquery", "Expression": {"Subquery": {"Query": query}}, "Type": 2},
                    {"Name": "t", "Entity": table, "Type": 0},
                ],
                "Where": [{"Condition": {"In": {"Expressions": [inner("t")], "Table": {"SourceRef": {"Source": "subquery"}}}}}],
            },
        }))
    }
}
