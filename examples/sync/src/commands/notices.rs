//! `sync notices`, and the notices of a run

use std::process::ExitCode;

use scim_sync::{deliver_notices, refused_notices, resend_notices, unknown_notices, waiting_notices};

use super::{PROBLEMS, Result};
use crate::mail::Mailer;
use crate::{Config, SqliteLedger};

pub(super) async fn notices(config: &Config, resend: bool) -> Result<ExitCode> {
    let _lock = SqliteLedger::lock_run(&config.ledger)?;
    let mut ledger = SqliteLedger::open(&config.ledger)?;
    if resend {
        let count = resend_notices(&mut ledger)?;
        println!("{count} notices are sent again");
        let has_failed = deliver(config, &mut ledger).await?;
        return Ok(if has_failed { ExitCode::from(PROBLEMS) } else { ExitCode::SUCCESS });
    }
    let (unknown, refused) = (unknown_notices(&mut ledger)?, refused_notices(&mut ledger)?);
    if unknown.is_empty() && refused.is_empty() {
        println!("all notices were sent, or wait for the next run");
    }
    for notice in unknown {
        println!("it is not known whether this was sent: {notice}");
    }
    for notice in refused {
        println!("this was refused: {notice}");
    }
    Ok(ExitCode::SUCCESS)
}

/// Sends what runs have left. Returns whether something was not sent.
pub(super) async fn deliver(config: &Config, ledger: &mut SqliteLedger) -> Result<bool> {
    let Some(mail) = &config.mail else { return Ok(false) };
    let waiting = waiting_notices(ledger)?;
    let mailer = Mailer::new(mail)?;
    // Without a server, nothing is sent, and that is known.
    if !waiting.is_empty()
        && let Err(error) = mailer.check().await
    {
        eprintln!("sync: {} notices were not sent: {error}", waiting.len());
        return Ok(true);
    }
    let deliveries = deliver_notices(ledger, &mailer).await?;
    if deliveries.sent > 0 {
        println!("notices sent: {}", deliveries.sent);
    }
    for failed in &deliveries.failed {
        eprintln!("sync: {failed}");
    }
    for unknown in &deliveries.unknown {
        eprintln!("sync: it is not known whether this was sent: {unknown}");
    }
    Ok(!deliveries.failed.is_empty() || !deliveries.unknown.is_empty())
}
