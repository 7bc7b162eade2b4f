//! Classes that a framework calls for each row: what they show, and what they list.

use std::collections::BTreeMap;

use onequery_core::FileId;
use onequery_core::ir::{Arg, BinaryOp, ExprId, ExprKind, Function, Literal, ScopeIx, UnaryOp};
use rustc_hash::FxHashMap;

use super::linked::{Key, Keys};
use super::{ClassId, FnId, Program, ScopeId, Symbol, top_level_ids};
use crate::catalog::{CallId, ClassEntry, Field, Lists, Position, Registers, Shows, Table, TypeInfo, Walks};
use crate::models::{keyword_arg, literal};

/// How many lists are followed that make up a list of names.
const MAX_LISTS: u32 = 8;

/// The functions that stand for what a framework does with a class. They have ids of their own, behind all others, in the
/// order of those of the classes: one parameter, the row, and no text.
#[derive(Default)]
pub(crate) struct Presentations {
    /// In the order of files and places in them.
    classes: Vec<ClassId>,
    /// By class: whether it has such a function.
    has_one: Vec<bool>,
    /// The classes by their own names; `None` for several.
    by_name: FxHashMap<String, Option<ClassId>>,
    /// The model that a class is registered for; `None` for several.
    registered: FxHashMap<ClassId, Option<ClassId>>,
    /// The methods that a server calls for each object of a class that it answers with.
    resolvers: FxHashMap<ClassId, Resolvers>,
}

impl Presentations {
    pub(super) fn hash_keys(&self, keys: &mut Keys) {
        keys.add(Key::Presented, &self.by_name);
        keys.add(Key::Registered, &self.registered);
        keys.add(Key::Resolvers, &self.resolvers);
    }
}

/// The methods that a server calls for each object of a class, and what says that they are called.
#[derive(Hash)]
pub(crate) struct Resolvers {
    pub(crate) by: CallId,
    pub(crate) methods: Vec<FnId>,
}

/// What statements return when they are executed.
enum Returned {
    /// This expression's value.
    Value(ExprId),
    /// Nothing: what follows them is executed.
    Nothing,
    /// That is not known.
    Unknown,
}

/// An expression, and the class that it is written in: what its names mean.
#[derive(Clone, Copy)]
pub(crate) struct Written {
    pub(crate) class: ClassId,
    pub(crate) file: FileId,
    pub(crate) value: ExprId,
}

impl<'a> Program<'a> {
    /// Gives a function to every class that a framework calls for rows.
    pub(super) fn find_presentations(&mut self) {
        let classes = self.class_ids();
        let classes: Vec<ClassId> = classes
            .filter(|&class| {
                let is_called = self.shows(class).is_some() || self.lists(class).is_some();
                let has_rows = self.table(class).is_some() || self.walks(class).is_some();
                is_called || has_rows || self.page(class).is_some()
            })
            .collect();
        let mut by_name: FxHashMap<String, Option<ClassId>> = FxHashMap::default();
        for &class in &classes {
            let entry = by_name.entry(self.class_name(class).to_owned());
            entry.and_modify(|known| *known = None).or_insert(Some(class));
        }
        let mut has_one = vec![false; self.classes.len()];
        self.fn_class
            .resize(self.fn_class.len() + self.classes.len(), None);
        for class in &classes {
            has_one[class.index()] = true;
            let id = self.presenting(*class);
            self.fn_class[id.index()] = Some(*class);
        }
        self.presentations = Presentations {
            classes,
            has_one,
            by_name,
            registered: self.registrations(),
            resolvers: self.find_resolvers(),
        };
    }

    /// Whether a function stands for what frameworks do with a class.
    pub(super) fn is_presented(&self, class: ClassId) -> bool {
        self.presentations.has_one[class.index()]
    }

    /// The function that stands for what frameworks do with a class, if they do anything.
    fn presenting(&self, class: ClassId) -> FnId {
        FnId(self.layout.behind_functions + class.0)
    }

    /// The functions that stand for what frameworks do with classes.
    pub(crate) fn presentations(&self) -> impl Iterator<Item = FnId> {
        let classes = self.presentations.classes.iter();
        classes.map(|class| self.presenting(*class))
    }

    /// The function that stands for what frameworks do with a class.
    pub(crate) fn presentation(&self, class: ClassId) -> Option<FnId> {
        self.look_at(class);
        self.is_presented(class).then(|| self.presenting(class))
    }

    /// The class that a function stands for.
    pub(crate) fn presented(&self, id: FnId) -> Option<ClassId> {
        id.0.checked_sub(self.layout.behind_functions).map(ClassId)
    }

    /// The methods that a server calls for each object of a class that it answers with.
    pub(crate) fn resolvers(&self, class: ClassId) -> Option<&Resolvers> {
        self.ask(&(Key::Resolvers, class));
        self.presentations.resolvers.get(&class)
    }

    fn find_resolvers(&self) -> FxHashMap<ClassId, Resolvers> {
        let mut found: FxHashMap<ClassId, Resolvers> = FxHashMap::default();
        for file in self.file_ids() {
            for block in &self.ir(file).impls {
                let scope = self.scope_id(file, block.scope);
                let mut decorators = block.decorators.iter();
                let by = decorators.find_map(|&decorator| {
                    let call = self.decorating(file, scope, decorator)?;
                    self.catalogs.call(call).resolves.then_some(call)
                });
                let Some(by) = by else { continue };
                for method in block.methods.iter().map(|&method| self.fn_id(file, method)) {
                    if let Some(class) = self.class_of(method) {
                        let methods = Vec::new();
                        let resolvers = found.entry(class).or_insert(Resolvers { by, methods });
                        resolvers.methods.push(method);
                    }
                }
            }
        }
        found
    }

    /// How the world outside calls the methods of a class.
    pub(crate) fn class_entry(&self, class: ClassId) -> Option<ClassEntry> {
        self.of_framework(class, |info| info.entry)
    }

    pub(crate) fn shows(&self, class: ClassId) -> Option<&'a Shows> {
        self.of_framework(class, |info| info.shows.as_ref())
    }

    pub(crate) fn lists(&self, class: ClassId) -> Option<&'a Lists> {
        // `class Books(ListModelMixin, GenericViewSet)`: one base that lists is enough.
        let bases = self.class(class).library_bases.iter();
        let all: Vec<&Lists> = bases
            .filter_map(|&base| self.inherited(base, |info| info.lists.as_ref()))
            .collect();
        all.iter()
            .find(|lists| !lists.only_asked)
            .or(all.first())
            .copied()
    }

    pub(crate) fn table(&self, class: ClassId) -> Option<&'a Table> {
        self.of_framework(class, |info| info.table.as_ref())
    }

    pub(crate) fn walks(&self, class: ClassId) -> Option<&'a Walks> {
        self.of_framework(class, |info| info.walks.as_ref())
    }

    /// The attributes of an instance of a class that hold arguments it was made with.
    pub(crate) fn carries(&self, class: ClassId) -> Option<&'a BTreeMap<String, Vec<Position>>> {
        self.of_framework(class, |info| {
            Some(&info.carries).filter(|carries| !carries.is_empty())
        })
    }

    /// The model whose rows a class shows in a table.
    pub(crate) fn registered(&self, class: ClassId) -> Option<ClassId> {
        self.ask(&(Key::Registered, class));
        self.presentations.registered.get(&class).copied().flatten()
    }

    /// `@admin.register(Book)`, and `admin.site.register(Book, BookAdmin)` at the top level of a module.
    fn registrations(&self) -> FxHashMap<ClassId, Option<ClassId>> {
        let mut found: FxHashMap<ClassId, Option<ClassId>> = FxHashMap::default();
        let mut note = |class: ClassId, model: Symbol<'_>| {
            let model = match model {
                Symbol::Class(model) => Some(model),
                _ => None,
            };
            // Of a model and one that extends it, the first has what both have.
            let of_both = |known: ClassId| {
                let model = model?;
                let extends = |a: ClassId, b: ClassId| self.class(a).mro.contains(&b);
                match () {
                    () if extends(model, known) => Some(known),
                    () if extends(known, model) => Some(model),
                    () => None,
                }
            };
            let entry = found.entry(class);
            entry
                .and_modify(|known| *known = known.and_then(of_both))
                .or_insert(model);
        };
        for class in self.class_ids() {
            let file = self.class(class).file;
            for &decorator in &self.class_ir(class).decorators {
                let Some((Registers { by: None }, models)) = self.registers(file, decorator) else {
                    continue;
                };
                let scope = self.scope_of_class(class);
                for model in models {
                    note(class, self.resolve_expr(file, scope, model.value));
                }
            }
        }
        for file in self.file_ids() {
            let scope = self.scope_id(file, ScopeIx(0));
            for statement in top_level_ids(self.ir(file)) {
                let Some((Registers { by: Some(by) }, args)) = self.registers(file, statement) else {
                    continue;
                };
                let (Some(model), Some(by)) = (args.first(), args.get(by)) else {
                    continue;
                };
                if let Symbol::Class(class) = self.resolve_expr(file, scope, by.value) {
                    note(class, self.resolve_expr(file, scope, model.value));
                }
            }
        }
        found
    }

    /// What a call registers, with its arguments.
    fn registers(&self, file: FileId, call: ExprId) -> Option<(Registers, &'a [Arg])> {
        let ExprKind::Call { callee, args, .. } = &self.ir(file).expr(call).kind else {
            return None;
        };
        match self.resolve_expr(file, self.scope_id(file, ScopeIx(0)), *callee) {
            Symbol::External(node) => {
                let registers = self.catalogs.call(self.catalogs.call_at(node)?).registers?;
                Some((registers, args))
            }
            _ => None,
        }
    }

    pub(super) fn of_framework<T>(
        &self,
        class: ClassId,
        of: impl Fn(&'a TypeInfo) -> Option<T> + Copy,
    ) -> Option<T> {
        let bases = &self.class(class).library_bases;
        bases.iter().find_map(|&base| self.inherited(base, of))
    }

    /// What is assigned to an attribute of a class or of a base; `Meta.fields` is one of a class inside.
    pub(crate) fn written(&self, class: ClassId, path: &str) -> Option<Written> {
        let mro = &self.class(class).mro;
        mro.iter().find_map(|&base| {
            let (holder, name) = match path.split_once('.') {
                Some((holder, name)) => (self.nested_class(base, holder)?, name),
                None => (base, path),
            };
            // `class Meta(Base.Meta)`.
            self.class(holder).mro.iter().find_map(|&holder| {
                let file = self.class(holder).file;
                let ir = self.ir(file);
                let mut fields = self.class_ir(holder).fields.iter();
                let field = fields.find(|field| ir.name(field.name) == name)?;
                Some(Written {
                    class: holder,
                    file,
                    value: field.value?,
                })
            })
        })
    }

    /// The same of a path that a catalogue may give.
    pub(crate) fn written_at(&self, class: ClassId, path: Option<&str>) -> Option<Written> {
        self.written(class, path?)
    }

    /// The names in a list of texts, with their places; `None` when it is not known. What is no text is left out, unless
    /// the names of `all` are wanted.
    pub(crate) fn names_listed(&self, of: Written, all: bool) -> Option<Vec<(&'a str, Written)>> {
        let mut names = Vec::new();
        self.collect_names(of, all, MAX_LISTS, &mut names)?;
        Some(names)
    }

    fn collect_names(
        &self,
        of: Written,
        all: bool,
        depth: u32,
        names: &mut Vec<(&'a str, Written)>,
    ) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        let ir = self.ir(of.file);
        let scope = self.scope_of_class(of.class);
        match &ir.expr(of.value).kind {
            ExprKind::Collection(_, items) => {
                for &value in items {
                    let at = Written { value, ..of };
                    match &ir.expr(value).kind {
                        ExprKind::Spread(list) => {
                            self.collect_names(Written { value: *list, ..of }, all, depth, names)?
                        }
                        _ => match literal(ir, value) {
                            Some(name) => names.push((name, at)),
                            None if all => return None,
                            None => {}
                        },
                    }
                }
                Some(())
            }
            ExprKind::Binary(BinaryOp::Arithmetic, left, right) => [left, right]
                .into_iter()
                .try_for_each(|&value| self.collect_names(Written { value, ..of }, all, depth, names)),
            ExprKind::Attr { base, name, .. } => {
                let Symbol::Class(class) = self.resolve_expr(of.file, scope, *base) else {
                    return None;
                };
                self.collect_names(self.written(class, ir.name(*name))?, all, depth, names)
            }
            ExprKind::Name(_) => {
                let Symbol::Variable(module, name) = self.resolve_expr(of.file, scope, of.value) else {
                    return None;
                };
                let list = Written {
                    file: self.file_of_scope(module),
                    value: self.assigned_at(module, name)?,
                    ..of
                };
                self.collect_names(list, all, depth, names)
            }
            _ => None,
        }
    }

    pub(crate) fn scope_of_class(&self, class: ClassId) -> ScopeId {
        self.scope_id(self.class(class).file, self.class_ir(class).scope)
    }

    /// What a field is that is declared by a call: of a library's field, or of a class that shows rows.
    pub(crate) fn field_of(&self, written: Written) -> Option<FieldOf<'a>> {
        let ExprKind::Call { callee, .. } = self.ir(written.file).expr(written.value).kind else {
            return None;
        };
        match self.resolve_expr(written.file, self.scope_of_class(written.class), callee) {
            Symbol::External(node) => {
                let ty = self.catalogs.type_at(node)?;
                self.inherited(ty, |info| info.field.as_ref())
                    .map(FieldOf::Library)
            }
            Symbol::Class(class) if self.shows(class).is_some() => Some(FieldOf::Class(class)),
            Symbol::Class(class) => {
                let field = self.of_framework(class, |info| info.field.as_ref())?;
                let mut overridden = field.overrides.iter().flatten();
                let is_own = overridden.any(|name| self.method(class, name).is_some());
                Some(if is_own {
                    FieldOf::Own(class, field)
                } else {
                    FieldOf::Library(field)
                })
            }
            _ => None,
        }
    }

    /// The methods of a class, and of its bases, that decorators make fields of what it shows.
    pub(crate) fn field_methods(&self, class: ClassId) -> Vec<FnId> {
        let mut methods: Vec<FnId> = Vec::new();
        for &base in &self.class(class).mro {
            let file = self.class(base).file;
            for &method in &self.class_ir(base).methods {
                let function = self.ir(file).function(method);
                if self.is_field(file, function) {
                    methods.push(self.fn_id(file, method));
                }
            }
        }
        methods
    }

    /// Whether a decorator makes a method a field of what its class shows.
    pub(crate) fn is_field(&self, file: FileId, function: &Function) -> bool {
        let scope = self.scope_id(file, function.scope);
        let ir = self.ir(file);
        function.decorators.iter().any(|&decorator| {
            let named = match ir.expr(decorator).kind {
                ExprKind::Call { callee, .. } => callee,
                _ => decorator,
            };
            matches!(self.resolve_expr(file, scope, named), Symbol::External(node)
                if self.catalogs.type_at(node).is_some_and(|ty| self.catalogs.ty(ty).field.is_some()))
        })
    }

    /// The argument of a field that says what it shows.
    pub(crate) fn field_argument(&self, field: &Field, declared: Written) -> Option<ExprId> {
        let keyword = field.keyword.as_deref()?;
        self.keyword(declared, keyword)
            .or_else(|| self.first_argument(declared))
    }

    /// The class through which a field shows what is there, and whether it shows many: `Nested(BookSchema, many=True)`,
    /// `List(Nested("BookSchema"))`, `List(lambda: BookType)`.
    pub(crate) fn class_shown(&self, field: &Field, declared: Written) -> Option<(ClassId, bool)> {
        let (class, many) = self.class_shown_within(field, declared, MAX_LISTS)?;
        self.shows(class).map(|_| (class, many))
    }

    fn class_shown_within(&self, field: &Field, declared: Written, depth: u32) -> Option<(ClassId, bool)> {
        let depth = depth.checked_sub(1)?;
        let value = self.field_argument(field, declared)?;
        let argument = Written { value, ..declared };
        if let Some(FieldOf::Library(inner)) = self.field_of(argument) {
            let (class, many) = self.class_shown_within(inner, argument, depth)?;
            return Some((class, many || field.many));
        }
        Some((self.class_named(argument)?, field.many))
    }

    /// The class that an expression names: itself, by a text, as what a lambda gives, or by making an instance.
    fn class_named(&self, written: Written) -> Option<ClassId> {
        let (file, scope) = (written.file, self.scope_of_class(written.class));
        let ir = self.ir(file);
        let symbol = match &ir.expr(written.value).kind {
            ExprKind::Literal(Literal::Str(text)) => {
                let name = ir.name(*text);
                let name = name.rsplit('.').next().unwrap_or(name);
                match self.lookup(scope, name) {
                    Symbol::Class(class) => Symbol::Class(class),
                    _ => {
                        self.ask(&(Key::Presented, name));
                        return self.presentations.by_name.get(name).copied().flatten();
                    }
                }
            }
            ExprKind::Lambda(lambda) => {
                let value = ir.function(*lambda).body?;
                return self.class_named(Written { value, ..written });
            }
            ExprKind::Call { callee, .. } => self.resolve_expr(file, scope, *callee),
            _ => self.resolve_expr(file, scope, written.value),
        };
        match symbol {
            Symbol::Class(class) => Some(class),
            _ => None,
        }
    }

    /// The class that a method returns when attributes of its receiver hold texts, and where it is returned; `None` when
    /// that is not known.
    pub(crate) fn class_returned(
        &self,
        method: FnId,
        asked: &[[String; 2]],
        own: &[String; 2],
    ) -> Option<ClassReturned> {
        let (file, _, function) = self.function(method);
        let Returned::Value(value) = self.returned_if(file, function.body?, asked) else {
            return None;
        };
        if self.is_own(file, value, own) {
            return Some(ClassReturned::Own);
        }
        let class = self.class_of(method)?;
        match self.resolve_expr(file, self.scope_id(file, function.scope), value) {
            Symbol::Class(returned) => Some(ClassReturned::Class(returned, Written { class, file, value })),
            _ => None,
        }
    }

    /// Whether an expression stands for what a class would give without its method: `super().get_serializer_class()`,
    /// `self.serializer_class`. `own` are the method and the attribute.
    fn is_own(&self, file: FileId, value: ExprId, [method, attribute]: &[String; 2]) -> bool {
        let ir = self.ir(file);
        match ir.expr(value).kind {
            ExprKind::Call { callee, .. } => {
                matches!(ir.expr(callee).kind, ExprKind::Attr { name, .. } if ir.name(name) == method)
            }
            ExprKind::Attr { name, .. } => ir.name(name) == attribute,
            _ => false,
        }
    }

    /// The names of the relations among all fields of a model: those that it declares itself, as opposed to other sides
    /// that it gets, and to those that are no columns or tables of its own.
    pub(crate) fn own_relations(&self, model: ClassId) -> impl Iterator<Item = &'a str> {
        let fields = self.class(model).mro.iter().flat_map(|&base| {
            let ir = self.ir(self.class(base).file);
            self.class_ir(base).fields.iter().map(|field| ir.name(field.name))
        });
        fields.filter(move |name| {
            let relation = self.relation_of(model, name);
            let kind = relation.map(|relation| self.models.relation(relation).kind);
            kind.is_some_and(|kind| !self.catalogs.relation(kind).unlisted)
        })
    }

    /// What a block returns when attributes hold texts.
    fn returned_if(&self, file: FileId, body: ExprId, asked: &[[String; 2]]) -> Returned {
        let ir = self.ir(file);
        let ExprKind::Block { items, .. } = &ir.expr(body).kind else {
            return Returned::Unknown;
        };
        for &item in items {
            match &ir.expr(item).kind {
                ExprKind::Return(value) => return value.map_or(Returned::Unknown, Returned::Value),
                ExprKind::If {
                    test,
                    then,
                    otherwise,
                } => {
                    let holds = asked.iter().find_map(|asked| self.holds_for(file, *test, asked));
                    let taken = match holds {
                        Some(true) => Some(*then),
                        Some(false) => *otherwise,
                        None => return Returned::Unknown,
                    };
                    match taken.map(|block| self.returned_if(file, block, asked)) {
                        None | Some(Returned::Nothing) => {}
                        Some(returned) => return returned,
                    }
                }
                ExprKind::Literal(_) | ExprKind::Call { .. } | ExprKind::Assign { .. } => {}
                _ => return Returned::Unknown,
            }
        }
        Returned::Nothing
    }

    /// Whether a comparison of the attribute with texts holds: `self.action == "list"`, `self.action in ("a", "b")`.
    fn holds_for(&self, file: FileId, test: ExprId, action: &[String; 2]) -> Option<bool> {
        let ir = self.ir(file);
        let [attribute, text] = action;
        if let ExprKind::Unary(UnaryOp::Not, inner) = ir.expr(test).kind {
            return self.holds_for(file, inner, action).map(|holds| !holds);
        }
        let ExprKind::Binary(op, left, right) = ir.expr(test).kind else {
            return None;
        };
        if !matches!(ir.expr(left).kind, ExprKind::Attr { name, .. } if ir.name(name) == attribute) {
            return None;
        }
        match op {
            BinaryOp::Equal => Some(literal(ir, right)? == text),
            BinaryOp::Unequal => Some(literal(ir, right)? != text),
            BinaryOp::In => match &ir.expr(right).kind {
                ExprKind::Collection(_, items) => {
                    let texts: Option<Vec<&str>> = items.iter().map(|&item| literal(ir, item)).collect();
                    Some(texts?.contains(&text.as_str()))
                }
                _ => None,
            },
            _ => None,
        }
    }

    /// The first argument of a call that has no keyword.
    pub(crate) fn first_argument(&self, call: Written) -> Option<ExprId> {
        match &self.ir(call.file).expr(call.value).kind {
            ExprKind::Call { args, .. } => args.first().filter(|arg| arg.name.is_none()).map(|arg| arg.value),
            _ => None,
        }
    }

    /// The value of a keyword argument of a call.
    pub(crate) fn keyword(&self, call: Written, keyword: &str) -> Option<ExprId> {
        let ir = self.ir(call.file);
        match &ir.expr(call.value).kind {
            ExprKind::Call { args, .. } => keyword_arg(ir, args, keyword),
            _ => None,
        }
    }
}

/// What a method returns that may fall back on what it overrides.
pub(crate) enum ClassReturned {
    /// A class, and where it is written.
    Class(ClassId, Written),
    /// What there would be without the method.
    Own,
}

/// What declares a field.
#[derive(Clone, Copy)]
pub(crate) enum FieldOf<'a> {
    Library(&'a Field),
    /// A class of the project that says itself what it makes of a row, or of what is there.
    Own(ClassId, &'a Field),
    Class(ClassId),
}
