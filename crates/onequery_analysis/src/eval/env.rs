//! The variables of a function and their values.

use onequery_core::Name;

use crate::value::{Bits, Deps, Value};

/// Variables in the order of their names. Functions have few, so a sorted list beats a map and copies cheaply.
#[derive(Clone, Debug, Default)]
pub(super) struct Env(Vec<(Name, Value)>);

impl Env {
    pub(super) fn get(&self, name: Name) -> Option<&Value> {
        self.find(name).ok().map(|at| &self.0[at].1)
    }

    pub(super) fn get_mut(&mut self, name: Name) -> Option<&mut Value> {
        self.find(name).ok().map(|at| &mut self.0[at].1)
    }

    pub(super) fn set(&mut self, name: Name, value: Value) {
        match self.find(name) {
            Ok(at) => self.0[at].1 = value,
            Err(at) => self.0.insert(at, (name, value)),
        }
    }

    pub(super) fn remove(&mut self, name: Name) {
        if let Ok(at) = self.find(name) {
            self.0.remove(at);
        }
    }

    /// Makes all values independent of loops, parameters and queries: they are captured by another function.
    pub(super) fn forget_deps(&mut self) {
        for (_, value) in &mut self.0 {
            value.deps = Deps::default();
            value.whole_params = Bits::default();
            value.forget_param_rows();
            value.record = value.map_record(Value::exported);
        }
    }

    fn find(&self, name: Name) -> Result<usize, usize> {
        self.0.binary_search_by_key(&name, |(name, _)| *name)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &(Name, Value)> {
        self.0.iter()
    }

    /// What is known after two branches: a variable that only one of them has keeps its value.
    pub(super) fn join(self, other: Self) -> Self {
        let mut joined = Vec::with_capacity(self.0.len().max(other.0.len()));
        let (mut left, mut right) = (self.0.into_iter().peekable(), other.0.into_iter().peekable());
        loop {
            let order = match (left.peek(), right.peek()) {
                (Some((a, _)), Some((b, _))) => a.cmp(b),
                (Some(_), None) => std::cmp::Ordering::Less,
                (None, Some(_)) => std::cmp::Ordering::Greater,
                (None, None) => return Self(joined),
            };
            match order {
                std::cmp::Ordering::Less => joined.extend(left.next()),
                std::cmp::Ordering::Greater => joined.extend(right.next()),
                std::cmp::Ordering::Equal => {
                    if let (Some((name, a)), Some((_, b))) = (left.next(), right.next()) {
                        joined.push((name, a.join(b)));
                    }
                }
            }
        }
    }
}
