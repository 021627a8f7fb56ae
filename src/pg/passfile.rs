//! libpq's password file: lines `host:port:database:user:password`, `*` matches anything, `\` escapes.
use super::ConnectOptions;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// The password of the first line that fits. As in libpq a file that others may read is not used.
pub(super) fn find(file: &Path, options: &ConnectOptions) -> Option<String> {
    let meta = fs::metadata(file).ok()?;
    if !meta.is_file() || meta.permissions().mode() & 0o077 != 0 {
        return None;
    }
    search(&fs::read_to_string(file).ok()?, options)
}

fn search(text: &str, options: &ConnectOptions) -> Option<String> {
    let port = options.port.to_string();
    text.lines()
        .filter(|l| !l.starts_with('#'))
        .find_map(|line| {
            let fields = fields(line);
            let [host, p, name, user, password] = fields.as_slice() else {
                return None;
            };
            let local = options.is_socket() && host == "localhost";
            let fits = |pattern: &str, value: &str| pattern == "*" || pattern == value;
            (local || fits(host, &options.host))
                .then_some(())
                .filter(|()| {
                    fits(p, &port) && fits(name, &options.dbname) && fits(user, &options.user)
                })
                .map(|()| password.clone())
        })
}

/// The five fields; the password may hold further colons.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        let count = fields.len();
        match (c, fields.last_mut()) {
            (':', _) if count < 5 => fields.push(String::new()),
            ('\\', Some(field)) => field.extend(chars.next()),
            (c, Some(field)) => field.push(c),
            (_, None) => {}
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "# comment\nother:*:*:*:no\nlocalhost:5433:*:kim:sock\nh:*:d\\:b:kim:a\\:b\\\\c\n*:*:*:*:last\n";

    fn at(host: &str, port: u16, dbname: &str) -> Option<String> {
        let options = ConnectOptions {
            host: host.into(),
            port,
            dbname: dbname.into(),
            user: "kim".into(),
            ..ConnectOptions::default()
        };
        search(FILE, &options)
    }

    #[test]
    fn the_first_fitting_line_wins() {
        assert_eq!(at("h", 1, "d:b").as_deref(), Some("a:b\\c"));
        assert_eq!(at("/run", 5433, "x").as_deref(), Some("sock"));
        assert_eq!(at("zzz", 1, "x").as_deref(), Some("last"));
    }

    #[test]
    fn a_file_that_others_may_read_is_not_used() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("pgpass");
        fs::write(&file, "*:*:*:*:x\n").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(find(&file, &ConnectOptions::default()), None);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(
            find(&file, &ConnectOptions::default()).as_deref(),
            Some("x")
        );
    }
}
