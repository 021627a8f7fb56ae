//! Edits to a text that remember where everything came from.
use std::ops::Range;

/// Which of several edits at one place comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Order {
    /// Ends what stands before.
    Close,
    /// Begins what stands behind; of two the later made stands outside.
    Open,
    /// Takes the place of text.
    Replace,
}

#[derive(Debug)]
struct Edit {
    at: usize,
    delete: usize,
    insert: String,
    order: Order,
}

/// Edits collected in any order.
#[derive(Debug, Default)]
pub(super) struct Edits(Vec<Edit>);

impl Edits {
    /// Inserts before what starts at `at`, outside of what was opened there so far.
    pub(super) fn open(&mut self, at: usize, insert: impl Into<String>) {
        self.push(at, 0, insert.into(), Order::Open);
    }

    /// Inserts behind what ends at `at`, outside of what was closed there so far.
    pub(super) fn close(&mut self, at: usize, insert: impl Into<String>) {
        self.push(at, 0, insert.into(), Order::Close);
    }

    /// Puts other text in the place of a range.
    pub(super) fn replace(&mut self, range: Range<usize>, insert: impl Into<String>) {
        self.push(range.start, range.len(), insert.into(), Order::Replace);
    }

    fn push(&mut self, at: usize, delete: usize, insert: String, order: Order) {
        self.0.push(Edit {
            at,
            delete,
            insert,
            order,
        });
    }

    /// How many there are, to go back to with [`Edits::truncate`].
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Forgets the edits made since.
    pub(super) fn truncate(&mut self, len: usize) {
        self.0.truncate(len);
    }

    /// Forgets the edits within a range and at its ends.
    pub(super) fn forget(&mut self, range: &Range<usize>) {
        self.0.retain(|e| e.at < range.start || e.at > range.end);
    }

    /// The edited stretch `keep` of the text. Line breaks within deleted text stay, so lines stay lines.
    pub(super) fn apply(self, source: &str, keep: Range<usize>) -> Rewritten {
        let mut edits: Vec<(usize, Edit)> = self.0.into_iter().enumerate().collect();
        edits.sort_by_key(|(made, e)| {
            let made = *made as i64;
            (
                e.at,
                e.order,
                if e.order == Order::Open { -made } else { made },
            )
        });
        let mut out = Rewritten {
            text: String::with_capacity(keep.len() + edits.len() * 8),
            pieces: Vec::new(),
            end: keep.end as u32,
        };
        let mut pos = keep.start;
        for (_, edit) in edits {
            if edit.at < keep.start || edit.at > keep.end {
                continue;
            }
            if edit.at > pos {
                out.copy(source, pos..edit.at);
                pos = edit.at;
            }
            out.text.push_str(&edit.insert);
            let end = (edit.at + edit.delete).min(keep.end);
            if end > pos {
                let breaks = source[pos..end].matches('\n').count();
                out.text.extend(std::iter::repeat_n('\n', breaks));
                pos = end;
            }
        }
        out.copy(source, pos..keep.end);
        out
    }
}

/// An edited text and its way back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rewritten {
    /// The new text.
    pub text: String,
    /// Unchanged stretches: start in the new text, start in the old, length; ascending.
    pieces: Vec<(u32, u32, u32)>,
    /// Where the stretch that was edited ends in the old text.
    end: u32,
}

impl Rewritten {
    fn copy(&mut self, source: &str, range: Range<usize>) {
        if range.start < range.end {
            let piece = (
                self.text.len() as u32,
                range.start as u32,
                range.len() as u32,
            );
            self.pieces.push(piece);
            self.text.push_str(&source[range]);
        }
    }

    /// Puts text of our own in front.
    pub(crate) fn prepend(&mut self, text: &str) {
        self.text.insert_str(0, text);
        for piece in &mut self.pieces {
            piece.0 += text.len() as u32;
        }
    }

    /// Puts text of our own behind.
    pub(crate) fn append(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// The byte of the original text that a byte of the new text came from; for text that was put in, the byte where.
    pub fn original_offset(&self, offset: usize) -> usize {
        let offset = offset as u32;
        let after = self.pieces.partition_point(|p| p.0 <= offset);
        let Some((new, old, len)) = after.checked_sub(1).and_then(|i| self.pieces.get(i)) else {
            return self.pieces.first().map_or(0, |p| p.1 as usize);
        };
        (old + (offset - new).min(*len)) as usize
    }

    /// The original range of a range of the new text. Text that was put in the place of other text stands for it.
    pub fn original_range(&self, range: Range<usize>) -> Range<usize> {
        let start = self.original_offset(range.start);
        let to = range.end as u32;
        let before = self.pieces.partition_point(|p| p.0 < to);
        let inside = before
            .checked_sub(1)
            .and_then(|i| self.pieces.get(i))
            .filter(|p| to <= p.0 + p.2);
        let end = match inside {
            Some((new, old, _)) => old + (to - new),
            None => self.pieces.get(before).map_or(self.end, |p| p.1),
        };
        start..(end as usize).max(start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_find_their_way_back() {
        let source = "ab + cd";
        let mut edits = Edits::default();
        edits.open(0, "(");
        edits.replace(3..4, ")|__add(");
        edits.close(7, ")");
        let out = edits.apply(source, 0..7);
        assert_eq!(out.text, "(ab )|__add( cd)");
        let back = |part: &str| out.original_offset(out.text.find(part).unwrap());
        assert_eq!(back("ab"), 0);
        assert_eq!(back("cd"), 5);
        assert_eq!(back("__add"), 3);
        assert_eq!(out.original_offset(out.text.len()), 7);
    }

    #[test]
    fn later_openings_stand_outside() {
        let mut edits = Edits::default();
        edits.open(0, "1");
        edits.open(0, "2");
        edits.close(1, "a");
        edits.close(1, "b");
        assert_eq!(edits.apply("x", 0..1).text, "21xab");
    }
}
