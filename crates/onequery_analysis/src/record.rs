//! What is known of a dictionary: its values, under the keys that are written as text.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::value::Value;

/// How deep dictionaries are followed inside of each other; one that holds itself would grow for ever.
const MAX_DEPTH: usize = 3;

/// How many values a dictionary may hold, with those of the dictionaries inside; more of those are unknown.
const MAX_SIZE: usize = 500;

/// The values of a dictionary by key. It may have more than is known.
#[derive(Clone, Debug, Default, PartialEq, Hash, Serialize, Deserialize)]
pub(crate) struct Record {
    values: BTreeMap<Box<str>, Value>,
    /// How many values there are, with those of the dictionaries inside.
    size: usize,
    /// How many dictionaries are inside of each other at most.
    depth: usize,
}

impl Record {
    pub(crate) fn get(&self, key: &str) -> Option<&Value> {
        self.values.get(key)
    }

    /// Values of which nothing is known that could matter are not kept, and hide what was there before.
    pub(crate) fn set(&mut self, key: &str, mut value: Value) {
        if let Some(before) = self.values.remove(key) {
            self.size -= size_of(&before);
        }
        let is_too_much = |inner: &Self| inner.depth >= MAX_DEPTH || self.size + inner.size >= MAX_SIZE;
        if value.record.as_deref().is_some_and(is_too_much) {
            value.record = None;
        }
        // A variable has a meaning in its own file only.
        value.looked_up = None;
        if matters(&value) {
            self.size += size_of(&value);
            let below = value.record.as_ref().map_or(0, |record| record.depth);
            self.depth = self.depth.max(1 + below);
            self.values.insert(key.into(), value);
        }
    }

    /// Whether there is another value than this one under a key, as far as values are kept.
    pub(crate) fn differs(&self, key: &str, value: &Value) -> bool {
        match self.get(key) {
            Some(known) => known != value,
            None => matters(value),
        }
    }

    /// Takes over what another has.
    pub(crate) fn extend(&mut self, other: &Self) {
        for (key, value) in other.iter() {
            self.set(key, value.clone());
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.values.iter().map(|(key, value)| (&**key, value))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Each value changed.
    pub(crate) fn map(&self, change: impl Fn(&Value) -> Value) -> Self {
        let mut changed = Self::default();
        for (key, value) in self.iter() {
            changed.set(key, change(value));
        }
        changed
    }

    /// What is known when it is one or the other: a key that only one of them has keeps its value.
    pub(crate) fn join(mut self, other: &Self) -> Self {
        for (key, value) in other.iter() {
            let joined = match self.get(key) {
                Some(own) => own.clone().join(value.clone()),
                None => value.clone(),
            };
            self.set(key, joined);
        }
        self
    }

    /// Whether both say the same of values, as [`Value::is_same`] does.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.values.len() == other.values.len()
            && self
                .iter()
                .zip(other.iter())
                .all(|((a, x), (b, y))| a == b && x.is_same(y))
    }
}

/// Whether something is known of a value that could matter.
fn matters(value: &Value) -> bool {
    value.says_something() || value.truth.is_some()
}

/// How many values one is, with those in it.
fn size_of(value: &Value) -> usize {
    1 + value.record.as_ref().map_or(0, |record| record.size)
}
