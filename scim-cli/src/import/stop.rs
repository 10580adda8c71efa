//! Says to all tasks of an import that it ends.

use std::time::Duration;

use tokio::sync::watch;

/// A sign that is given once. Cheap to clone: all clones are the same sign.
#[derive(Clone, Debug)]
pub(super) struct Stop(watch::Sender<bool>);

impl Stop {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    /// Gives the sign.
    pub(super) fn set(&self) {
        self.0.send_replace(true);
    }

    /// Whether it was given.
    pub(super) fn is_set(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until it is given.
    pub(super) async fn wait(&self) {
        // The sender is in `self`, so it is not gone.
        let _ = self.0.subscribe().wait_for(|is_set| *is_set).await;
    }

    /// Waits this long, or until it is given.
    pub(super) async fn pause(&self, time: Duration) {
        let _ = tokio::time::timeout(time, self.wait()).await;
    }
}
