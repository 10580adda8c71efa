//! A SCIM service in this process.

use std::error::Error;

use scim_core::{Identity, ScimService};
use scim_store::Store;
use scim_sync::{Endpoint, Unreachable, async_trait};

use crate::config::user_type;

/// Who makes the changes, for the outbox and the policy of the service.
const PRINCIPAL: &str = "sync";

/// The users and groups of a `Store`, through the service that checks every request.
#[derive(Debug)]
pub struct InProcess(ScimService);

impl InProcess {
    pub(super) async fn open(database: &str) -> Result<Self, Box<dyn Error>> {
        let store = Store::open(database).await?;
        let service = ScimService::builder()
            // The URLs in responses are not used.
            .base_url("https://localhost/scim/v2")
            .resource(user_type(), store.clone())
            .groups(store)
            .build()?;
        Ok(Self(service))
    }
}

#[async_trait]
impl Endpoint for InProcess {
    async fn send(
        &self,
        mut request: http::Request<Vec<u8>>,
    ) -> Result<http::Response<Vec<u8>>, Unreachable> {
        request.extensions_mut().insert(Identity::new(PRINCIPAL));
        Ok(self.0.handle(request).await)
    }
}
