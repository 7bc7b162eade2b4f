//! The boring backlog: all findings, grouped by what mends them, the most worthwhile first.

use std::collections::BTreeMap;

use onequery_core::{Confidence, EntryKind, FileId, Finding, Fingerprint, Item, Location, StepRole};

use crate::identity::{Identity, fingerprint};
use crate::registry::rule;

/// What was seen of a running program: how often its code was called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// Calls by the name of an entry: a route, a task.
    pub entries: BTreeMap<String, u64>,
    /// Calls by file and the function's qualified name.
    pub functions: BTreeMap<(String, String), u64>,
    /// Calls by file and the function's own name, where nothing more was told.
    pub names: BTreeMap<(String, String), u64>,
    /// How often a profile saw a function of which it told no file, by its qualified name.
    pub frames: BTreeMap<String, u64>,
    /// Whether the statement that begins at a line, counted from 1, was executed, by file. Files that are not in it were not
    /// looked at.
    pub executed: BTreeMap<String, BTreeMap<u32, bool>>,
    /// Statements with how often the database was sent each.
    pub statements: Vec<(String, u64)>,
}

impl Evidence {
    /// How often a finding's code was called; `None` when nothing is known. `line` is that of its primary place.
    fn calls(&self, finding: &Finding, path: &str, line: u32) -> Option<u64> {
        self.by_entry(finding, path)
            .or_else(|| self.by_function(finding, path))
            .or_else(|| self.by_statement(finding))
            .or_else(|| {
                // A statement of several lines is known by its first.
                let (_, &is_executed) = self.executed.get(path)?.range(..=line).next_back()?;
                Some(u64::from(is_executed))
            })
    }

    /// A route may be mounted below others, and a task may be named after its module.
    fn by_entry(&self, finding: &Finding, path: &str) -> Option<u64> {
        let name = route(&finding.entry.as_ref()?.name);
        if let Some(&calls) = self.entries.get(name) {
            return Some(calls);
        }
        let module = path.trim_end_matches(".py").replace('/', ".");
        let is_static = |part: &str| !part.is_empty() && !part.contains(['<', '{', ':', '(']);
        let says_enough = name.split('/').any(is_static);
        let is_below = |seen: &str| {
            let mounted = seen
                .strip_suffix(name)
                .is_some_and(|before| before.ends_with('/'));
            let of_module = seen
                .strip_suffix(name)
                .and_then(|before| before.strip_suffix('.'))
                .is_some_and(|before| module == before || module.ends_with(&format!(".{before}")));
            (mounted && says_enough) || of_module
        };
        let seen = self.entries.iter().filter(|(seen, _)| is_below(seen));
        let calls: Vec<u64> = seen.map(|(_, calls)| *calls).collect();
        (!calls.is_empty()).then(|| calls.iter().fold(0, |sum: u64, calls| sum.saturating_add(*calls)))
    }

    /// A method is not another class's of the same name, unless nothing but its name was told.
    fn by_function(&self, finding: &Finding, path: &str) -> Option<u64> {
        let scope = finding.scope.as_str();
        let last = scope.rsplit('.').next().unwrap_or_default();
        let told = |name: &str| (path.to_owned(), name.to_owned());
        let in_frames = || {
            let spelled = scope.replace('.', "::");
            let ends = |frame: &str, name: &str| {
                frame
                    .strip_suffix(name)
                    .is_some_and(|before| before.is_empty() || before.ends_with(['.', ':']))
            };
            let is_qualified = scope.contains('.');
            let seen = self.frames.iter().filter(|(frame, _)| {
                let is_it = ends(frame, scope) || ends(frame, &spelled);
                !scope.is_empty() && is_it && (is_qualified || in_module(frame, path))
            });
            seen.map(|(_, calls)| calls).max()
        };
        let by_name = || self.names.get(&told(last));
        self.functions
            .get(&told(scope))
            .or_else(by_name)
            .or_else(in_frames)
            .copied()
    }

    /// The statements about a table that is called as what the finding asks for.
    fn by_statement(&self, finding: &Finding) -> Option<u64> {
        let asked = &finding.steps.last()?.message;
        let asked = asked.split('`').nth(1)?;
        let words = asked.split(|c: char| !c.is_alphanumeric() && c != '_');
        let names: Vec<String> = words
            .filter(|word| word.len() > 2)
            .map(|word| word.to_lowercase().replace('_', ""))
            .collect();
        let is_asked = |table: &str| {
            let plain = table.replace('_', "");
            names.iter().any(|name| {
                let singular = plain.strip_suffix('s').unwrap_or(&plain);
                plain == *name || singular == name || table.ends_with(&format!("_{name}"))
            })
        };
        let about = self
            .statements
            .iter()
            .filter(|(sql, _)| tables(sql).any(|table| is_asked(&table)));
        let calls: Vec<u64> = about.map(|(_, calls)| *calls).collect();
        (!calls.is_empty()).then(|| calls.iter().fold(0, |sum: u64, calls| sum.saturating_add(*calls)))
    }
}

/// Whether the path of a function's module could be that of a file: `shop::loads::load` of `src/loads.rs`.
fn in_module(frame: &str, path: &str) -> bool {
    let mut parts = frame.rsplit(['.', ':']).filter(|part| !part.is_empty());
    let module = parts.nth(1);
    let stem = |part: &str| {
        part.rsplit_once('.')
            .map_or(part.to_owned(), |(stem, _)| stem.to_owned())
    };
    let mut folders: Vec<String> = path.split('/').map(stem).collect();
    folders.reverse();
    let own = folders
        .iter()
        .find(|part| !["mod", "lib", "main", "__init__"].contains(&part.as_str()));
    module.is_some() && own.map(String::as_str) == module
}

/// The tables that a statement names, in lower case, without their schemas.
fn tables(sql: &str) -> impl Iterator<Item = String> {
    let words = sql.split_whitespace();
    let before = std::iter::once("").chain(sql.split_whitespace());
    before.zip(words).filter_map(|(before, word)| {
        let names_table = ["from", "join", "into", "update"].contains(&before.to_lowercase().as_str());
        let word = word.trim_matches(|c: char| !c.is_alphanumeric() && c != '"' && c != '_');
        let last = word.rsplit('.').next().unwrap_or(word);
        names_table.then(|| last.trim_matches(['"', '`']).to_lowercase())
    })
}

/// A route as all frameworks and traces spell it alike: without anchors and outer slashes.
#[must_use]
pub fn route(name: &str) -> &str {
    name.trim_start_matches('^')
        .trim_end_matches('$')
        .trim_matches('/')
}

/// Groups findings by root cause and orders them by expected cost. `place` gives the path of a file and a line in it, `text`
/// what is written at a place.
#[must_use]
pub fn backlog<'p>(
    findings: Vec<Finding>,
    evidence: &Evidence,
    place: &dyn Fn(Location) -> (&'p str, u32),
    text: &dyn Fn(Location) -> &'p str,
) -> Vec<Item> {
    let mut groups: BTreeMap<Location, Vec<(u128, Option<u64>, Finding)>> = BTreeMap::new();
    for finding in findings {
        let (path, line) = place(finding.primary);
        let calls = evidence.calls(&finding, path, line);
        let cost = cost(&finding, calls);
        groups
            .entry(root(&finding))
            .or_default()
            .push((cost, calls, finding));
    }
    let mut seen: BTreeMap<Fingerprint, u32> = BTreeMap::new();
    let mut items: Vec<Item> = groups
        .into_iter()
        .map(|(root, mut found)| {
            found.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| key(&a.2).cmp(&key(&b.2))));
            // Another layout is the same text.
            let words: String = text(root).split_whitespace().collect();
            let words = words.replace(",)", ")").replace(",]", "]");
            let scope = found
                .first()
                .map_or("", |(.., finding)| finding.root_scope.as_str());
            let identity = Identity {
                rule: "",
                path: place(root).0,
                scope,
                message: &words,
            };
            let rank = seen.entry(fingerprint(&identity, 0)).or_default();
            *rank += 1;
            Item {
                key: fingerprint(&identity, *rank),
                root,
                cost: found.iter().map(|(cost, ..)| cost).sum(),
                calls: found.iter().filter_map(|(_, calls, _)| *calls).max(),
                findings: found.into_iter().map(|(.., finding)| finding).collect(),
            }
        })
        .collect();
    items.sort_by(|a, b| b.cost.cmp(&a.cost).then_with(|| a.root.cmp(&b.root)));
    items
}

fn key(finding: &Finding) -> (FileId, Location, Fingerprint) {
    (finding.primary.file, finding.primary, finding.fingerprint)
}

/// Where the change belongs that mends a finding: the query of rows that lack something, or else the query that repeats.
fn root(finding: &Finding) -> Location {
    let lacks = finding.steps.iter().any(|step| step.role == StepRole::Load);
    let origin = finding.steps.iter().find(|step| step.role == StepRole::Origin);
    match (origin, finding.steps.last()) {
        (Some(origin), _) if lacks => origin.location,
        (_, Some(last)) => last.location,
        (_, None) => finding.primary,
    }
}

/// What a finding is expected to cost, in points.
///
/// The weights say what comes before what, not how many milliseconds: somebody who waits before a worker before a person
/// who started it by hand, loops in loops before one loop, loops without a limit before those with one, commits before writes
/// before reads, what is proven before what is likely. Evidence multiplies: what is never called costs next to nothing.
fn cost(finding: &Finding, calls: Option<u64>) -> u128 {
    const LOOP: u128 = 10;
    const MOST_LOOPS: u32 = 4;
    let reached = match finding.entry.as_ref().map(|entry| entry.kind) {
        Some(EntryKind::Request) => 100,
        Some(EntryKind::Task | EntryKind::Event) => 30,
        Some(EntryKind::Command) => 10,
        Some(EntryKind::Script) => 3,
        None => 5,
    };
    let sure = match finding.confidence {
        Confidence::Proven => 10,
        Confidence::Likely => 6,
        Confidence::Possible => 2,
    };
    let loops = finding
        .steps
        .iter()
        .filter(|step| step.role == StepRole::Loop)
        .count();
    let around = u32::try_from(loops.saturating_sub(1))
        .unwrap_or(MOST_LOOPS)
        .min(MOST_LOOPS);
    let statement = rule(finding.rule).map_or(1, |rule| u128::from(rule.weight));
    let endless = if finding.limited { 1 } else { 2 };
    let once = reached * sure * statement * endless * LOOP.pow(around);
    once.saturating_mul(calls.map_or(1, u128::from))
}
