//! The vocabulary every other crate speaks: places in source text, the intermediate representation, findings.
//!
//! Plain data. Nothing here reads a file, knows a grammar or has heard of an object-relational mapper.

use serde::{Deserialize, Serialize};

pub mod backlog;
pub mod directive;
pub mod finding;
pub mod ir;
pub mod names;
pub mod problem;
pub mod records;
pub mod span;

pub use backlog::{Backlog, Item, Progress};
pub use directive::{Directive, DirectiveKind};
pub use finding::{
    Confidence, EntryKind, EntryPoint, Finding, Fingerprint, History, Insertion, Introduced, Outcome,
    Ownership, RuleInfo, RunStats, Severity, SourceText, Sources, Step, StepRole, Trend, UNOWNED,
};
pub use names::{Name, NameTable};
pub use problem::{Problem, ProblemKind};
pub use records::{RecordError, RecordFile};
pub use span::{FileId, Location, Span};

/// The source languages that have a front end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Language {
    /// Python 3, `.py` and `.pyi`.
    Python,
    /// Rust, `.rs`.
    Rust,
    /// Templates of Django and of Jinja, whose values are Python's.
    Template,
}

/// What folders of templates are called: a template's name is its path from there.
pub const TEMPLATE_FOLDERS: &[&str] = &["templates", "jinja2"];

impl Language {
    /// The name that catalogues and messages use.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Python => "python",
            Self::Rust => "rust",
            Self::Template => "template",
        }
    }

    /// Whether what is called so is written into the code and changes with the code only: `CONTENT_TYPES` (PEP 8, "Naming
    /// Conventions": constants).
    ///
    /// In Rust a `static` of such a name may hold anything; what a `const` is, its value says.
    #[must_use]
    pub fn names_constant(self, name: &str) -> bool {
        let is_upper = |c: char| c.is_uppercase() || c.is_ascii_digit() || c == '_';
        let letters = name.chars().filter(|c| c.is_uppercase()).count();
        self == Self::Python && letters >= 2 && name.chars().all(is_upper)
    }
}
