//! What templates see: dbt's names (`ref`, `config`, `adapter`, `this`, …) as objects over the project and a session.
//!
//! In: the engine, the project's facts, and for each render a node. Out: recorded calls while parsing, text and
//! results while running. One file a concept; `scope` says which name is which.
mod adapter;
mod agate;
mod api;
mod args;
mod argument;
mod batch;
mod bind;
mod cache;
mod column;
mod config_object;
mod constraints;
mod data_type;
mod exceptions;
mod functions;
mod index;
mod keep;
mod metric;
mod modules;
mod names;
mod native;
mod own_catalog;
mod parse_host;
mod publish;
mod record;
mod relation;
mod runtime_config;
mod scope;
mod session;
mod shared;
mod statement;
mod syntax;
#[cfg(test)]
mod table;
mod values;

pub use adapter::SendError;
pub use agate::{SeedRows, Table};
pub use args::Args;
pub(crate) use argument::evaluated;
pub use batch::Batch;
pub use cache::{Cache, LookupError};
pub use column::Column;
pub use column::translate;
pub use exceptions::{Raised, diagnostic, message, raised};
pub(crate) use functions::{adapter_macro_of, lookup_macro, source_relation};
pub use own_catalog::{has_own_catalog, own_catalog};
pub use parse_host::EngineHost;
pub use publish::{STAGED, Staged, not_copied};
pub use record::Record;
pub use relation::{EventFilter, MAX_NAME, Relation};
pub use scope::{NodeFacts, NodeScope, Phase, Setup};
pub use session::{NodeSession, Response};
pub use shared::{Deferred, PackageFacts, Say, Shared};
pub(crate) use values::moment;

pub(crate) use values::{decimal, time};

use minijinja::State;
use minijinja::value::Value;

/// Prints a text from inside a template, as `print()` does.
pub(crate) fn say(state: &mut State<'_, '_>, text: &str) {
    if let Some(print) = state.lookup("print") {
        // Printing cannot fail in a way that a template could mend.
        let _ = print.call(state, &[Value::from(text)]);
    }
}
