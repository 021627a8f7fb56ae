//! The expression language as text: words, then a tree with places. It knows no types and no tables.
mod lex;
mod parse;

pub use parse::parse;

use std::ops::Range;

/// An expression and where it stands in its text.
#[derive(Debug, Clone, PartialEq)]
pub struct Expr {
    /// What it is.
    pub kind: Ex,
    /// Bytes in the expression's text.
    pub span: Range<usize>,
}

/// The forms of expressions.
#[derive(Debug, Clone, PartialEq)]
pub enum Ex {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number with a point or an exponent.
    Float(f64),
    /// `'text'`
    Text(String),
    /// A name.
    Name(String),
    /// `row.field`
    Field(Box<Expr>, String, Range<usize>),
    /// `table[key, key]`
    Index(String, Vec<Expr>),
    /// `function(arguments)`
    Call(String, Vec<Expr>, Range<usize>),
    /// `-x`
    Negate(Box<Expr>),
    /// `not x`
    Not(Box<Expr>),
    /// Two operands.
    Binary(Op, Box<Expr>, Box<Expr>),
    /// `x is [not] null`; true for `is not null`.
    IsNull(Box<Expr>, bool),
    /// `x [not] in (…)`; true for `not in`.
    In(Box<Expr>, Vec<Expr>, bool),
}

/// Operators with two operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// `or`
    Or,
    /// `and`
    And,
    /// `=`
    Equal,
    /// `<>`
    Unequal,
    /// `<`
    Less,
    /// `<=`
    LessEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterEqual,
    /// `||`
    Concat,
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Remainder,
}

impl Op {
    /// How it is written.
    pub fn text(self) -> &'static str {
        match self {
            Self::Or => "or",
            Self::And => "and",
            Self::Equal => "=",
            Self::Unequal => "<>",
            Self::Less => "<",
            Self::LessEqual => "<=",
            Self::Greater => ">",
            Self::GreaterEqual => ">=",
            Self::Concat => "||",
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
        }
    }

    /// Whether it compares.
    pub fn compares(self) -> bool {
        matches!(
            self,
            Self::Equal
                | Self::Unequal
                | Self::Less
                | Self::LessEqual
                | Self::Greater
                | Self::GreaterEqual
        )
    }
}

/// What is wrong with an expression's text, and where in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxError {
    /// One sentence in the house style.
    pub message: String,
    /// The way out, where there is a plain one.
    pub help: Option<String>,
    /// Bytes in the expression's text.
    pub span: Range<usize>,
}

impl Expr {
    /// Visits this expression and all within it, outermost first.
    pub fn walk<'a>(&'a self, visit: &mut dyn FnMut(&'a Expr)) {
        visit(self);
        match &self.kind {
            Ex::Null | Ex::Bool(_) | Ex::Int(_) | Ex::Float(_) | Ex::Text(_) | Ex::Name(_) => {}
            Ex::Field(e, ..) | Ex::Negate(e) | Ex::Not(e) | Ex::IsNull(e, _) => e.walk(visit),
            Ex::Index(_, list) | Ex::Call(_, list, _) => list.iter().for_each(|e| e.walk(visit)),
            Ex::Binary(_, a, b) => {
                a.walk(visit);
                b.walk(visit);
            }
            Ex::In(e, list, _) => {
                e.walk(visit);
                for e in list {
                    e.walk(visit);
                }
            }
        }
    }

    /// The name at the bottom of `a`, `a.b`, `a.b.c`.
    pub fn root_name(&self) -> Option<&str> {
        match &self.kind {
            Ex::Name(name) => Some(name),
            Ex::Field(inner, ..) => inner.root_name(),
            _ => None,
        }
    }
}
