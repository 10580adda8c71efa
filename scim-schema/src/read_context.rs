//! The tolerance for one request, and a record of the quirks that were tolerated in it.

use std::fmt;

use crate::{Quirk, Tolerance};

/// A quirk that was tolerated, and where it occurred.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ToleratedQuirk {
    /// The quirk.
    pub quirk: Quirk,
    /// The index of the PATCH or bulk operation, counted from 0.
    pub operation: Option<usize>,
    /// The attribute or message member; never a value.
    pub path: String,
}

impl fmt::Display for ToleratedQuirk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at `{}`", self.quirk.name(), self.path)?;
        match self.operation {
            Some(index) => write!(f, " in operation {index}"),
            None => Ok(()),
        }
    }
}

/// Passed to every function that reads the data of a client: it knows which quirks are tolerated, and records those
/// that occurred.
///
/// Create one per request. The functions take it as `&mut ReadContext`, so that every tolerated quirk is recorded.
///
/// ```
/// use scim_schema::{Quirk, ReadContext, Tolerance};
///
/// let tolerance = Tolerance::lenient();
/// let mut read_context = ReadContext::new(&tolerance);
/// assert!(read_context.allow_quirk(Quirk::OperationCase, "op"));
/// assert_eq!(read_context.tolerated()[0].quirk, Quirk::OperationCase);
/// ```
#[derive(Debug)]
pub struct ReadContext<'a> {
    tolerance: &'a Tolerance,
    operation: Option<usize>,
    tolerated: Vec<ToleratedQuirk>,
}

impl<'a> ReadContext<'a> {
    /// The maximum number of tolerated quirks that are recorded, so that a hostile request cannot use up the memory.
    pub const MAX_REPORTED: usize = 64;

    /// Creates a context without recorded quirks.
    pub fn new(tolerance: &'a Tolerance) -> Self {
        Self { tolerance, operation: None, tolerated: Vec::new() }
    }

    /// The quirks that are tolerated.
    pub fn tolerance(&self) -> &'a Tolerance {
        self.tolerance
    }

    /// Returns whether a quirk that occurs at `path` is tolerated, and records it if so.
    pub fn allow_quirk(&mut self, quirk: Quirk, path: impl fmt::Display) -> bool {
        let is_allowed = self.tolerance.allows(quirk);
        if is_allowed && self.tolerated.len() < Self::MAX_REPORTED {
            self.tolerated.push(ToleratedQuirk { quirk, operation: self.operation, path: path.to_string() });
        }
        is_allowed
    }

    /// Sets the index of the PATCH or bulk operation that is being read, for the quirks recorded from now on.
    pub fn set_operation(&mut self, index: Option<usize>) {
        self.operation = index;
    }

    /// The quirks tolerated so far, in the order of their occurrence, at most [`MAX_REPORTED`](Self::MAX_REPORTED).
    pub fn tolerated(&self) -> &[ToleratedQuirk] {
        &self.tolerated
    }

    /// Returns the tolerated quirks, as [`tolerated`](Self::tolerated) does.
    pub fn into_tolerated(self) -> Vec<ToleratedQuirk> {
        self.tolerated
    }
}
