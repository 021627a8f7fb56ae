//! The aggregates of a block.
use super::super::expand::Leaf;
use super::joins::expression;
use super::{Condition, Writer};
use crate::diag::Result;
use crate::semantic::Aggregation;

impl Writer<'_> {
    pub(super) fn aggregate(&mut self, leaf: &Leaf, filters: &[Condition]) -> Result<String> {
        let expr = expression(self.base, &leaf.measure.expr, &self.base.name)?;
        let mut truth = None;
        let call = match leaf.measure.agg {
            Aggregation::Sum => format!("sum({expr})"),
            Aggregation::Min => format!("min({expr})"),
            Aggregation::Max => format!("max({expr})"),
            Aggregation::Average => format!("avg({expr})"),
            Aggregation::Count if expr.parse::<f64>().is_ok() => "count(*)".into(),
            Aggregation::Count => format!("count({expr})"),
            Aggregation::CountDistinct => format!("count(distinct {expr})"),
            Aggregation::SumBoolean => {
                truth = Some(expr);
                "count(*)".into()
            }
            Aggregation::Median => format!("percentile_cont(0.5) within group (order by {expr})"),
            Aggregation::Percentile(p, false) => {
                format!("percentile_cont({p}) within group (order by {expr})")
            }
            Aggregation::Percentile(p, true) => {
                format!("percentile_disc({p}) within group (order by {expr})")
            }
        };
        Ok(call + &self.only(truth, filters)?)
    }

    /// ` filter (where …)` of conditions inside an aggregate; nothing if there are none.
    pub(super) fn only(&mut self, truth: Option<String>, filters: &[Condition]) -> Result<String> {
        let mut conditions: Vec<String> = truth.into_iter().collect();
        for c in filters {
            if !self.is_absent(c)? {
                conditions.push(c.sql(&mut |n| self.sql_of(n))?);
            }
        }
        if conditions.is_empty() {
            return Ok(String::new());
        }
        Ok(format!(" filter (where {})", conditions.join(" and ")))
    }
}
