//! Runs a write, and runs it again after a conflict with another transaction.

use std::sync::Arc;

use scim_core::{Context, Result, async_trait};
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;

use crate::database::{CancelOnDrop, DatabaseError, Mode};
use crate::retry::{RETRIES, pause};
use crate::store::connection::Transaction;
use crate::store::error::StoreError;
use crate::store::setup::Setup;
use crate::store::tables::TypeLayout;

/// The store and the resource type of a write.
#[derive(Clone)]
pub(crate) struct Scope {
    pub(crate) setup: Setup,
    pub(crate) layout: Arc<TypeLayout>,
}

/// A write. It owns what it needs, since a driver that blocks runs it on another thread.
#[async_trait]
pub(crate) trait Write: Send + Sync + 'static {
    type Output: Send + 'static;

    /// Runs the write in a transaction, and commits.
    async fn run(
        &self,
        scope: &Scope,
        cx: &Context<'_>,
        tx: Transaction,
    ) -> std::result::Result<Self::Output, StoreError>;
}

/// Runs a write until it succeeds or fails for good.
pub(crate) async fn run<W: Write>(setup: &Setup, cx: &Context<'_>, write: W) -> Result<W::Output> {
    let layout = setup.layout(cx.resource_type()).map_err(|error| error.into_error(None))?;
    let scope = Scope { setup: setup.clone(), layout };
    let write = Arc::new(write);
    let mut retries = 0;
    loop {
        match attempt(&scope, cx, &write, retries).await {
            Ok(output) => {
                if setup.rules.record_events {
                    setup.events.wake_readers();
                }
                return Ok(output);
            }
            Err(StoreError::Conflict(_)) if retries < RETRIES => {
                retries += 1;
                tokio::time::sleep(pause(retries)).await;
            }
            Err(error) => {
                let unique = scope.layout.unique.as_ref().map(|target| target.path().as_str());
                return Err(error.into_error(unique));
            }
        }
    }
}

/// Runs a write once. Its transaction may be committed together with others; a write that is run again is committed by
/// itself.
async fn attempt<W: Write>(
    scope: &Scope,
    cx: &Context<'_>,
    write: &Arc<W>,
    retries: u32,
) -> std::result::Result<W::Output, StoreError> {
    let mode = if retries == 0 { Mode::WriteInGroup } else { Mode::Write };
    let mut tx = scope.setup.database.begin(mode).await?;
    let dependencies = tx.dependencies();
    let result = match tx.block_calling_thread() {
        Some(cancel_on_drop) => run_blocking(cancel_on_drop, scope, cx, write, tx).await,
        None => write.run(scope, cx, tx).await,
    };
    // Nothing that the write has found out is told to anybody before the transactions on which it depends are committed.
    match dependencies {
        Some(dependencies) => dependencies.committed().await.map_err(StoreError::from).and(result),
        None => result,
    }
}

/// Runs a write from its beginning to its end on one blocking thread. Dropping the future cancels it.
async fn run_blocking<W: Write>(
    cancel_on_drop: CancelOnDrop,
    scope: &Scope,
    cx: &Context<'_>,
    write: &Arc<W>,
    tx: Transaction,
) -> std::result::Result<W::Output, StoreError> {
    let (scope, owned, write, runtime) = (scope.clone(), cx.to_owned(), write.clone(), Handle::current());
    let done = spawn_blocking(move || runtime.block_on(write.run(&scope, &owned.context(), tx))).await;
    drop(cancel_on_drop);
    done.map_err(|error| DatabaseError::Unexpected(error.into()))?
}
