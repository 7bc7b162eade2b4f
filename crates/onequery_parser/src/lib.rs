//! Front ends: the text of one file becomes a [`FileIr`].
//!
//! The only crate that has heard of syn, quote and tree-sitter. A front end is a pure function of text: it never fails,
//! odd syntax becomes [`ExprKind::Opaque`](onequery_core::ir::ExprKind::Opaque) with its children kept and a recorded
//! problem.

mod builder;
mod directives;
mod dump;
mod python;
mod rust;
mod template;

use std::borrow::Cow;

use onequery_core::ir::FileIr;
use onequery_core::{Language, TEMPLATE_FOLDERS};

pub use dump::dump;

/// How deep expressions and blocks may nest before the rest becomes opaque.
///
/// Lowering recurses; this bound keeps 10,000 nested parentheses from overflowing a thread's stack.
pub const MAX_DEPTH: u32 = 200;

/// A language we read: what its files are called and how they are lowered.
#[derive(Clone, Copy)]
pub struct FrontEnd {
    /// The language.
    pub language: Language,
    /// File name extensions, without the dot.
    pub extensions: &'static [&'static str],
    /// Folders in one of which such a file lies; empty when any will do.
    pub folders: &'static [&'static str],
    /// Text to IR. Total: every text gives a `FileIr`.
    pub lower: fn(&str) -> FileIr,
    /// A text of tests with the same offsets, less the bodies of those that repeat nothing.
    without_idle_tests: fn(&str) -> Cow<'_, str>,
}

impl FrontEnd {
    /// The same as [`FrontEnd::lower`] for a file that may be one of tests: what those declare is a test's.
    #[must_use]
    pub fn lower_file(&self, text: &str, tests: Tests) -> FileIr {
        if tests == Tests::No {
            return (self.lower)(text);
        }
        let skimmed = (tests == Tests::Skimmed).then(|| {
            let ir = (self.lower)(&(self.without_idle_tests)(text));
            // What is wrong with a file is told by all of it.
            ir.problems.is_empty().then_some(ir)
        });
        let mut ir = skimmed.flatten().unwrap_or_else(|| (self.lower)(text));
        ir.functions
            .iter_mut()
            .for_each(|function| function.is_test = true);
        ir.classes.iter_mut().for_each(|class| class.is_test = true);
        ir.impls.iter_mut().for_each(|block| block.is_test = true);
        ir
    }
}

/// Whether a file is one of tests, and how much of it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tests {
    /// It is not.
    No,
    /// Of tests that repeat nothing only the heads are read: they run once, and nobody but a test runner calls them.
    Skimmed,
    /// All of it is read.
    Whole,
}

/// All front ends. A new language is a new module and two lines here.
pub static FRONT_ENDS: &[FrontEnd] = &[
    FrontEnd {
        language: Language::Python,
        extensions: &["py", "pyi"],
        folders: &[],
        lower: python::lower,
        without_idle_tests: python::without_idle_tests,
    },
    FrontEnd {
        language: Language::Rust,
        extensions: &["rs"],
        folders: &[],
        lower: rust::lower,
        without_idle_tests: |text| text.into(),
    },
    FrontEnd {
        language: Language::Template,
        extensions: &["html", "htm", "djhtml", "jinja", "jinja2", "j2", "txt", "xml"],
        folders: TEMPLATE_FOLDERS,
        lower: template::lower,
        without_idle_tests: |text| text.into(),
    },
];

/// The front end for a file, by its path with `/` between parts.
#[must_use]
pub fn front_end(path: &str) -> Option<&'static FrontEnd> {
    let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
    let (_, extension) = file.rsplit_once('.')?;
    FRONT_ENDS.iter().find(|front_end| {
        let lies_there = |name: &str| folder.split('/').any(|part| part == name);
        front_end.extensions.contains(&extension)
            && (front_end.folders.is_empty() || front_end.folders.iter().any(|name| lies_there(name)))
    })
}
