//! Reading attributes, fields, paths and elements.

use std::sync::Arc;

use onequery_core::Name;
use onequery_core::ir::{ClassKind, ExprId, TypeRef};

use super::{Eval, settled};
use crate::catalog::{Access, AttributeInfo, BoundKind, Decorates, LibTy, PathNode};
use crate::facts::{Given, QuerySource, What};
use crate::known::About;
use crate::models::Constant;
use crate::program::{ClassId, Symbol};
use crate::rows::{Asked, Extensible, Rows};
use crate::types::TypeScope;
use crate::value::{Bound, Ty, Value};

impl<'p, 'a> Eval<'p, 'a> {
    /// The value of `base.name` where it is not called.
    pub(super) fn attribute(&mut self, base: &Value, name: Name, id: ExprId) -> Value {
        let text = self.text(name);
        if let Some(param) = base.whole_params.only() {
            self.held_by.insert(name, param);
        }
        let inherit = |value: Value| {
            Value {
                likely: value.likely || base.likely,
                ..value
            }
            .with_deps(base.deps)
        };
        match &base.ty {
            Ty::Module(module) => self.symbol_value(self.program.member(Symbol::Module(*module), text)),
            Ty::External(node) => inherit(self.external_attribute(*node, text)),
            Ty::Class(class) => {
                let mut value = self.class_attribute(*class, text);
                // `Book.query` is a query of all rows.
                let is_query = self.is_lazy(&value.ty) && self.program.row_class(&value.ty) == Some(*class);
                if is_query || self.program.serves(&value.ty) {
                    let at = self.here(self.ir.span(id));
                    let rows = Rows {
                        extensible: Extensible::Fully.only_if(self.is_lazy(&value.ty)),
                        ..Rows::of_query(Some(*class), at, true)
                    };
                    value.rows = Some(Arc::new(rows));
                    if matches!(value.ty, Ty::Lib(..)) {
                        value.ty = self.view(&value);
                    }
                }
                inherit(value)
            }
            Ty::Instance(class) => match self.program.relation_of(*class, text) {
                // A relation may lead from all elements to the same row.
                Some(relation) => self.related(base, relation, id),
                None => inherit(self.instance_attribute(*class, base, text, id)),
            },
            Ty::Super(class) => inherit(self.super_attribute(*class, text)),
            Ty::Lib(lib, _) => match self.program.catalogs.attribute(*lib, text, false) {
                Some(info) => {
                    let value = self.known_attribute(info, &self.view(base));
                    let rows = settled(base).filter(|rows| self.program.row_class(&value.ty) == rows.model);
                    inherit(Value { rows, ..value })
                }
                None => match self.program.of_library(*lib, text) {
                    Some(relation) => self.related(base, relation, id),
                    None => Value::default().with_deps(base.deps),
                },
            },
            Ty::Tuple(Some(parts)) => {
                let by_place = text.parse().ok().and_then(|ix: usize| parts.get(ix));
                // The rows of a query of several classes have attributes of their names.
                let by_class = || {
                    parts.iter().find(
                        |part| matches!(part, Ty::Instance(class) if self.program.class_name(*class) == text),
                    )
                };
                let part = by_place.or_else(by_class).cloned();
                Value {
                    bound: Bound::Data,
                    rows: settled(base),
                    ..Value::of(part.unwrap_or_default())
                }
                .with_deps(base.deps)
            }
            // A row on one path and rows on another: what rows have only is read of the row.
            Ty::Unknown
                if let Some(model) = base.rows.as_ref().and_then(|rows| rows.model)
                    && let Some(relation) = self.program.relation_of(model, text) =>
            {
                let row = Value {
                    ty: Ty::Instance(model),
                    likely: true,
                    ..base.clone()
                };
                inherit(self.related(&row, relation, id))
            }
            Ty::Unknown => match self.program.catalogs.class_shape(self.language(), text) {
                // `for model in models: model.objects…` walks over classes, of which there are few.
                Some(info)
                    if base.deps.loops.meets(self.active())
                        || (info.not_of_results && base.whole_params.is_empty()) =>
                {
                    Value::default().with_deps(base.deps)
                }
                Some(info) => inherit(self.known_attribute(info, &base.ty)),
                None => Value::default().with_deps(base.deps),
            },
            Ty::Plain | Ty::Function(_) | Ty::Tuple(None) | Ty::Relation(_) => {
                Value::default().with_deps(base.deps)
            }
        }
    }

    fn known_attribute(&self, info: &AttributeInfo, receiver: &Ty) -> Value {
        Value {
            likely: info.likely,
            bound: match info.bound {
                Some(BoundKind::Pages) => Bound::Pages,
                Some(BoundKind::Few) => Bound::Constant,
                _ => Bound::Data,
            },
            ..Value::of(self.program.fill_receiver(&info.gives, receiver))
        }
    }

    fn external_attribute(&self, node: PathNode, name: &str) -> Value {
        let catalogs = self.program.catalogs;
        let on_class = catalogs
            .type_at(node)
            .and_then(|ty| catalogs.attribute(ty, name, true));
        let child = catalogs.child(node, name);
        if let Some(Constant::Collection) = self.setting(node, name) {
            return Value {
                bound: Bound::Constant,
                ..Value::of(Ty::External(child))
            };
        }
        match (on_class, child) {
            (Some(info), _) => self.known_attribute(info, &Ty::External(node)),
            (None, PathNode::OTHER) => match catalogs.class_shape(self.language(), name) {
                Some(info) if node == PathNode::OTHER => self.known_attribute(info, &Ty::External(node)),
                _ => Value::of(Ty::External(PathNode::OTHER)),
            },
            (None, child) => Value::of(Ty::External(child)),
        }
    }

    /// A setting of the project that never changes: `settings.LANGUAGES`.
    pub(super) fn setting(&self, node: PathNode, name: &str) -> Option<Constant> {
        let catalogs = self.program.catalogs;
        let is_settings = |ty: LibTy| catalogs.ty(ty).settings;
        catalogs
            .type_at(node)
            .filter(|&ty| is_settings(ty))
            .and_then(|_| self.program.constant(name))
    }

    fn class_attribute(&mut self, class: ClassId, name: &str) -> Value {
        if let Some(relation) = self.program.relation_of(class, name) {
            return Value::of(Ty::Relation(relation));
        }
        if let Some(value) = self.stored_attribute(class, name) {
            return value;
        }
        if let Some(method) = self.program.method(class, name) {
            return Value::of(Ty::Function(method));
        }
        if let Symbol::Class(nested) = self.program.member(Symbol::Class(class), name) {
            return Value::of(Ty::Class(nested));
        }
        let field = self.field_type(class, name);
        if !field.is_unknown() {
            return Value::of(field);
        }
        let catalogs = self.program.catalogs;
        let info = self.program.class(class);
        let inherited = info
            .library_bases
            .iter()
            .find_map(|&base| catalogs.attribute(base, name, true));
        let by_shape = || {
            info.has_unknown_base
                .then(|| catalogs.class_shape(self.language(), name))
                .flatten()
        };
        match inherited.or_else(by_shape) {
            Some(info) => self.known_attribute(info, &Ty::Class(class)),
            None => Value::default(),
        }
    }

    pub(super) fn instance_attribute(
        &mut self,
        class: ClassId,
        base: &Value,
        name: &str,
        id: ExprId,
    ) -> Value {
        if let Some(relation) = self.program.relation_of(class, name) {
            return self.related(base, relation, id);
        }
        if let Some(value) = self.column(class, base, name, id) {
            return value;
        }
        if base.whole_params.only() == Some(0)
            && let Some((_, value)) = self.set_by_decorator(class, name)
        {
            return value;
        }
        if self.program.catalogs.is_class_attribute(self.language(), name) {
            return Value::of(Ty::Class(class));
        }
        // A struct's field is what it is declared to be, whatever methods there are of its name.
        if self.program.class_ir(class).kind == ClassKind::Struct {
            let field = self.field_type(class, name);
            if !field.is_unknown() {
                return Value::of(field);
            }
        }
        if let Some(method) = self.program.method(class, name) {
            let (file, _, function) = self.program.function(method);
            let scope = self.program.scope_id(file, function.scope);
            let decorated = function
                .decorators
                .iter()
                .find_map(|&d| self.program.decorates(file, scope, d));
            let given = |param: usize| base.rows.clone().filter(|_| param == 0);
            let at = self.here(self.ir.span(id));
            let returned = self.returned_by(method);
            let returned = self
                .specialized(method, &returned, Some(&base.ty), &[])
                .unwrap_or(returned);
            let returned = self.returned_value(returned, &given, at);
            let returned = self.as_receivers(returned, method, base);
            if matches!(decorated, Some(Decorates::Property | Decorates::CachedProperty)) {
                let given = Given {
                    deps: base.deps,
                    rows: base.rows.clone(),
                    ..Given::default()
                };
                let what = What::Call {
                    callee: method,
                    args: [given].into(),
                };
                let path = self.path;
                let is_cached = decorated == Some(Decorates::CachedProperty);
                self.path.kept |= is_cached;
                self.path.may_be_given |= is_cached && self.is_filled(class, name);
                let deps = self.fact(id, what, base.deps, base.likely);
                self.path = path;
                return returned.with_deps(deps);
            }
            return Value::of(Ty::Function(method));
        }
        if let Some(held) = base.record.as_deref().and_then(|record| record.get(name))
            && self
                .program
                .carries(class)
                .is_some_and(|carries| carries.contains_key(name))
        {
            return held.clone();
        }
        let held = base.held.attribute();
        if let Some(value) = self.stored_attribute(class, name) {
            return Value { held, ..value };
        }
        if let Some(shown) = self.shown_as(class, name, id) {
            return shown;
        }
        let field = self.field_type(class, name);
        if !field.is_unknown() {
            return Value {
                held,
                ..Value::of(field)
            };
        }
        let catalogs = self.program.catalogs;
        let bases = &self.program.class(class).library_bases;
        match bases
            .iter()
            .find_map(|&base| catalogs.attribute(base, name, false))
        {
            Some(info) => {
                let value = self.known_attribute(info, &base.ty);
                let rows = settled(base).filter(|rows| self.program.row_class(&value.ty) == rows.model);
                Value { rows, ..value }
            }
            None => Value::default(),
        }
    }

    /// What `super().name` is: a method of a base, or an attribute of one.
    fn super_attribute(&mut self, class: ClassId, name: &str) -> Value {
        let bases = self.program.class(class).mro.get(1..).unwrap_or_default();
        let method = bases
            .iter()
            .find_map(|&base| self.program.class(base).methods.get(name).copied());
        method
            .map(|method| Value::of(Ty::Function(method)))
            .unwrap_or_default()
    }

    /// Whether something gives rows of a class what an attribute of that name would ask for.
    fn is_filled(&self, class: ClassId, name: &str) -> bool {
        let mut classes = self.program.class(class).mro.iter();
        classes.any(|&base| self.known_stored(base, name).is_some())
    }

    /// What earlier rounds say of an attribute of a class itself.
    fn known_stored(&self, class: ClassId, name: &str) -> Option<&'p Value> {
        self.known.attribute(self.ask(About::Attribute, class.0, name))
    }

    /// What was assigned to an attribute of a class or its instances anywhere.
    pub(super) fn stored_attribute(&self, class: ClassId, name: &str) -> Option<Value> {
        let mro = &self.program.class(class).mro;
        let stored = mro.iter().find_map(|&base| self.known_stored(base, name))?;
        (!stored.ty.is_unknown()).then(|| stored.clone())
    }

    /// The declared type of a field.
    pub(super) fn field_type(&self, class: ClassId, name: &str) -> Ty {
        for &base in &self.program.class(class).mro {
            let file = self.program.class(base).file;
            let (ir, class) = (self.program.ir(file), self.program.class_ir(base));
            let field = class.fields.iter().find(|field| ir.name(field.name) == name);
            if let Some(ty) = field.and_then(|field| field.ty.as_ref()) {
                let scope = self.program.scope_id(file, class.scope);
                let given = self.given_here(base);
                let at = TypeScope {
                    file,
                    scope,
                    own: Some(base),
                    generics: [&class.generics, &[]],
                    given: &given,
                };
                let ty = self.program.declared(at, ty);
                // Nobody stores a query that has not run in a field: what is annotated so are the rows.
                return match (&ty, field.and_then(|field| field.value)) {
                    (Ty::Lib(..), None) if self.is_lazy(&ty) => {
                        let list = self.program.catalogs.literals(ir.language).list;
                        Ty::lib(list, vec![self.program.item(&ty)])
                    }
                    _ => ty,
                };
            }
        }
        Ty::Unknown
    }

    /// What the `impl` block around gives to the parameters of its own type: `impl<R: Repo> Service<R>`.
    fn given_here(&self, class: ClassId) -> Vec<Ty> {
        let at = self.type_scope();
        let in_impl = self
            .ir
            .function(self.current)
            .in_impl
            .filter(|_| at.own == Some(class));
        match in_impl.map(|ix| &self.ir.impls[ix as usize].self_type) {
            Some(TypeRef::Path { args, .. }) => {
                args.iter().map(|arg| self.program.declared(at, arg)).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The value of a path `a::b::C`.
    pub(super) fn path_value(&mut self, segments: &[Name]) -> Value {
        let texts = self.program.texts(self.file, segments);
        if let [parameter, name] = *segments
            && let Ty::Instance(class) = self.program.bound_of(self.type_scope(), parameter)
        {
            // `T::read(conn, id)` with `T: Crud`.
            return self.class_attribute(class, self.text(name));
        }
        let symbol = self
            .program
            .resolve_path(self.scope(), self.type_scope().own, &texts);
        match (symbol, texts.split_last()) {
            (Symbol::Unknown, Some((last, owner))) if !owner.is_empty() => {
                match self
                    .program
                    .resolve_path(self.scope(), self.type_scope().own, owner)
                {
                    // `Color::Red`, `Self::TABLES`.
                    Symbol::Class(class) => self.associated(class, last),
                    Symbol::External(node) => self.external_attribute(node, last),
                    // A module of the project that a macro fills.
                    _ => match self.program.catalogs.class_shape(self.language(), last) {
                        Some(info) => self.known_attribute(info, &Ty::Unknown),
                        None => Value::default(),
                    },
                }
            }
            // A module that nothing known declares.
            (Symbol::External(PathNode::OTHER), Some((last, owner))) if !owner.is_empty() => {
                self.external_attribute(PathNode::OTHER, last)
            }
            (symbol, _) => self.symbol_value(symbol),
        }
    }

    fn associated(&mut self, class: ClassId, name: &str) -> Value {
        let ir = self.program.ir(self.program.class(class).file);
        let is_variant = self.program.class_ir(class).kind == ClassKind::Enum
            && self
                .program
                .class_ir(class)
                .fields
                .iter()
                .any(|field| ir.name(field.name) == name);
        if is_variant {
            return Value::of(Ty::Instance(class));
        }
        // What a type has besides methods and variants are constants, or what a derive macro adds to an enumeration.
        Value {
            bound: Bound::Constant,
            ..self.class_attribute(class, name)
        }
    }

    /// `base[index]`.
    pub(super) fn index(&mut self, id: ExprId, base: ExprId, index: ExprId) -> Value {
        let value = self.eval(base);
        let key = self.eval(index);
        self.indexed(id, &value, &key)
    }

    /// An element of a value.
    pub(super) fn indexed(&mut self, id: ExprId, value: &Value, key: &Value) -> Value {
        let deps = value.deps.with(key.deps);
        if let (Some(record), Some(key)) = (&value.record, key.text) {
            // What is under other keys says nothing of this one.
            let entry = record.get(self.program.text(key)).cloned();
            return entry.unwrap_or_default().with_deps(deps);
        }
        let view = self.view(value);
        let ty = match (&view, key.int) {
            (Ty::Tuple(Some(parts)), Some(ix)) => {
                usize::try_from(ix).ok().and_then(|ix| parts.get(ix)).cloned()
            }
            (Ty::Lib(lib, _), _) => {
                let template = self.program.inherited(*lib, |info| info.index.as_ref());
                template.map(|template| self.program.fill_receiver(template, &view))
            }
            // `Repository[User]` as a class stays the class.
            (Ty::Class(_) | Ty::External(_), _) => Some(value.ty.clone()),
            _ => None,
        };
        let ty = ty.unwrap_or_default();
        let mut result = Value {
            likely: value.likely,
            origin: value.origin,
            rows: self.rows_of_part(settled(value), &ty),
            record: value.record.clone().filter(|_| key.text.is_none()),
            ..Value::of(ty)
        };
        result.deps = deps;
        let Ty::Lib(lib, _) = view else { return result };
        let runs = self
            .program
            .inherited(lib, |info| info.runs_on_index.then_some(()))
            .is_some();
        if !runs || value.fetched {
            return result;
        }
        if let Some(rows) = &mut result.rows {
            Arc::make_mut(rows).take_one();
        }
        let load = match self.rows_asked(value, false) {
            Asked::Nothing => return result,
            Asked::Query => None,
            Asked::Relation(load) => Some(load),
        };
        let what = What::Query {
            access: Access::Read,
            source: QuerySource::Implicit(lib),
            load,
        };
        let queried = self.fact(id, what, deps, value.likely);
        result.deps.add(queried);
        result
    }
}
