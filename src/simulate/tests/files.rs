//! TV ONE's own files: they load, and their rows do not depend on threads, chunks or the days made at once.
use super::*;

const NAMES: [&str; 5] = ["programs", "seasons", "episodes", "users", "tracking"];

fn small() -> Project {
    let mut host = Project::tv_one();
    host.vars.insert("households".into(), 300);
    host
}

#[test]
fn rows_do_not_depend_on_threads_or_chunks() {
    let host = small();
    let s = loaded(&tv_one_files(), &host);
    for name in NAMES {
        let one = digest(&s, name, 9, 1, 1 << 40, None, &host);
        assert!(one.rows > 0, "{name}");
        for (threads, chunk) in [(1, 7), (2, 50), (7, 13), (16, 1)] {
            assert_eq!(
                digest(&s, name, 9, threads, chunk, None, &host),
                one,
                "{name} {threads} {chunk}"
            );
        }
    }
}

#[test]
fn adding_days_changes_nothing_before_them() {
    let host = small();
    let s = loaded(&tv_one_files(), &host);
    for name in NAMES {
        let whole = digest(&s, name, 12, 2, 50, None, &host);
        for split in 1..12u32 {
            let mut parts = digest(&s, name, split, 2, 50, None, &host);
            parts.merge(digest(&s, name, 12, 3, 20, Some(i64::from(split)), &host));
            assert_eq!(parts, whole, "{name} {split}");
        }
    }
}

#[test]
fn the_catalogue_looks_like_one() {
    let host = Project::tv_one();
    let s = loaded(&tv_one_files(), &host);
    let show = |name: &str, n: usize| {
        let rows = rows(&s, name, n, 3, &host);
        rows.iter()
            .map(|r| {
                r.iter()
                    .map(|v| v.as_deref().unwrap_or("·"))
                    .collect::<Vec<_>>()
                    .join(" | ")
            })
            .collect::<Vec<_>>()
            .join("\n")
    };
    insta::assert_snapshot!(
        [
            show("programs", 6),
            show("seasons", 4),
            show("episodes", 6),
            show("users", 6),
            show("tracking", 12)
        ]
        .join("\n\n")
    );
}

/// The rows themselves never change: seed 42, fifteen days, 300 households.
#[test]
fn digests_are_pinned() {
    let host = small();
    let s = loaded(&tv_one_files(), &host);
    let lines: Vec<String> = NAMES
        .iter()
        .map(|name| {
            let d = digest(&s, name, 15, 2, 50, None, &host);
            format!("{name}: {} rows, {}", d.rows, d.text())
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}
