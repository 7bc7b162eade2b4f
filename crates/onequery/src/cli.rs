//! The command line's grammar.

use std::path::PathBuf;

use clap::builder::FalseyValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use onequery_budget::Timestamp;
use onequery_core::{Confidence, Severity};
use onequery_reporter::Format;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::settings::{Pattern, RuleId};

/// Finds N+1 database queries in Python and Rust before code review.
#[derive(Parser)]
#[command(version, about, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    /// Number of worker threads; all cores unless given
    #[arg(long, global = true, value_name = "N")]
    pub(crate) threads: Option<usize>,
    /// Print on standard error how long each phase took
    #[arg(long, global = true)]
    pub(crate) timings: bool,
    /// Write what each thread did when to a file, as trace events that Perfetto and browsers show
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) trace: Option<PathBuf>,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Report queries that run once per element
    Check(Check),
    /// Keep the findings that are known in a file, and show only new ones
    Baseline(Baseline),
    /// Show how much of the error budgets is left, and what that demands
    Budget(Budget),
    /// Write into queries what remedies add, where that is all it takes
    Fix(Fix),
    /// Write comments that accept findings
    Suppress(Suppress),
    /// Show findings in an editor, by the Language Server Protocol on standard input and output
    Server(CacheArgs),
    /// Report anew whenever files change
    Watch(Watch),
    /// Tell a rule, or one finding of a project, at length
    Explain(Explain),
    /// Ask five times why one finding is there, down to its root cause
    Why(Why),
    /// List all findings, grouped by what mends them, the most worthwhile first
    Backlog(Backlog),
    /// List the rules with a summary each
    Rules(Rules),
    /// Write down what files say, to be analysed together with others elsewhere
    Facts(Facts),
    /// Delete what runs keep for later ones, or tell about it
    Cache(CacheCommand),
    /// Show what a phase of the analysis sees
    Debug(Debug),
    /// Print a script that teaches a shell this command line
    Completions(Completions),
    /// Print the manual page, or write one page per command
    Man(ManPages),
}

#[derive(Args)]
pub(crate) struct Check {
    #[command(flatten)]
    pub(crate) selection: Selection,
    /// The file of known findings; `onequery-baseline.txt` in the project's root unless configured
    #[arg(long, value_name = "FILE", conflicts_with = "no_baseline")]
    pub(crate) baseline: Option<PathBuf>,
    /// Show known findings, too
    #[arg(long)]
    pub(crate) no_baseline: bool,
    /// Show only findings that the merge base with this revision does not have, or that changed lines take part in
    #[arg(long, value_name = "REV", conflicts_with = "staged")]
    pub(crate) diff: Option<String>,
    /// Show only findings that the last commit does not have, or that staged lines take part in
    #[arg(long)]
    pub(crate) staged: bool,
    /// Analyse what `onequery facts` wrote down instead of files
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with_all = ["paths", "diff", "staged"])]
    pub(crate) facts: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) evidence: EvidenceArgs,
    /// Format on standard output
    #[arg(long, value_name = "FORMAT", default_value = "text", env = "ONEQUERY_FORMAT", value_parser = format)]
    pub(crate) format: Format,
    /// Also write a report to a file; may be repeated
    #[arg(long, value_name = "FORMAT=FILE", value_parser = output)]
    pub(crate) output: Vec<(Format, PathBuf)>,
    /// Exit with 0 when there are findings
    #[arg(long)]
    pub(crate) exit_zero: bool,
    /// Add a table of findings per rule, and per owner where owners are known
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
    /// Print the settings that are in force, and where they come from, instead of checking
    #[arg(long, conflicts_with = "show_files")]
    pub(crate) show_settings: bool,
    /// List the files that would be reported on instead of checking
    #[arg(long)]
    pub(crate) show_files: bool,
}

/// What is analysed and which findings count, alike for all commands that analyse.
#[derive(Args, Clone, Default)]
pub(crate) struct Selection {
    /// Files and folders to report on; the whole project around them is always analysed
    #[arg(default_value = ".", value_name = "PATHS")]
    pub(crate) paths: Vec<PathBuf>,
    /// The rules that are on, instead of those configured
    #[arg(long, value_name = "RULE", value_delimiter = ',', value_parser = RuleId::parse)]
    pub(crate) select: Option<Vec<RuleId>>,
    /// Rules that are on besides
    #[arg(long, value_name = "RULE", value_delimiter = ',', value_parser = RuleId::parse)]
    pub(crate) extend_select: Vec<RuleId>,
    /// Rules that are off besides those configured
    #[arg(long, value_name = "RULE", value_delimiter = ',', value_parser = RuleId::parse)]
    pub(crate) ignore: Vec<RuleId>,
    /// Lowest confidence that is shown; `likely` unless configured
    #[arg(long, value_name = "LEVEL")]
    pub(crate) min_confidence: Option<Level>,
    /// Lowest severity that is shown; `note` unless configured
    #[arg(long, value_name = "LEVEL")]
    pub(crate) min_severity: Option<SeverityLevel>,
    /// Report on code that is left out by default
    #[arg(long, value_name = "KIND")]
    pub(crate) include: Vec<Include>,
    /// Files not to report on besides those configured, as a pattern of `.gitignore`
    #[arg(long, value_name = "PATTERN", value_parser = Pattern::parse)]
    pub(crate) exclude: Vec<Pattern>,
    /// Show only findings that this owner is asked to mend, or that nobody owns with `unowned`; may be repeated
    #[arg(long, value_name = "OWNER")]
    pub(crate) owner: Vec<String>,
    /// Accepted for pre-commit: paths that are excluded stay excluded when they are given by name
    #[arg(long, hide = true)]
    pub(crate) force_exclude: bool,
    /// Read the settings from this file instead of the project's own
    #[arg(long, value_name = "FILE", conflicts_with = "isolated")]
    pub(crate) config: Option<PathBuf>,
    /// Read no settings
    #[arg(long)]
    pub(crate) isolated: bool,
    /// Read what repeats nothing in tests and migrations, too, without a cache; nothing else is found so, which
    /// `bench/filter` checks
    #[arg(long, hide = true)]
    pub(crate) whole_files: bool,
    #[command(flatten)]
    pub(crate) cache: CacheArgs,
}

/// Where runs keep what they found out for later ones.
#[derive(Args, Clone, Default)]
pub(crate) struct CacheArgs {
    /// Neither use nor keep what runs find out
    #[arg(long, env = "ONEQUERY_NO_CACHE", value_parser = FalseyValueParser::new())]
    pub(crate) no_cache: bool,
    /// Where to keep it; `.onequery_cache` in the project's root unless given
    #[arg(long, value_name = "DIR", env = "ONEQUERY_CACHE_DIR")]
    pub(crate) cache_dir: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct Facts {
    /// Files and folders to read, all in one project
    #[arg(default_value = ".", value_name = "PATHS")]
    pub(crate) paths: Vec<PathBuf>,
    /// The file to write
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// The folder that paths are told from; the project's root unless given
    #[arg(long, value_name = "DIR")]
    pub(crate) root: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) cache: CacheArgs,
}

#[derive(Args)]
pub(crate) struct CacheCommand {
    #[arg(value_name = "ACTION")]
    pub(crate) action: CacheAction,
    /// A path in the project
    #[arg(default_value = ".", value_name = "PATH")]
    pub(crate) path: PathBuf,
    /// Where it is kept; `.onequery_cache` in the project's root unless given
    #[arg(long, value_name = "DIR", env = "ONEQUERY_CACHE_DIR")]
    pub(crate) cache_dir: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum CacheAction {
    /// Delete it
    Clean,
    /// Print where it is
    Dir,
    /// Print what is in it
    Stats,
}

#[derive(Args)]
pub(crate) struct Baseline {
    #[command(subcommand)]
    pub(crate) action: BaselineAction,
}

#[derive(Subcommand)]
pub(crate) enum BaselineAction {
    /// Write down all findings there are
    Create(BaselineArgs),
    /// Drop what is no longer found; with `--add` also write down what is new
    Update(BaselineUpdate),
    /// Drop what is no longer found
    Prune(BaselineArgs),
    /// List what is written down, with what is no longer found
    Show(BaselineArgs),
}

#[derive(Args)]
pub(crate) struct BaselineArgs {
    #[command(flatten)]
    pub(crate) selection: Selection,
    /// The file of known findings
    #[arg(long, value_name = "FILE")]
    pub(crate) baseline: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct BaselineUpdate {
    #[command(flatten)]
    pub(crate) args: BaselineArgs,
    /// Also write down new findings
    #[arg(long)]
    pub(crate) add: bool,
}

#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Budget {
    #[command(flatten)]
    pub(crate) project: ProjectArgs,
    #[command(flatten)]
    pub(crate) evidence: EvidenceArgs,
    #[command(subcommand)]
    pub(crate) action: Option<BudgetAction>,
}

#[derive(Subcommand)]
pub(crate) enum BudgetAction {
    /// Lower the debt budgets to what is true, and write it into the history
    Tighten(Tighten),
}

#[derive(Args)]
pub(crate) struct Tighten {
    #[command(flatten)]
    pub(crate) project: ProjectArgs,
    /// The time that counts as now, such as `2026-11-24T09:00:00Z`
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) at: Option<Timestamp>,
}

/// A project as a whole.
#[derive(Args)]
pub(crate) struct ProjectArgs {
    /// A path in the project
    #[arg(default_value = ".", value_name = "PATH")]
    pub(crate) path: PathBuf,
    /// Read the settings from this file instead of the project's own
    #[arg(long, value_name = "FILE", conflicts_with = "isolated")]
    pub(crate) config: Option<PathBuf>,
    /// Read no settings
    #[arg(long)]
    pub(crate) isolated: bool,
}

/// What tells how much of the error budgets is left.
#[derive(Args, Default)]
pub(crate) struct EvidenceArgs {
    /// A saved answer of Prometheus that tells what is left of the error budgets
    #[arg(long, value_name = "FILE", conflicts_with = "ledger")]
    pub(crate) prometheus: Option<PathBuf>,
    /// A list of incidents, from which follows what is left of the error budgets
    #[arg(long, value_name = "FILE")]
    pub(crate) ledger: Option<PathBuf>,
    /// What is left of the error budget of a service, such as `auth=25%`; may be repeated
    #[arg(long, value_name = "SERVICE=SHARE", value_parser = left, allow_hyphen_values = true)]
    pub(crate) left: Vec<(String, f64)>,
    /// The time that counts as now, such as `2026-11-24T09:00:00Z`
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) at: Option<Timestamp>,
}

#[derive(Args)]
pub(crate) struct Fix {
    #[command(flatten)]
    pub(crate) selection: Selection,
    /// Print what would be changed, as a patch, and change nothing
    #[arg(long)]
    pub(crate) preview: bool,
    /// The file of known findings, which are left as they are
    #[arg(long, value_name = "FILE", conflicts_with = "no_baseline")]
    pub(crate) baseline: Option<PathBuf>,
    /// Fix known findings, too
    #[arg(long)]
    pub(crate) no_baseline: bool,
}

#[derive(Args)]
pub(crate) struct Suppress {
    #[command(flatten)]
    pub(crate) selection: Selection,
    /// Write a comment at every finding that is shown
    #[arg(long, required = true)]
    pub(crate) add: bool,
    /// The reason that the comments give
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    pub(crate) reason: Option<String>,
    /// The file of known findings, which need no comments
    #[arg(long, value_name = "FILE")]
    pub(crate) baseline: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct Watch {
    #[command(flatten)]
    pub(crate) selection: Selection,
    /// Format of the reports
    #[arg(long, value_name = "FORMAT", default_value = "text", env = "ONEQUERY_FORMAT", value_parser = format)]
    pub(crate) format: Format,
    /// When to colour the output
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: Color,
}

#[derive(Args)]
pub(crate) struct Explain {
    /// The id of a rule, the fingerprint of a finding, or where findings are
    #[arg(value_name = "RULE|FINGERPRINT|PATH:LINE")]
    pub(crate) what: String,
    #[command(flatten)]
    pub(crate) selection: Selection,
}

#[derive(Args)]
pub(crate) struct Why {
    /// The fingerprint of a finding, or where findings are
    #[arg(value_name = "FINGERPRINT|PATH:LINE")]
    pub(crate) what: String,
    #[command(flatten)]
    pub(crate) selection: Selection,
    /// The file of known findings; `onequery-baseline.txt` in the project's root unless configured
    #[arg(long, value_name = "FILE")]
    pub(crate) baseline: Option<PathBuf>,
    /// Name the author of the commit that brought it
    #[arg(long)]
    pub(crate) blame: bool,
}

#[derive(Args)]
pub(crate) struct Backlog {
    #[command(flatten)]
    pub(crate) selection: Selection,
    /// Format on standard output
    #[arg(long, value_name = "FORMAT", default_value = "markdown")]
    pub(crate) format: BacklogFormat,
    /// List no more than this many items
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<usize>,
    /// Tell what was paid off since this revision
    #[arg(long, value_name = "REV")]
    pub(crate) since: Option<String>,
    /// Group the list by who is asked to mend an item
    #[arg(long)]
    pub(crate) by_owner: bool,
    /// What was seen of the running program: traces in OpenTelemetry's JSON, what `coverage json` writes, a CSV file of
    /// `pg_stat_statements`, or a profile in folded stacks; may be repeated
    #[arg(long, value_name = "FILE")]
    pub(crate) evidence: Vec<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum BacklogFormat {
    /// A list for people
    Markdown,
    /// A table that Jira and GitLab import
    Csv,
    /// One JSON object an item
    Jsonl,
    /// A script that files an issue an item with `gh`
    Gh,
}

impl From<BacklogFormat> for onequery_reporter::BacklogFormat {
    fn from(format: BacklogFormat) -> Self {
        match format {
            BacklogFormat::Markdown => Self::Markdown,
            BacklogFormat::Csv => Self::Csv,
            BacklogFormat::Jsonl => Self::Jsonl,
            BacklogFormat::Gh => Self::Gh,
        }
    }
}

#[derive(Args)]
pub(crate) struct Rules {
    /// Format on standard output
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: RulesFormat,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum RulesFormat {
    /// One line a rule
    Text,
    /// Everything that is known of each rule
    Json,
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
    /// The JSON schema of the settings, whatever the path
    Schema,
}

#[derive(Args)]
pub(crate) struct Completions {
    /// Which shell
    #[arg(value_name = "SHELL")]
    pub(crate) shell: Shell,
}

#[derive(Args)]
pub(crate) struct ManPages {
    /// Write a page for every command into this folder, which is made if there is none
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Include {
    /// Test code
    Tests,
    /// Database migrations
    Migrations,
    /// Scripts that fill a database with data
    Seeds,
    /// Benchmarks and examples
    Examples,
    /// Scripts that somebody runs by hand
    Scripts,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
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

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum SeverityLevel {
    /// Worth knowing
    Note,
    /// A defect to mend
    Warning,
    /// A defect that must not pass
    Error,
}

impl From<SeverityLevel> for Severity {
    fn from(level: SeverityLevel) -> Self {
        match level {
            SeverityLevel::Note => Self::Note,
            SeverityLevel::Warning => Self::Warning,
            SeverityLevel::Error => Self::Error,
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

/// A text that does not end the comment it stands in.
fn reason(text: &str) -> Result<String, String> {
    let ends = ["#}", "*/", "-->"].into_iter().find(|end| text.contains(end));
    match ends {
        Some(end) => Err(format!("`{end}` would end the comment")),
        None if text.contains(char::is_control) => Err("a comment has one line".to_owned()),
        None if text.trim().is_empty() => Err("a reason says something".to_owned()),
        None => Ok(text.trim().to_owned()),
    }
}

fn time(text: &str) -> Result<Timestamp, String> {
    let expected = |_| "expected a time with its offset, such as `2026-11-24T09:00:00Z`".to_owned();
    text.parse().map_err(expected)
}

/// The share of a budget that is left of a service.
fn left(text: &str) -> Result<(String, f64), String> {
    let (service, share) = text
        .rsplit_once('=')
        .ok_or("expected SERVICE=SHARE, for instance auth=25%")?;
    Ok((service.to_owned(), onequery_budget::share(share)?))
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
