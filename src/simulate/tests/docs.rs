//! The reference's examples: taken from docs/simulations.md, completed where they are parts of a file, and run.
use super::load::{run, seeded};
use super::*;
use crate::server::scratch::database;

const REFERENCE: &str = include_str!("../../../docs/simulations.md");
/// Keys of a whole file; other mappings are columns.
const SECTIONS: [&str; 8] = [
    "rows", "columns", "curves", "picks", "process", "expect", "faults", "unique",
];

/// The YAML examples with the line on which they start.
fn examples() -> Vec<(usize, String)> {
    let mut out = Vec::new();
    let mut open: Option<(usize, String)> = None;
    for (i, line) in REFERENCE.lines().enumerate() {
        match &mut open {
            None if line == "```yaml" => open = Some((i + 2, String::new())),
            Some(_) if line == "```" => out.extend(open.take()),
            Some((_, text)) => *text += &format!("{line}\n"),
            None => {}
        }
    }
    out
}

/// A part of a file as a whole one; none for settings of the project and single lines without a table.
fn whole(text: &str) -> Option<String> {
    let first = text.lines().find(|l| !l.starts_with('#'))?;
    let key = first.split(':').next()?;
    if key == "simulations" {
        return None;
    }
    if text.contains("simulation:") {
        return Some(text.to_string());
    }
    let mut out = "simulation: example\n".to_string();
    if !text.contains("rows:") {
        out += "rows: {initial: 200}\n";
    }
    let id = "  example_id: {type: bigint, id: sequence, primary_key: true}\n";
    if SECTIONS.contains(&key) {
        out += text;
        if !text.contains("columns:") {
            out += &format!("columns:\n{id}");
        }
    } else {
        out += &format!("columns:\n{id}");
        text.lines().for_each(|l| out += &format!("  {l}\n"));
    }
    Some(out)
}

/// Everything that the examples may read: the projects of this repository.
fn around() -> (Vec<Arc<SourceFile>>, Project) {
    let mut host = Project::tv_one();
    host.vars.insert("households".into(), 200);
    let root = env!("CARGO_MANIFEST_DIR");
    for seed in ["routes", "airports", "aircraft_models", "names"] {
        let path = format!("{root}/examples/airport/seeds/{seed}.csv");
        host.csv(seed, &std::fs::read_to_string(path).unwrap());
    }
    let mut files = tv_one_files();
    for (name, path) in [
        ("airport", "examples/airport/simulations/airport.yml"),
        ("shop", "examples/webshop/simulations/shop.yml"),
    ] {
        let text = std::fs::read_to_string(format!("{root}/{path}")).unwrap();
        files.push(file(name, &text));
    }
    (files, host)
}

#[test]
fn every_example_of_the_reference_runs() {
    let db = database();
    seeded(&db);
    let mut ran = 0;
    let mut wrong: Vec<String> = Vec::new();
    for (line, text) in examples() {
        let Some(text) = whole(&text) else { continue };
        let (mut files, host) = around();
        // An example may show a table of a project itself.
        let named = |n: &str| text.contains(&format!("simulation: {n}"));
        if named("users") {
            files.retain(|f| !f.path.contains("users") && !f.path.contains("tracking"));
        }
        files.push(file("example", &text));
        let s = match Simulations::load(&files, &host) {
            Ok(s) => s,
            Err(e) => {
                wrong.push(format!("the example on line {line}:\n{e}"));
                continue;
            }
        };
        let own = |x: &&super::super::Simulation| x.place.file.path.contains("example.yml");
        for simulation in s.list.iter().filter(own) {
            let name = &simulation.name;
            ran += 1;
            match run(&db, &s, name, &options(20), &host) {
                Err(e) => wrong.push(format!("the example on line {line}, {name}:\n{e}")),
                Ok(loaded) => {
                    let failed = loaded.checks.iter().find(|c| !c.passed);
                    if loaded.rows == 0 || failed.is_some() {
                        wrong.push(format!("the example on line {line}: {loaded:?}"));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    assert!(ran >= 18, "only {ran} examples were found");
}

/// Every function of the language stands in the reference.
#[test]
fn every_function_is_described() {
    for name in crate::simulate::compile::FUNCTIONS {
        assert!(
            REFERENCE.contains(&format!("`{name}(")) || REFERENCE.contains(&format!("`{name}`")),
            "{name}() is missing in docs/simulations.md"
        );
    }
}
