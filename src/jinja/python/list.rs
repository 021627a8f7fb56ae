//! Python's `list`: mutable, shared by all who hold it.
use super::error::{index_error, no_method, type_error, value_error};
use super::ops;
use minijinja::value::{DynObject, Enumerator, Kwargs, Object, ObjectRepr, Value, from_args};
use minijinja::{Error, State};
use std::cmp::Ordering;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// A mutable list.
#[derive(Default)]
pub struct List(Mutex<Vec<Value>>);

impl List {
    /// A list as a template value.
    pub fn value(items: Vec<Value>) -> Value {
        Value::from_object(Self(Mutex::new(items)))
    }

    fn with<T>(&self, f: impl FnOnce(&mut Vec<Value>) -> T) -> T {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The items as they are now.
    pub fn items(&self) -> Vec<Value> {
        self.with(|v| v.clone())
    }

    /// Adds one at the end.
    pub fn push(&self, value: Value) {
        self.with(|v| v.push(value));
    }

    /// Takes all out.
    pub fn clear(&self) {
        let old = self.with(std::mem::take);
        drop(old);
    }

    fn sort(&self, args: &[Value], state: &mut State<'_, '_>) -> Result<Value, Error> {
        let (kwargs,): (Kwargs,) = from_args(args)?;
        let reverse = kwargs
            .get::<Option<Value>>("reverse")?
            .is_some_and(|v| v.is_true());
        let key: Option<Value> = kwargs.get::<Option<Value>>("key")?.filter(|k| !k.is_none());
        kwargs.assert_all_used()?;
        let mut keyed = Vec::new();
        for item in self.items() {
            let by = match &key {
                Some(key) => key.call(state, std::slice::from_ref(&item))?,
                None => item.clone(),
            };
            keyed.push((by, item));
        }
        ops::sort_by_key(&mut keyed, reverse)?;
        self.with(|v| *v = keyed.into_iter().map(|(_, item)| item).collect());
        Ok(Value::from(()))
    }
}

/// Where Python's `insert(i)` puts an item, `i` counted from the end if negative.
fn insert_at(index: i64, len: usize) -> usize {
    if index < 0 {
        usize::try_from(index + len as i64).unwrap_or(0)
    } else {
        usize::try_from(index).map_or(len, |i| i.min(len))
    }
}

/// Position of an existing item, or none.
pub(super) fn position(index: i64, len: usize) -> Option<usize> {
    let index = if index < 0 { index + len as i64 } else { index };
    usize::try_from(index).ok().filter(|i| *i < len)
}

impl fmt::Debug for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.items()).finish()
    }
}

impl Object for List {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Seq
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let index = key.as_i64()?;
        self.with(|v| position(index, v.len()).and_then(|i| v.get(i).cloned()))
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.items())
    }

    fn enumerator_len(self: &Arc<Self>) -> Option<usize> {
        Some(self.with(|v| v.len()))
    }

    fn custom_cmp(self: &Arc<Self>, other: &DynObject) -> Option<Ordering> {
        let other = other.downcast_ref::<List>()?;
        Some(self.items().cmp(&other.items()))
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&super::repr_of(&Value::from_dyn_object(self.clone())))
    }

    fn call(self: &Arc<Self>, _: &mut State<'_, '_>, _: &[Value]) -> Result<Value, Error> {
        Err(type_error("'list' object is not callable"))
    }

    fn call_method(
        self: &Arc<Self>,
        state: &mut State<'_, '_>,
        name: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        match name {
            "append" => {
                let (item,): (Value,) = from_args(args)?;
                self.push(item);
            }
            "extend" => {
                let (more,): (Value,) = from_args(args)?;
                let more = super::iterate(&more)?;
                self.with(|v| v.extend(more));
            }
            "insert" => {
                let (index, item): (i64, Value) = from_args(args)?;
                self.with(|v| v.insert(insert_at(index, v.len()), item));
            }
            "pop" => {
                let (index,): (Option<i64>,) = from_args(args)?;
                return self.with(|v| {
                    if v.is_empty() {
                        return Err(index_error("pop from empty list"));
                    }
                    position(index.unwrap_or(-1), v.len())
                        .map(|i| v.remove(i))
                        .ok_or_else(|| index_error("pop index out of range"))
                });
            }
            "remove" => {
                let (item,): (Value,) = from_args(args)?;
                let at = self.items().iter().position(|x| ops::equal(x, &item));
                let at = at.ok_or_else(|| value_error("list.remove(x): x not in list"))?;
                self.with(|v| {
                    if at < v.len() {
                        v.remove(at);
                    }
                });
            }
            "index" => return super::sequence::index(&self.items(), args, "list"),
            "count" => return super::sequence::count(&self.items(), args),
            "sort" => return self.sort(args, state),
            "reverse" => self.with(|v| v.reverse()),
            "copy" => return Ok(List::value(self.items())),
            "clear" => self.clear(),
            "__len__" => return Ok(Value::from(self.with(|v| v.len()))),
            "__getitem__" | "__contains__" => {
                let (key,): (Value,) = from_args(args)?;
                let me = Value::from_dyn_object(self.clone());
                return if name == "__contains__" {
                    ops::contains(&me, &key).map(Value::from)
                } else {
                    me.get_item(&key)
                };
            }
            _ => return Err(no_method("list", name)),
        }
        Ok(Value::from(()))
    }
}
