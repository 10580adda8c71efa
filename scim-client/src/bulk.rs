//! Several operations in one request (RFC 7644 section 3.7).

use std::collections::HashMap;

use http::{Method, Request, StatusCode};
use serde_json::{Map, Value, json};

use crate::{Client, Refused, RequestError};

/// How large a bulk request can be (RFC 7643 section 5); from [`Discovery::bulk_limits`](crate::Discovery::bulk_limits).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BulkLimits {
    /// The largest number of operations.
    pub max_operations: usize,
    /// The largest size of the body in bytes.
    pub max_payload_size: usize,
}

/// The bytes of a bulk request around its operations.
const FRAME: usize =
    r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"Operations":[]}"#.len();

/// A bulk request that is being filled, within the limits of an endpoint. Every operation is executed, whatever came of the
/// others.
///
/// ```
/// use http::Method;
/// use scim_client::{BulkLimits, BulkRequest};
/// use serde_json::json;
///
/// let mut request = BulkRequest::new(BulkLimits { max_operations: 1, max_payload_size: 1_048_576 });
/// assert!(request.push(&Method::POST, "/Users", Some(&json!({ "userName": "bea" })), None));
/// assert!(!request.push(&Method::DELETE, "/Users/7", None, None), "there is no space for it");
/// assert_eq!(request.len(), 1);
/// ```
#[derive(Clone, Debug)]
pub struct BulkRequest {
    limits: BulkLimits,
    /// The JSON of each operation.
    operations: Vec<String>,
    /// The paths of the operations, without those of POST.
    paths: Vec<Option<String>>,
    size: usize,
}

/// What came of one operation of a bulk request.
#[derive(Clone, Debug, PartialEq)]
pub struct BulkResult {
    /// The status of a success, or the error.
    pub outcome: Result<StatusCode, Refused>,
    /// The URL of the resource, if the endpoint says it.
    pub location: Option<String>,
}

impl BulkRequest {
    /// A request without operations.
    pub fn new(limits: BulkLimits) -> Self {
        Self { limits, operations: Vec::new(), paths: Vec::new(), size: FRAME }
    }

    /// How many operations it has.
    pub fn len(&self) -> usize {
        self.operations.len()
    }

    /// Whether it has no operation.
    pub fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }

    /// Adds an operation if there is space for it, and returns whether there was. `path` is relative to the base URL; `version`
    /// is the ETag that the resource must have.
    pub fn push(&mut self, method: &Method, path: &str, data: Option<&Value>, version: Option<&str>) -> bool {
        if self.operations.len() >= self.limits.max_operations {
            return false;
        }
        let mut operation = Map::new();
        operation.insert("method".to_owned(), method.as_str().into());
        operation.insert("path".to_owned(), path.into());
        operation.insert("bulkId".to_owned(), format!("{}", self.operations.len()).into());
        if let Some(version) = version {
            operation.insert("version".to_owned(), version.into());
        }
        if let Some(data) = data {
            operation.insert("data".to_owned(), data.clone());
        }
        let operation = Value::Object(operation).to_string();
        let size = self.size.saturating_add(operation.len() + 1);
        if size > self.limits.max_payload_size {
            return false;
        }
        self.size = size;
        self.operations.push(operation);
        self.paths.push((*method != Method::POST).then(|| path.to_owned()));
        true
    }

    /// Sends it. Returns what came of each operation, in the order of the request; `None` where the endpoint does not say it, so
    /// that the operation may have had an effect.
    ///
    /// # Errors
    ///
    /// If there is no answer, or if the request as a whole is refused: 413 if the endpoint finds it too large (RFC 7644 section
    /// 3.7.4). Without an answer, operations may have had an effect.
    pub async fn send(&self, client: &Client) -> Result<Vec<Option<BulkResult>>, RequestError> {
        let mut body = String::with_capacity(self.size);
        body.push_str(r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"Operations":["#);
        body.push_str(&self.operations.join(","));
        body.push_str("]}");
        let mut request = Request::new(body.into_bytes());
        *request.method_mut() = Method::POST;
        *request.uri_mut() = http::Uri::from_static("/Bulk");
        let response = client.send(request).await?;
        if !response.status().is_success() {
            return Err(Refused::from_response(&response).into());
        }
        let body: Value = serde_json::from_slice(response.body()).unwrap_or_default();
        match body.get("Operations").and_then(Value::as_array) {
            Some(results) => Ok(self.in_order(results)),
            None => Err(RequestError::NotUnderstood("it is not that of a bulk request")),
        }
    }

    /// Finds the operation of each result: by the `bulkId`, which an endpoint need not repeat except for POST, by the location, or
    /// by the order if there is a result for each operation.
    fn in_order(&self, results: &[Value]) -> Vec<Option<BulkResult>> {
        let mut ordered: Vec<Option<BulkResult>> = vec![None; self.len()];
        let by_path: HashMap<&str, usize> = self
            .paths
            .iter()
            .enumerate()
            .filter_map(|(index, path)| Some((path.as_deref()?, index)))
            .collect();
        for (position, result) in results.iter().enumerate() {
            let text = |name| result.get(name).and_then(Value::as_str);
            let by_location = || {
                let location = text("location")?;
                let start = location.match_indices('/').rev().nth(1)?.0;
                by_path.get(location.get(start..)?).copied()
            };
            let by_id = text("bulkId").and_then(|id| id.parse().ok());
            let by_order = (results.len() == self.len()).then_some(position);
            let index = by_id.or_else(by_location).or(by_order);
            if let Some(place) = index.and_then(|index: usize| ordered.get_mut(index)) {
                *place = read(result);
            }
        }
        ordered
    }
}

/// Reads a result. The `status` is a text, in some endpoints a number, or an object with a `code` (an early draft).
fn read(result: &Value) -> Option<BulkResult> {
    let status = result.get("status")?;
    let status = status.get("code").unwrap_or(status);
    let code = match status {
        Value::String(text) => text.parse().ok()?,
        status => u16::try_from(status.as_u64()?).ok()?,
    };
    let status = StatusCode::from_u16(code).ok()?;
    let location = result.get("location").and_then(Value::as_str).map(str::to_owned);
    let outcome = match status.is_success() {
        true => Ok(status),
        false => Err(Refused::from_json(status, result.get("response").unwrap_or(&json!(null)))),
    };
    Some(BulkResult { outcome, location })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_keeps_the_limits() {
        let limits = BulkLimits { max_operations: 10, max_payload_size: 400 };
        let mut request = BulkRequest::new(limits);
        let data = json!({ "userName": "x".repeat(50) });
        while request.push(&Method::POST, "/Users", Some(&data), None) {}
        assert_eq!(request.len(), 2);
        assert!(request.size <= limits.max_payload_size);
        let mut request = BulkRequest::new(BulkLimits { max_operations: 3, ..limits });
        while request.push(&Method::DELETE, "/Users/7", None, None) {}
        assert_eq!(request.len(), 3);
    }

    #[test]
    fn results_are_found_by_their_ids_their_locations_or_their_order() {
        let mut request = BulkRequest::new(BulkLimits { max_operations: 10, max_payload_size: 10_000 });
        request.push(&Method::POST, "/Users", Some(&json!({})), None);
        request.push(&Method::PATCH, "/Users/7", Some(&json!({})), Some("W/\"1\""));
        let created = json!({ "bulkId": "0", "status": "201", "location": "https://a.example/Users/8" });
        let changed = json!({ "status": 200, "location": "https://a.example/scim/Users/7" });
        let statuses = |results: &[Value]| -> Vec<Option<u16>> {
            let status = |result: BulkResult| match result.outcome {
                Ok(status) => status.as_u16(),
                Err(refused) => refused.status.as_u16(),
            };
            request.in_order(results).into_iter().map(|result| result.map(status)).collect()
        };
        assert_eq!(statuses(&[changed.clone(), created.clone()]), [Some(201), Some(200)]);
        assert_eq!(statuses(&[changed]), [None, Some(200)]);
        let refused = json!({ "status": { "code": "409" }, "response": { "detail": "taken" } });
        assert_eq!(statuses(&[refused.clone(), json!({ "status": "204" })]), [Some(409), Some(204)]);
        assert_eq!(statuses(&[refused]), [None, None]);
    }
}
