//! TCP, passwords, encryption, and every way not to get in.
use super::*;
use crate::server::scratch::Setup;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, IsCa, Issuer,
    KeyPair,
};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A server on TCP with passwords, certificates and encryption.
struct Secure {
    server: scratch::Scratch,
    files: tempfile::TempDir,
    port: u16,
}

fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

impl Secure {
    /// None if this PostgreSQL cannot encrypt, as the one that tv1 carries.
    fn start() -> Option<Self> {
        let files = tempfile::tempdir().unwrap();
        let mut ca = named("Test authority");
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca = CertifiedIssuer::self_signed(ca, KeyPair::generate().unwrap()).unwrap();
        let sign = |params: CertificateParams, by: &Issuer<'_, KeyPair>| {
            let key = KeyPair::generate().unwrap();
            (
                params.signed_by(&key, by).unwrap().pem(),
                key.serialize_pem(),
            )
        };
        let (cert, key) = sign(named("localhost"), &ca);
        let (client_cert, client_key) = sign(named("certified"), &ca);
        for (name, text) in [
            ("root.crt", ca.as_ref().pem()),
            ("server.crt", cert.clone()),
            ("client.crt", client_cert),
            ("client.key", client_key),
        ] {
            let file = files.path().join(name);
            std::fs::write(&file, text).unwrap();
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        }
        let port = free_port();
        let launched = scratch::launch(&Setup {
            port: Some(port),
            settings: vec!["listen_addresses=127.0.0.1".into(), "ssl=on".into(), "ssl_ca_file=root.crt".into()],
            hba: Some(
                "local all all trust\nhostssl all certified all cert\nhostssl all secure all scram-sha-256\n\
                 hostnossl all plain all md5\nhost all pass all scram-sha-256\n"
                    .into(),
            ),
            files: vec![
                ("server.crt".into(), cert),
                ("server.key".into(), key),
                ("root.crt".into(), ca.as_ref().pem()),
            ],
        });
        let server = match launched {
            Err(e) if e.contains("SSL is not supported by this build") => return None,
            other => other.unwrap(),
        };
        Session::connect(server.options())
            .unwrap()
            .execute(
                "create role certified login; create role secure login password 's3cret'; create role pass login \
                 password 's3cret'; set password_encryption = 'md5'; create role plain login password 's3cret'",
            )
            .unwrap();
        Some(Self {
            server,
            files,
            port,
        })
    }

    fn file(&self, name: &str) -> Option<PathBuf> {
        Some(self.files.path().join(name))
    }

    fn login(&self, user: &str, sslmode: SslMode) -> ConnectOptions {
        ConnectOptions {
            host: "localhost".into(),
            port: self.port,
            user: user.into(),
            dbname: "postgres".into(),
            password: Some(Secret::new("s3cret")),
            sslmode,
            retries: 0,
            ..ConnectOptions::default()
        }
    }
}

fn encrypted(options: &ConnectOptions) -> Result<bool, String> {
    let mut s = Session::connect(options).map_err(|e| e.to_string())?;
    let t = s
        .fetch("select ssl from pg_catalog.pg_stat_ssl where pid = pg_backend_pid()")
        .map_err(|e| e.to_string())?;
    assert_eq!(t.rows[0][0], Cell::Bool(s.is_encrypted()));
    Ok(s.is_encrypted())
}

#[test]
fn encryption_and_passwords_follow_libpq() {
    let Some(secure) = Secure::start() else {
        return;
    };
    modes(&secure);
    verification(&secure);
    client_certificates(&secure);
    refusals(&secure);
    cancelling_goes_the_same_way(&secure);
}

fn modes(secure: &Secure) {
    use SslMode::{Allow, Disable, Prefer, Require};
    for (user, mode, expected) in [
        ("pass", Disable, Ok(false)),
        ("pass", Allow, Ok(false)),
        ("pass", Prefer, Ok(true)),
        ("pass", Require, Ok(true)),
        ("secure", Allow, Ok(true)),
        ("secure", Prefer, Ok(true)),
        ("secure", Disable, Err("no pg_hba.conf entry")),
        ("plain", Prefer, Ok(false)),
        ("plain", Disable, Ok(false)),
        ("plain", Require, Err("no pg_hba.conf entry")),
    ] {
        match (encrypted(&secure.login(user, mode)), expected) {
            (Ok(got), Ok(wanted)) => assert_eq!(got, wanted, "{user} {mode:?}"),
            (Err(e), Err(part)) => assert!(e.contains(part), "{user} {mode:?}: {e}"),
            (got, _) => panic!("{user} {mode:?}: {got:?}"),
        }
    }
    // The socket of the same server is never encrypted, whatever the mode.
    let mut socket = secure.server.options().clone();
    socket.sslmode = SslMode::VerifyFull;
    assert_eq!(encrypted(&socket), Ok(false));
}

fn verification(secure: &Secure) {
    let mut o = secure.login("pass", SslMode::VerifyFull);
    o.sslrootcert = secure.file("root.crt");
    assert_eq!(encrypted(&o), Ok(true), "by common name");
    o.sslrootcert = secure.file("server.crt");
    assert_eq!(encrypted(&o), Ok(true), "trusted as it stands");
    o.host = "127.0.0.1".into();
    assert!(encrypted(&o).unwrap_err().contains("certificate"));
    o.sslmode = SslMode::VerifyCa;
    assert_eq!(encrypted(&o), Ok(true));
    o.sslrootcert = secure.file("client.crt");
    assert!(encrypted(&o).is_err());
    o.sslmode = SslMode::Require;
    assert!(
        encrypted(&o).is_err(),
        "a root certificate makes `require` check"
    );
    o.sslrootcert = secure.file("nope.crt");
    assert_eq!(encrypted(&o), Ok(true));
    o.sslmode = SslMode::VerifyCa;
    assert!(
        encrypted(&o)
            .unwrap_err()
            .contains("nope.crt\" does not exist")
    );
}

fn client_certificates(secure: &Secure) {
    let mut o = secure.login("certified", SslMode::Require);
    let e = Session::connect(&o).unwrap_err();
    assert!(e.message.contains("certificate"), "{e}");
    o.sslcert = secure.file("client.crt");
    o.sslkey = secure.file("client.key");
    assert_eq!(encrypted(&o), Ok(true));
    let key = o.sslkey.clone().unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert!(encrypted(&o).unwrap_err().contains("group or world access"));
}

fn refusals(secure: &Secure) {
    let mut o = secure.login("pass", SslMode::Prefer);
    o.password = Some(Secret::new("wrong"));
    o.retries = 3;
    let begin = Instant::now();
    let e = Session::connect(&o).unwrap_err();
    assert!(
        begin.elapsed() < Duration::from_secs(3),
        "a wrong password is not tried again"
    );
    let port = secure.port;
    let expected = format!(
        "connection to server at \"localhost\" (127.0.0.1), port {port} failed: FATAL:  password authentication failed \
         for user \"pass\""
    );
    assert_eq!(e.to_string(), expected);
    assert_eq!(
        (e.kind, e.sqlstate.as_str()),
        (PgErrorKind::Connect, "28P01")
    );
    o.password = None;
    let e = Session::connect(&o).unwrap_err();
    assert!(
        e.message.ends_with("fe_sendauth: no password supplied"),
        "{e}"
    );
    assert_eq!(e.diagnostic(None, Some(&o)).code.0, "D0603");
    o.password = Some(Secret::new("s3cret"));
    o.dbname = "nope".into();
    let e = Session::connect(&o).unwrap_err();
    assert!(
        e.message
            .ends_with("FATAL:  database \"nope\" does not exist"),
        "{e}"
    );
}

fn cancelling_goes_the_same_way(secure: &Secure) {
    let mut s = Session::connect(&secure.login("secure", SslMode::Require)).unwrap();
    let handle = s.cancel_handle();
    let canceller = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(200));
        handle.cancel()
    });
    assert_eq!(
        s.execute("select pg_sleep(60)").unwrap_err().sqlstate,
        "57014"
    );
    canceller.join().unwrap().unwrap();
}

#[test]
fn nobody_there() {
    let o = |host: &str, port| ConnectOptions {
        host: host.into(),
        port,
        user: "x".into(),
        dbname: "x".into(),
        connect_timeout: Some(Duration::from_millis(300)),
        retries: 1,
        ..ConnectOptions::default()
    };
    let port = free_port();
    let e = Session::connect(&o("127.0.0.1", port)).unwrap_err();
    assert_eq!(
        e.to_string(),
        format!(
            "connection to server at \"127.0.0.1\", port {port} failed: Connection refused\n\tIs the server running on \
             that host and accepting TCP/IP connections?"
        )
    );
    let e = Session::connect(&o("/nowhere", 5432)).unwrap_err();
    assert_eq!(
        e.to_string(),
        "connection to server on socket \"/nowhere/.s.PGSQL.5432\" failed: No such file or directory\n\tIs the server \
         running locally and accepting connections on that socket?"
    );
    let e = Session::connect(&o("no-such-host.invalid", 5432)).unwrap_err();
    assert!(
        e.message
            .starts_with("could not translate host name \"no-such-host.invalid\" to address: "),
        "{e}"
    );
    // It accepts and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let begin = Instant::now();
    let e = Session::connect(&o("127.0.0.1", silent.local_addr().unwrap().port())).unwrap_err();
    assert!(e.message.ends_with("failed: timeout expired"), "{e}");
    assert!(begin.elapsed() < Duration::from_secs(5));
    assert_eq!(e.kind, PgErrorKind::Connect);
    assert!(e.is_transient());
    // The second of two hosts is good.
    let good = scratch::server().options();
    let mut both = good.clone();
    both.host = format!("/nowhere,{}", good.host);
    Session::connect(&both).unwrap();
    assert!(Path::new(&good.host).is_dir());
}

/// Passes bytes on between a client and the scratch server, and ends the connection after `limit` bytes of answers.
fn cutting_proxy(limit: usize) -> u16 {
    use std::io::{Read, Write};
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let good = scratch::server().options();
    let socket = format!("{}/.s.PGSQL.{}", good.host, good.port);
    std::thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        let mut server = std::os::unix::net::UnixStream::connect(socket).unwrap();
        let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
        std::thread::spawn(move || std::io::copy(&mut from, &mut to));
        let (mut left, mut buffer) = (limit, [0; 4096]);
        while left > 0 {
            let n = server.read(&mut buffer).unwrap_or(0).min(left);
            if n == 0 || client.write_all(&buffer[..n]).is_err() {
                break;
            }
            left -= n;
        }
        let _ = client.shutdown(std::net::Shutdown::Both);
        let _ = server.shutdown(std::net::Shutdown::Both);
    });
    port
}

#[test]
fn a_connection_cut_anywhere_is_an_error_and_never_a_wait() {
    let mut kinds = std::collections::BTreeSet::new();
    for limit in [
        1, 2, 9, 40, 200, 300, 395, 420, 450, 480, 520, 600, 3_000, 60_000,
    ] {
        let options = ConnectOptions {
            host: "127.0.0.1".into(),
            port: cutting_proxy(limit),
            sslmode: SslMode::Disable,
            retries: 0,
            connect_timeout: Some(Duration::from_secs(20)),
            ..scratch::server().options().clone()
        };
        let e = match Session::connect(&options) {
            Err(e) => {
                assert_eq!(e.kind, PgErrorKind::Connect, "{limit}: {e}");
                assert!(
                    e.message
                        .contains("server closed the connection unexpectedly"),
                    "{limit}: {e}"
                );
                e
            }
            Ok(mut s) => {
                let e = s
                    .fetch("select repeat('x', 100) from generate_series(1, 10000)")
                    .unwrap_err();
                assert_eq!(e.kind, PgErrorKind::Closed, "{limit}: {e}");
                assert!(s.is_closed());
                assert_eq!(s.execute("select 1").unwrap_err().kind, PgErrorKind::Closed);
                e
            }
        };
        assert!(e.is_transient());
        kinds.insert(format!("{:?}", e.kind));
    }
    assert_eq!(kinds.len(), 2, "both ways were tried: {kinds:?}");
}

#[test]
fn sessions_may_move_between_threads() {
    fn moves<T: Send>() {}
    fn is_shared<T: Send + Sync>() {}
    moves::<Session>();
    is_shared::<CancelHandle>();
    is_shared::<PgError>();
}
