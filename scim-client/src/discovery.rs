//! What an endpoint announces.

use http::Request;
use serde_json::Value;

use crate::{Client, Unanswered};

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
    /// ```
    pub fn from_json(config: Value) -> Self {
        Self(config)
    }

    /// Whether a feature is supported: `patch`, `bulk`, `filter`, `sort`, `etag`, `changePassword`, or `cursor` (RFC 9865
    /// section 4). What is not announced counts as supported, except for cursors, which are newer.
    pub fn supports(&self, feature: &str) -> bool {
        let pointer = match feature {
            "cursor" => "/pagination/cursor".to_owned(),
            feature => format!("/{feature}/supported"),
        };
        self.0.pointer(&pointer).and_then(Value::as_bool).unwrap_or(feature != "cursor")
    }
}
