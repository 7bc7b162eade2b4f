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
    /// The same without what repeats nothing in code of that kind; `None` where that is nothing to speak of.
    lower_skimmed: Option<fn(&str, Contents) -> Option<FileIr>>,
}

impl FrontEnd {
    /// The same as [`FrontEnd::lower`] for a file of which it is known what it has in it: what tests declare is a test's.
    #[must_use]
    pub fn lower_file(&self, text: &str, reading: Reading) -> FileIr {
        let lower_skimmed = self.lower_skimmed.filter(|_| !reading.is_whole);
        let skimmed = lower_skimmed.and_then(|lower| lower(text, reading.contents));
        let mut ir = skimmed.unwrap_or_else(|| (self.lower)(text));
        if reading.contents == Contents::Tests {
            ir.functions
                .iter_mut()
                .for_each(|function| function.is_test = true);
            ir.classes.iter_mut().for_each(|class| class.is_test = true);
            ir.impls.iter_mut().for_each(|block| block.is_test = true);
        }
        ir
    }
}

/// How a file is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// What it has in it.
    pub contents: Contents,
    /// What repeats nothing in it is not passed over.
    pub is_whole: bool,
}

/// What a file has in it, as far as its path tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contents {
    /// Code of which nothing more is known.
    Code,
    /// Tests. One that repeats nothing runs once, and nobody but a test runner calls it.
    Tests,
    /// Migrations. What their classes list is done once.
    Migrations,
}

/// All front ends. A new language is a new module and two lines here.
pub static FRONT_ENDS: &[FrontEnd] = &[
    FrontEnd {
        language: Language::Python,
        extensions: &["py", "pyi"],
        folders: &[],
        lower: python::lower,
        lower_skimmed: Some(python::lower_skimmed),
    },
    FrontEnd {
        language: Language::Rust,
        extensions: &["rs"],
        folders: &[],
        lower: rust::lower,
        lower_skimmed: None,
    },
    FrontEnd {
        language: Language::Template,
        extensions: &["html", "htm", "djhtml", "jinja", "jinja2", "j2", "txt", "xml"],
        folders: TEMPLATE_FOLDERS,
        lower: template::lower,
        lower_skimmed: None,
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
