//! What a call calls back: closures and functions that are passed as arguments.

use std::sync::Arc;

use onequery_core::ir::{ExprId, ExprKind, FnIx};

use super::Eval;
use super::calls::Args;
use super::loops::{element_of, site_over};
use super::project_calls::fill_defaults;
use crate::catalog::{CallbackInfo, Runs};
use crate::facts::{CalledEach, Given, Site, SiteKind, What};
use crate::program::{FnId, target_names};
use crate::rows::{RowSource, Rows};
use crate::types::Holes;
use crate::value::{Bits, Deps, Held, Ty, Value};

/// How many closures may be evaluated inside each other.
const MAX_INLINED: usize = 12;

impl<'a> Eval<'_, 'a> {
    /// Closures that no catalogue says are called back: what they contain is evaluated, but outside of all loops.
    pub(super) fn leftovers(&mut self, args: &Args<'_>) {
        for &closure in &args.closures {
            self.detached(closure);
        }
    }

    /// Evaluates a closure that runs at an unknown time, as if it stood alone.
    fn detached(&mut self, closure: FnIx) {
        let loops = std::mem::take(&mut self.loops);
        let path = std::mem::take(&mut self.path);
        self.inline(closure, &[], Deps::default());
        (self.loops, self.path) = (loops, path);
    }

    /// Evaluates a closure's body here, with its parameters bound. Gives what it returns.
    pub(super) fn inline(&mut self, closure: FnIx, given: &[Value], deps: Deps) -> Value {
        if self.inlined.contains(&closure) || self.inlined.len() >= MAX_INLINED {
            return Value::default();
        }
        let function = self.ir.function(closure);
        let Some(body) = function.body else {
            return Value::default();
        };
        self.inlined.push(closure);
        self.returned.push(None);
        let (env, changes) = (self.env.clone(), self.changed.len());
        for (ix, param) in function.params.iter().enumerate() {
            let declared = param
                .ty
                .as_ref()
                .map(|ty| self.program.declared(self.type_scope(), ty));
            let passed = given.get(ix).cloned();
            // `lambda sku=sku: …` captures by a default.
            let default = passed.is_none().then_some(param.default).flatten();
            // It was evaluated where the closure stands.
            self.muted += 1;
            let default = default.map(|default| self.eval(default));
            self.muted -= 1;
            let mut value = passed.or(default).unwrap_or_default().with_deps(deps);
            if let Some(declared) = declared.filter(|ty| !ty.is_unknown()) {
                value.ty = declared;
            }
            self.bind(&param.pattern, value);
        }
        let last = self.in_closure(|eval| eval.eval(body));
        self.inlined.pop();
        let returned = self.returned.pop().flatten();
        // Its own variables are gone; what it assigned outside of itself is kept in `changed`.
        self.env = env;
        let mut own = Vec::new();
        function
            .params
            .iter()
            .for_each(|param| target_names(&param.pattern, &mut own));
        let inside = self.changed.split_off(changes);
        self.changed
            .extend(inside.into_iter().filter(|name| !own.contains(name)));
        match returned {
            Some(returned) => returned.join(last),
            None => last,
        }
    }

    /// Evaluates what an entry calls back, per element or once. Gives what it returns.
    pub(super) fn called_back(
        &mut self,
        id: ExprId,
        callback: &CallbackInfo,
        own: &Value,
        args: &mut Args<'a>,
    ) -> Value {
        let Some(at) = args.find(self.ir, &callback.arg) else {
            return Value::default();
        };
        let Some(called) = args.values.get(at).cloned() else {
            return Value::default();
        };
        let over = match callback.over {
            Some(ix) => args.values.get(ix).cloned().unwrap_or_default(),
            None => own.clone(),
        };
        let view = self.view(own);
        let holes = Holes {
            receiver: &own.ty,
            view: &view,
            args: &args.values,
            returned: &Ty::Unknown,
            type_args: &[],
        };
        let given: Vec<Value> = callback
            .gets
            .iter()
            .map(|template| Value {
                ty: self.program.fill(template, &holes),
                ..element_of(&over)
            })
            .collect();
        let place = args.written[at].value;
        if let ExprKind::Lambda(closure) = self.ir.expr(place).kind {
            args.closures.retain(|&other| other != closure);
        }
        let mut returned = Value::default();
        if callback.runs == Runs::Each {
            let site = Site {
                bound: self.bound_over(&over, &self.item_of(&over)),
                ..site_over(SiteKind::Callback, self.here(self.callee_span(id)), &over)
            };
            self.repeat(site, None, false, &mut |eval, bit| {
                let deps = Deps {
                    loops: bit,
                    ..Deps::default()
                };
                let element = |value: &Value| Value {
                    whole: bit,
                    held: Held::No,
                    ..value.clone()
                };
                let elements: Vec<Value> = given.iter().map(element).collect();
                eval.note_called_each(&called, &elements);
                returned = eval.call_value(place, &called, &given, deps);
            });
            return returned;
        }
        let path = self.path;
        self.path.memoised |= callback.runs == Runs::Memo;
        returned = self.call_value(place, &called, &given, args.deps());
        self.path = path;
        returned
    }

    /// Notes that a function calls what is passed to it, once.
    pub(super) fn note_invoked(&mut self, params: Bits) {
        if self.loops.is_empty() {
            self.facts.invoked.params.add(params);
            self.invocations.push((self.facts.facts.len(), params));
        }
    }

    /// A closure is called to fill in what is missing in what `holders` are given, or in something that all calls share.
    pub(super) fn enter_filling(&mut self, holders: Bits, given: &[Given]) {
        let given: Vec<&Given> = holders.indices().filter_map(|ix| given.get(ix)).collect();
        let around = self.innermost();
        // Another object each round has nothing filled in yet.
        if given
            .iter()
            .any(|given| given.deps.loops.with(given.deps.varies).meets(around))
        {
            return;
        }
        self.path.memoised |= !self.loops.is_empty() || given.is_empty();
        // `self.cache` belongs to `self`.
        for own in given.iter().filter_map(|given| given.deps.params.only()) {
            self.path.remembered.add(Bits::one(own));
        }
    }

    /// Notes that a parameter is called per element of the loops around.
    pub(super) fn note_called_each(&mut self, called: &Value, given: &[Value]) {
        let repeating = self.loops.iter().map(|active| &self.facts.sites[active.site]);
        let Some(bound) = repeating.filter(|site| site.walks()).map(|site| site.bound).min() else {
            return;
        };
        if let (Some(param), true, 0) = (called.whole_params.only(), called.ty.is_unknown(), self.muted) {
            let elements = self.active();
            let as_callers_know = |value: &Value| {
                let mut known = value.returned();
                // An element of rows is a row, of whatever model they will be.
                known.whole = if value.whole.meets(elements) {
                    Bits::ALL
                } else {
                    Bits::default()
                };
                known
            };
            self.facts.called_each.push(CalledEach {
                param,
                bound,
                args: given.iter().map(as_callers_know).collect(),
            });
        }
    }

    /// What a function of the project calls per element: a function that it is given.
    pub(super) fn called_back_each(
        &mut self,
        id: ExprId,
        place: ExprId,
        called: &Value,
        each: &CalledEach,
        rows_of: &dyn Fn(usize) -> Option<Arc<Rows>>,
    ) {
        let at = self.here(self.ir.span(id));
        let mut given = Vec::with_capacity(each.args.len());
        let mut origin = None;
        for arg in &each.args {
            let is_element = arg.whole == Bits::ALL;
            let mut value = self.returned_value(arg.clone(), rows_of, at);
            if let Some(rows) = value.rows.as_ref().filter(|_| is_element) {
                if let (Ty::Unknown, Some(model)) = (&value.ty, rows.model) {
                    value.ty = Ty::Instance(model);
                }
                if let RowSource::Query(query) = rows.source {
                    origin = Some(query);
                }
            }
            given.push(value);
        }
        let over = Value {
            bound: each.bound,
            origin,
            ..Value::plain()
        };
        let site = site_over(SiteKind::Callback, self.here(self.callee_span(id)), &over);
        self.repeat(site, None, false, &mut |eval, bit| {
            let deps = Deps {
                loops: bit,
                ..Deps::default()
            };
            let given: Vec<Value> = given
                .iter()
                .zip(&each.args)
                .map(|(value, arg)| Value {
                    whole: Bits(arg.whole.0 & bit.0),
                    ..value.clone().with_deps(deps)
                })
                .collect();
            eval.note_called_each(called, &given);
            eval.call_value(place, called, &given, deps);
        });
    }

    /// Calls a value that was passed as an argument.
    fn call_value(&mut self, place: ExprId, called: &Value, given: &[Value], deps: Deps) -> Value {
        let Ty::Function(function) = called.ty else {
            return self.call_attribute(place, given, deps);
        };
        let (file, ix, declaration) = self.program.function(function);
        if declaration.name.is_none() && file == self.file {
            return self.inline(ix, given, deps);
        }
        let params = declaration.params.len().max(1);
        let mut args = vec![
            Given {
                deps,
                ..Given::default()
            };
            params
        ];
        // Bound methods have a receiver before what the callback is given.
        let offset = usize::from(self.program.class_of(function).is_some());
        for (arg, value) in args.iter_mut().skip(offset).zip(given) {
            arg.ty = value.ty.clone();
            arg.rows = value.rows.clone();
            arg.is_written = true;
        }
        fill_defaults(&mut args, declaration, self.program.ir(file), false);
        self.call_noted(place, function, args, deps, called.likely)
    }

    /// Calls a method of a library's value that was passed as an argument: `map(Book.objects.get, keys)`.
    fn call_attribute(&mut self, place: ExprId, given: &[Value], deps: Deps) -> Value {
        let ExprKind::Attr { base, name, .. } = self.ir.expr(place).kind else {
            return Value::default().with_deps(deps);
        };
        // It was evaluated where it is passed.
        self.muted += 1;
        let receiver = self.eval(base);
        self.muted -= 1;
        let given = given.iter().map(|value| value.clone().with_deps(deps));
        let mut args = Args {
            written: &[],
            values: given.collect(),
            closures: Vec::new(),
        };
        if args.values.is_empty() {
            args.values.push(Value::default().with_deps(deps));
        }
        self.method_call(place, base, &receiver, name, &mut args, &[])
    }

    /// Notes a call with what its parameters are given. Gives what it returns.
    pub(super) fn call_noted(
        &mut self,
        place: ExprId,
        callee: FnId,
        args: Vec<Given>,
        deps: Deps,
        likely: bool,
    ) -> Value {
        let returned = self.returned_by(callee);
        let rows_of = |param: usize| args.get(param)?.rows.clone();
        let returned = self.returned_value(returned, &rows_of, self.here(self.ir.span(place)));
        let queried = self.fact(
            place,
            What::Call {
                callee,
                args: args.into(),
            },
            deps,
            likely,
        );
        returned.given_by_call(deps.with(queried))
    }

    /// The name of what is called, which is what a finding shows as repeating.
    fn callee_span(&self, id: ExprId) -> onequery_core::Span {
        match &self.ir.expr(id).kind {
            ExprKind::Call { callee, .. } => match &self.ir.expr(*callee).kind {
                ExprKind::Attr { name_span, .. } => *name_span,
                _ => self.ir.span(*callee),
            },
            _ => self.ir.span(id),
        }
    }
}
