//! Mistakes that people make: each is told with its place and a way out, and nothing is done to the database.
use crate::project::Project;

/// Builds a project; expects the exit code, the words, and a database as empty as before.
#[track_caller]
fn told(files: &[(&str, &str)], code: i32, words: &[&str]) {
    let shop = Project::new(files);
    shop.tv1(&["build"]).expect(code, words);
    assert_eq!(
        shop.relations(),
        "",
        "something was made in spite of the mistake"
    );
}

#[test]
fn broken_yaml() {
    told(
        &[
            ("models/a.sql", "select 1 as id\n"),
            ("models/a.yml", "models:\n  - name: a\n    columns: [\n"),
        ],
        2,
        &["Y0201", "models/a.yml:3:14", "not valid YAML"],
    );
}

#[test]
fn an_unknown_ref_has_a_near_name() {
    told(
        &[
            ("models/customers.sql", "select 1 as id\n"),
            (
                "models/orders.sql",
                "select *\nfrom {{ ref('custmers') }}\n",
            ),
        ],
        2,
        &[
            "G0401",
            "models/orders.sql:2:14",
            "'custmers'",
            "`customers`",
        ],
    );
}

#[test]
fn every_unknown_ref_is_told_at_once() {
    told(
        &[
            ("models/a.sql", "select * from {{ ref('one') }}\n"),
            ("models/b.sql", "select * from {{ ref('two') }}\n"),
        ],
        2,
        &["'one'", "models/a.sql:1:23", "'two'", "models/b.sql:1:23"],
    );
}

#[test]
fn a_circle_is_shown_as_a_path() {
    told(
        &[
            ("models/a.sql", "select * from {{ ref('b') }}\n"),
            ("models/b.sql", "select * from {{ ref('c') }}\n"),
            ("models/c.sql", "select * from {{ ref('a') }}\n"),
            ("models/d.sql", "select 1 as id\n"),
        ],
        2,
        &[
            "G0404",
            "model.shop.a --> ",
            "model.shop.b",
            "models/c.sql:1:23",
        ],
    );
}

#[test]
fn a_mistake_in_a_macro_has_its_place_and_its_caller() {
    told(
        &[
            (
                "macros/money.sql",
                "{% macro cents(x) %}\n  {{ x.nope.deeper }}\n{% endmacro %}\n",
            ),
            ("models/a.sql", "select {{ cents(1) }} as id\n"),
        ],
        2,
        &[
            "J0304",
            "macros/money.sql:2:",
            "`cents`",
            "models/a.sql:1:",
            "nope",
        ],
    );
}

#[test]
fn a_block_without_end() {
    told(
        &[(
            "models/a.sql",
            "select 1 as id\n{% if execute %}\nwhere true\n",
        )],
        2,
        &[
            "J0301",
            "models/a.sql:2:1",
            "the block `if` has no end",
            "{% endif %}",
        ],
    );
}

#[test]
fn two_models_of_one_name() {
    told(
        &[
            ("models/a.sql", "select 1 as id\n"),
            ("models/deeper/a.sql", "select 2 as id\n"),
        ],
        2,
        &["G0402", "models/a.sql", "models/deeper/a.sql", "rename"],
    );
}

#[test]
fn a_misspelt_key_of_the_project_file() {
    let project = "name: shop\nversion: \"1.0\"\nprofile: shop\nmodles: {}\n";
    told(
        &[
            ("dbt_project.yml", project),
            ("models/a.sql", "select 1 as id\n"),
        ],
        2,
        &["Y0204", "dbt_project.yml:4:1", "`modles`", "`models`"],
    );
}

/// As with dbt, an unknown key of a properties file is no error.
#[test]
fn a_misspelt_key_of_a_properties_file_is_a_warning() {
    let shop = Project::new(&[
        ("models/a.sql", "select 1 as id\n"),
        ("models/a.yml", "models:\n  - name: a\n    descripton: x\n"),
    ]);
    shop.tv1(&["build"]).expect(
        0,
        &["Y0204", "models/a.yml:3:5", "`descripton`", "`description`"],
    );
    assert_eq!(shop.relations(), "a:v");
}

#[test]
fn a_server_that_is_not_there() {
    let shop = Project::new(&[("models/a.sql", "select 1 as id\n")]);
    shop.tv1_at("postgresql://nobody@127.0.0.1:1/nothing", &["build"])
        .expect(2, &["D0601", "127.0.0.1", "port 1"]);
    assert_eq!(shop.relations(), "");
}

#[test]
fn a_database_that_is_not_there() {
    let shop = Project::new(&[("models/a.sql", "select 1 as id\n")]);
    let url = tv1::server::scratch::server().options().url(true);
    let url = url.replace("/postgres?", "/no_such_database?");
    shop.tv1_at(&url, &["build"])
        .expect(2, &["D0604", "no_such_database"]);
}

#[test]
fn a_seed_row_that_is_too_long() {
    told(
        &[
            ("seeds/orders.csv", "id,amount\n1,10\n2,20,30\n"),
            ("models/a.sql", "select * from {{ ref('orders') }}\n"),
        ],
        1,
        &["G0409", "seeds/orders.csv", "SKIP=1", "ERROR=1"],
    );
}

#[test]
fn an_unknown_word_on_the_command_line() {
    let shop = Project::new(&[("models/a.sql", "select 1 as id\n")]);
    shop.tv1(&["biuld"]).expect(2, &["biuld", "build"]);
    shop.tv1(&["build", "--selct", "a"])
        .expect(2, &["--selct", "--select"]);
}

#[test]
fn a_folder_without_a_project() {
    let shop = Project::new(&[]);
    std::fs::remove_file(shop.folder().join("dbt_project.yml")).unwrap();
    shop.tv1(&["build"]).expect(2, &["P0102", "project.yml"]);
}

#[test]
fn sql_that_postgres_does_not_understand() {
    told(
        &[(
            "models/a.sql",
            "{{ config(materialized='table') }}\nselect 1 as id\nform nowhere\n",
        )],
        1,
        &["models/a.sql", "syntax error", "ERROR=1"],
    );
}
