//! The stable codes of diagnostics, each with a paragraph that `tv1 explain CODE` prints.
//!
//! One table a phase: `P` project files, `Y` YAML, `J` Jinja, `G` graph, `S` selection, `D` database, `T` tests,
//! `M` simulations, `K` packages, `R` reporting, `U` usage, `A` artefacts of earlier runs.

/// A stable code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Code(pub &'static str);

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

macro_rules! codes {
    ($($id:ident $explain:literal)*) => {
        $(#[doc = $explain] pub const $id: Code = Code(stringify!($id));)*
        /// Every code with its explanation, in order.
        pub const ALL: &[(&str, &str)] = &[$((stringify!($id), $explain)),*];
    };
}

codes! {
    A0801 "A file that an earlier run should have left (`manifest.json`, `run_results.json`, …) is missing or cannot be read. The help line names the command that writes it."
    A0802 "A file of an earlier run is not JSON any more, for example because the disk was full. Delete it and write it anew."
    A0803 "A file of an earlier run follows another version of its schema than the ones read here, or is another file altogether."
    Y0201 "A YAML file cannot be read as YAML: the indentation, a quote or a bracket is wrong at the place shown or just before it."
    Y0202 "The same key stands twice in one mapping. As in dbt the last one wins; remove the other."
    Y0203 "A value has the wrong type or form, for example a list where one word is wanted."
    Y0204 "A key is not known here. Check the spelling; the nearest known key is suggested."
    Y0205 "A required key is missing."
}

/// The explanation of a code, by its name in any case.
pub fn explain(id: &str) -> Option<(&'static str, &'static str)> {
    ALL.iter()
        .find(|(c, _)| c.eq_ignore_ascii_case(id))
        .copied()
}
