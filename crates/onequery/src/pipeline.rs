//! One run: a folder becomes findings.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use onequery_analysis::{Analysis, Catalogs, PackageRoot, SourceFile, analyze};
use onequery_core::{FileId, Problem, ProblemKind, SourceText, Sources, Span};
use onequery_parser::{FrontEnd, front_end};
use rayon::prelude::*;

use crate::discover::{Found, discover};
use crate::{project, read};

/// Everything that was read and found out.
pub(crate) struct Run {
    pub(crate) sources: Sources,
    pub(crate) analysis: Analysis,
    /// Sorted by file.
    pub(crate) problems: Vec<(FileId, Problem)>,
    /// Folders that could not be walked.
    pub(crate) errors: Vec<String>,
}

/// Analyses the project in a folder.
pub(crate) fn run(root: &Path) -> Run {
    let Found {
        sources: paths,
        manifests,
        errors,
    } = discover(root);
    let packages: Vec<PackageRoot> = manifests
        .into_iter()
        .filter_map(|(path, full)| {
            let dir = path
                .strip_suffix("Cargo.toml")
                .unwrap_or(&path)
                .trim_end_matches('/')
                .to_owned();
            project::package(dir, &std::fs::read_to_string(full).ok()?)
        })
        .collect();
    let lowered: Vec<_> = paths
        .into_par_iter()
        .map(|(path, full)| lower(path, &full))
        .collect();
    let (mut files, mut texts, mut problems) = (Vec::new(), Vec::new(), Vec::new());
    for (ix, (mut file, text, trouble)) in (0_u32..).zip(lowered) {
        problems.extend(
            trouble
                .into_iter()
                .chain(std::mem::take(&mut file.ir.problems))
                .map(|p| (FileId(ix), p)),
        );
        texts.push(SourceText {
            path: file.path.clone(),
            text,
        });
        files.push(file);
    }
    let analysis = analyze(&files, &packages, &Catalogs::embedded());
    problems.extend(analysis.problems.iter().cloned());
    problems.sort();
    Run {
        sources: Sources(texts),
        analysis,
        problems,
        errors,
    }
}

/// Reads and lowers one file; a panic costs this file only.
fn lower(path: String, full: &Path) -> (SourceFile, Arc<str>, Vec<Problem>) {
    let front_end = full
        .extension()
        .and_then(|extension| extension.to_str())
        .and_then(front_end);
    let FrontEnd { lower, .. } = front_end.expect("only files with a front end are discovered");
    let (text, mut problems) = read::read(full);
    let ir = catch_unwind(AssertUnwindSafe(|| lower(&text))).unwrap_or_else(|_| {
        let message = "the file could not be lowered; please report this".to_owned();
        problems.push(Problem {
            kind: ProblemKind::Internal,
            span: Span::default(),
            message,
        });
        lower("")
    });
    (SourceFile { path, ir }, text.into(), problems)
}
