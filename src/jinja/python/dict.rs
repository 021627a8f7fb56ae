//! Python's `dict`: mutable, ordered, shared by all who hold it.
use super::error::{key_error, no_method, type_error};
use super::{List, ops, repr_of};
use indexmap::IndexMap;
use minijinja::value::{
    DynObject, Enumerator, Kwargs, Object, ObjectRepr, Tuple, Value, from_args,
};
use minijinja::{Error, State};
use std::cmp::Ordering;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// A mutable mapping in insertion order.
#[derive(Default)]
pub struct Dict(Mutex<IndexMap<Value, Value>>);

impl Dict {
    /// A mapping as a template value.
    pub fn value(map: IndexMap<Value, Value>) -> Value {
        Value::from_object(Self(Mutex::new(map)))
    }

    fn with<T>(&self, f: impl FnOnce(&mut IndexMap<Value, Value>) -> T) -> T {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Keys and values as they are now.
    pub fn pairs(&self) -> IndexMap<Value, Value> {
        self.with(|m| m.clone())
    }

    /// The value of a key.
    pub fn get(&self, key: &Value) -> Option<Value> {
        self.with(|m| m.get(key).cloned())
    }

    /// Sets a key, in its old place if it is there.
    pub fn insert(&self, key: Value, value: Value) {
        self.with(|m| m.insert(key, value));
    }

    fn method(&self, name: &str, args: &[Value]) -> Result<Value, Error> {
        match name {
            "get" => {
                let (key, default): (Value, Option<Value>) = from_args(args)?;
                hashable(&key)?;
                Ok(self
                    .get(&key)
                    .or(default)
                    .unwrap_or_else(|| Value::from(())))
            }
            "items" => Ok(List::value(
                self.pairs()
                    .into_iter()
                    .map(|(k, v)| Value::from(Tuple::from([k, v])))
                    .collect(),
            )),
            "keys" => Ok(List::value(self.pairs().into_keys().collect())),
            "values" => Ok(List::value(self.pairs().into_values().collect())),
            "update" => {
                let (more, kwargs): (Option<Value>, Kwargs) = from_args(args)?;
                let mut pairs = match more {
                    Some(more) => ops::pairs_of(&more)?,
                    None => Vec::new(),
                };
                for key in kwargs.args() {
                    pairs.push((Value::from(key), kwargs.get::<Value>(key)?));
                }
                self.with(|m| m.extend(pairs));
                Ok(Value::from(()))
            }
            "setdefault" => {
                let (key, default): (Value, Option<Value>) = from_args(args)?;
                hashable(&key)?;
                let default = default.unwrap_or_else(|| Value::from(()));
                Ok(self.with(|m| m.entry(key).or_insert(default).clone()))
            }
            "pop" => {
                let (key, default): (Value, Option<Value>) = from_args(args)?;
                self.with(|m| m.shift_remove(&key))
                    .or(default)
                    .ok_or_else(|| key_error(repr_of(&key)))
            }
            "popitem" => self
                .with(IndexMap::pop)
                .map(|(k, v)| Value::from(Tuple::from([k, v])))
                .ok_or_else(|| key_error("'popitem(): dictionary is empty'")),
            "copy" => Ok(Dict::value(self.pairs())),
            "clear" => {
                let old = self.with(std::mem::take);
                drop(old);
                Ok(Value::from(()))
            }
            "fromkeys" => {
                let (keys, value): (Value, Option<Value>) = from_args(args)?;
                let value = value.unwrap_or_else(|| Value::from(()));
                let keys = super::iterate(&keys)?.into_iter();
                Ok(Dict::value(keys.map(|k| (k, value.clone())).collect()))
            }
            "__getitem__" => {
                let (key,): (Value,) = from_args(args)?;
                self.get(&key).ok_or_else(|| key_error(repr_of(&key)))
            }
            "__contains__" | "has_key" => {
                let (key,): (Value,) = from_args(args)?;
                Ok(Value::from(self.get(&key).is_some()))
            }
            "__len__" => Ok(Value::from(self.with(|m| m.len()))),
            _ => Err(no_method("dict", name)),
        }
    }
}

/// Refuses lists and mappings as keys, as Python does.
pub(super) fn hashable(key: &Value) -> Result<(), Error> {
    let kind = super::type_name(key);
    if matches!(kind.as_str(), "list" | "dict" | "set") {
        return Err(type_error(format!("unhashable type: '{kind}'")));
    }
    Ok(())
}

impl fmt::Debug for Dict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.pairs()).finish()
    }
}

impl Object for Dict {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Map
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get(key)
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.with(|m| m.keys().cloned().collect()))
    }

    fn enumerator_len(self: &Arc<Self>) -> Option<usize> {
        Some(self.with(|m| m.len()))
    }

    fn custom_cmp(self: &Arc<Self>, other: &DynObject) -> Option<Ordering> {
        let other = other.downcast_ref::<Dict>()?;
        if std::ptr::eq(Arc::as_ptr(self), other) {
            return Some(Ordering::Equal);
        }
        let (mine, theirs) = (self.pairs(), other.pairs());
        if ops::same_pairs(&mine, &theirs) {
            return Some(Ordering::Equal);
        }
        Some(mine.iter().cmp(theirs.iter()).then(Ordering::Less))
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&repr_of(&Value::from_dyn_object(self.clone())))
    }

    fn call(self: &Arc<Self>, _: &mut State<'_, '_>, _: &[Value]) -> Result<Value, Error> {
        Err(type_error("'dict' object is not callable"))
    }

    fn call_method(
        self: &Arc<Self>,
        _: &mut State<'_, '_>,
        name: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        self.method(name, args)
    }
}

/// The dict methods on any mapping of the engine's own: works on a copy, so changes are refused.
pub(super) fn map_method(value: &Value, name: &str, args: &[Value]) -> Result<Value, Error> {
    if matches!(
        name,
        "get" | "items" | "keys" | "values" | "copy" | "__getitem__" | "__contains__" | "__len__"
    ) {
        let copy = Dict(Mutex::new(ops::pairs_of(value)?.into_iter().collect()));
        return copy.method(name, args);
    }
    Err(no_method("dict", name))
}
