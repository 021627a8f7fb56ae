//! What formulas name.
use super::super::tmdl::Object;
use super::model::Fields;
use std::collections::BTreeSet;

/// Every `Table[Column]` and `[Measure]` of a formula must be there, and its brackets in pairs.
pub fn check(objects: &[(String, Object)], all: &Fields, out: &mut Vec<String>) {
    let measures: BTreeSet<&String> = all.values().flat_map(|(_, m)| m).collect();
    for (path, o) in objects.iter().filter(|(_, o)| o.kind == "table") {
        for m in o.of("measure") {
            let dax = m.value.clone().unwrap_or_default();
            let parts = references(&dax);
            let Ok(parts) = parts else {
                out.push(format!(
                    "{path}: the brackets or quotes of `{}` are not in pairs",
                    m.name
                ));
                continue;
            };
            for (table, field) in parts {
                let known = match &table {
                    Some(t) => all
                        .iter()
                        .find(|(name, _)| name.eq_ignore_ascii_case(t))
                        .is_some_and(|(_, (c, ms))| c.contains(&field) || ms.contains(&field)),
                    None => measures.contains(&field),
                };
                if !known {
                    let shown = table
                        .map(|t| format!("{t}[{field}]"))
                        .unwrap_or_else(|| format!("[{field}]"));
                    out.push(format!(
                        "{path}: `{}` names {shown}, which is not there",
                        m.name
                    ));
                }
            }
        }
    }
}

/// `T[c]` and `[m]` of a formula.
fn references(dax: &str) -> Result<Vec<(Option<String>, String)>, ()> {
    let mut out = Vec::new();
    let mut word = String::new();
    let mut depth = 0i32;
    let mut chars = dax.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' | '\'' => {
                let mut text = String::new();
                loop {
                    match chars.next() {
                        None => return Err(()),
                        Some(x) if x == c && chars.peek() == Some(&c) => {
                            chars.next();
                            text.push(c);
                        }
                        Some(x) if x == c => break,
                        Some(x) => text.push(x),
                    }
                }
                word = if c == '\'' { text } else { String::new() };
            }
            '[' => {
                let mut name = String::new();
                loop {
                    match chars.next() {
                        None => return Err(()),
                        Some(']') if chars.peek() == Some(&']') => {
                            chars.next();
                            name.push(']');
                        }
                        Some(']') => break,
                        Some(x) => name.push(x),
                    }
                }
                let table = std::mem::take(&mut word);
                out.push(((!table.is_empty()).then_some(table), name));
            }
            '(' | ')' => {
                depth += if c == '(' { 1 } else { -1 };
                if depth < 0 {
                    return Err(());
                }
                word.clear();
            }
            c if c.is_alphanumeric() || c == '_' => word.push(c),
            _ => word.clear(),
        }
    }
    if depth == 0 { Ok(out) } else { Err(()) }
}
