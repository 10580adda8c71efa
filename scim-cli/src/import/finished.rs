//! Rows of which something came.

use super::rows::Raw;

/// What came of a row.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Outcome {
    Created,
    /// With the paths of the attributes that have changed.
    Updated(Vec<String>),
    Unchanged,
    /// The reason. `is_of_server` if it is not about the row: the server has an internal error.
    Failed {
        reason: String,
        is_of_server: bool,
    },
    /// It was not sent, or there is no answer. The reason; `None` if the import was stopping.
    NotSent(Option<String>),
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
