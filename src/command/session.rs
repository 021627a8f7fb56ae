//! What every command has: the invocation, the environment, the reporter.
use super::warnings;
use crate::cli::{Fate, Invocation};
use crate::diag::{Diagnostic, Result, code};
use crate::report::{Event, Reporter};
use chrono::{DateTime, Utc};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

/// The environment as the command sees it.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// Variables; those of `.env` files only where the process has none of the name.
    pub vars: BTreeMap<String, String>,
    /// Where variables of `.env` files come from.
    pub dotenv: BTreeMap<String, PathBuf>,
}

impl Environment {
    /// Of the process, with the `.env` of the working folder.
    pub fn read(folder: &Path) -> Self {
        let vars = std::env::vars_os()
            .filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)))
            .collect();
        Self {
            vars,
            dotenv: BTreeMap::new(),
        }
        .with_dotenv(folder)
    }

    /// With the `.env` file of a folder, which never overrides.
    pub fn with_dotenv(mut self, folder: &Path) -> Self {
        let path = folder.join(".env");
        for (name, value) in crate::config::load_dotenv(&path) {
            if !self.vars.contains_key(&name) {
                self.dotenv.insert(name.clone(), path.clone());
                self.vars.insert(name, value);
            }
        }
        self
    }

    /// A variable.
    pub fn get(&self, name: &str) -> Option<String> {
        self.vars.get(name).cloned()
    }

    /// Where a variable comes from, for people.
    pub fn origin(&self, name: &str) -> String {
        match self.dotenv.get(name) {
            Some(path) => format!("{name} in {}", path.display()),
            None => format!("the environment variable {name}"),
        }
    }
}

/// What a command works with.
#[derive(Clone)]
pub struct Session {
    /// What was asked for.
    pub invocation: Invocation,
    /// The environment.
    pub env: Environment,
    /// Where words go.
    pub reporter: Reporter,
    /// Id of this run.
    pub id: String,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// For `retry`: the ids to run again, instead of a selection.
    pub again: Option<BTreeSet<String>>,
    /// For `retry`: `batch_results` of the models of which only the failed batches run again, by unique id.
    pub batches: HashMap<String, serde_json::Value>,
}

impl Session {
    /// Tells warnings, as `--warn-error` and `--warn-error-options` want it.
    ///
    /// # Errors
    /// The warnings that count as errors.
    pub fn tell(&self, said: Vec<Diagnostic>) -> Result<()> {
        warnings::tell(&self.invocation.flags, &self.reporter, said)
    }

    /// Says that the selection is empty.
    ///
    /// # Errors
    /// Where that counts as an error.
    pub fn nothing_to_do(&self) -> Result<()> {
        let message = "Nothing to do. Try checking your model configs and model specification args";
        let d = Diagnostic::warning(code::S0518, message).event("NothingToDo");
        match warnings::fate(&self.invocation.flags, &d) {
            Fate::Silence => {}
            Fate::Warn => self.reporter.emit(Event::NothingToDo),
            Fate::Error => self.tell(vec![d])?,
        }
        Ok(())
    }

    /// The project's folder, absolute.
    pub fn project_dir(&self) -> PathBuf {
        crate::fs::absolute(&self.invocation.flags.project_dir)
    }
}
