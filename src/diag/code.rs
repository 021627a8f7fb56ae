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
    G0401 "A `ref`, `source`, `metric` or group names something that is not in the project, or that is switched off. The nearest name is suggested."
    G0402 "Two resources of one kind have the same name, so that a reference could mean either."
    G0403 "Two properties entries describe the same resource."
    G0404 "Nodes need each other in a circle, so that none can be built first. The path is shown with the reference that closes it."
    G0405 "A properties entry describes something that does not exist; it has no effect."
    G0406 "A model is used where its access (`private`, or `protected` in a package with `restrict-access`) does not allow it."
    G0407 "A Python model: these need a warehouse that runs Python; PostgreSQL does not."
    G0408 "Two resources would be written to the same relation."
    G0409 "A seed file cannot be read as a table: a row has more cells than the header, or the quoting is broken."
    G0410 "A node cannot be run as it is configured."
    J0305 "A template raised a warning by `exceptions.warn`."
    P0101 "A file or folder of the project cannot be read or written. The operating system's reason is shown."
    P0102 "No project file was found. tv1 looks for `project.yml`, then `dbt_project.yml`, in the project folder and the folders above it; `tv1 init` makes a new project."
    P0103 "The project file has a value that cannot be used, for example a name that is not a word."
    P0104 "The project asks for another version of the tool than this one (`require-dbt-version`); `--no-version-check` goes on all the same."
    P0105 "A value in a YAML file is a Jinja expression that cannot be evaluated."
    P0106 "The profile cannot be used: the file, the profile, the target or one of its keys is missing or wrong."
    P0107 "A command-line value (`--vars`, `--args`) is not a YAML mapping."
    P0108 "An environment variable that the project needs is not set."
    P0109 "Paths in the project file's configuration match no node, so they have no effect. A folder must stand below the project's name."
    P0110 "Something old is used that still works; the newer way is named."
    P0111 "A configuration value has the wrong type or is not one of the allowed words."
    P0112 "Two settings contradict each other."
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
