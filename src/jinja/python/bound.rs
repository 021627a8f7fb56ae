//! Methods as values: what `object.method` is in Python when it is not called at once.
use minijinja::value::{Object, ObjectRepr};
use minijinja::{Error, State, Value};
use std::sync::Arc;

/// A method of an object.
#[derive(Debug)]
pub struct Bound {
    /// The object.
    pub object: Value,
    /// The method's name.
    pub name: String,
}

impl Bound {
    /// As a value that can be called.
    pub fn value(object: Value, name: impl Into<String>) -> Value {
        Value::from_object(Self {
            object,
            name: name.into(),
        })
    }
}

impl Object for Bound {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn call(self: &Arc<Self>, state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
        self.object.call_method(state, &self.name, args)
    }
}
