//! The log: text on a terminal, JSON elsewhere, on standard error.

use std::io::{BufWriter, IsTerminal};

use tracing_appender::non_blocking::WorkerGuard;
use tracing_subscriber::EnvFilter;

/// What is logged unless `RUST_LOG` says something else.
const DEFAULT_FILTER: &str = "info";

/// Begins to log. The log ends when the value is dropped.
pub(crate) fn start() -> WorkerGuard {
    // Another thread writes, and writes many lines at once if there are many.
    let (writer, guard) =
        tracing_appender::non_blocking(BufWriter::with_capacity(64 * 1024, std::io::stderr()));
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(DEFAULT_FILTER));
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer);
    // The tests of a host start it several times in a process.
    let _ = match std::io::stderr().is_terminal() {
        true => subscriber.with_target(false).try_init(),
        false => subscriber.json().flatten_event(true).with_current_span(false).with_target(false).try_init(),
    };
    guard
}
