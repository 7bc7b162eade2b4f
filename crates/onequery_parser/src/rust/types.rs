//! Types and type parameters.

use onequery_core::Name;
use onequery_core::ir::{Generic, TypeRef};
use quote::ToTokens as _;
use syn::punctuated::Punctuated;
use syn::{GenericArgument, PathArguments, ReturnType, Type, TypeParamBound};

use super::{Lowering, spans};

type Bounds = Punctuated<TypeParamBound, syn::Token![+]>;

impl Lowering {
    /// A written type; what only says how a value is held (`&'a mut T`, `*const T`, `(T)`) is peeled.
    pub(super) fn ty(&mut self, ty: &Type) -> TypeRef {
        if !self.ir.enter() {
            self.ir.too_deep(spans::tokens(ty));
            return TypeRef::Unknown;
        }
        let lowered = match ty {
            Type::Array(array) => TypeRef::Slice(Box::new(self.ty(&array.elem))),
            Type::Slice(slice) => TypeRef::Slice(Box::new(self.ty(&slice.elem))),
            Type::FnPtr(pointer) => self.callable(pointer.inputs.iter(), &pointer.output),
            Type::Group(group) => self.ty(&group.elem),
            Type::Paren(paren) => self.ty(&paren.elem),
            Type::Ptr(pointer) => self.ty(&pointer.elem),
            Type::Reference(reference) => self.ty(&reference.elem),
            Type::ImplTrait(bounds) => TypeRef::Bounds(self.bounds(&bounds.bounds)),
            Type::TraitObject(bounds) => TypeRef::Bounds(self.bounds(&bounds.bounds)),
            Type::Path(path) => self.type_path(path.qself.as_ref(), &path.path),
            Type::Tuple(tuple) => TypeRef::Tuple(tuple.elems.iter().map(|ty| self.ty(ty)).collect()),
            // `_`, `!`, `name!(…)` and what is not Rust yet.
            _ => TypeRef::Unknown,
        };
        self.ir.leave();
        lowered
    }

    /// `-> T`.
    pub(super) fn returns(&mut self, output: &ReturnType) -> Option<TypeRef> {
        match output {
            ReturnType::Default => None,
            ReturnType::Type(_, ty) => Some(self.ty(ty)),
        }
    }

    fn callable<'a>(
        &mut self,
        inputs: impl Iterator<Item = &'a syn::NamedArg>,
        output: &ReturnType,
    ) -> TypeRef {
        let inputs = inputs.map(|input| self.ty(&input.ty)).collect();
        let output = self.returns(output).unwrap_or(TypeRef::Tuple(Box::default()));
        TypeRef::Callable(inputs, Box::new(output))
    }

    /// `A + B`, without lifetimes, `?Sized` and `use<…>`.
    pub(super) fn bounds(&mut self, bounds: &Bounds) -> Box<[TypeRef]> {
        trait_bounds(bounds)
            .map(|path| self.type_path(None, path))
            .collect()
    }

    /// `a::b::C<X>` as a type or as a trait.
    pub(super) fn type_path(&mut self, qself: Option<&syn::QSelf>, path: &syn::Path) -> TypeRef {
        // `Fn(A) -> B`, `std::ops::FnOnce(A) -> B`.
        if let Some(PathArguments::Parenthesized(args)) = path.segments.last().map(|last| &last.arguments) {
            return self.callable(args.inputs.iter(), &args.output);
        }
        let span = spans::qualified(qself, path);
        let mut args = self.path_args(path);
        let Some(qself) = qself else {
            return TypeRef::Path {
                path: self.segments(path),
                args,
                span,
            };
        };
        let this = self.ty(&qself.ty);
        let mut segments = self.segments(path).into_vec();
        match this {
            // `<a::T<X>>::Out` is `a::T::Out<X>`.
            TypeRef::Path {
                path: prefix,
                args: of_prefix,
                ..
            } if qself.position == 0 => {
                segments.splice(0..0, prefix);
                if args.is_empty() {
                    args = of_prefix;
                }
            }
            // `<T as Trait<X>>::Out` is `Trait::Out<T, X>`.
            this => args = [this].into_iter().chain(args).collect(),
        }
        TypeRef::Path {
            path: segments.into(),
            args,
            span,
        }
    }

    /// `a`, `b`, `C` of `a::b::C<X>`.
    pub(super) fn segments(&mut self, path: &syn::Path) -> Box<[Name]> {
        path.segments
            .iter()
            .map(|segment| self.ident(&segment.ident))
            .collect()
    }

    /// `X` of `a::b::C<X>`, of the last segment that has arguments.
    pub(super) fn path_args(&mut self, path: &syn::Path) -> Box<[TypeRef]> {
        let last = path
            .segments
            .iter()
            .rev()
            .find_map(|segment| match &segment.arguments {
                PathArguments::AngleBracketed(args) => Some(args),
                PathArguments::None | PathArguments::Parenthesized(_) => None,
            });
        last.map(|args| self.generic_args(args)).unwrap_or_default()
    }

    /// `<X, Item = Y>`, without lifetimes and constants.
    pub(super) fn generic_args(&mut self, args: &syn::AngleBracketedGenericArguments) -> Box<[TypeRef]> {
        let types = args.args.iter().filter_map(|arg| match arg {
            GenericArgument::Type(ty) => Some(self.ty(ty)),
            GenericArgument::AssocType(assoc) => {
                let name = self.ident(&assoc.ident);
                Some(TypeRef::Assoc(name, Box::new(self.ty(&assoc.ty))))
            }
            // `Iterator<Item: Display>`.
            GenericArgument::Constraint(constraint) => {
                let name = self.ident(&constraint.ident);
                let bounds = TypeRef::Bounds(self.bounds(&constraint.bounds));
                Some(TypeRef::Assoc(name, Box::new(bounds)))
            }
            _ => None,
        });
        types.collect()
    }

    /// `<T: A> … where T: B`.
    pub(super) fn generics(&mut self, generics: &syn::Generics) -> Box<[Generic]> {
        let mut all: Vec<(Name, Vec<TypeRef>)> = Vec::new();
        for param in generics.type_params() {
            let name = self.ident(&param.ident);
            all.push((name, self.bounds(&param.bounds).into_vec()));
        }
        let predicates = generics.where_clause.iter().flat_map(|clause| &clause.predicates);
        for predicate in predicates {
            let syn::WherePredicate::Type(predicate) = predicate else {
                continue;
            };
            // `where T::Item: B` and `where Vec<T>: B` say nothing about a parameter itself.
            let Type::Path(bounded) = &predicate.bounded_ty else {
                continue;
            };
            let Some(name) = bounded.path.get_ident().map(|ident| self.ident(ident)) else {
                continue;
            };
            if let Some((_, bounds)) = all.iter_mut().find(|(param, _)| *param == name) {
                bounds.extend(self.bounds(&predicate.bounds));
            }
        }
        all.into_iter()
            .map(|(name, bounds)| Generic {
                name,
                bounds: bounds.into(),
            })
            .collect()
    }

    /// A type by its text, for what has no better name: `for<'a> fn(&'a str)`.
    pub(super) fn type_text(&mut self, ty: &Type) -> Name {
        self.ir.name(&ty.to_token_stream().to_string())
    }
}

/// The traits among bounds.
pub(super) fn trait_bounds(bounds: &Bounds) -> impl Iterator<Item = &syn::Path> {
    bounds.iter().filter_map(|bound| match bound {
        TypeParamBound::Trait(bound) if bound.maybe.is_none() => Some(&bound.path),
        _ => None,
    })
}
