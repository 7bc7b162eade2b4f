//! Blocks and statements.

use onequery_core::Span;
use onequery_core::ir::{AssignMode, ExprId, ExprKind, Pattern};
use syn::{Block, Expr, Local, Pat, Stmt};

use super::expressions::Spanned;
use super::{Lowering, spans};

impl Lowering {
    /// `{ … }`
    pub(super) fn block(&mut self, block: &Block) -> Spanned {
        let span = spans::brackets(&block.brace_token.span);
        (self.statements(&block.stmts, span), span)
    }

    /// Statements as a block; the last one is its value if it has no semicolon.
    pub(super) fn statements(&mut self, statements: &[Stmt], span: Span) -> ExprId {
        let mut items = Vec::new();
        for statement in statements {
            self.statement(statement, &mut items);
        }
        let value = match statements.last() {
            Some(Stmt::Expr(_, semicolon)) => semicolon.is_none(),
            Some(Stmt::Macro(call)) => call.semi_token.is_none(),
            Some(Stmt::Local(_) | Stmt::Item(_)) | None => false,
        };
        let value = value && !items.is_empty();
        self.ir.expr(
            ExprKind::Block {
                items: items.into(),
                value,
            },
            span,
        )
    }

    pub(super) fn statement(&mut self, statement: &Stmt, items: &mut Vec<ExprId>) {
        match statement {
            Stmt::Local(local) => items.push(self.local(local)),
            Stmt::Item(item) => self.item(item, items),
            // A semicolon that stands alone.
            Stmt::Expr(Expr::Verbatim(tokens), Some(_)) if tokens.is_empty() => {}
            Stmt::Expr(expr, _) => items.push(self.expression(expr)),
            Stmt::Macro(call) => self.macro_statement(&call.mac, items),
        }
    }

    fn local(&mut self, local: &Local) -> ExprId {
        let start = spans::span(local.let_token.span);
        let (pat, ty) = match &local.pat {
            Pat::Type(typed) => (&*typed.pat, Some(self.ty(&typed.ty))),
            pat => (pat, None),
        };
        let end = spans::span(local.semi_token.span);
        let Some(init) = &local.init else {
            return self.bind(pat, None, ty, AssignMode::Let, start.cover(end));
        };
        let (value, value_span) = self.spanned(&init.expr);
        let Some((_, diverge)) = &init.diverge else {
            return self.bind(pat, Some(value), ty, AssignMode::Let, start.cover(end));
        };
        // `let Some(a) = b else { return };` binds for what follows in the same block, so the `if` holds nothing but
        // the test and the way out.
        let test = self.bind(pat, Some(value), ty, AssignMode::Test, start.cover(value_span));
        let then = self.statements(&[], Span::new(value_span.end, value_span.end));
        let otherwise = Some(self.expression(diverge));
        let kind = ExprKind::If {
            test,
            then,
            otherwise,
        };
        self.ir.expr(kind, start.cover(end))
    }

    fn bind(
        &mut self,
        pat: &Pat,
        value: Option<ExprId>,
        ty: Option<onequery_core::ir::TypeRef>,
        mode: AssignMode,
        span: Span,
    ) -> ExprId {
        let target = self.binding(pat, mode);
        let kind = ExprKind::Assign {
            target: Box::new(target),
            value,
            ty: ty.map(Box::new),
            mode,
        };
        self.ir.expr(kind, span)
    }

    /// `let Lowercase = …` cannot fail to match, so a lone name is always bound by it.
    fn binding(&mut self, pat: &Pat, mode: AssignMode) -> Pattern {
        match pat {
            Pat::Ident(ident) if mode == AssignMode::Let && ident.subpat.is_none() => {
                Pattern::Name(self.ident(&ident.ident), spans::span(ident.ident.span()))
            }
            pat => self.pattern(pat),
        }
    }
}
