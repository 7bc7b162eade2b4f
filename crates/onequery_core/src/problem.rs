//! What could not be done, as data: the run goes on and the summary counts it.

use serde::{Deserialize, Serialize};

use crate::span::Span;

/// Something odd about one file. Problems never stop a run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Problem {
    /// What kind of trouble it is.
    pub kind: ProblemKind,
    /// Where, in the decoded text; empty at 0 when the whole file is meant.
    pub span: Span,
    /// One sentence for a person, without the path.
    pub message: String,
}

/// Kinds of trouble, ordered from harmless to ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ProblemKind {
    /// A part of the file is not valid in its language; that part is opaque, the rest was analysed.
    Syntax,
    /// Code is nested deeper than we follow; the deep part is opaque.
    TooDeep,
    /// An analysis stopped at a limit; results may be incomplete.
    Fuel,
    /// The file's bytes are not text in the encoding it declares; they were decoded with replacement characters.
    Encoding,
    /// The file is larger than the limit and was not read.
    TooLarge,
    /// The file or folder could not be read.
    Unreadable,
    /// We are wrong: a panic was caught.
    Internal,
}

impl ProblemKind {
    /// The stable id that summaries and JSON use.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Syntax => "syntax-error",
            Self::TooDeep => "too-deep",
            Self::Fuel => "fuel",
            Self::Encoding => "encoding",
            Self::TooLarge => "too-large",
            Self::Unreadable => "unreadable",
            Self::Internal => "internal-error",
        }
    }

    /// Whether part of the job was left undone, which the exit code must tell.
    ///
    /// A syntax error in analysed code is the code's own oddity: it is counted, and its file was still analysed.
    #[must_use]
    pub const fn is_failure(self) -> bool {
        matches!(self, Self::Unreadable | Self::Internal | Self::TooLarge)
    }
}
