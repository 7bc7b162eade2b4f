//! SonarQube's generic issue import, the format with rules that versions since 10.3 want.
//!
//! The fields are those of
//! <https://docs.sonarsource.com/sonarqube-server/analyzing-source-code/importing-external-issues/generic-issue-import-format>.
//! One invalid issue fails the whole import, so what the importer refuses must not be written: a rule that is not
//! described, a range without a character, a column beyond its line. What could not be analysed is no issue of the
//! project and is not in here.

use std::io;

use onequery_core::{FileId, Finding, Location, RuleInfo, Severity};
use serde::Serialize;

use crate::position::{PerFile, Positions, Units};
use crate::{Context, TOOL, printable, story};

pub(crate) fn render(cx: &Context<'_>, out: &mut dyn io::Write) -> io::Result<()> {
    let ranges = Ranges {
        positions: &cx.positions,
        countable: PerFile::new(cx.outcome.sources),
    };
    let report = Report {
        rules: cx.outcome.rules.iter().map(rule).collect(),
        issues: cx
            .outcome
            .findings
            .iter()
            .map(|finding| issue(finding, &ranges))
            .collect(),
    };
    serde_json::to_writer_pretty(&mut *out, &report)?;
    writeln!(out)
}

#[derive(Serialize)]
struct Report<'a> {
    rules: Vec<Rule<'a>>,
    issues: Vec<Issue<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule<'a> {
    id: &'a str,
    name: &'a str,
    description: &'a str,
    engine_id: &'static str,
    clean_code_attribute: &'static str,
    impacts: [Impact; 1],
    /// With `severity`, what the Standard Experience shows, which knows no impacts.
    #[serde(rename = "type")]
    kind: &'static str,
    severity: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Impact {
    software_quality: &'static str,
    severity: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Issue<'a> {
    rule_id: &'static str,
    primary_location: Place<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    secondary_locations: Vec<Place<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Place<'a> {
    message: String,
    file_path: &'a str,
    text_range: TextRange,
}

/// Lines are 1-based; columns are 0-based and count UTF-16 units, the end is exclusive. Without columns it is the line.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TextRange {
    start_line: u32,
    #[serde(flatten)]
    rest: Option<Columns>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Columns {
    end_line: u32,
    start_column: u32,
    end_column: u32,
}

/// Issues have no severity of their own in this format, so findings that are milder than their rule look alike.
fn rule(rule: &RuleInfo) -> Rule<'_> {
    let (impact, severity) = match rule.severity {
        Severity::Note => ("LOW", "MINOR"),
        Severity::Warning => ("MEDIUM", "MAJOR"),
        Severity::Error => ("HIGH", "CRITICAL"),
    };
    let docs = rule.docs.trim();
    Rule {
        id: rule.id,
        name: rule.summary,
        // An empty description is refused.
        description: if docs.is_empty() { rule.summary } else { docs },
        engine_id: TOOL,
        clean_code_attribute: "EFFICIENT",
        impacts: [Impact {
            software_quality: "MAINTAINABILITY",
            severity: impact,
        }],
        kind: "CODE_SMELL",
        severity,
    }
}

fn issue<'a>(finding: &Finding, ranges: &Ranges<'a, '_>) -> Issue<'a> {
    let steps = finding.steps.iter().enumerate().map(|(ix, step)| {
        let message = format!("{}: {}", ix + 1, step.message);
        place(&message, step.location, ranges)
    });
    Issue {
        rule_id: finding.rule,
        primary_location: place(&story::headline(finding), finding.primary, ranges),
        secondary_locations: steps.collect(),
    }
}

fn place<'a>(message: &str, location: Location, ranges: &Ranges<'a, '_>) -> Place<'a> {
    Place {
        message: printable::line(message).into_owned(),
        file_path: ranges.positions.path(location.file),
        text_range: ranges.range(location),
    }
}

/// What turns locations into ranges that the importer accepts.
struct Ranges<'a, 'p> {
    positions: &'p Positions<'a>,
    countable: PerFile<bool>,
}

impl Ranges<'_, '_> {
    fn range(&self, location: Location) -> TextRange {
        let location = self.positions.first_line(location);
        let place = self.positions.place_in(Units::Utf16, location);
        let columns = Columns {
            end_line: place.end_line,
            start_column: place.column - 1,
            end_column: place.end_column - 1,
        };
        let is_empty = location.span.start == location.span.end;
        TextRange {
            start_line: place.line,
            rest: (!is_empty && self.is_countable(location.file)).then_some(columns),
        }
    }

    /// Whether our lines are those of SonarQube, for which a carriage return alone ends a line, too. Where they are
    /// not, it has more lines than we count, so a line alone is still one that exists.
    fn is_countable(&self, file: FileId) -> bool {
        *self.countable.get(file, || {
            let text = self.positions.text(file);
            text.matches('\r').count() == text.matches("\r\n").count()
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::testing::{Project, bytes};
    use crate::{Format, Options};

    fn sonar(project: &Project, findings: Vec<Finding>) -> Value {
        serde_json::from_str(&bytes(
            Format::Sonar,
            &project.outcome(findings),
            Options::default(),
        ))
        .unwrap()
    }

    fn range(line: u32, start: u32, end: u32) -> Value {
        json!({"startLine": line, "endLine": line, "startColumn": start, "endColumn": end})
    }

    fn check_range(text: &str, span: (u32, u32), expected: &Value) {
        let project = Project::new(&[("a.py", text)]);
        let report = sonar(&project, vec![project.finding_at(span.0, span.1)]);
        let location = &report["issues"][0]["primaryLocation"];
        assert_eq!(location["textRange"], *expected, "{text:?} {span:?}");
    }

    #[test]
    fn an_issue_with_its_steps() {
        let project = Project::shop();
        let place = |message: &str, path: &str, range: Value| json!({"message": message, "filePath": path, "textRange": range});
        assert_eq!(
            sonar(&project, vec![project.lazy_relation()])["issues"],
            json!([{
                "ruleId": "lazy-relation-in-loop",
                "primaryLocation": place(
                    "`book.author` runs one query per element of `books`; \
                     help: add `.select_related(\"author\")` to the query at shop/views.py:2",
                    "shop/views.py",
                    range(5, 8, 19),
                ),
                "secondaryLocations": [
                    place("1: rows come from here", "shop/views.py", range(2, 12, 42)),
                    place("2: repeats per row", "shop/views.py", range(4, 4, 21)),
                    place("3: calls `label`", "shop/views.py", range(5, 8, 19)),
                    place("4: loads relation `author`", "shop/text.py", range(2, 11, 22)),
                ],
            }])
        );
    }

    #[test]
    fn every_rule_is_described_also_without_an_issue() {
        let project = Project::shop();
        let report = sonar(&project, vec![]);
        assert_eq!(report["issues"], json!([]));
        assert_eq!(
            report["rules"][1],
            json!({
                "id": "write-in-loop",
                "name": "rows are written one by one",
                "description": "rows are written one by one",
                "engineId": "onequery",
                "cleanCodeAttribute": "EFFICIENT",
                "impacts": [{"softwareQuality": "MAINTAINABILITY", "severity": "MEDIUM"}],
                "type": "CODE_SMELL",
                "severity": "MAJOR",
            })
        );
    }

    #[test]
    fn columns_count_utf16_units_from_zero() {
        check_range("\u{1F600}é x\n", (7, 8), &range(1, 4, 5));
    }

    #[test]
    fn ranges_that_would_be_refused_are_lines() {
        check_range("ab\n", (1, 1), &json!({"startLine": 1}));
        check_range("", (0, 9), &json!({"startLine": 1}));
        check_range("a\rb\nc\n", (4, 5), &json!({"startLine": 2}));
        check_range("a\r\nb\r\n", (3, 4), &range(2, 0, 1));
    }
}
