//! Which texts dbt reads without rendering them, and what it reads. It has a reader that knows texts with nothing but
//! literal calls of `ref`, `source` and `config`; what it notes of such a model differs a little from what rendering
//! notes. What it finds needs no rendering here either.
use super::expression::Tok;
use super::tokens;
use minijinja::machinery::Token;
use serde_json::{Map, Value as Json};

/// What a plain text says, call by call.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Plain {
    /// Names of each `ref`, one or two, and the version.
    pub refs: Vec<(Vec<String>, Option<Json>)>,
    /// Source and table of each `source`.
    pub sources: Vec<(String, String)>,
    /// Keywords of each `config`.
    pub config: Vec<Map<String, Json>>,
}

/// Reads a model's text that has only calls which dbt's static reader understands; none if there is more in it.
pub fn read(source: &str) -> Option<Plain> {
    let source = &*super::readable(source);
    // The engine's tokenizer gives the text of a `raw` block as text, and no tags around it.
    if source.contains("endraw") {
        return None;
    }
    let toks = tokens(source).ok()?;
    let mut reader = Reader {
        source,
        toks: &toks,
        found: Plain::default(),
    };
    reader.text()?;
    Some(reader.found)
}

struct Reader<'a, 's> {
    source: &'a str,
    toks: &'a [Tok<'s>],
    found: Plain,
}

impl Reader<'_, '_> {
    fn text(&mut self) -> Option<()> {
        while let Some((token, range)) = self.toks.first() {
            // A tag that trims blanks is more than the reader knows.
            let trims = self
                .source
                .get(range.clone())
                .is_some_and(|t| t.contains(['-', '+']));
            match token {
                Token::TemplateData(_) => {}
                Token::VariableStart if !trims => {
                    self.toks = &self.toks[1..];
                    self.expression()?;
                    let (end, range) = self.toks.first()?;
                    let trims = self.source.get(range.clone())?.contains('-');
                    if trims || !matches!(end, Token::VariableEnd) {
                        return None;
                    }
                }
                _ => return None,
            }
            self.toks = &self.toks[1..];
        }
        Some(())
    }

    /// Steps over a token, if it is the next.
    fn eat(&mut self, wanted: impl Fn(&Token<'_>) -> bool) -> bool {
        let found = self.toks.first().is_some_and(|(token, _)| wanted(token));
        if found {
            self.toks = &self.toks[1..];
        }
        found
    }

    /// Steps over a token that must be there.
    fn need(&mut self, wanted: impl Fn(&Token<'_>) -> bool) -> Option<()> {
        self.eat(wanted).then_some(())
    }

    /// The next token, if it means something to `read`.
    fn take<T>(&mut self, read: impl Fn(&Token<'_>) -> Option<T>) -> Option<T> {
        let found = read(&self.toks.first()?.0)?;
        self.toks = &self.toks[1..];
        Some(found)
    }

    fn comma(&mut self) -> bool {
        self.eat(|t| matches!(t, Token::Comma))
    }

    fn closes(&mut self) -> Option<()> {
        self.need(|t| matches!(t, Token::ParenClose))
    }

    fn string(&mut self) -> Option<String> {
        self.take(|t| match t {
            Token::Str(text) => Some((*text).to_string()),
            Token::String(text) => Some(text.to_string()),
            _ => None,
        })
    }

    fn number(&mut self) -> Option<Json> {
        self.take(|t| match t {
            Token::Int(n) => Some(Json::from(*n)),
            Token::Float(x) => Some(Json::from(*x)),
            _ => None,
        })
    }

    fn expression(&mut self) -> Option<()> {
        let [(Token::Ident(name), _), (Token::ParenOpen, _), ..] = self.toks else {
            return self.number().or_else(|| self.value()).map(drop);
        };
        let name = *name;
        self.toks = &self.toks[2..];
        match name {
            "ref" => self.reference(),
            "source" => {
                let source = self.string()?;
                self.need(|t| matches!(t, Token::Comma))?;
                let table = self.string()?;
                self.comma();
                self.found.sources.push((source, table));
                self.closes()
            }
            "config" => self.config(),
            _ => None,
        }
    }

    /// One or two names, and perhaps a version.
    fn reference(&mut self) -> Option<()> {
        let (mut names, mut version) = (vec![self.string()?], None);
        while self.comma() {
            if let Some(name) = self.string() {
                names.push(name);
            } else if self.eat(|t| matches!(t, Token::Ident("v" | "version"))) {
                self.need(|t| matches!(t, Token::Assign))?;
                version = Some(self.string().map(Json::from).or_else(|| self.number())?);
                self.comma();
                break;
            } else {
                break;
            }
        }
        if names.len() > 2 {
            return None;
        }
        self.found.refs.push((names, version));
        self.closes()
    }

    /// Keywords alone, at least one, and no hooks.
    fn config(&mut self) -> Option<()> {
        let mut all = Map::new();
        loop {
            let name = self.take(|t| match t {
                Token::Ident(name) if !matches!(*name, "pre_hook" | "post_hook") => {
                    Some((*name).to_string())
                }
                _ => None,
            })?;
            self.need(|t| matches!(t, Token::Assign))?;
            all.insert(name, self.value()?);
            let more = self.comma();
            if self.closes().is_some() {
                self.found.config.push(all);
                return Some(());
            }
            if !more {
                return None;
            }
        }
    }

    /// Texts, truth values, lists and mappings of them. Numbers are not known.
    fn value(&mut self) -> Option<Json> {
        if let Some(text) = self.string() {
            return Some(Json::from(text));
        }
        if let Some(truth) = self.take(|t| match t {
            Token::Ident("True") => Some(true),
            Token::Ident("False") => Some(false),
            _ => None,
        }) {
            return Some(Json::from(truth));
        }
        if self.eat(|t| matches!(t, Token::BracketOpen)) {
            let items = self.several(|t| matches!(t, Token::BracketClose), Self::value)?;
            return Some(Json::Array(items));
        }
        self.need(|t| matches!(t, Token::BraceOpen))?;
        let pairs = self.several(
            |t| matches!(t, Token::BraceClose),
            |r| {
                let key = r.string()?;
                r.need(|t| matches!(t, Token::Colon))?;
                Some((key, r.value()?))
            },
        )?;
        Some(Json::Object(pairs.into_iter().collect()))
    }

    /// Items with commas between them, up to the end.
    fn several<T>(
        &mut self,
        end: impl Fn(&Token<'_>) -> bool,
        item: impl Fn(&mut Self) -> Option<T>,
    ) -> Option<Vec<T>> {
        let mut all = Vec::new();
        if self.eat(&end) {
            return Some(all);
        }
        loop {
            all.push(item(self)?);
            if self.eat(&end) {
                return Some(all);
            }
            self.need(|t| matches!(t, Token::Comma))?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Plain, read};
    use serde_json::json;

    fn is_plain(text: &str) -> bool {
        read(text).is_some()
    }

    #[test]
    fn what_is_read() {
        let text = "{{ config(a='b', c=['d', {'e': True}]) }}{{ ref('p', 'a', v=2) }}{{ source('s', 't') }}{{ ref('a\\'b') }}";
        let config = json!({"a": "b", "c": ["d", {"e": true}]});
        let want = Plain {
            refs: vec![
                (vec!["p".into(), "a".into()], Some(json!(2))),
                (vec!["a'b".into()], None),
            ],
            sources: vec![("s".into(), "t".into())],
            config: config.as_object().cloned().into_iter().collect(),
        };
        assert_eq!(read(text), Some(want));
    }

    #[test]
    fn what_dbt_reads_without_rendering() {
        for text in [
            "plain",
            "a { b } %} #}",
            "{# {{ this }} #}{{ ref('a') }} {{ ref('a') }}",
            "{{ ref(\"a\") }}",
            "{{\nref ( 'a' , 'b' , version = '3' )\n}}",
            "{{ ref('a', v=1) }}",
            "{{ ref('a', v=1.0) }}",
            "{{ ref('a',) }}",
            "{{source('s','t')}}{{ source( 's' , 't', ) }}",
            "{{ config(a='b', c=['d', ['e']],) }}",
            "{{ config(x=True, y=False) }}",
            "{{ config(x=[], y={}, z={'a': 'b'}) }}",
            "{{ 'x' }}",
            "{{ ['a'] }}",
        ] {
            assert!(is_plain(text), "{text}");
        }
    }

    #[test]
    fn what_dbt_renders() {
        for text in [
            "{% set a = 1 %}",
            "{% raw %}{{ x }}{% endraw %}",
            "{{ this }}",
            "{{- ref('a') -}}",
            "{{ ref('a') -}}",
            "{{ ref('a') | upper }}",
            "{{ ref('a').x }}",
            "{{ ref('a' ~ 'b') }}",
            "{{ ref('a' 'b') }}",
            "{{ ref() }}",
            "{{ ref('a', 'b', 'c') }}",
            "{{ ref(name='a') }}",
            "{{ ref('a', v=none) }}",
            "{{ source('a') }}",
            "{{ config() }}",
            "{{ config(x=1) }}",
            "{{ config(x=true) }}",
            "{{ config(x=none) }}",
            "{{ config({'a': 'b'}) }}",
            "{{ config(x=var('a')) }}",
            "{{ config(x=('a', 'b')) }}",
            "{{ config(x=['a',]) }}",
            "{{ config(x={'a': 1}) }}",
            "{{ config(pre_hook='x') }}",
            "{{ true }}",
            "{{ }}",
            "{{ ref('a'",
        ] {
            assert!(!is_plain(text), "{text}");
        }
    }

    /// As `dbt_extractor` 0.6 answers.
    #[test]
    fn plain_calls_are_readable() {
        for yes in [
            "select 1 {a} { b",
            "{{ config(tags='a', x={'a': {'b': ['c', True]}},) }} select * from {{ref(\"a\")}} {# {{ x }} #}",
            "{{ ref('p', 'a') }} {{ ref('a', v=1) }} {{ source('a', 'b') }} {{ 'x' }} {{ 1 }} {{ [] }}",
        ] {
            assert!(is_plain(yes), "{yes}");
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
            assert!(!is_plain(no), "{no}");
        }
    }
}
