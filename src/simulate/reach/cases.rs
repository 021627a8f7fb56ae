//! Whether a condition holds in a case: one value for each input.
use super::{Atom, constant, free_name, path};
use crate::simulate::lang::{Ex, Expr, Op};
use std::collections::BTreeMap;

/// The value of each input.
pub(super) type Case<'a> = BTreeMap<&'a str, &'a Atom>;

/// Whether the condition holds; what cannot be known is an input of its own.
pub(super) fn holds(e: &Expr, rule: usize, case: &Case<'_>) -> bool {
    let of = |name: &str| case.get(name).copied();
    match &e.kind {
        Ex::Not(inner) => !holds(inner, rule, case),
        Ex::Binary(Op::And, a, b) => holds(a, rule, case) && holds(b, rule, case),
        Ex::Binary(Op::Or, a, b) => holds(a, rule, case) || holds(b, rule, case),
        Ex::Bool(b) => *b,
        Ex::Name(_) | Ex::Field(..) => {
            path(e).and_then(|n| of(&n).cloned()) == Some(Atom::Bool(true))
        }
        Ex::Binary(op, a, b) if op.compares() => {
            if let (Some(value), Some(c)) = (path(a).and_then(|n| of(&n)), constant(b)) {
                return compare(*op, value, &c);
            }
            if let (Some(c), Some(value)) = (constant(a), path(b).and_then(|n| of(&n))) {
                return compare(*op, &c, value);
            }
            of(&free_name(e, rule)) == Some(&Atom::Bool(true))
        }
        Ex::In(inner, list, not) => {
            let all: Option<Vec<Atom>> = list.iter().map(constant).collect();
            match (path(inner).and_then(|n| of(&n)), all) {
                (Some(value), Some(all)) => all.contains(value) != *not,
                _ => of(&free_name(e, rule)) == Some(&Atom::Bool(true)),
            }
        }
        _ => of(&free_name(e, rule)) == Some(&Atom::Bool(true)),
    }
}

fn compare(op: Op, a: &Atom, b: &Atom) -> bool {
    let order = match (a, b) {
        (Atom::Number(x), Atom::Number(y)) => x.total_cmp(y),
        (Atom::Text(x), Atom::Text(y)) => x.cmp(y),
        (Atom::Bool(x), Atom::Bool(y)) => x.cmp(y),
        _ => return op == Op::Unequal,
    };
    match op {
        Op::Equal => order.is_eq(),
        Op::Unequal => order.is_ne(),
        Op::Less => order.is_lt(),
        Op::LessEqual => order.is_le(),
        Op::Greater => order.is_gt(),
        _ => order.is_ge(),
    }
}
