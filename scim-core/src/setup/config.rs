//! The options of a service, and the resource types that it serves.

use std::sync::Arc;
use std::time::Duration;

use scim_schema::{ResourceType, Tolerance};
use serde_json::{Map, Value};

use super::authentication::AuthenticationScheme;
use super::me::Me;
use crate::cursor::Sealer;
use crate::policy::AllowAll;
use crate::{Monitor, Policy, Provider};

/// A resource type with the provider that keeps its resources.
pub(crate) struct Registration {
    pub(crate) resource_type: ResourceType,
    pub(crate) provider: Arc<dyn Provider>,
    /// Whether a successful PATCH is answered with 204 instead of 200 and the resource.
    pub(crate) patch_returns_no_content: bool,
}

/// The options of a service.
pub(crate) struct Config {
    /// Without a slash at its end.
    pub(crate) base_url: String,
    pub(crate) tolerance: Tolerance,
    pub(crate) authentication: Vec<AuthenticationScheme>,
    pub(crate) documentation_uri: Option<String>,
    /// Members that the host adds to the ServiceProviderConfig, by the URN of their schema.
    pub(crate) extensions: Vec<(String, Map<String, Value>)>,
    pub(crate) allow_anonymous: bool,
    pub(crate) public_discovery: bool,
    pub(crate) multi_tenant: bool,
    pub(crate) require_if_match: bool,
    pub(crate) unique_types: bool,
    pub(crate) default_page_size: usize,
    pub(crate) max_page_size: usize,
    pub(crate) max_payload: usize,
    pub(crate) filter_limits: scim_filter::FilterLimits,
    pub(crate) patch_limits: scim_patch::PatchLimits,
    pub(crate) max_work: u64,
    pub(crate) max_text: Option<usize>,
    /// The largest number of operations in a bulk request; 0 if there are no bulk requests.
    pub(crate) max_bulk_operations: usize,
    pub(crate) sealer: Sealer,
    pub(crate) me: Option<Me>,
    pub(crate) policy: Arc<dyn Policy>,
    pub(crate) monitor: Option<Box<dyn Monitor>>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            base_url: String::new(),
            tolerance: Tolerance::lenient(),
            authentication: vec![AuthenticationScheme::bearer()],
            documentation_uri: None,
            extensions: Vec::new(),
            allow_anonymous: false,
            public_discovery: false,
            multi_tenant: false,
            require_if_match: false,
            unique_types: false,
            default_page_size: 100,
            max_page_size: 1_000,
            max_payload: 1024 * 1024,
            filter_limits: scim_filter::FilterLimits::default(),
            patch_limits: scim_patch::PatchLimits::default(),
            max_work: scim_filter::Budget::DEFAULT,
            max_text: None,
            max_bulk_operations: 1_000,
            // Cursors are valid within this process. Processes that share a database need a shared key.
            sealer: Sealer::new(crate::new_id().into_bytes(), Duration::from_secs(3600)),
            me: None,
            policy: Arc::new(AllowAll),
            monitor: None,
        }
    }
}
