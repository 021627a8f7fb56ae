//! Assignments of a process: to `state`, and to names that `let` has made.
use super::{Binding, Compiler, Scope, suggest};
use crate::diag::code;
use crate::simulate::frame::Code;
use crate::simulate::program::AssignCode;
use crate::simulate::spec::{Assign, Name, Src};
use crate::simulate::value::Type;
use std::collections::BTreeSet;

impl Compiler<'_> {
    pub(super) fn assigns(
        &mut self,
        path: &str,
        assigns: &[Assign],
        scope: &Scope,
        mutable: &BTreeSet<String>,
    ) -> Vec<AssignCode> {
        let mut out = Vec::new();
        for (i, assign) in assigns.iter().enumerate() {
            let field = format!("{path}.{i}");
            let condition = match &assign.condition {
                None => None,
                Some(src) => match self.machine_test(&format!("{field}.if"), src, scope) {
                    Some(test) => Some(test),
                    None => continue,
                },
            };
            let mut values = Vec::new();
            for (name, src) in &assign.state {
                let target = match scope.names.get("state") {
                    Some(Binding::Fields(fields)) => fields.get(&name.text).cloned(),
                    _ => None,
                };
                let Some((slot, ty)) = target else {
                    self.no_target(name, "state", scope);
                    continue;
                };
                let path = format!("state.{}", name.text);
                values.extend(self.assigned(
                    &format!("{field}.{path}"),
                    src,
                    scope,
                    slot,
                    &ty,
                    &path,
                ));
            }
            for (name, src) in &assign.names {
                let Some(Binding::Slot(slot, ty)) = scope
                    .names
                    .get(&name.text)
                    .filter(|_| mutable.contains(&name.text))
                    .cloned()
                else {
                    self.no_target(name, "let", scope);
                    continue;
                };
                let path = self.paths.get(&slot).cloned().unwrap_or_default();
                values.extend(self.assigned(
                    &format!("{field}.{}", name.text),
                    src,
                    scope,
                    slot,
                    &ty,
                    &path,
                ));
            }
            out.push(AssignCode { condition, values });
        }
        out
    }

    fn no_target(&mut self, name: &Name, what: &str, scope: &Scope) {
        let known: Vec<String> = match scope.names.get("state") {
            Some(Binding::Fields(fields)) => fields.keys().cloned().collect(),
            _ => Vec::new(),
        };
        let help = if what == "let" && known.contains(&name.text) {
            Some(format!(
                "`{}` is state: write {{state: {{{}: …}}}}",
                name.text, name.text
            ))
        } else {
            suggest(&name.text, known.iter().map(String::as_str))
                .map(|n| format!("did you mean `{n}`?"))
        };
        let message = format!(
            "{}: `{}` cannot be set: no such name in `{what}`",
            self.spec.name.text, name.text
        );
        self.say(code::M0806, name.span.clone(), message, help);
    }

    fn assigned(
        &mut self,
        field: &str,
        src: &Src,
        scope: &Scope,
        slot: usize,
        ty: &Type,
        path: &str,
    ) -> Option<(usize, Code)> {
        self.start(field);
        let typed = self.src(src, scope);
        self.keep();
        let typed = typed?;
        let found = typed.ty.clone();
        let joined = ty.join(&found);
        if let Some(joined) = &joined
            && joined != ty
            && self.hints.get(path) != Some(joined)
        {
            self.hints.insert(path.to_string(), joined.clone());
            self.hinted = true;
        }
        let code = joined.is_some().then(|| self.assign(typed, ty)).flatten();
        if code.is_none() && !self.hinted {
            let message = format!(
                "{}.{path}: it is {ty}, this value is {found}",
                self.spec.name.text
            );
            self.say(code::M0805, src.span.clone(), message, None);
        }
        Some((slot, code?))
    }
}
