//! What findings are recognised by from run to run.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use onequery_core::{FileId, Finding, Fingerprint};
use xxhash_rust::xxh3::xxh3_64;

/// The order in which findings are told.
pub(crate) fn by_place(a: &Finding, b: &Finding) -> Ordering {
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
pub(crate) fn identify<'p>(findings: &mut Vec<Finding>, path: &dyn Fn(FileId) -> &'p str) {
    findings.sort_by(by_place);
    // Two loops around one query may both report it; the first, which is the outermost, tells it whole.
    findings.dedup_by(|a, b| (a.primary, a.rule, &a.help) == (b.primary, b.rule, &b.help));
    let mut seen: BTreeMap<Fingerprint, u32> = BTreeMap::new();
    for finding in findings {
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
