//! Queries that a function executes for each element and again for what it finds below.

use onequery_analysis::{Access, LoopSite};
use onequery_core::{Finding, RuleInfo, Severity};

use crate::registry::Rule;
use crate::story;

pub(crate) static QUERY_IN_RECURSION: Rule = Rule {
    info: RuleInfo {
        id: "query-in-recursion",
        summary: "a function that queries calls itself once per element",
        cause: "the function knows one element and its own; nothing loads the levels below before it descends",
        docs: "\
## What it does
Flags a function that reads from the database and calls itself in a loop: a walk over a tree that asks for the children \
of every node.

## Why is this bad?
The number of queries is the number of nodes, and they are made one after the other.

## What to do instead
Load the whole tree with one query (a recursive common table expression, or all rows of it), group the rows by their \
parent, and walk over that.

## What it cannot see
Functions that call each other in turns: those are flagged as queries in a loop.",
        weight: 1,
        severity: Severity::Warning,
        since: "0.1.0",
    },
    check,
};

fn check(site: &LoopSite, findings: &mut Vec<Finding>) {
    for query in &site.queries {
        if query.is_recursive && query.access == Access::Read && query.relation.is_none() {
            let headline = format!(
                "`{}` calls itself {} and queries each time",
                query.label,
                story::per(site)
            );
            let help = "load the whole tree with one query and group its rows by parent".to_owned();
            findings.push(story::finding(
                &QUERY_IN_RECURSION.info,
                site,
                query,
                headline,
                Some(help),
            ));
        }
    }
}
