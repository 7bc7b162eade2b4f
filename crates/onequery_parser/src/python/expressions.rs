//! Expressions.

use onequery_core::ir::{
    Arg, AssignMode, BinaryOp, CollectionKind, ComprehensionKind, ExprId, ExprKind, Literal, SliceBounds,
    Spread, UnaryOp,
};
use onequery_core::{Name, Span};

use super::comprehensions::comprehension;
use super::cx::Cx;
use super::items::lambda;
use super::kinds::{Field, Kind};
use super::literals;
use super::patterns::target;
use super::statements::{assignment, statement};
use crate::MAX_DEPTH;
use crate::builder::Builder;

/// How long a chain `a + b + …` or `a.b().c()…` may be before it becomes opaque, with all of its parts.
///
/// Each link is a level of the IR, so a chain of [`MAX_DEPTH`] links would lose the part where it starts.
pub(super) const MAX_CHAIN: usize = MAX_DEPTH as usize / 2;

/// How many operands `a < b < c` may have before it becomes opaque, with all of its operands.
///
/// They are siblings in the tree but nest in the IR, where [`Builder::deeper`] does not count them.
const MAX_COMPARED: usize = 8;

/// Lowers any node as an expression; a statement becomes opaque.
pub(super) fn expression(cx: &mut Cx<'_>, out: &mut Builder) -> ExprId {
    let (kind, span) = (cx.kind(), cx.span());
    let literal = match kind {
        Kind::Identifier => {
            let name = cx.name(out);
            return out.expr(ExprKind::Name(name), span);
        }
        Kind::String => return literals::string(cx, out, span),
        Kind::Integer => literals::integer(cx.text()),
        Kind::None => Literal::None,
        Kind::True => Literal::Bool(true),
        Kind::False => Literal::Bool(false),
        Kind::Float => Literal::Number,
        Kind::Ellipsis => Literal::Ellipsis,
        _ => {
            return out
                .deeper(span, |out| compound(cx, out, kind, span))
                .unwrap_or_else(|| out.opaque(Vec::new(), span));
        }
    };
    out.expr(ExprKind::Literal(literal), span)
}

/// An expression with parts.
fn compound(cx: &mut Cx<'_>, out: &mut Builder, kind: Kind, span: Span) -> ExprId {
    if starts_with_its_first_operand(kind) && is_long_chain(cx, span) {
        let parts = chain(cx, out);
        return out.opaque(parts, span);
    }
    match kind {
        Kind::ParenthesizedExpression
        | Kind::ParenthesizedListSplat
        | Kind::Type
        | Kind::AsPatternTarget
        | Kind::Decorator => inner(cx, out),
        Kind::Attribute => attribute(cx, out, span),
        Kind::Call => call(cx, out, span),
        Kind::Subscript | Kind::GenericType => subscript(cx, out, span),
        Kind::ConcatenatedString => literals::concatenated(cx, out, span),
        Kind::List | Kind::ListPattern => collection(cx, out, CollectionKind::List, span),
        Kind::Tuple | Kind::TuplePattern | Kind::ExpressionList | Kind::PatternList | Kind::Pair => {
            collection(cx, out, CollectionKind::Tuple, span)
        }
        Kind::Set => collection(cx, out, CollectionKind::Set, span),
        Kind::Dictionary => dictionary(cx, out, span),
        Kind::ListSplat | Kind::ListSplatPattern | Kind::DictionarySplat => {
            let value = inner(cx, out);
            out.expr(ExprKind::Spread(value), span)
        }
        Kind::ListComprehension => comprehension(cx, out, ComprehensionKind::List, span),
        Kind::SetComprehension => comprehension(cx, out, ComprehensionKind::Set, span),
        Kind::DictionaryComprehension => comprehension(cx, out, ComprehensionKind::Dict, span),
        Kind::GeneratorExpression => comprehension(cx, out, ComprehensionKind::Generator, span),
        Kind::BinaryOperator | Kind::BooleanOperator | Kind::UnionType => operation(cx, out, span),
        Kind::ComparisonOperator if cx.n_named_children() <= MAX_COMPARED => operation(cx, out, span),
        Kind::NotOperator => {
            let value = inner(cx, out);
            out.expr(ExprKind::Unary(UnaryOp::Not, value), span)
        }
        Kind::UnaryOperator => {
            let value = inner(cx, out);
            out.expr(ExprKind::Unary(UnaryOp::Other, value), span)
        }
        Kind::Await => {
            let value = inner(cx, out);
            out.expr(ExprKind::Await(value), span)
        }
        Kind::ConditionalExpression => conditional(cx, out, span),
        Kind::Lambda => lambda(cx, out, span),
        Kind::NamedExpression => named(cx, out, span),
        Kind::Yield => r#yield(cx, out, span),
        Kind::Assignment => assignment(cx, out, AssignMode::Set, span),
        Kind::AugmentedAssignment => assignment(cx, out, AssignMode::Update, span),
        Kind::KeywordArgument => keyword_argument(cx, out).1,
        _ => {
            let mut parts = Vec::new();
            cx.children(out, |cx, out, _| statement(cx, out, &mut parts));
            out.opaque(parts, span)
        }
    }
}

/// The one expression inside of `(x)`, `await x`, `not x`, `*x`, `@x`.
pub(super) fn inner(cx: &mut Cx<'_>, out: &mut Builder) -> ExprId {
    let span = cx.span();
    let mut value = None;
    cx.children(out, |cx, out, _| match value {
        None => value = Some(expression(cx, out)),
        Some(_) => cx.stray(out),
    });
    or_opaque(out, value, span)
}

/// All children as expressions.
pub(super) fn expressions(cx: &mut Cx<'_>, out: &mut Builder) -> Vec<ExprId> {
    let mut values = Vec::new();
    cx.children(out, |cx, out, _| values.push(expression(cx, out)));
    values
}

/// The value, or something unknown where a broken file lacks it.
pub(super) fn or_opaque(out: &mut Builder, value: Option<ExprId>, span: Span) -> ExprId {
    value.unwrap_or_else(|| out.opaque(Vec::new(), span))
}

/// `a` of `a`, `(a, b)` of `a, b` where the grammar has no node for the list.
pub(super) fn one_or_tuple(out: &mut Builder, mut values: Vec<ExprId>, span: Span) -> ExprId {
    match values.len() {
        0 => out.opaque(values, span),
        1 => values.remove(0),
        _ => out.expr(ExprKind::Collection(CollectionKind::Tuple, values.into()), span),
    }
}

fn starts_with_its_first_operand(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::BinaryOperator | Kind::BooleanOperator | Kind::Call | Kind::Attribute | Kind::Subscript
    )
}

/// Whether the chain that ends here has more than [`MAX_CHAIN`] links; each takes at least two bytes.
fn is_long_chain(cx: &mut Cx<'_>, span: Span) -> bool {
    if ((span.end - span.start) as usize) < 2 * MAX_CHAIN {
        return false;
    }
    let mut n_links = 0;
    while n_links <= MAX_CHAIN && starts_with_its_first_operand(cx.kind()) && cx.down() {
        n_links += 1;
    }
    for _ in 0..n_links {
        cx.up();
    }
    n_links > MAX_CHAIN
}

/// Lowers what `x.a(b).c(d)…` and `a + b + …` consist of, from the left and without recursion along the chain.
fn chain(cx: &mut Cx<'_>, out: &mut Builder) -> Vec<ExprId> {
    let mut n_links = 0;
    while starts_with_its_first_operand(cx.kind()) && cx.down() {
        n_links += 1;
    }
    let mut parts = vec![expression(cx, out)];
    for _ in 0..n_links {
        while cx.next() {
            let kind = cx.kind();
            if kind == Kind::ArgumentList {
                cx.children(out, |cx, out, _| parts.push(expression(cx, out)));
            } else if kind != Kind::Skip && !kind.is_token() && cx.field() != Field::Attribute {
                parts.push(expression(cx, out));
            }
        }
        cx.up();
    }
    parts
}

/// `base.name`
fn attribute(cx: &mut Cx<'_>, out: &mut Builder, span: Span) -> ExprId {
    let (mut base, mut name) = (None, None);
    if let Some((text, span)) = cx.third_identifier() {
        base = cx.first(|cx| expression(cx, out));
        name = Some((out.name(text), span));
    }
    // A comment in between, or a broken file.
    else {
        cx.children(out, |cx, out, kind| {
            if base.is_none() {
                base = Some(expression(cx, out));
            } else if kind == Kind::Identifier {
                name = Some((cx.name(out), cx.span()));
            } else {
                cx.stray(out);
            }
        });
    }
    match (base, name) {
        (Some(base), Some((name, name_span))) => out.expr(
            ExprKind::Attr {
                base,
                name,
                name_span,
            },
            span,
        ),
        // `book.` while somebody types.
        (base, _) => out.opaque(base.into_iter().collect(), span),
    }
}

/// `callee(args)`, `callee(x for x in xs)`
fn call(cx: &mut Cx<'_>, out: &mut Builder, span: Span) -> ExprId {
    let mut callee = None;
    let mut args = Vec::new();
    cx.children(out, |cx, out, kind| {
        if kind == Kind::ArgumentList {
            arguments(cx, out, &mut args);
        } else if callee.is_none() {
            callee = Some(expression(cx, out));
        } else {
            args.push(Arg {
                name: None,
                value: expression(cx, out),
                spread: Spread::No,
            });
        }
    });
    let callee = or_opaque(out, callee, span);
    out.expr(
        ExprKind::Call {
            callee,
            args: args.into(),
            generics: Box::default(),
        },
        span,
    )
}

/// `(a, *b, c=d, **e)`
pub(super) fn arguments(cx: &mut Cx<'_>, out: &mut Builder, args: &mut Vec<Arg>) {
    cx.children(out, |cx, out, kind| {
        let (name, value) = match kind {
            Kind::KeywordArgument => keyword_argument(cx, out),
            Kind::ListSplat | Kind::DictionarySplat => (None, inner(cx, out)),
            _ => (None, expression(cx, out)),
        };
        let spread = match kind {
            Kind::ListSplat => Spread::Positional,
            Kind::DictionarySplat => Spread::Keyword,
            _ => Spread::No,
        };
        args.push(Arg { name, value, spread });
    });
}

/// `name=value`
fn keyword_argument(cx: &mut Cx<'_>, out: &mut Builder) -> (Option<Name>, ExprId) {
    let span = cx.span();
    let (mut name, mut value) = (None, None);
    cx.children(out, |cx, out, kind| {
        if name.is_none() && kind == Kind::Identifier {
            name = Some(cx.name(out));
        } else {
            value = Some(expression(cx, out));
        }
    });
    (name, or_opaque(out, value, span))
}

/// `base[index]`, `base[a, b]`, `base[a:b:c]`
fn subscript(cx: &mut Cx<'_>, out: &mut Builder, span: Span) -> ExprId {
    let mut base = None;
    let mut slice = None;
    let mut indices = Vec::new();
    cx.children(out, |cx, out, kind| match kind {
        _ if base.is_none() => base = Some(expression(cx, out)),
        // `list[int]` where a type is expected.
        Kind::TypeParameter => indices.append(&mut expressions(cx, out)),
        Kind::Slice if slice.is_none() && indices.is_empty() => slice = Some(slice_bounds(cx, out)),
        _ => indices.push(expression(cx, out)),
    });
    let base = or_opaque(out, base, span);
    match slice {
        Some(bounds) if indices.is_empty() => {
            let bounds = Box::new(bounds);
            out.expr(ExprKind::Slice { base, bounds }, span)
        }
        // `frame[1:2, 3]` cuts along several axes: as unknown as any other slice inside of a tuple.
        Some(bounds) => {
            indices.insert(0, out.opaque(bounds.written().collect(), span));
            let index = one_or_tuple(out, indices, span);
            out.expr(ExprKind::Index { base, index }, span)
        }
        None => {
            let index = one_or_tuple(out, indices, span);
            out.expr(ExprKind::Index { base, index }, span)
        }
    }
}

/// `a:b:c`: the parts that are there, and whether `c` is.
fn slice_bounds(cx: &mut Cx<'_>, out: &mut Builder) -> SliceBounds {
    let mut bounds = SliceBounds::default();
    let mut n_colons = 0;
    cx.parts(out, |cx, out, kind| {
        if kind == Kind::ColonToken {
            n_colons += 1;
            return;
        }
        let bound = match n_colons {
            0 => &mut bounds.from,
            1 => &mut bounds.to,
            _ => &mut bounds.step,
        };
        *bound = Some(expression(cx, out));
    });
    bounds
}

fn collection(cx: &mut Cx<'_>, out: &mut Builder, kind: CollectionKind, span: Span) -> ExprId {
    let items = expressions(cx, out).into();
    out.expr(ExprKind::Collection(kind, items), span)
}

/// `{key: value, **more}`
fn dictionary(cx: &mut Cx<'_>, out: &mut Builder, span: Span) -> ExprId {
    let mut items = Vec::new();
    cx.children(out, |cx, out, kind| {
        if kind == Kind::Pair {
            cx.children(out, |cx, out, _| items.push(expression(cx, out)));
        } else {
            items.push(expression(cx, out));
        }
    });
    out.expr(ExprKind::Collection(CollectionKind::Dict, items.into()), span)
}

/// `a + b`, `a and b`, `a < b < c`: operands with operators between them, nested from the left.
fn operation(cx: &mut Cx<'_>, out: &mut Builder, span: Span) -> ExprId {
    // Only the operators that say more than their parent's kind are tokens.
    let mut op = match cx.kind() {
        Kind::ComparisonOperator => BinaryOp::Compare,
        _ => BinaryOp::Arithmetic,
    };
    let usual = op;
    let mut value = None;
    cx.parts(out, |cx, out, kind| match kind {
        Kind::AndToken => op = BinaryOp::And,
        Kind::OrToken => op = BinaryOp::Or,
        Kind::BitAndToken => op = BinaryOp::BitAnd,
        Kind::BitOrToken | Kind::BitXorToken => op = BinaryOp::Bitwise,
        Kind::InToken | Kind::NotInToken => op = BinaryOp::In,
        Kind::PercentToken => op = BinaryOp::Modulo,
        Kind::EqualToken | Kind::IsToken => op = BinaryOp::Equal,
        Kind::UnequalToken | Kind::IsNotToken => op = BinaryOp::Unequal,
        _ => {
            let operand = expression(cx, out);
            value = Some(match value {
                None => operand,
                Some(left) => {
                    let so_far = Span::new(span.start, cx.span().end);
                    out.expr(ExprKind::Binary(op, left, operand), so_far)
                }
            });
            op = usual;
        }
    });
    or_opaque(out, value, span)
}

/// `then if test else otherwise`
fn conditional(cx: &mut Cx<'_>, out: &mut Builder, span: Span) -> ExprId {
    let parts = expressions(cx, out);
    match parts[..] {
        [then, test, otherwise] => {
            let otherwise = Some(otherwise);
            out.expr(
                ExprKind::If {
                    test,
                    then,
                    otherwise,
                },
                span,
            )
        }
        _ => out.opaque(parts, span),
    }
}

/// `(name := value)`
fn named(cx: &mut Cx<'_>, out: &mut Builder, span: Span) -> ExprId {
    let (mut name, mut value) = (None, None);
    cx.children(out, |cx, out, _| {
        if name.is_none() {
            name = Some(target(cx, out));
        } else {
            value = Some(expression(cx, out));
        }
    });
    let Some(target) = name else {
        return out.opaque(value.into_iter().collect(), span);
    };
    let value = Some(or_opaque(out, value, span));
    out.expr(
        ExprKind::Assign {
            target: Box::new(target),
            value,
            ty: None,
            mode: AssignMode::Set,
        },
        span,
    )
}

/// `yield x`, `yield from x`; either makes the function around it a generator.
fn r#yield(cx: &mut Cx<'_>, out: &mut Builder, span: Span) -> ExprId {
    out.function_mut(cx.function).is_generator = true;
    let mut value = None;
    let mut is_from = false;
    cx.parts(out, |cx, out, kind| match kind {
        Kind::FromToken => is_from = true,
        _ if value.is_none() => value = Some(expression(cx, out)),
        _ => cx.stray(out),
    });
    let kind = match value {
        Some(value) if is_from => ExprKind::YieldFrom(value),
        _ => ExprKind::Yield(value),
    };
    out.expr(kind, span)
}
