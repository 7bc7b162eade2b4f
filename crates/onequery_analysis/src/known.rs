//! What the rounds of evaluation so far found out of the whole program.

use std::hash::{Hash, Hasher as _};
use std::sync::Arc;

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use crate::facts::{CalledEach, FnFacts, Given, Invoked};
use crate::program::Program;
use crate::rows::{RowSource, Rows};
use crate::value::{Bits, Bound, Ty, Value, join_rows};

/// What an evaluation may ask for.
pub(crate) trait Knowledge: Sync {
    /// What is known of a function from its own evaluation: by [`About::Function`].
    fn function(&self, slot: Slot) -> Option<&OfFunction>;
    /// An attribute assigned in methods and class bodies: by [`About::Attribute`].
    fn attribute(&self, slot: Slot) -> Option<&Value>;
    /// A variable of a module: by [`About::Variable`].
    fn variable(&self, slot: Slot) -> Option<&Value>;
    /// What the calls that were seen pass to a function: by [`About::Passed`].
    fn passed(&self, slot: Slot) -> Option<&Passed>;
    /// How many rounds there were. What depends on it asks by [`Slot::pages`].
    fn n_rounds(&self) -> usize;
}

/// What earlier rounds found out. Of what is not in it nothing is known.
#[derive(Debug, Default)]
pub(crate) struct Known {
    pub(crate) functions: FxHashMap<Slot, OfFunction>,
    pub(crate) attributes: FxHashMap<Slot, Value>,
    pub(crate) variables: FxHashMap<Slot, Value>,
    pub(crate) passed: FxHashMap<Slot, Passed>,
    pub(crate) n_rounds: usize,
}

impl Knowledge for Known {
    fn function(&self, slot: Slot) -> Option<&OfFunction> {
        self.functions.get(&slot)
    }

    fn attribute(&self, slot: Slot) -> Option<&Value> {
        self.attributes.get(&slot)
    }

    fn variable(&self, slot: Slot) -> Option<&Value> {
        self.variables.get(&slot)
    }

    fn passed(&self, slot: Slot) -> Option<&Passed> {
        self.passed.get(&slot)
    }

    fn n_rounds(&self) -> usize {
        self.n_rounds
    }
}

/// What is known of one function from its own evaluation.
#[derive(Clone, Debug, Default, PartialEq, Hash, Serialize, Deserialize)]
pub(crate) struct OfFunction {
    /// What calling it gives.
    pub(crate) returns: Value,
    /// The parameters that what it gives is computed from.
    pub(crate) returned_from: Bits,
    /// Parameters that are gone through or taken as a whole set.
    pub(crate) collections: Bits,
    /// Parameters whose rows an attribute is given.
    pub(crate) stores: Bits,
    /// Those, and the ones that are passed on to a function that stores them.
    pub(crate) stored: Bits,
    /// The parameters that it calls.
    pub(crate) invoked: Invoked,
    /// The parameters that it calls per element.
    pub(crate) called_each: Vec<CalledEach>,
}

impl OfFunction {
    pub(crate) fn of(found: &FnFacts) -> Self {
        let returned_from = found.returns.as_ref().map(|returned| returned.deps.params);
        Self {
            returns: found.returns.as_ref().map(Value::returned).unwrap_or_default(),
            returned_from: returned_from.unwrap_or_default(),
            collections: found.collections,
            stores: found.stores,
            stored: found.stored,
            invoked: found.invoked,
            called_each: found.called_each.clone(),
        }
    }

    /// Leaves unknown what may go on changing, and keeps what was known `before` of the rest.
    pub(crate) fn give_up(&mut self, before: &Self) {
        self.returns = Value::default();
        self.called_each = Vec::new();
        self.returned_from.add(before.returned_from);
        self.collections.add(before.collections);
        self.stores.add(before.stores);
        self.stored.add(before.stored);
        self.invoked.params.add(before.invoked.params);
        self.invoked.to_fill.add(before.invoked.to_fill);
        self.invoked.holders.add(before.invoked.holders);
    }

    /// Whether another says the same, as far as callers may know of it.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let mut called = self.called_each.iter().zip(&other.called_each);
        self.returns.is_same(&other.returns)
            && self.returned_from == other.returned_from
            && self.collections == other.collections
            && self.stores == other.stores
            && self.stored == other.stored
            && self.invoked == other.invoked
            && self.called_each.len() == other.called_each.len()
            && called.all(|(a, b)| a.is_same(b))
    }
}

/// What calls pass to a function, by parameter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Passed(Vec<PassedTo>);

/// What calls pass for one parameter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PassedTo {
    pub(crate) ty: Ty,
    /// Two calls pass different types: no more is to be known than they have in common.
    differs: bool,
    /// `None` until a call is seen.
    pub(crate) bound: Option<Bound>,
    /// The largest literal integer, as long as every call passes one.
    pub(crate) int: Option<i64>,
    /// The rows in it that are stored: what one call has loaded counts as loaded. `None` if no call passes any.
    pub(crate) rows: Option<Arc<Rows>>,
}

impl Passed {
    /// Whether two say the same of the types that are passed. Where no call is known they are unknown.
    fn have_same_types(a: Option<&Self>, b: Option<&Self>) -> bool {
        Self::agree(a, b, |a, b| a.ty == b.ty)
    }

    /// Whether two say the same of bounds and numbers. Where no call is known these depend on data.
    fn have_same_amounts(a: Option<&Self>, b: Option<&Self>) -> bool {
        Self::agree(a, b, |a, b| {
            (a.bound.unwrap_or_default(), a.int) == (b.bound.unwrap_or_default(), b.int)
        })
    }

    /// Whether two say the same of the rows that are passed.
    fn have_same_rows(a: Option<&Self>, b: Option<&Self>) -> bool {
        Self::agree(a, b, |a, b| a.rows == b.rows)
    }

    fn are_both_called(a: Option<&Self>, b: Option<&Self>) -> bool {
        a.is_some() == b.is_some()
    }

    fn agree(a: Option<&Self>, b: Option<&Self>, same: impl Fn(&PassedTo, &PassedTo) -> bool) -> bool {
        fn params(passed: Option<&Passed>) -> &[PassedTo] {
            passed.map_or(&[], |passed| &passed.0)
        }
        let (a, b) = (params(a), params(b));
        let nothing = PassedTo::default();
        (0..a.len().max(b.len())).all(|ix| same(a.get(ix).unwrap_or(&nothing), b.get(ix).unwrap_or(&nothing)))
    }

    /// What all calls that were seen pass for a parameter.
    pub(crate) fn type_of(&self, param: usize) -> Ty {
        self.0
            .get(param)
            .map(|passed| passed.ty.clone())
            .unwrap_or_default()
    }

    /// What they pass for a parameter, when some call is known.
    pub(crate) fn of(&self, param: usize) -> Option<&PassedTo> {
        self.0.get(param)
    }

    /// Takes one call into account.
    pub(crate) fn add(&mut self, program: &Program<'_>, args: &[Given]) {
        self.0.resize(self.0.len().max(args.len()), PassedTo::default());
        for (known, given) in self.0.iter_mut().zip(args) {
            let says_something = !matches!(given.ty, Ty::Unknown | Ty::Plain);
            if known.ty.is_unknown() && !known.differs && says_something {
                known.ty = given.ty.clone();
            } else if says_something && known.ty != given.ty {
                known.ty = match (&known.ty, &given.ty) {
                    // Queries of different models are queries all the same; the caller knows of which.
                    (Ty::Lib(a, _), Ty::Lib(b, _)) if a == b => Ty::Lib(*a, None),
                    // A helper that is given this model and that one is given some model.
                    (known, given) => match (program.some_model(known), program.some_model(given)) {
                        (Some(a), Some(b)) if a == b => Ty::External(a),
                        _ => Ty::Unknown,
                    },
                };
                known.differs = true;
            }
            known.rows = match (known.rows.take(), given.to_store.clone()) {
                (None, None) => None,
                (Some(known), Some(rows)) => join_rows(Some(known), Some(rows)),
                (None, Some(rows)) if known.bound.is_none() => Some(rows),
                // One of them passes something else.
                _ => Some(Arc::new(Rows::from(RowSource::Unknown, None))),
            };
            known.int = match known.bound {
                None => given.int,
                Some(_) => known.int.zip(given.int).map(|(known, given)| known.max(given)),
            };
            let bound = known.bound.get_or_insert(given.bound);
            if *bound != given.bound {
                *bound = Bound::Data;
            }
        }
    }
}

/// Whether one that may be known says the same as another.
pub(crate) type Same<V> = fn(Option<&V>, Option<&V>) -> bool;

/// Whether two say the same of a part of what calls pass to a function, for each part.
pub(crate) const PASSED: [(About, Same<Passed>); 4] = [
    (About::Passed, Passed::have_same_types),
    (About::Amounts, Passed::have_same_amounts),
    (About::PassedRows, Passed::have_same_rows),
    (About::Called, Passed::are_both_called),
];

/// The hash of a part of what is known.
pub(crate) fn hash(of: &impl Hash) -> u64 {
    let mut hasher = rustc_hash::FxHasher::default();
    of.hash(&mut hasher);
    hasher.finish()
}

/// Something that earlier rounds found out and an evaluation asks for: what it is about, and the hash of the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Slot(pub(crate) u64);

/// What kind of knowledge a [`Slot`] is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum About {
    /// What a function returns, and which parameters it takes as whole sets.
    Function,
    /// The types of what calls pass to a function.
    Passed,
    /// How much they pass: bounds and numbers.
    Amounts,
    /// Which rows they pass that are stored.
    PassedRows,
    /// Whether a call of it was seen.
    Called,
    /// An attribute of a class.
    Attribute,
    /// A variable of a module.
    Variable,
    /// Whether what functions render is evaluated.
    Pages,
}

impl About {
    const ALL: [Self; 8] = [
        Self::Function,
        Self::Passed,
        Self::Amounts,
        Self::PassedRows,
        Self::Called,
        Self::Attribute,
        Self::Variable,
        Self::Pages,
    ];
}

impl From<u64> for Slot {
    fn from(number: u64) -> Self {
        Self(number)
    }
}

impl From<Slot> for u64 {
    fn from(slot: Slot) -> Self {
        slot.0
    }
}

impl Slot {
    /// How many of its bits say what it is about.
    const BITS: u32 = 3;

    /// The slot of a function, class or module, with the name of what belongs to it.
    pub(crate) fn of(about: About, id: u32, name: &str) -> Self {
        Self(hash(&(id, name)) << Self::BITS).with(about)
    }

    /// Whether it is time to evaluate what functions render, those that do that early or the others.
    pub(crate) fn pages(is_early: bool) -> Self {
        Self::of(About::Pages, is_early.into(), "")
    }

    /// What else is known of the same.
    pub(crate) const fn with(self, about: About) -> Self {
        Self((self.0 >> Self::BITS << Self::BITS) | about as u64)
    }

    /// What it is about.
    pub(crate) fn about(self) -> About {
        let number = self.0 & ((1 << Self::BITS) - 1);
        let mut all = About::ALL.into_iter();
        all.find(|about| *about as u64 == number)
            .expect("slots are made of these")
    }
}
