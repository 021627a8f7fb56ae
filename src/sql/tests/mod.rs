//! Lineage of SQL that is not easy.
mod any_text;

use super::*;

fn columns(name: &RelationName) -> Option<Vec<String>> {
    let names: &[&str] = match (name.schema.as_deref(), name.name.as_str()) {
        (None | Some("s"), "t") => &["a", "b", "c"],
        (None, "u") => &["a", "d"],
        (None, "v") => &["d", "e"],
        (None, "o") => &["id", "customer_id", "amount", "day", "tags", "doc"],
        (None, "tree") => &["id", "parent", "name"],
        (None, "Mixed") => &["Id", "id"],
        (None, "xml") => &["data"],
        _ => return None,
    };
    Some(names.iter().map(ToString::to_string).collect())
}

/// One line a column, then the filters, then the notes.
fn show(sql: &str) -> String {
    let lineage = match lineage(sql, &columns) {
        Ok(lineage) => lineage,
        Err(unknown) => return unknown.to_string(),
    };
    let column = |c: &ColumnRef| format!("{}.{}", c.relation, c.column);
    let mut out = Vec::new();
    for c in &lineage.columns {
        let origins = c.origins.iter().map(|o| match o.kind {
            Kind::Copy => column(&o.from),
            Kind::Derive => format!("~{}", column(&o.from)),
            Kind::Aggregate => format!("#{}", column(&o.from)),
        });
        out.push(format!(
            "{}={}",
            c.name,
            origins.collect::<Vec<_>>().join(",")
        ));
    }
    if !lineage.filters.is_empty() {
        let filters: Vec<_> = lineage.filters.iter().map(column).collect();
        out.push(format!("| {}", filters.join(",")));
    }
    for note in &lineage.notes {
        out.push(format!("! {note}"));
    }
    out.join(" ")
}

fn check(cases: &[(&str, &str)]) {
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|(sql, expected)| {
            let found = show(sql);
            (found != *expected)
                .then(|| format!("{sql}\n  found    {found}\n  expected {expected}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn plain_selects() {
    check(&[
        (
            "select a, b as x, a + b, 1 from t",
            "a=t.a x=t.b ?column?=~t.a,~t.b ?column?=",
        ),
        ("select t.a, s.t.b from s.t", "a=s.t.a b=s.t.b"),
        ("select * from t", "a=t.a b=t.b c=t.c"),
        ("select x.*, 1 as one from t as x", "a=t.a b=t.b c=t.c one="),
        ("select q.x, q.c from t as q(x, y)", "x=t.a c=t.c"),
        ("select A, \"a\", T.B from T", "a=t.a a=t.a b=t.b"),
        (
            "select \"Id\", id from \"Mixed\"",
            "Id=Mixed.Id id=Mixed.id",
        ),
        (
            "select a from t where b > 1 and c in (1, 2)",
            "a=t.a | t.b,t.c",
        ),
        (
            "select a::text, cast(b as int), (c) from t",
            "a=~t.a b=~t.b c=t.c",
        ),
        (
            "select case when a > 1 then b else c end from t",
            "c=~t.a,~t.b,~t.c",
        ),
        ("select case when a > 1 then b end from t", "case=~t.a,~t.b"),
        (
            "select coalesce(a, b) as x, now() from t",
            "x=~t.a,~t.b now=",
        ),
        (
            "select 'x' || a || 'y', -b, not c, a is null from t",
            "?column?=~t.a ?column?=~t.b ?column?=~t.c ?column?=~t.a",
        ),
        ("select a from t order by b", "a=t.a"),
        ("select a from t order by b limit 3", "a=t.a | t.b"),
        (
            "select a, b as c from t order by c fetch first 1 row only",
            "a=t.a c=t.b | t.b",
        ),
        (
            "select nope, t.nope, x.nope from t",
            "nope= nope= nope= ! `x.nope` is not known ! column `nope` is not known ! column `t.nope` is not known",
        ),
        ("select t from t", "t=~t.a,~t.b,~t.c"),
        ("select (t).b, (t).b[1] from t", "b=t.b b=~t.b"),
        (
            "select extract(year from a), a at time zone 'UTC', b between a and c from t",
            "extract=~t.a timezone=~t.a ?column?=~t.a,~t.b,~t.c",
        ),
        (
            "select o.tags[1], o.doc -> 'x' ->> 'y', array[id, amount] from o",
            "tags=~o.tags ?column?=~o.doc array=~o.amount,~o.id",
        ),
        (
            "select position('x' in a), substring(a from b for c), trim(both 'x' from a), overlay(a placing b from 1) from t",
            "position=~t.a substring=~t.a,~t.b,~t.c btrim=~t.a overlay=~t.a,~t.b",
        ),
        ("values (1, 2), (3, 4)", "column1= column2="),
    ]);
}

/// The names were given by PostgreSQL itself.
#[test]
fn columns_without_an_alias_are_named_as_by_postgres() {
    let sql = "select extract(year from day), day at time zone 'UTC', position('x' in name), substring(name from 1 for 2), trim(both 'x' from name), trim(leading 'x' from name), trim(name), overlay(name placing 'x' from 1), ceil(1.5), floor(1.5), ceiling(1.5), interval '1 day', row(1,2), (1,2), date '2020-01-01', current_date, current_timestamp, nullif(amount,1), greatest(1,2), amount::numeric(10,2), 'x'::text, 1::int, cast('a' as varchar(3)), exists(select 1), 1::double precision, array[1]::bigint[], 'x'::char(2), now()::timestamp with time zone, case when true then 1 else amount::text::int end, case when true then 1 else 2 end, (select 1), (select 1 as q), true, null, 1 in (1), name like 'x', name collate \"C\", coalesce(1,2)::bigint, -amount::int, @ amount, (amount), not true, substring(name, 1, 2), count(*) over () from o, tree";
    let names: Vec<String> = lineage(sql, &columns)
        .unwrap()
        .columns
        .into_iter()
        .map(|c| c.name)
        .collect();
    assert_eq!(
        names.join(" "),
        "extract timezone position substring btrim ltrim btrim overlay ceil floor ceiling interval row row date current_date current_timestamp nullif greatest amount text int4 varchar exists float8 array bpchar now amount case ?column? q ?column? ?column? ?column? ?column? name coalesce ?column? ?column? amount ?column? substring count"
    );
}

#[test]
fn aggregates_and_windows() {
    check(&[
        ("select a, sum(b) from t group by a", "a=t.a sum=#t.b | t.a"),
        (
            "select a as k, count(*) from t group by 1 having max(b) > 2",
            "k=t.a count= | t.a,t.b",
        ),
        (
            "select a + b as k, count(distinct c) n from t group by k",
            "k=~t.a,~t.b n=#t.c | t.a,t.b",
        ),
        (
            "select sum(a) filter (where b > 0) as x from t",
            "x=#t.a,#t.b",
        ),
        (
            "select percentile_cont(0.5) within group (order by a) from t",
            "percentile_cont=#t.a",
        ),
        (
            "select string_agg(a, ',' order by b) from t",
            "string_agg=#t.a,#t.b",
        ),
        (
            "select row_number() over (partition by a order by b desc) from t",
            "row_number=#t.a,#t.b",
        ),
        (
            "select sum(a) over w, lag(b) over (w order by c) from t window w as (partition by c)",
            "sum=#t.a,#t.c lag=#t.b,#t.c",
        ),
        (
            "select a, b from t group by grouping sets ((a), (b), ())",
            "a=t.a b=t.b | t.a,t.b",
        ),
        (
            "select a, max(b) from t group by rollup (a, c)",
            "a=t.a max=#t.b | t.a,t.c",
        ),
        (
            "select distinct on (a) a, b from t order by a, c desc",
            "a=t.a b=t.b | t.a,t.c",
        ),
        ("select distinct a from t", "a=t.a"),
        ("select my_function(a, b) from t", "my_function=~t.a,~t.b"),
        ("select count(t.*) from t", "count=#t.a,#t.b,#t.c"),
    ]);
}

#[test]
fn joins() {
    check(&[
        (
            "select t.b, d from t join u on t.a = u.a",
            "b=t.b d=u.d | t.a,u.a",
        ),
        (
            "select a, b, d from t join u using (a)",
            "a=t.a b=t.b d=u.d | t.a,u.a",
        ),
        ("select a from t left join u using (a)", "a=t.a | t.a,u.a"),
        ("select a from t right join u using (a)", "a=u.a | t.a,u.a"),
        (
            "select a from t full join u using (a)",
            "a=~t.a,~u.a | t.a,u.a",
        ),
        (
            "select * from t join u using (a)",
            "a=t.a b=t.b c=t.c d=u.d | t.a,u.a",
        ),
        (
            "select t.*, u.* from t join u using (a)",
            "a=t.a b=t.b c=t.c a=u.a d=u.d | t.a,u.a",
        ),
        (
            "select * from t natural join u natural join v",
            "d=u.d a=t.a b=t.b c=t.c e=v.e | t.a,u.a,u.d,v.d",
        ),
        ("select a from t, u", "a= ! column `a` is ambiguous"),
        (
            "select j.b, j.d from (t join u using (a)) as j",
            "b=t.b d=u.d | t.a,u.a",
        ),
        (
            "select x.a, e from (t x cross join v) left join u on u.d = v.d",
            "a=t.a e=v.e | u.d,v.d",
        ),
        (
            "select x.a, y.a from t x join t y on x.b = y.c",
            "a=t.a a=t.a | t.b,t.c",
        ),
        (
            "select a, k.a from t join u using (a) as k",
            "a=t.a a=t.a | t.a,u.a",
        ),
    ]);
}

#[test]
fn subqueries() {
    check(&[
        (
            "select x.y from (select a + 1 as y, b from t where c > 0) x",
            "y=~t.a | t.c",
        ),
        (
            "select (select max(d) from u where u.a = t.a) as m from t",
            "m=~t.a,~u.a,#u.d",
        ),
        ("select (select b) from t", "b=t.b"),
        (
            "select b from t where exists (select 1 from u where u.a = t.a and d > 0)",
            "b=t.b | t.a,u.a,u.d",
        ),
        (
            "select b from t where a in (select a from u where d > 1)",
            "b=t.b | t.a,u.a,u.d",
        ),
        ("select b in (select d from u) from t", "?column?=~t.b,~u.d"),
        (
            "select a from t where b > all (select d from u)",
            "a=t.a | t.b,u.d",
        ),
        (
            "select array(select d from u where u.a = t.a) from t",
            "array=#t.a,#u.a,#u.d",
        ),
        // The inner `a` is the inner table's, not the outer one's.
        ("select (select a from u limit 1) from t", "a=u.a"),
        (
            "select l.s from t, lateral (select t.b + d as s from u where u.a = t.a) l",
            "s=~t.b,~u.d | t.a,u.a",
        ),
        (
            "select l.s from t left join lateral (select d as s from u where u.a = t.a) l on true",
            "s=u.d | t.a,u.a",
        ),
        // Without `lateral` a subquery cannot see its neighbours.
        (
            "select l.s from t, (select b as s from u) l",
            "s= ! column `b` is not known",
        ),
        (
            "select s from (select t.a s from t) q where q.s > 1",
            "s=t.a | t.a",
        ),
        (
            "select a from t limit (select max(d) from u)",
            "a=t.a | u.d",
        ),
    ]);
}

#[test]
fn set_operations() {
    check(&[
        (
            "select a, b from t union all select a, d from u",
            "a=t.a,u.a b=t.b,u.d",
        ),
        (
            "select a from t union select d + 1 from u where a > 1",
            "a=t.a,~u.d | u.a",
        ),
        ("select a from t except select d from u", "a=t.a | t.a,u.d"),
        (
            "select a from t intersect select d from u",
            "a=t.a | t.a,u.d",
        ),
        (
            "(select a from t order by b limit 1) union all select d from u order by 1",
            "a=t.a,u.d | t.b",
        ),
        (
            "select a from t union all select d from u order by a limit 2",
            "a=t.a,u.d | t.a,u.d",
        ),
        (
            "select a from t union (select a from u union select d from v)",
            "a=t.a,u.a,v.d",
        ),
    ]);
}

#[test]
fn ctes() {
    check(&[
        (
            "with x as (select a, b * 2 as b2 from t where c > 0), y as (select * from x) select b2, a from y",
            "b2=~t.b a=t.a | t.c",
        ),
        (
            "with x(p, q) as (select a, b from t) select q from x",
            "q=t.b",
        ),
        // A CTE hides the relation of its name, but not within itself.
        ("with t as (select a as z from t) select * from t", "z=t.a"),
        (
            "with x as (select a from t) select s.x.a from s.x",
            "a=s.x.a",
        ),
        (
            "with x as (select a from t) select * from (with x as (select d from u) select * from x) q, x",
            "d=u.d a=t.a",
        ),
        (
            "with x as materialized (select a from t), unused as (select d from u where a > 1) select a from x",
            "a=t.a",
        ),
        (
            "with recursive r as (select id, parent, 1 as depth from tree where parent is null union all select tree.id, tree.parent, r.depth + 1 from tree join r on tree.parent = r.id) select * from r",
            "id=tree.id parent=tree.parent depth= | tree.id,tree.parent",
        ),
        (
            "with recursive r(n, path) as (select id, name from tree union all select tree.id, r.path || tree.name from tree join r on r.n = tree.parent) select path from r",
            "path=~tree.name | tree.id,tree.parent",
        ),
        // Values wander from column to column, one a round.
        (
            "with recursive r(x, y, z) as (select a, b, c from t union all select y, z, x from r) select x from r",
            "x=t.a,t.b,t.c",
        ),
        (
            "with recursive r as (select 1 as n union all select n + 1 from r where n < 10) select n from r",
            "n=",
        ),
        (
            "with x as (delete from t returning a) select a from x",
            "lineage unknown: a part of it changes data",
        ),
    ]);
}

#[test]
fn functions_in_from() {
    check(&[
        ("select g from generate_series(1, 3) g", "g="),
        ("select n from generate_series(1, 3) as g(n)", "n="),
        (
            "select id, tag from o, unnest(o.tags) as tag",
            "id=o.id tag=~o.tags | o.tags",
        ),
        (
            "select x.tag, x.pos from o cross join lateral unnest(tags) with ordinality as x(tag, pos)",
            "tag=~o.tags pos= | o.tags",
        ),
        (
            "select key, e.value from o, jsonb_each(o.doc -> 'x') e",
            "key=~o.doc value=~o.doc | o.doc",
        ),
        (
            "select r.p from o, jsonb_to_recordset(o.doc) as r(p int, q text)",
            "p=~o.doc | o.doc",
        ),
        (
            "select * from o join lateral jsonb_array_elements(doc) as e on true",
            "id=o.id customer_id=o.customer_id amount=o.amount day=o.day tags=o.tags doc=o.doc value=~o.doc | o.doc",
        ),
        (
            "select f.anything from my_set(1) f",
            "anything= ! column `f.anything` is not known",
        ),
        (
            "select p, q from (values (1, 'x'), (2, 'y')) as w(p, q)",
            "p= q=",
        ),
        (
            "select w.p from t, lateral (values (t.a, t.b)) as w(p, q)",
            "p=t.a",
        ),
        (
            "select generate_series from generate_series(1, 2)",
            "generate_series=",
        ),
    ]);
}

#[test]
fn relations_that_the_catalogue_does_not_know() {
    check(&[
        (
            "select x, y + 1 as z from raw.orders",
            "x=raw.orders.x z=~raw.orders.y",
        ),
        ("select * from raw.orders", "*=raw.orders.*"),
        (
            "with q as (select * from raw.orders) select id, sum(amount) s from q group by id",
            "id=raw.orders.id s=#raw.orders.amount | raw.orders.id",
        ),
        (
            "select o.x, p.y from raw.o o join raw.p p on o.i = p.i",
            "x=raw.o.x y=raw.p.y | raw.o.i,raw.p.i",
        ),
        (
            "select x from raw.o, raw.p",
            "x= ! column `x` could be of several relations whose columns are not known",
        ),
        (
            "select a, zz from t join raw.o on true",
            "a=t.a zz=raw.o.zz",
        ),
        (
            "select i, x from raw.o join raw.p using (i)",
            "i=raw.o.i x= | raw.o.i,raw.p.i ! column `x` could be of several relations whose columns are not known",
        ),
        (
            "select * from raw.o union all select * from raw.p",
            "*=raw.o.* *=raw.p.*",
        ),
        ("select *, 1 as one from db.raw.o", "one= *=db.raw.o.*"),
        // What is known around is more certain than what might be within.
        ("select (select b from raw.o limit 1) from t", "b=t.b"),
    ]);
}
