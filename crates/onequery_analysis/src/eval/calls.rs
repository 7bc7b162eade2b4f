//! Calls: of catalogue entries, of functions of the project, of values, and what they call back.

use std::sync::Arc;

use onequery_core::Name;
use onequery_core::ir::{Arg, ExprId, ExprKind, FnIx, Function, Literal, Pattern, Spread, TypeRef};

use super::flow::Leaves;
use super::{About, Eval, FEW_ROWS, few, settled};
use crate::catalog::{
    Access, ArgIs, BoundKind, CallId, CallInfo, Consumed, Decorates, Grows, Kind, PathNode, Position,
};
use crate::coverage::Coverage;
use crate::facts::{Fact, Given, Path, QuerySource, What};
use crate::program::{ClassId, FnId};
use crate::rows::{Asked, RowSource, Rows};
use crate::sql::Statement;
use crate::types::Holes;
use crate::value::{Bits, Bound, Deps, Measure, Ty, Value};

/// The builtin that stands for the bases of a class.
pub(super) const SUPER: &str = "super";

/// The evaluated arguments of a call.
pub(super) struct Args<'e> {
    pub(super) written: &'e [Arg],
    pub(super) values: Vec<Value>,
    /// Closures that nobody has called back yet.
    pub(super) closures: Vec<FnIx>,
}

impl Args<'_> {
    fn deps(&self) -> Deps {
        self.values
            .iter()
            .fold(Deps::default(), |deps, value| deps.with(value.deps))
    }

    /// The index of an argument by position or keyword.
    pub(super) fn find(&self, ir: &onequery_core::ir::FileIr, position: &Position) -> Option<usize> {
        match position {
            Position::Index(ix) => self
                .written
                .get(*ix)
                .filter(|arg| arg.name.is_none())
                .map(|_| *ix),
            Position::Keyword(keyword) => self
                .written
                .iter()
                .position(|arg| arg.name.is_some_and(|name| ir.name(name) == keyword)),
        }
    }
}

impl<'a> Eval<'_, 'a> {
    pub(super) fn call(
        &mut self,
        id: ExprId,
        callee: ExprId,
        args: &'a [Arg],
        generics: &'a [TypeRef],
    ) -> Value {
        if let ExprKind::Attr { base, name, .. } = self.ir.expr(callee).kind {
            let receiver = self.eval(base);
            let mut args = self.args(args);
            let value = self.method_call(id, base, &receiver, name, &mut args, generics);
            self.leftovers(&args);
            return value;
        }
        let called = self.eval(callee);
        let mut args = self.args(args);
        let generics = match &self.ir.expr(callee).kind {
            ExprKind::Path { args, .. } if generics.is_empty() => args,
            _ => generics,
        };
        let value = self.value_call(id, callee, &called, &mut args, generics);
        self.leftovers(&args);
        value
    }

    fn args(&mut self, written: &'a [Arg]) -> Args<'a> {
        let mut args = Args {
            written,
            values: Vec::with_capacity(written.len()),
            closures: Vec::new(),
        };
        for arg in written {
            if let ExprKind::Lambda(ix) = self.ir.expr(arg.value).kind {
                args.closures.push(ix);
            }
            let value = self.eval(arg.value);
            if arg.spread != Spread::No {
                self.consume(arg.value, &value);
            }
            args.values.push(value);
        }
        args
    }

    fn method_call(
        &mut self,
        id: ExprId,
        base: ExprId,
        receiver: &Value,
        name: Name,
        args: &mut Args<'a>,
        generics: &'a [TypeRef],
    ) -> Value {
        let text = self.text(name);
        let catalogs = self.program.catalogs;
        let called = match &receiver.ty {
            Ty::Module(_) | Ty::Tuple(_) => Value {
                deps: receiver.deps,
                ..self.attribute(receiver, name, id)
            },
            Ty::External(node) => {
                let on_class = catalogs
                    .type_at(*node)
                    .map(|ty| catalogs.methods(ty, text, true))
                    .unwrap_or_default();
                if let Some(entry) = self.choose(on_class, args) {
                    return self.entry(id, entry, Some((base, receiver)), args, generics);
                }
                let value = self.attribute(receiver, name, id);
                if matches!(value.ty, Ty::External(PathNode::OTHER)) {
                    return self.shape(id, base, receiver, text, args, generics);
                }
                value
            }
            Ty::Class(class) => match self.class_method(*class, text) {
                Member::Project(method) => return self.project_call(id, method, Some(receiver), true, args),
                Member::Library(entries) => match self.choose(entries, args) {
                    // Linking has given the class the other's methods.
                    Some(entry) if catalogs.call(entry).mixes_in.is_some() => return receiver.clone(),
                    Some(entry) => return self.entry(id, entry, Some((base, receiver)), args, generics),
                    None => return self.unknown_call(receiver, args),
                },
                Member::None => self.attribute(receiver, name, id),
            },
            Ty::Instance(class) => match self.instance_method(*class, text) {
                Member::Project(method) if self.varies_by_element(method, receiver) => {
                    return self.unknown_call(receiver, args);
                }
                Member::Project(method) => return self.project_call(id, method, Some(receiver), false, args),
                Member::Library(entries) => match self.choose(entries, args) {
                    Some(entry) if let Some(start) = self.start_of(id, *class, receiver) => {
                        return self.entry(id, entry, Some((base, &start)), args, generics);
                    }
                    Some(entry) => return self.entry(id, entry, Some((base, receiver)), args, generics),
                    None => return self.unknown_call(receiver, args),
                },
                Member::None => {
                    let value = self.attribute(receiver, name, id);
                    if value.ty.is_unknown() {
                        return self.shape(id, base, receiver, text, args, generics);
                    }
                    value
                }
            },
            Ty::Super(class) => match self.super_method(*class, text) {
                Member::Project(method) => {
                    let own = Value {
                        ty: Ty::Instance(*class),
                        ..receiver.clone()
                    };
                    return self.project_call(id, method, Some(&own), false, args);
                }
                Member::Library(entries) => {
                    let own = Value {
                        ty: Ty::Instance(*class),
                        ..receiver.clone()
                    };
                    return match self.choose(entries, args) {
                        Some(entry) => self.entry(id, entry, Some((base, &own)), args, generics),
                        None => self.unknown_call(receiver, args),
                    };
                }
                Member::None => return self.unknown_call(receiver, args),
            },
            Ty::Lib(lib, _) => {
                return match self.choose(catalogs.methods(*lib, text, false), args) {
                    Some(entry) => self.entry(id, entry, Some((base, receiver)), args, generics),
                    None if let Some(method) = self.program.extension(*lib, text) => {
                        self.project_call(id, method, Some(receiver), false, args)
                    }
                    None => {
                        let attribute = self.attribute(receiver, name, id);
                        if attribute.ty.is_unknown() {
                            self.unknown_call(receiver, args)
                        } else {
                            self.value_call(id, id, &attribute, args, generics)
                        }
                    }
                };
            }
            Ty::Unknown => return self.shape(id, base, receiver, text, args, generics),
            // `Author.books.of_type(Novel)` is still about the relation.
            Ty::Relation(_) => return receiver.clone(),
            Ty::Plain | Ty::Function(_) => return self.unknown_call(receiver, args),
        };
        self.value_call(id, id, &called, args, generics)
    }

    /// A call of a method whose receiver is unknown: by the shape of its name and arguments, or not at all.
    fn shape(
        &mut self,
        id: ExprId,
        base: ExprId,
        receiver: &Value,
        name: &str,
        args: &mut Args<'a>,
        generics: &'a [TypeRef],
    ) -> Value {
        let shapes = self.program.catalogs.shapes(self.language(), name);
        match self.choose(shapes, args) {
            Some(entry) => self.entry(id, entry, Some((base, receiver)), args, generics),
            None if let Some(method) = self.only_one_of(receiver, name, args) => {
                let receiver = Value {
                    likely: true,
                    ..receiver.clone()
                };
                self.project_call(id, method, Some(&receiver), false, args)
            }
            None => {
                if receiver.ty.is_unknown() {
                    self.count_name(name);
                }
                self.unknown_call(receiver, args)
            }
        }
    }

    /// The method that a call on something unknown must mean: no other is called so, and it is given a connection.
    fn only_one_of(&self, receiver: &Value, name: &str, args: &Args<'_>) -> Option<FnId> {
        let is_connection = |value: &Value| {
            let types = match &value.ty {
                Ty::Lib(lib, _) => std::slice::from_ref(lib),
                Ty::Instance(class) => &self.program.class(*class).library_bases,
                _ => &[],
            };
            let leads = |&ty: &_| self.program.inherited(ty, |info| info.connection.then_some(()));
            types.iter().find_map(leads).is_some()
        };
        if !receiver.ty.is_unknown() || !args.values.iter().any(is_connection) {
            return None;
        }
        let method = self.program.unique_method(self.language(), name)?;
        let takes = self.program.function(method).2.params.len();
        (takes == args.values.len() + 1).then_some(method)
    }

    /// The first entry whose condition holds.
    fn choose(&self, entries: &[CallId], args: &Args<'_>) -> Option<CallId> {
        entries
            .iter()
            .copied()
            .find(|&entry| self.holds(self.program.catalogs.call(entry), args))
    }

    fn holds(&self, entry: &CallInfo, args: &Args<'_>) -> bool {
        let Some(when) = &entry.when else { return true };
        let is = |value: &Value| {
            when.is.iter().any(|alternative| match *alternative {
                ArgIs::Sql => matches!(value.statement, Statement::Rows(_)),
                ArgIs::Instance(of) => match &value.ty {
                    Ty::Lib(lib, _) => self.program.catalogs.extends(*lib, of),
                    Ty::Instance(class) => self.program.class_extends(*class, of),
                    _ => false,
                },
                ArgIs::Class(of) => match &value.ty {
                    Ty::Class(class) => self.program.class_extends(*class, of),
                    Ty::External(node) => self
                        .program
                        .catalogs
                        .type_at(*node)
                        .is_some_and(|ty| self.program.catalogs.extends(ty, of)),
                    _ => false,
                },
            })
        };
        match when.arg {
            Some(ix) => args.values.get(ix).is_some_and(is),
            None => args.values.iter().any(is),
        }
    }

    fn class_method(&self, class: ClassId, name: &str) -> Member<'a> {
        match self.program.method(class, name) {
            Some(method) => Member::Project(method),
            None => self.library_method(class, name, true),
        }
    }

    fn instance_method(&self, class: ClassId, name: &str) -> Member<'a> {
        match self.program.method(class, name) {
            Some(method) => Member::Project(method),
            None => self.library_method(class, name, false),
        }
    }

    /// The rows that the methods of a manager start from, when the project says so by overriding a method.
    fn start_of(&self, id: ExprId, class: ClassId, receiver: &Value) -> Option<Value> {
        let bases = &self.program.class(class).library_bases;
        let starts = bases
            .iter()
            .find_map(|&base| self.program.inherited(base, |info| info.starts_from.as_deref()))?;
        let method = self.program.method(class, starts)?;
        if self.program.fn_id(self.file, self.current) == method {
            return None;
        }
        let returned = self.returned_by(method);
        let given = |param: usize| receiver.rows.clone().filter(|_| param == 0);
        let rows = self.returned_rows(&returned, &given, self.here(self.ir.span(id)))?;
        Some(Value {
            deps: receiver.deps,
            rows: Some(rows),
            ..returned
        })
    }

    fn super_method(&self, class: ClassId, name: &str) -> Member<'a> {
        let bases = self.program.class(class).mro.get(1..).unwrap_or_default();
        match bases
            .iter()
            .find_map(|&base| self.program.class(base).methods.get(name).copied())
        {
            Some(method) => Member::Project(method),
            None => self.library_method(class, name, false),
        }
    }

    fn library_method(&self, class: ClassId, name: &str, on_class: bool) -> Member<'a> {
        let catalogs = self.program.catalogs;
        let bases = &self.program.class(class).library_bases;
        let found = bases
            .iter()
            .map(|&base| catalogs.methods(base, name, on_class))
            .find(|entries| !entries.is_empty());
        found.map_or(Member::None, Member::Library)
    }

    /// A call of a value: a function, a class, an instance that can be called.
    fn value_call(
        &mut self,
        id: ExprId,
        callee: ExprId,
        called: &Value,
        args: &mut Args<'a>,
        generics: &'a [TypeRef],
    ) -> Value {
        let catalogs = self.program.catalogs;
        match &called.ty {
            Ty::External(node) => {
                if let Some(entry) = catalogs.call_at(*node) {
                    return self.entry(id, entry, None, args, generics);
                }
                if let Some(ty) = catalogs.type_at(*node) {
                    let type_args = self.type_args(generics);
                    let ty = self.program.library(ty, type_args);
                    return Value {
                        likely: called.likely,
                        ..Value::of(ty)
                    }
                    .with_deps(args.deps());
                }
                self.unknown_call(called, args)
            }
            Ty::Class(class) => {
                self.shown_by_call(id, *class, args);
                let deps = match self.program.method(*class, "__init__") {
                    Some(init) => {
                        let own = Value::of(Ty::Instance(*class));
                        self.project_call(id, init, Some(&own), false, args).deps
                    }
                    None => args.deps(),
                };
                Value {
                    likely: called.likely,
                    ..Value::of(Ty::Instance(*class))
                }
                .with_deps(deps)
            }
            Ty::Function(function) => {
                let (file, ix, declaration) = self.program.function(*function);
                if declaration.name.is_none() && file == self.file {
                    let value = self.inline(ix, &args.values, Deps::default());
                    return value.with_deps(args.deps());
                }
                self.project_call(id, *function, None, false, args)
            }
            Ty::Lib(lib, _) => match self.program.inherited(*lib, |info| info.call.as_ref()) {
                Some(template) => {
                    let ty = self.program.fill_receiver(template, &called.ty);
                    Value {
                        likely: called.likely,
                        ..Value::of(ty)
                    }
                    .with_deps(args.deps())
                }
                None => self.unknown_call(called, args),
            },
            Ty::Unknown if matches!(self.ir.expr(callee).kind, ExprKind::Name(_)) => {
                if self.loops.is_empty() {
                    self.facts.invoked.add(called.whole_params);
                }
                if self.is_super(callee) {
                    return self.super_value().with_deps(args.deps());
                }
                self.unknown_call(called, args)
            }
            _ => self.unknown_call(called, args),
        }
    }

    /// `super()`: the keyword-like builtin that no import can bind.
    fn is_super(&self, callee: ExprId) -> bool {
        matches!(self.ir.expr(callee).kind, ExprKind::Name(name) if self.text(name) == SUPER)
    }

    fn super_value(&self) -> Value {
        let own = self.program.class_of(self.program.fn_id(self.file, self.current));
        let Some(class) = own else {
            return Value::default();
        };
        let model = self.program.is_model(class).then_some(class);
        Value {
            rows: Some(Arc::new(Rows::from(RowSource::Param(0), model))),
            ..Value::of(Ty::Super(class))
        }
    }

    /// The name of the function at hand.
    fn own_name(&self) -> Option<&'a str> {
        self.ir.function(self.current).name.map(|name| self.text(name))
    }

    /// Counts a call, when calls are counted.
    fn count(&mut self, add: impl FnOnce(&mut Coverage)) {
        if self.program.counts_coverage && self.muted == 0 {
            add(self.facts.coverage.get_or_insert_default());
        }
    }

    /// Notes the name of a method whose receiver is not known.
    fn count_name(&mut self, name: &str) {
        self.count(|counted| *counted.unknown_names.entry(name.to_owned()).or_default() += 1);
    }

    /// Nothing is known of the callee: its result depends on its arguments and on whatever else it reads.
    fn unknown_call(&mut self, called: &Value, args: &Args<'_>) -> Value {
        let deps = Deps {
            varies: self.active(),
            ..called.deps.with(args.deps())
        };
        self.count(|counted| match called.ty {
            Ty::Plain => counted.harmless += 1,
            Ty::External(_) | Ty::Lib(..) => counted.outside += 1,
            _ => counted.unknown += 1,
        });
        // `State::iter()` of an enumeration goes over its few members.
        Value {
            bound: called.bound,
            ..Value::default()
        }
        .with_deps(deps)
    }

    /// A call of a function of the project.
    fn project_call(
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
        let mut batched = Bits::default();
        let offset = usize::from(binds_receiver.is_some());
        let mut given = vec![Given::default(); function.params.len()];
        if let (Some(receiver), Some(first)) = (binds_receiver, given.first_mut()) {
            first.deps = receiver.deps;
            first.rows = receiver.rows.clone();
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
            let takes_all = self
                .known
                .collections
                .get(callee.index())
                .is_some_and(|taken| at.is_some_and(|at| taken.has(at)));
            if takes_all {
                batched.add(value.whole);
                self.facts.collections.add(value.whole_params);
            }
            let invoked = self
                .known
                .invoked
                .get(callee.index())
                .copied()
                .unwrap_or_default();
            if let Some(at) = at.filter(|&at| invoked.has(at)) {
                if let ExprKind::Lambda(closure) = &self.ir.expr(arg.value).kind {
                    args.closures.retain(|other| other != closure);
                    called_back.push((*closure, at));
                } else if self.loops.is_empty() {
                    self.facts.invoked.add(value.whole_params);
                }
            }
            if let Some(at) = at {
                let spread = arg.spread != Spread::No;
                given[at].deps.add(value.deps);
                given[at].ty = if spread { Ty::Unknown } else { value.ty.clone() };
                given[at].bound = value.bound;
                given[at].rows = value.rows.clone();
                given[at].int = value.int;
                given[at].truth = if spread { None } else { value.truth };
                given[at].own_param = value.whole_params.only().filter(|_| !spread);
                given[at].is_written = true;
            }
        }
        let deps = args
            .deps()
            .with(receiver.map(|receiver| receiver.deps).unwrap_or_default());
        for (given, param) in given.iter_mut().zip(&function.params) {
            // An argument that is left out is its default.
            if let (false, Some(default)) = (given.is_written, param.default) {
                given.int = match ir.expr(default).kind {
                    ExprKind::Literal(Literal::Int(value)) => Some(value),
                    _ => None,
                };
                given.truth = match ir.expr(default).kind {
                    ExprKind::Literal(Literal::Bool(value)) => Some(value),
                    ExprKind::Literal(Literal::None) => Some(false),
                    _ => None,
                };
            }
        }
        let deps = deps.with(Deps {
            batched,
            ..Deps::default()
        });
        for (closure, param) in called_back {
            let inputs = self.program.callback_inputs(callee, param);
            let given: Vec<Value> = inputs.into_iter().map(Value::of).collect();
            self.inline(closure, &given, Deps::default());
        }
        let likely = receiver.is_some_and(|receiver| receiver.likely);
        let returned = self.returned_by(callee);
        let rows_of = |param: usize| given.get(param).and_then(|given| given.rows.clone());
        let rows = self.returned_rows(&returned, &rows_of, self.here(self.ir.span(id)));
        let queried = self.fact(id, What::Call { callee, args: given }, deps, likely);
        let varies = Deps {
            varies: self.active(),
            ..Deps::default()
        };
        let returned = Value {
            likely: returned.likely || likely,
            rows,
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
        .with_deps(deps)
        .with_deps(queried)
        .with_deps(varies)
    }

    /// `for handler in handlers { handler.run() }` runs something else each time.
    fn varies_by_element(&self, method: FnId, receiver: &Value) -> bool {
        receiver.whole.meets(self.active()) && self.program.implementations(method).len() > 1
    }

    /// What earlier rounds say a function returns.
    pub(super) fn returned_by(&self, function: FnId) -> Value {
        self.ask(About::Function, function.0, "");
        let known = self
            .known
            .returns
            .get(function.index())
            .cloned()
            .unwrap_or_default();
        Value {
            deps: Deps::default(),
            ..known
        }
    }

    /// A method of a trait runs one of its implementations.
    pub(super) fn implementations(&mut self, id: FnId, function: &Function) {
        let candidates = self.program.implementations(id);
        for &callee in candidates {
            self.ask(About::Function, callee.0, "");
            let taken = self.known.collections.get(callee.index()).copied();
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
            let args: Vec<Given> = given.collect();
            self.note(Fact {
                span: function.name_span,
                label: self.program.qualified_name(callee),
                deps: args
                    .iter()
                    .fold(Deps::default(), |deps, given| deps.with(given.deps)),
                likely: candidates.len() > 1,
                path: Path::default(),
                what: What::Call { callee, args },
            });
        }
    }

    fn type_args(&self, generics: &[TypeRef]) -> Vec<Ty> {
        generics
            .iter()
            .map(|ty| self.program.declared(self.type_scope(), ty))
            .collect()
    }

    /// A call of a catalogue's entry.
    fn entry(
        &mut self,
        id: ExprId,
        entry: CallId,
        receiver: Option<(ExprId, &Value)>,
        args: &mut Args<'a>,
        generics: &'a [TypeRef],
    ) -> Value {
        self.count(|counted| counted.to_catalogue += 1);
        let info = self.program.catalogs.call(entry);
        let own = receiver.map(|(_, value)| value.clone()).unwrap_or_default();
        let mut deps = own.deps.with(args.deps());
        for consumed in &info.consumes {
            match consumed {
                Consumed::Receiver(_) => {
                    if let Some((base, value)) = receiver {
                        deps.add(self.consume(base, value));
                    }
                }
                Consumed::Arg(ix) => {
                    if let (Some(arg), Some(value)) = (args.written.get(*ix), args.values.get(*ix)) {
                        deps.add(self.consume(arg.value, &value.clone()));
                    }
                }
            }
        }
        deps.add(self.taken_whole(info, args));
        let returned = match &info.callback {
            Some(callback) => self.called_back(id, callback, &own, args),
            None => Value::default(),
        };
        if info.stops {
            self.note_stop(id);
        }
        deps.add(returned.deps);
        if info.leaves {
            self.leaves = Some(Leaves {
                loops: self.left_by_return(),
                failed: true,
            });
        }
        if info.paces {
            self.mark_site(|site| site.paced = true);
        }
        if info.takes {
            self.mark_site(|site| {
                site.has_elements = true;
                site.origin = site.origin.or(own.origin);
                site.source_known |= !own.ty.is_unknown();
                if own.bound != Bound::Data {
                    site.bound = own.bound;
                }
            });
            deps.loops.add(self.innermost());
        }
        if let (Some(grows), Some((base, _))) = (info.grows, receiver) {
            self.note_growth(base, args, grows);
        }
        if info.lists_own
            && let Ty::Instance(class) = own.ty
            && let Some((shown_by, _)) = self.shower(class, self.own_name())
        {
            self.shown_by_call(id, shown_by, args);
        }
        if info.gives_registered
            && let Ty::Instance(class) = own.ty
            && let Some(model) = self.program.registered(class)
        {
            let at = self.here(self.ir.span(id));
            return Value {
                rows: Some(Arc::new(Rows::of_query(Some(model), at, true))),
                origin: Some(at),
                ..Value::of(self.program.fill_receiver(&info.gives, &own.ty))
            };
        }
        if let (Some(name), Ty::Instance(class)) = (&info.gives_attribute, &own.ty)
            && let Some(stored) = self.stored_attribute(*class, name)
        {
            return stored.with_deps(deps);
        }
        if info.reads_attribute
            && let Some(read) = self.attribute_by_name(id, args)
        {
            return read.with_deps(deps);
        }
        let text = info.sql.and_then(|ix| args.values.get(ix));
        // A list of statements is executed one by one: a migration, not rows.
        let is_listed = text.is_some_and(|text| {
            let made = matches!(text.ty, Ty::Unknown | Ty::Plain) && text.deps.loops.meets(self.active());
            made || text.whole.meets(self.active())
        });
        let statement = match text.map(|text| text.statement) {
            Some(Statement::Unknown) if is_listed => Statement::Other,
            None | Some(Statement::Unknown) => own.statement,
            Some(known) => known,
        };
        let likely = own.likely || info.likely || text.is_some_and(|text| text.likely);
        let type_args = self.type_args(generics);
        let view = self.view(&own);
        let holes = Holes {
            receiver: &own.ty,
            view: &view,
            args: &args.values,
            returned: &returned.ty,
            type_args: &type_args,
        };
        let ty = self.program.fill(&info.gives, &holes);
        let is_off = info.unless_keyword.as_ref().is_some_and(|keyword| {
            args.written
                .iter()
                .any(|arg| arg.name.is_some_and(|name| self.text(name) == keyword))
        });
        let unchanging = deps.loops.is_empty() && deps.varies.is_empty() && deps.params.is_empty();
        let executed = match (info.runs, statement) {
            _ if is_off => None,
            // It has written what it wanted the first time, and looks for it each other time.
            (Some(_), _) if info.writes_once && unchanging => Some(Access::Read),
            (Some(Access::Commit), _) => Some(Access::Commit),
            (_, Statement::Other) => None,
            (Some(access), Statement::Unknown) => Some(access),
            (Some(_), Statement::Rows(access)) => Some(access),
            (None, _) => None,
        };
        let (executed, load) = match executed {
            Some(Access::Read) => match self.rows_asked(&own, !self.is_answered_by_loaded(info, &own)) {
                Asked::Nothing => (None, None),
                Asked::Query if own.fetched && self.is_answered_by_loaded(info, &own) => (None, None),
                Asked::Query => (executed, None),
                Asked::Relation(load) => (executed, Some(load)),
            },
            other => (other, None),
        };
        if let Some(access) = executed {
            let what = What::Query {
                access,
                source: QuerySource::Call(entry),
                load,
            };
            let path = self.path;
            self.path.isolated |= info.often_wanted;
            // A commit depends on whose transaction it ends, not on what was done in it.
            let asked = if access == Access::Commit { own.deps } else { deps };
            deps.add(self.fact(id, what, asked, likely));
            self.path = path;
        }
        // `list(batch)` and `batch.iter()` are still the batch.
        let passed_whole = (info.bound == Some(BoundKind::Passes)).then(|| match receiver {
            Some((_, value)) if !matches!(value.ty, Ty::External(_) | Ty::Module(_)) => Some(value),
            _ => args.values.first(),
        });
        let passed_whole = passed_whole.flatten();
        let is_query = matches!(&ty, Ty::Lib(lib, _) if self.program.inherited(*lib, |info| info.runs_on_iterate.then_some(())).is_some());
        let origin = if is_query || info.runs.is_some() {
            Some(self.here(self.ir.span(id)))
        } else {
            own.origin
        };
        if info.empty {
            let model = self.program.row_class(&ty);
            return Value {
                rows: Some(Arc::new(Rows::from(RowSource::Empty, model))),
                likely,
                ..Value::of(ty)
            }
            .with_deps(deps);
        }
        let rows = self.rows_of_entry(id, entry, &own, args, &returned, &ty);
        if self.program.catalogs.kind_of(entry) == Kind::Orm {
            let typed = rows.as_ref().is_some_and(|rows| rows.model.is_some());
            let gives_rows = rows.is_some() || self.is_lazy(&ty);
            self.count(|counted| {
                counted.queries += usize::from(gives_rows);
                counted.typed_queries += usize::from(typed);
            });
        }
        let bound = match self.bound_of(info, &own, args) {
            Bound::Data if rows.as_ref().is_some_and(|rows| rows.few) => Bound::Constant,
            bound => bound,
        };
        Value {
            bound,
            measure: if info.measures && self.outlives_rounds(receiver, args) {
                Measure::Size
            } else {
                Measure::None
            },
            likely,
            statement,
            whole: passed_whole.map_or(Bits::default(), |value| value.whole),
            whole_params: passed_whole.map_or(Bits::default(), |value| value.whole_params),
            looked_up: if info.looks_up {
                receiver.and_then(|(base, _)| self.root_name(base))
            } else {
                None
            },
            origin,
            is_error: info.fails,
            truth: info.given,
            rows,
            ..Value::of(ty)
        }
        .with_deps(deps)
    }

    /// What follows when arguments are taken as whole sets: `id__in=batch`, `insert_many(batch)`.
    fn taken_whole(&mut self, info: &CallInfo, args: &Args<'_>) -> Deps {
        let mut batched = Bits::default();
        for (ix, (arg, value)) in args.written.iter().zip(&args.values).enumerate() {
            let by_keyword = arg.name.is_some_and(|name| {
                info.takes_all_suffix
                    .as_ref()
                    .is_some_and(|suffix| self.text(name).ends_with(suffix.as_str()))
            });
            // `update(**changes)` takes the names of an element, not a set of rows.
            let stands_there = arg.name.is_none() && arg.spread != Spread::Keyword;
            if by_keyword || (stands_there && info.takes_all.contains(&ix)) {
                batched.add(value.whole);
                self.facts.collections.add(value.whole_params);
            }
        }
        Deps {
            batched,
            ..Deps::default()
        }
    }

    /// Whether what is measured is kept from round to round: `len(batch)`, not `len(order.items)`.
    fn outlives_rounds(&self, receiver: Option<(ExprId, &Value)>, args: &Args<'_>) -> bool {
        let measured = receiver.map(|(base, value)| (base, value.deps));
        let first = || Some((args.written.first()?.value, args.values.first()?.deps));
        measured.or_else(first).is_some_and(|(place, deps)| {
            !deps.loops.meets(self.innermost())
                || self.root_name(place).is_some_and(|name| self.is_carried(name))
        })
    }

    /// How many elements the result of an entry has.
    pub(super) fn bound_of(&self, info: &CallInfo, own: &Value, args: &Args<'_>) -> Bound {
        let first = args.values.first();
        match info.bound {
            None => Bound::Data,
            Some(BoundKind::Passes) => {
                // A receiver that is a module or class passes nothing on; then it is the first argument.
                let of_receiver =
                    matches!(own.ty, Ty::Lib(..) | Ty::Unknown | Ty::Tuple(_)) && !own.ty.is_unknown();
                let from = if of_receiver { Some(own) } else { first };
                from.map_or(Bound::Data, |value| value.bound)
            }
            Some(BoundKind::Shortest) if args.values.iter().any(|value| value.bound == Bound::Constant) => {
                Bound::Constant
            }
            Some(BoundKind::Shortest) => Bound::Data,
            Some(BoundKind::Range) => {
                let int = |ix: usize| args.values.get(ix).and_then(|value| value.int);
                match args.values.len() {
                    1 if few(Some(0), int(0)) => Bound::Constant,
                    2 if few(int(0), int(1)) => Bound::Constant,
                    // `range(0, n, size)` starts a batch each time; a step of one does not.
                    3 if int(2).is_none_or(|step| step.abs() != 1) => Bound::Chunks,
                    _ => Bound::Data,
                }
            }
            Some(BoundKind::Chunks) => Bound::Chunks,
            Some(BoundKind::Pages) => Bound::Pages,
            Some(BoundKind::Few) => Bound::Constant,
            Some(BoundKind::Limit)
                if first
                    .and_then(|first| first.int)
                    .is_some_and(|most| most <= FEW_ROWS) =>
            {
                Bound::Constant
            }
            Some(BoundKind::Limit) => own.bound,
        }
    }

    /// `any(query(x) for x in xs)` ends when a query's result says so.
    fn note_stop(&mut self, id: ExprId) {
        let (span, outside) = (self.ir.span(id), self.active());
        for fact in &mut self.facts.facts {
            if span.contains(fact.span) {
                fact.path.decides.add(fact.path.loops.without(outside));
            }
        }
    }

    /// A literal that something is added to is no constant, and it depends on what is added.
    fn note_growth(&mut self, base: ExprId, args: &Args<'_>, grows: Grows) {
        let Some(name) = self.root_name(base) else { return };
        let added = args.values.last();
        let item = added.map(|added| match grows {
            Grows::One => added.ty.clone(),
            Grows::Many => self.item_of(added),
        });
        self.changed.push(name);
        let is_name = matches!(self.ir.expr(base).kind, ExprKind::Name(_));
        // One element more, once, leaves it as small as it was.
        let grows_per_round = self.is_from_outside(name);
        if let Some(variable) = self.env.get_mut(name) {
            if grows == Grows::Many || grows_per_round {
                variable.bound = Bound::Data;
            }
            variable.deps.add(args.deps());
            if let (Ty::Lib(list, None), Some(item), true) = (&variable.ty, item, is_name) {
                variable.ty = Ty::lib(*list, vec![item]);
                variable.rows = added.and_then(settled);
            }
        }
    }
}

/// A method as it was found.
enum Member<'a> {
    Project(FnId),
    Library(&'a [CallId]),
    None,
}
