//! What is read, and what is said about the rest.
use super::*;
use proptest::prelude::*;

/// Draws the tree with every bracket.
fn show(e: &Expr) -> String {
    match &e.kind {
        Ex::Null => "null".into(),
        Ex::Bool(b) => b.to_string(),
        Ex::Int(i) => i.to_string(),
        Ex::Float(x) => format!("{x:?}"),
        Ex::Text(t) => format!("'{t}'"),
        Ex::Name(n) => n.clone(),
        Ex::Field(e, f, _) => format!("{}.{f}", show(e)),
        Ex::Index(t, l) => {
            format!("{t}[{}]", l.iter().map(show).collect::<Vec<_>>().join(", "))
        }
        Ex::Call(f, l, _) => {
            format!("{f}({})", l.iter().map(show).collect::<Vec<_>>().join(", "))
        }
        Ex::Negate(e) => format!("(- {})", show(e)),
        Ex::Not(e) => format!("(not {})", show(e)),
        Ex::Binary(op, a, b) => format!("({} {} {})", show(a), op.text(), show(b)),
        Ex::IsNull(e, not) => {
            format!("({} is {}null)", show(e), if *not { "not " } else { "" })
        }
        Ex::In(e, l, not) => format!(
            "({} {}in [{}])",
            show(e),
            if *not { "not " } else { "" },
            l.iter().map(show).collect::<Vec<_>>().join(", ")
        ),
    }
}

#[test]
fn precedence_is_that_of_sql() {
    let cases = [
        (
            "a or b and not c = 1 + 2 * -3",
            "(a or (b and (not (c = (1 + (2 * -3))))))",
        ),
        (
            "not finished and chance(0.6) or finished",
            "(((not finished) and chance(0.6)) or finished)",
        ),
        (
            "episodes[state.season.id, nth].on > day",
            "(episodes[state.season.id, nth].on > day)",
        ),
        (
            "x is not null and y not in ('a', 'it''s')",
            "((x is not null) and (y not in ['a', 'it's]))",
        ),
        ("a || b || 'c'", "((a || b) || 'c')"),
        ("-(a - b) / 1e3", "((- (a - b)) / 1000.0)"),
        ("Sjælland = 1_000", "(Sjælland = 1000)"),
    ];
    for (text, want) in cases {
        let want = want.replace("'it's]", "'it's']");
        assert_eq!(parse(text).map(|e| show(&e)), Ok(want), "{text}");
    }
}

#[test]
fn errors_say_what_was_expected_and_where() {
    let all: Vec<String> = [
        "1 +",
        "pow(x, 0.9",
        "a == b",
        "a b",
        "x is 3",
        "case when",
        "\"TV\"",
        "'TV",
        "a.1",
        "a ? b",
        "",
        "1e999999 + 9999999999999999999",
    ]
    .iter()
    .map(|text| match parse(text) {
        Ok(e) => format!("{text} -> {}", show(&e)),
        Err(e) => format!(
            "{text} -> {:?} {} | {}",
            e.span,
            e.message,
            e.help.unwrap_or_default()
        ),
    })
    .collect();
    insta::assert_snapshot!(all.join("\n"));
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in ".{0,60}") {
        let _ = parse(&text);
    }

    #[test]
    fn likely_text_neither(text in "([a-z(),.\\[\\]'+*/<=>|-]|not |and |null| |1){0,60}") {
        if let Ok(e) = parse(&text) {
            prop_assert!(e.span.end <= text.len());
        }
    }
}

#[test]
fn deep_nesting_is_an_error_not_a_crash() {
    for text in [
        format!("{}1{}", "(".repeat(5000), ")".repeat(5000)),
        format!("{}true", "not ".repeat(4000)),
        format!("{}x", "-".repeat(100_000)),
        format!("1{}", " + 1".repeat(4000)),
        format!("1{}", " + 1".repeat(200_000)),
        format!("x = 1{}", " or x = 1".repeat(3000)),
        format!("x{}", ".y".repeat(4000)),
        format!("x{}", " is null".repeat(4000)),
    ] {
        assert!(parse(&text).is_err(), "{}", &text[..20]);
    }
    assert!(parse(&format!("1{}", " + 1".repeat(300))).is_ok());
    let many = (0..3000)
        .map(|i| i.to_string())
        .collect::<Vec<_>>()
        .join(", ");
    assert!(parse(&format!("x in ({many})")).is_ok());
}
