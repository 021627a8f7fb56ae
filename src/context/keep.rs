//! What others hang on a relation survives its replacement: views, materialized views, rules, foreign keys, functions.
//!
//! In: the renames and drops of a node's materialization. Out, before the node commits: every dependant on the new
//! relation, or an error that names those that do not fit it. dbt drops them without a word (`drop … cascade`).
use super::exceptions::{Raised, compilation};
use super::relation::Relation;
use super::scope::{Inner, lock};
use super::shared::Say;
use crate::diag::{Diagnostic, code};
use crate::pg::catalog::{self, Dependant, DependantKind, Lost};
use crate::pg::{PgError, Session, quote_ident, quote_literal};
use minijinja::Error;
use std::sync::Arc;

/// What a node has moved and dropped in its transaction.
#[derive(Debug, Default)]
pub(super) struct Keep {
    /// Renames: from and to, names of one schema.
    moved: Vec<(Relation, Relation)>,
    /// Dropped or about to be: the relation and what hung on it.
    held: Vec<(Relation, Vec<Dependant>)>,
}

fn failed(e: PgError) -> Error {
    Raised::Database(Box::new(e), String::new(), 0).into_error()
}

impl Inner {
    /// Whether dependants are kept: for nodes, unless the configuration lets them go.
    fn keeps(&self) -> Result<bool, Error> {
        let kept = ["model.", "seed.", "snapshot.", "test."];
        if !kept.iter().any(|k| self.node.unique_id.starts_with(k)) {
            return Ok(false);
        }
        let config = lock(&self.config);
        match config
            .get("on_dependents")
            .map(|v| v.as_str().unwrap_or("?"))
        {
            None | Some("keep") => Ok(true),
            Some("drop") => Ok(false),
            Some(other) => Err(compilation(format!(
                "`on_dependents` must be `keep` or `drop`, not `{other}`"
            ))),
        }
    }

    /// A relation was renamed.
    pub(super) fn note_rename(&self, from: &Relation, to: &Relation) {
        lock(&self.keep).moved.push((from.clone(), to.clone()));
    }

    /// Before the first lock on a relation that others hang on, or that has a foreign key: two nodes whose relations
    /// have a view in common, or a key between them, would each wait for what the other has locked. So the nodes of
    /// this and of other runs exchange such relations one after the other, until they commit.
    pub(super) fn take_turns(&self, relation: &Relation) -> Result<(), Error> {
        if relation.schema.is_none() {
            return Ok(());
        }
        let (schema, name) = relation.stored();
        let mut session = self.connection()?;
        if session.begin_if_fresh().map_err(failed)? {
            catalog::take_turns(session.raw(), &schema, &name).map_err(failed)?;
        }
        Ok(())
    }

    /// A relation is about to be dropped, or a column of it: what hangs on it is written down. Without an open
    /// transaction nothing could be made again, and nothing hangs on what is dropped then.
    pub(super) fn hold(&self, relation: &Relation) -> Result<(), Error> {
        if relation.schema.is_none() {
            return Ok(());
        }
        self.take_turns(relation)?;
        if !self.keeps()? {
            return Ok(());
        }
        // What was swapped away hands its dependants over before it goes.
        let moved = {
            let mut keep = lock(&self.keep);
            let at = keep.moved.iter().position(|(_, to)| to.same_name(relation));
            at.map(|i| keep.moved.remove(i))
        };
        if let Some((from, to)) = moved {
            let mut session = self.connection()?;
            if session.is_open() && exists(session.raw(), &from).map_err(failed)? {
                self.move_over(session.raw(), &from, &to)?;
            }
        }
        let (schema, name) = relation.stored();
        // A leftover of this node stands for the node's relation.
        let this = self.node.this.as_ref().map(Relation::stored);
        let as_name = match this {
            Some((s, n)) if s == schema => n,
            _ => name.clone(),
        };
        let mut session = self.connection()?;
        if !session.begin_if_fresh().map_err(failed)? {
            return Ok(());
        }
        let raw = session.raw();
        if !catalog::has_dependants(raw, &schema, &name).map_err(failed)? {
            return Ok(());
        }
        let all = catalog::dependants_of_old(raw, &schema, &name, &as_name).map_err(failed)?;
        drop(session);
        lock(&self.keep).held.push((relation.clone(), all));
        Ok(())
    }

    /// Before the commit: dependants of what was renamed away or dropped go over to what has the name now.
    pub(super) fn settle(self: &Arc<Self>) -> Result<(), Error> {
        let keep = std::mem::take(&mut *lock(&self.keep));
        if (keep.moved.is_empty() && keep.held.is_empty()) || !self.keeps()? {
            return Ok(());
        }
        let mut session = self.connection()?;
        if !session.is_open() {
            return Ok(());
        }
        let raw = session.raw();
        for (from, to) in &keep.moved {
            let taken = keep.moved.iter().any(|(_, t)| t.same_name(from));
            if taken || exists(raw, from).map_err(failed)? {
                self.move_over(raw, from, to)?;
            }
        }
        for (relation, all) in &keep.held {
            let gone = missing(raw, relation, all).map_err(failed)?;
            let lost = catalog::make_again(raw, &gone).map_err(failed)?;
            self.accept(relation, &gone, lost)?;
        }
        Ok(())
    }

    fn move_over(&self, raw: &mut Session, from: &Relation, to: &Relation) -> Result<(), Error> {
        let ((schema, name), (_, old)) = (from.stored(), to.stored());
        if !catalog::has_dependants(raw, &schema, &old).map_err(failed)? {
            return Ok(());
        }
        let all = catalog::dependants_of_old(raw, &schema, &old, &name).map_err(failed)?;
        let mut lost = Vec::new();
        if !catalog::point_at_new(raw, &all).map_err(failed)? {
            let kind = to.kind.as_deref().unwrap_or("table").replace('_', " ");
            let old = format!("{}.{}", quote_ident(&schema), quote_ident(&old));
            raw.execute(&format!("drop {kind} if exists {old} cascade"))
                .map_err(failed)?;
            lost = catalog::make_again(raw, &all).map_err(failed)?;
        }
        self.shared.cache.hand_over(to, from);
        self.accept(from, &all, lost)
    }

    /// Books what became of the dependants. A node of the project can be built anew; anything else stops this node.
    fn accept(&self, relation: &Relation, all: &[Dependant], lost: Vec<Lost>) -> Result<(), Error> {
        let (own, others): (Vec<Lost>, Vec<Lost>) = lost
            .into_iter()
            .partition(|l| self.own(&l.dependant).is_some());
        if !others.is_empty() {
            return Err(failed(PgError::dependants_in_the_way(
                &relation.name(),
                &others,
            )));
        }
        let database = self.shared.target.connection.dbname.as_str();
        for d in all {
            let word = match d.kind {
                DependantKind::View => "view",
                DependantKind::MaterializedView => "materialized_view",
                _ => continue,
            };
            let it = Relation::new(database, &d.schema, &d.table).of_kind(word);
            if own.iter().any(|l| l.dependant == *d) {
                self.shared.cache.drop_relation(&it);
            } else {
                self.shared.cache.add(&it);
                if word == "materialized_view" {
                    self.shared.cache.note_carried(&it);
                }
            }
        }
        let selected = self.shared.selected.get();
        for l in &own {
            let id = self.own(&l.dependant).unwrap_or_default();
            if selected.is_some_and(|ids| ids.contains(&id)) {
                continue;
            }
            let text = format!(
                "{} was dropped: it does not fit the new {} ({}); it comes back when `{id}` is built",
                l.dependant.description,
                relation.name(),
                l.reason
            );
            (self.shared.say)(Say::Warning(Diagnostic::warning(code::D0614, text)));
        }
        Ok(())
    }

    /// The node of this project that makes a dependant (or the table that a key or rule hangs on).
    fn own(&self, d: &Dependant) -> Option<String> {
        let manifest = self.shared.manifest()?;
        let alias = |n: &&crate::graph::Node| {
            n.relation_name.is_some()
                && n.schema.eq_ignore_ascii_case(&d.schema)
                && n.alias.eq_ignore_ascii_case(&d.table)
        };
        let found = manifest.nodes.values().find(alias);
        found
            .filter(|_| !matches!(d.kind, DependantKind::Function | DependantKind::Other))
            .map(|n| n.unique_id.clone())
    }
}

fn exists(raw: &mut Session, relation: &Relation) -> Result<bool, PgError> {
    let (schema, name) = relation.stored();
    let full = format!("{}.{}", quote_ident(&schema), quote_ident(&name));
    let sql = format!("select to_regclass({}) is not null", quote_literal(&full));
    Ok(raw.fetch(&sql)?.scalar().and_then(|c| c.as_bool()) == Some(true))
}

/// Those of the dependants that are no longer there.
fn missing(
    raw: &mut Session,
    relation: &Relation,
    all: &[Dependant],
) -> Result<Vec<Dependant>, PgError> {
    let (schema, name) = relation.stored();
    let now = if exists(raw, relation)? {
        catalog::dependants_of_old(raw, &schema, &name, &name)?
    } else {
        Vec::new()
    };
    let same = |a: &Dependant, b: &Dependant| a.kind == b.kind && a.description == b.description;
    let mut gone = Vec::new();
    for d in all.iter().filter(|d| !now.iter().any(|n| same(n, d))) {
        let relation = Relation::new("", &d.schema, &d.table);
        let view = matches!(
            d.kind,
            DependantKind::View | DependantKind::MaterializedView
        );
        if !view || !exists(raw, &relation)? {
            gone.push(d.clone());
        }
    }
    Ok(gone)
}
