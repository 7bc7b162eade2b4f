//! What a project says of itself: `onequery.toml`, `[tool.onequery]` in `pyproject.toml`, or
//! `[workspace.metadata.onequery]` or `[package.metadata.onequery]` in `Cargo.toml`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::ValueEnum;
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use onequery_core::UNOWNED;
use onequery_rules::nearest;
use onequery_rules::owners::Owners;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serialize, Serializer};
use toml::Spanned;

use crate::budget::settings::{BudgetSettings, DebtSettings, SloSettings};
use crate::cli::{Include, Level, SeverityLevel};
use crate::entries::{Entered, FunctionPattern};

/// Settings of onequery: which rules are on, what is reported, which findings are known.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
#[schemars(title = "onequery")]
pub(crate) struct Settings {
    /// The rules that are on; all of them when this is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) select: Option<Vec<RuleId>>,
    /// Rules that are on besides those of `select`.
    pub(crate) extend_select: Vec<RuleId>,
    /// Rules that are off.
    pub(crate) ignore: Vec<RuleId>,
    /// Rules that are off in some files, by pattern as in `.gitignore`.
    pub(crate) per_file_ignores: BTreeMap<Pattern, Vec<RuleId>>,
    /// How bad the findings of a rule are.
    pub(crate) severity: BTreeMap<RuleId, SeverityLevel>,
    /// Lowest confidence that is shown; `likely` unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) min_confidence: Option<Level>,
    /// Lowest severity that is shown; `note` unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) min_severity: Option<SeverityLevel>,
    /// Kinds of code that are reported on although they are left out by default.
    pub(crate) include: Vec<Include>,
    /// Files that are not reported on, as patterns of `.gitignore`. They are still read where others need them.
    pub(crate) exclude: Vec<Pattern>,
    /// Files that describe the project's own data layer, in the form of the embedded catalogues; relative to this file.
    pub(crate) catalogs: Vec<PathBuf>,
    /// Functions that the world outside calls, and how, by pattern: `"shop/jobs/*.py:nightly" = "task"`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) entry_points: BTreeMap<FunctionPattern, Entered>,
    /// Comments for onequery must say why.
    pub(crate) require_reason: bool,
    /// The file of known findings, relative to this file; `onequery-baseline.txt` unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) baseline: Option<PathBuf>,
    /// How `CODEOWNERS` is read; as the repository suggests unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) codeowners: Option<Codeowners>,
    /// Who owns which files, by pattern as in `CODEOWNERS` on GitHub, instead of `CODEOWNERS`. The last pattern counts.
    #[serde(skip_serializing_if = "OwnerTable::is_empty")]
    pub(crate) owners: OwnerTable,
    /// What services promise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) slo: Option<SloSettings>,
    /// How much of the error budgets is left, and what follows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) budget: Option<BudgetSettings>,
    /// Where debt budgets are written down.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) debt: Option<DebtSettings>,
}

/// By whose rules `CODEOWNERS` is read.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Codeowners {
    /// As on GitHub
    Github,
    /// As on GitLab
    Gitlab,
    /// Not at all
    Off,
}

/// The id of a rule that exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub(crate) struct RuleId(pub(crate) &'static str);

impl RuleId {
    /// The rule of an id.
    pub(crate) fn parse(id: &str) -> Result<Self, String> {
        let known = onequery_rules::rule(id).map(|rule| Self(rule.id));
        known.ok_or_else(|| {
            let near = nearest(id, onequery_rules::rules().map(|rule| rule.id));
            let hint = near.map_or_else(
                || "`onequery rules` lists them".to_owned(),
                |near| format!("did you mean `{near}`?"),
            );
            format!("there is no rule `{id}`; {hint}")
        })
    }
}

impl<'de> Deserialize<'de> for RuleId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl JsonSchema for RuleId {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Rule".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let ids: Vec<&str> = onequery_rules::rules().map(|rule| rule.id).collect();
        json_schema!({ "description": "The id of a rule.", "type": "string", "enum": ids })
    }
}

/// A pattern of `.gitignore` that can be read as one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(transparent)]
pub(crate) struct Pattern(String);

impl Pattern {
    /// Reads a pattern.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let pattern = Self(text.to_owned());
        matcher([&pattern]).map(|_| pattern)
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

fn matcher<'p>(patterns: impl IntoIterator<Item = &'p Pattern>) -> Result<Gitignore, String> {
    let mut builder = GitignoreBuilder::new("");
    for pattern in patterns {
        builder
            .add_line(None, &pattern.0)
            .map_err(|error| error.to_string())?;
    }
    builder.build().map_err(|error| error.to_string())
}

/// Which of some paths patterns match, with those of the folders above.
#[derive(Debug)]
pub(crate) struct Matcher(Gitignore);

impl Matcher {
    /// Compiles patterns that were read one by one.
    pub(crate) fn new<'p>(patterns: impl IntoIterator<Item = &'p Pattern>) -> anyhow::Result<Self> {
        matcher(patterns).map(Self).map_err(anyhow::Error::msg)
    }

    /// Whether a file's path, relative to the root, is matched.
    pub(crate) fn matches(&self, path: &str) -> bool {
        !self.0.is_empty() && self.0.matched_path_or_any_parents(path, false).is_ignore()
    }
}

/// Path patterns with their owners, in the order of the file, which decides between patterns that match alike.
#[derive(Clone, Debug, Default, JsonSchema)]
#[schemars(with = "BTreeMap<String, Vec<String>>")]
pub(crate) struct OwnerTable(Vec<(String, Vec<String>)>);

impl OwnerTable {
    /// Whether nothing is said of owners.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The patterns with their owners.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.0
            .iter()
            .map(|(pattern, owners)| (pattern.as_str(), owners.as_slice()))
    }
}

impl<'de> Deserialize<'de> for OwnerTable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let table: BTreeMap<OwnedFiles, Spanned<Vec<OwnerName>>> = BTreeMap::deserialize(deserializer)?;
        let mut entries: Vec<_> = table.into_iter().collect();
        entries.sort_by_key(|(_, owners)| owners.span().start);
        let entries = entries.into_iter().map(|(OwnedFiles(pattern), owners)| {
            let owners = owners.into_inner().into_iter().map(|OwnerName(name)| name);
            (pattern, owners.collect())
        });
        Ok(Self(entries.collect()))
    }
}

impl Serialize for OwnerTable {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.entries())
    }
}

/// A pattern as in `CODEOWNERS` on GitHub.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct OwnedFiles(String);

impl<'de> Deserialize<'de> for OwnedFiles {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let pattern = String::deserialize(deserializer)?;
        Owners::check_pattern(&pattern).map_err(D::Error::custom)?;
        Ok(Self(pattern))
    }
}

/// The name of an owner: one word, since reports list owners with spaces between them.
struct OwnerName(String);

impl<'de> Deserialize<'de> for OwnerName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let is_word = !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c.is_control());
        if !is_word {
            return Err(D::Error::custom(
                "an owner is one word without spaces, for instance `@team`",
            ));
        }
        if name == UNOWNED {
            return Err(D::Error::custom(format!(
                "no owner can be called `{UNOWNED}`; an empty list says it"
            )));
        }
        Ok(Self(name))
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PyProject {
    tool: Tool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Manifest {
    workspace: Member,
    package: Member,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Member {
    metadata: Tool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Tool {
    onequery: Option<Settings>,
}

/// Reads the settings out of a file's text; `None` when the file has none.
type Reader = fn(&str) -> Result<Option<Settings>, toml::de::Error>;

/// Where settings may stand in a project's root, and how they are read: the first that has some counts alone.
const HOMES: [(&str, Reader); 3] = [
    ("onequery.toml", |text| toml::from_str(text).map(Some)),
    ("pyproject.toml", |text| {
        toml::from_str(text).map(|file: PyProject| file.tool.onequery)
    }),
    ("Cargo.toml", |text| {
        toml::from_str(text).map(|file: Manifest| {
            file.workspace
                .metadata
                .onequery
                .or(file.package.metadata.onequery)
        })
    }),
];

/// The settings of the project in a folder, with the file that they stand in.
///
/// # Errors
///
/// What cannot be read as settings, with its place. A manifest that is odd in other ways is none of our business.
pub(crate) fn of_project(root: &Path) -> anyhow::Result<Option<(PathBuf, Settings)>> {
    for (name, read) in HOMES {
        let path = root.join(name);
        let is_own = name == "onequery.toml";
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if is_own && path.exists() => {
                return Err(anyhow::Error::from(error).context(path.display().to_string()));
            }
            Err(_) => continue,
        };
        if is_own || has_settings(&text) {
            match read(&text) {
                Ok(Some(settings)) => return Ok(Some((path, settings))),
                Ok(None) => {}
                Err(error) => return Err(explained(&path, &error)),
            }
        }
    }
    Ok(None)
}

/// The settings in a file that was named.
pub(crate) fn of_file(path: &Path) -> anyhow::Result<Settings> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let name = path.file_name().and_then(|name| name.to_str());
    let home = HOMES.iter().find(|(home, _)| name == Some(home));
    let (_, read) = home.unwrap_or(&HOMES[0]);
    let settings = read(&text).map_err(|error| explained(path, &error))?;
    settings.with_context(|| format!("{} has no settings of onequery", path.display()))
}

/// Whether a manifest has a table of settings; one that is odd in other ways is none of our business.
fn has_settings(manifest: &str) -> bool {
    manifest.lines().any(|line| {
        let line = line.trim_start();
        line.starts_with('[') && (line.contains("tool.onequery") || line.contains("metadata.onequery"))
    })
}

/// Whether settings stand in a folder.
pub(crate) fn are_in(folder: &Path) -> bool {
    folder.join("onequery.toml").is_file()
        || ["pyproject.toml", "Cargo.toml"]
            .iter()
            .any(|name| std::fs::read_to_string(folder.join(name)).is_ok_and(|text| has_settings(&text)))
}

/// A mistake with its place, and with what was probably meant.
fn explained(path: &Path, error: &toml::de::Error) -> anyhow::Error {
    // Serde names the word that it does not know first, between backticks.
    let word = error.message().split('`').nth(1).unwrap_or_default();
    let is_key = error.message().starts_with("unknown field");
    let known = if is_key { keys() } else { values() };
    let near = nearest(word, known.iter().map(String::as_str));
    // What is said of rules says what was meant.
    let hint = near.filter(|_| !error.message().starts_with("there is no rule"));
    let hint = hint.map_or_else(String::new, |near| format!("did you mean `{near}`?\n"));
    anyhow::anyhow!("{}: {error}{hint}", path.display())
}

/// The schema of the settings.
pub(crate) fn schema() -> Schema {
    schemars::schema_for!(Settings)
}

/// The keys of the settings.
fn keys() -> Vec<String> {
    let schema = schema();
    let properties = schema
        .get("properties")
        .and_then(|properties| properties.as_object());
    properties
        .into_iter()
        .flat_map(|properties| properties.keys().cloned())
        .collect()
}

/// The words that settings may have as values, rules excepted, which speak for themselves.
fn values() -> Vec<String> {
    fn words<V: ValueEnum + 'static>() -> impl Iterator<Item = String> {
        let values = V::value_variants().iter().filter_map(V::to_possible_value);
        values.map(|value| value.get_name().to_owned())
    }
    words::<Level>()
        .chain(words::<SeverityLevel>())
        .chain(words::<Include>())
        .chain(words::<Codeowners>())
        .chain(words::<Entered>())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, part: &str) {
        let error = toml::from_str::<Settings>(text).expect_err("the settings are wrong");
        let message = explained(Path::new("onequery.toml"), &error).to_string();
        assert!(message.contains(part), "{message}");
    }

    #[test]
    fn mistakes_are_told_with_their_place_and_what_was_meant() {
        check("selct = []", "line 1, column 1");
        check("selct = []", "did you mean `select`?");
        check("\nselect = ['query-in-lop']", "line 2, column 10");
        check("select = ['query-in-lop']", "did you mean `query-in-loop`?");
        check("select = ['nope']", "`onequery rules` lists them\n");
        check("min-confidence = 'likly'", "did you mean `likely`?");
        check("include = ['test']", "did you mean `tests`?");
        check("include = 'tests'", "expected a sequence");
        check("exclude = ['[z-a]']", "line 1, column 11");
        check("require-reason = 1", "expected a boolean");
        check("[severity]\nquery-in-loop = 'eror'", "did you mean `error`?");
    }

    #[test]
    fn patterns_are_those_of_gitignore() {
        let matches = |pattern: &str, path: &str| {
            let pattern = Pattern::parse(pattern).expect("the pattern is one");
            Matcher::new([&pattern])
                .expect("the pattern is one")
                .matches(path)
        };
        assert!(matches("legacy", "shop/legacy/views.py"));
        assert!(matches("/shop/*.py", "shop/views.py"));
        assert!(!matches("/views.py", "shop/views.py"));
        assert!(matches("**/views.py", "shop/views.py"));
    }
}
