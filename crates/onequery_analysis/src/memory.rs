//! What is remembered of an analysis, for those of programs that differ from its in little.

use std::collections::BTreeSet;

use onequery_core::FileId;
use serde::{Deserialize, Serialize};
use tracing::info_span;

use crate::known::hash;
use crate::past::Record;
use crate::program::Program;
use crate::replay::replay;
use crate::summaries::{Settled, roots, settle_recorded};

/// What is remembered of an analysis, and how the program differs now.
#[derive(Default, Serialize, Deserialize)]
pub struct Memory {
    remembered: Option<Remembered>,
    /// Files whose texts are others now.
    #[serde(skip)]
    changed: BTreeSet<FileId>,
}

#[derive(Serialize, Deserialize)]
struct Remembered {
    /// The hash of what linking made of the program, as far as bodies of functions can change that.
    linked: u64,
    record: Record,
}

/// With more changed files than this an analysis is made from the start, so that the next ones have less to do.
const MAX_CHANGED: usize = 32;

impl Memory {
    /// Notes that the text of a file is another one than in the analysis that is remembered, or was in between: only in the
    /// bodies of functions that have a name and declare nothing.
    pub fn note_changed(&mut self, file: FileId) {
        self.changed.insert(file);
    }

    /// How many files are others than in the analysis that is remembered, or were in between.
    #[must_use]
    pub fn n_changed(&self) -> usize {
        self.changed.len()
    }

    /// What evaluating all functions finds out, and whether that was found out from the start and is remembered now.
    pub(crate) fn settle(&mut self, program: &mut Program<'_>) -> (Settled, bool) {
        let roots = roots(program);
        let linked = hash(&(&roots, program.linked()));
        let remembered = self.remembered.as_ref().filter(|known| known.linked == linked);
        if let Some(known) = remembered.filter(|_| self.changed.len() <= MAX_CHANGED) {
            let changed: Vec<FileId> = self.changed.iter().copied().collect();
            let replayed = info_span!("replay").in_scope(|| replay(program, &roots, &known.record, &changed));
            if let Some(results) = replayed {
                let settled = Settled {
                    results,
                    is_settled: true,
                };
                return (settled, false);
            }
        }
        program.tells_files = true;
        let (settled, record) = settle_recorded(program, &roots);
        *self = Self {
            remembered: record.map(|record| Remembered { linked, record }),
            changed: BTreeSet::new(),
        };
        (settled, self.remembered.is_some())
    }
}
