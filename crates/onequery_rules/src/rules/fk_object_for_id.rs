//! Rows that are loaded for the sake of their key.

use onequery_analysis::{LoopSite, ReadKind};
use onequery_core::{Finding, RuleInfo, Severity};

use crate::registry::Rule;
use crate::story;

pub(crate) static FK_OBJECT_FOR_ID: Rule = Rule {
    info: RuleInfo {
        id: "fk-object-for-id",
        summary: "a related row is loaded once per row only for its key",
        cause: "the key is asked of the related row, although the row that leads to it has it",
        docs: "\
## What it does
Flags reading the key of a related row (`book.author.id`) in a loop over rows, where the row at hand has that key in a \
column of its own (`book.author_id`).

## Why is this bad?
The attribute in the middle is a query. Nothing of its row is used but the key, which was there before.

## What to do instead
Read the column.

## What it cannot see
Keys that are not called `id`, and rows whose query is not known: it is silent there.",
        weight: 1,
        severity: Severity::Warning,
        since: "0.1.0",
    },
    check,
};

fn check(site: &LoopSite, findings: &mut Vec<Finding>) {
    for query in &site.queries {
        if let Some(ReadKind::Key(column)) = query.relation.as_ref().map(|relation| &relation.kind) {
            let headline = format!(
                "`{}` loads a row {} only for its key",
                query.label,
                story::per(site)
            );
            let help = Some(format!("read `{column}`, which is there without a query"));
            findings.push(story::finding(
                &FK_OBJECT_FOR_ID.info,
                site,
                query,
                headline,
                help,
            ));
        }
    }
}
