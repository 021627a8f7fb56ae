use super::*;
use std::io::{Read, Write};
use std::net::TcpStream;

struct Small;

impl Site for Small {
    fn index(&self) -> Result<String, Fault> {
        Ok("<p>index".into())
    }
    fn report(&self, name: &str) -> Result<String, Fault> {
        if name == "overview" {
            Ok("<p>overview".into())
        } else {
            Err(Fault::Absent(format!("there is no report `{name}`")))
        }
    }
    fn docs(&self) -> Result<String, Fault> {
        Err(Fault::Broken("no docs".into()))
    }
    fn query(&self, question: &Question) -> Result<Value, Fault> {
        if question.metrics == ["slow"] {
            return Err(Fault::Slow("too slow".into()));
        }
        Ok(
            json!({"rows": [], "metrics": question.metrics, "first": question.filters.first().map(|f| f.values.clone())}),
        )
    }
}

/// Sends a request as it stands and gives status and the rest.
fn ask(address: SocketAddr, text: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream
        .write_all(text.replace('\n', "\r\n").as_bytes())
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    (answer[9..12].parse().unwrap(), answer)
}

fn post(host: &str, more: &str, body: &str) -> String {
    format!(
        "POST /api/query HTTP/1.1\nHost: {host}\nConnection: close\nContent-Length: {}\n{more}\n{body}",
        body.len()
    )
}

#[test]
fn only_this_machine_is_answered_and_only_known_things() {
    let listening = listen(0).unwrap();
    let address = listening.address;
    assert!(address.ip().is_loopback());
    let (off, stop) = switch();
    let server = std::thread::spawn(move || listening.run(Arc::new(Small), stop));
    let get = |path: &str, host: &str, more: &str| {
        ask(
            address,
            &format!("GET {path} HTTP/1.1\nHost: {host}\nConnection: close\n{more}\n"),
        )
    };

    let (status, text) = get("/", "localhost:1", "");
    assert_eq!(status, 200);
    assert!(text.ends_with("<p>index"));
    assert!(
        text.contains("x-frame-options: DENY")
            && text.contains("nosniff")
            && text.contains("no-store")
    );
    assert!(!text.to_lowercase().contains("access-control"));
    assert_eq!(get("/report/overview", "127.0.0.1", "").0, 200);
    assert_eq!(get("/report/overveiw", "127.0.0.1", "").0, 404);
    assert_eq!(get("/docs", "[::1]:80", "").0, 503);
    assert_eq!(get("/nothing", "127.0.0.1", "").0, 404);
    assert_eq!(get("/api/query", "127.0.0.1", "").0, 405);
    assert_eq!(get("/", "evil.example", "").0, 403);
    assert_eq!(get("/", "127.0.0.1.evil.example", "").0, 403);
    assert_eq!(
        get("/", "127.0.0.1", "Origin: http://evil.example\n").0,
        403
    );

    let json = "Content-Type: application/json\n";
    let body =
        r#"{"metrics":["sessions"],"filters":[{"dimension":"d","values":["x' or 1=1 --",null]}]}"#;
    let (status, text) = ask(address, &post("localhost", json, body));
    assert_eq!(status, 200);
    assert!(text.contains(r#""first":["x' or 1=1 --",null]"#), "{text}");
    assert_eq!(ask(address, &post("evil.example", json, body)).0, 403);
    assert_eq!(
        ask(
            address,
            &post("localhost", "Content-Type: text/plain\n", body)
        )
        .0,
        415
    );
    assert_eq!(ask(address, &post("localhost", json, "{")).0, 400);
    let (status, text) = ask(
        address,
        &post(
            "localhost",
            json,
            r#"{"metrics":["a"],"sql":"drop table x"}"#,
        ),
    );
    assert_eq!(status, 400);
    assert!(text.contains("unknown field `sql`"), "{text}");
    assert_eq!(
        ask(address, &post("localhost", json, r#"{"metrics":["slow"]}"#)).0,
        504
    );
    assert_eq!(
        ask(address, &post("localhost", json, &" ".repeat(LONGEST + 1))).0,
        413
    );

    off.send(()).unwrap();
    server.join().unwrap().unwrap();
}

#[test]
fn names_of_this_machine() {
    for host in [
        "127.0.0.1",
        "localhost",
        "LOCALHOST:8580",
        "[::1]",
        "[::1]:8580",
        "127.0.0.1:1",
    ] {
        assert!(guard::is_local(host), "{host}");
    }
    for host in [
        "",
        "example.org",
        "localhost.example.org",
        "[::1].example.org",
        "127.0.0.2",
        "0.0.0.0:80",
        "localhost@evil",
    ] {
        assert!(!guard::is_local(host), "{host}");
    }
}
