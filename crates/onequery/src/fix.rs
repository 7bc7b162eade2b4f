//! `onequery fix`: writes into queries what remedies add, where that is all it takes.

use std::collections::BTreeMap;
use std::io::Write as _;

use onequery_core::{FileId, Insertion};
use onequery_parser::front_end;
use similar::TextDiff;

use crate::baseline::Known;
use crate::cli::Fix;
use crate::session::Target;
use crate::write::{mark_of, replace_text};
use crate::{CLEAN, FAILED, FINDINGS, complain};

/// Runs the command. Gives the exit code.
pub(crate) fn run(args: &Fix) -> anyhow::Result<u8> {
    let Some(target) = Target::of(&args.selection)? else {
        return Ok(FAILED);
    };
    let session = target.analyze()?;
    let mut failed = session.failed;
    let known = Known::unless(args.no_baseline, &session, args.baseline.as_deref())?;
    let shown = session.triage(&|finding| known.knows(finding)).shown;
    // One per finding; several may be the same.
    let mut wanted: BTreeMap<FileId, Vec<&Insertion>> = BTreeMap::new();
    for insertion in shown.iter().filter_map(|finding| finding.fix.as_ref()) {
        // A file that is not reported on is not written to either.
        if session.run.hidden[insertion.at.file.index()].is_none() {
            wanted.entry(insertion.at.file).or_default().push(insertion);
        }
    }
    let mut patch = String::new();
    let mut n_fixed = 0;
    for (file, insertions) in wanted {
        let source = session.run.sources.get(file);
        let path = &source.path;
        let n_of_file = insertions.len();
        let written = with_insertions(path, &source.text, insertions).and_then(|text| {
            let place = session.root.join(path);
            if !args.preview {
                return replace_text(&place, &source.text, &text);
            }
            mark_of(&place, &source.text)?;
            let diff = TextDiff::from_lines(&*source.text, text.as_str());
            let [before, after] = ["a", "b"].map(|side| format!("{side}/{path}"));
            patch += &diff.unified_diff().header(&before, &after).to_string();
            Ok(())
        });
        match written {
            Ok(()) => n_fixed += n_of_file,
            Err(error) => {
                complain(&format!("{path}: {error}"));
                failed = true;
            }
        }
    }
    let n_left = shown.len() - n_fixed;
    let findings = if n_fixed == 1 { "finding" } else { "findings" };
    let mut stdout = std::io::stdout();
    if args.preview {
        write!(stdout, "{patch}")?;
        complain(&format!("{n_fixed} {findings} would be fixed, {n_left} left"));
    } else {
        writeln!(stdout, "{n_fixed} {findings} fixed, {n_left} left")?;
    }
    Ok(if failed {
        FAILED
    } else if args.preview && n_fixed > 0 {
        FINDINGS
    } else {
        CLEAN
    })
}

/// A file's text with insertions, each made once, and calls of one method in one place as one call.
///
/// # Errors
///
/// A text that the front end could not read as well as before.
fn with_insertions(path: &str, text: &str, mut insertions: Vec<&Insertion>) -> anyhow::Result<String> {
    insertions.sort();
    insertions.dedup();
    let mut fixed = String::with_capacity(text.len());
    let mut copied = 0;
    for in_one_place in insertions.chunk_by(|a, b| a.at == b.at) {
        let at = in_one_place[0].at.span.start as usize;
        fixed.push_str(&text[copied..at]);
        fixed.push_str(&joined(
            in_one_place.iter().map(|insertion| insertion.text.as_str()),
        ));
        copied = at;
    }
    fixed.push_str(&text[copied..]);
    let front_end = front_end(path).expect("remedies are about files that were lowered");
    let n_problems = |text| (front_end.lower)(text).problems.len();
    anyhow::ensure!(
        n_problems(&fixed) <= n_problems(text),
        "the fix does not fit; the file is left as it is"
    );
    Ok(fixed)
}

/// Sorted texts behind one another, where `.load("a")` and `.load("b")` are `.load("a", "b")`.
fn joined<'t>(texts: impl Iterator<Item = &'t str>) -> String {
    let mut joined = String::new();
    let mut before = None;
    for text in texts {
        let call = text
            .split_once('(')
            .and_then(|(method, arguments)| Some((method, arguments.strip_suffix(')')?)))
            .filter(|(_, arguments)| !arguments.is_empty());
        match call {
            Some((method, arguments)) if before == Some(method) => {
                joined.pop();
                joined.push_str(&format!(", {arguments})"));
            }
            _ => joined.push_str(text),
        }
        before = call.map(|(method, _)| method);
    }
    joined
}

#[cfg(test)]
mod tests {
    use onequery_core::{Location, Span};

    use super::*;

    fn insertion(at: u32, text: &str) -> Insertion {
        Insertion {
            at: Location::new(FileId(0), Span::new(at, at)),
            text: text.to_owned(),
        }
    }

    #[test]
    fn each_insertion_is_made_once_and_in_order() {
        let all = [
            insertion(7, ".c()"),
            insertion(1, ".b(2)"),
            insertion(7, ".c()"),
            insertion(1, ".a()"),
            insertion(1, ".b(1)"),
        ];
        let fixed = with_insertions("a.py", "x + [1, y]\n", vec![&all[1], &all[3], &all[4]]);
        assert_eq!(fixed.expect("it fits"), "x.a().b(1, 2) + [1, y]\n");
        let fixed = with_insertions("a.py", "x + y(1)\n", all.iter().collect());
        assert!(fixed.is_err(), "{fixed:?}");
    }
}
