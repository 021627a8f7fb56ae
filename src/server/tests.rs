//! The private server for real: each test has a project of its own and stops what it started.
use super::*;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

/// A project folder whose server is stopped and removed at the end, whatever happens.
struct Project {
    dir: tempfile::TempDir,
    cache: PathBuf,
}

impl Project {
    fn new() -> Self {
        let dir = tempfile::Builder::new()
            .prefix("tv1-server-")
            .tempdir_in("/tmp")
            .unwrap();
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        // Templates come from the user's own cache, the list of servers must not.
        let cache = dir.path().join("cache/tv1");
        let env = |name: &str| std::env::var(name).ok();
        std::fs::create_dir_all(&cache).unwrap();
        for entry in cache_folder(&env)
            .iter()
            .filter_map(|c| std::fs::read_dir(c).ok())
            .flatten()
            .flatten()
        {
            if entry.file_name().to_string_lossy().starts_with("cluster-1") {
                std::os::unix::fs::symlink(entry.path(), cache.join(entry.file_name())).unwrap();
            }
        }
        Self { dir, cache }
    }

    fn env(&self) -> impl Fn(&str) -> Option<String> {
        let base = self.cache.parent().unwrap().display().to_string();
        move |name| match name {
            "XDG_CACHE_HOME" => Some(base.clone()),
            _ => std::env::var(name).ok(),
        }
    }

    fn ensure(&self) -> Running {
        self.try_ensure(&Options::default())
            .unwrap_or_else(|d| panic!("{}", crate::diag::render(&d, false)))
    }

    fn try_ensure(&self, options: &Options) -> Result<Running, Diagnostic> {
        ensure(self.dir.path(), options, &self.env())
    }

    fn pid(&self) -> i32 {
        status(self.dir.path()).unwrap().pid.unwrap()
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        let _ = remove(self.dir.path());
    }
}

fn run(running: &Running, sql: &str) -> String {
    let mut s = Session::connect(&running.options).unwrap();
    let t = s.fetch(sql).unwrap();
    t.scalar()
        .and_then(crate::pg::Cell::text)
        .unwrap_or_default()
}

#[test]
fn made_started_reused_and_stopped() {
    let p = Project::new();
    let begin = Instant::now();
    assert!(status(p.dir.path()).unwrap().major.is_none());
    assert!(!stop(p.dir.path(), Mode::Fast).unwrap());
    let first = p.ensure();
    let cold = begin.elapsed();
    assert!(first.started && first.made && first.tcp.is_none());
    run(&first, "create table t as select 1 as i");
    let begin = Instant::now();
    let second = p.ensure();
    let reuse = begin.elapsed();
    assert!(!second.started && !second.made);
    assert_eq!(second.programs, first.programs);
    assert_eq!(run(&second, "select count(*) from t"), "1");
    let settings = "select string_agg(name || '=' || setting, ' ' order by name) from pg_settings where name in \
        ('fsync', 'synchronous_commit', 'wal_level', 'max_wal_senders', 'jit', 'listen_addresses', 'full_page_writes', \
         'TimeZone', 'server_encoding', 'max_wal_size')";
    assert_eq!(
        run(&second, settings),
        "TimeZone=UTC fsync=on full_page_writes=on jit=off listen_addresses= max_wal_senders=0 max_wal_size=4096 \
         server_encoding=UTF8 synchronous_commit=off wal_level=minimal"
    );
    assert_eq!(
        run(
            &second,
            "select string_agg(x, '' order by x) from unnest('{b,A,a,Z,æ}'::text[]) x"
        ),
        "AZabæ"
    );
    let s = status(p.dir.path()).unwrap();
    assert!(s.pid.is_some() && s.idle.is_some() && s.port.is_none());
    assert_eq!(s.major, Some(first.programs.major()));
    assert!(stop(p.dir.path(), Mode::Fast).unwrap());
    assert!(!stop(p.dir.path(), Mode::Fast).unwrap());
    assert!(status(p.dir.path()).unwrap().pid.is_none());
    let begin = Instant::now();
    let third = p.ensure();
    println!(
        "cold {cold:?}, reuse {reuse:?}, start {:?}",
        begin.elapsed()
    );
    assert!(third.started && !third.made);
    assert_eq!(run(&third, "select count(*) from t"), "1");
    match third.psql(&p.env()) {
        Ok(psql) => assert!(psql.is_file()),
        Err(d) => assert_eq!(
            (d.code, third.programs.source),
            (code::D0638, Source::Bundled)
        ),
    }
    assert!(remove(p.dir.path()).unwrap());
    assert!(!third.home.exists());
}

#[test]
fn a_killed_server_is_started_again_and_nothing_committed_is_lost() {
    let p = Project::new();
    let running = p.ensure();
    run(&running, "create table t as select 1 as i");
    run(&running, "checkpoint");
    let pid = p.pid();
    process::signal(pid, Signal::KILL).unwrap();
    let again = p.ensure();
    assert!(again.started && !again.made);
    assert_ne!(p.pid(), pid);
    assert_eq!(run(&again, "select count(*) from t"), "1");
    assert!(stop(p.dir.path(), Mode::Immediate).unwrap());
    assert!(p.ensure().started);
}

#[test]
fn a_stale_pid_file_that_names_a_living_process_does_not_stop_it() {
    let p = Project::new();
    let running = p.ensure();
    run(&running, "create table t as select 1 as i");
    run(&running, "checkpoint");
    let file = running.home.join("data/postmaster.pid");
    let home = Home::find(p.dir.path()).unwrap();
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("ready"));
    assert!(stop(p.dir.path(), Mode::Immediate).unwrap());
    // One of the server's own account, which PostgreSQL by itself takes for the old postmaster, and one of another's.
    let mut sleeper = home
        .account
        .command(Path::new("sleep"), Path::new("/"))
        .arg("600")
        .spawn()
        .unwrap();
    for pid in [sleeper.id(), 1] {
        let (_, rest) = text.split_once('\n').unwrap();
        for file in [file.clone(), running.home.join(".s.PGSQL.5432.lock")] {
            home.account
                .write(&file, &format!("{pid}\n{rest}"))
                .unwrap();
        }
        assert!(status(p.dir.path()).unwrap().pid.is_none());
        assert!(!stop(p.dir.path(), Mode::Fast).unwrap());
        let again = p.ensure();
        assert!(again.started);
        assert_eq!(run(&again, "select count(*) from t"), "1");
        assert!(stop(p.dir.path(), Mode::Fast).unwrap());
    }
    assert!(
        sleeper.try_wait().unwrap().is_none(),
        "the stranger was left alone"
    );
    sleeper.kill().unwrap();
    sleeper.wait().unwrap();
}

#[test]
fn several_at_once_start_one_server() {
    let p = Project::new();
    let all: Vec<Running> = std::thread::scope(|scope| {
        let starts: Vec<_> = (0..6).map(|_| scope.spawn(|| p.ensure())).collect();
        starts.into_iter().map(|s| s.join().unwrap()).collect()
    });
    assert_eq!(all.iter().filter(|r| r.started).count(), 1);
    assert_eq!(all.iter().filter(|r| r.made).count(), 1);
    assert_eq!(run(&all[5], "select current_database()"), "tv1");
    // Several that need a database which is not there yet.
    let options = Options {
        database: "other \"one\"".into(),
        port: None,
    };
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| p.try_ensure(&options).unwrap());
        }
    });
}

/// Not a test of its own: what the other process of the test below does.
#[test]
#[ignore = "run by another test in a process of its own"]
fn child_that_ensures() {
    let project = PathBuf::from(std::env::var("TV1_TEST_PROJECT").unwrap());
    let cache = std::env::var("TV1_TEST_CACHE").unwrap();
    let env = move |name: &str| match name {
        "XDG_CACHE_HOME" => Some(cache.clone()),
        _ => std::env::var(name).ok(),
    };
    ensure(&project, &Options::default(), &env).unwrap();
}

#[test]
fn processes_at_once_start_one_server_that_survives_them() {
    let p = Project::new();
    let spawn = || {
        Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "server::tests::child_that_ensures",
                "--ignored",
                "--nocapture",
            ])
            .env("TV1_TEST_PROJECT", p.dir.path())
            .env("TV1_TEST_CACHE", p.cache.parent().unwrap())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let children = [spawn(), spawn(), spawn()];
    for child in children {
        let out = child.wait_with_output().unwrap();
        let text = String::from_utf8_lossy(&out.stdout).into_owned();
        assert!(out.status.success(), "{text}");
        assert!(text.contains("1 passed"), "{text}");
    }
    let running = p.ensure();
    assert!(!running.started && !running.made);
    assert_eq!(run(&running, "select 1"), "1");
}

#[test]
fn an_unfinished_initdb_is_cleared_away() {
    let p = Project::new();
    let home = Home::find(p.dir.path()).unwrap();
    home.make().unwrap();
    std::fs::create_dir_all(home.dir.join("data.init/base")).unwrap();
    std::fs::write(home.dir.join("data.init/PG_VERSION"), "15\n").unwrap();
    let running = p.ensure();
    assert!(running.made);
    assert!(!home.dir.join("data.init").exists());
}

#[test]
fn without_a_template_initdb_makes_one() {
    let p = Project::new();
    for entry in std::fs::read_dir(&p.cache).unwrap() {
        std::fs::remove_file(entry.unwrap().path()).unwrap();
    }
    let begin = Instant::now();
    let running = p.ensure();
    println!("with initdb {:?}", begin.elapsed());
    assert!(running.made);
    assert_eq!(
        run(
            &running,
            "select datcollate from pg_database where datname = 'tv1'"
        ),
        "C.UTF-8"
    );
    let kept = std::fs::read_dir(&p.cache).unwrap().filter(|e| {
        e.as_ref()
            .unwrap()
            .file_name()
            .to_string_lossy()
            .starts_with("cluster-")
    });
    assert_eq!(kept.count(), 1);
}

#[test]
fn a_cluster_of_another_version_is_left_alone() {
    let p = Project::new();
    let running = p.ensure();
    stop(p.dir.path(), Mode::Fast).unwrap();
    let file = running.home.join("data/PG_VERSION");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, "11\n").unwrap();
    let d = p.try_ensure(&Options::default()).unwrap_err();
    assert_eq!(d.code, code::D0631);
    assert!(d.message.contains("PostgreSQL 11"), "{d:?}");
    std::fs::write(&file, text).unwrap();
    assert!(p.ensure().started);
}

#[test]
fn a_port_is_for_this_machine_and_wants_the_password() {
    let p = Project::new();
    assert!(p.ensure().tcp.is_none());
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let options = Options {
        port: Some(port),
        ..Options::default()
    };
    let running = p.try_ensure(&options).unwrap();
    assert!(running.started, "it had to start anew");
    let mut tcp = running.tcp.clone().unwrap();
    tcp.retries = 0;
    Session::connect(&tcp).unwrap();
    assert!(running.url().contains(&format!("@127.0.0.1:{port}/tv1")));
    let from_url = ConnectOptions::from_url(&running.url(), &|_| None).unwrap();
    Session::connect(&from_url).unwrap();
    for wrong in [None, Some(crate::pg::Secret::new("x"))] {
        tcp.password = wrong;
        assert!(Session::connect(&tcp).is_err());
    }
    let secret = running.home.join("password");
    assert_eq!(
        std::fs::metadata(&secret).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let password = std::fs::read_to_string(&secret).unwrap();
    let log = std::fs::read_to_string(running.home.join("log")).unwrap();
    assert!(!log.contains(password.trim()));
    assert_eq!(status(p.dir.path()).unwrap().port, Some(port));
    // Plain commands go on using it through the socket; with somebody at work it is not started anew.
    assert!(!p.ensure().started);
    let _session = Session::connect(&running.options).unwrap();
    let other = Options {
        port: Some(port.wrapping_add(1).max(1024)),
        ..Options::default()
    };
    assert!(
        p.try_ensure(&other)
            .unwrap_err()
            .message
            .contains(" are at work")
    );
}

#[test]
fn a_port_that_is_taken_is_named() {
    let p = Project::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let options = Options {
        port: Some(port),
        ..Options::default()
    };
    let d = p.try_ensure(&options).unwrap_err();
    assert_eq!(d.code, code::D0634);
    assert_eq!(
        d.help.unwrap(),
        format!("port {port} is taken: choose another")
    );
    assert!(p.ensure().started);
}

#[test]
fn idle_servers_are_stopped_busy_ones_are_not() {
    let p = Project::new();
    let running = p.ensure();
    let env = p.env();
    assert!(stop_idle(Duration::from_hours(1), &env).is_empty());
    let session = Session::connect(&running.options).unwrap();
    assert!(stop_idle(Duration::ZERO, &env).is_empty());
    drop(session);
    let begin = Instant::now();
    let mut stopped = Vec::new();
    // The server needs a moment to see that the session has gone.
    while stopped.is_empty() && begin.elapsed() < Duration::from_secs(10) {
        stopped = stop_idle(Duration::ZERO, &env);
    }
    assert_eq!(stopped, [running.home]);
    assert!(status(p.dir.path()).unwrap().pid.is_none());
    assert!(state::list(&p.cache).is_empty());
    assert!(p.ensure().started);
    assert_eq!(state::list(&p.cache).len(), 1);
}

#[test]
fn in_a_closed_folder_root_puts_it_elsewhere() {
    let p = Project::new();
    std::fs::set_permissions(p.dir.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
    let running = p.ensure();
    assert_eq!(run(&running, "select 1"), "1");
    if rustix::process::geteuid().is_root() {
        assert!(
            running.home.starts_with("/var/tmp/tv1-0"),
            "{}",
            running.home.display()
        );
        assert!(!p.dir.path().join(".tv1").exists());
    }
}

#[test]
fn the_servers_process_has_its_own_group_and_none_of_our_files() {
    let p = Project::new();
    let running = p.ensure();
    let pid = p.pid();
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let group = stat
        .rsplit(')')
        .next()
        .unwrap()
        .split_whitespace()
        .nth(2)
        .unwrap()
        .to_owned();
    assert_eq!(group, pid.to_string());
    let environment = std::fs::read_to_string(format!("/proc/{pid}/environ")).unwrap_or_default();
    assert!(
        environment.contains(&format!("HOME={}", running.home.display())),
        "{environment}"
    );
    let ours = p.dir.path().display().to_string();
    let open: Vec<String> = std::fs::read_dir(format!("/proc/{pid}/fd"))
        .unwrap()
        .flatten()
        .filter_map(|e| Some(std::fs::read_link(e.path()).ok()?.display().to_string()))
        .filter(|f| f.starts_with(&ours) && (f.ends_with("/lock") || f.ends_with("server.json")))
        .collect();
    assert!(open.is_empty(), "{open:?}");
}
