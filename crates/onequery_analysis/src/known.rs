//! What the rounds of evaluation so far found out of the whole program.

use std::hash::{Hash, Hasher as _};

use rustc_hash::{FxHashMap, FxHashSet};

use crate::facts::{CalledEach, Given};
use crate::program::{ClassId, FnId, Program, ScopeId};
use crate::value::{Bits, Bound, Ty, Value};

/// What earlier rounds found out.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// What calling each function gives.
    pub(crate) returns: Vec<Value>,
    /// Attributes assigned in methods and class bodies.
    pub(crate) attributes: FxHashMap<(ClassId, String), Value>,
    /// Variables of modules.
    pub(crate) variables: FxHashMap<(ScopeId, String), Value>,
    /// By function: the parameters that what it gives is computed from.
    pub(crate) returned_from: Vec<Bits>,
    /// Parameters of each function that are gone through or taken as a whole set.
    pub(crate) collections: Vec<Bits>,
    /// By function: the parameters that it calls.
    pub(crate) invoked: Vec<Bits>,
    /// By function: the parameters that it calls per element.
    pub(crate) called_each: Vec<Vec<CalledEach>>,
    /// What the calls that were seen pass to each function.
    pub(crate) passed: FxHashMap<FnId, Passed>,
}

/// What calls pass to a function, by parameter.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Passed(Vec<PassedTo>);

/// What calls pass for one parameter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PassedTo {
    pub(crate) ty: Ty,
    /// Two calls pass different types: no more is to be known than they have in common.
    differs: bool,
    /// `None` until a call is seen.
    pub(crate) bound: Option<Bound>,
    /// The largest literal integer, as long as every call passes one.
    pub(crate) int: Option<i64>,
}

impl Passed {
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

/// Something that earlier rounds found out and an evaluation asks for, as a hash.
pub(crate) type Slot = u64;

/// What kind of knowledge a [`Slot`] is about.
#[derive(Clone, Copy, Hash)]
pub(crate) enum About {
    /// What a function returns, and which parameters it takes as whole sets.
    Function,
    /// What calls pass to a function.
    Passed,
    /// An attribute of a class.
    Attribute,
    /// A variable of a module.
    Variable,
}

/// The slot of a function, class or module, with the name of what belongs to it.
pub(crate) fn slot(about: About, id: u32, name: &str) -> Slot {
    let mut hasher = rustc_hash::FxHasher::default();
    (about, id, name).hash(&mut hasher);
    hasher.finish()
}

impl Known {
    /// Makes what is known under some slots unknown.
    pub(crate) fn forget(&mut self, slots: &FxHashSet<Slot>) {
        if slots.is_empty() {
            return;
        }
        for (ix, value) in (0_u32..).zip(&mut self.returns) {
            if slots.contains(&slot(About::Function, ix, "")) {
                *value = Value::default();
            }
        }
        self.attributes
            .retain(|(class, name), _| !slots.contains(&slot(About::Attribute, class.0, name)));
        self.variables
            .retain(|(scope, name), _| !slots.contains(&slot(About::Variable, scope.0, name)));
        self.passed
            .retain(|function, _| !slots.contains(&slot(About::Passed, function.0, "")));
    }

    /// The slots whose knowledge is not the same as before.
    pub(crate) fn differences(&self, before: &Self) -> FxHashSet<Slot> {
        let mut slots = FxHashSet::default();
        for (ix, (a, b)) in (0_u32..).zip(self.returns.iter().zip(&before.returns)) {
            let at = ix as usize;
            let parameters = |known: &Self| {
                [&known.collections, &known.invoked, &known.returned_from].map(|bits| bits.get(at).copied())
            };
            let called_each =
                [self, before].map(|known| known.called_each.get(at).map_or(&[][..], Vec::as_slice));
            let same_calls = called_each[0].len() == called_each[1].len()
                && called_each[0]
                    .iter()
                    .zip(called_each[1])
                    .all(|(a, b)| a.is_same(b));
            if !a.is_same(b) || parameters(self) != parameters(before) || !same_calls {
                slots.insert(slot(About::Function, ix, ""));
            }
        }
        let attributes = changed(&self.attributes, &before.attributes, Value::is_same);
        slots.extend(attributes.map(|(class, name)| slot(About::Attribute, class.0, name)));
        let variables = changed(&self.variables, &before.variables, Value::is_same);
        slots.extend(variables.map(|(scope, name)| slot(About::Variable, scope.0, name)));
        let passed = changed(&self.passed, &before.passed, |a, b| a == b);
        slots.extend(passed.map(|function| slot(About::Passed, function.0, "")));
        slots
    }
}

/// The keys of two maps under which they differ, in no particular order.
fn changed<'m, K: Eq + Hash, V>(
    now: &'m FxHashMap<K, V>,
    before: &'m FxHashMap<K, V>,
    same: impl Fn(&V, &V) -> bool + 'm,
) -> impl Iterator<Item = &'m K> {
    let new = now
        .iter()
        .filter(move |(key, value)| before.get(key).is_none_or(|old| !same(value, old)));
    let gone = before.keys().filter(|key| !now.contains_key(key));
    new.map(|(key, _)| key).chain(gone)
}
