//! The order of work: which node may run next. Pure: no threads, no database.
//!
//! Of the nodes that are ready the first in the list is taken. [`in_order`] makes the list: as in dbt, what lies fewer
//! steps below the beginning comes first, so that models which look at tables without referring to them find the
//! same ones.
use crate::graph::{Dag, Manifest, ResourceType};
use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};

/// The state of a run.
#[derive(Debug, Default)]
pub struct Scheduler {
    ids: Vec<String>,
    children: Vec<Vec<usize>>,
    waiting: Vec<usize>,
    ready: BTreeSet<usize>,
    left: usize,
    state: Vec<State>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Waiting,
    Running,
    Done,
}

impl Scheduler {
    /// Work for these ids, in the order in which they are preferred, with these edges (parent, child); edges to others
    /// are ignored.
    pub fn new(ids: Vec<String>, edges: &[(String, String)]) -> Self {
        let index: HashMap<&str, usize> = ids
            .iter()
            .enumerate()
            .map(|(i, id)| (id.as_str(), i))
            .collect();
        let mut children: Vec<Vec<usize>> = vec![Vec::new(); ids.len()];
        let mut waiting = vec![0; ids.len()];
        let mut seen = HashSet::new();
        for (a, b) in edges {
            let (Some(&a), Some(&b)) = (index.get(a.as_str()), index.get(b.as_str())) else {
                continue;
            };
            if a != b && seen.insert((a, b)) {
                children[a].push(b);
                waiting[b] += 1;
            }
        }
        let ready = (0..ids.len()).filter(|i| waiting[*i] == 0).collect();
        let left = ids.len();
        let state = vec![State::Waiting; left];
        Self {
            ids,
            children,
            waiting,
            ready,
            left,
            state,
        }
    }

    /// The next node to run, if one is ready.
    pub fn next(&mut self) -> Option<String> {
        let i = self.ready.pop_first()?;
        self.state[i] = State::Running;
        Some(self.ids[i].clone())
    }

    /// A node that was taken is left to another worker.
    pub fn give_back(&mut self, id: &str) {
        if let Some(i) = self.ids.iter().position(|x| x == id)
            && self.state[i] == State::Running
        {
            self.state[i] = State::Waiting;
            self.ready.insert(i);
        }
    }

    /// Whether nothing is left to run or running.
    pub fn is_done(&self) -> bool {
        self.left == 0
    }

    /// A node ended. When it blocks, everything that hangs on it is skipped: those ids, in order.
    pub fn finish(&mut self, id: &str, blocks: bool) -> Vec<String> {
        let Some(i) = self.ids.iter().position(|x| x == id) else {
            return Vec::new();
        };
        if self.state[i] == State::Done {
            return Vec::new();
        }
        self.state[i] = State::Done;
        self.left -= 1;
        if blocks {
            return self.skip_below(i);
        }
        for c in self.children[i].clone() {
            self.waiting[c] -= 1;
            if self.waiting[c] == 0 && self.state[c] == State::Waiting {
                self.ready.insert(c);
            }
        }
        Vec::new()
    }

    fn skip_below(&mut self, i: usize) -> Vec<String> {
        let mut skipped = BTreeSet::new();
        let mut queue = VecDeque::from([i]);
        while let Some(at) = queue.pop_front() {
            for c in self.children[at].clone() {
                if self.state[c] == State::Waiting && skipped.insert(c) {
                    queue.push_back(c);
                }
            }
        }
        for c in &skipped {
            self.state[*c] = State::Done;
            self.ready.remove(c);
        }
        self.left -= skipped.len();
        skipped.into_iter().map(|c| self.ids[c].clone()).collect()
    }

    /// Everything that hangs on a node.
    pub fn below(&self, id: &str) -> Vec<String> {
        let mut found = BTreeSet::new();
        let mut open: Vec<usize> = (0..self.ids.len()).filter(|i| self.ids[*i] == id).collect();
        while let Some(at) = open.pop() {
            open.extend(self.children[at].iter().filter(|c| found.insert(**c)));
        }
        found.into_iter().map(|c| self.ids[c].clone()).collect()
    }

    /// Stops: everything that is not running is skipped.
    pub fn stop(&mut self) -> Vec<String> {
        self.ready.clear();
        let mut skipped = Vec::new();
        for i in 0..self.ids.len() {
            if self.state[i] == State::Waiting {
                self.state[i] = State::Done;
                self.left -= 1;
                skipped.push(self.ids[i].clone());
            }
        }
        skipped
    }
}

/// The number of nodes on the longest path that leads to each node.
fn levels(ids: &[String], edges: &[(String, String)]) -> HashMap<String, usize> {
    let mut dag = Dag::default();
    for id in ids {
        dag.add(id);
    }
    edges.iter().for_each(|(a, b)| dag.connect(a, b));
    let mut levels = HashMap::new();
    // A cycle has been refused long before.
    for id in dag.order().unwrap_or_default() {
        let above = dag
            .parents(&id)
            .into_iter()
            .filter_map(|p| levels.get(p))
            .max();
        let level = above.map_or(0, |l: &usize| l + 1);
        levels.insert(id, level);
    }
    levels
}

/// Selected ids in the order in which dbt-core 1.10 prefers them (`dbt/graph/queue.py`): by the longest path that leads
/// to them, then by id. Unit tests come directly before their model, if it is selected too.
pub fn in_order(manifest: &Manifest, dag: &Dag, selected: &[String], gate: bool) -> Vec<String> {
    let is_unit_test = |id: &String| manifest.unit_tests.contains_key(id);
    let plain: Vec<String> = selected
        .iter()
        .filter(|id| !is_unit_test(id))
        .cloned()
        .collect();
    let levels = levels(&plain, &edges(manifest, dag, &plain, gate));
    let key = |id: &String| {
        let tested = manifest
            .unit_tests
            .get(id)
            .and_then(|u| u.tested_node.as_ref());
        match tested.and_then(|model| levels.get_key_value(model)) {
            Some((model, level)) => (*level, model.clone(), false, id.clone()),
            None => (
                levels.get(id).copied().unwrap_or(0),
                id.clone(),
                true,
                String::new(),
            ),
        }
    };
    let mut out = selected.to_vec();
    out.sort_by_cached_key(key);
    out
}

/// The edges of a run over `ids`: ways through nodes that do not run count too, and in `build` a test stands before
/// whatever needs all that it tests.
pub fn edges(manifest: &Manifest, dag: &Dag, ids: &[String], gate: bool) -> Vec<(String, String)> {
    let chosen: HashSet<&str> = ids.iter().map(String::as_str).collect();
    let mut out = Vec::new();
    for id in ids {
        let unit_test = manifest.unit_tests.get(id);
        let starts: Vec<&str> = match unit_test {
            // A unit test needs what its model needs (for the types), and comes before the model.
            Some(u) => u.tested_node.iter().flat_map(|m| dag.parents(m)).collect(),
            None => dag.parents(id),
        };
        for parent in nearest(dag, &chosen, starts) {
            out.push((parent, id.clone()));
        }
        if let Some(model) = unit_test.and_then(|u| u.tested_node.clone()) {
            out.push((id.clone(), model));
        }
    }
    if gate {
        gates(manifest, dag, ids, &chosen, &mut out);
    }
    out
}

/// The edges from tests to the nodes that wait for them in a `build` of `ids`.
pub fn test_edges(manifest: &Manifest, dag: &Dag, ids: &[String]) -> Vec<(String, String)> {
    let chosen = ids.iter().map(String::as_str).collect();
    let mut out = Vec::new();
    gates(manifest, dag, ids, &chosen, &mut out);
    out.retain(|(_, child)| manifest.nodes.contains_key(child));
    out
}

/// The nearest chosen nodes on the ways up from some starts.
fn nearest(dag: &Dag, chosen: &HashSet<&str>, starts: Vec<&str>) -> Vec<String> {
    let mut found = Vec::new();
    let mut seen: HashSet<&str> = HashSet::new();
    let mut stack = starts;
    while let Some(at) = stack.pop() {
        if !seen.insert(at) {
            continue;
        }
        if chosen.contains(at) {
            found.push(at.to_string());
        } else {
            stack.extend(dag.parents(at));
        }
    }
    found
}

/// Tests before the nodes whose strict ancestors include everything that the test needs.
fn gates(
    manifest: &Manifest,
    dag: &Dag,
    ids: &[String],
    chosen: &HashSet<&str>,
    out: &mut Vec<(String, String)>,
) {
    let mut below: HashMap<String, BTreeSet<String>> = HashMap::new();
    for id in ids {
        let Some(node) = manifest
            .nodes
            .get(id)
            .filter(|n| n.resource_type == ResourceType::Test)
        else {
            continue;
        };
        let needs = &node.depends_on.nodes;
        let Some((first, rest)) = needs.split_first() else {
            continue;
        };
        for need in needs {
            below
                .entry(need.clone())
                .or_insert_with(|| dag.descendants(need, None));
        }
        let gated = below[first]
            .iter()
            .filter(|d| rest.iter().all(|n| below[n].contains(*d)));
        for child in gated {
            // Exposures and saved queries do not wait: nothing happens in them that a failed test could make wrong.
            let executable = manifest
                .nodes
                .get(child)
                .is_some_and(|n| n.resource_type != ResourceType::Test);
            let unit_test = manifest.unit_tests.get(child);
            // A unit test runs before its model, so it waits for what the model waits for.
            let model = unit_test.and_then(|u| u.tested_node.as_ref());
            let waits = unit_test.is_none()
                || model.is_some_and(|m| needs.iter().all(|n| below[n].contains(m)));
            if (executable || unit_test.is_some()) && waits && chosen.contains(child.as_str()) {
                out.push((id.clone(), child.clone()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn edge_list(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter()
            .map(|(a, b)| ((*a).to_string(), (*b).to_string()))
            .collect()
    }

    #[test]
    fn the_first_ready_node_of_the_list_is_taken() {
        let ids = ["lone", "a", "b", "c"].map(String::from).to_vec();
        let mut s = Scheduler::new(ids, &edge_list(&[("a", "b"), ("b", "c")]));
        assert_eq!(s.next().as_deref(), Some("lone"));
        assert_eq!(s.next().as_deref(), Some("a"));
        assert_eq!(s.next(), None);
        assert!(s.finish("a", false).is_empty());
        assert_eq!(s.next().as_deref(), Some("b"));
        assert_eq!(s.finish("b", true), ["c"]);
        s.finish("lone", false);
        assert!(s.is_done());
    }

    #[test]
    fn levels_are_the_longest_way_from_the_beginning() {
        let ids = ["d", "c", "b", "a", "e"].map(String::from);
        let edges = edge_list(&[("a", "b"), ("b", "c"), ("a", "c"), ("a", "d")]);
        let levels = levels(&ids, &edges);
        let of = |id: &str| levels[id];
        assert_eq!(
            [of("a"), of("b"), of("c"), of("d"), of("e")],
            [0, 1, 2, 1, 0]
        );
    }

    proptest! {
        /// No node starts before its parents, and none is lost.
        #[test]
        fn every_node_ends_once_and_after_its_parents(n in 1usize..40, raw in proptest::collection::vec((0usize..40, 0usize..40), 0..120), fail in 0usize..50) {
            let ids: Vec<String> = (0..n).map(|i| i.to_string()).collect();
            let edges: Vec<(String, String)> = raw.iter().filter(|(a, b)| a < b && *b < n).map(|(a, b)| (a.to_string(), b.to_string())).collect();
            let mut s = Scheduler::new(ids.clone(), &edges);
            let mut ended: Vec<String> = Vec::new();
            while let Some(id) = s.next() {
                for (a, b) in &edges {
                    if *b == id {
                        prop_assert!(ended.contains(a));
                    }
                }
                ended.push(id.clone());
                ended.extend(s.finish(&id, id == fail.to_string()));
            }
            prop_assert!(s.is_done());
            ended.sort();
            ended.dedup();
            prop_assert_eq!(ended.len(), n);
        }
    }
}
