//! The result of a check.

/// `Ok` if a check passes, else the reason why it fails.
pub(super) type Verdict = std::result::Result<(), String>;

/// Fails with a message unless the condition holds.
pub(super) fn ensure(holds: bool, message: impl FnOnce() -> String) -> Verdict {
    if holds { Ok(()) } else { Err(message()) }
}
