//! The colours of lines: dbt's green, red and yellow, on or off.

/// Puts colour codes around words, or leaves them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paint {
    /// Whether to paint at all.
    pub on: bool,
}

impl Paint {
    fn wrap(self, code: &str, text: &str) -> String {
        if self.on {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_string()
        }
    }

    /// For what went well.
    pub fn green(self, text: &str) -> String {
        self.wrap("32", text)
    }

    /// For what failed.
    pub fn red(self, text: &str) -> String {
        self.wrap("31", text)
    }

    /// For what deserves a look.
    pub fn yellow(self, text: &str) -> String {
        self.wrap("33", text)
    }

    /// For what is beside the point.
    pub fn dim(self, text: &str) -> String {
        self.wrap("2", text)
    }
}

/// The text without colour codes, for the log file.
pub fn strip(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("\u{1b}[") {
        out.push_str(&rest[..start]);
        let code = &rest[start + 2..];
        match code.find(|c: char| c.is_ascii_alphabetic()) {
            Some(end) => rest = &code[end + 1..],
            None => return out,
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stripping_takes_off_what_painting_put_on() {
        let paint = Paint { on: true };
        let text = format!("a {} b {}", paint.green("ok"), paint.red("bad"));
        assert_eq!(text, "a \u{1b}[32mok\u{1b}[0m b \u{1b}[31mbad\u{1b}[0m");
        assert_eq!(strip(&text), "a ok b bad");
        assert_eq!(strip("\u{1b}[1"), "");
        assert_eq!(Paint { on: false }.yellow("x"), "x");
    }
}
