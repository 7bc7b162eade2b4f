//! Templates of Django and of Jinja.
//!
//! The two differ in what attributes and tags mean, hardly in how they are written, so one grammar reads both; a file
//! does not say which of the two it is. It is our own: Jinja's parsers refuse a whole template for one tag of an
//! extension, and none for Django's is a library. What is odd loses one tag: folders of templates hold those of other
//! engines, too, so nothing here is a problem to tell.

mod expressions;
mod tags;
mod tokens;

use onequery_core::Language;
use onequery_core::ir::FileIr;

use crate::builder::Builder;
use crate::directives;

/// Lowers one template.
pub(crate) fn lower(text: &str) -> FileIr {
    let mut out = Builder::new(Language::Template, text.len());
    let body = tags::template(text, &mut out);
    let mut ir = out.finish(Some(body));
    // A text may hold what begins a comment only where a template writes about templates.
    directives::read(&mut ir, text, |_| true);
    ir
}
