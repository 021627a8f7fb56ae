//! What a name in `from` stands for: a CTE's rows, or a relation of the database with the columns the catalogue knows.
use super::RelationName;
use super::deps::{Column, Deps, Open, Rows};
use super::query::Analysis;
use super::scope::{Ctes, Scope, whole};

impl Analysis<'_> {
    /// A relation: of the CTEs, or read from the database.
    pub fn named(&mut self, name: &RelationName, ctes: &Ctes<'_>) -> Rows {
        if name.schema.is_none()
            && let Some(rows) = ctes.get(&name.name)
        {
            return rows.as_ref().clone();
        }
        self.relation(name)
    }

    /// A relation of the database.
    pub(super) fn relation(&mut self, name: &RelationName) -> Rows {
        self.relations.insert(name.clone());
        let Some(columns) = (self.catalog)(name) else {
            return Rows {
                open: vec![Open::Relation(name.clone())],
                ..Rows::default()
            };
        };
        let column = |column: String| Column {
            deps: Deps::copy(self.interned.id(name, &column)),
            name: column,
        };
        Rows {
            columns: columns.into_iter().map(column).collect(),
            ..Rows::default()
        }
    }

    /// A relation's whole row, by the name it is called.
    pub fn whole_row(&mut self, name: &[String], scope: &Scope<'_>) -> Option<Deps> {
        let (last, qualifier) = name.split_last()?;
        let table = scope.table(qualifier, last)?;
        Some(whole(table, &mut self.interned))
    }
}
