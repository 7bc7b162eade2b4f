//! Who owns the files of a project: what `CODEOWNERS` or the settings say, found and read.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use onequery_core::{FileId, Finding, Sources, UNOWNED};
use onequery_rules::nearest;
use onequery_rules::owners::{Dialect, Owners, has_sections, is_same_owner};

use crate::discover::relative;
use crate::settings::{Codeowners, Settings};

/// The file's name on both hosts.
const FILE: &str = "CODEOWNERS";

/// GitHub loads no file of 3 MB or more; see the source at [`Dialect::Github`].
const MAX_BYTES: usize = 3 << 20;

/// How many lines that a host does not take are told.
const MAX_TOLD: usize = 20;

/// Where a host looks for the file, in this order, below the top of the repository. Sources: the page named at
/// [`Dialect::Github`]; for GitLab <https://gitlab.com/gitlab-org/gitlab/-/issues/366394>.
const fn folders(dialect: Dialect) -> [&'static str; 3] {
    match dialect {
        Dialect::Github => [".github", "", "docs"],
        Dialect::Gitlab => ["", "docs", ".gitlab"],
    }
}

/// What only projects on a host have at the top of their repository.
const fn marks(dialect: Dialect) -> &'static [&'static str] {
    match dialect {
        Dialect::Github => &[".github"],
        Dialect::Gitlab => &[".gitlab", ".gitlab-ci.yml"],
    }
}

/// Who owns the files of a project.
pub(crate) struct ProjectOwners {
    reading: Reading,
    /// What another host would read, when nothing tells which one the project is on.
    other: Option<Reading>,
    /// What stands before a path of the project in one that patterns are held against: the way from the top of the
    /// repository to the project's root.
    prefix: String,
    /// Lines that the host does not take, with their places.
    pub(crate) complaints: Vec<String>,
}

/// What one file says.
struct Reading {
    owners: Owners,
    path: PathBuf,
    /// By whose rules; `None` for settings.
    dialect: Option<Dialect>,
}

impl ProjectOwners {
    /// Finds out who owns the files of the project in `root`; `None` when nothing says so. `origin` is the file of the
    /// settings.
    ///
    /// # Errors
    ///
    /// A file that cannot be read, is too large for its host, or is named in the settings and not there.
    pub(crate) fn of(
        root: &Path,
        settings: &Settings,
        origin: Option<&Path>,
    ) -> anyhow::Result<Option<Self>> {
        let mut complaints = Vec::new();
        if !settings.owners.is_empty() {
            ensure!(
                matches!(settings.codeowners, None | Some(Codeowners::Off)),
                "the settings name owners in `owners` and in `codeowners`; keep one of them"
            );
            let owners = Owners::of_table(settings.owners.entries()).map_err(anyhow::Error::msg)?;
            return Ok(Some(Self {
                reading: Reading {
                    owners,
                    path: origin.unwrap_or(root).to_owned(),
                    dialect: None,
                },
                other: None,
                prefix: String::new(),
                complaints,
            }));
        }
        let top = root.ancestors().find(|folder| folder.join(".git").exists());
        let top = top.unwrap_or(root);
        let (reading, other) = match settings.codeowners {
            Some(Codeowners::Off) => (None, None),
            Some(Codeowners::Github) => (Some(named(top, Dialect::Github, &mut complaints)?), None),
            Some(Codeowners::Gitlab) => (Some(named(top, Dialect::Gitlab, &mut complaints)?), None),
            None => guessed(top, &mut complaints)?,
        };
        let prefix = relative(top, root);
        let prefix = if prefix.is_empty() { prefix } else { prefix + "/" };
        Ok(reading.map(|reading| Self {
            reading,
            other,
            prefix,
            complaints,
        }))
    }

    /// Makes sure that the files of the project have the same owners whichever host it is on.
    ///
    /// # Errors
    ///
    /// A file that has others.
    pub(crate) fn ensure_certain(&self, sources: &Sources) -> anyhow::Result<()> {
        let Some(other) = &self.other else { return Ok(()) };
        for source in &sources.0 {
            let path = self.spelt(&source.path);
            let [here, there] = [&self.reading, other].map(|reading| reading.owners.of(&path));
            if here != there {
                bail!(
                    "{path} is owned by {} and by {}; say which host the project is on, \
                     with `codeowners = \"github\"` or `codeowners = \"gitlab\"` in the settings",
                    self.reading.told(&here),
                    other.told(&there),
                );
            }
        }
        Ok(())
    }

    /// Says of findings who is responsible.
    pub(crate) fn assign<'p>(&self, findings: &mut [Finding], path: &dyn Fn(FileId) -> &'p str) {
        self.reading
            .owners
            .assign(findings, &|file| self.spelt(path(file)));
    }

    /// Makes sure that somebody who is asked for is an owner.
    ///
    /// # Errors
    ///
    /// Nobody is called so, perhaps by a slip.
    pub(crate) fn ensure_known(&self, owner: &str) -> anyhow::Result<()> {
        let names = self.reading.owners.names();
        if owner == UNOWNED || names.iter().any(|name| is_same_owner(name, owner)) {
            return Ok(());
        }
        let hint = nearest(owner, names.into_iter()).map_or_else(
            || format!("`--owner {UNOWNED}` shows what nobody owns"),
            |near| format!("did you mean `{near}`?"),
        );
        bail!("{} has no owner `{owner}`; {hint}", self.reading.path.display())
    }

    /// A path of the project as patterns see it.
    fn spelt(&self, path: &str) -> String {
        format!("{}{path}", self.prefix)
    }
}

impl Reading {
    /// Owners by this reading, for people.
    fn told(&self, owners: &[&str]) -> String {
        let owners = if owners.is_empty() {
            "nobody".to_owned()
        } else {
            owners.join(" and ")
        };
        let host = self.dialect.map_or("", Dialect::name);
        format!("{owners} as {host} reads {}", self.path.display())
    }
}

/// The file of a host.
fn found(top: &Path, dialect: Dialect) -> Option<PathBuf> {
    let paths = folders(dialect).map(|folder| top.join(folder).join(FILE));
    paths.into_iter().find(|path| path.is_file())
}

/// What the file of a host says that the settings name.
fn named(top: &Path, dialect: Dialect, complaints: &mut Vec<String>) -> anyhow::Result<Reading> {
    let path = found(top, dialect).with_context(|| {
        let folders = folders(dialect).map(|folder| Path::new(folder).join(FILE).display().to_string());
        format!(
            "the settings say `codeowners`, and there is no {} in {}",
            folders.join(", "),
            top.display()
        )
    })?;
    read(path, dialect, complaints)
}

/// What the file of the host says that the project is on, as far as the repository tells: by where the file is, by
/// sections, or by what else the host has there. Otherwise what both hosts would read.
fn guessed(top: &Path, complaints: &mut Vec<String>) -> anyhow::Result<(Option<Reading>, Option<Reading>)> {
    let (github, gitlab) = match [Dialect::Github, Dialect::Gitlab].map(|dialect| found(top, dialect)) {
        [None, None] => return Ok((None, None)),
        [Some(path), None] => return Ok((Some(read(path, Dialect::Github, complaints)?), None)),
        [None, Some(path)] => return Ok((Some(read(path, Dialect::Gitlab, complaints)?), None)),
        [Some(github), Some(gitlab)] => (github, gitlab),
    };
    let is_on = |dialect| marks(dialect).iter().any(|mark| top.join(mark).exists());
    let is_sectioned = has_sections(&text(&gitlab)?);
    let readings = match (is_on(Dialect::Github), is_on(Dialect::Gitlab)) {
        _ if is_sectioned => (Some(read(gitlab, Dialect::Gitlab, complaints)?), None),
        (false, true) => (Some(read(gitlab, Dialect::Gitlab, complaints)?), None),
        (true, false) => (Some(read(github, Dialect::Github, complaints)?), None),
        _ => {
            let other = read(gitlab, Dialect::Gitlab, &mut Vec::new())?;
            let reading = read(github, Dialect::Github, complaints)?;
            if !complaints.is_empty() {
                complaints.push(format!(
                    "nothing tells which host the project is on, so {} is read as GitHub does; \
                     with `codeowners = \"gitlab\"` in the settings it is read as GitLab does",
                    reading.path.display()
                ));
            }
            (Some(reading), Some(other))
        }
    };
    Ok(readings)
}

/// Reads a file by the rules of a host.
fn read(path: PathBuf, dialect: Dialect, complaints: &mut Vec<String>) -> anyhow::Result<Reading> {
    let text = text(&path)?;
    let shown = path.display();
    ensure!(
        dialect != Dialect::Github || text.len() < MAX_BYTES,
        "{shown} has {} bytes, and GitHub loads no file of {MAX_BYTES} or more; \
         let fewer patterns match more, or say `codeowners = \"off\"` in the settings",
        text.len()
    );
    let (owners, errors) = Owners::parse(&text, dialect).with_context(|| shown.to_string())?;
    let told = errors.iter().take(MAX_TOLD);
    complaints.extend(told.map(|error| format!("{shown}:{error}")));
    if let Some(n @ 1..) = errors.len().checked_sub(MAX_TOLD) {
        complaints.push(format!("{shown}: {n} more lines are not valid"));
    }
    Ok(Reading {
        owners,
        path,
        dialect: Some(dialect),
    })
}

/// A file's text, which has to be UTF-8 as on both hosts.
fn text(path: &Path) -> anyhow::Result<String> {
    let shown = || path.display().to_string();
    let bytes = std::fs::read(path).with_context(shown)?;
    String::from_utf8(bytes).map_err(|error| {
        let valid =
            String::from_utf8_lossy(&error.as_bytes()[..error.utf8_error().valid_up_to()]).into_owned();
        let line = valid.split('\n').count();
        let column = valid.rsplit('\n').next().map_or(0, |line| line.chars().count()) + 1;
        anyhow::anyhow!(
            "{}:{line}:{column}: this is not UTF-8; save the file as UTF-8",
            shown()
        )
    })
}
