//! `onequery suppress`: writes comments that accept findings.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;

use onequery_core::ir::FileIr;
use onequery_core::{DirectiveKind, Language, Location};
use onequery_parser::{FrontEnd, front_end};

use crate::baseline::Known;
use crate::cli::Suppress;
use crate::session::Target;
use crate::{CLEAN, FAILED, complain};

/// How far above a finding its statement is looked for.
const MAX_LINES_ABOVE: usize = 20;

/// Runs the command. Gives the exit code.
pub(crate) fn run(args: &Suppress) -> anyhow::Result<u8> {
    let Some(target) = Target::of(&args.selection)? else {
        return Ok(FAILED);
    };
    let session = target.analyze()?;
    let mut failed = session.failed;
    let known = Known::of(&session, args.baseline.as_deref())?;
    let mut wanted: BTreeMap<&str, Vec<(Location, &str)>> = BTreeMap::new();
    let shown = session.triage(&|finding| known.knows(finding)).shown;
    // A comment that does no good is not mended by another one.
    for finding in shown.iter().filter(|finding| !finding.steps.is_empty()) {
        let of_file = wanted.entry(session.path(finding)).or_default();
        of_file.push((finding.primary, finding.rule));
    }
    let mut n_written = 0;
    for (path, findings) in &wanted {
        let source = session.run.sources.get(findings[0].0.file);
        let (text, n_left) = with_comments(path, &source.text, findings, args.reason.as_deref());
        if n_left > 0 {
            complain(&format!("{path}: no place for the comments of {n_left} findings"));
            failed = true;
        }
        match write(&session.root.join(path), &source.text, &text) {
            Ok(()) => n_written += findings.len() - n_left,
            Err(error) => {
                complain(&format!("{path}: {error}"));
                failed = true;
            }
        }
    }
    let findings = if n_written == 1 { "finding" } else { "findings" };
    writeln!(std::io::stdout(), "{n_written} {findings} accepted by comments")?;
    Ok(if failed { FAILED } else { CLEAN })
}

/// Replaces a file's text, if it still is what was analysed: what was decoded otherwise cannot be written back.
fn write(path: &Path, before: &str, after: &str) -> anyhow::Result<()> {
    if before != after {
        anyhow::ensure!(
            std::fs::read(path)? == before.as_bytes(),
            "the file is not plain UTF-8, or has changed; it is left as it is"
        );
        std::fs::write(path, after)?;
    }
    Ok(())
}

/// A text with comments that accept findings, and how many findings there is no place for.
pub(crate) fn with_comments(
    path: &str,
    text: &str,
    findings: &[(Location, &str)],
    reason: Option<&str>,
) -> (String, usize) {
    let FrontEnd { language, lower, .. } =
        front_end(path).expect("findings stand in files that were lowered");
    let mut by_line: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
    for (place, rule) in findings {
        let start = place.span.start as usize;
        let line = text[..start.min(text.len())].matches('\n').count();
        let rules = by_line.entry(line).or_default();
        if !rules.contains(rule) {
            rules.push(rule);
        }
    }
    let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
    let mut n_left = 0;
    let n_problems = lower(text).problems.len();
    // From the end, so that lines above keep their numbers.
    for (&line, rules) in by_line.iter().rev() {
        let comment = comment(*language, rules, reason);
        let is_accepted = |lines: &[String], moved: usize| {
            let changed = lines.concat();
            let ir = lower(&changed);
            let start: usize = lines[..line + moved].iter().map(String::len).sum();
            let end = start + lines[line + moved].len();
            ir.problems.len() <= n_problems && ir.directives.iter().any(|directive| {
                let covers = directive.covers;
                let covers_line = (covers.start as usize) < end && start < covers.end as usize;
                covers_line && matches!(&directive.kind, DirectiveKind::Ignore(named) if rules.iter().all(|rule| named.iter().any(|name| name == rule)))
            })
        };
        let at_end = extended(*lower, &lines, line, rules)
            .unwrap_or_else(|| appended(*language, &lines[line], &comment));
        let before = std::mem::replace(&mut lines[line], at_end);
        if is_accepted(&lines, 0) {
            continue;
        }
        lines[line] = before;
        // Inside of a text that spans lines there is no place for a comment; above its statement there is.
        let above = (line.saturating_sub(MAX_LINES_ABOVE)..=line)
            .rev()
            .find(|&above| {
                let indent: String = lines[above]
                    .chars()
                    .take_while(|c| matches!(c, ' ' | '\t'))
                    .collect();
                lines.insert(above, format!("{indent}{comment}\n"));
                let accepted = is_accepted(&lines, 1);
                if !accepted {
                    lines.remove(above);
                }
                accepted
            });
        if above.is_none() {
            n_left += findings
                .iter()
                .filter(|(place, _)| text[..place.span.start as usize].matches('\n').count() == line)
                .count();
        }
    }
    (lines.concat(), n_left)
}

/// A line whose own comment accepts more rules; `None` when it has none.
fn extended(lower: fn(&str) -> FileIr, lines: &[String], line: usize, rules: &[&str]) -> Option<String> {
    let start: usize = lines[..line].iter().map(String::len).sum();
    let ir = lower(&lines.concat());
    ir.directives.iter().find_map(|directive| {
        let DirectiveKind::Ignore(named) = &directive.kind else {
            return None;
        };
        let (before, comment) =
            lines[line].split_at_checked((directive.span.start as usize).checked_sub(start)?)?;
        let (list, rest) = comment.split_once(']')?;
        let new = rules
            .iter()
            .filter(|rule| !named.iter().any(|name| name == *rule));
        let list = new.fold(list.to_owned(), |list, rule| format!("{list}, {rule}"));
        Some(format!("{before}{list}]{rest}"))
    })
}

/// A line with something behind its code.
fn appended(language: Language, line: &str, comment: &str) -> String {
    let code = line.trim_end();
    let end = &line[line.trim_end_matches(['\n', '\r']).len()..];
    // As the formatters of the languages have it.
    let gap = if language == Language::Python { "  " } else { " " };
    format!("{code}{gap}{comment}{end}")
}

fn comment(language: Language, rules: &[&str], reason: Option<&str>) -> String {
    let reason = reason.map_or_else(String::new, |reason| format!(" -- {reason}"));
    let said = format!("onequery: ignore[{}]{reason}", rules.join(", "));
    match language {
        Language::Python => format!("# {said}"),
        Language::Rust => format!("// {said}"),
        Language::Template => format!("{{# {said} #}}"),
    }
}

#[cfg(test)]
mod tests {
    use onequery_core::{FileId, Span};

    use super::*;

    /// Accepts a finding of `query-in-loop` at the first `HERE` of a text.
    fn check(path: &str, text: &str, expected: &str) {
        let at = u32::try_from(text.find("HERE").expect("the text has the place")).expect("it is short");
        let place = Location::new(FileId(0), Span::new(at, at + 4));
        let (found, _) = with_comments(path, text, &[(place, "query-in-loop")], Some("few"));
        assert_eq!(found, expected);
    }

    #[test]
    fn comments_stand_behind_the_code_or_above_it() {
        check(
            "a.py",
            "f(HERE)\n",
            "f(HERE)  # onequery: ignore[query-in-loop] -- few\n",
        );
        check(
            "a.py",
            "f(HERE)\r\n",
            "f(HERE)  # onequery: ignore[query-in-loop] -- few\r\n",
        );
        check(
            "a.py",
            "f(HERE)",
            "f(HERE)  # onequery: ignore[query-in-loop] -- few",
        );
        check(
            "a.rs",
            "fn f() {\n    HERE();\n}\n",
            "fn f() {\n    HERE(); // onequery: ignore[query-in-loop] -- few\n}\n",
        );
        check(
            "a.py",
            "def g():\n    x = f\"\"\"\n    {HERE}\n    \"\"\"\n",
            "def g():\n    # onequery: ignore[query-in-loop] -- few\n    x = f\"\"\"\n    {HERE}\n    \"\"\"\n",
        );
        check(
            "a.py",
            "x = HERE + \\\n    1\n",
            "# onequery: ignore[query-in-loop] -- few\nx = HERE + \\\n    1\n",
        );
        check(
            "a.py",
            "f(HERE)  # onequery: ignore[write-in-loop] -- one\n",
            "f(HERE)  # onequery: ignore[write-in-loop, query-in-loop] -- one\n",
        );
        check(
            "templates/a.html",
            "{{ HERE.b }}\n",
            "{{ HERE.b }} {# onequery: ignore[query-in-loop] -- few #}\n",
        );
    }
}
