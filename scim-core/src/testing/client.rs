//! Sending requests to the service under test.

use http::{Method, Request};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use scim_schema::ResourceType;
use serde_json::{Value, json};

use crate::{Identity, ScimService};

/// The base URL that the suite uses.
pub(super) const BASE_URL: &str = "https://suite.example.com/scim/v2";

/// All characters but the unreserved ones (RFC 3986 section 2.3).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Sends requests of one identity.
pub(super) struct Client<'a> {
    service: &'a ScimService,
    identity: Identity,
    resource_types: &'a [ResourceType],
}

/// The response to a request.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) etag: Option<String>,
    pub(super) body: Value,
}

impl Reply {
    /// Returns the reply if it has this status. `sent` describes the request for the message.
    ///
    /// # Errors
    ///
    /// A message with the expected and the actual response.
    pub(super) fn expect(self, status: u16, sent: &str) -> Result<Self, String> {
        if self.status == status {
            return Ok(self);
        }
        Err(format!("sent {sent}, expected status {status}, got {}: {}", self.status, self.body))
    }

    pub(super) fn id(&self) -> String {
        self.body.get("id").and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    pub(super) fn version(&self) -> String {
        self.body.pointer("/meta/version").and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    /// The resources of a list.
    pub(super) fn resources(&self) -> &[Value] {
        self.body.get("Resources").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
    }

    /// The ids of the resources of a list.
    pub(super) fn ids(&self) -> Vec<String> {
        self.resources()
            .iter()
            .filter_map(|r| r.get("id").and_then(Value::as_str))
            .map(str::to_owned)
            .collect()
    }

    pub(super) fn total(&self) -> Option<u64> {
        self.body.get("totalResults").and_then(Value::as_u64)
    }
}

impl<'a> Client<'a> {
    pub(super) fn new(
        service: &'a ScimService,
        identity: Identity,
        resource_types: &'a [ResourceType],
    ) -> Self {
        Self { service, identity, resource_types }
    }

    /// Sends a request. `path` is relative to the base URL; its query must be percent-encoded.
    pub(super) async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        if_match: Option<&str>,
    ) -> Reply {
        let mut request = Request::builder().method(method).uri(format!("{BASE_URL}{path}"));
        if let Some(version) = if_match {
            request = request.header(http::header::IF_MATCH, version);
        }
        let body = body.map(Value::to_string).unwrap_or_default().into_bytes();
        let Ok(mut request) = request.body(body) else {
            return Reply {
                status: 0,
                etag: None,
                body: json!("the suite made an invalid request, which is a bug of the suite"),
            };
        };
        request.extensions_mut().insert(self.identity.clone());
        let response = self.service.handle(request).await;
        let etag =
            response.headers().get(http::header::ETAG).and_then(|tag| tag.to_str().ok()).map(str::to_owned);
        let body = serde_json::from_slice(response.body()).unwrap_or(Value::Null);
        Reply { status: response.status().as_u16(), etag, body }
    }

    pub(super) async fn get(&self, path: &str) -> Reply {
        self.send(Method::GET, path, None, None).await
    }

    pub(super) async fn post(&self, path: &str, body: &Value) -> Reply {
        self.send(Method::POST, path, Some(body), None).await
    }

    pub(super) async fn put(&self, path: &str, body: &Value) -> Reply {
        self.send(Method::PUT, path, Some(body), None).await
    }

    /// Sends a PATCH with these operations.
    pub(super) async fn patch(&self, path: &str, operations: Value) -> Reply {
        self.send(Method::PATCH, path, Some(&patch_body(operations)), None).await
    }

    pub(super) async fn delete(&self, path: &str) -> Reply {
        self.send(Method::DELETE, path, None, None).await
    }

    /// Creates a resource.
    ///
    /// # Errors
    ///
    /// If the status is not 201.
    pub(super) async fn create(&self, resource_type: &ResourceType, body: &Value) -> Result<Reply, String> {
        self.post(resource_type.endpoint(), body)
            .await
            .expect(201, &format!("POST {} {body}", resource_type.endpoint()))
    }

    /// Sends a query. This method percent-encodes the values of the parameters.
    pub(super) async fn query(&self, resource_type: &ResourceType, parameters: &[(&str, &str)]) -> Reply {
        let query: Vec<String> =
            parameters.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
        self.get(&format!("{}?{}", resource_type.endpoint(), query.join("&"))).await
    }

    /// Deletes all resources, and returns how many are still there.
    ///
    /// A provider can refuse to delete a resource that another one refers to, so this tries again as long as the number
    /// of resources becomes smaller.
    pub(super) async fn delete_all(&self) -> usize {
        let mut before = usize::MAX;
        loop {
            let mut found = 0;
            for resource_type in self.resource_types {
                for id in self.query(resource_type, &[("count", "1000")]).await.ids() {
                    found += 1;
                    self.delete(&format!("{}/{id}", resource_type.endpoint())).await;
                }
            }
            if found == 0 || found >= before {
                return found;
            }
            before = found;
        }
    }
}

/// The body of a PATCH.
pub(super) fn patch_body(operations: Value) -> Value {
    json!({ "schemas": [scim_patch::PATCH_OP], "Operations": operations })
}

/// Percent-encodes a value for the query of a URL.
pub(super) fn encode(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}
