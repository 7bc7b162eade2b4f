//! What comments in the analysed code tell the analyzer.

use serde::{Deserialize, Serialize};

use crate::span::Span;

/// One comment that speaks to us: `# onequery: ignore[query-in-loop] -- three rows at most`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Directive {
    /// The comment, from the word `onequery` to its end.
    pub span: Span,
    /// The code that it is about: the line it stands on, or the one below a line of its own. A statement that is written
    /// on several lines is covered whole; the body of a loop or function is not.
    pub covers: Span,
    /// What it says.
    pub kind: DirectiveKind,
    /// What follows `--`: why. Never empty.
    pub reason: Option<String>,
}

/// What a [`Directive`] says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DirectiveKind {
    /// Findings of these rules are accepted when one of their steps is covered.
    Ignore(Vec<String>),
    /// The function answers for many at once, however often it is called.
    Batched,
    /// The function executes nothing, whatever it looks like.
    NoQuery,
    /// It cannot be read, with what was expected.
    Malformed(String),
}
