//! The settings of the provisioning log.

use super::read::{Get, choice, number};
use crate::InvalidSettings;

/// What the provisioning log records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogSettings {
    /// After how many days a request is deleted.
    pub days: u16,
    /// How many requests are kept.
    pub requests: u32,
    /// Whether the names of people and groups are recorded.
    pub names: bool,
    /// Whether the values of attributes are recorded.
    pub values: bool,
}

impl LogSettings {
    pub(super) fn read(get: Get<'_>) -> Result<Self, InvalidSettings> {
        Ok(Self {
            days: number(get, "SCIM_LOG_DAYS", 1..=3650, 7)?,
            requests: number(get, "SCIM_LOG_REQUESTS", 100..=10_000_000, 100_000)?,
            names: !choice(get, "SCIM_LOG_NAMES", ["1", "0"], false)?,
            values: choice(get, "SCIM_LOG_VALUES", ["0", "1"], false)?,
        })
    }
}
