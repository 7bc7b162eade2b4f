//! `onequery debug`: what the phases see.

use std::io::Write;
use std::path::Path;

use anyhow::Context as _;
use onequery_analysis::Coverage;
use onequery_parser::{dump, front_end};

use crate::cache::Cache;
use crate::cli::{Debug, Phase};
use crate::entries::Entries;
use crate::pipeline::Project;
use crate::scope::Scope;
use crate::{CLEAN, catalogs, project, read};

/// The project that a path is in, lowered as by a run without settings.
fn project_at(path: &Path) -> anyhow::Result<Project> {
    let path = path.canonicalize().with_context(|| path.display().to_string())?;
    let scope = Scope::new(&[], &[], Vec::new())?;
    Ok(Project::of(
        &project::root_of(&[path]),
        &scope,
        &Entries::default(),
        &Cache::off(),
    ))
}

/// Prints one phase.
pub(crate) fn run(args: &Debug) -> anyhow::Result<u8> {
    let mut out = std::io::stdout().lock();
    match args.phase {
        Phase::Ir => {
            let path = args.path.to_string_lossy().replace('\\', "/");
            let front_end = front_end(&path).with_context(|| format!("no front end reads {path}"))?;
            let (text, problems) = read::read(&args.path);
            for problem in problems {
                anyhow::ensure!(
                    !problem.kind.is_failure(),
                    "{}: {}",
                    args.path.display(),
                    problem.message
                );
            }
            out.write_all(dump(&(front_end.lower)(&text)).as_bytes())?;
        }
        Phase::Coverage => {
            let counted = project_at(&args.path)?.count_coverage(&catalogs::embedded());
            print_coverage(&counted, &mut out)?;
        }
        Phase::Schema => writeln!(out, "{:#}", serde_json::to_value(crate::settings::schema())?)?,
        Phase::Loops => {
            let project = project_at(&args.path)?;
            for site in &project.analyze(&catalogs::embedded()).sites {
                writeln!(
                    out,
                    "{}:{} {:?}",
                    project.path(site.location.file),
                    site.location.span.start,
                    site.kind
                )?;
                for query in &site.queries {
                    let (access, confidence) = (query.access, query.confidence.id());
                    writeln!(
                        out,
                        "  {access:?} {:?} {confidence} `{}` {}",
                        query.dependence, query.label, query.library
                    )?;
                    for step in &query.trace {
                        let path = project.path(step.location.file);
                        writeln!(out, "    {path}:{} `{}`", step.location.span.start, step.label)?;
                    }
                }
            }
        }
    }
    Ok(CLEAN)
}

/// How many of the commonest names are shown.
const COMMONEST: usize = 12;

/// Prints what was seen, and the commonest of what was not.
fn print_coverage(counted: &Coverage, out: &mut impl Write) -> std::io::Result<()> {
    let share = |part: usize, whole: usize| {
        let permille = (part * 1000).checked_div(whole).unwrap_or(0);
        format!("{part:8}  {:3}.{} %", permille / 10, permille % 10)
    };
    let calls = counted.calls();
    writeln!(out, "calls                 {calls:8}")?;
    writeln!(out, "  of the project      {}", share(counted.to_project, calls))?;
    writeln!(
        out,
        "  in a catalogue      {}",
        share(counted.to_catalogue, calls)
    )?;
    writeln!(out, "  of plain values     {}", share(counted.harmless, calls))?;
    writeln!(out, "  of other libraries  {}", share(counted.outside, calls))?;
    writeln!(out, "  of unknown type     {}", share(counted.unknown, calls))?;
    writeln!(out, "queries               {:8}", counted.queries)?;
    writeln!(
        out,
        "  of a known model    {}",
        share(counted.typed_queries, counted.queries)
    )?;
    writeln!(out, "relations             {:8}", counted.relations)?;
    writeln!(
        out,
        "  to a known model    {}",
        share(counted.known_relations, counted.relations)
    )?;
    let mut names: Vec<(&String, &usize)> = counted.unknown_names.iter().collect();
    names.sort_by_key(|&(name, times)| (std::cmp::Reverse(times), name));
    if !names.is_empty() {
        writeln!(out, "called most on values of unknown type")?;
    }
    for (name, times) in names.into_iter().take(COMMONEST) {
        writeln!(out, "  .{name:19} {times:8}")?;
    }
    Ok(())
}
