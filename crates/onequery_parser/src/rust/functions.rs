//! Functions, methods and closures.

use onequery_core::Span;
use onequery_core::ir::{ClassIx, ExprKind, FnIx, Function};
use syn::{Attribute, Block, ExprClosure, Signature};

use super::expressions::Spanned;
use super::{Lowering, Place, attributes, spans};

/// What holds a method.
#[derive(Clone, Copy, Default)]
pub(super) struct Home {
    /// A trait's body.
    pub(super) class: Option<ClassIx>,
    /// An `impl` block.
    pub(super) in_impl: Option<u32>,
}

/// A function as it is written.
pub(super) struct Written<'a> {
    pub(super) attrs: &'a [Attribute],
    pub(super) visibility: &'a syn::Visibility,
    pub(super) signature: &'a Signature,
    pub(super) body: Option<&'a Block>,
    pub(super) home: Home,
}

impl Lowering {
    /// `pub async fn name<T>(a: A) -> R { … }`, or the same with `;`.
    pub(super) fn function(&mut self, written: &Written<'_>) -> FnIx {
        let signature = written.signature;
        let function = Function {
            name: Some(self.ident(&signature.ident)),
            class: written.home.class,
            in_impl: written.home.in_impl,
            decorators: self.decorators(written.attrs),
            generics: self.generics(&signature.generics),
            returns: self.returns(&signature.output),
            is_async: signature.asyncness.is_some(),
            is_test: self.place.is_test || attributes::are_test(written.attrs),
            name_span: spans::span(signature.ident.span()),
            span: written_span(written),
            ..self.unnamed_function()
        };
        let place = Place {
            is_test: function.is_test,
            ..self.place
        };
        let ix = self.ir.function(function);
        self.at(
            Place {
                function: ix,
                ..place
            },
            |cx| {
                let params = cx.params(signature);
                cx.ir.function_mut(ix).params = params;
                let body = written.body.map(|body| cx.block(body).0);
                cx.ir.function_mut(ix).body = body;
            },
        );
        ix
    }

    /// `async move |a, b: B| -> R { … }`; its body is lowered, but evaluated where it is called.
    pub(super) fn closure(&mut self, closure: &ExprClosure) -> Spanned {
        let prefixes = [
            closure.constness.map(|token| token.span),
            closure.asyncness.map(|token| token.span),
            closure.capture.map(|token| token.span),
        ];
        let first = prefixes
            .into_iter()
            .flatten()
            .next()
            .unwrap_or(closure.inputs_begin.spans[0]);
        let start = spans::span(first);
        let function = Function {
            returns: self.returns(&closure.output),
            is_async: closure.asyncness.is_some(),
            is_test: self.place.is_test,
            name_span: start,
            ..self.unnamed_function()
        };
        let ix = self.ir.function(function);
        let place = Place {
            function: ix,
            ..self.place
        };
        let end = self.at(place, |cx| {
            let params = closure.inputs.iter().map(|input| cx.param(input)).collect();
            cx.ir.function_mut(ix).params = params;
            let (body, end) = cx.spanned(&closure.body);
            cx.ir.function_mut(ix).body = Some(body);
            end
        });
        let span = start.cover(end);
        self.ir.function_mut(ix).span = span;
        (self.ir.expr(ExprKind::Lambda(ix), span), span)
    }

    /// A function of which nothing is known but its place.
    fn unnamed_function(&self) -> Function {
        Function::unnamed(self.place.scope, Some(self.place.function), Span::default())
    }
}

fn written_span(written: &Written<'_>) -> Span {
    let signature = written.signature;
    let safety = match signature.safety {
        syn::Safety::Safe(token) => Some(token.span),
        syn::Safety::Unsafe(token) => Some(token.span),
        syn::Safety::Default => None,
    };
    let prefixes = [
        signature.constness.map(|token| token.span),
        signature.asyncness.map(|token| token.span),
        safety,
        signature.abi.as_ref().map(|abi| abi.extern_token.span),
    ];
    let keyword = prefixes
        .into_iter()
        .flatten()
        .next()
        .unwrap_or(signature.fn_token.span);
    let start = spans::visibility(written.visibility, keyword);
    match written.body {
        Some(body) => start.cover(spans::span(body.brace_token.span.close())),
        None => start.cover(spans::tokens(signature)),
    }
}
