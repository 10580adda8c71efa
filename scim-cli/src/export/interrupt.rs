//! Ctrl-C during an export.

use tokio::sync::watch;

/// The exit code after Ctrl-C, as shells have it: 128 and the number of the signal.
const INTERRUPTED: i32 = 130;

/// Whether Ctrl-C was pressed. It is noticed from the beginning, whatever the export does. The second time, the program ends at
/// once: a write to a pipe that nobody reads has no end.
pub(super) struct Interrupt(watch::Receiver<bool>);

impl Interrupt {
    /// Begins to listen, in a task of its own.
    pub(super) fn listen() -> Self {
        let (sender, receiver) = watch::channel(false);
        tokio::spawn(async move {
            if tokio::signal::ctrl_c().await.is_ok() {
                sender.send_replace(true);
                if tokio::signal::ctrl_c().await.is_ok() {
                    std::process::exit(INTERRUPTED);
                }
            }
        });
        Self(receiver)
    }

    /// Waits until it is pressed; returns at once if it was.
    pub(super) async fn wait(&mut self) {
        if self.0.wait_for(|is_pressed| *is_pressed).await.is_err() {
            // The task has ended, so nobody can say it any more.
            std::future::pending::<()>().await;
        }
    }
}
