//! Python, through tree-sitter.
//!
//! Lowering is one walk of one cursor over tree-sitter's concrete tree. Files here are named after what they lower;
//! [`cx`] holds where the walk stands and [`kinds`] the grammar's names.

mod comprehensions;
mod cx;
mod expressions;
mod gaps;
mod imports;
mod items;
mod kinds;
mod literals;
mod patterns;
mod skim;
mod statements;
mod types;

use std::cell::RefCell;

use onequery_core::ir::FileIr;
use onequery_core::{Language, ProblemKind, Span};
use tree_sitter::{Parser, Tree};

use self::cx::Cx;
use self::gaps::Gaps;
use crate::Contents;
use crate::builder::Builder;
use crate::directives;

thread_local! {
    /// Making a parser costs as much as parsing a small file.
    static PARSER: RefCell<Parser> = RefCell::new({
        let mut parser = Parser::new();
        parser
            .set_language(&tree_sitter_python::LANGUAGE.into())
            .expect("Cargo.lock pairs the grammar with a tree-sitter that can read it");
        parser
    });
}

/// Lowers one Python file.
pub(crate) fn lower(text: &str) -> FileIr {
    lower_kept(text, text, Gaps::NONE)
}

/// Lowers one Python file without what repeats nothing in it. `None` when there is no such thing, or something is wrong with
/// the file, which is told by all of it.
pub(crate) fn lower_skimmed(text: &str, contents: Contents) -> Option<FileIr> {
    let kept = skim::skimmed(text, contents)?;
    let ir = lower_kept(text, &kept.text, &kept.gaps);
    ir.problems.is_empty().then_some(ir)
}

/// Lowers what was kept of a file.
fn lower_kept(text: &str, kept: &str, gaps: &Gaps) -> FileIr {
    let mut out = Builder::new(Language::Python, text.len());
    let tree = parse(kept);
    if let Some(span) = first_error(&tree) {
        let message = "invalid syntax; the rest of the file was analysed";
        out.problem(ProblemKind::Syntax, span, message);
    }
    let body = statements::block(&mut Cx::new(kept, 0, gaps, &tree), &mut out);
    let mut ir = out.finish(Some(body));
    directives::read(&mut ir, text, |place| {
        let root = tree.root_node();
        let node = gaps
            .kept(place)
            .and_then(|at| root.descendant_for_byte_range(at, at + 1));
        node.is_some_and(|node| node.kind() == "comment")
    });
    ir
}

fn parse(text: &str) -> Tree {
    PARSER
        .with_borrow_mut(|parser| parser.parse(text, None))
        .expect("a parser with a language and without a deadline always gives a tree")
}

/// The first place that the grammar could not follow: the innermost error on the way to it.
fn first_error(tree: &Tree) -> Option<Span> {
    let mut cursor = tree.walk();
    if !cursor.node().has_error() {
        return None;
    }
    loop {
        let node = cursor.node();
        let mut found = cursor.goto_first_child();
        while found && !cursor.node().has_error() {
            found = cursor.goto_next_sibling();
        }
        if !found {
            let place = |byte: usize| u32::try_from(byte).unwrap_or(u32::MAX);
            return Some(Span::new(place(node.start_byte()), place(node.end_byte())));
        }
    }
}
