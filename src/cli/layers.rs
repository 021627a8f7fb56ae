//! Which source of a setting wins: command line, environment, the project's `flags:` block, standard.
//!
//! In: what was typed, a way to ask the environment, and later the `flags:` block. Out: one value and its source for
//! every option of the command, so that `debug` can say where each setting comes from.
use super::behaviour;
use super::global::GLOBAL;
use super::grammar::{Typed, Words};
use super::own;
use super::spec::{Kind, Opt};
use super::value::{self, Value, WarnErrorOptions};
use crate::diag::{Diagnostic, Result, Sink, code};
use crate::text::{Place, SourceFile, nearest};
use crate::yaml::Node;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Where a setting comes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// Nobody said anything.
    Standard,
    /// The project's `flags:` block.
    Project,
    /// `config:` of profiles.yml, the older place of `flags:`.
    Profiles,
    /// Another option: `log_format_file` follows `log_format`.
    Follows(&'static str),
    /// This environment variable.
    Environment(String),
    /// The command line.
    CommandLine,
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Source::Standard => f.write_str("default"),
            Source::Project => f.write_str("flags of the project file"),
            Source::Profiles => f.write_str("config of profiles.yml"),
            Source::Follows(name) => write!(f, "follows {name}"),
            Source::Environment(name) => write!(f, "environment variable {name}"),
            Source::CommandLine => f.write_str("command line"),
        }
    }
}

/// A value and where it comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// The value.
    pub value: Value,
    /// Its source.
    pub source: Source,
}

/// A block of flags in a file: the lowest layer.
#[derive(Debug, Clone)]
pub struct FlagsBlock {
    /// Its file.
    pub file: Arc<SourceFile>,
    /// The block itself.
    pub node: Node,
    /// [`Source::Project`] or [`Source::Profiles`].
    pub source: Source,
}

/// The settings of a command by option name.
#[derive(Debug, Clone, Default)]
pub struct Layers {
    /// By name with underscores.
    pub settings: BTreeMap<&'static str, Setting>,
}

/// A value that cannot be read: the option as the user knows it, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// `--x` or `environment variable X`.
    pub what: String,
    /// Why.
    pub why: String,
}

/// Options that dbt's templates and artefacts know whatever the command.
const EVERYWHERE: &[&Opt] = &[
    &own::FULL_REFRESH,
    &own::INTROSPECT,
    &own::STORE_FAILURES,
    &own::TARGET_PATH,
    &own::PROJECT_DIR,
    &own::PROFILES_DIR,
    &own::VARS,
];

/// Options that the project's `flags:` block may set.
pub const PROJECT_FLAGS: &[&str] = &[
    "cache_selected_only",
    "debug",
    "fail_fast",
    "indirect_selection",
    "log_format",
    "log_format_file",
    "log_level",
    "log_level_file",
    "partial_parse",
    "populate_cache",
    "printer_width",
    "send_anonymous_usage_stats",
    "static_parser",
    "use_colors",
    "use_colors_file",
    "use_experimental_parser",
    "version_check",
    "warn_error",
    "warn_error_options",
    "write_json",
];

/// Old environment variables and the option each sets; the value is turned round where `true`.
const OLD_NAMES: &[(&str, &str, bool)] = &[
    ("DBT_DEFER_TO_STATE", "defer", false),
    ("DBT_FAVOR_STATE_MODE", "favor_state", false),
    ("DBT_NO_PRINT", "print", true),
    ("DBT_ARTIFACT_STATE_PATH", "state", false),
];

/// Options that follow another one unless set themselves.
const FOLLOWERS: &[(&str, &str)] = &[
    ("log_format_file", "log_format"),
    ("log_level_file", "log_level"),
    ("use_colors_file", "use_colors"),
];

/// Asks the environment.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

impl Layers {
    /// Settings from command line and environment, with the standard for the rest.
    ///
    /// # Errors
    /// Every value that cannot be read.
    pub fn new(
        words: &Words,
        env: Environment<'_>,
        notices: &mut Vec<String>,
    ) -> Result<Self, Vec<Unreadable>> {
        let mut layers = Self::default();
        let mut bad = Vec::new();
        let mut options: Vec<&'static Opt> = words.verb().options.to_vec();
        let more = GLOBAL.iter().chain(EVERYWHERE);
        for opt in more {
            if !options.iter().any(|o| o.name == opt.name) {
                options.push(opt);
            }
        }
        for opt in options {
            match setting(opt, words, env, notices) {
                Ok(setting) => {
                    layers.settings.insert(opt.name, setting);
                }
                Err(unreadable) => bad.push(unreadable),
            }
        }
        if bad.is_empty() { Ok(layers) } else { Err(bad) }
    }

    /// The value of an option; `Null` for one that the command does not have.
    pub fn get(&self, name: &str) -> &Value {
        self.settings.get(name).map_or(&Value::Null, |s| &s.value)
    }

    /// Where the value of an option comes from.
    pub fn source(&self, name: &str) -> Source {
        self.settings
            .get(name)
            .map_or(Source::Standard, |s| s.source.clone())
    }

    /// Fills what nobody has set from a block of flags, then lets options follow others; also returns warnings.
    ///
    /// # Errors
    /// Every entry of the block that has the wrong type, with its place.
    pub fn with_project(mut self, block: Option<&FlagsBlock>) -> Result<(Self, Vec<Diagnostic>)> {
        let mut sink = Sink::default();
        if let Some(block) = block.filter(|b| !b.node.is_null()) {
            if !block.node.is_map() {
                let what = match block.source {
                    Source::Profiles => "`config`",
                    _ => "`flags`",
                };
                let d = crate::yaml::wrong_type(&block.file, &block.node, what, "a mapping");
                sink.push(d);
            }
            for (key, value) in block.node.entries() {
                self.project_flag(block, key, value, &mut sink);
            }
        }
        for (follower, leader) in FOLLOWERS {
            let leads = self.source(leader) != Source::Standard;
            if leads && self.source(follower) == Source::Standard {
                let value = self.get(leader).clone();
                let source = Source::Follows(leader);
                self.settings.insert(follower, Setting { value, source });
            }
        }
        Ok((self, sink.finish()?))
    }

    fn project_flag(&mut self, block: &FlagsBlock, key: &Node, node: &Node, sink: &mut Sink) {
        let name = key.scalar_text().unwrap_or_default();
        let known = PROJECT_FLAGS.iter().find(|k| **k == name);
        let Some(name) = known else {
            self.behaviour_flag(block, key, &name, node, sink);
            return;
        };
        let Some(opt) = GLOBAL.iter().find(|o| o.name == *name) else {
            return;
        };
        if node.is_null() {
            return;
        }
        match from_yaml(opt.kind, node) {
            Ok(value) if self.source(name) == Source::Standard => {
                let source = block.source.clone();
                self.settings.insert(name, Setting { value, source });
            }
            Ok(_) => {}
            Err(why) => sink.push(
                Diagnostic::error(code::U0802, format!("flag `{name}`: {why}"))
                    .at(Place::new(&block.file, node.span.clone())),
            ),
        }
    }

    fn behaviour_flag(
        &mut self,
        block: &FlagsBlock,
        key: &Node,
        name: &str,
        node: &Node,
        sink: &mut Sink,
    ) {
        if let Some(flag) = behaviour::find(name) {
            match node.as_bool() {
                Some(b) => {
                    let (value, source) = (Value::Bool(b), block.source.clone());
                    self.settings.insert(flag.name, Setting { value, source });
                }
                None if node.is_null() => {}
                None => sink.push(crate::yaml::wrong_type(
                    &block.file,
                    node,
                    &format!("flag `{name}`"),
                    "a boolean",
                )),
            }
            return;
        }
        // dbt ignores flags that it does not know; later versions add some, so only a likely typing error is named.
        let known = PROJECT_FLAGS
            .iter()
            .copied()
            .chain(behaviour::FLAGS.iter().map(|f| f.name));
        if let Some(near) = nearest(name, known) {
            sink.push(
                Diagnostic::warning(code::U0803, format!("flag `{name}` is not known"))
                    .at(Place::new(&block.file, key.span.clone()))
                    .help(format!("did you mean `{near}`?")),
            );
        }
    }
}

/// A value of the `flags:` block, which must have the type itself, not text that reads like it.
fn from_yaml(kind: Kind, node: &Node) -> Result<Value, String> {
    let wrong = |wanted: &str| Err(format!("must be {wanted}, not {}", node.type_name()));
    match kind {
        Kind::Switch { .. } => match node.as_bool() {
            Some(b) => Ok(Value::Bool(b)),
            None => wrong("a boolean"),
        },
        Kind::Int => match node.as_int() {
            Some(i) => Ok(Value::Int(i)),
            None => wrong("a whole number"),
        },
        Kind::WarnErrorOptions if node.is_map() => {
            WarnErrorOptions::read(node).map(Value::Warnings)
        }
        Kind::WarnErrorOptions => wrong("a mapping"),
        Kind::Choice(words) => {
            let text = node.scalar_text().unwrap_or_default();
            let found = words.iter().find(|w| w.eq_ignore_ascii_case(&text));
            match found {
                Some(w) => Ok(Value::Text((*w).to_string())),
                None => Err(format!("must be one of {}, not `{text}`", words.join(", "))),
            }
        }
        _ => match node.scalar_text() {
            Some(text) => Ok(Value::Text(text)),
            None => wrong("text"),
        },
    }
}

/// The value of one option from command line and environment.
fn setting(
    opt: &'static Opt,
    words: &Words,
    env: Environment<'_>,
    notices: &mut Vec<String>,
) -> Result<Setting, Unreadable> {
    let made = |value, source| Ok(Setting { value, source });
    match words.options.get(opt.name) {
        Some(Typed::Switch(b)) => return made(Value::Bool(*b), Source::CommandLine),
        Some(Typed::Words(w)) => {
            return match value::read(opt, w) {
                Ok(value) => made(value, Source::CommandLine),
                Err(why) => Err(Unreadable {
                    what: format!("--{}", opt.long()),
                    why,
                }),
            };
        }
        None => {}
    }
    let asked = |name: &str| env(name).filter(|t| !t.is_empty());
    for name in opt.env_names() {
        let Some(text) = asked(&name) else { continue };
        return match value::read(opt, &[text]) {
            Ok(value) => made(value, Source::Environment(name)),
            Err(why) => Err(Unreadable {
                what: format!("environment variable {name}"),
                why,
            }),
        };
    }
    for (old, name, turned) in OLD_NAMES.iter().filter(|o| o.1 == opt.name) {
        let Some(text) = asked(old) else { continue };
        notices.push(format!(
            "The environment variable `{old}` has been renamed as `DBT_{}`. Please update your code to use the new name.",
            name.to_uppercase()
        ));
        let value = value::read(opt, &[text]).map_err(|why| Unreadable {
            what: format!("environment variable {old}"),
            why,
        })?;
        let value = match value {
            Value::Bool(b) => Value::Bool(b != *turned),
            other => other,
        };
        return made(value, Source::Environment((*old).to_string()));
    }
    made(Value::standard(opt.standard), Source::Standard)
}
