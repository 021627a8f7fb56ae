//! Data tests and unit tests.
use super::call::{Block, Call, attribute, named, relations};
use crate::context::exceptions::compilation;
use crate::jinja::python;
use minijinja::Error;
use minijinja::value::Value;

/// Counts the rows that the test finds. Stored failures go to a relation first, which stays.
pub(super) fn data_test(c: &mut Call<'_, '_, '_>) -> Result<Value, Error> {
    let (sql, limit) = (c.name("sql")?, c.config("limit")?);
    // The white space is the template's: compiled files are compared from run to run.
    let limited = c.text("get_limit_subquery_sql", &[sql, limit])?;
    let limited = format!("\n    {limited}\n  ");
    let (mut made, mut counted) = (Vec::new(), limited.clone());
    if c.run("should_store_failures", &[])?.is_true() {
        let target = stored(c, &limited)?;
        counted = format!(
            "\n        select *\n        from {}\n    ",
            python::str_of(&target)
        );
        made.push(target);
        c.adapter("commit", &[])?;
    }
    let mut args = vec![Value::from(counted)];
    for key in ["fail_calc", "warn_if", "error_if"] {
        args.push(c.config(key)?);
    }
    args.push(Value::from(()));
    let block = Block::Of("get_test_sql", args);
    c.statement(Some("main"), block, true, true)?;
    Ok(relations(made))
}

/// Keeps the failing rows in the test's own relation.
fn stored(c: &mut Call<'_, '_, '_>, query: &str) -> Result<Value, Error> {
    let alias = attribute(&c.name("model")?, "alias");
    let (database, schema) = (c.name("database")?, c.name("schema")?);
    let old = c.adapter(
        "get_relation",
        &[database.clone(), schema.clone(), alias.clone()],
    )?;
    let kind = c.config("store_failures_as")?;
    let kind = if kind.is_true() {
        kind
    } else {
        Value::from("table")
    };
    if !matches!(kind.as_str(), Some("table" | "view")) {
        return Err(compilation(format!(
            "'{}' is not a valid value for `store_failures_as`. Accepted values are: ['ephemeral', 'table', 'view']",
            python::str_of(&kind)
        )));
    }
    let class = attribute(&c.name("api")?, "Relation");
    let parts = [
        ("identifier", alias),
        ("schema", schema),
        ("database", database),
        ("type", kind),
    ];
    let target = c.method(&class, "create", &[named(parts)])?;
    if old.is_true() {
        c.adapter("drop_relation", &[old])?;
    }
    let text = c.text("get_create_sql", &[target.clone(), Value::from(query)])?;
    let text = format!("\n        {text}\n    ");
    c.statement(None, Block::Text(text), false, true)?;
    Ok(target)
}

/// Runs the model over its fixtures and returns its rows beside the expected ones. An empty temporary table of the
/// model's query tells the types that the expected values are cast to.
pub(super) fn unit_test(c: &mut Call<'_, '_, '_>) -> Result<Value, Error> {
    let sql = c.name("sql")?;
    let (rows, mut expected) = (c.config("expected_rows")?, c.config("expected_sql")?);
    let tested = if rows.is_true() {
        c.method(&rows.get_item(&Value::from(0))?, "keys", &[])?
    } else {
        c.run("get_columns_in_query", std::slice::from_ref(&sql))?
    };
    let this = c.name("this")?;
    let target = c.typed(&this, &Value::from("table"))?;
    let temporary = c.run("make_temp_relation", &[target])?;
    let empty = c.run("get_empty_subquery_sql", std::slice::from_ref(&sql))?;
    let made = [Value::from(true), temporary.clone(), empty];
    let create = c.run("get_create_table_as_sql", &made)?;
    c.run("run_query", &[create])?;

    let (mut types, mut quoted) = (Vec::new(), Vec::new());
    let columns = c.adapter("get_columns_in_relation", std::slice::from_ref(&temporary))?;
    for column in python::iterate(&columns)? {
        let name = lower(&attribute(&column, "name"));
        types.push((name.clone(), attribute(&column, "data_type")));
        quoted.push((name, attribute(&column, "quoted")));
    }
    let dict = |pairs: Vec<_>| python::Dict::value(pairs.into_iter().collect());
    let (types, quoted) = (dict(types), dict(quoted));
    let mut names = Vec::new();
    for name in python::iterate(&tested)? {
        names.push(quoted.get_item(&lower(&name))?);
    }
    if !expected.is_true() {
        expected = c.run("get_expected_sql", &[rows, types, quoted])?;
    }
    let names = python::List::value(names);
    let text = c.text("get_unit_test_sql", &[sql, expected, names])?;
    c.statement(Some("main"), Block::Text(text), true, true)?;
    c.adapter("drop_relation", &[temporary])?;
    Ok(relations(Vec::new()))
}

fn lower(value: &Value) -> Value {
    Value::from(python::str_of(value).to_lowercase())
}
