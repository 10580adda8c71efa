//! What came of the rows: counts, failures, and progress.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::error_file::ErrorFile;
use super::finished::{Finished, Outcome};

/// After this many rows in a row that the server as a whole has failed, an import stops.
const MAX_SERVER_FAILURES: u64 = 20;

/// Counts what came of rows.
#[derive(Debug)]
pub(super) struct Report {
    created: u64,
    updated: u64,
    unchanged: u64,
    failed: u64,
    not_sent: u64,
    done_before: u64,
    server_failures: u64,
    limit: Option<u64>,
    stop: Option<String>,
    begin: Instant,
    bar: ProgressBar,
    errors: Option<ErrorFile>,
    is_dry_run: bool,
}

impl Report {
    /// A report for a file with this many rows, of which some were done before.
    pub(super) fn new(
        rows: u64,
        done_before: u64,
        limit: Option<u64>,
        errors: Option<ErrorFile>,
        is_dry_run: bool,
    ) -> Self {
        let report = Self {
            created: 0,
            updated: 0,
            unchanged: 0,
            failed: 0,
            not_sent: 0,
            done_before,
            server_failures: 0,
            limit,
            stop: None,
            begin: Instant::now(),
            bar: progress_bar(rows),
            errors,
            is_dry_run,
        };
        report.bar.inc(done_before);
        report
    }

    /// Counts a row. Writes a failure to standard error and to the file for errors.
    ///
    /// # Errors
    ///
    /// If the file for errors cannot be written.
    pub(super) fn add(&mut self, row: &Finished) -> Result<(), String> {
        self.bar.inc(1);
        let mut is_of_server = false;
        match &row.outcome {
            Outcome::Created => self.created += 1,
            Outcome::Updated(_) => self.updated += 1,
            Outcome::Unchanged => self.unchanged += 1,
            Outcome::NotSent(reason) => {
                self.not_sent += 1;
                if let Some(reason) = reason {
                    is_of_server = true;
                    self.count_server_failure(reason);
                }
            }
            Outcome::Failed { reason, is_of_server: of_server } => {
                self.failed += 1;
                self.say(&format!("line {}: {}: {reason}", row.line, name_of(&row.key)));
                if let Some(errors) = &mut self.errors {
                    errors.add(row, reason)?;
                }
                if *of_server {
                    is_of_server = true;
                    self.count_server_failure(reason);
                }
                if self.limit.is_some_and(|limit| self.failed >= limit) {
                    self.stop.get_or_insert(format!("{} rows have failed", self.failed));
                }
            }
        }
        if !is_of_server && !matches!(row.outcome, Outcome::NotSent(None)) {
            self.server_failures = 0;
        }
        if self.is_dry_run {
            self.say_plan(row);
        }
        self.bar.set_message(format!(
            "{} created, {} updated, {} unchanged, {} failed, {:.0} rows/s",
            self.created,
            self.updated,
            self.unchanged,
            self.failed,
            self.speed()
        ));
        Ok(())
    }

    fn count_server_failure(&mut self, reason: &str) {
        self.server_failures += 1;
        // A token that is refused once is refused again.
        if self.server_failures >= MAX_SERVER_FAILURES || reason.starts_with("401") {
            self.stop.get_or_insert(reason.to_owned());
        }
    }

    fn say_plan(&self, row: &Finished) {
        let text = match &row.outcome {
            Outcome::Created => "would be created".to_owned(),
            Outcome::Updated(changes) => format!("would be updated: {}", changes.join(", ")),
            _ => return,
        };
        self.bar
            .suspend(|| say_on_standard_output(&format!("line {}: {} {text}", row.line, name_of(&row.key))));
    }

    /// Writes a line to standard error, above the progress bar.
    pub(super) fn say(&self, text: &str) {
        self.bar.suspend(|| eprintln!("{}", printable(text)));
    }

    /// Why the import must stop, if it must.
    pub(super) fn must_stop(&self) -> Option<&str> {
        self.stop.as_deref()
    }

    /// Whether every row is as the file says.
    pub(super) fn is_complete(&self) -> bool {
        self.failed == 0 && self.not_sent == 0 && self.stop.is_none()
    }

    fn processed(&self) -> u64 {
        self.created + self.updated + self.unchanged + self.failed
    }

    fn speed(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "it is only displayed")]
        let rows = self.processed() as f64;
        rows / self.begin.elapsed().max(Duration::from_millis(1)).as_secs_f64()
    }

    /// Removes the progress bar, writes the file for errors to its end, and returns the summary.
    ///
    /// # Errors
    ///
    /// If the file for errors cannot be written.
    pub(super) fn finish(&mut self) -> Result<String, String> {
        self.bar.finish_and_clear();
        if let Some(errors) = &mut self.errors {
            errors.flush()?;
        }
        let would = if self.is_dry_run { "would be " } else { "" };
        let mut summary = format!(
            "{} rows in {:.1} s ({:.0} rows/s): {would}{} created, {} updated, {} unchanged; {} failed",
            self.processed(),
            self.begin.elapsed().as_secs_f64(),
            self.speed(),
            self.created,
            self.updated,
            self.unchanged,
            self.failed,
        );
        if self.done_before > 0 {
            summary.push_str(&format!("; {} were done before", self.done_before));
        }
        Ok(summary)
    }
}

/// Writes a line to standard output, which may be closed already, as by `head`.
pub(super) fn say_on_standard_output(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// The name of a resource; a dash if it has none.
fn name_of(key: &str) -> String {
    if key.is_empty() { "-".to_owned() } else { printable(key) }
}

/// A text from a file or an endpoint without what could confuse a terminal, and not too long.
pub(super) fn printable(text: &str) -> String {
    text.chars().take(1000).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// Shows progress on a terminal, and nothing elsewhere.
fn progress_bar(rows: u64) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(rows);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}") {
        bar.set_style(style);
    }
    bar
}
