//! The variables of a function and their values.

use std::rc::Rc;

use onequery_core::Name;

use crate::value::{Bits, Deps, Held, Value};

/// Variables in the order of their names. Functions have few, so a sorted list beats a map; every branch copies it, so values
/// are shared until one changes.
#[derive(Clone, Debug, Default)]
pub(super) struct Env(Vec<(Name, Rc<Value>)>);

impl Env {
    pub(super) fn get(&self, name: Name) -> Option<&Value> {
        self.find(name).ok().map(|at| &*self.0[at].1)
    }

    pub(super) fn get_mut(&mut self, name: Name) -> Option<&mut Value> {
        self.find(name).ok().map(|at| Rc::make_mut(&mut self.0[at].1))
    }

    pub(super) fn set(&mut self, name: Name, value: Value) {
        match self.find(name) {
            Ok(at) => self.0[at].1 = Rc::new(value),
            Err(at) => self.0.insert(at, (name, Rc::new(value))),
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
            let value = Rc::make_mut(value);
            value.deps = Deps::default();
            value.whole_params = Bits::default();
            value.held = Held::Outside;
            value.forget_param_rows();
            value.record = value.map_record(Value::exported);
        }
    }

    fn find(&self, name: Name) -> Result<usize, usize> {
        self.0.binary_search_by_key(&name, |(name, _)| *name)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Name, &Value)> {
        self.0.iter().map(|(name, value)| (*name, &**value))
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
                        joined.push((name, either(a, b)));
                    }
                }
            }
        }
    }
}

/// What is known of a variable that is one or the other; most of them no branch has changed.
fn either(a: Rc<Value>, b: Rc<Value>) -> Rc<Value> {
    if Rc::ptr_eq(&a, &b) {
        a
    } else {
        Rc::new(Rc::unwrap_or_clone(a).join(Rc::unwrap_or_clone(b)))
    }
}
