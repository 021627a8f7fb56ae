//! The macro library against dbt: every case of `*.txt` was answered by dbt-core 1.10.23 on PostgreSQL.
//!
//! A case is `=== name`, the text of a model, `---` and what it compiled to, or `--- error` and what it failed with.
//! All cases of a file are the models of one project. Runs of white space count as one blank: what matters is whether
//! there is any.
use crate::project::Project;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use tv1::builtin;
use tv1::jinja::{EngineBuilder, MacroDef, Packages};

/// The relations that the fixtures of unit tests look at.
const SEEDS: &[(&str, &str)] = &[
    (
        "seeds/raw_a.csv",
        "id,Name,ts,amount,ok\n1,a,2024-01-01 00:00:00,1.5,true\n2,b,2024-01-02 00:00:00,2,false\n",
    ),
    ("seeds/raw_b.csv", "id,zip,d\n1,007,2024-01-01\n"),
    ("seeds/raw_empty.csv", "x,y\n"),
    (
        "seeds/seeds.yml",
        "seeds:\n  - name: raw_b\n    config: {column_types: {zip: varchar(10)}}\n",
    ),
];

#[derive(Default)]
struct Case {
    name: String,
    call: String,
    expected: String,
    fails: bool,
}

fn cases(text: &str) -> Vec<Case> {
    let mut all: Vec<Case> = Vec::new();
    let mut in_call = true;
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("=== ") {
            in_call = true;
            let name = name.to_string();
            all.push(Case {
                name,
                ..Case::default()
            });
            continue;
        }
        let case = all.last_mut().expect("a case");
        if in_call && (line == "---" || line == "--- error") {
            in_call = false;
            case.fails = line.ends_with("error");
            continue;
        }
        let part = if in_call {
            &mut case.call
        } else {
            &mut case.expected
        };
        part.push_str(line);
        part.push('\n');
    }
    all
}

/// White space as single blanks, none at the ends.
fn squash(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The names that dbt's answers have for the database, the schema and the model.
struct Place {
    database: String,
    schema: String,
}

impl Place {
    fn call(&self, text: &str) -> String {
        text.replace("'demo'", &format!("'{}'", self.database))
            .replace("schema='s'", &format!("schema='{}'", self.schema))
    }

    fn answer(&self, text: &str, model: &str) -> String {
        let quoted = format!("\"{}\".\"{}\"", self.database, self.schema);
        text.replace(&quoted, "\"demo\".\"s\"")
            .replace(&self.database, "demo")
            .replace(&format!("'{}'", self.schema), "'s'")
            .replace(&format!("[{}", self.schema), "[s")
            .replace(&format!("\"{model}\""), "\"this\"")
            .replace(&format!("'{model}'"), "'this'")
            .replace(&format!("Fixture for {model}"), "Fixture for this")
            .replace(&format!("\"{model}_"), "\"this_")
            .replace(&format!("\"{}\".", self.schema), "\"s\".")
    }
}

/// Whether a case takes the place of a seed.
fn alone(case: &Case) -> bool {
    case.call.contains("config(alias=")
}

fn check(file: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/engine/builtin");
    let all = cases(&fs::read_to_string(folder.join(file)).expect("the golden file"));
    assert!(!all.is_empty(), "no cases in {file}");
    let project = Project::new(SEEDS);
    project.tv1(&["seed"]).expect(0, &[]);
    project.write("models/place.sql", "{{ target.schema }}\n");
    let model = |i: usize| format!("golden_{i}");
    let database = project.rows("select current_database()");
    let place = Place {
        schema: project
            .rows("select table_schema from information_schema.tables where table_name = 'raw_a'"),
        database,
    };
    let mut said = String::new();
    let mut failed = BTreeMap::new();
    for (i, case) in all.iter().enumerate() {
        let call = place.call(&case.call);
        let text = if case.fails {
            // Failures belong to the run, not to the parsing of the project.
            format!("{{% if execute %}}{call}{{% endif %}}\n")
        } else {
            call
        };
        let path = format!("models/{}.sql", model(i));
        project.write(&path, &text);
        if alone(case) {
            // It bears the name of a seed, so neither the seed nor another such model may stand beside it.
            fs::rename(
                project.folder().join("seeds"),
                project.folder().join("seeds.aside"),
            )
            .expect("moved");
            said.push_str(&project.tv1(&["run", "--select", &model(i)]).said);
            failed.extend(failures(&project));
            fs::rename(
                project.folder().join("seeds.aside"),
                project.folder().join("seeds"),
            )
            .expect("moved");
            fs::remove_file(project.folder().join(path)).expect("removed");
        }
    }
    if !all.iter().all(alone) {
        said.push_str(&project.tv1(&["run"]).said);
        failed.extend(failures(&project));
    }
    let mut wrong = String::new();
    for (i, case) in all.iter().enumerate() {
        let failure = failed.get(&model(i)).cloned().unwrap_or_default();
        let compiled = project
            .folder()
            .join(format!("target/compiled/shop/models/{}.sql", model(i)));
        let got = if case.fails {
            place.answer(&failure, &model(i))
        } else {
            match fs::read_to_string(compiled) {
                Ok(text) => place.answer(&text, &model(i)),
                Err(_) => format!("(nothing) {failure}"),
            }
        };
        // Where Postgres shows the place of an error, the length of the database's name decides what is seen of the line.
        let want = match case.expected.split_once("\nLINE ") {
            Some((message, _)) if case.fails => squash(message),
            _ => squash(&case.expected),
        };
        let got = squash(&got);
        if want != got && !(case.fails && got.contains(&want)) {
            let _ = write!(wrong, "\n{}\n  want {want}\n  got  {got}", case.name);
        }
    }
    assert!(
        wrong.is_empty(),
        "{file}:{wrong}\n{}",
        &said[..said.len().min(2000)]
    );
}

/// The message of every model that failed.
fn failures(project: &Project) -> BTreeMap<String, String> {
    let path = project.folder().join("target/run_results.json");
    let Ok(text) = fs::read_to_string(path) else {
        return BTreeMap::new();
    };
    let results: Value = serde_json::from_str(&text).expect("run_results.json");
    let message = |r: &Value| {
        let name = r["unique_id"].as_str()?.split('.').nth(2)?.to_string();
        Some((name, r["message"].as_str()?.to_string()))
    };
    results["results"]
        .as_array()
        .expect("results")
        .iter()
        .filter_map(message)
        .collect()
}

macro_rules! files {
    ($($name:ident),*) => {$(
        #[test]
        fn $name() {
            check(concat!(stringify!($name), ".txt"));
        }
    )*};
}

files!(
    contracts,
    crossdb,
    ddl,
    defaults,
    hooks,
    incremental,
    naming,
    pydates,
    seeds,
    snapshots,
    spine,
    tests,
    unit_tests
);

/// Every macro of the library, `package.name`, with its parameters.
fn library() -> BTreeMap<String, String> {
    let mut builder = EngineBuilder::new();
    for (package, file) in builtin::files() {
        builder
            .add_macro_file(package, &file)
            .expect("a macro file");
    }
    let packages = Packages {
        root: "shop".into(),
        builtins: builtin::PACKAGES.map(String::from).to_vec(),
    };
    let engine = builder.build(packages).expect("an engine");
    let header = |m: &Arc<MacroDef>| {
        let parameters: Vec<&str> = m.parameters.iter().map(|p| &*p.name).collect();
        (format!("{}.{}", m.package, m.name), parameters.join(", "))
    };
    engine.registry().iter().map(header).collect()
}

#[test]
fn every_macro_of_dbt_is_there_with_its_parameters() {
    let ours = library();
    let mut wrong = Vec::new();
    let lines = include_str!("names.list").lines();
    for line in lines.filter(|l| !l.starts_with(['#', '-'])) {
        let (name, parameters) = match line.strip_suffix(')').and_then(|l| l.split_once('(')) {
            Some((name, list)) => (name, Some(list)),
            None => (line, None),
        };
        match ours.get(name) {
            None => wrong.push(format!("{name} is missing")),
            Some(got) => {
                if parameters.is_some_and(|p| p != got) {
                    wrong.push(format!("{line} has the parameters ({got})"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
