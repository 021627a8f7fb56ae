//! Incremental models: the first run builds the table under its own name; later runs put the query's rows into a
//! temporary table and from there into the target, as the strategy says; a full refresh, or a view in the way, builds
//! anew and swaps.
use super::call::{Block, Call, attribute, named, none, relations};
use super::swap::Swap;
use crate::jinja::python;
use minijinja::Error;
use minijinja::value::Value;

/// How the table comes to have its rows this time.
#[derive(PartialEq, Eq)]
enum Way {
    First,
    Anew,
    More,
}

pub(super) fn incremental(c: &mut Call<'_, '_, '_>) -> Result<Value, Error> {
    let swap = Swap::new(c, "table")?;
    let temporary = c.run("make_temp_relation", std::slice::from_ref(&swap.target))?;
    let is_view = attribute(&swap.existing, "is_view").is_true();
    let full_refresh = c.run("should_full_refresh", &[])?.is_true();
    let anew = full_refresh || is_view;
    let policy = c.config("on_schema_change")?;
    let ignore = named([("default", Value::from("ignore"))]);
    let policy = c.run("incremental_validate_on_schema_change", &[policy, ignore])?;
    let grants = c.config("grants")?;
    swap.clear(c)?;
    c.hooks("pre_hooks", false)?;
    c.hooks("pre_hooks", true)?;

    let strategy = strategy_of(c)?;
    let way = match (swap.existing.is_none(), anew) {
        (true, _) => Way::First,
        (false, true) => Way::Anew,
        (false, false) => Way::More,
    };
    let (sql, indexed) = match way {
        Way::First => (create(c, false, &swap.target)?, &swap.target),
        Way::Anew => (create(c, false, &swap.intermediate)?, &swap.intermediate),
        Way::More => {
            let columns = staged(c, &swap, &temporary, policy)?;
            (added(c, &swap, &temporary, columns, &strategy)?, &temporary)
        }
    };
    let text = format!("\n      {}\n  ", python::str_of(&sql));
    c.statement(Some("main"), Block::Text(text), false, true)?;
    if way == Way::First || is_view || full_refresh {
        c.run("create_indexes", std::slice::from_ref(indexed))?;
    }
    if way == Way::Anew {
        c.adapter(
            "rename_relation",
            &[swap.target.clone(), swap.backup.clone()],
        )?;
        c.adapter(
            "rename_relation",
            &[swap.intermediate.clone(), swap.target.clone()],
        )?;
    }
    c.grant(&swap.target, &grants, &swap.existing, anew)?;
    c.document(&swap.target)?;
    c.hooks("post_hooks", true)?;
    if way == Way::Anew {
        // With the swap, so that nothing is left over whenever the run breaks off.
        c.adapter("drop_relation", std::slice::from_ref(&swap.backup))?;
    }
    c.commit()?;
    Ok(relations(vec![swap.target]))
}

/// The macro that says how rows are added.
fn strategy_of(c: &mut Call<'_, '_, '_>) -> Result<Value, Error> {
    let name = c.config("incremental_strategy")?;
    let name = if name.is_true() {
        name
    } else {
        Value::from("default")
    };
    let context = c.name("context")?;
    c.adapter("get_incremental_strategy_macro", &[context, name])
}

fn create(c: &mut Call<'_, '_, '_>, temporary: bool, relation: &Value) -> Result<Value, Error> {
    let sql = c.name("sql")?;
    let args = [Value::from(temporary), relation.clone(), sql];
    c.run("get_create_table_as_sql", &args)
}

/// Puts the query's rows into the temporary table and makes the target fit; gives the columns to insert.
fn staged(
    c: &mut Call<'_, '_, '_>,
    swap: &Swap,
    temporary: &Value,
    policy: Value,
) -> Result<Value, Error> {
    let sql = create(c, true, temporary)?;
    c.run("run_query", &[sql])?;
    let contract = c.config("contract")?;
    if !attribute(&contract, "enforced").is_true() {
        let relations = [
            ("from_relation", temporary.clone()),
            ("to_relation", swap.target.clone()),
        ];
        c.adapter("expand_target_column_types", &[named(relations)])?;
    }
    let compared = [policy, temporary.clone(), swap.existing.clone()];
    let columns = c.run("process_schema_changes", &compared)?;
    if columns.is_true() {
        return Ok(columns);
    }
    c.adapter(
        "get_columns_in_relation",
        std::slice::from_ref(&swap.existing),
    )
}

/// The statement that adds the rows of the temporary table.
fn added(
    c: &mut Call<'_, '_, '_>,
    swap: &Swap,
    temporary: &Value,
    columns: Value,
    strategy: &Value,
) -> Result<Value, Error> {
    let mut predicates = c.config("predicates")?;
    if !predicates.is_true() {
        predicates = c.config("incremental_predicates")?;
    }
    if !predicates.is_true() {
        predicates = none();
    }
    let facts = [
        ("target_relation", swap.target.clone()),
        ("temp_relation", temporary.clone()),
        ("unique_key", c.config("unique_key")?),
        ("dest_columns", columns),
        ("incremental_predicates", predicates),
    ];
    let facts = facts.into_iter().map(|(k, v)| (Value::from(k), v));
    let facts = python::Dict::value(facts.collect());
    c.invoke(strategy, &[facts])
}
