//! A number of events that is allowed in each second.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

#[derive(Debug)]
pub(super) struct Allowance {
    per_second: u32,
    /// When the present second began, and how many events were allowed since then.
    second: Mutex<(Option<Instant>, u32)>,
}

impl Allowance {
    pub(super) fn new(per_second: u32) -> Self {
        Self { per_second, second: Mutex::default() }
    }

    /// Whether one more event is allowed.
    pub(super) fn allows_one(&self, now: Instant) -> bool {
        let mut second = self.second.lock().unwrap_or_else(PoisonError::into_inner);
        let (begun, count) = &mut *second;
        if begun.is_none_or(|begun| now.saturating_duration_since(begun) >= Duration::from_secs(1)) {
            (*begun, *count) = (Some(now), 0);
        }
        *count = count.saturating_add(1);
        *count <= self.per_second
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_second_has_its_number() {
        let (allowance, begun) = (Allowance::new(2), Instant::now());
        let at = |milliseconds| allowance.allows_one(begun + Duration::from_millis(milliseconds));
        assert_eq!([at(0), at(10), at(20), at(999)], [true, true, false, false]);
        assert_eq!([at(1000), at(1001), at(1002)], [true, true, false]);
    }
}
