//! Collects the lines of the log, and writes them a few times a second. Writing each line by itself, or waking a thread for it,
//! would take longer than answering a request from memory.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;

/// How often lines are written.
const INTERVAL: Duration = Duration::from_millis(50);
/// How many bytes may wait. If the log cannot be written as fast as lines come, further lines are counted and left out.
const MAX_BYTES: usize = 8 * 1024 * 1024;

/// The thread that writes the log. Dropping it writes the last lines.
pub(crate) struct LogWriter {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// Where lines go.
#[derive(Clone)]
pub(crate) struct Lines(Arc<Shared>);

#[derive(Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    stopping: Condvar,
}

#[derive(Default)]
struct Waiting {
    bytes: Vec<u8>,
    left_out: u64,
    is_stopping: bool,
}

impl LogWriter {
    /// Writes to this output.
    pub(crate) fn start(output: impl Write + Send + 'static) -> Self {
        let shared = Arc::new(Shared::default());
        let of_thread = shared.clone();
        let thread =
            std::thread::Builder::new().name("log".to_owned()).spawn(move || of_thread.write_all(output));
        Self { shared, thread: thread.ok() }
    }

    pub(crate) fn lines(&self) -> Lines {
        Lines(self.shared.clone())
    }
}

impl Drop for LogWriter {
    fn drop(&mut self) {
        self.shared.lock().is_stopping = true;
        self.shared.stopping.notify_all();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what waits, until the log ends.
    fn write_all(&self, mut output: impl Write) {
        let mut bytes = Vec::new();
        loop {
            let waiting = self.lock();
            let timeout = self.stopping.wait_timeout_while(waiting, INTERVAL, |waiting| !waiting.is_stopping);
            let (mut waiting, _) = timeout.unwrap_or_else(PoisonError::into_inner);
            std::mem::swap(&mut bytes, &mut waiting.bytes);
            let left_out = std::mem::take(&mut waiting.left_out);
            let is_stopping = waiting.is_stopping;
            drop(waiting);
            // Nobody can be told that the log cannot be written.
            let _ = output.write_all(&bytes);
            if left_out > 0 {
                let _ = writeln!(
                    output,
                    "{{\"level\":\"WARN\",\"message\":\"lines were left out\",\"lines\":{left_out}}}"
                );
            }
            let _ = output.flush();
            bytes.clear();
            if is_stopping {
                return;
            }
        }
    }
}

/// Takes one line: the subscriber writes each event at once.
impl Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut waiting = self.0.lock();
        if waiting.bytes.len() + line.len() > MAX_BYTES {
            waiting.left_out += 1;
        } else {
            waiting.bytes.extend_from_slice(line);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for Lines {
    type Writer = Self;

    fn make_writer(&'w self) -> Self {
        self.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An output that can be read.
    #[derive(Clone, Default)]
    struct Output(Arc<Mutex<Vec<u8>>>);

    impl Write for Output {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn all_lines_are_written_at_the_end_and_too_many_are_counted() {
        let output = Output::default();
        let writer = LogWriter::start(output.clone());
        writer.lines().write_all(b"first\n").unwrap();
        std::thread::sleep(INTERVAL * 4);
        assert_eq!(*output.0.lock().unwrap(), b"first\n");
        for line in [vec![b'x'; MAX_BYTES], b"second\n".to_vec()] {
            writer.lines().write_all(&line).unwrap();
        }
        drop(writer);
        let written = String::from_utf8(output.0.lock().unwrap().clone()).unwrap();
        assert!(written.ends_with("\"lines\":1}\n") && !written.contains("second"), "{}", written.len());
    }
}
