//! Materialized views: created, refreshed, altered or left alone, as `materialized_view_get_build_sql` decides.
use super::call::{Block, Call, relations};
use super::swap::Swap;
use crate::jinja::python;
use minijinja::Error;
use minijinja::value::Value;

pub(super) fn materialized_view(c: &mut Call<'_, '_, '_>) -> Result<Value, Error> {
    let Swap {
        existing,
        target,
        intermediate,
        backup,
        ..
    } = Swap::names(c, "materialized_view")?;
    let (before, after) = (c.name("pre_hooks")?, c.name("post_hooks")?);
    let beside = [backup.clone(), intermediate.clone()];
    let with = |hooks: &Value| [beside[0].clone(), beside[1].clone(), hooks.clone()];

    c.run("materialized_view_setup", &with(&before))?;
    let four = [existing.clone(), target.clone(), backup, intermediate];
    let sql = c.run("materialized_view_get_build_sql", &four)?;
    // An empty text is "left alone".
    if sql.as_str() == Some("") {
        c.run(
            "materialized_view_execute_no_op",
            std::slice::from_ref(&target),
        )?;
    } else {
        let args = [sql, existing, target.clone(), after.clone()];
        c.run("materialized_view_execute_build_sql", &args)?;
    }
    c.run("materialized_view_teardown", &with(&after))?;
    Ok(relations(vec![target]))
}

pub(super) const BODIES: &[(&str, super::Body)] = &[
    ("materialized_view_setup", setup),
    ("materialized_view_teardown", teardown),
    ("materialized_view_execute_build_sql", execute),
];

/// Drops what a run that broke off has left.
fn setup(c: &mut Call<'_, '_, '_>) -> Result<Value, Error> {
    let there = [c.cached(&c.arg(0))?, c.cached(&c.arg(1))?];
    for relation in there {
        c.drop_if_there(relation)?;
    }
    c.run_hooks(c.arg(2), false)?;
    Ok(Value::from(""))
}

fn teardown(c: &mut Call<'_, '_, '_>) -> Result<Value, Error> {
    for i in 0..2 {
        let there = c.cached(&c.arg(i))?;
        c.drop_if_there(there)?;
    }
    c.run_hooks(c.arg(2), false)?;
    Ok(Value::from(""))
}

fn execute(c: &mut Call<'_, '_, '_>) -> Result<Value, Error> {
    let (sql, existing, target) = (c.arg(0), c.arg(1), c.arg(2));
    c.hooks("pre_hooks", true)?;
    let grants = c.config("grants")?;
    let text = format!("\n        {}\n    ", python::str_of(&sql));
    c.statement(Some("main"), Block::Text(text), false, true)?;
    c.grant(&target, &grants, &existing, true)?;
    c.document(&target)?;
    c.run_hooks(c.arg(3), true)?;
    c.adapter("commit", &[])?;
    Ok(Value::from(""))
}
