//! What an endpoint announces (RFC 7643 section 5).

use http::Method;
use serde_json::Value;

use super::{Client, Request};

/// The features that an endpoint announces. One that announces nothing may have any.
#[derive(Clone, Debug)]
pub(crate) struct Discovery(Value);

impl Discovery {
    /// Reads the ServiceProviderConfig. An endpoint without one counts as one that announces nothing.
    ///
    /// # Errors
    ///
    /// If there is no answer, or the token is refused.
    pub(crate) async fn read(client: &Client) -> Result<Self, String> {
        let answer = client.send(&Request::new(Method::GET, "/ServiceProviderConfig")).await?;
        match answer.status.as_u16() {
            401 | 403 => Err(answer.reason()),
            200 => Ok(Self(answer.json())),
            _ => Ok(Self(Value::Null)),
        }
    }

    /// Whether a feature is supported: `patch`, `bulk`, `filter`, `sort`, `etag`, `changePassword`, or `cursor` (RFC 9865).
    pub(crate) fn supports(&self, feature: &str) -> bool {
        let pointer = match feature {
            "cursor" => "/pagination/cursor".to_owned(),
            feature => format!("/{feature}/supported"),
        };
        // Paging with cursors is newer than what announces nothing.
        self.0.pointer(&pointer).and_then(Value::as_bool).unwrap_or(feature != "cursor")
    }
}
