//! The configuration of sources: what the project files say, the source, and its table; the sort of merging that dbt
//! has for them alone.
use super::builder::Builder;
use super::freshness::{self, Freshness, wrong_periods};
use super::properties::{Property, json_map};
use crate::config::tree_layers;
use crate::graph::{Config, ResourceType};
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
        let layers = |raw: bool, project: &crate::config::Project| {
            let trees = if raw {
                &project.raw_trees
            } else {
                &project.trees
            };
            trees
                .get("sources")
                .map(|t| tree_layers(t, fqn))
                .unwrap_or_default()
        };
        let mut freshness = Freshness::default();
        layers(false, &pkg.project)
            .iter()
            .for_each(|l| config.apply(l));
        layers(true, &pkg.project)
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
            for layer in layers(false, &self.root().project) {
                config.apply(&layer);
                if let Some(tags) = layer.get("tags") {
                    config.rendered.insert("tags".into(), tags.clone());
                }
            }
            layers(true, &self.root().project)
                .iter()
                .for_each(|l| config.apply_unrendered(l));
        }
        self.check_property_config(ResourceType::Source, p, &config);
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
    let present = table.get("loaded_at_field").is_some();
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
