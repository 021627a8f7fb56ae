//! The names that a template sees: the host's, the macros', and those of the engine itself.
use super::macros::{MacroRef, Package};
use super::native::Kind;
use super::registry::{Registry, Resolved};
use super::run::{Boot, Main, Stash};
use crate::jinja::python::Absorbing;
use minijinja::value::{Object, Value};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// What the host of a render decides. One value serves one render at a time or many.
pub trait Scope: Send + Sync {
    /// The package of the code that is rendered: bare names of macros are looked for there first.
    fn package(&self) -> &str;

    /// The value of a name that is no macro.
    fn lookup(&self, name: &str) -> Option<Value>;

    /// A name that stands before macros of that name.
    fn before_macros(&self, _name: &str) -> Option<Value> {
        None
    }

    /// Whether macros and packages can be seen.
    fn sees_macros(&self) -> bool {
        true
    }

    /// Called before each macro call; `depth` counts the macros that are running already.
    fn on_macro_call(&self, _unique_id: &str, _depth: usize) {}

    /// What is called in the place of a macro's text, with the arguments in the order of the macro's parameters.
    fn native(&self, _unique_id: &str) -> Option<Value> {
        None
    }
}

/// One render's view of the names.
pub(super) struct Context {
    pub(super) registry: Arc<Registry>,
    pub(super) scope: Arc<dyn Scope>,
    /// Whether unknown names of the rendered code swallow what is done with them.
    pub(super) absorbing: bool,
    /// The packages of the macros whose names are being looked up; empty for the rendered code itself.
    inside: Mutex<Vec<Arc<str>>>,
    pub(super) main: Option<Arc<Main>>,
    /// Whether a lone expression keeps its type.
    pub(super) native: bool,
    /// The value printed last, in native rendering.
    printed: Mutex<Value>,
    /// What marked texts stand for, in native rendering.
    marks: Mutex<HashMap<String, Kind>>,
}

impl Context {
    pub(super) fn new(registry: &Arc<Registry>, scope: Arc<dyn Scope>, absorbing: bool) -> Self {
        Self {
            registry: registry.clone(),
            scope,
            absorbing,
            inside: Mutex::default(),
            main: None,
            native: false,
            printed: Mutex::default(),
            marks: Mutex::default(),
        }
    }

    /// Runs something in the view of a package.
    pub(super) fn enter(&self, package: &Arc<str>) {
        self.inside
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(package.clone());
    }

    pub(super) fn leave(&self) {
        self.inside
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
    }

    pub(super) fn mark(&self, text: &str, kind: Kind) {
        let mut marks = self.marks.lock().unwrap_or_else(PoisonError::into_inner);
        marks.insert(text.to_string(), kind);
    }

    pub(super) fn mark_of(&self, text: &str) -> Option<Kind> {
        let marks = self.marks.lock().unwrap_or_else(PoisonError::into_inner);
        marks.get(text).copied()
    }

    pub(super) fn note_printed(&self, value: &Value) {
        *self.printed.lock().unwrap_or_else(PoisonError::into_inner) = value.clone();
    }

    pub(super) fn last_printed(&self) -> Value {
        self.printed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn package(&self) -> Option<Arc<str>> {
        self.inside
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .last()
            .cloned()
    }

    /// As in dbt a bare name means what it means in the rendered code's package, also within macros of others.
    /// Only a name that would mean nothing is looked for among the running macro's own siblings, too.
    pub(super) fn find(&self, name: &str) -> Option<Value> {
        if let Some(value) = self.scope.before_macros(name) {
            return Some(value);
        }
        let sees_macros = self.scope.sees_macros();
        if sees_macros && let Some(found) = self.registry.resolve(self.scope.package(), name) {
            return Some(self.value_of(found));
        }
        if let Some(value) = self.scope.lookup(name) {
            return Some(value);
        }
        let sibling = self.package().filter(|_| sees_macros);
        let def = self.registry.get(&sibling?, name)?.clone();
        Some(self.value_of(Resolved::Macro(def)))
    }

    pub(super) fn value_of(&self, resolved: Resolved) -> Value {
        match resolved {
            Resolved::Macro(def) => Value::from_object(MacroRef(def)),
            Resolved::Package(name) => Value::from_object(Package {
                registry: self.registry.clone(),
                name,
            }),
        }
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<context>")
    }
}

/// The engine's handle on a [`Context`].
#[derive(Debug)]
pub(super) struct Names(pub(super) Arc<Context>);

impl Object for Names {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, name: &str) -> Option<Value> {
        if name.starts_with("__") {
            return match name {
                "__boot" => Some(Value::from_object(Boot(self.0.clone()))),
                "__stash" => Some(Value::from_object(Stash)),
                "__main" => self
                    .0
                    .main
                    .as_ref()
                    .map(|m| Value::from_dyn_object(m.clone())),
                _ => None,
            };
        }
        let found = self.0.find(name);
        if found.is_some()
            || !self.0.absorbing
            || self.0.package().is_some()
            || GLOBALS.contains(&name)
        {
            return found;
        }
        Some(Absorbing::value(name))
    }
}

/// Names that the engine itself knows behind the host's.
pub(super) const GLOBALS: &[&str] = &[
    "range",
    "dict",
    "namespace",
    "cycler",
    "joiner",
    "lipsum",
    "zip",
    "zip_strict",
    "set",
    "set_strict",
    "modules",
    "fromjson",
    "tojson",
    "fromyaml",
    "toyaml",
    "local_md5",
    "diff_of_two_dicts",
    "return",
    "caller",
    "varargs",
    "kwargs",
    "loop",
    "super",
    "self",
];
