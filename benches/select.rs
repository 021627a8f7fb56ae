//! Selection over ten thousand nodes, and lineage of a long chain of models.
use serde_json::{Map, Value, json};
use std::hint::black_box;
use tv1::graph::{
    Checksum, Config, Contract, Dag, DependsOn, Docs, GenericTest, Manifest, Node, ResourceType,
};
use tv1::select::{Definition, Indirect, Purpose, Request, Types, filter, parse, select};

fn main() {
    divan::main();
}

const NODES: usize = 10_000;

fn node(kind: ResourceType, name: &str, folder: &str, parents: Vec<String>) -> Node {
    let config = json!({"materialized": "table", "tags": [folder], "meta": {"owner": "data"}, "enabled": true});
    let Value::Object(config) = config else {
        unreachable!("an object");
    };
    Node {
        resource_type: kind,
        unique_id: format!("{}.bench.{name}", kind.as_str()),
        name: name.into(),
        package_name: "bench".into(),
        path: format!("{folder}/{name}.sql"),
        original_file_path: format!("models/{folder}/{name}.sql"),
        fqn: vec!["bench".into(), folder.into(), name.into()],
        database: "db".into(),
        schema: "s".into(),
        alias: name.into(),
        relation_name: None,
        checksum: Checksum {
            name: "none".into(),
            checksum: String::new(),
        },
        config: Config(config),
        unrendered_config: Map::new(),
        tags: vec![folder.into()],
        description: String::new(),
        columns: indexmap::IndexMap::new(),
        meta: Map::new(),
        group: None,
        docs: Docs::default(),
        patch_path: Some(format!("bench://models/{folder}/models.yml")),
        doc_blocks: Vec::new(),
        raw_code: "select 1".into(),
        refs: Vec::new(),
        sources: Vec::new(),
        metrics: Vec::new(),
        depends_on: DependsOn {
            macros: Vec::new(),
            nodes: parents,
        },
        created_at: 0.0,
        contract: Contract {
            enforced: false,
            alias_types: true,
            checksum: None,
        },
        access: Some("protected".into()),
        constraints: Vec::new(),
        version: None,
        latest_version: None,
        deprecation_date: None,
        primary_key: Vec::new(),
        time_spine: None,
        test: (kind == ResourceType::Test).then(|| GenericTest {
            name: "unique".into(),
            kwargs: Map::new(),
            namespace: None,
            column_name: None,
            file_key_name: String::new(),
            attached_node: None,
        }),
        index: None,
        root_path: None,
        compiled: None,
        build_path: None,
        place: None,
        patch_place: None,
    }
}

/// Half models in a hundred folders, each needing three earlier ones; half tests.
fn manifest() -> Manifest {
    let model = |i: usize| format!("model.bench.m{i}");
    let mut manifest = Manifest {
        project_name: "bench".into(),
        ..Manifest::default()
    };
    for i in 0..NODES / 2 {
        let folder = format!("f{}", i % 100);
        let parents = [i / 2, i / 3, i.saturating_sub(1)]
            .into_iter()
            .filter(|p| *p < i);
        let parents = parents.map(model).collect();
        let m = node(ResourceType::Model, &format!("m{i}"), &folder, parents);
        let t = node(
            ResourceType::Test,
            &format!("unique_m{i}"),
            &folder,
            vec![model(i), model(i / 2)],
        );
        manifest.nodes.insert(m.unique_id.clone(), m);
        manifest.nodes.insert(t.unique_id.clone(), t);
    }
    manifest
}

#[divan::bench(args = [
    "m4000",
    "+m4000+",
    "@m4000",
    "tag:f1* +m4999,config.materialized:table",
    "models/f1*/*.sql 2+test_type:generic",
    "config.meta.owner:data,package:bench,access:protected",
])]
fn select_of_10_000(bencher: divan::Bencher<'_, '_>, text: &str) {
    let manifest = manifest();
    let dag = Dag::new(&manifest);
    let texts = [text.to_string()];
    bencher.bench(|| {
        let request = Request {
            select: &texts,
            indirect: Indirect::Buildable,
            ..Request::default()
        };
        let found = select(&manifest, &dag, &request).map(|found| found.ids);
        found.map(|ids| filter(&manifest, &ids, &Types::of(Purpose::Build)))
    });
}

#[divan::bench]
fn parse_of_1_000_criteria() -> bool {
    let text = "2+config.meta.owner:data+,tag:nightly ".repeat(500);
    let parsed = parse(&[black_box(text)], &[]);
    matches!(parsed, Ok(Definition::Set(_)))
}

#[divan::bench]
fn lineage_of_100_ctes() -> usize {
    let mut sql = "with c0 as (select id, amount, day from raw.orders)".to_string();
    for i in 1..100 {
        let before = i - 1;
        sql.push_str(&format!(
            ", c{i} as (select o.id, sum(o.amount) over (partition by o.day) as amount, o.day from c{before} o left join c0 using (id) where o.amount > {i})"
        ));
    }
    sql.push_str(" select * from c99");
    tv1::sql::lineage(black_box(&sql), &|_| None).map_or(0, |l| l.columns.len())
}
