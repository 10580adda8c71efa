//! The log: text on a terminal, JSON elsewhere, on standard error.

mod batch;
mod json;

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

pub(crate) use batch::LogWriter;

/// What is logged unless `RUST_LOG` says something else. The service logs the causes of errors; the host has a line for each
/// request.
const DEFAULT_FILTER: &str = "info,scim_core=warn";

/// Begins to log. The last lines are written when the value is dropped.
pub(crate) fn start() -> LogWriter {
    let is_terminal = std::io::stderr().is_terminal();
    let writer = LogWriter::start(std::io::stderr());
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(DEFAULT_FILTER));
    let subscriber =
        tracing_subscriber::fmt().with_env_filter(filter).with_target(false).with_writer(writer.lines());
    // A process logs once; a second host in it, in a test, logs to the first one's.
    let _ = match is_terminal {
        true => subscriber.try_init(),
        false => subscriber.event_format(json::JsonLines).try_init(),
    };
    writer
}
