//! What `init` must know: a name, and where the database is.
use crate::config::RESERVED_NAMES;
use crate::diag::{Diagnostic, Result, code};
use crate::yaml;

/// What a new project is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answers {
    /// Name of the project and of its folder.
    pub name: String,
    /// A server; `None` leaves the project with the private PostgreSQL.
    pub connection: Option<Connection>,
}

/// A PostgreSQL server. The password is never asked for: the profile takes it from `PGPASSWORD`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Connection {
    pub host: String,
    pub port: u16,
    pub user: String,
    pub dbname: String,
    pub schema: String,
    pub threads: u16,
}

/// A question to the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Question<'a> {
    /// The words.
    pub text: &'a str,
    /// What an empty answer means.
    pub standard: Option<&'a str>,
    /// Why the last answer would not do.
    pub problem: Option<&'a str>,
}

/// Asks the user; `None` when there is nobody to answer (no terminal, end of input).
pub type Ask<'a> = &'a mut dyn FnMut(Question<'_>) -> Option<String>;

/// Whether a project can have this name; otherwise why not.
///
/// # Errors
/// A sentence for the user.
pub fn valid_name(name: &str) -> Result<(), String> {
    let mut chars = name.chars();
    let first = chars.next().is_some_and(|c| c.is_alphabetic() || c == '_');
    if !first || !chars.all(|c| c.is_alphanumeric() || c == '_') {
        return Err(format!(
            "`{name}` is not a valid project name: use letters, digits and `_`, with no digit in front"
        ));
    }
    if RESERVED_NAMES.contains(&name) {
        return Err(format!(
            "`{name}` cannot be the name of a project: templates use it"
        ));
    }
    Ok(())
}

/// Asks for what has not been given. With `quiet` only the name is asked for, and only if it is missing.
///
/// # Errors
/// A given name that cannot be, or nobody there to give one.
pub fn interview(name: Option<&str>, quiet: bool, ask: Ask<'_>) -> Result<Answers> {
    let name = match name {
        Some(name) => {
            valid_name(name).map_err(|why| {
                let better: String = name
                    .chars()
                    .map(|c| if c.is_alphanumeric() { c } else { '_' })
                    .collect();
                let d = Diagnostic::error(code::P0115, why);
                match valid_name(&better) {
                    Ok(()) => d.help(format!("for example `tv1 init {better}`")),
                    Err(_) => d,
                }
            })?;
            name.to_string()
        }
        None => until(
            ask,
            "Enter a name for your project (letters, digits, underscore)",
            None,
            |a| valid_name(a).map(|()| a.to_string()),
        )
        .ok_or_else(|| {
            Diagnostic::error(code::P0115, "a new project needs a name")
                .help("for example `tv1 init my_project`")
        })?,
    };
    let connection = if quiet { None } else { connection(ask) };
    Ok(Answers { name, connection })
}

/// Asks which database. Nobody there to answer means the private one.
fn connection(ask: Ask<'_>) -> Option<Connection> {
    let question = "Which database? [1] a private PostgreSQL that tv1 runs for this project  [2] a PostgreSQL server";
    let choice = until(ask, question, Some("1"), |a| match a {
        "1" | "2" => Ok(a.to_string()),
        _ => Err("answer 1 or 2".into()),
    })?;
    if choice == "1" {
        return None;
    }
    let word = |a: &str| {
        if a.is_empty() {
            Err("a value is needed".to_string())
        } else {
            Ok(a.to_string())
        }
    };
    let number = |a: &str| match a.parse::<u16>() {
        Ok(n) if n > 0 => Ok(n),
        _ => Err(format!("`{a}` is not a number from 1 to 65535")),
    };
    Some(Connection {
        host: until(ask, "host", Some("localhost"), word)?,
        port: until(ask, "port", Some("5432"), number)?,
        user: until(ask, "user", None, word)?,
        dbname: until(ask, "dbname (the database)", None, word)?,
        schema: until(ask, "schema (where models are built)", Some("dev"), word)?,
        threads: until(
            ask,
            "threads (nodes built at the same time)",
            Some("4"),
            number,
        )?,
    })
}

/// Asks until the answer will do.
fn until<T>(
    ask: Ask<'_>,
    text: &str,
    standard: Option<&str>,
    check: impl Fn(&str) -> Result<T, String>,
) -> Option<T> {
    let mut problem: Option<String> = None;
    loop {
        let question = Question {
            text,
            standard,
            problem: problem.as_deref(),
        };
        let answer = ask(question)?;
        let answer = match answer.trim() {
            "" => standard.unwrap_or_default(),
            given => given,
        };
        match check(answer) {
            Ok(value) => return Some(value),
            Err(why) => problem = Some(why),
        }
    }
}

/// The text of profiles.yml for a connection.
pub fn profile(name: &str, c: &Connection) -> String {
    let text = |t: &str| yaml::write(&t).trim_end().to_string();
    format!(
        "{name}:\n  target: dev\n  outputs:\n    dev:\n      type: postgres\n      host: {}\n      port: {}\n      \
         user: {}\n      password: \"{{{{ env_var('PGPASSWORD', '') }}}}\"\n      dbname: {}\n      schema: {}\n      \
         threads: {}\n",
        text(&c.host),
        c.port,
        text(&c.user),
        text(&c.dbname),
        text(&c.schema),
        c.threads
    )
}
