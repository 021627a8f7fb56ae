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

    S0501 "A selection names a method that does not exist, as `tga:` for `tag:`. The methods are fqn, tag, group, access, source, exposure, metric, semantic_model, saved_query, unit_test, path, file, package, config, resource_type, test_name, test_type, version, state, result and source_status."
    S0502 "A selection criterion is not well formed. `@` takes all descendants already, so a `+` after the value contradicts it; criteria are separated by blanks, not by line breaks."
    S0503 "The value of a selection criterion is not one that its method can look for, for example a resource type that does not exist or an absolute path."
    S0504 "A selection criterion matches nothing that is enabled. Perhaps a name is misspelled, or what it names is disabled. As in dbt this is a warning only: the other criteria still count."
    S0505 "The methods `state:`, `result:` and `source_status:` compare with an earlier run. Say with `--state DIR` where its `manifest.json`, `run_results.json` or `sources.json` is; `source_status:` also needs the current `sources.json`."
    S0506 "An artefact of the `--state` folder cannot be read: it is no JSON, or not of the form that dbt and tv1 write."
    S0507 "An artefact of the `--state` folder has a schema version that cannot be compared with. Write it anew with this version."
    S0508 "A model with versions breaks its enforced contract compared with the earlier manifest: a column or constraint was removed, a data type changed, the contract was switched off, or the model is gone. Those who read this version rely on it: add a new version instead, or restore the contract."
    S0509 "A model without versions breaks its enforced contract compared with the earlier manifest. This is allowed, but those who read the model may have to follow."
    S0510 "`selectors.yml` is not of the right form. It has one key `selectors` with a list of `{name, description, default, definition}`; a definition is a criterion (a text, `{method: value}`, or a mapping with `method` and `value`) or a single `union` or `intersection` with a list."
    S0511 "A selector is named that does not exist. A selector can inherit only from selectors that stand before it in the file."
    S0512 "More than one selector has `default: true`. Only one can apply when nothing is asked for."
    S0513 "A part of `selectors.yml` has no effect, although it looks as if it had. dbt leaves it out of account silently."
}

/// The explanation of a code, by its name in any case.
pub fn explain(id: &str) -> Option<(&'static str, &'static str)> {
    ALL.iter()
        .find(|(c, _)| c.eq_ignore_ascii_case(id))
        .copied()
}
