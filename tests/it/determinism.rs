//! The same tree gives the same bytes, whatever the number of threads and the order of folder entries.

use std::path::Path;

use tempfile::TempDir;

use crate::support::{EVERYTHING, fixture_files, onequery, write};

/// Formats whose bytes are compared; `text` loses its last line's time.
const FORMATS: [&str; 10] = [
    "json", "text", "sarif", "github", "gitlab", "rdjson", "junit", "sonar", "markdown", "html",
];

/// How many fixture files are taken, evenly from all of them.
const FILES_PER_LANGUAGE: usize = 120;

/// Files from cases of all libraries and both languages, in one project.
fn files() -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for extension in ["py", "rs"] {
        let all = fixture_files(extension);
        let step = (all.len() / FILES_PER_LANGUAGE).max(1);
        files.extend(all.into_iter().step_by(step));
    }
    files
}

fn fill(files: &[(String, Vec<u8>)]) -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    for (path, bytes) in files {
        write(folder.path(), path, bytes);
    }
    folder
}

/// The reports of a folder in all formats.
fn reports(folder: &Path, threads: &str) -> [String; FORMATS.len()] {
    let out = tempfile::tempdir().expect("a temporary folder can be made");
    let path = |format: &str| out.path().join(format);
    let outputs = FORMATS.map(|format| format!("--output={format}={}", path(format).display()));
    let outputs: Vec<&str> = outputs.iter().map(String::as_str).collect();
    let args = [
        &["check", ".", "--threads", threads, "--verbose", "--statistics"],
        EVERYTHING,
        &outputs,
    ]
    .concat();
    let output = onequery(folder, &args);
    assert_eq!(
        output.status.code(),
        Some(1),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    FORMATS.map(|format| {
        let text = std::fs::read_to_string(path(format)).expect("the report was written");
        if format == "text" {
            without_time(&text)
        } else {
            text
        }
    })
}

/// The last line ends in `… 0.12 s`.
fn without_time(text: &str) -> String {
    let (rest, time) = text
        .trim_end()
        .rsplit_once(". ")
        .expect("the last line has a time");
    assert!(time.ends_with(" s"), "{time}");
    rest.to_owned()
}

/// Says which line differs first, since the reports are long.
fn same(is: &[String], should_be: &[String], what: &str) {
    for ((format, is), should_be) in FORMATS.iter().zip(is).zip(should_be) {
        if is != should_be {
            let differing = is.lines().zip(should_be.lines()).find(|(a, b)| a != b);
            panic!(
                "{what}: {format} has {} and {} bytes, first {differing:?}",
                is.len(),
                should_be.len()
            );
        }
    }
}

#[test]
fn threads_and_repetition_change_nothing() {
    let folder = fill(&files());
    let first = reports(folder.path(), "1");
    assert!(
        first[0].matches("\"fingerprint\"").count() > 50,
        "there is too little to compare"
    );
    for (threads, what) in [
        ("1", "again"),
        ("4", "4 threads"),
        ("4", "4 threads again"),
        ("2", "2 threads"),
    ] {
        same(&reports(folder.path(), threads), &first, what);
    }
}

#[test]
fn the_order_of_folder_entries_changes_nothing() {
    let mut files = files();
    let first = reports(fill(&files).path(), "4");
    files.reverse();
    same(&reports(fill(&files).path(), "4"), &first, "reversed");
    // Multiplying by a number that the length does not share visits every place once.
    let n = files.len();
    let stride = (n / 3..)
        .find(|stride| gcd(*stride, n) == 1)
        .expect("there are coprime numbers");
    let shuffled: Vec<_> = (0..n).map(|ix| files[ix * stride % n].clone()).collect();
    same(&reports(fill(&shuffled).path(), "4"), &first, "shuffled");
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}
