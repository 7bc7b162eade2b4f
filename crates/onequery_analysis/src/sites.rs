//! Loop sites as the rules see them: what repeats, what is executed per element, and how sure that is.

use onequery_core::{Confidence, FileId, Location};

use crate::catalog::Access;
pub use crate::facts::SiteKind;
use crate::facts::{Fact, FnFacts, Given, QuerySource, Site, What};
use crate::program::{FnId, Program};
use crate::summaries::{Effect, Summaries, passed_on};
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
    /// How its library spells the batch.
    pub remedy: Option<String>,
    /// Whether it depends on the element.
    pub dependence: Dependence,
    /// The calls between the loop and the query, then the query; empty when the query stands in the loop.
    pub trace: Vec<TraceStep>,
    /// How complete the chain of known facts is.
    pub confidence: Confidence,
    /// Enclosing loops that repeat the site itself, innermost first.
    pub outer: Vec<Location>,
    /// Qualified name of the function that holds the loop.
    pub scope: String,
    /// It stands in test code, as far as the file itself shows.
    pub in_test: bool,
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

/// The sites of the whole program that execute something per element, by file and position.
pub(crate) fn loop_sites(program: &Program<'_>, summaries: &Summaries) -> Vec<LoopSite> {
    let mut sites = Vec::new();
    for (ix, found) in summaries.facts.iter().enumerate() {
        if !found.sites.is_empty() {
            let id = FnId(u32::try_from(ix).expect("ids fit"));
            of_function(
                &View {
                    program,
                    summaries,
                    id,
                    found,
                },
                &mut sites,
            );
        }
    }
    sites.sort_by_key(|site: &LoopSite| (site.location, site.kind));
    sites
}

/// One function's facts with everything around them.
struct View<'v, 'a> {
    program: &'v Program<'a>,
    summaries: &'v Summaries,
    id: FnId,
    found: &'v FnFacts,
}

fn of_function(cx: &View<'_, '_>, out: &mut Vec<LoopSite>) {
    let file = cx.program.function(cx.id).0;
    let mut queries: Vec<Vec<LoopQuery>> = vec![Vec::new(); cx.found.sites.len()];
    for fact in &cx.found.facts {
        if let Some((site, query)) = per_element(cx, file, fact) {
            queries[site].push(query);
        }
    }
    for (site, queries) in cx.found.sites.iter().zip(queries) {
        if !queries.is_empty() {
            let (kind, location) = (site.kind, Location::new(file, site.span));
            out.push(LoopSite {
                kind,
                location,
                origin: site.origin,
                queries,
            });
        }
    }
}

/// The site that repeats a fact, unless every loop around it is a legitimate sequence.
fn per_element(cx: &View<'_, '_>, file: FileId, fact: &Fact) -> Option<(usize, LoopQuery)> {
    let around: Vec<usize> = fact
        .path
        .loops
        .indices()
        .filter(|&ix| ix < cx.found.sites.len())
        .collect();
    let repeating: Vec<usize> = around
        .into_iter()
        .filter(|&ix| repeats(&cx.found.sites[ix], ix, fact))
        .collect();
    let innermost = *repeating.last()?;
    let (access, deps, effect) = match &fact.what {
        What::Query { access, .. } => (*access, fact.deps, None),
        What::Call { callee, args } => {
            let effects = &cx.summaries.effects[callee.index()];
            let effect = effects
                .iter()
                .min_by_key(|effect| (effect.conditional, effect.distance, effect.access))?;
            (
                effect.access,
                call_deps(fact, args, effect),
                Some((*callee, effect)),
            )
        }
    };
    let site = repeating
        .iter()
        .rev()
        .copied()
        .find(|&ix| deps.loops.has(ix))
        .unwrap_or(innermost);
    let dependence = if deps.loops.has(site) {
        Dependence::Element
    } else if deps.varies.has(site) || (effect.is_some() && access != Access::Commit) {
        Dependence::Unknown
    } else {
        Dependence::Invariant
    };
    let function = cx.program.function(cx.id).2;
    let outer = repeating.iter().rev().filter(|&&ix| ix < site);
    let trace = effect
        .map(|(callee, effect)| trace(cx, callee, effect))
        .unwrap_or_default();
    let source = query_source(cx, fact, effect);
    let query = LoopQuery {
        location: Location::new(file, fact.span),
        label: fact.label.clone(),
        access,
        library: library(cx.program, source),
        remedy: remedy(cx.program, source, access),
        dependence,
        confidence: confidence(
            &cx.found.sites[site],
            fact,
            access,
            dependence,
            effect.map(|(_, effect)| effect),
        ),
        outer: outer
            .map(|&ix| Location::new(file, cx.found.sites[ix].span))
            .collect(),
        trace,
        scope: cx.program.qualified_name(cx.id),
        in_test: function.is_test,
    };
    Some((site, query))
}

/// Whether a site repeats a fact once per element: none of the legitimate sequences.
fn repeats(site: &Site, ix: usize, fact: &Fact) -> bool {
    let walks = site.has_elements && !(site.kind == SiteKind::While && site.paced);
    let path = &fact.path;
    let left = path.leaves.has(ix) || path.decides.has(ix) || path.flushes.has(ix);
    walks && site.bound == Bound::Data && !left && !fact.deps.batched.has(ix)
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
) -> Confidence {
    let by_shape = fact.likely || effect.is_some_and(|effect| effect.likely);
    // A session that is opened for the element is committed for the element: isolation, not waste.
    let own_session = access == Access::Commit && dependence != Dependence::Invariant;
    let on_some_path = fact.path.on_error || fact.path.conditional;
    if own_session || fact.path.memoised || effect.is_some_and(|effect| effect.conditional) {
        Confidence::Possible
    } else if by_shape || on_some_path || dependence == Dependence::Unknown || !site.source_known {
        Confidence::Likely
    } else {
        Confidence::Proven
    }
}

/// Follows the shortest way from a call to its query.
fn trace(cx: &View<'_, '_>, callee: FnId, effect: &Effect) -> Vec<TraceStep> {
    let mut steps = Vec::new();
    let (mut function, mut at) = (callee, *effect);
    loop {
        let fact = &cx.summaries.facts[function.index()].facts[at.fact];
        let location = Location::new(cx.program.function(function).0, fact.span);
        steps.push(TraceStep {
            location,
            label: fact.label.clone(),
            is_query: at.via.is_none(),
        });
        let Some((next, ix)) = at.via else { return steps };
        (function, at) = (next, cx.summaries.effects[next.index()][ix]);
    }
}

/// The query at the end of the chain.
fn query_source(cx: &View<'_, '_>, fact: &Fact, effect: Option<(FnId, &Effect)>) -> Option<QuerySource> {
    let mut what = &fact.what;
    let mut next = effect.map(|(callee, effect)| (callee, *effect));
    while let Some((function, effect)) = next {
        what = &cx.summaries.facts[function.index()].facts[effect.fact].what;
        next = effect
            .via
            .map(|(callee, ix)| (callee, cx.summaries.effects[callee.index()][ix]));
    }
    match what {
        What::Query { source, .. } => Some(*source),
        What::Call { .. } => None,
    }
}

fn library(program: &Program<'_>, source: Option<QuerySource>) -> String {
    match source {
        Some(QuerySource::Call(call)) => program.catalogs.title(call).to_owned(),
        Some(QuerySource::Implicit(ty)) => program.catalogs.title_of_type(ty).to_owned(),
        None => String::new(),
    }
}

fn remedy(program: &Program<'_>, source: Option<QuerySource>, access: Access) -> Option<String> {
    match source? {
        QuerySource::Call(call) => program.catalogs.remedy(call, access),
        QuerySource::Implicit(ty) => program.catalogs.remedy_of_type(ty),
    }
    .map(ToOwned::to_owned)
}
