//! Which texts dbt reads without rendering them. It has a reader that knows texts with nothing but literal calls of
//! `ref`, `source` and `config`; what it notes of such a model differs a little from what rendering notes.
use super::expression::Tok;
use super::tokens;
use minijinja::machinery::Token;

/// Whether a model's text has only calls that dbt's static reader understands.
pub fn is_plain(source: &str) -> bool {
    let source = &*super::readable(source);
    // The engine's tokenizer gives the text of a `raw` block as text, and no tags around it.
    !source.contains("endraw")
        && tokens(source).is_ok_and(|toks| {
            Reader {
                source,
                toks: &toks,
            }
            .text()
        })
}

struct Reader<'a, 's> {
    source: &'a str,
    toks: &'a [Tok<'s>],
}

impl Reader<'_, '_> {
    fn text(&mut self) -> bool {
        while let Some((token, range)) = self.toks.first() {
            // A tag that trims blanks is more than the reader knows.
            let trims = self
                .source
                .get(range.clone())
                .is_some_and(|t| t.contains(['-', '+']));
            let known = match token {
                Token::TemplateData(_) => true,
                Token::VariableStart if !trims => {
                    self.toks = &self.toks[1..];
                    if !self.expression() {
                        return false;
                    }
                    matches!(self.toks.first(), Some((Token::VariableEnd, range))
                        if self.source.get(range.clone()).is_some_and(|t| !t.contains('-')))
                }
                _ => false,
            };
            if !known {
                return false;
            }
            self.toks = &self.toks[1..];
        }
        true
    }

    /// Steps over a token, if it is the next.
    fn eat(&mut self, wanted: impl Fn(&Token<'_>) -> bool) -> bool {
        let found = self.toks.first().is_some_and(|(token, _)| wanted(token));
        if found {
            self.toks = &self.toks[1..];
        }
        found
    }

    fn comma(&mut self) -> bool {
        self.eat(|t| matches!(t, Token::Comma))
    }

    fn closes(&mut self) -> bool {
        self.eat(|t| matches!(t, Token::ParenClose))
    }

    fn string(&mut self) -> bool {
        self.eat(|t| matches!(t, Token::Str(_) | Token::String(_)))
    }

    fn number(&mut self) -> bool {
        self.eat(|t| matches!(t, Token::Int(_) | Token::Float(_)))
    }

    fn expression(&mut self) -> bool {
        let [(Token::Ident(name), _), (Token::ParenOpen, _), ..] = self.toks else {
            return self.number() || self.value(true);
        };
        let name = *name;
        self.toks = &self.toks[2..];
        match name {
            "ref" => self.reference(),
            "source" => {
                self.string() && self.comma() && self.string() && {
                    self.comma();
                    self.closes()
                }
            }
            "config" => self.config(),
            _ => false,
        }
    }

    /// One or two names, and perhaps a version.
    fn reference(&mut self) -> bool {
        if !self.string() {
            return false;
        }
        let mut names = 1;
        while self.comma() {
            if self.string() {
                names += 1;
            } else if self.eat(|t| matches!(t, Token::Ident("v" | "version"))) {
                let given = self.eat(|t| matches!(t, Token::Assign));
                if !given || !(self.string() || self.number()) {
                    return false;
                }
                self.comma();
                break;
            } else {
                break;
            }
        }
        names <= 2 && self.closes()
    }

    /// Keywords alone, at least one, and no hooks.
    fn config(&mut self) -> bool {
        loop {
            let named = self.eat(
                |t| matches!(t, Token::Ident(name) if !matches!(*name, "pre_hook" | "post_hook")),
            );
            if !named || !self.eat(|t| matches!(t, Token::Assign)) || !self.value(true) {
                return false;
            }
            let more = self.comma();
            if self.closes() {
                return true;
            }
            if !more {
                return false;
            }
        }
    }

    /// Texts, lists and mappings of them; truth values within `config` alone. Numbers are not known.
    fn value(&mut self, truth: bool) -> bool {
        if self.string() || truth && self.eat(|t| matches!(t, Token::Ident("True" | "False"))) {
            return true;
        }
        if self.eat(|t| matches!(t, Token::BracketOpen)) {
            return self.several(|t| matches!(t, Token::BracketClose), |r| r.value(truth));
        }
        self.eat(|t| matches!(t, Token::BraceOpen))
            && self.several(
                |t| matches!(t, Token::BraceClose),
                |r| r.string() && r.eat(|t| matches!(t, Token::Colon)) && r.value(truth),
            )
    }

    /// Items with commas between them, up to the end.
    fn several(
        &mut self,
        end: impl Fn(&Token<'_>) -> bool,
        item: impl Fn(&mut Self) -> bool,
    ) -> bool {
        if self.eat(&end) {
            return true;
        }
        while item(self) {
            if self.eat(&end) {
                return true;
            }
            if !self.comma() {
                return false;
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::is_plain;

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
