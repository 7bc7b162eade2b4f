//! A template's text as what stands between its braces.

use onequery_core::Span;

/// A piece of a template that is not plain text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'t> {
    /// `{{ … }}`.
    Output(Inside<'t>),
    /// `{% … %}`.
    Tag(Inside<'t>),
}

/// What stands between braces, without white space at its ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Inside<'t> {
    pub(super) text: &'t str,
    /// Where it starts in the file.
    pub(super) start: usize,
}

impl<'t> Inside<'t> {
    /// From the first byte in braces to the one behind the last; Jinja's signs for white space are no part of it.
    fn new(file: &'t str, start: usize, end: usize) -> Self {
        let text = &file[start..end];
        let text = text.strip_suffix(['-', '+']).unwrap_or(text);
        let inner = text.strip_prefix(['-', '+']).unwrap_or(text);
        let trimmed = inner.trim_start();
        Self {
            start: start + text.len() - trimmed.len(),
            text: trimmed.trim_end(),
        }
    }

    /// The first word: a tag's name.
    pub(super) fn word(&self) -> &'t str {
        let is_part = |c: char| c.is_alphanumeric() || c == '_';
        let end = self.text.find(|c| !is_part(c)).unwrap_or(self.text.len());
        &self.text[..end]
    }

    /// What stands behind the first word.
    pub(super) fn rest(&self) -> Self {
        let rest = &self.text[self.word().len()..];
        let trimmed = rest.trim_start();
        Self {
            start: self.start + self.text.len() - trimmed.len(),
            text: trimmed,
        }
    }

    pub(super) fn span(&self) -> Span {
        let place = |byte: usize| u32::try_from(byte).unwrap_or(u32::MAX);
        Span::new(place(self.start), place(self.start + self.text.len()))
    }
}

/// Tags whose content is no template.
const QUOTED: [&str; 3] = ["comment", "raw", "verbatim"];

/// Splits a template. What is never closed is plain text.
pub(super) fn tokens(file: &str) -> Vec<Token<'_>> {
    let mut found = Vec::new();
    let mut at = 0;
    // Signs that are not met any more: nothing that they close is looked for again.
    let mut missing = [false; 3];
    while let Some(open) = memchr::memchr(b'{', &file.as_bytes()[at..]).map(|ix| at + ix) {
        let inner = open + 2;
        let (kind, sign) = match file.as_bytes().get(open + 1) {
            Some(b'{') => (0, "}}"),
            Some(b'%') => (1, "%}"),
            Some(b'#') => (2, "#}"),
            _ => {
                at = open + 1;
                continue;
            }
        };
        let first = if missing[kind] {
            None
        } else {
            find(file, inner, sign)
        };
        let Some(first) = first else {
            missing[kind] = true;
            at = inner;
            continue;
        };
        let close = if kind == 0 {
            output_end(file, inner, first)
        } else {
            first
        };
        at = close + 2;
        match file.as_bytes()[open + 1] {
            b'{' => found.push(Token::Output(Inside::new(file, inner, close))),
            b'%' => {
                let tag = Inside::new(file, inner, close);
                if QUOTED.contains(&tag.word()) {
                    at = quoted_end(file, at, tag.word());
                } else {
                    found.push(Token::Tag(tag));
                }
            }
            _ => {}
        }
    }
    found
}

fn find(file: &str, from: usize, what: &str) -> Option<usize> {
    file[from..].find(what).map(|ix| from + ix)
}

/// How far behind the first `}}` the one is looked for that closes an output.
const MAX_OUTPUT: usize = 4096;

/// The `}}` that closes an output whose first one is at `first`: not the one of a dictionary in it.
fn output_end(file: &str, from: usize, first: usize) -> usize {
    if !file[from..first].contains('{') {
        return first;
    }
    let bytes = file.as_bytes();
    let end = bytes.len().min(first + MAX_OUTPUT).saturating_sub(1);
    let (mut depth, mut quote, mut at) = (0_u32, None, from);
    while at < end {
        match (quote, bytes[at]) {
            (Some(_), b'\\') => at += 1,
            (Some(open), byte) if byte == open => quote = None,
            (Some(_), _) => {}
            (None, byte @ (b'"' | b'\'')) => quote = Some(byte),
            (None, b'{') => depth += 1,
            (None, b'}') if depth > 0 => depth -= 1,
            (None, b'}') if bytes[at + 1] == b'}' => return at,
            (None, _) => {}
        }
        at += 1;
    }
    first
}

/// Behind the tag that ends quoted text; the end of the file without one.
fn quoted_end(file: &str, from: usize, word: &str) -> usize {
    let mut at = from;
    while let Some(open) = find(file, at, "{%") {
        let Some(close) = find(file, open, "%}") else {
            break;
        };
        at = close + 2;
        let name = Inside::new(file, open + 2, close).word();
        if name.strip_prefix("end") == Some(word) {
            return at;
        }
    }
    file.len()
}

#[cfg(test)]
mod tests {
    use super::{Token, tokens};

    fn check(text: &str, expected: &[&str]) {
        let found: Vec<String> = tokens(text)
            .iter()
            .map(|token| match token {
                Token::Output(inside) => format!("{{{}}}@{}", inside.text, inside.start),
                Token::Tag(inside) => format!("%{}@{}", inside.text, inside.start),
            })
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn braces() {
        check("a {{ b }} {%if c%}{# d #}", &["{b}@5", "%if c@12"]);
        check("{{- b -}}{%+ set x = 1 -%}", &["{b}@4", "%set x = 1@13"]);
        check("{{ f({'a': {'b': '}}'}}) }}", &["{f({'a': {'b': '}}'}})}@3"]);
        check("{{ open { }} {{ next }}", &["{open {}@3", "{next}@16"]);
    }

    #[test]
    fn what_is_never_closed_is_text() {
        check("{{ a {% b {# {", &[]);
        check("{", &[]);
        check("{%%}{{}}{%-%}{{-}}", &["%@2", "{}@6", "%@10", "{}@15"]);
    }

    #[test]
    fn quoted_text_is_no_template() {
        check("{% comment %}{{ a }}{% endcomment %}{{ b }}", &["{b}@39"]);
        check("{% raw %}{{ a }}{% other %}", &[]);
        check("{% verbatim x %}{{ a }}{% endverbatim x %}{{ b }}", &["{b}@45"]);
    }
}
