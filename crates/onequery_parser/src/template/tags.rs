//! Tags: what a template repeats, decides, binds and takes in.

use onequery_core::ir::{
    Arg, AssignMode, CollectionKind, ComprehensionKind, ExprId, ExprKind, FnIx, Function, Import, ImportKind,
    Literal, Loop, LoopKind, Param, Pattern, ScopeIx, Spread, TEMPLATE_FILTER, TEMPLATE_TAG, TemplatePart,
};
use onequery_core::{Name, Span};
use rustc_hash::FxHashMap;

use super::expressions::{Reader, call, positional};
use super::tokens::{Inside, Token, tokens};
use crate::builder::Builder;

/// Lowers a whole template.
pub(super) fn template(text: &str, out: &mut Builder) -> ExprId {
    let tokens = tokens(text);
    let mut ends: FxHashMap<&str, usize> = FxHashMap::default();
    for token in &tokens {
        if let Token::Tag(tag) = token
            && let Some(name) = tag.word().strip_prefix("end")
        {
            *ends.entry(name).or_default() += 1;
        }
    }
    let mut walk = Walk {
        tokens,
        at: 0,
        ends,
        open: Vec::new(),
        out,
    };
    let mut items = Vec::new();
    walk.content(&[], &mut items);
    let end = u32::try_from(text.len()).unwrap_or(u32::MAX);
    block(walk.out, items, Span::new(0, end))
}

/// The way through a template's tags.
struct Walk<'t, 'b> {
    tokens: Vec<Token<'t>>,
    at: usize,
    /// How many tags that end each tag are still to come.
    ends: FxHashMap<&'t str, usize>,
    /// Tags whose end is to come, innermost last.
    open: Vec<&'t str>,
    out: &'b mut Builder,
}

fn block(out: &mut Builder, items: Vec<ExprId>, span: Span) -> ExprId {
    let items = items.into();
    out.expr(ExprKind::Block { items, value: false }, span)
}

impl<'t> Walk<'t, '_> {
    fn next(&mut self) -> Option<Token<'t>> {
        let token = self.tokens.get(self.at).copied()?;
        self.at += 1;
        if let Token::Tag(tag) = token
            && let Some(count) = tag
                .word()
                .strip_prefix("end")
                .and_then(|name| self.ends.get_mut(name))
        {
            *count = count.saturating_sub(1);
        }
        Some(token)
    }

    /// Whether a tag ends one that is open.
    fn is_end(&self, tag: Inside<'t>) -> bool {
        let ended = tag.word().strip_prefix("end");
        ended.is_some_and(|name| self.open.contains(&name))
    }

    fn has_end(&self, name: &str) -> bool {
        self.ends.get(name).is_some_and(|&count| count > 0)
    }

    /// Reads what stands before the first of some tags, or before one that ends an open tag; that tag stays.
    fn content(&mut self, until: &[&str], items: &mut Vec<ExprId>) {
        while let Some(&token) = self.tokens.get(self.at) {
            match token {
                Token::Output(inside) => {
                    self.at += 1;
                    let value = Reader::new(inside, self.out).expression();
                    let parts = [value].into();
                    items.push(self.out.expr(ExprKind::Format(parts), inside.span()));
                }
                Token::Tag(tag) if until.contains(&tag.word()) || self.is_end(tag) => return,
                Token::Tag(tag) => {
                    self.next();
                    if !self.out.enter() {
                        self.out.too_deep(tag.span());
                        return;
                    }
                    self.open.push(tag.word());
                    self.tag(tag, items);
                    self.open.pop();
                    self.out.leave();
                }
            }
        }
    }

    /// What stands up to the tag that ends this one, which is taken; `middle` are tags that part it.
    fn body(&mut self, tag: Inside<'t>, middle: &[&str]) -> ExprId {
        let mut items = Vec::new();
        loop {
            self.content(middle, &mut items);
            match self.tokens.get(self.at) {
                Some(Token::Tag(next)) if middle.contains(&next.word()) => {
                    self.next();
                }
                _ => break,
            }
        }
        self.close(tag);
        block(self.out, items, tag.span())
    }

    /// Takes the tag that ends a tag, if it comes next.
    fn close(&mut self, tag: Inside<'t>) {
        if let Some(Token::Tag(next)) = self.tokens.get(self.at)
            && next.word().strip_prefix("end") == Some(tag.word())
        {
            self.next();
        }
    }

    fn tag(&mut self, tag: Inside<'t>, items: &mut Vec<ExprId>) {
        match tag.word() {
            "for" => self.for_loop(tag, items),
            "if" | "ifequal" | "ifnotequal" | "ifchanged" => {
                let branch = self.branch(tag);
                items.push(branch);
            }
            "with" => self.with(tag, items),
            "block" => self.named_block(tag, items),
            "extends" => {
                let parent = Reader::new(tag.rest(), self.out).expression();
                items.push(self.part(TemplatePart::Extends(parent), tag.span()));
            }
            "include" => self.include(tag, items),
            "load" => self.load(tag),
            "import" | "from" => self.macros_of(tag, items),
            "macro" => self.define_macro(tag, items),
            "call" => self.call(tag, items),
            "set" => self.set(tag, items),
            "regroup" => self.regroup(tag, items),
            "filter" => self.filter(tag, items),
            "blocktrans" | "blocktranslate" | "trans" if self.has_end(tag.word()) => {
                self.translated(tag, items)
            }
            "do" => items.push(Reader::new(tag.rest(), self.out).expression()),
            "cache" => self.cached(tag, items),
            "else" | "elif" | "empty" | "plural" | "pluralize" => {}
            _ => self.custom(tag, items),
        }
    }

    fn part(&mut self, part: TemplatePart, span: Span) -> ExprId {
        self.out.expr(ExprKind::Template(Box::new(part)), span)
    }

    fn assign(&mut self, name: Name, value: ExprId, span: Span) -> ExprId {
        let kind = ExprKind::Assign {
            target: Box::new(Pattern::Name(name, span)),
            value: Some(value),
            ty: None,
            mode: AssignMode::Let,
        };
        self.out.expr(kind, span)
    }

    /// `{% for a, b in things %}`, with Jinja's condition and Django's `reversed` behind it.
    fn for_loop(&mut self, tag: Inside<'t>, items: &mut Vec<ExprId>) {
        let mut reader = Reader::new(tag.rest(), self.out);
        let mut names = Vec::new();
        while !reader.keyword("in") {
            match reader.name() {
                Some((name, span)) => names.push(Pattern::Name(name, span)),
                // `for (a, b) in things`.
                None if ["(", ")", ","].into_iter().any(|sign| reader.sign(sign)) => {}
                None => break,
            }
        }
        let source = reader.either();
        let condition = reader.keyword("if").then(|| reader.expression());
        let element = match names.len() {
            1 => names.remove(0),
            _ => Pattern::Tuple(names.into()),
        };
        let mut inner = Vec::new();
        self.content(&["else", "empty"], &mut inner);
        let otherwise = match self.tokens.get(self.at) {
            Some(Token::Tag(next)) if matches!(next.word(), "else" | "empty") => {
                self.next();
                Some(self.body(tag, &[]))
            }
            _ => {
                self.close(tag);
                None
            }
        };
        let mut body = block(self.out, inner, tag.span());
        if let Some(test) = condition {
            let kind = ExprKind::If {
                test,
                then: body,
                otherwise: None,
            };
            body = self.out.expr(kind, tag.span());
        }
        let the_loop = Loop {
            kind: LoopKind::For,
            element: Some(element),
            source: Some(source),
            header: None,
            body,
            otherwise,
            label: None,
            head_span: tag.span(),
        };
        items.push(self.out.expr(ExprKind::Loop(Box::new(the_loop)), tag.span()));
    }

    /// `{% if %}` and its kin, up to where they end.
    fn branch(&mut self, tag: Inside<'t>) -> ExprId {
        let test = self.values(tag.rest());
        let then = self.arm(tag);
        let otherwise = self.otherwise(tag);
        self.close(tag);
        let kind = ExprKind::If {
            test,
            then,
            otherwise,
        };
        self.out.expr(kind, tag.span())
    }

    fn arm(&mut self, tag: Inside<'t>) -> ExprId {
        let mut items = Vec::new();
        self.content(&["elif", "else"], &mut items);
        block(self.out, items, tag.span())
    }

    /// The rest of a branch: each `elif` is a branch in the `else` of the one before.
    fn otherwise(&mut self, tag: Inside<'t>) -> Option<ExprId> {
        let &Token::Tag(next) = self.tokens.get(self.at)? else {
            return None;
        };
        match next.word() {
            "else" => {
                self.next();
                Some(self.arm(tag))
            }
            "elif" => {
                self.next();
                if !self.out.enter() {
                    self.out.too_deep(next.span());
                    return None;
                }
                let test = self.values(next.rest());
                let then = self.arm(next);
                let otherwise = self.otherwise(tag);
                self.out.leave();
                let kind = ExprKind::If {
                    test,
                    then,
                    otherwise,
                };
                Some(self.out.expr(kind, next.span()))
            }
            _ => None,
        }
    }

    /// Several values, all of which are asked for.
    fn values(&mut self, inside: Inside<'t>) -> ExprId {
        let mut reader = Reader::new(inside, self.out);
        let mut values = vec![reader.expression()];
        while !reader.is_at_end() {
            let before = reader.place();
            values.push(reader.expression());
            if reader.place() == before {
                break;
            }
        }
        match values[..] {
            [only] => only,
            _ => self.out.opaque(values, inside.span()),
        }
    }

    /// `a=b c=d` or `b as a`, until something else comes.
    fn bindings(reader: &mut Reader<'t, '_>) -> Vec<(Name, ExprId, Span)> {
        let mut found = Vec::new();
        while !reader.is_at_end() {
            let start = reader.place();
            if let Some(name) = reader.assigned_name() {
                let value = reader.argument();
                found.push((name, value, reader.span_from(start)));
            } else if reader.keyword("and") || reader.keyword("count") || reader.sign(",") {
            } else {
                let value = reader.argument();
                let name = if reader.keyword("as") { reader.name() } else { None };
                let Some((name, _)) = name else {
                    reader.go_back(start);
                    break;
                };
                found.push((name, value, reader.span_from(start)));
            }
        }
        found
    }

    /// Variables that what follows in a tag's body sees.
    fn bound(&mut self, bindings: Vec<(Name, ExprId, Span)>, body: ExprId, items: &mut Vec<ExprId>) {
        let names: Box<[Name]> = bindings.iter().map(|(name, ..)| *name).collect();
        for (name, value, span) in bindings {
            let bound = self.assign(name, value, span);
            items.push(bound);
        }
        items.push(body);
        if !names.is_empty() {
            let span = self.out.span(body);
            items.push(self.out.expr(ExprKind::Unbind(names), span));
        }
    }

    fn with(&mut self, tag: Inside<'t>, items: &mut Vec<ExprId>) {
        let bindings = Self::bindings(&mut Reader::new(tag.rest(), self.out));
        let body = self.body(tag, &[]);
        self.bound(bindings, body, items);
    }

    fn translated(&mut self, tag: Inside<'t>, items: &mut Vec<ExprId>) {
        let mut reader = Reader::new(tag.rest(), self.out);
        reader.keyword("with");
        let mut bindings = Self::bindings(&mut reader);
        reader.keyword("with");
        bindings.extend(Self::bindings(&mut reader));
        let body = self.body(tag, &["plural", "pluralize"]);
        self.bound(bindings, body, items);
    }

    /// A function of its own, because it may be evaluated elsewhere.
    fn function(&mut self, name: Option<Name>, params: Vec<Param>, tag: Inside<'t>) -> FnIx {
        let ix = self.out.function(Function {
            name,
            params: params.into(),
            name_span: tag.span(),
            ..Function::unnamed(ScopeIx(0), Some(FnIx(0)), tag.span())
        });
        let body = self.body(tag, &[]);
        self.out.function_mut(ix).body = Some(body);
        ix
    }

    fn named_block(&mut self, tag: Inside<'t>, items: &mut Vec<ExprId>) {
        let name = Reader::new(tag.rest(), self.out).name();
        let content = self.function(None, Vec::new(), tag);
        if let Some((name, _)) = name {
            items.push(self.part(TemplatePart::Block(name, content), tag.span()));
        }
    }

    fn include(&mut self, tag: Inside<'t>, items: &mut Vec<ExprId>) {
        let mut reader = Reader::new(tag.rest(), self.out);
        let template = reader.argument();
        let (mut with, mut isolated) = (Vec::new(), false);
        while !reader.is_at_end() {
            let before = reader.place();
            if reader.keyword("with") {
                // `with context` is Jinja's for what is the case anyway.
                if !reader.keyword("context") {
                    with = Self::bindings(&mut reader);
                }
            } else if reader.keyword("only") || reader.keyword("without") {
                isolated = true;
            } else {
                reader.name();
            }
            if reader.place() == before {
                break;
            }
        }
        let with = with.into_iter().map(|(name, value, _)| (name, value)).collect();
        let part = TemplatePart::Include {
            template,
            with,
            isolated,
        };
        items.push(self.part(part, tag.span()));
    }

    /// `{% load a b.c %}`, `{% load x y from a %}`: where tags and filters are looked for.
    fn load(&mut self, tag: Inside<'t>) {
        let words: Vec<&str> = tag.rest().text.split_whitespace().collect();
        let libraries = match words.iter().position(|word| *word == "from") {
            Some(at) => &words[at + 1..],
            None => &words[..],
        };
        for library in libraries {
            let path = library.split('.').map(|part| self.out.name(part)).collect();
            self.out.import(Import {
                scope: ScopeIx(0),
                function: None,
                level: 0,
                path,
                alias: None,
                kind: ImportKind::Item,
                span: tag.span(),
            });
        }
    }

    /// `{% import "forms.html" as forms %}`, `{% from "forms.html" import field as f, other %}`.
    fn macros_of(&mut self, tag: Inside<'t>, items: &mut Vec<ExprId>) {
        let mut reader = Reader::new(tag.rest(), self.out);
        let template = reader.argument();
        let mut bound = Vec::new();
        if reader.keyword("as") {
            bound.extend(reader.name().map(|(name, span)| (None, name, span)));
        } else if reader.keyword("import") {
            while let Some((name, span)) = reader.name() {
                let alias = if reader.keyword("as") { reader.name() } else { None };
                bound.push((Some(name), alias.map_or(name, |(alias, _)| alias), span));
                if !reader.sign(",") {
                    break;
                }
            }
        }
        for (name, alias, span) in bound {
            let mut value = self.part(TemplatePart::Macros(template), tag.span());
            if let Some(name) = name {
                let kind = ExprKind::Attr {
                    base: value,
                    name,
                    name_span: span,
                };
                value = self.out.expr(kind, span);
            }
            let bound = self.assign(alias, value, span);
            items.push(bound);
        }
    }

    fn define_macro(&mut self, tag: Inside<'t>, items: &mut Vec<ExprId>) {
        let mut reader = Reader::new(tag.rest(), self.out);
        let name = reader.name();
        let params = Self::params(&mut reader);
        let ix = self.function(name.map(|(name, _)| name), params, tag);
        items.push(self.out.expr(ExprKind::DefineFunction(ix), tag.span()));
    }

    /// `(a, b=1)`.
    fn params(reader: &mut Reader<'t, '_>) -> Vec<Param> {
        let mut params = Vec::new();
        if !reader.sign("(") {
            return params;
        }
        while let Some((name, span)) = reader.name() {
            params.push(Param {
                pattern: Pattern::Name(name, span),
                ty: None,
                default: reader.sign("=").then(|| reader.expression()),
                spread: Spread::No,
                keyword_only: false,
            });
            if !reader.sign(",") {
                break;
            }
        }
        reader.sign(")");
        params
    }

    /// `{% call(row) table(rows) %}…{% endcall %}`: the content is a function that the macro calls.
    fn call(&mut self, tag: Inside<'t>, items: &mut Vec<ExprId>) {
        let mut reader = Reader::new(tag.rest(), self.out);
        let params = Self::params(&mut reader);
        items.push(reader.expression());
        let content = self.function(None, params, tag);
        items.push(self.out.expr(ExprKind::Lambda(content), tag.span()));
    }

    fn set(&mut self, tag: Inside<'t>, items: &mut Vec<ExprId>) {
        let mut reader = Reader::new(tag.rest(), self.out);
        let mut targets = Vec::new();
        while let Some((name, span)) = reader.name() {
            targets.push(Pattern::Name(name, span));
            // `{% set state.count = 1 %}` binds nothing that is followed.
            if !reader.sign(",") {
                break;
            }
        }
        if !reader.sign("=") {
            if self.has_end("set") {
                items.push(self.body(tag, &[]));
            }
            return;
        }
        let value = reader.expression();
        let target = match targets.len() {
            1 => targets.remove(0),
            _ => Pattern::Tuple(targets.into()),
        };
        let kind = ExprKind::Assign {
            target: Box::new(target),
            value: Some(value),
            ty: None,
            mode: AssignMode::Let,
        };
        items.push(self.out.expr(kind, tag.span()));
    }

    /// `{% regroup books by author.name as groups %}` reads the attribute of each element.
    fn regroup(&mut self, tag: Inside<'t>, items: &mut Vec<ExprId>) {
        let mut reader = Reader::new(tag.rest(), self.out);
        let source = reader.argument();
        let start = if reader.keyword("by") {
            reader.place() + 1
        } else {
            return;
        };
        let mut path = Vec::new();
        while let Some(part) = reader.name() {
            path.push(part);
            if !reader.sign(".") {
                break;
            }
        }
        let by = reader.span_from(start);
        let Some((alias, span)) = reader.keyword("as").then(|| reader.name()).flatten() else {
            return;
        };
        let all = self.assign(alias, source, span);
        items.push(all);
        let all = self.out.expr(ExprKind::Name(alias), span);
        // Within, the last part of the collection's own name stands for its element.
        let element = match self.out.kind(source) {
            &ExprKind::Name(name) | &ExprKind::Attr { name, .. } if name != alias => name,
            _ => self.out.name("element"),
        };
        let mut grouper = self.out.expr(ExprKind::Name(element), by);
        for (name, name_span) in path {
            let kind = ExprKind::Attr {
                base: grouper,
                name,
                name_span,
            };
            grouper = self.out.expr(kind, by);
        }
        let [grouper_key, list_key] = ["grouper", "list"].map(|key| {
            let text = self.out.name(key);
            self.out.expr(ExprKind::Literal(Literal::Str(text)), span)
        });
        let parts = [grouper_key, grouper, list_key, all].into();
        let each = self
            .out
            .expr(ExprKind::Collection(CollectionKind::Dict, parts), by);
        let the_loop = Loop {
            kind: LoopKind::Comprehension,
            element: Some(Pattern::Name(element, span)),
            source: Some(all),
            header: None,
            body: each,
            otherwise: None,
            label: None,
            head_span: tag.span(),
        };
        let body = self.out.expr(ExprKind::Loop(Box::new(the_loop)), tag.span());
        let groups = ExprKind::Comprehension {
            kind: ComprehensionKind::List,
            body,
            each,
        };
        let groups = self.out.expr(groups, tag.span());
        let bound = self.assign(alias, groups, span);
        items.push(bound);
    }

    /// `{% filter upper %}…{% endfilter %}`.
    fn filter(&mut self, tag: Inside<'t>, items: &mut Vec<ExprId>) {
        let mut reader = Reader::new(tag.rest(), self.out);
        let name = reader.name();
        let body = self.body(tag, &[]);
        let mut reader = Reader::new(tag.rest(), self.out);
        match name {
            Some((name, span)) => {
                let callee = reader.callee(TEMPLATE_FILTER, name, span);
                items.push(self.out.expr(call(callee, vec![positional(body)]), tag.span()));
            }
            None => items.push(body),
        }
    }

    fn cached(&mut self, tag: Inside<'t>, items: &mut Vec<ExprId>) {
        let arguments = self.values(tag.rest());
        items.push(arguments);
        let body = self.body(tag, &[]);
        items.push(self.part(TemplatePart::Cached(body), tag.span()));
    }

    /// Any other tag: a call with its arguments, whose result may be bound: `{% get_comments for book as comments %}`.
    fn custom(&mut self, tag: Inside<'t>, items: &mut Vec<ExprId>) {
        let name = tag.word();
        if name.is_empty() || name.starts_with("end") {
            return;
        }
        let (mut args, target) = Self::tag_arguments(&mut Reader::new(tag.rest(), self.out));
        if self.has_end(name) {
            let body = self.body(tag, &["else", "elif"]);
            args.push(positional(body));
        }
        let own_name = self.out.name(name);
        let start = tag.span().start;
        let name_span = Span::new(start, start + u32::try_from(name.len()).unwrap_or_default());
        let callee = Reader::new(tag, self.out).callee(TEMPLATE_TAG, own_name, name_span);
        let called = self.out.expr(call(callee, args), tag.span());
        items.push(match target {
            Some((name, span)) => self.assign(name, called, span),
            None => called,
        });
    }

    fn tag_arguments(reader: &mut Reader<'t, '_>) -> (Vec<Arg>, Option<(Name, Span)>) {
        let mut args = Vec::new();
        while !reader.is_at_end() {
            if reader.sign(",") {
                continue;
            }
            if reader.keyword("as")
                && let Some(target) = reader.name()
            {
                return (args, Some(target));
            }
            let before = reader.place();
            let name = reader.assigned_name();
            let value = reader.argument();
            args.push(Arg {
                name,
                value,
                spread: Spread::No,
            });
            if reader.place() == before {
                break;
            }
        }
        (args, None)
    }
}
