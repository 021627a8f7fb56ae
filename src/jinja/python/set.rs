//! Python's `set`, iterated in insertion order so that output is the same every time.
use super::error::{key_error, no_method, type_error};
use super::{iterate, ops, repr_of};
use indexmap::IndexSet;
use minijinja::value::{DynObject, Enumerator, Object, ObjectRepr, Value, from_args};
use minijinja::{Error, State};
use std::cmp::Ordering;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// A mutable set.
#[derive(Default)]
pub struct Set(Mutex<IndexSet<Value>>);

impl Set {
    /// A set as a template value.
    pub fn value(items: impl IntoIterator<Item = Value>) -> Value {
        Value::from_object(Self(Mutex::new(items.into_iter().collect())))
    }

    fn with<T>(&self, f: impl FnOnce(&mut IndexSet<Value>) -> T) -> T {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The items as they are now, in insertion order.
    pub fn items(&self) -> Vec<Value> {
        self.with(|s| s.iter().cloned().collect())
    }

    /// Whether an item is in it.
    pub fn contains(&self, item: &Value) -> bool {
        self.with(|s| s.contains(item))
    }

    fn copy(&self) -> IndexSet<Value> {
        self.with(|s| s.clone())
    }

    /// `self <op> other` for `|`, `&`, `-`, `^`.
    pub(super) fn combine(&self, how: &str, other: &[Value]) -> IndexSet<Value> {
        let mine = self.copy();
        let theirs: IndexSet<Value> = other.iter().cloned().collect();
        match how {
            "union" => mine.into_iter().chain(theirs).collect(),
            "intersection" => mine.into_iter().filter(|x| theirs.contains(x)).collect(),
            "difference" => mine.into_iter().filter(|x| !theirs.contains(x)).collect(),
            _ => mine.symmetric_difference(&theirs).cloned().collect(),
        }
    }

    fn all_arguments(args: &[Value]) -> Result<Vec<Vec<Value>>, Error> {
        args.iter().map(iterate).collect()
    }

    /// `a <= b`.
    pub(super) fn is_subset(&self, other: &[Value]) -> bool {
        let theirs: IndexSet<Value> = other.iter().cloned().collect();
        self.copy().is_subset(&theirs)
    }
}

impl fmt::Debug for Set {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.items()).finish()
    }
}

impl Object for Set {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Iterable
    }

    fn get_value(self: &Arc<Self>, _: &Value) -> Option<Value> {
        None
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.items())
    }

    fn enumerator_len(self: &Arc<Self>) -> Option<usize> {
        Some(self.with(|s| s.len()))
    }

    fn custom_cmp(self: &Arc<Self>, other: &DynObject) -> Option<Ordering> {
        let other = other.downcast_ref::<Set>()?;
        if std::ptr::eq(Arc::as_ptr(self), other) {
            return Some(Ordering::Equal);
        }
        let (mine, theirs) = (self.copy(), other.copy());
        if mine == theirs {
            return Some(Ordering::Equal);
        }
        Some(mine.iter().cmp(theirs.iter()).then(Ordering::Less))
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&repr_of(&Value::from_dyn_object(self.clone())))
    }

    fn call(self: &Arc<Self>, _: &mut State<'_, '_>, _: &[Value]) -> Result<Value, Error> {
        Err(type_error("'set' object is not callable"))
    }

    fn call_method(
        self: &Arc<Self>,
        _: &mut State<'_, '_>,
        name: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        match name {
            "add" => {
                let (item,): (Value,) = from_args(args)?;
                super::dict::hashable(&item)?;
                self.with(|s| s.insert(item));
            }
            "update" => {
                let more = Self::all_arguments(args)?;
                self.with(|s| s.extend(more.into_iter().flatten()));
            }
            "remove" | "discard" => {
                let (item,): (Value,) = from_args(args)?;
                if !self.with(|s| s.shift_remove(&item)) && name == "remove" {
                    return Err(key_error(repr_of(&item)));
                }
            }
            "pop" => {
                return self
                    .with(|s| s.shift_remove_index(0))
                    .ok_or_else(|| key_error("'pop from an empty set'"));
            }
            "clear" => {
                let old = self.with(std::mem::take);
                drop(old);
            }
            "copy" => return Ok(Set::value(self.copy())),
            "union" | "intersection" | "difference" | "symmetric_difference" => {
                let mut result = Set(Mutex::new(self.copy()));
                for other in Self::all_arguments(args)? {
                    result = Set(Mutex::new(result.combine(name, &other)));
                }
                return Ok(Value::from_object(result));
            }
            "intersection_update" | "difference_update" | "symmetric_difference_update" => {
                for other in Self::all_arguments(args)? {
                    let result = self.combine(name.trim_end_matches("_update"), &other);
                    self.with(|s| *s = result);
                }
            }
            "issubset" | "issuperset" | "isdisjoint" => {
                let (other,): (Value,) = from_args(args)?;
                let other = iterate(&other)?;
                return Ok(Value::from(match name {
                    "issubset" => self.is_subset(&other),
                    "issuperset" => other.iter().all(|x| self.contains(x)),
                    _ => !other.iter().any(|x| self.contains(x)),
                }));
            }
            "__contains__" => {
                let (item,): (Value,) = from_args(args)?;
                return ops::contains(&Value::from_dyn_object(self.clone()), &item)
                    .map(Value::from);
            }
            "__len__" => return Ok(Value::from(self.with(|s| s.len()))),
            _ => return Err(no_method("set", name)),
        }
        Ok(Value::from(()))
    }
}
