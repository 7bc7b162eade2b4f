//! Text that does not parse: as much of it as does.

use std::borrow::Cow;

use onequery_core::ProblemKind;
use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use syn::parse::{Parse, Parser as _};
use syn::{Attribute, Block, Expr, File, ImplItem, Item, Stmt, TraitItem};

use super::{Lowering, spans};

/// What a line at column 0 starts with where a new item begins.
const ITEM_STARTS: &[&str] = &[
    "#[",
    "async",
    "const",
    "enum",
    "extern",
    "fn",
    "impl",
    "macro_rules",
    "mod",
    "pub",
    "static",
    "struct",
    "trait",
    "type",
    "union",
    "unsafe",
    "use",
];

/// Parses a whole file. What is broken is left out or kept as tokens; the first trouble is reported.
pub(super) fn parse(cx: &mut Lowering, text: &str) -> File {
    spans::begin(text);
    let lexed = text.parse::<TokenStream>();
    if let Err(error) = &lexed {
        let message = "a bracket or quote is not closed, or a character is not Rust's";
        report(cx, error.span(), message);
    }
    let is_lexed = lexed.is_ok();
    // Where every chunk lexes, the whole does.
    let tokens = lexed.unwrap_or_else(|_| {
        let text = without_broken_chunks(text);
        spans::begin(&text);
        text.parse().unwrap_or_default()
    });
    syn::parse2(tokens.clone()).unwrap_or_else(|error| {
        if is_lexed {
            report(cx, error.span(), &error.to_string());
        }
        repair_file(tokens)
    })
}

fn report(cx: &mut Lowering, at: proc_macro2::Span, message: &str) {
    let message = format!("{message}; the rest of the file was analysed");
    cx.ir.problem(ProblemKind::Syntax, spans::span(at), message);
}

/// Blanks the top-level chunks that do not lex, so that offsets stay what they are.
fn without_broken_chunks(text: &str) -> String {
    let mut starts: Vec<_> = text
        .split_inclusive('\n')
        .scan(0, |at, line| {
            let start = *at;
            *at += line.len();
            Some((start, line))
        })
        .filter(|(_, line)| ITEM_STARTS.iter().any(|keyword| line.starts_with(keyword)))
        .map(|(start, _)| start)
        .collect();
    starts.insert(0, 0);
    starts.push(text.len());
    let chunks = starts.windows(2).map(|pair| &text[pair[0]..pair[1]]);
    chunks
        .map(|chunk| match chunk.parse::<TokenStream>() {
            Ok(_) => Cow::Borrowed(chunk),
            Err(_) => Cow::Owned(" ".repeat(chunk.len())),
        })
        .collect()
}

fn repair_file(tokens: TokenStream) -> File {
    let attributes_first = |input: syn::parse::ParseStream<'_>| {
        let attrs = input.call(Attribute::parse_inner)?;
        Ok((attrs, input.parse::<TokenStream>()?))
    };
    let (attrs, tokens) = attributes_first
        .parse2(tokens.clone())
        .unwrap_or((Vec::new(), tokens));
    File {
        shebang: None,
        frontmatter: None,
        attrs,
        items: repair(tokens, fill_item, Item::Verbatim),
    }
}

/// Parses item by item. `fill` puts a body, repaired, into an item that parses without it; `keep` holds what is left.
fn repair<T: Parse>(tokens: TokenStream, fill: fn(&mut T, &Group), keep: fn(TokenStream) -> T) -> Vec<T> {
    let mut items = Vec::new();
    for chunk in chunks(tokens) {
        let stream: TokenStream = chunk.iter().cloned().collect();
        let item = syn::parse2(stream.clone()).ok();
        items.push(
            item.or_else(|| repair_body(chunk, fill))
                .unwrap_or_else(|| keep(stream)),
        );
    }
    items
}

/// Parses an item with `{}` for its body, then repairs the body.
fn repair_body<T: Parse>(mut chunk: Vec<TokenTree>, fill: fn(&mut T, &Group)) -> Option<T> {
    let Some(TokenTree::Group(body)) = chunk.pop() else {
        return None;
    };
    let mut empty = Group::new(body.delimiter(), TokenStream::new());
    empty.set_span(body.span());
    chunk.push(TokenTree::Group(empty));
    let mut item = syn::parse2(chunk.into_iter().collect()).ok()?;
    fill(&mut item, &body);
    Some(item)
}

fn fill_item(item: &mut Item, body: &Group) {
    match item {
        Item::Fn(function) => function.block.stmts = repair_statements(body),
        Item::Impl(block) => block.items = repair(body.stream(), fill_impl_item, ImplItem::Verbatim),
        Item::Trait(block) => block.items = repair(body.stream(), fill_trait_item, TraitItem::Verbatim),
        Item::Mod(module) => {
            if let Some((_, items)) = &mut module.content {
                *items = repair(body.stream(), fill_item, Item::Verbatim);
            }
        }
        _ => {}
    }
}

fn fill_impl_item(item: &mut ImplItem, body: &Group) {
    if let ImplItem::Fn(function) = item {
        function.block.stmts = repair_statements(body);
    }
}

fn fill_trait_item(item: &mut TraitItem, body: &Group) {
    if let TraitItem::Fn(function) = item
        && let Some(block) = &mut function.default
    {
        block.stmts = repair_statements(body);
    }
}

/// Parses statement by statement; one that is broken becomes tokens, in which expressions are looked for later.
fn repair_statements(body: &Group) -> Vec<Stmt> {
    let tokens: Vec<_> = body.stream().into_iter().collect();
    let is_end = |token: &TokenTree| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ';');
    tokens
        .split_inclusive(is_end)
        .flat_map(|statement| {
            let statement: TokenStream = statement.iter().cloned().collect();
            Block::parse_within
                .parse2(statement.clone())
                .unwrap_or_else(|_| vec![Stmt::Expr(Expr::Verbatim(statement), None)])
        })
        .collect()
}

/// Splits tokens into what looks like one item each: up to a semicolon or a body, or up to a line that starts in the
/// same column with what starts an item.
fn chunks(tokens: TokenStream) -> Vec<Vec<TokenTree>> {
    let mut all = Vec::new();
    let mut chunk: Vec<TokenTree> = Vec::new();
    for token in tokens {
        if starts_anew(&chunk, &token) {
            all.push(std::mem::take(&mut chunk));
        }
        let is_end = match &token {
            TokenTree::Punct(punct) => punct.as_char() == ';',
            TokenTree::Group(group) => group.delimiter() == Delimiter::Brace && !wants_semicolon(&chunk),
            _ => false,
        };
        chunk.push(token);
        if is_end {
            all.push(std::mem::take(&mut chunk));
        }
    }
    all.push(chunk);
    all.retain(|chunk| !chunk.is_empty());
    all
}

/// `const X: T = T { … };`, `use a::{b, c};`
fn wants_semicolon(chunk: &[TokenTree]) -> bool {
    let mut words = chunk.iter().filter_map(|token| match token {
        TokenTree::Ident(word) => Some(word),
        _ => None,
    });
    let is_assigned = chunk
        .iter()
        .any(|token| matches!(token, TokenTree::Punct(punct) if punct.as_char() == '='));
    words.any(|word| word == "use" || (is_assigned && (word == "const" || word == "static")))
}

fn starts_anew(chunk: &[TokenTree], token: &TokenTree) -> bool {
    let starts = match token {
        TokenTree::Ident(word) => ITEM_STARTS.iter().any(|start| word == start),
        TokenTree::Punct(punct) => punct.as_char() == '#',
        _ => false,
    };
    let (Some(first), Some(last)) = (chunk.first(), chunk.last()) else {
        return false;
    };
    // The line behind an attribute belongs to it.
    let is_attribute = |pair: &[TokenTree]| matches!(pair, [TokenTree::Punct(hash), TokenTree::Group(_)] if hash.as_char() == '#');
    if !starts || chunk.chunks(2).all(is_attribute) {
        return false;
    }
    let (first, last, start) = (first.span().start(), last.span().end(), token.span().start());
    start.line > last.line && start.column <= first.column
}
