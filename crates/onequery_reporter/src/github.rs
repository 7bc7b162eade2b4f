//! Workflow commands, which GitHub Actions shows as annotations beside the changed lines.

use std::io;

use onequery_core::{Finding, Location, Problem, Severity};

use crate::{Context, TOOL, story, worst_first};

/// GitHub shows the first ten annotations of each level in a step and drops the rest silently.
const SHOWN_PER_LEVEL: usize = 10;

pub(crate) fn render(cx: &Context<'_>, out: &mut dyn io::Write) -> io::Result<()> {
    let failures = cx
        .failures()
        .map(|(location, problem)| failure(location, problem));
    let findings = worst_first(cx.outcome)
        .into_iter()
        .map(|finding| annotation(finding, cx));

    let mut shown = [0; 3];
    let mut dropped = 0;
    for annotation in failures.chain(findings) {
        let shown = &mut shown[annotation.level as usize];
        if *shown == SHOWN_PER_LEVEL {
            dropped += 1;
        } else {
            *shown += 1;
            write(&annotation, cx, out)?;
        }
    }
    if dropped > 0 {
        writeln!(
            out,
            "{dropped} more not annotated: GitHub shows {SHOWN_PER_LEVEL} of each level per step"
        )?;
    }
    Ok(())
}

struct Annotation<'a> {
    level: Severity,
    title: &'a str,
    location: Location,
    message: String,
}

fn failure(location: Location, problem: &Problem) -> Annotation<'_> {
    Annotation {
        level: Severity::Error,
        title: problem.kind.id(),
        location,
        message: problem.message.clone(),
    }
}

fn annotation<'a>(finding: &'a Finding, cx: &Context<'_>) -> Annotation<'a> {
    let mut lines = vec![finding.message.clone()];
    lines.extend(story::lines(finding, &cx.positions));
    Annotation {
        level: finding.severity,
        title: finding.rule,
        location: finding.primary,
        message: lines.join("\n"),
    }
}

fn write(annotation: &Annotation<'_>, cx: &Context<'_>, out: &mut dyn io::Write) -> io::Result<()> {
    let command = match annotation.level {
        Severity::Note => "notice",
        Severity::Warning => "warning",
        Severity::Error => "error",
    };
    // GitHub refuses columns on an annotation of several lines; the first line alone may have them.
    let place = cx.positions.place(cx.positions.first_line(annotation.location));
    writeln!(
        out,
        "::{command} title={TOOL} ({title}),file={file},line={line},col={col},endLine={end_line},endColumn={end_col}::{message}",
        title = property(annotation.title),
        file = property(place.path),
        line = place.line,
        col = place.column,
        end_line = place.end_line,
        end_col = place.end_column,
        message = data(&annotation.message),
    )
}

/// The text after the last `::`.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The text after a `=`.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::testing::{Project, bytes};
    use crate::{Format, Options};

    fn github(project: &Project, findings: Vec<Finding>) -> String {
        bytes(Format::Github, &project.outcome(findings), Options::default())
    }

    #[test]
    fn the_chain_and_the_help_follow_the_headline() {
        let project = Project::shop();
        let lines = github(&project, vec![project.lazy_relation()]).replace("%0A", "%0A\n");
        insta::assert_snapshot!(lines, @r#"
        ::warning title=onequery (lazy-relation-in-loop),file=shop/views.py,line=5,col=9,endLine=5,endColumn=20::`book.author` runs one query per element of `books`%0A
        1: rows come from here (shop/views.py:2)%0A
        2: repeats per row (shop/views.py:4)%0A
        3: calls `label` (shop/views.py:5)%0A
        4: loads relation `author` (shop/text.py:2)%0A
        help: add `.select_related("author")` to the query at shop/views.py:2
        "#);
    }

    #[test]
    fn what_would_end_a_property_or_a_message_is_escaped() {
        let project = Project::new(&[("a,b: 100%.py", "x\n")]);
        let mut finding = project.finding_at(0, 1);
        finding.message = "50%::done\r\n".into();
        let line = github(&project, vec![finding]);
        assert!(
            line.contains("file=a%2Cb%3A 100%25.py,line=1,col=1,endLine=1,endColumn=2::50%25::done%0D%0A")
        );
        assert_eq!(line.lines().count(), 1);
    }

    #[test]
    fn a_span_of_many_lines_is_cut_because_columns_need_one_line() {
        let project = Project::new(&[("a.py", "for b in c:\n    b.save()\n")]);
        let line = github(&project, vec![project.finding_at(0, 24)]);
        assert!(line.contains("line=1,col=1,endLine=1,endColumn=12::"), "{line}");
    }

    #[test]
    fn the_worst_ten_of_each_level_are_shown_and_the_rest_is_counted() {
        let project = Project::shop();
        let mut findings = vec![project.write_in_loop(); 12];
        findings.resize(13, project.lazy_relation());
        findings[12].severity = Severity::Error;
        let all = github(&project, findings);
        let count = |start: &str| all.lines().filter(|line| line.starts_with(start)).count();
        assert!(all.starts_with("::error "));
        assert_eq!(
            (count("::error "), count("::warning "), count("::notice ")),
            (1, 10, 0)
        );
        assert_eq!(
            all.lines().last(),
            Some("2 more not annotated: GitHub shows 10 of each level per step")
        );
    }

    #[test]
    fn a_failure_is_an_error() {
        let project = Project::shop();
        let outcome = project.failing();
        let all = bytes(Format::Github, &outcome, Options::default());
        assert!(all.starts_with("::error title=onequery (unreadable),file=shop/text.py,line=1,"));
        assert_eq!(all.lines().count(), 1);
    }
}
