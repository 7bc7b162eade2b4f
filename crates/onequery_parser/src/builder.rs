//! What both front ends build a [`FileIr`] with.

use std::cell::RefCell;

use onequery_core::ir::{
    Class, ClassIx, Expr, ExprId, ExprKind, FileIr, FnIx, Function, Impl, Import, ImportIx, MacroRules,
    Scope, ScopeIx,
};
use onequery_core::{Language, Name, NameTable, Problem, ProblemKind, Span};
use rustc_hash::FxHashMap;

use crate::MAX_DEPTH;

thread_local! {
    /// Room for the expressions of one file after the other: growing a list anew for each would touch twice the memory.
    static ROOM: RefCell<Vec<Expr>> = const { RefCell::new(Vec::new()) };
}

/// A [`FileIr`] in the making.
pub(crate) struct Builder {
    ir: FileIr,
    interned: FxHashMap<Box<str>, Name>,
    depth: u32,
}

impl Builder {
    /// An empty file: its own scope, and `functions[0]` as its top level.
    pub(crate) fn new(language: Language, end: usize) -> Self {
        let span = Span::new(0, u32::try_from(end).unwrap_or(u32::MAX));
        let top_level = Function::unnamed(ScopeIx(0), None, span);
        Self {
            ir: FileIr {
                language,
                names: NameTable::default(),
                exprs: ROOM.take(),
                functions: vec![top_level],
                classes: Vec::new(),
                impls: Vec::new(),
                scopes: vec![Scope {
                    parent: None,
                    name: None,
                }],
                imports: Vec::new(),
                problems: Vec::new(),
                macros: Vec::new(),
                directives: Vec::new(),
            },
            interned: FxHashMap::default(),
            depth: 0,
        }
    }

    /// The finished file, with the top level's body.
    pub(crate) fn finish(mut self, body: Option<ExprId>) -> FileIr {
        self.ir.functions[0].body = body;
        let mut room = std::mem::take(&mut self.ir.exprs);
        self.ir.exprs = Vec::with_capacity(room.len());
        self.ir.exprs.append(&mut room);
        ROOM.set(room);
        self.ir.functions.shrink_to_fit();
        self.ir.classes.shrink_to_fit();
        self.ir.imports.shrink_to_fit();
        self.ir.names.shrink_to_fit();
        self.ir
    }

    /// The one name of this string.
    pub(crate) fn name(&mut self, string: &str) -> Name {
        if let Some(&name) = self.interned.get(string) {
            return name;
        }
        let name = self.ir.names.push(string);
        self.interned.insert(string.into(), name);
        name
    }

    /// The string behind a name.
    pub(crate) fn text(&self, name: Name) -> &str {
        self.ir.names.get(name)
    }

    /// What an expression that was built before is.
    pub(crate) fn kind(&self, id: ExprId) -> &ExprKind {
        &self.ir.expr(id).kind
    }

    pub(crate) fn span(&self, id: ExprId) -> Span {
        self.ir.span(id)
    }

    pub(crate) fn expr(&mut self, kind: ExprKind, span: Span) -> ExprId {
        let id = ExprId(next(self.ir.exprs.len()));
        self.ir.exprs.push(Expr { kind, span });
        id
    }

    /// An expression that is not modelled, with the children that were lowered.
    pub(crate) fn opaque(&mut self, children: Vec<ExprId>, span: Span) -> ExprId {
        self.expr(ExprKind::Opaque(children.into()), span)
    }

    pub(crate) fn import(&mut self, import: Import) -> ImportIx {
        let ix = ImportIx(next(self.ir.imports.len()));
        self.ir.imports.push(import);
        ix
    }

    pub(crate) fn macro_rules(&mut self, name: Name, always_returns: bool) {
        self.ir.macros.push(MacroRules { name, always_returns });
    }

    pub(crate) fn scope(&mut self, parent: ScopeIx, name: Name) -> ScopeIx {
        let ix = ScopeIx(next(self.ir.scopes.len()));
        self.ir.scopes.push(Scope {
            parent: Some(parent),
            name: Some(name),
        });
        ix
    }

    /// Adds a function whose body follows; ids are given outer before inner. Finish it through [`Self::function_mut`].
    pub(crate) fn function(&mut self, function: Function) -> FnIx {
        let ix = FnIx(next(self.ir.functions.len()));
        self.ir.functions.push(function);
        ix
    }

    pub(crate) fn function_mut(&mut self, ix: FnIx) -> &mut Function {
        &mut self.ir.functions[ix.index()]
    }

    /// Adds a class whose members follow. Finish it through [`Self::class_mut`].
    pub(crate) fn class(&mut self, class: Class) -> ClassIx {
        let ix = ClassIx(next(self.ir.classes.len()));
        self.ir.classes.push(class);
        ix
    }

    pub(crate) fn class_mut(&mut self, ix: ClassIx) -> &mut Class {
        &mut self.ir.classes[ix.index()]
    }

    /// Adds an `impl` block whose methods follow; the index is what [`Function::in_impl`] holds.
    pub(crate) fn implementation(&mut self, implementation: Impl) -> u32 {
        let ix = next(self.ir.impls.len());
        self.ir.impls.push(implementation);
        ix
    }

    pub(crate) fn implementation_mut(&mut self, ix: u32) -> &mut Impl {
        &mut self.ir.impls[ix as usize]
    }

    pub(crate) fn problem(&mut self, kind: ProblemKind, span: Span, message: impl Into<String>) {
        self.ir.problems.push(Problem {
            kind,
            span,
            message: message.into(),
        });
    }

    /// Runs `inner` one level deeper, or returns `None` where the code nests beyond [`MAX_DEPTH`], saying so once.
    pub(crate) fn deeper<T>(&mut self, span: Span, inner: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if !self.enter() {
            self.too_deep(span);
            return None;
        }
        let value = inner(self);
        self.leave();
        Some(value)
    }

    /// Goes one level deeper, unless the code nests beyond [`MAX_DEPTH`]. Every success wants a [`Self::leave`].
    ///
    /// For front ends whose own state holds the builder; the others have [`Self::deeper`].
    #[must_use]
    pub(crate) fn enter(&mut self) -> bool {
        let fits = self.depth < MAX_DEPTH;
        self.depth += u32::from(fits);
        fits
    }

    /// Comes back from [`Self::enter`].
    pub(crate) fn leave(&mut self) {
        self.depth -= 1;
    }

    /// Says, once for a file, that something nests too deep to be followed.
    pub(crate) fn too_deep(&mut self, span: Span) {
        let is_known = |problem: &Problem| problem.kind == ProblemKind::TooDeep;
        if !self.ir.problems.iter().any(is_known) {
            let message = format!("nested more than {MAX_DEPTH} levels deep; the inner part is not analysed");
            self.problem(ProblemKind::TooDeep, span, message);
        }
    }
}

fn next(len: usize) -> u32 {
    u32::try_from(len).expect("a file below 4 GiB has fewer than 2^32 nodes")
}
