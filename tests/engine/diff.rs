//! `diff`: models as they would be, beside relations as they are.
use crate::project::Project;

const SHOP: &[(&str, &str)] = &[
    (
        "seeds/raw.csv",
        "id,kind,amount\n1,a,10\n2,a,20\n3,b,30\n4,b,40\n",
    ),
    (
        "models/orders.sql",
        "{{ config(materialized='table') }}\nselect id, kind, amount from {{ ref('raw') }}\n",
    ),
    (
        "models/kinds.sql",
        "select kind, sum(amount) as total from {{ ref('orders') }} group by kind\n",
    ),
    (
        "models/log.sql",
        "{{ config(materialized='incremental') }}\nselect id, amount from {{ ref('orders') }}\n\
         {% if is_incremental() %} where id > (select max(id) from {{ this }}) {% endif %}\n",
    ),
    (
        "models/p.yml",
        "models:\n  - name: orders\n    columns:\n      - name: id\n        data_tests: [unique, not_null]\n",
    ),
];

#[test]
fn what_would_differ_is_shown_and_nothing_changes() {
    let shop = Project::new(SHOP);
    shop.tv1(&["build"]).expect(0, &[]);
    shop.tv1(&["diff"]).expect(
        0,
        &[
            "orders: no difference (4 rows)",
            "kinds: no difference (2 rows)",
            "log: no difference (4 rows)",
        ],
    );
    shop.write(
        "models/orders.sql",
        "{{ config(materialized='table') }}\n\
         select id, kind, case id when 2 then null else amount::numeric(8,2) end as amount, true as is_new\n\
         from {{ ref('raw') }} where id <> 4 union all select 5, 'c', 1, false\n",
    );
    shop.write(
        "models/fresh.sql",
        "select 1 as x from {{ ref('orders') }}\n",
    );
    // A model after a changed one is built on what that would hold.
    shop.tv1(&["diff"]).expect(
        0,
        &[
            "column + is_new boolean",
            "column ~ amount integer → numeric",
            "rows   4 → 4: 1 added, 1 removed, 3 changed, by id",
            "values amount 3",
            "20 → null",
            "kinds:",
            "whole rows compared: no unique key is known",
            "fresh: new, 4 rows",
            "log:",
        ],
    );
    // Alone it is built on what is there.
    shop.tv1(&["diff", "--select", "kinds"])
        .expect(0, &["kinds: no difference (2 rows)"]);
    shop.tv1(&[
        "show",
        "--inline",
        "select count(*) as n, count(amount) as filled from {{ ref('orders') }}",
        "--output",
        "json",
    ])
    .expect(0, &["\"n\": 4", "\"filled\": 4"]);
    let json = shop
        .tv1(&[
            "--quiet", "diff", "--select", "orders", "--output", "json", "--limit", "1",
        ])
        .expect(0, &[])
        .said
        .clone();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json[0]["status"], "different");
    assert_eq!(json[0]["key"], serde_json::json!(["id"]));
    assert_eq!(
        [&json[0]["added"], &json[0]["removed"], &json[0]["changed"]],
        [1, 1, 3]
    );
    assert_eq!(json[0]["rows"].as_array().unwrap().len(), 1);
    assert_eq!(json[0]["rows"][0]["now"]["amount"], "10");
}

#[test]
fn a_model_that_cannot_be_built_is_told_and_those_after_it_are_skipped() {
    let shop = Project::new(SHOP);
    shop.tv1(&["build"]).expect(0, &[]);
    shop.write(
        "models/orders.sql",
        "{{ config(materialized='table') }}\nselect id, kind, amuont as amount\nfrom {{ ref('raw') }}\n",
    );
    shop.tv1(&["diff"]).expect(
        1,
        &[
            "orders: cannot be built",
            "column \"amuont\" does not exist",
            "models/orders.sql:2:",
            "kinds: skipped",
            "log: skipped",
        ],
    );
    shop.tv1(&["diff", "--select", "nothing_here"])
        .expect(0, &["Nothing to do"]);
}
