//! Two fixpoints over all functions: first what values may be, then what calling a function executes.
//!
//! Values come first: once they are final, effects are only ever added, so the second fixpoint is a walk from queries
//! up the calls. Both give the same result for any number of threads: a round reads only what the round before wrote.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use onequery_core::ir::{FnIx, Pattern};
use onequery_core::{DirectiveKind, FileId, Language, Problem, ProblemKind, Span};
use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};
use tracing::info_span;

use crate::catalog::Access;
use crate::eval::{Evaluated, ForCallers, evaluate, is_root};
use crate::facts::{Conditions, Fact, FnFacts, Given, Left, Path, What};
use crate::known::{Knowledge, Known, Slot, hash};
use crate::learning::{Learning, Touched};
use crate::past::{Numbers, Record, Trace, looking};
use crate::program::{ClassId, FnId, Program};
use crate::rows::{Load, RowSource, Rows, Wanted};
use crate::value::{Bits, Deps, Ty};

/// Rounds of the value fixpoint after the first. A value travels one call, import or attribute a round.
pub(crate) const MAX_ROUNDS: usize = 30;

/// The first round that evaluates what functions render. A page is much to evaluate, and by then most of what it asks for is
/// what it will be. What all pages of a project call is told by a few of them, which come first.
pub(crate) const fn first_with_pages(is_early: bool) -> usize {
    if is_early { 4 } else { 6 }
}

/// Whether what a function renders is evaluated early. A share of all names does for that.
pub(crate) fn renders_early(name: &str) -> bool {
    hash(&name) >> (u64::BITS - 3) == 0
}

/// From this round on, what still changes is unknown for good: two values that follow from each other may never agree.
pub(crate) const WIDENING_ROUND: usize = 18;

/// How many functions a thread takes at once. Few of them make up most of the work.
pub(crate) const ROOTS_AT_ONCE: usize = 64;

/// What calling each function does.
pub(crate) struct Summaries {
    /// By [`FnId`].
    pub(crate) facts: Vec<Arc<FnFacts>>,
    /// By [`FnId`]: what a call executes, by kind of access.
    pub(crate) effects: Vec<Vec<Effect>>,
    /// Limits that were reached.
    pub(crate) problems: Vec<(FileId, Problem)>,
}

impl Summaries {
    /// The next link of an effect's chain: the function called there, and its effect.
    pub(crate) fn next(&self, effect: &Effect) -> Option<(FnId, &Effect)> {
        let (callee, ix) = effect.via?;
        Some((callee, &self.effects[callee.index()][ix]))
    }
}

/// A query that calling a function executes.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// Some link behind the fact runs on some path only; whether this call takes that path is not known.
    pub(crate) conditional: bool,
    /// Some link is as [`crate::facts::Path::kept`] says.
    pub(crate) kept: bool,
    /// Some link is as [`crate::facts::Path::may_be_given`] says, and nothing is written.
    pub(crate) may_be_given: bool,
    /// As [`crate::facts::Path::remembered`] of some link, in terms of the function's own parameters.
    pub(crate) remembered: Bits,
    /// As [`crate::facts::Path::held`] of some link, likewise.
    pub(crate) held: Bits,
    /// As [`crate::facts::Path::undecided`] of the fact, less the branches all of whose arms execute something.
    pub(crate) undecided: u32,
    /// The branch it stands in is taken for this.
    pub(crate) branch: Conditions,
    /// The exits before it are not taken for this.
    pub(crate) past_exits: Conditions,
    /// Whether it is executed at all depends on the type of what a parameter is given.
    pub(crate) dispatch: Option<Dispatch>,
    /// Whether it is executed at all depends on the rows that a parameter is given.
    pub(crate) lazy: Option<Lazy>,
}

/// A call through a trait or a base class that runs the method of one class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Dispatch {
    /// The parameter whose type decides.
    param: usize,
    /// The method of the trait or base class.
    method: FnId,
    /// The class that the method belongs to.
    class: ClassId,
}

impl Dispatch {
    /// The parameter and the class that it is to be of.
    const fn of(self) -> (usize, ClassId) {
        (self.param, self.class)
    }

    /// Whether a call gives something that has another method. What has none leads to something that does:
    /// `PooledConnection`.
    fn is_contradicted(self, program: &Program<'_>, args: &[Given]) -> bool {
        // A struct without fields is called as its class is.
        let Some(Ty::Instance(given) | Ty::Class(given)) = args.get(self.param).map(|given| &given.ty) else {
            return false;
        };
        let has = |class: ClassId, base: ClassId| program.class(class).mro.contains(&base);
        program.implements_itself(*given, self.method) && !has(*given, self.class) && !has(self.class, *given)
    }

    /// In terms of the caller.
    fn in_call(self, args: &[Given]) -> Option<Self> {
        let param = args.get(self.param)?.own_param?;
        Some(Self { param, ..self })
    }
}

/// A read of what a parameter is given, which asks nothing if that was loaded before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lazy {
    pub(crate) param: usize,
    /// In terms of the parameter.
    pub(crate) rows: Arc<Rows>,
    /// It is narrowed: a query in any case, and one that loading the relation before would not have spared.
    pub(crate) narrowed: bool,
    pub(crate) wanted: Wanted,
    /// What kind of row the parameter is decides whether it is read.
    pub(crate) discriminated: bool,
    /// The loop over the parameter's rows in which it is read, when there is one.
    pub(crate) repeated: Option<(FnId, usize)>,
}

/// What a [`Lazy`] read is, once it is known what the parameter is given.
pub(crate) enum Resolved {
    /// Nothing is asked, or it is not known.
    Nothing,
    /// An ordinary query: the parameter was given one that has not been executed.
    Query,
    /// These rows are asked for, in terms of the caller.
    Rows(Rows),
}

impl Effect {
    /// Whether it is executed on some path only.
    pub(crate) const fn is_conditional(&self) -> bool {
        self.conditional || self.undecided > 0
    }

    /// What remembers the result, as a call gives it: nothing given remembers nothing.
    fn remembering<'g>(&self, args: &'g [Given]) -> impl Iterator<Item = &'g Given> {
        let remembered = self.remembered;
        let given = args.iter().enumerate();
        given
            .filter(move |&(ix, given)| remembered.has(ix) && given.truth != Some(false))
            .map(|(_, given)| given)
    }

    /// The caller's own parameters that remember the result.
    fn remembered_by_caller(&self, args: &[Given]) -> Bits {
        let held = self.remembering(args).filter(|given| given.deps.loops.is_empty());
        let params = held.filter_map(|given| given.deps.params.only());
        params.fold(Bits::default(), |all, param| all.with(Bits::one(param)))
    }

    /// Whether something that is the same for all elements of a loop remembers the result.
    pub(crate) fn is_remembered_in(&self, site: usize, args: &[Given]) -> bool {
        self.remembering(args)
            .any(|given| !given.deps.loops.has(site) && !given.deps.varies.has(site))
    }

    /// The caller's own parameters that hold what keeps the result.
    fn held_by_caller(&self, args: &[Given]) -> Bits {
        let holding = self.holding(args).filter_map(|given| given.held_by);
        holding.fold(Bits::default(), |all, param| all.with(Bits::one(param)))
    }

    /// Whether one and the same object keeps the result in all rounds of a loop.
    pub(crate) fn is_held_in(&self, site: usize, args: &[Given]) -> bool {
        self.holding(args).any(|given| given.kept.has(site))
    }

    fn holding<'g>(&self, args: &'g [Given]) -> impl Iterator<Item = &'g Given> {
        let held = self.held;
        let given = args.iter().enumerate();
        given.filter(move |&(ix, _)| held.has(ix)).map(|(_, given)| given)
    }

    /// A row's own columns decide whether a relation of it is read: that happens for some rows, whoever calls.
    fn decided_by_row(self, path: &Path) -> Self {
        match &self.lazy {
            Some(lazy) if self.undecided > 0 && !lazy.narrowed && path.is_decided_by(lazy.param) => Self {
                undecided: 0,
                likely: true,
                lazy: Some(Lazy {
                    discriminated: lazy.discriminated || path.discriminated.has(lazy.param),
                    ..lazy.clone()
                }),
                ..self
            },
            _ => self,
        }
    }

    /// What is left of the conditions on parameters in a call, those of branches and those of exits; `None` when the call
    /// contradicts them.
    pub(crate) fn left(&self, program: &Program<'_>, args: &[Given]) -> Option<(Left, Left)> {
        let runs_another = self
            .dispatch
            .is_some_and(|dispatch| dispatch.is_contradicted(program, args));
        if runs_another {
            return None;
        }
        self.branch.in_call(args).zip(self.past_exits.in_call(args))
    }
}

impl Lazy {
    /// Whether the relation is one of the row that all rows that the parameter is given lead back to, and it keeps what it
    /// loaded: `label(line)` reads `line.order.customer`.
    fn is_kept_by_one_row(&self, program: &Program<'_>, given: &Rows) -> bool {
        let mut hops = self.rows.path.iter();
        let first = hops.next().map(|hop| &hop.name);
        let mut relations = hops.map(|hop| program.relation(hop.relation));
        let last = relations.next_back();
        first.is_some()
            && first == given.way_back.as_ref()
            && last.is_some_and(|relation| !program.asks_anew(relation))
            && relations.all(|relation| !relation.to_many)
    }

    /// Decides with what a call gives to the parameter.
    pub(crate) fn resolve(&self, program: &Program<'_>, args: &[Given]) -> Resolved {
        if self.narrowed {
            let given = args.get(self.param).and_then(|given| given.rows.as_ref());
            return match given.and_then(|given| self.rows.given(given)) {
                Some(rows) if matches!(rows.source, RowSource::Param(_)) => Resolved::Rows(rows),
                Some(rows) if !rows.loaded.unknown && rows.are_loaded(false) => Resolved::Rows(rows),
                _ => Resolved::Query,
            };
        }
        // Nothing was given, so nothing is executed.
        if args
            .get(self.param)
            .is_some_and(|given| given.truth == Some(false))
        {
            return Resolved::Nothing;
        }
        let runs_param = self.rows.path.is_empty();
        let Some(given) = args.get(self.param).and_then(|given| given.rows.as_ref()) else {
            return if runs_param {
                Resolved::Query
            } else {
                Resolved::Nothing
            };
        };
        // Those that one relation leads to are of one kind as a rule.
        if self.discriminated && !given.path.is_empty() {
            return Resolved::Nothing;
        }
        if runs_param && matches!((given.pending, given.source), (None, RowSource::Query(_))) {
            return Resolved::Query;
        }
        let Some(rows) = self.rows.given(given) else {
            return Resolved::Nothing;
        };
        if rows.pending.is_some_and(|pending| pending.refined) {
            return Resolved::Query;
        }
        if self.is_kept_by_one_row(program, given) {
            return Resolved::Nothing;
        }
        let to_one = rows
            .path
            .last()
            .is_some_and(|hop| program.relation(hop.relation).leads_to_one());
        match rows.source {
            RowSource::Query(_) | RowSource::Param(_) if !rows.are_loaded(to_one) => Resolved::Rows(rows),
            _ => Resolved::Nothing,
        }
    }
}

/// What evaluating all functions until nothing new is learnt found out.
pub(crate) struct Settled {
    /// By root.
    pub(crate) results: Vec<Arc<Evaluated>>,
    /// Nothing changed any more.
    pub(crate) is_settled: bool,
}

impl Settled {
    /// What calling each function does: effects are propagated up the calls.
    pub(crate) fn summaries(&self, program: &Program<'_>) -> Summaries {
        let troubles = self.results.iter().filter_map(|result| result.problem.clone());
        let fuel = (!self.is_settled).then(out_of_fuel);
        let problems = troubles.chain(fuel).collect();
        let mut facts = by_function(program, &self.results);
        for id in program.functions_declared(&DirectiveKind::NoQuery) {
            Arc::make_mut(&mut facts[id.index()]).facts.clear();
        }
        let effects = info_span!("propagate").in_scope(|| propagate(program, &facts));
        Summaries {
            facts,
            effects,
            problems,
        }
    }
}

/// Evaluates all functions until nothing new is learnt, then propagates effects.
pub(crate) fn summarize(program: &Program<'_>) -> Summaries {
    let roots = roots(program);
    let mut nothing_kept: Vec<()> = vec![(); roots.len()];
    let learning = &mut Learning::default();
    let (settled, _) = rounds(program, &roots, learning, &mut nothing_kept, |(), turn| {
        turn.evaluate()
    });
    settled.summaries(program)
}

/// Evaluates all functions, with a record of that unless there was no end to it.
pub(crate) fn settle_recorded(program: &Program<'_>, roots: &[FnId]) -> (Settled, Option<Record>) {
    let mut traces = Vec::new();
    traces.resize_with(roots.len(), Trace::default);
    let mut learning = Learning::recorded();
    let (settled, changed) = rounds(program, roots, &mut learning, &mut traces, |trace, turn| {
        let ((result, touched, told), files) = looking(|| {
            let (result, touched) = turn.evaluate();
            let told = touched.told(turn.program, &result);
            (result, touched, told)
        });
        trace.note(turn.round, &result, &told, files);
        (result, touched)
    });
    let past = learning.past.take().filter(|_| settled.is_settled);
    let record = past.map(|past| Record::of(roots, past, changed, traces, &settled.results));
    (settled, record)
}

/// The functions that are evaluated for themselves, not within others.
pub(crate) fn roots(program: &Program<'_>) -> Vec<FnId> {
    program
        .file_ids()
        // Templates are evaluated where they are rendered.
        .filter(|&file| program.ir(file).language != Language::Template)
        .flat_map(|file| {
            let functions = &program.ir(file).functions;
            (0_u32..)
                .zip(functions)
                .filter(|(ix, function)| is_root(FnIx(*ix), function))
                .map(move |(ix, _)| program.fn_id(file, FnIx(ix)))
        })
        .chain(program.presentations())
        .collect()
}

/// The evaluation of one root in one round.
struct Turn<'t, 'a> {
    program: &'t Program<'a>,
    known: &'t Known,
    for_callers: &'t ForCallers,
    round: usize,
    root: FnId,
    /// The root's index, and what it found out before.
    ix: usize,
    before: &'t Evaluated,
}

impl Turn<'_, '_> {
    /// What the root finds out, and what that speaks of.
    fn evaluate(&self) -> (Evaluated, Touched) {
        let now = evaluate_or_report(self.program, (self.known, self.for_callers), self.root);
        let touched = Touched::of(self.program, self.before, (self.ix, &now));
        (now, touched)
    }
}

/// The rounds of the value fixpoint. `kept` goes with the roots, to be given to `evaluated`. Gives what each round changed,
/// too, if `learning` is recorded.
fn rounds<K: Send>(
    program: &Program<'_>,
    roots: &[FnId],
    learning: &mut Learning,
    kept: &mut [K],
    evaluated: impl Fn(&mut K, Turn<'_, '_>) -> (Evaluated, Touched) + Sync,
) -> (Settled, Vec<Numbers<Slot>>) {
    let mut results: Vec<Arc<Evaluated>> = vec![Arc::default(); roots.len()];
    let mut changed: Option<FxHashSet<Slot>> = None;
    let mut changed_by_round = Vec::new();
    for round in 0.. {
        learning.known.n_rounds = round;
        let for_callers = ForCallers::default();
        let anew: Vec<(usize, Touched)> = info_span!("evaluate", round).in_scope(|| {
            let all = results
                .par_iter_mut()
                .zip(&mut *kept)
                .enumerate()
                .with_max_len(ROOTS_AT_ONCE);
            // The first round evaluates everything, later ones what asked for something that has changed.
            let due = all.filter(|(_, (result, _))| {
                let changed = changed.as_ref();
                changed.is_none_or(|changed| !changed.is_disjoint(&result.reads))
            });
            due.map(|(ix, (result, kept))| {
                let turn = Turn {
                    program,
                    known: &learning.known,
                    for_callers: &for_callers,
                    round,
                    root: roots[ix],
                    ix,
                    before: result,
                };
                let (now, touched) = evaluated(kept, turn);
                *result = Arc::new(now);
                (ix, touched)
            })
            .collect()
        });
        let mut differences = info_span!("learn", round).in_scope(|| learning.learn(program, &results, anew));
        let early = [true, false].into_iter();
        let due = early.filter(|is_early| first_with_pages(*is_early) == round + 1);
        differences.extend(due.map(Slot::pages));
        if learning.past.is_some() {
            let mut slots: Vec<Slot> = differences.iter().copied().collect();
            slots.sort_unstable();
            changed_by_round.push(Numbers(slots));
        }
        let is_settled = differences.is_empty() && round >= first_with_pages(false);
        if is_settled || round >= MAX_ROUNDS {
            return (Settled { results, is_settled }, changed_by_round);
        }
        if round >= WIDENING_ROUND {
            learning.give_up(&differences);
        }
        changed = Some(differences);
    }
    unreachable!("the loop ends at MAX_ROUNDS")
}

/// Evaluates a function; a panic costs this function only.
pub(crate) fn evaluate_or_report(
    program: &Program<'_>,
    known: (&dyn Knowledge, &ForCallers),
    root: FnId,
) -> Evaluated {
    catch_unwind(AssertUnwindSafe(|| evaluate(program, known, root))).unwrap_or_else(|_| {
        let (file, _, function) = program.function(root);
        let message = "a function could not be analysed; please report this".to_owned();
        let problem = Problem {
            kind: ProblemKind::Internal,
            span: function.name_span,
            message,
        };
        Evaluated {
            problem: Some((file, problem)),
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

fn by_function(program: &Program<'_>, results: &[Arc<Evaluated>]) -> Vec<Arc<FnFacts>> {
    let mut facts = vec![Arc::default(); program.n_functions()];
    for (id, found) in results.iter().flat_map(|result| &result.facts) {
        facts[id.index()] = found.clone();
    }
    facts
}

/// Walks from queries up the calls, breadth first: each function gets the shortest way to each kind of access.
fn propagate(program: &Program<'_>, facts: &[Arc<FnFacts>]) -> Vec<Vec<Effect>> {
    let mut callers: Vec<Vec<(usize, usize)>> = vec![Vec::new(); facts.len()];
    let mut walk = Walk {
        facts,
        effects: vec![Vec::new(); facts.len()],
        batched: program.functions_declared(&DirectiveKind::Batched).collect(),
        queue: VecDeque::new(),
        arms: FxHashMap::default(),
    };
    for function in program.function_ids().map(FnId::index) {
        let found = &facts[function];
        for (ix, fact) in found.facts.iter().enumerate() {
            if fact.path.memoised || fact.path.on_error {
                continue;
            }
            match &fact.what {
                What::Call { callee, .. } => callers[callee.index()].push((function, ix)),
                What::Query { access, load, .. } => {
                    let effect = Effect {
                        access: *access,
                        fact: ix,
                        via: None,
                        distance: 0,
                        params: fact.deps.params,
                        likely: fact.likely,
                        branch: fact.path.branch,
                        past_exits: fact.path.past_exits,
                        // A transaction of its own is wanted as a rule, whoever calls.
                        conditional: (*access == Access::Commit && fact.path.isolated)
                            || found.is_in_endless_loop(fact),
                        kept: fact.path.kept,
                        may_be_given: *access == Access::Read && fact.path.may_be_given,
                        remembered: fact.path.remembered,
                        held: fact.path.held,
                        undecided: fact.path.undecided,
                        dispatch: None,
                        lazy: load
                            .as_ref()
                            .and_then(|load| lazy(load, fact_of(facts, function, ix), fact.deps)),
                    };
                    walk.add(function, effect.decided_by_row(&fact.path));
                }
            }
        }
    }
    while let Some((callee, at)) = walk.queue.pop_front() {
        let effect = walk.effects[callee][at].clone();
        for &(caller, ix) in &callers[callee] {
            let fact = &facts[caller].facts[ix];
            let What::Call { args, .. } = &fact.what else {
                continue;
            };
            let Some((branch, past_exits)) = effect.left(program, args) else {
                continue;
            };
            let rows = match &effect.lazy {
                None => None,
                Some(lazy) => match lazy.resolve(program, args) {
                    Resolved::Nothing => continue,
                    Resolved::Query => None,
                    // Rows that the caller has from a query are its own business, see `loop_sites`.
                    Resolved::Rows(rows) if !matches!(rows.source, RowSource::Param(_)) => {
                        if !lazy.narrowed {
                            continue;
                        }
                        None
                    }
                    Resolved::Rows(rows) => Some(rows),
                },
            };
            let read = rows.zip(effect.lazy.as_ref()).and_then(|(rows, before)| {
                let given = args.get(before.param).map(|given| given.deps).unwrap_or_default();
                let load = Load {
                    rows: Arc::new(rows),
                    defeats: before.narrowed,
                    wanted: before.wanted.clone(),
                };
                let own = lazy(&load, fact_of(facts, caller, ix), given)?;
                Some(Lazy {
                    repeated: before.repeated.or(own.repeated),
                    discriminated: before.discriminated,
                    ..own
                })
            });
            let passed = passed_on(args, effect.params);
            let callee = FnId(u32::try_from(callee).expect("ids fit"));
            let own = FnId(u32::try_from(caller).expect("ids fit"));
            let passed_dispatch = effect.dispatch.and_then(|dispatch| dispatch.in_call(args));
            let effect = Effect {
                access: effect.access,
                fact: ix,
                via: Some((callee, at)),
                distance: effect.distance + 1,
                params: passed.params,
                likely: effect.likely || fact.likely || branch.at_run_time,
                conditional: effect.is_conditional()
                    || branch.is_open
                    || facts[caller].is_in_endless_loop(fact),
                kept: effect.kept || fact.path.kept,
                may_be_given: effect.may_be_given
                    || (effect.access == Access::Read && fact.path.may_be_given),
                remembered: fact.path.remembered.with(effect.remembered_by_caller(args)),
                held: fact.path.held.with(effect.held_by_caller(args)),
                undecided: fact.path.undecided,
                branch: fact.path.branch.with(branch.conditions),
                past_exits: fact.path.past_exits.with(past_exits.conditions),
                dispatch: dispatched(program, own, callee).or(passed_dispatch),
                lazy: read,
            };
            walk.add(caller, effect.decided_by_row(&fact.path));
        }
    }
    walk.effects
}

/// What decides that a method without a body of its own runs a certain implementation.
fn dispatched(program: &Program<'_>, method: FnId, implementation: FnId) -> Option<Dispatch> {
    let (file, _, function) = program.function(method);
    let receiver = match function.params.first()?.pattern {
        Pattern::Name(name, _) => program.ir(file).name(name),
        _ => return None,
    };
    let is_one = program.implementations(method).contains(&implementation);
    let class = program
        .class_of(implementation)
        .filter(|_| is_one && receiver == "self")?;
    Some(Dispatch {
        param: 0,
        method,
        class,
    })
}

/// One fact with the function it stands in.
struct FactOf<'f> {
    function: FnId,
    found: &'f FnFacts,
    fact: &'f Fact,
}

fn fact_of(facts: &[Arc<FnFacts>], function: usize, ix: usize) -> FactOf<'_> {
    FactOf {
        function: FnId(u32::try_from(function).expect("ids fit")),
        found: &facts[function],
        fact: &facts[function].facts[ix],
    }
}

/// The read of a parameter's rows by a fact; `deps` are what those rows were computed from.
fn lazy(load: &Load, of: FactOf<'_>, deps: Deps) -> Option<Lazy> {
    let RowSource::Param(param) = load.rows.source else {
        return None;
    };
    let repeated = of
        .fact
        .path
        .loops
        .indices()
        .filter(|&ix| deps.loops.has(ix))
        .filter(|&ix| {
            of.found
                .sites
                .get(ix)
                .is_some_and(|site| site.repeats(ix, of.fact))
        })
        .last()
        .filter(|_| !load.defeats);
    Some(Lazy {
        param,
        rows: load.rows.clone(),
        narrowed: load.defeats,
        wanted: load.wanted.clone(),
        discriminated: false,
        repeated: repeated.map(|site| (of.function, site)),
    })
}

/// What the arguments for some parameters were computed from.
pub(crate) fn passed_on(args: &[Given], params: Bits) -> Deps {
    let chosen = args.iter().enumerate().filter(|(ix, _)| params.has(*ix));
    chosen.fold(Deps::default(), |deps, (_, arg)| deps.with(arg.deps))
}

/// How many effects that depend on what parameters are given a function may have; more are not followed.
const MAX_SPECIAL: usize = 32;

/// The effects found so far, on the way up from the queries.
struct Walk<'f> {
    facts: &'f [Arc<FnFacts>],
    /// By function.
    effects: Vec<Vec<Effect>>,
    /// Functions that are declared to answer for many at once: calling them has no effect that counts.
    batched: FxHashSet<FnId>,
    /// Effects whose callers are still to be told, as function and index.
    queue: VecDeque<(usize, usize)>,
    /// By function, branch and kind of access: what each arm executes, its first effect.
    arms: FxHashMap<(usize, usize, Access), Vec<Option<Effect>>>,
}

impl Walk<'_> {
    /// Adds an effect, and what follows when all arms of a branch have one.
    ///
    /// The first effect of a kind is the shortest; later ones are not needed, unless they run on every path, or read
    /// something else of a parameter.
    fn add(&mut self, function: usize, effect: Effect) {
        let id = FnId(u32::try_from(function).expect("ids fit"));
        if self.batched.contains(&id) {
            return;
        }
        let in_any_case = self.in_any_case(function, &effect);
        let read = |effect: &Effect| {
            let lazy = effect.lazy.as_ref()?;
            Some((lazy.param, lazy.rows.names(), lazy.repeated, lazy.narrowed))
        };
        let path = |effect: &Effect| {
            (
                effect.access,
                effect.is_conditional(),
                effect.may_be_given,
                effect.branch,
                effect.past_exits,
                (effect.remembered, effect.held),
                effect.dispatch.map(Dispatch::of),
            )
        };
        let effects = &mut self.effects[function];
        let is_known = |known: &Effect| path(known) == path(&effect) && read(known) == read(&effect);
        let is_special = effect.lazy.is_some()
            || !effect.branch.is_empty()
            || !effect.past_exits.is_empty()
            || !effect.remembered.is_empty()
            || !effect.held.is_empty()
            || effect.dispatch.is_some();
        let is_too_much = is_special && effects.len() >= MAX_SPECIAL;
        if !is_too_much && !effects.iter().any(is_known) {
            self.queue.push_back((function, effects.len()));
            effects.push(effect);
        }
        if let Some(effect) = in_any_case {
            self.add(function, effect);
        }
    }

    /// The effect of a whole branch, when this one is that of its last arm.
    fn in_any_case(&mut self, function: usize, effect: &Effect) -> Option<Effect> {
        if effect.conditional || effect.undecided == 0 || effect.lazy.is_some() {
            return None;
        }
        let branches = self.facts[function].alternatives.iter().enumerate();
        let (branch, arm, arms) = branches
            .filter(|(_, branch)| branch.undecided + 1 == effect.undecided)
            .find_map(|(ix, branch)| {
                let arm = branch.arms.iter().position(|arm| arm.contains(&effect.fact))?;
                Some((ix, arm, branch.arms.len()))
            })?;
        let known = self
            .arms
            .entry((function, branch, effect.access))
            .or_insert_with(|| vec![None; arms]);
        if known[arm].is_some() {
            return None;
        }
        known[arm] = Some(effect.clone());
        let all: Vec<&Effect> = known.iter().flatten().collect();
        let first = *all.first()?;
        let path = |effect: &Effect| {
            (
                effect.branch,
                effect.past_exits,
                (effect.remembered, effect.held),
                effect.dispatch.map(Dispatch::of),
            )
        };
        let agree = |other: &&Effect| path(other) == path(first);
        (all.len() == arms && all.iter().all(agree)).then(|| Effect {
            undecided: first.undecided - 1,
            distance: all.iter().map(|effect| effect.distance).max().unwrap_or_default(),
            likely: all.iter().any(|effect| effect.likely),
            ..first.clone()
        })
    }
}
