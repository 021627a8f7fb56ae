//! Compiles `process:`: four fixed levels — parent, day, occurrence, turn — each with the names of those above it.
use super::program::outputs;
use super::{Binding, Compiler, Scope, Typed, suggest};
use crate::diag::code;
use crate::simulate::frame::Code;
use crate::simulate::program::{
    AssignCode, AtCode, ColumnCode, Level, ProcessCode, RepeatCode, RowCode,
};
use crate::simulate::segment::DayWindows;
use crate::simulate::spec::{At, Each, Name, Process, Repeat, Spec, Src, Value, Windows};
use crate::simulate::value::{Type, as_float, int};
use indexmap::IndexMap;
use std::collections::BTreeSet;

/// Widths of day, parent and number in packed ids: 51 bits, exact in doubles.
const BITS: [u32; 3] = [12, 26, 13];

type Fields = IndexMap<String, (usize, Type)>;

impl Compiler<'_> {
    /// Slots for the columns of a process; their values come from `row:`.
    pub(super) fn process_columns(&mut self, spec: &Spec, level: &mut Level) -> Fields {
        let mut fields = IndexMap::new();
        for column in &spec.columns {
            let id = matches!(column.value, Value::Packed(..));
            if let Value::Sequence = column.value {
                self.say(code::M0801, column.name.span.clone(), format!("{}.{}: ids of events are packed: consecutive numbers would change with every change of the past", spec.name.text, column.name.text), Some("use `id: packed`".into()));
            }
            let slot = if id { level.number } else { self.slot() };
            let ty = column.sql.value_type();
            fields.insert(column.name.text.clone(), (slot, ty));
            level.columns.push(ColumnCode {
                name: column.name.text.clone(),
                slot,
                code: None,
                needs: BTreeSet::new(),
                active: true,
            });
            self.check_reference(column);
        }
        fields
    }

    fn process_bits(&mut self, spec: &Spec) -> [u32; 3] {
        for column in &spec.columns {
            if let Value::Packed(bits, span) = &column.value
                && !bits.is_empty()
            {
                if let [d, p, n] = bits[..]
                    && d >= 8
                    && p >= 1
                    && n >= 1
                    && d + p + n <= 63
                {
                    return [d, p, n];
                }
                self.say(code::M0801, span.clone(), format!("{}.{}: `bits` are three widths of day, parent and number, together at most 63", spec.name.text, column.name.text), Some("the default is [12, 26, 13]".into()));
            }
        }
        BITS
    }

    pub(super) fn process(
        &mut self,
        spec: &Spec,
        process: &Process,
        scope: &mut Scope,
        columns: &Fields,
    ) -> ProcessCode {
        let bits = self.process_bits(spec);
        let (now, next_id) = (self.slot(), self.slot());
        let lookup = self.lookups(&process.lookup, scope);
        let state = self.state(&process.state, scope);
        let filter = process.filter.as_ref();
        let filter = filter.and_then(|src| self.machine_test("each_day.where", src, scope));
        let mut mutable = BTreeSet::new();
        let lets = self.lets("each_day.let", &process.lets, scope, &mut mutable);
        let each = &process.each;
        let count = self.optional("each.count", each.count.as_ref(), scope, &Type::Int);
        // Without a program when this fails, but what follows is checked all the same.
        let at = self.at(&each.at, scope).unwrap_or(AtCode::Midnight);
        let day_scope = scope.clone();
        scope.slot("now", now, Type::Timestamp);
        scope.slot("next_id", next_id, Type::Int);
        scope.slot("nth", self.level.nth, Type::Int);
        let day_mutable = mutable.clone();
        let (set, each_lets, row) = self.body("each", each, scope, &mut mutable, columns);
        let repeat = match &each.repeat {
            None => None,
            Some(repeat) => self.repeat(repeat, scope.clone(), mutable.clone(), columns),
        };
        let set_after = self.assigns("each.set_after", &each.set_after, scope, &mutable);
        let day_set_after = self.assigns(
            "each_day.set_after",
            &process.set_after,
            &day_scope,
            &day_mutable,
        );
        let gap = matches!(
            &at,
            AtCode::Windows(_, Some(_), _) | AtCode::Fixed(_, Some(_), _)
        );
        let keeps_text = match scope.names.get("state") {
            Some(Binding::Fields(fields)) => fields
                .values()
                .any(|f| matches!(f.1, Type::Text | Type::Json(_))),
            _ => false,
        };
        ProcessCode {
            lookup,
            keeps_text,
            stateful: gap || !process.state.is_empty(),
            state,
            filter,
            lets,
            count,
            at,
            set,
            each_lets,
            row,
            repeat,
            set_after,
            day_set_after,
            now,
            next_id,
            bits,
        }
    }

    fn optional(
        &mut self,
        field: &str,
        src: Option<&Src>,
        scope: &Scope,
        ty: &Type,
    ) -> Option<Code> {
        self.machine(field, src?, scope, ty)
    }

    fn state(&mut self, state: &[(Name, Src)], scope: &mut Scope) -> Vec<(usize, Code)> {
        let mut fields = IndexMap::new();
        let mut out = Vec::new();
        for (name, src) in state {
            self.start(format!("state.{}", name.text));
            let typed = self.src(src, scope);
            self.keep();
            let Some(typed) = typed else { continue };
            let (ty, code) = self.widened(&format!("state.{}", name.text), typed);
            let slot = self.slot();
            fields.insert(name.text.clone(), (slot, ty));
            out.push((slot, code));
        }
        if !fields.is_empty() {
            scope.names.insert("state".into(), Binding::Fields(fields));
        }
        out
    }

    /// A value as the type that later assignments to its name need.
    fn widened(&mut self, path: &str, typed: Typed) -> (Type, Code) {
        let own = typed.ty.clone();
        match self.hints.get(path).cloned() {
            Some(hint) if hint != own => {
                let Some(joined) = own.join(&hint) else {
                    return (own, typed.code);
                };
                match self.assign(typed, &joined) {
                    Some(code) => (joined, code),
                    None => (own, Code::Value(None)),
                }
            }
            _ => (own, typed.code),
        }
    }

    fn lets(
        &mut self,
        path: &str,
        lets: &[(Name, Value)],
        scope: &mut Scope,
        mutable: &mut BTreeSet<String>,
    ) -> Vec<(usize, Code)> {
        scope.later.extend(
            lets.iter()
                .map(|l| l.0.text.clone())
                .filter(|n| !scope.names.contains_key(n)),
        );
        let mut out = Vec::new();
        for (name, value) in lets {
            if ["day", "now", "state", "nth", "next_id", "start_date"].contains(&name.text.as_str())
            {
                self.say(
                    code::M0801,
                    name.span.clone(),
                    format!(
                        "{}: `{}` has a meaning of its own here",
                        self.spec.name.text, name.text
                    ),
                    Some("give it another name".into()),
                );
                continue;
            }
            let field = format!("{path}.{}", name.text);
            self.start(field.clone());
            let typed = self.value(value, scope, None, name);
            self.keep();
            let Some(typed) = typed else {
                scope.later.remove(&name.text);
                scope
                    .names
                    .insert(name.text.clone(), Binding::Slot(0, Type::Null));
                continue;
            };
            let (ty, code) = self.widened(&field, typed);
            let slot = self.slot();
            scope.slot(&name.text, slot, ty);
            mutable.insert(name.text.clone());
            self.paths.insert(slot, field);
            out.push((slot, code));
        }
        out
    }

    fn body(
        &mut self,
        path: &str,
        each: &Each,
        scope: &mut Scope,
        mutable: &mut BTreeSet<String>,
        columns: &Fields,
    ) -> (Vec<AssignCode>, Vec<(usize, Code)>, Option<RowCode>) {
        let set = self.assigns(&format!("{path}.set"), &each.set, scope, mutable);
        let lets = self.lets(&format!("{path}.let"), &each.lets, scope, mutable);
        let row = self.row(&format!("{path}.row"), &each.row, scope, columns);
        (set, lets, row)
    }

    fn repeat(
        &mut self,
        repeat: &Repeat,
        mut scope: Scope,
        mut mutable: BTreeSet<String>,
        columns: &Fields,
    ) -> Option<RepeatCode> {
        let condition = repeat.condition.as_ref();
        let condition = condition.and_then(|src| self.machine_test("repeat.while", src, &scope));
        let set = self.assigns("repeat.set", &repeat.set, &scope, &mutable);
        let lets = self.lets("repeat.let", &repeat.lets, &mut scope, &mut mutable);
        let row = self.row("repeat.row", &repeat.row, &scope, columns);
        let advance = match &repeat.advance {
            None => None,
            Some(src) => self.span_of_time("repeat.advance", src, &scope),
        };
        let set_after = self.assigns("repeat.set_after", &repeat.set_after, &scope, &mutable);
        let stop = repeat.stop.as_ref();
        let stop = stop.and_then(|src| self.machine_test("repeat.stop", src, &scope));
        Some(RepeatCode {
            condition,
            limit: repeat.limit,
            set,
            lets,
            row,
            advance,
            set_after,
            stop,
        })
    }

    /// An interval, or a number of minutes, in microseconds.
    fn span_of_time(&mut self, field: &str, src: &Src, scope: &Scope) -> Option<Code> {
        self.start(field);
        let typed = self.src(src, scope);
        self.keep();
        let typed = typed?;
        if typed.ty == Type::Interval {
            return Some(typed.code);
        }
        let found = typed.ty.clone();
        let Some(code) = self.assign(typed, &Type::Float) else {
            let message = format!(
                "{}.{field}: a number of minutes or an interval is expected, not {found}",
                self.spec.name.text
            );
            self.say(code::M0805, src.span.clone(), message, None);
            return None;
        };
        Some(Code::new(move |f| {
            int(libm::rint(as_float(code.get(f)?) * 60e6) as i64)
        }))
    }

    fn at(&mut self, at: &At, scope: &Scope) -> Option<AtCode> {
        Some(match at {
            At::Midnight => AtCode::Midnight,
            At::Expr(src) => AtCode::Expr(self.machine("at", src, scope, &Type::Timestamp)?),
            At::Windows {
                windows,
                gap,
                round,
            } => {
                let gap = match gap {
                    None => None,
                    Some(src) => Some(self.span_of_time("at.gap_minutes", src, scope)?),
                };
                let round = match round {
                    None => None,
                    Some(src) => Some(self.span_of_time("at.round_minutes", src, scope)?),
                };
                match windows {
                    Windows::Plain(json, span) => match DayWindows::from_json(json) {
                        Ok(windows) => AtCode::Fixed(windows, gap, round),
                        Err(message) => {
                            self.say(
                                code::M0801,
                                span.clone(),
                                format!("{}.at: {message}", self.spec.name.text),
                                None,
                            );
                            return None;
                        }
                    },
                    Windows::Expr(src) => {
                        self.start("at.windows");
                        let typed = self.src(src, scope);
                        self.keep();
                        let typed = typed?;
                        if !matches!(&typed.ty, Type::Json(shape) if shape.is_windows()) {
                            let message = format!(
                                "{}.at: windows must be a JSON list of {{start, end, weight}}, not {}",
                                self.spec.name.text, typed.ty
                            );
                            self.say(code::M0805, src.span.clone(), message, None);
                            return None;
                        }
                        AtCode::Windows(typed.code, gap, round)
                    }
                }
            }
        })
    }

    fn row(
        &mut self,
        path: &str,
        row: &[(Name, Value)],
        scope: &Scope,
        columns: &Fields,
    ) -> Option<RowCode> {
        if row.is_empty() {
            return None;
        }
        let spec = self.spec.clone();
        let mut values = Vec::new();
        let mut given = BTreeSet::new();
        for (name, value) in row {
            let Some(column) = spec.columns.iter().find(|c| c.name.text == name.text) else {
                let near = suggest(&name.text, columns.keys().map(String::as_str));
                self.say(
                    code::M0803,
                    name.span.clone(),
                    format!(
                        "{}.{path}: there is no column `{}`",
                        spec.name.text, name.text
                    ),
                    near.map(|n| format!("did you mean `{n}`?")),
                );
                continue;
            };
            if matches!(column.value, Value::Packed(..)) {
                self.say(
                    code::M0801,
                    name.span.clone(),
                    format!(
                        "{}.{path}: the id `{}` is made, not given",
                        spec.name.text, name.text
                    ),
                    None,
                );
                continue;
            }
            self.start(format!("{path}.{}", name.text));
            let typed = self.value(value, scope, Some(column.sql), name);
            self.keep();
            given.insert(name.text.as_str());
            if let Some(typed) = typed {
                values.push((columns[&name.text].0, typed.code));
            }
        }
        let missing = spec.columns.iter().filter(|c| {
            !given.contains(c.name.text.as_str()) && !matches!(c.value, Value::Packed(..))
        });
        values.extend(missing.map(|c| (columns[&c.name.text].0, Code::Value(None))));
        Some(self.row_code(values, columns))
    }

    /// What is only copied is told apart from what is computed.
    fn row_code(&mut self, values: Vec<(usize, Code)>, columns: &Fields) -> RowCode {
        let mut code = RowCode {
            computed: Vec::new(),
            copied: Vec::new(),
            out: outputs(&self.spec, |name| columns.get(name).map(|c| c.0)),
        };
        for (slot, value) in values {
            match value {
                Code::Slot(from) => code.copied.push((slot, from)),
                Code::Value(value) => code.copied.push((slot, self.fixed(value))),
                Code::Call(_) => code.computed.push((slot, value)),
            }
        }
        for out in &mut code.out {
            let copied = code.copied.iter().find(|c| c.0 == out.slot);
            out.slot = copied.map_or(out.slot, |c| c.1);
        }
        code
    }
}
