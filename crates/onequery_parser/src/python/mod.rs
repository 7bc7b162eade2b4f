//! Python, through tree-sitter.

use onequery_core::Language;
use onequery_core::ir::FileIr;

use crate::builder::Builder;

/// Lowers one Python file.
pub(crate) fn lower(text: &str) -> FileIr {
    Builder::new(Language::Python, text.len()).finish(None)
}
