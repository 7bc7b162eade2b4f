//! One run: a folder becomes findings.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use onequery_analysis::{
    Analysis, Catalogs, Coverage, Memory, PackageRoot, SourceFile, analyze, analyze_again, coverage,
};
use onequery_core::ir::FileIr;
use onequery_core::{FileId, Problem, ProblemKind, SourceText, Sources, Span};
use onequery_parser::{Reading, front_end};
use rayon::prelude::*;
use tracing::info_span;

use crate::cache::Cache;
use crate::cache::lowered::{LoweredFiles, TextHash};
use crate::cache::remembered::RememberedFile;
use crate::cache::results::{Conclusion, Question};
use crate::config::Config;
use crate::entries::Entries;
use crate::listed::{FILES_AT_ONCE, Listed, ListedFile, Text};
use crate::needed::Waiting;
use crate::scope::Scope;

/// What a run read.
pub(crate) struct Run {
    pub(crate) sources: Sources,
    /// By [`FileId`]: why a file is not reported on, although it was read.
    pub(crate) hidden: Vec<Option<&'static str>>,
    /// What was odd about reading files.
    pub(crate) reading: Vec<(FileId, Problem)>,
    /// Folders that could not be walked.
    pub(crate) errors: Vec<String>,
    /// Files that were not read because they are not reported on and nothing imports them, by kind.
    pub(crate) skipped: BTreeMap<&'static str, usize>,
}

impl Run {
    /// The file of a path.
    pub(crate) fn file(&self, path: &str) -> Option<FileId> {
        let found = self
            .sources
            .0
            .binary_search_by(|source| source.path.as_str().cmp(path));
        found.ok().and_then(|ix| u32::try_from(ix).ok()).map(FileId)
    }
}

/// Analyses a project, as far as earlier runs have not done so.
///
/// # Errors
///
/// Catalogues of the project that cannot be read.
pub(crate) fn run(
    listed: &Listed,
    scope: &Scope,
    config: &Config,
    cache: &Cache,
) -> anyhow::Result<(Run, Conclusion)> {
    let question = listed.question(scope, config)?;
    let kept = cache.recall(&question);
    let known = kept.and_then(|kept| info_span!("recall").in_scope(|| recall(listed, scope, kept)));
    if let Some(known) = known {
        return Ok(known);
    }
    let identity = listed.identity(scope, config)?;
    let catalogs = config.catalogs()?;
    let (project, remembered) = rayon::join(
        || Project::lower(listed, scope, &config.entries, cache),
        || info_span!("remember").in_scope(|| cache.remembered(&identity)),
    );
    let memory = remembered.and_then(|remembered| project.memory_from(remembered));
    let analysis = project.analyze_cached(&catalogs, memory.unwrap_or_default(), &identity, cache);
    let conclusion = project.conclude(scope, config, analysis);
    if conclusion.is_sound() {
        cache.keep(&question, &conclusion);
    }
    let run = project.run(scope);
    // Nobody waits until millions of expressions are freed.
    rayon::spawn(move || drop(project));
    Ok((run, conclusion))
}

/// What is already known of a project, if the texts that were imported then are the same now.
fn recall(listed: &Listed, scope: &Scope, kept: Conclusion) -> Option<(Run, Conclusion)> {
    let read = kept.read.par_iter().map(|&(ix, hash)| {
        let file = listed.files.get(ix as usize)?;
        let text = file.text();
        (text.hash == hash).then_some((&file.path, text))
    });
    let read: Vec<(&String, Text)> = read.collect::<Option<_>>()?;
    let (mut sources, mut reading, mut hidden) = (Sources::default(), Vec::new(), Vec::new());
    for ((file, makes_up_data), (path, read)) in (0..).map(FileId).zip(&kept.makes_up_data).zip(read) {
        reading.extend(read.problems.into_iter().map(|problem| (file, problem)));
        hidden.push(scope.hides(path, *makes_up_data));
        sources.0.push(SourceText {
            path: path.clone(),
            text: read.text,
        });
    }
    let run = Run {
        sources,
        hidden,
        skipped: skipped(listed, &kept.read, scope),
        reading,
        errors: listed.errors.clone(),
    };
    Some((run, kept))
}

/// Counts files that were not read by the kind of code that they are.
fn skipped(listed: &Listed, read: &[(u32, TextHash)], scope: &Scope) -> BTreeMap<&'static str, usize> {
    let read: BTreeSet<u32> = read.iter().map(|(ix, _)| *ix).collect();
    let unread = (0..).zip(&listed.files).filter(|(ix, _)| !read.contains(ix));
    let mut skipped = BTreeMap::new();
    for kind in unread.filter_map(|(_, file)| scope.kind(&file.path)) {
        *skipped.entry(kind).or_default() += 1;
    }
    skipped
}

/// A project's lowered files, by [`FileId`].
pub(crate) struct Project {
    files: Vec<SourceFile>,
    texts: Vec<SourceText>,
    /// How files are read.
    readings: Vec<Reading>,
    /// Where a file stands among those that were discovered, and its text.
    read: Vec<(u32, TextHash)>,
    packages: Vec<PackageRoot>,
    reading: Vec<(FileId, Problem)>,
    lowering: Vec<(FileId, Problem)>,
    errors: Vec<String>,
    skipped: BTreeMap<&'static str, usize>,
}

impl Project {
    /// Reads and lowers the project in a folder, as far as what `scope` reports on needs it.
    pub(crate) fn of(root: &Path, scope: &Scope, entries: &Entries, cache: &Cache) -> Self {
        Self::lower(&Listed::of(root, scope), scope, entries, cache)
    }

    /// Lowers listed files, as far as what `scope` reports on needs them.
    pub(crate) fn lower(listed: &Listed, scope: &Scope, entries: &Entries, cache: &Cache) -> Self {
        let kept = LoweredFiles::of(cache);
        let lowered = info_span!("lower").in_scope(|| lower_needed(listed, &kept));
        let readings = lowered.iter().map(|(ix, _)| listed.files[*ix].reading).collect();
        let (mut files, mut texts, mut read) = (Vec::new(), Vec::new(), Vec::new());
        let (mut reading, mut lowering) = (Vec::new(), Vec::new());
        for (id, (ix, file)) in (0_u32..).map(FileId).zip(lowered) {
            let Lowered {
                text,
                mut ir,
                problems,
            } = file;
            let path = &listed.files[ix].path;
            reading.extend(text.problems.into_iter().map(|problem| (id, problem)));
            let problems = problems.into_iter().chain(std::mem::take(&mut ir.problems));
            lowering.extend(problems.map(|problem| (id, problem)));
            texts.push(SourceText {
                path: path.clone(),
                text: text.text,
            });
            read.push((
                u32::try_from(ix).expect("there are fewer than 2^32 files"),
                text.hash,
            ));
            files.push(SourceFile {
                path: path.clone(),
                entered: entries.of(path, &ir),
                ir,
            });
        }
        info_span!("keep").in_scope(|| kept.keep(&|path| listed.has(path)));
        Self {
            skipped: skipped(listed, &read, scope),
            files,
            texts,
            readings,
            read,
            packages: listed.packages(),
            reading,
            lowering,
            errors: listed.errors.clone(),
        }
    }

    pub(crate) fn analyze(&self, catalogs: &Catalogs) -> Analysis {
        analyze(&self.files, &self.packages, catalogs)
    }

    /// The same from what is remembered of an earlier run, for later ones to remember.
    fn analyze_cached(
        &self,
        catalogs: &Catalogs,
        mut memory: Memory,
        identity: &Question,
        cache: &Cache,
    ) -> Analysis {
        if !cache.is_on() {
            return self.analyze(catalogs);
        }
        let keep = |memory: &Memory| {
            info_span!("keep memory").in_scope(|| {
                let files = self.files.iter().zip(&self.read);
                let files = files.map(|(file, (_, text))| RememberedFile {
                    path: file.path.clone(),
                    text: *text,
                });
                cache.remember(identity, &(files.collect(), memory));
            });
        };
        let analysis = analyze_again(&self.files, &self.packages, catalogs, &mut memory, keep);
        rayon::spawn(move || drop(memory));
        analysis
    }

    /// What is remembered of an analysis, if the project of it had the files that this one has.
    fn memory_from(&self, (files, mut memory): (Vec<RememberedFile>, Memory)) -> Option<Memory> {
        let paths = self.files.iter().map(|file| &file.path);
        if !paths.eq(files.iter().map(|file| &file.path)) {
            return None;
        }
        for (ix, ((_, text), before)) in self.read.iter().zip(files).enumerate() {
            if *text == before.text {
                continue;
            }
            memory.note_changed(FileId(u32::try_from(ix).ok()?));
        }
        Some(memory)
    }

    /// Counts what the analysis can see.
    pub(crate) fn count_coverage(&self, catalogs: &Catalogs) -> Coverage {
        coverage(&self.files, &self.packages, catalogs)
    }

    /// The path of a file.
    pub(crate) fn path(&self, file: FileId) -> &str {
        &self.files[file.index()].path
    }

    /// The paths of the files that are reported on, sorted.
    pub(crate) fn reported(&self, scope: &Scope) -> impl Iterator<Item = &str> {
        let reported = self.files.iter().filter(|file| hides(scope, file).is_none());
        reported.map(|file| file.path.as_str())
    }

    /// What rules and limits say of it.
    fn conclude(&self, scope: &Scope, config: &Config, analysis: Analysis) -> Conclusion {
        let irs: Vec<&FileIr> = self.files.iter().map(|file| &file.ir).collect();
        let path = |file: FileId| self.path(file);
        let require_reason = config.settings.require_reason;
        let mut found = info_span!("check")
            .in_scope(|| onequery_rules::check(&analysis.sites, &irs, &path, require_reason));
        let mut problems = self.lowering.clone();
        problems.extend(analysis.problems);
        problems.append(&mut found.problems);
        Conclusion {
            read: self.read.clone(),
            makes_up_data: irs.iter().map(|ir| scope.makes_up_data(ir)).collect(),
            found,
            problems,
            n_guards: analysis.n_guards,
        }
    }

    /// What was read.
    fn run(&self, scope: &Scope) -> Run {
        Run {
            hidden: self.files.iter().map(|file| hides(scope, file)).collect(),
            sources: Sources(self.texts.clone()),
            reading: self.reading.clone(),
            errors: self.errors.clone(),
            skipped: self.skipped.clone(),
        }
    }
}

/// Why a file is not reported on; `None` when it is.
fn hides(scope: &Scope, file: &SourceFile) -> Option<&'static str> {
    scope.hides(&file.path, scope.makes_up_data(&file.ir))
}

/// A project whose texts change while somebody looks at it.
pub(crate) struct Live {
    project: Project,
    catalogs: Catalogs,
    memory: Memory,
}

impl Live {
    /// Reads and lowers the project in a folder.
    ///
    /// # Errors
    ///
    /// Catalogues of the project that cannot be read.
    pub(crate) fn of(root: &Path, scope: &Scope, config: &Config, cache: &Cache) -> anyhow::Result<Self> {
        Ok(Self {
            catalogs: config.catalogs()?,
            project: Project::of(root, scope, &config.entries, cache),
            memory: Memory::default(),
        })
    }

    /// Takes other texts for some files, with what is odd about them. What the texts import is not read anew.
    pub(crate) fn replace(&mut self, texts: Vec<(FileId, String, Vec<Problem>)>, entries: &Entries) {
        let project = &mut self.project;
        for (id, text, reading) in texts {
            let file = &mut project.files[id.index()];
            let (ir, mut problems) = lower_text(&file.path, &text, project.readings[id.index()]);
            self.memory.note_changed(id);
            file.entered = entries.of(&file.path, &ir);
            file.ir = ir;
            problems.append(&mut file.ir.problems);
            project.reading.retain(|(file, _)| *file != id);
            project
                .reading
                .extend(reading.into_iter().map(|problem| (id, problem)));
            project.lowering.retain(|(file, _)| *file != id);
            project
                .lowering
                .extend(problems.into_iter().map(|problem| (id, problem)));
            project.texts[id.index()].text = text.into();
        }
    }

    /// Analyses what is there now.
    pub(crate) fn run(&mut self, scope: &Scope, config: &Config) -> (Run, Conclusion) {
        let project = &self.project;
        let analysis = analyze_again(
            &project.files,
            &project.packages,
            &self.catalogs,
            &mut self.memory,
            |_| (),
        );
        (project.run(scope), project.conclude(scope, config, analysis))
    }
}

/// Lowers the files that were read, then those they import, directly or through others. Sorted by path, each with its place
/// in the list.
fn lower_needed(listed: &Listed, kept: &LoweredFiles<'_>) -> Vec<(usize, Lowered)> {
    let all = |files: Vec<usize>| -> Vec<(usize, Lowered)> {
        let files = files.into_par_iter().with_max_len(FILES_AT_ONCE);
        files.map(|ix| (ix, lower(&listed.files[ix], kept))).collect()
    };
    let (later, first): (Vec<usize>, Vec<usize>) =
        (0..listed.files.len()).partition(|&ix| listed.files[ix].waits);
    let mut lowered = all(first);
    let path = |ix: usize| listed.files[ix].path.as_str();
    let mut waiting = Waiting::new(later.into_iter().map(|ix| (ix, path(ix))));
    let mut from = 0;
    loop {
        let files = lowered[from..].iter().map(|(ix, file)| (path(*ix), &file.ir));
        let needed = waiting.imported_by(files);
        if needed.is_empty() {
            break;
        }
        from = lowered.len();
        lowered.extend(all(needed.into_iter().collect()));
    }
    lowered.sort_unstable_by_key(|(ix, _)| *ix);
    lowered
}

/// A file that was read and lowered.
pub(crate) struct Lowered {
    pub(crate) text: Text,
    pub(crate) ir: FileIr,
    /// What went wrong when it was lowered, beside what its IR says of itself.
    pub(crate) problems: Vec<Problem>,
}

/// Lowers one file, unless it was lowered before.
pub(crate) fn lower(file: &ListedFile, kept: &LoweredFiles<'_>) -> Lowered {
    let (path, text) = (&file.path, file.text());
    let known = || {
        let kept = info_span!("recall file").in_scope(|| kept.get(path, text.hash));
        kept.map(|ir| (ir, Vec::new()))
    };
    let (ir, problems) = file.lowered().or_else(known).unwrap_or_else(|| {
        let lowered = info_span!("lower file", path).in_scope(|| lower_text(path, &text.text, file.reading));
        if lowered.1.is_empty() {
            kept.put(path, text.hash, &lowered.0);
        }
        lowered
    });
    Lowered { text, ir, problems }
}

/// Lowers one file's text; a panic costs this file only.
pub(crate) fn lower_text(path: &str, text: &str, reading: Reading) -> (FileIr, Vec<Problem>) {
    let front_end = front_end(path).expect("only files with a front end are discovered");
    match catch_unwind(AssertUnwindSafe(|| front_end.lower_file(text, reading))) {
        Ok(ir) => (ir, Vec::new()),
        Err(_) => {
            let message = "the file could not be lowered; please report this".to_owned();
            let problem = Problem {
                kind: ProblemKind::Internal,
                span: Span::default(),
                message,
            };
            ((front_end.lower)(""), vec![problem])
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use onequery_analysis::Memory;
    use onequery_core::FileId;

    use super::Live;
    use crate::cache::Cache;
    use crate::cli::Selection;
    use crate::config::Config;
    use crate::scope::Scope;

    /// The programs of every few cases of a language, as one project.
    fn fill(folder: &Path, language: &str, step: usize) {
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
        let mut folders = vec![fixtures.join(language)];
        let mut files: Vec<PathBuf> = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).expect("fixtures can be listed") {
                let path = entry.expect("fixtures can be listed").path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    files.push(path);
                }
            }
        }
        files.sort();
        for path in files.iter().step_by(step) {
            let target = folder.join(path.strip_prefix(&fixtures).expect("it is below"));
            let parent = target.parent().expect("it is in a folder");
            std::fs::create_dir_all(parent).expect("a temporary folder can be filled");
            std::fs::copy(path, target).expect("a temporary folder can be filled");
        }
    }

    /// A text with a line of it changed, the line and the change chosen by a number. An import may be another one, or come,
    /// or a constant; what is declared may be declared twice, have another name or place, or be gone.
    fn changed(text: &str, number: usize) -> String {
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        let at = number % lines.len().max(1);
        let (before, line, after) = match lines.get(at) {
            Some(line) => (lines[..at].concat(), *line, lines[at + 1..].concat()),
            None => (String::new(), "", String::new()),
        };
        let imports: Vec<&str> = lines
            .iter()
            .copied()
            .filter(|line| line.starts_with("from ") && !line.contains('(') && !line.contains("__future__"))
            .collect();
        let import = imports
            .get(number / 11 % imports.len().max(1))
            .copied()
            .unwrap_or_default();
        // What is declared at the top of the file, each with all that belongs to it.
        let mut blocks: Vec<String> = Vec::new();
        for line in &lines {
            let is_inside = line.starts_with([' ', '}', ')', ']', '\n']);
            match blocks.last_mut() {
                Some(block) if is_inside => block.push_str(line),
                _ => blocks.push((*line).to_owned()),
            }
        }
        let block = number / 13 % blocks.len().max(1);
        match number / 7 % 16 {
            10 => {
                blocks.extend(blocks.get(block).cloned());
                blocks.concat()
            }
            11 => {
                blocks.drain(block..blocks.len().min(block + 1));
                blocks.concat()
            }
            12 => {
                blocks.rotate_left(block);
                blocks.concat()
            }
            13 => text
                .replace("class ", "class Other")
                .replace("struct ", "struct Other"),
            14 => text.replacen(
                "def ",
                "def other(self):\n        return 1\n\n    def ",
                1 + number % 3,
            ),
            15 => before + &line.replace('(', "_other(") + &after,
            0 => format!("\n{text}"),
            6 => text.replacen(import, "", 1),
            7 => text.replacen(import, &import.replace(" import ", ".others import "), 1),
            8 => format!("import other\nCHANGED = {number}\n{text}"),
            9 => format!("{import}{text}"),
            4 => before.trim_end().to_owned() + " " + line.trim_start() + &after,
            5 => before + line.trim_start() + &after,
            1 => before + &after,
            2 => before + line + line + &after,
            _ => before + &line.replace("get", "other").replace("all", "none") + &after,
        }
    }

    #[test]
    fn what_is_remembered_gives_what_a_fresh_analysis_gives() {
        for (language, step) in [("python", 5), ("rust", 2)] {
            let folder = tempfile::tempdir().expect("a temporary folder can be made");
            let folder = folder.path();
            fill(folder, language, step);
            let config = Config::of(folder, &Selection::default()).expect("there are no settings");
            let scope = Scope::everything();
            let live = || Live::of(folder, &scope, &config, &Cache::off()).expect("there are no catalogues");
            let (mut live, mut fresh) = (live(), live());
            let (run, conclusion) = live.run(&scope, &config);
            let n_found = conclusion.found.findings.len();
            assert!(n_found > 50, "{language}: {n_found}");
            let mut texts: Vec<String> = run
                .sources
                .0
                .iter()
                .map(|source| source.text.to_string())
                .collect();
            let mut n_remembered = 0;
            for number in (0..40_usize).map(|number| number * 7919) {
                let ix = number % texts.len();
                texts[ix] = changed(&texts[ix], number / 3);
                let file = FileId(u32::try_from(ix).expect("there are few files"));
                live.replace(vec![(file, texts[ix].clone(), Vec::new())], &config.entries);
                fresh.replace(vec![(file, texts[ix].clone(), Vec::new())], &config.entries);
                fresh.memory = Memory::default();
                let (_, now) = live.run(&scope, &config);
                n_remembered += usize::from(live.memory.n_changed() > 0);
                let (_, anew) = fresh.run(&scope, &config);
                assert_eq!(now.found.findings, anew.found.findings, "{}", texts[ix]);
                assert_eq!(now.problems, anew.problems);
                assert_eq!(now.n_guards, anew.n_guards);
            }
            assert!(n_remembered >= 30, "{language}: {n_remembered}");
        }
    }
}
