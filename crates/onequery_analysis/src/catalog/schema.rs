//! The form of a catalogue file: what a person writes in `catalog/*.toml`.
//!
//! Unknown keys are errors, so that a misspelt fact cannot be silently absent.

use serde::Deserialize;

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
    /// `orm`, `driver` or `std`: what the README's table lists it under.
    pub(super) kind: Kind,
    /// Versions the facts were checked against.
    #[serde(default)]
    pub(super) versions: String,
    /// Where the facts come from.
    #[serde(default)]
    pub(super) source: String,
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
}

/// What a catalogue describes.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// An object-relational mapper.
    Orm,
    /// A database driver or client.
    Driver,
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
    /// What executes it implicitly.
    #[serde(default)]
    pub(super) runs_on: RunsOn,
    /// Once executed it keeps its rows: using the same value again executes nothing.
    #[serde(default)]
    pub(super) keeps_rows: bool,
    /// Subclasses of it have a fixed, small number of members: an enumeration.
    #[serde(default)]
    pub(super) enumeration: bool,
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
}

/// What a call executes.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Hash, PartialOrd, Ord)]
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
    /// As given by literal arguments: `range(3)`.
    Range,
    /// Batches of the first argument (or the receiver).
    Chunks,
    /// Pages, each fetched by one request.
    Pages,
    /// A fixed, small number.
    Few,
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
    /// What it makes of a function that it decorates.
    pub(super) decorates: Option<Decorates>,
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
    /// How this very call is batched, when the catalogue's own remedies do not fit.
    pub(super) remedy: Option<String>,
    /// Recognised by its shape: right in most code, not in all.
    #[serde(default)]
    pub(super) likely: bool,
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
}

/// An attribute that is read, not called.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Attribute {
    /// Types; `class:TYPE` for the class object; `class:?` for a class that is not part of the project.
    pub(super) on: Vec<String>,
    pub(super) name: Vec<String>,
    pub(super) gives: String,
    #[serde(default)]
    pub(super) likely: bool,
}
