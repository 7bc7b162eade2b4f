//! Traits and abstract classes: which types have their methods, and which functions a call through one may run.

use std::collections::BTreeMap;

use onequery_core::ir::{ClassKind, ExprId, ExprKind, Function, Impl, TypeRef};
use onequery_core::{FileId, Name, Span};
use rustc_hash::{FxHashMap, FxHashSet};

use super::linked::{Key, Keys};
use super::{ClassId, FnId, Program, Symbol};
use crate::catalog::{Decorates, LibTy};
use crate::types::TypeScope;
use crate::value::Ty;

/// A trait that more types implement is an interface of many different things: what one of them does says nothing of the
/// others.
const MAX_IMPLEMENTATIONS: usize = 5;

/// What `impl` blocks say beyond the methods of the program's own types.
#[derive(Default)]
pub(crate) struct Traits<'a> {
    /// By method of a trait: the functions that a call of it may run, its own body left out.
    implementations: FxHashMap<FnId, Vec<FnId>>,
    /// Those that call a method of their own name: what a wrapper leads to, its type does not tell.
    wrappers: FxHashSet<FnId>,
    /// Methods of traits that are implemented for library types; `None` where two implementations compete.
    extensions: FxHashMap<(LibTy, &'a str), Option<FnId>>,
    /// By type and name: associated types; `None` where a trait is implemented more than once.
    types: FxHashMap<(ClassId, &'a str), Option<Associated<'a>>>,
}

impl Traits<'_> {
    pub(super) fn hash_keys(&self, keys: &mut Keys) {
        keys.add(Key::Implementations, &self.implementations);
        keys.add(Key::Extension, &self.extensions);
        let types = self.types.iter().map(|(key, written)| {
            let place = written.map(|written| (written.file, written.implementation.span));
            (key, place)
        });
        keys.add(Key::AssociatedType, types);
    }
}

/// An associated type as it is written in a file's `impl` block.
#[derive(Clone, Copy)]
struct Associated<'a> {
    file: FileId,
    implementation: &'a Impl,
    ty: &'a TypeRef,
}

/// What implements a trait.
enum Implementor {
    Class(ClassId),
    Library(LibTy),
    /// Every type with one of these traits.
    All(Vec<ClassId>),
}

impl<'a> Program<'a> {
    /// What a call of a trait's method may run instead of the body that stands in the trait.
    pub(crate) fn implementations(&self, method: FnId) -> &[FnId] {
        self.ask(&(Key::Implementations, method));
        self.traits
            .implementations
            .get(&method)
            .map(Vec::as_slice)
            .unwrap_or_default()
    }

    /// The methods of bases that a method overrides, the nearest first.
    pub(crate) fn overridden(&self, method: FnId) -> impl Iterator<Item = FnId> {
        let function = self.function(method);
        let name = function.2.name.map(|name| self.ir(function.0).name(name));
        let mro = self.class_of(method).map(|class| &self.class(class).mro);
        let bases = mro.into_iter().flatten().skip(1);
        bases.filter_map(move |&base| self.class(base).methods.get(name?).copied())
    }

    /// A method that the program gives to a library type.
    pub(crate) fn extension(&self, ty: LibTy, name: &str) -> Option<FnId> {
        self.ask(&(Key::Extension, ty, name));
        let own = self.traits.extensions.get(&(ty, name)).copied().flatten();
        own.or_else(|| {
            let bases = self.catalogs.bases(ty).iter();
            bases.into_iter().find_map(|&base| self.extension(base, name))
        })
    }

    /// What `Self::Target` is in a type.
    pub(crate) fn associated_type(&self, class: ClassId, name: &str, depth: u32) -> Option<Ty> {
        self.ask(&(Key::AssociatedType, class, name));
        if let Some(&written) = self.traits.types.get(&(class, name)) {
            let Some(Associated {
                file,
                implementation,
                ty,
            }) = written
            else {
                return Some(Ty::Unknown);
            };
            return Some(self.declared_within(self.scope_of_impl(file, implementation), ty, depth));
        }
        // What the trait says of whatever type it will be.
        let info = self.class(class);
        let (ir, declared) = (self.ir(info.file), self.class_ir(class));
        let generic = declared
            .generics
            .iter()
            .find(|generic| ir.name(generic.name) == name)?;
        let at = TypeScope {
            file: info.file,
            scope: self.scope_id(info.file, declared.scope),
            own: Some(class),
            generics: [&declared.generics, &[]],
            given: &[],
        };
        Some(self.bounded(at, &generic.bounds, depth))
    }

    /// Whether a class is a trait.
    fn is_trait(&self, class: ClassId) -> bool {
        self.class_ir(class).kind == ClassKind::Trait
    }

    /// Reads the `impl` blocks of traits. Gives the traits by the class that has them.
    pub(super) fn link_traits(&mut self) -> Vec<Vec<Symbol<'a>>> {
        let mut of_class = vec![Vec::new(); self.classes.len()];
        let mut traits = Traits::default();
        for file in self.file_ids() {
            for implementation in &self.ir(file).impls {
                let Some(of) = &implementation.of_trait else {
                    continue;
                };
                let at = self.scope_of_impl(file, implementation);
                let Some(implementor) = self.implementor(at, implementation) else {
                    continue;
                };
                let symbol = self.symbol_of(at, of);
                if let Implementor::Class(class) = implementor {
                    for (name, ty) in &implementation.types {
                        let key = (class, self.ir(file).name(*name));
                        let entry = traits.types.entry(key);
                        entry
                            .and_modify(|known| *known = None)
                            .or_insert(Some(Associated {
                                file,
                                implementation,
                                ty,
                            }));
                    }
                    of_class[class.index()].extend(self.gained(at, implementation, symbol));
                }
                let Symbol::Class(of) = symbol else { continue };
                if let Implementor::All(bounds) = &implementor {
                    // `impl<R: Repo> Repo for Box<R>` only passes calls on.
                    if bounds.contains(&of) {
                        continue;
                    }
                    for bound in bounds {
                        of_class[bound.index()].push(symbol);
                    }
                }
                for &method in &implementation.methods {
                    let id = self.fn_id(file, method);
                    let function = self.ir(file).function(method);
                    let Some(name) = function.name.map(|name| self.ir(file).name(name)) else {
                        continue;
                    };
                    if let Implementor::Library(ty) = implementor {
                        let entry = traits.extensions.entry((ty, name));
                        entry.and_modify(|known| *known = None).or_insert(Some(id));
                    }
                    if let Some(&declared) = self.class(of).methods.get(name) {
                        traits.implementations.entry(declared).or_default().push(id);
                    }
                }
            }
        }
        self.leave_out_stand_ins(&mut traits);
        self.traits = traits;
        of_class
    }

    /// What a type gets methods from by implementing a trait: a trait of the program, or what a library's trait says.
    fn gained(&self, at: TypeScope<'_>, implementation: &Impl, of: Symbol<'a>) -> Option<Symbol<'a>> {
        let node = match of {
            Symbol::Class(_) => return Some(of),
            Symbol::External(node) => node,
            _ => return None,
        };
        let lends = self.catalogs.ty(self.catalogs.type_at(node)?).lends.as_deref()?;
        let mut types = implementation.types.iter();
        let (_, ty) = types.find(|(name, _)| self.ir(at.file).name(*name) == lends)?;
        match self.declared(at, ty) {
            Ty::Instance(class) => Some(Symbol::Class(class)),
            Ty::Lib(ty, _) => Some(Symbol::External(self.catalogs.ty(ty).node)),
            _ => None,
        }
    }

    /// A call of an abstract method runs what a subclass has in its place.
    pub(super) fn link_overrides(&mut self) {
        let mut traits = std::mem::take(&mut self.traits);
        let mut overrides = Traits::default();
        for class in self.class_ids() {
            let info = self.class(class);
            if self.class_ir(class).kind != ClassKind::Class || info.mro.len() < 2 {
                continue;
            }
            let ir = self.ir(info.file);
            for &ix in &self.class_ir(class).methods {
                let Some(name) = ir.function(ix).name.map(|name| ir.name(name)) else {
                    continue;
                };
                let method = self.fn_id(info.file, ix);
                let above = info.mro[1..].iter();
                let of_bases = above.filter_map(|&base| self.class(base).methods.get(name));
                for &overridden in of_bases.filter(|&&overridden| self.is_left_open(overridden)) {
                    let candidates = overrides.implementations.entry(overridden).or_default();
                    if !self.is_left_open(method) {
                        candidates.push(method);
                    }
                }
            }
        }
        self.leave_out_stand_ins(&mut overrides);
        traits.implementations.extend(overrides.implementations);
        let all = traits.implementations.values().flatten().copied();
        traits.wrappers = self.wrappers_among(all);
        self.traits = traits;
    }

    /// The methods in whose bodies a method of the same name is called.
    fn wrappers_among(&self, methods: impl Iterator<Item = FnId>) -> FxHashSet<FnId> {
        let mut by_file: BTreeMap<FileId, FxHashMap<Name, Vec<(Span, FnId)>>> = BTreeMap::new();
        for method in methods {
            let (file, _, function) = self.function(method);
            if let Some(name) = function.name {
                let named = by_file.entry(file).or_default().entry(name).or_default();
                named.push((function.span, method));
            }
        }
        let mut wrappers = FxHashSet::default();
        for (file, named) in by_file {
            for expr in &self.ir(file).exprs {
                if let ExprKind::Attr { name, .. } = &expr.kind {
                    let around = named.get(name).into_iter().flatten();
                    wrappers.extend(
                        around
                            .filter(|(span, _)| span.contains(expr.span))
                            .map(|(_, method)| *method),
                    );
                }
            }
        }
        wrappers
    }

    /// Whether a class implements a method by itself, and not by way of something that it holds.
    pub(crate) fn implements_itself(&self, class: ClassId, method: FnId) -> bool {
        let mut own = self.implementations(method).iter();
        own.any(|&own| self.class_of(own) == Some(class) && !self.traits.wrappers.contains(&own))
    }

    /// Whether a method says nothing but that subclasses are to say it.
    pub(super) fn is_left_open(&self, method: FnId) -> bool {
        let (file, _, function) = self.function(method);
        let ir = self.ir(file);
        let Some(ExprKind::Block { items, .. }) = function.body.map(|body| &ir.expr(body).kind) else {
            return false;
        };
        let says_nothing = |&item: &ExprId| matches!(ir.expr(item).kind, ExprKind::Literal(_));
        let Some((last, before)) = items.split_last() else {
            return self.is_declared_abstract(file, function);
        };
        let fails = matches!(ir.expr(*last).kind, ExprKind::Raise(_));
        before.iter().all(says_nothing)
            && (fails || (says_nothing(last) && self.is_declared_abstract(file, function)))
    }

    fn is_declared_abstract(&self, file: FileId, function: &Function) -> bool {
        let scope = self.scope_id(file, function.scope);
        let mut decorators = function.decorators.iter();
        decorators.any(|&decorator| self.decorates(file, scope, decorator) == Some(Decorates::Abstract))
    }

    /// What tests put in place of the real thing says nothing of it, and too many are as good as unknown.
    fn leave_out_stand_ins(&self, traits: &mut Traits<'_>) {
        let is_real = |&id: &FnId| {
            let (file, _, function) = self.function(id);
            self.is_real(file, function)
        };
        traits.implementations.retain(|_, methods| {
            methods.retain(is_real);
            (1..=MAX_IMPLEMENTATIONS).contains(&methods.len())
        });
    }

    /// Whether a function is part of the program, and not of its tests.
    pub(super) fn is_real(&self, file: FileId, function: &Function) -> bool {
        let of_tests = |ix: u32| self.ir(file).impls[ix as usize].is_test;
        !function.is_test && !function.in_impl.is_some_and(of_tests)
    }

    fn scope_of_impl(&self, file: FileId, implementation: &'a Impl) -> TypeScope<'a> {
        TypeScope {
            file,
            scope: self.scope_id(file, implementation.scope),
            own: None,
            generics: [&implementation.generics, &[]],
            given: &[],
        }
    }

    fn symbol_of(&self, at: TypeScope<'_>, ty: &TypeRef) -> Symbol<'a> {
        match ty {
            TypeRef::Path { path, .. } => self.resolve_path(at.scope, None, &self.texts(at.file, path)),
            _ => Symbol::Unknown,
        }
    }

    fn implementor(&self, at: TypeScope<'_>, implementation: &Impl) -> Option<Implementor> {
        let bounds_of = |ty: &TypeRef| {
            let TypeRef::Path { path, .. } = ty else {
                return None;
            };
            let [name] = **path else { return None };
            let generic = implementation
                .generics
                .iter()
                .find(|generic| generic.name == name)?;
            Some(&generic.bounds)
        };
        let wrapped = match &implementation.self_type {
            TypeRef::Path { args, .. } => args.first().and_then(bounds_of),
            _ => None,
        };
        if let Some(bounds) = bounds_of(&implementation.self_type) {
            let classes = bounds.iter().filter_map(|bound| match self.symbol_of(at, bound) {
                Symbol::Class(class) => Some(class),
                _ => None,
            });
            let classes: Vec<ClassId> = classes.collect();
            if !classes.is_empty() {
                return Some(Implementor::All(classes));
            }
        }
        match self.declared(at, &implementation.self_type) {
            Ty::Instance(class) if wrapped.is_none() || !self.is_trait(class) => {
                Some(Implementor::Class(class))
            }
            // `Box<R>` is what it holds.
            Ty::Instance(class) => Some(Implementor::All(vec![class])),
            Ty::Lib(ty, _) => Some(Implementor::Library(ty)),
            _ => None,
        }
    }

    /// The type of `self` in an `impl` block whose methods belong to no class of the program.
    pub(crate) fn self_type(&self, file: FileId, function: &Function) -> Option<Ty> {
        let implementation = &self.ir(file).impls[function.in_impl? as usize];
        Some(self.declared(
            self.scope_of_impl(file, implementation),
            &implementation.self_type,
        ))
    }
}
