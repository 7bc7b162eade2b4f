//! Patterns, and the places that assignments write to.

use onequery_core::ir::{ExprId, Pattern};
use syn::{Expr, Pat};

use super::{Lowering, spans};

impl Lowering {
    /// A pattern. Literals, ranges and constants match without binding.
    pub(super) fn pattern(&mut self, pat: &Pat) -> Pattern {
        if !self.ir.enter() {
            self.ir.too_deep(spans::tokens(pat));
            return Pattern::Wildcard;
        }
        let pattern = match pat {
            Pat::Ident(ident) => self.ident_pattern(ident),
            Pat::Guard(guard) => self.pattern(&guard.pat),
            Pat::Paren(paren) => self.pattern(&paren.pat),
            Pat::Reference(reference) => self.pattern(&reference.pat),
            Pat::Type(typed) => self.pattern(&typed.pat),
            Pat::Or(or) => Pattern::Or(self.patterns(&or.cases)),
            Pat::Tuple(tuple) => Pattern::Tuple(self.patterns(&tuple.elems)),
            Pat::Slice(slice) => Pattern::Tuple(self.patterns(&slice.elems)),
            Pat::Rest(_) => Pattern::Rest(None),
            // `Status::Draft`, `i32::MAX`: whichever it is, it binds nothing.
            Pat::Path(path) => Pattern::Variant {
                path: self.segments(&path.path),
                parts: Box::default(),
            },
            Pat::TupleStruct(variant) => Pattern::Variant {
                path: self.segments(&variant.path),
                parts: variant
                    .elems
                    .iter()
                    .map(|part| (None, self.pattern(part)))
                    .collect(),
            },
            Pat::Struct(record) => Pattern::Variant {
                path: self.segments(&record.path),
                parts: record
                    .fields
                    .iter()
                    .map(|field| {
                        let (name, _) = self.member(&field.member);
                        (Some(name), self.pattern(&field.pat))
                    })
                    .collect(),
            },
            _ => Pattern::Wildcard,
        };
        self.ir.leave();
        pattern
    }

    fn patterns<'a>(&mut self, parts: impl IntoIterator<Item = &'a Pat>) -> Box<[Pattern]> {
        parts.into_iter().map(|part| self.pattern(part)).collect()
    }

    fn ident_pattern(&mut self, pat: &syn::PatIdent) -> Pattern {
        let name = self.ident(&pat.ident);
        let bound = Pattern::Name(name, spans::span(pat.ident.span()));
        match &pat.subpat {
            // `rest @ ..`
            Some((_, part)) if matches!(**part, Pat::Rest(_)) => Pattern::Rest(Some(Box::new(bound))),
            Some((_, part)) => Pattern::Bind(name, Box::new(self.pattern(part))),
            // `None`, `LIMIT`: without a resolver, the case of the first letter tells bindings from what exists.
            None if pat.by_ref.is_none() && pat.mutability.is_none() && is_upper(&pat.ident) => {
                Pattern::Variant {
                    path: Box::new([name]),
                    parts: Box::default(),
                }
            }
            None => bound,
        }
    }

    /// What `target = …` writes to.
    pub(super) fn place(&mut self, target: &Expr) -> Pattern {
        if !self.ir.enter() {
            self.ir.too_deep(spans::tokens(target));
            return Pattern::Wildcard;
        }
        let pattern = match target {
            Expr::Path(path) if path.qself.is_none() && path.path.get_ident().is_some() => {
                let ident = &path.path.segments[0].ident;
                Pattern::Name(self.ident(ident), spans::span(ident.span()))
            }
            Expr::Infer(_) => Pattern::Wildcard,
            Expr::Paren(paren) => self.place(&paren.expr),
            Expr::Group(group) => self.place(&group.expr),
            // `*slot = x`: a reference and what it refers to are one value here.
            Expr::Unary(unary) if matches!(unary.op, syn::UnOp::Deref(_)) => self.place(&unary.expr),
            Expr::Tuple(tuple) => Pattern::Tuple(self.places(&tuple.elems)),
            Expr::Array(array) => Pattern::Tuple(self.places(&array.elems)),
            Expr::Range(range) if range.start.is_none() && range.end.is_none() => Pattern::Rest(None),
            // `Some(x) = …`, `Point { x, .. } = …`
            Expr::Call(call) if matches!(*call.func, Expr::Path(_)) => self.variant_place(call),
            Expr::Struct(record) => Pattern::Variant {
                path: self.segments(&record.path),
                parts: record
                    .fields
                    .iter()
                    .map(|field| {
                        let (name, _) = self.member(&field.member);
                        (Some(name), self.place(&field.expr))
                    })
                    .collect(),
            },
            _ => Pattern::Place(self.expression(target)),
        };
        self.ir.leave();
        pattern
    }

    fn variant_place(&mut self, call: &syn::ExprCall) -> Pattern {
        let path = match &*call.func {
            Expr::Path(path) => self.segments(&path.path),
            _ => Box::default(),
        };
        let parts = call.args.iter().map(|part| (None, self.place(part))).collect();
        Pattern::Variant { path, parts }
    }

    fn places<'a>(&mut self, parts: impl IntoIterator<Item = &'a Expr>) -> Box<[Pattern]> {
        parts.into_iter().map(|part| self.place(part)).collect()
    }

    /// The condition of `P if condition`.
    pub(super) fn guard(&mut self, pat: &Pat) -> Option<ExprId> {
        match pat {
            Pat::Guard(guard) => Some(self.expression(&guard.guard)),
            _ => None,
        }
    }
}

fn is_upper(ident: &syn::Ident) -> bool {
    ident.to_string().starts_with(|first: char| first.is_uppercase())
}
