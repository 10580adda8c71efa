//! On which thread the statements of a call that reads run.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use tokio::task::spawn_blocking;

use crate::database::CancelOnDrop;
use crate::error::Fault;

/// Runs the statements of a call that reads: all on one blocking thread if the database runs them where they
/// are called, until the caller drops this future. The work is boxed, so that only its address is moved there.
pub(super) async fn run<T: Send + 'static>(
    cancel_on_drop: Option<CancelOnDrop>,
    mut work: Pin<Box<impl Future<Output = Result<T, Fault>> + Send + 'static>>,
) -> Result<T, Fault> {
    let Some(_cancel_on_drop) = cancel_on_drop else {
        return work.await;
    };
    let work = spawn_blocking(move || {
        let mut cx = Context::from_waker(Waker::noop());
        match work.as_mut().poll(&mut cx) {
            Poll::Ready(result) => result,
            Poll::Pending => Err(Fault::broken("a statement waits although it runs in place")),
        }
    });
    work.await.map_err(|error| Fault::Broken(error.into()))?
}
