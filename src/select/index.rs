//! The graph as numbers: every entry gets one, sets of entries are bits, walks touch each entry once.
//!
//! In: a manifest and its graph. Out: sets of entries. Knows nothing of methods and criteria.
use super::grammar::Reach;
use crate::graph::{Dag, Entry, Manifest, ResourceType};
use std::collections::HashMap;

/// A set of entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entries {
    bits: Vec<u64>,
}

impl Entries {
    /// The empty set, for `size` entries.
    pub fn none(size: usize) -> Self {
        Self {
            bits: vec![0; size.div_ceil(64)],
        }
    }

    /// Adds an entry; whether it was not there.
    pub fn insert(&mut self, i: usize) -> bool {
        let (word, bit) = (&mut self.bits[i / 64], 1 << (i % 64));
        let new = *word & bit == 0;
        *word |= bit;
        new
    }

    /// Whether an entry is in the set.
    pub fn has(&self, i: usize) -> bool {
        self.bits[i / 64] & (1 << (i % 64)) != 0
    }

    /// Whether nothing is in the set.
    pub fn is_empty(&self) -> bool {
        self.bits.iter().all(|b| *b == 0)
    }

    /// Adds all of another set.
    pub fn add(&mut self, other: &Self) {
        self.zip(other, |a, b| a | b);
    }

    /// Keeps only what is in another set too.
    pub fn keep(&mut self, other: &Self) {
        self.zip(other, |a, b| a & b);
    }

    /// Takes out all of another set.
    pub fn remove(&mut self, other: &Self) {
        self.zip(other, |a, b| a & !b);
    }

    fn zip(&mut self, other: &Self, f: impl Fn(u64, u64) -> u64) {
        for (a, b) in self.bits.iter_mut().zip(&other.bits) {
            *a = f(*a, *b);
        }
    }

    /// The entries, in order.
    pub fn iter(&self) -> impl Iterator<Item = usize> {
        self.bits.iter().enumerate().flat_map(|(word, bits)| {
            let mut rest = *bits;
            std::iter::from_fn(move || {
                (rest != 0).then(|| {
                    let bit = rest.trailing_zeros() as usize;
                    rest &= rest - 1;
                    word * 64 + bit
                })
            })
        })
    }
}

/// All entries that can be selected, numbered, with the graph between them.
pub struct Index<'a> {
    /// The entries; their position is their number.
    pub entries: Vec<Entry<'a>>,
    up: Vec<Vec<u32>>,
    down: Vec<Vec<u32>>,
    /// For each data test and unit test what it needs; `None` for other entries, and for tests that need
    /// something that cannot be selected.
    needs: Vec<Option<Vec<u32>>>,
    /// All sources.
    sources: Entries,
}

impl<'a> Index<'a> {
    /// Numbers the entries of a manifest.
    pub fn new(manifest: &'a Manifest, dag: &Dag) -> Self {
        let entries: Vec<Entry<'a>> = manifest
            .entries()
            .filter(|e| dag.contains(e.unique_id()))
            .collect();
        let number: HashMap<&str, u32> = entries
            .iter()
            .enumerate()
            .map(|(i, e)| (e.unique_id(), i as u32))
            .collect();
        let mut up = vec![Vec::new(); entries.len()];
        let mut down = vec![Vec::new(); entries.len()];
        let mut needs = Vec::with_capacity(entries.len());
        let mut sources = Entries::none(entries.len());
        for (i, entry) in entries.iter().enumerate() {
            for parent in dag.parents(entry.unique_id()) {
                if let Some(p) = number.get(parent) {
                    up[i].push(*p);
                    down[*p as usize].push(i as u32);
                }
            }
            let kind = entry.resource_type();
            let is_test = matches!(kind, ResourceType::Test | ResourceType::UnitTest);
            needs.push(if is_test {
                let all = entry.parents().iter();
                all.map(|p| number.get(p.as_str()).copied()).collect()
            } else {
                None
            });
            if kind == ResourceType::Source {
                sources.insert(i);
            }
        }
        Self {
            entries,
            up,
            down,
            needs,
            sources,
        }
    }

    /// The empty set.
    pub fn none(&self) -> Entries {
        Entries::none(self.entries.len())
    }

    /// The entries for which a question is answered with yes.
    pub fn filter(&self, mut f: impl FnMut(Entry<'a>) -> bool) -> Entries {
        let mut out = self.none();
        for (i, entry) in self.entries.iter().enumerate() {
            if f(*entry) {
                out.insert(i);
            }
        }
        out
    }

    /// Everything that the entries of a set need, within reach; the set itself only where it is reached.
    pub fn ancestors(&self, of: &Entries, reach: Reach) -> Entries {
        self.walk(of, reach, &self.up)
    }

    /// Everything that needs the entries of a set, within reach; the set itself only where it is reached.
    pub fn descendants(&self, of: &Entries, reach: Reach) -> Entries {
        self.walk(of, reach, &self.down)
    }

    /// All starts go step by step together, so that each entry is met first on its shortest way.
    fn walk(&self, of: &Entries, reach: Reach, along: &[Vec<u32>]) -> Entries {
        let mut found = self.none();
        let mut edge: Vec<usize> = of.iter().collect();
        let mut steps = 0;
        while !edge.is_empty() && reach.limit().is_none_or(|limit| steps < limit) {
            steps += 1;
            let mut next = Vec::new();
            for at in edge {
                for to in &along[at] {
                    let to = *to as usize;
                    if found.insert(to) && !of.has(to) {
                        next.push(to);
                    }
                }
            }
            edge = next;
        }
        found
    }

    /// The tests right below the entries of a set, with what each needs; `None` where it needs what cannot be selected.
    pub fn tests_below(&self, of: &Entries) -> Vec<(usize, Option<&[u32]>)> {
        let mut seen = self.none();
        let mut out = Vec::new();
        for at in of.iter() {
            for to in &self.down[at] {
                let to = *to as usize;
                let kind = self.entries[to].resource_type();
                if matches!(kind, ResourceType::Test | ResourceType::UnitTest) && seen.insert(to) {
                    out.push((to, self.needs(to)));
                }
            }
        }
        out
    }

    /// What a test needs; `None` where it needs what cannot be selected.
    pub fn needs(&self, test: usize) -> Option<&[u32]> {
        self.needs[test].as_deref()
    }

    /// A set with all it needs, and all sources: what a build of the set can rely on.
    pub fn buildable(&self, set: &Entries) -> Entries {
        let mut out = self.ancestors(set, Reach::All);
        out.add(set);
        out.add(&self.sources);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn sets_behave_as_sets(a in prop::collection::btree_set(0usize..200, 0..40), b in prop::collection::btree_set(0usize..200, 0..40)) {
            let make = |s: &BTreeSet<usize>| {
                let mut e = Entries::none(200);
                for i in s { e.insert(*i); }
                e
            };
            let check = |f: fn(&mut Entries, &Entries), expected: BTreeSet<usize>| {
                let mut e = make(&a);
                f(&mut e, &make(&b));
                assert_eq!(e.iter().collect::<BTreeSet<_>>(), expected);
                assert_eq!(e.is_empty(), e.iter().next().is_none());
            };
            check(Entries::add, &a | &b);
            check(Entries::keep, &a & &b);
            check(Entries::remove, &a - &b);
        }
    }
}
