//! `deps`: installs the packages that the project lists.
use super::Outcome;
use super::session::Session;
use super::setup;
use crate::cli::{Command, PackageSource};
use crate::diag::{Diagnostic, Result, code};
use crate::packages::{self, Add, Options, Origin, Say};
use crate::report::{Event, Level};

/// Runs the command.
pub fn deps(ctx: &Session) -> Result<Outcome> {
    let Command::Deps {
        upgrade,
        lock,
        add_package,
        source,
        dry_run,
    } = &ctx.invocation.command
    else {
        return Ok(Outcome::Success);
    };
    let render = setup::plain_render(ctx)?;
    let root = ctx.project_dir();
    let project = crate::config::Project::load(&root, "", &|t| {
        Ok(render(t).unwrap_or(crate::yaml::Kind::Str(t.to_string())))
    })?;
    let env = |name: &str| ctx.env.get(name);
    let options = Options {
        project_name: project.name.clone(),
        install_path: root.join(&project.packages_install_path),
        dbt_version: Some(crate::DBT_VERSION.to_string()),
        upgrade: *upgrade,
        lock_only: *lock,
        add: add_package.as_ref().map(|p| Add {
            name: p.name.clone(),
            version: p.version.clone(),
            origin: match source {
                PackageSource::Git => Origin::Git,
                PackageSource::Local => Origin::Local,
                _ => Origin::Hub,
            },
        }),
        dry_run: *dry_run,
        secrets: ctx
            .env
            .vars
            .iter()
            .filter(|(k, _)| k.starts_with("DBT_ENV_SECRET_"))
            .map(|(_, v)| v.clone())
            .collect(),
        env: &env,
    };
    let evaluate = |text: &str| -> Result<crate::yaml::Kind> {
        render(text).map_err(|m| {
            Diagnostic::error(code::P0105, m)
                .heading("Compilation Error")
                .into()
        })
    };
    let mut say = |what: Say| {
        let (level, text) = match what {
            Say::Line(text) => (Level::Info, text),
            Say::Warning { text, .. } => (Level::Warn, text),
            Say::Updates(names) => (
                Level::Info,
                format!(
                    "Updates available for packages: {names:?}\nUpdate your versions in packages.yml, then run dbt deps"
                ),
            ),
        };
        ctx.reporter.emit(Event::Line {
            level,
            text,
            dbt: None,
        });
    };
    packages::deps(&root, &options, &evaluate, &mut say)?;
    Ok(Outcome::Success)
}
