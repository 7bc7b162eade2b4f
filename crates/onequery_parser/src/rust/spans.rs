//! Places: from syn's tokens to byte offsets in the given text.
//!
//! Tokens know their bytes, too, but finding those costs a search tree per text that grows with each question. Lines and
//! columns are cheap.

use std::cell::RefCell;

use onequery_core::Span;
use proc_macro2::LineColumn;
use proc_macro2::extra::DelimSpan;
use syn::spanned::Spanned;

thread_local! {
    /// Of the text that this thread's tokens were last read from: as with the tokens' own places, there is one a thread.
    static LINES: RefCell<Lines> = RefCell::default();
}

/// Where the lines of a text begin.
#[derive(Default)]
struct Lines {
    starts: Vec<u32>,
    /// The text, unless it is ASCII, where a column is a number of bytes.
    text: Option<Box<str>>,
}

impl Lines {
    fn offset(&self, at: LineColumn) -> u32 {
        let line = at.line.saturating_sub(1);
        let start = self.starts.get(line).copied().unwrap_or_default();
        let column = match &self.text {
            None => at.column,
            Some(text) => {
                let rest = text[start as usize..].chars();
                rest.take(at.column).map(char::len_utf8).sum()
            }
        };
        start.saturating_add(u32::try_from(column).unwrap_or(u32::MAX))
    }
}

/// Notes that tokens are read from a text from now on.
pub(super) fn begin(text: &str) {
    LINES.with_borrow_mut(|lines| {
        lines.starts.clear();
        lines.starts.push(0);
        let breaks = memchr::memchr_iter(b'\n', text.as_bytes());
        let next = |at| u32::try_from(at + 1).unwrap_or(u32::MAX);
        lines.starts.extend(breaks.map(next));
        lines.text = (!text.is_ascii()).then(|| text.into());
    });
}

/// The place of one token.
pub(super) fn span(span: proc_macro2::Span) -> Span {
    LINES.with_borrow(|lines| Span::new(lines.offset(span.start()), lines.offset(span.end())))
}

/// The place of brackets with all they hold.
pub(super) fn brackets(delimiters: &DelimSpan) -> Span {
    span(delimiters.open()).cover(span(delimiters.close()))
}

/// The place of `a::b::<C>`.
pub(super) fn path(path: &syn::Path) -> Span {
    let Some((first, last)) = path.segments.first().zip(path.segments.last()) else {
        return Span::default();
    };
    let start = path
        .leading_colon
        .map_or(first.ident.span(), |colon| colon.spans[0]);
    let end = match &last.arguments {
        syn::PathArguments::None => span(last.ident.span()),
        syn::PathArguments::AngleBracketed(args) => span(args.gt_token.span),
        syn::PathArguments::Parenthesized(args) => match &args.output {
            syn::ReturnType::Default => brackets(&args.paren_token.span),
            syn::ReturnType::Type(_, ty) => tokens(&**ty),
        },
    };
    span(start).cover(end)
}

/// The place of `<T as A>::b` or `a::b`.
pub(super) fn qualified(qself: Option<&syn::QSelf>, of: &syn::Path) -> Span {
    let inner = path(of);
    qself.map_or(inner, |qself| span(qself.lt_token.span).cover(inner))
}

/// The place of `name!(…)`.
pub(super) fn macro_call(call: &syn::Macro) -> Span {
    path(&call.path).cover(span(call.delimiter.span().close()))
}

/// The place of anything that can be printed; costs its length, so it is for small and rare things.
pub(super) fn tokens(of: &impl Spanned) -> Span {
    span(of.span())
}

/// Where a declaration starts that has a visibility.
pub(super) fn visibility(visibility: &syn::Visibility, keyword: proc_macro2::Span) -> Span {
    span(match visibility {
        syn::Visibility::Public(public) => public.span,
        syn::Visibility::Restricted(restricted) => restricted.pub_token.span,
        _ => keyword,
    })
}
