//! The commonest mistakes, as texts: `mistakes/*.txt` holds small projects, a command, and what the program says to it.
//!
//! ```text
//! ## what the mistake is
//! $ tv1 build --select x      the command
//! >> models/a.sql             a file of the project, up to the next mark
//! << 2                        the exit code, and below it what is said
//! ```
//!
//! With `TV1_ACCEPT=1` the answers are written anew; read the difference before keeping it.
use crate::project::Project;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// One mistake.
#[derive(Debug, Default, Clone, PartialEq)]
struct Case {
    title: String,
    command: String,
    files: Vec<(String, String)>,
    answer: String,
}

#[derive(Clone, Copy)]
enum Part {
    Nothing,
    File,
    Answer,
}

/// The words above the first case, and the cases.
fn read(text: &str) -> (String, Vec<Case>) {
    let (mut head, mut cases, mut part) = (String::new(), Vec::<Case>::new(), Part::Nothing);
    for line in text.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            cases.push(Case {
                title: title.to_string(),
                ..Case::default()
            });
            part = Part::Nothing;
            continue;
        }
        let Some(case) = cases.last_mut() else {
            head.push_str(line);
            head.push('\n');
            continue;
        };
        if let Some(command) = line.strip_prefix("$ tv1 ") {
            case.command = command.to_string();
        } else if let Some(path) = line.strip_prefix(">> ") {
            case.files.push((path.to_string(), String::new()));
            part = Part::File;
        } else if line.starts_with("<< ") {
            case.answer = format!("{line}\n");
            part = Part::Answer;
        } else {
            let to = match part {
                Part::Nothing => continue,
                Part::File => &mut case.files.last_mut().unwrap().1,
                Part::Answer => &mut case.answer,
            };
            to.push_str(line);
            to.push('\n');
        }
    }
    for case in &mut cases {
        for (_, text) in &mut case.files {
            *text = format!("{}\n", text.trim_end());
        }
        case.answer = format!("{}\n", case.answer.trim_end());
    }
    (head, cases)
}

fn write(head: &str, cases: &[Case]) -> String {
    let mut out = format!("{}\n", head.trim_end());
    for case in cases {
        write!(out, "\n## {}\n$ tv1 {}\n", case.title, case.command).unwrap();
        for (path, text) in &case.files {
            write!(out, ">> {path}\n{text}").unwrap();
        }
        out.push_str(&case.answer);
    }
    out
}

/// Words of a command line; double quotes keep words together.
fn words(line: &str) -> Vec<String> {
    let (mut out, mut word, mut quoted, mut some) = (Vec::new(), String::new(), false, false);
    for c in line.chars() {
        match c {
            '"' => {
                quoted = !quoted;
                some = true;
            }
            ' ' if !quoted => {
                if some {
                    out.push(std::mem::take(&mut word));
                }
                some = false;
            }
            c => {
                word.push(c);
                some = true;
            }
        }
    }
    if some {
        out.push(word);
    }
    out
}

/// What the program says, without what differs from run to run.
fn answer(case: &Case) -> String {
    let files: Vec<(&str, &str)> = case
        .files
        .iter()
        .map(|(p, t)| (p.as_str(), t.as_str()))
        .collect();
    let project = Project::new(&files);
    let mut args = vec!["--log-level".to_string(), "warn".to_string()];
    args.extend(words(&case.command));
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let own = case.files.iter().any(|(p, _)| p == "profiles.yml");
    let ended = if own {
        project.tv1_at("", &args)
    } else {
        // With one thread lines have one order.
        project.tv1_env(&[("TV1_THREADS", "1")], &args)
    };
    let folder = project.folder().canonicalize().unwrap();
    let mut said = ended.said.replace(&folder.display().to_string(), "…");
    for (from, to) in project.changing() {
        said = said.replace(&from, to);
    }
    let lines: Vec<String> = said
        .lines()
        .map(|l| {
            let time = l.len() > 10
                && l.is_char_boundary(10)
                && l[..8].chars().all(|c| c.is_ascii_digit() || c == ':')
                && &l[8..10] == "  ";
            let l = if time { &l[10..] } else { l };
            without_seconds(l).trim_end().to_string()
        })
        .collect();
    format!("<< {}\n{}", ended.code, lines.join("\n"))
        .trim_end()
        .to_string()
        + "\n"
}

/// `[ERROR in 0.05s]` without its time.
fn without_seconds(line: &str) -> String {
    match line.rfind(" in ") {
        Some(at) if line.ends_with("s]") => format!("{}]", &line[..at]),
        _ => line.to_string(),
    }
}

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/engine/mistakes")
        .join(name)
}

#[track_caller]
fn check(name: &str) {
    let text = std::fs::read_to_string(file(name)).unwrap();
    let (head, cases) = read(&text);
    let next = std::sync::atomic::AtomicUsize::new(0);
    let done = std::sync::Mutex::new(cases.clone());
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while let Some(case) =
                    cases.get(next.fetch_add(1, std::sync::atomic::Ordering::SeqCst))
                {
                    let answer = answer(case);
                    let mut done = done.lock().unwrap();
                    let at = done.iter().position(|c| c.title == case.title).unwrap();
                    done[at].answer = answer;
                }
            });
        }
    });
    let done = done.into_inner().unwrap();
    if std::env::var_os("TV1_ACCEPT").is_some() {
        std::fs::write(file(name), write(&head, &done)).unwrap();
        return;
    }
    let mut wrong = String::new();
    for (was, is) in cases.iter().zip(&done).filter(|(a, b)| a != b) {
        write!(
            wrong,
            "## {}\n--- expected\n{}--- said\n{}\n",
            was.title, was.answer, is.answer
        )
        .unwrap();
    }
    assert!(wrong.is_empty(), "in {name}:\n{wrong}");
}

#[test]
fn mistakes_in_the_project_file() {
    check("project.txt");
}

#[test]
fn mistakes_in_properties() {
    check("properties.txt");
}

#[test]
fn mistakes_in_templates() {
    check("jinja.txt");
}

#[test]
fn mistakes_in_references() {
    check("references.txt");
}

#[test]
fn mistakes_in_sql() {
    check("sql.txt");
}

#[test]
fn mistakes_on_the_command_line() {
    check("flags.txt");
}

#[test]
fn mistakes_with_packages() {
    check("packages.txt");
}

/// Every case has a title of its own, and an answer that ends in failure or warns.
#[test]
fn every_mistake_is_told() {
    let mut titles = 0;
    for entry in std::fs::read_dir(file("")).unwrap() {
        let (_, cases) = read(&std::fs::read_to_string(entry.unwrap().path()).unwrap());
        for case in &cases {
            assert!(
                case.answer.lines().count() > 1,
                "{} says nothing",
                case.title
            );
            let same = cases.iter().filter(|c| c.title == case.title).count();
            assert_eq!(same, 1, "{} stands twice", case.title);
            titles += 1;
        }
    }
    assert!(titles >= 60, "{titles}");
}
