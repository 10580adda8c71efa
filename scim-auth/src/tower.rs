//! The OAuth endpoints for axum, hyper and every other server that uses the trait `Service` of tower (feature `tower`).

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use chrono::Utc;
use http::{Request, Response, StatusCode};
use http_body::Body;
use scim_core::BodyBuffer;
use scim_core::tower::{ResponseBody, read_body};
use tower_service::Service;

use crate::Auth;

/// The [endpoints](Auth::respond) of an [`Auth`], as a tower `Service`. Other paths are answered with 404. Cheap to clone.
///
/// ```
/// use axum::Router;
/// use scim_auth::{Auth, MemoryCredentials, tower::OAuthEndpoints};
/// use scim_core::tower::Mount;
/// use scim_core::{MemoryProvider, ScimService};
///
/// # fn app() -> Result<Router, Box<dyn std::error::Error>> {
/// let auth = Auth::builder("https://app.example.com/scim/v2", MemoryCredentials::new()).build()?;
/// let service = ScimService::builder()
///     .base_url("https://app.example.com/scim/v2")
///     .users(MemoryProvider::new())
///     .authentication(auth.schemes())
///     .build()?;
/// let app = Router::new()
///     .nest_service("/scim/v2", Mount::new(service, auth.clone()))
///     .fallback_service(OAuthEndpoints::new(auth));
/// # Ok(app)
/// # }
/// # app().unwrap();
/// ```
#[derive(Clone)]
pub struct OAuthEndpoints(Auth);

impl OAuthEndpoints {
    /// Serves the endpoints.
    pub fn new(auth: Auth) -> Self {
        Self(auth)
    }

    /// Answers a request, for callers that do not need the trait `Service`.
    pub async fn handle<B: Body>(&self, request: Request<B>) -> Response<ResponseBody> {
        let (parts, body) = request.into_parts();
        let buffer = BodyBuffer::new(self.0.token_endpoint().max_body());
        let response = match read_body(body, buffer).await {
            Ok(body) => self.0.respond(&parts, &body, Utc::now()).await,
            Err(_) => Some(empty(StatusCode::BAD_REQUEST)),
        };
        response.unwrap_or_else(|| empty(StatusCode::NOT_FOUND)).map(ResponseBody::from)
    }
}

fn empty(status: StatusCode) -> Response<Vec<u8>> {
    let mut response = Response::new(Vec::new());
    *response.status_mut() = status;
    response
}

impl<B: Body + Send + 'static> Service<Request<B>> for OAuthEndpoints {
    type Response = Response<ResponseBody>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    /// Always ready.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let endpoints = self.clone();
        Box::pin(async move { Ok(endpoints.handle(request).await) })
    }
}

impl fmt::Debug for OAuthEndpoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OAuthEndpoints").field(&self.0).finish()
    }
}
