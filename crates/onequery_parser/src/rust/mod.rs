//! Rust, through syn.

use onequery_core::Language;
use onequery_core::ir::FileIr;

use crate::builder::Builder;

/// Lowers one Rust file.
pub(crate) fn lower(text: &str) -> FileIr {
    Builder::new(Language::Rust, text.len()).finish(None)
}
