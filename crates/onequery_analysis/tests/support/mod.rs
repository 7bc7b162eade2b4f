//! What the tests of the whole analysis share: small programs as texts.

use onequery_analysis::catalog::STUBS;
use onequery_analysis::{Analysis, Catalogs, SourceFile, analyze};
use onequery_parser::front_end;

/// Analyses files that are written one after another, each under a line `//- path`.
pub(crate) fn analyze_text(text: &str) -> Analysis {
    let files = text.split("//- ").skip(1);
    let files: Vec<SourceFile> = files
        .map(|file| {
            let (path, text) = file.split_once('\n').expect("a file's text follows its path");
            lowered(path, text)
        })
        .collect();
    let stubs = STUBS.iter().map(|(path, text)| lowered(path, text));
    analyze(&files, &[], &Catalogs::embedded().with_stubs(stubs))
}

fn lowered(path: &str, text: &str) -> SourceFile {
    let lower = front_end(path).expect("the tests are Python or Rust").lower;
    SourceFile {
        path: path.to_owned(),
        ir: lower(text),
        entered: Vec::new(),
    }
}
