//! Arguments of a call, each by position or by name, as Python functions take them.
use super::error::type_error;
use super::type_name;
use minijinja::value::{ArgType, Kwargs, Value, from_args};
use minijinja::{Error, State};
use std::ops::Deref;

/// All arguments of a function from some position on, named ones included.
#[derive(Debug, Default)]
pub struct Given(Vec<Value>);

impl Deref for Given {
    type Target = [Value];

    fn deref(&self) -> &[Value] {
        &self.0
    }
}

impl<'a> ArgType<'a> for Given {
    type Output = Self;

    fn from_value(value: Option<&'a Value>) -> Result<Self, Error> {
        Ok(Self(value.cloned().into_iter().collect()))
    }

    fn from_state_and_values(
        _: Option<&'a State>,
        values: &'a [Value],
        offset: usize,
    ) -> Result<(Self, usize), Error> {
        Self::from_state_and_values_mut(None, values, offset)
    }

    fn from_state_and_values_mut(
        _: Option<&State>,
        values: &'a [Value],
        offset: usize,
    ) -> Result<(Self, usize), Error> {
        let rest = values.get(offset..).unwrap_or_default().to_vec();
        let len = rest.len();
        Ok((Self(rest), len))
    }
}

/// The arguments not yet taken.
pub struct Arguments {
    positional: std::vec::IntoIter<Value>,
    named: Kwargs,
}

impl Arguments {
    /// The arguments of a call.
    pub fn new(args: &[Value]) -> Result<Self, Error> {
        let (positional, named): (&[Value], Kwargs) = from_args(args)?;
        Ok(Self {
            positional: Vec::from(positional).into_iter(),
            named,
        })
    }

    /// The next argument: by position, else by this name.
    pub fn next(&mut self, name: &str) -> Result<Option<Value>, Error> {
        match self.positional.next() {
            Some(value) => Ok(Some(value)),
            None => self.named(name),
        }
    }

    /// An argument that can only be given by name.
    pub fn named(&self, name: &str) -> Result<Option<Value>, Error> {
        Ok(self
            .named
            .get::<Value>(name)
            .ok()
            .filter(|v| !v.is_undefined()))
    }

    /// The next argument, which must be there.
    pub fn need(&mut self, name: &str) -> Result<Value, Error> {
        self.next(name)?
            .ok_or_else(|| type_error(format!("missing a required argument: '{name}'")))
    }

    /// The next argument as a whole number.
    pub fn int(&mut self, name: &str) -> Result<Option<i64>, Error> {
        let Some(value) = self.next(name)?.filter(|v| !v.is_none()) else {
            return Ok(None);
        };
        let whole = value
            .as_i64()
            .filter(|_| !matches!(value.kind(), minijinja::value::ValueKind::String));
        whole.map(Some).ok_or_else(|| {
            type_error(format!(
                "'{}' object cannot be interpreted as an integer",
                type_name(&value)
            ))
        })
    }

    /// The next argument as a truth value.
    pub fn flag(&mut self, name: &str) -> Result<Option<bool>, Error> {
        Ok(self.next(name)?.map(|v| v.is_true()))
    }

    /// The next argument as text; `None` counts as absent.
    pub fn text(&mut self, name: &str) -> Result<Option<String>, Error> {
        Ok(self
            .next(name)?
            .filter(|v| !v.is_none())
            .map(|v| super::str_of(&v)))
    }

    /// All positional arguments that are left.
    pub fn rest(&mut self) -> Vec<Value> {
        self.positional.by_ref().collect()
    }

    /// All named arguments.
    pub fn all_named(&self) -> Result<Vec<(String, Value)>, Error> {
        self.named
            .args()
            .map(|k| Ok((k.to_string(), self.named.get::<Value>(k)?)))
            .collect()
    }

    /// An error if an argument was not taken.
    pub fn finish(mut self) -> Result<(), Error> {
        if self.positional.next().is_some() {
            return Err(type_error("too many positional arguments"));
        }
        self.named.assert_all_used()
    }
}
