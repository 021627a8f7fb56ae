//! Evaluates a definition: graph operators, sets, and the tests that join indirectly.
//!
//! In: a manifest, its graph and a request. Out: the ids selected, of all resource types. Every part of a definition
//! yields two sets, as in dbt: what it selects, and besides that the tests next to it that it could not take; sets of
//! parts look at the latter again, because together the parts may hold all that such a test needs.
use super::grammar::{Criterion, Definition, Op, Reach, Set, parse};
use super::index::{Entries, Index};
use super::method::Context;
use super::{Indirect, Request, Selection};
use crate::diag::{Diagnostic, Result, Sink, code};
use crate::graph::{Dag, Manifest};

/// Selects entries of a manifest.
///
/// `dag` is the graph of who needs whom, without edges added for scheduling. The ids are of all resource types: see
/// [`super::filter`].
///
/// # Errors
/// All that is wrong with the request, S05xx.
pub fn select(manifest: &Manifest, dag: &Dag, request: &Request<'_>) -> Result<Selection> {
    let parsed;
    let definition = match request.selector {
        Some(selector) => selector,
        None => {
            parsed = parse(request.select, request.exclude)?;
            &parsed
        }
    };
    let index = Index::new(manifest, dag);
    let mut evaluation = Evaluation {
        context: Context::new(manifest, &index, request.state),
        indirect: request.indirect,
        sink: Sink::default(),
    };
    let found = evaluation.definition(definition);
    let warnings = evaluation.sink.finish()?;
    let id = |i: usize| index.entries[i].unique_id().to_string();
    Ok(Selection {
        ids: found.direct.iter().map(id).collect(),
        warnings,
    })
}

struct Evaluation<'a> {
    context: Context<'a>,
    indirect: Indirect,
    sink: Sink,
}

/// What a part of a definition selects.
struct Found {
    /// What it selects, tests that joined included.
    direct: Entries,
    /// The same, and the tests next to it that it could not take.
    near: Entries,
}

impl Evaluation<'_> {
    fn definition(&mut self, definition: &Definition) -> Found {
        match definition {
            Definition::Criterion(c) => self.criterion(c),
            Definition::Set(s) => self.set(s),
        }
    }

    fn criterion(&mut self, c: &Criterion) -> Found {
        let index = self.context.index;
        let mut warnings = Vec::new();
        let mut direct = match self.context.search(c, &mut warnings) {
            Ok(found) => found,
            Err(errors) => {
                errors.into_iter().for_each(|e| self.sink.push(e));
                index.none()
            }
        };
        warnings.into_iter().for_each(|w| self.sink.push(w));
        let neighbours = self.neighbours(c, &direct);
        direct.add(&neighbours);
        let mode = c.indirect.unwrap_or(self.indirect);
        if mode == Indirect::Empty {
            let near = direct.clone();
            return Found { direct, near };
        }
        let wide = (mode == Indirect::Buildable).then(|| index.buildable(&direct));
        let mut near = direct.clone();
        let mut joining = Vec::new();
        for (test, needs) in index.tests_below(&direct) {
            near.insert(test);
            let within =
                |set: &Entries| needs.is_some_and(|n| n.iter().all(|p| set.has(*p as usize)));
            if mode == Indirect::Eager || within(&direct) || wide.as_ref().is_some_and(within) {
                joining.push(test);
            }
        }
        for test in joining {
            direct.insert(test);
        }
        Found { direct, near }
    }

    /// What the graph operators add.
    fn neighbours(&self, c: &Criterion, found: &Entries) -> Entries {
        let index = self.context.index;
        let mut out = index.none();
        if c.childrens_parents {
            let mut below = index.descendants(found, Reach::All);
            below.add(found);
            out.add(&index.ancestors(&below, Reach::All));
            out.add(&below);
        }
        if c.parents != Reach::None {
            out.add(&index.ancestors(found, c.parents));
        }
        if c.children != Reach::None {
            out.add(&index.descendants(found, c.children));
        }
        out
    }

    fn set(&mut self, set: &Set) -> Found {
        let errors = self.sink.said.len();
        let mut parts = set.parts.iter();
        let none = self.context.index.none();
        let mut found = match parts.next() {
            Some(first) => self.definition(first),
            None => Found {
                direct: none.clone(),
                near: none,
            },
        };
        for part in parts {
            let part = self.definition(part);
            let combine = match set.op {
                Op::Union => Entries::add,
                Op::Intersection => Entries::keep,
                Op::Difference => Entries::remove,
            };
            combine(&mut found.direct, &part.direct);
            combine(&mut found.near, &part.near);
        }
        self.look_again(set.indirect.unwrap_or(self.indirect), &mut found);
        if let Some(expected) = &set.expected
            && found.direct.is_empty()
            && self.sink.said.len() == errors
        {
            self.sink.push(
                Diagnostic::warning(
                    code::S0504,
                    format!(
                        "The selection criterion '{}' does not match any enabled nodes",
                        expected.text
                    ),
                )
                .at(expected.place.clone()),
            );
        }
        found
    }

    /// Takes the tests next to the set that the whole of it has all needs of.
    fn look_again(&self, mode: Indirect, found: &mut Found) {
        let index = self.context.index;
        let base = match mode {
            Indirect::Eager | Indirect::Empty => return,
            Indirect::Cautious => found.direct.clone(),
            Indirect::Buildable => index.buildable(&found.direct),
        };
        for test in found.near.iter() {
            let needs = index.needs(test);
            if needs.is_some_and(|n| n.iter().all(|p| base.has(*p as usize))) {
                found.direct.insert(test);
            }
        }
    }
}
