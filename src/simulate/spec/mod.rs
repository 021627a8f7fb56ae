//! A simulation file as typed data: what was written and where, not yet what it means.
//!
//! In: a YAML document. Out: a [`Spec`] and every finding about its form. Expressions are still text here; names,
//! types and other tables are the compiler's business.
mod columns;
mod process;
mod read;
mod sections;
mod weights;

pub use read::{read_document, suggest as read_suggest};

use super::curve::{Between, Over};
use super::value::SqlType;
use crate::text::SourceFile;
use std::ops::Range;
use std::sync::Arc;

/// Bytes of the file.
pub type Span = Range<usize>;

/// A name and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Name {
    /// The name.
    pub text: String,
    /// Its place.
    pub span: Span,
}

/// The text of an expression and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Src {
    /// The expression.
    pub text: String,
    /// The YAML scalar, with its quotes.
    pub span: Span,
    /// Offset of the text in the file, when it stands there letter by letter.
    pub exact: Option<usize>,
}

impl Src {
    /// The file's bytes for a stretch of the expression.
    pub fn place(&self, span: &Range<usize>) -> Span {
        match self.exact {
            Some(at) => at + span.start..at + span.end,
            None => self.span.clone(),
        }
    }
}

/// A plain literal from YAML.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// Nothing.
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f64),
    /// Text, also of dates.
    Text(String),
}

/// A literal and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Plain {
    /// The literal.
    pub value: Literal,
    /// Its place.
    pub span: Span,
}

/// One simulation: one table.
#[derive(Debug, Clone)]
pub struct Spec {
    /// The file.
    pub file: Arc<SourceFile>,
    /// Its name, also the table's.
    pub name: Name,
    /// The schema, when the file names one.
    pub schema: Option<String>,
    /// What it is for.
    pub description: String,
    /// Labels for selection.
    pub tags: Vec<String>,
    /// Where its rows come from.
    pub rows: Rows,
    /// Curves by name.
    pub curves: Vec<CurveSpec>,
    /// Columns in order.
    pub columns: Vec<Column>,
    /// Named choices.
    pub picks: Vec<PickSpec>,
    /// Sets of columns that are unique together.
    pub unique: Vec<Vec<Name>>,
    /// Sets of columns to index after the load.
    pub indexes: Vec<Vec<Name>>,
    /// Declared checks.
    pub expects: Vec<Expect>,
    /// Declared faults.
    pub faults: Option<Faults>,
    /// Everything that decides the rows, without comments and places.
    pub canonical: serde_json::Value,
}

/// Where rows come from.
#[derive(Debug, Clone)]
pub enum Rows {
    /// A stock on the first day, and arrivals on each day.
    Entity {
        /// Rows on the first day.
        initial: u64,
        /// New rows of a day.
        arrivals: Option<Src>,
    },
    /// So many rows for each row of another table.
    Per {
        /// The parent.
        parent: Parent,
        /// Rows of other tables that belong to the parent's row.
        lookup: Vec<(Name, Src)>,
        /// Rows of a parent.
        count: Src,
    },
    /// Behaviour over time.
    Process(Box<Process>),
}

/// `per: table as alias`.
#[derive(Debug, Clone)]
pub struct Parent {
    /// The table.
    pub table: Name,
    /// What its row is called.
    pub alias: Name,
}

/// A curve as written.
#[derive(Debug, Clone)]
pub struct CurveSpec {
    /// Its name.
    pub name: Name,
    /// What it is over.
    pub over: Over,
    /// How values between keys are found.
    pub between: Between,
    /// Keys and values, ascending.
    pub points: Vec<(f64, f64)>,
}

/// A column.
#[derive(Debug, Clone)]
pub struct Column {
    /// Its name.
    pub name: Name,
    /// Its type.
    pub sql: SqlType,
    /// The value's origin.
    pub value: Value,
    /// Whether it is the primary key.
    pub primary_key: bool,
    /// Whether it stays out of the table.
    pub hidden: bool,
    /// Whether rules may leave it null.
    pub nullable: bool,
    /// `table.column` whose values it takes.
    pub references: Option<Name>,
    /// What it means.
    pub description: String,
}

/// The origin of a value.
#[derive(Debug, Clone)]
pub enum Value {
    /// An expression.
    Expr(Src),
    /// A choice by weight.
    Weights(Weights),
    /// The first rule that holds.
    When(Vec<Rule>, Span),
    /// Text with `{expressions}` in it.
    Format(Src),
    /// A row chosen from another table.
    Pick(Pick),
    /// A unique code of so many letters and digits.
    Code(u32, Span),
    /// A consecutive number.
    Sequence,
    /// Day, parent and number in one.
    Packed(Vec<u32>, Span),
    /// A JSON object of expressions.
    Object(Vec<(Name, Value)>),
    /// Given by the `row:` of a process.
    Row,
    /// Could not be read; said already.
    Broken,
}

/// A choice by weight.
#[derive(Debug, Clone)]
pub struct Weights {
    /// The weights.
    pub kind: WeightsKind,
    /// What decides which sub-mapping counts.
    pub by: Option<Src>,
    /// The place of the mapping.
    pub span: Span,
}

/// How weights are given.
#[derive(Debug, Clone)]
pub enum WeightsKind {
    /// Values and weights.
    Plain(Vec<(Plain, f64)>),
    /// Values and weights for each value of `by`.
    By(Vec<(Plain, Vec<(Plain, f64)>)>),
    /// An expression that gives an object of weights.
    Expr(Src),
}

/// A rule of `when`.
#[derive(Debug, Clone)]
pub struct Rule {
    /// The condition; none for `else`.
    pub condition: Option<Src>,
    /// The value.
    pub then: Plain,
    /// The rule's place.
    pub span: Span,
}

/// `pick: table.column`.
#[derive(Debug, Clone)]
pub struct Pick {
    /// The table.
    pub table: Name,
    /// The column taken.
    pub column: Name,
    /// Which rows can be chosen.
    pub filter: Option<Src>,
    /// How likely each is.
    pub weight: Option<Src>,
    /// Where the choice must not repeat.
    pub distinct: Option<(Distinct, Span)>,
}

/// Where a choice must not repeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Distinct {
    /// Among the rows of one parent.
    Parent,
    /// Among the rows of so many days.
    Days(u32),
    /// In the whole table.
    All,
}

/// A named choice.
#[derive(Debug, Clone)]
pub struct PickSpec {
    /// Its name.
    pub name: Name,
    /// The table.
    pub table: Name,
    /// What a candidate is called.
    pub alias: Name,
    /// Which rows can be chosen.
    pub filter: Option<Src>,
    /// How likely each is.
    pub weight: Option<Src>,
    /// Names from where it is used that it may read.
    pub by: Vec<Name>,
}

/// Behaviour over time.
#[derive(Debug, Clone)]
pub struct Process {
    /// Whose behaviour.
    pub parent: Parent,
    /// Rows of other tables that belong to the parent's row.
    pub lookup: Vec<(Name, Src)>,
    /// What is remembered from turn to turn and day to day.
    pub state: Vec<(Name, Src)>,
    /// Whether a day counts.
    pub filter: Option<Src>,
    /// Names of the day.
    pub lets: Vec<(Name, Value)>,
    /// What happens that day.
    pub each: Each,
    /// Assignments at the end of the day.
    pub set_after: Vec<Assign>,
}

/// The occurrences of a day.
#[derive(Debug, Clone)]
pub struct Each {
    /// How many.
    pub count: Option<Src>,
    /// When.
    pub at: At,
    /// Assignments before the names.
    pub set: Vec<Assign>,
    /// Names of the occurrence.
    pub lets: Vec<(Name, Value)>,
    /// The row of the occurrence.
    pub row: Vec<(Name, Value)>,
    /// What follows it, turn by turn.
    pub repeat: Option<Repeat>,
    /// Assignments at the end.
    pub set_after: Vec<Assign>,
}

/// When occurrences happen.
#[derive(Debug, Clone)]
pub enum At {
    /// At midnight.
    Midnight,
    /// At an expression's time.
    Expr(Src),
    /// Within windows of the day.
    Windows {
        /// A list of `{start, end, weight}`.
        windows: Windows,
        /// The least time between the end of one and the start of the next.
        gap: Option<Src>,
        /// Times are whole multiples of so many minutes.
        round: Option<Src>,
    },
}

/// Windows as written or as an expression.
#[derive(Debug, Clone)]
pub enum Windows {
    /// As JSON.
    Plain(serde_json::Value, Span),
    /// An expression.
    Expr(Src),
}

/// Turns after an occurrence.
#[derive(Debug, Clone)]
pub struct Repeat {
    /// Goes on as long as this holds.
    pub condition: Option<Src>,
    /// More turns than this are an error.
    pub limit: u64,
    /// Assignments before the names.
    pub set: Vec<Assign>,
    /// Names of the turn.
    pub lets: Vec<(Name, Value)>,
    /// The row of the turn.
    pub row: Vec<(Name, Value)>,
    /// By how much time moves on.
    pub advance: Option<Src>,
    /// Assignments after the row.
    pub set_after: Vec<Assign>,
    /// Ends when this holds.
    pub stop: Option<Src>,
}

/// Assignments under a condition.
#[derive(Debug, Clone)]
pub struct Assign {
    /// The condition.
    pub condition: Option<Src>,
    /// To what is remembered.
    pub state: Vec<(Name, Src)>,
    /// To names.
    pub names: Vec<(Name, Src)>,
}

/// A declared check: a query on the new table and what it must give.
#[derive(Debug, Clone, PartialEq)]
pub struct Expect {
    /// What it is about.
    pub name: String,
    /// The query, rendered by the host.
    pub sql: String,
    /// Smallest and largest value allowed.
    pub between: Option<(f64, f64)>,
    /// The only value allowed.
    pub equals: Option<f64>,
    /// Whether a failure is only a warning.
    pub warn: bool,
    /// Its place.
    pub span: Span,
}

impl Expect {
    /// SQL that holds where a column's value is as expected.
    pub fn holds(&self, column: &str) -> String {
        let value = format!("{column}::text::double precision");
        match (self.between, self.equals) {
            (Some((low, high)), _) => format!("{value} between {low} and {high}"),
            (None, Some(x)) => format!("abs({value} - ({x})) < 1e-9"),
            (None, None) => "true".into(),
        }
    }
}

/// Faults put into the rows on purpose.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Faults {
    /// Rows whose time is put off.
    pub late: Option<Late>,
    /// Share of rows that come twice.
    pub duplicate: f64,
    /// Share of rows that never come.
    pub missing: f64,
    /// Rows with a value spoiled.
    pub corrupted: Option<Corrupted>,
    /// Its place.
    pub span: Span,
}

/// Rows whose time is put off.
#[derive(Debug, Clone, PartialEq)]
pub struct Late {
    /// Share of rows.
    pub rate: f64,
    /// The timestamp or date that moves.
    pub column: Name,
    /// Mean delay in minutes.
    pub minutes: f64,
}

/// Rows with a value spoiled.
#[derive(Debug, Clone, PartialEq)]
pub struct Corrupted {
    /// Share of rows.
    pub rate: f64,
    /// The columns, one of which is spoiled.
    pub columns: Vec<Name>,
}
