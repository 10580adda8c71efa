//! Runs a write again if another transaction got in its way.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use scim_core::{Context, Result};

use crate::error::Fault;
use crate::setup::Setup;
use crate::tables::Tables;

/// How often a write is run again.
const RETRIES: u32 = 5;

/// Counts the attempts of one write.
pub(crate) struct Attempts {
    pub(crate) tables: Arc<Tables>,
    retries: u32,
}

impl Attempts {
    pub(crate) fn new(setup: &Setup, cx: &Context<'_>) -> Result<Self> {
        let tables = setup.tables(cx.resource_type()).map_err(|fault| fault.into_error(None))?;
        Ok(Self { tables, retries: 0 })
    }

    /// Waits before the next attempt, or returns the error if there is to be none.
    pub(crate) async fn wait_or_fail(&mut self, fault: Fault) -> Result<()> {
        match fault {
            Fault::Conflict(_) if self.retries < RETRIES => {
                self.retries += 1;
                tokio::time::sleep(pause(self.retries)).await;
                Ok(())
            }
            fault => Err(fault.into_error(self.tables.unique.as_ref().map(|target| target.path().as_str()))),
        }
    }
}

/// A pause that grows with the retries, and differs between those that wait.
fn pause(retries: u32) -> Duration {
    let most = 4_000_u64 << retries;
    Duration::from_micros(most / 2 + RandomState::new().hash_one(retries) % (most / 2))
}
