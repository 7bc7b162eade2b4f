//! Who owns which files: tables of path patterns and owners, from `CODEOWNERS` or from the settings.
//!
//! What hosts document is the authority: GitHub's page "About code owners", and GitLab's "Syntax of CODEOWNERS file" and
//! "Advanced CODEOWNERS configuration". Paths are compared case by case, as both hosts do.

mod codeowners;
mod pattern;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use globset::{Glob, GlobSet};
use onequery_core::{FileId, Finding, Ownership, StepRole};

/// The host by whose rules a `CODEOWNERS` file is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// One list of patterns as in `.gitignore`, of which the last match counts. Source:
    /// <https://docs.github.com/en/repositories/managing-your-repositorys-settings-and-features/customizing-your-repository/about-code-owners>.
    Github,
    /// Sections of patterns as of `File::fnmatch`, of each of which the last match counts. Source:
    /// <https://docs.gitlab.com/user/project/codeowners/reference/>.
    Gitlab,
}

impl Dialect {
    /// The host's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Github => "GitHub",
            Self::Gitlab => "GitLab",
        }
    }
}

/// A line that a host does not take.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{line}:{column}: {message}")]
pub struct OwnersError {
    /// The line, counted from 1.
    pub line: usize,
    /// The column, counted from 1 in Unicode code points.
    pub column: usize,
    /// What is wrong with it, and what to do.
    pub message: String,
}

/// How many globs are matched at once. One automaton for the hundred thousand that fit into a file would be too large.
const SET: usize = 1_000;

/// Which owners some patterns give.
#[derive(Debug)]
struct Rule {
    /// The part of the file that it stands in. Each part gives the owners of one rule at most.
    section: usize,
    owners: Vec<String>,
    /// Files that it matches have no owners by this section, whatever its other rules say.
    excludes: bool,
}

/// A table of path patterns and owners.
#[derive(Debug, Default)]
pub struct Owners {
    /// The globs of all rules, in order, [`SET`] in each.
    sets: Vec<GlobSet>,
    /// The rule of each glob, in order.
    rule_of: Vec<usize>,
    rules: Vec<Rule>,
}

impl Owners {
    /// Reads a `CODEOWNERS` file as a host does. Lines that the host does not take are told besides; like the host, the
    /// table does without them.
    ///
    /// # Errors
    ///
    /// Patterns that are too many to be matched.
    pub fn parse(text: &str, dialect: Dialect) -> Result<(Self, Vec<OwnersError>), globset::Error> {
        let (rules, errors) = codeowners::parse(text, dialect);
        Ok((Self::new(rules)?, errors))
    }

    /// The table of patterns as in a `CODEOWNERS` file on GitHub, of which the last match counts. Nobody owns what a
    /// pattern without owners matches.
    ///
    /// # Errors
    ///
    /// What is no such pattern, see [`Owners::check_pattern`]; patterns that are too many to be matched.
    pub fn of_table<'t>(entries: impl IntoIterator<Item = (&'t str, &'t [String])>) -> Result<Self, String> {
        let rules = entries.into_iter().map(|(pattern, owners)| {
            let rule = Rule {
                section: 0,
                owners: owners.to_vec(),
                excludes: false,
            };
            Ok((rule, pattern::globs(pattern, Dialect::Github)?))
        });
        let rules = rules.collect::<Result<_, String>>()?;
        Self::new(rules).map_err(|error| error.to_string())
    }

    /// Whether a text is a pattern as in a `CODEOWNERS` file on GitHub.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn check_pattern(pattern: &str) -> Result<(), String> {
        pattern::globs(pattern, Dialect::Github).map(|_| ())
    }

    /// The table of some rules, each with the globs that together match its files.
    fn new(declared: Vec<(Rule, Vec<Glob>)>) -> Result<Self, globset::Error> {
        let (mut rules, mut globs, mut rule_of) = (Vec::new(), Vec::new(), Vec::new());
        for (rule, its_globs) in declared {
            rule_of.extend(its_globs.iter().map(|_| rules.len()));
            globs.extend(its_globs);
            rules.push(rule);
        }
        let sets = globs.chunks(SET).map(GlobSet::new).collect::<Result<_, _>>()?;
        Ok(Self { sets, rule_of, rules })
    }

    /// The owners of a file, in the order in which they are declared; none when nobody owns it. The path is relative to
    /// where the patterns begin, with `/` between its parts.
    #[must_use]
    pub fn of(&self, path: &str) -> Vec<&str> {
        // By section: the last rule that matches, or that one excludes the file.
        let mut verdicts: BTreeMap<usize, Option<&Rule>> = BTreeMap::new();
        // Sets give their globs, and so the rules, in order.
        let sets = (0..).step_by(SET).zip(&self.sets);
        let matches = sets.flat_map(|(first, set)| set.matches(path).into_iter().map(move |ix| first + ix));
        for glob in matches {
            let rule = &self.rules[self.rule_of[glob]];
            match verdicts.get(&rule.section) {
                Some(None) => {}
                _ => {
                    verdicts.insert(rule.section, (!rule.excludes).then_some(rule));
                }
            }
        }
        let mut owners = Vec::new();
        for owner in verdicts.values().flatten().flat_map(|rule| &rule.owners) {
            if !owners.contains(&owner.as_str()) {
                owners.push(owner);
            }
        }
        owners
    }

    /// All owners that the table names.
    #[must_use]
    pub fn names(&self) -> BTreeSet<&str> {
        let owners = self.rules.iter().flat_map(|rule| &rule.owners);
        owners.map(String::as_str).collect()
    }

    /// Says of findings who is responsible. `path` gives the path of a file as the patterns see it.
    ///
    /// The loop decides who is asked: a query is repeated there, and the remedy begins there.
    pub fn assign(&self, findings: &mut [Finding], path: &dyn Fn(FileId) -> String) {
        let mut known: BTreeMap<FileId, Vec<&str>> = BTreeMap::new();
        for finding in findings {
            // Outer loops come first, the one that is reported last. Findings about comments have no loop.
            let innermost = finding.steps.iter().rfind(|step| step.role == StepRole::Loop);
            let asked = innermost.map_or(finding.primary, |step| step.location).file;
            let steps = finding.steps.iter().map(|step| step.location.file);
            let mut ownership = Ownership::default();
            for file in [asked].into_iter().chain(steps) {
                let owners = known.entry(file).or_insert_with(|| self.of(&path(file)));
                for &owner in owners.iter() {
                    let is_new = !ownership
                        .asked
                        .iter()
                        .chain(&ownership.involved)
                        .any(|it| it == owner);
                    if file == asked && is_new {
                        ownership.asked.push(owner.to_owned());
                    } else if is_new {
                        ownership.involved.push(owner.to_owned());
                    }
                }
            }
            finding.owners = Some(ownership);
        }
    }
}

/// Whether the text of a `CODEOWNERS` file has headings of sections, which only GitLab knows.
#[must_use]
pub fn has_sections(text: &str) -> bool {
    codeowners::has_sections(text)
}

/// Whether two spellings mean the same owner: names of users, teams and domains have no case.
#[must_use]
pub fn is_same_owner(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b)
}
