//! Rows of models: which query they come from, and which of their relations were loaded with them.

use std::sync::Arc;

use onequery_core::Location;
use serde::{Deserialize, Serialize};

use crate::models::RelId;
use crate::program::ClassId;

/// How many relations in a row are followed; a longer path is not known any more.
const MAX_PATH: usize = 6;

/// How many relations that were not loaded are followed back to the rows before them.
const MAX_BEHIND: usize = 3;

/// One relation on the way from rows to others.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Hop {
    pub(crate) relation: RelId,
    pub(crate) name: Arc<str>,
}

/// What is known of the rows in a value: of a query that gives them, of a collection of them, of one of them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Rows {
    /// What they are rows of.
    pub(crate) model: Option<ClassId>,
    pub(crate) source: RowSource,
    /// What the source's rows are rows of.
    pub(crate) start: Option<ClassId>,
    /// The source is a relation of these rows that was not loaded with them.
    pub(crate) behind: Option<Arc<Rows>>,
    /// The relations walked from the source's rows to these.
    pub(crate) path: Vec<Hop>,
    /// The source, or a relation on the way, gives many rows.
    pub(crate) many: bool,
    /// One row was taken of the source's, however many it gives.
    pub(crate) taken_one: bool,
    /// There are few of them, whatever the data: a query with a small limit.
    pub(crate) few: bool,
    /// What was loaded with the source's rows, or since.
    pub(crate) loaded: Loaded,
    /// The last path that an option named, which the next one in its chain goes on from.
    pub(crate) option_path: Vec<Arc<str>>,
    /// What else the source may be told to load.
    pub(crate) extensible: Extensible,
    /// The relation of each of them that leads to the one row whose relation gave them: `line.order` of `order.lines`. What is
    /// loaded of that row is loaded once.
    pub(crate) way_back: Option<Arc<str>>,
    /// They are a relation's rows that nobody has asked for yet: `author.books.all()` before it is iterated over.
    pub(crate) pending: Option<Pending>,
}

/// What a query may be told to load with its rows by a call that is added to the expression that gives them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Extensible {
    /// Nothing: `Book.objects.get(…)`.
    #[default]
    No,
    /// Relations to one row each: what is behind `iterator()`.
    ToOne,
    /// Any relation: `Book.objects.filter(…)`.
    Fully,
}

impl Extensible {
    /// This, unless something does not hold.
    pub(crate) fn only_if(self, holds: bool) -> Self {
        if holds { self } else { Self::No }
    }
}

/// Where rows come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum RowSource {
    /// A query.
    Query(Location),
    /// A parameter of the function at hand: what is loaded is the callers' business.
    Param(usize),
    /// Not followed.
    Unknown,
    /// A query of no rows, which is never executed.
    Empty,
    /// No rows: an option of a query that says what is to be loaded.
    Option,
}

/// A relation whose rows are asked for on demand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Pending {
    /// Narrowed or sorted: the database is asked even when the relation was loaded before.
    pub(crate) refined: bool,
    /// The expression so far.
    pub(crate) at: Location,
}

/// What asking for the rows of a value means.
pub(crate) enum Asked {
    /// They are there.
    Nothing,
    /// A query of its own.
    Query,
    /// The rows of a relation that could have been loaded before.
    Relation(Load),
}

/// A relation that is read, or a query in its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Load {
    /// The rows that are asked for.
    pub(crate) rows: Arc<Rows>,
    /// The query was narrowed so that it is asked for although it had been loaded; whether it had been is known unless
    /// the rows are a parameter's.
    pub(crate) defeats: bool,
    pub(crate) wanted: Wanted,
}

/// What of rows is wanted when they are asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Wanted {
    Rows,
    /// Their key only, which the row that leads to them has in a column of this name.
    Key(Arc<str>),
    /// A column that their query left out.
    Column(Arc<str>),
}

impl Load {
    /// It is a query in any case, and the callers know whether the relation had been loaded.
    pub(crate) fn is_open(&self) -> bool {
        self.defeats && matches!(self.rows.source, RowSource::Param(_))
    }
}

/// Relations that are loaded, as paths of names from the rows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Loaded {
    /// Sorted.
    paths: Vec<Vec<Arc<str>>>,
    /// Loaded in a way that is not followed: nothing can be said to be missing.
    pub(crate) unknown: bool,
    /// All relations that lead to one row.
    pub(crate) to_one: bool,
    /// Some of them by a query of their own, which may sort them.
    pub(crate) by_own_query: bool,
    /// The columns of the rows themselves, when not all of them are.
    pub(crate) columns: Option<Columns>,
}

/// Some columns of a model.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum Columns {
    Only(Vec<Arc<str>>),
    AllBut(Vec<Arc<str>>),
}

impl Columns {
    /// Whether a column is none of them.
    fn leaves_out(&self, name: &str) -> bool {
        match self {
            Self::Only(names) => !names.iter().any(|known| **known == *name),
            Self::AllBut(names) => names.iter().any(|known| **known == *name),
        }
    }
}

impl Loaded {
    /// The paths that are loaded, for people; `None` when not all of that is known.
    pub(crate) fn told(&self) -> Option<Vec<String>> {
        let is_known = !self.unknown && !self.to_one;
        is_known.then(|| self.paths.iter().map(|path| path.join(".")).collect())
    }

    /// Adds a path with everything on the way from its first `n_before` relations, which somebody else loads or does not.
    pub(crate) fn add(&mut self, n_before: usize, path: &[Arc<str>]) {
        for length in n_before + 1..=path.len() {
            let part = &path[..length];
            if let Err(at) = self.position(part) {
                self.paths.insert(at, part.to_vec());
            }
        }
    }

    /// Adds a path, but not what is on the way.
    pub(crate) fn add_end(&mut self, path: Vec<Arc<str>>) {
        if let Err(at) = self.position(&path) {
            self.paths.insert(at, path);
        }
    }

    /// Adds what another has, below a path.
    pub(crate) fn add_below(&mut self, path: &[Arc<str>], other: &Self) {
        for part in &other.paths {
            self.add_end(path.iter().chain(part).cloned().collect());
        }
        self.unknown |= other.unknown;
        self.to_one |= other.to_one && path.is_empty();
        self.by_own_query |= other.by_own_query;
        if path.is_empty() && other.columns.is_some() {
            self.columns.clone_from(&other.columns);
        }
    }

    /// Gives the relation at the end of a path another name, with what is below it; or forgets it.
    pub(crate) fn rename(&mut self, path: &[Arc<str>], name: Option<Arc<str>>) {
        let Some((_, front)) = path.split_last() else {
            return;
        };
        let (of_it, others): (Vec<_>, Vec<_>) =
            self.paths.drain(..).partition(|known| known.starts_with(path));
        self.paths = others;
        let Some(name) = name else { return };
        for known in of_it {
            let rest = &known[path.len()..];
            self.add_end(front.iter().chain([&name]).chain(rest).cloned().collect());
        }
    }

    /// What is loaded below a path.
    fn below(&self, path: &[Arc<str>]) -> Self {
        let paths = self.paths.iter().filter_map(|known| known.strip_prefix(path));
        Self {
            paths: paths.filter(|rest| !rest.is_empty()).map(<[_]>::to_vec).collect(),
            unknown: self.unknown,
            to_one: false,
            by_own_query: self.by_own_query,
            columns: None,
        }
    }

    pub(crate) fn paths(&self) -> &[Vec<Arc<str>>] {
        &self.paths
    }

    fn position(&self, path: &[Arc<str>]) -> Result<usize, usize> {
        self.paths.binary_search_by(|known| known.as_slice().cmp(path))
    }
}

impl Rows {
    /// Whether they are the very rows that a parameter is given, as opposed to others that these lead to.
    pub(crate) fn are_a_parameters(&self) -> bool {
        matches!(self.source, RowSource::Param(_)) && self.path.is_empty()
    }

    /// Rows that a query gives.
    pub(crate) fn of_query(model: Option<ClassId>, at: Location, many: bool) -> Self {
        Self {
            many,
            ..Self::from(RowSource::Query(at), model)
        }
    }

    /// Rows of some source, of which nothing else is known.
    pub(crate) fn from(source: RowSource, model: Option<ClassId>) -> Self {
        Self {
            model,
            source,
            start: model,
            behind: None,
            path: Vec::new(),
            many: false,
            taken_one: false,
            few: false,
            loaded: Loaded::default(),
            option_path: Vec::new(),
            extensible: Extensible::No,
            way_back: None,
            pending: None,
        }
    }

    /// They are one row from now on.
    pub(crate) fn take_one(&mut self) {
        (self.many, self.taken_one) = (false, true);
    }

    /// The names of the relations walked.
    pub(crate) fn names(&self) -> Vec<Arc<str>> {
        self.path.iter().map(|hop| hop.name.clone()).collect()
    }

    /// The rows behind these, and no more than so many behind one another: a function that calls itself adds some in each
    /// round.
    fn behind_within(&self, most: usize) -> Option<Arc<Self>> {
        let behind = self.behind.as_ref().filter(|_| most > 0)?;
        let shortened = behind.behind_within(most - 1);
        Some(if shortened == behind.behind {
            behind.clone()
        } else {
            Arc::new(Self {
                behind: shortened,
                ..(**behind).clone()
            })
        })
    }

    /// These rows and those that they are a relation of, from the outermost on.
    pub(crate) fn outermost_first(&self) -> Vec<&Self> {
        let mut all: Vec<&Self> = std::iter::successors(Some(self), |rows| rows.behind.as_deref()).collect();
        all.reverse();
        all
    }

    /// The rows that a relation leads to.
    pub(crate) fn follow(&self, hop: Hop, model: Option<ClassId>, to_many: bool) -> Option<Self> {
        if self.path.len() >= MAX_PATH || self.pending.is_some() {
            return None;
        }
        let mut rows = self.clone();
        rows.path.push(hop);
        rows.model = model;
        rows.way_back = None;
        rows.many |= to_many;
        rows.few &= !to_many;
        Some(rows)
    }

    /// Whether nothing has to be asked to have these rows. `surely_one` says that the relation leads to exactly one row.
    pub(crate) fn are_loaded(&self, surely_one: bool) -> bool {
        let loaded = &self.loaded;
        loaded.unknown || (loaded.to_one && surely_one) || loaded.position(&self.names()).is_ok()
    }

    /// Whether reading a column of one of them asks for it, because their query left it out.
    pub(crate) fn leave_out(&self, column: &str) -> bool {
        let from_query = matches!(self.source, RowSource::Query(_)) && self.path.is_empty();
        let columns = self.loaded.columns.as_ref();
        from_query && !self.loaded.unknown && columns.is_some_and(|columns| columns.leaves_out(column))
    }

    /// What asking for them means; `narrowed` when the question is such that loaded rows do not answer it.
    pub(crate) fn ask(&self, narrowed: bool) -> Asked {
        if self.source == RowSource::Empty {
            return Asked::Nothing;
        }
        let Some(pending) = self.pending else {
            // A parameter may be given a relation's rows that were loaded before.
            return match self.source {
                RowSource::Param(_) if !narrowed && self.path.is_empty() => Asked::Relation(self.load(false)),
                _ => Asked::Query,
            };
        };
        let narrowed = narrowed || pending.refined;
        match (self.source, narrowed) {
            (RowSource::Query(_), true) if self.loaded.unknown => Asked::Query,
            (RowSource::Query(_), true) if self.are_loaded(false) => Asked::Relation(self.load(true)),
            (RowSource::Query(_), false) if self.are_loaded(false) => Asked::Nothing,
            (RowSource::Query(_) | RowSource::Param(_), false) => Asked::Relation(self.load(false)),
            // The callers know whether it had been loaded.
            (RowSource::Param(_), true) => Asked::Relation(self.load(true)),
            (_, true) => Asked::Query,
            (RowSource::Unknown | RowSource::Option | RowSource::Empty, false) => Asked::Nothing,
        }
    }

    fn load(&self, defeats: bool) -> Load {
        Load {
            rows: Arc::new(self.clone()),
            defeats,
            wanted: Wanted::Rows,
        }
    }

    /// What they are once they have been asked for.
    pub(crate) fn settled(&self) -> Self {
        let Some(pending) = self.pending else {
            return self.clone();
        };
        let by_new_query = match self.source {
            // A query that was given is still the one that says what is loaded.
            RowSource::Query(_) | RowSource::Param(_) if self.path.is_empty() => false,
            RowSource::Query(_) => pending.refined || !self.are_loaded(false),
            _ => pending.refined,
        };
        if !by_new_query {
            return Self {
                pending: None,
                ..self.clone()
            };
        }
        let behind = Self {
            pending: None,
            behind: self.behind_within(MAX_BEHIND - 1),
            ..self.clone()
        };
        Self {
            loaded: self.loaded.below(&self.names()),
            behind: (!pending.refined && !self.path.is_empty()).then(|| Arc::new(behind)),
            extensible: self.extensible,
            way_back: self.way_back.clone(),
            ..Self::of_query(self.model, pending.at, true)
        }
    }

    /// The same rows, with the expression that gives them having grown to `at`.
    pub(crate) fn grown(&self, at: Location, refined: bool) -> Self {
        let mut rows = self.clone();
        match (&mut rows.pending, rows.source) {
            (Some(pending), _) => {
                if pending.at.file == at.file && at.span.contains(pending.at.span) {
                    pending.at = at;
                }
                pending.refined |= refined;
            }
            // A chain of calls is one query; a variable that is narrowed later is the query that it was.
            (None, RowSource::Query(before))
                if rows.path.is_empty() && before.file == at.file && at.span.contains(before.span) =>
            {
                rows.source = RowSource::Query(at);
            }
            // What a parameter gives is narrowed: a query of its own, whatever the parameter was given.
            (None, RowSource::Param(_)) if refined && rows.path.is_empty() => {
                rows.pending = Some(Pending { refined, at });
            }
            (None, _) => {}
        }
        rows
    }

    /// These rows, which a called function knows as its parameter's, in terms of what the parameter was given.
    pub(crate) fn given(&self, given: &Self) -> Option<Self> {
        if given.path.len() + self.path.len() > MAX_PATH {
            return None;
        }
        let given = if self.path.is_empty() {
            given.clone()
        } else {
            given.settled()
        };
        let mut loaded = given.loaded.clone();
        loaded.add_below(&given.names(), &self.loaded);
        let model = if self.path.is_empty() {
            self.model.or(given.model)
        } else {
            self.model
        };
        Some(Self {
            model,
            source: given.source,
            start: given.start,
            behind: given.behind,
            option_path: Vec::new(),
            path: given.path.iter().chain(&self.path).cloned().collect(),
            many: (given.many && !self.taken_one) || self.many,
            taken_one: self.taken_one || (given.taken_one && !self.many),
            few: self.few || (given.few && !self.many),
            loaded,
            extensible: given.extensible,
            way_back: if self.path.is_empty() {
                self.way_back.clone().or(given.way_back)
            } else {
                self.way_back.clone()
            },
            pending: self.pending.or(given.pending),
        })
    }

    /// What is known when rows are these or those: what either has loaded counts as loaded.
    pub(crate) fn join(mut self, other: &Self) -> Option<Self> {
        if self.model != other.model || self.path != other.path {
            return None;
        }
        let columns = self
            .loaded
            .columns
            .take()
            .filter(|own| other.loaded.columns.as_ref() == Some(own));
        self.loaded.add_below(&[], &other.loaded);
        self.loaded.columns = columns;
        self.start = self.start.filter(|start| other.start == Some(*start));
        self.behind = self.behind.filter(|behind| other.behind.as_ref() == Some(behind));
        self.many |= other.many;
        self.taken_one &= other.taken_one;
        self.few &= other.few;
        self.way_back = self.way_back.filter(|name| other.way_back.as_ref() == Some(name));
        let extensible = self.extensible.min(other.extensible);
        self.extensible = extensible.only_if(self.source == other.source);
        self.pending = match (self.pending, other.pending) {
            (Some(a), Some(b)) => Some(Pending {
                refined: a.refined && b.refined,
                at: a.at.min(b.at),
            }),
            _ => None,
        };
        self.source = match (self.source, other.source) {
            (RowSource::Query(a), RowSource::Query(b)) => RowSource::Query(a.min(b)),
            (a, b) if a == b => a,
            _ => return None,
        };
        Some(self)
    }
}
