//! Functions, lambdas and classes.

use std::mem;

use onequery_core::ir::{
    Class, ClassKind, ExprId, ExprKind, FnIx, Function, Generic, Param, Pattern, ScopeIx, Spread,
};
use onequery_core::{Name, Span};

use super::cx::{Cx, Members};
use super::expressions::{arguments, expression, inner, or_opaque};
use super::kinds::Kind;
use super::patterns::target;
use super::statements::block;
use super::types::{generics, type_ref};
use crate::builder::Builder;

/// `@decorator` above `def` or `class`
pub(super) fn decorated(cx: &mut Cx<'_>, out: &mut Builder, span: Span) -> ExprId {
    let mut decorators = Vec::new();
    let mut definition = None;
    cx.children(out, |cx, out, kind| match kind {
        Kind::Decorator => decorators.push(inner(cx, out)),
        Kind::FunctionDefinition => {
            definition = Some(function(cx, out, mem::take(&mut decorators).into(), span));
        }
        Kind::ClassDefinition => {
            definition = Some(class(cx, out, mem::take(&mut decorators).into(), span));
        }
        _ => cx.stray(out),
    });
    definition.unwrap_or_else(|| out.opaque(decorators, span))
}

/// `async def name[T](params) -> returns: body`
pub(super) fn function(cx: &mut Cx<'_>, out: &mut Builder, decorators: Box<[ExprId]>, span: Span) -> ExprId {
    let ix = add_function(cx, out, span);
    out.function_mut(ix).decorators = decorators;
    if let Some(members) = &mut cx.members {
        out.function_mut(ix).class = Some(members.class);
        members.methods.push(ix);
    }
    cx.parts(out, |cx, out, kind| match kind {
        Kind::AsyncToken => out.function_mut(ix).is_async = true,
        Kind::Identifier => {
            let name = cx.name(out);
            let function = out.function_mut(ix);
            function.name = Some(name);
            function.name_span = cx.span();
        }
        Kind::TypeParameter => {
            let generics = generics(cx, out);
            out.function_mut(ix).generics = generics;
        }
        Kind::Parameters => {
            let params = parameters(cx, out);
            out.function_mut(ix).params = params;
        }
        Kind::Type => {
            let returns = type_ref(cx, out);
            out.function_mut(ix).returns = Some(returns);
        }
        Kind::Block => body(cx, out, ix, block),
        _ => cx.stray(out),
    });
    out.expr(ExprKind::DefineFunction(ix), span)
}

/// `lambda params: body`
pub(super) fn lambda(cx: &mut Cx<'_>, out: &mut Builder, span: Span) -> ExprId {
    let ix = add_function(cx, out, span);
    out.function_mut(ix).name_span = Span::new(span.start, span.start);
    cx.children(out, |cx, out, kind| match kind {
        Kind::LambdaParameters => {
            let params = parameters(cx, out);
            out.function_mut(ix).params = params;
        }
        _ => body(cx, out, ix, expression),
    });
    out.expr(ExprKind::Lambda(ix), span)
}

/// A function of which only its place is known yet.
///
/// It is added before its parameters are lowered, so that a lambda in a default comes after it, in source order.
fn add_function(cx: &Cx<'_>, out: &mut Builder, span: Span) -> FnIx {
    out.function(Function::unnamed(ScopeIx(0), Some(cx.function), span))
}

/// Lowers the node under the cursor as the body of a function.
fn body(cx: &mut Cx<'_>, out: &mut Builder, ix: FnIx, lower: fn(&mut Cx<'_>, &mut Builder) -> ExprId) {
    let outer = (mem::replace(&mut cx.function, ix), cx.members.take());
    let body = lower(cx, out);
    (cx.function, cx.members) = outer;
    out.function_mut(ix).body = Some(body);
}

/// `(a, /, b: T = c, *args, d=e, **kwargs)`; the defaults are evaluated where the function is defined.
fn parameters(cx: &mut Cx<'_>, out: &mut Builder) -> Box<[Param]> {
    let mut params = Vec::new();
    let mut keyword_only = false;
    cx.children(out, |cx, out, kind| match kind {
        Kind::KeywordSeparator => keyword_only = true,
        Kind::PositionalSeparator => {}
        _ => {
            let mut param = parameter(cx, out, kind);
            param.keyword_only = keyword_only && param.spread == Spread::No;
            keyword_only |= param.spread == Spread::Positional;
            params.push(param);
        }
    });
    params.into()
}

fn parameter(cx: &mut Cx<'_>, out: &mut Builder, kind: Kind) -> Param {
    let mut param = Param {
        pattern: Pattern::Wildcard,
        ty: None,
        default: None,
        spread: Spread::No,
        keyword_only: false,
    };
    let has_parts = matches!(
        kind,
        Kind::TypedParameter | Kind::DefaultParameter | Kind::TypedDefaultParameter
    );
    if !has_parts {
        (param.pattern, param.spread) = bound(cx, out, kind);
        return param;
    }
    let mut is_bound = false;
    cx.children(out, |cx, out, kind| match kind {
        Kind::Type => param.ty = Some(type_ref(cx, out)),
        _ if !is_bound => {
            (param.pattern, param.spread) = bound(cx, out, kind);
            is_bound = true;
        }
        _ => param.default = Some(expression(cx, out)),
    });
    param
}

/// `a`, `*args`, `**kwargs`, or Python 2's `(a, b)`
fn bound(cx: &mut Cx<'_>, out: &mut Builder, kind: Kind) -> (Pattern, Spread) {
    let spread = match kind {
        Kind::ListSplatPattern => Spread::Positional,
        Kind::DictionarySplatPattern => Spread::Keyword,
        _ => return (target(cx, out), Spread::No),
    };
    let mut pattern = Pattern::Wildcard;
    cx.children(out, |cx, out, _| pattern = target(cx, out));
    (pattern, spread)
}

/// What stands before the body of a class.
#[derive(Default)]
struct Header {
    name: Option<(Name, Span)>,
    decorators: Box<[ExprId]>,
    bases: Vec<ExprId>,
    keywords: Vec<(Name, ExprId)>,
    generics: Box<[Generic]>,
}

/// `class Name[T](Base, key=value): body`
pub(super) fn class(cx: &mut Cx<'_>, out: &mut Builder, decorators: Box<[ExprId]>, span: Span) -> ExprId {
    let mut header = Header {
        decorators,
        ..Header::default()
    };
    let mut definition = None;
    cx.children(out, |cx, out, kind| match kind {
        Kind::Identifier => header.name = Some((cx.name(out), cx.span())),
        Kind::TypeParameter => header.generics = generics(cx, out),
        Kind::ArgumentList => superclasses(cx, out, &mut header),
        Kind::Block => definition = Some(class_body(cx, out, mem::take(&mut header), span)),
        _ => cx.stray(out),
    });
    or_opaque(out, definition, span)
}

/// `(Base, *bases, metaclass=Meta, **keywords)`
fn superclasses(cx: &mut Cx<'_>, out: &mut Builder, header: &mut Header) {
    let mut args = Vec::new();
    arguments(cx, out, &mut args);
    for arg in args {
        match (arg.name, arg.spread) {
            (Some(name), _) => header.keywords.push((name, arg.value)),
            (None, Spread::No) => header.bases.push(arg.value),
            (None, _) => {
                let span = cx.span();
                header.bases.push(out.expr(ExprKind::Spread(arg.value), span));
            }
        }
    }
}

/// Adds the class of a header, then lowers the block under the cursor as its body.
fn class_body(cx: &mut Cx<'_>, out: &mut Builder, header: Header, span: Span) -> ExprId {
    let (name, name_span) = header
        .name
        .unwrap_or_else(|| (out.name(""), Span::new(span.start, span.start)));
    let ix = out.class(Class {
        name,
        kind: ClassKind::Class,
        scope: ScopeIx(0),
        function: cx.function,
        outer: cx.members.as_ref().map(|members| members.class),
        decorators: header.decorators,
        bases: header.bases.into(),
        keywords: header.keywords.into(),
        generics: header.generics,
        fields: Box::default(),
        methods: Box::default(),
        is_test: false,
        name_span,
        span,
    });
    let outer = cx.members.replace(Members::new(ix));
    let body = block(cx, out);
    if let Some(members) = mem::replace(&mut cx.members, outer) {
        let class = out.class_mut(ix);
        class.fields = members.fields.into();
        class.methods = members.methods.into();
    }
    out.expr(ExprKind::DefineClass(ix, body), span)
}
