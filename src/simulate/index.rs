//! Finding rows of a held table by the values of a key.
//!
//! Most keys are numbers given in order: of rows (1, 2, 3, …), or of rows within those of a parent (season 7: episodes
//! 1, 2, 3, …). Where that is so, the row's place is worked out; otherwise a table of hashes is looked at.
use super::draw::mix;
use super::value::Type;
use super::world::Held;

/// Finds rows by the values of some columns.
#[derive(Debug)]
pub enum Index {
    /// The only column counts the rows.
    Counted {
        /// The first row's value.
        first: u64,
        /// How many rows.
        rows: u64,
    },
    /// The second column counts the rows that share the first one's value, and those stand together, in order.
    Grouped {
        /// The first column's smallest value.
        first: u64,
        /// Where the second column starts to count.
        base: u64,
        /// The first row of each value of the first column from the smallest on, and the end of the last one's.
        starts: Box<[u32]>,
    },
    /// Anything else.
    Hashed(Hashes),
}

impl Index {
    /// Over all rows; `None` when two rows share their values. Rows with a null are not found.
    pub fn new(held: &Held, columns: &[usize], types: &[Type]) -> Option<Self> {
        let by_bits = !types
            .iter()
            .any(|t| matches!(t, Type::Text | Type::Json(_)));
        let ordered = match columns {
            [only] if by_bits => counted(held, *only),
            [first, second] if by_bits => grouped(held, *first, *second),
            _ => None,
        };
        ordered.or_else(|| Hashes::new(held, columns, types).map(Self::Hashed))
    }

    /// The row with these values, where its place can be worked out; the hashes to look at where not.
    #[inline]
    pub fn place(&self, values: &[u64]) -> Result<Option<u64>, &Hashes> {
        match self {
            Self::Counted { first, rows } => {
                let i = values[0].wrapping_sub(*first);
                Ok((i < *rows).then_some(i))
            }
            Self::Grouped {
                first,
                base,
                starts,
            } => {
                let group = values[0].wrapping_sub(*first) as usize;
                let i = values[1].wrapping_sub(*base);
                let found = match (starts.get(group), starts.get(group.wrapping_add(1))) {
                    (Some(start), Some(end)) if i < u64::from(end - start) => {
                        Some(u64::from(*start) + i)
                    }
                    _ => None,
                };
                Ok(found)
            }
            Self::Hashed(hashes) => Err(hashes),
        }
    }
}

fn counted(held: &Held, column: usize) -> Option<Index> {
    let first = held.cell(column, 0)?;
    let counts = (0..held.rows).all(|row| {
        held.cell(column, row) == (first as i64).checked_add(row as i64).map(|v| v as u64)
    });
    counts.then_some(Index::Counted {
        first,
        rows: held.rows as u64,
    })
}

fn grouped(held: &Held, outer: usize, inner: usize) -> Option<Index> {
    let (first, base) = (held.cell(outer, 0)?, held.cell(inner, 0)?);
    // Values without rows in between cost a place each.
    let most = held.rows as u64 * 4 + 64;
    let mut starts: Vec<u32> = Vec::new();
    let mut next = base;
    for row in 0..held.rows {
        let group = (held.cell(outer, row)? as i64).checked_sub(first as i64)?;
        let group = u64::try_from(group).ok().filter(|g| *g < most)?;
        if (group as usize) < starts.len().saturating_sub(1) {
            return None;
        }
        if group as usize >= starts.len() {
            starts.resize(group as usize + 1, row as u32);
            next = base;
        }
        if held.cell(inner, row)? != next {
            return None;
        }
        next = (next as i64).checked_add(1)? as u64;
    }
    starts.push(held.rows as u32);
    Some(Index::Grouped {
        first,
        base,
        starts: starts.into(),
    })
}

/// Places of rows by the hashes of their values.
#[derive(Debug)]
pub struct Hashes {
    cells: Vec<u32>,
    mask: u64,
}

const EMPTY: u32 = u32::MAX;

impl Hashes {
    fn new(held: &Held, columns: &[usize], types: &[Type]) -> Option<Self> {
        let size = (held.rows * 2).next_power_of_two().max(4);
        let mut index = Self {
            cells: vec![EMPTY; size],
            mask: size as u64 - 1,
        };
        for row in 0..held.rows {
            let values: Option<Vec<u64>> = columns.iter().map(|c| held.cell(*c, row)).collect();
            let Some(values) = values else { continue };
            let mut hash = 0;
            for (value, ty) in values.iter().zip(types) {
                hash = mix(hash, held.content(*value, ty));
            }
            let mut at = hash & index.mask;
            loop {
                let other = index.cells[at as usize];
                if other == EMPTY {
                    index.cells[at as usize] = row as u32;
                    break;
                }
                // Texts are interned, so equal values have equal bits within one table.
                if columns
                    .iter()
                    .zip(&values)
                    .all(|(c, v)| held.cell(*c, other as usize) == Some(*v))
                {
                    return None;
                }
                at = (at + 1) & index.mask;
            }
        }
        Some(index)
    }

    /// The row whose values satisfy `same`, starting from the hash of the wanted values.
    #[inline]
    pub fn find(&self, hash: u64, same: impl Fn(usize) -> bool) -> Option<usize> {
        let mut at = hash & self.mask;
        loop {
            let row = self.cells[at as usize];
            if row == EMPTY {
                return None;
            }
            if same(row as usize) {
                return Some(row as usize);
            }
            at = (at + 1) & self.mask;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::draw::mix;

    fn table(rows: &[[Option<i64>; 2]]) -> Held {
        let mut held = Held::new(2);
        for row in rows {
            row.iter().for_each(|v| held.push(v.map(|v| v as u64)));
            held.rows += 1;
        }
        held
    }

    /// Looks for every pair of small numbers, both ways.
    fn check(rows: &[[Option<i64>; 2]], kind: &str) {
        let held = table(rows);
        let index = Index::new(&held, &[0, 1], &[Type::Int, Type::Int]).unwrap();
        assert!(format!("{index:?}").starts_with(kind), "{index:?}");
        for a in (-5..20).chain([i64::MIN, i64::MAX]) {
            for b in (-5..20).chain([i64::MIN, i64::MAX]) {
                let wanted = rows.iter().position(|r| *r == [Some(a), Some(b)]);
                let values = [a as u64, b as u64];
                let found = match index.place(&values) {
                    Ok(row) => row.map(|r| r as usize),
                    Err(hashes) => hashes.find(mix(mix(0, values[0]), values[1]), |row| {
                        [held.cell(0, row), held.cell(1, row)] == values.map(Some)
                    }),
                };
                assert_eq!(found, wanted, "{a} {b}");
            }
        }
    }

    #[test]
    fn rows_are_found_whatever_their_order() {
        let of = |rows: &[(i64, i64)]| -> Vec<[Option<i64>; 2]> {
            rows.iter().map(|(a, b)| [Some(*a), Some(*b)]).collect()
        };
        check(&of(&[(1, 1), (1, 2), (2, 1), (3, 1), (3, 2)]), "Grouped");
        // Values without rows, and another beginning.
        check(&of(&[(-2, 0), (1, 0), (1, 1), (9, 0)]), "Grouped");
        check(&of(&[(7, 3)]), "Grouped");
        // A number left out, another order, a group that comes again, far apart, a null.
        check(&of(&[(1, 1), (1, 3)]), "Hashed");
        check(&of(&[(1, 2), (1, 1)]), "Hashed");
        check(&of(&[(1, 1), (2, 1), (1, 2)]), "Hashed");
        check(&of(&[(1, 1), (900, 1)]), "Hashed");
        check(&of(&[(1, 1), (2, 2)]), "Hashed");
        check(
            &[[Some(1), Some(1)], [Some(2), None], [Some(3), Some(1)]],
            "Hashed",
        );
        check(&[], "Hashed");
        let twice = table(&of(&[(1, 1), (1, 1)]));
        assert!(Index::new(&twice, &[0, 1], &[Type::Int, Type::Int]).is_none());
    }

    #[test]
    fn one_column_that_counts_needs_no_table() {
        let held = table(&[[Some(5), None], [Some(6), None], [Some(7), None]]);
        let index = Index::new(&held, &[0], &[Type::Int]).unwrap();
        assert!(matches!(index, Index::Counted { first: 5, rows: 3 }));
        let at = |v: i64| index.place(&[v as u64]).unwrap_or(Some(99));
        assert_eq!(
            [4, 5, 7, 8, -1].map(at),
            [None, Some(0), Some(2), None, None]
        );
        let gap = table(&[[Some(5), None], [Some(7), None]]);
        let index = Index::new(&gap, &[0], &[Type::Int]).unwrap();
        assert!(matches!(index, Index::Hashed(_)));
    }
}
