//! Texts and JSON put together from pieces, and unique codes.
use super::convert::{write_json, write_text};
use super::{Checked, Compiler, Scope, Typed, mismatch};
use crate::diag::code;
use crate::simulate::draw::{self, mix, permute};
use crate::simulate::frame::{Code, Frame};
use crate::simulate::lang::{Ex, Expr};
use crate::simulate::segment::JsonKind;
use crate::simulate::spec::{Name, Span, Src, Value};
use crate::simulate::value::{Type, Val};
use std::ops::Range;

/// A piece of a text or JSON that is put together.
enum Part {
    Fixed(Box<[u8]>),
    Value(Type, Code, usize),
}

/// Most values in one format or JSON object.
const PARTS: usize = 32;

impl Compiler<'_> {
    /// `"{category} {program_id:03}"`: text with expressions in braces.
    pub(super) fn format(&mut self, src: &Src, scope: &Scope) -> Option<Typed> {
        let mut parts = Vec::new();
        let mut rest = 0;
        while let Some(open) = src.text[rest..].find('{').map(|i| i + rest) {
            parts.push(Part::Fixed(src.text.as_bytes()[rest..open].into()));
            let Some(close) = src.text[open..].find('}').map(|i| i + open) else {
                let message = format!(
                    "{}.{}: `{{` is never closed",
                    self.spec.name.text, self.field
                );
                self.say(
                    code::M0804,
                    src.place(&(open..src.text.len())),
                    message,
                    None,
                );
                return None;
            };
            let inside = &src.text[open + 1..close];
            let (text, width) = match inside.rsplit_once(':') {
                Some((text, width))
                    if width.starts_with('0')
                        && width.len() < 4
                        && width.parse::<usize>().is_ok() =>
                {
                    (text, width.parse().unwrap_or(0))
                }
                _ => (inside, 0),
            };
            let inner = Src {
                text: text.to_string(),
                span: src.span.clone(),
                exact: src.exact.map(|at| at + open + 1),
            };
            let typed = self.src(&inner, scope)?;
            parts.push(Part::Value(typed.ty, typed.code, width));
            rest = close + 1;
        }
        parts.push(Part::Fixed(src.text.as_bytes()[rest..].into()));
        self.too_many(&parts, &src.span)?;
        Some(Typed::new(Type::Text, put_together(parts, false)))
    }

    /// `format('{} of {}', a, b)`.
    pub(super) fn format_call(
        &mut self,
        args: &[Expr],
        span: &Range<usize>,
        scope: &Scope,
    ) -> Checked {
        let Some(Ex::Text(pattern)) = args.first().map(|a| &a.kind) else {
            return Err(mismatch(
                span,
                "format() needs a text like '{} of {}' first",
            ));
        };
        let pieces: Vec<&str> = pattern.split("{}").collect();
        if pieces.len() != args.len() {
            return Err(mismatch(
                span,
                format!(
                    "format() has {} places and {} values",
                    pieces.len() - 1,
                    args.len() - 1
                ),
            ));
        }
        let mut parts = vec![Part::Fixed(pieces[0].as_bytes().into())];
        for (arg, piece) in args[1..].iter().zip(&pieces[1..]) {
            let typed = self.expr(arg, scope)?;
            parts.push(Part::Value(typed.ty, typed.code, 0));
            parts.push(Part::Fixed(piece.as_bytes().into()));
        }
        if parts.len() > PARTS * 2 {
            return Err(mismatch(
                span,
                format!("format() takes at most {PARTS} values"),
            ));
        }
        Ok(Typed::new(Type::Text, put_together(parts, false)))
    }

    fn too_many(&mut self, parts: &[Part], span: &Span) -> Option<()> {
        if parts
            .iter()
            .filter(|p| matches!(p, Part::Value(..)))
            .count()
            <= PARTS
        {
            return Some(());
        }
        let message = format!(
            "{}.{}: more than {PARTS} values in one text or object",
            self.spec.name.text, self.field
        );
        self.say(code::M0801, span.clone(), message, None);
        None
    }

    pub(super) fn object(&mut self, entries: &[(Name, Value)], scope: &Scope) -> Option<Typed> {
        let mut parts = Vec::new();
        let mut fixed = Vec::new();
        self.object_parts(entries, scope, &mut parts, &mut fixed)?;
        parts.push(Part::Fixed(fixed.as_slice().into()));
        self.too_many(&parts, &entries.first().map_or(0..0, |e| e.0.span.clone()))?;
        if let [Part::Fixed(text)] = parts.as_slice()
            && let Ok(json) = serde_json::from_slice(text)
        {
            let bits = u64::from(self.constants.add_json(&json));
            return Some(Typed::literal(Type::any_json(), Some(bits)));
        }
        Some(Typed::new(Type::any_json(), put_together(parts, true)))
    }

    fn object_parts(
        &mut self,
        entries: &[(Name, Value)],
        scope: &Scope,
        parts: &mut Vec<Part>,
        fixed: &mut Vec<u8>,
    ) -> Option<()> {
        fixed.push(b'{');
        let field = self.field.clone();
        for (i, (name, value)) in entries.iter().enumerate() {
            if i > 0 {
                fixed.push(b',');
            }
            fixed.extend_from_slice(
                serde_json::Value::from(name.text.as_str())
                    .to_string()
                    .as_bytes(),
            );
            fixed.push(b':');
            self.field = format!("{field}.{}", name.text);
            if let Value::Object(inner) = value {
                self.object_parts(inner, scope, parts, fixed)?;
                continue;
            }
            let typed = self.value(value, scope, None, name)?;
            match (typed.literal, &typed.text, &typed.ty) {
                (_, Some(text), _) => fixed.extend_from_slice(
                    serde_json::Value::from(text.as_str())
                        .to_string()
                        .as_bytes(),
                ),
                (Some(None), ..) => fixed.extend_from_slice(b"null"),
                (Some(Some(bits)), _, Type::Bool) => {
                    fixed.extend_from_slice(if bits == 0 { b"false" } else { b"true" });
                }
                (Some(Some(bits)), _, Type::Int) => {
                    fixed.extend_from_slice((bits as i64).to_string().as_bytes());
                }
                _ => {
                    parts.push(Part::Fixed(fixed.as_slice().into()));
                    fixed.clear();
                    parts.push(Part::Value(typed.ty, typed.code, 0));
                }
            }
        }
        self.field = field;
        fixed.push(b'}');
        Some(())
    }

    /// A unique code: the row's number under a keyed permutation of all codes of that length.
    pub(super) fn unique_code(&mut self, length: u32, span: &Span) -> Option<Typed> {
        let all = 36u64.pow(length);
        let salt = draw::salt(&format!("{}.{} code", self.spec.name.text, self.field));
        let number = self.level.number;
        if let crate::simulate::spec::Rows::Entity { initial, .. } = &self.spec.rows
            && *initial > all
        {
            let message = format!(
                "{}.{}: {initial} rows do not fit {all} codes of length {length}",
                self.spec.name.text, self.field
            );
            self.say(
                code::M0801,
                span.clone(),
                message,
                Some("make the code longer".into()),
            );
            return None;
        }
        self.used.insert(number);
        Some(Typed::new(
            Type::Text,
            Code::new(move |f| {
                let n = f.slots[number]?;
                if n >= all {
                    return f.fail(format!(
                        "row {n} has no code left among {all} of length {length}"
                    ));
                }
                let mut code = permute(mix(mix(f.world.seed, salt), 0xc0de), n, all);
                let mut text = [0u8; 12];
                for place in text[..length as usize].iter_mut().rev() {
                    *place = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[(code % 36) as usize];
                    code /= 36;
                }
                let mark = f.mark();
                f.arena.extend_from_slice(&text[..length as usize]);
                f.since(mark)
            }),
        ))
    }
}

fn put_together(parts: Vec<Part>, json: bool) -> Code {
    let (mut pieces, mut fixed) = (Vec::new(), Vec::new());
    for part in parts {
        match part {
            Part::Fixed(bytes) => fixed.extend_from_slice(&bytes),
            Part::Value(ty, code, width) => pieces.push(Piece {
                before: Fixed::new(&std::mem::take(&mut fixed)),
                ty,
                code,
                width,
            }),
        }
    }
    let end = Fixed::new(&fixed);
    match pieces.len() {
        0..=1 => put_together_of::<1>(pieces, end, json),
        2 => put_together_of::<2>(pieces, end, json),
        3 => put_together_of::<3>(pieces, end, json),
        4 => put_together_of::<4>(pieces, end, json),
        5..=8 => put_together_of::<8>(pieces, end, json),
        _ => put_together_of::<PARTS>(pieces, end, json),
    }
}

/// For at most `N` values; small texts need not clear room for many.
fn put_together_of<const N: usize>(pieces: Vec<Piece>, end: Fixed, json: bool) -> Code {
    Code::new(move |f| {
        // Values first: making one may itself write to the arena.
        let mut values: [Val; N] = [None; N];
        for (value, piece) in values.iter_mut().zip(&pieces) {
            *value = piece.code.get(f);
            if value.is_none() && !json {
                return None;
            }
        }
        let mark = f.mark();
        for (value, piece) in values.iter().zip(&pieces) {
            piece.before.append(&mut f.arena);
            match value {
                Some(bits) if json => write_json(f, &piece.ty, *bits),
                Some(bits) => piece.write(f, *bits),
                None => f.arena.extend_from_slice(b"null"),
            }
        }
        end.append(&mut f.arena);
        f.since(mark)
    })
}

/// Bytes that stand in every text.
struct Fixed {
    bytes: Box<[u8]>,
    /// The first of them, filled up: a copy whose length is known beforehand takes a fraction of the time.
    head: [u8; 32],
}

impl Fixed {
    fn new(bytes: &[u8]) -> Self {
        let mut head = [0; 32];
        let short = bytes.len().min(head.len());
        head[..short].copy_from_slice(&bytes[..short]);
        Self {
            bytes: bytes.into(),
            head,
        }
    }

    #[inline]
    fn append(&self, out: &mut Vec<u8>) {
        if self.bytes.len() <= self.head.len() {
            let end = out.len() + self.bytes.len();
            out.extend_from_slice(&self.head);
            out.truncate(end);
        } else {
            out.extend_from_slice(&self.bytes);
        }
    }
}

/// A value in a text, and what stands before it.
struct Piece {
    before: Fixed,
    ty: Type,
    code: Code,
    /// Least width, filled up with zeros.
    width: usize,
}

impl Piece {
    fn write(&self, f: &mut Frame, bits: u64) {
        let start = f.mark();
        write_text(f, &self.ty, bits);
        let length = f.mark() - start;
        if length < self.width {
            let zeros = std::iter::repeat_n(b'0', self.width - length);
            f.arena.splice(start..start, zeros);
        }
    }
}

/// Whether a JSON list holds an item.
pub fn json_contains(f: &Frame, list: u64, ty: &Type, item: u64) -> bool {
    let Some(node) = f.world.json(list) else {
        return false;
    };
    let JsonKind::List(items) = &node.kind else {
        return false;
    };
    let segment = list & !0xffff_ffff;
    items.iter().any(
        |i| match f.world.json(segment | u64::from(*i)).map(|n| &n.kind) {
            Some(JsonKind::Number(x)) => match ty {
                Type::Int => x.to_bits() == (item as i64 as f64).to_bits(),
                Type::Float => x.to_bits() == item,
                _ => false,
            },
            Some(JsonKind::Text(t)) => {
                *ty == Type::Text && f.world.text(segment | u64::from(*t)) == f.text(item)
            }
            Some(JsonKind::Bool(b)) => *ty == Type::Bool && u64::from(*b) == item,
            _ => false,
        },
    )
}
