//! What a file declares, as opposed to what its functions do.

use std::collections::{BTreeMap, BTreeSet};

use onequery_analysis::Rebound;
use onequery_core::ir::{AssignMode, ExprKind, FileIr, ImportKind, Literal, Pattern};
use onequery_core::{Language, Span};
use serde::{Deserialize, Serialize};

use crate::cache::lowered::{TextHash, hash};

/// What is told of a body that is left out: none of a language's words.
const BODY: &str = "\0";

/// What a file declares. As long as it is the same, the file differs from what it was in what its functions do only.
pub(crate) struct Declared<'t> {
    /// The lines of the file without the bodies of its functions that declare nothing themselves, but with what these
    /// import; and without its bindings.
    lines: Vec<&'t str>,
    /// The names that a module of Python imports or binds to a literal, each with the hash of what to.
    bindings: Vec<(Rebound, TextHash)>,
    /// What says of functions inside of those bodies how they are called.
    heads: Vec<&'t str>,
}

impl<'t> Declared<'t> {
    pub(crate) fn of(ir: &FileIr, text: &'t str) -> Self {
        // Linking looks at all that a template says.
        if ir.language == Language::Template {
            return Self {
                lines: vec![text],
                bindings: Vec::new(),
                heads: Vec::new(),
            };
        }
        let declarations: Vec<Span> = (ir.classes.iter().map(|class| class.span))
            .chain(ir.impls.iter().map(|block| block.span))
            .collect();
        let imports = ir.imports.iter().filter(|import| import.function.is_some());
        let imports: Vec<Span> = imports.map(|import| import.span).collect();
        let is_plain = |body: &Span| {
            let declares = declarations.iter().any(|declaration| body.contains(*declaration));
            !declares && !body.text(text).contains("macro_rules!")
        };
        let named = || (ir.functions.iter().skip(1)).filter(|function| function.name.is_some());
        let bodies = named()
            .filter_map(|function| {
                let body = ir.span(function.body?);
                // What a macro makes stands where it is called, all of it.
                (function.name_span.end <= body.start).then_some(body)
            })
            .filter(is_plain)
            .map(|body| (body, true));
        let heads = named().flat_map(|function| {
            let body = function.body.map(|body| ir.span(body).start);
            let head = body.filter(|body| function.name_span.start <= *body);
            let head = head.map(|body| Span::new(function.name_span.start, body));
            let decorators = function.decorators.iter().map(|&decorator| ir.span(decorator));
            decorators.chain(head).map(|span| span.text(text))
        });
        let heads = heads.collect();
        let bound = bindings(ir);
        let mut left_out: Vec<(Span, bool)> = bodies
            .chain(bound.iter().map(|(_, span, _)| (*span, false)))
            .collect();
        left_out.sort_unstable();
        let mut lines = Vec::new();
        let mut at = 0;
        let mut keep = |part: &'t str| {
            let trimmed = part.split('\n').map(str::trim_end);
            lines.extend(trimmed.filter(|line| !line.is_empty()));
        };
        for (span, is_body) in left_out {
            if span.start >= at {
                let before = Span::new(at, span.start).text(text);
                if is_body {
                    keep(without_comments(before));
                    // What stands before a body is not mistaken for what stands behind it.
                    keep(BODY);
                } else {
                    keep(before);
                }
                let within = imports.iter().filter(|import| span.contains(**import));
                within.for_each(|import| keep(import.text(text)));
                at = span.end;
            }
        }
        keep(text.get(at as usize..).unwrap_or_default());
        Self {
            lines,
            bindings: bound.into_iter().map(|(name, _, to)| (name, to)).collect(),
            heads,
        }
    }

    /// What has to be remembered of it.
    pub(crate) fn summary(&self) -> Summary {
        Summary {
            rest: hash(&self.lines.join("\n")),
            bindings: self.bindings.clone(),
        }
    }

    /// What is bound otherwise than it was; `None` if something else is declared, or if the rest has one of the names.
    pub(crate) fn rebound(&self, before: &Summary) -> Option<BTreeSet<Rebound>> {
        let now = self.summary();
        if now.rest != before.rest {
            return None;
        }
        let [before, now] = [before, &now].map(|summary| summary.bindings.iter().collect::<BTreeSet<_>>());
        let differ = before.symmetric_difference(&now);
        let rebound: BTreeSet<Rebound> = differ.map(|(name, _)| name.clone()).collect();
        let names: BTreeSet<&str> = rebound.iter().map(Rebound::name).collect();
        let mut declaring = self.lines.iter().chain(&self.heads);
        let has_one = !names.is_empty()
            && declaring.any(|text| {
                let mut words = text.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
                words.any(|word| names.contains(word))
            });
        (!has_one).then_some(rebound)
    }
}

/// What is remembered of what a file declares.
#[derive(Serialize, Deserialize)]
pub(crate) struct Summary {
    /// The hash of all but the bindings.
    rest: TextHash,
    /// What its module binds, each with the hash of what to.
    bindings: Vec<(Rebound, TextHash)>,
}

/// What a module of Python imports or binds to a literal, with the place and the hash of what to.
fn bindings(ir: &FileIr) -> Vec<(Rebound, Span, TextHash)> {
    if ir.language != Language::Python {
        return Vec::new();
    }
    let in_class = |span: Span| ir.classes.iter().any(|class| class.span.contains(span));
    let imports = ir.imports.iter().filter_map(|import| {
        let is_plain = import.function.is_none()
            && matches!(import.kind, ImportKind::Item | ImportKind::Root)
            && !in_class(import.span);
        let name = ir.name(import.alias.filter(|_| is_plain)?);
        let path: Vec<&str> = import.path.iter().map(|&part| ir.name(part)).collect();
        let to = format!("{:?} {} {}", import.kind, import.level, path.join("."));
        Some((Rebound::Import(name.to_owned()), import.span, to))
    });
    let statements = match ir.functions[0].body.map(|body| &ir.expr(body).kind) {
        Some(ExprKind::Block { items, .. }) => &items[..],
        _ => &[],
    };
    let literals = statements.iter().filter_map(|&statement| {
        let ExprKind::Assign {
            target,
            value: Some(value),
            ty: None,
            mode: AssignMode::Set,
        } = &ir.expr(statement).kind
        else {
            return None;
        };
        let (Pattern::Name(name, _), ExprKind::Literal(literal)) = (&**target, &ir.expr(*value).kind) else {
            return None;
        };
        let to = match literal {
            Literal::Str(text) => format!("{:?}", ir.name(*text)),
            other => format!("{other:?}"),
        };
        Some((
            Rebound::Literal(ir.name(*name).to_owned()),
            ir.span(statement),
            to,
        ))
    });
    let mut found: Vec<_> = imports.chain(literals).collect();
    found.sort_by_key(|(_, span, _)| *span);
    // Of several bindings of a name the last one counts.
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    let numbered = found.into_iter().map(|(name, span, to)| {
        let time = times.entry(name.name().to_owned()).or_default();
        *time += 1;
        (name, span, hash(&format!("{time} {to}")))
    });
    numbered.collect()
}

/// What stands before a body without the comments on lines of their own that are nearest to it: they are the body's.
fn without_comments(mut text: &str) -> &str {
    while let Some((before, last)) = text.rsplit_once('\n')
        && (last.trim().is_empty() || last.trim_start().starts_with('#'))
    {
        text = before;
    }
    text
}

#[cfg(test)]
mod tests {
    use onequery_parser::{Contents, Reading};

    use super::Declared;
    use crate::pipeline::lower_text;

    /// Whether a text declares the same as another but for some names that are bound otherwise.
    fn rebound(before: &str, now: &str) -> Option<Vec<String>> {
        let whole = Reading {
            contents: Contents::Code,
            is_whole: true,
        };
        let lowered = [before, now].map(|text| lower_text("shop.py", text, whole).0);
        let before = Declared::of(&lowered[0], before).summary();
        let rebound = Declared::of(&lowered[1], now).rebound(&before)?;
        Some(rebound.iter().map(|name| name.name().to_owned()).collect())
    }

    #[test]
    fn bodies_of_functions_declare_only_what_they_import() {
        let text = "import os\n\n\ndef load(pk, fast=False):\n    from shop import models\n    return models.get(pk)\n";
        let is_same = |from: &str, to: &str| {
            rebound(text, &text.replace(from, to)).is_some_and(|names| names.is_empty())
        };
        assert!(is_same("models.get(pk)", "pk"));
        assert!(is_same("    return", "    pk = pk\n    return"));
        assert!(is_same("    from", "    # Late.\n\n    from"));
        assert!(is_same("import os\n", "import os\n\n"));
        assert!(!is_same("import models", "import views"));
        assert!(!is_same("    from shop import models\n", ""));
        assert!(!is_same("fast=False", "fast=True"));
        assert!(!is_same("import os\n", ""));
        assert!(!is_same("def load", "# Fast.\n@fast\ndef load"));
    }

    #[test]
    fn names_are_bound_otherwise_unless_declarations_have_them() {
        let text = "from shop import models, views\nLIMIT = 3\n\n\nclass Cart(models.Base):\n    def all(self):\n        \
                    return views.all(LIMIT)\n";
        let names = |from: &str, to: &str| rebound(text, &text.replace(from, to));
        let only = |name: &str| Some(vec![name.to_owned()]);
        assert_eq!(names("LIMIT = 3", "LIMIT = 4"), only("LIMIT"));
        assert_eq!(names("LIMIT = 3\n", ""), only("LIMIT"));
        assert_eq!(names("models, views", "models"), only("views"));
        assert_eq!(
            names("models, views", "models, views as others"),
            Some(vec!["others".to_owned(), "views".to_owned()])
        );
        assert_eq!(names("LIMIT = 3", "import os\nLIMIT = 3"), only("os"));
        assert_eq!(names("LIMIT = 3\n", "LIMIT = 3\nLIMIT = 3\n"), only("LIMIT"));
        // A class is another one with another base.
        assert_eq!(names("shop import models,", "store import models,"), None);
        assert_eq!(names("LIMIT = 3", "LIMIT = views.LIMIT"), None);
        assert_eq!(names("LIMIT = 3", "LIMIT: int = 3"), None);
        assert_eq!(names("models, views", "*"), None);
        // What a function inside of a body is called with is looked up, too.
        let text = "from shop import cached\n\n\ndef load():\n    @cached\n    def one():\n        return 1\n    return one\n";
        assert_eq!(rebound(text, &text.replace("shop", "store")), None);
    }
}
