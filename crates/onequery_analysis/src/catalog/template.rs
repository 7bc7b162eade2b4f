//! The little language in which catalogues write types: `Iterator<$ret>`, `($arg0, $0)`, `$class`.

use super::LibTy;

/// A type with holes that are filled where the entry is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Template {
    /// `?`
    Unknown,
    /// `plain`: a number, a text, a flag; nothing that can query.
    Plain,
    /// `$self`: the receiver's own type.
    Receiver,
    /// `$0`: a type parameter of the receiver.
    Param(usize),
    /// `$item`: what iterating over the receiver gives.
    Item,
    /// `$inner`: what awaiting or propagating the receiver gives.
    Inner,
    /// `$class`: an instance of the class that is the receiver.
    ClassInstance,
    /// `$arg0`
    Arg(usize),
    /// `$arg0.item`: what iterating over an argument gives.
    ArgItem(usize),
    /// `$arg0.instance`: an instance of the class that is an argument.
    ArgInstance(usize),
    /// `$arg0.class`: the class of an instance that is an argument.
    ArgClass(usize),
    /// `$ret`: what the callback returns.
    Returned,
    /// `$ret.inner`: what awaiting or propagating the callback's result gives.
    ReturnedInner,
    /// `$ret.item`: what iterating over the callback's result gives.
    ReturnedItem,
    /// `$T0`: an explicit type argument of the call.
    TypeArg(usize),
    /// `$setting:NAME`: the class that the text names which some module assigns to `NAME`.
    Setting(Box<str>),
    /// `$model:0:1`: the model that the texts of these arguments name, app and model in one or in two.
    Model(Vec<usize>),
    /// `class:Name`: the class itself, to inherit from.
    Class(LibTy),
    /// `Name<A, B>`
    Lib(LibTy, Vec<Template>),
    /// `(A, B)`
    Tuple(Vec<Template>),
    /// `A|B`: the first that is known.
    First(Vec<Template>),
}

/// Parses a template; `resolve` finds a type by name.
pub(super) fn parse(text: &str, resolve: &dyn Fn(&str) -> Option<LibTy>) -> Result<Template, String> {
    let mut parser = Parser { rest: text, resolve };
    let template = parser.alternatives()?;
    parser.skip_space();
    if parser.rest.is_empty() {
        Ok(template)
    } else {
        Err(format!("unexpected `{}` in type `{text}`", parser.rest))
    }
}

struct Parser<'a> {
    rest: &'a str,
    resolve: &'a dyn Fn(&str) -> Option<LibTy>,
}

impl<'a> Parser<'a> {
    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn eat(&mut self, token: char) -> bool {
        self.skip_space();
        let found = self.rest.strip_prefix(token);
        self.rest = found.unwrap_or(self.rest);
        found.is_some()
    }

    fn word(&mut self) -> &'a str {
        self.skip_space();
        let end = self
            .rest
            .find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | '$' | '?' | ':')))
            .unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word
    }

    fn list(&mut self, close: char) -> Result<Vec<Template>, String> {
        let mut items = Vec::new();
        while !self.eat(close) {
            items.push(self.alternatives()?);
            if !self.eat(',') {
                if self.eat(close) {
                    break;
                }
                return Err(format!("expected `,` or `{close}` before `{}`", self.rest));
            }
        }
        Ok(items)
    }

    fn alternatives(&mut self) -> Result<Template, String> {
        let first = self.template()?;
        let mut all = vec![first];
        while self.eat('|') {
            all.push(self.template()?);
        }
        Ok(if all.len() == 1 {
            all.swap_remove(0)
        } else {
            Template::First(all)
        })
    }

    fn template(&mut self) -> Result<Template, String> {
        if self.eat('(') {
            return self.list(')').map(Template::Tuple);
        }
        let word = self.word();
        let numbered = |prefix: &str, suffix: &str| {
            word.strip_prefix(prefix)
                .and_then(|rest| rest.strip_suffix(suffix))
                .and_then(|digits| digits.parse().ok())
        };
        let hole = match word {
            "?" => Some(Template::Unknown),
            "plain" => Some(Template::Plain),
            "$self" => Some(Template::Receiver),
            "$item" => Some(Template::Item),
            "$inner" => Some(Template::Inner),
            "$class" => Some(Template::ClassInstance),
            "$ret" => Some(Template::Returned),
            "$ret.inner" => Some(Template::ReturnedInner),
            "$ret.item" => Some(Template::ReturnedItem),
            _ => None
                .or_else(|| numbered("$arg", ".item").map(Template::ArgItem))
                .or_else(|| numbered("$arg", ".instance").map(Template::ArgInstance))
                .or_else(|| numbered("$arg", ".class").map(Template::ArgClass))
                .or_else(|| numbered("$arg", "").map(Template::Arg))
                .or_else(|| numbered("$T", "").map(Template::TypeArg))
                .or_else(|| numbered("$", "").map(Template::Param)),
        };
        if let Some(hole) = hole {
            return Ok(hole);
        }
        let find = |name: &str| (self.resolve)(name).ok_or_else(|| format!("unknown type `{name}`"));
        if let Some(name) = word.strip_prefix("$setting:") {
            return Ok(Template::Setting(name.into()));
        }
        if let Some(places) = word.strip_prefix("$model:") {
            let places: Result<_, std::num::ParseIntError> = places.split(':').map(str::parse).collect();
            return places
                .map(Template::Model)
                .map_err(|_| format!("`{word}` does not number arguments"));
        }
        if let Some(class) = word.strip_prefix("class:") {
            return find(class).map(Template::Class);
        }
        let ty = find(word)?;
        let args = if self.eat('<') {
            self.list('>')?
        } else {
            Vec::new()
        };
        Ok(Template::Lib(ty, args))
    }
}
