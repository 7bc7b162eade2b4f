//! Where the world outside enters: what decorators and registrations say.

use onequery_core::EntryKind;
use onequery_core::ir::{Arg, ExprId, ExprKind, Literal};

use super::Eval;
use crate::catalog::template::Template;
use crate::catalog::{CallId, CallInfo, LibTy};
use crate::facts::{Entered, Target};
use crate::program::{FnId, ScopeId, Symbol};
use crate::value::Ty;

impl<'a> Eval<'_, 'a> {
    /// A call that hands functions or classes to a framework: `path("books/", books)`.
    pub(super) fn note_registered(&mut self, call: ExprId, kind: EntryKind, args: &'a [Arg]) {
        let scope = self.scope();
        let mut targets = Vec::new();
        for arg in args {
            self.handed_over(scope, arg.value, &mut targets);
        }
        for target in targets {
            self.note_entered(call, kind, target);
        }
    }

    /// The decorators of a function or class.
    pub(super) fn note_decorated(&mut self, decorators: &'a [ExprId], target: Target) {
        for &decorator in decorators {
            let callee = match self.ir.expr(decorator).kind {
                ExprKind::Call { callee, .. } => callee,
                _ => decorator,
            };
            let entry = self.decorator_entry(callee, |info| info.enters.is_some());
            if let Some(kind) = entry.and_then(|entry| self.program.catalogs.call(entry).enters) {
                self.note_entered(decorator, kind, target);
            }
        }
    }

    /// The entry of the catalogue that a decorator is: a function of a library, or a method of one of its values.
    pub(super) fn decorator_entry(
        &mut self,
        callee: ExprId,
        is_wanted: impl Fn(&CallInfo) -> bool,
    ) -> Option<CallId> {
        let catalogs = self.program.catalogs;
        if let Symbol::External(node) = self.program.resolve_expr(self.file, self.scope(), callee)
            && let Some(entry) = catalogs.call_at(node)
        {
            return Some(entry);
        }
        let ExprKind::Attr { base, name, .. } = self.ir.expr(callee).kind else {
            return None;
        };
        // It is evaluated as a decorator, too: what it executes is not to be noted twice.
        self.muted += 1;
        let receiver = self.eval(base);
        self.muted -= 1;
        let made = match receiver.ty {
            Ty::Function(function) => self.made_by_decorators(function),
            _ => Vec::new(),
        };
        let types = match &receiver.ty {
            Ty::Lib(lib, _) => std::slice::from_ref(lib),
            Ty::Instance(class) => &self.program.class(*class).library_bases,
            _ => &made,
        };
        let text = self.text(name);
        let mut entries = types.iter().flat_map(|&ty| catalogs.methods(ty, text, false));
        entries.find(|&&entry| is_wanted(catalogs.call(entry))).copied()
    }

    /// What decorators make of a function of the project: a group of commands.
    fn made_by_decorators(&self, function: FnId) -> Vec<LibTy> {
        let (file, _, declared) = self.program.function(function);
        let scope = self.program.scope_id(file, declared.scope);
        let ir = self.program.ir(file);
        let made = declared.decorators.iter().filter_map(|&decorator| {
            let callee = match ir.expr(decorator).kind {
                ExprKind::Call { callee, .. } => callee,
                _ => decorator,
            };
            let Symbol::External(node) = self.program.resolve_expr(file, scope, callee) else {
                return None;
            };
            match &self
                .program
                .catalogs
                .call(self.program.catalogs.call_at(node)?)
                .gives
            {
                Template::Lib(ty, _) => Some(*ty),
                _ => None,
            }
        });
        made.collect()
    }

    /// The functions and classes of the project in an argument: `books`, `Books.as_view()`, `login_required(books)`,
    /// `get(books).post(add)`.
    fn handed_over(&self, scope: ScopeId, value: ExprId, targets: &mut Vec<Target>) {
        match &self.ir.expr(value).kind {
            ExprKind::Call { callee, args, .. } => {
                if let ExprKind::Attr { base, .. } = self.ir.expr(*callee).kind {
                    self.handed_over(scope, base, targets);
                }
                for arg in args {
                    self.handed_over(scope, arg.value, targets);
                }
            }
            ExprKind::Name(_) | ExprKind::Path { .. } | ExprKind::Attr { .. } => {
                targets.extend(match self.program.resolve_expr(self.file, scope, value) {
                    Symbol::Function(function) => Some(Target::Function(function)),
                    Symbol::Class(class) => Some(Target::Class(class)),
                    _ => None,
                });
            }
            _ => {}
        }
    }

    fn note_entered(&mut self, at: ExprId, kind: EntryKind, target: Target) {
        if self.muted > 0 {
            return;
        }
        let name = self.text_of_call(at);
        self.facts.entered.push(Entered {
            kind,
            name: name.map(ToOwned::to_owned),
            at: self.here(self.ir.span(at)),
            target,
        });
    }

    /// The first text that a call is given, or one that it is chained to: `resource("/books").to(books)`.
    fn text_of_call(&self, call: ExprId) -> Option<&'a str> {
        let ExprKind::Call { callee, args, .. } = &self.ir.expr(call).kind else {
            return None;
        };
        let text = args.iter().find_map(|arg| match self.ir.expr(arg.value).kind {
            ExprKind::Literal(Literal::Str(text)) => Some(self.text(text)),
            _ => None,
        });
        text.filter(|text| !text.is_empty())
            .or_else(|| match self.ir.expr(*callee).kind {
                ExprKind::Attr { base, .. } => self.text_of_call(base),
                _ => None,
            })
    }
}
