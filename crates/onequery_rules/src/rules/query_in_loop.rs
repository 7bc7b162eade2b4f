//! Queries that read one element's rows at a time.

use onequery_analysis::{Access, Dependence, LoopSite, ReadKind};
use onequery_core::{Finding, RuleInfo, Severity};

use crate::registry::Rule;
use crate::story;

pub(crate) static QUERY_IN_LOOP: Rule = Rule {
    info: RuleInfo {
        id: "query-in-loop",
        summary: "a query is executed once per element",
        cause: "the question is asked where one element is at hand; nothing asks for all elements before the loop",
        docs: "\
## What it does
Flags a query that is executed once per element of a loop, comprehension or callback and that asks for rows of that \
element.

## Why is this bad?
A list of 500 elements makes 500 round trips to the database. Each is fast alone, together they are the page that takes \
seconds, and the number grows with the data.

## What to do instead
Ask once for all elements before the loop, and look the rows up in a dictionary or map inside it.

## What it cannot see
Loops whose number of rounds is small for reasons outside of the code. Legitimate sequences are not flagged: constant \
collections, chunks and pages, retries, polling, searches that end at the first hit, rows of one open cursor.",
        weight: 1,
        severity: Severity::Warning,
        since: "0.1.0",
    },
    check,
};

fn check(site: &LoopSite, findings: &mut Vec<Finding>) {
    for query in &site.queries {
        let relation = query.relation.as_ref().map(|relation| &relation.kind);
        let is_own = matches!(relation, None | Some(ReadKind::Answer)) && !query.is_recursive;
        if is_own && query.access == Access::Read && query.dependence != Dependence::Invariant {
            let headline = format!("`{}` runs a query {}", query.label, story::per(site));
            let help = query.remedy.clone();
            let help = help.or_else(|| {
                Some("ask once for all elements before the loop and look the answers up in it".to_owned())
            });
            findings.push(story::finding(&QUERY_IN_LOOP.info, site, query, headline, help));
        }
    }
}
