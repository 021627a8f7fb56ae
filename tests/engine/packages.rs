//! What packages do that a project of its own rarely does: search the context, put macros in the place of others,
//! bring hooks, write Jinja that only Python would read.
use crate::project::Project;

/// Names of the packages, and a model that shows values: one row each, by name.
const PACKAGES: &str = "packages:\n  - local: zz\n  - local: aa\n";

fn package(name: &str) -> String {
    format!("name: {name}\nversion: '1.0'\n")
}

#[test]
fn the_context_is_searched_like_a_dict() {
    let found = r"
{%- macro own() %}{% endmacro -%}
{%- set values = [
  context.get(project_name, {}).get('audit_schema') is not none,
  context['aa'].get('helper') is callable,
  context.get('aa', {}).get('nothing'),
  'helper' in context['aa'],
  'helper' in aa.keys(),
  aa.items() | map('first') | list,
  context.get('nothing', 'dflt'),
  'ref' in context, 'nothing' in context, 'audit_schema' in context,
  builtins.get('ref') is callable, 'audit_schema' in builtins.keys(), builtins.keys() | list | length > 40,
  context.get('zip')([1], [2]) | list,
  context.keys() | select('equalto', 'var') | list,
  'raise_compiler_error' in exceptions, exceptions.warn is defined, exceptions.nothing is defined,
  adapter.get_relation is defined, adapter.nothing is defined, adapter is callable,
  this.include is defined, this.nothing is defined, this is mapping, this is iterable, this is callable,
  api is mapping, api.Column.create('a', 'text').is_string is defined,
  modules.re.keys() | select('equalto', 'sub') | list,
] -%}
select {% for v in values %}$v${{ v }}$v$ as v{{ loop.index }}{{ ', ' if not loop.last }}{% endfor %}
";
    let shop = Project::new(&[
        ("packages.yml", "packages: [{local: aa}]\n"),
        ("aa/dbt_project.yml", &package("aa")),
        ("aa/macros/m.sql", "{% macro helper() %}1{% endmacro %}\n"),
        (
            "macros/m.sql",
            "{% macro audit_schema() %}x{% endmacro %}\n",
        ),
        ("models/found.sql", found),
    ]);
    shop.tv1(&["deps"]).expect(0, &[]);
    shop.tv1(&["build"]).expect(0, &["ERROR=0"]);
    assert_eq!(
        shop.rows("select * from found"),
        "True|True|None|True|True|['helper']|dflt|True|False|True|True|False|True|[(1, 2)]|['var']|True|True|False|\
         True|False|False|True|False|True|True|False|True|True|['sub']"
    );
}

#[test]
fn an_operation_has_no_this() {
    let shop = Project::new(&[(
        "macros/m.sql",
        "{% macro show() %}{{ log([this is defined, 'this' in context, pre_hooks is none, execute], info=True) }}{% endmacro %}\n",
    )]);
    shop.tv1(&["run-operation", "show"])
        .expect(0, &["[False, False, True, True]"]);
}

#[test]
fn macros_of_packages_stand_in_for_the_adapters_own() {
    let truncates = "{% macro truncate_relation(relation) %}{{ return(adapter.dispatch('truncate_relation')(relation)) }}{% endmacro %}\n\
        {% macro postgres__truncate_relation(relation) %}{{ helper(relation) }}{{ return(adapter.dispatch('truncate_relation', 'dbt')(relation)) }}{% endmacro %}\n\
        {% macro helper(relation) %}{% do log('aa empties ' ~ relation.identifier, info=True) %}{% endmacro %}\n";
    let columns = "{% macro postgres__get_columns_in_relation(relation) %}{{ return([api.Column.create('made_up', 'text')]) }}{% endmacro %}\n\
        {% macro rename_relation(from_relation, to_relation) %}{% do log('renames ' ~ from_relation.identifier, info=True) %}{{ return(default__rename_relation(from_relation, to_relation)) }}{% endmacro %}\n";
    let shop = Project::new(&[
        ("packages.yml", "packages: [{local: aa}]\n"),
        ("aa/dbt_project.yml", &package("aa")),
        ("aa/macros/m.sql", truncates),
        ("macros/m.sql", columns),
        ("seeds/codes.csv", "id\n1\n"),
        (
            "models/cols.sql",
            "{{ config(materialized='table') }} select '{{ adapter.get_columns_in_relation(ref('codes')) | map(attribute='name') | join(',') }}' as c\n",
        ),
    ]);
    shop.tv1(&["deps"]).expect(0, &[]);
    shop.tv1(&["build"]).expect(0, &["renames cols__dbt_tmp"]);
    shop.tv1(&["build"])
        .expect(0, &["aa empties codes", "renames cols__dbt_tmp"]);
    assert_eq!(shop.rows("select c from cols"), "made_up");
    assert_eq!(shop.rows("select count(*) from codes"), "1");
}

#[test]
fn hooks_run_root_first_then_packages_by_name() {
    let hooks = |name: &str| {
        format!(
            "{}on-run-start:\n  - create table if not exists said (n serial, t text)\n  - insert into said (t) values ('{name}')\n",
            package(name)
        )
    };
    let shop = Project::new(&[
        ("packages.yml", PACKAGES),
        ("aa/dbt_project.yml", &hooks("aa")),
        ("zz/dbt_project.yml", &hooks("zz")),
        ("models/m.sql", "select 1 as id\n"),
        (
            "dbt_project.yml",
            &format!("{}profile: shop\nmodels:\n  +tags: all\n", hooks("shop")),
        ),
    ]);
    shop.tv1(&["deps"]).expect(0, &[]);
    shop.tv1(&["run"]).expect(
        0,
        &[
            "1 of 6 START hook: shop.on-run-start.0",
            "6 of 6 START hook: zz.on-run-start.5",
        ],
    );
    assert_eq!(shop.rows("select t from said order by n"), "shop aa zz");
}

#[test]
fn any_blank_and_any_letter_of_unicode_may_stand_in_tags() {
    let shop = Project::new(&[
        (
            "macros/m.sql",
            "{% macro prix(montant_été=1) %}{% set\u{a0}größe\u{2003}=\u{a0}montant_été ~ '\u{a0}' %}{{ größe }}{% endmacro %}\n",
        ),
        (
            "models/m.sql",
            "select '{{\u{a0}prix(montant_été=5) }}' as v\n",
        ),
    ]);
    shop.tv1(&["build"]).expect(0, &["ERROR=0"]);
    assert_eq!(shop.rows("select v from m"), "5\u{a0}");
}

#[test]
fn relations_with_dependants_in_common_are_built_side_by_side() {
    let mut files: Vec<(String, String)> = (0..12)
        .map(|i| (format!("models/a{i}.sql"), format!("select {i} as id\n")))
        .collect();
    let all: Vec<String> = (0..12)
        .map(|i| format!("select id from {{{{ ref('a{i}') }}}}"))
        .collect();
    for i in 0..6 {
        files.push((format!("models/b{i}.sql"), all.join("\nunion all ")));
    }
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(a, b)| (a.as_str(), b.as_str()))
        .collect();
    let shop = Project::new(&files);
    for _ in 0..4 {
        shop.tv1(&["run", "--threads", "8"]).expect(0, &["ERROR=0"]);
    }
    assert_eq!(shop.rows("select count(*) from b0"), "12");
    assert_eq!(shop.debris(), "");
}

#[test]
fn tables_with_keys_between_them_are_built_side_by_side() {
    let keys: String = (0..6)
        .map(|i| format!("  - alter table if exists t{i} add primary key (id)\n"))
        .collect();
    let references: String = (0..6)
        .map(|i| {
            format!(
                "  - alter table if exists t{i} add foreign key (id) references t{} (id)\n",
                (i + 1) % 6
            )
        })
        .collect();
    let mut files: Vec<(String, String)> = (0..6)
        .map(|i| {
            (
                format!("models/t{i}.sql"),
                "{{ config(materialized='table') }} select 1 as id\n".to_string(),
            )
        })
        .collect();
    files.push((
        "dbt_project.yml".into(),
        format!("name: shop\nversion: '1'\nprofile: shop\nmodels: {{+on_dependents: drop}}\non-run-end:\n{keys}{references}"),
    ));
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(a, b)| (a.as_str(), b.as_str()))
        .collect();
    let shop = Project::new(&files);
    for _ in 0..3 {
        shop.tv1(&["run", "--threads", "6"]).expect(0, &["ERROR=0"]);
    }
    assert_eq!(
        shop.rows("select count(*) from pg_constraint where contype = 'f'"),
        "6"
    );
}

#[test]
fn names_have_no_spaces_unless_they_may() {
    let shop = Project::new(&[("models/two words.sql", "select 1 as id\n")]);
    shop.tv1(&["build"]).expect(
        2,
        &[
            "Found spaces in the name of `model.shop.two words`",
            "cannot contain spaces",
        ],
    );
    shop.write(
        "dbt_project.yml",
        "name: shop\nversion: '1'\nprofile: shop\nflags: {require_resource_names_without_spaces: false}\n",
    );
    shop.tv1(&["build"]).expect(
        0,
        &[
            "Found spaces in the name of `model.shop.two words`",
            "- ResourceNamesWithSpacesDeprecation: 1 occurrence",
        ],
    );
    shop.tv1(&["--warn-error", "parse"])
        .expect(2, &["Spaces found in 1 resource name(s)"]);
}

#[test]
fn what_rendering_alone_sends_is_not_kept() {
    let shop = Project::new(&[(
        "models/m.sql",
        "{% do run_query('create table if not exists said (t text)') %}{% do run_query(\"insert into said values ('x')\") %}\
         select {{ run_query('select count(*) from said').columns[0].values()[0] }} as n\n",
    )]);
    shop.tv1(&["compile"]).expect(0, &[]);
    shop.tv1(&["docs", "generate"]).expect(0, &[]);
    assert_eq!(shop.rows("select to_regclass('said') is null"), "t");
    shop.tv1(&["run"]).expect(0, &[]);
    assert_eq!(shop.rows("select n from m, said"), "1");
}
