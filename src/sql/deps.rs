//! What columns are made of, as numbers: the values that the analysis passes around.
use super::{ColumnRef, Kind, RelationName};
use indexmap::IndexSet;
use std::collections::BTreeMap;

/// A column by number.
pub type ColumnId = u32;

/// Numbers for the columns met so far.
#[derive(Debug, Default)]
pub struct Interned(IndexSet<ColumnRef>);

impl Interned {
    /// The number of a column.
    pub fn id(&mut self, relation: &RelationName, column: &str) -> ColumnId {
        let (i, _) = self.0.insert_full(ColumnRef {
            relation: relation.clone(),
            column: column.to_string(),
        });
        i as ColumnId
    }

    /// The column of a number.
    pub fn get(&self, id: ColumnId) -> Option<&ColumnRef> {
        self.0.get_index(id as usize)
    }
}

/// The columns that something is made of, each with its strongest kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Deps(pub BTreeMap<ColumnId, Kind>);

impl Deps {
    /// One column, copied.
    pub fn copy(id: ColumnId) -> Self {
        Self(BTreeMap::from([(id, Kind::Copy)]))
    }

    /// Adds all of another; whether anything became more.
    pub fn add(&mut self, other: &Self) -> bool {
        let mut grew = false;
        for (id, kind) in &other.0 {
            let own = self.0.get(id).copied();
            if own.is_none_or(|own| own < *kind) {
                self.0.insert(*id, *kind);
                grew = true;
            }
        }
        grew
    }

    /// The same columns, used at least in this way.
    pub fn at_least(mut self, kind: Kind) -> Self {
        for own in self.0.values_mut() {
            *own = kind.max(*own);
        }
        self
    }
}

/// A column with what it is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Name.
    pub name: String,
    /// What it is made of.
    pub deps: Deps,
}

/// Columns whose names are not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Open {
    /// Any column of a relation that the catalogue does not know.
    Relation(RelationName),
    /// Any column, all made of the same: those of a function.
    Made(Deps),
}

/// The rows that a query or a relation gives.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rows {
    /// Columns that are known, in order.
    pub columns: Vec<Column>,
    /// Columns that are not.
    pub open: Vec<Open>,
    /// The columns that decide which rows there are.
    pub filters: Deps,
}

impl Rows {
    /// Gives the first columns other names.
    pub fn rename(&mut self, names: impl Iterator<Item = String>) {
        for (i, name) in names.enumerate() {
            match self.columns.get_mut(i) {
                Some(column) => column.name = name,
                None => {
                    // A name for a column that is not known: it is one of the open ones.
                    let deps = match self.open.first() {
                        Some(Open::Made(deps)) => deps.clone(),
                        _ => Deps::default(),
                    };
                    self.columns.push(Column { name, deps });
                }
            }
        }
    }

    /// Adds the rows of another query below: by position, and what is open to what is open. Whether anything
    /// became more.
    pub fn unite(&mut self, other: &Self) -> bool {
        let mut grew = self.filters.add(&other.filters);
        for (i, column) in other.columns.iter().enumerate() {
            match self.columns.get_mut(i) {
                Some(own) => grew |= own.deps.add(&column.deps),
                None if !self.open.is_empty() => {
                    self.columns.push(column.clone());
                    grew = true;
                }
                None => {}
            }
        }
        for open in &other.open {
            if !self.open.contains(open) {
                self.open.push(open.clone());
                grew = true;
            }
        }
        grew
    }
}
