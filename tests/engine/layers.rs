//! The one-way street: which module may import which, and who may name which crate or print.
use regex::Regex;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// From the bottom to the top; a module imports only what stands before it.
const ORDER: &[&str] = &[
    "text", "diag", "fs", "yaml", "graph", "config", "load", "jinja", "pg", "server", "sql",
    "simulate", "semantic", "metrics", "powerbi", "packages", "scaffold", "builtin", "outcome",
    "report", "artifact", "docs", "page", "serve", "parse", "select", "context", "compile", "run",
    "cli", "command", "lib", "main",
];

/// Who may name a crate: folders or files of `src`.
const NAMED_BY: &[(&str, &[&str])] = &[
    ("tokio_postgres", &["pg"]),
    ("tokio", &["pg", "serve"]),
    ("axum", &["serve"]),
    ("granit_parser", &["yaml"]),
    ("serde_saphyr", &["yaml"]),
    (
        "minijinja",
        &[
            "jinja",
            "context",
            "compile",
            "run",
            "command/operation.rs",
            "command/show.rs",
            "command/simulation_host.rs",
            "command/simulation_views.rs",
        ],
    ),
    ("sqlparser", &["sql"]),
    ("clap", &["cli"]),
    ("ureq", &["packages"]),
    ("petgraph", &["graph"]),
    ("annotate_snippets", &["diag"]),
    ("indicatif", &["report"]),
];

/// Who may write to stdout and stderr.
const PRINTS: &[&str] = &["report", "command", "main.rs"];

/// A source file without its tests.
struct Code {
    /// From `src/`, with slashes.
    path: String,
    text: String,
}

impl Code {
    fn module(&self) -> &str {
        let first = self.path.split('/').next().unwrap();
        first.strip_suffix(".rs").unwrap_or(first)
    }

    fn is_in(&self, places: &[&str]) -> bool {
        places.iter().any(|p| {
            self.path
                .strip_prefix(p)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }

    /// Places where a pattern stands, for people.
    fn places(&self, pattern: &Regex) -> Vec<String> {
        let hits = self.text.lines().enumerate();
        hits.filter(|(_, line)| pattern.is_match(line))
            .map(|(i, line)| format!("src/{}:{}: {}", self.path, i + 1, line.trim()))
            .collect()
    }
}

/// Blanks comments that fill their line, and all from the first module of tests on. Line numbers stay.
fn without_tests(text: &str) -> String {
    let inline = Regex::new(r"#\[cfg\(test\)\]\s*(pub(\([a-z]+\))? )?mod \w+ \{").unwrap();
    let end = inline.find(text).map_or(text.len(), |m| m.start());
    let kept = text[..end].lines().map(|line| {
        if line.trim_start().starts_with("//") {
            ""
        } else {
            line
        }
    });
    kept.collect::<Vec<_>>().join("\n")
}

/// Modules in files of their own that exist only for tests.
fn test_modules(text: &str) -> Vec<String> {
    let declared = Regex::new(r"#\[cfg\(test\)\]\s*(?:pub(?:\([a-z]+\))? )?mod (\w+);").unwrap();
    let found = declared.captures_iter(text);
    found.map(|c| c[1].to_string()).collect()
}

fn collect(folder: &Path, root: &Path, out: &mut Vec<Code>) {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    paths.sort();
    let sources = paths
        .iter()
        .filter(|p| p.extension().is_some_and(|e| e == "rs"));
    let skipped: BTreeSet<PathBuf> = sources
        .flat_map(|path| {
            let stem = path.file_stem().unwrap().to_str().unwrap();
            let home = match stem {
                "mod" | "lib" | "main" => folder.to_path_buf(),
                _ => folder.join(stem),
            };
            let names = test_modules(&fs::read_to_string(path).unwrap());
            names
                .into_iter()
                .flat_map(move |n| [home.join(format!("{n}.rs")), home.join(n)])
        })
        .collect();
    for path in paths {
        let name = path.file_name().unwrap().to_str().unwrap();
        if skipped.contains(&path) || name == "tests" || name == "tests.rs" {
            continue;
        }
        if path.is_dir() {
            collect(&path, root, out);
        } else if path.extension().is_some_and(|e| e == "rs") {
            let shown = path.strip_prefix(root).unwrap().to_str().unwrap();
            out.push(Code {
                path: shown.replace('\\', "/"),
                text: without_tests(&fs::read_to_string(&path).unwrap()),
            });
        }
    }
}

fn sources() -> Vec<Code> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut out = Vec::new();
    collect(&root, &root, &mut out);
    assert!(out.len() > 100, "only {} source files found", out.len());
    // A module in a subfolder may be for tests only because the folder above says so.
    let hidden: Vec<String> = out
        .iter()
        .flat_map(|c| {
            let home = c.path.strip_suffix("/mod.rs").map(str::to_string);
            let home = home.unwrap_or_else(|| c.path.trim_end_matches(".rs").to_string());
            test_modules(&c.text)
                .into_iter()
                .map(move |n| format!("{home}/{n}"))
        })
        .collect();
    out.retain(|c| {
        !hidden
            .iter()
            .any(|h| c.path == format!("{h}.rs") || c.path.starts_with(&format!("{h}/")))
    });
    out
}

/// The modules that a line names after `crate::`, be it `crate::a::b` or `crate::{a::b, c}`.
fn imported(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    for (at, word) in text.match_indices("crate::") {
        let rest = &text[at + word.len()..];
        match rest.strip_prefix('{') {
            Some(group) => out.extend(group_heads(group)),
            None => out.push(head(rest)),
        }
    }
    // Constants and types at the crate's root are everybody's.
    out.retain(|n| n.starts_with(|c: char| c.is_ascii_lowercase()));
    out
}

fn head(text: &str) -> String {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_');
    text[..end.unwrap_or(text.len())].to_string()
}

/// First words of the parts of a group, which may hold groups of its own.
fn group_heads(group: &str) -> Vec<String> {
    let mut out = vec![head(group.trim_start())];
    let mut depth = 1;
    for (i, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 1 => break,
            '}' => depth -= 1,
            ',' if depth == 1 => out.push(head(group[i + 1..].trim_start())),
            _ => {}
        }
    }
    out
}

fn rank(module: &str) -> Option<usize> {
    ORDER.iter().position(|m| *m == module)
}

/// Imports of a module that go upwards, or to a module that the order does not know.
fn upward(module: &str, text: &str) -> Vec<String> {
    let own = rank(module);
    imported(text)
        .into_iter()
        .filter(|to| to != module && rank(to).is_none_or(|r| own.is_none_or(|own| r > own)))
        .collect()
}

#[test]
fn modules_import_only_what_is_below_them() {
    let mut wrong = Vec::new();
    for code in sources() {
        assert!(
            rank(code.module()).is_some(),
            "src/{}: give `{}` a place in ORDER and in ARCHITECTURE.md",
            code.path,
            code.module()
        );
        for (i, line) in code.text.lines().enumerate() {
            for to in upward(code.module(), line) {
                let from = code.module();
                wrong.push(format!(
                    "src/{}:{}: `{from}` imports `{to}`, which is above it",
                    code.path,
                    i + 1
                ));
            }
        }
        // A group may be spread over lines.
        if upward(code.module(), &code.text).len()
            > code
                .text
                .lines()
                .flat_map(|l| upward(code.module(), l))
                .count()
        {
            wrong.push(format!(
                "src/{}: imports in a group of several lines go upwards",
                code.path
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_module_is_described() {
    let text =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("ARCHITECTURE.md")).unwrap();
    let rows: Vec<&str> = text
        .lines()
        .filter_map(|l| l.strip_prefix("| `")?.split('`').next())
        .collect();
    let modules: Vec<&str> = ORDER
        .iter()
        .copied()
        .filter(|m| !["lib", "main"].contains(m))
        .collect();
    assert_eq!(
        rows, modules,
        "the table of ARCHITECTURE.md is not the order of this test"
    );
}

#[test]
fn crates_are_named_only_where_they_belong() {
    let mut wrong = Vec::new();
    let all = sources();
    for (name, places) in NAMED_BY {
        let pattern = Regex::new(&format!(r"\b{name}(::|;)")).unwrap();
        let (inside, outside): (Vec<&Code>, Vec<&Code>) = all.iter().partition(|c| c.is_in(places));
        assert!(
            inside.iter().any(|c| pattern.is_match(&c.text)),
            "nobody names `{name}` any more: take it out of the list"
        );
        wrong.extend(outside.iter().flat_map(|c| c.places(&pattern)));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn printing() -> Regex {
    Regex::new(r"\b(e?print(ln)?!|dbg!|std(out|err)\(\))").unwrap()
}

#[test]
fn only_the_report_prints() {
    let all = sources();
    let wrong: Vec<String> = all
        .iter()
        .filter(|c| !c.is_in(PRINTS))
        .flat_map(|c| c.places(&printing()))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn imports_are_recognized() {
    assert_eq!(upward("graph", "use crate::report::Event;"), ["report"]);
    assert_eq!(upward("graph", "let x = crate::run::y();"), ["run"]);
    assert_eq!(
        upward("graph", "use crate::{text::{Place, x}, run, pg::Cell};"),
        ["run", "pg"]
    );
    assert_eq!(upward("diag", "use crate::nowhere::X;"), ["nowhere"]);
    assert!(upward("report", "use crate::graph::Node; crate::DBT_VERSION").is_empty());
    assert!(printing().is_match("std::io::stderr().write_all(b\"x\")"));
    assert!(!printing().is_match("error.use_stderr(), .stdout(Stdio::null())"));
}

#[test]
fn tests_do_not_count() {
    let text =
        "// use crate::run;\nuse crate::text;\n#[cfg(test)]\nmod tests {\n    use crate::run;\n}";
    assert!(upward("diag", &without_tests(text)).is_empty());
    assert_eq!(without_tests(text).lines().count(), 2);
    assert_eq!(
        test_modules("#[cfg(test)]\npub(crate) mod testing;\nmod real;"),
        ["testing"]
    );
}
