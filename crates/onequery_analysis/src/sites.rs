//! Loop sites as the rules see them: what repeats, what is executed per element, and how sure that is.

use std::sync::Arc;

use onequery_core::ir::FnIx;
use onequery_core::{Confidence, EntryPoint, Insertion, Location, Span};
use rustc_hash::FxHashMap;

use crate::catalog::{Access, Way};
pub use crate::facts::SiteKind;
use crate::facts::{Fact, FnFacts, Given, QuerySource, Site, What};
use crate::mentions::Mentions;
use crate::program::{FnId, Program};
use crate::reach::Reach;
use crate::rows::{Extensible, Hop, Load, RowSource, Rows, Wanted};
use crate::summaries::{Effect, Resolved, Summaries, passed_on};
use crate::value::{Bound, Deps};

/// Something that runs once per element, with the queries that makes of it.
#[derive(Clone, Debug)]
pub struct LoopSite {
    /// What was written.
    pub kind: SiteKind,
    /// What a finding shows as repeating.
    pub location: Location,
    /// Where the rows come from, when that is known.
    pub origin: Option<Location>,
    /// The code says how many elements there are at most.
    pub limited: bool,
    /// What is executed per element, in source order.
    pub queries: Vec<LoopQuery>,
}

/// A query that is executed once per element of a site.
#[derive(Clone, Debug)]
pub struct LoopQuery {
    /// The query, or the call that leads to it.
    pub location: Location,
    /// What is executed or called there, for people.
    pub label: String,
    /// Reading, writing, or ending a transaction.
    pub access: Access,
    /// Which library executes it, for people.
    pub library: String,
    /// The database runs inside the program's process: a query costs no round trip.
    pub in_process: bool,
    /// How its library spells the batch.
    pub remedy: Option<String>,
    /// What the remedy adds to the query of the rows, where that is all of it.
    pub fix: Option<Insertion>,
    /// Whether it depends on the element.
    pub dependence: Dependence,
    /// The calls between the loop and the query, then the query; empty when the query stands in the loop.
    pub trace: Vec<TraceStep>,
    /// How complete the chain of known facts is.
    pub confidence: Confidence,
    /// The relation that is read, when it could have been loaded with the rows.
    pub relation: Option<RelationRead>,
    /// The calls that pass the rows from where they come from to the function that holds the loop.
    pub passed: Vec<TraceStep>,
    /// It is reached through a call of the very function that holds the loop: it repeats per level, too.
    pub is_recursive: bool,
    /// Enclosing loops that repeat the site itself, innermost first.
    pub outer: Vec<Location>,
    /// Qualified name of the function that holds the loop.
    pub scope: String,
    /// That of the function which holds what is to be changed: the query of rows that lack something, or the query.
    pub root_scope: String,
    /// It stands in test code, as far as the file itself shows.
    pub in_test: bool,
    /// How the function is reached from which the rows are passed, or else that which holds the loop.
    pub entry: Option<EntryPoint>,
    /// A test that counts the statements of that function.
    pub guard: Option<Location>,
}

/// A relation that is read once per row, and the query that could have loaded it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelationRead {
    /// The relations from the rows of that query to what is read.
    pub path: Vec<String>,
    /// The query that gives the rows.
    pub origin: Location,
    /// What of it is asked for.
    pub kind: ReadKind,
    /// The paths of the relations that the query loads with its rows, as its library writes them; `None` when that is not
    /// known.
    pub loaded: Option<Vec<String>>,
}

impl LoopQuery {
    /// Where the change belongs: the query of rows that lack something, or else the query that repeats.
    fn root(&self) -> Location {
        let lacks = self.relation.as_ref().filter(|relation| relation.is_kept());
        let last = self.trace.last().map_or(self.location, |step| step.location);
        lacks.map_or(last, |relation| relation.origin)
    }
}

impl RelationRead {
    /// Whether the row keeps what was read, as opposed to being asked anew each time.
    const fn is_kept(&self) -> bool {
        !matches!(self.kind, ReadKind::Answer | ReadKind::Narrowed)
    }

    /// Whether both read the same of the same rows.
    fn is_same_read(&self, other: &Self) -> bool {
        (self.origin, &self.path, &self.kind) == (other.origin, &other.path, &other.kind)
    }
}

/// What a [`RelationRead`] asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadKind {
    /// Its rows.
    Rows,
    /// The key of its row, which the row that leads to it has in this column.
    Key(String),
    /// A count, or whether there are any.
    Answer,
    /// Rows that were loaded, in a narrowed form.
    Narrowed,
    /// A column of the rows themselves, the last part of the path, which their query left out.
    Column,
}

/// One link between a loop and a query in another function.
#[derive(Clone, Debug)]
pub struct TraceStep {
    /// The call or query.
    pub location: Location,
    /// What is called or executed there, for people.
    pub label: String,
    /// Whether this is the query.
    pub is_query: bool,
}

/// Whether a query depends on the element of a loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dependence {
    /// Its arguments come from the element.
    Element,
    /// Its arguments may change from round to round in ways that are not followed.
    Unknown,
    /// The same query every time.
    Invariant,
}

/// The qualified name of the innermost function around a place.
fn scope_at(program: &Program<'_>, at: Location) -> String {
    let ir = program.ir(at.file);
    let around = (0_u32..)
        .zip(&ir.functions)
        .filter(|(_, function)| function.name.is_some() && function.span.contains(at.span));
    let innermost = around.min_by_key(|(_, function)| function.span.end - function.span.start);
    innermost
        .map(|(ix, _)| program.qualified_name(program.fn_id(at.file, FnIx(ix))))
        .unwrap_or_default()
}

/// The sites of the whole program that execute something per element, by file and position.
pub(crate) fn loop_sites(program: &Program<'_>, summaries: &Summaries, reach: &Reach) -> Vec<LoopSite> {
    let mut found: FxHashMap<(FnId, usize), Vec<LoopQuery>> = FxHashMap::default();
    for id in program.function_ids() {
        let facts = &summaries.facts[id.index()];
        let view = View {
            program,
            summaries,
            reach,
            id,
            found: facts,
        };
        for fact in &facts.facts {
            let queries = view.per_element(fact).into_iter().chain(view.lazy_reads(fact));
            for (function, site, query) in queries {
                found.entry((function, site)).or_default().push(query);
            }
        }
    }
    let mentions = Mentions::of(program, reach, found.keys().map(|(function, _)| *function));
    let mut found: Vec<_> = found.into_iter().collect();
    found.sort_by_key(|((function, ix), _)| (program.order(*function), *ix));
    let mut told: FxHashMap<FnId, Vec<(RelationRead, Confidence)>> = FxHashMap::default();
    let mut sites: Vec<LoopSite> = found
        .into_iter()
        .map(|((function, ix), mut queries)| {
            let site = &summaries.facts[function.index()].sites[ix];
            leave_out_prefixes(&mut queries);
            leave_out_told(&mut queries, told.entry(function).or_default());
            let most = if mentions.is_unmentioned(program, function) {
                Confidence::Likely
            } else {
                Confidence::Proven
            };
            for query in &mut queries {
                query.root_scope = scope_at(program, query.root());
                query.confidence = query.confidence.min(most);
            }
            LoopSite {
                kind: site.kind,
                location: site.at,
                origin: site.origin,
                limited: site.bound == Bound::Limited,
                queries,
            }
        })
        .collect();
    sites.retain(|site| !site.queries.is_empty());
    sites.sort_by_key(|site| (site.location, site.kind));
    sites
}

/// Two loops over the same rows: the first leaves the relation on them, and mending it mends the second.
fn leave_out_told(queries: &mut Vec<LoopQuery>, told: &mut Vec<(RelationRead, Confidence)>) {
    queries.retain(|query| match &query.relation {
        Some(read) if read.is_kept() => {
            let covers = |(known, confidence): &(RelationRead, Confidence)| {
                known.is_same_read(read) && *confidence >= query.confidence
            };
            !told.iter().any(covers)
        }
        _ => true,
    });
    let reads = queries.iter();
    told.extend(reads.filter_map(|query| Some((query.relation.clone()?, query.confidence))));
}

/// `book.author.country` tells all that `book.author` in it would tell, unless that is surer: the country may be read of
/// some authors only. And a row keeps a relation that was read: of equal reads the surest is told. Counting, or narrowing
/// what was loaded, asks anew each time.
fn leave_out_prefixes(queries: &mut Vec<LoopQuery>) {
    let reads: Vec<(Location, RelationRead, Confidence)> = queries
        .iter()
        .filter_map(|query| Some((query.location, query.relation.clone()?, query.confidence)))
        .collect();
    let is_part = |query: &LoopQuery, own: &RelationRead| {
        reads.iter().any(|(at, other, confidence)| {
            let longer = other.path.len() > own.path.len() && other.path.starts_with(&own.path);
            let loads_all = !matches!(other.kind, ReadKind::Key(_)) || matches!(own.kind, ReadKind::Key(_));
            longer
                && loads_all
                && *confidence >= query.confidence
                && other.origin == own.origin
                && at.file == query.location.file
                && at.span.contains(query.location.span)
        })
    };
    // Its key is not all that is wanted of a row when something else in the loop reads the row.
    let is_read_whole = |own: &RelationRead| {
        matches!(own.kind, ReadKind::Key(_))
            && reads.iter().any(|(_, other, _)| {
                let loads = matches!(other.kind, ReadKind::Rows) || other.path.len() > own.path.len();
                loads && other.origin == own.origin && other.path.starts_with(&own.path)
            })
    };
    let mut kept: Vec<LoopQuery> = Vec::with_capacity(queries.len());
    for query in queries.drain(..) {
        let Some(own) = &query.relation else {
            kept.push(query);
            continue;
        };
        if is_part(&query, own) || is_read_whole(own) {
            continue;
        }
        let equal = kept.iter_mut().find(|known| {
            let known = known.relation.as_ref();
            own.is_kept() && known.is_some_and(|known| known.is_same_read(own))
        });
        match equal {
            Some(known) if query.confidence > known.confidence => *known = query,
            Some(_) => {}
            None => kept.push(query),
        }
    }
    *queries = kept;
}

/// One function's facts with everything around them.
struct View<'v, 'a> {
    program: &'v Program<'a>,
    summaries: &'v Summaries,
    reach: &'v Reach,
    id: FnId,
    found: &'v FnFacts,
}

impl View<'_, '_> {
    fn of(&self, id: FnId) -> Self {
        View {
            program: self.program,
            summaries: self.summaries,
            reach: self.reach,
            id,
            found: &self.summaries.facts[id.index()],
        }
    }

    /// The sites that repeat a fact, none of them a legitimate sequence.
    fn repeating(&self, fact: &Fact) -> Vec<usize> {
        // A loop without end inside is not come back from: what starts it is not what repeats.
        let is_endless = |&ix: &usize| {
            let site = self.found.sites.get(ix);
            site.is_some_and(|site| site.is_endless(ix, &fact.path))
        };
        let innermost_endless = fact.path.loops.indices().filter(is_endless).last();
        let around = fact.path.loops.indices();
        around
            .filter(|&ix| innermost_endless.is_none_or(|endless| ix >= endless))
            .filter(|&ix| {
                self.found
                    .sites
                    .get(ix)
                    .is_some_and(|site| site.repeats(ix, fact))
            })
            .collect()
    }

    /// The query that a fact executes per element, directly or through a call.
    fn per_element(&self, fact: &Fact) -> Option<(FnId, usize, LoopQuery)> {
        let repeating = self.repeating(fact);
        let innermost = *repeating.last()?;
        let site_of = |deps: Deps| {
            let depends = |ix: &usize| deps.loops.has(*ix);
            repeating.iter().rev().copied().find(depends).unwrap_or(innermost)
        };
        let (access, deps, effect) = match &fact.what {
            What::Query { load: Some(load), .. } if !load.is_open() && !self.is_asked_anew(fact, load) => {
                let site = self.site_of_rows(&repeating, &load.rows, fact.deps)?;
                let source = Some(query_source(self, fact, None)?);
                return Some((
                    self.id,
                    site,
                    self.relation_query(fact, site, load, source, None)?,
                ));
            }
            What::Query { access, .. } => (*access, fact.deps, None),
            What::Call { callee, args } => {
                let effects = self.summaries.effects[callee.index()].iter();
                let overrides = self.program.overridden_access(*callee);
                let effect = effects
                    .filter(|effect| effect.left(self.program, args).is_some())
                    .filter(|effect| {
                        let lazy = effect.lazy.as_ref();
                        lazy.is_none_or(|lazy| match lazy.resolve(self.program, args) {
                            Resolved::Query => true,
                            Resolved::Rows(rows) => {
                                lazy.narrowed && matches!(rows.source, RowSource::Param(_))
                            }
                            Resolved::Nothing => false,
                        })
                    })
                    .filter(|effect| {
                        let site = site_of(call_deps(fact, args, effect));
                        !effect.is_held_in(site, args)
                    })
                    .min_by_key(|effect| {
                        // `order.save()` writes, whatever else the project's own `save` does.
                        let is_aside = overrides != Some(effect.access) && overrides.is_some();
                        let path = (is_open(effect, args), is_decided_later(effect, args));
                        (is_aside, path, effect.distance, effect.access)
                    })?;
                (
                    effect.access,
                    call_deps(fact, args, effect),
                    Some((*callee, effect)),
                )
            }
        };
        let site = site_of(deps);
        let dependence = if deps.loops.has(site) {
            Dependence::Element
        } else if deps.varies.has(site) || (effect.is_some() && access != Access::Commit) {
            Dependence::Unknown
        } else {
            Dependence::Invariant
        };
        let is_kept = fact.path.kept || effect.is_some_and(|(_, effect)| effect.kept);
        if is_kept && dependence != Dependence::Element {
            return None;
        }
        if effect.is_some_and(|(_, effect)| effect.is_remembered_in(site, fact.args())) {
            return None;
        }
        let (source, load) = query_at_end(self, fact, effect).unzip();
        // An object was made of each row, and reads a relation of it.
        if let Some(load) = load.flatten().filter(|load| self.are_rows_of(site, &load.rows))
            && dependence == Dependence::Element
        {
            let query = self.relation_query(fact, site, load, source, effect)?;
            return Some((self.id, site, query));
        }
        let query = LoopQuery {
            access,
            library: library(self.program, source),
            in_process: matches!(source, Some(QuerySource::Call(call)) if self.program.catalogs.is_in_process(call)),
            remedy: remedy(self.program, &self.found.sites[site], source, access),
            fix: None,
            dependence,
            confidence: confidence(
                &self.found.sites[site],
                fact,
                access,
                dependence,
                effect.map(|(_, effect)| effect),
                effect.is_some_and(|(callee, _)| self.program.overridden_access(callee).is_some()),
            ),
            ..self.query(fact, site, effect)
        };
        Some((self.id, site, query))
    }

    /// Whether one and the same row is asked for a relation that it does not keep: the same query each time.
    fn is_asked_anew(&self, fact: &Fact, load: &Load) -> bool {
        let rows = &load.rows;
        let relation = rows.path.last().map(|hop| self.program.relation(hop.relation));
        let is_manager = relation.is_some_and(|relation| self.program.asks_anew(relation));
        let is_one = matches!(rows.source, RowSource::Query(_)) && rows.taken_one;
        is_manager
            && is_one
            && !fact.deps.loops.meets(fact.path.loops)
            && !fact.deps.varies.meets(fact.path.loops)
    }

    /// What is the same for all queries of a fact in a site.
    fn query(&self, fact: &Fact, site: usize, effect: Option<(FnId, &Effect)>) -> LoopQuery {
        let outer = self.repeating(fact).into_iter().rev().filter(|&ix| ix < site);
        LoopQuery {
            location: fact.at,
            label: fact.label.clone(),
            access: Access::Read,
            library: String::new(),
            in_process: false,
            remedy: None,
            fix: None,
            dependence: Dependence::Element,
            confidence: Confidence::Possible,
            outer: outer.map(|ix| self.found.sites[ix].at).collect(),
            passed: Vec::new(),
            is_recursive: effect.is_some_and(|(callee, _)| callee == self.id),
            trace: effect
                .map(|(callee, effect)| trace(self, callee, effect))
                .unwrap_or_default(),
            relation: None,
            scope: self.program.qualified_name(self.id),
            root_scope: String::new(),
            in_test: self.in_test(),
            entry: self.entry(),
            guard: self.guard(),
        }
    }

    fn in_test(&self) -> bool {
        self.program.function(self.id).2.is_test
    }

    fn entry(&self) -> Option<EntryPoint> {
        self.reach.entry(self.program, &self.summaries.facts, self.id)
    }

    fn guard(&self) -> Option<Location> {
        self.reach.guard(self.program, self.id)
    }

    /// The innermost site whose elements are, or hold, rows of a query that gives many.
    fn site_of_rows(&self, repeating: &[usize], rows: &Rows, deps: Deps) -> Option<usize> {
        let from_query = matches!(rows.source, RowSource::Query(_)) && rows.many && !rows.few;
        let site = repeating.iter().rev().copied().find(|&ix| deps.loops.has(ix));
        site.filter(|_| from_query)
    }

    /// Whether the elements of a site are rows of a query, and it is that these come from.
    fn are_rows_of(&self, site: usize, rows: &Rows) -> bool {
        let origin = self.found.sites[site].origin.map(RowSource::Query);
        origin == Some(rows.source) && rows.many && !rows.few
    }

    /// A relation that a fact reads per element.
    fn relation_query(
        &self,
        fact: &Fact,
        site: usize,
        load: &Load,
        source: Option<QuerySource>,
        effect: Option<(FnId, &Effect)>,
    ) -> Option<LoopQuery> {
        let rows = &*load.rows;
        let RowSource::Query(origin) = rows.source else {
            return None;
        };
        let kind = match (&load.wanted, &source) {
            (Wanted::Column(_), _) => ReadKind::Column,
            (Wanted::Key(column), _) => ReadKind::Key(column.to_string()),
            (Wanted::Rows, _) if load.defeats => ReadKind::Narrowed,
            (Wanted::Rows, Some(QuerySource::Call(_))) => ReadKind::Answer,
            (Wanted::Rows, _) => ReadKind::Rows,
        };
        let mut path: Vec<String> = rows.path.iter().map(|hop| hop.name.to_string()).collect();
        let fix = self.fix(rows, &kind, origin);
        let (library, remedy) = match &load.wanted {
            Wanted::Column(name) => {
                path.push(name.to_string());
                self.of_column(rows, name)?
            }
            Wanted::Rows | Wanted::Key(_) => self.of_relation(rows, &kind)?,
        };
        let confidence = confidence(
            &self.found.sites[site],
            fact,
            Access::Read,
            Dependence::Element,
            effect.map(|(_, effect)| effect),
            false,
        );
        Some(LoopQuery {
            library,
            remedy,
            fix,
            confidence,
            relation: Some(RelationRead {
                path,
                origin,
                kind,
                loaded: rows.loaded.told(),
            }),
            ..self.query(fact, site, effect)
        })
    }

    /// The library of a relation, and how it is loaded with its rows.
    fn of_relation(&self, rows: &Rows, kind: &ReadKind) -> Option<(String, Option<String>)> {
        let (program, catalogs) = (self.program, self.program.catalogs);
        let last = program.relation(rows.path.last()?.relation);
        let remedy = match kind {
            ReadKind::Narrowed => catalogs.defeated_remedy(last.kind).map(ToOwned::to_owned),
            _ => catalogs.eager_remedy(last.kind, &self.way(rows)),
        };
        Some((catalogs.title_of_relation(last.kind).to_owned(), remedy))
    }

    /// What loads a relation with its rows when it is added to their query. A query of chosen columns may refuse that.
    fn fix(&self, rows: &Rows, kind: &ReadKind, origin: Location) -> Option<Insertion> {
        let (program, catalogs) = (self.program, self.program.catalogs);
        let is_read = matches!(kind, ReadKind::Rows | ReadKind::Answer);
        let way = self.way(rows);
        let wanted = if way.to_many {
            Extensible::Fully
        } else {
            Extensible::ToOne
        };
        let takes_more = rows.extensible >= wanted && rows.behind.is_none() && rows.loaded.columns.is_none();
        // What is prefetched for one row is as many statements as what is loaded of it.
        let saves = !way.to_many || !rows.taken_one;
        if !is_read || !takes_more || !saves || self.program.is_stub(origin.file) {
            return None;
        }
        let (last, before) = rows.path.split_last()?;
        // Rows of any model need not all have what comes next.
        let is_of_one = |hop: &Hop| !program.relation(hop.relation).target.is_unknown();
        if !before.iter().all(is_of_one) {
            return None;
        }
        let last = program.relation(last.relation);
        let end = origin.span.end;
        Some(Insertion {
            at: Location::new(origin.file, Span::new(end, end)),
            text: catalogs.appended(last.kind, &way)?,
        })
    }

    /// The way from the outermost rows that a query gives to these.
    fn way(&self, rows: &Rows) -> Way<'_> {
        let program = self.program;
        let parts = rows.outermost_first();
        let mut way = Way::default();
        for part in &parts {
            let mut of = part.start;
            for hop in &part.path {
                let relation = program.relation(hop.relation);
                let owner = of.unwrap_or(relation.owner);
                way.hops.push((program.class_name(owner), hop.name.to_string()));
                way.to_many |= relation.to_many || program.catalogs.relation(relation.kind).prefetched;
                of = program.row_class(&relation.target);
            }
        }
        if let [outermost, _, ..] = parts.as_slice() {
            way.outermost = outermost.start.map(|start| program.class_name(start));
        }
        way
    }

    /// The same of a column.
    fn of_column(&self, rows: &Rows, name: &str) -> Option<(String, Option<String>)> {
        let model = self.program.model_type(rows.model?)?;
        let catalogs = self.program.catalogs;
        Some((
            catalogs.title_of_type(model).to_owned(),
            catalogs.column_remedy(model, name),
        ))
    }

    /// The relations that a call reads of the rows it is given.
    fn lazy_reads(&self, fact: &Fact) -> Vec<(FnId, usize, LoopQuery)> {
        let What::Call { callee, args } = &fact.what else {
            return Vec::new();
        };
        if fact.path.memoised || fact.path.on_error {
            return Vec::new();
        }
        let mut reads = Vec::new();
        for effect in &self.summaries.effects[callee.index()] {
            let Some(lazy) = &effect.lazy else { continue };
            if effect.left(self.program, args).is_none() {
                continue;
            }
            let Resolved::Rows(rows) = lazy.resolve(self.program, args) else {
                continue;
            };
            let source = query_source(self, fact, Some((*callee, effect)));
            let many = rows.many && !rows.few;
            let load = Load {
                rows: Arc::new(rows),
                defeats: lazy.narrowed,
                wanted: lazy.wanted.clone(),
            };
            match lazy.repeated {
                None => {
                    let given = args.get(lazy.param).map(|given| given.deps).unwrap_or_default();
                    let repeating = self.repeating(fact);
                    let Some(site) = self.site_of_rows(&repeating, &load.rows, given) else {
                        continue;
                    };
                    let query = self.relation_query(fact, site, &load, source, Some((*callee, effect)));
                    reads.extend(query.map(|query| (self.id, site, query)));
                }
                // What tests pass says nothing of what others pass.
                Some((function, site)) if many && (!self.in_test() || self.of(function).in_test()) => {
                    reads.extend(self.repeated_below(fact, *callee, effect, &load, source, (function, site)));
                }
                Some(_) => {}
            }
        }
        reads
    }

    /// A relation that is read in a loop of a called function over the rows that it was given here.
    fn repeated_below(
        &self,
        fact: &Fact,
        callee: FnId,
        effect: &Effect,
        load: &Load,
        source: Option<QuerySource>,
        (function, site): (FnId, usize),
    ) -> Option<(FnId, usize, LoopQuery)> {
        let step = |fact: &Fact| TraceStep {
            location: fact.at,
            label: fact.label.clone(),
            is_query: false,
        };
        let mut passed = vec![step(fact)];
        // How sure it is that the calls in between are made.
        let mut surest = reaches(fact, effect);
        let (mut at, mut effect) = (callee, effect);
        loop {
            let view = self.of(at);
            let fact = &view.found.facts[effect.fact];
            let next = self.summaries.next(effect);
            if at == function {
                let query = view.relation_query(fact, site, load, source, next)?;
                let confidence = query.confidence.min(surest);
                return Some((
                    function,
                    site,
                    LoopQuery {
                        passed,
                        confidence,
                        entry: self.entry(),
                        guard: self.guard(),
                        ..query
                    },
                ));
            }
            passed.push(step(fact));
            (at, effect) = next?;
            surest = surest.min(reaches(fact, effect));
        }
    }
}

/// How sure it is that a call is made, and that it takes the path on which an effect is.
fn reaches(call: &Fact, effect: &Effect) -> Confidence {
    let args = call.args();
    if is_open(effect, args) {
        Confidence::Possible
    } else if call.likely
        || is_decided_later(effect, args)
        || call.path.undecided > 0
        || !call.path.branch.is_empty()
    {
        Confidence::Likely
    } else {
        Confidence::Proven
    }
}

/// Whether it is not known that a call takes the path on which an effect is.
fn is_open(effect: &Effect, args: &[Given]) -> bool {
    let branch = effect.branch.in_call(args).unwrap_or_default();
    effect.is_conditional() || effect.may_be_given || branch.is_open || !branch.conditions.absent.is_empty()
}

/// Whether what a call gives decides about the path on which an effect is: some calls take it.
fn is_decided_later(effect: &Effect, args: &[Given]) -> bool {
    let branch = effect.branch.in_call(args).unwrap_or_default();
    branch.at_run_time || !branch.conditions.given.is_empty()
}

/// What the query behind a call depends on, in terms of the caller.
fn call_deps(fact: &Fact, args: &[Given], effect: &Effect) -> Deps {
    let passed = passed_on(args, effect.params);
    Deps {
        varies: fact.deps.varies,
        ..passed
    }
}

fn confidence(
    site: &Site,
    fact: &Fact,
    access: Access,
    dependence: Dependence,
    effect: Option<&Effect>,
    overrides: bool,
) -> Confidence {
    let by_shape = fact.likely || effect.is_some_and(|effect| effect.likely);
    // A session that is opened for the element is committed for the element, and one element's failure may be kept from
    // the others by a transaction of its own: isolation, not waste.
    let own_session = access == Access::Commit && (dependence != Dependence::Invariant || fact.path.isolated);
    let on_some_path = fact.path.on_error || fact.path.undecided > 0 || !fact.path.branch.is_empty();
    // One element's failure is told and the others are written: a batch would fail as a whole. What the project's own
    // `save` does beside writing, a batch would not do.
    let has_reasons = access == Access::Write && (fact.path.isolated || overrides);
    let args = fact.args();
    // A framework calls with a row and nothing else: no caller decides which path is taken.
    let on_some_call = effect.is_some_and(|effect| is_open(effect, args));
    let on_some_path = on_some_path || effect.is_some_and(|effect| is_decided_later(effect, args));
    let by_framework = site.kind == SiteKind::Framework;
    let may_be_given = effect.is_some_and(|effect| effect.may_be_given)
        || (access == Access::Read && fact.path.may_be_given);
    if own_session || fact.path.memoised || may_be_given || (on_some_call && !by_framework) {
        Confidence::Possible
    } else if by_shape
        || on_some_call
        || on_some_path
        || has_reasons
        || dependence == Dependence::Unknown
        || !site.source_known
    {
        Confidence::Likely
    } else {
        Confidence::Proven
    }
}

/// Follows the shortest way from a call to its query.
fn trace(cx: &View<'_, '_>, callee: FnId, effect: &Effect) -> Vec<TraceStep> {
    let mut steps = Vec::new();
    let (mut function, mut at) = (callee, effect);
    loop {
        let fact = &cx.summaries.facts[function.index()].facts[at.fact];
        steps.push(TraceStep {
            location: fact.at,
            label: fact.label.clone(),
            is_query: at.via.is_none(),
        });
        let Some(next) = cx.summaries.next(at) else {
            return steps;
        };
        (function, at) = next;
    }
}

/// The query at the end of the chain, with what it loads.
fn query_at_end<'e>(
    cx: &'e View<'_, '_>,
    fact: &'e Fact,
    effect: Option<(FnId, &'e Effect)>,
) -> Option<(QuerySource, Option<&'e Load>)> {
    let mut what = &fact.what;
    let mut next = effect;
    while let Some((function, effect)) = next {
        what = &cx.summaries.facts[function.index()].facts[effect.fact].what;
        next = cx.summaries.next(effect);
    }
    match what {
        What::Query { source, load, .. } => Some((*source, load.as_ref())),
        What::Call { .. } => None,
    }
}

fn query_source(cx: &View<'_, '_>, fact: &Fact, effect: Option<(FnId, &Effect)>) -> Option<QuerySource> {
    query_at_end(cx, fact, effect).map(|(source, _)| source)
}

fn library(program: &Program<'_>, source: Option<QuerySource>) -> String {
    match source {
        Some(QuerySource::Call(call)) => program.catalogs.title(call).to_owned(),
        Some(QuerySource::Implicit(ty)) => program.catalogs.title_of_type(ty).to_owned(),
        Some(QuerySource::Relation(relation)) => {
            let kind = program.relation(relation).kind;
            program.catalogs.title_of_relation(kind).to_owned()
        }
        Some(QuerySource::Column) | None => String::new(),
    }
}

fn remedy(program: &Program<'_>, site: &Site, source: Option<QuerySource>, access: Access) -> Option<String> {
    let by = site.by.filter(|_| access == Access::Read);
    let of_site = by.and_then(|by| program.catalogs.own_remedy(by));
    let of_source = || match source? {
        QuerySource::Call(call) => program.catalogs.remedy(call, access),
        QuerySource::Implicit(ty) => program.catalogs.remedy_of_type(ty),
        QuerySource::Relation(_) | QuerySource::Column => None,
    };
    of_site.or_else(of_source).map(ToOwned::to_owned)
}
