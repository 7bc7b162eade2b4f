//! Texts as SARIF and its consumers want them: sentences and percent-encoded paths.

use std::fmt::Write as _;

use crate::printable;

/// A phrase as a sentence: one line, a capital letter, a full stop.
pub(super) fn sentence(phrase: &str) -> String {
    // `handlers[kind](order)` in a message would be taken for a link; a backslash ends that.
    let phrase = printable::line(phrase.trim()).replace("](", "\\](");
    let mut chars = phrase.chars();
    let first = chars.next().map(char::to_uppercase).into_iter().flatten();
    let mut sentence: String = first.chain(chars).collect();
    if !sentence.ends_with(['.', '!', '?']) {
        sentence.push('.');
    }
    sentence
}

/// A relative path as a URI reference. Everything but `/` and what RFC 3986 calls unreserved is encoded.
pub(super) fn uri(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                uri.push(char::from(byte));
            }
            _ => write!(uri, "%{byte:02X}").expect("a string takes everything"),
        }
    }
    uri
}

/// `query-in-loop` as `QueryInLoop`.
pub(super) fn pascal_case(id: &str) -> String {
    let capitalized = |word: &str| {
        let mut chars = word.chars();
        chars
            .next()
            .map(|first| first.to_ascii_uppercase())
            .into_iter()
            .chain(chars)
            .collect::<String>()
    };
    id.split('-').map(capitalized).collect()
}

/// The first paragraph of a Markdown text that is not a heading, on one line.
pub(super) fn first_paragraph(markdown: &str) -> Option<String> {
    let lines = markdown
        .lines()
        .map(str::trim)
        .skip_while(|line| line.is_empty() || line.starts_with('#'));
    let paragraph = lines
        .take_while(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join(" ");
    (!paragraph.is_empty()).then_some(paragraph)
}

/// A Markdown text without the marks of its headings.
pub(super) fn plain(markdown: &str) -> String {
    // One `#` is left alone: it starts a comment in Python examples, and rules begin with headings of level two.
    let text = |line: &'_ str| line.strip_prefix("## ").unwrap_or(line).to_owned();
    markdown.trim().lines().map(text).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phrase_becomes_a_sentence() {
        assert_eq!(sentence("calls `label`"), "Calls `label`.");
        assert_eq!(sentence("élan vital?"), "Élan vital?");
        assert_eq!(sentence("`a[k](b)` is\nno link"), "`a[k\\](b)` is no link.");
        assert_eq!(sentence(""), ".");
    }

    #[test]
    fn a_path_becomes_a_uri() {
        assert_eq!(uri("shop/views.py"), "shop/views.py");
        assert_eq!(uri("my shop/é#1?50%.py"), "my%20shop/%C3%A9%231%3F50%25.py");
        // The part before a colon would be a scheme.
        assert_eq!(uri("c:x.py"), "c%3Ax.py");
    }

    #[test]
    fn documentation_gives_descriptions() {
        assert_eq!(pascal_case("query-in-loop"), "QueryInLoop");
        let docs = "## What\n\nOne\ntwo.\n\n## Why\n\n    # code\n";
        assert_eq!(first_paragraph(docs).as_deref(), Some("One two."));
        assert_eq!(first_paragraph("## Only headings\n"), None);
        assert_eq!(plain(docs), "What\n\nOne\ntwo.\n\nWhy\n\n    # code");
    }
}
