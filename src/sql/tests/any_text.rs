//! Whatever the text: no panic, no endless depth, and no origin that is not there.
use super::{columns, show};
use crate::sql::lineage;
use proptest::prelude::*;

#[test]
fn text_that_is_not_understood_is_unknown() {
    for sql in [
        "",
        "select 1; select 2",
        "insert into t values (1)",
        "select from where",
        "$$",
    ] {
        assert!(lineage(sql, &columns).is_err(), "{sql}");
    }
    let long = format!("select '{}'", "x".repeat(1 << 20));
    assert_eq!(
        lineage(&long, &columns).unwrap_err().0,
        "the text is longer than 512 KiB"
    );
}

#[test]
fn depth_does_not_exhaust_the_stack() {
    let sum = format!("select {} as s from t", vec!["a"; 100_000].join("+"));
    assert_eq!(show(&sum), "s=~t.a");
    let union = vec!["select a from t"; 20_000].join(" union all ");
    assert_eq!(show(&union), "a=t.a");
    let casts = format!("select a{} as s from t", "::int".repeat(80_000));
    assert_eq!(show(&casts), "s=~t.a");
    let brackets = format!(
        "select {}a{} from t",
        "(".repeat(50_000),
        ")".repeat(50_000)
    );
    assert!(lineage(&brackets, &columns).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_text_panics(sql in "(select|with|from|where|a|b|t|u|\\(|\\)|,|\\*|\\.|join|on|using|union|as|over|group by|1|'x'|=|lateral| |\\PC){0,40}") {
        let _ = lineage(&sql, &columns);
    }

    #[test]
    fn origins_are_columns_of_the_catalogue(
        items in prop::collection::vec(prop::sample::select(vec!["a", "b", "t.*", "*", "sum(b) over (order by a)", "(select d from u where u.a = t.a limit 1)", "coalesce(b, c) as k"]), 1..4),
        wrap in 0usize..4,
        tail in prop::sample::select(vec!["", " where b > 0", " limit 5", " union all select * from t"]),
    ) {
        let mut sql = format!("select {} from t{tail}", items.join(", "));
        for i in 0..wrap {
            sql = format!("with w{i} as ({sql}) select * from w{i}");
        }
        let found = lineage(&sql, &columns).unwrap();
        prop_assert!(found.notes.is_empty(), "{:?}", found.notes);
        let origins = found.columns.iter().flat_map(|c| &c.origins).map(|o| &o.from);
        for column in origins.chain(&found.filters) {
            prop_assert!(columns(&column.relation).unwrap().contains(&column.column));
        }
    }
}
