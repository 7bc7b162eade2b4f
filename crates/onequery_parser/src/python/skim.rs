//! Code that repeats nothing.
//!
//! Tests are half of many projects, and most of them run one thing after another: such a test has no loop of its own, and
//! nobody but the test runner calls it. Migrations list what is done once. Parsing these would cost more than all the rest
//! that is done with them, so it is told from the bytes whether there is anything to see.

use std::collections::HashMap;
use std::ops::Range;

use memchr::{memchr, memchr2};

use super::gaps::Kept;
use crate::Contents;

/// Whether code with this word may repeat or declare something.
#[rustfmt::skip]
fn tells(word: &str) -> bool {
    matches!(
        word,
        "for" | "while" | "lambda" | "map" | "filter" | "sorted" | "starmap" | "reduce" | "key" | "apply" | "many" | "def"
            | "class" | "import" | "global" | "nonlocal"
    ) || counts(word)
}

/// Whether a text names something that counts statements.
fn counts(text: &str) -> bool {
    memchr2(b'q', b'Q', text.as_bytes()).is_some() && text.contains(QUERIES)
}

/// Words that tell nothing behind a dot: there they are methods of queries, whose arguments are conditions.
const TELLING_ALONE: &[&str] = &["filter", "reduce", "sorted"];

/// What test helpers that count statements have in their names: `assertNumQueries`, `django_assert_num_queries`.
const QUERIES: &str = "ueries";

/// What comments begin with that speak to the analyzer.
const DIRECTIVE: &str = "onequery";

/// What test runners collect functions by.
const PREFIX: &str = "test";

/// What decorators are called that make a function a part of tests.
const FIXTURE: &str = "fixture";

/// Classes that are called for empty values.
const BUILT_IN: &[&str] = &["dict", "list", "set", "str", "int"];

/// What stands for a function or a body, since a block cannot be empty.
const PLACEHOLDER: &str = "...";

/// A text without what repeats nothing: tests and their fixtures; in migrations the calls that a class lists.
///
/// `None` when that is the whole text, or the text cannot be followed.
pub(super) fn skimmed(text: &str, contents: Contents) -> Option<Kept> {
    if contents == Contents::Code {
        return None;
    }
    let mut scanner = Scanner::new(text, contents);
    scanner.read()?;
    let mut kept = Kept::default();
    let mut at = 0;
    for (Range { start, end }, instead) in scanner.idle() {
        if end - start > instead.len() {
            kept.keep(&text[at..start]);
            kept.keep(instead);
            kept.leave_out(end - start - instead.len());
            at = end;
        }
    }
    kept.keep(&text[at..]);
    (at > 0).then_some(kept)
}

/// A function that a test runner collects, or calls for one.
struct Test<'t> {
    name: &'t str,
    /// Columns before its `def`.
    indent: usize,
    /// Where it begins, decorators included, if nothing before its body has to be looked at.
    start: Option<usize>,
    /// From its first statement to the end of its last one; empty before there is one.
    body: Range<usize>,
    /// Something in its body has to be looked at.
    tells: bool,
    is_fixture: bool,
}

/// The decorators above the line that is read.
struct Decorators {
    place: Range<usize>,
    tells: bool,
    has_fixture: bool,
}

struct Scanner<'t> {
    text: &'t str,
    contents: Contents,
    at: usize,
    tests: Vec<Test<'t>>,
    /// The last of the tests is not at its end.
    is_inside: bool,
    /// How often names of tests stand anywhere.
    n_named: HashMap<&'t str, u32>,
    decorators: Option<Decorators>,
    /// Something in this line has to be looked at.
    tells: bool,
    /// The first brackets of this line, with what is between them.
    brackets: Range<usize>,
    /// An argument in this line may be a function, which somebody calls then.
    passes_on: bool,
    /// The name that was read last belongs to the value of a keyword.
    is_value: bool,
    /// Where classes and functions begin that are not at their end: columns before them, and whether it is a class.
    around: Vec<(usize, bool)>,
    /// What is between the brackets of lists that repeat nothing.
    lists: Vec<Range<usize>>,
}

impl<'t> Scanner<'t> {
    fn new(text: &'t str, contents: Contents) -> Self {
        Self {
            text,
            contents,
            at: 0,
            tests: Vec::new(),
            is_inside: false,
            n_named: HashMap::new(),
            decorators: None,
            tells: false,
            brackets: 0..0,
            passes_on: false,
            is_value: false,
            around: Vec::new(),
            lists: Vec::new(),
        }
    }

    /// What need not be read, in order, and what stands there instead.
    fn idle(self) -> Vec<(Range<usize>, &'static str)> {
        let mut idle: Vec<_> = self.lists.into_iter().map(|list| (list, "")).collect();
        for test in self.tests {
            let is_called = !test.is_fixture && self.n_named.get(test.name).is_none_or(|&n| n > 1);
            if !test.tells && !is_called && !test.body.is_empty() {
                let start = test.start.unwrap_or(test.body.start);
                idle.push((start..test.body.end, PLACEHOLDER));
            }
        }
        idle
    }

    fn byte(&self, at: usize) -> u8 {
        self.text.as_bytes().get(at).copied().unwrap_or_default()
    }

    fn rest(&self) -> &'t [u8] {
        &self.text.as_bytes()[self.at..]
    }

    /// `None` when quotes or brackets are not closed.
    fn read(&mut self) -> Option<()> {
        while self.at < self.text.len() {
            let indent = self.indent();
            match self.byte(self.at) {
                b'\n' | b'\r' => self.at += 1,
                b'#' => self.comment(),
                _ => self.line(indent)?,
            }
        }
        Some(())
    }

    /// Columns before the next byte that is no blank.
    fn indent(&mut self) -> usize {
        let mut columns = 0;
        loop {
            match self.byte(self.at) {
                b' ' => columns += 1,
                b'\t' => columns = (columns / 8 + 1) * 8,
                b'\x0c' => columns = 0,
                _ => return columns,
            }
            self.at += 1;
        }
    }

    /// One statement, or the head of a compound one.
    fn line(&mut self, indent: usize) -> Option<()> {
        let start = self.at;
        if self.is_inside && self.tests.last().is_some_and(|test| indent <= test.indent) {
            self.is_inside = false;
        }
        let was_inside = self.is_inside;
        let head = self.head();
        (self.tells, self.passes_on, self.brackets) = (false, false, 0..0);
        let last = self.tokens()?;
        let end = start + self.text[start..self.at].trim_end().len();
        if was_inside {
            if let Some(test) = self.tests.last_mut() {
                if test.body.is_empty() {
                    test.body.start = start;
                }
                test.body.end = end;
            }
            return Some(());
        }
        let decorators = self.decorators.take();
        if self.byte(start) == b'@' {
            self.decorate(decorators, start..end);
            return Some(());
        }
        match self.contents {
            Contents::Tests => {
                if let Some(Head::Function(name)) = head
                    && last == b':'
                {
                    self.test(name, indent, decorators, start..end);
                }
            }
            Contents::Migrations => self.list(head, indent, start..end),
            Contents::Code => {}
        }
        Some(())
    }

    /// Reads the words that begin a function or a class.
    fn head(&mut self) -> Option<Head<'t>> {
        if self.is_inside {
            return None;
        }
        let mut rest = &self.text[self.at..];
        if let Some(of_async) = rest.strip_prefix("async ") {
            rest = of_async.trim_start_matches(' ');
        }
        let (is_class, rest) = match (rest.strip_prefix("def "), rest.strip_prefix("class ")) {
            (Some(rest), _) => (false, rest),
            (_, Some(rest)) => (true, rest),
            (None, None) => return None,
        };
        let rest = rest.trim_start_matches(' ');
        self.at = self.text.len() - rest.len();
        Some(if is_class {
            Head::Class
        } else {
            Head::Function(word(rest))
        })
    }

    fn decorate(&mut self, before: Option<Decorators>, line: Range<usize>) {
        let of_line = Decorators {
            tells: self.tells,
            has_fixture: is_fixture(&self.text[line.start + 1..line.end]),
            place: line,
        };
        self.decorators = Some(match before {
            Some(before) => Decorators {
                place: before.place.start..of_line.place.end,
                tells: before.tells || of_line.tells,
                has_fixture: before.has_fixture || of_line.has_fixture,
            },
            None => of_line,
        });
    }

    /// A function whose head was read is one of a test, if it is called or decorated so.
    fn test(&mut self, name: &'t str, indent: usize, decorators: Option<Decorators>, head: Range<usize>) {
        let is_fixture = decorators.as_ref().is_some_and(|it| it.has_fixture);
        if !name.starts_with(PREFIX) && !is_fixture {
            return;
        }
        let head_tells = self.tells || decorators.as_ref().is_some_and(|it| it.tells);
        let start = decorators.map_or(head.start, |it| it.place.start);
        self.tests.push(Test {
            name,
            indent,
            start: Some(start).filter(|_| !head_tells),
            body: 0..0,
            tells: counts(&self.text[head]),
            is_fixture,
        });
        self.is_inside = true;
    }

    /// A line of a migration may be a list that its class has.
    fn list(&mut self, head: Option<Head<'t>>, indent: usize, line: Range<usize>) {
        while self.around.last().is_some_and(|(around, _)| *around >= indent) {
            self.around.pop();
        }
        if let Some(head) = head {
            self.around.push((indent, matches!(head, Head::Class)));
            return;
        }
        let is_of_class = matches!(self.around[..], [(_, true)]);
        let list = self.brackets.clone();
        let is_list = |text: &str| {
            let before = text[line.start..list.start].strip_suffix('[').map(str::trim_end);
            let name = before
                .and_then(|before| before.strip_suffix('='))
                .map(str::trim_end);
            let has_calls = text[list.clone()].trim_start().starts_with(is_of_word);
            has_calls && name.is_some_and(|name| !name.is_empty() && word(name) == name)
        };
        if is_of_class && !self.tells && !self.passes_on && list.end + 1 == line.end && is_list(self.text) {
            self.lists.push(list);
        }
    }

    /// Reads to the end of a line that is none inside of brackets, and gives the last byte that means something.
    fn tokens(&mut self) -> Option<u8> {
        let mut depth = 0_u32;
        let mut last = 0;
        while self.at < self.text.len() {
            let byte = self.byte(self.at);
            match byte {
                b'\n' if depth == 0 => break,
                b'#' => {
                    self.comment();
                    continue;
                }
                b'"' | b'\'' => self.string("")?,
                b'\\' => {
                    self.at += 1;
                    self.end_of_line();
                    continue;
                }
                b'a'..=b'z' | b'A'..=b'Z' | b'_' | 0x80.. => self.name(last, depth)?,
                b' ' | b'\t' | b'\r' | b'\n' => {
                    self.at += 1;
                    continue;
                }
                _ => {
                    self.at += 1;
                    match byte {
                        b'(' | b'[' | b'{' => {
                            if self.brackets.start == 0 {
                                self.brackets.start = self.at;
                            }
                            depth += 1;
                        }
                        b')' | b']' | b'}' => {
                            depth = depth.checked_sub(1)?;
                            if depth == 0 && self.brackets.end == 0 {
                                self.brackets.end = self.at - 1;
                            }
                        }
                        _ => {}
                    }
                }
            }
            last = byte;
        }
        (depth == 0).then_some(last)
    }

    /// Past the end of a line that goes on.
    fn end_of_line(&mut self) {
        for byte in [b'\r', b'\n'] {
            self.at += usize::from(self.byte(self.at) == byte);
        }
    }

    /// To the end of the line.
    fn comment(&mut self) {
        let rest = self.rest();
        let end = memchr(b'\n', rest).unwrap_or(rest.len());
        let comment = &self.text[self.at..self.at + end];
        if comment.contains(DIRECTIVE) {
            self.tell();
        }
        self.at += end;
    }

    /// Something here has to be looked at. A comment may stand between lines.
    fn tell(&mut self) {
        self.tells = true;
        if let Some(decorators) = &mut self.decorators {
            decorators.tells = true;
        }
        if self.is_inside
            && let Some(test) = self.tests.last_mut()
        {
            test.tells = true;
        }
    }

    /// A name in so many brackets, behind a byte that means something.
    fn name(&mut self, last: u8, depth: u32) -> Option<()> {
        let name = word(&self.text[self.at..]);
        self.at += name.len();
        if name.len() <= 2 && matches!(self.byte(self.at), b'"' | b'\'') {
            return self.string(name);
        }
        let is_attribute = last == b'.';
        if !is_attribute || !TELLING_ALONE.contains(&name) {
            self.named(name);
        }
        match last {
            b'.' => {}
            b'=' => self.is_value = true,
            _ => self.is_value = false,
        }
        // `default=uuid.uuid4`, `default=dict`: what a keyword gives so is a column's default, whose model names it, too.
        let may_be_called = name.starts_with(|c: char| c.is_lowercase() || c == '_')
            && !(self.is_value && (is_attribute || BUILT_IN.contains(&name)));
        let is_passed = depth == 1 || (depth > 1 && may_be_called);
        self.passes_on |= is_passed
            && matches!(
                self.byte(self.at),
                b',' | b')' | b']' | b'}' | b' ' | b'\r' | b'\n'
            );
        Some(())
    }

    fn named(&mut self, name: &'t str) {
        if name.starts_with(PREFIX) {
            *self.n_named.entry(name).or_default() += 1;
        } else if tells(name) {
            self.tell();
        }
    }

    fn string(&mut self, prefix: &str) -> Option<()> {
        let quote = self.byte(self.at);
        let is_long = self.byte(self.at + 1) == quote && self.byte(self.at + 2) == quote;
        self.at += if is_long { 3 } else { 1 };
        let start = self.at;
        loop {
            let found = memchr2(quote, b'\\', self.rest())?;
            self.at += found;
            if self.byte(self.at) == b'\\' {
                self.at += 2;
                if self.at > self.text.len() {
                    return None;
                }
            } else if !is_long || (self.byte(self.at + 1) == quote && self.byte(self.at + 2) == quote) {
                break;
            } else {
                self.at += 1;
            }
        }
        let inside = self.text.get(start..self.at)?;
        self.at += if is_long { 3 } else { 1 };
        if prefix.contains(['f', 'F', 't', 'T']) {
            let words = inside
                .split(|c: char| !is_of_word(c))
                .filter(|word| !word.is_empty());
            words.for_each(|word| self.named(word));
        } else if !is_long && inside.contains('\n') && !inside.contains("\\\n") && !inside.contains("\\\r\n")
        {
            return None;
        }
        Some(())
    }
}

/// What a line begins, if it is no plain statement.
enum Head<'t> {
    Class,
    /// With its name.
    Function(&'t str),
}

/// Whether an expression that decorates makes fixtures: `pytest.fixture`, `fixture(scope="session")`.
fn is_fixture(decorator: &str) -> bool {
    let end = decorator.find(|c: char| !is_of_word(c) && c != '.');
    let path = &decorator[..end.unwrap_or(decorator.len())];
    path.rsplit('.').next() == Some(FIXTURE)
}

/// The name that a text begins with.
fn word(text: &str) -> &str {
    let end = text.bytes().position(|byte| !is_of_word(byte.into()));
    &text[..end.unwrap_or(text.len())]
}

/// What is beyond ASCII is taken to be a letter.
fn is_of_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c >= '\u{80}'
}

#[cfg(test)]
mod tests {
    use super::skimmed;
    use crate::Contents;

    #[track_caller]
    fn check(text: &str, kept: &str) {
        check_of(Contents::Tests, text, kept);
    }

    #[track_caller]
    fn check_of(contents: Contents, text: &str, kept: &str) {
        let shown = skimmed(text, contents).map_or_else(|| text.to_owned(), |kept| kept.text);
        let shown: Vec<&str> = shown.lines().map(str::trim_end).collect();
        let shown: Vec<&str> = shown.into_iter().filter(|line| !line.is_empty()).collect();
        assert_eq!(shown.join("\n"), kept);
    }

    #[test]
    fn a_test_without_a_loop_is_idle() {
        check(
            "def test_a(x):\n    # one\n    a = x\n    b = f(\n  a)\n\n    # two\nc = 1\n",
            "...\n    # two\nc = 1",
        );
        check(
            "class T:\n  async def test_a(\n    x\n  ) -> None:  # why\n\ta = '''\nb\n'''\n  def test_b(self): pass\n",
            "class T:\n  ...\n  def test_b(self): pass",
        );
    }

    #[test]
    fn what_decorates_an_idle_test_is_idle() {
        check(
            "@mark.parametrize(\n  \"x\", [1]\n)\n# why\n@mark.slow\ndef test_a(x):\n    go(x)\n",
            "...",
        );
        check(
            "@mark.parametrize(\"x\", [a for a in b])\ndef test_a(x=[a for a in b]):\n    go(x)\n",
            "@mark.parametrize(\"x\", [a for a in b])\ndef test_a(x=[a for a in b]):\n    ...",
        );
    }

    #[test]
    fn fixtures_are_parts_of_tests() {
        check(
            "@pytest.fixture(scope=\"module\")\ndef order(db):\n    return make(db)\ndef test_a(order):\n    go(order)\n",
            "...\n...",
        );
        let text = "@pytest.mark.usefixtures(\"db\")\ndef make(x):\n    return x";
        check(text, text);
    }

    #[test]
    fn filters_of_queries_are_idle() {
        check("def test_a():\n    Order.objects.filter(pk=1)\n", "...");
        let text = "def test_a():\n    list(filter(go, rows))";
        check(text, text);
    }

    #[test]
    fn what_migrations_list_is_idle() {
        check_of(
            Contents::Migrations,
            "class A(B):\n    atomic = False\n    steps = [\n        m.Add(default=dict, to=s.USER),\n    ]",
            "class A(B):\n    atomic = False\n    steps = []",
        );
        for text in [
            "class A(B):\n    steps = [m.Run(go)]",
            "class A(B):\n    steps = [m.Run(code=go)]",
            "class A(B):\n    steps = [m.Run(utils.go)]",
            "class A(B):\n    steps = [m.Run({1: go})]",
            "class A(B):\n    steps = [m.Run(lambda a: b)]",
            "class A(B):\n    steps = [m.Run(1) for a in b]",
            "class A(B):\n    steps = [Step]",
            "class A(B):\n    steps = [\"step\"]",
            "class A(B):\n    steps = [m.Step]",
            "class A(B):\n    steps = [m.Run(1)] + more",
            "class A(B):\n    class C:\n        steps = [m.Run(1)]",
            "class A(B):\n    def a(self):\n        steps = [m.Run(1)]",
            "steps = [m.Run(1)]",
        ] {
            check_of(Contents::Migrations, text, text);
        }
    }

    #[test]
    fn what_repeats_is_kept() {
        for body in [
            "for row in rows: row.a",
            "return [row.a for row in rows]",
            "f(lambda row: row.a)",
            "map(f, rows)",
            "f(f'{[a for a in rows]}')",
            "sorted(rows, key=f)",
            "test_a(x)",
            "def f(): pass",
            "import shop",
            "with self.assertNumQueries(3): go()",
            "x = 1  # onequery: ignore[write-in-loop] -- why",
        ] {
            let text = format!("def test_a(rows):\n    {body}");
            check(&text, &text);
        }
    }

    #[test]
    fn what_is_called_is_kept() {
        let text = "def test_a():\n    go()\ntest_a()";
        check(text, text);
    }

    #[test]
    fn a_line_may_go_on_or_end_there() {
        check("def test_a():\n    a = b \\\n        .filter(c)\nd", "...\nd");
        check(
            "def test_a():\r\n    a = b.\\\r\n        filter(c)\r\nd",
            "...\nd",
        );
        check("def test_a():\n    a = b \\", "...");
        check("def test_a():\n    a = \\\u{e9}", "...");
    }

    #[test]
    fn odd_characters_are_parts_of_names() {
        check("def test_a():\n    go\u{2026}(x)\n", "...");
    }

    #[test]
    fn words_in_strings_and_comments_repeat_nothing() {
        check(
            "def test_a():\n    a(\"for 'x\", r'\\' for', b\"\"\"\ndef test_b():\n\"\"\")  # for each\n",
            "...",
        );
    }

    #[test]
    fn what_cannot_be_followed_is_kept() {
        for text in [
            "def test_a():\n    go('\n    b",
            "def test_a():\n    go)\nb",
            "def test_a():\n    go(\nb",
        ] {
            check(text, text);
        }
    }

    #[test]
    fn other_functions_are_kept() {
        let text = "def make(x):\n    a = x\n    return a";
        check(text, text);
    }
}
