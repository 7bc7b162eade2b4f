//! What evaluations say of the whole program, kept up to date at the cost of those that were made anew.

use std::hash::Hash;

use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::eval::Evaluated;
use crate::facts::{CalledEach, Fact, FnFacts, What};
use crate::known::{About, Known, Passed, Slot, slot};
use crate::program::{ClassId, FnId, Program, ScopeId};
use crate::value::{Bits, Value};

/// The knowledge of all rounds so far.
pub(crate) struct Learning {
    pub(crate) known: Known,
    attributes: Said<(ClassId, String)>,
    variables: Said<(ScopeId, String)>,
    calls: Said<FnId>,
    /// What is unknown whatever is said of it.
    given_up: FxHashSet<Slot>,
    /// What was given up and is still known.
    to_forget: FxHashSet<Slot>,
}

/// Where something is said: an evaluation, one of its functions, and one of the function's facts, attributes or variables.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    evaluated: u32,
    function: u32,
    at: u32,
}

/// All places that say something of a key, in order.
struct Said<K>(FxHashMap<K, Vec<Place>>);

impl<K: Clone + Eq + Hash + Ord> Said<K> {
    /// Replaces what the evaluations `anew` said. `touched` has the keys that they spoke of before, and the places
    /// where they speak of one now. Returns the keys, each once.
    fn replace(&mut self, anew: &FxHashSet<u32>, mut touched: Vec<(K, Option<Place>)>) -> Vec<K> {
        touched.sort_unstable();
        let by_key = touched.chunk_by(|(a, _), (b, _)| a == b);
        by_key
            .map(|said| {
                let key = said[0].0.clone();
                let places = self.0.entry(key.clone()).or_default();
                places.retain(|place| !anew.contains(&place.evaluated));
                places.extend(said.iter().filter_map(|(_, place)| *place));
                places.sort_unstable();
                key
            })
            .collect()
    }

    fn places(&self, key: &K) -> &[Place] {
        self.0.get(key).map(Vec::as_slice).unwrap_or_default()
    }
}

impl<K> Default for Said<K> {
    fn default() -> Self {
        Self(FxHashMap::default())
    }
}

/// The keys that evaluations speak of.
#[derive(Default)]
pub(crate) struct Touched {
    functions: Vec<FnId>,
    attributes: Vec<((ClassId, String), Option<Place>)>,
    variables: Vec<((ScopeId, String), Option<Place>)>,
    calls: Vec<(FnId, Option<Place>)>,
}

impl Touched {
    fn extend(&mut self, other: Self) {
        self.functions.extend(other.functions);
        self.attributes.extend(other.attributes);
        self.variables.extend(other.variables);
        self.calls.extend(other.calls);
    }

    /// Adds what one evaluation speaks of; `evaluated` is its index if that is what it says now.
    pub(crate) fn add(&mut self, program: &Program<'_>, result: &Evaluated, evaluated: Option<usize>) {
        let evaluated = evaluated.map(index);
        for (function, (id, found)) in (0_u32..).zip(&result.facts) {
            let place = |at: u32| {
                Some(Place {
                    evaluated: evaluated?,
                    function,
                    at,
                })
            };
            self.functions.push(*id);
            for (at, (class, name, _)) in (0..).zip(&found.attributes) {
                self.attributes.push(((*class, name.clone()), place(at)));
            }
            let (file, _, declared) = program.function(*id);
            let scope = program.scope_id(file, declared.scope);
            for (at, (name, _)) in (0..).zip(&found.variables) {
                self.variables.push(((scope, name.clone()), place(at)));
            }
            // What tests pass says nothing of what others pass.
            if declared.is_test {
                continue;
            }
            for (at, fact) in (0..).zip(&found.facts) {
                if let What::Call { callee, .. } = &fact.what {
                    self.calls.push((*callee, place(at)));
                }
            }
        }
    }
}

/// What is known of one function from its own evaluation.
#[derive(Default)]
struct OfFunction {
    returns: Value,
    returned_from: Bits,
    collections: Bits,
    invoked: Bits,
    called_each: Vec<CalledEach>,
}

impl OfFunction {
    fn of(found: &FnFacts) -> Self {
        let returned_from = found.returns.as_ref().map(|returned| returned.deps.params);
        Self {
            returns: found.returns.as_ref().map(Value::returned).unwrap_or_default(),
            returned_from: returned_from.unwrap_or_default(),
            collections: found.collections,
            invoked: found.invoked,
            called_each: found.called_each.clone(),
        }
    }

    fn is_same(&self, other: &Self) -> bool {
        let mut called = self.called_each.iter().zip(&other.called_each);
        self.returns.is_same(&other.returns)
            && self.returned_from == other.returned_from
            && self.collections == other.collections
            && self.invoked == other.invoked
            && self.called_each.len() == other.called_each.len()
            && called.all(|(a, b)| a.is_same(b))
    }
}

impl Learning {
    /// Nothing is known yet.
    pub(crate) fn new(program: &Program<'_>) -> Self {
        let n = program.n_functions();
        Self {
            known: Known {
                returns: vec![Value::default(); n],
                returned_from: vec![Bits::default(); n],
                collections: vec![Bits::default(); n],
                invoked: vec![Bits::default(); n],
                called_each: vec![Vec::new(); n],
                ..Known::default()
            },
            attributes: Said::default(),
            variables: Said::default(),
            calls: Said::default(),
            given_up: FxHashSet::default(),
            to_forget: FxHashSet::default(),
        }
    }

    /// Leaves some slots unknown from the next round on.
    pub(crate) fn give_up(&mut self, slots: &FxHashSet<Slot>) {
        self.to_forget.extend(slots.difference(&self.given_up));
        self.given_up.extend(slots);
    }

    /// Learns from the evaluations that were made `anew`, each with what it and the one before it speak of. Returns the
    /// slots whose knowledge that changes.
    pub(crate) fn learn(
        &mut self,
        program: &Program<'_>,
        results: &[Evaluated],
        anew: Vec<(usize, Touched)>,
    ) -> FxHashSet<Slot> {
        let replaced: FxHashSet<u32> = anew.iter().map(|(ix, _)| index(*ix)).collect();
        let mut touched = Touched::default();
        let mut said_now = Vec::new();
        for (ix, by_this) in anew {
            touched.extend(by_this);
            said_now.push(&results[ix]);
        }
        let mut slots = self.forget();
        self.learn_functions(touched.functions, &said_now, &mut slots);
        let found_at = |place: &Place| &results[place.evaluated as usize].facts[place.function as usize].1;
        let join = |values: &mut dyn Iterator<Item = Value>| values.reduce(Value::join);
        let mut news = News {
            given_up: &self.given_up,
            slots,
        };
        news.of(
            &self.attributes.replace(&replaced, touched.attributes),
            &mut self.known.attributes,
            |(class, name)| slot(About::Attribute, class.0, name),
            |key| {
                let places = self.attributes.places(key).iter();
                join(&mut places.map(|place| found_at(place).attributes[place.at as usize].2.exported()))
            },
            Value::is_same,
        );
        news.of(
            &self.variables.replace(&replaced, touched.variables),
            &mut self.known.variables,
            |(scope, name)| slot(About::Variable, scope.0, name),
            |key| {
                let places = self.variables.places(key).iter();
                join(&mut places.map(|place| found_at(place).variables[place.at as usize].1.exported()))
            },
            Value::is_same,
        );
        news.of(
            &self.calls.replace(&replaced, touched.calls),
            &mut self.known.passed,
            |function| slot(About::Passed, function.0, ""),
            |key| {
                let places = self.calls.places(key).iter();
                passed(
                    program,
                    places.map(|place| &found_at(place).facts[place.at as usize]),
                )
            },
            |a, b| a == b,
        );
        news.slots
    }

    /// Takes what functions' own evaluations say of them.
    fn learn_functions(
        &mut self,
        mut touched: Vec<FnId>,
        said_now: &[&Evaluated],
        slots: &mut FxHashSet<Slot>,
    ) {
        touched.sort_unstable();
        touched.dedup();
        let before: Vec<(FnId, OfFunction)> = touched
            .into_iter()
            .map(|id| (id, self.exchange(id, OfFunction::default())))
            .collect();
        for (id, found) in said_now.iter().flat_map(|result| &result.facts) {
            let mut now = OfFunction::of(found);
            if self.given_up.contains(&slot(About::Function, id.0, "")) {
                now.returns = Value::default();
            }
            self.exchange(*id, now);
        }
        for (id, before) in before {
            let now = self.exchange(id, OfFunction::default());
            if !now.is_same(&before) {
                slots.insert(slot(About::Function, id.0, ""));
            }
            self.exchange(id, now);
        }
    }

    /// Puts what is known of a function in, and takes what was known out.
    fn exchange(&mut self, id: FnId, now: OfFunction) -> OfFunction {
        let at = id.index();
        OfFunction {
            returns: std::mem::replace(&mut self.known.returns[at], now.returns),
            returned_from: std::mem::replace(&mut self.known.returned_from[at], now.returned_from),
            collections: std::mem::replace(&mut self.known.collections[at], now.collections),
            invoked: std::mem::replace(&mut self.known.invoked[at], now.invoked),
            called_each: std::mem::replace(&mut self.known.called_each[at], now.called_each),
        }
    }

    /// Forgets what was given up. Returns the slots of which something was known.
    fn forget(&mut self) -> FxHashSet<Slot> {
        let to_forget = std::mem::take(&mut self.to_forget);
        let mut forgotten = FxHashSet::default();
        if to_forget.is_empty() {
            return forgotten;
        }
        let mut goes = |slot: Slot| {
            let goes = to_forget.contains(&slot);
            if goes {
                forgotten.insert(slot);
            }
            goes
        };
        let nothing = Value::default();
        for (ix, value) in (0_u32..).zip(&mut self.known.returns) {
            if !value.is_same(&nothing) && goes(slot(About::Function, ix, "")) {
                *value = Value::default();
            }
        }
        let known = &mut self.known;
        known
            .attributes
            .retain(|(class, name), _| !goes(slot(About::Attribute, class.0, name)));
        known
            .variables
            .retain(|(scope, name), _| !goes(slot(About::Variable, scope.0, name)));
        known
            .passed
            .retain(|function, _| !goes(slot(About::Passed, function.0, "")));
        forgotten
    }
}

/// The index of an evaluation.
fn index(ix: usize) -> u32 {
    u32::try_from(ix).expect("a run has fewer than 2^32 functions")
}

/// What calls pass to a function.
fn passed<'f>(program: &Program<'_>, calls: impl Iterator<Item = &'f Fact>) -> Option<Passed> {
    let mut passed = None;
    for call in calls {
        if let What::Call { args, .. } = &call.what {
            passed.get_or_insert_with(Passed::default).add(program, args);
        }
    }
    passed
}

/// Collects what changes.
struct News<'g> {
    given_up: &'g FxHashSet<Slot>,
    slots: FxHashSet<Slot>,
}

impl News<'_> {
    /// Learns anew what is known under some keys.
    fn of<K: Clone + Eq + Hash + Sync, V: Send>(
        &mut self,
        keys: &[K],
        known: &mut FxHashMap<K, V>,
        slot: impl Fn(&K) -> Slot,
        learnt: impl Fn(&K) -> Option<V> + Send + Sync,
        is_same: impl Fn(&V, &V) -> bool,
    ) {
        let values: Vec<Option<V>> = keys.par_iter().with_min_len(64).map(learnt).collect();
        for (key, value) in keys.iter().zip(values) {
            let slot = slot(key);
            if self.given_up.contains(&slot) {
                continue;
            }
            let same = match (&value, known.get(key)) {
                (Some(now), Some(before)) => is_same(now, before),
                (now, before) => now.is_none() && before.is_none(),
            };
            match value {
                Some(value) => known.insert(key.clone(), value),
                None => known.remove(key),
            };
            if !same {
                self.slots.insert(slot);
            }
        }
    }
}
