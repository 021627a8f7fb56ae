//! Fills a world with what a simulation needs: tables in memory, arrivals, programs of recomputed rows.
use super::count::{chunks, count};
use super::{Failure, Row, RowSink, Walker, arrivals};
use crate::simulate::calendar;
use crate::simulate::draw::{hash_bytes, mix};
use crate::simulate::frame::Frame;
use crate::simulate::index::Index;
use crate::simulate::model::{Kind, Model, parsed};
use crate::simulate::program::{LevelKind, Program};
use crate::simulate::value::{SqlType, TableId, Type, Val, float, int};
use crate::simulate::world::{Held, World, handle};
use indexmap::IndexMap;
use serde_json::Value as Json;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Rows of a host's table.
pub type Rows = Vec<IndexMap<String, Json>>;

/// Most rows of a table in memory.
const MOST: usize = 1_000_000;

/// Fills what is missing for these programs (by table id; complete ones for tables in memory).
///
/// # Errors
/// When a table is too large, cannot be read or cannot be made.
pub fn prepare(
    world: &mut Arc<World>,
    model: &Model,
    programs: &[Option<Arc<Program>>],
    wanted: &Program,
    host_rows: &dyn Fn(&str) -> Result<Rows, Failure>,
) -> Result<(), Failure> {
    let mut held = wanted.held.clone();
    let mut rooted = wanted.recomputed.clone();
    rooted.insert(wanted.levels[0].table);
    // What tables in memory need is needed first.
    fill(
        world,
        model,
        programs,
        &mut held,
        &rooted,
        host_rows,
        &mut BTreeSet::new(),
    )
}

fn fill(
    world: &mut Arc<World>,
    model: &Model,
    programs: &[Option<Arc<Program>>],
    held: &mut BTreeSet<TableId>,
    rooted: &BTreeSet<TableId>,
    host_rows: &dyn Fn(&str) -> Result<Rows, Failure>,
    under_way: &mut BTreeSet<TableId>,
) -> Result<(), Failure> {
    for table in rooted {
        entity(world, programs, *table)?;
    }
    for table in held.clone() {
        if world.tables[table].is_some() || !under_way.insert(table) {
            continue;
        }
        let made = match model.tables[table].kind {
            Kind::Host(_) => host_table(model, table, &host_rows(&model.tables[table].name)?)?,
            Kind::Simulation => {
                let Some(program) = programs.get(table).and_then(Clone::clone) else {
                    return Err(Failure {
                        column: None,
                        message: format!(
                            "the simulation `{}` has errors",
                            model.tables[table].name
                        ),
                    });
                };
                let mut more = program.held.clone();
                let mut roots = program.recomputed.clone();
                roots.insert(program.levels[0].table);
                fill(
                    world, model, programs, &mut more, &roots, host_rows, under_way,
                )?;
                simulated(world, model, &program)?
            }
        };
        under_way.remove(&table);
        let made = indexed(made, model, table);
        let Some(world) = Arc::get_mut(world) else {
            return Err(Failure {
                column: None,
                message: "a table was still being read while another was made".into(),
            });
        };
        world.tables[table] = Some(made);
    }
    Ok(())
}

/// Counts an entity's arrivals and keeps its program.
fn entity(
    world: &mut Arc<World>,
    programs: &[Option<Arc<Program>>],
    table: TableId,
) -> Result<(), Failure> {
    let Some(program) = programs.get(table).and_then(Clone::clone) else {
        return Ok(());
    };
    if !matches!(program.levels[0].kind, LevelKind::Entity { .. })
        || world.arrivals[table].is_some()
    {
        return Ok(());
    }
    let counted = arrivals(&program, world)?;
    if let Some(world) = Arc::get_mut(world) {
        world.arrivals[table] = Some(counted);
        world.programs[table] = Some(program);
    }
    Ok(())
}

fn indexed(mut held: Held, model: &Model, table: TableId) -> Held {
    let info = &model.tables[table];
    let indexes = info
        .keys
        .iter()
        .map(|key| {
            let types: Vec<Type> = key.iter().map(|c| info.columns[*c].ty.clone()).collect();
            Index::new(&held, key, &types)
        })
        .collect();
    held.indexes = indexes;
    held
}

/// A host's rows as values.
fn host_table(model: &Model, table: TableId, rows: &Rows) -> Result<Held, Failure> {
    let info = &model.tables[table];
    if rows.len() > MOST {
        return Err(Failure {
            column: None,
            message: format!(
                "{} has {} rows; at most {MOST} are held in memory",
                model.describe(table),
                rows.len()
            ),
        });
    }
    let mut held = Held::new(info.columns.len());
    held.rows = rows.len();
    held.days = vec![None; rows.len()];
    for (i, row) in rows.iter().enumerate() {
        for column in &info.columns {
            let value = row.get(&column.name).unwrap_or(&Json::Null);
            let made = host_value(&mut held, table, column.sql, value);
            held.push(made.map_err(|wanted| Failure {
                column: None,
                message: format!(
                    "{}, row {}, column `{}`: {value} is not {wanted}",
                    model.describe(table),
                    i + 1,
                    column.name
                ),
            })?);
        }
    }
    held.keys = host_keys(rows, info.columns.first().map(|c| c.name.as_str()));
    Ok(held)
}

fn host_value(
    held: &mut Held,
    table: TableId,
    sql: Option<SqlType>,
    value: &Json,
) -> Result<Val, String> {
    let sql = sql.unwrap_or(SqlType::Text);
    if value.is_null()
        || (value.as_str() == Some("") && !matches!(sql, SqlType::Text | SqlType::Varchar(_)))
    {
        return Ok(None);
    }
    let text = match value {
        Json::String(t) => t.clone(),
        other => other.to_string(),
    };
    let wrong = || sql.to_string();
    Ok(match sql.value_type() {
        Type::Int => int(value
            .as_i64()
            .or_else(|| text.trim().parse().ok())
            .ok_or_else(wrong)?),
        Type::Float => float(
            value
                .as_f64()
                .or_else(|| text.trim().parse().ok())
                .ok_or_else(wrong)?,
        ),
        Type::Bool => match (value, text.to_ascii_lowercase().as_str()) {
            (Json::Bool(b), _) => Some(u64::from(*b)),
            (_, "true" | "t" | "yes" | "1") => Some(1),
            (_, "false" | "f" | "no" | "0") => Some(0),
            _ => return Err(wrong()),
        },
        Type::Date => int(calendar::parse_date(&text).ok_or_else(wrong)?),
        Type::Timestamp => int(calendar::parse_timestamp(&text).ok_or_else(wrong)?),
        Type::Json(_) => Some(handle(table, held.segment.add_json(&parsed(value)))),
        _ => Some(handle(table, held.segment.text(&text))),
    })
}

/// Keys that children's draws start from: the first column where its values are unique, else the row's number. So
/// a row put in between does not draw its neighbours anew.
fn host_keys(rows: &Rows, first: Option<&str>) -> Vec<u64> {
    let named: Option<Vec<u64>> = first.and_then(|name| {
        let mut seen = BTreeSet::new();
        rows.iter()
            .map(|r| {
                let value = r.get(name).filter(|v| !v.is_null())?;
                let text = value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_string);
                let key = hash_bytes(text.as_bytes());
                seen.insert(key).then(|| mix(1, key))
            })
            .collect()
    });
    named.unwrap_or_else(|| (1..=rows.len() as u64).map(|i| mix(2, i)).collect())
}

/// Collects all rows of a simulation, hidden columns too.
struct Collect<'a> {
    model: &'a Model,
    table: TableId,
    slots: Vec<usize>,
    held: Held,
}

impl RowSink for Collect<'_> {
    fn row(&mut self, frame: &mut Frame, row: Row<'_>) -> Result<(), Failure> {
        if self.held.rows >= MOST {
            return Err(Failure {
                column: None,
                message: format!(
                    "{} has more than {MOST} rows, too many to hold in memory for lookups and picks",
                    self.model.describe(self.table)
                ),
            });
        }
        for (i, slot) in self.slots.iter().enumerate() {
            let value =
                frame.slots[*slot].map(|bits| match self.model.tables[self.table].columns[i].ty {
                    Type::Text => handle(self.table, self.held.segment.text(frame.text(bits))),
                    Type::Json(_) => {
                        let json =
                            serde_json::from_slice(frame.json_bytes(bits)).unwrap_or(Json::Null);
                        handle(self.table, self.held.segment.add_json(&json))
                    }
                    _ => bits,
                });
            self.held.push(value);
        }
        self.held.rows += 1;
        self.held.days.push(row.day);
        self.held.keys.push(row.key);
        Ok(())
    }
}

fn simulated(world: &Arc<World>, model: &Model, program: &Program) -> Result<Held, Failure> {
    let ranges = chunks(program, world, u64::MAX / 2);
    let counts = count(program, world, &ranges, 1)?;
    let Some(level) = program.levels.last() else {
        return Ok(Held::default());
    };
    let mut sink = Collect {
        model,
        table: program.table,
        slots: level.columns.iter().map(|c| c.slot).collect(),
        held: Held::new(level.columns.len()),
    };
    for (i, range) in ranges.into_iter().enumerate() {
        let mut walker = Walker::new(program, world, &counts.totals, counts.starts[i].clone());
        walker.complete = true;
        walker.range(range, &mut sink)?;
    }
    Ok(sink.held)
}
