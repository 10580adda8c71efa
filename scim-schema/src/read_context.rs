//! What is tolerated while a client's data is read, and what of it was met.

use std::fmt;

use crate::{Quirk, Tolerance};

/// A quirk that was met: which, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ToleratedQuirk {
    /// What was tolerated.
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

/// The reading of one client's data: what is tolerated, and what of it was met.
///
/// Every step that reads client data takes `&mut ReadContext`, so that nothing is tolerated in silence.
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
    /// How many firings one reading keeps; a hostile request cannot make the report grow without end.
    pub const MAX_REPORTED: usize = 64;

    /// A fresh reading.
    pub fn new(tolerance: &'a Tolerance) -> Self {
        Self { tolerance, operation: None, tolerated: Vec::new() }
    }

    /// The set of quirks that are tolerated.
    pub fn tolerance(&self) -> &'a Tolerance {
        self.tolerance
    }

    /// Asks for tolerance of what was just met at `path`, and reports it if it is granted.
    pub fn allow_quirk(&mut self, quirk: Quirk, path: impl fmt::Display) -> bool {
        let granted = self.tolerance.allows(quirk);
        if granted && self.tolerated.len() < Self::MAX_REPORTED {
            self.tolerated.push(ToleratedQuirk { quirk, operation: self.operation, path: path.to_string() });
        }
        granted
    }

    /// Says which operation of a PATCH or bulk request is read from now on.
    pub fn set_operation(&mut self, index: Option<usize>) {
        self.operation = index;
    }

    /// What was met so far, in order, at most [`MAX_REPORTED`](Self::MAX_REPORTED).
    pub fn tolerated(&self) -> &[ToleratedQuirk] {
        &self.tolerated
    }

    /// What was met, when the reading is over.
    pub fn into_tolerated(self) -> Vec<ToleratedQuirk> {
        self.tolerated
    }
}
