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
                for e in errors {
                    self.sink.push(e);
                }
                index.none()
            }
        };
        for w in warnings {
            self.sink.push(w);
        }
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
                .event("NoNodesForSelectionCriteria")
                .fact("spec_raw", expected.text.as_str())
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::select::{Purpose, Types, filter, fixture};
    use proptest::prelude::*;
    use serde_json::{Map, Value, json};
    use std::collections::BTreeSet;

    /// A manifest of `(unique id, parents)`; the kind is the id's first word.
    fn manifest(entries: &[(&str, &[&str])]) -> Manifest {
        let mut sections: [Map<String, Value>; 2] = Default::default();
        for (id, parents) in entries {
            let kind = id.split('.').next().unwrap();
            let name = id.rsplit('.').next().unwrap();
            let entry = json!({
                "resource_type": kind, "unique_id": id, "name": name, "package_name": "p", "fqn": ["p", name],
                "source_name": "raw", "original_file_path": format!("models/{name}.sql"), "raw_code": "select 1",
                "depends_on": {"nodes": parents}, "simulation": name.strip_prefix("sim_"),
            });
            let section = usize::from(kind == "source");
            sections[section].insert((*id).to_string(), entry);
        }
        let [nodes, sources] = sections;
        let empty = json!({});
        fixture::manifest(&json!({
            "metadata": {"project_name": "p"}, "nodes": nodes, "sources": sources, "exposures": empty,
            "metrics": empty, "semantic_models": empty, "saved_queries": empty, "unit_tests": empty,
            "macros": empty, "disabled": empty,
        }))
    }

    fn run(
        manifest: &Manifest,
        select_: &[&str],
        exclude: &[&str],
        indirect: Indirect,
    ) -> BTreeSet<String> {
        let own = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<Vec<_>>();
        let request = Request {
            select: &own(select_),
            exclude: &own(exclude),
            indirect,
            ..Request::default()
        };
        select(manifest, &Dag::new(manifest), &request).unwrap().ids
    }

    fn ids(texts: &[&str]) -> BTreeSet<String> {
        texts.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn simulations_are_sources_and_have_a_type_of_their_own() {
        let mut m = manifest(&[
            ("source.p.raw.plain", &[]),
            ("source.p.raw.sim_users", &[]),
            ("source.p.raw.sim_views", &[]),
            ("model.p.a", &["source.p.raw.sim_views"]),
        ]);
        // What a simulation reads is above it in the graph.
        m.sources["source.p.raw.sim_views"].depends_on = vec!["source.p.raw.sim_users".into()];
        let pick = |texts: &[&str]| run(&m, texts, &[], Indirect::Eager);
        let simulated = ids(&["source.p.raw.sim_users", "source.p.raw.sim_views"]);
        assert_eq!(pick(&["resource_type:simulation"]), simulated);
        assert_eq!(pick(&["source:raw.sim_*"]), simulated);
        assert_eq!(pick(&["resource_type:source"]).len(), 3);
        assert_eq!(pick(&["+source:raw.sim_views"]), simulated);
        assert_eq!(pick(&["source:raw.sim_users+"]).len(), 3);
        let types = |include: &[&str], exclude: &[&str]| {
            let own = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<Vec<_>>();
            let types = Types::parse(Purpose::List, &own(include), &own(exclude)).unwrap();
            filter(&m, &pick(&["*", "source:*"]), &types).len()
        };
        assert_eq!(types(&["simulation"], &[]), 2);
        assert_eq!(types(&["source"], &[]), 3);
        assert_eq!(types(&["source"], &["simulation"]), 1);
        assert_eq!(types(&["source", "simulation"], &["source"]), 2);
    }

    #[test]
    fn blank_nodes_are_walked_through_and_dropped_at_the_end() {
        let mut m = manifest(&[
            ("model.p.a", &[]),
            ("model.p.blank", &["model.p.a"]),
            ("model.p.c", &["model.p.blank"]),
        ]);
        m.nodes["model.p.blank"].raw_code = " \n".into();
        let found = run(&m, &["a+"], &[], Indirect::Eager);
        assert_eq!(found.len(), 3);
        let remaining = |purpose| filter(&m, &found, &Types::of(purpose)).len();
        assert_eq!(remaining(Purpose::Run), 2);
        assert_eq!(remaining(Purpose::List), 3);
    }

    #[test]
    fn all_errors_of_a_request_are_reported_at_once() {
        let m = manifest(&[("model.p.a", &[])]);
        let request = Request {
            select: &["resource_type:modle version:new a,source:a.b.c.d".to_string()],
            exclude: &["state:modified".to_string(), "models/**.sql".to_string()],
            ..Request::default()
        };
        let e = select(&m, &Dag::new(&m), &request).unwrap_err();
        insta::assert_snapshot!(e.to_string());
    }

    #[test]
    fn what_matches_nothing_is_warned_about_where_it_stands() {
        let m = manifest(&[("model.p.a", &[])]);
        let request = Request {
            select: &["a nope tag:x,a".to_string()],
            ..Request::default()
        };
        let found = select(&m, &Dag::new(&m), &request).unwrap();
        let places: Vec<_> = found
            .warnings
            .iter()
            .map(|w| w.labels[0].place.show())
            .collect();
        assert_eq!(places, ["--select:1:3", "--select:1:8"]);
        assert_eq!(found.ids, ids(&["model.p.a"]));
    }

    /// Random projects: each model needs earlier ones, each test any of them.
    fn projects() -> impl Strategy<Value = Manifest> {
        let models = prop::collection::vec(
            prop::collection::vec(any::<prop::sample::Index>(), 0..3),
            1..12,
        );
        let tests = prop::collection::vec(
            prop::collection::vec(any::<prop::sample::Index>(), 0..3),
            0..12,
        );
        (models, tests).prop_map(|(models, tests)| {
            let name = |i: usize| format!("model.p.m{i}");
            let mut entries: Vec<(String, Vec<String>)> = Vec::new();
            for (i, parents) in models.iter().enumerate() {
                let parents = parents
                    .iter()
                    .filter(|_| i > 0)
                    .map(|p| name(p.index(i)))
                    .collect();
                entries.push((name(i), parents));
            }
            for (i, parents) in tests.iter().enumerate() {
                let parents = parents
                    .iter()
                    .map(|p| name(p.index(models.len())))
                    .collect();
                entries.push((format!("test.p.t{i}"), parents));
            }
            let refs: Vec<(&str, Vec<&str>)> = entries
                .iter()
                .map(|(id, parents)| (id.as_str(), parents.iter().map(String::as_str).collect()))
                .collect();
            let refs: Vec<(&str, &[&str])> =
                refs.iter().map(|(id, p)| (*id, p.as_slice())).collect();
            manifest(&refs)
        })
    }

    fn criteria(max: usize) -> impl Strategy<Value = Vec<String>> {
        prop::collection::vec(
            "[@]?m[0-9]|\\+?m[0-9]|1?\\+?m[0-9]\\+1?|t[0-9]|m\\*|resource_type:test",
            0..max,
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        // With intersections and exclusions the modes do not contain each other, in dbt neither: a test that one
        // part takes and another only meets is judged by all parts together.
        #[test]
        fn unions_grow_from_mode_to_mode(m in projects(), texts in criteria(4)) {
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let found = |mode| run(&m, &texts, &[], mode);
            let [eager, cautious, buildable, empty] = Indirect::ALL.map(found);
            prop_assert!(empty.is_subset(&cautious));
            prop_assert!(cautious.is_subset(&buildable));
            prop_assert!(buildable.is_subset(&eager));
        }

        #[test]
        fn exclusion_always_wins(m in projects(), texts in criteria(4), out in criteria(3)) {
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let out: Vec<&str> = out.iter().map(String::as_str).collect();
            prop_assume!(!out.is_empty());
            for mode in Indirect::ALL {
                let excluded = run(&m, &out, &[], mode);
                prop_assert!(run(&m, &texts, &out, mode).is_disjoint(&excluded));
            }
        }

        #[test]
        fn only_tests_join_uninvited(m in projects(), texts in criteria(4)) {
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let empty = run(&m, &texts, &[], Indirect::Empty);
            let eager = run(&m, &texts, &[], Indirect::Eager);
            prop_assert!(eager.difference(&empty).all(|id| id.starts_with("test.")));
        }

        #[test]
        fn operators_follow_the_graph(m in projects(), i in 0usize..12, depth in 0usize..4) {
            let id = format!("model.p.m{i}");
            prop_assume!(m.nodes.contains_key(&id));
            let dag = Dag::new(&m);
            let found = |text: String| run(&m, &[text.as_str()], &[], Indirect::Empty);
            let with = |mut set: BTreeSet<String>| { set.insert(id.clone()); set };
            prop_assert_eq!(found(format!("+m{i}")), with(dag.ancestors(&id, None)));
            prop_assert_eq!(found(format!("m{i}+")), with(dag.descendants(&id, None)));
            prop_assert_eq!(found(format!("{depth}+m{i}")), with(dag.ancestors(&id, Some(depth))));
            prop_assert_eq!(found(format!("m{i}+{depth}")), with(dag.descendants(&id, Some(depth))));
            let below = with(dag.descendants(&id, None));
            let mut at = below.clone();
            for b in &below {
                at.extend(dag.ancestors(b, None));
            }
            prop_assert_eq!(found(format!("@m{i}")), at);
        }
    }
}
