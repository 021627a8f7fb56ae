//! Behaviour that tools around dbt count on, beyond that models get built: what artefacts hold, what is said.
use crate::project::Project;
use serde_json::Value;

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
