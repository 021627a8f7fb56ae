//! Where tiles stand on the grid of twelve columns.
use super::spec::Tile;
use crate::diag::{Diagnostic, Sink, code};

/// Columns of the grid.
pub const WIDTH: usize = 12;

/// Gives the tiles of each row their columns, from left to right, around what reaches in from rows above.
pub fn place(rows: &mut [Vec<Tile>], sink: &mut Sink) {
    let mut taken: Vec<[bool; WIDTH]> = Vec::new();
    for (r, row) in rows.iter_mut().enumerate() {
        let mut from = 0;
        for tile in row.iter_mut() {
            while taken.len() < r + tile.rows {
                taken.push([false; WIDTH]);
            }
            let fits = |c: usize| {
                (r..r + tile.rows).all(|y| taken[y][c..c + tile.span].iter().all(|t| !t))
            };
            let Some(c) = (from..=WIDTH.saturating_sub(tile.span)).find(|c| fits(*c)) else {
                sink.push(
                    Diagnostic::error(code::R0708, format!("the row has no room for this tile of {} columns", tile.span))
                        .at(tile.place.clone())
                        .help(format!("a row has {WIDTH} columns; tiles that reach down from rows above take some of them")),
                );
                continue;
            };
            for line in &mut taken[r..r + tile.rows] {
                line[c..c + tile.span].fill(true);
            }
            (tile.row, tile.column) = (r + 1, c + 1);
            from = c + tile.span;
        }
    }
}
