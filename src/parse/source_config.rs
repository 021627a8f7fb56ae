//! The configuration of sources: what the project files say, the source, and its table; the sort of merging that dbt
//! has for them alone.
use super::builder::{Builder, layers};
use super::freshness::{self, Freshness, wrong_periods};
use super::properties::{Property, json_map};
use crate::diag::{Diagnostic, code};
use crate::graph::{Config, ResourceType};
use crate::load::Package;
use crate::yaml::Node as Yaml;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

impl Builder<'_> {
    /// The configuration of a table.
    pub(super) fn source_config(
        &mut self,
        package: usize,
        p: &Property,
        table: &Yaml,
        fqn: &[String],
    ) -> crate::config::NodeConfig {
        let pkg = &self.input.packages[package];
        let mut config = crate::config::NodeConfig::new(ResourceType::Source);
        let tree = |p: &Package, raw: bool| layers(ResourceType::Source, p, fqn, raw);
        let mut freshness = Freshness::default();
        tree(pkg, false).iter().for_each(|l| config.apply(l));
        tree(pkg, true)
            .iter()
            .for_each(|l| config.apply_unrendered(l));
        for owner in [&p.node, table] {
            for level in [
                owner.get("freshness"),
                owner.get("config").and_then(|c| c.get("freshness")),
            ] {
                freshness.merge(level);
                for d in level.into_iter().flat_map(|l| wrong_periods(p, l)) {
                    self.sink.push(d);
                }
            }
        }
        let mut own = entry_config(p, table);
        let said = freshness.said();
        if let Some(said) = &said {
            own.insert("freshness".into(), said.clone());
        }
        config.apply(&own);
        config.rendered.insert("tags".into(), own["tags"].clone());
        if let Some(said) = &said {
            own.insert("freshness".into(), freshness::shown(Some(said)));
        }
        config.apply_unrendered(&own);
        if pkg.project.name != self.root().project.name {
            for layer in tree(self.root(), false) {
                config.apply(&layer);
                if let Some(tags) = layer.get("tags") {
                    config.rendered.insert("tags".into(), tags.clone());
                }
            }
            tree(self.root(), true)
                .iter()
                .for_each(|l| config.apply_unrendered(l));
        }
        self.check_property_config(ResourceType::Source, p, &config);
        self.check_ways_to_tell(p, table, "table");
        // Null by default is not null by somebody's word.
        let given = config.rendered.get("freshness");
        let given = given.filter(|f| said.is_some() || !f.is_null());
        let shown = freshness::shown(given);
        config.rendered.insert("freshness".into(), shown);
        let tags = Config(config.rendered.clone()).list("tags");
        config
            .rendered
            .insert("tags".into(), json!(texts_once(tags)));
        config
    }

    /// One way to tell when the rows were loaded is enough, and a field has a name.
    pub(super) fn check_ways_to_tell(&mut self, p: &Property, owner: &Yaml, level: &str) {
        let of = |key: &str| {
            let own = owner.get(key);
            own.or_else(|| owner.get("config").and_then(|c| c.get(key)))
                .filter(|v| !v.is_null())
        };
        let field = of("loaded_at_field");
        let wrong = |message: String, at: &Yaml, help: &str| {
            Diagnostic::error(code::Y0203, message)
                .heading("Parsing Error")
                .at(p.place(at))
                .help(help)
        };
        if let Some(empty) = field.filter(|f| f.as_str().is_some_and(str::is_empty)) {
            let d = wrong(
                "`loaded_at_field` cannot be an empty string".into(),
                empty,
                "name a column, or write `null`",
            );
            self.sink.push(d);
        }
        // A table that names the field, be it as null, has spoken.
        let named = owner.get("loaded_at_field").filter(|_| level == "table");
        if let (Some(field), Some(_)) = (field.or(named), of("loaded_at_query")) {
            let d = wrong(
                format!(
                    "Cannot specify both loaded_at_field and loaded_at_query at {level} level."
                ),
                field,
                "keep one of them",
            );
            self.sink.push(d);
        }
    }
}

/// What an entry itself says of a table's configuration: the source's `config:` and above it the table's, where the
/// older places beside `config:` count too. As in dbt, who says nothing of tags, or of the time of loading, has none,
/// whatever the project's tree says.
fn entry_config(p: &Property, table: &Yaml) -> Map<String, Value> {
    let of = |owner: &Yaml, key: &str| {
        let there = |n: Option<&Yaml>| n.filter(|v| !v.is_null()).map(Yaml::to_json);
        [
            there(owner.get(key)),
            there(owner.get("config").and_then(|c| c.get(key))),
        ]
    };
    let mut own = json_map(p.get("config"));
    own.extend(json_map(table.get("config")));
    own.shift_remove("freshness");
    if let Some(time) = [table, &p.node]
        .into_iter()
        .find_map(|o| of(o, "event_time").into_iter().flatten().next())
    {
        own.insert("event_time".into(), time);
    }
    let first = |owner: &Yaml, key: &str| of(owner, key).into_iter().flatten().next();
    // A table that names the field at all, be it as null, does not inherit the source's way to tell.
    let in_config = table.get("config").and_then(|c| c.get("loaded_at_field"));
    let present = table.get("loaded_at_field").is_some() || in_config.is_some_and(|f| !f.is_null());
    for key in ["loaded_at_field", "loaded_at_query"] {
        let inherited = || first(&p.node, key).filter(|_| !present);
        let value = first(table, key).or_else(inherited);
        own.insert(key.into(), value.unwrap_or(Value::Null));
    }
    let (mut meta, mut tags) = (Map::new(), BTreeSet::new());
    for owner in [&p.node, table] {
        for layer in of(owner, "meta").into_iter().flatten() {
            meta.extend(layer.as_object().cloned().unwrap_or_default());
        }
        for layer in of(owner, "tags").into_iter().flatten() {
            tags.extend(Config(Map::from_iter([("tags".to_string(), layer)])).list("tags"));
        }
    }
    own.insert("meta".into(), Value::Object(meta));
    own.insert("tags".into(), json!(tags));
    own
}

/// Facts of an external table, with dbt's own keys whether they are given or not.
pub(super) fn external(given: &Yaml) -> Value {
    let mut out = Map::new();
    for key in [
        "location",
        "file_format",
        "row_format",
        "tbl_properties",
        "partitions",
    ] {
        out.insert(key.into(), Value::Null);
    }
    match given.to_json() {
        Value::Object(given) => out.extend(given),
        other => return other,
    }
    Value::Object(out)
}

fn texts_once(list: Vec<String>) -> Vec<String> {
    list.into_iter().fold(Vec::new(), |mut all, t| {
        super::host::push_new(&mut all, t);
        all
    })
}
