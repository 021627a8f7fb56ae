//! How the report is to look: dbt's `--log-*`, `--quiet`, `--debug`, `--use-colors` and their like, as one value.
use super::event::Level;
use serde_json::{Map, Value};
use std::path::PathBuf;

/// The form of lines (`--log-format`, `--log-format-file`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `HH:MM:SS  message`.
    Text,
    /// `HH:MM:SS.µµµµµµ [level] [thread]: message`.
    Debug,
    /// One JSON object a line.
    Json,
}

impl Format {
    /// The format named by a flag; `default` is text on a console and debug in a file.
    pub fn parse(word: &str, file: bool) -> Option<Self> {
        match word.to_ascii_lowercase().as_str() {
            "default" if file => Some(Self::Debug),
            "default" | "text" => Some(Self::Text),
            "debug" => Some(Self::Debug),
            "json" => Some(Self::Json),
            _ => None,
        }
    }
}

/// The log file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileOptions {
    /// Folder (`--log-path`); made when missing.
    pub folder: PathBuf,
    /// Name in it.
    pub name: String,
    /// `--log-format-file`.
    pub format: Format,
    /// `--log-level-file`.
    pub level: Level,
    /// `--use-colors-file`.
    pub colours: bool,
    /// `--log-file-max-bytes`: the size beyond which the file is put aside; 0 for never.
    pub max_bytes: u64,
}

impl FileOptions {
    /// The default log file in a folder: everything, 10 MiB at most.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            name: "dbt.log".to_string(),
            format: Format::Debug,
            level: Level::Debug,
            colours: false,
            max_bytes: 10 * 1024 * 1024,
        }
    }
}

/// How the report is to look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// `--log-format`.
    pub format: Format,
    /// `--log-level`; `--debug` makes it `Debug`, `--quiet` makes it `Error`.
    pub level: Level,
    /// `--quiet`: also hides the headings of answers.
    pub quiet: bool,
    /// `--print`: whether templates may print.
    pub print: bool,
    /// `--show-all-deprecations`.
    pub all_deprecations: bool,
    /// `--use-colors`; by default only on a terminal.
    pub colours: bool,
    /// `--printer-width`, in characters.
    pub width: usize,
    /// Whether a person looks on, so that live progress and a closing summary are shown below the lines.
    pub terminal: bool,
    /// Identifies this run in JSON lines, queries and artefacts.
    pub invocation_id: String,
    /// Facts of the environment that every JSON line carries.
    pub extra: Map<String, Value>,
    /// The log file; `None` for no file.
    pub file: Option<FileOptions>,
}

impl Options {
    /// dbt's defaults, without colours, terminal and file.
    pub fn new(invocation_id: impl Into<String>) -> Self {
        Self {
            format: Format::Text,
            level: Level::Info,
            quiet: false,
            print: true,
            all_deprecations: false,
            colours: false,
            width: 80,
            terminal: false,
            invocation_id: invocation_id.into(),
            extra: Map::new(),
            file: None,
        }
    }

    /// With `--debug`: everything is shown.
    pub fn debug(mut self) -> Self {
        self.level = Level::Debug;
        self
    }

    /// With `--quiet`: only errors and answers are shown, and no progress.
    pub fn quiet(mut self) -> Self {
        self.level = Level::Error;
        self.quiet = true;
        self.terminal = false;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_format_depends_on_the_place() {
        assert_eq!(Format::parse("default", true), Some(Format::Debug));
        assert_eq!(Format::parse("default", false), Some(Format::Text));
        assert_eq!(Format::parse("JSON", false), Some(Format::Json));
        assert_eq!(Format::parse("xml", false), None);
    }

    #[test]
    fn quiet_hides_all_but_errors() {
        let options = Options::new("id").quiet();
        assert_eq!(options.level, Level::Error);
        assert!(options.quiet && !options.terminal);
    }
}
