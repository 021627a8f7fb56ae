//! All macros of a project by package and name, and which one a name means where.
use super::super::dialect::{Block, BlockKind, Parameter, Rewritten};
use crate::text::{Place, SourceFile};
use indexmap::IndexMap;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

/// A macro, generic test or materialization.
#[derive(Debug)]
pub struct MacroDef {
    /// `macro.<package>.<name>`
    pub unique_id: String,
    /// The package it belongs to.
    pub package: Arc<str>,
    /// The name under which it is called (`test_x`, `materialization_x_default`).
    pub name: String,
    /// What kind of block defines it.
    pub kind: BlockKind,
    /// The file.
    pub file: Arc<SourceFile>,
    /// The whole block in the file.
    pub span: Range<usize>,
    /// The name in the file.
    pub name_span: Range<usize>,
    /// Parameters in order.
    pub parameters: Vec<Parameter>,
    /// `supported_languages` of a materialization.
    pub languages: Vec<String>,
    pub(super) varargs: bool,
    pub(super) kwargs: bool,
    pub(super) caller: bool,
    pub(super) symbol: String,
    /// What the engine compiles; its offsets count from the start of the file.
    pub(super) template: Rewritten,
}

impl MacroDef {
    pub(super) fn new(package: &Arc<str>, file: &Arc<SourceFile>, block: &Block) -> Self {
        let mut template = block.template.clone();
        template.append(&format!("{{% set __ = __stash({}) %}}", block.symbol()));
        Self {
            unique_id: format!("macro.{package}.{}", block.macro_name),
            package: package.clone(),
            name: block.macro_name.clone(),
            kind: block.kind,
            file: file.clone(),
            span: block.span.clone(),
            name_span: block.name_span.clone(),
            parameters: block.parameters.clone(),
            languages: block.languages.clone(),
            varargs: block.varargs,
            kwargs: block.kwargs,
            caller: block.caller,
            symbol: block.symbol(),
            template,
        }
    }

    /// Where it is defined.
    pub fn place(&self) -> Place {
        Place::new(&self.file, self.name_span.clone())
    }

    /// The text of the whole block: dbt's `macro_sql`.
    pub fn macro_sql(&self) -> &str {
        with_blanks(&self.file.text, &self.span)
    }
}

/// A block with the white space that its outer tags take away (`{%-`, `-%}`), as dbt cuts it out of its file.
fn with_blanks<'t>(text: &'t str, span: &std::ops::Range<usize>) -> &'t str {
    let block = text.get(span.clone()).unwrap_or_default();
    let before = text.get(..span.start).unwrap_or_default();
    let after = text.get(span.end..).unwrap_or_default();
    let kept = before.trim_end();
    // What the tag before has taken is gone.
    let takes = block.starts_with("{%-") && !kept.ends_with("-%}") && !kept.is_empty();
    let start = if takes { kept.len() } else { span.start };
    let end = match block.ends_with("-%}") {
        // dbt strips files.
        true if after.trim_start().is_empty() => span.end,
        true => text.len() - after.trim_start().len(),
        false => span.end,
    };
    text.get(start..end).unwrap_or(block)
}

/// What a bare name means.
#[derive(Debug, Clone)]
pub enum Resolved {
    /// A macro.
    Macro(Arc<MacroDef>),
    /// The macros of a package, as `package.macro`.
    Package(Arc<str>),
}

/// Which packages are which.
#[derive(Debug, Clone, Default)]
pub struct Packages {
    /// The project itself.
    pub root: String,
    /// The packages that come with the program, first found first used: `dbt_postgres`, `dbt`.
    pub builtins: Vec<String>,
}

type ByName = IndexMap<String, Arc<MacroDef>>;

/// The macros.
#[derive(Debug, Default)]
pub struct Registry {
    packages: Packages,
    by_package: IndexMap<Arc<str>, ByName>,
    /// All built-in macros under their names, as the namespace `dbt` shows them.
    builtin: ByName,
    by_id: HashMap<String, Arc<MacroDef>>,
}

/// The namespace of the built-in macros.
pub const BUILTIN_NAMESPACE: &str = "dbt";

impl Registry {
    pub(super) fn set_packages(&mut self, packages: Packages) {
        self.builtin = ByName::new();
        for package in &packages.builtins {
            let macros = self.by_package.get(package.as_str());
            for (name, def) in macros.into_iter().flatten() {
                self.builtin
                    .entry(name.clone())
                    .or_insert_with(|| def.clone());
            }
        }
        self.packages = packages;
    }

    /// Adds a macro; gives back the one of the same package and name that was there already.
    pub(super) fn add(&mut self, def: Arc<MacroDef>) -> Option<Arc<MacroDef>> {
        let package = self.by_package.entry(def.package.clone()).or_default();
        if let Some(there) = package.get(&def.name) {
            return Some(there.clone());
        }
        package.insert(def.name.clone(), def.clone());
        self.by_id.insert(def.unique_id.clone(), def);
        None
    }

    /// Which packages are which.
    pub fn packages(&self) -> &Packages {
        &self.packages
    }

    /// Whether a package comes with the program.
    pub fn is_builtin(&self, package: &str) -> bool {
        self.packages.builtins.iter().any(|p| p == package)
    }

    /// A macro of one package; `dbt` means all built-in packages.
    pub fn get(&self, package: &str, name: &str) -> Option<&Arc<MacroDef>> {
        if package == BUILTIN_NAMESPACE {
            return self.builtin.get(name);
        }
        self.by_package.get(package)?.get(name)
    }

    /// A macro by its id.
    pub fn by_id(&self, unique_id: &str) -> Option<&Arc<MacroDef>> {
        self.by_id.get(unique_id)
    }

    /// All macros, package by package, in the order they were added.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<MacroDef>> {
        self.by_package.values().flat_map(IndexMap::values)
    }

    /// The macros of a namespace (`dbt` for the built-in ones).
    pub fn namespace(&self, package: &str) -> impl Iterator<Item = &Arc<MacroDef>> {
        let macros = if package == BUILTIN_NAMESPACE {
            Some(&self.builtin)
        } else {
            self.by_package.get(package)
        };
        macros.into_iter().flat_map(IndexMap::values)
    }

    /// The packages as templates name them, `dbt` for all that is built in.
    pub fn package_names(&self) -> impl Iterator<Item = &str> {
        let own = self.by_package.keys().map(|p| &**p);
        own.filter(|p| !self.is_builtin(p))
            .chain(std::iter::once(BUILTIN_NAMESPACE))
    }

    /// What a bare name means in code of a package: the package's own macro, the root's, a package, a built-in macro.
    pub fn resolve(&self, current: &str, name: &str) -> Option<Resolved> {
        let own = |package: &str| self.by_package.get(package).and_then(|m| m.get(name));
        let local = if self.is_builtin(current) {
            None
        } else {
            own(current)
        };
        if let Some(def) = local.or_else(|| own(&self.packages.root)) {
            return Some(Resolved::Macro(def.clone()));
        }
        if name == BUILTIN_NAMESPACE && !self.packages.builtins.is_empty() {
            return Some(Resolved::Package(Arc::from(BUILTIN_NAMESPACE)));
        }
        if !self.is_builtin(name)
            && let Some((package, _)) = self.by_package.get_key_value(name)
        {
            return Some(Resolved::Package(package.clone()));
        }
        self.builtin
            .get(name)
            .map(|def| Resolved::Macro(def.clone()))
    }

    /// A macro by bare name (no package names), as [`Registry::resolve`] finds it.
    pub fn resolve_macro(&self, current: &str, name: &str) -> Option<Arc<MacroDef>> {
        match self.resolve(current, name)? {
            Resolved::Macro(def) => Some(def),
            Resolved::Package(_) => self.builtin.get(name).cloned(),
        }
    }

    /// The macro that the adapter itself runs for one of its methods: the root's, the last package's, the built-in one.
    pub fn of_adapter(&self, name: &str) -> Option<&Arc<MacroDef>> {
        let own = |package: &str| self.by_package.get(package).and_then(|m| m.get(name));
        let package = || {
            let others = self.by_package.iter().rev();
            let mut others = others.filter(|(p, _)| !self.is_builtin(p));
            others.find_map(|(_, macros)| macros.get(name))
        };
        own(&self.packages.root)
            .or_else(package)
            .or_else(|| self.builtin.get(name))
    }

    /// Whether a project or package puts a macro of its own in the place of the built-in one of an adapter's method,
    /// by name or, in the packages searched for `dbt`, by dispatch.
    pub fn replaces(&self, name: &str, search: &[Option<String>], prefixes: &[&str]) -> bool {
        let foreign = |def: &Arc<MacroDef>| !self.is_builtin(&def.package);
        self.of_adapter(name).is_some_and(foreign)
            || self
                .dispatch(&self.packages.root, name, search, prefixes)
                .is_some_and(|def| foreign(&def))
    }

    /// `adapter.dispatch`: for each search package in order the name with each prefix in order. A search package of
    /// none means the plain order of names: current package, root, built-in.
    pub fn dispatch(
        &self,
        current: &str,
        name: &str,
        search: &[Option<String>],
        prefixes: &[&str],
    ) -> Option<Arc<MacroDef>> {
        for package in search {
            for prefix in prefixes {
                let full = format!("{prefix}__{name}");
                let found = match package {
                    Some(package) => self.get(package, &full).cloned(),
                    None => self.resolve_macro(current, &full),
                };
                if found.is_some() {
                    return found;
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::with_blanks;

    #[test]
    fn blocks_have_the_white_space_that_their_tags_take() {
        let text =
            "{# x #}\n\n{%- macro a() %}a{% endmacro -%}\n \n{%- macro b() %}b{% endmacro %}\n";
        let cut = |name: &str| {
            let start = text.find(&format!("{{%- macro {name}")).unwrap_or_default();
            let end = start + text[start..].find("endmacro").unwrap_or_default();
            let end = end + text[end..].find("%}").unwrap_or_default() + 2;
            with_blanks(text, &(start..end))
        };
        assert_eq!(cut("a"), "\n\n{%- macro a() %}a{% endmacro -%}\n \n");
        assert_eq!(cut("b"), "{%- macro b() %}b{% endmacro %}");
    }
}
