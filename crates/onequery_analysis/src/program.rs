//! The whole program: modules, classes and functions of all files, with names linked across them.
//!
//! Linking never fails: what is not found stays unresolved. Ids are given in the order of the sorted files, so equal
//! trees give equal ids.

use onequery_core::ir::{
    Arg, AssignMode, Class, ClassIx, ClassKind, ExprId, ExprKind, FileIr, FnIx, Function, ImportKind,
    Pattern, ScopeIx, TypeRef,
};
use onequery_core::{FileId, Language, Name};
use rustc_hash::FxHashMap;

use crate::catalog::template::Template;
use crate::catalog::{Access, Catalogs, Decorates, LibTy, PathNode};
use crate::models::Models;

macro_rules! id {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub(crate) struct $name(pub(crate) u32);

        impl $name {
            pub(crate) const fn index(self) -> usize {
                self.0 as usize
            }
        }
    )*};
}

id! {
    /// A function of the program.
    FnId,
    /// A class, struct, enum or trait of the program.
    ClassId,
    /// A module of the program: a file, or a Rust module inside one.
    ScopeId,
}

/// One lowered file, as the command line hands it over.
pub struct SourceFile {
    /// Path relative to the project root, with `/` between parts. Files are sorted by it.
    pub path: String,
    /// Its lowered text.
    pub ir: FileIr,
}

/// A package's folder and the name that other code imports it by, as its manifest says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PackageRoot {
    /// The folder of the manifest relative to the project root; empty for the root itself.
    pub dir: String,
    /// The importable name.
    pub name: String,
}

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Symbol<'a> {
    Unknown,
    Class(ClassId),
    Function(FnId),
    Module(ScopeId),
    External(PathNode),
    /// A variable at the top level of a module.
    Variable(ScopeId, &'a str),
}

/// How a name is bound in a module.
#[derive(Clone, Copy, Debug)]
enum Def {
    Class(ClassId),
    Function(FnId),
    /// An index into the file's imports.
    Import(u32),
    Module(ScopeId),
    /// Assigned at the top level.
    Variable,
}

struct ScopeInfo<'a> {
    file: FileId,
    parent: Option<ScopeId>,
    defs: FxHashMap<&'a str, Def>,
    /// Glob imports, as indices into the file's imports.
    globs: Vec<u32>,
    /// What they import from, last one first; filled once all modules are defined.
    glob_targets: Vec<Symbol<'a>>,
}

/// A class with everything that belongs to it.
pub(crate) struct ClassInfo<'a> {
    pub(crate) file: FileId,
    pub(crate) ix: ClassIx,
    pub(crate) methods: FxHashMap<&'a str, FnId>,
    /// Itself, then its bases of the project, nearest first.
    pub(crate) mro: Vec<ClassId>,
    /// Library types among its ancestors.
    pub(crate) library_bases: Vec<LibTy>,
    /// Some ancestor is not known.
    pub(crate) has_unknown_base: bool,
}

/// The linked program.
pub(crate) struct Program<'a> {
    pub(crate) files: &'a [SourceFile],
    pub(crate) catalogs: &'a Catalogs,
    scopes: Vec<ScopeInfo<'a>>,
    pub(crate) classes: Vec<ClassInfo<'a>>,
    fn_base: Vec<u32>,
    class_base: Vec<u32>,
    scope_base: Vec<u32>,
    fn_class: Vec<Option<ClassId>>,
    modules: FxHashMap<String, Vec<ScopeId>>,
    crates: FxHashMap<String, Vec<ScopeId>>,
    crate_of: Vec<Option<String>>,
    pub(crate) models: Models,
    /// Evaluation counts what it can see.
    pub(crate) counts_coverage: bool,
}

/// How many import hops are followed before a name counts as unresolved; cycles of re-exports end here.
pub(crate) const MAX_HOPS: u32 = 24;

impl<'a> Program<'a> {
    /// Links lowered files. `files` are sorted by path.
    pub(crate) fn link(files: &'a [SourceFile], packages: &[PackageRoot], catalogs: &'a Catalogs) -> Self {
        let prefix = |count: fn(&FileIr) -> usize| {
            let mut total = 0_u32;
            let mut bases = Vec::with_capacity(files.len() + 1);
            for file in files {
                bases.push(total);
                total += u32::try_from(count(&file.ir)).expect("a run has fewer than 2^32 items");
            }
            bases.push(total);
            bases
        };
        let mut program = Self {
            files,
            catalogs,
            scopes: Vec::new(),
            classes: Vec::new(),
            fn_base: prefix(|ir| ir.functions.len()),
            class_base: prefix(|ir| ir.classes.len()),
            scope_base: prefix(|ir| ir.scopes.len()),
            fn_class: Vec::new(),
            modules: FxHashMap::default(),
            crates: FxHashMap::default(),
            crate_of: vec![None; files.len()],
            models: Models::default(),
            counts_coverage: false,
        };
        program.name_modules(packages);
        for file in (0..files.len()).map(file_id) {
            program.define(file);
        }
        program.resolve_globs();
        program.fn_class = vec![None; program.fn_base.last().copied().unwrap_or(0) as usize];
        program.collect_methods();
        program.link_bases();
        program.models = program.find_models();
        program
    }

    pub(crate) fn ir(&self, file: FileId) -> &'a FileIr {
        &self.files[file.index()].ir
    }

    pub(crate) fn n_functions(&self) -> usize {
        self.fn_class.len()
    }

    pub(crate) fn fn_id(&self, file: FileId, ix: FnIx) -> FnId {
        FnId(self.fn_base[file.index()] + ix.0)
    }

    pub(crate) fn class_id(&self, file: FileId, ix: ClassIx) -> ClassId {
        ClassId(self.class_base[file.index()] + ix.0)
    }

    pub(crate) fn scope_id(&self, file: FileId, ix: ScopeIx) -> ScopeId {
        ScopeId(self.scope_base[file.index()] + ix.0)
    }

    pub(crate) fn file_of_scope(&self, scope: ScopeId) -> FileId {
        self.scopes[scope.index()].file
    }

    /// The file and place of a function.
    pub(crate) fn function(&self, id: FnId) -> (FileId, FnIx, &'a Function) {
        let file = self.fn_base.partition_point(|&base| base <= id.0) - 1;
        let ix = FnIx(id.0 - self.fn_base[file]);
        (file_id(file), ix, &self.files[file].ir.functions[ix.index()])
    }

    /// The class a function is a method of.
    pub(crate) fn class_of(&self, id: FnId) -> Option<ClassId> {
        self.fn_class[id.index()]
    }

    pub(crate) fn class(&self, id: ClassId) -> &ClassInfo<'a> {
        &self.classes[id.index()]
    }

    pub(crate) fn class_ir(&self, id: ClassId) -> &'a Class {
        let info = self.class(id);
        self.ir(info.file).class(info.ix)
    }

    /// `Cart.total`, `total.<locals>.inner` without the `<locals>`; empty at a file's top level.
    pub(crate) fn qualified_name(&self, id: FnId) -> String {
        let (file, mut ix, _) = self.function(id);
        let ir = self.ir(file);
        let mut parts = Vec::new();
        loop {
            let function = ir.function(ix);
            parts.extend(function.name.map(|name| ir.name(name)));
            if let Some(class) = self.class_of(self.fn_id(file, ix)) {
                let info = self.class(class);
                parts.push(self.ir(info.file).name(self.class_ir(class).name));
            }
            match function.outer {
                Some(outer) if outer != FnIx(0) => ix = outer,
                _ => break,
            }
        }
        parts.reverse();
        parts.join(".")
    }

    /// A method by name, through the bases.
    pub(crate) fn method(&self, class: ClassId, name: &str) -> Option<FnId> {
        self.class(class)
            .mro
            .iter()
            .find_map(|&base| self.class(base).methods.get(name).copied())
    }

    /// What the library's method executes that a method of the project overrides: `def save(self)` of a model.
    pub(crate) fn overridden_access(&self, method: FnId) -> Option<Access> {
        let class = self.class_of(method)?;
        let (file, _, function) = self.function(method);
        let name = self.ir(file).name(function.name?);
        let bases = self.class(class).library_bases.iter();
        let mut entries = bases.flat_map(|&base| self.catalogs.methods(base, name, false));
        entries.find_map(|&entry| self.catalogs.call(entry).runs)
    }

    /// Whether a class is `of` or extends it.
    pub(crate) fn class_extends(&self, class: ClassId, of: LibTy) -> bool {
        self.class(class)
            .library_bases
            .iter()
            .any(|&base| self.catalogs.extends(base, of))
    }

    /// Gives every file its importable names.
    fn name_modules(&mut self, packages: &[PackageRoot]) {
        let package_dirs: rustc_hash::FxHashSet<&str> = self
            .files
            .iter()
            .filter_map(|file| file.path.strip_suffix("/__init__.py"))
            .collect();
        for ix in 0..self.files.len() {
            let scope = ScopeId(self.scope_base[ix]);
            let path = &self.files[ix].path;
            match self.files[ix].ir.language {
                Language::Python => {
                    let Some(stem) = path.strip_suffix(".py").or_else(|| path.strip_suffix(".pyi")) else {
                        continue;
                    };
                    let stem = stem.strip_suffix("/__init__").unwrap_or(stem);
                    let mut root = stem.rfind('/').map_or("", |at| &stem[..at]);
                    while package_dirs.contains(root) {
                        root = root.rfind('/').map_or("", |at| &root[..at]);
                    }
                    let within = stem
                        .strip_prefix(root)
                        .unwrap_or(stem)
                        .trim_start_matches('/')
                        .replace('/', ".");
                    let whole = stem.replace('/', ".");
                    if whole != within {
                        self.modules.entry(whole).or_default().push(scope);
                    }
                    self.modules.entry(within).or_default().push(scope);
                }
                Language::Rust => {
                    let (name, modules) = rust_module(path, packages);
                    let key = std::iter::once(name.as_str())
                        .chain(modules)
                        .collect::<Vec<_>>()
                        .join("::");
                    if key == name {
                        self.crates.entry(name.clone()).or_default().push(scope);
                    }
                    self.crate_of[ix] = Some(name);
                    self.modules.entry(key).or_default().push(scope);
                }
            }
        }
    }

    /// Binds the names of one file's modules.
    fn define(&mut self, file: FileId) {
        let ir = self.ir(file);
        for scope in &ir.scopes {
            self.scopes.push(ScopeInfo {
                file,
                parent: scope.parent.map(|parent| self.scope_id(file, parent)),
                defs: FxHashMap::default(),
                globs: Vec::new(),
                glob_targets: Vec::new(),
            });
        }
        for (ix, scope) in ir.scopes.iter().enumerate() {
            if let (Some(parent), Some(name)) = (scope.parent, scope.name) {
                let own = self.scope_id(file, ScopeIx(u32::try_from(ix).expect("ids fit")));
                let parent = self.scope_id(file, parent);
                self.scopes[parent.index()]
                    .defs
                    .insert(ir.name(name), Def::Module(own));
            }
        }
        for (ix, import) in (0_u32..).zip(&ir.imports) {
            if import.function.is_some() {
                continue;
            }
            let scope = self.scope_id(file, import.scope);
            let scope = &mut self.scopes[scope.index()];
            match import.kind {
                ImportKind::Glob | ImportKind::PublicGlob => scope.globs.push(ix),
                ImportKind::Module => {}
                ImportKind::Item | ImportKind::PublicItem | ImportKind::Root => {
                    if let Some(alias) = import.alias {
                        scope.defs.insert(ir.name(alias), Def::Import(ix));
                    }
                }
            }
        }
        let mut assigned = Vec::new();
        if let Some(body) = ir.functions[0].body {
            top_level_names(ir, body, &mut assigned);
        }
        let own = self.scope_id(file, ScopeIx(0));
        for name in assigned {
            // `try: import x` / `except ImportError: x = None` is the import.
            self.scopes[own.index()]
                .defs
                .entry(ir.name(name))
                .or_insert(Def::Variable);
        }
        for (ix, class) in (0_u32..).zip(&ir.classes) {
            let id = self.class_id(file, ClassIx(ix));
            let scope = self.scope_id(file, class.scope);
            if class.outer.is_none() && class.function == FnIx(0) {
                self.scopes[scope.index()]
                    .defs
                    .insert(ir.name(class.name), Def::Class(id));
            }
            self.classes.push(ClassInfo {
                file,
                ix: ClassIx(ix),
                methods: FxHashMap::default(),
                mro: vec![id],
                library_bases: Vec::new(),
                has_unknown_base: false,
            });
        }
        for (ix, function) in (0_u32..).zip(&ir.functions) {
            let at_top =
                function.outer == Some(FnIx(0)) && function.class.is_none() && function.in_impl.is_none();
            if let (Some(name), true) = (function.name, at_top) {
                let id = self.fn_id(file, FnIx(ix));
                let scope = self.scope_id(file, function.scope);
                self.scopes[scope.index()]
                    .defs
                    .insert(ir.name(name), Def::Function(id));
            }
        }
    }

    /// Finds what glob imports import from. The second round sees those whose path leads through another glob.
    fn resolve_globs(&mut self) {
        for _ in 0..2 {
            for ix in 0..self.scopes.len() {
                let info = &self.scopes[ix];
                let targets = info
                    .globs
                    .iter()
                    .rev()
                    .map(|&glob| self.import(info.file, glob, MAX_HOPS))
                    .filter(Symbol::is_known);
                let targets = targets.collect();
                self.scopes[ix].glob_targets = targets;
            }
        }
    }

    /// Gives methods to their classes: those of class bodies, then those of `impl` blocks.
    fn collect_methods(&mut self) {
        for class in 0..self.classes.len() {
            let (file, ix) = (self.classes[class].file, self.classes[class].ix);
            for &method in &self.ir(file).class(ix).methods {
                self.add_method(ClassId(u32::try_from(class).expect("ids fit")), file, method);
            }
        }
        for file in (0..self.files.len()).map(file_id) {
            for implementation in &self.ir(file).impls {
                let scope = self.scope_id(file, implementation.scope);
                let TypeRef::Path { path, .. } = &implementation.self_type else {
                    continue;
                };
                let Symbol::Class(class) = self.resolve_path(scope, None, &self.texts(file, path)) else {
                    continue;
                };
                let class = self.peel_alias(class);
                for &method in &implementation.methods {
                    self.add_method(class, file, method);
                }
            }
        }
    }

    /// `type Repo = PgRepo;`: the class behind an alias.
    fn peel_alias(&self, class: ClassId) -> ClassId {
        let ir = self.class_ir(class);
        let target = match (ir.kind, ir.fields.first().and_then(|field| field.ty.as_ref())) {
            (ClassKind::Alias, Some(TypeRef::Path { path, .. })) => path,
            _ => return class,
        };
        let file = self.class(class).file;
        match self.resolve_path(self.scope_id(file, ir.scope), None, &self.texts(file, target)) {
            Symbol::Class(behind) => behind,
            _ => class,
        }
    }

    fn add_method(&mut self, class: ClassId, file: FileId, method: FnIx) {
        let id = self.fn_id(file, method);
        self.fn_class[id.index()] = Some(class);
        let ir = self.ir(file);
        if let Some(name) = ir.function(method).name {
            self.classes[class.index()].methods.insert(ir.name(name), id);
        }
    }

    /// Resolves bases and flattens them; each class is its own nearest ancestor.
    fn link_bases(&mut self) {
        let direct: Vec<Vec<Symbol<'a>>> = (0..self.classes.len())
            .map(|ix| {
                let info = &self.classes[ix];
                let ir = self.ir(info.file);
                let class = ir.class(info.ix);
                let scope = self.scope_id(info.file, class.scope);
                class
                    .bases
                    .iter()
                    .map(|&base| self.made_class(info.file, scope, base))
                    .collect()
            })
            .collect();
        let mixed = self.mixed_in();
        for ix in 0..self.classes.len() {
            let own = ClassId(u32::try_from(ix).expect("ids fit"));
            let (mut mro, mut library, mut unknown) = (Vec::new(), Vec::new(), false);
            let mut pending = vec![own];
            while let Some(class) = pending.pop() {
                if mro.contains(&class) {
                    continue;
                }
                mro.push(class);
                let of_class = direct[class.index()].iter().chain(&mixed[class.index()]);
                for base in of_class.rev() {
                    match *base {
                        Symbol::Class(base) => pending.push(base),
                        Symbol::External(node) => match self.catalogs.type_at(node) {
                            Some(ty) if !library.contains(&ty) => library.push(ty),
                            Some(_) => {}
                            None => unknown = true,
                        },
                        _ => unknown = true,
                    }
                }
            }
            let info = &mut self.classes[ix];
            (info.mro, info.library_bases, info.has_unknown_base) = (mro, library, unknown);
        }
    }

    /// By class: the classes whose methods it gets by a call, `BookManager.from_queryset(BookQuerySet)`, as a base of
    /// another class, or where a class attribute or a module's variable is assigned.
    fn mixed_in(&self) -> Vec<Vec<Symbol<'a>>> {
        let mut mixed = vec![Vec::new(); self.classes.len()];
        for file in (0..self.files.len()).map(file_id) {
            let ir = self.ir(file);
            let fields = ir.classes.iter().flat_map(|class| {
                let values = class.fields.iter().filter_map(|field| field.value);
                values.chain(class.bases.iter().copied())
            });
            let scope = self.scope_id(file, ScopeIx(0));
            for value in fields.chain(top_level_assignments(ir).map(|(_, value)| value)) {
                self.note_mixed(file, scope, value, &mut mixed);
            }
        }
        // A class that is mixed with several would give each model the methods of the others.
        for of in &mut mixed {
            of.dedup();
            if of.len() > 1 {
                *of = vec![Symbol::Unknown];
            }
        }
        mixed
    }

    fn note_mixed(&self, file: FileId, scope: ScopeId, value: ExprId, mixed: &mut [Vec<Symbol<'a>>]) {
        let ir = self.ir(file);
        let ExprKind::Call { callee, args, .. } = &ir.expr(value).kind else {
            return;
        };
        let ExprKind::Attr { base, name, .. } = ir.expr(*callee).kind else {
            // `BookManager.from_queryset(BookQuerySet)()`.
            return self.note_mixed(file, scope, *callee, mixed);
        };
        let Symbol::Class(class) = self.resolve_expr(file, scope, base) else {
            return;
        };
        let entry = self
            .direct_library_base(class)
            .and_then(|node| self.catalogs.type_at(node))
            .and_then(|owner| self.catalogs.methods(owner, ir.name(name), true).first());
        let mixes_in = entry.and_then(|&entry| self.catalogs.call(entry).mixes_in);
        if let Some(arg) = mixes_in.and_then(|ix| args.get(ix)) {
            mixed[class.index()].push(self.resolve_expr(file, scope, arg.value));
        }
    }

    /// What a base is, classes that a call or an attribute makes included: `Base = declarative_base()`, `db.Model`.
    fn made_class(&self, file: FileId, scope: ScopeId, base: ExprId) -> Symbol<'a> {
        let symbol = self.resolve_expr(file, scope, base);
        // `class BookManager(Manager.from_queryset(BookQuerySet))` has what the argument has.
        if let ExprKind::Call { callee, args, .. } = &self.ir(file).expr(base).kind
            && let Some(of) = self.made_of(file, scope, *callee, args)
        {
            return of;
        }
        if let Symbol::Variable(module, name) = symbol {
            return self.made_by(module, name).map_or(symbol, Symbol::External);
        }
        let ir = self.ir(file);
        if let (Symbol::Unknown, ExprKind::Attr { base, name, .. }) = (symbol, &ir.expr(base).kind)
            && let Symbol::Variable(module, variable) = self.resolve_expr(file, scope, *base)
            && let Some(node) = self.called_at(module, variable)
            && let Some(ty) = self.catalogs.type_at(node)
            && let Some(info) = self.catalogs.attribute(ty, ir.name(*name), false)
            && let Template::Class(class) = info.gives
        {
            return Symbol::External(self.catalogs.ty(class).node);
        }
        symbol
    }

    /// The class that a call gives: one of its arguments, or the class that it is called on with an argument mixed in.
    fn made_of(&self, file: FileId, scope: ScopeId, callee: ExprId, args: &[Arg]) -> Option<Symbol<'a>> {
        let ir = self.ir(file);
        let mut owner = None;
        let gives = match (&ir.expr(callee).kind, self.resolve_expr(file, scope, callee)) {
            (_, Symbol::External(node)) if self.catalogs.call_at(node).is_some() => {
                &self.catalogs.call(self.catalogs.call_at(node)?).gives
            }
            (ExprKind::Attr { base, name, .. }, _) => {
                let ty = match self.resolve_expr(file, scope, *base) {
                    Symbol::External(node) => self.catalogs.type_at(node)?,
                    Symbol::Class(class) => {
                        owner = Some(class);
                        self.catalogs.type_at(self.direct_library_base(class)?)?
                    }
                    _ => return None,
                };
                let entry = self.catalogs.methods(ty, ir.name(*name), true).first()?;
                &self.catalogs.call(*entry).gives
            }
            _ => return None,
        };
        match (gives, owner) {
            (Template::Arg(_), Some(own)) => Some(Symbol::Class(own)),
            (Template::Arg(ix), None) => Some(self.resolve_expr(file, scope, args.get(*ix)?.value)),
            _ => None,
        }
    }

    /// The library class that a module's variable is made to be.
    fn made_by(&self, module: ScopeId, name: &str) -> Option<PathNode> {
        let entry = self.catalogs.call_at(self.called_at(module, name)?)?;
        match self.catalogs.call(entry).gives {
            Template::Class(class) => Some(self.catalogs.ty(class).node),
            _ => None,
        }
    }

    /// What a module calls to make one of its variables: `db = SQLAlchemy(app)`.
    pub(crate) fn called_at(&self, module: ScopeId, name: &str) -> Option<PathNode> {
        let file = self.file_of_scope(module);
        let ExprKind::Call { callee, .. } = self.ir(file).expr(self.assigned_at(module, name)?).kind else {
            return None;
        };
        match self.resolve_expr(file, module, callee) {
            Symbol::External(node) => Some(node),
            // A project's subclass of the library's class is as good.
            Symbol::Class(class) => self.direct_library_base(class),
            _ => None,
        }
    }

    /// What a module's top level last assigns to a variable.
    pub(crate) fn assigned_at(&self, module: ScopeId, name: &str) -> Option<ExprId> {
        let ir = self.ir(self.file_of_scope(module));
        let of_name = |target: Name| ir.name(target) == name;
        if top_level_updates(ir).any(of_name) {
            return None;
        }
        let assigned = top_level_assignments(ir).filter(|(target, _)| of_name(*target));
        assigned.last().map(|(_, value)| value)
    }

    /// The library class that a class names as its base.
    fn direct_library_base(&self, class: ClassId) -> Option<PathNode> {
        let info = self.class(class);
        let ir = self.ir(info.file);
        let scope = self.scope_id(info.file, ir.class(info.ix).scope);
        ir.class(info.ix)
            .bases
            .iter()
            .find_map(|&base| match self.resolve_expr(info.file, scope, base) {
                Symbol::External(node) if self.catalogs.type_at(node).is_some() => Some(node),
                _ => None,
            })
    }

    /// The strings behind names.
    pub(crate) fn texts(&self, file: FileId, path: &[Name]) -> Vec<&'a str> {
        path.iter().map(|&name| self.ir(file).name(name)).collect()
    }

    /// What a dotted expression of names stands for: `models.Model`, `db.Model`, `Generic[T]`.
    pub(crate) fn resolve_expr(&self, file: FileId, scope: ScopeId, id: ExprId) -> Symbol<'a> {
        let ir = self.ir(file);
        match &ir.expr(id).kind {
            ExprKind::Name(name) => self.lookup(scope, ir.name(*name)),
            ExprKind::Path { segments, .. } => self.resolve_path(scope, None, &self.texts(file, segments)),
            ExprKind::Attr { base, name, .. } => {
                self.member(self.resolve_expr(file, scope, *base), ir.name(*name))
            }
            ExprKind::Index { base, .. } => self.resolve_expr(file, scope, *base),
            _ => Symbol::Unknown,
        }
    }

    /// What a decorator makes of the function it stands on.
    pub(crate) fn decorates(&self, file: FileId, scope: ScopeId, decorator: ExprId) -> Option<Decorates> {
        let named = match self.ir(file).expr(decorator).kind {
            ExprKind::Call { callee, .. } => callee,
            _ => decorator,
        };
        match self.resolve_expr(file, scope, named) {
            Symbol::External(node) => self.catalogs.call(self.catalogs.call_at(node)?).decorates,
            _ => None,
        }
    }

    /// What a name stands for in a module.
    pub(crate) fn lookup(&self, scope: ScopeId, name: &str) -> Symbol<'a> {
        self.lookup_within(scope, name, MAX_HOPS)
    }

    fn lookup_within(&self, scope: ScopeId, name: &str, hops: u32) -> Symbol<'a> {
        let local = self.local(scope, name, hops);
        if local != Symbol::Unknown {
            return local;
        }
        let file = self.file_of_scope(scope);
        let language = self.ir(file).language;
        if language == Language::Rust
            && let Some(module) = self.rust_crate(file, name)
        {
            return Symbol::Module(module);
        }
        match self.catalogs.root(language, name) {
            PathNode::OTHER => Symbol::Unknown,
            node => Symbol::External(node),
        }
    }

    /// What a module itself binds or re-exports.
    fn local(&self, scope: ScopeId, name: &str, hops: u32) -> Symbol<'a> {
        self.local_within(scope, name, hops, &mut Vec::new())
    }

    /// `seen` are the modules whose glob imports are being followed: `use super::*` goes in circles.
    fn local_within(&self, scope: ScopeId, name: &str, hops: u32, seen: &mut Vec<ScopeId>) -> Symbol<'a> {
        let Some(hops) = hops.checked_sub(1) else {
            return Symbol::Unknown;
        };
        let info = &self.scopes[scope.index()];
        if let Some((&name, def)) = info.defs.get_key_value(name) {
            return match *def {
                Def::Class(class) => Symbol::Class(class),
                Def::Function(function) => Symbol::Function(function),
                Def::Module(module) => Symbol::Module(module),
                Def::Variable => Symbol::Variable(scope, name),
                Def::Import(import) => match self.import(info.file, import, hops) {
                    Symbol::Unknown => Symbol::External(PathNode::OTHER),
                    symbol => symbol,
                },
            };
        }
        if let Some(module) = self.submodule(scope, name) {
            return Symbol::Module(module);
        }
        if seen.contains(&scope) {
            return Symbol::Unknown;
        }
        seen.push(scope);
        let through = info.glob_targets.iter().map(|&target| match target {
            Symbol::Module(module) => self.local_within(module, name, hops, seen),
            Symbol::External(node) => match self.catalogs.child(node, name) {
                PathNode::OTHER => Symbol::Unknown,
                child => Symbol::External(child),
            },
            Symbol::Class(_) => self.member(target, name),
            _ => Symbol::Unknown,
        });
        through
            .into_iter()
            .find(Symbol::is_known)
            .unwrap_or(Symbol::Unknown)
    }

    /// What an import statement's path stands for.
    pub(crate) fn import(&self, file: FileId, import: u32, hops: u32) -> Symbol<'a> {
        let ir = self.ir(file);
        let import = &ir.imports[import as usize];
        let path = self.texts(file, &import.path);
        let scope = self.scope_id(file, import.scope);
        match ir.language {
            Language::Rust => self.resolve_path_within(scope, None, &path, hops),
            Language::Python => {
                let path = if import.kind == ImportKind::Root {
                    &path[..path.len().min(1)]
                } else {
                    &path[..]
                };
                self.python_import(file, import.level, path, hops)
            }
        }
    }

    fn python_import(&self, file: FileId, level: u32, path: &[&str], hops: u32) -> Symbol<'a> {
        let base = if level == 0 {
            Vec::new()
        } else {
            self.python_package(file, level)
        };
        let dotted = |upto: usize| {
            let parts: Vec<&str> = base.iter().copied().chain(path[..upto].iter().copied()).collect();
            parts.join(".")
        };
        // `app.db` is below the `app` that is meant, not below another one that the tests have.
        let package = path
            .first()
            .filter(|_| level == 0)
            .and_then(|root| self.python_package_dir(file, root));
        let is_inside = |module: &ScopeId| {
            let path = self.files[self.file_of_scope(*module).index()].path.as_str();
            package.is_none_or(|package| {
                path.strip_prefix(package)
                    .is_some_and(|rest| rest.starts_with('/'))
            })
        };
        for upto in (1..=path.len()).rev().chain((level > 0).then_some(0)) {
            let Some(module) = self.python_module(file, &dotted(upto)).filter(is_inside) else {
                continue;
            };
            let symbol = self.descend(Symbol::Module(module), &path[upto..], hops);
            // A folder of the project may have a library's name without being what is imported under it.
            let is_library = level == 0
                && path
                    .first()
                    .is_some_and(|root| self.catalogs.root(Language::Python, root) != PathNode::OTHER);
            if symbol.is_known() || !is_library {
                return symbol;
            }
        }
        let language = Language::Python;
        match path {
            [root, rest @ ..] if level == 0 => Symbol::External(
                rest.iter()
                    .fold(self.catalogs.root(language, root), |node, part| {
                        self.catalogs.child(node, part)
                    }),
            ),
            _ => Symbol::Unknown,
        }
    }

    /// The folder of the package that an absolute import's first part means.
    fn python_package_dir(&self, from: FileId, root: &str) -> Option<&'a str> {
        let module = self.python_module(from, root)?;
        self.files[self.file_of_scope(module).index()]
            .path
            .strip_suffix("/__init__.py")
    }

    /// The dotted parts of the package that `level` dots start from.
    fn python_package(&self, file: FileId, level: u32) -> Vec<&'a str> {
        let path = self.files[file.index()].path.as_str();
        let mut parts: Vec<&str> = path.split('/').collect();
        for _ in 0..level {
            parts.pop();
        }
        parts
    }

    /// A module by its dotted name; among several, the one nearest to the importing file.
    fn python_module(&self, from: FileId, dotted: &str) -> Option<ScopeId> {
        let candidates = self.modules.get(dotted)?;
        let from = self.files[from.index()].path.as_bytes();
        let shared = |scope: &&ScopeId| {
            let path = self.files[self.file_of_scope(**scope).index()].path.as_bytes();
            from.iter().zip(path).take_while(|(a, b)| a == b).count()
        };
        let best = candidates.iter().rev().max_by_key(shared).copied()?;
        (self.ir(self.file_of_scope(best)).language == Language::Python).then_some(best)
    }

    /// The file-level module below another: `shop/views.py` below `shop/__init__.py`, `a/b.rs` below `a.rs`.
    fn submodule(&self, scope: ScopeId, name: &str) -> Option<ScopeId> {
        let info = &self.scopes[scope.index()];
        let file = info.file;
        match self.ir(file).language {
            Language::Python => {
                let stem = self.files[file.index()].path.strip_suffix("/__init__.py")?;
                self.python_module(file, &format!("{}.{name}", stem.replace('/', ".")))
            }
            Language::Rust => {
                let key = format!("{}::{name}", self.rust_key(scope)?);
                self.modules.get(&key)?.first().copied()
            }
        }
    }

    /// `crate::a::b` of a Rust module.
    fn rust_key(&self, scope: ScopeId) -> Option<String> {
        let info = &self.scopes[scope.index()];
        if let Some(parent) = info.parent {
            let ix = scope.0 - self.scope_base[info.file.index()];
            let name = self.ir(info.file).scopes[ix as usize].name?;
            return Some(format!(
                "{}::{}",
                self.rust_key(parent)?,
                self.ir(info.file).name(name)
            ));
        }
        let name = self.crate_of[info.file.index()].as_ref()?;
        let modules = rust_module_parts(&self.files[info.file.index()].path);
        Some(
            std::iter::once(name.as_str())
                .chain(modules)
                .collect::<Vec<_>>()
                .join("::"),
        )
    }

    /// The root module of a crate of the workspace, by its importable name.
    fn rust_crate(&self, _from: FileId, name: &str) -> Option<ScopeId> {
        self.crates.get(name)?.first().copied()
    }

    /// What a Rust path stands for; `own` is what `Self` means.
    pub(crate) fn resolve_path(&self, scope: ScopeId, own: Option<ClassId>, path: &[&str]) -> Symbol<'a> {
        self.resolve_path_within(scope, own, path, MAX_HOPS)
    }

    fn resolve_path_within(
        &self,
        scope: ScopeId,
        own: Option<ClassId>,
        path: &[&str],
        hops: u32,
    ) -> Symbol<'a> {
        let Some(hops) = hops.checked_sub(1) else {
            return Symbol::Unknown;
        };
        let Some((&first, mut rest)) = path.split_first() else {
            return Symbol::Unknown;
        };
        let mut symbol = match first {
            "crate" => {
                let name = self.crate_of[self.file_of_scope(scope).index()].as_deref();
                return match name.and_then(|name| self.crates.get(name)) {
                    Some(roots) => roots
                        .iter()
                        .map(|&root| self.descend(Symbol::Module(root), rest, hops))
                        .find(Symbol::is_known)
                        .unwrap_or(Symbol::Unknown),
                    None => Symbol::Unknown,
                };
            }
            "self" => Symbol::Module(scope),
            "super" => {
                let mut at = self.parent_module(scope);
                while let (Some(parent), Some((&"super", tail))) = (at, rest.split_first()) {
                    (at, rest) = (self.parent_module(parent), tail);
                }
                at.map_or(Symbol::Unknown, Symbol::Module)
            }
            "Self" => own.map_or(Symbol::Unknown, Symbol::Class),
            name => self.lookup_within(scope, name, hops),
        };
        if symbol == Symbol::Unknown && !rest.is_empty() {
            symbol = Symbol::External(PathNode::OTHER);
        }
        self.descend(symbol, rest, hops)
    }

    fn descend(&self, symbol: Symbol<'a>, rest: &[&str], hops: u32) -> Symbol<'a> {
        rest.iter().fold(symbol, |symbol, part| match symbol {
            Symbol::Module(module) => self.local(module, part, hops),
            symbol => self.member(symbol, part),
        })
    }

    fn parent_module(&self, scope: ScopeId) -> Option<ScopeId> {
        let info = &self.scopes[scope.index()];
        if info.parent.is_some() {
            return info.parent;
        }
        let key = self.rust_key(scope)?;
        let (parent, _) = key.rsplit_once("::")?;
        self.modules.get(parent)?.first().copied()
    }

    /// What `symbol.name` stands for, as far as no value is needed to know it.
    pub(crate) fn member(&self, symbol: Symbol<'a>, name: &str) -> Symbol<'a> {
        match symbol {
            Symbol::Module(module) => self.local(module, name, MAX_HOPS),
            Symbol::External(node) => Symbol::External(self.catalogs.child(node, name)),
            Symbol::Class(class) => match self.method(class, name) {
                Some(method) => Symbol::Function(method),
                None => self
                    .nested_class(class, name)
                    .map_or(Symbol::Unknown, Symbol::Class),
            },
            _ => Symbol::Unknown,
        }
    }

    pub(crate) fn nested_class(&self, class: ClassId, name: &str) -> Option<ClassId> {
        let info = self.class(class);
        let ir = self.ir(info.file);
        (0_u32..)
            .zip(&ir.classes)
            .find(|(_, nested)| nested.outer == Some(info.ix) && ir.name(nested.name) == name)
            .map(|(ix, _)| self.class_id(info.file, ClassIx(ix)))
    }
}

impl<'a> Symbol<'a> {
    pub(crate) fn is_known(&self) -> bool {
        *self != Symbol::Unknown
    }
}

pub(crate) fn file_id(ix: usize) -> FileId {
    FileId(u32::try_from(ix).expect("a run has fewer than 2^32 files"))
}

/// The names assigned by the statements of a file's top level, its `if` and `try` blocks included.
fn top_level_names(ir: &FileIr, id: ExprId, out: &mut Vec<Name>) {
    match &ir.expr(id).kind {
        ExprKind::Block { items, .. } => items.iter().for_each(|&item| top_level_names(ir, item, out)),
        ExprKind::If { then, otherwise, .. } => {
            [Some(*then), *otherwise]
                .into_iter()
                .flatten()
                .for_each(|block| top_level_names(ir, block, out));
        }
        ExprKind::Try {
            body,
            handlers,
            otherwise,
            finally,
        } => {
            let blocks = [Some(*body), *otherwise, *finally];
            blocks
                .into_iter()
                .flatten()
                .for_each(|block| top_level_names(ir, block, out));
            handlers
                .iter()
                .for_each(|handler| top_level_names(ir, handler.body, out));
        }
        ExprKind::With { body, .. } => top_level_names(ir, *body, out),
        ExprKind::Assign { target, .. } => target_names(target, out),
        _ => {}
    }
}

/// The statements of a file's top level.
fn top_level(ir: &FileIr) -> impl Iterator<Item = &ExprKind> {
    let items: &[ExprId] = match ir.functions[0].body.map(|body| &ir.expr(body).kind) {
        Some(ExprKind::Block { items, .. }) => items,
        _ => &[],
    };
    items.iter().map(|&item| &ir.expr(item).kind)
}

/// The names that the statements of a file's top level assign, and what to.
pub(crate) fn top_level_assignments(ir: &FileIr) -> impl Iterator<Item = (Name, ExprId)> {
    top_level(ir).filter_map(|statement| match statement {
        ExprKind::Assign {
            target, value, mode, ..
        } if *mode != AssignMode::Update => match **target {
            Pattern::Name(name, _) => Some((name, (*value)?)),
            _ => None,
        },
        _ => None,
    })
}

/// The names that the statements of a file's top level change: `PATHS += […]`, `PATHS.append(…)`.
fn top_level_updates(ir: &FileIr) -> impl Iterator<Item = Name> {
    top_level(ir).filter_map(|statement| match statement {
        ExprKind::Assign {
            target,
            mode: AssignMode::Update,
            ..
        } => match **target {
            Pattern::Name(name, _) => Some(name),
            _ => None,
        },
        ExprKind::Call { callee, .. } => match ir.expr(*callee).kind {
            ExprKind::Attr { base, .. } => match ir.expr(base).kind {
                ExprKind::Name(name) => Some(name),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    })
}

/// The names that a pattern of names and tuples binds.
pub(crate) fn target_names(pattern: &Pattern, out: &mut Vec<Name>) {
    match pattern {
        Pattern::Name(name, _) => out.push(*name),
        Pattern::Tuple(parts) => parts.iter().for_each(|part| target_names(part, out)),
        _ => {}
    }
}

/// The crate's importable name and the module path of a Rust file.
fn rust_module<'p>(path: &'p str, packages: &[PackageRoot]) -> (String, Vec<&'p str>) {
    let dir = rust_package_dir(path);
    let named = packages
        .iter()
        .find(|package| package.dir == dir)
        .map(|package| package.name.clone());
    let name = named.unwrap_or_else(|| dir.rsplit('/').next().unwrap_or("").replace('-', "_"));
    // Binaries, examples and tests are crates of their own that use the library by its name.
    let inner = path.strip_prefix(dir).unwrap_or(path).trim_start_matches('/');
    let own_root = ["src/bin/", "examples/", "tests/", "benches/"]
        .iter()
        .find_map(|folder| {
            let rest = inner.strip_prefix(folder)?;
            let stem = rest.split('/').next().unwrap_or(rest);
            Some(format!(
                "{name}#{folder}{}",
                stem.strip_suffix(".rs").unwrap_or(stem)
            ))
        });
    (own_root.unwrap_or(name), rust_module_parts(path))
}

/// The folder above `src`, `tests`, `examples` or `benches`.
fn rust_package_dir(path: &str) -> &str {
    let at = ["src", "tests", "examples", "benches"]
        .iter()
        .filter_map(|folder| {
            let inner = path.find(&format!("/{folder}/"));
            inner.or_else(|| path.starts_with(&format!("{folder}/")).then_some(0))
        })
        .min();
    match at {
        Some(at) => &path[..at],
        None => path.rfind('/').map_or("", |at| &path[..at]),
    }
}

/// `a/src/b/c.rs` is the module `b::c` of its crate.
fn rust_module_parts(path: &str) -> Vec<&str> {
    let inner = path
        .strip_prefix(rust_package_dir(path))
        .unwrap_or(path)
        .trim_start_matches('/');
    let inner = inner.strip_suffix(".rs").unwrap_or(inner);
    let mut parts: Vec<&str> = inner.split('/').collect();
    match parts.first() {
        Some(&"src") => {
            parts.remove(0);
            if parts.first() == Some(&"bin") {
                parts.drain(..parts.len().min(2));
            }
        }
        Some(&("tests" | "examples" | "benches")) => {
            parts.drain(..parts.len().min(2));
        }
        _ => {}
    }
    if matches!(parts.last(), Some(&("mod" | "lib" | "main"))) {
        parts.pop();
    }
    parts
}
