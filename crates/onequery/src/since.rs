//! Only what is new: the findings that a commit does not have, and those that changed lines take part in.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use anyhow::Context as _;
use onequery_core::{FileId, Finding, Fingerprint, Location};
use onequery_parser::front_end;
use onequery_rules::Found;
use tempfile::TempDir;

use crate::cli::Check;
use crate::git::{Change, Repository};
use crate::pipeline::{self, Run};
use crate::read;
use crate::session::{Session, Target};

/// What a commit has.
pub(crate) struct Since {
    findings: BTreeSet<Fingerprint>,
    changes: Vec<Change>,
    /// The commit's files.
    folder: TempDir,
    reason: &'static str,
}

/// A commit, analysed as the project is.
pub(crate) struct Base {
    pub(crate) run: Run,
    /// With fingerprints as if its files were called as they are now.
    pub(crate) found: Found,
    changes: Vec<Change>,
    /// The commit's files.
    folder: TempDir,
}

/// What is new since then.
pub(crate) struct News {
    known: BTreeSet<Fingerprint>,
    /// By file: the bytes of the lines that were changed or added, in order.
    changed: BTreeMap<FileId, Vec<Range<u32>>>,
    reason: &'static str,
}

impl Base {
    /// Analyses a commit.
    ///
    /// # Errors
    ///
    /// Files that cannot be taken from git or written.
    pub(crate) fn of(target: &Target, commit: &str, staged: bool) -> anyhow::Result<Self> {
        let repository = Repository(&target.root);
        let changes = repository.changes(commit, staged)?;
        let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
        // Ignored files count as ignored in a repository only.
        std::fs::create_dir(folder.path().join(".git"))?;
        let is_wanted = |path: &str| {
            let name = path.rsplit('/').next().unwrap_or(path);
            front_end(path).is_some() || matches!(name, "Cargo.toml" | ".gitignore" | ".ignore")
        };
        repository.extract(commit, is_wanted, folder.path())?;
        let run = pipeline::run(folder.path(), &target.scope, &target.config.catalogs()?);
        let renamed: BTreeMap<&str, &str> = changes
            .iter()
            .filter_map(|change| Some((change.before.as_deref()?, change.now.as_str())))
            .collect();
        let path_now = |file| {
            let path = run.sources.get(file).path.as_str();
            renamed.get(path).copied().unwrap_or(path)
        };
        let found = run.found(&path_now, target.config.settings.require_reason);
        Ok(Self {
            run,
            found,
            changes,
            folder,
        })
    }
}

impl Since {
    /// Analyses the commit that a run is to be compared with; `None` when it is not to be compared.
    ///
    /// A finding may be new in a file that nobody touched, for instance in a view whose model was changed. So both are
    /// analysed whole.
    ///
    /// # Errors
    ///
    /// No repository, no such revision, a shallow clone.
    pub(crate) fn of(args: &Check, target: &Target) -> anyhow::Result<Option<Self>> {
        let repository = Repository(&target.root);
        let (commit, reason) = match &args.diff {
            Some(rev) => (
                repository.merge_base(&repository.commit(rev)?)?,
                "in the merge base",
            ),
            None if args.staged => (repository.head()?, "in the last commit"),
            None => return Ok(None),
        };
        let base = Base::of(target, &commit, args.staged)?;
        Ok(Some(Self {
            findings: base
                .found
                .findings
                .iter()
                .map(|finding| finding.fingerprint)
                .collect(),
            changes: base.changes,
            folder: base.folder,
            reason,
        }))
    }

    /// Compares what is there now with the commit.
    pub(crate) fn compare(self, session: &Session) -> News {
        let sources = &session.run.sources.0;
        let changed = self.changes.iter().filter_map(|change| {
            let now = sources.binary_search_by(|source| source.path.as_str().cmp(&change.now));
            let now = now.ok()?;
            let before = change.before.as_ref();
            let before = before.map(|path| read::read(&self.folder.path().join(path)).0);
            let lines = changed_lines(before.as_deref().unwrap_or_default(), &sources[now].text);
            Some((FileId(u32::try_from(now).ok()?), lines))
        });
        News {
            changed: changed.collect(),
            known: self.findings,
            reason: self.reason,
        }
    }
}

/// The bytes of `now` whose lines `before` does not have.
fn changed_lines(before: &str, now: &str) -> Vec<Range<u32>> {
    let lines: [Vec<&str>; 2] = [before, now].map(|text| text.split_inclusive('\n').collect());
    let mut starts = vec![0_u32];
    for line in &lines[1] {
        let length = u32::try_from(line.len()).unwrap_or(u32::MAX);
        starts.push(starts.last().copied().unwrap_or(0).saturating_add(length));
    }
    // Git may write other line ends than it keeps.
    let [before, now] = lines.map(|lines| -> Vec<&str> {
        let contents = lines.into_iter().map(|line| line.trim_end_matches(['\r', '\n']));
        contents.collect()
    });
    let ops = similar::capture_diff_slices(similar::Algorithm::Patience, &before, &now);
    let changed = ops.iter().filter(|op| op.tag() != similar::DiffTag::Equal);
    let ranges = changed.map(similar::DiffOp::new_range);
    ranges
        .filter(|range| !range.is_empty())
        .map(|range| starts[range.start]..starts[range.end])
        .collect()
}

impl News {
    /// Why a finding is not new; `None` when it is.
    pub(crate) fn knows(&self, finding: &Finding) -> Option<&'static str> {
        let mut places = finding
            .steps
            .iter()
            .map(|step| step.location)
            .chain([finding.primary]);
        let is_old = self.known.contains(&finding.fingerprint) && !places.any(|place| self.touches(place));
        is_old.then_some(self.reason)
    }

    fn touches(&self, place: Location) -> bool {
        let changed = self.changed.get(&place.file).map_or(&[][..], Vec::as_slice);
        let span = place.span;
        changed
            .iter()
            .any(|range| range.start <= span.end && span.start < range.end)
    }
}

#[cfg(test)]
mod tests {
    use super::changed_lines;

    #[test]
    fn lines_that_were_not_there_before() {
        let check = |before: &str, now: &str, expected: &[&str]| {
            let ranges = changed_lines(before, now);
            let found: Vec<&str> = ranges
                .iter()
                .map(|range| &now[range.start as usize..range.end as usize])
                .collect();
            assert_eq!(found, expected);
        };
        check("a\nb\nc\n", "a\nB\nc\n", &["B\n"]);
        check("a\nc\n", "a\nb\nc\nd", &["b\n", "d"]);
        check("a\nb\n", "a\n", &[]);
        check("", "a\n", &["a\n"]);
        check("a\nb\n", "a\r\nB\r\n", &["B\r\n"]);
    }
}
