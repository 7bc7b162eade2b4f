//! Models and their relations, as the project declares them.

use std::sync::Arc;

use onequery_core::ir::{Arg, ExprId, ExprKind, FileIr, Literal, TypeRef};
use onequery_core::{FileId, Location, Name, Span};
use rustc_hash::FxHashMap;

use crate::catalog::{Decorates, Direction, LeadsTo, LibTy, RelationInfo, RelationKind, Reverse, TypeInfo};
use crate::program::{ClassId, Program, ScopeId, Symbol, file_id, top_level_assignments};
use crate::types::TypeScope;
use crate::value::{Ty, Value};

/// How many classes may stand between a field's class and the library's: `class OwnKey(BaseKey)`, `class BaseKey(ForeignKey)`.
const MAX_BASES: u32 = 4;

/// Index of a relation in [`Models`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct RelId(u32);

/// A relation as its rows see it.
#[derive(Clone, Debug)]
pub(crate) struct Relation {
    pub(crate) name: Arc<str>,
    /// The model whose rows have it; for rows of a library's model the one that declares the other side.
    pub(crate) owner: ClassId,
    /// What one row of the other side is; unknown when the target was not found.
    pub(crate) target: Ty,
    pub(crate) to_many: bool,
    /// Its key may be null.
    pub(crate) optional: bool,
    pub(crate) kind: RelationKind,
    /// Declared to be loaded with its rows, or to refuse being loaded one by one.
    pub(crate) always_loaded: bool,
    /// Reading it gives a query each time, whatever was loaded.
    pub(crate) is_query: bool,
    /// The column that holds the key of the other side.
    pub(crate) key: Option<Arc<str>>,
    /// What the other side calls this one.
    pub(crate) inverse: Option<Arc<str>>,
    /// Where it is declared.
    pub(crate) declared: Location,
}

impl Relation {
    /// Whether there is exactly one row at the other side.
    pub(crate) const fn leads_to_one(&self) -> bool {
        !self.to_many && !self.optional
    }
}

/// All relations of the project.
#[derive(Debug, Default)]
pub(crate) struct Models {
    has_any: bool,
    relations: Vec<Relation>,
    /// In order of declaration.
    of_class: FxHashMap<ClassId, Vec<RelId>>,
    /// Models by the names of module variables whose texts name them: `AUTH_USER_MODEL = "users.User"`.
    by_setting: FxHashMap<Box<str>, Option<ClassId>>,
    /// Other sides that models of libraries get, as far as a name stands for one.
    of_library: FxHashMap<(LibTy, Arc<str>), Option<RelId>>,
}

impl Models {
    pub(crate) fn relation(&self, id: RelId) -> &Relation {
        &self.relations[id.0 as usize]
    }

    /// How many relations there are, and how many of those whose other side is known.
    pub(crate) fn count(&self) -> (usize, usize) {
        let known = self
            .relations
            .iter()
            .filter(|relation| !relation.target.is_unknown());
        (self.relations.len(), known.count())
    }

    /// The project has no model that is known.
    pub(crate) const fn is_empty(&self) -> bool {
        !self.has_any
    }

    /// The relation that a class itself has under a name.
    fn own(&self, class: ClassId, name: &str) -> Option<RelId> {
        let own = self.of_class.get(&class)?.iter().copied();
        own.into_iter().find(|&id| *self.relation(id).name == *name)
    }

    /// The model that the text names which some module assigns to a variable.
    pub(crate) fn set_by(&self, name: &str) -> Option<ClassId> {
        self.by_setting.get(name).copied().flatten()
    }

    /// The relation to models of the project that a library's model has under a name.
    pub(crate) fn of_library(&self, ty: LibTy, name: &str) -> Option<RelId> {
        self.of_library.get(&(ty, name.into())).copied().flatten()
    }

    /// A library's type stands for many models: a name that two of them have is not known.
    fn add_to_library(&mut self, ty: LibTy, relation: Relation) {
        let id = RelId(u32::try_from(self.relations.len()).expect("ids fit"));
        self.of_library
            .entry((ty, relation.name.clone()))
            .and_modify(|known| *known = None)
            .or_insert(Some(id));
        self.relations.push(relation);
    }

    /// The first declaration of a name counts: what is written beats what the other side implies.
    fn add(&mut self, relation: Relation) {
        if self.own(relation.owner, &relation.name).is_none() {
            let id = RelId(u32::try_from(self.relations.len()).expect("ids fit"));
            self.of_class.entry(relation.owner).or_default().push(id);
            self.relations.push(relation);
        }
    }
}

/// What texts name models.
struct Names<'a> {
    by_name: FxHashMap<&'a str, Vec<ClassId>>,
    by_setting: FxHashMap<Box<str>, Option<ClassId>>,
}

impl Names<'_> {
    /// `settings.AUTH_USER_MODEL`: the model that the text names which some module assigns to that name.
    fn set_by(&self, ir: &FileIr, written: ExprId) -> Ty {
        let ExprKind::Attr { name, .. } = ir.expr(written).kind else {
            return Ty::Unknown;
        };
        let class = self.by_setting.get(ir.name(name)).copied().flatten();
        class.map_or(Ty::Unknown, Ty::Instance)
    }
}

/// A declaration before both of its sides are known.
struct Declaration {
    class: ClassId,
    relation: Relation,
    /// The name of the other side, with holes.
    reverse: Option<String>,
    /// Whether the other side is always loaded, and whether it is a query.
    reverse_strategy: (bool, bool),
    /// How many rows the other side leads to, when its own declaration says so.
    reverse_to_many: Option<bool>,
}

impl<'a> Program<'a> {
    /// A relation of a class by name, through its bases.
    pub(crate) fn relation_of(&self, class: ClassId, name: &str) -> Option<RelId> {
        let mro = &self.class(class).mro;
        mro.iter().find_map(|&base| self.models.own(base, name))
    }

    /// All relations of a class, those of its bases included.
    pub(crate) fn relations_of(&self, class: ClassId) -> impl Iterator<Item = RelId> {
        let mro = self.class(class).mro.iter();
        mro.filter_map(|base| self.models.of_class.get(base))
            .flatten()
            .copied()
    }

    /// Whether a class declares a column other than its key: an attribute that a call makes.
    pub(crate) fn has_column(&self, class: ClassId, name: &str) -> bool {
        let key_column_if = self.of_model(class, |info| info.key_column_if.as_deref());
        self.class(class).mro.iter().any(|&base| {
            let ir = self.ir(self.class(base).file);
            let mut fields = self.class_ir(base).fields.iter();
            let field = fields.find(|field| ir.name(field.name) == name);
            field.and_then(|field| field.value).is_some_and(|value| {
                let is_key = |args| key_column_if.and_then(|keyword| keyword_arg(ir, args, keyword)).is_some();
                call_args(ir, value).is_some_and(|args| !is_key(args))
            })
        })
    }

    /// Whether instances of a class are rows.
    pub(crate) fn is_model(&self, class: ClassId) -> bool {
        let bases = &self.class(class).library_bases;
        bases
            .iter()
            .any(|&base| self.inherited(base, |info| info.model.then_some(())).is_some())
    }

    /// Whether instances of a class give rows of the model that they are an attribute of.
    pub(crate) fn serves_owner(&self, class: ClassId) -> bool {
        self.served_type(class).is_some()
    }

    /// Whether a value of a type gives rows of the model that it is an attribute of.
    pub(crate) fn serves(&self, ty: &Ty) -> bool {
        match ty {
            Ty::Instance(class) => self.serves_owner(*class),
            Ty::Lib(lib, None) => self
                .inherited(*lib, |info| info.serves_owner.then_some(()))
                .is_some(),
            _ => false,
        }
    }

    fn served_type(&self, class: ClassId) -> Option<LibTy> {
        let bases = &self.class(class).library_bases;
        let serves = |base: &LibTy| {
            self.inherited(*base, |info| info.serves_owner.then_some(()))
                .is_some()
        };
        bases.iter().copied().find(serves)
    }

    /// What a value is as a library's type: a project's queryset class is its library's queryset of its rows.
    pub(crate) fn view(&self, value: &Value) -> Ty {
        let model = || value.rows.as_ref().and_then(|rows| rows.model).map(Ty::Instance);
        match &value.ty {
            Ty::Instance(class) => match self.served_type(*class) {
                Some(lib) => Ty::lib(lib, model().into_iter().collect()),
                None => value.ty.clone(),
            },
            Ty::Lib(lib, None) if value.rows.is_some() => Ty::lib(*lib, model().into_iter().collect()),
            other => other.clone(),
        }
    }

    /// Whether one class is the other or extends it.
    pub(crate) fn related_classes(&self, a: ClassId, b: ClassId) -> bool {
        self.class(a).mro.contains(&b) || self.class(b).mro.contains(&a)
    }

    /// Finds all relations that classes declare, and the sides that they imply.
    pub(crate) fn find_models(&self) -> Models {
        let by_name = self.models_by_name();
        let by_setting = self.settings(&by_name);
        let names = Names { by_name, by_setting };
        let mut declarations = Vec::new();
        for ix in 0..self.classes.len() {
            let class = ClassId(u32::try_from(ix).expect("ids fit"));
            for field in &self.class_ir(class).fields {
                let declared = field.value.and_then(|value| {
                    self.declaration(class, field.name, value, field.ty.as_ref(), field.span, &names)
                });
                declarations.extend(declared);
            }
            for (name, value, span) in self.attributes_of_methods(class) {
                declarations.extend(self.declaration(class, name, value, None, span, &names));
            }
        }
        let mut models = Models {
            has_any: !names.by_name.is_empty(),
            by_setting: names.by_setting,
            ..Models::default()
        };
        for declaration in &declarations {
            models.add(declaration.relation.clone());
        }
        for declaration in &declarations {
            self.add_reverse(declaration, &mut models);
        }
        self.add_children(&mut models);
        models
    }

    /// What methods of a class return that stand for attributes: `@declared_attr`.
    fn attributes_of_methods(&self, class: ClassId) -> Vec<(Name, ExprId, Span)> {
        let file = self.class(class).file;
        let ir = self.ir(file);
        let scope = self.scope_id(file, self.class_ir(class).scope);
        let methods = self
            .class_ir(class)
            .methods
            .iter()
            .map(|&method| ir.function(method));
        methods
            .filter_map(|method| {
                let is_attribute = method
                    .decorators
                    .iter()
                    .any(|&decorator| self.decorates(file, scope, decorator) == Some(Decorates::Attribute));
                let ExprKind::Block { items, .. } = &ir.expr(method.body.filter(|_| is_attribute)?).kind
                else {
                    return None;
                };
                match ir.expr(*items.last()?).kind {
                    ExprKind::Return(Some(value)) => Some((method.name?, value, method.name_span)),
                    _ => None,
                }
            })
            .collect()
    }

    fn models_by_name(&self) -> FxHashMap<&'a str, Vec<ClassId>> {
        let mut by_name: FxHashMap<&str, Vec<ClassId>> = FxHashMap::default();
        for ix in 0..self.classes.len() {
            let class = ClassId(u32::try_from(ix).expect("ids fit"));
            if self.is_model(class) {
                by_name.entry(self.class_name(class)).or_default().push(class);
            }
        }
        by_name
    }

    pub(crate) fn class_name(&self, class: ClassId) -> &'a str {
        self.ir(self.class(class).file).name(self.class_ir(class).name)
    }

    /// The relation that a field declares.
    fn declaration(
        &self,
        class: ClassId,
        name: Name,
        value: ExprId,
        ty: Option<&TypeRef>,
        span: Span,
        names: &Names<'a>,
    ) -> Option<Declaration> {
        let file = self.class(class).file;
        let ir = self.ir(file);
        let ExprKind::Call { callee, args, .. } = &ir.expr(value).kind else {
            return None;
        };
        let scope = self.scope_id(file, self.class_ir(class).scope);
        let kind = self.relation_kind(file, scope, *callee, MAX_BASES)?;
        let info = self.catalogs.relation(kind);
        let name: Arc<str> = ir.name(name).into();
        let annotated = ty.map(|ty| {
            let at = TypeScope {
                file,
                scope,
                own: Some(class),
                generics: [&[], &[]],
            };
            self.declared(at, ty)
        });
        let (annotated_target, annotated_many) = match annotated {
            Some(ty @ Ty::Lib(..)) if self.row_class(&ty).is_some() => (self.item(&ty), Some(true)),
            Some(ty @ Ty::Instance(_)) => (ty, Some(false)),
            _ => (Ty::Unknown, None),
        };
        let written = info.target.as_deref().and_then(|keyword| {
            let by_keyword = keyword_arg(ir, args, keyword);
            by_keyword.or_else(|| args.first().filter(|arg| arg.name.is_none()).map(|arg| arg.value))
        });
        let target = match written {
            Some(written)
                if literal(ir, written).is_some_and(|text| info.itself.as_deref() == Some(text)) =>
            {
                Ty::Instance(class)
            }
            Some(written) => self.target(class, file, scope, written, names),
            None => Ty::Unknown,
        };
        let target = if target.is_unknown() {
            annotated_target
        } else {
            target
        };
        let to_many = match info.leads_to {
            LeadsTo::One => false,
            LeadsTo::Many => true,
            LeadsTo::Declared => annotated_many
                .or_else(|| Some(self.leads_to_many(class, args, &target, info.direction.as_ref()?)))
                .unwrap_or(false),
        };
        let (always_loaded, is_query) = strategy(ir, args, info);
        let reverse_strategy = info
            .reverse
            .as_ref()
            .and_then(|reverse| call_args(ir, keyword_arg(ir, args, &reverse.named_by)?))
            .map_or((false, false), |args| strategy(ir, args, info));
        let reverse_to_many = info.direction.as_ref().and_then(|direction| {
            let of_reverse = info
                .reverse
                .as_ref()
                .and_then(|reverse| call_args(ir, keyword_arg(ir, args, &reverse.named_by)?))
                .unwrap_or_default();
            let flag = keyword_arg(ir, of_reverse, &direction.flag).and_then(|value| word(ir, value));
            let by_table = direction
                .many_if
                .iter()
                .any(|keyword| keyword_arg(ir, args, keyword).is_some());
            flag.map(|flag| flag != "False").or(by_table.then_some(true))
        });
        let optional = info.optional_if.as_deref().is_some_and(|keyword| {
            keyword_arg(ir, args, keyword).and_then(|value| word(ir, value)) == Some("True")
        });
        let reverse = reverse_name(ir, args, info);
        let mirrored = info
            .mirrors
            .as_deref()
            .and_then(|keyword| literal(ir, keyword_arg(ir, args, keyword)?));
        let inverse = mirrored
            .or(reverse.as_deref())
            .map(|name| self.filled_in(name, class, info.reverse.as_ref()).into());
        Some(Declaration {
            class,
            relation: Relation {
                key: info.key.as_ref().map(|key| key.replace("{name}", &name).into()),
                name,
                owner: class,
                target,
                to_many,
                optional,
                kind,
                always_loaded,
                is_query,
                inverse,
                declared: Location::new(file, span),
            },
            reverse,
            reverse_strategy,
            reverse_to_many,
        })
    }

    /// How a field's callee declares a relation: by its path, as a method, or as a subclass of one that does.
    fn relation_kind(
        &self,
        file: FileId,
        scope: ScopeId,
        callee: ExprId,
        depth: u32,
    ) -> Option<RelationKind> {
        let depth = depth.checked_sub(1)?;
        match self.resolve_expr(file, scope, callee) {
            Symbol::External(node) => self.catalogs.relation_at(node),
            Symbol::Class(class) => {
                let of = self.class(class).file;
                let scope = self.scope_id(of, self.class_ir(class).scope);
                let bases = &self.class_ir(class).bases;
                bases
                    .iter()
                    .find_map(|&base| self.relation_kind(of, scope, base, depth))
            }
            _ => {
                let ir = self.ir(file);
                let ExprKind::Attr { base, name, .. } = ir.expr(callee).kind else {
                    return None;
                };
                let Symbol::Variable(module, variable) = self.resolve_expr(file, scope, base) else {
                    return None;
                };
                let ty = self.catalogs.type_at(self.called_at(module, variable)?)?;
                self.catalogs.relation_method(ty, ir.name(name))
            }
        }
    }

    /// How many rows a relation without annotation leads to.
    fn leads_to_many(&self, class: ClassId, args: &[Arg], target: &Ty, direction: &Direction) -> bool {
        let ir = self.ir(self.class(class).file);
        let has = |keyword: &String| keyword_arg(ir, args, keyword);
        if let Some(value) = has(&direction.flag) {
            return !matches!(ir.expr(value).kind, ExprKind::Literal(Literal::Bool(false)));
        }
        if direction.many_if.iter().any(|keyword| has(keyword).is_some()) {
            return true;
        }
        if direction.one_if.iter().any(|keyword| has(keyword).is_some()) {
            return false;
        }
        match *target {
            Ty::Instance(target) => !self.holds_key_to(class, target, &direction.table_name),
            _ => false,
        }
    }

    /// Whether a column of a class refers to the table of another: `ForeignKey("authors.id")`.
    fn holds_key_to(&self, class: ClassId, target: ClassId, table_name: &str) -> bool {
        let table = self.table_of(target, table_name);
        self.class(class).mro.iter().any(|&base| {
            let ir = self.ir(self.class(base).file);
            let values = self.class_ir(base).fields.iter().filter_map(|field| field.value);
            values.into_iter().any(|value| refers_to(ir, value, &table))
        })
    }

    /// The name of a model's table: as it says, or its own in snake case.
    fn table_of(&self, class: ClassId, table_name: &str) -> String {
        let ir = self.ir(self.class(class).file);
        let said = self
            .class_ir(class)
            .fields
            .iter()
            .find(|field| ir.name(field.name) == table_name)
            .and_then(|field| literal(ir, field.value?));
        said.map_or_else(|| snake_case(self.class_name(class)), str::to_owned)
    }

    /// What a relation's target expression stands for.
    fn target(&self, class: ClassId, file: FileId, scope: ScopeId, written: ExprId, names: &Names<'a>) -> Ty {
        let ir = self.ir(file);
        if let Some(text) = literal(ir, written) {
            return self.named_target(class, text, names);
        }
        match self.resolve_expr(file, scope, written) {
            Symbol::Class(target) => Ty::Instance(target),
            Symbol::External(node) => match self.catalogs.type_at(node) {
                Some(ty) => Ty::lib(ty, Vec::new()),
                None => names.set_by(ir, written),
            },
            Symbol::Variable(module, name) => {
                let of = self.ir(self.file_of_scope(module));
                let text = self
                    .assigned_at(module, name)
                    .and_then(|value| literal(of, value));
                text.map_or(Ty::Unknown, |text| self.named_target(class, text, names))
            }
            _ => names.set_by(ir, written),
        }
    }

    /// Models by the upper-case module variables whose texts name them.
    fn settings(&self, by_name: &FxHashMap<&'a str, Vec<ClassId>>) -> FxHashMap<Box<str>, Option<ClassId>> {
        let mut found: FxHashMap<Box<str>, Option<ClassId>> = FxHashMap::default();
        for file in (0..self.files.len()).map(file_id) {
            let ir = self.ir(file);
            for (name, value) in top_level_assignments(ir) {
                let name = ir.name(name);
                let text = literal(ir, value).filter(|_| !name.contains(char::is_lowercase));
                let model = text.and_then(|text| {
                    let (app, model) = text.rsplit_once('.')?;
                    by_name
                        .get(model)
                        .map(|candidates| self.nearest(app, "", candidates))
                });
                if let Some(Ty::Instance(class)) = model {
                    // Two modules that disagree leave it open.
                    found
                        .entry(name.into())
                        .and_modify(|known| *known = known.filter(|known| *known == class))
                        .or_insert(Some(class));
                }
            }
        }
        found
    }

    /// `"Author"`, `"shop.Author"`: the class of that name that is nearest.
    fn named_target(&self, class: ClassId, text: &str, names: &Names<'a>) -> Ty {
        let (app, name) = text
            .rsplit_once('.')
            .map_or(("", text), |(app, name)| (app, name));
        let Some(candidates) = names.by_name.get(name) else {
            return Ty::Unknown;
        };
        let own_path = self.files[self.class(class).file.index()].path.as_str();
        self.nearest(app, own_path, candidates)
    }

    /// The only candidate that is nearest to an app, or to a path when no app is named.
    fn nearest(&self, app: &str, own_path: &str, candidates: &[ClassId]) -> Ty {
        let app = app.rsplit('.').next().unwrap_or(app);
        let distance = |candidate: &ClassId| {
            let path = self.files[self.class(*candidate).file.index()].path.as_str();
            if path == own_path && app.is_empty() {
                return 0;
            }
            let in_app = !app.is_empty()
                && path
                    .split('/')
                    .any(|part| part == app || part.strip_suffix(".py") == Some(app));
            match (app.is_empty(), in_app) {
                (false, true) => 0,
                (true, _) if folder(path) == folder(own_path) => 1,
                _ => 2,
            }
        };
        let nearest = candidates.iter().map(distance).min().unwrap_or(2);
        let mut of_those = candidates
            .iter()
            .filter(|candidate| distance(candidate) == nearest);
        match (of_those.next(), of_those.next()) {
            (Some(&only), None) => Ty::Instance(only),
            _ => Ty::Unknown,
        }
    }

    /// Gives the target's class the other side of a declaration, once for each concrete class that inherits it.
    fn add_reverse(&self, declaration: &Declaration, models: &mut Models) {
        let Some(name) = &declaration.reverse else {
            return;
        };
        let forward = &declaration.relation;
        let Some(reverse) = &self.catalogs.relation(forward.kind).reverse else {
            return;
        };
        let to_many = match reverse.leads_to {
            LeadsTo::One => false,
            LeadsTo::Many => true,
            // The other end of a list is one row; of a single row, a list.
            LeadsTo::Declared => declaration.reverse_to_many.unwrap_or(!forward.to_many),
        };
        let owners: Vec<ClassId> = if self.is_abstract(declaration.class) {
            (0..self.classes.len())
                .map(|ix| ClassId(u32::try_from(ix).expect("ids fit")))
                .filter(|&class| {
                    self.class(class).mro.contains(&declaration.class) && !self.is_abstract(class)
                })
                .collect()
        } else {
            vec![declaration.class]
        };
        for owner in owners {
            let relation = Relation {
                name: self.filled_in(name, owner, Some(reverse)).into(),
                owner,
                target: Ty::Instance(owner),
                to_many,
                key: None,
                inverse: Some(forward.name.clone()),
                always_loaded: declaration.reverse_strategy.0,
                is_query: declaration.reverse_strategy.1,
                optional: true,
                ..forward.clone()
            };
            match forward.target {
                Ty::Instance(target) => models.add(Relation {
                    owner: target,
                    ..relation
                }),
                Ty::Lib(ty, _) => models.add_to_library(ty, relation),
                _ => {}
            }
        }
    }

    /// Gives models the relations to the models that extend them.
    fn add_children(&self, models: &mut Models) {
        for ix in 0..self.classes.len() {
            let class = ClassId(u32::try_from(ix).expect("ids fit"));
            let node = self.of_model(class, |info| info.child_relation);
            let Some(kind) = node.and_then(|node| self.catalogs.relation_at(node)) else {
                continue;
            };
            let ir = self.class_ir(class);
            let is_parent =
                |base: &&ClassId| **base != class && self.is_model(**base) && !self.is_abstract(**base);
            let parent = self.class(class).mro.iter().find(is_parent);
            if let (Some(&owner), false) = (parent, self.is_abstract(class)) {
                models.add(Relation {
                    name: self.class_name(class).to_lowercase().into(),
                    owner,
                    target: Ty::Instance(class),
                    to_many: false,
                    optional: true,
                    kind,
                    always_loaded: false,
                    is_query: false,
                    key: None,
                    inverse: None,
                    declared: Location::new(self.class(class).file, ir.name_span),
                });
            }
        }
    }

    /// Whether a class has no rows of its own: what it declares belongs to the classes that inherit it.
    fn is_abstract(&self, class: ClassId) -> bool {
        match self.of_model(class, |info| info.abstract_if.as_deref()) {
            Some(marker) => self
                .marked(class, marker)
                .is_some_and(|(ir, value)| word(ir, value) == Some("True")),
            // A mixin that is no model itself.
            None => !self.is_model(class),
        }
    }

    /// Whether a model gives its rows in order.
    pub(crate) fn is_ordered(&self, class: ClassId) -> bool {
        let marker = self.of_model(class, |info| info.ordered_if.as_deref());
        marker.is_some_and(|marker| {
            let mro = &self.class(class).mro;
            mro.iter().any(|&base| self.marked(base, marker).is_some())
        })
    }

    /// The library type that makes a class a model.
    pub(crate) fn model_type(&self, class: ClassId) -> Option<LibTy> {
        let bases = &self.class(class).library_bases;
        let is_model = |base: &LibTy| self.inherited(*base, |info| info.model.then_some(())).is_some();
        bases.iter().copied().find(is_model)
    }

    /// What the library type that makes a class a model says.
    fn of_model<T>(&self, class: ClassId, of: impl Fn(&'a TypeInfo) -> Option<T> + Copy) -> Option<T> {
        let bases = &self.class(class).library_bases;
        bases.iter().find_map(|&base| self.inherited(base, of))
    }

    /// The value of an attribute of a class itself, or of a class in it: `Meta.abstract`.
    fn marked(&self, class: ClassId, marker: &str) -> Option<(&'a FileIr, ExprId)> {
        let (holder, name) = match marker.split_once('.') {
            Some((holder, name)) => (self.nested_class(class, holder)?, name),
            None => (class, marker),
        };
        let ir = self.ir(self.class(holder).file);
        let field = self
            .class_ir(holder)
            .fields
            .iter()
            .find(|field| ir.name(field.name) == name)?;
        Some((ir, field.value?))
    }

    /// The model whose rows a type holds.
    pub(crate) fn row_class(&self, ty: &Ty) -> Option<ClassId> {
        match ty {
            Ty::Instance(class) if self.is_model(*class) => Some(*class),
            Ty::Lib(..) | Ty::Tuple(_) => ty.args().iter().find_map(|arg| self.row_class(arg)),
            _ => None,
        }
    }

    /// The name of a reverse side with the class that it comes from.
    fn filled_in(&self, name: &str, class: ClassId, reverse: Option<&Reverse>) -> String {
        let Some(reverse) = reverse else {
            return name.to_owned();
        };
        let own = self.class_name(class).to_lowercase();
        let path = self.files[self.class(class).file.index()].path.as_str();
        let app = folder(path).rsplit('/').next().unwrap_or_default();
        let models = reverse.model_holes.iter().map(|hole| (hole, own.as_str()));
        let folders = reverse.folder_holes.iter().map(|hole| (hole, app));
        models.chain(folders).fold(name.to_owned(), |name, (hole, text)| {
            name.replace(hole.as_str(), text)
        })
    }
}

fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// Whether a declaration says that a relation is always loaded, and whether it makes it a query.
fn strategy(ir: &FileIr, args: &[Arg], info: &RelationInfo) -> (bool, bool) {
    let Some(strategy) = &info.strategy else {
        return (false, false);
    };
    let in_dictionary = || {
        let dictionary = keyword_arg(ir, args, info.more_keywords.as_deref()?)?;
        let ExprKind::Collection(_, items) = &ir.expr(dictionary).kind else {
            return None;
        };
        let is_it = |pair: &&[ExprId]| literal(ir, pair[0]) == Some(&strategy.keyword);
        Some(items.chunks_exact(2).find(is_it)?[1])
    };
    let value = keyword_arg(ir, args, &strategy.keyword).or_else(in_dictionary);
    let value = value.and_then(|value| word(ir, value));
    let is_one_of = |words: &[String]| value.is_some_and(|value| words.iter().any(|word| word == value));
    (is_one_of(&strategy.loaded), is_one_of(&strategy.query))
}

/// The arguments of a call: `backref("books", lazy="dynamic")`.
fn call_args(ir: &FileIr, id: ExprId) -> Option<&[Arg]> {
    match &ir.expr(id).kind {
        ExprKind::Call { args, .. } => Some(args),
        _ => None,
    }
}

/// A literal as it is written: a text, `True`, `False`.
fn word(ir: &FileIr, id: ExprId) -> Option<&str> {
    match ir.expr(id).kind {
        ExprKind::Literal(Literal::Bool(true)) => Some("True"),
        ExprKind::Literal(Literal::Bool(false)) => Some("False"),
        _ => literal(ir, id),
    }
}

/// The text of a literal.
pub(crate) fn literal(ir: &FileIr, id: ExprId) -> Option<&str> {
    match ir.expr(id).kind {
        ExprKind::Literal(Literal::Str(text)) => Some(ir.name(text)),
        _ => None,
    }
}

/// The name in a text, or in a call whose first argument is one: `backref("books", lazy="select")`.
fn name_in(ir: &FileIr, id: ExprId) -> Option<&str> {
    match call_args(ir, id) {
        Some(args) => literal(ir, args.first()?.value),
        None => literal(ir, id),
    }
}

/// What the other side of a relation is called.
fn reverse_name(ir: &FileIr, args: &[Arg], info: &RelationInfo) -> Option<String> {
    let reverse = info.reverse.as_ref()?;
    let written = keyword_arg(ir, args, &reverse.named_by).and_then(|value| name_in(ir, value));
    let name = written.map(str::to_owned).or_else(|| reverse.default.clone())?;
    let hidden = reverse
        .hidden_suffix
        .as_ref()
        .is_some_and(|suffix| name.ends_with(suffix.as_str()));
    (!hidden).then_some(name)
}

fn keyword_arg(ir: &FileIr, args: &[Arg], keyword: &str) -> Option<ExprId> {
    args.iter()
        .find(|arg| arg.name.is_some_and(|name| ir.name(name) == keyword))
        .map(|arg| arg.value)
}

/// Whether a call, or one in its arguments, is given a column of a table: `Column(Integer, ForeignKey("authors.id"))`.
fn refers_to(ir: &FileIr, value: ExprId, table: &str) -> bool {
    match &ir.expr(value).kind {
        ExprKind::Call { args, .. } => args.iter().any(|arg| refers_to(ir, arg.value, table)),
        _ => literal(ir, value)
            .and_then(|text| text.rsplit_once('.'))
            .is_some_and(|(of, _)| of == table || of.rsplit('.').next() == Some(table)),
    }
}

/// `OrderLine` as `order_line`, `HTTPServer` as `http_server`.
fn snake_case(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let is_lower = |ix: usize| letters.get(ix).is_some_and(|letter| letter.is_lowercase());
    let mut out = String::new();
    for (ix, letter) in letters.iter().enumerate() {
        let begins_word = letter.is_uppercase() && ix > 0 && (is_lower(ix - 1) || is_lower(ix + 1));
        if begins_word {
            out.push('_');
        }
        out.extend(letter.to_lowercase());
    }
    out
}
