//! Macro files and blocks as they are read, before anything is rendered.
use super::*;

#[test]
fn calls_are_found_without_running() {
    let engine = engine();
    let def = engine.registry().get("utils", "calls_both").unwrap();
    let found = engine.static_calls(def, &|_| vec![None], &["postgres", "default"]);
    assert_eq!(
        found
            .iter()
            .map(|d| d.unique_id.as_str())
            .collect::<Vec<_>>(),
        ["macro.utils.both"]
    );
    let calls = scan::calls("{% macro x(a) %}{{ f(1) }}{{ p.g() }}{{ adapter.dispatch('h', 'ns')() }}{{ adapter.dispatch(macro_name='i') }}{{ a | map('j') }}{{ a.b.c() }}{% endmacro %}").unwrap();
    let shown: Vec<String> = calls.iter().map(|c| format!("{c:?}")).collect();
    insta::assert_snapshot!(shown.join("\n"));
}

#[test]
fn two_macros_of_one_name_are_an_error() {
    let mut builder = EngineBuilder::new();
    builder
        .add_macro_file(
            "p",
            &SourceFile::new("a.sql", "{% macro x() %}{% endmacro %}"),
        )
        .unwrap();
    builder
        .add_macro_file(
            "p",
            &SourceFile::new("b.sql", "\n{% macro x() %}{% endmacro %}"),
        )
        .unwrap();
    let stopped = builder.build(Packages::default()).unwrap_err();
    insta::assert_snapshot!(stopped.to_string());
}

#[test]
fn broken_macro_files_are_reported_with_their_places() {
    for (name, text) in [
        ("unclosed", "\n{% macro x() %}\nselect 1"),
        (
            "nested",
            "{% macro x() %}\n{% macro y() %}{% endmacro %}{% endmacro %}",
        ),
        (
            "in_control_flow",
            "{% if true %}{% macro x() %}{% endmacro %}{% endif %}",
        ),
        (
            "bad_expression",
            "{% macro x() %}\n  {{ 1 + }}\n{% endmacro %}",
        ),
        ("open_string", "{% macro x() %}{{ 'abc }}{% endmacro %}"),
    ] {
        let mut builder = EngineBuilder::new();
        let added = builder.add_macro_file("p", &SourceFile::new("macros/bad.sql", text));
        let built = builder.build(Packages::default());
        assert_eq!(added.is_err() || built.is_err(), built.is_err());
        insta::assert_snapshot!(name, built.unwrap_err().to_string());
    }
}

#[test]
fn end_tags_that_end_nothing_are_warned_of() {
    let read = read_blocks(&SourceFile::new(
        "a.sql",
        "{% endmacro %}{% snapshot s %}select 1{% endsnapshot %}{% docs d %}text{% enddocs %}",
    ))
    .unwrap();
    assert_eq!(read.warnings.len(), 1);
    let names: Vec<_> = read
        .blocks
        .iter()
        .map(|b| (b.kind, b.name.as_str()))
        .collect();
    assert_eq!(
        names,
        [
            (crate::jinja::dialect::BlockKind::Snapshot, "s"),
            (crate::jinja::dialect::BlockKind::Docs, "d")
        ]
    );
}
