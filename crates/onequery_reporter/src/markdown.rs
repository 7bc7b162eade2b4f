//! Markdown for a comment on a pull request and for the summary of a workflow step.
//!
//! GitHub takes comments of 65,536 characters (<https://github.com/peter-evans/create-issue-from-file/issues/1049> has
//! its error) and summaries of 1 MiB, so the worst findings that fit are shown and the others are counted. Within that, findings are grouped by
//! file. What comes from analysed code stands in code spans, where neither Markdown nor `@` means anything.

use std::fmt::Write as _;
use std::io;

use onequery_core::{FileId, Finding, Location, Ownership, Problem, UNOWNED};

use crate::phrase::{Piece, pieces};
use crate::printable::truncated;
use crate::summary::{ByOwner, counts, plural};
use crate::why::{Why, five_whys};
use crate::{Context, TOOL, printable, story, worst_first};

/// Leaves room for what a workflow adds of its own.
const MAX_BYTES: usize = 60_000;
/// Of a finding; a chain that is longer is not read in a comment.
const MAX_STEPS: usize = 20;
/// Characters of a phrase …
const MAX_PHRASE: usize = 500;
/// … and of a line of source.
const MAX_SOURCE: usize = 120;

pub(crate) fn render(cx: &Context<'_>, out: &mut dyn io::Write) -> io::Result<()> {
    let n_findings = cx.outcome.findings.len();
    let headline = match n_findings {
        0 => "no findings".into(),
        n => plural(n, "finding"),
    };
    let mut budget = Budget(MAX_BYTES);
    let failures = cx
        .failures()
        .map(|(location, problem)| failure(location, problem, cx));
    let failures = budget.take_while_fits(failures, String::len);
    let groups = groups(cx, &mut budget);

    writeln!(out, "## {TOOL}: {headline}\n\n{}.", words(&counts(cx.outcome)))?;
    if let Some(owners) = ByOwner::of(&cx.outcome.findings) {
        writeln!(out, "\nBy owner: {}.", by_owner(&owners))?;
    }
    if cx.failures().next().is_some() {
        writeln!(out, "\n### Could not be analysed\n")?;
        write!(out, "{}", failures.concat())?;
        rest(cx.failures().count() - failures.len(), "file", out)?;
    }
    for group in &groups {
        write!(out, "{}{}", heading(group.file, cx), group.items.concat())?;
    }
    let n_shown: usize = groups.iter().map(|group| group.items.len()).sum();
    rest(n_findings - n_shown, "finding", out)
}

/// Whom the findings concern. In code spans, in which names call nobody.
fn by_owner(owners: &ByOwner<'_>) -> String {
    let counts = owners.most_asked_first();
    let counts = counts.iter().map(|(owner, n)| match *owner {
        UNOWNED => format!("{owner} {n}"),
        owner => format!("{} {n}", code(owner)),
    });
    counts.collect::<Vec<_>>().join(", ")
}

/// The owners of a finding, likewise.
fn owners(owners: &Ownership) -> String {
    let list = |owners: &[String]| {
        owners
            .iter()
            .map(|owner| code(owner))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let asked = match owners.asked.as_slice() {
        [] => "none".to_owned(),
        asked => list(asked),
    };
    match owners.involved.as_slice() {
        [] => asked,
        involved => format!("{asked}; passes through code of {}", list(involved)),
    }
}

/// Says how many are not shown.
fn rest(n: usize, noun: &str, out: &mut dyn io::Write) -> io::Result<()> {
    if n > 0 {
        writeln!(out, "\n… and {n} more {noun}{}", if n == 1 { "" } else { "s" })?;
    }
    Ok(())
}

/// How many bytes may still be written.
struct Budget(usize);

impl Budget {
    /// The things before the first one that is too large.
    fn take_while_fits<T>(
        &mut self,
        things: impl Iterator<Item = T>,
        mut size: impl FnMut(&T) -> usize,
    ) -> Vec<T> {
        things
            .map_while(|thing| {
                self.0 = self.0.checked_sub(size(&thing))?;
                Some(thing)
            })
            .collect()
    }
}

/// The findings of one file that are shown.
struct Group {
    file: FileId,
    items: Vec<String>,
}

/// The worst findings that fit, with their files in the order of the worst of each.
fn groups(cx: &Context<'_>, budget: &mut Budget) -> Vec<Group> {
    let mut group_of = vec![None; cx.outcome.sources.0.len()];
    let mut groups: Vec<Group> = vec![];
    let items = worst_first(cx.outcome)
        .into_iter()
        .map(|finding| (finding.primary.file, item(finding, cx)));
    let mut seen = vec![false; group_of.len()];
    let size = |(file, item): &(FileId, String)| {
        let is_new = !std::mem::replace(&mut seen[file.index()], true);
        item.len() + if is_new { heading(*file, cx).len() } else { 0 }
    };
    for (file, item) in budget.take_while_fits(items, size) {
        let ix = *group_of[file.index()].get_or_insert_with(|| {
            groups.push(Group { file, items: vec![] });
            groups.len() - 1
        });
        groups[ix].items.push(item);
    }
    groups
}

fn heading(file: FileId, cx: &Context<'_>) -> String {
    format!("\n### {}\n", code(cx.positions.path(file)))
}

fn failure(location: Location, problem: &Problem, cx: &Context<'_>) -> String {
    format!(
        "- {}: {}: {}\n",
        code(cx.positions.path(location.file)),
        problem.kind.id(),
        phrase(&problem.message)
    )
}

fn item(finding: &Finding, cx: &Context<'_>) -> String {
    let mut item = format!(
        "\n- **Line {line}** {rule}: {headline} ({severity}, {confidence})\n\n",
        line = cx.positions.place(finding.primary).line,
        rule = code(finding.rule),
        headline = phrase(&finding.message),
        severity = finding.severity.id(),
        confidence = finding.confidence.id(),
    );
    // The blank lines end the HTML, so that what follows is Markdown again.
    let and = if finding.help.is_some() {
        ", and the remedy"
    } else {
        ""
    };
    add(
        &mut item,
        format_args!("  <details><summary>How it happens{and}</summary>\n"),
    );
    let rule = cx.outcome.rules.iter().find(|rule| rule.id == finding.rule);
    let whys = rule.filter(|_| !finding.steps.is_empty());
    let [slow, repeats, there, undone, uncaught] = match whys {
        Some(rule) => five_whys(finding, rule, None).map(Some),
        None => [const { None }; 5],
    };
    // The chain answers two questions at once.
    add_why(&mut item, slow.as_ref(), cx);
    if let [Some(repeats), Some(there)] = [&repeats, &there] {
        add(
            &mut item,
            format_args!("\n  *{}* *{}*\n", repeats.question, there.question),
        );
    }
    item.push('\n');
    for (ix, step) in finding.steps.iter().take(MAX_STEPS).enumerate() {
        let place = cx.positions.place(step.location);
        let place = format!("{}:{}", place.path, place.line);
        let number = format!("  {}. ", ix + 1);
        add(
            &mut item,
            format_args!("{number}{}, {}\n", phrase(&step.message), code(&place)),
        );
        if let Some(source) = source(step.location, cx) {
            let indent = number.len();
            add(&mut item, format_args!("\n{:indent$}{}\n", "", code(&source)));
        }
    }
    if let Some(n @ 1..) = finding.steps.len().checked_sub(MAX_STEPS) {
        add(&mut item, format_args!("\n  … and {n} more\n"));
    }
    add_why(&mut item, undone.as_ref(), cx);
    add_why(&mut item, uncaught.as_ref(), cx);
    if let Some(help) = &finding.help {
        add(&mut item, format_args!("\n  **Remedy:** {}\n", phrase(help)));
    }
    if let Some(ownership) = &finding.owners {
        add(&mut item, format_args!("\n  **Owner:** {}\n", owners(ownership)));
    }
    if let Some(told) = story::reinstated(finding) {
        add(&mut item, format_args!("\n  {}\n", phrase(&told)));
    }
    add(
        &mut item,
        format_args!(
            "\n  Fingerprint {}\n\n  </details>\n",
            code(&finding.fingerprint.to_string())
        ),
    );
    item
}

/// A question with its answers, a paragraph of its own.
fn add_why(item: &mut String, why: Option<&Why>, cx: &Context<'_>) {
    let Some(why) = why else { return };
    let answers: Vec<String> = why
        .answers
        .iter()
        .map(|answer| match answer.location.map(|at| cx.positions.place(at)) {
            Some(place) => {
                let place = code(&format!("{}:{}", place.path, place.line));
                format!("{} ({place})", phrase(&answer.text))
            }
            None => phrase(&answer.text),
        })
        .collect();
    add(
        item,
        format_args!("\n  *{}* {}.\n", why.question, answers.join("; ")),
    );
}

fn add(item: &mut String, text: std::fmt::Arguments<'_>) {
    item.write_fmt(text).expect("a string takes everything");
}

/// The line in which a location begins, if there is something in it.
fn source(location: Location, cx: &Context<'_>) -> Option<String> {
    let line = cx.positions.place(location).line;
    let range = cx.positions.line(location.file, line)?;
    let line = cx.positions.text(location.file)[range].trim();
    (!line.is_empty()).then(|| truncated(line.to_owned(), MAX_SOURCE))
}

/// A phrase of ours with its code in code spans.
fn phrase(text: &str) -> String {
    let text = truncated(text.to_owned(), MAX_PHRASE);
    pieces(&text)
        .into_iter()
        .map(|piece| match piece {
            Piece::Words(text) => words(text),
            Piece::Code(text) => code(text),
        })
        .collect()
}

/// Words that mean nothing but themselves.
fn words(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in printable::line(text).chars() {
        if matches!(
            c,
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '&' | '|' | '~' | '$' | '#'
        ) {
            escaped.push('\\');
        }
        escaped.push(c);
        // GitHub looks for names and numbers in what is rendered, where a backslash is gone.
        if matches!(c, '@' | '#') {
            escaped.push_str("<!-- -->");
        }
    }
    escaped
}

/// A code span, in a fence longer than any run of backticks in it.
fn code(text: &str) -> String {
    let text = printable::line(text);
    if text.is_empty() {
        return String::new();
    }
    let longest = text
        .split(|c| c != '`')
        .map(str::len)
        .max()
        .expect("a split has a first part");
    let fence = "`".repeat(longest + 1);
    // One space on both sides is taken away again.
    let needs_space = text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']);
    let space = if needs_space && !text.trim().is_empty() {
        " "
    } else {
        ""
    };
    format!("{fence}{space}{text}{space}{fence}")
}

#[cfg(test)]
mod tests {
    use onequery_core::{Confidence, ProblemKind, Severity, Span};

    use super::*;
    use crate::testing::{Project, bytes};
    use crate::{Format, Options};

    fn markdown(project: &Project, findings: Vec<Finding>) -> String {
        bytes(Format::Markdown, &project.outcome(findings), Options::default())
    }

    #[test]
    fn findings_are_grouped_by_file() {
        let project = Project::shop();
        let mut other = project.finding_at(4, 9);
        other.severity = Severity::Note;
        let report = markdown(
            &project,
            vec![other, project.lazy_relation(), project.write_in_loop()],
        );
        insta::assert_snapshot!(report, @r#"
        ## onequery: 3 findings

        3 findings in 14 files (write-in-loop 2, lazy-relation-in-loop 1).

        ### `shop/views.py`

        - **Line 5** `lazy-relation-in-loop`: `book.author` runs one query per element of `books` (warning, proven)

          <details><summary>How it happens, and the remedy</summary>

          *Why is it slow?* each element costs one more statement: 100 of them are 100 round trips to the database (`shop/text.py:2`); no entry point is known that leads here.

          *Why does it repeat?* *Why is the query there?*

          1. rows come from here, `shop/views.py:2`

             `books = Book.objects.filter(live=True)`
          2. repeats per row, `shop/views.py:4`

             `for book in books:`
          3. calls `label`, `shop/views.py:5`

             `label(book)`
          4. loads relation `author`, `shop/text.py:2`

             `return book.author.name`

          *Why is it not done at once?* nobody looked (`shop/views.py:2`).

          *Why was it not caught?* this check takes it for new.

          **Remedy:** add `.select_related("author")` to the query at shop/views.py:2

          Fingerprint `00000000000000ab`

          </details>

        - **Line 6** `write-in-loop`: `book.save()` writes once per element of `books` (warning, likely)

          <details><summary>How it happens</summary>

          *Why is it slow?* each element costs one more statement: 100 of them are 100 round trips to the database (`shop/views.py:6`); no entry point is known that leads here.

          *Why does it repeat?* *Why is the query there?*

          1. repeats per row, `shop/views.py:4`

             `for book in books:`
          2. writes a row, `shop/views.py:6`

             `book.save()`

          *Why is it not done at once?* nobody looked (`shop/views.py:4`).

          *Why was it not caught?* this check takes it for new.

          Fingerprint `00000000000000cd`

          </details>

        ### `shop/text.py`

        - **Line 1** `write-in-loop`: writes once per element (note, proven)

          <details><summary>How it happens</summary>

          *Why is it slow?* each element costs one more statement: 100 of them are 100 round trips to the database (`shop/text.py:1`); no entry point is known that leads here.

          *Why does it repeat?* *Why is the query there?*

          1. writes a row, `shop/text.py:1`

             `def label(book):`

          *Why is it not done at once?* nobody looked (`shop/text.py:1`).

          *Why was it not caught?* this check takes it for new.

          Fingerprint `0000000000000001`

          </details>
        "#);
    }

    #[test]
    fn a_clean_run_says_so() {
        let project = Project::shop();
        insta::assert_snapshot!(markdown(&project, vec![]), @"
        ## onequery: no findings

        No findings in 14 files.
        ");
    }

    #[test]
    fn code_spans_hold_backticks() {
        assert_eq!(code("a"), "`a`");
        assert_eq!(code("a`b``c"), "```a`b``c```");
        assert_eq!(code("`a`"), "`` `a` ``");
        assert_eq!(code(" a "), "`  a  `");
        assert_eq!(code(" "), "` `");
        assert_eq!(code("a|b\nc"), "`a|b c`");
        assert_eq!(code(""), "");
    }

    #[test]
    fn words_mean_nothing_but_themselves() {
        assert_eq!(words("a*b_c|<d>&[e](f)"), r"a\*b\_c\|\<d\>\&\[e\](f)");
        assert_eq!(
            words("@me #1\n\u{1b}é\u{1F600}"),
            "@<!-- -->me \\#<!-- -->1 ?é\u{1F600}"
        );
        assert_eq!(phrase("`x|<y>` runs in <z>"), r"`x|<y>` runs in \<z\>");
        assert_eq!(phrase("odd ` @me <b>"), "``odd ` @me <b>``");
    }

    #[test]
    fn analysed_code_does_not_leave_its_list_item() {
        let project = Project::new(&[("a.py", "x = '</details> `' # ]]>\n")]);
        let mut finding = project.finding_at(0, 1);
        finding.steps[0].message = "</details>\n\n# x".into();
        let report = markdown(&project, vec![finding]);
        assert!(report.contains("``x = '</details> `' # ]]>``"), "{report}");
        assert!(
            report.contains(r"  1. \</details\>  \#<!-- --> x, `a.py:1`"),
            "{report}"
        );
    }

    #[test]
    fn what_does_not_fit_is_counted_and_the_worst_is_shown() {
        let project = Project::shop();
        let mut findings = vec![project.lazy_relation(); 500];
        findings[499].severity = Severity::Error;
        findings[498].confidence = Confidence::Possible;
        let report = markdown(&project, findings);
        assert!(report.len() < 65_536, "{}", report.len());
        assert!(report.len() > 55_000, "{}", report.len());
        let n_shown = report.matches("- **Line").count();
        let last = format!("… and {} more findings", 500 - n_shown);
        assert_eq!(report.lines().last(), Some(last.as_str()));
        let first = report.lines().find(|line| line.starts_with("- **Line"));
        assert!(first.unwrap().ends_with("(error, proven)"));
        assert!(!report.contains("possible"));
    }

    #[test]
    fn a_long_chain_is_cut() {
        let project = Project::shop();
        let mut finding = project.lazy_relation();
        finding.steps = vec![finding.steps[0].clone(); 23];
        let report = markdown(&project, vec![finding]);
        assert!(
            report.contains("  20. ") && !report.contains("  21. "),
            "{report}"
        );
        assert!(report.contains("\n  … and 3 more\n"), "{report}");
    }

    #[test]
    fn what_could_not_be_analysed_comes_first() {
        let project = Project::shop();
        let mut outcome = project.outcome(vec![project.write_in_loop()]);
        let problem = Problem {
            kind: ProblemKind::Unreadable,
            span: Span::new(0, 0),
            message: "permission denied".into(),
        };
        outcome.problems = vec![(FileId(0), problem)];
        let report = bytes(Format::Markdown, &outcome, Options::default());
        let at = |needle: &str| report.find(needle).unwrap();
        assert!(at("- `shop/text.py`: unreadable: permission denied\n") < at("### `shop/views.py`"));
    }

    #[test]
    fn owners_are_told_and_not_called() {
        let project = Project::shop();
        let report = markdown(&project, project.owned());
        let lines: Vec<&str> = report
            .lines()
            .filter(|line| line.to_lowercase().contains("owner"))
            .collect();
        insta::assert_snapshot!(lines.join("\n"), @"
        By owner: `@org/shop` 2, `@data` 1, unowned 1.
          **Owner:** `@org/shop`; passes through code of `@text`, `é@example.org`
          **Owner:** `@org/shop`, `@data`
          **Owner:** none
        ");
    }
}
