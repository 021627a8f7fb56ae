mod errors;
mod files;

use super::*;
use crate::jinja::python::{List, repr_of, str_of};
use std::collections::BTreeMap;
use std::sync::Mutex;

/// A scope over fixed names that records macro calls.
#[derive(Default)]
struct Host {
    package: &'static str,
    names: BTreeMap<&'static str, Value>,
    calls: Mutex<Vec<(String, usize)>>,
}

impl Scope for Host {
    fn package(&self) -> &str {
        self.package
    }

    fn lookup(&self, name: &str) -> Option<Value> {
        self.names.get(name).cloned()
    }

    fn on_macro_call(&self, unique_id: &str, depth: usize) {
        self.calls
            .lock()
            .unwrap()
            .push((unique_id.to_string(), depth));
    }
}

#[derive(Debug, PartialEq)]
struct Boom(u32);

fn host() -> Host {
    let mut names = BTreeMap::new();
    names.insert("rows", List::value((1..4).map(Value::from).collect()));
    names.insert(
        "boom",
        Value::from_function(|n: u32| -> Result<Value, minijinja::Error> {
            Err(raise(format!("boom {n}"), Boom(n)))
        }),
    );
    names.insert("ref", Value::from_function(|n: String| format!("ref:{n}")));
    Host {
        package: "proj",
        names,
        calls: Mutex::default(),
    }
}

const PROJECT: &str = r"
{# comment with {% macro ghost() %} #}
{% macro cents(col, places=2) -%}
  round({{ col }} / 100.0, {{ places }})
{%- endmacro %}
{% macro fact(n) %}{% if n <= 1 %}{{ return(1) }}{% endif %}{{ return(n * fact(n - 1)) }}{% endmacro %}
{% macro cols() %}{% set out = [] %}{% for c in ['a','b'] %}{% do out.append(c ~ '_x') %}{% endfor %}{{ return(out) }}{% endmacro %}
{% macro va(first) %}{{ first }}|{{ varargs | join('+') }}|{{ kwargs.get('k') }}{% endmacro %}
{% macro wrap(tag) %}<{{ tag }}>{{ caller() }}</{{ tag }}>{% endmacro %}
{% macro each(xs) %}{% for x in xs %}{{ caller(x) }};{% endfor %}{% endmacro %}
{% macro mutate(d) %}{% do d.update({'z': 26}) %}{% do d['l'].append(9) %}{% endmacro %}
{% macro early(xs) %}{% for x in xs %}{% if x == 2 %}{{ return(x) }}{% endif %}{% endfor %}{{ return(none) }}{% endmacro %}
{% macro ref_fn() %}{{ return(cols) }}{% endmacro %}
{% test positive(model, column_name) %}select * from {{ model }} where {{ column_name }} <= 0{% endtest %}
{% materialization thing, adapter='postgres' %}{{ return({'relations': [1]}) }}{% endmaterialization %}
{% macro typed(a: string, b: optional[list[string]] = [1], c = 'x') %}{{ a }}{{ b }}{{ c }}{% endmacro %}
{% macro both() %}root{% endmacro %}
{% macro deep(n) %}{% if n > 0 %}{{ return(deep(n - 1)) }}{% endif %}{{ return('bottom') }}{% endmacro %}
{% macro fails() %}
  {{ 1 / 0 }}
{% endmacro %}
{% macro outer_fails() %}

  x {{ fails() }}
{% endmacro %}
{% macro unknown_call() %}{{ nosuch(1) }}{% endmacro %}
{% macro unknown_attr(x) %}{{ x.a.b }}{% endmacro %}
{% macro raises() %}{{ boom(7) }}{% endmacro %}
{% macro returns_in_set() %}{% set x %}{{ return(['in set']) }}{% endset %}{% endmacro %}
{% macro has_caller() %}{{ 'yes' if caller else 'no' }}{% endmacro %}
{% macro loops(a, l=[]) %}{% do l.append(a) %}{{ l }}{% endmacro %}
{% macro calls_wrapped() %}{% call wrap('b') %}{{ cols() | join(',') }}{% endcall %}{% endmacro %}
";

const UTILS: &str = r"
{% macro star(from, except=[]) -%}{{ return(adapter_dispatch('star')(from, except)) }}{%- endmacro %}
{% macro default__star(from, except=[]) %}{% set cs = utils.helper() %}{{ from }}.{{ cs | join(', ') }} minus {{ except }}{% endmacro %}
{% macro helper() %}{{ return(['h']) }}{% endmacro %}
{% macro calls_both() %}{{ both() }}{% endmacro %}
{% macro calls_sibling() %}{{ helper() }}{% endmacro %}
{% macro both() %}utils{% endmacro %}
";

const BUILTIN: &str = r"
{% macro statement(name=none, fetch_result=false) -%}{%- set sql = caller() -%}ran[{{ name }}:{{ sql | trim }}]{%- endmacro %}
{% macro only_builtin() %}builtin{% endmacro %}
{% macro both() %}builtin{% endmacro %}
{% macro _private() %}p{% endmacro %}
";

fn engine() -> Engine {
    let mut builder = EngineBuilder::new();
    for (package, path, text) in [
        ("proj", "macros/a.sql", PROJECT),
        ("utils", "utils/star.sql", UTILS),
        ("dbt", "dbt/core.sql", BUILTIN),
        (
            "dbt_postgres",
            "pg/core.sql",
            "{% macro only_postgres() %}pg{% endmacro %}",
        ),
    ] {
        builder
            .add_macro_file(package, &SourceFile::new(path, text))
            .unwrap();
    }
    builder
        .build(Packages {
            root: "proj".into(),
            builtins: vec!["dbt_postgres".into(), "dbt".into()],
        })
        .unwrap()
}

fn render(text: &str) -> String {
    render_with(text, Mode::Strict, host()).unwrap_or_else(|e| panic!("{e}\n{:?}", e.stack))
}

fn render_with(text: &str, mode: Mode, host: Host) -> std::result::Result<String, JinjaError> {
    engine()
        .render_file(&SourceFile::new("models/m.sql", text), mode, Arc::new(host))
        .map(|r| r.text)
}

fn fail(text: &str) -> JinjaError {
    render_with(text, Mode::Strict, host()).expect_err("an error")
}

#[test]
fn macros_are_called_with_everything_jinja_allows() {
    for (text, expected) in [
        (
            "{{ cents('amount') }} {{ cents('a', places=4) }}",
            "round(amount / 100.0, 2) round(a / 100.0, 4)",
        ),
        ("{{ fact(5) + 1 }}", "121"),
        (
            "{% for c in cols() %}{{ c }}{% if not loop.last %},{% endif %}{% endfor %}",
            "a_x,b_x",
        ),
        ("{{ early([1,2,3]) }}{{ early([7]) }}", "2None"),
        ("{% set f = ref_fn() %}{{ f()|join }}", "a_xb_x"),
        ("{{ va(1, 2, 3, k='v') }}", "1|2+3|v"),
        (
            "{% set a = {'places': 5} %}{{ cents('q', **a) }} {{ va(*[1,2], **{'k': 3}) }}",
            "round(q / 100.0, 5) 1|2|3",
        ),
        (
            "{% call statement('x', fetch_result=true) %} select {{ rows|length }} {% endcall %}",
            "ran[x:select 3]",
        ),
        (
            "{% call(x) each([1,2]) %}<{{ x }}>{% endcall %}",
            "<1>;<2>;",
        ),
        (
            "{% call wrap('a') %}{% call wrap('b') %}{{ cents('z') }}{% endcall %}{% endcall %}",
            "<a><b>round(z / 100.0, 2)</b></a>",
        ),
        ("{{ calls_wrapped() }}", "<b>a_x,b_x</b>"),
        (
            "{% set d = {'l': []} %}{% do mutate(d) %}{{ d.z }}{{ d.l }}",
            "26[9]",
        ),
        (
            "{{ test_positive('m', 'c') }}",
            "select * from m where c <= 0",
        ),
        ("{{ materialization_thing_postgres().relations }}", "[1]"),
        (
            "{{ typed('q') }} {{ typed('q', b=[2], c=3) }}",
            "q[1]x q[2]3",
        ),
        ("{{ returns_in_set() }}", "['in set']"),
        (
            "{{ has_caller() }}{% call has_caller() %}{% endcall %}",
            "noyes",
        ),
        ("{{ loops(1) }}{{ loops(2) }}", "[1][2]"),
        (
            "{{ cents is callable }} {{ cents }}",
            "True <macro proj.cents>",
        ),
        ("{{ deep(900) }}", "bottom"),
    ] {
        assert_eq!(render(text), expected, "{text}");
    }
}

#[test]
fn a_bare_name_means_what_it_means_in_the_rendered_codes_package() {
    assert_eq!(
        render("{{ both() }}{{ utils.both() }}{{ dbt.both() }}"),
        "rootutilsbuiltin"
    );
    assert_eq!(
        render(
            "{{ only_builtin() }}{{ dbt.only_builtin() }}{{ dbt.only_postgres() }}{{ dbt._private() }}"
        ),
        "builtinbuiltinpgp"
    );
    // The macro belongs to `utils`, yet `both` is the root's; only names that would mean nothing are siblings.
    assert_eq!(render("{{ utils.calls_both() }}"), "root");
    assert_eq!(render("{{ utils.calls_sibling() }}"), "['h']");
    let inside = Host {
        package: "utils",
        ..host()
    };
    assert_eq!(
        render_with("{{ both() }}{{ helper() }}", Mode::Strict, inside).unwrap(),
        "utils['h']"
    );
}

#[test]
fn dispatch_tries_packages_before_prefixes() {
    let engine = engine();
    let found = engine.registry().dispatch(
        "proj",
        "star",
        &[Some("proj".into()), Some("utils".into())],
        &["postgres", "default"],
    );
    assert_eq!(found.unwrap().unique_id, "macro.utils.default__star");
    assert!(
        engine
            .registry()
            .dispatch("proj", "nope", &[None], &["default"])
            .is_none()
    );
    let mut host = host();
    let def = engine
        .registry()
        .get("utils", "default__star")
        .unwrap()
        .clone();
    let target = Value::from_object(MacroRef(def));
    host.names.insert(
        "adapter_dispatch",
        Value::from_function(move |_: String| target.clone()),
    );
    let text = "{{ utils.star('t', except=['id']) }}";
    assert_eq!(
        render_with(text, Mode::Strict, host).unwrap(),
        "t.h minus ['id']"
    );
}

#[test]
fn the_host_hears_of_every_macro_call_and_its_depth() {
    let host = Arc::new(host());
    let file = SourceFile::new("m.sql", "{{ utils.calls_sibling() }}{{ cents('a') }}");
    engine()
        .render_file(&file, Mode::Strict, host.clone())
        .unwrap();
    let calls = host.calls.lock().unwrap().clone();
    let expected = [
        ("macro.utils.calls_sibling", 0),
        ("macro.utils.helper", 1),
        ("macro.proj.cents", 0),
    ];
    assert_eq!(calls, expected.map(|(id, depth)| (id.to_string(), depth)));
}

#[test]
fn output_finds_its_way_back_to_the_file() {
    let text = "select\n  a,\n  {{ cents('b') }} as b,\r\n  {{ [1, 2][0] + 1 }}, wrong_column\nfrom {{ ref('t') }}\n";
    let rendered = engine()
        .render_file(
            &SourceFile::new("m.sql", text),
            Mode::Strict,
            Arc::new(host()),
        )
        .unwrap();
    let origin = |part: &str| {
        let place = rendered.place(rendered.text.find(part).unwrap()).unwrap();
        place.file.text[place.span.start..]
            .chars()
            .take(12)
            .collect::<String>()
    };
    assert_eq!(origin("wrong_column"), "wrong_column");
    assert_eq!(origin("round("), "cents('b') }");
    assert_eq!(origin("ref:t"), "ref('t') }}\n");
    assert_eq!(origin("2, wrong"), "[1, 2][0] + ");
    assert!(!rendered.text.contains('\r') && !rendered.text.ends_with('\n'));
}

#[test]
fn text_without_jinja_stays_as_it_is() {
    let file = SourceFile::new("m.sql", "select 1\n\n");
    let rendered = engine()
        .render_file(&file, Mode::Strict, Arc::new(host()))
        .unwrap();
    assert_eq!(rendered.text, "select 1\n\n");
    assert_eq!(rendered.place(7).unwrap().span, 7..7);
}

#[test]
fn while_parsing_undefined_values_swallow_everything_in_bodies_but_not_in_macros() {
    let text = "{{ nosuch.a['b'](1).c }}{{ nosuch() }}{% call nosuch.x(1) %}y{% endcall %}{% for x in nope.rows %}{{ x }}{% endfor %}{{ {}.a.b.c() }}{{ nope is defined }}{{ nope | default('d') }}{{ rows[0] }}{{ cents(nope) }}";
    assert_eq!(
        render_with(text, Mode::Absorbing, host()).unwrap(),
        "Falsed1round( / 100.0, 2)"
    );
    let e = render_with("{{ unknown_attr({}) }}", Mode::Absorbing, host()).unwrap_err();
    assert_eq!(e.message, "'dict object' has no attribute 'a'");
    assert_eq!(
        render_with("{{ unknown_attr(nope) }}", Mode::Absorbing, host()).unwrap(),
        ""
    );
}

#[test]
fn macros_are_called_from_rust() {
    let engine = engine();
    let host: Arc<dyn Scope> = Arc::new(host());
    let def = engine.registry().get("proj", "cols").unwrap();
    let value = engine.call_macro(def, &[], &[], host.clone()).unwrap();
    assert_eq!(repr_of(&value), "['a_x', 'b_x']");
    let def = engine.registry().get("proj", "cents").unwrap();
    let value = engine
        .call_macro(
            def,
            &[Value::from("a")],
            &[("places".into(), Value::from(3))],
            host.clone(),
        )
        .unwrap();
    assert_eq!(str_of(&value), "round(a / 100.0, 3)");
    let def = engine.registry().get("proj", "fails").unwrap();
    let e = engine.call_macro(def, &[], &[], host).unwrap_err();
    assert_eq!((e.message.as_str(), e.stack.len()), ("division by zero", 1));
}

#[test]
fn one_engine_renders_from_many_threads() {
    let engine = engine();
    let file = SourceFile::new(
        "m.sql",
        "{% for r in rows %}{{ cents(r) }}{% endfor %}{{ fact(6) }}",
    );
    let expected = engine
        .render_file(&file, Mode::Strict, Arc::new(host()))
        .unwrap()
        .text;
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..50 {
                    assert_eq!(
                        engine
                            .render_file(&file, Mode::Strict, Arc::new(host()))
                            .unwrap()
                            .text,
                        expected
                    );
                }
            });
        }
    });
}

#[test]
fn line_ends_of_windows_do_not_shift_places() {
    let text = "a\r\nb\r\nc {{ 1 }}\r\nd";
    let rendered = engine()
        .render_file(
            &SourceFile::new("m.sql", text),
            Mode::Strict,
            Arc::new(host()),
        )
        .unwrap();
    assert_eq!(rendered.text, "a\nb\nc 1\nd");
    let at = |part: &str| {
        rendered
            .place(rendered.text.find(part).unwrap())
            .unwrap()
            .span
            .start
    };
    assert_eq!(
        (at("c"), at("d")),
        (text.find('c').unwrap(), text.find('d').unwrap())
    );
}

/// Renders a second; run it with optimisation: `cargo test --release speed -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
fn speed() {
    let engine = engine();
    let scope: Arc<dyn Scope> = Arc::new(host());
    let simple =
        "select a, b, {{ rows[0] }} as c from {{ ref('t') }} where x = {{ rows | length }}";
    let heavy = "select {% for r in rows %}{{ cents('c' ~ r) }} as c{{ r }}, {% endfor %}{{ fact(5) + 1 }}, {{ cols() | join(', ') }}, {% if rows | length > 2 and 'a' in 'abc' %}{{ wrap_it }}{% endif %}{% call wrap('b') %}{{ 1 + 2 * 3 }}{% endcall %} from t";
    for (name, text) in [("simple", simple), ("heavy", heavy)] {
        let file = SourceFile::new("m.sql", text);
        let start = std::time::Instant::now();
        let mut count = 0u32;
        while start.elapsed().as_millis() < 1000 {
            for _ in 0..100 {
                engine
                    .render_file(&file, Mode::Strict, scope.clone())
                    .unwrap();
            }
            count += 100;
        }
        eprintln!("{name}: {count} renders a second, from source text");
    }
}
