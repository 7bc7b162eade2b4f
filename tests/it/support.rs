//! Runs the binary and reads what it prints.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

/// Runs `onequery` in a folder.
pub(crate) fn onequery(folder: &Path, args: &[&str]) -> Output {
    command(folder, args)
        .output()
        .expect("the binary of this package can be run")
}

/// `onequery` in a folder, with nothing of the caller's environment that would change what it prints.
pub(crate) fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_onequery"));
    command.args(args).current_dir(folder);
    command
        .env_remove("ONEQUERY_FORMAT")
        .env_remove("FORCE_COLOR")
        .env_remove("CI")
        .env_remove("ONEQUERY_CACHE_DIR")
        .env("ONEQUERY_NO_CACHE", "1")
        .env("NO_COLOR", "1");
    command
}

/// The JSON report of a folder.
pub(crate) fn report(folder: &Path, args: &[&str]) -> serde_json::Value {
    let output = onequery(folder, &[&["check", ".", "--format", "json"], args].concat());
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!("not JSON ({error}): {}", String::from_utf8_lossy(&output.stderr));
    })
}

/// The options that report on all code.
pub(crate) const EVERYTHING: &[&str] = &[
    "--include",
    "tests",
    "--include",
    "migrations",
    "--include",
    "seeds",
    "--include",
    "examples",
    "--include",
    "scripts",
];

/// A temporary folder with files in it.
pub(crate) fn project(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    for (path, text) in files {
        write(folder.path(), path, text);
    }
    folder
}

/// Writes a file and the folders above it.
pub(crate) fn write(folder: &Path, path: &str, bytes: impl AsRef<[u8]>) {
    let path = folder.join(path);
    let parent = path.parent().expect("the file is in a folder");
    std::fs::create_dir_all(parent).expect("a temporary folder can be filled");
    std::fs::write(path, bytes).expect("a temporary folder can be filled");
}

/// The names of what is in a folder, sorted.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("the folder can be listed");
    let name = |entry: std::io::Result<std::fs::DirEntry>| {
        let name = entry.expect("the folder can be listed").file_name();
        name.to_string_lossy().into_owned()
    };
    let mut names: Vec<String> = entries.map(name).collect();
    names.sort();
    names
}

/// This repository's folder of fixtures.
pub(crate) fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

/// The folder in a case with the files that its remedy changes.
pub(crate) const FIXED: &str = "fixed";

/// What runs a case, what was measured of it and its remedy are no part of the program that is analysed.
pub(crate) const NOT_THE_PROGRAM: [&str; 4] = ["scenario.py", "scenario.rs", "measured.toml", FIXED];

/// All files of the programs in fixtures with an extension: paths relative to `fixtures/`, sorted, and contents.
pub(crate) fn fixture_files(extension: &str) -> Vec<(String, Vec<u8>)> {
    let root = fixtures();
    let mut paths = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("fixtures can be listed") {
            let path = entry.expect("fixtures can be listed").path();
            if NOT_THE_PROGRAM.iter().any(|name| path.ends_with(name)) {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == extension) {
                paths.push(path);
            }
        }
    }
    paths.sort();
    let read = |path: PathBuf| {
        let bytes = std::fs::read(&path).expect("fixtures can be read");
        let inner = path.strip_prefix(&root).expect("the file is below the root");
        (inner.to_string_lossy().replace('\\', "/"), bytes)
    };
    paths.into_iter().map(read).collect()
}

/// The list at a JSON pointer.
pub(crate) fn list<'v>(value: &'v Value, pointer: &str) -> &'v [Value] {
    let found = value.pointer(pointer).and_then(Value::as_array);
    found.unwrap_or_else(|| panic!("no list at {pointer} of {value:#}"))
}

/// The text at a JSON pointer.
pub(crate) fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    let found = value.pointer(pointer).and_then(Value::as_str);
    found.unwrap_or_else(|| panic!("no text at {pointer} of {value:#}"))
}

/// The number at a JSON pointer.
pub(crate) fn number(value: &Value, pointer: &str) -> u64 {
    let found = value.pointer(pointer).and_then(Value::as_u64);
    found.unwrap_or_else(|| panic!("no number at {pointer} of {value:#}"))
}

/// Runs the binary, which should fail with a message that has a part.
pub(crate) fn refuses(folder: &Path, args: &[&str], part: &str) {
    let output = onequery(folder, args);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains(part), "`{args:?}` says: {said}");
    assert_eq!(output.status.code(), Some(2), "{said}");
}

/// Runs the binary, which should succeed, and gives what it prints.
pub(crate) fn succeeds(folder: &Path, args: &[&str]) -> String {
    let output = onequery(folder, args);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "`{args:?}` says: {said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Runs git in a folder, as nobody in particular.
pub(crate) fn git(folder: &Path, args: &[&str]) {
    let output = Command::new("git")
        .args([
            "-c",
            "user.name=shop",
            "-c",
            "user.email=shop@example.com",
            "-c",
            "commit.gpgsign=false",
        ])
        .args(args)
        .current_dir(folder)
        .output()
        .expect("git is installed");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Commits all that is in a folder.
pub(crate) fn commit(folder: &Path) {
    git(folder, &["add", "--all"]);
    git(folder, &["commit", "--quiet", "--message", "change"]);
}
