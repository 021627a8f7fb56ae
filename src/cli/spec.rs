//! What an option and a command are, before clap or the environment come into it.
//!
//! `options` and `commands` are tables of these; `grammar` makes clap's parser of them, `read` reads their values
//! from text, `layers` settles which source of a value wins. Nothing here knows what a value is used for.

/// What kind of value an option takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `--x`, and `--no-x` where `negation` says so.
    Switch {
        /// Whether `--no-x` exists.
        negation: bool,
    },
    /// Any text.
    Text,
    /// A whole number.
    Int,
    /// A whole number from 1 to 65535.
    Port,
    /// A number of threads: from 1.
    Threads,
    /// A path that need not exist.
    Path,
    /// A folder that must exist.
    Folder,
    /// One of these words, in any case.
    Choice(&'static [&'static str]),
    /// One or more words; each may hold several, parted by blanks.
    Many,
    /// Texts, one each time the option is given.
    Texts,
    /// One or more of these words, in any case.
    ManyOf(&'static [&'static str]),
    /// A YAML mapping.
    Mapping,
    /// dbt's `warn_error_options` mapping.
    WarnErrorOptions,
    /// A moment: `2024-01-01`, `2024-01-01T10:00:00` or with a blank for the `T`.
    Moment,
    /// A day: `2024-01-01`.
    Day,
    /// A sample window: `3 days` or `{start: …, end: …}`.
    Sample,
    /// A package: `NAME` or `NAME@VERSION`.
    Package,
}

impl Kind {
    /// Whether the option stands alone, without a value.
    pub fn is_switch(self) -> bool {
        matches!(self, Kind::Switch { .. })
    }

    /// Whether the option takes several values.
    pub fn is_many(self) -> bool {
        matches!(self, Kind::Many | Kind::ManyOf(_))
    }
}

/// Which environment variables set an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Env {
    /// None.
    No,
    /// `TV1_<NAME>` only.
    Own,
    /// `TV1_<NAME>`, `DBT_ENGINE_<NAME>`, `DBT_<NAME>`; the first that is set and not empty counts.
    Dbt,
}

/// A value that holds when nobody says anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standard {
    /// Nothing.
    Null,
    /// A boolean.
    Bool(bool),
    /// A number.
    Int(i64),
    /// Text.
    Text(&'static str),
    /// An empty list.
    Empty,
    /// An empty mapping.
    EmptyMap,
}

/// Where an option stands in the help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heading {
    /// The command's own options.
    Own,
    /// Options that every command takes.
    Global,
    /// Accepted, works, but not shown.
    Hidden,
}

/// An option of the command line.
#[derive(Debug)]
pub struct Opt {
    /// Name with underscores, as in `flags.X`, environment variables and artefacts.
    pub name: &'static str,
    /// Short form.
    pub short: Option<char>,
    /// Further long forms.
    pub aliases: &'static [&'static str],
    /// Further short forms.
    pub short_aliases: &'static [char],
    /// What it takes.
    pub kind: Kind,
    /// Environment.
    pub env: Env,
    /// Value that holds when nobody says anything.
    pub standard: Standard,
    /// Place in the help.
    pub heading: Heading,
    /// Name of the value in the help.
    pub value: &'static str,
    /// Help text.
    pub help: &'static str,
}

impl Opt {
    /// An option that only one command takes, without a short form or environment variables.
    pub const fn new(
        name: &'static str,
        kind: Kind,
        standard: Standard,
        help: &'static str,
    ) -> Self {
        Self {
            name,
            short: None,
            aliases: &[],
            short_aliases: &[],
            kind,
            env: Env::No,
            standard,
            heading: Heading::Own,
            value: "",
            help,
        }
    }

    /// `--x`: off unless given.
    pub const fn flag(name: &'static str, help: &'static str) -> Self {
        Self::new(
            name,
            Kind::Switch { negation: false },
            Standard::Bool(false),
            help,
        )
    }

    /// `--x` and `--no-x`, with what holds if neither is given.
    pub const fn switch(name: &'static str, standard: bool, help: &'static str) -> Self {
        Self::new(
            name,
            Kind::Switch { negation: true },
            Standard::Bool(standard),
            help,
        )
    }

    /// One of some words, the first of them unless given.
    pub const fn choice(
        name: &'static str,
        words: &'static [&'static str],
        standard: &'static str,
        help: &'static str,
    ) -> Self {
        Self::new(name, Kind::Choice(words), Standard::Text(standard), help).value("WORD")
    }

    /// Several words.
    pub const fn many(name: &'static str, value: &'static str, help: &'static str) -> Self {
        Self::new(name, Kind::Many, Standard::Empty, help).value(value)
    }

    /// A value that is nothing unless given.
    pub const fn value_of(
        name: &'static str,
        kind: Kind,
        value: &'static str,
        help: &'static str,
    ) -> Self {
        Self::new(name, kind, Standard::Null, help).value(value)
    }

    /// With a short form.
    pub const fn short(mut self, short: char) -> Self {
        self.short = Some(short);
        self
    }

    /// With a name for the value.
    pub const fn value(mut self, value: &'static str) -> Self {
        self.value = value;
        self
    }

    /// With dbt's environment variables and tv1's.
    pub const fn env(mut self) -> Self {
        self.env = Env::Dbt;
        self
    }

    /// With tv1's environment variable.
    pub const fn own_env(mut self) -> Self {
        self.env = Env::Own;
        self
    }

    /// Shown among the options that every command takes.
    pub const fn global(mut self) -> Self {
        self.heading = Heading::Global;
        self
    }

    /// Not shown.
    pub const fn hidden(mut self) -> Self {
        self.heading = Heading::Hidden;
        self
    }

    /// With further long forms.
    pub const fn aliases(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    /// With further short forms.
    pub const fn short_aliases(mut self, shorts: &'static [char]) -> Self {
        self.short_aliases = shorts;
        self
    }

    /// The long form without dashes.
    pub fn long(&self) -> String {
        self.name.replace('_', "-")
    }

    /// Environment variables that set it, the strongest first.
    pub fn env_names(&self) -> Vec<String> {
        let name = self.name.to_uppercase();
        let prefixes: &[&str] = match self.env {
            Env::No => &[],
            Env::Own => &["TV1_"],
            Env::Dbt => &["TV1_", "DBT_ENGINE_", "DBT_"],
        };
        prefixes.iter().map(|p| format!("{p}{name}")).collect()
    }
}

/// A word of a command that is not an option.
#[derive(Debug)]
pub struct Positional {
    /// Name, also of the value in [`super::layers::Layers`].
    pub name: &'static str,
    /// Whether it must be given.
    pub required: bool,
    /// Whether it takes all further words, dashes included.
    pub rest: bool,
    /// Help text.
    pub help: &'static str,
}

/// A command or a group of commands.
#[derive(Debug)]
pub struct Verb {
    /// The word typed.
    pub name: &'static str,
    /// Other words for it.
    pub aliases: &'static [&'static str],
    /// Value of `flags.WHICH` and of `args.which` in artefacts; empty for a group that cannot be run.
    pub which: &'static str,
    /// One line of help.
    pub about: &'static str,
    /// Further help, with examples.
    pub more: &'static str,
    /// Its own options; the global ones are added.
    pub options: &'static [&'static Opt],
    /// Its words.
    pub positionals: &'static [Positional],
    /// Its sub-commands.
    pub verbs: &'static [Verb],
}
