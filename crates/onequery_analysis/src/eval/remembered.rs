//! What answers before a query is asked: look-ups in what is remembered, and what came with an object.

use std::ops::Range;

use onequery_core::Name;
use onequery_core::ir::{BinaryOp, ExprId, ExprKind, Literal, Pattern};

use super::Eval;
use super::flow::Leaves;
use crate::program::{Symbol, target_names};
use crate::value::{Bits, Deps, Ty, Value};

/// A place behind which something runs only when a look-up in what is remembered found nothing.
pub(super) struct Answered {
    /// What was looked up in.
    names: Vec<Name>,
    /// What else the condition is about, and is there before and after the call.
    remembered: Vec<Name>,
    /// The first fact behind it.
    facts: usize,
    /// The first change behind it.
    changes: usize,
    /// It gave out something that a parameter holds.
    gives_held: bool,
    /// What was asked, and is there whoever calls: `client` of `client.get(KEY)`.
    asked: Vec<Name>,
    /// What was asked was given the answer of a query since.
    is_stored: bool,
}

/// The variables and attributes that were assigned or grew, in the order in which that was seen.
#[derive(Default)]
pub(super) struct Changes {
    names: Vec<Name>,
    /// Parts of them, each with the facts that were found meanwhile: what happened where a query had found nothing.
    where_nothing_was_found: Vec<(Range<usize>, Range<usize>)>,
}

impl Changes {
    pub(super) fn push(&mut self, name: Name) {
        self.names.push(name);
    }

    pub(super) fn extend(&mut self, names: impl IntoIterator<Item = Name>) {
        self.names.extend(names);
    }

    pub(super) const fn len(&self) -> usize {
        self.names.len()
    }

    /// Those behind the first so many.
    pub(super) fn since(&self, n: usize) -> &[Name] {
        &self.names[n..]
    }

    /// Takes those behind the first so many.
    pub(super) fn split_off(&mut self, n: usize) -> Vec<Name> {
        self.where_nothing_was_found.retain(|(names, _)| names.end <= n);
        self.names.split_off(n)
    }

    /// Notes that those behind the first so many happened where a query had found nothing.
    pub(super) fn note_nothing_found(&mut self, n: usize, facts: Range<usize>) {
        if n < self.names.len() {
            self.where_nothing_was_found.push((n..self.names.len(), facts));
        }
    }

    /// Those behind the first so many that are among some names, each with the facts that were found when it happened if that
    /// was where a query had found nothing.
    fn among(&self, names: &[Name], n: usize) -> Vec<(Name, Option<Range<usize>>)> {
        let parts = self.where_nothing_was_found.iter();
        let parts: Vec<_> = parts.filter(|(names, _)| names.start >= n).collect();
        let changed = (n..)
            .zip(&self.names[n..])
            .filter(|(_, name)| names.contains(name));
        let among = changed.map(|(ix, name)| {
            let part = parts.iter().find(|(names, _)| names.contains(&ix));
            (*name, part.map(|(_, facts)| facts.clone()))
        });
        among.collect()
    }
}

impl Eval<'_, '_> {
    /// Ends the part of the text behind the look-ups that answered since there were `before` of them.
    pub(super) fn end_answered(&mut self, before: usize) {
        for answered in self.answered.split_off(before) {
            // What the whole program looks things up in is filled somewhere.
            let is_shared = |&name: &Name| self.is_shared(name);
            if answered.names.iter().any(is_shared) || answered.is_stored {
                self.memoise(answered.facts);
            }
            let names = [answered.names, answered.remembered].concat();
            if answered.gives_held
                && !self
                    .changed
                    .since(answered.changes)
                    .iter()
                    .any(|name| names.contains(name))
            {
                self.doubt(answered.facts);
            }
            self.note_memo(answered.facts, answered.changes, &names);
        }
    }

    /// What was asked since `start` may have been given before.
    fn doubt(&mut self, start: usize) {
        let around = self.active();
        for fact in &mut self.facts.facts[start..] {
            fact.path.may_be_given |= fact.path.loops == around;
        }
    }

    /// `if let Some(known) = cache.get(&key) { return known }`: what follows in the block runs when nothing was
    /// remembered, provided that it is remembered there.
    pub(super) fn note_answered(
        &mut self,
        tested: &Value,
        remembered: Vec<Name>,
        asked: Vec<Name>,
        leaves: Option<Leaves>,
        gives_held: bool,
    ) {
        if leaves.is_some_and(|leaves| !leaves.failed) {
            let names = Vec::from_iter(tested.looked_up);
            self.answered.push(Answered {
                names,
                remembered,
                facts: self.facts.facts.len(),
                changes: self.changed.len(),
                gives_held,
                asked,
                is_stored: false,
            });
        }
    }

    /// What a condition asks for something that is then returned, if that is no query: `client` of
    /// `if let Some(known) = client.get(KEY) { return known }`.
    pub(super) fn asked(&self, test: ExprId, tested: &Value, then: ExprId) -> Vec<Name> {
        let mut asked = Vec::new();
        if !self.loops.is_empty() || !tested.deps.queries.is_empty() {
            return asked;
        }
        if let Some(given) = self.given_back(then) {
            self.find_asked(test, &mut asked);
            let mut found = self.found_by(test);
            found.extend(&asked);
            if !found.contains(&given) {
                asked.clear();
            }
        }
        asked
    }

    /// The variables that hold what a condition found.
    fn found_by(&self, test: ExprId) -> Vec<Name> {
        match &self.ir.expr(test).kind {
            ExprKind::Name(name) => vec![*name],
            ExprKind::Binary(_, left, right) => [self.found_by(*left), self.found_by(*right)].concat(),
            ExprKind::Assign { target, .. } => {
                let mut found = Vec::new();
                target_names(target, &mut found);
                found
            }
            _ => Vec::new(),
        }
    }

    /// Collects what an expression asks for something.
    fn find_asked(&self, id: ExprId, out: &mut Vec<Name>) {
        match &self.ir.expr(id).kind {
            ExprKind::Unary(_, inner)
            | ExprKind::Deref(inner)
            | ExprKind::Await(inner)
            | ExprKind::Propagate(inner) => self.find_asked(*inner, out),
            ExprKind::Binary(BinaryOp::In, _, container) => out.extend(self.there_for_all(*container)),
            ExprKind::Binary(_, left, right) => {
                self.find_asked(*left, out);
                self.find_asked(*right, out);
            }
            ExprKind::Call { callee, .. } => {
                if let ExprKind::Attr { base, .. } = self.ir.expr(*callee).kind {
                    out.extend(self.there_for_all(base));
                }
            }
            ExprKind::Assign {
                target,
                value: Some(value),
                ..
            } if matches!(**target, Pattern::Variant { .. }) => self.find_asked(*value, out),
            ExprKind::Name(name) => out.extend(self.given_by.get(name)),
            _ => {}
        }
    }

    /// The name of a place that does not depend on what a caller gives.
    fn there_for_all(&self, place: ExprId) -> Option<Name> {
        let mut outermost = place;
        while let ExprKind::Attr { base, .. } | ExprKind::Index { base, .. } | ExprKind::Deref(base) =
            self.ir.expr(outermost).kind
        {
            outermost = base;
        }
        let ExprKind::Name(variable) = self.ir.expr(outermost).kind else {
            return None;
        };
        let is_given = |value: &Value| !value.deps.params.is_empty() || !value.deps.loops.is_empty();
        if self.env.get(variable).is_some_and(is_given) {
            return None;
        }
        self.root_name(place)
    }

    /// Remembers what gave a variable its value: `client` for `known` of `known = client.get(KEY)`.
    pub(super) fn note_given(&mut self, target: &Pattern, value: ExprId) {
        let &Pattern::Name(name, _) = target else { return };
        let mut asked = Vec::new();
        self.find_asked(value, &mut asked);
        match asked[..] {
            [giver] if giver != name => self.given_by.insert(name, giver),
            _ => self.given_by.remove(&name),
        };
    }

    /// A place is given something: if that is what a query answered, and the place was asked for it before, it remembers.
    /// A database that is written to is no such place.
    pub(super) fn note_stored(&mut self, place: ExprId, given: Deps) {
        if self.answered.is_empty() || given.queries.is_empty() {
            return;
        }
        let Some(name) = self.root_name(place) else { return };
        for answered in &mut self.answered {
            let is_answer = given.queries.indices().any(|fact| fact >= answered.facts);
            answered.is_stored |= is_answer && answered.asked.contains(&name);
        }
    }

    /// Whether a branch returns what its condition finds to be there already, with what a parameter holds:
    /// `if let Some(groups) = &self.groups { return groups.clone() }`.
    pub(super) fn gives_held(&self, test: ExprId, then: ExprId) -> bool {
        let found = self.found_held(test);
        let given = self.given_back(then);
        given.is_some_and(|name| found.contains(&name))
    }

    /// The variable or attribute whose value a branch returns.
    fn given_back(&self, then: ExprId) -> Option<Name> {
        let last = match &self.ir.expr(then).kind {
            ExprKind::Block { items, .. } => *items.last()?,
            _ => then,
        };
        match self.ir.expr(last).kind {
            ExprKind::Return(value) => self.given_out(value?),
            _ => None,
        }
    }

    /// The names of what a condition finds to be there, if that is held by what a parameter is given.
    fn found_held(&self, test: ExprId) -> Vec<Name> {
        match &self.ir.expr(test).kind {
            ExprKind::Attr { base, name, .. } => match self.ir.expr(*base).kind {
                ExprKind::Name(holder) if self.may_hold(holder) => vec![*name],
                _ => Vec::new(),
            },
            // `counts = self.context.get("counts")`.
            ExprKind::Name(name) if self.is_from_held(*name) => vec![*name],
            ExprKind::Deref(inner) | ExprKind::Binary(BinaryOp::In, _, inner) => self.found_held(*inner),
            // `self.groups.as_ref()`, `self.groups.is_some()`.
            ExprKind::Call { callee, args, .. } if args.is_empty() => match self.ir.expr(*callee).kind {
                ExprKind::Attr { base, .. } => self.found_held(base),
                _ => Vec::new(),
            },
            ExprKind::Binary(BinaryOp::Unequal, left, right) => match self.ir.expr(*right).kind {
                ExprKind::Literal(Literal::None) => self.found_held(*left),
                _ => Vec::new(),
            },
            ExprKind::Assign {
                target,
                value: Some(value),
                ..
            } if self.takes_given(target) => {
                let mut found = self.found_held(*value);
                if !found.is_empty() {
                    target_names(target, &mut found);
                }
                found
            }
            _ => Vec::new(),
        }
    }

    /// Whether an attribute of a parameter may be given when the object is made, which a row is not by the project.
    fn may_hold(&self, holder: Name) -> bool {
        let holder = self.env.get(holder);
        holder.is_some_and(|holder| holder.whole_params.only().is_some() && self.is_no_row(&holder.ty))
    }

    fn is_no_row(&self, ty: &Ty) -> bool {
        matches!(ty, Ty::Instance(class) if !self.program.is_model(*class))
    }

    /// Whether a variable is computed, without a query, from an object that a parameter is given and that is no row,
    /// perhaps by keys of rows: `self.context.get("counts", {}).get(book.pk)`.
    fn is_from_held(&self, name: Name) -> bool {
        let Some(value) = self.env.get(name) else {
            return false;
        };
        let is_computed = value.whole_params.is_empty() && value.deps.queries.is_empty();
        is_computed
            && value
                .deps
                .params
                .indices()
                .any(|param| self.holds_what_is_given(param))
    }

    /// Whether a parameter is an object that is no row.
    fn holds_what_is_given(&self, param: usize) -> bool {
        let holder = self.ir.function(self.current).params.get(param);
        holder.is_some_and(|holder| match holder.pattern {
            Pattern::Name(holder, _) => self
                .env
                .get(holder)
                .is_some_and(|holder| self.is_no_row(&holder.ty)),
            _ => false,
        })
    }

    /// The variable or attribute whose value, or something in it, an expression gives: `Ok(groups.clone())`.
    fn given_out(&self, id: ExprId) -> Option<Name> {
        match &self.ir.expr(id).kind {
            ExprKind::Call { callee, args, .. } => match (&self.ir.expr(*callee).kind, &**args) {
                (ExprKind::Attr { base, .. }, _) => self.given_out(*base),
                (_, [only]) => self.given_out(only.value),
                _ => None,
            },
            ExprKind::Deref(inner) => self.given_out(*inner),
            _ => self.root_name(id),
        }
    }

    /// Variables from outside the loop that a condition looks something up in: `key not in cache`, `if user is None`.
    pub(super) fn remembered(&self, test: ExprId) -> Vec<Name> {
        let mut names = Vec::new();
        self.looked_up(test, &mut names);
        if self.loops.is_empty() {
            // Between calls only what belongs to the module, or to what a parameter is given, is remembered.
            names.retain(|&name| self.outlives_call(name));
        }
        names
    }

    /// Whether a name is that of a module's variable, or of a library's, which all calls share.
    pub(super) fn is_shared(&self, name: Name) -> bool {
        if self.env.get(name).is_some() {
            return false;
        }
        let catalogs = self.program.catalogs;
        match self.program.lookup(self.scope(), self.text(name)) {
            Symbol::Variable(..) => true,
            Symbol::External(node) => catalogs.type_at(node).is_some_and(|ty| catalogs.ty(ty).shared),
            _ => false,
        }
    }

    /// Whether a name is that of something which is there before and after the call.
    pub(super) fn outlives_call(&self, name: Name) -> bool {
        self.is_shared(name) || self.holder(name).is_some()
    }

    /// The parameter that is, or holds, what has a name.
    fn holder(&self, name: Name) -> Option<usize> {
        match self.env.get(name) {
            Some(variable) if variable.looked_up != Some(name) => variable.whole_params.only(),
            // An attribute, or a guard of one.
            _ => self.held_by.get(&name).copied(),
        }
    }

    fn looked_up(&self, id: ExprId, out: &mut Vec<Name>) {
        match &self.ir.expr(id).kind {
            ExprKind::Unary(_, inner) | ExprKind::Deref(inner) => self.looked_up(*inner, out),
            ExprKind::Binary(BinaryOp::In, _, container) => self.remember(*container, out),
            ExprKind::Binary(_, left, right) => {
                self.looked_up(*left, out);
                self.looked_up(*right, out);
            }
            ExprKind::Call { callee, .. } => {
                if let ExprKind::Attr { base, .. } = self.ir.expr(*callee).kind {
                    self.remember(base, out);
                    self.looked_up(base, out);
                }
            }
            // `if let Some(known) = cache.get(&key)`.
            ExprKind::Assign {
                target,
                value: Some(value),
                ..
            } if matches!(**target, Pattern::Variant { .. }) => {
                self.looked_up(*value, out);
            }
            ExprKind::Name(name) => {
                // `country = known.get(code)`, then `if country is None:`.
                out.extend(self.env.get(*name).and_then(|value| value.looked_up));
                self.remember(id, out);
            }
            ExprKind::Attr { .. } | ExprKind::Index { .. } => self.remember(id, out),
            _ => {}
        }
    }

    fn remember(&self, id: ExprId, out: &mut Vec<Name>) {
        if let Some(name) = self.root_name(id) {
            let varies = self
                .env
                .get(name)
                .is_some_and(|value| value.deps.loops.meets(self.innermost()));
            // A variable that was assigned from the element in this round remembers nothing.
            if !varies || self.is_carried(name) {
                out.push(name);
            }
        }
    }

    /// A branch that fills what its condition looked up runs once per distinct key. Where it does so for what a query did not
    /// find, `missing.add(key)`, what it finds is asked for again, and once per key runs what follows from finding nothing.
    pub(super) fn note_memo(&mut self, start: usize, changes: usize, remembered: &[Name]) {
        for (name, nothing_found) in self.changed.among(remembered, changes) {
            if let Some(facts) = nothing_found.filter(|_| !self.loops.is_empty()) {
                let facts = self.facts.facts.get_mut(facts).into_iter().flatten();
                facts.for_each(|fact| fact.path.memoised = true);
            } else if !self.loops.is_empty() || self.is_shared(name) {
                self.memoise(start);
            } else if let Some(param) = self.holder(name) {
                let facts = self.facts.facts[start..].iter_mut();
                facts.for_each(|fact| fact.path.remembered.add(Bits::one(param)));
                self.note_filling(start);
                self.facts.invoked.holders.add(Bits::one(param));
            }
        }
    }

    /// Notes that what was found since `start` runs when nothing was remembered.
    pub(super) fn memoise(&mut self, start: usize) {
        let facts = self.facts.facts[start..].iter_mut();
        facts.for_each(|fact| fact.path.memoised = true);
        self.note_filling(start);
    }

    /// Notes that the parameters that were called since there were `start` facts fill in what was missing.
    fn note_filling(&mut self, start: usize) {
        let since = self.invocations.iter().filter(|(facts, _)| *facts >= start);
        for &(_, params) in since {
            self.facts.invoked.to_fill.add(params);
        }
    }
}
