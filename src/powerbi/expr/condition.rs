//! Conditions: true exactly where SQL's are true.
use super::{Ex, Names, level, nullable, value, write};

/// A condition as DAX: true exactly where SQL's is true.
pub fn condition(ex: &Ex, names: &Names<'_>) -> Result<String, String> {
    holds(ex, names, false, 0)
}

fn holds(ex: &Ex, names: &Names<'_>, not: bool, outer: u8) -> Result<String, String> {
    let bracket = |text: String, own: u8| {
        if own < outer {
            format!("({text})")
        } else {
            text
        }
    };
    match ex {
        Ex::Not(x) => holds(x, names, !not, outer),
        Ex::Bool(b) => Ok(if *b != not { "TRUE()" } else { "FALSE()" }.into()),
        Ex::Name(n, grain) => {
            let dax = (names.dax)(n, grain.as_deref())?.0;
            // A blank is neither.
            Ok(bracket(
                if not {
                    format!("{dax} == FALSE()")
                } else {
                    format!("{dax} = TRUE()")
                },
                3,
            ))
        }
        Ex::Binary(op @ ("&&" | "||"), a, b) => {
            let op = match (*op, not) {
                ("&&", false) | ("||", true) => "&&",
                _ => "||",
            };
            let own = level(op);
            let text = format!(
                "{} {op} {}",
                holds(a, names, not, own)?,
                holds(b, names, not, own)?
            );
            Ok(bracket(text, own))
        }
        Ex::Binary(op, a, b) if level(op) == 3 => {
            let op = match (*op, not) {
                ("=", false) | ("<>", true) => "==",
                ("<>", false) | ("=", true) => "<>",
                (o, false) => o,
                ("<", true) => ">=",
                ("<=", true) => ">",
                (">", true) => "<=",
                (_, true) => "<",
            };
            compared(op, a, b, names).map(|(text, own)| bracket(text, own))
        }
        Ex::In(x, list, negated) => {
            let left = value(x, names)?;
            let items = list
                .iter()
                .map(|i| value(i, names))
                .collect::<Result<Vec<_>, _>>()?
                .join(", ");
            let text = format!("{left} IN {{{items}}}");
            Ok(if *negated != not {
                bracket(format!("NOT({text}) && NOT(ISBLANK({left}))"), 2)
            } else {
                bracket(format!("{text} && NOT(ISBLANK({left}))"), 2)
            })
        }
        Ex::IsNull(x, negated) => {
            let text = format!("ISBLANK({})", value(x, names)?);
            Ok(if *negated != not {
                format!("NOT({text})")
            } else {
                text
            })
        }
        _ => Err("this condition has no counterpart in DAX".into()),
    }
}

fn compared(op: &str, a: &Ex, b: &Ex, names: &Names<'_>) -> Result<(String, u8), String> {
    let (mut none_a, mut none_b) = (Vec::new(), Vec::new());
    let left = write(a, names, 4, &mut none_a)?;
    let right = write(b, names, 4, &mut none_b)?;
    let text = format!("{left} {op} {right}");
    let positive = |x: &Ex| matches!(x, Ex::Number(_) | Ex::Text(_) | Ex::Date(_));
    let safe = op == "==" && (positive(a) || positive(b) || matches!(b, Ex::Bool(_)))
        || op == ">" && positive(b)
        || op == "<" && positive(a);
    if safe {
        return Ok((text, 3));
    }
    let mut guards = none_a;
    guards.extend(none_b);
    for side in [a, b] {
        nullable(side, names, &mut guards)?;
    }
    guards.sort();
    guards.dedup();
    if guards.is_empty() {
        return Ok((text, 3));
    }
    let all: Vec<String> = guards
        .iter()
        .map(|g| format!("NOT(ISBLANK({g}))"))
        .collect();
    Ok((format!("{text} && {}", all.join(" && ")), 2))
}
