//! What others hang on a relation of the project outlives every way in which the relation is replaced.
use crate::project::Project;

const MART: &str = "{{ config(materialized=var('kind', 'table'), unique_key='id') }}\n\
    select {{ var('id', '1::int') }} as id, 'a'::text as name {{ var('more', '') }}\n";

/// Everything about the objects of the schema `reports`, as text.
const STATE: &str = "select c.relname, c.relkind::text, pg_get_userbyid(c.relowner), c.reloptions::text, \
      pg_get_viewdef(c.oid), (select string_agg(x::text, ',' order by x::text) from aclexplode(c.relacl) x), \
      (select string_agg(coalesce(a.attacl::text, '') || coalesce(col_description(c.oid, a.attnum), ''), ',' order by a.attnum) \
       from pg_attribute a where a.attrelid = c.oid and a.attnum > 0), obj_description(c.oid, 'pg_class'), \
      (select string_agg(pg_get_indexdef(indexrelid), ',' order by 1) from pg_index where indrelid = c.oid), \
      (select string_agg(pg_get_ruledef(w.oid), ',') from pg_rewrite w where w.ev_class = c.oid and rulename <> '_RETURN'), \
      (select string_agg(pg_get_triggerdef(g.oid), ',') from pg_trigger g where g.tgrelid = c.oid and not tgisinternal) \
    from pg_class c where relnamespace = 'reports'::regnamespace and relkind in ('v', 'm', 'r') order by 1";

const USERS: &str = "create schema reports; \
    do $$ begin create role safety_reader; exception when duplicate_object or unique_violation then null; end $$; \
    create view reports.direct with (security_barrier = true) as select id, name from mart; \
    comment on view reports.direct is 'mine'; comment on column reports.direct.id is 'key'; \
    grant select on reports.direct to safety_reader; \
    create view reports.indirect as select d.id, m.name from reports.direct d join mart m using (id); \
    create function reports.nothing() returns trigger language plpgsql as 'begin return null; end'; \
    create trigger t instead of insert on reports.direct for each row execute function reports.nothing(); \
    create rule r as on delete to reports.indirect do instead nothing; \
    create table reports.log (n bigint); \
    create rule counts as on insert to reports.log do also select count(*) from mart; \
    create function reports.many() returns bigint language sql begin atomic select count(*) from mart; end";

fn with_users(files: &[(&str, &str)]) -> Project {
    let p = Project::new(files);
    p.tv1(&["build"]).expect(0, &[]);
    p.execute(USERS);
    p
}

#[test]
fn users_objects_outlive_every_rebuild() {
    let p = with_users(&[("models/mart.sql", MART)]);
    let before = p.rows(STATE);
    // Table swapped, kind switched to and fro, full refresh of an incremental model.
    for kind in [
        "table",
        "view",
        "view",
        "incremental",
        "table",
        "materialized_view",
        "materialized_view",
        "table",
    ] {
        let vars = format!("{{kind: {kind}}}");
        p.tv1(&["run", "--full-refresh", "--vars", &vars])
            .expect(0, &["PASS=1"]);
        assert_eq!(p.rows(STATE), before, "after {kind}");
        assert_eq!(p.rows("select reports.many()"), "1", "after {kind}");
        assert_eq!(p.rows("select count(*) from reports.indirect"), "1");
        assert_eq!(p.debris(), "", "after {kind}");
    }
}

#[test]
fn new_columns_and_types_are_followed_or_refused() {
    let p = with_users(&[("models/mart.sql", MART)]);
    p.execute("create materialized view reports.sums as select id, count(*) as n from mart group by 1; \
        create unique index sums_id on reports.sums (id); create view reports.top as select * from reports.sums");
    let before = p.rows(STATE);
    p.tv1(&["run", "--vars", "{more: ', 2 as extra'}"])
        .expect(0, &[]);
    assert_eq!(p.rows(STATE), before);
    // Another type: the views cannot be changed in place, but made again.
    p.tv1(&["run", "--vars", "{id: '5::bigint'}"])
        .expect(0, &[]);
    assert_eq!(p.rows(STATE), before);
    assert_eq!(
        p.rows("select id, pg_typeof(id) from reports.indirect"),
        "5|bigint"
    );
    // A column that they need is gone: nothing changes, and the message says what is in the way.
    p.write(
        "models/mart.sql",
        "{{ config(materialized='table', on_dependents=var('policy', 'keep')) }}\nselect 7 as id\n",
    );
    p.tv1(&["run"]).expect(
        1,
        &[
            "other objects depend on it",
            "view reports.direct: column mart.name does not exist",
            "on_dependents: drop",
        ],
    );
    assert_eq!(p.rows(STATE), before);
    assert_eq!(p.rows("select id, name from mart"), "5|a");
    assert_eq!(p.debris(), "");
    p.tv1(&["run", "--vars", "{policy: drop}"]).expect(0, &[]);
    assert_eq!(p.rows("select c.relname from pg_class c where relnamespace = 'reports'::regnamespace and relkind in ('v','m')"), "");
    p.tv1(&["run", "--vars", "{policy: whatever}"]).expect(
        1,
        &["`on_dependents` must be `keep` or `drop`, not `whatever`"],
    );
}

#[test]
fn a_seed_and_its_keys_are_loaded_anew() {
    let p = Project::new(&[("seeds/codes.csv", "code,name\n1,a\n2,b\n")]);
    p.write("seeds/s.yml", "seeds:\n  - name: codes\n    config:\n      post_hook: alter table {{ this }} add primary key (code)\n      full_refresh: true\n");
    p.tv1(&["seed"]).expect(0, &[]);
    p.execute("create view named as select name from codes; create table uses (code int references codes on delete cascade); insert into uses values (1)");
    p.write("seeds/codes.csv", "code,name\n1,A\n3,c\n");
    p.tv1(&["seed", "--full-refresh"]).expect(0, &[]);
    assert_eq!(p.rows("select name from named order by 1"), "A c");
    assert_eq!(
        p.rows("select conname, confdeltype::text from pg_constraint where contype = 'f'"),
        "uses_code_fkey|c"
    );
    p.write("seeds/codes.csv", "code,name\n3,c\n");
    p.tv1(&["seed", "--full-refresh"]).expect(
        1,
        &["constraint uses_code_fkey on table public.uses: insert or update on table"],
    );
    assert_eq!(p.rows("select name from named order by 1"), "A c");
}

#[test]
fn own_nodes_downstream_go_on_working() {
    let p = Project::new(&[
        ("models/mart.sql", MART),
        (
            "models/below.sql",
            "select id, name from {{ ref('mart') }}\n",
        ),
        (
            "models/sums.sql",
            "{{ config(materialized='materialized_view', indexes=[{'columns': ['name'], 'unique': true}]) }}\nselect name, count(*) as {{ var('n', 'n') }} from {{ ref('below') }} group by 1\n",
        ),
    ]);
    p.tv1(&["run"]).expect(0, &["PASS=3"]);
    p.tv1(&["run", "--select", "mart"]).expect(0, &["PASS=1"]);
    assert_eq!(p.relations(), "below:v mart:r sums:m");
    // A materialized view that went along is made of its present text, as it would be had it been dropped.
    p.tv1(&["run", "--vars", "{n: howmany}"])
        .expect(0, &["PASS=3"]);
    assert_eq!(p.rows("select howmany from sums"), "1");
    // What does not fit is dropped with a warning when only the parent is built, and comes back when it is built.
    p.write(
        "models/mart.sql",
        "{{ config(materialized='table') }}\nselect 7 as id\n",
    );
    p.tv1(&["run", "--select", "mart"]).expect(
        0,
        &[
            "view public.below was dropped: it does not fit",
            "model.shop.below",
        ],
    );
    assert_eq!(p.relations(), "mart:r");
    p.write(
        "models/below.sql",
        "select id, 'n' as name from {{ ref('mart') }}\n",
    );
    p.tv1(&["run"]).expect(0, &["PASS=3"]);
    assert_eq!(p.relations(), "below:v mart:r sums:m");
}

#[test]
fn what_cannot_be_made_again_stops_the_node() {
    let p = Project::new(&[("models/mart.sql", MART)]);
    p.tv1(&["run"]).expect(0, &[]);
    p.execute("create table child () inherits (mart); insert into child values (9, 'kept')");
    p.tv1(&["run"])
        .expect(1, &["table public.child: it cannot be made again"]);
    assert_eq!(p.rows("select name from child"), "kept");
    assert_eq!(p.debris(), "");
}

#[test]
fn names_and_columns_of_any_kind() {
    let p = Project::new(&[(
        "models/MartÜ.sql",
        "{{ config(materialized='table', alias='Mart \"x\" Ü' | replace('\"x\" ', '')) }}\nselect 1 as \"Id Ü\", 2 as \"select\"\n",
    )]);
    p.tv1(&["run"]).expect(0, &[]);
    p.execute("create schema \"Re ports\"; create view \"Re ports\".\"V 1\" as select \"Id Ü\" as \"a b\", m.* from \"Mart Ü\" m");
    p.tv1(&["run"]).expect(0, &[]);
    assert_eq!(
        p.rows("select \"a b\", \"select\" from \"Re ports\".\"V 1\""),
        "1|2"
    );
}
