//! Functions of text.
use super::convert::write_text;
use super::functions::Args;
use super::{Checked, Compiler, Typed, mismatch};
use crate::simulate::frame::Code;
use crate::simulate::value::{Type, boolean, int};

impl Compiler<'_> {
    /// Whether a text holds another, or a JSON list an item.
    pub(super) fn contains(&mut self, args: &mut Args) -> Checked {
        let json = matches!(args.list.first(), Some((t, _)) if matches!(t.ty, Type::Json(_)));
        let code: Code = if json {
            let list = args.take(self, &Type::any_json())?;
            if args.list.is_empty() {
                return Err(mismatch(&args.span, "contains() takes two arguments"));
            }
            let (item, _) = args.list.remove(0);
            let ty = item.ty.clone();
            let item = item.code;
            Code::new(move |f| {
                let list = list.get(f)?;
                let item = item.get(f)?;
                boolean(super::texts::json_contains(f, list, &ty, item))
            })
        } else {
            let (text, part) = (args.take(self, &Type::Text)?, args.take(self, &Type::Text)?);
            Code::new(move |f| {
                let text = text.get(f)?;
                let part = part.get(f)?;
                boolean(f.text(text).contains(f.text(part)))
            })
        };
        Ok(Typed::new(Type::Bool, code))
    }

    pub(super) fn text_function(&mut self, name: &str, args: &mut Args) -> Checked {
        let text = match args.list.first() {
            Some((t, _)) if name == "lpad" && t.ty != Type::Text => {
                let typed = args.list.remove(0).0;
                self.text_of(typed)
            }
            _ => args.take(self, &Type::Text)?,
        };
        if name == "length" {
            return Ok(Typed::new(
                Type::Int,
                Code::new(move |f| {
                    let bits = text.get(f)?;
                    int(f.text(bits).chars().count() as i64)
                }),
            ));
        }
        type Change = Box<dyn Fn(&str, &[String]) -> String + Send + Sync>;
        let mut extra: Vec<(Type, Code)> = Vec::new();
        let change: Change = match name {
            "lower" => Box::new(|t, _| t.to_lowercase()),
            "upper" => Box::new(|t, _| t.to_uppercase()),
            "trim" => Box::new(|t, _| t.trim().to_string()),
            "left" | "right" => {
                extra.push((Type::Int, args.take(self, &Type::Int)?));
                let left = name == "left";
                Box::new(move |t, a| {
                    let n: usize = a[0].parse().unwrap_or(0);
                    let skip = if left {
                        0
                    } else {
                        t.chars().count().saturating_sub(n)
                    };
                    t.chars().skip(skip).take(n).collect()
                })
            }
            "replace" => {
                extra.push((Type::Text, args.take(self, &Type::Text)?));
                extra.push((Type::Text, args.take(self, &Type::Text)?));
                Box::new(|t, a| t.replace(a[0].as_str(), &a[1]))
            }
            _ => {
                extra.push((Type::Int, args.take(self, &Type::Int)?));
                extra.push((Type::Text, args.take(self, &Type::Text)?));
                Box::new(|t, a| {
                    let width: usize = a[0].parse().unwrap_or(0).min(10_000);
                    let missing = width.saturating_sub(t.chars().count());
                    a[1].chars()
                        .cycle()
                        .take(if a[1].is_empty() { 0 } else { missing })
                        .chain(t.chars())
                        .collect()
                })
            }
        };
        Ok(Typed::new(
            Type::Text,
            Code::new(move |f| {
                let bits = text.get(f)?;
                let mut given = Vec::new();
                for (ty, code) in &extra {
                    let value = code.get(f)?;
                    let mark = f.mark();
                    write_text(f, ty, value);
                    given.push(String::from_utf8_lossy(&f.arena[mark..]).into_owned());
                    f.arena.truncate(mark);
                }
                let changed = change(f.text(bits), &given);
                f.intern(&changed)
            }),
        ))
    }
}
