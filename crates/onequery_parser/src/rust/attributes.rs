//! Attributes: as decorators, and what they say about tests.

use onequery_core::ir::{Arg, ExprId, ExprKind, Spread};
use syn::punctuated::Punctuated;
use syn::{AttrStyle, Attribute, Expr, Lit, Meta, Token};

use super::{Lowering, spans};

/// The last segments of attributes that make a function a test.
const TEST_ATTRIBUTES: &[&str] = &[
    "bench",
    "parameterized",
    "proptest",
    "quickcheck",
    "rstest",
    "test",
    "test_case",
    "test_log",
    "test_matrix",
    "traced_test",
    "wasm_bindgen_test",
];

impl Lowering {
    /// All attributes that are written before an item, doc comments excepted.
    pub(super) fn decorators(&mut self, attrs: &[Attribute]) -> Box<[ExprId]> {
        let outer =
            |attr: &&Attribute| matches!(attr.style, AttrStyle::Outer) && !attr.path().is_ident("doc");
        attrs
            .iter()
            .filter(outer)
            .map(|attr| self.meta(&attr.meta))
            .collect()
    }

    /// `a::b`, `a(…)`, `a = value`; the last one is a call with one argument.
    pub(super) fn meta(&mut self, meta: &Meta) -> ExprId {
        let (callee, start) = self.attribute_path(meta.path());
        let (args, end) = match meta {
            Meta::Path(_) => return callee,
            Meta::NameValue(pair) => {
                let (value, span) = self.spanned(&pair.value);
                (Box::from([positional(value)]), span)
            }
            Meta::List(list) => {
                let span = spans::span(list.delimiter.span().close());
                (self.meta_args(list.tokens.clone()), span)
            }
        };
        let kind = ExprKind::Call {
            callee,
            args,
            generics: Box::default(),
        };
        self.ir.expr(kind, start.cover(end))
    }

    /// `table_name = users, belongs_to(User), "literal"`; what is no attribute is read as a macro's arguments are.
    fn meta_args(&mut self, tokens: proc_macro2::TokenStream) -> Box<[Arg]> {
        let list = Punctuated::<Meta, Token![,]>::parse_terminated;
        let Ok(list) = syn::parse::Parser::parse2(list, tokens.clone()) else {
            return self.macro_args(tokens);
        };
        list.iter()
            .map(|meta| match meta {
                Meta::NameValue(pair) if pair.path.get_ident().is_some() => Arg {
                    name: pair.path.get_ident().map(|name| self.ident(name)),
                    value: self.expression(&pair.value),
                    spread: Spread::No,
                },
                meta => positional(self.meta(meta)),
            })
            .collect()
    }

    fn attribute_path(&mut self, path: &syn::Path) -> (ExprId, onequery_core::Span) {
        let span = spans::path(path);
        let kind = self.path(None, path);
        (self.ir.expr(kind, span), span)
    }
}

/// An argument without a name.
pub(super) fn positional(value: ExprId) -> Arg {
    Arg {
        name: None,
        value,
        spread: Spread::No,
    }
}

/// Whether attributes make what they stand on test code: `#[test]`, `#[tokio::test]`, `#[cfg(test)]`.
pub(super) fn are_test(attrs: &[Attribute]) -> bool {
    attrs.iter().any(|attr| match &attr.meta {
        Meta::List(list) if list.path.is_ident("cfg") => {
            list.parse_args().is_ok_and(|meta| requires_test(&meta))
        }
        meta => meta
            .path()
            .segments
            .last()
            .is_some_and(|last| is_test_name(&last.ident)),
    })
}

/// Whether a name is that of a test attribute or of a macro that defines tests.
pub(super) fn is_test_name(name: &syn::Ident) -> bool {
    TEST_ATTRIBUTES.iter().any(|known| name == known)
}

/// `test`, `all(test, …)`, and `any(test, feature = "fakes")`, which holds helpers of tests.
fn requires_test(meta: &Meta) -> bool {
    match meta {
        Meta::Path(path) => path.is_ident("test"),
        Meta::List(list) if list.path.is_ident("all") || list.path.is_ident("any") => list
            .parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated)
            .is_ok_and(|list| list.iter().any(requires_test)),
        Meta::List(_) | Meta::NameValue(_) => false,
    }
}

/// `text` of `#[name = "text"]`.
pub(super) fn literal(attrs: &[Attribute], name: &str) -> Option<String> {
    attrs.iter().find_map(|attr| match &attr.meta {
        Meta::NameValue(pair) if pair.path.is_ident(name) => match &pair.value {
            Expr::Lit(literal) => match &literal.lit {
                Lit::Str(text) => Some(text.value()),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    })
}
