//! What may change when a module binds a name to something else.

use std::collections::BTreeSet;

use onequery_core::FileId;
use onequery_core::ir::{Import, ScopeIx};
use rayon::prelude::*;

use super::{Program, Symbol};
use crate::known::hash;
use crate::memory::Rebound;

impl<'a> Program<'a> {
    /// By file: the hash of what its imports stand for.
    pub(crate) fn hash_imports(&self) -> Vec<u64> {
        self.imported.iter().map(hash).collect()
    }

    /// The names in the paths of a file's imports, but for those that bind one of these names.
    pub(crate) fn imported_names(
        &self,
        file: FileId,
        rebound: &BTreeSet<Rebound>,
    ) -> impl Iterator<Item = &'a str> {
        let ir = self.ir(file);
        let is_other = |import: &&Import| {
            let binds = |rebound: &Rebound| import.alias.is_some_and(|name| ir.name(name) == rebound.name());
            !rebound.iter().any(binds)
        };
        let names = ir.imports.iter().filter(is_other).flat_map(|import| &import.path);
        names.map(|&name| ir.name(name))
    }

    /// Whether linking may look up one of these names of a module elsewhere than in imports, which can be compared. Who asks
    /// for one while functions are evaluated is known.
    pub(crate) fn is_asked_for(&self, file: FileId, names: &BTreeSet<Rebound>) -> bool {
        let module = Symbol::Module(self.scope_id(file, ScopeIx(0)));
        let path = self.path(file).strip_suffix(".py").unwrap_or_default();
        let path = path.strip_suffix("/__init__").unwrap_or(path);
        let stem = path.rsplit('/').next().unwrap_or_default();
        let is_setting = |rebound: &Rebound| self.catalogs.default_of(rebound.name()).is_some();
        let is_open = self
            .scopes
            .iter()
            .any(|scope| scope.glob_targets.contains(&module));
        // `import shop` leads to `shop.views`.
        let is_package = |symbol: &Symbol<'_>| match symbol {
            Symbol::Module(other) => {
                let folder = self.path(self.file_of_scope(*other)).strip_suffix("__init__.py");
                folder.is_some_and(|folder| path.starts_with(folder))
            }
            _ => false,
        };
        let asks = |other: FileId| {
            let ir = self.ir(other);
            let has_module = self.imported[other.index()]
                .iter()
                .any(|symbol| *symbol == module || is_package(symbol));
            let may_ask = |text: &str| {
                names.iter().any(|rebound| match rebound {
                    Rebound::Literal(name) => text == name,
                    Rebound::Import(name) => has_module && text == name,
                }) || text.rsplit_once('.').is_some_and(|(before, last)| {
                    before.ends_with(stem) && names.iter().any(|rebound| rebound.name() == last)
                })
            };
            ir.names.all().any(|name| may_ask(ir.name(name)))
        };
        let others: Vec<FileId> = self.file_ids().filter(|other| *other != file).collect();
        // What linking reads of bodies may name them.
        let has_declaring_methods = self
            .class_ids()
            .filter(|&class| self.class(class).file == file)
            .any(|class| !self.attributes_of_methods(class).is_empty());
        is_open || has_declaring_methods || names.iter().any(is_setting) || others.into_par_iter().any(asks)
    }
}
