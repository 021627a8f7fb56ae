//! What is said when a template fails, and where.
use super::*;

#[test]
fn errors_know_their_place_and_the_way_there() {
    let e = fail("line one\n\n  {{ outer_fails() }}");
    assert_eq!(e.message, "division by zero");
    let at = |p: &Place| p.file.text[p.span.clone()].to_string();
    let place = e.place.as_ref().unwrap();
    assert_eq!(
        (at(place).as_str(), place.file.path.as_str()),
        ("/ 0", "macros/a.sql")
    );
    assert_eq!(at(e.call.as_ref().unwrap()), "outer_fails()");
    let stack: Vec<(&str, String)> = e
        .stack
        .iter()
        .map(|f| (f.name.as_str(), at(f.place.as_ref().unwrap())))
        .collect();
    assert_eq!(
        stack,
        [
            ("fails", "/ 0".to_string()),
            ("outer_fails", "fails()".to_string())
        ]
    );
    insta::assert_snapshot!(crate::diag::render(&e.diagnostic(code::J0304), false));
}

#[test]
fn what_is_undefined_is_named() {
    for (text, message, place) in [
        ("a\n{{ nosuch(1) }}", "'nosuch' is undefined", "nosuch(1)"),
        (
            "a\n{{ unknown_call() }}",
            "'nosuch' is undefined",
            "nosuch(1)",
        ),
        (
            "{{ unknown_attr({}) }}",
            "'dict object' has no attribute 'a'",
            ".a.b",
        ),
        ("{{ unknown_attr(nope) }}", "'nope' is undefined", ".a.b"),
        (
            "{{ utils.nosuch() }}",
            "'dict object' has no attribute 'nosuch'",
            ".nosuch()",
        ),
        ("{{ nopkg.nosuch() }}", "'nopkg' is undefined", ".nosuch()"),
        (
            "{% call nosuch() %}{% endcall %}",
            "'nosuch' is undefined",
            "nosuch()",
        ),
        ("{% set x = rows + nope %}", "'nope' is undefined", "+ nope"),
    ] {
        let e = fail(text);
        assert!(matches!(e.kind, JinjaErrorKind::Undefined), "{text}: {e:?}");
        assert_eq!(e.message, message, "{text}");
        let at = e.place.unwrap();
        assert_eq!(&at.file.text[at.span], place, "{text}");
    }
    assert!(fail("{{ nosuch() }}").to_string().contains(
        "'nosuch' is undefined. This can happen when calling a macro that does not exist."
    ));
}

#[test]
fn wrong_arguments_are_told_in_jinjas_words() {
    assert_eq!(
        fail("{{ cents(1, 2, 3) }}").message,
        "macro 'dbt_macro__cents' takes not more than 2 argument(s)"
    );
    assert_eq!(
        fail("{{ cents('a', plcs=1) }}").message,
        "macro 'dbt_macro__cents' takes no keyword argument 'plcs'"
    );
    assert_eq!(
        fail("{% call cents('a') %}{% endcall %}").message,
        "macro 'dbt_macro__cents' takes no keyword argument 'caller'"
    );
    assert_eq!(
        fail("{{ return(1) }}").message,
        "`return` stands outside of a macro"
    );
}

#[test]
fn endless_recursion_ends_with_an_error() {
    let mut builder = EngineBuilder::new();
    let file = SourceFile::new(
        "m.sql",
        "{% macro again(n) %}{{ again(n + 1) }}{% endmacro %}",
    );
    builder.add_macro_file("proj", &file).unwrap();
    let engine = builder
        .build(Packages {
            root: "proj".into(),
            builtins: Vec::new(),
        })
        .unwrap();
    let e = engine
        .render_file(
            &SourceFile::new("a", "{{ again(0) }}"),
            Mode::Strict,
            Arc::new(host()),
        )
        .unwrap_err();
    assert_eq!(e.message, "maximum recursion depth exceeded");
}

#[test]
fn the_hosts_errors_come_back_as_they_were() {
    for text in [
        "{{ boom(7) }}",
        "{{ raises() }}",
        "{% for x in [7] | map('int') %}{{ boom(x) }}{% endfor %}",
    ] {
        let e = fail(text);
        assert_eq!(e.payload::<Boom>(), Some(&Boom(7)), "{text}");
        assert_eq!(e.message, "boom 7");
    }
}
