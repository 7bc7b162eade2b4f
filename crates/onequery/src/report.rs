//! `onequery check`: runs the pipeline and writes the reports.

use std::io::{BufWriter, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context as _;
use onequery_core::{Outcome, ProblemKind, RunStats};
use onequery_reporter::{Options, render};
use onequery_rules::{Policy, RULES, triage};

use crate::cli::{Check, Color, Include};
use crate::discover::relative;
use crate::scope::Scope;
use crate::{CLEAN, FAILED, FINDINGS, complain, pipeline, project};

/// Runs the command. Gives the exit code.
pub(crate) fn check(args: &Check) -> anyhow::Result<u8> {
    let started = Instant::now();
    let (paths, mut failed) = existing(&args.paths);
    if paths.is_empty() {
        return Ok(FAILED);
    }
    let root = project::root_of(&paths);
    let within = paths.iter().map(|path| relative(&root, path)).collect();
    let scope = Scope::new(&args.include, within);
    let run = pipeline::run(&root, &scope);
    for error in &run.errors {
        complain(error);
        failed = true;
    }
    let (findings, trouble) = onequery_rules::check(&run.analysis.sites);
    let policy = Policy {
        min_confidence: args.min_confidence.into(),
        include_tests: args.include.contains(&Include::Tests),
        hidden_file: &|file| run.hidden[file.index()],
        path: &|file| run.sources.get(file).path.as_str(),
    };
    let triaged = triage(findings, &policy);
    let mut problems = run.problems;
    problems.extend(trouble);
    problems.sort();
    failed |= problems.iter().any(|(_, problem)| problem.kind.is_failure());
    let reported = run
        .sources
        .0
        .iter()
        .zip(&run.hidden)
        .filter(|(_, hidden)| hidden.is_none())
        .map(|(source, _)| source);
    let (files, lines) = reported.fold((0, 0), |(files, lines), source| {
        (files + 1, lines + source.text.lines().count())
    });
    let mut skipped = run.skipped.clone();
    for (_, problem) in &problems {
        match problem.kind {
            ProblemKind::TooLarge => *skipped.entry("too large").or_default() += 1,
            ProblemKind::Unreadable => *skipped.entry("unreadable").or_default() += 1,
            _ => {}
        }
    }
    let mut rules: Vec<_> = RULES.iter().map(|rule| rule.info).collect();
    rules.sort_by_key(|rule| rule.id);
    let has_findings = !triaged.shown.is_empty();
    let outcome = Outcome {
        version: env!("CARGO_PKG_VERSION"),
        findings: triaged.shown,
        problems,
        rules,
        sources: &run.sources,
        stats: RunStats {
            files,
            files_indexed_only: run.sources.0.len() - files,
            lines,
            hidden: triaged.hidden,
            skipped: skipped
                .into_iter()
                .map(|(reason, n)| (reason.to_owned(), n))
                .collect(),
            millis: started.elapsed().as_millis(),
        },
    };
    write_reports(args, &outcome)?;
    Ok(if failed {
        FAILED
    } else if has_findings && !args.exit_zero {
        FINDINGS
    } else {
        CLEAN
    })
}

/// The paths that are there, made absolute; the others are complained about.
fn existing(paths: &[PathBuf]) -> (Vec<PathBuf>, bool) {
    let mut failed = false;
    let mut found = Vec::new();
    for path in paths {
        match path.canonicalize() {
            Ok(path) => found.push(path),
            Err(error) => {
                complain(&format!("{}: {error}", path.display()));
                failed = true;
            }
        }
    }
    (found, failed)
}

fn write_reports(args: &Check, outcome: &Outcome<'_>) -> anyhow::Result<()> {
    let options = |color| Options {
        color,
        statistics: args.statistics,
        verbose: args.verbose,
        quiet: args.quiet,
    };
    for (format, path) in &args.output {
        let place = |what: &str| format!("cannot {what} {}", path.display());
        create_parent(path).with_context(|| place("create the folder of"))?;
        let file = std::fs::File::create(path).with_context(|| place("write"))?;
        let mut out = BufWriter::new(file);
        render(*format, outcome, &options(false), &mut out)
            .and_then(|()| out.flush())
            .with_context(|| place("write"))?;
    }
    let mut out = BufWriter::new(std::io::stdout().lock());
    let color = args.format.info().colored && colored(args.color);
    render(args.format, outcome, &options(color), &mut out).and_then(|()| out.flush())?;
    Ok(())
}

fn create_parent(path: &Path) -> std::io::Result<()> {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => std::fs::create_dir_all(parent),
        _ => Ok(()),
    }
}

/// `NO_COLOR` and `FORCE_COLOR` count when they are set to anything but the empty text.
fn colored(when: Color) -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    match when {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => !set("NO_COLOR") && (set("FORCE_COLOR") || std::io::stdout().is_terminal()),
    }
}
