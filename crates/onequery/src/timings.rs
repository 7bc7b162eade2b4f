//! Where a run spends its time.

use std::io::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tracing::span::Id;
use tracing_chrome::{ChromeLayerBuilder, FlushGuard};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;

/// Measures from when it is made until it is dropped, as far as the command line asks for that.
pub(crate) struct Timings {
    started: Instant,
    phases: Option<Phases>,
    /// Writes the rest of the trace file when it is dropped.
    _trace: Option<FlushGuard>,
}

impl Timings {
    /// Begins to measure. `trace` is the file to write trace events to.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub(crate) fn start(wants_table: bool, trace: Option<&Path>) -> anyhow::Result<Self> {
        let phases = wants_table.then(Phases::default);
        let (chrome, guard) = match trace {
            None => (None, None),
            Some(path) => {
                let file = std::fs::File::create(path).with_context(|| path.display().to_string())?;
                let builder = ChromeLayerBuilder::new().writer(file).include_args(true);
                let (layer, guard) = builder.include_locations(false).build();
                (Some(layer), Some(guard))
            }
        };
        if phases.is_some() || chrome.is_some() {
            let subscriber = tracing_subscriber::registry().with(phases.clone()).with(chrome);
            tracing::subscriber::set_global_default(subscriber).context("measuring has begun before")?;
        }
        Ok(Self {
            started: Instant::now(),
            phases,
            _trace: guard,
        })
    }
}

impl Drop for Timings {
    fn drop(&mut self) {
        if let Some(phases) = &self.phases {
            // Losing the table because standard error is closed is all that can happen.
            let _ = std::io::stderr().write_all(phases.table(self.started.elapsed()).as_bytes());
        }
    }
}

/// Something that is done, how often it was, and how long that took: longer than the run where threads work side by side.
struct Phase {
    name: &'static str,
    times: u64,
    total: Duration,
}

/// In the order in which they first ended.
#[derive(Clone, Default)]
struct Phases(Arc<Mutex<Vec<Phase>>>);

impl Phases {
    fn table(&self, whole: Duration) -> String {
        let phases = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut table = format!("{:<20} {:>8} {:>10}\n", "phase", "times", "seconds");
        for Phase { name, times, total } in phases.iter() {
            table += &format!("{name:<20} {times:>8} {:>10.3}\n", total.as_secs_f64());
        }
        table + &format!("{:<20} {:>8} {:>10.3}\n", "whole run", "", whole.as_secs_f64())
    }

    fn add(&self, name: &'static str, took: Duration) {
        let mut phases = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match phases.iter_mut().find(|phase| phase.name == name) {
            Some(phase) => {
                phase.times += 1;
                phase.total += took;
            }
            None => phases.push(Phase {
                name,
                times: 1,
                total: took,
            }),
        }
    }
}

/// When a span was entered.
struct Entered(Instant);

impl<S: tracing::Subscriber + for<'s> LookupSpan<'s>> Layer<S> for Phases {
    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            span.extensions_mut().replace(Entered(Instant::now()));
        }
    }

    fn on_exit(&self, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else {
            return;
        };
        let Some(Entered(entered)) = span.extensions_mut().remove() else {
            return;
        };
        self.add(span.name(), entered.elapsed());
    }
}
