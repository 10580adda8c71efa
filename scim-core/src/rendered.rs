//! The cached JSON of a resource that a store keeps in memory.

use std::sync::Arc;

use http::HeaderValue;

use crate::type_index::TypeIndex;

/// How a resource was shown: cached with a resource that a store keeps, so that its JSON is written once and
/// not for each request. It is valid for one service, base URL and resource type.
pub(crate) struct Rendered {
    /// The token of the service.
    pub(crate) token: Arc<()>,
    pub(crate) base_url: Box<str>,
    pub(crate) type_index: TypeIndex,
    pub(crate) json: Box<[u8]>,
    pub(crate) location: Option<HeaderValue>,
    pub(crate) version: Option<HeaderValue>,
}
