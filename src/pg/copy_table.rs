//! A copy of a table beside it, with everything that a build can have made of it.
use super::cell::Cell;
use super::error::PgError;
use super::session::Session;
use super::{quote_ident, quote_literal};

/// What became of the wish for a copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Copied {
    /// There is no table to copy.
    Nothing,
    /// It has been copied.
    Done,
    /// It has something that a copy would lose.
    Cannot(String),
}

/// What is asked of the table before it is copied: what stands in the way, and what `like` does not take along.
fn facts(table: &str, copy: &str) -> String {
    let (table, copy) = (quote_literal(table), quote_literal(copy));
    format!(
        "select case \
           when c.relkind <> 'r' or c.relispartition then 'it is partitioned' \
           when exists (select from pg_catalog.pg_inherits i where c.oid in (i.inhparent, i.inhrelid)) \
             then 'it inherits from another table, or another from it' \
           when exists (select from pg_catalog.pg_trigger t where t.tgrelid = c.oid and not t.tgisinternal) \
             then 'it has triggers' \
           when c.relrowsecurity or exists (select from pg_catalog.pg_policy p where p.polrelid = c.oid) \
             then 'it has policies for its rows' \
           when exists (select from pg_catalog.pg_depend d join pg_catalog.pg_class s on s.oid = d.objid \
             where d.refobjid = c.oid and d.classid = 'pg_catalog.pg_class'::regclass and s.relkind = 'S' \
             and d.deptype = 'a') then 'it owns a sequence' end, \
         c.relpersistence = 'u', pg_catalog.array_to_string(c.reloptions, ', '), \
         (select pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' order by a.attnum) \
           from pg_catalog.pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped \
           and a.attgenerated = ''), \
         (select pg_catalog.string_agg(pg_catalog.format('alter table %s add constraint %I %s;', {copy}, \
           k.conname, pg_catalog.pg_get_constraintdef(k.oid)), ' ' order by k.conname) \
           from pg_catalog.pg_constraint k where k.conrelid = c.oid and k.contype = 'f'), \
         (select pg_catalog.string_agg(pg_catalog.format('grant %s on %s to %s%s;', x.privilege_type, {copy}, \
           case when x.grantee = 0 then 'public' else pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(x.grantee)) end, \
           case when x.is_grantable then ' with grant option' else '' end), ' ') \
           from pg_catalog.aclexplode(c.relacl) x where x.grantee <> c.relowner), \
         pg_catalog.obj_description(c.oid, 'pg_class') \
         from pg_catalog.pg_class c where c.oid = pg_catalog.to_regclass({table}) and c.relkind in ('r', 'p')"
    )
}

/// Which index of the copy stands for which of the table, in pairs of names: the table's first. `like` makes names of its
/// own, which `mark` tells from names that were given.
pub fn paired_indexes(schema: &str, name: &str, copy: &str, mark: &str) -> String {
    let of = |name: &str| {
        let table = quote_literal(&format!("{}.{}", quote_ident(schema), quote_ident(name)));
        // What follows the names of the index and its table is the same for both.
        format!(
            "select c.relname::text as name, d.def, \
             pg_catalog.row_number() over (partition by d.def order by c.oid) as nth \
             from pg_catalog.pg_index i join pg_catalog.pg_class c on c.oid = i.indexrelid \
             cross join lateral (select pg_catalog.concat(i.indisunique, i.indisprimary, \
             pg_catalog.substring(pg_catalog.pg_get_indexdef(c.oid), ' USING .*$')) as def) d \
             where i.indrelid = pg_catalog.to_regclass({table})"
        )
    };
    format!(
        "select o.name, n.name from ({}) o join ({}) n on o.def = n.def and o.nth = n.nth \
         where pg_catalog.strpos(n.name, {}) > 0",
        of(name),
        of(copy),
        quote_literal(mark)
    )
}

/// Copies the table `name` of a schema to `copy` in the same schema: columns, rows, constraints, indexes, comments,
/// grants. Within one transaction of its own.
///
/// # Errors
/// The server refuses a statement; nothing is there then.
pub fn copy_table(
    session: &mut Session,
    schema: &str,
    name: &str,
    copy: &str,
) -> Result<Copied, PgError> {
    let full = |name: &str| format!("{}.{}", quote_ident(schema), quote_ident(name));
    let (table, copy) = (full(name), full(copy));
    let found = session.fetch(&facts(&table, &copy))?;
    let Some(row) = found.rows.first() else {
        return Ok(Copied::Nothing);
    };
    let text = |i: usize| row.get(i).and_then(Cell::text);
    if let Some(why) = text(0) {
        return Ok(Copied::Cannot(why));
    }
    let unlogged = if row[1].as_bool() == Some(true) {
        "unlogged "
    } else {
        ""
    };
    let options = text(2).filter(|o| !o.is_empty());
    let options = options.map_or(String::new(), |o| format!(" with ({o})"));
    let columns = text(3).unwrap_or_default();
    let mut sql = format!(
        "create {unlogged}table {copy} (like {table} including all){options}; \
         insert into {copy} ({columns}) overriding system value select {columns} from {table};"
    );
    if columns.is_empty() {
        sql = format!("create {unlogged}table {copy} (like {table} including all){options};");
    }
    for more in [text(4), text(5)].into_iter().flatten() {
        sql.push(' ');
        sql.push_str(&more);
    }
    if let Some(comment) = text(6) {
        sql += &format!(" comment on table {copy} is {};", quote_literal(&comment));
    }
    session.begin()?;
    let done = session.execute(&sql).and_then(|_| session.commit());
    if let Err(e) = done {
        // A connection that cannot roll back is broken, and then the server has rolled back already.
        let _ = session.rollback();
        return Err(e);
    }
    Ok(Copied::Done)
}
