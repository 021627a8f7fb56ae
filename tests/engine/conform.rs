//! Behaviour that tools around dbt count on, beyond that models get built: what artefacts hold, what is said.
use crate::project::Project;
use serde_json::{Value, json};

fn artefact(p: &Project, name: &str) -> Value {
    let text = std::fs::read_to_string(p.folder().join("target").join(name)).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn keys(value: &Value) -> Vec<&str> {
    value
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

#[test]
fn a_catalogue_lists_every_meaning_of_a_table() {
    let p = Project::new(&[
        ("seeds/base.csv", "id\n1\n"),
        (
            "seeds/base.yml",
            "models:\n  - name: base\n    columns: [{name: id, data_tests: [not_null]}]\n\
             sources:\n  - name: raw\n    schema: public\n    tables: [{name: Base}]\n",
        ),
        ("models/m.sql", "select 1 as id, 'x'::varchar(3) as v"),
        ("assets/deep/a.txt", "hello"),
    ]);
    p.write(
        "dbt_project.yml",
        "name: shop\nprofile: shop\nasset-paths: [assets, none]\n",
    );
    // A seed that is described as a model is told of, and its tests run all the same.
    p.tv1(&["build"]).expect(
        0,
        &[
            "'base' is a seed node, but it is specified in the models section of seeds/base.yml",
            "place the `base` specification under the seeds key instead",
            "PASS=3",
        ],
    );
    p.tv1(&["docs", "generate"])
        .expect(0, &["Building catalog", "Catalog written to "]);
    let catalog = artefact(&p, "catalog.json");
    assert_eq!(keys(&catalog["nodes"]), ["model.shop.m", "seed.shop.base"]);
    assert_eq!(keys(&catalog["sources"]), ["source.shop.raw.Base"]);
    let v = &catalog["nodes"]["model.shop.m"]["columns"]["v"];
    assert_eq!(v["type"], "character varying(3)");
    assert!(p.folder().join("target/assets/deep/a.txt").exists());

    std::fs::remove_file(p.folder().join("target/manifest.json")).unwrap();
    p.tv1(&["docs", "generate", "--no-compile", "-s", "m"])
        .expect(0, &[]);
    let catalog = artefact(&p, "catalog.json");
    assert_eq!(keys(&catalog["nodes"]), ["model.shop.m"]);
    assert!(keys(&catalog["sources"]).is_empty());
    assert!(!p.folder().join("target/manifest.json").exists());
}

const BATCHED: &str = "{{ config(materialized='incremental', incremental_strategy='microbatch', unique_key='id', event_time='at',\n\
     batch_size='day', begin=modules.datetime.datetime(2020, 1, 1), pre_hook=\"insert into hooked values ('pre')\",\n\
     post_hook=\"insert into hooked values ('post {{ model.batch.id }}')\") }}\n\
     select id, at, '{{ model.batch.id }}' as batch, {{ is_incremental() }} as adds from {{ ref('events') }}\n\
     {% if var('bad', '') == model.batch.id and execute %}where 1 / 0 = 1{% endif %}";

#[test]
fn microbatch_models_are_run_by_stretches_of_time() {
    let p = Project::new(&[
        (
            "models/events.sql",
            "{{ config(materialized='table', event_time='at') }}\n\
             select n as id, timestamp '2020-01-01 12:00' + (n - 1) * interval '1 day' as at from generate_series(1, 5) n",
        ),
        ("models/daily.sql", BATCHED),
    ]);
    p.rows("create table public.hooked (what text)");
    let until = |args: &[&str], day: &str| {
        let mut all = vec![
            "run",
            "--event-time-start",
            "2020-01-01",
            "--event-time-end",
            day,
        ];
        all.extend(args);
        p.tv1(&all)
    };
    until(&[], "2020-01-04").expect(
        0,
        &[
            "Batch 1 of 3 START batch 2020-01-01 of public.daily",
            "Batch 3 of 3 OK created batch 2020-01-03",
        ],
    );
    let daily = "select id, batch, adds from daily order by id";
    assert_eq!(p.rows(daily), "1|20200101|f 2|20200102|t 3|20200103|t");
    assert_eq!(p.rows("select what from hooked"), "pre post 20200103");
    let run = p
        .folder()
        .join("target/run/shop/models/daily/daily_2020-01-03.sql");
    assert!(std::fs::read_to_string(run).unwrap().contains("merge into"));

    // A batch that fails does not stop the others, and the table keeps what it has.
    until(
        &["-s", "daily", "--vars", "{bad: '20200102'}"],
        "2020-01-05",
    )
    .expect(
        1,
        &[
            "Batch 2 of 4 ERROR creating batch 2020-01-02",
            "1 partial success",
        ],
    );
    assert!(p.rows(daily).ends_with("3|20200103|t 4|20200104|t"));
    let results = artefact(&p, "run_results.json");
    let result = &results["results"][0];
    assert_eq!(result["status"], "partial success");
    assert_eq!(result["message"], "PARTIAL SUCCESS (3/4)");
    assert_eq!(
        result["batch_results"]["failed"],
        serde_json::json!([["2020-01-02T00:00:00+00:00", "2020-01-03T00:00:00+00:00"]])
    );
    // A sample narrows every reference that has an event time.
    p.tv1(&[
        "run",
        "-s",
        "events daily",
        "--full-refresh",
        "--sample",
        "{start: 2020-01-02, end: 2020-01-04}",
    ])
    .expect(0, &["Batch 2 of 2 OK"]);
    assert_eq!(p.rows(daily), "2|20200102|f 3|20200103|t");
}

#[test]
fn contracts_refer_to_other_models() {
    let p = Project::new(&[
        (
            "models/parent.sql",
            "{{ config(materialized='table') }} select 1 as id",
        ),
        (
            "models/child.sql",
            "{{ config(materialized='table') }}\nselect 1 as parent_id, 2 as other_id",
        ),
        (
            "models/m.yml",
            "models:\n  - name: parent\n    config: {contract: {enforced: true}}\n    columns:\n      - {name: id, data_type: int, constraints: [{type: primary_key}]}\n\
             \x20 - name: child\n    config: {contract: {enforced: true}}\n    constraints:\n\
             \x20     - {type: foreign_key, columns: [parent_id], to: \"ref('parent')\", to_columns: [id]}\n    columns:\n\
             \x20     - {name: parent_id, data_type: int, constraints: [{type: foreign_key, to: ref('parent'), to_columns: [id]}]}\n\
             \x20     - {name: other_id, data_type: int}\n",
        ),
    ]);
    p.tv1(&["run"]).expect(0, &["PASS=2"]);
    let keys = "select conrelid::regclass::text || '>' || confrelid::regclass::text from pg_constraint where contype = 'f'";
    assert_eq!(p.rows(keys), "child>parent child>parent");
}

#[test]
fn small_promises_are_kept() {
    let p = Project::new(&[
        (
            "models/eph.sql",
            "{{ config(materialized='ephemeral') }} select 1 as id",
        ),
        (
            "models/m.sql",
            "{{ config(materialized='table') }} select 1 as a, id from {{ ref('eph') }}",
        ),
        (
            "models/v.sql",
            "{{ config(materialized='materialized_view') }} select 1 as id",
        ),
        (
            "models/m.yml",
            "models:\n  - name: m\n    config: {persist_docs: {columns: true}}\n    columns: [{name: A, description: x, quote: true}]\n",
        ),
        ("seeds/s.csv", "a|b\n1|2\n"),
    ]);
    p.write(
        "dbt_project.yml",
        "name: shop\nprofile: shop\nquery-comment: \"two\\nlines\\n\"\n",
    );
    p.tv1(&[
        "run",
        "--empty",
        "-s",
        "m",
        "--log-format",
        "json",
        "--debug",
    ])
    .expect(
        0,
        &["/* two\\nlines */\\n", "not present in the database: A"],
    );
    assert_eq!(p.rows("select count(*) from m"), "0");
    p.tv1(&["run", "-s", "v"]).expect(0, &[]);
    p.tv1(&["--debug", "run", "-s", "v", "--full-refresh"])
        .expect(0, &["Applying REPLACE to: \""]);

    p.write(
        "seeds/s.yml",
        "seeds: [{name: s, config: {delimiter: ''}}]\n",
    );
    p.tv1(&["seed"]).expect(
        1,
        &[
            "Compilation Error in seed s",
            "must be a 1-character string",
        ],
    );
    p.write(
        "seeds/s.yml",
        "seeds: [{name: s, config: {post_hook: \"select * from {{ ref('m') }}\"}}]\n",
    );
    p.tv1(&["parse"])
        .expect(2, &["Seeds cannot depend on other nodes"]);
    std::fs::remove_file(p.folder().join("seeds/s.yml")).unwrap();

    let long = "models/my_name_is_one_over_max_length_chats_abcdefghijklmnopqrstuvwxyz1.sql";
    p.write(long, "select 1 as id");
    p.tv1(&["run", "-s", "path:models/my_name*"])
        .expect(1, &["is longer than 63 characters"]);
}

#[test]
fn debug_says_what_is_wrong() {
    let p = Project::new(&[]);
    p.tv1(&["debug"]).expect(
        0,
        &[
            "  dbt_project.yml file [OK found and valid]",
            "  Connection test: [OK connection ok]",
            "All checks passed!",
        ],
    );
    p.tv1(&["debug", "--connection"])
        .expect(0, &["Skipping steps before connection verification"]);
    p.write(
        "profiles.yml",
        "shop:\n  target: dev\n  outputs:\n    dev: {type: postgres, host: localhost, port: 1, user: u, pass: p, dbname: d, schema: s}\n    none:\n",
    );
    p.tv1(&["debug"]).expect(
        1,
        &[
            "  Connection test: [ERROR]",
            "1 check failed:",
            "dbt was unable to connect",
        ],
    );
    p.tv1(&["debug", "--target", "none"]).expect(
        1,
        &[
            "  profiles.yml file [ERROR invalid]",
            "Output 'none' of profile 'shop' is misconfigured",
            "Connection test skipped",
        ],
    );
    p.tv1(&["debug", "--target", "NONE"]).expect(
        1,
        &["The profile 'shop' does not have a target named 'NONE'"],
    );
    p.tv1(&["debug", "--profile", "other"]).expect(
        1,
        &[
            "Profile loading failed for the following reason:",
            "Could not find profile named 'other'",
        ],
    );
    p.tv1(&["debug", "--profiles-dir", "gone"])
        .expect(1, &["dbt looked for a profiles.yml file in gone"]);
    p.write("dbt_project.yml", "");
    p.tv1(&["debug", "--profile", "shop"]).expect(
        1,
        &[
            "  dbt_project.yml file [ERROR invalid]",
            "  profiles.yml file [OK found and valid]",
        ],
    );
}

/// What dbt-core 1.10.23 says of these projects with one thread.
#[test]
fn what_hangs_on_an_ephemeral_model_is_skipped_on_its_account() {
    let folded = "{{ config(materialized='ephemeral') }} select * from {{ ref('";
    let (one, two) = (
        format!("{folded}first') }}}}"),
        format!("{folded}one') }}}}"),
    );
    let p = Project::new(&[
        (
            "models/first.sql",
            "{{ config(materialized='table') }} select 1 / 0 as a",
        ),
        ("models/one.sql", &one),
        ("models/two.sql", &two),
        ("models/kid.sql", "select * from {{ ref('one') }}"),
        ("models/grandkid.sql", "select * from {{ ref('kid') }}"),
        ("models/other.sql", "select * from {{ ref('two') }}"),
    ]);
    let why = |id: &str| {
        let results = artefact(&p, "run_results.json")["results"].clone();
        let of = results.as_array().unwrap().iter();
        let found = of
            .clone()
            .find(|r| r["unique_id"] == json!(format!("model.shop.{id}")));
        (of.count(), found.unwrap()["message"].clone())
    };
    let named = |id: &str, ephemeral: &str| {
        json!(format!(
            "Compilation Error in model.shop.{id}, caused by compilation error in referenced ephemeral model model.shop.{ephemeral}"
        ))
    };
    p.tv1(&["build"]).expect(
        1,
        &[
            ".kid due to ephemeral model status 'skipped'",
            ".other due to ephemeral model status 'skipped'",
            "SKIP=3",
            "Completed with 3 errors",
        ],
    );
    assert_eq!(why("kid"), (4, named("kid", "one")));
    assert_eq!(why("other"), (4, named("other", "two")));
    assert_eq!(why("grandkid"), (4, Value::Null));
    // `run` does not go on from what is skipped.
    let said = p
        .tv1(&["run"])
        .expect(1, &["SKIP=3", "Completed with 1 error,"]);
    assert!(
        !said.said.contains("ephemeral model status"),
        "{}",
        said.said
    );
    // A model that does not compile itself.
    p.write("models/first.sql", "select 1 as a");
    p.write(
        "models/one.sql",
        &format!(
            "{one} {{% if execute %}}{{{{ exceptions.raise_compiler_error('no') }}}}{{% endif %}}"
        ),
    );
    let said = p
        .tv1(&["run"])
        .expect(1, &["PASS=1", "SKIP=3", "Completed with 3 errors"]);
    assert_eq!(
        said.said
            .matches("due to ephemeral model status 'error'")
            .count(),
        3
    );
    assert_eq!(why("grandkid"), (4, named("grandkid", "one")));
    p.tv1(&["build"])
        .expect(1, &["Completed with 2 errors", "model status 'skipped'"]);
    assert_eq!(why("other"), (4, named("other", "two")));
    // Unless it is selected, the model that needs it fails.
    p.tv1(&["build", "-s", "kid"]).expect(1, &["ERROR=1"]);
}
