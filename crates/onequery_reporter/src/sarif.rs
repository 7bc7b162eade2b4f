//! SARIF 2.1.0, as GitHub code scanning and GitLab want it.
//!
//! There is no `artifacts` array, which would only repeat paths; no `rank`, from which GitLab would take the severity
//! instead of from the level; and no `security-severity`, which would make every rule a security rule.

mod line_hash;
mod log;
mod rules;
mod wording;

#[cfg(test)]
mod tests;

use std::io;

use onequery_core::{Finding, Insertion, Problem, ProblemKind, Step};

use self::log::*;
use self::wording::{sentence, uri};
use crate::position::{PerFile, Place, Positions, Units};
use crate::printable::truncated;
use crate::{Context, TOOL, story, worst_first};

/// GitHub refuses a run with more results; it shows the first 5,000 of them.
const MAX_RESULTS: usize = 25_000;
/// GitHub keeps as many locations of a result …
const MAX_RELATED_LOCATIONS: usize = 100;
/// … and as many steps of its flows.
const MAX_FLOW_STEPS: usize = 1_000;
/// GitLab drops a result with a message of more than 2,048 characters.
const MAX_MESSAGE: usize = 2_000;

pub(crate) fn render(cx: &Context<'_>, out: &mut dyn io::Write) -> io::Result<()> {
    let log = Log {
        schema: "https://json.schemastore.org/sarif-2.1.0.json",
        version: "2.1.0",
        runs: [run(cx)],
    };
    serde_json::to_writer_pretty(&mut *out, &log)?;
    writeln!(out)
}

fn run<'a>(cx: &'a Context<'_>) -> Run<'a> {
    let outcome = cx.outcome;
    let line_hashes = PerFile::new(outcome.sources);
    // Without suppressed findings, which are not in the outcome: GitHub would open an alert for each of them.
    let findings = worst_first(outcome).into_iter().take(MAX_RESULTS);
    Run {
        tool: Tool {
            driver: Driver {
                name: TOOL,
                full_name: format!("{TOOL} {}", outcome.version),
                version: outcome.version,
                semantic_version: outcome.version,
                information_uri: env!("CARGO_PKG_REPOSITORY"),
                rules: outcome.rules.iter().map(rules::rule).collect(),
            },
        },
        // All before the last slash is the category, so uploads of other tools do not replace ours.
        automation_details: AutomationDetails { id: "onequery/" },
        column_kind: "utf16CodeUnits",
        invocations: [invocation(cx)],
        results: findings
            .map(|finding| result(finding, cx, &line_hashes))
            .collect(),
    }
}

fn invocation(cx: &Context<'_>) -> Invocation {
    let n_dropped = cx.outcome.findings.len().saturating_sub(MAX_RESULTS);
    let dropped = (n_dropped > 0).then(|| Notification {
        descriptor: None,
        level: "warning",
        message: Message {
            text: format!("{n_dropped} further findings are left out of this file."),
        },
        locations: vec![],
    });
    let problems = cx
        .problems()
        .map(|(location, problem)| notification(location, problem, &cx.positions));
    Invocation {
        execution_successful: !cx.problems().any(|(_, problem)| problem.kind.is_failure()),
        tool_execution_notifications: problems.chain(dropped).collect(),
    }
}

fn notification(
    location: onequery_core::Location,
    problem: &Problem,
    positions: &Positions<'_>,
) -> Notification {
    let level = match problem.kind {
        kind if kind.is_failure() => "error",
        ProblemKind::Fuel | ProblemKind::TooDeep => "warning",
        _ => "note",
    };
    Notification {
        descriptor: Some(Descriptor {
            id: problem.kind.id(),
        }),
        level,
        message: Message {
            text: truncated(sentence(&problem.message), MAX_MESSAGE),
        },
        locations: vec![place(location, positions)],
    }
}

fn result<'a>(finding: &'a Finding, cx: &Context<'_>, line_hashes: &PerFile<Vec<String>>) -> SarifResult<'a> {
    let positions = &cx.positions;
    let steps = || finding.steps.iter().enumerate().map(|(ix, step)| (ix + 1, step));
    let related = steps().map(|(number, step)| Location {
        id: Some(number),
        ..step_place(step, positions)
    });
    let flow: Vec<_> = steps()
        .map(|(_, step)| ThreadFlowLocation {
            location: step_place(step, positions),
        })
        .take(MAX_FLOW_STEPS)
        .collect();
    let flow = (!flow.is_empty()).then_some(CodeFlow {
        thread_flows: [ThreadFlow { locations: flow }],
    });
    SarifResult {
        rule_id: finding.rule,
        rule_index: cx.outcome.rules.iter().position(|rule| rule.id == finding.rule),
        level: finding.severity.id(),
        message: message(finding),
        locations: [place(finding.primary, positions)],
        related_locations: related.take(MAX_RELATED_LOCATIONS).collect(),
        code_flows: flow.into_iter().collect(),
        fixes: finding
            .fix
            .iter()
            .map(|insertion| fix(finding, insertion, &cx.positions))
            .collect(),
        partial_fingerprints: PartialFingerprints {
            primary_location_line_hash: line_hash(finding.primary, cx, line_hashes),
            onequery: finding.fingerprint.to_string(),
        },
        properties: ResultProperties {
            confidence: finding.confidence.id(),
            owners: finding.owners.as_ref().map(|owners| owners.asked.as_slice()),
            involved_owners: finding.owners.as_ref().map(|owners| owners.involved.as_slice()),
        },
    }
}

/// The headline, which is all that lists of alerts show, then the remedy, and why it is shown if it is known.
fn message(finding: &Finding) -> Message {
    let mut text = sentence(&finding.message);
    if let Some(help) = &finding.help {
        text.push(' ');
        text.push_str(&sentence(help));
    }
    if let Some(told) = story::reinstated(finding) {
        text.push(' ');
        text.push_str(&sentence(&told));
    }
    Message {
        text: truncated(text, MAX_MESSAGE),
    }
}

fn fix(finding: &Finding, insertion: &Insertion, positions: &Positions<'_>) -> Fix {
    let PhysicalLocation {
        artifact_location,
        region,
    } = place(insertion.at, positions).physical_location;
    Fix {
        description: Message {
            text: sentence(finding.help.as_deref().unwrap_or(&insertion.text)),
        },
        artifact_changes: [ArtifactChange {
            artifact_location,
            replacements: [Replacement {
                deleted_region: region,
                inserted_content: Message {
                    text: insertion.text.clone(),
                },
            }],
        }],
    }
}

fn step_place(step: &Step, positions: &Positions<'_>) -> Location {
    let message = Message {
        text: truncated(sentence(&step.message), MAX_MESSAGE),
    };
    Location {
        message: Some(message),
        ..place(step.location, positions)
    }
}

fn place(location: onequery_core::Location, positions: &Positions<'_>) -> Location {
    let location = positions.first_line(location);
    let Place {
        path,
        line,
        column,
        end_line,
        end_column,
    } = positions.place_in(Units::Utf16, location);
    Location {
        id: None,
        physical_location: PhysicalLocation {
            artifact_location: ArtifactLocation { uri: uri(path) },
            region: Region {
                start_line: line,
                start_column: column,
                end_line,
                end_column,
            },
        },
        message: None,
    }
}

/// The line hash of a location, from the hashes of its file.
fn line_hash(location: onequery_core::Location, cx: &Context<'_>, hashes: &PerFile<Vec<String>>) -> String {
    let line = cx.positions.place(location).line as usize;
    let hashes = hashes.get(location.file, || {
        line_hash::line_hashes(cx.positions.text(location.file))
    });
    hashes[line - 1].clone()
}
