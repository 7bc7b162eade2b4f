//! What evaluating one function finds out: the loop sites it has, the queries it executes and the calls it makes.

use std::ops::Range;
use std::sync::Arc;

use onequery_core::{EntryKind, FileId, Location, Name};
use serde::{Deserialize, Serialize};

use crate::catalog::{Access, CallId, LibTy};
use crate::coverage::Coverage;
use crate::models::RelId;
use crate::program::{ClassId, FnId};
use crate::rows::{Load, Rows};
use crate::value::{Bits, Bound, Deps, Held, Ty, Value};

/// Everything found in one function.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct FnFacts {
    pub(crate) sites: Vec<Site>,
    /// Queries and calls, in order of evaluation. [`Deps::queries`] are indices into it.
    pub(crate) facts: Vec<Fact>,
    /// The joined value of all `return`s.
    pub(crate) returns: Option<Value>,
    /// What a generator yields.
    pub(crate) yields: Option<Box<Value>>,
    /// Parameters that are gone through or taken as a whole set.
    pub(crate) collections: Bits,
    /// Parameters whose rows an attribute is given.
    pub(crate) stores: Bits,
    /// Those, and the ones that are passed on to a function that stores them. Further is not looked: each call in between would
    /// cost two rounds.
    pub(crate) stored: Bits,
    /// Parameters that are called, once.
    pub(crate) invoked: Invoked,
    /// Parameters that are called per element of something.
    pub(crate) called_each: Vec<CalledEach>,
    /// Assignments to attributes of instances and classes: `self.session = …`.
    pub(crate) attributes: Vec<(ClassId, String, Value)>,
    /// Branches one of whose arms is taken in any case.
    pub(crate) alternatives: Vec<Alternatives>,
    /// What could be seen, when that is counted.
    #[serde(skip)]
    pub(crate) coverage: Option<Box<Coverage>>,
    /// Variables of a module: those at the end of its top level, and those that a function says it changes.
    pub(crate) variables: Vec<(String, Value)>,
    /// What it makes the world outside call.
    pub(crate) entered: Vec<Entered>,
    /// It counts the statements that something executes: a test.
    pub(crate) counts: bool,
    /// Functions that it gives away as arguments, to be called at some time.
    pub(crate) handed: Vec<(FnId, Location)>,
}

/// Parameters that a function calls, once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Invoked {
    pub(crate) params: Bits,
    /// Those that it calls only to fill in what a look-up found missing.
    pub(crate) to_fill: Bits,
    /// Parameters that hold what is filled; if there are none, all calls share it.
    pub(crate) holders: Bits,
}

/// A parameter that a function calls once per element: `serializer` of `[serializer(row) for row in rows]`.
#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize)]
pub(crate) struct CalledEach {
    pub(crate) param: usize,
    /// How many elements there are.
    pub(crate) bound: Bound,
    /// What it is given, in terms of the function's own parameters.
    pub(crate) args: Vec<Value>,
}

impl CalledEach {
    /// Whether another says the same, as far as callers may know of it.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let mut args = self.args.iter().zip(&other.args);
        let same_args = self.args.len() == other.args.len() && args.all(|(a, b)| a.is_same(b));
        same_args && self.param == other.param && self.bound == other.bound
    }
}

/// Something that the world outside calls.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Entered {
    pub(crate) kind: EntryKind,
    /// The text that it is registered under: a route.
    pub(crate) name: Option<String>,
    pub(crate) at: Location,
    pub(crate) target: Target,
}

/// What is called from outside.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) enum Target {
    Function(FnId),
    /// Any method of it.
    Class(ClassId),
}

impl FnFacts {
    /// Gives back the room for what will not come any more: most functions have few facts, and there are many functions.
    pub(crate) fn shrink(&mut self) {
        self.sites.shrink_to_fit();
        self.facts.shrink_to_fit();
        self.called_each.shrink_to_fit();
        self.attributes.shrink_to_fit();
        self.alternatives.shrink_to_fit();
        self.variables.shrink_to_fit();
        self.handed.shrink_to_fit();
    }

    /// Whether a fact stands in a loop that goes on for as long as the program runs: a worker, a listener.
    pub(crate) fn is_in_endless_loop(&self, fact: &Fact) -> bool {
        let around = fact.path.loops.indices();
        around
            .filter_map(|ix| Some((ix, self.sites.get(ix)?)))
            .any(|(ix, site)| site.is_endless(ix, &fact.path))
    }
}

/// A branch one of whose arms is taken: `if` with `else`, `match`. What each of them executes is executed in any case.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Alternatives {
    /// The facts of each arm, as indices. Arms that fail are left out.
    pub(crate) arms: Vec<Range<usize>>,
    /// [`Path::undecided`] of what stands around the branch.
    pub(crate) undecided: u32,
}

/// Something that runs once per element.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Site {
    pub(crate) kind: SiteKind,
    /// What a finding shows as "repeats"; in another file than the function's when that renders a template.
    pub(crate) at: Location,
    /// Where the elements come from, when a query was seen that gives them.
    pub(crate) origin: Option<Location>,
    /// How many elements there are.
    pub(crate) bound: Bound,
    /// A `while` that takes its elements from somewhere, or a `for`.
    pub(crate) has_elements: bool,
    /// The iterable's type is known, or it is not written as one.
    pub(crate) source_known: bool,
    /// Sleeps, or waits for messages.
    pub(crate) paced: bool,
    /// Nothing is tested that could end it: `loop`, `while True`.
    pub(crate) unending: bool,
    /// It counts rounds and nothing in them knows their number: `for _ in range(3)`.
    pub(crate) counts: bool,
    /// Some path leaves it, and not because something failed.
    pub(crate) may_end: bool,
    /// What has a framework repeat it, which may know how to read for all at once.
    pub(crate) by: Option<CallId>,
}

impl Site {
    /// Whether it goes round until something outside ends it: what is done in it is not done because somebody called.
    pub(crate) fn is_endless(&self, ix: usize, path: &Path) -> bool {
        self.unending && !path.leaves.has(ix) && !path.decides.has(ix)
    }

    /// Whether it goes through elements. What counts its rounds and ends when one is well is trying.
    pub(crate) const fn walks(&self) -> bool {
        self.has_elements && !(self.counts && self.may_end)
    }

    /// Whether it repeats a fact once per element: it is none of the legitimate sequences. `ix` is its own index.
    pub(crate) fn repeats(&self, ix: usize, fact: &Fact) -> bool {
        let walks = self.walks() && !(self.kind == SiteKind::While && self.paced);
        let path = &fact.path;
        let left =
            path.leaves.has(ix) || path.decides.has(ix) || path.flushes.has(ix) || path.chained.has(ix);
        // Of elements that differ one at most is the constant for which it runs.
        let left = left || (path.pinned.has(ix) && !fact.deps.loops.has(ix));
        walks && matches!(self.bound, Bound::Data | Bound::Limited) && !left && !fact.deps.batched.has(ix)
    }
}

/// What repeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum SiteKind {
    /// `for`, `async for`.
    For,
    /// `while`, `while let`, `loop`.
    While,
    /// A comprehension or generator expression.
    Comprehension,
    /// A callback that is called per element: `.map(|x| …)`, `sorted(key=…)`.
    Callback,
    /// What a framework does per row: a serializer's fields.
    Framework,
}

/// Conditions on what the parameters of a function are given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Conditions {
    /// These are given something.
    pub(crate) given: Bits,
    /// These are given nothing: `None`, `False`.
    pub(crate) absent: Bits,
}

impl Conditions {
    pub(crate) const fn is_empty(self) -> bool {
        self.given.is_empty() && self.absent.is_empty()
    }

    pub(crate) const fn with(self, other: Self) -> Self {
        Self {
            given: self.given.with(other.given),
            absent: self.absent.with(other.absent),
        }
    }

    /// The conditions with one more.
    pub(crate) fn and(self, param: usize, is_given: bool) -> Self {
        let one = Bits::one(param);
        let none = Bits::default();
        let (given, absent) = if is_given { (one, none) } else { (none, one) };
        self.with(Self { given, absent })
    }

    /// What is left of them in a call that gives `args`; `None` when it contradicts them.
    pub(crate) fn in_call(self, args: &[Given]) -> Option<Left> {
        let mut left = Left::default();
        for (params, wanted) in [(self.given, true), (self.absent, false)] {
            for param in params.indices() {
                let given = args.get(param);
                match given.and_then(|given| given.truth) {
                    Some(truth) if truth != wanted => return None,
                    Some(_) => {}
                    None => match given.and_then(|given| given.own_param) {
                        Some(own) => left.conditions = left.conditions.and(own, wanted),
                        // What is written is mostly something; a cache that is given is no missing one. A flag may be
                        // either.
                        None if given.is_some_and(|given| given.is_written && (wanted || given.is_flag)) => {
                            left.at_run_time = true
                        }
                        None => left.is_open = true,
                    },
                }
            }
        }
        Some(left)
    }
}

/// What a call leaves of [`Conditions`].
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Left {
    /// Those on the caller's own parameters.
    pub(crate) conditions: Conditions,
    /// What the call gives decides some of them, and that is known at run time only.
    pub(crate) at_run_time: bool,
    /// Some are not decided.
    pub(crate) is_open: bool,
}

/// What is known of the path on which something in a loop runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Path {
    /// Sites around it, innermost last, as bits; site ids grow inwards.
    pub(crate) loops: Bits,
    /// Sites that are left after it, on every path.
    pub(crate) leaves: Bits,
    /// Sites whose exit its result decides.
    pub(crate) decides: Bits,
    /// Sites in which it runs only when a batch is full.
    pub(crate) flushes: Bits,
    /// Sites whose element is one constant where it runs.
    pub(crate) pinned: Bits,
    /// Sites in each round of which it writes something that refers to what it wrote in the round before.
    pub(crate) chained: Bits,
    /// Runs in an `except` clause.
    pub(crate) on_error: bool,
    /// Runs when a lookup in something remembered failed.
    pub(crate) memoised: bool,
    /// The same, where what these parameters are given remembers: `self.cache`. Who gives another object asks again.
    pub(crate) remembered: Bits,
    /// The objects that these parameters are given keep the result: `self.orders`, if that is a query that keeps its rows. Who
    /// gives another object asks again.
    pub(crate) held: Bits,
    /// The object that it is asked of keeps the result: only another object asks again.
    pub(crate) kept: bool,
    /// What a parameter holds may have been given the answer: it is asked for when that was not.
    pub(crate) may_be_given: bool,
    /// How many branches it stands in, from the innermost loop on, of which it is not known whether they are taken.
    pub(crate) undecided: u32,
    /// How many of those are decided by what a parameter holds: `if self.author_id`.
    pub(crate) by_param: u32,
    /// Those parameters.
    pub(crate) deciding: Bits,
    /// Parameters of which a constant is compared with what they hold: `if self.kind == "external"`.
    pub(crate) discriminated: Bits,
    /// Stands in a branch that is taken for this.
    pub(crate) branch: Conditions,
    /// Comes after an early exit that is not taken for this.
    pub(crate) past_exits: Conditions,
    /// Its failure, or its transaction, is one element's own: the loop goes on.
    pub(crate) isolated: bool,
}

impl Path {
    /// Notes what keeps the result.
    pub(crate) fn keep_in(&mut self, held: Held) {
        match held {
            Held::Param(param) => self.held.add(Bits::one(param)),
            Held::Outside => self.memoised = true,
            Held::No | Held::Object => {}
        }
    }

    /// Whether nothing but what a parameter holds decides whether it is run: if that is a row, it is run for some rows.
    pub(crate) fn is_decided_by(&self, param: usize) -> bool {
        self.undecided == self.by_param && self.deciding.without(Bits::one(param)).is_empty()
    }
}

/// What a query was recognised by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum QuerySource {
    /// A call of a catalogue's entry.
    Call(CallId),
    /// An implicit execution of a value: iterating, testing, subscripting.
    Implicit(LibTy),
    /// Reading a relation.
    Relation(RelId),
    /// Reading a column that was left out.
    Column,
}

/// Something that may matter when it stands in a loop.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Fact {
    /// As [`Site::at`].
    pub(crate) at: Location,
    /// What is executed or called, for people: `Order.objects.get`.
    pub(crate) label: String,
    pub(crate) deps: Deps,
    /// Recognised by its shape somewhere on the way.
    pub(crate) likely: bool,
    pub(crate) path: Path,
    pub(crate) what: What,
}

impl Fact {
    /// What a call gives; nothing when it is no call.
    pub(crate) fn args(&self) -> &[Given] {
        match &self.what {
            What::Call { args, .. } => args,
            What::Query { .. } => &[],
        }
    }
}

/// What a [`Fact`] is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum What {
    /// A query that is executed.
    Query {
        access: Access,
        source: QuerySource,
        /// The rows of a relation that could have been loaded before.
        load: Option<Load>,
    },
    /// A call of a function of the project, with what its parameters are given.
    Call { callee: FnId, args: Box<[Given]> },
}

/// What a parameter is given in a call.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Given {
    pub(crate) deps: Deps,
    pub(crate) ty: Ty,
    pub(crate) bound: Bound,
    /// The literal integer.
    pub(crate) int: Option<i64>,
    /// What testing it for truth gives, when that is known.
    pub(crate) truth: Option<bool>,
    /// The text that it is.
    pub(crate) text: Option<(FileId, Name)>,
    /// It is one of the caller's own parameters, unchanged.
    pub(crate) own_param: Option<usize>,
    /// The caller's own parameter that holds it.
    pub(crate) held_by: Option<usize>,
    /// The sites around all rounds of which give one and the same object.
    pub(crate) kept: Bits,
    /// An argument stands there.
    pub(crate) is_written: bool,
    /// The parameter is true or false unless something is given.
    pub(crate) is_flag: bool,
    /// Rows of a model in it.
    pub(crate) rows: Option<Arc<Rows>>,
    /// What these are whoever calls the caller, if the called function stores them.
    pub(crate) to_store: Option<Arc<Rows>>,
}
