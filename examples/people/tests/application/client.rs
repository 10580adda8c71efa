//! Requests of an identity provider, for tests that are about what else happens in the application.

use host_common::testing::RunningHost;
use http::header::CONTENT_TYPE;
use http::{Method, Request, Response};
use serde_json::{Value, json};
use testdata::transcript::Anonymous;

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// Sends a request to a path below the base URL of SCIM. Returns the status and the body of the response.
pub(crate) fn send(host: &RunningHost, method: Method, path: &str, body: &Value) -> (u16, Value) {
    let response = host.send(request(host, method, path, body));
    (response.status().as_u16(), serde_json::from_slice(response.body()).unwrap_or_default())
}

/// The request that [`send`] sends.
pub(crate) fn request(host: &RunningHost, method: Method, path: &str, body: &Value) -> Request<Vec<u8>> {
    let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    let request = Request::builder().method(method).uri(format!("{}{path}", host.base));
    request.header(CONTENT_TYPE, "application/scim+json").body(body).unwrap()
}

/// Creates a user with these members. Returns its id.
pub(crate) fn create_user(host: &RunningHost, login: &str, members: Value) -> String {
    let (status, created) = send(host, Method::POST, "/Users", &user(login, members));
    assert_eq!(status, 201, "{created}");
    created["id"].as_str().unwrap().to_owned()
}

/// The body that creates a user.
pub(crate) fn user(login: &str, mut members: Value) -> Value {
    members["schemas"] = json!([USER]);
    members["userName"] = login.into();
    members
}

/// The body of a PATCH with one operation.
pub(crate) fn patch(op: &str, path: &str, value: Value) -> Value {
    json!({ "schemas": [PATCH_OP], "Operations": [{ "op": op, "path": path, "value": value }] })
}

/// Reads a page of the application, without a token.
pub(crate) fn page(host: &RunningHost, path: &str) -> Response<Vec<u8>> {
    let address = host.base.strip_suffix(host_common::MOUNT_PATH).unwrap();
    let request = Request::get(format!("{address}{path}")).extension(Anonymous).body(Vec::new());
    host.send(request.unwrap())
}
