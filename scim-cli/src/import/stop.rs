//! Says to all tasks of an import that it ends.

use std::time::Duration;

use indicatif::ProgressBar;
use tokio::sync::watch;

/// A pause this long is mentioned.
const LONG: Duration = Duration::from_secs(5);

/// A sign that is given once. Cheap to clone: all clones are the same sign.
#[derive(Clone, Debug)]
pub(super) struct Stop {
    sign: watch::Sender<bool>,
    bar: ProgressBar,
}

impl Stop {
    /// A sign that is not given. Long pauses are mentioned above the progress bar.
    pub(super) fn new(bar: ProgressBar) -> Self {
        Self { sign: watch::Sender::new(false), bar }
    }

    /// Gives the sign.
    pub(super) fn set(&self) {
        self.sign.send_replace(true);
    }

    /// Whether it was given.
    pub(super) fn is_set(&self) -> bool {
        *self.sign.borrow()
    }

    /// Waits until it is given.
    pub(super) async fn wait(&self) {
        // The sender is in `self`, so it is not gone.
        let _ = self.sign.subscribe().wait_for(|is_set| *is_set).await;
    }

    /// Waits this long, or until it is given.
    pub(super) async fn pause(&self, time: Duration) {
        if time >= LONG && !self.is_set() {
            self.bar.suspend(|| {
                eprintln!("the service is busy or does not answer; waiting {} s", time.as_secs())
            });
        }
        let _ = tokio::time::timeout(time, self.wait()).await;
    }
}
