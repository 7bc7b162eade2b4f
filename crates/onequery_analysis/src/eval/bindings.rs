//! Assigning: to variables, patterns, attributes and elements.

use std::sync::Arc;

use onequery_core::Name;
use onequery_core::ir::{AssignMode, ExprId, ExprKind, Pattern};

use super::{Eval, settled};
use crate::catalog::Access;
use crate::facts::{Fact, What};
use crate::program::Symbol;
use crate::value::{Bits, Bound, Deps, Measure, Ty, Value, join_rows};

impl Eval<'_, '_> {
    pub(super) fn assign(
        &mut self,
        target: &Pattern,
        value: Option<ExprId>,
        ty: Option<&onequery_core::ir::TypeRef>,
        mode: AssignMode,
    ) -> Value {
        let declared = ty
            .map(|ty| self.program.declared(self.type_scope(), ty))
            .filter(|ty| !ty.is_unknown());
        let chained = value.map(|value| self.chained(target, value)).unwrap_or_default();
        let start = self.facts.facts.len();
        let mut assigned = match value {
            Some(id) => self.eval(id),
            // `rows: list[Order]` in a class declares a field and assigns nothing.
            None if self.class_body.is_some() => return Value::default(),
            None if mode == AssignMode::Let || declared.is_some() => Value::default(),
            None => return Value::default(),
        };
        if let Some(value) = value {
            self.note_given(target, value);
        }
        if let Some((call, site)) = chained {
            let at = self.here(self.ir.span(call));
            let writes = |fact: &&mut Fact| {
                let is_write = matches!(
                    fact.what,
                    What::Query {
                        access: Access::Write,
                        ..
                    }
                );
                is_write && fact.at == at
            };
            let written = self.facts.facts[start..].iter_mut().filter(writes);
            written.for_each(|fact| fact.path.chained.add(site));
        }
        if let Some(declared) = declared {
            assigned.ty = declared;
        }
        if mode == AssignMode::Update
            && let Pattern::Name(name, _) = target
        {
            let before = self.name(*name);
            // `n += 1` counts; anything else added to a list makes it grow.
            let counts = assigned.int == Some(1);
            let deps = before.deps.with(assigned.deps);
            let list = self.program.catalogs.literals(self.language()).list;
            if let (Ty::Lib(lib, _), Some(added)) = (&before.ty, value)
                && *lib == list
            {
                // `rows += queryset` goes through it.
                self.consume(added, &assigned);
            }
            let (ty, rows) = if before.ty.is_unknown() {
                (assigned.ty, assigned.rows)
            } else {
                (before.ty, before.rows)
            };
            let measure = if counts { Measure::Size } else { Measure::None };
            assigned = Value {
                measure,
                likely: before.likely,
                statement: before.statement,
                rows,
                ..Value::of(ty)
            }
            .with_deps(deps);
        }
        if let Some(ty) = self.query_of(&assigned.ty) {
            assigned.ty = ty;
        }
        self.note_held(&assigned);
        let result = assigned.clone();
        self.bind(target, assigned);
        match mode {
            AssignMode::Test => Value {
                ty: Ty::Plain,
                measure: Measure::None,
                ..result
            },
            _ => result,
        }
    }

    /// The call that is given what it gave in the round before, and the loop's site:
    /// `parent = Folder.objects.create(parent=parent)`.
    fn chained(&self, target: &Pattern, value: ExprId) -> Option<(ExprId, Bits)> {
        let Pattern::Name(name, _) = *target else {
            return None;
        };
        let site = self.innermost();
        // An element is of its own round, whatever else was called so before.
        if !self.is_carried(name) || self.env.get(name)?.whole.meets(site) {
            return None;
        }
        let mut called = value;
        while let ExprKind::Await(inner) | ExprKind::Propagate(inner) = self.ir.expr(called).kind {
            called = inner;
        }
        let ExprKind::Call { args, .. } = &self.ir.expr(called).kind else {
            return None;
        };
        let is_it = |mut id: ExprId| loop {
            match self.ir.expr(id).kind {
                ExprKind::Name(used) => break used == name,
                ExprKind::Attr { base, .. } | ExprKind::Deref(base) => id = base,
                _ => break false,
            }
        };
        args.iter().any(|arg| is_it(arg.value)).then_some((called, site))
    }

    /// The query that a manager's methods start from: `books = Book.objects`, which is narrowed later or not.
    fn query_of(&self, ty: &Ty) -> Option<Ty> {
        let &Ty::Lib(manager, _) = ty else { return None };
        let catalogs = self.program.catalogs;
        let starts = catalogs.ty(manager).starts_from.as_deref()?;
        let &entry = catalogs.methods(manager, starts, false).first()?;
        Some(self.program.fill_receiver(&catalogs.call(entry).gives, ty))
    }

    pub(super) fn set(&mut self, name: Name, value: Value) {
        if let Some(class) = self.class_body {
            self.facts
                .attributes
                .push((class, self.text(name).to_owned(), value.clone()));
        }
        self.changed.push(name);
        self.env.set(name, value);
    }

    /// Binds a pattern to a value.
    pub(super) fn bind(&mut self, pattern: &Pattern, value: Value) {
        match pattern {
            Pattern::Name(name, _) => self.set(*name, value),
            Pattern::Tuple(parts) => {
                let fixed = match &value.ty {
                    Ty::Tuple(Some(types)) if types.len() == parts.len() => Some(types.clone()),
                    _ => None,
                };
                let item = if fixed.is_none() {
                    self.item_of(&value)
                } else {
                    Ty::Unknown
                };
                for (ix, part) in parts.iter().enumerate() {
                    let ty = fixed
                        .as_ref()
                        .map_or_else(|| item.clone(), |types| types[ix].clone());
                    let rows = self.rows_of_part(value.rows.clone(), &ty);
                    self.bind(
                        part,
                        Value {
                            ty,
                            rows,
                            bound: Bound::Data,
                            ..value.clone()
                        },
                    );
                }
            }
            Pattern::Rest(part) => {
                if let Some(part) = part {
                    self.bind(
                        part,
                        Value {
                            ty: Ty::Unknown,
                            ..value
                        },
                    );
                }
            }
            Pattern::Variant { path, parts } => self.bind_variant(path, parts, &value),
            Pattern::Or(parts) => {
                for part in parts {
                    self.bind(part, value.clone());
                }
            }
            Pattern::Bind(name, part) => {
                self.bind(part, value.clone());
                self.set(*name, value);
            }
            Pattern::Place(place) => self.bind_place(*place, value),
            Pattern::Wildcard => {}
        }
    }

    /// `Some(x)`, `Ok(x)`, `Order { id, .. }`.
    fn bind_variant(&mut self, path: &[Name], parts: &[(Option<Name>, Pattern)], value: &Value) {
        let texts = self.program.texts(self.file, path);
        let class = match self
            .program
            .resolve_path(self.scope(), self.type_scope().own, &texts)
        {
            Symbol::Class(class) => Some(class),
            _ => None,
        };
        for (field, part) in parts {
            let ty = match (class, field) {
                (Some(class), Some(field)) => self.field_type(class, self.text(*field)),
                (None, None) if parts.len() == 1 => self.program.inner(&value.ty),
                _ => Ty::Unknown,
            };
            self.bind(part, Value { ty, ..value.clone() });
        }
    }

    /// `self.session = …`, `cache[key] = …`.
    fn bind_place(&mut self, place: ExprId, value: Value) {
        match self.ir.expr(place).kind {
            ExprKind::Attr { base, name, .. } => {
                let owner = self.eval(base);
                // In a loop the owner may be the element, which remembers nothing of the others.
                if self.loops.is_empty() && !value.deps.queries.is_empty() {
                    self.changed.push(name);
                }
                // What is held by an object that is given other rows in each round is not the same.
                if !self.loops.is_empty()
                    && value.rows.is_some()
                    && let ExprKind::Name(holder) = self.ir.expr(base).kind
                {
                    self.changed.push(holder);
                }
                if self.holds_rows(&owner, name)
                    && let ExprKind::Name(holder) = self.ir.expr(base).kind
                    && let Some(holder) = self.env.get_mut(holder)
                {
                    holder.rows = settled(&value);
                }
                if let Ty::Instance(class) | Ty::Class(class) = owner.ty {
                    let stored = Value {
                        deps: Deps::default(),
                        ..self.stored(value)
                    };
                    let text = self.text(name);
                    // One object's property may be set for reasons of its own; rows one after the other get theirs.
                    if !self.loops.is_empty() || self.program.method(class, text).is_none() {
                        self.facts.attributes.push((class, text.to_owned(), stored));
                    }
                    self.note_assigned(base, text);
                }
            }
            ExprKind::Index { base, index } => {
                self.eval(base);
                self.note_stored(base, value.deps);
                let key = self.eval(index);
                let Some(root) = self.root_name(base) else { return };
                self.changed.push(root);
                match (&self.ir.expr(base).kind, key.text, self.env.get_mut(root)) {
                    (ExprKind::Name(_), Some(key), Some(variable)) => {
                        let record = variable.record.get_or_insert_default();
                        Arc::make_mut(record).set(self.program.text(key), value);
                    }
                    (ExprKind::Name(_), None, Some(_)) => self.note_entry(root, key.ty, &value),
                    // Some value in it is another now.
                    (_, _, Some(variable)) => variable.record = None,
                    (_, _, None) => {}
                }
            }
            _ => {
                self.eval(place);
            }
        }
    }

    /// Whether an attribute of an object of a library is the rows that the object has: `page.object_list`.
    pub(super) fn holds_rows(&self, owner: &Value, attribute: Name) -> bool {
        let program = self.program;
        let Ty::Lib(lib, _) = owner.ty else {
            return false;
        };
        let known = program.catalogs.attribute(lib, self.text(attribute), false);
        known.is_some_and(|known| {
            let held = program.fill_receiver(&known.gives, &program.view(owner));
            let model = program.row_class(&held);
            model.is_some() && model == program.row_class(&program.view(owner))
        })
    }

    /// A dictionary has a value under some key: `orders[order.id] = order`.
    pub(super) fn note_entry(&mut self, name: Name, key: Ty, held: &Value) {
        let dict = self.program.catalogs.literals(self.language()).dict;
        let grows = self.grows_with_data(name);
        let Some(variable) = self.env.get_mut(name) else {
            return;
        };
        // Some value in it is another now.
        variable.record = None;
        variable.deps.add(held.deps);
        if grows {
            variable.bound = Bound::Data;
        }
        if !matches!(variable.ty, Ty::Lib(ty, _) if ty == dict) {
            return;
        }
        let mut known = variable.ty.args().iter().cloned();
        let (keys, before) = (known.next().unwrap_or_default(), known.next().unwrap_or_default());
        let values = before.clone().completed_by(&held.ty);
        if values == held.ty.clone().completed_by(&before) {
            variable.rows = join_rows(variable.rows.take(), settled(held));
            variable.ty = Ty::lib(dict, vec![keys.completed_by(&key), values]);
        } else {
            variable.rows = None;
            variable.ty = Ty::lib(dict, vec![keys, Ty::Unknown]);
        }
    }

    /// The variable whose value holds a place under a key: `groups` of `groups[key]`, and of `groups.setdefault(key, [])`.
    pub(super) fn holder_of(&self, place: ExprId) -> Option<Name> {
        let base = match self.ir.expr(place).kind {
            ExprKind::Index { base, .. } => base,
            ExprKind::Call { callee, .. } => match self.ir.expr(callee).kind {
                ExprKind::Attr { base, .. } => base,
                _ => return None,
            },
            _ => return None,
        };
        match self.ir.expr(base).kind {
            ExprKind::Name(name) => Some(name),
            _ => None,
        }
    }

    /// The container that something is looked up in: `CACHE` of `CACHE.read().await.get(key)`, too, when all calls share
    /// it, or when a parameter holds it.
    pub(super) fn looked_up_in(&self, id: ExprId) -> Option<Name> {
        let mut inner = id;
        loop {
            inner = match self.ir.expr(inner).kind {
                ExprKind::Name(name) if self.is_shared(name) => return Some(name),
                // `let cache = CACHE.read();`
                ExprKind::Name(name) => {
                    let of = self.env.get(name).and_then(|value| value.looked_up);
                    return of
                        .filter(|&of| self.outlives_call(of))
                        .or_else(|| self.root_name(id));
                }
                ExprKind::Attr { base, name, .. }
                    if matches!(self.ir.expr(base).kind, ExprKind::Name(_))
                        && self.held_by.contains_key(&name) =>
                {
                    return Some(name);
                }
                ExprKind::Await(within) | ExprKind::Propagate(within) | ExprKind::Deref(within) => within,
                ExprKind::Call { callee, .. } => callee,
                ExprKind::Attr { base, .. } => base,
                _ => return self.root_name(id),
            };
        }
    }

    /// The variable that a place is part of: `cache` of `cache[key].x`.
    pub(super) fn root_name(&self, id: ExprId) -> Option<Name> {
        match self.ir.expr(id).kind {
            ExprKind::Name(name) => Some(name),
            ExprKind::Attr { base, name, .. } => match self.ir.expr(base).kind {
                // `self._cache` is told apart from other attributes of `self` by its own name.
                ExprKind::Name(_) => Some(name),
                _ => self.root_name(base),
            },
            ExprKind::Index { base, .. } | ExprKind::Deref(base) => self.root_name(base),
            _ => None,
        }
    }
}
