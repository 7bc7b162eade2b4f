//! The boring backlog: all findings, grouped by what mends them, the most worthwhile first.

use std::collections::BTreeMap;

use onequery_core::{Confidence, EntryKind, FileId, Finding, Fingerprint, Item, Location, StepRole};

use crate::registry::rule;

/// What was seen of a running program: how often its code was called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// Calls by the name of an entry: a route, a task.
    pub entries: BTreeMap<String, u64>,
    /// Calls by file and the last part of the function's qualified name.
    pub functions: BTreeMap<(String, String), u64>,
    /// Lines, counted from 1, that were executed, by file. Files that are not in it were not looked at.
    pub executed: BTreeMap<String, Vec<u32>>,
}

impl Evidence {
    /// How often a finding's code was called; `None` when nothing is known. `line` is that of its primary place.
    fn calls(&self, finding: &Finding, path: &str, line: u32) -> Option<u64> {
        let entry = finding.entry.as_ref();
        let by_entry = entry.and_then(|entry| self.entries.get(route(&entry.name)));
        let function = finding.scope.rsplit('.').next().unwrap_or_default();
        let by_function = || self.functions.get(&(path.to_owned(), function.to_owned()));
        let by_line = || {
            self.executed
                .get(path)
                .map(|lines| u64::from(lines.contains(&line)))
        };
        by_entry.or_else(by_function).copied().or_else(by_line)
    }
}

/// A route as all frameworks and traces spell it alike: without anchors and outer slashes.
#[must_use]
pub fn route(name: &str) -> &str {
    name.trim_start_matches('^')
        .trim_end_matches('$')
        .trim_matches('/')
}

/// Groups findings by root cause and orders them by expected cost. `place` gives the path of a file and a line in it.
#[must_use]
pub fn backlog<'p>(
    findings: Vec<Finding>,
    evidence: &Evidence,
    place: &dyn Fn(Location) -> (&'p str, u32),
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
    let mut items: Vec<Item> = groups
        .into_iter()
        .map(|(root, mut found)| {
            found.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| key(&a.2).cmp(&key(&b.2))));
            Item {
                key: found
                    .iter()
                    .map(|(.., finding)| finding.fingerprint)
                    .min()
                    .unwrap_or_default(),
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
/// who started it by hand, loops in loops before one loop, commits before writes before reads, what is proven before what
/// is likely. Evidence multiplies: what is never called costs next to nothing.
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
    let once = reached * sure * statement * LOOP.pow(around);
    once.saturating_mul(calls.map_or(1, u128::from))
}
