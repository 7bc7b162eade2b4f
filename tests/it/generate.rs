//! `onequery completions` and `onequery man`: scripts that shells accept, and a page for every command.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::support::{names, onequery};

fn printed(folder: &Path, args: &[&str]) -> String {
    let output = onequery(folder, args);
    assert!(
        output.status.success() && output.stderr.is_empty(),
        "{args:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("it is text")
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder can be made")
}

#[test]
fn every_shell_has_completions() {
    let folder = folder();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = printed(folder.path(), &["completions", shell]);
        for word in ["onequery", "baseline", "min-confidence", "staged"] {
            assert!(script.contains(word), "{shell} does not complete `{word}`");
        }
    }
}

/// A shell that is not there says nothing about its script.
fn accepts(shell: &str, script: &Path) -> Option<bool> {
    let mut command = Command::new(shell);
    command
        .arg("-n")
        .arg(script)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().ok().map(|status| status.success())
}

#[test]
fn shells_can_read_their_completions() {
    let folder = folder();
    for shell in ["bash", "fish", "zsh"] {
        let script = folder.path().join(shell);
        fs::write(&script, printed(folder.path(), &["completions", shell])).expect("it can be written");
        assert_ne!(
            accepts(shell, &script),
            Some(false),
            "{shell} cannot read its completions"
        );
        fs::write(&script, "if (\n").expect("it can be written");
        assert_ne!(accepts(shell, &script), Some(true), "{shell} reads everything");
    }
}

#[test]
fn an_unknown_shell_is_explained() {
    let output = onequery(folder().path(), &["completions", "tcsh"]);
    assert_eq!(output.status.code(), Some(2));
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(
        message.contains("tcsh") && message.contains("bash, elvish, fish, powershell, zsh"),
        "{message}"
    );
}

#[test]
fn the_main_page_names_the_commands() {
    let page = printed(folder().path(), &["man"]);
    assert!(page.contains(".TH onequery 1"), "{page}");
    for command in [
        "check", "baseline", "budget", "fix", "suppress", "explain", "rules", "man",
    ] {
        assert!(
            page.contains(&format!("onequery\\-{command}(1)")),
            "no `{command}` in\n{page}"
        );
    }
}

#[test]
fn every_command_has_a_page() {
    let folder = folder();
    let out = folder.path().join("share/man/man1");
    let printed = printed(folder.path(), &["man", "--out", "share/man/man1"]);
    assert_eq!(printed, "");
    let pages = names(&out);
    assert_eq!(
        pages,
        [
            "onequery-backlog.1",
            "onequery-baseline-create.1",
            "onequery-baseline-prune.1",
            "onequery-baseline-show.1",
            "onequery-baseline-update.1",
            "onequery-baseline.1",
            "onequery-budget-tighten.1",
            "onequery-budget.1",
            "onequery-cache.1",
            "onequery-check.1",
            "onequery-completions.1",
            "onequery-debug.1",
            "onequery-explain.1",
            "onequery-facts.1",
            "onequery-fix.1",
            "onequery-man.1",
            "onequery-rules.1",
            "onequery-server.1",
            "onequery-suppress.1",
            "onequery-watch.1",
            "onequery-why.1",
            "onequery.1",
        ]
    );
    let check = fs::read_to_string(out.join("onequery-check.1")).expect("it can be read");
    for option in ["\\-\\-min\\-confidence", "\\-\\-staged", "ONEQUERY_FORMAT"] {
        assert!(check.contains(option), "no {option} in\n{check}");
    }
}

#[test]
fn a_page_that_cannot_be_written_is_told() {
    let folder = folder();
    fs::write(folder.path().join("file"), "").expect("it can be written");
    let output = onequery(folder.path(), &["man", "--out", "file/man"]);
    assert_eq!(output.status.code(), Some(2));
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(message.contains("cannot write the pages to"), "{message}");
}
