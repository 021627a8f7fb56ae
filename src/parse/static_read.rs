//! Whether dbt's static parser can read a model: nothing but calls of `ref`, `source` and `config` with plain values.
//! It alone decides in which form dbt keeps one tag as it is written.

/// Whether it can.
pub(super) fn is_readable(text: &str) -> bool {
    let mut rest = text;
    while let Some(at) = rest.find('{') {
        rest = &rest[at..];
        if rest.starts_with("{%") {
            return false;
        }
        if let Some(comment) = rest.strip_prefix("{#") {
            rest = comment.split_once("#}").map_or("", |(_, after)| after);
        } else if let Some(expression) = rest.strip_prefix("{{") {
            let mut reader = Reader { rest: expression };
            if reader.expression().is_none() {
                return false;
            }
            rest = reader.rest;
        } else {
            rest = &rest[1..];
        }
    }
    true
}

struct Reader<'a> {
    rest: &'a str,
}

/// Each part gives something when it was read, and nothing when it is of another kind.
impl<'a> Reader<'a> {
    fn expression(&mut self) -> Option<()> {
        match self.word() {
            Some("ref") => self.arguments(1..=2, &["v", "version"])?,
            Some("source") => self.arguments(2..=2, &[])?,
            Some("config") => self.settings()?,
            Some(_) => return None,
            None if self.number().is_some() => {}
            None => self.value()?,
        }
        self.take("}}")
    }

    fn take(&mut self, token: &str) -> Option<()> {
        self.rest = self.rest.trim_start().strip_prefix(token)?;
        Some(())
    }

    fn word(&mut self) -> Option<&'a str> {
        let at = self.rest.trim_start();
        let is_part = |c: char| c == '_' || c.is_ascii_alphanumeric();
        let end = at.find(|c| !is_part(c)).unwrap_or(at.len());
        let word = at.get(..end)?;
        if !word.starts_with(|c: char| c == '_' || c.is_ascii_alphabetic()) {
            return None;
        }
        self.rest = &at[end..];
        Some(word)
    }

    fn number(&mut self) -> Option<()> {
        let at = self.rest.trim_start();
        let end = at.find(|c: char| !c.is_ascii_digit()).unwrap_or(at.len());
        self.rest = &at[end..];
        (end > 0).then_some(())
    }

    fn string(&mut self) -> Option<()> {
        let at = self.rest.trim_start();
        let quote = at.chars().next().filter(|c| ['\'', '"'].contains(c))?;
        let mut escaped = false;
        for (i, c) in at.char_indices().skip(1) {
            if c == quote && !escaped {
                self.rest = &at[i + 1..];
                return Some(());
            }
            escaped = c == '\\' && !escaped;
        }
        None
    }

    /// Texts, and after them names with a text or number each.
    fn arguments(&mut self, count: std::ops::RangeInclusive<usize>, named: &[&str]) -> Option<()> {
        self.take("(")?;
        let mut found = 0;
        while self.take(")").is_none() {
            if found > 0 {
                self.take(",")?;
            }
            if let Some(word) = self.word() {
                named.contains(&word).then_some(())?;
                self.take("=")?;
                self.string().or_else(|| self.number())?;
                self.take(")")?;
                break;
            }
            self.string()?;
            found += 1;
        }
        count.contains(&found).then_some(())
    }

    /// Names with plain values; hooks are beyond it.
    fn settings(&mut self) -> Option<()> {
        self.take("(")?;
        while self.take(")").is_none() {
            let name = self.word()?;
            (!matches!(name, "pre_hook" | "post_hook")).then_some(())?;
            self.take("=")?;
            self.value()?;
            if self.take(",").is_none() {
                return self.take(")");
            }
        }
        Some(())
    }

    fn value(&mut self) -> Option<()> {
        if self.string().is_some() {
            return Some(());
        }
        let (close, pairs) = match self.rest.trim_start().chars().next()? {
            '[' => ("]", false),
            '{' => ("}", true),
            _ => return matches!(self.word()?, "True" | "False").then_some(()),
        };
        self.rest = &self.rest.trim_start()[1..];
        while self.take(close).is_none() {
            if pairs {
                self.string()?;
                self.take(":")?;
            }
            self.value()?;
            if self.take(",").is_none() {
                return self.take(close);
            }
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::is_readable;

    /// As `dbt_extractor` 0.6 answers.
    #[test]
    fn plain_calls_are_readable() {
        for yes in [
            "select 1 {a} { b",
            "{{ config(tags='a', x={'a': {'b': ['c', True]}},) }} select * from {{ref(\"a\")}} {# {{ x }} #}",
            "{{ ref('p', 'a') }} {{ ref('a', v=1) }} {{ source('a', 'b') }} {{ 'x' }} {{ 1 }} {{ [] }}",
        ] {
            assert!(is_readable(yes), "{yes}");
        }
        for no in [
            "{{ config(tags='a', x=1) }}",
            "{{ config(tags='a', x=true) }}",
            "{{ config(pre_hook='a') }}",
            "{{ config('a') }}",
            "{{ config(x='a' ~ 'b') }}",
            "{{- ref('a') }}",
            "{{ ref('a') | upper }}",
            "{{ ref('a').x }}",
            "{{ source('a') }}",
            "{{ this }}",
            "{% if a %}",
            "{{ var('x') }}",
        ] {
            assert!(!is_readable(no), "{no}");
        }
    }
}
