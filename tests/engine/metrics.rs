//! `metrics query` against SQL written by hand, and the Power BI export, on data with nulls, orphans and a session over
//! midnight.
use crate::project::Project;

/// The project `fixtures/shop`: its data have nulls, orphans, groups without rows, sessions over midnight and over the
/// night on which clocks change.
macro_rules! fixture {
    ($path:literal) => {
        ($path, include_str!(concat!("fixtures/shop/", $path)))
    };
}

pub const SEEDS: &[(&str, &str)] = &[
    fixture!("seeds/sessions.csv"),
    fixture!("seeds/plays.csv"),
    fixture!("seeds/users.csv"),
    fixture!("seeds/programs.csv"),
    fixture!("models/s.sql"),
    fixture!("models/p.sql"),
    fixture!("models/u.sql"),
    fixture!("models/g.sql"),
    fixture!("models/d.sql"),
    fixture!("models/sem.yml"),
];

/// The newer form.
pub const MODELS: &str = include_str!("fixtures/shop/models/sem.yml");

/// The same in the older form, as MetricFlow reads it.
pub const OLDER: &str = include_str!("fixtures/shop/older.yml");

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
             (values ('2025-01-01'::date), ('2025-02-01'), ('2025-03-01')) v(m) order by 1",
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
            "select started_on, count(distinct user_id), 5, count(distinct user_id)::float8 / 5 from s group by 1 order by 1",
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
    assert_eq!(found, "Drama|3 null|2");
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
        "Mobile|1 TV|2"
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
        "Drama|6 null|2"
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
    shop.write("models/sem.yml", OLDER);
    assert_eq!(
        asked(&shop, &["-m", "sessions", "-g", "session__platform"]),
        "Mobile|1 TV|5 Tablet|1 null|1"
    );
    assert_eq!(
        asked(
            &shop,
            &["-m", "north_sessions,tv_share", "-g", "metric_time__month"]
        ),
        "2025-01-01|2|0.6 2025-02-01|1|0.5 2025-03-01|1|1.0"
    );
    let manifest = std::fs::read_to_string(shop.folder().join("target/manifest.json"));
    assert!(
        manifest.is_ok_and(|m| m.contains("\"where_sql_template\""))
            || shop.tv1(&["parse"]).code == 0
    );
}

/// What a saved query asks, conditions by a metric, states and conversions, against SQL written by hand.
#[test]
fn what_only_the_older_form_has_equals_sql_written_by_hand() {
    let shop = shop();
    shop.write("models/sem.yml", OLDER);
    let by_platform = "select platform, date_trunc('month', started_on)::date, count(*), count(distinct user_id) from s \
        join u using (user_id) where region is not null and platform is not null group by 1, 2 order by 1, 2";
    assert_eq!(
        asked(&shop, &["--saved-query", "by_platform"]),
        shop.rows(by_platform)
    );
    assert_eq!(
        asked(
            &shop,
            &[
                "--saved-query",
                "by_platform",
                "-w",
                "platform = 'TV'",
                "--limit",
                "1",
                "--order-by",
                "-metric_time"
            ]
        ),
        "TV|2025-03-01|1|1"
    );
    let cases = [
        // Of each user's sessions those count whose user has two or more.
        (
            vec!["-m", "busy_sessions", "-g", "platform"],
            "select platform, count(session_id) filter (where user_id in (select user_id from s group by 1 having count(*) >= 2)) from s group by 1 order by 1",
        ),
        // A user whom no table knows is somebody all the same.
        (
            vec!["-m", "known_user_sessions,sessions", "-g", "user"],
            "select user_id, count(user_id), count(*) from s group by 1 order by 1",
        ),
        // Of each month the last day counts, of each user the first one.
        (
            vec!["-m", "last_length", "-g", "date:month"],
            "select date_trunc('month', started_on)::date, sum(minutes) from s where started_on in (select max(started_on) from s group by date_trunc('month', started_on)) group by 1 order by 1",
        ),
        (
            vec!["-m", "last_length", "-w", "platform = 'Mobile'"],
            "select 5",
        ),
        (
            vec!["-m", "first_length_of_user"],
            "select sum(minutes) from s join (select user_id, min(started_on) d from s group by 1) f on f.user_id = s.user_id and d = started_on",
        ),
        // Plays within seven days of the session they are of.
        (
            vec!["-m", "plays_after_sessions", "-g", "platform"],
            "select platform, coalesce(n, 0)::float8 / m from (select platform, count(*) m from s group by 1) a left join \
             (select platform k, count(*) n from s join p using (session_id) where played::date >= started_on and started_on > played::date - 7 group by 1) b \
             on k is not distinct from platform order by 1",
        ),
        (
            vec!["-m", "plays_after_sessions", "-w", "region = 'Nord'"],
            "select (select count(*) from p where session_id in (1, 2, 7, 8))::float8 / 4",
        ),
    ];
    for (words, sql) in cases {
        let zero = |t: String| t.replace("|0 ", "|null ").replace("|0\n", "|null\n");
        assert_eq!(
            zero(asked(&shop, &words) + "\n"),
            zero(shop.rows(sql) + "\n"),
            "{words:?}"
        );
    }
    let refused = [
        (
            vec!["--saved-query", "by_platfrom"],
            "did you mean `by_platform`?",
        ),
        (
            vec!["--saved-query", "by_platform", "-m", "sessions"],
            "leave out `--metrics` and `--group-by`",
        ),
        (
            vec!["-m", "since_start", "-g", "date:month"],
            "is a value of each day",
        ),
        (
            vec!["-m", "sessions", "-w", "{{ Metric('sessions') }} > 1"],
            "needs one entity",
        ),
        (
            vec![
                "-m",
                "sessions",
                "-w",
                "{{ Metric('sesions', group_by=['user']) }} > 1",
            ],
            "did you mean `sessions`?",
        ),
    ];
    for (words, said) in refused {
        let mut args = vec!["metrics", "query"];
        args.extend(words);
        shop.tv1(&args).expect(2, &[said]);
    }
    shop.write(
        "models/sem.yml",
        &OLDER.replace(
            "Metric('sessions', group_by",
            "Metric('busy_sessions', group_by",
        ),
    );
    shop.tv1(&["metrics", "query", "-m", "busy_sessions"])
        .expect(
            2,
            &["it is a condition of itself: busy_sessions → busy_sessions"],
        );
}

/// A value of the calendar stands for its last day, and conditions on days choose among the days.
#[test]
fn a_cumulative_metric_by_the_calendar_is_that_of_the_last_day() {
    let shop = shop();
    let last = "select m, (select count(*) from s where started_on <= d) from (select month_name m, max(day) d from d \
        where day between '2025-01-01' and '2025-03-30' group by 1) x order by 1";
    assert_eq!(
        asked(&shop, &["-m", "sessions_ever", "-g", "month_name"]),
        shop.rows(last)
    );
    assert_eq!(
        asked(&shop, &["-m", "sessions_ever", "-w", "month_name = 'Jan'"]),
        "5"
    );
    assert_eq!(
        asked(
            &shop,
            &["-m", "sessions_ever", "-w", "date <= '2025-01-02'"]
        ),
        "3"
    );
    // The month before, of a month of the calendar: all its days, though this one is shorter.
    assert_eq!(
        asked(&shop, &["-m", "month_before", "-w", "month_name = 'Feb'"]),
        "5"
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
