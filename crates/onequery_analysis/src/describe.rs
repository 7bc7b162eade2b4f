//! Short spellings of expressions for messages: `session.query(…).filter(…).first`.

use onequery_core::ir::{ExprId, ExprKind, FileIr, TEMPLATE_FILTER, TEMPLATE_TAG, TEMPLATE_TEST};

/// Longest spelling; the front of a longer one is left out.
const MAX_LENGTH: usize = 60;

/// How a reader would name what an expression calls or reads. Arguments are left out.
pub(crate) fn describe(ir: &FileIr, id: ExprId) -> String {
    let mut parts = Vec::new();
    spell(ir, id, &mut parts);
    parts.reverse();
    let whole = parts.concat();
    if whole.chars().count() <= MAX_LENGTH {
        return whole;
    }
    // Keep the end, which says what is executed.
    let mut kept = Vec::new();
    let mut length = 0;
    for part in parts.iter().rev() {
        length += part.chars().count();
        if length > MAX_LENGTH && !kept.is_empty() {
            break;
        }
        kept.push(part.as_str());
    }
    kept.reverse();
    format!("…{}", kept.concat())
}

/// The name of a template's filter.
fn filter(ir: &FileIr, callee: ExprId) -> Option<&str> {
    match &ir.expr(callee).kind {
        ExprKind::Path { segments, .. } => match **segments {
            [kind, name] if ir.name(kind) == TEMPLATE_FILTER => Some(ir.name(name)),
            _ => None,
        },
        _ => None,
    }
}

/// Collects the parts from the last to the first.
fn spell(ir: &FileIr, mut id: ExprId, parts: &mut Vec<String>) {
    let mut outermost = true;
    loop {
        match &ir.expr(id).kind {
            ExprKind::Name(name) => {
                parts.push(ir.name(*name).to_owned());
                return;
            }
            ExprKind::Path { segments, .. } => {
                let texts: Vec<&str> = segments.iter().map(|&name| ir.name(name)).collect();
                parts.push(match texts[..] {
                    [TEMPLATE_TAG | TEMPLATE_TEST, name] => name.to_owned(),
                    _ => texts.join("::"),
                });
                return;
            }
            ExprKind::Attr { base, name, .. } => {
                parts.push(format!(".{}", ir.name(*name)));
                id = *base;
            }
            ExprKind::Call { callee, args, .. } => {
                // The call that is meant is named by its callee; those before it show that they are calls.
                if !outermost {
                    parts.push(if args.is_empty() { "()" } else { "(…)" }.to_owned());
                }
                id = *callee;
                if let (Some(name), Some(filtered)) = (filter(ir, id), args.first()) {
                    parts.push(format!("|{name}"));
                    id = filtered.value;
                }
            }
            ExprKind::Index { base, .. } | ExprKind::Slice { base, .. } => {
                parts.push("[…]".to_owned());
                id = *base;
            }
            ExprKind::Await(inner)
            | ExprKind::Deref(inner)
            | ExprKind::Propagate(inner)
            | ExprKind::Cast(inner, _) => {
                id = *inner;
            }
            _ => {
                parts.push("(…)".to_owned());
                return;
            }
        }
        outermost = false;
    }
}
