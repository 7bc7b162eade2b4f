//! `onequery suppress`: writes comments that accept findings.

use std::collections::BTreeMap;
use std::io::Write as _;

use onequery_core::ir::FileIr;
use onequery_core::{DirectiveKind, Language, Location};
use onequery_parser::{FrontEnd, front_end};
use onequery_rules::is_about_comments;

use crate::baseline::Known;
use crate::cli::Suppress;
use crate::session::Target;
use crate::write::replace_text;
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
    for finding in shown.iter().filter(|finding| !is_about_comments(finding.rule)) {
        let of_file = wanted.entry(session.path(finding)).or_default();
        of_file.push((finding.primary, finding.rule));
    }
    let mut n_written = 0;
    for (path, findings) in &wanted {
        let source = session.run.sources.get(findings[0].0.file);
        let (text, n_left) = with_comments(path, &source.text, findings, args.reason.as_deref());
        if n_left > 0 {
            complain(&format!(
                "{path}: findings without a place for a comment: {n_left}"
            ));
            failed = true;
        }
        match replace_text(&session.root.join(path), &source.text, &text) {
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

/// A text with comments that accept findings, and how many findings there is no place for.
pub(crate) fn with_comments(
    path: &str,
    text: &str,
    findings: &[(Location, &str)],
    reason: Option<&str>,
) -> (String, usize) {
    let FrontEnd { language, lower, .. } =
        front_end(path).expect("findings stand in files that were lowered");
    let line_of = |place: &Location| text[..place.span.start as usize].matches('\n').count();
    let mut by_line: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
    for (place, rule) in findings {
        let rules = by_line.entry(line_of(place)).or_default();
        if !rules.contains(rule) {
            rules.push(rule);
        }
    }
    let before: Vec<&str> = text.split_inclusive('\n').collect();
    let known = lower(text);
    let behind = |line: usize| {
        let rules = &by_line[&line];
        extended(&known, &before, line, rules, reason)
            .unwrap_or_else(|| appended(*language, before[line], &comment(*language, rules, reason)))
    };
    let mut lines: Vec<String> = before.iter().map(|&line| line.to_owned()).collect();
    for &line in by_line.keys() {
        lines[line] = behind(line);
    }
    let ir = lower(&lines.concat());
    let is_sound = |ir: &FileIr| ir.problems.len() <= known.problems.len();
    let fits = is_sound(&ir);
    let accepts_all = |lines: &[String], line: usize, rules: &[&str]| {
        let ir = lower(&lines.concat());
        is_sound(&ir) && accepts(&ir, lines, line, rules)
    };
    let rejected: Vec<usize> = by_line
        .iter()
        .filter(|(line, rules)| !fits || !accepts(&ir, &lines, **line, rules))
        .map(|(&line, _)| line)
        .collect();
    for &line in &rejected {
        before[line].clone_into(&mut lines[line]);
    }
    let mut n_left = 0;
    // From the end, so that lines above keep their numbers.
    for &line in rejected.iter().rev() {
        let rules = &by_line[&line];
        lines[line] = behind(line);
        if accepts_all(&lines, line, rules) {
            continue;
        }
        before[line].clone_into(&mut lines[line]);
        // Inside of a text that spans lines there is no place for a comment; above its statement there is.
        let above = (line.saturating_sub(MAX_LINES_ABOVE)..=line)
            .rev()
            .find(|&above| {
                let code = before[above].trim_start_matches([' ', '\t']);
                let indent = &before[above][..before[above].len() - code.len()];
                let end = if before[above].ends_with("\r\n") {
                    "\r\n"
                } else {
                    "\n"
                };
                let comment = comment(*language, rules, reason);
                lines.insert(above, format!("{indent}{comment}{end}"));
                let accepted = accepts_all(&lines, line + 1, rules);
                if !accepted {
                    lines.remove(above);
                }
                accepted
            });
        if above.is_none() {
            n_left += findings
                .iter()
                .filter(|(place, _)| line_of(place) == line)
                .count();
        }
    }
    (lines.concat(), n_left)
}

/// Whether some comment accepts findings of all these rules on a line.
fn accepts(ir: &FileIr, lines: &[String], line: usize, rules: &[&str]) -> bool {
    let start: usize = lines[..line].iter().map(String::len).sum();
    let end = start + lines[line].len();
    ir.directives.iter().any(|directive| {
        let covers = directive.covers;
        let covers_line = (covers.start as usize) < end && start < covers.end as usize;
        let DirectiveKind::Ignore(named) = &directive.kind else {
            return false;
        };
        covers_line && rules.iter().all(|rule| named.iter().any(|name| name == rule))
    })
}

/// A line whose own comment accepts more rules; `None` when it has none.
fn extended(
    ir: &FileIr,
    lines: &[&str],
    line: usize,
    rules: &[&str],
    reason: Option<&str>,
) -> Option<String> {
    let start: usize = lines[..line].iter().map(|line| line.len()).sum();
    ir.directives.iter().find_map(|directive| {
        let DirectiveKind::Ignore(named) = &directive.kind else {
            return None;
        };
        let at = (directive.span.start as usize).checked_sub(start)?;
        let (before, comment) = lines[line].split_at_checked(at)?;
        let (list, rest) = comment.split_once(']')?;
        let new = rules
            .iter()
            .filter(|rule| !named.iter().any(|name| name == *rule));
        let list = new.fold(list.to_owned(), |list, rule| format!("{list}, {rule}"));
        let reason = reason.filter(|_| directive.reason.is_none());
        let reason = reason.map_or_else(String::new, |reason| format!(" -- {reason}"));
        Some(format!("{before}{list}]{reason}{rest}"))
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
            "a.py",
            "f(HERE)  # onequery: ignore[write-in-loop]\n",
            "f(HERE)  # onequery: ignore[write-in-loop, query-in-loop] -- few\n",
        );
        check(
            "a.py",
            "x = f\"\"\"\r\n{HERE}\r\n\"\"\"\r\n",
            "# onequery: ignore[query-in-loop] -- few\r\nx = f\"\"\"\r\n{HERE}\r\n\"\"\"\r\n",
        );
        check(
            "templates/a.html",
            "{{ HERE.b }}\n",
            "{{ HERE.b }} {# onequery: ignore[query-in-loop] -- few #}\n",
        );
    }
}
