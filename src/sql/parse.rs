//! The door to the SQL parser: text to syntax tree, with guards against text that would exhaust the stack.
use super::query::Analysis;
use super::{Catalog, Lineage, RelationName, Unknown};
use sqlparser::ast::{Query, Statement};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;
use std::sync::mpsc;

/// Longer texts are not looked at, bytes.
const MAX_TEXT: usize = 1 << 19;
/// How deep brackets and subqueries may nest.
const MAX_NESTING: usize = 200;
/// Chains such as `a + b + …` make trees as deep as they are long, and dropping such a tree takes stack too. The
/// memory is only reserved; what is not used is never touched.
const STACK: usize = 1 << 29;

/// The one query of a text.
pub fn query(sql: &str) -> Result<Box<Query>, Unknown> {
    if sql.len() > MAX_TEXT {
        return Err(Unknown("the text is longer than 512 KiB".into()));
    }
    let mut statements = Parser::new(&PostgreSqlDialect {})
        .with_recursion_limit(MAX_NESTING)
        .try_with_sql(sql)
        .and_then(|mut parser| parser.parse_statements())
        .map_err(|e| Unknown(e.to_string()))?;
    match (statements.pop(), statements.is_empty()) {
        (Some(Statement::Query(query)), true) => Ok(query),
        (Some(_), true) => Err(Unknown("it is not a query".into())),
        (Some(_), false) => Err(Unknown("it is more than one statement".into())),
        (None, _) => Err(Unknown("it is empty".into())),
    }
}

/// A question that the analysis asks back, or its result.
enum Message {
    Columns(RelationName),
    Done(Result<Lineage, Unknown>),
}

/// Analyses a text on a thread with a deep stack; the catalogue is asked on the calling thread.
pub fn with_deep_stack(sql: &str, catalog: Catalog<'_>) -> Result<Lineage, Unknown> {
    let (ask, asked) = mpsc::channel();
    let (answer, answers) = mpsc::channel();
    deep(
        move || {
            let columns = |name: &RelationName| {
                ask.send(Message::Columns(name.clone())).ok()?;
                answers.recv().ok().flatten()
            };
            let result = Analysis::of(sql, &columns);
            // The receiver waits for exactly this.
            let _ = ask.send(Message::Done(result));
        },
        || {
            for message in asked {
                match message {
                    Message::Columns(name) => {
                        let _ = answer.send(catalog(&name));
                    }
                    Message::Done(result) => return result,
                }
            }
            Err(Unknown("the analysis broke off".into()))
        },
    )
}

/// Runs one half on a thread with a deep stack and the other half here.
pub fn deep<T>(there: impl FnOnce() + Send, here: impl FnOnce() -> Result<T, Unknown>) -> Result<T, Unknown> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .name("lineage".into())
            .stack_size(STACK)
            .spawn_scoped(scope, there)
            .map_err(|e| Unknown(format!("no thread: {e}")))?;
        let result = here();
        if thread.join().is_err() {
            return Err(Unknown("the analysis failed".into()));
        }
        result
    })
}
