//! The service for tower: when it reads the body, and how much of it.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Request, Response};
use http_body::{Body, Frame};
use scim_core::tower::{Mount, ResponseBody};
use scim_core::{Authenticate, Identity, MemoryProvider, Refusal, ScimService, async_trait};
use serde_json::{Value, json};
use tower_service::Service;

use crate::client::user;

/// A body that counts how many of its frames are read. The data is `repeat` times `data`.
#[derive(Clone)]
struct CountedBody {
    data: Bytes,
    repeat: usize,
    breaks: bool,
    reads: Arc<AtomicUsize>,
}

impl CountedBody {
    fn new(data: impl Into<Bytes>, repeat: usize) -> Self {
        Self { data: data.into(), repeat, breaks: false, reads: Arc::default() }
    }
}

impl Body for CountedBody {
    type Data = Bytes;
    type Error = &'static str;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, &'static str>>> {
        // Every second time there is no data yet, as on a network.
        if self.reads.fetch_add(1, Relaxed).is_multiple_of(2) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if self.repeat == 0 {
            return Poll::Ready(self.breaks.then_some(Err("connection reset")));
        }
        self.repeat -= 1;
        let trailers = || Frame::trailers(HeaderMap::new());
        let frame = if self.data.is_empty() { trailers() } else { Frame::data(self.data.clone()) };
        Poll::Ready(Some(Ok(frame)))
    }
}

/// Accepts the client `tests`. Notes how much of the body was read when it was asked.
#[derive(Clone, Default)]
struct Witness {
    reads: Arc<AtomicUsize>,
    seen: Arc<Mutex<Vec<usize>>>,
}

#[async_trait]
impl Authenticate for Witness {
    async fn authenticate(&self, parts: &Parts) -> Result<Identity, Refusal> {
        self.seen.lock().unwrap().push(self.reads.load(Relaxed));
        match parts.headers.get("x-client") {
            Some(name) if name == "tests" => Ok(Identity::new("tests")),
            _ => Err(Refusal::forbidden("unknown client")),
        }
    }
}

fn service(max_payload: usize) -> ScimService {
    let builder = ScimService::builder().base_url("https://example.com/scim/v2").max_payload(max_payload);
    builder.users(MemoryProvider::new()).build().unwrap()
}

fn post(client: &str) -> http::request::Builder {
    Request::post("/Users").header("x-client", client)
}

/// Sends a request. Returns the status and the JSON of the response.
fn call<B: Body + Send + 'static>(mount: &Mount, request: Request<B>) -> (u16, Value) {
    let mut mount = mount.clone();
    pollster::block_on(async {
        let ready: Result<(), Infallible> =
            std::future::poll_fn(|cx| Service::<Request<B>>::poll_ready(&mut mount, cx)).await;
        ready.unwrap();
        let response = mount.call(request).await.unwrap();
        let status = response.status().as_u16();
        (status, serde_json::from_slice(&bytes_of(response).await).unwrap_or_default())
    })
}

/// The bytes of a response. Checks that the body says in advance how long it is.
async fn bytes_of(response: Response<ResponseBody>) -> Bytes {
    let mut body = response.into_body();
    let length = body.size_hint().exact().unwrap();
    let Some(frame) = std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await else {
        assert_eq!(length, 0);
        return Bytes::new();
    };
    let bytes = frame.unwrap().into_data().unwrap();
    assert!(bytes.len() as u64 == length && body.is_end_stream());
    assert!(std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await.is_none());
    bytes
}

#[test]
fn the_service_answers_requests_of_known_clients() {
    let mount = Mount::new(service(1000), Witness::default());
    let text = user("bea").to_string();
    let (head, tail) = text.split_at(20);
    let (status, created) = call(&mount, post("tests").body(CountedBody::new(text.clone(), 1)).unwrap());
    assert_eq!((status, &created["userName"]), (201, &json!("bea")));
    // A body of another type, in several parts.
    let parts = Bytes::copy_from_slice(head.as_bytes());
    let chained = ChainedBody(vec![Bytes::copy_from_slice(tail.as_bytes()), parts]);
    assert_eq!(call(&mount, post("tests").body(chained).unwrap()).0, 409);
    let path = format!("/scim/v2/Users/{}", created["id"].as_str().unwrap());
    let delete = Request::delete(path).header("x-client", "tests").body(CountedBody::new("", 1)).unwrap();
    assert_eq!(call(&mount, delete), (204, Value::Null));
    assert!(format!("{mount:?}").starts_with("Mount { service: ScimService"));
}

/// A body whose data is shown by pieces, like that of a chain of buffers. Its frames are taken from the end.
struct ChainedBody(Vec<Bytes>);

impl Body for ChainedBody {
    type Data = bytes::buf::Chain<Bytes, Bytes>;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Infallible>>> {
        let frame = self.0.pop().map(|mut data| {
            let first = data.split_to(data.len() / 2);
            Ok(Frame::data(bytes::Buf::chain(first, data)))
        });
        Poll::Ready(frame)
    }
}

#[test]
fn the_client_is_known_before_the_body_is_read() {
    for (client, status) in [("tests", 201), ("stranger", 403)] {
        let body = CountedBody::new(user("bea").to_string(), 1);
        let witness = Witness { reads: Arc::clone(&body.reads), ..Witness::default() };
        let mount = Mount::new(service(1000), witness.clone());
        assert_eq!(call(&mount, post(client).body(body.clone()).unwrap()).0, status);
        assert_eq!(*witness.seen.lock().unwrap(), [0]);
        // The rest is read either way, so that the client gets the answer.
        assert_eq!(body.reads.load(Relaxed), 4);
    }
}

#[test]
fn a_body_that_the_client_holds_back_is_not_read_after_a_refusal() {
    for (expect, client, status, reads) in [
        ("100-continue", "stranger", 403, 0),
        ("100-Continue", "stranger", 403, 0),
        ("something", "stranger", 403, 4),
        ("100-continue", "tests", 201, 4),
    ] {
        let body = CountedBody::new(user("bea").to_string(), 1);
        let mount = Mount::new(service(1000), Witness::default());
        let request = post(client).header("expect", expect).body(body.clone()).unwrap();
        assert_eq!(call(&mount, request).0, status, "{expect}");
        assert_eq!(body.reads.load(Relaxed), reads, "{expect}");
    }
}

#[test]
fn a_body_beyond_the_limit_gets_413() {
    let text = user("bea").to_string();
    let mount = Mount::new(service(text.len()), Witness::default());
    let exact = CountedBody::new(text.clone(), 1);
    assert_eq!(call(&mount, post("tests").body(exact).unwrap()).0, 201);
    let large = CountedBody::new(format!("{text} "), 100);
    let (status, error) = call(&mount, post("tests").body(large.clone()).unwrap());
    assert_eq!((status, &error["status"]), (413, &json!("413")));
    assert!(error["detail"].as_str().unwrap().contains("maxPayloadSize"), "{error}");
    assert_eq!(large.reads.load(Relaxed), 202, "the whole body is read, so that the client gets the answer");
}

#[test]
fn a_body_without_end_is_not_read_to_its_end() {
    const MEBIBYTE: usize = 1024 * 1024;
    let mount = Mount::new(service(MEBIBYTE), Witness::default());
    for (client, status, mebibytes) in [("tests", 413, 66), ("stranger", 403, 65)] {
        let endless = CountedBody::new(vec![b' '; MEBIBYTE], usize::MAX);
        assert_eq!(call(&mount, post(client).body(endless.clone()).unwrap()).0, status);
        assert_eq!(endless.reads.load(Relaxed), 2 * mebibytes, "{client}");
    }
}

#[test]
fn a_broken_body_gets_400() {
    let mount = Mount::new(service(1000), Witness::default());
    let broken = CountedBody { breaks: true, ..CountedBody::new(user("bea").to_string(), 1) };
    let (status, error) = call(&mount, post("tests").body(broken.clone()).unwrap());
    assert_eq!((status, &error["status"]), (400, &json!("400")));
    let broken = CountedBody { reads: Arc::default(), ..broken };
    assert_eq!(call(&mount, post("stranger").body(broken).unwrap()).0, 403);
}

#[test]
fn axum_mounts_it_with_and_without_the_prefix() {
    let mount = Mount::new(service(1000), Witness::default());
    let nested = axum::Router::new().nest_service("/scim/v2", mount.clone());
    let whole = axum::Router::new().fallback_service(mount);
    for mut router in [nested, whole] {
        for (path, status) in [("/scim/v2/Users", 200), ("/scim/v2", 200), ("/scim/v2/Nothing", 404)] {
            let request = Request::get(path).header("x-client", "tests").body(axum::body::Body::empty());
            let response = pollster::block_on(router.call(request.unwrap())).unwrap();
            assert_eq!(response.status(), status, "{path}");
            assert_eq!(response.headers()["content-type"], "application/scim+json", "{path}");
        }
    }
}
