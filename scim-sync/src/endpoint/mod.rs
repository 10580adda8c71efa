//! The SCIM endpoint whose users and groups are kept up to date.

mod client;
mod failure;
mod groups;

pub(crate) use client::{Client, Created, user_path};
pub(crate) use failure::Failure;
pub(crate) use groups::{MemberPatch, MembersFailure, no_group};

use scim_core::async_trait;

/// Sends SCIM requests: to a service in the same process, or over HTTP.
///
/// A service in the same process is called with the identity that it shall see:
///
/// ```
/// use scim_core::{Identity, MemoryProvider, ScimService, async_trait};
/// use scim_sync::{Endpoint, Unreachable};
///
/// struct InProcess(ScimService);
///
/// #[async_trait]
/// impl Endpoint for InProcess {
///     async fn send(&self, mut request: http::Request<Vec<u8>>) -> Result<http::Response<Vec<u8>>, Unreachable> {
///         request.extensions_mut().insert(Identity::new("sync"));
///         Ok(self.0.handle(request).await)
///     }
/// }
///
/// let store = MemoryProvider::new();
/// let service = ScimService::builder().base_url("https://example.com/scim/v2").users(store.clone()).groups(store).build()?;
/// let endpoint = InProcess(service);
/// # Ok::<(), scim_core::BuildError>(())
/// ```
#[async_trait]
pub trait Endpoint: Send + Sync {
    /// Sends a request and returns the response, whatever its status. The path is relative to the base URL: `/Users/7`.
    ///
    /// The implementation waits and sends a request again after 429. After 503, or if it does not know whether a request arrived,
    /// it sends only again what has the same effect twice, such as a GET; a run looks up what a POST has created.
    ///
    /// # Errors
    ///
    /// If there is no response. The request may have had an effect.
    async fn send(&self, request: http::Request<Vec<u8>>) -> Result<http::Response<Vec<u8>>, Unreachable>;
}

/// There is no response of an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the SCIM endpoint did not answer: {0}")]
pub struct Unreachable(String);

impl Unreachable {
    /// An error with this cause.
    pub fn new(cause: impl std::fmt::Display) -> Self {
        Self(cause.to_string())
    }
}
