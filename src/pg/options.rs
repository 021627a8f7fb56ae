//! How to reach a server: in from a profile, a URL or the environment, out as one plain value.
//!
//! The names and defaults are libpq's, so that what works with `psql` works here. Nothing connects in this file.
use super::{passfile, url};
use crate::diag::{Diagnostic, code};
use crate::text::nearest;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Looks up an environment variable.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// A password: never shown by `Debug` or `Display`.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Secret(String);

impl Secret {
    /// Wraps a password.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The password itself, for the one place that sends it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("*****")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("*****")
    }
}

/// libpq's `sslmode`. A unix socket is never encrypted, whatever the mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SslMode {
    /// Never encrypted.
    Disable,
    /// Encrypted only if the server refuses otherwise.
    Allow,
    /// Encrypted if the server can.
    #[default]
    Prefer,
    /// Encrypted; the certificate is checked only if a root certificate is at hand.
    Require,
    /// Encrypted, with a certificate signed by a trusted authority.
    VerifyCa,
    /// As `VerifyCa`, and the certificate names the host.
    VerifyFull,
}

impl SslMode {
    const NAMES: [(&'static str, SslMode); 6] = [
        ("disable", SslMode::Disable),
        ("allow", SslMode::Allow),
        ("prefer", SslMode::Prefer),
        ("require", SslMode::Require),
        ("verify-ca", SslMode::VerifyCa),
        ("verify-full", SslMode::VerifyFull),
    ];

    /// The mode of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::NAMES
            .iter()
            .find(|(n, _)| *n == name)
            .map(|(_, m)| *m)
    }

    /// libpq's name of the mode.
    pub fn name(self) -> &'static str {
        Self::NAMES
            .iter()
            .find(|(_, m)| *m == self)
            .map_or("prefer", |(n, _)| n)
    }
}

/// Everything needed to open a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectOptions {
    /// Host name or address, several separated by commas, or the folder of a unix socket (starts with `/`).
    pub host: String,
    /// Port, also of the socket's file name.
    pub port: u16,
    /// Role to log in as.
    pub user: String,
    /// Its password, if one is needed.
    pub password: Option<Secret>,
    /// Database.
    pub dbname: String,
    /// Limit for each attempt to connect; none waits as long as the system does.
    pub connect_timeout: Option<Duration>,
    /// `set role` right after connecting; the text is sent as it is.
    pub role: Option<String>,
    /// `search_path` of the session.
    pub search_path: Option<String>,
    /// Seconds of silence before the first TCP keepalive; 0 leaves it to the system.
    pub keepalives_idle: u32,
    /// Encryption.
    pub sslmode: SslMode,
    /// Client certificate; by default `~/.postgresql/postgresql.crt` if that exists.
    pub sslcert: Option<PathBuf>,
    /// Its key; by default `~/.postgresql/postgresql.key`.
    pub sslkey: Option<PathBuf>,
    /// Trusted authorities; by default `~/.postgresql/root.crt` if that exists; `system` takes the system's.
    pub sslrootcert: Option<PathBuf>,
    /// Shown in `pg_stat_activity`.
    pub application_name: String,
    /// Further attempts after a failed one.
    pub retries: u32,
    /// Command-line options for the server (`-c name=value …`).
    pub options: Option<String>,
}

impl Default for ConnectOptions {
    fn default() -> Self {
        Self {
            host: "localhost".into(),
            port: 5432,
            user: String::new(),
            password: None,
            dbname: String::new(),
            connect_timeout: Some(Duration::from_secs(10)),
            role: None,
            search_path: None,
            keepalives_idle: 0,
            sslmode: SslMode::default(),
            sslcert: None,
            sslkey: None,
            sslrootcert: None,
            application_name: "tv1".into(),
            retries: 1,
            options: None,
        }
    }
}

/// libpq's settings: name, environment variable. Those without effect here are accepted and left aside.
const SETTINGS: &[(&str, &str)] = &[
    ("host", "PGHOST"),
    ("hostaddr", "PGHOSTADDR"),
    ("port", "PGPORT"),
    ("user", "PGUSER"),
    ("password", "PGPASSWORD"),
    ("passfile", "PGPASSFILE"),
    ("dbname", "PGDATABASE"),
    ("connect_timeout", "PGCONNECT_TIMEOUT"),
    ("application_name", "PGAPPNAME"),
    ("options", "PGOPTIONS"),
    ("sslmode", "PGSSLMODE"),
    ("sslcert", "PGSSLCERT"),
    ("sslkey", "PGSSLKEY"),
    ("sslrootcert", "PGSSLROOTCERT"),
    ("keepalives_idle", ""),
    ("keepalives", ""),
    ("keepalives_interval", ""),
    ("keepalives_count", ""),
    ("tcp_user_timeout", ""),
    ("fallback_application_name", ""),
    ("client_encoding", ""),
    ("channel_binding", ""),
    ("gssencmode", ""),
    ("krbsrvname", ""),
    ("sslcompression", ""),
    ("sslsni", ""),
    ("sslnegotiation", ""),
    ("target_session_attrs", ""),
    ("load_balance_hosts", ""),
];

pub(super) type Params = BTreeMap<&'static str, String>;

impl ConnectOptions {
    /// Reads `postgresql://…` or `host=… dbname=…`; what it leaves out comes from `PG*` and the password file.
    pub fn from_url(text: &str, env: Lookup<'_>) -> Result<Self, Diagnostic> {
        let params = match text.split_once("://") {
            Some((scheme, rest))
                if matches!(scheme.split('+').next(), Some("postgres" | "postgresql")) =>
            {
                url::parse(rest)?
            }
            _ => url::parse_pairs(text)?,
        };
        Self::resolve(params, env)
    }

    /// The server that `PG*` and the password file name; libpq's defaults for the rest.
    pub fn from_env(env: Lookup<'_>) -> Result<Self, Diagnostic> {
        Self::resolve(Params::new(), env)
    }

    /// Whether the environment names a server or a database at all.
    pub fn in_env(env: Lookup<'_>) -> bool {
        ["PGHOST", "PGHOSTADDR", "PGPORT", "PGDATABASE", "PGUSER"]
            .iter()
            .any(|name| env(name).is_some_and(|v| !v.is_empty()))
    }

    fn resolve(mut params: Params, env: Lookup<'_>) -> Result<Self, Diagnostic> {
        for (name, variable) in SETTINGS {
            if !variable.is_empty()
                && !params.contains_key(name)
                && let Some(value) = env(variable).filter(|v| !v.is_empty())
            {
                params.insert(name, value);
            }
        }
        let take = |name: &str| params.get(name).filter(|v| !v.is_empty()).cloned();
        let home = env("HOME").map(PathBuf::from);
        let port: u16 =
            match take("port") {
                None => 5432,
                Some(text) => text.parse().ok().filter(|p| *p > 0).ok_or_else(|| {
                    invalid(format!("port `{text}` is not a number from 1 to 65535"))
                })?,
            };
        let user = match take("user")
            .or_else(|| env("USER"))
            .or_else(|| env("LOGNAME"))
        {
            Some(user) => user,
            None => super::passwd::name_of(rustix::process::geteuid().as_raw())
                .ok_or_else(|| invalid("no user is named".into()))?,
        };
        let mut options = Self {
            host: take("hostaddr")
                .or_else(|| take("host"))
                .unwrap_or_else(|| usual_host(port)),
            port,
            dbname: take("dbname").unwrap_or_else(|| user.clone()),
            user,
            password: take("password").map(Secret),
            options: take("options"),
            sslcert: take("sslcert").map(PathBuf::from),
            sslkey: take("sslkey").map(PathBuf::from),
            sslrootcert: take("sslrootcert").map(PathBuf::from),
            ..Self::default()
        };
        if let Some(name) = take("application_name").or_else(|| take("fallback_application_name")) {
            options.application_name = name;
        }
        if let Some(mode) = take("sslmode") {
            options.sslmode = SslMode::parse(&mode).ok_or_else(|| {
                let names: Vec<&str> = SslMode::NAMES.iter().map(|(n, _)| *n).collect();
                invalid(format!("sslmode `{mode}` is not known"))
                    .note(format!("one of {}", names.join(", ")))
            })?;
        }
        if let Some(text) = take("connect_timeout") {
            let seconds = whole("connect_timeout", &text)?;
            options.connect_timeout = (seconds > 0).then(|| Duration::from_secs(seconds.into()));
        }
        if let Some(text) = take("keepalives_idle") {
            options.keepalives_idle = whole("keepalives_idle", &text)?;
        }
        if options.password.is_none() {
            let file = take("passfile")
                .map(PathBuf::from)
                .or_else(|| home.map(|h| h.join(".pgpass")));
            options.password = file.and_then(|f| passfile::find(&f, &options)).map(Secret);
        }
        Ok(options)
    }

    /// Whether the host is the folder of a unix socket.
    pub fn is_socket(&self) -> bool {
        self.host.starts_with('/')
    }

    /// As a URL that `psql` and other tools understand; with the password only if asked for.
    pub fn url(&self, with_password: bool) -> String {
        let password = match &self.password {
            Some(p) if with_password => format!(":{}", url::encode(p.expose())),
            _ => String::new(),
        };
        let user = url::encode(&self.user);
        let name = url::encode(&self.dbname);
        if self.is_socket() {
            let host = url::encode(&self.host);
            return format!(
                "postgresql://{user}{password}@/{name}?host={host}&port={}",
                self.port
            );
        }
        let host = if self.host.contains(':') {
            format!("[{}]", self.host)
        } else {
            url::encode(&self.host)
        };
        format!("postgresql://{user}{password}@{host}:{}/{name}", self.port)
    }
}

/// Where a server on this machine usually listens: a socket if there is one, else TCP.
fn usual_host(port: u16) -> String {
    ["/var/run/postgresql", "/run/postgresql", "/tmp"]
        .into_iter()
        .find(|dir| Path::new(dir).join(format!(".s.PGSQL.{port}")).exists())
        .unwrap_or("localhost")
        .to_owned()
}

pub(super) fn invalid(message: String) -> Diagnostic {
    Diagnostic::error(code::D0619, message)
        .help("write it as `postgresql://user:password@host:5432/database`")
}

fn whole(name: &str, text: &str) -> Result<u32, Diagnostic> {
    text.trim().parse().map_err(|_| {
        invalid(format!(
            "`{name}` is not a whole number of seconds: `{text}`"
        ))
    })
}

pub(super) fn setting(name: &str) -> Result<&'static str, Diagnostic> {
    let known = || SETTINGS.iter().map(|(n, _)| *n);
    known().find(|n| *n == name).ok_or_else(|| {
        let mut d = invalid(format!("the connection setting `{name}` is not known"));
        if let Some(near) = nearest(name, known()) {
            d = d.help(format!("a setting named `{near}` exists"));
        }
        d
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn none(_: &str) -> Option<String> {
        None
    }

    #[test]
    fn a_url_gives_every_part() {
        let o = ConnectOptions::from_url(
            "postgres://kim:p%40ss%2F@db.example:6543/shop?sslmode=verify-full&application_name=x&connect_timeout=3",
            &none,
        )
        .unwrap();
        assert_eq!((o.host.as_str(), o.port), ("db.example", 6543));
        assert_eq!((o.user.as_str(), o.dbname.as_str()), ("kim", "shop"));
        assert_eq!(o.password.as_ref().unwrap().expose(), "p@ss/");
        assert_eq!(o.sslmode, SslMode::VerifyFull);
        assert_eq!(o.application_name, "x");
        assert_eq!(o.connect_timeout, Some(Duration::from_secs(3)));
        assert!(!format!("{o:?}").contains("p@ss"));
        assert_eq!(o.url(false), "postgresql://kim@db.example:6543/shop");
    }

    #[test]
    fn sockets_and_addresses_in_urls() {
        let o =
            ConnectOptions::from_url("postgresql+psycopg2://kim@/shop?host=/tmp/x&port=7", &none)
                .unwrap();
        assert!(o.is_socket());
        assert_eq!((o.host.as_str(), o.port), ("/tmp/x", 7));
        let o = ConnectOptions::from_url("postgresql://%2Ftmp%2Fx/shop?user=kim", &none).unwrap();
        assert_eq!((o.host.as_str(), o.user.as_str()), ("/tmp/x", "kim"));
        let o = ConnectOptions::from_url("postgresql://kim@[::1]:7/shop", &none).unwrap();
        assert_eq!((o.host.as_str(), o.port), ("::1", 7));
        assert_eq!(o.url(false), "postgresql://kim@[::1]:7/shop");
    }

    #[test]
    fn pairs_with_quotes_and_the_environment_for_the_rest() {
        let env = |name: &str| match name {
            "PGUSER" => Some("lee".to_owned()),
            "PGPORT" => Some("99".to_owned()),
            "PGPASSWORD" => Some("env".to_owned()),
            _ => None,
        };
        let o =
            ConnectOptions::from_url(r"host = h dbname='my \'db\'' password=a\ b", &env).unwrap();
        assert_eq!(o.dbname, "my 'db'");
        assert_eq!((o.user.as_str(), o.port), ("lee", 99));
        assert_eq!(o.password.unwrap().expose(), "a b");
        let o = ConnectOptions::from_env(&env).unwrap();
        assert_eq!(o.dbname, "lee");
        assert!(ConnectOptions::in_env(&env));
        assert!(!ConnectOptions::in_env(&none));
    }

    #[test]
    fn errors_name_the_part_and_never_the_secret() {
        for (text, part) in [
            ("postgres://u:topsecret@h:70000/d", "port"),
            ("postgres://u:top%secret@h/d", "%"),
            ("postgres://u:topsecret@h/d?sslmod=require", "sslmod"),
            ("host=h password='topsecret", "no end"),
            ("topsecret", "neither"),
            ("postgres://u@h/d?sslmode=maybe", "maybe"),
            ("postgres://u@a,b/d", "more than one"),
        ] {
            let d = ConnectOptions::from_url(text, &none).unwrap_err();
            assert!(d.message.contains(part), "{text}: {}", d.message);
            assert!(!format!("{d:?}").contains("topsecret"), "{d:?}");
        }
    }

    proptest! {
        #[test]
        fn a_url_round_trips(user in "\\PC{1,12}", password in "\\PC{1,12}", name in "\\PC{1,12}", port in 1u16..) {
            let o = ConnectOptions {
                user, dbname: name, port, password: Some(Secret::new(password)), ..ConnectOptions::default()
            };
            prop_assert_eq!(&ConnectOptions::from_url(&o.url(true), &none).unwrap(), &o);
            let o = ConnectOptions { host: "/var/run/a b".into(), ..o };
            prop_assert_eq!(&ConnectOptions::from_url(&o.url(true), &none).unwrap(), &o);
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,40}") {
            let _ = ConnectOptions::from_url(&text, &none);
            let _ = ConnectOptions::from_url(&format!("postgres://{text}"), &none);
        }
    }
}
