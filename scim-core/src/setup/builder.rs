//! Configuring a service: its resource types, their providers, and its options.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use scim_schema::{ResourceType, Tolerance, standard};
use serde_json::{Map, Value};

use super::authentication::AuthenticationScheme;
use super::config::{Config, Registration};
use super::me::Me;
use crate::cursor::Sealer;
use crate::{Monitor, Policy, Provider};

/// Configures a [`ScimService`](crate::ScimService).
///
/// A service needs a [base URL](Self::base_url) and at least one resource type; everything else has a default.
#[must_use]
pub struct ScimServiceBuilder {
    pub(crate) config: Config,
    pub(crate) registrations: Vec<Registration>,
}

impl ScimServiceBuilder {
    pub(crate) fn new() -> Self {
        Self { config: Config::default(), registrations: Vec::new() }
    }

    /// Sets the URL below which clients find the endpoints, such as `https://example.com/scim/v2`. Required: the
    /// service never takes it from request headers, which a client can forge.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.config.base_url = url.into();
        self
    }

    /// Serves a resource type from a provider. The response to a successful PATCH shows the resource.
    pub fn resource(self, resource_type: ResourceType, provider: impl Provider + 'static) -> Self {
        self.register(resource_type, provider, false)
    }

    /// Serves a resource type with large resources, such as groups, from a provider. The response to a successful
    /// PATCH is 204 without a body, unless the client asks for attributes.
    pub fn large_resource(self, resource_type: ResourceType, provider: impl Provider + 'static) -> Self {
        self.register(resource_type, provider, true)
    }

    /// Serves the standard [users](standard::user_type) with the enterprise extension.
    pub fn users(self, provider: impl Provider + 'static) -> Self {
        self.resource(standard::user_type(), provider)
    }

    /// Serves the standard [groups](standard::group_type) as [large resources](Self::large_resource).
    pub fn groups(self, provider: impl Provider + 'static) -> Self {
        self.large_resource(standard::group_type(), provider)
    }

    fn register(
        mut self,
        resource_type: ResourceType,
        provider: impl Provider + 'static,
        patch_returns_no_content: bool,
    ) -> Self {
        self.registrations.push(Registration {
            resource_type,
            provider: Arc::new(provider),
            patch_returns_no_content,
        });
        self
    }

    /// Sets which deviations of clients are tolerated; [`Tolerance::lenient`] by default.
    pub fn tolerance(mut self, tolerance: Tolerance) -> Self {
        self.config.tolerance = tolerance;
        self
    }

    /// Sets the authentication schemes that the service announces; [bearer tokens](AuthenticationScheme::bearer)
    /// by default.
    pub fn authentication(mut self, schemes: impl IntoIterator<Item = AuthenticationScheme>) -> Self {
        self.config.authentication = schemes.into_iter().collect();
        self
    }

    /// Sets the `documentationUri` of the service provider configuration.
    pub fn documentation_uri(mut self, uri: impl Into<String>) -> Self {
        self.config.documentation_uri = Some(uri.into());
        self
    }

    /// Adds members to the ServiceProviderConfig under a URN of the host's own, as an extension schema
    /// does to a resource (RFC 7643 section 3.3). Members of the protocol itself cannot be changed:
    /// they say what the service really does.
    ///
    /// ```
    /// use scim_core::{MemoryProvider, ScimService};
    ///
    /// let service = ScimService::builder()
    ///     .base_url("https://example.com/scim/v2")
    ///     .users(MemoryProvider::new())
    ///     .configuration_extension("urn:example:params:scim:support", [("contact", "scim@example.com".into())])
    ///     .build()?;
    /// # Ok::<(), scim_core::BuildError>(())
    /// ```
    pub fn configuration_extension<N: Into<String>>(
        mut self,
        urn: impl Into<String>,
        members: impl IntoIterator<Item = (N, Value)>,
    ) -> Self {
        let members: Map<String, Value> =
            members.into_iter().map(|(name, value)| (name.into(), value)).collect();
        self.config.extensions.push((urn.into(), members));
        self
    }

    /// Allows requests without an [`Identity`](crate::Identity), which are answered with 401 otherwise.
    pub fn allow_anonymous(mut self) -> Self {
        self.config.allow_anonymous = true;
        self
    }

    /// Allows requests to the discovery endpoints without an [`Identity`](crate::Identity) (RFC 7644 section 4).
    pub fn public_discovery(mut self) -> Self {
        self.config.public_discovery = true;
        self
    }

    /// Requires a tenant in every identity. A request whose identity has no tenant is answered with 500, since the
    /// host has a mistake in its middleware.
    ///
    /// Providers are called for one tenant, and cursors, uniqueness and references are within it. The host's
    /// middleware finds out the tenant of a request and puts it into the identity; the
    /// [guide to tenants](crate::guide::tenants) shows how, from the path and from a header.
    pub fn multi_tenant(mut self) -> Self {
        self.config.multi_tenant = true;
        self
    }

    /// Requires `If-Match` in every PUT, PATCH and DELETE, which are answered with 428 otherwise.
    pub fn require_if_match(mut self) -> Self {
        self.config.require_if_match = true;
        self
    }

    /// Refuses resources with two elements of the same `type` in a list, such as two work addresses. By default
    /// they are allowed, as in RFC 7643 section 2.4.
    pub fn unique_types(mut self) -> Self {
        self.config.unique_types = true;
        self
    }

    /// Sets the number of resources in a page if the client sends no `count` (100 by default), and the largest
    /// number (1,000 by default).
    pub fn page_size(mut self, default: usize, max: usize) -> Self {
        // At least one resource: with empty pages a client would never get past the first one.
        self.config.max_page_size = max.max(1);
        self.config.default_page_size = default.clamp(1, max.max(1));
        self
    }

    /// Sets the size of the largest body in bytes; 1 MiB by default. The host should stop reading there.
    pub fn max_payload(mut self, bytes: usize) -> Self {
        self.config.max_payload = bytes;
        self
    }

    /// Sets the limits of a filter.
    pub fn filter_limits(mut self, limits: scim_filter::FilterLimits) -> Self {
        self.config.filter_limits = limits;
        self
    }

    /// Sets the limits of a PATCH request.
    pub fn patch_limits(mut self, limits: scim_patch::PatchLimits) -> Self {
        self.config.patch_limits = limits;
        self
    }

    /// Sets how much work a request may cause, in visits of a [`Budget`](crate::Budget); 10,000,000 by default,
    /// which take less than a second. A query that needs more is refused with 400 `tooMany`, a change with 413. In
    /// a bulk request the operations after it are refused as well.
    pub fn max_work(mut self, visits: u64) -> Self {
        self.config.max_work = visits;
        self
    }

    /// Sets the length of the longest string in bytes, for all resource types. By default each resource type has
    /// [its own limit](scim_schema::ResourceTypeBuilder::max_text), which is 64 KiB by default.
    pub fn max_text(mut self, bytes: usize) -> Self {
        self.config.max_text = Some(bytes);
        self
    }

    /// Sets the largest number of operations in a bulk request; 1,000 by default. With 0, bulk requests are not
    /// supported.
    pub fn max_bulk_operations(mut self, max: usize) -> Self {
        self.config.max_bulk_operations = max;
        self
    }

    /// Sets the secret key that authenticates cursors. Processes that serve the same resources need the same key. By
    /// default each process makes a random key, and a cursor is valid only in the process that made it.
    pub fn cursor_key(mut self, key: impl AsRef<[u8]>) -> Self {
        self.config.sealer = Sealer::new(key.as_ref().to_vec(), self.config.sealer.timeout);
        self
    }

    /// Sets how long a cursor is valid; an hour by default.
    pub fn cursor_timeout(mut self, timeout: Duration) -> Self {
        self.config.sealer.timeout = timeout;
        self
    }

    /// Serves `/Me`; see [`Me`].
    pub fn me(mut self, me: Me) -> Self {
        self.config.me = Some(me);
        self
    }

    /// Sets the policy that decides what callers may do. By default every caller with an identity may do everything.
    pub fn policy(mut self, policy: impl Policy + 'static) -> Self {
        self.config.policy = Arc::new(policy);
        self
    }

    /// Sets the monitor that is notified of every change.
    pub fn monitor(mut self, monitor: impl Monitor + 'static) -> Self {
        self.config.monitor = Some(Box::new(monitor));
        self
    }
}

impl fmt::Debug for ScimServiceBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let types = self.registrations.iter().map(|registration| registration.resource_type.name());
        f.debug_struct("ScimServiceBuilder")
            .field("base_url", &self.config.base_url)
            .field("resource_types", &types.collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}
