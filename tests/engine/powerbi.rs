//! The Power BI export: the same every time, what was changed by hand is kept, and what would not hold together is found.
use crate::metrics::{MODELS, shop};
use crate::project::Project;
use serde_json::Value;
use tv1::powerbi::{Files, check};

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
        "measure 'Tre dage' = VAR _end = CALCULATE(MAX(SESSIONS[started_on]), ALL(SESSIONS)) VAR _day = MIN(MAX(DATES[day]), _end) RETURN IF(MIN(DATES[day]) <= _end, CALCULATE([Aktive], DATESINPERIOD(DATES[day], _day, -3, DAY)))",
        "CALCULATE([Laengde], DATESBETWEEN(DATES[day], DATE(YEAR(_day), MONTH(_day), 1), _day))",
        "CALCULATE([Sessions], FILTER(ALL(DATES[day]), DATES[day] <= _day))",
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
fn a_calendar_with_holes_is_told() {
    let shop = shop();
    shop.write(
        "models/d.sql",
        "select day::date as day, to_char(day, 'Mon') as month_name from (values ('2025-01-01'::date), ('2025-01-04'), ('2025-01-04')) v(day)\n",
    );
    shop.tv1(&["run", "--select", "d"]).expect(0, &[]);
    shop.tv1(&["export", "powerbi"]).expect(
        0,
        &[
            "the calendar `dates` lacks 2 of the days from 2025-01-01 to 2025-01-04",
            "the calendar `dates` has 1 of its days more than once",
            "models/sem.yml:",
        ],
    );
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

/// The check of the exporter finds what `mutants.json` says it finds, and nothing in the export itself.
#[test]
fn faults_in_an_export_are_found() {
    let shop = shop();
    shop.write(
        "reports/shop.yml",
        include_str!("fixtures/shop/reports/shop.yml"),
    );
    shop.tv1(&["export", "powerbi"]).expect(0, &[]);
    let whole: Files = tree(&shop).into_iter().collect();
    assert_eq!(check(&whole), Vec::<String>::new());
    let mutants: Vec<Value> =
        serde_json::from_str(include_str!("../tools/reporting/mutants.json")).unwrap();
    let mut found = 0;
    for m in &mutants {
        let text = |key: &str| m[key].as_str().unwrap().to_string();
        let (name, pattern) = (text("name"), text("file"));
        let path = whole
            .iter()
            .find(|(path, text)| match pattern.strip_prefix("visual:") {
                Some(kind) => {
                    path.ends_with("visual.json")
                        && text.contains(&format!("\"visualType\": \"{kind}\""))
                        && m["find"].as_str().is_some_and(|f| text.contains(f))
                }
                None => path.ends_with(&pattern),
            })
            .unwrap_or_else(|| panic!("{name}: no file {pattern}"))
            .0
            .clone();
        let mut files = whole.clone();
        if m["drop"] == true {
            files.shift_remove(&path);
        } else {
            let changed = whole[&path].replacen(&text("find"), &text("put"), 1);
            assert_ne!(changed, whole[&path], "{name}: nothing changes");
            files.insert(path, changed);
        }
        let own = m["by"].as_array().unwrap().iter().any(|g| g == "own");
        let faults = check(&files);
        assert_eq!(!faults.is_empty(), own, "{name}: {faults:?}");
        found += usize::from(own);
    }
    assert!(found > 35, "{found}");
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
