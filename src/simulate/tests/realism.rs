//! Whether TV ONE's households behave as people do: 1,000 of them over the 28 days of January.
//!
//! The bounds are those of public figures (see docs/simulations.md); the seed is fixed, so this never wavers.
use super::*;
use crate::simulate::calendar;
use std::collections::{BTreeMap, BTreeSet};

struct Event {
    id: u64,
    time: i64,
    session: u64,
    episode: Option<u64>,
    end: i64,
    finished: bool,
    user: u64,
}

fn events(s: &Simulations, host: &Project) -> Vec<Event> {
    let number = |v: &Option<String>| v.as_ref().map(|t| t.parse::<u64>().unwrap());
    rows(s, "tracking", 10_000_000, 28, host)
        .iter()
        .map(|r| {
            let context: Json = serde_json::from_str(r[6].as_deref().unwrap()).unwrap();
            let time = calendar::parse_timestamp(r[1].as_deref().unwrap()).unwrap();
            Event {
                id: number(&r[0]).unwrap(),
                session: number(&r[3]).unwrap(),
                episode: number(&r[4]),
                end: context["end_time"]
                    .as_str()
                    .map_or(time, |t| calendar::parse_timestamp(t).unwrap()),
                finished: context["finished"].as_bool().unwrap_or(false),
                user: number(&r[7]).unwrap(),
                time,
            }
        })
        .collect()
}

#[test]
fn households_behave_as_people_do() {
    let mut host = Project::tv_one();
    host.vars.insert("households".into(), 1000);
    let s = loaded(&tv_one_files(), &host);
    let all = events(&s, &host);
    let users = rows(&s, "users", 10_000_000, 28, &host).len() as f64;
    let start = calendar::parse_date("2025-01-01").unwrap();
    let day = |e: &Event| e.id >> 39;
    let starts: Vec<&Event> = all.iter().filter(|e| e.episode.is_some()).collect();
    let sessions: Vec<&Event> = all.iter().filter(|e| e.episode.is_none()).collect();
    let minutes = |e: &Event| (e.end - e.time) as f64 / 60e6;
    let share = |n: usize, of: usize| n as f64 / of as f64;
    let active: BTreeSet<(u64, u64)> = sessions.iter().map(|e| (e.user, day(e))).collect();
    let week: BTreeSet<u64> = sessions
        .iter()
        .filter(|e| day(e) < 7)
        .map(|e| e.user)
        .collect();
    let mut watched: BTreeMap<u64, f64> = BTreeMap::new();
    let mut times: BTreeMap<u64, u64> = BTreeMap::new();
    for e in &starts {
        *watched.entry(e.session).or_default() += minutes(e);
        *times.entry(e.episode.unwrap()).or_default() += 1;
    }
    let mut lengths: Vec<f64> = watched.values().copied().collect();
    lengths.sort_by(f64::total_cmp);
    let mut popular: Vec<u64> = times.values().copied().collect();
    popular.sort_unstable_by(|a, b| b.cmp(a));
    let top: u64 = popular[..popular.len() / 10].iter().sum();
    let evening = sessions
        .iter()
        .filter(|e| {
            (17..24).contains(&(e.time.rem_euclid(calendar::DAY) / (60 * calendar::MINUTE)))
        })
        .count();
    let weekend = starts
        .iter()
        .filter(|e| calendar::weekday(start + day(e) as i64) > 4)
        .count();
    let late: BTreeSet<u64> = sessions
        .iter()
        .filter(|e| day(e) >= 25)
        .map(|e| e.session)
        .collect();
    let figures = [
        (
            "minutes per account and day",
            starts.iter().map(|e| minutes(e)).sum::<f64>() / users / 28.0,
            16.0,
            24.0,
        ),
        (
            "active on a day",
            active.len() as f64 / users / 28.0,
            0.20,
            0.28,
        ),
        (
            "active in the first week",
            week.len() as f64 / users,
            0.60,
            0.78,
        ),
        (
            "session minutes, 10th percentile",
            lengths[lengths.len() / 10],
            8.0,
            16.0,
        ),
        (
            "session minutes, median",
            lengths[lengths.len() / 2],
            24.0,
            36.0,
        ),
        (
            "session minutes, 90th percentile",
            lengths[lengths.len() * 9 / 10],
            42.0,
            60.0,
        ),
        (
            "episodes a session",
            share(starts.len(), sessions.len()),
            1.3,
            2.0,
        ),
        (
            "sessions without episodes",
            1.0 - share(watched.len(), sessions.len()),
            0.11,
            0.15,
        ),
        (
            "the same in the last three days",
            1.0 - share(
                watched
                    .keys()
                    .filter(|session| late.contains(session))
                    .count(),
                late.len(),
            ),
            0.09,
            0.17,
        ),
        (
            "finished",
            share(starts.iter().filter(|e| e.finished).count(), starts.len()),
            0.5,
            0.7,
        ),
        (
            "sessions that start 17-24",
            share(evening, sessions.len()),
            0.60,
            0.76,
        ),
        (
            "weekend share of episode starts",
            share(weekend, starts.len()),
            0.32,
            0.42,
        ),
        (
            "share of the most watched tenth",
            share(top as usize, starts.len()),
            0.45,
            0.80,
        ),
    ];
    let text: Vec<String> = figures
        .iter()
        .map(|f| format!("{}: {:.3}", f.0, f.1))
        .collect();
    println!("{}", text.join("\n"));
    for (name, value, low, high) in figures {
        assert!(
            (low..high).contains(&value),
            "{name}: {value}, outside {low}..{high}"
        );
    }
    let mut row: BTreeMap<u64, u32> = BTreeMap::new();
    for e in &sessions {
        let empty = row.entry(e.user).or_default();
        *empty = if watched.contains_key(&e.session) {
            0
        } else {
            *empty + 1
        };
        assert!(*empty < 9, "household {} is stuck", e.user);
    }
    assert_eq!(
        all.iter().map(|e| e.id).collect::<BTreeSet<_>>().len(),
        all.len(),
        "ids are unique"
    );
    let mut free: BTreeMap<u64, i64> = BTreeMap::new();
    for e in &all {
        let end = free.entry(e.user).or_insert(i64::MIN);
        assert!(
            e.time >= *end,
            "household {} watches two things at once",
            e.user
        );
        *end = e.end;
    }
}
