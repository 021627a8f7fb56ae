//! Command lines and what becomes of them; `args` of artefacts as dbt-core 1.10.23 wrote them.
mod lines;
mod settings;

use super::*;
use crate::text::SourceFile;
use std::collections::BTreeMap;

/// Parts a line into leading `NAME=value` variables and words, with quotes as a shell has them.
fn part(line: &str) -> (BTreeMap<String, String>, Vec<String>) {
    let mut words = Vec::new();
    let mut word = None::<String>;
    let mut quote = None;
    for c in line.chars() {
        match (quote, c) {
            (Some(q), c) if c == q => quote = None,
            (Some(_), c) => word.get_or_insert_default().push(c),
            (None, '"' | '\'') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, ' ') => words.extend(word.take()),
            (None, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    let cut = words
        .iter()
        .position(|w| w.starts_with('-') || !w.contains('='))
        .unwrap_or(words.len());
    let rest = words.split_off(cut);
    let env = words
        .iter()
        .filter_map(|w| w.split_once('='))
        .map(|(n, v)| (n.to_string(), v.to_string()))
        .collect();
    (env, rest)
}

fn cli(line: &str) -> Result<Cli, Stop> {
    let folder = tempfile::tempdir().unwrap();
    cli_in(line, folder.path())
}

fn cli_in(line: &str, folder: &Path) -> Result<Cli, Stop> {
    let (env, words) = part(line);
    parse(&words, &|name| env.get(name).cloned(), folder)
}

fn run(line: &str) -> Invocation {
    cli(line)
        .unwrap_or_else(|s| panic!("{line}: {}", s.text))
        .resolve(None)
        .unwrap()
}

fn run_with(line: &str, flags: &str) -> Result<Invocation> {
    let file = SourceFile::new("dbt_project.yml", flags);
    let document = crate::yaml::load(&file).unwrap();
    let cli = cli(line).unwrap_or_else(|s| panic!("{line}: {}", s.text));
    cli.resolve(Some(&FlagsBlock {
        file,
        node: document.root,
        source: Source::Project,
    }))
}

fn error(line: &str) -> String {
    let stop = cli(line).err().unwrap_or_else(|| panic!("{line} is fine"));
    assert_eq!(
        (stop.code, stop.stdout),
        (2, false),
        "{line}: {}",
        stop.text
    );
    let end = stop.text.find("\n\n").unwrap_or(stop.text.len());
    stop.text[..end].to_string()
}
