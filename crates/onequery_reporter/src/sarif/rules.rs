//! What SARIF tells about a rule.

use onequery_core::{RuleInfo, Severity};

use super::log::{Configuration, Help, Message, Rule, RuleProperties};
use super::wording::{first_paragraph, pascal_case, plain, sentence};
use crate::printable::truncated;

/// GitHub allows 1,024 characters.
const MAX_DESCRIPTION: usize = 1_000;
/// GitHub and GitLab keep ten tags.
const TAGS: &[&str] = &["database", "n-plus-one", "performance"];

pub(super) fn rule(rule: &RuleInfo) -> Rule<'_> {
    let summary = sentence(rule.summary);
    let full = first_paragraph(rule.docs).map_or_else(|| summary.clone(), |text| sentence(&text));
    let docs = rule.docs.trim();
    // GitHub accepts no empty text.
    let docs = if docs.is_empty() { summary.as_str() } else { docs };
    Rule {
        id: rule.id,
        name: pascal_case(rule.id),
        full_description: Message {
            text: truncated(full, MAX_DESCRIPTION),
        },
        help: Help {
            text: plain(docs),
            markdown: docs.to_owned(),
        },
        default_configuration: Configuration {
            level: rule.severity.id(),
        },
        properties: RuleProperties {
            tags: TAGS,
            // Every rule is silent unless it knows the whole chain; a finding's own confidence is with the finding.
            precision: "high",
            problem_severity: match rule.severity {
                Severity::Note => "recommendation",
                Severity::Warning => "warning",
                Severity::Error => "error",
            },
        },
        short_description: Message {
            text: truncated(summary, MAX_DESCRIPTION),
        },
    }
}
