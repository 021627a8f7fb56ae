//! `deps --add-package`: writes an entry into packages.yml without touching the rest of the file.
use super::python::yaml_text;
use super::{Add, Origin, PACKAGES, Say, files};
use crate::diag::{Diagnostic, Result, code};
use crate::text::SourceFile;
use crate::yaml::{self, Node};
use std::path::Path;

/// What a file becomes.
pub(super) struct Edit {
    /// Name of the file.
    pub(super) name: &'static str,
    /// Its new text.
    pub(super) text: String,
}

/// The packages file with a package added, and any other entry of that package left out.
///
/// # Errors
/// A package without a version where one is needed, or a file that cannot be read.
pub(super) fn edit(project: &Path, add: &Add, say: &mut dyn FnMut(Say)) -> Result<Edit> {
    let entry = entry(add)?;
    for name in PACKAGES {
        let Some(file) = files::source(project, name)? else {
            continue;
        };
        let document = yaml::load_map(&file)?;
        let packages = document.root.get("packages");
        if name == PACKAGES[0] || packages.is_some() {
            let text = changed(&file, &document.root, packages, add, &entry, say);
            said(add, project, name, say);
            return Ok(Edit { name, text });
        }
    }
    say(Say::Line("Created packages.yml".into()));
    said(add, project, PACKAGES[0], say);
    Ok(Edit {
        name: PACKAGES[0],
        text: format!("packages:\n{}", indented(&entry, 2)),
    })
}

fn said(add: &Add, project: &Path, name: &str, say: &mut dyn FnMut(Say)) {
    let version = add.version.as_deref().unwrap_or_default();
    say(Say::Line(format!(
        "Added new package {}@{version} to {}",
        add.name,
        project.join(name).display()
    )));
}

/// Lines of the new entry, without the dash and the indentation.
fn entry(add: &Add) -> Result<Vec<String>> {
    let mut lines = Vec::new();
    match add.origin {
        Origin::Local => lines.push(format!("local: {}", yaml_text(&add.name))),
        Origin::Git => {
            lines.push(format!("git: {}", yaml_text(&add.name)));
            if let Some(revision) = &add.version {
                lines.push(format!("revision: {}", yaml_text(revision)));
            }
        }
        Origin::Hub => {
            let Some(version) = &add.version else {
                return Err(Diagnostic::error(
                    code::K0915,
                    format!("package `{}` is given without a version, which the hub needs", add.name),
                )
                .help("for example `--add-package dbt-labs/dbt_utils@1.1.1`; for a folder add `--source local`")
                .into());
            };
            lines.push(format!("package: {}", yaml_text(&add.name)));
            if version.contains(',') {
                lines.push("version:".into());
                lines.extend(
                    version
                        .split(',')
                        .map(|v| format!("  - {}", yaml_text(v.trim()))),
                );
            } else {
                lines.push(format!("version: {}", yaml_text(version)));
            }
        }
    }
    Ok(lines)
}

fn indented(lines: &[String], by: usize) -> String {
    let mut out = String::new();
    for (i, line) in lines.iter().enumerate() {
        let lead = if i == 0 { "- " } else { "  " };
        out.push_str(&format!("{}{lead}{line}\n", " ".repeat(by)));
    }
    out
}

/// The file's text with the entry appended to the list.
fn changed(
    file: &SourceFile,
    root: &Node,
    packages: Option<&Node>,
    add: &Add,
    entry: &[String],
    say: &mut dyn FnMut(Say),
) -> String {
    let mut text = file.text.clone();
    let items = packages.map(Node::items).unwrap_or_default();
    let starts: Vec<usize> = items
        .iter()
        .filter_map(|i| dash(&file.text, i.span.start))
        .collect();
    if items.is_empty() || starts.len() != items.len() {
        return rewritten(file, root, packages, items, add, entry, say);
    }
    let column = starts[0] - line_start(&text, starts[0]);
    // From the last item upwards, so that earlier places stay right.
    let end_of = |i: usize| match starts.get(i + 1) {
        Some(next) => line_start(&file.text, *next),
        None => end_of_block(&file.text, starts[i], column),
    };
    let at = end_of(items.len() - 1);
    let glue = if file.text[..at].ends_with('\n') {
        ""
    } else {
        "\n"
    };
    text.insert_str(at, &format!("{glue}{}", indented(entry, column)));
    for (i, item) in items.iter().enumerate().rev() {
        if same(item, add) {
            removing(item, say);
            text.replace_range(line_start(&file.text, starts[i])..end_of(i), "");
        }
    }
    text
}

/// For a list that does not stand in lines of its own: the whole list anew.
fn rewritten(
    file: &SourceFile,
    root: &Node,
    packages: Option<&Node>,
    items: &[Node],
    add: &Add,
    entry: &[String],
    say: &mut dyn FnMut(Say),
) -> String {
    let mut list = String::from("packages:\n");
    for item in items {
        if same(item, add) {
            removing(item, say);
            continue;
        }
        let json = item.to_json();
        list.push_str(&format!("  - {json}\n"));
    }
    list.push_str(&indented(entry, 2));
    let Some(packages) = packages else {
        let glue = if file.text.is_empty() || file.text.ends_with('\n') {
            ""
        } else {
            "\n"
        };
        return format!("{}{glue}{list}", file.text);
    };
    let key = root.entry("packages").map_or(0, |(k, _)| k.span.start);
    let end = packages
        .span
        .end
        .max(key + "packages:".len())
        .min(file.text.len());
    let rest = file.text[end..].trim_start_matches([' ', '\n', ':']);
    format!("{}{list}{rest}", &file.text[..key])
}

/// Where the dash of an item stands, if it is the first thing on its line.
fn dash(text: &str, item: usize) -> Option<usize> {
    let start = line_start(text, item);
    let blank = text[start..].len() - text[start..].trim_start_matches(' ').len();
    text[start + blank..]
        .starts_with('-')
        .then_some(start + blank)
}

fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |i| i + 1)
}

/// The end of the lines that belong to the item whose dash stands at `start`.
fn end_of_block(text: &str, start: usize, column: usize) -> usize {
    let mut end = start;
    for (i, line) in text[start..].split_inclusive('\n').enumerate() {
        let bare = line.trim_start_matches(' ');
        let deep = line.len() - bare.len() > column;
        if i == 0 || (deep && !bare.trim().is_empty()) {
            end = start + (line.as_ptr() as usize - text[start..].as_ptr() as usize) + line.len();
        } else if !bare.trim().is_empty() {
            break;
        }
    }
    end
}

/// Whether an entry is for the package that is added.
fn same(item: &Node, add: &Add) -> bool {
    ["package", "git", "local"]
        .iter()
        .filter_map(|key| item.get(key).and_then(Node::as_str))
        .any(|value| value == add.name)
}

fn removing(item: &Node, say: &mut dyn FnMut(Say)) {
    say(Say::Line(format!(
        "Found duplicate package in packages.yml, removing: {}",
        super::python::Json::of(item).dump()
    )));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(before: Option<&str>, name: &str, version: Option<&str>, origin: Origin) -> String {
        let folder = tempfile::tempdir().unwrap();
        if let Some(text) = before {
            std::fs::write(folder.path().join("packages.yml"), text).unwrap();
        }
        let add = Add {
            name: name.into(),
            version: version.map(str::to_string),
            origin,
        };
        let text = edit(folder.path(), &add, &mut |_| {}).unwrap().text;
        // Whatever it looks like, it must read as intended.
        let file = SourceFile::new("packages.yml", text.clone());
        let entries = crate::packages::entry::read(&file, None).unwrap();
        let last = entries.last().unwrap();
        assert!(format!("{:?}", last.spec).contains(name), "{text}");
        text
    }

    #[test]
    fn the_rest_of_the_file_stays_as_it_is() {
        let before = "# ours\npackages:\n- package: a/b # keep\n  version: [\">=1.0.0\", \"<2.0.0\"]\n\n# tail\n";
        assert_eq!(
            after(Some(before), "c/d", Some("1.0.0"), Origin::Hub),
            "# ours\npackages:\n- package: a/b # keep\n  version: [\">=1.0.0\", \"<2.0.0\"]\n- package: c/d\n  version: 1.0.0\n\n# tail\n"
        );
        assert_eq!(
            after(Some("packages:\n  - local: x"), "../y", None, Origin::Local),
            "packages:\n  - local: x\n  - local: ../y\n"
        );
    }

    #[test]
    fn another_entry_of_the_package_goes() {
        let before = "packages:\n  - package: a/b\n    version: 1.0.0\n  - local: x\n";
        assert_eq!(
            after(Some(before), "a/b", Some(">=1.1.0,<2.0.0"), Origin::Hub),
            "packages:\n  - local: x\n  - package: a/b\n    version:\n      - '>=1.1.0'\n      - <2.0.0\n"
        );
        assert_eq!(
            after(
                Some("packages:\n  - package: a/b\n    version: 1.0.0\n"),
                "a/b",
                Some("2.0.0"),
                Origin::Hub
            ),
            "packages:\n  - package: a/b\n    version: 2.0.0\n"
        );
    }

    #[test]
    fn lists_of_any_form_and_none() {
        assert_eq!(
            after(None, "a/b", Some("1.0.0"), Origin::Hub),
            "packages:\n  - package: a/b\n    version: 1.0.0\n"
        );
        assert_eq!(
            after(Some(""), "x", None, Origin::Local),
            "packages:\n  - local: x\n"
        );
        assert_eq!(
            after(Some("packages: []\n"), "x", None, Origin::Local),
            "packages:\n  - local: x\n"
        );
        assert_eq!(
            after(Some("packages:\n"), "x", None, Origin::Local),
            "packages:\n  - local: x\n"
        );
        assert_eq!(
            after(
                Some("packages: [{local: a}, {local: x}]\n"),
                "x",
                None,
                Origin::Local
            ),
            "packages:\n  - {\"local\":\"a\"}\n  - local: x\n"
        );
        assert_eq!(
            after(
                Some("packages:\n  - git: u\n    revision: 'v1'\n"),
                "https://h/r.git",
                Some("1.0"),
                Origin::Git
            ),
            "packages:\n  - git: u\n    revision: 'v1'\n  - git: https://h/r.git\n    revision: '1.0'\n"
        );
    }

    #[test]
    fn the_hub_needs_a_version() {
        let folder = tempfile::tempdir().unwrap();
        let add = Add {
            name: "a/b".into(),
            version: None,
            origin: Origin::Hub,
        };
        let said = edit(folder.path(), &add, &mut |_| {}).err().unwrap();
        assert_eq!(said.0[0].code, code::K0915);
    }
}
