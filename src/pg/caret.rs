//! The `LINE 3: from x` excerpt with a caret that libpq adds to an error with a position, cut as libpq cuts it, so that
//! the text is the one that people know from `psql` and dbt.
use unicode_width::UnicodeWidthChar;

/// Widest excerpt, in columns of the terminal.
const WIDTH: usize = 60;
/// How far the caret stays from the right end of a cut line.
const MARGIN: usize = 10;

/// Both lines, without a line break at the end. `position` counts characters from 1; none if it is outside the text.
pub(super) fn excerpt(sql: &str, position: u32) -> Option<String> {
    let at = (position as usize).checked_sub(1)?;
    let chars: Vec<char> = sql.chars().collect();
    if at > chars.len() {
        return None;
    }
    let (number, start, end) = line_around(&chars, at);
    let widths: Vec<usize> = chars[start..end].iter().map(|c| width(*c)).collect();
    let column = |i: usize| widths[..i - start].iter().sum::<usize>();
    let (mut first, mut last) = (start, end);
    if column(end) > WIDTH {
        if WIDTH >= column(at) + MARGIN {
            while column(last) > WIDTH {
                last -= 1;
            }
        } else {
            while column(at) + MARGIN < column(last) {
                last -= 1;
            }
            while column(last) - column(first) > WIDTH {
                first += 1;
            }
        }
    }
    let mut text = format!("LINE {number}: ");
    if first > start {
        text.push_str("...");
    }
    let caret = text.len() + column(at) - column(first);
    text.extend(
        chars[first..last]
            .iter()
            .map(|c| if *c == '\t' { ' ' } else { *c }),
    );
    if last < end {
        text.push_str("...");
    }
    Some(format!("{text}\n{}^", " ".repeat(caret)))
}

/// Number of the line that holds character `at`, and where it starts and ends.
fn line_around(chars: &[char], at: usize) -> (usize, usize, usize) {
    let (mut number, mut start) = (1, 0);
    for (i, c) in chars.iter().enumerate() {
        if !matches!(c, '\n' | '\r') {
            continue;
        }
        if i >= at {
            return (number, start, i);
        }
        if *c == '\r' || i == 0 || chars[i - 1] != '\r' {
            number += 1;
        }
        start = i + 1;
    }
    (number, start, chars.len())
}

fn width(c: char) -> usize {
    c.width().unwrap_or(1).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn points_at_the_character() {
        assert_eq!(
            excerpt("select 1\nfrom x", 15).as_deref(),
            Some("LINE 2: from x\n             ^")
        );
        assert_eq!(
            excerpt("a\r\nb", 4).as_deref(),
            Some("LINE 2: b\n        ^")
        );
        assert_eq!(
            excerpt("select", 7).as_deref(),
            Some("LINE 1: select\n              ^")
        );
        assert_eq!(excerpt("select", 8), None);
        assert_eq!(excerpt("select", 0), None);
        assert_eq!(
            excerpt("select '日本', x", 14).as_deref(),
            Some("LINE 1: select '日本', x\n                       ^")
        );
    }

    #[test]
    fn cuts_long_lines_on_both_sides() {
        let long = format!("select {}x{} from t", "a,".repeat(60), "b,".repeat(60));
        let text = excerpt(&long, 128).unwrap();
        let (line, caret) = text.split_once('\n').unwrap();
        assert_eq!(line.chars().nth(caret.len() - 1), Some('x'));
        assert!(
            line.starts_with("LINE 1: ...") && line.ends_with("..."),
            "{line}"
        );
        let text = excerpt(&long, 8).unwrap();
        assert!(text.starts_with("LINE 1: select a,a,"), "{text}");
    }

    proptest! {
        #[test]
        fn never_fails(sql in "[a-z\u{65e5}\u{301}\t\r\n ]{0,200}", position in 0u32..220) {
            if let Some(text) = excerpt(&sql, position) {
                prop_assert_eq!(text.matches('\n').count(), 1);
                prop_assert!(text.ends_with('^'));
            }
        }
    }
}
