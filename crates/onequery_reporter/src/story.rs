//! The chain and the remedy of a finding as lines of plain text, and why it is shown if it is known.

use onequery_core::{Finding, Ownership};

use crate::position::Positions;

/// Why a finding is shown although it is known.
pub(crate) fn reinstated(finding: &Finding) -> Option<String> {
    let reason = finding.reinstated.as_deref()?;
    Some(format!("known, but shown: {reason}"))
}

/// One line per step, numbered, with its place; then the remedy, the owners, and why the finding is shown if it is known.
pub(crate) fn lines(finding: &Finding, positions: &Positions<'_>) -> Vec<String> {
    let steps = finding.steps.iter().enumerate().map(|(ix, step)| {
        let place = positions.place(step.location);
        format!("{}: {} ({}:{})", ix + 1, step.message, place.path, place.line)
    });
    let help = finding.help.iter().map(|help| format!("help: {help}"));
    let rest = help.chain(owners(finding)).chain(reinstated(finding));
    steps.chain(rest).collect()
}

/// The headline, the remedy, the owners, and why it is shown if it is known, on one line, for lists that show nothing else.
pub(crate) fn headline(finding: &Finding) -> String {
    let mut line = finding.message.clone();
    let help = finding.help.iter().map(|help| format!("help: {help}"));
    for part in help.chain(owners(finding)).chain(reinstated(finding)) {
        line.push_str("; ");
        line.push_str(&part);
    }
    line
}

/// Who is asked to mend it and whose code it passes through besides; `None` when nothing says who owns what.
pub(crate) fn owners(finding: &Finding) -> Option<String> {
    let Ownership { asked, involved } = finding.owners.as_ref()?;
    let mut line = match asked.as_slice() {
        [] => "owner: none".to_owned(),
        [owner] => format!("owner: {owner}"),
        owners => format!("owners: {}", owners.join(", ")),
    };
    if !involved.is_empty() {
        line.push_str("; passes through code of ");
        line.push_str(&involved.join(", "));
    }
    Some(line)
}
