//! What the project's own functions give and do where they are called.

use onequery_core::ir::{ExprId, ExprKind, FileIr, Function, Literal, Pattern, Spread, TypeRef};

use super::Eval;
use super::calls::Args;
use crate::catalog::Decorates;
use crate::facts::{Fact, Given, Path, What};
use crate::program::FnId;
use crate::value::{Bits, Bound, Deps, Ty, Value};

impl<'a> Eval<'_, 'a> {
    /// A call of a function of the project.
    pub(super) fn project_call(
        &mut self,
        id: ExprId,
        callee: FnId,
        receiver: Option<&Value>,
        on_class: bool,
        args: &mut Args<'a>,
    ) -> Value {
        self.count(|counted| counted.to_project += 1);
        let (file, _, function) = self.program.function(callee);
        let scope = self.program.scope_id(file, function.scope);
        let decorated = function
            .decorators
            .iter()
            .find_map(|&decorator| self.program.decorates(file, scope, decorator));
        let binds_receiver = match (receiver, decorated) {
            (None, _) | (_, Some(Decorates::Static)) => None,
            (Some(receiver), Some(Decorates::Class)) => Some(receiver),
            // `Order.total(order)` gives the receiver as an argument.
            (Some(receiver), _) => (!on_class).then_some(receiver),
        };
        let ir = self.program.ir(file);
        let mut called_back = Vec::new();
        let mut called_each = Vec::new();
        let mut batched = Bits::default();
        let offset = usize::from(binds_receiver.is_some());
        let mut given = vec![Given::default(); function.params.len()];
        if let (Some(receiver), Some(first)) = (binds_receiver, given.first_mut()) {
            first.deps = receiver.deps;
            first.rows = receiver.rows.clone();
            first.own_param = receiver.whole_params.only();
            first.held_by = receiver.held.param();
            first.kept = self.rounds_that_call(id, receiver);
        }
        for (ix, (arg, value)) in args.written.iter().zip(&args.values).enumerate() {
            let by_name = arg.name.map(|name| self.text(name));
            let param = match by_name {
                None => Some(ix + offset),
                Some(keyword) => function.params.iter().position(
                    |param| matches!(&param.pattern, Pattern::Name(name, _) if ir.name(*name) == keyword),
                ),
            };
            // Arguments that no parameter names go to `*args` and `**kwargs`, which come last.
            let at = param
                .filter(|&at| at < given.len())
                .or_else(|| given.len().checked_sub(1));
            let known = self.known_function(callee);
            let takes_all = known.is_some_and(|known| at.is_some_and(|at| known.collections.has(at)));
            if takes_all {
                batched.add(value.batch());
                self.facts.collections.add(value.whole_params);
            }
            let invoked = known.map(|known| known.invoked).unwrap_or_default();
            if let Some(at) = at.filter(|&at| invoked.params.has(at)) {
                if let ExprKind::Lambda(closure) = &self.ir.expr(arg.value).kind {
                    args.closures.retain(|other| other != closure);
                    called_back.push((*closure, at, invoked));
                } else {
                    self.note_invoked(value.whole_params);
                }
            }
            let mut called = known.into_iter().flat_map(|known| &known.called_each);
            if called.any(|each| Some(each.param) == param) {
                if let ExprKind::Lambda(closure) = &self.ir.expr(arg.value).kind {
                    args.closures.retain(|other| other != closure);
                }
                called_each.push((param, arg.value, value));
            }
            if let Some(at) = at {
                let spread = arg.spread != Spread::No;
                given[at].deps.add(value.deps);
                given[at].ty = if spread { Ty::Unknown } else { value.ty.clone() };
                given[at].bound = value.bound;
                given[at].rows = value.rows.clone();
                given[at].int = value.int;
                given[at].truth = if spread { None } else { value.truth };
                given[at].text = value.text.filter(|_| !spread);
                given[at].own_param = value.whole_params.only().filter(|_| !spread);
                given[at].held_by = value.held.param().filter(|_| !spread);
                given[at].kept = self.rounds_that_give(arg.value, value);
                // What is spread is not known to stand there.
                given[at].is_written |= !spread;
            }
        }
        let deps = args
            .deps()
            .with(receiver.map(|receiver| receiver.deps).unwrap_or_default());
        let is_spread = args.written.iter().any(|arg| arg.spread != Spread::No);
        fill_defaults(&mut given, function, ir, is_spread);
        let deps = deps.with(Deps {
            batched,
            ..Deps::default()
        });
        for (closure, param, invoked) in called_back {
            let inputs = self.program.callback_inputs(callee, param);
            let inputs: Vec<Value> = inputs.into_iter().map(Value::of).collect();
            let path = self.path;
            if invoked.to_fill.has(param) {
                self.enter_filling(invoked.holders, &given);
            }
            self.inline(closure, &inputs, Deps::default());
            self.path = path;
        }
        let likely = receiver.is_some_and(|receiver| receiver.likely);
        let returned = self.returned_by(callee);
        let receiver_type = binds_receiver.map(|receiver| &receiver.ty);
        let returned = self
            .specialized(callee, &returned, receiver_type, &given)
            .unwrap_or(returned);
        let rows_of = |param: usize| given.get(param).and_then(|given| given.rows.clone());
        for (param, place, called) in called_each {
            for each in self.calls_per_element(callee, receiver_type, &given) {
                if Some(each.param) == param {
                    self.called_back_each(id, place, called, &each, &rows_of);
                }
            }
        }
        let returned = self.returned_value(returned, &rows_of, self.here(self.ir.span(id)));
        let returned = match binds_receiver {
            Some(receiver) => self.as_receivers(returned, callee, receiver),
            None => returned,
        };
        let bound = if self.program.gives_batches(callee) {
            Bound::Chunks
        } else {
            returned.bound
        };
        let path = self.path;
        self.path.memoised |= decorated == Some(Decorates::Memoised);
        let queried = self.fact(
            id,
            What::Call {
                callee,
                args: given.into(),
            },
            deps,
            likely,
        );
        self.path = path;
        let varies = Deps {
            varies: self.active(),
            ..Deps::default()
        };
        let returned = Value {
            likely: returned.likely || likely,
            bound,
            ..returned
        };
        Value {
            ty: match returned.ty {
                Ty::Lib(_, None) => self.view(&returned),
                // A row of whatever model the receiver is about.
                Ty::Unknown => {
                    let row = returned.rows.as_ref().filter(|rows| !rows.many);
                    row.and_then(|rows| rows.model).map_or(Ty::Unknown, Ty::Instance)
                }
                _ => returned.ty.clone(),
            },
            ..returned
        }
        .given_by_call(deps.with(queried).with(varies))
    }

    /// What a method of an abstract class gives is about the class that it was called on: `cls.objects` of `Order.live()`.
    pub(super) fn as_receivers(&self, returned: Value, method: FnId, receiver: &Value) -> Value {
        let (Ty::Class(own) | Ty::Instance(own)) = receiver.ty else {
            return returned;
        };
        match self.program.class_of(method) {
            // What a queryset class gives stays one, though a manager has the method.
            Some(base) if self.program.is_manager(own) && !self.program.is_manager(base) => returned,
            Some(base) if base != own && self.program.is_abstract(base) => returned.with_class(base, own),
            _ => returned,
        }
    }

    /// The innermost sites whose rounds all call one and the same object.
    fn rounds_that_call(&self, call: ExprId, receiver: &Value) -> Bits {
        let ExprKind::Call { callee, .. } = self.ir.expr(call).kind else {
            return Bits::default();
        };
        match self.ir.expr(callee).kind {
            ExprKind::Attr { base, .. } => self.rounds_that_give(base, receiver),
            _ => Bits::default(),
        }
    }

    /// `for handler in handlers { handler.run() }` runs something else each time.
    pub(super) fn varies_by_element(&self, method: FnId, receiver: &Value) -> bool {
        receiver.whole.meets(self.active()) && self.program.implementations(method).len() > 1
    }

    /// What earlier rounds say a function returns.
    pub(super) fn returned_by(&self, function: FnId) -> Value {
        let known = self.known_function(function).map(|known| known.returns.clone());
        Value {
            deps: Deps::default(),
            ..known.unwrap_or_default()
        }
    }

    /// A method of a trait, or an abstract one, runs one of its implementations.
    pub(super) fn implementations(&mut self, id: FnId, function: &Function) {
        let candidates = self.program.implementations(id);
        for &callee in candidates {
            let taken = self.known_function(callee).map(|known| known.collections);
            self.facts.collections.add(taken.unwrap_or_default());
            let given = function.params.iter().enumerate().map(|(ix, param)| {
                let bound = match param.pattern {
                    Pattern::Name(name, _) => self.env.get(name),
                    _ => None,
                };
                Given {
                    deps: Deps {
                        params: Bits::one(ix),
                        ..Deps::default()
                    },
                    own_param: Some(ix),
                    is_written: true,
                    // The receiver is of the type that implements the trait.
                    ty: bound
                        .filter(|_| ix > 0)
                        .map_or(Ty::Unknown, |value| value.ty.clone()),
                    bound: bound.map_or(Bound::Data, |value| value.bound),
                    rows: bound.and_then(|value| value.rows.clone()),
                    ..Given::default()
                }
            });
            let args: Box<[Given]> = given.collect();
            self.note(Fact {
                at: self.here(function.name_span),
                label: self.program.qualified_name(callee),
                deps: args
                    .iter()
                    .fold(Deps::default(), |deps, given| deps.with(given.deps)),
                likely: candidates.len() > 1,
                path: Path::default(),
                what: What::Call { callee, args },
            });
        }
        let gives_few = |&callee: &FnId| self.returned_by(callee).bound == Bound::Constant;
        if !candidates.is_empty() && candidates.iter().all(gives_few) {
            self.facts.returns.get_or_insert_default().bound = Bound::Constant;
        }
        // All of them give the same kind of value, or it is not known.
        let mut returned = candidates.iter().map(|&callee| self.returned_by(callee));
        if let (Some(first), None) = (returned.next(), &function.returns) {
            let all = returned.try_fold(first, |all, next| (all.ty == next.ty).then(|| all.join(next)));
            self.facts.returns = all.map(|value| Value {
                likely: value.likely || candidates.len() > 1,
                ..value
            });
        }
    }

    pub(super) fn type_args(&self, generics: &[TypeRef]) -> Vec<Ty> {
        generics
            .iter()
            .map(|ty| self.program.declared(self.type_scope(), ty))
            .collect()
    }
}

/// An argument that is left out is its default, unless what is spread may stand there.
pub(super) fn fill_defaults(given: &mut [Given], function: &Function, ir: &FileIr, is_spread: bool) {
    for (given, param) in given.iter_mut().zip(&function.params) {
        let default = param.default.map(|default| &ir.expr(default).kind);
        given.is_flag = matches!(default, Some(ExprKind::Literal(Literal::Bool(_))));
        let is_left_out = !given.is_written && !is_spread;
        if let (true, Some(&ExprKind::Literal(default))) = (is_left_out, default) {
            given.int = match default {
                Literal::Int(value) => Some(value),
                _ => None,
            };
            given.truth = match default {
                Literal::Bool(value) => Some(value),
                Literal::None => Some(false),
                _ => None,
            };
        }
    }
}
