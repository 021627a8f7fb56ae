//! Runs a unit test: the model's SQL over given rows, compared with expected ones.
use super::failure::{Failure, compile_failure, indented, node_heading};
use super::node::NodeRunner;
use crate::compile::{CompiledNode, Compiler, Constant, keep};
use crate::context::Relation;
use crate::diag::{Diagnostic, code};
use crate::graph::{ExtraCte, Node, ResourceType, UnitTest};
use crate::jinja::{Package, python};
use crate::outcome::{NodeResult, Status, Step, Timing};
use crate::parse::Found;
use chrono::Utc;
use minijinja::value::Value;
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeMap;

impl NodeRunner {
    /// Runs a unit test.
    pub fn unit_test(&self, test: &UnitTest) -> (NodeResult, Option<Failure>) {
        let started = std::time::Instant::now();
        let begun = Utc::now();
        let mut result = NodeResult::new(&test.unique_id, Status::Pass);
        let model = test
            .tested_node
            .as_ref()
            .and_then(|id| self.shared.manifest()?.nodes.get(id).cloned());
        let outcome = match model {
            None => return (result, None),
            Some(model) => self.compare(test, &model, &mut result),
        };
        self.close();
        result.timing.push(Timing {
            name: Step::Execute,
            started_at: Some(begun),
            completed_at: Some(Utc::now()),
        });
        result.execution_time = started.elapsed().as_secs_f64();
        if let Err(f) = outcome {
            let f = in_test(test, f);
            result.status = Status::Error;
            result.message = Some(f.message.clone());
            result.diagnostic = Some(f.diagnostic.clone());
            return (result, Some(f));
        }
        (result, None)
    }

    fn compare(
        &self,
        test: &UnitTest,
        model: &Node,
        result: &mut NodeResult,
    ) -> Result<(), Failure> {
        let compiled = self
            .unit_sql(test, model)
            .map_err(|d| compile_failure(model, d))?;
        let path = crate::compile::file_of(
            &test.package_name,
            &test.original_file_path,
            &own_path(test),
        );
        result.compiled_path = Some(keep(&self.shared, "compiled", &path, &compiled.sql));
        result.compiled = true;
        result.compiled_code = Some(compiled.sql.clone());
        result.macros.clone_from(&compiled.macros);
        let (actual, expected) = self.rows(test, model, &compiled)?;
        // dbt asks for the rows of both in one statement.
        let both = actual.1.len() + expected.1.len();
        let response =
            json!({"_message": format!("SELECT {both}"), "code": "SELECT", "rows_affected": both});
        result.adapter_response = response.as_object().cloned().unwrap_or_default();
        if actual.1 == expected.1 {
            result.failures = Some(0);
            return Ok(());
        }
        let diff = super::unit_diff::drawn(&actual.0, &actual.1, &expected.1);
        result.status = Status::Fail;
        result.failures = Some(1);
        result.message = Some(format!("\n\nactual differs from expected:\n\n{diff}\n\n"));
        Ok(())
    }

    /// The model's SQL with its inputs replaced by CTEs of the given rows.
    fn unit_sql(&self, test: &UnitTest, model: &Node) -> Result<CompiledNode, Diagnostic> {
        let mut compiler = self.compiler();
        let mut ctes: Vec<ExtraCte> = Vec::new();
        let mut inputs = Vec::new();
        let mut this = Value::from(());
        for given in &test.given {
            let input = given
                .get("input")
                .and_then(Json::as_str)
                .unwrap_or_default();
            let (id, relation, name) = self.input(test, model, input)?;
            let cte = format!("__dbt__cte__{name}");
            let sql = self.fixture(test, given, relation.as_ref(), id.as_deref())?;
            let file = format!(
                "{}/{}/{name}.sql",
                test.package_name, test.original_file_path
            );
            keep(&self.shared, "compiled", &file, &sql);
            ctes.push(ExtraCte {
                id: input.to_string(),
                sql: format!(" {cte} as (\n{sql}\n)"),
            });
            let value = Relation {
                kind: Some("cte".into()),
                ..Relation::new("", "", &cte)
            }
            .value();
            match id {
                Some(id) => inputs.push((Value::from(id), value)),
                None => this = value,
            }
        }
        compiler.extra.insert(
            "__fixtures".into(),
            python::Dict::value(inputs.into_iter().collect()),
        );
        compiler.extra.insert("this".into(), this);
        let told = format!("{} ({})", test.unique_id, test.original_file_path);
        compiler
            .extra
            .insert("__unit_test".into(), Value::from(told));
        self.overrides(test, &mut compiler)?;
        let scope = compiler.scope(model, compiler.facts(model));
        let (rendered, _) = compiler.render_in(model, &scope)?;
        let own_sql = rendered.text.clone();
        let (sql, shift) = crate::compile::inject_ctes(&own_sql, &ctes);
        Ok(CompiledNode {
            sql,
            own_sql,
            extra_ctes: ctes,
            map: crate::compile::SourceMap::new(rendered, shift),
            macros: scope.recorded().macros,
            header: None,
        })
    }

    /// The node that an input names, its relation, and the name of its CTE.
    fn input(
        &self,
        test: &UnitTest,
        model: &Node,
        input: &str,
    ) -> Result<(Option<String>, Option<Relation>, String), Diagnostic> {
        if input.trim() == "this" {
            let own = Relation::new(&model.database, &model.schema, &model.alias);
            return Ok((None, Some(own), model.name.clone()));
        }
        let problem = |m: String| {
            Diagnostic::error(code::G0401, m)
                .heading("Compilation Error")
                .at_opt(test.place.clone())
        };
        let host = crate::context::EngineHost::new(self.shared.clone(), 0.0);
        let recorded = crate::parse::ParseHost::references(&host, &model.package_name, input)
            .map_err(|m| problem(format!("unit test `{}`: {m}", test.name)))?;
        let (Some(names), Some(manifest)) = (self.shared.names.get(), self.shared.manifest())
        else {
            return Err(problem("the project is not parsed".into()));
        };
        let found = match (recorded.refs.first(), recorded.sources.first()) {
            (Some(r), _) => names.find_ref(r, &model.package_name),
            (None, Some((s, t))) => names.find_source(s, t, &model.package_name),
            _ => Found::Missing,
        };
        let Found::Node(id) = found else {
            let missing = format!(
                "Unit test '{}' had an input ({input}) which was not found in the manifest.",
                test.name
            );
            return Err(problem(missing).heading("Parsing Error"));
        };
        if let Some(n) = manifest.nodes.get(&id) {
            let own = Relation::new(&n.database, &n.schema, &n.alias);
            let relation = self.shared.deferred(&id, &own).unwrap_or(own);
            return Ok((Some(id.clone()), Some(relation), n.name.clone()));
        }
        let s = manifest
            .sources
            .get(&id)
            .ok_or_else(|| problem(format!("{input} is not there")))?;
        Ok((
            Some(id.clone()),
            Some(Relation::new(&s.database, &s.schema, &s.identifier)),
            format!("{}__{}", s.source_name, s.name),
        ))
    }

    fn overrides(&self, test: &UnitTest, compiler: &mut Compiler) -> Result<(), Diagnostic> {
        let Some(over) = &test.overrides else {
            return Ok(());
        };
        let part = |k: &str| {
            over.get(k)
                .and_then(Json::as_object)
                .cloned()
                .unwrap_or_default()
        };
        let mut of_packages: BTreeMap<String, BTreeMap<String, Value>> = BTreeMap::new();
        for (name, value) in part("macros") {
            let value = Value::from_object(Constant(python::json::from_json(&value)));
            if let Some((package, name)) = name.split_once('.') {
                if package == "dbt" {
                    compiler.extra.insert(name.into(), value.clone());
                }
                let macros = of_packages.entry(package.into()).or_default();
                macros.insert(name.into(), value);
            } else {
                compiler.extra.insert(name, value);
            }
        }
        for (package, instead) in of_packages {
            let macros = Package::value(self.shared.engine.registry(), &package);
            let value = Value::from_object(Instead { macros, instead });
            compiler.extra.insert(package, value);
        }
        compiler.extra.insert(
            "__vars".into(),
            python::json::from_json(&Json::Object(part("vars"))),
        );
        compiler.extra.insert(
            "__env_vars".into(),
            python::json::from_json(&Json::Object(part("env_vars"))),
        );
        Ok(())
    }

    /// The SQL of given rows, typed as the input's own columns where these are known.
    fn fixture(
        &self,
        test: &UnitTest,
        given: &Json,
        relation: Option<&Relation>,
        id: Option<&str>,
    ) -> Result<String, Diagnostic> {
        let rows = given.get("rows").cloned().unwrap_or(Json::Null);
        if let Json::String(sql) = rows {
            return Ok(sql);
        }
        let columns = self.known_columns(relation, id)?;
        let list = rows.as_array().cloned().unwrap_or_default();
        let own = id.and_then(|id| self.shared.manifest().and_then(|m| m.entry(id)));
        let name = own.map_or(test.model.as_str(), |e| e.name());
        fixture_sql(test, Fixture::Input(name), &columns, &list)
    }

    /// Names and types of a relation's columns: from the database, else as described.
    fn known_columns(
        &self,
        relation: Option<&Relation>,
        id: Option<&str>,
    ) -> Result<Vec<(String, String)>, Diagnostic> {
        let Some(r) = relation else {
            return Ok(Vec::new());
        };
        let sql = format!(
            "select a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod) from pg_catalog.pg_attribute a \
             join pg_catalog.pg_class c on c.oid = a.attrelid join pg_catalog.pg_namespace n on n.oid = c.relnamespace \
             where n.nspname = {} and c.relname = {} and a.attnum > 0 and not a.attisdropped order by a.attnum",
            crate::pg::quote_literal(r.schema.as_deref().unwrap_or_default()),
            crate::pg::quote_literal(r.identifier.as_deref().unwrap_or_default())
        );
        let mut session = self
            .session
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let table = session
            .raw()
            .fetch(&sql)
            .map_err(|e| e.diagnostic(None, None))?;
        let found: Vec<(String, String)> = table
            .rows
            .iter()
            .map(|r| {
                (
                    r[0].text().unwrap_or_default(),
                    unsized_text(&r[1].text().unwrap_or_default()).to_string(),
                )
            })
            .collect();
        if !found.is_empty() {
            return Ok(found);
        }
        let manifest = self.shared.manifest();
        let described = id.and_then(|id| {
            manifest.and_then(|m| {
                m.nodes
                    .get(id)
                    .map(|n| n.columns.clone())
                    .or_else(|| m.sources.get(id).map(|s| s.columns.clone()))
            })
        });
        Ok(described
            .into_iter()
            .flatten()
            .filter_map(|(n, c)| Some((n, c.data_type?)))
            .collect())
    }

    /// Actual and expected rows: column names, and rows as texts, sorted.
    #[expect(clippy::type_complexity, reason = "two tables of texts")]
    fn rows(
        &self,
        test: &UnitTest,
        model: &Node,
        compiled: &CompiledNode,
    ) -> Result<
        (
            (Vec<String>, Vec<Vec<Option<String>>>),
            (Vec<String>, Vec<Vec<Option<String>>>),
        ),
        Failure,
    > {
        let columns = {
            let mut session = self
                .session
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            let described = session.raw().describe(&compiled.sql).map_err(|e| {
                super::failure::database_failure(
                    model,
                    Some(compiled),
                    &e,
                    &compiled.sql,
                    0,
                    None,
                    None,
                )
            })?;
            described
                .iter()
                .map(|c| (c.name.clone(), c.sql_type()))
                .collect::<Vec<_>>()
        };
        let expect_rows = test.expect.get("rows").cloned().unwrap_or(Json::Null);
        let wanted: Vec<String> = match &expect_rows {
            Json::Array(rows) => rows
                .first()
                .and_then(Json::as_object)
                .map(|m| m.keys().cloned().collect())
                .unwrap_or_else(|| columns.iter().map(|(n, _)| n.clone()).collect()),
            _ => columns.iter().map(|(n, _)| n.clone()).collect(),
        };
        let expected_sql = match &expect_rows {
            Json::String(sql) => sql.clone(),
            Json::Array(rows) => fixture_sql(test, Fixture::Expected, &columns, rows)
                .map_err(|d| compile_failure(model, d))?,
            _ => fixture_sql(test, Fixture::Expected, &columns, &[])
                .map_err(|d| compile_failure(model, d))?,
        };
        let list = wanted
            .iter()
            .map(|w| {
                let (name, kind) = columns
                    .iter()
                    .find(|(n, _)| n.eq_ignore_ascii_case(w))
                    .cloned()
                    .unwrap_or((w.clone(), "text".into()));
                let own = format!("cast({} as {kind})", crate::pg::quote_ident(&name));
                let own = match kind.as_str() {
                    // Two days and 48 hours are the same time.
                    "interval" => format!("pg_catalog.justify_interval({own})"),
                    _ => own,
                };
                format!("{own}::text as {}", crate::pg::quote_ident(w))
            })
            .collect::<Vec<_>>()
            .join(", ");
        let fetch = |sql: &str| -> Result<Vec<Vec<Option<String>>>, Failure> {
            let sql = format!("select {list} from (\n{sql}\n) as q");
            let mut session = self
                .session
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            let table = session.raw().fetch(&sql).map_err(|e| {
                super::failure::database_failure(model, Some(compiled), &e, &sql, 0, None, None)
            })?;
            let mut rows: Vec<Vec<Option<String>>> = table
                .rows
                .iter()
                .map(|r| r.iter().map(crate::pg::Cell::text).collect())
                .collect();
            rows.sort();
            Ok(rows)
        };
        let path = crate::compile::file_of(
            &test.package_name,
            &test.original_file_path,
            &own_path(test),
        );
        let both = format!(
            "-- actual\n{}\n;\n-- expected\n{expected_sql}\n",
            compiled.sql.trim_end()
        );
        keep(&self.shared, "run", &path, &both);
        let actual = fetch(&compiled.sql)?;
        let expected = fetch(&expected_sql)?;
        Ok(((wanted.clone(), actual), (wanted, expected)))
    }
}

/// A unit test's path in its file: as if it were a file of its own in that folder.
fn own_path(test: &UnitTest) -> String {
    let version = match &test.version {
        Some(v) => format!("_v{}", python::str_of(&python::json::from_json(v))),
        None => String::new(),
    };
    let folder = test.original_file_path.rsplit_once('/');
    let folder = folder.map(|(f, _)| format!("{f}/")).unwrap_or_default();
    format!("{folder}{}{version}.sql", test.name)
}

/// A failure as the unit test's own rather than its model's.
fn in_test(test: &UnitTest, f: Failure) -> Failure {
    let heading = f.diagnostic.heading.as_deref();
    let (first, rest) = f.message.split_once('\n').unwrap_or((&f.message, ""));
    let heading = heading.unwrap_or_else(|| first.split(" in ").next().unwrap_or(first));
    let first = node_heading(
        heading,
        ResourceType::UnitTest,
        &test.name,
        &test.original_file_path,
    );
    let message = if heading == "Database Error" {
        let said: String = rest.lines().map(|l| format!("\n  {l}")).collect();
        let first = node_heading(
            "Runtime Error",
            ResourceType::UnitTest,
            &test.name,
            &test.original_file_path,
        );
        format!(
            "{first}\n  An error occurred during execution of unit test '{}'. There may be an error in the unit test definition: check the data types.\n   Database Error{said}",
            test.name
        )
    } else if rest.is_empty() {
        first + &indented(&f.diagnostic.message)
    } else {
        format!("{first}\n{rest}")
    };
    Failure { message, ..f }
}

/// A type without the length that would cut a fixture's text.
fn unsized_text(kind: &str) -> &str {
    match kind.split_once('(') {
        Some(("character varying" | "character", _)) => "character varying",
        _ => kind,
    }
}

/// A package some of whose macros are replaced.
#[derive(Debug)]
struct Instead {
    macros: Value,
    instead: BTreeMap<String, Value>,
}

impl minijinja::value::Object for Instead {
    fn get_value(self: &std::sync::Arc<Self>, key: &Value) -> Option<Value> {
        let instead = self.instead.get(key.as_str()?).cloned();
        instead.or_else(|| self.macros.get_item(key).ok().filter(|v| !v.is_undefined()))
    }

    fn call_method(
        self: &std::sync::Arc<Self>,
        state: &mut minijinja::State<'_, '_>,
        name: &str,
        args: &[Value],
    ) -> Result<Value, minijinja::Error> {
        match self.instead.get(name) {
            Some(value) => value.call(state, args),
            None => self.macros.call_method(state, name, args),
        }
    }
}

/// Which rows of a unit test are meant.
#[derive(Clone, Copy)]
enum Fixture<'a> {
    /// Those of an input.
    Input(&'a str),
    /// Those that should come out.
    Expected,
}

impl Fixture<'_> {
    fn shown(self) -> String {
        match self {
            Self::Input(name) => format!("'{name}'"),
            Self::Expected => "expected output".into(),
        }
    }
}

/// Rows as SQL: every column cast to its type, missing ones null.
fn fixture_sql(
    test: &UnitTest,
    fixture: Fixture<'_>,
    columns: &[(String, String)],
    rows: &[Json],
) -> Result<String, Diagnostic> {
    let empty = Map::new();
    let names: Vec<(String, Option<String>)> = if columns.is_empty() {
        let mut all: Vec<String> = Vec::new();
        for r in rows {
            r.as_object()
                .unwrap_or(&empty)
                .keys()
                .for_each(|k| crate::parse::push_new(&mut all, k.clone()));
        }
        all.into_iter().map(|n| (n, None)).collect()
    } else {
        columns
            .iter()
            .map(|(n, t)| (n.clone(), Some(t.clone())))
            .collect()
    };
    for row in rows {
        for key in row.as_object().unwrap_or(&empty).keys() {
            if !names.iter().any(|(n, _)| n.eq_ignore_ascii_case(key)) {
                let known: Vec<String> = names.iter().map(|(n, _)| format!("'{n}'")).collect();
                let fixture = fixture.shown();
                return Err(Diagnostic::error(code::G0401, format!("Invalid column name: '{key}' in unit test fixture for {fixture}.\nAccepted columns for {fixture} are: [{}]", known.join(", ")))
                    .heading("Compilation Error")
                    .at_opt(test.place.clone()));
            }
        }
    }
    let select = |row: Option<&Map<String, Json>>| {
        let cells: Vec<String> = names
            .iter()
            .map(|(name, kind)| {
                let value = row
                    .and_then(|r| r.iter().find(|(k, _)| k.eq_ignore_ascii_case(name)))
                    .map_or(&Json::Null, |(_, v)| v);
                let literal = literal(value, kind.as_deref());
                let quoted = crate::pg::quote_ident(name);
                match kind {
                    Some(kind) => format!("cast({literal} as {kind}) as {quoted}"),
                    None => format!("{literal} as {quoted}"),
                }
            })
            .collect();
        format!("select {}", cells.join(", "))
    };
    if rows.is_empty() {
        return Ok(format!("{}\nlimit 0", select(None)));
    }
    Ok(rows
        .iter()
        .map(|r| select(r.as_object()))
        .collect::<Vec<_>>()
        .join("\nunion all\n"))
}

/// A value as SQL; a list is an array where the column is one.
fn literal(value: &Json, kind: Option<&str>) -> String {
    match value {
        Json::Array(list) if kind.is_some_and(|k| k.ends_with("[]")) => {
            let cells: Vec<String> = list.iter().map(|v| literal(v, kind)).collect();
            format!("array[{}]", cells.join(", "))
        }
        Json::Null => "null".into(),
        Json::Bool(b) => b.to_string(),
        Json::Number(n) => n.to_string(),
        Json::String(s) => crate::pg::quote_literal(s),
        other => crate::pg::quote_literal(&other.to_string()),
    }
}
