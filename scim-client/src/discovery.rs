//! What an endpoint announces.

use http::{Method, Request};
use serde_json::Value;

use crate::{BulkLimits, Client, Unanswered};

/// The features that an endpoint announces in its ServiceProviderConfig (RFC 7643 section 5).
#[derive(Clone, Debug, Default)]
pub struct Discovery(Value);

impl Discovery {
    /// Reads the ServiceProviderConfig. An endpoint that has none announces nothing.
    ///
    /// # Errors
    ///
    /// If there is no answer.
    pub async fn read(client: &Client) -> Result<Self, Unanswered> {
        let mut request = Request::new(Vec::new());
        *request.uri_mut() = http::Uri::from_static("/ServiceProviderConfig");
        let response = client.send(request).await?;
        Ok(Self::from_json(match response.status().is_success() {
            true => serde_json::from_slice(response.body()).unwrap_or_default(),
            false => Value::Null,
        }))
    }

    /// The features in the JSON of a ServiceProviderConfig.
    ///
    /// ```
    /// use scim_client::Discovery;
    /// use serde_json::json;
    ///
    /// let discovery = Discovery::from_json(json!({ "bulk": { "supported": false } }));
    /// assert!(!discovery.supports("bulk") && !discovery.supports("cursor"));
    /// assert!(discovery.supports("patch"), "it is not said, so it may work");
    /// assert!(!discovery.announces("patch"));
    /// ```
    pub fn from_json(config: Value) -> Self {
        Self(config)
    }

    /// Whether a feature is supported: `patch`, `bulk`, `filter`, `sort`, `etag`, `changePassword`, or `cursor` (RFC 9865
    /// section 4). What is not announced counts as supported, except for cursors, which are newer.
    pub fn supports(&self, feature: &str) -> bool {
        self.flag(feature).unwrap_or(feature != "cursor")
    }

    /// Whether the endpoint says that it supports a feature; see [`supports`](Self::supports) for their names.
    pub fn announces(&self, feature: &str) -> bool {
        self.flag(feature).unwrap_or(false)
    }

    fn flag(&self, feature: &str) -> Option<bool> {
        let pointer = match feature {
            "cursor" => "/pagination/cursor".to_owned(),
            feature => format!("/{feature}/supported"),
        };
        self.0.pointer(&pointer).and_then(Value::as_bool)
    }

    /// The method that changes a resource: PATCH, or PUT if the endpoint says that it does not support PATCH (RFC 7644
    /// sections 3.5.1 and 3.5.2).
    ///
    /// ```
    /// use scim_client::Discovery;
    /// use serde_json::json;
    ///
    /// let discovery = Discovery::from_json(json!({ "patch": { "supported": false } }));
    /// assert_eq!(discovery.update_method(), http::Method::PUT);
    /// assert_eq!(Discovery::default().update_method(), http::Method::PATCH);
    /// ```
    pub fn update_method(&self) -> Method {
        if self.supports("patch") { Method::PATCH } else { Method::PUT }
    }

    /// How large a bulk request can be (RFC 7644 section 3.7.4); `None` if the endpoint does not announce bulk requests, or
    /// allows no operation in them. A limit that is not said is 100 operations, and 256 KiB.
    ///
    /// ```
    /// use scim_client::Discovery;
    /// use serde_json::json;
    ///
    /// let bulk = json!({ "supported": true, "maxOperations": 1000, "maxPayloadSize": 1_048_576 });
    /// let limits = Discovery::from_json(json!({ "bulk": bulk })).bulk_limits().unwrap();
    /// assert_eq!((limits.max_operations, limits.max_payload_size), (1000, 1_048_576));
    /// assert!(Discovery::default().bulk_limits().is_none());
    /// ```
    pub fn bulk_limits(&self) -> Option<BulkLimits> {
        let limit = |name: &str, default: usize| {
            let value = self.0.pointer(&format!("/bulk/{name}")).and_then(Value::as_u64);
            value.map_or(default, |value| usize::try_from(value).unwrap_or(usize::MAX))
        };
        let limits = BulkLimits {
            max_operations: limit("maxOperations", 100),
            max_payload_size: limit("maxPayloadSize", 256 * 1024),
        };
        (self.announces("bulk") && limits.max_operations > 0 && limits.max_payload_size > 0).then_some(limits)
    }

    /// The largest number of resources in an answer to a query (RFC 7643 section 5), if the endpoint says it.
    pub fn max_results(&self) -> Option<usize> {
        let value = self.0.pointer("/filter/maxResults").and_then(Value::as_u64)?;
        usize::try_from(value).ok().filter(|value| *value > 0)
    }
}
