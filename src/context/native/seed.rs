//! Seeds: a table of the file's rows, made on the first run and on a full refresh, emptied and filled otherwise.
use super::call::{Call, attribute, named, relations};
use crate::jinja::python;
use minijinja::Error;
use minijinja::value::Value;

pub(super) fn seed(c: &mut Call<'_, '_, '_>) -> Result<Value, Error> {
    let model = c.name("model")?;
    let anew = c.run("should_full_refresh", &[])?;
    let parts = [
        c.name("database")?,
        c.name("schema")?,
        attribute(&model, "alias"),
    ];
    let old = c.adapter("get_relation", &parts)?;
    let is_table = attribute(&old, "is_table").is_true();
    let grants = c.config("grants")?;
    let rows = c.run("load_agate_table", &[])?;
    let kept = [
        ("response", Value::from("OK")),
        ("agate_table", rows.clone()),
    ];
    c.run("store_result", &[Value::from("agate_table"), named(kept)])?;
    c.hooks("pre_hooks", false)?;
    c.hooks("pre_hooks", true)?;

    if attribute(&old, "is_view").is_true() {
        let shown = python::str_of(&c.method(&old, "render", &[])?);
        let text = format!("Cannot seed to '{shown}', it is a view");
        c.exception("raise_compiler_error", &[Value::from(text)])?;
    }
    let create = if is_table {
        let args = [model.clone(), anew.clone(), old.clone(), rows.clone()];
        c.run("reset_csv_table", &args)?
    } else {
        c.run("create_csv_table", &[model.clone(), rows.clone()])?
    };
    filled(c, &model, &rows, create, anew.is_true())?;

    let this = c.name("this")?;
    let target = c.typed(&this, &Value::from("table"))?;
    c.grant(&target, &grants, &old, anew.is_true())?;
    c.document(&target)?;
    if anew.is_true() || !is_table {
        c.run("create_indexes", std::slice::from_ref(&target))?;
    }
    c.hooks("post_hooks", true)?;
    c.commit()?;
    Ok(relations(vec![target]))
}

/// Loads the rows; the statement `main` shows what was done.
fn filled(
    c: &mut Call<'_, '_, '_>,
    model: &Value,
    rows: &Value,
    create: Value,
    anew: bool,
) -> Result<(), Error> {
    let code = if anew { "CREATE" } else { "INSERT" };
    let count = attribute(rows, "rows").len().unwrap_or_default();
    let insert = c.run("load_csv_rows", &[model.clone(), rows.clone()])?;
    let text = c.text("get_csv_sql", &[create, insert])?;
    let message = Value::from(format!("{code} {count}"));
    let args = [
        Value::from("main"),
        message,
        Value::from(code),
        Value::from(count),
    ];
    c.noop_statement(&args, format!("\n    {text};\n  "))
}
