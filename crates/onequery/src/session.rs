//! A project, analysed as a command asks for: what all commands that look at findings share.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use onequery_analysis::Catalogs;
use onequery_core::{FileId, Finding, Fingerprint, Outcome, Problem, ProblemKind, RuleInfo, RunStats};
use onequery_reporter::Positions;
use onequery_rules::{Found, Mandate, Policy, Triaged, triage};

use crate::cli::{Include, Selection};
use crate::config::Config;
use crate::discover::relative;
use crate::owners::ProjectOwners;
use crate::pipeline::{self, Run};
use crate::progress::Progress;
use crate::scope::Scope;
use crate::{complain, project};

/// What is to be analysed.
pub(crate) struct Target {
    /// The project's root.
    pub(crate) root: PathBuf,
    pub(crate) config: Config,
    pub(crate) scope: Scope,
    owners: Option<ProjectOwners>,
    /// A path that was asked for is not there.
    pub(crate) failed: bool,
}

impl Target {
    /// Finds the project that a command is about, and its settings; `None` when none of its paths is there.
    ///
    /// # Errors
    ///
    /// Settings or owners that cannot be read, an owner that does not exist.
    pub(crate) fn of(selection: &Selection) -> anyhow::Result<Option<Self>> {
        let (paths, failed) = existing(&selection.paths);
        if paths.is_empty() {
            return Ok(None);
        }
        let root = project::root_of(&paths);
        let config = Config::of(&root, selection)?;
        let within = paths.iter().map(|path| relative(&root, path)).collect();
        let scope = Scope::new(&config.settings.include, &config.settings.exclude, within)?;
        let owners = ProjectOwners::of(&root, &config.settings, config.origin.as_deref())?;
        for owner in &config.owner {
            let owners = owners.as_ref().with_context(|| {
                format!("nothing says what `{owner}` owns: there is no CODEOWNERS, and no `owners` in the settings")
            })?;
            owners.ensure_known(owner)?;
        }
        Ok(Some(Self {
            root,
            config,
            scope,
            owners,
            failed,
        }))
    }

    /// A path that the settings name, or that stands in the root if there are none.
    pub(crate) fn named(&self, path: &Path) -> PathBuf {
        match self.config.origin {
            Some(_) => self.config.beside_origin(path),
            None => self.root.join(path),
        }
    }

    /// Analyses it.
    ///
    /// # Errors
    ///
    /// Catalogues of the project that cannot be read, owners that depend on the host.
    pub(crate) fn analyze(self) -> anyhow::Result<Session> {
        let catalogs = self.config.catalogs()?;
        let progress = Progress::start("analysing the project");
        let run = pipeline::run(&self.root, &self.scope, &catalogs);
        drop(progress);
        let mut failed = self.failed;
        for error in &run.errors {
            complain(error);
            failed = true;
        }
        if let Some(owners) = &self.owners {
            owners.ensure_certain(&run.sources)?;
            owners.complaints.iter().for_each(|complaint| complain(complaint));
            failed |= !owners.complaints.is_empty();
        }
        let (found, problems) = conclude(&run, &self.config, self.owners.as_ref());
        failed |= problems.iter().any(|(_, problem)| problem.kind.is_failure());
        Ok(Session {
            root: self.root,
            config: self.config,
            scope: self.scope,
            owners: self.owners,
            catalogs,
            run,
            found,
            problems,
            failed,
        })
    }
}

/// What rules say of a run and whom it concerns, and all that could not be done.
fn conclude(run: &Run, config: &Config, owners: Option<&ProjectOwners>) -> (Found, Vec<(FileId, Problem)>) {
    let path = |file| run.sources.get(file).path.as_str();
    let mut found = run.found(&path, config.settings.require_reason);
    if let Some(owners) = owners {
        owners.assign(&mut found.findings, &path);
    }
    let mut problems = std::mem::take(&mut found.problems);
    problems.extend(run.file_problems.iter().chain(&run.analysis.problems).cloned());
    problems.sort();
    (found, problems)
}

/// Decides which findings of a run are shown. `known` says why one is not new, and `mandate` what is demanded of it.
pub(crate) fn triaged(
    config: &Config,
    run: &Run,
    found: &Found,
    known: &dyn Fn(&Finding) -> Option<&'static str>,
    mandate: &dyn Fn(&Finding) -> Mandate,
) -> Triaged {
    let path = |file| run.sources.get(file).path.as_str();
    let policy = Policy {
        min_confidence: config.min_confidence(),
        min_severity: config.min_severity(),
        include_tests: config.includes(Include::Tests),
        is_on: &|rule, file| config.is_on(rule, path(file)),
        severity: &|rule| config.severity(rule),
        hidden_file: &|file| run.hidden[file.index()],
        owners: &config.owner,
        known,
        mandate,
    };
    triage(found, &policy)
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

/// An analysed project.
pub(crate) struct Session {
    /// The project's root.
    pub(crate) root: PathBuf,
    pub(crate) config: Config,
    pub(crate) scope: Scope,
    owners: Option<ProjectOwners>,
    catalogs: Catalogs,
    pub(crate) run: Run,
    /// All that rules say, whether shown or not.
    pub(crate) found: Found,
    /// Sorted by file.
    pub(crate) problems: Vec<(FileId, Problem)>,
    /// Part of the job could not be done.
    pub(crate) failed: bool,
}

impl Session {
    /// Takes other texts for some files, and analyses again.
    pub(crate) fn replace(&mut self, texts: Vec<(FileId, String)>) {
        self.run.replace(texts, &self.scope, &self.catalogs);
        (self.found, self.problems) = conclude(&self.run, &self.config, self.owners.as_ref());
    }

    /// Decides which findings are shown. `known` says why one is not new.
    pub(crate) fn triage(&self, known: &dyn Fn(&Finding) -> Option<&'static str>) -> Triaged {
        self.triage_under(known, &|_| Mandate::New)
    }

    /// Decides which findings are shown where more may be demanded than that they are not new.
    pub(crate) fn triage_under(
        &self,
        known: &dyn Fn(&Finding) -> Option<&'static str>,
        mandate: &dyn Fn(&Finding) -> Mandate,
    ) -> Triaged {
        triaged(&self.config, &self.run, &self.found, known, mandate)
    }

    /// The path of a finding's file.
    pub(crate) fn path(&self, finding: &Finding) -> &str {
        &self.run.sources.get(finding.primary.file).path
    }

    /// What the reporters are told.
    pub(crate) fn outcome(&self, triaged: Triaged, millis: u128) -> Outcome<'_> {
        let reported = self
            .run
            .sources
            .0
            .iter()
            .zip(&self.run.hidden)
            .filter(|(_, hidden)| hidden.is_none())
            .map(|(source, _)| source);
        let (files, lines) = reported.fold((0, 0), |(files, lines), source| {
            (files + 1, lines + source.text.lines().count())
        });
        let mut skipped = self.run.skipped.clone();
        for (_, problem) in &self.problems {
            match problem.kind {
                ProblemKind::TooLarge => *skipped.entry("too large").or_default() += 1,
                ProblemKind::Unreadable => *skipped.entry("unreadable").or_default() += 1,
                _ => {}
            }
        }
        let rules: Vec<RuleInfo> = onequery_rules::rules().copied().collect();
        Outcome {
            version: env!("CARGO_PKG_VERSION"),
            findings: triaged.shown,
            problems: self.problems.clone(),
            rules,
            sources: &self.run.sources,
            stats: RunStats {
                files,
                files_indexed_only: self.run.sources.0.len() - files,
                lines,
                hidden: triaged.hidden,
                skipped: skipped
                    .into_iter()
                    .map(|(reason, n)| (reason.to_owned(), n))
                    .collect(),
                millis,
            },
            trends: Vec::new(),
        }
    }

    /// A path as a person is told of it: relative to the root, if it lies there.
    pub(crate) fn shown_path(&self, path: &Path) -> String {
        path.strip_prefix(&self.root)
            .unwrap_or(path)
            .display()
            .to_string()
    }
}

/// The findings that a person asks about.
pub(crate) enum Asked {
    /// One, wherever it is.
    Fingerprint(Fingerprint),
    /// Those at a line, counted from 1, of a file.
    Line(PathBuf, u32),
}

impl Asked {
    /// Reads `0123456789abcdef`, or `shop/views.py:14`, behind which a column may follow.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if let Some(fingerprint) = Fingerprint::parse(text) {
            return Some(Self::Fingerprint(fingerprint));
        }
        let (before, last) = text.rsplit_once(':')?;
        let last = last.parse().ok()?;
        let with_column = before
            .rsplit_once(':')
            .and_then(|(path, line)| Some((path, line.parse().ok()?)));
        let (path, line) = with_column.unwrap_or((before, last));
        Some(Self::Line(path.into(), line))
    }

    /// Those findings, at least one.
    ///
    /// # Errors
    ///
    /// There is none.
    pub(crate) fn find(&self, session: &Session) -> anyhow::Result<Vec<Finding>> {
        let all = session.found.findings.iter().cloned();
        let found: Vec<Finding> = match self {
            Self::Fingerprint(fingerprint) => all
                .filter(|finding| finding.fingerprint == *fingerprint)
                .collect(),
            Self::Line(path, line) => {
                let path = path.canonicalize().with_context(|| path.display().to_string())?;
                let positions = Positions::new(&session.run.sources);
                let is_there = |finding: &Finding| positions.place(finding.primary).line == *line;
                all.filter(|finding| session.root.join(session.path(finding)) == path && is_there(finding))
                    .collect()
            }
        };
        anyhow::ensure!(!found.is_empty(), "there is no finding `{self}`");
        Ok(found)
    }
}

impl std::fmt::Display for Asked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Fingerprint(fingerprint) => fingerprint.fmt(f),
            Self::Line(path, line) => write!(f, "{}:{line}", path.display()),
        }
    }
}
