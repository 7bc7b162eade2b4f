//! Which findings are shown. Nothing vanishes: what is not shown is counted with its reason.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use onequery_core::ir::FileIr;
use onequery_core::{Confidence, FileId, Finding, Fingerprint, Severity};
use xxhash_rust::xxh3::xxh3_64;

use crate::directives::Directives;

/// What a run shows.
pub struct Policy<'p> {
    /// Findings below are counted, not shown.
    pub min_confidence: Confidence,
    /// Likewise.
    pub min_severity: Severity,
    /// Findings in test code are shown.
    pub include_tests: bool,
    /// Comments for the analyzer must say why.
    pub require_reason: bool,
    /// Whether a rule is on for a file.
    pub is_on: &'p dyn Fn(&str, FileId) -> bool,
    /// How bad the findings of a rule are, where the project says so.
    pub severity: &'p dyn Fn(&str) -> Option<Severity>,
    /// Why a file's findings are not shown, for instance `"tests"`; `None` when they are.
    pub hidden_file: &'p dyn Fn(FileId) -> Option<&'static str>,
    /// The file's path relative to the project root, for fingerprints.
    pub path: &'p dyn Fn(FileId) -> &'p str,
    /// The lowered files, by [`FileId`].
    pub files: &'p [&'p FileIr],
    /// Why a finding is not new, for instance `"in the baseline"`; `None` when it is.
    pub known: &'p dyn Fn(&Finding) -> Option<&'static str>,
}

/// The findings that are shown, and counts of the others by reason.
pub struct Triaged {
    /// Sorted by path, position and rule.
    pub shown: Vec<Finding>,
    /// Sorted by reason.
    pub hidden: Vec<(String, usize)>,
}

/// Decides which findings are shown, those about the comments among them included. `findings` come from [`identify`].
#[must_use]
pub fn triage(mut findings: Vec<Finding>, policy: &Policy<'_>) -> Triaged {
    let mut hidden: BTreeMap<String, usize> = BTreeMap::new();
    let mut shown = Vec::with_capacity(findings.len());
    let files = (0..).map(FileId).zip(policy.files.iter().copied());
    let mut directives = Directives::of(files);
    let accepted: Vec<bool> = findings
        .iter()
        .map(|finding| directives.accept(finding))
        .collect();
    let about_comments = directives.findings(|file| policy.files[file.index()], policy.require_reason);
    findings.extend(identify(about_comments, policy.path));
    let accepted = accepted.into_iter().chain(std::iter::repeat(false));
    for (mut finding, is_accepted) in findings.into_iter().zip(accepted) {
        if let Some(severity) = (policy.severity)(finding.rule) {
            finding.severity = severity;
        }
        match policy.hides(&finding, is_accepted) {
            Some(reason) => *hidden.entry(reason).or_default() += 1,
            None => shown.push(finding),
        }
    }
    shown.sort_by(by_place);
    Triaged {
        shown,
        hidden: hidden.into_iter().collect(),
    }
}

impl Policy<'_> {
    /// Why a finding is not shown.
    fn hides(&self, finding: &Finding, is_accepted: bool) -> Option<String> {
        let file = finding.primary.file;
        if let Some(reason) = (self.hidden_file)(file) {
            Some(format!("in {reason}"))
        } else if finding.in_test && !self.include_tests {
            Some("in tests".to_owned())
        } else if !(self.is_on)(finding.rule, file) {
            Some("of rules that are off".to_owned())
        } else if finding.confidence < self.min_confidence {
            Some(format!("only {}", finding.confidence.id()))
        } else if finding.severity < self.min_severity {
            Some(format!("only {}s", finding.severity.id()))
        } else if is_accepted {
            Some("accepted by comments".to_owned())
        } else {
            (self.known)(finding).map(str::to_owned)
        }
    }
}

fn by_place(a: &Finding, b: &Finding) -> Ordering {
    (a.primary, a.rule, &a.message).cmp(&(b.primary, b.rule, &b.message))
}

/// What a finding is recognised by.
pub(crate) struct Identity<'f> {
    pub(crate) rule: &'f str,
    pub(crate) path: &'f str,
    pub(crate) scope: &'f str,
    pub(crate) message: &'f str,
}

/// Sorts findings, drops those that tell the same again, and gives them their fingerprints.
///
/// A fingerprint is the hash of rule, path, scope and headline, and of the rank among equal ones. The headline spells the
/// query without its arguments, so neither moved lines nor reformatting change it.
#[must_use]
pub fn identify<'p>(mut findings: Vec<Finding>, path: impl Fn(FileId) -> &'p str) -> Vec<Finding> {
    findings.sort_by(by_place);
    // Two loops around one query may both report it; the first, which is the outermost, tells it whole.
    findings.dedup_by(|a, b| (a.primary, a.rule, &a.help) == (b.primary, b.rule, &b.help));
    let mut seen: BTreeMap<Fingerprint, u32> = BTreeMap::new();
    for finding in &mut findings {
        let identity = Identity {
            rule: finding.rule,
            path: path(finding.primary.file),
            scope: &finding.scope,
            message: &finding.message,
        };
        let rank = seen.entry(fingerprint(&identity, 0)).or_default();
        *rank += 1;
        finding.fingerprint = fingerprint(&identity, *rank);
    }
    findings
}

/// The fingerprint of the finding of a rank, counted from 1, among those of one identity.
pub(crate) fn fingerprint(identity: &Identity<'_>, rank: u32) -> Fingerprint {
    let Identity {
        rule,
        path,
        scope,
        message,
    } = identity;
    Fingerprint(xxh3_64(
        [rule, path, scope, message, rank.to_string().as_str()]
            .join("\0")
            .as_bytes(),
    ))
}
