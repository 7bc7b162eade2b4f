//! Relations that are loaded one row at a time.

use onequery_analysis::{LoopSite, ReadKind, SiteKind};
use onequery_core::{Finding, RuleInfo, Severity};

use crate::registry::Rule;
use crate::story;

pub(crate) static LAZY_RELATION_IN_LOOP: Rule = Rule {
    info: RuleInfo {
        id: "lazy-relation-in-loop",
        summary: "a relation is loaded once per row",
        cause: "the query of the rows was written without knowing what is read of them later, so it does not load the relation",
        docs: "\
## What it does
Flags reading a relation of a row (a foreign key, the other side of one, a many-to-many) in a loop over rows whose query \
did not load it, directly or through functions, methods and properties of any file.

## Why is this bad?
Reading the attribute looks free and is a round trip to the database. One query gives the rows, and each row adds one \
more: this is the N+1 query in its purest form.

## What to do instead
Load the relation with the rows: the help of the finding names the path, and the first step shows the query that lacks \
it.

## What it cannot see
Relations of rows whose query is not known, or whose query is given options that are not literal: it is silent there. \
Relations that were loaded, assigned before, or set by their other side are not flagged.",
        weight: 1,
        severity: Severity::Warning,
        since: "0.1.0",
    },
    check,
};

fn check(site: &LoopSite, findings: &mut Vec<Finding>) {
    for query in &site.queries {
        let Some(relation) = &query.relation else { continue };
        if relation.kind == ReadKind::Rows {
            let headline = if query.trace.is_empty() && site.kind != SiteKind::Framework {
                format!("`{}` loads a relation {}", query.label, story::per(site))
            } else {
                format!(
                    "`{}` loads `{}` {}",
                    query.label,
                    relation.path.join("."),
                    story::per(site)
                )
            };
            let help = query.remedy.clone();
            findings.push(story::finding(
                &LAZY_RELATION_IN_LOOP.info,
                site,
                query,
                headline,
                help,
            ));
        }
    }
}
