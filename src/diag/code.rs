//! The stable codes of diagnostics, each with a paragraph that `tv1 explain CODE` prints.
//!
//! One table a phase: `P` project files, `Y` YAML, `J` Jinja, `G` graph, `S` selection, `D` database, `T` tests,
//! `M` simulations, `K` packages, `R` reporting, `U` usage.

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
    Y0201 "A YAML file cannot be read as YAML: the indentation, a quote or a bracket is wrong at the place shown or just before it."
    Y0202 "The same key stands twice in one mapping. As in dbt the last one wins; remove the other."
    Y0203 "A value has the wrong type or form, for example a list where one word is wanted."
    Y0204 "A key is not known here. Check the spelling; the nearest known key is suggested."
    Y0205 "A required key is missing."

    U0801 "Two options exclude each other. The note says where each of them comes from."
    U0802 "An entry of the project's `flags:` block has a value that the flag cannot take."
    U0803 "A flag of the project's `flags:` block is not known, but looks like one that is. dbt ignores unknown flags; so does tv1, and says so when it looks like a typing error."
}

/// The explanation of a code, by its name in any case.
pub fn explain(id: &str) -> Option<(&'static str, &'static str)> {
    ALL.iter()
        .find(|(c, _)| c.eq_ignore_ascii_case(id))
        .copied()
}
