//! What tv1's own check finds in a Power BI project on disk: `pbip_check FOLDER`. Exit code 1 if it finds something.

use std::error::Error;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use tv1::powerbi::{Files, check};

fn read(folder: &Path, prefix: &str, out: &mut Files) -> Result<(), Box<dyn Error>> {
    let mut entries: Vec<_> = std::fs::read_dir(folder)?.collect::<Result<_, _>>()?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            read(&entry.path(), &format!("{path}/"), out)?;
        } else if let Ok(text) = std::fs::read_to_string(entry.path()) {
            out.insert(path, text);
        }
    }
    Ok(())
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("no folder is named")?;
    let mut files = Files::new();
    read(Path::new(&folder), "", &mut files)?;
    let faults = check(&files);
    let mut err = std::io::stderr().lock();
    for fault in &faults {
        writeln!(err, "{fault}")?;
    }
    Ok(ExitCode::from(u8::from(!faults.is_empty())))
}
