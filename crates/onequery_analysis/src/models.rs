//! Models and their relations, as the project declares them.

mod declarations;
mod namesakes;
mod settings;

use std::hash::Hash;
use std::sync::Arc;

use onequery_core::FileId;
use onequery_core::ir::{Arg, ExprId, ExprKind, FileIr, Literal};
use rustc_hash::{FxHashMap, FxHashSet};
use serde::{Deserialize, Serialize};

use crate::catalog::{LeadsTo, LibTy, PathNode, RelationKind, Reverse, TypeInfo};
use crate::known::hash;
use crate::program::{ClassId, Key, Keys, Program, ScopeId, Symbol};
use crate::value::{Ty, Value};
use declarations::{Declaration, Names};
use namesakes::Namesakes;
pub(crate) use settings::Constant;
use settings::Constants;

/// A relation in [`Models`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct RelId(u32);

/// A relation as its rows see it.
#[derive(Clone, Debug, Hash)]
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
    /// By [`RelId`]; an id may stand for nothing.
    relations: Vec<Relation>,
    ids: RelationIds,
    /// In order of declaration.
    of_class: FxHashMap<ClassId, Vec<RelId>>,
    /// Models by the names of module variables whose texts name them: `AUTH_USER_MODEL = "users.User"`.
    by_setting: FxHashMap<Box<str>, Option<ClassId>>,
    /// Settings that never change.
    constants: Constants,
    /// By class of queries or managers: the only model that has one, in so far as it is the only one.
    served: FxHashMap<ClassId, Option<ClassId>>,
    /// Models by their names in lower case.
    by_name: FxHashMap<String, Namesakes>,
    /// Other sides that models of libraries get, as far as a name stands for one.
    of_library: FxHashMap<(LibTy, Arc<str>), Option<RelId>>,
}

impl Models {
    pub(crate) fn relation(&self, id: RelId) -> &Relation {
        &self.relations[id.0 as usize]
    }

    /// The relations of a class itself, in order of declaration.
    pub(crate) fn own_relations(&self, class: ClassId) -> impl Iterator<Item = RelId> {
        self.of_class.get(&class).into_iter().flatten().copied()
    }

    /// What tells relations apart, in the order of their ids.
    pub(crate) fn names(&self) -> &[u64] {
        &self.ids.names
    }

    pub(crate) fn hash_keys(&self, keys: &mut Keys) {
        keys.add(Key::Served, &self.served);
        let by_name = self.by_name.iter().map(|(name, models)| (name, &models.all));
        keys.add(Key::Model, by_name);
        keys.add(Key::Setting, &self.by_setting);
        keys.add(Key::Constant, &self.constants);
        let of_library = self.of_library.iter().map(|(key, relation)| {
            let relation = relation.map(|id| (id, self.relation(id)));
            (key, relation)
        });
        keys.add(Key::LibraryRelation, of_library);
    }

    /// The project has no model that is known.
    pub(crate) const fn is_empty(&self) -> bool {
        !self.has_any
    }

    /// The relation that a class itself has under a name.
    fn own(&self, class: ClassId, name: &str) -> Option<RelId> {
        self.own_relations(class)
            .find(|&id| *self.relation(id).name == *name)
    }

    /// A library's type stands for many models: a name that two of them have is not known.
    fn add_to_library(&mut self, ty: LibTy, relation: Relation) {
        let id = self.ids.of(&(ty, relation.owner, &relation.name));
        self.of_library
            .entry((ty, relation.name.clone()))
            .and_modify(|known| *known = None)
            .or_insert(Some(id));
        self.set(id, relation);
    }

    fn set(&mut self, id: RelId, relation: Relation) {
        match self.relations.get_mut(id.0 as usize) {
            Some(gap) => *gap = relation,
            None => self.relations.push(relation),
        }
    }

    /// The first declaration of a name counts: what is written beats what the other side implies.
    fn add(&mut self, relation: Relation) {
        if self.own(relation.owner, &relation.name).is_none() {
            let id = self.ids.of(&(relation.owner, &relation.name));
            self.of_class.entry(relation.owner).or_default().push(id);
            self.set(id, relation);
        }
    }
}

/// Which ids relations have: those that are remembered keep theirs.
#[derive(Debug, Default)]
struct RelationIds {
    remembered: FxHashMap<u64, RelId>,
    /// What tells them apart, by id.
    names: Vec<u64>,
}

impl RelationIds {
    /// With those that had these names.
    fn like(names: &[u64]) -> Self {
        let ids = (0_u32..).map(RelId);
        Self {
            remembered: names.iter().copied().zip(ids).collect(),
            names: names.to_vec(),
        }
    }

    fn of(&mut self, name: &impl Hash) -> RelId {
        let name = hash(name);
        self.remembered.remove(&name).unwrap_or_else(|| {
            self.names.push(name);
            RelId(u32::try_from(self.names.len() - 1).expect("ids fit"))
        })
    }
}

impl<'a> Program<'a> {
    /// A relation, for an evaluation.
    pub(crate) fn relation(&self, id: RelId) -> &Relation {
        let relation = self.models.relation(id);
        self.look_at(relation.owner);
        relation
    }

    /// The model that the text names which some module assigns to a variable.
    pub(crate) fn set_by(&self, name: &str) -> Option<ClassId> {
        self.ask(&(Key::Setting, name));
        self.models.by_setting.get(name).copied().flatten()
    }

    /// What a setting is whatever runs.
    pub(crate) fn constant(&self, setting: &str) -> Option<Constant> {
        self.ask(&(Key::Constant, setting));
        self.models.constants.get(setting).copied().flatten()
    }

    /// The relation to models of the project that a library's model has under a name.
    pub(crate) fn of_library(&self, ty: LibTy, name: &str) -> Option<RelId> {
        self.ask(&(Key::LibraryRelation, ty, name));
        self.models.of_library.get(&(ty, name.into())).copied().flatten()
    }

    /// How many relations the project's models have, and how many of those whose other side is known.
    pub(crate) fn count_relations(&self) -> (usize, usize) {
        let relations = self.models.relations.iter();
        let is_own = |relation: &&Relation| !self.is_stub(self.class(relation.owner).file);
        let own: Vec<&Relation> = relations.filter(is_own).collect();
        let known = own.iter().filter(|relation| !relation.target.is_unknown());
        (own.len(), known.count())
    }

    /// A relation of a class by name, through its bases.
    pub(crate) fn relation_of(&self, class: ClassId, name: &str) -> Option<RelId> {
        let mro = &self.class(class).mro;
        mro.iter().find_map(|&base| {
            let mut own = self.own_relations_of(base);
            own.find(|&id| *self.models.relation(id).name == *name)
        })
    }

    fn own_relations_of(&self, class: ClassId) -> impl Iterator<Item = RelId> {
        self.look_at(class);
        self.models.own_relations(class)
    }

    /// All relations of a class, those of its bases included.
    pub(crate) fn relations_of(&self, class: ClassId) -> impl Iterator<Item = RelId> {
        let mro = self.class(class).mro.iter();
        mro.flat_map(|&base| self.own_relations_of(base))
    }

    /// Whether a class declares a column other than its key: an attribute that a call makes.
    pub(crate) fn has_column(&self, class: ClassId, name: &str) -> bool {
        self.column_says(class, name, |info| info.key_column_if.as_deref()) == Some(false)
    }

    /// Whether a column has another value in each row.
    pub(crate) fn is_unique(&self, class: ClassId, name: &str) -> bool {
        self.is_key_name(class, name)
            || self.column_says(class, name, |info| info.key_column_if.as_deref()) == Some(true)
            || self.column_says(class, name, |info| info.unique_column_if.as_deref()) == Some(true)
    }

    /// Whether a library calls the key of all rows so, whatever the class declares.
    pub(crate) fn is_key_name(&self, class: ClassId, name: &str) -> bool {
        let named = self.of_library_base(class, |info| info.key_columns.iter().find(|key| *key == name));
        named.is_some()
    }

    /// Whether the column that a class declares under a name has a keyword.
    fn column_says(
        &self,
        class: ClassId,
        name: &str,
        keyword: impl Fn(&'a TypeInfo) -> Option<&'a str> + Copy,
    ) -> Option<bool> {
        let keyword = self.of_library_base(class, keyword);
        self.class(class).mro.iter().find_map(|&base| {
            let ir = self.ir(self.class(base).file);
            let mut fields = self.class_ir(base).fields.iter();
            let field = fields.find(|field| ir.name(field.name) == name)?;
            let args = call_args(ir, field.value?)?;
            let said = keyword.and_then(|keyword| keyword_arg(ir, args, keyword));
            Some(said.is_some_and(|said| word(ir, said) != Some("False")))
        })
    }

    /// Whether instances of a class are rows.
    pub(crate) fn is_model(&self, class: ClassId) -> bool {
        let bases = &self.class(class).library_bases;
        bases
            .iter()
            .any(|&base| self.inherited(base, |info| info.model.then_some(())).is_some())
    }

    /// The library's class that stands for any model, when a type is a model class, or that one.
    pub(crate) fn some_model(&self, ty: &Ty) -> Option<PathNode> {
        let is_model = |&base: &LibTy| self.inherited(base, |info| info.model.then_some(())).is_some();
        match ty {
            Ty::Class(class) => {
                let base = self.class(*class).library_bases.iter().copied().find(is_model)?;
                Some(self.catalogs.ty(base).node)
            }
            Ty::External(node) => self.catalogs.type_at(*node).filter(is_model).map(|_| *node),
            _ => None,
        }
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

    /// The method that gives the rows which the others of a manager's class start from.
    pub(crate) fn starts_from(&self, class: ClassId) -> Option<&'a str> {
        self.of_library_base(class, |info| info.starts_from.as_deref())
    }

    /// Whether a class is a manager's, as opposed to a query's.
    pub(crate) fn is_manager(&self, class: ClassId) -> bool {
        self.starts_from(class).is_some()
    }

    fn served_type(&self, class: ClassId) -> Option<LibTy> {
        let bases = &self.class(class).library_bases;
        let serves = |base: &LibTy| {
            self.inherited(*base, |info| info.serves_owner.then_some(()))
                .is_some()
        };
        bases.iter().copied().find(serves)
    }

    /// The model whose rows a class of queries or managers gives, when it serves one only.
    pub(crate) fn served_model(&self, class: ClassId) -> Option<ClassId> {
        self.ask(&(Key::Served, class));
        self.models.served.get(&class).copied().flatten()
    }

    /// Whether the project has a model of its own, or imports of a library that declares some.
    fn may_have_models(&self, names: &Names) -> bool {
        let of_library = |&file: &FileId| self.is_stub(file);
        let libraries: FxHashSet<&str> = self
            .file_ids()
            .filter(of_library)
            .filter_map(|stub| self.path(stub).split('/').next())
            .collect();
        let own_model = |&class: &ClassId| !self.is_stub(self.class(class).file);
        let imports_library = |file: FileId| {
            let ir = self.ir(file);
            let mut firsts = ir.imports.iter().filter_map(|import| import.path.first());
            firsts.any(|&first| libraries.contains(ir.name(first)))
        };
        names
            .by_name
            .values()
            .flat_map(|models| &models.all)
            .any(own_model)
            || self
                .file_ids()
                .filter(|file| !of_library(file))
                .any(imports_library)
    }

    /// By class of queries or managers: the model that has it as an attribute, `None` where several do.
    fn find_served(&self) -> FxHashMap<ClassId, Option<ClassId>> {
        let mut served: FxHashMap<ClassId, Option<ClassId>> = FxHashMap::default();
        for model in self.class_ids().filter(|&class| self.is_model(class)) {
            let file = self.class(model).file;
            let scope = self.scope_id(file, self.class_ir(model).scope);
            let values = self.class_ir(model).fields.iter().filter_map(|field| field.value);
            let callees = values.filter_map(|value| match self.ir(file).expr(value).kind {
                ExprKind::Call { callee, .. } => Some(callee),
                _ => None,
            });
            let servers = callees.flat_map(|callee| self.classes_called(file, scope, callee));
            let heirs = self
                .subclasses(model)
                .iter()
                .filter(|&&heir| !self.is_abstract(heir));
            let own = (!self.is_abstract(model)).then_some(model);
            let models: Vec<ClassId> = own.into_iter().chain(heirs.copied()).collect();
            for server in servers.filter(|&server| self.serves_owner(server)) {
                for &base in &self.class(server).mro {
                    for &model in &models {
                        let known = served.entry(base).or_insert(Some(model));
                        *known = known.filter(|&known| known == model);
                    }
                }
            }
        }
        served
    }

    /// The classes of the project in what is called: `OrderManager()`, `OrderQuerySet.as_manager()`,
    /// `Manager.from_queryset(OrderQuerySet)()`.
    fn classes_called(&self, file: FileId, scope: ScopeId, callee: ExprId) -> Vec<ClassId> {
        let ir = self.ir(file);
        let named = match &ir.expr(callee).kind {
            ExprKind::Attr { base, .. } => vec![callee, *base],
            ExprKind::Call { callee, args, .. } => {
                let mut named = vec![*callee];
                named.extend(args.iter().map(|arg| arg.value));
                named
            }
            _ => vec![callee],
        };
        let classes = named
            .into_iter()
            .filter_map(|named| match self.resolve_expr(file, scope, named) {
                Symbol::Class(class) => Some(class),
                _ => None,
            });
        classes.collect()
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

    /// Whether a row does not keep the rows that a relation leads to: `book.tags.all()` asks each time.
    pub(crate) fn asks_anew(&self, relation: &Relation) -> bool {
        relation.to_many && self.catalogs.relation(relation.kind).manager.is_some()
    }

    /// Whether one class is the other or extends it.
    pub(crate) fn related_classes(&self, a: ClassId, b: ClassId) -> bool {
        self.class(a).mro.contains(&b) || self.class(b).mro.contains(&a)
    }

    /// Classes of bases that are not known are models if they declare relations as models do, or if models' relations lead to
    /// them.
    pub(crate) fn adopt_models(&mut self) {
        let of_fields = |class| Some((class, self.model_of_fields(class)?));
        let declaring = self.class_ids().filter(|class| self.may_be_model(*class));
        self.adopt(declaring.filter_map(of_fields).collect());
        let models = self.class_ids().filter(|class| self.is_model(*class));
        self.adopt(models.flat_map(|model| self.may_be_led_to(model)).collect());
    }

    fn may_be_model(&self, class: ClassId) -> bool {
        self.class(class).has_unknown_base && !self.is_model(class)
    }

    /// Makes classes, and what extends them, models of libraries.
    fn adopt(&mut self, adopted: Vec<(ClassId, LibTy)>) {
        for (class, model) in adopted {
            let heirs = self.subclasses(class).to_vec();
            for heir in std::iter::once(class).chain(heirs) {
                if !self.is_model(heir) {
                    self.classes[heir.index()].library_bases.push(model);
                }
            }
        }
    }

    /// Finds all relations that classes declare, and the sides that they imply.
    pub(crate) fn find_models(&self) -> Models {
        let by_name = self.models_by_name();
        let by_setting = self.settings(&by_name);
        let mut lower_names: FxHashMap<String, Vec<ClassId>> = FxHashMap::default();
        for class in by_name.values().flat_map(|models| &models.all) {
            let models = lower_names.entry(self.class_name(*class).to_lowercase());
            models.or_default().push(*class);
        }
        let lower_names = lower_names.into_iter();
        let lower_names = lower_names.map(|(name, models)| (name, self.namesakes(models)));
        let names = Names { by_name, by_setting };
        let mut declarations = Vec::new();
        for class in self.class_ids() {
            for field in &self.class_ir(class).fields {
                let declared = field
                    .value
                    .and_then(|value| self.declaration(class, field.name, value, field.ty.as_ref(), &names));
                declarations.extend(declared);
            }
            for (name, value) in self.attributes_of_methods(class) {
                declarations.extend(self.declaration(class, name, value, None, &names));
            }
        }
        let has_any = !names.by_name.is_empty() && self.may_have_models(&names);
        let constants = if has_any {
            self.constant_settings()
        } else {
            Constants::default()
        };
        let before = self.layout.relations();
        let mut models = Models {
            has_any,
            constants,
            by_setting: names.by_setting,
            by_name: lower_names.collect(),
            served: self.find_served(),
            relations: before.iter().map(|_| self.stand_in_relation()).collect(),
            ids: RelationIds::like(before),
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

    /// The relation that stands where an id is that of nothing: what was found out before may speak of it.
    fn stand_in_relation(&self) -> Relation {
        Relation {
            name: "".into(),
            owner: self.stand_in(),
            target: Ty::Unknown,
            to_many: false,
            optional: true,
            kind: self.catalogs.some_relation(),
            always_loaded: false,
            is_query: false,
            key: None,
            inverse: None,
        }
    }

    fn models_by_name(&self) -> FxHashMap<&'a str, Namesakes> {
        let mut by_name: FxHashMap<&str, Vec<ClassId>> = FxHashMap::default();
        for class in self.class_ids() {
            if self.is_model(class) {
                by_name.entry(self.class_name(class)).or_default().push(class);
            }
        }
        let by_name = by_name.into_iter();
        by_name
            .map(|(name, models)| (name, self.namesakes(models)))
            .collect()
    }

    pub(crate) fn class_name(&self, class: ClassId) -> &'a str {
        self.ir(self.class(class).file).name(self.class_ir(class).name)
    }

    /// Gives the target's class the other side of a declaration, once for each concrete class that inherits it.
    fn add_reverse(&self, declaration: &Declaration, models: &mut Models) {
        let Some(side) = &declaration.reverse else {
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
            LeadsTo::Declared => side.to_many.unwrap_or(!forward.to_many),
        };
        let owners: Vec<ClassId> = if self.is_abstract(declaration.class) {
            let heirs = self.subclasses(declaration.class).iter().copied();
            heirs.filter(|&heir| !self.is_abstract(heir)).collect()
        } else {
            vec![declaration.class]
        };
        for owner in owners {
            let relation = Relation {
                name: self.filled_in(&side.name, owner, Some(reverse)).into(),
                owner,
                target: Ty::Instance(owner),
                to_many,
                key: None,
                inverse: Some(forward.name.clone()),
                always_loaded: side.always_loaded,
                is_query: side.is_query,
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
        for class in self.class_ids() {
            let node = self.of_library_base(class, |info| info.child_relation);
            let Some(kind) = node.and_then(|node| self.catalogs.relation_at(node)) else {
                continue;
            };
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
                });
            }
        }
    }

    /// Whether a class has no rows of its own: what it declares belongs to the classes that inherit it.
    pub(crate) fn is_abstract(&self, class: ClassId) -> bool {
        match self.of_library_base(class, |info| info.abstract_if.as_deref()) {
            Some(marker) => self
                .marked(class, marker)
                .is_some_and(|(ir, value)| word(ir, value) == Some("True")),
            // A mixin that is no model itself.
            None => !self.is_model(class),
        }
    }

    /// Whether a model gives its rows in order.
    pub(crate) fn is_ordered(&self, class: ClassId) -> bool {
        let marker = self.of_library_base(class, |info| info.ordered_if.as_deref());
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

    /// What one of the library types that a class extends says.
    fn of_library_base<T>(&self, class: ClassId, of: impl Fn(&'a TypeInfo) -> Option<T> + Copy) -> Option<T> {
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
        let path = self.path(self.class(class).file);
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

/// The value of a keyword argument.
pub(crate) fn keyword_arg(ir: &FileIr, args: &[Arg], keyword: &str) -> Option<ExprId> {
    args.iter()
        .find(|arg| arg.name.is_some_and(|name| ir.name(name) == keyword))
        .map(|arg| arg.value)
}
