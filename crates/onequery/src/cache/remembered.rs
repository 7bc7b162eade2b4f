//! What the evaluation of a whole program came to, for runs on programs that differ from it in little.

use onequery_analysis::Memory;
use serde::{Deserialize, Serialize};

use super::lowered::TextHash;
use super::results::{Question, forget_oldest};
use super::{BUILD, Cache};

/// Where it is.
const FOLDER: &str = "remembered";

/// How many are kept; the ones that were kept longest ago go.
const MAX_REMEMBERED: usize = 2;

/// A file as it was.
#[derive(Serialize, Deserialize)]
pub(crate) struct RememberedFile {
    pub(crate) path: String,
    pub(crate) text: TextHash,
}

impl Cache {
    /// What an earlier run remembers that was asked the same, whatever the files said: the files of its project, by
    /// [`onequery_core::FileId`], and the analysis.
    pub(crate) fn remembered(&self, identity: &Question) -> Option<(Vec<RememberedFile>, Memory)> {
        postcard::from_bytes(&self.read(&identity.name(FOLDER))?).ok()
    }

    /// Keeps an analysis for later runs that are asked the same.
    pub(crate) fn remember(&self, identity: &Question, remembered: &(Vec<RememberedFile>, &Memory)) {
        let Some(folder) = &self.folder else { return };
        let Ok(bytes) = postcard::to_stdvec(remembered) else {
            return;
        };
        self.write(&identity.name(FOLDER), &bytes);
        forget_oldest(&folder.join(BUILD).join(FOLDER), MAX_REMEMBERED);
    }
}
