//! `sync grants`

use std::path::Path;
use std::process::ExitCode;

use serde_json::Value;

use super::{Parts, Result, RunArguments, exit_code, options};
use crate::{Config, SqliteLedger};

pub(super) async fn grants(config: &Config, claims: &Path) -> Result<ExitCode> {
    let claims: Value = match claims.as_os_str() == "-" {
        true => serde_json::from_reader(std::io::stdin())?,
        false => serde_json::from_slice(&std::fs::read(claims)?)?,
    };
    let _lock = SqliteLedger::lock_run(&config.ledger)?;
    let mut parts = Parts::open(config).await?;
    let options = options(RunArguments { full: false, allow_deactivations: false });
    let plan = parts.synchronizer.sign_in(&claims, &parts.target, &mut parts.ledger, options).await?;
    print!("{plan}");
    Ok(exit_code(plan.level()))
}
