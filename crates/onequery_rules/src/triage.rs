//! Which findings are shown. Nothing vanishes: what is not shown is counted with its reason.

use std::collections::BTreeMap;

use onequery_core::{Confidence, FileId, Finding, Fingerprint};
use xxhash_rust::xxh3::xxh3_64;

/// What a run shows.
pub struct Policy<'p> {
    /// Findings below are counted, not shown.
    pub min_confidence: Confidence,
    /// Findings in test code are shown.
    pub include_tests: bool,
    /// Why a file's findings are not shown, for instance `"tests"`; `None` when they are.
    pub hidden_file: &'p (dyn Fn(FileId) -> Option<&'static str> + Sync),
    /// The file's path relative to the project root, for fingerprints.
    pub path: &'p (dyn Fn(FileId) -> &'p str + Sync),
}

/// The findings that are shown, and counts of the others by reason.
pub struct Triaged {
    /// Sorted by path, position and rule.
    pub shown: Vec<Finding>,
    /// Sorted by reason.
    pub hidden: Vec<(String, usize)>,
}

/// Sorts findings, gives them their fingerprints and decides which are shown.
#[must_use]
pub fn triage(mut findings: Vec<Finding>, policy: &Policy<'_>) -> Triaged {
    findings.sort_by(|a, b| (a.primary, a.rule, &a.message).cmp(&(b.primary, b.rule, &b.message)));
    // Two loops around one query may both report it; the first, which is the outermost, tells it whole.
    findings.dedup_by(|a, b| (a.primary, a.rule, &a.help) == (b.primary, b.rule, &b.help));
    identify(&mut findings, policy);
    let mut hidden: BTreeMap<String, usize> = BTreeMap::new();
    let mut shown = Vec::with_capacity(findings.len());
    for finding in findings {
        let reason = match (policy.hidden_file)(finding.primary.file) {
            Some(reason) => Some(format!("in {reason}")),
            None if finding.in_test && !policy.include_tests => Some("in tests".to_owned()),
            None if finding.confidence < policy.min_confidence => {
                Some(format!("only {}", finding.confidence.id()))
            }
            None => None,
        };
        match reason {
            Some(reason) => *hidden.entry(reason).or_default() += 1,
            None => shown.push(finding),
        }
    }
    Triaged {
        shown,
        hidden: hidden.into_iter().collect(),
    }
}

/// Gives each finding the hash of rule, path, scope and headline, and of its rank among equal ones.
///
/// The headline spells the query without its arguments, so neither moved lines nor reformatting change it.
fn identify(findings: &mut [Finding], policy: &Policy<'_>) {
    let mut seen: BTreeMap<u64, u32> = BTreeMap::new();
    for finding in findings {
        let path = (policy.path)(finding.primary.file);
        let key = [finding.rule, path, &finding.scope, &finding.message].join("\0");
        let rank = seen.entry(xxh3_64(key.as_bytes())).or_default();
        *rank += 1;
        finding.fingerprint = Fingerprint(xxh3_64(format!("{key}\0{rank}").as_bytes()));
    }
}
