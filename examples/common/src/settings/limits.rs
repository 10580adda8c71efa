//! The limits.

use std::time::Duration;

use ipnet::IpNet;

use super::read::{Get, networks, number, seconds};
use crate::InvalidSettings;

/// The limits of a host.
#[derive(Clone, Debug)]
pub struct LimitSettings {
    /// Requests per second and tenant. Microsoft's gallery asks for 25.
    pub rate: u32,
    /// Requests per minute and address without a good credential.
    pub failures: u32,
    /// Requests at once.
    pub max_requests: usize,
    /// Connections.
    pub max_connections: usize,
    /// The time for the head of a request.
    pub head_timeout: Duration,
    /// The time for the body of a request.
    pub body_timeout: Duration,
    /// The time for the answer to a request.
    pub request_timeout: Duration,
    /// The time between requests on a connection.
    pub idle_timeout: Duration,
    /// The networks of clients; `None` for all.
    pub allowed_networks: Option<Vec<IpNet>>,
    /// The networks whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
}

impl LimitSettings {
    pub(super) fn read(get: Get<'_>) -> Result<Self, InvalidSettings> {
        Ok(Self {
            rate: number(get, "SCIM_RATE", 25..=1_000_000, 100)?,
            failures: number(get, "SCIM_FAILURES", 1..=1_000_000, 60)?,
            max_requests: number(get, "SCIM_MAX_REQUESTS", 1..=100_000, 512)?,
            max_connections: number(get, "SCIM_MAX_CONNECTIONS", 1..=1_000_000, 10_000)?,
            head_timeout: seconds(get, "SCIM_HEAD_TIMEOUT", 10)?,
            body_timeout: seconds(get, "SCIM_BODY_TIMEOUT", 30)?,
            request_timeout: seconds(get, "SCIM_REQUEST_TIMEOUT", 30)?,
            idle_timeout: seconds(get, "SCIM_IDLE_TIMEOUT", 60)?,
            allowed_networks: networks(get, "SCIM_ALLOWED_NETWORKS")?,
            trusted_proxies: networks(get, "SCIM_TRUSTED_PROXIES")?.unwrap_or_default(),
        })
    }
}
