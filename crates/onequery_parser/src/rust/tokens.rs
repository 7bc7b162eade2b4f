//! Tokens that no grammar fits: what in them still reads as expressions.

use onequery_core::ir::ExprId;
use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use syn::parse::{ParseStream, Parser as _};
use syn::{Block, Expr};

use super::{Lowering, spans};

/// Longer runs are not searched for expressions, because each token would be a new start.
const MAX_RUN: usize = 300;

impl Lowering {
    /// Every run of tokens that reads as an expression with something in brackets, in source order.
    ///
    /// Plain names and literals are left out: where the grammar is unknown they may be anything.
    pub(super) fn recovered(&mut self, tokens: TokenStream) -> Vec<ExprId> {
        let mut found = Vec::new();
        if !self.ir.enter() {
            self.ir.too_deep(spans::tokens(&tokens));
            return found;
        }
        let tokens: Vec<_> = tokens.into_iter().collect();
        for run in tokens.split(is_separator) {
            self.recovered_run(run, &mut found);
        }
        self.ir.leave();
        found
    }

    fn recovered_run(&mut self, run: &[TokenTree], found: &mut Vec<ExprId>) {
        let mut at = 0;
        while at < run.len() {
            // A group at the start is a block or the like, which has statements of its own.
            if let TokenTree::Group(group) = &run[at] {
                self.recovered_group(group, found);
                at += 1;
                continue;
            }
            let rest = &run[at..];
            let prefix = if rest.len() <= MAX_RUN {
                expression_prefix(rest)
            } else {
                None
            };
            match prefix {
                Some((expr, len)) => {
                    found.push(self.expression(&expr));
                    at += len;
                }
                None => at += 1,
            }
        }
    }

    fn recovered_group(&mut self, group: &Group, found: &mut Vec<ExprId>) {
        if group.delimiter() == Delimiter::Brace
            && let Ok(statements) = Block::parse_within.parse2(group.stream())
        {
            if !statements.is_empty() {
                let span = spans::brackets(&group.delim_span());
                found.push(self.statements(&statements, span));
            }
        } else {
            found.extend(self.recovered(group.stream()));
        }
    }
}

/// An expression at the start of tokens, if it has brackets, and how many tokens it takes.
fn expression_prefix(tokens: &[TokenTree]) -> Option<(Expr, usize)> {
    let has_group = |tokens: &[TokenTree]| tokens.iter().any(|token| matches!(token, TokenTree::Group(_)));
    if !has_group(tokens) {
        return None;
    }
    let parser = |input: ParseStream<'_>| {
        let expr = Expr::parse_without_eager_brace(input)?;
        let rest: TokenStream = input.parse()?;
        Ok((expr, rest.into_iter().count()))
    };
    let (expr, rest) = parser.parse2(tokens.iter().cloned().collect()).ok()?;
    let len = tokens.len() - rest;
    has_group(&tokens[..len]).then_some((expr, len))
}

/// `,`, `;`, `=` and what starts with it: `pattern => value`, `static ref NAME: T = value`.
fn is_separator(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Punct(punct) if matches!(punct.as_char(), ',' | ';' | '='))
}
