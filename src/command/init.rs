//! `init`: a new project, asked for on a terminal or named on the command line.
use super::Outcome;
use super::session::Session;
use crate::diag::{Diagnostic, Result, code};
use crate::report::Event;
use crate::scaffold::{self, Question};
use std::io::{BufRead, IsTerminal, Write};

/// Runs the command. Without a terminal nothing is asked: the name must be given, and the project gets a private server.
pub fn init(ctx: &Session, name: Option<&str>, skip_profile: bool) -> Result<Outcome> {
    let terminal = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    let given = ctx.invocation.flags.layers.source("project_dir") != crate::cli::Source::Standard;
    let parent = if given {
        ctx.project_dir()
    } else {
        std::env::current_dir().map_err(|e| {
            Diagnostic::error(code::P0114, format!("the working folder is gone: {e}"))
        })?
    };
    let mut ask = |q: Question<'_>| if terminal { asked(q) } else { None };
    let answers = scaffold::interview(name, skip_profile || !terminal, &mut ask)?;
    let files = scaffold::starter(&answers);
    let folder = parent.join(&answers.name);
    scaffold::write(&folder, &files)?;
    ctx.reporter.emit(Event::info(format!(
        "Your new project \"{}\" was created in {}",
        answers.name,
        folder.display()
    )));
    ctx.reporter.emit(Event::info(format!(
        "Next: cd {} && tv1 build",
        answers.name
    )));
    Ok(Outcome::Success)
}

/// One question on the terminal; `None` when no more answers come.
fn asked(q: Question<'_>) -> Option<String> {
    let mut out = std::io::stderr().lock();
    if let Some(problem) = q.problem {
        writeln!(out, "{problem}").ok()?;
    }
    match q.standard {
        Some(standard) => write!(out, "{} [{standard}]: ", q.text).ok()?,
        None => write!(out, "{}: ", q.text).ok()?,
    }
    out.flush().ok()?;
    let mut line = String::new();
    match std::io::stdin().lock().read_line(&mut line) {
        Ok(0) | Err(_) => None,
        Ok(_) => Some(line),
    }
}
