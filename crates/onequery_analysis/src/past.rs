//! What was known after each round of an analysis, and how each evaluation came to what it found out.
//!
//! An evaluation looks at three things: what the rounds before found out, which it asks for by [`Slot`]; the files it looks
//! into; and what linking made of the program. Where these are the same, it finds out the same. So of a program that differs
//! from the one of a [`Record`] in little, `replay` has to evaluate little to tell what a fresh analysis would find out.

use std::cell::RefCell;
use std::hash::Hash;
use std::sync::Arc;

use onequery_core::FileId;
use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};
use serde::{Deserialize, Serialize};

use crate::eval::Evaluated;
use crate::known::{Knowledge, OfFunction, Passed, Slot, hash};
use crate::learning::Told;
use crate::program::FnId;
use crate::summaries::MAX_ROUNDS;
use crate::value::Value;

/// What was known after each round.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Past {
    /// How many rounds there were.
    pub(crate) n_rounds: u8,
    pub(crate) functions: FxHashMap<Slot, Versions<OfFunction>>,
    pub(crate) attributes: FxHashMap<Slot, Versions<Value>>,
    pub(crate) variables: FxHashMap<Slot, Versions<Value>>,
    pub(crate) passed: FxHashMap<Slot, Versions<Passed>>,
}

/// What was known of one slot, each with the number of rounds after which it was.
#[derive(Serialize, Deserialize)]
pub(crate) struct Versions<T>(Vec<(u8, Option<T>)>);

impl<T> Versions<T> {
    /// What is known from after so many rounds on. Numbers never decrease.
    pub(crate) fn push(&mut self, n_rounds: u8, version: Option<T>) {
        if self.0.last().is_some_and(|(last, _)| *last == n_rounds) {
            self.0.pop();
        }
        self.0.push((n_rounds, version));
    }

    fn after(&self, n_rounds: u8) -> Option<&T> {
        let mut versions = self.0.iter().rev();
        versions.find(|(from, _)| *from <= n_rounds)?.1.as_ref()
    }
}

impl<T> Default for Versions<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

/// What was known after so many rounds.
#[derive(Clone, Copy)]
pub(crate) struct After<'p> {
    past: &'p Past,
    n_rounds: u8,
}

impl Knowledge for After<'_> {
    fn function(&self, slot: Slot) -> Option<&OfFunction> {
        self.past.functions.get(&slot)?.after(self.n_rounds)
    }

    fn attribute(&self, slot: Slot) -> Option<&Value> {
        self.past.attributes.get(&slot)?.after(self.n_rounds)
    }

    fn variable(&self, slot: Slot) -> Option<&Value> {
        self.past.variables.get(&slot)?.after(self.n_rounds)
    }

    fn passed(&self, slot: Slot) -> Option<&Passed> {
        self.past.passed.get(&slot)?.after(self.n_rounds)
    }

    fn n_rounds(&self) -> usize {
        self.n_rounds.into()
    }
}

// Rounds are kept as bits.
const _: () = assert!(MAX_ROUNDS < u32::BITS as usize - 1);

/// A whole analysis, as far as another one can follow it.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Record {
    /// All other lists by root have one more entry, for roots that were not there.
    roots: Vec<FnId>,
    past: Past,
    /// By round: what it changed, sorted.
    pub(crate) changed: Vec<Numbers<Slot>>,
    /// By root: in which rounds it was evaluated, as bits.
    rounds: Vec<u32>,
    /// By root: how many evaluations there were of those before it.
    before: Vec<usize>,
    /// By evaluation: [`asked`] of it.
    asked: Numbers<u64>,
    /// By evaluation: what it told of each slot, as [`Told::entries`].
    told: Lists<u64>,
    /// By root: what its evaluations asked for.
    pub(crate) reads: Lists<Slot>,
    /// By root: what its evaluations spoke of.
    pub(crate) speaks: Lists<Slot>,
    /// By root: the files that its evaluations looked into.
    pub(crate) files: Lists<u64>,
    /// By root: what its last evaluation found out.
    results: Blobs,
}

/// Numbers, kept in a form that is read at once.
pub(crate) struct Numbers<T>(pub(crate) Vec<T>);

impl<T> Default for Numbers<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Copy + Into<u64>> Serialize for Numbers<T> {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let numbers = self.0.iter().map(|number| (*number).into());
        let bytes: Vec<u8> = numbers.flat_map(u64::to_le_bytes).collect();
        to.serialize_bytes(&bytes)
    }
}

impl<'de, T: From<u64>> Deserialize<'de> for Numbers<T> {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let (numbers, _) = <&[u8]>::deserialize(from)?.as_chunks();
        let numbers = numbers.iter().map(|bytes| u64::from_le_bytes(*bytes));
        Ok(Self(numbers.map(T::from).collect()))
    }
}

/// Lists of numbers, one behind the other.
#[derive(Serialize, Deserialize)]
#[serde(bound(serialize = "T: Copy + Into<u64>", deserialize = "T: From<u64>"))]
pub(crate) struct Lists<T> {
    /// Where each ends.
    ends: Vec<usize>,
    items: Numbers<T>,
}

impl<T> Lists<T> {
    pub(crate) fn push(&mut self, list: impl IntoIterator<Item = T>) {
        self.items.0.extend(list);
        self.ends.push(self.items.0.len());
    }

    pub(crate) fn n_items(&self) -> usize {
        self.items.0.len()
    }

    pub(crate) fn get(&self, ix: usize) -> &[T] {
        let start = ix.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.items.0[start..self.ends[ix]]
    }
}

impl<T> Default for Lists<T> {
    fn default() -> Self {
        Self {
            ends: Vec::new(),
            items: Numbers::default(),
        }
    }
}

/// Values in bytes, one behind the other.
#[derive(Default, Serialize, Deserialize)]
struct Blobs {
    /// Where each ends.
    ends: Vec<usize>,
    bytes: Bytes,
}

impl Blobs {
    fn of<T: Serialize + Sync>(values: &[T]) -> Self {
        let blobs: Vec<Vec<u8>> = values
            .par_iter()
            .map(|value| postcard::to_stdvec(value).expect("all of it can be written"))
            .collect();
        let mut all = Self::default();
        for blob in blobs {
            all.bytes.0.extend(blob);
            all.ends.push(all.bytes.0.len());
        }
        all
    }

    fn get<T: serde::de::DeserializeOwned>(&self, ix: usize) -> Option<T> {
        let start = ix.checked_sub(1).map_or(0, |before| self.ends[before]);
        postcard::from_bytes(&self.bytes.0[start..self.ends[ix]]).ok()
    }
}

#[derive(Default)]
struct Bytes(Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(Self(<&[u8]>::deserialize(from)?.to_vec()))
    }
}

/// How evaluations of one root went.
#[derive(Default)]
pub(crate) struct Trace {
    rounds: u32,
    asked: Vec<u64>,
    told: Vec<Vec<u64>>,
    reads: Vec<Slot>,
    speaks: Vec<Slot>,
    files: Vec<FileId>,
}

impl Trace {
    /// Takes note of one evaluation, of what it told, and of the files that it looked into.
    pub(crate) fn note(
        &mut self,
        round: usize,
        evaluated: &Evaluated,
        told: &Told,
        files: impl IntoIterator<Item = FileId>,
    ) {
        self.rounds |= 1 << round;
        self.asked.push(asked(evaluated));
        self.told.push(told.entries());
        extend(&mut self.reads, evaluated.reads.iter().copied());
        extend(&mut self.speaks, told.slots());
        extend(&mut self.files, files);
    }
}

/// Adds what is not yet in a sorted list.
fn extend<T: Ord>(list: &mut Vec<T>, others: impl IntoIterator<Item = T>) {
    list.extend(others);
    list.sort_unstable();
    list.dedup();
}

impl Record {
    /// The record of an analysis.
    pub(crate) fn of(
        roots: &[FnId],
        past: Past,
        changed: Vec<Numbers<Slot>>,
        traces: Vec<Trace>,
        results: &[Arc<Evaluated>],
    ) -> Self {
        let mut record = Self {
            roots: roots.to_vec(),
            past,
            changed,
            results: Blobs::of(results),
            ..Self::default()
        };
        for trace in traces.into_iter().chain([Trace::default()]) {
            record.rounds.push(trace.rounds);
            record.before.push(record.asked.0.len());
            record.asked.0.extend(trace.asked);
            trace.told.into_iter().for_each(|told| record.told.push(told));
            record.reads.push(trace.reads);
            record.speaks.push(trace.speaks);
            let files = trace.files.into_iter();
            record.files.push(files.map(|file| u64::from(file.0)));
        }
        record
    }

    /// By root of another program: which one it is, or the one that stands for those that were not there; and the roots that
    /// the other program does not have.
    pub(crate) fn find(&self, roots: &[FnId]) -> (Vec<usize>, Vec<usize>) {
        let mut places: FxHashMap<FnId, usize> = self.roots.iter().copied().zip(0..).collect();
        let found = roots
            .iter()
            .map(|root| places.remove(root).unwrap_or(self.roots.len()));
        let found = found.collect();
        (found, places.into_values().collect())
    }

    /// Whether a root was there.
    pub(crate) fn has(&self, root: usize) -> bool {
        root < self.roots.len()
    }

    /// What was known after so many rounds.
    pub(crate) fn after(&self, n_rounds: usize) -> After<'_> {
        After {
            past: &self.past,
            n_rounds: u8::try_from(n_rounds).unwrap_or(u8::MAX),
        }
    }

    /// What the last evaluation of a root found out, but for what it asked for.
    pub(crate) fn result(&self, root: usize) -> Option<Evaluated> {
        self.results.get(root)
    }

    /// The last of the first `n_rounds` rounds in which a root was evaluated.
    pub(crate) fn last_round(&self, root: usize, n_rounds: usize) -> Option<usize> {
        let rounds = self.rounds[root] & ((1_u32 << n_rounds.min(31)) - 1);
        (rounds != 0).then(|| rounds.ilog2() as usize)
    }

    /// The rounds in which a root was evaluated.
    pub(crate) fn rounds(&self, root: usize) -> impl Iterator<Item = usize> {
        (0..u32::BITS as usize).filter(move |round| self.is_evaluated(root, *round))
    }

    /// [`asked`] of the last evaluation of a root in the first `n_rounds` rounds, and what it told.
    pub(crate) fn told(&self, root: usize, n_rounds: usize) -> (u64, &[u64]) {
        let rounds = self.rounds[root] & ((1_u32 << n_rounds.min(31)) - 1);
        match (rounds.count_ones() as usize).checked_sub(1) {
            Some(ix) => {
                let evaluation = self.before[root] + ix;
                (self.asked.0[evaluation], self.told.get(evaluation))
            }
            None => (0, &[]),
        }
    }

    /// Whether a root was evaluated in a round.
    pub(crate) fn is_evaluated(&self, root: usize, round: usize) -> bool {
        self.rounds[root] >> round & 1 == 1
    }
}

/// What an evaluation asked for, as one number.
pub(crate) fn asked(evaluated: &Evaluated) -> u64 {
    let reads = evaluated.reads.iter();
    reads.fold(0, |asked, slot| asked.wrapping_add(slot.0))
}

/// The number of what stands for the first of the keys that were asked for. There are fewer files than this.
const FIRST_KEY: u32 = 1 << 31;

/// How many numbers there are for keys. That some share one costs a few evaluations that are not needed.
pub(crate) const N_KEYS: u32 = 1 << 15;

thread_local! {
    /// The files that the evaluation at hand looks into, and what stands for the keys that it asks for.
    static LOOKED_INTO: RefCell<FxHashSet<FileId>> = RefCell::default();
}

/// Notes that a file is looked into.
pub(crate) fn look_into(file: FileId) {
    LOOKED_INTO.with_borrow_mut(|files| files.insert(file));
}

/// Notes that what is known by a key is asked for.
pub(crate) fn ask(key: &impl Hash) {
    look_into(place_of_key(number_of_key(key)));
}

/// The number of a key, below [`N_KEYS`].
pub(crate) fn number_of_key(key: &impl Hash) -> u32 {
    // The upper bits of such a hash are the better ones.
    u32::try_from(hash(key) >> (u64::BITS - N_KEYS.ilog2())).expect("there are fewer keys")
}

/// What stands among the files that were looked into for the keys of a number.
pub(crate) fn place_of_key(number: u32) -> FileId {
    FileId(FIRST_KEY | number)
}

/// What the evaluation around looked into; it goes on with that whatever becomes of the one inside.
struct Outer(FxHashSet<FileId>);

impl Drop for Outer {
    fn drop(&mut self) {
        let files = std::mem::take(&mut self.0);
        LOOKED_INTO.with_borrow_mut(|looked_into| looked_into.extend(files));
    }
}

/// Does something, and tells the files that were looked into for that, and what stands for the keys that were asked for.
pub(crate) fn looking<T>(work: impl FnOnce() -> T) -> (T, Vec<FileId>) {
    let _outer = Outer(LOOKED_INTO.take());
    let done = work();
    (done, LOOKED_INTO.take().into_iter().collect())
}
