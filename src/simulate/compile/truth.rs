//! Conditions: whether something holds. Where only that counts, unknown is as good as false, so conditions need none of
//! the care that three-valued logic takes, and are compiled to code that answers yes or no.
use super::operators::compared;
use super::{Checked, Compiler, Scope, mismatch};
use crate::simulate::frame::{Code, Test};
use crate::simulate::lang::{Ex, Expr, Op};
use crate::simulate::spec::Src;

impl Compiler<'_> {
    /// Compiles a text to a condition of the level itself; findings go to the sink.
    pub(super) fn machine_test(&mut self, field: &str, src: &Src, scope: &Scope) -> Option<Test> {
        self.start(field);
        let test = self.src_test(src, scope, field.rsplit('.').next().unwrap_or(field));
        self.keep();
        test
    }

    /// Compiles a text to a condition; findings go to the sink.
    pub(super) fn src_test(&mut self, src: &Src, scope: &Scope, what: &str) -> Option<Test> {
        let expr = self.parse(src)?;
        let test = if is_made_of_conditions(&expr) {
            self.test(&expr, true, scope)
        } else {
            self.expr(&expr, scope).and_then(|typed| {
                let found = typed.ty.clone();
                let code = self.assign(typed, &super::Type::Bool);
                let whole = 0..src.text.len();
                code.map(|code| is(code, true)).ok_or_else(|| {
                    mismatch(&whole, format!("{what} must be a boolean, not {found}"))
                })
            })
        };
        match test {
            Ok(test) => Some(test),
            Err(problem) => {
                self.say_problem(src, problem);
                None
            }
        }
    }

    /// Whether an expression is true (or, not `wanted`, false); an unknown one is neither.
    pub(super) fn test(&mut self, e: &Expr, wanted: bool, scope: &Scope) -> Checked<Test> {
        Ok(match &e.kind {
            Ex::Binary(op @ (Op::And | Op::Or), a, b) => {
                let a = self.test(a, wanted, scope)?;
                let b = self.test(b, wanted, scope)?;
                // Not both is not the one or not the other.
                if (*op == Op::And) == wanted {
                    Box::new(move |f| a(f) && b(f))
                } else {
                    Box::new(move |f| a(f) || b(f))
                }
            }
            Ex::Binary(op, a, b) if op.compares() => {
                let (a, b) = (self.expr(a, scope)?, self.expr(b, scope)?);
                let (ty, a, b) = self.comparable(a, b, &e.span)?;
                compared(*op, &ty, a, b, move |found| found == wanted)
            }
            Ex::Not(inner) => self.test(inner, !wanted, scope)?,
            Ex::IsNull(inner, not) => {
                let null = *not != wanted;
                match self.expr(inner, scope)?.code {
                    Code::Slot(slot) => Box::new(move |f| f.slots[slot].is_none() == null),
                    code => Box::new(move |f| code.get(f).is_none() == null),
                }
            }
            Ex::Call(name, args, _) if name == "chance" => {
                let mut args = self.args(name, args, &e.span, scope)?;
                let salt = self.next_salt();
                let test = self.chance(&mut args, salt, move |drawn| drawn == wanted)?;
                args.end()?;
                test
            }
            _ => {
                let typed = self.expr(e, scope)?;
                is(self.condition(typed, &e.span)?, wanted)
            }
        })
    }
}

/// Whether a condition's parts say themselves what is wrong with them.
fn is_made_of_conditions(e: &Expr) -> bool {
    match &e.kind {
        Ex::Binary(op, ..) => op.compares() || matches!(op, Op::And | Op::Or),
        Ex::Not(_) | Ex::IsNull(..) => true,
        _ => false,
    }
}

/// Whether code gives this truth value.
fn is(code: Code, wanted: bool) -> Test {
    let wanted = Some(u64::from(wanted));
    match code {
        Code::Slot(slot) => Box::new(move |f| f.slots[slot] == wanted),
        Code::Call(call) => Box::new(move |f| call(f) == wanted),
        Code::Value(value) => Box::new(move |_| value == wanted),
    }
}
