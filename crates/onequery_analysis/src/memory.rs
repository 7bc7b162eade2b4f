//! What evaluations found out, to be used again when a program is analysed that differs from the last one in little.
//!
//! Evaluating a function looks at three things: what the rounds so far found out, which it asks for by [`Slot`]; the files it
//! looks into; and what linking made of the program. While the last is the same, an evaluation that asked for equal things
//! and looked into files that are the same finds out the same. Rounds stay what they are, so what comes out is what a fresh
//! analysis gives.

use std::cell::RefCell;
use std::hash::{Hash, Hasher as _};
use std::sync::Arc;

use onequery_core::FileId;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::eval::Evaluated;
use crate::known::Slot;
use crate::program::{FnId, Program};

/// Evaluations of one program, and of those it becomes.
#[derive(Default)]
pub struct Memory {
    /// The hash of what linking made of the program, as far as bodies of functions can change that.
    linked: Option<u64>,
    /// By root.
    pub(crate) kept: Vec<Kept>,
}

/// Evaluations of one function.
#[derive(Default)]
pub(crate) struct Kept(Vec<Entry>);

struct Entry {
    /// What it asked for, each with the hash of the answer.
    answers: Box<[(Slot, Option<u64>)]>,
    files: Box<[FileId]>,
    evaluated: Arc<Evaluated>,
    /// By the last analysis.
    is_used: bool,
}

/// The hashes of what is known, by slot.
#[derive(Default)]
pub(crate) struct Answers(FxHashMap<Slot, u64>);

impl Answers {
    /// Takes the hash of what is known of a slot now.
    pub(crate) fn set(&mut self, slot: Slot, answer: u64) {
        self.0.insert(slot, answer);
    }

    pub(crate) fn remove(&mut self, slot: Slot) {
        self.0.remove(&slot);
    }

    /// That nothing is known is an answer, too, and another one than that something is known to be unknown.
    fn of(&self, slot: Slot) -> Option<u64> {
        self.0.get(&slot).copied()
    }
}

/// The hash of an answer.
pub(crate) fn hash(of: &impl Hash) -> u64 {
    let mut hasher = rustc_hash::FxHasher::default();
    of.hash(&mut hasher);
    hasher.finish()
}

impl Memory {
    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// Prepares for a program, of which the texts of `changed` files are other ones than last time. What else is different
    /// follows from these.
    pub(crate) fn prepare(&mut self, program: &Program<'_>, roots: &[FnId], changed: &[FileId]) {
        let linked = hash(&(roots, program.linked()));
        if self.linked.replace(linked) != Some(linked) {
            self.kept.clear();
        }
        self.kept.resize_with(roots.len(), Kept::default);
        for Kept(entries) in &mut self.kept {
            entries.retain(|entry| entry.is_used && !changed.iter().any(|file| entry.files.contains(file)));
            entries.iter_mut().for_each(|entry| entry.is_used = false);
        }
    }
}

impl Kept {
    /// What an evaluation found out that was given the same answers.
    pub(crate) fn recall(&mut self, answers: &Answers) -> Option<Arc<Evaluated>> {
        let is_same = |entry: &&mut Entry| {
            let mut asked = entry.answers.iter();
            asked.all(|&(slot, answer)| answers.of(slot) == answer)
        };
        let entry = self.0.iter_mut().find(is_same)?;
        entry.is_used = true;
        Some(entry.evaluated.clone())
    }

    /// Keeps what an evaluation found out, unless it failed.
    pub(crate) fn keep(&mut self, evaluated: &Arc<Evaluated>, files: Box<[FileId]>, answers: &Answers) {
        if evaluated.problem.is_some() {
            return;
        }
        let asked = evaluated.reads.iter();
        self.0.push(Entry {
            answers: asked.map(|&slot| (slot, answers.of(slot))).collect(),
            files,
            evaluated: evaluated.clone(),
            is_used: true,
        });
    }
}

thread_local! {
    /// The files that the evaluation at hand looks into.
    static LOOKED_INTO: RefCell<FxHashSet<FileId>> = RefCell::default();
}

/// Notes that a file is looked into.
pub(crate) fn look_into(file: FileId) {
    LOOKED_INTO.with_borrow_mut(|files| files.insert(file));
}

/// Does something, and tells the files that were looked into.
pub(crate) fn looking<T>(work: impl FnOnce() -> T) -> (T, Box<[FileId]>) {
    LOOKED_INTO.with_borrow_mut(FxHashSet::clear);
    let done = work();
    let mut files: Vec<FileId> = LOOKED_INTO.with_borrow_mut(|files| files.drain().collect());
    files.sort_unstable();
    (done, files.into())
}
