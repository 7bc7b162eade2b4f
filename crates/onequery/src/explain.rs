//! `onequery explain` and `onequery rules`: what the rules are about, and one finding at length.

use std::io::Write as _;
use std::time::Instant;

use anyhow::Context as _;
use onequery_core::RuleInfo;
use onequery_reporter::{Format, Options, render};
use onequery_rules::{Triaged, rule, rules as all_rules};
use serde_json::json;

use crate::cli::{Explain, Rules, RulesFormat};
use crate::session::{Asked, Target};
use crate::settings::RuleId;
use crate::{CLEAN, FAILED};

/// Runs `explain`. Gives the exit code.
pub(crate) fn run(args: &Explain) -> anyhow::Result<u8> {
    let Some(asked) = Asked::parse(&args.what) else {
        let RuleId(id) = RuleId::parse(&args.what).map_err(anyhow::Error::msg)?;
        tell(rule(id).context("the rule was found")?)?;
        return Ok(CLEAN);
    };
    let started = Instant::now();
    let Some(target) = Target::of(&args.selection)? else {
        return Ok(FAILED);
    };
    let session = target.analyze()?;
    let found = asked.find(&session)?;
    let mut ids: Vec<&str> = found.iter().map(|finding| finding.rule).collect();
    ids.sort_unstable();
    ids.dedup();
    let triaged = Triaged {
        shown: found,
        hidden: Vec::new(),
    };
    let mut outcome = session.outcome(triaged, started.elapsed().as_millis());
    // What else could not be analysed is not what was asked about.
    outcome.problems.clear();
    let options = Options {
        quiet: true,
        ..Options::default()
    };
    render(Format::Text, &outcome, &options, &mut std::io::stdout().lock())?;
    for id in ids {
        tell(rule(id).context("findings have rules")?)?;
    }
    Ok(CLEAN)
}

fn tell(rule: &RuleInfo) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "# {}\n\n{} ({}, since {})\n",
        rule.id,
        capitalized(rule.summary),
        rule.severity.id(),
        rule.since
    )?;
    writeln!(out, "{}", rule.docs)
}

/// A phrase as a sentence begins.
fn capitalized(phrase: &str) -> String {
    let mut chars = phrase.chars();
    chars
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// Lists the rules.
pub(crate) fn rules(args: &Rules) -> anyhow::Result<u8> {
    let mut out = std::io::stdout().lock();
    match args.format {
        RulesFormat::Text => {
            for rule in all_rules() {
                writeln!(out, "{:26} {}", rule.id, rule.summary)?;
            }
        }
        RulesFormat::Json => {
            let rules: Vec<_> = all_rules()
                .map(|rule| {
                    json!({
                        "id": rule.id,
                        "summary": rule.summary,
                        "severity": rule.severity.id(),
                        "since": rule.since,
                        "documentation": rule.docs,
                    })
                })
                .collect();
            writeln!(out, "{:#}", json!({ "schema_version": 1, "rules": rules }))?;
        }
    }
    Ok(CLEAN)
}
