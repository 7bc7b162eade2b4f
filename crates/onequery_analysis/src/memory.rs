//! What is remembered of an analysis, for those of programs that differ from its in little.

use std::collections::{BTreeMap, BTreeSet};

use onequery_core::FileId;
use serde::{Deserialize, Serialize};
use tracing::info_span;

use crate::known::hash;
use crate::past::{Record, asked_module};
use crate::program::Program;
use crate::replay::replay;
use crate::summaries::{Settled, roots, settle_recorded};

/// What is remembered of an analysis, and how the program differs now.
#[derive(Default, Serialize, Deserialize)]
pub struct Memory {
    remembered: Option<Remembered>,
    /// Files whose texts are others now, each with what its module binds otherwise.
    #[serde(skip)]
    changed: BTreeMap<FileId, BTreeSet<Rebound>>,
}

/// A name that a module of Python binds to something else than it did, or that it did not bind or no longer binds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Rebound {
    /// By an import.
    Import(String),
    /// To a literal.
    Literal(String),
}

impl Rebound {
    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Import(name) | Self::Literal(name) => name,
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Remembered {
    /// The hash of what linking made of the program, as far as bodies of functions can change that.
    linked: u64,
    /// By file: the hash of what its imports stand for.
    imports: Vec<u64>,
    record: Record,
}

/// With more changed files than this an analysis is made from the start, so that the next ones have less to do.
const MAX_CHANGED: usize = 32;

impl Memory {
    /// Notes that the text of a file is another one than in the analysis that is remembered, or was in between: only in the
    /// bodies of functions that have a name and declare nothing, and in what binds some names that nothing else of the file
    /// has outside of such bodies.
    pub fn note_changed(&mut self, file: FileId, rebound: impl IntoIterator<Item = Rebound>) {
        self.changed.entry(file).or_default().extend(rebound);
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
        let imports = program.hash_imports();
        let remembered = self.remembered.as_ref().filter(|known| {
            let is_small = self.changed.len() <= MAX_CHANGED;
            is_small && known.linked == linked && self.is_own_business(program, &known.imports, &imports)
        });
        if let Some(known) = remembered {
            let files = self.changed.iter().flat_map(|(&file, rebound)| {
                let asked = (!rebound.is_empty()).then(|| asked_module(file));
                std::iter::once(file).chain(asked)
            });
            let changed: Vec<FileId> = files.collect();
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
            remembered: record.map(|record| Remembered {
                linked,
                imports,
                record,
            }),
            changed: BTreeMap::new(),
        };
        (settled, self.remembered.is_some())
    }

    /// Whether what modules bind otherwise matters in their own files only.
    fn is_own_business(&self, program: &Program<'_>, before: &[u64], now: &[u64]) -> bool {
        let rebound = || self.changed.iter().filter(|(_, rebound)| !rebound.is_empty());
        let others_import_the_same = before.len() == now.len()
            && (0..)
                .map(FileId)
                .zip(before.iter().zip(now))
                .all(|(file, (before, now))| {
                    before == now || self.changed.get(&file).is_some_and(|rebound| !rebound.is_empty())
                });
        // What these files import was not compared.
        let is_rebound =
            |name: &str| rebound().any(|(_, names)| names.iter().any(|other| other.name() == name));
        others_import_the_same
            && rebound().all(|(&file, names)| {
                let mut imported = program.imported_names(file, names);
                !program.is_asked_for(file, names) && !imported.any(is_rebound)
            })
    }
}
