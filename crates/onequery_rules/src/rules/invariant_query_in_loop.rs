//! Queries that ask the same thing for every element.

use onequery_analysis::{Access, Dependence, LoopSite, SiteKind};
use onequery_core::{Finding, RuleInfo, Severity};

use crate::registry::Rule;
use crate::story;

pub(crate) static INVARIANT_QUERY_IN_LOOP: Rule = Rule {
    info: RuleInfo {
        id: "invariant-query-in-loop",
        summary: "the same query is executed again for every element",
        cause: "nothing keeps the answer of the first time, although it cannot change while the loop runs",
        docs: "\
## What it does
Flags a query inside a loop, comprehension or callback whose arguments do not depend on the element or on anything that \
changes from round to round.

## Why is this bad?
It asks the database the same question once per element.

## What to do instead
Execute it once before the loop.

## What it cannot see
Whether something else changes the rows while the loop runs; a loop that writes is not flagged by this rule, and neither \
is a `while` loop, which often waits for exactly such a change.",
        weight: 1,
        severity: Severity::Warning,
        since: "0.1.0",
    },
    check,
};

fn check(site: &LoopSite, findings: &mut Vec<Finding>) {
    let writes = site.queries.iter().any(|query| query.access != Access::Read);
    if writes || site.kind == SiteKind::While {
        return;
    }
    for query in &site.queries {
        if query.access == Access::Read && query.dependence == Dependence::Invariant {
            let headline = format!("`{}` runs the same query {}", query.label, story::per(site));
            let help = Some("execute it once before the loop and use the result inside".to_owned());
            findings.push(story::finding(
                &INVARIANT_QUERY_IN_LOOP.info,
                site,
                query,
                headline,
                help,
            ));
        }
    }
}
