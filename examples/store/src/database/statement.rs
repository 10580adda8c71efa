//! What a transaction is asked to do.

use std::borrow::Cow;

use super::param::Param;

/// What a transaction is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// One statement that reads.
    Single,
    /// Several statements that see the same state.
    Read,
    /// Statements that write.
    Write,
}

/// A statement that returns rows, and its parameters.
pub(crate) type Asked = (Cow<'static, str>, Vec<Param>);

/// A statement that returns nothing, and its parameters.
pub(crate) type Statement = (&'static str, Vec<Param>);
