//! Macros as properties files describe them, and whether the description fits.
use super::builder::Builder;
use super::properties::Property;
use crate::diag::{Diagnostic, code};
use crate::graph::{MacroArgument, MacroInfo};
use crate::yaml::Node as Yaml;
use serde_json::Value;

impl Builder<'_> {
    /// Gives a macro what a properties file says of it.
    pub(super) fn patch_macro(&mut self, package: usize, p: &Property) {
        let own = format!("macro.{}.{}", self.package_name(package), p.name);
        let id = if self.manifest.macros.contains_key(&own) {
            own
        } else {
            // Generic tests are described under their own names too.
            let test = format!("macro.{}.test_{}", self.package_name(package), p.name);
            if !self.manifest.macros.contains_key(&test) {
                self.sink.push(
                    Diagnostic::warning(
                        code::G0405,
                        format!("Found patch for macro \"{}\" which was not found", p.name),
                    )
                    .event("MacroNotFoundForPatch")
                    .fact("patch_name", p.name.as_str())
                    .at(p.name_place()),
                );
                return;
            }
            test
        };
        if !self.claim(p, &id) {
            return;
        }
        let (text, _) = self.description(package, p, p.get("description"));
        let patch_path = format!("{}://{}", self.package_name(package), p.original_file_path);
        let mut arguments = Vec::new();
        for a in p.get("arguments").map(Yaml::items).unwrap_or_default() {
            let (description, _) = self.description(package, p, a.get("description"));
            arguments.push(crate::graph::MacroArgument {
                name: a
                    .get("name")
                    .and_then(Yaml::scalar_text)
                    .unwrap_or_default(),
                kind: a.get("type").and_then(Yaml::scalar_text),
                description,
            });
        }
        let (config, _) = p.config(&["meta", "docs"], &mut self.sink);
        let Some(m) = self.manifest.macros.get_mut(&id) else {
            return;
        };
        if self.input.validate_macro_args() && !arguments.is_empty() {
            for message in mismatches(m, &arguments) {
                let d = Diagnostic::warning(code::P0118, message.as_str());
                let d = d.event("InvalidMacroAnnotation").fact("msg", message);
                self.sink.push(d.at(p.name_place()));
            }
        }
        m.description = text;
        m.patch_path = Some(patch_path);
        // Without a description, what the macro itself says counts; it says something only where it is checked.
        if !(arguments.is_empty() && self.input.validate_macro_args()) {
            m.arguments = arguments;
        }
        m.meta = config
            .get("meta")
            .and_then(Value::as_object)
            .cloned()
            .unwrap_or_default();
        if let Some(show) = config
            .get("docs")
            .and_then(|d| d.get("show"))
            .and_then(Value::as_bool)
        {
            m.docs.show = show;
        }
    }
}

/// How the described arguments differ from those of the macro; types must be of dbt's grammar
/// (behaviour flag `validate_macro_args` of dbt-core 1.10).
fn mismatches(of: &MacroInfo, described: &[MacroArgument]) -> Vec<String> {
    let name = &of.name;
    let renamed = of
        .arguments
        .iter()
        .zip(described)
        .filter(|(own, said)| own.name != said.name);
    let mut out: Vec<String> = renamed
        .map(|(_, said)| {
            format!(
                "Argument {} in yaml for macro {name} does not match the jinja definition.",
                said.name
            )
        })
        .collect();
    if of.arguments.len() != described.len() {
        out.push(format!(
            "The number of arguments in the yaml for macro {name} does not match the jinja definition."
        ));
    }
    for said in described {
        let kind = said.kind.as_deref().unwrap_or_default();
        if !kind.trim().is_empty() && !is_type(kind) {
            out.push(format!(
                "Argument {} in the yaml for macro {name} has an invalid type.",
                said.name
            ));
        }
    }
    out
}

/// Whether a text names a type, such as `string`, `list[int]`, `dict[str, optional[relation]]`.
fn is_type(text: &str) -> bool {
    let text: String = text.chars().filter(|c| ![' ', '\t'].contains(c)).collect();
    type_at(&text) == Some("")
}

/// Reads a type at the start of a text; gives what comes after it.
fn type_at(text: &str) -> Option<&str> {
    let end = text
        .find(|c: char| !c.is_ascii_lowercase())
        .unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let count = match name {
        "str" | "string" | "bool" | "int" | "integer" | "float" | "any" | "relation" | "column" => {
            return Some(rest);
        }
        "list" | "optional" => 1,
        "dict" => 2,
        _ => return None,
    };
    let mut rest = rest.strip_prefix('[')?;
    for i in 0..count {
        rest = type_at(if i == 0 {
            rest
        } else {
            rest.strip_prefix(',')?
        })?;
    }
    rest.strip_prefix(']')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_have_a_grammar() {
        for good in [
            "string",
            "list[int]",
            "dict[str, optional[relation]]",
            " any ",
        ] {
            assert!(is_type(good), "{good}");
        }
        for bad in [
            "list",
            "int[str]",
            "dict[str]",
            "text",
            "list[int",
            "list[int]]",
            "",
        ] {
            assert!(!is_type(bad), "{bad}");
        }
    }
}
