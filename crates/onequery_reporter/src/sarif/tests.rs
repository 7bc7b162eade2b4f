//! SARIF by meaning, and by two validators where they are installed.

use onequery_core::{Confidence, FileId, Finding, Outcome, Problem, ProblemKind, Severity, Span};
use serde_json::{Value, json};

use crate::testing::{Project, bytes};
use crate::{Format, Options};

fn run(outcome: &Outcome<'_>) -> Value {
    let log: Value = serde_json::from_str(&bytes(Format::Sarif, outcome, Options::default())).unwrap();
    log["runs"][0].clone()
}

fn check_result(project: &Project, finding: Finding, pointer: &str, expected: &Value) {
    let run = run(&project.outcome(vec![finding]));
    assert_eq!(
        run.pointer(&format!("/results/0{pointer}")),
        Some(expected),
        "{pointer} of {run:#}"
    );
}

#[test]
fn a_result_says_what_where_and_why() {
    let project = Project::shop();
    let check =
        |pointer, expected: Value| check_result(&project, project.lazy_relation(), pointer, &expected);
    check("/ruleId", json!("lazy-relation-in-loop"));
    check("/ruleIndex", json!(0));
    check("/level", json!("warning"));
    check("/properties/confidence", json!("proven"));
    check(
        "/message/text",
        json!(
            "`book.author` runs one query per element of `books`. \
             Add `.select_related(\"author\")` to the query at shop/views.py:2."
        ),
    );
    check(
        "/locations",
        json!([{"physicalLocation": {
            "artifactLocation": {"uri": "shop/views.py"},
            "region": {"startLine": 5, "startColumn": 9, "endLine": 5, "endColumn": 20},
        }}]),
    );
    check("/partialFingerprints/onequery~1v1", json!("00000000000000ab"));
}

#[test]
fn what_the_remedy_inserts_is_a_fix() {
    let project = Project::shop();
    let end = json!({"startLine": 2, "startColumn": 43, "endLine": 2, "endColumn": 43});
    check_result(
        &project,
        project.lazy_relation_with_fix(),
        "/fixes",
        &json!([{
            "description": {"text": "Add `.select_related(\"author\")` to the query at shop/views.py:2."},
            "artifactChanges": [{
                "artifactLocation": {"uri": "shop/views.py"},
                "replacements": [{
                    "deletedRegion": end,
                    "insertedContent": {"text": ".select_related(\"author\")"},
                }],
            }],
        }]),
    );
    let run = run(&project.outcome(vec![project.lazy_relation()]));
    assert_eq!(run.pointer("/results/0/fixes"), None);
}

#[test]
fn steps_are_related_locations_and_a_flow() {
    let project = Project::shop();
    let run = run(&project.outcome(vec![project.lazy_relation()]));
    let result = &run["results"][0];
    let related = result["relatedLocations"].as_array().unwrap();
    assert_eq!(
        related.iter().map(|it| it["id"].clone()).collect::<Vec<_>>(),
        [1, 2, 3, 4]
    );
    let flow = result["codeFlows"][0]["threadFlows"][0]["locations"]
        .as_array()
        .unwrap();
    let said: Vec<_> = flow
        .iter()
        .map(|step| &step["location"]["message"]["text"])
        .collect();
    assert_eq!(
        said,
        [
            "Rows come from here.",
            "Repeats per row.",
            "Calls `label`.",
            "Loads relation `author`."
        ]
    );
    for (related, step) in related.iter().zip(flow) {
        assert_eq!(related["physicalLocation"], step["location"]["physicalLocation"]);
    }
}

#[test]
fn columns_count_utf16_units_and_stay_on_one_line() {
    let project = Project::new(&[("a.py", "'\u{1F600}é'; save(\r\n    b)\r\n")]);
    let mut finding = project.finding_at(0, 0);
    finding.primary = project.at("a.py", "save(\r\n    b)");
    let region = json!({"startLine": 1, "startColumn": 8, "endLine": 1, "endColumn": 13});
    check_result(&project, finding, "/locations/0/physicalLocation/region", &region);
    assert_eq!(run(&project.outcome(vec![]))["columnKind"], "utf16CodeUnits");
}

#[test]
fn owners_are_properties() {
    let project = Project::shop();
    let [crossing, _, unowned] = project.owned().try_into().expect("there are three");
    let owners = json!({"confidence": "proven", "owners": ["@org/shop"], "involvedOwners": ["@text", "é@example.org"]});
    check_result(&project, crossing, "/properties", &owners);
    let nobody = json!({"confidence": "proven", "owners": [], "involvedOwners": []});
    check_result(&project, unowned, "/properties", &nobody);
}

#[test]
fn paths_are_percent_encoded() {
    let project = Project::new(&[("my shop/é#1?50%.py", "x\n")]);
    let uri = json!("my%20shop/%C3%A9%231%3F50%25.py");
    check_result(
        &project,
        project.finding_at(0, 1),
        "/locations/0/physicalLocation/artifactLocation/uri",
        &uri,
    );
}

#[test]
fn the_worst_come_first() {
    let project = Project::new(&[("a.py", "x\n")]);
    let finding = |severity, confidence| Finding {
        severity,
        confidence,
        ..project.finding_at(0, 1)
    };
    let findings = vec![
        finding(Severity::Note, Confidence::Proven),
        finding(Severity::Warning, Confidence::Likely),
        finding(Severity::Error, Confidence::Possible),
        finding(Severity::Warning, Confidence::Proven),
    ];
    let run = run(&project.outcome(findings));
    let order: Vec<_> = run["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|result| {
            (
                result["level"].as_str().unwrap(),
                result["properties"]["confidence"].as_str().unwrap(),
            )
        })
        .collect();
    let expected = [
        ("error", "possible"),
        ("warning", "proven"),
        ("warning", "likely"),
        ("note", "proven"),
    ];
    assert_eq!(order, expected);
}

#[test]
fn limits_of_the_consumers_are_kept() {
    let project = Project::new(&[("a.py", "x\n")]);
    let mut finding = project.finding_at(0, 1);
    finding.message = "é".repeat(3_000);
    finding.steps = vec![finding.steps[0].clone(); 1_500];
    let run = run(&project.outcome(vec![finding]));
    let result = &run["results"][0];
    let message = result["message"]["text"].as_str().unwrap();
    assert!(message.chars().count() < 2_048 && message.ends_with('.'));
    assert_eq!(result["relatedLocations"].as_array().unwrap().len(), 100);
    assert_eq!(
        result["codeFlows"][0]["threadFlows"][0]["locations"]
            .as_array()
            .unwrap()
            .len(),
        1_000
    );
}

#[test]
fn too_many_results_are_cut_and_the_rest_is_counted() {
    let project = Project::new(&[("a.py", "x\n")]);
    let mut finding = project.finding_at(0, 1);
    finding.steps.clear();
    let run = run(&project.outcome(vec![finding; 25_003]));
    assert_eq!(run["results"].as_array().unwrap().len(), 25_000);
    let said = &run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"];
    assert_eq!(said, "3 further findings are left out of this file.");
}

#[test]
fn rules_are_described_by_their_documentation() {
    let project = Project::shop();
    let run = run(&project.outcome(vec![]));
    let driver = &run["tool"]["driver"];
    assert_eq!(driver["semanticVersion"], "0.1.0");
    let rule = &driver["rules"][0];
    assert_eq!(rule["id"], "lazy-relation-in-loop");
    assert_eq!(rule["name"], "LazyRelationInLoop");
    assert_eq!(
        rule["shortDescription"]["text"],
        "A relation is loaded once per element."
    );
    let full = "Finds relations that are read one row at a time, also in helpers.";
    assert_eq!(rule["fullDescription"]["text"], full);
    assert!(
        rule["help"]["markdown"]
            .as_str()
            .unwrap()
            .starts_with("## What it does")
    );
    assert!(rule["help"]["text"].as_str().unwrap().starts_with("What it does"));
    // A rule without documentation still has all texts that GitHub requires.
    assert_eq!(driver["rules"][1]["help"]["text"], "Rows are written one by one.");
}

#[test]
fn failures_make_the_run_unsuccessful() {
    let project = Project::shop();
    let mut outcome = project.outcome(vec![]);
    let problem = |kind| Problem {
        kind,
        span: Span::new(0, 0),
        message: "went wrong".into(),
    };
    outcome.problems = vec![(FileId(0), problem(ProblemKind::Syntax))];
    let invocation = run(&outcome)["invocations"][0].clone();
    assert_eq!(invocation["executionSuccessful"], true);
    assert_eq!(
        invocation["toolExecutionNotifications"][0]["message"]["text"],
        "Went wrong."
    );
    outcome.problems.push((FileId(1), problem(ProblemKind::Internal)));
    assert_eq!(run(&outcome)["invocations"][0]["executionSuccessful"], false);
}

/// Set `ONEQUERY_SARIF_VALIDATOR` to a program that takes a file and exits with 0 when it is valid.
#[test]
fn validators_have_nothing_to_say() {
    let Some(validator) = std::env::var_os("ONEQUERY_SARIF_VALIDATOR") else {
        return;
    };
    let shop = Project::shop();
    let mut full = shop.outcome(vec![shop.lazy_relation(), shop.write_in_loop()]);
    let problem = |kind| Problem {
        kind,
        span: Span::new(3, 4),
        message: "went wrong".into(),
    };
    full.problems = vec![
        (FileId(0), problem(ProblemKind::Syntax)),
        (FileId(1), problem(ProblemKind::Internal)),
    ];
    let odd = Project::new(&[("my shop/é#1?50%.py", "")]);
    let dir = std::env::temp_dir();
    for (name, outcome) in [
        ("full", full),
        ("clean", shop.outcome(vec![])),
        ("odd", odd.outcome(vec![odd.finding_at(5, 9)])),
    ] {
        let file = dir.join(format!("onequery-{}-{name}.sarif", std::process::id()));
        std::fs::write(&file, bytes(Format::Sarif, &outcome, Options::default())).unwrap();
        let status = std::process::Command::new(&validator)
            .arg(&file)
            .status()
            .unwrap();
        assert!(status.success(), "{}", file.display());
        std::fs::remove_file(file).unwrap();
    }
}
