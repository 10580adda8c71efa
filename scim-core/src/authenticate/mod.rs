//! Authentication: who makes a request, asked before its body is read.

mod bearer_token;
mod bearer_tokens;
mod refusal;

use std::sync::Arc;

use async_trait::async_trait;
use http::request::Parts;

use crate::Identity;

pub use bearer_token::bearer_token;
pub use bearer_tokens::BearerTokens;
pub use refusal::Refusal;

/// Finds out who makes a request, from its headers and from what the host's middleware has put into its extensions.
///
/// `tower::Mount` (feature `tower`) and [`ScimService::authenticate`](crate::ScimService::authenticate) ask it before they read the body, and put the identity into the request's extensions. [`BearerTokens`] is one for
/// fixed tokens. A closure that takes `&Parts` is one too, and so are an `Arc` and a `Box<dyn Authenticate>` of one.
///
/// ```
/// use http::request::Parts;
/// use scim_core::{Authenticate, Challenge, Identity, Refusal, async_trait, bearer_token};
///
/// /// Asks the application's table of tokens.
/// struct Sessions(Database);
///
/// #[async_trait]
/// impl Authenticate for Sessions {
///     async fn authenticate(&self, parts: &Parts) -> Result<Identity, Refusal> {
///         let token = bearer_token(&parts.headers)?;
///         match self.0.find(token).await {
///             Ok(Some(client)) => Ok(Identity::new(client)),
///             Ok(None) => Err(Refusal::unauthorized(Challenge::bearer().error("invalid_token"))),
///             Err(error) => Err(Refusal::unavailable(5).with_source(error)),
///         }
///     }
/// }
/// # struct Database;
/// # impl Database {
/// #     async fn find(&self, token: &[u8]) -> std::io::Result<Option<String>> {
/// #         Ok((token == b"secret").then(|| "entra".to_owned()))
/// #     }
/// # }
/// # let (parts, _) = http::Request::get("/Users").header("authorization", "Bearer secret").body(()).unwrap().into_parts();
/// # assert_eq!(pollster::block_on(Sessions(Database).authenticate(&parts)).unwrap().principal, "entra");
/// ```
#[async_trait]
pub trait Authenticate: Send + Sync {
    /// Says who makes the request with these parts.
    ///
    /// # Errors
    ///
    /// A [`Refusal`]: 401 if the credentials are missing or wrong, 403 if the client is known and not welcome, 429 if it
    /// sends too many requests, 503 if authentication does not work at the moment.
    async fn authenticate(&self, parts: &Parts) -> Result<Identity, Refusal>;
}

/// A closure or function, for authentication that does not wait for anything.
///
/// ```
/// use http::request::Parts;
/// use scim_core::{Authenticate, Challenge, Identity, Refusal};
///
/// // A proxy in front of the application has checked the client certificate.
/// let by_certificate = |parts: &Parts| match parts.headers.get("x-client-name").and_then(|name| name.to_str().ok()) {
///     Some(name) => Ok(Identity::new(name)),
///     None => Err(Refusal::forbidden("a client certificate is required")),
/// };
/// let (parts, _) = http::Request::get("/Users").body(()).unwrap().into_parts();
/// assert_eq!(pollster::block_on(by_certificate.authenticate(&parts)).unwrap_err().status(), 403);
/// ```
#[async_trait]
impl<F> Authenticate for F
where
    F: Fn(&Parts) -> Result<Identity, Refusal> + Send + Sync,
{
    async fn authenticate(&self, parts: &Parts) -> Result<Identity, Refusal> {
        self(parts)
    }
}

#[async_trait]
impl<T: Authenticate + ?Sized> Authenticate for Arc<T> {
    async fn authenticate(&self, parts: &Parts) -> Result<Identity, Refusal> {
        (**self).authenticate(parts).await
    }
}

#[async_trait]
impl Authenticate for Box<dyn Authenticate> {
    async fn authenticate(&self, parts: &Parts) -> Result<Identity, Refusal> {
        (**self).authenticate(parts).await
    }
}
