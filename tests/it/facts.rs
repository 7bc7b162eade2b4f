//! Files that are lowered apart and analysed together give what a run over all of them gives.

use std::path::Path;

use serde_json::Value;

use crate::support::{EVERYTHING, fixture_files, onequery, project, refuses, succeeds, write};

/// The JSON report of some files of facts, or of a folder when there are none.
fn report(folder: &Path, facts: &[&str], args: &[&str]) -> Value {
    let from: &[&str] = if facts.is_empty() { &["."] } else { &["--facts"] };
    let args = [&["check", "--format", "json", "--exit-zero"], args, from, facts].concat();
    serde_json::from_str(&succeeds(folder, &args)).expect("the report is JSON")
}

#[test]
fn parts_give_what_the_whole_gives() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let folder = folder.path();
    let mut parts: Vec<String> = Vec::new();
    for extension in ["py", "rs", "html", "toml"] {
        let files = fixture_files(extension);
        let step = (files.len() / 150).max(1);
        for (path, bytes) in files.into_iter().step_by(step) {
            write(folder, &path, bytes);
            let part = path.split('/').take(2).collect::<Vec<_>>().join("/");
            if !parts.contains(&part) {
                parts.push(part);
            }
        }
    }
    let elsewhere = tempfile::tempdir().expect("a temporary folder can be made");
    let mut facts = Vec::new();
    for (ix, part) in parts.iter().enumerate() {
        let file = elsewhere.path().join(format!("{ix}.facts"));
        let file = file.to_str().expect("it is text").to_owned();
        succeeds(folder, &["facts", part, "--root", ".", "--output", &file]);
        facts.push(file);
    }
    assert!(facts.len() > 5, "{parts:?}");
    let facts: Vec<&str> = facts.iter().map(String::as_str).collect();
    for args in [&[][..], EVERYTHING] {
        let whole = report(folder, &[], args);
        assert!(whole["findings"].as_array().is_some_and(|found| found.len() > 50));
        // They carry all that is needed: the files are elsewhere.
        let together = report(elsewhere.path(), &facts, &[args, &["--isolated"]].concat());
        assert_eq!(whole, together);
    }
}

#[test]
fn what_cannot_be_analysed_together_is_refused() {
    let one = project(&[("a.py", "x = 1\n"), ("pyproject.toml", "")]);
    let other = project(&[("a.py", "x = 2\n"), ("pyproject.toml", "")]);
    let one_facts = one.path().join("one.facts");
    let one_facts = one_facts.to_str().expect("it is text");
    succeeds(one.path(), &["facts", "--output", one_facts]);
    succeeds(other.path(), &["facts", "--output", "other.facts"]);
    let both = ["check", "--facts", one_facts, "other.facts"];
    refuses(other.path(), &both, "have different texts of a.py");
    // The same twice is no contradiction.
    succeeds(one.path(), &["check", "--facts", one_facts, one_facts]);

    write(one.path(), "Cargo.toml", "[package]\nname = 'one'\n");
    write(other.path(), "Cargo.toml", "[package]\nname = 'other'\n");
    std::fs::remove_file(other.path().join("a.py")).expect("it is there");
    succeeds(one.path(), &["facts", "--output", one_facts]);
    succeeds(other.path(), &["facts", "--output", "other.facts"]);
    refuses(other.path(), &both, "have different texts of Cargo.toml");

    let bytes = std::fs::read(one_facts).expect("it was written");
    write(one.path(), "half.facts", &bytes[..bytes.len() / 2]);
    refuses(
        one.path(),
        &["check", "--facts", "half.facts"],
        "half.facts: this is no file of facts",
    );
    refuses(one.path(), &["check", "--facts", "none.facts"], "none.facts");
    refuses(
        one.path(),
        &["check", ".", "--facts", one_facts],
        "cannot be used with",
    );
    refuses(
        one.path(),
        &["facts", "none.py", "--output", "x.facts"],
        "none.py",
    );
    let outside = other.path().to_str().expect("it is text");
    refuses(
        one.path(),
        &["facts", outside, "--root", ".", "--output", "x.facts"],
        "is not in",
    );
    refuses(one.path(), &["facts", "--output", "none/x.facts"], "none/x.facts");
}

#[test]
fn what_is_odd_about_files_is_carried_along() {
    let folder = project(&[("pyproject.toml", "")]);
    let folder = folder.path();
    write(folder, "odd.py", b"x = '\xff'\ndef f(:\n");
    succeeds(folder, &["facts", "--output", "odd.facts"]);
    let whole = report(folder, &[], &[]);
    assert_eq!(whole["problems"].as_array().map(Vec::len), Some(2));
    assert_eq!(whole, report(folder, &["odd.facts"], &[]));
    // A file that is not read is told of twice: where it is, and where it is missing.
    write(folder, "huge.py", "#".repeat(9 << 20));
    let output = onequery(folder, &["facts", "--output", "odd.facts"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("huge.py: 9 MB is more than"), "{said}");
    let output = onequery(folder, &["check", "--facts", "odd.facts"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn parts_leave_out_what_a_whole_run_leaves_out() {
    let folder = project(&[
        ("pyproject.toml", ""),
        ("crates/a/Cargo.toml", "[package]\nname = 'shop-core'\n"),
        ("crates/a/src/lib.rs", "pub fn total() {}\n"),
        ("vendor/b.py", "x = 1\n"),
        (".gitignore", "generated\n"),
        (".git/HEAD", ""),
        ("generated/c.py", "x = 1\n"),
    ]);
    let folder = folder.path();
    let files = |part: &str| {
        succeeds(folder, &["facts", part, "--root", ".", "--output", "part.facts"]);
        succeeds(folder, &["check", "--show-files", "--facts", "part.facts"])
    };
    assert_eq!(files("vendor"), "");
    assert_eq!(files("generated"), "");
    assert_eq!(files("crates/a/src"), "crates/a/src/lib.rs\n");
    let facts = std::fs::read(folder.join("part.facts")).expect("it was written");
    assert!(
        facts.windows(9).any(|bytes| bytes == b"shop-core"),
        "the manifest is not there"
    );
}
