//! What stands below the findings in the formats for people: problems, a table of rules, and the last line.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::io;

use onequery_core::{Finding, Outcome, UNOWNED};

use crate::{Context, printable};

pub(crate) fn render(cx: &Context<'_>, out: &mut dyn io::Write) -> io::Result<()> {
    problems(cx, out)?;
    if cx.options.statistics {
        statistics(cx.outcome, out)?;
    }
    if !cx.options.quiet {
        writeln!(out, "{}", last_line(cx.outcome))?;
    }
    Ok(())
}

/// Findings per rule, by rule id. Rules without a finding are not in it.
pub(crate) fn by_rule(findings: &[Finding]) -> BTreeMap<&'static str, usize> {
    count(findings.iter().map(|finding| finding.rule))
}

/// Findings per owner who is asked.
pub(crate) struct ByOwner<'a> {
    /// By owner. A finding that several are asked about counts for each.
    pub(crate) counts: BTreeMap<&'a str, usize>,
    /// Those that nobody is asked about.
    pub(crate) unowned: usize,
}

impl<'a> ByOwner<'a> {
    /// Counts them; `None` when nothing says who owns what, or nothing was found.
    pub(crate) fn of(findings: &'a [Finding]) -> Option<Self> {
        let known: Vec<_> = findings
            .iter()
            .filter_map(|finding| finding.owners.as_ref())
            .collect();
        let asked = known.iter().flat_map(|owners| &owners.asked);
        (!known.is_empty()).then(|| Self {
            counts: count(asked.map(String::as_str)),
            unowned: known.iter().filter(|owners| owners.asked.is_empty()).count(),
        })
    }

    /// The owner who is asked most first, among equals by name; what nobody is asked about last.
    pub(crate) fn most_asked_first(&self) -> Vec<(&'a str, usize)> {
        let mut counts: Vec<_> = self.counts.iter().map(|(&owner, &n)| (owner, n)).collect();
        counts.sort_by_key(|(_, n)| Reverse(*n));
        counts.extend((self.unowned > 0).then_some((UNOWNED, self.unowned)));
        counts
    }
}

/// Findings that are shown although they are known, by reason.
pub(crate) fn reinstated(findings: &[Finding]) -> BTreeMap<&str, usize> {
    count(
        findings
            .iter()
            .filter_map(|finding| finding.reinstated.as_deref()),
    )
}

fn count<K: Ord>(keys: impl Iterator<Item = K>) -> BTreeMap<K, usize> {
    let mut counts = BTreeMap::new();
    for key in keys {
        *counts.entry(key).or_default() += 1;
    }
    counts
}

/// Failures are always listed: they are why the exit code is 2.
fn problems(cx: &Context<'_>, out: &mut dyn io::Write) -> io::Result<()> {
    for (location, problem) in cx.problems() {
        if cx.options.verbose || problem.kind.is_failure() {
            let place = cx.positions.place(location);
            writeln!(
                out,
                "{}:{}:{}: {}: {}",
                printable::line(place.path),
                place.line,
                place.column,
                problem.kind.id(),
                printable::line(&problem.message),
            )?;
        }
    }
    Ok(())
}

/// Findings per rule, the most frequent rule first, among equals by id.
pub(crate) fn most_frequent_first(outcome: &Outcome<'_>) -> Vec<(&'static str, usize)> {
    let mut counts: Vec<_> = by_rule(&outcome.findings).into_iter().collect();
    counts.sort_by_key(|(_, n)| Reverse(*n));
    counts
}

fn statistics(outcome: &Outcome<'_>, out: &mut dyn io::Write) -> io::Result<()> {
    let counts = most_frequent_first(outcome);
    let owners = ByOwner::of(&outcome.findings).map_or_else(Vec::new, |owners| owners.most_asked_first());
    let most = counts
        .iter()
        .map(|(_, n)| n)
        .chain(owners.iter().map(|(_, n)| n))
        .max();
    let digits = most.map_or(0, |n| n.to_string().len());
    let width = counts
        .iter()
        .map(|(rule, _)| rule.len())
        .max()
        .unwrap_or_default();
    for (rule, n) in counts {
        let summary = outcome
            .rules
            .iter()
            .find(|info| info.id == rule)
            .map_or("", |info| info.summary);
        let row = format!("{n:>digits$}  {rule:<width$}  {summary}");
        writeln!(out, "{}", row.trim_end())?;
    }
    for (owner, n) in owners {
        writeln!(out, "{n:>digits$}  {}", printable::line(owner))?;
    }
    Ok(())
}

fn last_line(outcome: &Outcome<'_>) -> String {
    let millis = outcome.stats.millis;
    format!(
        "{}. {}.{:02} s",
        counts(outcome),
        millis / 1000,
        millis % 1000 / 10
    )
}

/// What was found, what is not shown and what was odd, without a full stop.
pub(crate) fn counts(outcome: &Outcome<'_>) -> String {
    let stats = &outcome.stats;
    let files = plural(stats.files, "file");
    let mut parts = vec![if outcome.findings.is_empty() {
        format!("No findings in {files}")
    } else {
        let rules = most_frequent_first(outcome)
            .into_iter()
            .map(|(rule, n)| format!("{rule} {n}"));
        format!(
            "{} in {files} ({})",
            plural(outcome.findings.len(), "finding"),
            join(rules)
        )
    }];

    let reinstated = reinstated(&outcome.findings);
    if !reinstated.is_empty() {
        let reasons = reinstated
            .iter()
            .map(|(reason, n)| format!("{} {n}", printable::line(reason)));
        let n: usize = reinstated.values().sum();
        parts.push(format!("{n} known but shown ({})", join(reasons)));
    }
    let skipped = total(&stats.skipped);
    if skipped > 0 {
        let reasons = occurred(&stats.skipped).map(|(reason, n)| format!("{n} {reason}"));
        parts.push(format!("{} skipped ({})", plural(skipped, "file"), join(reasons)));
    }
    let hidden = total(&stats.hidden);
    if hidden > 0 {
        let reasons = occurred(&stats.hidden).map(|(reason, n)| format!("{reason} {n}"));
        parts.push(format!("{hidden} hidden ({})", join(reasons)));
    }
    // Failures are listed one by one, and most of them are among the skipped files.
    let harmless = outcome
        .problems
        .iter()
        .map(|(_, problem)| problem.kind)
        .filter(|kind| !kind.is_failure());
    let harmless = count(harmless);
    if !harmless.is_empty() {
        let kinds = harmless.iter().map(|(kind, n)| format!("{} {n}", kind.id()));
        parts.push(format!(
            "{} ({})",
            plural(harmless.values().sum(), "problem"),
            join(kinds)
        ));
    }

    parts.join("; ")
}

fn occurred(counts: &[(String, usize)]) -> impl Iterator<Item = &(String, usize)> {
    counts.iter().filter(|(_, n)| *n > 0)
}

fn total(counts: &[(String, usize)]) -> usize {
    counts.iter().map(|(_, n)| n).sum()
}

fn join(entries: impl Iterator<Item = String>) -> String {
    entries.collect::<Vec<_>>().join(", ")
}

pub(crate) fn plural(n: usize, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use onequery_core::{FileId, Problem, ProblemKind, Span};

    use crate::testing::{Project, bytes};
    use crate::{Format, Options};

    fn problem(kind: ProblemKind, start: u32, message: &str) -> (FileId, Problem) {
        (
            FileId(0),
            Problem {
                kind,
                span: Span::new(start, start),
                message: message.into(),
            },
        )
    }

    #[test]
    fn nothing_found_and_nothing_odd() {
        let project = Project::shop();
        let outcome = project.outcome(vec![]);
        insta::assert_snapshot!(bytes(Format::Concise, &outcome, Options::default()), @"No findings in 14 files. 1.23 s");
    }

    #[test]
    fn everything_that_is_not_shown_is_counted() {
        let project = Project::shop();
        let mut outcome = project.outcome(vec![]);
        outcome.stats.files = 1;
        outcome.stats.skipped = vec![
            ("too large".into(), 2),
            ("unreadable".into(), 1),
            ("binary".into(), 0),
        ];
        outcome.stats.hidden = vec![("below likely".into(), 5)];
        outcome.problems = vec![
            problem(ProblemKind::Syntax, 20, "expected an expression"),
            problem(ProblemKind::Unreadable, 0, "permission denied"),
        ];
        insta::assert_snapshot!(bytes(Format::Concise, &outcome, Options::default()), @"
        shop/text.py:1:1: unreadable: permission denied
        No findings in 1 file; 3 files skipped (2 too large, 1 unreadable); 5 hidden (below likely 5); 1 problem (syntax-error 1). 1.23 s
        ");
        let verbose = Options {
            verbose: true,
            quiet: true,
            ..Options::default()
        };
        insta::assert_snapshot!(bytes(Format::Concise, &outcome, verbose), @"
        shop/text.py:2:4: syntax-error: expected an expression
        shop/text.py:1:1: unreadable: permission denied
        ");
    }

    #[test]
    fn statistics_start_with_the_most_frequent_rule() {
        let project = Project::shop();
        let mut findings = vec![project.lazy_relation()];
        findings.resize(10, project.write_in_loop());
        let outcome = project.outcome(findings);
        let options = Options {
            statistics: true,
            ..Options::default()
        };
        let all = bytes(Format::Concise, &outcome, options);
        let below = all.lines().skip(10).collect::<Vec<_>>().join("\n");
        insta::assert_snapshot!(below, @"
        9  write-in-loop          rows are written one by one
        1  lazy-relation-in-loop  a relation is loaded once per element
        10 findings in 14 files (write-in-loop 9, lazy-relation-in-loop 1). 1.23 s
        ");
    }

    #[test]
    fn statistics_count_by_owner_too() {
        let project = Project::shop();
        let outcome = project.outcome(project.owned());
        let options = Options {
            statistics: true,
            quiet: true,
            ..Options::default()
        };
        let all = bytes(Format::Concise, &outcome, options);
        let below = all.lines().skip(3).collect::<Vec<_>>().join("\n");
        insta::assert_snapshot!(below, @"
        2  write-in-loop          rows are written one by one
        1  lazy-relation-in-loop  a relation is loaded once per element
        2  @org/shop
        1  @data
        1  unowned
        ");
    }
}
