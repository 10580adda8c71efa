//! Converts requests from http 0.2 to http 1, and responses from http 1 to http 0.2.

use std::net::{IpAddr, Ipv4Addr};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use actix_web::error::PayloadError;
use actix_web::http::header::{CONTENT_LENGTH, EXPECT, TRANSFER_ENCODING, UPGRADE};
use actix_web::http::{ConnectionType, Method, Version};
use actix_web::web::{Bytes, Payload};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::Stream;
use host_common::Peer;
use http_body::{Body, Frame};
use scim_core::tower::ResponseBody;

/// Converts a request. The target of CONNECT, which is another server, becomes `/`.
pub(crate) fn request(request: &HttpRequest, payload: Payload) -> http::Result<http::Request<RequestBody>> {
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
    let version = match request.version() {
        Version::HTTP_2 => http::Version::HTTP_2,
        _ => http::Version::HTTP_11,
    };
    let mut converted =
        http::Request::builder().method(request.method().as_str()).uri(target).version(version);
    for (name, value) in request.headers() {
        // actix-web has told the client already to send the body.
        if name != EXPECT {
            converted = converted.header(name.as_str(), value.as_bytes());
        }
    }
    let unknown = IpAddr::from(Ipv4Addr::UNSPECIFIED);
    let peer = request.peer_addr().map_or(unknown, |address| address.ip());
    let remaining = body_length(request).unwrap_or(u64::MAX);
    converted.extension(Peer(peer)).body(RequestBody { payload, remaining })
}

/// Converts the response to a request. If the request [asks for another protocol](asks_for_upgrade), the connection is closed
/// after it. Otherwise actix-web would send `Connection: upgrade`, as the client did.
pub(crate) fn response(request: &HttpRequest, response: http::Response<ResponseBody>) -> HttpResponse {
    let status = actix_web::http::StatusCode::from_u16(response.status().as_u16());
    let mut converted = HttpResponse::build(status.unwrap_or_default());
    for (name, value) in response.headers() {
        if name != http::header::CONNECTION {
            converted.append_header((name.as_str(), value.as_bytes()));
        }
    }
    let mut converted = converted.body(response.into_body().into_bytes());
    if asks_for_upgrade(request) {
        converted.head_mut().set_connection_type(ConnectionType::Close);
    }
    converted
}

/// Whether a request asks for another protocol on its connection. The host ignores that (RFC 9110 section 7.8), but
/// actix-web may treat everything that follows as the body.
fn asks_for_upgrade(request: &HttpRequest) -> bool {
    request.method() == Method::CONNECT || request.headers().contains_key(UPGRADE) || request.head().upgrade()
}

/// The length of the body in bytes; `None` if the body itself marks its end. For a request that
/// [asks for another protocol](asks_for_upgrade), the body that actix-web passes on ends only with the connection. So
/// it must be read by its `Content-Length`; without that header there is no body (RFC 9112 section 6.3).
fn body_length(request: &HttpRequest) -> Option<u64> {
    if request.method() == Method::CONNECT {
        return Some(0);
    }
    // The frames of HTTP/2 and chunks mark the end of the body.
    if request.version() == Version::HTTP_2 || request.headers().contains_key(TRANSFER_ENCODING) {
        return None;
    }
    let length = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    Some(length.and_then(|length| length.trim().parse().ok()).unwrap_or(0))
}

/// The body of a request, up to its length.
pub(crate) struct RequestBody {
    payload: Payload,
    /// How many bytes are to come; `u64::MAX` if the body itself marks its end.
    remaining: u64,
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = PayloadError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, PayloadError>>> {
        if self.remaining == 0 {
            return Poll::Ready(None);
        }
        match ready!(Pin::new(&mut self.payload).poll_next(cx)) {
            Some(Ok(mut data)) => {
                data.truncate(usize::try_from(self.remaining).unwrap_or(usize::MAX));
                if self.remaining < u64::MAX {
                    self.remaining -= data.len() as u64;
                }
                Poll::Ready(Some(Ok(Frame::data(data))))
            }
            Some(Err(error)) => Poll::Ready(Some(Err(error))),
            None if self.remaining == u64::MAX => Poll::Ready(None),
            None => Poll::Ready(Some(Err(PayloadError::Incomplete(None)))),
        }
    }
}
