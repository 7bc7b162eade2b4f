//! `import` and `from … import`.

use onequery_core::ir::{ExprId, ExprKind, FnIx, Import, ImportKind, ScopeIx};
use onequery_core::{Name, Span};

use super::cx::Cx;
use super::kinds::{Field, Kind};
use crate::builder::Builder;

/// What one name of an import statement says.
struct Imported {
    level: u32,
    path: Vec<Name>,
    alias: Option<Name>,
    kind: ImportKind,
}

/// `import a.b, c as d`
pub(super) fn import(cx: &mut Cx<'_>, out: &mut Builder, items: &mut Vec<ExprId>) {
    let span = cx.span();
    cx.children(out, |cx, out, kind| {
        let (path, alias) = match kind {
            Kind::DottedName => (dotted_name(cx, out), None),
            Kind::AliasedImport => aliased(cx, out),
            _ => return cx.stray(out),
        };
        let imported = Imported {
            level: 0,
            alias: alias.or(path.first().copied()),
            path,
            kind: if alias.is_some() {
                ImportKind::Item
            } else {
                ImportKind::Root
            },
        };
        items.extend(add(cx, out, imported, span));
    });
}

/// `from ..a.b import c, d as e`, `from . import *`
pub(super) fn import_from(cx: &mut Cx<'_>, out: &mut Builder, items: &mut Vec<ExprId>) {
    let span = cx.span();
    let mut level = 0;
    let mut module = Vec::new();
    cx.children(out, |cx, out, kind| {
        let (mut name, mut alias) = (Vec::new(), None);
        match kind {
            Kind::RelativeImport => return (level, module) = relative(cx, out),
            Kind::DottedName if cx.field() != Field::Name => return module = dotted_name(cx, out),
            Kind::DottedName => name = dotted_name(cx, out),
            Kind::AliasedImport => (name, alias) = aliased(cx, out),
            Kind::WildcardImport => {}
            _ => return cx.stray(out),
        }
        let imported = Imported {
            level,
            alias: alias.or(name.last().copied()),
            path: module.iter().copied().chain(name).collect(),
            kind: match kind {
                Kind::WildcardImport => ImportKind::Glob,
                _ => ImportKind::Item,
            },
        };
        items.extend(add(cx, out, imported, span));
    });
}

/// `..a.b` as the number of dots and the path.
fn relative(cx: &mut Cx<'_>, out: &mut Builder) -> (u32, Vec<Name>) {
    let mut level = 0;
    let mut path = Vec::new();
    cx.children(out, |cx, out, kind| match kind {
        // Spaces may stand between the dots.
        Kind::ImportPrefix => level += cx.text().bytes().map(|byte| u32::from(byte == b'.')).sum::<u32>(),
        _ => path = dotted_name(cx, out),
    });
    (level, path)
}

/// `a.b as c`
fn aliased(cx: &mut Cx<'_>, out: &mut Builder) -> (Vec<Name>, Option<Name>) {
    let mut path = Vec::new();
    let mut alias = None;
    cx.children(out, |cx, out, kind| match kind {
        Kind::DottedName => path = dotted_name(cx, out),
        _ => alias = Some(cx.name(out)),
    });
    (path, alias)
}

/// `a.b.c`
pub(super) fn dotted_name(cx: &mut Cx<'_>, out: &mut Builder) -> Vec<Name> {
    let mut path = Vec::new();
    cx.children(out, |cx, out, _| path.push(cx.name(out)));
    path
}

fn add(cx: &Cx<'_>, out: &mut Builder, imported: Imported, span: Span) -> Option<ExprId> {
    // `import .` in a broken file names nothing, unlike `from . import *`.
    if imported.path.is_empty() && imported.level == 0 {
        return None;
    }
    let ix = out.import(Import {
        scope: ScopeIx(0),
        function: (cx.function != FnIx(0)).then_some(cx.function),
        level: imported.level,
        path: imported.path.into(),
        alias: imported.alias,
        kind: imported.kind,
        span,
    });
    Some(out.expr(ExprKind::Import(ix), span))
}
