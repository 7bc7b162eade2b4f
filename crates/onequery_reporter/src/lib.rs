//! Turns the outcome of a run into bytes: one file per format, all of them reading the same findings.
//!
//! Nothing here decides what is shown. Every format gives the same bytes for the same outcome, except that the last
//! line of [`Format::Text`] and [`Format::Concise`] tells how long the run took.

mod phrase;
mod position;
mod printable;
mod story;
mod unique;
mod why;

mod backlog;
mod concise;
mod github;
mod gitlab;
mod html;
mod json;
mod junit;
mod markdown;
mod rdjson;
mod sarif;
mod sonar;
mod summary;
mod text;

#[cfg(test)]
mod testing;

use std::cmp::Reverse;
use std::io;

use onequery_core::{Finding, Location, Outcome, Problem};

pub use crate::backlog::{BacklogFormat, render_backlog};
pub use crate::position::{Place, Positions, Units};
pub use crate::why::render_whys;

/// What the reports call this tool.
pub(crate) const TOOL: &str = "onequery";

/// A way to write an outcome down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Format {
    /// Source excerpts with numbered steps, for people.
    Text,
    /// One line per finding, for editors and `grep`.
    Concise,
    /// Our own versioned structure, for scripts.
    Json,
    /// SARIF 2.1.0, for code scanning services.
    Sarif,
    /// Workflow commands, for annotations in a GitHub pull request.
    Github,
    /// GitLab Code Quality, for merge requests.
    Gitlab,
    /// The Reviewdog Diagnostic Format.
    Rdjson,
    /// JUnit XML, for what shows test results.
    Junit,
    /// SonarQube's generic issue import.
    Sonar,
    /// Markdown, for comments on pull requests and summaries of workflow steps.
    Markdown,
    /// One HTML file for people.
    Html,
}

/// What the command line tells about a format.
#[derive(Debug)]
pub struct FormatInfo {
    /// Which format this describes.
    pub format: Format,
    /// The word that selects it.
    pub id: &'static str,
    /// One phrase, for help texts.
    pub description: &'static str,
    /// Whether [`Options::color`] makes a difference.
    pub colored: bool,
    render: Render,
}

type Render = fn(&Context<'_>, &mut dyn io::Write) -> io::Result<()>;

/// All formats, in the order in which help texts list them.
pub static FORMATS: [FormatInfo; 11] = [
    FormatInfo {
        format: Format::Text,
        id: "text",
        description: "source excerpts with numbered steps",
        colored: true,
        render: text::render,
    },
    FormatInfo {
        format: Format::Concise,
        id: "concise",
        description: "one line per finding",
        colored: false,
        render: concise::render,
    },
    FormatInfo {
        format: Format::Json,
        id: "json",
        description: "versioned JSON for scripts",
        colored: false,
        render: json::render,
    },
    FormatInfo {
        format: Format::Sarif,
        id: "sarif",
        description: "SARIF 2.1.0 for code scanning services",
        colored: false,
        render: sarif::render,
    },
    FormatInfo {
        format: Format::Github,
        id: "github",
        description: "annotations for GitHub Actions",
        colored: false,
        render: github::render,
    },
    FormatInfo {
        format: Format::Gitlab,
        id: "gitlab",
        description: "GitLab Code Quality",
        colored: false,
        render: gitlab::render,
    },
    FormatInfo {
        format: Format::Rdjson,
        id: "rdjson",
        description: "the format of reviewdog",
        colored: false,
        render: rdjson::render,
    },
    FormatInfo {
        format: Format::Junit,
        id: "junit",
        description: "JUnit XML for test reports",
        colored: false,
        render: junit::render,
    },
    FormatInfo {
        format: Format::Sonar,
        id: "sonar",
        description: "generic issues for SonarQube",
        colored: false,
        render: sonar::render,
    },
    FormatInfo {
        format: Format::Markdown,
        id: "markdown",
        description: "a comment on a pull request",
        colored: false,
        render: markdown::render,
    },
    FormatInfo {
        format: Format::Html,
        id: "html",
        description: "one page with filters",
        colored: false,
        render: html::render,
    },
];

impl Format {
    /// What the table says about this format.
    #[must_use]
    pub fn info(self) -> &'static FormatInfo {
        FORMATS
            .iter()
            .find(|info| info.format == self)
            .expect("a test proves that every format has a row")
    }

    /// The format that a word selects.
    #[must_use]
    pub fn from_id(id: &str) -> Option<Self> {
        FORMATS.iter().find(|info| info.id == id).map(|info| info.format)
    }
}

/// How the formats for people are written; the formats for machines take no options.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Write ANSI colours.
    pub color: bool,
    /// Add a table of findings per rule, and per owner where owners are known.
    pub statistics: bool,
    /// List every problem instead of counting the harmless ones.
    pub verbose: bool,
    /// Leave the summary line out. What could not be analysed is told all the same.
    pub quiet: bool,
}

/// Writes the outcome in a format.
///
/// # Errors
///
/// Only those of `out`.
pub fn render(
    format: Format,
    outcome: &Outcome<'_>,
    options: &Options,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let cx = Context {
        outcome,
        options,
        positions: Positions::new(outcome.sources),
    };
    (format.info().render)(&cx, out)
}

/// What every format reads.
pub(crate) struct Context<'a> {
    pub(crate) outcome: &'a Outcome<'a>,
    pub(crate) options: &'a Options,
    pub(crate) positions: Positions<'a>,
}

impl Context<'_> {
    /// The problems that left a part of the job undone, with their places. They put every other statement in doubt.
    pub(crate) fn failures(&self) -> impl Iterator<Item = (Location, &Problem)> {
        self.problems().filter(|(_, problem)| problem.kind.is_failure())
    }

    /// The problems with their places.
    pub(crate) fn problems(&self) -> impl Iterator<Item = (Location, &Problem)> {
        self.outcome
            .problems
            .iter()
            .map(|(file, problem)| (Location::new(*file, problem.span), problem))
    }
}

/// Findings for readers that cut long lists off: the most severe first, among equals the surest, then by place.
pub(crate) fn worst_first<'a>(outcome: &'a Outcome<'_>) -> Vec<&'a Finding> {
    let mut findings: Vec<&Finding> = outcome.findings.iter().collect();
    // The sort is stable and the outcome is sorted by place already.
    findings.sort_by_key(|finding| (Reverse(finding.severity), Reverse(finding.confidence)));
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Project, bytes};

    #[test]
    fn every_format_has_one_row() {
        let all = [
            Format::Text,
            Format::Concise,
            Format::Json,
            Format::Sarif,
            Format::Github,
            Format::Gitlab,
            Format::Rdjson,
            Format::Junit,
            Format::Sonar,
            Format::Markdown,
            Format::Html,
        ];
        assert_eq!(FORMATS.each_ref().map(|info| info.format), all);
        for format in all {
            assert_eq!(Format::from_id(format.info().id), Some(format));
        }
        assert_eq!(Format::from_id("xml"), None);
    }

    #[test]
    fn every_format_writes_the_same_bytes_twice_and_ends_its_last_line() {
        let project = Project::shop();
        let outcome = project.outcome(vec![project.lazy_relation()]);
        for info in &FORMATS {
            let first = bytes(info.format, &outcome, Options::default());
            assert_eq!(
                first,
                bytes(info.format, &outcome, Options::default()),
                "{}",
                info.id
            );
            assert!(first.ends_with('\n'), "{}", info.id);
        }
    }

    #[test]
    fn every_format_says_why_a_known_finding_is_shown() {
        let project = Project::shop();
        let mut finding = project.lazy_relation();
        finding.reinstated = Some("the budget of shop is consumed".into());
        let outcome = project.outcome(vec![finding]);
        for info in &FORMATS {
            let told = bytes(info.format, &outcome, Options::default());
            assert!(told.contains("the budget of shop is consumed"), "{}", info.id);
        }
    }

    #[test]
    fn only_coloured_formats_change_with_colour() {
        let project = Project::shop();
        let outcome = project.outcome(vec![project.lazy_relation()]);
        for info in &FORMATS {
            let plain = bytes(info.format, &outcome, Options::default());
            let colored = bytes(
                info.format,
                &outcome,
                Options {
                    color: true,
                    ..Options::default()
                },
            );
            assert!(!plain.contains('\x1b'), "{}", info.id);
            assert_eq!(plain != colored, info.colored, "{}", info.id);
        }
    }

    #[test]
    fn spans_that_do_not_fit_their_text_are_rendered_all_the_same() {
        for text in ["", "\n", "é", "for b in books:\r\n\tb.save()\r\n", "\u{1F600}\n"] {
            let project = Project::new(&[("a.py", text)]);
            for (start, end) in [(0, 0), (0, 1), (1, 3), (3, u32::MAX), (u32::MAX, u32::MAX)] {
                let outcome = project.outcome(vec![project.finding_at(start, end)]);
                for info in &FORMATS {
                    assert!(
                        !bytes(info.format, &outcome, Options::default()).is_empty(),
                        "{}",
                        info.id
                    );
                }
            }
        }
    }

    #[test]
    fn every_format_names_the_owners() {
        let project = Project::shop();
        let outcome = project.outcome(project.owned());
        for info in &FORMATS {
            let all = bytes(info.format, &outcome, Options::default());
            for owner in ["@org/shop", "@data", "@text", "é@example.org"] {
                assert!(all.contains(owner), "{} lacks {owner}: {all}", info.id);
            }
        }
    }
}
