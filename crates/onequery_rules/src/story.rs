//! Findings tell a story: where the rows come from, what repeats, the calls between, the query.

use onequery_analysis::{LoopQuery, LoopSite, SiteKind};
use onequery_core::{Finding, RuleInfo, Step, StepRole};

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
        severity: rule.severity,
        confidence: query.confidence,
        message: headline,
        primary: query.location,
        steps: steps(site, query),
        help,
        scope: query.scope.clone(),
        in_test: query.in_test,
        fingerprint: onequery_core::Fingerprint::default(),
    }
}

/// What a site repeats per, for headlines.
pub(crate) fn per(site: &LoopSite) -> &'static str {
    match site.kind {
        SiteKind::For | SiteKind::Comprehension | SiteKind::Callback => "per element",
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
    if let Some(origin) = site.origin.filter(|origin| *origin != query.location) {
        push(StepRole::Origin, origin, "the rows come from here".to_owned());
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
        push(
            StepRole::Query,
            query.location,
            format!("executes `{}` through {}", query.label, query.library),
        );
        return steps;
    }
    push(StepRole::Call, query.location, format!("calls `{}`", query.label));
    for step in &query.trace {
        if step.is_query {
            push(
                StepRole::Query,
                step.location,
                format!("executes `{}` through {}", step.label, query.library),
            );
        } else {
            push(StepRole::Call, step.location, format!("calls `{}`", step.label));
        }
    }
    steps
}

fn repeats(site: &LoopSite) -> &'static str {
    match site.kind {
        SiteKind::For => "repeats once per element",
        SiteKind::While => "repeats once per round",
        SiteKind::Comprehension => "is evaluated once per element",
        SiteKind::Callback => "calls back once per element",
    }
}
