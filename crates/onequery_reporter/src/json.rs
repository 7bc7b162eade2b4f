//! Our own JSON, for scripts.
//!
//! `schema_version` changes when a field is removed, renamed or changes its meaning; fields are added without notice.
//! Lines and columns are 1-based, columns count Unicode code points, ends are exclusive and not cut to one line.
//! There are no times, so equal trees give equal bytes.

use std::collections::BTreeMap;
use std::io;

use onequery_core::{EntryPoint, Finding, Location, Problem, RuleInfo, Step};
use serde::Serialize;

use crate::position::{Place, Positions};
use crate::summary::{self, ByOwner};
use crate::{Context, TOOL};

const SCHEMA_VERSION: u32 = 1;

pub(crate) fn render(cx: &Context<'_>, out: &mut dyn io::Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, &report(cx))?;
    writeln!(out)
}

#[derive(Serialize)]
struct Report<'a> {
    schema_version: u32,
    tool: Tool<'a>,
    findings: Vec<FindingRecord<'a>>,
    problems: Vec<ProblemRecord<'a>>,
    rules: Vec<RuleRecord<'a>>,
    summary: Summary<'a>,
}

#[derive(Serialize)]
struct Tool<'a> {
    name: &'static str,
    version: &'a str,
}

#[derive(Serialize)]
struct FindingRecord<'a> {
    rule: &'static str,
    severity: &'static str,
    confidence: &'static str,
    message: &'a str,
    #[serde(flatten)]
    place: PlaceRecord<'a>,
    scope: &'a str,
    fingerprint: String,
    help: Option<&'a str>,
    /// Absent when the remedy takes more than an insertion.
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<FixRecord<'a>>,
    /// Why it is shown although it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    reinstated: Option<&'a str>,
    /// Absent when nothing says who owns what.
    #[serde(skip_serializing_if = "Option::is_none")]
    owners: Option<OwnersRecord<'a>>,
    steps: Vec<StepRecord<'a>>,
    entry: Option<EntryRecord<'a>>,
}

#[derive(Serialize)]
struct EntryRecord<'a> {
    kind: &'static str,
    name: &'a str,
    #[serde(flatten)]
    place: PlaceRecord<'a>,
    calls: Vec<StepRecord<'a>>,
}

#[derive(Serialize)]
struct OwnersRecord<'a> {
    asked: &'a [String],
    involved: &'a [String],
}

#[derive(Serialize)]
struct StepRecord<'a> {
    role: &'static str,
    message: &'a str,
    #[serde(flatten)]
    place: PlaceRecord<'a>,
}

#[derive(Serialize)]
struct ProblemRecord<'a> {
    kind: &'static str,
    /// Whether part of the job was left undone.
    failure: bool,
    message: &'a str,
    #[serde(flatten)]
    place: PlaceRecord<'a>,
}

#[derive(Serialize)]
struct PlaceRecord<'a> {
    path: &'a str,
    line: u32,
    column: u32,
    end_line: u32,
    end_column: u32,
}

#[derive(Serialize)]
struct RuleRecord<'a> {
    id: &'a str,
    summary: &'a str,
    severity: &'static str,
    since: &'a str,
}

#[derive(Serialize)]
struct Summary<'a> {
    files: usize,
    files_indexed_only: usize,
    lines: usize,
    findings: usize,
    findings_by_rule: BTreeMap<&'static str, usize>,
    /// A finding that several owners are asked about counts for each of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    findings_by_owner: Option<BTreeMap<&'a str, usize>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    findings_without_owner: Option<usize>,
    hidden: BTreeMap<&'a str, usize>,
    /// How many findings are shown although they are known, by reason.
    reinstated: BTreeMap<&'a str, usize>,
    skipped: BTreeMap<&'a str, usize>,
}

fn report<'a>(cx: &'a Context<'_>) -> Report<'a> {
    let outcome = cx.outcome;
    let stats = &outcome.stats;
    let owners = ByOwner::of(&outcome.findings);
    Report {
        schema_version: SCHEMA_VERSION,
        tool: Tool {
            name: TOOL,
            version: outcome.version,
        },
        findings: outcome
            .findings
            .iter()
            .map(|finding| finding_record(finding, &cx.positions))
            .collect(),
        problems: cx
            .problems()
            .map(|(location, problem)| problem_record(location, problem, &cx.positions))
            .collect(),
        rules: outcome.rules.iter().map(rule_record).collect(),
        summary: Summary {
            files: stats.files,
            files_indexed_only: stats.files_indexed_only,
            lines: stats.lines,
            findings: outcome.findings.len(),
            findings_by_rule: summary::by_rule(&outcome.findings),
            findings_without_owner: owners.as_ref().map(|owners| owners.unowned),
            findings_by_owner: owners.map(|owners| owners.counts),
            hidden: by_reason(&stats.hidden),
            reinstated: summary::reinstated(&outcome.findings),
            skipped: by_reason(&stats.skipped),
        },
    }
}

fn finding_record<'a>(finding: &'a Finding, positions: &Positions<'a>) -> FindingRecord<'a> {
    FindingRecord {
        rule: finding.rule,
        severity: finding.severity.id(),
        confidence: finding.confidence.id(),
        message: &finding.message,
        place: place_record(finding.primary, positions),
        scope: &finding.scope,
        fingerprint: finding.fingerprint.to_string(),
        help: finding.help.as_deref(),
        fix: finding.fix.as_ref().map(|fix| FixRecord {
            place: place_record(fix.at, positions),
            insert: &fix.text,
        }),
        reinstated: finding.reinstated.as_deref(),
        owners: finding.owners.as_ref().map(|owners| OwnersRecord {
            asked: &owners.asked,
            involved: &owners.involved,
        }),
        steps: finding
            .steps
            .iter()
            .map(|step| step_record(step, positions))
            .collect(),
        entry: finding.entry.as_ref().map(|entry| entry_record(entry, positions)),
    }
}

#[derive(Serialize)]
struct FixRecord<'a> {
    #[serde(flatten)]
    place: PlaceRecord<'a>,
    insert: &'a str,
}

fn entry_record<'a>(entry: &'a EntryPoint, positions: &Positions<'a>) -> EntryRecord<'a> {
    EntryRecord {
        kind: entry.kind.id(),
        name: &entry.name,
        place: place_record(entry.location, positions),
        calls: entry
            .calls
            .iter()
            .map(|step| step_record(step, positions))
            .collect(),
    }
}

fn step_record<'a>(step: &'a Step, positions: &Positions<'a>) -> StepRecord<'a> {
    StepRecord {
        role: step.role.id(),
        message: &step.message,
        place: place_record(step.location, positions),
    }
}

fn problem_record<'a>(
    location: Location,
    problem: &'a Problem,
    positions: &Positions<'a>,
) -> ProblemRecord<'a> {
    ProblemRecord {
        kind: problem.kind.id(),
        failure: problem.kind.is_failure(),
        message: &problem.message,
        place: place_record(location, positions),
    }
}

fn place_record<'a>(location: Location, positions: &Positions<'a>) -> PlaceRecord<'a> {
    let Place {
        path,
        line,
        column,
        end_line,
        end_column,
    } = positions.place(location);
    PlaceRecord {
        path,
        line,
        column,
        end_line,
        end_column,
    }
}

fn rule_record(rule: &RuleInfo) -> RuleRecord<'_> {
    RuleRecord {
        id: rule.id,
        summary: rule.summary,
        severity: rule.severity.id(),
        since: rule.since,
    }
}

/// Counts by reason, also of the reasons that did not occur.
fn by_reason(counts: &[(String, usize)]) -> BTreeMap<&str, usize> {
    let mut sums = BTreeMap::new();
    for (reason, n) in counts {
        *sums.entry(reason.as_str()).or_default() += n;
    }
    sums
}

#[cfg(test)]
mod tests {
    use onequery_core::{FileId, ProblemKind, Span};
    use serde_json::{Value, json};

    use super::*;
    use crate::testing::{Project, bytes};
    use crate::{Format, Options};

    fn check_json(project: &Project, finding: Finding, pointer: &str, expected: &Value) {
        let outcome = project.outcome(vec![finding]);
        let report: Value = serde_json::from_str(&bytes(Format::Json, &outcome, Options::default())).unwrap();
        assert_eq!(report.pointer(pointer), Some(expected), "{pointer} of {report:#}");
    }

    #[test]
    fn a_finding_is_told_whole() {
        let project = Project::shop();
        let finding = project.lazy_relation();
        let check = |pointer, expected| check_json(&project, finding.clone(), pointer, &expected);
        check("/schema_version", json!(1));
        check("/tool", json!({"name": "onequery", "version": "0.1.0"}));
        check("/findings/0/rule", json!("lazy-relation-in-loop"));
        check("/findings/0/line", json!(5));
        check("/findings/0/column", json!(9));
        check("/findings/0/fingerprint", json!("00000000000000ab"));
        check("/findings/0/scope", json!("overview"));
        check(
            "/findings/0/steps/3",
            json!({
                "role": "load", "message": "loads relation `author`", "path": "shop/text.py",
                "line": 2, "column": 12, "end_line": 2, "end_column": 23,
            }),
        );
        check("/rules/1/id", json!("write-in-loop"));
        check("/summary/findings_by_rule", json!({"lazy-relation-in-loop": 1}));
    }

    #[test]
    fn spans_of_many_lines_are_not_cut() {
        let project = Project::shop();
        let finding = project.write_in_loop();
        check_json(&project, finding.clone(), "/findings/0/steps/0/line", &json!(4));
        check_json(&project, finding, "/findings/0/steps/0/end_line", &json!(6));
    }

    #[test]
    fn columns_count_code_points() {
        let project = Project::new(&[("a.py", "'\u{1F600}é'; b.save()")]);
        let mut finding = project.finding_at(0, 0);
        finding.primary = project.at("a.py", "b.save()");
        check_json(&project, finding, "/findings/0/column", &json!(7));
    }

    #[test]
    fn problems_and_counts_are_told() {
        let project = Project::shop();
        let mut outcome = project.outcome(vec![]);
        let span = Span::new(0, 0);
        outcome.problems = vec![(
            FileId(1),
            Problem {
                kind: ProblemKind::TooLarge,
                span,
                message: "too large".into(),
            },
        )];
        outcome.stats.hidden = vec![("below likely".into(), 2), ("baseline".into(), 0)];
        let report: Value = serde_json::from_str(&bytes(Format::Json, &outcome, Options::default())).unwrap();
        let problem = &report["problems"][0];
        assert_eq!(problem["kind"], "too-large");
        assert_eq!(problem["failure"], true);
        assert_eq!(problem["path"], "shop/views.py");
        assert_eq!(
            report["summary"]["hidden"],
            json!({"baseline": 0, "below likely": 2})
        );
        assert!(report["findings"].as_array().unwrap().is_empty());
    }

    #[test]
    fn owners_are_told_where_they_are_known() {
        let project = Project::shop();
        let outcome = project.outcome(project.owned());
        let report: Value = serde_json::from_str(&bytes(Format::Json, &outcome, Options::default())).unwrap();
        assert_eq!(
            report["findings"][0]["owners"],
            json!({"asked": ["@org/shop"], "involved": ["@text", "é@example.org"]})
        );
        assert_eq!(
            report["findings"][2]["owners"],
            json!({"asked": [], "involved": []})
        );
        assert_eq!(
            report["summary"]["findings_by_owner"],
            json!({"@data": 1, "@org/shop": 2})
        );
        assert_eq!(report["summary"]["findings_without_owner"], 1);
        let outcome = project.outcome(vec![project.lazy_relation()]);
        let report = bytes(Format::Json, &outcome, Options::default());
        assert!(!report.contains("owner"), "{report}");
    }
}
