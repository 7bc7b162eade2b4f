//! The textual form of a [`FileIr`], which layer tests compare and `onequery debug ir` prints.

use std::cell::Cell;
use std::fmt::Write as _;

use onequery_core::Name;
use onequery_core::ir::{
    Arg, AssignMode, Class, CollectionKind, ComprehensionKind, ExprId, ExprKind, FileIr, FnIx, Function,
    Generic, ImportKind, Literal, Loop, LoopKind, Pattern, ScopeIx, Spread, TemplatePart, TypeRef, UnaryOp,
};

/// Renders a whole file: imports, classes, impls, then each function with its body indented.
#[must_use]
pub fn dump(ir: &FileIr) -> String {
    let mut out = Dump::new(ir);
    out.file();
    out.text
}

struct Dump<'a> {
    ir: &'a FileIr,
    text: String,
    /// How many expressions are being printed inside each other.
    depth: Cell<u32>,
}

/// Chains of thousands of calls are printed up to here, so that printing them cannot overflow the stack.
const MAX_PRINTED: u32 = 400;

impl<'a> Dump<'a> {
    fn new(ir: &'a FileIr) -> Self {
        Self {
            ir,
            text: String::new(),
            depth: Cell::new(0),
        }
    }
}

impl Dump<'_> {
    fn file(&mut self) {
        let ir = self.ir;
        for import in &ir.imports {
            let dots = ".".repeat(import.level as usize);
            let alias = import.alias.map_or("-", |name| ir.name(name));
            let kind = match import.kind {
                ImportKind::Item => "import",
                ImportKind::Root => "import-root",
                ImportKind::Glob => "import-glob",
                ImportKind::Module => "module",
                ImportKind::PublicItem => "pub-import",
                ImportKind::PublicGlob => "pub-import-glob",
            };
            let line = format!(
                "{kind} {dots}{} as {alias}{}\n",
                self.path(&import.path),
                self.scope(import.scope)
            );
            self.text.push_str(&line);
        }
        for class in &ir.classes {
            self.class(class);
        }
        for implementation in &ir.impls {
            let generics = self.generics(&implementation.generics);
            let of = implementation
                .of_trait
                .as_ref()
                .map(|of| format!("{} for ", self.ty(of)))
                .unwrap_or_default();
            let types = implementation
                .types
                .iter()
                .map(|(name, ty)| format!("{}={}", ir.name(*name), self.ty(ty)));
            let methods = implementation.methods.iter().map(|&ix| self.function_name(ix));
            let items: Vec<String> = types.chain(methods).collect();
            let test = if implementation.is_test { " test" } else { "" };
            let line = format!(
                "impl{generics} {of}{}{test} {{{}}}\n",
                self.ty(&implementation.self_type),
                items.join(" ")
            );
            self.text.push_str(&line);
        }
        for (ix, function) in ir.functions.iter().enumerate() {
            self.function(FnIx(u32::try_from(ix).expect("ids fit")), function);
        }
        for problem in &ir.problems {
            let _ = writeln!(
                self.text,
                "problem {} at {}: {}",
                problem.kind.id(),
                problem.span.start,
                problem.message
            );
        }
    }

    fn class(&mut self, class: &Class) {
        let bases: Vec<_> = class.bases.iter().map(|&base| self.inline(base)).collect();
        let keywords: Vec<_> = class
            .keywords
            .iter()
            .map(|&(name, value)| format!("{}={}", self.ir.name(name), self.inline(value)))
            .collect();
        let decorators: String = class
            .decorators
            .iter()
            .map(|&d| format!("@{} ", self.inline(d)))
            .collect();
        let header = format!(
            "{decorators}{:?} {}{}({}){}{}\n",
            class.kind,
            self.ir.name(class.name),
            self.generics(&class.generics),
            bases.into_iter().chain(keywords).collect::<Vec<_>>().join(", "),
            if class.is_test { " test" } else { "" },
            self.scope(class.scope),
        );
        self.text.push_str(&header);
        for field in &class.fields {
            let ty = field
                .ty
                .as_ref()
                .map(|ty| format!(": {}", self.ty(ty)))
                .unwrap_or_default();
            let value = field
                .value
                .map(|value| format!(" = {}", self.inline(value)))
                .unwrap_or_default();
            let line = format!("  field {}{ty}{value}\n", self.ir.name(field.name));
            self.text.push_str(&line);
        }
        let methods: Vec<_> = class.methods.iter().map(|&ix| self.function_name(ix)).collect();
        if !methods.is_empty() {
            let _ = writeln!(self.text, "  methods {}", methods.join(" "));
        }
    }

    fn function_name(&self, ix: FnIx) -> String {
        let name = self.ir.function(ix).name.map_or("", |name| self.ir.name(name));
        format!("{name}#{}", ix.0)
    }

    fn function(&mut self, ix: FnIx, function: &Function) {
        let params: Vec<_> = function
            .params
            .iter()
            .map(|param| {
                let stars = match param.spread {
                    Spread::No => "",
                    Spread::Positional => "*",
                    Spread::Keyword => "**",
                };
                let ty = param
                    .ty
                    .as_ref()
                    .map(|ty| format!(": {}", self.ty(ty)))
                    .unwrap_or_default();
                let default = param
                    .default
                    .map(|value| format!(" = {}", self.inline(value)))
                    .unwrap_or_default();
                format!("{stars}{}{ty}{default}", self.pattern(&param.pattern))
            })
            .collect();
        let decorators: String = function
            .decorators
            .iter()
            .map(|&d| format!("@{} ", self.inline(d)))
            .collect();
        let mut flags = String::new();
        for (flag, word) in [
            (function.is_async, " async"),
            (function.is_generator, " generator"),
            (function.is_test, " test"),
        ] {
            if flag {
                flags.push_str(word);
            }
        }
        let returns = function
            .returns
            .as_ref()
            .map(|ty| format!(" -> {}", self.ty(ty)))
            .unwrap_or_default();
        let outer = function
            .outer
            .map(|outer| format!(" in #{}", outer.0))
            .unwrap_or_default();
        let header = format!(
            "{decorators}fn {}{}({}){returns}{flags}{outer}{}\n",
            self.function_name(ix),
            self.generics(&function.generics),
            params.join(", "),
            self.scope(function.scope),
        );
        self.text.push_str(&header);
        if let Some(body) = function.body {
            self.statement(body, 1);
        }
    }

    fn scope(&self, scope: ScopeIx) -> String {
        let mut names = Vec::new();
        let mut at = Some(scope);
        while let Some(ix) = at {
            let scope = &self.ir.scopes[ix.index()];
            names.extend(scope.name.map(|name| self.ir.name(name)));
            at = scope.parent;
        }
        names.reverse();
        if names.is_empty() {
            String::new()
        } else {
            format!(" mod {}", names.join("::"))
        }
    }

    fn generics(&self, generics: &[Generic]) -> String {
        if generics.is_empty() {
            return String::new();
        }
        let all: Vec<_> = generics
            .iter()
            .map(|generic| {
                let bounds: Vec<_> = generic.bounds.iter().map(|bound| self.ty(bound)).collect();
                let colon = if bounds.is_empty() { "" } else { ": " };
                format!("{}{colon}{}", self.ir.name(generic.name), bounds.join(" + "))
            })
            .collect();
        format!("<{}>", all.join(", "))
    }

    fn path(&self, path: &[Name]) -> String {
        path.iter()
            .map(|&name| self.ir.name(name))
            .collect::<Vec<_>>()
            .join(".")
    }

    fn ty(&self, ty: &TypeRef) -> String {
        let all = |types: &[TypeRef], separator: &str| {
            types
                .iter()
                .map(|ty| self.ty(ty))
                .collect::<Vec<_>>()
                .join(separator)
        };
        match ty {
            TypeRef::Path { path, args, .. } if args.is_empty() => self.path(path),
            TypeRef::Path { path, args, .. } => format!("{}<{}>", self.path(path), all(args, ", ")),
            TypeRef::Tuple(parts) => format!("({})", all(parts, ", ")),
            TypeRef::Slice(item) => format!("[{}]", self.ty(item)),
            TypeRef::Bounds(bounds) => format!("dyn {}", all(bounds, " + ")),
            TypeRef::Callable(params, result) => format!("fn({}) -> {}", all(params, ", "), self.ty(result)),
            TypeRef::Union(parts) => all(parts, " | "),
            TypeRef::Assoc(name, ty) => format!("{} = {}", self.ir.name(*name), self.ty(ty)),
            TypeRef::Unknown => "_".to_owned(),
        }
    }

    fn pattern(&self, pattern: &Pattern) -> String {
        let all = |patterns: &[Pattern], separator: &str| {
            patterns
                .iter()
                .map(|pattern| self.pattern(pattern))
                .collect::<Vec<_>>()
                .join(separator)
        };
        match pattern {
            Pattern::Name(name, _) => self.ir.name(*name).to_owned(),
            Pattern::Tuple(parts) => format!("({})", all(parts, ", ")),
            Pattern::Rest(None) => "..".to_owned(),
            Pattern::Rest(Some(part)) => format!("*{}", self.pattern(part)),
            Pattern::Variant { path, parts } => {
                let parts: Vec<_> = parts
                    .iter()
                    .map(|(field, part)| {
                        let field = field
                            .map(|field| format!("{}=", self.ir.name(field)))
                            .unwrap_or_default();
                        format!("{field}{}", self.pattern(part))
                    })
                    .collect();
                format!("{}({})", self.path(path), parts.join(", "))
            }
            Pattern::Or(parts) => all(parts, " | "),
            Pattern::Bind(name, part) => format!("{} @ {}", self.ir.name(*name), self.pattern(part)),
            Pattern::Place(place) => self.inline(*place),
            Pattern::Wildcard => "_".to_owned(),
        }
    }

    fn line(&mut self, indent: usize, line: &str) {
        let _ = writeln!(self.text, "{:1$}{line}", "", indent * 2);
    }

    /// Prints an expression that stands as a statement, with nested blocks on lines of their own.
    fn statement(&mut self, id: ExprId, indent: usize) {
        let ir = self.ir;
        match &ir.expr(id).kind {
            ExprKind::Block { items, value } => {
                for (ix, &item) in items.iter().enumerate() {
                    if *value && ix + 1 == items.len() {
                        self.line(indent, "value");
                        self.statement(item, indent + 1);
                    } else {
                        self.statement(item, indent);
                    }
                }
            }
            ExprKind::If {
                test,
                then,
                otherwise,
            } => {
                let head = format!("if {}", self.inline(*test));
                self.line(indent, &head);
                self.statement(*then, indent + 1);
                if let Some(otherwise) = otherwise {
                    self.line(indent, "else");
                    self.statement(*otherwise, indent + 1);
                }
            }
            ExprKind::Match { subject, arms, .. } => {
                let head = format!("match {}", self.inline(*subject));
                self.line(indent, &head);
                for arm in arms {
                    let guard = arm
                        .guard
                        .map(|guard| format!(" if {}", self.inline(guard)))
                        .unwrap_or_default();
                    let head = format!("case {}{guard}", self.pattern(&arm.pattern));
                    self.line(indent + 1, &head);
                    self.statement(arm.body, indent + 2);
                }
            }
            ExprKind::Loop(the_loop) => self.the_loop(the_loop, indent),
            ExprKind::With {
                items,
                body,
                is_async,
            } => {
                let items: Vec<_> = items
                    .iter()
                    .map(|(context, target)| {
                        let target = target
                            .as_ref()
                            .map(|t| format!(" as {}", self.pattern(t)))
                            .unwrap_or_default();
                        format!("{}{target}", self.inline(*context))
                    })
                    .collect();
                let head = format!(
                    "{}with {}",
                    if *is_async { "async " } else { "" },
                    items.join(", ")
                );
                self.line(indent, &head);
                self.statement(*body, indent + 1);
            }
            ExprKind::Try {
                body,
                handlers,
                otherwise,
                finally,
            } => {
                self.line(indent, "try");
                self.statement(*body, indent + 1);
                for handler in handlers {
                    let types = handler
                        .types
                        .map(|types| format!(" {}", self.inline(types)))
                        .unwrap_or_default();
                    let name = handler
                        .name
                        .map(|name| format!(" as {}", ir.name(name)))
                        .unwrap_or_default();
                    self.line(indent, &format!("except{types}{name}"));
                    self.statement(handler.body, indent + 1);
                }
                for (word, block) in [("else", otherwise), ("finally", finally)] {
                    if let Some(block) = block {
                        self.line(indent, word);
                        self.statement(*block, indent + 1);
                    }
                }
            }
            ExprKind::DefineClass(class, body) => {
                let head = format!("class {}", ir.name(ir.class(*class).name));
                self.line(indent, &head);
                self.statement(*body, indent + 1);
            }
            ExprKind::AsyncBlock(body) => {
                self.line(indent, "async");
                self.statement(*body, indent + 1);
            }
            _ => {
                let line = self.inline(id);
                self.line(indent, &line);
            }
        }
    }

    fn the_loop(&mut self, the_loop: &Loop, indent: usize) {
        let mut head = match the_loop.kind {
            LoopKind::For => "for".to_owned(),
            LoopKind::AsyncFor => "async for".to_owned(),
            LoopKind::While => "while".to_owned(),
            LoopKind::WhileLet => "while-let".to_owned(),
            LoopKind::Endless => "loop".to_owned(),
            LoopKind::Comprehension => "each".to_owned(),
        };
        if let Some(element) = &the_loop.element {
            let _ = write!(head, " {}", self.pattern(element));
        }
        if let Some(source) = the_loop.source {
            let _ = write!(head, " in {}", self.inline(source));
        }
        if let Some(header) = the_loop.header {
            let _ = write!(head, " header {}", self.inline(header));
        }
        if let Some(label) = the_loop.label {
            let _ = write!(head, " label {}", self.ir.name(label));
        }
        self.line(indent, &head);
        self.statement(the_loop.body, indent + 1);
        if let Some(otherwise) = the_loop.otherwise {
            self.line(indent, "else");
            self.statement(otherwise, indent + 1);
        }
    }

    fn list(&self, items: &[ExprId]) -> String {
        items
            .iter()
            .map(|&item| self.inline(item))
            .collect::<Vec<_>>()
            .join(", ")
    }

    fn arg(&self, arg: &Arg) -> String {
        let name = arg
            .name
            .map(|name| format!("{}=", self.ir.name(name)))
            .unwrap_or_default();
        let stars = match arg.spread {
            Spread::No => "",
            Spread::Positional => "*",
            Spread::Keyword => "**",
        };
        format!("{name}{stars}{}", self.inline(arg.value))
    }

    fn template_part(&self, part: &TemplatePart) -> String {
        match part {
            TemplatePart::Extends(parent) => format!("extends {}", self.inline(*parent)),
            TemplatePart::Block(name, content) => {
                format!("block {} {}", self.ir.name(*name), self.function_name(*content))
            }
            TemplatePart::Super => "super".to_owned(),
            TemplatePart::Include {
                template,
                with,
                isolated,
            } => {
                let with = with.iter();
                let with: String = with
                    .map(|&(name, value)| format!(" {}={}", self.ir.name(name), self.inline(value)))
                    .collect();
                let only = if *isolated { " only" } else { "" };
                format!("include {}{with}{only}", self.inline(*template))
            }
            TemplatePart::Cached(body) => format!("cached {}", self.inline(*body)),
            TemplatePart::Macros(template) => format!("macros {}", self.inline(*template)),
        }
    }

    /// Prints an expression on one line; nested blocks become `{ … }`.
    fn inline(&self, id: ExprId) -> String {
        let depth = self.depth.get();
        if depth >= MAX_PRINTED {
            return "…".to_owned();
        }
        self.depth.set(depth + 1);
        let text = self.inline_kind(id);
        self.depth.set(depth);
        text
    }

    fn inline_kind(&self, id: ExprId) -> String {
        let ir = self.ir;
        let types = |args: &[TypeRef]| match args {
            [] => String::new(),
            args => format!(
                "<{}>",
                args.iter().map(|ty| self.ty(ty)).collect::<Vec<_>>().join(", ")
            ),
        };
        let optional = |id: &Option<ExprId>| id.map(|id| format!(" {}", self.inline(id))).unwrap_or_default();
        match &ir.expr(id).kind {
            ExprKind::Opaque(children) => format!("opaque({})", self.list(children)),
            ExprKind::Literal(literal) => match literal {
                Literal::None => "None".to_owned(),
                Literal::Bool(value) => value.to_string(),
                Literal::Int(value) => value.to_string(),
                Literal::Number => "number".to_owned(),
                Literal::Str(text) => format!("{:?}", ir.name(*text)),
                Literal::Other => "literal".to_owned(),
                Literal::Ellipsis => "...".to_owned(),
            },
            ExprKind::Name(name) => ir.name(*name).to_owned(),
            ExprKind::Path { segments, args } => {
                format!("{}{}", self.path(segments).replace('.', "::"), types(args))
            }
            ExprKind::Attr { base, name, .. } => format!("{}.{}", self.inline(*base), ir.name(*name)),
            ExprKind::Index { base, index } => format!("{}[{}]", self.inline(*base), self.inline(*index)),
            ExprKind::Slice { base, bounds } => {
                let bound = |bound: Option<ExprId>| bound.map(|bound| self.inline(bound)).unwrap_or_default();
                let step = bounds
                    .step
                    .map(|step| format!(":{}", self.inline(step)))
                    .unwrap_or_default();
                let (from, to) = (bound(bounds.from), bound(bounds.to));
                format!("{}[{from}:{to}{step}]", self.inline(*base))
            }
            ExprKind::Call {
                callee,
                args,
                generics,
            } => {
                let args: Vec<_> = args.iter().map(|arg| self.arg(arg)).collect();
                format!("{}{}({})", self.inline(*callee), types(generics), args.join(", "))
            }
            ExprKind::Await(value) => format!("await {}", self.inline(*value)),
            ExprKind::Propagate(value) => format!("{}?", self.inline(*value)),
            ExprKind::Unary(UnaryOp::Not, value) => format!("not {}", self.inline(*value)),
            ExprKind::Unary(UnaryOp::Other, value) => format!("unary {}", self.inline(*value)),
            ExprKind::Binary(op, left, right) => {
                format!("({op:?} {} {})", self.inline(*left), self.inline(*right))
            }
            ExprKind::Deref(value) => self.inline(*value),
            ExprKind::Cast(value, ty) => format!("({} as {})", self.inline(*value), self.ty(ty)),
            ExprKind::Collection(kind, items) => {
                let (open, close) = match kind {
                    CollectionKind::List => ("[", "]"),
                    CollectionKind::Tuple => ("(", ")"),
                    CollectionKind::Set => ("set{", "}"),
                    CollectionKind::Dict => ("dict{", "}"),
                };
                format!("{open}{}{close}", self.list(items))
            }
            ExprKind::Repeat(value, times) => format!("[{}; {}]", self.inline(*value), self.inline(*times)),
            ExprKind::Format(parts) => format!("format({})", self.list(parts)),
            ExprKind::Record { path, fields, rest } => {
                let fields: Vec<_> = fields
                    .iter()
                    .map(|&(name, value)| format!("{}: {}", ir.name(name), self.inline(value)))
                    .chain(rest.map(|rest| format!("..{}", self.inline(rest))))
                    .collect();
                format!(
                    "{} {{ {} }}",
                    self.path(path).replace('.', "::"),
                    fields.join(", ")
                )
            }
            ExprKind::Lambda(ix) => format!("lambda {}", self.function_name(*ix)),
            ExprKind::Spread(value) => format!("*{}", self.inline(*value)),
            ExprKind::Range(from, to) => format!("range({},{})", optional(from), optional(to)),
            ExprKind::Comprehension { kind, body, each: _ } => {
                let kind = match kind {
                    ComprehensionKind::List => "list",
                    ComprehensionKind::Set => "set",
                    ComprehensionKind::Dict => "dict",
                    ComprehensionKind::Generator => "generator",
                };
                format!("{kind}-of {}", self.inline(*body))
            }
            ExprKind::Assign {
                target,
                value,
                ty,
                mode,
            } => {
                let op = match mode {
                    AssignMode::Let => ":=",
                    AssignMode::Set => "=",
                    AssignMode::Update => "+=",
                    AssignMode::Test => "~=",
                };
                let ty = ty
                    .as_ref()
                    .map(|ty| format!(": {}", self.ty(ty)))
                    .unwrap_or_default();
                let value = value
                    .map(|value| format!(" {op} {}", self.inline(value)))
                    .unwrap_or_default();
                format!("{}{ty}{value}", self.pattern(target))
            }
            ExprKind::Return(value) => format!("return{}", optional(value)),
            ExprKind::Break(value, label) => {
                let label = label
                    .map(|label| format!(" {}", ir.name(label)))
                    .unwrap_or_default();
                format!("break{label}{}", optional(value))
            }
            ExprKind::Continue(label) => {
                let label = label
                    .map(|label| format!(" {}", ir.name(label)))
                    .unwrap_or_default();
                format!("continue{label}")
            }
            ExprKind::Raise(values) => format!("raise {}", self.list(values)).trim_end().to_owned(),
            ExprKind::Yield(value) => format!("yield{}", optional(value)),
            ExprKind::YieldFrom(value) => format!("yield from {}", self.inline(*value)),
            ExprKind::DefineFunction(ix) => format!("def {}", self.function_name(*ix)),
            ExprKind::Import(ix) => {
                let import = &ir.imports[ix.index()];
                format!(
                    "import {}{}",
                    ".".repeat(import.level as usize),
                    self.path(&import.path)
                )
            }
            ExprKind::Unbind(names) => format!("unbind {}", self.path(names)),
            ExprKind::Template(part) => self.template_part(part),
            ExprKind::Block { .. }
            | ExprKind::If { .. }
            | ExprKind::Match { .. }
            | ExprKind::Loop(_)
            | ExprKind::With { .. }
            | ExprKind::Try { .. }
            | ExprKind::DefineClass(..)
            | ExprKind::AsyncBlock(_) => {
                let mut nested = Dump::new(ir);
                nested.depth.set(self.depth.get());
                nested.statement(id, 0);
                let lines: Vec<_> = nested.text.lines().map(str::trim).collect();
                format!("{{ {} }}", lines.join("; "))
            }
        }
    }
}
