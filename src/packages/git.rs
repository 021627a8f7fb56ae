//! Packages in git repositories, fetched with the `git` program: one revision, without history.
use super::files;
use super::http::without_password;
use crate::diag::{Diagnostic, Result, code};
use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A revision on this machine.
#[derive(Debug, Clone)]
pub(super) struct Checkout {
    /// Folder of the package: of the repository, or of the subdirectory in it.
    pub(super) folder: PathBuf,
    /// The commit.
    pub(super) commit: String,
}

/// Fetches revisions, each once.
pub(super) struct Git {
    /// Where they go.
    folder: PathBuf,
    /// Folder to which URLs that are paths are relative.
    project: PathBuf,
    done: BTreeMap<(String, Option<String>, Option<String>), Checkout>,
    count: usize,
}

impl Git {
    /// Fetches into `folder`.
    pub(super) fn new(folder: PathBuf, project: PathBuf) -> Self {
        Self {
            folder,
            project,
            done: BTreeMap::new(),
            count: 0,
        }
    }

    /// The package at a revision; `None` is the head of the default branch.
    ///
    /// # Errors
    /// What git says, or a subdirectory that is not there.
    pub(super) fn checkout(
        &mut self,
        url: &str,
        revision: Option<&str>,
        subdirectory: Option<&str>,
    ) -> Result<Checkout> {
        let key = (
            url.to_string(),
            revision.map(str::to_string),
            subdirectory.map(str::to_string),
        );
        if let Some(done) = self.done.get(&key) {
            return Ok(done.clone());
        }
        self.count += 1;
        let clone = self.folder.join(format!("git-{}", self.count));
        std::fs::create_dir_all(&clone).map_err(|e| files::failed("make", &clone, &e))?;
        let run = Run { clone: &clone, url };
        run.git(&["init", "--quiet"])?;
        run.git(&["remote", "add", "origin", &self.located(url)])?;
        if let Some(subdirectory) = subdirectory {
            // Only this folder is written; where the server can, only its files are sent.
            run.git(&[
                "sparse-checkout",
                "set",
                "--no-cone",
                &format!("/{}/", subdirectory.trim_matches('/')),
            ])?;
        }
        let commit = run.fetch(revision, subdirectory.is_some())?;
        run.git(&[
            "-c",
            "advice.detachedHead=false",
            "checkout",
            "--quiet",
            "--detach",
            &commit,
        ])?;
        let folder = match subdirectory {
            None => clone.clone(),
            Some(sub) => inside(&clone, sub, url)?,
        };
        let done = Checkout { folder, commit };
        // The commit will be asked for again by itself.
        let by_commit = (key.0.clone(), Some(done.commit.clone()), key.2.clone());
        self.done.insert(by_commit, done.clone());
        self.done.insert(key, done.clone());
        Ok(done)
    }

    /// A URL that is a relative path, made absolute.
    fn located(&self, url: &str) -> String {
        let path = self.project.join(url);
        if !url.contains(':') && path.exists() {
            path.display().to_string()
        } else {
            url.to_string()
        }
    }
}

/// A folder within the checkout, never one outside.
fn inside(clone: &Path, subdirectory: &str, url: &str) -> Result<PathBuf> {
    let folder = clone.join(subdirectory);
    let (root, real) = (clone.canonicalize(), folder.canonicalize());
    match (root, real) {
        (Ok(root), Ok(real)) if real.starts_with(&root) && real.is_dir() => Ok(folder),
        _ => Err(Diagnostic::error(
            code::K0906,
            format!(
                "there is no folder `{subdirectory}` in {}",
                without_password(url)
            ),
        )
        .heading("Runtime Error")
        .help("check the `subdirectory` of the package and its revision")
        .into()),
    }
}

/// git in one clone.
struct Run<'a> {
    clone: &'a Path,
    url: &'a str,
}

impl Run<'_> {
    /// Fetches a revision and returns its commit. Names and full commits are fetched alone; what the server does
    /// not give that way, such as a shortened commit, is looked for in everything.
    fn fetch(&self, revision: Option<&str>, blobless: bool) -> Result<String> {
        let wanted = revision.unwrap_or("HEAD");
        let mut words = vec!["fetch", "--quiet", "--depth", "1", "--no-tags"];
        if blobless {
            words.push("--filter=blob:none");
        }
        words.extend(["origin", wanted]);
        let alone = self.git(&words);
        let found = match alone {
            Ok(_) => "FETCH_HEAD".to_string(),
            Err(first) => {
                let everything = [
                    "fetch",
                    "--quiet",
                    "--tags",
                    "origin",
                    "+refs/heads/*:refs/remotes/origin/*",
                ];
                let looks_like_commit =
                    wanted.len() >= 4 && wanted.bytes().all(|b| b.is_ascii_hexdigit());
                if !looks_like_commit || self.git(&everything).is_err() {
                    return Err(first);
                }
                wanted.to_string()
            }
        };
        let commit = self
            .git(&[
                "rev-parse",
                "--verify",
                "--quiet",
                &format!("{found}^{{commit}}"),
            ])
            .map_err(|_| self.failed(&format!("there is no revision `{wanted}`")))?;
        Ok(commit.trim().to_string())
    }

    fn git(&self, words: &[&str]) -> Result<String> {
        let mut command = Command::new("git");
        command
            .current_dir(self.clone)
            .args(words)
            .stdin(Stdio::null())
            .env("LC_ALL", "C");
        // A repository around the project, or a hook that runs tv1, must not be taken for the clone.
        for name in [
            "GIT_DIR",
            "GIT_WORK_TREE",
            "GIT_INDEX_FILE",
            "GIT_COMMON_DIR",
            "GIT_NAMESPACE",
        ] {
            command.env_remove(name);
        }
        if !std::io::stdin().is_terminal() {
            command.env("GIT_TERMINAL_PROMPT", "0");
        }
        let done = command.output().map_err(|e| {
            let d = Diagnostic::error(code::K0906, format!("cannot run git: {e}"));
            if e.kind() == std::io::ErrorKind::NotFound {
                d.help("install git, or take the package from the hub or from a folder")
            } else {
                d
            }
        })?;
        if done.status.success() {
            return Ok(String::from_utf8_lossy(&done.stdout).into_owned());
        }
        let said =
            String::from_utf8_lossy(&done.stderr).replace(self.url, &without_password(self.url));
        Err(self.failed(said.trim()).into())
    }

    fn failed(&self, said: &str) -> Diagnostic {
        let lines: Vec<&str> = said
            .lines()
            .map(str::trim)
            .filter(|l| !l.is_empty())
            .collect();
        let first = lines
            .iter()
            .find(|l| l.starts_with("fatal:") || l.starts_with("error:"))
            .or(lines.first())
            .copied()
            .unwrap_or("git failed without a word");
        let first = first
            .trim_start_matches("fatal: ")
            .trim_start_matches("error: ");
        let mut d = Diagnostic::error(
            code::K0906,
            format!("cannot fetch {}: {first}", without_password(self.url)),
        )
        .heading("Runtime Error");
        for line in lines.iter().filter(|l| !l.ends_with(first)) {
            d = d.note((*line).to_string());
        }
        let revision = said.contains("couldn't find remote ref") || said.contains("no revision");
        if revision {
            d.help("check the `revision`: a branch, a tag or a commit of the repository")
        } else {
            d.help("check the URL, the network and your access to the repository (`git ls-remote URL` shows what git sees)")
        }
    }
}
