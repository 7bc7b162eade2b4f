//! `use`, `extern crate` and `mod name;`.

use onequery_core::ir::{ExprKind, FnIx, Import, ImportIx, ImportKind};
use onequery_core::{Name, Span};
use syn::{ItemUse, UseTree, Visibility};

use super::{Lowering, attributes, spans};

/// One `use` item while its tree is flattened.
struct Use {
    is_public: bool,
    span: Span,
}

impl Lowering {
    /// `use a::{b, c as d, e::*};` gives one import per leaf.
    pub(super) fn use_item(&mut self, item: &ItemUse) -> Vec<ImportIx> {
        let start = spans::visibility(&item.vis, item.use_token.span);
        let the_use = Use {
            is_public: !matches!(item.vis, Visibility::Inherited),
            span: start.cover(spans::span(item.semi_token.span)),
        };
        let mut all = Vec::new();
        self.use_tree(&item.tree, &mut Vec::new(), &the_use, &mut all);
        all
    }

    fn use_tree(&mut self, tree: &UseTree, prefix: &mut Vec<Name>, the_use: &Use, all: &mut Vec<ImportIx>) {
        match tree {
            UseTree::Path(path) => {
                prefix.push(self.ident(&path.ident));
                self.use_tree(&path.tree, prefix, the_use, all);
                prefix.pop();
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.use_tree(tree, prefix, the_use, all);
                }
            }
            UseTree::Glob(_) => {
                let kind = if the_use.is_public {
                    ImportKind::PublicGlob
                } else {
                    ImportKind::Glob
                };
                all.push(self.import(prefix.as_slice().into(), None, kind, the_use.span));
            }
            UseTree::Name(name) => self.use_leaf(&name.ident, &name.ident, prefix, the_use, all),
            UseTree::Rename(name) => self.use_leaf(&name.ident, &name.rename, prefix, the_use, all),
        }
    }

    fn use_leaf(
        &mut self,
        ident: &syn::Ident,
        rename: &syn::Ident,
        prefix: &[Name],
        the_use: &Use,
        all: &mut Vec<ImportIx>,
    ) {
        let mut path = prefix.to_vec();
        // `use a::{self}` imports `a`.
        if ident != "self" || path.is_empty() {
            path.push(self.ident(ident));
        }
        let alias = if rename == "_" {
            None
        } else if rename == "self" {
            path.last().copied()
        } else {
            Some(self.ident(rename))
        };
        let kind = if the_use.is_public {
            ImportKind::PublicItem
        } else {
            ImportKind::Item
        };
        all.push(self.import(path.into(), alias, kind, the_use.span));
    }

    /// `extern crate a as b;`
    pub(super) fn extern_crate(&mut self, item: &syn::ItemExternCrate) -> ImportIx {
        let path = self.ident(&item.ident);
        let alias = match &item.rename {
            Some((_, rename)) if rename == "_" => None,
            Some((_, rename)) => Some(self.ident(rename)),
            None => Some(path),
        };
        let start = spans::visibility(&item.vis, item.extern_token.span);
        let span = start.cover(spans::span(item.semi_token.span));
        self.import(Box::new([path]), alias, ImportKind::Item, span)
    }

    /// `mod name;`, perhaps with `#[path = "…"]`.
    pub(super) fn module_file(&mut self, item: &syn::ItemMod) -> ImportIx {
        let name = self.ident(&item.ident);
        let file = attributes::literal(&item.attrs, "path").map(|path| self.ir.name(&path));
        let start = spans::visibility(&item.vis, item.mod_token.span);
        let end = item.semi.map_or(item.ident.span(), |semi| semi.span);
        let span = start.cover(spans::span(end));
        self.import(Box::new([name]), file, ImportKind::Module, span)
    }

    fn import(&mut self, path: Box<[Name]>, alias: Option<Name>, kind: ImportKind, span: Span) -> ImportIx {
        let function = (self.place.function != FnIx(0)).then_some(self.place.function);
        self.ir.import(Import {
            scope: self.place.scope,
            function,
            level: 0,
            path,
            alias,
            kind,
            span,
        })
    }

    /// An import inside a body also stands there.
    pub(super) fn import_here(&mut self, ix: ImportIx, span: Span) -> onequery_core::ir::ExprId {
        self.ir.expr(ExprKind::Import(ix), span)
    }
}
