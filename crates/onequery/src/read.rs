//! Bytes become text.

use std::borrow::Cow;
use std::path::Path;

use encoding_rs::Encoding;
use onequery_core::{Problem, ProblemKind, Span};

/// Files above are passed over: nobody writes that much code by hand, and parsing it would cost more than all else.
const MAX_BYTES: u64 = 8 << 20;

/// Reads a source file. What is odd about it is said beside the text, which may be empty.
pub(crate) fn read(path: &Path) -> (String, Vec<Problem>) {
    let read = std::fs::metadata(path).and_then(|meta| match meta.len() {
        size if size > MAX_BYTES => Ok(Err(size)),
        _ => std::fs::read(path).map(Ok),
    });
    match read {
        Ok(Ok(bytes)) => decoded(bytes),
        Ok(Err(size)) => too_large(size),
        Err(error) => trouble(ProblemKind::Unreadable, error.to_string()),
    }
}

/// The same for what a source file has in it.
pub(crate) fn decoded<'b>(bytes: impl Into<Cow<'b, [u8]>>) -> (String, Vec<Problem>) {
    let bytes = bytes.into();
    let size = bytes.len() as u64;
    if size > MAX_BYTES {
        return too_large(size);
    }
    let (text, replaced) = decode(bytes.into_owned());
    let problems = replaced.map(|encoding| {
        let message = format!("not valid {encoding}; odd bytes were replaced");
        trouble(ProblemKind::Encoding, message).1
    });
    (text, problems.unwrap_or_default())
}

fn too_large(size: u64) -> (String, Vec<Problem>) {
    let message = format!(
        "{} MB is more than the {} MB that are read",
        size >> 20,
        MAX_BYTES >> 20
    );
    trouble(ProblemKind::TooLarge, message)
}

/// No text, and why.
fn trouble(kind: ProblemKind, message: String) -> (String, Vec<Problem>) {
    let span = Span::default();
    (String::new(), vec![Problem { kind, span, message }])
}

/// Decodes by byte order mark, as UTF-8, or as the declared encoding. Says which encoding the bytes break.
fn decode(bytes: Vec<u8>) -> (String, Option<&'static str>) {
    let bytes = match String::from_utf8(bytes) {
        Ok(text) if text.starts_with('\u{feff}') => return (text['\u{feff}'.len_utf8()..].to_owned(), None),
        Ok(text) => return (text, None),
        Err(error) => error.into_bytes(),
    };
    let encoding = Encoding::for_bom(&bytes)
        .map(|(encoding, _)| encoding)
        .or_else(|| declared(&bytes));
    let (text, encoding, failed) = encoding.unwrap_or(encoding_rs::UTF_8).decode(&bytes);
    (text.into_owned(), failed.then(|| encoding.name()))
}

/// The encoding that a comment in one of the first two lines declares (Python, PEP 263).
fn declared(bytes: &[u8]) -> Option<&'static Encoding> {
    for line in bytes.split(|&byte| byte == b'\n').take(2) {
        let line = String::from_utf8_lossy(line);
        let Some((_, rest)) = line
            .split_once('#')
            .and_then(|(_, comment)| comment.split_once("coding"))
        else {
            continue;
        };
        let label: String = rest
            .trim_start_matches([':', '=', ' ', '\t'])
            .chars()
            .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
            .collect();
        // Python also writes `latin-1` and `utf_8`.
        let plain = label.replace(['-', '_'], "");
        let labels = [label.clone(), label.replace('_', "-"), plain];
        if let Some(encoding) = labels
            .iter()
            .find_map(|label| Encoding::for_label(label.as_bytes()))
        {
            return Some(encoding);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::decode;

    fn check(bytes: &[u8], text: &str, replaced: Option<&str>) {
        assert_eq!(decode(bytes.to_vec()), (text.to_owned(), replaced));
    }

    #[test]
    fn encodings() {
        check(b"x = 1\n", "x = 1\n", None);
        check("\u{feff}x = 'é'\n".as_bytes(), "x = 'é'\n", None);
        check(
            b"# -*- coding: latin-1 -*-\nx = '\xe9'\n",
            "# -*- coding: latin-1 -*-\nx = 'é'\n",
            None,
        );
        check(
            b"#!/usr/bin/python\n# vim: fileencoding=cp1251\n\xe9",
            "#!/usr/bin/python\n# vim: fileencoding=cp1251\nй",
            None,
        );
        check(b"x = '\xe9'\n", "x = '\u{fffd}'\n", Some("UTF-8"));
        check(b"\xff\xfex\0=\x001\0", "x=1", None);
    }
}
