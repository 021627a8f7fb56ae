//! Jinja2's filters, tests and globals with Jinja2's behaviour, and the operators that the dialect writes as filters.
mod attributes;
mod functions;
mod globals;
mod html;
mod number;
mod operators;
mod select;
mod sequence;
mod tests;
mod text;
mod wrap;

pub(super) use operators::print;

use minijinja::Environment;

/// Adds everything to an environment.
pub(super) fn register(env: &mut Environment<'static>) {
    operators::register(env);
    attributes::register(env);
    text::register(env);
    html::register(env);
    number::register(env);
    sequence::register(env);
    select::register(env);
    tests::register(env);
    globals::register(env);
    functions::register(env);
    for name in ["bool", "split", "lines", "chain", "zip"] {
        env.remove_filter(name);
    }
    for name in ["startingwith", "endingwith", "safe", "int"] {
        env.remove_test(name);
    }
    env.remove_global("debug");
}
