//! What a check comes to.

/// `Ok` if a check passes, else what the provider does instead of what it should.
pub(super) type Verdict = std::result::Result<(), String>;

/// Fails with a message unless a condition holds.
pub(super) fn ensure(holds: bool, message: impl FnOnce() -> String) -> Verdict {
    if holds { Ok(()) } else { Err(message()) }
}
