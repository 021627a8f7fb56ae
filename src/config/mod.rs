//! What the project says about itself: the project file, the profile, variables, and configuration of nodes.
//!
//! In: files. Out: plain values. Jinja in values is evaluated through a [`Render`] the caller gives, so that this
//! module need not know the template engine.
mod check;
mod node;
mod project;
mod project_keys;
mod render;
mod target;
mod vars;

pub use check::{microbatch_mistakes, moment_of, settle_begin, validate};
pub use node::{
    Layer, NodeConfig, Origin, calls_together, defaults, hook_value, merge_value, tree_layers,
};
pub use project::{Dispatch, Project, QueryComment, Quoting, find_root};
pub use project_keys::RESERVED_NAMES;
pub use render::{Render, has_jinja, render_tree, without_jinja};
pub use target::{ConnectionKeys, ProfileQuery, Target, load_dotenv, load_profile, profiles_file};
pub use vars::{Vars, parse_cli_mapping};
