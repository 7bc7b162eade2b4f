//! The phrases of findings: words, and between backticks code.

/// A part of a phrase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    /// Our words.
    Words(&'a str),
    /// What stands in the analysed code.
    Code(&'a str),
}

/// The pieces of a phrase in order. A phrase whose backticks do not pair holds analysed code that has some, and is code
/// as a whole.
pub(crate) fn pieces(phrase: &str) -> Vec<Piece<'_>> {
    if phrase.matches('`').count() % 2 == 1 {
        return vec![Piece::Code(phrase)];
    }
    phrase
        .split('`')
        .enumerate()
        .filter(|(_, text)| !text.is_empty())
        .map(|(ix, text)| {
            if ix % 2 == 0 {
                Piece::Words(text)
            } else {
                Piece::Code(text)
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::Piece::{Code, Words};
    use super::*;

    #[test]
    fn code_stands_between_backticks() {
        assert_eq!(
            pieces("`a.b` runs per `c`"),
            [Code("a.b"), Words(" runs per "), Code("c")]
        );
        assert_eq!(pieces("no code"), [Words("no code")]);
        assert_eq!(pieces("a ` b"), [Code("a ` b")]);
        assert_eq!(pieces(""), []);
    }
}
