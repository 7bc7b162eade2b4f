//! What evaluations say of the whole program, kept up to date at the cost of those that were made anew.

use std::sync::Arc;

use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::eval::Evaluated;
use crate::facts::{Fact, What};
use crate::known::{About, Known, OfFunction, PASSED, Passed, Same, Slot, hash};
use crate::past::{Past, Versions};
use crate::program::Program;
use crate::value::Value;

/// The knowledge of all rounds so far.
#[derive(Default)]
pub(crate) struct Learning {
    pub(crate) known: Known,
    attributes: Said,
    variables: Said,
    calls: Said,
    /// What is unknown whatever is said of it.
    given_up: FxHashSet<Slot>,
    /// What was given up and is still known.
    to_forget: FxHashSet<Slot>,
    /// What was known after each round, where somebody wants that.
    pub(crate) past: Option<Past>,
}

/// Where something is said: an evaluation, one of its functions, and one of the function's facts, attributes or variables.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    evaluated: u32,
    function: u32,
    at: u32,
}

/// All places that say something, by what it is said of, in order.
#[derive(Default)]
struct Said(FxHashMap<Slot, Vec<Place>>);

impl Said {
    /// Replaces what the evaluations `anew` said. `touched` has the slots that they spoke of before, and the places
    /// where they speak of one now. Returns the slots, each once.
    fn replace(&mut self, anew: &FxHashSet<u32>, mut touched: Vec<(Slot, Option<Place>)>) -> Vec<Slot> {
        touched.sort_unstable();
        let by_slot = touched.chunk_by(|(a, _), (b, _)| a == b);
        by_slot
            .map(|said| {
                let slot = said[0].0;
                let places = self.0.entry(slot).or_default();
                places.retain(|place| !anew.contains(&place.evaluated));
                places.extend(said.iter().filter_map(|(_, place)| *place));
                places.sort_unstable();
                slot
            })
            .collect()
    }

    fn places(&self, slot: Slot) -> &[Place] {
        self.0.get(&slot).map(Vec::as_slice).unwrap_or_default()
    }
}

/// What evaluations speak of.
#[derive(Default)]
pub(crate) struct Touched {
    functions: Vec<Slot>,
    /// What they say of functions now.
    said: Vec<(Slot, OfFunction)>,
    attributes: Vec<(Slot, Option<Place>)>,
    variables: Vec<(Slot, Option<Place>)>,
    calls: Vec<(Slot, Option<Place>)>,
}

impl Touched {
    fn extend(&mut self, other: Self) {
        self.functions.extend(other.functions);
        self.said.extend(other.said);
        self.attributes.extend(other.attributes);
        self.variables.extend(other.variables);
        self.calls.extend(other.calls);
    }

    /// What one evaluation spoke of before and what it, by its index, says `now`.
    pub(crate) fn of(program: &Program<'_>, before: &Evaluated, (ix, now): (usize, &Evaluated)) -> Self {
        let mut touched = Self::default();
        touched.add(program, before, None);
        touched.add(program, now, Some(index(ix)));
        let said = now.facts.iter();
        touched.said = said
            .map(|(id, found)| (Slot::of(About::Function, id.0, ""), OfFunction::of(found)))
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
            self.functions.push(Slot::of(About::Function, id.0, ""));
            let (file, _, declared) = program.function(*id);
            for (at, (class, name, _)) in (0..).zip(&found.attributes) {
                if !declared.is_test || program.class_ir(*class).is_test {
                    let slot = Slot::of(About::Attribute, class.0, name);
                    self.attributes.push((slot, place(at)));
                }
            }
            let scope = program.scope_id(file, declared.scope);
            for (at, (name, _)) in (0..).zip(&found.variables) {
                let slot = Slot::of(About::Variable, scope.0, name);
                self.variables.push((slot, place(at)));
            }
            // What tests pass says nothing of what others pass.
            if declared.is_test {
                continue;
            }
            for (at, fact) in (0..).zip(&found.facts) {
                if let What::Call { callee, .. } = &fact.what {
                    self.calls
                        .push((Slot::of(About::Passed, callee.0, ""), place(at)));
                }
            }
        }
    }

    /// What one evaluation tells, which found out this and is the only one that speaks of something now.
    pub(crate) fn told(&self, program: &Program<'_>, found: &Evaluated) -> Told {
        let found = |place: &Place| &found.facts[place.function as usize].1;
        let attributes = placed(&self.attributes).map(|(slot, place)| {
            let (_, _, value) = &found(place).attributes[place.at as usize];
            (slot, hash(&value.exported()))
        });
        let variables = placed(&self.variables).map(|(slot, place)| {
            let (_, value) = &found(place).variables[place.at as usize];
            (slot, hash(&value.exported()))
        });
        let calls = placed(&self.calls).map(|(slot, place)| {
            let given = found(place).facts[place.at as usize].args().iter();
            // Of types that differ, what is learnt of them depends on which are models.
            let given = given.map(|given| {
                let model = program.some_model(&given.ty);
                (&given.ty, model, given.bound, given.int, &given.to_store)
            });
            (slot, hash(&given.collect::<Vec<_>>()))
        });
        let functions = self.said.iter().map(|(slot, said)| (*slot, hash(said)));
        let mut told: Vec<(Slot, u64)> = functions
            .chain(attributes)
            .chain(variables)
            .chain(calls)
            .collect();
        // What is said of one slot stays in order.
        told.sort_by_key(|(slot, _)| *slot);
        let by_slot = told.chunk_by(|(a, _), (b, _)| a == b);
        Told(by_slot.map(|said| (said[0].0, hash(&said))).collect())
    }

    /// Leaves out what they speak of beside some slots.
    pub(crate) fn retain(&mut self, is_wanted: impl Fn(Slot) -> bool) {
        self.functions.retain(|slot| is_wanted(*slot));
        self.said.retain(|(slot, _)| is_wanted(*slot));
        for places in [&mut self.attributes, &mut self.variables, &mut self.calls] {
            places.retain(|(slot, _)| is_wanted(*slot));
        }
    }

    /// Something that was spoken of before.
    pub(crate) fn before(slots: impl IntoIterator<Item = Slot>) -> Self {
        let mut touched = Self::default();
        for slot in slots {
            match slot.about() {
                About::Function => touched.functions.push(slot),
                About::Attribute => touched.attributes.push((slot, None)),
                About::Variable => touched.variables.push((slot, None)),
                About::Passed | About::Amounts | About::PassedRows | About::Called => {
                    touched.calls.push((slot.with(About::Passed), None));
                }
                About::Pages => {}
            }
        }
        touched
    }
}

fn placed(places: &[(Slot, Option<Place>)]) -> impl Iterator<Item = (Slot, &Place)> {
    places
        .iter()
        .filter_map(|(slot, place)| Some((*slot, place.as_ref()?)))
}

/// What an evaluation tells all others: of each slot that it speaks of, the hash of the slot and of what it says. Of what is
/// passed to a function the slot about types stands for all.
#[derive(Default)]
pub(crate) struct Told(Vec<(Slot, u64)>);

impl Told {
    pub(crate) fn slots(&self) -> impl Iterator<Item = Slot> {
        self.0.iter().map(|(slot, _)| *slot)
    }

    /// The hashes, sorted.
    pub(crate) fn entries(&self) -> Vec<u64> {
        let mut entries: Vec<u64> = self.0.iter().map(|(_, hash)| *hash).collect();
        entries.sort_unstable();
        entries
    }

    /// The slots of which something else was said by an evaluation that is known by its [`Told::entries`]; `spoken` are those
    /// of which it may have spoken.
    pub(crate) fn differs(&self, before: &[u64], spoken: &[Slot]) -> Vec<Slot> {
        let is_same = |hash: &u64| before.binary_search(hash).is_ok();
        let mut differs: Vec<Slot> = self
            .0
            .iter()
            .filter(|(_, hash)| !is_same(hash))
            .map(|(slot, _)| *slot)
            .collect();
        if self.0.len() - differs.len() < before.len() {
            let is_told = |slot: &&Slot| self.0.binary_search_by_key(*slot, |(slot, _)| *slot).is_ok();
            differs.extend(spoken.iter().filter(|slot| !is_told(slot)));
        }
        differs
    }
}

impl Learning {
    /// Keeps what was known after each round.
    pub(crate) fn recorded() -> Self {
        Self {
            past: Some(Past::default()),
            ..Self::default()
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
        if let Some(past) = &mut self.past {
            past.n_rounds += 1;
        }
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
            past: self.past.as_mut(),
            slots,
        };
        news.of(
            &attributes,
            (&mut self.known.attributes, |past| &mut past.attributes),
            |slot| {
                let places = self.attributes.places(slot).iter();
                join(&mut places.map(|place| found_at(place).attributes[place.at as usize].2.exported()))
            },
            &[(About::Attribute, is_same_value)],
        );
        news.of(
            &variables,
            (&mut self.known.variables, |past| &mut past.variables),
            |slot| {
                let places = self.variables.places(slot).iter();
                join(&mut places.map(|place| found_at(place).variables[place.at as usize].1.exported()))
            },
            &[(About::Variable, is_same_value)],
        );
        news.of(
            &calls,
            (&mut self.known.passed, |past| &mut past.passed),
            |slot| {
                let places = self.calls.places(slot).iter();
                passed(
                    program,
                    places.map(|place| &found_at(place).facts[place.at as usize]),
                )
            },
            &PASSED,
        );
        news.slots
    }

    /// Takes what functions' own evaluations say of them. Of `touched` functions that no evaluation speaks of any more
    /// nothing is known.
    fn learn_functions(
        &mut self,
        mut touched: Vec<Slot>,
        said: Vec<(Slot, OfFunction)>,
        slots: &mut FxHashSet<Slot>,
    ) {
        let spoken_of: FxHashSet<Slot> = said.iter().map(|(slot, _)| *slot).collect();
        touched.retain(|slot| !spoken_of.contains(slot));
        let lost = touched.into_iter().map(|slot| (slot, OfFunction::default()));
        let nothing = OfFunction::default();
        for (slot, mut now) in said.into_iter().chain(lost) {
            let before = self.known.functions.get(&slot).unwrap_or(&nothing);
            if self.given_up.contains(&slot) {
                now.give_up(before);
            }
            if !now.is_same(before) {
                slots.insert(slot);
            }
            let now = (now != nothing).then_some(now);
            let versions = self
                .past
                .as_mut()
                .map(|past| (past.n_rounds, &mut past.functions));
            set(&mut self.known.functions, versions, slot, now);
        }
    }

    /// Forgets what was given up. Returns the slots of which something was known.
    fn forget(&mut self) -> FxHashSet<Slot> {
        let mut to_forget: Vec<Slot> = self.to_forget.drain().collect();
        to_forget.sort_unstable();
        let mut forgotten = FxHashSet::default();
        let nothing = Value::default();
        for slot in to_forget {
            let (known, past) = (&mut self.known, self.past.as_mut());
            match slot.about() {
                About::Function => {
                    let Some(before) = known.functions.get(&slot) else {
                        continue;
                    };
                    if before.returns.is_same(&nothing) {
                        continue;
                    }
                    let now = OfFunction {
                        returns: nothing.clone(),
                        ..before.clone()
                    };
                    let versions = past.map(|past| (past.n_rounds, &mut past.functions));
                    set(&mut known.functions, versions, slot, Some(now));
                    forgotten.insert(slot);
                }
                About::Attribute => {
                    let versions = past.map(|past| (past.n_rounds, &mut past.attributes));
                    if set(&mut known.attributes, versions, slot, None) {
                        forgotten.insert(slot);
                    }
                }
                About::Variable => {
                    let versions = past.map(|past| (past.n_rounds, &mut past.variables));
                    if set(&mut known.variables, versions, slot, None) {
                        forgotten.insert(slot);
                    }
                }
                // What is known of one is known of all.
                About::Passed | About::Amounts | About::PassedRows | About::Called => {
                    let versions = past.map(|past| (past.n_rounds, &mut past.passed));
                    if set(&mut known.passed, versions, slot.with(About::Passed), None) {
                        forgotten.extend(PASSED.map(|(about, _)| slot.with(about)));
                    }
                }
                About::Pages => {}
            }
        }
        forgotten
    }
}

/// Replaces what is known of a slot. Gives whether something was known.
fn set<T: Clone + PartialEq>(
    known: &mut FxHashMap<Slot, T>,
    versions: Option<(u8, &mut FxHashMap<Slot, Versions<T>>)>,
    slot: Slot,
    now: Option<T>,
) -> bool {
    if let Some((round, versions)) = versions
        && known.get(&slot) != now.as_ref()
    {
        versions.entry(slot).or_default().push(round, now.clone());
    }
    match now {
        Some(now) => known.insert(slot, now),
        None => known.remove(&slot),
    }
    .is_some()
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
    past: Option<&'g mut Past>,
    slots: FxHashSet<Slot>,
}

impl News<'_> {
    /// Learns anew what is `known` of some slots. `parts` are what may be asked of it; each says whether it is what it was.
    fn of<V: Clone + PartialEq + Send>(
        &mut self,
        slots: &[Slot],
        (known, versions_of): (&mut FxHashMap<Slot, V>, VersionsOf<V>),
        learnt: impl Fn(Slot) -> Option<V> + Send + Sync,
        parts: &[(About, Same<V>)],
    ) {
        let values: Vec<Option<V>> = slots
            .par_iter()
            .with_min_len(64)
            .map(|slot| learnt(*slot))
            .collect();
        for (&slot, value) in slots.iter().zip(values) {
            if parts
                .iter()
                .any(|(about, _)| self.given_up.contains(&slot.with(*about)))
            {
                continue;
            }
            let before = known.get(&slot);
            for (about, same) in parts {
                if !same(value.as_ref(), before) {
                    self.slots.insert(slot.with(*about));
                }
            }
            let past = self.past.as_deref_mut();
            let versions = past.map(|past| (past.n_rounds, versions_of(past)));
            set(known, versions, slot, value);
        }
    }
}

fn is_same_value(now: Option<&Value>, before: Option<&Value>) -> bool {
    match (now, before) {
        (Some(now), Some(before)) => now.is_same(before),
        (now, before) => now.is_none() && before.is_none(),
    }
}

/// What of the past is about a kind of knowledge.
type VersionsOf<V> = fn(&mut Past) -> &mut FxHashMap<Slot, Versions<V>>;
