//! Comprehensions and generator expressions: nested loops around one element.

use onequery_core::Span;
use onequery_core::ir::{ComprehensionKind, ExprId, ExprKind, Loop, LoopKind};

use super::cx::Cx;
use super::expressions::{expression, inner, one_or_tuple, or_opaque};
use super::kinds::{Field, Kind};
use super::patterns::target;
use crate::builder::Builder;

/// `[each for x in xs if test]`, `{key: value for …}`, `(each for …)`.
pub(super) fn comprehension(
    cx: &mut Cx<'_>,
    out: &mut Builder,
    kind: ComprehensionKind,
    span: Span,
) -> ExprId {
    if !cx.down() {
        return out.opaque(Vec::new(), span);
    }
    let mut each = None;
    let body = next_clause(cx, out, span, &mut each);
    cx.up();
    let Some(each) = each else {
        return out.opaque(vec![body], span);
    };
    out.expr(ExprKind::Comprehension { kind, body, each }, span)
}

/// Lowers the clauses after the sibling under the cursor, and inside of them the element.
///
/// Each clause is one level of the IR although clauses are siblings in the tree, so each counts as a level of depth.
fn next_clause(cx: &mut Cx<'_>, out: &mut Builder, span: Span, each: &mut Option<ExprId>) -> ExprId {
    while cx.next() {
        match cx.kind() {
            kind @ (Kind::ForInClause | Kind::IfClause) => {
                let clause = out.deeper(span, |out| match kind {
                    Kind::ForInClause => for_clause(cx, out, span, each),
                    _ => if_clause(cx, out, span, each),
                });
                return clause.unwrap_or_else(|| {
                    let rest = out.opaque(Vec::new(), span);
                    *each = Some(rest);
                    rest
                });
            }
            Kind::Error => cx.stray(out),
            _ => {}
        }
    }
    // The element stands before its clauses: go back to it.
    cx.up();
    let mut element = None;
    cx.children(out, |cx, out, _| {
        if element.is_none() && cx.field() == Field::Body {
            element = Some(expression(cx, out));
        }
    });
    cx.down();
    let element = or_opaque(out, element, span);
    *each = Some(element);
    element
}

/// `for x in xs`: the iterable of the first clause is evaluated once, those of the others once per element before.
fn for_clause(cx: &mut Cx<'_>, out: &mut Builder, span: Span, each: &mut Option<ExprId>) -> ExprId {
    let mut head_span = Span::new(cx.span().start, cx.span().start);
    let mut element = None;
    let mut sources = Vec::new();
    cx.children(out, |cx, out, _| {
        match cx.field() {
            Field::Left => element = Some(target(cx, out)),
            Field::Right => sources.push(expression(cx, out)),
            _ => return cx.stray(out),
        }
        head_span = head_span.cover(cx.span());
    });
    // Python 2's `[x for x in 1, 2]`.
    let source = one_or_tuple(out, sources, head_span);
    let body = next_clause(cx, out, span, each);
    let the_loop = Loop {
        kind: LoopKind::Comprehension,
        element,
        source: Some(source),
        header: None,
        body,
        otherwise: None,
        label: None,
        head_span,
    };
    out.expr(ExprKind::Loop(Box::new(the_loop)), span)
}

/// `if test`: evaluated for each element of the clauses before it.
fn if_clause(cx: &mut Cx<'_>, out: &mut Builder, span: Span, each: &mut Option<ExprId>) -> ExprId {
    let test = inner(cx, out);
    let then = next_clause(cx, out, span, each);
    out.expr(
        ExprKind::If {
            test,
            then,
            otherwise: None,
        },
        span,
    )
}
