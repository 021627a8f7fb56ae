//! `selectors.yml`: named definitions of selections.
//!
//! In: the file's YAML and a way to render the Jinja in its texts. Out: definitions to evaluate, and the form of them
//! that the manifest shows. Knows nothing of nodes. What dbt silently leaves out of account is warned about (S0513).
mod criterion;
mod definition;

use super::grammar::Definition;
use crate::diag::{Diagnostic, Result, Sink, code};
use crate::text::{Place, nearest};
use crate::yaml::{Document, Node, unknown_keys};
use indexmap::IndexMap;
use serde_json::{Map, Value, json};

const HEADING: &str = "Runtime Error";
const ENTRY_KEYS: &[&str] = &["name", "description", "default", "definition"];
/// Renders the Jinja of one text of the file.
pub type Render<'a> = &'a dyn Fn(&str, &Place) -> Result<String>;

/// One selector.
#[derive(Debug, Clone)]
pub struct Selector {
    /// Name.
    pub name: String,
    /// Description.
    pub description: Option<String>,
    /// Whether it applies when nothing is asked for.
    pub default: bool,
    /// What it selects.
    pub definition: Definition,
    /// As the manifest shows it, inherited definitions filled in.
    shown: Value,
    /// Where its name stands.
    pub place: Place,
}

/// The selectors of a project, in the order of the file.
#[derive(Debug, Clone, Default)]
pub struct Selectors {
    list: IndexMap<String, Selector>,
}

impl Selectors {
    /// Reads a `selectors.yml`; an empty file has no selectors. The warnings of the reading come with it.
    ///
    /// # Errors
    /// All that is wrong with the file: S0501, S0502, S0510 to S0512, Y0204.
    pub fn read(doc: &Document, render: Render<'_>) -> Result<(Self, Vec<Diagnostic>)> {
        let mut reader = Reader {
            doc,
            render,
            known: Self::default(),
            sink: Sink::default(),
        };
        reader.file();
        let known = reader.known;
        let warnings = reader.sink.finish()?;
        Ok((known, warnings))
    }

    /// The selector of a name.
    ///
    /// # Errors
    /// S0511 when there is none.
    pub fn get(&self, name: &str) -> Result<&Selector> {
        self.list.get(name).ok_or_else(|| {
            let known: Vec<&str> = self.list.keys().map(String::as_str).collect();
            let d = Diagnostic::error(
                code::S0511,
                format!(
                    "Could not find selector named {name}, expected one of [{}]",
                    known
                        .iter()
                        .map(|n| format!("'{n}'"))
                        .collect::<Vec<_>>()
                        .join(", ")
                ),
            )
            .heading(HEADING);
            match nearest(name, known) {
                Some(near) => d.help(format!("did you mean `{near}`?")),
                None => d.help("selectors are defined in `selectors.yml`"),
            }
            .into()
        })
    }

    /// The selector that applies when neither `--select` nor `--exclude` nor `--selector` is given.
    pub fn default_selector(&self) -> Option<&Selector> {
        self.list.values().find(|s| s.default)
    }

    /// All selectors, in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = &Selector> {
        self.list.values()
    }

    /// The selectors as the manifest shows them.
    pub fn manifest(&self) -> Map<String, Value> {
        self.list
            .iter()
            .map(|(name, selector)| {
                let mut shown = Map::from_iter([("name".to_string(), json!(name))]);
                if let Some(description) = &selector.description {
                    shown.insert("description".into(), json!(description));
                }
                shown.insert("definition".into(), selector.shown.clone());
                if selector.default {
                    shown.insert("default".into(), json!(true));
                }
                (name.clone(), Value::Object(shown))
            })
            .collect()
    }
}

/// A definition and its form in the manifest.
type Read = (Definition, Value);

struct Reader<'a> {
    doc: &'a Document,
    render: Render<'a>,
    /// The selectors read so far, which later ones may inherit.
    known: Selectors,
    sink: Sink,
}

impl Reader<'_> {
    fn place(&self, node: &Node) -> Place {
        self.doc.place(node)
    }

    /// Says that something is wrong.
    fn wrong<T>(&mut self, node: &Node, message: impl Into<String>) -> Option<T> {
        self.wrong_help(node, message, None)
    }

    fn wrong_help<T>(
        &mut self,
        node: &Node,
        message: impl Into<String>,
        help: Option<&str>,
    ) -> Option<T> {
        let mut d = Diagnostic::error(code::S0510, message)
            .heading(HEADING)
            .at(self.place(node));
        if let Some(help) = help {
            d = d.help(help);
        }
        self.sink.push(d);
        None
    }

    /// Says that something has no effect.
    fn idle(&mut self, node: &Node, message: impl Into<String>, help: &str) {
        let d = Diagnostic::warning(code::S0513, message).at(self.place(node));
        self.sink.push(d.help(help));
    }

    /// A text of the file, rendered.
    fn text(&mut self, node: &Node) -> Option<String> {
        let raw = node.as_str()?;
        if !raw.contains("{{") && !raw.contains("{%") && !raw.contains("{#") {
            return Some(raw.to_string());
        }
        let rendered = (self.render)(raw, &self.place(node));
        self.sink.take(rendered)
    }

    fn file(&mut self) {
        let root = &self.doc.root;
        if root.is_null() {
            return;
        }
        let Some(list) = root.get("selectors") else {
            let help = Some("the file has one key `selectors`, a list of selectors");
            self.wrong_help::<()>(root, "`selectors` is missing", help);
            return;
        };
        if !list.is_seq() {
            let message = format!("`selectors` must be a list, not {}", list.type_name());
            self.wrong::<()>(list, message);
            return;
        }
        for entry in list.items() {
            self.entry(entry);
        }
        let defaults: Vec<&Selector> = self.known.iter().filter(|s| s.default).collect();
        if defaults.len() > 1 {
            let names: Vec<&str> = defaults.iter().map(|s| s.name.as_str()).collect();
            let mut d = Diagnostic::error(
                code::S0512,
                format!(
                    "Found multiple selectors with `default: true`: {}",
                    names.join(" and ")
                ),
            )
            .heading(HEADING);
            for selector in defaults {
                d = d.at(selector.place.clone());
            }
            self.sink
                .push(d.help("leave `default: true` at one of them"));
        }
    }

    fn entry(&mut self, entry: &Node) -> Option<()> {
        if !entry.is_map() {
            let message = format!("a selector must be a mapping, not {}", entry.type_name());
            return self.wrong(entry, message);
        }
        for d in unknown_keys(&self.doc.file, entry, ENTRY_KEYS, "selector") {
            self.sink.push(d.heading(HEADING));
        }
        let name = match entry.get("name") {
            None => return self.wrong(entry, "a selector needs a `name`"),
            Some(node) if node.as_str().is_none() => {
                return self.wrong(
                    node,
                    format!("`name` must be text, not {}", node.type_name()),
                );
            }
            Some(node) => node,
        };
        let place = self.place(name);
        let name_text = self.text(name)?;
        let description = match entry.get("description") {
            Some(node) if node.as_str().is_some() => self.text(node),
            Some(node) => {
                let message = format!("`description` must be text, not {}", node.type_name());
                return self.wrong(node, message);
            }
            None => None,
        };
        let default = match entry.get("default") {
            None => false,
            // What a template gives is text.
            Some(node) => match node.as_bool().or_else(|| {
                match self.text(node)?.trim().to_ascii_lowercase().as_str() {
                    "true" if node.as_str().is_some_and(|t| t.contains("{{")) => Some(true),
                    "false" if node.as_str().is_some_and(|t| t.contains("{{")) => Some(false),
                    _ => None,
                }
            }) {
                Some(default) => default,
                None => {
                    let message =
                        format!("`default` must be true or false, not {}", node.type_name());
                    return self.wrong(node, message);
                }
            },
        };
        let Some(definition) = entry.get("definition") else {
            return self.wrong(
                entry,
                format!("selector `{name_text}` needs a `definition`"),
            );
        };
        let (definition, shown) = self.root(definition)?;
        let selector = Selector {
            name: name_text.clone(),
            description,
            default,
            definition,
            shown,
            place,
        };
        if self
            .known
            .list
            .insert(name_text.clone(), selector)
            .is_some()
        {
            let message = format!("selector `{name_text}` is defined twice; the last one counts");
            self.idle(name, message, "rename or remove one of them");
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::{Stopped, render};
    use crate::text::SourceFile;
    use crate::yaml;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<(Selectors, Vec<Diagnostic>)> {
        let doc = yaml::load(&SourceFile::new("selectors.yml", text))?;
        Selectors::read(&doc, &|text, _| Ok(text.replace("{{ x }}", "rendered")))
    }

    #[test]
    fn every_error_of_a_file_is_shown_where_it_is() {
        let Err(Stopped(found)) = read(
            "selectors:
  - name: a
    definition: {method: tga, value: x}
  - name: b
    definition:
      union:
        - {tag: x, fqn: y}
        - 3
        - exclude: x
  - name: c
    definition: {union: [x], intersection: [y]}
  - name: d
    definition: {method: fqn, value: 3}
  - name: e
    definition: {method: selector, value: later}
  - {name: later, definition: x, default: yes}
  - {name: too, definition: y, default: true, descripton: z}
  - {name: f, definition: {method: fqn, value: x, indirect_selection: careful, children_depth: deep, children: true}}
",
        ) else {
            panic!("errors");
        };
        let texts: Vec<String> = found.iter().map(|d| render(d, false)).collect();
        insta::assert_snapshot!(texts.join("\n\n"));
    }

    #[test]
    fn what_has_no_effect_is_warned_about() {
        let (_, warnings) = read(
            "selectors:
  - name: a
    definition: {method: fqn, value: x, childen: true, parents_depth: 2, parents: false, children: 1}
  - name: a
    definition: {union: [{method: tag, value: y, exclude: [z]}, {union: [x], intersection: [y]}]}
  - name: b
    definition: {method: selector, value: a, children: true}
",
        )
        .unwrap();
        let texts: Vec<String> = warnings
            .iter()
            .map(|d| format!("{} {}", d.labels[0].place.show(), d.message))
            .collect();
        insta::assert_snapshot!(texts.join("\n"));
    }

    #[test]
    fn texts_are_rendered_before_they_are_read() {
        let (selectors, _) = read("selectors: [{name: '{{ x }}', description: '{{ x }}', definition: {union: ['tag:{{ x }}', {method: fqn, value: '{{ x }}'}]}}]").unwrap();
        let shown = serde_json::to_string(&selectors.manifest()).unwrap();
        assert_eq!(
            shown,
            r#"{"rendered":{"name":"rendered","description":"rendered","definition":{"union":[{"method":"tag","value":"rendered"},{"method":"fqn","value":"rendered"}]}}}"#
        );
    }

    #[test]
    fn the_default_applies_and_names_are_suggested() {
        let (selectors, _) = read(
            "selectors: [{name: nightly, definition: x}, {name: b, definition: y, default: true}]",
        )
        .unwrap();
        assert_eq!(selectors.default_selector().unwrap().name, "b");
        assert_eq!(selectors.iter().count(), 2);
        let e = selectors.get("nigthly").unwrap_err();
        assert_eq!(
            e.0[0].message,
            "Could not find selector named nigthly, expected one of ['nightly', 'b']"
        );
        assert_eq!(e.0[0].help.as_deref(), Some("did you mean `nightly`?"));
    }

    proptest! {
        #[test]
        fn no_file_panics(text in "(selectors:|- |\\n|  |name: a|definition:|union:|exclude:|method: |value: |\\[|\\]|\\{|\\}|,|tag|x|: ){0,30}") {
            let _ = read(&text);
        }
    }
}
