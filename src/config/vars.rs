//! Project variables: who wins (dbt's rules, `--vars` over root over package).
use crate::diag::{Diagnostic, Result, code};
use crate::yaml;
use serde_json::{Map, Value};

/// Variables of all levels.
#[derive(Debug, Clone, Default)]
pub struct Vars {
    /// From `--vars`.
    pub cli: Map<String, Value>,
    /// Name of the root project.
    pub root_name: String,
    /// `vars:` of the root project.
    pub root: Map<String, Value>,
}

impl Vars {
    /// The variables that a node of `package` sees; `own` is that package's `vars:`.
    ///
    /// Later wins: package globals, package scoped, root globals, root scoped, command line.
    pub fn merged(&self, package: &str, own: &Map<String, Value>) -> Map<String, Value> {
        let mut out = Map::new();
        let layers = if package == self.root_name {
            vec![&self.root]
        } else {
            vec![own, &self.root]
        };
        for layer in layers {
            out.extend(layer.iter().map(|(k, v)| (k.clone(), v.clone())));
            if let Some(Value::Object(scoped)) = layer.get(package) {
                out.extend(scoped.iter().map(|(k, v)| (k.clone(), v.clone())));
            }
        }
        out.extend(self.cli.iter().map(|(k, v)| (k.clone(), v.clone())));
        out
    }
}

/// Reads `--vars` or `--args`: a YAML mapping.
pub fn parse_cli_mapping(flag: &str, text: &str) -> Result<Map<String, Value>> {
    let doc = yaml::load_text(flag, text)?;
    match doc.root.to_json() {
        Value::Object(map) => Ok(map),
        Value::Null => Ok(Map::new()),
        _ => Err(Diagnostic::error(
            code::P0107,
            format!(
                "the {flag} argument must be a YAML mapping, but was {}",
                doc.root.type_name()
            ),
        )
        .heading("Runtime Error")
        .at(doc.place(&doc.root))
        .help(format!("write {flag} '{{key: value}}'"))
        .into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn map(v: Value) -> Map<String, Value> {
        v.as_object().cloned().unwrap_or_default()
    }

    #[test]
    fn a_root_global_beats_a_package_scoped_value() {
        let vars = Vars {
            cli: map(json!({"c": 9})),
            root_name: "root".into(),
            root: map(json!({"a": 1, "c": 1, "pkg": {"b": 2}})),
        };
        let own = map(json!({"a": 5, "b": 5, "pkg": {"a": 6, "d": 7}}));
        let got = vars.merged("pkg", &own);
        assert_eq!(
            (&got["a"], &got["b"], &got["c"], &got["d"]),
            (&json!(1), &json!(2), &json!(9), &json!(7))
        );
    }

    #[test]
    fn cli_mappings_are_yaml() {
        assert_eq!(
            parse_cli_mapping("--vars", "{a: yes}").unwrap()["a"],
            json!(true)
        );
        assert!(parse_cli_mapping("--vars", "[1]").is_err());
    }
}
