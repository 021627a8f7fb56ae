//! Compiles a simulation with the chain of simulations above it.
use super::{Binding, Compiler, LevelSlots, Scope, suggest};
use crate::diag::{Diagnostic, Sink, code};
use crate::simulate::curve::Curve;
use crate::simulate::draw;
use crate::simulate::frame::{Code, SLOTS};
use crate::simulate::model::{Kind, Model};
use crate::simulate::program::{ColumnCode, Level, LevelKind, Out, Program};
use crate::simulate::segment::Segment;
use crate::simulate::spec::{Distinct, Name, Rows, Spec, Src, Value};
use crate::simulate::value::{TableId, Type};
use crate::text::Place;
use indexmap::IndexMap;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What compiling a simulation gives.
#[derive(Debug, Default)]
pub struct Compiled {
    /// The program, when there was no error.
    pub program: Option<Program>,
    /// Tables whose rows decide this simulation's rows.
    pub reads: BTreeSet<TableId>,
}

/// Passes in which the types of `state` and `let` may still widen.
const PASSES: usize = 8;

/// Compiles one simulation; findings about it, not about those above it, go to the sink.
pub fn compile(
    model: &Model,
    specs: &[Arc<Spec>],
    sim: TableId,
    constants: &mut Segment,
    sink: &mut Sink,
) -> Compiled {
    let Some(chain) = chain(model, specs, sim, sink) else {
        return Compiled::default();
    };
    let mut hints = BTreeMap::new();
    for pass in 0..PASSES {
        let mut scratch = Sink::default();
        let mut compiler = Compiler {
            model,
            specs,
            constants: &mut *constants,
            sink: &mut scratch,
            spec: specs[sim].clone(),
            curves: BTreeMap::new(),
            slots: 0,
            fixed: Vec::new(),
            held: BTreeSet::new(),
            recomputed: BTreeSet::new(),
            used: BTreeSet::new(),
            wanted: BTreeSet::new(),
            tallies: Vec::new(),
            tally_slots: 0,
            chosen: 0,
            picks: BTreeMap::new(),
            field: String::new(),
            label: None,
            draws: 0,
            day_slot: 0,
            level: LevelSlots::default(),
            paths: BTreeMap::new(),
            hints: std::mem::take(&mut hints),
            hinted: false,
        };
        let compiled = compiler.chain(&chain);
        hints = compiler.hints;
        let again = compiler.hinted && pass + 1 < PASSES;
        if !again {
            scratch.said.into_iter().for_each(|d| sink.push(d));
            return compiled;
        }
    }
    Compiled::default()
}

/// The tables from the root down to the simulation; none when the way up is broken.
fn chain(
    model: &Model,
    specs: &[Arc<Spec>],
    sim: TableId,
    sink: &mut Sink,
) -> Option<Vec<TableId>> {
    let mut chain = vec![sim];
    loop {
        let at = *chain.last()?;
        let Some(spec) = specs.get(at) else { break };
        let parent = match &spec.rows {
            Rows::Entity { .. } => break,
            Rows::Per { parent, .. } => parent,
            Rows::Process(process) => &process.parent,
        };
        let Some(up) = model.find(&parent.table.text) else {
            if at == sim {
                let near = suggest(&parent.table.text, model.names()).and_then(|n| model.find(n));
                let mut d = Diagnostic::error(
                    code::M0803,
                    format!("{}.per: no node `{}`", spec.name.text, parent.table.text),
                )
                .at(Place::new(&spec.file, parent.table.span.clone()));
                d.help = near.map(|id| format!("did you mean {}?", model.describe(id)));
                sink.push(d);
            }
            return None;
        };
        if chain.contains(&up) {
            let names: Vec<&str> = chain
                .iter()
                .rev()
                .map(|t| model.tables[*t].name.as_str())
                .collect();
            sink.push(
                Diagnostic::error(
                    code::M0809,
                    format!(
                        "{}: simulations go round in a circle: {}",
                        spec.name.text,
                        names.join(" → ")
                    ),
                )
                .at(Place::new(&spec.file, parent.table.span.clone())),
            );
            return None;
        }
        chain.push(up);
    }
    chain.reverse();
    Some(chain)
}

/// What a level's rows are called below it.
pub(super) struct Above {
    pub(super) table: TableId,
    fields: Binding,
    day: usize,
}

impl Compiler<'_> {
    fn chain(&mut self, chain: &[TableId]) -> Compiled {
        let mut levels = Vec::new();
        let mut above: Option<Above> = None;
        let mut fine = true;
        for (index, table) in chain.iter().enumerate() {
            // Findings about simulations above are theirs to report.
            let said = self.sink.said.len();
            let level = self.level(*table, index, above.as_ref());
            fine &= !self.sink.said[said..].iter().any(Diagnostic::is_error);
            if index + 1 < chain.len() {
                self.sink.said.truncate(said);
            }
            let Some((level, binding)) = level else {
                fine = false;
                break;
            };
            above = Some(Above {
                table: *table,
                fields: binding,
                day: level.day,
            });
            levels.push(level);
        }
        let mut reads: BTreeSet<TableId> = self.held.union(&self.recomputed).copied().collect();
        reads.extend(chain.iter().copied());
        if fine && self.slots > SLOTS {
            self.too_many_values();
            fine = false;
        }
        if !fine {
            return Compiled {
                program: None,
                reads,
            };
        }
        let Some(table) = chain.last().copied() else {
            return Compiled::default();
        };
        let out = levels
            .last()
            .map(|l| {
                let column = |name: &str| l.columns.iter().find(|m| m.name == name);
                outputs(&self.spec, |name| Some(column(name)?.slot))
            })
            .unwrap_or_default();
        let mut held = std::mem::take(&mut self.held);
        if self.model.tables[chain[0]].kind != Kind::Simulation {
            held.insert(chain[0]);
        }
        let mut program = Program {
            table,
            name: self.model.tables[table].name.clone(),
            levels,
            tally_slots: self.tally_slots,
            tallies: std::mem::take(&mut self.tallies),
            held,
            recomputed: std::mem::take(&mut self.recomputed),
            out,
            fixed: std::mem::take(&mut self.fixed),
        };
        let wanted = std::mem::take(&mut self.wanted);
        program.prune(&wanted);
        Compiled {
            program: Some(program),
            reads,
        }
    }

    fn too_many_values(&mut self) {
        let name = &self.spec.name;
        let message = format!(
            "{}: it has {} columns and names, with those of its parents; at most {SLOTS} are possible",
            name.text, self.slots
        );
        self.say(code::M0801, name.span.clone(), message, None);
    }

    fn level(
        &mut self,
        table: TableId,
        index: usize,
        above: Option<&Above>,
    ) -> Option<(Level, Binding)> {
        let slots = LevelSlots {
            number: self.slot(),
            nth: self.slot(),
            ordinal: self.slot(),
            index,
            has_parent: above.is_some(),
        };
        self.level = slots;
        // The day of a parent's row is also its children's.
        let day = match above {
            Some(above) if !self.is_process(table) => above.day,
            _ => self.slot(),
        };
        self.day_slot = day;
        self.wanted.insert(day);
        let name = self.model.tables[table].name.clone();
        let mut level = Level {
            table,
            salt: draw::salt(&name),
            day,
            nth: slots.nth,
            number: slots.number,
            ordinal: slots.ordinal,
            counted: false,
            kind: LevelKind::Host { row: 0 },
            columns: Vec::new(),
        };
        let Some(spec) = self.specs.get(table).cloned() else {
            let row = self.slot();
            level.kind = LevelKind::Host { row };
            return Some((level, Binding::Slot(row, Type::Record(table))));
        };
        self.spec = spec.clone();
        self.picks.clear();
        self.curves = spec
            .curves
            .iter()
            .map(|c| {
                (
                    c.name.text.clone(),
                    Arc::new(Curve {
                        over: c.over,
                        between: c.between,
                        points: c.points.clone(),
                    }),
                )
            })
            .collect();
        self.check_names(&spec);
        let mut scope = Scope::default();
        scope.names.insert("start_date".into(), Binding::Start);
        scope.slot("day", day, Type::Date);
        self.named_picks(&spec, &mut scope);
        if let Some(above) = above {
            let parent = match &spec.rows {
                Rows::Per { parent, .. } => parent,
                Rows::Process(process) => &process.parent,
                Rows::Entity { .. } => return None,
            };
            self.check_alias(parent, above);
            scope
                .names
                .insert(parent.alias.text.clone(), above.fields.clone());
        }
        match &spec.rows {
            Rows::Entity { initial, arrivals } => {
                // Without a program when this fails, but the columns are checked all the same.
                let arrivals = arrivals
                    .as_ref()
                    .and_then(|src| self.machine("rows.arrivals", src, &scope, &Type::Int));
                level.kind = LevelKind::Entity {
                    initial: *initial,
                    arrivals,
                };
            }
            Rows::Per { lookup, count, .. } => {
                let lookup = self.lookups(lookup, &mut scope);
                let count = self.machine("rows.count", count, &scope, &Type::Int);
                let bits = self.per_bits(&spec);
                level.counted = bits.is_none() || needs_ordinals(&spec);
                level.kind = LevelKind::Per {
                    lookup,
                    count: count.unwrap_or(Code::Value(None)),
                    bits,
                };
            }
            Rows::Process(process) => {
                let columns = self.process_columns(&spec, &mut level);
                level.kind = LevelKind::Process(Box::new(
                    self.process(&spec, process, &mut scope, &columns),
                ));
                return Some((level, Binding::Fields(columns)));
            }
        }
        scope.slot("nth", slots.nth, Type::Int);
        let fields = self.columns(&spec, &mut scope, &mut level);
        Some((level, Binding::Fields(fields)))
    }

    fn is_process(&self, table: TableId) -> bool {
        self.specs
            .get(table)
            .is_some_and(|s| matches!(s.rows, Rows::Process(_)))
    }

    /// An expression that belongs to the level itself.
    pub fn machine(&mut self, field: &str, src: &Src, scope: &Scope, ty: &Type) -> Option<Code> {
        self.start(field);
        let code = self.src_as(src, scope, ty, field.rsplit('.').next().unwrap_or(field));
        self.keep();
        code
    }

    /// What the present expression reads is needed whatever columns are loaded.
    pub fn keep(&mut self) {
        let used = std::mem::take(&mut self.used);
        self.wanted.extend(used);
    }

    pub(super) fn lookups(
        &mut self,
        lookup: &[(Name, Src)],
        scope: &mut Scope,
    ) -> Vec<(usize, Code)> {
        let mut out = Vec::new();
        for (name, src) in lookup {
            self.start(format!("lookup.{}", name.text));
            let typed = self.src(src, scope);
            self.keep();
            if let Some(typed) = typed {
                let slot = self.slot();
                scope.slot(&name.text, slot, typed.ty);
                out.push((slot, typed.code));
            }
        }
        out
    }

    /// The width of the number among the parent's rows in packed ids; none for sequences.
    fn per_bits(&mut self, spec: &Spec) -> Option<u32> {
        for column in &spec.columns {
            match &column.value {
                Value::Sequence => return None,
                Value::Packed(bits, span) => {
                    return match bits.as_slice() {
                        [] => Some(10),
                        [n] if (1..=32).contains(n) => Some(*n),
                        _ => {
                            self.say(
                                code::M0801,
                                span.clone(),
                                format!(
                                    "{}.{}: `bits` is one width here, from 1 to 32",
                                    spec.name.text, column.name.text
                                ),
                                Some(
                                    "the id is the parent's id and the number among its rows"
                                        .into(),
                                ),
                            );
                            Some(10)
                        }
                    };
                }
                _ => {}
            }
        }
        Some(10)
    }

    fn columns(
        &mut self,
        spec: &Spec,
        scope: &mut Scope,
        level: &mut Level,
    ) -> IndexMap<String, (usize, Type)> {
        scope
            .later
            .extend(spec.columns.iter().map(|c| c.name.text.clone()));
        let mut fields = IndexMap::new();
        for column in &spec.columns {
            let name = &column.name;
            self.start(name.text.clone());
            if let Value::Packed(_, span) = &column.value
                && matches!(spec.rows, Rows::Entity { .. })
            {
                self.say(
                    code::M0801,
                    span.clone(),
                    format!(
                        "{}.{}: packed ids are for processes and rows per parent",
                        spec.name.text, name.text
                    ),
                    Some("use `id: sequence`".into()),
                );
            }
            let typed = self.value(&column.value, scope, Some(column.sql), name);
            let needs = std::mem::take(&mut self.used);
            let (slot, ty) = (self.slot(), column.sql.value_type());
            if let Some(typed) = typed {
                level.columns.push(ColumnCode {
                    name: name.text.clone(),
                    slot,
                    code: Some(typed.code),
                    needs,
                    active: true,
                });
            }
            scope.slot(&name.text, slot, ty.clone());
            fields.insert(name.text.clone(), (slot, ty));
            self.check_reference(column);
        }
        fields
    }
}

/// Whether a column needs the number among the rows of its day.
fn needs_ordinals(spec: &Spec) -> bool {
    spec.columns.iter().any(|c| matches!(&c.value, Value::Pick(p) if matches!(p.distinct, Some((Distinct::Days(_), _)))))
}

pub(super) fn outputs(spec: &Spec, slot: impl Fn(&str) -> Option<usize>) -> Vec<Out> {
    spec.columns
        .iter()
        .filter(|c| !c.hidden)
        .filter_map(|c| {
            Some(Out {
                name: c.name.text.clone(),
                sql: c.sql,
                slot: slot(&c.name.text)?,
            })
        })
        .collect()
}
