//! From expressions to code: names become slots, every type is checked, every draw gets its key.
//!
//! In: the tree of an expression and the names in scope. Out: a closure over typed slots. All findings go to the
//! sink with their places; code of an expression with errors is never run.
mod assign;
mod choose;
mod columns;
mod convert;
mod functions;
mod lookups;
mod names;
mod operators;
mod picks;
mod process;
mod program;
mod random;
mod texts;
mod times;
mod truth;
mod words;

pub use columns::shown;
pub use convert::{write_float, write_text};
#[cfg(test)]
pub use functions::FUNCTIONS;
pub use program::compile;

use super::curve::Curve;
use super::draw;
use super::frame::Code;
use super::lang::{Ex, Expr, parse};
use super::model::Model;
use super::program::Tally;
use super::segment::Segment;
use super::spec::{Spec, Src, read_suggest as suggest};
use super::value::{Shape, TableId, Type, Val, int};
use crate::diag::{Code as DiagCode, Diagnostic, Sink, code};
use crate::text::Place;
use indexmap::IndexMap;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

/// An expression's code with what is known about it.
pub struct Typed {
    /// Its type.
    pub ty: Type,
    /// Its code.
    pub code: Code,
    /// Its value, when it is written down as a literal.
    pub literal: Option<Val>,
    /// The literal text.
    pub text: Option<String>,
}

impl Typed {
    /// Code of a type.
    pub fn new(ty: Type, code: Code) -> Self {
        Self {
            ty,
            code,
            literal: None,
            text: None,
        }
    }

    /// A literal.
    pub fn literal(ty: Type, value: Val) -> Self {
        Self {
            ty,
            code: Code::Value(value),
            literal: Some(value),
            text: None,
        }
    }
}

/// What a name stands for.
#[derive(Debug, Clone)]
pub enum Binding {
    /// A value in a slot.
    Slot(usize, Type),
    /// Several values under one name: the parent's row, `state`.
    Fields(IndexMap<String, (usize, Type)>),
    /// The project's first day.
    Start,
    /// A named choice.
    Pick(usize),
}

/// The names that an expression may use.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// What each stands for.
    pub names: IndexMap<String, Binding>,
    /// Names that come later in the file.
    pub later: BTreeSet<String>,
}

impl Scope {
    /// With a value in a slot.
    pub fn slot(&mut self, name: &str, slot: usize, ty: Type) {
        self.later.remove(name);
        self.names.insert(name.to_string(), Binding::Slot(slot, ty));
    }
}

/// A problem with an expression: message, way out, place in the expression's text.
pub struct Problem {
    code: DiagCode,
    message: String,
    help: Option<String>,
    span: Range<usize>,
}

/// What compiling an expression gives.
pub type Checked<T = Typed> = Result<T, Problem>;

impl Problem {
    /// A problem at a place.
    pub fn new(code: DiagCode, span: &Range<usize>, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            help: None,
            span: span.clone(),
        }
    }

    /// With the way out.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    fn help_opt(mut self, help: Option<String>) -> Self {
        self.help = help;
        self
    }
}

/// A problem of type.
pub fn mismatch(span: &Range<usize>, message: impl Into<String>) -> Problem {
    Problem::new(code::M0805, span, message)
}

/// Compiles the expressions of one simulation.
pub struct Compiler<'a> {
    /// All tables.
    pub model: &'a Model,
    /// The simulations' files.
    pub specs: &'a [Arc<Spec>],
    /// Texts and JSON in files.
    pub constants: &'a mut Segment,
    /// Where findings go.
    pub sink: &'a mut Sink,
    /// The simulation whose expressions are compiled now.
    pub spec: Arc<Spec>,
    /// Its curves.
    pub curves: BTreeMap<String, Arc<Curve>>,
    /// The next free slot.
    pub slots: usize,
    /// Slots whose values never change.
    pub fixed: Vec<(usize, Val)>,
    /// Tables that must be in memory.
    pub held: BTreeSet<TableId>,
    /// Simulations whose rows are recomputed one by one.
    pub recomputed: BTreeSet<TableId>,
    /// Slots read by the present expression.
    pub used: BTreeSet<usize>,
    /// Slots read by something that is no column's value.
    pub wanted: BTreeSet<usize>,
    /// Counts of chosen values.
    pub tallies: Vec<Tally>,
    /// How many counters they need.
    pub tally_slots: usize,
    /// How many picks with a memory of the parent's rows there are.
    pub chosen: usize,
    /// Named choices used so far, by name.
    pub picks: BTreeMap<usize, picks::UsedPick>,
    /// The path of the field whose expression is compiled; keys its draws.
    pub field: String,
    /// What the field is called in messages, when not by its path.
    pub label: Option<String>,
    /// Its draws so far.
    pub draws: u32,
    /// The name of the slot with the day, in the present level.
    pub day_slot: usize,
    /// The paths of names made by `let`, by slot.
    pub paths: BTreeMap<usize, String>,
    /// Types that names and state need because of later assignments, by path.
    pub hints: BTreeMap<String, Type>,
    /// Whether the present pass found another one.
    pub hinted: bool,
    /// Slots of the level for distinct picks and permutations.
    pub level: LevelSlots,
}

/// Slots every level has.
#[derive(Debug, Clone, Copy, Default)]
pub struct LevelSlots {
    /// The row's number among all of its table, the base of packed children.
    pub number: usize,
    /// Its number among the parent's rows.
    pub nth: usize,
    /// Its number among the rows of its day at this level.
    pub ordinal: usize,
    /// Which level of the chain it is.
    pub index: usize,
    /// Whether there is a parent.
    pub has_parent: bool,
}

impl Compiler<'_> {
    /// A new slot.
    pub fn slot(&mut self) -> usize {
        self.slots += 1;
        self.slots - 1
    }

    /// The slot of a value that never changes.
    pub fn fixed(&mut self, value: Val) -> usize {
        if let Some((slot, _)) = self.fixed.iter().find(|f| f.1 == value) {
            return *slot;
        }
        let slot = self.slot();
        self.fixed.push((slot, value));
        slot
    }

    /// Starts a field: its path keys the draws within.
    pub fn start(&mut self, field: impl Into<String>) {
        self.field = field.into();
        self.draws = 0;
        self.used.clear();
    }

    /// The key of the field's next draw.
    pub fn next_salt(&mut self) -> u64 {
        self.draws += 1;
        draw::salt(&format!("{}#{}", self.field, self.draws))
    }

    /// Says a finding at a place of the file.
    pub fn say(
        &mut self,
        code: DiagCode,
        span: Range<usize>,
        message: String,
        help: Option<String>,
    ) {
        let mut d = Diagnostic::error(code, message).at(Place::new(&self.spec.file, span));
        d.help = help;
        self.sink.push(d);
    }

    fn say_problem(&mut self, src: &Src, problem: Problem) {
        let name = self.label.clone().unwrap_or_else(|| self.field.clone());
        let message = format!("{}.{name}: {}", self.spec.name.text, problem.message);
        self.say(
            problem.code,
            src.place(&problem.span),
            message,
            problem.help,
        );
    }

    /// Compiles a text; findings go to the sink.
    pub fn src(&mut self, src: &Src, scope: &Scope) -> Option<Typed> {
        let expr = self.parse(src)?;
        match self.expr(&expr, scope) {
            Ok(typed) => Some(typed),
            Err(problem) => {
                self.say_problem(src, problem);
                None
            }
        }
    }

    /// Compiles a text to code of a type.
    pub fn src_as(&mut self, src: &Src, scope: &Scope, ty: &Type, what: &str) -> Option<Code> {
        let typed = self.src(src, scope)?;
        let found = typed.ty.clone();
        match self.assign(typed, ty) {
            Some(code) => Some(code),
            None => {
                let whole = 0..src.text.len();
                self.say_problem(
                    src,
                    mismatch(&whole, format!("{what} must be {ty}, not {found}")),
                );
                None
            }
        }
    }

    /// Reads a text as an expression.
    pub fn parse(&mut self, src: &Src) -> Option<Expr> {
        match parse(&src.text) {
            Ok(expr) => Some(expr),
            Err(e) => {
                let problem = Problem::new(code::M0804, &e.span, e.message).help_opt(e.help);
                self.say_problem(src, problem);
                None
            }
        }
    }

    /// Compiles an expression.
    pub fn expr(&mut self, e: &Expr, scope: &Scope) -> Checked {
        Ok(match &e.kind {
            Ex::Null => Typed::literal(Type::Null, None),
            Ex::Bool(b) => Typed::literal(Type::Bool, Some(u64::from(*b))),
            Ex::Int(i) => Typed::literal(Type::Int, int(*i)),
            Ex::Float(x) => Typed::literal(Type::Float, Some(x.to_bits())),
            Ex::Text(t) => self.text_literal(t),
            Ex::Name(name) => self.name(name, &e.span, scope)?,
            Ex::Field(inner, field, place) => self.field(inner, field, place, scope)?,
            Ex::Index(table, keys) => self.lookup(table, keys, &e.span, scope)?,
            Ex::Call(name, args, place) => self.call(name, args, place, &e.span, scope)?,
            Ex::Negate(inner) => self.negate(inner, scope)?,
            Ex::Not(inner) => self.not(inner, scope)?,
            Ex::Binary(op, a, b) => self.binary(*op, a, b, &e.span, scope)?,
            Ex::IsNull(inner, not) => self.is_null(inner, *not, scope)?,
            Ex::In(inner, list, not) => self.is_in(inner, list, *not, scope)?,
        })
    }

    /// A text literal.
    pub fn text_literal(&mut self, text: &str) -> Typed {
        let bits = u64::from(self.constants.text(text));
        Typed {
            text: Some(text.to_string()),
            ..Typed::literal(Type::Text, Some(bits))
        }
    }

    /// Code that reads a slot.
    pub fn read(&mut self, slot: usize, ty: Type) -> Typed {
        self.used.insert(slot);
        Typed::new(ty, Code::Slot(slot))
    }

    fn name(&mut self, name: &str, span: &Range<usize>, scope: &Scope) -> Checked {
        match scope.names.get(name) {
            Some(Binding::Slot(slot, ty)) => Ok(self.read(*slot, ty.clone())),
            Some(Binding::Start) => Ok(Typed::new(
                Type::Date,
                Code::new(|f| int(f.world.calendar.start)),
            )),
            Some(Binding::Pick(pick)) => self.named_pick(*pick, span, scope),
            Some(Binding::Fields(fields)) => {
                let first = fields.keys().next().map_or("column", String::as_str);
                Err(mismatch(span, format!("`{name}` is a whole row"))
                    .help(format!("name a field: `{name}.{first}`")))
            }
            None => Err(self.unknown(name, span, scope)),
        }
    }

    fn unknown(&self, name: &str, span: &Range<usize>, scope: &Scope) -> Problem {
        if scope.later.contains(name) {
            return Problem::new(
                code::M0806,
                span,
                format!("`{name}` is used before it is defined"),
            )
            .help("names are made from top to bottom; move it up");
        }
        let near = suggest(name, scope.names.keys().map(String::as_str));
        let help = if let Some(near) = near {
            Some(format!("did you mean `{near}`?"))
        } else if self.curves.contains_key(name) {
            Some(format!(
                "`{name}` is a curve: call it, for example `{name}(day)`"
            ))
        } else if self.model.find(name).is_some() {
            Some(format!(
                "`{name}` is a table: look up a row, for example `{name}[key].column`"
            ))
        } else {
            let names: Vec<&str> = scope.names.keys().map(String::as_str).take(12).collect();
            Some(format!("names here: {}", names.join(", ")))
        };
        Problem::new(code::M0806, span, format!("no name `{name}` here")).help_opt(help)
    }

    fn field(&mut self, inner: &Expr, field: &str, place: &Range<usize>, scope: &Scope) -> Checked {
        if let Ex::Name(name) = &inner.kind
            && let Some(Binding::Fields(fields)) = scope.names.get(name)
        {
            if let Some((slot, ty)) = fields.get(field) {
                return Ok(self.read(*slot, ty.clone()));
            }
            let near = suggest(field, fields.keys().map(String::as_str))
                .map(|s| format!("did you mean `{s}`?"));
            let all: Vec<&str> = fields.keys().map(String::as_str).collect();
            return Err(Problem::new(
                code::M0806,
                place,
                format!("`{name}` has no field `{field}`"),
            )
            .help(near.unwrap_or_else(|| format!("fields: {}", all.join(", ")))));
        }
        let row = self.expr(inner, scope)?;
        match row.ty.clone() {
            Type::Record(table) => self.record_field(row.code, table, field, place),
            Type::Json(shape) => self.json_field(row.code, &shape, field, place),
            Type::Null => Ok(Typed::literal(Type::Null, None)),
            other => Err(mismatch(place, format!("{other} has no fields"))),
        }
    }

    /// A column of a row of a held table.
    pub fn record_field(
        &mut self,
        row: Code,
        table: TableId,
        field: &str,
        place: &Range<usize>,
    ) -> Checked {
        let columns = &self.model.tables[table].columns;
        let Some(i) = columns.iter().position(|c| c.name == field) else {
            let near = suggest(field, columns.iter().map(|c| c.name.as_str()))
                .map(|s| format!("did you mean `{s}`?"));
            let all: Vec<&str> = columns.iter().map(|c| c.name.as_str()).collect();
            return Err(Problem::new(
                code::M0806,
                place,
                format!("{} has no column `{field}`", self.model.describe(table)),
            )
            .help(near.unwrap_or_else(|| format!("columns: {}", all.join(", ")))));
        };
        let ty = columns[i].ty.clone();
        self.held.insert(table);
        let code = match row {
            Code::Slot(row) => Code::new(move |f| f.world.cell(table, i, f.slots[row]?)),
            row => Code::new(move |f| {
                let row = row.get(f)?;
                f.world.cell(table, i, row)
            }),
        };
        Ok(Typed::new(ty, code))
    }

    fn json_field(
        &mut self,
        json: Code,
        shape: &Shape,
        field: &str,
        place: &Range<usize>,
    ) -> Checked {
        let inner = match shape {
            Shape::Any | Shape::Null => Arc::new(Shape::Any),
            Shape::Object(keys) => match keys.get(field) {
                Some(inner) => inner.clone(),
                None => {
                    let near = suggest(field, keys.keys().map(String::as_str))
                        .map(|s| format!("did you mean `{s}`?"));
                    let all: Vec<&str> = keys.keys().map(String::as_str).collect();
                    return Err(Problem::new(
                        code::M0806,
                        place,
                        format!("no row's JSON has a key `{field}`"),
                    )
                    .help(near.unwrap_or_else(|| format!("keys: {}", all.join(", ")))));
                }
            },
            _ => return Err(mismatch(place, "this JSON is no object")),
        };
        let name: Box<str> = field.into();
        let code: Code = Code::new(move |f| {
            let bits = json.get(f)?;
            f.json_field(bits, &name)
        });
        let typed = Typed::new(Type::Json(inner.clone()), code);
        let known = match *inner {
            Shape::Number => Type::Float,
            Shape::Text => Type::Text,
            Shape::Bool => Type::Bool,
            _ => return Ok(typed),
        };
        match self.assign(typed, &known) {
            Some(code) => Ok(Typed::new(known, code)),
            None => Err(mismatch(place, "this JSON has another type")),
        }
    }
}
