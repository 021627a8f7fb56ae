//! Makes clap's parser of the tables, and reads what was typed into plain text by option name.
//!
//! In: the words of the command line. Out: the verb, its words, and the text of every option given, before and after
//! the verb apart. Values are not understood here; `read` does that.
use super::global::GLOBAL;
use super::spec::{Heading, Kind, Opt, Positional, Verb};
use super::verbs::DBT_VERBS;
use super::verbs_own::OWN_VERBS;
use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgMatches, Command};
use std::collections::BTreeMap;

/// What was typed for one option.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Typed {
    /// `--x` or `--no-x`.
    Switch(bool),
    /// The words after it.
    Words(Vec<String>),
}

/// What was typed, in full.
#[derive(Debug)]
pub struct Words {
    /// The verbs, outermost first: `docs`, `generate`.
    pub path: Vec<&'static Verb>,
    /// Options by name, and the verb after which they stand (`None`: before the first).
    pub options: BTreeMap<&'static str, Typed>,
    /// Words that are not options.
    pub positionals: BTreeMap<&'static str, Vec<String>>,
}

impl Words {
    /// The verb that runs.
    pub fn verb(&self) -> &'static Verb {
        self.path.last().copied().unwrap_or(&super::verbs::LEAF)
    }
}

/// The whole command line as clap knows it.
pub fn command() -> Command {
    let root = Command::new("tv1")
        .about("Simulate, seed, model, test, document and report data in PostgreSQL")
        .long_about(
            "Simulate, seed, model, test, document and report data in PostgreSQL.\n\n\
             A dbt project runs as it is: the same commands, options, environment variables and artefacts. \
             Without a configured database tv1 starts a private PostgreSQL for the project.",
        )
        .after_help("`tv1 COMMAND -h` shows the options of a command, `--help` also those that every command takes.")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .args_override_self(true)
        .version(super::version::TV1_VERSION)
        .disable_version_flag(true)
        .max_term_width(100);
    let root = with_options(root, &[]);
    // Tests draw help at one width, whatever terminal they run in.
    let root = if cfg!(test) {
        root.term_width(100)
    } else {
        root
    };
    DBT_VERBS
        .iter()
        .chain(OWN_VERBS)
        .fold(root, |c, v| c.subcommand(verb_command(v)))
}

/// A verb as clap knows it.
fn verb_command(verb: &'static Verb) -> Command {
    let mut c = Command::new(verb.name)
        .about(verb.about)
        .aliases(verb.aliases.iter().copied())
        .args_override_self(true)
        .version(super::version::TV1_VERSION)
        .disable_version_flag(true)
        .max_term_width(100);
    if !verb.more.is_empty() {
        c = c.after_help(verb.more);
    }
    if !verb.verbs.is_empty() && verb.which.is_empty() {
        c = c.subcommand_required(true).arg_required_else_help(true);
    }
    for p in verb.positionals {
        c = c.arg(positional(p));
    }
    c = with_options(c, verb.options);
    verb.verbs
        .iter()
        .fold(c, |c, v| c.subcommand(verb_command(v)))
}

fn positional(p: &'static Positional) -> Arg {
    let arg = Arg::new(p.name)
        .value_name(p.name.to_uppercase())
        .required(p.required)
        .help(p.help);
    if p.rest {
        arg.num_args(0..)
            .allow_hyphen_values(true)
            .trailing_var_arg(true)
    } else {
        arg
    }
}

/// Adds the verb's options, the global ones and the version flag.
fn with_options(mut c: Command, own: &'static [&'static Opt]) -> Command {
    for opt in own {
        c = c.args(args_of(opt, own));
    }
    for opt in GLOBAL {
        c = c.args(args_of(opt, own));
    }
    c.arg(
        Arg::new("version")
            .long("version")
            .short('V')
            .short_alias('v')
            .action(ArgAction::Version)
            .help("Print versions")
            .hide_short_help(!own.is_empty())
            .help_heading(heading(Heading::Global)),
    )
}

fn heading(h: Heading) -> Option<&'static str> {
    (h == Heading::Global).then_some("Options of every command")
}

/// clap's arguments for an option: one, or two where there is a `--no-` form.
fn args_of(opt: &'static Opt, own: &[&Opt]) -> Vec<Arg> {
    let hidden = opt.heading == Heading::Hidden;
    // The command's own short form hides that of an option that every command takes.
    let short_taken = |c: char| own.iter().any(|o| o.short == Some(c) && o.name != opt.name);
    let mut help = opt.help.to_string();
    let env = opt.env_names();
    if let Some(name) = env.last().filter(|_| !hidden) {
        help.push_str(&format!(" [env: {name}]"));
    }
    let mut arg = Arg::new(opt.name)
        .long(opt.long())
        .aliases(opt.aliases.iter().copied())
        .short_aliases(opt.short_aliases.iter().copied())
        .help_heading(heading(opt.heading))
        .hide(hidden)
        .hide_short_help(opt.heading == Heading::Global);
    if let Some(c) = opt.short.filter(|c| !short_taken(*c)) {
        arg = arg.short(c);
    }
    if let Kind::Switch { negation } = opt.kind {
        let arg = arg.action(ArgAction::SetTrue);
        if !negation {
            return vec![arg.help(help)];
        }
        let off = opt.standard == super::spec::Standard::Bool(true);
        let no = format!("no-{}", opt.long());
        let no_id = format!("no_{}", opt.name);
        let negative = Arg::new(no_id.clone())
            .long(no.clone())
            .action(ArgAction::SetTrue)
            .overrides_with(opt.name)
            .hide(true);
        let positive = arg.overrides_with(no_id);
        let help = if off {
            format!("{help} [default: on; off with --{no}]")
        } else {
            help
        };
        return vec![positive.help(help), negative];
    }
    let arg = match opt.kind {
        Kind::Choice(words) | Kind::ManyOf(words) => arg
            .value_parser(clap::builder::PossibleValuesParser::new(
                words.iter().copied(),
            ))
            .ignore_case(true),
        _ => arg,
    };
    let help = match opt.standard {
        super::spec::Standard::Text(t) => format!("{help} [default: {t}]"),
        super::spec::Standard::Int(i) => format!("{help} [default: {i}]"),
        _ => help,
    };
    let arg = arg.value_name(opt.value).help(help);
    vec![if opt.kind == Kind::Texts {
        arg.num_args(1)
            .action(ArgAction::Append)
            .allow_hyphen_values(true)
    } else if opt.kind.is_many() {
        arg.num_args(1..).action(ArgAction::Append)
    } else {
        // A value may begin with a dash: `--limit -1`, `--inline "-- only a comment"`.
        arg.num_args(1)
            .action(ArgAction::Set)
            .allow_hyphen_values(true)
    }]
}

/// Reads the words of a command line (without the program's name).
///
/// # Errors
/// clap's error, which may also be a request for help or for the version.
pub fn read(words: &[String]) -> Result<Words, clap::Error> {
    let mut grammar = command();
    let matches = grammar
        .try_get_matches_from_mut(std::iter::once("tv1".to_string()).chain(spread(words)))?;
    let mut read = Words {
        path: Vec::new(),
        options: BTreeMap::new(),
        positionals: BTreeMap::new(),
    };
    let mut at = &matches;
    let mut own: &'static [&'static Opt] = &[];
    let mut positionals: &'static [Positional] = &[];
    loop {
        for opt in own.iter().chain(GLOBAL) {
            let Some(typed) = typed(at, opt) else {
                continue;
            };
            if read.options.insert(opt.name, typed).is_some() {
                return Err(grammar.error(
                    ErrorKind::ArgumentConflict,
                    format!(
                        "`--{}` was provided both before and after the subcommand, it can only be set either before or after",
                        opt.long()
                    ),
                ));
            }
        }
        for p in positionals {
            if let Some(words) = at.get_many::<String>(p.name) {
                read.positionals.insert(p.name, words.cloned().collect());
            }
        }
        let Some((name, below)) = at.subcommand() else {
            break;
        };
        let among: Box<dyn Iterator<Item = &'static Verb>> = match read.path.last() {
            Some(v) => Box::new(v.verbs.iter()),
            None => Box::new(DBT_VERBS.iter().chain(OWN_VERBS)),
        };
        let Some(verb) = among.into_iter().find(|v| v.name == name) else {
            break;
        };
        read.path.push(verb);
        own = verb.options;
        positionals = verb.positionals;
        at = below;
    }
    Ok(read)
}

/// What was typed for an option at one level.
fn typed(at: &ArgMatches, opt: &Opt) -> Option<Typed> {
    if let Kind::Switch { negation } = opt.kind {
        if at.get_flag(opt.name) {
            return Some(Typed::Switch(true));
        }
        let off = negation && at.get_flag(&format!("no_{}", opt.name));
        return off.then_some(Typed::Switch(false));
    }
    let words: Vec<String> = at.get_many::<String>(opt.name)?.cloned().collect();
    Some(Typed::Words(words))
}

/// `--select=a b` as `--select a b`: after `=` clap would take one word only.
fn spread(words: &[String]) -> Vec<String> {
    let many: Vec<String> = every_option()
        .into_iter()
        .filter(|o| o.kind.is_many())
        .flat_map(|o| std::iter::once(o.long()).chain(o.aliases.iter().map(|a| (*a).to_string())))
        .collect();
    let lists: Vec<String> = every_option()
        .into_iter()
        .filter(|o| matches!(o.kind, Kind::ManyOf(_)))
        .flat_map(|o| std::iter::once(o.long()).chain(o.aliases.iter().map(|a| (*a).to_string())))
        .map(|name| format!("--{name}"))
        .collect();
    let mut out: Vec<String> = Vec::new();
    let (mut rest, mut simulate) = (false, false);
    for (i, word) in words.iter().enumerate() {
        rest |= word == "--";
        simulate |= word == "simulate";
        // Alone it asks for a profile of the columns; with a name it is the profile to connect with.
        let alone = words.get(i + 1).is_none_or(|next| next.starts_with('-'));
        if simulate && !rest && word == "--profile" && alone {
            out.push("--columns-profile".to_string());
            continue;
        }
        // `--resource-types "model test"` names two.
        if !rest && !word.starts_with('-') && out.last().is_some_and(|l| lists.contains(l)) {
            out.extend(word.split_whitespace().map(str::to_string));
            continue;
        }
        match word.strip_prefix("--").and_then(|w| w.split_once('=')) {
            Some((name, value)) if !rest && many.iter().any(|m| m == name) => {
                let flag = format!("--{name}");
                if lists.contains(&flag) {
                    out.push(flag);
                    out.extend(value.split_whitespace().map(str::to_string));
                } else {
                    out.push(flag);
                    out.push(value.to_string());
                }
            }
            _ => out.push(word.clone()),
        }
    }
    out
}

/// Every option of every verb, global ones first.
pub fn every_option() -> Vec<&'static Opt> {
    fn walk(verbs: &'static [Verb], out: &mut Vec<&'static Opt>) {
        for v in verbs {
            out.extend(v.options);
            walk(v.verbs, out);
        }
    }
    let mut out: Vec<&'static Opt> = GLOBAL.to_vec();
    walk(DBT_VERBS, &mut out);
    walk(OWN_VERBS, &mut out);
    out
}

/// Whether dbt shows a flag to templates whatever the command.
pub fn is_dbt_wide(name: &str) -> bool {
    GLOBAL.iter().any(|o| o.name == name)
        || [
            "full_refresh",
            "introspect",
            "store_failures",
            "target_path",
            "project_dir",
            "profiles_dir",
            "vars",
        ]
        .contains(&name)
        || super::behaviour::find(name).is_some()
}
