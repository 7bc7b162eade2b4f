//! Two fixpoints over all functions: first what values may be, then what calling a function executes.
//!
//! Values come first: once they are final, effects are only ever added, so the second fixpoint is a walk from queries
//! up the calls. Both give the same result for any number of threads: a round reads only what the round before wrote.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};

use onequery_core::ir::FnIx;
use onequery_core::{FileId, Problem, ProblemKind, Span};
use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::catalog::Access;
use crate::eval::{About, Evaluated, Known, Slot, evaluate, is_root, slot};
use crate::facts::{FnFacts, Given, What};
use crate::program::{FnId, Program};
use crate::value::{Bits, Deps, Value};

/// Rounds of the value fixpoint after the first. A value travels one call, import or attribute a round.
const MAX_ROUNDS: usize = 16;

/// What calling each function does.
pub(crate) struct Summaries {
    /// By [`FnId`].
    pub(crate) facts: Vec<FnFacts>,
    /// By [`FnId`]: what a call executes, by kind of access.
    pub(crate) effects: Vec<Vec<Effect>>,
    /// Limits that were reached.
    pub(crate) problems: Vec<(FileId, Problem)>,
}

/// A query that calling a function executes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Effect {
    pub(crate) access: Access,
    /// The fact of the function that leads there: the query itself, or a call.
    pub(crate) fact: usize,
    /// The function called, and which of its effects; `None` when the fact is the query.
    pub(crate) via: Option<(FnId, usize)>,
    /// Calls between here and the query.
    pub(crate) distance: u32,
    /// Parameters that the query depends on.
    pub(crate) params: Bits,
    /// Some link is recognised by its shape.
    pub(crate) likely: bool,
    /// Some link runs on some path only; whether this call takes that path is not known.
    pub(crate) conditional: bool,
}

/// Evaluates all functions until nothing new is learnt, then propagates effects.
pub(crate) fn summarize(program: &Program<'_>) -> Summaries {
    let roots: Vec<FnId> = (0..program.files.len())
        .map(|ix| FileId(u32::try_from(ix).expect("ids fit")))
        .flat_map(|file| {
            let functions = &program.ir(file).functions;
            (0_u32..)
                .zip(functions)
                .filter(|(ix, function)| is_root(FnIx(*ix), function))
                .map(move |(ix, _)| program.fn_id(file, FnIx(ix)))
        })
        .collect();
    let mut known = Known {
        returns: vec![Value::default(); program.n_functions()],
        ..Known::default()
    };
    let mut results: Vec<Evaluated> = Vec::new();
    results.resize_with(roots.len(), Evaluated::default);
    let mut changed: Option<FxHashSet<Slot>> = None;
    for round in 0.. {
        results.par_iter_mut().zip(&roots).for_each(|(result, &root)| {
            // The first round evaluates everything, later ones what asked for something that has changed.
            if changed
                .as_ref()
                .is_none_or(|changed| !changed.is_disjoint(&result.reads))
            {
                *result = evaluate_or_report(program, &known, root);
            }
        });
        let next = learn(program, &results);
        let differences = next.differences(&known);
        if differences.is_empty() || round >= MAX_ROUNDS {
            let failed = results.iter().filter_map(|result| result.failed.clone());
            let fuel = (!differences.is_empty()).then(out_of_fuel);
            let problems = failed.chain(fuel).collect();
            let facts = by_function(program, results);
            let effects = propagate(&facts);
            return Summaries {
                facts,
                effects,
                problems,
            };
        }
        (known, changed) = (next, Some(differences));
    }
    unreachable!("the loop ends at MAX_ROUNDS")
}

/// Evaluates a function; a panic costs this function only.
fn evaluate_or_report(program: &Program<'_>, known: &Known, root: FnId) -> Evaluated {
    catch_unwind(AssertUnwindSafe(|| evaluate(program, known, root))).unwrap_or_else(|_| {
        let (file, _, function) = program.function(root);
        let message = "a function could not be analysed; please report this".to_owned();
        let problem = Problem {
            kind: ProblemKind::Internal,
            span: function.name_span,
            message,
        };
        Evaluated {
            failed: Some((file, problem)),
            ..Evaluated::default()
        }
    })
}

fn out_of_fuel() -> (FileId, Problem) {
    let message = format!("values were still changing after {MAX_ROUNDS} rounds; some stay unknown");
    (
        FileId(0),
        Problem {
            kind: ProblemKind::Fuel,
            span: Span::default(),
            message,
        },
    )
}

fn by_function(program: &Program<'_>, results: Vec<Evaluated>) -> Vec<FnFacts> {
    let mut facts = vec![FnFacts::default(); program.n_functions()];
    for (id, found) in results.into_iter().flat_map(|result| result.facts) {
        facts[id.index()] = found;
    }
    facts
}

/// What a round's facts say of returns, attributes, variables and parameters.
fn learn(program: &Program<'_>, results: &[Evaluated]) -> Known {
    let mut known = Known {
        returns: vec![Value::default(); program.n_functions()],
        collections: vec![Bits::default(); program.n_functions()],
        ..Known::default()
    };
    for (id, found) in results.iter().flat_map(|result| &result.facts) {
        known.returns[id.index()] = found.returns.as_ref().map(Value::exported).unwrap_or_default();
        known.collections[id.index()] = found.collections;
        for (class, name, value) in &found.attributes {
            let entry = known.attributes.entry((*class, name.clone()));
            let value = value.exported();
            entry
                .and_modify(|known| *known = known.clone().join(value.clone()))
                .or_insert(value);
        }
        if !found.variables.is_empty() {
            let (file, _, function) = program.function(*id);
            let scope = program.scope_id(file, function.scope);
            for (name, value) in &found.variables {
                known.variables.insert((scope, name.clone()), value.exported());
            }
        }
        for fact in &found.facts {
            if let What::Call { callee, args } = &fact.what {
                known.passed.entry(*callee).or_default().add(args);
            }
        }
    }
    known
}

impl Known {
    /// The slots whose knowledge is not the same as before.
    fn differences(&self, before: &Self) -> FxHashSet<Slot> {
        let same = |a: &Value, b: &Value| {
            a.ty == b.ty
                && a.bound == b.bound
                && a.likely == b.likely
                && a.int == b.int
                && a.statement == b.statement
        };
        let mut slots = FxHashSet::default();
        for (ix, (a, b)) in (0_u32..).zip(self.returns.iter().zip(&before.returns)) {
            let at = ix as usize;
            if !same(a, b) || self.collections.get(at) != before.collections.get(at) {
                slots.insert(slot(About::Function, ix, ""));
            }
        }
        let attributes = changed(&self.attributes, &before.attributes, same);
        slots.extend(attributes.map(|(class, name)| slot(About::Attribute, class.0, name)));
        let variables = changed(&self.variables, &before.variables, same);
        slots.extend(variables.map(|(scope, name)| slot(About::Variable, scope.0, name)));
        let passed = changed(&self.passed, &before.passed, |a, b| a == b);
        slots.extend(passed.map(|function| slot(About::Passed, function.0, "")));
        slots
    }
}

/// The keys of two maps under which they differ, in no particular order.
fn changed<'m, K: Eq + std::hash::Hash, V>(
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

/// Walks from queries up the calls, breadth first: each function gets the shortest way to each kind of access.
fn propagate(facts: &[FnFacts]) -> Vec<Vec<Effect>> {
    let mut callers: Vec<Vec<(usize, usize)>> = vec![Vec::new(); facts.len()];
    let mut effects: Vec<Vec<Effect>> = vec![Vec::new(); facts.len()];
    let mut queue = VecDeque::new();
    for (function, found) in facts.iter().enumerate() {
        for (ix, fact) in found.facts.iter().enumerate() {
            if fact.path.memoised || fact.path.on_error {
                continue;
            }
            match &fact.what {
                What::Call { callee, .. } => callers[callee.index()].push((function, ix)),
                What::Query { access, .. } => {
                    let effect = Effect {
                        access: *access,
                        fact: ix,
                        via: None,
                        distance: 0,
                        params: fact.deps.params,
                        likely: fact.likely,
                        conditional: fact.path.conditional,
                    };
                    add(&mut effects[function], effect, function, &mut queue);
                }
            }
        }
    }
    while let Some((callee, at)) = queue.pop_front() {
        let effect = effects[callee][at];
        for &(caller, ix) in &callers[callee] {
            let fact = &facts[caller].facts[ix];
            let What::Call { args, .. } = &fact.what else {
                continue;
            };
            let passed = passed_on(args, effect.params);
            let callee = FnId(u32::try_from(callee).expect("ids fit"));
            let effect = Effect {
                access: effect.access,
                fact: ix,
                via: Some((callee, at)),
                distance: effect.distance + 1,
                params: passed.params,
                likely: effect.likely || fact.likely,
                conditional: effect.conditional || fact.path.conditional,
            };
            add(&mut effects[caller], effect, caller, &mut queue);
        }
    }
    effects
}

/// What the arguments for some parameters were computed from.
pub(crate) fn passed_on(args: &[Given], params: Bits) -> Deps {
    let chosen = args.iter().enumerate().filter(|(ix, _)| params.has(*ix));
    chosen.fold(Deps::default(), |deps, (_, arg)| deps.with(arg.deps))
}

/// The first effect of a kind is the shortest; later ones are not needed, unless they run on every path.
fn add(effects: &mut Vec<Effect>, effect: Effect, function: usize, queue: &mut VecDeque<(usize, usize)>) {
    if effects
        .iter()
        .all(|known| (known.access, known.conditional) != (effect.access, effect.conditional))
    {
        queue.push_back((function, effects.len()));
        effects.push(effect);
    }
}
