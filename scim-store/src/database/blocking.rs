//! Chooses the thread on which the statements of a read run.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use tokio::task::spawn_blocking;

use super::CancelOnDrop;
use super::error::DatabaseError;

/// Runs the statements of a read. If the database runs statements on the calling thread (`cancel_on_drop` is
/// `Some`), all of them run on one blocking thread, and are cancelled when the caller drops this future. The work is
/// boxed, so that only its address is moved to that thread.
pub(crate) async fn run_blocking<T: Send + 'static, E: From<DatabaseError> + Send + 'static>(
    cancel_on_drop: Option<CancelOnDrop>,
    mut work: Pin<Box<impl Future<Output = Result<T, E>> + Send + 'static>>,
) -> Result<T, E> {
    let Some(_cancel_on_drop) = cancel_on_drop else {
        return work.await;
    };
    let work = spawn_blocking(move || {
        let mut cx = Context::from_waker(Waker::noop());
        match work.as_mut().poll(&mut cx) {
            Poll::Ready(result) => result,
            Poll::Pending => {
                let reason = "a statement is pending although it runs on the calling thread";
                Err(DatabaseError::unexpected(reason).into())
            }
        }
    });
    work.await.map_err(|error| DatabaseError::Unexpected(error.into()))?
}
