//! `sync check`

use std::process::ExitCode;

use super::{Parts, Result};
use crate::Config;

/// Checks everything that can be checked without a change, and prints all that is wrong.
pub(super) async fn check(config: &Config) -> Result<ExitCode> {
    let mut parts = Parts::open(config).await?;
    let mut errors = Vec::new();
    if let Err(error) = parts.directory.check().await {
        errors.push(error.to_string());
    }
    errors.extend(parts.synchronizer.check_endpoint(&parts.target).await);
    for error in &errors {
        eprintln!("sync: {error}");
    }
    if errors.is_empty() {
        println!("the configuration is valid, and the directory and the service accept the credentials");
        return Ok(ExitCode::SUCCESS);
    }
    Ok(ExitCode::FAILURE)
}
