//! Functions and classes that are defined inside of functions and class bodies.

use onequery_core::ir::{ExprId, FnIx};

use super::{Eval, is_root};
use crate::facts::Target;
use crate::value::{Ty, Value};

impl Eval<'_, '_> {
    pub(super) fn define_function(&mut self, ix: FnIx) -> Value {
        let function = self.ir.function(ix);
        for &decorator in &function.decorators {
            self.eval(decorator);
        }
        let id = self.program.fn_id(self.file, ix);
        if !is_root(ix, function) {
            self.note_decorated(&function.decorators, Target::Function(id));
        }
        for param in &function.params {
            if let Some(default) = param.default {
                self.eval(default);
            }
        }
        if let Some(name) = function.name
            && self.class_body.is_none()
        {
            self.set(name, Value::of(Ty::Function(id)));
        }
        if !is_root(ix, function) {
            self.nested_function(ix);
        }
        Value::default()
    }

    /// Evaluates a nested named function with what it captures; its facts are its own.
    fn nested_function(&mut self, ix: FnIx) {
        if self.inlined.contains(&ix) {
            return;
        }
        let (id, function) = (self.program.fn_id(self.file, ix), self.ir.function(ix));
        let outer = (
            std::mem::replace(&mut self.current, ix),
            self.env.clone(),
            std::mem::take(&mut self.facts),
            std::mem::take(&mut self.loops),
            std::mem::take(&mut self.path),
            self.leaves.take(),
            std::mem::take(&mut self.sealed),
            std::mem::take(&mut self.answered),
            std::mem::take(&mut self.returned),
            self.class_body.take(),
            std::mem::take(&mut self.global),
            self.shown.take(),
            std::mem::take(&mut self.held),
            std::mem::take(&mut self.flow_base),
            self.each.take(),
        );
        self.inlined.push(ix);
        // What was captured does not depend on the new function's own parameters and loops.
        self.env.forget_deps();
        self.shown = self.shown_by(id, function);
        self.bind_params(id, function);
        self.body(function);
        let facts = self.finish(id, function);
        self.inlined.pop();
        if self.muted == 0 {
            self.done.push((id, facts));
        }
        (
            self.current,
            self.env,
            self.facts,
            self.loops,
            self.path,
            self.leaves,
            self.sealed,
            self.answered,
            self.returned,
            self.class_body,
            self.global,
            self.shown,
            self.held,
            self.flow_base,
            self.each,
        ) = outer;
    }

    pub(super) fn define_class(&mut self, class: onequery_core::ir::ClassIx, body: ExprId) -> Value {
        let ir = self.ir.class(class);
        for &decorator in &ir.decorators {
            self.eval(decorator);
        }
        let id = self.program.class_id(self.file, class);
        self.note_decorated(&ir.decorators, Target::Class(id));
        let outer = self.class_body.replace(id);
        let env = self.env.clone();
        self.in_own_flow(|eval| eval.eval(body));
        self.env = env;
        self.class_body = outer;
        if ir.function != FnIx(0) {
            self.set(ir.name, Value::of(Ty::Class(id)));
        }
        Value::default()
    }
}
