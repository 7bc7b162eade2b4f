//! Whole-program analysis: lowered files become loop sites with the queries that they repeat.
//!
//! `FileIr*` → [`Program`](program::Program) → [`Summaries`](summaries::Summaries) → [`LoopSite`]s. What is known of
//! libraries is data, in `catalog/*.toml`; this crate's code knows none of them by name. What it knows of languages is how
//! their modules are found, in `program`.

pub mod catalog;
mod coverage;
mod describe;
mod eval;
mod facts;
mod known;
mod learning;
mod memory;
mod mentions;
mod models;
mod past;
mod program;
mod reach;
mod record;
mod replay;
mod rows;
mod sites;
mod sql;
mod summaries;
mod types;
mod value;

use onequery_core::{FileId, Problem};
use tracing::info_span;

pub use catalog::{Access, CatalogError, Catalogs};
pub use coverage::Coverage;
pub use memory::Memory;
pub use program::{PackageRoot, SourceFile, Target};
pub use sites::{Dependence, LoopQuery, LoopSite, ReadKind, RelationRead, SiteKind, TraceStep};

/// What the analysis of a program found out.
pub struct Analysis {
    /// Sites that execute something per element, by file and position.
    pub sites: Vec<LoopSite>,
    /// How many functions count the statements that something executes: tests.
    pub n_guards: usize,
    /// Limits that were reached.
    pub problems: Vec<(FileId, Problem)>,
}

/// Counts what the analysis of a program can see. `files` are sorted by path.
#[must_use]
pub fn coverage(files: &[SourceFile], packages: &[PackageRoot], catalogs: &Catalogs) -> Coverage {
    let mut program = program::Program::link(files, packages, catalogs, None);
    program.counts_coverage = true;
    let summaries = summaries::summarize(&program);
    coverage::of_program(&program, &summaries.facts)
}

/// Analyses a whole program. `files` are sorted by path; their order gives the [`FileId`]s of all locations.
#[must_use]
pub fn analyze(files: &[SourceFile], packages: &[PackageRoot], catalogs: &Catalogs) -> Analysis {
    let program = info_span!("link").in_scope(|| program::Program::link(files, packages, catalogs, None));
    let summaries = summaries::summarize(&program);
    let analysis = conclude(&program, &summaries);
    // Nobody waits until what all functions do is freed.
    rayon::spawn(move || drop(summaries));
    analysis
}

/// Analyses a program as [`analyze`] does, from what is remembered of one that differs from it in little, if there is such a
/// thing. Afterwards `memory` has what is to be remembered; `keep` is told of it when that is something new.
#[must_use]
pub fn analyze_again(
    files: &[SourceFile],
    packages: &[PackageRoot],
    catalogs: &Catalogs,
    memory: &mut Memory,
    keep: impl FnOnce(&Memory) + Send,
) -> Analysis {
    let link = |like: Option<program::Like<'_>>| {
        info_span!("link").in_scope(|| program::Program::link(files, packages, catalogs, like))
    };
    let mut program = link(memory.names());
    let replayed = memory.replay(&program);
    let is_new = replayed.is_none();
    let settled = replayed.unwrap_or_else(|| {
        if program.keeps_ids() {
            program = link(None);
        }
        memory.record(&mut program)
    });
    let conclude = || {
        let summaries = settled.summaries(&program);
        let analysis = conclude(&program, &summaries);
        rayon::spawn(move || drop(summaries));
        analysis
    };
    let (analysis, ()) = rayon::join(conclude, || {
        if is_new {
            keep(memory);
        }
    });
    rayon::spawn(move || drop(settled));
    analysis
}

fn conclude(program: &program::Program<'_>, summaries: &summaries::Summaries) -> Analysis {
    let reach = info_span!("reach").in_scope(|| reach::Reach::of(program, &summaries.facts));
    let sites = info_span!("loop sites").in_scope(|| sites::loop_sites(program, summaries, &reach));
    Analysis {
        sites,
        n_guards: reach.n_guards(),
        problems: summaries.problems.clone(),
    }
}
