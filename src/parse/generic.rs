//! Generic tests as written in properties files: their arguments, configuration, names and ids.
//!
//! The naming rules are dbt's, so that ids stay the same: see `names`.
use super::properties::{Property, json_map};
use crate::diag::{Diagnostic, Sink, code};
use crate::yaml::{Kind, Node, python_str, repr_str};
use md5::{Digest, Md5};
use serde_json::{Map, Value};

/// A generic test as called for.
#[derive(Debug, Clone)]
pub struct Call {
    /// `unique`.
    pub name: String,
    /// `dbt_utils` in `dbt_utils.at_least_one`.
    pub namespace: Option<String>,
    /// Arguments, `column_name` first, without `model`.
    pub kwargs: Map<String, Value>,
    /// The `name:` given by hand.
    pub custom_name: Option<String>,
    /// Description.
    pub description: Option<Node>,
    /// Configuration as written (values not evaluated).
    pub config: Map<String, Value>,
    /// Where it stands.
    pub place: crate::text::Place,
}

/// Configuration keys that may stand beside the arguments (older spelling).
const LEGACY_CONFIG: &[&str] = &[
    "severity",
    "tags",
    "enabled",
    "where",
    "limit",
    "warn_if",
    "error_if",
    "fail_calc",
    "store_failures",
    "store_failures_as",
    "meta",
    "database",
    "schema",
    "alias",
];

/// The tests in a `data_tests:` or `tests:` list. `nested` says whether their arguments should stand under `arguments:`
/// (dbt's flag `require_generic_test_arguments_property`).
pub fn calls(
    p: &Property,
    owner: &Node,
    column: Option<&str>,
    nested: bool,
    sink: &mut Sink,
) -> Vec<Call> {
    let new = owner.entry("data_tests");
    let old = owner.entry("tests");
    if let (Some(_), Some((key, _))) = (new, old) {
        sink.push(
            Diagnostic::error(
                code::P0112,
                "Invalid test config: cannot have both 'tests' and 'data_tests' defined",
            )
            .heading("Parsing Error")
            .at(p.place(key))
            .help("keep `data_tests` only"),
        );
    }
    let Some((key, list)) = new.or(old) else {
        return Vec::new();
    };
    if list.is_null() {
        return Vec::new();
    }
    if !list.is_seq() {
        let what = format!("`{}`", key.as_str().unwrap_or("data_tests"));
        sink.push(crate::yaml::wrong_type(&p.file, list, &what, "a list").heading("Parsing Error"));
        return Vec::new();
    }
    for item in list.items() {
        let odd = if nested {
            top_level_arguments(p, item)
        } else {
            nested_arguments(p, item)
        };
        if let Some(d) = odd {
            sink.push(d);
        }
    }
    list.items()
        .iter()
        .filter_map(|item| sink.take(call(p, item, column).map_err(Into::into)))
        .collect()
}

/// The name of a test and what is said of it.
fn named_test(item: &Node) -> Option<(String, &[(Node, Node)])> {
    let Kind::Map(entries) = &item.kind else {
        return None;
    };
    match entries.as_slice() {
        [(key, value)] if key.as_str() != Some("test_name") => {
            Some((key.scalar_text()?, value.entries()))
        }
        all => Some((item.get("test_name")?.scalar_text()?, all)),
    }
}

/// An argument of the name `arguments`, which dbt wants for another use.
fn nested_arguments(p: &Property, item: &Node) -> Option<Diagnostic> {
    let (name, args) = named_test(item)?;
    let is = |key: &Node| key.as_str() == Some("arguments");
    let (key, value) = args.iter().find(|(key, _)| is(key))?;
    let test = format!("`{name}` ({})", crate::yaml::python_repr(&value.to_json()));
    let message = format!(
        "Found `arguments` property in test definition of {test} without usage of `require_generic_test_arguments_property` behavior change flag. The `arguments` property is deprecated for custom usage and will be used to nest keyword arguments in future versions of dbt."
    );
    Some(
        Diagnostic::warning(code::P0110, message)
            .event("ArgumentsPropertyInGenericTestDeprecation")
            .fact("test_name", test)
            .at(p.place(key)),
    )
}

/// Arguments of a test beside its name, where dbt wants them under `arguments:`.
fn top_level_arguments(p: &Property, item: &Node) -> Option<Diagnostic> {
    let (name, args) = named_test(item)?;
    let word = |key: &Node| key.scalar_text().unwrap_or_default();
    let nested = args
        .iter()
        .any(|(k, v)| word(k) == "arguments" && !v.entries().is_empty());
    let usual = [
        "config",
        "column_name",
        "description",
        "name",
        "test_name",
        "arguments",
    ];
    let (first, _) = args
        .iter()
        .find(|(k, _)| !usual.contains(&word(k).as_str()))?;
    (!nested).then(|| {
        let message = format!(
            "Found top-level arguments to test `{name}`. Arguments to generic tests should be nested under the `arguments` property."
        );
        Diagnostic::warning(code::P0110, message)
            .event("MissingArgumentsPropertyInGenericTestDeprecation")
            .fact("test_name", name)
            .at(p.place(first))
    })
}

fn bad(p: &Property, node: &Node, message: impl Into<String>) -> Diagnostic {
    Diagnostic::error(code::Y0203, message)
        .heading("Parsing Error")
        .at(p.place(node))
}

fn call(p: &Property, item: &Node, column: Option<&str>) -> Result<Call, Diagnostic> {
    let (full_name, args): (String, Vec<(Node, Node)>) = match &item.kind {
        Kind::Str(name) => (name.clone(), Vec::new()),
        Kind::Map(entries) if entries.len() == 1 && entries[0].0.as_str() != Some("test_name") => {
            let (key, value) = &entries[0];
            let args = match &value.kind {
                Kind::Map(args) => args.clone(),
                Kind::Null => Vec::new(),
                _ => {
                    return Err(bad(p, value, "the arguments of a test must be a mapping")
                        .help("write `argument: value` below the test's name"));
                }
            };
            (key.scalar_text().unwrap_or_default(), args)
        }
        Kind::Map(entries) if item.get("test_name").is_some() => {
            let rest = entries
                .iter()
                .filter(|(k, _)| k.as_str() != Some("test_name"))
                .cloned()
                .collect();
            (
                item.get("test_name")
                    .and_then(Node::scalar_text)
                    .unwrap_or_default(),
                rest,
            )
        }
        Kind::Map(entries) => {
            let keys: Vec<String> = entries
                .iter()
                .filter_map(|(k, _)| k.scalar_text())
                .collect();
            return Err(bad(
                p,
                item,
                format!(
                    "a test must have one key, its name, but this one has {}: {}",
                    keys.len(),
                    keys.join(", ")
                ),
            )
            .help("indent the arguments below the test's name"));
        }
        _ => {
            return Err(bad(
                p,
                item,
                format!(
                    "a test must be a name or a mapping, not {}",
                    item.type_name()
                ),
            ));
        }
    };
    let (namespace, name) = match full_name.split_once('.') {
        Some((ns, name)) => (Some(ns.to_string()), name.to_string()),
        None => (None, full_name),
    };
    let mut call = Call {
        name,
        namespace,
        kwargs: Map::new(),
        custom_name: None,
        description: None,
        config: Map::new(),
        place: p.place(item),
    };
    let mut args = args;
    if let Some(column) = column {
        call.kwargs
            .insert("column_name".into(), Value::from(column));
        // A column's test is of that column, whatever stands there; only below `arguments:` another one can be named.
        args.retain(|(key, _)| key.as_str() != Some("column_name"));
    }
    for (key, value) in &flattened(args) {
        argument(p, &mut call, key, value)?;
    }
    // dbt takes the keys it knows in its own order, then the others.
    let rank = |key: &str| {
        LEGACY_CONFIG
            .iter()
            .position(|k| *k == key)
            .unwrap_or(usize::MAX)
    };
    let mut config: Vec<_> = std::mem::take(&mut call.config).into_iter().collect();
    config.sort_by_key(|(key, _)| rank(key));
    call.config = config.into_iter().collect();
    Ok(call)
}

/// What stands below `arguments:` as if it stood beside it, as dbt reads it: a `where` or `name` there is the test's own.
fn flattened(args: Vec<(Node, Node)>) -> Vec<(Node, Node)> {
    let is_arguments = |entry: &(Node, Node)| entry.0.as_str() == Some("arguments");
    let (nested, mut all): (Vec<_>, Vec<_>) = args.into_iter().partition(is_arguments);
    for (key, value) in nested.iter().flat_map(|(_, node)| node.entries()) {
        match all
            .iter_mut()
            .find(|(k, _)| k.scalar_text() == key.scalar_text())
        {
            Some(before) => before.1 = value.clone(),
            None => all.push((key.clone(), value.clone())),
        }
    }
    all
}

fn argument(p: &Property, call: &mut Call, key: &Node, value: &Node) -> Result<(), Diagnostic> {
    let word = key.scalar_text().unwrap_or_default();
    match word.as_str() {
        "name" => call.custom_name = value.scalar_text(),
        "description" => call.description = Some(value.clone()),
        "config" => {
            for (k, v) in json_map(Some(value)) {
                if call.config.insert(k.clone(), v).is_some() {
                    return Err(both(p, key, &k));
                }
            }
        }
        "model" => {
            return Err(bad(
                p,
                key,
                "test arguments may not include `model`: it is given by where the test stands",
            ));
        }
        w if LEGACY_CONFIG.contains(&w) => {
            if call.config.insert(word.clone(), value.to_json()).is_some() {
                return Err(both(p, key, &word));
            }
        }
        _ => drop(call.kwargs.insert(word, value.to_json())),
    }
    Ok(())
}

fn both(p: &Property, key: &Node, word: &str) -> Diagnostic {
    Diagnostic::error(
        code::P0112,
        format!("Test cannot have the same key at the top-level and in config: `{word}`"),
    )
    .heading("Parsing Error")
    .at(p.place(key))
    .help("keep the one under `config`")
}

/// The names of a generic test.
#[derive(Debug, PartialEq, Eq)]
pub struct Names {
    /// Short name: compiled file and alias.
    pub short: String,
    /// Full name.
    pub full: String,
}

/// The names that dbt gives a test: `target` is the model's or `source_table` name.
pub fn names(call: &Call, target: &str, is_source: bool) -> Names {
    if let Some(name) = &call.custom_name {
        return Names {
            short: name.clone(),
            full: name.clone(),
        };
    }
    let mut test = call.name.clone();
    if is_source {
        test = format!("source_{test}");
    }
    if let Some(ns) = &call.namespace {
        test = format!("{ns}_{test}");
    }
    let mut flat: Vec<String> = Vec::new();
    let mut keys: Vec<&String> = call.kwargs.keys().collect();
    keys.sort();
    for key in keys {
        match &call.kwargs[key] {
            Value::Array(items) => flat.extend(items.iter().map(python_str)),
            Value::Object(map) => flat.extend(map.values().map(python_str)),
            other => flat.push(python_str(other)),
        }
    }
    let clean: Vec<String> = flat.iter().map(|a| clean_arg(a)).collect();
    let stem = format!("{test}_{target}");
    let full = format!("{stem}_{}", clean.join("__"));
    let short = if full.chars().count() >= 64 {
        let head: String = stem.chars().take(30).collect();
        format!("{head}_{}", hex(&Md5::digest(full.as_bytes())))
    } else {
        full.clone()
    };
    Names { short, full }
}

/// Every run of characters outside `[0-9A-Za-z_]` becomes one `_`.
fn clean_arg(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut gap = false;
    for c in text.chars() {
        if c.is_ascii_alphanumeric() || c == '_' {
            out.push(c);
            gap = false;
        } else if !gap {
            out.push('_');
            gap = true;
        }
    }
    out
}

/// The last ten hex digits of the id's hash: over the full name and the test's call as Python prints it.
pub fn id_hash(
    full: &str,
    name: &str,
    namespace: Option<&str>,
    kwargs: &Map<String, Value>,
) -> String {
    let mut call = Map::new();
    call.insert("kwargs".into(), Value::Object(kwargs.clone()));
    call.insert("name".into(), Value::from(name));
    call.insert(
        "namespace".into(),
        namespace.map_or(Value::from("None"), Value::from),
    );
    let text = format!("{full}{}", python_repr_sorted(&Value::Object(call)));
    let hash = hex(&Md5::digest(text.as_bytes()));
    hash[hash.len() - 10..].to_string()
}

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f',
    ];
    let digits = bytes.iter().flat_map(|b| [b >> 4, b & 15]);
    digits.map(|d| DIGITS[usize::from(d)]).collect()
}

/// `repr()` with keys sorted at every level and every scalar turned into text first.
fn python_repr_sorted(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort();
            let parts: Vec<String> = keys
                .iter()
                .map(|k| format!("{}: {}", repr_str(k), python_repr_sorted(&map[*k])))
                .collect();
            format!("{{{}}}", parts.join(", "))
        }
        Value::Array(items) => format!(
            "[{}]",
            items
                .iter()
                .map(python_repr_sorted)
                .collect::<Vec<_>>()
                .join(", ")
        ),
        scalar => repr_str(&python_str(scalar)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn kwargs(v: Value) -> Map<String, Value> {
        v.as_object().cloned().unwrap()
    }

    fn test_call(name: &str, k: Value) -> Call {
        let file = crate::text::SourceFile::new("t", "");
        Call {
            name: name.into(),
            namespace: None,
            kwargs: kwargs(k),
            custom_name: None,
            description: None,
            config: Map::new(),
            place: crate::text::Place::new(&file, 0..0),
        }
    }

    /// Ids as dbt-core 1.10 gives them.
    #[test]
    fn ids_are_dbts() {
        let c = test_call(
            "accepted_values",
            json!({"column_name": "id", "values": [1, 2], "quote": false}),
        );
        let n = names(&c, "a", false);
        assert_eq!(n.full, "accepted_values_a_id__False__1__2");
        let mut k = c.kwargs.clone();
        k.insert("model".into(), json!("{{ get_where_subquery(ref('a')) }}"));
        assert_eq!(id_hash(&n.full, "accepted_values", None, &k), "712999821e");
        let c = test_call(
            "relationships",
            json!({"column_name": "id", "to": "ref('b')", "field": "id"}),
        );
        let n = names(&c, "a", false);
        assert_eq!(n.full, "relationships_a_id__id__ref_b_");
        let mut k = c.kwargs.clone();
        k.insert("model".into(), json!("{{ get_where_subquery(ref('a')) }}"));
        assert_eq!(id_hash(&n.full, "relationships", None, &k), "dcfe42f192");
        let c = test_call("unique", json!({"column_name": "id"}));
        let n = names(&c, "src_t", true);
        let mut k = c.kwargs.clone();
        k.insert(
            "model".into(),
            json!("{{ get_where_subquery(source('src', 't')) }}"),
        );
        assert_eq!(n.full, "source_unique_src_t_id");
        assert_eq!(id_hash(&n.full, "unique", None, &k), "9898e978b8");
    }

    #[test]
    fn long_names_are_shortened_by_a_hash() {
        let c = test_call(
            "accepted_values",
            json!({"values": ["a_rather_long_value", "another_quite_long_value"]}),
        );
        let n = names(&c, "orders", false);
        assert!(n.full.len() >= 64);
        assert_eq!(n.short.len(), "accepted_values_orders".len() + 1 + 32);
    }
}
