//! The verb of a statement's text.

use serde::{Deserialize, Serialize};

use crate::catalog::Access;

/// Statements that read rows.
const READS: [&str; 3] = ["SELECT", "WITH", "VALUES"];
/// Statements that change rows.
const WRITES: [&str; 6] = ["INSERT", "UPDATE", "DELETE", "REPLACE", "MERGE", "UPSERT"];

/// What is known of a statement's text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum Statement {
    /// The text is not known.
    #[default]
    Unknown,
    /// It reads or writes rows.
    Rows(Access),
    /// It does something else: `CREATE TABLE`, `PRAGMA`, `SET`.
    Other,
}

/// What executing a text does, as far as its first word tells.
pub(crate) fn statement(text: &str) -> Statement {
    match verb(text) {
        Some(access) => Statement::Rows(access),
        // `f"{verb} INTO …"` begins with what is not known.
        None if text.trim_start().starts_with('{') || text.trim().is_empty() => Statement::Unknown,
        None => Statement::Other,
    }
}

fn verb(text: &str) -> Option<Access> {
    // Rust's string literals keep their line continuations.
    let text = text.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '(' | '\\'));
    let word = text
        .split(|c: char| !c.is_ascii_alphabetic())
        .next()
        .unwrap_or("");
    // A word alone is a word: a statement goes on after a space.
    let goes_on = text[word.len()..].starts_with(char::is_whitespace);
    let is = |words: &[&str]| goes_on && words.iter().any(|known| known.eq_ignore_ascii_case(word));
    if is(&["WITH"]) && writes_below(text) {
        Some(Access::Write)
    } else if is(&READS) {
        Some(Access::Read)
    } else if is(&WRITES) {
        Some(Access::Write)
    } else {
        None
    }
}

/// Whether a part of `WITH gone AS (DELETE …) INSERT …` writes: parts stand behind a parenthesis.
fn writes_below(text: &str) -> bool {
    let parts = text.split(['(', ')']).skip(1).map(str::trim_start);
    parts
        .filter_map(|part| part.split_once(char::is_whitespace))
        .any(|(word, _)| WRITES.iter().any(|known| known.eq_ignore_ascii_case(word)))
}
