//! `build` and its relatives, end to end.
use crate::project::Project;

/// A seed, an ephemeral model, a view, a table, an incremental model, and tests of three kinds.
const SHOP: &[(&str, &str)] = &[
    (
        "seeds/orders.csv",
        "id,customer,amount\n1,ann,10.5\n2,bob,20\n",
    ),
    (
        "models/cleaned.sql",
        "{{ config(materialized='ephemeral') }}\nselect id, upper(customer) as customer, amount from {{ ref('orders') }}\n",
    ),
    (
        "models/by_customer.sql",
        "select customer, sum(amount) as amount from {{ ref('cleaned') }} group by 1\n",
    ),
    (
        "models/totals.sql",
        "{{ config(materialized='table') }}\nselect count(*) as customers, sum(amount)::int as amount from {{ ref('by_customer') }}\n",
    ),
    (
        "models/history.sql",
        "{{ config(materialized='incremental') }}\n\
         select id, customer, {{ var('turn', 1) }} as turn from {{ ref('cleaned') }}\n\
         {% if is_incremental() %}where id > (select max(id) from {{ this }}){% endif %}\n",
    ),
    (
        "models/shop.yml",
        "models:\n  - name: history\n    columns:\n      - name: id\n        data_tests: [unique, not_null]\n\
         unit_tests:\n  - name: adds_up\n    model: totals\n    given:\n      - input: ref('by_customer')\n\
         \x20       rows: [{customer: A, amount: 1}, {customer: B, amount: 2}]\n\
         \x20   expect: {rows: [{customers: 2, amount: 3}]}\n",
    ),
    (
        "tests/no_debts.sql",
        "select * from {{ ref('by_customer') }} where amount < 0\n",
    ),
];

const DIVIDES: &str = "{{ config(materialized='table') }}\nselect 10 / {{ var('by', 2) }} as x from {{ ref('first') }}\n";

#[test]
fn a_project_is_built_twice() {
    let shop = Project::new(SHOP);
    shop.tv1(&["build"])
        .expect(0, &["Completed successfully", "ERROR=0"]);
    assert_eq!(
        shop.relations(),
        "by_customer:v history:r orders:r totals:r"
    );
    assert_eq!(shop.rows("select customers, amount from totals"), "2|30");
    assert_eq!(
        shop.statuses(),
        [
            "model by_customer success",
            "model history success",
            "model totals success",
            "seed orders success",
            "test no_debts pass",
            "test not_null_history_id pass",
            "test unique_history_id pass",
            "unit_test totals pass",
        ]
    );

    shop.write(
        "seeds/orders.csv",
        "id,customer,amount\n1,eve,10.5\n2,bob,20\n3,cid,1.5\n",
    );
    shop.tv1(&["build", "--vars", "{turn: 2}"]).expect(0, &[]);
    let history = "select id, customer, turn from history order by id";
    assert_eq!(shop.rows(history), "1|ANN|1 2|BOB|1 3|CID|2");
    assert_eq!(shop.rows("select customers, amount from totals"), "3|32");

    shop.tv1(&["run", "--full-refresh", "--vars", "{turn: 3}"])
        .expect(0, &[]);
    assert_eq!(shop.rows(history), "1|EVE|3 2|BOB|3 3|CID|3");
}

#[test]
fn a_failing_model_holds_up_only_what_needs_it() {
    let shop = Project::new(&[
        (
            "models/first.sql",
            "{{ config(materialized='table') }}\nselect 1 as id\n",
        ),
        ("models/middle.sql", DIVIDES),
        ("models/last.sql", "select * from {{ ref('middle') }}\n"),
        ("models/very_last.sql", "select * from {{ ref('last') }}\n"),
        ("models/beside.sql", "select * from {{ ref('first') }}\n"),
    ]);
    let ended = shop.tv1(&["build", "--vars", "{by: 0}"]);
    ended.expect(1, &["division by zero", "middle", "SKIP=2", "ERROR=1"]);
    assert_eq!(shop.relations(), "beside:v first:r");
    assert_eq!(
        shop.statuses(),
        [
            "model beside success",
            "model first success",
            "model last skipped",
            "model middle error",
            "model very_last skipped",
        ]
    );
}

#[test]
fn a_table_that_fails_keeps_its_rows() {
    let shop = Project::new(&[
        ("models/first.sql", "select 1 as id\n"),
        ("models/middle.sql", DIVIDES),
        ("models/last.sql", "select * from {{ ref('middle') }}\n"),
    ]);
    shop.tv1(&["build"]).expect(0, &[]);
    shop.tv1(&["build", "--vars", "{by: 0}"])
        .expect(1, &["division by zero"]);
    assert_eq!(shop.rows("select x from middle"), "5");
    assert_eq!(shop.rows("select x from last"), "5");
    assert_eq!(shop.relations(), "first:v last:v middle:r");
}

#[test]
fn a_failing_test_holds_up_what_is_made_of_the_model() {
    let shop = Project::new(&[
        (
            "models/first.sql",
            "select 1 as id union all select 1 union all select null\n",
        ),
        ("models/last.sql", "select * from {{ ref('first') }}\n"),
        (
            "models/shop.yml",
            "models:\n  - name: first\n    columns:\n      - name: id\n        data_tests:\n          - unique\n\
             \x20         - not_null: {config: {severity: warn}}\n",
        ),
    ]);
    shop.tv1(&["build"])
        .expect(1, &["unique_first_id", "SKIP=1", "WARN=1", "ERROR=1"]);
    assert_eq!(
        shop.statuses(),
        [
            "model first success",
            "model last skipped",
            "test not_null_first_id warn",
            "test unique_first_id fail",
        ]
    );
    // `run` asks no test.
    shop.tv1(&["run"]).expect(0, &[]);
    assert_eq!(shop.relations(), "first:v last:v");
}

#[test]
fn selections_are_listed_without_a_database() {
    let shop = Project::new(SHOP);
    let list = |select: &str, more: &[&str]| {
        let args = [&["--quiet", "ls", "--select", select], more].concat();
        let ended = shop.tv1_at("postgresql://nobody@127.0.0.1:1/nothing", &args);
        ended.expect(0, &[]).said
    };
    assert_eq!(
        list("+totals", &["--resource-type", "model"]),
        "shop.by_customer\nshop.cleaned\nshop.totals\n"
    );
    assert_eq!(
        list(
            "cleaned+1",
            &["--output", "name", "--resource-type", "model"]
        ),
        "by_customer\ncleaned\nhistory\n"
    );
    assert_eq!(
        list(
            "+history,config.materialized:incremental",
            &["--output", "path", "--resource-type", "model"]
        ),
        "models/history.sql\n"
    );
    assert_eq!(shop.relations(), "");
}

#[test]
fn a_selection_builds_only_itself() {
    let shop = Project::new(SHOP);
    shop.tv1(&["build", "--select", "+by_customer"])
        .expect(0, &["Completed successfully"]);
    assert_eq!(shop.relations(), "by_customer:v orders:r");
    let ended = shop.tv1(&["build", "--select", "no_such_model"]);
    ended.expect(0, &["no_such_model", "does not match any"]);
}

#[test]
fn a_model_is_shown_and_compiled() {
    let shop = Project::new(SHOP);
    shop.tv1(&["build"]).expect(0, &[]);
    shop.tv1(&["show", "--select", "totals"])
        .expect(0, &["customers", "30"]);
    shop.tv1(&["compile", "--select", "by_customer"])
        .expect(0, &["__dbt__cte__cleaned"]);
    let compiled = shop
        .folder()
        .join("target/compiled/shop/models/by_customer.sql");
    let sql = std::fs::read_to_string(compiled).unwrap();
    assert!(!sql.contains("{{"), "{sql}");
    assert_eq!(
        shop.rows(&sql)
            .split(' ')
            .collect::<std::collections::BTreeSet<_>>(),
        ["ANN|10.5", "BOB|20.0"].into()
    );
}
