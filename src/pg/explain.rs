//! From a database error to a diagnostic: the class of the error as a code, and the way out.
use super::error::{PgError, PgErrorKind};
use super::options::ConnectOptions;
use crate::diag::{Code, Diagnostic, code};
use crate::text::Place;

impl PgError {
    /// The code of this class of error.
    pub fn code(&self) -> Code {
        let state = self.sqlstate.as_str();
        match (self.kind, state) {
            (_, "28P01" | "28000") => code::D0603,
            _ if self.message.ends_with("no password supplied") => code::D0603,
            (_, "3D000") => code::D0604,
            (_, "42501") => code::D0605,
            (_, "53300" | "57P03") => code::D0612,
            (PgErrorKind::Connect, _)
                if self.message.contains("SSL") || self.message.contains("ertificate") =>
            {
                code::D0613
            }
            (PgErrorKind::Connect, _) => code::D0601,
            (PgErrorKind::Cancelled, _) => code::D0610,
            (PgErrorKind::Closed, _) => code::D0609,
            (PgErrorKind::Usage, _) => code::D0620,
            (PgErrorKind::Database, _) => of_state(state),
        }
    }

    /// As a diagnostic. `place` is where the text stands that was sent, or the part of it that the error points at;
    /// `options`, if given, make the help concrete.
    pub fn diagnostic(&self, place: Option<Place>, options: Option<&ConnectOptions>) -> Diagnostic {
        let mut d = Diagnostic::error(self.code(), &self.message).heading("Database Error");
        if let Some(place) = place {
            let label = if self.sqlstate.is_empty() {
                String::new()
            } else {
                format!("PostgreSQL {}", self.sqlstate)
            };
            d = d.label(place, label);
        } else if let Some(excerpt) = &self.excerpt {
            d = d.note(excerpt);
        }
        let parts = [&self.detail, &self.hint, &self.where_];
        for note in parts.into_iter().flatten() {
            d = d.note(note);
        }
        match self.way_out(options) {
            Some(help) => d.help(help),
            None => d,
        }
    }

    fn way_out(&self, options: Option<&ConnectOptions>) -> Option<String> {
        let user = options.map_or("the role", |o| o.user.as_str());
        Some(match self.code() {
            code::D0601 => match options {
                Some(o) if o.is_socket() => format!(
                    "start the server, or check `host` and `port`: its socket would be `{}/.s.PGSQL.{}`",
                    o.host, o.port
                ),
                Some(o) => format!(
                    "start the server at `{}`, port {}, or check `host` and `port`",
                    o.host, o.port
                ),
                None => "start the server, or check `host` and `port`".to_owned(),
            },
            code::D0603 if self.message.contains("no password supplied") => {
                format!("give the password of `{user}`: in the profile, in PGPASSWORD or in ~/.pgpass")
            }
            code::D0603 if self.message.contains("does not exist") => {
                format!("check `user`, or create the role: `create role \"{user}\" login password '…'`")
            }
            code::D0603 if self.message.contains("pg_hba.conf") => {
                "the server's pg_hba.conf has no line for this role, database and address; its administrator must add one"
                    .to_owned()
            }
            code::D0603 => format!("check the password of `{user}`: in the profile, in PGPASSWORD or in ~/.pgpass"),
            code::D0604 => {
                let name = options.map_or("…", |o| o.dbname.as_str());
                format!("check `dbname`, or create the database: `create database \"{name}\"`")
            }
            code::D0605 => self.grant(user)?,
            code::D0609 => "the server's log says why; run the command again".to_owned(),
            code::D0612 if self.sqlstate == "53300" => {
                "use fewer threads, or raise `max_connections` on the server".to_owned()
            }
            code::D0613 => "check `sslmode`, `sslrootcert`, `sslcert` and `sslkey`".to_owned(),
            _ => return None,
        })
    }

    /// What to grant, from `permission denied for schema x`.
    fn grant(&self, user: &str) -> Option<String> {
        let what = self.message.strip_prefix("permission denied for ")?;
        let (kind, name) = what.split_once(' ')?;
        Some(match kind {
            "schema" => {
                format!("as its owner: `grant usage, create on schema \"{name}\" to \"{user}\"`")
            }
            "database" => {
                format!("as its owner: `grant create on database \"{name}\" to \"{user}\"`")
            }
            "table" | "view" | "relation" => {
                format!("as its owner: `grant select on \"{name}\" to \"{user}\"`")
            }
            "function" | "procedure" => {
                format!("as its owner: `grant execute on {kind} {name} to \"{user}\"`")
            }
            "sequence" => {
                format!("as its owner: `grant usage, select on sequence \"{name}\" to \"{user}\"`")
            }
            _ => return None,
        })
    }
}

fn of_state(state: &str) -> Code {
    match state {
        "42P01" | "42703" | "42883" | "3F000" | "42704" | "26000" | "42P02" => code::D0602,
        "42P07" | "42P06" | "42710" | "42701" | "42723" | "42P04" | "42712" => code::D0615,
        "42804" | "42846" | "42P18" | "42P21" | "42P22" | "42725" => code::D0616,
        "42803" | "42P20" => code::D0606,
        "2BP01" | "55006" => code::D0614,
        "0A000" => code::D0621,
        "40001" | "40P01" | "55P03" => code::D0611,
        "25P03" | "57014" => code::D0610,
        _ => match state.get(..2).unwrap_or_default() {
            "08" | "57" => code::D0609,
            "22" => code::D0607,
            "23" | "27" | "44" => code::D0608,
            "25" | "2D" | "40" | "3B" => code::D0618,
            "42" => code::D0606,
            "53" | "54" | "58" => code::D0612,
            "P0" => code::D0622,
            _ => code::D0617,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(kind: PgErrorKind, state: &str, message: &str) -> PgError {
        PgError {
            sqlstate: state.into(),
            ..PgError::new(kind, message)
        }
    }

    #[test]
    fn help_says_what_to_do() {
        let options = ConnectOptions {
            user: "kim".into(),
            dbname: "shop".into(),
            ..ConnectOptions::default()
        };
        for (kind, state, message, code, help) in [
            (
                PgErrorKind::Connect,
                "",
                "refused",
                "D0601",
                "start the server at `localhost`",
            ),
            (
                PgErrorKind::Connect,
                "28P01",
                "password wrong",
                "D0603",
                "check the password of `kim`",
            ),
            (
                PgErrorKind::Connect,
                "28000",
                "role \"kim\" does not exist",
                "D0603",
                "create role \"kim\"",
            ),
            (
                PgErrorKind::Connect,
                "3D000",
                "no db",
                "D0604",
                "create database \"shop\"",
            ),
            (
                PgErrorKind::Database,
                "42501",
                "permission denied for schema raw",
                "D0605",
                "grant usage, create on schema \"raw\" to \"kim\"",
            ),
            (
                PgErrorKind::Connect,
                "53300",
                "too many",
                "D0612",
                "fewer threads",
            ),
        ] {
            let d = error(kind, state, message).diagnostic(None, Some(&options));
            assert_eq!(d.code.0, code);
            assert!(d.help.as_deref().unwrap().contains(help), "{:?}", d.help);
        }
    }

    #[test]
    fn transient_errors() {
        for state in ["08006", "57P01", "40001", "40P01"] {
            assert!(
                error(PgErrorKind::Database, state, "").is_transient(),
                "{state}"
            );
        }
        for state in ["42P01", "57014", "23505"] {
            assert!(
                !error(PgErrorKind::Database, state, "").is_transient(),
                "{state}"
            );
        }
        assert!(error(PgErrorKind::Closed, "", "").is_transient());
    }
}
