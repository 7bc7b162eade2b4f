//! `onequery why`: five questions about one finding.

use std::io::Write as _;

use anyhow::Context as _;
use onequery_core::{Finding, History, Introduced, Location};
use onequery_reporter::{Positions, render_whys};
use onequery_rules::rule;

use crate::baseline::Known;
use crate::cli::{Include, Why};
use crate::git::{Blamed, Repository};
use crate::session::{Asked, Session, Target};
use crate::{CLEAN, FAILED};

/// Runs the command. Gives the exit code.
pub(crate) fn run(args: &Why) -> anyhow::Result<u8> {
    let asked = Asked::parse(&args.what).with_context(|| {
        format!(
            "`{}` is neither a fingerprint nor a place, for instance `shop/views.py:14`",
            args.what
        )
    })?;
    // Whether a test counts statements is part of the answer.
    let mut selection = args.selection.clone();
    selection.include.push(Include::Tests);
    let Some(target) = Target::of(&selection)? else {
        return Ok(FAILED);
    };
    let session = target.analyze()?;
    let known = Known::of(&session, args.baseline.as_deref())?;
    let mut out = std::io::stdout().lock();
    for (ix, finding) in asked.find(&session)?.iter().enumerate() {
        if ix > 0 {
            writeln!(out)?;
        }
        let history = History {
            introduced: introduced(finding, &session, args.blame),
            known: hidden_by(finding, &session, &known),
            n_guards: session.n_guards,
        };
        let rule = rule(finding.rule).context("findings have rules")?;
        render_whys(finding, rule, &history, &session.run.sources, &mut out)?;
    }
    Ok(if session.failed { FAILED } else { CLEAN })
}

/// The newest of the commits that wrote the lines of a finding's chain: without it there would be no finding.
fn introduced(finding: &Finding, session: &Session, names_author: bool) -> Option<Introduced> {
    let repository = Repository(&session.root);
    let positions = Positions::new(&session.run.sources);
    let mut places: Vec<Location> = finding.steps.iter().map(|step| step.location).collect();
    places.push(finding.primary);
    let blamed: Option<Vec<(Blamed, Location)>> = places
        .into_iter()
        .map(|at| {
            let place = positions.place(at);
            Some((repository.blame(place.path, place.line)?, at))
        })
        .collect();
    // A line that is not committed yet completes the chain; no commit does.
    let (newest, location) = blamed?.into_iter().rev().max_by_key(|(blamed, _)| blamed.time)?;
    Some(Introduced {
        commit: newest.commit,
        date: newest.date,
        summary: newest.summary,
        author: names_author.then_some(newest.author),
        location,
    })
}

/// Why `check` would not show a finding.
fn hidden_by(finding: &Finding, session: &Session, known: &Known) -> Option<String> {
    let triaged = session.triage(&|finding| known.knows(finding));
    let is_shown = triaged
        .shown
        .iter()
        .any(|shown| shown.fingerprint == finding.fingerprint);
    if is_shown {
        return None;
    }
    let reason = if session.found.accepted.contains(&finding.fingerprint) {
        "a comment accepts it"
    } else {
        known.knows(finding).unwrap_or("the settings leave it out")
    };
    Some(reason.to_owned())
}
