//! `onequery check`: runs the pipeline and writes the reports.

use std::io::{BufWriter, IsTerminal as _, Write as _};
use std::path::Path;
use std::time::Instant;

use anyhow::Context as _;
use onequery_core::Outcome;
use onequery_reporter::{Format, Options, render};
use onequery_rules::Mandate;

use crate::baseline::Known;
use crate::budget::{self, Gate};
use crate::cli::{Check, Color};
use crate::config::Config;
use crate::listed::Listed;
use crate::pipeline::Project;
use crate::session::Target;
use crate::since::Since;
use crate::{CLEAN, FAILED, FINDINGS, facts};

/// Runs the command. Gives the exit code.
pub(crate) fn check(args: &Check) -> anyhow::Result<u8> {
    let started = Instant::now();
    let Some(mut target) = Target::of(&args.selection)? else {
        return Ok(FAILED);
    };
    if !args.facts.is_empty() {
        target.scope = target.scope.of_all_paths();
    }
    if args.show_settings {
        return show_settings(&target.config);
    }
    let listed = match args.facts.as_slice() {
        [] => target.list(),
        facts => facts::read(facts, &target.scope)?,
    };
    if args.show_files {
        return show_files(&target, &listed);
    }
    let since = Since::of(args, &target, &listed)?;
    let gate = Gate::of_check(&target, &args.evidence)?;
    let trends = budget::trends(&target)?;
    let session = target.analyze_listed(&listed)?;
    let known = Known::unless(args.no_baseline, &session, args.baseline.as_deref())?;
    let news = since.map(|since| since.compare(&session));
    let mandates = gate.as_ref().map(|gate| gate.mandates(&session)).transpose()?;
    let triaged = session.triage_under(
        &|finding| known.knows(finding).or_else(|| news.as_ref()?.knows(finding)),
        &|finding| {
            let mandates = mandates.as_ref();
            mandates.map_or(Mandate::New, |mandates| {
                mandates.of(finding, session.path(finding))
            })
        },
    );
    let is_stale = known.complain_of_stale(&session) && in_ci();
    let has_findings = !triaged.shown.is_empty();
    let outcome = Outcome {
        trends,
        ..session.outcome(triaged, started.elapsed().as_millis())
    };
    tracing::info_span!("render").in_scope(|| write_reports(args, &outcome))?;
    let code = if session.failed {
        FAILED
    } else if (has_findings || is_stale) && !args.exit_zero {
        FINDINGS
    } else {
        CLEAN
    };
    // The process ends; taking a whole program apart piece by piece would only make it end later.
    std::mem::forget(session);
    Ok(code)
}

/// Whether the run is one of continuous integration, as all services say in the same variable.
fn in_ci() -> bool {
    std::env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false")
}

fn show_settings(config: &Config) -> anyhow::Result<u8> {
    let mut out = std::io::stdout().lock();
    match &config.origin {
        Some(path) => writeln!(out, "# {}", path.display())?,
        None => writeln!(out, "# no file has settings")?,
    }
    out.write_all(toml::to_string_pretty(&config.settings)?.as_bytes())?;
    Ok(CLEAN)
}

fn show_files(target: &Target, listed: &Listed) -> anyhow::Result<u8> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    let project = Project::lower(listed, &target.scope, &target.config.entries, &target.cache);
    for path in project.reported(&target.scope) {
        writeln!(out, "{path}")?;
    }
    out.flush()?;
    Ok(if target.failed { FAILED } else { CLEAN })
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
    print(args.format, &options(colored(args.color)), outcome)
}

/// Prints a report, in colours if the format has any.
pub(crate) fn print(format: Format, options: &Options, outcome: &Outcome<'_>) -> anyhow::Result<()> {
    let options = Options {
        color: options.color && format.info().colored,
        ..*options
    };
    let mut out = BufWriter::new(std::io::stdout().lock());
    render(format, outcome, &options, &mut out).and_then(|()| out.flush())?;
    Ok(())
}

fn create_parent(path: &Path) -> std::io::Result<()> {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => std::fs::create_dir_all(parent),
        _ => Ok(()),
    }
}

/// `NO_COLOR` and `FORCE_COLOR` count when they are set to anything but the empty text.
pub(crate) fn colored(when: Color) -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    match when {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => !set("NO_COLOR") && (set("FORCE_COLOR") || std::io::stdout().is_terminal()),
    }
}
