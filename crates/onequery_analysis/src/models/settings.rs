//! Settings: upper-case variables of modules that the whole project reads by their names.

use onequery_core::ir::{AssignMode, ExprId, ExprKind, FileIr, Literal, Pattern};
use rustc_hash::FxHashMap;

use super::literal;
use super::namesakes::Namesakes;
use crate::program::{ClassId, Program, top_level_assignments, top_level_ids, top_level_names};
use crate::value::Ty;

/// What a setting is whatever runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Constant {
    Flag(bool),
    /// A collection of what is written there.
    Collection,
}

/// Settings by name; `None` where it is open what they are.
pub(super) type Constants = FxHashMap<Box<str>, Option<Constant>>;

impl<'a> Program<'a> {
    /// Models by the upper-case module variables whose texts name them; `None` where it is open which.
    pub(super) fn settings(
        &self,
        by_name: &FxHashMap<&'a str, Namesakes>,
    ) -> FxHashMap<Box<str>, Option<ClassId>> {
        let mut found: FxHashMap<Box<str>, Option<ClassId>> = FxHashMap::default();
        for file in self.file_ids() {
            let ir = self.ir(file);
            for (name, value) in top_level_assignments(ir) {
                let name = ir.name(name);
                if name.contains(char::is_lowercase) {
                    continue;
                }
                let named = literal(ir, value)
                    .and_then(|text| text.rsplit_once('.'))
                    .and_then(|(app, model)| Some(self.nearest(app, "", by_name.get(model)?)));
                let model = match named {
                    Some(Ty::Instance(class)) => Some(class),
                    // Any other text of this form is no model's name, unless the setting is one that names one.
                    _ if self.catalogs.default_of(name).is_none() => continue,
                    _ => None,
                };
                // Two modules that disagree leave it open.
                found
                    .entry(name.into())
                    .and_modify(|known| *known = known.filter(|known| Some(*known) == model))
                    .or_insert(model);
            }
        }
        for (name, path) in self.catalogs.defaults() {
            found.entry(name.into()).or_insert_with(|| self.class_at(path));
        }
        found
    }

    /// The settings that are constants: those to which each module that assigns them assigns the same, and nothing else.
    pub(super) fn constant_settings(&self) -> Constants {
        let mut found = Constants::default();
        for file in self.file_ids().filter(|&file| !self.is_stub(file)) {
            let ir = self.ir(file);
            for statement in top_level_ids(ir) {
                let constant = match &ir.expr(statement).kind {
                    ExprKind::Assign {
                        target,
                        value: Some(value),
                        mode,
                        ..
                    } if *mode != AssignMode::Update && matches!(**target, Pattern::Name(..)) => {
                        constant(ir, *value)
                    }
                    _ => None,
                };
                let mut assigned = Vec::new();
                top_level_names(ir, statement, &mut assigned);
                let names = assigned.into_iter().map(|name| ir.name(name));
                for name in names.filter(|name| !name.contains(char::is_lowercase)) {
                    found
                        .entry(name.into())
                        .and_modify(|known| *known = known.filter(|known| Some(*known) == constant))
                        .or_insert(constant);
                }
            }
        }
        found
    }
}

fn constant(ir: &FileIr, value: ExprId) -> Option<Constant> {
    match ir.expr(value).kind {
        ExprKind::Literal(Literal::Bool(flag)) => Some(Constant::Flag(flag)),
        ExprKind::Collection(..) => Some(Constant::Collection),
        _ => None,
    }
}
