//! Which properties and children the objects of a model have, and which words stand where only some may.
//!
//! This is what the exporter writes, not all that TMDL has: the model is written whole by every export, and each line
//! here was read by Microsoft's serializer. What is new in the writer has to be added here, after it was read there too.
use super::super::tmdl::{Object, Property};

/// Kind, kind of its parent (`""` at the top), properties.
type Rule = (&'static str, &'static str, &'static [&'static str]);

const RULES: &[Rule] = &[
    ("database", "", &["compatibilityLevel", "compatibilityMode"]),
    (
        "model",
        "",
        &[
            "culture",
            "defaultPowerBIDataSourceVersion",
            "sourceQueryCulture",
        ],
    ),
    (
        "dataAccessOptions",
        "model",
        &["legacyRedirects", "returnErrorValuesAsNull"],
    ),
    ("annotation", "", &[]),
    ("ref table", "", &[]),
    ("ref cultureInfo", "", &[]),
    ("expression", "", &["lineageTag"]),
    (
        "relationship",
        "",
        &[
            "isActive",
            "crossFilteringBehavior",
            "fromCardinality",
            "toCardinality",
            "fromColumn",
            "toColumn",
        ],
    ),
    ("table", "", &["lineageTag", "dataCategory", "isHidden"]),
    (
        "column",
        "table",
        &[
            "dataType",
            "isHidden",
            "isKey",
            "isNameInferred",
            "formatString",
            "lineageTag",
            "dataCategory",
            "displayFolder",
            "summarizeBy",
            "sourceColumn",
            "sortByColumn",
        ],
    ),
    ("relatedColumnDetails", "column", &["groupByColumn"]),
    ("extendedProperty", "column", &[]),
    (
        "measure",
        "table",
        &["formatString", "isHidden", "displayFolder", "lineageTag"],
    ),
    ("hierarchy", "table", &["lineageTag"]),
    ("level", "hierarchy", &["lineageTag", "column"]),
    ("partition", "table", &["mode", "source"]),
    ("cultureInfo", "", &[]),
    ("translations", "cultureInfo", &[]),
    ("model", "translations", &["caption"]),
    ("table", "model", &["caption"]),
    ("column", "table", &["caption"]),
    ("measure", "table", &["caption"]),
    ("hierarchy", "table", &["caption"]),
    ("level", "hierarchy", &["caption"]),
];

/// Properties whose values are words of a list.
const WORDS: &[(&str, &[&str])] = &[
    (
        "dataType",
        &[
            "int64", "double", "decimal", "string", "boolean", "dateTime",
        ],
    ),
    (
        "summarizeBy",
        &["none", "sum", "count", "min", "max", "average"],
    ),
    (
        "crossFilteringBehavior",
        &["bothDirections", "oneDirection"],
    ),
    ("fromCardinality", &["one", "many"]),
    ("toCardinality", &["one", "many"]),
    ("mode", &["import"]),
    ("compatibilityMode", &["powerBI"]),
    ("defaultPowerBIDataSourceVersion", &["powerBI_V3"]),
];

/// What is wrong with the form of an object and of those in it.
pub fn check(path: &str, o: &Object, parent: &str, out: &mut Vec<String>) {
    let shown = format!("{} {}", o.kind, o.name);
    let shown = shown.trim();
    let rules: Vec<&Rule> = RULES
        .iter()
        .filter(|(kind, above, _)| *kind == o.kind && (*above == parent || *kind == "annotation"))
        .collect();
    if rules.is_empty() {
        let above = if parent.is_empty() { "a file" } else { parent };
        out.push(format!("{path}: `{shown}` has no place in {above}"));
        return;
    }
    for (i, (key, value)) in o.properties.iter().enumerate() {
        if !rules
            .iter()
            .any(|(_, _, keys)| keys.contains(&key.as_str()))
        {
            out.push(format!("{path}: `{shown}` has no property `{key}`"));
        }
        if o.properties[..i].iter().any(|(k, _)| k == key) {
            out.push(format!("{path}: `{key}` of `{shown}` stands twice"));
        }
        let words = WORDS.iter().find(|(k, _)| k == key).map(|(_, w)| *w);
        if let (Some(words), Property::Text(text)) = (words, value)
            && !words.contains(&text.as_str())
        {
            out.push(format!(
                "{path}: `{key}` of `{shown}` is `{text}`, which is none of {}",
                words.join(", ")
            ));
        }
    }
    let translated = o.properties.iter().any(|(k, _)| k == "caption");
    let needs: &[&str] = match (o.kind.as_str(), parent) {
        _ if translated => &[],
        // The type of a calculated table's column may be left to Power BI.
        ("column", "table") if o.has("isNameInferred") => &["sourceColumn"],
        ("column", "table") => &["dataType", "sourceColumn"],
        ("relationship", _) => &["fromColumn", "toColumn"],
        ("level", "hierarchy") => &["column"],
        ("partition", _) => &["mode", "source"],
        _ => &[],
    };
    for key in needs.iter().filter(|k| o.get(k).is_none()) {
        out.push(format!("{path}: `{shown}` has no `{key}`"));
    }
    for child in &o.children {
        check(path, child, &o.kind, out);
    }
}
