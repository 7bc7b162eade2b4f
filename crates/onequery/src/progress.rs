//! A sign of life on standard error, for people who wait at a terminal.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Runs that end sooner show nothing.
const PATIENCE: Duration = Duration::from_millis(700);

/// How often the sign moves.
const TICK: Duration = Duration::from_millis(100);

/// Shown, once it takes long, until it is dropped. Where standard error is no terminal nothing is shown.
pub(crate) struct Progress(Option<(Sender<()>, JoinHandle<()>)>);

impl Progress {
    /// Begins to wait.
    pub(crate) fn start(message: &'static str) -> Self {
        let target = ProgressDrawTarget::stderr();
        if target.is_hidden() {
            return Self(None);
        }
        let (done, ended) = channel();
        let thread = std::thread::spawn(move || {
            if ended.recv_timeout(PATIENCE) != Err(RecvTimeoutError::Timeout) {
                return;
            }
            let bar = ProgressBar::with_draw_target(None, target)
                .with_style(ProgressStyle::default_spinner())
                .with_message(message);
            bar.enable_steady_tick(TICK);
            // Whether told or hung up on: it is over.
            let _ = ended.recv();
            bar.finish_and_clear();
        });
        Self(Some((done, thread)))
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((done, thread)) = self.0.take() {
            drop(done);
            // A sign of life that failed changes nothing.
            let _ = thread.join();
        }
    }
}
