//! Arguments of calls from templates: positional and named together, as Python takes them.
use minijinja::value::{Kwargs, Value, from_args};
use minijinja::{Error, ErrorKind};

/// The arguments of one call.
#[derive(Debug, Clone, Default)]
pub struct Args {
    /// Positional ones.
    pub positional: Vec<Value>,
    named: Vec<(String, Value)>,
}

impl Args {
    /// Splits what the engine passes.
    pub fn new(args: &[Value]) -> Result<Self, Error> {
        let (positional, kwargs): (&[Value], Kwargs) = from_args(args)?;
        let mut named = Vec::new();
        for name in kwargs.args() {
            named.push((name.to_string(), kwargs.get::<Value>(name)?));
        }
        Ok(Self {
            positional: positional.to_vec(),
            named,
        })
    }

    /// Positional texts.
    pub fn texts(words: &[&str]) -> Self {
        Self {
            positional: words.iter().map(|w| Value::from(*w)).collect(),
            named: Vec::new(),
        }
    }

    /// A named argument.
    pub fn named(&self, name: &str) -> Option<Value> {
        self.named
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.clone())
    }

    /// All named arguments.
    pub fn all_named(&self) -> impl Iterator<Item = (&str, Value)> {
        self.named.iter().map(|(n, v)| (n.as_str(), v.clone()))
    }

    /// The argument at a position or under a name.
    pub fn get(&self, index: usize, name: &str) -> Option<Value> {
        self.positional
            .get(index)
            .cloned()
            .or_else(|| self.named(name))
    }

    /// The same, but it must be there.
    pub fn required(&self, index: usize, name: &str) -> Result<Value, Error> {
        self.get(index, name).ok_or_else(|| {
            Error::new(
                ErrorKind::MissingArgument,
                format!("missing a required argument: '{name}'"),
            )
        })
    }

    /// As text, if it is there and not none.
    pub fn text(&self, index: usize, name: &str) -> Option<String> {
        self.get(index, name)
            .filter(|v| !v.is_none() && !v.is_undefined())
            .map(|v| crate::jinja::python::str_of(&v))
    }

    /// As text that must be there.
    pub fn required_text(&self, index: usize, name: &str) -> Result<String, Error> {
        Ok(crate::jinja::python::str_of(&self.required(index, name)?))
    }

    /// Whether it is there and true.
    pub fn flag(&self, index: usize, name: &str, default: bool) -> bool {
        self.get(index, name).map_or(default, |v| v.is_true())
    }

    /// Only some of the named arguments.
    pub fn only(&self, names: &[&str]) -> Self {
        Self {
            positional: Vec::new(),
            named: self
                .named
                .iter()
                .filter(|(n, _)| names.contains(&n.as_str()))
                .cloned()
                .collect(),
        }
    }
}
