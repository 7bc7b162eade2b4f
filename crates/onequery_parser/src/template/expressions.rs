//! Expressions of templates: Jinja's grammar, with Django's `value|filter:argument`.

use onequery_core::ir::{
    Arg, BinaryOp, CollectionKind, ExprId, ExprKind, Literal, SliceBounds, Spread, TEMPLATE_FILTER,
    TEMPLATE_TEST, TemplatePart, UnaryOp,
};
use onequery_core::{Name, Span};

use super::tokens::Inside;
use crate::builder::Builder;

/// How Jinja calls the block that a block stands in for; Django writes `block.super`.
const SUPER: &str = "super";

/// Reads the expressions in braces, from left to right.
pub(super) struct Reader<'t, 'b> {
    text: &'t str,
    /// Where `text` starts in the file.
    offset: usize,
    at: usize,
    pub(super) out: &'b mut Builder,
    /// A colon does not give an argument to a filter here: it is a dictionary's or a slice's.
    colon_is_taken: bool,
}

impl<'t, 'b> Reader<'t, 'b> {
    pub(super) fn new(inside: Inside<'t>, out: &'b mut Builder) -> Self {
        Self {
            text: inside.text,
            offset: inside.start,
            at: 0,
            out,
            colon_is_taken: false,
        }
    }

    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    pub(super) fn skip_space(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    pub(super) fn is_at_end(&mut self) -> bool {
        self.skip_space();
        self.at == self.text.len()
    }

    /// The position in the file.
    pub(super) fn place(&self) -> usize {
        self.offset + self.at
    }

    /// Reads again from a position in the file.
    pub(super) fn go_back(&mut self, place: usize) {
        self.at = place - self.offset;
    }

    /// From a position in the file to the end of what was read last.
    pub(super) fn span_from(&self, start: usize) -> Span {
        let end = self.offset + self.text[..self.at].trim_end().len();
        let place = |byte: usize| u32::try_from(byte).unwrap_or(u32::MAX);
        Span::new(place(start), place(end.max(start)))
    }

    /// What comes next behind white space.
    fn ahead(&self) -> &'t str {
        self.rest().trim_start()
    }

    /// Takes a sign, if it comes next.
    pub(super) fn sign(&mut self, sign: &str) -> bool {
        let found = self.ahead().starts_with(sign);
        if found {
            self.skip_space();
            self.at += sign.len();
        }
        found
    }

    /// The word that comes next, if one does.
    fn peek_word(&self) -> &'t str {
        let rest = self.ahead();
        let is_part = |c: char| c.is_alphanumeric() || c == '_';
        if rest.starts_with(|c: char| c.is_ascii_digit()) {
            return "";
        }
        &rest[..rest.find(|c| !is_part(c)).unwrap_or(rest.len())]
    }

    /// Takes a word of the grammar, if it comes next.
    pub(super) fn keyword(&mut self, word: &str) -> bool {
        let found = self.peek_word() == word;
        if found {
            self.skip_space();
            self.at += word.len();
        }
        found
    }

    /// Takes a name, if one comes next.
    pub(super) fn name(&mut self) -> Option<(Name, Span)> {
        let word = self.peek_word();
        if word.is_empty() {
            return None;
        }
        let start = self.start();
        self.at += word.len();
        Some((self.out.name(word), self.span_from(start)))
    }

    /// Takes `name=`, if it comes next.
    pub(super) fn assigned_name(&mut self) -> Option<Name> {
        let before = self.at;
        if let Some((name, _)) = self.name() {
            let rest = self.ahead();
            if rest.starts_with('=') && !rest.starts_with("==") {
                self.sign("=");
                return Some(name);
            }
        }
        self.at = before;
        None
    }

    /// Runs `inner` one level deeper; what nests too deep is opaque, and the rest of the text is passed over.
    fn deeper(&mut self, inner: impl FnOnce(&mut Self) -> ExprId) -> ExprId {
        let start = self.place();
        if self.out.enter() {
            let value = inner(self);
            self.out.leave();
            return value;
        }
        self.at = self.text.len();
        let span = self.span_from(start);
        self.out.too_deep(span);
        self.out.opaque(Vec::new(), span)
    }

    /// `a if b else c`, and everything that binds closer.
    pub(super) fn expression(&mut self) -> ExprId {
        self.deeper(|reader| {
            let start = reader.place();
            let then = reader.either();
            if !reader.keyword("if") {
                return then;
            }
            let test = reader.either();
            let otherwise = reader.keyword("else").then(|| reader.expression());
            let kind = ExprKind::If {
                test,
                then,
                otherwise,
            };
            reader.made(kind, start)
        })
    }

    fn made(&mut self, kind: ExprKind, start: usize) -> ExprId {
        let span = self.span_from(start);
        self.out.expr(kind, span)
    }

    /// `a or b`, and everything that binds closer.
    pub(super) fn either(&mut self) -> ExprId {
        let start = self.start();
        let mut left = self.both();
        while self.keyword("or") {
            let right = self.both();
            left = self.made(ExprKind::Binary(BinaryOp::Or, left, right), start);
        }
        left
    }

    fn both(&mut self) -> ExprId {
        let start = self.start();
        let mut left = self.negated();
        while self.keyword("and") {
            let right = self.negated();
            left = self.made(ExprKind::Binary(BinaryOp::And, left, right), start);
        }
        left
    }

    fn negated(&mut self) -> ExprId {
        let start = self.start();
        if self.keyword("not") {
            let inner = self.deeper(Self::negated);
            return self.made(ExprKind::Unary(UnaryOp::Not, inner), start);
        }
        self.compared()
    }

    fn compared(&mut self) -> ExprId {
        let start = self.start();
        let mut left = self.computed();
        while let Some(op) = self.comparison() {
            let right = self.computed();
            left = self.made(ExprKind::Binary(op, left, right), start);
        }
        left
    }

    fn comparison(&mut self) -> Option<BinaryOp> {
        let before = self.at;
        if self.keyword("in") || (self.keyword("not") && self.keyword("in")) {
            return Some(BinaryOp::In);
        }
        self.at = before;
        let signs = [
            ("==", BinaryOp::Equal),
            ("!=", BinaryOp::Unequal),
            ("<=", BinaryOp::Compare),
            (">=", BinaryOp::Compare),
            ("<", BinaryOp::Compare),
            (">", BinaryOp::Compare),
        ];
        let found = signs.into_iter().find(|(sign, _)| self.sign(sign));
        found.map(|(_, op)| op)
    }

    /// Arithmetic; which operator binds closer does not matter.
    fn computed(&mut self) -> ExprId {
        let start = self.start();
        let mut left = self.argument();
        loop {
            let op = if self.sign("%") {
                BinaryOp::Modulo
            } else if ["+", "-", "*", "/", "~"].into_iter().any(|sign| self.sign(sign)) {
                // `//` and `**`.
                while self.sign("/") || self.sign("*") {}
                BinaryOp::Arithmetic
            } else {
                return left;
            };
            let right = self.argument();
            left = self.made(ExprKind::Binary(op, left, right), start);
        }
    }

    /// A value with what hangs on it: attributes, calls, filters, tests. An argument of a tag is no more than that.
    pub(super) fn argument(&mut self) -> ExprId {
        let start = self.start();
        if self.sign("-") || self.sign("+") {
            let inner = self.deeper(Self::argument);
            return self.made(ExprKind::Unary(UnaryOp::Other, inner), start);
        }
        let mut value = self.primary();
        loop {
            value = if self.sign("|") {
                self.filtered(value, start)
            } else if self.keyword("is") {
                self.tested(value, start)
            } else {
                match self.trailer(value, start) {
                    Some(longer) => longer,
                    None => return value,
                }
            };
        }
    }

    fn start(&mut self) -> usize {
        self.skip_space();
        self.place()
    }

    /// `.name`, `[index]`, `(arguments)`: nothing may stand before them.
    fn trailer(&mut self, base: ExprId, start: usize) -> Option<ExprId> {
        let rest = self.rest();
        if let Some(after) = rest.strip_prefix('.') {
            let is_part = |c: char| c.is_alphanumeric() || c == '_';
            let word = &after[..after.find(|c| !is_part(c)).unwrap_or(after.len())];
            if word.is_empty() {
                return None;
            }
            let name_start = self.place() + 1;
            self.at += 1 + word.len();
            let is_super = word == SUPER
                && matches!(self.out.kind(base), ExprKind::Name(name) if self.out.text(*name) == "block");
            let kind = if is_super {
                ExprKind::Template(Box::new(TemplatePart::Super))
            } else {
                ExprKind::Attr {
                    base,
                    name: self.out.name(word),
                    name_span: self.span_from(name_start),
                }
            };
            return Some(self.made(kind, start));
        }
        if rest.starts_with('[') {
            self.at += 1;
            return Some(self.indexed(base, start));
        }
        if rest.starts_with('(') {
            self.at += 1;
            let is_super =
                matches!(self.out.kind(base), ExprKind::Name(name) if self.out.text(*name) == SUPER);
            let args = self.arguments(Vec::new(), ")");
            let kind = if is_super {
                ExprKind::Template(Box::new(TemplatePart::Super))
            } else {
                call(base, args)
            };
            return Some(self.made(kind, start));
        }
        None
    }

    fn indexed(&mut self, base: ExprId, start: usize) -> ExprId {
        let outer = std::mem::replace(&mut self.colon_is_taken, true);
        let mut bounds = [None, None, None];
        let mut part = 0;
        while !self.is_at_end() && !self.sign("]") {
            if self.sign(":") {
                part = (part + 1).min(2);
                continue;
            }
            let before = self.at;
            bounds[part] = Some(self.expression());
            if self.at == before {
                self.at = self.text.len();
            }
            if part == 0 && !self.ahead().starts_with(':') {
                self.sign("]");
                break;
            }
        }
        self.colon_is_taken = outer;
        let [from, to, step] = bounds;
        let kind = match (part, from) {
            (0, Some(index)) => ExprKind::Index { base, index },
            _ => ExprKind::Slice {
                base,
                bounds: Box::new(SliceBounds { from, to, step }),
            },
        };
        self.made(kind, start)
    }

    /// Arguments up to a sign, or to the end of the text; `before` are those that stand elsewhere.
    fn arguments(&mut self, before: Vec<Arg>, close: &str) -> Vec<Arg> {
        let outer = std::mem::replace(&mut self.colon_is_taken, false);
        let mut args = before;
        while !self.is_at_end() && !self.sign(close) {
            let spread = match (self.sign("**"), self.sign("*")) {
                (true, _) => Spread::Keyword,
                (_, true) => Spread::Positional,
                _ => Spread::No,
            };
            let name = self.assigned_name();
            let start = self.at;
            let value = self.expression();
            args.push(Arg { name, value, spread });
            if !self.sign(",") && self.at == start {
                self.at = self.text.len();
            }
        }
        self.colon_is_taken = outer;
        args
    }

    /// What is called by a name of its own kind: a filter, a tag, a test.
    pub(super) fn callee(&mut self, kind: &str, name: Name, span: Span) -> ExprId {
        let segments = [self.out.name(kind), name];
        let path = ExprKind::Path {
            segments: segments.into(),
            args: Box::default(),
        };
        self.out.expr(path, span)
    }

    fn filtered(&mut self, value: ExprId, start: usize) -> ExprId {
        let Some((name, span)) = self.name() else {
            return value;
        };
        let callee = self.callee(TEMPLATE_FILTER, name, span);
        let mut args = vec![positional(value)];
        if self.rest().starts_with('(') {
            self.at += 1;
            args = self.arguments(args, ")");
        } else if !self.colon_is_taken && self.sign(":") {
            let start = self.start();
            let mut given = self.primary();
            while self.rest().starts_with(['.', '[', '(']) {
                let Some(longer) = self.trailer(given, start) else {
                    break;
                };
                given = longer;
            }
            args.push(positional(given));
        }
        self.made(call(callee, args), start)
    }

    /// `is defined`, `is not divisibleby 3`. Django compares with `is`; what it compares with stands as an argument.
    fn tested(&mut self, value: ExprId, start: usize) -> ExprId {
        // `not` changes nothing of what is read.
        self.keyword("not");
        let Some((name, span)) = self.name() else {
            return value;
        };
        let callee = self.callee(TEMPLATE_TEST, name, span);
        let mut args = vec![positional(value)];
        let ends = ["and", "or", "if", "else", "not", "in", "is", ""];
        if self.rest().starts_with('(') {
            self.at += 1;
            args = self.arguments(args, ")");
        } else {
            let word = self.peek_word();
            let is_literal = |c: char| c.is_ascii_digit() || matches!(c, '"' | '\'');
            if self.ahead().starts_with(is_literal) || !ends.contains(&word) {
                let given = self.primary();
                args.push(positional(given));
            }
        }
        self.made(call(callee, args), start)
    }

    fn primary(&mut self) -> ExprId {
        let start = self.start();
        let rest = self.rest();
        match rest.bytes().next() {
            Some(quote @ (b'"' | b'\'')) => self.string(quote, start),
            Some(b'0'..=b'9') => self.number(start),
            Some(b'(') => {
                self.at += 1;
                self.items(CollectionKind::Tuple, ")", start)
            }
            Some(b'[') => {
                self.at += 1;
                self.items(CollectionKind::List, "]", start)
            }
            Some(b'{') => {
                self.at += 1;
                self.items(CollectionKind::Dict, "}", start)
            }
            _ => self.named(start),
        }
    }

    /// A name, `_("text")` or a literal that is spelled as one.
    fn named(&mut self, start: usize) -> ExprId {
        self.skip_space();
        let word = self.peek_word();
        let literal = match word {
            "" => {
                // Nothing that the grammar has: one character is passed over.
                let next = self.rest().chars().next().map_or(0, char::len_utf8);
                self.at += next;
                return self.made(ExprKind::Opaque(Box::default()), start);
            }
            "true" | "True" => Literal::Bool(true),
            "false" | "False" => Literal::Bool(false),
            "none" | "None" => Literal::None,
            _ => {
                self.at += word.len();
                let name = self.out.name(word);
                return self.made(ExprKind::Name(name), start);
            }
        };
        self.at += word.len();
        self.made(ExprKind::Literal(literal), start)
    }

    fn string(&mut self, quote: u8, start: usize) -> ExprId {
        let bytes = self.rest().as_bytes();
        let mut end = 1;
        while end < bytes.len() && bytes[end] != quote {
            end += if bytes[end] == b'\\' { 2 } else { 1 };
        }
        let rest = self.rest();
        let inner = rest.get(1..end).unwrap_or(&rest[1..]);
        let text = self.out.name(inner);
        self.at += (inner.len() + 2).min(rest.len());
        self.made(ExprKind::Literal(Literal::Str(text)), start)
    }

    fn number(&mut self, start: usize) -> ExprId {
        let rest = self.rest();
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
        let digits = &rest[..rest.find(|c| !is_part(c)).unwrap_or(rest.len())];
        self.at += digits.len();
        let literal = digits.parse().map_or(Literal::Number, Literal::Int);
        self.made(ExprKind::Literal(literal), start)
    }

    /// What stands between brackets.
    fn items(&mut self, kind: CollectionKind, close: &str, start: usize) -> ExprId {
        let outer = std::mem::replace(&mut self.colon_is_taken, kind == CollectionKind::Dict);
        let mut items = Vec::new();
        let mut is_list = kind != CollectionKind::Tuple;
        while !self.is_at_end() && !self.sign(close) {
            let before = self.at;
            items.push(self.expression());
            is_list |= self.sign(",");
            self.sign(":");
            if self.at == before {
                self.at = self.text.len();
            }
        }
        self.colon_is_taken = outer;
        match items[..] {
            // Parentheses around one value.
            [only] if !is_list => only,
            _ => self.made(ExprKind::Collection(kind, items.into()), start),
        }
    }
}

pub(super) fn positional(value: ExprId) -> Arg {
    Arg {
        name: None,
        value,
        spread: Spread::No,
    }
}

pub(super) fn call(callee: ExprId, args: Vec<Arg>) -> ExprKind {
    ExprKind::Call {
        callee,
        args: args.into(),
        generics: Box::default(),
    }
}
