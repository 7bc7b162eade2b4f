//! What is known of a dictionary: its values, under the keys that are written as text.

use std::collections::BTreeMap;

use crate::value::Value;

/// How deep dictionaries are followed inside of each other; one that holds itself would grow for ever.
const MAX_DEPTH: usize = 3;

/// The values of a dictionary by key. It may have more than is known.
#[derive(Clone, Debug, Default)]
pub(crate) struct Record(BTreeMap<Box<str>, Value>);

impl Record {
    pub(crate) fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key)
    }

    /// Values of which nothing is known that could matter are not kept, and hide what was there before.
    pub(crate) fn set(&mut self, key: &str, mut value: Value) {
        if value
            .record
            .as_ref()
            .is_some_and(|record| record.depth() >= MAX_DEPTH)
        {
            value.record = None;
        }
        if value.says_something() {
            self.0.insert(key.into(), value);
        } else {
            self.0.remove(key);
        }
    }

    /// Takes over what another has.
    pub(crate) fn extend(&mut self, other: &Self) {
        for (key, value) in &other.0 {
            self.set(key, value.clone());
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(key, value)| (&**key, value))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn depth(&self) -> usize {
        let below = self.0.values().filter_map(|value| value.record.as_ref());
        1 + below.map(|record| record.depth()).max().unwrap_or(0)
    }

    /// Each value changed.
    pub(crate) fn map(&self, change: impl Fn(&Value) -> Value) -> Self {
        Self(
            self.0
                .iter()
                .map(|(key, value)| (key.clone(), change(value)))
                .collect(),
        )
    }

    /// What is known when it is one or the other: a key that only one of them has keeps its value.
    pub(crate) fn join(mut self, other: &Self) -> Self {
        for (key, value) in &other.0 {
            let joined = match self.0.remove(key) {
                Some(own) => own.join(value.clone()),
                None => value.clone(),
            };
            self.0.insert(key.clone(), joined);
        }
        self
    }

    /// Whether both say the same of values, as [`Value::is_same`] does.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.0.len() == other.0.len()
            && self
                .0
                .iter()
                .zip(&other.0)
                .all(|((a, x), (b, y))| a == b && x.is_same(y))
    }
}
