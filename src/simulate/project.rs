//! All simulations of a project: read, checked, compiled; what the host lists, plans and runs.

use super::calendar;
use super::circles::circles;
use super::compile::compile;
use super::host::Host;
use super::inputs::Inputs;
use super::model::{Kind, Model};
use super::program::Program;
use super::run::{self, Failure, HeldRows};
use super::segment::Segment;
use super::spec::{Expect, Spec, Value, read_document};
use super::value::TableId;
use super::world::{Calendar, World};
use crate::diag::{Diagnostic, Result, Severity, Sink, code};
use crate::text::{Place, SourceFile};
use crate::yaml::{self, Kind as Yaml, Node};
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The project's settings, which decide the rows together with the files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The project's seed.
    pub seed: u64,
    /// The first day, `YYYY-MM-DD`.
    pub start: String,
    /// How many days.
    pub days: u32,
    /// Threads and connections.
    pub threads: usize,
    /// Whether everything is made anew.
    pub full_refresh: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            seed: 42,
            start: "2025-01-01".into(),
            days: 15,
            threads: 4,
            full_refresh: false,
        }
    }
}

impl Options {
    /// The last day, `YYYY-MM-DD`.
    pub fn until(&self) -> String {
        calendar::parse_date(&self.start).map_or_else(String::new, |d| {
            calendar::date_text(d + i64::from(self.days) - 1)
        })
    }

    pub(super) fn calendar(&self) -> Result<Calendar> {
        let start = calendar::parse_date(&self.start).ok_or_else(|| {
            Diagnostic::error(
                code::M0801,
                format!("the simulations' start `{}` is no date", self.start),
            )
            .help("write YYYY-MM-DD")
        })?;
        Ok(Calendar {
            start,
            days: i64::from(self.days),
        })
    }
}

/// A column as the host lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its PostgreSQL type.
    pub data_type: String,
    /// What it means.
    pub description: String,
    /// `table.column` whose values it takes.
    pub references: Option<String>,
    /// Whether it is the primary key.
    pub primary_key: bool,
}

/// A simulation as the host lists it.
#[derive(Debug, Clone)]
pub struct Simulation {
    /// Its name, also the table's.
    pub name: String,
    /// The schema that its file names.
    pub schema: Option<String>,
    /// What it is for.
    pub description: String,
    /// Labels for selection.
    pub tags: Vec<String>,
    /// The loaded columns.
    pub columns: Vec<Column>,
    /// Other simulations, seeds, sources and models that it needs, by name.
    pub depends_on: Vec<String>,
    /// Declared checks: name, SQL, whether only a warning.
    pub expects: Vec<Expect>,
    /// Whether faults are put in and listed in a table beside.
    pub faults: bool,
    /// Changes when the rows would, but for the rows of sources and models that it reads.
    pub spec_hash: String,
    /// What makes up that hash.
    pub(super) inputs: Inputs,
    /// Sources and models that it reads, with what a person calls them.
    pub(super) read_when_run: Vec<(String, String)>,
    /// Where its file says so.
    pub place: Place,
}

/// All simulations of a project.
pub struct Simulations {
    /// As listed.
    pub list: Vec<Simulation>,
    /// What was noticed but stops nothing.
    pub warnings: Vec<Diagnostic>,
    pub(super) specs: Vec<Arc<Spec>>,
    pub(super) model: Model,
    pub(super) programs: Vec<Option<Arc<Program>>>,
    pub(super) constants: Arc<Segment>,
}

/// The version of the rules by which rows are made; part of every hash.
const RULES: &str = "tv1 simulations 1";

impl Simulations {
    /// Reads and checks all files; every finding of every file is reported at once.
    ///
    /// # Errors
    /// All findings, if one of them is an error.
    pub fn load(files: &[Arc<SourceFile>], host: &dyn Host) -> Result<Self> {
        let mut sink = Sink::default();
        let specs = read(files, host, &mut sink);
        let model = Model::new(&specs, host);
        let mut constants = Segment::default();
        let mut programs = Vec::new();
        let mut reads: Vec<BTreeSet<TableId>> = Vec::new();
        for sim in 0..specs.len() {
            let compiled = compile(&model, &specs, sim, &mut constants, &mut sink);
            programs.push(compiled.program.map(Arc::new));
            reads.push(compiled.reads);
        }
        faulty_columns(&specs, &mut sink);
        circles(&model, &specs, &reads, &mut sink);
        // In the order of files and lines, whichever phase found it.
        sink.said.sort_by_key(|d| {
            d.labels
                .first()
                .map(|l| (position(files, &l.place), l.place.span.start))
        });
        let warnings = sink.finish()?;
        let inputs = inputs(&model, &specs, &reads, host);
        let list = specs
            .iter()
            .enumerate()
            .zip(inputs)
            .map(|((i, s), inputs)| listed(&model, s, i, &reads, inputs))
            .collect();
        Ok(Self {
            list,
            warnings,
            specs,
            model,
            programs,
            constants: Arc::new(constants),
        })
    }

    /// The simulation of this name.
    pub fn find(&self, name: &str) -> Option<&Simulation> {
        self.list.iter().find(|s| s.name == name)
    }

    pub(super) fn program(&self, name: &str) -> Result<Arc<Program>> {
        let found = self
            .list
            .iter()
            .position(|s| s.name == name)
            .and_then(|i| self.programs[i].clone());
        found.ok_or_else(|| {
            let near = super::spec::read_suggest(name, self.list.iter().map(|s| s.name.as_str()));
            let mut d = Diagnostic::error(code::M0803, format!("there is no simulation `{name}`"));
            d.help = near.map(|n| format!("did you mean `{n}`?"));
            d.into()
        })
    }

    /// A world in which a program can run.
    pub(super) fn world(
        &self,
        program: &Program,
        options: &Options,
        host: &dyn Host,
    ) -> Result<Arc<World>> {
        let tables = self.model.tables.len();
        let mut world = Arc::new(World {
            seed: options.seed,
            calendar: options.calendar()?,
            constants: self.constants.clone(),
            tables: (0..tables).map(|_| None).collect(),
            arrivals: vec![None; tables],
            programs: vec![None; tables],
            choices: std::sync::RwLock::default(),
        });
        let rows = |name: &str| -> std::result::Result<HeldRows, Failure> {
            host.table_rows(name)
                .map_err(|e| Failure::new(format!("the rows of `{name}` cannot be read: {e}")))
        };
        run::prepare(&mut world, &self.model, &self.programs, program, &rows)
            .map_err(|f| self.failure(program, f))?;
        Ok(world)
    }

    /// A failure while rows were made, as a diagnostic.
    pub(super) fn failure(&self, program: &Program, failure: Failure) -> crate::diag::Stopped {
        let mut spec = &self.specs[program.table];
        let mut span = &spec.name.span;
        // A column of the table, or of the table that its rows belong to.
        if let Some((table, column)) = &failure.column
            && let Some(owner) = self.specs.get(*table)
            && let Some(found) = owner.columns.iter().find(|c| c.name.text == *column)
        {
            spec = owner;
            span = &found.name.span;
        }
        Diagnostic::error(
            code::M0810,
            format!("{}: {}", program.name, failure.message),
        )
        .at(Place::new(&spec.file, span.clone()))
        .into()
    }
}

fn position(files: &[Arc<SourceFile>], place: &Place) -> usize {
    files
        .iter()
        .position(|f| Arc::ptr_eq(f, &place.file))
        .unwrap_or(usize::MAX)
}

/// All documents of all files, Jinja rendered.
fn read(files: &[Arc<SourceFile>], host: &dyn Host, sink: &mut Sink) -> Vec<Arc<Spec>> {
    let mut specs: Vec<Arc<Spec>> = Vec::new();
    for file in files {
        let Some(documents) = sink.take(yaml::load_all(file)) else {
            continue;
        };
        for mut document in documents {
            if document.root.is_null() {
                continue;
            }
            for warning in &document.warnings {
                let mut said = warning.clone();
                if said.code == code::Y0202 {
                    // A column or weight written twice is a slip that would go unseen.
                    said.severity = Severity::Error;
                    said.message = said.message.replace(": the last one counts", "");
                }
                sink.push(said);
            }
            render(&mut document.root, file, host, sink);
            let Some(spec) = read_document(&document, sink) else {
                continue;
            };
            if let Some(other) = specs.iter().find(|s| s.name.text == spec.name.text) {
                sink.push(
                    Diagnostic::error(
                        code::M0801,
                        format!("two simulations are called `{}`", spec.name.text),
                    )
                    .label(Place::new(file, spec.name.span.clone()), "the second")
                    .label(
                        Place::new(&other.file, other.name.span.clone()),
                        "the first",
                    ),
                );
                continue;
            }
            specs.push(Arc::new(spec));
        }
    }
    specs
}

/// Renders scalars that hold Jinja; the SQL of checks is rendered when it runs.
fn render(node: &mut Node, file: &Arc<SourceFile>, host: &dyn Host, sink: &mut Sink) {
    match &mut node.kind {
        Yaml::Str(text) if text.contains("{{") => match host.render(text) {
            Ok(kind) => node.kind = kind,
            Err(stopped) => {
                for mut d in stopped.0 {
                    if d.labels.is_empty() {
                        d = d.at(Place::new(file, node.span.clone()));
                    }
                    sink.push(d);
                }
            }
        },
        Yaml::Seq(items) => items.iter_mut().for_each(|i| render(i, file, host, sink)),
        Yaml::Map(entries) => {
            for (key, value) in entries.iter_mut() {
                if key.as_str() != Some("expect") {
                    render(value, file, host, sink);
                }
            }
        }
        _ => {}
    }
}

/// Columns named under `faults:` must be there.
fn faulty_columns(specs: &[Arc<Spec>], sink: &mut Sink) {
    for spec in specs {
        let Some(faults) = &spec.faults else { continue };
        let late = faults.late.iter().map(|l| &l.column);
        let bad = faults.corrupted.iter().flat_map(|c| &c.columns);
        for name in late.chain(bad) {
            let found = spec
                .columns
                .iter()
                .find(|c| c.name.text == name.text && !c.hidden);
            let timed = faults.late.as_ref().is_some_and(|l| l.column == *name);
            let wrong = match found {
                None => format!("no column `{}`", name.text),
                Some(c)
                    if timed
                        && !matches!(
                            c.sql,
                            super::value::SqlType::Timestamp | super::value::SqlType::Date
                        ) =>
                {
                    format!(
                        "`{}` is {}, but only a timestamp or date can be late",
                        name.text, c.sql
                    )
                }
                Some(c) if !timed && c.primary_key => {
                    format!("the primary key `{}` cannot be corrupted", name.text)
                }
                Some(_) => continue,
            };
            sink.push(
                Diagnostic::error(code::M0803, format!("{}.faults: {wrong}", spec.name.text))
                    .at(Place::new(&spec.file, name.span.clone())),
            );
        }
    }
}

/// What each simulation's rows are made from: its file, the simulations it reads, directly or not, and rows of seeds.
fn inputs(
    model: &Model,
    specs: &[Arc<Spec>],
    reads: &[BTreeSet<TableId>],
    host: &dyn Host,
) -> Vec<Inputs> {
    let mut hashes: BTreeMap<TableId, String> = BTreeMap::new();
    for (i, spec) in specs.iter().enumerate() {
        hashes.insert(i, text_hash(&spec.canonical.to_string()));
    }
    for table in reads.iter().flatten() {
        let seed = model.tables[*table].kind == Kind::Host(super::host::TableKind::Seed);
        if seed && !hashes.contains_key(table) {
            // The order of a seed's rows matters, as a table in memory keeps it.
            let rows = host
                .table_rows(&model.tables[*table].name)
                .map(|r| serde_json::to_string(&r).unwrap_or_default());
            hashes.insert(*table, text_hash(&rows.unwrap_or_default()));
        }
    }
    (0..specs.len())
        .map(|i| Inputs {
            file: specs[i].canonical.clone(),
            reads: all_reads(i, reads)
                .into_iter()
                .filter(|t| *t != i)
                .filter_map(|t| Some((model.describe(t), hashes.get(&t)?.clone())))
                .collect(),
        })
        .collect()
}

/// Everything that a simulation reads, directly or through others, and itself.
fn all_reads(start: TableId, reads: &[BTreeSet<TableId>]) -> BTreeSet<TableId> {
    let mut all = BTreeSet::new();
    let mut todo = vec![start];
    while let Some(t) = todo.pop() {
        if all.insert(t) {
            todo.extend(reads.get(t).into_iter().flatten());
        }
    }
    all
}

fn text_hash(text: &str) -> String {
    hex(&Sha256::digest(text)[..16])
}

/// Bytes as hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    let digit = |n: u8| char::from_digit(u32::from(n), 16).unwrap_or('0');
    bytes
        .iter()
        .flat_map(|b| [digit(b >> 4), digit(b & 15)])
        .collect()
}

fn listed(
    model: &Model,
    spec: &Spec,
    id: TableId,
    reads: &[BTreeSet<TableId>],
    inputs: Inputs,
) -> Simulation {
    let mut depends: BTreeSet<&str> = reads[id]
        .iter()
        .filter(|t| **t != id)
        .map(|t| model.tables[*t].name.as_str())
        .collect();
    depends.extend(
        spec.columns
            .iter()
            .filter_map(|c| c.references.as_ref()?.text.split('.').next()),
    );
    depends.remove(spec.name.text.as_str());
    Simulation {
        name: spec.name.text.clone(),
        schema: spec.schema.clone(),
        description: spec.description.clone(),
        tags: spec.tags.clone(),
        columns: spec
            .columns
            .iter()
            .filter(|c| !c.hidden && !matches!(c.value, Value::Broken))
            .map(|c| Column {
                name: c.name.text.clone(),
                data_type: c.sql.to_string(),
                description: c.description.clone(),
                references: c.references.as_ref().map(|r| r.text.clone()),
                primary_key: c.primary_key,
            })
            .collect(),
        depends_on: depends.into_iter().map(str::to_string).collect(),
        expects: spec.expects.clone(),
        faults: spec.faults.is_some(),
        spec_hash: text_hash(&format!(
            "{RULES}\n{}\n{}",
            spec.name.text,
            inputs.written()
        )),
        inputs,
        read_when_run: all_reads(id, reads)
            .into_iter()
            .filter(|t| {
                let kind = model.tables[*t].kind;
                kind != Kind::Simulation && kind != Kind::Host(super::host::TableKind::Seed)
            })
            .map(|t| (model.tables[t].name.clone(), model.describe(t)))
            .collect(),
        place: Place::new(&spec.file, spec.name.span.clone()),
    }
}
