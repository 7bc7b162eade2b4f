//! What whole runs concluded, by what they were asked and by all texts that they read.

use std::path::Path;

use onequery_core::{FileId, Problem, ProblemKind};
use onequery_rules::Found;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3;

use super::lowered::TextHash;
use super::{BUILD, Cache};
use crate::config::Config;
use crate::scope::Scope;

/// Where they are.
pub(super) const FOLDER: &str = "results";

/// How many are kept; the ones that were kept longest ago go.
const MAX_RESULTS: usize = 8;

/// What a run is asked, as far as that decides which files are read and what is found in them.
pub(crate) struct Question(Xxh3);

impl Question {
    /// What the settings say.
    ///
    /// # Errors
    ///
    /// Catalogues of the project that cannot be read.
    pub(crate) fn of(scope: &Scope, config: &Config) -> anyhow::Result<Self> {
        let mut question = Self(Xxh3::new());
        question.add(scope.identity());
        question.add([u8::from(config.settings.require_reason)]);
        question.add(format!("{:?}", config.settings.entry_points));
        let catalogs = config.own_catalogs()?;
        question.add(catalogs.len().to_le_bytes());
        catalogs.iter().for_each(|(_, text)| question.add(text));
        Ok(question)
    }

    /// Adds a part. Parts do not run into each other.
    pub(crate) fn add(&mut self, part: impl AsRef<[u8]>) {
        let part = part.as_ref();
        self.0.update(&(part.len() as u64).to_le_bytes());
        self.0.update(part);
    }

    /// The name of what is kept in a folder to answer it.
    pub(super) fn name(&self, folder: &str) -> String {
        format!("{folder}/{:032x}", self.0.digest128())
    }
}

/// What a run concluded from the texts that it read, wherever the project is and whoever owns it.
#[derive(Serialize, Deserialize)]
pub(crate) struct Conclusion {
    /// The files that were read, by [`FileId`]: where they stand among those that were discovered, and their texts.
    pub(crate) read: Vec<(u32, TextHash)>,
    /// By [`FileId`]: whether what a file imports says that it makes up data.
    pub(crate) makes_up_data: Vec<bool>,
    #[serde(with = "found")]
    pub(crate) found: Found,
    /// What was odd about lowering, analysing and checking, not about reading.
    pub(crate) problems: Vec<(FileId, Problem)>,
    /// How many functions count the statements that something executes.
    pub(crate) n_guards: usize,
}

impl Conclusion {
    /// Whether we failed nowhere. Where we did, the next run shall see it, too.
    pub(crate) fn is_sound(&self) -> bool {
        let mut problems = self.problems.iter();
        problems.all(|(_, problem)| problem.kind != ProblemKind::Internal)
    }
}

/// Findings with the ids of their rules, and which of them are accepted.
mod found {
    use onequery_core::{Finding, Fingerprint};
    use onequery_rules::{Found, rule};
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serialize as _, Serializer};

    pub(super) fn serialize<S: Serializer>(found: &Found, to: S) -> Result<S::Ok, S::Error> {
        let findings = found.findings.iter().map(|finding| (finding.rule, finding));
        (findings.collect::<Vec<_>>(), &found.accepted).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Found, D::Error> {
        let (findings, accepted) = <(Vec<(String, Finding)>, Vec<Fingerprint>)>::deserialize(from)?;
        let findings = findings.into_iter().map(|(id, finding)| {
            let known = rule(&id).ok_or_else(|| D::Error::custom("it is no rule of this program"))?;
            Ok(Finding {
                rule: known.id,
                ..finding
            })
        });
        Ok(Found {
            findings: findings.collect::<Result<_, _>>()?,
            accepted: accepted.into_iter().collect(),
            problems: Vec::new(),
        })
    }
}

impl Cache {
    /// What an earlier run concluded that was asked the same.
    pub(crate) fn recall(&self, question: &Question) -> Option<Conclusion> {
        postcard::from_bytes(&self.read(&question.name(FOLDER))?).ok()
    }

    /// Keeps what a run concluded for later ones that are asked the same.
    pub(crate) fn keep(&self, question: &Question, conclusion: &Conclusion) {
        let Some(folder) = &self.folder else { return };
        let Ok(bytes) = postcard::to_stdvec(conclusion) else {
            return;
        };
        self.write(&question.name(FOLDER), &bytes);
        forget_oldest(&folder.join(BUILD).join(FOLDER), MAX_RESULTS);
    }
}

/// Deletes files of a folder until there are no more than may be.
pub(super) fn forget_oldest(folder: &Path, most: usize) {
    let mut files = super::files_below(folder);
    files.sort_by_key(|(_, meta)| std::cmp::Reverse(meta.modified().ok()));
    for (path, _) in files.into_iter().skip(most) {
        // Another run may be faster.
        let _ = std::fs::remove_file(path);
    }
}
