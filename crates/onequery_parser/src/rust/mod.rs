//! Rust, through syn.
//!
//! The text is measured ([`shape`]), parsed with repairs ([`recovery`]) and lowered item by item. syn recurses where
//! code nests and where chains are long, so the stack grows for text that is not ordinary.

mod attributes;
mod expand;
mod expressions;
mod functions;
mod imports;
mod items;
mod macros;
mod parameters;
mod patterns;
mod recovery;
mod shape;
mod spans;
mod statements;
mod tokens;
mod types;

use std::borrow::Cow;
use std::fmt::Write as _;
use std::rc::Rc;

use onequery_core::ir::{ExprId, ExprKind, FileIr, FnIx, ScopeIx};
use onequery_core::{Language, Name, ProblemKind, Span};
use rustc_hash::FxHashMap;

use crate::builder::Builder;
use crate::directives;
use expand::Rule;
use shape::Shape;

/// Lowers one Rust file.
pub(crate) fn lower(text: &str) -> FileIr {
    let mut ir = match shape::measure(text) {
        Shape::Ordinary => lower_here(text),
        Shape::Suspicious(weight) => {
            let stack = weight * shape::STACK_PER_WEIGHT;
            stacker::maybe_grow(stack, stack, || lower_here(text))
        }
        Shape::Hopeless(at) => refuse(text, at),
    };
    directives::read(&mut ir, text, |at| shape::is_between_tokens(text, at));
    ir
}

fn refuse(text: &str, at: usize) -> FileIr {
    let mut ir = Builder::new(Language::Rust, text.len());
    let at = u32::try_from(at).unwrap_or(u32::MAX);
    let message = "nested too deep, or too long a chain; the file was not analysed";
    ir.problem(ProblemKind::TooDeep, Span::new(at, at), message);
    ir.finish(None)
}

fn lower_here(text: &str) -> FileIr {
    let mut cx = Lowering::new(text.len());
    let file = recovery::parse(&mut cx, &without_preamble(text));
    cx.place.is_test = attributes::are_test(&file.attrs);
    for item in &file.items {
        cx.top_level_item(item);
    }
    drop(file);
    // Spans are offsets into a table of this thread's texts; forgetting them keeps the next file's from growing.
    proc_macro2::extra::invalidate_current_thread_spans();
    cx.finish()
}

/// Blanks a byte order mark and a `#!/usr/bin/env …` line, so that all offsets stay those of the given text.
fn without_preamble(text: &str) -> Cow<'_, str> {
    let mark = if text.starts_with('\u{feff}') {
        '\u{feff}'.len_utf8()
    } else {
        0
    };
    let line = text[mark..].lines().next().unwrap_or_default();
    // `#![allow(…)]` on the first line is an attribute.
    let is_shebang = line.starts_with("#!") && !line[2..].trim_start().starts_with('[');
    let end = if is_shebang { mark + line.len() } else { mark };
    if end == 0 {
        return Cow::Borrowed(text);
    }
    Cow::Owned(" ".repeat(end) + &text[end..])
}

/// Where the code that is being lowered stands.
#[derive(Clone, Copy)]
struct Place {
    scope: ScopeIx,
    function: FnIx,
    is_test: bool,
}

/// A file in the making, and where in it we are.
struct Lowering {
    ir: Builder,
    place: Place,
    /// The body of `functions[0]`.
    top_level: Vec<ExprId>,
    /// The file's own `macro_rules!`, as far as [`expand`] understands them.
    rules: FxHashMap<Name, Rc<Rule>>,
    /// How many expansions we are inside.
    expanding: u32,
    /// How many tokens expansions have given so far.
    expanded: usize,
    scratch: String,
}

impl Lowering {
    fn new(end: usize) -> Self {
        Self {
            ir: Builder::new(Language::Rust, end),
            place: Place {
                scope: ScopeIx(0),
                function: FnIx(0),
                is_test: false,
            },
            top_level: Vec::new(),
            rules: FxHashMap::default(),
            expanding: 0,
            expanded: 0,
            scratch: String::new(),
        }
    }

    fn finish(mut self) -> FileIr {
        let body = (!self.top_level.is_empty()).then(|| {
            let kind = ExprKind::Block {
                items: std::mem::take(&mut self.top_level).into(),
                value: false,
            };
            let span = self.ir.function_mut(FnIx(0)).span;
            self.ir.expr(kind, span)
        });
        self.ir.finish(body)
    }

    /// Lowers with another place, and comes back.
    fn at<T>(&mut self, place: Place, inner: impl FnOnce(&mut Self) -> T) -> T {
        let outer = std::mem::replace(&mut self.place, place);
        let value = inner(self);
        self.place = outer;
        value
    }

    /// The name of an identifier; `r#type` is `type`.
    fn ident(&mut self, ident: &syn::Ident) -> Name {
        self.scratch.clear();
        write!(self.scratch, "{ident}").expect("writing to a string does not fail");
        self.ir
            .name(self.scratch.strip_prefix("r#").unwrap_or(&self.scratch))
    }

    /// `'a` is `a`.
    fn lifetime(&mut self, lifetime: &syn::Lifetime) -> Name {
        self.ident(&lifetime.ident)
    }
}
