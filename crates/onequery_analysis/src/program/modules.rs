//! How modules are named, and what paths and imports through them stand for. All that the analysis knows of languages.

use onequery_core::ir::{ImportKind, ScopeIx};
use onequery_core::{FileId, Language};

use super::{MAX_HOPS, Program, ScopeId, Seen, Symbol, file_id};
use crate::catalog::PathNode;
use crate::program::ClassId;

impl<'a> Program<'a> {
    /// Gives every file its importable names.
    pub(super) fn name_modules(&mut self) {
        let package_dirs: rustc_hash::FxHashSet<&str> = self
            .files
            .iter()
            .filter_map(|file| file.path.strip_suffix("/__init__.py"))
            .collect();
        for ix in 0..self.files.len() {
            let scope = self.scope_id(file_id(ix), ScopeIx(0));
            let path = &self.files[ix].path;
            match self.files[ix].ir.language {
                Language::Python => {
                    let Some(stem) = path.strip_suffix(".py").or_else(|| path.strip_suffix(".pyi")) else {
                        continue;
                    };
                    let stem = stem.strip_suffix("/__init__").unwrap_or(stem);
                    if self.is_stub(file_id(ix)) {
                        // A copy of the library in the project is the library.
                        let named = self.modules.entry(stem.replace('/', "."));
                        named.or_insert_with(|| vec![scope]);
                        continue;
                    }
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
                    let Some(module) = &self.tree.files[ix] else {
                        continue;
                    };
                    if module.path.is_empty() {
                        self.crates
                            .entry(module.of_crate.clone())
                            .or_default()
                            .push(scope);
                    }
                    self.modules.entry(module.full_path()).or_default().push(scope);
                }
                // Nothing imports one.
                Language::Template => {}
            }
        }
    }

    /// What catalogues call the module that a stub file is of.
    pub(super) fn stub_node(&self, module: ScopeId) -> Option<PathNode> {
        let file = self.file_of_scope(module);
        let stem = self
            .path(file)
            .strip_suffix(".pyi")
            .filter(|_| self.is_stub(file))?;
        let mut parts = stem.split('/');
        let root = self.catalogs.root(Language::Python, parts.next()?);
        Some(parts.fold(root, |node, part| self.catalogs.child(node, part)))
    }

    /// What an import statement's path stands for.
    pub(crate) fn import(&self, file: FileId, import: u32) -> Symbol<'a> {
        self.look_into(file);
        match self.imported.get(file.index()) {
            Some(known) => known[import as usize],
            None => self.import_within(file, import, MAX_HOPS, &mut Seen::default()),
        }
    }

    pub(super) fn import_within(&self, file: FileId, import: u32, hops: u32, seen: &mut Seen) -> Symbol<'a> {
        let ir = self.ir(file);
        let import = &ir.imports[import as usize];
        let path = self.texts(file, &import.path);
        let scope = self.scope_id(file, import.scope);
        match ir.language {
            // `use diesel::{self, …}` does not mean itself.
            Language::Rust
                if let [name] = *path
                    && import.alias.is_some_and(|alias| ir.name(alias) == name) =>
            {
                self.outside(file, name)
            }
            Language::Rust => {
                let is_glob = matches!(import.kind, ImportKind::Glob | ImportKind::PublicGlob);
                self.resolve_path_within(scope, None, &path, is_glob, hops, seen)
            }
            Language::Python => {
                let path = if import.kind == ImportKind::Root {
                    &path[..path.len().min(1)]
                } else {
                    &path[..]
                };
                self.python_import(file, import.level, path, hops, seen)
            }
            Language::Template => Symbol::Unknown,
        }
    }

    fn python_import(
        &self,
        file: FileId,
        level: u32,
        path: &[&str],
        hops: u32,
        seen: &mut Seen,
    ) -> Symbol<'a> {
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
            let path = self.path(self.file_of_scope(*module));
            package.is_none_or(|package| {
                path.strip_prefix(package)
                    .is_some_and(|rest| rest.starts_with('/'))
            })
        };
        for upto in (1..=path.len()).rev().chain((level > 0).then_some(0)) {
            let Some(module) = self.python_module(file, &dotted(upto)).filter(is_inside) else {
                continue;
            };
            let symbol = self.descend(Symbol::Module(module), &path[upto..], false, hops, seen);
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
            // A script's own folder is where imports are looked for first, and Python 2 looked beside every module.
            [root, ..]
                if level == 0
                    && self.catalogs.root(language, root) == PathNode::OTHER
                    && self.is_beside(file, root) =>
            {
                self.python_import(file, 1, path, hops, seen)
            }
            [root, rest @ ..] if level == 0 => Symbol::External(
                rest.iter()
                    .fold(self.catalogs.root(language, root), |node, part| {
                        self.catalogs.child(node, part)
                    }),
            ),
            _ => Symbol::Unknown,
        }
    }

    /// Whether a module of that name stands in the same folder.
    fn is_beside(&self, file: FileId, name: &str) -> bool {
        let mut parts = self.python_package(file, 1);
        parts.push(name);
        self.python_module(file, &parts.join(".")).is_some()
    }

    /// The folder of the package that an absolute import's first part means.
    fn python_package_dir(&self, from: FileId, root: &str) -> Option<&'a str> {
        let module = self.python_module(from, root)?;
        self.path(self.file_of_scope(module)).strip_suffix("/__init__.py")
    }

    /// The dotted parts of the package that `level` dots start from.
    fn python_package(&self, file: FileId, level: u32) -> Vec<&'a str> {
        let path = self.path(file);
        let mut parts: Vec<&str> = path.split('/').collect();
        for _ in 0..level {
            parts.pop();
        }
        parts
    }

    /// A module by its dotted name; among several, the one nearest to the importing file.
    fn python_module(&self, from: FileId, dotted: &str) -> Option<ScopeId> {
        let candidates = self.modules.get(dotted)?;
        let from = self.path(from).as_bytes();
        let shared = |scope: &&ScopeId| {
            let path = self.path(self.file_of_scope(**scope)).as_bytes();
            from.iter().zip(path).take_while(|(a, b)| a == b).count()
        };
        let best = candidates.iter().rev().max_by_key(shared).copied()?;
        (self.ir(self.file_of_scope(best)).language == Language::Python).then_some(best)
    }

    /// The first module of a dotted name.
    pub(crate) fn module_named(&self, dotted: &str) -> Option<ScopeId> {
        self.modules.get(dotted)?.first().copied()
    }

    /// The file-level module below another: `shop/views.py` below `shop/__init__.py`, `a/b.rs` below `a.rs`.
    pub(super) fn submodule(&self, scope: ScopeId, name: &str) -> Option<ScopeId> {
        let info = &self.scopes[scope.index()];
        let file = info.file;
        match self.ir(file).language {
            Language::Python => {
                let stem = self.path(file).strip_suffix("/__init__.py")?;
                self.python_module(file, &format!("{}.{name}", stem.replace('/', ".")))
            }
            Language::Rust => self.tree.below(scope, name),
            Language::Template => None,
        }
    }

    /// The root module of a crate of the workspace, by its importable name.
    pub(super) fn rust_crate(&self, name: &str) -> Option<ScopeId> {
        self.crates.get(name)?.first().copied()
    }

    /// What a Rust path stands for; `own` is what `Self` means.
    pub(crate) fn resolve_path(&self, scope: ScopeId, own: Option<ClassId>, path: &[&str]) -> Symbol<'a> {
        self.resolve_path_within(scope, own, path, false, MAX_HOPS, &mut Seen::default())
    }

    /// `opened` says that something in what the path stands for is wanted, as of `use a::b::*`.
    fn resolve_path_within(
        &self,
        scope: ScopeId,
        own: Option<ClassId>,
        path: &[&str],
        opened: bool,
        hops: u32,
        seen: &mut Seen,
    ) -> Symbol<'a> {
        let Some(hops) = hops.checked_sub(1) else {
            return Symbol::Unknown;
        };
        let Some((&first, mut rest)) = path.split_first() else {
            return Symbol::Unknown;
        };
        let mut symbol = match first {
            "crate" => {
                let of_crate = self.crate_of(self.file_of_scope(scope));
                return match of_crate.and_then(|name| self.crates.get(name)) {
                    Some(roots) => roots
                        .iter()
                        .map(|&root| self.descend(Symbol::Module(root), rest, opened, hops, seen))
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
            name => self.lookup_within(scope, name, hops, seen),
        };
        if symbol == Symbol::Unknown && !rest.is_empty() {
            symbol = Symbol::External(PathNode::OTHER);
        }
        self.descend(symbol, rest, opened, hops, seen)
    }

    fn descend(
        &self,
        symbol: Symbol<'a>,
        rest: &[&str],
        opened: bool,
        hops: u32,
        seen: &mut Seen,
    ) -> Symbol<'a> {
        let last = rest.len().saturating_sub(1);
        rest.iter()
            .enumerate()
            .fold(symbol, |symbol, (ix, part)| match symbol {
                Symbol::Module(module) => match self.local_within(module, part, hops, seen) {
                    // `use jobs::jobs` beside `mod jobs`: nothing is in a function.
                    Symbol::Function(_) | Symbol::Variable(..) if opened || ix < last => self
                        .submodule(module, part)
                        .map_or(Symbol::Unknown, Symbol::Module),
                    found => found,
                },
                symbol => self.member(symbol, part),
            })
    }

    fn parent_module(&self, scope: ScopeId) -> Option<ScopeId> {
        let info = &self.scopes[scope.index()];
        if info.parent.is_some() {
            return info.parent;
        }
        self.tree.above(scope)
    }
}
