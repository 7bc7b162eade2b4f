//! Abstract evaluation of one function: what each expression may be, what runs per element, what is executed there.
//!
//! Structured evaluation over the IR, forward, with environments joined after branches. A loop's body is evaluated twice:
//! first muted, to see which variables it changes, then for the record.

mod bindings;
mod callbacks;
mod calls;
mod definitions;
mod eager;
mod entries;
mod env;
mod fields;
mod flow;
mod library_calls;
mod loops;
mod members;
mod operators;
mod pages;
mod presentations;
mod project_calls;
mod relations;
mod remembered;
mod specialize;
mod templates;

use std::cell::RefCell;
use std::sync::Arc;

use onequery_core::ir::{ExprId, ExprKind, FileIr, FnIx, Function, Literal, Param, Pattern, Spread};
use onequery_core::{FileId, Language, Location, Name, Problem, Span};
use rustc_hash::{FxHashMap, FxHashSet};
use serde::{Deserialize, Serialize};

use crate::catalog::{Access, Decorates};
use crate::describe::describe;
use crate::facts::{Conditions, Fact, FnFacts, Path, QuerySource, Target, What};
use crate::known::{About, Knowledge, OfFunction, Passed, Slot};
use crate::program::{ClassId, FnId, Program, ScopeId, Symbol};
use crate::rows::{Asked, RowSource, Rows};
use crate::sql::{self, Statement};
use crate::types::TypeScope;
use crate::value::{Bits, Bound, Deps, Held, Ty, Value};
use env::Env;
use flow::Leaves;
use remembered::{Answered, Changes};
pub(crate) use specialize::ForCallers;

/// How deep evaluation recurses; what nests deeper is unknown. Chains of thousands of calls are written by programs.
const MAX_DEPTH: u32 = 500;

/// What evaluating a function gave.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Evaluated {
    /// The facts of the function and of those nested in it.
    pub(crate) facts: Box<[(FnId, Arc<FnFacts>)]>,
    /// What it asked for; when none of that changes, neither do the facts.
    #[serde(skip)]
    pub(crate) reads: FxHashSet<Slot>,
    /// Why it was not, or not all of it: our fault, or a limit.
    pub(crate) problem: Option<(FileId, Problem)>,
}

/// Evaluates one function that is not nested in another.
pub(crate) fn evaluate(
    program: &Program<'_>,
    (known, for_callers): (&dyn Knowledge, &ForCallers),
    id: FnId,
) -> Evaluated {
    let function = program.function(id).2;
    let mut eval = Eval::new(program, known, for_callers, id);
    if let Some(class) = program.presented(id) {
        eval.present(id, class);
    } else {
        eval.note_decorated(&function.decorators, Target::Function(id));
        if let Some(ix) = function.in_impl {
            let ir = eval.ir;
            eval.note_decorated(&ir.impls[ix as usize].decorators, Target::Function(id));
        }
        eval.shown = eval.shown_by(id, function);
        eval.bind_params(id, function);
        eval.body(function);
        eval.resolve_listed(id, function);
        eval.implementations(id, function);
    }
    let facts = eval.finish(id, function);
    eval.done.push((id, facts));
    Evaluated {
        facts: eval
            .done
            .into_iter()
            .map(|(id, facts)| (id, Arc::new(facts)))
            .collect(),
        reads: eval.reads.into_inner(),
        problem: eval.limit,
    }
}

/// Whether [`evaluate`] is to be called for a function, as opposed to those that it meets inside others.
pub(crate) fn is_root(ix: FnIx, function: &Function) -> bool {
    ix == FnIx(0)
        || function.in_impl.is_some()
        || (function.name.is_some() && function.outer == Some(FnIx(0)))
}

struct Eval<'p, 'a> {
    program: &'p Program<'a>,
    known: &'p dyn Knowledge,
    for_callers: &'p ForCallers,
    /// What is evaluated. `current` may be a function inside of it, and is one of a template while that is rendered.
    id: FnId,
    file: FileId,
    ir: &'a FileIr,
    /// The named function whose facts are collected.
    current: FnIx,
    env: Env,
    facts: FnFacts,
    /// The sites around the current place, innermost last.
    loops: Vec<loops::Active>,
    path: Path,
    /// Set once control cannot reach the current place.
    leaves: Option<Leaves>,
    /// Facts on paths that have ended; parallel to the facts.
    sealed: Vec<bool>,
    /// Look-ups in the blocks around the current place that answered and left.
    answered: Vec<Answered>,
    /// The parameters that were called so far, each with how many facts there were before.
    invocations: Vec<(usize, Bits)>,
    /// Facts are not recorded while this is above zero.
    muted: u32,
    /// How many expressions are being evaluated inside each other.
    depth: u32,
    /// Values of `return`s of the closure being evaluated, innermost last; empty in the function itself.
    returned: Vec<Option<Value>>,
    /// Names assigned so far, to see what a loop's body changes.
    changed: Changes,
    /// Attributes that were read of what a parameter is given, with that parameter: `cache` of `self.cache`.
    held_by: FxHashMap<Name, usize>,
    /// What gave variables their values, by variable: see [`Eval::note_given`].
    given_by: FxHashMap<Name, Name>,
    /// How many of `loops` are outside the closure being evaluated.
    flow_base: usize,
    /// The element of the comprehension being evaluated, and its value once it is known.
    each: Option<(ExprId, Value)>,
    /// What the outermost clause of the comprehension being evaluated goes through.
    gathered: Option<loops::Gathered>,
    /// Closures being evaluated, against recursion.
    inlined: Vec<FnIx>,
    /// The class whose body is being evaluated.
    class_body: Option<ClassId>,
    /// Variables of the module that the function says it changes: `global connection`.
    global: Vec<Name>,
    /// What a framework does with what the function gives.
    shown: Option<fields::ShownBy>,
    /// Models whose rows a variable keeps.
    held: Vec<ClassId>,
    done: Vec<(FnId, FnFacts)>,
    /// Reading is not a change of what is evaluated, hence the cell.
    reads: RefCell<FxHashSet<Slot>>,
    /// The template being rendered.
    rendering: Option<templates::Rendering>,
    /// The templates being evaluated inside each other.
    rendered: Vec<FileId>,
    /// How many were.
    n_rendered: u32,
    /// The first limit that was reached.
    limit: Option<(FileId, Problem)>,
    /// The functions being evaluated for one caller, from the outermost on.
    specialized: Vec<FnId>,
    /// What that caller gives for parameters, as far as it is known.
    decided: Conditions,
}

impl<'p, 'a> Eval<'p, 'a> {
    /// An evaluation of a function that has not begun.
    fn new(
        program: &'p Program<'a>,
        known: &'p dyn Knowledge,
        for_callers: &'p ForCallers,
        id: FnId,
    ) -> Self {
        let (file, ix, _) = program.function(id);
        Self {
            program,
            known,
            for_callers,
            id,
            file,
            ir: program.ir(file),
            current: ix,
            env: Env::default(),
            facts: FnFacts::default(),
            loops: Vec::new(),
            path: Path::default(),
            leaves: None,
            sealed: Vec::new(),
            answered: Vec::new(),
            invocations: Vec::new(),
            muted: 0,
            depth: 0,
            returned: Vec::new(),
            changed: Changes::default(),
            given_by: FxHashMap::default(),
            held_by: FxHashMap::default(),
            flow_base: 0,
            each: None,
            gathered: None,
            inlined: Vec::new(),
            class_body: None,
            global: Vec::new(),
            shown: None,
            held: Vec::new(),
            done: Vec::new(),
            reads: RefCell::default(),
            rendering: None,
            rendered: Vec::new(),
            n_rendered: 0,
            limit: None,
            specialized: Vec::new(),
            decided: Conditions::default(),
        }
    }

    fn here(&self, span: Span) -> Location {
        Location::new(self.file, span)
    }

    /// Notes that something found out in earlier rounds is asked for, and gives where that is.
    fn ask(&self, about: About, id: u32, name: &str) -> Slot {
        let slot = Slot::of(about, id, name);
        self.reads.borrow_mut().insert(slot);
        slot
    }

    /// What earlier rounds say of a function.
    fn known_function(&self, id: FnId) -> Option<&'p OfFunction> {
        self.known.function(self.ask(About::Function, id.0, ""))
    }

    /// What the calls that earlier rounds saw pass to a function; `about` says which part of it is asked for.
    fn known_passed(&self, about: About, id: FnId) -> Option<&'p Passed> {
        self.known.passed(self.ask(about, id.0, "").with(About::Passed))
    }

    fn text(&self, name: Name) -> &'a str {
        self.ir.name(name)
    }

    fn language(&self) -> Language {
        self.ir.language
    }

    /// Binds the parameters of a named function to what their declarations say.
    fn bind_params(&mut self, id: FnId, function: &Function) {
        let class = self.program.class_of(id);
        let decorated = self.decorated(function);
        let takes_row = class.is_some_and(|class| self.takes_row(class, function));
        for (ix, param) in function.params.iter().enumerate() {
            let declared = param
                .ty
                .as_ref()
                .map(|ty| self.program.declared(self.type_scope(), ty));
            let ty = match (declared, class) {
                (Some(ty), _) if !ty.is_unknown() => ty,
                (_, Some(class)) if ix == 0 && decorated == Some(Decorates::Class) => Ty::Class(class),
                (_, Some(class)) if ix == 0 && takes_row => self.row_taken(id, class),
                (_, Some(class))
                    if ix == 0 && decorated != Some(Decorates::Static) && self.may_receive(param) =>
                {
                    Ty::Instance(class)
                }
                (None, None) if ix == 0 => self.program.self_type(self.file, function).unwrap_or_default(),
                _ => Ty::Unknown,
            };
            let deps = Deps {
                params: Bits::one(ix),
                ..Deps::default()
            };
            let mut value = Value {
                held: Held::Param(ix),
                whole_params: Bits::one(ix),
                ..Value::of(ty).with_deps(deps)
            };
            // What is written on a command line or in a test is short.
            let is_written = function.is_test && !(ix == 0 && class.is_some());
            if is_written || decorated == Some(Decorates::CommandLine) {
                value.bound = Bound::Constant;
                self.ask(About::Called, id.0, "");
            }
            let passed = self.known_passed(About::Amounts, id);
            if let Some(passed) = passed.and_then(|passed| passed.of(ix)) {
                value.bound = passed.bound.unwrap_or_default();
                value.int = passed.int;
            }
            if value.ty.is_unknown() && param.spread == Spread::No {
                // Calls that were not seen may pass something else.
                value.ty = self.passed_type(id, ix);
                value.likely = !value.ty.is_unknown();
            }
            value.rows = self.rows_of_param(&value.ty, ix);
            self.bind(&param.pattern, value);
        }
    }

    /// Whether a first parameter can be what a method is called on. One of a type that nothing is known of is none, unless
    /// its name says so.
    fn may_receive(&self, param: &Param) -> bool {
        let is_self = matches!(param.pattern, Pattern::Name(name, _) if self.text(name) == "self");
        param.ty.is_none() || is_self
    }

    /// What the calls that were seen pass for a parameter: those of the function, or of what it overrides.
    fn passed_type(&self, id: FnId, param: usize) -> Ty {
        let passed = |id: FnId| {
            let to_it = self.known_passed(About::Passed, id);
            to_it.map(|passed| passed.type_of(param)).unwrap_or_default()
        };
        let overridden = self.program.overridden(id);
        let mut types = std::iter::once(id).chain(overridden).map(passed);
        types.find(|ty| !ty.is_unknown()).unwrap_or_default()
    }

    /// Rows of a model that a parameter is given.
    fn rows_of_param(&self, ty: &Ty, ix: usize) -> Option<Arc<Rows>> {
        if self.program.models.is_empty() {
            return None;
        }
        let model = self.program.row_class(ty);
        let server = match *ty {
            Ty::Instance(class) => Some(class).filter(|&class| self.program.serves_owner(class)),
            _ => None,
        };
        let model = model.or_else(|| self.program.served_model(server?));
        (model.is_some() || server.is_some() || self.is_lazy(ty))
            .then(|| Arc::new(Rows::from(RowSource::Param(ix), model)))
    }

    /// What the decorators make of a function.
    fn decorated(&self, function: &Function) -> Option<Decorates> {
        let scope = self.program.scope_id(self.file, function.scope);
        function
            .decorators
            .iter()
            .find_map(|&decorator| self.program.decorates(self.file, scope, decorator))
    }

    fn body(&mut self, function: &Function) {
        if let Some(body) = function.body {
            let value = self.eval(body);
            if self.leaves.is_none() && matches!(self.ir.expr(body).kind, ExprKind::Block { value: true, .. })
            {
                self.return_value(value);
            }
        }
    }

    fn return_value(&mut self, value: Value) {
        let returned = self.returned.last_mut().unwrap_or(&mut self.facts.returns);
        *returned = Some(match returned.take() {
            Some(before) => before.join(value),
            None => value,
        });
    }

    fn yield_value(&mut self, value: Value) {
        self.facts.yields = Some(Box::new(match self.facts.yields.take() {
            Some(before) => before.join(value),
            None => value,
        }));
    }

    /// The facts of the function that was evaluated.
    fn finish(&mut self, id: FnId, function: &Function) -> FnFacts {
        let mut facts = std::mem::take(&mut self.facts);
        if let Some(declared) = &function.returns {
            let ty = self.program.declared(self.type_scope(), declared);
            if !ty.is_unknown() {
                let returned = facts.returns.get_or_insert_default();
                let inferred = std::mem::take(&mut returned.ty);
                returned.ty = ty.completed_by(&inferred);
            }
        }
        if let Some(yields) = facts.yields.take().map(|yields| *yields) {
            let declared = facts
                .returns
                .as_ref()
                .map(|returned| self.program.item(&returned.ty));
            facts.returns = Some(if self.decorated(function) == Some(Decorates::ContextManager) {
                Value {
                    ty: yields.ty.clone().completed_by(&declared.unwrap_or_default()),
                    ..yields
                }
            } else {
                let generator = self.program.catalogs.literals(self.language()).generator;
                Value {
                    rows: yields.rows,
                    ..Value::of(Ty::lib(generator, vec![yields.ty]))
                }
            });
        }
        for name in std::mem::take(&mut self.global) {
            if let Some(value) = self.env.get(name) {
                facts.variables.push((self.text(name).to_owned(), value.clone()));
            }
        }
        if self.program.function(id).1 == FnIx(0) && self.program.presented(id).is_none() {
            facts.variables = self
                .env
                .iter()
                .map(|(name, value)| (self.text(name).to_owned(), value.clone()))
                .collect();
        }
        facts.shrink();
        facts
    }

    fn type_scope(&self) -> TypeScope<'a> {
        let id = self.program.fn_id(self.file, self.current);
        self.program.types_in(id)
    }

    fn scope(&self) -> ScopeId {
        self.program
            .scope_id(self.file, self.ir.function(self.current).scope)
    }

    /// Evaluates an expression: records what it executes and says what it is.
    fn eval(&mut self, id: ExprId) -> Value {
        if self.depth >= MAX_DEPTH {
            return Value::default();
        }
        self.depth += 1;
        let value = self.eval_kind(id);
        self.depth -= 1;
        if let Some((each, known)) = &mut self.each
            && *each == id
        {
            *known = value.clone();
        }
        value
    }

    fn eval_kind(&mut self, id: ExprId) -> Value {
        let expr = self.ir.expr(id);
        match &expr.kind {
            ExprKind::Opaque(children) => {
                let deps = self.eval_all(children);
                Value::default().with_deps(deps)
            }
            ExprKind::Format(parts) => {
                let mut deps = Deps::default();
                for &part in parts {
                    let value = self.eval(part);
                    self.show_text(part, &value);
                    deps.add(value.deps);
                }
                // `f"INSERT INTO {table} …"` is known by the text before the first brace.
                let first = parts.first().map(|&first| &self.ir.expr(first).kind);
                let statement = match first {
                    Some(ExprKind::Literal(Literal::Str(text))) => sql::statement(self.text(*text)),
                    _ => Statement::Unknown,
                };
                Value {
                    statement,
                    ..Value::plain()
                }
                .with_deps(deps)
            }
            ExprKind::Literal(literal) => self.literal(*literal),
            ExprKind::Name(name) => self.name(*name),
            ExprKind::Path { segments, .. } => self.path_value(segments),
            ExprKind::Attr { base, name, .. } if self.is_template() => {
                self.template_attribute(id, *base, *name)
            }
            ExprKind::Attr { base, name, .. } => {
                let owner = self.eval(*base);
                self.note_key_read(*base, *name);
                let value = self.attribute(&owner, *name, id);
                if self.names_own(&owner.ty, *name) {
                    self.constant_by_name(*name, value)
                } else {
                    value
                }
            }
            ExprKind::Index { base, index } => self.index(id, *base, *index),
            ExprKind::Slice { base, bounds } => self.slice(*base, bounds),
            ExprKind::Call {
                callee,
                args,
                generics,
            } => self.call(id, *callee, args, generics),
            ExprKind::Await(inner) => {
                let value = self.eval(*inner);
                self.awaited(*inner, value)
            }
            ExprKind::Propagate(inner) => {
                let value = self.eval(*inner);
                Value {
                    ty: self.program.inner(&value.ty),
                    ..value
                }
            }
            ExprKind::Deref(inner) | ExprKind::Spread(inner) => self.eval(*inner),
            ExprKind::Cast(inner, ty) => {
                let value = self.eval(*inner);
                Value {
                    ty: self.program.declared(self.type_scope(), ty),
                    ..value
                }
            }
            ExprKind::Unary(op, inner) => self.unary(*op, *inner),
            ExprKind::Binary(op, left, right) => self.binary(*op, *left, *right),
            ExprKind::Collection(kind, items) => self.collection(*kind, items),
            ExprKind::Repeat(item, times) => self.repeated(*item, *times),
            ExprKind::Record { path, fields, rest } => self.record(path, fields, *rest),
            ExprKind::Lambda(ix) => {
                for default in self
                    .ir
                    .function(*ix)
                    .params
                    .iter()
                    .filter_map(|param| param.default)
                {
                    self.eval(default);
                }
                Value::of(Ty::Function(self.program.fn_id(self.file, *ix)))
            }
            ExprKind::Range(from, to) => self.range(*from, *to),
            ExprKind::Comprehension { body, each, kind } => self.comprehension(*kind, *body, *each),
            ExprKind::AsyncBlock(body) => self.in_closure(|eval| eval.eval(*body)),
            ExprKind::Block { items, value } => self.block(items, *value),
            ExprKind::If {
                test,
                then,
                otherwise,
            } => self.branch(*test, *then, *otherwise),
            ExprKind::Match {
                subject,
                arms,
                exhaustive,
            } => self.match_arms(*subject, arms, *exhaustive),
            ExprKind::Loop(the_loop) => self.run_loop(the_loop),
            ExprKind::With { items, body, .. } => self.with(items, *body),
            ExprKind::Try {
                body,
                handlers,
                otherwise,
                finally,
            } => self.guarded(*body, handlers, *otherwise, *finally),
            ExprKind::Assign {
                target,
                value,
                ty,
                mode,
            } => self.assign(target, *value, ty.as_deref(), *mode),
            ExprKind::Return(value) => self.leave_function(*value),
            ExprKind::Break(value, label) => self.leave_loop(*value, *label),
            ExprKind::Continue(label) => self.next_round(*label),
            ExprKind::Raise(values) => self.raise(values),
            ExprKind::Yield(value) => {
                let value = value.map(|value| self.eval(value)).unwrap_or_default();
                self.yield_value(value);
                Value::default()
            }
            ExprKind::YieldFrom(source) => {
                let value = self.eval(*source);
                self.consume(*source, &value);
                self.yield_value(Value {
                    ty: self.item_of(&value),
                    rows: settled(&value),
                    ..value
                });
                Value::default()
            }
            ExprKind::DefineFunction(ix) => self.define_function(*ix),
            ExprKind::DefineClass(class, body) => self.define_class(*class, *body),
            ExprKind::Import(ix) => {
                let import = &self.ir.imports[ix.index()];
                if let (Some(alias), Some(_)) = (import.alias, import.function) {
                    let symbol = self.program.import(self.file, ix.0);
                    let value = self.symbol_value(symbol);
                    self.set(alias, value);
                }
                Value::default()
            }
            ExprKind::Template(part) => self.template_part(part),
            ExprKind::Unbind(names) => {
                for &name in names {
                    self.env.remove(name);
                    if self.current != FnIx(0) && self.is_shared(name) {
                        self.global.push(name);
                    }
                }
                Value::default()
            }
        }
    }

    fn eval_all(&mut self, items: &[ExprId]) -> Deps {
        let mut deps = Deps::default();
        for &item in items {
            deps.add(self.eval(item).deps);
        }
        deps
    }

    fn name(&mut self, name: Name) -> Value {
        if let Some(value) = self.env.get(name) {
            return value.clone();
        }
        if self.is_template() {
            return self.template_name(name);
        }
        let symbol = self
            .program
            .resolve_path(self.scope(), self.type_scope().own, &[self.text(name)]);
        // What a local variable is, its value says, whatever it is called.
        self.constant_by_name(name, self.symbol_value(symbol))
    }

    /// A collection that is called as constants are has as many elements as the code gives it, even where subclasses and
    /// settings say which. Rows are what they are, whatever they are called.
    fn constant_by_name(&self, name: Name, value: Value) -> Value {
        let is_constant = value.bound == Bound::Data
            && value.rows.is_none()
            && self.language().names_constant(self.text(name));
        if is_constant {
            return Value {
                bound: Bound::Constant,
                ..value
            };
        }
        value
    }

    /// Whether the project says what an attribute is: `self.KINDS` as opposed to `request.GET`.
    fn names_own(&self, owner: &Ty, name: Name) -> bool {
        match *owner {
            Ty::Module(_) => true,
            Ty::Class(class) | Ty::Instance(class) => {
                let info = self.program.class(class);
                let has = |&base: &ClassId| {
                    let ir = self.program.ir(self.program.class(base).file);
                    let fields = &self.program.class_ir(base).fields;
                    fields.iter().any(|field| ir.name(field.name) == self.text(name))
                };
                info.library_bases.is_empty() || info.mro.iter().any(has)
            }
            _ => false,
        }
    }

    /// The value of something that is known by name.
    fn symbol_value(&self, symbol: Symbol<'a>) -> Value {
        match symbol {
            Symbol::Unknown => Value::default(),
            Symbol::Class(class) => {
                let bound = if self.program.is_enumeration(class) {
                    Bound::Constant
                } else {
                    Bound::Data
                };
                Value {
                    bound,
                    ..Value::of(Ty::Class(class))
                }
            }
            Symbol::Function(function) => Value::of(Ty::Function(function)),
            Symbol::Module(module) => Value::of(Ty::Module(module)),
            Symbol::External(node) => Value::of(Ty::External(node)),
            Symbol::Variable(scope, name) => {
                let value = self.known.variable(self.ask(About::Variable, scope.0, name));
                // What a variable was computed from concerns its own module only.
                value
                    .map(|value| Value {
                        held: Held::Outside,
                        deps: Deps::default(),
                        ..value.clone()
                    })
                    .unwrap_or_default()
            }
        }
    }

    /// Records what an expression does, unless this pass is muted. Gives the dependency on its result.
    fn fact(&mut self, id: ExprId, what: What, deps: Deps, likely: bool) -> Deps {
        if self.muted > 0 {
            return Deps::default();
        }
        let ix = self.facts.facts.len();
        let path = Path {
            loops: self.active(),
            ..self.path
        };
        let (at, label) = (self.here(self.ir.span(id)), describe(self.ir, id));
        self.note(Fact {
            at,
            label,
            deps,
            likely,
            path,
            what,
        });
        Deps {
            queries: Bits::one(ix),
            ..Deps::default()
        }
    }

    fn note(&mut self, mut fact: Fact) {
        if let What::Call { callee, args } = &mut fact.what {
            let known = self.known_function(*callee);
            let (stores, stored) = known
                .map(|known| (known.stores, known.stored))
                .unwrap_or_default();
            for ix in stored.indices() {
                let Some(arg) = args.get_mut(ix) else { continue };
                let Some(rows) = arg.rows.clone() else { continue };
                if let (RowSource::Param(param), true) = (rows.source, stores.has(ix)) {
                    self.facts.stored.add(Bits::one(param));
                }
                arg.to_store = Some(self.rows_to_store(rows));
            }
        }
        self.facts.facts.push(fact);
        self.sealed.push(false);
    }

    /// A value is iterated over or listed: a query that was only built is executed now.
    fn consume(&mut self, place: ExprId, value: &Value) -> Deps {
        self.facts.collections.add(value.whole_params);
        self.implicit(place, value, false, |info| info.runs_on_iterate.then_some(()))
    }

    /// A value is tested for truth.
    fn test(&mut self, place: ExprId, value: &Value) -> Deps {
        self.implicit(place, value, false, |info| info.runs_on_test.then_some(()))
    }

    /// What `await` gives of a value, executing a query that was only built.
    fn awaited(&mut self, place: ExprId, value: Value) -> Value {
        let asks_anew = match &value.ty {
            Ty::Lib(lib, _) => self
                .program
                .inherited(*lib, |info| info.runs_on_await_anew.then_some(()))
                .is_some(),
            _ => false,
        };
        let is_loaded = value.rows.as_deref().is_some_and(|rows| rows.are_loaded(false));
        let deps = self.implicit(place, &value, asks_anew && is_loaded, |info| {
            info.runs_on_await.then_some(())
        });
        let ty = self.program.inner(&value.ty);
        let rows = match value.rows {
            Some(rows) if !deps.queries.is_empty() || rows.pending.is_some() => {
                let mut rows = rows.settled();
                if matches!(ty, Ty::Instance(_)) {
                    rows.take_one();
                }
                Some(Arc::new(rows))
            }
            rows => rows,
        };
        Value { ty, rows, ..value }.with_deps(deps)
    }

    /// A query that was only built is executed, if the type of the value says so; `narrowed` when loaded rows do not
    /// answer it.
    fn implicit(
        &mut self,
        place: ExprId,
        value: &Value,
        narrowed: bool,
        runs: impl Fn(&crate::catalog::TypeInfo) -> Option<()> + Copy,
    ) -> Deps {
        let Ty::Lib(lib, _) = self.view(value) else {
            return Deps::default();
        };
        if self.program.inherited(lib, runs).is_none() || value.fetched {
            return Deps::default();
        }
        let load = match self.rows_asked(value, narrowed) {
            Asked::Nothing => return Deps::default(),
            Asked::Query => None,
            Asked::Relation(load) => Some(load),
        };
        let what = What::Query {
            access: Access::Read,
            source: QuerySource::Implicit(lib),
            load,
        };
        let deps = self.fact(place, what, value.deps, value.likely);
        let keeps_rows = self
            .program
            .inherited(lib, |info| info.keeps_rows.then_some(()))
            .is_some();
        let once = self.rounds_that_give(place, value);
        let variable = match &self.ir.expr(place).kind {
            ExprKind::Name(name) => Some(name),
            // `if found := queryset:`.
            ExprKind::Assign { target, .. } => match &**target {
                Pattern::Name(name, _) => Some(name),
                _ => None,
            },
            _ => None,
        };
        if keeps_rows {
            if let (Some(fact), false) = (self.facts.facts.last_mut(), deps.queries.is_empty()) {
                // Only the first round executes it; the others find its rows.
                fact.path.loops = fact.path.loops.without(once);
                fact.path.keep_in(value.held);
            }
            if let Some(variable) = variable.and_then(|name| self.env.get_mut(*name)) {
                variable.fetched = true;
                variable.deps.add(deps);
            }
        }
        deps
    }
}

/// The rows of the first value that has some; options add up.
fn either(known: Option<Arc<Rows>>, next: Option<Arc<Rows>>) -> Option<Arc<Rows>> {
    match (known, next) {
        (Some(known), Some(next))
            if known.source == RowSource::Option && next.source == RowSource::Option =>
        {
            let mut both = (*known).clone();
            both.loaded.add_below(&[], &next.loaded);
            Some(Arc::new(both))
        }
        (known, next) => known.or(next),
    }
}

/// The rows of a value once they have been asked for.
fn settled(value: &Value) -> Option<Arc<Rows>> {
    value.rows.as_ref().map(|rows| match rows.pending {
        Some(_) => Arc::new(rows.settled()),
        None => rows.clone(),
    })
}
