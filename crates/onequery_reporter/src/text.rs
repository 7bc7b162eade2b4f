//! Source excerpts with numbered steps, drawn by codespan-reporting.

use std::borrow::Cow;
use std::io;
use std::ops::Range;

use codespan_reporting::diagnostic::{self, Diagnostic, Label, LabelStyle};
use codespan_reporting::files::{Error, Files};
use codespan_reporting::term::termcolor::Ansi;
use codespan_reporting::term::{Config, Styles, StylesWriter, emit_to_io_write, emit_to_write_style};
use line_index::TextSize;
use onequery_core::{Confidence, FileId, Finding, Location, Severity};

use crate::position::{PerFile, Positions};
use crate::{Context, printable, story, summary};

pub(crate) fn render(cx: &Context<'_>, out: &mut dyn io::Write) -> io::Result<()> {
    let config = Config::default();
    let styles = Styles::default();
    let excerpts = Excerpts {
        positions: &cx.positions,
        shown: PerFile::new(cx.outcome.sources),
    };
    for finding in &cx.outcome.findings {
        let diagnostic = diagnostic(finding, &cx.positions);
        if cx.options.color {
            let mut colored = StylesWriter::new(Ansi::new(&mut *out), &styles);
            emit_to_write_style(&mut colored, &config, &excerpts, &diagnostic)
        } else {
            emit_to_io_write(out, &config, &excerpts, &diagnostic)
        }
        .map_err(io_error)?;
    }
    summary::render(cx, out)
}

fn diagnostic(finding: &Finding, positions: &Positions<'_>) -> Diagnostic<FileId> {
    let severity = match finding.severity {
        Severity::Note => diagnostic::Severity::Note,
        Severity::Warning => diagnostic::Severity::Warning,
        Severity::Error => diagnostic::Severity::Error,
    };
    let help = finding
        .help
        .iter()
        .map(|help| format!("help: {}", printable::line(help)));
    let doubt = (finding.confidence != Confidence::Proven)
        .then(|| format!("confidence: {}", finding.confidence.id()));
    let owners = story::owners(finding).map(|owners| printable::line(&owners).into_owned());
    let known = story::reinstated(finding).map(|told| printable::line(&told).into_owned());
    Diagnostic::new(severity)
        .with_code(finding.rule)
        .with_message(printable::line(&finding.message))
        .with_labels(labels(finding, positions))
        .with_notes(help.chain(doubt).chain(owners).chain(known).collect())
}

/// One label per step. They carry numbers because codespan draws them in the order of the source, which is often not
/// the order of the story.
fn labels(finding: &Finding, positions: &Positions<'_>) -> Vec<Label<FileId>> {
    let primary = positions.first_line(finding.primary);
    let mut labels = vec![label(LabelStyle::Primary, primary)];
    for (ix, step) in finding.steps.iter().enumerate() {
        let location = positions.first_line(step.location);
        let message = format!("{}: {}", ix + 1, printable::line(&step.message));
        // The first step at the primary place speaks for it; the primary label comes first, and with it its file.
        if location == primary && labels[0].message.is_empty() {
            labels[0].message = message;
        } else {
            labels.push(label(LabelStyle::Secondary, location).with_message(message));
        }
    }
    labels
}

fn label(style: LabelStyle, location: Location) -> Label<FileId> {
    Label::new(
        style,
        location.file,
        location.span.start as usize..location.span.end as usize,
    )
}

/// Labels are cut to fit their text, so in practice only `out` fails.
fn io_error(error: Error) -> io::Error {
    match error {
        Error::Io(error) => error,
        other => io::Error::other(other),
    }
}

/// The files as codespan sees them: with our line index, and without control characters.
struct Excerpts<'a> {
    positions: &'a Positions<'a>,
    shown: PerFile<Cow<'a, str>>,
}

impl<'a> Files<'a> for Excerpts<'_> {
    type FileId = FileId;
    type Name = Cow<'a, str>;
    type Source = &'a str;

    fn name(&'a self, id: FileId) -> Result<Self::Name, Error> {
        Ok(printable::line(self.positions.path(id)))
    }

    fn source(&'a self, id: FileId) -> Result<Self::Source, Error> {
        Ok(self.shown.get(id, || printable::source(self.positions.text(id))))
    }

    fn line_index(&'a self, id: FileId, byte_index: usize) -> Result<usize, Error> {
        let invalid = || Error::IndexTooLarge {
            given: byte_index,
            max: self.positions.text(id).len(),
        };
        let offset = u32::try_from(byte_index).map_err(|_| invalid())?;
        let place = self
            .positions
            .lines(id)
            .try_line_col(TextSize::new(offset))
            .ok_or_else(invalid)?;
        Ok(place.line as usize)
    }

    fn line_range(&'a self, id: FileId, line_index: usize) -> Result<Range<usize>, Error> {
        let line = u32::try_from(line_index)
            .ok()
            .and_then(|line| self.positions.lines(id).line(line));
        let max = || self.positions.text(id).lines().count();
        Ok(line
            .ok_or_else(|| Error::LineTooLarge {
                given: line_index,
                max: max(),
            })?
            .into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Project, bytes};
    use crate::{Format, Options};

    fn text(project: &Project, finding: Finding) -> String {
        let quiet = Options {
            quiet: true,
            ..Options::default()
        };
        bytes(Format::Text, &project.outcome(vec![finding]), quiet)
    }

    #[test]
    fn a_story_over_two_files() {
        let project = Project::shop();
        insta::assert_snapshot!(text(&project, project.lazy_relation()), @r#"
        warning[lazy-relation-in-loop]: `book.author` runs one query per element of `books`
          ┌─ shop/views.py:5:9
          │
        2 │     books = Book.objects.filter(live=True)
          │             ------------------------------ 1: rows come from here
        3 │     # Each with its author.
        4 │     for book in books:
          │     ----------------- 2: repeats per row
        5 │         label(book)
          │         ^^^^^^^^^^^ 3: calls `label`
          │
          ┌─ shop/text.py:2:12
          │
        2 │     return book.author.name
          │            ----------- 4: loads relation `author`
          │
          = help: add `.select_related("author")` to the query at shop/views.py:2
        "#);
    }

    #[test]
    fn a_loop_of_many_lines_is_shown_by_its_first_line() {
        let project = Project::shop();
        insta::assert_snapshot!(text(&project, project.write_in_loop()), @"
        warning[write-in-loop]: `book.save()` writes once per element of `books`
          ┌─ shop/views.py:6:9
          │
        4 │     for book in books:
          │     ------------------ 1: repeats per row
        5 │         label(book)
        6 │         book.save()
          │         ^^^^^^^^^^^ 2: writes a row
          │
          = confidence: likely
        ");
    }

    #[test]
    fn a_primary_place_without_a_step_is_marked_all_the_same() {
        let project = Project::shop();
        let mut finding = project.lazy_relation();
        finding.steps.clear();
        finding.severity = Severity::Error;
        insta::assert_snapshot!(text(&project, finding), @r#"
        error[lazy-relation-in-loop]: `book.author` runs one query per element of `books`
          ┌─ shop/views.py:5:9
          │
        5 │         label(book)
          │         ^^^^^^^^^^^
          │
          = help: add `.select_related("author")` to the query at shop/views.py:2
        "#);
    }

    #[test]
    fn tabs_crlf_wide_and_control_characters() {
        let project = Project::new(&[(
            "ü.py",
            "for b in böcker:\r\n\té = '\u{1F600}\x1b[31m'; b.save()\r\n",
        )]);
        let mut finding = project.finding_at(0, 0);
        finding.primary = project.at("ü.py", "b.save()");
        insta::assert_snapshot!(text(&project, finding), @"
        warning[write-in-loop]: writes once per element
          ┌─ ü.py:2:16
          │
        1 │ for b in böcker:
          │ - 1: writes a row
        2 │     é = '😀?[31m'; b.save()
          │                    ^^^^^^^^
        ");
    }

    #[test]
    fn owners_are_told_last() {
        let project = Project::shop();
        let last_line = |finding| {
            let all = text(&project, finding);
            all.trim_end()
                .lines()
                .last()
                .map(str::to_owned)
                .unwrap_or_default()
        };
        let found: Vec<String> = project.owned().into_iter().map(last_line).collect();
        insta::assert_snapshot!(found.join("\n"), @"
        = owner: @org/shop; passes through code of @text, é@example.org
        = owners: @org/shop, @data
        = owner: none
        ");
    }
}
