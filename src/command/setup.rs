//! From the project folder to the parsed project: profile, packages, macros, manifest.
use super::connect::{Database, choose};
use super::secrets;
use super::session::Session;
use super::sound::{check_version, no_catalogs, spaces_in_names, unknown_tests};
use crate::cli::{FlagsBlock, Source};
use crate::config::{self, Project, Target, Vars};
use crate::context::{Cache, EngineHost, PackageFacts, Say, Shared};
use crate::diag::{Diagnostic, Result, Sink, code};
use crate::graph::{Dag, Manifest};
use crate::jinja::{Engine, EngineBuilder, Packages};
use crate::load::{self, Package};
use crate::parse::{self, Input, Names, ParseHost};
use crate::report::{Count, Event, Level};
use crate::select::{Selectors, State};
use crate::text::Place;
use crate::yaml::{Document, Node};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock};

/// A parsed project.
pub struct Loaded {
    /// Shared facts of all renders.
    pub shared: Arc<Shared>,
    /// The manifest.
    pub manifest: Arc<Manifest>,
    /// The graph.
    pub dag: Dag,
    /// The root project.
    pub project: Project,
    /// The database.
    pub database: Database,
    /// The simulations.
    pub simulations: Option<crate::simulate::Simulations>,
    /// The selectors.
    pub selectors: Selectors,
    /// The artefacts of `--state`.
    pub state: Option<State>,
}

/// `flags:` of the project file, or `config:` of profiles.yml, where dbt had them before. Files that cannot be read
/// are left for those who need them to tell of.
///
/// # Errors
/// Both are there.
pub fn flags_block(root: &Path, profiles_dir: &Path) -> Result<Option<FlagsBlock>> {
    let block = |doc: Option<Document>, key: &str, source| {
        let doc = doc?;
        let node = doc.root.get(key).filter(|n| !n.is_null())?.clone();
        Some(FlagsBlock {
            file: doc.file,
            node,
            source,
        })
    };
    let flags = block(Project::peek(root, "").ok(), "flags", Source::Project);
    let path = profiles_dir.join("profiles.yml");
    let profiles = crate::fs::read(&path, &path.display().to_string())
        .ok()
        .and_then(|file| crate::yaml::load_map(&file).ok());
    let config =
        block(profiles, "config", Source::Profiles).filter(|b| !b.node.entries().is_empty());
    match (flags, config) {
        (Some(flags), Some(config)) if !flags.node.entries().is_empty() => Err(Diagnostic::error(
            code::P0106,
            "Do not specify both 'config' in profiles.yml and 'flags' in dbt_project.yml. Using 'config' in profiles.yml is deprecated.",
        )
        .heading("Runtime Error")
        .at(Place::new(&config.file, config.node.span.clone()))
        .help("move what stands under `config:` to `flags:` of the project file")
        .into()),
        (flags, None) => Ok(flags),
        (_, config) => Ok(config),
    }
}

/// An engine without macros, for values of configuration files.
fn bare_engine() -> Result<Engine> {
    EngineBuilder::new().build(Packages::default())
}

/// Facts for renders; the project's own are filled in by the caller.
fn shared(
    ctx: &Session,
    engine: Engine,
    target: Target,
    project: Option<&Project>,
    packages: &[Package],
) -> Arc<Shared> {
    let flags = &ctx.invocation.flags;
    let reporter = ctx.reporter.clone();
    let (strict, told) = (flags.clone(), flags.clone());
    let cli = match flags.vars.to_json() {
        Value::Object(map) => map,
        _ => Map::new(),
    };
    let root_name = project.map(|p| p.name.clone()).unwrap_or_default();
    let quoting = project.map(|p| p.quoting).unwrap_or_default();
    let target_dir = target_dir(ctx, project);
    let mut upper: Map<String, Value> = flags
        .every()
        .into_iter()
        .map(|(k, v)| (k.to_uppercase(), v))
        .collect();
    upper.insert("WHICH".into(), Value::from(flags.which));
    Arc::new(Shared {
        engine,
        target,
        vars: Vars {
            cli,
            root_name: root_name.clone(),
            root: project.map(|p| p.vars.clone()).unwrap_or_default(),
        },
        packages: packages
            .iter()
            .map(|p| {
                (
                    p.project.name.clone(),
                    PackageFacts {
                        vars: p.project.vars.clone(),
                        settings: p.project.settings(),
                    },
                )
            })
            .collect(),
        dispatch: project.map(|p| p.dispatch.clone()).unwrap_or_default(),
        query_comment: project.map_or(
            config::QueryComment {
                comment: None,
                append: false,
            },
            |p| p.query_comment.clone(),
        ),
        quoting: [
            quoting.database.unwrap_or(true),
            quoting.schema.unwrap_or(true),
            quoting.identifier.unwrap_or(true),
        ],
        root_name,
        flags: upper,
        invocation_args: flags.to_args_map(),
        env: ctx.env.vars.clone(),
        invocation_id: ctx.id.clone(),
        started_at: ctx.started_at,
        target_dir,
        strict: Arc::new(move |d| super::warnings::fate(&strict, d) == crate::cli::Fate::Error),
        say: Arc::new(move |say| {
            reporter.emit(match say {
                Say::Log(text, info) => Event::Log {
                    level: if info { Level::Info } else { Level::Debug },
                    text,
                    node: None,
                },
                Say::Print(text) => Event::Print { text, node: None },
                Say::Warning(d) => {
                    // What must stop was stopped where it arose.
                    let _ = super::warnings::tell(&told, &reporter, vec![d]);
                    return;
                }
                Say::Sql(connection, text) => Event::Sql {
                    connection,
                    node: None,
                    text,
                },
                Say::SqlDone(status, elapsed) => Event::SqlStatus {
                    connection: String::new(),
                    node: None,
                    status,
                    elapsed,
                },
                Say::SqlFailed(text) => Event::SqlFailed { text },
                Say::Step(step) => Event::Step(step),
                Say::Notice(connection, text) => Event::Notice {
                    connection,
                    severity: "NOTICE".into(),
                    text,
                },
            });
        }),
        cache: Cache::default(),
        manifest: OnceLock::new(),
        names: OnceLock::new(),
        graph: OnceLock::new(),
        selected: OnceLock::new(),
        deferred: OnceLock::new(),
        staged: crate::context::Staged::default(),
        empty: flags.empty,
        sample: flags.sample.as_ref().map(|s| (edge(s.start), edge(s.end))),
        // A sample is also the range of models in batches, unless the flags name one.
        event_time: (
            flags
                .event_time_start
                .or(flags.sample.as_ref().map(|s| s.start)),
            flags
                .event_time_end
                .or(flags.sample.as_ref().map(|s| s.end)),
        ),
        retried: ctx.batches.clone(),
        injected: Mutex::default(),
        env_read: Mutex::default(),
        warned: Mutex::default(),
    })
}

/// The target folder, absolute.
pub fn target_dir(ctx: &Session, project: Option<&Project>) -> std::path::PathBuf {
    let root = ctx.project_dir();
    match &ctx.invocation.flags.target_path {
        Some(p) => root.join(p),
        None => root.join(project.map_or("target", |p| p.target_path.as_str())),
    }
}

/// The target folder of the project as its file says, without reading more.
pub fn target_dir_of_project(ctx: &Session) -> std::path::PathBuf {
    let root = ctx.project_dir();
    if let Some(p) = &ctx.invocation.flags.target_path {
        return root.join(p);
    }
    let doc = Project::peek(&root, "").ok();
    let named = doc
        .as_ref()
        .and_then(|d| d.root.get("target-path"))
        .and_then(Node::as_str);
    root.join(named.unwrap_or("target"))
}

/// A moment as filters on event times have it.
fn edge(at: crate::cli::Moment) -> String {
    let text = at.format("%Y-%m-%d %H:%M:%S%.6f").to_string();
    format!("{}+00:00", text.trim_end_matches(".000000"))
}

/// Evaluates values before a target is known.
pub fn plain_render(
    ctx: &Session,
) -> Result<impl Fn(&str) -> std::result::Result<crate::yaml::Kind, String> + use<>> {
    let mut shared = shared(ctx, bare_engine()?, no_target(), None, &[]);
    if let Some(own) = Arc::get_mut(&mut shared) {
        own.env = secrets::hidden(&own.env);
    }
    let host = EngineHost::new(shared, 0.0);
    let env = ctx.env.vars.clone();
    Ok(move |text: &str| Ok(secrets::revealed(host.yaml_value("", text)?, &env)))
}

/// A target with nothing in it, for what needs none.
pub fn no_target() -> Target {
    Target {
        profile_name: String::new(),
        name: String::new(),
        schema: String::new(),
        threads: 1,
        connection: config::ConnectionKeys::default(),
        origin: String::new(),
    }
}

/// Reads the project and its packages.
pub fn packages(ctx: &Session, target: &Target) -> Result<Vec<Package>> {
    let host = EngineHost::new(shared(ctx, bare_engine()?, target.clone(), None, &[]), 0.0);
    let render = |text: &str| host.yaml_value("", text);
    let root = ctx.project_dir();
    let project = Project::load(&root, "", &render)?;
    let install = project.packages_install_path.clone();
    let parsed = |text: &str| -> Result<crate::yaml::Kind> {
        render(text).map_err(|why| {
            Diagnostic::error(code::P0105, why)
                .heading("Compilation Error")
                .into()
        })
    };
    crate::packages::check_installed(&root, Path::new(&install), &parsed)?;
    check_version(ctx, &project)?;
    let mut out = vec![load::read(project, "")?];
    let mut folders: Vec<std::path::PathBuf> = std::fs::read_dir(root.join(&install))
        .map(|d| {
            d.flatten()
                .map(|e| e.path())
                .filter(|p| p.is_dir())
                .collect()
        })
        .unwrap_or_default();
    folders.sort();
    let mut sink = Sink::default();
    for folder in folders {
        let name = folder
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if name.starts_with("__") || name.starts_with('.') {
            continue;
        }
        let shown = format!("{install}/{name}/");
        let package = Project::load(&folder, &shown, &render).and_then(|mut p| {
            p.warnings.clear();
            load::read(p, &shown)
        });
        if let Some(package) = sink.take(package) {
            sink.take(check_version(ctx, &package.project));
            if out.iter().any(|p| p.project.name == package.project.name) {
                sink.push(
                    Diagnostic::error(code::P0112, format!("dbt found more than one package with the name \"{}\" included in this project", package.project.name))
                        .heading("Compilation Error")
                        .help("package names must be unique; rename or remove one"),
                );
                continue;
            }
            out.push(package);
        }
    }
    sink.finish()?;
    Ok(out)
}

/// The engine with every macro of the packages and our own.
fn engine(packages: &[Package], ctx: &Session) -> Result<Engine> {
    let mut builder = EngineBuilder::new();
    let mut sink = Sink::default();
    for p in packages {
        for read in p.files.macros.iter().chain(&p.files.generic_tests) {
            if let Some(file) = sink.take(builder.add_macro_file(&p.project.name, &read.file)) {
                ctx.tell(file.warnings)?;
            }
        }
    }
    for (package, file) in crate::builtin::files() {
        sink.take(builder.add_macro_file(package, &file));
    }
    sink.finish()?;
    builder.build(Packages {
        root: packages[0].project.name.clone(),
        builtins: crate::builtin::PACKAGES.map(String::from).to_vec(),
    })
}

/// Loads and parses the project.
pub fn load(ctx: &Session, connects: bool) -> Result<Loaded> {
    let database = choose(ctx, connects)?;
    let packages = packages(ctx, &database.target)?;
    if !matches!(ctx.invocation.command, crate::cli::Command::List { .. }) {
        no_catalogs(&packages[0].project.root)?;
    }
    let engine = engine(&packages, ctx)?;
    let shared = shared(
        ctx,
        engine,
        database.target.clone(),
        Some(&packages[0].project),
        &packages,
    );
    let now = ctx.started_at.timestamp_micros() as f64 / 1e6;
    let host = EngineHost::new(shared.clone(), now);
    let input = Input {
        packages: &packages,
        host: &host,
        target: &shared.target,
        now,
        store_failures: ctx.invocation.flags.store_failures,
        behaviour: &|name| ctx.invocation.flags.behaviour(name),
        batches: shared.batches(),
    };
    let held = std::cell::RefCell::new(None);
    let simulated = |manifest: &Manifest| {
        let root = &packages[0];
        let (simulations, list) = super::simulations::sources(
            ctx,
            &shared,
            &root.files.simulations,
            &root.project.simulations,
            manifest,
        )?;
        *held.borrow_mut() = simulations;
        Ok(list)
    };
    let selectors = super::selection::selectors(ctx, &plain_render(ctx)?)?;
    let state = super::selection::state(ctx, &shared.target_dir)?;
    let (mut manifest, warnings) = parse::parse(&input, &simulated)?;
    ctx.tell(warnings)?;
    ctx.tell(spaces_in_names(ctx, &manifest)?)?;
    for diagnostic in unknown_tests(&shared, &manifest) {
        ctx.reporter.emit(Event::Diagnostic {
            diagnostic,
            dbt: None,
        });
    }
    manifest.selectors = selectors.manifest();
    let project = &packages[0].project.name;
    crate::page::add_exposures(&mut manifest, project, &ctx.project_dir(), now);
    let manifest = Arc::new(manifest);
    let _ = shared.names.set(Names::new(&manifest));
    let _ = shared.manifest.set(manifest.clone());
    let dag = Dag::new(&manifest);
    ctx.reporter.emit(Event::AdapterRegistered);
    ctx.reporter.emit(Event::Found(counts(&manifest)));
    let simulations = held.into_inner();
    let mut packages = packages;
    let root = packages.swap_remove(0);
    Ok(Loaded {
        shared,
        manifest,
        dag,
        project: root.project,
        database,
        simulations,
        selectors,
        state,
    })
}

/// What was found, by kind, in dbt's order.
fn counts(m: &Manifest) -> Vec<Count> {
    use crate::graph::ResourceType as T;
    let mut by: BTreeMap<T, usize> = BTreeMap::new();
    for n in m.nodes.values() {
        *by.entry(n.resource_type).or_default() += 1;
    }
    let of = |t: T| by.get(&t).copied().unwrap_or(0);
    // dbt counts in the order in which its parsers run; generic tests come from the last of them.
    let singular = m
        .nodes
        .values()
        .any(|n| n.resource_type == T::Test && n.test.is_none());
    let tests = of(T::Test);
    [
        ("model", of(T::Model)),
        ("snapshot", of(T::Snapshot)),
        ("analysis", of(T::Analysis)),
        ("data test", if singular { tests } else { 0 }),
        ("seed", of(T::Seed)),
        ("operation", of(T::Operation)),
        ("data test", if singular { 0 } else { tests }),
        ("source", m.sources.len()),
        ("exposure", m.exposures.len()),
        ("metric", m.metrics.len()),
        ("macro", m.macros.len()),
        ("group", m.groups.len()),
        ("semantic model", m.semantic_models.len()),
        ("saved query", m.saved_queries.len()),
        ("unit test", m.unit_tests.len()),
    ]
    .into_iter()
    .filter(|(_, n)| *n > 0)
    .map(|(kind, count)| Count {
        kind: kind.into(),
        count,
    })
    .collect()
}
