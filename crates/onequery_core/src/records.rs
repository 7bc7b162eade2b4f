//! The form of text files that a project keeps beside its code: a first line that says what the file is, then one record
//! a line, sorted, with tabs between the fields.
//!
//! Such a file is merged like any other text, so its reader has to notice what a merge leaves behind.

use std::fmt;

/// A kind of file.
#[derive(Clone, Copy, Debug)]
pub struct RecordFile {
    /// What the file is, as its first line says: `baseline` for `# onequery baseline 1`.
    pub name: &'static str,
    /// The version of the form, which the first line ends with.
    pub version: u32,
    /// The fields of a record, for messages.
    pub fields: &'static str,
    /// What a person does who finds the marks of a merge in it.
    pub after_merge: &'static str,
}

/// Why a text is no file of its kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub message: String,
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)
    }
}

impl std::error::Error for RecordError {}

/// A record with its line, counted from 1.
pub type Numbered<const N: usize> = (usize, [String; N]);

impl RecordFile {
    /// Reads what [`write`](Self::write) wrote. Empty lines and lines that begin with `#` are passed over, and an empty
    /// text has no records.
    ///
    /// # Errors
    ///
    /// The first line that does not belong there: a mark of a merge, a version that is not known, a wrong number of fields.
    pub fn read<const N: usize>(&self, text: &str) -> Result<Vec<Numbered<N>>, RecordError> {
        let mut lines = (1..).zip(text.lines());
        match lines.next() {
            None => return Ok(Vec::new()),
            Some((line, head)) => self.check_head(line, head)?,
        }
        let lines = lines.filter(|(_, text)| !text.is_empty() && !text.starts_with('#'));
        lines
            .map(|(line, text)| {
                let is_mark = ["<<<<<<<", "=======", ">>>>>>>", "|||||||"]
                    .iter()
                    .any(|mark| text.starts_with(mark));
                if is_mark {
                    let message = format!("a merge has left its marks; {}", self.after_merge);
                    return Err(RecordError { line, message });
                }
                let fields: Vec<String> = text.split('\t').map(unescaped).collect();
                let fields = fields.try_into().map_err(|_| {
                    let message = format!("expected {} with tabs between them", self.fields);
                    RecordError { line, message }
                })?;
                Ok((line, fields))
            })
            .collect()
    }

    fn check_head(&self, line: usize, head: &str) -> Result<(), RecordError> {
        let expected = self.head();
        if head == expected {
            return Ok(());
        }
        let begin = format!("# onequery {} ", self.name);
        let message = match head.strip_prefix(&begin) {
            Some(version) => {
                format!("version {version} of the form is not known to this version of onequery")
            }
            None => format!(
                "expected `{expected}`; this is no {}, or a merge has left its marks",
                self.name
            ),
        };
        Err(RecordError { line, message })
    }

    fn head(&self) -> String {
        format!("# onequery {} {}", self.name, self.version)
    }

    /// Writes records in the order in which they come.
    pub fn write<'r, const N: usize>(&self, records: impl Iterator<Item = [&'r str; N]>) -> String {
        let mut text = self.head();
        text.push('\n');
        for record in records {
            text.push_str(&record.map(escaped).join("\t"));
            text.push('\n');
        }
        text
    }
}

/// A field without tabs and line ends. The first one must not look like a comment or a mark of a merge either.
fn escaped(field: &str) -> String {
    let escaped = field
        .replace('\\', "\\\\")
        .replace('\t', "\\t")
        .replace('\n', "\\n")
        .replace('\r', "\\r");
    match escaped.chars().next() {
        Some('#' | '<' | '=' | '>' | '|') => format!("\\{escaped}"),
        _ => escaped,
    }
}

fn unescaped(field: &str) -> String {
    let mut text = String::with_capacity(field.len());
    let mut chars = field.chars();
    while let Some(c) = chars.next() {
        text.push(match c {
            '\\' => match chars.next() {
                Some('t') => '\t',
                Some('n') => '\n',
                Some('r') => '\r',
                Some(other) => other,
                None => '\\',
            },
            other => other,
        });
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAIRS: RecordFile = RecordFile {
        name: "pairs",
        version: 1,
        fields: "key and value",
        after_merge: "keep one",
    };

    #[test]
    fn odd_fields_survive() {
        for odd in [
            "a b",
            "a\tb\n\\",
            "#a",
            "<<<<<<< a",
            "\u{e9}\r",
            "\\",
            "=======",
            "",
        ] {
            let text = PAIRS.write([[odd, "v"]].into_iter());
            assert_eq!(text.lines().count(), 2, "{odd:?}");
            let fields = [odd.to_owned(), "v".to_owned()];
            assert_eq!(PAIRS.read(&text), Ok(vec![(2, fields)]));
        }
        assert_eq!(PAIRS.read::<2>(""), Ok(vec![]));
    }

    #[test]
    fn a_line_that_does_not_belong_is_named() {
        let check = |text: &str, line, part: &str| {
            let error = PAIRS.read::<2>(text).expect_err("the text is none of pairs");
            assert!(error.line == line && error.message.contains(part), "{error}");
        };
        check("a\tb\n", 1, "expected `# onequery pairs 1`");
        check("# onequery pairs 2\n", 1, "version 2");
        check("# onequery pairs 1\n\na\n", 3, "expected key and value");
        check("# onequery pairs 1\na\tb\n=======\n", 3, "keep one");
    }
}
