//! Packages from git, from the hub and from archives.
use super::*;

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
