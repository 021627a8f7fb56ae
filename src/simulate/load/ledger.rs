//! The ledger: what each simulated table was made from, and how far it goes.
use crate::pg::{PgError, Session, quote_ident, quote_literal};
use crate::simulate::calendar;
use crate::simulate::copy::Digest;
use crate::simulate::inputs::Inputs;

/// A line of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The simulation.
    pub name: String,
    /// The seed.
    pub seed: String,
    /// The hash of its file and of all it reads.
    pub spec_hash: String,
    /// The first day.
    pub start: String,
    /// The last day.
    pub until: String,
    /// How many rows.
    pub rows: u64,
    /// The digest of the rows.
    pub digest: String,
    /// What the rows were made from.
    pub inputs: Inputs,
    /// Whether days were being added when the last run ended.
    pub unfinished: bool,
    /// Whether the table is there.
    pub exists: bool,
}

impl Entry {
    /// The digest with its row count.
    pub fn digest(&self) -> Digest {
        Digest::read(self.rows, &self.digest).unwrap_or_default()
    }

    /// How many days from a first day to the last.
    pub fn days(&self, start: &str) -> u32 {
        match (
            calendar::parse_date(start),
            calendar::parse_date(&self.until),
        ) {
            (Some(a), Some(b)) => u32::try_from(b - a + 1).unwrap_or(0),
            _ => 0,
        }
    }
}

const CREATE: &str = "create schema if not exists tv1;
create table if not exists tv1.simulations (
  table_schema text not null,
  table_name text not null,
  name text not null,
  seed text not null,
  spec_hash text not null,
  start date not null,
  until date not null,
  rows bigint not null,
  digest text not null,
  inputs json not null default '{}',
  unfinished boolean not null default false,
  loaded_at timestamptz not null default now(),
  primary key (table_schema, table_name)
);
comment on table tv1.simulations is 'What each simulated table was made from, and how far it goes. Written by tv1; deleting a line makes tv1 build the table anew.'";

/// Number under which runs that make the ledger wait for each other.
const LOCK: i64 = 0x7476_3173_696d;

/// Makes the ledger if it is not there.
///
/// # Errors
/// What the database says.
pub fn create(session: &mut Session) -> Result<(), PgError> {
    if there(session)? {
        return Ok(());
    }
    // `if not exists` alone fails when two runs begin at once.
    session.execute(&format!(
        "begin; select pg_advisory_xact_lock({LOCK}); {CREATE}; commit"
    ))?;
    Ok(())
}

/// Makes a schema if it is not there; of several that begin at once, one at a time.
///
/// # Errors
/// What the database says.
pub fn schema(session: &mut Session, name: &str) -> Result<(), PgError> {
    session.execute(&format!(
        "begin; select pg_advisory_xact_lock({LOCK}); create schema if not exists {}; commit",
        quote_ident(name)
    ))?;
    Ok(())
}

/// Whether the ledger is there. One that an earlier version made gets the columns it lacks.
fn there(session: &mut Session) -> Result<bool, PgError> {
    let found = session.fetch(
        "select count(*) from pg_catalog.pg_attribute where attrelid = to_regclass('tv1.simulations')
           and not attisdropped and attname in ('name', 'inputs', 'unfinished')",
    )?;
    let columns = found.scalar().and_then(|c| c.as_int()).unwrap_or(0);
    if (1..3).contains(&columns) {
        session.execute(
            "alter table tv1.simulations add column if not exists inputs json not null default '{}',
               add column if not exists unfinished boolean not null default false",
        )?;
    }
    Ok(columns > 0)
}

/// Lets one run at a time work on a table: a second one waits until the session of the first has ended.
///
/// # Errors
/// What the database says.
pub fn alone(session: &mut Session, schema: &str, table: &str) -> Result<(), PgError> {
    let name = quote_literal(&format!("tv1 simulation {schema}.{table}"));
    session
        .execute(&format!(
            "select pg_advisory_lock(hashtextextended({name}, 0))"
        ))
        .map(drop)
}

/// Notes that days are being added. A run that breaks off leaves the note, and the next one cleans up.
///
/// # Errors
/// What the database says.
pub fn begin_adding(session: &mut Session, schema: &str, table: &str) -> Result<(), PgError> {
    let (schema, table) = (quote_literal(schema), quote_literal(table));
    session
        .execute(&format!(
            "update tv1.simulations set unfinished = true where table_schema = {schema} and table_name = {table}"
        ))
        .map(drop)
}

/// The ledger's line for a table.
///
/// # Errors
/// What the database says.
pub fn read(session: &mut Session, schema: &str, table: &str) -> Result<Option<Entry>, PgError> {
    if !there(session)? {
        return Ok(None);
    }
    let (schema, table) = (quote_literal(schema), quote_literal(table));
    let found = session.fetch(&format!(
        "select name, seed, spec_hash, start::text, until::text, rows::text, digest, inputs::text, unfinished,
           exists (select from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
             where n.nspname = {schema} and c.relname = {table} and c.relkind = 'r')
         from tv1.simulations where table_schema = {schema} and table_name = {table}"
    ))?;
    let Some(row) = found.rows.first() else {
        return Ok(None);
    };
    let text = |i: usize| row.get(i).and_then(|c| c.text()).unwrap_or_default();
    Ok(Some(Entry {
        name: text(0),
        seed: text(1),
        spec_hash: text(2),
        start: text(3),
        until: text(4),
        rows: text(5).parse().unwrap_or(0),
        digest: text(6),
        inputs: Inputs::read(&text(7)),
        unfinished: row.get(8).and_then(|c| c.as_bool()).unwrap_or(false),
        exists: row.get(9).and_then(|c| c.as_bool()).unwrap_or(false),
    }))
}

/// The statement that writes a line.
pub fn statement(schema: &str, table: &str, entry: &Entry) -> String {
    let values = [
        schema,
        table,
        &entry.name,
        &entry.seed,
        &entry.spec_hash,
        &entry.start,
        &entry.until,
    ]
    .map(quote_literal);
    format!(
        "insert into tv1.simulations (table_schema, table_name, name, seed, spec_hash, start, until, rows, digest, inputs)
         values ({}, {}, {}, {})
         on conflict (table_schema, table_name) do update set name = excluded.name, seed = excluded.seed,
           spec_hash = excluded.spec_hash, start = excluded.start, until = excluded.until, rows = excluded.rows,
           digest = excluded.digest, inputs = excluded.inputs, unfinished = false, loaded_at = now()",
        values.join(", "),
        entry.rows,
        quote_literal(&entry.digest),
        quote_literal(&entry.inputs.written()),
    )
}

/// Writes a line.
///
/// # Errors
/// What the database says.
pub fn write(
    session: &mut Session,
    schema: &str,
    table: &str,
    entry: &Entry,
) -> Result<(), PgError> {
    create(session)?;
    session.execute(&statement(schema, table, entry)).map(drop)
}
