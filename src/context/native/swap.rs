//! Views and tables: built under the intermediate name, then swapped with what was there, so readers never miss them.
use super::call::{Block, Call, attribute, none, relations};
use minijinja::Error;
use minijinja::value::Value;

/// The names of a relation that is built beside the one that is there.
pub(super) struct Swap {
    /// What is there under the name, or none.
    pub(super) existing: Value,
    /// What will be there.
    pub(super) target: Value,
    /// Its name until then.
    pub(super) intermediate: Value,
    /// The name of what was there until it is dropped.
    pub(super) backup: Value,
    /// Left over from a run that broke off.
    left_over: [Value; 2],
}

impl Swap {
    /// The names for a node's own relation, which will be of this kind, and what is left over under them.
    pub(super) fn new(c: &mut Call<'_, '_, '_>, kind: &str) -> Result<Self, Error> {
        let mut swap = Self::names(c, kind)?;
        swap.left_over = [c.cached(&swap.intermediate)?, c.cached(&swap.backup)?];
        Ok(swap)
    }

    /// The names alone.
    pub(super) fn names(c: &mut Call<'_, '_, '_>, kind: &str) -> Result<Self, Error> {
        let this = c.name("this")?;
        let existing = c.cached(&this)?;
        let kind = Value::from(kind);
        let target = c.typed(&this, &kind)?;
        let intermediate = c.run("make_intermediate_relation", std::slice::from_ref(&target))?;
        let backup_kind = if existing.is_none() {
            kind
        } else {
            attribute(&existing, "type")
        };
        let backup = c.run("make_backup_relation", &[target.clone(), backup_kind])?;
        Ok(Self {
            existing,
            target,
            intermediate,
            backup,
            left_over: [none(), none()],
        })
    }

    /// Drops what a run that broke off has left.
    pub(super) fn clear(&self, c: &mut Call<'_, '_, '_>) -> Result<(), Error> {
        for relation in &self.left_over {
            c.drop_if_there(relation.clone())?;
        }
        Ok(())
    }

    /// Puts the new relation in the place of the old one, which gets the backup's name.
    fn exchange(&mut self, c: &mut Call<'_, '_, '_>) -> Result<(), Error> {
        if !self.existing.is_none() {
            // A hook may have dropped it meanwhile.
            self.existing = c.cached(&self.existing)?;
            if !self.existing.is_none() {
                let names = [self.existing.clone(), self.backup.clone()];
                c.adapter("rename_relation", &names)?;
            }
        }
        c.adapter(
            "rename_relation",
            &[self.intermediate.clone(), self.target.clone()],
        )
        .map(drop)
    }

    /// Drops what was there, within the transaction of the swap: nothing is left over whenever the run breaks off.
    fn finish(self, c: &mut Call<'_, '_, '_>) -> Result<Value, Error> {
        if !self.existing.is_none() {
            c.drop_if_there(self.backup)?;
        }
        c.commit()?;
        Ok(relations(vec![self.target]))
    }
}

/// Always made anew, never replaced in place: columns may come, go and change type.
pub(super) fn view(c: &mut Call<'_, '_, '_>) -> Result<Value, Error> {
    let mut swap = Swap::new(c, "view")?;
    let grants = c.config("grants")?;
    c.hooks("pre_hooks", false)?;
    swap.clear(c)?;
    c.hooks("pre_hooks", true)?;
    let sql = c.name("sql")?;
    let block = Block::Of(
        "get_create_view_as_sql",
        vec![swap.intermediate.clone(), sql],
    );
    c.statement(Some("main"), block, false, true)?;
    swap.exchange(c)?;
    c.grant(&swap.target, &grants, &swap.existing, true)?;
    c.document(&swap.target)?;
    c.hooks("post_hooks", true)?;
    swap.finish(c)
}

/// Its indexes are there before readers see it.
pub(super) fn table(c: &mut Call<'_, '_, '_>) -> Result<Value, Error> {
    let mut swap = Swap::new(c, "table")?;
    let grants = c.config("grants")?;
    swap.clear(c)?;
    c.hooks("pre_hooks", false)?;
    c.hooks("pre_hooks", true)?;
    let (lasting, sql) = (Value::from(false), c.name("sql")?);
    let made = vec![lasting, swap.intermediate.clone(), sql];
    let block = Block::Of("get_create_table_as_sql", made);
    c.statement(Some("main"), block, false, true)?;
    c.run("create_indexes", std::slice::from_ref(&swap.intermediate))?;
    swap.exchange(c)?;
    c.hooks("post_hooks", true)?;
    c.grant(&swap.target, &grants, &swap.existing, true)?;
    c.document(&swap.target)?;
    swap.finish(c)
}
