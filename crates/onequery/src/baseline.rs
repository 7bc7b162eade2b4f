//! `onequery baseline`, and what a run takes from the file of known findings.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use onequery_core::{FileId, Finding, Fingerprint};
use onequery_rules::{Baseline, Entry, is_about_comments};

use crate::cli::{BaselineAction, BaselineArgs, BaselineUpdate};
use crate::git::Repository;
use crate::session::{Session, Target};
use crate::write::replace;
use crate::{CLEAN, FAILED, complain};

/// The file, unless another one is given or configured.
const FILE: &str = "onequery-baseline.txt";

/// How many stale entries are named; `onequery baseline show` has them all.
const MAX_TOLD: usize = 5;

/// Findings that are known, as the file says.
#[derive(Default)]
pub(crate) struct Known {
    path: PathBuf,
    baseline: Baseline,
}

/// Where a project's known findings are, and whether somebody said so.
fn place(session: &Session, given: Option<&Path>) -> (PathBuf, bool) {
    let configured = || {
        let path = session.config.settings.baseline.as_deref()?;
        Some(session.config.beside_origin(path))
    };
    let named = given.map(Path::to_owned).or_else(configured);
    let is_named = named.is_some();
    let path = named.unwrap_or_else(|| session.root.join(FILE));
    // As the root is spelt, whatever the current folder is.
    let spelt = path.parent().and_then(|folder| {
        let folder = if folder.as_os_str().is_empty() {
            Path::new(".")
        } else {
            folder
        };
        Some(folder.canonicalize().ok()?.join(path.file_name()?))
    });
    (spelt.unwrap_or(path), is_named)
}

impl Known {
    /// Reads the file of a project. Without one nothing is known, unless it was asked for.
    ///
    /// # Errors
    ///
    /// A file that is not there although it is named, or that is no baseline.
    pub(crate) fn of(session: &Session, given: Option<&Path>) -> anyhow::Result<Self> {
        let (path, is_named) = place(session, given);
        if !is_named && !path.exists() {
            return Ok(Self::default());
        }
        let shown = path.display().to_string();
        if !path.exists() {
            bail!("the baseline {shown} is not there; `onequery baseline create` begins it");
        }
        let text = std::fs::read_to_string(&path).with_context(|| shown.clone())?;
        let baseline = Baseline::parse(&text).with_context(|| shown)?;
        let baseline = baseline.renamed(&renames(session, &path));
        Ok(Self { path, baseline })
    }

    /// The same, unless nothing is to count as known.
    ///
    /// # Errors
    ///
    /// As of [`Known::of`].
    pub(crate) fn unless(nothing: bool, session: &Session, given: Option<&Path>) -> anyhow::Result<Self> {
        if nothing {
            return Ok(Self::default());
        }
        Self::of(session, given)
    }

    /// Why a finding is not new; `None` when it is.
    pub(crate) fn knows(&self, finding: &Finding) -> Option<&'static str> {
        self.baseline
            .knows(finding.fingerprint)
            .then_some("in the baseline")
    }

    /// What is written down, was looked for and is no longer found.
    fn stale(&self, session: &Session) -> Vec<&Entry> {
        let found: BTreeSet<Fingerprint> = session
            .found
            .findings
            .iter()
            .map(|finding| finding.fingerprint)
            .collect();
        // Of a file that was not analysed whole nobody knows what is still there.
        let odd: BTreeSet<FileId> = session.problems.iter().map(|(file, _)| *file).collect();
        let is_whole = |path: &str| session.run.file(path).is_none_or(|file| !odd.contains(&file));
        let is_looked_for =
            |entry: &Entry| session.scope.hides_path(&entry.path).is_none() && is_whole(&entry.path);
        self.baseline
            .entries()
            .filter(|entry| is_looked_for(entry) && !found.contains(&entry.fingerprint))
            .collect()
    }

    /// Tells a person of what is no longer found, and whether there is something.
    pub(crate) fn complain_of_stale(&self, session: &Session) -> bool {
        let stale = self.stale(session);
        let n = stale.len();
        if n > 0 {
            let (entries, are, them) = if n == 1 {
                ("entry", "is", "it")
            } else {
                ("entries", "are", "them")
            };
            let path = session.shown_path(&self.path);
            let mut said = format!(
                "{n} {entries} of {path} {are} no longer found, which fails in continuous integration; \
                 `onequery baseline prune` drops {them}"
            );
            for Entry {
                path, rule, message, ..
            } in stale.iter().take(MAX_TOLD)
            {
                said.push_str(&format!("\n  {path}: {rule}: {message}"));
            }
            if n > MAX_TOLD {
                said.push_str(&format!("\n  and {} more", n - MAX_TOLD));
            }
            complain(&said);
        }
        n > 0
    }
}

/// How files are called now that were called otherwise when the baseline was last committed.
fn renames(session: &Session, baseline: &Path) -> BTreeMap<String, String> {
    let repository = Repository(&session.root);
    let changes = repository
        .last_commit_of(baseline)
        .and_then(|commit| repository.changes(&commit, false).ok());
    changes
        .unwrap_or_default()
        .into_iter()
        .filter_map(|change| Some((change.before.filter(|before| *before != change.now)?, change.now)))
        .collect()
}

/// Runs the command. Gives the exit code.
pub(crate) fn run(action: &BaselineAction) -> anyhow::Result<u8> {
    let (args, may_grow) = match action {
        BaselineAction::Create(args) => (args, true),
        BaselineAction::Update(BaselineUpdate { args, add }) => (args, *add),
        BaselineAction::Prune(args) | BaselineAction::Show(args) => (args, false),
    };
    let Some(target) = Target::of(&args.selection)? else {
        return Ok(FAILED);
    };
    let session = target.analyze()?;
    match action {
        BaselineAction::Create(_) => create(&session, args)?,
        BaselineAction::Show(_) => show(&session, &read(&session, args)?)?,
        BaselineAction::Update(_) | BaselineAction::Prune(_) => {
            update(&session, &read(&session, args)?, may_grow)?;
        }
    }
    Ok(if session.failed { FAILED } else { CLEAN })
}

/// The file that a command changes or shows, which has to be there.
fn read(session: &Session, args: &BaselineArgs) -> anyhow::Result<Known> {
    let (path, _) = place(session, args.baseline.as_deref());
    Known::of(session, Some(&path))
}

/// What would be shown without a baseline. Comments that do no good are mended, not written down.
fn shown(session: &Session) -> Vec<Entry> {
    let shown = session.triage(&|_| None).shown;
    shown
        .iter()
        .filter(|finding| !is_about_comments(finding.rule))
        .map(|finding| Entry::of(finding, session.path(finding)))
        .collect()
}

fn create(session: &Session, args: &BaselineArgs) -> anyhow::Result<()> {
    let (path, _) = place(session, args.baseline.as_deref());
    if path.exists() {
        bail!(
            "{} is there already; `onequery baseline update --add` adds to it",
            path.display()
        );
    }
    let baseline: Baseline = shown(session).into_iter().collect();
    replace(&path, baseline.to_string().as_bytes())?;
    let n = baseline.entries().count();
    let findings = if n == 1 { "finding" } else { "findings" };
    say(&format!(
        "{n} {findings} written to {}",
        session.shown_path(&path)
    ))
}

fn update(session: &Session, known: &Known, may_grow: bool) -> anyhow::Result<()> {
    let stale: BTreeSet<&Entry> = known.stale(session).into_iter().collect();
    let kept = known.baseline.entries().filter(|entry| !stale.contains(entry));
    let new: Vec<Entry> = shown(session)
        .into_iter()
        .filter(|entry| may_grow && !known.baseline.knows(entry.fingerprint))
        .collect();
    let (n_dropped, n_new) = (stale.len(), new.len());
    let baseline: Baseline = kept.cloned().chain(new).collect();
    replace(&known.path, baseline.to_string().as_bytes())?;
    say(&format!(
        "{n_dropped} dropped, {n_new} added; {} now has {}",
        session.shown_path(&known.path),
        baseline.entries().count()
    ))
}

fn show(session: &Session, known: &Known) -> anyhow::Result<()> {
    let stale: BTreeSet<&Entry> = known.stale(session).into_iter().collect();
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for entry in known.baseline.entries() {
        let mark = if stale.contains(entry) {
            " (no longer found)"
        } else {
            ""
        };
        let Entry {
            path,
            rule,
            scope,
            message,
            fingerprint,
        } = entry;
        let scope = if scope.is_empty() {
            String::new()
        } else {
            format!(" in {scope}")
        };
        writeln!(out, "{fingerprint} {path}: {rule}: {message}{scope}{mark}")?;
    }
    out.flush()?;
    Ok(())
}

fn say(message: &str) -> anyhow::Result<()> {
    writeln!(std::io::stdout(), "{message}")?;
    Ok(())
}
