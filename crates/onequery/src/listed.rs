//! A project's files before they are analysed: those of a folder, those of a commit, or those that were lowered elsewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use onequery_analysis::PackageRoot;
use onequery_core::Problem;
use onequery_core::ir::FileIr;
use onequery_parser::Reading;
use rayon::prelude::*;
use tracing::info_span;

use crate::cache::lowered::{TextHash, hash};
use crate::cache::results::Question;
use crate::config::Config;
use crate::discover::{Found, Kind, discover, kind};
use crate::facts::FactsFile;
use crate::scope::Scope;
use crate::{project, read};

/// How many files a thread takes at once. Files differ so much in size that halves of a list are no halves of the work.
pub(crate) const FILES_AT_ONCE: usize = 4;

/// The files of a project, sorted by path.
#[derive(Default)]
pub(crate) struct Listed {
    pub(crate) files: Vec<ListedFile>,
    /// Texts of Cargo manifests, by path.
    manifests: Vec<(String, String)>,
    /// Folders that could not be walked.
    pub(crate) errors: Vec<String>,
}

/// A source file.
#[derive(Clone)]
pub(crate) struct ListedFile {
    /// Relative to the root, with `/` between parts.
    pub(crate) path: String,
    /// It is read only when somebody imports it.
    pub(crate) waits: bool,
    pub(crate) reading: Reading,
    content: Content,
}

#[derive(Clone)]
enum Content {
    Text(Text),
    OnDisk(PathBuf),
    Facts(FactsFile),
}

/// The text of a file.
#[derive(Clone)]
pub(crate) struct Text {
    pub(crate) text: Arc<str>,
    pub(crate) hash: TextHash,
    /// What was odd about reading it.
    pub(crate) problems: Vec<Problem>,
}

impl Text {
    fn of((text, problems): (String, Vec<Problem>)) -> Self {
        Self {
            hash: hash(&text),
            text: text.into(),
            problems,
        }
    }

    fn on_disk(full: &Path) -> Self {
        info_span!("read file").in_scope(|| Self::of(read::read(full)))
    }
}

impl ListedFile {
    fn new(path: String, content: Content, scope: &Scope) -> Self {
        Self {
            waits: waits(&path, scope),
            reading: scope.reading(&path),
            path,
            content,
        }
    }

    /// Its text, which is read now if it was not yet.
    pub(crate) fn text(&self) -> Text {
        match &self.content {
            Content::Text(text) => text.clone(),
            Content::OnDisk(full) => Text::on_disk(full),
            Content::Facts(facts) => facts.text(),
        }
    }

    /// What it was lowered to elsewhere, with what went wrong there.
    pub(crate) fn lowered(&self) -> Option<(FileIr, Vec<Problem>)> {
        match &self.content {
            Content::Facts(facts) => facts.lowered(),
            _ => None,
        }
    }
}

/// Whether a file is read only when somebody imports it.
fn waits(path: &str, scope: &Scope) -> bool {
    match scope.kind(path) {
        // Rust's modules are not found by imports alone; only those that nothing outside of tests can name may wait.
        Some(kind) => path.ends_with(".py") || path.ends_with(".pyi") || matches!(kind, "tests" | "examples"),
        None => false,
    }
}

impl Listed {
    /// Lists the files of a project, and reads those that are reported on.
    pub(crate) fn of(root: &Path, scope: &Scope) -> Self {
        Self::parts_of(root, &[root.to_owned()], scope)
    }

    /// The same for the files below some folders of a project.
    pub(crate) fn parts_of(root: &Path, parts: &[PathBuf], scope: &Scope) -> Self {
        let Found {
            sources,
            manifests,
            errors,
        } = info_span!("discover").in_scope(|| discover(root, parts));
        let read = |(path, full): (String, PathBuf)| {
            let mut file = ListedFile::new(path, Content::OnDisk(full), scope);
            if !file.waits {
                file.content = Content::Text(file.text());
            }
            file
        };
        let manifests = manifests.into_iter();
        Self {
            files: info_span!("read").in_scope(|| {
                let sources = sources.into_par_iter().with_max_len(FILES_AT_ONCE);
                sources.map(read).collect()
            }),
            manifests: manifests
                .filter_map(|(path, full)| Some((path, std::fs::read_to_string(full).ok()?)))
                .collect(),
            errors,
        }
    }

    /// The files of a commit in the same folder, of which `tracked` has the paths. What is there as it was is not read
    /// again; `differs` has the paths of the rest, `bytes` gives what they were.
    pub(crate) fn at_commit<'b>(
        &self,
        tracked: impl Iterator<Item = &'b str>,
        differs: &BTreeSet<String>,
        bytes: impl Fn(&str) -> Option<&'b [u8]>,
        scope: &Scope,
    ) -> Self {
        let now: BTreeMap<&str, &ListedFile> =
            self.files.iter().map(|file| (file.path.as_str(), file)).collect();
        let manifests_now: BTreeMap<&str, &str> = self
            .manifests
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_str()))
            .collect();
        let mut then = Self::default();
        for path in tracked {
            let before = differs.contains(path).then(|| bytes(path)).flatten();
            match (before, now.get(path), manifests_now.get(path)) {
                (None, Some(&file), _) => then.files.push(file.clone()),
                (None, _, Some(&text)) => then.manifests.push((path.to_owned(), text.to_owned())),
                (Some(before), None, Some(_)) => then.add_manifest(path, before),
                (Some(before), Some(_), _) => then.add_source(path, before, scope),
                // What was there as it is now and is not listed is left out on purpose.
                (None, None, None) => {}
                (Some(before), None, None) => match kind(path) {
                    Some(Kind::Manifest) => then.add_manifest(path, before),
                    Some(Kind::Source) => then.add_source(path, before, scope),
                    None => {}
                },
            }
        }
        then.files.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        then.manifests.sort_unstable();
        then
    }

    /// The files that were lowered elsewhere, by path, with the manifests there.
    pub(crate) fn of_facts(
        files: BTreeMap<String, FactsFile>,
        manifests: BTreeMap<String, String>,
        scope: &Scope,
    ) -> Self {
        let files = files.into_iter();
        Self {
            files: files
                .map(|(path, facts)| ListedFile::new(path, Content::Facts(facts), scope))
                .collect(),
            manifests: manifests.into_iter().collect(),
            errors: Vec::new(),
        }
    }

    /// Texts of Cargo manifests, by path.
    pub(crate) fn manifests(&self) -> &[(String, String)] {
        &self.manifests
    }

    fn add_source(&mut self, path: &str, bytes: &[u8], scope: &Scope) {
        let content = Content::Text(Text::of(read::decoded(bytes)));
        self.files.push(ListedFile::new(path.to_owned(), content, scope));
    }

    fn add_manifest(&mut self, path: &str, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes).into_owned();
        self.manifests.push((path.to_owned(), text));
    }

    /// The importable names of the project's Cargo packages.
    pub(crate) fn packages(&self) -> Vec<PackageRoot> {
        project::packages(&self.manifests)
    }

    /// Whether there is a source file of that path.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.files
            .binary_search_by(|file| file.path.as_str().cmp(path))
            .is_ok()
    }

    /// What is asked about them, whatever they say.
    ///
    /// # Errors
    ///
    /// Catalogues of the project that cannot be read.
    pub(crate) fn identity(&self, scope: &Scope, config: &Config) -> anyhow::Result<Question> {
        let mut identity = Question::of(scope, config)?;
        identity.add(self.manifests.len().to_le_bytes());
        for (path, text) in &self.manifests {
            identity.add(path);
            identity.add(text);
        }
        self.files.iter().for_each(|file| identity.add(&file.path));
        Ok(identity)
    }

    /// What is asked about them.
    ///
    /// # Errors
    ///
    /// As [`Self::identity`].
    pub(crate) fn question(&self, scope: &Scope, config: &Config) -> anyhow::Result<Question> {
        let mut question = self.identity(scope, config)?;
        for file in self.files.iter().filter(|file| !file.waits) {
            question.add(file.text().hash.to_le_bytes());
        }
        Ok(question)
    }
}
