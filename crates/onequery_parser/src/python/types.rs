//! Annotations and type parameters.

use onequery_core::Span;
use onequery_core::ir::{Generic, TypeRef};

use super::cx::Cx;
use super::gaps::Gaps;
use super::kinds::Kind;
use super::literals::Written;
use crate::builder::Builder;

/// An annotation, as the grammar's `type` or as the expression inside of one.
pub(super) fn type_ref(cx: &mut Cx<'_>, out: &mut Builder) -> TypeRef {
    let (kind, span) = (cx.kind(), cx.span());
    match kind {
        Kind::Identifier => TypeRef::Path {
            path: Box::new([cx.name(out)]),
            args: Box::default(),
            span,
        },
        Kind::None => TypeRef::Tuple(Box::default()),
        _ => out
            .deeper(span, |out| compound(cx, out, kind, span))
            .unwrap_or(TypeRef::Unknown),
    }
}

fn compound(cx: &mut Cx<'_>, out: &mut Builder, kind: Kind, span: Span) -> TypeRef {
    match kind {
        Kind::Type | Kind::ParenthesizedExpression => {
            let mut inner = TypeRef::Unknown;
            cx.children(out, |cx, out, _| inner = type_ref(cx, out));
            inner
        }
        Kind::String => quoted(cx, out, span),
        Kind::Attribute | Kind::MemberType => dotted(cx, out, span),
        Kind::Subscript | Kind::GenericType => generic(cx, out, span),
        Kind::BinaryOperator | Kind::UnionType => union(cx, out),
        // `[A, B]` of `Callable[[A, B], C]`
        Kind::Tuple | Kind::List => {
            let mut parts = Vec::new();
            cx.children(out, |cx, out, _| parts.push(type_ref(cx, out)));
            TypeRef::Tuple(parts.into())
        }
        _ => TypeRef::Unknown,
    }
}

/// `"Order"`, `"list[Order]"`: annotations that are evaluated late, or never.
fn quoted(cx: &Cx<'_>, out: &mut Builder, span: Span) -> TypeRef {
    let written = Written::new(cx.text());
    if !written.is_text() {
        return TypeRef::Unknown;
    }
    let is_plain = |part: &str| {
        !part.is_empty() && part.chars().all(|c| c == '_' || c.is_alphanumeric()) && part != "None"
    };
    if written.content.split('.').all(is_plain) {
        return TypeRef::Path {
            path: written.content.split('.').map(|part| out.name(part)).collect(),
            args: Box::default(),
            span,
        };
    }
    let tree = super::parse(written.content);
    if tree.root_node().has_error() {
        return TypeRef::Unknown;
    }
    let offset = span.start + u32::try_from(written.offset).unwrap_or(0);
    let mut quoted = Cx::new(written.content, offset, Gaps::NONE, &tree);
    // A module holds one statement, which holds one expression.
    if quoted.down() && quoted.kind() == Kind::ExpressionStatement && quoted.down() {
        type_ref(&mut quoted, out)
    } else {
        TypeRef::Unknown
    }
}

/// `a.b.C`
fn dotted(cx: &mut Cx<'_>, out: &mut Builder, span: Span) -> TypeRef {
    let mut base = None;
    let mut last = None;
    cx.children(out, |cx, out, _| {
        if base.is_none() {
            base = Some(type_ref(cx, out));
        } else {
            last = Some(cx.name(out));
        }
    });
    match base {
        Some(TypeRef::Path { path, args, .. }) => TypeRef::Path {
            path: path.into_iter().chain(last).collect(),
            args,
            span,
        },
        _ => TypeRef::Unknown,
    }
}

/// `list[X]`, `Optional[X]`, `Union[A, B]`, `Callable[[A], B]`, `Annotated[X, …]`, `Literal["a"]`
fn generic(cx: &mut Cx<'_>, out: &mut Builder, span: Span) -> TypeRef {
    let mut head = "";
    let mut base = None;
    let mut args = Vec::new();
    let mut goes_on = false;
    let mut argument = |cx: &mut Cx<'_>, out: &mut Builder, head: &str| match head {
        // Its arguments are values, which may look like types.
        "Literal" => args.push(TypeRef::Unknown),
        // Only the first argument is a type.
        "Annotated" if !args.is_empty() => {}
        "tuple" | "Tuple" if cx.text() == "..." => goes_on = true,
        _ => args.push(type_ref(cx, out)),
    };
    cx.children(out, |cx, out, kind| {
        if base.is_none() {
            head = cx.text().rsplit('.').next().unwrap_or("").trim();
            base = Some(type_ref(cx, out));
        } else if kind == Kind::TypeParameter {
            cx.children(out, |cx, out, _| argument(cx, out, head));
        } else {
            argument(cx, out, head);
        }
    });
    let Some(TypeRef::Path { path, .. }) = base else {
        return TypeRef::Unknown;
    };
    match head {
        "Annotated" => args.into_iter().next().unwrap_or(TypeRef::Unknown),
        "Optional" => {
            args.push(TypeRef::Tuple(Box::default()));
            flat_union(args)
        }
        "Union" => flat_union(args),
        "Callable" => callable(args),
        // `tuple[X, ...]` has any number of them.
        "tuple" | "Tuple" if !goes_on => TypeRef::Tuple(args.into()),
        _ => TypeRef::Path {
            path,
            args: args.into(),
            span,
        },
    }
}

/// `Callable[[A], B]`, `Callable[..., B]`
fn callable(args: Vec<TypeRef>) -> TypeRef {
    match <[TypeRef; 2]>::try_from(args) {
        Ok([TypeRef::Tuple(params), result]) => TypeRef::Callable(params, Box::new(result)),
        Ok([_, result]) => TypeRef::Callable(Box::default(), Box::new(result)),
        Err(_) => TypeRef::Unknown,
    }
}

/// `A | B`
fn union(cx: &mut Cx<'_>, out: &mut Builder) -> TypeRef {
    let mut parts = Vec::new();
    let mut is_union = false;
    cx.parts(out, |cx, out, kind| match kind {
        Kind::BitOrToken => is_union = true,
        _ => parts.push(type_ref(cx, out)),
    });
    if is_union {
        flat_union(parts)
    } else {
        TypeRef::Unknown
    }
}

/// `A | B | C` nests in the tree, but is one union.
fn flat_union(parts: Vec<TypeRef>) -> TypeRef {
    let mut flat = Vec::new();
    for part in parts {
        match part {
            TypeRef::Union(parts) => flat.extend(parts),
            part => flat.push(part),
        }
    }
    TypeRef::Union(flat.into())
}

/// `[T, U: Bound, *Ts, **P]`
pub(super) fn generics(cx: &mut Cx<'_>, out: &mut Builder) -> Box<[Generic]> {
    let mut generics = Vec::new();
    cx.children(out, |cx, out, _| {
        cx.children(out, |cx, out, kind| {
            // `T` stands alone, `T: Bound` and `*Ts` are nodes of their own.
            let mut types = match kind {
                Kind::Identifier => vec![type_ref(cx, out)],
                _ => {
                    let mut types = Vec::new();
                    cx.children(out, |cx, out, _| types.push(type_ref(cx, out)));
                    types
                }
            };
            if types.is_empty() {
                return;
            }
            if let TypeRef::Path { path, .. } = types.remove(0)
                && let [name] = path[..]
            {
                let bounds = types.into();
                generics.push(Generic { name, bounds });
            }
        });
    });
    generics.into()
}
