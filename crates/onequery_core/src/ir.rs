//! The intermediate representation: one file, structured, language-neutral.
//!
//! [`FileIr`] is a pure function of a language and a text: it holds no file id and no path, which is what makes it
//! cacheable by content. Everything executable is an [`Expr`] in one arena; Python statements are expressions whose
//! value is not used. The tree keeps the shape of the source instead of a control-flow graph, because "what runs once
//! per element" is a fact about that shape: see [`Loop`].

use serde::{Deserialize, Serialize};

use crate::Language;
use crate::directive::Directive;
use crate::names::{Name, NameTable};
use crate::problem::Problem;
use crate::span::Span;

macro_rules! index {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
        )]
        pub struct $name(pub u32);

        impl $name {
            /// The id as an index into its arena.
            #[must_use]
            pub const fn index(self) -> usize {
                self.0 as usize
            }
        }
    )*};
}

index! {
    /// Index into [`FileIr::exprs`].
    ExprId,
    /// Index into [`FileIr::functions`].
    FnIx,
    /// Index into [`FileIr::classes`].
    ClassIx,
    /// Index into [`FileIr::scopes`].
    ScopeIx,
    /// Index into [`FileIr::imports`].
    ImportIx,
}

/// One lowered file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FileIr {
    /// The language it was written in.
    pub language: Language,
    /// Identifiers and string literals.
    pub names: NameTable,
    /// All expressions; children have smaller ids than their parents.
    pub exprs: Vec<Expr>,
    /// `functions[0]` is the file's top level: module code in Python, `static` and `const` values in Rust.
    pub functions: Vec<Function>,
    /// Classes, structs, enums and traits, outer before inner.
    pub classes: Vec<Class>,
    /// Rust `impl` blocks; empty in Python.
    pub impls: Vec<Impl>,
    /// `scopes[0]` is the file itself; the others are Rust's inline modules.
    pub scopes: Vec<Scope>,
    /// Every `import`, `from … import`, `use` and `mod name;`.
    pub imports: Vec<Import>,
    /// Rust's `macro_rules!`, wherever in the file they stand.
    pub macros: Vec<MacroRules>,
    /// What could not be lowered.
    pub problems: Vec<Problem>,
    /// What comments tell the analyzer, by place.
    pub directives: Vec<Directive>,
}

impl FileIr {
    /// The expression behind an id.
    #[must_use]
    pub fn expr(&self, id: ExprId) -> &Expr {
        &self.exprs[id.index()]
    }

    /// The span of an expression.
    #[must_use]
    pub fn span(&self, id: ExprId) -> Span {
        self.exprs[id.index()].span
    }

    /// The string behind a name.
    #[must_use]
    pub fn name(&self, name: Name) -> &str {
        self.names.get(name)
    }

    /// The function behind an id.
    #[must_use]
    pub fn function(&self, ix: FnIx) -> &Function {
        &self.functions[ix.index()]
    }

    /// The functions whose definition a directive covers, decorators and attributes included, their bodies not.
    pub fn functions_under<'d>(&'d self, directive: &'d Directive) -> impl Iterator<Item = FnIx> + 'd {
        (0..).zip(&self.functions).filter_map(|(ix, function)| {
            let decorators = function.decorators.iter().map(|&id| self.span(id));
            let head = decorators.fold(function.name_span, Span::cover);
            let covered = directive.covers.start <= head.end && head.start <= directive.covers.end;
            (function.name.is_some() && covered).then_some(FnIx(ix))
        })
    }

    /// The class behind an id.
    #[must_use]
    pub fn class(&self, ix: ClassIx) -> &Class {
        &self.classes[ix.index()]
    }
}

/// A Python module or a Rust module that is written inside a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// The module it is written in; `None` for the file.
    pub parent: Option<ScopeIx>,
    /// The module's own name; `None` for the file, whose name comes from its path.
    pub name: Option<Name>,
}

/// One imported name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Import {
    /// The module it is written in.
    pub scope: ScopeIx,
    /// The function whose body it is written in; such an import is also an [`ExprKind::Import`] there.
    pub function: Option<FnIx>,
    /// Leading dots of a Python relative import; 0 in Rust, where `self` and `super` are path segments.
    pub level: u32,
    /// The imported path: `a.b.c` of `from a.b import c`; `a::b::C` of `use a::b::C;`.
    pub path: Box<[Name]>,
    /// The name it binds here. `import a.b` binds `a` and has [`ImportKind::Root`].
    pub alias: Option<Name>,
    /// How it binds.
    pub kind: ImportKind,
    /// The statement.
    pub span: Span,
}

/// A `macro_rules!` definition. Calls of the file's own are expanded where that is simple; this is what other files need
/// to know of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MacroRules {
    /// Its name with the `!` of its calls.
    pub name: Name,
    /// Each of its rules returns from the function that calls it: `err!("…")`.
    pub always_returns: bool,
}

/// How an import binds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ImportKind {
    /// Binds `alias` to `path`.
    Item,
    /// Python's `import a.b.c`: binds the first segment.
    Root,
    /// `from a import *`, `use a::*`.
    Glob,
    /// Rust's `mod name;`, with `path` as `[name]`, or the literal of `#[path = "…"]` as alias.
    Module,
    /// Rust's `pub use`; otherwise as [`ImportKind::Item`].
    PublicItem,
    /// Rust's `pub use a::*`.
    PublicGlob,
}

/// A class, struct, enum, union or trait.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Class {
    /// Its name.
    pub name: Name,
    /// What it was declared as.
    pub kind: ClassKind,
    /// The module it is written in.
    pub scope: ScopeIx,
    /// The function it is written in; the top level is `FnIx(0)`.
    pub function: FnIx,
    /// The class it is written in.
    pub outer: Option<ClassIx>,
    /// Decorators and attributes; `#[derive(A)]` is a call of `derive`.
    pub decorators: Box<[ExprId]>,
    /// Base classes of Python, supertraits of Rust traits, as expressions.
    pub bases: Box<[ExprId]>,
    /// Keyword arguments of a Python class statement (`metaclass=…`, `table=True`).
    pub keywords: Box<[(Name, ExprId)]>,
    /// Type parameters with their bounds, and those associated types of a trait.
    pub generics: Box<[Generic]>,
    /// Fields with a type or a value: struct fields, enum variants, Python class attributes.
    pub fields: Box<[Field]>,
    /// Methods, in source order; for Rust only those of a trait's own body, see [`Impl`].
    pub methods: Box<[FnIx]>,
    /// Whether it stands in test code: in a file of tests or below `#[cfg(test)]`.
    pub is_test: bool,
    /// The name's span.
    pub name_span: Span,
    /// The whole declaration.
    pub span: Span,
}

/// What a [`Class`] was declared as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ClassKind {
    /// Python's `class`.
    Class,
    /// Rust's `struct` or `union`.
    Struct,
    /// Rust's `enum`.
    Enum,
    /// Rust's `trait`.
    Trait,
    /// Rust's `type Name = …;`, whose one field without a name holds the type.
    Alias,
}

/// A Rust `impl` block.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Impl {
    /// The implementing type.
    pub self_type: TypeRef,
    /// The trait, if any.
    pub of_trait: Option<TypeRef>,
    /// Type parameters with their bounds.
    pub generics: Box<[Generic]>,
    /// The module it is written in.
    pub scope: ScopeIx,
    /// Attributes.
    pub decorators: Box<[ExprId]>,
    /// Associated types: `type Target = PgPool;`.
    pub types: Box<[(Name, TypeRef)]>,
    /// Its methods and associated functions.
    pub methods: Box<[FnIx]>,
    /// Whether it stands in test code.
    pub is_test: bool,
    /// The whole block.
    pub span: Span,
}

/// A field of a class.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Field {
    /// Its name; tuple fields are named `0`, `1`, …
    pub name: Name,
    /// Its declared type.
    pub ty: Option<TypeRef>,
    /// Its class-level value (Python).
    pub value: Option<ExprId>,
    /// The declaration.
    pub span: Span,
}

/// A type parameter and what it must be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Generic {
    /// The parameter.
    pub name: Name,
    /// Its bounds, those of `where` clauses included.
    pub bounds: Box<[TypeRef]>,
}

/// A function, method, lambda, closure, or the top level of a file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Function {
    /// Its name; `None` for closures and the top level.
    pub name: Option<Name>,
    /// The module it is written in.
    pub scope: ScopeIx,
    /// The function whose body holds it; `None` only for the top level. The top level itself is `Some(FnIx(0))`.
    pub outer: Option<FnIx>,
    /// The class whose body (or Rust trait body) holds it.
    pub class: Option<ClassIx>,
    /// The `impl` block that holds it, as an index into [`FileIr::impls`].
    pub in_impl: Option<u32>,
    /// Decorators and attributes.
    pub decorators: Box<[ExprId]>,
    /// Type parameters with their bounds.
    pub generics: Box<[Generic]>,
    /// Parameters, the receiver included (`self` is an ordinary parameter named `self`).
    pub params: Box<[Param]>,
    /// The declared return type; for `async` functions the type that awaiting gives.
    pub returns: Option<TypeRef>,
    /// The body; `None` for a declaration without one.
    pub body: Option<ExprId>,
    /// `async def`, `async fn`, `async` closures.
    pub is_async: bool,
    /// Contains `yield`.
    pub is_generator: bool,
    /// Stands in test code as far as the file itself shows (`#[test]`, `#[cfg(test)]`).
    pub is_test: bool,
    /// The name's span, or the start of a closure.
    pub name_span: Span,
    /// The whole definition.
    pub span: Span,
}

impl Function {
    /// A function of which nothing is known but where it is written.
    #[must_use]
    pub fn unnamed(scope: ScopeIx, outer: Option<FnIx>, span: Span) -> Self {
        Self {
            name: None,
            scope,
            outer,
            class: None,
            in_impl: None,
            decorators: Box::default(),
            generics: Box::default(),
            params: Box::default(),
            returns: None,
            body: None,
            is_async: false,
            is_generator: false,
            is_test: false,
            name_span: Span::default(),
            span,
        }
    }
}

/// A parameter.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Param {
    /// What it binds.
    pub pattern: Pattern,
    /// Its declared type.
    pub ty: Option<TypeRef>,
    /// Its default; evaluated once, where the function is defined.
    pub default: Option<ExprId>,
    /// `*args`, `**kwargs`, or neither.
    pub spread: Spread,
    /// Whether it can only be given by name (Python, after `*`).
    pub keyword_only: bool,
}

/// A declared type, in the little detail that the analysis needs.
///
/// References, lifetimes, mutability, `Box`-free pointers and parentheses are peeled by the front end.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum TypeRef {
    /// `a::b::C<X, Y>`, `a.b.C[X, Y]`. Lifetimes and const arguments are left out.
    Path {
        /// `a`, `b`, `C`.
        path: Box<[Name]>,
        /// `X`, `Y`; from the last segment that has arguments.
        args: Box<[TypeRef]>,
        /// Where it is written.
        span: Span,
    },
    /// `(A, B)`; `tuple[A, B]` stays a path.
    Tuple(Box<[TypeRef]>),
    /// `[T]`, `[T; n]`.
    Slice(Box<TypeRef>),
    /// `impl A + B`, `dyn A + B`.
    Bounds(Box<[TypeRef]>),
    /// `fn(A) -> B`, `Fn(A) -> B`, `Callable[[A], B]`: parameters and result.
    Callable(Box<[TypeRef]>, Box<TypeRef>),
    /// Python's `A | B`, `Union[A, B]`; `Optional[A]` is `Union(A, None)` with `None` as an empty tuple.
    Union(Box<[TypeRef]>),
    /// A bound on an associated type, `Item = T` inside a [`TypeRef::Path`]'s arguments.
    Assoc(Name, Box<TypeRef>),
    /// Not understood, or `_`.
    Unknown,
}

/// An expression with its place.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where it is written.
    pub span: Span,
}

/// Everything that can be executed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum ExprKind {
    /// Syntax that is not modelled. Its children are evaluated in order; its value is unknown.
    Opaque(Box<[ExprId]>),
    /// A literal.
    Literal(Literal),
    /// A plain identifier, `self` and `Self` included.
    Name(Name),
    /// Rust's `a::b::c::<T>`, with at least two segments or type arguments. A macro's path ends in `name!`.
    /// In templates what is called by a name of its own kind: see [`TEMPLATE_FILTER`].
    Path {
        /// `a`, `b`, `c`.
        segments: Box<[Name]>,
        /// `T`, of the last segment that has arguments.
        args: Box<[TypeRef]>,
    },
    /// `base.name`; the callee of a method call is one of these.
    Attr {
        /// What it is read from.
        base: ExprId,
        /// The attribute; tuple fields are named `0`, `1`, …
        name: Name,
        /// The attribute's own span, without the base.
        name_span: Span,
    },
    /// `base[index]`.
    Index {
        /// What it is read from.
        base: ExprId,
        /// The key or position.
        index: ExprId,
    },
    /// `base[a:b:c]`, `base[a..b]`, with the parts that are there.
    Slice {
        /// What it is cut from.
        base: ExprId,
        /// Where it begins, step and end, as far as they are written.
        bounds: Box<SliceBounds>,
    },
    /// A call. A macro whose body is a list of expressions is a call of a path that ends in `name!`.
    Call {
        /// What is called.
        callee: ExprId,
        /// Its arguments.
        args: Box<[Arg]>,
        /// `.collect::<T>()`: type arguments of a Rust method call. Those of a path stay on the path.
        generics: Box<[TypeRef]>,
    },
    /// `await x`, `x.await`.
    Await(ExprId),
    /// Rust's `x?`: the value, or leave the function with the error.
    Propagate(ExprId),
    /// `not x`, `-x`, `~x`, `!x`.
    Unary(UnaryOp, ExprId),
    /// `a + b`, `a < b`, `a and b`. A comparison chain is nested from the left.
    Binary(BinaryOp, ExprId, ExprId),
    /// Rust's `&x`, `&mut x` and `*x`: the same value for this analysis.
    Deref(ExprId),
    /// `x as T`, `typing.cast(T, x)` is not one.
    Cast(ExprId, Box<TypeRef>),
    /// `[a, b]`, `(a, b)`, `{a, b}`, `{a: b}` (keys and values in turn), `vec![…]` is a call.
    Collection(CollectionKind, Box<[ExprId]>),
    /// Rust's `[x; n]`: `x` is evaluated once.
    Repeat(ExprId, ExprId),
    /// An f-string, a template's `{{ x }}` or other text with embedded expressions, after the literal text before the first
    /// of them.
    Format(Box<[ExprId]>),
    /// `T { a: x, ..rest }`.
    Record {
        /// `T`.
        path: Box<[Name]>,
        /// `a: x`.
        fields: Box<[(Name, ExprId)]>,
        /// `rest`.
        rest: Option<ExprId>,
    },
    /// A lambda or closure, as a value; its body is not evaluated here.
    Lambda(FnIx),
    /// `*x` or `**x` inside a collection; in calls see [`Arg::spread`].
    Spread(ExprId),
    /// Rust's `a..b`.
    Range(Option<ExprId>, Option<ExprId>),
    /// A comprehension or generator expression: `each` stands inside the nested loops of `body`.
    Comprehension {
        /// What it builds.
        kind: ComprehensionKind,
        /// The outermost [`ExprKind::Loop`].
        body: ExprId,
        /// The element that is produced, at the innermost place of `body`; a dictionary's is a pair (a tuple).
        each: ExprId,
    },
    /// `async { … }`: evaluated when awaited.
    AsyncBlock(ExprId),
    /// Expressions in order. With `value`, the last one is the block's value.
    Block {
        /// In source order.
        items: Box<[ExprId]>,
        /// Whether the last item is the block's value (Rust, no semicolon).
        value: bool,
    },
    /// `if`, `elif` (nested in `otherwise`), conditional expressions, Rust's `if let` (whose test is a [`ExprKind::Assign`]).
    If {
        /// The condition.
        test: ExprId,
        /// When it holds.
        then: ExprId,
        /// When it does not.
        otherwise: Option<ExprId>,
    },
    /// `match`. Rust's `let … else` is an [`ExprKind::If`].
    Match {
        /// Evaluated once.
        subject: ExprId,
        /// Tried in order.
        arms: Box<[Arm]>,
        /// Whether one of them is taken in any case.
        exhaustive: bool,
    },
    /// Any loop.
    Loop(Box<Loop>),
    /// `with a as b, c: …`.
    With {
        /// The context managers, with what each binds.
        items: Box<[(ExprId, Option<Pattern>)]>,
        /// The body.
        body: ExprId,
        /// `async with`.
        is_async: bool,
    },
    /// Python's `try`.
    Try {
        /// The guarded body.
        body: ExprId,
        /// `except` clauses.
        handlers: Box<[Handler]>,
        /// `else`.
        otherwise: Option<ExprId>,
        /// `finally`.
        finally: Option<ExprId>,
    },
    /// An assignment or binding. Rust's `let` without a value has [`None`].
    Assign {
        /// What is bound; behind a pointer, as are types, because it would double the size of every expression.
        target: Box<Pattern>,
        /// The new value.
        value: Option<ExprId>,
        /// The declared type.
        ty: Option<Box<TypeRef>>,
        /// What kind of assignment.
        mode: AssignMode,
    },
    /// `return x`.
    Return(Option<ExprId>),
    /// `break`, with Rust's value and label.
    Break(Option<ExprId>, Option<Name>),
    /// `continue`, with Rust's label.
    Continue(Option<Name>),
    /// `raise x from y`; Rust's `panic!` and its kin are calls.
    Raise(Box<[ExprId]>),
    /// `yield x`.
    Yield(Option<ExprId>),
    /// `yield from x`.
    YieldFrom(ExprId),
    /// A nested function or class; decorators and defaults are evaluated here.
    DefineFunction(FnIx),
    /// A nested class, whose body is evaluated here.
    DefineClass(ClassIx, ExprId),
    /// An import inside a body, or at the top level.
    Import(ImportIx),
    /// `del x`, `global x`, `nonlocal x`: names whose binding is not ours to follow.
    Unbind(Box<[Name]>),
    /// What only templates have.
    Template(Box<TemplatePart>),
}

/// The first segment of the path that stands for a filter of templates: `template_filter::length`.
pub const TEMPLATE_FILTER: &str = "template_filter";
/// The same for a tag: `template_tag::url`.
pub const TEMPLATE_TAG: &str = "template_tag";
/// The same for what Jinja tests with `is`: `template_test::defined`.
pub const TEMPLATE_TEST: &str = "template_test";

/// What makes one template out of several.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum TemplatePart {
    /// `{% extends "base.html" %}`: that template is rendered, with this one's blocks.
    Extends(ExprId),
    /// `{% block name %}`: its content unless a template that extends this one has a block of that name.
    Block(Name, FnIx),
    /// `{{ block.super }}`, `{{ super() }}`: the block that the block at hand stands in for.
    Super,
    /// `{% include "row.html" with book=x only %}`.
    Include {
        /// Its name.
        template: ExprId,
        /// What it is given beside the variables around.
        with: Box<[(Name, ExprId)]>,
        /// It is given nothing else.
        isolated: bool,
    },
    /// `{% cache 500 name %}…{% endcache %}`: evaluated when nothing is kept of it.
    Cached(ExprId),
    /// `{% import "forms.html" as forms %}`: a template's macros, as a module.
    Macros(ExprId),
}

/// Anything that repeats: `for`, `while`, `loop`, one clause of a comprehension.
///
/// The invariant that the whole analysis rests on: [`Loop::source`] is evaluated **once**, before the loop; everything in
/// [`Loop::header`] and [`Loop::body`] is evaluated **per element**.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Loop {
    /// Which construct.
    pub kind: LoopKind,
    /// What each element is bound to.
    pub element: Option<Pattern>,
    /// The iterable; evaluated once, outside. `None` for `while` and `loop`.
    pub source: Option<ExprId>,
    /// A `while` condition; evaluated per element, inside. `while let P = x` is an [`ExprKind::Assign`] here.
    pub header: Option<ExprId>,
    /// Evaluated per element.
    pub body: ExprId,
    /// Python's `else`; evaluated once, after.
    pub otherwise: Option<ExprId>,
    /// Rust's label.
    pub label: Option<Name>,
    /// From the keyword to the end of the iterable or condition: what a finding shows as "repeats".
    pub head_span: Span,
}

/// Which construct a [`Loop`] was written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum LoopKind {
    /// `for x in xs`.
    For,
    /// `async for x in xs`.
    AsyncFor,
    /// `while test`.
    While,
    /// `while let pattern = value`.
    WhileLet,
    /// `loop`.
    Endless,
    /// A clause of a comprehension or generator expression.
    Comprehension,
}

/// What a comprehension builds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ComprehensionKind {
    /// `[…]`.
    List,
    /// `{…}`.
    Set,
    /// `{k: v …}`.
    Dict,
    /// `(…)`: runs only as far as it is consumed.
    Generator,
}

/// The bounds of a slice, as far as they are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SliceBounds {
    /// The first position.
    pub from: Option<ExprId>,
    /// The position behind the last.
    pub to: Option<ExprId>,
    /// The step (Python).
    pub step: Option<ExprId>,
}

impl SliceBounds {
    /// Those that are written, in order.
    pub fn written(&self) -> impl Iterator<Item = ExprId> {
        [self.from, self.to, self.step].into_iter().flatten()
    }
}

/// A literal; strings are interned.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Literal {
    /// `None`, `()`.
    None,
    /// `True`, `false`.
    Bool(bool),
    /// An integer that fits; others are [`Literal::Number`].
    Int(i64),
    /// Any other number.
    Number,
    /// Text without embedded expressions, unescaped only as far as quotes and prefixes go.
    Str(Name),
    /// Bytes, characters.
    Other,
    /// Python's `...`.
    Ellipsis,
}

/// An argument of a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arg {
    /// `name=` of a keyword argument.
    pub name: Option<Name>,
    /// Its value.
    pub value: ExprId,
    /// `*x`, `**x`, or neither.
    pub spread: Spread,
}

/// Whether an argument or parameter stands for many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Spread {
    /// It stands for itself.
    No,
    /// `*x`.
    Positional,
    /// `**x`.
    Keyword,
}

/// Operators with one operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum UnaryOp {
    /// `not x`, Rust's `!x`.
    Not,
    /// All others.
    Other,
}

/// Operators with two operands, in the classes that matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum BinaryOp {
    /// `and`, `&&`: the right side is evaluated on some path only.
    And,
    /// `or`, `||`: likewise.
    Or,
    /// `&`, which narrows sets, querysets and conditions.
    BitAnd,
    /// `|`, which unites them, and `^`.
    Bitwise,
    /// `<`, `>=`, …
    Compare,
    /// `==`, `is`.
    Equal,
    /// `!=`, `is not`.
    Unequal,
    /// `in`, `not in`.
    In,
    /// `%`.
    Modulo,
    /// Arithmetic.
    Arithmetic,
}

/// Which collection a literal builds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum CollectionKind {
    /// `[a, b]`.
    List,
    /// `(a, b)`.
    Tuple,
    /// `{a, b}`.
    Set,
    /// `{a: b}`: keys and values in turn; a `**x` is one [`ExprKind::Spread`].
    Dict,
}

/// What an assignment does to its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum AssignMode {
    /// A new binding shadows: Rust's `let`.
    Let,
    /// `x = y`, the walrus.
    Set,
    /// `x += y`, `x |= y`: reads the target first.
    Update,
    /// `if let`, `while let`: binds when it matches; the value is whether it did.
    Test,
}

/// What a name, a target or an arm binds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Pattern {
    /// `x`, `ref mut x`.
    Name(Name, Span),
    /// `(a, b)`, `[a, b]`.
    Tuple(Box<[Pattern]>),
    /// `*rest`, `..`, `rest @ ..`.
    Rest(Option<Box<Pattern>>),
    /// `Some(a)`, `Point { x, y: b }`, Python's `Point(x, y=b)`: named parts have their field.
    Variant {
        /// `Some`, `a::Point`.
        path: Box<[Name]>,
        /// In source order.
        parts: Box<[(Option<Name>, Pattern)]>,
    },
    /// `a | b`.
    Or(Box<[Pattern]>),
    /// `whole @ part`, `part as whole`.
    Bind(Name, Box<Pattern>),
    /// `a.b`, `a[b]`: an assignment to a place; the expression is that place.
    Place(ExprId),
    /// `_`, literals, ranges, constants.
    Wildcard,
}

/// One arm of a `match`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Arm {
    /// What it matches.
    pub pattern: Pattern,
    /// Its condition.
    pub guard: Option<ExprId>,
    /// What it evaluates.
    pub body: ExprId,
}

/// One `except` clause.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Handler {
    /// The exception types, evaluated when something was raised.
    pub types: Option<ExprId>,
    /// `as name`.
    pub name: Option<Name>,
    /// The clause's body.
    pub body: ExprId,
}
