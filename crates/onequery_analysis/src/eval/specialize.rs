//! What a function gives to one caller: it is evaluated again with what that caller passes.
//!
//! `get_model("order", "Line")`, `sorted_by(queryset, request)`, `self.rows()` of a base class that reads `self.model`:
//! what these give cannot be said for all callers at once.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use onequery_core::ir::{Param, Pattern, Spread};
use onequery_core::{FileId, Name};
use rustc_hash::{FxHashMap, FxHashSet};

use super::Eval;
use crate::facts::{CalledEach, Given};
use crate::known::Slot;
use crate::past::{look_into, looking};
use crate::program::FnId;
use crate::value::{Bits, Ty, Value};

/// How many functions are evaluated for one caller inside each other.
const MAX_SPECIALIZED: usize = 3;

/// How long a function may be, in bytes. What picks rows for its caller is short.
const MAX_LENGTH: u32 = 4_000;

/// A function and what it is given, as far as it is evaluated again for that.
type Context = (FnId, Vec<Passed>);

/// What one caller passes for a parameter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Passed {
    ty: Ty,
    text: Option<(FileId, Name)>,
    /// Whether it is something, as opposed to `None` or `False`.
    is_given: Option<bool>,
}

/// What evaluating a function for one caller found out.
struct Specialized {
    returned: Value,
    called_each: Vec<CalledEach>,
    /// What that asked for, and the files that it looked into.
    reads: FxHashSet<Slot>,
    files: Vec<FileId>,
}

/// The functions being evaluated for one caller inside each other, and what the next one is given.
type Key = (Vec<FnId>, Context);

/// What functions give to their callers, as far as evaluations found that out with the same knowledge. It is the same for all
/// callers that pass the same.
#[derive(Default)]
pub(crate) struct ForCallers(Mutex<FxHashMap<Key, Arc<Specialized>>>);

impl ForCallers {
    fn found(&self) -> MutexGuard<'_, FxHashMap<Key, Arc<Specialized>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<'a> Eval<'_, 'a> {
    /// What a function gives to this caller, when what it gives to all of them is less.
    pub(super) fn specialized(
        &self,
        callee: FnId,
        returned: &Value,
        receiver: Option<&Ty>,
        given: &[Given],
    ) -> Option<Value> {
        let from = self.known_function(callee)?.returned_from;
        if from.is_empty() || !(self.is_open(returned) || self.is_decided(callee, from, given)) {
            return None;
        }
        let context = self.context(callee, from, receiver, given)?;
        Some(self.for_caller(context).returned.clone())
    }

    /// The parameters that a function calls per element, with what it gives them when this caller calls it.
    pub(super) fn calls_per_element(
        &self,
        callee: FnId,
        receiver: Option<&Ty>,
        given: &[Given],
    ) -> Vec<CalledEach> {
        let Some(known) = self.known_function(callee) else {
            return Vec::new();
        };
        let for_all = &known.called_each;
        let is_open = |value: &Value| value.ty.is_unknown() && value.rows.is_none();
        let is_known = |each: &CalledEach| !each.args.iter().any(is_open);
        if for_all.iter().all(is_known) {
            return for_all.clone();
        }
        match self.context(callee, Bits::ALL, receiver, given) {
            Some(context) => self.for_caller(context).called_each.clone(),
            None => for_all.clone(),
        }
    }

    /// What a caller passes, when that says more of some of the parameters `of` than is known of them anyway.
    fn context(&self, callee: FnId, of: Bits, receiver: Option<&Ty>, given: &[Given]) -> Option<Context> {
        let function = self.program.function(callee).2;
        let length = function.span.end - function.span.start;
        let is_too_deep = self.specialized.len() >= MAX_SPECIALIZED || self.specialized.contains(&callee);
        if is_too_deep || length > MAX_LENGTH {
            return None;
        }
        let mut context = vec![Passed::default(); function.params.len()];
        let mut says_more = false;
        for (ix, passed) in context.iter_mut().enumerate() {
            let param = &function.params[ix];
            let receiver = receiver.filter(|_| ix == 0);
            if let Some(given) = given.get(ix).filter(|_| receiver.is_none()) {
                // What the caller itself is given may be `None`, whatever its type.
                let is_something = !matches!(given.ty, Ty::Unknown | Ty::Plain) && given.own_param.is_none();
                *passed = Passed {
                    // Functions are called with what the caller of this one says.
                    ty: match given.ty {
                        Ty::Function(_) => Ty::Unknown,
                        _ => given.ty.clone(),
                    },
                    text: given.text,
                    is_given: given.truth.or(is_something.then_some(true)),
                };
            }
            if let Some(receiver) = receiver {
                passed.ty = receiver.clone();
            }
            says_more |= of.has(ix)
                && match (&passed.ty, receiver) {
                    // A method of the class itself has been evaluated with it.
                    (Ty::Instance(own) | Ty::Class(own), Some(_)) => {
                        self.program.class_of(callee) != Some(*own)
                    }
                    (Ty::Unknown | Ty::Plain, _) => passed.text.is_some(),
                    _ => (param.ty.is_none() || param.default.is_some()) && param.spread == Spread::No,
                };
        }
        says_more.then_some((callee, context))
    }

    fn for_caller(&self, context: Context) -> Arc<Specialized> {
        let key = (self.specialized.clone(), context);
        let known = self.for_callers.found().get(&key).cloned();
        let found = known.unwrap_or_else(|| {
            let found = Arc::new(self.evaluate_for(&key.1));
            self.for_callers.found().insert(key, found.clone());
            found
        });
        self.reads.borrow_mut().extend(&found.reads);
        found.files.iter().copied().for_each(look_into);
        found
    }

    fn evaluate_for(&self, context: &Context) -> Specialized {
        let (callee, passed) = context;
        let function = self.program.function(*callee).2;
        let ((facts, reads), files) = looking(|| {
            let mut eval = Eval::new(self.program, self.known, self.for_callers, *callee);
            eval.specialized.clone_from(&self.specialized);
            eval.specialized.push(*callee);
            eval.bind_params(*callee, function);
            for (ix, (param, passed)) in function.params.iter().zip(passed).enumerate() {
                eval.bind_passed(ix, param, passed);
            }
            eval.body(function);
            let facts = eval.finish(*callee, function);
            (facts, eval.reads.into_inner())
        });
        Specialized {
            returned: facts.returns.unwrap_or_default().returned(),
            called_each: facts.called_each,
            reads,
            files,
        }
    }

    /// Binds a parameter to what the caller passes, as far as that says something.
    fn bind_passed(&mut self, ix: usize, param: &Param, passed: &Passed) {
        if let Some(is_given) = passed.is_given {
            self.decided = self.decided.and(ix, is_given);
        }
        let bound = match param.pattern {
            Pattern::Name(name, _) => self.env.get(name).cloned(),
            _ => None,
        };
        let Some(mut value) = bound else { return };
        value.text = passed.text;
        if !matches!(passed.ty, Ty::Unknown | Ty::Plain) {
            value.ty = match &param.ty {
                Some(_) => std::mem::take(&mut value.ty).completed_by(&passed.ty),
                None => passed.ty.clone(),
            };
            value.likely = false;
            value.rows = self.rows_of_param(&value.ty, ix);
        }
        self.bind(&param.pattern, value);
    }

    /// Whether a branch is taken, when what the caller passes for a parameter decides that: the parameter, and whether the
    /// branch is for something given.
    pub(super) fn is_taken(&self, (param, wanted): (usize, bool)) -> Option<bool> {
        if self.decided.given.has(param) {
            return Some(wanted);
        }
        self.decided.absent.has(param).then_some(!wanted)
    }

    /// Whether a caller gives rows for a parameter that has something else by default: `def live(queryset=None)`.
    fn is_decided(&self, callee: FnId, from: Bits, given: &[Given]) -> bool {
        let params = self.program.function(callee).2.params.iter();
        let has_default = params.map(|param| param.default.is_some());
        let mut optional = given.iter().zip(has_default).enumerate();
        optional.any(|(ix, (given, is_optional))| is_optional && given.rows.is_some() && from.has(ix))
    }

    /// Whether there is more to be known of what a function gives: what it is, or of which model the rows are.
    fn is_open(&self, returned: &Value) -> bool {
        let model = returned.rows.as_ref().and_then(|rows| rows.model);
        match &returned.ty {
            Ty::Unknown => true,
            // A row of some model.
            Ty::Lib(lib, _)
                if self
                    .program
                    .inherited(*lib, |info| info.model.then_some(()))
                    .is_some() =>
            {
                true
            }
            // `Page<?>`: what is in it is not known.
            Ty::Lib(lib, None) => {
                let holds = self.program.catalogs.ty(*lib).item.is_some();
                (holds || self.is_lazy(&returned.ty)) && model.is_none()
            }
            _ => returned.rows.is_some() && model.is_none(),
        }
    }
}
