//! Native rendering, as dbt renders the values of YAML files: a lone `{{ expression }}` keeps its type.
//!
//! Text, several pieces, and expressions that Jinja2 folds at compile time give text. The filters `as_text`,
//! `as_bool`, `as_number` and `as_native` say what a text stands for; only the final value is converted.
use super::run;
use super::scope::{Context, Names, Scope};
use super::templates::Places;
use super::{BODY, Engine, JinjaError, Mode, Template, error};
use crate::jinja::dialect::scan;
use crate::jinja::python::error::value_error;
use crate::jinja::python::{literal, str_of};
use crate::text::SourceFile;
use minijinja::value::{Value, ValueKind};
use minijinja::{Environment, Error, State};
use std::ops::Range;
use std::sync::Arc;

/// Stands in the output for a value without text.
pub(super) const EMPTY: &str = "\0";

/// What a marked text stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Bool,
    Number,
    Native,
}

/// Adds the filters; outside of native rendering they change nothing.
///
/// A marked text stays a text that can be compared and joined, as in dbt. The mark is Jinja's own of safe texts, which
/// nothing else needs here; what it stands for is noted in the context.
pub(super) fn register(env: &mut Environment<'static>) {
    for (name, kind) in [
        ("as_text", Kind::Text),
        ("as_bool", Kind::Bool),
        ("as_number", Kind::Number),
        ("as_native", Kind::Native),
    ] {
        env.add_filter(name, move |state: &mut State<'_, '_>, value: &Value| {
            let Some(run) = run::of(state).ok().filter(|r| r.context.native) else {
                return value.clone();
            };
            let text = str_of(value);
            run.context.mark(&text, kind);
            Value::from_safe_string(text)
        });
    }
}

/// The value that a mark asks for.
fn convert(value: Value, context: &Context) -> Result<Value, Error> {
    let text = value.as_str().filter(|_| value.is_safe());
    let Some((text, kind)) = text.and_then(|t| Some((t, context.mark_of(t)?))) else {
        return Ok(value);
    };
    let parsed = literal::parse(text);
    let wrong = |kind: &str| {
        value_error(format!(
            "Could not convert value '{text}' into type '{kind}'"
        ))
    };
    match kind {
        Kind::Text => Ok(Value::from(text)),
        Kind::Native => Ok(parsed.unwrap_or_else(|| Value::from(text))),
        Kind::Bool => parsed
            .filter(|v| v.kind() == ValueKind::Bool)
            .ok_or_else(|| wrong("bool")),
        Kind::Number => parsed
            .filter(Value::is_number)
            .ok_or_else(|| wrong("number")),
    }
}

impl Engine {
    /// Renders a text natively. The result may be undefined.
    pub fn native(
        &self,
        file: &Arc<SourceFile>,
        span: Range<usize>,
        mode: Mode,
        scope: Arc<dyn Scope>,
    ) -> Result<Value, JinjaError> {
        let mut template = Template {
            file: file.clone(),
            span,
            rewritten: None,
            absorbing: false,
        };
        if !super::has_markers(template.source()) {
            let text = template.source();
            return Ok(Value::from(text.strip_suffix('\n').unwrap_or(text)));
        }
        template = self.template(file, template.span.clone(), mode)?;
        let Some(rewritten) = &template.rewritten else {
            return Ok(Value::from(template.source()));
        };
        let places = Places {
            registry: self.registry(),
            body: Some(&template),
        };
        let mut context = Context::new(self.registry(), scope, mode == Mode::Absorbing);
        context.native = true;
        let context = Arc::new(context);
        let failed = |e: &Error| error::translate(e, &places);
        let env = &self.0.env;
        let rendered = env
            .template_from_named_str(BODY, &rewritten.text)
            .and_then(|t| t.render_with_spans(Value::from_object(Names(context.clone()))));
        let (text, spans) = rendered.map_err(|e| failed(&e))?;
        let text = text.replace(EMPTY, "");
        let pieces: Vec<_> = spans
            .iter()
            .filter(|s| s.name() == BODY)
            .filter_map(|s| places.origin(s))
            .collect();
        let [piece] = pieces.as_slice() else {
            return Ok(Value::from(text));
        };
        let source = file.text.get(piece.source.clone()).unwrap_or_default();
        if piece.is_text || scan::is_constant(source) {
            return Ok(Value::from(text));
        }
        convert(context.last_printed(), &context).map_err(|e| {
            let mut error = failed(&e);
            error.place = Some(crate::text::Place::new(file, piece.source.clone()));
            error
        })
    }

    /// The value of an expression (without braces).
    pub fn expression(&self, text: &str, scope: Arc<dyn Scope>) -> Result<Value, JinjaError> {
        let file = SourceFile::new("<expression>", format!("{{{{ {text} }}}}"));
        let mut context = Context::new(self.registry(), scope, false);
        context.native = true;
        let context = Arc::new(context);
        let template = self.template(&file, 0..file.text.len(), Mode::Strict)?;
        let places = Places {
            registry: self.registry(),
            body: Some(&template),
        };
        let text = template.rewritten.as_ref().map_or("", |r| r.text.as_str());
        self.0
            .env
            .template_from_named_str(BODY, text)
            .and_then(|t| t.render(Value::from_object(Names(context.clone()))))
            .and_then(|_| convert(context.last_printed(), &context))
            .map_err(|e| error::translate(&e, &places))
    }
}
