//! What came of the rows: counts, failures, and progress.

use std::io::Write;
use std::time::{Duration, Instant};

use indicatif::ProgressBar;

use super::error_file::ErrorFile;
use super::finished::{Cause, Finished, Outcome};
use crate::terminal::printable;

/// After this many rows in a row that the service has failed, an import stops.
const MAX_SERVICE_FAILURES: u64 = 20;

/// How many characters of a failure are shown.
const MAX_SHOWN: usize = 1000;

/// Counts what came of rows.
#[derive(Debug)]
pub(super) struct Report {
    created: u64,
    updated: u64,
    unchanged: u64,
    failed: u64,
    rows: u64,
    done_before: u64,
    /// How many rows the service has failed, and how many of them in a row.
    failed_by_service: u64,
    service_failures: u64,
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
        bar: ProgressBar,
    ) -> Self {
        let report = Self {
            created: 0,
            updated: 0,
            unchanged: 0,
            failed: 0,
            rows,
            done_before,
            failed_by_service: 0,
            service_failures: 0,
            limit,
            stop: None,
            begin: Instant::now(),
            bar,
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
        match &row.outcome {
            Outcome::Created => self.created += 1,
            Outcome::Updated(_) => self.updated += 1,
            Outcome::Unchanged => self.unchanged += 1,
            Outcome::NotSent => return Ok(()),
            Outcome::Failed { reason, cause } => {
                if *cause == Cause::Token {
                    self.stop.get_or_insert(reason.clone());
                }
                // Why it stops is said once, and not for each row that was under way.
                if *cause != Cause::Row && self.stop.is_some() {
                    return Ok(());
                }
                self.add_failure(row, reason, *cause)?;
            }
        }
        if !matches!(&row.outcome, Outcome::Failed { cause, .. } if *cause != Cause::Row) {
            self.service_failures = 0;
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

    fn add_failure(&mut self, row: &Finished, reason: &str, cause: Cause) -> Result<(), String> {
        self.failed += 1;
        self.say(&format!("line {}: {}: {reason}", row.line, name_of(&row.key)));
        if cause != Cause::Row {
            self.failed_by_service += 1;
            self.service_failures += 1;
        }
        if self.service_failures >= MAX_SERVICE_FAILURES {
            self.stop.get_or_insert(reason.to_owned());
        }
        if self.limit.is_some_and(|limit| self.failed >= limit) {
            self.stop.get_or_insert(format!("{} rows have failed", self.failed));
        }
        self.errors.as_mut().map_or(Ok(()), |errors| errors.add(row, reason))
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
        let start: String = text.chars().take(MAX_SHOWN).collect();
        self.bar.suspend(|| eprintln!("{}", printable(&start)));
    }

    /// Why the import must stop, if it must.
    pub(super) fn must_stop(&self) -> Option<&str> {
        self.stop.as_deref()
    }

    /// Whether every row is as the file says.
    pub(super) fn is_complete(&self) -> bool {
        self.failed == 0 && self.not_sent() == 0
    }

    /// Whether something may come of it to try again: a row was not sent, or the service has failed it.
    pub(super) fn may_go_on(&self) -> bool {
        self.failed_by_service > 0 || self.not_sent() > 0
    }

    /// How many rows something came of.
    pub(super) fn processed(&self) -> u64 {
        self.created + self.updated + self.unchanged + self.failed
    }

    fn not_sent(&self) -> u64 {
        self.rows.saturating_sub(self.done_before).saturating_sub(self.processed())
    }

    fn speed(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "it is only displayed")]
        let rows = self.processed() as f64;
        rows / self.begin.elapsed().max(Duration::from_millis(1)).as_secs_f64()
    }

    /// Removes the progress bar, writes the file for errors to its end, and the summary to standard output.
    ///
    /// # Errors
    ///
    /// If the file for errors cannot be written.
    pub(super) fn finish(&mut self) -> Result<(), String> {
        self.bar.finish_and_clear();
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
        if self.not_sent() > 0 {
            summary.push_str(&format!("; {} not sent", self.not_sent()));
        }
        say_on_standard_output(&summary);
        self.errors.as_mut().map_or(Ok(()), ErrorFile::flush)
    }
}

/// Writes a line to standard output, which may be closed already, as by `head`.
fn say_on_standard_output(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// The name of a resource; a dash if it has none.
fn name_of(key: &str) -> String {
    if key.is_empty() { "-".to_owned() } else { printable(&key.chars().take(MAX_SHOWN).collect::<String>()) }
}
