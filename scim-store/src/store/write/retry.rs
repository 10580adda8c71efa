//! Runs a write again if it conflicts with another transaction.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use scim_core::{Context, Result};

use crate::store::error::StoreError;
use crate::store::setup::Setup;
use crate::store::tables::TypeLayout;

/// How many times a write is run again.
const RETRIES: u32 = 5;

/// Counts the attempts of one write.
pub(crate) struct Attempts {
    pub(crate) layout: Arc<TypeLayout>,
    retries: u32,
}

impl Attempts {
    pub(crate) fn new(setup: &Setup, cx: &Context<'_>) -> Result<Self> {
        let layout = setup.layout(cx.resource_type()).map_err(|error| error.into_error(None))?;
        Ok(Self { layout, retries: 0 })
    }

    /// Waits before the next attempt after a conflict. Returns all other errors, and the conflict after the last
    /// attempt.
    pub(crate) async fn wait_or_fail(&mut self, error: StoreError) -> Result<()> {
        match error {
            StoreError::Conflict(_) if self.retries < RETRIES => {
                self.retries += 1;
                tokio::time::sleep(pause(self.retries)).await;
                Ok(())
            }
            error => Err(error.into_error(self.layout.unique.as_ref().map(|target| target.path().as_str()))),
        }
    }
}

/// A pause that grows with the retries. It is random, so that writes that conflicted do not meet again.
fn pause(retries: u32) -> Duration {
    let max = 4_000_u64 << retries;
    Duration::from_micros(max / 2 + RandomState::new().hash_one(retries) % (max / 2))
}
