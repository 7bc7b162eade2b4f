//! `onequery watch`: the report of a check, anew whenever files change.

use std::collections::BTreeSet;
use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use notify::event::ModifyKind;
use notify::{Event, EventKind, RecursiveMode, Watcher as _};
use onequery_reporter::Options;

use crate::cli::Watch;
use crate::discover::{Kind, is_own, kind, relative};
use crate::follow::Followed;
use crate::report::{colored, print};
use crate::session::Target;
use crate::{FAILED, complain, read};

/// How long files have to be left alone before what changed is analysed: editors and git write several times.
const QUIET: Duration = Duration::from_millis(50);

/// Files besides those that are analysed, and `*.toml`, whose change may change what is reported, wherever they are.
const SETTINGS: &[&str] = &["CODEOWNERS", "onequery-baseline.txt", ".gitignore", ".ignore"];

/// What became of files.
#[derive(Default)]
struct Changes {
    /// Files that have another text.
    written: BTreeSet<PathBuf>,
    /// There are other files now, or other settings.
    begins_anew: bool,
}

impl Changes {
    fn is_empty(&self) -> bool {
        self.written.is_empty() && !self.begins_anew
    }

    /// Takes note of an event, as far as it is about something that is analysed. Gives whether it is.
    fn note(&mut self, root: &Path, event: Event) -> bool {
        let before = (self.written.len(), self.begins_anew);
        // Events were lost.
        self.begins_anew |= event.need_rescan();
        for path in event.paths {
            let own = relative(root, &path);
            let name = own.rsplit('/').next().unwrap_or(&own);
            if SETTINGS.contains(&name) || name.ends_with(".toml") {
                self.begins_anew |= !matches!(event.kind, EventKind::Access(_));
                continue;
            }
            // What is made, moved or deleted may be a folder with files.
            let may_be_folder = is_own(&own) && !name.contains('.');
            match (kind(&own), event.kind) {
                (Some(Kind::Source), EventKind::Modify(ModifyKind::Data(_))) => {
                    self.written.insert(path);
                }
                (Some(_), EventKind::Create(_) | EventKind::Remove(_) | EventKind::Modify(_)) => {
                    self.begins_anew = true;
                }
                (
                    None,
                    EventKind::Create(_) | EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_)),
                ) => {
                    self.begins_anew |= may_be_folder;
                }
                _ => {}
            }
        }
        (self.written.len(), self.begins_anew) != before
    }

    /// Waits until something has changed and is left alone.
    fn next(root: &Path, events: &Receiver<notify::Result<Event>>) -> anyhow::Result<Self> {
        let mut changes = Self::default();
        while changes.is_empty() {
            changes.note(root, events.recv()??);
        }
        // What is none of our business, a compiler at work for instance, does not put the report off.
        let mut until = Instant::now() + QUIET;
        while let Ok(event) = events.recv_timeout(until.saturating_duration_since(Instant::now())) {
            if changes.note(root, event?) {
                until = Instant::now() + QUIET;
            }
        }
        Ok(changes)
    }
}

/// Runs the command until it is interrupted. Gives the exit code, when there is nothing to watch.
pub(crate) fn run(args: &Watch) -> anyhow::Result<u8> {
    let Some(target) = Target::of(&args.selection)? else {
        return Ok(FAILED);
    };
    let root = target.root;
    let (sender, events) = channel();
    let mut watcher = notify::recommended_watcher(sender).context("cannot watch files")?;
    watcher
        .watch(&root, RecursiveMode::Recursive)
        .with_context(|| format!("cannot watch {}", root.display()))?;
    complain(&format!("watching {}; Ctrl-C ends it", root.display()));
    let mut changes = Changes {
        begins_anew: true,
        ..Changes::default()
    };
    let mut followed = None;
    loop {
        let started = Instant::now();
        let is_other = if changes.begins_anew || followed.is_none() {
            followed = match Followed::of(&args.selection) {
                Ok(read) => read,
                Err(error) => {
                    // The next change may mend it.
                    complain(&format!("{error:#}"));
                    None
                }
            };
            true
        } else {
            followed
                .as_mut()
                .is_some_and(|followed| followed.update(changes.written, read::read))
        };
        if let Some(followed) = followed.as_ref().filter(|_| is_other) {
            show(args, followed, started)?;
        }
        changes = Changes::next(&root, &events)?;
    }
}

/// Prints the report, on a cleared screen where there is one.
fn show(args: &Watch, followed: &Followed, started: Instant) -> anyhow::Result<()> {
    let outcome = followed
        .session
        .outcome(followed.triage(), started.elapsed().as_millis());
    if std::io::stdout().is_terminal() {
        std::io::stdout().write_all(b"\x1b[2J\x1b[H")?;
    }
    let options = Options {
        color: colored(args.color),
        statistics: false,
        verbose: false,
        quiet: false,
    };
    print(args.format, &options, &outcome)
}
