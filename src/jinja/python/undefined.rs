//! The undefined value of a node's body while it is parsed: it swallows attributes, subscripts and calls.
use minijinja::value::{Enumerator, Object, ObjectRepr, Value};
use minijinja::{Error, State};
use std::fmt;
use std::sync::Arc;

/// An undefined value that swallows what is done with it.
#[derive(Debug)]
pub struct Absorbing(pub String);

impl Absorbing {
    /// An undefined value that knows the name it was asked for.
    pub fn value(name: &str) -> Value {
        Value::from_object(Self(name.to_string()))
    }

    /// Whether a value is one.
    pub fn is(value: &Value) -> bool {
        value.downcast_object_ref::<Self>().is_some()
    }
}

/// Whether a value is undefined, of whatever kind.
pub fn is_undefined(value: &Value) -> bool {
    value.is_undefined() || Absorbing::is(value)
}

impl Object for Absorbing {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Iterable
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Empty
    }

    fn is_true(self: &Arc<Self>) -> bool {
        false
    }

    fn get_value(self: &Arc<Self>, _: &Value) -> Option<Value> {
        Some(Value::from_dyn_object(self.clone()))
    }

    fn call(self: &Arc<Self>, _: &mut State<'_, '_>, _: &[Value]) -> Result<Value, Error> {
        Ok(Value::from_dyn_object(self.clone()))
    }

    fn call_method(
        self: &Arc<Self>,
        _: &mut State<'_, '_>,
        _: &str,
        _: &[Value],
    ) -> Result<Value, Error> {
        Ok(Value::from_dyn_object(self.clone()))
    }

    fn render(self: &Arc<Self>, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }
}
