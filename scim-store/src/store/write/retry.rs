//! Runs a write again if it conflicts with another transaction.

use std::sync::Arc;

use scim_core::{Context, Result};

use crate::retry::{RETRIES, pause};
use crate::store::error::StoreError;
use crate::store::setup::Setup;
use crate::store::tables::TypeLayout;

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
