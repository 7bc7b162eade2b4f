//! Findings that are known: a sorted text file, one finding a line.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use onequery_core::{Finding, Fingerprint, RecordError, RecordFile};

use crate::identity::{Identity, fingerprint};

/// The file that it is written to.
const FILE: RecordFile = RecordFile {
    name: "baseline",
    version: 1,
    fields: "path, rule, scope, headline and fingerprint",
    after_merge: "keep the lines of both sides that `onequery baseline prune` does not drop",
};

/// How many findings alike are looked through for the rank of one.
const MAX_RANK: u32 = 10_000;

/// A finding that is known.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Path of the file, relative to the project root.
    pub path: String,
    /// The rule's id.
    pub rule: String,
    /// Qualified name of the enclosing function; empty at module level.
    pub scope: String,
    /// The finding's headline.
    pub message: String,
    /// What tells it from all others.
    pub fingerprint: Fingerprint,
}

impl Entry {
    /// The entry of a finding in a file.
    #[must_use]
    pub fn of(finding: &Finding, path: &str) -> Self {
        Self {
            path: path.to_owned(),
            rule: finding.rule.to_owned(),
            scope: finding.scope.clone(),
            message: finding.message.clone(),
            fingerprint: finding.fingerprint,
        }
    }

    /// The entry once its file is called otherwise.
    fn moved_to(&self, path: &str) -> Self {
        let identity = |path| Identity {
            rule: &self.rule,
            path,
            scope: &self.scope,
            message: &self.message,
        };
        let rank = (1..MAX_RANK).find(|&rank| fingerprint(&identity(&self.path), rank) == self.fingerprint);
        Self {
            path: path.to_owned(),
            fingerprint: fingerprint(&identity(path), rank.unwrap_or(1)),
            ..self.clone()
        }
    }
}

/// The findings that are known, sorted by path, rule, scope and headline.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Baseline {
    entries: BTreeSet<Entry>,
    fingerprints: BTreeSet<Fingerprint>,
}

impl FromIterator<Entry> for Baseline {
    fn from_iter<T: IntoIterator<Item = Entry>>(entries: T) -> Self {
        let entries: BTreeSet<Entry> = entries.into_iter().collect();
        Self {
            fingerprints: entries.iter().map(|entry| entry.fingerprint).collect(),
            entries,
        }
    }
}

impl Baseline {
    /// Reads what [`Display`](fmt::Display) wrote.
    ///
    /// # Errors
    ///
    /// The first line that is none of a baseline: a conflict of a merge, a version of the form that is not known here.
    pub fn parse(text: &str) -> Result<Self, RecordError> {
        let entry = |(line, [path, rule, scope, message, hash]): (usize, [String; 5])| {
            let fingerprint = Fingerprint::parse(&hash).ok_or_else(|| RecordError {
                line,
                message: "the last field is no fingerprint: 16 hexadecimal digits".to_owned(),
            })?;
            Ok(Entry {
                path,
                rule,
                scope,
                message,
                fingerprint,
            })
        };
        FILE.read(text)?.into_iter().map(entry).collect()
    }

    /// Whether a finding is known.
    #[must_use]
    pub fn knows(&self, finding: Fingerprint) -> bool {
        self.fingerprints.contains(&finding)
    }

    /// All entries, sorted.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter()
    }

    /// Follows files that are called otherwise now, by their old paths.
    #[must_use]
    pub fn renamed(self, renames: &BTreeMap<String, String>) -> Self {
        let entries = self
            .entries
            .into_iter()
            .map(|entry| match renames.get(&entry.path) {
                Some(path) => entry.moved_to(path),
                None => entry,
            });
        entries.collect()
    }
}

impl fmt::Display for Baseline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hashes: Vec<String> = self
            .entries
            .iter()
            .map(|entry| entry.fingerprint.to_string())
            .collect();
        let records = self.entries.iter().zip(&hashes).map(|(entry, hash)| {
            let Entry {
                path,
                rule,
                scope,
                message,
                ..
            } = entry;
            [path, rule, scope, message, hash].map(String::as_str)
        });
        f.write_str(&FILE.write(records))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(path: &str, rank: u32) -> Entry {
        let (rule, scope, message) = ("query-in-loop", "Cart.total", "`get` queries\tonce");
        let identity = Identity {
            rule,
            path,
            scope,
            message,
        };
        Entry {
            path: path.to_owned(),
            rule: rule.to_owned(),
            scope: scope.to_owned(),
            message: message.to_owned(),
            fingerprint: fingerprint(&identity, rank),
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let odd = [
            "a b.py",
            "a\tb\n\\.py",
            "#a.py",
            "<<<<<<<.py",
            "\u{e9}\r.py",
            "\\",
        ];
        let baseline: Baseline = odd.iter().map(|path| entry(path, 1)).collect();
        let text = baseline.to_string();
        assert_eq!(text.lines().count(), 1 + odd.len());
        assert_eq!(Baseline::parse(&text), Ok(baseline));
        assert_eq!(Baseline::parse(""), Ok(Baseline::default()));
    }

    #[test]
    fn a_renamed_file_keeps_its_entries() {
        let before: Baseline = [entry("a.py", 1), entry("a.py", 2), entry("c.py", 1)]
            .into_iter()
            .collect();
        let after: Baseline = [entry("b.py", 1), entry("b.py", 2), entry("c.py", 1)]
            .into_iter()
            .collect();
        let renames = BTreeMap::from([("a.py".to_owned(), "b.py".to_owned())]);
        assert_eq!(before.renamed(&renames), after);
    }

    #[test]
    fn what_is_no_baseline_says_where() {
        let check = |text: &str, line, part: &str| {
            let error = Baseline::parse(text).expect_err("the text is no baseline");
            assert!(error.line == line && error.message.contains(part), "{error}");
        };
        let head = "# onequery baseline 1\n";
        check("hello\n", 1, "no baseline");
        check("# onequery baseline 2\n", 1, "version 2");
        check(&format!("{head}<<<<<<< ours\n"), 2, "merge");
        check(&format!("<<<<<<< ours\n{head}"), 1, "merge");
        check(&format!("{head}\na.py\tquery-in-loop\n"), 3, "tabs");
        check(&format!("{head}a.py\tr\ts\tm\tzz\n"), 2, "fingerprint");
        check(
            &format!("{head}a.py\tr\ts\tm\t+123456789012345\n"),
            2,
            "fingerprint",
        );
    }
}
