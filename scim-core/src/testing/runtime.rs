//! Running the futures of the suite.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};
use std::thread::Thread;

/// A future of the suite. The function that is passed to [`Suite::block_on`](super::Suite::block_on) runs it to its end.
pub type Task<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// Runs a future to its end before it returns.
pub(super) type BlockOn = dyn for<'a> Fn(Task<'a>) + Send + Sync;

/// Runs a future on this thread, for providers that need no runtime.
pub(super) fn block_on(mut task: Task<'_>) {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut cx = Context::from_waker(&waker);
    while task.as_mut().poll(&mut cx).is_pending() {
        std::thread::park();
    }
}
