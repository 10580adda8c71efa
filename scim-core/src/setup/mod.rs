//! The parts of a service: its options, its resource types with their providers, and its discovery
//! documents. Parsing, executing and responding take all that they know about the service from here.

mod authentication;
mod builder;
mod check;
mod config;
mod discovery;
mod me;

use std::sync::Arc;

use http::Extensions;

use crate::type_index::TypeIndex;
use crate::{BaseUrl, Capabilities, Error, Identity, Result};
use check::check;

pub use authentication::AuthenticationScheme;
pub use builder::ScimServiceBuilder;
pub use check::BuildError;
pub(crate) use config::{Config, Registration};
pub(crate) use discovery::{Discovery, Documents, protocol_version};
pub use me::Me;

/// Everything that is fixed when a service is built.
pub(crate) struct Setup {
    pub(crate) config: Config,
    base_url: BaseUrl,
    registrations: Vec<Registration>,
    /// What the providers can do together.
    pub(crate) capabilities: Capabilities,
    pub(crate) discovery: Discovery,
    /// Tells this service from others of the process.
    pub(crate) token: Arc<()>,
}

impl Setup {
    /// Checks what was configured, and computes the discovery documents from it.
    pub(crate) fn new(config: Config, mut registrations: Vec<Registration>) -> Result<Self, BuildError> {
        let base_url = BaseUrl::new(config.base_url.as_str())?;
        let schemas = check(&config, &mut registrations)?;
        let capabilities = registrations
            .iter()
            .map(|registration| registration.provider.capabilities(&registration.resource_type))
            .reduce(Capabilities::combined)
            .unwrap_or(Capabilities::NONE);
        let discovery = Discovery::new(&config, capabilities, &registrations, &schemas);
        Ok(Self { config, base_url, registrations, capabilities, discovery, token: Arc::new(()) })
    }

    /// The resource types and their providers, in the order in which the host registered them.
    pub(crate) fn registrations(&self) -> impl ExactSizeIterator<Item = (TypeIndex, &Registration)> {
        self.registrations
            .iter()
            .enumerate()
            .map(|(index, registration)| (TypeIndex::new(index), registration))
    }

    pub(crate) fn registration(&self, index: TypeIndex) -> Result<&Registration> {
        let found = self.registrations.get(index.get());
        found.ok_or_else(|| Error::internal("the operation was parsed by another service"))
    }

    /// The first registration whose resource type satisfies a condition.
    pub(crate) fn find(&self, condition: impl Fn(&Registration) -> bool) -> Option<TypeIndex> {
        self.registrations.iter().position(condition).map(TypeIndex::new)
    }

    /// The base URL of a request: the one that the host put into its extensions, else the configured one.
    pub(crate) fn base_url<'a>(&'a self, extensions: &'a Extensions) -> &'a str {
        extensions.get::<BaseUrl>().unwrap_or(&self.base_url).as_str()
    }

    /// Refuses a request without an [`Identity`], unless the options allow it. It is not even parsed.
    pub(crate) fn admit(&self, extensions: &Extensions, is_discovery: bool) -> Result<()> {
        let config = &self.config;
        match extensions.get::<Identity>() {
            Some(identity) if config.multi_tenant && identity.tenant.is_none() => {
                Err(Error::internal("the identity has no tenant, but the service is multi-tenant"))
            }
            Some(_) => Ok(()),
            None if config.allow_anonymous && !config.multi_tenant => Ok(()),
            None if config.public_discovery && is_discovery => Ok(()),
            None => Err(Error::unauthorized()),
        }
    }
}
