//! What a project owes: findings, grouped by what mends them.

use crate::finding::{Finding, Fingerprint};
use crate::span::Location;

/// Findings that have one root cause, which one change mends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// What tells it from all others: a hash of its root's file and text, which stays when one of its findings is mended.
    pub key: Fingerprint,
    /// Where the change belongs: the query of rows that lack something, or the query that is executed.
    pub root: Location,
    /// At least one; the costliest first.
    pub findings: Vec<Finding>,
    /// How much is expected to be won by mending it, in points that only compare items of one backlog.
    pub cost: u128,
    /// How often what leads to it was seen to be called, where there is evidence.
    pub calls: Option<u64>,
}

/// The items of a project, and what was done since.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// The costliest first.
    pub items: Vec<Item>,
    /// What was paid off, when two states of the project were compared.
    pub progress: Option<Progress>,
}

/// What became of the findings of an earlier state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// The revision that was compared with.
    pub since: String,
    /// Headlines of findings that are no more, with the paths of their files, sorted.
    pub paid_off: Vec<(String, String)>,
    /// How many findings are new.
    pub added: usize,
}
