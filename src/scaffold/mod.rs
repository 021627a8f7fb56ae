//! What `init` writes and what `clean` removes.
//!
//! In: a name and answers, or a project's folders. Out: files to write, or folders to remove. Questions are asked
//! through a closure, and nothing is printed; the commands do both.
mod answers;
mod clean;
mod starter;

pub use answers::{Answers, Ask, Connection, Question, interview, profile, valid_name};
pub use clean::{CleanRules, clean_targets, remove_target};
pub use starter::{NewFile, starter, write};

#[cfg(test)]
mod tests;
