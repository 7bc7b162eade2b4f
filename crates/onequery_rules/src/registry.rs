//! All rules, and how they are run over all sites.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use onequery_analysis::LoopSite;
use onequery_core::ir::FileIr;
use onequery_core::{FileId, Finding, Fingerprint, Problem, ProblemKind, RuleInfo};
use rayon::prelude::*;

use crate::directives::{self, Directives};
use crate::identity::{by_place, identify};

/// A rule about loop sites: what it says about itself, and its question.
pub(crate) struct Rule {
    /// Documentation and defaults.
    pub(crate) info: RuleInfo,
    /// Asks one site and reports into the list.
    pub(crate) check: fn(&LoopSite, &mut Vec<Finding>),
}

/// The rules about loop sites, by id. A new rule is a new file in `rules/` and a line here.
static RULES: &[&Rule] = &[
    &crate::rules::commit_in_loop::COMMIT_IN_LOOP,
    &crate::rules::defeated_prefetch::DEFEATED_PREFETCH,
    &crate::rules::deferred_field_in_loop::DEFERRED_FIELD_IN_LOOP,
    &crate::rules::fk_object_for_id::FK_OBJECT_FOR_ID,
    &crate::rules::invariant_query_in_loop::INVARIANT_QUERY_IN_LOOP,
    &crate::rules::lazy_relation_in_loop::LAZY_RELATION_IN_LOOP,
    &crate::rules::query_in_loop::QUERY_IN_LOOP,
    &crate::rules::query_in_recursion::QUERY_IN_RECURSION,
    &crate::rules::write_in_loop::WRITE_IN_LOOP,
];

/// All rules, sorted by id.
pub fn rules() -> impl Iterator<Item = &'static RuleInfo> {
    let mut rules: Vec<&RuleInfo> = RULES.iter().map(|rule| &rule.info).collect();
    rules.extend(directives::RULES);
    rules.sort_by_key(|rule| rule.id);
    rules.into_iter()
}

/// The rule of an id.
#[must_use]
pub fn rule(id: &str) -> Option<&'static RuleInfo> {
    rules().find(|rule| rule.id == id)
}

/// The known word that was probably meant by one that is not known.
pub fn nearest<'w>(word: &str, known: impl Iterator<Item = &'w str>) -> Option<&'w str> {
    const ALIKE: f64 = 0.8;
    let likeness = |other: &str| strsim::jaro_winkler(word, other);
    known
        .map(|other| (likeness(other), other))
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, other)| other)
}

/// What rules say of a program.
#[derive(Default)]
pub struct Found {
    /// All findings with their fingerprints, those about comments included, sorted by file, position and rule.
    pub findings: Vec<Finding>,
    /// Those that comments in the code accept.
    pub accepted: BTreeSet<Fingerprint>,
    /// Rules that failed, with their sites.
    pub problems: Vec<(FileId, Problem)>,
}

impl Found {
    /// The same with fingerprints as if files were called otherwise.
    #[must_use]
    pub fn renamed<'p>(mut self, path: &dyn Fn(FileId) -> &'p str) -> Self {
        let before: Vec<Fingerprint> = self.findings.iter().map(|finding| finding.fingerprint).collect();
        identify(&mut self.findings, path);
        let now = self.findings.iter().map(|finding| finding.fingerprint);
        let renamed = before
            .iter()
            .zip(now)
            .filter(|(before, _)| self.accepted.contains(before));
        self.accepted = renamed.map(|(_, now)| now).collect();
        self
    }
}

/// Asks every rule about every site, and holds what they say against the comments in the code. A rule that panics costs
/// its site and is reported. `files` and `path` are by [`FileId`]; with `require_reason` comments have to say why.
#[must_use]
pub fn check<'p>(
    sites: &[LoopSite],
    files: &[&FileIr],
    path: &dyn Fn(FileId) -> &'p str,
    require_reason: bool,
) -> Found {
    let checked: Vec<_> = sites.par_iter().map(check_site).collect();
    let (mut findings, mut problems) = (Vec::new(), Vec::new());
    for (found, trouble) in checked {
        findings.extend(found);
        problems.extend(trouble);
    }
    identify(&mut findings, path);
    let mut directives = Directives::of(files);
    let accepted = findings
        .iter()
        .filter(|finding| directives.accept(finding))
        .map(|finding| finding.fingerprint)
        .collect();
    let mut about_comments = directives.findings(require_reason);
    identify(&mut about_comments, path);
    findings.extend(about_comments);
    findings.sort_by(by_place);
    Found {
        findings,
        accepted,
        problems,
    }
}

fn check_site(site: &LoopSite) -> (Vec<Finding>, Vec<(FileId, Problem)>) {
    let (mut findings, mut problems) = (Vec::new(), Vec::new());
    for rule in RULES {
        let mut found = Vec::new();
        match catch_unwind(AssertUnwindSafe(|| (rule.check)(site, &mut found))) {
            Ok(()) => findings.append(&mut found),
            Err(_) => {
                let message = format!("rule `{}` failed here; please report this", rule.info.id);
                let span = site.location.span;
                problems.push((
                    site.location.file,
                    Problem {
                        kind: ProblemKind::Internal,
                        span,
                        message,
                    },
                ));
            }
        }
    }
    (findings, problems)
}

#[cfg(test)]
mod tests {
    use super::rules;

    #[test]
    fn rules_are_sorted_and_documented() {
        assert!(rules().is_sorted_by_key(|rule| rule.id));
        for info in rules() {
            assert!(
                info.id.chars().all(|c| c.is_ascii_lowercase() || c == '-'),
                "{}",
                info.id
            );
            assert!(!info.summary.ends_with('.'), "{}: a summary is a phrase", info.id);
            for heading in ["## What it does", "## Why is this bad?", "## What it cannot see"] {
                assert!(info.docs.contains(heading), "{} lacks `{heading}`", info.id);
            }
        }
    }
}
