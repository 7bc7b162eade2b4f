//! The statements of a file's top level: what a module assigns and changes.

use onequery_core::Name;
use onequery_core::ir::{AssignMode, ExprId, ExprKind, FileIr, Pattern};

/// The names assigned by the statements of a file's top level, its `if` and `try` blocks included.
pub(crate) fn top_level_names(ir: &FileIr, id: ExprId, out: &mut Vec<Name>) {
    match &ir.expr(id).kind {
        ExprKind::Block { items, .. } => items.iter().for_each(|&item| top_level_names(ir, item, out)),
        ExprKind::If { then, otherwise, .. } => {
            [Some(*then), *otherwise]
                .into_iter()
                .flatten()
                .for_each(|block| top_level_names(ir, block, out));
        }
        ExprKind::Try {
            body,
            handlers,
            otherwise,
            finally,
        } => {
            let blocks = [Some(*body), *otherwise, *finally];
            blocks
                .into_iter()
                .flatten()
                .for_each(|block| top_level_names(ir, block, out));
            handlers
                .iter()
                .for_each(|handler| top_level_names(ir, handler.body, out));
        }
        ExprKind::With { body, .. } => top_level_names(ir, *body, out),
        ExprKind::Assign { target, .. } => target_names(target, out),
        _ => {}
    }
}

/// The statements of a file's top level.
fn top_level(ir: &FileIr) -> impl Iterator<Item = &ExprKind> {
    top_level_ids(ir).map(|item| &ir.expr(item).kind)
}

/// The places of the statements of a file's top level.
pub(crate) fn top_level_ids(ir: &FileIr) -> impl Iterator<Item = ExprId> + use<'_> {
    let items: &[ExprId] = match ir.functions[0].body.map(|body| &ir.expr(body).kind) {
        Some(ExprKind::Block { items, .. }) => items,
        _ => &[],
    };
    items.iter().copied()
}

/// The names that the statements of a file's top level assign, and what to.
pub(crate) fn top_level_assignments(ir: &FileIr) -> impl Iterator<Item = (Name, ExprId)> {
    top_level(ir).filter_map(|statement| match statement {
        ExprKind::Assign {
            target, value, mode, ..
        } if *mode != AssignMode::Update => match **target {
            Pattern::Name(name, _) => Some((name, (*value)?)),
            _ => None,
        },
        _ => None,
    })
}

/// The names that the statements of a file's top level change: `PATHS += […]`, `PATHS.append(…)`.
pub(super) fn top_level_updates(ir: &FileIr) -> impl Iterator<Item = Name> {
    top_level(ir).filter_map(|statement| match statement {
        ExprKind::Assign {
            target,
            mode: AssignMode::Update,
            ..
        } => match **target {
            Pattern::Name(name, _) => Some(name),
            _ => None,
        },
        ExprKind::Call { callee, .. } => match ir.expr(*callee).kind {
            ExprKind::Attr { base, .. } => match ir.expr(base).kind {
                ExprKind::Name(name) => Some(name),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    })
}

/// The names that a pattern of names and tuples binds.
pub(crate) fn target_names(pattern: &Pattern, out: &mut Vec<Name>) {
    match pattern {
        Pattern::Name(name, _) => out.push(*name),
        Pattern::Tuple(parts) => parts.iter().for_each(|part| target_names(part, out)),
        _ => {}
    }
}
