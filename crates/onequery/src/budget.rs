//! `onequery budget`: how much of the error budgets is left, what that means, and debt budgets, which only shrink.

mod gate;
pub(crate) mod settings;

use std::fmt::Write as _;
use std::io::Write as _;

use anyhow::Context as _;
use onequery_budget::{Debt, Demand, History, Ratchet, Standing, words};
use onequery_core::Trend;

pub(crate) use self::gate::Gate;
use self::gate::{Objective, debt_file, text};
use crate::cli::{Budget, BudgetAction, EvidenceArgs, ProjectArgs, Selection, Tighten};
use crate::session::Target;
use crate::write::replace;
use crate::{CLEAN, FAILED, project};

/// Runs the command. Gives the exit code.
pub(crate) fn run(args: &Budget) -> anyhow::Result<u8> {
    match &args.action {
        None => show(&args.project, &args.evidence),
        Some(BudgetAction::Tighten(args)) => tighten(args),
    }
}

/// The project around a path, whole: a part of it would have less debt than there is.
fn whole_project(args: &ProjectArgs) -> anyhow::Result<Target> {
    let path = args
        .path
        .canonicalize()
        .with_context(|| args.path.display().to_string())?;
    let selection = Selection {
        paths: vec![project::root_of(&[path])],
        config: args.config.clone(),
        isolated: args.isolated,
        ..Selection::default()
    };
    Target::of(&selection)?.context("the root of the project is gone")
}

fn show(args: &ProjectArgs, evidence: &EvidenceArgs) -> anyhow::Result<u8> {
    let target = whole_project(args)?;
    let gate = Gate::of(&target, evidence)?;
    let history = history(&target)?;
    // Without any evidence there is nothing to demand, and the budgets are worth seeing all the same.
    let is_asked = gate.has_evidence();
    let standings = gate.standings()?;
    let mut told = String::new();
    for (objective, standing) in &standings {
        let demand = is_asked.then(|| gate.demand(objective, standing)).transpose()?;
        told.push_str(&told_objective(objective, standing, demand));
    }
    let mut failed = false;
    if let Some(ratchet) = &gate.ratchet {
        let session = target.analyze()?;
        failed = session.failed;
        let debt = gate.debt(&session);
        for service in gate.services() {
            told.push_str(&told_debt(service, ratchet, &debt, &history));
        }
    }
    std::io::stdout().lock().write_all(told.as_bytes())?;
    Ok(if failed { FAILED } else { CLEAN })
}

fn told_objective(objective: &Objective, standing: &Standing, demand: Option<Demand>) -> String {
    let slo = &objective.slo;
    let mut told = slo.id();
    if let Some(objective) = &slo.objective {
        told.push_str(&format!(": {objective}"));
    }
    let mut row = |name: &str, value: String| {
        writeln!(told, "\n  {name:<8}  {value}").expect("a text takes everything");
        // Each row begins its own line.
        told.pop();
    };
    row("target", format!("{} over {}", slo.target, slo.window));
    row("budget", words(standing.budget));
    if let (Ok(share), Some(left)) = (standing.left, standing.left_in_time()) {
        row(
            "consumed",
            format!("{} ({})", words(standing.budget - left), percent(1.0 - share)),
        );
        row("left", format!("{} ({})", words(left), percent(share)));
    } else if let (Err(unknown), true) = (standing.left, demand.is_some()) {
        row("left", format!("unknown: {unknown}"));
    }
    let fails = demand.map(|demand| match demand {
        Demand::None => "fails on no finding",
        Demand::New => "fails on new findings",
        Demand::Any => "fails on all findings, those of the baseline included",
    });
    if let Some(fails) = fails {
        row("check", fails.to_owned());
    }
    told.push('\n');
    told
}

/// A share of a budget. One that is not quite consumed is not told as if it were.
fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent != 0.0 && percent.abs() < 1.0 {
        format!("{percent:.2} %")
    } else {
        format!("{percent:.0} %")
    }
}

fn told_debt(service: &str, ratchet: &Ratchet, debt: &Debt, history: &History) -> String {
    let total = debt.total(service);
    let allowed = match ratchet.total(service) {
        Some(max) => format!("{max} allowed"),
        None => "without a budget; `onequery budget tighten` begins one".to_owned(),
    };
    let mut told = format!("{service}: debt {total}, {allowed}");
    let trend = history.of(service);
    if !trend.is_empty() {
        told.push_str(&format!("  {}", sparkline(&trend)));
    }
    told.push('\n');
    told
}

/// The newest numbers as bars, of which the highest stands for the largest number.
fn sparkline(numbers: &[u64]) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    const MAX_BARS: usize = 40;
    let newest = &numbers[numbers.len().saturating_sub(MAX_BARS)..];
    let largest = newest.iter().copied().max().unwrap_or_default().max(1);
    let bar = |number: &u64| {
        let height = u128::from(*number) * 7 / u128::from(largest);
        BARS[usize::try_from(height).unwrap_or_default()]
    };
    newest.iter().map(bar).collect()
}

fn history(target: &Target) -> anyhow::Result<History> {
    let path = history_file(target);
    if !path.exists() {
        return Ok(History::default());
    }
    History::parse(&text(&path)?).with_context(|| path.display().to_string())
}

/// What services had put off over time.
///
/// # Errors
///
/// A history that cannot be read.
pub(crate) fn trends(target: &Target) -> anyhow::Result<Vec<Trend>> {
    let history = history(target)?;
    let trend = |service: &str| Trend {
        service: service.to_owned(),
        debts: history.of(service),
    };
    Ok(history.services().into_iter().map(trend).collect())
}

fn history_file(target: &Target) -> std::path::PathBuf {
    let settings = target.config.settings.debt.clone().unwrap_or_default();
    target.named(&settings.history)
}

/// Lowers the debt budgets to what is true, and writes it into the history.
fn tighten(args: &Tighten) -> anyhow::Result<u8> {
    let target = whole_project(&args.project)?;
    let gate = Gate::of_debt(&target, args.at)?;
    let (path, history_path, mut history) = (debt_file(&target), history_file(&target), history(&target)?);
    let session = target.analyze()?;
    // What could not be analysed may have debt that nobody sees.
    if session.failed {
        anyhow::bail!("the debt budgets stay as they are, because not everything could be analysed");
    }
    let debt = gate.debt(&session);
    let before = gate.ratchet.clone().unwrap_or_default();
    let after = before.tightened(gate.services(), &debt);
    let date = gate.today();
    let mut told = String::new();
    for service in gate.services() {
        history.record(date, service, debt.total(service));
        let max = after.total(service).unwrap_or_default();
        let was = match before.total(service) {
            None => "the first budget".to_owned(),
            Some(before) if before == max => "as before".to_owned(),
            Some(before) => format!("{before} before"),
        };
        let excess = after
            .exceeded(&debt)
            .into_iter()
            .filter(|excess| excess.service == service);
        let over = match excess.map(|excess| excess.debt - excess.max).sum() {
            0 => String::new(),
            over @ 1_u64.. => format!("; the debt is {over} more"),
        };
        told.push_str(&format!("{service}: {max} allowed, {was}{over}\n"));
    }
    replace(&path, after.to_string().as_bytes())?;
    replace(&history_path, history.to_string().as_bytes())?;
    std::io::stdout().lock().write_all(told.as_bytes())?;
    Ok(CLEAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_as_high_as_their_share_of_the_largest() {
        assert_eq!(sparkline(&[8, 4, 1, 0]), "█▄▁▁");
        assert_eq!(sparkline(&[0, 0]), "▁▁");
        assert_eq!(sparkline(&[u64::MAX; 50]).chars().count(), 40);
    }

    #[test]
    fn little_is_not_told_as_nothing() {
        assert_eq!(percent(0.004), "0.40 %");
        assert_eq!(percent(0.0), "0 %");
        assert_eq!(percent(-0.5), "-50 %");
    }
}
