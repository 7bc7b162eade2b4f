//! Items: at the top level, in modules, and in function bodies.

use onequery_core::Span;
use onequery_core::ir::{
    AssignMode, Class, ClassIx, ClassKind, ExprId, ExprKind, Field, FnIx, Generic, Impl, Pattern, TypeRef,
};
use proc_macro2::TokenStream;
use syn::{Attribute, Expr, ForeignItem, Generics, ImplItem, Item, TraitItem, Type, Visibility};

use super::functions::{Home, Written};
use super::types::trait_bounds;
use super::{Lowering, Place, attributes, spans};

impl Lowering {
    /// An item outside of any function; what it evaluates belongs to `functions[0]`.
    pub(super) fn top_level_item(&mut self, item: &Item) {
        let mut evaluated = Vec::new();
        self.item(item, &mut evaluated);
        self.top_level.extend(evaluated);
    }

    /// Lowers an item. `here` gets the expressions that stand in its place.
    pub(super) fn item(&mut self, item: &Item, here: &mut Vec<ExprId>) {
        let is_test = self.place.is_test || attributes::are_test(attrs_of(item));
        let place = Place {
            is_test,
            ..self.place
        };
        self.at(place, |cx| cx.item_here(item, here));
    }

    fn item_here(&mut self, item: &Item, here: &mut Vec<ExprId>) {
        match item {
            Item::Fn(function) => {
                let ix = self.function(&Written {
                    attrs: &function.attrs,
                    visibility: &function.vis,
                    signature: &function.sig,
                    body: Some(&function.block),
                    home: Home::default(),
                });
                self.define(
                    ExprKind::DefineFunction(ix),
                    spans::span(function.sig.ident.span()),
                    here,
                );
            }
            Item::Struct(item) => {
                let start = spans::visibility(&item.vis, item.struct_token.span);
                let end = match (&item.fields, &item.semi_token) {
                    (_, Some(semicolon)) => spans::span(semicolon.span),
                    (fields, None) => spans::tokens(fields),
                };
                let class = self.class(&item.ident, ClassKind::Struct, &item.attrs, start.cover(end));
                let fields = self.fields(&item.fields);
                self.add_class(class, &item.generics, fields, here);
            }
            Item::Union(item) => {
                let start = spans::visibility(&item.vis, item.union_token.span);
                let end = spans::span(item.fields.brace_token.span.close());
                let class = self.class(&item.ident, ClassKind::Struct, &item.attrs, start.cover(end));
                let fields = self.numbered(item.fields.named.iter());
                self.add_class(class, &item.generics, fields, here);
            }
            Item::Enum(item) => {
                let start = spans::visibility(&item.vis, item.enum_token.span);
                let end = spans::span(item.brace_token.span.close());
                let class = self.class(&item.ident, ClassKind::Enum, &item.attrs, start.cover(end));
                let fields = item
                    .variants
                    .iter()
                    .map(|variant| self.variant(variant))
                    .collect();
                self.add_class(class, &item.generics, fields, here);
            }
            Item::Type(item) => {
                let start = spans::visibility(&item.vis, item.type_token.span);
                let end = spans::span(item.semi_token.span);
                let class = self.class(&item.ident, ClassKind::Alias, &item.attrs, start.cover(end));
                let field = Field {
                    name: self.ir.name(""),
                    ty: Some(self.ty(&item.ty)),
                    value: None,
                    span: spans::tokens(&*item.ty),
                };
                self.add_class(class, &item.generics, Box::new([field]), here);
            }
            Item::Trait(item) => self.the_trait(item, here),
            Item::TraitAlias(item) => {
                let start = spans::visibility(&item.vis, item.trait_token.span);
                let end = spans::span(item.semi_token.span);
                let class = self.class(&item.ident, ClassKind::Trait, &item.attrs, start.cover(end));
                let ix = self.add_class(class, &item.generics, Box::default(), here);
                self.ir.class_mut(ix).bases = self.supertraits(&item.bounds);
            }
            Item::Impl(item) => self.the_impl(item, here),
            Item::Mod(item) => self.module(item),
            Item::Use(item) => {
                let span = spans::span(item.use_token.span).cover(spans::span(item.semi_token.span));
                for ix in self.use_item(item) {
                    let import = self.import_here(ix, span);
                    self.stand(import, here);
                }
            }
            Item::ExternCrate(item) => {
                self.extern_crate(item);
            }
            Item::Const(item) => {
                let constant = Constant {
                    target: self.constant_name(&item.ident),
                    ty: &item.ty,
                    value: Some(&item.expr),
                    span: spans::span(item.const_token.span).cover(spans::span(item.semi_token.span)),
                };
                here.push(self.constant(constant));
            }
            Item::Static(item) => {
                let constant = Constant {
                    target: self.constant_name(&item.ident),
                    ty: &item.ty,
                    value: Some(&item.expr),
                    span: spans::span(item.static_token.span).cover(spans::span(item.semi_token.span)),
                };
                here.push(self.constant(constant));
            }
            Item::ForeignMod(item) => self.foreign_items(item, here),
            Item::Macro(item) => match &item.ident {
                Some(name) => self.remember_rules(name, &item.mac),
                None => self.item_macro(&item.mac, here),
            },
            Item::Verbatim(tokens) => self.unknown_item(tokens, here),
            _ => {}
        }
    }

    /// Something that is not Rust, or not yet; a `fn` without a body is one, too.
    fn unknown_item(&mut self, tokens: &TokenStream, here: &mut Vec<ExprId>) {
        let children = self.recovered(tokens.clone());
        if !children.is_empty() {
            let span = spans::tokens(tokens);
            here.push(self.ir.opaque(children, span));
        }
    }

    /// A definition is evaluated only in a body: at the top level, items exist without that.
    fn define(&mut self, kind: ExprKind, span: Span, here: &mut Vec<ExprId>) {
        if self.place.function != FnIx(0) {
            here.push(self.ir.expr(kind, span));
        }
    }

    fn stand(&self, expr: ExprId, here: &mut Vec<ExprId>) {
        if self.place.function != FnIx(0) {
            here.push(expr);
        }
    }

    fn module(&mut self, item: &syn::ItemMod) {
        let Some((_, items)) = &item.content else {
            self.module_file(item);
            return;
        };
        let name = self.ident(&item.ident);
        let place = Place {
            scope: self.ir.scope(self.place.scope, name),
            // A module in a function body sees nothing of that function.
            function: FnIx(0),
            is_test: self.place.is_test,
        };
        // Modules nest as expressions do.
        if !self.ir.enter() {
            self.ir.too_deep(spans::span(item.ident.span()));
            return;
        }
        self.at(place, |cx| {
            for item in items {
                cx.top_level_item(item);
            }
        });
        self.ir.leave();
    }

    fn class(&mut self, name: &syn::Ident, kind: ClassKind, attrs: &[Attribute], span: Span) -> Class {
        Class {
            name: self.ident(name),
            kind,
            scope: self.place.scope,
            function: self.place.function,
            outer: None,
            decorators: self.decorators(attrs),
            bases: Box::default(),
            keywords: Box::default(),
            generics: Box::default(),
            fields: Box::default(),
            methods: Box::default(),
            is_test: self.place.is_test,
            name_span: spans::span(name.span()),
            span,
        }
    }

    fn add_class(
        &mut self,
        class: Class,
        generics: &Generics,
        fields: Box<[Field]>,
        here: &mut Vec<ExprId>,
    ) -> ClassIx {
        let span = class.name_span;
        let generics = self.generics(generics);
        let ix = self.ir.class(Class {
            generics,
            fields,
            ..class
        });
        if self.place.function != FnIx(0) {
            let body = self.statements(&[], span);
            self.define(ExprKind::DefineClass(ix, body), span, here);
        }
        ix
    }

    fn fields(&mut self, fields: &syn::Fields) -> Box<[Field]> {
        self.numbered(fields.iter())
    }

    /// Struct fields; those of tuple structs are named by their position.
    fn numbered<'a>(&mut self, fields: impl Iterator<Item = &'a syn::Field>) -> Box<[Field]> {
        fields
            .enumerate()
            .map(|(ix, field)| Field {
                name: match &field.ident {
                    Some(ident) => self.ident(ident),
                    None => self.ir.name(&ix.to_string()),
                },
                ty: Some(self.ty(&field.ty)),
                value: None,
                span: field.ident.as_ref().map_or_else(
                    || spans::tokens(&field.ty),
                    |ident| spans::span(ident.span()).cover(spans::tokens(&field.ty)),
                ),
            })
            .collect()
    }

    /// `A`, `A(X)`, `A { x: X, y: Y }`: nothing, the type, a tuple of types.
    fn variant(&mut self, variant: &syn::Variant) -> Field {
        let name_span = spans::span(variant.ident.span());
        let mut types: Vec<_> = variant.fields.iter().map(|field| self.ty(&field.ty)).collect();
        let ty = match types.len() {
            0 => None,
            1 => types.pop(),
            _ => Some(TypeRef::Tuple(types.into())),
        };
        let span = match &variant.fields {
            syn::Fields::Unit => name_span,
            fields => name_span.cover(spans::tokens(fields)),
        };
        Field {
            name: self.ident(&variant.ident),
            ty,
            value: None,
            span,
        }
    }

    fn the_trait(&mut self, item: &syn::ItemTrait, here: &mut Vec<ExprId>) {
        let start = spans::visibility(&item.vis, item.trait_token.span);
        let end = spans::span(item.brace_token.span.close());
        let class = self.class(&item.ident, ClassKind::Trait, &item.attrs, start.cover(end));
        let ix = self.add_class(class, &item.generics, Box::default(), here);
        self.ir.class_mut(ix).bases = self.supertraits(&item.supertraits);
        let home = Home {
            class: Some(ix),
            in_impl: None,
        };
        let mut methods = Vec::new();
        let mut types = Vec::new();
        for item in &item.items {
            match item {
                TraitItem::Type(item) => types.push(Generic {
                    name: self.ident(&item.ident),
                    bounds: self.bounds(&item.bounds),
                }),
                TraitItem::Fn(function) => methods.push(self.function(&Written {
                    attrs: &function.attrs,
                    visibility: &Visibility::Inherited,
                    signature: &function.sig,
                    body: function.default.as_ref(),
                    home,
                })),
                TraitItem::Const(item) => {
                    if let Some((_, value)) = &item.default {
                        let span = spans::span(item.const_token.span);
                        self.associated(&item.ty, value, span.cover(spans::span(item.semi_token.span)));
                    }
                }
                TraitItem::Macro(item) => self.item_macro(&item.mac, here),
                TraitItem::Verbatim(tokens) => self.unknown_item(tokens, here),
                _ => {}
            }
        }
        let class = self.ir.class_mut(ix);
        class.methods = methods.into();
        class.generics = std::mem::take(&mut class.generics)
            .into_iter()
            .chain(types)
            .collect();
    }

    fn supertraits(
        &mut self,
        bounds: &syn::punctuated::Punctuated<syn::TypeParamBound, syn::Token![+]>,
    ) -> Box<[ExprId]> {
        trait_bounds(bounds)
            .map(|path| {
                let kind = self.path(None, path);
                self.ir.expr(kind, spans::path(path))
            })
            .collect()
    }

    fn the_impl(&mut self, item: &syn::ItemImpl, here: &mut Vec<ExprId>) {
        let self_type = match self.ty(&item.self_ty) {
            // `impl Trait for name!(…)`: better the text than nothing.
            TypeRef::Unknown => TypeRef::Path {
                path: Box::new([self.type_text(&item.self_ty)]),
                args: Box::default(),
                span: spans::tokens(&*item.self_ty),
            },
            ty => ty,
        };
        let start = item.unsafety.map_or(item.impl_token.span, |token| token.span);
        let types = item.items.iter().filter_map(|item| match item {
            ImplItem::Type(item) => Some((self.ident(&item.ident), self.ty(&item.ty))),
            _ => None,
        });
        let types = types.collect();
        let implementation = Impl {
            self_type,
            of_trait: item.trait_.as_ref().map(|(path, _)| self.type_path(None, path)),
            generics: self.generics(&item.generics),
            scope: self.place.scope,
            decorators: self.decorators(&item.attrs),
            types,
            methods: Box::default(),
            is_test: self.place.is_test,
            span: spans::span(start).cover(spans::span(item.brace_token.span.close())),
        };
        let ix = self.ir.implementation(implementation);
        let home = Home {
            class: None,
            in_impl: Some(ix),
        };
        let mut methods = Vec::new();
        for item in &item.items {
            match item {
                ImplItem::Fn(function) => methods.push(self.function(&Written {
                    attrs: &function.attrs,
                    visibility: &function.vis,
                    signature: &function.sig,
                    body: Some(&function.block),
                    home,
                })),
                ImplItem::Const(item) => {
                    let span = spans::span(item.const_token.span).cover(spans::span(item.semi_token.span));
                    self.associated(&item.ty, &item.expr, span);
                }
                ImplItem::Macro(item) => self.item_macro(&item.mac, here),
                ImplItem::Verbatim(tokens) => self.unknown_item(tokens, here),
                _ => {}
            }
        }
        self.ir.implementation_mut(ix).methods = methods.into();
    }

    /// `const LIMIT: usize = …;` in a trait or `impl`: evaluated with the file, under no name of the file's own.
    fn associated(&mut self, ty: &Type, value: &Expr, span: Span) {
        let place = Place {
            function: FnIx(0),
            ..self.place
        };
        let constant = Constant {
            target: Pattern::Wildcard,
            ty,
            value: Some(value),
            span,
        };
        let constant = self.at(place, |cx| cx.constant(constant));
        self.top_level.push(constant);
    }

    fn constant_name(&mut self, ident: &syn::Ident) -> Pattern {
        match ident == "_" {
            true => Pattern::Wildcard,
            false => Pattern::Name(self.ident(ident), spans::span(ident.span())),
        }
    }

    fn constant(&mut self, constant: Constant<'_>) -> ExprId {
        let ty = Some(self.ty(constant.ty));
        let value = constant.value.map(|value| self.expression(value));
        let kind = ExprKind::Assign {
            target: Box::new(constant.target),
            value,
            ty: ty.map(Box::new),
            mode: AssignMode::Set,
        };
        self.ir.expr(kind, constant.span)
    }

    /// `extern "C" { fn f(); static X: T; }`
    fn foreign_items(&mut self, item: &syn::ItemForeignMod, here: &mut Vec<ExprId>) {
        for item in &item.items {
            match item {
                ForeignItem::Fn(function) => {
                    let ix = self.function(&Written {
                        attrs: &function.attrs,
                        visibility: &function.vis,
                        signature: &function.sig,
                        body: None,
                        home: Home::default(),
                    });
                    self.define(
                        ExprKind::DefineFunction(ix),
                        spans::span(function.sig.ident.span()),
                        here,
                    );
                }
                ForeignItem::Static(item) => {
                    let constant = Constant {
                        target: self.constant_name(&item.ident),
                        ty: &item.ty,
                        value: None,
                        span: spans::span(item.static_token.span).cover(spans::span(item.semi_token.span)),
                    };
                    here.push(self.constant(constant));
                }
                ForeignItem::Macro(item) => self.item_macro(&item.mac, here),
                ForeignItem::Verbatim(tokens) => self.unknown_item(tokens, here),
                _ => {}
            }
        }
    }
}

/// `const NAME: T = value;`, `static NAME: T = value;`
struct Constant<'a> {
    target: Pattern,
    ty: &'a Type,
    value: Option<&'a Expr>,
    span: Span,
}

fn attrs_of(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::ForeignMod(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::TraitAlias(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        _ => &[],
    }
}
