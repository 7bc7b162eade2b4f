//! What is in force for a run: the project's settings, with those of the command line on top.

use std::path::{Path, PathBuf};

use onequery_analysis::Catalogs;
use onequery_core::{Confidence, Severity};

use crate::catalogs;
use crate::cli::{Include, Level, Selection, SeverityLevel};
use crate::entries::Entries;
use crate::settings::{self, Matcher, RuleId, Settings};

/// What is in force.
pub(crate) struct Config {
    /// The settings, merged.
    pub(crate) settings: Settings,
    /// Where the project's part of them stands.
    pub(crate) origin: Option<PathBuf>,
    /// Whose findings are shown; everybody's when it is empty.
    pub(crate) owner: Vec<String>,
    pub(crate) entries: Entries,
    per_file_ignores: Vec<(Matcher, Vec<RuleId>)>,
}

impl Config {
    /// Reads the settings of the project in `root`.
    ///
    /// # Errors
    ///
    /// What cannot be read as settings, with its place.
    pub(crate) fn of(root: &Path, selection: &Selection) -> anyhow::Result<Self> {
        let (origin, mut settings) = match &selection.config {
            Some(path) => (Some(path.clone()), settings::of_file(path)?),
            None if selection.isolated => (None, Settings::default()),
            None => match settings::of_project(root)? {
                Some((path, settings)) => (Some(path), settings),
                None => (None, Settings::default()),
            },
        };
        if let Some(select) = &selection.select {
            settings.select = Some(select.clone());
            settings.extend_select.clear();
            settings.ignore.clear();
        }
        settings.extend_select.extend(&selection.extend_select);
        settings.ignore.extend(&selection.ignore);
        settings.include.extend(&selection.include);
        settings.exclude.extend(selection.exclude.iter().cloned());
        settings.min_confidence = selection.min_confidence.or(settings.min_confidence);
        settings.min_severity = selection.min_severity.or(settings.min_severity);
        let per_file_ignores = settings
            .per_file_ignores
            .iter()
            .map(|(pattern, rules)| Ok((Matcher::new([pattern])?, rules.clone())))
            .collect::<anyhow::Result<_>>()?;
        Ok(Self {
            entries: Entries::new(&settings.entry_points)?,
            settings,
            origin,
            owner: selection.owner.clone(),
            per_file_ignores,
        })
    }

    /// Whether a rule is on for a file.
    pub(crate) fn is_on(&self, rule: &str, path: &str) -> bool {
        let names = |rules: &[RuleId]| rules.iter().any(|id| id.0 == rule);
        let is_selected = self.settings.select.as_deref().is_none_or(names);
        let ignored_there = || {
            self.per_file_ignores
                .iter()
                .any(|(files, rules)| names(rules) && files.matches(path))
        };
        (is_selected || names(&self.settings.extend_select))
            && !names(&self.settings.ignore)
            && !ignored_there()
    }

    /// How bad the findings of a rule are, where the project says so.
    pub(crate) fn severity(&self, rule: &str) -> Option<Severity> {
        let known = self.settings.severity.iter().find(|(id, _)| id.0 == rule);
        known.map(|(_, &level)| level.into())
    }

    pub(crate) fn min_confidence(&self) -> Confidence {
        self.settings.min_confidence.unwrap_or(Level::Likely).into()
    }

    pub(crate) fn min_severity(&self) -> Severity {
        self.settings.min_severity.unwrap_or(SeverityLevel::Note).into()
    }

    /// Whether a kind of code is reported on.
    pub(crate) fn includes(&self, kind: Include) -> bool {
        self.settings.include.contains(&kind)
    }

    /// The embedded catalogues and the project's own.
    ///
    /// # Errors
    ///
    /// A catalogue that cannot be read, with the place of the mistake.
    pub(crate) fn catalogs(&self) -> anyhow::Result<Catalogs> {
        Ok(catalogs::with_own(&self.own_catalogs()?)?)
    }

    /// The project's own catalogues as `(file name, text)` pairs.
    ///
    /// # Errors
    ///
    /// One that cannot be read.
    pub(crate) fn own_catalogs(&self) -> anyhow::Result<Vec<(String, String)>> {
        let paths = self.settings.catalogs.iter().map(|path| self.beside_origin(path));
        paths
            .map(|path| {
                let text = std::fs::read_to_string(&path)
                    .map_err(|error| anyhow::anyhow!("{}: {error}", path.display()))?;
                Ok((path.to_string_lossy().into_owned(), text))
            })
            .collect()
    }

    /// A path that the settings name, which is relative to where they stand.
    pub(crate) fn beside_origin(&self, path: &Path) -> PathBuf {
        let folder = self.origin.as_deref().and_then(Path::parent);
        folder.map_or_else(|| path.to_owned(), |folder| folder.join(path))
    }
}
