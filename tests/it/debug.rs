//! `onequery debug`: what a user is shown of the phases.

use std::process::Output;

use serde_json::Value;

use crate::support::{onequery, project, refuses, succeeds, text};

#[test]
fn coverage_counts_what_is_known() {
    let folder = project(&[
        (
            "models.py",
            "from django.db import models\n\n\nclass Author(models.Model):\n    name = models.TextField()\n\n\n\
             class Book(models.Model):\n    author = models.ForeignKey(Author, on_delete=models.CASCADE)\n    \
             shop = models.ForeignKey(\"elsewhere.Shop\", on_delete=models.CASCADE)\n",
        ),
        (
            "views.py",
            "from models import Book\n\n\ndef label(book):\n    return book.title.strip()\n\n\n\
             def labels():\n    return [label(book) for book in Book.objects.all()]\n",
        ),
    ]);
    let output = onequery(folder.path(), &["debug", "coverage", "."]);
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).expect("it is text");
    let number = |line: &str| -> usize {
        let line = text
            .lines()
            .find(|found| found.trim_start().starts_with(line))
            .unwrap_or_else(|| panic!("no line `{line}` in\n{text}"));
        let digits = line.split_whitespace().find_map(|word| word.parse().ok());
        digits.unwrap_or_else(|| panic!("no number in `{line}`"))
    };
    let parts = [
        "of the project",
        "in a catalogue",
        "of plain values",
        "of other libraries",
        "of unknown type",
    ];
    assert_eq!(
        number("calls"),
        parts.into_iter().map(number).sum::<usize>(),
        "{text}"
    );
    assert_eq!(number("of the project"), 1, "{text}");
    assert_eq!(
        (number("relations"), number("to a known model")),
        (3, 2),
        "{text}"
    );
    assert_eq!((number("queries"), number("of a known model")), (1, 1), "{text}");
    assert!(text.contains(".strip"), "{text}");
}

#[test]
fn timings_name_the_phases_and_leave_the_report_alone() {
    let project = project(&[("shop.py", "import sqlite3\n")]);
    let plain = onequery(project.path(), &["check", "--format", "json"]);
    let timed = onequery(project.path(), &["check", "--format", "json", "--timings"]);
    assert_eq!(timed.status.code(), plain.status.code());
    let findings = |output: &Output| -> Value {
        let report: Value = serde_json::from_slice(&output.stdout).expect("the report is JSON");
        report["findings"].clone()
    };
    assert_eq!(findings(&timed), findings(&plain));
    let table = String::from_utf8_lossy(&timed.stderr).into_owned();
    let names: Vec<&str> = table.lines().map(|line| line[..20].trim_end()).collect();
    for phase in ["discover", "lower", "link", "evaluate", "loop sites", "render"] {
        assert_eq!(
            names.iter().filter(|name| **name == phase).count(),
            1,
            "{phase} in\n{table}"
        );
    }
    assert_eq!(names.last(), Some(&"whole run"));
}

#[test]
fn a_trace_tells_when_each_file_was_lowered() {
    let project = project(&[("shop.py", "import sqlite3\n"), ("stock.py", "")]);
    succeeds(project.path(), &["check", "--trace", "trace.json"]);
    let trace = std::fs::read_to_string(project.path().join("trace.json")).expect("the trace is there");
    let events: Vec<Value> = serde_json::from_str(&trace).expect("the trace is a list of events");
    let mut lowered: Vec<&str> = events
        .iter()
        .filter(|event| event["name"] == "lower file" && event["ph"] == "B")
        .map(|event| text(event, "/args/path"))
        .collect();
    lowered.sort_unstable();
    assert_eq!(lowered, ["\"shop.py\"", "\"stock.py\""]);
    refuses(
        project.path(),
        &["check", "--trace", "no/such/trace.json"],
        "trace.json",
    );
}
