//! Who is visible where: the relations of a `from`, the CTEs, and the queries around.
//!
//! In: what a `from` brings. Out: what a name stands for. Follows PostgreSQL: a name is looked for in the innermost
//! query first; columns merged by `using` are one; a table's name alone is its whole row.
use super::deps::{Column, Deps, Interned, Open, Rows};
use super::{Kind, RelationName};
use sqlparser::ast::NamedWindowDefinition;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// CTEs by name, innermost first.
#[derive(Debug, Default)]
pub struct Ctes<'a> {
    /// Those of this query.
    pub own: BTreeMap<String, Rc<Rows>>,
    /// Those of the queries around.
    pub outer: Option<&'a Ctes<'a>>,
}

impl Ctes<'_> {
    /// The rows of a CTE.
    pub fn get(&self, name: &str) -> Option<&Rc<Rows>> {
        let own = self.own.get(name);
        own.or_else(|| self.outer.and_then(|outer| outer.get(name)))
    }
}

/// A relation in a `from`.
#[derive(Debug, Clone)]
pub struct Table {
    /// The name it is called by.
    pub alias: Option<String>,
    /// Its full name, if it has not been given another.
    pub name: Option<RelationName>,
    /// Its columns.
    pub columns: Vec<Column>,
    /// Its columns that are not known.
    pub open: Vec<Open>,
}

/// What a star without a table expands to, in order.
#[derive(Debug, Clone)]
pub enum Visible {
    /// A column.
    Column(Column),
    /// Columns that are not known.
    Open(Open),
}

/// One item of a `from`: a relation, or several joined.
#[derive(Debug, Clone, Default)]
pub struct Joined {
    /// The relations, which can be named.
    pub tables: Vec<Table>,
    /// The columns, which can be named alone.
    pub visible: Vec<Visible>,
}

impl Joined {
    /// An item of one relation.
    pub fn of(table: Table) -> Self {
        let columns = table.columns.iter().cloned().map(Visible::Column);
        let open = table.open.iter().cloned().map(Visible::Open);
        Self {
            visible: columns.chain(open).collect(),
            tables: vec![table],
        }
    }

    /// The names of its columns that are known.
    pub fn names(&self) -> BTreeSet<&str> {
        self.visible
            .iter()
            .filter_map(|v| match v {
                Visible::Column(c) => Some(c.name.as_str()),
                Visible::Open(_) => None,
            })
            .collect()
    }

    /// What a column of this item is made of.
    pub fn column(&self, name: &str, interned: &mut Interned) -> Option<Deps> {
        let (mut found, mut open) = (None::<Deps>, Vec::new());
        for visible in &self.visible {
            match visible {
                Visible::Column(c) if c.name == name => {
                    found.get_or_insert_default().add(&c.deps);
                }
                Visible::Column(_) => {}
                Visible::Open(o) => open.push(o),
            }
        }
        found.or(match open[..] {
            [only] => Some(from_open(only, name, interned)),
            _ => None,
        })
    }
}

/// What a column of unknown columns is made of.
pub fn from_open(open: &Open, name: &str, interned: &mut Interned) -> Deps {
    match open {
        Open::Relation(relation) => Deps::copy(interned.id(relation, name)),
        Open::Made(deps) => deps.clone(),
    }
}

/// All that can be named at one place.
pub struct Scope<'a> {
    /// The items of the `from`, as far as they can be seen.
    pub items: Vec<Joined>,
    /// The CTEs.
    pub ctes: &'a Ctes<'a>,
    /// The named windows.
    pub windows: &'a [NamedWindowDefinition],
    /// The query around, for correlated names.
    pub outer: Option<&'a Scope<'a>>,
}

impl<'a> Scope<'a> {
    /// A scope in which no relation is visible yet.
    pub fn new(ctes: &'a Ctes<'a>, outer: Option<&'a Scope<'a>>) -> Self {
        Self {
            items: Vec::new(),
            ctes,
            windows: &[],
            outer,
        }
    }

    /// What a name is made of: `column`, `table.column`, `schema.table.column`, with fields of it behind.
    ///
    /// # Errors
    /// Why it cannot be told.
    pub fn resolve(&self, name: &[String], interned: &mut Interned) -> Result<Deps, String> {
        let shown = || name.join(".");
        match name {
            [] => Ok(Deps::default()),
            [column] => match self.lone(column, interned)? {
                Some(deps) => Ok(deps),
                None => self
                    .table(&[], column)
                    .map(|table| whole(table, interned))
                    .ok_or_else(|| format!("column `{column}` is not known")),
            },
            _ => {
                // The longest name of a table that leaves a column.
                for at in (1..name.len().min(4)).rev() {
                    let Some(table) = self.table(&name[..at - 1], &name[at - 1]) else {
                        continue;
                    };
                    let deps = in_table(table, &name[at], interned)
                        .ok_or_else(|| format!("column `{}` is not known", shown()))?;
                    let is_field = name.len() > at + 1;
                    return Ok(if is_field {
                        deps.at_least(Kind::Derive)
                    } else {
                        deps
                    });
                }
                Err(format!("`{}` is not known", shown()))
            }
        }
    }

    /// A column that is named alone; `None` if there is none of that name.
    fn lone(&self, name: &str, interned: &mut Interned) -> Result<Option<Deps>, String> {
        let (mut found, mut open) = (Vec::new(), Vec::new());
        for visible in self.items.iter().flat_map(|i| &i.visible) {
            match visible {
                Visible::Column(c) if c.name == name => found.push(&c.deps),
                Visible::Column(_) => {}
                Visible::Open(o) => open.push(o),
            }
        }
        match (&found[..], &open[..]) {
            ([deps], _) => Ok(Some((*deps).clone())),
            ([], [only]) => {
                // A column of the query around is more likely than one of a relation that is not known, but only
                // the relation's columns can tell; take what is known for certain first.
                let outer = self.outer.and_then(|o| o.known(name));
                Ok(Some(
                    outer.unwrap_or_else(|| from_open(only, name, interned)),
                ))
            }
            ([], []) => match self.outer {
                Some(outer) => outer.lone(name, interned),
                None => Ok(None),
            },
            ([], _) => match self.outer.and_then(|o| o.known(name)) {
                Some(deps) => Ok(Some(deps)),
                None => Err(format!(
                    "column `{name}` could be of several relations whose columns are not known"
                )),
            },
            _ => Err(format!("column `{name}` is ambiguous")),
        }
    }

    /// A column that is named alone and known, here or around.
    fn known(&self, name: &str) -> Option<Deps> {
        let mut visible = self.items.iter().flat_map(|i| &i.visible);
        let here = visible.find_map(|v| match v {
            Visible::Column(c) if c.name == name => Some(c.deps.clone()),
            _ => None,
        });
        here.or_else(|| self.outer.and_then(|o| o.known(name)))
    }

    /// The relation of a name, qualified or not.
    pub fn table(&self, qualifier: &[String], name: &str) -> Option<&Table> {
        let fits = |t: &&Table| match (&t.name, qualifier) {
            (_, []) => t.alias.as_deref() == Some(name),
            (Some(full), [schema]) => full.name == name && full.schema.as_ref() == Some(schema),
            (Some(full), [database, schema]) => {
                full.name == name
                    && full.schema.as_ref() == Some(schema)
                    && full.database.as_ref() == Some(database)
            }
            _ => false,
        };
        let here = self.items.iter().flat_map(|i| &i.tables).find(fits);
        here.or_else(|| self.outer.and_then(|o| o.table(qualifier, name)))
    }

    /// The definition of a named window.
    pub fn window(&self, name: &str) -> Option<&'a NamedWindowDefinition> {
        let own = self
            .windows
            .iter()
            .find(|w| super::names::fold(&w.0) == name);
        own.or_else(|| self.outer.and_then(|o| o.window(name)))
    }
}

fn in_table(table: &Table, name: &str, interned: &mut Interned) -> Option<Deps> {
    let mut columns = table.columns.iter();
    let known = columns.find(|c| c.name == name).map(|c| c.deps.clone());
    known.or_else(|| match &table.open[..] {
        [only] => Some(from_open(only, name, interned)),
        _ => None,
    })
}

/// A table's whole row as a value.
pub fn whole(table: &Table, interned: &mut Interned) -> Deps {
    let mut deps = Deps::default();
    for column in &table.columns {
        deps.add(&column.deps);
    }
    for open in &table.open {
        deps.add(&from_open(open, "*", interned));
    }
    deps.at_least(Kind::Derive)
}
