//! Snapshots: the first run writes the source's rows as current ones; later runs stage the changes and merge them. A
//! full refresh changes nothing: history cannot be built anew.
use super::call::{Block, Call, attribute, named, relations};
use crate::jinja::python;
use minijinja::Error;
use minijinja::value::Value;

/// A snapshot's table, and how its rows come to be.
struct Target {
    relation: Value,
    strategy: Value,
}

pub(super) fn snapshot(c: &mut Call<'_, '_, '_>) -> Result<Value, Error> {
    let grants = c.config("grants")?;
    let (exists, relation) = target(c)?;
    if !attribute(&relation, "is_table").is_true() {
        c.exception(
            "relation_wrong_type",
            &[relation.clone(), Value::from("table")],
        )?;
    }
    c.hooks("pre_hooks", false)?;
    c.hooks("pre_hooks", true)?;
    let target = Target {
        strategy: strategy(c, exists)?,
        relation,
    };
    let (query, sql, staging) = if exists {
        changes(c, &target)?
    } else {
        let model = c.name("model")?;
        let code = model.get_item(&Value::from("compiled_code"))?;
        let query = c.run("build_snapshot_table", &[target.strategy.clone(), code])?;
        let made = [Value::from(false), target.relation.clone(), query.clone()];
        (query, c.run("create_table_as", &made)?, None)
    };
    c.run("check_time_data_types", &[query])?;
    let text = format!("\n      {}\n  ", python::str_of(&sql));
    c.statement(Some("main"), Block::Text(text), false, true)?;
    c.grant(&target.relation, &grants, &Value::from(exists), false)?;
    c.document(&target.relation)?;
    if !exists {
        c.run("create_indexes", std::slice::from_ref(&target.relation))?;
    }
    c.hooks("post_hooks", true)?;
    c.adapter("commit", &[])?;
    if let Some(staging) = staging {
        c.run("post_snapshot", &[staging])?;
    }
    c.hooks("post_hooks", false)?;
    Ok(relations(vec![target.relation]))
}

/// Whether the snapshot's table is there, and which it is.
fn target(c: &mut Call<'_, '_, '_>) -> Result<(bool, Value), Error> {
    let model = c.name("model")?;
    let part = |name| attribute(&model, name);
    let alias = part("alias");
    let name = if alias.is_undefined() {
        part("name")
    } else {
        alias
    };
    let parts = [
        ("database", part("database")),
        ("schema", part("schema")),
        ("identifier", name),
        ("type", Value::from("table")),
    ];
    let found = c.run("get_or_create_relation", &[named(parts)])?;
    let exists = found.get_item(&Value::from(0))?.is_true();
    Ok((exists, found.get_item(&Value::from(1))?))
}

/// What the macro of the strategy says of this snapshot.
fn strategy(c: &mut Call<'_, '_, '_>, exists: bool) -> Result<Value, Error> {
    let name = c.config("strategy")?;
    let found = c.run("strategy_dispatch", &[name])?;
    let model = c.name("model")?;
    let config = model.get_item(&Value::from("config"))?;
    let (old, new) = (Value::from("snapshotted_data"), Value::from("source_data"));
    c.invoke(&found, &[model, old, new, config, Value::from(exists)])
}

/// Stages what has changed; gives the query of it, the statement that merges it, and the staging table.
fn changes(
    c: &mut Call<'_, '_, '_>,
    target: &Target,
) -> Result<(Value, Value, Option<Value>), Error> {
    let Target {
        relation, strategy, ..
    } = target;
    let mut columns = c.config("snapshot_table_column_names")?;
    if !columns.is_true() {
        columns = c.run("get_snapshot_table_column_names", &[])?;
    }
    let checked = [relation.clone(), columns, strategy.clone()];
    c.adapter("assert_valid_snapshot_target_given_strategy", &checked)?;
    let sql = c.name("sql")?;
    let args = [strategy.clone(), sql, relation.clone()];
    let query = c.run("snapshot_staging_table", &args)?;
    let staging = c.run("build_snapshot_staging_table", &args)?;
    // Wider text needs wider columns.
    let pair = [
        ("from_relation", staging.clone()),
        ("to_relation", relation.clone()),
    ];
    c.adapter("expand_target_column_types", &[named(pair)])?;

    let internal = internal_names(&c.config("unique_key")?)?;
    let missing = c.adapter("get_missing_columns", &[staging.clone(), relation.clone()])?;
    let missing = python::List::value(others(&missing, &internal)?);
    c.run("create_columns", &[relation.clone(), missing])?;
    let there = c.adapter("get_columns_in_relation", std::slice::from_ref(&staging))?;
    let mut inserted = Vec::new();
    for column in others(&there, &internal)? {
        inserted.push(c.adapter("quote", &[attribute(&column, "name")])?);
    }
    let merged = [
        ("target", relation.clone()),
        ("source", staging.clone()),
        ("insert_cols", python::List::value(inserted)),
    ];
    let sql = c.run("snapshot_merge_sql", &[named(merged)])?;
    Ok((query, sql, Some(staging)))
}

/// The names of the staging table's columns that are no columns of the snapshot.
fn internal_names(unique_key: &Value) -> Result<Vec<String>, Error> {
    let mut names = vec!["dbt_change_type".to_string(), "dbt_unique_key".to_string()];
    if unique_key.as_str().is_none() {
        let keys = python::iterate(unique_key)?.len();
        names.extend((1..=keys).map(|n| format!("dbt_unique_key_{n}")));
    }
    let upper: Vec<String> = names.iter().map(|n| n.to_uppercase()).collect();
    names.extend(upper);
    Ok(names)
}

/// The columns that have none of these names.
fn others(columns: &Value, names: &[String]) -> Result<Vec<Value>, Error> {
    let mut columns = python::iterate(columns)?;
    columns.retain(|column| {
        let name = python::str_of(&attribute(column, "name"));
        !names.contains(&name)
    });
    Ok(columns)
}
