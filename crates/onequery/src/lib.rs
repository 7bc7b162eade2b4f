//! The command line: files, environment, clock, threads, standard output. It decides nothing about findings.

mod backlog;
mod baseline;
mod budget;
mod cache;
mod catalogs;
mod cli;
mod config;
mod debug;
mod discover;
mod entries;
mod evidence;
mod explain;
mod facts;
mod fix;
mod follow;
mod generate;
mod git;
mod listed;
mod needed;
mod owners;
mod pipeline;
mod progress;
mod project;
mod read;
mod report;
mod scope;
mod server;
mod session;
mod settings;
mod since;
mod suppress;
mod timings;
mod watch;
mod why;
mod write;

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;
use cli::{Cli, Command};
use timings::Timings;

/// Everything asked for was done, and there is nothing to report.
const CLEAN: u8 = 0;
/// There are findings.
const FINDINGS: u8 = 1;
/// Part of the job could not be done.
const FAILED: u8 = 2;

/// Stack of a worker thread, of which the system gives only what is used. Lowering and evaluation recurse as deep as the
/// code nests, which the front ends bound.
const STACK_BYTES: usize = 64 << 20;

/// Runs the command line of this process.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let mut threads = rayon::ThreadPoolBuilder::new().stack_size(STACK_BYTES);
    if let Some(n_threads) = cli.threads {
        threads = threads.num_threads(n_threads);
    }
    let result = threads.build().map_err(anyhow::Error::from).and_then(|pool| {
        let _timings = Timings::start(cli.timings, cli.trace.as_deref())?;
        pool.install(|| match &cli.command {
            Command::Check(check) => report::check(check),
            Command::Baseline(baseline) => baseline::run(&baseline.action),
            Command::Budget(budget) => budget::run(budget),
            Command::Fix(fix) => fix::run(fix),
            Command::Suppress(suppress) => suppress::run(suppress),
            Command::Server(cache) => server::run(cache),
            Command::Watch(args) => watch::run(args),
            Command::Explain(explain) => explain::run(explain),
            Command::Why(why) => why::run(why),
            Command::Backlog(backlog) => backlog::run(backlog),
            Command::Facts(facts) => facts::run(facts),
            Command::Cache(command) => cache::run(command),
            Command::Debug(debug) => debug::run(debug),
            Command::Rules(rules) => explain::rules(rules),
            Command::Completions(completions) => generate::completions(completions),
            Command::Man(pages) => generate::man(pages),
        })
    });
    ExitCode::from(result.unwrap_or_else(|error| {
        // A reader that closes the pipe early (`onequery check | head`) is not a failure of ours.
        let closed = error
            .downcast_ref::<std::io::Error>()
            .is_some_and(|io| io.kind() == std::io::ErrorKind::BrokenPipe);
        if !closed {
            complain(&format!("{error:#}"));
        }
        FAILED
    }))
}

/// Tells a person what went wrong. Losing the message because standard error is closed is all that can happen then.
fn complain(message: &str) {
    let _ = writeln!(std::io::stderr(), "onequery: {message}");
}
