//! Assigning: to variables, patterns, attributes and elements.

use std::sync::Arc;

use onequery_core::Name;
use onequery_core::ir::{AssignMode, ExprId, ExprKind, Pattern};

use super::Eval;
use crate::program::Symbol;
use crate::value::{Bound, Deps, Measure, Ty, Value};

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
        let mut assigned = match value {
            Some(id) => self.eval(id),
            // `rows: list[Order]` in a class declares a field and assigns nothing.
            None if self.class_body.is_some() => return Value::default(),
            None if mode == AssignMode::Let || declared.is_some() => Value::default(),
            None => return Value::default(),
        };
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
            let ty = if before.ty.is_unknown() {
                assigned.ty
            } else {
                before.ty
            };
            let measure = if counts { Measure::Size } else { Measure::None };
            assigned = Value {
                measure,
                likely: before.likely,
                statement: before.statement,
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
                    self.bind(
                        part,
                        Value {
                            ty,
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
                if let Ty::Instance(class) | Ty::Class(class) = owner.ty {
                    let stored = Value {
                        deps: Deps::default(),
                        ..value
                    };
                    self.facts
                        .attributes
                        .push((class, self.text(name).to_owned(), stored));
                    self.note_assigned(base, self.text(name));
                }
            }
            ExprKind::Index { base, index } => {
                self.eval(base);
                let key = self.eval(index);
                let root = self.root_name(base);
                if let Some(variable) = root.and_then(|root| self.env.get_mut(root)) {
                    match (&self.ir.expr(base).kind, key.text) {
                        (ExprKind::Name(_), Some(key)) => {
                            let record = variable.record.get_or_insert_default();
                            Arc::make_mut(record).set(self.program.text(key), value);
                        }
                        // Some value in it is another now.
                        _ => variable.record = None,
                    }
                }
                if let Some(root) = root {
                    self.changed.push(root);
                }
            }
            _ => {
                self.eval(place);
            }
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
