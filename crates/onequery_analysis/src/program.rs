//! The whole program: modules, classes and functions of all files, with names linked across them.
//!
//! Linking never fails: what is not found stays unresolved. It goes through everything in the order of the sorted files, so
//! equal trees give equal programs.

mod bases;
mod batches;
mod layout;
mod linked;
mod module_tree;
mod modules;
mod presentations;
mod templates;
mod top_level;
mod traits;

use std::collections::BTreeSet;
use std::hash::{Hash, Hasher as _};

use onequery_core::ir::{
    Class, ClassIx, ClassKind, ExprId, ExprKind, FileIr, FnIx, Function, ImportKind, ScopeIx, TypeRef,
};
use onequery_core::{DirectiveKind, EntryKind, FileId, Language, Name};
use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};
use serde::{Deserialize, Serialize};

pub(crate) use layout::{IdNames, Layout};
pub(crate) use linked::{Key, Keys, Linked};
pub(crate) use presentations::{ClassReturned, FieldOf, Written};
use top_level::top_level_updates;
pub(crate) use top_level::{target_names, top_level_assignments, top_level_ids, top_level_names};

use crate::catalog::{Access, CallId, Catalogs, Decorates, LibTy, PathNode};
use crate::models::Models;
use crate::past::{ask, look_into};

macro_rules! id {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
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
#[derive(Debug)]
pub struct SourceFile {
    /// Path relative to the project root, with `/` between parts. Files are sorted by it.
    pub path: String,
    /// Its lowered text.
    pub ir: FileIr,
    /// Its functions that the world outside calls, as the project says.
    pub entered: Vec<(FnIx, EntryKind)>,
}

/// A package's folder and the name that other code imports it by, as its manifest says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PackageRoot {
    /// The folder of the manifest relative to the project root; empty for the root itself.
    pub dir: String,
    /// The importable name.
    pub name: String,
    /// The files that the manifest names as roots of crates.
    pub targets: Vec<Target>,
    /// Dependencies that have another name in the package's code: that name, and the importable name they have elsewhere.
    pub renamed: Vec<(String, String)>,
}

/// A crate whose root the manifest names: `[[bin]] path = "cli/main.rs"`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    /// Its root relative to the manifest's folder.
    pub path: String,
    /// Whether it is what other packages import.
    pub is_library: bool,
}

/// The names of a program, and the files in which another one differs.
pub(crate) type Like<'m> = (&'m IdNames, &'m BTreeSet<FileId>);

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Symbol<'a> {
    Unknown,
    Class(ClassId),
    Function(FnId),
    Module(ScopeId),
    External(PathNode),
    /// A variable at the top level of a module.
    Variable(ScopeId, &'a str),
}

/// Names whose glob imports are being followed, by module.
#[derive(Default)]
struct Seen(Vec<(ScopeId, u64)>);

impl Seen {
    /// Whether a name is not among them yet, which it is then.
    fn enter(&mut self, scope: ScopeId, name: &str) -> bool {
        let mut hasher = rustc_hash::FxHasher::default();
        name.hash(&mut hasher);
        let key = (scope, hasher.finish());
        let is_new = !self.0.contains(&key);
        if is_new {
            self.0.push(key);
        }
        is_new
    }
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

#[derive(Default)]
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
#[derive(Default)]
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
    /// Those of the project, then stub files of libraries.
    files: Vec<&'a SourceFile>,
    n_own_files: usize,
    pub(crate) catalogs: &'a Catalogs,
    /// By [`ScopeId`]; an id may stand for nothing.
    scopes: Vec<ScopeInfo<'a>>,
    /// By [`ClassId`]; an id may stand for nothing.
    pub(crate) classes: Vec<ClassInfo<'a>>,
    pub(crate) layout: Layout,
    /// By [`FnId`].
    fn_class: Vec<Option<ClassId>>,
    /// By [`FnId`], of functions that are written somewhere.
    fn_place: Vec<(FileId, FnIx)>,
    /// By file and import: what each import stands for, once everything is linked.
    imported: Vec<Vec<Symbol<'a>>>,
    modules: FxHashMap<String, Vec<ScopeId>>,
    crates: FxHashMap<String, Vec<ScopeId>>,
    tree: module_tree::ModuleTree<'a>,
    /// By name: the only method that is called so.
    unique_methods: FxHashMap<(Language, &'a str), FnId>,
    /// Macros, by the names of their calls, that return from the function that calls them.
    returning_macros: FxHashSet<&'a str>,
    traits: traits::Traits<'a>,
    subclasses: FxHashMap<ClassId, Vec<ClassId>>,
    presentations: presentations::Presentations,
    templates: templates::Templates,
    pub(crate) models: Models,
    /// Evaluation counts what it can see.
    pub(crate) counts_coverage: bool,
    /// Evaluation tells which files it looks into, and by which keys it asks for something.
    pub(crate) tells_files: bool,
}

/// How many import hops are followed before a name counts as unresolved; cycles of re-exports end here.
pub(crate) const MAX_HOPS: u32 = 24;

impl<'a> Program<'a> {
    /// Links lowered files. `own` are those of the project, sorted by path. What a program has, too, that this one is `like`,
    /// has the ids that it has there, if that can be.
    pub(crate) fn link(
        own: &'a [SourceFile],
        packages: &'a [PackageRoot],
        catalogs: &'a Catalogs,
        like: Option<Like<'_>>,
    ) -> Self {
        let files: Vec<&SourceFile> = own.iter().chain(catalogs.stubs()).collect();
        let kept = like.and_then(|(names, changed)| Layout::like(&files, names, changed));
        let layout = kept.unwrap_or_else(|| Layout::new(&files));
        let mut program = Self {
            catalogs,
            scopes: Vec::new(),
            classes: Vec::new(),
            fn_class: Vec::new(),
            fn_place: vec![(FileId(0), FnIx(0)); layout.functions.len()],
            layout,
            imported: Vec::new(),
            modules: FxHashMap::default(),
            crates: FxHashMap::default(),
            files,
            n_own_files: own.len(),
            returning_macros: returning_macros(own),
            tree: module_tree::ModuleTree::default(),
            unique_methods: FxHashMap::default(),
            traits: traits::Traits::default(),
            subclasses: FxHashMap::default(),
            presentations: presentations::Presentations::default(),
            templates: templates::Templates::default(),
            models: Models::default(),
            counts_coverage: false,
            tells_files: false,
        };
        program.place_modules(packages);
        program.name_modules();
        program
            .scopes
            .resize_with(program.layout.scopes.len(), ScopeInfo::default);
        program
            .classes
            .resize_with(program.layout.classes.len(), || ClassInfo {
                file: program.layout.stand_in.0,
                ix: program.layout.stand_in.1,
                ..ClassInfo::default()
            });
        for file in program.file_ids() {
            program.define(file);
        }
        program.plant_modules();
        program.resolve_globs();
        for (id, place) in program.written_functions() {
            program.fn_place[id.index()] = place;
        }
        program.fn_class = vec![None; program.layout.behind_functions as usize];
        program.collect_methods();
        let of_traits = program.link_traits();
        program.link_bases(&of_traits);
        program.subclasses = program.find_subclasses();
        program.lend_bases_to_mixins();
        program.link_overrides();
        program.unique_methods = program.find_unique_methods();
        program.adopt_models();
        program.models = program.find_models();
        program.imported = program.resolve_imports();
        program.find_presentations();
        program.find_templates();
        program
    }

    pub(crate) fn ir(&self, file: FileId) -> &'a FileIr {
        self.look_into(file);
        &self.files[file.index()].ir
    }

    /// The class that stands where an id is that of nothing.
    pub(crate) fn stand_in(&self) -> ClassId {
        let (file, ix) = self.layout.stand_in;
        self.class_id(file, ix)
    }

    /// Whether what the program has, too, that this one was to be like, has the ids that it has there.
    pub(crate) const fn keeps_ids(&self) -> bool {
        self.layout.is_kept()
    }

    /// Whether a call of a macro of this name, `err!`, is a `return`.
    pub(crate) fn always_returns(&self, name: &str) -> bool {
        self.returning_macros.contains(name)
    }

    /// All files: those of the project, then stub files of libraries.
    pub(crate) fn file_ids(&self) -> impl Iterator<Item = FileId> + use<> {
        (0..self.files.len()).map(file_id)
    }

    /// Whether a file is a library's: nothing in it is a place that people are shown.
    pub(crate) fn is_stub(&self, file: FileId) -> bool {
        file.index() >= self.n_own_files
    }

    pub(crate) fn n_functions(&self) -> usize {
        self.fn_class.len()
    }

    /// The path of a file.
    pub(crate) fn path(&self, file: FileId) -> &'a str {
        &self.files[file.index()].path
    }

    /// The functions of which a comment declares something.
    pub(crate) fn functions_declared(&self, what: &DirectiveKind) -> impl Iterator<Item = FnId> {
        self.file_ids().flat_map(move |file| {
            let ir = self.ir(file);
            let directives = ir
                .directives
                .iter()
                .filter(move |directive| directive.kind == *what);
            directives
                .flat_map(|directive| ir.functions_under(directive))
                .map(move |ix| self.fn_id(file, ix))
        })
    }

    /// The functions that the world outside calls, as the project says.
    pub(crate) fn entered(&self) -> impl Iterator<Item = (FnId, EntryKind)> {
        self.file_ids().flat_map(move |file| {
            let entered = self.files[file.index()].entered.iter();
            entered.map(move |&(function, kind)| (self.fn_id(file, function), kind))
        })
    }

    pub(crate) fn fn_id(&self, file: FileId, ix: FnIx) -> FnId {
        FnId(self.layout.functions.get(file, ix.0))
    }

    pub(crate) fn class_id(&self, file: FileId, ix: ClassIx) -> ClassId {
        ClassId(self.layout.classes.get(file, ix.0))
    }

    pub(crate) fn scope_id(&self, file: FileId, ix: ScopeIx) -> ScopeId {
        ScopeId(self.layout.scopes.get(file, ix.0))
    }

    /// All modules, in the order of files and places in them.
    fn scope_ids(&self) -> impl Iterator<Item = ScopeId> + use<'a> {
        self.in_order(|ir| ir.scopes.len(), |file, ix| self.scope_id(file, ScopeIx(ix)))
    }

    /// What each of things of a kind is that files have so many of, by its place among them.
    fn in_order<T>(
        &self,
        count: fn(&FileIr) -> usize,
        what: impl Fn(FileId, u32) -> T,
    ) -> std::vec::IntoIter<T> {
        let mut all = Vec::new();
        for file in self.file_ids() {
            let n = u32::try_from(count(&self.files[file.index()].ir)).expect("ids fit");
            all.extend((0..n).map(|ix| what(file, ix)));
        }
        all.into_iter()
    }

    pub(crate) fn file_of_scope(&self, scope: ScopeId) -> FileId {
        self.scopes[scope.index()].file
    }

    /// The file and place of a function; of one that stands for what a framework does, those of the module.
    pub(crate) fn function(&self, id: FnId) -> (FileId, FnIx, &'a Function) {
        if let Some(class) = self.presented(id) {
            let file = self.class(class).file;
            return (file, FnIx(0), self.ir(file).function(FnIx(0)));
        }
        let (file, ix) = self.fn_place[id.index()];
        (file, ix, self.ir(file).function(ix))
    }

    /// Where a function comes in the order of files and places in them; what frameworks do comes last.
    pub(crate) fn order(&self, id: FnId) -> impl Ord + use<> {
        let presented = self.presented(id).map(|class| {
            let info = &self.classes[class.index()];
            (info.file, info.ix.0)
        });
        let (file, place) = presented.unwrap_or_else(|| {
            let (file, ix) = self.fn_place[id.index()];
            (file, ix.0)
        });
        (presented.is_some(), file, place)
    }

    /// All functions, in [`Program::order`].
    pub(crate) fn function_ids(&self) -> impl Iterator<Item = FnId> {
        self.written_functions()
            .map(|(id, _)| id)
            .chain(self.presentations())
    }

    /// The functions that are written somewhere, with their places.
    fn written_functions(&self) -> impl Iterator<Item = (FnId, (FileId, FnIx))> + use<'a> {
        self.in_order(
            |ir| ir.functions.len(),
            |file, ix| (self.fn_id(file, FnIx(ix)), (file, FnIx(ix))),
        )
    }

    /// The class a function is a method of.
    pub(crate) fn class_of(&self, id: FnId) -> Option<ClassId> {
        if self.presented(id).is_none() {
            self.look_into(self.fn_place[id.index()].0);
        }
        self.fn_class[id.index()]
    }

    /// All classes, in the order of files and places in them.
    pub(crate) fn class_ids(&self) -> impl Iterator<Item = ClassId> + use<'a> {
        self.in_order(|ir| ir.classes.len(), |file, ix| self.class_id(file, ClassIx(ix)))
    }

    pub(crate) fn class(&self, id: ClassId) -> &ClassInfo<'a> {
        self.look_at(id);
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
            let own = self.presented(id).or_else(|| self.class_of(self.fn_id(file, ix)));
            if let Some(class) = own {
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

    /// The text of a name of a file.
    pub(crate) fn text(&self, (file, name): (FileId, Name)) -> &'a str {
        self.ir(file).name(name)
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

    /// Binds the names of one file's modules.
    fn define(&mut self, file: FileId) {
        let ir = self.ir(file);
        for (ix, scope) in (0_u32..).zip(&ir.scopes) {
            let id = self.scope_id(file, ScopeIx(ix));
            self.scopes[id.index()] = ScopeInfo {
                file,
                parent: scope.parent.map(|parent| self.scope_id(file, parent)),
                ..ScopeInfo::default()
            };
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
            self.classes[id.index()] = ClassInfo {
                file,
                ix: ClassIx(ix),
                mro: vec![id],
                ..ClassInfo::default()
            };
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
            for scope in self.scope_ids() {
                let info = &self.scopes[scope.index()];
                let targets = info
                    .globs
                    .iter()
                    .rev()
                    .map(|&glob| self.import(info.file, glob))
                    .filter(Symbol::is_known);
                let targets = targets.collect();
                self.scopes[scope.index()].glob_targets = targets;
            }
        }
    }

    /// What each import stands for. Evaluation asks again and again.
    fn resolve_imports(&self) -> Vec<Vec<Symbol<'a>>> {
        let files: Vec<FileId> = self.file_ids().collect();
        files
            .into_par_iter()
            .map(|file| {
                let imports = 0..self.ir(file).imports.len();
                imports
                    .map(|ix| self.import(file, u32::try_from(ix).expect("ids fit")))
                    .collect()
            })
            .collect()
    }

    /// The classes that extend each class.
    fn find_subclasses(&self) -> FxHashMap<ClassId, Vec<ClassId>> {
        let mut found: FxHashMap<ClassId, Vec<ClassId>> = FxHashMap::default();
        for class in self.class_ids() {
            for &base in self.class(class).mro.iter().skip(1) {
                found.entry(base).or_default().push(class);
            }
        }
        found
    }

    /// The classes that extend a class, directly or through others.
    pub(crate) fn subclasses(&self, class: ClassId) -> &[ClassId] {
        self.ask(&(Key::Subclasses, class));
        self.subclasses.get(&class).map(Vec::as_slice).unwrap_or_default()
    }

    /// The methods outside of tests that alone have their names; a trait's and its implementations are one.
    fn find_unique_methods(&self) -> FxHashMap<(Language, &'a str), FnId> {
        let mut named: FxHashMap<(Language, &str), Vec<FnId>> = FxHashMap::default();
        for (id, (file, ix)) in self.written_functions() {
            let ir = self.ir(file);
            let function = ir.function(ix);
            let is_method = function.in_impl.is_some() || function.class.is_some();
            if let (Some(name), true) = (function.name, is_method && self.is_real(file, function)) {
                named.entry((ir.language, ir.name(name))).or_default().push(id);
            }
        }
        let unique = named.into_iter().filter_map(|(name, methods)| {
            let stands_for_all = |one: &FnId| {
                let implementations = self.implementations(*one);
                let is_covered = |other: &FnId| other == one || implementations.contains(other);
                methods.iter().all(is_covered)
            };
            Some((name, *methods.iter().find(|one| stands_for_all(one))?))
        });
        unique.collect()
    }

    /// The only method of a name.
    pub(crate) fn unique_method(&self, language: Language, name: &str) -> Option<FnId> {
        self.ask(&(Key::Method, language, name));
        self.unique_methods.get(&(language, name)).copied()
    }

    /// Notes that an evaluation looks into a file, or at what linking made of it.
    pub(crate) fn look_into(&self, file: FileId) {
        if self.tells_files {
            look_into(file);
        }
    }

    /// Notes that an evaluation looks at what linking made of a class.
    pub(crate) fn look_at(&self, class: ClassId) {
        self.look_into(self.classes[class.index()].file);
    }

    /// Notes that an evaluation asks for what linking knows by a key.
    pub(crate) fn ask(&self, key: &impl Hash) {
        if self.tells_files {
            ask(key);
        }
    }

    /// Gives methods to their classes: those of class bodies, then those of `impl` blocks.
    fn collect_methods(&mut self) {
        for class in self.class_ids() {
            let file = self.class(class).file;
            for &method in &self.class_ir(class).methods {
                self.add_method(class, file, method);
            }
        }
        for file in self.file_ids() {
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
        let function = ir.function(method);
        let of_trait = function
            .in_impl
            .is_some_and(|ix| ir.impls[ix as usize].of_trait.is_some());
        if let Some(name) = function.name {
            let methods = &mut self.classes[class.index()].methods;
            // A type's own method goes before a trait's of the same name.
            if of_trait {
                methods.entry(ir.name(name)).or_insert(id);
            } else {
                methods.insert(ir.name(name), id);
            }
        }
    }

    /// What a module's top level last assigns to a variable.
    pub(crate) fn assigned_at(&self, module: ScopeId, name: &str) -> Option<ExprId> {
        let ir = self.ir(self.file_of_scope(module));
        let of_name = |target: Name| ir.name(target) == name;
        if top_level_updates(ir).any(of_name) {
            return None;
        }
        self.made_at(module, name)
    }

    /// The same of an object, which stays what it is whatever is done with it.
    pub(crate) fn made_at(&self, module: ScopeId, name: &str) -> Option<ExprId> {
        let ir = self.ir(self.file_of_scope(module));
        let assigned = top_level_assignments(ir).filter(|(target, _)| ir.name(*target) == name);
        assigned.last().map(|(_, value)| value)
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
        self.catalogs
            .call(self.decorating(file, scope, decorator)?)
            .decorates
    }

    /// What is known of a decorator, which may be a call that makes one.
    pub(crate) fn decorating(&self, file: FileId, scope: ScopeId, decorator: ExprId) -> Option<CallId> {
        let named = match self.ir(file).expr(decorator).kind {
            ExprKind::Call { callee, .. } => callee,
            _ => decorator,
        };
        match self.resolve_expr(file, scope, named) {
            Symbol::External(node) => self.catalogs.call_at(node),
            _ => None,
        }
    }

    /// What a name stands for in a module.
    pub(crate) fn lookup(&self, scope: ScopeId, name: &str) -> Symbol<'a> {
        self.lookup_within(scope, name, MAX_HOPS, &mut Seen::default())
    }

    fn lookup_within(&self, scope: ScopeId, name: &str, hops: u32, seen: &mut Seen) -> Symbol<'a> {
        let local = self.local_within(scope, name, hops, seen);
        if local != Symbol::Unknown {
            return local;
        }
        self.outside(self.file_of_scope(scope), name)
    }

    /// What a name stands for that the modules of a file do not bind: a crate of the workspace, a library.
    fn outside(&self, file: FileId, name: &str) -> Symbol<'a> {
        let language = self.ir(file).language;
        let name = match language {
            Language::Rust => self.tree.renamed(file, name).unwrap_or(name),
            _ => name,
        };
        if language == Language::Rust
            && let Some(module) = self.rust_crate(name)
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
        self.local_within(scope, name, hops, &mut Seen::default())
    }

    /// `seen` are the names whose glob imports are being followed: `use super::*` goes in circles.
    fn local_within(&self, scope: ScopeId, name: &str, hops: u32, seen: &mut Seen) -> Symbol<'a> {
        let Some(hops) = hops.checked_sub(1) else {
            return Symbol::Unknown;
        };
        let info = &self.scopes[scope.index()];
        self.look_into(info.file);
        if let Some((&name, def)) = info.defs.get_key_value(name) {
            return match *def {
                Def::Class(class) => Symbol::Class(class),
                Def::Function(function) => Symbol::Function(function),
                Def::Module(module) => Symbol::Module(module),
                Def::Variable => Symbol::Variable(scope, name),
                Def::Import(import) => {
                    let known = self.imported.get(info.file.index());
                    let symbol = known.map(|imports| imports[import as usize]);
                    match symbol.unwrap_or_else(|| self.import_within(info.file, import, hops, seen)) {
                        Symbol::Unknown => Symbol::External(PathNode::OTHER),
                        symbol => symbol,
                    }
                }
            };
        }
        if let Some(module) = self.submodule(scope, name) {
            return Symbol::Module(module);
        }
        if info.glob_targets.is_empty() || !seen.enter(scope, name) {
            return Symbol::Unknown;
        }
        // An import that leads out of the project, or in a circle, says less than one that leads to a definition.
        let mut outside = Symbol::Unknown;
        for &target in &info.glob_targets {
            let found = match target {
                Symbol::Module(module) => self.local_within(module, name, hops, seen),
                Symbol::External(node) => match self.catalogs.child(node, name) {
                    PathNode::OTHER => Symbol::Unknown,
                    child => Symbol::External(child),
                },
                Symbol::Class(_) => self.member(target, name),
                _ => Symbol::Unknown,
            };
            match found {
                Symbol::Unknown => {}
                Symbol::External(PathNode::OTHER) => outside = found,
                _ => return found,
            }
        }
        outside
    }

    /// What `symbol.name` stands for, as far as no value is needed to know it.
    pub(crate) fn member(&self, symbol: Symbol<'a>, name: &str) -> Symbol<'a> {
        match symbol {
            Symbol::Module(module) => {
                match (self.local(module, name, MAX_HOPS), self.stub_node(module)) {
                    // A stub file has only some of what its module has.
                    (Symbol::Unknown, Some(node)) => Symbol::External(self.catalogs.child(node, name)),
                    (found, _) => found,
                }
            }
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

fn file_id(ix: usize) -> FileId {
    FileId(u32::try_from(ix).expect("a run has fewer than 2^32 files"))
}

/// The macros all of whose definitions return: which of several a call means is not known.
fn returning_macros(files: &[SourceFile]) -> FxHashSet<&str> {
    let macros = |returning: bool| {
        files.iter().flat_map(move |file| {
            let of_kind = file
                .ir
                .macros
                .iter()
                .filter(move |rules| rules.always_returns == returning);
            of_kind.map(|rules| file.ir.name(rules.name))
        })
    };
    let others: FxHashSet<&str> = macros(false).collect();
    macros(true).filter(|name| !others.contains(name)).collect()
}
