//! Words of the command line: where they may stand and what they become; help, versions, usage errors.
use super::*;

/// Every line of the fixture gives the `args` that dbt wrote for it.
#[test]
fn args_of_artefacts_are_those_of_dbt() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("profiles.yml"), "").unwrap();
    std::fs::write(folder.path().join("dbt_project.yml"), "").unwrap();
    let here = folder.path().display().to_string();
    let mut seen = 0;
    for record in include_str!("../fixtures/run_results_args.jsonl").lines() {
        let record: serde_json::Value = serde_json::from_str(record).unwrap();
        let line = record["line"].as_str().unwrap();
        let invocation = cli_in(line, folder.path())
            .unwrap_or_else(|s| panic!("{line}: {}", s.text))
            .resolve(None)
            .unwrap();
        let mut got = invocation.flags.to_args_map();
        assert_eq!(
            got.remove("invocation_command").unwrap(),
            format!("tv1 {}", part(line).1.join(" ")),
        );
        let text = serde_json::to_string(&got)
            .unwrap()
            .replace(&here, "$PROJECT");
        let got: BTreeMap<String, serde_json::Value> = serde_json::from_str(&text).unwrap();
        let want: BTreeMap<String, serde_json::Value> =
            serde_json::from_value(record["args"].clone()).unwrap();
        let keys: std::collections::BTreeSet<_> = got.keys().chain(want.keys()).collect();
        let differ: Vec<_> = keys
            .into_iter()
            .filter(|k| got.get(*k) != want.get(*k))
            .map(|k| (k, got.get(k), want.get(k)))
            .collect();
        assert!(differ.is_empty(), "{line}: (key, tv1, dbt) {differ:?}");
        seen += 1;
    }
    assert!(seen >= 36, "{seen}");
}

#[test]
fn global_options_stand_before_or_after_the_command_but_not_both() {
    assert!(run("--fail-fast run").flags.fail_fast);
    assert!(run("run -x").flags.fail_fast);
    assert!(run("docs -x generate").flags.fail_fast);
    assert_eq!(
        run("run --target a --target b").flags.target.as_deref(),
        Some("b")
    );
    for line in [
        "--fail-fast run --fail-fast",
        "--no-fail-fast run -x",
        "--target a run -t b",
    ] {
        assert!(
            error(line).contains("both before and after the subcommand"),
            "{line}"
        );
    }
}

#[test]
fn switches_have_their_opposite_and_the_last_one_counts() {
    assert!(!run("run --fail-fast --no-fail-fast").flags.fail_fast);
    assert!(run("run --no-fail-fast --fail-fast").flags.fail_fast);
    assert!(!run("run --no-print").flags.print);
    assert!(run("run --no-print --print").flags.print);
    let both = run("run -fx").flags;
    assert!(both.full_refresh && both.fail_fast);
    assert!(error("run --no-full-refresh").contains("unexpected argument '--no-full-refresh'"));
    assert!(error("run --fail-fast=true").contains("--fail-fast"));
}

#[test]
fn several_values_follow_one_option() {
    let select = |line: &str| run(line).flags.select;
    assert_eq!(select("run --select a b c --exclude d e"), ["a", "b", "c"]);
    assert_eq!(
        run("run --select a b c --exclude d e").flags.exclude,
        ["d", "e"]
    );
    assert_eq!(select("run --select a b --select c"), ["a", "b", "c"]);
    assert_eq!(
        select("run -s 'a b' -m c --models d --model e"),
        ["a", "b", "c", "d", "e"]
    );
    assert_eq!(select("run --select=a b"), ["a", "b"]);
    assert_eq!(select("run --select @a +b --"), ["@a", "+b"]);
    assert_eq!(select("run -s a -x"), ["a"]);
    assert!(error("run --select").contains("a value is required for '--select"));
    let list = run("ls -m a -s b --output JSON --output-keys 'name a' b");
    assert_eq!(list.flags.select, ["b"]);
    assert_eq!(
        list.command,
        Command::List {
            models: vec!["a".into()],
            output: Output::Json,
            output_keys: vec!["name".into(), "a".into(), "b".into()],
        }
    );
    let kinds =
        run("ls --resource-type MODEL test --resource-types seed --exclude-resource-type Source");
    assert_eq!(kinds.flags.resource_types, ["model", "test", "seed"]);
    assert_eq!(kinds.flags.exclude_resource_types, ["source"]);
    assert!(error("ls --resource-type modle").contains("'modle'"));
    assert!(error("build --resource-type model,test").contains("'model,test'"));
}

#[test]
fn values_may_begin_with_a_dash() {
    assert_eq!(
        run("show --limit -1 --inline '-- c'").command,
        Command::Show {
            inline: Some("-- c".into()),
            inline_direct: None,
            output: Output::Text,
            limit: None,
        }
    );
    assert!(error("run --threads -3").contains("at least 1 thread"));
    assert!(error("run --threads 0").contains("at least 1 thread"));
    assert!(error("run --threads x").contains("`x` is not a whole number"));
}

#[test]
fn commands_with_their_own_arguments() {
    let command = |line: &str| run(line).command;
    let deps = |line: &str| match command(line) {
        Command::Deps { add_package, .. } => add_package.map(|p| (p.name, p.version)),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        deps("deps --add-package x@1"),
        Some(("x".into(), Some("1".into())))
    );
    assert_eq!(deps("deps --add-package x"), Some(("x".into(), None)));
    assert_eq!(
        deps("deps --add-package 'a/b@>=1.0.0,<2'"),
        Some(("a/b".into(), Some(">=1.0.0,<2".into())))
    );
    assert_eq!(
        deps("deps --add-package git@host:a/b.git --source git"),
        Some(("git@host:a/b.git".into(), None))
    );
    assert_eq!(
        deps("deps --add-package git@host:a/b.git@v1"),
        Some(("git@host:a/b.git".into(), Some("v1".into())))
    );
    assert_eq!(
        command("init foo -s"),
        Command::Init {
            project_name: Some("foo".into()),
            skip_profile_setup: true
        }
    );
    assert_eq!(
        command("source snapshot-freshness -o x"),
        Command::SourceFreshness {
            output: Some("x".into())
        }
    );
    assert_eq!(
        command("docs"),
        Command::Docs {
            out: None,
            columns: true
        }
    );
    assert_eq!(
        command("docs serve --port 9999 --no-browser"),
        Command::DocsServe {
            host: "127.0.0.1".into(),
            port: 9999,
            browser: false
        }
    );
    assert_eq!(
        command("db psql -c 'select 1'"),
        Command::DbPsql {
            args: vec!["-c".into(), "select 1".into()]
        }
    );
    assert_eq!(
        command("db start --port 5433"),
        Command::DbStart { port: Some(5433) }
    );
    let build = |show, atomic| Command::Build { show, atomic };
    assert_eq!(command("build --show"), build(true, false));
    assert_eq!(command("build --publish atomic"), build(false, true));
    let Command::MetricsQuery(q) = command(
        "metrics query -m a,b -g date:day seg -w \"platform = 'TV'\" --from 2024-01-01 -o csv",
    ) else {
        panic!()
    };
    assert_eq!(
        (q.metrics, q.group_by),
        (
            vec!["a".to_string(), "b".into()],
            vec!["date:day".to_string(), "seg".into()]
        )
    );
    assert_eq!(
        (q.filters, q.output),
        (vec!["platform = 'TV'".to_string()], Output::Csv)
    );
    assert!(error("metrics query").contains("no metric"));
    assert!(error("simulate --until soon").contains("`soon` is not a day"));
    assert!(matches!(
        command("simulate --until 2024-06-30 --profile p"),
        Command::Simulate {
            until: Some(_),
            profile: false,
            ..
        }
    ));
    for line in ["simulate --profile", "simulate --profile --select users"] {
        assert!(matches!(
            command(line),
            Command::Simulate { profile: true, .. }
        ));
    }
}

#[test]
fn usage_errors() {
    for line in [
        "foo",
        "run foo",
        "run-operation",
        "run-operation m n",
        "test -f",
        "run --limit 3",
        "ls --threads 3",
        "parse -s a",
        "run -- a",
        "compile --output foo",
        "run --project-dir nope",
        "show -s a --inline b",
        "completions tcsh",
        "source",
        "db",
    ] {
        let stop = cli(line).err().unwrap_or_else(|| panic!("{line} is fine"));
        assert_eq!((stop.code, stop.stdout), (2, false), "{line}");
    }
    let drawn: Vec<String> = [
        "run --full-refesh",
        "biuld",
        "run --vars '[1]'",
        "DBT_DEBUG=perhaps ls --output xml",
        "DBT_DEBUG=perhaps ls --threads 3",
        "DBT_DEBUG=perhaps docs generate --state x --vars y",
    ]
    .iter()
    .map(|line| format!("$ tv1 {line}\n{}", cli(line).unwrap_err().text))
    .collect();
    insta::assert_snapshot!(drawn.join("\n"));
}

#[test]
fn versions_are_in_dbts_shape() {
    for line in ["--version", "-v", "-V", "run --version", "docs serve -v"] {
        let stop = cli(line).unwrap_err();
        assert_eq!((stop.code, stop.stdout), (0, true), "{line}");
        let after = |key: &str| {
            stop.text
                .split(key)
                .nth(1)
                .and_then(|t| t.split_whitespace().next())
                .map(str::to_string)
        };
        assert_eq!(after("installed:").as_deref(), Some("1.10.23"));
        assert_eq!(after("postgres:").as_deref(), Some("1.11.0"));
        assert!(stop.text.starts_with("tv1 "));
    }
}

#[test]
fn help_of_some_commands() {
    for (name, line) in [
        ("top", "--help"),
        ("run_short", "run -h"),
        ("run_long", "run --help"),
        ("deps", "deps -h"),
        ("metrics_query", "metrics query -h"),
    ] {
        let stop = cli(line).unwrap_err();
        assert_eq!((stop.code, stop.stdout), (0, true), "{line}");
        insta::assert_snapshot!(name, stop.text);
    }
}

#[test]
fn no_option_or_short_form_stands_twice_in_a_command() {
    // clap checks this itself in debug builds.
    grammar::command().debug_assert();
    for shell in [
        clap_complete::Shell::Bash,
        clap_complete::Shell::Zsh,
        clap_complete::Shell::Fish,
    ] {
        assert!(completions(shell).contains("full-refresh"));
    }
}
