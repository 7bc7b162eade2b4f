//! Where the files of Rust stand in the trees of their crates.

use onequery_core::ir::{Import, ImportKind, ScopeIx};
use onequery_core::{FileId, Language};
use rustc_hash::{FxHashMap, FxHashSet};

use super::linked::in_any_order;
use super::{PackageRoot, Program, ScopeId, Target};
use crate::known::hash;

/// How deep modules may lie below each other; deeper ones stay where their files lie.
const MAX_DEPTH: usize = 64;

/// The module that a file of Rust is.
#[derive(Clone)]
pub(super) struct RustModule<'a> {
    /// The importable name of its crate. Binaries, examples and tests are crates of their own, whose name has a `#` in it.
    pub(super) of_crate: String,
    /// Its path below the crate; empty for the crate itself.
    pub(super) path: Vec<&'a str>,
    /// The package whose crate it is, by index into the project's.
    package: Option<usize>,
}

impl RustModule<'_> {
    /// Its path from the crate on, `shop::db::orders`.
    pub(super) fn full_path(&self) -> String {
        let crate_and_path = std::iter::once(self.of_crate.as_str()).chain(self.path.iter().copied());
        crate_and_path.collect::<Vec<_>>().join("::")
    }
}

/// Where the modules of Rust stand below each other.
#[derive(Default)]
pub(super) struct ModuleTree<'a> {
    packages: &'a [PackageRoot],
    /// By file: the module that it is.
    pub(super) files: Vec<Option<RustModule<'a>>>,
    /// The files that a `mod` names by a path: the file it is written in, the import, the file it names.
    at_paths: Vec<(FileId, &'a Import, FileId)>,
    /// By module: the number of its path, which the files and inline modules of one path share.
    keys: Vec<Option<u32>>,
    /// By module that is a file: the file above it.
    above: Vec<Option<ScopeId>>,
    /// By path and name: the file below it.
    below: FxHashMap<(u32, &'a str), ScopeId>,
}

impl<'a> ModuleTree<'a> {
    /// A hash of what it says of modules.
    pub(super) fn hash(&self) -> u64 {
        let below = in_any_order(self.below.iter());
        let files = self.files.iter().flatten();
        let files: Vec<_> = files
            .map(|module| (&module.of_crate, &module.path, module.package))
            .collect();
        hash(&(files, &self.keys, &self.above, below))
    }

    /// The file-level module above a file.
    pub(super) fn above(&self, scope: ScopeId) -> Option<ScopeId> {
        self.above[scope.index()]
    }

    /// The file-level module of a name below a module.
    pub(super) fn below(&self, scope: ScopeId, name: &'a str) -> Option<ScopeId> {
        self.below.get(&(self.keys[scope.index()]?, name)).copied()
    }

    /// What the manifest of a file's package calls a dependency that the package's code calls by another name.
    pub(super) fn renamed(&self, file: FileId, name: &str) -> Option<&'a str> {
        let package = self.files[file.index()].as_ref()?.package?;
        let renamed = self.packages[package].renamed.iter();
        renamed
            .filter(|(alias, _)| alias == name)
            .map(|(_, real)| real.as_str())
            .next()
    }
}

impl<'a> Program<'a> {
    /// The importable name of the crate that a file of Rust belongs to.
    pub(super) fn crate_of(&self, file: FileId) -> Option<&str> {
        Some(self.tree.files[file.index()].as_ref()?.of_crate.as_str())
    }

    /// Tells which module each file of Rust is: by its path, or as a manifest or a `#[path = "…"]` says.
    pub(super) fn place_modules(&mut self, packages: &'a [PackageRoot]) {
        let mut places = Places {
            program: self,
            by_path: self.file_ids().map(|file| (self.path(file), file)).collect(),
            files: self.files.iter().map(|_| None).collect(),
            regular: FxHashSet::default(),
            at_paths: Vec::new(),
            placed: FxHashSet::default(),
            pending: Vec::new(),
        };
        places.place_by_path(packages);
        places.place_elsewhere(packages);
        let Places { files, at_paths, .. } = places;
        self.tree = ModuleTree {
            packages,
            files,
            at_paths,
            ..ModuleTree::default()
        };
    }

    /// Places all modules of Rust in the trees of their crates.
    pub(super) fn plant_modules(&mut self) {
        let mut tree = std::mem::take(&mut self.tree);
        tree.keys = vec![None; self.scopes.len()];
        tree.above = vec![None; self.scopes.len()];
        let mut keys: FxHashMap<String, u32> = FxHashMap::default();
        let mut intern = |key: String| {
            let next = u32::try_from(keys.len()).expect("ids fit");
            *keys.entry(key).or_insert(next)
        };
        let mut named: Vec<String> = vec![String::new(); self.scopes.len()];
        let modules = self
            .file_ids()
            .filter_map(|file| Some((file, tree.files[file.index()].clone()?)));
        for (file, module) in modules.collect::<Vec<_>>() {
            let ir = self.ir(file);
            let id = |ix: ScopeIx| self.scope_id(file, ix);
            for (ix, scope) in (0_u32..).map(ScopeIx).zip(&ir.scopes) {
                let name = match scope.parent {
                    Some(parent) => {
                        let above = &named[id(parent).index()];
                        match scope.name {
                            Some(name) => format!("{above}::{}", ir.name(name)),
                            None => above.clone(),
                        }
                    }
                    None => module.full_path(),
                };
                tree.keys[id(ix).index()] = Some(intern(name.clone()));
                named[id(ix).index()] = name;
            }
            if let [above @ .., name] = module.path.as_slice() {
                let above = RustModule {
                    path: above.to_vec(),
                    ..module.clone()
                }
                .full_path();
                let id = id(ScopeIx(0));
                tree.above[id.index()] = self.modules.get(&above).and_then(|files| files.first().copied());
                tree.below.entry((intern(above), name)).or_insert(id);
            }
        }
        for &(file, import, named) in &tree.at_paths {
            let scope = self.scope_id(file, import.scope);
            if let (Some(key), &[name]) = (tree.keys[scope.index()], &*import.path) {
                let module = self.scope_id(named, ScopeIx(0));
                tree.below.insert((key, self.ir(file).name(name)), module);
            }
        }
        self.tree = tree;
    }
}

/// The modules that the files of Rust are, as far as is known.
struct Places<'p, 'a> {
    program: &'p Program<'a>,
    by_path: FxHashMap<&'a str, FileId>,
    files: Vec<Option<RustModule<'a>>>,
    /// Full paths of the modules that a crate reaches whose root lies where roots do, if files lie elsewhere.
    regular: FxHashSet<String>,
    at_paths: Vec<(FileId, &'a Import, FileId)>,
    /// The files that have their place: files may name each other in circles.
    placed: FxHashSet<FileId>,
    /// Those of them whose modules are still to be placed, with the folders that these lie in.
    pending: Vec<(FileId, String)>,
}

impl<'a> Places<'_, 'a> {
    fn place_by_path(&mut self, packages: &[PackageRoot]) {
        for file in self.program.file_ids() {
            if self.program.ir(file).language == Language::Rust {
                self.files[file.index()] = Some(rust_module(self.program.path(file), packages));
            }
        }
    }

    /// Files that a manifest or a `mod` names by a path.
    fn place_elsewhere(&mut self, packages: &'a [PackageRoot]) {
        let program = self.program;
        let name_files: Vec<FileId> = program
            .file_ids()
            .filter(|&file| module_files(program, file).any(|import| import.alias.is_some()))
            .collect();
        if name_files.is_empty() && packages.iter().all(|package| package.targets.is_empty()) {
            return;
        }
        self.find_regular();
        for package in packages {
            for target in &package.targets {
                self.place_target(package, target);
            }
        }
        // Those that no other names come first: what lies below them is placed with them. The rest is below some of these,
        // or names each other in circles.
        let named: FxHashSet<FileId> = name_files
            .iter()
            .flat_map(|&file| module_files(program, file).map(move |import| (file, import)))
            .filter_map(|(file, import)| self.named_at(file, import, None))
            .collect();
        let (rest, first): (Vec<FileId>, Vec<FileId>) =
            name_files.into_iter().partition(|file| named.contains(file));
        for file in first.into_iter().chain(rest) {
            if self.placed.insert(file) {
                for import in module_files(program, file) {
                    self.place_below(file, import, None);
                }
                self.place_pending();
            }
        }
    }

    /// Finds the modules that a crate reaches whose root lies where roots do.
    fn find_regular(&mut self) {
        let mut by_module: FxHashMap<String, Vec<FileId>> = FxHashMap::default();
        let mut reached = Vec::new();
        for file in self.program.file_ids() {
            let Some(module) = &self.files[file.index()] else {
                continue;
            };
            if module.path.is_empty() {
                reached.push(file);
            } else {
                by_module.entry(module.full_path()).or_default().push(file);
            }
        }
        while let Some(file) = reached.pop() {
            let Some(module) = &self.files[file.index()] else {
                continue;
            };
            for import in module_files(self.program, file).filter(|import| import.alias.is_none()) {
                let below = self.child(file, module, import).full_path();
                reached.extend(by_module.remove(&below).unwrap_or_default());
                self.regular.insert(below);
            }
        }
    }

    fn place_target(&mut self, package: &'a PackageRoot, target: &Target) {
        let root = join(&package.dir, &target.path).and_then(|path| self.file_at(&path));
        let Some((file, place)) = root.and_then(|file| Some((file, self.files[file.index()].clone()?)))
        else {
            return;
        };
        if !place.path.is_empty() {
            let of_crate = if target.is_library {
                package.name.clone()
            } else {
                format!("{}#{}", package.name, target.path)
            };
            let module = RustModule {
                of_crate,
                path: Vec::new(),
                ..place
            };
            self.place(file, module, parent(self.program.path(file)).to_owned());
            self.place_pending();
        }
    }

    /// A file is a module, and the files that its `mod`s name lie in a folder.
    fn place(&mut self, file: FileId, module: RustModule<'a>, folder: String) {
        if module.path.len() <= MAX_DEPTH && self.placed.insert(file) {
            self.files[file.index()] = Some(module);
            self.pending.push((file, folder));
        }
    }

    /// Places what lies below the files that were placed.
    fn place_pending(&mut self) {
        while let Some((file, folder)) = self.pending.pop() {
            for import in module_files(self.program, file) {
                self.place_below(file, import, Some(&folder));
            }
        }
    }

    /// Places what a `mod` of a file names. `folder` is where the files of its modules lie, unless that is where its path says.
    fn place_below(&mut self, file: FileId, import: &'a Import, folder: Option<&str>) {
        let Some(module) = self.files[file.index()]
            .as_ref()
            .map(|module| self.child(file, module, import))
        else {
            return;
        };
        if import.alias.is_some() {
            let Some(named) = self.named_at(file, import, folder) else {
                return;
            };
            self.at_paths.push((file, import, named));
            if !self.is_regular(named) {
                self.place(named, module, parent(self.program.path(named)).to_owned());
            }
        } else if let (Some(folder), &[name]) = (folder, &*import.path) {
            let inline = self.inline_modules(file, import);
            let folder = inline
                .iter()
                .fold(folder.to_owned(), |base, part| within(&base, part));
            let folder = within(&folder, self.program.ir(file).name(name));
            let named = [format!("{folder}.rs"), format!("{folder}/mod.rs")];
            let named = named.iter().find_map(|path| self.file_at(path));
            if let Some(named) = named.filter(|&named| !self.is_regular(named)) {
                self.place(named, module, folder);
            }
        }
    }

    /// The file that a `mod` names by a path. That is relative to its own file's folder, or, below inline modules, to theirs.
    fn named_at(&self, file: FileId, import: &Import, folder: Option<&str>) -> Option<FileId> {
        let own = self.program.path(file);
        let inline = self.inline_modules(file, import);
        let base = match folder {
            _ if inline.is_empty() => parent(own).to_owned(),
            Some(folder) => folder.to_owned(),
            None => folder_of_modules(own),
        };
        let base = inline.iter().fold(base, |base, part| within(&base, part));
        let written = self.program.ir(file).name(import.alias?);
        self.file_at(&join(&base, written)?)
    }

    /// The module that a `mod` of a file declares.
    fn child(&self, file: FileId, module: &RustModule<'a>, import: &Import) -> RustModule<'a> {
        let names = import.path.iter().map(|&name| self.program.ir(file).name(name));
        let mut below = module.clone();
        below.path.extend(self.inline_modules(file, import));
        below.path.extend(names);
        below
    }

    /// The inline modules that a `mod` is written in, outermost first.
    fn inline_modules(&self, file: FileId, import: &Import) -> Vec<&'a str> {
        let ir = self.program.ir(file);
        let scopes = std::iter::successors(Some(import.scope), |&scope| ir.scopes[scope.index()].parent);
        let mut names: Vec<&str> = scopes
            .filter_map(|scope| ir.scopes[scope.index()].name)
            .map(|name| ir.name(name))
            .collect();
        names.reverse();
        names
    }

    fn is_regular(&self, file: FileId) -> bool {
        let place = self.files[file.index()].as_ref();
        place.is_none_or(|place| self.regular.contains(&place.full_path()))
    }

    fn file_at(&self, path: &str) -> Option<FileId> {
        self.by_path.get(path).copied()
    }
}

/// The `mod name;` of a file.
fn module_files<'a>(program: &Program<'a>, file: FileId) -> impl Iterator<Item = &'a Import> + use<'a> {
    let imports = program.ir(file).imports.iter();
    imports.filter(|import| import.kind == ImportKind::Module)
}

/// The module that a file of Rust is by its path.
fn rust_module<'a>(path: &'a str, packages: &[PackageRoot]) -> RustModule<'a> {
    let dir = rust_package_dir(path);
    let package = packages.iter().position(|package| package.dir == dir);
    let name = match package {
        Some(package) => packages[package].name.clone(),
        None => dir.rsplit('/').next().unwrap_or("").replace('-', "_"),
    };
    let inner = path.strip_prefix(dir).unwrap_or(path).trim_start_matches('/');
    let own_root = ["src/bin/", "examples/", "tests/", "benches/"]
        .iter()
        .find_map(|folder| {
            let rest = inner.strip_prefix(folder)?;
            let stem = rest.split('/').next().unwrap_or(rest);
            let stem = stem.strip_suffix(".rs").unwrap_or(stem);
            Some(format!("{name}#{folder}{stem}"))
        });
    RustModule {
        of_crate: own_root.unwrap_or(name),
        path: rust_module_parts(path),
        package,
    }
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
        None => parent(path),
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

/// Where the files of the modules lie that a file declares: beside `mod.rs`, below `name/` otherwise.
fn folder_of_modules(path: &str) -> String {
    let stem = path.strip_suffix(".rs").unwrap_or(path);
    match stem.rsplit('/').next() {
        Some("mod" | "lib" | "main") => parent(path).to_owned(),
        _ => stem.to_owned(),
    }
}

fn parent(path: &str) -> &str {
    path.rfind('/').map_or("", |at| &path[..at])
}

fn within(folder: &str, part: &str) -> String {
    if folder.is_empty() {
        part.to_owned()
    } else {
        format!("{folder}/{part}")
    }
}

/// A path that is written relative to a folder; `None` if it leads out of the project.
fn join(folder: &str, written: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in written.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}
