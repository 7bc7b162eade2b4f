//! Findings tell a story: where the rows come from, what repeats, the calls between, the query.

use onequery_analysis::{Access, LoopQuery, LoopSite, ReadKind, SiteKind};
use onequery_core::{Finding, RuleInfo, Severity, Step, StepRole};

/// Builds a finding of a rule. `headline` and `help` carry the rule's own words.
pub(crate) fn finding(
    rule: &RuleInfo,
    site: &LoopSite,
    query: &LoopQuery,
    headline: String,
    help: Option<String>,
) -> Finding {
    Finding {
        rule: rule.id,
        severity: severity(rule, query),
        confidence: query.confidence,
        message: headline,
        primary: query.location,
        steps: steps(site, query),
        help,
        fix: query.fix.clone(),
        scope: query.scope.clone(),
        root_scope: query.root_scope.clone(),
        in_test: query.in_test,
        limited: site.limited,
        loaded: query
            .relation
            .as_ref()
            .and_then(|relation| relation.loaded.clone()),
        entry: query.entry.clone(),
        guard: query.guard,
        fingerprint: onequery_core::Fingerprint::default(),
        owners: None,
        reinstated: None,
    }
}

/// What is executed without a round trip costs little; ending a transaction writes to the disk all the same.
fn severity(rule: &RuleInfo, query: &LoopQuery) -> Severity {
    if query.in_process && query.access != Access::Commit {
        rule.severity.min(Severity::Note)
    } else {
        rule.severity
    }
}

/// What a site repeats per, for headlines.
pub(crate) fn per(site: &LoopSite) -> &'static str {
    match site.kind {
        SiteKind::For | SiteKind::Comprehension | SiteKind::Callback => "per element",
        SiteKind::Framework => "per row",
        SiteKind::While => "per round",
    }
}

fn steps(site: &LoopSite, query: &LoopQuery) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut push = |role, location, message: String| {
        steps.push(Step {
            role,
            location,
            message,
        })
    };
    let (origin, what) = match &query.relation {
        Some(relation) => (
            Some(relation.origin),
            match relation.kind {
                ReadKind::Rows | ReadKind::Answer => "the rows come from here, without the relation",
                ReadKind::Column => "the rows come from here, without the column",
                ReadKind::Narrowed | ReadKind::Key(_) => "the rows come from here",
            },
        ),
        None => (site.origin, "the rows come from here"),
    };
    if let Some(origin) = origin.filter(|origin| *origin != query.location) {
        push(StepRole::Origin, origin, what.to_owned());
    }
    for step in &query.passed {
        push(
            StepRole::Call,
            step.location,
            format!("passes them to `{}`", step.label),
        );
    }
    for &outer in query.outer.iter().rev() {
        push(
            StepRole::Loop,
            outer,
            "the outer loop repeats everything inside".to_owned(),
        );
    }
    push(StepRole::Loop, site.location, repeats(site).to_owned());
    if query.trace.is_empty() {
        let (role, message) = end(query, &query.label);
        push(role, query.location, message);
        return steps;
    }
    push(StepRole::Call, query.location, format!("calls `{}`", query.label));
    for step in &query.trace {
        if step.is_query {
            let (role, message) = end(query, &step.label);
            push(role, step.location, message);
        } else {
            push(StepRole::Call, step.location, format!("calls `{}`", step.label));
        }
    }
    steps
}

/// The last step of a story.
fn end(query: &LoopQuery, label: &str) -> (StepRole, String) {
    let what = match query.relation.as_ref().map(|relation| &relation.kind) {
        Some(ReadKind::Rows | ReadKind::Key(_)) => Some("relation"),
        Some(ReadKind::Column) => Some("column"),
        _ => None,
    };
    if let Some(what) = what {
        (
            StepRole::Load,
            format!("`{label}` loads the {what} through {}", query.library),
        )
    } else {
        (
            StepRole::Query,
            format!("executes `{label}` through {}", query.library),
        )
    }
}

fn repeats(site: &LoopSite) -> &'static str {
    match site.kind {
        SiteKind::For => "repeats once per element",
        SiteKind::While => "repeats once per round",
        SiteKind::Comprehension => "is evaluated once per element",
        SiteKind::Callback => "calls back once per element",
        SiteKind::Framework => "shows each row",
    }
}
