//! Findings and what a run hands to the reporters.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::problem::Problem;
use crate::span::{FileId, Location};

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Severity {
    /// Worth knowing, rarely worth a change by itself.
    Note,
    /// A defect to mend.
    Warning,
    /// A defect that must not pass.
    Error,
}

impl Severity {
    /// The lower-case word that all formats use.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// How complete the chain of known facts behind a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Confidence {
    /// One link is a guess that is often right. Not shown by default.
    Possible,
    /// Every link is known, one of them by shape or only on some path.
    Likely,
    /// Every link is known.
    Proven,
}

impl Confidence {
    /// The lower-case word that all formats use.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Possible => "possible",
            Self::Likely => "likely",
            Self::Proven => "proven",
        }
    }
}

/// The part a step plays in a finding's story.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum StepRole {
    /// Where the rows (or keys) come from.
    Origin,
    /// What repeats.
    Loop,
    /// A call on the way to the query.
    Call,
    /// The query that is executed.
    Query,
    /// The relation that is loaded.
    Load,
}

impl StepRole {
    /// The lower-case word that fixtures and JSON use.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Origin => "origin",
            Self::Loop => "loop",
            Self::Call => "call",
            Self::Query => "query",
            Self::Load => "load",
        }
    }
}

/// One link of the causal chain, in story order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Step {
    /// The part it plays.
    pub role: StepRole,
    /// Where it is; one expression.
    pub location: Location,
    /// What happens there, a phrase without full stop.
    pub message: String,
}

/// A text to be inserted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Insertion {
    /// An empty place in front of which it is inserted.
    pub at: Location,
    /// The text, without line breaks.
    pub text: String,
}

/// How the world outside reaches code, what makes somebody wait first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum EntryKind {
    /// A request of somebody who waits for the answer: a route, a view, a resolver, a remote procedure.
    Request,
    /// A job that a worker takes from a queue or that a clock starts.
    Task,
    /// Something that happened in the program: a signal, a hook.
    Event,
    /// A command that a person or a schedule runs.
    Command,
    /// A file that is run or imported, a program's `main`.
    Script,
}

impl EntryKind {
    /// All of them, in order.
    pub const ALL: [Self; 5] = [
        Self::Request,
        Self::Task,
        Self::Event,
        Self::Command,
        Self::Script,
    ];

    /// The lower-case word that catalogues and formats use.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Task => "task",
            Self::Event => "event",
            Self::Command => "command",
            Self::Script => "script",
        }
    }
}

/// A place at which the world outside enters the program, and the way from there to a finding.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct EntryPoint {
    /// How it is entered.
    pub kind: EntryKind,
    /// What people know it by: a route, or the name of a class, function or file.
    pub name: String,
    /// What makes it an entry: the registration, the decorator, the class's name.
    pub location: Location,
    /// The calls from there to the function that holds the loop; empty when it holds it itself.
    pub calls: Vec<Step>,
}

/// A key that survives moved lines: it hashes rule, path, enclosing scope and normalised code, never line numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Fingerprint(pub u64);

impl Fingerprint {
    /// Reads what [`Display`](std::fmt::Display) writes: 16 hexadecimal digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_hash = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_hash.then(|| u64::from_str_radix(text, 16).ok().map(Self))?
    }
}

impl std::fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// One defect, told whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The rule's id, an entry of [`Outcome::rules`]. Whoever keeps findings keeps it beside them.
    #[serde(skip)]
    pub rule: &'static str,
    /// How bad.
    pub severity: Severity,
    /// How sure.
    pub confidence: Confidence,
    /// The headline: stands alone on one line, no full stop.
    pub message: String,
    /// The expression in the loop that the reader will edit.
    pub primary: Location,
    /// The causal chain in story order; the primary place is among them.
    pub steps: Vec<Step>,
    /// The remedy, one sentence without full stop.
    pub help: Option<String>,
    /// What the remedy adds to a text, where that is all of it.
    pub fix: Option<Insertion>,
    /// Qualified name of the enclosing function, for instance `Cart.total`; empty at module level.
    pub scope: String,
    /// The same for the function that holds the finding's root: what is to be changed.
    pub root_scope: String,
    /// It stands in test code, as far as its file itself shows.
    pub in_test: bool,
    /// The code says how many elements there are at most: `books[:500]`.
    pub limited: bool,
    /// The paths of the relations that the rows' query loads, where it matters and is known.
    pub loaded: Option<Vec<String>>,
    /// How it is reached, when that is known: of several ways the one that makes people wait, and of those the shortest.
    pub entry: Option<EntryPoint>,
    /// A test that counts the statements of the function that [`Finding::entry`] leads to, as far as tests were analysed.
    pub guard: Option<Location>,
    /// Identity across edits.
    pub fingerprint: Fingerprint,
    /// Who is responsible; `None` when nothing says who owns the project's files.
    pub owners: Option<Ownership>,
    /// Why it is shown although it is known, a phrase without full stop; none for one that is new.
    pub reinstated: Option<String>,
}

/// What reports call findings that nobody owns, and what asks for them. No owner is called so.
pub const UNOWNED: &str = "unowned";

/// Who is responsible for the files that a finding passes through. Owners are spelt as where they are declared, for
/// instance `@org/team` or an e-mail address, and hold no white space.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ownership {
    /// The owners of the loop's file, who are asked to mend it; nobody when it is empty.
    pub asked: Vec<String>,
    /// The owners of the chain's other files, in story order, without those who are asked.
    pub involved: Vec<String>,
}

/// What is known of how a finding came to be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// The commit since which its chain is complete.
    pub introduced: Option<Introduced>,
    /// Why it is not shown by a check, for instance `in the baseline`; `None` when it is.
    pub known: Option<String>,
    /// How many tests of the project count statements.
    pub n_guards: usize,
}

/// The newest of the commits that wrote the lines of a finding's chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Introduced {
    /// Its abbreviated hash.
    pub commit: String,
    /// The day it was committed, `YYYY-MM-DD`.
    pub date: String,
    /// The first line of its message.
    pub summary: String,
    /// Who wrote it, where that was asked for.
    pub author: Option<String>,
    /// The line of the chain that it wrote.
    pub location: Location,
}

/// What a rule says about itself; documentation, tables and SARIF metadata come from here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuleInfo {
    /// The stable id, named by the bad pattern.
    pub id: &'static str,
    /// One phrase, for tables.
    pub summary: &'static str,
    /// Why there is such code, one sentence without full stop: an answer to "why is it not done at once?".
    pub cause: &'static str,
    /// Markdown: what it does, why it is bad, what it cannot see.
    pub docs: &'static str,
    /// What one of its statements costs, reading a row being 1.
    pub weight: u32,
    /// Severity of its findings unless configured.
    pub severity: Severity,
    /// First version that had it.
    pub since: &'static str,
}

/// The text of one file that a finding or a problem speaks of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceText {
    /// Path relative to the project root, with `/` between parts.
    pub path: String,
    /// The decoded text; empty when it could not be read.
    pub text: Arc<str>,
}

/// All files of the run, indexed by [`FileId`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources(pub Vec<SourceText>);

impl Sources {
    /// The file behind an id.
    #[must_use]
    pub fn get(&self, file: FileId) -> &SourceText {
        &self.0[file.index()]
    }
}

/// Counts and times of a run. Times are left out of every format that is compared byte by byte.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunStats {
    /// Files analysed and reported on.
    pub files: usize,
    /// Files read only because reported files need them.
    pub files_indexed_only: usize,
    /// Lines in analysed files.
    pub lines: usize,
    /// Reasons and counts of findings that are not shown, for instance `("below likely", 12)`.
    pub hidden: Vec<(String, usize)>,
    /// Reasons and counts of files that were passed over.
    pub skipped: Vec<(String, usize)>,
    /// Wall time of the run in milliseconds.
    pub millis: u128,
}

/// Everything a reporter needs; it invents nothing.
#[derive(Clone, Debug)]
pub struct Outcome<'a> {
    /// The version of the tool, as in `Cargo.toml`.
    pub version: &'a str,
    /// Shown findings, sorted by file, position and rule.
    pub findings: Vec<Finding>,
    /// Problems with the file they are about, sorted.
    pub problems: Vec<(FileId, Problem)>,
    /// The rules that ran, sorted by id.
    pub rules: Vec<RuleInfo>,
    /// Texts and paths.
    pub sources: &'a Sources,
    /// Counts.
    pub stats: RunStats,
    /// What services had put off over time, where that is written down.
    pub trends: Vec<Trend>,
}

/// What a service had put off over time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trend {
    /// The service's name.
    pub service: String,
    /// Its debt at each time it was written down, the oldest first.
    pub debts: Vec<u64>,
}
