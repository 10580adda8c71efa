//! Cases of whole requests, in process, on the memory provider with ten thousand users. Each request is about another
//! user, like the requests of a client, so that the caches do not hold the user from the previous request.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use http::{Request, Response};
use scim_core::patch::PATCH_OP;
use scim_core::schema::standard;
use scim_core::{Identity, MemoryProvider, ScimService};
use serde_json::{Map, Value, json};

use crate::Case;

const USERS: usize = 10_000;

/// The number of operations in a bulk request.
const BULK_OPERATIONS: usize = 1_000;

/// Sends a request. The memory provider is pending only when it yields, so this polls without a runtime, whose time
/// would be measured as well.
fn handle(service: &ScimService, request: Request<Vec<u8>>) -> Response<Vec<u8>> {
    let mut answer = pin!(service.handle(request));
    loop {
        if let Poll::Ready(response) = answer.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return response;
        }
    }
}

fn request(method: &str, path: &str, body: impl Into<Vec<u8>>) -> Request<Vec<u8>> {
    Request::builder()
        .method(method)
        .uri(path)
        .header("content-type", "application/scim+json")
        .extension(Identity::new("benches"))
        .body(body.into())
        .expect("a request")
}

/// A service on a new memory provider.
fn service() -> ScimService {
    let store = MemoryProvider::new().keep_unknown_members();
    ScimService::builder()
        .base_url("https://scim.example.com/scim/v2")
        .users(store.clone())
        .groups(store)
        .max_payload(64 * 1024 * 1024)
        .build()
        .expect("a service")
}

fn user(number: usize) -> Map<String, Value> {
    let mut user = crate::user();
    user.insert("userName".to_owned(), json!(format!("user{number}@example.com")));
    user.insert("externalId".to_owned(), json!(format!("hr-{number:06}")));
    let emails = user.get_mut("emails").and_then(Value::as_array_mut).into_iter().flatten();
    for (position, email) in emails.filter_map(Value::as_object_mut).enumerate() {
        email.insert("value".to_owned(), json!(format!("mail{position}-{number}@example.com")));
    }
    user
}

fn user_body(number: usize) -> Vec<u8> {
    Value::Object(user(number)).to_string().into()
}

/// Creates a resource and returns its path.
fn create(service: &ScimService, endpoint: &str, body: Vec<u8>) -> String {
    let response = handle(service, request("POST", endpoint, body));
    assert_eq!(response.status(), 201, "{}", String::from_utf8_lossy(response.body()));
    let created: Value = serde_json::from_slice(response.body()).expect("a resource");
    format!("{endpoint}/{}", created.get("id").and_then(Value::as_str).expect("an id"))
}

/// A service with users, and their paths.
fn populated() -> (ScimService, Vec<String>) {
    let service = service();
    let paths = (0..USERS).map(|number| create(&service, "/Users", user_body(number))).collect();
    (service, paths)
}

pub(crate) fn cases() -> Vec<Case> {
    // Creating many users fragments the heap. Allocators use a separate arena for each thread, so creating the users on
    // another thread keeps that from affecting the measurements.
    let (service, paths) = std::thread::spawn(populated).join().expect("a service");
    let read = paths.clone();
    let get = move |n: usize| request("GET", read.get(n).expect("a path"), "");
    let filter = |n| request("GET", &format!("/Users?filter=userName%20eq%20%22USER{n}@example.com%22"), "");
    let filter_email =
        |n| request("GET", &format!("/Users?filter=emails.value%20eq%20%22mail0-{n}@example.com%22"), "");
    let get_again = get.clone();
    let page =
        |n: usize| request("GET", &format!("/Users?startIndex={}&count=100", n % (USERS - 100) + 1), "");
    let mut titles = 0;
    let patch = move |path: &str| {
        titles += 1;
        let title = json!([{ "op": "replace", "path": "title", "value": format!("Engineer {titles}") }]);
        request("PATCH", path, patch_body(&title))
    };
    let (mut patch, mut patch_same, same) = (patch, patch, paths.first().expect("a path").clone());
    vec![
        request_case(&service, "service/get", 0.6, get, 200),
        request_case(&service, "service/filter-user-name", 0.9, filter, 200),
        request_case(&service, "service/filter-email", 4.0, filter_email, 200)
            .against(request_case(&service, "G", None, get_again, 200)),
        request_case(&service, "service/page-100", 45.0, page, 200),
        request_case(&service, "service/patch-one", 1.5, move |_| patch_same(&same), 200),
        request_case(&service, "service/patch-any", 1.5, move |n| patch(paths.get(n).expect("a path")), 200),
        create_one(&service),
        add_member("service/add-member-of-10", 1.5, 10),
        add_member("service/add-member-of-100000", 1.5, 100_000),
        add_member("service/add-member-either", 1.5, 100_000).against(add_member("M", None, 10)),
        bulk_creates(),
    ]
}

fn patch_body(operations: &Value) -> String {
    json!({ "schemas": [PATCH_OP], "Operations": operations }).to_string()
}

/// Requests about the users in an order that no cache can predict.
fn request_case(
    service: &ScimService,
    name: &'static str,
    bar: impl Into<Option<f64>>,
    mut prepare: impl FnMut(usize) -> Request<Vec<u8>> + 'static,
    status: u16,
) -> Case {
    let service = service.clone();
    let mut number = 0;
    let prepare = move || {
        number = (number + 7_919) % USERS;
        prepare(number)
    };
    Case::consuming(name, bar, prepare, move |request| {
        let response = handle(&service, request);
        assert_eq!(response.status(), status, "{name}");
        response
    })
}

/// The response to a creation. Dropping it, which is not timed, deletes the user.
struct Created(ScimService, Response<Vec<u8>>);

impl Drop for Created {
    fn drop(&mut self) {
        let location = self.1.headers().get("location").and_then(|location| location.to_str().ok());
        let id = location.and_then(|location| location.rsplit('/').next()).expect("a location");
        assert_eq!(handle(&self.0, request("DELETE", &format!("/Users/{id}"), "")).status(), 204);
    }
}

fn create_one(service: &ScimService) -> Case {
    let (service, mut number) = (service.clone(), USERS);
    let prepare = move || {
        number += 1;
        request("POST", "/Users", user_body(number))
    };
    Case::consuming("service/create", 3.0, prepare, move |request| {
        let response = handle(&service, request);
        assert_eq!(response.status(), 201, "service/create");
        Created(service.clone(), response)
    })
}

/// Adds members, one in each request, to a group that has this size at first.
fn add_member(name: &'static str, bar: impl Into<Option<f64>>, size: usize) -> Case {
    let service = service();
    let id = |number: usize| json!({ "value": format!("6f1b6d52-0c9a-4e0e-9f64-{number:012x}") });
    let members: Vec<Value> = (0..size).map(id).collect();
    let group = json!({ "schemas": [standard::GROUP], "displayName": "All", "members": members });
    let path = create(&service, "/Groups", group.to_string().into());
    let mut number = size;
    let prepare = move || {
        number += 1;
        request(
            "PATCH",
            &path,
            patch_body(&json!([{ "op": "add", "path": "members", "value": [id(number)] }])),
        )
    };
    Case::consuming(name, bar, prepare, move |request| {
        let response = handle(&service, request);
        assert_eq!(response.status(), 204, "{name}");
        response
    })
}

/// A bulk request that creates users, compared with one request for each user.
fn bulk_creates() -> Case {
    let bodies: Vec<Vec<u8>> = (0..BULK_OPERATIONS).map(user_body).collect();
    let operation = |number: usize| json!({ "method": "POST", "path": "/Users", "bulkId": format!("b{number}"), "data": user(number) });
    let operations: Vec<Value> = (0..BULK_OPERATIONS).map(operation).collect();
    let schemas = ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"];
    let bulk = json!({ "schemas": schemas, "Operations": operations }).to_string();
    let singly = Case::consuming(
        "thousand",
        None,
        move || {
            (service(), bodies.iter().map(|body| request("POST", "/Users", body.clone())).collect::<Vec<_>>())
        },
        |(service, requests)| {
            let responses: Vec<_> = requests.into_iter().map(|request| handle(&service, request)).collect();
            assert!(responses.iter().all(|response| response.status() == 201), "all users are created");
            (service, responses)
        },
    );
    let at_once = Case::consuming(
        "service/bulk-1000",
        1.0,
        move || (service(), request("POST", "/Bulk", bulk.clone())),
        |(service, request)| {
            let response = handle(&service, request);
            assert_eq!(response.status(), 200, "service/bulk-1000");
            (service, response)
        },
    );
    at_once.against(singly)
}
