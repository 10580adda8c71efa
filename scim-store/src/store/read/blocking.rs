//! Chooses the thread on which the statements of a read run.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use tokio::task::spawn_blocking;

use crate::database::CancelOnDrop;
use crate::store::error::StoreError;

/// Runs the statements of a read. If the database runs statements on the calling thread (`cancel_on_drop` is
/// `Some`), all of them run on one blocking thread, and are cancelled when the caller drops this future. The work is
/// boxed, so that only its address is moved to that thread.
pub(super) async fn run<T: Send + 'static>(
    cancel_on_drop: Option<CancelOnDrop>,
    mut work: Pin<Box<impl Future<Output = Result<T, StoreError>> + Send + 'static>>,
) -> Result<T, StoreError> {
    let Some(_cancel_on_drop) = cancel_on_drop else {
        return work.await;
    };
    let work = spawn_blocking(move || {
        let mut cx = Context::from_waker(Waker::noop());
        match work.as_mut().poll(&mut cx) {
            Poll::Ready(result) => result,
            Poll::Pending => {
                Err(StoreError::internal("a statement is pending although it runs on the calling thread"))
            }
        }
    });
    work.await.map_err(|error| StoreError::Internal(error.into()))?
}
