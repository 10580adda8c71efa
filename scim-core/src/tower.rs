//! A service for axum, hyper and every other server that uses the trait `Service` of tower (feature `tower`).

use std::convert::Infallible;
use std::fmt;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use http::header::EXPECT;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use tower_service::Service;

use crate::{Authenticate, BodyBuffer, Error, ScimService};

/// A [`ScimService`] with its authentication, as a tower `Service` that answers every request. Cheap to clone.
///
/// For each request it does what a host otherwise does itself:
///
/// 1. It asks [`Authenticate`] who makes the request, and answers a [`Refusal`](crate::Refusal) as a SCIM error.
/// 2. It collects the body, of any type, up to [`max_payload`](ScimService::max_payload) bytes. A larger one is answered
///    with 413, and a broken one with 400.
/// 3. It passes both to [`ScimService::handle`].
///
/// Of a body that is too large, or whose sender was refused, it keeps nothing; but it reads up to 64 MiB of it, since most
/// clients read the response only after they have sent the whole body. A client that sends `Expect: 100-continue` waits
/// for the answer, so if it is refused, its body is not read at all (RFC 9110 section 10.1.1). The library has no timers:
/// a limit for the time that a client takes is the server's.
///
/// In axum this is one line. axum's `nest_service` removes `/scim/v2` from the path; the service accepts paths with and
/// without the path of its base URL, so `fallback_service` works as well.
///
/// ```
/// use axum::Router;
/// use scim_core::tower::Mount;
/// use scim_core::{BearerTokens, Identity, MemoryProvider, ScimService};
///
/// # fn app() -> Result<Router, scim_core::BuildError> {
/// let service = ScimService::builder()
///     .base_url("https://app.example.com/scim/v2")
///     .users(MemoryProvider::new())
///     .build()?;
/// let tokens = BearerTokens::new().token("8f14e45fceea167a5a36dedd4bea2543", Identity::new("entra"));
/// let app = Router::new().nest_service("/scim/v2", Mount::new(service, tokens));
/// # Ok(app)
/// # }
/// # app().unwrap();
/// ```
#[derive(Clone)]
pub struct Mount {
    service: ScimService,
    authenticate: Arc<dyn Authenticate>,
}

impl Mount {
    /// Serves a service to those whom `authenticate` knows.
    pub fn new(service: ScimService, authenticate: impl Authenticate + 'static) -> Self {
        Self { service, authenticate: Arc::new(authenticate) }
    }

    /// Answers a request, for callers that do not need the trait `Service`.
    pub async fn handle<B: Body>(&self, request: Request<B>) -> Response<ResponseBody> {
        self.answer(request).await.map(ResponseBody::from)
    }

    async fn answer<B: Body>(&self, request: Request<B>) -> Response<Vec<u8>> {
        let (mut parts, body) = request.into_parts();
        let refused = self.service.authenticate(&mut parts, &*self.authenticate).await.err();
        if let Some(response) = refused {
            if !waits_for_answer(&parts.headers) {
                // The answer is the same if the rest of the body is broken.
                let _ = read_body(body, BodyBuffer::discarding()).await;
            }
            return response;
        }
        match read_body(body, BodyBuffer::new(self.service.max_payload())).await {
            Ok(body) => self.service.handle(Request::from_parts(parts, body)).await,
            Err(broken) => {
                self.service.error_response(&Error::new(StatusCode::BAD_REQUEST, broken.to_string()))
            }
        }
    }
}

impl<B: Body + Send + 'static> Service<Request<B>> for Mount {
    type Response = Response<ResponseBody>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    /// Always ready.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let mount = self.clone();
        Box::pin(async move { Ok(mount.handle(request).await) })
    }
}

impl fmt::Debug for Mount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mount").field("service", &self.service).finish_non_exhaustive()
    }
}

/// The body of a response, which is in memory as a whole.
#[derive(Clone, Debug, Default)]
pub struct ResponseBody(Bytes);

impl ResponseBody {
    /// The bytes, for a server that does not use the trait `Body`.
    pub fn into_bytes(self) -> Bytes {
        self.0
    }
}

impl From<Vec<u8>> for ResponseBody {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let bytes = std::mem::take(&mut self.0);
        Poll::Ready((!bytes.is_empty()).then(|| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.len() as u64)
    }
}

/// Whether the client sends the body only when the server asks for it, which the server does by reading it.
fn waits_for_answer(headers: &HeaderMap) -> bool {
    headers.get(EXPECT).is_some_and(|expect| expect.as_bytes().eq_ignore_ascii_case(b"100-continue"))
}

/// The body of a request cannot be read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BrokenBody;

impl fmt::Display for BrokenBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the body ended before it was complete, or is malformed")
    }
}

impl std::error::Error for BrokenBody {}

/// Reads a body to its end, or until the buffer is overfull, as [`Mount`] does.
///
/// # Errors
///
/// If the body ends before it is complete, or is malformed.
pub async fn read_body<B: Body>(body: B, mut buffer: BodyBuffer) -> Result<Vec<u8>, BrokenBody> {
    let mut body = pin!(body);
    while !buffer.is_overfull()
        && let Some(frame) = poll_fn(|cx| body.as_mut().poll_frame(cx)).await
    {
        // Trailers are ignored.
        let Ok(mut data) = frame.map_err(|_| BrokenBody)?.into_data() else { continue };
        while data.has_remaining() {
            let chunk = data.chunk();
            let length = chunk.len();
            buffer.push(chunk);
            data.advance(length);
        }
    }
    Ok(buffer.into_bytes())
}
