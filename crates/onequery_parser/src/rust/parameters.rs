//! Parameters of functions and closures.

use onequery_core::ir::{Param, Pattern, Spread, TypeRef};
use syn::{FnArg, Pat, ReceiverKind, Signature};

use super::{Lowering, spans};

impl Lowering {
    /// The parameters of a function, its receiver included.
    pub(super) fn params(&mut self, signature: &Signature) -> Box<[Param]> {
        let mut params: Vec<_> = signature
            .inputs
            .iter()
            .map(|input| match input {
                FnArg::Receiver(receiver) => self.receiver(receiver),
                FnArg::Typed(typed) => {
                    let ty = self.ty(&typed.ty);
                    plain(self.pattern(&typed.pat), Some(ty))
                }
            })
            .collect();
        // `unsafe extern "C" fn printf(format: *const c_char, ...)`
        params.extend(signature.variadic.as_ref().map(|variadic| Param {
            pattern: match &variadic.pat {
                Some((pat, _)) => self.pattern(pat),
                None => Pattern::Wildcard,
            },
            spread: Spread::Positional,
            ..plain(Pattern::Wildcard, None)
        }));
        params.into()
    }

    /// `self`, `&mut self`, `self: Pin<&mut Self>`; only the last one has a type of its own.
    fn receiver(&mut self, receiver: &syn::Receiver) -> Param {
        let name = self.ir.name("self");
        let ty = match &receiver.kind {
            ReceiverKind::Typed(_, ty) => Some(self.ty(ty)),
            _ => None,
        };
        plain(Pattern::Name(name, spans::span(receiver.self_token.span)), ty)
    }

    /// `a`, `(a, b): (A, B)` of a closure.
    pub(super) fn param(&mut self, input: &Pat) -> Param {
        match input {
            Pat::Type(typed) => {
                let ty = self.ty(&typed.ty);
                plain(self.pattern(&typed.pat), Some(ty))
            }
            pat => plain(self.pattern(pat), None),
        }
    }
}

fn plain(pattern: Pattern, ty: Option<TypeRef>) -> Param {
    Param {
        pattern,
        ty,
        default: None,
        spread: Spread::No,
        keyword_only: false,
    }
}
