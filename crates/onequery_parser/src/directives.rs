//! Comments that speak to the analyzer: `# onequery: ignore[query-in-loop] -- three rows at most`.

use memchr::memmem;
use onequery_core::ir::{ExprKind, FileIr, LoopKind};
use onequery_core::{Directive, DirectiveKind, Language, Span};

/// What a comment begins with that is meant for us.
const WORD: &str = "onequery:";

/// How comments of a language begin, with how they end before the line does.
const fn comments(language: Language) -> &'static [(&'static str, Option<&'static str>)] {
    match language {
        Language::Python => &[("#", None)],
        Language::Rust => &[("//", None), ("/*", Some("*/"))],
        Language::Template => &[("{#-", Some("-#}")), ("{#", Some("#}")), ("<!--", Some("-->"))],
    }
}

/// What a directive may say, for messages.
const EXPECTED: &str = "expected `ignore[rule, …]`, `batched` or `no-query`, then ` -- ` and the reason";

/// Adds the directives of a text to what was lowered from it. `is_comment` says whether a byte lies in a comment.
pub(crate) fn read(ir: &mut FileIr, text: &str, is_comment: impl Fn(usize) -> bool) {
    let mut statements = None;
    for at in memmem::find_iter(text.as_bytes(), WORD) {
        if let Some(said) = comment(ir.language, text, at).filter(|_| is_comment(at)) {
            let (kind, reason) = parse(ir.language, said);
            let statements = statements.get_or_insert_with(|| statements_on_several_lines(ir, text));
            let covers = covered(ir.language, text, at, statements);
            ir.directives.push(Directive {
                span: span(at, at + WORD.len() + said.trim_end().len()),
                covers,
                kind,
                reason,
            });
        }
    }
}

fn span(start: usize, end: usize) -> Span {
    let place = |byte| u32::try_from(byte).unwrap_or(u32::MAX);
    Span::new(place(start), place(end))
}

/// What follows the word at `at`, when a comment begins right before it.
fn comment(language: Language, text: &str, at: usize) -> Option<&str> {
    let before = text[..at].trim_end_matches([' ', '\t']);
    let documents = ["///", "//!"].iter().any(|doc| before.ends_with(doc));
    let begins = comments(language)
        .iter()
        .find(|(start, _)| before.ends_with(start));
    let &(_, end) = begins.filter(|_| !documents)?;
    let line = text[at + WORD.len()..].lines().next()?;
    Some(
        end.and_then(|end| line.split_once(end))
            .map_or(line, |(said, _)| said),
    )
}

fn parse(language: Language, said: &str) -> (DirectiveKind, Option<String>) {
    let (said, reason) = match said.split_once("--") {
        Some((said, reason)) => (said, reason.trim()),
        None => (said, ""),
    };
    // `# onequery: ignore[a]  # noqa: E501`: what other tools are told is none of our business.
    let other = match language {
        Language::Python => " #",
        Language::Rust => " //",
        Language::Template => " {#",
    };
    let said = said.split(other).next().unwrap_or_default().trim();
    let list = said
        .strip_prefix("ignore")
        .and_then(|rest| rest.trim_start().strip_prefix('[')?.strip_suffix(']'));
    let kind = match (said, list) {
        (_, Some(list)) => {
            let rules: Vec<String> = list.split(',').map(|rule| rule.trim().to_owned()).collect();
            if rules.iter().any(String::is_empty) {
                DirectiveKind::Malformed("expected the ids of rules between the brackets".to_owned())
            } else {
                DirectiveKind::Ignore(rules)
            }
        }
        ("batched", None) => DirectiveKind::Batched,
        ("no-query", None) => DirectiveKind::NoQuery,
        ("ignore", None) => {
            DirectiveKind::Malformed("`ignore` names its rules: `ignore[query-in-loop]`".to_owned())
        }
        _ => DirectiveKind::Malformed(EXPECTED.to_owned()),
    };
    (kind, (!reason.is_empty()).then(|| reason.to_owned()))
}

/// The code that a directive at `at` is about.
fn covered(language: Language, text: &str, at: usize, statements: &[Span]) -> Span {
    let line_start = |at: usize| text[..at].rfind('\n').map_or(0, |end| end + 1);
    let line_end = |at: usize| text[at..].find('\n').map_or(text.len(), |end| at + end);
    let is_comment = |line: &str| {
        comments(language)
            .iter()
            .any(|(start, _)| line.starts_with(start))
    };
    let mut start = line_start(at);
    if is_comment(text[start..].trim_start()) {
        start = line_end(at);
        // Attributes of Rust begin like comments of Python.
        while start < text.len() {
            let line = text[start + 1..line_end(start + 1)].trim_start();
            start += 1;
            if !line.is_empty() && (line.starts_with("#[") || !is_comment(line)) {
                break;
            }
            start = line_end(start);
        }
    }
    let line = span(start, line_end(start));
    let on_line = |span: &&Span| span.start < line.end && line.start < span.end;
    statements.iter().filter(on_line).copied().fold(line, Span::cover)
}

/// What is written on several lines and holds no statements itself.
fn statements_on_several_lines(ir: &FileIr, text: &str) -> Vec<Span> {
    let several = ir.exprs.iter().filter(|expr| expr.span.text(text).contains('\n'));
    let (compound, simple): (Vec<_>, Vec<_>) = several.partition(|expr| is_compound(&expr.kind));
    let holds = |outer: Span| compound.iter().any(|inner| outer.contains(inner.span));
    let simple = simple.into_iter().map(|expr| expr.span);
    simple.filter(|&span| !holds(span)).collect()
}

/// Whether an expression holds statements.
fn is_compound(kind: &ExprKind) -> bool {
    match kind {
        ExprKind::Loop(the_loop) => the_loop.kind != LoopKind::Comprehension,
        ExprKind::Block { .. }
        | ExprKind::If { .. }
        | ExprKind::Match { .. }
        | ExprKind::With { .. }
        | ExprKind::Try { .. }
        | ExprKind::DefineFunction(_)
        | ExprKind::DefineClass(..) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use onequery_core::DirectiveKind;

    use crate::front_end;

    /// The directives of a text, each with the code that it covers.
    fn check(path: &str, text: &str, expected: &[&str]) {
        let ir = (front_end(path).expect("the path is one of a language").lower)(text);
        let found: Vec<String> = ir
            .directives
            .iter()
            .map(|directive| {
                let kind = match &directive.kind {
                    DirectiveKind::Ignore(rules) => rules.join("+"),
                    other => format!("{other:?}"),
                };
                let reason = directive.reason.as_deref().unwrap_or("-");
                format!("{kind} ({reason}) {}", directive.covers.text(text).trim())
            })
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_line_or_the_one_below() {
        check(
            "a.py",
            "f(x)  # onequery: ignore[a-b, c] -- few rows\n",
            &["a-b+c (few rows) f(x)  # onequery: ignore[a-b, c] -- few rows"],
        );
        check(
            "a.py",
            "# onequery: ignore[a]\n\n# why\nf(x)\ng(x)\n",
            &["a (-) f(x)"],
        );
        check(
            "a.rs",
            "fn f() {\n    // onequery: ignore[a]\n    g(x);\n}\n",
            &["a (-) g(x);"],
        );
        check(
            "a.rs",
            "fn f() {\n    g(x); /* onequery: batched */ h();\n}\n",
            &["Batched (-) g(x); /* onequery: batched */ h();"],
        );
        check(
            "templates/a.html",
            "{# onequery: ignore[a] #}\n{{ x.y }}\n",
            &["a (-) {{ x.y }}"],
        );
        check(
            "templates/a.html",
            "{{ x.y }} <!-- onequery: ignore[a] -->\n",
            &["a (-) {{ x.y }} <!-- onequery: ignore[a] -->"],
        );
    }

    #[test]
    fn a_statement_on_several_lines_is_covered_whole_and_a_body_is_not() {
        check(
            "a.py",
            "# onequery: ignore[a]\nf(\n    x,\n)\ng()\n",
            &["a (-) f(\n    x,\n)"],
        );
        check(
            "a.py",
            "y = [\n    f(x)\n    for x in z\n]  # onequery: ignore[a]\n",
            &["a (-) y = [\n    f(x)\n    for x in z\n]  # onequery: ignore[a]"],
        );
        check(
            "a.py",
            "# onequery: ignore[a]\nfor x in y:\n    f(x)\n",
            &["a (-) for x in y:"],
        );
        check(
            "a.rs",
            "fn f() {\n    // onequery: ignore[a]\n    x.map(|y| {\n        g(y)\n    });\n}\n",
            &["a (-) x.map(|y| {"],
        );
        check(
            "a.py",
            "# onequery: no-query\n@cached\ndef f():\n    pass\n",
            &["NoQuery (-) @cached"],
        );
        check(
            "a.rs",
            "// onequery: no-query\n#[inline]\nfn f() {}\n",
            &["NoQuery (-) #[inline]"],
        );
    }

    #[test]
    fn text_is_no_comment() {
        check(
            "a.py",
            "x = '# onequery: batched'\ny = 'onequery: batched'\n",
            &[],
        );
        check("a.rs", "fn f() { let x = \"// onequery: batched\"; }\n", &[]);
        check("a.rs", "/// onequery: batched\nfn f() {}\n", &[]);
        check(
            "a.py",
            "f()  # onequery: ignore[a]  # noqa: E501\n",
            &["a (-) f()  # onequery: ignore[a]  # noqa: E501"],
        );
        check("templates/a.html", "<p>Write # onequery: batched</p>\n", &[]);
        check("a.py", "# see onequery: batched\nf()\n", &[]);
    }

    #[test]
    fn what_cannot_be_read_says_what_was_expected() {
        for text in [
            "ignore",
            "ignore[]",
            "ignore[a,]",
            "ignroe[a]",
            "ignore[a] few rows",
            "",
        ] {
            let ir = (front_end("a.py").expect("Python is a language").lower)(&format!(
                "f()  # onequery: {text}\n"
            ));
            let malformed = matches!(ir.directives[0].kind, DirectiveKind::Malformed(_));
            assert!(malformed, "{text}: {:?}", ir.directives);
        }
    }

    #[test]
    fn the_last_line_has_no_code_below() {
        check("a.py", "f()\n# onequery: ignore[a]", &["a (-) "]);
        check("a.py", "f()\n# onequery: ignore[a]\n", &["a (-) "]);
    }
}
