//! `scim import`

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::ValueEnum;
use scim_client::Retry;

use super::EndpointArguments;
use crate::endpoint::Kind;
use crate::import::{self, End, Options};

/// The exit code after Ctrl-C, as shells have it: 128 and the number of the signal.
pub(super) const INTERRUPTED: u8 = 130;

/// The form of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// The first row names attributes.
    Csv,
    /// A resource in JSON on each line.
    Jsonl,
}

#[derive(Debug, clap::Args)]
pub(super) struct ImportArguments {
    #[command(flatten)]
    endpoint: EndpointArguments,
    /// The file: CSV whose first row names attributes, or JSON lines if its name ends with .jsonl, .ndjson or .json.
    file: PathBuf,
    /// The form of the file, if its name does not say it.
    #[arg(long)]
    format: Option<Format>,
    /// The character between the cells of a CSV file; `tab` for a tab.
    #[arg(long, value_name = "CHARACTER", default_value = ",", value_parser = delimiter)]
    delimiter: u8,
    /// What the rows are.
    #[arg(long = "type", value_enum, default_value_t = Kind::Users)]
    kind: Kind,
    /// The attribute by which existing resources are found [default: userName, or displayName of groups].
    #[arg(long = "match", value_name = "ATTRIBUTE")]
    key: Option<String>,
    /// An empty cell leaves the value of an existing resource alone, instead of removing it.
    #[arg(long)]
    keep_empty: bool,
    /// Says what would be created and updated, and changes nothing.
    #[arg(long)]
    dry_run: bool,
    /// How many requests are sent at once.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=64))]
    parallel: u8,
    /// Sends no bulk requests, although the endpoint announces them.
    #[arg(long)]
    no_bulk: bool,
    /// How often a request is sent if the endpoint is busy or does not answer; the pauses grow from a quarter of a second to two
    /// minutes.
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=30))]
    attempts: u32,
    /// The file that says which rows are done, until all are [default: the name of the file and `.progress`].
    #[arg(long, value_name = "FILE")]
    journal: Option<PathBuf>,
    /// Begins anew, whatever the journal says.
    #[arg(long)]
    restart: bool,
    /// Writes the rows that have failed to a file, in the form of the input, with the reasons.
    #[arg(long, value_name = "FILE")]
    errors: Option<PathBuf>,
    /// Stops when this many rows have failed.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit_errors: Option<u64>,
}

pub(super) async fn import(arguments: ImportArguments) -> Result<ExitCode, String> {
    let first = arguments.endpoint.client()?;
    let client = first.clone().with_retry(Retry::default().attempts(arguments.attempts));
    let format = arguments.format.unwrap_or_else(|| format_of(&arguments.file));
    let options = Options {
        input: arguments.file,
        delimiter: (format == Format::Csv).then_some(arguments.delimiter),
        kind: arguments.kind,
        key: arguments.key,
        keep_empty: arguments.keep_empty,
        is_dry_run: arguments.dry_run,
        parallel: arguments.parallel.into(),
        has_bulk: !arguments.no_bulk,
        journal: arguments.journal,
        restart: arguments.restart,
        errors: arguments.errors,
        limit_errors: arguments.limit_errors,
        attempts: arguments.attempts,
    };
    Ok(match import::import(&first, &client, &options).await? {
        End::Complete => ExitCode::SUCCESS,
        End::Failed => ExitCode::FAILURE,
        End::Interrupted => ExitCode::from(INTERRUPTED),
    })
}

/// The form that the name of a file says.
fn format_of(file: &Path) -> Format {
    let extension = file.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    match extension.to_ascii_lowercase().as_str() {
        "jsonl" | "ndjson" | "json" => Format::Jsonl,
        _ => Format::Csv,
    }
}

pub(super) fn delimiter(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        [byte] if byte.is_ascii() && !matches!(byte, b'"' | b'\r' | b'\n') => Ok(*byte),
        _ if text == "tab" || text == "\\t" => Ok(b'\t'),
        _ => Err("write one character such as `;`, or `tab`".to_owned()),
    }
}
