use super::*;
use crate::text::SourceFile;
use std::path::Path;

fn names(answers: &[&str], name: Option<&str>, quiet: bool) -> crate::diag::Result<Answers> {
    let mut left = answers.iter();
    interview(name, quiet, &mut |_| left.next().map(|a| (*a).to_string()))
}

#[test]
fn names_of_projects_are_those_that_dbt_takes() {
    for good in ["shop", "_x", "Shop_2", "æble"] {
        assert_eq!(valid_name(good), Ok(()));
    }
    for bad in [
        "", "2shop", "my shop", "my-shop", "target", "ref", "../x", "a/b",
    ] {
        assert!(valid_name(bad).is_err(), "{bad}");
    }
    let said = names(&[], Some("my-shop"), true).unwrap_err();
    assert_eq!(
        said.0[0].help.as_deref(),
        Some("for example `tv1 init my_shop`")
    );
}

#[test]
fn questions_are_asked_until_the_answers_will_do() {
    assert_eq!(
        names(&["bad name", "shop"], None, true).unwrap().name,
        "shop"
    );
    assert!(names(&["bad name"], None, true).is_err());
    assert_eq!(names(&[], Some("shop"), false).unwrap().connection, None);
    assert_eq!(names(&[""], Some("shop"), false).unwrap().connection, None);
    let asked = names(
        &["3", "2", "", "x", "5433", "", "me", "db", "", "8"],
        Some("shop"),
        false,
    )
    .unwrap();
    let connection = asked.connection.unwrap();
    assert_eq!(
        (connection.host.as_str(), connection.port),
        ("localhost", 5433)
    );
    assert_eq!(
        (
            connection.user.as_str(),
            connection.schema.as_str(),
            connection.threads
        ),
        ("me", "dev", 8)
    );
    let mut problems = Vec::new();
    let mut left = ["x", "2", "h", "0", "1", "u", "d", "s", "1"].iter();
    interview(Some("shop"), false, &mut |q| {
        problems.extend(q.problem.map(str::to_string));
        left.next().map(|a| (*a).to_string())
    })
    .unwrap();
    assert_eq!(
        problems,
        ["answer 1 or 2", "`0` is not a number from 1 to 65535"]
    );
}

#[test]
fn a_profile_reads_back_as_it_was_meant() {
    let connection = Connection {
        host: "on: host".into(),
        port: 5432,
        user: "123".into(),
        dbname: "no".into(),
        schema: "it's".into(),
        threads: 2,
    };
    let document = crate::yaml::load_text("profiles.yml", &profile("shop", &connection)).unwrap();
    let dev = document
        .root
        .get("shop")
        .and_then(|s| s.get("outputs"))
        .and_then(|o| o.get("dev"))
        .unwrap();
    let text = |key: &str| {
        dev.get(key)
            .and_then(crate::yaml::Node::as_str)
            .map(str::to_string)
    };
    assert_eq!(text("host").as_deref(), Some("on: host"));
    assert_eq!(text("user").as_deref(), Some("123"));
    assert_eq!(text("dbname").as_deref(), Some("no"));
    assert_eq!(text("schema").as_deref(), Some("it's"));
    assert_eq!(
        text("password").as_deref(),
        Some("{{ env_var('PGPASSWORD', '') }}")
    );
}

#[test]
fn the_starter_has_a_project_data_models_and_tests() {
    let answers = Answers {
        name: "shop".into(),
        connection: None,
    };
    let files = starter(&answers);
    let paths: Vec<String> = files.iter().map(|f| f.path.display().to_string()).collect();
    assert_eq!(
        paths,
        [
            ".gitignore",
            "README.md",
            "models/marts/sales_by_day.sql",
            "models/schema.yml",
            "models/staging/stg_customers.sql",
            "models/staging/stg_orders.sql",
            "project.yml",
            "seeds/countries.csv",
            "simulations/customers.yml",
            "simulations/orders.yml",
            "tests/revenue_equals_orders.sql",
        ]
    );
    for file in &files {
        assert!(
            !file.text.contains("__name__") && file.text.ends_with('\n'),
            "{:?}",
            file.path
        );
        if file.path.extension().is_some_and(|e| e == "yml") {
            let source = SourceFile::new(file.path.display().to_string(), file.text.clone());
            let document = crate::yaml::load(&source).unwrap();
            assert!(document.warnings.is_empty() && document.root.is_map());
        }
    }
}

#[test]
fn a_project_is_written_whole_and_never_over_another() {
    let folder = tempfile::tempdir().unwrap();
    let files = starter(&Answers {
        name: "shop".into(),
        connection: None,
    });
    let at = folder.path().join("shop");
    std::fs::create_dir(&at).unwrap();
    write(&at, &files).unwrap();
    assert!(at.join("models/staging/stg_orders.sql").is_file());
    std::fs::write(at.join("README.md"), "mine").unwrap();
    let again = write(&at, &files).unwrap_err();
    assert!(again.0[0].message.ends_with("already exists"));
    assert_eq!(
        std::fs::read_to_string(at.join("README.md")).unwrap(),
        "mine"
    );
    let left = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(left, 1, "nothing but the project");
}

fn clean(
    root: &Path,
    targets: &[&str],
    project_files_only: bool,
) -> crate::diag::Result<Vec<String>> {
    let targets: Vec<String> = targets.iter().map(|t| (*t).to_string()).collect();
    let sources = ["models".to_string(), "src/seeds".to_string()];
    let rules = CleanRules {
        root,
        targets: &targets,
        sources: &sources,
        project_files_only,
        file: None,
    };
    let root = root.canonicalize().unwrap();
    clean_targets(&rules).map(|all| {
        all.iter()
            .map(|p| p.strip_prefix(&root).unwrap_or(p).display().to_string())
            .collect()
    })
}

#[test]
fn clean_takes_what_lies_in_the_project_and_is_no_source() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("shop");
    std::fs::create_dir_all(root.join("models/sub")).unwrap();
    let fine = clean(
        &root,
        &[
            "target",
            "./target/",
            "dbt_packages",
            "models/sub",
            "nope/x/..",
        ],
        true,
    );
    assert_eq!(
        fine.unwrap(),
        ["dbt_packages", "models/sub", "nope", "target"]
    );
    for bad in [
        "models",
        "models/",
        "target/../models",
        ".",
        "src",
        "models/sub/..",
    ] {
        let said = clean(&root, &["target", bad], true).unwrap_err();
        assert!(said.0[0].message.contains("source paths"), "{bad}");
    }
    for bad in ["../outside", "/elsewhere", ".."] {
        let said = clean(&root, &[bad], true).unwrap_err();
        assert!(said.0[0].message.contains("outside the project"), "{bad}");
    }
    for outside in ["../outside", "/elsewhere"] {
        assert_eq!(clean(&root, &[outside], false).unwrap().len(), 1);
    }
    assert!(
        clean(&root, &[".."], false).is_err(),
        "never the project itself"
    );
}

#[cfg(unix)]
#[test]
fn clean_follows_no_links() {
    let folder = tempfile::tempdir().unwrap();
    let (root, other) = (folder.path().join("shop"), folder.path().join("other"));
    std::fs::create_dir_all(root.join("target")).unwrap();
    std::fs::create_dir_all(&other).unwrap();
    std::fs::write(other.join("keep"), "").unwrap();
    std::os::unix::fs::symlink(&other, root.join("link")).unwrap();
    assert!(
        clean(&root, &["link"], true).unwrap_err().0[0]
            .message
            .contains("outside")
    );
    std::os::unix::fs::symlink(&other, root.join("target/link")).unwrap();
    assert!(remove_target(&root.join("target")).unwrap());
    assert!(other.join("keep").is_file() && !root.join("target").exists());
    assert!(!remove_target(&root.join("target")).unwrap());
    std::fs::write(root.join("file"), "").unwrap();
    assert!(!remove_target(&root.join("file")).unwrap() && root.join("file").is_file());
}

#[test]
fn errors_of_clean_show_the_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = SourceFile::new(
        "project.yml",
        "name: shop\nclean-targets:\n  - target\n  - models\n",
    );
    let targets = ["target".to_string(), "models".to_string()];
    let sources = ["models".to_string()];
    let rules = CleanRules {
        root: folder.path(),
        targets: &targets,
        sources: &sources,
        project_files_only: true,
        file: Some(&file),
    };
    insta::assert_snapshot!(clean_targets(&rules).unwrap_err().to_string());
}
