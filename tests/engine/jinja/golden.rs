//! The dialect against Python: every case in `*.txt` was answered by Jinja2 as dbt sets it up (`golden.py`).
#![expect(
    clippy::expect_used,
    reason = "a test that cannot be set up has failed"
)]
use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;
use tv1::jinja::python::json::from_json;
use tv1::jinja::{Engine, EngineBuilder, Mode, Packages, Scope, Value};
use tv1::text::SourceFile;

/// The names that every case sees.
struct Names(std::collections::BTreeMap<String, Value>);

impl Scope for Names {
    fn package(&self) -> &'static str {
        "golden"
    }

    fn lookup(&self, name: &str) -> Option<Value> {
        self.0.get(name).cloned()
    }
}

struct Case {
    line: usize,
    template: String,
    expected: String,
}

fn cases(text: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    let mut in_template = false;
    for (number, line) in text.lines().enumerate() {
        if let Some(rest) = line.strip_prefix('>') {
            let rest = rest.strip_prefix(' ').unwrap_or(rest);
            if in_template {
                let case = cases.last_mut().expect("a case");
                case.template.push('\n');
                case.template.push_str(rest);
            } else {
                cases.push(Case {
                    line: number + 1,
                    template: rest.into(),
                    expected: String::new(),
                });
                in_template = true;
            }
        } else if let Some(case) = cases.last_mut().filter(|_| line.starts_with(['=', '!'])) {
            in_template = false;
            if !case.expected.is_empty() {
                case.expected.push('\n');
            }
            case.expected.push_str(line);
        } else {
            in_template = false;
        }
    }
    cases
}

fn answer(engine: &Engine, template: &str, mode: Mode) -> String {
    let context = include_str!("context.json");
    let json: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(context).expect("context.json");
    let scope = Arc::new(Names(
        json.iter()
            .map(|(k, v)| (k.clone(), from_json(v)))
            .collect(),
    ));
    match engine.render_file(&SourceFile::new("case", template), mode, scope) {
        Ok(rendered) => {
            let lines: Vec<String> = rendered
                .text
                .split('\n')
                .map(|l| format!("= {l}"))
                .collect();
            lines.join("\n")
        }
        Err(e) => {
            let kind = if matches!(e.kind, tv1::jinja::JinjaErrorKind::Syntax) {
                "syntax: "
            } else {
                ""
            };
            format!("! {kind}{}", e.message.lines().next().unwrap_or_default())
        }
    }
}

/// Syntax errors are the engine's own words; that there is one is what counts.
fn same(expected: &str, got: &str) -> bool {
    let runtime = got.replacen("! syntax: ", "! ", 1);
    expected == got
        || expected == runtime
        || (expected.starts_with("! syntax:") && got.starts_with("! syntax:"))
}

fn compare(file: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/engine/jinja");
    compare_file(&folder.join(file));
}

fn compare_file(path: &Path) {
    let file = path.display();
    let text = std::fs::read_to_string(path).expect("the golden file");
    let engine = EngineBuilder::new()
        .build(Packages::default())
        .expect("an engine");
    let all = cases(&text);
    assert!(!all.is_empty(), "{file} has no cases");
    let mut report = String::new();
    for case in &all {
        for mode in [Mode::Strict, Mode::Absorbing] {
            let got = answer(&engine, &case.template, mode);
            let absorbs =
                mode == Mode::Absorbing && case.expected.starts_with('!') && !got.starts_with('!');
            if !same(&case.expected, &got) && !absorbs {
                let _ = writeln!(
                    report,
                    "{file}:{} ({mode:?})\n  {}\n  python: {}\n  ours:   {got}",
                    case.line, case.template, case.expected
                );
                break;
            }
        }
    }
    assert!(report.is_empty(), "{report}");
}

macro_rules! golden {
    ($($name:ident)*) => { $(#[test] fn $name() { compare(concat!(stringify!($name), ".txt")); })* };
}

golden! { filters language modules strings tests values }

/// Further cases, from the file named by `TV1_JINJA_CASES`.
#[test]
#[ignore = "needs a file of cases"]
fn further() {
    let path = std::env::var("TV1_JINJA_CASES").expect("a path");
    compare_file(Path::new(&path));
}
