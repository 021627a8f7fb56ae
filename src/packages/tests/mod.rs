//! Whole runs of `deps` against folders, repositories made with git, and a hub on loopback. Lock files and hashes
//! are those that dbt-core 1.10.23 wrote for the same entries.
mod remote;
mod runs;

use super::*;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

/// A hub: answers by path. Serves until the test ends.
struct FakeHub {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl FakeHub {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let answers = Self::answers(&url);
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = asked.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
                let first = lines.next().and_then(Result::ok).unwrap_or_default();
                for line in lines.by_ref() {
                    if line.is_ok_and(|l| l.is_empty()) {
                        break;
                    }
                }
                let path = first.split(' ').nth(1).unwrap_or_default().to_string();
                let (status, body) = match answers.get(&path) {
                    Some(body) => ("200 OK", body.as_slice()),
                    None => ("404 Not Found", &b"no"[..]),
                };
                seen.lock().unwrap().push(path);
                let head = format!(
                    "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                    body.len()
                );
                let _ = stream.write_all(head.as_bytes());
                let _ = stream.write_all(body);
            }
        });
        Self { url, asked }
    }

    fn answers(url: &str) -> BTreeMap<String, Vec<u8>> {
        let mut answers = BTreeMap::new();
        let mut index = Vec::new();
        let mut package = |name: &str, versions: &[(&str, &str, &str)], redirect: Option<&str>| {
            index.push(format!("acme/{name}"));
            let mut listed = serde_json::Map::new();
            for (version, needs, dbt) in versions {
                let path = format!("/tar/{name}-{version}.tar");
                let project = format!("name: {name}\nversion: {version}\n");
                let file = format!("{name}-{version}/dbt_project.yml");
                answers.insert(path.clone(), tarball::tests::archive(&[(&file, &project)]));
                let needs: serde_json::Value = serde_json::from_str(needs).unwrap();
                listed.insert(
                    (*version).to_string(),
                    serde_json::json!({
                        "name": name, "version": version, "packages": needs,
                        "require_dbt_version": if dbt.is_empty() { vec![] } else { dbt.split(',').collect() },
                        "downloads": {"tarball": format!("{}{}", url.trim_end_matches('/'), path)},
                    }),
                );
            }
            let json = serde_json::json!({
                "name": name, "namespace": "acme", "versions": listed, "redirectname": redirect,
            });
            answers.insert(
                format!("/api/v1/acme/{name}.json"),
                json.to_string().into_bytes(),
            );
        };
        let plain = |v| (v, "[]", "");
        package(
            "util",
            &["0.9.0", "1.0.0", "1.1.0", "1.1.1-rc1", "1.2.0-b1", "2.0.0"].map(plain),
            None,
        );
        let wide = r#"[{"package": "acme/util", "version": [">=1.0.0", "<2.0.0"]}]"#;
        let exact = r#"[{"package": "acme/util", "version": "1.0.0"}]"#;
        package("dep", &[("0.1.0", wide, ""), ("0.2.0", exact, "")], None);
        package("only_pre", &["0.1.0-a1", "0.1.0-b1"].map(plain), None);
        package(
            "newdbt",
            &[
                ("1.0.0", "[]", ">=1.0.0,<2.0.0"),
                ("2.0.0", "[]", ">=2.0.0,<3.0.0"),
            ],
            None,
        );
        package("renamed", &[plain("1.0.0")], Some("util"));
        let good = tarball::tests::archive(&[
            ("any-1/dbt_project.yml", "name: plain_tar\n"),
            (
                "any-1/packages.yml",
                "packages:\n  - package: acme/util\n    version: 1.0.0\n",
            ),
        ]);
        answers.insert("/tar/good.tar".into(), good);
        answers.insert(
            "/api/v1/index.json".into(),
            serde_json::to_vec(&index).unwrap(),
        );
        answers
    }
}

/// A folder with a project in it, and other folders beside it.
struct Case {
    folder: tempfile::TempDir,
    hub: FakeHub,
    vars: BTreeMap<String, String>,
}

#[derive(Default, Clone, Copy)]
struct Asked {
    upgrade: bool,
    lock_only: bool,
    dry_run: bool,
    no_version_check: bool,
}

impl Case {
    fn new(packages: &str) -> Self {
        let case = Self {
            folder: tempfile::tempdir().unwrap(),
            hub: FakeHub::new(),
            vars: BTreeMap::new(),
        };
        case.write("shop/dbt_project.yml", "name: shop\n");
        case.write("shop/packages.yml", packages);
        case
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    fn run(&self, asked: Asked, add: Option<Add>) -> (Vec<String>, Result<Summary>) {
        let env = |name: &str| match name {
            "DBT_PACKAGE_HUB_URL" => Some(self.hub.url.clone()),
            _ => None,
        };
        let options = Options {
            project_name: "shop".into(),
            install_path: "dbt_packages".into(),
            dbt_version: (!asked.no_version_check).then(|| "1.10.23".into()),
            upgrade: asked.upgrade,
            lock_only: asked.lock_only,
            add,
            dry_run: asked.dry_run,
            secrets: self.vars.values().cloned().collect(),
            env: &env,
        };
        let mut said = Vec::new();
        // Stands in for Jinja: `{{ NAME }}` is replaced by a variable.
        let render = |text: &str| {
            let all = self.vars.iter();
            let text = all.fold(text.to_string(), |t, (n, v)| {
                t.replace(&format!("{{{{ {n} }}}}"), v)
            });
            Ok(yaml::Kind::Str(text))
        };
        let result = deps(&self.path("shop"), &options, &render, &mut |s| match s {
            Say::Line(text) => said.push(text),
            Say::Warning { event, text } => said.push(format!("{event}: {text}")),
            Say::Updates(_) => {}
        });
        let shop = self.path("shop").display().to_string();
        let said = said
            .into_iter()
            .map(|l| l.replace(&shop, "SHOP").replace(&self.hub.url, "HUB/"))
            .collect();
        (said, result)
    }

    fn ok(&self) -> Vec<String> {
        let (said, result) = self.run(Asked::default(), None);
        result.unwrap();
        said
    }

    fn error(&self) -> String {
        let (_, result) = self.run(Asked::default(), None);
        let stopped = result.expect_err("an error");
        let text = stopped
            .to_string()
            .replace(&self.folder.path().display().to_string(), "FOLDER");
        let mut text = text.replace(&self.hub.url, "HUB/");
        // The length of the underlining depends on the folder's name.
        while text.contains("^^") || text.contains("---") {
            text = text.replace("^^", "^").replace("---", "--");
        }
        text
    }

    fn installed(&self) -> Vec<String> {
        let all = installed(&self.path("shop"), Path::new("dbt_packages")).unwrap();
        all.into_iter().map(|p| p.name).collect()
    }

    /// A repository with two commits: a tag `0.1.0` at the first, branches `main` and `feature/x` at the second.
    fn repository(&self) -> String {
        let at = self.path("repo");
        let git = |words: &[&str]| {
            let done = std::process::Command::new("git")
                .current_dir(&at)
                .args([
                    "-c",
                    "user.name=t",
                    "-c",
                    "user.email=t@t",
                    "-c",
                    "commit.gpgsign=false",
                ])
                .args(words)
                .output()
                .unwrap();
            assert!(
                done.status.success(),
                "{}",
                String::from_utf8_lossy(&done.stderr)
            );
            String::from_utf8(done.stdout).unwrap().trim().to_string()
        };
        self.write("repo/dbt_project.yml", "name: git_util\n");
        self.write("repo/sub/inner/dbt_project.yml", "name: git_inner\n");
        self.write("repo/sub/inner/macros/i.sql", "");
        git(&["init", "--quiet", "--initial-branch=main"]);
        git(&["add", "."]);
        git(&["commit", "--quiet", "-m", "one"]);
        git(&["tag", "-a", "0.1.0", "-m", "first"]);
        let first = git(&["rev-parse", "HEAD"]);
        self.write("repo/macros/two.sql", "");
        git(&["add", "."]);
        git(&["commit", "--quiet", "-m", "two"]);
        git(&["branch", "feature/x"]);
        first
    }

    fn leftovers(&self) -> Vec<String> {
        let names = std::fs::read_dir(self.path("shop")).unwrap();
        names
            .map(|e| e.unwrap().file_name().to_string_lossy().into_owned())
            .filter(|n| n.starts_with('.'))
            .collect()
    }
}
