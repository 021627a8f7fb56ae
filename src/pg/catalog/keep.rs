//! What hangs on a relation that is replaced by another of the same name goes on to hang on the new one.
//!
//! In: an open transaction in which the old relation was renamed away or dropped. Out: the dependants, pointed at the
//! new relation in place, or made again; and those that do not fit it, with the server's reason.
use super::super::error::{PgError, PgErrorKind};
use super::super::session::Session;
use super::super::{quote_ident, quote_literal};
use super::dependants::{Dependant, dependants};

/// A dependant that does not fit the new relation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    /// Which.
    pub dependant: Dependant,
    /// Why, in the server's words.
    pub reason: String,
}

/// Whether anything of others depends on a relation (its own rules, indexes and constraints aside). One short query.
pub fn has_dependants(s: &mut Session, schema: &str, name: &str) -> Result<bool, PgError> {
    let sql = format!("select {}", hangs(schema, name));
    Ok(s.fetch(&sql)?.scalar().and_then(|c| c.as_bool()) == Some(true))
}

/// Waits, until the transaction ends, for all others that exchange a relation with dependants or foreign keys.
/// A relation without any waits for nobody. Tables whose keys refer to it are locked before it, in the order in which
/// whoever changes one of those keys locks them.
pub fn take_turns(s: &mut Session, schema: &str, name: &str) -> Result<(), PgError> {
    let sql = format!(
        "select pg_catalog.pg_advisory_xact_lock(7432, 1) where {} or exists (select from pg_catalog.pg_constraint k \
         where k.contype = 'f' and pg_catalog.to_regclass({}) in (k.conrelid, k.confrelid))",
        hangs(schema, name),
        quote_literal(&format!("{}.{}", quote_ident(schema), quote_ident(name)))
    );
    if s.fetch(&sql)?.rows.is_empty() {
        return Ok(());
    }
    let sql = format!(
        "select pg_catalog.string_agg(pg_catalog.format('%I.%I', n.nspname, c.relname), ', ' order by c.oid) \
         from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace \
         where pg_catalog.pg_has_role(c.relowner, 'USAGE') and c.oid in (select k.conrelid from pg_catalog.pg_constraint k \
         where k.contype = 'f' and k.confrelid = pg_catalog.to_regclass({0}) and k.conrelid <> k.confrelid)",
        quote_literal(&format!("{}.{}", quote_ident(schema), quote_ident(name)))
    );
    if let Some(tables) = s.fetch(&sql)?.scalar().and_then(|c| c.text()) {
        s.execute(&format!("lock table {tables} in access exclusive mode"))?;
    }
    Ok(())
}

/// The condition that something hangs on a relation.
fn hangs(schema: &str, name: &str) -> String {
    format!(
        "exists (select from pg_catalog.pg_class c \
         join pg_catalog.pg_namespace n on n.oid = c.relnamespace \
         cross join lateral (select d.classid, d.objid from pg_catalog.pg_depend d \
           where d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.refobjid = c.oid and d.deptype = 'n' \
           union all select d.classid, d.objid from pg_catalog.pg_type t join pg_catalog.pg_depend d \
             on d.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass and d.refobjid in (t.oid, t.typarray) \
             and d.deptype = 'n' where t.oid = c.reltype) d \
         where n.nspname = {} and c.relname = {} \
           and not exists (select from pg_catalog.pg_rewrite w where w.oid = d.objid and w.ev_class = c.oid \
             and d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass) \
           and not exists (select from pg_catalog.pg_constraint k where k.oid = d.objid and k.conrelid = c.oid \
             and d.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass))",
        quote_literal(schema),
        quote_literal(name)
    )
}

/// The dependants of a relation as they read when it has the name `as_name`, fully qualified. Needs a transaction, and
/// leaves no trace in it.
pub fn dependants_of_old(
    s: &mut Session,
    schema: &str,
    name: &str,
    as_name: &str,
) -> Result<Vec<Dependant>, PgError> {
    s.execute("savepoint tv1_look; set local search_path to ''")?;
    let looked = look(s, schema, name, as_name);
    if looked.is_ok() || s.in_transaction() && !s.is_closed() {
        s.execute("rollback to savepoint tv1_look; release savepoint tv1_look")?;
    }
    looked
}

fn look(
    s: &mut Session,
    schema: &str,
    name: &str,
    as_name: &str,
) -> Result<Vec<Dependant>, PgError> {
    if name != as_name {
        let full = |n: &str| format!("{}.{}", quote_ident(schema), quote_ident(n));
        let taken = format!(
            "select to_regclass({}) is not null",
            quote_literal(&full(as_name))
        );
        if s.fetch(&taken)?.scalar().and_then(|c| c.as_bool()) == Some(true) {
            s.execute(&format!(
                "alter table {} rename to {}",
                full(as_name),
                quote_ident(&aside(s.backend_pid()))
            ))?;
        }
        s.execute(&format!(
            "alter table {} rename to {}",
            full(name),
            quote_ident(as_name)
        ))?;
    }
    let mut all = dependants(s, schema, as_name)?;
    // Views of somebody's session end with the session.
    all.retain(|d| !d.schema.starts_with("pg_temp"));
    Ok(all)
}

/// A name of this session's own. A pooler between us and the server makes up the number, which may be below zero.
fn aside(backend: i32) -> String {
    format!("tv1_aside_{}", backend.unsigned_abs())
}

/// Points the dependants at the relation that has the name now, none of them dropped. False, and nothing changed, when
/// one cannot be changed in place.
pub fn point_at_new(s: &mut Session, all: &[Dependant]) -> Result<bool, PgError> {
    let mut sql = Vec::new();
    for d in all.iter().filter(|d| d.direct) {
        match d.replace() {
            Some(more) => sql.extend(more),
            None => return Ok(false),
        }
    }
    s.execute("savepoint tv1_keep")?;
    for statement in &sql {
        if let Err(e) = s.execute(statement) {
            if e.kind != PgErrorKind::Database {
                return Err(e);
            }
            s.execute("rollback to savepoint tv1_keep; release savepoint tv1_keep")?;
            return Ok(false);
        }
    }
    s.execute("release savepoint tv1_keep")?;
    Ok(true)
}

/// Makes dependants again that were dropped with the old relation; gives those that do not fit.
pub fn make_again(s: &mut Session, all: &[Dependant]) -> Result<Vec<Lost>, PgError> {
    let mut lost = Vec::new();
    for d in all {
        let sql = d.restore();
        if sql.is_empty() {
            lost.push(Lost {
                dependant: d.clone(),
                reason: "it cannot be made again".into(),
            });
            continue;
        }
        s.execute("savepoint tv1_keep")?;
        let done = sql
            .iter()
            .try_for_each(|statement| s.execute(statement).map(drop));
        if let Err(e) = done {
            if e.kind != PgErrorKind::Database {
                return Err(e);
            }
            s.execute("rollback to savepoint tv1_keep")?;
            lost.push(Lost {
                dependant: d.clone(),
                reason: e.message.clone(),
            });
        }
        s.execute("release savepoint tv1_keep")?;
    }
    Ok(lost)
}

impl PgError {
    /// The refusal to replace a relation because of what depends on it.
    pub fn dependants_in_the_way(relation: &str, lost: &[Lost]) -> Self {
        let list: Vec<String> = lost
            .iter()
            .map(|l| format!("{}: {}", l.dependant.description, l.reason))
            .collect();
        Self {
            sqlstate: "2BP01".into(),
            severity: "ERROR".into(),
            detail: Some(list.join("\n")),
            hint: Some(
                "Change or drop them first, or set the model's config `on_dependents: drop` to have them dropped."
                    .into(),
            ),
            ..Self::new(
                PgErrorKind::Database,
                format!(
                    "{relation} stays as it is: other objects depend on it and do not fit what would replace it"
                ),
            )
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn names_aside_need_no_quotes_whatever_a_pooler_says() {
        assert_eq!(super::aside(-1_829_159_875), "tv1_aside_1829159875");
        assert_eq!(super::aside(i32::MIN), "tv1_aside_2147483648");
    }
}
