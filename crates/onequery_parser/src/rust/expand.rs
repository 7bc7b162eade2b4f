//! The file's own `macro_rules!`, where one simple rule is all they have.
//!
//! Hygiene is ignored, and tokens of a macro's body get the place of its call: that is where a finding belongs.

use std::rc::Rc;

use proc_macro2::{Delimiter, Group, Ident, Punct, Spacing, Span, TokenStream, TokenTree};
use rustc_hash::FxHashMap;
use syn::parse::{Parse, ParseStream, Parser as _};
use syn::{Block, Expr, Macro, Pat, Path, Stmt, Type};

use super::Lowering;
use super::shape::{self, Shape};

/// How deep expansions may nest: a macro may call itself.
const MAX_EXPANSIONS: u32 = 8;
/// How many tokens the expansions of one file may give altogether.
const MAX_TOKENS: usize = 20_000;
/// Heavier expansions are not parsed: they add to the stack that the file itself was measured for.
const MAX_EXPANSION_TEXT: usize = 100_000;

/// `(matcher) => { body }`
pub(super) struct Rule {
    matcher: Vec<Part>,
    body: Vec<Part>,
}

/// A piece of a matcher or of a body.
enum Part {
    Token(TokenTree),
    Group(Delimiter, Vec<Part>),
    /// `$name:kind` in a matcher, `$name` in a body.
    Variable {
        name: String,
        kind: String,
    },
    /// `$( … ) separator *`
    Repeat {
        parts: Vec<Part>,
        separator: Option<Punct>,
        at_least: usize,
    },
}

/// What a variable stands for: tokens, or tokens for each round of a repetition.
enum Bound {
    Once(TokenStream),
    Rounds(Vec<TokenStream>),
}

type Bindings = FxHashMap<String, Bound>;

impl Lowering {
    /// Notes `macro_rules! name { … }`. One that is not understood forgets an older one of the same name.
    pub(super) fn remember_rules(&mut self, name: &Ident, definition: &Macro) {
        let called = self.ir.name(&format!("{name}!"));
        let name = self.ident(name);
        let is_rules = definition.path.is_ident("macro_rules");
        let always_returns = is_rules && always_returns(definition.tokens.clone());
        self.ir.macro_rules(called, always_returns);
        let rule = is_rules.then(|| rule(definition.tokens.clone())).flatten();
        match rule {
            Some(rule) => self.rules.insert(name, Rc::new(rule)),
            None => self.rules.remove(&name),
        };
    }

    /// What a call of one of the file's macros stands for. Lower it inside [`Self::expanded`].
    pub(super) fn expand(&mut self, call: &Macro) -> Option<TokenStream> {
        if self.rules.is_empty() || self.expanding >= MAX_EXPANSIONS {
            return None;
        }
        let name = self.ident(call.path.get_ident()?);
        let rule = Rc::clone(self.rules.get(&name)?);
        let input: Vec<_> = call.tokens.clone().into_iter().collect();
        let mut bindings = Bindings::default();
        let rest = bind(&rule.matcher, &input, &mut bindings)?;
        if !rest.is_empty() {
            return None;
        }
        let close = call.delimiter.span().close();
        let place = call
            .path
            .segments
            .first()?
            .ident
            .span()
            .join(close)
            .unwrap_or(close);
        let mut budget = MAX_TOKENS.saturating_sub(self.expanded);
        let expansion = substitute(&rule.body, &bindings, None, place, &mut budget)?;
        self.expanded = MAX_TOKENS - budget;
        is_light(&expansion).then_some(expansion)
    }

    /// Lowers what [`Self::expand`] gave.
    pub(super) fn expanded<T>(&mut self, inner: impl FnOnce(&mut Self) -> T) -> T {
        self.expanding += 1;
        let value = inner(self);
        self.expanding -= 1;
        value
    }
}

fn is_light(expansion: &TokenStream) -> bool {
    let text = expansion.to_string();
    text.len() <= MAX_EXPANSION_TEXT && shape::measure(&text) == Shape::Ordinary
}

/// Whether each rule of a definition has a `return` that nothing decides about.
fn always_returns(tokens: TokenStream) -> bool {
    let tokens: Vec<_> = tokens.into_iter().collect();
    let mut rules = tokens.split(|token| matches!(token, TokenTree::Punct(end) if end.as_char() == ';'));
    let body = |rule: &[TokenTree]| match rule {
        [.., TokenTree::Group(body)] => Some(body.stream()),
        _ => None,
    };
    !tokens.is_empty() && rules.all(|rule| rule.is_empty() || body(rule).is_some_and(returns))
}

/// Whether a statement of a macro's body, which may stand in braces of its own, is a `return`.
fn returns(body: TokenStream) -> bool {
    let tokens: Vec<_> = body.into_iter().collect();
    if let [TokenTree::Group(block)] = &tokens[..] {
        return block.delimiter() == Delimiter::Brace && returns(block.stream());
    }
    let begins = |before: Option<&TokenTree>| match before {
        None => true,
        Some(TokenTree::Punct(end)) => end.as_char() == ';',
        Some(TokenTree::Group(block)) => block.delimiter() == Delimiter::Brace,
        Some(_) => false,
    };
    tokens.iter().enumerate().any(|(ix, token)| {
        let is_return = matches!(token, TokenTree::Ident(ident) if ident == "return");
        is_return && begins(ix.checked_sub(1).map(|before| &tokens[before]))
    })
}

/// Reads a definition that has exactly one rule.
fn rule(tokens: TokenStream) -> Option<Rule> {
    let tokens: Vec<_> = tokens.into_iter().collect();
    let (TokenTree::Group(matcher), rest) = tokens.split_first()? else {
        return None;
    };
    let [
        TokenTree::Punct(equals),
        TokenTree::Punct(arrow),
        TokenTree::Group(body),
        end @ ..,
    ] = rest
    else {
        return None;
    };
    let is_arrow = equals.as_char() == '=' && arrow.as_char() == '>';
    let is_last = matches!(end, []) || matches!(end, [TokenTree::Punct(end)] if end.as_char() == ';');
    if !is_arrow || !is_last {
        return None;
    }
    Some(Rule {
        matcher: parts(matcher.stream(), true)?,
        body: parts(body.stream(), false)?,
    })
}

fn parts(tokens: TokenStream, is_matcher: bool) -> Option<Vec<Part>> {
    let tokens: Vec<_> = tokens.into_iter().collect();
    let mut parts_found = Vec::new();
    let mut rest = &*tokens;
    while let Some((first, behind)) = rest.split_first() {
        let (part, behind) = match first {
            TokenTree::Punct(dollar) if dollar.as_char() == '$' => variable(behind, is_matcher)?,
            TokenTree::Group(group) => (
                Part::Group(group.delimiter(), parts(group.stream(), is_matcher)?),
                behind,
            ),
            token => (Part::Token(token.clone()), behind),
        };
        parts_found.push(part);
        rest = behind;
    }
    Some(parts_found)
}

/// What stands behind a dollar sign.
fn variable(behind: &[TokenTree], is_matcher: bool) -> Option<(Part, &[TokenTree])> {
    match behind {
        // `$crate::path`
        [TokenTree::Ident(name), rest @ ..] if name == "crate" => {
            Some((Part::Token(TokenTree::Ident(name.clone())), rest))
        }
        [
            TokenTree::Ident(name),
            TokenTree::Punct(colon),
            TokenTree::Ident(kind),
            rest @ ..,
        ] if is_matcher && colon.as_char() == ':' => {
            let (name, kind) = (name.to_string(), kind.to_string());
            Some((Part::Variable { name, kind }, rest))
        }
        [TokenTree::Ident(name), rest @ ..] if !is_matcher => {
            let (name, kind) = (name.to_string(), String::new());
            Some((Part::Variable { name, kind }, rest))
        }
        [TokenTree::Group(group), rest @ ..] if group.delimiter() == Delimiter::Parenthesis => {
            let parts = parts(group.stream(), is_matcher)?;
            // A repetition in a repetition would want a variable's rounds to have rounds.
            if parts.iter().any(|part| matches!(part, Part::Repeat { .. })) {
                return None;
            }
            let (separator, operator, rest) = match rest {
                [TokenTree::Punct(operator), rest @ ..] if is_operator(operator) => (None, operator, rest),
                [TokenTree::Punct(separator), TokenTree::Punct(operator), rest @ ..]
                    if is_operator(operator) =>
                {
                    (Some(separator.clone()), operator, rest)
                }
                _ => return None,
            };
            let at_least = usize::from(operator.as_char() == '+');
            Some((
                Part::Repeat {
                    parts,
                    separator,
                    at_least,
                },
                rest,
            ))
        }
        _ => None,
    }
}

fn is_operator(punct: &Punct) -> bool {
    matches!(punct.as_char(), '*' | '+' | '?')
}

/// Matches tokens from the left; gives what is left over.
fn bind<'a>(
    matcher: &[Part],
    mut input: &'a [TokenTree],
    bindings: &mut Bindings,
) -> Option<&'a [TokenTree]> {
    for part in matcher {
        input = match part {
            Part::Token(token) => {
                let (first, rest) = input.split_first()?;
                (first.to_string() == token.to_string()).then_some(rest)?
            }
            Part::Group(delimiter, parts) => {
                let (TokenTree::Group(group), rest) = input.split_first()? else {
                    return None;
                };
                let inner: Vec<_> = group.stream().into_iter().collect();
                let left = bind(parts, &inner, bindings)?;
                (group.delimiter() == *delimiter && left.is_empty()).then_some(rest)?
            }
            Part::Variable { name, kind } => {
                let (bound, rest) = fragment(kind, input)?;
                bindings.insert(name.clone(), Bound::Once(bound));
                rest
            }
            Part::Repeat {
                parts,
                separator,
                at_least,
            } => bind_rounds(parts, separator.as_ref(), *at_least, input, bindings)?,
        };
    }
    Some(input)
}

fn bind_rounds<'a>(
    parts: &[Part],
    separator: Option<&Punct>,
    at_least: usize,
    mut input: &'a [TokenTree],
    bindings: &mut Bindings,
) -> Option<&'a [TokenTree]> {
    for name in names(parts) {
        bindings.insert(name.to_owned(), Bound::Rounds(Vec::new()));
    }
    let mut n_rounds = 0;
    while !input.is_empty() {
        let mut start = input;
        if let Some(separator) = separator.filter(|_| n_rounds > 0) {
            match input.split_first() {
                Some((TokenTree::Punct(punct), rest)) if punct.as_char() == separator.as_char() => {
                    start = rest
                }
                _ => break,
            }
        }
        let mut round = Bindings::default();
        let Some(rest) = bind(parts, start, &mut round).filter(|rest| rest.len() < input.len()) else {
            break;
        };
        for (name, bound) in names(parts).filter_map(|name| round.remove_entry(name)) {
            if let (Some(Bound::Rounds(rounds)), Bound::Once(tokens)) = (bindings.get_mut(&name), bound) {
                rounds.push(tokens);
            }
        }
        input = rest;
        n_rounds += 1;
    }
    (n_rounds >= at_least).then_some(input)
}

/// The variables of parts, without those of repetitions.
fn names(parts: &[Part]) -> impl Iterator<Item = &str> {
    let mut names = Vec::new();
    let mut rest: Vec<_> = parts.iter().collect();
    while let Some(part) = rest.pop() {
        match part {
            Part::Variable { name, .. } => names.push(name.as_str()),
            Part::Group(_, parts) => rest.extend(parts),
            Part::Token(_) | Part::Repeat { .. } => {}
        }
    }
    names.into_iter()
}

/// What `$x:kind` takes from the left of the input.
fn fragment<'a>(kind: &str, input: &'a [TokenTree]) -> Option<(TokenStream, &'a [TokenTree])> {
    let len = match (kind, input) {
        ("tt", [_, ..]) | ("ident", [TokenTree::Ident(_), ..]) | ("literal", [TokenTree::Literal(_), ..]) => {
            1
        }
        ("literal", [TokenTree::Punct(minus), TokenTree::Literal(_), ..]) if minus.as_char() == '-' => 2,
        ("literal", [TokenTree::Ident(truth), ..]) if truth == "true" || truth == "false" => 1,
        ("lifetime", [TokenTree::Punct(quote), TokenTree::Ident(_), ..]) if quote.as_char() == '\'' => 2,
        ("expr", _) => length(Expr::parse, input)?,
        ("ty", _) => length(Type::parse, input)?,
        ("path", _) => length(Path::parse, input)?,
        ("block", _) => length(Block::parse, input)?,
        ("stmt", _) => length(Stmt::parse, input)?,
        ("pat" | "pat_param", _) => length(Pat::parse_multi_with_leading_vert, input)?,
        _ => return None,
    };
    let (taken, rest) = input.split_at(len);
    let tokens: TokenStream = taken.iter().cloned().collect();
    // `$x * 2` with `a + b` for `$x` is `(a + b) * 2`.
    let tokens = match kind {
        "expr" | "ty" => TokenTree::Group(Group::new(Delimiter::None, tokens)).into(),
        _ => tokens,
    };
    Some((tokens, rest))
}

fn length<T>(parser: fn(ParseStream<'_>) -> syn::Result<T>, input: &[TokenTree]) -> Option<usize> {
    let rest = |input: ParseStream<'_>| {
        parser(input)?;
        input.parse::<TokenStream>()
    };
    let rest = rest.parse2(input.iter().cloned().collect()).ok()?;
    Some(input.len() - rest.into_iter().count())
}

/// The body with its variables replaced; `round` tells which round of a repetition it is.
fn substitute(
    body: &[Part],
    bindings: &Bindings,
    round: Option<usize>,
    place: Span,
    budget: &mut usize,
) -> Option<TokenStream> {
    let mut out = TokenStream::new();
    for part in body {
        match part {
            Part::Token(token) => {
                *budget = budget.checked_sub(1)?;
                let mut token = token.clone();
                token.set_span(place);
                out.extend([token]);
            }
            Part::Group(delimiter, parts) => {
                *budget = budget.checked_sub(1)?;
                let inner = substitute(parts, bindings, round, place, budget)?;
                let mut group = Group::new(*delimiter, inner);
                group.set_span(place);
                out.extend([TokenTree::Group(group)]);
            }
            Part::Variable { name, .. } => {
                let tokens = match (bindings.get(name), round) {
                    (Some(Bound::Once(tokens)), _) => tokens.clone(),
                    (Some(Bound::Rounds(rounds)), Some(round)) => rounds.get(round)?.clone(),
                    // `$name` that no matcher binds is for an inner macro.
                    _ => return None,
                };
                *budget = budget.checked_sub(n_tokens(&tokens))?;
                out.extend(tokens);
            }
            Part::Repeat { parts, separator, .. } => {
                for round in 0..n_rounds(parts, bindings)? {
                    if let Some(separator) = separator.as_ref().filter(|_| round > 0) {
                        let mut separator = Punct::new(separator.as_char(), Spacing::Alone);
                        separator.set_span(place);
                        out.extend([TokenTree::Punct(separator)]);
                    }
                    out.extend(substitute(parts, bindings, Some(round), place, budget)?);
                }
            }
        }
    }
    Some(out)
}

fn n_rounds(parts: &[Part], bindings: &Bindings) -> Option<usize> {
    names(parts).find_map(|name| match bindings.get(name) {
        Some(Bound::Rounds(rounds)) => Some(rounds.len()),
        _ => None,
    })
}

fn n_tokens(tokens: &TokenStream) -> usize {
    let inner = |token: TokenTree| match token {
        TokenTree::Group(group) => 1 + n_tokens(&group.stream()),
        _ => 1,
    };
    tokens.clone().into_iter().map(inner).sum()
}
