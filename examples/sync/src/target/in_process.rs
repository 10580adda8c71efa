//! A SCIM service in this process.

use std::error::Error;

use scim_core::schema::{Attribute, ResourceType, Schema, standard};
use scim_core::{Identity, ScimService};
use scim_store::Store;
use scim_sync::{Endpoint, Unreachable, async_trait};
use serde_json::{Value, json};

use crate::config::user_type;

/// Who makes the changes, for the outbox and the policy of the service.
const PRINCIPAL: &str = "sync";

/// The users and groups of a `Store`, through the service that checks every request.
#[derive(Debug)]
pub struct InProcess(ScimService);

impl InProcess {
    /// A service of the application.
    pub fn new(service: ScimService) -> Self {
        Self(service)
    }

    pub(super) async fn open(database: &str) -> Result<Self, Box<dyn Error>> {
        let store = Store::open(database).await?;
        let service = ScimService::builder()
            // The URLs in responses are not used.
            .base_url("https://localhost/scim/v2")
            .resource(user_type(), store.clone())
            .resource(group_type()?, store)
            .build()?;
        Ok(Self(service))
    }
}

/// Groups whose members have an access level.
fn group_type() -> Result<ResourceType, Box<dyn Error>> {
    let mut schema = serde_json::to_value(standard::group())?;
    let attributes = schema.get_mut("attributes").and_then(Value::as_array_mut).into_iter().flatten();
    for members in attributes.filter(|attribute| attribute.get("name") == Some(&json!("members"))) {
        if let Some(Value::Array(sub_attributes)) = members.get_mut("subAttributes") {
            sub_attributes.push(serde_json::to_value(
                Attribute::string("access").with_description("What the member may do."),
            )?);
        }
    }
    Ok(ResourceType::builder("Group", "/Groups", Schema::from_value(&schema)?).build()?)
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
