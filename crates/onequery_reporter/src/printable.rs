//! Text from analysed files that is safe to print: a pull request must not move our cursor or colour our verdict.

use std::borrow::Cow;

/// One line for a terminal: line breaks and tabs become spaces, other control characters are replaced.
pub(crate) fn line(text: &str) -> Cow<'_, str> {
    replace(text, |c, _| {
        if matches!(c, '\n' | '\r' | '\t') {
            Some(' ')
        } else {
            harmless(c)
        }
    })
}

/// Source text for a terminal, byte for byte as long as the original, so that spans still fit.
pub(crate) fn source(text: &str) -> Cow<'_, str> {
    replace(text, |c, next| match c {
        '\n' | '\t' => None,
        '\r' if next == Some('\n') => None,
        _ => harmless(c),
    })
}

/// The text itself, or its beginning with three dots when it has more than `limit` characters.
pub(crate) fn truncated(mut text: String, limit: usize) -> String {
    const DOTS: &str = "...";
    if text.chars().count() > limit {
        let cut = text
            .char_indices()
            .nth(limit - DOTS.len())
            .map_or(text.len(), |(at, _)| at);
        text.truncate(cut);
        text.push_str(DOTS);
    }
    text
}

/// What to print instead of a character that does more than to be seen. It is as many bytes long.
fn harmless(c: char) -> Option<char> {
    match c {
        '\0'..='\x1f' | '\x7f' => Some('?'),
        '\u{80}'..='\u{9f}' => Some('¿'),
        // These reorder what stands around them ("trojan source").
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => Some('\u{fffd}'),
        // XML has no way to write these, and control characters neither: <https://www.w3.org/TR/xml/#charsets>.
        '\u{fffe}' | '\u{ffff}' => Some('\u{fffd}'),
        _ => None,
    }
}

/// Replaces the characters for which `by`, called with the character and its successor, has an answer.
fn replace(text: &str, by: impl Fn(char, Option<char>) -> Option<char>) -> Cow<'_, str> {
    let next = |at: usize, c: char| text[at + c.len_utf8()..].chars().next();
    if text.char_indices().all(|(at, c)| by(c, next(at, c)).is_none()) {
        return Cow::Borrowed(text);
    }
    text.char_indices()
        .map(|(at, c)| by(c, next(at, c)).unwrap_or(c))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_stays_one_line() {
        assert_eq!(line("a\nb\tc\x1b[31m"), "a b c?[31m");
        assert!(matches!(line("`é` is fine"), Cow::Borrowed(_)));
    }

    #[test]
    fn source_keeps_its_length_and_its_lines() {
        for text in [
            "a\r\nb\tc\n",
            "a\rb",
            "\x1b[2J\u{9b}m\u{202e}x\u{2066}",
            "é\u{1F600}\u{fffe}\u{ffff}",
        ] {
            let shown = source(text);
            assert_eq!(shown.len(), text.len(), "{text:?}");
            assert_eq!(shown.matches('\n').count(), text.matches('\n').count());
            assert!(!shown.contains(['\x1b', '\u{9b}', '\u{202e}', '\u{2066}']));
        }
        assert_eq!(source("a\rb\r\n"), "a?b\r\n");
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        assert_eq!(truncated("éééééé".into(), 6), "éééééé");
        assert_eq!(truncated("ééééééé".into(), 6), "ééé...");
    }
}
