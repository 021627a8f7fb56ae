//! The rows of a block at the finest grain that still tells everything: what a page folds by itself.
use super::joins::expression;
use super::{Condition, Stands, Writer, bridge_name, select};
use crate::diag::Result;
use crate::metrics::expand::Leaf;
use crate::metrics::names::Target;
use crate::metrics::sqltext::ident;
use crate::metrics::time;
use crate::semantic::{Aggregation, Grain};

/// Rows of a block by all its dimensions at once.
///
/// Columns: the key whose different values are counted, the key of the base's rows where a row may stand several
/// times, the day, the dimensions (those behind the bridge last), then for each leaf its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finest {
    /// One SELECT, sorted so that rows of one key and of one row of the base follow each other.
    pub sql: String,
    /// Whether the first column is a key to count.
    pub key: bool,
    /// Whether the base's rows may stand several times, and their key is a column.
    pub bridged: bool,
    /// Whether the day is a column.
    pub day: bool,
    /// Dimensions in the order of their columns, by their numbers in the context.
    pub dims: Vec<usize>,
    /// How many of them lie behind the bridge.
    pub behind: usize,
}

impl Writer<'_> {
    /// The table of the bridge that the context's dimensions need; none if none of them lies behind one.
    pub fn bridge_for_dims(&mut self) -> Result<Option<String>> {
        let behind = self.behind()?;
        self.choose_bridge(&behind)?;
        Ok(self.bridge.as_ref().map(|b| b.table.clone()))
    }

    /// Whether rows of the block have a day.
    pub fn is_dated(&self) -> bool {
        self.time.is_some()
    }

    /// Numbers of the context's dimensions that the block has.
    pub fn present(&self) -> Result<Vec<usize>> {
        let mut out = Vec::new();
        for (i, (_, n)) in self.cx.dims.iter().enumerate() {
            if !matches!(self.stands(n)?, Stands::Absent) {
                out.push(i);
            }
        }
        Ok(out)
    }

    /// Writes the rows: `key` is the expression whose values are counted, `day` asks for the day.
    pub fn write_finest(
        mut self,
        name: &str,
        leaves: &[(&Leaf, Vec<Condition>)],
        key: Option<&str>,
        day: bool,
    ) -> Result<Finest> {
        self.bridge_for_dims()?;
        let groups = self.groups(&bridge_name(name))?;
        let mut selected: Vec<String> = Vec::new();
        if let Some(key) = key {
            selected.push(expression(self.base, key, &self.base.name)?);
        }
        let last = self.bridge.as_ref().and_then(|b| b.way.last().cloned());
        if let Some(last) = &last {
            selected.push(expression(self.base, &last.to_expr, &self.base.name)?);
        }
        let day = day && self.time.is_some();
        if let (true, Some((t, is_date))) = (day, &self.time) {
            selected.push(time::truncated(t, Grain::Day, *is_date));
        }
        let mut own = Vec::new();
        let mut behind = Vec::new();
        for (i, (_, n)) in self.cx.dims.iter().enumerate() {
            match (self.stands(n)?, &n.target) {
                (Stands::Absent, _) | (_, Target::Time(_)) => {}
                (Stands::Behind, _) => behind.push(i),
                _ => own.push(i),
            }
        }
        let dims: Vec<usize> = own.iter().chain(&behind).copied().collect();
        selected.extend(dims.iter().filter_map(|i| groups.sql[*i].clone()));
        let count = selected.len();
        let sorted = match (key.is_some(), last.is_some()) {
            (_, true) => count - behind.len(),
            (true, false) => 1,
            (false, false) => 0,
        };
        for (leaf, filters) in leaves {
            selected.extend(self.parts(leaf, filters)?);
        }
        let (before, from) = self.sources(name, &groups, &[])?;
        let mut sql = String::new();
        for (name, part) in &before {
            sql.push_str(&format!("with {} as (\n{part}\n)\n", ident(name)));
        }
        sql.push_str(&select(&selected, &from, &[], count));
        if sorted > 0 {
            let list: Vec<String> = (1..=sorted).map(|i| i.to_string()).collect();
            sql.push_str(&format!("\norder by {}", list.join(", ")));
        }
        sql.push('\n');
        Ok(Finest {
            sql,
            key: key.is_some(),
            bridged: last.is_some(),
            day,
            dims,
            behind: behind.len(),
        })
    }

    /// First and last day of the rows.
    pub fn extent(mut self, name: &str) -> Result<Option<String>> {
        let Some((t, is_date)) = self.time.clone() else {
            return Ok(None);
        };
        let day = time::truncated(&t, Grain::Day, is_date);
        let groups = self.groups(&bridge_name(name))?;
        let (_, from) = self.sources(name, &groups, &[])?;
        let selected = [
            format!("min({day}) as first"),
            format!("max({day}) as last"),
        ];
        Ok(Some(select(&selected, &from, &[], 0)))
    }

    /// A leaf's columns: what can be put together again for coarser groups.
    fn parts(&mut self, leaf: &Leaf, filters: &[Condition]) -> Result<Vec<String>> {
        let expr = expression(self.base, &leaf.measure.expr, &self.base.name)?;
        let only = self.only(None, filters)?;
        Ok(match leaf.measure.agg {
            Aggregation::CountDistinct => vec![format!("count(*){only}")],
            Aggregation::Average => {
                vec![format!("sum({expr}){only}"), format!("count({expr}){only}")]
            }
            _ => vec![self.aggregate(leaf, filters)?],
        })
    }
}
