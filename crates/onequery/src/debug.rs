//! `onequery debug` and `onequery rules`: what the phases see, and what there is.

use std::io::Write as _;

use anyhow::Context as _;
use onequery_parser::{dump, front_end};
use onequery_rules::RULES;

use crate::cli::{Debug, Phase};
use crate::scope::Scope;
use crate::{CLEAN, pipeline, project, read};

/// Prints one phase.
pub(crate) fn run(args: &Debug) -> anyhow::Result<u8> {
    let mut out = std::io::stdout().lock();
    match args.phase {
        Phase::Ir => {
            let extension = args
                .path
                .extension()
                .and_then(|extension| extension.to_str())
                .unwrap_or_default();
            let front_end =
                front_end(extension).with_context(|| format!("no front end reads `.{extension}` files"))?;
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
        Phase::Loops => {
            let path = args
                .path
                .canonicalize()
                .with_context(|| args.path.display().to_string())?;
            let run = pipeline::run(&project::root_of(&[path]), &Scope::new(&[], Vec::new()));
            for site in &run.analysis.sites {
                writeln!(
                    out,
                    "{}:{} {:?}",
                    run.sources.get(site.location.file).path,
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
                        let path = &run.sources.get(step.location.file).path;
                        writeln!(out, "    {path}:{} `{}`", step.location.span.start, step.label)?;
                    }
                }
            }
        }
    }
    Ok(CLEAN)
}

/// Lists the rules.
pub(crate) fn rules() -> anyhow::Result<u8> {
    let mut out = std::io::stdout().lock();
    for rule in RULES {
        writeln!(out, "{:26} {}", rule.info.id, rule.info.summary)?;
    }
    Ok(CLEAN)
}
