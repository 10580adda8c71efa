//! How much work a request may cause.

use std::fmt;
use std::future::poll_fn;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;

/// The work that a request may still cause, in visits. A visit is one look at one value by one term of a filter, or
/// at one element of a list; a string counts once more for each 32 bytes.
///
/// Everything that a request causes takes from one budget, through a shared reference. Once the budget is used up,
/// every further `take` fails.
///
/// ```
/// use scim_filter::Budget;
///
/// let budget = Budget::new(100);
/// assert!(budget.take(60).is_ok());
/// assert!(budget.take(60).is_err() && budget.is_exhausted());
/// ```
pub struct Budget {
    left: AtomicU64,
    /// The visits since other tasks could run.
    since: AtomicU64,
}

/// The error for more work than a [`Budget`] has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BudgetExhausted;

impl fmt::Display for BudgetExhausted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the request causes more work than is allowed; split it into smaller requests")
    }
}

impl std::error::Error for BudgetExhausted {}

impl Budget {
    /// The visits of a budget by default.
    pub const DEFAULT: u64 = 10_000_000;

    /// After this number of visits, which take a fraction of a millisecond, other tasks should run. A runtime may
    /// look for new requests only after polling some dozens of tasks: tokio after 61.
    const TURN: u64 = 2_000;

    /// A budget of this number of visits.
    pub const fn new(visits: u64) -> Self {
        Self { left: AtomicU64::new(visits), since: AtomicU64::new(0) }
    }

    /// Takes visits from the budget, before or after they are made.
    ///
    /// # Errors
    ///
    /// If fewer visits are left. Then the budget is used up.
    pub fn take(&self, visits: usize) -> Result<(), BudgetExhausted> {
        // One task works on a request, so no other call comes between these two steps.
        let left = self.left.load(Ordering::Relaxed);
        self.left.store(left.saturating_sub(visits as u64), Ordering::Relaxed);
        self.count_toward_yield(visits);
        if visits as u64 > left { Err(BudgetExhausted) } else { Ok(()) }
    }

    /// Counts work that the request need not pay for, but that keeps other tasks waiting.
    pub fn count_toward_yield(&self, visits: usize) {
        let since = self.since.load(Ordering::Relaxed);
        self.since.store(since.saturating_add(visits as u64), Ordering::Relaxed);
    }

    /// Whether the budget is used up.
    pub fn is_exhausted(&self) -> bool {
        self.left.load(Ordering::Relaxed) == 0
    }

    /// The number of visits after which a caller should await [`yield_if_due`](Self::yield_if_due): they take a
    /// fraction of a millisecond.
    pub const fn visits_per_turn() -> usize {
        Self::TURN as usize
    }

    /// Lets other tasks run, if enough visits were made since the last time: the future is then pending once and
    /// wakes itself, with any runtime. Work that awaits it also ends when its future is dropped.
    ///
    /// ```
    /// # use scim_filter::Budget;
    /// # async fn work(elements: &[u32]) -> Result<u32, scim_filter::BudgetExhausted> {
    /// let budget = Budget::new(Budget::DEFAULT);
    /// let mut sum = 0;
    /// for part in elements.chunks(4096) {
    ///     budget.take(part.len())?;
    ///     sum += part.iter().sum::<u32>();
    ///     budget.yield_if_due().await;
    /// }
    /// # Ok(sum)
    /// # }
    /// ```
    pub async fn yield_if_due(&self) {
        if self.since.load(Ordering::Relaxed) < Self::TURN {
            return;
        }
        self.since.store(0, Ordering::Relaxed);
        let mut yielded = false;
        poll_fn(|cx| {
            if yielded {
                return Poll::Ready(());
            }
            yielded = true;
            cx.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }
}

impl Default for Budget {
    fn default() -> Self {
        Self::new(Self::DEFAULT)
    }
}

impl fmt::Debug for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Budget({} visits left)", self.left.load(Ordering::Relaxed))
    }
}
