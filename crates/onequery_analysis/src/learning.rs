//! What evaluations say of the whole program, kept up to date at the cost of those that were made anew.

use std::hash::Hash;
use std::sync::Arc;

use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::eval::Evaluated;
use crate::facts::{Fact, What};
use crate::known::{About, Known, OfFunction, Passed, Slot, slot};
use crate::memory::{Answers, hash};
use crate::program::{ClassId, FnId, Program, ScopeId};
use crate::value::Value;

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
    /// The hashes of what is known, where somebody wants them.
    pub(crate) answers: Option<Answers>,
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
    /// What they say of functions now, with the hashes of that where somebody wants them.
    said: Vec<(FnId, OfFunction, Option<u64>)>,
    attributes: Vec<((ClassId, String), Option<Place>)>,
    variables: Vec<((ScopeId, String), Option<Place>)>,
    calls: Vec<(FnId, Option<Place>)>,
}

impl Touched {
    fn extend(&mut self, other: Self) {
        self.functions.extend(other.functions);
        self.said.extend(other.said);
        self.attributes.extend(other.attributes);
        self.variables.extend(other.variables);
        self.calls.extend(other.calls);
    }

    /// What one evaluation said before and what it, by its index, says `now`. `hashes` says whether somebody wants these.
    pub(crate) fn of(
        program: &Program<'_>,
        before: &Evaluated,
        (ix, now): (usize, &Evaluated),
        hashes: bool,
    ) -> Self {
        let mut touched = Self::default();
        touched.add(program, before, None);
        touched.add(program, now, Some(index(ix)));
        touched.said = now
            .facts
            .iter()
            .map(|(id, found)| {
                let said = OfFunction::of(found);
                let hash = hashes.then(|| hash(&said));
                (*id, said, hash)
            })
            .collect();
        touched
    }

    /// Adds what one evaluation speaks of; `evaluated` is its index if that is what it says now.
    fn add(&mut self, program: &Program<'_>, result: &Evaluated, evaluated: Option<u32>) {
        for (function, (id, found)) in (0_u32..).zip(&result.facts) {
            let place = |at: u32| {
                Some(Place {
                    evaluated: evaluated?,
                    function,
                    at,
                })
            };
            self.functions.push(*id);
            let (file, _, declared) = program.function(*id);
            for (at, (class, name, _)) in (0..).zip(&found.attributes) {
                if !declared.is_test || program.class_ir(*class).is_test {
                    self.attributes.push(((*class, name.clone()), place(at)));
                }
            }
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

impl Learning {
    /// Nothing is known yet.
    pub(crate) fn new(program: &Program<'_>) -> Self {
        Self {
            known: Known {
                functions: vec![OfFunction::default(); program.n_functions()],
                ..Known::default()
            },
            attributes: Said::default(),
            variables: Said::default(),
            calls: Said::default(),
            given_up: FxHashSet::default(),
            to_forget: FxHashSet::default(),
            answers: None,
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
        results: &[Arc<Evaluated>],
        anew: Vec<(usize, Touched)>,
    ) -> FxHashSet<Slot> {
        let replaced: FxHashSet<u32> = anew.iter().map(|(ix, _)| index(*ix)).collect();
        let mut touched = Touched::default();
        anew.into_iter().for_each(|(_, by_this)| touched.extend(by_this));
        let mut slots = self.forget();
        let Touched {
            functions,
            said,
            attributes,
            variables,
            calls,
        } = touched;
        let Self {
            attributes: said_of_attributes,
            variables: said_of_variables,
            calls: said_of_calls,
            ..
        } = self;
        let (attributes, (variables, calls)) = rayon::join(
            || said_of_attributes.replace(&replaced, attributes),
            || {
                rayon::join(
                    || said_of_variables.replace(&replaced, variables),
                    || said_of_calls.replace(&replaced, calls),
                )
            },
        );
        self.learn_functions(functions, said, &mut slots);
        let found_at = |place: &Place| &results[place.evaluated as usize].facts[place.function as usize].1;
        let join = |values: &mut dyn Iterator<Item = Value>| values.reduce(Value::join);
        let mut news = News {
            given_up: &self.given_up,
            answers: self.answers.as_mut(),
            slots,
        };
        news.of(
            &attributes,
            &mut self.known.attributes,
            &[&|(class, name): &(ClassId, String)| slot(About::Attribute, class.0, name)],
            |key| {
                let places = self.attributes.places(key).iter();
                join(&mut places.map(|place| found_at(place).attributes[place.at as usize].2.exported()))
            },
            &[&is_same_value],
        );
        news.of(
            &variables,
            &mut self.known.variables,
            &[&|(scope, name): &(ScopeId, String)| slot(About::Variable, scope.0, name)],
            |key| {
                let places = self.variables.places(key).iter();
                join(&mut places.map(|place| found_at(place).variables[place.at as usize].1.exported()))
            },
            &[&is_same_value],
        );
        news.of(
            &calls,
            &mut self.known.passed,
            &[
                &|function: &FnId| slot(About::Passed, function.0, ""),
                &|function: &FnId| slot(About::Amounts, function.0, ""),
                &|function: &FnId| slot(About::Called, function.0, ""),
            ],
            |key| {
                let places = self.calls.places(key).iter();
                passed(
                    program,
                    places.map(|place| &found_at(place).facts[place.at as usize]),
                )
            },
            &[
                &Passed::have_same_types,
                &Passed::have_same_amounts,
                &|a: Option<&Passed>, b: Option<&Passed>| a.is_some() == b.is_some(),
            ],
        );
        news.slots
    }

    /// Takes what functions' own evaluations say of them. Of `touched` functions that no evaluation speaks of any more
    /// nothing is known.
    fn learn_functions(
        &mut self,
        mut touched: Vec<FnId>,
        said: Vec<(FnId, OfFunction, Option<u64>)>,
        slots: &mut FxHashSet<Slot>,
    ) {
        let spoken_of: FxHashSet<FnId> = said.iter().map(|(id, ..)| *id).collect();
        touched.retain(|id| !spoken_of.contains(id));
        let lost = touched.into_iter().map(|id| (id, OfFunction::default(), None));
        for (id, mut now, answer) in said.into_iter().chain(lost) {
            let slot = slot(About::Function, id.0, "");
            let is_given_up = self.given_up.contains(&slot);
            if is_given_up {
                now.give_up(&self.known.functions[id.index()]);
            }
            if let Some(answers) = &mut self.answers {
                let answer = answer.filter(|_| !is_given_up);
                answers.set(slot, answer.unwrap_or_else(|| hash(&now)));
            }
            let known = &mut self.known.functions[id.index()];
            if !now.is_same(known) {
                slots.insert(slot);
            }
            *known = now;
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
        for (ix, function) in (0_u32..).zip(&mut self.known.functions) {
            let slot = slot(About::Function, ix, "");
            if !function.returns.is_same(&nothing) && goes(slot) {
                function.returns = Value::default();
                if let Some(answers) = &mut self.answers {
                    answers.set(slot, hash(function));
                }
            }
        }
        let mut goes_whole = |slot: Slot| {
            let goes = goes(slot);
            if let Some(answers) = self.answers.as_mut().filter(|_| goes) {
                answers.remove(slot);
            }
            goes
        };
        let known = &mut self.known;
        known
            .attributes
            .retain(|(class, name), _| !goes_whole(slot(About::Attribute, class.0, name)));
        known
            .variables
            .retain(|(scope, name), _| !goes_whole(slot(About::Variable, scope.0, name)));
        let mut with_these = Vec::new();
        known.passed.retain(|function, _| {
            let about = [About::Passed, About::Amounts, About::Called];
            let slots = about.map(|about| slot(about, function.0, ""));
            let goes = slots.map(&mut goes_whole).contains(&true);
            // What is known of one is known of all.
            with_these.extend(slots.into_iter().filter(|_| goes));
            !goes
        });
        forgotten.extend(with_these);
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
    answers: Option<&'g mut Answers>,
    slots: FxHashSet<Slot>,
}

impl News<'_> {
    /// Learns anew what is known under some keys. Each of the `slots` of a key is about a part of that; `same` says of each
    /// part whether it is what it was.
    fn of<K: Clone + Eq + Hash + Sync, V: Hash + Send>(
        &mut self,
        keys: &[K],
        known: &mut FxHashMap<K, V>,
        slots: &[&dyn Fn(&K) -> Slot],
        learnt: impl Fn(&K) -> Option<V> + Send + Sync,
        same: &[Same<'_, V>],
    ) {
        let hashes = self.answers.is_some();
        let values: Vec<(Option<V>, u64)> = keys
            .par_iter()
            .with_min_len(64)
            .map(|key| {
                let value = learnt(key);
                let answer = value.as_ref().filter(|_| hashes).map(hash).unwrap_or_default();
                (value, answer)
            })
            .collect();
        for (key, (value, answer)) in keys.iter().zip(values) {
            let slots: Vec<Slot> = slots.iter().map(|slot| slot(key)).collect();
            if slots.iter().any(|slot| self.given_up.contains(slot)) {
                continue;
            }
            for (&slot, same) in slots.iter().zip(same) {
                if !same(value.as_ref(), known.get(key)) {
                    self.slots.insert(slot);
                }
                if let Some(answers) = &mut self.answers {
                    match value {
                        Some(_) => answers.set(slot, answer),
                        None => answers.remove(slot),
                    }
                }
            }
            match value {
                Some(value) => known.insert(key.clone(), value),
                None => known.remove(key),
            };
        }
    }
}

fn is_same_value(now: Option<&Value>, before: Option<&Value>) -> bool {
    match (now, before) {
        (Some(now), Some(before)) => now.is_same(before),
        (now, before) => now.is_none() && before.is_none(),
    }
}

/// Whether what was learnt is what was known.
type Same<'s, V> = &'s dyn Fn(Option<&V>, Option<&V>) -> bool;
