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

/// Analyses a text on a thread with a deep stack; the catalogue is asked on the calling thread.
pub fn with_deep_stack(sql: &str, catalog: Catalog<'_>) -> Result<Lineage, Unknown> {
    let (ask, asked) = mpsc::channel::<RelationName>();
    let (answer, answers) = mpsc::channel::<Option<Vec<String>>>();
    let analyse = move || {
        Analysis::of(sql, &|name: &RelationName| {
            ask.send(name.clone()).ok()?;
            answers.recv().ok().flatten()
        })
    };
    // The loop ends when the analysis drops its end of the channel.
    let reply = || {
        for name in asked {
            if answer.send(catalog(&name)).is_err() {
                break;
            }
        }
    };
    deep(analyse, reply)?
}

/// Does something on a thread with a deep stack, and something else here meanwhile.
pub fn deep<T: Send>(there: impl FnOnce() -> T + Send, here: impl FnOnce()) -> Result<T, Unknown> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .name("lineage".into())
            .stack_size(STACK)
            .spawn_scoped(scope, there)
            .map_err(|e| Unknown(format!("no thread: {e}")))?;
        here();
        thread
            .join()
            .map_err(|_| Unknown("the analysis failed".into()))
    })
}
