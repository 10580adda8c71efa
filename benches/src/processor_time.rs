//! The processor time that the process has used.

use std::time::Duration;

/// The processor time of the process so far.
pub fn processor_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks: u64 =
        after_name.split_whitespace().skip(11).take(2).filter_map(|n| n.parse::<u64>().ok()).sum();
    // The kernel counts in hundredths of a second.
    Duration::from_millis(ticks * 10)
}
