//! The model as TMDL files.
use super::dax::measure_ref;
use super::model::{MEASURES, Model, PbColumn, PbMeasure, PbParameter, PbTable, Relationship};
use super::tmdl::{Object, name};
use super::{Files, Settings, ids};
use crate::semantic::Labels;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fmt::Write as _;

const SCHEMAS: &str = "https://developer.microsoft.com/json-schemas/fabric/";

/// JSON as Power BI Desktop writes it.
pub fn json_text(v: &Value) -> String {
    serde_json::to_string_pretty(v).unwrap_or_default()
}

/// Address of a schema.
pub fn schema(path: &str) -> String {
    format!("{SCHEMAS}{path}/schema.json")
}

/// The files of the model and of the project around it.
pub fn model_files(model: &Model, settings: &Settings) -> Files {
    let mut out = Files::new();
    let folder = format!("{}.SemanticModel", settings.name);
    let definition = format!("{folder}/definition");
    out.insert(
        format!("{folder}/.platform"),
        platform("SemanticModel", &settings.name),
    );
    out.insert(
        format!("{folder}/definition.pbism"),
        json_text(&json!({
            "$schema": schema("item/semanticModel/definitionProperties/1.0.0"),
            "version": "4.2",
            "settings": {},
        })),
    );
    out.insert(
        format!("{definition}/database.tmdl"),
        "database\n\tcompatibilityLevel: 1567\n\tcompatibilityMode: powerBI\n\n".into(),
    );
    out.insert(format!("{definition}/model.tmdl"), root(model));
    out.insert(
        format!("{definition}/expressions.tmdl"),
        parameters(settings),
    );
    if !model.relationships.is_empty() {
        let all: String = model
            .relationships
            .iter()
            .map(|r| relationship(r).write())
            .collect();
        out.insert(format!("{definition}/relationships.tmdl"), all);
    }
    for t in &model.tables {
        out.insert(
            format!("{definition}/tables/{}.tmdl", file_name(&t.name)),
            table(t, &model.culture).write(),
        );
    }
    out.insert(
        format!("{definition}/tables/{MEASURES}.tmdl"),
        measures(&model.measures).write(),
    );
    for p in &model.parameters {
        out.insert(
            format!("{definition}/tables/{}.tmdl", file_name(&p.name)),
            field_parameter(p, model).write(),
        );
    }
    for language in languages(model) {
        out.insert(
            format!("{definition}/cultures/{language}.tmdl"),
            culture(model, &language),
        );
    }
    out.insert(
        format!("{}.pbip", settings.name),
        json_text(&json!({
            "$schema": schema("pbip/pbipProperties/1.0.0"),
            "version": "1.0",
            "artifacts": [{"report": {"path": format!("{}.Report", settings.name)}}],
            "settings": {"enableAutoRecovery": true},
        })),
    );
    out.insert(
        ".gitignore".into(),
        "**/.pbi/localSettings.json\n**/.pbi/cache.abf\n".into(),
    );
    out
}

/// A table's name as a file's.
fn file_name(table: &str) -> String {
    table
        .chars()
        .map(|c| if "/\\:*?\"<>|".contains(c) { '_' } else { c })
        .collect()
}

/// `.platform` of a folder.
pub fn platform(kind: &str, display: &str) -> String {
    json_text(&json!({
        "$schema": schema("gitIntegration/platformProperties/2.0.0"),
        "metadata": {"type": kind, "displayName": display},
        "config": {"version": "2.0", "logicalId": ids::uuid(&format!("{display}.{kind}"))},
    }))
}

fn root(model: &Model) -> String {
    let names: Vec<&str> = ["Server", "Database"]
        .into_iter()
        .chain(model.tables.iter().map(|t| t.name.as_str()))
        .collect();
    let order = serde_json::to_string(&names).unwrap_or_default();
    let mut out = format!(
        "model Model\n\tculture: {c}\n\tdefaultPowerBIDataSourceVersion: powerBI_V3\n\tsourceQueryCulture: {c}\n\tdataAccessOptions\n\t\tlegacyRedirects\n\t\treturnErrorValuesAsNull\n\nannotation __PBI_TimeIntelligenceEnabled = 0\n\nannotation PBI_QueryOrder = {order}\n\n",
        c = model.culture
    );
    let tables = model.tables.iter().map(|t| t.name.as_str());
    for t in tables
        .chain([MEASURES])
        .chain(model.parameters.iter().map(|p| p.name.as_str()))
    {
        let _ = writeln!(out, "ref table {}", name(t));
    }
    out.push('\n');
    let languages = languages(model);
    for language in &languages {
        let _ = writeln!(out, "ref cultureInfo {language}");
    }
    if !languages.is_empty() {
        out.push('\n');
    }
    out
}

fn parameters(settings: &Settings) -> String {
    let one = |name: &str, value: &str| {
        Object::new("expression", name)
            .value(format!(
                "\"{}\" meta [IsParameterQuery=true, Type=\"Text\", IsParameterQueryRequired=true]",
                value.replace('"', "\"\"")
            ))
            .text("lineageTag", ids::uuid(&format!("parameter.{name}")))
            .child(Object::new("annotation", "PBI_ResultType").value("Text"))
            .write()
    };
    one("Server", &settings.server) + &one("Database", &settings.database)
}

fn relationship(r: &Relationship) -> Object {
    let end = |(t, c): &(String, String)| format!("{}.{}", name(t), name(c));
    let mut o = Object::new("relationship", &r.name);
    if !r.active {
        o = o.text("isActive", "false");
    }
    if r.both {
        o = o.text("crossFilteringBehavior", "bothDirections");
    }
    if r.one_to_one {
        o = o.text("fromCardinality", "one");
    }
    o.text("fromColumn", end(&r.from))
        .text("toColumn", end(&r.to))
}

fn column(c: &PbColumn) -> Object {
    let mut o = Object::new("column", &c.name)
        .describe(&c.description)
        .text("dataType", c.data_type)
        .flag("isHidden", c.hidden)
        .flag("isKey", c.key)
        .maybe("formatString", c.format.as_deref())
        .maybe(
            "displayFolder",
            c.folder.as_ref().map(|f| f.replace('/', "\\")).as_deref(),
        )
        .text("lineageTag", &c.tag)
        .maybe("dataCategory", c.category.as_deref())
        .text("summarizeBy", "none")
        .text("sourceColumn", &c.source)
        .maybe("sortByColumn", c.sort_by.as_deref().map(name).as_deref());
    o = o.child(Object::new("annotation", "SummarizationSetBy").value("Automatic"));
    if c.is_date {
        o = o.child(Object::new("annotation", "UnderlyingDateTimeDataType").value("Date"));
    }
    o
}

/// A text inside M.
fn m_text(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

fn table(t: &PbTable, culture: &str) -> Object {
    let mut o = Object::new("table", &t.name)
        .describe(&t.description)
        .text("lineageTag", &t.tag);
    if t.calendar {
        o = o.text("dataCategory", "Time");
    }
    for c in &t.columns {
        o = o.child(column(c));
    }
    for (h, tag) in &t.hierarchies {
        let mut x = Object::new("hierarchy", h.labels.get(culture)).text("lineageTag", tag);
        for l in &h.levels {
            let source = t
                .columns
                .iter()
                .find(|c| c.source == l.column)
                .map_or(l.column.clone(), |c| c.name.clone());
            x = x.child(
                Object::new("level", l.labels.get(culture))
                    .text("lineageTag", ids::uuid(&format!("{tag}.{}", l.column)))
                    .text("column", name(&source)),
            );
        }
        o = o.child(x);
    }
    let m = format!(
        "let\n    Source = PostgreSQL.Database(Server, Database),\n    Data = Source{{[Schema={},Item={}]}}[Data]\nin\n    Data",
        m_text(&t.relation.0),
        m_text(&t.relation.1)
    );
    o.child(
        Object::new("partition", &t.name)
            .value("m")
            .text("mode", "import")
            .expression("source", m),
    )
    .child(Object::new("annotation", "PBI_ResultType").value("Table"))
}

fn measures(list: &[PbMeasure]) -> Object {
    let mut o = Object::new("table", MEASURES).text("lineageTag", ids::uuid("measures"));
    for m in list {
        o = o.child(
            Object::new("measure", &m.name)
                .describe(&m.description)
                .value(&m.dax)
                .maybe("formatString", m.format.as_deref())
                .flag("isHidden", m.hidden)
                .maybe("displayFolder", m.folder.as_deref())
                .text("lineageTag", &m.tag),
        );
    }
    o.child(
        Object::new("column", "Column")
            .flag("isHidden", true)
            .text("formatString", "0")
            .text("lineageTag", ids::uuid("measures.column"))
            .text("summarizeBy", "sum")
            .flag("isNameInferred", true)
            .text("sourceColumn", "[Column]")
            .child(Object::new("annotation", "SummarizationSetBy").value("Automatic")),
    )
    .child(
        Object::new("partition", MEASURES)
            .value("calculated")
            .text("mode", "import")
            .expression("source", "Row(\"Column\", BLANK())"),
    )
}

fn field_parameter(p: &PbParameter, model: &Model) -> Object {
    let tag = |part: &str| ids::uuid(&format!("parameter.{}.{part}", p.name));
    let automatic = || Object::new("annotation", "SummarizationSetBy").value("Automatic");
    let rows: Vec<String> = p
        .measures
        .iter()
        .enumerate()
        .map(|(i, m)| {
            let comma = if i + 1 < p.measures.len() { "," } else { "" };
            format!(
                "    (\"{}\", NAMEOF('{MEASURES}'{}), {i}){comma}",
                m.replace('"', "\"\""),
                measure_ref(m)
            )
        })
        .collect();
    debug_assert!(
        p.measures
            .iter()
            .all(|m| model.measures.iter().any(|x| x.name == *m))
            || model.measures.is_empty()
    );
    Object::new("table", &p.name)
        .text("lineageTag", tag("table"))
        .child(
            Object::new("column", &p.name)
                .text("dataType", "string")
                .text("lineageTag", tag("value"))
                .text("summarizeBy", "none")
                .text("sourceColumn", "[Value1]")
                .text("sortByColumn", "Order")
                .child(Object::new("relatedColumnDetails", "").text("groupByColumn", "Field"))
                .child(automatic()),
        )
        .child(
            Object::new("column", "Field")
                .text("dataType", "string")
                .flag("isHidden", true)
                .text("lineageTag", tag("field"))
                .text("summarizeBy", "none")
                .text("sourceColumn", "[Value2]")
                .text("sortByColumn", "Order")
                .child(
                    Object::new("extendedProperty", "ParameterMetadata")
                        .value("{\n  \"version\": 3,\n  \"kind\": 2\n}"),
                )
                .child(automatic()),
        )
        .child(
            Object::new("column", "Order")
                .text("dataType", "int64")
                .flag("isHidden", true)
                .text("formatString", "0")
                .text("lineageTag", tag("order"))
                .text("summarizeBy", "sum")
                .text("sourceColumn", "[Value3]")
                .child(automatic()),
        )
        .child(
            Object::new("partition", &p.name)
                .value("calculated")
                .text("mode", "import")
                .expression("source", format!("{{\n{}\n}}", rows.join("\n"))),
        )
}

/// Every name of the model that may have others in other languages.
fn all_labels(model: &Model) -> Vec<&Labels> {
    let mut out: Vec<&Labels> = Vec::new();
    for t in &model.tables {
        out.push(&t.labels);
        out.extend(t.columns.iter().map(|c| &c.labels));
        for (h, _) in &t.hierarchies {
            out.push(&h.labels);
            out.extend(h.levels.iter().map(|l| &l.labels));
        }
    }
    out.extend(model.measures.iter().map(|m| &m.labels));
    out
}

/// The full name of a language: `da` is `da-DK`.
pub fn full_culture(language: &str) -> String {
    if language.contains('-') {
        return language.to_string();
    }
    match language {
        "en" => "en-US".into(),
        "da" => "da-DK".into(),
        "sv" => "sv-SE".into(),
        "nb" | "no" => "nb-NO".into(),
        "ja" => "ja-JP".into(),
        "zh" => "zh-CN".into(),
        "cs" => "cs-CZ".into(),
        "uk" => "uk-UA".into(),
        "el" => "el-GR".into(),
        "ko" => "ko-KR".into(),
        l => format!("{l}-{}", l.to_uppercase()),
    }
}

/// The other languages that names are given in.
fn languages(model: &Model) -> BTreeSet<String> {
    let own = model.culture.split('-').next().unwrap_or_default();
    all_labels(model)
        .iter()
        .flat_map(|l| l.by_language.keys())
        .filter(|l| l.split('-').next() != Some(own))
        .map(|l| full_culture(l))
        .collect()
}

/// Names in another language.
fn culture(model: &Model, language: &str) -> String {
    let short = language.split('-').next().unwrap_or(language);
    let caption = |labels: &Labels| {
        labels
            .by_language
            .get(language)
            .or(labels.by_language.get(short))
            .cloned()
    };
    let mut root = Object::new("model", "Model");
    for t in &model.tables {
        let mut o = Object::new("table", &t.name).maybe("caption", caption(&t.labels).as_deref());
        for c in &t.columns {
            if let Some(text) = caption(&c.labels) {
                o = o.child(Object::new("column", &c.name).text("caption", text));
            }
        }
        for (h, _) in &t.hierarchies {
            let mut x = Object::new("hierarchy", h.labels.get(&model.culture))
                .maybe("caption", caption(&h.labels).as_deref());
            for l in &h.levels {
                if let Some(text) = caption(&l.labels) {
                    x = x.child(
                        Object::new("level", l.labels.get(&model.culture)).text("caption", text),
                    );
                }
            }
            if !x.children.is_empty() || !x.properties.is_empty() {
                o = o.child(x);
            }
        }
        if !o.children.is_empty() || !o.properties.is_empty() {
            root = root.child(o);
        }
    }
    let mut o = Object::new("table", MEASURES);
    for m in &model.measures {
        if let Some(text) = caption(&m.labels) {
            o = o.child(Object::new("measure", &m.name).text("caption", text));
        }
    }
    if !o.children.is_empty() {
        root = root.child(o);
    }
    Object::new("cultureInfo", language)
        .child(Object::new("translations", "").child(root))
        .write_dense()
}
