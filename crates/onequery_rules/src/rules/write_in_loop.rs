//! Statements that write one row at a time.

use onequery_analysis::{Access, LoopSite};
use onequery_core::{Finding, RuleInfo, Severity};

use crate::registry::Rule;
use crate::story;

pub(crate) static WRITE_IN_LOOP: Rule = Rule {
    info: RuleInfo {
        id: "write-in-loop",
        summary: "rows are written one statement per element",
        cause: "each row is written where it is made or changed; nothing collects the rows to write them at once",
        docs: "\
## What it does
Flags a statement that inserts, updates or deletes and that is executed once per element of a loop, comprehension or \
callback.

## Why is this bad?
Each statement is a round trip, and often a transaction of its own with a wait for the disk.

## What to do instead
Collect the rows and write them with one statement. Bulk statements of some libraries skip hooks and signals; where the \
code depends on them, say so in the review.

## What it cannot see
Whether the next row needs what the one before returned, and whether each row's failure must stand alone.",
        weight: 2,
        severity: Severity::Warning,
        since: "0.1.0",
    },
    check,
};

fn check(site: &LoopSite, findings: &mut Vec<Finding>) {
    for query in site.queries.iter().filter(|query| query.access == Access::Write) {
        let headline = format!("`{}` writes {}", query.label, story::per(site));
        findings.push(story::finding(
            &WRITE_IN_LOOP.info,
            site,
            query,
            headline,
            query.remedy.clone(),
        ));
    }
}
