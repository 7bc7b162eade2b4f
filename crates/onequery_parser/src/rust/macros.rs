//! Macro calls: arguments where they read as such, else blocks, items or whatever expressions they hold.

use onequery_core::Span;
use onequery_core::ir::{Arg, CollectionKind, ExprId, ExprKind, FnIx, Literal, Spread};
use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::ext::IdentExt as _;
use syn::parse::{Parse, ParseStream, Parser as _};
use syn::punctuated::Punctuated;
use syn::{Block, Expr, ExprBlock, Ident, Item, Macro, Pat, Result, Stmt, Token, Type};

use super::attributes::{is_test_name, positional};
use super::expressions::Spanned;
use super::{Lowering, spans};

impl Lowering {
    /// `name!(…)` as an expression.
    pub(super) fn macro_expression(&mut self, call: &Macro) -> Spanned {
        let span = spans::macro_call(call);
        if let Some(expansion) = self.expand(call)
            && let Ok(statements) = Block::parse_within.parse2(expansion)
        {
            let expression = self.expanded(|cx| match &*statements {
                [Stmt::Expr(expr, None)] => cx.expression(expr),
                statements => cx.statements(statements, span),
            });
            return (expression, span);
        }
        (self.macro_call(call, span), span)
    }

    /// `name!(…);` as a statement; what it expands to may bind names for the statements behind it.
    pub(super) fn macro_statement(&mut self, call: &Macro, items: &mut Vec<ExprId>) {
        if let Some(expansion) = self.expand(call)
            && let Ok(statements) = Block::parse_within.parse2(expansion)
        {
            self.expanded(|cx| {
                for statement in &statements {
                    cx.statement(statement, items);
                }
            });
            return;
        }
        items.push(self.macro_call(call, spans::macro_call(call)));
    }

    /// `name!(…)` among items.
    pub(super) fn item_macro(&mut self, call: &Macro, here: &mut Vec<ExprId>) {
        let expansion = self.expand(call);
        let is_expanded = expansion.is_some();
        let tokens = expansion.unwrap_or_else(|| call.tokens.clone());
        if let Ok(file) = syn::parse2::<syn::File>(tokens)
            && (is_expanded || !file.items.is_empty() && !file.items.iter().any(is_unknown))
        {
            self.expanded(|cx| {
                for item in &file.items {
                    cx.item(item, here);
                }
            });
            return;
        }
        // What defines tests (`proptest! { #[test] fn … }`) would look like code of the file's top level.
        let defines_tests = call
            .path
            .segments
            .last()
            .is_some_and(|last| is_test_name(&last.ident));
        let at_top_level = self.place.function == FnIx(0);
        if !(at_top_level && (defines_tests || self.place.is_test)) {
            here.push(self.macro_call(call, spans::macro_call(call)));
        }
    }

    fn macro_call(&mut self, call: &Macro, span: Span) -> ExprId {
        let name = call
            .path
            .segments
            .last()
            .map(|last| last.ident.to_string())
            .unwrap_or_default();
        // A `yield` in `stream! { … }` is the macro's, not the function's.
        let function = self.place.function;
        let is_generator = self.ir.function_mut(function).is_generator;
        let lowered = self.known_macro(&name, call, span).unwrap_or_else(|| {
            let callee = self.macro_path(&call.path);
            let args = self.macro_args_in(call.tokens.clone(), spans::brackets(call.delimiter.span()));
            self.call(callee, args, span)
        });
        self.ir.function_mut(function).is_generator = is_generator;
        lowered
    }

    /// Macros whose syntax is their own.
    fn known_macro(&mut self, name: &str, call: &Macro, span: Span) -> Option<ExprId> {
        let tokens = || call.tokens.clone();
        match name {
            "vec" => {
                let (value, times) = repeat.parse2(tokens()).ok()?;
                let kind = ExprKind::Repeat(self.expression(&value), self.expression(&times));
                Some(self.ir.expr(kind, span))
            }
            // The pattern's names are bound for the guard alone, which is all that is evaluated behind it.
            "matches" | "assert_matches" => {
                let values = matches.parse2(tokens()).ok()?;
                let callee = self.macro_path(&call.path);
                let args = values
                    .iter()
                    .map(|value| positional(self.expression(value)))
                    .collect();
                Some(self.call(callee, args, span))
            }
            "json" => {
                let value = Json::parse.parse2(tokens()).ok()?;
                let callee = self.macro_path(&call.path);
                let value = self.json(&value);
                Some(self.call(callee, Box::new([positional(value)]), span))
            }
            "format" | "format_args" => self.format(call.tokens.clone(), span),
            "select" | "select_biased" => {
                let arms = select.parse2(tokens()).ok()?;
                let children = arms.iter().map(|arm| self.select_arm(arm)).collect();
                Some(self.ir.opaque(children, span))
            }
            "table" => {
                let first = call.tokens.clone().into_iter().find_map(table_name)?;
                let callee = self.macro_path(&call.path);
                let name = ExprKind::Name(self.ident(&first));
                let name = self.ir.expr(name, spans::span(first.span()));
                let rest = self.ir.opaque(Vec::new(), spans::brackets(call.delimiter.span()));
                let args = Box::new([positional(name), positional(rest)]);
                Some(self.call(callee, args, span))
            }
            _ => None,
        }
    }

    /// `format!("… {id}", other)`: the text, what it captures, then the arguments.
    fn format(&mut self, tokens: TokenStream, span: Span) -> Option<ExprId> {
        let args = list.parse2(tokens).ok()?;
        let text = match &args.first()?.value {
            Value::Expr(Expr::Lit(syn::ExprLit {
                lit: syn::Lit::Str(text),
                ..
            })) => text,
            _ => return None,
        };
        let place = spans::span(text.span());
        let name = self.ir.name(&text.value());
        let mut parts = vec![self.ir.expr(ExprKind::Literal(Literal::Str(name)), place)];
        for captured in captures(&text.value()) {
            let name = self.ir.name(captured);
            parts.push(self.ir.expr(ExprKind::Name(name), place));
        }
        let rest: Vec<ExprId> = args.iter().skip(1).map(|arg| self.macro_arg(arg).value).collect();
        parts.extend(rest);
        Some(self.ir.expr(ExprKind::Format(parts.into()), span))
    }

    /// `sqlx::query!` is the path of `sqlx` and `query!`.
    fn macro_path(&mut self, path: &syn::Path) -> ExprId {
        let span = spans::path(path);
        let mut segments = self.segments(path).into_vec();
        if let (Some(name), Some(last)) = (segments.last_mut(), path.segments.last()) {
            *name = self.ir.name(&format!("{}!", last.ident.unraw()));
        }
        let kind = match *segments {
            [name] => ExprKind::Name(name),
            _ => ExprKind::Path {
                segments: segments.into(),
                args: Box::default(),
            },
        };
        self.ir.expr(kind, span)
    }

    fn call(&mut self, callee: ExprId, args: Box<[Arg]>, span: Span) -> ExprId {
        let kind = ExprKind::Call {
            callee,
            args,
            generics: Box::default(),
        };
        self.ir.expr(kind, span)
    }

    /// The arguments of a macro or attribute whose grammar is not known.
    pub(super) fn macro_args(&mut self, tokens: TokenStream) -> Box<[Arg]> {
        let span = spans::tokens(&tokens);
        self.macro_args_in(tokens, span)
    }

    fn macro_args_in(&mut self, tokens: TokenStream, span: Span) -> Box<[Arg]> {
        if let Ok(list) = list.parse2(tokens.clone()) {
            return list.iter().map(|arg| self.macro_arg(arg)).collect();
        }
        let only = match Block::parse_within.parse2(tokens.clone()) {
            Ok(statements) => self.statements(&statements, span),
            Err(_) => {
                let children = self.recovered(tokens);
                self.ir.opaque(children, span)
            }
        };
        Box::new([positional(only)])
    }

    fn macro_arg(&mut self, arg: &MacroArg) -> Arg {
        let name = arg.name.as_ref().map(|name| self.ir.name(name));
        let value = match &arg.value {
            Value::Expr(expr) => self.expression(expr),
            Value::Type(ty) => self.type_value(ty),
        };
        Arg {
            name,
            value,
            spread: Spread::No,
        }
    }

    /// `query_as!(Vec<User>, …)`: a type where values stand.
    fn type_value(&mut self, ty: &Type) -> ExprId {
        let span = spans::tokens(ty);
        let kind = match ty {
            Type::Path(path) => self.path(path.qself.as_ref(), &path.path),
            _ => ExprKind::Opaque(Box::default()),
        };
        self.ir.expr(kind, span)
    }

    fn json(&mut self, json: &Json) -> ExprId {
        let (kind, values, span) = match json {
            Json::Value(value) => return self.expression(value),
            Json::List(values, span) => (CollectionKind::List, values, *span),
            Json::Map(values, span) => (CollectionKind::Dict, values, *span),
        };
        let values = values.iter().map(|value| self.json(value)).collect();
        self.ir.expr(ExprKind::Collection(kind, values), span)
    }

    /// `Some(x) = future, if guard => body`: whichever is ready first binds and runs.
    fn select_arm(&mut self, arm: &SelectArm) -> ExprId {
        let Some((pat, future)) = &arm.future else {
            return self.expression(&arm.body);
        };
        let (future, start) = self.spanned(future);
        let awaited = self.ir.expr(ExprKind::Await(future), start);
        let test = self.test(pat, awaited);
        let mut test = self.ir.expr(test, start);
        if let Some(guard) = &arm.guard {
            let guard = self.expression(guard);
            let both = ExprKind::Binary(onequery_core::ir::BinaryOp::And, guard, test);
            test = self.ir.expr(both, start);
        }
        let (then, end) = self.spanned(&arm.body);
        let kind = ExprKind::If {
            test,
            then,
            otherwise: None,
        };
        self.ir.expr(kind, start.cover(end))
    }
}

/// The variables that a format text names: `id` of `"{id:>5}"`.
fn captures(text: &str) -> impl Iterator<Item = &str> {
    let pieces = text.split('{').skip(1);
    let names = pieces.map(|piece| piece.split(['}', ':']).next().unwrap_or(""));
    names.filter(|name| syn::parse_str::<Ident>(name).is_ok())
}

fn is_unknown(item: &Item) -> bool {
    matches!(item, Item::Verbatim(_))
}

/// One argument: `expr`, `name = expr`, `name: expr`, `%expr`, `?expr`, `Type`.
struct MacroArg {
    name: Option<String>,
    value: Value,
}

enum Value {
    Expr(Expr),
    Type(Type),
}

/// Arguments between commas; `key => value` is two of them.
fn list(input: ParseStream<'_>) -> Result<Vec<MacroArg>> {
    let mut list = Vec::new();
    while !input.is_empty() {
        list.push(input.call(argument)?);
        if input.peek(Token![=>]) {
            input.parse::<Token![=>]>()?;
            list.push(input.call(argument)?);
        }
        if !input.is_empty() {
            input.parse::<Token![,]>()?;
        }
    }
    Ok(list)
}

fn argument(input: ParseStream<'_>) -> Result<MacroArg> {
    let name = input.call(keyword)?;
    // `tracing` writes `%value` and `?value` for how a value is shown.
    if input.peek(Token![%]) {
        input.parse::<Token![%]>()?;
    } else if input.peek(Token![?]) {
        input.parse::<Token![?]>()?;
    }
    let ahead = input.fork();
    let value = match ahead.parse::<Expr>() {
        Ok(expr) if ahead.is_empty() || ahead.peek(Token![,]) || ahead.peek(Token![=>]) => {
            syn::parse::discouraged::Speculative::advance_to(input, &ahead);
            Value::Expr(expr)
        }
        _ => Value::Type(input.parse()?),
    };
    Ok(MacroArg { name, value })
}

/// `name =` or `a.b:` in front of a value.
fn keyword(input: ParseStream<'_>) -> Result<Option<String>> {
    let ahead = input.fork();
    let Ok(first) = ahead.call(Ident::parse_any) else {
        return Ok(None);
    };
    let mut name = first.unraw().to_string();
    while ahead.peek(Token![.]) && !ahead.peek(Token![..]) {
        ahead.parse::<Token![.]>()?;
        let Ok(part) = ahead.call(Ident::parse_any) else {
            return Ok(None);
        };
        name = format!("{name}.{}", part.unraw());
    }
    let is_assign = ahead.peek(Token![=]) && !ahead.peek(Token![==]) && !ahead.peek(Token![=>]);
    let is_colon = ahead.peek(Token![:]) && !ahead.peek(Token![::]);
    if !is_assign && !is_colon {
        return Ok(None);
    }
    ahead.parse::<TokenTree>()?;
    syn::parse::discouraged::Speculative::advance_to(input, &ahead);
    Ok(Some(name))
}

/// `x; n`
fn repeat(input: ParseStream<'_>) -> Result<(Expr, Expr)> {
    let value = input.parse()?;
    input.parse::<Token![;]>()?;
    Ok((value, input.parse()?))
}

/// `value, pattern if guard`: the value and the guard.
fn matches(input: ParseStream<'_>) -> Result<Vec<Expr>> {
    let mut values = vec![input.parse()?];
    input.parse::<Token![,]>()?;
    input.call(Pat::parse_multi_with_leading_vert)?;
    if input.peek(Token![if]) {
        input.parse::<Token![if]>()?;
        values.push(input.parse()?);
    }
    // `assert_matches!(value, pattern, "message {}", args)`
    input.parse::<TokenStream>()?;
    Ok(values)
}

/// `users` of `users (id) { … }`, behind `use diesel::sql_types::*;` and attributes.
fn table_name(token: TokenTree) -> Option<Ident> {
    match token {
        TokenTree::Ident(ident) => Some(ident),
        _ => None,
    }
}

/// What `json!` takes.
enum Json {
    /// Keys and values in turn.
    Map(Vec<Json>, Span),
    List(Vec<Json>, Span),
    Value(Box<Expr>),
}

impl Parse for Json {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let ahead = input.fork();
        if let Ok(TokenTree::Group(group)) = ahead.parse::<TokenTree>()
            && (ahead.is_empty() || ahead.peek(Token![,]))
        {
            let span = spans::brackets(&group.delim_span());
            let nested = match group.delimiter() {
                Delimiter::Brace => Some(Self::Map(json_pairs.parse2(group.stream())?, span)),
                Delimiter::Bracket => {
                    let list = Punctuated::<Self, Token![,]>::parse_terminated.parse2(group.stream())?;
                    Some(Self::List(list.into_iter().collect(), span))
                }
                Delimiter::Parenthesis | Delimiter::None => None,
            };
            if let Some(nested) = nested {
                input.parse::<TokenTree>()?;
                return Ok(nested);
            }
        }
        Ok(Self::Value(input.parse()?))
    }
}

/// `"key": value, (key): value`
fn json_pairs(input: ParseStream<'_>) -> Result<Vec<Json>> {
    let mut pairs = Vec::new();
    while !input.is_empty() {
        pairs.push(Json::Value(input.parse()?));
        input.parse::<Token![:]>()?;
        pairs.push(input.parse()?);
        if !input.is_empty() {
            input.parse::<Token![,]>()?;
        }
    }
    Ok(pairs)
}

/// One arm of `tokio::select!` or `futures::select!`; `else`, `complete` and `default` have no future.
struct SelectArm {
    future: Option<(Pat, Expr)>,
    guard: Option<Expr>,
    body: Expr,
}

fn select(input: ParseStream<'_>) -> Result<Vec<SelectArm>> {
    // `biased;`
    if input.peek(Ident) && input.peek2(Token![;]) {
        input.parse::<Ident>()?;
        input.parse::<Token![;]>()?;
    }
    let mut arms = Vec::new();
    while !input.is_empty() {
        arms.push(input.call(select_arm)?);
    }
    Ok(arms)
}

fn select_arm(input: ParseStream<'_>) -> Result<SelectArm> {
    let future = if input.peek(Ident::peek_any) && input.peek2(Token![=>]) {
        input.call(Ident::parse_any)?;
        None
    } else {
        let pat = input.call(Pat::parse_multi_with_leading_vert)?;
        input.parse::<Token![=]>()?;
        Some((pat, input.parse()?))
    };
    let mut guard = None;
    if input.peek(Token![,]) {
        input.parse::<Token![,]>()?;
        input.parse::<Token![if]>()?;
        guard = Some(input.parse()?);
    }
    input.parse::<Token![=>]>()?;
    let body = match input.peek(syn::token::Brace) {
        true => Expr::Block(ExprBlock {
            attrs: Vec::new(),
            label: None,
            block: input.parse()?,
        }),
        false => input.parse()?,
    };
    if input.peek(Token![,]) {
        input.parse::<Token![,]>()?;
    }
    Ok(SelectArm { future, guard, body })
}
