//! Calls: what is called, and with what.

use std::sync::Arc;

use onequery_core::Name;
use onequery_core::ir::{Arg, ExprId, ExprKind, FnIx, Spread, TypeRef};

use super::Eval;
use crate::catalog::{ArgIs, CallId, CallInfo, PathNode, Position};
use crate::coverage::Coverage;
use crate::program::{ClassId, FnId};
use crate::record::Record;
use crate::rows::{RowSource, Rows};
use crate::sql::Statement;
use crate::value::{Deps, Ty, Value};

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
    pub(super) fn deps(&self) -> Deps {
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

/// How many structs inside of each other may hold a connection.
const MAX_HOLDERS: u32 = 3;

impl<'a> Eval<'_, 'a> {
    pub(super) fn call(
        &mut self,
        id: ExprId,
        callee: ExprId,
        args: &'a [Arg],
        generics: &'a [TypeRef],
    ) -> Value {
        if self.is_template()
            && let Some(value) = self.template_call(id, callee, args)
        {
            return value;
        }
        if let ExprKind::Attr { base, name, .. } = self.ir.expr(callee).kind {
            let receiver = self.eval(base);
            let mut args = self.args(args);
            let n_facts = self.facts.facts.len();
            let value = self.method_call(id, base, &receiver, name, &mut args, generics);
            self.leftovers(&args);
            if self.facts.facts.len() == n_facts {
                self.note_stored(base, args.deps());
            }
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
        if self.is_return(callee) {
            self.leave_by_error();
        }
        value
    }

    /// Whether what is called is a macro of the project that stands for a `return`: `err!("…")`.
    fn is_return(&self, callee: ExprId) -> bool {
        let name = match &self.ir.expr(callee).kind {
            ExprKind::Name(name) => Some(name),
            ExprKind::Path { segments, .. } => segments.last(),
            _ => None,
        };
        name.is_some_and(|&name| self.program.always_returns(self.text(name)))
    }

    pub(super) fn args(&mut self, written: &'a [Arg]) -> Args<'a> {
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
            if !matches!(arg.spread, Spread::No | Spread::Keyword) {
                self.consume(arg.value, &value);
            }
            if let (Ty::Function(function), 0) = (&value.ty, self.muted) {
                let at = self.here(self.ir.span(arg.value));
                self.facts.handed.push((*function, at));
            }
            args.values.push(value);
        }
        args
    }

    pub(super) fn method_call(
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
                Member::Project(method) => {
                    let started = self.started_for(id, *class, method, receiver);
                    let receiver = started.as_ref().unwrap_or(receiver);
                    return self.project_call(id, method, Some(receiver), false, args);
                }
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

    /// The method that a call on something unknown must mean: no other is called so, and it is given a connection, or what
    /// holds one.
    fn only_one_of(&self, receiver: &Value, name: &str, args: &Args<'_>) -> Option<FnId> {
        if !receiver.ty.is_unknown() || args.values.is_empty() {
            return None;
        }
        let method = self.program.unique_method(self.language(), name)?;
        let takes = self.program.function(method).2.params.len();
        let mut given = args.values.iter();
        let fits = takes == args.values.len() + 1
            && given.any(|value| self.program.leads_to_database(&value.ty, MAX_HOLDERS));
        fits.then_some(method)
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
        // Rows that were loaded with others come from there, whatever the manager starts from.
        let is_loaded = |rows: &Rows| rows.pending.is_some() && rows.are_loaded(false);
        if receiver.rows.as_deref().is_some_and(is_loaded) {
            return None;
        }
        let starts = self.program.starts_from(class)?;
        let method = self.program.method(class, starts)?;
        if self.program.fn_id(self.file, self.current) == method {
            return None;
        }
        let returned = self.returned_by(method);
        let given = |param: usize| receiver.rows.clone().filter(|_| param == 0);
        let rows = self.returned_rows(&returned, &given, self.here(self.ir.span(id)))?;
        // A related manager asks its row first: if that has the others already, nothing of this is done. A parameter may be
        // one.
        let may_be_related = |own: &&Rows| own.pending.is_some() || own.are_a_parameters();
        let related = receiver.rows.as_deref().filter(may_be_related);
        let rows = match related {
            None => rows,
            Some(own) if own.path == rows.path && own.source == rows.source => Arc::new(Rows {
                pending: own.pending,
                ..(*rows).clone()
            }),
            Some(own) => {
                let mut with_loaded = own.clone();
                with_loaded.loaded.add_below(&own.names(), &rows.loaded);
                Arc::new(with_loaded)
            }
        };
        Some(Value {
            deps: receiver.deps,
            rows: Some(rows),
            ..returned
        })
    }

    /// A manager as the methods see it that it has from a queryset class: they start from its rows, too.
    fn started_for(&self, id: ExprId, manager: ClassId, method: FnId, receiver: &Value) -> Option<Value> {
        let of = self.program.class_of(method)?;
        if of == manager || !self.program.is_manager(manager) || self.program.is_manager(of) {
            return None;
        }
        let start = self.start_of(id, manager, receiver)?;
        Some(Value {
            rows: start.rows,
            ..receiver.clone()
        })
    }

    fn super_method(&self, class: ClassId, name: &str) -> Member<'a> {
        let bases = self.program.class(class).mro.get(1..).unwrap_or_default();
        match bases
            .iter()
            .find_map(|&base| self.program.class(base).methods.get(name).copied())
        {
            Some(method) => Member::Project(method),
            None => match self.library_method(class, name, false) {
                Member::None => self.method_beside(class, name),
                found => found,
            },
        }
    }

    /// What `super().name()` means in a class that is mixed into others: the method that comes next in all of those.
    fn method_beside(&self, class: ClassId, name: &str) -> Member<'a> {
        let mut found = Member::None;
        for &other in self.program.subclasses(class) {
            let mro = &self.program.class(other).mro;
            let after = mro.iter().skip_while(|&&base| base != class).skip(1);
            let own = after
                .filter_map(|&base| self.program.class(base).methods.get(name).copied())
                .next();
            let next = match own {
                Some(method) => Member::Project(method),
                None => self.library_method(other, name, false),
            };
            match (&found, &next) {
                (_, Member::None) => {}
                (Member::None, _) => found = next,
                (Member::Project(one), Member::Project(another)) if one == another => {}
                (Member::Library(one), Member::Library(another)) if one == another => {}
                _ => return Member::None,
            }
        }
        found
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
                    .with_deps(args.deps().with(called.deps));
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
                let record = self.made_with(*class, args);
                Value {
                    likely: called.likely,
                    rows: self.queried_by(id, *class, args),
                    record: (!record.is_empty()).then(|| Arc::new(record)),
                    ..Value::of(Ty::Instance(*class))
                }
                .with_deps(deps)
            }
            Ty::Function(function) => {
                if let Some(value) = self.call_macro(*function, args) {
                    return value;
                }
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
                self.note_invoked(called.whole_params);
                self.note_called_each(called, &args.values);
                self.facts.counts |= self.is_counting_fixture(callee);
                if self.is_super(callee) {
                    return self.super_value().with_deps(args.deps());
                }
                self.unknown_call(called, args)
            }
            _ => self.unknown_call(called, args),
        }
    }

    /// Whether a name is that of a function that counts statements: a test runner gives it as a parameter.
    fn is_counting_fixture(&self, callee: ExprId) -> bool {
        let ExprKind::Name(name) = self.ir.expr(callee).kind else {
            return false;
        };
        let catalogs = self.program.catalogs;
        let named = catalogs.call_at(catalogs.root(self.language(), self.text(name)));
        named.is_some_and(|entry| catalogs.call(entry).counts)
    }

    /// The rows that a new query is about: `BookQuerySet(Book)`, and `BookQuerySet(self.model)` in a manager's method.
    fn queried_by(&self, id: ExprId, class: ClassId, args: &Args<'_>) -> Option<Arc<Rows>> {
        let bases = &self.program.class(class).library_bases;
        let position = bases
            .iter()
            .find_map(|&base| self.program.inherited(base, |info| info.queries))?;
        match args.values.get(position)?.ty {
            Ty::Class(model) => {
                let at = self.here(self.ir.span(id));
                Some(Arc::new(Rows::of_query(Some(model), at, true)))
            }
            Ty::Unknown => {
                let own = self
                    .program
                    .class_of(self.program.fn_id(self.file, self.current))?;
                let is_manager = self.program.serves_owner(own);
                is_manager.then(|| Arc::new(Rows::from(RowSource::Param(0), None)))
            }
            _ => None,
        }
    }

    /// What an instance keeps of the arguments that it is made with: `BookSchema(many=True)`, `BookFilter(queryset=books)`.
    fn made_with(&self, class: ClassId, args: &Args<'_>) -> Record {
        let shows = self.program.shows(class);
        let mut record = shows.map(|_| self.entries_given(args)).unwrap_or_default();
        if let Some(carries) = self.program.carries(class) {
            for (name, positions) in carries {
                let mut given = positions
                    .iter()
                    .filter_map(|position| args.find(self.ir, position));
                if let Some(ix) = given.next() {
                    record.set(name, args.values[ix].clone());
                }
            }
        }
        record
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
    pub(super) fn own_name(&self) -> Option<&'a str> {
        self.ir.function(self.current).name.map(|name| self.text(name))
    }

    /// Counts a call, when calls are counted.
    pub(super) fn count(&mut self, add: impl FnOnce(&mut Coverage)) {
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
        // `"SELECT … {}".format(key)` and `text.strip()` begin with the verb of the text.
        let statement = match called.ty {
            Ty::Plain => called.statement,
            _ => Statement::Unknown,
        };
        // `State::iter()` of an enumeration goes over its few members.
        Value {
            bound: called.bound,
            statement,
            ..Value::default()
        }
        .with_deps(deps)
    }
}

/// A method as it was found.
enum Member<'a> {
    Project(FnId),
    Library(&'a [CallId]),
    None,
}
