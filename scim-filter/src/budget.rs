//! How much work a request may ask for.

use std::fmt;
use std::future::poll_fn;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;

/// The work that a request may still ask for, in visits: a visit is one look at one value by one term of a
/// filter, or at one element of a list; a text counts again for each 32 bytes of it.
///
/// All that a request does takes from one budget, through a shared reference. When it is used up it stays
/// so, and whatever else the request asks for is refused.
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
    /// What has been taken since others had their turn.
    since: AtomicU64,
}

/// The error for work beyond a [`Budget`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BudgetExhausted;

impl fmt::Display for BudgetExhausted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the request asks for more work than it may; ask for less at a time")
    }
}

impl std::error::Error for BudgetExhausted {}

impl Budget {
    /// The visits of a budget that nobody has chosen.
    pub const DEFAULT: u64 = 10_000_000;

    /// After so many visits, a fraction of a millisecond, others should have their turn. A runtime may look for
    /// new requests only after some dozens of turns: tokio after 61.
    const TURN: u64 = 2_000;

    /// A budget of so many visits.
    pub const fn new(visits: u64) -> Self {
        Self { left: AtomicU64::new(visits), since: AtomicU64::new(0) }
    }

    /// Takes visits from it, before or after they are made.
    ///
    /// # Errors
    ///
    /// If there are not so many left; then none are.
    pub fn take(&self, visits: usize) -> Result<(), BudgetExhausted> {
        // One request is worked on by one task, so that nothing is taken twice between these steps.
        let left = self.left.load(Ordering::Relaxed);
        self.left.store(left.saturating_sub(visits as u64), Ordering::Relaxed);
        self.count_toward_yield(visits);
        if visits as u64 > left { Err(BudgetExhausted) } else { Ok(()) }
    }

    /// Counts work that costs the request nothing, but keeps others waiting.
    pub fn count_toward_yield(&self, visits: usize) {
        let since = self.since.load(Ordering::Relaxed);
        self.since.store(since.saturating_add(visits as u64), Ordering::Relaxed);
    }

    /// Whether nothing is left.
    pub fn is_exhausted(&self) -> bool {
        self.left.load(Ordering::Relaxed) == 0
    }

    /// How many visits are made in a fraction of a millisecond, which is how long work should go on before
    /// [`yield_if_due`](Self::yield_if_due) is awaited.
    pub const fn visits_per_turn() -> usize {
        Self::TURN as usize
    }

    /// Lets other tasks have their turn if much has been taken since they had: the future is then pending
    /// once, and wakes itself, whatever the runtime is. So the work also ends when the request is given up.
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
