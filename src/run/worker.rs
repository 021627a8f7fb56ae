//! Worker threads: each with its own connection, each taking the next ready node until nothing is left.
use super::cancel::Cancellation;
use super::failure::Failure;
use super::node::NodeRunner;
use super::publish::Staging;
use super::schedule::Scheduler;
use super::waits::Waits;
use crate::context::{NodeSession, Shared};
use crate::graph::{Entry, Manifest, Node, ResourceType};
use crate::outcome::{NodeResult, Status};
use crate::pg::{ConnectOptions, Session};
use crate::report::{Event, FailedEphemeral, Level, NodeInfo, Reporter};
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// Generates the rows of a simulated source.
pub type Simulate<'a> = &'a (dyn Fn(&str, &dyn Fn(u64, Option<u64>)) -> NodeResult + Sync);

/// What is to be done.
pub struct Work<'a> {
    /// Shared facts.
    pub shared: Arc<Shared>,
    /// The project.
    pub manifest: Arc<Manifest>,
    /// Ids to run, in the order they are listed.
    pub ids: Vec<String>,
    /// Edges between them.
    pub edges: Vec<(String, String)>,
    /// How many at once.
    pub threads: usize,
    /// How to connect.
    pub options: ConnectOptions,
    /// Whether the first failure stops the run.
    pub fail_fast: bool,
    /// Whether failures skip what hangs on them.
    pub gate: bool,
    /// Whether a skipped node says anew why what hangs on it is skipped, as `build` does.
    pub skips_explain: bool,
    /// Where words go.
    pub reporter: Reporter,
    /// How to stop.
    pub cancellation: Cancellation,
    /// How simulated sources are generated.
    pub simulate: Simulate<'a>,
    /// Whether nodes are copied from another environment instead of built.
    pub cloning: bool,
    /// Where relations stand until all are published, if not in their places.
    pub staging: Option<&'a Staging>,
}

type Results = Vec<(Arc<NodeInfo>, Arc<NodeResult>)>;

struct State {
    scheduler: Scheduler,
    results: Results,
    stopping: Option<&'static str>,
    /// Nodes that will be skipped on account of an ephemeral model.
    causes: HashMap<String, FailedEphemeral>,
}

struct Pool<'a> {
    work: &'a Work<'a>,
    state: Mutex<State>,
    wake: Condvar,
    next_index: AtomicUsize,
    total: usize,
    waits: Waits,
}

/// Runs everything; results come in the order of completion.
pub fn execute(work: &Work<'_>) -> Results {
    let folded = |id: &String| work.manifest.nodes.get(id).is_some_and(Node::is_ephemeral);
    // Ephemeral models take their turn, but have no line and no result.
    let total = work.ids.iter().filter(|id| !folded(id)).count();
    let pool = Pool {
        work,
        state: Mutex::new(State {
            scheduler: Scheduler::new(work.ids.clone(), &work.edges),
            results: Vec::new(),
            stopping: None,
            causes: HashMap::new(),
        }),
        wake: Condvar::new(),
        next_index: AtomicUsize::new(0),
        total,
        waits: Waits::default(),
    };
    let threads = work.threads.clamp(1, total.max(1));
    std::thread::scope(|scope| {
        let pool = &pool;
        let watcher = std::thread::Builder::new().name("waits".into());
        // Without a thread for it, nobody says what is waited for.
        let _ = watcher.spawn_scoped(scope, || pool.waits.watch(&work.options, &work.reporter));
        let mut workers = Vec::new();
        for n in 0..threads {
            let named = std::thread::Builder::new()
                .name(format!("Thread-{} (worker)", n + 1))
                .stack_size(64 * 1024 * 1024);
            match named.spawn_scoped(scope, move || pool.work(n)) {
                Ok(worker) => workers.push(worker),
                Err(_) if n == 0 => pool.work(n),
                Err(_) => {}
            }
        }
        for worker in workers {
            let joined = worker.join();
            if let Err(panic) = joined {
                pool.waits.close();
                std::panic::resume_unwind(panic);
            }
        }
        pool.waits.close();
    });
    pool.state
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner)
        .results
}

/// With the group of the node, or of the node a test stands at.
fn in_group(m: &Manifest, node: &Node, info: Arc<NodeInfo>) -> Arc<NodeInfo> {
    let attached = info.attached_node.as_ref().and_then(|id| m.nodes.get(id));
    let name = node
        .group
        .as_ref()
        .or_else(|| attached.and_then(|n| n.group.as_ref()));
    let group = name.and_then(|name| m.groups.values().find(|g| g.name == *name));
    match group {
        Some(group) => info.in_group(group),
        None => info,
    }
}

/// What the report has to know of a node that runs.
fn info_of(m: &Manifest, id: &str) -> Arc<NodeInfo> {
    match m.entry(id) {
        Some(Entry::Node(n)) => in_group(m, n, NodeInfo::of_node(n)),
        Some(Entry::Source(s)) => NodeInfo::of_simulation(s),
        Some(Entry::UnitTest(u)) => NodeInfo::of_unit_test(u),
        Some(e) => Arc::new(NodeInfo::plain(
            e.unique_id(),
            e.name(),
            e.resource_type(),
            "",
            e.original_file_path(),
        )),
        None => Arc::new(NodeInfo::plain(id, id, ResourceType::Model, "", "")),
    }
}

/// Skips everything, for a hook before it that failed.
pub fn skip_all(manifest: &Manifest, ids: &[String], reporter: &Reporter) -> Results {
    let skipped = ids.iter().enumerate().map(|(n, id)| {
        let node = info_of(manifest, id);
        let mut result = NodeResult::new(id, Status::Skipped);
        result.relation_name.clone_from(&node.relation_name);
        result.thread_id = "MainThread".to_string();
        let result = Arc::new(result);
        reporter.emit(Event::NodeFinished {
            node: node.clone(),
            index: n + 1,
            total: ids.len(),
            result: result.clone(),
            because: None,
        });
        (node, result)
    });
    skipped.collect()
}

impl Pool<'_> {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn info(&self, id: &str) -> Arc<NodeInfo> {
        let info = info_of(&self.work.manifest, id);
        match self.work.manifest.nodes.get(id) {
            Some(node) if node.is_microbatch() && !self.work.shared.batches() => {
                NodeInfo::in_one_go(info)
            }
            _ => info,
        }
    }

    /// One thread's life.
    fn work(&self, number: usize) {
        let mut runner: Option<NodeRunner> = None;
        loop {
            let id = {
                let mut state = self.lock();
                loop {
                    if self.work.cancellation.is_cancelled() && state.stopping.is_none() {
                        self.stop(&mut state, "Skipping due to cancellation");
                    }
                    if state.scheduler.is_done() {
                        drop(state);
                        self.wake.notify_all();
                        return;
                    }
                    if let Some(id) = state.scheduler.next() {
                        break id;
                    }
                    let waited = self
                        .wake
                        .wait_timeout(state, std::time::Duration::from_millis(200));
                    state = waited.unwrap_or_else(PoisonError::into_inner).0;
                }
            };
            if self.leaves(&id, &mut runner, number) {
                return;
            }
            let info = self.info(&id);
            let index = self.place(&info);
            self.work.reporter.emit(Event::NodeStarted {
                node: info.clone(),
                index,
                total: self.total,
            });
            let (mut result, fail_fast) = self.run(&id, &mut runner, number);
            result.thread_id = crate::outcome::thread_name();
            self.finish(info, index, result, fail_fast);
        }
    }

    /// Whether this thread has to end, as the server has no connection left for it: its node goes to the others, if
    /// there are any that have one.
    fn leaves(&self, id: &str, runner: &mut Option<NodeRunner>, number: usize) -> bool {
        const TOO_MANY: &str = "53300";
        if runner.is_some() || self.work.manifest.sources.contains_key(id) {
            return false;
        }
        let refused = match self.connected(runner, number) {
            Err(e) if e.sqlstate == TOO_MANY && self.work.cancellation.has_workers() => e,
            _ => return false,
        };
        self.work.reporter.emit(Event::Line {
            level: Level::Warn,
            text: format!("one thread fewer from here on: {refused}"),
            dbt: None,
        });
        let mut state = self.lock();
        state.scheduler.give_back(id);
        if let Some(why) = state.stopping {
            self.stop(&mut state, why);
        }
        drop(state);
        self.wake.notify_all();
        true
    }

    /// The number of a node's line; ephemeral models have none.
    fn place(&self, node: &NodeInfo) -> usize {
        if node.is_ephemeral() {
            return 0;
        }
        self.next_index.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// Books a result, and skips what must be skipped.
    fn finish(&self, info: Arc<NodeInfo>, index: usize, result: NodeResult, fail_fast: bool) {
        let failed = result.status.is_failure();
        let blocks = self.work.gate && result.status.blocks_children();
        let result = Arc::new(result);
        self.work.reporter.emit(Event::NodeFinished {
            node: info.clone(),
            index,
            total: self.total,
            result: result.clone(),
            because: None,
        });
        let mut state = self.lock();
        if blocks {
            self.blame(&mut state, &info, &result);
        }
        let skipped = state.scheduler.finish(&info.unique_id, blocks);
        let stops = failed && self.work.fail_fast || fail_fast;
        if stops && state.stopping.is_none() {
            self.work.reporter.emit(Event::FailedFast {
                node: info.clone(),
                result: result.clone(),
            });
        }
        if !info.is_ephemeral() {
            state.results.push((info, result));
        }
        for id in skipped {
            self.skip(&mut state, &id, None);
        }
        if stops && state.stopping.is_none() {
            self.stop(&mut state, "Skipping due to fail_fast");
            drop(state);
            self.work.cancellation.cancel();
        } else {
            drop(state);
        }
        self.wake.notify_all();
    }

    /// Notes why what hangs on this node will be skipped: on account of it, if it is an ephemeral model, which has no
    /// line of its own. Who speaks last is right, as in dbt.
    fn blame(&self, state: &mut State, info: &Arc<NodeInfo>, result: &Arc<NodeResult>) {
        let folded = info.is_ephemeral();
        if !folded && state.causes.is_empty() {
            return;
        }
        for id in state.scheduler.below(&info.unique_id) {
            // A unit test is skipped for its model, never for what the model is made of.
            if folded && !self.work.manifest.unit_tests.contains_key(&id) {
                let cause = FailedEphemeral {
                    node: info.clone(),
                    result: result.clone(),
                };
                state.causes.insert(id, cause);
            } else {
                state.causes.remove(&id);
            }
        }
    }

    fn skip(&self, state: &mut State, id: &str, why: Option<&str>) {
        let info = self.info(id);
        let because = state.causes.remove(id).filter(|_| !info.is_ephemeral());
        let mut result = NodeResult::new(id, Status::Skipped);
        result.message = why.map(str::to_string).or_else(|| {
            let ephemeral = &because.as_ref()?.node.unique_id;
            Some(format!(
                "Compilation Error in {id}, caused by compilation error in referenced ephemeral model {ephemeral}"
            ))
        });
        result.relation_name = info.relation_name.clone();
        result.thread_id = crate::outcome::thread_name();
        let result = Arc::new(result);
        let index = self.place(&info);
        self.work.reporter.emit(Event::NodeFinished {
            node: info.clone(),
            index,
            total: self.total,
            result: result.clone(),
            because,
        });
        if self.work.skips_explain && state.stopping.is_none() {
            self.blame(state, &info, &result);
        }
        if !info.is_ephemeral() {
            state.results.push((info, result));
        }
    }

    fn stop(&self, state: &mut State, why: &'static str) {
        state.stopping = Some(why);
        for id in state.scheduler.stop() {
            self.skip(state, &id, Some(why));
        }
    }

    fn run(&self, id: &str, runner: &mut Option<NodeRunner>, number: usize) -> (NodeResult, bool) {
        let manifest = &self.work.manifest;
        if let Some(source) = manifest.sources.get(id) {
            let reporter = self.work.reporter.clone();
            let progress = |rows: u64, expected: Option<u64>| {
                reporter.emit(Event::NodeProgress {
                    unique_id: id.to_string(),
                    rows,
                    expected,
                });
            };
            return (
                (self.work.simulate)(source.simulation.as_deref().unwrap_or_default(), &progress),
                false,
            );
        }
        let connected = self.connected(runner, number);
        let runner = match connected {
            Ok(r) => r,
            Err(e) => {
                let d = e
                    .diagnostic(None, Some(&self.work.options))
                    .heading("Database Error");
                let mut result = NodeResult::new(id, Status::Error);
                result.message = Some(format!("Database Error\n  {e}"));
                result.diagnostic = Some(d);
                return (result, false);
            }
        };
        let backend = {
            let mut session = runner.session.lock();
            session
                .as_mut()
                .map_or(0, |session| session.raw().backend_pid())
        };
        self.waits.begin(number, backend, &self.info(id).label);
        let ended = self.run_on(id, runner);
        self.waits.end(number);
        ended
    }

    fn run_on(&self, id: &str, runner: &NodeRunner) -> (NodeResult, bool) {
        let manifest = &self.work.manifest;
        if let Some(test) = manifest.unit_tests.get(id) {
            return told(runner.unit_test(test));
        }
        let node = manifest.nodes.get(id);
        let staged = match self.staged(node, runner) {
            Ok(staged) => staged,
            Err(failed) => return told(*failed),
        };
        match staged.as_ref().or(node) {
            Some(node) if node.resource_type == ResourceType::Test => told(runner.test(node)),
            Some(node) if super::microbatch::is_microbatch(node, &self.work.shared) => {
                let stopped = || self.work.cancellation.is_cancelled();
                told(runner.microbatch(node, &self.info(id), &self.work.reporter, &stopped))
            }
            Some(node) if node.is_ephemeral() => told(runner.ephemeral(node)),
            Some(node) if self.work.cloning => told(runner.clone_of(node)),
            Some(node) => told(runner.run(node)),
            None => {
                let mut result = NodeResult::new(id, Status::NoOp);
                result.message = Some("NO-OP".into());
                result.failures = Some(0);
                (result, false)
            }
        }
    }

    /// A node under the name that it has until it is published, with what it goes on from.
    fn staged(&self, node: Option<&Node>, runner: &NodeRunner) -> Result<Option<Node>, Box<Ended>> {
        let (Some(node), Some(staging)) = (node, self.work.staging) else {
            return Ok(None);
        };
        let Some(staged) = staging.node(node) else {
            return Ok(None);
        };
        staging.carry_over(runner, node).map_err(|failure| {
            let mut result = NodeResult::new(&node.unique_id, Status::Error);
            result.message = Some(failure.message.clone());
            result.diagnostic = Some(failure.diagnostic.clone());
            result.relation_name.clone_from(&node.relation_name);
            Box::new((result, Some(failure)))
        })?;
        Ok(Some(staged))
    }

    /// A runner with a connection as good as new.
    fn connected<'r>(
        &self,
        slot: &'r mut Option<NodeRunner>,
        number: usize,
    ) -> Result<&'r NodeRunner, crate::pg::PgError> {
        let reusable = slot.as_ref().is_some_and(|r| {
            let mut session = r.session.lock().unwrap_or_else(PoisonError::into_inner);
            !session.is_closed() && reset(&mut session, &self.work.options).is_ok()
        });
        if !reusable {
            let session = Session::connect(&self.work.options)?;
            let handle = session.cancel_handle();
            self.work.cancellation.covers_thread(number, handle);
            *slot = Some(NodeRunner {
                shared: self.work.shared.clone(),
                session: Arc::new(Mutex::new(
                    NodeSession::new(session).stopped_by(self.work.cancellation.switch()),
                )),
                batch: None,
            });
        }
        #[expect(
            clippy::expect_used,
            reason = "the slot was filled just above when it was empty"
        )]
        Ok(slot.as_ref().expect("a connected runner"))
    }
}

/// How a node ended.
type Ended = (NodeResult, Option<Failure>);

fn told((result, failure): Ended) -> (NodeResult, bool) {
    (result, failure.is_some_and(|f| f.fail_fast))
}

/// What one node set must not reach the next.
fn reset(session: &mut NodeSession, options: &ConnectOptions) -> Result<(), crate::pg::PgError> {
    session.renew()?;
    if let Some(role) = &options.role {
        let sql = format!("set role {}", crate::pg::quote_ident(role));
        session.raw().execute(&sql)?;
    }
    Ok(())
}
