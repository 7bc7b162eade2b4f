//! Abstract values: what is known of a value without running anything.

use std::sync::Arc;

use onequery_core::{FileId, Location, Name};
use serde::{Deserialize, Serialize};

use crate::catalog::{LibTy, PathNode};
use crate::models::RelId;
use crate::program::{ClassId, FnId, ScopeId};
use crate::record::Record;
use crate::rows::{RowSource, Rows};
use crate::sql::Statement;

/// A type, as far as it is known. `Unknown` is the top: nothing fires on it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub(crate) enum Ty {
    /// Nothing is known.
    #[default]
    Unknown,
    /// A number, a text, a flag: nothing that can query.
    Plain,
    /// An instance of a library type, with its type arguments.
    Lib(LibTy, Args),
    /// Something importable from outside the project: a module, class or function.
    External(PathNode),
    /// A class of the project, as an object.
    Class(ClassId),
    /// An instance of a class of the project.
    Instance(ClassId),
    /// `super()` inside a class: its bases.
    Super(ClassId),
    /// A function of the project; a closure when it has no name.
    Function(FnId),
    /// A module of the project.
    Module(ScopeId),
    /// A relation as an attribute of its class: `Author.books`.
    Relation(RelId),
    /// A fixed number of values.
    Tuple(Args),
}

/// Type arguments; most types have none.
pub(crate) type Args = Option<Arc<[Ty]>>;

/// How deep type arguments may nest; what is deeper is unknown, or a list that holds itself would grow for ever.
const MAX_TYPE_DEPTH: usize = 4;

impl Ty {
    /// A library type with arguments.
    pub(crate) fn lib(ty: LibTy, args: Vec<Self>) -> Self {
        Self::Lib(ty, pack(args))
    }

    pub(crate) fn tuple(parts: Vec<Self>) -> Self {
        Self::Tuple(pack(parts))
    }

    /// The type arguments or parts.
    pub(crate) fn args(&self) -> &[Self] {
        match self {
            Self::Lib(_, Some(args)) | Self::Tuple(Some(args)) => args,
            _ => &[],
        }
    }

    /// The type without what nests deeper than `levels`.
    fn cut(&self, levels: usize) -> Self {
        let Some(below) = levels.checked_sub(1) else {
            return Self::Unknown;
        };
        let cut = |args: &Args| {
            args.as_ref()
                .map(|args| args.iter().map(|arg| arg.cut(below)).collect())
        };
        match self {
            Self::Lib(ty, args) => Self::Lib(*ty, cut(args)),
            Self::Tuple(args) => Self::Tuple(cut(args)),
            other => other.clone(),
        }
    }

    /// The type with one class of the project in place of another.
    pub(crate) fn with_class(&self, from: ClassId, to: ClassId) -> Self {
        let within = |args: &Args| {
            args.as_ref()
                .map(|args| args.iter().map(|arg| arg.with_class(from, to)).collect())
        };
        match self {
            Self::Class(class) if *class == from => Self::Class(to),
            Self::Instance(class) if *class == from => Self::Instance(to),
            Self::Lib(ty, args) => Self::Lib(*ty, within(args)),
            Self::Tuple(args) => Self::Tuple(within(args)),
            other => other.clone(),
        }
    }

    fn depth(&self) -> usize {
        1 + self.args().iter().map(Self::depth).max().unwrap_or(0)
    }

    pub(crate) fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown)
    }

    /// A declared type, with what it leaves open as it was found out.
    pub(crate) fn completed_by(self, inferred: &Self) -> Self {
        let args = |declared: &[Self], inferred: &[Self]| {
            let longer = declared.len().max(inferred.len());
            let at = |args: &[Self], ix: usize| args.get(ix).cloned().unwrap_or_default();
            (0..longer)
                .map(|ix| at(declared, ix).completed_by(&at(inferred, ix)))
                .collect()
        };
        match (&self, inferred) {
            (Self::Unknown, known) => known.clone(),
            (Self::Lib(a, _), Self::Lib(b, _)) if a == b => Self::lib(*a, args(self.args(), inferred.args())),
            (Self::Tuple(_), Self::Tuple(_)) if self.args().len() == inferred.args().len() => {
                Self::tuple(args(self.args(), inferred.args()))
            }
            _ => self,
        }
    }

    /// What is known when a value is one or the other. Nothing yet (`Unknown` on one side of a branch that did not
    /// assign) keeps the other's type; two different types give `Unknown`.
    pub(crate) fn join(self, other: Self) -> Self {
        match (self, other) {
            (a, b) if a == b => a,
            (Self::Unknown, known) | (known, Self::Unknown) => known,
            (Self::Plain, known) | (known, Self::Plain) => known,
            (Self::Lib(a, x), Self::Lib(b, y)) if a == b => {
                let (x, y) = (x.unwrap_or_default(), y.unwrap_or_default());
                let longer = x.len().max(y.len());
                let at = |args: &[Self], ix: usize| args.get(ix).cloned().unwrap_or_default();
                Self::lib(a, (0..longer).map(|ix| at(&x, ix).join(at(&y, ix))).collect())
            }
            _ => Self::Unknown,
        }
    }
}

fn pack(mut args: Vec<Ty>) -> Args {
    if args.iter().all(Ty::is_unknown) && args.len() <= 1 {
        return None;
    }
    for arg in &mut args {
        if arg.depth() > MAX_TYPE_DEPTH {
            *arg = arg.cut(MAX_TYPE_DEPTH);
        }
    }
    Some(args.into())
}

/// A set of small indices. Index 63 stands for itself and everything above, which errs toward "depends".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Bits(pub(crate) u64);

impl Bits {
    /// The index that stands for all above it, too.
    pub(crate) const LAST: usize = 63;

    /// All indices.
    pub(crate) const ALL: Self = Self(u64::MAX);

    pub(crate) const fn one(ix: usize) -> Self {
        Self(1 << if ix > Self::LAST { Self::LAST } else { ix })
    }

    pub(crate) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(crate) const fn has(self, ix: usize) -> bool {
        self.0 & Self::one(ix).0 != 0
    }

    pub(crate) const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    pub(crate) const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.0 |= other.0;
    }

    pub(crate) const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The greatest index, unless it stands for others, too.
    pub(crate) const fn last(self) -> Option<usize> {
        match self.0.checked_ilog2() {
            Some(ix) if (ix as usize) < Self::LAST => Some(ix as usize),
            _ => None,
        }
    }

    /// The only index, when there is exactly one.
    pub(crate) fn only(self) -> Option<usize> {
        (self.0.count_ones() == 1).then(|| self.0.trailing_zeros() as usize)
    }

    pub(crate) fn indices(self) -> impl Iterator<Item = usize> {
        (0..=Self::LAST).filter(move |&ix| self.has(ix))
    }
}

/// What a value was computed from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Deps {
    /// Loop sites of this function whose element it comes from.
    pub(crate) loops: Bits,
    /// Loop sites during which it may change in ways that are not followed.
    pub(crate) varies: Bits,
    /// Parameters of this function.
    pub(crate) params: Bits,
    /// Queries of this function whose result it comes from.
    pub(crate) queries: Bits,
    /// Loop sites whose element it takes as a whole set of rows or keys: the loop is over batches.
    pub(crate) batched: Bits,
}

impl Deps {
    pub(crate) fn add(&mut self, other: Self) {
        self.loops.add(other.loops);
        self.varies.add(other.varies);
        self.params.add(other.params);
        self.queries.add(other.queries);
        self.batched.add(other.batched);
    }

    pub(crate) fn with(mut self, other: Self) -> Self {
        self.add(other);
        self
    }

    /// Of what an element of the innermost loop shares with all others of that loop.
    pub(crate) fn of_no_element(self) -> Self {
        let innermost = self.loops.last().map_or(Bits::default(), Bits::one);
        Self {
            loops: self.loops.without(innermost),
            varies: self.varies.without(innermost),
            ..self
        }
    }
}

/// How many elements iterating over a value gives, as far as it matters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Bound {
    /// It depends on data.
    #[default]
    Data,
    /// It depends on data, and a literal says how many they are at most: `books[:500]`.
    Limited,
    /// A fixed, small number: a literal, a constant, an enumeration.
    Constant,
    /// Batches of something, each to be handled by one query.
    Chunks,
    /// Pages, each fetched by one request.
    Pages,
}

/// Whether a value is one and the same object whenever it is read where it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum Held {
    /// It may be made anew.
    #[default]
    No,
    /// An object that is at hand holds it.
    Object,
    /// It is this parameter of the function at hand, or what that holds.
    Param(usize),
    /// It is a variable of a module or of a function around, or what that holds.
    Outside,
}

impl Held {
    /// What an attribute of a value that is held so is.
    pub(crate) const fn attribute(self) -> Self {
        match self {
            Self::No | Self::Object => Self::Object,
            Self::Param(_) | Self::Outside => self,
        }
    }

    /// The parameter.
    pub(crate) const fn param(self) -> Option<usize> {
        match self {
            Self::Param(param) => Some(param),
            Self::No | Self::Object | Self::Outside => None,
        }
    }
}

/// What a size or a comparison says of the loop it stands in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum Measure {
    #[default]
    None,
    /// The size of a collection, or a counter: `len(batch)`.
    Size,
    /// The number of the round: `{{ forloop.counter }}`.
    Round,
    /// True in one round only: `{% if forloop.first %}`.
    OneRound,
    /// A remainder: `number % 500`.
    Remainder,
    /// A size or remainder compared with something: `len(batch) >= 500`.
    Reached,
    /// The size of a collection that no round changes.
    Total,
    /// Compared with that: `ix < len(items)`.
    Passed,
}

/// An abstract value.
#[derive(Clone, Debug, Default, PartialEq, Hash, Serialize, Deserialize)]
pub(crate) struct Value {
    pub(crate) ty: Ty,
    pub(crate) deps: Deps,
    pub(crate) bound: Bound,
    pub(crate) measure: Measure,
    /// Recognised by its shape somewhere on the way.
    pub(crate) likely: bool,
    /// What executing it does, when it is a statement's text or was made from one.
    pub(crate) statement: Statement,
    /// The container it was looked up in: `cache` of `cache.get(key)`.
    pub(crate) looked_up: Option<Name>,
    /// It is the element of these sites, or all that such an element holds; not a part of it.
    pub(crate) whole: Bits,
    /// It is these parameters, or all that they hold.
    pub(crate) whole_params: Bits,
    /// Where rows or a query come from.
    pub(crate) origin: Option<Location>,
    /// The expression of a plain literal integer, `0` and `1` included.
    pub(crate) int: Option<i64>,
    /// What testing it for truth gives, when that is known; nothing counts as false.
    pub(crate) truth: Option<bool>,
    /// An error value: returning it is not a success.
    pub(crate) is_error: bool,
    /// It was executed and keeps its rows: using it again executes nothing.
    pub(crate) fetched: bool,
    /// What it belongs to.
    pub(crate) held: Held,
    /// Rows of a model in it.
    pub(crate) rows: Option<Arc<Rows>>,
    /// The text that it is, or the first of those in it: a name of the file.
    pub(crate) text: Option<(FileId, Name)>,
    /// What is known of the values in it when it is a dictionary, of those in its elements when it is a collection of
    /// dictionaries.
    pub(crate) record: Option<Arc<Record>>,
}

impl Value {
    /// A value of a type, from nothing.
    pub(crate) fn of(ty: Ty) -> Self {
        Self {
            ty,
            ..Self::default()
        }
    }

    /// The sites whose element it takes along as a whole when it is handed over as a set. Nothing is no set.
    pub(crate) fn batch(&self) -> Bits {
        if self.whole == Bits::ALL {
            Bits::default()
        } else {
            self.whole
        }
    }

    /// A literal number, text or flag.
    pub(crate) fn plain() -> Self {
        Self::of(Ty::Plain)
    }

    pub(crate) fn with_deps(mut self, deps: Deps) -> Self {
        self.deps.add(deps);
        self
    }

    /// The value with one class of the project in place of another.
    pub(crate) fn with_class(self, from: ClassId, to: ClassId) -> Self {
        let rows = self.rows.map(|mut rows| {
            if rows.model == Some(from) {
                Arc::make_mut(&mut rows).model = Some(to);
            }
            rows
        });
        Self {
            ty: self.ty.with_class(from, to),
            rows,
            ..self
        }
    }

    /// What a call gave: what the call depends on, all that is in it depends on.
    pub(crate) fn given_by_call(self, deps: Deps) -> Self {
        let record = self.map_record(|value| value.clone().given_by_call(deps));
        Self { record, ..self }.with_deps(deps)
    }

    /// What another function may know of it: names, loops and parameters have a meaning in their own function only.
    pub(crate) fn exported(&self) -> Self {
        let mut value = self.returned();
        value.forget_param_rows();
        value
    }

    /// Whether another function could learn something from it.
    pub(crate) fn says_something(&self) -> bool {
        let is_typed = !matches!(self.ty, Ty::Unknown | Ty::Plain);
        is_typed || self.rows.is_some() || self.record.is_some() || self.text.is_some()
    }

    /// Whether another says the same, as far as other functions may know of it.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let same_record = match (&self.record, &other.record) {
            (Some(a), Some(b)) => a.is_same(b),
            (a, b) => a.is_none() && b.is_none(),
        };
        same_record
            && self.ty == other.ty
            && self.bound == other.bound
            && self.likely == other.likely
            && self.int == other.int
            && self.statement == other.statement
            && self.rows == other.rows
            && self.text == other.text
    }

    /// What a caller may know of it, who knows what the parameters were given.
    pub(crate) fn returned(&self) -> Self {
        Self {
            deps: Deps::default(),
            whole: Bits::default(),
            whole_params: Bits::default(),
            looked_up: None,
            fetched: false,
            held: Held::No,
            record: self.map_record(Self::returned),
            ..self.clone()
        }
    }

    /// What is known of the values in it, each changed.
    pub(crate) fn map_record(&self, change: impl Fn(&Self) -> Self) -> Option<Arc<Record>> {
        let record = self.record.as_ref()?;
        Some(Arc::new(record.map(change)))
    }

    /// Forgets rows that came in through a parameter, which means nothing in another function.
    pub(crate) fn forget_param_rows(&mut self) {
        if matches!(
            self.rows.as_deref(),
            Some(Rows {
                source: RowSource::Param(_),
                ..
            })
        ) {
            self.rows = None;
        }
        self.record = self.map_record(|value| {
            let mut value = value.clone();
            value.forget_param_rows();
            value
        });
    }

    /// What is known when it is one or the other.
    pub(crate) fn join(self, other: Self) -> Self {
        Self {
            ty: self.ty.join(other.ty),
            deps: self.deps.with(other.deps),
            bound: if self.bound == other.bound {
                self.bound
            } else {
                Bound::Data
            },
            measure: if self.measure == other.measure {
                self.measure
            } else {
                Measure::None
            },
            likely: self.likely || other.likely,
            statement: if self.statement == other.statement {
                self.statement
            } else {
                Statement::Unknown
            },
            whole: Bits(self.whole.0 & other.whole.0),
            whole_params: Bits(self.whole_params.0 & other.whole_params.0),
            looked_up: if self.looked_up == other.looked_up {
                self.looked_up
            } else {
                None
            },
            origin: self.origin.min(other.origin).or(self.origin).or(other.origin),
            int: if self.int == other.int { self.int } else { None },
            truth: if self.truth == other.truth {
                self.truth
            } else {
                None
            },
            is_error: self.is_error && other.is_error,
            fetched: self.fetched && other.fetched,
            held: if self.held == other.held {
                self.held
            } else {
                Held::No
            },
            rows: join_rows(self.rows, other.rows),
            text: if self.text == other.text { self.text } else { None },
            record: match (self.record, other.record) {
                (Some(a), Some(b)) if Arc::ptr_eq(&a, &b) => Some(a),
                (Some(a), Some(b)) => Some(Arc::new(Arc::unwrap_or_clone(a).join(&b))),
                (a, b) => a.or(b),
            },
        }
    }
}

/// Rows on one side of a branch only stay known, like types.
pub(crate) fn join_rows(a: Option<Arc<Rows>>, b: Option<Arc<Rows>>) -> Option<Arc<Rows>> {
    match (a, b) {
        (Some(a), Some(b)) if a == b => Some(a),
        (Some(none), Some(some)) | (Some(some), Some(none)) if none.source == RowSource::Empty => Some(some),
        // Two that do not fit stay unknown, whatever a third branch says.
        (Some(a), Some(b)) => {
            let joined = (*a).clone().join(&b);
            Some(Arc::new(
                joined.unwrap_or_else(|| Rows::from(RowSource::Unknown, None)),
            ))
        }
        (known, None) | (None, known) => known,
    }
}
