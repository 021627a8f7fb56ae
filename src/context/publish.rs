//! Relations that a build makes under another name, to be seen all at once when the build is done.
//!
//! In: which node's relation stands under which name meanwhile. Out: references that find them there; and, when the
//! build is published, each of them in the place of the node's own relation, with all that hangs on it.
use super::exceptions::compilation;
use super::native::suffixed;
use super::relation::Relation;
use super::scope::{Inner, NodeScope};
use crate::graph::Node;
use crate::jinja::python;
use crate::pg::quote_ident;
use minijinja::Error;
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

/// What ends the name of a relation that is not published yet.
pub const STAGED: &str = "__tv1_next";

/// Relations that are not published yet, by the unique id of their nodes.
#[derive(Debug, Default)]
pub struct Staged(RwLock<BTreeMap<String, (Relation, Relation)>>);

impl Staged {
    /// From now on references find these: pairs of the node's own relation and the one that stands for it.
    pub fn set(&self, relations: BTreeMap<String, (Relation, Relation)>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = relations;
    }

    /// References find the nodes' own relations again.
    pub fn clear(&self) {
        self.set(BTreeMap::new());
    }

    /// The relation that stands for a node's own.
    pub fn of(&self, unique_id: &str) -> Option<Relation> {
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        all.get(unique_id).map(|(_, staged)| staged.clone())
    }

    /// A node's text with the names that will be there when all is published.
    pub fn published(&self, node: &Node, text: &str) -> String {
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let replaced = |text: String, (own, staged): &(Relation, Relation)| {
            text.replace(&staged.name(), &own.name())
        };
        let mut out = text.to_string();
        if out.contains(STAGED) {
            let known = node.depends_on.nodes.iter().chain([&node.unique_id]);
            out = known.filter_map(|id| all.get(id)).fold(out, replaced);
        }
        // What an ephemeral model refers to is not the node's own.
        if out.contains(STAGED) {
            out = all.values().fold(out, replaced);
        }
        out
    }
}

impl Relation {
    /// The same under the name that it has until it is published.
    pub fn staged(&self) -> Self {
        let mut staged = self.clone();
        let name = self.identifier.clone().unwrap_or_default();
        let room = super::MAX_NAME - STAGED.len();
        // Two long names may begin alike.
        let base = if name.len() > room {
            use sha2::Digest as _;
            let hash = sha2::Sha256::digest(name.as_bytes());
            let hash: String = hash.iter().take(4).map(|b| format!("{b:02x}")).collect();
            let mut end = room - hash.len();
            while !name.is_char_boundary(end) {
                end -= 1;
            }
            format!("{}{hash}", &name[..end])
        } else {
            name
        };
        staged.identifier = Some(base + STAGED);
        staged
    }
}

impl NodeScope {
    /// Puts the node's staged relation in the place of its own, within the open transaction. Nothing happens where the
    /// node has made none.
    ///
    /// # Errors
    /// The server refuses, or something that is not the project's hangs on the old relation and does not fit the new.
    pub fn publish(&self, staged: &Relation) -> Result<(), Error> {
        let inner = &self.0;
        let Some(target) = inner.node.this.clone() else {
            return Ok(());
        };
        let backup = suffixed(&target.clone().value(), "__dbt_backup")?;
        inner.look(&[&target, staged, &backup])?;
        let Some(staged) = inner.known(staged)? else {
            return Ok(());
        };
        inner.take_turns(&target)?;
        if let Some(left) = inner.known(&backup)? {
            inner.drop(&left)?;
        }
        let old = inner.known(&target)?;
        if let Some(old) = &old {
            inner.rename(old, &backup)?;
        }
        inner.rename(&staged, &target)?;
        if let Some(old) = old {
            let indexes = inner.paired_indexes(&backup, &target)?;
            let kind = old.kind.unwrap_or_default();
            inner.drop(&backup.of_kind(&kind))?;
            for (name, made) in indexes {
                let schema = quote_ident(&target.stored().0);
                let (name, made) = (quote_ident(&name), quote_ident(&made));
                let sql = format!("alter index {schema}.{made} rename to {name}");
                inner.run(&sql, false, None)?;
            }
        }
        inner.settle()
    }
}

impl Inner {
    /// Claims the first of some names of one schema, and looks at what is there under all of them.
    fn look(&self, relations: &[&Relation]) -> Result<(), Error> {
        let Some(first) = relations.first() else {
            return Ok(());
        };
        let (schema, _) = first.stored();
        let names: Vec<String> = relations.iter().map(|r| r.stored().1).collect();
        let there = self.connection()?.claim(&schema, &names, false);
        let there = there.map_err(|e| Self::database_error(e, String::new(), 0))?;
        let database = first.database.clone().unwrap_or_default();
        self.shared
            .cache
            .observe(&database, &schema, &names, &there);
        Ok(())
    }

    fn known(&self, relation: &Relation) -> Result<Option<Relation>, Error> {
        let part = |text: &Option<String>| text.clone().unwrap_or_default();
        let (database, schema) = (part(&relation.database), part(&relation.schema));
        let found = self.find(&database, &schema, &part(&relation.identifier))?;
        Ok(found.map(|r| r.quoted_as(relation.quote)))
    }

    /// Indexes of a relation and those that a copy of it has in their place.
    fn paired_indexes(
        self: &Arc<Self>,
        of: &Relation,
        copy: &Relation,
    ) -> Result<Vec<(String, String)>, Error> {
        let ((schema, name), (_, copy)) = (of.stored(), copy.stored());
        let sql = crate::pg::paired_indexes(&schema, &name, &copy, STAGED);
        let (_, table) = self.run(&sql, true, None)?;
        let text = python::str_of;
        let rows = table.rows().iter();
        Ok(rows
            .map(|r| (text(&r.cells[0]), text(&r.cells[1])))
            .collect())
    }

    fn rename(self: &Arc<Self>, from: &Relation, to: &Relation) -> Result<(), Error> {
        let kind = from.kind.as_deref().unwrap_or("table").replace('_', " ");
        let name = to.identifier.clone().unwrap_or_default();
        let name = if to.quote[2] {
            quote_ident(&name)
        } else {
            name
        };
        let sql = format!("alter {kind} {} rename to {name}", from.name());
        self.run(&sql, false, None)?;
        self.shared.cache.rename(from, to);
        self.note_rename(from, to);
        Ok(())
    }

    /// Drops a relation whose dependants have gone over to another.
    fn drop(self: &Arc<Self>, relation: &Relation) -> Result<(), Error> {
        self.hold(relation)?;
        let kind = relation
            .kind
            .as_deref()
            .unwrap_or("table")
            .replace('_', " ");
        let sql = format!("drop {kind} if exists {} cascade", relation.name());
        self.run(&sql, false, None)?;
        self.shared.cache.drop_relation(relation);
        Ok(())
    }
}

/// Why a table cannot be copied, in the terms of a node's error.
pub fn not_copied(relation: &Relation, why: &str) -> Error {
    compilation(format!(
        "{} cannot be built aside and published with the rest: {why}. Build it without `--publish atomic`.",
        relation.name()
    ))
}
