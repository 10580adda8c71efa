//! Rows of which something came.

use super::row::Raw;

/// What came of a row.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Outcome {
    Created,
    /// With the paths of the attributes that have changed.
    Updated(Vec<String>),
    Unchanged,
    Failed {
        reason: String,
        cause: Cause,
    },
    /// It was not sent, because the import was ending.
    NotSent,
}

/// Why a row has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// The row itself.
    Row,
    /// The service fails, or does not answer: the row may succeed later.
    Service,
    /// The service refuses the token, so that every other row would fail, too.
    Token,
}

/// A row of which something came.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) number: u64,
    pub(super) line: u64,
    pub(super) key: String,
    pub(super) raw: Raw,
    pub(super) outcome: Outcome,
}
