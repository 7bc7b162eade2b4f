//! The chain and the remedy of a finding as lines of plain text.

use onequery_core::Finding;

use crate::position::Positions;

/// One line per step, numbered, with its place; then the remedy.
pub(crate) fn lines(finding: &Finding, positions: &Positions<'_>) -> Vec<String> {
    let steps = finding.steps.iter().enumerate().map(|(ix, step)| {
        let place = positions.place(step.location);
        format!("{}: {} ({}:{})", ix + 1, step.message, place.path, place.line)
    });
    let help = finding.help.iter().map(|help| format!("help: {help}"));
    steps.chain(help).collect()
}

/// The headline and the remedy on one line, for lists that show nothing else.
pub(crate) fn headline(finding: &Finding) -> String {
    match &finding.help {
        Some(help) => format!("{}; help: {help}", finding.message),
        None => finding.message.clone(),
    }
}
