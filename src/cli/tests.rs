//! Command lines and what becomes of them; `args` of artefacts as dbt-core 1.10.23 wrote them.
use super::*;
use std::collections::BTreeMap;

/// Parts a line into leading `NAME=value` variables and words, with quotes as a shell has them.
fn part(line: &str) -> (BTreeMap<String, String>, Vec<String>) {
    let mut words = Vec::new();
    let mut word = None::<String>;
    let mut quote = None;
    for c in line.chars() {
        match (quote, c) {
            (Some(q), c) if c == q => quote = None,
            (Some(_), c) => word.get_or_insert_default().push(c),
            (None, '"' | '\'') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, ' ') => words.extend(word.take()),
            (None, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    let cut = words
        .iter()
        .position(|w| w.starts_with('-') || !w.contains('='))
        .unwrap_or(words.len());
    let rest = words.split_off(cut);
    let env = words
        .iter()
        .filter_map(|w| w.split_once('='))
        .map(|(n, v)| (n.to_string(), v.to_string()))
        .collect();
    (env, rest)
}

fn cli(line: &str) -> Result<Cli, Stop> {
    let folder = tempfile::tempdir().unwrap();
    cli_in(line, folder.path())
}

fn cli_in(line: &str, folder: &Path) -> Result<Cli, Stop> {
    let (env, words) = part(line);
    parse(&words, &|name| env.get(name).cloned(), folder)
}

fn run(line: &str) -> Invocation {
    cli(line)
        .unwrap_or_else(|s| panic!("{line}: {}", s.text))
        .resolve(None)
        .unwrap()
}

fn run_with(line: &str, flags: &str) -> Result<Invocation> {
    let file = SourceFile::new("dbt_project.yml", flags);
    let document = crate::yaml::load(&file).unwrap();
    let cli = cli(line).unwrap_or_else(|s| panic!("{line}: {}", s.text));
    cli.resolve(Some((&file, &document.root)))
}

fn error(line: &str) -> String {
    let stop = cli(line).err().unwrap_or_else(|| panic!("{line} is fine"));
    assert_eq!(
        (stop.code, stop.stdout),
        (2, false),
        "{line}: {}",
        stop.text
    );
    let end = stop.text.find("\n\n").unwrap_or(stop.text.len());
    stop.text[..end].to_string()
}

/// Every line of the fixture gives the `args` that dbt wrote for it.
#[test]
fn args_of_artefacts_are_those_of_dbt() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("profiles.yml"), "").unwrap();
    std::fs::write(folder.path().join("dbt_project.yml"), "").unwrap();
    let here = folder.path().display().to_string();
    let mut seen = 0;
    for record in include_str!("fixtures/run_results_args.jsonl").lines() {
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
            error(line).contains("before and after the command"),
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
fn the_environment_is_read_as_dbt_reads_it() {
    for (value, on) in [
        ("1", true),
        ("y", true),
        ("On", true),
        ("TRUE", true),
        ("0", false),
        ("f", false),
        ("", false),
    ] {
        assert_eq!(
            run(&format!("DBT_FAIL_FAST={value} run")).flags.fail_fast,
            on,
            "{value}"
        );
    }
    assert!(
        error("DBT_FAIL_FAST=banana run")
            .contains("environment variable DBT_FAIL_FAST: `banana` is not a boolean")
    );
    assert!(
        run("DBT_ENGINE_FAIL_FAST=1 DBT_FAIL_FAST=0 run")
            .flags
            .fail_fast
    );
    assert!(
        !run("TV1_FAIL_FAST=0 DBT_ENGINE_FAIL_FAST=1 run")
            .flags
            .fail_fast
    );
    assert!(!run("DBT_FAIL_FAST=1 run --no-fail-fast").flags.fail_fast);
    assert_eq!(
        run("DBT_TARGET=prod run").flags.target.as_deref(),
        Some("prod")
    );
    assert_eq!(run("DBT_THREADS=3 run").flags.threads, None);
    assert_eq!(run("TV1_THREADS=3 run").flags.threads, Some(3));
    assert_eq!(
        run("DBT_RESOURCE_TYPES='model test' ls")
            .flags
            .resource_types,
        ["model", "test"]
    );
    assert_eq!(
        run("DBT_INDIRECT_SELECTION=EMPTY run")
            .flags
            .indirect_selection,
        IndirectSelection::Empty
    );
    assert!(error("DBT_INDIRECT_SELECTION=foo run").contains("DBT_INDIRECT_SELECTION"));
    // Every variable that cannot be read is named at once.
    let both = cli("DBT_PRINTER_WIDTH=x DBT_DEBUG=z run").unwrap_err().text;
    assert!(
        both.contains("DBT_PRINTER_WIDTH") && both.contains("DBT_DEBUG"),
        "{both}"
    );
}

#[test]
fn old_variables_work_and_are_named() {
    let old = run(
        "DBT_NO_PRINT=1 DBT_DEFER_TO_STATE=1 DBT_FAVOR_STATE_MODE=1 DBT_ARTIFACT_STATE_PATH=x run",
    );
    assert!(!old.flags.print && old.flags.defer && old.flags.favor_state);
    assert_eq!(old.flags.state, Some(PathBuf::from("x")));
    assert_eq!(old.notices.len(), 4);
    assert!(
        old.notices
            .iter()
            .any(|n| n.contains("`DBT_NO_PRINT` has been renamed as `DBT_PRINT`"))
    );
}

#[test]
fn mappings_must_be_mappings() {
    let vars = run("run --vars '{a: 1, d: 2024-01-01}'").flags.vars;
    assert_eq!(
        vars.to_json(),
        serde_json::json!({"a": 1, "d": "2024-01-01"})
    );
    let last = run("run --vars 'a: 1' --vars 'b: 2'").flags.vars;
    assert_eq!(last.to_json(), serde_json::json!({"b": 2}));
    for bad in ["'{a: 1'", "a", "''", "'[1]'"] {
        assert!(
            error(&format!("run --vars {bad}")).contains("--vars"),
            "{bad}"
        );
        assert!(
            error(&format!("run-operation m --args {bad}")).contains("--args"),
            "{bad}"
        );
    }
    assert_eq!(
        run("run-operation --args '{a: 1}' m").command,
        run("run-operation m --args '{a: 1}'").command
    );
}

#[test]
fn times_and_windows() {
    let flags =
        run("run --event-time-start 2024-01-01 --event-time-end '2024-01-02 03:04:05'").flags;
    assert_eq!(
        flags.event_time_start.unwrap().to_string(),
        "2024-01-01 00:00:00"
    );
    assert_eq!(
        flags.event_time_end.unwrap().to_string(),
        "2024-01-02 03:04:05"
    );
    assert!(error("run --event-time-start 2024-01-01").contains("needs `--event-time-end`"));
    assert!(
        error("run --event-time-start 2024-01-03 --event-time-end 2024-01-02")
            .contains("must be before")
    );
    assert!(error("run --event-time-start foo").contains("`foo` is not a time"));
    let window = run("run --sample \"{start: '2024-01-01', end: '2024-01-03T01:00:00'}\"")
        .flags
        .sample
        .unwrap();
    assert_eq!(
        window.to_json(),
        serde_json::json!({"start": "2024-01-01T00:00:00+00:00", "end": "2024-01-03T01:00:00+00:00"})
    );
    let now = moment("2026-03-31 12:00:00");
    let back = |text: &str| Sample::read(text, now).map(|s| s.start.to_string());
    assert_eq!(back("3 days").unwrap(), "2026-03-28 12:00:00");
    assert_eq!(back("1 month").unwrap(), "2026-02-28 12:00:00");
    assert_eq!(back("1 YEAR").unwrap(), "2025-03-31 12:00:00");
    assert_eq!(back("-1 day").unwrap(), "2026-04-01 12:00:00");
    for bad in [
        "3",
        "x day",
        "3 foo",
        "{start: '2024-01-01'}",
        "999999999999999999 days",
    ] {
        assert!(back(bad).is_err(), "{bad}");
    }
}

fn moment(text: &str) -> Moment {
    window::moment(text).unwrap()
}

#[test]
fn the_flags_block_is_the_lowest_layer() {
    let fast = |line: &str| run_with(line, "{fail_fast: true}").unwrap().flags;
    assert!(fast("run").fail_fast);
    assert!(!fast("run --no-fail-fast").fail_fast);
    assert!(!fast("DBT_FAIL_FAST=0 run").fail_fast);
    assert_eq!(
        fast("run").layers.source("fail_fast").to_string(),
        "flags of the project file"
    );
    assert_eq!(
        fast("DBT_FAIL_FAST=0 run")
            .layers
            .source("fail_fast")
            .to_string(),
        "environment variable DBT_FAIL_FAST"
    );
    let ignored = run_with(
        "run",
        "{full_refresh: true, target: prod, select: [a], foo: 1}",
    )
    .unwrap();
    assert!(
        !ignored.flags.full_refresh
            && ignored.flags.target.is_none()
            && ignored.warnings.is_empty()
    );
    let behaviour = run_with("run", "{state_modified_compare_vars: true}")
        .unwrap()
        .flags;
    assert!(behaviour.behaviour("state_modified_compare_vars"));
    assert!(behaviour.behaviour("require_resource_names_without_spaces"));
    assert_eq!(
        behaviour.template("STATE_MODIFIED_COMPARE_VARS"),
        Some(true.into())
    );
    let warned = run_with("run", "{fail_fsat: true}").unwrap().warnings;
    assert_eq!(warned[0].help.as_deref(), Some("did you mean `fail_fast`?"));
    let wrong = run_with(
        "run",
        "{fail_fast: 'x', printer_width: y, warn_error_options: z}",
    )
    .unwrap_err();
    assert_eq!(wrong.0.len(), 3);
}

#[test]
fn log_file_settings_follow_those_of_the_console() {
    let flags = run("run --log-format JSON --log-level warn --no-use-colors").flags;
    assert_eq!(
        (flags.log_format_file, flags.log_level_file),
        (LogFormat::Json, LogLevel::Warn)
    );
    assert!(!flags.use_colors_file);
    let own = run_with("run --log-format json", "{log_format_file: text}")
        .unwrap()
        .flags;
    assert_eq!(own.log_format_file, LogFormat::Text);
    assert!(
        run("run --no-use-colors --use-colors-file")
            .flags
            .use_colors_file
    );
    assert!(run("run").flags.colours(true, false) && !run("run").flags.colours(true, true));
    assert!(run("run --use-colors").flags.colours(false, true));
}

#[test]
fn warn_error_options() {
    let of = |yaml: &str| {
        cli(&format!("run --warn-error-options '{yaml}'"))
            .map(|c| c.resolve(None).unwrap().flags.warn_error_options)
    };
    let all = of("{error: all, warn: [NothingToDo, Deprecations], silence: [NoNodesSelected, ConfigDataPathDeprecation]}").unwrap();
    assert_eq!(all.fate("NothingToDo", false), Fate::Warn);
    assert_eq!(all.fate("NoNodesSelected", false), Fate::Silence);
    assert_eq!(all.fate("UnusedTables", false), Fate::Error);
    assert_eq!(all.fate("ConfigDataPathDeprecation", true), Fate::Silence);
    assert_eq!(all.fate("ConfigSourcePathDeprecation", true), Fate::Warn);
    assert_eq!(
        of("{include: all, exclude: [NothingToDo]}").unwrap().warn,
        ["NothingToDo"]
    );
    for bad in [
        "{error: [Foo]}",
        "{error: NothingToDo}",
        "{warn: [NothingToDo]}",
        "{error: all, include: all}",
        "x",
    ] {
        assert!(of(bad).is_err(), "{bad}");
    }
    assert!(
        error("run --warn-error-options '{error: [NothingToDoo]}'")
            .contains("did you mean `NothingToDo`?")
    );
    for (line, flags) in [
        ("run --warn-error", "{warn_error_options: {error: all}}"),
        (
            "run --warn-error-options '{error: all}'",
            "{warn_error: true}",
        ),
    ] {
        let stopped = run_with(line, flags).unwrap_err();
        assert_eq!(stopped.0[0].code, code::U0801, "{line}");
    }
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
    assert_eq!(
        command("build --publish atomic"),
        Command::Build {
            show: false,
            publish: Publish::Atomic
        }
    );
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
        Command::Simulate { until: Some(_), .. }
    ));
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
fn options_without_effect_say_so_once() {
    assert_eq!(
        run("run --use-experimental-parser").notices,
        ["`--use-experimental-parser` does nothing: tv1 has one parser"]
    );
    assert_eq!(run("run --record-timing-info x").notices.len(), 1);
    assert!(
        run("run --no-partial-parse --no-send-anonymous-usage-stats --no-static-parser")
            .notices
            .is_empty()
    );
}

#[test]
fn the_project_is_found_upwards() {
    let folder = tempfile::tempdir().unwrap();
    let below = folder.path().join("models/staging");
    std::fs::create_dir_all(&below).unwrap();
    std::fs::write(folder.path().join("project.yml"), "").unwrap();
    assert_eq!(cli_in("run", &below).unwrap().project_dir(), folder.path());
    assert_eq!(
        cli_in("HOME=/h run", &below).unwrap().profiles_dir(),
        Path::new("/h/.dbt")
    );
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
