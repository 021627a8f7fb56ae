//! The graph of who needs whom, on petgraph: ancestors, descendants, cycles.
use super::Manifest;
use indexmap::IndexMap;
use petgraph::Direction;
use petgraph::graph::{DiGraph, NodeIndex};
use std::collections::{BTreeSet, VecDeque};

/// Edges go from what is needed to what needs it.
#[derive(Debug, Clone, Default)]
pub struct Dag {
    graph: DiGraph<String, ()>,
    index: IndexMap<String, NodeIndex>,
}

/// The ids of a cycle, in order: each is needed by the next, and the last by the first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cycle(pub Vec<String>);

impl Dag {
    /// The graph of a manifest; ids that are needed but unknown are left out.
    pub fn new(manifest: &Manifest) -> Self {
        let mut dag = Self::default();
        for e in manifest.entries() {
            dag.add(e.unique_id());
        }
        for e in manifest.entries() {
            for parent in e.parents() {
                if manifest.entry(parent).is_some() {
                    dag.connect(parent, e.unique_id());
                }
            }
        }
        dag
    }

    /// Adds an id.
    pub fn add(&mut self, id: &str) -> NodeIndex {
        if let Some(i) = self.index.get(id) {
            return *i;
        }
        let i = self.graph.add_node(id.to_string());
        self.index.insert(id.to_string(), i);
        i
    }

    /// Says that `child` needs `parent`.
    pub fn connect(&mut self, parent: &str, child: &str) {
        let (a, b) = (self.add(parent), self.add(child));
        self.graph.update_edge(a, b, ());
    }

    /// All ids.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.index.keys().map(String::as_str)
    }

    /// Whether the id is known.
    pub fn contains(&self, id: &str) -> bool {
        self.index.contains_key(id)
    }

    fn neighbours(&self, id: &str, direction: Direction) -> Vec<&str> {
        let Some(i) = self.index.get(id) else {
            return Vec::new();
        };
        self.graph
            .neighbors_directed(*i, direction)
            .map(|n| self.graph[n].as_str())
            .collect()
    }

    /// What an id needs directly.
    pub fn parents(&self, id: &str) -> Vec<&str> {
        self.neighbours(id, Direction::Incoming)
    }

    /// What needs an id directly.
    pub fn children(&self, id: &str) -> Vec<&str> {
        self.neighbours(id, Direction::Outgoing)
    }

    /// Everything an id needs, up to `depth` steps away; without itself.
    pub fn ancestors(&self, id: &str, depth: Option<usize>) -> BTreeSet<String> {
        self.walk(id, depth, Direction::Incoming)
    }

    /// Everything that needs an id, up to `depth` steps away; without itself.
    pub fn descendants(&self, id: &str, depth: Option<usize>) -> BTreeSet<String> {
        self.walk(id, depth, Direction::Outgoing)
    }

    fn walk(&self, id: &str, depth: Option<usize>, direction: Direction) -> BTreeSet<String> {
        let mut seen = BTreeSet::new();
        let mut queue = VecDeque::from([(id.to_string(), 0usize)]);
        while let Some((at, steps)) = queue.pop_front() {
            if depth.is_some_and(|d| steps >= d) {
                continue;
            }
            for next in self.neighbours(&at, direction) {
                if next != id && seen.insert(next.to_string()) {
                    queue.push_back((next.to_string(), steps + 1));
                }
            }
        }
        seen
    }

    /// The ids in an order in which each comes after all it needs; ties keep the order of adding.
    ///
    /// # Errors
    /// A shortest cycle found, as a path.
    pub fn order(&self) -> Result<Vec<String>, Cycle> {
        let mut missing: Vec<usize> = self
            .graph
            .node_indices()
            .map(|i| {
                self.graph
                    .neighbors_directed(i, Direction::Incoming)
                    .count()
            })
            .collect();
        let mut ready: BTreeSet<NodeIndex> = self
            .graph
            .node_indices()
            .filter(|i| missing[i.index()] == 0)
            .collect();
        let mut out = Vec::with_capacity(self.graph.node_count());
        while let Some(i) = ready.pop_first() {
            out.push(self.graph[i].clone());
            for next in self.graph.neighbors_directed(i, Direction::Outgoing) {
                missing[next.index()] -= 1;
                if missing[next.index()] == 0 {
                    ready.insert(next);
                }
            }
        }
        if out.len() == self.graph.node_count() {
            Ok(out)
        } else {
            Err(self.cycle())
        }
    }

    /// The shortest cycle through the earliest id of the smallest knot; empty when there is none.
    fn cycle(&self) -> Cycle {
        let components = petgraph::algo::tarjan_scc(&self.graph);
        let in_cycle = components
            .into_iter()
            .filter(|c| c.len() > 1 || self.graph.contains_edge(c[0], c[0]))
            .min_by_key(Vec::len);
        let Some(component) = in_cycle else {
            return Cycle(Vec::new());
        };
        let Some(start) = component.iter().copied().min() else {
            return Cycle(Vec::new());
        };
        let members: BTreeSet<NodeIndex> = component.into_iter().collect();
        let mut from: IndexMap<NodeIndex, NodeIndex> = IndexMap::new();
        let mut queue = VecDeque::from([start]);
        while let Some(at) = queue.pop_front() {
            for next in self.graph.neighbors_directed(at, Direction::Outgoing) {
                if next == start {
                    let mut path = vec![at];
                    while let Some(previous) = path
                        .last()
                        .filter(|p| **p != start)
                        .and_then(|p| from.get(p))
                    {
                        path.push(*previous);
                    }
                    path.reverse();
                    return Cycle(path.into_iter().map(|i| self.graph[i].clone()).collect());
                }
                if members.contains(&next) && !from.contains_key(&next) {
                    from.insert(next, at);
                    queue.push_back(next);
                }
            }
        }
        Cycle(Vec::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dag(edges: &[(&str, &str)]) -> Dag {
        let mut dag = Dag::default();
        for (a, b) in edges {
            dag.connect(a, b);
        }
        dag
    }

    #[test]
    fn order_puts_needs_first_and_keeps_ties() {
        let d = dag(&[("a", "c"), ("b", "c"), ("c", "d")]);
        assert_eq!(d.order().unwrap(), ["a", "b", "c", "d"]);
    }

    #[test]
    fn walks_stop_at_their_depth() {
        let d = dag(&[("a", "b"), ("b", "c"), ("c", "d")]);
        assert_eq!(
            d.ancestors("d", Some(2)).into_iter().collect::<Vec<_>>(),
            ["b", "c"]
        );
        assert_eq!(d.descendants("a", None).len(), 3);
    }

    #[test]
    fn a_cycle_is_its_shortest_path() {
        let d = dag(&[("x", "a"), ("a", "b"), ("b", "c"), ("c", "a")]);
        assert_eq!(
            d.order().unwrap_err(),
            Cycle(vec!["a".into(), "b".into(), "c".into()])
        );
    }
}
