//! The service checks the ids that a provider gives to new resources (RFC 7643 section 3.1).

use scim_core::{Context, MemoryProvider, Provider, Resource, Result, ScimService, async_trait};

use crate::client::{Client, user};
use crate::overriding::{Overrides, Overriding};

/// Gives every new resource the same id.
struct FixedId(&'static str, MemoryProvider);

#[async_trait]
impl Overrides for FixedId {
    fn inner(&self) -> &dyn Provider {
        &self.1
    }

    async fn create(&self, cx: &Context<'_>, resource: Resource) -> Result<Resource> {
        Ok(resource.stamp_new(cx, self.0))
    }
}

#[test]
fn an_id_that_is_empty_or_that_a_bulk_request_could_use_is_an_internal_error() {
    for (id, status) in [("42", 201), ("", 500), ("bulkId", 500), ("xbulkIdx", 500), ("bulkid", 201)] {
        let provider = Overriding(FixedId(id, MemoryProvider::new()));
        let service = ScimService::builder().base_url("https://example.com").users(provider).build().unwrap();
        assert_eq!(Client::new(service).call("POST", "/Users", &user("bea")).0, status, "{id:?}");
    }
}
