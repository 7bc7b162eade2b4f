//! Transactions that end once per element.

use onequery_analysis::{Access, LoopSite};
use onequery_core::{Finding, RuleInfo, Severity};

use crate::registry::Rule;
use crate::story;

pub(crate) static COMMIT_IN_LOOP: Rule = Rule {
    info: RuleInfo {
        id: "commit-in-loop",
        summary: "a transaction is committed once per element",
        cause: "the transaction ends inside of the loop; nothing collects the changes to end it once",
        docs: "\
## What it does
Flags a commit that is executed once per element of a loop, comprehension or callback.

## Why is this bad?
A commit waits for the disk. Some sessions also forget their objects at a commit, so that each round loads them again.

## What to do instead
Commit once after the loop, or once per batch.

## What it cannot see
Whether every element has to be durable before the next one starts.",
        weight: 5,
        severity: Severity::Warning,
        since: "0.1.0",
    },
    check,
};

fn check(site: &LoopSite, findings: &mut Vec<Finding>) {
    for query in site.queries.iter().filter(|query| query.access == Access::Commit) {
        let headline = format!("`{}` commits {}", query.label, story::per(site));
        findings.push(story::finding(
            &COMMIT_IN_LOOP.info,
            site,
            query,
            headline,
            query.remedy.clone(),
        ));
    }
}
