//! Statements: expressions whose value is not used.

use std::mem;

use onequery_core::Span;
use onequery_core::ir::{Arm, AssignMode, ExprId, ExprKind, Handler, Loop, LoopKind, Pattern, TypeRef};

use super::cx::Cx;
use super::expressions::{MAX_CHAIN, expression, expressions, inner, one_or_tuple, or_opaque};
use super::items::{class, decorated, function};
use super::kinds::{Field, Kind};
use super::patterns::{match_pattern, target};
use super::types::type_ref;
use super::{imports, literals};
use crate::builder::Builder;

/// A file, a suite, or nothing in a broken file: the statements under the cursor.
pub(super) fn block(cx: &mut Cx<'_>, out: &mut Builder) -> ExprId {
    let span = cx.span();
    let outside = mem::take(&mut cx.strays);
    let mut items = Vec::new();
    cx.children(out, |cx, out, _| {
        items.append(&mut cx.strays);
        statement(cx, out, &mut items);
    });
    items.append(&mut cx.strays);
    cx.strays = outside;
    let items = items.into();
    out.expr(ExprKind::Block { items, value: false }, span)
}

fn empty_block(out: &mut Builder, span: Span) -> ExprId {
    let items = Box::default();
    out.expr(ExprKind::Block { items, value: false }, span)
}

/// Lowers any node as a statement; those that do nothing add nothing.
pub(super) fn statement(cx: &mut Cx<'_>, out: &mut Builder, items: &mut Vec<ExprId>) {
    match cx.kind() {
        Kind::ExpressionStatement => cx.children(out, |cx, out, kind| {
            if !literals::is_bare_string(cx, out, kind) {
                items.push(expression(cx, out));
            }
        }),
        Kind::PassStatement | Kind::FutureImportStatement => {}
        Kind::ImportStatement => imports::import(cx, out, items),
        Kind::ImportFromStatement => imports::import_from(cx, out, items),
        kind => {
            let span = cx.span();
            let item = out.deeper(span, |out| compound(cx, out, kind, span));
            items.push(or_opaque(out, item, span));
        }
    }
}

/// A statement that is one expression of the IR.
fn compound(cx: &mut Cx<'_>, out: &mut Builder, kind: Kind, span: Span) -> ExprId {
    match kind {
        Kind::Block => block(cx, out),
        Kind::IfStatement => if_statement(cx, out, span),
        Kind::ForStatement | Kind::WhileStatement => loop_statement(cx, out, kind, span),
        Kind::TryStatement => try_statement(cx, out, span),
        Kind::WithStatement => with_statement(cx, out, span),
        Kind::MatchStatement => match_statement(cx, out, span),
        Kind::FunctionDefinition => function(cx, out, Box::default(), span),
        Kind::ClassDefinition => class(cx, out, Box::default(), span),
        Kind::DecoratedDefinition => decorated(cx, out, span),
        Kind::ReturnStatement => {
            let mut value = None;
            cx.children(out, |cx, out, _| value = Some(expression(cx, out)));
            out.expr(ExprKind::Return(value), span)
        }
        Kind::RaiseStatement => {
            let values = expressions(cx, out).into();
            out.expr(ExprKind::Raise(values), span)
        }
        Kind::BreakStatement => out.expr(ExprKind::Break(None, None), span),
        Kind::ContinueStatement => out.expr(ExprKind::Continue(None), span),
        Kind::GlobalStatement | Kind::NonlocalStatement | Kind::DeleteStatement => unbind(cx, out, span),
        Kind::TypeAliasStatement => type_alias(cx, out, span),
        // `assert test, message`, Python 2's `print` and `exec`, and expressions in odd places.
        _ => expression(cx, out),
    }
}

/// `a = b`, `a: T = b`, `a: T`, `a += b`
///
/// The value of `a = b = c` is again an assignment, whose value is that of `c`.
pub(super) fn assignment(cx: &mut Cx<'_>, out: &mut Builder, mode: AssignMode, span: Span) -> ExprId {
    let (mut left, mut value, mut ty) = (None, None, None);
    cx.children(out, |cx, out, kind| match kind {
        Kind::Type => ty = Some(type_ref(cx, out)),
        _ if left.is_none() => left = Some(target(cx, out)),
        _ if value.is_none() => value = Some(expression(cx, out)),
        _ => cx.stray(out),
    });
    let Some(target) = left else {
        return out.opaque(value.into_iter().collect(), span);
    };
    if let (Some(members), AssignMode::Set) = (&mut cx.members, mode) {
        members.assign(&target, ty.as_ref(), value, span);
    }
    out.expr(
        ExprKind::Assign {
            target: Box::new(target),
            value,
            ty: ty.map(Box::new),
            mode,
        },
        span,
    )
}

/// `type Alias = T` binds like `Alias = T`.
fn type_alias(cx: &mut Cx<'_>, out: &mut Builder, span: Span) -> ExprId {
    let (mut left, mut value) = (None, None);
    cx.children(out, |cx, out, _| match cx.field() {
        Field::Left => left = Some(type_ref(cx, out)),
        Field::Right => value = Some(expression(cx, out)),
        _ => cx.stray(out),
    });
    let value = or_opaque(out, value, span);
    let target = match left {
        Some(TypeRef::Path { path, span, .. }) if path.len() == 1 => Pattern::Name(path[0], span),
        _ => Pattern::Wildcard,
    };
    out.expr(
        ExprKind::Assign {
            target: Box::new(target),
            value: Some(value),
            ty: None,
            mode: AssignMode::Set,
        },
        span,
    )
}

/// `if test: …` with its `elif` and `else` clauses.
fn if_statement(cx: &mut Cx<'_>, out: &mut Builder, span: Span) -> ExprId {
    if cx.n_named_children() > MAX_CHAIN {
        return long_if(cx, out, span);
    }
    let (mut test, mut then) = (None, None);
    let mut otherwise = None;
    if cx.down() {
        // The part of `children` that fits: the clauses are nested in each other, so each visits its successors.
        otherwise = clauses(cx, out, &mut test, &mut then);
        cx.up();
    }
    finish_if(out, (test, then, otherwise), span)
}

/// Lowers the test and body from the sibling under the cursor on, then the clauses behind them.
fn clauses(
    cx: &mut Cx<'_>,
    out: &mut Builder,
    test: &mut Option<ExprId>,
    then: &mut Option<ExprId>,
) -> Option<ExprId> {
    let mut otherwise = None;
    loop {
        match cx.kind() {
            Kind::ElifClause => {
                let span = cx.span();
                let rest = out.deeper(span, |out| {
                    let (test, then) = elif_clause(cx, out);
                    let otherwise = if cx.next() {
                        clauses(cx, out, &mut None, &mut None)
                    } else {
                        None
                    };
                    finish_if(out, (test, then, otherwise), span)
                });
                return Some(or_opaque(out, rest, span));
            }
            Kind::ElseClause => otherwise = Some(suite(cx, out)),
            kind => test_or_body(cx, out, kind, test, then),
        }
        if !cx.next() {
            return otherwise;
        }
    }
}

/// An `if` with more clauses than we nest: its tests and bodies in order, without saying that they exclude each other.
fn long_if(cx: &mut Cx<'_>, out: &mut Builder, span: Span) -> ExprId {
    let (mut test, mut then) = (None, None);
    let mut parts = Vec::new();
    cx.children(out, |cx, out, kind| match kind {
        Kind::ElifClause => {
            let span = cx.span();
            let (test, then) = elif_clause(cx, out);
            parts.push(finish_if(out, (test, then, None), span));
        }
        Kind::ElseClause => parts.push(suite(cx, out)),
        _ => test_or_body(cx, out, kind, &mut test, &mut then),
    });
    parts.insert(0, finish_if(out, (test, then, None), span));
    out.opaque(parts, span)
}

/// `elif test: …`
fn elif_clause(cx: &mut Cx<'_>, out: &mut Builder) -> (Option<ExprId>, Option<ExprId>) {
    let (mut test, mut then) = (None, None);
    cx.children(out, |cx, out, kind| {
        test_or_body(cx, out, kind, &mut test, &mut then)
    });
    (test, then)
}

fn test_or_body(
    cx: &mut Cx<'_>,
    out: &mut Builder,
    kind: Kind,
    test: &mut Option<ExprId>,
    then: &mut Option<ExprId>,
) {
    match kind {
        Kind::Skip => {}
        Kind::Block if then.is_none() => *then = Some(block(cx, out)),
        _ if test.is_none() && kind != Kind::Error && !kind.is_token() => *test = Some(expression(cx, out)),
        _ => cx.stray(out),
    }
}

fn finish_if(
    out: &mut Builder,
    (test, then, otherwise): (Option<ExprId>, Option<ExprId>, Option<ExprId>),
    span: Span,
) -> ExprId {
    let test = or_opaque(out, test, span);
    let then = then.unwrap_or_else(|| empty_block(out, span));
    out.expr(
        ExprKind::If {
            test,
            then,
            otherwise,
        },
        span,
    )
}

/// The body of `else: …`, `finally: …`.
fn suite(cx: &mut Cx<'_>, out: &mut Builder) -> ExprId {
    let span = cx.span();
    let mut body = None;
    cx.children(out, |cx, out, kind| match kind {
        Kind::Block => body = Some(block(cx, out)),
        _ => cx.stray(out),
    });
    body.unwrap_or_else(|| empty_block(out, span))
}

/// `for x in xs: … else: …`, `async for …`, `while test: … else: …`
fn loop_statement(cx: &mut Cx<'_>, out: &mut Builder, kind: Kind, span: Span) -> ExprId {
    let mut loop_kind = match kind {
        Kind::WhileStatement => LoopKind::While,
        _ => LoopKind::For,
    };
    let mut head_span = Span::new(span.start, span.start);
    let (mut element, mut head, mut body, mut otherwise) = (None, None, None, None);
    cx.parts(out, |cx, out, kind| {
        match kind {
            Kind::AsyncToken => loop_kind = LoopKind::AsyncFor,
            Kind::Block => body = Some(block(cx, out)),
            Kind::ElseClause => otherwise = Some(suite(cx, out)),
            _ if cx.field() == Field::Left => element = Some(target(cx, out)),
            _ if head.is_none() && !kind.is_token() => {
                head = Some(expression(cx, out));
                head_span = head_span.cover(cx.span());
            }
            _ => cx.stray(out),
        };
    });
    let head = or_opaque(out, head, head_span);
    // `for` evaluates its iterable once and outside, `while` its condition each time and inside.
    let (source, header) = match loop_kind {
        LoopKind::While => (None, Some(head)),
        _ => (Some(head), None),
    };
    let the_loop = Loop {
        kind: loop_kind,
        element,
        source,
        header,
        body: body.unwrap_or_else(|| empty_block(out, span)),
        otherwise,
        label: None,
        head_span,
    };
    out.expr(ExprKind::Loop(Box::new(the_loop)), span)
}

/// `try: … except E as e: … else: … finally: …`
fn try_statement(cx: &mut Cx<'_>, out: &mut Builder, span: Span) -> ExprId {
    let (mut body, mut otherwise, mut finally) = (None, None, None);
    let mut handlers = Vec::new();
    cx.children(out, |cx, out, kind| match kind {
        Kind::Block => body = Some(block(cx, out)),
        Kind::ExceptClause => handlers.push(handler(cx, out)),
        Kind::ElseClause => otherwise = Some(suite(cx, out)),
        Kind::FinallyClause => finally = Some(suite(cx, out)),
        _ => cx.stray(out),
    });
    let body = body.unwrap_or_else(|| empty_block(out, span));
    let handlers = handlers.into();
    out.expr(
        ExprKind::Try {
            body,
            handlers,
            otherwise,
            finally,
        },
        span,
    )
}

/// `except E as e: …`, `except* E: …`, and Python 2's `except E, e: …`, which looks like two types.
fn handler(cx: &mut Cx<'_>, out: &mut Builder) -> Handler {
    let span = cx.span();
    let mut types = Vec::new();
    let (mut name, mut body) = (None, None);
    cx.children(out, |cx, out, kind| match kind {
        Kind::Block => body = Some(block(cx, out)),
        Kind::AsPattern => {
            let (value, bound) = as_pattern(cx, out);
            types.push(value);
            if let Some(Pattern::Name(bound, _)) = bound {
                name = Some(bound);
            }
        }
        _ => types.push(expression(cx, out)),
    });
    Handler {
        types: (!types.is_empty()).then(|| one_or_tuple(out, types, span)),
        name,
        body: body.unwrap_or_else(|| empty_block(out, span)),
    }
}

/// `value as target` of `with` and `except`.
fn as_pattern(cx: &mut Cx<'_>, out: &mut Builder) -> (ExprId, Option<Pattern>) {
    let span = cx.span();
    let (mut value, mut bound) = (None, None);
    cx.children(out, |cx, out, kind| match kind {
        Kind::AsPatternTarget => bound = Some(target(cx, out)),
        _ if value.is_none() => value = Some(expression(cx, out)),
        _ => cx.stray(out),
    });
    (or_opaque(out, value, span), bound)
}

/// `with a as b, c: …`, `async with …`
fn with_statement(cx: &mut Cx<'_>, out: &mut Builder, span: Span) -> ExprId {
    let mut items = Vec::new();
    let mut body = None;
    let mut is_async = false;
    cx.parts(out, |cx, out, kind| match kind {
        Kind::AsyncToken => is_async = true,
        Kind::Block => body = Some(block(cx, out)),
        Kind::WithClause => cx.children(out, |cx, out, kind| match kind {
            Kind::WithItem => cx.children(out, |cx, out, kind| {
                items.push(match kind {
                    Kind::AsPattern => as_pattern(cx, out),
                    _ => (expression(cx, out), None),
                });
            }),
            _ => cx.stray(out),
        }),
        _ => cx.stray(out),
    });
    let items = items.into();
    let body = body.unwrap_or_else(|| empty_block(out, span));
    out.expr(
        ExprKind::With {
            items,
            body,
            is_async,
        },
        span,
    )
}

/// `match subject: case …`
fn match_statement(cx: &mut Cx<'_>, out: &mut Builder, span: Span) -> ExprId {
    let mut subjects = Vec::new();
    let mut arms = Vec::new();
    cx.children(out, |cx, out, kind| match kind {
        Kind::Block => cx.children(out, |cx, out, kind| match kind {
            Kind::CaseClause => arms.push(case_clause(cx, out)),
            _ => cx.stray(out),
        }),
        _ => subjects.push(expression(cx, out)),
    });
    let subject = one_or_tuple(out, subjects, span);
    let arms = arms.into();
    let exhaustive = false;
    out.expr(
        ExprKind::Match {
            subject,
            arms,
            exhaustive,
        },
        span,
    )
}

/// `case pattern if guard: …`
fn case_clause(cx: &mut Cx<'_>, out: &mut Builder) -> Arm {
    let span = cx.span();
    let mut patterns = Vec::new();
    let (mut guard, mut body) = (None, None);
    cx.children(out, |cx, out, kind| match kind {
        Kind::CasePattern => patterns.push(match_pattern(cx, out)),
        Kind::IfClause => guard = Some(inner(cx, out)),
        Kind::Block => body = Some(block(cx, out)),
        _ => cx.stray(out),
    });
    let pattern = match patterns.len() {
        1 => patterns.remove(0),
        _ => Pattern::Tuple(patterns.into()),
    };
    let body = body.unwrap_or_else(|| empty_block(out, span));
    Arm { pattern, guard, body }
}

/// `global x`, `nonlocal x`, `del x, (y, z), a.b, c[d]`: places in objects are evaluated, names are forgotten.
fn unbind(cx: &mut Cx<'_>, out: &mut Builder, span: Span) -> ExprId {
    let mut names = Vec::new();
    let mut places = Vec::new();
    cx.children(out, |cx, out, _| {
        let mut patterns = vec![target(cx, out)];
        while let Some(pattern) = patterns.pop() {
            match pattern {
                Pattern::Name(name, _) => names.push(name),
                Pattern::Place(place) => places.push(place),
                Pattern::Tuple(parts) => patterns.extend(parts.into_iter().rev()),
                _ => {}
            }
        }
    });
    if names.is_empty() {
        return out.opaque(places, span);
    }
    let names = out.expr(ExprKind::Unbind(names.into()), span);
    if places.is_empty() {
        return names;
    }
    places.push(names);
    out.opaque(places, span)
}
