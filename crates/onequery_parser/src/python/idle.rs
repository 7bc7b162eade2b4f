//! Tests that repeat nothing.
//!
//! Tests are half of many projects, and most of them run one thing after another: such a test has no loop of its own, and
//! nobody but the test runner calls it. Parsing its body would cost more than all the rest that is done with it, so it is
//! told from the bytes whether there is anything to see.

use std::borrow::Cow;
use std::collections::HashMap;

use memchr::{memchr, memchr2};

/// Words without which a body neither repeats anything itself nor declares anything.
const TELLING: &[&str] = &[
    "for", "while", "lambda", "map", "filter", "sorted", "starmap", "reduce", "key", "apply", "def", "class",
    "import", "global", "nonlocal",
];

/// The same text with the same offsets, in which the bodies of idle tests are `...` and blanks.
///
/// Text that cannot be followed is left as it is.
pub(crate) fn without_idle_tests(text: &str) -> Cow<'_, str> {
    let mut scanner = Scanner::new(text);
    if scanner.read().is_none() {
        return text.into();
    }
    let idle = scanner.tests.iter().filter(|test| {
        let is_called = scanner.n_named.get(test.name).is_none_or(|&n| n > 1);
        !test.tells && !is_called && test.body.1 - test.body.0 > PLACEHOLDER.len()
    });
    let mut kept = String::new();
    let mut at = 0;
    for Test {
        body: (start, end), ..
    } in idle
    {
        kept.push_str(&text[at..*start]);
        kept.push_str(PLACEHOLDER);
        kept.extend(std::iter::repeat_n(' ', end - start - PLACEHOLDER.len()));
        at = *end;
    }
    if at == 0 {
        return text.into();
    }
    kept.push_str(&text[at..]);
    kept.into()
}

/// What test helpers that count statements have in their names: `assertNumQueries`, `django_assert_num_queries`.
const QUERIES: &str = "ueries";

/// What a body is that does nothing.
const PLACEHOLDER: &str = "...";

/// A function that a test runner collects.
struct Test<'t> {
    name: &'t str,
    /// Columns before its `def`.
    indent: usize,
    /// From its first statement to the end of its last one; empty before there is one.
    body: (usize, usize),
    /// Something in its body has to be looked at.
    tells: bool,
}

struct Scanner<'t> {
    text: &'t str,
    at: usize,
    tests: Vec<Test<'t>>,
    /// The last of the tests is not at its end.
    is_inside: bool,
    /// How often names of tests stand anywhere.
    n_named: HashMap<&'t str, u32>,
}

impl<'t> Scanner<'t> {
    fn new(text: &'t str) -> Self {
        Self {
            text,
            at: 0,
            tests: Vec::new(),
            is_inside: false,
            n_named: HashMap::new(),
        }
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
        let last = self.tokens()?;
        let line = &self.text[start..self.at];
        if !was_inside {
            let head = line.strip_prefix("async ").unwrap_or(line).trim_start();
            let name = head.strip_prefix("def ").map(|rest| word(rest.trim_start()));
            if let Some(name) = name.filter(|name| name.starts_with(PREFIX) && last == b':') {
                self.tests.push(Test {
                    name,
                    indent,
                    body: (0, 0),
                    tells: line.contains(QUERIES),
                });
                self.is_inside = true;
            }
        } else if let Some(test) = self.tests.last_mut() {
            if test.body.1 == 0 {
                test.body.0 = start;
            }
            test.body.1 = start + line.trim_end().len();
        }
        Some(())
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
                b'\\' => self.at += 2,
                b'a'..=b'z' | b'A'..=b'Z' | b'_' | 0x80.. => self.name()?,
                b' ' | b'\t' | b'\r' | b'\n' => {
                    self.at += 1;
                    continue;
                }
                _ => {
                    match byte {
                        b'(' | b'[' | b'{' => depth += 1,
                        b')' | b']' | b'}' => depth = depth.checked_sub(1)?,
                        _ => {}
                    }
                    self.at += 1;
                }
            }
            last = byte;
        }
        (depth == 0).then_some(last)
    }

    /// To the end of the line.
    fn comment(&mut self) {
        let rest = self.rest();
        let end = memchr(b'\n', rest).unwrap_or(rest.len());
        let comment = &self.text[self.at..self.at + end];
        if self.is_inside && comment.contains("onequery") {
            self.tell();
        }
        self.at += end;
    }

    fn tell(&mut self) {
        if let Some(test) = self.tests.last_mut() {
            test.tells = true;
        }
    }

    fn name(&mut self) -> Option<()> {
        let name = word(&self.text[self.at..]);
        self.at += name.len();
        if name.len() <= 2 && matches!(self.byte(self.at), b'"' | b'\'') {
            return self.string(name);
        }
        self.named(name);
        Some(())
    }

    fn named(&mut self, name: &'t str) {
        if name.starts_with(PREFIX) {
            *self.n_named.entry(name).or_default() += 1;
        } else if self.is_inside && (TELLING.contains(&name) || name.contains(QUERIES)) {
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

/// What test runners collect functions by.
const PREFIX: &str = "test";

/// The name that a text begins with.
fn word(text: &str) -> &str {
    let end = text.find(|c: char| !is_of_word(c));
    &text[..end.unwrap_or(text.len())]
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::without_idle_tests;

    #[track_caller]
    fn check(text: &str, kept: &str) {
        let shown = without_idle_tests(text);
        assert_eq!(shown.len(), text.len());
        let shown: Vec<&str> = shown.lines().map(str::trim_end).collect();
        let shown: Vec<&str> = shown.into_iter().filter(|line| !line.is_empty()).collect();
        assert_eq!(shown.join("\n"), kept);
    }

    #[test]
    fn a_test_without_a_loop_is_idle() {
        check(
            "def test_a(x):\n    # one\n    a = x\n    b = f(\n  a)\n\n    # two\nc = 1\n",
            "def test_a(x):\n    # one\n    ...\n    # two\nc = 1",
        );
        check(
            "class T:\n  async def test_a(\n    x\n  ) -> None:  # why\n\ta = '''\nb\n'''\n  def test_b(self): pass\n",
            "class T:\n  async def test_a(\n    x\n  ) -> None:  # why\n\t...\n  def test_b(self): pass",
        );
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
    fn words_in_strings_and_comments_repeat_nothing() {
        check(
            "def test_a():\n    a(\"for 'x\", r'\\' for', b\"\"\"\ndef test_b():\n\"\"\")  # for each\n",
            "def test_a():\n    ...",
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
