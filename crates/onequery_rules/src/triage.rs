//! Which findings are shown. Nothing vanishes: what is not shown is counted with its reason.

use std::collections::BTreeMap;

use onequery_core::{Confidence, FileId, Finding, Severity, UNOWNED};

use crate::owners::is_same_owner;
use crate::registry::Found;

/// What a run shows.
pub struct Policy<'p> {
    /// Findings below are counted, not shown.
    pub min_confidence: Confidence,
    /// Likewise.
    pub min_severity: Severity,
    /// Findings in test code are shown.
    pub include_tests: bool,
    /// Whether a rule is on for a file.
    pub is_on: &'p dyn Fn(&str, FileId) -> bool,
    /// How bad the findings of a rule are, where the project says so.
    pub severity: &'p dyn Fn(&str) -> Option<Severity>,
    /// Why a file's findings are not shown, for instance `"tests"`; `None` when they are.
    pub hidden_file: &'p dyn Fn(FileId) -> Option<&'static str>,
    /// Only findings that one of these is asked to mend are shown, [`UNOWNED`] for those that nobody is; all of them
    /// when it is empty.
    pub owners: &'p [String],
    /// Why a finding is not new, for instance `"in the baseline"`; `None` when it is.
    pub known: &'p dyn Fn(&Finding) -> Option<&'static str>,
    /// What is demanded of a finding.
    pub mandate: &'p dyn Fn(&Finding) -> Mandate,
}

/// What is demanded of a finding that rules, files, confidence and comments let pass.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Mandate {
    /// It is shown if it is new.
    #[default]
    New,
    /// It is shown, known or not, for a reason such as `"the budget of search is consumed"`.
    Any(String),
    /// It is not shown, for a reason such as `"allowed by the budget of search"`.
    Nothing(String),
}

/// The findings that are shown, and counts of the others by reason.
pub struct Triaged {
    /// Sorted by path, position and rule.
    pub shown: Vec<Finding>,
    /// Sorted by reason.
    pub hidden: Vec<(String, usize)>,
}

/// Decides which findings are shown. `found` is sorted, and so is what is shown of it.
#[must_use]
pub fn triage(found: &Found, policy: &Policy<'_>) -> Triaged {
    let mut hidden: BTreeMap<String, usize> = BTreeMap::new();
    let mut shown = Vec::new();
    for finding in &found.findings {
        let mut finding = finding.clone();
        if let Some(severity) = (policy.severity)(finding.rule) {
            finding.severity = severity;
        }
        let is_accepted = found.accepted.contains(&finding.fingerprint);
        match policy
            .hides(&finding, is_accepted)
            .map_or_else(|| policy.answers(&finding), Err)
        {
            Err(reason) => *hidden.entry(reason).or_default() += 1,
            Ok(reinstated) => {
                finding.reinstated = reinstated;
                shown.push(finding);
            }
        }
    }
    Triaged {
        shown,
        hidden: hidden.into_iter().collect(),
    }
}

impl Policy<'_> {
    /// Why a finding is not shown, whether it is new or known.
    fn hides(&self, finding: &Finding, is_accepted: bool) -> Option<String> {
        let file = finding.primary.file;
        if let Some(reason) = (self.hidden_file)(file) {
            Some(format!("in {reason}"))
        } else if !self.asks_for(finding) {
            Some("of other owners".to_owned())
        } else if finding.in_test && !self.include_tests {
            Some("in tests".to_owned())
        } else if !(self.is_on)(finding.rule, file) {
            Some("of rules that are off".to_owned())
        } else if finding.confidence < self.min_confidence {
            Some(format!("only {}", finding.confidence.id()))
        } else if finding.severity < self.min_severity {
            Some(format!("only {}s", finding.severity.id()))
        } else {
            is_accepted.then(|| "accepted by comments".to_owned())
        }
    }

    /// Whether a finding that nothing else hides is shown: why it is although it is known, or why it is not.
    fn answers(&self, finding: &Finding) -> Result<Option<String>, String> {
        match ((self.known)(finding), (self.mandate)(finding)) {
            (None, Mandate::New | Mandate::Any(_)) => Ok(None),
            (Some(_), Mandate::Any(reason)) => Ok(Some(reason)),
            (Some(known), Mandate::New | Mandate::Nothing(_)) => Err(known.to_owned()),
            (None, Mandate::Nothing(reason)) => Err(reason),
        }
    }

    /// Whether the owners of a finding are among those whose findings are shown.
    fn asks_for(&self, finding: &Finding) -> bool {
        let asked = finding.owners.as_ref().map_or(&[][..], |owners| &owners.asked);
        let is_wanted = |wanted: &String| {
            asked.iter().any(|owner| is_same_owner(owner, wanted)) || (asked.is_empty() && wanted == UNOWNED)
        };
        self.owners.is_empty() || self.owners.iter().any(is_wanted)
    }
}
