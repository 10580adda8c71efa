//! The options of a suite.

use std::sync::Arc;

use scim_schema::{ResourceType, standard};

use super::runtime::{BlockOn, block_on};
use crate::{Identity, Provider};

/// Makes the identity of the requests in a tenant, by the number of the tenant.
pub(super) type Identities = dyn Fn(usize) -> Identity + Send + Sync;

/// The provider under test, and the options of the suite.
pub(super) struct Options {
    pub(super) provider: Arc<dyn Provider>,
    pub(super) resource_types: Vec<ResourceType>,
    pub(super) identities: Box<Identities>,
    pub(super) single_tenant: bool,
    pub(super) flat_groups: bool,
    pub(super) ascii_texts: bool,
    /// Attributes of the first type, and the names of the types that they refer to.
    pub(super) references: Vec<(String, String)>,
    pub(super) block_on: Box<BlockOn>,
}

impl Options {
    pub(super) fn new(provider: impl Provider + 'static) -> Self {
        Self {
            provider: Arc::new(provider),
            resource_types: vec![standard::user_type(), standard::group_type()],
            identities: Box::new(|n| Identity::new("suite").in_tenant(format!("suite-{n}"))),
            single_tenant: false,
            flat_groups: false,
            ascii_texts: false,
            references: Vec::new(),
            block_on: Box::new(block_on),
        }
    }
}
