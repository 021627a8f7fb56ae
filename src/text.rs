//! Source text with places in it: the file a person wrote, and where in it something stands.
use std::ops::Range;
use std::sync::Arc;

/// A file of the project as it was read; shared by everything that may point into it.
#[derive(Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// Path as shown to people: relative to the project folder, with `/`.
    pub path: String,
    /// The whole text.
    pub text: String,
}

impl SourceFile {
    /// A file with this shown path and text.
    pub fn new(path: impl Into<String>, text: impl Into<String>) -> Arc<Self> {
        Arc::new(Self {
            path: path.into(),
            text: text.into(),
        })
    }

    /// Line (from 1) and column (from 1, in characters) of a byte offset.
    pub fn line_column(&self, offset: usize) -> (usize, usize) {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        let before = &self.text[..offset];
        let start = before.rfind('\n').map_or(0, |i| i + 1);
        (
            before.matches('\n').count() + 1,
            before[start..].chars().count() + 1,
        )
    }

    /// Byte offset of the first character of a line (from 1); the text's end when there is no such line.
    pub fn line_start(&self, line: usize) -> usize {
        if line <= 1 {
            return 0;
        }
        self.text
            .match_indices('\n')
            .nth(line - 2)
            .map_or(self.text.len(), |(i, _)| i + 1)
    }

    /// Byte range of a line without its line break.
    pub fn line_range(&self, line: usize) -> Range<usize> {
        let start = self.line_start(line);
        let end = self.text[start..]
            .find('\n')
            .map_or(self.text.len(), |i| start + i);
        start..end
    }
}

/// A stretch of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub file: Arc<SourceFile>,
    /// Bytes within the file's text.
    pub span: Range<usize>,
}

impl Place {
    /// The place of a byte range.
    pub fn new(file: &Arc<SourceFile>, span: Range<usize>) -> Self {
        Self {
            file: file.clone(),
            span,
        }
    }

    /// The whole line (from 1) with its leading blanks left out.
    pub fn line(file: &Arc<SourceFile>, line: usize) -> Self {
        let range = file.line_range(line);
        let blank = file.text[range.clone()].len() - file.text[range.clone()].trim_start().len();
        Self::new(file, range.start + blank..range.end)
    }

    /// `path:line:column`.
    pub fn show(&self) -> String {
        let (line, column) = self.file.line_column(self.span.start);
        format!("{}:{line}:{column}", self.file.path)
    }
}

/// The candidate nearest to `word` by edit distance, if it is near enough to be a likely typing error.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (word.chars().count() / 3).clamp(1, 4);
    candidates
        .into_iter()
        .map(|c| (distance(&word.to_lowercase(), &c.to_lowercase()), c))
        .filter(|(d, c)| *d <= limit && *c != word)
        .min()
        .map(|(_, c)| c)
}

/// Edit distance with neighbouring transpositions counted as one step.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![vec![0usize; b.len() + 1]; a.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    for j in 0..=b.len() {
        rows[0][j] = j;
    }
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let cost = usize::from(a[i - 1] != b[j - 1]);
            let mut best = (rows[i - 1][j] + 1)
                .min(rows[i][j - 1] + 1)
                .min(rows[i - 1][j - 1] + cost);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = best;
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_lines_and_characters_from_one() {
        let file = SourceFile::new("a.sql", "æø\nselect x\n");
        assert_eq!(file.line_column(0), (1, 1));
        assert_eq!(file.line_column(4), (1, 3));
        assert_eq!(file.line_column(5), (2, 1));
        assert_eq!(&file.text[file.line_range(2)], "select x");
        assert_eq!(Place::line(&file, 2).show(), "a.sql:2:1");
    }

    #[test]
    fn nearest_finds_typing_errors_and_nothing_else() {
        assert_eq!(nearest("inital", ["initial", "arrivals"]), Some("initial"));
        assert_eq!(
            nearest("dim_usres", ["dim_users", "dim_date"]),
            Some("dim_users")
        );
        assert_eq!(nearest("xyz", ["initial", "arrivals"]), None);
    }
}
