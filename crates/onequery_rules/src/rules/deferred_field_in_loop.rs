//! Columns that a query left out and a loop reads.

use onequery_analysis::{LoopSite, ReadKind};
use onequery_core::{Finding, RuleInfo, Severity};

use crate::registry::Rule;
use crate::story;

pub(crate) static DEFERRED_FIELD_IN_LOOP: Rule = Rule {
    info: RuleInfo {
        id: "deferred-field-in-loop",
        summary: "a column that the query left out is loaded once per row",
        cause: "the query of the rows was told to leave the column out, for another reader than this one",
        docs: "\
## What it does
Flags reading a column in a loop over rows whose query left it out (`only`, `defer`, `load_only`).

## Why is this bad?
Leaving out a column was meant to save time. Each row that reads it asks for it with a query of its own.

## What to do instead
Load the column with the rows.

## What it cannot see
Columns that are read in functions that the loop calls.",
        weight: 1,
        severity: Severity::Warning,
        since: "0.1.0",
    },
    check,
};

fn check(site: &LoopSite, findings: &mut Vec<Finding>) {
    for query in &site.queries {
        let kind = query.relation.as_ref().map(|relation| &relation.kind);
        if kind == Some(&ReadKind::Column) {
            let headline = format!("`{}` loads a column {}", query.label, story::per(site));
            let help = query.remedy.clone();
            findings.push(story::finding(
                &DEFERRED_FIELD_IN_LOOP.info,
                site,
                query,
                headline,
                help,
            ));
        }
    }
}
