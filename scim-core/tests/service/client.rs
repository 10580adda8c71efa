//! Sends requests to a service, and the bodies that most tests send.

use http::{Request, Response};
use scim_core::patch::PATCH_OP;
use scim_core::schema::standard;
use scim_core::{BaseUrl, Identity, ScimService};
use serde_json::{Value, json};

pub(crate) const BULK_REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
pub(crate) const SEARCH_REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";

/// Sends requests to a service.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) service: ScimService,
    identity: Identity,
    base_url: Option<BaseUrl>,
}

impl Client {
    pub(crate) fn new(service: ScimService) -> Self {
        Self { service, identity: Identity::new("tests"), base_url: None }
    }

    /// Returns the client with another identity.
    pub(crate) fn identity(mut self, identity: Identity) -> Self {
        self.identity = identity;
        self
    }

    /// Returns the client with another base URL of the service.
    pub(crate) fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = Some(BaseUrl::new(url).unwrap());
        self
    }

    /// Makes a request as a host passes it to the service.
    pub(crate) fn request(&self, method: &str, path: &str, body: impl Into<Vec<u8>>) -> Request<Vec<u8>> {
        let mut request = Request::builder().method(method).uri(path).extension(self.identity.clone());
        if let Some(base_url) = &self.base_url {
            request = request.extension(base_url.clone());
        }
        request.body(body.into()).unwrap()
    }

    pub(crate) fn send(&self, method: &str, path: &str, body: impl Into<Vec<u8>>) -> Response<Vec<u8>> {
        pollster::block_on(self.service.handle(self.request(method, path, body)))
    }

    /// Sends JSON, or no body if it is `null`. Returns the status and the JSON of the response.
    pub(crate) fn call(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let response = self.send(method, path, body);
        (response.status().as_u16(), json_of(&response))
    }

    /// Sends a request without a body. Returns the status and the JSON of the response.
    pub(crate) fn call_empty(&self, method: &str, path: &str) -> (u16, Value) {
        self.call(method, path, &Value::Null)
    }

    /// Sends GET. Returns the JSON of the response.
    pub(crate) fn get(&self, path: &str) -> Value {
        self.call_empty("GET", path).1
    }

    pub(crate) fn patch(&self, path: &str, operations: Value) -> (u16, Value) {
        self.call("PATCH", path, &patch_request(operations))
    }

    /// Creates a resource. Returns its path.
    pub(crate) fn create(&self, endpoint: &str, resource: &Value) -> String {
        let (status, created) = self.call("POST", endpoint, resource);
        assert_eq!(status, 201, "{created}");
        format!("{endpoint}/{}", created["id"].as_str().unwrap())
    }
}

/// The JSON of a response; `null` if there is none.
pub(crate) fn json_of(response: &Response<Vec<u8>>) -> Value {
    serde_json::from_slice(response.body()).unwrap_or_default()
}

/// A user with a name and no other attributes.
pub(crate) fn user(name: &str) -> Value {
    json!({ "schemas": [standard::USER], "userName": name })
}

/// The body of a PATCH.
pub(crate) fn patch_request(operations: Value) -> Value {
    json!({ "schemas": [PATCH_OP], "Operations": operations })
}

/// The body of a bulk request.
pub(crate) fn bulk_request(operations: Value) -> Value {
    json!({ "schemas": [BULK_REQUEST], "Operations": operations })
}
