//! Half-written files: every prefix of every fixture lowers to something, and what is before the cut is still there.

use std::path::{Path, PathBuf};

use onequery_parser::front_end;
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

fn every_prefix(extension: &str) {
    let lower = front_end(&format!("templates/any.{extension}"))
        .expect("the extension is one of a language")
        .lower;
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures");
    let mut paths = Vec::new();
    sources(&fixtures, extension, &mut paths);
    assert!(paths.len() > 50, "only {} files", paths.len());
    let lowered: usize = paths
        .par_iter()
        .map(|path| {
            let text = std::fs::read_to_string(path).expect("fixtures are UTF-8");
            let cuts = text.char_indices().map(|(cut, _)| cut);
            cuts.map(|cut| {
                let ir = lower(&text[..cut]);
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
