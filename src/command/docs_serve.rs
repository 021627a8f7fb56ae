//! `docs serve`: the files of the target folder over HTTP, for a browser on this machine.
use super::Outcome;
use super::session::Session;
use crate::diag::{Diagnostic, Result, code};
use crate::report::Event;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

/// Runs the command until it is interrupted.
pub fn docs(ctx: &Session, host: &str, port: u16, browser: bool) -> Result<Outcome> {
    let folder = super::setup::target_dir_of_project(ctx);
    if !folder.join("index.html").is_file() {
        return Err(Diagnostic::error(
            code::A0801,
            format!("there is no documentation in `{}`", folder.display()),
        )
        .heading("Runtime Error")
        .help("run `tv1 docs generate` first")
        .into());
    }
    let host = if host.is_empty() { "127.0.0.1" } else { host };
    let listener = TcpListener::bind((host, port)).map_err(|e| {
        Diagnostic::error(
            code::U0806,
            format!("cannot listen on {host}, port {port}: {e}"),
        )
        .heading("Runtime Error")
        .help("choose another port with `--port`; 0 takes any that is free")
    })?;
    let port = listener.local_addr().map_or(port, |a| a.port());
    let url = format!("http://{host}:{port}");
    ctx.reporter
        .emit(Event::info(format!("Serving docs at {port}")));
    ctx.reporter.emit(Event::info(format!(
        "To access from your browser, navigate to: {url}"
    )));
    ctx.reporter.emit(Event::info("\n\nPress Ctrl+C to exit."));
    if browser {
        open(&url);
    }
    for stream in listener.incoming().flatten() {
        let folder = folder.clone();
        let answer = std::thread::Builder::new().spawn(move || {
            // A browser that hung up wants no answer.
            let _ = answer(stream, &folder);
        });
        drop(answer);
    }
    Ok(Outcome::Success)
}

/// Opens a browser where there is one; a machine without one is served all the same.
fn open(url: &str) {
    let program = if cfg!(target_os = "macos") {
        "open"
    } else {
        "xdg-open"
    };
    let _ = std::process::Command::new(program)
        .arg(url)
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn();
}

fn answer(stream: TcpStream, folder: &Path) -> std::io::Result<()> {
    let wait = Some(Duration::from_secs(10));
    stream.set_read_timeout(wait)?;
    stream.set_write_timeout(wait)?;
    let mut reader = BufReader::new(stream.try_clone()?.take(64 * 1024));
    let mut first = String::new();
    reader.read_line(&mut first)?;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line.trim().is_empty() {
            break;
        }
    }
    let mut words = first.split_whitespace();
    let (method, target) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
    let (status, kind, body) = response(method, target, folder);
    let mut out = stream;
    write!(
        out,
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\nX-Content-Type-Options: nosniff\r\nCache-Control: no-cache\r\n\r\n",
        body.len()
    )?;
    if method != "HEAD" {
        out.write_all(&body)?;
    }
    out.flush()
}

fn response(method: &str, target: &str, folder: &Path) -> (&'static str, &'static str, Vec<u8>) {
    const TEXT: &str = "text/plain; charset=utf-8";
    if !["GET", "HEAD"].contains(&method) {
        return ("405 Method Not Allowed", TEXT, b"only GET\n".to_vec());
    }
    let found = file_of(target, folder).and_then(|p| Some((kind_of(&p), std::fs::read(p).ok()?)));
    match found {
        Some((kind, body)) => ("200 OK", kind, body),
        None => ("404 Not Found", TEXT, b"not found\n".to_vec()),
    }
}

/// The file that a request means; only files of the folder itself.
fn file_of(target: &str, folder: &Path) -> Option<PathBuf> {
    let path = target.split(['?', '#']).next().unwrap_or_default();
    let path = path.trim_start_matches('/');
    let path = if path.is_empty() { "index.html" } else { path };
    let relative = Path::new(path);
    let plain = relative
        .components()
        .all(|c| matches!(c, Component::Normal(_)));
    let full = folder.join(relative);
    let real = full.canonicalize().ok()?;
    let inside = real.starts_with(folder.canonicalize().ok()?);
    (plain && inside && real.is_file()).then_some(real)
}

fn kind_of(path: &Path) -> &'static str {
    match path.extension().and_then(|e| e.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("json") => "application/json",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("sql" | "txt" | "yml" | "md" | "csv") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_of_the_folder_are_served() {
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join("target");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("index.html"), "page").unwrap();
        std::fs::write(folder.join("manifest.json"), "{}").unwrap();
        std::fs::write(outer.path().join("secret"), "s").unwrap();
        let get = |target: &str| response("GET", target, &folder);
        assert_eq!(get("/").2, b"page");
        assert_eq!(get("/manifest.json?x=1").1, "application/json");
        for bad in ["/../secret", "//etc/passwd", "/nothing", "/."] {
            assert_eq!(get(bad).0, "404 Not Found", "{bad}");
        }
        assert_eq!(response("POST", "/", &folder).0, "405 Method Not Allowed");
    }
}
