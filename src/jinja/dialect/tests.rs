use super::*;
use proptest::prelude::*;

fn rewritten(source: &str) -> String {
    template(source, Options::default()).unwrap().text
}

#[test]
fn what_python_means_is_written_out() {
    for (source, expected) in [
        ("{{ a + b * c }}", "{{ (a )|__add( (b )|__mul( c)) }}"),
        ("{{ a ~ b ~ c }}", "{{ (a )|__concat( b ,  c) }}"),
        ("{{ [1][0] }}", "{{ ([1]|__list)[0] }}"),
        ("{{ x[1:] }}", "{{ (x|__slice(1, none)) }}"),
        ("{{ x['a', 'b'] }}", "{{ x[('a', 'b')] }}"),
        (
            "{{ x.a }}{{ x.a.b }}{{ x.a.b() }}",
            "{{ x.a }}{{ (x|__path('a', 'b')) }}{{ (x|__step('a')).b() }}",
        ),
        (
            "{% do x.append(1) if y %}",
            "{% set __ = x.append(1) if y %}",
        ),
        ("{% for a in b if c: %}", "{% for a in (b)|__iter if c  %}"),
        ("{% if x == 1: %}", "{% if (x )|__eq( 1)  %}"),
        ("{{ not a in b }}", "{{ not (a )|__in( b) }}"),
        ("{{ -x|abs }}{{ -1 }}", "{{ ((x)|__neg)|abs }}{{ -1 }}"),
        (
            "{% macro m(a) %}{% endmacro m %}",
            "{% macro dbt_macro__m(a) %}{% endmacro  %}",
        ),
        ("{{ 'a\\/b' }}", "{{ 'a\\\\/b' }}"),
        ("no jinja [1] % x", "no jinja [1] % x"),
        ("{{ 1 + }}", "{{ 1 + }}"),
    ] {
        assert_eq!(rewritten(source), expected, "{source}");
    }
}

#[test]
fn blocks_know_their_parts() {
    let source = "{# {% macro no() %} #}{% raw %}{% macro no() %}{% endraw %}\n{%- macro a(x, y: list[string] = [1]) -%} b {{ varargs }}{%- endmacro -%}\n{% data_test t(model) %}s{% enddata_test %}{% materialization m, adapter=\"postgres\", supported_languages=['sql', 'python'] %}x{% endmaterialization %}{% materialization m, default %}{% endmaterialization %}";
    let found = blocks(source).unwrap();
    let names: Vec<&str> = found.blocks.iter().map(|b| b.macro_name.as_str()).collect();
    assert_eq!(
        names,
        [
            "a",
            "test_t",
            "materialization_m_postgres",
            "materialization_m_default"
        ]
    );
    let a = &found.blocks[0];
    assert!(
        source[a.span.clone()].starts_with("{%- macro a(")
            && source[a.span.clone()].ends_with("endmacro -%}")
    );
    assert_eq!(&source[a.body.clone()], " b {{ varargs }}");
    assert_eq!(
        a.parameters
            .iter()
            .map(|p| (p.name.as_str(), p.annotation.as_deref()))
            .collect::<Vec<_>>(),
        [("x", None), ("y", Some("list[string]"))]
    );
    assert!(a.varargs && !a.kwargs);
    assert_eq!(found.blocks[2].languages, ["sql", "python"]);
}

fn checked(source: &str, rewritten: &Rewritten, kept: &Range<usize>) -> Result<(), TestCaseError> {
    let lines = |s: &str| {
        s.replace("\r\n", "\n")
            .replace('\r', "\n")
            .matches('\n')
            .count()
    };
    prop_assert_eq!(lines(&rewritten.text), lines(&source[kept.clone()]));
    let mut last = kept.start;
    for offset in 0..=rewritten.text.len() {
        let back = rewritten.original_offset(offset);
        prop_assert!(
            back >= last && back <= kept.end,
            "{offset} goes back to {back}, before {last}"
        );
        last = back;
    }
    Ok(())
}

/// Text in which tags are likely.
fn jinja() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("{{ ".to_string()),
        Just(" }}".to_string()),
        Just("{% ".to_string()),
        Just(" %}".to_string()),
        Just("{%- macro m(a, b=[1]) -%}".to_string()),
        Just("{% endmacro %}".to_string()),
        Just("{% set x = ".to_string()),
        Just("{% for a in ".to_string()),
        Just("{% do ".to_string()),
        Just("{% call ".to_string()),
        Just("{# ".to_string()),
        Just(" #}".to_string()),
        Just("{% raw %}".to_string()),
        Just("{% endraw %}".to_string()),
        Just("{% materialization m, default %}".to_string()),
        Just("{% endmaterialization %}".to_string()),
        "[-+*/%~<>=!|.,:()\\[\\]{}]{1,3}",
        "[a-z]{1,3}",
        "'[^']{0,3}'",
        "[0-9]{1,2}",
        "(not|in|is|if|else|and|or)",
        "[ \\r\\n\\t]{1,2}",
        "\\PC{0,3}",
    ];
    prop::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_text_is_rewritten_without_panic_and_back(source in jinja(), absorbing: bool) {
        if let Ok(out) = template(&source, Options { absorbing }) {
            checked(&source, &out, &(0..source.len()))?;
        }
        if let Ok(found) = blocks(&source) {
            for block in found.blocks.iter().filter(|b| b.kind.is_callable()) {
                checked(&source, &block.template, &block.span)?;
            }
        }
        let _ = scan::calls(&source);
        let _ = scan::is_constant(&source);
    }

    #[test]
    fn any_characters_are_read_without_panic(source in "\\PC*") {
        let _ = template(&source, Options::default());
        let _ = blocks(&source);
    }
}

/// Every file below the folder named by `TV1_JINJA_CORPUS` must split and compile.
#[test]
#[ignore = "needs a folder of macro files"]
fn a_corpus_of_macros_compiles() {
    let folder = std::env::var("TV1_JINJA_CORPUS").unwrap();
    let mut builder = crate::jinja::EngineBuilder::new();
    let mut count = 0;
    for entry in ignore::Walk::new(folder).flatten() {
        if entry.path().extension().is_some_and(|e| e == "sql") {
            let file = crate::text::SourceFile::new(
                entry.path().display().to_string(),
                std::fs::read_to_string(entry.path()).unwrap(),
            );
            count += builder
                .add_macro_file(&format!("p{count}"), &file)
                .map_or(0, |f| f.blocks.len());
        }
    }
    let built = builder.build(crate::jinja::Packages::default());
    assert!(built.is_ok(), "{}", built.unwrap_err());
    eprintln!("{count} blocks");
}
