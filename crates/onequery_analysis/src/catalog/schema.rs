//! The form of a catalogue file: what a person writes in `catalog/*.toml`.
//!
//! Unknown keys are errors, so that a misspelt fact cannot be silently absent.

use std::collections::BTreeMap;

use onequery_core::EntryKind;
use serde::{Deserialize, Deserializer, Serialize};

use super::presentations::{
    Field, Lists, Page, Registers, RegistersTag, Renders, ShownGiven, ShownReturned, Shows, Table, Walks,
};

/// One catalogue file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    /// Prefix of its types: `django` of `django.QuerySet`.
    pub(super) id: String,
    /// For people.
    pub(super) title: String,
    /// `python` or `rust`.
    pub(super) language: String,
    /// `orm`, `driver`, `framework` or `std`: what the README's table lists it under.
    pub(super) kind: Kind,
    /// Versions the facts were checked against.
    #[serde(default)]
    pub(super) versions: String,
    /// Where the facts come from.
    #[serde(default)]
    pub(super) source: String,
    /// The database runs inside the program's process: a query costs no round trip.
    #[serde(default)]
    pub(super) in_process: bool,
    /// Import roots that show that a project uses it.
    #[serde(default)]
    pub(super) packages: Vec<String>,
    #[serde(default)]
    pub(super) remedies: Remedies,
    #[serde(default)]
    pub(super) literals: Option<Literals>,
    #[serde(default, rename = "type")]
    pub(super) types: Vec<Type>,
    #[serde(default, rename = "function")]
    pub(super) functions: Vec<Call>,
    #[serde(default, rename = "method")]
    pub(super) methods: Vec<Call>,
    #[serde(default, rename = "attribute")]
    pub(super) attributes: Vec<Attribute>,
    #[serde(default, rename = "relation")]
    pub(super) relations: Vec<Relation>,
    #[serde(default)]
    pub(super) rounds: Vec<Rounds>,
    #[serde(default, rename = "setting")]
    pub(super) settings: Vec<Setting>,
}

/// What a catalogue describes.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// An object-relational mapper.
    Orm,
    /// A database driver or client.
    Driver,
    /// What walks over rows for the project: a web framework, an administration site.
    Framework,
    /// The language's own library, or one that only passes values on.
    Std,
}

/// How a batch is spelled, by what would be batched. Phrases that complete "…; " in a finding's help.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Remedies {
    pub(super) read: Option<String>,
    pub(super) write: Option<String>,
    pub(super) commit: Option<String>,
    /// What loads a relation to one row together with the rows. `{path}` is the path of relations, `{hops}` one
    /// [`Remedies::load_hop`] for each of them, `{rows}` "the rows", with their model where other rows are nearer.
    pub(super) load_one: Option<String>,
    /// What loads a path of relations that leads to many rows.
    pub(super) load_many: Option<String>,
    /// The call that is added to a query to load a relation to one row, where that is all: `.select_related("{path}")`.
    pub(super) append_one: Option<String>,
    /// The same for a path of relations that leads to many rows.
    pub(super) append_many: Option<String>,
    /// One relation of `{hops}`: `{model}` is the class that has it, `{name}` its name. Hops are joined by dots.
    pub(super) load_hop: Option<String>,
    /// What loads a column, `{name}`, that was left out.
    pub(super) load_column: Option<String>,
    /// What keeps a loaded relation from being asked for again.
    pub(super) defeated: Option<String>,
    /// What stands between the relations of `{path}`.
    pub(super) path_separator: Option<String>,
}

/// Which types the literals of a language have. Only the language's own catalogue has this table.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Literals {
    pub(super) list: String,
    pub(super) set: String,
    pub(super) dict: String,
    pub(super) generator: String,
    pub(super) range: String,
    /// The method that gives a value's text.
    pub(super) text_method: Option<String>,
    /// The attribute of an instance that is its class: `__class__`.
    pub(super) class_attribute: Option<String>,
    /// The types of sizes and other whole numbers.
    #[serde(default)]
    pub(super) sizes: Vec<String>,
    /// The function at the top level of a file that a program starts with.
    pub(super) starts_with: Option<String>,
    /// The paths of constants that do not hold when the program runs.
    #[serde(default)]
    pub(super) never_holds: Vec<String>,
}

/// What a template knows of the round of the loop around it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rounds {
    /// The variable that has it: `forloop`.
    pub(crate) name: String,
    /// Its attributes that number the rounds.
    pub(crate) numbers: Vec<String>,
    /// Its attributes that are true in one round only.
    pub(crate) one_round: Vec<String>,
}

/// A setting whose text names a class.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Setting {
    pub(super) name: String,
    /// The path of the class that it names when no module says otherwise.
    pub(super) default: String,
}

/// A type that values can have.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Type {
    pub(super) name: String,
    /// Where it can be imported from; calling such a path makes an instance.
    #[serde(default)]
    pub(super) paths: Vec<String>,
    /// Types whose methods it has, too.
    #[serde(default)]
    pub(super) extends: Vec<String>,
    /// What iterating over it gives.
    pub(super) item: Option<String>,
    /// What `await` or `?` gives.
    pub(super) inner: Option<String>,
    /// What `with … as x` gives; the value itself unless said.
    pub(super) enter: Option<String>,
    /// What calling an instance gives.
    pub(super) call: Option<String>,
    /// What subscripting gives; with `runs_on.index` that executes it.
    pub(super) index: Option<String>,
    /// It only wraps its first parameter: `Arc<T>` is a `T`.
    #[serde(default)]
    pub(super) transparent: bool,
    /// It leads to a database: what is given one may query.
    #[serde(default)]
    pub(super) connection: bool,
    /// For a trait: the associated type whose methods a type that implements it has, too.
    pub(super) lends: Option<String>,
    /// What its subclasses do with each row that they show.
    pub(super) shows: Option<Shows>,
    /// What its subclasses list, each row by itself.
    pub(super) lists: Option<Lists>,
    /// How its subclasses show the rows of the model that they are registered for.
    pub(super) table: Option<Table>,
    /// Which rows its subclasses walk over, and what they ask of each.
    pub(super) walks: Option<Walks>,
    /// How its subclasses render a template: a page.
    pub(super) page: Option<Page>,
    /// What one of the fields of a class that shows rows is, when it is declared as a value of this type.
    pub(super) field: Option<Field>,
    /// The world outside calls the methods of its subclasses: a view, a command.
    pub(super) entry: Option<ClassEntry>,
    /// What executes it implicitly.
    #[serde(default)]
    pub(super) runs_on: RunsOn,
    /// Once executed it keeps its rows: using the same value again executes nothing.
    #[serde(default)]
    pub(super) keeps_rows: bool,
    /// Subclasses of it have a fixed, small number of members: an enumeration.
    #[serde(default)]
    pub(super) enumeration: bool,
    /// It holds one element at most.
    #[serde(default)]
    pub(super) single: bool,
    /// Its paths name objects that the whole program shares, and not classes.
    #[serde(default)]
    pub(super) shared: bool,
    /// Its paths name an object whose attributes are upper-case variables of the project's modules.
    #[serde(default)]
    pub(super) settings: bool,
    /// Instances of subclasses are rows, which have relations.
    #[serde(default)]
    pub(super) model: bool,
    /// Subclasses that set this attribute to true have no rows of their own: `Meta.abstract`.
    pub(super) abstract_if: Option<String>,
    /// The keyword of a column that is the key, which every query loads.
    pub(super) key_column_if: Option<String>,
    /// The keyword of a column that has another value in each row.
    pub(super) unique_column_if: Option<String>,
    /// What the key of rows is called whatever the class declares.
    #[serde(default)]
    pub(super) key_columns: Vec<String>,
    /// Subclasses that have this attribute give their rows in order: `Meta.ordering`.
    pub(super) ordered_if: Option<String>,
    /// The path of the relation that a model has to each model that extends it, if it has one.
    pub(super) child_relation: Option<String>,
    /// As an attribute of a model it gives that model's rows: a manager.
    #[serde(default)]
    pub(super) serves_owner: bool,
    /// A method that a subclass overrides to say which rows the other methods start from.
    pub(super) starts_from: Option<String>,
    /// Calling it with a class at this position gives a query of that model's rows.
    pub(super) queries: Option<usize>,
    /// Attributes of an instance of a subclass that hold what it was made of: of these arguments the first that is given.
    #[serde(default)]
    pub(super) carries: BTreeMap<String, Vec<Position>>,
}

/// A class whose methods the world outside calls.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClassEntry {
    #[serde(deserialize_with = "entry_kind")]
    pub(crate) kind: EntryKind,
    /// People know it by the file that it stands in, not by its own name.
    #[serde(default)]
    pub(crate) named_by_file: bool,
}

/// The word of an [`EntryKind`].
fn entry_kind<'de, D: Deserializer<'de>>(deserializer: D) -> Result<EntryKind, D::Error> {
    let word = String::deserialize(deserializer)?;
    let mut kinds = EntryKind::ALL.into_iter();
    kinds.find(|kind| kind.id() == word).ok_or_else(|| {
        let known = EntryKind::ALL.map(EntryKind::id).join("`, `");
        serde::de::Error::custom(format!("unknown kind of entry `{word}`; there are `{known}`"))
    })
}

fn some_entry_kind<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<EntryKind>, D::Error> {
    entry_kind(deserializer).map(Some)
}

/// Implicit executions of a value.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RunsOn {
    #[serde(default)]
    pub(super) iterate: bool,
    #[serde(default)]
    pub(super) test: bool,
    #[serde(default)]
    pub(super) index: bool,
    /// `await`, which gives `inner`.
    #[serde(default)]
    pub(super) awaited: bool,
    /// `await` executes it although its rows were loaded before.
    #[serde(default)]
    pub(super) awaited_anew: bool,
}

/// What a call executes.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    /// Reads rows, or a statement that cannot be told apart.
    Read,
    /// Changes rows.
    Write,
    /// Ends a transaction.
    Commit,
}

/// When a callback runs.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Runs {
    /// Once per element of something.
    Each,
    /// At most once per call.
    Once,
    /// At most once per distinct key.
    Memo,
}

/// A callback argument.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Callback {
    /// Position, or the name of a keyword argument.
    pub(super) arg: Position,
    pub(super) runs: Runs,
    /// Types of its parameters.
    #[serde(default)]
    pub(super) gets: Vec<String>,
    /// The position of the argument whose elements it sees; the receiver unless said.
    pub(super) over: Option<usize>,
}

/// A positional or keyword argument.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(untagged)]
pub(crate) enum Position {
    /// By position, without the receiver.
    Index(usize),
    /// By keyword.
    Keyword(String),
}

/// A condition on an argument.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct When {
    /// Which argument; any one when left out.
    pub(super) arg: Option<usize>,
    /// Type names, `class:TYPE` for a subclass of one, or `sql` for a text that begins like a statement.
    pub(super) is: Vec<String>,
}

/// How many elements iterating over a result gives, as far as a loop over it is concerned.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum BoundKind {
    /// As many as the first argument (or the receiver) has.
    Passes,
    /// As many as the shortest argument has: `zip`.
    Shortest,
    /// As many as all arguments, and the receiver, have together: `chain`.
    Together,
    /// As given by literal arguments: `range(3)`.
    Range,
    /// Batches of the first argument (or the receiver).
    Chunks,
    /// Pages, each fetched by one request.
    Pages,
    /// A fixed, small number.
    Few,
    /// At most as many as the first argument says, or as the receiver has.
    Limit,
}

/// What calling something does: a `[[function]]` has a `path`, a `[[method]]` has `on` and `name`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Call {
    /// Where a function can be imported from. A macro's name ends in `!`.
    #[serde(default)]
    pub(super) path: Vec<String>,
    /// Types; `class:TYPE` for the class object; `?` for a receiver of unknown type.
    #[serde(default)]
    pub(super) on: Vec<String>,
    /// Method names.
    #[serde(default)]
    pub(super) name: Vec<String>,
    /// What an argument must be for the entry to hold.
    pub(super) when: Option<When>,
    /// What it executes.
    pub(super) runs: Option<Access>,
    /// The position of an argument that is a statement's text, whose verb decides between read and write.
    pub(super) sql: Option<usize>,
    /// The type of the result; unknown unless said.
    pub(super) gives: Option<String>,
    /// An argument that is called back.
    pub(super) callback: Option<Callback>,
    /// Arguments that are iterated over, by position; `"self"` is the receiver.
    #[serde(default)]
    pub(super) consumes: Vec<Consumed>,
    /// Arguments that are taken as a whole set of rows or keys, by position: `insert_many(rows)`.
    #[serde(default)]
    pub(super) takes_all: Vec<usize>,
    /// Keyword arguments that are, by the end of their name: `id__in=ids`.
    pub(super) takes_all_suffix: Option<String>,
    /// How many elements the result has.
    pub(super) bound: Option<BoundKind>,
    /// Sleeps, or waits for a message: a loop around it is a poller.
    #[serde(default)]
    pub(super) paces: bool,
    /// Takes the next element of what it is called on: a `while` around it is a loop over elements.
    #[serde(default)]
    pub(super) takes: bool,
    /// Gives a number of elements: `len(batch)`.
    #[serde(default)]
    pub(super) measures: bool,
    /// Stops asking for elements once it knows the answer: `any`, `next`.
    #[serde(default)]
    pub(super) stops: bool,
    /// Adds to what it is called on: a literal that grows is no constant.
    pub(super) grows: Option<Grows>,
    /// Looks a key up in what it is called on.
    #[serde(default)]
    pub(super) looks_up: bool,
    /// Fills the place that it is called on, which was looked up in a container.
    #[serde(default)]
    pub(super) fills: bool,
    /// What it makes of a function that it decorates.
    pub(super) decorates: Option<Decorates>,
    /// As a decorator of a method: its keyword arguments are attributes of the object that the method is called on.
    #[serde(default)]
    pub(super) sets_attributes: bool,
    /// The world outside calls the function or class that it decorates, or those among its arguments.
    #[serde(default, deserialize_with = "some_entry_kind")]
    pub(super) enters: Option<EntryKind>,
    /// Counts the statements that are executed in it, and fails when they are too many: a test's guard.
    #[serde(default)]
    pub(super) counts: bool,
    /// Does not come back: the path ends with an error.
    #[serde(default)]
    pub(super) leaves: bool,
    /// Makes an error: returning it is not a success.
    #[serde(default)]
    pub(super) fails: bool,
    /// A keyword argument whose presence means that nothing is executed.
    pub(super) unless_keyword: Option<String>,
    /// The position of the argument whose type the result is another name of: `NewType("Key", int)`.
    pub(super) names_type: Option<usize>,
    /// The position of a class whose methods the class that it is called on gets, too.
    pub(super) mixes_in: Option<usize>,
    /// Whether its first argument is an instance of its second.
    #[serde(default)]
    pub(super) tests_class: bool,
    /// What testing it for truth gives, when that is always the same.
    pub(super) given: Option<bool>,
    /// It says whether its receiver is given something (`true`) or nothing.
    pub(super) tests_given: Option<bool>,
    /// It gives a query of no rows, which is never executed.
    #[serde(default)]
    pub(super) empty: bool,
    /// It makes what shows the rows that its receiver lists.
    #[serde(default)]
    pub(super) lists_own: bool,
    /// It shows rows through its receiver: a class that shows rows, or an instance of one.
    pub(super) shows: Option<ShownGiven>,
    /// As a decorator: what the function gives is shown as its declared type says, or as this keyword of the decorator does.
    pub(super) shows_returned: Option<ShownReturned>,
    /// As a decorator: what the function gives is what the template is given that this keyword of the decorator names.
    pub(super) renders_returned: Option<String>,
    /// As an attribute of an `impl`: its methods are called for each object of its type that one of them lists.
    #[serde(default)]
    pub(super) resolves: bool,
    /// As a decorator it gives a class this type, as a base would.
    pub(super) gives_base: Option<String>,
    /// It gives this attribute of its receiver.
    pub(super) gives_attribute: Option<String>,
    /// It gives the rows of the model that its receiver is registered for.
    #[serde(default)]
    pub(super) gives_registered: bool,
    pub(super) registers: Option<Registers>,
    /// It makes a text of each of its arguments.
    #[serde(default)]
    pub(super) shows_text: bool,
    /// It gives a dictionary of its keyword arguments.
    #[serde(default)]
    pub(super) gives_entries: bool,
    /// It gives a dictionary of the variables where it is called.
    #[serde(default)]
    pub(super) gives_variables: bool,
    /// The position of an argument whose text the result stands for: a template by its name.
    pub(super) stands_for: Option<usize>,
    /// The position of a text that says which elements of the first argument it gives: `"2:5"`.
    pub(super) slices: Option<usize>,
    /// It gives what the template of its receiver, a page, is given unless the page adds to it.
    #[serde(default)]
    pub(super) gives_context: bool,
    /// It gives the rows, or the row, that its receiver, a page, shows.
    #[serde(default)]
    pub(super) gives_shown: bool,
    /// It renders a template.
    pub(super) renders: Option<Renders>,
    /// As a decorator it makes a function known to templates.
    pub(super) registers_tag: Option<RegistersTag>,
    /// The arguments that may name an attribute of each element of the first argument, which it reads.
    #[serde(default)]
    pub(super) reads_each: Vec<Position>,
    /// It writes only what is not there yet: with unchanging arguments it writes once, and reads after that.
    #[serde(default)]
    pub(super) writes_once: bool,
    /// The row is looked for among those that are held before the database is asked.
    #[serde(default)]
    pub(super) looks_among_held: bool,
    /// It makes a condition of which its arguments need not all hold: `or_(…)`, `not_(…)`.
    #[serde(default)]
    pub(super) loosens: bool,
    /// Its keyword arguments are columns, and what the rows have in them: `filter(title=…)`.
    #[serde(default)]
    pub(super) finds_by_columns: bool,
    /// Its keyword arguments are columns that the rows get besides their own: `annotate(total=…)`.
    #[serde(default)]
    pub(super) names_columns: bool,
    /// What a keyword argument is called that says, when it is true, that none of the rows has the related row `{name}`.
    pub(super) lacks: Option<String>,
    /// What it loads together with the rows.
    pub(super) loads: Option<Loads>,
    /// On rows that were loaded before it asks nothing.
    #[serde(default)]
    pub(super) uses_loaded: bool,
    /// The same, if they are sorted.
    #[serde(default)]
    pub(super) uses_loaded_if_ordered: bool,
    /// What it gives, or a row of that, cannot be told to load relations with its rows: `union`.
    #[serde(default)]
    pub(super) loads_no_more: bool,
    /// The keyword argument without which what it gives cannot be told to load relations to many rows: `chunk_size` of
    /// `iterator`.
    pub(super) loads_many_with: Option<String>,
    /// It reads the attribute of its first argument that its second argument names.
    #[serde(default)]
    pub(super) reads_attribute: bool,
    /// How this very call is batched, when the catalogue's own remedies do not fit.
    pub(super) remedy: Option<String>,
    /// Recognised by its shape: right in most code, not in all.
    #[serde(default)]
    pub(super) likely: bool,
    /// Often wanted once per element: a transaction that isolates one element's failure from the others'.
    #[serde(default)]
    pub(super) often_wanted: bool,
}

/// An argument that is iterated over.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(untagged)]
pub(crate) enum Consumed {
    /// By position.
    Arg(usize),
    /// `"self"`: the receiver.
    Receiver(Receiver),
}

/// The one word [`Consumed::Receiver`] is written as.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
pub(crate) enum Receiver {
    /// The receiver.
    #[serde(rename = "self")]
    Receiver,
}

/// How much a call adds to what it is called on.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Grows {
    /// One element.
    One,
    /// As many as its argument has.
    Many,
}

/// What a decorator makes of a function.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Decorates {
    /// Reading it calls it.
    Property,
    /// Reading it the first time calls it.
    CachedProperty,
    /// It has no receiver.
    Static,
    /// Its receiver is the class.
    Class,
    /// What it returns is an attribute of the class, as if it were written there.
    Attribute,
    /// It keeps what it gave: calling it again with the same arguments does nothing.
    Memoised,
    /// Calling it gives what `with` around the call gives: what it yields.
    ContextManager,
    /// Its parameters are what a person types on a command line.
    CommandLine,
    /// Subclasses say what it does.
    Abstract,
}

/// An attribute that is read, not called.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Attribute {
    /// Types; `class:TYPE` for the class object; `class:?` for a class that is not part of the project.
    pub(super) on: Vec<String>,
    /// Its names; `*` for all others.
    pub(super) name: Vec<String>,
    pub(super) gives: String,
    /// How many elements it has.
    pub(super) bound: Option<BoundKind>,
    #[serde(default)]
    pub(super) likely: bool,
    /// Other things have an attribute of this name, too: what a call gave is no such class.
    #[serde(default)]
    pub(super) not_of_results: bool,
}

/// What a call loads eagerly.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Loads {
    /// What the arguments are.
    pub(crate) from: LoadsFrom,
    /// The only keyword argument that counts.
    pub(crate) keyword: Option<String>,
    /// How many arguments come before the first that counts.
    #[serde(default)]
    pub(crate) skip: usize,
    /// What stands between the relations of a path.
    pub(crate) separator: Option<String>,
    /// Without arguments it loads all relations that lead to one row.
    #[serde(default)]
    pub(crate) bare_loads_to_one: bool,
    /// The position of an argument whose rows it loads into; what it gives unless said.
    pub(crate) into: Option<usize>,
    /// It loads into the rows of its receiver.
    #[serde(default)]
    pub(crate) into_receiver: bool,
    /// A keyword that gives what is loaded another name than the relation's.
    pub(crate) renamed_by: Option<String>,
    /// The text that stands for any relation.
    pub(crate) any_relation: Option<String>,
    /// It only walks along the relation: what follows is loaded, the relation itself is not.
    #[serde(default)]
    pub(crate) only_walks: bool,
}

/// What the arguments of a [`Loads`] are.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum LoadsFrom {
    /// Texts: `select_related("author__country")`; or what another such call made.
    Paths,
    /// Attributes of models: `selectinload(Author.books)`.
    Relations,
    /// What other such calls made: `options(selectinload(…))`.
    Options,
    /// Classes: all relations that lead to one row of them.
    Models,
    /// Something that is not followed: any relation may be loaded.
    Others,
    /// They do not say it: any relation may be loaded, also without arguments.
    Any,
    /// Columns: the others are left out.
    Columns,
    /// Columns that are left out.
    AllColumnsBut,
    /// Nothing that says what is loaded.
    Nothing,
}

/// A call that declares a relation as an attribute of a model.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Relation {
    /// Where it can be imported from.
    #[serde(default)]
    pub(super) path: Vec<String>,
    /// Types that have it as a method: `db.relationship`.
    #[serde(default)]
    pub(super) on: Vec<String>,
    /// Its name as a method.
    #[serde(default)]
    pub(super) name: Vec<String>,
    /// How many rows it leads to.
    pub(super) leads_to: LeadsTo,
    /// What a relation that leads to `declared` many rows is decided by when it has no annotation.
    pub(super) direction: Option<Direction>,
    /// The keyword of the target, which is also the first positional argument.
    pub(super) target: Option<String>,
    /// Its target is a declaration of its own, and it leads where that leads: a list of references.
    #[serde(default)]
    pub(super) of_relations: bool,
    /// The target's text that means the declaring class.
    pub(super) itself: Option<String>,
    /// What reading a side that leads to many gives, `$0` being the row; a list that is loaded on reading unless said.
    pub(super) manager: Option<String>,
    /// The other side.
    pub(super) reverse: Option<Reverse>,
    /// The keyword that names the other side's own declaration.
    pub(super) mirrors: Option<String>,
    /// The keyword that says how it is loaded.
    pub(super) strategy: Option<Strategy>,
    /// Though it leads to one row it is loaded as those to many rows are: what it leads to is of any model.
    #[serde(default)]
    pub(super) prefetched: bool,
    /// It is not among all fields of its model.
    #[serde(default)]
    pub(super) unlisted: bool,
    /// The column that holds the key of a relation that leads to one row; `{name}` is the relation.
    pub(super) key: Option<String>,
    /// The keyword that says, when true, that there may be no row.
    pub(super) optional_if: Option<String>,
    /// A keyword whose dictionary has further keywords of the declaration.
    pub(super) more_keywords: Option<String>,
    /// A row that was reached through the relation does not know the row that it was reached from.
    #[serde(default)]
    pub(super) forgets_other_side: bool,
    /// Rows that are in memory are found by their key: reading asks once per distinct row, not once per element.
    #[serde(default)]
    pub(super) finds_by_key: bool,
}

/// How many rows a relation leads to.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum LeadsTo {
    One,
    Many,
    /// As many as the annotation says, or else the [`Direction`].
    Declared,
}

/// What decides how many rows a relation leads to.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Direction {
    /// A keyword that is true for many rows and false for one.
    pub(crate) flag: String,
    /// Keywords that only relations to many rows have.
    pub(crate) many_if: Vec<String>,
    /// Keywords that only relations to one row have.
    pub(crate) one_if: Vec<String>,
    /// The class attribute that names the table, for finding out which side holds the foreign key.
    pub(crate) table_name: String,
}

/// The side of a relation that the target's class gets.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reverse {
    /// The keyword that names it.
    pub(crate) named_by: String,
    /// Its name when nothing names it; none unless said.
    pub(crate) default: Option<String>,
    /// What stands for the declaring class, in lower case, in a name.
    #[serde(default)]
    pub(crate) model_holes: Vec<String>,
    /// What stands for the folder of the declaring class in a name.
    #[serde(default)]
    pub(crate) folder_holes: Vec<String>,
    /// A name that ends so means that there is no other side.
    pub(crate) hidden_suffix: Option<String>,
    /// How many rows it leads to.
    pub(crate) leads_to: LeadsTo,
}

/// The values of a keyword that says how a relation is loaded.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Strategy {
    /// The keyword.
    pub(crate) keyword: String,
    /// Values that load it with its rows, or that refuse to load it one by one.
    pub(crate) loaded: Vec<String>,
    /// Values that make reading it give a query, and that query's type.
    pub(crate) query: Vec<String>,
    /// The paths of annotations that say the same.
    #[serde(default)]
    pub(crate) query_annotations: Vec<String>,
    /// The type of that query.
    pub(crate) query_type: String,
}
