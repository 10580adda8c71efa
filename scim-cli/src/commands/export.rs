//! `scim export`

use std::path::PathBuf;
use std::process::ExitCode;

use scim_client::Retry;

use super::EndpointArguments;
use super::import::{Format, INTERRUPTED, delimiter};
use crate::endpoint::Kind;
use crate::export::{self, Options};

#[derive(Debug, clap::Args)]
pub(super) struct ExportArguments {
    #[command(flatten)]
    endpoint: EndpointArguments,
    /// The form of the output.
    #[arg(long, value_enum, default_value_t = Format::Csv)]
    format: Format,
    /// The character between the cells of CSV; `tab` for a tab.
    #[arg(long, value_name = "CHARACTER", default_value = ",", value_parser = delimiter)]
    delimiter: u8,
    /// A file instead of standard output. It appears when it is complete.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// What is exported.
    #[arg(long = "type", value_enum, default_value_t = Kind::Users)]
    kind: Kind,
    /// Exports only what satisfies a filter, such as `active eq true`.
    #[arg(long)]
    filter: Option<String>,
    /// Asks the endpoint only for these attributes, with commas between them.
    #[arg(long)]
    attributes: Option<String>,
    /// The columns of CSV, with commas between them, such as `userName,emails[type eq "work"].value`.
    #[arg(long, value_delimiter = ',')]
    columns: Vec<String>,
    /// How many resources are asked for at once [default: 500, or what the endpoint allows].
    #[arg(long, value_name = "N")]
    count: Option<usize>,
}

pub(super) async fn export(arguments: ExportArguments) -> Result<ExitCode, String> {
    let first = arguments.endpoint.client()?;
    let client = first.clone().with_retry(Retry::default());
    let is_csv = arguments.format == Format::Csv;
    if !is_csv && !arguments.columns.is_empty() {
        return Err("--columns are those of CSV; say --attributes for JSON lines".to_owned());
    }
    let options = Options {
        kind: arguments.kind,
        delimiter: is_csv.then_some(arguments.delimiter),
        output: arguments.output,
        filter: arguments.filter,
        attributes: arguments.attributes,
        columns: arguments.columns,
        count: arguments.count,
    };
    if export::export(&first, &client, &options).await? {
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("scim: it was interrupted");
    Ok(ExitCode::from(INTERRUPTED))
}
