//! What the drivers of PostgreSQL share: how errors of the server are sorted, and the binary form of values.

pub(super) mod sqlstate;
pub(super) mod values;
