//! Only what is new: the findings that a commit does not have, and those that changed lines take part in.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use onequery_core::{FileId, Finding, Fingerprint, Location};
use onequery_rules::Found;
use tracing::info_span;

use crate::cli::Check;
use crate::discover::kind;
use crate::git::{Change, Repository};
use crate::listed::Listed;
use crate::session::{Session, Target};
use crate::{pipeline, read};

/// What a commit has.
pub(crate) struct Since {
    base: Base,
    reason: &'static str,
}

/// A commit, analysed as the project is.
pub(crate) struct Base {
    /// Its files, by [`FileId`].
    pub(crate) paths: Vec<String>,
    /// By [`FileId`]: why a file is not reported on.
    pub(crate) hidden: Vec<Option<&'static str>>,
    /// With fingerprints as if its files were called as they are now.
    pub(crate) found: Found,
    /// The files that were changed since then, and what they were.
    changes: Vec<(Change, String)>,
}

/// What is new since then.
pub(crate) struct News {
    known: BTreeSet<Fingerprint>,
    /// By file: the bytes of the lines that were changed or added, in order.
    changed: BTreeMap<FileId, Vec<Range<u32>>>,
    reason: &'static str,
}

impl Base {
    /// Analyses a commit of the project whose files are `listed`.
    ///
    /// # Errors
    ///
    /// What git cannot tell.
    pub(crate) fn of(target: &Target, listed: &Listed, commit: &str, staged: bool) -> anyhow::Result<Self> {
        let repository = Repository(&target.root);
        // Git looks at all files for some of it, on one thread.
        let (differs, (changes, tracked)) = info_span!("ask git").in_scope(|| {
            rayon::join(
                || repository.differing(commit),
                || (repository.changes(commit, staged), repository.tracked(commit)),
            )
        });
        let (changes, tracked, differs) = (changes?, tracked?, differs?);
        let before = changes.iter().filter_map(|change| change.before.as_deref());
        let paths: BTreeSet<&str> = before.chain(differs.iter().map(String::as_str)).collect();
        let wanted: Vec<(&str, &str)> = paths
            .into_iter()
            .filter(|path| listed.has(path) || kind(path).is_some())
            .filter_map(|path| tracked.get_key_value(path))
            .map(|(path, id)| (path.as_str(), id.as_str()))
            .collect();
        let ids: Vec<&str> = wanted.iter().map(|(_, id)| *id).collect();
        let contents = repository.contents(&ids)?;
        let contents: BTreeMap<&str, &[u8]> = wanted
            .iter()
            .map(|(path, _)| *path)
            .zip(contents.iter().map(Vec::as_slice))
            .collect();
        let bytes = |path: &str| contents.get(path).copied();
        let paths = tracked.keys().map(String::as_str);
        let listed = listed.at_commit(paths, &differs, bytes, &target.scope);
        let (run, conclusion) = pipeline::run(&listed, &target.scope, &target.config, &target.cache)?;
        let renamed: BTreeMap<&str, &str> = changes
            .iter()
            .filter_map(|change| Some((change.before.as_deref()?, change.now.as_str())))
            .collect();
        let path_now = |file: FileId| {
            let path = run.sources.get(file).path.as_str();
            renamed.get(path).copied().unwrap_or(path)
        };
        let found = conclusion.found.renamed(&path_now);
        let with_text = |change: Change| {
            let before = change.before.as_deref().and_then(bytes);
            let text = before.map(|bytes| read::decoded(bytes).0);
            (change, text.unwrap_or_default())
        };
        Ok(Self {
            hidden: run.hidden,
            found,
            paths: run.sources.0.into_iter().map(|source| source.path).collect(),
            changes: changes.into_iter().map(with_text).collect(),
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
    pub(crate) fn of(args: &Check, target: &Target, listed: &Listed) -> anyhow::Result<Option<Self>> {
        let repository = Repository(&target.root);
        let (commit, reason) = match &args.diff {
            Some(rev) => (
                repository.merge_base(&repository.commit(rev)?)?,
                "in the merge base",
            ),
            None if args.staged => (repository.head()?, "in the last commit"),
            None => return Ok(None),
        };
        let base = Base::of(target, listed, &commit, args.staged)?;
        Ok(Some(Self { base, reason }))
    }

    /// Compares what is there now with the commit.
    pub(crate) fn compare(self, session: &Session) -> News {
        let changed = self.base.changes.iter().filter_map(|(change, before)| {
            let file = session.run.file(&change.now)?;
            Some((file, changed_lines(before, &session.run.sources.get(file).text)))
        });
        let findings = self.base.found.findings.iter();
        News {
            changed: changed.collect(),
            known: findings.map(|finding| finding.fingerprint).collect(),
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
