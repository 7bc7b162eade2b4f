//! The verb of a statement's text.

use crate::catalog::Access;

/// Statements that read rows.
const READS: [&str; 3] = ["SELECT", "WITH", "VALUES"];
/// Statements that change rows.
const WRITES: [&str; 6] = ["INSERT", "UPDATE", "DELETE", "REPLACE", "MERGE", "UPSERT"];

/// What executing a text does, when it begins like a statement that touches rows.
pub(crate) fn verb(text: &str) -> Option<Access> {
    let text = text.trim_start_matches(|c: char| c.is_whitespace() || c == '(');
    let word = text.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or("");
    // A word alone is a word: a statement goes on after a space.
    let goes_on = text[word.len()..].starts_with(char::is_whitespace);
    let is = |words: &[&str]| goes_on && words.iter().any(|known| known.eq_ignore_ascii_case(word));
    if is(&READS) {
        // `WITH gone AS (DELETE …) …` is rare enough to count as reading.
        Some(Access::Read)
    } else if is(&WRITES) {
        Some(Access::Write)
    } else {
        None
    }
}
