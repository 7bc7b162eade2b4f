//! The Reviewdog Diagnostic Format, for reviewdog and what else reads it.
//!
//! Fields and units are those of <https://github.com/reviewdog/reviewdog/blob/master/proto/rdf/reviewdog.proto>: lines
//! and columns are 1-based, columns count bytes of UTF-8, ends are exclusive.

use std::io;

use onequery_core::{Finding, Location, Problem, Severity};
use serde::Serialize;

use crate::position::{Positions, Units};
use crate::{Context, TOOL, printable, story, worst_first};

pub(crate) fn render(cx: &Context<'_>, out: &mut dyn io::Write) -> io::Result<()> {
    let positions = &cx.positions;
    let failures = cx
        .failures()
        .map(|(location, problem)| failure(location, problem, positions));
    // Some services that reviewdog writes to show only so many.
    let findings = worst_first(cx.outcome)
        .into_iter()
        .map(|finding| diagnostic(finding, positions));
    let report = DiagnosticResult {
        source: Source {
            name: TOOL,
            url: env!("CARGO_PKG_REPOSITORY"),
        },
        severity: "WARNING",
        diagnostics: failures.chain(findings).collect(),
    };
    serde_json::to_writer_pretty(&mut *out, &report)?;
    writeln!(out)
}

#[derive(Serialize)]
struct DiagnosticResult<'a> {
    source: Source,
    severity: &'static str,
    diagnostics: Vec<Diagnostic<'a>>,
}

#[derive(Serialize)]
struct Source {
    name: &'static str,
    url: &'static str,
}

#[derive(Serialize)]
struct Diagnostic<'a> {
    message: String,
    location: Place<'a>,
    severity: &'static str,
    code: Code,
    /// In the diagnostic's own file.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    suggestions: Vec<Suggestion<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related_locations: Vec<Related<'a>>,
}

#[derive(Serialize)]
struct Suggestion<'a> {
    range: Range,
    text: &'a str,
}

#[derive(Serialize)]
struct Code {
    value: &'static str,
}

#[derive(Serialize)]
struct Related<'a> {
    message: String,
    location: Place<'a>,
}

#[derive(Serialize)]
struct Place<'a> {
    path: &'a str,
    range: Range,
}

#[derive(Serialize)]
struct Range {
    start: Position,
    end: Position,
}

#[derive(Serialize)]
struct Position {
    line: u32,
    column: u32,
}

fn diagnostic<'a>(finding: &'a Finding, positions: &Positions<'a>) -> Diagnostic<'a> {
    let related = finding.steps.iter().enumerate().map(|(ix, step)| Related {
        message: format!("{}: {}", ix + 1, printable::line(&step.message)),
        location: place(step.location, positions),
    });
    let help = finding.help.iter().map(|help| format!("help: {help}"));
    let paragraphs: Vec<_> = std::iter::once(finding.message.clone())
        .chain(help)
        .chain(story::owners(finding))
        .chain(story::reinstated(finding))
        .map(|text| printable::line(&text).into_owned())
        .collect();
    Diagnostic {
        // Most services show it as Markdown, where an empty line is needed between paragraphs.
        message: paragraphs.join("\n\n"),
        location: place(finding.primary, positions),
        severity: match finding.severity {
            Severity::Note => "INFO",
            Severity::Warning => "WARNING",
            Severity::Error => "ERROR",
        },
        code: Code { value: finding.rule },
        suggestions: (finding.fix.iter())
            .filter(|fix| fix.at.file == finding.primary.file)
            .map(|fix| Suggestion {
                range: place(fix.at, positions).range,
                text: &fix.text,
            })
            .collect(),
        related_locations: related.collect(),
    }
}

fn failure<'a>(location: Location, problem: &Problem, positions: &Positions<'a>) -> Diagnostic<'a> {
    Diagnostic {
        message: printable::line(&problem.message).into_owned(),
        location: place(location, positions),
        severity: "ERROR",
        code: Code {
            value: problem.kind.id(),
        },
        suggestions: vec![],
        related_locations: vec![],
    }
}

fn place<'a>(location: Location, positions: &Positions<'a>) -> Place<'a> {
    let place = positions.place_in(Units::Bytes, positions.first_line(location));
    Place {
        path: place.path,
        range: Range {
            start: Position {
                line: place.line,
                column: place.column,
            },
            end: Position {
                line: place.end_line,
                column: place.end_column,
            },
        },
    }
}

#[cfg(test)]
mod tests {
    use onequery_core::{FileId, ProblemKind, Span};
    use serde_json::{Value, json};

    use super::*;
    use crate::testing::{Project, bytes};
    use crate::{Format, Options};

    fn rdjson(project: &Project, findings: Vec<Finding>) -> Value {
        serde_json::from_str(&bytes(
            Format::Rdjson,
            &project.outcome(findings),
            Options::default(),
        ))
        .unwrap()
    }

    fn range(line: u32, column: u32, end_column: u32) -> Value {
        json!({"start": {"line": line, "column": column}, "end": {"line": line, "column": end_column}})
    }

    #[test]
    fn what_the_remedy_inserts_is_a_suggestion_in_the_same_file() {
        let project = Project::shop();
        let fixed = project.lazy_relation_with_fix();
        let elsewhere = Finding {
            primary: project.at("shop/text.py", "author"),
            ..fixed.clone()
        };
        let suggestions = |finding: Finding| {
            let report = rdjson(&project, vec![finding]);
            report["diagnostics"][0]["suggestions"].clone()
        };
        assert_eq!(
            suggestions(fixed),
            json!([{"range": range(2, 43, 43), "text": ".select_related(\"author\")"}])
        );
        assert_eq!(suggestions(elsewhere), Value::Null);
    }

    #[test]
    fn a_finding_with_its_steps() {
        let project = Project::shop();
        let related = |message: &str, path: &str, range: Value| json!({"message": message, "location": {"path": path, "range": range}});
        assert_eq!(
            rdjson(&project, vec![project.lazy_relation()]),
            json!({
                "source": {"name": "onequery", "url": "https://github.com/onequery/onequery"},
                "severity": "WARNING",
                "diagnostics": [{
                    "message": "`book.author` runs one query per element of `books`\n\n\
                                help: add `.select_related(\"author\")` to the query at shop/views.py:2",
                    "location": {"path": "shop/views.py", "range": range(5, 9, 20)},
                    "severity": "WARNING",
                    "code": {"value": "lazy-relation-in-loop"},
                    "related_locations": [
                        related("1: rows come from here", "shop/views.py", range(2, 13, 43)),
                        related("2: repeats per row", "shop/views.py", range(4, 5, 22)),
                        related("3: calls `label`", "shop/views.py", range(5, 9, 20)),
                        related("4: loads relation `author`", "shop/text.py", range(2, 12, 23)),
                    ],
                }],
            })
        );
    }

    #[test]
    fn columns_count_bytes() {
        // As in the format's own example, where the character before `b` takes four bytes.
        let project = Project::new(&[("a.py", "a\u{10400}b\n")]);
        let mut finding = project.finding_at(0, 0);
        finding.primary = project.at("a.py", "b");
        let report = rdjson(&project, vec![finding]);
        assert_eq!(report["diagnostics"][0]["location"]["range"], range(1, 6, 7));
    }

    #[test]
    fn odd_characters_do_not_break_paragraphs() {
        let project = Project::new(&[("é.py", "x\n")]);
        let mut finding = project.finding_at(0, 1);
        finding.message = "a\n\n`<b>`\u{1b}]]>|".into();
        let report = rdjson(&project, vec![finding]);
        assert_eq!(report["diagnostics"][0]["message"], "a  `<b>`?]]>|");
    }

    #[test]
    fn failures_come_first() {
        let project = Project::shop();
        let mut outcome = project.outcome(vec![project.write_in_loop()]);
        let problem = Problem {
            kind: ProblemKind::Unreadable,
            span: Span::new(0, 0),
            message: "no".into(),
        };
        outcome.problems = vec![(FileId(0), problem)];
        let report: Value =
            serde_json::from_str(&bytes(Format::Rdjson, &outcome, Options::default())).unwrap();
        assert_eq!(report["diagnostics"][0]["code"]["value"], "unreadable");
        assert_eq!(report["diagnostics"][0]["severity"], "ERROR");
        assert_eq!(report["diagnostics"][1]["code"]["value"], "write-in-loop");
    }
}
