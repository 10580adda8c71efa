//! `sync grants`

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{Parts, Result, exit_code, ordinary_options};
use crate::{Config, SqliteLedger};

pub(super) async fn grants(config: &Config, claims: &Path, wait: Duration) -> Result<ExitCode> {
    let claims: Value = match claims.as_os_str() == "-" {
        true => serde_json::from_reader(std::io::stdin())?,
        false => serde_json::from_slice(&std::fs::read(claims)?)?,
    };
    // A run may take minutes, and whoever signs in is not known to it.
    let deadline = Instant::now() + wait;
    let _lock = loop {
        match SqliteLedger::lock_run(&config.ledger) {
            Err(_) if Instant::now() < deadline => tokio::time::sleep(Duration::from_millis(100)).await,
            lock => break lock?,
        }
    };
    let mut parts = Parts::open(config).await?;
    let options = ordinary_options();
    let plan = parts.synchronizer.sign_in(&claims, &parts.target, &mut parts.ledger, options).await?;
    print!("{plan}");
    Ok(exit_code(plan.level()))
}
