//! Five whys: a finding as questions and answers, down to the root cause.
//!
//! The questions are those of the practice (<https://en.wikipedia.org/wiki/Five_whys>): each asks for the cause of what the
//! one before answered. The answers are the finding's own chain, and what the project's history knows of it. They name
//! code and commits, not people.

use std::io;

use onequery_core::{EntryKind, EntryPoint, Finding, History, Location, RuleInfo, Sources, StepRole};

use crate::position::Positions;
use crate::printable::line;
use crate::story;
use crate::summary::plural;

/// A question with its answers.
pub(crate) struct Why {
    pub(crate) question: &'static str,
    pub(crate) answers: Vec<Answer>,
}

/// One sentence without full stop, with the place that it is about.
pub(crate) struct Answer {
    pub(crate) text: String,
    pub(crate) location: Option<Location>,
}

impl Answer {
    fn at(location: Location, text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            location: Some(location),
        }
    }

    fn of(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            location: None,
        }
    }
}

/// The five questions of a finding. Without a history the last is answered with what a check knows.
pub(crate) fn five_whys(finding: &Finding, rule: &RuleInfo, history: Option<&History>) -> [Why; 5] {
    let steps = |role: StepRole| finding.steps.iter().filter(move |step| step.role == role);
    let told = |role| steps(role).map(|step| Answer::at(step.location, step.message.clone()));
    let end = finding.steps.last().map_or(finding.primary, |step| step.location);
    let mut slow = vec![Answer::at(end, cost(steps(StepRole::Loop).count()))];
    slow.extend(reached(finding.entry.as_ref()));
    let chain = told(StepRole::Call)
        .chain(told(StepRole::Query))
        .chain(told(StepRole::Load));
    // Rows that lack something lack it where they come from; all else is decided where it repeats.
    let deciding = match steps(StepRole::Load).next() {
        Some(_) => StepRole::Origin,
        None => StepRole::Loop,
    };
    let root = steps(deciding).next_back().map_or(end, |step| step.location);
    let mut undone = vec![Answer::at(root, rule.cause)];
    undone.extend(loaded(finding).map(|told| Answer::at(root, told)));
    [
        Why {
            question: "Why is it slow?",
            answers: slow,
        },
        Why {
            question: "Why does it repeat?",
            answers: told(StepRole::Origin).chain(told(StepRole::Loop)).collect(),
        },
        Why {
            question: "Why is the query there?",
            answers: chain.collect(),
        },
        Why {
            question: "Why is it not done at once?",
            answers: undone,
        },
        Why {
            question: "Why was it not caught?",
            answers: match history {
                Some(history) => uncaught(finding, history),
                None => vec![Answer::of(match &finding.reinstated {
                    Some(reason) => format!("it was known, and nobody had to mend it until now: {reason}"),
                    None => "this check takes it for new".to_owned(),
                })],
            },
        },
    ]
}

/// What the rows' query loads instead of what is missing.
fn loaded(finding: &Finding) -> Option<String> {
    match finding.loaded.as_deref()? {
        [] => Some("the query loads no relation with its rows".to_owned()),
        paths => Some(format!("the query loads {} and nothing else", quoted(paths))),
    }
}

/// `a`, `b` and `c`.
fn quoted(paths: &[String]) -> String {
    let quoted: Vec<String> = paths.iter().map(|path| format!("`{path}`")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => String::new(),
    }
}

/// What loops in each other cost.
fn cost(n_loops: usize) -> String {
    match n_loops {
        0 | 1 => "each element costs one more statement: 100 of them are 100 round trips to the database"
            .to_owned(),
        n => format!(
            "{n} loops stand in each other and each round of the inner one costs a statement: 100 rounds of each are \
             {} round trips to the database",
            100_u128.saturating_pow(u32::try_from(n).unwrap_or(u32::MAX))
        ),
    }
}

/// Who waits for it.
fn reached(entry: Option<&EntryPoint>) -> Vec<Answer> {
    let Some(entry) = entry else {
        return vec![Answer::of("no entry point is known that leads here")];
    };
    let who = match entry.kind {
        EntryKind::Request => "somebody waits for the answer to the request",
        EntryKind::Task => "a worker is kept busy by the task",
        EntryKind::Event => "everything waits that causes the event",
        EntryKind::Command => "it takes its time in the command",
        EntryKind::Script => "it takes its time when this is run:",
    };
    let calls = entry
        .calls
        .iter()
        .map(|call| Answer::at(call.location, format!("which {}", call.message)));
    std::iter::once(Answer::at(entry.location, format!("{who} `{}`", entry.name)))
        .chain(calls)
        .collect()
}

/// What could have stopped it, and did not.
fn uncaught(finding: &Finding, history: &History) -> Vec<Answer> {
    let mut answers = Vec::new();
    match &history.introduced {
        Some(introduced) => {
            let by = introduced
                .author
                .as_ref()
                .map(|author| format!(" by {author}"))
                .unwrap_or_default();
            let text = format!(
                "the chain is complete since commit {} of {}{by}: {}",
                introduced.commit, introduced.date, introduced.summary
            );
            answers.push(Answer::at(introduced.location, text));
        }
        None => answers.push(Answer::of("no commit is known that brought it")),
    }
    answers.push(Answer::of(match &history.known {
        Some(known) => format!("`onequery check` does not show it: {known}"),
        None => {
            "`onequery check` shows it, so it is not run on changes yet, or does not stop them".to_owned()
        }
    }));
    answers.push(match (finding.guard, history.n_guards) {
        (Some(guard), _) => Answer::at(
            guard,
            "this test counts statements, with too few rows or too high a limit to fail",
        ),
        (None, 0) => Answer::of("no test of the project counts statements"),
        (None, 1) => Answer::of("1 test counts statements, and it is not known to come here"),
        (None, n) => Answer::of(format!(
            "{} count statements, and none is known to come here",
            plural(n, "test")
        )),
    });
    answers
}

/// Writes the five whys of a finding for people.
///
/// # Errors
///
/// Only those of `out`.
pub fn render_whys(
    finding: &Finding,
    rule: &RuleInfo,
    history: &History,
    sources: &Sources,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let positions = Positions::new(sources);
    let place = positions.place(finding.primary);
    writeln!(
        out,
        "{}:{}:{}: {}: {}",
        line(place.path),
        place.line,
        place.column,
        finding.rule,
        line(&finding.message)
    )?;
    for (n, why) in (1..).zip(five_whys(finding, rule, Some(history))) {
        writeln!(out, "\n{n}. {}", why.question)?;
        for answer in why.answers {
            match answer.location {
                Some(location) => {
                    let place = positions.place(location);
                    let path = line(place.path);
                    writeln!(out, "   - {} ({path}:{})", line(&answer.text), place.line)?;
                }
                None => writeln!(out, "   - {}", line(&answer.text))?,
            }
        }
    }
    match &finding.help {
        Some(help) => writeln!(out, "\nRemedy: {}", line(help))?,
        None => writeln!(
            out,
            "\nRemedy: `onequery explain {}` tells what to do",
            finding.rule
        )?,
    }
    match story::owners(finding) {
        Some(owners) => writeln!(out, "{}", line(&capital(&owners))),
        None => Ok(()),
    }
}

/// A phrase as a sentence begins.
fn capital(phrase: &str) -> String {
    let mut chars = phrase.chars();
    chars
        .next()
        .map(|first| first.to_uppercase().chain(chars).collect())
        .unwrap_or_default()
}
