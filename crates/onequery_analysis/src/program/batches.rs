//! Functions that cut a collection into batches, as far as what they declare says so.

use onequery_core::Name;
use onequery_core::ir::{Function, TypeRef};

use super::{FnId, Program};

impl Program<'_> {
    /// Whether a function takes a collection and a size, and gives collections of its elements:
    /// `fn batches<T>(rows: Vec<T>, size: usize) -> impl Iterator<Item = Vec<T>>`.
    pub(crate) fn gives_batches(&self, id: FnId) -> bool {
        let (file, _, function) = self.function(id);
        let ir = self.ir(file);
        let is_size = |ty: &TypeRef| match ty {
            TypeRef::Path { path, .. } => path
                .last()
                .is_some_and(|&name| self.catalogs.is_size(ir.language, ir.name(name))),
            _ => false,
        };
        let mut params = function.params.iter().filter_map(|param| param.ty.as_ref());
        let Some(returned) = &function.returns else {
            return false;
        };
        params.clone().any(is_size) && params.any(|taken| holds_batches(returned, taken, function))
    }
}

/// Whether the elements of a returned type are, or have as a part, collections of what a taken one holds.
fn holds_batches(returned: &TypeRef, taken: &TypeRef, function: &Function) -> bool {
    elements(returned).any(|element| {
        let parts = match element {
            TypeRef::Tuple(parts) => &**parts,
            other => std::slice::from_ref(other),
        };
        parts
            .iter()
            .flat_map(elements)
            .any(|inner| is_element(inner, taken, function))
    })
}

/// What a type that is written holds: `T` of `Vec<T>`, `[T]`, `impl Iterator<Item = T>`.
fn elements(of: &TypeRef) -> impl Iterator<Item = &TypeRef> {
    let within = match of {
        TypeRef::Path { args, .. } => &**args,
        TypeRef::Slice(item) => std::slice::from_ref(&**item),
        TypeRef::Bounds(bounds) => match &**bounds {
            [TypeRef::Path { args, .. }, ..] => &**args,
            _ => &[],
        },
        _ => &[],
    };
    within.iter().map(|arg| match arg {
        TypeRef::Assoc(_, ty) => ty,
        other => other,
    })
}

/// Whether a type is what a taken one holds: `T` of `Vec<T>`, `S::Item` of a parameter of type `S`.
fn is_element(ty: &TypeRef, taken: &TypeRef, function: &Function) -> bool {
    let TypeRef::Path { path, .. } = ty else {
        return false;
    };
    if elements(taken).any(|element| named(element) == Some(&**path)) {
        return true;
    }
    let is_own = |generic: Name| function.generics.iter().any(|known| known.name == generic);
    match (&**path, named(taken)) {
        ([owner, _], Some([generic])) => owner == generic && is_own(*generic),
        _ => false,
    }
}

fn named(ty: &TypeRef) -> Option<&[Name]> {
    match ty {
        TypeRef::Path { path, .. } => Some(path),
        _ => None,
    }
}
