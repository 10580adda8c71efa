//! What is recorded, and for how long.

use chrono::TimeDelta;
use scim_core::schema::ResourceType;

use super::secrets::SecretNames;

/// What a [`ProvisioningLog`](crate::ProvisioningLog) records, and how long it keeps it.
///
/// ```
/// use scim_console::LogOptions;
///
/// let options = LogOptions::new().keep_days(30).keep_requests(1_000_000).without_names();
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct LogOptions {
    pub(crate) max_age: TimeDelta,
    pub(crate) max_requests: u32,
    pub(crate) names: bool,
    pub(crate) values: bool,
    pub(super) secrets: SecretNames,
}

impl LogOptions {
    /// Keeps the latest 100,000 requests of the last 7 days, with the names of people and groups, and without values of
    /// attributes.
    pub fn new() -> Self {
        Self {
            max_age: TimeDelta::days(7),
            max_requests: 100_000,
            names: true,
            values: false,
            secrets: SecretNames::new(),
        }
    }

    /// Sets after how many days a request is deleted.
    pub fn keep_days(mut self, days: u16) -> Self {
        self.max_age = TimeDelta::days(days.into());
        self
    }

    /// Sets how many requests are kept.
    pub fn keep_requests(mut self, requests: u32) -> Self {
        self.max_requests = requests;
        self
    }

    /// Does not record the `userName` and `displayName` of the resources.
    pub fn without_names(mut self) -> Self {
        self.names = false;
        self
    }

    /// Records the values of attributes, for a time in which a provider is connected. Those that are never
    /// [returned](scim_core::schema::Returned::Never), such as passwords, are not recorded.
    pub fn with_values(mut self) -> Self {
        self.values = true;
        self
    }

    /// Sets the resource types of the service, whose attributes that are never returned are not recorded. Without this,
    /// only
    /// `password` is such an attribute.
    pub fn resource_types<'t>(mut self, types: impl IntoIterator<Item = &'t ResourceType>) -> Self {
        types.into_iter().for_each(|resource_type| self.secrets.add(resource_type));
        self
    }
}

impl Default for LogOptions {
    fn default() -> Self {
        Self::new()
    }
}
