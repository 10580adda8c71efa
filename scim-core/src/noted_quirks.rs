//! The deviations that turn out to be tolerated while an operation is executed.

use std::sync::{Arc, Mutex, PoisonError};

use scim_schema::ToleratedQuirk;

/// How many are noted of a request.
const MAX_NOTED: usize = 1_000;

/// The deviations that were tolerated while an operation, or all operations of a bulk request, were executed. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct NotedQuirks(Arc<Mutex<Vec<ToleratedQuirk>>>);

impl NotedQuirks {
    /// Adds what is not noted yet: a provider may apply an update again after a conflict.
    pub(crate) fn add(&self, tolerated: impl IntoIterator<Item = ToleratedQuirk>) {
        let mut tolerated = tolerated.into_iter().peekable();
        if tolerated.peek().is_none() {
            return;
        }
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for quirk in tolerated {
            if noted.len() < MAX_NOTED && !noted.contains(&quirk) {
                noted.push(quirk);
            }
        }
    }

    /// What was noted so far.
    pub(crate) fn all(&self) -> Vec<ToleratedQuirk> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
