//! Talking to a service on a store, as a client does.

use http::{Method, Request};
use scim_core::patch::PATCH_OP;
use scim_core::schema::{Attribute, ResourceType, Schema, standard};
use scim_core::{Identity, Provider, ScimService, ScimServiceBuilder};
use scim_store::Store;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

/// A URI of attributes of every type.
pub(crate) const MORE: &str = "urn:example:params:scim:schemas:extension:more:2.0:User";

/// Users with an attribute of every type.
pub(crate) fn users() -> ResourceType {
    let more = Schema::new(
        MORE,
        "More",
        [
            Attribute::integer("level"),
            Attribute::decimal("score"),
            Attribute::date_time("hired"),
            Attribute::boolean("remote"),
            Attribute::binary("badge"),
            Attribute::string("tags").multi_valued(),
            Attribute::string("code").case_exact(true),
            Attribute::complex("desks", [Attribute::string("value"), Attribute::integer("floor")])
                .multi_valued(),
        ],
    );
    ResourceType::builder("User", "/Users", standard::user())
        .extension(standard::enterprise_user())
        .extension(more.unwrap())
        .build()
        .unwrap()
}

/// A client of a service on a store, in a tenant of its own.
pub(crate) struct Client<'a> {
    runtime: &'a Runtime,
    service: ScimService,
    pub(crate) tenant: String,
}

impl<'a> Client<'a> {
    pub(crate) fn new(runtime: &'a Runtime, store: &Store) -> Self {
        Self::of(runtime, store.clone(), &super::tenant())
    }

    pub(crate) fn of(runtime: &'a Runtime, store: impl Provider + Clone + 'static, tenant: &str) -> Self {
        Self { runtime, service: builder(store).build().unwrap(), tenant: tenant.to_owned() }
    }

    /// The client of a service that has one more type.
    pub(crate) fn with(
        runtime: &'a Runtime,
        store: &(impl Provider + Clone + 'static),
        on: ResourceType,
    ) -> Self {
        let service = builder(store.clone()).resource(on, store.clone()).build().unwrap();
        Self { runtime, service, tenant: super::tenant() }
    }

    /// The status and the body of the answer.
    pub(crate) fn send(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        self.runtime.block_on(self.call(method, path, body))
    }

    pub(crate) async fn call(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", "application/scim+json")
            .extension(Identity::new("tests").in_tenant(&self.tenant))
            .body(body.map(|body| body.to_string()).unwrap_or_default());
        let response = self.service.handle(request.unwrap()).await;
        // Whoever is told to come again is told when.
        assert_eq!(response.headers().contains_key("retry-after"), response.status() == 503);
        let body = serde_json::from_slice(response.body()).unwrap_or_default();
        (response.status().as_u16(), body)
    }

    pub(crate) fn create(&self, path: &str, body: Value) -> Value {
        let (status, body) = self.send(Method::POST, path, Some(body));
        assert_eq!(status, 201, "{body}");
        body
    }

    pub(crate) fn search(&self, path: &str, search: Value) -> (u16, Value) {
        let mut message = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"] });
        message.as_object_mut().unwrap().extend(search.as_object().unwrap().clone());
        self.send(Method::POST, &format!("{path}/.search"), Some(message))
    }
}

fn builder(store: impl Provider + Clone + 'static) -> ScimServiceBuilder {
    ScimService::builder()
        .base_url("https://scim.example.com")
        .page_size(100, 1_000)
        .resource(users(), store.clone())
        .groups(store)
}

pub(crate) fn user(name: &str) -> Value {
    json!({ "schemas": [standard::USER], "userName": name })
}

/// A PATCH of one operation.
pub(crate) fn patch(operation: Value) -> Option<Value> {
    Some(json!({ "schemas": [PATCH_OP], "Operations": [operation] }))
}

/// The ids of a page.
pub(crate) fn ids(page: &Value) -> Vec<&str> {
    page["Resources"].as_array().unwrap().iter().map(|resource| resource["id"].as_str().unwrap()).collect()
}
