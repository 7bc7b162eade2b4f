//! A project, analysed as a command asks for: what all commands that look at findings share.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use onequery_core::{FileId, Finding, Fingerprint, Outcome, Problem, ProblemKind, RuleInfo, RunStats};
use onequery_reporter::Positions;
use onequery_rules::{Found, Mandate, Policy, Triaged, triage};
use rayon::prelude::*;

use crate::cache::Cache;
use crate::cache::results::Conclusion;
use crate::cli::{Include, Selection};
use crate::config::Config;
use crate::discover::relative;
use crate::listed::Listed;
use crate::owners::ProjectOwners;
use crate::pipeline::{self, Live, Run};
use crate::progress::Progress;
use crate::scope::Scope;
use crate::{complain, project};

/// What is to be analysed.
pub(crate) struct Target {
    /// The project's root.
    pub(crate) root: PathBuf,
    pub(crate) config: Config,
    pub(crate) scope: Scope,
    pub(crate) cache: Cache,
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
        let mut scope = Scope::new(&config.settings.include, &config.settings.exclude, within)?;
        scope.whole_files = selection.whole_files;
        let owners = ProjectOwners::of(&root, &config.settings, config.origin.as_deref())?;
        for owner in &config.owner {
            let owners = owners.as_ref().with_context(|| {
                format!("nothing says what `{owner}` owns: there is no CODEOWNERS, and no `owners` in the settings")
            })?;
            owners.ensure_known(owner)?;
        }
        Ok(Some(Self {
            cache: if selection.whole_files {
                Cache::off()
            } else {
                Cache::of(&root, &selection.cache)
            },
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
        let listed = self.list();
        self.analyze_listed(&listed)
    }

    /// Lists its files, and reads those that are reported on.
    pub(crate) fn list(&self) -> Listed {
        Listed::of(&self.root, &self.scope)
    }

    /// Analyses its files.
    ///
    /// # Errors
    ///
    /// As of [`Target::analyze`].
    pub(crate) fn analyze_listed(self, listed: &Listed) -> anyhow::Result<Session> {
        let progress = Progress::start("analysing the project");
        let analyzed = pipeline::run(listed, &self.scope, &self.config, &self.cache)?;
        drop(progress);
        self.cache.tell_of_trouble();
        self.into_session(analyzed)
    }

    /// Analyses it, to do so again when its texts change.
    ///
    /// # Errors
    ///
    /// As of [`Target::analyze`].
    pub(crate) fn follow(self) -> anyhow::Result<(Session, Live)> {
        let mut live = Live::of(&self.root, &self.scope, &self.config, &self.cache)?;
        self.cache.tell_of_trouble();
        let analyzed = live.run(&self.scope, &self.config);
        Ok((self.into_session(analyzed)?, live))
    }

    fn into_session(self, (run, conclusion): (Run, Conclusion)) -> anyhow::Result<Session> {
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
        let mut session = Session {
            root: self.root,
            config: self.config,
            scope: self.scope,
            owners: self.owners,
            run,
            found: Found::default(),
            problems: Vec::new(),
            n_guards: 0,
            failed,
        };
        session.take(conclusion);
        session.failed |= session
            .problems
            .iter()
            .any(|(_, problem)| problem.kind.is_failure());
        Ok(session)
    }
}

/// Decides which findings are shown. `path` and `hidden` are by [`FileId`]; `known` says why a finding is not new, and
/// `mandate` what is demanded of it.
pub(crate) fn triaged<'p>(
    config: &Config,
    (path, hidden): (&dyn Fn(FileId) -> &'p str, &[Option<&'static str>]),
    found: &Found,
    known: &dyn Fn(&Finding) -> Option<&'static str>,
    mandate: &dyn Fn(&Finding) -> Mandate,
) -> Triaged {
    let policy = Policy {
        min_confidence: config.min_confidence(),
        min_severity: config.min_severity(),
        include_tests: config.includes(Include::Tests),
        is_on: &|rule, file| config.is_on(rule, path(file)),
        severity: &|rule| config.severity(rule),
        hidden_file: &|file| hidden[file.index()],
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
    pub(crate) run: Run,
    /// All that rules say, whether shown or not.
    pub(crate) found: Found,
    /// Sorted by file.
    pub(crate) problems: Vec<(FileId, Problem)>,
    /// How many tests count statements.
    pub(crate) n_guards: usize,
    /// Part of the job could not be done.
    pub(crate) failed: bool,
}

impl Session {
    /// Takes what is said of the run, and says whom it concerns.
    fn take(&mut self, conclusion: Conclusion) {
        let Conclusion {
            found,
            problems,
            n_guards,
            ..
        } = conclusion;
        (self.found, self.problems, self.n_guards) = (found, problems, n_guards);
        self.problems.extend(self.run.reading.iter().cloned());
        self.problems.sort();
        if let Some(owners) = &self.owners {
            let path = |file| self.run.sources.get(file).path.as_str();
            owners.assign(&mut self.found.findings, &path);
        }
    }

    /// Takes other texts for some files, with what is odd about them, and analyses again.
    pub(crate) fn replace(&mut self, live: &mut Live, texts: Vec<(FileId, String, Vec<Problem>)>) {
        live.replace(texts, &self.config.entries);
        let (run, conclusion) = live.run(&self.scope, &self.config);
        self.run = run;
        self.take(conclusion);
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
        let path = |file| self.run.sources.get(file).path.as_str();
        triaged(
            &self.config,
            (&path, &self.run.hidden),
            &self.found,
            known,
            mandate,
        )
    }

    /// The path of a finding's file.
    pub(crate) fn path(&self, finding: &Finding) -> &str {
        &self.run.sources.get(finding.primary.file).path
    }

    /// What the reporters are told.
    pub(crate) fn outcome(&self, triaged: Triaged, millis: u128) -> Outcome<'_> {
        let read = self.run.sources.0.par_iter().zip(&self.run.hidden);
        let reported = read.filter(|(_, hidden)| hidden.is_none());
        let (files, lines) = reported
            .map(|(source, _)| (1, source.text.lines().count()))
            .reduce(|| (0, 0), |a, b| (a.0 + b.0, a.1 + b.1));
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
