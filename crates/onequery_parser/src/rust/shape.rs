//! How risky a text is to parse: nesting and chain lengths, estimated from its bytes.
//!
//! syn recurses for every bracket, every prefix operator and every link of a right-leaning chain, and dropping its trees
//! recurses for left-leaning ones too. The estimate may be too high, which costs a larger stack, but not
//! too low.

/// Deeper brackets than these are refused.
const MAX_BRACKETS: usize = 250;
/// Heavier text than this is not parsed on whatever stack the caller has.
const ORDINARY_WEIGHT: usize = 250;
/// Heavier text than this is refused.
const MAX_WEIGHT: usize = 24_000;
/// What syn and lowering take of the stack for a unit of weight in a debug build, with room to spare.
pub(super) const STACK_PER_WEIGHT: usize = 22 << 10;
/// What one bracket weighs: about as much stack as this many prefix operators.
const BRACKET_WEIGHT: usize = 16;

/// What one of [`PREFIXES`], or a sign behind another sign, weighs.
const PREFIX_WEIGHT: usize = 8;
/// Words that a whole expression or type may follow, for which syn starts over.
const PREFIXES: &[&[u8]] = &[
    b"async", b"break", b"const", b"dyn", b"else", b"fn", b"if", b"impl", b"in", b"let", b"loop", b"match",
    b"move", b"mut", b"return", b"static", b"unsafe", b"while", b"yield",
];

/// What [`measure`] finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// Fits any thread's stack.
    Ordinary,
    /// Wants a stack for this weight.
    Suspicious(usize),
    /// Would overflow any stack; here.
    Hopeless(usize),
}

/// One pair of brackets that is open: how many tokens stand in a row that could lean on each other.
#[derive(Clone, Copy, Default)]
struct Level {
    links: usize,
    /// The part of `links` that goes on behind a comma: `|a, b| |a, b| …`, `fn(A, B) -> fn …`.
    sticky: usize,
    /// Angle brackets that are open, if they are brackets.
    angles: usize,
}

impl Level {
    const fn weight(self) -> usize {
        self.links + self.angles * BRACKET_WEIGHT
    }
}

/// Estimates how much stack a text needs.
pub(super) fn measure(text: &str) -> Shape {
    let mut levels = vec![Level::default()];
    let mut weight = 0;
    let mut heaviest = 0;
    let mut after_brace = false;
    let mut after_sign = false;
    let mut scan = Scan {
        bytes: text.as_bytes(),
        at: 0,
    };
    while let Some((start, token)) = scan.next() {
        let level = levels.last_mut().expect("the file's own level is never closed");
        // `if a {} else if b {}` goes on behind the brace; `fn a() {} fn b() {}` starts anew.
        if after_brace && matches!(token, Token::Word(word) if word != b"else" && word != b"as") {
            weight -= level.weight();
            *level = Level::default();
        }
        after_brace = token == Token::Close(b'}');
        let is_prefix = after_sign && matches!(token, Token::Punct(b'&' | b'*' | b'!' | b'-'));
        after_sign = matches!(token, Token::Punct(_) | Token::Arrow | Token::FatArrow);
        let before = level.weight();
        match token {
            Token::Punct(b';') | Token::FatArrow => *level = Level::default(),
            Token::Punct(b',') => level.links = level.sticky,
            Token::Punct(b'<') => level.angles += 1,
            Token::Punct(b'>') => level.angles = level.angles.saturating_sub(1),
            Token::Punct(b'|') | Token::Arrow | Token::Word(b"for") => {
                level.links += PREFIX_WEIGHT;
                level.sticky += PREFIX_WEIGHT;
            }
            Token::Punct(_) if is_prefix => level.links += PREFIX_WEIGHT,
            Token::Word(word) if PREFIXES.contains(&word) => level.links += PREFIX_WEIGHT,
            Token::Word(_) | Token::Punct(_) => level.links += 1,
            Token::Open | Token::Close(_) => {}
        }
        weight = weight - before + level.weight();
        match token {
            Token::Open => {
                levels.push(Level::default());
                weight += BRACKET_WEIGHT;
            }
            Token::Close(_) if levels.len() > 1 => {
                let closed = levels.pop().expect("there is more than one");
                weight -= BRACKET_WEIGHT + closed.weight();
            }
            _ => {}
        }
        if levels.len() > MAX_BRACKETS + 1 || weight > MAX_WEIGHT {
            return Shape::Hopeless(start);
        }
        heaviest = heaviest.max(weight);
    }
    if heaviest > ORDINARY_WEIGHT {
        Shape::Suspicious(heaviest)
    } else {
        Shape::Ordinary
    }
}

/// Whether a byte lies in a comment or in a space.
pub(super) fn is_between_tokens(text: &str, at: usize) -> bool {
    let mut scan = Scan {
        bytes: text.as_bytes(),
        at: 0,
    };
    loop {
        match scan.next() {
            Some((start, _)) if start > at => return true,
            Some(_) if scan.at > at => return false,
            Some(_) => {}
            None => return true,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Token<'a> {
    Word(&'a [u8]),
    Punct(u8),
    /// `->`
    Arrow,
    /// `=>`
    FatArrow,
    Open,
    Close(u8),
}

struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Scan<'a> {
    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    /// The next token that counts; literals are words without text, comments and spaces are nothing.
    fn next(&mut self) -> Option<(usize, Token<'a>)> {
        loop {
            let start = self.at;
            let byte = *self.bytes.get(start)?;
            self.at += 1;
            let token = match byte {
                byte if byte.is_ascii_whitespace() => continue,
                b'/' if self.peek(0) == b'/' => {
                    self.until(b"\n");
                    continue;
                }
                b'/' if self.peek(0) == b'*' => {
                    self.block_comment();
                    continue;
                }
                b'"' => self.string(),
                b'\'' => self.quote(),
                b'(' | b'[' | b'{' => Token::Open,
                b')' | b']' | b'}' => Token::Close(byte),
                b'-' if self.peek(0) == b'>' => self.two(Token::Arrow),
                b'=' if self.peek(0) == b'>' => self.two(Token::FatArrow),
                byte if is_word(byte) => self.word(start),
                byte => Token::Punct(byte),
            };
            return Some((start, token));
        }
    }

    fn two(&mut self, token: Token<'a>) -> Token<'a> {
        self.at += 1;
        token
    }

    /// Goes behind the next occurrence of `end`, or to the end of the text.
    fn until(&mut self, end: &[u8]) {
        let rest = &self.bytes[self.at..];
        let found = rest.windows(end.len()).position(|window| window == end);
        self.at = found.map_or(self.bytes.len(), |found| self.at + found + end.len());
    }

    /// `/* … /* … */ … */`, from behind the first slash.
    fn block_comment(&mut self) {
        self.at += 1;
        let mut open = 1;
        while open > 0 && self.at < self.bytes.len() {
            match (self.peek(0), self.peek(1)) {
                (b'*', b'/') => {
                    open -= 1;
                    self.at += 2;
                }
                (b'/', b'*') => {
                    open += 1;
                    self.at += 2;
                }
                _ => self.at += 1,
            }
        }
    }

    fn string(&mut self) -> Token<'a> {
        while self.at < self.bytes.len() {
            self.at += 1;
            match self.bytes[self.at - 1] {
                b'"' => break,
                b'\\' => self.at += 1,
                _ => {}
            }
        }
        self.at = self.at.min(self.bytes.len());
        Token::Word(b"")
    }

    /// `'a'`, `'\n'`, or the lifetime `'a`.
    fn quote(&mut self) -> Token<'a> {
        if self.peek(0) == b'\\' {
            self.at += 2;
            self.at = self.at.min(self.bytes.len());
            self.until(b"'");
        } else {
            // One character of one to four bytes.
            let is_char = (1..=4).find(|&len| self.peek(len) & 0xc0 != 0x80);
            match is_char {
                Some(len) if self.peek(len) == b'\'' => self.at += len + 1,
                _ => {}
            }
        }
        Token::Word(b"")
    }

    /// A name, keyword or number, or the prefix of a raw string.
    fn word(&mut self, start: usize) -> Token<'a> {
        while is_word(self.peek(0)) {
            self.at += 1;
        }
        let word = &self.bytes[start..self.at];
        if matches!(word, b"r" | b"br" | b"cr") {
            let hashes = self.bytes[self.at..]
                .iter()
                .take_while(|&&byte| byte == b'#')
                .count();
            if self.peek(hashes) == b'"' {
                self.at += hashes + 1;
                let end = [b"\"".as_slice(), &b"#".repeat(hashes)].concat();
                self.until(&end);
                return Token::Word(b"");
            }
        }
        Token::Word(word)
    }
}

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

#[cfg(test)]
mod tests {
    use super::{Shape, measure};

    #[test]
    fn ordinary_code_is_ordinary_however_much_there_is() {
        let text = "fn f(a: &str) -> Vec<u8> { let x = a.b().c()?; if x { y } else { z } }\n".repeat(1_000);
        assert_eq!(measure(&text), Shape::Ordinary);
        let table = format!("const X: [u8; 9] = [{}];", "1, ".repeat(20_000));
        assert_eq!(measure(&table), Shape::Ordinary);
        let arms = format!("fn f() {{ match x {{ {} }} }}", "A | B => 1, ".repeat(20_000));
        assert_eq!(measure(&arms), Shape::Ordinary);
    }

    #[test]
    fn text_in_strings_and_comments_does_not_count() {
        let deep = "((((".repeat(1_000);
        for text in [
            format!("const X: &str = \"{deep}\\\"{deep}\";"),
            format!("const X: &str = r#\"{deep}\"{deep}\"#;"),
            format!("/* {deep} /* {deep} */ {deep} */ // {deep}\nconst X: char = '(';"),
            "const X: (char, char) = ('\\'', '\"');\nfn f<'a>(x: &'a str) {}".to_owned(),
        ] {
            assert_eq!(measure(&text), Shape::Ordinary, "{text}");
        }
    }

    #[test]
    fn chains_that_make_syn_recurse_are_suspicious() {
        for link in [
            "!",
            "-",
            "&",
            "a + ",
            ".a()",
            "A<B, ",
            "|a, b| ",
            "a = ",
            "return ",
            "fn(A, B) -> ",
            "if a {} else ",
        ] {
            let text = format!("fn f() {{ {} }}", link.repeat(500));
            assert!(matches!(measure(&text), Shape::Suspicious(_)), "{link}");
            assert!(
                matches!(measure(&link.repeat(100_000)), Shape::Hopeless(_)),
                "{link}"
            );
        }
        assert!(matches!(measure(&"(".repeat(300)), Shape::Hopeless(250)));
    }
}
