//! A relation as templates see it (`this`, `ref(...)`, `api.Relation`), with dbt's properties and methods.
pub(super) mod object;

use super::args::Args;
use crate::jinja::python::{self, Dict};
use minijinja::value::Value;
use minijinja::{Error, ErrorKind};
pub use object::create;

/// Longest name PostgreSQL keeps.
pub const MAX_NAME: usize = 63;

/// A time filter that is put around a relation (microbatch, `--sample`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names say it")]
pub struct EventFilter {
    pub field: String,
    pub start: Option<String>,
    pub end: Option<String>,
}

/// A table, view or CTE by name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Relation {
    pub database: Option<String>,
    pub schema: Option<String>,
    pub identifier: Option<String>,
    /// `table`, `view`, `materialized_view`, `cte`, `external`.
    pub kind: Option<String>,
    /// Whether database, schema and identifier are quoted.
    pub quote: [bool; 3],
    /// Whether they are shown.
    pub include: [bool; 3],
    /// `--empty` puts a row limit of 0 around references.
    pub limit: Option<i64>,
    pub event_filter: Option<EventFilter>,
}

const PARTS: [&str; 3] = ["database", "schema", "identifier"];

impl Relation {
    /// A relation by its three names, quoted.
    pub fn new(database: &str, schema: &str, identifier: &str) -> Self {
        let part = |s: &str| (!s.is_empty()).then(|| s.to_string());
        Self {
            database: part(database),
            schema: part(schema),
            identifier: part(identifier),
            kind: None,
            quote: [true; 3],
            include: [true; 3],
            limit: None,
            event_filter: None,
        }
    }

    /// With this kind.
    pub fn of_kind(mut self, kind: &str) -> Self {
        self.kind = Some(kind.to_string());
        self
    }

    /// With this quoting.
    pub fn quoted_as(mut self, quote: [bool; 3]) -> Self {
        self.quote = quote;
        self
    }

    fn part(&self, i: usize) -> Option<&String> {
        [&self.database, &self.schema, &self.identifier][i].as_ref()
    }

    fn is_cte(&self) -> bool {
        self.kind.as_deref() == Some("cte")
    }

    /// The plain name.
    pub fn name(&self) -> String {
        if self.is_cte() {
            return self.identifier.clone().unwrap_or_default();
        }
        let parts: Vec<String> = (0..3)
            .filter(|i| self.include[*i])
            .filter_map(|i| {
                self.part(i).map(|p| {
                    if self.quote[i] {
                        format!("\"{p}\"")
                    } else {
                        p.clone()
                    }
                })
            })
            .collect();
        parts.join(".")
    }

    /// The name as `{{ relation }}` shows it: with the row limit or time filter around it.
    pub fn shown(&self) -> String {
        let plain = self.name();
        let id = self.identifier.clone().unwrap_or_default();
        let limited = match self.limit {
            None => plain,
            Some(0) => format!("(select * from {plain} where false limit 0) _dbt_limit_subq_{id}"),
            Some(n) => format!("(select * from {plain} limit {n}) _dbt_limit_subq_{id}"),
        };
        match &self.event_filter {
            None => limited,
            Some(f) => {
                let mut conditions = Vec::new();
                if let Some(start) = &f.start {
                    conditions.push(format!("{} >= '{start}'", f.field));
                }
                if let Some(end) = &f.end {
                    conditions.push(format!("{} < '{end}'", f.field));
                }
                if conditions.is_empty() {
                    return limited;
                }
                format!(
                    "(select * from {limited} where {}) _dbt_et_filter_subq_{id}",
                    conditions.join(" and ")
                )
            }
        }
    }

    /// As a template value.
    pub fn value(self) -> Value {
        Value::from_object(self)
    }

    /// The relation in a template value.
    pub fn of(value: &Value) -> Option<&Self> {
        value.downcast_object_ref::<Self>()
    }

    /// The relation in a template value, or an error that says what it is instead.
    pub fn expect(value: &Value, what: &str) -> Result<Self, Error> {
        Self::of(value).cloned().ok_or_else(|| {
            Error::new(
                ErrorKind::InvalidOperation,
                format!(
                    "{what} must be a relation, not {}",
                    python::type_name(value)
                ),
            )
        })
    }

    /// Whether two relations have the same names, whatever their kind.
    pub fn same_name(&self, other: &Self) -> bool {
        self.database == other.database
            && self.schema == other.schema
            && self.identifier == other.identifier
    }

    fn flags(&self, of: [bool; 3]) -> Value {
        Dict::value(
            PARTS
                .iter()
                .zip(of)
                .map(|(k, v)| (Value::from(*k), Value::from(v)))
                .collect(),
        )
    }

    fn path(&self) -> Value {
        Dict::value(
            (0..3)
                .map(|i| (Value::from(PARTS[i]), option(self.part(i))))
                .collect(),
        )
    }

    fn set_flags(base: [bool; 3], args: &Args) -> [bool; 3] {
        let mut out = base;
        for (i, part) in PARTS.iter().enumerate() {
            if let Some(v) = args.named(part) {
                out[i] = v.is_true();
            }
        }
        out
    }

    fn set_path(&self, path: &Value) -> Result<Self, Error> {
        let mut out = self.clone();
        for (key, value) in python::ops::pairs_of(path)? {
            let text = (!value.is_none()).then(|| python::str_of(&value));
            match key.as_str() {
                Some("database") => out.database = text,
                Some("schema") => out.schema = text,
                Some("identifier") => out.identifier = text,
                _ => {}
            }
        }
        Ok(out)
    }

    fn incorporate(&self, args: &Args) -> Result<Self, Error> {
        let mut out = self.clone();
        if let Some(path) = args.named("path") {
            out = out.set_path(&path)?;
        }
        if let Some(kind) = args.named("type") {
            out.kind = (!kind.is_none()).then(|| python::str_of(&kind));
        }
        for (name, slot) in [("quote_policy", 0), ("include_policy", 1)] {
            if let Some(policy) = args.named(name) {
                for (key, value) in python::ops::pairs_of(&policy)? {
                    if let Some(i) = PARTS.iter().position(|p| key.as_str() == Some(p)) {
                        let target = if slot == 0 {
                            &mut out.quote
                        } else {
                            &mut out.include
                        };
                        target[i] = value.is_true();
                    }
                }
            }
        }
        if let Some(limit) = args.named("limit") {
            out.limit = limit.as_i64();
        }
        out.fits()?;
        Ok(out)
    }

    /// Whether the name of what is to be made is short enough.
    pub(super) fn fits(&self) -> Result<(), Error> {
        let name = self.identifier.as_deref().unwrap_or_default();
        if self.kind.is_some() && name.len() > MAX_NAME {
            return Err(crate::context::exceptions::runtime(format!(
                "Relation name '{name}' is longer than {MAX_NAME} characters"
            )));
        }
        Ok(())
    }

    pub(super) fn information_schema(&self, view: Option<&Value>) -> Self {
        let mut out = self.clone();
        out.schema = Some("INFORMATION_SCHEMA".into());
        out.identifier = view.filter(|v| !v.is_none()).map(python::str_of);
        out.quote = [self.quote[0], false, false];
        out.include = [self.include[0], true, out.identifier.is_some()];
        out.kind = None;
        out
    }

    /// Schema and name as the database has them: what is not quoted is folded to lower case.
    pub fn stored(&self) -> (String, String) {
        let fold = |i: usize| {
            let text = self.part(i).cloned().unwrap_or_default();
            if self.quote[i] {
                text
            } else {
                text.to_lowercase()
            }
        };
        (fold(1), fold(2))
    }

    /// Whether the names asked for are this relation's, as `load_relation` compares them.
    pub fn matches(
        &self,
        database: Option<&str>,
        schema: Option<&str>,
        identifier: Option<&str>,
    ) -> bool {
        let same = |own: Option<&String>, asked: Option<&str>, quoted: bool| match (own, asked) {
            (_, None) => true,
            (None, Some(_)) => false,
            (Some(own), Some(asked)) => own == asked || !quoted && own.eq_ignore_ascii_case(asked),
        };
        same(self.database.as_ref(), database, self.quote[0])
            && same(self.schema.as_ref(), schema, self.quote[1])
            && same(self.identifier.as_ref(), identifier, self.quote[2])
    }
}

/// Text or none.
pub fn option(text: Option<&String>) -> Value {
    text.map_or_else(|| Value::from(()), |t| Value::from(t.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_part_by_part() {
        let r = Relation::new("d", "s", "Tab");
        assert_eq!(r.name(), r#""d"."s"."Tab""#);
        assert_eq!(Relation::new("", "s", "i").name(), r#""s"."i""#);
        assert_eq!(
            r.clone().quoted_as([false, true, false]).name(),
            r#"d."s".Tab"#
        );
    }

    #[test]
    fn limits_and_filters_wrap_the_name() {
        let mut r = Relation::new("d", "s", "t");
        r.limit = Some(0);
        assert_eq!(
            r.shown(),
            r#"(select * from "d"."s"."t" where false limit 0) _dbt_limit_subq_t"#
        );
        r.limit = None;
        r.event_filter = Some(EventFilter {
            field: "at".into(),
            start: Some("a".into()),
            end: Some("b".into()),
        });
        assert_eq!(
            r.shown(),
            r#"(select * from "d"."s"."t" where at >= 'a' and at < 'b') _dbt_et_filter_subq_t"#
        );
    }
}
