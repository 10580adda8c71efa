//! `sync`: see the README beside this package.

use std::process::ExitCode;

use clap::Parser;

#[tokio::main]
async fn main() -> ExitCode {
    sync_program::run(sync_program::Arguments::parse()).await
}
