//! Whole runs of `deps` against folders, repositories made with git, and a hub on loopback. Lock files and hashes
//! are those that dbt-core 1.10.23 wrote for the same entries.
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
        let stopped = result.err().expect("an error");
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

/// Left: a packages file. Right: the `sha1_hash` that dbt wrote for it.
#[test]
fn hashes_are_those_of_dbt() {
    for (text, want) in [
        (
            "- local: ../../src/loc_a",
            "07248fe44ae0f69e8ae26b074b5985984bb5b3a9",
        ),
        (
            "- local: ../../src/loc_a\n  name: foo",
            "4571883e94e8d230faccc129917ae4c6778cc109",
        ),
        (
            "- local: ../../src/with space é",
            "2c924f420e2b6d0f0ace1696947504e5afb84e29",
        ),
        (
            "- local: ../../src/loc_a\n- local: ../../src/loc_a",
            "7231322878e7192f93b2a10fdcfbee41bc870ef2",
        ),
        (
            "- git: file:///tmp/o/git/util.git\n  revision: 0.1.0",
            "9349532590c58a7f164f0037269e772055151260",
        ),
        (
            "- git: file:///tmp/o/git/util.git\n  revision: 0.5",
            "b6a63c7b2f90608a997721d5a5bd2933be37e6d5",
        ),
        (
            "- git: file:///tmp/o/git/util.git\n  revision: 1",
            "b8bdf4fbee6f8b46e5def21a392ed49bfaee75f0",
        ),
        (
            "- git: file:///tmp/o/git/util.git\n  warn-unpinned: false",
            "efd10a2bbce04aa0beb2f5dbf8b6cae6f05c4736",
        ),
        (
            "- git: file:///tmp/o/git/util.git\n  revision: feature/x\n  subdirectory: sub/inner",
            "3609b3344b3884409b9055f6c9aa76248b534261",
        ),
        (
            "- package: acme/util\n  version: [\">=1.0.0\", \"<2.0.0\"]\n- git: file:///tmp/o/git/util.git\n  revision: 0.1.0",
            "438de64e83e31385b06a75eef6f19ce2e54c94a2",
        ),
        (
            "- package: acme/util\n  version: [\">=1.0.0\", \"<2.0.0\"]\n  install_prerelease: true",
            "978992fb89a5bdb673c909e2365d00661ee65569",
        ),
        (
            "- package: acme/util\n  version: \"1.0.0\"",
            "f140e3a7f52da30d09a291914c23f294d58a7287",
        ),
    ] {
        let file = crate::text::SourceFile::new("packages.yml", format!("packages:\n{text}\n"));
        let entries = entry::read(&file, None).unwrap();
        assert_eq!(entry::hash(&entries), want, "{text}");
    }
    // What is hashed holds both the rendered value and the text as written.
    let file = crate::text::SourceFile::new(
        "packages.yml",
        "packages:\n- package: acme/util\n  version: \"{{ '1.0.0' }}\"\n",
    );
    let render = |text: &str| Ok(yaml::Kind::Str(text.replace("{{ '1.0.0' }}", "1.0.0")));
    let entries = entry::read(&file, Some(&render)).unwrap();
    assert_eq!(
        entry::hash(&entries),
        "95d5daf6d9a820507e8ce98d4949ba43b6a25be7"
    );
}

#[test]
fn a_local_package_is_linked_and_its_own_packages_come_too() {
    let case = Case::new("packages:\n  - local: ../loc_b\n");
    case.write("loc_a/dbt_project.yml", "name: loc_a\n");
    case.write("loc_b/dbt_project.yml", "name: loc_b\n");
    case.write("loc_b/packages.yml", "packages:\n  - local: ../loc_a\n");
    assert_eq!(
        case.ok(),
        [
            "Updating lock file in file path: SHOP/package-lock.yml",
            "Installing ../loc_b",
            "Installed from <local @ ../loc_b>",
            "Installing ../loc_a",
            "Installed from <local @ ../loc_a>",
        ]
    );
    let linked = case.path("shop/dbt_packages/loc_b").canonicalize().unwrap();
    assert_eq!(linked, case.path("loc_b").canonicalize().unwrap());
    assert_eq!(case.installed(), ["loc_a", "loc_b"]);
    assert!(case.read("shop/package-lock.yml").starts_with(
        "packages:\n  - local: ../loc_b\n    name: loc_b\n  - local: ../loc_a\n    name: loc_a\nsha1_hash: "
    ));
    // The second time the lock file fits.
    assert!(!case.ok().iter().any(|l| l.contains("lock file")));
}

#[test]
fn a_path_of_a_local_package_may_be_meant_from_its_own_folder() {
    let case = Case::new("packages:\n  - local: ../deep/er/one\n");
    case.write("deep/er/one/dbt_project.yml", "name: one\n");
    case.write(
        "deep/er/one/dependencies.yml",
        "packages:\n  - local: ../two\n",
    );
    case.write("deep/er/two/dbt_project.yml", "name: two\n");
    case.ok();
    assert_eq!(case.installed(), ["one", "two"]);
    assert!(
        case.read("shop/package-lock.yml")
            .contains("local: ../deep/er/two\n")
    );
}

#[test]
fn a_repository_is_installed_at_its_commit_without_its_history() {
    let case = Case::new("");
    let first = case.repository();
    let url = format!("file://{}", case.path("repo").display());
    case.write(
        "shop/packages.yml",
        &format!("packages:\n  - git: {url}\n    revision: 0.1.0\n"),
    );
    let said = case.ok();
    assert_eq!(
        said[1..],
        [
            format!("Installing {url}"),
            format!("Installed from revision {first}")
        ]
    );
    let lock = case.read("shop/package-lock.yml");
    assert!(lock.starts_with(&format!(
        "packages:\n  - git: {url}\n    name: git_util\n    revision: {first}\nsha1_hash: "
    )));
    let package = case.path("shop/dbt_packages/git_util");
    assert!(package.join("sub/inner").is_dir() && !package.join("macros/two.sql").exists());
    assert!(!package.join(".git").exists());
    // From the lock file alone.
    std::fs::remove_dir_all(case.path("shop/dbt_packages")).unwrap();
    assert_eq!(case.ok().len(), 2);
    assert_eq!(case.installed(), ["git_util"]);
}

#[test]
fn revisions_may_be_branches_and_short_commits_and_packages_lie_in_folders() {
    let case = Case::new("");
    let first = case.repository();
    let url = case.path("repo").display().to_string();
    for (revision, second) in [
        ("feature/x", true),
        (&first[..9], false),
        (first.as_str(), false),
    ] {
        case.write(
            "shop/packages.yml",
            &format!("packages:\n  - git: {url}\n    revision: {revision}\n"),
        );
        case.ok();
        let two = case.path("shop/dbt_packages/git_util/macros/two.sql");
        assert_eq!(two.exists(), second, "{revision}");
    }
    case.write(
        "shop/packages.yml",
        &format!("packages:\n  - git: {url}\n    revision: main\n    subdirectory: sub/inner\n  - git: {url}\n    revision: main\n"),
    );
    let said = case.ok().join("\n");
    assert!(
        said.contains(&format!(
            "Installing {url}/sub/inner\nInstalled from revision "
        )),
        "{said}"
    );
    assert!(said.contains("\n   and subdirectory sub/inner"), "{said}");
    assert_eq!(
        said.matches("is pinned to the \"main\" branch").count(),
        1,
        "{said}"
    );
    assert_eq!(case.installed(), ["git_inner", "git_util"]);
    assert!(
        case.path("shop/dbt_packages/git_inner/macros/i.sql")
            .is_file()
    );
}

#[test]
fn what_git_cannot_give_is_explained() {
    let case = Case::new("");
    case.repository();
    let url = format!("file://{}", case.path("repo").display());
    for (name, text) in [
        ("git_revision", format!("- git: {url}\n    revision: nope")),
        (
            "git_folder",
            format!("- git: {url}\n    revision: main\n    subdirectory: ../.."),
        ),
        (
            "git_conflict",
            format!("- git: {url}\n    revision: main\n  - git: {url}.git\n    revision: 0.1.0"),
        ),
        (
            "git_nowhere",
            format!("- git: {url}/none\n    revision: main"),
        ),
        (
            "git_option",
            "- git: --upload-pack=touch /tmp/x\n    revision: main".to_string(),
        ),
    ] {
        case.write("shop/packages.yml", &format!("packages:\n  {text}\n"));
        insta::assert_snapshot!(name, case.error());
    }
}

#[test]
fn the_hub_gives_the_highest_version_that_fits() {
    let chosen = |entry: &str, asked: Asked| {
        let case = Case::new(&format!("packages:\n  - package: acme/{entry}\n"));
        let (_, result) = case.run(
            Asked {
                lock_only: true,
                ..asked
            },
            None,
        );
        result.unwrap_or_else(|s| panic!("{entry}: {s}"));
        let lock = case.read("shop/package-lock.yml");
        let version = lock.split("version: ").nth(1).unwrap();
        version.lines().next().unwrap().to_string()
    };
    let any = Asked::default();
    assert_eq!(chosen("util\n    version: '>=1.0.0'", any), "2.0.0");
    assert_eq!(
        chosen("util\n    version: ['>=1.0.0', '<2.0.0']", any),
        "1.1.0"
    );
    assert_eq!(chosen("util\n    version: '>=1.0.0,<2.0.0'", any), "1.1.0");
    assert_eq!(
        chosen("util\n    version: ['>=1.1.0-a1', '<2.0.0']", any),
        "1.2.0-b1"
    );
    assert_eq!(chosen("util\n    version: 1.1.1-rc1", any), "1.1.1-rc1");
    assert_eq!(
        chosen(
            "util\n    version: ['>=1.0.0', '<2.0.0']\n    install_prerelease: true",
            any
        ),
        "1.2.0-b1"
    );
    assert_eq!(chosen("newdbt\n    version: '>=1.0.0'", any), "1.0.0");
    let unchecked = Asked {
        no_version_check: true,
        ..any
    };
    assert_eq!(chosen("newdbt\n    version: '>=1.0.0'", unchecked), "2.0.0");
}

#[test]
fn dependencies_of_packages_narrow_each_other() {
    let case = Case::new(
        "packages:\n  - package: acme/dep\n    version: '>0.1.0'\n  - package: acme/util\n    version: '>=0.9.0'\n",
    );
    assert_eq!(
        case.ok(),
        [
            "Updating lock file in file path: SHOP/package-lock.yml",
            "Installing acme/dep",
            "Installed from version 0.2.0",
            "Up to date!",
            "Installing acme/util",
            "Installed from version 1.0.0",
            "Updated version available: 2.0.0",
            "",
            "Updates available for packages: ['acme/util']\nUpdate your versions in packages.yml, then run tv1 deps",
        ]
    );
    assert_eq!(case.installed(), ["dep", "util"]);
    let asked = case.hub.asked.lock().unwrap().clone();
    let once: std::collections::BTreeSet<_> = asked.iter().collect();
    assert_eq!(asked.len(), once.len(), "asked twice: {asked:?}");
}

#[test]
fn what_the_hub_cannot_give_is_explained() {
    for (name, text) in [
        (
            "hub_conflict",
            "- package: acme/util\n    version: 2.0.0\n  - package: acme/dep\n    version: 0.1.0",
        ),
        ("hub_no_version", "- package: acme/util\n    version: 3.0.0"),
        (
            "hub_prerelease",
            "- package: acme/only_pre\n    version: '>=0.0.1'",
        ),
        (
            "hub_other_dbt",
            "- package: acme/newdbt\n    version: 2.0.0",
        ),
        ("hub_unknown", "- package: acme/utli\n    version: 1.0.0"),
        ("tarball_missing", "- tarball: HUBtar/none.tar\n    name: x"),
    ] {
        let case = Case::new("");
        let text = text.replace("HUB", &case.hub.url);
        case.write("shop/packages.yml", &format!("packages:\n  {text}\n"));
        insta::assert_snapshot!(name, case.error());
    }
}

#[test]
fn a_package_that_has_moved_is_named_once() {
    let case = Case::new("packages:\n  - package: acme/renamed\n    version: 1.0.0\n");
    let said = case.ok();
    let moved = said
        .iter()
        .filter(|l| l.starts_with("PackageRedirectDeprecation"));
    assert_eq!(moved.count(), 1, "{said:?}");
    assert_eq!(case.installed(), ["renamed"]);
}

#[test]
fn an_archive_is_installed_under_the_name_of_its_entry() {
    let case = Case::new("");
    let url = format!("{}tar/good.tar", case.hub.url);
    case.write(
        "shop/packages.yml",
        &format!("packages:\n  - tarball: {url}\n    name: mine\n"),
    );
    let said = case.ok();
    assert_eq!(
        said[1..3],
        [
            "Installing mine",
            "Installed from tarball (url: HUB/tar/good.tar)"
        ]
    );
    assert_eq!(case.installed(), ["mine", "util"]);
    let lock = case.read("shop/package-lock.yml");
    assert!(lock.starts_with(&format!(
        "packages:\n  - name: mine\n    tarball: {url}\n  - name: util\n"
    )));
}

#[test]
fn secrets_are_used_but_neither_shown_nor_locked() {
    let mut case = Case::new("");
    case.repository();
    let url = format!("file://{}/{{{{ SECRET }}}}", case.folder.path().display());
    case.vars.insert("SECRET".into(), "repo".into());
    case.write(
        "shop/packages.yml",
        &format!("packages:\n  - git: \"{url}\"\n    revision: 0.1.0\n"),
    );
    let said = case.ok().join("\n");
    assert!(
        said.contains("/*****\n") && !said.contains("/repo"),
        "{said}"
    );
    let lock = case.read("shop/package-lock.yml");
    assert!(
        lock.contains("/{{ SECRET }}") && !lock.contains("/repo"),
        "{lock}"
    );
    case.ok();
    case.write(
        "shop/packages.yml",
        &format!("packages:\n  - git: \"{url}\"\n    revision: nope\n"),
    );
    assert!(!case.error().contains("/repo"));
}

#[test]
fn a_failed_run_leaves_everything_as_it_was() {
    let case = Case::new("packages:\n  - package: acme/util\n    version: 1.0.0\n");
    case.ok();
    let lock = case.read("shop/package-lock.yml");
    case.write("loc_a/dbt_project.yml", "name: loc_a\n");
    let bad = "packages:\n  - local: ../loc_a\n  - package: acme/util\n    version: 1.0.0\n  - tarball: HUBtar/none.tar\n    name: x\n";
    case.write("shop/packages.yml", &bad.replace("HUB", &case.hub.url));
    case.error();
    assert_eq!(case.installed(), ["util"]);
    assert_eq!(case.read("shop/package-lock.yml"), lock);
    // Also when the lock file names what is gone, so that gathering begins and breaks off.
    let gone = "packages:\n  - local: ../loc_a\n    name: loc_a\n  - local: ../gone\n    name: gone\nsha1_hash: 07248fe44ae0f69e8ae26b074b5985984bb5b3a9\n";
    case.write("shop/package-lock.yml", gone);
    case.write(
        "shop/packages.yml",
        "packages:\n  - local: ../../src/loc_a\n",
    );
    assert!(case.error().contains("there is no folder `../gone`"));
    assert_eq!(case.installed(), ["util"]);
    assert!(case.leftovers().is_empty(), "{:?}", case.leftovers());
    // And a package that is added is not written into the file.
    let add = Add {
        name: "acme/none".into(),
        version: Some("1.0.0".into()),
        origin: Origin::Hub,
    };
    let before = case.read("shop/packages.yml");
    assert!(case.run(Asked::default(), Some(add)).1.is_err());
    assert_eq!(case.read("shop/packages.yml"), before);
}

#[test]
fn packages_that_are_no_longer_listed_go() {
    let case = Case::new("packages:\n  - package: acme/util\n    version: 1.0.0\n");
    case.ok();
    case.write(
        "shop/packages.yml",
        "packages:\n  - package: acme/newdbt\n    version: 1.0.0\n",
    );
    case.ok();
    assert_eq!(case.installed(), ["newdbt"]);
    assert!(case.leftovers().is_empty());
}

#[test]
fn the_lock_file_rules_until_it_no_longer_fits() {
    let case = Case::new("packages:\n  - package: acme/util\n    version: ['>=1.0.0', '<2.0.0']\n");
    case.ok();
    let lock = case.read("shop/package-lock.yml");
    case.write("shop/package-lock.yml", &lock.replace("1.1.0", "1.0.0"));
    assert!(
        case.ok()
            .contains(&"Installed from version 1.0.0".to_string())
    );
    let up = Asked {
        upgrade: true,
        ..Asked::default()
    };
    let (said, result) = case.run(up, None);
    assert!(
        result.unwrap().lock_written && said.contains(&"Installed from version 1.1.0".to_string())
    );
    assert_eq!(case.read("shop/package-lock.yml"), lock);
    let only = Asked {
        lock_only: true,
        ..Asked::default()
    };
    assert_eq!(
        case.run(only, None).0,
        ["Lock file is up to date: SHOP/package-lock.yml"]
    );
    case.write("shop/package-lock.yml", "packages: [");
    assert!(case.error().contains("--upgrade"));
    case.run(up, None).1.unwrap();
    assert_eq!(case.read("shop/package-lock.yml"), lock);
}

#[test]
fn a_dry_run_changes_nothing() {
    let case = Case::new("packages:\n  - package: acme/dep\n    version: 0.1.0\n");
    let dry = Asked {
        dry_run: true,
        ..Asked::default()
    };
    let (said, result) = case.run(dry, None);
    result.unwrap();
    assert_eq!(
        said,
        [
            "Would write package-lock.yml",
            "Would install acme/dep as dep from version 0.1.0",
            "Would install acme/util as util from version 1.1.0",
        ]
    );
    assert!(
        !case.path("shop/dbt_packages").exists() && !case.path("shop/package-lock.yml").exists()
    );
}

#[test]
fn names_must_be_unique() {
    let case = Case::new("packages:\n  - local: ../a\n  - local: ../b\n");
    case.write("a/dbt_project.yml", "name: same\n");
    case.write("b/dbt_project.yml", "name: same\n");
    assert!(case.error().contains("found duplicate project `same`"));
    case.write("b/dbt_project.yml", "name: shop\n");
    assert!(case.error().contains("same name as the root project"));
    case.write("b/dbt_project.yml", "name: ../../evil\n");
    assert!(
        case.error()
            .contains("is not a name that a project can have")
    );
}

#[test]
fn files_that_cannot_be_read_are_explained() {
    for (name, text) in [
        (
            "unknown_key",
            "packages:\n  - package: acme/util\n    versoin: 1.0.0\n    local: x\n",
        ),
        ("no_kind", "packages:\n  - packge: acme/util\n  - gti: x\n"),
        (
            "bad_version",
            "packages:\n  - package: acme/util\n    version: v1\n  - package: util\n    version: 1.0.0\n",
        ),
        ("private", "packages:\n  - private: acme/util\n"),
        ("projects", "projects:\n  - name: x\n"),
        ("not_a_list", "packages: {a: b}\n"),
    ] {
        let case = Case::new(text);
        insta::assert_snapshot!(name, case.error());
    }
    let both = Case::new("packages:\n  - local: a\n");
    both.write("shop/dependencies.yml", "packages:\n  - local: b\n");
    assert!(
        both.error()
            .contains("both packages.yml and dependencies.yml")
    );
}

#[test]
fn nothing_listed_is_said() {
    let case = Case::new("packages: []\n");
    assert_eq!(
        case.ok(),
        ["DepsNoPackagesFound: No packages were found in packages.yml"]
    );
    assert!(case.path("shop/dbt_packages").is_dir());
    assert!(!case.path("shop/package-lock.yml").exists());
}

#[test]
fn other_commands_check_what_is_installed() {
    let case = Case::new("packages:\n  - local: ../a\n  - local: ../b\n");
    case.write("a/dbt_project.yml", "name: a\n");
    let render = |text: &str| Ok(yaml::Kind::Str(text.to_string()));
    let check = || check_installed(&case.path("shop"), Path::new("dbt_packages"), &render);
    insta::assert_snapshot!("not_installed", check().unwrap_err().to_string());
    case.write("shop/dbt_packages/a/dbt_project.yml", "name: a\n");
    case.write("shop/dbt_packages/b/project.yml", "name: b\n");
    case.write("shop/dbt_packages/__cache/x", "");
    case.write("shop/dbt_packages/.hidden/x", "");
    case.write("shop/dbt_packages/file.txt", "");
    let names: Vec<String> = check().unwrap().into_iter().map(|p| p.name).collect();
    assert_eq!(names, ["a", "b"]);
    case.write("shop/dbt_packages/junk/x", "");
    assert_eq!(check().unwrap_err().0[0].code, code::K0908);
}

#[test]
fn a_package_is_added_and_installed() {
    let case = Case::new("# ours\npackages:\n  - package: acme/util\n    version: 1.0.0\n");
    let add = Add {
        name: "acme/dep".into(),
        version: Some("0.1.0".into()),
        origin: Origin::Hub,
    };
    let (said, result) = case.run(Asked::default(), Some(add));
    assert_eq!(result.unwrap().updates, ["acme/util", "acme/dep"]);
    assert_eq!(
        said[0],
        "Added new package acme/dep@0.1.0 to SHOP/packages.yml"
    );
    assert_eq!(
        case.read("shop/packages.yml"),
        "# ours\npackages:\n  - package: acme/util\n    version: 1.0.0\n  - package: acme/dep\n    version: 0.1.0\n"
    );
    assert_eq!(case.installed(), ["dep", "util"]);
    assert!(!case.ok().iter().any(|l| l.contains("lock file")));
}
