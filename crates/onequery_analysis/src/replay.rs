//! An analysis of a program that differs from a recorded one in little: what has to come out the same is not evaluated.
//!
//! Whoever looked at something that changed is *suspect*: all of its evaluations are repeated. If one of them does not tell
//! the others what it told them, or if it was not there before, the root is *live*: in the rounds, which are those of a fresh
//! analysis, it is evaluated when that would. What a live root tells otherwise than in the record, and what one told that is
//! gone, is *open*: after each round it is learnt anew from all who speak of it, whose evaluations are repeated for
//! that. Where what is learnt is not what the record has, whoever ever asked for it is live from then on. Everything else goes
//! as it went.

use std::collections::BTreeSet;
use std::sync::Arc;

use onequery_core::FileId;
use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::eval::{Evaluated, ForCallers};
use crate::known::{About, Knowledge, Known, OfFunction, PASSED, Passed, Slot};
use crate::learning::{Learning, Told, Touched};
use crate::past::{After, Record, asked};
use crate::program::{FnId, Program};
use crate::summaries::{
    MAX_ROUNDS, ROOTS_AT_ONCE, WIDENING_ROUND, evaluate_or_report, first_with_pages, roots,
};
use crate::value::Value;

/// A replay is given up when it would evaluate more than one in so many roots in every round; a fresh analysis is as fast.
const MOST: usize = 4;

/// How many suspects a thread takes at once. Each is evaluated several times.
const SUSPECTS_AT_ONCE: usize = 8;

/// What a fresh analysis of all roots would find out; `None` when that has to be tried.
///
/// `changed` are the files whose texts are others than those of the record, or of which linking made something else, and what
/// stands for keys by which something else is known. But for that, linking made the same of the program.
pub(crate) fn replay(
    program: &Program<'_>,
    record: &Record,
    changed: &FxHashSet<FileId>,
) -> Option<Vec<Arc<Evaluated>>> {
    let roots = roots(program);
    let (recorded, gone) = record.find(&roots);
    let mut replay = Replay {
        program,
        record,
        recorded,
        gone,
        results: vec![Arc::default(); roots.len()],
        roots,
        suspect: BTreeSet::new(),
        live: BTreeSet::new(),
        followed: BTreeSet::new(),
        told: FxHashMap::default(),
        for_callers: (0..=MAX_ROUNDS).map(|_| ForCallers::default()).collect(),
        open: FxHashMap::default(),
        differ: FxHashSet::default(),
        learning: Learning::default(),
        changed: FxHashSet::default(),
    };
    let mut woken = replay.suspect(changed)?;
    for round in 0..MAX_ROUNDS {
        woken = replay.round(round, woken)?;
        let is_quiet = replay.changed.is_empty() && !replay.changes(round, false);
        if is_quiet && round >= first_with_pages(false) {
            return Some(replay.finish(round + 1));
        }
        // What still changes then is given up, and so is what follows from it.
        let is_given_up = round >= WIDENING_ROUND;
        if is_given_up && (!replay.changed.is_empty() || replay.changes(round, true)) {
            return None;
        }
    }
    None
}

struct Replay<'r, 'a> {
    program: &'r Program<'a>,
    record: &'r Record,
    roots: Vec<FnId>,
    /// By root: which one of the record it is.
    recorded: Vec<usize>,
    /// Those of the record that are no longer there.
    gone: Vec<usize>,
    /// By root: what the last evaluation of a live or followed one found out.
    results: Vec<Arc<Evaluated>>,
    suspect: BTreeSet<usize>,
    live: BTreeSet<usize>,
    /// Those that speak of what is open and are not live.
    followed: BTreeSet<usize>,
    /// What each live root tells.
    told: FxHashMap<usize, Told>,
    /// By round of the record, with what was known then.
    for_callers: Vec<ForCallers>,
    /// What is open, each with the round from which on it is.
    open: FxHashMap<Slot, usize>,
    /// What of that has ever been other than in the record.
    differ: FxHashSet<Slot>,
    /// What is known of what is open.
    learning: Learning,
    /// What of that the last round changed.
    changed: FxHashSet<Slot>,
}

impl Replay<'_, '_> {
    /// Finds the roots that looked at what changed. Gives those that tell others something else now, if there are not too many.
    fn suspect(&mut self, changed: &FxHashSet<FileId>) -> Option<Vec<usize>> {
        let changed: FxHashSet<u64> = changed.iter().map(|place| place.0.into()).collect();
        let looked_at_it = |root: &usize| {
            let (file, ..) = self.program.function(self.roots[*root]);
            let mut places = self.record.files.get(self.recorded[*root]).iter();
            changed.contains(&file.0.into()) || places.any(|place| changed.contains(place))
        };
        self.suspect = (0..self.roots.len()).filter(looked_at_it).collect();
        if self.suspect.len() * MOST > 2 * self.roots.len() {
            return None;
        }
        let tells_another = |root: &usize| {
            let before = self.recorded[*root];
            let differs = |round| {
                let now = self.as_evaluated(*root, round);
                let (asked_before, before) = self.record.told(before, round + 1);
                asked(&now) != asked_before || self.told(*root, &now).entries() != before
            };
            !self.record.has(before) || self.record.rounds(before).any(differs)
        };
        let suspect: Vec<usize> = self.suspect.iter().copied().collect();
        let suspect = suspect.into_par_iter().with_max_len(SUSPECTS_AT_ONCE);
        Some(suspect.filter(tells_another).collect())
    }

    /// One round, from which on the roots `woken` are live. Gives those that are from the next one on.
    fn round(&mut self, round: usize, woken: Vec<usize>) -> Option<Vec<usize>> {
        let record = self.record;
        // What these found out so far is what the record says.
        if round > 0 {
            let before = |&root: &usize| {
                let last = record.last_round(self.recorded[root], round)?;
                Some((root, self.as_evaluated(root, last)))
            };
            let before: Vec<_> = woken.par_iter().filter_map(before).collect();
            for (root, before) in before {
                self.told.insert(root, self.told(root, &before));
                self.results[root] = before;
            }
        }
        for root in &woken {
            self.followed.remove(root);
        }
        self.live.extend(&woken);
        let due = self.live.iter().copied();
        let due: Vec<usize> = due
            .filter(|root| round == 0 || self.is_due(*root, round))
            .collect();
        let evaluated = self.evaluate_anew(round, due);
        let again = self.followed.iter().copied();
        let again = again.filter(|root| record.is_evaluated(self.recorded[*root], round));
        let again = self.as_recorded(again.map(|root| (root, round + 1)).collect());
        let mut anew: Vec<(usize, Touched)> = Vec::new();
        for (root, now) in evaluated.into_iter().chain(again) {
            let before = std::mem::replace(&mut self.results[root], now);
            let touched = Touched::of(self.program, &before, (root, &self.results[root]));
            if self.live.contains(&root) {
                self.told.insert(root, self.told(root, &self.results[root]));
            }
            anew.push((root, touched));
        }
        let told_otherwise = self.live.iter().flat_map(|root| {
            let recorded = self.recorded[*root];
            let (_, before) = record.told(recorded, round + 1);
            self.told[root].differs(before, record.speaks.get(recorded))
        });
        let gone = self.gone.iter().filter(|_| round == 0);
        let told_no_longer = gone.flat_map(|root| record.speaks.get(*root).iter().copied());
        let opened: BTreeSet<Slot> = told_otherwise
            .chain(told_no_longer)
            .filter(|slot| !self.open.contains_key(slot))
            .flat_map(with_parts)
            .collect();
        if !opened.is_empty() {
            self.open(&opened, round);
            anew = self.speakers();
            // What nobody speaks of any more.
            anew.push((self.roots.len(), Touched::before(self.open.keys().copied())));
        }
        if (self.live.len() + self.followed.len()) * MOST > self.roots.len() {
            return None;
        }
        for (_, touched) in &mut anew {
            touched.retain(|slot| self.open.contains_key(&slot));
        }
        self.changed = self.learning.learn(self.program, &self.results, anew);
        Some(self.wake(round))
    }

    /// What a root tells that found out this.
    fn told(&self, root: usize, found: &Evaluated) -> Told {
        let nothing = Evaluated::default();
        Touched::of(self.program, &nothing, (root, found)).told(self.program, found)
    }

    /// Whether a live root asked for something that the round before changed.
    fn is_due(&self, root: usize, round: usize) -> bool {
        let before = round - 1;
        let mut reads = self.results[root].reads.iter();
        reads.any(|slot| match self.open.get(slot) {
            Some(&from) if from <= before => self.changed.contains(slot),
            _ => self.was_changed(before, *slot),
        })
    }

    /// Whether a round of the record changed a slot.
    fn was_changed(&self, round: usize, slot: Slot) -> bool {
        let changed = self.record.changed.get(round);
        changed.is_some_and(|changed| changed.0.binary_search(&slot).is_ok())
    }

    /// Whether a round of the record changed something that is open now, or something that is not.
    fn changes(&self, round: usize, open: bool) -> bool {
        let changed = self.record.changed.get(round);
        let mut changed = changed.into_iter().flat_map(|changed| &changed.0);
        changed.any(|slot| self.open.contains_key(slot) == open)
    }

    /// Evaluates live roots with what is known now.
    fn evaluate_anew(&self, round: usize, roots: Vec<usize>) -> Vec<(usize, Arc<Evaluated>)> {
        let known = Now {
            recorded: self.record.after(round),
            open: &self.open,
            known: &self.learning.known,
        };
        let for_callers = ForCallers::default();
        let evaluate = |root: usize| {
            let evaluated = evaluate_or_report(self.program, (&known, &for_callers), self.roots[root]);
            (root, Arc::new(evaluated))
        };
        roots.into_par_iter().map(evaluate).collect()
    }

    /// What roots found out in the record, each in the last of its first so many rounds, but for what they asked for.
    fn as_recorded(&self, roots: Vec<(usize, usize)>) -> Vec<(usize, Arc<Evaluated>)> {
        let roots = roots.into_par_iter().with_max_len(ROOTS_AT_ONCE);
        let evaluated = roots.filter_map(|(root, n_rounds)| {
            let recorded = self.recorded[root];
            let round = self.record.last_round(recorded, n_rounds)?;
            let is_last = self.record.last_round(recorded, usize::MAX) == Some(round);
            let is_kept = is_last && !self.suspect.contains(&root);
            let kept = is_kept.then(|| self.record.result(recorded)).flatten();
            let found = kept.map_or_else(|| self.as_evaluated(root, round), Arc::new);
            Some((root, found))
        });
        evaluated.collect()
    }

    /// What a root found out in a round of the record.
    fn as_evaluated(&self, root: usize, round: usize) -> Arc<Evaluated> {
        let known = self.record.after(round);
        let known = (&known as &dyn Knowledge, &self.for_callers[round]);
        Arc::new(evaluate_or_report(self.program, known, self.roots[root]))
    }

    /// Follows what is known of some slots from a round on.
    fn open(&mut self, slots: &BTreeSet<Slot>, round: usize) {
        let record = self.record;
        let wanted: FxHashSet<Slot> = slots.iter().copied().collect();
        let speaks = |root: &usize| {
            let mut spoken = record.speaks.get(self.recorded[*root]).iter();
            spoken.any(|slot| wanted.contains(slot))
        };
        let speakers: Vec<(usize, usize)> = (0..self.roots.len())
            .into_par_iter()
            .filter(|root| !self.live.contains(root) && !self.followed.contains(root))
            .filter(speaks)
            .map(|root| (root, round + 1))
            .collect();
        self.followed.extend(speakers.iter().map(|(root, _)| *root));
        for (root, found) in self.as_recorded(speakers) {
            self.results[root] = found;
        }
        let recorded = record.after(round);
        let known = &mut self.learning.known;
        for &slot in slots {
            self.open.insert(slot, round);
            match slot.about() {
                About::Function => copy(&mut known.functions, slot, recorded.function(slot)),
                About::Attribute => copy(&mut known.attributes, slot, recorded.attribute(slot)),
                About::Variable => copy(&mut known.variables, slot, recorded.variable(slot)),
                About::Passed => copy(&mut known.passed, slot, recorded.passed(slot)),
                About::Amounts | About::PassedRows | About::Called | About::Pages => {}
            }
        }
    }

    /// What all live and followed roots say.
    fn speakers(&self) -> Vec<(usize, Touched)> {
        let speakers: Vec<usize> = self.live.union(&self.followed).copied().collect();
        let nothing = Evaluated::default();
        let said = |root: usize| {
            let touched = Touched::of(self.program, &nothing, (root, &self.results[root]));
            (root, touched)
        };
        speakers.into_par_iter().map(said).collect()
    }

    /// The roots that ever asked for something that is other than in the record since this round.
    fn wake(&mut self, round: usize) -> Vec<usize> {
        let Self {
            open,
            differ,
            learning,
            ..
        } = self;
        let recorded = self.record.after(round + 1);
        let now = &learning.known;
        let differs = |slot: Slot| match slot.about() {
            About::Function => now.function(slot) != recorded.function(slot),
            About::Attribute => now.attribute(slot) != recorded.attribute(slot),
            About::Variable => now.variable(slot) != recorded.variable(slot),
            About::Passed | About::Amounts | About::PassedRows | About::Called => {
                let of_all = slot.with(About::Passed);
                let (now, recorded) = (now.passed(of_all), recorded.passed(of_all));
                let is_same = PASSED.iter().find(|(about, _)| *about == slot.about());
                is_same.is_some_and(|(_, is_same)| !is_same(now, recorded))
            }
            About::Pages => false,
        };
        let new: FxHashSet<Slot> = open
            .keys()
            .copied()
            .flat_map(with_parts)
            .filter(|slot| !differ.contains(slot) && differs(*slot))
            .collect();
        differ.extend(&new);
        if new.is_empty() {
            return Vec::new();
        }
        let asked = |root: &usize| {
            let mut reads = self.record.reads.get(self.recorded[*root]).iter();
            reads.any(|slot| new.contains(slot))
        };
        (0..self.roots.len())
            .into_par_iter()
            .filter(|root| !self.live.contains(root))
            .filter(asked)
            .collect()
    }

    /// What all roots found out in the end, after so many rounds.
    fn finish(mut self, n_rounds: usize) -> Vec<Arc<Evaluated>> {
        let others =
            (0..self.roots.len()).filter(|root| !self.live.contains(root) && !self.followed.contains(root));
        let others = others.map(|root| (root, n_rounds)).collect();
        for (root, found) in self.as_recorded(others) {
            self.results[root] = found;
        }
        self.results
    }
}

/// What is known while an analysis is replayed.
struct Now<'r> {
    recorded: After<'r>,
    open: &'r FxHashMap<Slot, usize>,
    known: &'r Known,
}

impl Now<'_> {
    fn of(&self, slot: Slot) -> &dyn Knowledge {
        if self.open.contains_key(&slot) {
            self.known
        } else {
            &self.recorded
        }
    }
}

impl Knowledge for Now<'_> {
    fn function(&self, slot: Slot) -> Option<&OfFunction> {
        self.of(slot).function(slot)
    }

    fn attribute(&self, slot: Slot) -> Option<&Value> {
        self.of(slot).attribute(slot)
    }

    fn variable(&self, slot: Slot) -> Option<&Value> {
        self.of(slot).variable(slot)
    }

    fn passed(&self, slot: Slot) -> Option<&Passed> {
        self.of(slot).passed(slot)
    }

    fn n_rounds(&self) -> usize {
        self.recorded.n_rounds()
    }
}

/// A slot with the others that are learnt with it.
fn with_parts(slot: Slot) -> impl Iterator<Item = Slot> {
    let others = PASSED
        .iter()
        .filter(move |(about, _)| slot.about() == About::Passed && *about != About::Passed);
    std::iter::once(slot).chain(others.map(move |(about, _)| slot.with(*about)))
}

/// Takes over what is known of a slot.
fn copy<T: Clone>(known: &mut FxHashMap<Slot, T>, slot: Slot, recorded: Option<&T>) {
    match recorded {
        Some(recorded) => known.insert(slot, recorded.clone()),
        None => known.remove(&slot),
    };
}
