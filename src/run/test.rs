//! Runs a data test: its query is counted, and the count compared with what the test allows.
use super::failure::{Failure, compile_failure, internal, node_error};
use super::node::{NodeRunner, find_materialization, respond};
use crate::diag::{Diagnostic, code};
use crate::graph::{Compiled, Node};
use crate::jinja::python;
use crate::outcome::{NodeResult, Status, Step, Timing};
use chrono::Utc;
use minijinja::value::Value;
use serde_json::Value as Json;

/// What a test's counting query says.
struct Counted {
    failures: i64,
    should_warn: bool,
    should_error: bool,
}

impl NodeRunner {
    /// Runs a data test.
    pub fn test(&self, node: &Node) -> (NodeResult, Option<Failure>) {
        let started = std::time::Instant::now();
        let begun = Utc::now();
        let mut result = NodeResult::new(&node.unique_id, Status::Pass);
        let compiled = self.compiler().compile(node);
        result.timing.push(Timing {
            name: Step::Compile,
            started_at: Some(begun),
            completed_at: Some(Utc::now()),
        });
        let begun = Utc::now();
        let outcome = match compiled {
            Err(d) => Err(compile_failure(node, d)),
            Ok(compiled) => {
                result.compiled = true;
                result.compiled_code = Some(self.shared.staged.published(node, &compiled.sql));
                result.macros.clone_from(&compiled.macros);
                result.extra_ctes.clone_from(&compiled.extra_ctes);
                self.count(node, &compiled, &mut result)
            }
        };
        self.close();
        result.timing.push(Timing {
            name: Step::Execute,
            started_at: Some(begun),
            completed_at: Some(Utc::now()),
        });
        result.execution_time = started.elapsed().as_secs_f64();
        result.relation_name = self.kept(node);
        match outcome {
            Ok(counted) => {
                let warning = Diagnostic::warning(code::T0701, "").event("LogTestResult");
                let strict = (self.shared.strict)(&warning);
                judge(node, &counted, strict, &mut result);
                (result, None)
            }
            Err(f) => {
                result.status = Status::Error;
                result.message = Some(f.message.clone());
                result.diagnostic = Some(f.diagnostic.clone());
                (result, Some(f))
            }
        }
    }

    /// The relation that keeps the failing rows, if they are kept.
    fn kept(&self, node: &Node) -> Option<String> {
        let asked = node.config.get("store_failures").and_then(Json::as_bool);
        let kept = asked.unwrap_or_else(|| self.shared.flag("STORE_FAILURES"));
        let own = || self.shared.relation_of(node).name();
        node.relation_name.clone().or_else(|| kept.then(own))
    }

    fn count(
        &self,
        node: &Node,
        compiled: &crate::compile::CompiledNode,
        result: &mut NodeResult,
    ) -> Result<Counted, Failure> {
        let file = self.write_compiled(node, &compiled.sql);
        result.compiled_path = Some(file.clone());
        let def = find_materialization(&self.shared, "test")
            .ok_or_else(|| internal(node, "the test materialization is missing"))?;
        let compiler = self.compiler();
        let mut node = node.clone();
        node.compiled = Some(Compiled {
            code: compiled.sql.clone(),
            extra_ctes: compiled.extra_ctes.clone(),
            path: Some(file.clone()),
        });
        let scope = compiler.scope(&node, compiler.facts(&node));
        scope.set("sql", Value::from(compiled.sql.as_str()));
        scope.set("compiled_code", Value::from(compiled.sql.as_str()));
        let called = self
            .shared
            .engine
            .call_macro(&def, &[], &[], scope.dynamic());
        result.build_path = self.write_run(&node, &scope);
        called.map_err(|e| node_error(&node, Some(compiled), &e, Some(&file)))?;
        respond(result, &scope);
        let table = scope.result("main").and_then(|r| r.get_attr("table").ok());
        let table = table
            .as_ref()
            .and_then(|t| t.downcast_object_ref::<crate::context::Table>());
        let Some(table) = table else {
            return Err(internal(
                &node,
                "dbt expected a result from the test query, but there is none",
            ));
        };
        let wrong = |what: String| internal(&node, &what);
        if table.rows().len() != 1 {
            return Err(wrong(format!(
                "dbt internally failed to execute {}: Returned {} rows, but expected 1 row",
                node.unique_id,
                table.rows().len()
            )));
        }
        let row = &table.rows()[0];
        let cell = |name: &str| {
            table
                .names()
                .iter()
                .position(|n| n == name)
                .map(|i| row.cells[i].clone())
        };
        let (Some(failures), Some(warn), Some(error)) =
            (cell("failures"), cell("should_warn"), cell("should_error"))
        else {
            return Err(wrong(format!(
                "dbt internally failed to execute {}: the test query must give the columns failures, should_warn and should_error",
                node.unique_id
            )));
        };
        let text = python::str_of(&failures);
        let failures = text.parse::<i64>().ok().or_else(|| {
            text.parse::<f64>()
                .ok()
                .filter(|x| x.fract() == 0.0)
                .map(|x| x as i64)
        });
        let no_truth = |value: &Value| {
            wrong(format!(
                "Macro 'get_test_sql' returns {}.  It is not type 'bool' and cannot not be converted reliably to a bool.",
                python::repr_of(value)
            ))
        };
        let Some(failures) = failures else {
            return Err(wrong(format!(
                "the fail_calc of {} gave {text}, which is not a whole number",
                node.name
            )));
        };
        Ok(Counted {
            failures,
            should_warn: truth(&warn).ok_or_else(|| no_truth(&warn))?,
            should_error: truth(&error).ok_or_else(|| no_truth(&error))?,
        })
    }
}

/// A project's own `get_test_sql` may give words for truth; none where a text is no such word.
fn truth(value: &Value) -> Option<bool> {
    let Some(text) = value.as_str() else {
        return Some(value.is_true());
    };
    match text.to_lowercase().as_str() {
        "y" | "yes" | "t" | "true" | "on" | "1" => Some(true),
        "n" | "no" | "f" | "false" | "off" | "0" => Some(false),
        _ => None,
    }
}

/// Pass, warn or fail by the test's severity and limits.
fn judge(node: &Node, counted: &Counted, strict: bool, result: &mut NodeResult) {
    let severity = node
        .config
        .str("severity")
        .unwrap_or("ERROR")
        .to_lowercase();
    let text = |key: &str| node.config.str(key).unwrap_or("!= 0").to_string();
    let plural = if counted.failures == 1 {
        "result"
    } else {
        "results"
    };
    result.failures = Some(0);
    if severity == "error" && counted.should_error {
        result.status = Status::Fail;
        result.failures = Some(counted.failures);
        result.message = Some(format!(
            "Got {} {plural}, configured to fail if {}",
            counted.failures,
            text("error_if")
        ));
    } else if counted.should_warn {
        let (status, word) = if strict {
            (Status::Fail, "fail")
        } else {
            (Status::Warn, "warn")
        };
        result.status = status;
        result.failures = Some(counted.failures);
        result.message = Some(format!(
            "Got {} {plural}, configured to {word} if {}",
            counted.failures,
            text("warn_if")
        ));
    } else {
        result.status = Status::Pass;
        result.message = None;
    }
}
