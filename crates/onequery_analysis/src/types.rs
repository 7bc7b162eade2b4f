//! Declared types become [`Ty`]s, and templates of catalogues are filled in.

use onequery_core::ir::{ClassKind, ExprId, ExprKind, Generic, TypeRef};
use onequery_core::{FileId, Name};

use crate::catalog::LibTy;
use crate::catalog::template::Template;
use crate::program::{ClassId, FnId, Program, ScopeId, Symbol};
use crate::value::{Ty, Value};

/// Where a type is written: what its names mean.
#[derive(Clone, Copy)]
pub(crate) struct TypeScope<'p> {
    pub(crate) file: FileId,
    pub(crate) scope: ScopeId,
    /// What `Self` is.
    pub(crate) own: Option<ClassId>,
    /// Type parameters in scope, innermost first.
    pub(crate) generics: [&'p [Generic]; 2],
    /// What the first of them are given, as far as that is known: `User` of `Result<User>`.
    pub(crate) given: &'p [Ty],
}

impl<'p> TypeScope<'p> {
    /// The type parameter of a name.
    fn generic(&self, name: Name) -> Option<&'p Generic> {
        let mut all = self.generics.iter().flat_map(|generics| generics.iter());
        all.find(|generic| generic.name == name)
    }
}

/// How deep declared types are followed through aliases and arguments.
const MAX_DEPTH: u32 = 8;

impl<'a> Program<'a> {
    /// The type a declaration means.
    pub(crate) fn declared(&self, at: TypeScope<'_>, ty: &TypeRef) -> Ty {
        self.declared_within(at, ty, MAX_DEPTH)
    }

    /// `depth` is how many more aliases and arguments are followed.
    pub(crate) fn declared_within(&self, at: TypeScope<'_>, ty: &TypeRef, depth: u32) -> Ty {
        let Some(depth) = depth.checked_sub(1) else {
            return Ty::Unknown;
        };
        let inner = |ty: &TypeRef| self.declared_within(at, ty, depth);
        match ty {
            TypeRef::Path { path, args, .. } => self.declared_path(at, path, args, depth),
            TypeRef::Tuple(parts) if parts.is_empty() => Ty::Plain,
            TypeRef::Tuple(parts) => Ty::tuple(parts.iter().map(inner).collect()),
            TypeRef::Slice(item) => Ty::lib(
                self.catalogs.literals(self.ir(at.file).language).list,
                vec![inner(item)],
            ),
            TypeRef::Bounds(bounds) => self.bounded(at, bounds, depth),
            TypeRef::Union(parts) => {
                let known = parts.iter().map(inner).filter(|ty| *ty != Ty::Plain);
                known.reduce(Ty::join).unwrap_or(Ty::Plain)
            }
            TypeRef::Assoc(_, ty) => inner(ty),
            TypeRef::Callable(..) | TypeRef::Unknown => Ty::Unknown,
        }
    }

    /// A type that is written where a value is expected: `list[Book]` as an argument.
    pub(crate) fn written_type(&self, file: FileId, written: ExprId) -> Option<TypeRef> {
        let ir = self.ir(file);
        let expr = ir.expr(written);
        let path = |path: Vec<Name>, args: Vec<TypeRef>| TypeRef::Path {
            path: path.into(),
            args: args.into(),
            span: expr.span,
        };
        match &expr.kind {
            ExprKind::Name(name) => Some(path(vec![*name], Vec::new())),
            ExprKind::Attr { base, name, .. } => match self.written_type(file, *base)? {
                TypeRef::Path {
                    path: outer, args, ..
                } if args.is_empty() => {
                    let segments = outer.iter().copied().chain([*name]).collect();
                    Some(path(segments, Vec::new()))
                }
                _ => None,
            },
            ExprKind::Index { base, index } => match self.written_type(file, *base)? {
                TypeRef::Path {
                    path: outer, args, ..
                } if args.is_empty() => {
                    let inner = self.written_type(file, *index)?;
                    Some(path(outer.to_vec(), vec![inner]))
                }
                _ => None,
            },
            _ => None,
        }
    }

    /// What types in a function's signature and body mean.
    pub(crate) fn types_in(&self, id: FnId) -> TypeScope<'a> {
        let (file, _, function) = self.function(id);
        let ir = self.ir(file);
        let of_impl = function.in_impl.map(|ix| &*ir.impls[ix as usize].generics);
        let of_class = function.class.map(|ix| &*ir.class(ix).generics);
        TypeScope {
            file,
            scope: self.scope_id(file, function.scope),
            own: self.class_of(id),
            generics: [&function.generics, of_impl.or(of_class).unwrap_or_default()],
            given: &[],
        }
    }

    /// What a function is given that is passed as an argument, as the parameter's declaration says.
    pub(crate) fn callback_inputs(&self, callee: FnId, param: usize) -> Vec<Ty> {
        let is_callable = |ty: &&TypeRef| matches!(ty, TypeRef::Callable(..));
        let at = self.types_in(callee);
        let declared = self.function(callee).2.params.get(param);
        let mut written = declared.and_then(|param| param.ty.as_ref());
        for _ in 0..MAX_DEPTH {
            written = match written {
                Some(TypeRef::Callable(inputs, _)) => {
                    return inputs.iter().map(|input| self.declared(at, input)).collect();
                }
                Some(TypeRef::Bounds(bounds)) => bounds.iter().find(is_callable),
                Some(TypeRef::Path { path, .. }) if let [name] = **path => {
                    let generic = at.generic(name);
                    generic.and_then(|generic| generic.bounds.iter().find(is_callable))
                }
                _ => break,
            };
        }
        Vec::new()
    }

    /// What a type parameter is known to be.
    pub(crate) fn bound_of(&self, at: TypeScope<'_>, name: Name) -> Ty {
        at.generic(name).map_or(Ty::Unknown, |generic| {
            self.bounded(at, &generic.bounds, MAX_DEPTH)
        })
    }

    /// The first bound that is known: `impl Executor<'_> + Copy`, `dyn Future<Output = T> + Send`.
    pub(crate) fn bounded(&self, at: TypeScope<'_>, bounds: &[TypeRef], depth: u32) -> Ty {
        let known = bounds.iter().map(|bound| self.declared_within(at, bound, depth));
        known.into_iter().find(|ty| !ty.is_unknown()).unwrap_or_default()
    }

    fn declared_path(&self, at: TypeScope<'_>, path: &[Name], args: &[TypeRef], depth: u32) -> Ty {
        if let [name] = path {
            let ix = at.generics[0].iter().position(|generic| generic.name == *name);
            let given = ix.and_then(|ix| at.given.get(ix));
            if let Some(given) = given.filter(|ty| !ty.is_unknown()) {
                return given.clone();
            }
            if let Some(generic) = at.generic(*name) {
                return self.bounded(at, &generic.bounds, depth);
            }
        }
        let texts = self.texts(at.file, path);
        if let [owner, name] = *texts
            && let Symbol::Class(class) = self.resolve_path(at.scope, at.own, &[owner])
            && let Some(ty) = self.associated_type(class, name, depth)
        {
            return ty;
        }
        let given = || {
            let args = args.iter().map(|arg| self.declared_within(at, arg, depth));
            args.collect::<Vec<Ty>>()
        };
        match self.resolve_path(at.scope, at.own, &texts) {
            Symbol::Class(class) => self.instance(class, &given(), depth),
            Symbol::External(node) => match self.catalogs.type_at(node) {
                Some(ty) => self.library(ty, given()),
                None => Ty::Unknown,
            },
            Symbol::Variable(module, name) => self.named_type(module, name, depth),
            _ => Ty::Unknown,
        }
    }

    /// The type that a variable is another name of: `Key = NewType("Key", int)`, `SessionDep = Annotated[Session, …]`.
    fn named_type(&self, module: ScopeId, name: &str, depth: u32) -> Ty {
        let file = self.file_of_scope(module);
        let assigned = self.assigned_at(module, name);
        assigned.map_or(Ty::Unknown, |value| self.type_of_expr(file, module, value, depth))
    }

    /// The type that an expression names where a type may stand.
    fn type_of_expr(&self, file: FileId, module: ScopeId, id: ExprId, depth: u32) -> Ty {
        let Some(depth) = depth.checked_sub(1) else {
            return Ty::Unknown;
        };
        let ir = self.ir(file);
        let inner = |id: ExprId| self.type_of_expr(file, module, id, depth);
        match &ir.expr(id).kind {
            ExprKind::Name(_) | ExprKind::Attr { .. } => match self.resolve_expr(file, module, id) {
                Symbol::Class(class) => self.instance(class, &[], depth),
                Symbol::External(node) => self
                    .catalogs
                    .type_at(node)
                    .map_or(Ty::Unknown, |ty| Ty::lib(ty, Vec::new())),
                Symbol::Variable(module, name) => self.named_type(module, name, depth),
                _ => Ty::Unknown,
            },
            ExprKind::Index { base, index } => match self.resolve_expr(file, module, *base) {
                Symbol::External(node) => match self.catalogs.type_at(node) {
                    Some(ty) => {
                        let args = match &ir.expr(*index).kind {
                            ExprKind::Collection(_, items) => items.iter().map(|&item| inner(item)).collect(),
                            _ => vec![inner(*index)],
                        };
                        self.library(ty, args)
                    }
                    None => Ty::Unknown,
                },
                _ => Ty::Unknown,
            },
            ExprKind::Call { callee, args, .. } => {
                let Symbol::External(node) = self.resolve_expr(file, module, *callee) else {
                    return Ty::Unknown;
                };
                let named = self
                    .catalogs
                    .call_at(node)
                    .and_then(|call| self.catalogs.call(call).names_type);
                named
                    .and_then(|ix| args.get(ix))
                    .map_or(Ty::Unknown, |arg| inner(arg.value))
            }
            _ => Ty::Unknown,
        }
    }

    /// An instance of a class; an alias is what it stands for with what its parameters are given.
    fn instance(&self, class: ClassId, given: &[Ty], depth: u32) -> Ty {
        let ir = self.class_ir(class);
        let alias = (ir.kind == ClassKind::Alias)
            .then(|| ir.fields.first().and_then(|field| field.ty.as_ref()))
            .flatten();
        match alias {
            Some(ty) => {
                let file = self.class(class).file;
                let at = TypeScope {
                    file,
                    scope: self.scope_id(file, ir.scope),
                    own: None,
                    generics: [&ir.generics, &[]],
                    given,
                };
                self.declared_within(at, ty, depth)
            }
            None => Ty::Instance(class),
        }
    }

    /// A library type; one that only wraps its argument is its argument.
    pub(crate) fn library(&self, ty: LibTy, mut args: Vec<Ty>) -> Ty {
        if self.catalogs.ty(ty).transparent && !args.is_empty() {
            return args.swap_remove(0);
        }
        Ty::lib(ty, args)
    }

    /// Fills the holes of a template that speak of the receiver only.
    pub(crate) fn fill_receiver(&self, template: &Template, receiver: &Ty) -> Ty {
        self.fill(
            template,
            &Holes {
                receiver,
                view: receiver,
                args: &[],
                returned: &Ty::Unknown,
                type_args: &[],
            },
        )
    }

    /// Fills a template.
    pub(crate) fn fill(&self, template: &Template, holes: &Holes<'_>) -> Ty {
        let arg = |ix: usize| {
            holes
                .args
                .get(ix)
                .map(|value| value.ty.clone())
                .unwrap_or_default()
        };
        match template {
            Template::Unknown => Ty::Unknown,
            Template::Plain => Ty::Plain,
            Template::Receiver => holes.receiver.clone(),
            Template::Param(ix) => holes.view.args().get(*ix).cloned().unwrap_or_default(),
            Template::Item => self.item(holes.view),
            Template::Inner => self.inner(holes.receiver),
            Template::ClassInstance => self.instance_of(holes.receiver),
            Template::Arg(ix) => arg(*ix),
            Template::ArgItem(ix) => holes
                .args
                .get(*ix)
                .map_or(Ty::Unknown, |value| self.item(&self.view(value))),
            Template::ArgInstance(ix) => self.instance_of(&arg(*ix)),
            Template::ArgClass(ix) => match arg(*ix) {
                Ty::Instance(class) => Ty::Class(class),
                _ => Ty::Unknown,
            },
            Template::Returned => holes.returned.clone(),
            Template::ReturnedInner => self.inner(holes.returned),
            Template::ReturnedItem => self.item(holes.returned),
            Template::TypeArg(ix) => holes.type_args.get(*ix).cloned().unwrap_or_default(),
            Template::Setting(name) => self.set_by(name).map_or(Ty::Unknown, Ty::Class),
            Template::Model(places) => {
                let texts = places
                    .iter()
                    .map_while(|&ix| Some(self.text(holes.args.get(ix)?.text?)));
                let model = self.model_named(&texts.collect::<Vec<_>>().join("."));
                model.map_or(Ty::Unknown, Ty::Class)
            }
            Template::Class(ty) => Ty::External(self.catalogs.ty(*ty).node),
            Template::Lib(ty, args) => {
                self.library(*ty, args.iter().map(|arg| self.fill(arg, holes)).collect())
            }
            Template::Tuple(parts) => Ty::tuple(parts.iter().map(|part| self.fill(part, holes)).collect()),
            Template::First(all) => {
                let mut filled = all.iter().map(|template| self.fill(template, holes));
                filled.find(|ty| !ty.is_unknown()).unwrap_or_default()
            }
        }
    }

    /// What iterating over a value gives.
    pub(crate) fn item(&self, ty: &Ty) -> Ty {
        match ty {
            Ty::Lib(lib, _) => {
                let item = self.inherited(*lib, |info| info.item.as_ref());
                item.map_or(Ty::Unknown, |template| self.fill_receiver(template, ty))
            }
            Ty::Tuple(Some(parts)) => parts.iter().cloned().reduce(Ty::join).unwrap_or_default(),
            Ty::Class(class) if self.is_enumeration(*class) => Ty::Instance(*class),
            _ => Ty::Unknown,
        }
    }

    /// What `await` or `?` gives: the value itself unless its type says otherwise.
    pub(crate) fn inner(&self, ty: &Ty) -> Ty {
        match ty {
            Ty::Lib(lib, _) => match self.inherited(*lib, |info| info.inner.as_ref()) {
                Some(template) => self.fill_receiver(template, ty),
                None => ty.clone(),
            },
            other => other.clone(),
        }
    }

    /// A property of a library type, its own or inherited.
    pub(crate) fn inherited<T>(
        &self,
        ty: LibTy,
        of: impl Fn(&'a crate::catalog::TypeInfo) -> Option<T> + Copy,
    ) -> Option<T> {
        of(self.catalogs.ty(ty)).or_else(|| {
            self.catalogs
                .bases(ty)
                .iter()
                .find_map(|&base| self.inherited(base, of))
        })
    }

    /// Whether a value of a type is a connection, or a struct that holds one, at most `depth` structs inside of each other.
    pub(crate) fn leads_to_database(&self, ty: &Ty, depth: u32) -> bool {
        let types = match ty {
            Ty::Lib(lib, _) => std::slice::from_ref(lib),
            Ty::Instance(class) => &self.class(*class).library_bases,
            _ => &[],
        };
        let is_connection = |&ty: &_| self.inherited(ty, |info| info.connection.then_some(())).is_some();
        if types.iter().any(is_connection) {
            return true;
        }
        let (Ty::Instance(class), Some(depth)) = (ty, depth.checked_sub(1)) else {
            return false;
        };
        let struct_ir = self.class_ir(*class);
        let at = TypeScope {
            file: self.class(*class).file,
            scope: self.scope_of_class(*class),
            own: Some(*class),
            generics: [&struct_ir.generics, &[]],
            given: &[],
        };
        let mut held = struct_ir.fields.iter().filter_map(|field| field.ty.as_ref());
        struct_ir.kind == ClassKind::Struct
            && held.any(|ty| self.leads_to_database(&self.declared(at, ty), depth))
    }

    /// An instance of a class object.
    pub(crate) fn instance_of(&self, ty: &Ty) -> Ty {
        match ty {
            Ty::Class(class) => Ty::Instance(*class),
            Ty::External(node) => self
                .catalogs
                .type_at(*node)
                .map_or(Ty::Unknown, |ty| Ty::lib(ty, Vec::new())),
            _ => Ty::Unknown,
        }
    }

    /// Whether a class has a fixed number of members: `class Color(Enum)`.
    pub(crate) fn is_enumeration(&self, class: ClassId) -> bool {
        self.class(class)
            .library_bases
            .iter()
            .any(|&base| self.catalogs.ty(base).enumeration)
    }
}

/// What the holes of a template are filled with.
pub(crate) struct Holes<'v> {
    pub(crate) receiver: &'v Ty,
    /// The receiver as a library's type, when it is a project's subclass of one.
    pub(crate) view: &'v Ty,
    pub(crate) args: &'v [Value],
    pub(crate) returned: &'v Ty,
    pub(crate) type_args: &'v [Ty],
}
