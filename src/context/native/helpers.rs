//! What the materializations have in common: relations by name, names beside theirs, grants, comments, indexes.
use super::Body;
use super::call::{Block, Call, attribute, is_nothing};
use crate::context::exceptions::compilation;
use crate::context::relation::{MAX_NAME, Relation};
use crate::jinja::python;
use minijinja::Error;
use minijinja::value::Value;

pub(super) const BODIES: &[(&str, Body)] = &[
    ("load_cached_relation", load_cached_relation),
    ("drop_relation_if_exists", drop_relation_if_exists),
    (
        "postgres__make_intermediate_relation",
        make_intermediate_relation,
    ),
    ("postgres__make_backup_relation", make_backup_relation),
    ("postgres__make_temp_relation", make_temp_relation),
    ("default__rename_relation", rename_relation),
    ("should_full_refresh", should_full_refresh),
    ("should_store_failures", should_store_failures),
    ("should_revoke", should_revoke),
    ("postgres__copy_grants", copy_grants),
    ("default__apply_grants", apply_grants),
    ("default__persist_docs", persist_docs),
    ("default__create_indexes", create_indexes),
    ("is_incremental", is_incremental),
];

fn load_cached_relation(c: &mut Call<'_, '_, '_>) -> Result<Value, Error> {
    let relation = c.arg(0);
    let part = |name| attribute(&relation, name);
    c.adapter(
        "get_relation",
        &[part("database"), part("schema"), part("identifier")],
    )
}

fn drop_relation_if_exists(c: &mut Call<'_, '_, '_>) -> Result<Value, Error> {
    let relation = c.arg(0);
    if !relation.is_none() {
        c.adapter("drop_relation", &[relation])?;
    }
    Ok(Value::from(""))
}

/// A relation whose name ends in a suffix; the base is cut so that the whole fits.
pub(in crate::context) fn suffixed(base: &Value, suffix: &str) -> Result<Relation, Error> {
    let mut relation = Relation::expect(base, "base_relation")?;
    let Some(room) = MAX_NAME
        .checked_sub(suffix.chars().count())
        .filter(|room| *room > 0)
    else {
        return Err(compilation(format!(
            "Relation suffix is too long ({} characters). Maximum length is {MAX_NAME} characters.",
            suffix.chars().count()
        )));
    };
    let name = relation.identifier.take().unwrap_or_default();
    let name: String = name.chars().take(room).collect();
    relation.identifier = Some(name + suffix);
    relation.fits()?;
    Ok(relation)
}

fn make_intermediate_relation(c: &mut Call<'_, '_, '_>) -> Result<Value, Error> {
    Ok(suffixed(&c.arg(0), &python::str_of(&c.arg(1)))?.value())
}

fn make_backup_relation(c: &mut Call<'_, '_, '_>) -> Result<Value, Error> {
    let backup = suffixed(&c.arg(0), &python::str_of(&c.arg(2)))?.value();
    c.typed(&backup, &c.arg(1))
}

/// Temporary tables live in a schema of the session, and have the time in their names.
fn make_temp_relation(c: &mut Call<'_, '_, '_>) -> Result<Value, Error> {
    let model = c.name("model")?;
    let batch = attribute(&model, "batch");
    let mut suffix = python::str_of(&c.arg(1));
    if batch.is_true() {
        suffix = format!("{suffix}_{}", python::str_of(&attribute(&batch, "id")));
    }
    suffix += &chrono::Local::now().format("%H%M%S%6f").to_string();
    let mut relation = suffixed(&c.arg(0), &suffix)?;
    (relation.schema, relation.database) = (None, None);
    Ok(relation.value())
}

/// `alter table` renames views as well.
fn rename_relation(c: &mut Call<'_, '_, '_>) -> Result<Value, Error> {
    let (from, to) = (c.arg(0), c.arg(1));
    let quoted = c.adapter(
        "quote_as_configured",
        &[attribute(&to, "identifier"), Value::from("identifier")],
    )?;
    let from = c.method(&from, "render", &[])?;
    let (from, to) = (python::str_of(&from), python::str_of(&quoted));
    let text = format!("alter table {from} rename to {to}");
    c.statement(Some("rename_relation"), Block::Text(text), false, true)?;
    Ok(Value::from(""))
}

/// The configuration rules over the flag, both ways.
fn config_or_flag(c: &mut Call<'_, '_, '_>, key: &str, flag: &str) -> Result<Value, Error> {
    let own = c.config(key)?;
    if own.is_none() {
        c.run_flag(flag)
    } else {
        Ok(own)
    }
}

fn should_full_refresh(c: &mut Call<'_, '_, '_>) -> Result<Value, Error> {
    config_or_flag(c, "full_refresh", "FULL_REFRESH")
}

fn should_store_failures(c: &mut Call<'_, '_, '_>) -> Result<Value, Error> {
    config_or_flag(c, "store_failures", "STORE_FAILURES")
}

fn should_revoke(c: &mut Call<'_, '_, '_>) -> Result<Value, Error> {
    match (c.arg(0).is_true(), c.flag(1, true)) {
        (false, _) => Ok(Value::from(false)),
        (true, true) => c.run("copy_grants", &[]),
        (true, false) => Ok(Value::from(true)),
    }
}

/// A table made anew has none of the grants of the one before.
fn copy_grants(_: &mut Call<'_, '_, '_>) -> Result<Value, Error> {
    Ok(Value::from(false))
}

fn apply_grants(c: &mut Call<'_, '_, '_>) -> Result<Value, Error> {
    let (relation, wanted) = (c.arg(0), c.arg(1));
    if !wanted.is_true() {
        return Ok(Value::from(""));
    }
    let (mut grants, mut revocations) = (wanted.clone(), Value::UNDEFINED);
    if c.flag(2, true) {
        let sql = c.run("get_show_grant_sql", std::slice::from_ref(&relation))?;
        let table = c.run("run_query", &[sql])?;
        let current = c.adapter("standardize_grants_dict", &[table])?;
        grants = c.run("diff_of_two_dicts", &[wanted.clone(), current.clone()])?;
        revocations = c.run("diff_of_two_dicts", &[current, wanted])?;
        if !grants.is_true() && !revocations.is_true() {
            let shown = c.method(&relation, "render", &[])?;
            c.log(format!(
                "On {}: All grants are in place, no revocation or granting needed.",
                python::str_of(&shown)
            ));
        }
    }
    let mut statements = Vec::new();
    for (wanted, by) in [(revocations, "get_revoke_sql"), (grants, "get_grant_sql")] {
        if wanted.is_true() {
            let by = c.name(by)?;
            let list = c.run("get_dcl_statement_list", &[relation.clone(), wanted, by])?;
            statements.extend(python::iterate(&list)?);
        }
    }
    if !statements.is_empty() {
        c.run("call_dcl_statements", &[python::List::value(statements)])?;
    }
    Ok(Value::from(""))
}

fn persist_docs(c: &mut Call<'_, '_, '_>) -> Result<Value, Error> {
    let (relation, model) = (c.arg(0), c.arg(1));
    let description = attribute(&model, "description");
    if c.arg(2).is_true() && c.config_says("persist_relation_docs")? && description.is_true() {
        let sql = c.run("alter_relation_comment", &[relation.clone(), description])?;
        c.run("run_query", &[sql])?;
    }
    let columns = attribute(&model, "columns");
    if c.arg(3).is_true() && c.config_says("persist_column_docs")? && columns.is_true() {
        let there = c.adapter("get_columns_in_relation", std::slice::from_ref(&relation))?;
        let there = python::iterate(&there)?;
        let there = there.iter().map(|column| attribute(column, "name"));
        let there = python::List::value(there.collect());
        let documented = c.run("validate_doc_columns", &[relation.clone(), columns, there])?;
        let sql = c.run("alter_column_comment", &[relation, documented])?;
        if !python::str_of(&sql).trim().is_empty() && sql.is_true() {
            c.run("run_query", &[sql])?;
        }
    }
    Ok(Value::from(""))
}

fn create_indexes(c: &mut Call<'_, '_, '_>) -> Result<Value, Error> {
    let relation = c.arg(0);
    let indexes = c.config("indexes")?;
    if is_nothing(&indexes) {
        return Ok(Value::from(""));
    }
    for index in python::iterate(&indexes)? {
        let sql = c.run("get_create_index_sql", &[relation.clone(), index])?;
        if sql.is_true() {
            c.run("run_query", &[sql])?;
        }
    }
    Ok(Value::from(""))
}

fn is_incremental(c: &mut Call<'_, '_, '_>) -> Result<Value, Error> {
    if !c.inner.executing() {
        return Ok(Value::from(false));
    }
    let this = c.name("this")?;
    let part = |name| attribute(&this, name);
    let names = [part("database"), part("schema"), part("table")];
    let there = c.adapter("get_relation", &names)?;
    if there.is_none() || attribute(&there, "type").as_str() != Some("table") {
        return Ok(Value::from(false));
    }
    let model = c.name("model")?;
    let materialized = attribute(&attribute(&model, "config"), "materialized");
    let anew = materialized.as_str() != Some("incremental")
        || c.run("should_full_refresh", &[])?.is_true();
    Ok(Value::from(!anew))
}
