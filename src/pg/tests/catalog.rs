//! The catalogue, small and large.
use super::*;
use crate::pg::catalog::{self, DependantKind, RelationKind};
use std::time::{Duration, Instant};

#[test]
fn relations_columns_and_indexes() {
    let db = scratch::database();
    let mut s = db.connect();
    s.execute(
        "create schema \"S 1\"; set search_path to \"S 1\"; \
         create type mood as enum ('a'); create domain price as numeric(8,3); \
         create table t (id int primary key, v varchar(5), c text not null, n numeric(10,2), n0 numeric, p price, \
           m mood, a int[], ts timestamp, dropped int); \
         alter table t drop column dropped; \
         comment on table t is 'the t'; comment on column t.v is 'the v'; \
         create index tx on t (lower(v), n desc) include (c); \
         create unlogged table u (i int); create view v as select id, v from t; \
         create materialized view mv as select id from t; create function f() returns int language sql as 'select 1'; \
         create table part (i int) partition by list (i)",
    )
    .unwrap();
    assert!(
        catalog::schemas(&mut s)
            .unwrap()
            .contains(&"S 1".to_owned())
    );
    let found = catalog::relations(&mut s, &["S 1", "nope"]).unwrap();
    let short: Vec<_> = found
        .iter()
        .map(|r| (r.name.as_str(), r.kind.dbt(), r.unlogged))
        .collect();
    assert_eq!(
        short,
        [
            ("f", "function", false),
            ("mv", "materialized_view", false),
            ("part", "table", false),
            ("t", "table", false),
            ("u", "table", true),
            ("v", "view", false)
        ]
    );
    assert_eq!(
        (found[3].owner.as_str(), found[3].comment.as_deref()),
        ("tv1", Some("the t"))
    );
    let v = catalog::relation(&mut s, "S 1", "v").unwrap().unwrap();
    assert_eq!(v.kind, RelationKind::View);
    assert_eq!(catalog::relation(&mut s, "S 1", "f").unwrap(), None);
    let ours = catalog::columns(&mut s, "S 1", "t").unwrap();
    assert_eq!(ours[1].comment.as_deref(), Some("the v"));
    assert_eq!(
        (ours[5].sql_type.as_str(), ours[7].sql_type.as_str()),
        ("price", "integer[]")
    );
    assert!(ours[0].not_null && ours[2].not_null && !ours[1].not_null);
    // The types and sizes are those of the standard's view.
    let theirs = s
        .fetch(
            "select column_name, data_type, character_maximum_length, numeric_precision, numeric_scale \
             from information_schema.columns where table_schema = 'S 1' and table_name = 't' order by ordinal_position",
        )
        .unwrap();
    let number = |n: Option<i64>| n.map_or("NULL".into(), |n| n.to_string());
    let ours: Vec<Vec<String>> = ours
        .into_iter()
        .map(|c| {
            vec![
                c.name,
                c.data_type,
                number(c.char_size),
                number(c.numeric_precision),
                number(c.numeric_scale),
            ]
        })
        .collect();
    assert_eq!(ours, rows(&theirs));
    assert_eq!(catalog::columns(&mut s, "S 1", "nope").unwrap(), []);
    let all = catalog::columns_in(&mut s, &["S 1"]).unwrap();
    assert_eq!(all[&("S 1".to_owned(), "mv".to_owned())][0].name, "id");
    assert_eq!(all.len(), 5);
    let found = catalog::indexes(&mut s, "S 1", "t").unwrap();
    assert_eq!(found.len(), 2);
    assert!(found[0].primary && found[0].unique && found[0].constraint);
    assert_eq!(found[0].columns, ["id"]);
    assert_eq!(found[1].columns, ["lower(v::text)", "n"]);
    assert!(
        !found[1].unique
            && found[1]
                .definition
                .starts_with("CREATE INDEX tx ON \"S 1\".t")
    );
    s.execute("create temporary table tmp (x bigint)").unwrap();
    assert_eq!(
        catalog::temporary_columns(&mut s, "tmp").unwrap()[0].sql_type,
        "bigint"
    );
}

#[test]
fn what_a_cascade_takes_along_can_be_made_again() {
    let db = scratch::database();
    let mut s = db.connect();
    s.execute(
        "create role scratch_reader; create role scratch_owner; grant scratch_owner to tv1; \
         grant create on schema public to scratch_owner; \
         create table t (id int primary key, x text); insert into t values (1, 'a'); \
         create view v1 (k, \"X x\") as select id, x from t; \
         create view v2 with (security_barrier = true) as select v1.k, t.x from v1 join t on t.id = v1.k; \
         create materialized view m3 as select k, count(*) as n from v2 group by k; \
         create unique index m3k on m3 (k); \
         create view v4 as select * from m3, v1 as w (k2, x2); \
         create view other as select 1 as one; \
         create table child (t_id int constraint fk references t on delete cascade); \
         create table log (id int); \
         create rule r as on insert to child do also insert into log select id from t; \
         create function sf() returns bigint language sql begin atomic select count(*) from t; end; \
         grant select on v1 to public; grant select (k) on v2 to scratch_reader with grant option; \
         grant select on m3 to scratch_reader; \
         comment on view v1 is 'it''s v1'; comment on column v1.\"X x\" is E'back\\\\slash'; \
         alter view v2 owner to scratch_owner; grant select on v1, t to scratch_owner",
    )
    .unwrap();
    let found = catalog::dependants(&mut s, "public", "t").unwrap();
    let short: Vec<_> = found
        .iter()
        .map(|d| (d.kind, d.description.as_str(), d.depth))
        .collect();
    use DependantKind::{ForeignKey, Function, MaterializedView, Rule, View};
    assert_eq!(
        short,
        [
            (View, "view v1", 1),
            (ForeignKey, "constraint fk on table child", 1),
            (Rule, "rule r on table child", 1),
            (Function, "function sf()", 1),
            (View, "view v2", 2),
            (MaterializedView, "materialized view m3", 3),
            (View, "view v4", 4),
        ]
    );
    let before = state(&mut s);
    s.execute("begin; alter table t rename to old; create table t (id int primary key, x text); insert into t values (1, 'a')")
        .unwrap();
    s.execute("drop table old cascade").unwrap();
    s.execute("grant select on t to scratch_owner").unwrap();
    for sql in found.iter().flat_map(catalog::Dependant::restore) {
        s.execute(&sql).unwrap_or_else(|e| panic!("{sql}\n{e}"));
    }
    s.commit().unwrap();
    assert_eq!(state(&mut s), before);
    s.execute("drop owned by scratch_reader, scratch_owner cascade; drop role scratch_reader, scratch_owner").unwrap();
}

/// Everything about the views, as text.
fn state(s: &mut Session) -> Vec<Vec<String>> {
    let t = s
        .fetch(
            "select c.relname, pg_get_userbyid(c.relowner), pg_get_viewdef(c.oid), c.reloptions::text, \
               (select string_agg(x::text, ',' order by x::text) from aclexplode(c.relacl) x), \
               (select string_agg(a.attname || coalesce(a.attacl::text, '') || coalesce(col_description(c.oid, a.attnum), ''), ',' \
                  order by a.attnum) from pg_attribute a where a.attrelid = c.oid and a.attnum > 0), \
               obj_description(c.oid, 'pg_class'), \
               (select string_agg(pg_get_indexdef(indexrelid), ',') from pg_index where indrelid = c.oid), \
               (select string_agg(pg_get_constraintdef(k.oid), ',') from pg_constraint k where k.conrelid = c.oid and contype = 'f'), \
               (select string_agg(pg_get_ruledef(w.oid), ',') from pg_rewrite w where w.ev_class = c.oid and rulename <> '_RETURN') \
             from pg_class c where relnamespace = 'public'::regnamespace and (relkind in ('v', 'm') or relname = 'child') \
             order by 1",
        )
        .unwrap();
    rows(&t)
}

#[test]
fn ten_thousand_relations_are_no_reason_to_wait() {
    let db = scratch::database();
    let mut s = db.connect();
    s.execute("create schema big; set search_path to big")
        .unwrap();
    for batch in 0..10 {
        s.execute(&format!(
            "do $$ begin for i in {}..{} loop execute format('create table t%s (a int, b text)', i); \
               execute format('create view v%s as select * from t%s', i, i); end loop; end $$",
            batch * 500 + 1,
            batch * 500 + 500
        ))
        .unwrap();
    }
    let begin = Instant::now();
    assert_eq!(catalog::relations(&mut s, &["big"]).unwrap().len(), 10_000);
    let listed = begin.elapsed();
    assert_eq!(catalog::columns(&mut s, "big", "t77").unwrap().len(), 2);
    assert_eq!(catalog::dependants(&mut s, "big", "t77").unwrap().len(), 1);
    let asked = begin.elapsed().saturating_sub(listed);
    println!("10,000 relations: list {listed:?}, columns and dependants of one {asked:?}");
    // Generous, for busy machines; a plan that scans the catalogue for each relation takes minutes.
    assert!(listed < Duration::from_secs(20) && asked < Duration::from_secs(10));
}
