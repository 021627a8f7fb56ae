//! Says which nodes wait for a lock that somebody else holds: a build that stands still without a word looks broken.
use crate::pg::{Cell, ConnectOptions, PgError, Session};
use crate::report::{Event, Level, Reporter};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a node may run before somebody asks what it waits for, and how often that is asked again.
const PATIENCE: Duration = Duration::from_secs(3);

/// The nodes that run: by thread, the server's process, the words for the node, and since when.
#[derive(Default)]
pub(super) struct Waits {
    state: Mutex<State>,
    ended: Condvar,
}

#[derive(Default)]
struct State {
    busy: BTreeMap<usize, (i32, String, Instant)>,
    done: bool,
}

impl Waits {
    /// A thread's connection runs a node from now on.
    pub(super) fn begin(&self, thread: usize, backend: i32, node: &str) {
        let entry = (backend, node.to_string(), Instant::now());
        self.lock().busy.insert(thread, entry);
    }

    /// A thread is idle again.
    pub(super) fn end(&self, thread: usize) {
        self.lock().busy.remove(&thread);
    }

    /// No further node runs.
    pub(super) fn close(&self) {
        self.lock().done = true;
        self.ended.notify_all();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells every wait once, until the run is closed. The connection for it is made when it is first needed; a server
    /// that has none to spare is not asked.
    pub(super) fn watch(&self, options: &ConnectOptions, reporter: &Reporter) {
        let mut session: Option<Session> = None;
        let mut told: BTreeSet<(String, i32)> = BTreeSet::new();
        loop {
            let busy: Vec<(i32, String)> = {
                let state = self.lock();
                let (state, _) = self
                    .ended
                    .wait_timeout_while(state, PATIENCE, |s| !s.done)
                    .unwrap_or_else(PoisonError::into_inner);
                if state.done {
                    return;
                }
                let long = state
                    .busy
                    .values()
                    .filter(|(_, _, since)| since.elapsed() >= PATIENCE);
                long.map(|(pid, node, _)| (*pid, node.clone())).collect()
            };
            if busy.is_empty() {
                continue;
            }
            if session.is_none() {
                session = Session::connect(options).ok();
            }
            let Some(asked) = session.as_mut().map(|s| blockers(s, &busy)) else {
                continue;
            };
            let Ok(found) = asked else {
                session = None;
                continue;
            };
            for (node, pid, who) in found {
                if told.insert((node.clone(), pid)) {
                    reporter.emit(Event::Line {
                        level: Level::Warn,
                        text: format!("{node} waits for a lock that {who} holds"),
                        dbt: None,
                    });
                }
            }
        }
    }
}

/// Who holds what these processes wait for, other than they themselves: node, process, words for it.
fn blockers(
    session: &mut Session,
    busy: &[(i32, String)],
) -> Result<Vec<(String, i32, String)>, PgError> {
    let own: Vec<String> = busy.iter().map(|(pid, _)| pid.to_string()).collect();
    let sql = format!(
        "select w.pid::text, b.pid::text, b.usename::text, nullif(b.application_name, ''), b.state, \
         left(regexp_replace(b.query, '\\s+', ' ', 'g'), 80) from pg_catalog.pg_stat_activity w \
         cross join lateral unnest(pg_catalog.pg_blocking_pids(w.pid)) as held(pid) \
         join pg_catalog.pg_stat_activity b on b.pid = held.pid \
         where w.wait_event_type = 'Lock' and w.pid in ({0}) and b.pid not in ({0}) order by 1, 2",
        own.join(", ")
    );
    let table = session.fetch(&sql)?;
    let mut found = Vec::new();
    for row in &table.rows {
        let text = |i: usize| row.get(i).and_then(Cell::text);
        let number = |i: usize| text(i).and_then(|t| t.parse::<i32>().ok());
        let (Some(waits), Some(holds)) = (number(0), number(1)) else {
            continue;
        };
        let Some((_, node)) = busy.iter().find(|(pid, _)| *pid == waits) else {
            continue;
        };
        let known: Vec<String> = [
            text(2).map(|user| format!("user {user}")),
            text(3),
            text(4).map(|state| match text(5).filter(|q| !q.is_empty()) {
                Some(query) => format!("{state}: {query}"),
                None => state,
            }),
        ]
        .into_iter()
        .flatten()
        .collect();
        let who = format!("the server's process {holds} ({})", known.join(", "));
        found.push((node.clone(), holds, who));
    }
    Ok(found)
}
