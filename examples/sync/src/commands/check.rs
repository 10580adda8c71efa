//! `sync check`

use std::process::ExitCode;

use super::{Parts, Result};
use crate::Config;
use crate::mail::Mailer;

/// Checks everything that can be checked without a change, and prints all that is wrong.
pub(super) async fn check(config: &Config) -> Result<ExitCode> {
    let mut parts = Parts::open(config).await?;
    let mut errors = Vec::new();
    let needs_groups = parts.synchronizer.needs_groups();
    errors.extend(parts.directory.check(needs_groups, &config.sync.scope.member_of).await);
    errors.extend(parts.synchronizer.check_endpoint(&parts.target).await);
    if let Some(mail) = &config.mail
        && let Err(error) = Mailer::new(mail)?.check().await
    {
        errors.push(error);
    }
    for error in &errors {
        eprintln!("sync: {error}");
    }
    if errors.is_empty() {
        println!("the configuration is valid, and the servers accept the credentials");
        return Ok(ExitCode::SUCCESS);
    }
    Ok(ExitCode::FAILURE)
}
