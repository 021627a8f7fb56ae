//! The new table beside the old one, and the moment when it takes its place.
use super::fill::Filled;
use super::ledger::{self, Entry};
use super::{Job, refused};
use crate::diag::{Diagnostic, Result, code};
use crate::pg::catalog::{self, DependantKind};
use crate::pg::{PgError, Session, quote_ident, quote_literal};
use crate::simulate::project::{Options, Simulation};

/// A new table that is not yet in its place.
pub struct Fresh {
    schema: String,
    name: String,
    /// Constraints and indexes: their present names and the final ones.
    renames: std::cell::RefCell<Vec<(String, String)>>,
}

/// A name of at most 63 bytes, cut before its ending.
fn named(stem: &str, ending: &str) -> String {
    let mut keep = 63usize.saturating_sub(ending.len()).min(stem.len());
    while !stem.is_char_boundary(keep) {
        keep -= 1;
    }
    format!("{}{ending}", &stem[..keep])
}

/// Makes sure that nothing of somebody else's is lost where a table that the ledger does not know is to be.
///
/// # Errors
/// When there is a table with rows (unless all is to be made anew), or something that is no table.
pub fn free(
    session: &mut Session,
    simulation: &Simulation,
    options: &Options,
    schema: &str,
    table: &str,
) -> Result<()> {
    let failed = refused(simulation);
    let relation = format!("{}.{}", quote_ident(schema), quote_ident(table));
    let found = session.fetch(&format!(
        "select c.relkind::text from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
           where n.nspname = {} and c.relname = {}",
        quote_literal(schema),
        quote_literal(table)
    ));
    let found = found.map_err(&failed)?;
    let kind = found.scalar().and_then(|c| c.text()).unwrap_or_default();
    let (what, help) = match kind.as_str() {
        "" => return Ok(()),
        "r" | "p" if options.full_refresh => return Ok(()),
        "r" | "p" => {
            let rows = session.fetch(&format!("select 1 from {relation} limit 1"));
            if rows.map_err(&failed)?.rows.is_empty() {
                return Ok(());
            }
            (
                "has rows that tv1 has not made",
                "drop or rename it, or let `--full-refresh` replace it",
            )
        }
        _ => ("is no table, and tv1 has not made it", "drop or rename it"),
    };
    Err(Diagnostic::error(
        code::M0813,
        format!("simulation {}: {relation} {what}", simulation.name),
    )
    .help(help)
    .into())
}

impl Fresh {
    /// Makes the new table, empty and without keys; one left from a broken run is dropped.
    pub fn create(session: &mut Session, job: &Job<'_>) -> Result<Self, PgError> {
        let fresh = Self {
            schema: job.schema.clone(),
            name: named(&job.table, "__tv1_new"),
            renames: std::cell::RefCell::default(),
        };
        let columns: Vec<String> = job
            .program
            .out
            .iter()
            .map(|o| format!("{} {}", quote_ident(&o.name), o.sql))
            .collect();
        super::ledger::schema(session, &job.schema)?;
        session.execute(&format!(
            "drop table if exists {r}; create table {r} ({})",
            columns.join(", "),
            r = fresh.relation()
        ))?;
        Ok(fresh)
    }

    /// Drops what a killed run left beside a table that need not be made anew.
    ///
    /// # Errors
    /// What the database says.
    pub fn sweep(session: &mut Session, schema: &str, table: &str) -> Result<(), PgError> {
        let name = named(table, "__tv1_new");
        let there = session.fetch(&format!(
            "select 1 from pg_tables where schemaname = {} and tablename = {}",
            quote_literal(schema),
            quote_literal(&name)
        ))?;
        if !there.rows.is_empty() {
            let relation = format!("{}.{}", quote_ident(schema), quote_ident(&name));
            session.execute(&format!("drop table if exists {relation}"))?;
        }
        Ok(())
    }

    /// Its quoted name.
    pub fn relation(&self) -> String {
        format!("{}.{}", quote_ident(&self.schema), quote_ident(&self.name))
    }

    /// Removes it after a failure; the next run would do so as well.
    pub fn drop(&self, session: &mut Session) {
        let _ = session.rollback();
        let _ = session.execute(&format!("drop table if exists {}", self.relation()));
    }

    /// Builds keys and indexes and gathers statistics.
    pub fn index(
        &self,
        session: &mut Session,
        job: &Job<'_>,
        filled: &Filled,
    ) -> Result<(), PgError> {
        let spec = &job.simulations.specs[job.program.table];
        let mut sets: Vec<(Vec<String>, &str)> = Vec::new();
        for column in spec.columns.iter().filter(|c| c.primary_key) {
            sets.push((
                vec![column.name.text.clone()],
                if filled.duplicates {
                    "index"
                } else {
                    "primary key"
                },
            ));
        }
        let loaded = |set: &&Vec<crate::simulate::spec::Name>| {
            set.iter()
                .all(|n| job.program.out.iter().any(|o| o.name == n.text))
        };
        for set in spec.unique.iter().filter(loaded) {
            sets.push((
                set.iter().map(|n| n.text.clone()).collect(),
                if filled.duplicates { "index" } else { "unique" },
            ));
        }
        for set in &spec.indexes {
            sets.push((set.iter().map(|n| n.text.clone()).collect(), "index"));
        }
        for (i, (columns, kind)) in sets.iter().enumerate() {
            let quoted: Vec<String> = columns.iter().map(|c| quote_ident(c)).collect();
            let ending = match *kind {
                "primary key" => "_pkey".to_string(),
                "unique" => format!("_{}_key", columns.join("_")),
                _ => format!("_{}_idx", columns.join("_")),
            };
            let (now, later) = (
                named(&self.name, &format!("_{i}")),
                named(&job.table, &ending),
            );
            let list = quoted.join(", ");
            let sql = if *kind == "index" {
                format!(
                    "create index {} on {} ({list})",
                    quote_ident(&now),
                    self.relation()
                )
            } else {
                format!(
                    "alter table {} add constraint {} {kind} ({list})",
                    self.relation(),
                    quote_ident(&now)
                )
            };
            session.execute(&sql)?;
            self.renames.borrow_mut().push((now, later));
        }
        session
            .execute(&format!("analyze {}", self.relation()))
            .map(drop)
    }

    /// Puts it in its place, with the old one's rights and comments, and writes the ledger, all in one transaction.
    /// Views over the old table are made again over the new one.
    pub fn publish(
        &self,
        session: &mut Session,
        job: &Job<'_>,
        filled: &Filled,
        entry: &Entry,
    ) -> Result<()> {
        let failed = refused(job.simulation);
        session.begin().map_err(&failed)?;
        let done = self
            .exchange(session, job, entry)
            .and_then(|()| job.list_faults(session, filled, true));
        match done {
            Ok(()) => session.commit().map_err(&failed),
            Err(e) => {
                session.rollback().map_err(&failed)?;
                Err(e)
            }
        }
    }

    fn exchange(&self, session: &mut Session, job: &Job<'_>, entry: &Entry) -> Result<()> {
        let failed = refused(job.simulation);
        let (old, new) = (job.relation(), self.relation());
        let there = session
            .fetch(&format!(
                "select to_regclass({}) is not null",
                quote_literal(&old)
            ))
            .map_err(&failed)?;
        let mut again = Vec::new();
        if there.scalar().and_then(|c| c.as_bool()) == Some(true) {
            session
                .execute(&format!("lock table {old} in access exclusive mode"))
                .map_err(&failed)?;
            let all = catalog::dependants(session, &job.schema, &job.table).map_err(&failed)?;
            let lost: Vec<&str> = all
                .iter()
                .filter(|d| d.kind == DependantKind::Other || d.restore().is_empty())
                .map(|d| d.description.as_str())
                .collect();
            if !lost.is_empty() {
                return Err(Diagnostic::error(
                    code::M0812,
                    format!(
                        "{}: the table cannot be replaced: {} depends on it",
                        job.simulation.name,
                        lost.join(", ")
                    ),
                )
                .at(job.place())
                .help("drop it and make it again after the run")
                .into());
            }
            let rights = session
                .fetch(&rights(&job.schema, &job.table, &new))
                .map_err(&failed)?;
            again.extend(rights.rows.iter().filter_map(|r| r.first()?.text()));
            // Everything that goes with it is made again below, in this same transaction.
            session
                .execute(&format!("drop table {old} cascade"))
                .map_err(&failed)?;
            let mut sql = vec![format!(
                "alter table {new} rename to {}",
                quote_ident(&job.table)
            )];
            sql.extend(
                self.renames
                    .borrow()
                    .iter()
                    .map(|(now, later)| self.rename(now, later)),
            );
            sql.append(&mut again);
            sql.extend(all.iter().flat_map(|d| d.restore()));
            for statement in sql {
                session.execute(&statement).map_err(&failed)?;
            }
        } else {
            session
                .execute(&format!(
                    "alter table {new} rename to {}",
                    quote_ident(&job.table)
                ))
                .map_err(&failed)?;
            for (now, later) in self.renames.borrow().iter() {
                session.execute(&self.rename(now, later)).map_err(&failed)?;
            }
        }
        session
            .execute(&ledger::statement(&job.schema, &job.table, entry))
            .map(drop)
            .map_err(&failed)
    }

    /// Renaming a constraint's index renames the constraint.
    fn rename(&self, now: &str, later: &str) -> String {
        format!(
            "alter index {}.{} rename to {}",
            quote_ident(&self.schema),
            quote_ident(now),
            quote_ident(later)
        )
    }
}

/// A query for the statements that give the new table the old one's owner, rights and comments.
fn rights(schema: &str, table: &str, new: &str) -> String {
    let old = format!("{}.{}", quote_ident(schema), quote_ident(table));
    let regclass = quote_literal(&old);
    let target = quote_literal(&old);
    let _ = new;
    format!(
        "select 'comment on table ' || {target} || ' is ' || quote_literal(d.description)
         from pg_catalog.pg_description d
         where d.objoid = {regclass}::regclass and d.classoid = 'pg_class'::regclass and d.objsubid = 0
         union all
         select 'comment on column ' || {target} || '.' || quote_ident(a.attname) || ' is ' || quote_literal(d.description)
         from pg_catalog.pg_description d join pg_catalog.pg_attribute a on a.attrelid = d.objoid and a.attnum = d.objsubid
         where d.objoid = {regclass}::regclass and d.classoid = 'pg_class'::regclass and d.objsubid > 0
         union all
         select 'grant ' || x.privilege_type || ' on ' || {target} || ' to '
           || case when x.grantee = 0 then 'public' else quote_ident(pg_get_userbyid(x.grantee)) end
           || case when x.is_grantable then ' with grant option' else '' end
         from pg_catalog.pg_class c, pg_catalog.aclexplode(c.relacl) x
         where c.oid = {regclass}::regclass and x.grantee <> c.relowner
         union all
         select 'alter table ' || {target} || ' owner to ' || quote_ident(pg_get_userbyid(c.relowner))
         from pg_catalog.pg_class c where c.oid = {regclass}::regclass and c.relowner <> (select oid from pg_roles where rolname = current_user)"
    )
}
