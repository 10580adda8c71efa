//! What the program can do.

mod check;
mod grants;
mod notices;
mod photos;
mod run;
mod status;

use std::error::Error;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use chrono::Utc;
use clap::{Parser, Subcommand};
use scim_sync::{Level, RunOptions, Synchronizer};

use crate::{Config, ConfigError, Graph, SqliteLedger, Target};

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

/// Keeps users and group memberships as Microsoft Entra ID has them.
#[derive(Debug, Parser)]
#[command(name = "sync", version)]
pub struct Arguments {
    /// The configuration, JSON or TOML.
    #[arg(long, short, global = true, env = "SYNC_CONFIG", default_value = "sync.json")]
    config: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Checks the configuration, the credentials, and the groups of the grants.
    Check,
    /// Says what a run would do, and does nothing.
    Plan(RunArguments),
    /// Runs: makes users and memberships as the directory has them, copies photos, and sends notices.
    Run(RunArguments),
    /// Says what came of the last run.
    Status {
        /// Prints each change of the last run.
        #[arg(long)]
        changes: bool,
    },
    /// Gives a person who signs in the memberships that the claims of the token demand.
    Grants {
        /// A JSON file with the claims; `-` reads them from standard input.
        #[arg(long)]
        claims: PathBuf,
        /// The seconds for which it waits for a run that uses the ledger.
        #[arg(long, default_value_t = 600)]
        wait: u64,
    },
    /// Lists the notices that were refused, and those of which it is not known whether they were sent.
    Notices {
        /// Sends them again.
        #[arg(long)]
        resend: bool,
    },
    /// Copies photos that have changed; or serves them.
    Photos {
        /// Serves the photos at this address, or at that of the configuration.
        #[arg(long, num_args = 0..=1)]
        listen: Option<Option<SocketAddr>>,
        /// Copies only the photo of the person with this id.
        #[arg(long, conflicts_with = "listen")]
        person: Option<String>,
    },
}

#[derive(Clone, Copy, Debug, clap::Args)]
struct RunArguments {
    /// Reads everything, and compares every user, instead of what has changed since the last run.
    #[arg(long)]
    full: bool,
    /// Turns the guard off.
    #[arg(long)]
    allow_deactivations: bool,
    /// Prints each change, and not only how many there were.
    #[arg(long)]
    changes: bool,
}

/// Runs the program. The exit code is 2 for a wrong configuration, 3 if a run ended with problems, and 1 for other errors.
pub async fn run(arguments: Arguments) -> ExitCode {
    match run_command(&arguments).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("sync: {error}");
            ExitCode::from(if error.is::<ConfigError>() { 2 } else { 1 })
        }
    }
}

async fn run_command(arguments: &Arguments) -> Result<ExitCode> {
    let config = Config::read(&arguments.config, |name| std::env::var(name).ok())?;
    match &arguments.command {
        Command::Check => check::check(&config).await,
        Command::Plan(options) => run::plan(&config, *options).await,
        Command::Run(options) => run::run(&config, *options).await,
        Command::Status { changes } => status::status(&config, *changes),
        Command::Grants { claims, wait } => grants::grants(&config, claims, Duration::from_secs(*wait)).await,
        Command::Notices { resend } => notices::notices(&config, *resend).await,
        Command::Photos { listen: Some(address), .. } => photos::serve(&config, *address).await,
        Command::Photos { listen: None, person } => photos::copy(&config, person.as_deref()).await,
    }
}

/// The problems of a run, as an exit code.
const PROBLEMS: u8 = 3;

/// What most commands need.
struct Parts {
    synchronizer: Synchronizer,
    directory: Graph,
    target: Target,
    ledger: SqliteLedger,
}

impl Parts {
    async fn open(config: &Config) -> Result<Self> {
        let synchronizer = config.synchronizer()?;
        let directory = Graph::new(&config.provider, &synchronizer.fields())?;
        let target = Target::open(&config.target).await?;
        Ok(Self { synchronizer, directory, target, ledger: SqliteLedger::open(&config.ledger)? })
    }
}

fn options(arguments: RunArguments) -> RunOptions {
    RunOptions {
        full: arguments.full,
        allow_deactivations: arguments.allow_deactivations,
        ..RunOptions::new(Utc::now())
    }
}

/// A run that is no more than an operation on single people.
fn ordinary_options() -> RunOptions {
    RunOptions::new(Utc::now())
}

/// A person who is left out is no failure; something that failed is.
fn exit_code(level: Option<Level>) -> ExitCode {
    match level {
        Some(Level::Error) => ExitCode::from(PROBLEMS),
        _ => ExitCode::SUCCESS,
    }
}
