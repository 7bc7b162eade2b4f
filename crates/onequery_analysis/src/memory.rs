//! What is remembered of an analysis, for those of programs that differ from its in little.

use std::collections::BTreeSet;

use onequery_core::FileId;
use rustc_hash::FxHashSet;
use serde::{Deserialize, Serialize};
use tracing::info_span;

use crate::past::Record;
use crate::program::{IdNames, Like, Linked, Program};
use crate::replay::replay;
use crate::summaries::{Settled, roots, settle_recorded};

/// What is remembered of an analysis, and which files are others now.
#[derive(Default, Serialize, Deserialize)]
pub struct Memory {
    remembered: Option<Remembered>,
    #[serde(skip)]
    changed: BTreeSet<FileId>,
}

#[derive(Serialize, Deserialize)]
struct Remembered {
    names: IdNames,
    linked: Linked,
    record: Record,
}

/// With more changed files than this an analysis is made from the start, so that the next ones have less to do.
const MAX_CHANGED: usize = 32;

impl Memory {
    /// Notes that the text of a file is another one than in the analysis that is remembered, or was in between.
    pub fn note_changed(&mut self, file: FileId) {
        self.changed.insert(file);
    }

    /// How many files are others than in the analysis that is remembered, or were in between.
    #[must_use]
    pub fn n_changed(&self) -> usize {
        self.changed.len()
    }

    /// The names of the program that is remembered, and the files that are others now.
    pub(crate) fn names(&self) -> Option<Like<'_>> {
        let is_small = self.changed.len() <= MAX_CHANGED;
        let remembered = self.remembered.as_ref().filter(|_| is_small)?;
        Some((&remembered.names, &self.changed))
    }

    /// What evaluating all functions finds out, from what is remembered; `None` if that has to be tried.
    pub(crate) fn replay(&self, program: &Program<'_>) -> Option<Settled> {
        let remembered = self.remembered.as_ref().filter(|_| program.keeps_ids())?;
        let linked = info_span!("compare").in_scope(|| Linked::of(program));
        let differences = remembered.linked.differences(&linked)?;
        let changed: FxHashSet<FileId> = self.changed.iter().copied().chain(differences).collect();
        let results = info_span!("replay").in_scope(|| replay(program, &remembered.record, &changed))?;
        Some(Settled {
            results,
            is_settled: true,
        })
    }

    /// What evaluating all functions finds out, which is remembered from now on.
    pub(crate) fn record(&mut self, program: &mut Program<'_>) -> Settled {
        program.tells_files = true;
        let (settled, record) = settle_recorded(program, &roots(program));
        program.tells_files = false;
        *self = Self {
            remembered: record.map(|record| Remembered {
                names: IdNames::of(program),
                linked: Linked::of(program),
                record,
            }),
            changed: BTreeSet::new(),
        };
        settled
    }
}
