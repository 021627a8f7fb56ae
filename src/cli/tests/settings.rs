//! Settings: the environment, the `flags:` block, values of options.
use super::*;

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
    assert!(
        error("run --event-time-start 2024-01-01")
            .contains("`--event-time-end` must also be present")
    );
    assert!(
        error("run --event-time-start 2024-01-03 --event-time-end 2024-01-02")
            .contains("must be less than")
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
    assert_eq!(all.named("NothingToDo", false), Some(Fate::Warn));
    assert_eq!(all.named("NoNodesSelected", false), Some(Fate::Silence));
    assert_eq!(all.named("UnusedTables", false), None);
    assert!(all.all());
    assert_eq!(
        all.named("ConfigDataPathDeprecation", true),
        Some(Fate::Silence)
    );
    assert_eq!(
        all.named("ConfigSourcePathDeprecation", true),
        Some(Fate::Warn)
    );
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
