//! `scim import`: creates and updates the resources of a file.

// - `columns`, `rows`, `cells`, `json`, `lines`, `line_numbers`, `measure`: what the file says.
// - `plan`: what is to be done for a row; `find`, `requests`: the requests; `send`: all of it for some rows.
// - `journal`: which rows are done; `resume`: whether that is still so; `files`: that none is written over another one.
// - `report`, `error_file`: what came of them; `stop`: the end.
mod cells;
mod columns;
mod error_file;
mod files;
mod find;
mod finished;
mod journal;
mod json;
mod line_numbers;
mod lines;
mod measure;
mod plan;
mod report;
mod requests;
mod resume;
mod row;
mod rows;
mod send;
mod stop;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use scim_client::Client;
use scim_core::schema::{AttrPath, AttributeRef, ReadContext, Tolerance};
use tokio::task::JoinSet;

use crate::endpoint::{Endpoint, Kind};
use crate::terminal::{printable, progress_bar};
use error_file::ErrorFile;
use find::Finder;
use finished::{Cause, Finished, Outcome};
use journal::{Journal, Subject};
use plan::Planner;
use report::Report;
use requests::Requests;
use row::Row;
use rows::Rows;
use send::Sender;
use stop::Stop;

/// How many rows are handled together without bulk requests: as many as one request looks up.
const ROWS: u64 = 50;

/// How many rows are handled together with bulk requests. A slow service must answer within the timeout of the client, and more
/// of them are hardly faster.
const BULK_ROWS: usize = 100;

/// After rows of so many bytes, no other is handled together with them.
const BYTES: usize = 1024 * 1024;

/// How long running requests may take after Ctrl-C.
const GRACE: Duration = Duration::from_secs(30);

/// What to do after an import that has not come to its end.
const AGAIN: &str = "run the same command again to go on where it has stopped";

/// What is imported, and how.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) input: PathBuf,
    /// Between the cells of a CSV file; `None` for JSON lines.
    pub(crate) delimiter: Option<u8>,
    pub(crate) kind: Kind,
    /// The attribute by which resources are found; by default that of the kind.
    pub(crate) key: Option<String>,
    pub(crate) keep_empty: bool,
    pub(crate) is_dry_run: bool,
    pub(crate) parallel: usize,
    pub(crate) has_bulk: bool,
    pub(crate) journal: Option<PathBuf>,
    pub(crate) restart: bool,
    pub(crate) errors: Option<PathBuf>,
    pub(crate) limit_errors: Option<u64>,
    /// How often a row is sent if the endpoint is busy.
    pub(crate) attempts: u32,
}

/// How an import has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Every row is as the file says.
    Complete,
    /// A row has failed, or it has stopped.
    Failed,
    Interrupted,
}

/// Imports a file. `first` asks what the endpoint can do; `client` sends the rest.
///
/// # Errors
///
/// What is wrong, for the person at the terminal; then nothing was sent.
pub(crate) async fn import(first: &Client, client: &Client, options: &Options) -> Result<End, String> {
    let journal_path = options.journal.clone().unwrap_or_else(|| files::journal_of(&options.input));
    files::check(&options.input, &journal_path, options.errors.as_deref())?;
    let (total, hash) = measure::measure(&options.input, options.delimiter)?;
    let endpoint = Endpoint::open(first, options.kind).await?;
    let key = key(&endpoint, options)?;
    let name = options.input.display();
    let open = || {
        let rows = match options.delimiter {
            Some(delimiter) => Rows::csv(&options.input, delimiter, &endpoint.resource_type, &key),
            None => Rows::json_lines(&options.input, &endpoint.resource_type, &key),
        };
        rows.map_err(|problems| format!("{name}:\n  {}", problems.join("\n  ")))
    };
    let rows = open()?;
    for note in rows.columns().iter().flat_map(|columns| &columns.notes) {
        eprintln!("{name}: {note}");
    }
    let bar = progress_bar(total);
    let stop = Stop::new(bar.clone());
    let sign = stop.clone();
    let client = client.clone().with_pause(move |time| {
        let sign = sign.clone();
        async move {
            sign.pause(time).await;
            !sign.is_set()
        }
    });
    let is_key_unique = options.kind == Kind::Users && key.path().as_str() == "userName";
    // A dry run creates nobody, so nobody is refused.
    let must_be_sure = !is_key_unique || (options.is_dry_run && endpoint.total != Some(0));
    let finder = Finder::new(client.clone(), options.kind.endpoint(), key.clone(), must_be_sure);
    endpoint.first.iter().for_each(|resource| finder.learn_resource(resource));
    let mut journal = None;
    if !options.is_dry_run {
        let subject = Subject {
            version: 1,
            url: client.base_url().to_owned(),
            resources: options.kind.to_string(),
            key: key.path().to_string(),
            delimiter: options.delimiter.map(char::from),
            keep_empty: options.keep_empty,
            input: hash,
        };
        journal = Some(Journal::open(&journal_path, subject, options.restart)?);
    }
    if let Some(journal) = &mut journal {
        resume::check(journal, &finder, open()?).await?;
    }
    let names = rows.columns().map(|columns| columns.names.clone());
    let create =
        |path: &PathBuf| ErrorFile::create(path, options.delimiter.unwrap_or(b','), names.as_deref());
    let errors = options.errors.as_ref().map(create).transpose()?;
    let done = journal.as_ref().map_or(0, Journal::done);
    let report = Report::new(total, done, options.limit_errors, errors, options.is_dry_run, bar);
    let bulk = endpoint.discovery.bulk_limits().filter(|_| options.has_bulk);
    // A dry run says what it would do in the order of the file.
    let parallel = if options.is_dry_run { 1 } else { options.parallel.max(1) };
    let batch = match bulk {
        Some(limits) => limits.max_operations.min(BULK_ROWS),
        None => usize::try_from(total.div_ceil(parallel as u64).clamp(1, ROWS)).unwrap_or(1),
    };
    let sender = Sender {
        finder,
        requests: Requests::new(client.clone(), options.kind.endpoint(), bulk),
        is_key_unique,
        is_dry_run: options.is_dry_run,
        looks_up_first: AtomicBool::new(endpoint.total != Some(0)),
        has_written: AtomicBool::new(done > 0),
        attempts: options.attempts,
        planner: Planner {
            columns: rows.columns(),
            method: endpoint.discovery.update_method(),
            keep_empty: options.keep_empty,
            has_versions: endpoint.discovery.announces("etag"),
            resource_type: endpoint.resource_type,
        },
        stop: stop.clone(),
    };
    let mut run = Run { rows, journal, report, sender: Arc::new(sender), stop, batch, parallel };
    let result = run.run().await;
    let flushed = run.report.finish();
    match result.and_then(|end| flushed.map(|()| end)) {
        Ok(end) => {
            say_how_to_go_on(end, &run.report, options);
            match run.journal.filter(|_| !run.report.may_go_on()).map(Journal::delete) {
                Some(Err(error)) => {
                    eprintln!("scim: {}; delete this file before the next import", printable(&error));
                    Ok(End::Failed)
                }
                _ => Ok(end),
            }
        }
        Err(error) if run.report.processed() == 0 => Err(error),
        Err(error) => {
            eprintln!("scim: it has stopped: {}; {AGAIN}", printable(&error));
            Ok(End::Failed)
        }
    }
}

/// Says what to do about rows that have failed or were not sent.
fn say_how_to_go_on(end: End, report: &Report, options: &Options) {
    if end == End::Interrupted {
        eprintln!("scim: it was interrupted; {AGAIN}");
    } else if let Some(reason) = report.must_stop() {
        eprintln!("scim: it has stopped: {}; {AGAIN}", printable(reason));
    } else if end == End::Complete || options.is_dry_run {
    } else if report.may_go_on() {
        eprintln!("scim: run the same command again to try the rows again that the service has failed");
    } else {
        let file = match &options.errors {
            Some(errors) => format!("they are in {}", errors.display()),
            None => "with --errors FILE, they are written to a file".to_owned(),
        };
        eprintln!("scim: correct the rows that have failed, and import them; {file}");
    }
}

/// The attribute by which resources are found.
fn key(endpoint: &Endpoint, options: &Options) -> Result<AttributeRef, String> {
    let name = options.key.as_deref().unwrap_or(options.kind.name_attribute());
    let tolerance = Tolerance::lenient();
    let path = AttrPath::parse(name).map_err(|error| format!("--match: {error}"))?;
    let target = endpoint.resource_type.find_path(&path, &mut ReadContext::new(&tolerance));
    let is_key = |target: &&AttributeRef| {
        let is_single = !target.attribute().is_multi_valued() && target.sub_attribute_definition().is_none();
        is_single && target.comparison().is_text() && !target.is_secret()
    };
    target.filter(is_key).cloned().ok_or_else(|| {
        format!(
            "{} cannot be found by {name}; name an attribute that is a text, such as externalId",
            options.kind
        )
    })
}

/// An import that runs.
struct Run {
    rows: Rows,
    journal: Option<Journal>,
    report: Report,
    sender: Arc<Sender>,
    stop: Stop,
    /// How many rows are handled together.
    batch: usize,
    /// How many batches are handled at once.
    parallel: usize,
}

impl Run {
    async fn run(&mut self) -> Result<End, String> {
        let mut tasks: JoinSet<Vec<Finished>> = JoinSet::new();
        let mut is_at_end = false;
        let mut is_interrupted = false;
        let mut result = Ok(());
        let mut interrupted = std::pin::pin!(tokio::signal::ctrl_c());
        loop {
            while result.is_ok() && !is_at_end && !self.stop.is_set() && tasks.len() < self.parallel {
                match self.next_batch() {
                    Ok(batch) if batch.is_empty() => is_at_end = true,
                    Ok(batch) => {
                        let sender = self.sender.clone();
                        tasks.spawn(async move { sender.run(batch).await });
                    }
                    Err(error) => result = Err(error),
                }
                if self.report.must_stop().is_some() || result.is_err() {
                    self.stop.set();
                }
            }
            let is_ending = self.stop.is_set();
            tokio::select! {
                finished = tasks.join_next() => match finished {
                    None if is_at_end || self.stop.is_set() => break,
                    None => {}
                    Some(finished) => {
                        let settled = finished.map_err(|error| error.to_string()).and_then(|rows| self.settle(rows));
                        result = result.and(settled);
                    }
                },
                _ = &mut interrupted => {
                    if is_interrupted {
                        break;
                    }
                    interrupted.set(tokio::signal::ctrl_c());
                    is_interrupted = true;
                    self.report.say("finishing the running requests; press Ctrl-C again to end at once");
                    self.stop.set();
                }
                () = tokio::time::sleep(GRACE), if is_ending => break,
            }
            if self.report.must_stop().is_some() || result.is_err() {
                self.stop.set();
            }
        }
        result?;
        Ok(match (is_interrupted, self.report.is_complete()) {
            (true, _) => End::Interrupted,
            (false, true) => End::Complete,
            (false, false) => End::Failed,
        })
    }

    /// Reads rows that are not done yet. Counts those that cannot be imported.
    fn next_batch(&mut self) -> Result<Vec<Row>, String> {
        let mut batch = Vec::new();
        let mut bytes = 0;
        while batch.len() < self.batch && bytes < BYTES && self.report.must_stop().is_none() {
            match self.rows.next()? {
                Some(Ok(row)) if self.is_done(row.number) => {}
                Some(Ok(row)) => {
                    if let Some(warning) = row.warning {
                        self.report.say(&format!("line {}: {warning}", row.line));
                    }
                    bytes += row.raw.len();
                    batch.push(row);
                }
                Some(Err(row)) => {
                    let outcome = Outcome::Failed { reason: row.reason, cause: Cause::Row };
                    let (number, line, key, raw) = (row.number, row.line, row.key, row.raw);
                    self.report.add(&Finished { number, line, key, raw, outcome })?;
                }
                None => break,
            }
        }
        Ok(batch)
    }

    fn is_done(&self, row: u64) -> bool {
        self.journal.as_ref().is_some_and(|journal| journal.is_done(row))
    }

    fn settle(&mut self, mut rows: Vec<Finished>) -> Result<(), String> {
        rows.sort_by_key(|row| row.number);
        let is_done = |row: &&Finished| {
            matches!(row.outcome, Outcome::Created | Outcome::Updated(_) | Outcome::Unchanged)
        };
        let noted = match &mut self.journal {
            Some(journal) => journal.add(rows.iter().filter(is_done).map(|row| row.number)),
            None => Ok(()),
        };
        // Counted all the same: the service has them.
        let counted = rows.iter().try_for_each(|row| self.report.add(row));
        noted.and(counted)
    }
}
