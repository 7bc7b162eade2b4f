//! One run: a folder becomes findings.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use onequery_analysis::{Analysis, Catalogs, Coverage, PackageRoot, SourceFile, analyze, coverage};
use onequery_core::ir::FileIr;
use onequery_core::{FileId, Problem, ProblemKind, SourceText, Sources, Span};
use onequery_parser::{FrontEnd, front_end};
use rayon::prelude::*;
use tracing::info_span;

use crate::discover::{Found, discover};
use crate::needed::Waiting;
use crate::scope::Scope;
use crate::{catalogs, project, read};

/// Everything that was read and found out.
pub(crate) struct Run {
    pub(crate) sources: Sources,
    pub(crate) analysis: Analysis,
    /// By [`FileId`].
    pub(crate) files: Vec<SourceFile>,
    /// By [`FileId`]: why a file is not reported on, although it was read.
    pub(crate) hidden: Vec<Option<&'static str>>,
    /// What was odd about files, whatever the analysis says of them.
    pub(crate) file_problems: Vec<(FileId, Problem)>,
    packages: Vec<PackageRoot>,
    /// Folders that could not be walked.
    pub(crate) errors: Vec<String>,
    /// Files that were not read because they are not reported on and nothing imports them, by kind.
    pub(crate) skipped: BTreeMap<&'static str, usize>,
}

/// A project's lowered files, by [`FileId`], with what was odd about them.
struct Project {
    files: Vec<SourceFile>,
    texts: Vec<SourceText>,
    packages: Vec<PackageRoot>,
    problems: Vec<(FileId, Problem)>,
    errors: Vec<String>,
    skipped: BTreeMap<&'static str, usize>,
}

/// Reads and lowers the project in a folder, as far as what `scope` reports on needs it.
fn read_project(root: &Path, scope: &Scope) -> Project {
    let Found {
        sources: paths,
        manifests,
        errors,
    } = info_span!("discover").in_scope(|| discover(root));
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
    let (lowered, skipped) = info_span!("lower").in_scope(|| read_needed(paths, scope));
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
    Project {
        files,
        texts,
        packages,
        problems,
        errors,
        skipped,
    }
}

/// Analyses the project in a folder.
pub(crate) fn run(root: &Path, scope: &Scope, catalogs: &Catalogs) -> Run {
    let Project {
        files,
        texts,
        packages,
        problems,
        errors,
        skipped,
    } = read_project(root, scope);
    let hidden = files.iter().map(|file| hides(scope, file)).collect();
    let analysis = analyze(&files, &packages, catalogs);
    Run {
        sources: Sources(texts),
        analysis,
        files,
        hidden,
        file_problems: problems,
        packages,
        errors,
        skipped,
    }
}

/// Why a file is not reported on; `None` when it is.
fn hides(scope: &Scope, file: &SourceFile) -> Option<&'static str> {
    scope
        .hides(&file.path)
        .or_else(|| scope.hides_by_imports(&file.ir))
}

impl Run {
    /// What rules say. `path` gives the paths that fingerprints are made of.
    pub(crate) fn found<'p>(
        &self,
        path: &dyn Fn(FileId) -> &'p str,
        require_reason: bool,
    ) -> onequery_rules::Found {
        let irs: Vec<&FileIr> = self.files.iter().map(|file| &file.ir).collect();
        let _checking = info_span!("check").entered();
        onequery_rules::check(&self.analysis.sites, &irs, path, require_reason)
    }

    /// The file of a path.
    pub(crate) fn file(&self, path: &str) -> Option<FileId> {
        let found = self.files.binary_search_by(|file| file.path.as_str().cmp(path));
        found.ok().and_then(|ix| u32::try_from(ix).ok()).map(FileId)
    }

    /// Takes other texts for some files, and analyses again. What the texts import is not read anew.
    pub(crate) fn replace(&mut self, texts: Vec<(FileId, String)>, scope: &Scope, catalogs: &Catalogs) {
        for (id, text) in texts {
            let file = &mut self.files[id.index()];
            let (ir, mut problems) = lower_text(&file.path, &text);
            file.ir = ir;
            problems.append(&mut file.ir.problems);
            self.hidden[id.index()] = hides(scope, file);
            self.file_problems.retain(|(file, _)| *file != id);
            self.file_problems
                .extend(problems.into_iter().map(|problem| (id, problem)));
            self.sources.0[id.index()].text = text.into();
        }
        self.analysis = analyze(&self.files, &self.packages, catalogs);
    }
}

/// The paths of the files that are reported on, sorted.
pub(crate) fn reported_files(root: &Path, scope: &Scope) -> Vec<String> {
    let files = read_project(root, scope).files;
    let reported = files.into_iter().filter(|file| hides(scope, file).is_none());
    reported.map(|file| file.path).collect()
}

/// Counts what the analysis of the project in a folder can see.
pub(crate) fn count_coverage(root: &Path, scope: &Scope) -> Coverage {
    let project = read_project(root, scope);
    coverage(&project.files, &project.packages, &catalogs::embedded())
}

/// Lowers the files that are reported on, then those they import, directly or through others. Sorted by path.
///
/// Also counts by kind what nobody needs.
fn read_needed(
    paths: Vec<(String, PathBuf)>,
    scope: &Scope,
) -> (Vec<Lowered>, BTreeMap<&'static str, usize>) {
    let waits = |path: &str| match scope.kind(path) {
        // Rust's modules are not found by imports alone; only those that nothing outside of tests can name may wait.
        Some(kind) => path.ends_with(".py") || path.ends_with(".pyi") || matches!(kind, "tests" | "examples"),
        None => false,
    };
    let (later, first): (Vec<_>, Vec<_>) = paths.into_iter().partition(|(path, _)| waits(path));
    let all = |files: Vec<(String, PathBuf)>| -> Vec<Lowered> {
        files
            .into_par_iter()
            .map(|(path, full)| lower(path, &full))
            .collect()
    };
    let mut lowered = all(first);
    let mut waiting = Waiting::new(
        later
            .iter()
            .enumerate()
            .map(|(ix, (path, _))| (ix, path.as_str())),
    );
    let mut read = BTreeSet::new();
    let mut from = 0;
    loop {
        let needed = waiting.imported_by(lowered[from..].iter().map(|(file, ..)| file));
        if needed.is_empty() {
            break;
        }
        from = lowered.len();
        lowered.extend(all(needed.iter().map(|&ix| later[ix].clone()).collect()));
        read.extend(needed);
    }
    lowered.sort_by(|(a, ..), (b, ..)| a.path.cmp(&b.path));
    let mut skipped = BTreeMap::new();
    for (ix, (path, _)) in later.iter().enumerate() {
        if let (false, Some(kind)) = (read.contains(&ix), scope.kind(path)) {
            *skipped.entry(kind).or_default() += 1;
        }
    }
    (lowered, skipped)
}

/// A lowered file, its text, and what was odd about reading it.
type Lowered = (SourceFile, Arc<str>, Vec<Problem>);

/// Reads and lowers one file.
fn lower(path: String, full: &Path) -> Lowered {
    let (text, mut problems) = info_span!("read file").in_scope(|| read::read(full));
    let (ir, trouble) = info_span!("lower file", path).in_scope(|| lower_text(&path, &text));
    problems.extend(trouble);
    (SourceFile { path, ir }, text.into(), problems)
}

/// Lowers one file's text; a panic costs this file only.
fn lower_text(path: &str, text: &str) -> (FileIr, Vec<Problem>) {
    let FrontEnd { lower, .. } = front_end(path).expect("only files with a front end are discovered");
    match catch_unwind(AssertUnwindSafe(|| lower(text))) {
        Ok(ir) => (ir, Vec::new()),
        Err(_) => {
            let message = "the file could not be lowered; please report this".to_owned();
            let problem = Problem {
                kind: ProblemKind::Internal,
                span: Span::default(),
                message,
            };
            (lower(""), vec![problem])
        }
    }
}
