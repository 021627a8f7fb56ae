//! `metrics query` against SQL written by hand, and the Power BI export, on data with nulls, orphans and a session over
//! midnight.
use crate::project::Project;

pub const SEEDS: &[(&str, &str)] = &[
    (
        "seeds/sessions.csv",
        "session_id,user_id,started,started_on,platform,minutes\n\
         1,1,2025-01-01 23:50:00,2025-01-01,TV,20\n\
         2,1,2025-01-02 10:00:00,2025-01-02,TV,\n\
         3,2,2025-01-02 11:00:00,2025-01-02,Mobile,5\n\
         4,99,2025-01-03 08:00:00,2025-01-03,TV,7\n\
         5,,2025-01-31 12:00:00,2025-01-31,,9\n\
         6,3,2025-02-10 09:00:00,2025-02-10,Tablet,0\n\
         7,1,2025-02-10 10:00:00,2025-02-10,TV,3\n",
    ),
    (
        "seeds/plays.csv",
        "play_id,session_id,program_id,played,watched,finished\n\
         1,1,10,2025-01-01 23:52:00,5,true\n\
         2,1,11,2025-01-02 00:05:00,15,false\n\
         3,1,10,2025-01-02 00:07:00,2,\n\
         4,3,10,2025-01-02 11:01:00,5,true\n\
         5,4,12,2025-01-03 08:01:00,7,false\n\
         6,77,10,2025-01-03 09:00:00,3,true\n\
         7,2,,2025-01-02 10:01:00,1,true\n",
    ),
    (
        "seeds/users.csv",
        "user_id,region\n1,Nord\n2,Syd\n3,\n4,Nord\n",
    ),
    (
        "seeds/programs.csv",
        "program_id,title,category\n10,Fyrtaarnet,Drama\n11,Bageriet,Drama\n13,Ingen,Natur\n",
    ),
    (
        "seeds/days.csv",
        "day,month_name\n2025-01-01,Jan\n2025-01-02,Jan\n2025-01-03,Jan\n2025-01-31,Jan\n2025-02-10,Feb\n",
    ),
    ("models/s.sql", "select * from {{ ref('sessions') }}\n"),
    ("models/p.sql", "select * from {{ ref('plays') }}\n"),
    ("models/u.sql", "select * from {{ ref('users') }}\n"),
    ("models/g.sql", "select * from {{ ref('programs') }}\n"),
    ("models/d.sql", "select * from {{ ref('days') }}\n"),
    ("models/sem.yml", MODELS),
];

/// The newer form.
const MODELS: &str = r#"
models:
  - name: s
    semantic_model: {enabled: true, name: sessions}
    agg_time_dimension: started_on
    config: {meta: {bi: {table: SESSIONS}}}
    columns:
      - {name: session_id, entity: {type: primary, name: session}, data_tests: [unique]}
      - {name: user_id, entity: {type: foreign, name: user}}
      - {name: started_on, data_type: date, granularity: day, dimension: {type: time}}
      - {name: platform, dimension: {type: categorical}, config: {meta: {bi: {caption: {da: Platform, en: Device}}}}}
      - {name: minutes}
    metrics:
      - {name: sessions, label: Sessioner, agg: count, expr: session_id, config: {meta: {bi: {format: '#,0', folder: KPI/Base, labels: {en: Sessions}}}}}
      - {name: tv_sessions, label: TV, agg: count, expr: session_id, filter: "{{ Dimension('session__platform') }} = 'TV'"}
      - {name: active_users, label: Aktive, agg: count_distinct, expr: user_id}
      - {name: length, label: Laengde, agg: sum, expr: minutes}
      - {name: mean_length, label: Snit, agg: average, expr: minutes}
      - {name: median_length, label: Median, agg: median, expr: minutes}
      - {name: p90_length, label: P90, agg: percentile, percentile: 0.9, expr: minutes}
      - {name: longest, label: Laengste, agg: max, expr: minutes}
      - {name: tv_share, label: TV-andel, type: ratio, numerator: tv_sessions, denominator: sessions}
      - {name: minutes_per_session, label: Pr session, type: ratio, numerator: watched, denominator: sessions}
      - {name: gap, label: Forskel, type: derived, expr: length - watched, input_metrics: [{name: length}, {name: watched}]}
      - name: day_growth
        label: Vaekst
        type: derived
        expr: sessions - before
        input_metrics: [{name: sessions}, {name: sessions, alias: before, offset_window: 1 day}]
      - {name: month_before, label: Sidste maaned, type: derived, expr: before, input_metrics: [{name: sessions, alias: before, offset_window: 1 month}]}
      - {name: users_3d, label: Tre dage, type: cumulative, input_metric: active_users, window: 3 days, period_agg: last}
      - {name: length_mtd, label: MTD, type: cumulative, input_metric: length, grain_to_date: month, period_agg: last}
      - {name: sessions_ever, label: I alt, type: cumulative, input_metric: sessions, period_agg: last}
      - {name: sessions_filled, label: Fyldt, agg: count, expr: session_id, join_to_timespine: true, fill_nulls_with: 0}
  - name: p
    semantic_model: {enabled: true, name: plays}
    config: {meta: {bi: {table: PLAYS, date: {via: session}}}}
    columns:
      - {name: play_id, entity: {type: primary, name: play}}
      - {name: session_id, entity: {type: foreign, name: session}, config: {meta: {bi: {filter: both}}}}
      - {name: program_id, entity: {type: foreign, name: program}}
      - {name: finished, dimension: {type: categorical}}
    metrics:
      - {name: watched, label: Set, agg: sum, expr: watched}
      - {name: plays_finished, label: Faerdige, agg: sum_boolean, expr: finished}
      - {name: plays, label: Afspilninger, agg: count, expr: "1"}
      - {name: double_watched, label: Dobbelt, agg: sum, expr: "watched * 2"}
  - name: u
    semantic_model: {enabled: true, name: users}
    config: {meta: {bi: {table: USERS, date: none}}}
    columns:
      - {name: user_id, entity: {type: primary, name: user}, data_tests: [unique]}
      - {name: region, dimension: {type: categorical}}
    metrics:
      - {name: users, label: Brugere, agg: count, expr: user_id}
      - {name: active_share, label: Andel aktive, type: ratio, numerator: active_users, denominator: users}
  - name: g
    semantic_model: {enabled: true, name: programs}
    config: {meta: {bi: {table: PROGRAMS, title: title}}}
    columns:
      - {name: program_id, entity: {type: primary, name: program}, data_tests: [unique]}
      - {name: title, dimension: {type: categorical}}
      - {name: category, dimension: {type: categorical}}
  - name: d
    semantic_model: {enabled: true, name: dates}
    config: {meta: {bi: {table: DATES}}}
    columns:
      - {name: day, entity: {type: primary, name: date}, data_tests: [unique]}
      - {name: month_name, dimension: {type: categorical}}
"#;

pub fn shop() -> Project {
    let shop = Project::new(SEEDS);
    shop.tv1(&["build", "--exclude", "test_type:data"])
        .expect(0, &["Completed successfully"]);
    shop
}

/// Rows of a metrics query, cells apart by `|`, rows by blanks, as `Project::rows` gives them.
#[track_caller]
fn asked(shop: &Project, words: &[&str]) -> String {
    let mut args = vec!["metrics", "query", "-o", "csv"];
    args.extend(words);
    let ended = shop.tv1(&args).expect(0, &[]);
    let rows = ended.said.lines().skip(1).map(|l| {
        let cells = l.split(',').map(|c| match c {
            "" => "null",
            "true" => "t",
            "false" => "f",
            other => other,
        });
        cells.collect::<Vec<_>>().join("|")
    });
    rows.collect::<Vec<_>>().join(" ")
}

#[test]
fn every_kind_of_metric_equals_sql_written_by_hand() {
    let shop = shop();
    let cases: &[(&[&str], &str)] = &[
        (
            &[
                "-m",
                "sessions,active_users,length,longest",
                "-g",
                "platform",
            ],
            "select platform, count(session_id), count(distinct user_id), sum(minutes), max(minutes) from s group by 1 order by 1",
        ),
        (
            &["-m", "mean_length,median_length,p90_length"],
            "select avg(minutes), percentile_cont(0.5) within group (order by minutes), percentile_cont(0.9) within group (order by minutes) from s",
        ),
        (
            &["-m", "sessions,tv_sessions", "-g", "region"],
            "select u.region, count(*), count(*) filter (where platform = 'TV') from s left join u on u.user_id = s.user_id group by 1 order by 1",
        ),
        (
            &["-m", "tv_share", "-g", "date:month"],
            "select date_trunc('month', started_on)::date, count(*) filter (where platform = 'TV')::float8 / count(*) from s group by 1 order by 1",
        ),
        (
            &[
                "-m",
                "plays,plays_finished,double_watched",
                "-g",
                "program__title",
            ],
            "select g.title, count(*), count(*) filter (where finished), sum(watched * 2) from p left join g on g.program_id = p.program_id group by 1 order by 1",
        ),
        // The minutes of a session over midnight belong to the day it started on; an orphan has no day.
        (
            &["-m", "watched", "-g", "date"],
            "select s.started_on, sum(p.watched) from p left join s on s.session_id = p.session_id group by 1 order by 1",
        ),
        // Two facts side by side: a missing platform is a value like any other.
        (
            &[
                "-m",
                "sessions,watched,minutes_per_session",
                "-g",
                "platform",
            ],
            "select coalesce(a.k, b.k), coalesce(n, 0), w, w::float8 / nullif(coalesce(n, 0), 0) from \
             (select platform k, count(*) n from s group by 1) a full join \
             (select s.platform k, sum(p.watched) w from p left join s on s.session_id = p.session_id group by 1) b \
             on coalesce(a.k, '?') = coalesce(b.k, '?') order by 1",
        ),
        (
            &["-m", "gap", "-g", "platform"],
            "select a.k, l - w from (select platform k, sum(minutes) l from s group by 1) a left join \
             (select s.platform k, sum(p.watched) w from p left join s on s.session_id = p.session_id group by 1) b \
             on coalesce(a.k, '?') = coalesce(b.k, '?') order by 1",
        ),
        (
            &["-m", "day_growth", "-g", "date"],
            "with n as (select started_on d, count(*) n from s group by 1), k as (select d from n union select d + 1 from n) \
             select k.d, coalesce(a.n, 0) - coalesce(b.n, 0) from k left join n a on a.d = k.d left join n b on b.d = k.d - 1 order by 1",
        ),
        (
            &["-m", "month_before", "-g", "date:month"],
            "select (date_trunc('month', started_on) + interval '1 month')::date, count(*) from s group by 1 order by 1",
        ),
        (
            &[
                "-m",
                "users_3d",
                "-g",
                "date",
                "--from",
                "2025-01-01",
                "--to",
                "2025-01-06",
            ],
            "select d::date, count(distinct user_id) from generate_series('2025-01-01'::date, '2025-01-06', '1 day') d \
             join s on started_on <= d and started_on > d - interval '3 days' group by 1 order by 1",
        ),
        (
            &[
                "-m",
                "length_mtd",
                "-g",
                "date",
                "--from",
                "2025-01-30",
                "--to",
                "2025-02-10",
            ],
            "select d::date, sum(minutes) from generate_series('2025-01-30'::date, '2025-02-10', '1 day') d \
             join s on started_on <= d and started_on >= date_trunc('month', d) group by 1 order by 1",
        ),
        (
            &["-m", "sessions_ever", "-g", "date:month"],
            "select m::date, (select count(*) from s where started_on < m + interval '1 month') from \
             (values ('2025-01-01'::date), ('2025-02-01')) v(m) order by 1",
        ),
        (
            &[
                "-m",
                "sessions_filled",
                "-g",
                "date",
                "--from",
                "2025-01-02",
                "--to",
                "2025-01-05",
            ],
            "select d::date, (select count(*) from s where started_on = d) from generate_series('2025-01-02'::date, '2025-01-05', '1 day') d",
        ),
        // Households are not of a day.
        (
            &["-m", "active_users,users,active_share", "-g", "date"],
            "select started_on, count(distinct user_id), 4, count(distinct user_id)::float8 / 4 from s group by 1 order by 1",
        ),
        (
            &[
                "-m",
                "sessions,users",
                "-g",
                "region",
                "-w",
                "region is not null",
            ],
            "select k, coalesce(n, 0), m from (select region k, count(*) m from u where region is not null group by 1) a left join \
             (select region r, count(*) n from s join u using (user_id) where region is not null group by 1) b on r = k order by 1",
        ),
        // A month of the calendar; a day that the calendar lacks would be null.
        (
            &[
                "-m",
                "sessions",
                "-g",
                "month_name",
                "-w",
                "platform in ('TV', 'Mobile')",
            ],
            "select d.month_name, count(*) from s left join d on d.day = s.started_on where platform in ('TV', 'Mobile') group by 1 order by 1",
        ),
        (
            &[
                "-m",
                "sessions",
                "-g",
                "platform",
                "--order-by",
                "-sessions",
                "--limit",
                "2",
            ],
            "select platform, count(*) from s group by 1 order by 2 desc nulls last, 1 limit 2",
        ),
    ];
    for (words, sql) in cases {
        assert_eq!(asked(&shop, words), shop.rows(sql), "{words:?}");
    }
}

#[test]
fn a_row_counts_once_for_each_value_behind_a_bridge_or_not_at_all() {
    let shop = shop();
    let by_hand = "select g.title, count(*), count(distinct user_id), sum(minutes) from s join \
        (select distinct session_id, program_id from p) b using (session_id) left join g using (program_id) group by 1 order by 1";
    assert_eq!(
        asked(
            &shop,
            &["-m", "sessions,active_users,length", "-g", "program"]
        ),
        shop.rows(by_hand)
    );
    // Two titles of one category: the session counts once.
    let by_category = "select k, count(*) from (select distinct p.session_id, g.category k from p left join g using (program_id)) b \
        join s using (session_id) group by 1 order by 1";
    let found = asked(&shop, &["-m", "sessions", "-g", "category"]);
    assert_eq!(found, shop.rows(by_category));
    assert_eq!(found, "Drama|2 null|2");
    assert_eq!(
        asked(
            &shop,
            &[
                "-m",
                "sessions",
                "-g",
                "platform",
                "-w",
                "category = 'Drama'"
            ]
        ),
        "Mobile|1 TV|1"
    );
    shop.write(
        "models/sem.yml",
        &MODELS.replace("config: {meta: {bi: {filter: both}}}", "description: x"),
    );
    shop.tv1(&["metrics", "query", "-m", "sessions", "-g", "category"])
        .expect(
            2,
            &[
                "R0703",
                "`sessions` cannot be grouped or filtered by `category`",
                "filter: both",
                "`session_id` of `plays`",
                "models/sem.yml:",
            ],
        );
    // Metrics of the many rows need no bridge.
    assert_eq!(
        asked(&shop, &["-m", "plays", "-g", "category"]),
        "Drama|5 null|2"
    );
}

#[test]
fn printed_sql_runs_as_it_stands_and_values_are_quoted() {
    let shop = shop();
    let words = [
        "metrics",
        "query",
        "-m",
        "sessions,watched",
        "-g",
        "program__title,date:month",
        "--sql",
    ];
    let sql = shop.tv1(&words).expect(0, &["with sessions_of as ("]).said;
    assert_eq!(
        shop.rows(&sql),
        asked(
            &shop,
            &["-m", "sessions,watched", "-g", "program__title,date:month"]
        )
        .replace(".00", "")
    );
    for (words, said) in [
        (
            ["-m", "sesions", "-g", "platform"],
            "did you mean `sessions`?",
        ),
        (
            ["-m", "sessions", "-g", "platfrom"],
            "did you mean `platform`?",
        ),
        (["-m", "sessions", "-g", "platform:day"], "is not a time"),
        (
            ["-m", "sessions", "-g", "date:hours"],
            "did you mean `date:hour`?",
        ),
        (
            ["-m", "users", "-g", "date"],
            "none of the metrics asked for has a date",
        ),
        (
            ["-m", "sessions", "-w", "platform = 'x'; drop table s"],
            "`;` cannot stand in an expression",
        ),
    ] {
        let mut args = vec!["metrics", "query"];
        args.extend(words);
        shop.tv1(&args).expect(2, &[said]);
    }
    assert_eq!(
        asked(&shop, &["-m", "sessions", "-w", "platform = 'x'' or true'"]),
        "0"
    );
}

/// The older form, as dbt 1.10 knows it, gives the same answers.
#[test]
fn the_older_form_is_read_too() {
    let shop = shop();
    shop.write(
        "models/sem.yml",
        r#"
semantic_models:
  - name: sessions
    model: ref('s')
    defaults: {agg_time_dimension: started_on}
    entities:
      - {name: session, type: primary, expr: session_id}
      - {name: user, type: foreign, expr: user_id}
    dimensions:
      - {name: started_on, type: time, type_params: {time_granularity: day}}
      - {name: platform, type: categorical}
    measures:
      - {name: sessions, agg: count, expr: session_id, create_metric: true}
      - {name: users, agg: count_distinct, expr: user_id}
  - name: users
    model: ref('u')
    entities: [{name: user, type: primary, expr: user_id}]
    dimensions: [{name: region, type: categorical}]
metrics:
  - {name: active, label: Active, type: simple, type_params: {measure: users}, filter: "{{ Dimension('user__region') }} is not null"}
  - {name: tv, label: TV, type: ratio, type_params: {numerator: {name: sessions, filter: "{{ Dimension('session__platform') }} = 'TV'"}, denominator: sessions}}
"#,
    );
    assert_eq!(
        asked(&shop, &["-m", "sessions", "-g", "session__platform"]),
        "Mobile|1 TV|4 Tablet|1 null|1"
    );
    assert_eq!(
        asked(&shop, &["-m", "active,tv", "-g", "metric_time__month"]),
        "2025-01-01|2|0.6 2025-02-01|1|0.5"
    );
    let manifest = std::fs::read_to_string(shop.folder().join("target/manifest.json"));
    assert!(
        manifest.is_ok_and(|m| m.contains("\"where_sql_template\""))
            || shop.tv1(&["parse"]).code == 0
    );
}

#[test]
fn faults_of_hand_made_models_are_told() {
    let shop = shop();
    shop.write(
        "models/sem.yml",
        &MODELS
            .replace("{name: tv_share,", "{name: people, label: Folk, agg: count_distinct, expr: user_id}\n      - {name: always, label: Altid, type: ratio, numerator: people, denominator: active_users}\n      - {name: target, label: Maal, type: derived, expr: sessions * tv_sessions, input_metrics: [{name: sessions}, {name: tv_sessions}]}\n      - {name: tv_share,")
            .replace(", date: {via: session}", "")
            .replace("name: plays}", "name: plays}\n    agg_time_dimension: played")
            .replace("- {name: finished,", "- {name: played, dimension: {type: time}}\n      - {name: finished,"),
    );
    shop.tv1(&["metrics", "list"]).expect(
        0,
        &[
            "the metrics `active_users` and `people` have the same definition",
            "the ratio `always` is always 1",
            "`target` multiplies the counts `sessions` and `tv_sessions`",
            "`plays` has two ways to the date",
        ],
    );
}

#[test]
fn the_power_bi_project_is_the_same_every_time_and_keeps_what_was_changed_by_hand() {
    let shop = shop();
    let read =
        |path: &str| std::fs::read_to_string(shop.folder().join("powerbi").join(path)).unwrap();
    shop.tv1(&["export", "powerbi"]).expect(0, &["Wrote "]);
    let measures = read("shop.SemanticModel/definition/tables/_MEASURES.tmdl");
    for line in [
        "measure Sessions = COUNT(SESSIONS[session_id])",
        "measure TV = CALCULATE(COUNT(SESSIONS[session_id]), KEEPFILTERS(SESSIONS[Device] == \"TV\"))",
        "measure TV-andel = DIVIDE([TV], [Sessions])",
        "measure Forskel = IF(ISBLANK([Laengde]) || ISBLANK([Set]), BLANK(), [Laengde] - [Set])",
        "measure Vaekst = [Sessions] - CALCULATE([Sessions], DATEADD(DATES[day], -1, DAY))",
        "measure 'Tre dage' = CALCULATE([Aktive], DATESINPERIOD(DATES[day], MAX(DATES[day]), -3, DAY))",
        "measure MTD = CALCULATE([Laengde], DATESMTD(DATES[day]))",
        "measure 'I alt' = CALCULATE([Sessions], FILTER(ALL(DATES[day]), DATES[day] <= MAX(DATES[day])))",
        "measure Faerdige = CALCULATE(COUNTROWS(PLAYS), KEEPFILTERS(PLAYS[finished] = TRUE()))",
        "measure Dobbelt = SUMX(PLAYS, PLAYS[watched] * 2)",
        "measure P90 = PERCENTILE.INC(SESSIONS[minutes], 0.9)",
        "\t\tformatString: #,0\n\t\tdisplayFolder: KPI\\Base\n",
    ] {
        assert!(
            measures.contains(line),
            "`{line}` is missing in\n{measures}"
        );
    }
    assert!(
        read("shop.SemanticModel/definition/relationships.tmdl")
            .contains("crossFilteringBehavior: bothDirections")
    );
    let before = tree(&shop);
    shop.tv1(&["export", "powerbi"]).expect(0, &[]);
    assert_eq!(tree(&shop), before, "a second export changes nothing");
    shop.tv1(&["export", "powerbi", "--check"])
        .expect(0, &["is what the project says"]);

    // The order of keys is nobody's business.
    let reordered = MODELS.replace(
        "{name: length, label: Laengde, agg: sum, expr: minutes}",
        "{expr: minutes, agg: sum, label: Laengde, name: length}",
    );
    shop.write("models/sem.yml", &reordered);
    shop.tv1(&["export", "powerbi", "--check"]).expect(0, &[]);

    // A changed definition is drift; so is a model file that was changed by hand.
    shop.write("models/sem.yml", &MODELS.replace("agg: median", "agg: min"));
    shop.tv1(&["export", "powerbi", "--check"])
        .expect(1, &["R0706", "_MEASURES.tmdl"]);
    shop.write("models/sem.yml", MODELS);
    shop.write(
        "powerbi/shop.SemanticModel/definition/database.tmdl",
        "database\n",
    );
    shop.tv1(&["export", "powerbi", "--check"])
        .expect(1, &["changed: shop.SemanticModel/definition/database.tmdl"]);

    // A page that was changed by hand stays, in this export and the next.
    let page = before
        .iter()
        .map(|(p, _)| p.clone())
        .find(|p| p.ends_with("/page.json"))
        .unwrap();
    let by_hand = read(&page).replace("1280", "1600");
    shop.write(&format!("powerbi/{page}"), &by_hand);
    for _ in 0..2 {
        shop.tv1(&["export", "powerbi"])
            .expect(0, &["was changed by hand and is kept"]);
        assert_eq!(read(&page), by_hand);
    }
    shop.tv1(&["export", "powerbi", "--check"]).expect(0, &[]);
}

#[test]
fn what_dax_cannot_say_is_an_error_with_its_line() {
    let shop = shop();
    shop.write(
        "models/sem.yml",
        &MODELS.replace(
            "{{ Dimension('session__platform') }} = 'TV'",
            "{{ Dimension('session__platform') }} like 'T%'",
        ),
    );
    shop.tv1(&["export", "powerbi"]).expect(
        2,
        &[
            "R0705",
            "metric `tv_sessions`: `like` has no counterpart in DAX",
            "models/sem.yml:",
            "bi: {dax:",
        ],
    );
    assert!(
        !shop.folder().join("powerbi").exists(),
        "nothing is written"
    );
}

#[test]
fn names_and_tags_of_an_older_project_are_kept() {
    let shop = shop();
    shop.write(
        "old/Old.SemanticModel/definition/tables/Visits.tmdl",
        "table Visits\n\tlineageTag: 11111111-1111-4111-8111-111111111111\n\n\tmeasure Antal = COUNT(Visits[Id])\n\t\tlineageTag: 22222222-2222-4222-8222-222222222222\n\n\tmeasure Odd = MEDIAN(Visits[Id]) + 1\n\t\tlineageTag: 33333333-3333-4333-8333-333333333333\n\n\tcolumn Id\n\t\tdataType: int64\n\t\tlineageTag: 44444444-4444-4444-8444-444444444444\n\t\tsourceColumn: session_id\n\n\tpartition Visits = m\n\t\tmode: import\n\t\tsource =\n\t\t\t\tlet\n\t\t\t\t    Data = Source{[Schema=\"public\",Item=\"s\"]}[Data]\n\t\t\t\tin\n\t\t\t\t    Data\n\n",
    );
    shop.write("old/Old.pbip", "{}");
    shop.tv1(&["export", "powerbi", "--adopt", "old"])
        .expect(0, &["`Odd` is no metric of the project"]);
    let text = std::fs::read_to_string(
        shop.folder()
            .join("powerbi/Old.SemanticModel/definition/tables/Visits.tmdl"),
    )
    .unwrap();
    assert!(
        text.contains("lineageTag: 11111111-1111-4111-8111-111111111111")
            && text.contains("column Id\n"),
        "{text}"
    );
    let measures = std::fs::read_to_string(
        shop.folder()
            .join("powerbi/Old.SemanticModel/definition/tables/_MEASURES.tmdl"),
    )
    .unwrap();
    assert!(
        measures.contains("measure Antal = COUNT(Visits[Id])")
            && measures.contains("22222222-2222-4222-8222-222222222222"),
        "{measures}"
    );
    // Without --adopt they are still known.
    shop.tv1(&["export", "powerbi", "--check"]).expect(0, &[]);
}

/// Every file of the export and its text.
fn tree(shop: &Project) -> Vec<(String, String)> {
    fn go(folder: &std::path::Path, root: &std::path::Path, out: &mut Vec<(String, String)>) {
        for e in std::fs::read_dir(folder).unwrap() {
            let path = e.unwrap().path();
            if path.is_dir() {
                go(&path, root, out);
            } else {
                let shown = path
                    .strip_prefix(root)
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .to_string();
                out.push((shown, std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    let root = shop.folder().join("powerbi");
    let mut out = Vec::new();
    go(&root, &root, &mut out);
    out.sort();
    out
}
