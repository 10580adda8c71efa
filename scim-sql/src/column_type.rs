//! The types of the values in columns.

/// The type of the values in a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ColumnType {
    Text,
    Boolean,
    Integer,
    Real,
    UnixTime { per_second: u32 },
    Timestamp,
    Key,
}
