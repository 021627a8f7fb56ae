//! The template engine: macros of a project, name resolution, rendering, errors with true places.
//!
//! In: macro files, then texts with a [`Scope`] for their names. Out: text (or a value) with the origin of every
//! stretch. An [`Engine`] is immutable once built and renders from many threads at once. What a name like `ref`
//! means is the scope's business; nothing here knows of nodes.
mod absorb;
mod error;
mod macros;
mod native;
mod registry;
mod run;
mod scope;
mod templates;

pub use error::{Frame, JinjaError, JinjaErrorKind, MACRO_HINT, raise, raised};
pub use macros::{DEEPEST_CALL, MacroRef, Package};
pub use registry::{BUILTIN_NAMESPACE, MacroDef, Packages, Registry, Resolved};
pub use run::lookup;
pub use scope::Scope;
pub use templates::{Origin, Rendered, Template};

use super::dialect::{self, Block, Options, scan};
use super::filters;
use super::python::str_of;
use crate::diag::{Diagnostic, Result, Sink, code};
use crate::jinja::python::arguments::Given;
use crate::text::{Place, SourceFile};
use minijinja::value::{Kwargs, Value};
use minijinja::{AutoEscape, Environment, State, UndefinedBehavior};
use run::{Main, PRELUDE};
use scope::{Context, Names};
use std::ops::Range;
use std::sync::Arc;
use templates::{BODY, Places};

/// How undefined values of a rendered text behave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// An attribute, subscript or call of something undefined is an error.
    #[default]
    Strict,
    /// It is undefined again: for the bodies of nodes while they are parsed. Macros stay strict.
    Absorbing,
}

/// The template that stands for a call from outside of any template.
const CALL: &str = "<call>";

/// Collects macros for an [`Engine`].
#[derive(Debug, Default)]
pub struct EngineBuilder {
    registry: Registry,
    sink: Sink,
}

/// What a macro file holds.
#[derive(Debug, Default)]
pub struct MacroFile {
    /// Its blocks, also those that are no macros.
    pub blocks: Vec<Block>,
    /// End tags that end nothing.
    pub warnings: Vec<Diagnostic>,
}

impl EngineBuilder {
    /// A builder without macros.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the macros, tests and materializations of a file to a package.
    /// The file's blocks are given back; errors are also kept and end [`EngineBuilder::build`].
    pub fn add_macro_file(&mut self, package: &str, file: &Arc<SourceFile>) -> Result<MacroFile> {
        let read = read_blocks(file).inspect_err(|stopped| {
            stopped.0.iter().for_each(|d| self.sink.push(d.clone()));
        })?;
        let package: Arc<str> = Arc::from(package);
        for block in read.blocks.iter().filter(|b| b.kind.is_callable()) {
            let def = Arc::new(MacroDef::new(&package, file, block));
            if let Some(there) = self.registry.add(def.clone()) {
                self.sink.push(duplicate(&def, &there));
            }
        }
        Ok(read)
    }

    /// Compiles all macros.
    pub fn build(mut self, packages: Packages) -> Result<Engine> {
        self.registry.set_packages(packages);
        let mut env = environment();
        let call = (
            CALL.to_string(),
            format!("{PRELUDE}{{% set __ = __main() %}}"),
        );
        let macros = self.registry.iter();
        let macros = macros.map(|def| (def.unique_id.clone(), def.template.text.clone()));
        for (name, text) in std::iter::once(call).chain(macros) {
            if let Err(e) = env.add_template_owned(name, text) {
                let places = Places {
                    registry: &self.registry,
                    body: None,
                };
                self.sink
                    .push(error::translate(&e, &places).diagnostic(code::J0301));
            }
        }
        self.sink.finish()?;
        Ok(Engine(Arc::new(Inner {
            env,
            registry: Arc::new(self.registry),
        })))
    }
}

fn duplicate(def: &MacroDef, there: &MacroDef) -> Diagnostic {
    Diagnostic::error(
        code::J0302,
        format!(
            "dbt found two macros named \"{}\" in the project \"{}\"",
            def.name, def.package
        ),
    )
    .label(def.place(), "the second")
    .label(there.place(), "the first")
    .help("rename or remove one of them")
}

/// The blocks of a file, with complaints in our own form.
pub fn read_blocks(file: &Arc<SourceFile>) -> Result<MacroFile> {
    let found = dialect::blocks(&file.text).map_err(|problem| {
        Diagnostic::error(code::J0301, problem.message).at(Place::new(file, problem.range))
    })?;
    let warnings = found
        .unmatched
        .into_iter()
        .map(|range| {
            Diagnostic::warning(code::J0303, "this end tag ends nothing")
                .event("UnexpectedJinjaBlockDeprecation")
                .fact("file", file.path.as_str())
                .at(Place::new(file, range))
        })
        .collect();
    Ok(MacroFile {
        blocks: found.blocks,
        warnings,
    })
}

fn environment() -> Environment<'static> {
    let mut env = Environment::new();
    env.set_undefined_behavior(UndefinedBehavior::Lenient);
    env.set_auto_escape_callback(|_| AutoEscape::None);
    // Undefined values know their names only in debug mode.
    env.set_debug(true);
    env.set_recursion_limit(DEEPEST_CALL * 8);
    env.set_unknown_method_callback(super::python::unknown_method);
    filters::register(&mut env);
    native::register(&mut env);
    env.set_formatter(|out, state, value| {
        if let Ok(running) = run::of(state)
            && running.context.native
        {
            running.context.note_printed(value);
            // A piece without text would leave no trace in the output, yet it counts.
            if str_of(value).is_empty() {
                return out.write_str(native::EMPTY).map_err(minijinja::Error::from);
            }
        }
        filters::print(out, value)
    });
    env.add_function("return", run::return_value);
    env.add_filter("__get", absorb::get);
    env.add_function("__callable", absorb::callable);
    env.add_function("__bound", absorb::bound);
    env.add_filter(
        "__method",
        |state: &mut State<'_, '_>, value: &Value, name: &str, args: Given| {
            absorb::method(state, value, name, &args)
        },
    );
    env.add_filter(
        "__call",
        |state: &mut State<'_, '_>, value: &Value, args: Given| absorb::call(state, value, &args),
    );
    env
}

#[derive(Debug)]
struct Inner {
    env: Environment<'static>,
    registry: Arc<Registry>,
}

/// Renders templates. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Engine(Arc<Inner>);

impl Engine {
    /// The macros.
    pub fn registry(&self) -> &Arc<Registry> {
        &self.0.registry
    }

    /// A name that the engine itself brings: `zip`, `modules`, `return`.
    pub fn global(&self, name: &str) -> Option<Value> {
        self.0.env.empty_state().lookup(name)
    }

    /// Makes a text of a file ready to render.
    pub fn template(
        &self,
        file: &Arc<SourceFile>,
        span: Range<usize>,
        mode: Mode,
    ) -> std::result::Result<Template, JinjaError> {
        let absorbing = mode == Mode::Absorbing;
        let mut template = Template {
            file: file.clone(),
            span,
            rewritten: None,
            absorbing,
        };
        if !has_markers(template.source()) {
            return Ok(template);
        }
        match dialect::template(template.source(), Options { absorbing }) {
            Ok(mut rewritten) => {
                rewritten.prepend(PRELUDE);
                template.rewritten = Some(Arc::new(rewritten));
                Ok(template)
            }
            Err(problem) => {
                let at = template.span.start;
                let place = Place::new(file, at + problem.range.start..at + problem.range.end);
                Err(JinjaError::syntax(problem.message, Some(place)))
            }
        }
    }

    /// Renders a template.
    pub fn render(
        &self,
        template: &Template,
        scope: Arc<dyn Scope>,
    ) -> std::result::Result<Rendered, JinjaError> {
        let Some(rewritten) = &template.rewritten else {
            let text = template.source().to_string();
            let origins = vec![Origin {
                output: 0..text.len(),
                source: template.span.clone(),
                is_text: true,
                template: 0,
            }];
            return Ok(Rendered {
                text,
                file: template.file.clone(),
                origins,
                template: template.clone(),
            });
        };
        let places = Places {
            registry: &self.0.registry,
            body: Some(template),
        };
        let context = Context::new(&self.0.registry, scope, template.absorbing);
        let names = Value::from_object(Names(Arc::new(context)));
        let (text, spans) = self
            .0
            .env
            .template_from_named_str(BODY, &rewritten.text)
            .and_then(|t| t.render_with_spans(names))
            .map_err(|e| error::translate(&e, &places))?;
        let origins = spans
            .iter()
            .filter(|s| s.name() == BODY)
            .filter_map(|s| places.origin(s))
            .collect();
        Ok(Rendered {
            text,
            file: template.file.clone(),
            origins,
            template: template.clone(),
        })
    }

    /// Renders the text of a file.
    pub fn render_file(
        &self,
        file: &Arc<SourceFile>,
        mode: Mode,
        scope: Arc<dyn Scope>,
    ) -> std::result::Result<Rendered, JinjaError> {
        let template = self.template(file, 0..file.text.len(), mode)?;
        self.render(&template, scope)
    }

    /// Calls a macro (or anything callable) outside of a template. The result is its text, or what it returned.
    pub fn call(
        &self,
        callee: &Value,
        args: &[Value],
        kwargs: &[(String, Value)],
        scope: Arc<dyn Scope>,
    ) -> std::result::Result<Value, JinjaError> {
        let mut all = args.to_vec();
        if !kwargs.is_empty() {
            let named: Kwargs = kwargs
                .iter()
                .map(|(k, v)| (k.as_str(), v.clone()))
                .collect();
            all.push(named.into());
        }
        let main = Arc::new(Main::new(callee.clone(), all));
        let mut context = Context::new(&self.0.registry, scope, false);
        context.main = Some(main.clone());
        let names = Value::from_object(Names(Arc::new(context)));
        self.0
            .env
            .get_template(CALL)
            .and_then(|t| t.render(names))
            .map_err(|e| {
                let places = Places {
                    registry: &self.0.registry,
                    body: None,
                };
                error::translate(&e, &places)
            })?;
        Ok(main.take())
    }

    /// Calls a macro by its definition.
    pub fn call_macro(
        &self,
        def: &Arc<MacroDef>,
        args: &[Value],
        kwargs: &[(String, Value)],
        scope: Arc<dyn Scope>,
    ) -> std::result::Result<Value, JinjaError> {
        self.call(
            &Value::from_object(MacroRef(def.clone())),
            args,
            kwargs,
            scope,
        )
    }

    /// The macros that a macro calls by name in its text, without running it: dbt's static `depends_on.macros`.
    /// `dispatch` gives the search packages and prefixes for a namespace.
    pub fn static_calls(
        &self,
        def: &MacroDef,
        search: &dyn Fn(Option<&str>) -> Vec<Option<String>>,
        prefixes: &[&str],
    ) -> Vec<Arc<MacroDef>> {
        let registry = &self.0.registry;
        let mut found: Vec<Arc<MacroDef>> = Vec::new();
        for call in scan::calls(def.macro_sql()).unwrap_or_default() {
            let target = match &call {
                scan::Call::Name(name) => registry.resolve_macro(&def.package, name),
                scan::Call::Dotted(package, name) => registry.get(package, name).cloned(),
                scan::Call::Dispatch { name, package } => {
                    registry.dispatch(&def.package, name, &search(package.as_deref()), prefixes)
                }
            };
            if let Some(target) = target
                && target.unique_id != def.unique_id
                && !found.iter().any(|f| f.unique_id == target.unique_id)
            {
                found.push(target);
            }
        }
        found
    }
}

/// Whether a text has anything to render: dbt's test for its short cut.
pub fn has_markers(text: &str) -> bool {
    text.as_bytes()
        .windows(2)
        .any(|w| matches!(w, [b'{', b'{' | b'%' | b'#'] | [b'}' | b'%' | b'#', b'}']))
}

impl JinjaError {
    /// The error as a diagnostic: its place, and the calls that led there.
    pub fn diagnostic(&self, code: crate::diag::Code) -> Diagnostic {
        let mut d = Diagnostic::error(code, self.message.clone()).at_opt(self.place.clone());
        if matches!(self.kind, JinjaErrorKind::Undefined) {
            d = d.note(MACRO_HINT);
        }
        for (i, frame) in self.stack.iter().enumerate() {
            let outer = self.stack.get(i + 1);
            // A macro done in Rust has no place that calls; dbt's lines of the message name it.
            if outer.is_some_and(|f| f.place.is_none()) {
                continue;
            }
            let caller = outer.map_or(self.call.clone(), |f| f.place.clone());
            match caller.filter(|c| Some(c) != self.place.as_ref()) {
                Some(place) => {
                    d = d.label(place, format!("in macro `{}`, called here", frame.name));
                }
                None => {
                    d = d.note(format!(
                        "in macro `{}` ({})",
                        frame.name,
                        frame.defined.show()
                    ));
                }
            }
        }
        d
    }
}

#[cfg(test)]
mod native_tests;
#[cfg(test)]
mod tests;
