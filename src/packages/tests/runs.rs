//! Local packages, the lock file, what is installed, and what a failure leaves.
use super::*;

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
