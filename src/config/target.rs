//! Where to connect: dbt's `profiles.yml`, and `.env` files.
use super::render::{Render, render_tree};
use crate::diag::{Diagnostic, Result, Sink, code};
use crate::text::{Place, nearest};
use crate::yaml::{self, Node};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The connection keys of dbt's Postgres profile.
#[derive(Clone, Default)]
#[expect(missing_docs, reason = "dbt's own names")]
pub struct ConnectionKeys {
    pub host: String,
    pub port: u16,
    pub user: String,
    pub password: Option<String>,
    pub dbname: String,
    pub connect_timeout: u64,
    pub role: Option<String>,
    pub search_path: Option<String>,
    pub keepalives_idle: u64,
    pub sslmode: Option<String>,
    pub sslcert: Option<String>,
    pub sslkey: Option<String>,
    pub sslrootcert: Option<String>,
    pub application_name: String,
    pub retries: u32,
}

impl std::fmt::Debug for ConnectionKeys {
    /// Without the password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{}@{}:{}/{}",
            self.user, self.host, self.port, self.dbname
        )
    }
}

/// A chosen target.
#[derive(Debug, Clone)]
pub struct Target {
    /// Name of the profile.
    pub profile_name: String,
    /// Name of the target.
    pub name: String,
    /// Default schema.
    pub schema: String,
    /// Number of nodes that run at once.
    pub threads: usize,
    /// How to connect.
    pub connection: ConnectionKeys,
    /// Why this one: `profiles.yml at …`, `DATABASE_URL`, `the private server`.
    pub origin: String,
}

impl Target {
    /// The `target` of templates; never has the password.
    pub fn context(&self) -> Map<String, Value> {
        let c = &self.connection;
        let value = json!({
            "host": c.host, "port": c.port, "user": c.user, "database": c.dbname, "schema": self.schema,
            "connect_timeout": c.connect_timeout, "role": c.role, "search_path": c.search_path,
            "keepalives_idle": c.keepalives_idle, "sslmode": c.sslmode, "sslcert": c.sslcert, "sslkey": c.sslkey,
            "sslrootcert": c.sslrootcert, "application_name": c.application_name, "autocommit": false,
            "retries": c.retries, "type": "postgres", "threads": self.threads, "name": self.name,
            "target_name": self.name, "profile_name": self.profile_name, "dbname": c.dbname,
        });
        value.as_object().cloned().unwrap_or_default()
    }
}

/// What was asked for on the command line or in the project.
#[derive(Debug, Clone, Default)]
pub struct ProfileQuery {
    /// `--profile`, else the project's `profile`.
    pub profile: String,
    /// `--target`.
    pub target: Option<String>,
    /// `--threads`.
    pub threads: Option<usize>,
}

/// The profiles file: in the folder given, else in the project folder, else in `~/.dbt`.
pub fn profiles_file(
    given: Option<&Path>,
    project_dir: &Path,
    home: Option<&Path>,
) -> Option<PathBuf> {
    let candidates = match given {
        Some(dir) => vec![dir.to_path_buf()],
        None => std::iter::once(project_dir.to_path_buf())
            .chain(home.map(|h| h.join(".dbt")))
            .collect(),
    };
    candidates
        .into_iter()
        .map(|d| d.join("profiles.yml"))
        .find(|p| p.is_file())
}

fn problem(message: impl Into<String>) -> Diagnostic {
    Diagnostic::error(code::P0106, message).heading("Runtime Error")
}

/// Reads a target of a profiles file. `None` when the file has no such profile.
pub fn load_profile(
    path: &Path,
    query: &ProfileQuery,
    render: Render<'_>,
) -> Result<Option<Target>> {
    let file = crate::fs::read(path, &path.display().to_string())?;
    let doc = yaml::load_map(&file)?;
    let Some((key, profile)) = doc.root.entry(&query.profile) else {
        return Ok(None);
    };
    let mut sink = Sink::default();
    let only_target = |p: &[String]| p.first().is_some_and(|k| k == "outputs");
    let head = render_tree(&file, profile, render, &only_target, &mut sink);
    let default = head
        .get("target")
        .and_then(Node::as_str)
        .unwrap_or("default")
        .to_string();
    let name = query.target.clone().unwrap_or(default);
    let Some(outputs) = profile.get("outputs").filter(|o| o.is_map()) else {
        return Err(problem(format!(
            "outputs not specified in profile '{}'",
            query.profile
        ))
        .at(doc.place(key))
        .into());
    };
    let Some(output) = outputs.get(&name) else {
        let names: Vec<&str> = outputs
            .entries()
            .iter()
            .filter_map(|(k, _)| k.as_str())
            .collect();
        let mut d = problem(format!(
            "The profile '{}' does not have a target named '{name}'.",
            query.profile
        ))
        .at(doc.place(key))
        .note(format!(
            "the valid target names for this profile are: {}",
            names.join(", ")
        ));
        if let Some(near) = nearest(&name, names.iter().copied()) {
            d = d.help(format!("did you mean `{near}`?"));
        }
        return Err(d.into());
    };
    if output.is_null() {
        return Err(problem(format!(
            "output '{name}' of profile '{}' is misconfigured in profiles.yml",
            query.profile
        ))
        .at(doc.place(key))
        .into());
    }
    // A password that is not valid Jinja is taken as it stands.
    let lenient = |text: &str| match render(text) {
        Err(why)
            if !why.contains("Env var required")
                && output
                    .get("password")
                    .or(output.get("pass"))
                    .and_then(Node::as_str)
                    == Some(text) =>
        {
            Ok(yaml::Kind::Str(text.to_string()))
        }
        other => other,
    };
    let output = render_tree(&file, output, &lenient, &|_| false, &mut sink);
    let mut reader = Keys {
        file: &file,
        output: &output,
        sink,
    };
    let target = reader.target(&query.profile, &name, query.threads);
    let mut target = match reader.sink.finish() {
        Ok(_) => target,
        Err(stopped) => return Err(stopped),
    };
    target.origin = format!(
        "{}, profile '{}', target '{name}'",
        path.display(),
        query.profile
    );
    Ok(Some(target))
}

struct Keys<'a> {
    file: &'a std::sync::Arc<crate::text::SourceFile>,
    output: &'a Node,
    sink: Sink,
}

impl Keys<'_> {
    fn text(&mut self, keys: &[&str]) -> Option<String> {
        let node = keys
            .iter()
            .find_map(|k| self.output.get(k))
            .filter(|n| !n.is_null())?;
        if let Some(s) = node.as_str() {
            return Some(s.to_string());
        }
        let d = yaml::wrong_type(self.file, node, &format!("`{}`", keys[0]), "text")
            .heading("Runtime Error");
        // Passwords made of digits are common; everything else must be quoted as dbt wants it.
        if keys[0] == "password" {
            return node.scalar_text();
        }
        self.sink.push(
            Diagnostic {
                code: code::P0106,
                ..d
            }
            .help("put the value in quotes"),
        );
        None
    }

    fn required(&mut self, keys: &[&str]) -> String {
        if keys.iter().all(|k| self.output.get(k).is_none()) {
            self.sink.push(
                problem(format!(
                    "'{}' is a required property of a postgres target",
                    keys[0]
                ))
                .at(Place::new(self.file, self.output.span.clone())),
            );
            return String::new();
        }
        self.text(keys).unwrap_or_default()
    }

    fn number(&mut self, key: &str, default: u64, max: u64) -> u64 {
        let Some(node) = self.output.get(key).filter(|n| !n.is_null()) else {
            return default;
        };
        match node
            .as_int()
            .and_then(|n| u64::try_from(n).ok())
            .filter(|n| *n <= max)
        {
            Some(n) => n,
            None => {
                let d = yaml::wrong_type(
                    self.file,
                    node,
                    &format!("`{key}`"),
                    &format!("a whole number from 0 to {max}"),
                );
                self.sink.push(
                    Diagnostic {
                        code: code::P0106,
                        ..d
                    }
                    .heading("Runtime Error"),
                );
                default
            }
        }
    }

    fn target(&mut self, profile: &str, name: &str, threads: Option<usize>) -> Target {
        let kind = self.required(&["type"]);
        if !kind.is_empty() && kind != "postgres" {
            let d = problem(format!("could not find adapter type {kind}!"))
                .at(Place::new(self.file, self.output.span.clone()))
                .help("tv1 speaks to PostgreSQL only: `type: postgres`");
            self.sink.push(d);
        }
        let connection = ConnectionKeys {
            host: self.required(&["host"]),
            port: self.number("port", 5432, 65535) as u16,
            user: self.required(&["user"]),
            password: self.text(&["password", "pass"]),
            dbname: self.required(&["dbname", "database"]),
            connect_timeout: self.number("connect_timeout", 10, u64::from(u32::MAX)),
            role: self.text(&["role"]),
            search_path: self.text(&["search_path"]),
            keepalives_idle: self.number("keepalives_idle", 0, u64::from(u32::MAX)),
            sslmode: self.text(&["sslmode"]),
            sslcert: self.text(&["sslcert"]),
            sslkey: self.text(&["sslkey"]),
            sslrootcert: self.text(&["sslrootcert"]),
            application_name: self
                .text(&["application_name"])
                .unwrap_or_else(|| "dbt".into()),
            retries: self.number("retries", 1, 1000) as u32,
        };
        Target {
            profile_name: profile.to_string(),
            name: name.to_string(),
            schema: self.required(&["schema"]),
            threads: threads.unwrap_or_else(|| self.number("threads", 1, 4096).max(1) as usize),
            connection,
            origin: String::new(),
        }
    }
}

/// The variables of a `.env` file: `NAME=value` lines, `export` allowed, quotes taken off, `#` comments.
pub fn load_dotenv(path: &Path) -> BTreeMap<String, String> {
    let Ok(text) = std::fs::read_to_string(path) else {
        return BTreeMap::new();
    };
    let mut out = BTreeMap::new();
    for line in text.lines() {
        let line = line.trim();
        let line = line.strip_prefix("export ").unwrap_or(line);
        let Some((name, value)) = line.split_once('=') else {
            continue;
        };
        let name = name.trim();
        if name.is_empty()
            || name.starts_with('#')
            || !name.chars().all(|c| c == '_' || c.is_ascii_alphanumeric())
        {
            continue;
        }
        let value = value.trim();
        let quoted = |q: char| {
            value
                .strip_prefix(q)
                .and_then(|v| v.find(q).map(|end| v[..end].to_string()))
        };
        let value = quoted('"')
            .map(|v| v.replace("\\n", "\n"))
            .or_else(|| quoted('\''))
            .unwrap_or_else(|| {
                value
                    .split(" #")
                    .next()
                    .unwrap_or("")
                    .trim_end()
                    .to_string()
            });
        out.insert(name.to_string(), value);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::Kind;

    fn load(text: &str, target: Option<&str>) -> Result<Option<Target>> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("profiles.yml");
        std::fs::write(&path, text).unwrap();
        let query = ProfileQuery {
            profile: "shop".into(),
            target: target.map(String::from),
            threads: None,
        };
        load_profile(&path, &query, &|t| {
            Ok(Kind::Str(t.replace("{{ p }}", PASSWORD)))
        })
    }

    // Longer than what the random name of a temporary folder could hold by chance.
    const PASSWORD: &str = "correct horse battery";

    const GOOD: &str = "shop:\n  target: dev\n  outputs:\n    dev: {type: postgres, host: h, user: u, pass: '{{ p }}', dbname: d, schema: s, threads: 3}\n";

    #[test]
    fn a_target_is_read_with_defaults_and_hides_its_password() {
        let t = load(GOOD, None).unwrap().unwrap();
        assert_eq!(
            (
                t.threads,
                t.connection.port,
                t.connection.password.as_deref()
            ),
            (3, 5432, Some(PASSWORD))
        );
        assert!(!format!("{t:?}").contains(PASSWORD) && !t.context().contains_key("password"));
    }

    #[test]
    fn a_wrong_target_names_the_valid_ones() {
        let e = load(GOOD, Some("dve")).unwrap_err().to_string();
        assert!(
            e.contains("does not have a target named 'dve'") && e.contains("did you mean `dev`?"),
            "{e}"
        );
    }

    #[test]
    fn every_missing_key_is_reported_at_once() {
        let e = load("shop: {target: x, outputs: {x: {type: postgres}}}\n", None).unwrap_err();
        assert_eq!(e.0.len(), 4, "{e}");
    }

    #[test]
    fn dotenv_lines() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(".env");
        std::fs::write(
            &path,
            "# c\nA=1\nexport B='x y' # z\nC=\"q\"\nD=a b # c\nbad line\n",
        )
        .unwrap();
        let env = load_dotenv(&path);
        assert_eq!(
            env.into_iter()
                .map(|(k, v)| format!("{k}={v}"))
                .collect::<Vec<_>>(),
            ["A=1", "B=x y", "C=q", "D=a b"]
        );
    }
}
