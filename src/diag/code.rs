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
    D0601 "The database server cannot be reached: it does not run, or `host` and `port` name another place."
    D0602 "The SQL names a relation, column, function, type or schema that does not exist. A name written without quotes is read in lower case."
    D0603 "The server refuses the login: the password or the role is wrong, or its pg_hba.conf has no line for you."
    D0604 "The server has no database of this name."
    D0605 "The role lacks a privilege. The owner of the object must grant it."
    D0606 "PostgreSQL cannot understand the SQL. The mistake stands at the place shown or just before it."
    D0607 "A value does not fit: a division by zero, a text that is no number or date, a number out of range."
    D0608 "Rows break a constraint: not null, unique, foreign key or check."
    D0609 "The connection to the server was lost in the middle of work. What was not committed is undone."
    D0610 "A statement was cancelled: by the user, by another session or by a time limit of the server."
    D0611 "Two sessions stood in each other's way: a deadlock, a serialization failure or a lock that was not free in time."
    D0612 "The server is out of something: connections, memory, disk space; or it is starting up or shutting down."
    D0613 "The encrypted connection cannot be made: a certificate or key is missing, unreadable or not trusted, or the server does not encrypt."
    D0614 "Other objects depend on the one that is to be dropped or changed, or somebody uses it."
    D0615 "An object of this name exists already, or a name is used twice."
    D0616 "Types do not fit together, or PostgreSQL cannot find out which is meant. A cast (`x::type`) helps."
    D0617 "The server reports an error of a rare kind; its SQLSTATE is in the appendix of PostgreSQL's manual."
    D0618 "The statement does not fit the state of the transaction; after an error a transaction can only be rolled back."
    D0619 "The connection URL or a `PG*` variable cannot be understood."
    D0620 "The session cannot be used in this way: an empty text, COPY as a plain statement, or a value that is not UTF-8."
    D0621 "This server does not have the feature that the SQL asks for; often it is too old for it."
    D0622 "A function or a block of PL/pgSQL raised an error itself."
    D0630 "No PostgreSQL was found to start a private server with. Looked for, in this order: a server named in the profile or in DATABASE_URL or PG*, the folder named by TV1_PG_BIN, the PATH, the usual places of the system, and the programs carried in tv1 itself."
    D0631 "The project's private database was made by another major version of PostgreSQL than the one at hand. A cluster is only ever opened by the version that made it."
    D0632 "The private server has no account to run as: PostgreSQL refuses to run as root."
    D0633 "The project's private database could not be made."
    D0634 "The project's private server did not start. Its log says why."
    D0635 "The project's private server did not stop."
    D0636 "The folder of the private database cannot be used: it cannot be made, locked or entered."
    D0637 "There is no private server for this project, or it does not run."
    D0638 "A program of PostgreSQL that the command needs is not on this machine."
    G0401 "A `ref`, `source`, `metric` or group names something that is not in the project, or that is switched off. The nearest name is suggested."
    G0402 "Two resources of one kind have the same name, so that a reference could mean either."
    G0403 "Two properties entries describe the same resource."
    G0404 "Nodes need each other in a circle, so that none can be built first. The path is shown with the reference that closes it."
    G0405 "A properties entry describes something that does not exist; it has no effect."
    G0406 "A model is used where its access (`private`, or `protected` in a package with `restrict-access`) does not allow it."
    G0407 "A Python model cannot be read: it needs one function `model(dbt, session)` that returns a data frame, and literals as arguments of `dbt.ref`, `dbt.source` and `dbt.config`."
    G0408 "Two resources would be written to the same relation."
    G0409 "A seed file cannot be read as a table: a row has more cells than the header, or the quoting is broken."
    G0410 "A node cannot be run as it is configured."
    G0411 "A `materialized` names a materialization that neither the project, its packages nor tv1 has."
    G0413 "A resource has a name with spaces. The flag `require_resource_names_without_spaces: false` in dbt_project.yml makes a warning of it."
    G0412 "A generic test is used that neither the project, its packages nor tv1 defines. It is a macro named `test_NAME`, written as `{% test NAME(model, …) %}`."
    G0414 "A model is past the day until which it was to be kept (`deprecation_date`). It still works; those who read it should have moved on."
    G0415 "A model that is no table has constraints. Only tables have constraints in PostgreSQL, so these have no effect."
    G0416 "A source has limits for its age (`freshness`), but no `loaded_at_field` or `loaded_at_query` that tells it."
    J0301 "A template cannot be read: a tag, an expression or a block is not written as Jinja wants it, at the place shown."
    J0302 "Two macros of one package have the same name. Rename or remove one of them."
    J0303 "An end tag such as `{% endmacro %}` ends nothing. Remove it, or write the beginning that it lacks."
    J0304 "Rendering a template failed: something undefined was used, or an operation is not possible with these values. The macros that were running are listed."

    M0801 "A simulation file is not of the form it should have: a key is missing, two exclude each other, or a value has the wrong type. docs/simulations.md shows every construct."
    M0802 "A key is not known in this place of a simulation file. Check the spelling; the nearest known key is suggested."
    M0803 "A simulation names something that does not fit: weights that do not sum to 1, a table or column that does not exist."
    M0804 "An expression cannot be read. Text stands in single quotes, and an expression with a comma inside { } needs double quotes around the whole of it, because YAML would cut it in two."
    M0805 "Types do not fit: an expression, a weight's value or a key has another type than its place asks for."
    M0806 "A name or function is not known here. Names are made from top to bottom: columns, then `let` names, each visible below. Functions that would break determinism, such as now(), do not exist."
    M0807 "A rule of `when` can never match, because rules above it take all of its cases or its condition is never true. All cases of its inputs were tried."
    M0808 "The rules of `when` leave cases without a value, there is no `else`, and the column is not `nullable: true`."
    M0809 "Simulations read each other in a circle, so none can be made first."
    M0810 "Rows could not be made: an expression failed for the row named, an id overflowed, a pick had nothing to choose from, or a table is too large for memory."
    M0811 "A check of a simulation failed. The table as it was before is still in place."
    M0812 "A simulation's table cannot be replaced because something depends on it that tv1 cannot make again."
    J0305 "A template raised a warning by `exceptions.warn`."
    J0306 "A macro that was asked for by name does not exist."
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
    P0116 "Models ask for batches side by side (`concurrent_batches: true`); on PostgreSQL they run one after the other, as in dbt."
    P0117 "A project's own macro `collect_freshness` gives back a table alone, as in dbt before 1.5. It should return the result of `load_result`."
    P0113 "`clean` removes only folders inside the project that hold no sources."
    P0114 "A new project could not be written, or its folder already has something in it. `init` never writes over files."
    P0115 "The name of a new project is missing or cannot be one: letters, digits and `_`, no digit in front, none of the words that templates use."
    R0701 "A semantic model or metric cannot be understood: an aggregation, a window, an expression or a way to the calendar is not of the right form."
    R0702 "A query names a metric, a dimension or a grain that does not exist, or that the metrics asked for do not share."
    R0703 "A metric cannot be grouped or filtered by a dimension without counting rows more than once. `filter: both` on the foreign entity that leads back makes every row count once for each value."
    R0704 "A definition in the semantic layer is sound SQL but likely to be wrong: two metrics with the same definition, a share that is always 1, a column that the relation does not have, two ways to the calendar."
    R0705 "A metric or column cannot be expressed in Power BI. `config.meta.bi.dax` gives a formula by hand."
    R0706 "The exported files are not what the project says. Export again, or take back the change in the files."
    R0707 "A Power BI project that is to be taken over cannot be read."
    R0708 "A report page cannot be understood: a tile, slicer or parameter is not of the right form, or names something that does not exist."
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
    T0701 "A test with severity `warn` found rows. With `--warn-error`, or `LogTestResult` among the errors of `--warn-error-options`, it fails."
    S0514 "The folder of `--state` is the target folder of this run, so the run overwrites what it compares with. Copy the artefacts to a folder of their own."
    U0801 "Two options exclude each other. The note says where each of them comes from."
    U0802 "An entry of the project's `flags:` block has a value that the flag cannot take."
    U0803 "A flag of the project's `flags:` block is not known, but looks like one that is. dbt ignores unknown flags; so does tv1, and says so when it looks like a typing error."
    U0804 "The command exists in dbt or in a later version of tv1, but not in this one."
    U0805 "There is no diagnostic with this code."
    U0807 "The command needs to be told what to work on; the help line shows how."
    U0806 "A server cannot listen on the host and port asked for: another program uses the port, or the address is not one of this machine."
    K0901 "An entry of packages.yml or dependencies.yml cannot be read. An entry has one of the keys `package` (with `version`), `git` (with `revision`), `local` or `tarball` (with `name`), and no keys that belong to another kind."
    K0902 "Packages are listed in packages.yml and in dependencies.yml. Keep them in one: packages.yml is rendered with Jinja, dependencies.yml is not and may also list projects."
    K0903 "The version of a package cannot be: it is not of the form MAJOR.MINOR.PATCH with one of `=`, `>`, `>=`, `<`, `<=` in front, or the conditions on it contradict each other."
    K0904 "The package hub has no such package, or no version of it that meets all conditions and fits this version of dbt."
    K0905 "Something could not be fetched from the network. Nothing has been changed: the packages that were installed still are."
    K0906 "git could not fetch a package: the repository, the revision or the folder in it is not there, or git is not installed."
    K0907 "The archive of a package cannot be unpacked, holds no dbt project, or wants to write outside its folder."
    K0908 "A folder that should be a package is none: it is missing, or has no project file with a name."
    K0909 "Two packages have the same project name, or one has that of the root project. Names must be unique, since macros and models are found by them."
    K0910 "Fewer packages are installed than packages.yml or dependencies.yml lists. Run `tv1 deps`."
    K0911 "Several entries, perhaps in different packages, ask for one repository at different revisions; only one can be installed."
    K0912 "A `private:` package needs a git provider that only the hosted service knows. Use a `git:` entry."
    K0913 "package-lock.yml cannot be read. `tv1 deps --upgrade` writes it anew."
    K0914 "A file or folder of a package could not be read or written."
    K0915 "A package given with `--add-package` lacks something."
}

/// The explanation of a code, by its name in any case.
pub fn explain(id: &str) -> Option<(&'static str, &'static str)> {
    ALL.iter()
        .find(|(c, _)| c.eq_ignore_ascii_case(id))
        .copied()
}
