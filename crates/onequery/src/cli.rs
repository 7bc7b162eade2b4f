//! The command line's grammar.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use onequery_core::Confidence;
use onequery_reporter::Format;

/// Finds N+1 database queries in Python and Rust before code review.
#[derive(Parser)]
#[command(version, about, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    /// Number of worker threads; all cores unless given
    #[arg(long, global = true, value_name = "N")]
    pub(crate) threads: Option<usize>,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Report queries that run once per element
    Check(Check),
    /// List the rules with a summary each
    Rules,
    /// Show what a phase of the analysis sees
    Debug(Debug),
}

#[derive(Args)]
pub(crate) struct Check {
    /// Files and folders to report on; the whole project around them is always analysed
    #[arg(default_value = ".", value_name = "PATHS")]
    pub(crate) paths: Vec<PathBuf>,
    /// Format on standard output
    #[arg(long, value_name = "FORMAT", default_value = "text", env = "ONEQUERY_FORMAT", value_parser = format)]
    pub(crate) format: Format,
    /// Also write a report to a file; may be repeated
    #[arg(long, value_name = "FORMAT=FILE", value_parser = output)]
    pub(crate) output: Vec<(Format, PathBuf)>,
    /// Lowest confidence that is shown
    #[arg(long, value_name = "LEVEL", default_value = "likely")]
    pub(crate) min_confidence: Level,
    /// Report on code that is left out by default
    #[arg(long, value_name = "KIND")]
    pub(crate) include: Vec<Include>,
    /// Accepted for pre-commit: paths that are excluded stay excluded when they are given by name
    #[arg(long, hide = true)]
    pub(crate) force_exclude: bool,
    /// Exit with 0 when there are findings
    #[arg(long)]
    pub(crate) exit_zero: bool,
    /// Add a table of findings per rule
    #[arg(long)]
    pub(crate) statistics: bool,
    /// Leave out the last line
    #[arg(long, short, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// List everything that could not be analysed
    #[arg(long, short)]
    pub(crate) verbose: bool,
    /// When to colour the output
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: Color,
}

#[derive(Args)]
pub(crate) struct Debug {
    /// Which phase
    #[arg(value_name = "PHASE")]
    pub(crate) phase: Phase,
    /// A file, or for whole-program phases a folder
    #[arg(value_name = "PATH")]
    pub(crate) path: PathBuf,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Phase {
    /// One file's intermediate representation
    Ir,
    /// Sites that repeat a query, with everything known of them
    Loops,
    /// What share of calls, queries and relations is known, and what is not
    Coverage,
}

#[derive(Clone, Copy, ValueEnum, PartialEq, Eq)]
pub(crate) enum Include {
    /// Test code
    Tests,
    /// Database migrations
    Migrations,
    /// Scripts that fill a database with data
    Seeds,
    /// Benchmarks and examples
    Examples,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Level {
    /// Also guesses that are often right
    Possible,
    /// Every fact is known, one by its shape or on some path only
    Likely,
    /// Every fact is known
    Proven,
}

impl From<Level> for Confidence {
    fn from(level: Level) -> Self {
        match level {
            Level::Possible => Self::Possible,
            Level::Likely => Self::Likely,
            Level::Proven => Self::Proven,
        }
    }
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Color {
    /// When standard output is a terminal; `NO_COLOR` and `FORCE_COLOR` are honoured
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

fn format(word: &str) -> Result<Format, String> {
    Format::from_id(word).ok_or_else(|| {
        let known: Vec<&str> = onequery_reporter::FORMATS.iter().map(|info| info.id).collect();
        format!("no such format; there are {}", known.join(", "))
    })
}

fn output(text: &str) -> Result<(Format, PathBuf), String> {
    let (word, file) = text
        .split_once('=')
        .ok_or("expected FORMAT=FILE, for instance sarif=findings.sarif")?;
    if file.is_empty() {
        return Err("the file's name is empty".to_owned());
    }
    Ok((format(word)?, PathBuf::from(file)))
}
