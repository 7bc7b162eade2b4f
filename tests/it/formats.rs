//! What a user of the command line relies on: formats by their meaning, options, exit codes, messages.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{command, fixtures, list, number, onequery, project, report, text, write};

const MODELS: &str = "\
from django.db import models


class Ledger(models.Model):
    total = models.IntegerField()
";

/// Its finding on line 7 needs the model: `save` alone says nothing.
const VIEWS: &str = "\
from shop.models import Ledger


def book(totals):
    for total in totals:
        entry = Ledger(total=total)
        entry.save()
";

const TASKS: &str = "\
from shop.models import Ledger


def totals(keys):
    return [Ledger.objects.get(pk=key).total for key in keys]
";

/// A project with a finding in `shop/views.py` and one in `shop/tasks.py`.
fn shop() -> TempDir {
    let files = [
        ("pyproject.toml", ""),
        ("shop/__init__.py", ""),
        ("shop/models.py", MODELS),
    ];
    project(&[&files[..], &[("shop/views.py", VIEWS), ("shop/tasks.py", TASKS)]].concat())
}

/// A project without findings.
fn clean() -> TempDir {
    project(&[("pyproject.toml", ""), ("shop/models.py", MODELS)])
}

/// Exit code, standard output, standard error.
fn run(folder: &Path, args: &[&str]) -> (i32, String, String) {
    let output = onequery(folder, args);
    let utf_8 = |bytes| String::from_utf8(bytes).expect("what is printed is UTF-8");
    (
        output.status.code().expect("no signal ends it"),
        utf_8(output.stdout),
        utf_8(output.stderr),
    )
}

/// The SARIF log of a folder.
fn sarif(folder: &Path) -> Value {
    let (_, stdout, stderr) = run(folder, &["check", "--format", "sarif"]);
    serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("not JSON ({error}): {stderr}"))
}

/// The paths of the findings in a report.
fn paths(report: &Value) -> Vec<&str> {
    list(report, "/findings")
        .iter()
        .map(|finding| text(finding, "/path"))
        .collect()
}

// ---- reports

#[test]
fn several_reports_are_written_at_once() {
    let shop = shop();
    let out = tempfile::tempdir().expect("a temporary folder can be made");
    let formats = [
        "text", "concise", "json", "sarif", "github", "gitlab", "rdjson", "junit", "sonar", "markdown",
        "html",
    ];
    let path = |format: &str| out.path().join(format!("new/folder/report.{format}"));
    let outputs = formats.map(|format| format!("--output={format}={}", path(format).display()));
    let outputs: Vec<&str> = outputs.iter().map(String::as_str).collect();
    let (code, stdout, stderr) = run(
        shop.path(),
        &[&["check", "--color", "always"], &outputs[..]].concat(),
    );
    assert_eq!((code, stderr.as_str()), (1, ""));
    assert!(
        stdout.contains('\u{1b}'),
        "standard output is still coloured text"
    );
    for format in formats {
        let written = std::fs::read_to_string(path(format)).expect("the report was written");
        let (_, printed, _) = run(shop.path(), &["check", "--format", format]);
        // The formats for people end in a line with the time.
        let without_time = |text: &str| match format {
            "text" | "concise" => text
                .trim_end()
                .rsplit_once(". ")
                .expect("there is a time")
                .0
                .to_owned(),
            _ => text.to_owned(),
        };
        assert_eq!(without_time(&written), without_time(&printed), "{format}");
        assert!(!written.contains('\u{1b}'), "{format}: a file is not a terminal");
        assert!(
            written.contains("write-in-loop") && written.ends_with('\n'),
            "{format}: {written}"
        );
    }
}

#[test]
fn a_report_that_cannot_be_written_is_told() {
    let shop = shop();
    write(shop.path(), "taken/inner", "");
    let (code, _, stderr) = run(shop.path(), &["check", "--output", "json=taken"]);
    assert_eq!(code, 2);
    assert!(stderr.contains("taken"), "{stderr}");
}

/// The text that a region of one line covers, by UTF-16 columns.
fn covered(line: &str, region: &Value) -> String {
    let units: Vec<u16> = line.encode_utf16().collect();
    let column = |key| usize::try_from(number(region, key)).expect("columns are small") - 1;
    String::from_utf16(&units[column("/startColumn")..column("/endColumn")])
        .expect("columns are between characters")
}

#[test]
fn sarif_of_the_demo_tells_what_json_tells() {
    let demo = fixtures().join("demo");
    let (log, report) = (sarif(&demo), report(&demo, &[]));
    assert_eq!(text(&log, "/version"), "2.1.0");
    assert_eq!(list(&log, "/runs").len(), 1);
    assert_eq!(text(&log, "/runs/0/columnKind"), "utf16CodeUnits");
    assert_eq!(
        log.pointer("/runs/0/invocations/0/executionSuccessful"),
        Some(&Value::Bool(true))
    );
    let rules = list(&log, "/runs/0/tool/driver/rules");
    for rule in rules {
        assert!(
            !text(rule, "/help/markdown").is_empty() && !text(rule, "/help/text").is_empty(),
            "{rule:#}"
        );
    }
    let results = list(&log, "/runs/0/results");
    assert_eq!(results.len(), list(&report, "/findings").len());
    let mut languages = BTreeSet::new();
    for result in results {
        let fingerprint = &result["partialFingerprints"]["onequery/v1"];
        let finding = list(&report, "/findings")
            .iter()
            .find(|finding| finding["fingerprint"] == *fingerprint);
        let finding = finding.unwrap_or_else(|| panic!("JSON lacks {fingerprint}"));
        assert_eq!(result["ruleId"], finding["rule"]);
        let rule = usize::try_from(number(result, "/ruleIndex")).expect("there are few rules");
        assert_eq!(rules[rule]["id"], result["ruleId"]);
        assert!(result.get("suppressions").is_none(), "{result:#}");
        assert!(text(result, "/partialFingerprints/primaryLocationLineHash").contains(':'));

        assert_eq!(list(result, "/locations").len(), 1);
        let place = &result["locations"][0]["physicalLocation"];
        let uri = text(place, "/artifactLocation/uri");
        assert!(
            !uri.starts_with('/') && !uri.contains(':') && !uri.contains('\\'),
            "not relative: {uri}"
        );
        assert_eq!(uri, text(finding, "/path"));
        let source = std::fs::read_to_string(demo.join(uri)).expect("the URI leads to a file of the demo");
        languages.insert(uri.rsplit('.').next().unwrap_or_default().to_owned());
        let region = &place["region"];
        let line = number(region, "/startLine");
        assert_eq!(
            line,
            number(region, "/endLine"),
            "one expression on one line: {region}"
        );
        assert_eq!(line, number(finding, "/line"));
        let line = source
            .lines()
            .nth(usize::try_from(line).expect("lines are few") - 1)
            .expect("the line is there");
        let covered = covered(line, region);
        assert!(
            !covered.is_empty() && covered.trim() == covered,
            "{covered:?} of {line:?}"
        );

        // The flow is the story, step by step.
        let flow = list(result, "/codeFlows/0/threadFlows/0/locations");
        let steps = list(finding, "/steps");
        assert_eq!(flow.len(), steps.len(), "{result:#}");
        for (location, step) in flow.iter().zip(steps) {
            let place = &location["location"]["physicalLocation"];
            assert_eq!(text(place, "/artifactLocation/uri"), text(step, "/path"));
            assert_eq!(number(place, "/region/startLine"), number(step, "/line"));
            assert_eq!(number(place, "/region/startColumn"), number(step, "/column"));
        }
        let last = text(steps.last().expect("there are steps"), "/role");
        assert!(matches!(last, "query" | "load"), "{finding:#}");
        assert!(steps.iter().any(|step| step["role"] == "loop"), "{finding:#}");
    }
    assert_eq!(
        languages.into_iter().collect::<Vec<_>>(),
        ["py", "rs"],
        "the demo has both languages"
    );
}

#[test]
fn uris_are_percent_encoded() {
    let shop = shop();
    write(shop.path(), "shop/süß 100%#?.py", TASKS);
    let log = sarif(shop.path());
    let uris = list(&log, "/runs/0/results")
        .iter()
        .map(|it| text(it, "/locations/0/physicalLocation/artifactLocation/uri"));
    let uris: BTreeSet<&str> = uris.collect();
    assert!(uris.contains("shop/s%C3%BC%C3%9F%20100%25%23%3F.py"), "{uris:?}");
}

#[test]
fn sarif_counts_utf_16_and_json_counts_characters() {
    let shop = shop();
    write(
        shop.path(),
        "shop/tasks.py",
        TASKS.replace("[Ledger", "'\u{1F600}é' and [Ledger"),
    );
    let report = report(shop.path(), &["shop/tasks.py"]);
    let finding = list(&report, "/findings")
        .iter()
        .find(|finding| finding["path"] == "shop/tasks.py")
        .expect("it is found");
    let log = sarif(shop.path());
    let result = list(&log, "/runs/0/results")
        .iter()
        .find(|result| result["ruleId"] == finding["rule"])
        .expect("it is found");
    let region = &result["locations"][0]["physicalLocation"]["region"];
    assert_eq!(number(finding, "/column"), 22);
    assert_eq!(number(region, "/startColumn"), 23);
    let line = "    return '\u{1F600}é' and [Ledger.objects.get(pk=key).total for key in keys]";
    assert_eq!(covered(line, region), "Ledger.objects.get(pk=key)");
}

/// Rule and fingerprint of each result, in order.
fn fingerprints(folder: &Path) -> BTreeSet<(String, String)> {
    let log = sarif(folder);
    let pair = |result: &Value| {
        let fingerprint = result["partialFingerprints"]["onequery/v1"]
            .as_str()
            .expect("there is a fingerprint");
        (text(result, "/ruleId").to_owned(), fingerprint.to_owned())
    };
    list(&log, "/runs/0/results").iter().map(pair).collect()
}

#[test]
fn fingerprints_survive_edits_elsewhere() {
    let shop = shop();
    // Two equal queries in one function are two findings.
    let twice = format!(
        "{VIEWS}    for total in totals:\n        entry = Ledger(total=total)\n        entry.save()\n"
    );
    write(shop.path(), "shop/views.py", &twice);
    let before = fingerprints(shop.path());
    assert_eq!(before.len(), 3, "{before:?}");
    let edits: [(&str, String); 5] = [
        ("blank lines above", format!("\n\n\n{twice}")),
        (
            "a comment in the loop",
            twice.replace("        entry.save()", "\n        # why\n\n        entry.save()"),
        ),
        (
            "another function above",
            twice.replace("def book", "def other():\n    return 1\n\n\ndef book"),
        ),
        ("deeper indentation", twice.replace("    ", "        ")),
        ("CRLF", twice.replace('\n', "\r\n")),
    ];
    for (edit, text) in edits {
        write(shop.path(), "shop/views.py", text);
        assert_eq!(fingerprints(shop.path()), before, "{edit}");
    }
    write(
        shop.path(),
        "shop/views.py",
        twice.replace("def book", "def enter"),
    );
    assert_ne!(
        fingerprints(shop.path()),
        before,
        "another function has other findings"
    );
}

// ---- options

#[test]
fn colour_is_asked_for_or_not() {
    let shop = shop();
    let colored = |args: &[&str], vars: &[(&str, &str)]| {
        let mut command = command(shop.path(), &[&["check"], args].concat());
        command.env_remove("NO_COLOR").envs(vars.iter().copied());
        command
            .output()
            .expect("the binary of this package can be run")
            .stdout
            .contains(&0x1b)
    };
    let (no, force) = (("NO_COLOR", "1"), ("FORCE_COLOR", "1"));
    assert!(!colored(&[], &[]), "a pipe is no terminal");
    assert!(colored(&[], &[force]));
    assert!(!colored(&[], &[no]));
    assert!(!colored(&[], &[no, force]), "who wants no colour is heard first");
    assert!(
        colored(&[], &[("NO_COLOR", ""), force]),
        "an empty variable says nothing"
    );
    assert!(
        !colored(&[], &[("FORCE_COLOR", "")]),
        "an empty variable says nothing"
    );
    assert!(
        colored(&["--color", "always"], &[no]),
        "an option beats the environment"
    );
    assert!(
        !colored(&["--color", "never"], &[force]),
        "an option beats the environment"
    );
    for format in [
        "concise", "json", "sarif", "github", "gitlab", "rdjson", "junit", "sonar", "markdown", "html",
    ] {
        assert!(
            !colored(&["--color", "always", "--format", format], &[force]),
            "{format} is for programs"
        );
    }
}

#[test]
fn the_environment_may_choose_the_format() {
    let shop = shop();
    let stdout = |args: &[&str]| {
        command(shop.path(), args)
            .env("ONEQUERY_FORMAT", "json")
            .output()
            .expect("it runs")
            .stdout
    };
    assert!(serde_json::from_slice::<Value>(&stdout(&["check"])).is_ok());
    assert!(serde_json::from_slice::<Value>(&stdout(&["check", "--format", "concise"])).is_err());
}

#[test]
fn the_last_line_counts_and_can_be_left_out() {
    let shop = shop();
    let (_, loud, _) = run(shop.path(), &["check", "--format", "concise"]);
    let last = loud.lines().last().unwrap_or_default();
    assert!(
        last.starts_with("2 findings in 4 files (query-in-loop 1, write-in-loop 1). "),
        "{last}"
    );
    let (code, quiet, _) = run(shop.path(), &["check", "--format", "concise", "--quiet"]);
    assert_eq!(code, 1);
    assert_eq!(loud.strip_suffix(&format!("{last}\n")), Some(quiet.as_str()));
    let (code, nothing, _) = run(clean().path(), &["check", "-q"]);
    assert_eq!((code, nothing.as_str()), (0, ""));
    let (code, _, stderr) = run(shop.path(), &["check", "--quiet", "--verbose"]);
    assert_eq!(code, 2);
    assert!(stderr.contains("--verbose"), "{stderr}");
}

#[test]
fn verbose_lists_what_is_counted_otherwise() {
    let shop = shop();
    write(shop.path(), "shop/broken.py", "x = 1\ndef (:\n");
    let (code, plain, _) = run(shop.path(), &["check", "--format", "concise"]);
    assert_eq!(code, 1, "odd code is no failure");
    assert!(
        plain.contains("1 problem (syntax-error 1)") && !plain.contains("broken.py"),
        "{plain}"
    );
    let (_, verbose, _) = run(shop.path(), &["check", "--format", "concise", "--verbose"]);
    assert!(verbose.contains("\nshop/broken.py:2:"), "{verbose}");
}

#[test]
fn statistics_are_a_table_by_rule() {
    let shop = shop();
    write(shop.path(), "shop/more.py", TASKS);
    let (_, stdout, _) = run(shop.path(), &["check", "--format", "concise", "--statistics"]);
    let rows: Vec<_> = stdout
        .lines()
        .rev()
        .skip(1)
        .take(2)
        .map(|row| row.split_whitespace().take(2).collect::<Vec<_>>())
        .collect();
    assert_eq!(rows, [["1", "write-in-loop"], ["2", "query-in-loop"]], "{stdout}");
}

#[test]
fn exit_codes() {
    let (shop, clean) = (shop(), clean());
    let code = |folder: &TempDir, args: &[&str]| run(folder.path(), args).0;
    assert_eq!(code(&clean, &["check"]), 0);
    assert_eq!(code(&shop, &["check"]), 1);
    assert_eq!(code(&shop, &["check", "--exit-zero"]), 0);
    assert_eq!(
        code(&shop, &["check", "--min-confidence", "proven", "shop/models.py"]),
        0
    );
    assert_eq!(code(&clean, &["check", ".", "gone.py"]), 2);
    assert_eq!(
        code(&shop, &["check", ".", "gone.py"]),
        2,
        "a failure weighs more than findings"
    );
    assert_eq!(
        code(&shop, &["check", ".", "gone.py", "--exit-zero"]),
        2,
        "only findings are forgiven"
    );
    assert_eq!(code(&clean, &["rules"]), 0);
    assert_eq!(code(&clean, &["--version"]), 0);
    assert_eq!(code(&clean, &["check", "--help"]), 0);
    assert_eq!(code(&clean, &[]), 2, "nothing was asked for");
}

#[test]
fn wrong_usage_is_explained() {
    let shop = shop();
    for (args, help) in [
        (&["check", "--no-such-option"][..], "--no-such-option"),
        (
            &["check", "--format", "xml"],
            "text, concise, json, sarif, github, gitlab, rdjson, junit, sonar, markdown, html",
        ),
        (
            &["check", "--output", "xml=a"],
            "text, concise, json, sarif, github, gitlab, rdjson, junit, sonar, markdown, html",
        ),
        (&["check", "--output", "sarif"], "FORMAT=FILE"),
        (&["check", "--output", "sarif="], "empty"),
        (&["check", "--min-confidence", "sure"], "possible, likely, proven"),
        (
            &["check", "--include", "everything"],
            "tests, migrations, seeds, examples, scripts",
        ),
        (&["check", "--color", "sometimes"], "auto, always, never"),
        (&["check", "--threads", "many"], "--threads"),
        (&["chekc"], "check"),
    ] {
        let (code, stdout, stderr) = run(shop.path(), args);
        assert_eq!((code, stdout.as_str()), (2, ""), "{args:?}");
        assert!(
            stderr.contains(help),
            "{args:?} does not mention {help}: {stderr}"
        );
    }
}

// ---- paths

#[test]
fn paths_filter_what_is_reported_and_not_what_is_read() {
    let shop = shop();
    let only = |folder: &Path, path: &str| {
        let (code, stdout, stderr) = run(folder, &["check", path, "--format", "json"]);
        assert_eq!((code, stderr.as_str()), (1, ""), "{path}");
        serde_json::from_str::<Value>(&stdout).expect("it is JSON")
    };
    let inner = shop.path().join("shop");
    for (folder, path) in [
        (shop.path(), "shop/views.py"),
        (inner.as_path(), "views.py"),
        (inner.as_path(), "./../shop/views.py"),
    ] {
        let report = only(folder, path);
        assert_eq!(paths(&report), ["shop/views.py"], "{path}");
        assert_eq!(number(&report, "/summary/files"), 1);
        assert_eq!(number(&report, "/summary/files_indexed_only"), 3);
        // What is not shown is counted.
        let hidden: u64 = report["summary"]["hidden"]
            .as_object()
            .expect("an object")
            .values()
            .filter_map(Value::as_u64)
            .sum();
        assert_eq!(hidden, 1, "{:#}", report["summary"]);
    }
    assert_eq!(
        paths(&only(shop.path(), "shop")),
        ["shop/tasks.py", "shop/views.py"]
    );
    assert_eq!(paths(&only(&inner, ".")), ["shop/tasks.py", "shop/views.py"]);
    let absolute = inner.join("tasks.py");
    assert_eq!(
        paths(&only(shop.path(), &absolute.display().to_string())),
        ["shop/tasks.py"]
    );

    // Without the models there is nothing to be known.
    std::fs::remove_file(inner.join("models.py")).expect("it was just written");
    let report = report(shop.path(), &[]);
    assert!(!paths(&report).contains(&"shop/views.py"), "{report:#}");
}
