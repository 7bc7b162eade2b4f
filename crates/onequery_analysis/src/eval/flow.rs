//! Control flow: blocks, branches, exits, and what they say of the queries before them.

use std::ops::Range;

use onequery_core::Name;
use onequery_core::ir::{Arm, AssignMode, BinaryOp, ExprId, ExprKind, Handler, Literal, Pattern, UnaryOp};

use super::{Env, Eval};
use crate::facts::Alternatives;
use crate::models::Constant;
use crate::program::Symbol;
use crate::value::{Bits, Bound, Deps, Measure, Ty, Value};

/// How control left.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leaves {
    /// The sites that are left for good.
    pub(super) loops: Bits,
    /// By an error: the path on which everything is well does not come here.
    pub(super) failed: bool,
}

impl Leaves {
    /// After a branch whose both sides leave.
    fn both(self, other: Self) -> Self {
        Self {
            loops: Bits(self.loops.0 & other.loops.0),
            failed: self.failed && other.failed,
        }
    }
}

impl Eval<'_, '_> {
    /// Evaluates what control comes back from whatever happens inside.
    pub(super) fn in_own_flow<T>(&mut self, inner: impl FnOnce(&mut Self) -> T) -> T {
        let outer = self.leaves.take();
        let value = inner(self);
        self.leaves = outer;
        value
    }

    /// Evaluates a closure or `async` block: `return` inside leaves only it.
    pub(super) fn in_closure<T>(&mut self, inner: impl FnOnce(&mut Self) -> T) -> T {
        let outer = std::mem::replace(&mut self.flow_base, self.loops.len());
        let answered = self.answered.len();
        let value = self.in_own_flow(inner);
        // What was answered in a closure that is no block ends with it.
        self.end_answered(answered);
        self.flow_base = outer;
        value
    }

    /// Evaluates something that runs on some path only, which is decided by what was `tested`.
    pub(super) fn sometimes<T>(&mut self, tested: &Value, inner: impl FnOnce(&mut Self) -> T) -> T {
        let path = self.path;
        self.enter_undecided(tested.deps);
        let value = inner(self);
        self.path = path;
        value
    }

    /// Control does not come back from the current place.
    pub(super) fn leave_by_error(&mut self) {
        self.leaves = Some(Leaves {
            loops: self.left_by_return(),
            failed: true,
        });
    }

    pub(super) fn block(&mut self, items: &[ExprId], has_value: bool) -> Value {
        let answered = self.answered.len();
        let value = self.statements(items, has_value);
        self.end_answered(answered);
        value
    }

    /// Statements one after the other. A block among them only says how long its variables live.
    fn statements(&mut self, items: &[ExprId], has_value: bool) -> Value {
        let start = self.facts.facts.len();
        let mut last = Value::default();
        for &item in items {
            if self.leaves.is_some() {
                break;
            }
            last = match &self.ir.expr(item).kind {
                ExprKind::Block { items, value } => self.statements(items, *value),
                _ => self.eval(item),
            };
        }
        self.end_path(start);
        if has_value { last } else { Value::default() }
    }

    /// When control has left, everything since `start` that was on this path is followed by that exit.
    fn end_path(&mut self, start: usize) {
        let Some(leaves) = self.leaves else { return };
        for ix in start..self.facts.facts.len() {
            if !std::mem::replace(&mut self.sealed[ix], true) {
                self.facts.facts[ix].path.leaves.add(leaves.loops);
            }
        }
    }

    /// Evaluates a condition; `if queryset:` executes it.
    fn condition(&mut self, test: ExprId) -> Value {
        let value = self.eval(test);
        let deps = self.test(test, &value);
        value.with_deps(deps)
    }

    /// Whether a condition is written so that it never holds when the program runs: `if False`, `if TYPE_CHECKING`.
    fn never_holds(&self, test: ExprId) -> bool {
        match self.ir.expr(test).kind {
            ExprKind::Literal(Literal::Bool(holds)) => !holds,
            ExprKind::Name(name) | ExprKind::Attr { name, .. }
                if self.language().names_constant(self.text(name)) =>
            {
                match self.program.resolve_expr(self.file, self.scope(), test) {
                    Symbol::External(node) => self.program.catalogs.never_holds(node),
                    _ => false,
                }
            }
            _ => false,
        }
    }

    /// Whether a condition holds by settings of the project that never change: `settings.USE_NEW and user.is_staff`.
    fn by_settings(&self, test: ExprId) -> Option<bool> {
        match self.ir.expr(test).kind {
            ExprKind::Attr { base, name, .. } if self.language().names_constant(self.text(name)) => {
                let Symbol::External(node) = self.program.resolve_expr(self.file, self.scope(), base) else {
                    return None;
                };
                match self.setting(node, self.text(name)) {
                    Some(Constant::Flag(holds)) => Some(holds),
                    _ => None,
                }
            }
            ExprKind::Unary(UnaryOp::Not, inner) => self.by_settings(inner).map(|holds| !holds),
            ExprKind::Binary(op @ (BinaryOp::And | BinaryOp::Or), left, right) => {
                // One side decides when it is false for `and`, when it is true for `or`.
                let deciding = op == BinaryOp::Or;
                match (self.by_settings(left), self.by_settings(right)) {
                    (Some(side), _) | (_, Some(side)) if side == deciding => Some(deciding),
                    (Some(_), Some(_)) => Some(!deciding),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    pub(super) fn branch(&mut self, test: ExprId, then: ExprId, otherwise: Option<ExprId>) -> Value {
        let tested = self.condition(test);
        let remembered = self.remembered(test);
        let asked = self.asked(test, &tested, then);
        let guard = self.guard(test);
        let narrowed = self.narrowed(test);
        let absent = self.absent(test);
        let finds = self.finds(test);
        let by_guard = guard.and_then(|guard| self.is_taken(guard));
        if let Some(is_taken) = by_guard.or_else(|| self.by_settings(test)) {
            self.narrow(narrowed.as_ref(), is_taken);
            return match otherwise {
                _ if is_taken => self.eval(then),
                Some(otherwise) => self.eval(otherwise),
                None => Value::default(),
            };
        }
        // What it says of types holds all the same.
        let never_runs = u32::from(self.never_holds(test));
        let (env, path, start) = (self.env.clone(), self.path, self.facts.facts.len());
        if !self.is_of_class(narrowed.as_ref()) {
            self.enter_branch(guard, true, tested.deps);
        }
        let compared = self.compared(test);
        self.path.pinned.add(self.searched(test));
        self.path.pinned.add(
            compared
                .iter()
                .fold(Bits::default(), |all, &id| all.with(self.elements(id))),
        );
        if let (false, Some(param)) = (compared.is_empty(), tested.deps.params.only()) {
            self.path.discriminated.add(Bits::one(param));
        }
        self.narrow(narrowed.as_ref(), true);
        self.empty(absent, true);
        match tested.measure {
            Measure::Reached => self.path.flushes.add(self.active()),
            Measure::OneRound => self.path.flushes.add(self.innermost()),
            Measure::None
            | Measure::Size
            | Measure::Total
            | Measure::Passed
            | Measure::Remainder
            | Measure::Round => {}
        }
        let changes = self.changed.len();
        self.muted += never_runs;
        let value = self.eval(then);
        self.muted -= never_runs;
        let then_leaves = self.leaves.take().filter(|_| never_runs == 0);
        self.note_memo(start, changes, &remembered);
        let then_arm = (start..self.facts.facts.len(), then_leaves);
        if finds == Some(false) {
            self.changed.note_nothing_found(changes, then_arm.0.clone());
        }
        let then_env = std::mem::replace(&mut self.env, env);
        self.path = path;
        self.enter_branch(guard, false, tested.deps);
        self.narrow(narrowed.as_ref(), false);
        self.empty(absent, false);
        let (start, changes) = (self.facts.facts.len(), self.changed.len());
        let other = match otherwise {
            Some(otherwise) => self.eval(otherwise),
            None => Value::default(),
        };
        let else_leaves = self.leaves.take();
        self.note_memo(start, changes, &remembered);
        if finds == Some(true) || self.takes_found(test, &tested) {
            let facts = start..self.facts.facts.len();
            self.changed.note_nothing_found(changes, facts);
        }
        self.path = path;
        if guard.is_none() {
            self.note_alternatives(vec![then_arm, (start..self.facts.facts.len(), else_leaves)]);
        }
        if else_leaves.is_none() {
            // In a loop, `if key in seen: continue` remembers what was done, and not what it gave.
            let between_calls = if self.loops.is_empty() {
                remembered
            } else {
                Vec::new()
            };
            let gives_held = self.loops.is_empty() && self.gives_held(test, then);
            self.note_answered(&tested, between_calls, asked, then_leaves, gives_held);
        }
        // `if len(batch) < 500: continue`: what follows runs when it is full.
        let goes_on = |leaves: Leaves| leaves.loops.is_empty() && !leaves.failed;
        if tested.measure == Measure::Reached && then_leaves.is_some_and(goes_on) {
            self.path.flushes.add(self.active());
        }
        // `if cache is None: return`: what follows runs if it is given.
        match (then_leaves.is_some(), else_leaves.is_some()) {
            (true, false) => self.pass_exit(guard, false),
            (false, true) => self.pass_exit(guard, true),
            _ => {}
        }
        for (leaves, holds) in [(then_leaves, true), (else_leaves, false)] {
            // Where a row is missing the loop ends early: it would have gone on, unlike a search that has found its row.
            if let Some(leaves) = leaves
                && finds != Some(!holds)
            {
                self.decides(tested.deps, leaves);
            }
        }
        self.merge(then_env, then_leaves, else_leaves);
        match (then_leaves.is_some(), else_leaves.is_some()) {
            (true, false) => self.narrow(narrowed.as_ref(), false),
            (false, true) => self.narrow(narrowed.as_ref(), true),
            _ => {}
        }
        value.join(other).with_deps(Deps {
            queries: tested.deps.queries,
            ..Deps::default()
        })
    }

    /// Notes a branch one of whose arms is taken in any case.
    fn note_alternatives(&mut self, mut arms: Vec<(Range<usize>, Option<Leaves>)>) {
        arms.retain(|(_, leaves)| !leaves.is_some_and(|leaves| leaves.failed));
        if arms.len() > 1 && arms.iter().all(|(facts, _)| !facts.is_empty()) && self.muted == 0 {
            self.facts.alternatives.push(Alternatives {
                arms: arms.into_iter().map(|(facts, _)| facts).collect(),
                undecided: self.path.undecided,
            });
        }
    }

    /// A branch runs if its guard says so; without a guard that is understood, on some path.
    fn enter_branch(&mut self, guard: Option<(usize, bool)>, taken: bool, tested: Deps) {
        match guard {
            Some((param, is_given)) => self.path.branch = self.path.branch.and(param, is_given == taken),
            None => self.enter_undecided(tested),
        }
    }

    /// A branch whose condition, computed from `tested`, is not understood.
    fn enter_undecided(&mut self, tested: Deps) {
        self.path.undecided += 1;
        let is_constant = tested.loops.is_empty() && tested.varies.is_empty() && tested.queries.is_empty();
        if is_constant && let Some(param) = tested.params.only() {
            self.path.by_param += 1;
            self.path.deciding.add(Bits::one(param));
        }
    }

    fn pass_exit(&mut self, guard: Option<(usize, bool)>, taken: bool) {
        if let Some((param, is_given)) = guard {
            self.path.past_exits = self.path.past_exits.and(param, is_given == taken);
        }
    }

    /// What a test compares with constants, if it does nothing else.
    fn compared(&self, test: ExprId) -> Vec<ExprId> {
        match self.ir.expr(test).kind {
            ExprKind::Binary(BinaryOp::Equal, left, right) => {
                match (self.is_constant(left), self.is_constant(right)) {
                    (false, true) => vec![left],
                    (true, false) => vec![right],
                    _ => Vec::new(),
                }
            }
            ExprKind::Binary(BinaryOp::Or, left, right) => {
                let sides = [self.compared(left), self.compared(right)];
                if sides.iter().any(Vec::is_empty) {
                    Vec::new()
                } else {
                    sides.concat()
                }
            }
            _ => Vec::new(),
        }
    }

    fn is_constant(&self, id: ExprId) -> bool {
        match &self.ir.expr(id).kind {
            ExprKind::Literal(literal) => !matches!(literal, Literal::None | Literal::Bool(_)),
            // `Kind::Mail`, `Kind.mail`.
            ExprKind::Path { .. } => true,
            ExprKind::Attr { base, .. } if self.is_class(*base) => true,
            ExprKind::Cast(inner, _) => self.is_constant(*inner),
            ExprKind::Name(name) | ExprKind::Attr { name, .. } => {
                self.language().names_constant(self.text(*name))
            }
            _ => false,
        }
    }

    fn is_class(&self, id: ExprId) -> bool {
        let symbol = self.program.resolve_expr(self.file, self.scope(), id);
        matches!(symbol, Symbol::Class(_))
    }

    /// The sites of whose elements a test lets those through that have a value which no round changes
    /// and which is none of a kind: `user.id == current_id`.
    fn searched(&self, test: ExprId) -> Bits {
        let ExprKind::Binary(op, left, right) = self.ir.expr(test).kind else {
            return Bits::default();
        };
        let is_of_a_kind =
            |side: ExprId| matches!(self.ir.expr(side).kind, ExprKind::Literal(_)) || self.is_constant(side);
        match op {
            BinaryOp::And => self.searched(left).with(self.searched(right)),
            BinaryOp::Equal if ![left, right].into_iter().any(is_of_a_kind) => {
                let (left, right) = (self.rounds_seen_in(left), self.rounds_seen_in(right));
                left.without(right).with(right.without(left))
            }
            _ => Bits::default(),
        }
    }

    /// The sites whose element a name, an attribute of one, or what is made of these depends on.
    fn rounds_seen_in(&self, id: ExprId) -> Bits {
        match &self.ir.expr(id).kind {
            ExprKind::Name(name) => {
                let varies = self
                    .env
                    .get(*name)
                    .map(|value| value.deps.loops.with(value.deps.varies));
                varies.map_or(Bits::default(), |varies| Bits(varies.0 & self.active().0))
            }
            ExprKind::Attr { base, .. } | ExprKind::Deref(base) => self.rounds_seen_in(*base),
            ExprKind::Call { callee, args, .. } => {
                let args = args.iter().map(|arg| self.rounds_seen_in(arg.value));
                args.fold(self.rounds_seen_in(*callee), Bits::with)
            }
            _ => Bits::default(),
        }
    }

    /// The sites whose element an expression is, or what is made of nothing but it: `Kind::from(*code)`.
    fn elements(&self, id: ExprId) -> Bits {
        match &self.ir.expr(id).kind {
            ExprKind::Name(name) => self.env.get(*name).map_or(Bits::default(), Value::batch),
            ExprKind::Deref(inner) => self.elements(*inner),
            ExprKind::Call { args, .. } => match &**args {
                [only] => self.elements(only.value),
                _ => Bits::default(),
            },
            _ => Bits::default(),
        }
    }

    /// Whether a condition holds if a row was found, or if none was: `user is None`.
    fn finds(&self, test: ExprId) -> Option<bool> {
        match self.ir.expr(test).kind {
            ExprKind::Name(name) => {
                let value = self.env.get(name)?;
                let is_asked = !value.deps.queries.is_empty() && value.ty != Ty::Plain;
                is_asked.then_some(true)
            }
            ExprKind::Unary(UnaryOp::Not, inner) => self.finds(inner).map(|finds| !finds),
            ExprKind::Binary(op @ (BinaryOp::Equal | BinaryOp::Unequal), left, right) => {
                let is_none = matches!(self.ir.expr(right).kind, ExprKind::Literal(Literal::None));
                let finds = self.finds(left).filter(|_| is_none)?;
                Some(finds == (op == BinaryOp::Unequal))
            }
            _ => None,
        }
    }

    /// Whether a condition takes what a query has found: `if let Some(user) = load(id)`.
    fn takes_found(&self, test: ExprId, tested: &Value) -> bool {
        match &self.ir.expr(test).kind {
            ExprKind::Assign { target, .. } => !tested.deps.queries.is_empty() && self.takes_given(target),
            _ => false,
        }
    }

    /// The variable that a condition finds to be `None`, and whether it does when the condition is true: `page is None`.
    fn absent(&self, test: ExprId) -> Option<(Name, bool)> {
        match self.ir.expr(test).kind {
            ExprKind::Unary(UnaryOp::Not, inner) => self.absent(inner).map(|(name, is)| (name, !is)),
            ExprKind::Binary(op @ (BinaryOp::Equal | BinaryOp::Unequal), left, right) => {
                let is_none = matches!(self.ir.expr(right).kind, ExprKind::Literal(Literal::None));
                match self.ir.expr(left).kind {
                    ExprKind::Name(name) if is_none => Some((name, op == BinaryOp::Equal)),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// What is `None` is no query and has no rows, whatever else the variable may hold.
    fn empty(&mut self, absent: Option<(Name, bool)>, holds: bool) {
        if let Some((name, _)) = absent.filter(|(_, is)| *is == holds)
            && let Some(variable) = self.env.get_mut(name)
        {
            variable.ty = Ty::Unknown;
            variable.rows = None;
        }
    }

    /// The variable that a condition holds to be an instance of a class, and whether it does when the condition is true:
    /// `isinstance(item, Order)`.
    fn narrowed(&self, test: ExprId) -> Option<(Name, Ty, bool)> {
        match &self.ir.expr(test).kind {
            ExprKind::Unary(UnaryOp::Not, inner) => {
                let (name, ty, is) = self.narrowed(*inner)?;
                Some((name, ty, !is))
            }
            ExprKind::Binary(BinaryOp::And, left, right) => {
                let both = [*left, *right].into_iter();
                both.filter_map(|side| self.narrowed(side)).find(|(.., is)| *is)
            }
            ExprKind::Call { callee, args, .. } => {
                let Symbol::External(node) = self.program.resolve_expr(self.file, self.scope(), *callee)
                else {
                    return None;
                };
                let entry = self.program.catalogs.call(self.program.catalogs.call_at(node)?);
                let [tested, of] = &**args else { return None };
                let ExprKind::Name(name) = self.ir.expr(tested.value).kind else {
                    return None;
                };
                match self.program.resolve_expr(self.file, self.scope(), of.value) {
                    Symbol::Class(class) if entry.tests_class => Some((name, Ty::Instance(class), true)),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// Whether a variable is known to be an instance of the class that a condition asks for.
    fn is_of_class(&self, narrowed: Option<&(Name, Ty, bool)>) -> bool {
        let Some((name, Ty::Instance(class), true)) = narrowed else {
            return false;
        };
        let known = self.env.get(*name).map(|value| &value.ty);
        matches!(known, Some(Ty::Instance(own)) if self.program.class(*own).mro.contains(class))
    }

    /// Gives a variable of unknown type, or of a base, the class that a condition found it to have.
    fn narrow(&mut self, narrowed: Option<&(Name, Ty, bool)>, holds: bool) {
        let Some((name, ty @ Ty::Instance(class), _)) = narrowed.filter(|(.., is)| *is == holds) else {
            return;
        };
        let Some(mut value) = self.env.get(*name).cloned() else {
            return;
        };
        let fits = match value.ty {
            Ty::Unknown => true,
            Ty::Instance(base) => self.program.class(*class).mro.contains(&base),
            _ => false,
        };
        if fits {
            value.ty = ty.clone();
            if value.rows.is_none()
                && let Some(param) = value.whole_params.only()
            {
                value.rows = self.rows_of_param(ty, param);
            }
            self.env.set(*name, value);
        }
    }

    /// The parameter that a condition tests, and whether it holds if that is given something: `if cache is None`.
    pub(super) fn guard(&self, test: ExprId) -> Option<(usize, bool)> {
        match &self.ir.expr(test).kind {
            ExprKind::Name(name) => {
                let param = self.env.get(*name)?.whole_params.only()?;
                Some((param, true))
            }
            ExprKind::Unary(UnaryOp::Not, inner) => self.guard(*inner).map(|(param, is)| (param, !is)),
            ExprKind::Binary(op @ (BinaryOp::Equal | BinaryOp::Unequal), left, right) => {
                let truth = match self.ir.expr(*right).kind {
                    ExprKind::Literal(Literal::None | Literal::Bool(false)) => false,
                    ExprKind::Literal(Literal::Bool(true)) => true,
                    _ => return None,
                };
                let (param, is) = self.guard(*left)?;
                Some((param, is == (truth == (*op == BinaryOp::Equal))))
            }
            // `if let Some(cache) = cache`.
            ExprKind::Assign {
                target,
                value: Some(value),
                mode: AssignMode::Test,
                ..
            } if self.takes_given(target) => self.guard(*value),
            // `cache.is_none()`.
            ExprKind::Call { callee, .. } => {
                let ExprKind::Attr { base, name, .. } = self.ir.expr(*callee).kind else {
                    return None;
                };
                let ExprKind::Name(tested) = self.ir.expr(base).kind else {
                    return None;
                };
                let Ty::Lib(lib, _) = self.env.get(tested)?.ty else {
                    return None;
                };
                let catalogs = self.program.catalogs;
                let entry = *catalogs.methods(lib, self.text(name), false).first()?;
                let is_given = catalogs.call(entry).tests_given?;
                self.guard(base).map(|(param, is)| (param, is == is_given))
            }
            _ => None,
        }
    }

    /// Whether a pattern takes what is given, and not nothing: `Some(x)`.
    pub(super) fn takes_given(&self, pattern: &Pattern) -> bool {
        let Pattern::Variant { path, parts } = pattern else {
            return false;
        };
        // `Some(0)` may not match what is given.
        if !parts.iter().all(|(_, part)| matches!(part, Pattern::Name(..))) {
            return false;
        }
        let texts = self.program.texts(self.file, path);
        let catalogs = self.program.catalogs;
        match self.program.resolve_path(self.scope(), None, &texts) {
            Symbol::External(node) => catalogs
                .call_at(node)
                .is_some_and(|entry| catalogs.call(entry).given == Some(true)),
            _ => false,
        }
    }

    /// Joins the current environment with another branch's; a branch that left does not count.
    fn merge(&mut self, other: Env, other_leaves: Option<Leaves>, own_leaves: Option<Leaves>) {
        match (other_leaves, own_leaves) {
            (Some(a), Some(b)) => self.leaves = Some(a.both(b)),
            (Some(_), None) => {}
            (None, Some(_)) => self.env = other,
            (None, None) => {
                let own = std::mem::take(&mut self.env);
                self.env = other.join(own);
            }
        }
    }

    /// Queries whose result decided that a loop is left: a search, not a walk over all elements.
    pub(super) fn decides(&mut self, tested: Deps, leaves: Leaves) {
        if leaves.failed {
            return;
        }
        for ix in tested.queries.indices() {
            if ix < 63 {
                if let Some(fact) = self.facts.facts.get_mut(ix) {
                    fact.path.decides.add(leaves.loops);
                }
            } else {
                self.facts
                    .facts
                    .iter_mut()
                    .skip(ix)
                    .for_each(|fact| fact.path.decides.add(leaves.loops));
            }
        }
    }

    pub(super) fn match_arms(&mut self, subject: ExprId, arms: &[Arm], exhaustive: bool) -> Value {
        let subject_value = self.eval(subject);
        let (env, path) = (self.env.clone(), self.path);
        let remembered = self.remembered(subject);
        let mut merged: Option<(Env, Option<Leaves>)> = None;
        let mut result = Value::default();
        let mut taken = Vec::with_capacity(arms.len());
        // `match cache { Some(cache) => …, None => … }`.
        let is_choice = arms.len() == 2 && arms.iter().all(|arm| arm.guard.is_none());
        let given = arms.iter().position(|arm| self.takes_given(&arm.pattern));
        let choice = self.guard(subject).filter(|_| is_choice && given.is_some());
        let elements = self.elements(subject);
        for (ix, arm) in arms.iter().enumerate() {
            self.env = env.clone();
            self.path = path;
            self.enter_branch(choice, given == Some(ix), subject_value.deps);
            if is_constant(&arm.pattern) {
                self.path.pinned.add(elements);
            }
            let start = self.facts.facts.len();
            self.bind(&arm.pattern, subject_value.clone());
            // What the pattern names is no change, though it may be called as what was looked up.
            let changes = self.changed.len();
            let guard = arm.guard.map(|guard| self.condition(guard)).unwrap_or_default();
            let value = self.eval(arm.body);
            self.end_path(start);
            self.note_memo(start, changes, &remembered);
            let leaves = self.leaves.take();
            taken.push((start..self.facts.facts.len(), leaves));
            // A missing row ends the loop early, as in a branch.
            let is_missing = is_choice && given.is_some_and(|given| given != ix);
            if let Some(leaves) = leaves {
                if !is_missing {
                    self.decides(subject_value.deps.with(guard.deps), leaves);
                }
            } else {
                result = result.join(value);
            }
            let own = std::mem::take(&mut self.env);
            merged = Some(match merged {
                None => (own, leaves),
                Some((env, None)) if leaves.is_some() => (env, None),
                Some((_, Some(_))) if leaves.is_none() => (own, None),
                Some((env, None)) => (env.join(own), None),
                Some((env, Some(before))) => (env, leaves.map(|leaves| leaves.both(before))),
            });
        }
        self.path = path;
        let answers = given.and_then(|arm| taken[arm].1);
        if taken.iter().any(|(_, leaves)| leaves.is_none()) {
            self.note_answered(&subject_value, Vec::new(), Vec::new(), answers, false);
        }
        if exhaustive && choice.is_none() {
            self.note_alternatives(taken);
        }
        match merged {
            Some((env, leaves)) => (self.env, self.leaves) = (env, leaves),
            None => self.env = env,
        }
        result.with_deps(Deps {
            queries: subject_value.deps.queries,
            ..Deps::default()
        })
    }

    pub(super) fn with(&mut self, items: &[(ExprId, Option<Pattern>)], body: ExprId) -> Value {
        for (context, target) in items {
            let value = self.eval(*context);
            if let Some(target) = target {
                let entered = self.entered(&value);
                self.bind(target, entered);
            }
        }
        self.eval(body)
    }

    /// What `with value as x` binds.
    fn entered(&self, value: &Value) -> Value {
        let ty = match &value.ty {
            Ty::Lib(lib, _) => match self.program.inherited(*lib, |info| info.enter.as_ref()) {
                Some(template) => self.program.fill_receiver(template, &value.ty),
                None => value.ty.clone(),
            },
            other => other.clone(),
        };
        Value { ty, ..value.clone() }
    }

    pub(super) fn guarded(
        &mut self,
        body: ExprId,
        handlers: &[Handler],
        otherwise: Option<ExprId>,
        finally: Option<ExprId>,
    ) -> Value {
        let (before, path, start) = (self.env.clone(), self.path, self.facts.facts.len());
        self.eval(body);
        if let (Some(otherwise), None) = (otherwise, self.leaves) {
            self.eval(otherwise);
            // `try: insert()` / `except Taken: continue` / `else: break`: the exit follows what was tried.
            self.end_path(start);
        }
        let mut leaves = self.leaves.take();
        let mut env = std::mem::take(&mut self.env);
        self.path.on_error = true;
        let mut goes_on = !handlers.is_empty();
        for handler in handlers {
            self.env = before.clone();
            if let Some(types) = handler.types {
                self.eval(types);
            }
            if let Some(name) = handler.name {
                self.set(name, Value::default());
            }
            self.eval(handler.body);
            let own = std::mem::take(&mut self.env);
            let handler_leaves = self.leaves.take();
            goes_on &= handler_leaves.is_none_or(|leaves| !leaves.loops.meets(self.innermost()));
            (env, leaves) = match (leaves, handler_leaves) {
                (None, None) => (env.join(own), None),
                (None, Some(_)) => (env, None),
                (Some(_), None) => (own, None),
                (Some(a), Some(b)) => (env, Some(a.both(b))),
            };
        }
        self.path = path;
        self.env = env;
        if goes_on {
            // An error of one round is told and the next round goes on: each round's work is its own.
            let around = self.active();
            for fact in &mut self.facts.facts[start..] {
                fact.path.isolated |= fact.path.loops == around && !around.is_empty();
            }
        }
        if let Some(finally) = finally {
            self.eval(finally);
        }
        self.leaves = self.leaves.or(leaves);
        Value::default()
    }

    pub(super) fn leave_function(&mut self, value: Option<ExprId>) -> Value {
        let returns_nothing = value.is_some_and(
            |value| matches!(&self.ir.expr(value).kind, ExprKind::Collection(_, items) if items.is_empty()),
        );
        let written = value;
        let mut value = written.map_or_else(Value::plain, |value| self.eval(value));
        if let (Some(at), true) = (written, self.returned.is_empty()) {
            self.show_returned(&value, at);
        }
        if returns_nothing {
            // `return []` has no elements, unlike `found = []`, which is there to be filled.
            value.bound = Bound::Constant;
            value.ty = Ty::Unknown;
        }
        // A search that returns what it found; `return Err(…)` is no success.
        let failed = value.is_error;
        if !failed {
            self.return_value(value);
            self.note_end(self.left_by_return());
        }
        self.leaves = Some(Leaves {
            loops: self.left_by_return(),
            failed,
        });
        Value::default()
    }

    pub(super) fn raise(&mut self, values: &[ExprId]) -> Value {
        self.eval_all(values);
        self.leaves = Some(Leaves {
            loops: self.left_by_return(),
            failed: true,
        });
        Value::default()
    }
}

/// Whether a pattern matches one value only: `Some(Kind::Mail)`.
fn is_constant(pattern: &Pattern) -> bool {
    match pattern {
        Pattern::Variant { path, parts } => {
            let is_unit = parts.is_empty() && path.len() > 1;
            is_unit || (!parts.is_empty() && parts.iter().all(|(_, part)| is_constant(part)))
        }
        Pattern::Bind(_, part) => is_constant(part),
        _ => false,
    }
}
