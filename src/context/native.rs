//! Native rendering: a text that is one expression gives that expression's value, anything else gives text.
use crate::jinja::{Engine, JinjaError, Mode, Scope};
use crate::text::SourceFile;
use minijinja::value::{Object, Value};
use minijinja::{Error, State};
use std::sync::{Arc, Mutex, PoisonError};

/// Keeps the value it is called with.
#[derive(Debug, Default)]
struct Keep(Mutex<Option<Value>>);

impl Object for Keep {
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
        if name == NAME { Some(Value::from_dyn_object(self.keep.clone())) } else { self.scope.before_macros(name) }
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
pub(super) fn native(engine: &Engine, file: &Arc<SourceFile>, mode: Mode, scope: Arc<dyn Scope>) -> Result<Value, JinjaError> {
    let Some(expression) = lone(&file.text).filter(|e| !constant(e)) else {
        return engine.render_file(file, mode, scope).map(|r| Value::from(r.text));
    };
    let keep = Arc::new(Keep::default());
    let wrapped = SourceFile::new(file.path.clone(), format!("{{% set _ = {NAME}({expression}) %}}"));
    engine.render_file(&wrapped, mode, Arc::new(With { scope, keep: keep.clone() }))?;
    let value = keep.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    Ok(value.unwrap_or_else(|| Value::from("")))
}
