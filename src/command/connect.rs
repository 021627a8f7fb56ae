//! Which database: a profile, a URL or the environment, else the project's private server.
use super::session::Session;
use super::setup;
use crate::config::{self, ConnectionKeys, ProfileQuery, Project, Target};
use crate::diag::{Diagnostic, Result, code};
use crate::pg::{ConnectOptions, Secret, SslMode};
use std::path::PathBuf;
use std::time::Duration;

/// The chosen database.
#[derive(Debug, Clone)]
pub struct Database {
    /// The target, as templates see it.
    pub target: Target,
    /// How to connect.
    pub options: ConnectOptions,
    /// Whether it is the project's private server.
    #[allow(dead_code, reason = "part of what was chosen")]
    pub private: bool,
}

fn seconds(n: u64) -> Option<Duration> {
    (n > 0).then(|| Duration::from_secs(n))
}

/// A profile's keys as connection options.
fn of_keys(keys: &ConnectionKeys) -> Result<ConnectOptions> {
    let sslmode = match &keys.sslmode {
        None => SslMode::default(),
        Some(word) => SslMode::parse(word).ok_or_else(|| {
            Diagnostic::error(code::P0106, format!("sslmode `{word}` is not known"))
                .heading("Runtime Error")
                .help("one of disable, allow, prefer, require, verify-ca, verify-full")
        })?,
    };
    Ok(ConnectOptions {
        host: keys.host.clone(),
        port: keys.port,
        user: keys.user.clone(),
        password: keys.password.clone().map(Secret::new),
        dbname: keys.dbname.clone(),
        connect_timeout: seconds(keys.connect_timeout),
        role: keys.role.clone(),
        search_path: keys.search_path.clone(),
        keepalives_idle: u32::try_from(keys.keepalives_idle).unwrap_or(0),
        sslmode,
        sslcert: keys.sslcert.clone().map(PathBuf::from),
        sslkey: keys.sslkey.clone().map(PathBuf::from),
        sslrootcert: keys.sslrootcert.clone().map(PathBuf::from),
        application_name: keys.application_name.clone(),
        retries: keys.retries,
        options: None,
    })
}

/// Connection options as a target named `dev` in the schema `public`.
fn as_target(ctx: &Session, options: &ConnectOptions, profile: &str, origin: String) -> Target {
    let schema = ctx
        .env
        .get("TV1_SCHEMA")
        .filter(|s| !s.is_empty())
        .unwrap_or_else(|| "public".into());
    Target {
        profile_name: profile.to_string(),
        name: "dev".into(),
        schema,
        threads: ctx.invocation.flags.threads.unwrap_or(4),
        connection: ConnectionKeys {
            host: options.host.clone(),
            port: options.port,
            user: options.user.clone(),
            password: None,
            dbname: options.dbname.clone(),
            connect_timeout: options.connect_timeout.map_or(0, |d| d.as_secs()),
            application_name: options.application_name.clone(),
            retries: options.retries,
            ..ConnectionKeys::default()
        },
        origin,
    }
}

/// Chooses the database; the private server is started only when the command connects.
pub fn choose(ctx: &Session, connects: bool) -> Result<Database> {
    choose_or(ctx, connects, None)
}

/// Chooses the database, by another profile where the project names none.
pub fn choose_or(ctx: &Session, connects: bool, other: Option<String>) -> Result<Database> {
    let flags = &ctx.invocation.flags;
    let render = setup::plain_render(ctx)?;
    let root = ctx.project_dir();
    let doc = match (
        Project::peek(&root, ""),
        flags.profile.as_ref().or(other.as_ref()),
    ) {
        (Ok(doc), _) => Some(doc),
        // The profile is named beside the project file, which is told of by whoever reads it.
        (Err(_), Some(_)) => None,
        (Err(stopped), None) => return Err(stopped),
    };
    let named = doc
        .as_ref()
        .and_then(|d| d.root.get("profile"))
        .and_then(crate::yaml::Node::as_str)
        .map(|t| {
            if config::has_jinja(t) {
                render(t)
                    .ok()
                    .and_then(|k| crate::yaml::Node::bare(k).scalar_text())
                    .unwrap_or_default()
            } else {
                t.to_string()
            }
        });
    let profile = flags
        .profile
        .clone()
        .or(named)
        .or(other)
        .unwrap_or_else(|| "default".into());
    if let Some(found) = from_profile(ctx, &profile, &render)? {
        return Ok(found);
    }
    if let Some(found) = from_environment(ctx, &profile)? {
        return Ok(found);
    }
    super::database::private(ctx, &profile, connects)
}

fn from_profile(
    ctx: &Session,
    profile: &str,
    render: config::Render<'_>,
) -> Result<Option<Database>> {
    let flags = &ctx.invocation.flags;
    let given = ctx.invocation.flags.layers.source("profiles_dir") != crate::cli::Source::Standard;
    let folder = flags.profiles_dir.clone();
    let home = ctx.env.get("HOME").map(PathBuf::from);
    let file = config::profiles_file(
        folder.as_deref().filter(|_| given),
        &ctx.project_dir(),
        home.as_deref(),
    );
    let query = ProfileQuery {
        profile: profile.to_string(),
        target: flags.target.clone(),
        threads: flags.threads,
    };
    if let Some(file) = &file
        && let Some(target) = config::load_profile(file, &query, render)?
    {
        if let Some(password) = &target.connection.password {
            let c = &target.connection;
            ctx.reporter
                .masks()
                .add_password(password, &[&c.user, &c.dbname, &c.host, &target.schema]);
        }
        let mut options = of_keys(&target.connection)?;
        // libpq, by which dbt connects, takes from the environment what the profile leaves open.
        options.options = ctx.env.get("PGOPTIONS").filter(|o| !o.is_empty());
        return Ok(Some(Database {
            target,
            options,
            private: false,
        }));
    }
    let asked = if given {
        Some("--profiles-dir")
    } else if flags.profile.is_some() {
        Some("--profile")
    } else {
        flags.target.as_ref().map(|_| "--target")
    };
    match asked {
        None => Ok(None),
        Some(flag) => {
            let mut d = Diagnostic::error(
                code::P0106,
                format!("could not find profile named '{profile}'"),
            )
            .heading("Runtime Error")
            .note(format!("a profile is needed because {flag} was given"));
            if let Some(f) = file {
                d = d.note(format!("profiles were read from {}", f.display()));
            }
            Err(d.help("add the profile to profiles.yml, or leave the option out to use the private server").into())
        }
    }
}

fn from_environment(ctx: &Session, profile: &str) -> Result<Option<Database>> {
    let lookup = |name: &str| ctx.env.get(name);
    for name in ["TV1_DATABASE_URL", "DATABASE_URL"] {
        if let Some(url) = ctx.env.get(name).filter(|u| !u.is_empty()) {
            let options = ConnectOptions::from_url(&url, &lookup)?;
            mask(ctx, &options);
            let target = as_target(ctx, &options, profile, ctx.env.origin(name));
            return Ok(Some(Database {
                target,
                options,
                private: false,
            }));
        }
    }
    if ConnectOptions::in_env(&lookup) {
        let options = ConnectOptions::from_env(&lookup)?;
        mask(ctx, &options);
        let target = as_target(ctx, &options, profile, "PG* environment variables".into());
        return Ok(Some(Database {
            target,
            options,
            private: false,
        }));
    }
    Ok(None)
}

fn mask(ctx: &Session, options: &ConnectOptions) {
    if let Some(p) = &options.password {
        ctx.reporter
            .masks()
            .add_password(p.expose(), &[&options.user, &options.dbname, &options.host]);
    }
}

/// The target of the private server.
pub fn private_target(
    ctx: &Session,
    options: &ConnectOptions,
    profile: &str,
    origin: String,
) -> Target {
    as_target(ctx, options, profile, origin)
}
