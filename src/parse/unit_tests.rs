//! Unit tests, with the rows they give and expect.
use super::builder::{Builder, fqn, sha256};
use super::properties::{Property, texts};
use crate::diag::{Diagnostic, code};
use crate::graph::{Config, DependsOn, Disabled, ResourceType, UnitTest, version_text};
use crate::yaml::Node as Yaml;
use crate::yaml::python_repr;
use serde_json::{Map, Value, json};

impl Builder<'_> {
    /// Unit tests: one for each version of a versioned model that they cover.
    pub(super) fn unit_tests(&mut self, package: usize) {
        for p in self.entries(package, "unit_tests") {
            let Some(model) = p.text("model") else {
                self.sink.push(
                    Diagnostic::error(
                        code::Y0205,
                        format!("unit test `{}` has no `model`", p.name),
                    )
                    .heading("Parsing Error")
                    .at(p.name_place())
                    .help("add `model:` with the name of the model under test"),
                );
                continue;
            };
            for key in ["given", "expect"] {
                if p.get(key).is_none() {
                    self.sink.push(
                        Diagnostic::error(
                            code::Y0205,
                            format!("unit test `{}` has no `{key}`", p.name),
                        )
                        .heading("Parsing Error")
                        .at(p.name_place()),
                    );
                }
            }
            let project = self.input.packages[package].project.name.clone();
            let name = self
                .input
                .host
                .references(&project, &model)
                .ok()
                .and_then(|r| r.refs.into_iter().next())
                .map_or(model.clone(), |r| r.name);
            let tested = self.tested_models(&p, &project, &name);
            if tested.is_empty() {
                self.unit_test_without_model(&p, &project, &name);
            }
            self.unit_test_versions(&p, &name);
            for (id, version, schema) in tested {
                self.incremental_unit_test(&p, &id);
                self.unit_test(package, &p, &name, &id, version, &schema);
            }
        }
    }

    /// Versions are named only of models that have some, and either those that count or those that do not.
    fn unit_test_versions(&mut self, p: &Property, model: &str) {
        let Some(versions) = p.get("versions").filter(|v| v.is_map()) else {
            return;
        };
        let given = |key: &str| versions.get(key).is_some_and(|v| !v.is_null());
        let message = if given("include") && given("exclude") {
            format!(
                "Invalid unit_tests config given in {} @ unit_tests: `{}` has `versions` with both `include` and `exclude`",
                p.original_file_path, p.name
            )
        } else if (given("include") || given("exclude"))
            && !self.manifest.nodes.values().any(|n| {
                n.resource_type == ResourceType::Model && n.name == model && n.version.is_some()
            })
        {
            format!(
                "Unit test '{}' should not have a versions include or exclude when referencing non-versioned model '{model}'",
                p.name
            )
        } else {
            return;
        };
        let d = Diagnostic::error(code::Y0203, message).heading("Parsing Error");
        self.sink.push(d.at(p.place(versions)));
    }

    /// A test of a model that asks `is_incremental()` says which case it tests, and what the table holds.
    fn incremental_unit_test(&mut self, p: &Property, id: &str) {
        let Some(node) = self.manifest.nodes.get(id) else {
            return;
        };
        let asks = node
            .depends_on
            .macros
            .iter()
            .any(|m| m == "macro.dbt.is_incremental");
        if node.config.materialized() != "incremental" || !asks {
            return;
        }
        let says = p
            .get("overrides")
            .and_then(|o| o.get("macros"))
            .and_then(|m| m.get("is_incremental"))
            .and_then(Yaml::as_bool);
        let inputs = p.get("given").map(Yaml::items).unwrap_or_default();
        let this = inputs
            .iter()
            .any(|g| g.get("input").and_then(Yaml::as_str) == Some("this"));
        let (message, help) = match says {
            None => (
                format!(
                    "Boolean override for 'is_incremental' must be provided for unit test '{}' in model '{}'",
                    p.name, node.name
                ),
                "for example `overrides: {macros: {is_incremental: false}}`",
            ),
            Some(true) if !this => (
                format!(
                    "Unit test '{}' for incremental model '{}' must have a 'this' input",
                    p.name, node.name
                ),
                "give the rows that the table holds before the run: `- input: this`",
            ),
            Some(_) => return,
        };
        let d = Diagnostic::error(code::Y0203, message).heading("Parsing Error");
        self.sink.push(d.at(p.name_place()).help(help));
    }

    /// The rows of a seed, for an input that gives none of its own.
    fn seed_rows(&mut self, package: usize, p: &Property, entry: &Yaml) -> Option<Value> {
        let input = entry.get("input").and_then(Yaml::as_str)?;
        let project = self.input.packages[package].project.name.clone();
        let recorded = self.input.host.references(&project, input).ok()?;
        let reference = recorded.refs.first()?;
        let owner = reference.package.as_ref().unwrap_or(&project);
        let file = self
            .input
            .packages
            .iter()
            .filter(|other| other.project.name == *owner)
            .flat_map(|other| &other.files.seeds)
            .find(|f| {
                let file = f.relative.rsplit('/').next().unwrap_or_default();
                file.strip_suffix(".csv") == Some(reference.name.as_str())
            });
        if let Some(text) = file.and_then(|f| std::fs::read(&f.absolute).ok()) {
            return Some(csv_rows(&String::from_utf8_lossy(&text)));
        }
        let folders = self.input.packages[package].project.paths.get("seed");
        let folders: Vec<String> = folders
            .into_iter()
            .flatten()
            .map(|f| format!("'{f}'"))
            .collect();
        let message = format!(
            "Unable to find seed '{owner}.{}' for unit tests in directories: [{}]",
            reference.name,
            folders.join(", ")
        );
        let d = Diagnostic::error(code::G0401, message).heading("Parsing Error");
        self.sink.push(
            d.at(p.place(entry.get("input").unwrap_or(entry)))
                .help("give `rows`; only a seed brings its own"),
        );
        None
    }

    fn unit_test_without_model(&mut self, p: &Property, project: &str, name: &str) {
        let disabled = self.manifest.disabled.keys().any(|id| {
            *id == format!("model.{project}.{name}")
                || id.starts_with(&format!("model.{project}.{name}.v"))
        });
        if disabled {
            return;
        }
        let names = self
            .manifest
            .nodes
            .values()
            .filter(|n| n.resource_type == ResourceType::Model)
            .map(|n| n.name.as_str());
        let near = crate::text::nearest(name, names);
        let mut d = Diagnostic::error(
            code::G0401,
            format!(
                "unable to find model '{project}.{name}' for unit test '{}' in {}",
                p.name, p.original_file_path
            ),
        )
        .heading("Parsing Error")
        .at(p.place(p.get("model").unwrap_or(&p.node)));
        if let Some(near) = near {
            d = d.help(format!("a model named `{near}` exists"));
        }
        self.sink.push(d);
    }

    fn tested_models(
        &self,
        p: &Property,
        project: &str,
        name: &str,
    ) -> Vec<(String, Option<Value>, String)> {
        let list = |key: &str| texts(p.get("versions").and_then(|v| v.get(key)));
        let (include, exclude) = (list("include"), list("exclude"));
        let of = |own: bool| -> Vec<(String, Option<Value>, String)> {
            self.manifest
                .nodes
                .values()
                .filter(|n| {
                    n.resource_type == ResourceType::Model
                        && n.name == name
                        && (n.package_name == project) == own
                })
                .filter(|n| match &n.version {
                    None => true,
                    Some(v) => {
                        let v = version_text(v);
                        (include.is_empty() || include.contains(&v)) && !exclude.contains(&v)
                    }
                })
                .map(|n| (n.unique_id.clone(), n.version.clone(), n.schema.clone()))
                .collect()
        };
        let own = of(true);
        if own.is_empty() { of(false) } else { own }
    }

    fn unit_test(
        &mut self,
        package: usize,
        p: &Property,
        model: &str,
        id: &str,
        version: Option<Value>,
        schema: &str,
    ) {
        let pkg = &self.input.packages[package];
        let project = pkg.project.name.clone();
        let mut given = Vec::new();
        for input in p.get("given").map(Yaml::items).unwrap_or_default() {
            if let Some(v) = self.fixture(package, p, input) {
                given.push(v);
            }
        }
        let expect = p
            .get("expect")
            .and_then(|e| self.fixture(package, p, e))
            .unwrap_or(Value::Null);
        let suffix = version
            .as_ref()
            .map(|v| format!("_v{}", version_text(v)))
            .unwrap_or_default();
        let mut names = fqn(&project, &p.relative_path, model);
        names.push(p.name.clone());
        let patch = p.config(&["meta", "tags"], &mut self.sink);
        let config = self.config(ResourceType::UnitTest, pkg, &names, Some(&patch), &[]);
        self.check_property_config(ResourceType::UnitTest, p, &config);
        let overrides = p.get("overrides").map(|o| {
            let part = |k: &str| o.get(k).map_or_else(|| json!({}), Yaml::to_json);
            json!({"macros": part("macros"), "vars": part("vars"), "env_vars": part("env_vars")})
        });
        let (description, _) = self.description(package, p, p.get("description"));
        let definition = definition(model, p, &given, &expect, overrides.as_ref());
        let test = UnitTest {
            unique_id: format!("unit_test.{project}.{model}.{}{suffix}", p.name),
            name: p.name.clone(),
            model: model.to_string(),
            package_name: project,
            path: p.relative_path.clone(),
            original_file_path: p.original_file_path.clone(),
            fqn: names,
            description,
            given,
            expect,
            overrides,
            depends_on: DependsOn {
                macros: Vec::new(),
                nodes: vec![id.to_string()],
            },
            config: Config(config.rendered),
            tested_node: Some(id.to_string()),
            schema: schema.to_string(),
            version,
            versions: p.get("versions").map(|v| {
                let part = |key: &str| v.get(key).map_or(Value::Null, Yaml::to_json);
                json!({"include": part("include"), "exclude": part("exclude")})
            }),
            checksum: sha256(definition.as_bytes()),
            created_at: self.input.now,
            place: Some(p.name_place()),
        };
        let uid = test.unique_id.clone();
        if !test.config.enabled() {
            self.manifest
                .disabled
                .entry(uid)
                .or_default()
                .push(Disabled::UnitTest(test));
        } else if let Some(other) = self.manifest.unit_tests.get(&uid) {
            let d = Diagnostic::error(
                code::G0402,
                format!("dbt found two unit_tests with the name \"{}\"", p.name),
            )
            .heading("Compilation Error")
            .at(p.name_place())
            .at_opt(other.place.clone());
            self.sink.push(d);
        } else {
            self.manifest.unit_tests.insert(uid, test);
        }
    }

    /// Rows of an input or of the expectation, read from where they stand.
    fn fixture(&mut self, package: usize, p: &Property, entry: &Yaml) -> Option<Value> {
        let mut out = Map::new();
        if let Some(input) = entry.get("input") {
            out.insert("input".into(), input.to_json());
        }
        let format = entry.get("format").and_then(Yaml::as_str).unwrap_or("dict");
        let fixture = entry
            .get("fixture")
            .filter(|f| !f.is_null())
            .and_then(Yaml::scalar_text);
        let text = match &fixture {
            Some(name) if format != "dict" || absent_rows(entry) => {
                Some(self.fixture_text(package, p, entry, name, format)?)
            }
            _ => entry.get("rows").and_then(Yaml::as_str).map(str::to_string),
        };
        let rows = match (format, text) {
            ("csv", Some(text)) => csv_rows(&text),
            ("sql", Some(text)) => Value::from(text),
            ("dict", None)
                if absent_rows(entry)
                    && entry
                        .get("input")
                        .and_then(Yaml::as_str)
                        .is_some_and(|i| i.trim_start().starts_with("ref(")) =>
            {
                self.seed_rows(package, p, entry)?
            }
            ("dict", None) => entry.get("rows").map_or(Value::Null, Yaml::to_json),
            ("csv" | "sql", None) if absent_rows(entry) => Value::Null,
            ("csv" | "sql" | "dict", _) => {
                let what = if format == "dict" {
                    "a list of mappings"
                } else {
                    "text"
                };
                self.sink.push(
                    Diagnostic::error(
                        code::Y0203,
                        format!(
                            "unit test `{}`: with format {format}, `rows` must be {what}",
                            p.name
                        ),
                    )
                    .heading("Parsing Error")
                    .at(p.place(entry.get("rows").unwrap_or(entry))),
                );
                return None;
            }
            (other, _) => {
                self.sink.push(
                    Diagnostic::error(
                        code::Y0203,
                        format!("unit test `{}`: `{other}` is not a format", p.name),
                    )
                    .heading("Parsing Error")
                    .at(p.place(entry.get("format").unwrap_or(entry)))
                    .help("one of dict, csv, sql"),
                );
                return None;
            }
        };
        out.insert("rows".into(), full_row_first(rows));
        out.insert("format".into(), Value::from(format));
        out.insert("fixture".into(), fixture.map_or(Value::Null, Value::from));
        Some(Value::Object(out))
    }

    fn fixture_text(
        &mut self,
        package: usize,
        p: &Property,
        entry: &Yaml,
        name: &str,
        format: &str,
    ) -> Option<String> {
        let found = self.input.packages[package]
            .files
            .fixtures
            .iter()
            .find(|f| {
                let file = f.found.relative.rsplit('/').next().unwrap_or_default();
                file == format!("{name}.{format}")
            });
        if let Some(f) = found {
            return Some(f.file.text.trim().to_string());
        }
        self.sink.push(
            Diagnostic::error(
                code::G0401,
                format!(
                    "could not find {format} fixture file {name} for unit test `{}`",
                    p.name
                ),
            )
            .heading("Parsing Error")
            .at(p.place(entry.get("fixture").unwrap_or(entry)))
            .help(format!("put `{name}.{format}` into tests/fixtures")),
        );
        None
    }
}

/// A unit test as Python prints dbt's objects: its checksum is over that text.
fn definition(
    model: &str,
    p: &Property,
    given: &[Value],
    expect: &Value,
    overrides: Option<&Value>,
) -> String {
    let get = |v: &Value, key: &str| python_repr(v.get(key).unwrap_or(&Value::Null));
    let output = |v: &Value| {
        let format = v.get("format").and_then(Value::as_str).unwrap_or("dict");
        let name = match format {
            "csv" => "CSV",
            "sql" => "SQL",
            _ => "Dict",
        };
        format!(
            "rows={}, format=<UnitTestFormat.{name}: '{format}'>, fixture={}",
            get(v, "rows"),
            get(v, "fixture")
        )
    };
    let inputs: Vec<String> = given
        .iter()
        .map(|g| {
            format!(
                "UnitTestInputFixture(input={}, {})",
                get(g, "input"),
                output(g)
            )
        })
        .collect();
    let versions = p.get("versions").map(Yaml::to_json).map_or_else(
        || "None".to_string(),
        |v| {
            format!(
                "UnitTestNodeVersions(include={}, exclude={})",
                get(&v, "include"),
                get(&v, "exclude")
            )
        },
    );
    let overrides = overrides.map_or_else(
        || "None".to_string(),
        |o| {
            format!(
                "UnitTestOverrides(macros={}, vars={}, env_vars={})",
                get(o, "macros"),
                get(o, "vars"),
                get(o, "env_vars")
            )
        },
    );
    let mut text = format!(
        "{model}-{versions}-[{}]-UnitTestOutputFixture({})-{overrides}",
        inputs.join(", "),
        output(expect)
    );
    for entry in given {
        if entry.get("fixture").is_some_and(|f| !f.is_null()) {
            text.push_str(&format!("-{}", get(entry, "rows")));
        }
    }
    text
}

/// The first row without nulls changes places with the first: columns get their types from it.
fn full_row_first(mut rows: Value) -> Value {
    let full = |row: &Value| {
        row.as_object()
            .is_some_and(|r| !r.values().any(Value::is_null))
    };
    if let Some(list) = rows.as_array_mut()
        && let Some(i) = list.iter().position(full)
    {
        list.swap(0, i);
    }
    rows
}

fn absent_rows(entry: &Yaml) -> bool {
    super::tests::absent(entry.get("rows"))
}

/// CSV rows as mappings of texts; an empty cell is null.
fn csv_rows(text: &str) -> Value {
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .from_reader(text.trim().as_bytes());
    let header: Vec<String> = reader
        .headers()
        .map(|h| h.iter().map(str::to_string).collect())
        .unwrap_or_default();
    let rows = reader
        .records()
        .filter_map(Result::ok)
        .map(|r| {
            let cell = |i: usize| match r.get(i) {
                None | Some("") => Value::Null,
                Some(text) => Value::from(text),
            };
            Value::Object(
                header
                    .iter()
                    .enumerate()
                    .map(|(i, h)| (h.clone(), cell(i)))
                    .collect(),
            )
        })
        .collect();
    Value::Array(rows)
}
