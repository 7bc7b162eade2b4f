//! What assignments, loops and `case` clauses bind.

use onequery_core::ir::Pattern;
use onequery_core::{Name, Span};

use super::cx::Cx;
use super::expressions::expression;
use super::imports::dotted_name;
use super::kinds::Kind;
use crate::builder::Builder;

/// The left side of an assignment or loop, what `with` binds, what `del` forgets.
pub(super) fn target(cx: &mut Cx<'_>, out: &mut Builder) -> Pattern {
    let (kind, span) = (cx.kind(), cx.span());
    match kind {
        Kind::Identifier => Pattern::Name(cx.name(out), span),
        Kind::ListSplatPattern | Kind::ListSplat => {
            Pattern::Rest(parts(cx, out, span, target).into_iter().next().map(Box::new))
        }
        Kind::PatternList | Kind::ExpressionList | Kind::ListPattern | Kind::List => {
            Pattern::Tuple(parts(cx, out, span, target).into())
        }
        Kind::TuplePattern | Kind::Tuple => tuple_or_group(cx, out, span, target),
        Kind::ParenthesizedExpression | Kind::AsPatternTarget => group(parts(cx, out, span, target)),
        _ => Pattern::Place(expression(cx, out)),
    }
}

/// The pattern of a `case` clause or a part of one.
pub(super) fn match_pattern(cx: &mut Cx<'_>, out: &mut Builder) -> Pattern {
    let (kind, span) = (cx.kind(), cx.span());
    match kind {
        // `case _` has no child.
        Kind::CasePattern => group(parts(cx, out, span, match_pattern)),
        Kind::DottedName => match dotted_name(cx, out)[..] {
            [_] if cx.text() == "_" => Pattern::Wildcard,
            [name] => Pattern::Name(name, span),
            // `case Color.RED` compares.
            _ => Pattern::Wildcard,
        },
        Kind::Identifier => Pattern::Name(cx.name(out), span),
        // `*rest`, `**rest`, `*_`
        Kind::SplatPattern => Pattern::Rest(
            parts(cx, out, span, match_pattern)
                .into_iter()
                .next()
                .map(Box::new),
        ),
        Kind::UnionPattern => Pattern::Or(parts(cx, out, span, match_pattern).into()),
        Kind::ListPattern => Pattern::Tuple(parts(cx, out, span, match_pattern).into()),
        Kind::TuplePattern => tuple_or_group(cx, out, span, match_pattern),
        Kind::AsPattern => bind(cx, out, span),
        Kind::ClassPattern => class_pattern(cx, out, span),
        Kind::KeywordPattern => keyword_pattern(cx, out, span),
        Kind::DictPattern => dict_pattern(cx, out, span),
        // Literals compare.
        _ => Pattern::Wildcard,
    }
}

/// The children as patterns, one level deeper.
fn parts(
    cx: &mut Cx<'_>,
    out: &mut Builder,
    span: Span,
    lower: fn(&mut Cx<'_>, &mut Builder) -> Pattern,
) -> Vec<Pattern> {
    let mut parts = Vec::new();
    out.deeper(span, |out| {
        cx.children(out, |cx, out, _| parts.push(lower(cx, out)));
    });
    parts
}

/// `(a, b)` and `(a,)` are tuples, `(a)` is `a`.
fn tuple_or_group(
    cx: &mut Cx<'_>,
    out: &mut Builder,
    span: Span,
    lower: fn(&mut Cx<'_>, &mut Builder) -> Pattern,
) -> Pattern {
    let mut has_comma = false;
    cx.parts(out, |_, _, kind| has_comma |= kind == Kind::CommaToken);
    let parts = parts(cx, out, span, lower);
    if has_comma || parts.is_empty() {
        Pattern::Tuple(parts.into())
    } else {
        group(parts)
    }
}

/// The pattern inside of a node that only wraps it.
fn group(parts: Vec<Pattern>) -> Pattern {
    parts.into_iter().next().unwrap_or(Pattern::Wildcard)
}

/// `part as whole`
fn bind(cx: &mut Cx<'_>, out: &mut Builder, span: Span) -> Pattern {
    let parts = parts(cx, out, span, match_pattern);
    match <[Pattern; 2]>::try_from(parts) {
        Ok([part, Pattern::Name(whole, _)]) => Pattern::Bind(whole, Box::new(part)),
        Ok([part, _]) => part,
        Err(parts) => group(parts),
    }
}

/// `Point(x, y=b)`
fn class_pattern(cx: &mut Cx<'_>, out: &mut Builder, span: Span) -> Pattern {
    let mut path = Vec::new();
    let mut parts = Vec::new();
    out.deeper(span, |out| {
        cx.children(out, |cx, out, kind| match kind {
            Kind::DottedName if path.is_empty() => path = dotted_name(cx, out),
            _ => parts.push(class_part(cx, out)),
        });
    });
    Pattern::Variant {
        path: path.into(),
        parts: parts.into(),
    }
}

/// `x`, `y=b` or `y=b as c` of `Point(x, y=b)`; the grammar takes the last for `(y=b) as c`.
fn class_part(cx: &mut Cx<'_>, out: &mut Builder) -> (Option<Name>, Pattern) {
    let mut name = None;
    let mut n_levels = 0;
    while matches!(
        cx.kind(),
        Kind::CasePattern | Kind::AsPattern | Kind::KeywordPattern
    ) && cx.down()
    {
        n_levels += 1;
        if cx.kind() == Kind::Identifier {
            name = Some(cx.name(out));
        }
    }
    for _ in 0..n_levels {
        cx.up();
    }
    (name, match_pattern(cx, out))
}

/// `b` of `y=b`
fn keyword_pattern(cx: &mut Cx<'_>, out: &mut Builder, span: Span) -> Pattern {
    let value = parts(cx, out, span, match_pattern).into_iter().nth(1);
    value.unwrap_or(Pattern::Wildcard)
}

/// `{"key": part, **rest}`: a pattern with parts that are no fields and have no order.
fn dict_pattern(cx: &mut Cx<'_>, out: &mut Builder, span: Span) -> Pattern {
    let mut parts = Vec::new();
    out.deeper(span, |out| {
        cx.children(out, |cx, out, kind| {
            // Keys are literals or constants and stand directly in the pattern.
            if matches!(kind, Kind::CasePattern | Kind::SplatPattern) {
                parts.push((None, match_pattern(cx, out)));
            }
        });
    });
    Pattern::Variant {
        path: Box::default(),
        parts: parts.into(),
    }
}
