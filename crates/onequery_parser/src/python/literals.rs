//! Strings and numbers.

use onequery_core::Span;
use onequery_core::ir::{ExprId, ExprKind, Literal};

use super::cx::Cx;
use super::expressions::expression;
use super::kinds::Kind;
use crate::builder::Builder;

/// How much of a string is interned: lookups such as `"author__books"` are short, embedded files are not.
const MAX_INTERNED: usize = 4096;

/// A string literal as it is written.
pub(super) struct Written<'t> {
    /// `f`, `rb`, …
    prefix: &'t str,
    /// What stands between the quotes.
    pub(super) content: &'t str,
    /// Where `content` starts in the literal.
    pub(super) offset: usize,
}

impl<'t> Written<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        let quoted = text.trim_start_matches(|c: char| c.is_ascii_alphabetic());
        let prefix = &text[..text.len() - quoted.len()];
        let n_quotes = if quoted.starts_with("\"\"\"") || quoted.starts_with("'''") {
            3
        } else {
            quoted.len().min(1)
        };
        // A broken file may have anything here, so the first character need not be a quote.
        let (quotes, rest) = quoted.split_at_checked(n_quotes).unwrap_or(("", quoted));
        Self {
            prefix,
            content: rest.strip_suffix(quotes).unwrap_or(rest),
            offset: prefix.len() + quotes.len(),
        }
    }

    fn has_prefix(&self, letter: u8) -> bool {
        self.prefix.bytes().any(|byte| byte.eq_ignore_ascii_case(&letter))
    }

    /// `f"{x}"` and Python 3.14's `t"{x}"`.
    fn has_code(&self) -> bool {
        self.has_prefix(b'f') || self.has_prefix(b't')
    }

    /// Whether it is nothing but its text.
    pub(super) fn is_text(&self) -> bool {
        !self.has_code() && !self.has_prefix(b'b')
    }
}

/// `"a"`, or `"a" f"{b}"` as one.
#[derive(Default)]
struct Joined {
    text: String,
    code: Vec<ExprId>,
    /// What stands before the first brace; it says which statement a text is.
    leading: String,
    is_bytes: bool,
}

impl Joined {
    fn push(&mut self, cx: &mut Cx<'_>, out: &mut Builder) {
        let written = Written::new(cx.text());
        self.is_bytes |= written.has_prefix(b'b');
        if written.has_code() {
            let before = self.code.len();
            interpolations(cx, out, &mut self.code);
            if before == 0 && !self.code.is_empty() {
                let upto = written.content.find('{').unwrap_or(written.content.len());
                self.leading = [&self.text, start_of(written.content, upto.min(MAX_INTERNED))].concat();
            }
        }
        let room = MAX_INTERNED.saturating_sub(self.text.len());
        self.text.push_str(start_of(written.content, room));
    }

    fn finish(mut self, out: &mut Builder, span: Span) -> ExprId {
        if !self.leading.is_empty() {
            let name = out.name(&self.leading);
            self.code
                .insert(0, out.expr(ExprKind::Literal(Literal::Str(name)), span));
        }
        let kind = if !self.code.is_empty() {
            ExprKind::Format(self.code.into())
        } else if self.is_bytes {
            ExprKind::Literal(Literal::Other)
        } else {
            ExprKind::Literal(Literal::Str(out.name(&self.text)))
        };
        out.expr(kind, span)
    }
}

/// `"text"`, `f"{code}"`, `b"bytes"`.
pub(super) fn string(cx: &mut Cx<'_>, out: &mut Builder, span: Span) -> ExprId {
    let written = Written::new(cx.text());
    if written.is_text() {
        let name = out.name(start_of(written.content, MAX_INTERNED));
        return out.expr(ExprKind::Literal(Literal::Str(name)), span);
    }
    let mut joined = Joined::default();
    joined.push(cx, out);
    joined.finish(out, span)
}

/// `"a" "b"`
pub(super) fn concatenated(cx: &mut Cx<'_>, out: &mut Builder, span: Span) -> ExprId {
    let mut joined = Joined::default();
    cx.children(out, |cx, out, kind| {
        if kind == Kind::String {
            joined.push(cx, out);
        } else {
            cx.stray(out);
        }
    });
    joined.finish(out, span)
}

/// Whether a statement of this kind is a docstring or another string that nobody reads.
pub(super) fn is_bare_string(cx: &mut Cx<'_>, out: &mut Builder, kind: Kind) -> bool {
    match kind {
        Kind::String => !Written::new(cx.text()).has_code(),
        Kind::ConcatenatedString => {
            let mut is_bare = true;
            cx.children(out, |cx, out, kind| is_bare &= is_bare_string(cx, out, kind));
            is_bare
        }
        _ => false,
    }
}

/// Lowers `x` and `w` of `f"{x:>{w}}"`.
fn interpolations(cx: &mut Cx<'_>, out: &mut Builder, code: &mut Vec<ExprId>) {
    let span = cx.span();
    cx.children(out, |cx, out, kind| match kind {
        Kind::Interpolation | Kind::FormatExpression | Kind::FormatSpecifier => {
            // Format specifiers nest, like any other code.
            let lowered = out.deeper(span, |out| interpolations(cx, out, code));
            if lowered.is_none() {
                code.push(out.opaque(Vec::new(), span));
            }
        }
        _ => code.push(expression(cx, out)),
    });
}

/// `12`, `0xFF`, `1_000`, `10L`, `2j`.
pub(super) fn integer(text: &str) -> Literal {
    let digits = text.replace('_', "");
    let digits = digits.trim_end_matches(['l', 'L']);
    let radix = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => 16,
        [b'0', b'o' | b'O', ..] => 8,
        [b'0', b'b' | b'B', ..] => 2,
        _ => 10,
    };
    let digits = if radix == 10 { digits } else { &digits[2..] };
    i64::from_str_radix(digits, radix).map_or(Literal::Number, Literal::Int)
}

/// The first `len` bytes, cut between characters.
fn start_of(text: &str, len: usize) -> &str {
    &text[..text.floor_char_boundary(len)]
}
