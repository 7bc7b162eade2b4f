//! All rules, and how they are run over all sites.

use std::panic::{AssertUnwindSafe, catch_unwind};

use onequery_analysis::LoopSite;
use onequery_core::{FileId, Finding, Problem, ProblemKind, RuleInfo};
use rayon::prelude::*;

use crate::rules;

/// A rule: what it says about itself, and its question.
pub struct Rule {
    /// Documentation and defaults.
    pub info: RuleInfo,
    /// Asks one site and reports into the list.
    pub(crate) check: fn(&LoopSite, &mut Vec<Finding>),
}

/// All rules, by id. A new rule is a new file in `rules/` and a line here.
pub static RULES: &[&Rule] = &[
    &rules::commit_in_loop::COMMIT_IN_LOOP,
    &rules::defeated_prefetch::DEFEATED_PREFETCH,
    &rules::deferred_field_in_loop::DEFERRED_FIELD_IN_LOOP,
    &rules::fk_object_for_id::FK_OBJECT_FOR_ID,
    &rules::invariant_query_in_loop::INVARIANT_QUERY_IN_LOOP,
    &rules::lazy_relation_in_loop::LAZY_RELATION_IN_LOOP,
    &rules::query_in_loop::QUERY_IN_LOOP,
    &rules::query_in_recursion::QUERY_IN_RECURSION,
    &rules::write_in_loop::WRITE_IN_LOOP,
];

/// Asks every rule about every site. A rule that panics costs its site and is reported.
#[must_use]
pub fn check(sites: &[LoopSite]) -> (Vec<Finding>, Vec<(FileId, Problem)>) {
    let checked: Vec<_> = sites.par_iter().map(check_site).collect();
    let (mut findings, mut problems) = (Vec::new(), Vec::new());
    for (found, trouble) in checked {
        findings.extend(found);
        problems.extend(trouble);
    }
    (findings, problems)
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
    use super::RULES;

    #[test]
    fn rules_are_sorted_and_documented() {
        assert!(RULES.is_sorted_by_key(|rule| rule.info.id));
        for rule in RULES {
            let info = rule.info;
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
