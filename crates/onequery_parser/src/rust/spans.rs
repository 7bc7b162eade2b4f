//! Places: from syn's tokens to byte offsets in the given text.

use onequery_core::Span;
use proc_macro2::extra::DelimSpan;
use syn::spanned::Spanned;

/// The place of one token.
pub(super) fn span(span: proc_macro2::Span) -> Span {
    let range = span.byte_range();
    let offset = |at| u32::try_from(at).unwrap_or(u32::MAX);
    Span::new(offset(range.start), offset(range.end))
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
