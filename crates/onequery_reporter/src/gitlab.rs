//! GitLab Code Quality: one JSON array, which merge requests compare with that of their target branch.
//!
//! The fields are those of <https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format>; GitLab
//! reads no others. It takes findings with the same fingerprint for one.

use std::io;

use onequery_core::{Finding, Location, Problem, Severity};
use serde::Serialize;

use crate::position::Positions;
use crate::unique::Unique;
use crate::{Context, printable, story};

pub(crate) fn render(cx: &Context<'_>, out: &mut dyn io::Write) -> io::Result<()> {
    let mut fingerprints = Unique::default();
    let failures = cx
        .failures()
        .map(|(location, problem)| failure(location, problem, &cx.positions));
    let findings = cx
        .outcome
        .findings
        .iter()
        .map(|finding| degradation(finding, &cx.positions));
    let degradations: Vec<_> = failures
        .chain(findings)
        .map(|degradation| Degradation {
            fingerprint: fingerprints.name(degradation.fingerprint),
            ..degradation
        })
        .collect();
    serde_json::to_writer_pretty(&mut *out, &degradations)?;
    writeln!(out)
}

#[derive(Serialize)]
struct Degradation<'a> {
    description: String,
    check_name: &'static str,
    fingerprint: String,
    severity: &'static str,
    location: Place<'a>,
}

#[derive(Serialize)]
struct Place<'a> {
    path: &'a str,
    lines: Lines,
}

/// 1-based; the last line is one of them.
#[derive(Serialize)]
struct Lines {
    begin: u32,
    end: u32,
}

fn degradation<'a>(finding: &Finding, positions: &Positions<'a>) -> Degradation<'a> {
    Degradation {
        description: description(finding.rule, &story::headline(finding)),
        check_name: finding.rule,
        fingerprint: finding.fingerprint.to_string(),
        // GitLab gives the levels no meaning beyond their order. A warning is a defect to mend, which is more than the
        // nuisances that linters report as `minor`; `blocker` is left for what could not be analysed.
        severity: match finding.severity {
            Severity::Note => "info",
            Severity::Warning => "major",
            Severity::Error => "critical",
        },
        location: place(finding.primary, positions),
    }
}

fn failure<'a>(location: Location, problem: &Problem, positions: &Positions<'a>) -> Degradation<'a> {
    let check_name = problem.kind.id();
    Degradation {
        description: description(check_name, &problem.message),
        check_name,
        fingerprint: format!("{check_name}:{}", positions.path(location.file)),
        severity: "blocker",
        location: place(location, positions),
    }
}

/// GitLab does not show the check's name.
fn description(check_name: &str, text: &str) -> String {
    format!("{check_name}: {}", printable::line(text))
}

fn place<'a>(location: Location, positions: &Positions<'a>) -> Place<'a> {
    let place = positions.place(location);
    Place {
        path: place.path,
        lines: Lines {
            begin: place.line,
            end: place.end_line,
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::testing::{Project, bytes};
    use crate::{Format, Options};

    fn gitlab(project: &Project, findings: Vec<Finding>) -> Value {
        serde_json::from_str(&bytes(
            Format::Gitlab,
            &project.outcome(findings),
            Options::default(),
        ))
        .unwrap()
    }

    #[test]
    fn a_finding_is_one_object() {
        let project = Project::shop();
        assert_eq!(
            gitlab(&project, vec![project.lazy_relation()]),
            json!([{
                "description": "lazy-relation-in-loop: `book.author` runs one query per element of `books`; \
                                help: add `.select_related(\"author\")` to the query at shop/views.py:2",
                "check_name": "lazy-relation-in-loop",
                "fingerprint": "00000000000000ab",
                "severity": "major",
                "location": {"path": "shop/views.py", "lines": {"begin": 5, "end": 5}},
            }])
        );
        assert_eq!(gitlab(&project, vec![]), json!([]));
    }

    #[test]
    fn fingerprints_are_unique() {
        let project = Project::shop();
        let report = gitlab(&project, vec![project.write_in_loop(); 3]);
        let fingerprints: Vec<_> = (0..3).map(|ix| &report[ix]["fingerprint"]).collect();
        assert_eq!(
            fingerprints,
            ["00000000000000cd", "00000000000000cd-2", "00000000000000cd-3"]
        );
    }

    #[test]
    fn severities_are_those_of_gitlab() {
        let project = Project::shop();
        let severity = |severity| {
            let finding = Finding {
                severity,
                ..project.write_in_loop()
            };
            gitlab(&project, vec![finding])[0]["severity"].clone()
        };
        let all = [Severity::Note, Severity::Warning, Severity::Error].map(severity);
        assert_eq!(all, ["info", "major", "critical"]);
    }

    #[test]
    fn odd_characters_stay_on_one_line() {
        let project = Project::new(&[("é <&>.py", "x\n")]);
        let mut finding = project.finding_at(0, 1);
        finding.message = "a\n`<b>`]]>\u{1b}[31m|\u{1F600}\"".into();
        let report = gitlab(&project, vec![finding]);
        assert_eq!(
            report[0]["description"],
            "write-in-loop: a `<b>`]]>?[31m|\u{1F600}\""
        );
        assert_eq!(report[0]["location"]["path"], "é <&>.py");
    }

    #[test]
    fn what_could_not_be_analysed_blocks() {
        let project = Project::shop();
        let outcome = project.failing();
        let report: Value =
            serde_json::from_str(&bytes(Format::Gitlab, &outcome, Options::default())).unwrap();
        assert_eq!(
            report,
            json!([{
                "description": "unreadable: permission denied",
                "check_name": "unreadable",
                "fingerprint": "unreadable:shop/text.py",
                "severity": "blocker",
                "location": {"path": "shop/text.py", "lines": {"begin": 1, "end": 1}},
            }])
        );
    }
}
