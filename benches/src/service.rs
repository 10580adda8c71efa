//! Whole requests, in process, on a memory store with ten thousand users.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use http::{Request, Response};
use scim_core::{Identity, MemoryProvider, ScimService};
use serde_json::{Value, json};

use crate::Case;

const USERS: usize = 10_000;

/// The answer to a request. A memory store never waits, so no runtime is measured along with it.
fn handle(service: &ScimService, request: Request<Vec<u8>>) -> Response<Vec<u8>> {
    match pin!(service.handle(request)).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(response) => response,
        Poll::Pending => unreachable!("a memory store does not wait"),
    }
}

fn request(method: &str, path: &str, body: &[u8]) -> Request<Vec<u8>> {
    Request::builder()
        .method(method)
        .uri(path)
        .header("content-type", "application/scim+json")
        .extension(Identity::new("benches"))
        .body(body.to_vec())
        .expect("a request")
}

/// A service with its users, and their ids.
fn service() -> (ScimService, Vec<String>) {
    let store = MemoryProvider::new();
    let service = ScimService::builder()
        .base_url("https://scim.example.com/scim/v2")
        .users(store.clone())
        .groups(store)
        .build()
        .expect("a service");
    let mut user = crate::user();
    let create = |number| {
        user.insert("userName".to_owned(), json!(format!("user{number}@example.com")));
        user.insert("externalId".to_owned(), json!(format!("hr-{number:06}")));
        let body = Value::Object(user.clone()).to_string();
        let response = handle(&service, request("POST", "/Users", body.as_bytes()));
        assert_eq!(response.status(), 201, "{}", String::from_utf8_lossy(response.body()));
        let created: Value = serde_json::from_slice(response.body()).expect("a user");
        created.get("id").and_then(Value::as_str).expect("an id").to_owned()
    };
    let ids = (0..USERS).map(create).collect();
    (service, ids)
}

pub(crate) fn cases() -> Vec<Case> {
    // Allocators give a thread memory of its own: what is measured does not pay for the holes that
    // making so many users leaves behind.
    let (service, ids) = std::thread::spawn(service).join().expect("a service");
    let id = ids.get(USERS / 2).expect("one of them");
    vec![answered(&service, "service/get", None, ("GET", &format!("/Users/{id}"), ""), 200)]
}

/// A request whose answer is the same each time.
fn answered(
    service: &ScimService,
    name: &'static str,
    bar: Option<f64>,
    (method, path, body): (&'static str, &str, &'static str),
    status: u16,
) -> Case {
    let (service, path) = (service.clone(), path.to_owned());
    let prepare = move || request(method, &path, body.as_bytes());
    Case::consuming(name, bar, prepare, move |request| {
        let response = handle(&service, request);
        assert_eq!(response.status(), status, "{name}");
        response
    })
}
