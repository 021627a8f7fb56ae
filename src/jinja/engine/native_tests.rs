//! Native rendering; the expected values are those of dbt 1.10.
use super::*;
use crate::jinja::python::{Dict, List, repr_of};

struct Names;

impl Scope for Names {
    fn package(&self) -> &'static str {
        ""
    }

    fn lookup(&self, name: &str) -> Option<Value> {
        Some(match name {
            "x" => Value::from("1"),
            "t" => Value::from(true),
            "s" => Value::from("True"),
            "n" => Value::from(()),
            "l" => List::value(vec![Value::from(1), Value::from(2)]),
            "d" => Dict::value([(Value::from("a"), Value::from("b"))].into_iter().collect()),
            "e" => Value::from(""),
            "i" => Value::from(5),
            "f" => Value::from_function(|v: Value| v),
            _ => return None,
        })
    }
}

fn native(text: &str) -> String {
    let engine = EngineBuilder::new().build(Packages::default()).unwrap();
    let file = SourceFile::new("project.yml", text);
    match engine.native(&file, 0..text.len(), Mode::Strict, Arc::new(Names)) {
        Ok(value) => repr_of(&value),
        Err(e) => format!("! {}", e.message),
    }
}

#[test]
fn a_lone_expression_keeps_its_type() {
    for (text, expected) in [
        ("{{ x }}", "'1'"),
        ("{{ i }}", "5"),
        ("{{ t }}", "True"),
        ("{{ n }}", "None"),
        ("{{ l }}", "[1, 2]"),
        ("{{ d }}", "{'a': 'b'}"),
        ("{{ e }}", "''"),
        ("{{ i }}\n", "5"),
        ("{# c #}{{ i }}", "5"),
        ("{% if t %}{{ i }}{% else %}x{% endif %}", "5"),
        ("{% set y = 5 %}{{ y }}", "5"),
        ("{{ i == 5 }}", "True"),
        ("{{ i + 1 }}", "6"),
        ("{{ i / 2 }}", "2.5"),
        ("{{ -i }}", "-5"),
        ("{{ not t }}", "False"),
        ("{{ f(5) }}", "5"),
        ("{{ f('7') }}", "'7'"),
        ("{{ x | int }}", "1"),
        ("{{ i | string }}", "'5'"),
        ("{{ l | length }}", "2"),
        ("{{ l[0] }}", "1"),
        ("{{ [i] }}", "[5]"),
        ("{{ 1 if t else 2 }}", "1"),
        ("{{ n or 'x' }}", "'x'"),
        ("{{ 'a,b'.split(',') }}", "['a', 'b']"),
        ("{{ dict(a=1) }}", "{'a': 1}"),
        ("{{ nope }}", "Undefined"),
    ] {
        assert_eq!(native(text), expected, "{text}");
    }
}

#[test]
fn text_several_pieces_and_constants_are_text() {
    for (text, expected) in [
        ("plain", "'plain'"),
        ("a\n", "'a'"),
        ("5", "'5'"),
        ("a {{ i }}", "'a 5'"),
        ("{{ i }} ", "'5 '"),
        ("{{ i }}{{ i }}", "'55'"),
        ("{{ e }}{{ i }}", "'5'"),
        ("x{{ nope }}", "'x'"),
        ("{% if t %}5{% endif %}", "'5'"),
        ("{% raw %}{{ i }}{% endraw %}", "'{{ i }}'"),
        ("{{ 1 + 1 }}", "'2'"),
        ("{{ [1, 2] }}", "'[1, 2]'"),
        ("{{ true }}", "'True'"),
        ("{{ none }}", "'None'"),
        ("{{ -1 }}", "'-1'"),
        ("{{ '3' | int }}", "'3'"),
        ("{{ (1, 2) }}", "'(1, 2)'"),
        ("{{ {'a': 1} }}", "\"{'a': 1}\""),
        ("{{ 1 if true else 2 }}", "'1'"),
        ("{{ true and 5 }}", "'5'"),
        ("{{ 1 < 2 }}", "'True'"),
        ("{{ [1][0] }}", "'1'"),
    ] {
        assert_eq!(native(text), expected, "{text}");
    }
}

#[test]
fn the_typing_filters_read_python_literals() {
    for (text, expected) in [
        ("{{ x | as_number }}", "1"),
        ("{{ x | as_native }}", "1"),
        ("{{ s | as_bool }}", "True"),
        ("{{ s | as_native }}", "True"),
        (
            "{{ 'true' | as_bool }}",
            "! Could not convert value 'true' into type 'bool'",
        ),
        ("{{ x | as_text }}", "'1'"),
        ("{{ i | as_text }}", "'5'"),
        ("{{ i | as_number }}", "5"),
        ("{{ '1.5' | as_number }}", "1.5"),
        (
            "{{ 'abc' | as_number }}",
            "! Could not convert value 'abc' into type 'number'",
        ),
        ("{{ 'abc' | as_native }}", "'abc'"),
        ("{{ '[1,2]' | as_native }}", "[1, 2]"),
        ("{{ '{\"a\": 1}' | as_native }}", "{'a': 1}"),
        (
            "{{ t | as_number }}",
            "! Could not convert value 'True' into type 'number'",
        ),
        (
            "{{ x | as_bool }}",
            "! Could not convert value '1' into type 'bool'",
        ),
        (
            "{{ e | as_number }}",
            "! Could not convert value '' into type 'number'",
        ),
        ("{{ n | as_native }}", "None"),
        ("{{ x | as_number }}0", "'10'"),
        ("{{ s | as_bool }} and", "'True and'"),
        ("{{ f(x|as_number) }}", "1"),
        ("{{ s == 'True' | as_bool }}", "True"),
        ("{{ s == 'other' | as_bool }}", "False"),
        ("{{ (s == 'True') | as_bool }}", "True"),
        ("{{ ' 1 ' | as_number }}", "1"),
        ("{{ '0x10' | as_number }}", "16"),
    ] {
        assert_eq!(native(text), expected, "{text}");
    }
}

#[test]
fn expressions_give_values() {
    let engine = EngineBuilder::new().build(Packages::default()).unwrap();
    let value = engine.expression("i + 1", Arc::new(Names)).unwrap();
    assert_eq!(repr_of(&value), "6");
    assert_eq!(
        engine
            .expression("nope.a", Arc::new(Names))
            .unwrap_err()
            .message,
        "'nope' is undefined"
    );
}
