//! Statements on their way to the server: the query comment in front, the log beside, the cache of relations behind.
use crate::context::agate::Table;
use crate::context::cache::LookupError;
use crate::context::column::Column;
use crate::context::exceptions::{Raised, compilation};
use crate::context::relation::Relation;
use crate::context::scope::{Inner, lock};
use crate::context::session::{NodeSession, Response};
use crate::context::shared::Say;
use crate::jinja::python;
use crate::pg::{PgError, quote_literal};
use minijinja::Error;
use minijinja::value::Value;
use serde_json::{Value as Json, json};
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Instant;

impl Inner {
    /// The connection, or an error that says why there is none.
    pub(in crate::context) fn connection(&self) -> Result<MutexGuard<'_, NodeSession>, Error> {
        let session = self.session.as_ref().ok_or_else(|| {
            compilation("this needs a database connection, and there is none here: connection never acquired for thread")
        })?;
        Ok(session.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The table that a foreign key's `to` means: `ref(…)` and `source(…)` are looked up.
    pub(super) fn referenced(self: &Arc<Self>, to: &str) -> Result<String, Error> {
        let call = to.trim();
        if (call.starts_with("ref") || call.starts_with("source")) && call.ends_with(')') {
            return crate::context::functions::render_text(self, &format!("{{{{ {call} }}}}"));
        }
        Ok(to.to_string())
    }

    /// A statement with the project's query comment, and how many bytes stand before it.
    pub(in crate::context) fn commented(
        self: &Arc<Self>,
        sql: &str,
    ) -> Result<(String, usize), Error> {
        let comment = self.query_comment()?;
        let comment = comment.trim();
        if comment.is_empty() {
            return Ok((sql.to_string(), 0));
        }
        if comment.contains("*/") {
            return Err(Raised::Other(
                "Runtime Error",
                format!("query comment contains illegal value \"*/\": {comment}"),
            )
            .into_error());
        }
        if self.shared.query_comment.append {
            let body = sql.trim_end();
            return Ok(match body.strip_suffix(';') {
                Some(body) => (format!("{body}\n/* {comment} */;"), 0),
                None => (format!("{body}\n/* {comment} */"), 0),
            });
        }
        let head = format!("/* {comment} */\n");
        Ok((format!("{head}{sql}"), head.len()))
    }

    pub(super) fn query_comment(self: &Arc<Self>) -> Result<String, Error> {
        let name = if self.node.unique_id.is_empty() {
            "master".to_string()
        } else {
            self.node.unique_id.clone()
        };
        match &self.shared.query_comment.comment {
            None => {
                let t = &self.shared.target;
                let mut c = json!({"app": "dbt", "dbt_version": crate::DBT_VERSION, "profile_name": t.profile_name, "target_name": t.name});
                let key = if self.node.unique_id.is_empty() {
                    "connection_name"
                } else {
                    "node_id"
                };
                c[key] = Json::from(name);
                Ok(python::json::dumps(
                    &python::json::from_json(&c),
                    false,
                    None,
                )?)
            }
            Some(text) if text.trim().is_empty() => Ok(String::new()),
            Some(text) if !crate::config::has_jinja(text) => Ok(text.clone()),
            Some(text) => {
                // The node is named so, and templates of comments expect it.
                lock(&self.extra).insert(
                    "node".into(),
                    python::json::from_json(&Json::Object(self.node.map.clone())),
                );
                lock(&self.extra).insert("connection_name".into(), Value::from(name));
                let out = crate::context::functions::render_text(self, &returned(text));
                lock(&self.extra).remove("node");
                lock(&self.extra).remove("connection_name");
                out
            }
        }
    }

    pub(in crate::context) fn database_error(e: PgError, sql: String, prefix: usize) -> Error {
        Raised::Database(Box::new(e), sql, prefix).into_error()
    }

    /// Runs a statement; with `fetch` its rows are kept.
    pub(in crate::context) fn run(
        self: &Arc<Self>,
        sql: &str,
        fetch: bool,
        limit: Option<usize>,
    ) -> Result<(Response, Table), Error> {
        let (text, prefix) = self.commented(sql)?;
        (self.shared.say)(Say::Sql(self.node_id(), text.clone()));
        lock(&self.sent).push(sql.to_string());
        let begun = Instant::now();
        let mut session = self.connection()?;
        let done = if fetch {
            session
                .fetch(&text, limit)
                .map(|(r, t)| (r, Table::of_result(&t)))
        } else {
            session.execute(&text).map(|r| (r, Table::default()))
        };
        for notice in session.raw().take_notices() {
            (self.shared.say)(Say::Notice(
                self.node_id(),
                format!("{}:  {}", notice.severity, notice.message),
            ));
        }
        drop(session);
        (self.shared.say)(match &done {
            Ok((response, _)) => {
                Say::SqlDone(response.message.clone(), begun.elapsed().as_secs_f64())
            }
            Err(e) => Say::SqlFailed(e.to_string()),
        });
        done.map_err(|e| Self::database_error(e, text, prefix))
    }

    /// Sends a statement of a hook, with the comment that all statements carry.
    pub(in crate::context) fn send(self: &Arc<Self>, sql: &str) -> Result<Response, SendError> {
        let (text, prefix) = self.commented(sql).map_err(SendError::Comment)?;
        (self.shared.say)(Say::Sql(self.node_id(), text.clone()));
        let begun = Instant::now();
        let mut session = self.connection().map_err(SendError::Comment)?;
        let done = session.execute(&text);
        drop(session);
        (self.shared.say)(match &done {
            Ok(response) => Say::SqlDone(response.message.clone(), begun.elapsed().as_secs_f64()),
            Err(e) => Say::SqlFailed(e.to_string()),
        });
        done.map_err(|e| SendError::Database(Box::new(e), text, prefix))
    }

    pub(super) fn commit(self: &Arc<Self>) -> Result<Value, Error> {
        self.settle()?;
        let begun = Instant::now();
        let mut session = self.connection()?;
        let open = session.is_open();
        if open {
            (self.shared.say)(Say::Sql(self.node_id(), "COMMIT".into()));
        }
        session
            .commit()
            .map_err(|e| Self::database_error(e, "COMMIT".into(), 0))?;
        drop(session);
        if open {
            let taken = begun.elapsed().as_secs_f64();
            (self.shared.say)(Say::SqlDone("COMMIT".into(), taken));
        }
        Ok(Value::from(()))
    }

    /// A relation from the cache.
    pub(in crate::context) fn find(
        &self,
        database: &str,
        schema: &str,
        identifier: &str,
    ) -> Result<Option<Relation>, Error> {
        let mut session = self.connection()?;
        let quote = self.shared.quoting;
        match self
            .shared
            .cache
            .get(session.raw(), database, schema, identifier, quote)
        {
            Ok(found) => Ok(found.map(|r| r.quoted_as(quote))),
            Err(LookupError::Database(e)) => Err(Self::database_error(e, String::new(), 0)),
            Err(LookupError::Approximate(r)) => Err(compilation(format!(
                "When searching for a relation, dbt found an approximate match. Instead of guessing \nwhich relation to use, dbt will move on. Please delete {}, or rename it to be less ambiguous.\nSearched for: \"{database}\".\"{schema}\".\"{identifier}\"\nFound: {}",
                r.name(),
                r.name()
            ))),
        }
    }

    /// The columns of a relation, in order.
    pub(in crate::context) fn columns(
        self: &Arc<Self>,
        relation: &Relation,
    ) -> Result<Vec<Column>, Error> {
        let id = relation.identifier.clone().unwrap_or_default();
        let mut sql = format!(
            "select column_name, data_type, character_maximum_length, numeric_precision, numeric_scale from information_schema.columns where table_name = {}",
            quote_literal(&id)
        );
        if let Some(schema) = &relation.schema {
            sql.push_str(&format!(" and table_schema = {}", quote_literal(schema)));
        }
        sql.push_str(" order by ordinal_position");
        let (_, table) = self.run(&sql, true, None)?;
        Ok(table
            .rows()
            .iter()
            .map(|r| Column {
                name: python::str_of(&r.cells[0]),
                dtype: python::str_of(&r.cells[1]),
                char_size: r.cells[2].as_i64(),
                numeric_precision: r.cells[3].as_i64(),
                numeric_scale: r.cells[4].as_i64(),
            })
            .collect())
    }
}

/// Why a statement could not be sent, or what became of it.
#[derive(Debug)]
pub enum SendError {
    /// The comment could not be made, or there is no connection.
    Comment(Error),
    /// The server refused the text, which begins with so many bytes of comment.
    Database(Box<PgError>, String, usize),
}

/// dbt renders a comment as the body of a macro, so that it may be `{{ return(…) }}`: the value is the comment.
fn returned(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("{{") {
        let (before, expression) = rest.split_at(at + 2);
        let inner = expression.trim_start_matches('-').trim_start();
        out.push_str(before);
        rest = match inner.strip_prefix("return") {
            Some(call) if call.trim_start().starts_with('(') => call,
            _ => expression,
        };
    }
    out + rest
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_a_comment_returns_is_the_comment() {
        let of = super::returned;
        assert_eq!(of("{{- return (f(node)) }}"), "{{ (f(node)) }}");
        assert_eq!(
            of("a {{ b }} {{returned}} {{ x.return(1) }}"),
            "a {{ b }} {{returned}} {{ x.return(1) }}"
        );
    }
}
