//! The log file: everything that was said, in a file that is put aside when it grows too large.
use super::options::FileOptions;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// How many files that were put aside are kept (`dbt.log.1` is the newest).
const KEPT: usize = 5;

/// An open log file.
#[derive(Debug)]
pub struct LogFile {
    path: PathBuf,
    file: File,
    size: u64,
    max_bytes: u64,
}

impl LogFile {
    /// Opens the file for appending; makes its folder.
    ///
    /// # Errors
    /// The folder cannot be made or the file cannot be opened.
    pub fn open(options: &FileOptions) -> io::Result<Self> {
        fs::create_dir_all(&options.folder)?;
        let path = options.folder.join(&options.name);
        let file = append(&path)?;
        let size = file.metadata()?.len();
        Ok(Self {
            path,
            file,
            size,
            max_bytes: options.max_bytes,
        })
    }

    /// Writes a line; puts the file aside first when the line would make it larger than allowed.
    ///
    /// # Errors
    /// The disk does not take it.
    pub fn line(&mut self, line: &str) -> io::Result<()> {
        let bytes = line.len() as u64 + 1;
        if self.max_bytes > 0 && self.size > 0 && self.size + bytes > self.max_bytes {
            self.rotate()?;
        }
        self.size += bytes;
        // One write a line, so that lines of runs that share a file do not mix.
        self.file.write_all(format!("{line}\n").as_bytes())
    }

    fn rotate(&mut self) -> io::Result<()> {
        let aside = |n: usize| {
            let mut name = self.path.clone().into_os_string();
            name.push(format!(".{n}"));
            PathBuf::from(name)
        };
        for n in (1..KEPT).rev() {
            if aside(n).exists() {
                fs::rename(aside(n), aside(n + 1))?;
            }
        }
        fs::rename(&self.path, aside(1))?;
        self.file = append(&self.path)?;
        self.size = 0;
        Ok(())
    }
}

fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_file_is_put_aside_and_the_oldest_goes() {
        let folder = tempfile::tempdir().unwrap();
        let mut options = FileOptions::new(folder.path().join("a/logs"));
        options.max_bytes = 12;
        let mut log = LogFile::open(&options).unwrap();
        for n in 0..8 {
            log.line(&format!("line {n}")).unwrap();
        }
        drop(log);
        let read = |name: &str| fs::read_to_string(options.folder.join(name)).ok();
        assert_eq!(read("dbt.log").as_deref(), Some("line 7\n"));
        assert_eq!(read("dbt.log.1").as_deref(), Some("line 6\n"));
        assert_eq!(read("dbt.log.5").as_deref(), Some("line 2\n"));
        assert_eq!(read("dbt.log.6"), None);
    }

    #[test]
    fn an_existing_file_is_continued() {
        let folder = tempfile::tempdir().unwrap();
        let options = FileOptions::new(folder.path());
        LogFile::open(&options).unwrap().line("a").unwrap();
        LogFile::open(&options).unwrap().line("b").unwrap();
        let text = fs::read_to_string(folder.path().join("dbt.log")).unwrap();
        assert_eq!(text, "a\nb\n");
    }
}
