//! Half-written files: every prefix of every fixture lowers to something, and what is before the cut is still there.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use onequery_core::Span;
use onequery_core::ir::FileIr;
use onequery_parser::{Contents, FrontEnd, Reading, front_end};
use rayon::prelude::*;

fn sources(folder: &Path, extension: &str, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("fixtures can be listed") {
        let path = entry.expect("fixtures can be listed").path();
        if path.is_dir() {
            sources(&path, extension, out);
        } else if path.extension().is_some_and(|of| of == extension) {
            out.push(path);
        }
    }
}

/// Lowers prefixes of every fixture of a language, `step` characters apart.
fn prefixes(
    extension: &str,
    step: usize,
    edit: fn(String) -> String,
    lower: impl Fn(&FrontEnd, &str) -> FileIr + Sync,
) {
    let front_end =
        front_end(&format!("templates/any.{extension}")).expect("the extension is one of a language");
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures");
    let mut paths = Vec::new();
    sources(&fixtures, extension, &mut paths);
    assert!(paths.len() > 50, "only {} files", paths.len());
    let lowered: usize = paths
        .par_iter()
        .map(|path| {
            let text = edit(std::fs::read_to_string(path).expect("fixtures are UTF-8"));
            let cuts = text.char_indices().map(|(cut, _)| cut);
            cuts.step_by(step)
                .map(|cut| {
                    let ir = lower(front_end, &text[..cut]);
                    let end = u32::try_from(cut).expect("fixtures are small");
                    assert!(
                        ir.functions.iter().all(|function| function.span.end <= end),
                        "{}: a function ends behind byte {cut}, where the text ends",
                        path.display()
                    );
                })
                .count()
        })
        .sum();
    assert!(lowered > 10_000, "only {lowered} prefixes");
}

fn every_prefix(extension: &str) {
    prefixes(
        extension,
        1,
        |text| text,
        |front_end, text| (front_end.lower)(text),
    );
}

#[test]
fn every_prefix_of_python_is_lowered() {
    every_prefix("py");
}

#[test]
fn every_prefix_of_a_template_is_lowered() {
    every_prefix("html");
}

#[test]
fn every_prefix_of_rust_is_lowered() {
    every_prefix("rs");
}

#[test]
fn what_is_read_of_prefixes_of_tests_stands_where_it_stood() {
    let as_tests = |text: String| text.replace("def ", "def test_");
    prefixes("py", 16, as_tests, |front_end, text| {
        let reading = Reading {
            contents: Contents::Tests,
            is_whole: false,
        };
        let ir = front_end.lower_file(text, reading);
        let places = |ir: &FileIr| -> BTreeSet<Span> { ir.functions.iter().map(|it| it.name_span).collect() };
        assert!(places(&ir).is_subset(&places(&(front_end.lower)(text))), "{text}");
        ir
    });
}
