//! Relations that were loaded with the rows and are asked for again.

use onequery_analysis::{LoopSite, ReadKind};
use onequery_core::{Finding, RuleInfo, Severity};

use crate::registry::Rule;
use crate::story;

pub(crate) static DEFEATED_PREFETCH: Rule = Rule {
    info: RuleInfo {
        id: "defeated-prefetch",
        summary: "a loaded relation is queried again once per row",
        cause: "the rows of the relation are there, but what is asked of them is a new query that does not look at them",
        docs: "\
## What it does
Flags a relation that the query of the rows loads, and that the loop then filters, sorts or narrows in a way that asks \
the database again.

## Why is this bad?
The relation is paid for twice: once for all rows, and once more for each of them. The code looks as if the problem had \
been solved.

## What to do instead
Filter and sort the loaded rows in memory, or load what is needed in the first place.

## What it cannot see
Rows whose query is not known: it is silent there.",
        weight: 1,
        severity: Severity::Warning,
        since: "0.1.0",
    },
    check,
};

fn check(site: &LoopSite, findings: &mut Vec<Finding>) {
    for query in &site.queries {
        let Some(relation) = &query.relation else { continue };
        if relation.kind == ReadKind::Narrowed {
            let path = relation.path.join(".");
            let headline = format!("`{}` asks again for `{path}` {}", query.label, story::per(site));
            let help = query.remedy.clone();
            findings.push(story::finding(
                &DEFEATED_PREFETCH.info,
                site,
                query,
                headline,
                help,
            ));
        }
    }
}
