//! Native rendering: a text that is one expression gives that expression's value, anything else gives text.
use crate::jinja::python;
use crate::jinja::{Engine, JinjaError, Mode, Scope};
use crate::text::SourceFile;
use minijinja::value::{Object, ObjectRepr, Value};
use minijinja::{Error, State};
use std::sync::{Arc, Mutex, PoisonError};

/// Keeps the value it is called with.
#[derive(Debug, Default)]
struct Keep(Mutex<Option<Value>>);

impl Object for Keep {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn call(self: &Arc<Self>, _: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = args.first().cloned();
        Ok(Value::from(""))
    }
}

/// A scope with one more name.
struct With {
    scope: Arc<dyn Scope>,
    keep: Arc<Keep>,
}

const NAME: &str = "tv1_keep_value";

impl Scope for With {
    fn package(&self) -> &str {
        self.scope.package()
    }

    fn lookup(&self, name: &str) -> Option<Value> {
        self.scope.lookup(name)
    }

    fn before_macros(&self, name: &str) -> Option<Value> {
        if name == NAME {
            Some(Value::from_dyn_object(self.keep.clone()))
        } else {
            self.scope.before_macros(name)
        }
    }

    fn sees_macros(&self) -> bool {
        self.scope.sees_macros()
    }

    fn on_macro_call(&self, unique_id: &str, depth: usize) {
        self.scope.on_macro_call(unique_id, depth);
    }
}

/// The expression of a text that is nothing but `{{ … }}`.
fn lone(text: &str) -> Option<&str> {
    let inner = text.strip_prefix("{{")?.strip_suffix("}}")?;
    let inner = inner.strip_prefix('-').unwrap_or(inner);
    let inner = inner.strip_suffix('-').unwrap_or(inner);
    (!inner.contains("{{") && !inner.contains("}}") && !inner.contains("{%")).then_some(inner)
}

/// Whether an expression names nothing, so that Python folds it into text.
fn constant(expression: &str) -> bool {
    let mut quote = None;
    for c in expression.chars() {
        match quote {
            Some(q) if c == q => quote = None,
            Some(_) => {}
            None if c == '\'' || c == '"' => quote = Some(c),
            None if c.is_alphabetic() || c == '_' => return false,
            None => {}
        }
    }
    true
}

/// Evaluates a text.
pub(super) fn native(
    engine: &Engine,
    file: &Arc<SourceFile>,
    mode: Mode,
    scope: Arc<dyn Scope>,
) -> Result<Value, JinjaError> {
    let Some(expression) = lone(&file.text).filter(|e| !constant(e)) else {
        return engine
            .render_file(file, mode, scope)
            .map(|r| Value::from(r.text));
    };
    let (expression, filter) = typed(expression);
    let keep = Arc::new(Keep::default());
    let wrapped = SourceFile::new(
        file.path.clone(),
        format!("{{% set _ = {NAME}({expression}) %}}"),
    );
    engine.render_file(
        &wrapped,
        mode,
        Arc::new(With {
            scope,
            keep: keep.clone(),
        }),
    )?;
    let value = keep.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    let value = value.unwrap_or_else(|| Value::from(""));
    match filter {
        None => Ok(value),
        Some(filter) => convert(filter, &value).map_err(|message| JinjaError {
            kind: crate::jinja::JinjaErrorKind::Operation,
            message,
            place: None,
            call: None,
            stack: Vec::new(),
        }),
    }
}

const TYPED: &[&str] = &["as_number", "as_bool", "as_native", "as_text"];

/// An expression without its last filter, where that filter gives a type.
fn typed(expression: &str) -> (&str, Option<&'static str>) {
    let trimmed = expression.trim_end();
    for name in TYPED {
        if let Some(head) = trimmed
            .strip_suffix(name)
            .map(str::trim_end)
            .and_then(|h| h.strip_suffix('|'))
        {
            return (head, Some(name));
        }
    }
    (expression, None)
}

/// A value as the filter's type, with dbt's words when it is none.
fn convert(filter: &str, value: &Value) -> Result<Value, String> {
    let text = python::str_of(value);
    let number = || {
        text.trim()
            .parse::<i64>()
            .map(Value::from)
            .or_else(|_| text.trim().parse::<f64>().map(Value::from))
            .ok()
    };
    let boolean = || match text.as_str() {
        "True" => Some(Value::from(true)),
        "False" => Some(Value::from(false)),
        _ => None,
    };
    let failed = |kind: &str| format!("Could not convert value '{text}' into type '{kind}'");
    match filter {
        "as_text" => Ok(Value::from(text)),
        _ if value.as_str().is_none() => Ok(value.clone()),
        "as_number" => number().ok_or_else(|| failed("number")),
        "as_bool" => boolean().ok_or_else(|| failed("bool")),
        _ => Ok(boolean()
            .or_else(number)
            .unwrap_or_else(|| Value::from(text.as_str()))),
    }
}
