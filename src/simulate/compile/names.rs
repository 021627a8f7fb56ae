//! Names that clash, hide others or stand for nothing.
use super::program::Above;
use super::{Binding, Compiler, Scope, suggest};
use crate::diag::code;
use crate::simulate::spec::{Column, Name, Parent, Spec};
use std::collections::BTreeMap;

impl Compiler<'_> {
    /// Names that would hide others, or stand twice.
    pub(super) fn check_names(&mut self, spec: &Spec) {
        let mut seen: BTreeMap<&str, &Name> = BTreeMap::new();
        for name in spec.columns.iter().map(|c| &c.name) {
            if seen.insert(&name.text, name).is_some() {
                self.say(
                    code::M0801,
                    name.span.clone(),
                    format!(
                        "{}.{}: two columns have this name",
                        spec.name.text, name.text
                    ),
                    None,
                );
            }
        }
        let curves = spec.curves.iter().map(|c| &c.name);
        for name in curves
            .chain(spec.columns.iter().map(|c| &c.name))
            .chain(spec.picks.iter().map(|p| &p.name))
        {
            let reserved = [
                "if", "case", "and", "or", "not", "null", "in", "is", "true", "false",
            ]
            .contains(&name.text.as_str());
            if reserved {
                self.say(
                    code::M0801,
                    name.span.clone(),
                    format!("{}.{}: this name is reserved", spec.name.text, name.text),
                    None,
                );
            }
        }
        for curve in &spec.curves {
            if super::functions::FUNCTIONS.contains(&curve.name.text.as_str())
                && !["week", "year", "month", "hour"].contains(&curve.name.text.as_str())
            {
                self.say(
                    code::M0801,
                    curve.name.span.clone(),
                    format!(
                        "{}.{}: a function has this name",
                        spec.name.text, curve.name.text
                    ),
                    Some("give the curve another name".into()),
                );
            }
        }
        for (set, index) in spec
            .unique
            .iter()
            .map(|s| (s, false))
            .chain(spec.indexes.iter().map(|s| (s, true)))
        {
            for name in set {
                let hidden = spec
                    .columns
                    .iter()
                    .find(|c| c.name.text == name.text)
                    .map(|c| c.hidden);
                // Hidden columns may be part of a key for lookups, but there is nothing to index.
                if hidden.is_none() || (index && hidden == Some(true)) {
                    let near = suggest(
                        &name.text,
                        spec.columns.iter().map(|c| c.name.text.as_str()),
                    )
                    .map(|n| format!("did you mean `{n}`?"));
                    let what = if hidden.is_some() {
                        "is hidden"
                    } else {
                        "does not exist"
                    };
                    self.say(
                        code::M0803,
                        name.span.clone(),
                        format!("{}: column `{}` {what}", spec.name.text, name.text),
                        near,
                    );
                }
            }
        }
    }

    pub(super) fn check_alias(&mut self, parent: &Parent, above: &Above) {
        let alias = &parent.alias;
        if ["day", "now", "state", "nth", "next_id", "start_date"].contains(&alias.text.as_str()) {
            self.say(
                code::M0801,
                alias.span.clone(),
                format!(
                    "{}: `{}` has a meaning of its own here",
                    self.spec.name.text, alias.text
                ),
                Some("call the parent's row something else: `per: table as name`".into()),
            );
        }
        debug_assert_eq!(self.model.find(&parent.table.text), Some(above.table));
    }

    pub(super) fn named_picks(&mut self, spec: &Spec, scope: &mut Scope) {
        for (i, pick) in spec.picks.iter().enumerate() {
            scope.names.insert(pick.name.text.clone(), Binding::Pick(i));
            if self.model.find(&pick.table.text).is_none() {
                let near =
                    suggest(&pick.table.text, self.model.names()).and_then(|n| self.model.find(n));
                let help = near.map(|id| format!("did you mean {}?", self.model.describe(id)));
                self.say(
                    code::M0803,
                    pick.table.span.clone(),
                    format!(
                        "{}.{}: no node `{}`",
                        spec.name.text, pick.name.text, pick.table.text
                    ),
                    help,
                );
            }
        }
    }

    pub(super) fn check_reference(&mut self, column: &Column) {
        let Some(reference) = &column.references else {
            return;
        };
        let Some((table, name)) = reference.text.split_once('.') else {
            return;
        };
        let start = reference.span.start;
        let table = Name {
            text: table.into(),
            span: reference.span.clone(),
        };
        let other = Name {
            text: name.into(),
            span: start..reference.span.end,
        };
        if let Some((id, i)) = self.table_column(&table, &other, &column.name.text) {
            let found = &self.model.tables[id].columns[i];
            let unknown = found.sql.is_none();
            if !unknown && found.ty.join(&column.sql.value_type()).is_none() {
                let message = format!(
                    "{}.{}: the column is {}, `{}` is {}",
                    self.spec.name.text, column.name.text, column.sql, reference.text, found.ty
                );
                self.say(code::M0805, reference.span.clone(), message, None);
            }
        }
    }
}
