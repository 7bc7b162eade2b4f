//! `onequery backlog`: all that a project owes, grouped by what mends it.

use std::collections::BTreeSet;
use std::io::{BufWriter, Write as _};

use onequery_core::{Backlog, FileId, Fingerprint, Location, Progress};
use onequery_reporter::{Positions, render_backlog};
use onequery_rules::Mandate;

use crate::cli;
use crate::evidence;
use crate::git::Repository;
use crate::session::{Session, Target, triaged};
use crate::since::Base;
use crate::{CLEAN, FAILED};

/// Runs the command. Gives the exit code.
pub(crate) fn run(args: &cli::Backlog) -> anyhow::Result<u8> {
    let is_list = matches!(args.format, cli::BacklogFormat::Markdown);
    for (option, is_given) in [("--since", args.since.is_some()), ("--by-owner", args.by_owner)] {
        anyhow::ensure!(
            is_list || !is_given,
            "`{option}` is told in the list for people only: leave out `--format`"
        );
    }
    let Some(target) = Target::of(&args.selection)? else {
        return Ok(FAILED);
    };
    let listed = target.list();
    let base = match &args.since {
        Some(rev) => {
            let commit = Repository(&target.root).commit(rev)?;
            Some((rev, Base::of(&target, &listed, &commit, false)?))
        }
        None => None,
    };
    let session = target.analyze_listed(&listed)?;
    let sources = &session.run.sources;
    let evidence = evidence::read(&args.evidence, sources)?;
    let positions = Positions::new(sources);
    let place = |at| {
        let place = positions.place(at);
        (place.path, place.line)
    };
    let text = |at: Location| {
        let source = &sources.get(at.file).text;
        source
            .get(at.span.start as usize..at.span.end as usize)
            .unwrap_or_default()
    };
    // What is in the baseline is owed all the same.
    let owed = session.triage(&|_| None).shown;
    let progress = base.map(|(rev, base)| progress(rev, &base, &session));
    let backlog = Backlog {
        items: onequery_rules::backlog(owed, &evidence, &place, &text),
        progress,
    };
    let mut out = BufWriter::new(std::io::stdout().lock());
    let limit = args.limit.unwrap_or(usize::MAX);
    let by_owner = args.by_owner;
    render_backlog(args.format.into(), &backlog, limit, by_owner, sources, &mut out)?;
    out.flush()?;
    Ok(if session.failed { FAILED } else { CLEAN })
}

/// What became of the findings of a commit.
fn progress(rev: &str, base: &Base, session: &Session) -> Progress {
    let path = |file: FileId| base.paths[file.index()].as_str();
    let files = (&path as &dyn Fn(_) -> _, base.hidden.as_slice());
    let owed_then = triaged(&session.config, files, &base.found, &|_| None, &|_| Mandate::New).shown;
    let owed_now = session.triage(&|_| None).shown;
    let all_now: BTreeSet<Fingerprint> = session
        .found
        .findings
        .iter()
        .map(|finding| finding.fingerprint)
        .collect();
    let all_then: BTreeSet<Fingerprint> = base
        .found
        .findings
        .iter()
        .map(|finding| finding.fingerprint)
        .collect();
    let mut paid_off: Vec<(String, String)> = owed_then
        .into_iter()
        .filter(|finding| !all_now.contains(&finding.fingerprint))
        .map(|finding| (path(finding.primary.file).to_owned(), finding.message))
        .collect();
    paid_off.sort();
    Progress {
        since: rev.to_owned(),
        paid_off,
        added: owed_now
            .iter()
            .filter(|finding| !all_then.contains(&finding.fingerprint))
            .count(),
    }
}
