//! Choosing one of several by weight: cumulative shares for short lists, Walker's alias table for long ones.

/// Cumulative shares, the last one 1: for the few values of a `weights` mapping. The choice is by inverse CDF.
#[derive(Debug, Clone, PartialEq)]
pub struct Shares(Box<[f64]>);

impl Shares {
    /// From weights that are not negative; `None` when they sum to nothing.
    pub fn new(weights: &[f64]) -> Option<Self> {
        let total: f64 = weights.iter().sum();
        if !(total > 0.0 && total.is_finite()) || weights.iter().any(|w| *w < 0.0) {
            return None;
        }
        let mut sum = 0.0;
        let mut shares: Vec<f64> = weights
            .iter()
            .map(|w| {
                sum += w;
                sum / total
            })
            .collect();
        // The last value with any weight takes what rounding leaves.
        let last = weights.iter().rposition(|w| *w > 0.0)?;
        shares[last..].iter_mut().for_each(|s| *s = 1.0);
        Some(Self(shares.into()))
    }

    /// The index at a uniform number.
    #[inline]
    pub fn at(&self, u: f64) -> usize {
        self.0
            .iter()
            .position(|s| u < *s)
            .unwrap_or(self.0.len() - 1)
    }
}

/// Walker's alias table (built by Vose's method): one draw, one read, however many candidates.
#[derive(Debug, Clone, PartialEq)]
pub struct Alias {
    cells: Box<[Cell]>,
    items: Box<[u32]>,
}

/// One of as many equal parts as there are candidates. It holds the candidates themselves, so a draw reads one place.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Cell {
    /// The share of `own`.
    keep: f64,
    own: u32,
    /// Who has the rest.
    other: u32,
}

impl Alias {
    /// From candidates and their weights; those without weight are left out. `None` when nothing is left.
    pub fn new(candidates: &[(u32, f64)]) -> Option<Self> {
        let kept: Vec<(u32, f64)> = candidates
            .iter()
            .copied()
            .filter(|(_, w)| *w > 0.0 && w.is_finite())
            .collect();
        let total: f64 = kept.iter().map(|(_, w)| w).sum();
        if kept.is_empty() || !total.is_finite() {
            return None;
        }
        let n = kept.len();
        let mut scaled: Vec<f64> = kept.iter().map(|(_, w)| w * n as f64 / total).collect();
        let mut cells: Vec<Cell> = kept
            .iter()
            .map(|(item, _)| Cell {
                keep: 1.0,
                own: *item,
                other: *item,
            })
            .collect();
        let (mut small, mut large): (Vec<usize>, Vec<usize>) =
            (0..n).partition(|i| scaled[*i] < 1.0);
        while let (Some(s), Some(l)) = (small.pop(), large.last().copied()) {
            cells[s].keep = scaled[s];
            cells[s].other = kept[l].0;
            scaled[l] -= 1.0 - scaled[s];
            if scaled[l] < 1.0 {
                large.pop();
                small.push(l);
            }
        }
        Some(Self {
            cells: cells.into(),
            items: kept.into_iter().map(|(i, _)| i).collect(),
        })
    }

    /// The candidate at 64 random bits.
    #[inline]
    pub fn at(&self, bits: u64) -> u32 {
        let wide = u128::from(bits) * self.cells.len() as u128;
        let cell = self.cells[(wide >> 64) as usize];
        if super::draw::unit(wide as u64) < cell.keep {
            cell.own
        } else {
            cell.other
        }
    }

    /// The candidates.
    pub fn items(&self) -> &[u32] {
        &self.items
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::draw::mix;

    #[test]
    fn both_choose_in_proportion_to_the_weights() {
        let weights = [0.5, 0.0, 3.0, 1.5, 7.0];
        let shares = Shares::new(&weights).unwrap();
        let candidates: Vec<(u32, f64)> = (10u32..).zip(weights).collect();
        let alias = Alias::new(&candidates).unwrap();
        let (mut a, mut b) = ([0f64; 5], [0f64; 5]);
        let n = 120_000u64;
        for i in 0..n {
            a[shares.at(crate::simulate::draw::unit(mix(1, i)))] += 1.0;
            b[alias.at(mix(2, i)) as usize - 10] += 1.0;
        }
        for i in 0..5 {
            let want = weights[i] / 12.0;
            assert!((a[i] / n as f64 - want).abs() < 0.005, "{i}");
            assert!((b[i] / n as f64 - want).abs() < 0.005, "{i}");
        }
        assert_eq!((a[1], b[1]), (0.0, 0.0));
    }

    #[test]
    fn no_weight_is_no_choice() {
        assert_eq!(Shares::new(&[0.0, 0.0]), None);
        assert_eq!(Shares::new(&[]), None);
        assert_eq!(Alias::new(&[(1, 0.0), (2, f64::NAN)]), None);
    }
}
