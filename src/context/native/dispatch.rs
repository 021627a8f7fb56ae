//! Macros that only hand on to the one that `adapter.dispatch` finds, and the plain ones that these find.
use super::Body;
use super::call::{Block, Call, attribute};
use crate::context::argument::filtered;
use crate::jinja::python;
use minijinja::Error;
use minijinja::value::Value;

/// A macro that returns what the dispatched one gives.
macro_rules! returns {
    ($($name:literal),*) => { [$(($name, (|c| c.dispatch($name, c.args())) as Body)),*] };
}

/// A macro that prints what the dispatched one gives.
macro_rules! prints {
    ($($name:literal as $dispatched:literal),*) => {
        [$(($name, (|c| {
            let value = c.dispatch($dispatched, c.args())?;
            Ok(Value::from(python::str_of(&value)))
        }) as Body)),*]
    };
}

const RETURNS: [(&str, Body); 11] = returns![
    "apply_grants",
    "call_dcl_statements",
    "copy_grants",
    "create_indexes",
    "drop_relation",
    "get_create_index_sql",
    "get_show_grant_sql",
    "rename_relation",
    "truncate_relation",
    "alter_column_comment",
    "alter_relation_comment"
];

const PRINTS: [(&str, Body); 9] = prints![
    "get_create_view_as_sql" as "get_create_view_as_sql",
    "get_create_table_as_sql" as "get_create_table_as_sql",
    "create_view_as" as "create_view_as",
    "get_test_sql" as "get_test_sql",
    "get_limit_subquery_sql" as "get_limit_sql",
    "get_drop_sql" as "get_drop_sql",
    "drop_view" as "drop_view",
    "drop_table" as "drop_table",
    "drop_materialized_view" as "drop_materialized_view"
];

const WITH_DEFAULTS: [(&str, Body); 5] = [
    ("make_intermediate_relation", |c| {
        let suffix = given(c.arg(1), "__dbt_tmp");
        c.dispatch("make_intermediate_relation", &[c.arg(0), suffix])
    }),
    ("make_temp_relation", |c| {
        let suffix = given(c.arg(1), "__dbt_tmp");
        c.dispatch("make_temp_relation", &[c.arg(0), suffix])
    }),
    ("make_backup_relation", |c| {
        let suffix = given(c.arg(2), "__dbt_backup");
        c.dispatch("make_backup_relation", &[c.arg(0), c.arg(1), suffix])
    }),
    ("persist_docs", |c| {
        let (relation, columns) = (given(c.arg(2), true), given(c.arg(3), true));
        c.dispatch("persist_docs", &[c.arg(0), c.arg(1), relation, columns])
    }),
    ("get_where_subquery", |c| {
        c.dispatch("get_where_subquery", &[c.arg(0)])
    }),
];

const PLAIN: [(&str, Body); 9] = [
    ("default__get_create_view_as_sql", |c| {
        c.run("create_view_as", c.args())
    }),
    ("default__get_create_table_as_sql", |c| {
        c.run("create_table_as", c.args())
    }),
    ("default__get_drop_sql", drop_sql),
    ("default__drop_view", |c| drop_kind(c, "view")),
    ("default__drop_table", |c| drop_kind(c, "table")),
    ("default__drop_relation", drop_relation),
    ("default__get_test_sql", test_sql),
    ("default__get_limit_sql", limit_sql),
    ("default__get_where_subquery", |c| {
        filtered(c.inner, c.arg(0))
    }),
];

/// All of them.
pub(super) static BODIES: std::sync::LazyLock<Vec<(&str, Body)>> = std::sync::LazyLock::new(|| {
    let lists: [&[(&str, Body)]; 4] = [&RETURNS, &PRINTS, &WITH_DEFAULTS, &PLAIN];
    lists.concat()
});

/// An argument, or what it is without.
fn given(value: Value, default: impl Into<Value>) -> Value {
    if value.is_undefined() {
        default.into()
    } else {
        value
    }
}

fn drop_kind(c: &mut Call<'_, '_, '_>, kind: &str) -> Result<Value, Error> {
    let relation = c.method(&c.arg(0), "render", &[])?;
    let relation = python::str_of(&relation);
    Ok(Value::from(format!(
        "drop {kind} if exists {relation} cascade"
    )))
}

fn drop_sql(c: &mut Call<'_, '_, '_>) -> Result<Value, Error> {
    let relation = c.arg(0);
    let kind = python::str_of(&attribute(&relation, "type"));
    let own = match kind.as_str() {
        "view" => "drop_view",
        "table" => "drop_table",
        "materialized_view" => "drop_materialized_view",
        _ => return drop_kind(c, &kind.replace('_', " ")),
    };
    c.text(own, &[relation]).map(Value::from)
}

fn drop_relation(c: &mut Call<'_, '_, '_>) -> Result<Value, Error> {
    let block = Block::Of("get_drop_sql", c.args().to_vec());
    c.statement(Some("drop_relation"), block, false, false)?;
    Ok(Value::from(""))
}

/// One row: the count of failures, and whether it is one to warn of or to fail for.
fn test_sql(c: &mut Call<'_, '_, '_>) -> Result<Value, Error> {
    let text = |i: usize| python::str_of(&c.arg(i));
    let (query, count, warn, error) = (text(0), text(1), text(2), text(3));
    let limit = c.arg(4);
    let limit = if limit.is_none() {
        String::new()
    } else {
        format!("limit {}", python::str_of(&limit))
    };
    Ok(Value::from(format!(
        "select\n      {count} as failures,\n      {count} {warn} as should_warn,\n      \
         {count} {error} as should_error\n    from (\n      {query}\n      {limit}\n    ) dbt_internal_test"
    )))
}

fn limit_sql(c: &mut Call<'_, '_, '_>) -> Result<Value, Error> {
    let (sql, limit) = (python::str_of(&c.arg(0)), c.arg(1));
    let limit = if limit.is_none() {
        String::new()
    } else {
        format!("\n  limit {}", python::str_of(&limit))
    };
    Ok(Value::from(format!("\n  {sql}\n  {limit}")))
}
