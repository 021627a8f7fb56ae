//! `table[key]`: the row of a table with these values in its primary or a unique key.
use super::{Checked, Compiler, Problem, Scope, Typed, mismatch, suggest};
use crate::diag::code;
use crate::simulate::draw::mix;
use crate::simulate::frame::{Code, Found, Frame};
use crate::simulate::lang::Expr;
use crate::simulate::value::{TableId, Type, Val};
use std::ops::Range;

/// Most columns of a key.
const KEYS: usize = 4;

impl Compiler<'_> {
    pub(super) fn lookup(
        &mut self,
        table: &str,
        keys: &[Expr],
        span: &Range<usize>,
        scope: &Scope,
    ) -> Checked {
        let place = span.start..span.start + table.len();
        let Some(id) = self.model.find(table) else {
            let near = suggest(table, self.model.names()).and_then(|n| self.model.find(n));
            let problem = Problem::new(code::M0803, &place, format!("no node `{table}`"));
            return Err(match near {
                Some(near) => problem.help(format!("did you mean {}?", self.model.describe(near))),
                None => problem,
            });
        };
        if let Some(why) = self.model.unreadable.get(table) {
            return Err(Problem::new(
                code::M0803,
                &place,
                format!("{} cannot be read: {why}", self.model.describe(id)),
            ));
        }
        let known = &self.model.tables[id];
        let index = known.keys.iter().position(|k| k.len() == keys.len());
        let Some(index) = index.filter(|_| !keys.is_empty() && keys.len() <= KEYS) else {
            let sets: Vec<String> = known
                .keys
                .iter()
                .map(|k| {
                    k.iter()
                        .map(|c| known.columns[*c].name.as_str())
                        .collect::<Vec<_>>()
                        .join(", ")
                })
                .collect();
            let help = if sets.is_empty() {
                "declare `primary_key: true` or `unique:` there".to_string()
            } else {
                format!("its keys: {}", sets.join("; "))
            };
            return Err(mismatch(
                span,
                format!(
                    "{} has no key of {} columns",
                    self.model.describe(id),
                    keys.len()
                ),
            )
            .help(help));
        };
        let columns = known.keys[index].clone();
        let types: Vec<Type> = columns
            .iter()
            .map(|c| known.columns[*c].ty.clone())
            .collect();
        let names: Vec<String> = columns
            .iter()
            .map(|c| known.columns[*c].name.clone())
            .collect();
        let mut codes: Vec<Code> = Vec::new();
        for ((key, ty), name) in keys.iter().zip(&types).zip(names) {
            let typed = self.expr(key, scope)?;
            let found = typed.ty.clone();
            // A fraction is no key: only what fits without rounding.
            let code = if *ty == Type::Int && found == Type::Float {
                None
            } else {
                self.assign(typed, ty)
            };
            codes.push(code.ok_or_else(|| {
                mismatch(
                    &key.span,
                    format!("the key `{name}` of `{table}` is {ty}, not {found}"),
                )
            })?);
        }
        self.held.insert(id);
        let shown = table.to_string();
        // The handle of a text means another text in the next row.
        let lasting = !types
            .iter()
            .any(|t| matches!(t, Type::Text | Type::Json(_)));
        let lookup = 1 + id * 64 + index;
        if lasting && codes.len() <= 2 {
            let code = match (codes.pop(), codes.pop()) {
                (Some(second), Some(first)) => by_bits(
                    id,
                    index,
                    lookup,
                    shown,
                    [(first, columns[0]), (second, columns[1])],
                ),
                (Some(only), None) => by_bits(id, index, lookup, shown, [(only, columns[0])]),
                (None, _) => Code::Value(None),
            };
            return Ok(Typed::new(Type::Record(id), code));
        }
        let code: Code = Code::new(move |f| {
            let mut values = [0u64; KEYS];
            for (i, code) in codes.iter().enumerate() {
                values[i] = code.get(f)?;
            }
            let last = &f.found[lookup % 8];
            if last.lookup == lookup && last.values == values {
                return last.row;
            }
            let mut hash = 0;
            for (value, ty) in values.iter().zip(&types) {
                hash = mix(hash, f.content(*value, ty));
            }
            let found: Result<Val, ()> = (|| {
                let held = f.world.tables.get(id).and_then(Option::as_ref).ok_or(())?;
                let index = held.indexes.get(index).and_then(Option::as_ref).ok_or(())?;
                let same = |row: usize| {
                    columns.iter().zip(&types).zip(&values).all(|((c, ty), v)| {
                        match held.cell(*c, row) {
                            Some(x) if *ty == Type::Text => f.same_text(x, *v),
                            x => x == Some(*v),
                        }
                    })
                };
                Ok(match index.place(&values[..columns.len()]) {
                    Ok(row) => row,
                    Err(hashes) => hashes.find(hash, same).map(|row| row as u64),
                })
            })();
            match found {
                Ok(row) => {
                    if lasting {
                        f.found[lookup % 8] = Found {
                            lookup,
                            values,
                            row,
                        };
                    }
                    row
                }
                Err(()) => not_unique(f, &shown),
            }
        });
        Ok(Typed::new(Type::Record(id), code))
    }
}

#[cold]
fn not_unique(f: &mut Frame, table: &str) -> Val {
    f.fail(format!(
        "`{table}` cannot be looked up: its key is not unique"
    ))
}

/// The frequent lookup: by one or two columns whose values are their bits, so that nothing has to be told apart by
/// type. `keys` are the code of each wanted value and the column that it is looked for in.
fn by_bits<const N: usize>(
    id: TableId,
    index: usize,
    lookup: usize,
    shown: String,
    keys: [(Code, usize); N],
) -> Code {
    Code::new(move |f| {
        let mut values = [0u64; KEYS];
        for (value, (code, _)) in values.iter_mut().zip(&keys) {
            *value = code.get(f)?;
        }
        let held = f.world.tables.get(id).and_then(Option::as_ref);
        let index = held.and_then(|held| Some((held, held.indexes.get(index)?.as_ref()?)));
        let Some((held, index)) = index else {
            return not_unique(f, &shown);
        };
        let hashes = match index.place(&values[..N]) {
            Ok(row) => return row,
            Err(hashes) => hashes,
        };
        let last = &f.found[lookup % 8];
        if last.lookup == lookup && last.values[..N] == values[..N] {
            return last.row;
        }
        let hash = values[..N].iter().fold(0, |hash, value| mix(hash, *value));
        let is = |row: usize| {
            let cells = keys.iter().map(|(_, column)| held.cell(*column, row));
            cells.zip(values).all(|(cell, value)| cell == Some(value))
        };
        let row = hashes.find(hash, is).map(|row| row as u64);
        f.found[lookup % 8] = Found {
            lookup,
            values,
            row,
        };
        row
    })
}
