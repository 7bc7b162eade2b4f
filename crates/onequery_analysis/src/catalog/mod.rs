//! What is known of libraries, as data: the compiled form of `catalog/*.toml`.
//!
//! A new object-relational mapper is a new file in `catalog/`; nothing else changes. The engine asks questions of
//! [`Catalogs`] ("what does calling this method on that type do?") and never knows whose answer it got.

mod schema;
pub(crate) mod template;

use onequery_core::Language;
use rustc_hash::FxHashMap;

pub use schema::{Access, Kind};
pub(crate) use schema::{
    BoundKind, Consumed, Decorates, Direction, Grows, LeadsTo, Loads, LoadsFrom, Position, Reverse, Runs,
};
use template::Template;

/// Index of a library type in [`Catalogs`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct LibTy(u16);

/// A node of the tree of importable paths; node 0 is everything that no catalogue speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct PathNode(u32);

impl PathNode {
    /// A path outside the project that no catalogue speaks of.
    pub(crate) const OTHER: Self = Self(0);
}

/// Index of what a call does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct CallId(u32);

/// What a person should know of one catalogue file.
#[derive(Clone, Debug)]
pub struct CatalogInfo {
    /// Its id, the file's stem.
    pub id: String,
    /// Its name for people.
    pub title: String,
    /// The language it is about.
    pub language: Language,
    /// What it describes.
    pub kind: Kind,
    /// Versions the facts were checked against.
    pub versions: String,
    /// Where the facts come from.
    pub source: String,
    /// Import roots that show that a project uses it.
    pub packages: Vec<String>,
    remedies: schema::Remedies,
}

/// A library type.
#[derive(Debug)]
pub(crate) struct TypeInfo {
    extends: Vec<LibTy>,
    pub(crate) item: Option<Template>,
    pub(crate) inner: Option<Template>,
    pub(crate) enter: Option<Template>,
    pub(crate) call: Option<Template>,
    pub(crate) index: Option<Template>,
    pub(crate) transparent: bool,
    pub(crate) runs_on_iterate: bool,
    pub(crate) runs_on_test: bool,
    pub(crate) runs_on_index: bool,
    pub(crate) keeps_rows: bool,
    pub(crate) enumeration: bool,
    pub(crate) model: bool,
    pub(crate) abstract_if: Option<String>,
    pub(crate) key_column_if: Option<String>,
    pub(crate) ordered_if: Option<String>,
    pub(crate) child_relation: Option<PathNode>,
    pub(crate) serves_owner: bool,
    pub(crate) starts_from: Option<String>,
    /// Where it is imported from.
    pub(crate) node: PathNode,
    catalog: u16,
    methods: FxHashMap<Box<str>, Vec<CallId>>,
    class_methods: FxHashMap<Box<str>, Vec<CallId>>,
    attributes: FxHashMap<Box<str>, AttributeInfo>,
    class_attributes: FxHashMap<Box<str>, AttributeInfo>,
    relations: FxHashMap<Box<str>, RelationKind>,
}

/// Index of a way to declare relations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct RelationKind(u16);

/// A way to declare relations.
#[derive(Debug)]
pub(crate) struct RelationInfo {
    pub(crate) leads_to: LeadsTo,
    pub(crate) direction: Option<Direction>,
    pub(crate) target: Option<String>,
    pub(crate) itself: Option<String>,
    pub(crate) manager: Option<Template>,
    pub(crate) reverse: Option<Reverse>,
    pub(crate) mirrors: Option<String>,
    pub(crate) strategy: Option<StrategyInfo>,
    pub(crate) prefetched: bool,
    pub(crate) key: Option<String>,
    pub(crate) key_names: Vec<String>,
    pub(crate) optional_if: Option<String>,
    pub(crate) more_keywords: Option<String>,
    pub(crate) forgets_other_side: bool,
    pub(crate) finds_by_key: bool,
    catalog: u16,
}

/// The values of a keyword that says how a relation is loaded.
#[derive(Debug)]
pub(crate) struct StrategyInfo {
    pub(crate) keyword: String,
    pub(crate) loaded: Vec<String>,
    pub(crate) query: Vec<String>,
    pub(crate) query_type: Template,
}

/// What reading an attribute gives.
#[derive(Clone, Debug)]
pub(crate) struct AttributeInfo {
    pub(crate) gives: Template,
    pub(crate) likely: bool,
}

/// A condition on an argument.
#[derive(Debug)]
pub(crate) struct Condition {
    /// Which argument; any one when `None`.
    pub(crate) arg: Option<usize>,
    pub(crate) is: Vec<ArgIs>,
}

/// One alternative of a [`Condition`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ArgIs {
    /// A value of the type.
    Instance(LibTy),
    /// A class object: the type itself or a subclass.
    Class(LibTy),
    /// A literal text that begins like a statement.
    Sql,
}

/// An argument that is called back.
#[derive(Debug)]
pub(crate) struct CallbackInfo {
    pub(crate) arg: Position,
    pub(crate) runs: Runs,
    pub(crate) gets: Vec<Template>,
    pub(crate) over: Option<usize>,
}

/// What calling something does.
#[derive(Debug)]
pub(crate) struct CallInfo {
    pub(crate) when: Option<Condition>,
    pub(crate) runs: Option<Access>,
    pub(crate) sql: Option<usize>,
    pub(crate) gives: Template,
    pub(crate) callback: Option<CallbackInfo>,
    pub(crate) consumes: Vec<Consumed>,
    pub(crate) takes_all: Vec<usize>,
    pub(crate) takes_all_suffix: Option<String>,
    pub(crate) bound: Option<BoundKind>,
    pub(crate) paces: bool,
    pub(crate) takes: bool,
    pub(crate) measures: bool,
    pub(crate) stops: bool,
    pub(crate) grows: Option<Grows>,
    pub(crate) looks_up: bool,
    pub(crate) decorates: Option<Decorates>,
    pub(crate) leaves: bool,
    pub(crate) unless_keyword: Option<String>,
    pub(crate) names_type: Option<usize>,
    pub(crate) fails: bool,
    pub(crate) loads: Option<Loads>,
    pub(crate) mixes_in: Option<usize>,
    pub(crate) tests_class: bool,
    pub(crate) writes_once: bool,
    pub(crate) often_wanted: bool,
    pub(crate) uses_loaded: bool,
    pub(crate) uses_loaded_if_ordered: bool,
    pub(crate) reads_attribute: bool,
    remedy: Option<String>,
    pub(crate) likely: bool,
    catalog: u16,
}

#[derive(Debug, Default)]
struct Node {
    children: FxHashMap<Box<str>, PathNode>,
    ty: Option<LibTy>,
    call: Option<CallId>,
    relation: Option<RelationKind>,
}

/// Which library types the literals of a language have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LiteralTypes {
    pub(crate) list: LibTy,
    pub(crate) set: LibTy,
    pub(crate) dict: LibTy,
    pub(crate) generator: LibTy,
    pub(crate) range: LibTy,
}

/// All catalogues, compiled.
#[derive(Debug)]
pub struct Catalogs {
    infos: Vec<CatalogInfo>,
    types: Vec<TypeInfo>,
    calls: Vec<CallInfo>,
    relations: Vec<RelationInfo>,
    nodes: Vec<Node>,
    roots: [PathNode; 2],
    shapes: [FxHashMap<Box<str>, Vec<CallId>>; 2],
    class_shapes: [FxHashMap<Box<str>, AttributeInfo>; 2],
    literals: [Option<LiteralTypes>; 2],
}

/// A mistake in a catalogue, with the file it is in.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {message}")]
pub struct CatalogError {
    /// The file's name as it was given.
    pub file: String,
    /// What is wrong, with the place where there is one.
    pub message: String,
}

macro_rules! embedded {
    ($($file:literal),* $(,)?) => {
        &[$(($file, include_str!(concat!("../../catalog/", $file)))),*]
    };
}

/// The catalogues that are part of the program, by file name.
pub static EMBEDDED: &[(&str, &str)] = embedded![
    "aiosqlite.toml",
    "asyncpg.toml",
    "dbapi.toml",
    "diesel.toml",
    "diesel_async.toml",
    "django.toml",
    "flask_sqlalchemy.toml",
    "frappe.toml",
    "mongodb.toml",
    "pandas.toml",
    "peewee.toml",
    "postgres.toml",
    "python.toml",
    "redis.toml",
    "rusqlite.toml",
    "rust.toml",
    "rust_mongodb.toml",
    "rust_redis.toml",
    "sea_orm.toml",
    "sqlalchemy.toml",
    "sqlmodel.toml",
    "sqlx.toml",
];

const fn slot(language: Language) -> usize {
    match language {
        Language::Python => 0,
        Language::Rust => 1,
    }
}

impl Catalogs {
    /// The catalogues that are part of the program.
    ///
    /// # Panics
    /// When an embedded catalogue is wrong, which a test of this crate rules out.
    #[must_use]
    pub fn embedded() -> Self {
        Self::load(EMBEDDED).expect("the embedded catalogues are checked by this crate's tests")
    }

    /// Compiles catalogues from `(file name, text)` pairs. Types may refer to each other across files.
    ///
    /// # Errors
    /// The first mistake found: TOML syntax, an unknown key, an unknown type, an entry without a place.
    pub fn load(files: &[(&str, &str)]) -> Result<Self, CatalogError> {
        let mut parsed = Vec::new();
        for &(file, text) in files {
            let fail = |message| CatalogError {
                file: file.to_owned(),
                message,
            };
            let catalog: schema::File = toml::from_str(text).map_err(|error| fail(error.to_string()))?;
            let language = [Language::Python, Language::Rust]
                .into_iter()
                .find(|language| language.id() == catalog.language)
                .ok_or_else(|| fail(format!("unknown language `{}`", catalog.language)))?;
            parsed.push((file, language, catalog));
        }
        Compiler::new().compile(parsed)
    }

    /// The catalogues, in load order.
    #[must_use]
    pub fn infos(&self) -> &[CatalogInfo] {
        &self.infos
    }

    pub(crate) fn ty(&self, ty: LibTy) -> &TypeInfo {
        &self.types[ty.0 as usize]
    }

    pub(crate) fn call(&self, call: CallId) -> &CallInfo {
        &self.calls[call.0 as usize]
    }

    pub(crate) fn literals(&self, language: Language) -> LiteralTypes {
        self.literals[slot(language)].expect("every language's own catalogue has its literals")
    }

    /// The title of the catalogue that describes a call.
    pub(crate) fn title(&self, call: CallId) -> &str {
        &self.infos[self.call(call).catalog as usize].title
    }

    /// The title of the catalogue that declares a type.
    pub(crate) fn title_of_type(&self, ty: LibTy) -> &str {
        &self.infos[self.ty(ty).catalog as usize].title
    }

    /// What the catalogue that describes a call is about.
    pub(crate) fn kind_of(&self, call: CallId) -> Kind {
        self.infos[self.call(call).catalog as usize].kind
    }

    /// How the call is batched: its own remedy, or its catalogue's for this access.
    pub(crate) fn remedy(&self, call: CallId, access: Access) -> Option<&str> {
        let info = self.call(call);
        info.remedy
            .as_deref()
            .or_else(|| self.remedy_of(info.catalog, access))
    }

    /// How reading rows of this type is batched.
    pub(crate) fn remedy_of_type(&self, ty: LibTy) -> Option<&str> {
        self.remedy_of(self.ty(ty).catalog, Access::Read)
    }

    fn remedy_of(&self, catalog: u16, access: Access) -> Option<&str> {
        let remedies = &self.infos[catalog as usize].remedies;
        match access {
            Access::Read => remedies.read.as_deref(),
            Access::Write => remedies.write.as_deref(),
            Access::Commit => remedies.commit.as_deref(),
        }
    }

    pub(crate) fn relation(&self, kind: RelationKind) -> &RelationInfo {
        &self.relations[kind.0 as usize]
    }

    /// The title of the catalogue that describes a way to declare relations.
    pub(crate) fn title_of_relation(&self, kind: RelationKind) -> &str {
        &self.infos[self.relation(kind).catalog as usize].title
    }

    /// How a column that a query left out is loaded with its rows.
    pub(crate) fn column_remedy(&self, model: LibTy, name: &str) -> Option<String> {
        let remedies = &self.infos[self.ty(model).catalog as usize].remedies;
        Some(remedies.load_column.as_deref()?.replace("{name}", name))
    }

    /// How a loaded relation is used without asking for it again.
    pub(crate) fn defeated_remedy(&self, kind: RelationKind) -> Option<&str> {
        self.infos[self.relation(kind).catalog as usize]
            .remedies
            .defeated
            .as_deref()
    }

    /// How a path of relations is loaded with its rows. `hops` are the declaring class and the name of each relation.
    pub(crate) fn eager_remedy(
        &self,
        kind: RelationKind,
        to_many: bool,
        hops: &[(&str, &str)],
    ) -> Option<String> {
        let remedies = &self.infos[self.relation(kind).catalog as usize].remedies;
        let whole = if to_many {
            &remedies.load_many
        } else {
            &remedies.load_one
        };
        let separator = remedies.path_separator.as_deref().unwrap_or(".");
        let path: Vec<&str> = hops.iter().map(|(_, name)| *name).collect();
        let hop = remedies.load_hop.as_deref().unwrap_or_default();
        let spelled: Vec<String> = hops
            .iter()
            .map(|(model, name)| hop.replace("{model}", model).replace("{name}", name))
            .collect();
        let whole = whole.as_deref()?.replace("{path}", &path.join(separator));
        Some(whole.replace("{hops}", &spelled.join(".")))
    }

    /// The node of a language's importable root, [`PathNode::OTHER`] when no catalogue speaks of it.
    pub(crate) fn root(&self, language: Language, name: &str) -> PathNode {
        self.child(self.roots[slot(language)], name)
    }

    /// The node below another.
    pub(crate) fn child(&self, node: PathNode, name: &str) -> PathNode {
        if node == PathNode::OTHER {
            return PathNode::OTHER;
        }
        let children = &self.nodes[node.0 as usize].children;
        children
            .get(name)
            .or_else(|| children.get("*"))
            .copied()
            .unwrap_or(PathNode::OTHER)
    }

    pub(crate) fn type_at(&self, node: PathNode) -> Option<LibTy> {
        self.nodes[node.0 as usize].ty
    }

    pub(crate) fn call_at(&self, node: PathNode) -> Option<CallId> {
        self.nodes[node.0 as usize].call
    }

    pub(crate) fn relation_at(&self, node: PathNode) -> Option<RelationKind> {
        self.nodes[node.0 as usize].relation
    }

    /// A way to declare relations that is a method: `db.relationship(…)`.
    pub(crate) fn relation_method(&self, ty: LibTy, name: &str) -> Option<RelationKind> {
        self.ty(ty).relations.get(name).copied()
    }

    /// The types whose methods a type has, too.
    pub(crate) fn bases(&self, ty: LibTy) -> &[LibTy] {
        &self.ty(ty).extends
    }

    /// Whether `ty` is `of` or extends it.
    pub(crate) fn extends(&self, ty: LibTy, of: LibTy) -> bool {
        ty == of || self.ty(ty).extends.iter().any(|&base| self.extends(base, of))
    }

    /// What a method of a type may do: the alternatives in order, which differ in their conditions.
    pub(crate) fn methods(&self, ty: LibTy, name: &str, on_class: bool) -> &[CallId] {
        let info = self.ty(ty);
        let own = if on_class {
            &info.class_methods
        } else {
            &info.methods
        };
        match own.get(name) {
            Some(calls) => calls,
            None => info
                .extends
                .iter()
                .map(|&base| self.methods(base, name, on_class))
                .find(|calls| !calls.is_empty())
                .unwrap_or_default(),
        }
    }

    /// What a method may do whose receiver is unknown.
    pub(crate) fn shapes(&self, language: Language, name: &str) -> &[CallId] {
        self.shapes[slot(language)].get(name).map_or(&[], Vec::as_slice)
    }

    /// What reading an attribute of a type gives.
    pub(crate) fn attribute(&self, ty: LibTy, name: &str, on_class: bool) -> Option<&AttributeInfo> {
        let info = self.ty(ty);
        let own = if on_class {
            &info.class_attributes
        } else {
            &info.attributes
        };
        own.get(name).or_else(|| {
            info.extends
                .iter()
                .find_map(|&base| self.attribute(base, name, on_class))
        })
    }

    /// What reading an attribute of a class gives that is not part of the project.
    pub(crate) fn class_shape(&self, language: Language, name: &str) -> Option<&AttributeInfo> {
        self.class_shapes[slot(language)].get(name)
    }
}

/// Collects everything before names are resolved.
struct Compiler {
    out: Catalogs,
    names: FxHashMap<String, LibTy>,
}

impl Compiler {
    fn new() -> Self {
        let mut nodes = Vec::new();
        nodes.resize_with(3, Node::default);
        Self {
            out: Catalogs {
                infos: Vec::new(),
                types: Vec::new(),
                calls: Vec::new(),
                relations: Vec::new(),
                nodes,
                roots: [PathNode(1), PathNode(2)],
                shapes: Default::default(),
                class_shapes: Default::default(),
                literals: [None, None],
            },
            names: FxHashMap::default(),
        }
    }

    fn compile(mut self, files: Vec<(&str, Language, schema::File)>) -> Result<Catalogs, CatalogError> {
        for (ix, (file, language, catalog)) in files.iter().enumerate() {
            let fail = |message| CatalogError {
                file: (*file).to_owned(),
                message,
            };
            self.out.infos.push(CatalogInfo {
                id: catalog.id.clone(),
                title: catalog.title.clone(),
                language: *language,
                kind: catalog.kind,
                versions: catalog.versions.clone(),
                source: catalog.source.clone(),
                packages: catalog.packages.clone(),
                remedies: catalog.remedies.clone(),
            });
            for ty in &catalog.types {
                let id = LibTy(
                    u16::try_from(self.out.types.len()).map_err(|_| fail("too many types".to_owned()))?,
                );
                if self
                    .names
                    .insert(format!("{}.{}", catalog.id, ty.name), id)
                    .is_some()
                {
                    return Err(fail(format!("type `{}` is declared twice", ty.name)));
                }
                let child_relation = ty
                    .child_relation
                    .as_deref()
                    .map(|path| self.node(*language, path));
                self.out.types.push(TypeInfo {
                    extends: Vec::new(),
                    item: None,
                    inner: None,
                    enter: None,
                    call: None,
                    index: None,
                    transparent: ty.transparent,
                    runs_on_iterate: ty.runs_on.iterate,
                    runs_on_test: ty.runs_on.test,
                    runs_on_index: ty.runs_on.index,
                    keeps_rows: ty.keeps_rows,
                    enumeration: ty.enumeration,
                    model: ty.model,
                    abstract_if: ty.abstract_if.clone(),
                    key_column_if: ty.key_column_if.clone(),
                    ordered_if: ty.ordered_if.clone(),
                    child_relation,
                    serves_owner: ty.serves_owner,
                    starts_from: ty.starts_from.clone(),
                    node: PathNode::OTHER,
                    catalog: u16::try_from(ix).map_err(|_| fail("too many catalogues".to_owned()))?,
                    methods: FxHashMap::default(),
                    class_methods: FxHashMap::default(),
                    attributes: FxHashMap::default(),
                    class_attributes: FxHashMap::default(),
                    relations: FxHashMap::default(),
                });
                for path in &ty.paths {
                    let node = self.node(*language, path);
                    self.out.nodes[node.0 as usize].ty = Some(id);
                    self.out.types[id.0 as usize].node = node;
                }
            }
        }
        for (ix, (file, language, catalog)) in files.into_iter().enumerate() {
            self.file(ix, language, catalog).map_err(|message| CatalogError {
                file: file.to_owned(),
                message,
            })?;
        }
        for root in self.out.roots {
            self.spread_wildcards(root);
        }
        // An entry that holds for any arguments comes after those that know theirs, whatever file it is in.
        let calls = &self.out.calls;
        let of_types = self
            .out
            .types
            .iter_mut()
            .flat_map(|ty| [&mut ty.methods, &mut ty.class_methods]);
        for calls_of_name in self
            .out
            .shapes
            .iter_mut()
            .chain(of_types)
            .flat_map(FxHashMap::values_mut)
        {
            calls_of_name.sort_by_key(|call| calls[call.0 as usize].when.is_none());
        }
        Ok(self.out)
    }

    /// `contrib.*.models.*` speaks of `contrib.auth.models.Group`, too, although another path names `contrib.auth`.
    fn spread_wildcards(&mut self, node: PathNode) {
        let children = &self.out.nodes[node.0 as usize].children;
        let mut named: Vec<(Box<str>, PathNode)> = children
            .iter()
            .map(|(name, child)| (name.clone(), *child))
            .collect();
        named.sort();
        if let Some(wildcard) = children.get("*").copied() {
            for (_, child) in named.iter().filter(|(name, _)| &**name != "*") {
                self.graft(wildcard, *child);
            }
        }
        for (_, child) in named {
            self.spread_wildcards(child);
        }
    }

    /// Gives a node the children that another has, unless it has its own.
    fn graft(&mut self, from: PathNode, to: PathNode) {
        let mut children: Vec<(Box<str>, PathNode)> = self.out.nodes[from.0 as usize]
            .children
            .iter()
            .map(|(name, child)| (name.clone(), *child))
            .collect();
        children.sort();
        for (name, child) in children {
            match self.out.nodes[to.0 as usize].children.get(&name).copied() {
                Some(own) => self.graft(child, own),
                None => {
                    self.out.nodes[to.0 as usize].children.insert(name, child);
                }
            }
        }
    }

    fn file(&mut self, ix: usize, language: Language, catalog: schema::File) -> Result<(), String> {
        let id = catalog.id;
        for ty in &catalog.types {
            let of = self.names[&format!("{id}.{}", ty.name)];
            let optional =
                |text: &Option<String>| text.as_deref().map(|text| self.template(&id, text)).transpose();
            let extends = ty
                .extends
                .iter()
                .map(|base| self.find(&id, base))
                .collect::<Result<_, _>>()?;
            let (item, inner) = (optional(&ty.item)?, optional(&ty.inner)?);
            let (enter, call, index) = (optional(&ty.enter)?, optional(&ty.call)?, optional(&ty.index)?);
            let info = &mut self.out.types[of.0 as usize];
            (info.extends, info.item, info.inner) = (extends, item, inner);
            (info.enter, info.call, info.index) = (enter, call, index);
        }
        if let Some(literals) = &catalog.literals {
            self.out.literals[slot(language)] = Some(LiteralTypes {
                list: self.find(&id, &literals.list)?,
                set: self.find(&id, &literals.set)?,
                dict: self.find(&id, &literals.dict)?,
                generator: self.find(&id, &literals.generator)?,
                range: self.find(&id, &literals.range)?,
            });
        }
        for function in catalog.functions {
            if function.path.is_empty() || !function.on.is_empty() || !function.name.is_empty() {
                return Err("a [[function]] has a `path` and neither `on` nor `name`".to_owned());
            }
            let paths = function.path.clone();
            let call = self.call(ix, &id, function)?;
            for path in paths {
                let node = self.node(language, &path);
                self.out.nodes[node.0 as usize].call = Some(call);
            }
        }
        for method in catalog.methods {
            if !method.path.is_empty() || method.on.is_empty() || method.name.is_empty() {
                return Err("a [[method]] has `on` and `name` and no `path`".to_owned());
            }
            let (on, names) = (method.on.clone(), method.name.clone());
            let call = self.call(ix, &id, method)?;
            for on in on {
                let target = self.owner(&id, &on)?;
                for name in &names {
                    let calls = match target {
                        Owner::Shape => self.out.shapes[slot(language)].entry(name.as_str().into()),
                        Owner::Instance(ty) => {
                            self.out.types[ty.0 as usize].methods.entry(name.as_str().into())
                        }
                        Owner::Class(ty) => self.out.types[ty.0 as usize]
                            .class_methods
                            .entry(name.as_str().into()),
                        Owner::ClassShape => {
                            return Err("methods of unknown classes are not known".to_owned());
                        }
                    };
                    calls.or_default().push(call);
                }
            }
        }
        for attribute in catalog.attributes {
            let info = AttributeInfo {
                gives: self.template(&id, &attribute.gives)?,
                likely: attribute.likely,
            };
            for on in &attribute.on {
                let target = self.owner(&id, on)?;
                for name in &attribute.name {
                    let attributes = match target {
                        Owner::ClassShape => &mut self.out.class_shapes[slot(language)],
                        Owner::Instance(ty) => &mut self.out.types[ty.0 as usize].attributes,
                        Owner::Class(ty) => &mut self.out.types[ty.0 as usize].class_attributes,
                        Owner::Shape => return Err("attributes of unknown values are not known".to_owned()),
                    };
                    attributes.insert(name.as_str().into(), info.clone());
                }
            }
        }
        for relation in catalog.relations {
            self.relation(ix, &id, language, relation)?;
        }
        Ok(())
    }

    fn relation(
        &mut self,
        ix: usize,
        id: &str,
        language: Language,
        relation: schema::Relation,
    ) -> Result<(), String> {
        if relation.path.is_empty() && (relation.on.is_empty() || relation.name.is_empty()) {
            return Err("a [[relation]] has a `path`, or `on` and `name`".to_owned());
        }
        let kind = RelationKind(
            u16::try_from(self.out.relations.len()).map_err(|_| "too many relations".to_owned())?,
        );
        let strategy = relation.strategy.map(|strategy| {
            Ok::<_, String>(StrategyInfo {
                query_type: self.template(id, &strategy.query_type)?,
                keyword: strategy.keyword,
                loaded: strategy.loaded,
                query: strategy.query,
            })
        });
        let info = RelationInfo {
            leads_to: relation.leads_to,
            direction: relation.direction,
            target: relation.target,
            itself: relation.itself,
            manager: relation
                .manager
                .map(|text| self.template(id, &text))
                .transpose()?,
            reverse: relation.reverse,
            mirrors: relation.mirrors,
            strategy: strategy.transpose()?,
            prefetched: relation.prefetched,
            key: relation.key,
            key_names: relation.key_names,
            optional_if: relation.optional_if,
            more_keywords: relation.more_keywords,
            forgets_other_side: relation.forgets_other_side,
            finds_by_key: relation.finds_by_key,
            catalog: u16::try_from(ix).map_err(|_| "too many catalogues".to_owned())?,
        };
        self.out.relations.push(info);
        for path in &relation.path {
            let node = self.node(language, path);
            self.out.nodes[node.0 as usize].relation = Some(kind);
        }
        for on in &relation.on {
            let ty = self.find(id, on)?;
            for name in &relation.name {
                self.out.types[ty.0 as usize]
                    .relations
                    .insert(name.as_str().into(), kind);
            }
        }
        Ok(())
    }

    fn call(&mut self, ix: usize, id: &str, call: schema::Call) -> Result<CallId, String> {
        let call_id = CallId(u32::try_from(self.out.calls.len()).map_err(|_| "too many entries".to_owned())?);
        let when = call.when.map(|when| self.condition(id, when)).transpose()?;
        let gives = call
            .gives
            .as_deref()
            .map_or(Ok(Template::Unknown), |text| self.template(id, text))?;
        let callback = call
            .callback
            .map(|callback| {
                let gets = callback
                    .gets
                    .iter()
                    .map(|text| self.template(id, text))
                    .collect::<Result<_, _>>()?;
                Ok::<_, String>(CallbackInfo {
                    arg: callback.arg,
                    runs: callback.runs,
                    gets,
                    over: callback.over,
                })
            })
            .transpose()?;
        self.out.calls.push(CallInfo {
            when,
            runs: call.runs,
            sql: call.sql,
            gives,
            callback,
            consumes: call.consumes,
            takes_all: call.takes_all,
            takes_all_suffix: call.takes_all_suffix,
            bound: call.bound,
            paces: call.paces,
            takes: call.takes,
            measures: call.measures,
            stops: call.stops,
            grows: call.grows,
            looks_up: call.looks_up,
            decorates: call.decorates,
            leaves: call.leaves,
            unless_keyword: call.unless_keyword,
            names_type: call.names_type,
            fails: call.fails,
            loads: call.loads,
            mixes_in: call.mixes_in,
            tests_class: call.tests_class,
            writes_once: call.writes_once,
            often_wanted: call.often_wanted,
            uses_loaded: call.uses_loaded,
            uses_loaded_if_ordered: call.uses_loaded_if_ordered,
            reads_attribute: call.reads_attribute,
            remedy: call.remedy,
            likely: call.likely,
            catalog: u16::try_from(ix).map_err(|_| "too many catalogues".to_owned())?,
        });
        Ok(call_id)
    }

    fn condition(&self, id: &str, when: schema::When) -> Result<Condition, String> {
        let alternative = |text: &String| match text.as_str() {
            "sql" => Ok(ArgIs::Sql),
            text => Ok(match text.strip_prefix("class:") {
                Some(name) => ArgIs::Class(self.find(id, name)?),
                None => ArgIs::Instance(self.find(id, text)?),
            }),
        };
        let is = when.is.iter().map(alternative).collect::<Result<_, String>>()?;
        Ok(Condition { arg: when.arg, is })
    }

    fn owner(&self, id: &str, on: &str) -> Result<Owner, String> {
        Ok(match (on, on.strip_prefix("class:")) {
            ("?", _) => Owner::Shape,
            (_, Some("?")) => Owner::ClassShape,
            (_, Some(name)) => Owner::Class(self.find(id, name)?),
            (name, None) => Owner::Instance(self.find(id, name)?),
        })
    }

    fn template(&self, id: &str, text: &str) -> Result<Template, String> {
        template::parse(text, &|name| self.find(id, name).ok())
    }

    /// A type by its own name within the file, or by `catalogue.Name`.
    fn find(&self, id: &str, name: &str) -> Result<LibTy, String> {
        let own = self.names.get(&format!("{id}.{name}"));
        own.or_else(|| self.names.get(name))
            .copied()
            .ok_or_else(|| format!("unknown type `{name}`"))
    }

    fn node(&mut self, language: Language, path: &str) -> PathNode {
        let mut node = self.out.roots[slot(language)];
        for part in path.split("::").flat_map(|part| part.split('.')) {
            let next = PathNode(u32::try_from(self.out.nodes.len()).expect("catalogues are small"));
            let child = *self.out.nodes[node.0 as usize]
                .children
                .entry(part.into())
                .or_insert(next);
            if child == next {
                self.out.nodes.push(Node::default());
            }
            node = child;
        }
        node
    }
}

#[derive(Clone, Copy)]
enum Owner {
    Instance(LibTy),
    Class(LibTy),
    Shape,
    ClassShape,
}
