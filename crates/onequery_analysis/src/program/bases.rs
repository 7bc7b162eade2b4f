//! The bases of classes: those that are written, those that calls make, and those that are mixed in.

use onequery_core::FileId;
use onequery_core::ir::{Arg, ExprId, ExprKind, ScopeIx};

use super::{ClassId, Program, ScopeId, Symbol, top_level_assignments};
use crate::catalog::template::Template;
use crate::catalog::{LibTy, PathNode, TypeInfo};

impl<'a> Program<'a> {
    /// Resolves bases and flattens them; each class is its own nearest ancestor. `of_traits` are the traits that a class
    /// implements.
    pub(super) fn link_bases(&mut self, of_traits: &[Vec<Symbol<'a>>]) {
        let mut direct: Vec<Vec<Symbol<'a>>> = vec![Vec::new(); self.classes.len()];
        for class in self.class_ids() {
            let (file, scope) = (self.class(class).file, self.scope_of_class(class));
            let bases = self.class_ir(class).bases.iter();
            let made = bases.flat_map(|&base| self.made_classes(file, scope, base));
            direct[class.index()] = made.collect();
        }
        let mixed = self.mixed_in();
        for own in self.class_ids() {
            let (mut mro, mut library, mut unknown) = (Vec::new(), Vec::new(), false);
            let mut pending = vec![own];
            while let Some(class) = pending.pop() {
                if mro.contains(&class) {
                    continue;
                }
                mro.push(class);
                library.extend(self.types_by_decorators(class));
                for base in of_traits[class.index()].iter().rev() {
                    match *base {
                        Symbol::Class(base) => pending.push(base),
                        Symbol::External(node) => library.extend(self.catalogs.type_at(node)),
                        _ => {}
                    }
                }
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
            let info = &mut self.classes[own.index()];
            (info.mro, info.library_bases, info.has_unknown_base) = (mro, library, unknown);
        }
    }

    /// A class that extends nothing and is mixed into querysets and managers only has what they have: what `self.filter()`
    /// and `super()._clone()` mean in it.
    pub(super) fn lend_bases_to_mixins(&mut self) {
        let is_rows = |ty: &LibTy| {
            let gives_rows = |info: &'a TypeInfo| (info.runs_on_iterate || info.serves_owner).then_some(());
            self.inherited(*ty, gives_rows).is_some()
        };
        let lent: Vec<(ClassId, LibTy)> = self
            .class_ids()
            .filter_map(|class| {
                let info = self.class(class);
                let is_mixin = info.library_bases.is_empty() && !info.has_unknown_base;
                let heirs = self.subclasses(class).iter().filter(|_| is_mixin);
                let mut heirs = heirs
                    .map(|&heir| self.class(heir))
                    .filter(|heir| !heir.has_unknown_base);
                let candidates = heirs.next()?.library_bases.iter().copied().filter(is_rows);
                let others: Vec<_> = heirs.collect();
                let mut shared =
                    candidates.filter(|ty| others.iter().all(|heir| heir.library_bases.contains(ty)));
                Some((class, shared.next()?))
            })
            .collect();
        for (class, base) in lent {
            self.classes[class.index()].library_bases.push(base);
        }
    }

    /// What decorators make of a class, which could as well extend it: `@strawberry.type`.
    fn types_by_decorators(&self, class: ClassId) -> Vec<LibTy> {
        let (file, scope) = (self.class(class).file, self.scope_of_class(class));
        let decorators = self.class_ir(class).decorators.iter();
        let made = decorators.filter_map(|&decorator| {
            let named = match self.ir(file).expr(decorator).kind {
                ExprKind::Call { callee, .. } => callee,
                _ => decorator,
            };
            let Symbol::External(node) = self.resolve_expr(file, scope, named) else {
                return None;
            };
            self.catalogs.call(self.catalogs.call_at(node)?).gives_base
        });
        made.collect()
    }

    /// By class: the classes whose methods it gets by a call, `BookManager.from_queryset(BookQuerySet)`, as a base of
    /// another class, or where a class attribute or a module's variable is assigned.
    fn mixed_in(&self) -> Vec<Vec<Symbol<'a>>> {
        let mut mixed = vec![Vec::new(); self.classes.len()];
        for file in self.file_ids() {
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

    /// What a base stands for. `class BookManager(Manager.from_queryset(BookQuerySet))` has what the argument has, and what
    /// the library's class has that it is called on.
    fn made_classes(&self, file: FileId, scope: ScopeId, base: ExprId) -> Vec<Symbol<'a>> {
        let ir = self.ir(file);
        if let ExprKind::Call { callee, args, .. } = &ir.expr(base).kind
            && let Some(of) = self.made_of(file, scope, *callee, args)
        {
            let owner = match ir.expr(*callee).kind {
                ExprKind::Attr { base, .. } => self.resolve_expr(file, scope, base),
                _ => Symbol::Unknown,
            };
            let owner = matches!(owner, Symbol::External(_)).then_some(owner);
            return std::iter::once(of).chain(owner).collect();
        }
        vec![self.made_class(file, scope, base)]
    }

    /// What a base is, classes that a call or an attribute makes included: `Base = declarative_base()`, `db.Model`.
    fn made_class(&self, file: FileId, scope: ScopeId, base: ExprId) -> Symbol<'a> {
        let symbol = self.resolve_expr(file, scope, base);
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
        let ExprKind::Call { callee, .. } = self.ir(file).expr(self.made_at(module, name)?).kind else {
            return None;
        };
        match self.resolve_expr(file, module, callee) {
            Symbol::External(node) => Some(node),
            // A project's subclass of the library's class is as good.
            Symbol::Class(class) => self.direct_library_base(class),
            _ => None,
        }
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
}
