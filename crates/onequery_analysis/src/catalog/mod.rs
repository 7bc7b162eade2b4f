//! What is known of libraries, as data: the compiled form of `catalog/*.toml`.
//!
//! A new object-relational mapper is a new file in `catalog/`; nothing else changes. The engine asks questions of
//! [`Catalogs`] ("what does calling this method on that type do?") and never knows whose answer it got.

mod compile;
mod presentations;
mod schema;
pub(crate) mod template;

use std::collections::BTreeMap;

use onequery_core::{EntryKind, Language};
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use compile::Compiler;
pub(crate) use presentations::{
    Field, FieldShows, Lists, Page, PageRows, Registers, RegistersTag, Renders, ShownGiven, ShownReturned,
    Shows, Table, TagKind, Walks,
};
use schema::Remedies;
pub use schema::{Access, Kind};
pub(crate) use schema::{
    BoundKind, ClassEntry, Consumed, Decorates, Direction, Grows, LeadsTo, Loads, LoadsFrom, Position,
    Reverse, Rounds, Runs,
};
use template::Template;

use crate::program::SourceFile;

/// Index of a library type in [`Catalogs`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct LibTy(u16);

/// A node of the tree of importable paths; node 0 is everything that no catalogue speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct PathNode(u32);

impl PathNode {
    /// A path outside the project that no catalogue speaks of.
    pub(crate) const OTHER: Self = Self(0);
}

/// Index of what a call does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
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
    /// The database runs inside the program's process: a query costs no round trip.
    pub in_process: bool,
    /// Import roots that show that a project uses it.
    pub packages: Vec<String>,
    remedies: schema::Remedies,
}

/// What a catalogue calls attributes of whatever name.
const ANY_NAME: &str = "*";

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
    /// It leads to a database: what is given one may query.
    pub(crate) connection: bool,
    pub(crate) shows: Option<Shows>,
    pub(crate) lists: Option<Lists>,
    pub(crate) table: Option<Table>,
    pub(crate) walks: Option<Walks>,
    pub(crate) page: Option<Page>,
    pub(crate) field: Option<Field>,
    /// The world outside calls the methods of its subclasses.
    pub(crate) entry: Option<ClassEntry>,
    /// For a trait: the associated type whose methods a type that implements it has, too.
    pub(crate) lends: Option<String>,
    pub(crate) runs_on_iterate: bool,
    pub(crate) runs_on_test: bool,
    pub(crate) runs_on_await: bool,
    pub(crate) runs_on_await_anew: bool,
    pub(crate) runs_on_index: bool,
    pub(crate) keeps_rows: bool,
    pub(crate) enumeration: bool,
    pub(crate) single: bool,
    /// Its paths name objects that the whole program shares.
    pub(crate) shared: bool,
    /// Its paths name an object whose attributes are upper-case variables of the project's modules.
    pub(crate) settings: bool,
    pub(crate) model: bool,
    pub(crate) abstract_if: Option<String>,
    pub(crate) key_column_if: Option<String>,
    /// The keyword of a column that has another value in each row.
    pub(crate) unique_column_if: Option<String>,
    /// What the key of rows is called whatever the class declares.
    pub(crate) key_columns: Vec<String>,
    pub(crate) ordered_if: Option<String>,
    pub(crate) child_relation: Option<PathNode>,
    pub(crate) serves_owner: bool,
    pub(crate) starts_from: Option<String>,
    /// Calling it with a class at this position gives a query of that model's rows.
    pub(crate) queries: Option<usize>,
    /// Attributes of an instance of a subclass that hold an argument it was made with.
    pub(crate) carries: BTreeMap<String, Vec<Position>>,
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

/// The relations that lead from rows to others, as they are written to load them.
#[derive(Default)]
pub(crate) struct Way<'a> {
    /// The class that has each relation, and the relation's name.
    pub(crate) hops: Vec<(&'a str, String)>,
    /// It leads to many rows.
    pub(crate) to_many: bool,
    /// What it starts from, if that isn't what the nearest query gives.
    pub(crate) outermost: Option<&'a str>,
}

impl Way<'_> {
    /// The names of its relations, as the library of some remedies joins them.
    fn path(&self, remedies: &Remedies) -> String {
        let separator = remedies.path_separator.as_deref().unwrap_or(".");
        let names: Vec<&str> = self.hops.iter().map(|(_, name)| name.as_str()).collect();
        names.join(separator)
    }
}

/// A way to declare relations.
#[derive(Debug)]
pub(crate) struct RelationInfo {
    pub(crate) leads_to: LeadsTo,
    pub(crate) direction: Option<Direction>,
    pub(crate) target: Option<String>,
    pub(crate) of_relations: bool,
    pub(crate) itself: Option<String>,
    pub(crate) manager: Option<Template>,
    pub(crate) reverse: Option<Reverse>,
    pub(crate) mirrors: Option<String>,
    pub(crate) strategy: Option<StrategyInfo>,
    pub(crate) prefetched: bool,
    /// It is not among all fields of its model.
    pub(crate) unlisted: bool,
    pub(crate) key: Option<String>,
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
    pub(crate) query_annotations: Vec<PathNode>,
    pub(crate) query_type: Template,
}

/// What reading an attribute gives.
#[derive(Clone, Debug)]
pub(crate) struct AttributeInfo {
    pub(crate) gives: Template,
    /// How many elements it has.
    pub(crate) bound: Option<BoundKind>,
    pub(crate) likely: bool,
    /// Other things have an attribute of this name, too: what a call gave is no such class.
    pub(crate) not_of_results: bool,
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
    pub(crate) fills: bool,
    pub(crate) decorates: Option<Decorates>,
    /// The world outside calls what it decorates, or the functions and classes among its arguments.
    pub(crate) enters: Option<EntryKind>,
    /// It counts the statements that are executed in it.
    pub(crate) counts: bool,
    pub(crate) leaves: bool,
    pub(crate) unless_keyword: Option<String>,
    pub(crate) names_type: Option<usize>,
    pub(crate) fails: bool,
    pub(crate) loads: Option<Loads>,
    pub(crate) mixes_in: Option<usize>,
    pub(crate) tests_class: bool,
    /// What testing it for truth gives, when that is always the same.
    pub(crate) given: Option<bool>,
    /// It says whether its receiver is given something (`true`) or nothing.
    pub(crate) tests_given: Option<bool>,
    /// It gives a query of no rows, which is never executed.
    pub(crate) empty: bool,
    /// It makes what shows the rows that its receiver lists.
    pub(crate) lists_own: bool,
    /// It shows rows through its receiver.
    pub(crate) shows: Option<ShownGiven>,
    /// As a decorator it says how what the function gives is shown.
    pub(crate) shows_returned: Option<ShownReturned>,
    /// As a decorator it names, by this keyword, the template that is rendered with what the function gives.
    pub(crate) renders_returned: Option<String>,
    /// As an attribute of an `impl`: its methods are called for each object of its type that one of them lists.
    pub(crate) resolves: bool,
    /// As a decorator it gives a class this type, as a base would.
    pub(crate) gives_base: Option<LibTy>,
    /// It gives this attribute of its receiver.
    pub(crate) gives_attribute: Option<String>,
    /// It gives the rows of the model that its receiver is registered for.
    pub(crate) gives_registered: bool,
    pub(crate) registers: Option<Registers>,
    /// It makes a text of each of its arguments.
    pub(crate) shows_text: bool,
    /// It gives a dictionary of its keyword arguments.
    pub(crate) gives_entries: bool,
    /// It gives a dictionary of the variables where it is called.
    pub(crate) gives_variables: bool,
    /// The position of an argument whose text the result stands for.
    pub(crate) stands_for: Option<usize>,
    /// The position of a text that says which elements of the first argument it gives.
    pub(crate) slices: Option<usize>,
    /// It gives what the template of its receiver, a page, is given unless the page adds to it.
    pub(crate) gives_context: bool,
    /// It gives the rows, or the row, that its receiver, a page, shows.
    pub(crate) gives_shown: bool,
    pub(crate) renders: Option<Renders>,
    pub(crate) registers_tag: Option<RegistersTag>,
    /// The argument that names an attribute of each element, which it reads.
    pub(crate) reads_each: Vec<Position>,
    pub(crate) writes_once: bool,
    /// The row is looked for among those that are held before the database is asked.
    pub(crate) looks_among_held: bool,
    /// It makes a condition of which its arguments need not all hold.
    pub(crate) loosens: bool,
    /// Its keyword arguments are attributes of the object that the method it decorates is called on.
    pub(crate) sets_attributes: bool,
    /// Its keyword arguments are columns, and what the rows have in them.
    pub(crate) finds_by_columns: bool,
    /// Its keyword arguments are columns that the rows get besides their own.
    pub(crate) names_columns: bool,
    /// What a keyword argument is called that says, when it is true, that none of the rows has the related row `{name}`.
    pub(crate) lacks: Option<String>,
    pub(crate) often_wanted: bool,
    pub(crate) uses_loaded: bool,
    pub(crate) uses_loaded_if_ordered: bool,
    /// What it gives cannot be told to load relations.
    pub(crate) loads_no_more: bool,
    /// The keyword argument without which what it gives cannot be told to load relations to many rows.
    pub(crate) loads_many_with: Option<String>,
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
    text_methods: [Option<String>; 2],
    class_attributes: [Option<String>; 2],
    sizes: [Vec<String>; 2],
    starts: [Option<String>; 2],
    never_hold: Vec<PathNode>,
    rounds: Vec<Rounds>,
    /// Settings that name a class: the path of the one they name unless somebody says otherwise.
    settings: BTreeMap<Box<str>, String>,
    stubs: Vec<SourceFile>,
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
    ($folder:literal: $($file:literal),* $(,)?) => {
        &[$(($file, include_str!(concat!("../../catalog/", $folder, $file)))),*]
    };
}

/// The catalogues that are part of the program, by file name.
pub static EMBEDDED: &[(&str, &str)] = embedded!["":
    "aiosqlite.toml",
    "asyncpg.toml",
    "dbapi.toml",
    "diesel.toml",
    "diesel_async.toml",
    "django.toml",
    "django_admin.toml",
    "django_filter.toml",
    "django_rest_framework.toml",
    "django_templates.toml",
    "django_views.toml",
    "flask.toml",
    "flask_sqlalchemy.toml",
    "frappe.toml",
    "graphene.toml",
    "libsql.toml",
    "marshmallow.toml",
    "mongodb.toml",
    "mongoengine.toml",
    "ninja.toml",
    "pandas.toml",
    "peewee.toml",
    "pony.toml",
    "postgres.toml",
    "pydantic.toml",
    "pyramid.toml",
    "python.toml",
    "redis.toml",
    "rusqlite.toml",
    "rust.toml",
    "rust_graphql.toml",
    "rust_mongodb.toml",
    "rust_redis.toml",
    "rust_web.toml",
    "scylla.toml",
    "sea_orm.toml",
    "sqlalchemy.toml",
    "sqlmodel.toml",
    "sqlx.toml",
    "strawberry.toml",
    "surrealdb.toml",
    "tasks.toml",
    "templates.toml",
    "tortoise.toml",
    "treebeard.toml",
];

/// Models that libraries declare, as stub files: their paths in what is installed, and their texts.
///
/// What they declare is known as if the project declared it: projects extend these models and refer to them.
pub static STUBS: &[(&str, &str)] = embedded!["stubs/":
    "django/contrib/auth/base_user.pyi",
    "django/contrib/auth/models.pyi",
    "django/contrib/contenttypes/models.pyi",
    "django/contrib/sites/models.pyi",
    "rest_framework/authtoken/models.pyi",
];

const fn slot(language: Language) -> usize {
    match language {
        // The values of templates are Python's.
        Language::Python | Language::Template => 0,
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

    /// Adds lowered stub files, each under the path that [`STUBS`] has it at.
    #[must_use]
    pub fn with_stubs(mut self, stubs: impl IntoIterator<Item = SourceFile>) -> Self {
        self.stubs.extend(stubs);
        self
    }

    pub(crate) fn stubs(&self) -> &[SourceFile] {
        &self.stubs
    }

    /// The path of the class that a setting names unless the project says otherwise.
    pub(crate) fn default_of(&self, setting: &str) -> Option<&str> {
        self.settings.get(setting).map(String::as_str)
    }

    /// Those settings and paths.
    pub(crate) fn defaults(&self) -> impl Iterator<Item = (&str, &str)> {
        self.settings.iter().map(|(name, path)| (&**name, path.as_str()))
    }

    /// What a template's variable says of the round of the loop around it, unless the template binds one of that name.
    pub(crate) fn rounds(&self, variable: &str) -> Option<&Rounds> {
        self.rounds.iter().find(|rounds| rounds.name == variable)
    }

    /// Whether an attribute of an instance is its class.
    pub(crate) fn is_class_attribute(&self, language: Language, name: &str) -> bool {
        self.class_attributes[slot(language)].as_deref() == Some(name)
    }

    /// The method that gives a value's text.
    pub(crate) fn text_method(&self, language: Language) -> Option<&str> {
        self.text_methods[slot(language)].as_deref()
    }

    /// Whether a type is one of whole numbers.
    pub(crate) fn is_size(&self, language: Language, name: &str) -> bool {
        self.sizes[slot(language)].iter().any(|size| size == name)
    }

    /// Whether something importable is a constant that does not hold when the program runs.
    pub(crate) fn never_holds(&self, node: PathNode) -> bool {
        self.never_hold.contains(&node)
    }

    /// The function at the top level of a file that a program starts with.
    pub(crate) fn starts_with(&self, language: Language) -> Option<&str> {
        self.starts[slot(language)].as_deref()
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

    /// Whether the database that a call asks runs inside the program's process.
    pub(crate) fn is_in_process(&self, call: CallId) -> bool {
        self.infos[self.call(call).catalog as usize].in_process
    }

    /// What the catalogue that describes a call is about.
    pub(crate) fn kind_of(&self, call: CallId) -> Kind {
        self.infos[self.call(call).catalog as usize].kind
    }

    /// How the call is batched: its own remedy, or its catalogue's for this access.
    pub(crate) fn remedy(&self, call: CallId, access: Access) -> Option<&str> {
        self.own_remedy(call)
            .or_else(|| self.remedy_of(self.call(call).catalog, access))
    }

    /// How a call is batched that is not batched as others of its library are.
    pub(crate) fn own_remedy(&self, call: CallId) -> Option<&str> {
        self.call(call).remedy.as_deref()
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

    /// Some way to declare relations, of those that there are as soon as there is a relation.
    pub(crate) const fn some_relation(&self) -> RelationKind {
        RelationKind(0)
    }

    /// The model of the library that has a way to declare relations.
    pub(crate) fn model_with(&self, kind: RelationKind) -> Option<LibTy> {
        let catalog = self.relation(kind).catalog;
        let mut types = (0..).map(LibTy).zip(&self.types);
        let found = types.find(|(_, info)| info.catalog == catalog && info.model);
        found.map(|(ty, _)| ty)
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

    /// The call that makes a query load a path of relations with its rows, where that is all it takes.
    pub(crate) fn appended(&self, kind: RelationKind, way: &Way<'_>) -> Option<String> {
        let remedies = &self.infos[self.relation(kind).catalog as usize].remedies;
        let call = if way.to_many {
            &remedies.append_many
        } else {
            &remedies.append_one
        };
        Some(call.as_deref()?.replace("{path}", &way.path(remedies)))
    }

    /// How a path of relations is loaded with its rows.
    pub(crate) fn eager_remedy(&self, kind: RelationKind, way: &Way<'_>) -> Option<String> {
        let remedies = &self.infos[self.relation(kind).catalog as usize].remedies;
        let whole = if way.to_many {
            &remedies.load_many
        } else {
            &remedies.load_one
        };
        let hop = remedies.load_hop.as_deref().unwrap_or_default();
        let spelled: Vec<String> = way
            .hops
            .iter()
            .map(|(model, name)| hop.replace("{model}", model).replace("{name}", name))
            .collect();
        let rows = way
            .outermost
            .map_or_else(|| "the rows".to_owned(), |model| format!("the rows of `{model}`"));
        let whole = whole.as_deref()?.replace("{path}", &way.path(remedies));
        Some(
            whole
                .replace("{hops}", &spelled.join("."))
                .replace("{rows}", &rows),
        )
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
        let named = own.get(name).or_else(|| {
            info.extends
                .iter()
                .find_map(|&base| self.attribute(base, name, on_class))
        });
        // Attributes that are made when they are read: `db.orders`.
        named.or_else(|| own.get(ANY_NAME))
    }

    /// What reading an attribute of a class gives that is not part of the project.
    pub(crate) fn class_shape(&self, language: Language, name: &str) -> Option<&AttributeInfo> {
        self.class_shapes[slot(language)].get(name)
    }
}
