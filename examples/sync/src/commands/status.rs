//! `sync status`

use std::process::ExitCode;

use scim_sync::Status;

use super::{Result, exit_code};
use crate::{Config, SqliteLedger};

pub(super) fn status(config: &Config, prints_changes: bool) -> Result<ExitCode> {
    let mut ledger = SqliteLedger::open(&config.ledger)?;
    let status = Status::read(&mut ledger)?;
    match &status.last_report {
        Some(report) => {
            if prints_changes {
                print!("{}", report.plan);
            }
            print!("{report}");
        }
        None => println!("there was no run yet"),
    }
    if let Some(time) = status.last_success {
        println!("last success: {}", time.format("%Y-%m-%d %H:%M:%S"));
    }
    println!("{} people have a user; {} of them are gone", status.people, status.gone);
    Ok(exit_code(status.last_report.and_then(|report| report.plan.level())))
}
