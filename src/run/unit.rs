//! Runs a unit test: the model's SQL over given rows, compared with expected ones.
use super::failure::{Failure, compile_failure, database_failure, indented, node_heading};
use super::node::NodeRunner;
use super::unit_fixture::{Fixture, fixture_sql};
use crate::compile::{CompiledNode, Compiler, Constant, keep};
use crate::context::{NodeSession, Relation};
use crate::diag::{Diagnostic, code};
use crate::graph::{ExtraCte, Node, ResourceType, UnitTest};
use crate::jinja::{Package, python};
use crate::outcome::{NodeResult, Status, Step, Timing};
use crate::parse::Found;
use crate::pg::{Cell, PgError};
use chrono::Utc;
use minijinja::value::Value;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::sync::{MutexGuard, PoisonError};

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
            .map_err(|d| in_test(test, compile_failure(model, d)))?;
        let path = crate::compile::file_of(
            &test.package_name,
            &test.original_file_path,
            &own_path(test),
        );
        result.compiled_path = Some(keep(&self.shared, "compiled", &path, &compiled.sql));
        result.compiled = true;
        result.compiled_code = Some(compiled.sql.clone());
        result.macros.clone_from(&compiled.macros);
        let (actual, expected) = self
            .rows(test, model, &compiled)
            .map_err(|f| while_running(test, f))?;
        // dbt asks for the rows of both in one statement.
        let both = actual.cells.len() + expected.cells.len();
        let response =
            json!({"_message": format!("SELECT {both}"), "code": "SELECT", "rows_affected": both});
        result.adapter_response = response.as_object().cloned().unwrap_or_default();
        if actual.cells == expected.cells {
            result.failures = Some(0);
            return Ok(());
        }
        let diff = super::unit_diff::drawn(&actual.columns, &actual.cells, &expected.cells);
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

    /// Actual and expected rows, over the columns that are expected.
    fn rows(
        &self,
        test: &UnitTest,
        model: &Node,
        compiled: &CompiledNode,
    ) -> Result<(Rows, Rows), Failure> {
        let refused =
            |e: &PgError, sql: &str| database_failure(model, Some(compiled), e, sql, 0, None, None);
        let described = self.lock_session().raw().describe(&compiled.sql);
        let columns: Vec<(String, String)> = described
            .map_err(|e| refused(&e, &compiled.sql))?
            .iter()
            .map(|c| (c.name.clone(), c.sql_type()))
            .collect();
        let expected = test.expect.get("rows").unwrap_or(&Json::Null);
        let given = expected.as_array().map(Vec::as_slice).unwrap_or_default();
        let expected_sql = match expected {
            Json::String(sql) => sql.clone(),
            _ => fixture_sql(test, Fixture::Expected, &columns, given)
                .map_err(|d| compile_failure(model, d))?,
        };
        let wanted: Vec<String> = match given.first().and_then(Json::as_object) {
            Some(first) => first.keys().cloned().collect(),
            None => columns.iter().map(|(n, _)| n.clone()).collect(),
        };
        let list = as_texts(&wanted, &columns);
        let fetch = |sql: &str| -> Result<Rows, Failure> {
            let sql = format!("select {list} from (\n{sql}\n) as q");
            let table = self.lock_session().raw().fetch(&sql);
            let table = table.map_err(|e| refused(&e, &sql))?;
            let text = |r: &Vec<Cell>| r.iter().map(Cell::text).collect();
            let mut cells: Vec<Vec<Option<String>>> = table.rows.iter().map(text).collect();
            cells.sort();
            Ok(Rows {
                columns: wanted.clone(),
                cells,
            })
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
        Ok((fetch(&compiled.sql)?, fetch(&expected_sql)?))
    }

    fn lock_session(&self) -> MutexGuard<'_, NodeSession> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Rows as texts, sorted.
struct Rows {
    columns: Vec<String>,
    cells: Vec<Vec<Option<String>>>,
}

/// The columns that are compared, in the model's types, as texts.
fn as_texts(wanted: &[String], columns: &[(String, String)]) -> String {
    let cells = wanted.iter().map(|w| {
        let found = columns.iter().find(|(n, _)| n.eq_ignore_ascii_case(w));
        let (name, kind) = found.map_or((w.as_str(), "text"), |(n, k)| (n, k));
        let own = format!("cast({} as {kind})", crate::pg::quote_ident(name));
        let own = match kind {
            // Two days and 48 hours are the same time.
            "interval" => format!("pg_catalog.justify_interval({own})"),
            _ => own,
        };
        format!("{own}::text as {}", crate::pg::quote_ident(w))
    });
    cells.collect::<Vec<_>>().join(", ")
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

/// The heading of a failure, and the lines below it.
fn parts(f: &Failure) -> (&str, String) {
    let (first, rest) = f.message.split_once('\n').unwrap_or((&f.message, ""));
    let heading = f.diagnostic.heading.as_deref();
    let heading = heading.unwrap_or_else(|| first.split(" in ").next().unwrap_or(first));
    let below = match rest {
        "" => indented(&f.diagnostic.message),
        rest => format!("\n{rest}"),
    };
    (heading, below)
}

/// The first line of a unit test's error.
fn first_line(heading: &str, test: &UnitTest) -> String {
    let path = &test.original_file_path;
    node_heading(heading, ResourceType::UnitTest, &test.name, path)
}

/// A failure as the unit test's own rather than its model's.
fn in_test(test: &UnitTest, f: Failure) -> Failure {
    let (heading, below) = parts(&f);
    let message = first_line(heading, test) + &below;
    Failure { message, ..f }
}

/// A failure after everything was compiled: dbt takes it for a mistake in the rows.
fn while_running(test: &UnitTest, f: Failure) -> Failure {
    let (heading, below) = parts(&f);
    let inner = match heading {
        "Database Error" => heading.to_string(),
        other => first_line(other, test),
    };
    let message = format!(
        "{}\n  An error occurred during execution of unit test '{}'. There may be an error in the unit test definition: check the data types.\n   {inner}{}",
        first_line("Runtime Error", test),
        test.name,
        below.replace('\n', "\n  ")
    );
    Failure { message, ..f }
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
