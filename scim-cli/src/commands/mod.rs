//! The command line.

mod check;
mod export;
mod import;
mod replay;
mod token;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use scim_client::{Client, Retry};

use crate::terminal::printable;

/// Checks SCIM 2.0 endpoints, and imports and exports their users and groups.
#[derive(Debug, Parser)]
#[command(name = "scim", version)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Sends the requests that identity providers send, and says what works and what does not.
    Check {
        #[command(flatten)]
        endpoint: EndpointArguments,
        /// Runs only the checks with this in their names, such as `patch` or `users.create`.
        #[arg(long, value_name = "PART")]
        only: Option<String>,
        #[command(flatten)]
        output: OutputArguments,
    },
    /// Sends the requests of a file, and compares the answers with those in the file.
    Replay {
        #[command(flatten)]
        endpoint: EndpointArguments,
        /// The file, in the form of those in `conversations/` of this package.
        file: PathBuf,
        #[command(flatten)]
        output: OutputArguments,
    },
    /// Creates and updates users from a CSV file or JSON lines. Run again after an interruption, it goes on where it has stopped.
    Import(import::ImportArguments),
    /// Writes the users of an endpoint as CSV or JSON lines.
    Export(export::ExportArguments),
}

/// The endpoint and its token.
#[derive(Debug, clap::Args)]
struct EndpointArguments {
    /// The base URL: https://app.example.com/scim/v2
    url: String,
    /// A file with the bearer token; `-` reads it from standard input. Without this, it is in SCIM_TOKEN.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// The bearer token. Others can see it in the list of processes; use SCIM_TOKEN or --token-file instead.
    #[arg(long, conflicts_with = "token_file", hide = true)]
    token: Option<String>,
}

/// How the findings are written.
#[derive(Debug, clap::Args)]
struct OutputArguments {
    /// Writes JSON instead of a table.
    #[arg(long)]
    json: bool,
    /// Writes JUnit's XML to a file, too.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
}

impl EndpointArguments {
    fn client(&self) -> Result<Client, String> {
        let token = token::read(self.token.as_deref(), self.token_file.as_deref())?;
        let client = Client::new(&self.url, token).map_err(|error| error.to_string())?;
        // An endpoint that fails again and again is what a check is to find.
        Ok(client.with_retry(Retry::default().attempts(3)))
    }
}

/// Runs the program. The exit code is 0 if all checks have passed or all rows are imported, 1 if one has failed, 2 if nothing was
/// done, and 130 if an import or export was interrupted.
pub async fn run(arguments: Arguments) -> ExitCode {
    let result = match arguments.command {
        Command::Check { endpoint, only, output } => {
            check::check(&endpoint, only.as_deref().unwrap_or_default(), &output).await
        }
        Command::Replay { endpoint, file, output } => replay::replay(&endpoint, &file, &output).await,
        Command::Import(arguments) => import::import(arguments).await,
        Command::Export(arguments) => export::export(arguments).await,
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            // An endpoint must not write what could confuse a terminal.
            eprintln!("scim: {}", error.lines().map(printable).collect::<Vec<_>>().join("\n"));
            ExitCode::from(2)
        }
    }
}
