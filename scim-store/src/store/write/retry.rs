//! Runs a write, and runs it again if it conflicts with another transaction.

use std::sync::{Arc, Mutex, PoisonError};

use scim_core::{Context, Result};

use crate::database::{DatabaseError, Dependencies, Mode};
use crate::retry::{RETRIES, pause};
use crate::store::connection::Transaction;
use crate::store::error::StoreError;
use crate::store::setup::Setup;
use crate::store::tables::TypeLayout;

/// The attempts of one write.
pub(crate) struct Attempts<'s> {
    pub(crate) setup: &'s Setup,
    pub(crate) layout: Arc<TypeLayout>,
    retries: u32,
    /// The transactions on which the running attempt depends.
    dependencies: Mutex<Option<Dependencies>>,
}

impl<'s> Attempts<'s> {
    pub(crate) fn new(setup: &'s Setup, cx: &Context<'_>) -> Result<Self> {
        let layout = setup.layout(cx.resource_type()).map_err(|error| error.into_error(None))?;
        Ok(Self { setup, layout, retries: 0, dependencies: Mutex::default() })
    }

    /// Begins the transaction of an attempt. It may be committed together with others; a write that is run again is committed
    /// by itself.
    pub(crate) async fn begin(&self) -> std::result::Result<Transaction, DatabaseError> {
        let mode = if self.retries == 0 { Mode::WriteInGroup } else { Mode::Write };
        let tx = self.setup.database.begin(mode).await?;
        *self.dependencies.lock().unwrap_or_else(PoisonError::into_inner) = tx.dependencies();
        Ok(tx)
    }

    /// The end of an attempt: its result, after the transactions on which it depends are committed; or `None` if the write
    /// must be run again after a conflict.
    pub(crate) async fn end<T>(&mut self, result: std::result::Result<T, StoreError>) -> Result<Option<T>> {
        let dependencies = self.dependencies.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        let result = match dependencies {
            Some(dependencies) => dependencies.committed().await.map_err(StoreError::from).and(result),
            None => result,
        };
        match result {
            Ok(value) => {
                if self.setup.rules.record_events {
                    self.setup.events.wake_readers();
                }
                Ok(Some(value))
            }
            Err(StoreError::Conflict(_)) if self.retries < RETRIES => {
                self.retries += 1;
                tokio::time::sleep(pause(self.retries)).await;
                Ok(None)
            }
            Err(error) => {
                Err(error.into_error(self.layout.unique.as_ref().map(|target| target.path().as_str())))
            }
        }
    }
}
