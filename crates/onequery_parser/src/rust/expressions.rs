//! Expressions.

use onequery_core::ir::{
    Arg, Arm, AssignMode, BinaryOp, CollectionKind, ExprId, ExprKind, Literal, Loop, LoopKind, SliceBounds,
    UnaryOp,
};
use onequery_core::{Name, Span};
use syn::{BinOp, Expr, Lit, Member, UnOp};

use super::attributes::positional;
use super::{Lowering, spans};

/// An expression, and the place of all its text: that of `(a + b)` includes the parentheses.
pub(super) type Spanned = (ExprId, Span);

impl Lowering {
    /// Lowers an expression.
    pub(super) fn expression(&mut self, expr: &Expr) -> ExprId {
        self.spanned(expr).0
    }

    /// Lowers an expression, and says how far its text reaches.
    pub(super) fn spanned(&mut self, expr: &Expr) -> Spanned {
        if !self.ir.enter() {
            let span = spans::tokens(expr);
            self.ir.too_deep(span);
            return self.put(ExprKind::Opaque(Box::default()), span);
        }
        // `a.b().c()? + d` leans to the left as far as the author likes; only what leans elsewhere is depth.
        let mut chain = Vec::new();
        let mut first = expr;
        while let Some(inner) = leftmost(first) {
            chain.push(first);
            first = inner;
        }
        let mut spanned = self.first(first);
        for outer in chain.into_iter().rev() {
            spanned = self.link(outer, spanned);
        }
        self.ir.leave();
        spanned
    }

    fn put(&mut self, kind: ExprKind, span: Span) -> Spanned {
        (self.ir.expr(kind, span), span)
    }

    /// One more link of a chain whose left side is lowered. Covers what [`leftmost`] takes apart.
    fn link(&mut self, outer: &Expr, (left, start): Spanned) -> Spanned {
        match outer {
            Expr::Paren(paren) => (left, spans::brackets(&paren.paren_token.span)),
            Expr::MethodCall(call) => {
                let name = self.ident(&call.method);
                let name_span = spans::span(call.method.span());
                let attr = ExprKind::Attr {
                    base: left,
                    name,
                    name_span,
                };
                let callee = self.ir.expr(attr, start.cover(name_span));
                let generics = call.turbofish.as_ref().map(|args| self.generic_args(args));
                let kind = ExprKind::Call {
                    callee,
                    args: self.args(&call.args),
                    generics: generics.unwrap_or_default(),
                };
                self.put(kind, start.cover(spans::span(call.paren_token.span.close())))
            }
            Expr::Call(call) => {
                let kind = ExprKind::Call {
                    callee: left,
                    args: self.args(&call.args),
                    generics: Box::default(),
                };
                self.put(kind, start.cover(spans::span(call.paren_token.span.close())))
            }
            Expr::Field(field) => {
                let (name, name_span) = self.member(&field.member);
                let kind = ExprKind::Attr {
                    base: left,
                    name,
                    name_span,
                };
                self.put(kind, start.cover(name_span))
            }
            Expr::Await(awaited) => self.put(
                ExprKind::Await(left),
                start.cover(spans::span(awaited.await_token.span)),
            ),
            Expr::Try(tried) => self.put(
                ExprKind::Propagate(left),
                start.cover(spans::span(tried.question_token.span)),
            ),
            Expr::Cast(cast) => {
                let ty = self.ty(&cast.ty);
                self.put(
                    ExprKind::Cast(left, Box::new(ty)),
                    start.cover(spans::tokens(&*cast.ty)),
                )
            }
            Expr::Index(index) => {
                let end = spans::span(index.bracket_token.span.close());
                let kind = self.index(left, &index.index);
                self.put(kind, start.cover(end))
            }
            Expr::Binary(binary) => {
                let (right, end) = self.spanned(&binary.right);
                let kind = ExprKind::Binary(binary_op(&binary.op), left, right);
                self.put(kind, start.cover(end))
            }
            _ => (left, start),
        }
    }

    /// Everything that does not start with an expression.
    fn first(&mut self, expr: &Expr) -> Spanned {
        match expr {
            Expr::Path(path) => {
                let kind = self.path(path.qself.as_ref(), &path.path);
                self.put(kind, spans::qualified(path.qself.as_ref(), &path.path))
            }
            Expr::Lit(literal) => {
                let kind = ExprKind::Literal(self.literal(&literal.lit));
                self.put(kind, spans::span(literal.lit.span()))
            }
            Expr::Macro(call) => self.macro_expression(&call.mac),
            Expr::Reference(reference) => {
                self.prefixed(ExprKind::Deref, reference.and_token.spans[0], &reference.expr)
            }
            Expr::RawAddr(address) => {
                self.prefixed(ExprKind::Deref, address.and_token.spans[0], &address.expr)
            }
            Expr::Unary(unary) => match &unary.op {
                UnOp::Deref(star) => self.prefixed(ExprKind::Deref, star.spans[0], &unary.expr),
                UnOp::Not(bang) => {
                    self.prefixed(|x| ExprKind::Unary(UnaryOp::Not, x), bang.spans[0], &unary.expr)
                }
                UnOp::Neg(minus) => self.prefixed(
                    |x| ExprKind::Unary(UnaryOp::Other, x),
                    minus.spans[0],
                    &unary.expr,
                ),
                _ => self.opaque_tokens(expr),
            },
            Expr::Array(array) => {
                let span = spans::brackets(&array.bracket_token.span);
                self.collection(CollectionKind::List, &array.elems, span)
            }
            Expr::Tuple(tuple) => {
                let span = spans::brackets(&tuple.paren_token.span);
                match tuple.elems.is_empty() {
                    true => self.put(ExprKind::Literal(Literal::None), span),
                    false => self.collection(CollectionKind::Tuple, &tuple.elems, span),
                }
            }
            Expr::Repeat(repeat) => {
                let kind = ExprKind::Repeat(self.expression(&repeat.expr), self.expression(&repeat.len));
                self.put(kind, spans::brackets(&repeat.bracket_token.span))
            }
            Expr::Struct(record) => self.record(record),
            Expr::Range(range) => self.range(range),
            Expr::Assign(assign) => {
                let (value, end) = self.spanned(&assign.right);
                self.assign(&assign.left, AssignMode::Set, value, end)
            }
            // `x += y`
            Expr::Binary(binary) => {
                let (value, end) = self.spanned(&binary.right);
                self.assign(&binary.left, AssignMode::Update, value, end)
            }
            Expr::Let(test) => {
                let (value, end) = self.spanned(&test.expr);
                let kind = self.test(&test.pat, value);
                self.put(kind, spans::span(test.let_token.span).cover(end))
            }
            Expr::Closure(closure) => self.closure(closure),
            Expr::Async(block) => {
                let (body, end) = self.block(&block.block);
                self.put(
                    ExprKind::AsyncBlock(body),
                    spans::span(block.async_token.span).cover(end),
                )
            }
            Expr::Block(block) => self.block(&block.block),
            Expr::Unsafe(block) => self.block(&block.block),
            Expr::Const(block) => self.block(&block.block),
            Expr::TryBlock(block) => self.block(&block.block),
            Expr::If(the_if) => self.the_if(the_if),
            Expr::Match(the_match) => self.the_match(the_match),
            Expr::ForLoop(the_loop) => self.for_loop(the_loop),
            Expr::While(the_loop) => self.while_loop(the_loop),
            Expr::Loop(the_loop) => self.endless_loop(the_loop),
            Expr::Return(leave) => self.leaving(
                spans::span(leave.return_token.span),
                leave.expr.as_deref(),
                ExprKind::Return,
            ),
            Expr::Break(leave) => {
                let label = leave.label.as_ref().map(|label| self.lifetime(label));
                let start = spans::span(leave.break_token.span);
                let start = leave
                    .label
                    .as_ref()
                    .map_or(start, |label| start.cover(spans::span(label.span())));
                self.leaving(start, leave.expr.as_deref(), |value| {
                    ExprKind::Break(value, label)
                })
            }
            Expr::Continue(leave) => {
                let label = leave.label.as_ref().map(|label| self.lifetime(label));
                let start = spans::span(leave.continue_token.span);
                let span = leave
                    .label
                    .as_ref()
                    .map_or(start, |label| start.cover(spans::span(label.span())));
                self.put(ExprKind::Continue(label), span)
            }
            Expr::Yield(leave) => {
                let function = self.place.function;
                self.ir.function_mut(function).is_generator = true;
                self.leaving(
                    spans::span(leave.yield_token.span),
                    leave.expr.as_deref(),
                    ExprKind::Yield,
                )
            }
            // `_`, and what syn keeps as tokens because it is not Rust yet.
            _ => self.opaque_tokens(expr),
        }
    }

    fn opaque_tokens(&mut self, expr: &Expr) -> Spanned {
        let span = spans::tokens(expr);
        let children = match expr {
            Expr::Verbatim(tokens) => self.recovered(tokens.clone()),
            _ => Vec::new(),
        };
        (self.ir.opaque(children, span), span)
    }

    fn prefixed(
        &mut self,
        kind: impl FnOnce(ExprId) -> ExprKind,
        prefix: proc_macro2::Span,
        operand: &Expr,
    ) -> Spanned {
        let (operand, end) = self.spanned(operand);
        self.put(kind(operand), spans::span(prefix).cover(end))
    }

    fn leaving(
        &mut self,
        start: Span,
        value: Option<&Expr>,
        kind: impl FnOnce(Option<ExprId>) -> ExprKind,
    ) -> Spanned {
        let value = value.map(|value| self.spanned(value));
        let span = value.map_or(start, |(_, end)| start.cover(end));
        self.put(kind(value.map(|(value, _)| value)), span)
    }

    fn collection<'a>(
        &mut self,
        kind: CollectionKind,
        items: impl IntoIterator<Item = &'a Expr>,
        span: Span,
    ) -> Spanned {
        let items = items.into_iter().map(|item| self.expression(item)).collect();
        self.put(ExprKind::Collection(kind, items), span)
    }

    fn args<'a>(&mut self, args: impl IntoIterator<Item = &'a Expr>) -> Box<[Arg]> {
        args.into_iter()
            .map(|arg| positional(self.expression(arg)))
            .collect()
    }

    /// `a`, `a::b::<C>`, `<T as A>::b`.
    pub(super) fn path(&mut self, qself: Option<&syn::QSelf>, path: &syn::Path) -> ExprKind {
        use onequery_core::ir::TypeRef;

        if qself.is_some()
            && let TypeRef::Path {
                path: segments, args, ..
            } = self.type_path(qself, path)
        {
            return ExprKind::Path { segments, args };
        }
        if path.is_ident("None") {
            return ExprKind::Literal(Literal::None);
        }
        let args = self.path_args(path);
        match (&*self.segments(path), args) {
            (&[name], args) if args.is_empty() => ExprKind::Name(name),
            (segments, args) => ExprKind::Path {
                segments: segments.into(),
                args,
            },
        }
    }

    /// A field's name and place; `0` of `pair.0`.
    pub(super) fn member(&mut self, member: &Member) -> (Name, Span) {
        match member {
            Member::Named(name) => (self.ident(name), spans::span(name.span())),
            Member::Unnamed(index) => (self.ir.name(&index.index.to_string()), spans::span(index.span)),
        }
    }

    /// A literal; text loses its quotes only.
    pub(super) fn literal(&mut self, literal: &Lit) -> Literal {
        match literal {
            Lit::Str(text) => {
                let written = text.token().to_string();
                let quotes = written.find('"').zip(written.rfind('"'));
                let inner = quotes.and_then(|(open, close)| written.get(open + 1..close));
                Literal::Str(self.ir.name(inner.unwrap_or_default()))
            }
            Lit::Int(number) => number.base10_parse().map_or(Literal::Number, Literal::Int),
            Lit::Bool(truth) => Literal::Bool(truth.value),
            Lit::Float(_) => Literal::Number,
            _ => Literal::Other,
        }
    }

    /// `base[at]`, `base[from..to]`.
    fn index(&mut self, base: ExprId, index: &Expr) -> ExprKind {
        let Expr::Range(range) = index else {
            return ExprKind::Index {
                base,
                index: self.expression(index),
            };
        };
        let from = range.start.as_deref().map(|from| self.expression(from));
        let to = range.end.as_deref().map(|to| self.expression(to));
        ExprKind::Slice {
            base,
            bounds: Box::new(SliceBounds { from, to, step: None }),
        }
    }

    fn range(&mut self, range: &syn::ExprRange) -> Spanned {
        let limits = spans::tokens(&range.limits);
        let from = range.start.as_ref().map(|from| self.spanned(from));
        let to = range.end.as_ref().map(|to| self.spanned(to));
        let span = [from, to]
            .into_iter()
            .flatten()
            .fold(limits, |span, (_, part)| span.cover(part));
        let kind = ExprKind::Range(from.map(|(from, _)| from), to.map(|(to, _)| to));
        self.put(kind, span)
    }

    fn record(&mut self, record: &syn::ExprStruct) -> Spanned {
        let span = spans::qualified(record.qself.as_ref(), &record.path);
        let path = self.segments(&record.path);
        let fields = record
            .fields
            .iter()
            .map(|field| (self.member(&field.member).0, self.expression(&field.expr)))
            .collect();
        let rest = record.rest.as_ref().map(|rest| self.expression(rest));
        let end = spans::span(record.brace_token.span.close());
        self.put(ExprKind::Record { path, fields, rest }, span.cover(end))
    }

    fn assign(&mut self, target: &Expr, mode: AssignMode, value: ExprId, end: Span) -> Spanned {
        let start = spans::tokens(target);
        let kind = ExprKind::Assign {
            target: Box::new(self.place(target)),
            value: Some(value),
            ty: None,
            mode,
        };
        self.put(kind, start.cover(end))
    }

    /// `let P = value` as a condition.
    pub(super) fn test(&mut self, pat: &syn::Pat, value: ExprId) -> ExprKind {
        ExprKind::Assign {
            target: Box::new(self.pattern(pat)),
            value: Some(value),
            ty: None,
            mode: AssignMode::Test,
        }
    }

    fn the_if(&mut self, the_if: &syn::ExprIf) -> Spanned {
        let start = spans::span(the_if.if_token.span);
        let test = self.expression(&the_if.cond);
        let (then, mut end) = self.block(&the_if.then_branch);
        let otherwise = the_if.else_branch.as_ref().map(|(_, otherwise)| {
            let (otherwise, span) = self.spanned(otherwise);
            end = span;
            otherwise
        });
        let kind = ExprKind::If {
            test,
            then,
            otherwise,
        };
        self.put(kind, start.cover(end))
    }

    fn the_match(&mut self, the_match: &syn::ExprMatch) -> Spanned {
        let start = spans::span(the_match.match_token.span);
        let subject = self.expression(&the_match.expr);
        let arms = the_match
            .arms
            .iter()
            .map(|arm| Arm {
                pattern: self.pattern(&arm.pat),
                guard: self.guard(&arm.pat),
                body: self.expression(&arm.body),
            })
            .collect();
        let end = spans::span(the_match.brace_token.span.close());
        let exhaustive = true;
        self.put(
            ExprKind::Match {
                subject,
                arms,
                exhaustive,
            },
            start.cover(end),
        )
    }

    fn for_loop(&mut self, the_loop: &syn::ExprForLoop) -> Spanned {
        let start = spans::span(the_loop.for_token.span);
        let (source, head) = self.spanned(&the_loop.expr);
        let element = self.pattern(&the_loop.pat);
        let (body, end) = self.block(&the_loop.body);
        let the_loop = Loop {
            kind: LoopKind::For,
            element: Some(element),
            source: Some(source),
            header: None,
            body,
            otherwise: None,
            label: self.label(the_loop.label.as_ref()),
            head_span: start.cover(head),
        };
        self.put(ExprKind::Loop(Box::new(the_loop)), start.cover(end))
    }

    /// `while a`, `while let P = a`, `while let P = a && b`: the condition is evaluated before every round.
    fn while_loop(&mut self, the_loop: &syn::ExprWhile) -> Spanned {
        let start = spans::span(the_loop.while_token.span);
        let (header, head) = self.spanned(&the_loop.cond);
        let (body, end) = self.block(&the_loop.body);
        let kind = if has_let(&the_loop.cond) {
            LoopKind::WhileLet
        } else {
            LoopKind::While
        };
        let the_loop = Loop {
            kind,
            element: None,
            source: None,
            header: Some(header),
            body,
            otherwise: None,
            label: self.label(the_loop.label.as_ref()),
            head_span: start.cover(head),
        };
        self.put(ExprKind::Loop(Box::new(the_loop)), start.cover(end))
    }

    fn endless_loop(&mut self, the_loop: &syn::ExprLoop) -> Spanned {
        let start = spans::span(the_loop.loop_token.span);
        let (body, end) = self.block(&the_loop.body);
        let the_loop = Loop {
            kind: LoopKind::Endless,
            element: None,
            source: None,
            header: None,
            body,
            otherwise: None,
            label: self.label(the_loop.label.as_ref()),
            head_span: start,
        };
        self.put(ExprKind::Loop(Box::new(the_loop)), start.cover(end))
    }

    fn label(&mut self, label: Option<&syn::Label>) -> Option<Name> {
        label.map(|label| self.lifetime(&label.name))
    }
}

/// The expression that an expression starts with, where its text is a chain.
fn leftmost(expr: &Expr) -> Option<&Expr> {
    match expr {
        Expr::Paren(paren) => Some(&paren.expr),
        Expr::Group(group) => Some(&group.expr),
        Expr::MethodCall(call) => Some(&call.receiver),
        Expr::Call(call) => Some(&call.func),
        Expr::Field(field) => Some(&field.base),
        Expr::Await(awaited) => Some(&awaited.base),
        Expr::Try(tried) => Some(&tried.expr),
        Expr::Cast(cast) => Some(&cast.expr),
        Expr::Index(index) => Some(&index.expr),
        Expr::Binary(binary) if !is_update(&binary.op) => Some(&binary.left),
        _ => None,
    }
}

/// Whether a condition is `let P = a` or a chain with one.
fn has_let(condition: &Expr) -> bool {
    let mut at = condition;
    loop {
        match at {
            Expr::Let(_) => return true,
            Expr::Binary(binary) if matches!(*binary.right, Expr::Let(_)) => return true,
            Expr::Binary(binary) => at = &binary.left,
            _ => return false,
        }
    }
}

const fn is_update(op: &BinOp) -> bool {
    matches!(
        op,
        BinOp::AddAssign(_)
            | BinOp::SubAssign(_)
            | BinOp::MulAssign(_)
            | BinOp::DivAssign(_)
            | BinOp::RemAssign(_)
            | BinOp::BitXorAssign(_)
            | BinOp::BitAndAssign(_)
            | BinOp::BitOrAssign(_)
            | BinOp::ShlAssign(_)
            | BinOp::ShrAssign(_)
    )
}

const fn binary_op(op: &BinOp) -> BinaryOp {
    match op {
        BinOp::And(_) => BinaryOp::And,
        BinOp::Or(_) => BinaryOp::Or,
        BinOp::BitAnd(_) => BinaryOp::BitAnd,
        BinOp::BitXor(_) | BinOp::BitOr(_) => BinaryOp::Bitwise,
        BinOp::Lt(_) | BinOp::Le(_) | BinOp::Ge(_) | BinOp::Gt(_) => BinaryOp::Compare,
        BinOp::Eq(_) => BinaryOp::Equal,
        BinOp::Ne(_) => BinaryOp::Unequal,
        BinOp::Rem(_) => BinaryOp::Modulo,
        _ => BinaryOp::Arithmetic,
    }
}
